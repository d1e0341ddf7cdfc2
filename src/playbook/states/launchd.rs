//! launchd: whether jobs may start, and whether they are loaded (macOS).

use super::ask::{Answer, Ask, run};
use super::{Change, Command, Kind, Table, Undo, changed, command};

/// Jobs of the system, or of the user's session.
pub(super) struct Launchd {
    /// Whose session; `None`: the system's.
    pub(super) user: Option<u32>,
}

impl Launchd {
    fn domain(&self) -> String {
        self.user
            .map_or_else(|| "system".to_owned(), |uid| format!("gui/{uid}"))
    }

    /// Where the file of a job that a person or a play has added is, by the usual name.
    fn file(&self, label: &str) -> String {
        let dir = match (label.starts_with("com.apple."), self.user) {
            (true, None) => "/System/Library/LaunchDaemons",
            (true, _) => "/System/Library/LaunchAgents",
            (false, None) => "/Library/LaunchDaemons",
            (false, _) => "/Library/LaunchAgents",
        };
        format!("{dir}/{label}.plist")
    }

    fn command(&self, verb: &str, label: &str) -> Command {
        command(["launchctl", verb, &format!("{}/{label}", self.domain())])
    }
}

impl Kind for Launchd {
    fn name(&self) -> &'static str {
        "launchd job"
    }

    fn asks(&self) -> Vec<Ask> {
        let domain = self.domain();
        vec![
            run(["launchctl", "print-disabled", &domain]),
            run(["launchctl", "print", &domain]),
        ]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let [Some(disabled), Some(print)] = answers else {
            return Err("launchctl did not answer".to_owned());
        };
        let mut table = Table::new();
        for label in loaded(print) {
            table.insert(label.to_owned(), "enabled loaded".to_owned());
        }
        for line in disabled.lines() {
            // "com.example.job" => disabled, or => true before macOS 13
            let Some((label, state)) = line.split_once("=>") else {
                continue;
            };
            let label = label.trim().trim_matches('"');
            let state = match state.trim() {
                "disabled" | "true" => "disabled",
                _ => "enabled",
            };
            let is_loaded = table.get(label).is_some_and(|v| v.ends_with(" loaded"));
            let loaded = if is_loaded { "loaded" } else { "unloaded" };
            table.insert(label.to_owned(), format!("{state} {loaded}"));
        }
        Ok(table)
    }

    /// Apple's own jobs are loaded and unloaded as they are needed: of them only the switch counts.
    fn differences(&self, before: &Table, now: &Table) -> Vec<Change> {
        let switch = |value: &Option<String>| {
            let value = value.as_deref().unwrap_or("enabled");
            value.split(' ').next().unwrap_or_default().to_owned()
        };
        changed(before, now)
            .into_iter()
            .filter(|c| {
                switch(&c.was) != switch(&c.is)
                    || !(c.item.starts_with("com.apple.") || c.item.starts_with("application."))
            })
            .collect()
    }

    fn undo(&self, changes: &[Change]) -> Vec<Undo> {
        changes
            .iter()
            .map(|change| {
                let label = change.item.as_str();
                let part = |value: &Option<String>, at: usize, none: &str| {
                    let value = value.as_deref().unwrap_or_default();
                    let part = value.split(' ').nth(at).filter(|p| !p.is_empty());
                    part.unwrap_or(none).to_owned()
                };
                let (was, is) = (&change.was, &change.is);
                let mut steps = Vec::new();
                let switch = part(was, 0, "enabled");
                if switch != part(is, 0, "enabled") {
                    let verb = if switch == "disabled" {
                        "disable"
                    } else {
                        "enable"
                    };
                    steps.push(self.command(verb, label));
                }
                match (
                    part(was, 1, "unloaded").as_str(),
                    part(is, 1, "unloaded").as_str(),
                ) {
                    ("loaded", "unloaded") => steps.push(command([
                        "launchctl",
                        "bootstrap",
                        &self.domain(),
                        &self.file(label),
                    ])),
                    ("unloaded", "loaded") => steps.push(self.command("bootout", label)),
                    _ => {}
                }
                Undo::Run(steps)
            })
            .collect()
    }
}

/// The labels below `services = {` of `launchctl print`.
fn loaded(print: &str) -> impl Iterator<Item = &str> {
    print
        .lines()
        .skip_while(|l| l.trim() != "services = {")
        .skip(1)
        .take_while(|l| l.trim() != "}")
        .filter_map(|line| {
            // pid, last exit, label
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, _, label] = words.as_slice() else {
                return None;
            };
            Some(*label)
        })
}
