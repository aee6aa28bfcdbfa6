//! `dbtool bench`: what storage does on this machine and this disk.
//!
//! ```text
//!   FILE ── copied ──▶ scratch folder beside it ─┐
//!   --new ── rows made ──▶ scratch folder ───────┤
//!                                                ▼
//!   works (reads, inserts, commits at each mode and sync, checkpoint)
//!      each on each engine: warm-up, then so many seconds ──▶ times of single operations
//!                                                ▼
//!   report: percentiles, rates, distributions as text, rows, JSON or svg
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `scratch` | the folder that everything is written in, and that is gone at the end |
//! | `store` | the engines behind one trait: ours, and SQLite with the feature `peer-sqlite` |
//! | `work` | what is measured |
//! | `times` | the times of one work, and what is said of them |
//! | `report`, `chart` | telling it: text and JSON; svg |
//!
//! - I1. FILE is only read, as its recovered image; all that is written is in the scratch folder, on the same disk.
//! - I2. The scratch folder is removed at the end, after a failure, and after Ctrl-C.
//! - I3. Files are in the system's cache, as those of a program that runs are: reads are measured warm, syncs reach the disk.

mod chart;
mod report;
mod scratch;
mod store;
mod times;
mod work;

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::cli::{Bench, Peer, ProgressWhen};
use crate::error::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::shell::script::is_interrupt;
use report::{Report, Result as WorkResult};
use scratch::Scratch;
use store::Engine;
use times::Times;
use work::{Bounds, Work};

/// Measures and prints.
///
/// # Errors
/// A file that cannot be opened, a folder that cannot be written, a peer that was not built in.
pub(crate) fn run(arguments: &Bench, out: &mut dyn Write) -> Result<Exit, Failure> {
    let engines = engines(arguments)?;
    let interrupts = Interrupt::listen();
    // It is the works that end when it is pressed, so that the scratch folder goes.
    interrupts.stay();
    let scratch = Scratch::of(arguments, &interrupts)?;
    let bounds = Bounds {
        time: Duration::try_from_secs_f64(arguments.seconds)
            .map_err(|error| Failure::Usage(error.to_string()))?,
        interrupts: &interrupts,
    };
    let works = Work::all();
    let progress = progress(works.len() * engines.len());
    let mut results = Vec::new();
    for work in &works {
        for engine in &engines {
            if interrupts.was_pressed() {
                break;
            }
            let what = format!("{} on {}", work.title(), engine.name());
            tell(&progress, arguments.print.progress, what);
            let times = match scratch.measure(*work, *engine, &bounds) {
                Err(failure) if is_interrupt(&failure) => Times::default(),
                measured => measured?,
            };
            if !times.is_empty() {
                results.push(WorkResult {
                    work: *work,
                    engine: *engine,
                    times,
                });
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let complete = !interrupts.was_pressed();
    let report = Report {
        file: arguments.file.as_deref(),
        folder: scratch.parent(),
        table: scratch.table(),
        rows: scratch.rows(),
        seconds: arguments.seconds,
        seed: arguments.seed,
        results: &results,
        complete,
    };
    report.print(&arguments.print, out)?;
    Ok(if complete { Exit::Done } else { Exit::Interrupted })
}

fn engines(arguments: &Bench) -> Result<Vec<Engine>, Failure> {
    match arguments.peer {
        None => Ok(vec![Engine::Aludel]),
        #[cfg(feature = "peer-sqlite")]
        Some(Peer::Sqlite) => Ok(vec![Engine::Aludel, Engine::Sqlite]),
        #[cfg(not(feature = "peer-sqlite"))]
        Some(Peer::Sqlite) => {
            let message = "this dbtool was built without SQLite: build it with --features peer-sqlite";
            Err(Failure::Usage(message.to_owned()))
        }
    }
}

/// Nothing is shown of what is done sooner.
const QUIET: Duration = Duration::from_millis(500);

/// Says what is measured now, as the arguments ask.
fn tell(bar: &ProgressBar, how: ProgressWhen, what: String) {
    match how {
        ProgressWhen::Never => {}
        ProgressWhen::Json => {
            let object = json!({
                "schema": "dbtool/progress/1",
                "what": what,
                "done_steps": bar.position(),
                "total_steps": bar.length(),
                "seconds": bar.elapsed().as_secs_f64(),
                "done": false,
            });
            // Who closed standard error does not want to know.
            let _ = writeln!(stderr(), "{object}");
        }
        ProgressWhen::Auto => {
            if bar.is_hidden() && bar.elapsed() >= QUIET && stderr().is_terminal() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(QUIET);
            }
            bar.set_message(what);
        }
    }
}

/// A bar for standard error, which is not shown yet.
fn progress(steps: usize) -> ProgressBar {
    let template = "{bar:30} {pos}/{len}  {elapsed}  {msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
    bar.set_style(style);
    bar
}
