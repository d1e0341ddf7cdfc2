//! The calls of a run as its own transcripts tell of them: also those of sub-agents, which its
//! output is silent about.

use std::path::{Path, PathBuf};

use super::watched::Watched;
use crate::spend::batch::Batch;
use crate::spend::walk::walk;

/// The transcripts of one run.
pub(super) struct Own {
    root: [PathBuf; 1],
    watched: Watched,
}

impl Own {
    /// `root`: the configuration directory of the run, which need not be there yet.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: [root.to_owned()],
            watched: Watched::new(),
        }
    }

    /// Reads what is new.
    pub(super) fn look(&mut self) -> Vec<Batch> {
        let files = walk(&self.root).files;
        files
            .iter()
            .filter_map(|file| self.watched.read(file))
            .collect()
    }
}
