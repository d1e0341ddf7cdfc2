//! A bar that counts, for the commands that work through a list.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, where that is a terminal.
#[derive(Debug)]
pub struct CountBar(ProgressBar);

impl CountBar {
    /// Of so many things of a kind.
    pub fn new(total: usize, what: &str) -> Self {
        // Hidden by itself where there is no terminal.
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸ "));
        bar.set_message(what.to_owned());
        Self(bar)
    }

    /// Shows how many are done.
    pub fn show(&self, done: usize) {
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }

    /// Takes it away again.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
