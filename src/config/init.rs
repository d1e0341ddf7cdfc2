//! init
use std::path::Path;

use crate::error::Fatal;

/// What was found.
#[derive(Debug)]
pub struct Discovery;

impl Discovery {
    /// Lines.
    pub fn summary(&self) -> String {
        String::new()
    }
}

/// Looks.
pub fn discover(_repo: &Path) -> Result<Discovery, Fatal> {
    Err(Fatal::Config("not there yet".to_owned()))
}

/// Renders.
pub fn render(_found: &Discovery) -> String {
    String::new()
}
