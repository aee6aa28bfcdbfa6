//! Runs a segment on a subject, under a watchdog and behind a panic guard.
//!
//! The segment runs on a thread of its own. A statement that takes longer than the limit is interrupted; if it does not
//! stop then, the thread is abandoned with its subject, and the segment counts as failed from there on. A panic ends
//! the segment in the same way. Either way the next segment starts with a fresh subject.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::compact::parse;
use super::judge::difference;
use super::record::{Open, Segment, Sql, Step};
use crate::scratch::Scratch;
use crate::subject::{Datum, EngineName, Interrupter, OpenMode, Subject};

/// How long a statement may take.
pub const STATEMENT_LIMIT: Duration = Duration::from_secs(10);
/// How long an interrupted statement may take to notice.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(2);
/// The stack of the thread that runs statements.
const STACK_BYTES: usize = 16 << 20;

/// What became of a segment.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Answers judged.
    pub answers: usize,
    /// Answers that were right.
    pub right: usize,
    /// Whether every judged line, writes included, was right.
    pub whole: bool,
    /// Whether a panic ended it.
    pub panicked: bool,
    /// Whether a statement over the time limit ended it.
    pub timed_out: bool,
    /// Each mismatch: line, statement, what differs.
    pub mismatches: Vec<(usize, String, String)>,
}

/// What the running thread tells the watchdog.
enum Event {
    /// A line starts.
    Start(usize),
    /// A line was judged: its number, whether it is an answer, what differs.
    Judged(usize, bool, Option<String>),
    /// A panic, with its words.
    Panicked(String),
    /// The segment's end.
    End,
}

/// Runs a segment in a fresh scratch folder. Panics of the engine are caught, not printed here.
pub fn run(segment: Arc<Segment>, engine: EngineName) -> std::io::Result<Verdict> {
    let scratch = Scratch::enter()?;
    let (events, inbox) = channel();
    let interrupter: Arc<Mutex<Option<Interrupter>>> = Arc::default();
    let worker = {
        let (segment, interrupter) = (Arc::clone(&segment), Arc::clone(&interrupter));
        thread::Builder::new()
            .name("segment".into())
            .stack_size(STACK_BYTES)
            .spawn(move || work(&segment, engine, &interrupter, &events))?
    };
    let verdict = watch(&segment, &inbox, &interrupter);
    if !verdict.timed_out {
        // The worker guards against panics itself; it has said `End` or `Panicked` and is about to return.
        let _ = worker.join();
    }
    drop(scratch);
    Ok(verdict)
}

fn work(
    segment: &Segment,
    engine: EngineName,
    interrupter: &Mutex<Option<Interrupter>>,
    events: &Sender<Event>,
) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut subject = engine.subject();
        for (line, step) in &segment.steps {
            if events.send(Event::Start(*line)).is_err() {
                return;
            }
            let judged = perform(subject.as_mut(), step, interrupter);
            if let Some((is_answer, difference)) = judged {
                let _ = events.send(Event::Judged(*line, is_answer, difference));
            }
        }
        subject.reset();
    }));
    let last = match outcome {
        Ok(()) => Event::End,
        Err(panic) => Event::Panicked(panic_words(panic.as_ref())),
    };
    let _ = events.send(last);
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without words"))
}

/// Does one step; for a judged statement, whether it is an answer and what differs.
fn perform(
    subject: &mut dyn Subject,
    step: &Step,
    interrupter: &Mutex<Option<Interrupter>>,
) -> Option<(bool, Option<String>)> {
    match step {
        Step::Reset {} => subject.reset(),
        Step::Open(open) => {
            if let Err(failure) = subject.open(&open.conn, &open.file, mode(open)) {
                return Some((false, Some(format!("open: {failure}"))));
            }
        }
        Step::Close { conn } => subject.close(conn),
        Step::Delete { files } => files.iter().for_each(|file| delete(Path::new("."), file)),
        Step::Sql(sql) => return judge(subject, sql, interrupter),
    }
    None
}

fn mode(open: &Open) -> OpenMode {
    OpenMode {
        read_only: open.readonly,
        create: open.create,
        uri: open.uri,
    }
}

/// Removes a database file and what belongs to it.
pub fn delete(folder: &Path, file: &str) {
    for suffix in ["", "-journal", "-journal-spare", "-wal", "-shm"] {
        // A file that is not there is as good as deleted.
        let _ = std::fs::remove_file(folder.join(format!("{file}{suffix}")));
    }
}

fn judge(
    subject: &mut dyn Subject,
    sql: &Sql,
    interrupter: &Mutex<Option<Interrupter>>,
) -> Option<(bool, Option<String>)> {
    if let Ok(mut slot) = interrupter.lock() {
        *slot = subject.interrupter(&sql.conn);
    }
    let parameters: Vec<(String, Datum)> = sql
        .params
        .iter()
        .map(|(name, value)| (name.clone(), parse(value).unwrap_or(Datum::Null)))
        .collect();
    let answer = subject.run(&sql.conn, &sql.sql, &parameters);
    sql.is_judged()
        .then(|| (sql.is_answer(), difference(sql, &answer)))
}

fn watch(segment: &Segment, inbox: &Receiver<Event>, interrupter: &Mutex<Option<Interrupter>>) -> Verdict {
    let mut verdict = Verdict {
        whole: true,
        ..Verdict::default()
    };
    let mut line = segment.line;
    let mut limit = STATEMENT_LIMIT;
    let mut over_time = false;
    loop {
        match inbox.recv_timeout(limit) {
            Ok(Event::Start(next)) if !over_time => line = next,
            Ok(Event::Judged(at, is_answer, difference)) if !over_time => {
                verdict.count(segment, at, is_answer, difference);
            }
            Ok(Event::Panicked(words)) => {
                verdict.panicked = true;
                verdict.fail_from(segment, line, &words);
                return verdict;
            }
            Ok(Event::End) => return verdict.settle(segment, line, over_time),
            Ok(_) => return verdict.settle(segment, line, true),
            Err(RecvTimeoutError::Timeout) if !over_time => {
                over_time = true;
                limit = INTERRUPT_LIMIT;
                if let Some(interrupt) = interrupter.lock().ok().and_then(|slot| slot.clone()) {
                    interrupt();
                }
            }
            Err(_) => return verdict.settle(segment, line, true),
        }
    }
}

impl Verdict {
    fn settle(mut self, segment: &Segment, line: usize, over_time: bool) -> Verdict {
        if over_time {
            self.timed_out = true;
            self.fail_from(
                segment,
                line,
                &format!("took more than {} s", STATEMENT_LIMIT.as_secs()),
            );
        }
        self
    }

    fn count(&mut self, segment: &Segment, line: usize, is_answer: bool, difference: Option<String>) {
        self.answers += usize::from(is_answer);
        match difference {
            None => self.right += usize::from(is_answer),
            Some(difference) => {
                self.whole = false;
                self.mismatches
                    .push((line, statement_at(segment, line), difference));
            }
        }
    }

    /// Counts the answers from `line` on as wrong.
    fn fail_from(&mut self, segment: &Segment, line: usize, why: &str) {
        self.whole = false;
        self.mismatches
            .push((line, statement_at(segment, line), why.to_owned()));
        let rest = segment.steps.iter().filter(|(number, _)| *number >= line);
        self.answers += rest
            .filter(|(_, step)| matches!(step, Step::Sql(sql) if sql.is_answer()))
            .count();
    }
}

fn statement_at(segment: &Segment, line: usize) -> String {
    let step = segment
        .steps
        .iter()
        .find(|(number, _)| *number == line)
        .map(|(_, step)| step);
    match step {
        Some(Step::Sql(sql)) => sql.sql.clone(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
