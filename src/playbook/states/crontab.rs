//! The caller's own table of timed jobs. Those of others are files (see `playbook::system`).

use super::ask::{Answer, Ask};
use super::{Change, Command, Kind, Table, Undo, command};

/// The table as a whole.
pub(super) struct Crontab;

impl Kind for Crontab {
    fn name(&self) -> &'static str {
        "crontab"
    }

    fn asks(&self) -> Vec<Ask> {
        // Without a table it says so and ends with 1.
        vec![Ask::Run {
            argv: ["crontab", "-l"].map(str::to_owned).to_vec(),
            also: vec![1],
        }]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let text = answers
            .first()
            .and_then(Option::as_deref)
            .unwrap_or_default();
        if text.is_empty() {
            return Ok(Table::new());
        }
        Ok(Table::from([("own".to_owned(), text.to_owned())]))
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let back = |change: &Change| match &change.was {
            None => command(["crontab", "-r"]),
            Some(was) => Command {
                argv: ["crontab", "-"].map(str::to_owned).to_vec(),
                input: was.clone(),
            },
        };
        changes.iter().map(|c| Undo::Run(vec![back(c)])).collect()
    }
}
