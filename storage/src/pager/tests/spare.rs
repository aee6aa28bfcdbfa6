//! The journal that is kept between commits: where it is, who may write it, and what a crash makes of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::crash::disk_after;
use super::*;
use crate::format::journal::{JOURNAL_SUFFIX, JournalHeader, MAGIC, SPARE_SUFFIX};
use crate::vfs::fault::{Choice, Fault, FaultPlan, FaultVfs, Op, Promise};
use crate::vfs::{MemoryImage, Vfs, sibling};

const DATABASE: &str = "x.db";

fn machine() -> FaultVfs {
    let machine = FaultVfs::new(&MemoryImage::default(), 1);
    machine.set_promise(Promise::Power);
    machine
}

fn open(vfs: Arc<dyn Vfs>, path: &Path) -> Pager {
    Pager::open(vfs, path, &small()).unwrap()
}

fn open_on(machine: &FaultVfs) -> Pager {
    open(Arc::new(machine.clone()), Path::new(DATABASE))
}

/// Commits `n` in the header and on the first `pages` pages.
fn commit(pager: &mut Pager, n: u8, pages: u32) -> Result<()> {
    pager.begin_write()?;
    while pager.page_count() < pages {
        pager.append_page()?;
    }
    for page in 2..=pages {
        pager.page_mut(number(page))?.fill(n);
    }
    pager.update_header(|header| header.user_version = i32::from(n))?;
    pager.commit()
}

/// The last commit, of which page 2 says the same.
fn read(pager: &mut Pager) -> Result<u8> {
    pager.begin_read()?;
    let found = pager.header()?.user_version as u8;
    for page in 2..=pager.page_count().min(2) {
        assert!(pager.page(number(page))?.iter().all(|byte| *byte == found));
    }
    pager.end_read();
    Ok(found)
}

struct Place {
    _folder: tempfile::TempDir,
    database: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place {
            database: folder.path().join(DATABASE),
            _folder: folder,
        }
    }

    fn spare(&self) -> PathBuf {
        sibling(&self.database, SPARE_SUFFIX)
    }

    /// The names beside the database.
    fn beside(&self) -> Vec<String> {
        let suffixes = [JOURNAL_SUFFIX, SPARE_SUFFIX, "-wal", "-shm"];
        let there = |suffix: &&str| sibling(&self.database, suffix).exists();
        suffixes.into_iter().filter(there).map(str::to_owned).collect()
    }
}

#[test]
fn it_is_written_again_while_the_connection_lives_and_goes_with_it() {
    let place = Place::new();
    let mut pager = open(Arc::new(OsVfs::new()), &place.database);
    commit(&mut pager, 1, 3).unwrap();
    assert_eq!(place.beside(), [SPARE_SUFFIX]);
    let inode = || fs::metadata(place.spare()).unwrap().ino();
    let first = inode();
    for n in 2..9 {
        commit(&mut pager, n, 3 + u32::from(n) % 3).unwrap();
        assert_eq!((place.beside(), inode()), (vec![SPARE_SUFFIX.to_owned()], first));
    }
    pager.set_synchronous(Synchronous::Normal);
    commit(&mut pager, 9, 3).unwrap();
    assert_eq!(inode(), first);
    drop(pager);
    assert!(place.beside().is_empty());
    let theirs = rusqlite::Connection::open(&place.database).unwrap();
    let version = theirs.query_row("PRAGMA user_version", [], |row| row.get::<_, u8>(0));
    assert_eq!(version.unwrap(), 9);
}

#[test]
fn other_modes_and_levels_have_none() {
    for mode in ALL_MODES {
        for synchronous in [
            Synchronous::Off,
            Synchronous::Normal,
            Synchronous::Full,
            Synchronous::Extra,
        ] {
            let place = Place::new();
            let options = PagerOptions {
                journal_mode: mode,
                synchronous,
                ..small()
            };
            let mut pager = Pager::open(Arc::new(OsVfs::new()), &place.database, &options).unwrap();
            commit(&mut pager, 1, 3).unwrap();
            commit(&mut pager, 2, 3).unwrap();
            let expected = mode == JournalMode::Delete && synchronous >= Synchronous::Full;
            assert_eq!(place.spare().exists(), expected, "{mode:?} {synchronous:?}");
            // With the mode it goes.
            for next in [JournalMode::Persist, JournalMode::Delete, JournalMode::Wal] {
                pager.set_journal_mode(next).unwrap();
                assert!(next == mode || !place.spare().exists(), "{mode:?} to {next:?}");
                commit(&mut pager, 3, 3).unwrap();
            }
            assert_eq!(read(&mut pager).unwrap(), 3);
            drop(pager);
            assert!(!place.spare().exists());
        }
    }
}

/// A connection that keeps its locks ends as all others.
#[test]
fn an_exclusive_connection_has_one() {
    let place = Place::new();
    let options = PagerOptions {
        exclusive: true,
        ..small()
    };
    let mut pager = Pager::open(Arc::new(OsVfs::new()), &place.database, &options).unwrap();
    for n in 1..5 {
        commit(&mut pager, n, 3).unwrap();
        assert_eq!(place.beside(), [SPARE_SUFFIX]);
    }
    drop(pager);
    assert!(place.beside().is_empty());
    assert_eq!(
        read(&mut open(Arc::new(OsVfs::new()), &place.database)).unwrap(),
        4
    );
}

#[test]
fn a_new_name_takes_the_place_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let memory: Arc<dyn Vfs> = Arc::new(MemoryVfs::new());
    for (vfs, folder) in [
        (memory, Path::new("")),
        (Arc::new(OsVfs::new()), folder.path()),
        (Arc::new(machine()), Path::new("")),
    ] {
        let (one, two) = (folder.join("one"), folder.join("two"));
        let create = |path: &Path, bytes: &[u8]| {
            let options = crate::vfs::OpenOptions {
                create: true,
                ..Default::default()
            };
            let file = vfs.open(path, &options).unwrap();
            file.write_at(bytes, 0).unwrap();
            file
        };
        let (first, second) = (create(&one, b"first"), create(&two, b"second"));
        vfs.rename(&one, &two).unwrap();
        assert!(!vfs.exists(&one).unwrap() && second.has_moved().unwrap());
        let now = vfs.open(&two, &crate::vfs::OpenOptions::default()).unwrap();
        assert_eq!(now.len().unwrap(), 5);
        first.write_at(b"longer", 0).unwrap();
        assert_eq!((now.len().unwrap(), second.len().unwrap()), (6, 6));
        let error = vfs.rename(&one, &two).unwrap_err();
        assert_eq!(error.code(), 10, "{error}");
        assert!(vfs.exists(&two).unwrap());
    }
}

#[test]
fn a_large_one_is_not_kept() {
    let place = Place::new();
    let mut pager = open(Arc::new(OsVfs::new()), &place.database);
    let pages = (1 << 20) / 512;
    commit(&mut pager, 1, pages).unwrap();
    assert_eq!(place.beside(), [SPARE_SUFFIX], "the old pages were few");
    commit(&mut pager, 2, pages).unwrap();
    assert!(place.beside().is_empty());
    commit(&mut pager, 3, 2).unwrap();
    assert_eq!(place.beside(), [SPARE_SUFFIX]);
    assert!(fs::metadata(place.spare()).unwrap().len() < 4096);
}

#[test]
fn a_commit_has_four_syncs() {
    let machine = machine();
    let mut pager = open_on(&machine);
    for n in 1..4 {
        let before = machine.ops().len();
        commit(&mut pager, n, 3).unwrap();
        let ops = &machine.ops()[before..];
        let syncs = ops
            .iter()
            .filter(|op| matches!(op, Op::Sync { .. } | Op::SyncDir { .. }));
        assert_eq!(syncs.count(), 4, "{ops:?}");
        let lengths = ops
            .iter()
            .filter(|op| matches!(op, Op::SetLen { .. } | Op::Create { .. }));
        assert!(n < 3 || lengths.count() == 0, "{ops:?}");
    }
    assert!(
        machine.broken_promises().is_empty(),
        "{:?}",
        machine.broken_promises()
    );
}

/// Each of two connections writes its own file: what the other one left may have its name only until the power goes.
#[test]
fn a_strangers_file_is_not_written() {
    let place = Place::new();
    let [mut one, mut two] = [0, 1].map(|_| open(Arc::new(OsVfs::new()), &place.database));
    let inode = || fs::metadata(place.spare()).unwrap().ino();
    commit(&mut one, 1, 3).unwrap();
    // Held open, so that its number is not given to another file.
    let held = fs::File::open(place.spare()).unwrap();
    commit(&mut two, 2, 3).unwrap();
    assert_ne!(held.metadata().unwrap().ino(), inode());
    assert_eq!(held.metadata().unwrap().nlink(), 0);
    drop(held);
    for (n, what) in (3..).zip([&MAGIC[..], &[7; 5000], &[]]) {
        fs::write(place.spare(), what).unwrap();
        let held = fs::File::open(place.spare()).unwrap();
        commit(&mut two, n, 3).unwrap();
        assert_ne!(held.metadata().unwrap().ino(), inode());
    }
    fs::remove_file(place.spare()).unwrap();
    commit(&mut two, 6, 3).unwrap();
    assert_eq!((read(&mut one).unwrap(), read(&mut two).unwrap()), (6, 6));
    // Whoever goes first takes it along; the other one makes a new one.
    drop(two);
    assert!(place.beside().is_empty());
    commit(&mut one, 7, 3).unwrap();
    assert_eq!(place.beside(), [SPARE_SUFFIX]);
}

/// A commit of SQLite's in between changes nothing: it knows the file as little as its name.
#[test]
fn sqlite_writes_in_between() {
    let place = Place::new();
    let mut pager = open(Arc::new(OsVfs::new()), &place.database);
    commit(&mut pager, 1, 3).unwrap();
    let inode = fs::metadata(place.spare()).unwrap().ino();
    let theirs = rusqlite::Connection::open(&place.database).unwrap();
    for n in (2..20).step_by(2) {
        theirs.pragma_update(None, "user_version", n).unwrap();
        commit(&mut pager, n + 1, 3).unwrap();
        let version = theirs.query_row("PRAGMA user_version", [], |row| row.get::<_, u8>(0));
        assert_eq!(version.unwrap(), n + 1);
        assert_eq!(fs::metadata(place.spare()).unwrap().ino(), inode);
    }
}

/// Old records that look like a header where the next one would stand, or like a super-journal's name at the end.
#[test]
fn what_is_left_of_a_longer_journal_is_not_read() {
    let mut cut = 0;
    for phase in 0..8 {
        for few in 2..6 {
            let machine = machine();
            let mut pager = open_on(&machine);
            commit(&mut pager, 1, 12).unwrap();
            // The journal of the commit after this one holds these pages.
            pager.begin_write().unwrap();
            for page in 2..=12 {
                let bytes = pager.page_mut(number(page)).unwrap();
                for (at, byte) in bytes.iter_mut().enumerate() {
                    *byte = MAGIC[(at + phase) % MAGIC.len()];
                }
            }
            pager.commit().unwrap();
            commit(&mut pager, 3, 12).unwrap();
            let long = machine.disk().killed().files[&sibling(Path::new(DATABASE), SPARE_SUFFIX)].len();
            let before = machine.ops().len();
            commit(&mut pager, 4, few).unwrap();
            let ops = machine.ops();
            let published = ops
                .iter()
                .rposition(|op| matches!(op, Op::Rename { to, .. } if to.ends_with("x.db-journal")))
                .unwrap();
            assert!(published > before);
            let last = ops
                .iter()
                .rposition(|op| matches!(op, Op::Rename { .. }))
                .unwrap();
            let image = disk_after(&ops[..last]).killed();
            let journal = &image.files[Path::new("x.db-journal")];
            cut += u32::from(journal.len() < long);
            let header = JournalHeader::decode(journal).unwrap();
            let end = 512 + u64::from(header.record_count) * header.record_size();
            let next = end.next_multiple_of(512) as usize;
            assert!(journal.get(next..next + 8) != Some(&MAGIC), "{phase} {few}");
            assert!(
                journal.len() as u64 == end || !journal.ends_with(&MAGIC),
                "{phase} {few}"
            );
            check_rolled_back(&image, 3);
        }
    }
    assert!(cut > 0);
}

/// Both engines put the same pages back.
fn check_rolled_back(image: &MemoryImage, expected: u8) {
    let ours = MemoryVfs::from_image(image);
    let mut pager = open(Arc::new(ours.clone()), Path::new(DATABASE));
    assert_eq!(read(&mut pager).unwrap(), expected);
    drop(pager);
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in &image.files {
        fs::write(folder.path().join(path), bytes).unwrap();
    }
    let theirs = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    let version = theirs.query_row("PRAGMA user_version", [], |row| row.get::<_, u8>(0));
    assert_eq!(version.unwrap(), expected);
    drop(theirs);
    let bytes = fs::read(folder.path().join(DATABASE)).unwrap();
    assert_eq!(bytes, ours.image().files[Path::new(DATABASE)]);
    assert!(!folder.path().join("x.db-journal").exists());
}

/// A process dies at any of its calls, or not at all; whatever it left, the next one writes, and after a loss of power at any moment of that there
/// is a whole commit: never one of the pages that were being written.
#[test]
fn what_a_dead_process_left_harms_nobody() {
    for after in 0.. {
        let machine = machine();
        let mut one = open_on(&machine);
        commit(&mut one, 1, 4).unwrap();
        commit(&mut one, 2, 6).unwrap();
        machine.set_plan(Some(FaultPlan::once(Fault::Death, after)));
        let died = commit(&mut one, 3, 6).is_err();
        machine.set_plan(None);
        machine.mark(1);
        let start = machine.ops().len();
        let mut two = open_on(&machine.process());
        let found = read(&mut two).unwrap();
        assert!(found == 3 || (died && found == 2));
        commit(&mut two, 4, 5).unwrap();
        machine.mark(2);
        commit(&mut two, 5, 6).unwrap();
        let broken = machine.broken_promises();
        assert!(broken.is_empty(), "{after}: {broken:?}");
        let ops = machine.ops();
        for now in start..=ops.len() {
            let disk = disk_after(&ops[..now]);
            let acknowledged = ops[start..now].iter().any(|op| matches!(op, Op::Mark(2)));
            let seeds = (0..3).map(|n| Choice::Seed(n * 7919 + now as u64));
            let names = (0..disk.name_change_count()).map(Choice::Names);
            let choices = [Choice::None, Choice::All].into_iter().chain(seeds).chain(names);
            for choice in choices {
                let image = disk.powerless(&mut choice.decider());
                let found = read(&mut open_on(&FaultVfs::new(&image, 1))).unwrap();
                let legal = if acknowledged { 4..=5 } else { 2..=4 };
                assert!(legal.contains(&found), "{after} {now} {choice}: {found}");
            }
        }
        drop(two);
        let left: Vec<_> = machine.disk().killed().files.into_keys().collect();
        assert_eq!(left, [Path::new(DATABASE)], "{after}");
        if !died {
            break;
        }
    }
}

/// Every call on either name fails, once or for good: the commit is done or not and says so, and the next one works.
#[test]
fn a_file_that_cannot_be_written_named_or_deleted() {
    for suffix in [SPARE_SUFFIX, JOURNAL_SUFFIX] {
        for for_good in [false, true] {
            let (mut refused, mut done) = (0, 0);
            for after in 0.. {
                let machine = machine();
                let mut pager = open_on(&machine);
                commit(&mut pager, 1, 4).unwrap();
                machine.set_plan(Some(FaultPlan {
                    suffix: Some(suffix),
                    for_good,
                    ..FaultPlan::once(Fault::Io, after)
                }));
                let result = commit(&mut pager, 2, 6);
                let struck = machine.struck() > 0;
                machine.set_plan(None);
                if let Err(error) = &result {
                    refused += 1;
                    assert!(matches!(error.code() & 0xff, 10 | 14), "{error:?}");
                    let _ = pager.rollback();
                } else {
                    done += u32::from(struck);
                }
                if pager.poisoned_by().is_some() {
                    pager = open_on(&machine);
                }
                let found = read(&mut pager).unwrap();
                assert_eq!(
                    found,
                    if result.is_ok() { 2 } else { 1 },
                    "{suffix} {after}: {result:?}"
                );
                commit(&mut pager, 3, 5).unwrap();
                drop(pager);
                assert_eq!(read(&mut open_on(&machine)).unwrap(), 3);
                let broken = machine.broken_promises();
                assert!(broken.is_empty(), "{suffix} {after}: {broken:?}");
                if !struck {
                    break;
                }
            }
            // Where no spare file can be had, or the journal does not get its name back, it is done without.
            let dies = for_good && suffix == JOURNAL_SUFFIX;
            assert!(
                refused > 0 && (done > 0 || dies),
                "{suffix} {for_good}: {refused} {done}"
            );
        }
    }
}

/// Something of that name that is no file and cannot be deleted.
#[test]
fn without_room_for_a_spare_file_the_journal_is_written_under_its_own_name() {
    let place = Place::new();
    fs::create_dir(place.spare()).unwrap();
    let mut pager = open(Arc::new(OsVfs::new()), &place.database);
    for n in 1..4 {
        commit(&mut pager, n, 3).unwrap();
        assert_eq!(read(&mut pager).unwrap(), n);
    }
    drop(pager);
    assert_eq!(place.beside(), [SPARE_SUFFIX]);
}

/// A transaction over several files names a super-journal at the end of its journals.
#[test]
fn commits_over_two_files_write_journals_of_their_own() {
    let machine = machine();
    let mut main = open_on(&machine);
    let mut two = open(Arc::new(machine.clone()), Path::new("y.db"));
    for n in 1..4 {
        for pager in [&mut main, &mut two] {
            commit(pager, 2 * n, 4).unwrap();
            pager.begin_write().unwrap();
            pager.page_mut(number(2)).unwrap().fill(2 * n + 1);
            pager
                .update_header(|header| header.user_version = i32::from(2 * n + 1))
                .unwrap();
        }
        commit_all(&mut [&mut main, &mut two], Afterwards::Leave).unwrap();
        assert_eq!(
            (read(&mut main).unwrap(), read(&mut two).unwrap()),
            (2 * n + 1, 2 * n + 1)
        );
    }
    drop((main, two));
    let left: Vec<_> = machine.disk().killed().files.into_keys().collect();
    assert_eq!(left, [Path::new(DATABASE), Path::new("y.db")]);
    assert!(
        machine.broken_promises().is_empty(),
        "{:?}",
        machine.broken_promises()
    );
}

/// While somebody else writes, the file is left to him.
#[test]
fn a_connection_that_ends_does_not_wait() {
    let place = Place::new();
    let [mut one, mut two] = [0, 1].map(|_| open(Arc::new(OsVfs::new()), &place.database));
    commit(&mut one, 1, 3).unwrap();
    two.begin_write().unwrap();
    drop(one);
    assert_eq!(place.beside(), [SPARE_SUFFIX]);
    two.page_mut(number(2)).unwrap().fill(2);
    two.update_header(|header| header.user_version = 2).unwrap();
    two.commit().unwrap();
    assert_eq!(read(&mut two).unwrap(), 2);
    drop(two);
    assert!(place.beside().is_empty());
}
