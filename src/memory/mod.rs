//! What the loop remembers: which holes it knows, under whatever words, and what became of them.
//! Pure; the ledger holds the entries.

mod fact;
mod places;
mod print;
mod repeat;
mod scope;
mod summary;
mod words;

pub(crate) use fact::REFUSED;
pub use fact::{Fact, Kind, MAX_TEXT, decided, of_turn};
pub use places::home_relative;
pub use print::Print;
pub use repeat::{Known, Seen, near, seen};
pub use scope::Scope;
pub use summary::{summary, tokens};
