//! The bar that is drawn while transcripts are read.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::spend::Progress;

/// A bar on standard error, where that is a terminal.
#[derive(Debug)]
pub struct ReadingBar(ProgressBar);

impl ReadingBar {
    /// Nothing is drawn before the first progress.
    pub fn new() -> Self {
        // Hidden by itself where there is no terminal.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸ "));
        Self(bar)
    }

    /// Shows how far reading is.
    pub fn show(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
        self.0.set_message(progress.to_string());
    }

    /// Takes it away again.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Default for ReadingBar {
    fn default() -> Self {
        Self::new()
    }
}
