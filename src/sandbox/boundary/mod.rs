//! What the boundary has to stop, and what has to work inside: one table, which the tests put to the
//! profile of macOS as text, and `secloop doctor --boundary` to the machine that it runs on.

mod table;

pub use table::{Act, EXPECTED, Expectation, On, Target, Wanted};
