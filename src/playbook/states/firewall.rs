//! The packet filter's rules as they are in force (Linux).

use super::ask::{Answer, Ask, run};
use super::{Change, Command, Kind, Table, Undo, command};

/// Debian's and Ubuntu's front end: on or off. Its files are in `/etc`.
pub(super) struct Ufw;
/// Rules of the older interface, for IPv4 or IPv6.
pub(super) struct Iptables {
    pub(super) six: bool,
}

/// The one item of a kind that is put back as a whole.
const RULES: &str = "rules";

impl Kind for Ufw {
    fn name(&self) -> &'static str {
        "ufw"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![run(["ufw", "status"])]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let status = text(answers)
            .lines()
            .find_map(|l| l.strip_prefix("Status: "));
        let status = status.ok_or("ufw status has another form")?;
        Ok(Table::from([(
            "status".to_owned(),
            status.trim().to_owned(),
        )]))
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let word = |change: &Change| match change.was.as_deref() {
            Some("active") => "enable",
            _ => "disable",
        };
        let back = |c: &Change| Undo::Run(vec![command(["ufw", "--force", word(c)])]);
        changes.iter().map(back).collect()
    }
}

impl Kind for Iptables {
    fn name(&self) -> &'static str {
        if self.six { "ip6tables" } else { "iptables" }
    }

    fn asks(&self) -> Vec<Ask> {
        vec![run([format!("{}-save", self.name())])]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        // Without counters, and without the time of day.
        let mut rules = String::new();
        for line in text(answers).lines().filter(|l| !l.starts_with('#')) {
            let line = match line.rsplit_once(" [") {
                Some((chain, _)) if line.starts_with(':') => format!("{chain} [0:0]"),
                _ => line.to_owned(),
            };
            rules.push_str(&line);
            rules.push('\n');
        }
        Ok(Table::from([(RULES.to_owned(), rules)]))
    }

    /// A table is there once somebody has looked at it: an empty one is none.
    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        let rules = |table: &Table| table.get(RULES).cloned().unwrap_or_default();
        if tables(&rules(before)) == tables(&rules(now)) {
            return Vec::new();
        }
        super::changed(before, now)
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let Some(change) = changes.first() else {
            return Vec::new();
        };
        let mut rules = change.was.clone().unwrap_or_default();
        let is = change.is.as_deref().unwrap_or_default();
        // A table that was not there is emptied; the program flushes those that it is given.
        for line in is.lines().filter(|l| l.starts_with('*')) {
            if !rules.lines().any(|l| l == line) {
                let open = is.lines().skip_while(|l| *l != line).skip(1);
                let chains = open
                    .take_while(|l| *l != "COMMIT")
                    .filter(|l| l.starts_with(':'));
                let built_in = chains.filter(|l| !l.contains(" - "));
                let accept = built_in.map(|l| {
                    let name = l.split(' ').next().unwrap_or_default();
                    format!("{name} ACCEPT [0:0]\n")
                });
                rules.push_str(&format!("{line}\n{}COMMIT\n", accept.collect::<String>()));
            }
        }
        vec![Undo::Run(vec![Command {
            argv: vec![format!("{}-restore", self.name())],
            input: rules,
        }])]
    }
}

/// The tables that hold anything, each with its lines.
fn tables(rules: &str) -> Vec<Vec<&str>> {
    rules
        .split("COMMIT\n")
        .map(|table| table.lines().collect::<Vec<_>>())
        .filter(|table| {
            let plain = |l: &&str| l.starts_with('*') || l.ends_with(" ACCEPT [0:0]");
            !table.iter().all(plain)
        })
        .collect()
}

fn text(answers: &[Answer]) -> &str {
    answers
        .first()
        .and_then(Option::as_deref)
        .unwrap_or_default()
}
