//! `info`: the identity card of a file. Works on any bytes: what is not a database gets a card that says so.
//!
//! It reads the first page's header and the files beside it, and looks at the locks that others hold. It runs no SQL.

use std::io::{self, Write};
use std::path::Path;

use aludel_storage::format::{AutoVacuum, Header, TextEncoding};
use aludel_storage::vfs::{
    PENDING_BYTE, RESERVED_BYTE, ReadOnlyFile, SHARED_FIRST, SHARED_SIZE, SHM_READ_BYTE, SHM_USE_BYTE,
    SHM_WRITE_BYTE, sibling,
};

use super::subject::{Subject, read_any};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::inspect::image::{Hold, JournalScan};
use crate::inspect::{Image, ImageState};
use crate::output::{Field, Report, thousands};

/// Prints the card. Exit code 3 when the file is not a database.
///
/// # Errors
/// A file that cannot be read, an output that is closed.
pub(super) fn info(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read_any(target, out, &mut |subject, out| {
        let image = &subject.image;
        let verdict = Verdict::of(image);
        let mut report = Report::new("dbtool/info/1");
        report.fact("file", target.file.display().to_string());
        report.fact("verdict", verdict_words(image, verdict));
        report.fact("file_bytes", Field::Bytes(image.file_len()));
        if let Some(header) = image.header() {
            header_facts(image, header, &mut report);
        }
        let for_programs = subject.style.format.is_for_programs();
        sidecar_facts(image, for_programs, &mut report)
            .map_err(|error| Failure::cannot_open(image.path(), error))?;
        match locks(subject) {
            Ok(locks) if locks.is_empty() && !for_programs => {}
            Ok(locks) => _ = report.fact("locks", Field::List(locks)),
            Err(error) => {
                report.fact("locks", Field::Null);
                report.note(format!("the locks on it cannot be read: {error}"));
            }
        }
        report.fact("read_with", image.hold().words());
        report.fact("shows", image.state().words());
        report.fact("state", verdict.code());
        report.print(&subject.style, out)?;
        Ok(if verdict == Verdict::NoDatabase {
            Exit::CannotOpen
        } else {
            Exit::Done
        })
    })
}

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Empty,
    NoDatabase,
    DamagedHeader,
    Truncated,
    NeedsRollback,
    HasLog,
    Sound,
}

impl Verdict {
    fn of(image: &Image) -> Verdict {
        let Some(header) = image.header() else {
            return match image.require_database() {
                Ok(_) if image.file_len() == 0 => Verdict::Empty,
                Ok(_) => Verdict::DamagedHeader,
                Err(_) => Verdict::NoDatabase,
            };
        };
        match image.state() {
            ImageState::RolledBack { .. } | ImageState::RolledBackWithLog { .. } => Verdict::NeedsRollback,
            ImageState::WithLog { .. } => Verdict::HasLog,
            ImageState::File if header.page_count_is_valid() && header.page_count > image.page_count() => {
                Verdict::Truncated
            }
            ImageState::File => Verdict::Sound,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Verdict::Empty => "empty",
            Verdict::NoDatabase => "not_a_database",
            Verdict::DamagedHeader => "damaged_header",
            Verdict::Truncated => "truncated",
            Verdict::NeedsRollback => "needs_rollback",
            Verdict::HasLog => "has_log",
            Verdict::Sound => "sound",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Verdict::Empty => "an empty database: no page yet",
            Verdict::NoDatabase => "not an SQLite database",
            Verdict::DamagedHeader => {
                "a database with a damaged header: `dbtool check` and `dbtool salvage` go on from here"
            }
            Verdict::Truncated => "shorter than its header says: pages are missing",
            Verdict::NeedsRollback => {
                "a hot journal lies beside it: the next who opens it rolls a transaction back"
            }
            Verdict::HasLog => "the newest pages are in the log beside it: keep both files together",
            Verdict::Sound => "sound, as far as header and files beside it tell",
        }
    }
}

/// The verdict with the figures that go with it.
fn verdict_words(image: &Image, verdict: Verdict) -> String {
    let Some(header) = image.header() else {
        return verdict.words().to_owned();
    };
    let pages = image.page_count().max(1);
    let free = u64::from(header.freelist_count) * 100 / u64::from(pages);
    format!(
        "{}; {} pages, {} of them free ({free}%), last written by SQLite {}",
        verdict.words(),
        thousands(u64::from(image.page_count())),
        thousands(u64::from(header.freelist_count)),
        version(header.sqlite_version)
    )
}

fn header_facts(image: &Image, header: &Header, report: &mut Report) {
    let counter = |number: u32| Field::Number(i64::from(number));
    report.fact("header.page_size", Field::Count(u64::from(header.page_size)));
    report.fact("pages", Field::Count(u64::from(image.page_count())));
    report.fact("header.page_count", Field::Count(u64::from(header.page_count)));
    report.fact("header.page_count_valid", header.page_count_is_valid());
    report.fact("header.reserved_bytes", Field::Bytes(u64::from(header.reserved)));
    report.fact("header.encoding", encoding(header));
    report.fact(
        "header.journal_mode",
        if header.is_wal() { "wal" } else { "rollback" },
    );
    report.fact("header.auto_vacuum", auto_vacuum(header));
    report.fact("header.first_freelist_trunk_page", counter(header.freelist_trunk));
    report.fact(
        "header.freelist_count",
        Field::Count(u64::from(header.freelist_count)),
    );
    report.fact("header.change_counter", counter(header.change_counter));
    report.fact("header.version_valid_for", counter(header.version_valid_for));
    report.fact("header.schema_cookie", counter(header.schema_cookie));
    report.fact("header.schema_format", counter(header.schema_format));
    report.fact(
        "header.user_version",
        Field::Number(i64::from(header.user_version)),
    );
    report.fact(
        "header.application_id",
        Field::Number(i64::from(header.application_id)),
    );
    report.fact("header.sqlite_version", version(header.sqlite_version));
}

/// Each file beside the database: whether it is there, its size, and what that means.
fn sidecar_facts(image: &Image, for_programs: bool, report: &mut Report) -> io::Result<()> {
    let len = |suffix| {
        sibling(image.path(), suffix)
            .metadata()
            .ok()
            .map(|file| file.len())
    };
    let mut one = |name: &str, len: Option<u64>, state: &str| {
        // People are told of what is there; programs get all names each time.
        if len.is_none() && !for_programs {
            return;
        }
        report.fact(
            format!("sidecars.{name}.bytes"),
            len.map_or(Field::Null, Field::Bytes),
        );
        report.fact(format!("sidecars.{name}.state"), state);
    };
    one("journal", len("-journal"), &journal_state(image)?);
    one("wal", len("-wal"), &log_state(image, len("-wal")));
    one("shm", len("-shm"), &shm_state(image.path()));
    Ok(())
}

fn journal_state(image: &Image) -> io::Result<String> {
    let Some(journal) =
        JournalScan::open(&sibling(image.path(), "-journal"), Some(image.page_size() as u32))?
    else {
        return Ok("none".to_owned());
    };
    Ok(match image.journal() {
        Some(hot) => format!("hot: {} pages to roll back", hot.places.len()),
        None if !journal.has_begun => "not in use".to_owned(),
        None if journal.super_journal.as_ref().is_some_and(|name| !name.exists) => {
            "stale: its commit over several files succeeded".to_owned()
        }
        None if journal.segments.is_empty() => "no journal: its header is damaged".to_owned(),
        None => "in use by a writer".to_owned(),
    })
}

fn log_state(image: &Image, len: Option<u64>) -> String {
    match (image.log(), len) {
        (_, None) => "none".to_owned(),
        (_, Some(0)) => "empty".to_owned(),
        (Some(log), _) => format!(
            "{} frames in {} commits count, of {} in the file",
            log.committed, log.commits, log.frames_in_file
        ),
        (None, _) => "nothing in it counts: the file has it all, or its header is damaged".to_owned(),
    }
}

fn shm_state(path: &Path) -> String {
    let in_use = |shm: &ReadOnlyFile| shm.is_locked(SHM_USE_BYTE, 1);
    match index_beside(path).and_then(|shm| shm.as_ref().map(in_use).transpose()) {
        Ok(None) => "none".to_owned(),
        Ok(Some(true)) => "in use".to_owned(),
        Ok(Some(false)) => "left behind: nobody uses it".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    }
}

/// The wal-index beside a database, if there is one.
fn index_beside(path: &Path) -> io::Result<Option<ReadOnlyFile>> {
    match ReadOnlyFile::open(&sibling(path, "-shm")) {
        Ok(shm) => Ok(Some(shm)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What others hold now, in words.
fn locks(subject: &Subject) -> io::Result<Vec<String>> {
    let path = subject.image.path();
    let mut held = Vec::new();
    let database = ReadOnlyFile::open(path)?;
    for (name, start, len) in [
        ("pending", PENDING_BYTE, 1),
        ("reserved", RESERVED_BYTE, 1),
        ("exclusive", SHARED_FIRST, SHARED_SIZE),
    ] {
        if database.is_locked_exclusively(start, len)? {
            held.push(name.to_owned());
        }
    }
    if let Some(shm) = index_beside(path)? {
        for (name, byte) in [
            ("wal write", SHM_WRITE_BYTE),
            ("checkpoint", SHM_WRITE_BYTE + 1),
            ("recover", SHM_WRITE_BYTE + 2),
        ] {
            if shm.is_locked(byte, 1)? {
                held.push(name.to_owned());
            }
        }
        let ours = match subject.image.hold() {
            Hold::ReadMark { mark, .. } => Some(*mark as u64),
            Hold::StaleIndex { .. } => Some(1),
            _ => None,
        };
        for mark in (0..5).filter(|mark| Some(*mark) != ours) {
            if shm.is_locked(SHM_READ_BYTE + mark, 1)? {
                held.push(format!("reader on mark {mark}"));
            }
        }
    }
    Ok(held)
}

fn encoding(header: &Header) -> &'static str {
    match header.encoding {
        TextEncoding::Utf8 => "UTF-8",
        TextEncoding::Utf16le => "UTF-16le",
        TextEncoding::Utf16be => "UTF-16be",
    }
}

fn auto_vacuum(header: &Header) -> &'static str {
    match header.auto_vacuum() {
        AutoVacuum::None => "none",
        AutoVacuum::Full => "full",
        AutoVacuum::Incremental => "incremental",
    }
}

/// 3051003 is 3.51.3.
fn version(number: u32) -> String {
    format!(
        "{}.{}.{}",
        number / 1_000_000,
        number / 1000 % 1000,
        number % 1000
    )
}
