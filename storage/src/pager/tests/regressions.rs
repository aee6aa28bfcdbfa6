//! What the simulated machine found, one test for each class of mistake.

use super::crash::disk_after;
use super::*;
use crate::format::journal::JournalHeader;
use crate::vfs::MemoryImage;
use crate::vfs::fault::{Choice, Decide, Fault, FaultPlan, FaultVfs, Op, Outcome, Promise};

const DATABASE: &str = "x.db";

fn machine() -> FaultVfs {
    let machine = FaultVfs::new(&MemoryImage::default(), 1);
    machine.set_promise(Promise::Power);
    machine
}

fn open(vfs: &FaultVfs, journal_mode: JournalMode, synchronous: Synchronous) -> Pager {
    let options = PagerOptions {
        journal_mode,
        synchronous,
        ..small()
    };
    Pager::open(Arc::new(vfs.clone()), Path::new(DATABASE), &options).unwrap()
}

/// Commits `n` in the header and on pages 2 to 5.
fn commit(pager: &mut Pager, n: u8) -> Result<()> {
    change(pager, n)?;
    pager.commit()
}

/// As [`commit`], which is still to come.
fn change(pager: &mut Pager, n: u8) -> Result<()> {
    pager.begin_write()?;
    while pager.page_count() < 5 {
        pager.append_page()?;
    }
    for page in 2..=5 {
        pager.page_mut(number(page))?.fill(n);
    }
    pager.update_header(|header| header.user_version = i32::from(n))
}

fn read(pager: &mut Pager) -> Result<u8> {
    pager.begin_read()?;
    let found = pager.header()?.user_version as u8;
    for page in 2..=pager.page_count() {
        assert!(pager.page(number(page))?.iter().all(|byte| *byte == found));
    }
    pager.end_read();
    Ok(found)
}

/// The first connection creates the log and, with NORMAL, never syncs it; the second one finds it there and checkpoints. Its sync of
/// the log said nothing about the log's name, so a loss of power could take away the frames that were being copied.
#[test]
fn the_name_of_a_log_is_durable_before_anybody_copies_it() {
    let machine = machine();
    let mut first = open(&machine, JournalMode::Wal, Synchronous::Normal);
    commit(&mut first, 1).unwrap();
    let mut second = open(&machine.process(), JournalMode::Wal, Synchronous::Normal);
    second.checkpoint(CheckpointKind::Passive).unwrap();
    assert_eq!(machine.broken_promises(), [] as [String; 0]);
}

/// A checkpoint cuts the log to nothing, and the next commit finds it empty. The cut may be lost and the new frames not: then they
/// stand among the old ones behind the old header.
#[test]
fn frames_wait_for_the_header_of_a_log_that_was_cut() {
    let machine = machine();
    let mut pager = open(&machine, JournalMode::Wal, Synchronous::Normal);
    for n in 1..4 {
        commit(&mut pager, n).unwrap();
        pager.checkpoint(CheckpointKind::Truncate).unwrap();
    }
    assert_eq!(machine.broken_promises(), [] as [String; 0]);
}

struct Tear(Outcome);

impl Decide for Tear {
    fn names(&mut self, count: usize) -> usize {
        count
    }

    fn piece(&mut self, _index: usize, _len: usize) -> Outcome {
        self.0
    }
}

/// The header of a journal that is kept was filled with zeros at the end. Torn, that is a magic in front of a page count of zero: SQLite,
/// asked to roll that back, cuts the database to nothing.
#[test]
fn a_torn_end_leaves_a_kept_journal_whole_or_void() {
    let machine = machine();
    let mut pager = open(&machine, JournalMode::Persist, Synchronous::Full);
    commit(&mut pager, 1).unwrap();
    commit(&mut pager, 2).unwrap();
    let ops = machine.ops();
    let end = ops.len() - 1;
    assert!(
        matches!(ops[end], Op::Sync { .. }),
        "the end of the journal is synced last"
    );
    let before = disk_after(&ops[..end - 1]).killed();
    let journal = |image: &MemoryImage| JournalHeader::decode(&image.files[Path::new("x.db-journal")]);
    let whole = journal(&before);
    assert!(whole.is_some());
    let disk = disk_after(&ops[..end]);
    for len in 0..=28 {
        for outcome in [Outcome::Head(len), Outcome::Tail(len)] {
            let torn = journal(&disk.powerless(&mut Tear(outcome)));
            assert!(torn.is_none() || torn == whole, "{outcome:?}: {torn:?}");
        }
    }
}

/// The first process cuts its journal (or zeros its magic) and dies before it can sync that. The second one writes its journal over it. A power
/// loss then found the first one's header with some of the second one's records, and rolled back a part of the first one's commit.
#[test]
fn a_journal_whose_end_is_in_doubt_is_not_written_over() {
    for journal_mode in [JournalMode::Truncate, JournalMode::Persist] {
        for after in 0.. {
            let machine = machine();
            let mut first = open(&machine, journal_mode, Synchronous::Full);
            commit(&mut first, 1).unwrap();
            machine.set_plan(Some(FaultPlan::once(Fault::Death, after)));
            let died = commit(&mut first, 2).is_err();
            machine.set_plan(None);
            let start = machine.ops().len();
            let mut second = open(&machine.process(), journal_mode, Synchronous::Full);
            commit(&mut second, 3).unwrap();
            assert_eq!(machine.broken_promises(), [] as [String; 0]);
            let ops = machine.ops();
            for now in start..=ops.len() {
                let disk = disk_after(&ops[..now]);
                let pieces = disk.piece_count().min(12);
                let choices = (0..1 << pieces).step_by(1 + (1 << pieces) / 40).map(Choice::Bits);
                for choice in choices.chain([Choice::None, Choice::All]) {
                    let image = disk.powerless(&mut choice.decider());
                    let mut found = open(&FaultVfs::new(&image, 1), JournalMode::Delete, Synchronous::Full);
                    let found = read(&mut found).unwrap();
                    assert!(
                        (1..=3).contains(&found),
                        "{journal_mode:?} {after} {now} {choice:?}"
                    );
                }
            }
            if !died {
                break;
            }
        }
    }
}

/// With NORMAL nothing was synced before a checkpoint, and its sync of the log fails: the frames are dropped and pass for clean. The next
/// connection's sync went well without them, and its checkpoint copied what a power loss then took from the log.
#[test]
fn frames_that_a_failed_sync_dropped_are_written_again() {
    for (after, somebody_writes) in (0..12).flat_map(|after| [(after, false), (after, true)]) {
        let machine = machine();
        let mut first = open(&machine, JournalMode::Wal, Synchronous::Normal);
        for n in 1..4 {
            commit(&mut first, n).unwrap();
        }
        // A writer that takes its time: what is published is written again without waiting for it.
        let mut writer = open(&machine.process(), JournalMode::Wal, Synchronous::Normal);
        if somebody_writes {
            writer.begin_write().unwrap();
        }
        machine.set_plan(Some(FaultPlan::once(Fault::SyncDrops, after)));
        let failed = first.checkpoint(CheckpointKind::Passive).is_err();
        machine.set_plan(None);
        writer.rollback().unwrap();
        let mut second = open(&machine.process(), JournalMode::Wal, Synchronous::Normal);
        commit(&mut second, 4).unwrap();
        let start = machine.ops().len();
        second.checkpoint(CheckpointKind::Full).unwrap();
        assert_eq!(machine.broken_promises(), [] as [String; 0]);
        let ops = machine.ops();
        for now in start..=ops.len() {
            let disk = disk_after(&ops[..now]);
            let pieces = disk.piece_count().min(10);
            let choices = (0..1 << pieces).step_by(1 + (1 << pieces) / 40).map(Choice::Bits);
            for choice in choices.chain([Choice::None, Choice::All]) {
                let image = disk.powerless(&mut choice.decider());
                let mut found = open(&FaultVfs::new(&image, 1), JournalMode::Delete, Synchronous::Full);
                read(&mut found).unwrap_or_else(|error| panic!("{after} {now} {choice:?}: {error}"));
            }
        }
        if !failed && somebody_writes {
            break;
        }
    }
}

/// A checkpoint is writing the first page when the power goes, and what is there is no header. The log has the page.
#[test]
fn a_damaged_first_page_is_taken_from_the_log() {
    let machine = machine();
    let mut pager = open(&machine, JournalMode::Wal, Synchronous::Full);
    commit(&mut pager, 1).unwrap();
    let mut image = machine.disk().killed();
    if let Some(database) = image.files.get_mut(Path::new(DATABASE)) {
        database[..512].fill(0xa7);
    }
    let mut after = open(&FaultVfs::new(&image, 1), JournalMode::Delete, Synchronous::Full);
    assert_eq!(read(&mut after).unwrap(), 1);
}

/// The log was left and entered again: it is another file, and the map of the old one showed pages that were gone, or was cut short under
/// the reader.
#[test]
fn the_map_of_a_log_goes_with_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let options = PagerOptions {
        journal_mode: JournalMode::Wal,
        ..small()
    };
    let mut pager = Pager::open(Arc::new(OsVfs::new()), &folder.path().join(DATABASE), &options).unwrap();
    for round in 0..4 {
        for n in 1..20 {
            commit(&mut pager, round * 20 + n).unwrap();
            assert_eq!(read(&mut pager).unwrap(), round * 20 + n);
        }
        pager.checkpoint(CheckpointKind::Truncate).unwrap();
        pager.set_journal_mode(JournalMode::Delete).unwrap();
        commit(&mut pager, round * 20 + 20).unwrap();
        pager.set_journal_mode(JournalMode::Wal).unwrap();
    }
}

/// A disk that returned less than it had was taken for a file that ends: a journal was played back in part and then deleted.
#[test]
fn a_short_read_is_an_error_and_not_the_end_of_a_file() {
    let machine = machine();
    let mut pager = open(&machine, JournalMode::Delete, Synchronous::Full);
    commit(&mut pager, 1).unwrap();
    let before = machine.ops().len();
    commit(&mut pager, 2).unwrap();
    let ops = machine.ops();
    // The last moment at which the journal is there: all pages are written.
    let end = ops
        .iter()
        .rposition(|op| matches!(op, Op::Rename { .. }))
        .unwrap();
    assert!(end > before);
    let hot = disk_after(&ops[..end]).killed();
    let other = FaultVfs::new(&hot, 1);
    other.set_plan(Some(FaultPlan {
        suffix: Some("-journal"),
        for_good: true,
        ..FaultPlan::once(Fault::ShortRead, 0)
    }));
    let mut pager = open(&other, JournalMode::Delete, Synchronous::Full);
    assert_eq!(read(&mut pager).unwrap_err().code(), 522);
    other.set_plan(None);
    assert_eq!(read(&mut pager).unwrap(), 1);
}

/// A journal of a commit over two files could not be synced. The files are as they were; the super-journal stayed for ever.
#[test]
fn a_failed_commit_over_two_files_leaves_no_super_journal() {
    let machine = machine();
    let mut main = open(&machine, JournalMode::Delete, Synchronous::Full);
    let mut two = Pager::open(Arc::new(machine.clone()), Path::new("y.db"), &small()).unwrap();
    for pager in [&mut main, &mut two] {
        commit(pager, 1).unwrap();
        pager.begin_write().unwrap();
        pager.page_mut(number(2)).unwrap().fill(2);
    }
    machine.set_plan(Some(FaultPlan {
        suffix: Some("y.db-journal"),
        ..FaultPlan::once(Fault::SyncDrops, 0)
    }));
    commit_all(&mut [&mut main, &mut two], Afterwards::Leave).unwrap_err();
    main.rollback().unwrap();
    let _ = two.rollback();
    let files: Vec<_> = machine.disk().killed().files.into_keys().collect();
    let is_super = |file: &std::path::PathBuf| file.to_string_lossy().contains("-mj");
    assert!(!files.iter().any(is_super), "{files:?}");
}

/// The first process deletes the super-journal and dies before that is durable. The next one ended one of the journals for good; a power
/// loss then brought the super-journal back, and with it the other journal was hot: half a commit.
#[test]
fn a_commit_over_two_files_is_whole_after_a_death_and_a_power_loss() {
    for journal_mode in [JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist] {
        for after in 0.. {
            let machine = machine();
            let open_both = |vfs: &FaultVfs| {
                ["x.db", "y.db"].map(|name| {
                    let options = PagerOptions {
                        journal_mode,
                        synchronous: Synchronous::Full,
                        ..small()
                    };
                    Pager::open(Arc::new(vfs.clone()), Path::new(name), &options).unwrap()
                })
            };
            let [mut main, mut two] = open_both(&machine);
            for pager in [&mut main, &mut two] {
                commit(pager, 1).unwrap();
                change(pager, 2).unwrap();
            }
            machine.set_plan(Some(FaultPlan::once(Fault::Death, after)));
            let died = commit_all(&mut [&mut main, &mut two], Afterwards::Leave).is_err();
            machine.set_plan(None);
            let start = machine.ops().len();
            for mut pager in open_both(&machine.process()) {
                read(&mut pager).unwrap();
            }
            let ops = machine.ops();
            for now in start..=ops.len() {
                let disk = disk_after(&ops[..now]);
                let pieces = disk.piece_count().min(12);
                let choices = (0..1 << pieces).step_by(1 + (1 << pieces) / 40).map(Choice::Bits);
                for choice in choices.chain([Choice::None, Choice::All]) {
                    let image = disk.powerless(&mut choice.decider());
                    let found =
                        open_both(&FaultVfs::new(&image, 1)).map(|mut pager| read(&mut pager).unwrap());
                    assert!(
                        found == [1, 1] || found == [2, 2],
                        "{journal_mode:?} {after} {now} {choice:?}: {found:?}"
                    );
                }
            }
            if !died {
                break;
            }
        }
    }
}

/// Without a journal on the disk nobody synced the folder, and the first commits of a new database went with its name.
#[test]
fn a_new_database_without_a_journal_keeps_its_name() {
    for mode in [JournalMode::Memory, JournalMode::Off] {
        let machine = FaultVfs::new(&MemoryImage::default(), 1);
        commit(&mut open(&machine, mode, Synchronous::Full), 1).unwrap();
        let image = machine.disk().powerless(&mut Choice::None.decider());
        let mut after = open(&FaultVfs::new(&image, 1), JournalMode::Delete, Synchronous::Full);
        assert_eq!(read(&mut after).unwrap(), 1, "{mode:?}");
    }
}

/// A snapshot of the log was taken, and then a call failed. The next attempt found the log unchanged and took the database for the empty one
/// that it had been before the first.
#[test]
fn a_snapshot_that_failed_half_way_is_taken_again_in_full() {
    for call in 0..40 {
        let machine = machine();
        let mut first = open(&machine, JournalMode::Wal, Synchronous::Full);
        commit(&mut first, 1).unwrap();
        let mut second = open(&machine.process(), JournalMode::Delete, Synchronous::Full);
        machine.set_plan(Some(FaultPlan::once(Fault::Io, call)));
        let attempt = read(&mut second);
        machine.set_plan(None);
        assert!(
            attempt.is_err() || attempt.is_ok_and(|found| found == 1),
            "call {call}"
        );
        assert_eq!(read(&mut second).unwrap(), 1, "call {call}");
    }
}

/// A file ended inside its last page. After a commit that did not write that page the file was taken for whole, and the map was read behind
/// the end of the file: the system stopped the process.
#[test]
fn a_file_that_ends_inside_a_page_is_not_mapped_past_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let options = PagerOptions {
        page_size: 65536,
        ..small()
    };
    let open = || Pager::open(Arc::new(OsVfs::new()), &file, &options).unwrap();
    commit(&mut open(), 1).unwrap();
    let len = std::fs::metadata(&file).unwrap().len();
    std::fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(len - 60_000)
        .unwrap();
    let mut pager = open();
    for n in 2..4 {
        pager.begin_write().unwrap();
        // Often enough that the file is mapped.
        for page in (1..5).cycle().take(60) {
            assert_eq!(pager.page(number(page)).unwrap().len(), 65536);
        }
        pager.update_header(|header| header.user_version = n).unwrap();
        pager.commit().unwrap();
        pager.begin_read().unwrap();
        let last = pager.page(number(5)).unwrap();
        assert_eq!((last[0], last[65535]), (1, 0));
        pager.end_read();
    }
}

/// SQLite before 3.5.8 left the page size out of a journal's header. We took such a hot journal for none, and what it could have put back
/// stayed half-written.
#[test]
fn a_journal_without_a_page_size_is_played_back() {
    use super::crash::killed;
    let machine = machine();
    let mut pager = open(&machine, JournalMode::Delete, Synchronous::Full);
    commit(&mut pager, 1).unwrap();
    let before = machine.ops().len();
    commit(&mut pager, 2).unwrap();
    let ops = machine.ops();
    let mut played_back = 0;
    for count in before..ops.len() {
        let mut image = killed(&ops[..count]);
        let journal = image.files.get_mut(Path::new("x.db-journal"));
        let Some(size) = journal.and_then(|journal| journal.get_mut(24..28)) else {
            continue;
        };
        size.fill(0);
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in &image.files {
            std::fs::write(folder.path().join(path), bytes).unwrap();
        }
        let theirs = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
        let version = theirs.query_row("PRAGMA user_version", [], |row| row.get::<_, i32>(0));
        assert_eq!(version.unwrap(), 1, "{count}");
        let mut found = open(&FaultVfs::new(&image, 1), JournalMode::Delete, Synchronous::Full);
        assert_eq!(read(&mut found).unwrap(), 1, "{count}");
        played_back += 1;
    }
    assert!(played_back >= 3, "{played_back}");
}
