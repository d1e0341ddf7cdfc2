//! What Claude Code cost on this machine on one calendar day.
//!
//! ```text
//! roots ─ walk ─ files ─ scan ─ rows ─ tally (one entry per call) ─ price ─ day ─ view
//!                                              own runs, cost-state ┘
//! ```
//!
//! Whatever can't be read makes the result incomplete, and an incomplete result closes the gate.
//! Sums are integers in nano-dollars; prices are data (`prices.json`) and the rule is Claude
//! Code's own. The clock is passed in, nothing is written.

mod batch;
mod block;
mod call;
mod calls;
mod day;
mod index;
mod indexed;
mod ingest;
mod key;
mod lines;
mod live;
mod loose;
mod model;
mod prices;
mod quick;
mod roots;
mod row;
mod scan;
mod settle;
mod sum;
mod table;
mod tally;
mod usage;
mod view;
mod walk;
mod window;
mod written;

pub use day::{DayQuery, DaySpend, Most, Share, day};
pub use indexed::{Progress, Reading, day_indexed};
pub use live::{Booked, Day, Limits, Meter, Others, OthersSpend, Reached};
pub use prices::PriceTable;
pub use roots::roots;
pub use table::{Screen, price_age_days, table};
pub use view::{By, json};
pub use window::Window;

/// The transcripts below the roots that were written since a time, and what could not be looked at.
pub fn transcripts(
    roots: &[std::path::PathBuf],
    since: chrono::DateTime<chrono::Utc>,
) -> (Vec<std::path::PathBuf>, Vec<String>) {
    let listing = walk::walk(roots);
    let young = |f: &walk::Found| f.touched().is_none_or(|at| at >= since);
    let files = listing.files.iter().filter(|f| young(f));
    let mut files: Vec<_> = files.map(|f| f.path.clone()).collect();
    files.sort();
    (files, listing.problems)
}

use crate::gate::MicroUsd;

/// A run of the supervisor's own that has ended, as its ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRun {
    /// The agent's session, which joins the run with its transcript; `None` where none is known.
    pub session: Option<String>,
    /// When it ended.
    pub finished: chrono::DateTime<chrono::Utc>,
    /// What it cost by its own account (of a resumed session: only the increase).
    pub cost: MicroUsd,
}
