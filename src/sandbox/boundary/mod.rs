//! What the boundary has to stop, and what has to work inside: one table, which the tests put to the
//! profile of macOS as text, and `secloop doctor --boundary` to the machine that it runs on.

mod act;
mod ground;
mod table;

/// The hidden command under which secloop makes attempts.
pub const WORD: &str = "boundary-probe";

pub use act::{GREETING, MARK, Report, Task, attempt, hold, stay};
pub use ground::{Ground, Opened};
pub use table::{Act, EXPECTED, Expectation, On, Target, Wanted};
