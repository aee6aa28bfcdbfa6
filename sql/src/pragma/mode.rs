//! Pragmas that set how the file is kept and how the connection works with it.

use std::time::Duration;

use aludel_storage::btree;
use aludel_storage::format::page_checksum::Verdict;
use aludel_storage::format::{AutoVacuum, PageNo, TextEncoding};
use aludel_storage::pager::{CheckpointKind, JournalMode, Pager, Synchronous};

use super::{PragmaContext, Request, Row, one_integer, one_text, reading, truth, whole_number, writing};
use crate::error::{Error, Result};
use crate::exec::Session;
use crate::exec::write::WAITING_BYTES_MAX;
use crate::value::Value;

/// Temporary tables live in memory or in a file that nobody else sees: their journal needs no mode.
const TEMP: usize = 1;

// ---- sizes and formats of a new database ---------------------------------------------------------

pub(super) fn page_size(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let database = &mut context.state.databases[request.database_or_main()];
    let pager = &mut database.pager;
    let Some(size) = request.number() else {
        reading(pager, |_| Ok(()))?;
        return Ok(one_integer(pager.page_size() as i64));
    };
    // Sizes that the format does not allow are ignored. A database with pages gets the size at its next VACUUM.
    let allowed = u32::try_from(size)
        .ok()
        .filter(|size| (512..=65536).contains(size) && size.is_power_of_two());
    if let Some(size) = allowed {
        let reserved = (pager.page_size() - pager.usable_size()) as u8;
        if !pager.set_page_size(size, reserved)? {
            database.next_page_size = Some(size);
        }
        // The temporary database is made when it is first used, with the size that was asked for last.
        if let Some(temp) = context.state.databases.get_mut(TEMP) {
            temp.pager.set_page_size(size, 0)?;
        }
    }
    Ok(Vec::new())
}

/// Whether the database has page checksums: `on` and `off` choose for an empty one, and for the next VACUUM. `renew` gives those pages their
/// checksum that SQLite has written, and tells how many.
pub(super) fn page_checksum(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let (autocommit, savepoints) = (
        context.state.transaction.is_autocommit(),
        context.state.transaction.savepoints(),
    );
    let database = &mut context.state.databases[request.database_or_main()];
    let pager = &mut database.pager;
    match request.value.map(str::to_ascii_lowercase).as_deref() {
        None => {
            let on = reading(pager, |pager| Ok(pager.has_page_checksums()))?;
            Ok(one_integer(i64::from(on)))
        }
        Some("renew") => writing(pager, (autocommit, savepoints), |pager| {
            Ok(one_integer(i64::from(pager.renew_page_checksums()?)))
        }),
        Some(value) => {
            let on = truth(value);
            if !pager.set_page_checksum(on)? && !pager.is_in_memory() {
                database.next_page_checksum = Some(on);
            }
            Ok(one_integer(i64::from(on)))
        }
    }
}

/// The pages whose checksum does not fit, and whether they are stale or damaged.
pub(super) fn page_checksum_check(
    request: &Request<'_>,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[request.database_or_main()].pager;
    reading(pager, |pager| misfits(pager))
}

fn misfits(pager: &Pager) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for page in (1..=pager.page_count()).filter_map(PageNo::new) {
        let word = match pager.page_verdict(page)? {
            Some(Verdict::Stale) => "stale",
            Some(Verdict::Damaged) => "damaged",
            Some(Verdict::Good) | None => continue,
        };
        rows.push(vec![Value::Integer(i64::from(page.get())), super::text(word)]);
    }
    Ok(rows)
}

/// Whether pages are verified: off, a damaged file can be read as far as it goes.
pub(super) fn checksum_verification(
    request: &Request<'_>,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[request.database_or_main()].pager;
    reading(pager, |pager| {
        if let Some(value) = request.value {
            pager.set_verify_checksums(truth(value));
        }
        Ok(one_integer(i64::from(pager.verifies_checksums())))
    })
}

pub(super) fn encoding(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[0].pager;
    let Some(name) = request.value else {
        let encoding = reading(pager, |pager| {
            if pager.page_count() == 0 {
                Ok(pager.encoding())
            } else {
                Ok(pager.header()?.encoding)
            }
        })?;
        return Ok(one_text(match encoding {
            TextEncoding::Utf8 => "UTF-8",
            TextEncoding::Utf16le => "UTF-16le",
            TextEncoding::Utf16be => "UTF-16be",
        }));
    };
    let native = if cfg!(target_endian = "big") {
        TextEncoding::Utf16be
    } else {
        TextEncoding::Utf16le
    };
    let encoding = match name.to_ascii_lowercase().as_str() {
        "utf8" | "utf-8" => TextEncoding::Utf8,
        "utf-16le" | "utf16le" => TextEncoding::Utf16le,
        "utf-16be" | "utf16be" => TextEncoding::Utf16be,
        "utf-16" | "utf16" => native,
        // The encoding of a file with content stays, whatever is asked for.
        _ if reading(&mut context.state.databases[0].pager, |pager| {
            Ok(pager.page_count())
        })? > 0 =>
        {
            return Ok(Vec::new());
        }
        _ => return Err(Error::sql(format!("unsupported encoding: {name}"))),
    };
    for database in context.state.databases.iter_mut() {
        database.pager.set_encoding(encoding)?;
    }
    Ok(Vec::new())
}

pub(super) fn auto_vacuum(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let database = &mut context.state.databases[request.database_or_main()];
    let Some(value) = request.value else {
        let mode = reading(&mut database.pager, |pager| {
            if pager.page_count() == 0 {
                Ok(pager.auto_vacuum())
            } else {
                Ok(pager.header()?.auto_vacuum())
            }
        })?;
        return Ok(one_integer(match mode {
            AutoVacuum::None => 0,
            AutoVacuum::Full => 1,
            AutoVacuum::Incremental => 2,
        }));
    };
    let mode = match value.to_ascii_lowercase().as_str() {
        "none" => AutoVacuum::None,
        "full" => AutoVacuum::Full,
        "incremental" => AutoVacuum::Incremental,
        number => match whole_number(number) {
            1 => AutoVacuum::Full,
            2 => AutoVacuum::Incremental,
            _ => AutoVacuum::None,
        },
    };
    database.next_auto_vacuum = Some(mode);
    database.pager.set_auto_vacuum(mode)?;
    if mode == AutoVacuum::None {
        return Ok(Vec::new());
    }
    // An empty database is created in the mode. One with pages only goes from one mode with a pointer map to the other before it is vacuumed.
    writing(
        &mut database.pager,
        (
            context.state.transaction.is_autocommit(),
            context.state.transaction.savepoints(),
        ),
        |pager| {
            let incremental = u32::from(mode == AutoVacuum::Incremental);
            if pager.header()?.auto_vacuum() != AutoVacuum::None {
                pager.update_header(|header| header.incremental_vacuum = incremental)?;
            }
            Ok(Vec::new())
        },
    )
}

/// Gives up to `value` free pages (all when 0 or absent) back to the system: a row without columns for each.
pub(super) fn incremental_vacuum(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[request.database_or_main()].pager;
    let count = match request.number().and_then(|count| u32::try_from(count).ok()) {
        Some(count) if count > 0 => count,
        _ => u32::MAX,
    };
    let free = |pager: &mut Pager| -> Result<u32> {
        if pager.page_count() == 0 {
            return Ok(0);
        }
        let header = pager.header()?;
        // A damaged header claims any number.
        Ok(if header.largest_root > 0 {
            header.freelist_count.min(pager.page_count())
        } else {
            0
        })
    };
    if reading(pager, free)? == 0 {
        return Ok(Vec::new());
    }
    writing(
        pager,
        (
            context.state.transaction.is_autocommit(),
            context.state.transaction.savepoints(),
        ),
        |pager| {
            let before = free(pager)?;
            btree::vacuum_pages(pager, count)?;
            let freed = before - free(pager)?.min(before);
            Ok(vec![Row::new(); freed as usize])
        },
    )
}

pub(super) fn max_page_count(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[request.database_or_main()].pager;
    reading(pager, |pager| {
        let count = match request.number().and_then(|count| u32::try_from(count).ok()) {
            Some(count) if count > 0 => pager.set_max_page_count(count),
            _ => pager.max_page_count(),
        };
        Ok(one_integer(i64::from(count)))
    })
}

// ---- journal and locks ---------------------------------------------------------------------------

pub(super) fn journal_mode(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let named = request.value.and_then(journal_mode_named);
    let Some(mode) = named else {
        let pager = &mut context.state.databases[request.database_or_main()].pager;
        reading(pager, |_| Ok(()))?;
        return Ok(one_text(journal_mode_words(pager)));
    };
    // Without a name the mode is set for all databases, and what main made of it is told.
    let all = 0..context.state.databases.len();
    let chosen = request.database.map_or(all, |number| number..number + 1);
    for number in chosen {
        if number != TEMP || request.database == Some(TEMP) {
            let pager = &mut context.state.databases[number].pager;
            let now = pager.journal_mode();
            let can_log = !pager.is_in_memory() && !pager.has_changes();
            if !context.state.transaction.is_autocommit()
                && can_log
                && now != mode
                && [now, mode].contains(&JournalMode::Wal)
            {
                let way = if mode == JournalMode::Wal {
                    "into"
                } else {
                    "out of"
                };
                return Err(Error::sql(format!(
                    "cannot change {way} wal mode from within a transaction"
                )));
            }
            pager.set_journal_mode(mode)?;
        }
    }
    Ok(one_text(journal_mode_words(
        &context.state.databases[request.database_or_main()].pager,
    )))
}

/// The beginning of a mode's name is enough; the first in this order counts.
fn journal_mode_named(name: &str) -> Option<JournalMode> {
    let modes = [
        ("delete", JournalMode::Delete),
        ("persist", JournalMode::Persist),
        ("off", JournalMode::Off),
        ("truncate", JournalMode::Truncate),
        ("memory", JournalMode::Memory),
        ("wal", JournalMode::Wal),
    ];
    let begins = |(word, _): &&(&str, JournalMode)| {
        word.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    modes.iter().find(begins).map(|(_, mode)| *mode)
}

fn journal_mode_words(pager: &Pager) -> &'static str {
    match pager.journal_mode() {
        JournalMode::Delete => "delete",
        JournalMode::Truncate => "truncate",
        JournalMode::Persist => "persist",
        JournalMode::Memory => "memory",
        JournalMode::Off => "off",
        JournalMode::Wal => "wal",
    }
}

pub(super) fn journal_size_limit(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    if let Some(limit) = request.number() {
        context.state.settings.journal_size_limit = limit.max(-1);
    }
    Ok(one_integer(context.state.settings.journal_size_limit))
}

pub(super) fn synchronous(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[request.database_or_main()].pager;
    let Some(value) = request.value else {
        return Ok(one_integer(match pager.synchronous() {
            Synchronous::Off => 0,
            Synchronous::Normal => 1,
            Synchronous::Full => 2,
            Synchronous::Extra => 3,
        }));
    };
    if !context.state.transaction.is_autocommit() {
        return Err(Error::sql("Safety level may not be changed inside a transaction"));
    }
    pager.set_synchronous(match value.to_ascii_lowercase().as_str() {
        "off" | "no" | "false" => Synchronous::Off,
        "full" => Synchronous::Full,
        "extra" => Synchronous::Extra,
        word if !word.starts_with(|c: char| c.is_ascii_digit()) => Synchronous::Normal,
        number => match whole_number(number) & 3 {
            0 => Synchronous::Off,
            1 => Synchronous::Normal,
            2 => Synchronous::Full,
            _ => Synchronous::Extra,
        },
    });
    Ok(Vec::new())
}

pub(super) fn locking_mode(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let wanted = request
        .value
        .and_then(|value| match value.to_ascii_lowercase().as_str() {
            "exclusive" => Some(true),
            "normal" => Some(false),
            _ => None,
        });
    if let Some(exclusive) = wanted {
        let all = 0..context.state.databases.len();
        for number in request.database.map_or(all, |number| number..number + 1) {
            context.state.databases[number].pager.set_exclusive(exclusive);
        }
        if request.database.is_none() {
            context.state.settings.exclusive_locking = exclusive;
        }
    }
    // Without a mode and without a database it is asked what databases yet to be attached will have.
    if wanted.is_none() && request.database.is_none() {
        return Ok(locking_mode_row(context.state.settings.exclusive_locking));
    }
    let pager = &context.state.databases[request.database_or_main()].pager;
    // Nobody else ever sees a database in memory: it is exclusive, whatever is asked for.
    Ok(locking_mode_row(pager.is_in_memory() || pager.is_exclusive()))
}

fn locking_mode_row(exclusive: bool) -> Vec<Row> {
    one_text(if exclusive { "exclusive" } else { "normal" })
}

pub(super) fn wal_autocheckpoint(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    if let Some(frames) = request.number() {
        let frames = u32::try_from(frames.max(0)).unwrap_or(u32::MAX);
        context.state.checkpoint_after(frames);
    }
    Ok(one_integer(context.state.settings.wal_autocheckpoint))
}

pub(super) fn wal_checkpoint(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let mode = match request.value.unwrap_or_default().to_ascii_lowercase().as_str() {
        "full" => CheckpointKind::Full,
        "restart" => CheckpointKind::Restart,
        "truncate" => CheckpointKind::Truncate,
        _ => CheckpointKind::Passive,
    };
    let all = 0..context.state.databases.len();
    let mut answer = None;
    for number in request.database.map_or(all, |number| number..number + 1) {
        let pager = &mut context.state.databases[number].pager;
        reading(pager, |_| Ok(()))?;
        let is_wal = pager.journal_mode() == JournalMode::Wal;
        let row = if is_wal {
            checkpoint(pager, mode)?
        } else {
            [0, -1, -1]
        };
        answer.get_or_insert(row);
    }
    Ok(answer
        .into_iter()
        .map(|row| row.map(Value::Integer).to_vec())
        .collect())
}

/// Whether it was kept from its end, frames in the log, frames copied.
fn checkpoint(pager: &mut Pager, mode: CheckpointKind) -> Result<[i64; 3]> {
    let report = pager.checkpoint(mode)?;
    Ok([
        i64::from(report.busy),
        i64::from(report.log_frames),
        i64::from(report.checkpointed_frames),
    ])
}

// ---- the connection ------------------------------------------------------------------------------

pub(super) fn busy_timeout(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    if let Some(timeout) = request.number() {
        let timeout_ms = u32::try_from(timeout.max(0)).unwrap_or(u32::MAX);
        context
            .state
            .set_busy_timeout(Duration::from_millis(u64::from(timeout_ms)));
    }
    Ok(one_integer(i64::from(context.state.settings.busy_timeout_ms)))
}

pub(super) fn cache_size(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let spills = context.state.settings.cache_spill != 0;
    let database = &mut context.state.databases[request.database_or_main()];
    let mut size = database.cache_size;
    let answer = number(request, &mut size)?;
    if request.value.is_some() {
        database.set_cache_size(size, spills);
    }
    Ok(answer)
}

/// As `cache_size`, in pages without sign. SQLite keeps it in the file; here it lasts as long as the connection.
pub(super) fn default_cache_size(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    match request.number() {
        Some(pages) => {
            let spills = context.state.settings.cache_spill != 0;
            let database = &mut context.state.databases[request.database_or_main()];
            database.set_cache_size(pages.saturating_abs(), spills);
            Ok(Vec::new())
        }
        None => {
            let database = &context.state.databases[request.database_or_main()];
            Ok(one_integer(database.cache_size))
        }
    }
}

pub(super) fn cache_spill(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let answer = number(request, &mut context.state.settings.cache_spill)?;
    if request.value.is_some() && context.state.settings.cache_spill == 0 {
        for database in &mut context.state.databases {
            database.pager.set_spill_limit(usize::MAX);
        }
    } else if request.value.is_some() {
        for database in &mut context.state.databases {
            database.set_cache_size(database.cache_size, true);
        }
    }
    Ok(answer)
}

pub(super) fn analysis_limit(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let limit = request.number().filter(|limit| *limit >= 0);
    Ok(set_and_tell(limit, &mut context.state.settings.analysis_limit))
}

/// The limit is also how much memory a sort, a grouping or a join takes before it puts rows aside in temporary files.
pub(super) fn heap_limit(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let limit = request.number().filter(|limit| *limit >= 0);
    if let Some(limit) = limit {
        let budget = match usize::try_from(limit) {
            Ok(0) | Err(_) => Session::default().memory_budget_bytes,
            Ok(limit) => limit,
        };
        context.state.session.memory_budget_bytes = budget;
        context
            .state
            .deferred
            .set_bytes_max(WAITING_BYTES_MAX.min(budget / 8));
    }
    Ok(set_and_tell(limit, &mut context.state.settings.heap_limit))
}

pub(super) fn threads(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let count = request
        .number()
        .filter(|count| *count >= 0)
        .map(|count| count.min(8));
    Ok(set_and_tell(count, &mut context.state.settings.threads))
}

pub(super) fn mmap_size(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    if let Some(bytes) = request.number() {
        // Negative: back to the default, which maps the whole file.
        context.state.settings.mmap_size = if bytes < 0 { i64::MAX } else { bytes };
        let limit = context.state.settings.mmap_size as u64;
        let all = 0..context.state.databases.len();
        for number in request.database.map_or(all, |number| number..number + 1) {
            context.state.databases[number].pager.set_mmap_limit(limit)?;
        }
    }
    // What lies in memory is never mapped, and has nothing to tell.
    if context.state.databases[request.database_or_main()]
        .path
        .is_empty()
    {
        return Ok(Vec::new());
    }
    Ok(one_integer(context.state.settings.mmap_size))
}

pub(super) fn secure_delete(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    if let Some(value) = request.value {
        let fast = value.eq_ignore_ascii_case("fast");
        let chosen = if fast { 2 } else { i64::from(truth(value)) };
        let all = 0..context.state.databases.len();
        for number in request.database.map_or(all, |number| number..number + 1) {
            let database = &mut context.state.databases[number];
            database.secure_delete = chosen;
            database.pager.set_secure_delete(chosen == 1);
        }
    }
    Ok(one_integer(
        context.state.databases[request.database_or_main()].secure_delete,
    ))
}

pub(super) fn temp_store(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let Some(value) = request.value else {
        return Ok(one_integer(i64::from(context.state.settings.temp_store)));
    };
    let store = match value.as_bytes() {
        [digit @ b'0'..=b'2', ..] => digit - b'0',
        _ if value.eq_ignore_ascii_case("file") => 1,
        _ if value.eq_ignore_ascii_case("memory") => 2,
        _ => 0,
    };
    if store == context.state.settings.temp_store {
        return Ok(Vec::new());
    }
    let in_use = reading(&mut context.state.databases[TEMP].pager, |pager| {
        Ok(pager.page_count() > 0)
    })?;
    if !context.state.transaction.is_autocommit() && in_use {
        return Err(Error::sql(
            "temporary storage cannot be changed from within a transaction",
        ));
    }
    context.state.settings.temp_store = store;
    context.state.renew_temporary()?;
    Ok(Vec::new())
}

pub(super) fn case_sensitive_like(
    request: &Request<'_>,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Row>> {
    if let Some(value) = request.value {
        context
            .state
            .session
            .environment
            .case_sensitive_like
            .set(truth(value));
    }
    Ok(Vec::new())
}

fn number(request: &Request<'_>, setting: &mut i64) -> Result<Vec<Row>> {
    let Some(value) = request.value else {
        return Ok(one_integer(*setting));
    };
    *setting = match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => 1,
        other => whole_number(other),
    };
    Ok(Vec::new())
}

fn set_and_tell(number: Option<i64>, setting: &mut i64) -> Vec<Row> {
    if let Some(number) = number {
        *setting = number;
    }
    one_integer(*setting)
}
