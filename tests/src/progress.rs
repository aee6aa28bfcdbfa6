//! A bar on a terminal, and nothing anywhere else.

use indicatif::{ProgressBar, ProgressStyle};

/// How far a program is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar up to `goal`, led by a name.
    pub fn new(goal: u64, name: &str) -> Progress {
        let bar = ProgressBar::new(goal);
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Progress { bar }
    }

    /// So far it is.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// One more is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// What stands behind the bar.
    pub fn say(&self, message: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(message.to_owned());
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
