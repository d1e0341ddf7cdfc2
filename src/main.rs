//! The secloop program.

fn main() {}
