//! Profiles of macOS read as text: a reader of their S-expressions, a judge who answers what the
//! last matching rule says, and a look for what must never be in one.

mod judge;
mod lint;
mod read;

pub(super) use judge::{Kind, Profile, Query, Subject};
pub(super) use lint::lint;
pub(super) use read::{Expr, read};
