//! Progress, on standard error, of what takes more than a moment: a bar for people, objects for programs.
//!
//! - A bar is drawn only on a terminal, only from half a second on, and is gone at the end.
//! - Objects (`--progress json`) come once a second, whatever standard error is, and a last one with `"done": true` at the end of each
//!   stretch of work.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::subject::Subject;
use crate::cli::ProgressWhen;
use crate::inspect::walk::{Layout, WalkOptions, walk};

/// Nothing is shown of what is done sooner.
const QUIET: Duration = Duration::from_millis(500);

/// From one object to the next.
const BETWEEN: Duration = Duration::from_secs(1);

/// How far a stretch of work is.
pub(super) struct Progress {
    total: u32,
    page_size: u64,
    begun: Instant,
    shown: Shown,
}

/// How it is told.
enum Shown {
    Nowhere,
    /// The bar, once it is there.
    Bar(Option<ProgressBar>),
    /// When the last object came, what was done then, and of what.
    Objects(Instant, u32, String),
}

impl Progress {
    /// Of work on all pages of a subject, told as its arguments ask.
    pub(super) fn of(subject: &Subject) -> Progress {
        let now = Instant::now();
        Progress {
            total: subject.image.page_count(),
            page_size: subject.image.page_size() as u64,
            begun: now,
            shown: match subject.progress {
                ProgressWhen::Json => Shown::Objects(now, 0, String::new()),
                ProgressWhen::Auto if stderr().is_terminal() => Shown::Bar(None),
                ProgressWhen::Auto | ProgressWhen::Never => Shown::Nowhere,
            },
        }
    }

    /// Says how far it is.
    pub(super) fn at(&mut self, pages: u32, what: &str) {
        let done = u64::from(pages) * self.page_size;
        let (begun, total) = (self.begun, u64::from(self.total) * self.page_size);
        match &mut self.shown {
            Shown::Nowhere => {}
            Shown::Bar(bar) => {
                if is_due(begun.elapsed()) {
                    let bar = bar.get_or_insert_with(|| begin_bar(total));
                    bar.set_message(what.escape_default().to_string());
                    bar.set_position(done);
                }
            }
            Shown::Objects(last, pages_last, what_last) => {
                *pages_last = pages;
                if *what_last != what {
                    what.clone_into(what_last);
                }
                if last.elapsed() >= BETWEEN {
                    *last = Instant::now();
                    tell(done, total, begun.elapsed(), what, false);
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        match &self.shown {
            Shown::Bar(Some(bar)) => bar.finish_and_clear(),
            Shown::Objects(_, pages, what) => {
                let total = u64::from(self.total) * self.page_size;
                let done = u64::from(*pages) * self.page_size;
                tell(done, total, self.begun.elapsed(), what, true);
            }
            _ => {}
        }
    }
}

/// Whether it has taken long enough for somebody to wonder.
fn is_due(elapsed: Duration) -> bool {
    elapsed >= QUIET
}

fn begin_bar(total: u64) -> ProgressBar {
    let template = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar
}

/// One object, on a line of standard error.
fn tell(done: u64, total: u64, elapsed: Duration, what: &str, is_done: bool) {
    let seconds = elapsed.as_secs_f64();
    let rate = done as f64 / seconds.max(0.001);
    let left = (done > 0 && !is_done).then(|| total.saturating_sub(done) as f64 / rate.max(1.0));
    let object = json!({
        "schema": "dbtool/progress/1",
        "what": what,
        "done_bytes": done,
        "total_bytes": total,
        "bytes_per_second": rate as u64,
        "seconds": (seconds * 1000.0).round() / 1000.0,
        "seconds_left": left.map(|left| (left * 10.0).round() / 10.0),
        "done": is_done,
    });
    // Who closed standard error does not want to know.
    let _ = writeln!(stderr(), "{object}");
}

/// Walks through a file, telling how far it is: first from front to end, which brings it into memory, then tree by tree.
pub(super) fn walked_with(subject: &Subject, options: &WalkOptions) -> Layout {
    read_ahead(subject);
    let mut progress = Progress::of(subject);
    let layout = walk(&subject.image, options, &mut |pages, what| {
        progress.at(pages, what)
    });
    progress.at(layout.page_count, "all pages");
    layout
}

/// Reads the file through, so that what follows finds its pages in memory.
pub(super) fn read_ahead(subject: &Subject) {
    let page_size = subject.image.page_size() as u64;
    let mut progress = None;
    subject.image.read_ahead(&mut |bytes| {
        let pages = u32::try_from(bytes / page_size).unwrap_or(u32::MAX);
        progress
            .get_or_insert_with(|| Progress::of(subject))
            .at(pages, "reading the file");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_before_half_a_second() {
        assert!(!is_due(Duration::ZERO));
        assert!(!is_due(Duration::from_millis(499)));
        assert!(is_due(Duration::from_millis(500)));
    }
}
