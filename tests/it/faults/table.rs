//! The table at the end.

use std::fmt::Write as _;
use std::io::Write as _;

use super::{Fault, Lane};

/// One line of it.
pub(super) struct Row {
    case: String,
    fault: String,
    seen: String,
    took: String,
    survived: bool,
}

impl Row {
    /// Provokes a fault.
    pub(super) fn of(fault: &Fault, lane: &Lane) -> Self {
        let started = std::time::Instant::now();
        let provoke = std::panic::AssertUnwindSafe(|| (fault.provoke)(lane));
        let seen = std::panic::catch_unwind(provoke)
            .unwrap_or_else(|_| Err("the test itself failed, see above".to_owned()));
        let mut row = Self::new(fault.case, fault.name, seen);
        row.took = format!("{:.1} s", started.elapsed().as_secs_f32());
        row
    }

    pub(super) fn new(case: &str, fault: &str, seen: Result<String, String>) -> Self {
        let survived = seen.is_ok();
        Self {
            case: case.to_owned(),
            fault: fault.to_owned(),
            seen: seen.unwrap_or_else(|why| why),
            took: String::new(),
            survived,
        }
    }

    /// By the number of the case.
    fn place(&self) -> (u32, String) {
        let number = self.case.chars().take_while(char::is_ascii_digit);
        let number: String = number.collect();
        (number.parse().unwrap_or(u32::MAX), self.fault.clone())
    }
}

/// Shows the table, past the test harness, which swallows what a passing test prints. Whether all
/// is well.
pub(super) fn show(mut rows: Vec<Row>) -> bool {
    rows.sort_by_key(Row::place);
    let width = |of: fn(&Row) -> &str| rows.iter().map(|r| of(r).chars().count()).max();
    let fault = width(|r| &r.fault).unwrap_or(0);
    let mut text = format!(
        "\n case │ {:fault$} │ verdict  │ {:>6} │ seen\n",
        "fault", "time"
    );
    for row in &rows {
        let verdict = if row.survived { "survived" } else { "FAILED  " };
        let _ = writeln!(
            text,
            " {:>4} │ {:fault$} │ {verdict} │ {:>6} │ {}",
            row.case, row.fault, row.took, row.seen
        );
    }
    let well = rows.iter().filter(|r| r.survived).count();
    let _ = writeln!(text, " {well} of {} faults are survived", rows.len());
    let _ = std::io::stderr().write_all(text.as_bytes());
    well == rows.len()
}
