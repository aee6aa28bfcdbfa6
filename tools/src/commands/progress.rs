//! Progress, on standard error, of what takes more than a moment; on a terminal only.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown of what is done sooner.
const QUIET: Duration = Duration::from_millis(500);

/// A bar that is there from half a second on and gone at the end.
pub(super) struct Progress {
    total: u32,
    page_size: u64,
    begun: Instant,
    bar: Option<ProgressBar>,
    is_terminal: bool,
}

impl Progress {
    /// One for `total` pages.
    pub(super) fn new(total: u32, page_size: usize) -> Progress {
        Progress {
            total,
            page_size: page_size as u64,
            begun: Instant::now(),
            bar: None,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Says how far it is.
    pub(super) fn at(&mut self, pages: u32, what: &str) {
        if !self.is_terminal || self.begun.elapsed() < QUIET {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let template = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}";
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(
                Some(u64::from(self.total) * self.page_size),
                ProgressDrawTarget::stderr(),
            );
            bar.set_style(style);
            bar
        });
        bar.set_message(what.escape_default().to_string());
        bar.set_position(u64::from(pages) * self.page_size);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
