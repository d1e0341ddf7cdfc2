//! Kernel modules. They come with a device, a mount or a rule, and most can't be taken out again.

use super::ask::{Answer, Ask};
use super::{Change, Kind, Table, Undo};

/// Loaded modules by name.
pub(super) struct Modules;

impl Kind for Modules {
    fn name(&self) -> &'static str {
        "kernel module"
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::File("/proc/modules")]
    }

    fn read(&self, answers: &[Answer]) -> Result<Table, String> {
        let text = answers
            .first()
            .and_then(Option::as_deref)
            .unwrap_or_default();
        let name = |line: &str| line.split(' ').next().map(str::to_owned);
        Ok(text
            .lines()
            .filter_map(name)
            .map(|name| (name, "loaded".to_owned()))
            .collect())
    }

    fn undo(&self, _changes: &[Change]) -> Vec<Undo> {
        Vec::new()
    }

    fn is_only_told(&self) -> bool {
        true
    }
}
