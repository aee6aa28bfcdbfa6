//! `info`: the identity card of a file. Works on any bytes: what is not a database gets a card that says so.
//!
//! It reads the first hundred bytes and asks the system about the files beside it; it takes no lock and runs no SQL.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aludel_sql::value::ValueRef;
use aludel_storage::format::header::HEADER_SIZE;
use aludel_storage::format::{AutoVacuum, Header, TextEncoding};
use serde_json::{Value as Json, json};

use super::open::require_file;
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::output::{Format, json_of, thousands};

/// Prints the card. Exit code 3 when the file is not a database.
///
/// # Errors
/// A file that cannot be read, an output that is closed.
pub fn info(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    let card = Card::read(&target.file)?;
    match Format::or_default(target.print.format) {
        Format::Json => json_of(out, &card.as_json())?,
        format @ (Format::Table | Format::Plain) => print(&card.lines(true), format, out)?,
        format => print(&card.lines(false), format, out)?,
    }
    Ok(if card.state == State::NoDatabase {
        Exit::CannotOpen
    } else {
        Exit::Done
    })
}

/// What the first page and the folder tell.
struct Card {
    file: PathBuf,
    bytes: u64,
    header: Option<Header>,
    state: State,
    journal: Sidecar,
    wal: Sidecar,
    shm: Sidecar,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No bytes: SQLite takes it as a database without tables.
    Empty,
    /// The header is not one of a database.
    NoDatabase,
    /// The file ends before its last page.
    Truncated,
    /// A journal holds pages of an unfinished transaction.
    NeedsRollback,
    /// A log holds pages that the file has not.
    HasLog,
    /// Nothing to say.
    Sound,
}

impl State {
    fn code(self) -> &'static str {
        match self {
            State::Empty => "empty",
            State::NoDatabase => "not_a_database",
            State::Truncated => "truncated",
            State::NeedsRollback => "needs_rollback",
            State::HasLog => "has_log",
            State::Sound => "sound",
        }
    }

    fn words(self) -> &'static str {
        match self {
            State::Empty => "an empty database: no page yet",
            State::NoDatabase => "not an SQLite database",
            State::Truncated => "shorter than its header says: pages are missing",
            State::NeedsRollback => {
                "a journal lies beside it: an unfinished transaction is to be rolled back"
            }
            State::HasLog => "a write-ahead log lies beside it: the newest pages are there",
            State::Sound => "header in order",
        }
    }
}

/// A file beside the database.
struct Sidecar {
    bytes: Option<u64>,
    /// Whether its first bytes are other than zero: a journal in persist mode is kept with a zeroed header.
    in_use: bool,
}

impl Sidecar {
    fn of(file: &Path, suffix: &str) -> Sidecar {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        let bytes = std::fs::metadata(&name).ok().map(|metadata| metadata.len());
        let mut first = [0; 8];
        let in_use = File::open(&name)
            .and_then(|mut f| f.read_exact(&mut first))
            .is_ok()
            && first != [0; 8];
        Sidecar { bytes, in_use }
    }

    fn as_json(&self) -> Json {
        json!({ "exists": self.bytes.is_some(), "size_bytes": self.bytes, "in_use": self.in_use })
    }

    fn words(&self) -> String {
        match self.bytes {
            None => "none".to_owned(),
            Some(bytes) if self.in_use => format!("{} bytes", thousands(bytes)),
            Some(bytes) => format!("{} bytes, not in use", thousands(bytes)),
        }
    }
}

impl Card {
    fn read(file: &Path) -> Result<Card, Failure> {
        let bytes = require_file(file)?.len();
        let mut first = Vec::with_capacity(HEADER_SIZE);
        let opened = File::open(file).map_err(|error| Failure::cannot_open(file, error))?;
        opened
            .take(HEADER_SIZE as u64)
            .read_to_end(&mut first)
            .map_err(|error| Failure::cannot_open(file, error))?;
        let header = Header::decode(&first).ok();
        let sidecar = |suffix| Sidecar::of(file, suffix);
        let mut card = Card {
            file: file.to_owned(),
            bytes,
            header,
            state: State::Sound,
            journal: sidecar("-journal"),
            wal: sidecar("-wal"),
            shm: sidecar("-shm"),
        };
        card.state = card.verdict();
        Ok(card)
    }

    fn verdict(&self) -> State {
        let Some(header) = &self.header else {
            return if self.bytes == 0 {
                State::Empty
            } else {
                State::NoDatabase
            };
        };
        let expected = u64::from(header.page_count) * u64::from(header.page_size);
        if self.journal.in_use {
            State::NeedsRollback
        } else if self.wal.in_use {
            State::HasLog
        } else if header.page_count_is_valid() && self.bytes < expected {
            State::Truncated
        } else {
            State::Sound
        }
    }

    /// Name and value of each line; numbers with commas and units for people.
    fn lines(&self, for_people: bool) -> Vec<(&'static str, String)> {
        let number = |n: u64| if for_people { thousands(n) } else { n.to_string() };
        let mut lines = vec![
            ("file", self.file.display().to_string()),
            ("size_bytes", number(self.bytes)),
        ];
        if let Some(header) = &self.header {
            lines.extend([
                ("page_size", number(u64::from(header.page_size))),
                ("pages", number(self.bytes / u64::from(header.page_size))),
                ("pages_by_header", number(u64::from(header.page_count))),
                ("reserved_bytes", header.reserved.to_string()),
                ("encoding", encoding(header).to_owned()),
                ("journal_mode", journal_mode(header).to_owned()),
                ("auto_vacuum", auto_vacuum(header).to_owned()),
                ("freelist_pages", number(u64::from(header.freelist_count))),
                ("change_counter", header.change_counter.to_string()),
                ("schema_cookie", header.schema_cookie.to_string()),
                ("schema_format", header.schema_format.to_string()),
                ("user_version", header.user_version.to_string()),
                ("application_id", header.application_id.to_string()),
                ("written_by", version(header.sqlite_version)),
            ]);
        }
        lines.extend([
            ("journal", self.journal.words()),
            ("wal", self.wal.words()),
            ("shm", self.shm.words()),
            ("verdict", self.state.words().to_owned()),
        ]);
        lines
    }

    fn as_json(&self) -> Json {
        let header = self.header.as_ref().map(|header| {
            json!({
                "page_size": header.page_size,
                "page_count": header.page_count,
                "page_count_valid": header.page_count_is_valid(),
                "reserved_bytes": header.reserved,
                "encoding": encoding(header),
                "journal_mode": journal_mode(header),
                "auto_vacuum": auto_vacuum(header),
                "freelist_trunk": header.freelist_trunk,
                "freelist_count": header.freelist_count,
                "change_counter": header.change_counter,
                "version_valid_for": header.version_valid_for,
                "schema_cookie": header.schema_cookie,
                "schema_format": header.schema_format,
                "user_version": header.user_version,
                "application_id": header.application_id,
                "sqlite_version": header.sqlite_version,
            })
        });
        json!({
            "schema": "dbtool/info/1",
            "file": self.file.display().to_string(),
            "size_bytes": self.bytes,
            "header": header,
            "sidecars": { "journal": self.journal.as_json(), "wal": self.wal.as_json(), "shm": self.shm.as_json() },
            "state": self.state.code(),
            "complete": true,
        })
    }
}

fn print(lines: &[(&'static str, String)], format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    let mut rows = format.rows("dbtool/info/1", out);
    rows.columns(&["property".to_owned(), "value".to_owned()])?;
    for (name, value) in lines {
        rows.row(&[ValueRef::Text(name.as_bytes()), ValueRef::Text(value.as_bytes())])?;
    }
    rows.end(true)?;
    Ok(())
}

fn encoding(header: &Header) -> &'static str {
    match header.encoding {
        TextEncoding::Utf8 => "UTF-8",
        TextEncoding::Utf16le => "UTF-16le",
        TextEncoding::Utf16be => "UTF-16be",
    }
}

fn journal_mode(header: &Header) -> &'static str {
    if header.is_wal() { "wal" } else { "rollback" }
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
