//! Energy settings (macOS).

use super::ask::{Answer, Ask, run};
use super::{Change, Kind, Table, Undo, command};

/// Settings by source of power.
pub(super) struct Power;

impl Kind for Power {
    fn name(&self) -> &'static str {
        "pmset"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![run(["pmset", "-g", "custom"])]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let text = answers
            .first()
            .and_then(Option::as_deref)
            .unwrap_or_default();
        let mut table = Table::new();
        let mut flag = "";
        for line in text.lines() {
            flag = match line.trim_end() {
                "Battery Power:" => "-b",
                "AC Power:" => "-c",
                "UPS Power:" => "-u",
                _ => flag,
            };
            // A name may have spaces ("Sleep On Power Button"); such are no arguments of pmset.
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ([name, value], true) = (words.as_slice(), line.starts_with(' ')) {
                table.insert(format!("{flag} {name}"), (*value).to_owned());
            }
        }
        Ok(table)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        changes
            .iter()
            .map(|change| match (change.item.split_once(' '), &change.was) {
                (Some((flag, name)), Some(was)) => {
                    Undo::Run(vec![command(["pmset", flag, name, was])])
                }
                _ => Undo::Left(format!("look at {} in pmset -g custom", change.item)),
            })
            .collect()
    }
}
