//! spend

use std::path::{Path, PathBuf};

/// placeholder
pub fn roots(_config_dir: &str, home: &Path, extra: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = vec![home.join(".claude")];
    all.extend_from_slice(extra);
    all
}

/// A run of our own.
#[derive(Debug, Clone)]
pub struct OwnRun {
    /// session
    pub session: Option<String>,
    /// end
    pub finished: chrono::DateTime<chrono::Utc>,
    /// cost
    pub cost: crate::gate::MicroUsd,
}
