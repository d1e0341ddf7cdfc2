//! A profile in the making: rules, and the paths that they name by parameters.

use std::path::{Path, PathBuf};

use super::{MAX_PATH, canonical};

/// The rules so far; of those that match, the last one holds.
#[derive(Default)]
pub(super) struct Rules {
    lines: Vec<String>,
    parameters: Vec<(String, PathBuf)>,
}

impl Rules {
    pub(super) fn add(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A rule with one filter for each of `values`.
    pub(super) fn each(&mut self, rule: &str, filter: &str, values: &[&str]) {
        let mut text = format!("({rule}");
        for value in values {
            text.push_str(&format!("\n  ({filter} \"{value}\")"));
        }
        self.add(text + ")");
    }

    /// Allows something for a path (`subpath` or `literal`). One that is too long to be named stays
    /// denied.
    pub(super) fn allow(&mut self, operations: &str, filter: &str, path: &Path) {
        let path = canonical(path);
        if path.as_os_str().len() <= MAX_PATH {
            let name = self.parameter(path);
            self.add(format!(
                "(allow {operations} ({filter} (param \"{name}\")))"
            ));
        }
    }

    /// Denies something for a path; for one that is too long to be named, for all of a directory
    /// above it.
    pub(super) fn deny(&mut self, operations: &str, filter: &str, path: &Path) {
        let path = canonical(path);
        let short = |path: &&Path| path.as_os_str().len() <= MAX_PATH;
        let filter = if short(&path.as_path()) {
            filter
        } else {
            "subpath"
        };
        if let Some(path) = path.ancestors().find(short) {
            let name = self.parameter(path.to_owned());
            self.add(format!("(deny {operations} ({filter} (param \"{name}\")))"));
        }
    }

    fn parameter(&mut self, path: PathBuf) -> String {
        if let Some((name, _)) = self.parameters.iter().find(|(_, known)| *known == path) {
            return name.clone();
        }
        let name = format!("P{}", self.parameters.len());
        self.parameters.push((name.clone(), path));
        name
    }

    pub(super) fn finish(self) -> (String, Vec<(String, PathBuf)>) {
        (self.lines.join("\n") + "\n", self.parameters)
    }
}
