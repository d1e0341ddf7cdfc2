//! The packet filter's newer interface (Linux), table by table. Tables that the newer `iptables` has
//! made are among them; their content is put back by that one alone, since it does not understand
//! them any more once nft has loaded them.

use std::collections::BTreeSet;

use super::ask::{Answer, Ask, run};
use super::{Change, Command, Kind, Table, Undo};

/// Rules of nftables.
pub(super) struct Nft;

/// What is noted of a table that `iptables` answers for.
const OF_IPTABLES: &str = "rules of iptables";
/// Its tables, and the chains with which they begin.
const TABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];
const CHAINS: [&str; 5] = ["INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"];

impl Kind for Nft {
    fn name(&self) -> &'static str {
        "nft"
    }

    fn asks(&self) -> Vec<Ask> {
        // Without counters; and whether there is an iptables.
        vec![
            run(["nft", "--stateless", "list", "ruleset"]),
            run(["iptables-save", "--version"]),
        ]
    }

    /// An item is a table by family and name; its value is what makes it.
    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let Some(Some(text)) = answers.first() else {
            return Ok(Table::new());
        };
        let iptables = answers.get(1).is_some_and(Option::is_some);
        let mut tables = Table::new();
        let mut open: Option<(String, String)> = None;
        for line in text.lines() {
            if let Some((name, value)) = &mut open {
                value.push_str(line);
                value.push('\n');
                if line == "}" {
                    tables.insert(std::mem::take(name), std::mem::take(value));
                    open = None;
                }
                continue;
            }
            let name = line.strip_prefix("table ").and_then(|l| l.split_once(" {"));
            match name {
                // An empty one is closed in the same line.
                Some((name, "}" | " }")) => {
                    tables.insert(name.to_owned(), format!("{line}\n"));
                }
                Some((name, _)) => open = Some((name.to_owned(), format!("{line}\n"))),
                // A warning to people.
                None if line.is_empty() || line.starts_with('#') => {}
                None => return Err(format!("nft has another form: {line}")),
            }
        }
        for (name, value) in &mut tables {
            if iptables && is_of_iptables(name, value) {
                OF_IPTABLES.clone_into(value);
            }
        }
        match open {
            None => Ok(tables),
            Some((name, _)) => Err(format!("nft has another form: table {name} has no end")),
        }
    }

    /// In what order the chains and sets of a table were made says nothing.
    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        let mut all = super::changed(before, now);
        all.retain(|change| match (&change.was, &change.is) {
            (Some(was), Some(is)) => parts(was) != parts(is),
            (Some(was), None) => was != OF_IPTABLES,
            _ => true,
        });
        all
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        let mut all = Vec::new();
        let mut script = String::new();
        for Change { item, was, is } in changes {
            let was = was.as_deref().unwrap_or_default();
            // Shown in words that nft itself does not take.
            if was == OF_IPTABLES || was.contains("xt target") || was.contains("xt match") {
                all.push(Undo::Left(format!(
                    "load the rules of table {item} again (nft can't load those that iptables made)"
                )));
                continue;
            }
            if is.is_some() {
                script.push_str(&format!("delete table {item}\n"));
            }
            script.push_str(was);
        }
        if !script.is_empty() {
            all.push(Undo::Run(vec![Command {
                argv: ["nft", "-f", "-"].map(str::to_owned).to_vec(),
                input: script,
            }]));
        }
        all
    }
}

fn is_of_iptables(name: &str, value: &str) -> bool {
    let table = name
        .strip_prefix("ip ")
        .or_else(|| name.strip_prefix("ip6 "));
    let chain = |line: &str| -> bool {
        let name = line
            .strip_prefix("\tchain ")
            .and_then(|l| l.strip_suffix(" {"));
        name.is_some_and(|name| CHAINS.contains(&name))
    };
    table.is_some_and(|table| TABLES.contains(&table)) && value.lines().any(chain)
}

/// The chains, sets and objects of a table, and its own lines.
fn parts(table: &str) -> BTreeSet<Vec<&str>> {
    let mut parts = BTreeSet::new();
    let mut part = Vec::new();
    for line in table.lines().skip(1).filter(|line| !line.is_empty()) {
        part.push(line);
        let inside = line.starts_with("\t\t") || line.ends_with('{');
        if !inside {
            parts.insert(std::mem::take(&mut part));
        }
    }
    parts.insert(part);
    parts
}
