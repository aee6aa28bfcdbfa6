//! What is kept in a database file, and how it is read and written.

use aludel_storage::format::{AutoVacuum, TextEncoding};
use aludel_storage::pager::{JournalMode, Pager, Synchronous};
use aludel_storage::wal::CheckpointKind;

use super::{Request, Rows, truth};
use crate::connection::{Outcome, State};
use crate::error::{Error, Result};
use crate::value::Value;
use crate::value::number::integer_prefix;

/// Runs a pragma about a database file; `None` when it is not one.
pub(super) fn run(state: &mut State, request: &Request<'_>) -> Result<Option<Rows>> {
    Ok(Some(match request.name {
        "page_size" => page_size(state, request)?,
        "page_count" => reading(state, request, |pager| Ok(Rows::one(i64::from(pager.page_count()))))?,
        "freelist_count" => header_number(state, request, |header| i64::from(header.freelist_count))?,
        "encoding" => encoding(state, request)?,
        "user_version" | "application_id" | "schema_version" => header_field(state, request)?,
        "data_version" => reading(state, request, |pager| Ok(Rows::one(pager.change_token() as i64)))?,
        "max_page_count" => max_page_count(state, request)?,
        "journal_mode" => journal_mode(state, request)?,
        "journal_size_limit" => Rows::one(-1),
        "synchronous" => synchronous(state, request)?,
        "locking_mode" => locking_mode(state, request)?,
        "cache_size" | "default_cache_size" => cache_size(state, request)?,
        "cache_spill" => Rows::one(1),
        "mmap_size" => mmap_size(state, request)?,
        "auto_vacuum" => auto_vacuum(state, request)?,
        "secure_delete" => secure_delete(state, request)?,
        "wal_autocheckpoint" => wal_autocheckpoint(state, request)?,
        "wal_checkpoint" => wal_checkpoint(state, request)?,
        "incremental_vacuum" => incremental_vacuum(state, request)?,
        "read_uncommitted" | "fullfsync" | "checkpoint_fullfsync" | "legacy_file_format" => match request.value {
            None => Rows::one(0),
            Some(_) => Rows::new(1),
        },
        _ => return Ok(None),
    }))
}

/// The databases that a setting without schema is about: all of them.
fn concerned(state: &State, request: &Request<'_>) -> Vec<usize> {
    match request.schema {
        Some(number) => vec![number],
        None => (0..state.databases.len()).collect(),
    }
}

fn pager<'s>(state: &'s mut State, request: &Request<'_>) -> &'s mut Pager {
    &mut state.databases[request.database()].pager
}

fn reading(
    state: &mut State,
    request: &Request<'_>,
    read: impl FnOnce(&Pager) -> Result<Rows>,
) -> Result<Rows> {
    state.begin_reading(&[request.database()])?;
    let rows = read(&state.databases[request.database()].pager);
    state.release_idle();
    rows
}

fn header_number(
    state: &mut State,
    request: &Request<'_>,
    read: impl FnOnce(&aludel_storage::format::Header) -> i64,
) -> Result<Rows> {
    reading(state, request, |pager| Ok(Rows::one(read(&pager.header()?))))
}

fn number(request: &Request<'_>) -> Option<i64> {
    request.value.map(|value| integer_prefix(value.as_bytes()))
}

fn word(request: &Request<'_>) -> Option<String> {
    request.value.map(str::to_ascii_lowercase)
}

// ---- the file's shape --------------------------------------------------------------------------

fn page_size(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    match number(request) {
        // A size that is not allowed is not heeded.
        Some(size) => {
            if let Ok(size) = u32::try_from(size) {
                let _ = pager(state, request).set_page_size(size, 0);
            }
            Ok(Rows::new(1))
        }
        None => reading(state, request, |pager| Ok(Rows::one(pager.page_size() as i64))),
    }
}

fn encoding(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let Some(value) = word(request) else {
        return reading(state, request, |pager| {
            Ok(Rows::one(match pager.header()?.encoding {
                TextEncoding::Utf8 => "UTF-8",
                TextEncoding::Utf16le => "UTF-16le",
                TextEncoding::Utf16be => "UTF-16be",
            }))
        });
    };
    let encoding = match value.as_str() {
        "utf8" | "utf-8" => TextEncoding::Utf8,
        "utf16le" | "utf-16le" => TextEncoding::Utf16le,
        "utf16be" | "utf-16be" => TextEncoding::Utf16be,
        "utf16" | "utf-16" if cfg!(target_endian = "big") => TextEncoding::Utf16be,
        "utf16" | "utf-16" => TextEncoding::Utf16le,
        _ => return Err(Error::sql(format!("unsupported encoding: {}", request.value.unwrap_or("")))),
    };
    for number in 0..state.databases.len() {
        state.databases[number].pager.set_encoding(encoding)?;
    }
    state.forget_schemas();
    Ok(Rows::new(1))
}

fn auto_vacuum(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let Some(value) = word(request) else {
        return header_number(state, request, |header| match (header.largest_root, header.incremental_vacuum) {
            (0, _) => 0,
            (_, 0) => 1,
            _ => 2,
        });
    };
    let mode = match value.as_str() {
        "full" | "1" => AutoVacuum::Full,
        "incremental" | "2" => AutoVacuum::Incremental,
        _ => AutoVacuum::None,
    };
    for number in concerned(state, request) {
        state.databases[number].pager.set_auto_vacuum(mode)?;
    }
    Ok(Rows::new(1))
}

fn incremental_vacuum(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let pages = number(request).and_then(|pages| u32::try_from(pages).ok()).filter(|pages| *pages > 0);
    writing(state, request, |pager| {
        aludel_storage::btree::vacuum_pages(pager, pages.unwrap_or(u32::MAX))?;
        Ok(())
    })?;
    Ok(Rows::new(0))
}

fn max_page_count(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let pager = pager(state, request);
    if let Some(count) = number(request).and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0) {
        pager.set_max_page_count(count);
    }
    Ok(Rows::one(i64::from(pager.max_page_count())))
}

// ---- the header --------------------------------------------------------------------------------

/// A write transaction of its own, or a part of the one that is open.
fn writing(
    state: &mut State,
    request: &Request<'_>,
    write: impl FnOnce(&mut Pager) -> Result<()>,
) -> Result<()> {
    let database = request.database();
    state.begin_reading(&[database])?;
    let entered = state.enter(&[database], true)?;
    let written = write(&mut state.databases[database].pager);
    let outcome = match &written {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Failed(crate::syntax::ast::ConflictAction::Abort),
    };
    let left = state.leave(&entered, outcome);
    written.and(left)
}

fn header_field(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let Some(value) = number(request) else {
        return header_number(state, request, |header| match request.name {
            "user_version" => i64::from(header.user_version),
            "application_id" => i64::from(header.application_id),
            _ => i64::from(header.schema_cookie as i32),
        });
    };
    writing(state, request, |pager| {
        Ok(pager.update_header(|header| match request.name {
            "user_version" => header.user_version = value as i32,
            "application_id" => header.application_id = value as i32,
            _ => header.schema_cookie = value as u32,
        })?)
    })?;
    if request.name == "schema_version" {
        state.forget_schemas();
    }
    Ok(Rows::new(1))
}

// ---- how it is written -------------------------------------------------------------------------

fn journal_mode(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let asked = word(request).and_then(|word| {
        Some(match word.as_str() {
            "delete" => JournalMode::Delete,
            "truncate" => JournalMode::Truncate,
            "persist" => JournalMode::Persist,
            "memory" => JournalMode::Memory,
            "off" => JournalMode::Off,
            "wal" => JournalMode::Wal,
            _ => return None,
        })
    });
    if let Some(mode) = asked {
        for number in concerned(state, request) {
            set_journal_mode(state, number, mode)?;
        }
    } else {
        // Whether the file is in WAL mode shows in its header.
        state.begin_reading(&[request.database()])?;
        state.release_idle();
    }
    Ok(Rows::one(match pager(state, request).journal_mode() {
        JournalMode::Delete => "delete",
        JournalMode::Truncate => "truncate",
        JournalMode::Persist => "persist",
        JournalMode::Memory => "memory",
        JournalMode::Off => "off",
        JournalMode::Wal => "wal",
    }))
}

fn set_journal_mode(state: &mut State, number: usize, mode: JournalMode) -> Result<()> {
    let in_transaction = !state.transaction.is_autocommit() || state.transaction.running() > 0;
    let pager = &mut state.databases[number].pager;
    let now = pager.journal_mode();
    if now == mode {
        return Ok(());
    }
    if in_transaction {
        if now == JournalMode::Wal || mode == JournalMode::Wal {
            let direction = if mode == JournalMode::Wal { "into" } else { "out of" };
            let message = format!("cannot change {direction} wal mode from within a transaction");
            return Err(Error::sql(message));
        }
        return Ok(());
    }
    pager.set_journal_mode(mode)?;
    Ok(())
}

fn synchronous(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let Some(value) = word(request) else {
        return Ok(Rows::one(match pager(state, request).synchronous() {
            Synchronous::Off => 0,
            Synchronous::Normal => 1,
            Synchronous::Full => 2,
            Synchronous::Extra => 3,
        }));
    };
    if !state.transaction.is_autocommit() {
        return Err(Error::sql("Safety level may not be changed inside a transaction"));
    }
    let level = match value.as_str() {
        "off" | "no" | "false" | "0" => Synchronous::Off,
        "normal" | "on" | "yes" | "true" | "1" => Synchronous::Normal,
        "extra" | "3" => Synchronous::Extra,
        _ => Synchronous::Full,
    };
    pager(state, request).set_synchronous(level);
    Ok(Rows::new(1))
}

fn locking_mode(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let asked = word(request).and_then(|word| match word.as_str() {
        "exclusive" => Some(true),
        "normal" => Some(false),
        _ => None,
    });
    if let Some(exclusive) = asked {
        for number in concerned(state, request) {
            state.databases[number].pager.set_exclusive(exclusive);
        }
    }
    Ok(Rows::one(if pager(state, request).is_exclusive() { "exclusive" } else { "normal" }))
}

/// A negative size is in KiB.
fn cache_size(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let database = request.database();
    let Some(size) = number(request) else {
        return Ok(Rows::one(state.databases[database].cache_size));
    };
    let page_size = state.databases[database].pager.page_size() as i64;
    let pages = if size < 0 { size.saturating_neg().saturating_mul(1024) / page_size } else { size };
    let database = &mut state.databases[database];
    database.cache_size = size;
    database.pager.set_cache_pages(usize::try_from(pages).unwrap_or(usize::MAX).max(10));
    Ok(Rows::new(1))
}

fn mmap_size(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    if let Some(size) = number(request) {
        let limit = u64::try_from(size).unwrap_or(u64::MAX);
        for number in concerned(state, request) {
            // Within a transaction the map stays as it is.
            let _ = state.databases[number].pager.set_mmap_limit(limit);
        }
    }
    let limit = pager(state, request).mmap_limit();
    Ok(Rows::one(i64::try_from(limit).unwrap_or(i64::MAX)))
}

fn secure_delete(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    if let Some(value) = word(request) {
        let mode = if value == "fast" { 2 } else { i64::from(truth(&value)) };
        for number in concerned(state, request) {
            state.databases[number].secure_delete = mode;
        }
    }
    Ok(Rows::one(state.databases[request.database()].secure_delete))
}

// ---- the log -----------------------------------------------------------------------------------

fn wal_autocheckpoint(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let pager = pager(state, request);
    if let Some(frames) = number(request) {
        pager.set_wal_autocheckpoint(u32::try_from(frames).unwrap_or(0));
    }
    Ok(Rows::one(i64::from(pager.wal_autocheckpoint())))
}

fn wal_checkpoint(state: &mut State, request: &Request<'_>) -> Result<Rows> {
    let kind = match word(request).as_deref() {
        Some("full") => CheckpointKind::Full,
        Some("restart") => CheckpointKind::Restart,
        Some("truncate") => CheckpointKind::Truncate,
        _ => CheckpointKind::Passive,
    };
    let mut rows = Rows::new(3);
    let numbers = match request.schema {
        Some(number) => vec![number],
        None => (0..state.databases.len()).filter(|number| *number != 1).collect(),
    };
    let mut answer = [Value::Integer(0), Value::Integer(-1), Value::Integer(-1)];
    for number in numbers {
        let pager = &mut state.databases[number].pager;
        let report = match pager.checkpoint(kind) {
            Err(aludel_storage::Error::Locked) => {
                return Err(Error::Locked { message: "database table is locked".to_owned() });
            }
            report => report,
        };
        if number == request.database() && pager.journal_mode() == JournalMode::Wal {
            answer = match report {
                Ok(report) => [
                    Value::Integer(i64::from(report.busy)),
                    Value::Integer(i64::from(report.frames)),
                    Value::Integer(i64::from(report.checkpointed)),
                ],
                Err(error) if error.is_busy() => [Value::Integer(1), Value::Integer(-1), Value::Integer(-1)],
                Err(error) => return Err(error.into()),
            };
        }
    }
    rows.push(answer);
    Ok(rows)
}
