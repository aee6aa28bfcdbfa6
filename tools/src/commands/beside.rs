//! `wal`, `journal`, `shm`: the files beside a database.

use std::io::{self, Write};

use aludel_storage::format::checksum::WordOrder;
use aludel_storage::format::wal_index::{
    BACKFILL_ATTEMPTED_WORD, BACKFILL_WORD, HEADER_WORDS, IndexHeader, READ_MARK_UNUSED, READ_MARK_WORD,
    READ_MARKS, REGION_SIZE, SLOT_HALFWORD, SLOTS,
};
use aludel_storage::vfs::{ReadOnlyFile, SHM_READ_BYTE, SHM_USE_BYTE, SHM_WRITE_BYTE, sibling};

use super::subject::{Subject, read_any};
use crate::cli::{Target, Wal, WalView};
use crate::error::{Exit, Failure};
use crate::inspect::image::{JournalScan, LogFrame, LogReader};
use crate::output::{Field, Part, Report};

/// Prints a log.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn wal(wal: &Wal, out: &mut dyn Write) -> Result<Exit, Failure> {
    read_any(&wal.target, out, &mut |subject, out| {
        let path = sibling(subject.image.path(), "-wal");
        let failed = |error: io::Error| Failure::cannot_open(&path, error);
        let mut report = Report::new("dbtool/wal/1");
        report.fact("exists", path.exists());
        let Some(mut reader) = LogReader::open(&path).map_err(failed)? else {
            report.fact("header_is_sound", false);
            report.print(&subject.style, out)?;
            return Ok(Exit::Done);
        };
        let mut frames = Vec::new();
        while let Some(frame) = reader.next_frame().map_err(failed)? {
            frames.push(frame);
        }
        let sound = frames.iter().take_while(|frame| frame.is_sound).count();
        let committed = frames[..sound]
            .iter()
            .rposition(|frame| frame.commit_size > 0)
            .map_or(0, |last| last + 1);
        let header = reader.header;
        report.fact("header_is_sound", true);
        report.fact("page_size", Field::Count(u64::from(header.page_size)));
        report.fact(
            "checksums",
            if header.order == WordOrder::Big {
                "big-endian"
            } else {
                "little-endian"
            },
        );
        report.fact(
            "checkpoint_sequence",
            Field::Number(i64::from(header.checkpoint_sequence)),
        );
        report.fact("salt", Field::Blob(header.salt.to_vec()));
        report.fact("frames_in_file", Field::Count(frames.len() as u64));
        report.fact("frames_sound", Field::Count(sound as u64));
        report.fact("frames_committed", Field::Count(committed as u64));
        report.fact(
            "first_unsound",
            frames
                .get(sound)
                .map_or(Field::Null, |frame| Field::text(reason(frame, header.salt))),
        );
        report.part(match wal.view {
            WalView::Frames => frames_part(&frames, committed),
            WalView::Commits => commits_part(&frames[..committed]),
            WalView::Pages => pages_part(&frames[..committed]),
        });
        report.print(&subject.style, out)?;
        Ok(Exit::Done)
    })
}

fn reason(frame: &LogFrame, salt: [u8; 8]) -> &'static str {
    if frame.salt != salt {
        "left over from before the log was begun anew: other salts"
    } else if frame.page == 0 {
        "page 0"
    } else {
        "checksum is wrong"
    }
}

fn frames_part(frames: &[LogFrame], committed: usize) -> Part {
    let mut part = Part::new(
        "frames",
        &[
            "frame",
            "page",
            "commit_pages",
            "sound",
            "counts",
            "salt",
            "checksum",
        ],
    );
    for (index, frame) in frames.iter().enumerate() {
        let [a, b] = frame.checksum;
        part.push(vec![
            Field::Number(i64::from(frame.number)),
            Field::Number(i64::from(frame.page)),
            if frame.commit_size > 0 {
                Field::Count(u64::from(frame.commit_size))
            } else {
                Field::Null
            },
            frame.is_sound.into(),
            (index < committed).into(),
            Field::Blob(frame.salt.to_vec()),
            Field::text(format!("{a:08x}{b:08x}")),
        ]);
    }
    part
}

fn commits_part(frames: &[LogFrame]) -> Part {
    let mut part = Part::new(
        "commits",
        &[
            "commit",
            "first_frame",
            "last_frame",
            "pages_written",
            "database_pages",
        ],
    );
    let mut first = 1;
    for frame in frames.iter().filter(|frame| frame.commit_size > 0) {
        part.push(vec![
            Field::Number(part.rows.len() as i64 + 1),
            Field::Number(i64::from(first)),
            Field::Number(i64::from(frame.number)),
            Field::Count(u64::from(frame.number + 1 - first)),
            Field::Count(u64::from(frame.commit_size)),
        ]);
        first = frame.number + 1;
    }
    part
}

fn pages_part(frames: &[LogFrame]) -> Part {
    let mut versions = std::collections::BTreeMap::<u32, (u64, u32)>::new();
    for frame in frames {
        let (count, last) = versions.entry(frame.page).or_default();
        (*count, *last) = (*count + 1, frame.number);
    }
    let mut part = Part::new("pages", &["page", "versions", "newest_frame"]);
    for (page, (count, last)) in versions {
        part.push(vec![
            Field::Number(i64::from(page)),
            Field::Count(count),
            Field::Number(i64::from(last)),
        ]);
    }
    part
}

/// Prints a rollback journal.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn journal(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read_any(target, out, &mut |subject, out| {
        let path = sibling(subject.image.path(), "-journal");
        let mut records = Part::new("records", &["offset", "page", "sound"]);
        let scan = JournalScan::read(
            &path,
            u32::try_from(subject.image.page_size()).ok(),
            &mut |record| {
                records.push(vec![
                    Field::Number(record.offset as i64),
                    Field::Number(i64::from(record.page)),
                    record.is_sound.into(),
                ]);
            },
        );
        let mut report = Report::new("dbtool/journal/1");
        report.fact("exists", path.exists());
        if let Some(scan) = scan.map_err(|error| Failure::cannot_open(&path, error))? {
            report.fact("bytes", Field::Bytes(scan.len));
            report.fact("has_begun", scan.has_begun);
            report.fact("hot", subject.image.journal().is_some());
            report.fact("page_size", Field::Count(u64::from(scan.page_size)));
            report.fact("pages_before", Field::Count(u64::from(scan.page_count_before)));
            if let Some(name) = &scan.super_journal {
                report.fact("super_journal", name.path.display().to_string());
                report.fact("super_journal_exists", name.exists);
            }
            let mut segments = Part::new(
                "segments",
                &["offset", "records", "sound", "nonce", "sector_size"],
            );
            for segment in &scan.segments {
                segments.push(vec![
                    Field::Number(segment.offset as i64),
                    Field::Count(segment.announced),
                    Field::Count(segment.sound),
                    Field::text(format!("{:08x}", segment.header.nonce)),
                    Field::Bytes(u64::from(segment.header.sector_size)),
                ]);
            }
            report.part(segments);
            report.part(records);
        }
        report.print(&subject.style, out)?;
        Ok(Exit::Done)
    })
}

/// Prints a wal-index.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn shm(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read_any(target, out, &mut |subject, out| {
        let path = sibling(subject.image.path(), "-shm");
        let mut report = Report::new("dbtool/shm/1");
        match ReadOnlyFile::open(&path) {
            Ok(index) => {
                report.fact("exists", true);
                index_facts(&index, subject, &mut report)
                    .map_err(|error| Failure::cannot_open(&path, error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                report.fact("exists", false);
            }
            Err(error) => return Err(Failure::cannot_open(&path, error)),
        }
        report.print(&subject.style, out)?;
        Ok(Exit::Done)
    })
}

fn index_facts(index: &ReadOnlyFile, subject: &Subject, report: &mut Report) -> io::Result<()> {
    let mut front = vec![0; REGION_SIZE];
    let held = index.read_at(&mut front, 0)?;
    let word = |at: usize| {
        let part = front.get(at * 4..).and_then(|rest| rest.first_chunk::<4>());
        part.map_or(0, |part| u32::from_ne_bytes(*part))
    };
    let copy = |start: usize| -> [u32; HEADER_WORDS] { std::array::from_fn(|at| word(start + at)) };
    let header = IndexHeader::decode(&copy(0));
    let bytes = index.metadata()?.len();
    report.fact("bytes", Field::Bytes(bytes));
    report.fact("in_use", index.is_locked(SHM_USE_BYTE, 1)?);
    report.fact("copies_agree", copy(0) == copy(HEADER_WORDS));
    report.fact("header_is_sound", header.is_ok() && held >= HEADER_WORDS * 8);
    if let Ok(header) = header {
        report.fact("change_counter", Field::Number(i64::from(header.change)));
        report.fact("page_size", Field::Count(u64::from(header.page_size)));
        report.fact("frames", Field::Count(u64::from(header.frame_count)));
        report.fact("database_pages", Field::Count(u64::from(header.page_count)));
        report.fact("salt", Field::Blob(header.salt.to_vec()));
    }
    report.fact("backfilled", Field::Count(u64::from(word(BACKFILL_WORD))));
    report.fact(
        "backfill_attempted",
        Field::Count(u64::from(word(BACKFILL_ATTEMPTED_WORD))),
    );
    let mut locks = Vec::new();
    for (name, byte) in ["write", "checkpoint", "recover"]
        .into_iter()
        .zip(SHM_WRITE_BYTE..)
    {
        if index.is_locked(byte, 1)? {
            locks.push(name.to_owned());
        }
    }
    report.fact("locked", Field::List(locks));
    let ours = match subject.image.hold() {
        crate::inspect::image::Hold::ReadMark { mark, .. } => Some(*mark),
        crate::inspect::image::Hold::StaleIndex { .. } => Some(1),
        _ => None,
    };
    let mut marks = Part::new("read_marks", &["mark", "frame", "readers"]);
    for mark in 0..READ_MARKS {
        let frame = word(READ_MARK_WORD + mark);
        let readers = match index.is_locked(SHM_READ_BYTE + mark as u64, 1)? {
            true if ours == Some(mark) => "this program, maybe others",
            true => "yes",
            false => "no",
        };
        let frame = if frame == READ_MARK_UNUSED {
            Field::Null
        } else {
            Field::Count(u64::from(frame))
        };
        marks.push(vec![Field::Number(mark as i64), frame, readers.into()]);
    }
    report.part(marks);
    let mut regions = Part::new("regions", &["region", "slots_used"]);
    let mut bytes_of_region = vec![0; REGION_SIZE];
    for region in 0..(bytes / REGION_SIZE as u64).min(1 << 16) {
        index.read_at(&mut bytes_of_region, region * REGION_SIZE as u64)?;
        let slots = bytes_of_region
            .get(SLOT_HALFWORD * 2..SLOT_HALFWORD * 2 + SLOTS * 2)
            .unwrap_or_default();
        let used = slots.chunks_exact(2).filter(|slot| *slot != [0, 0]).count();
        regions.push(vec![Field::Number(region as i64), Field::Count(used as u64)]);
    }
    report.part(regions);
    Ok(())
}
