//! Several connections at once: snapshots are whole and move forward, nothing is lost, sets of files commit together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::vfs::Vfs;

const PAGES: u32 = 12;

fn patient(journal_mode: JournalMode, mmap_limit: u64) -> PagerOptions {
    PagerOptions {
        journal_mode,
        mmap_limit,
        synchronous: Synchronous::Off,
        busy_timeout: Duration::from_secs(20),
        wal_autocheckpoint: 30,
        ..small()
    }
}

/// The value that fills every page of the snapshot.
fn value(pager: &Pager) -> u64 {
    let read = |page: u32| {
        let bytes = pager.page(number(page)).unwrap();
        let (first, last) = (bytes.first_chunk().unwrap(), bytes.last_chunk().unwrap());
        assert_eq!(first, last, "page {page} is torn");
        u64::from_le_bytes(*first)
    };
    let value = read(2);
    for page in 3..=PAGES {
        assert_eq!(read(page), value, "page {page} is of another commit");
    }
    value
}

fn fill(pager: &mut Pager, value: u64) {
    for page in 2..=PAGES {
        let bytes = pager.page_mut(number(page)).unwrap();
        bytes
            .chunks_exact_mut(8)
            .for_each(|word| word.copy_from_slice(&value.to_le_bytes()));
    }
}

fn run_together(vfs: Arc<dyn Vfs>, path: &Path, options: &PagerOptions) {
    const WRITERS: u64 = 2;
    const EACH: u64 = 60;
    let open = || Pager::open(Arc::clone(&vfs), path, options).unwrap();
    let mut first = open();
    first.begin_write().unwrap();
    while first.page_count() < PAGES {
        first.append_page().unwrap();
    }
    fill(&mut first, 0);
    first.commit().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut pager = open();
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        pager.begin_read().unwrap();
                        let now = value(&pager);
                        assert!(now >= last, "time runs backwards");
                        assert_eq!(value(&pager), now);
                        last = now;
                        pager.end_read();
                        // Readers that never rest starve a writer in the rollback modes.
                        thread::sleep(Duration::from_micros(300));
                    }
                })
            })
            .collect();
        let checkpointer = scope.spawn(|| {
            let mut pager = open();
            let kinds = [
                CheckpointKind::Passive,
                CheckpointKind::Restart,
                CheckpointKind::Full,
                CheckpointKind::Truncate,
            ];
            for kind in kinds.into_iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                pager.set_busy_timeout(Duration::from_millis(5));
                match pager.checkpoint(kind) {
                    Ok(_) | Err(Error::Busy) => {}
                    Err(error) => panic!("{error}"),
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut pager = open();
                    for _ in 0..EACH {
                        pager.begin_write().unwrap();
                        let now = value(&pager);
                        fill(&mut pager, now + 1);
                        pager.commit().unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        checkpointer.join().unwrap();
    });
    first.begin_read().unwrap();
    assert_eq!(value(&first), WRITERS * EACH);
}

#[test]
fn connections_share_a_file_in_memory() {
    for mode in [JournalMode::Delete, JournalMode::Persist, JournalMode::Wal] {
        run_together(Arc::new(MemoryVfs::new()), Path::new("db"), &patient(mode, 0));
    }
}

#[test]
fn connections_share_a_real_file() {
    for mode in [JournalMode::Delete, JournalMode::Truncate, JournalMode::Wal] {
        for mmap_limit in [0, u64::MAX] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            run_together(Arc::new(OsVfs::new()), &path, &patient(mode, mmap_limit));
        }
    }
}

#[test]
fn connections_share_a_real_file_with_classic_locks() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [JournalMode::Delete, JournalMode::Wal] {
        let path = folder.path().join(format!("{mode:?}.db"));
        let vfs = OsVfs::with_locks(crate::vfs::LockStyle::Classic);
        run_together(Arc::new(vfs), &path, &patient(mode, u64::MAX));
    }
}

#[test]
fn an_exclusive_connection_is_alone() {
    for journal_mode in [JournalMode::Delete, JournalMode::Wal] {
        let vfs = Arc::new(MemoryVfs::new());
        let options = PagerOptions {
            journal_mode,
            exclusive: true,
            ..small()
        };
        let mut alone = Pager::open(vfs.clone(), Path::new("db"), &options).unwrap();
        alone.begin_write().unwrap();
        alone.append_page().unwrap();
        alone.commit().unwrap();
        let mut other = Pager::open(vfs.clone(), Path::new("db"), &small()).unwrap();
        assert!(matches!(other.begin_read(), Err(Error::Busy)), "{journal_mode:?}");
        alone.begin_read().unwrap();
        assert_eq!(alone.page_count(), 2);
        drop(alone);
        other.begin_read().unwrap();
        assert_eq!(other.page_count(), 2);
    }
}

/// A connection that reads while it commits let go of its snapshot for a moment: the statements that were running could go on in
/// what another process had committed just then.
#[test]
fn a_commit_that_keeps_reading_lets_nobody_in_between() {
    for mode in [JournalMode::Delete, JournalMode::Persist, JournalMode::Wal] {
        let vfs: Arc<dyn Vfs> = Arc::new(MemoryVfs::new());
        let options = patient(mode, 0);
        let open = || Pager::open(Arc::clone(&vfs), Path::new("db"), &options).unwrap();
        let mut first = open();
        set(&mut first, 0);
        first.commit().unwrap();
        thread::scope(|scope| {
            for own in 0..2 {
                let mut pager = open();
                scope.spawn(move || {
                    for n in 0..200 {
                        let version = n * 2 + own;
                        set(&mut pager, version);
                        pager.commit_then(Afterwards::KeepReading).unwrap();
                        assert_eq!(pager.state(), TransactionState::Read);
                        assert_eq!(pager.header().unwrap().user_version, version, "{mode:?}");
                        match pager.begin_write() {
                            Ok(()) => pager.rollback_then(Afterwards::KeepReading).unwrap(),
                            // The other one writes already. With a journal he cannot commit while we read.
                            Err(Error::Busy | Error::BusySnapshot) => {}
                            Err(error) => panic!("{error}"),
                        }
                        assert_eq!(pager.header().unwrap().user_version, version, "{mode:?}");
                        pager.end_read();
                    }
                });
            }
        });
    }
}

/// The pages of the last commit are kept for the next change. What others committed meanwhile, or what was rolled back, must not be built on.
#[test]
fn changes_build_on_what_is_there() {
    for journal_mode in [JournalMode::Delete, JournalMode::Memory, JournalMode::Wal] {
        let vfs: Arc<dyn Vfs> = Arc::new(MemoryVfs::new());
        let options = PagerOptions {
            journal_mode,
            ..small()
        };
        let mut pagers = [0, 1].map(|_| Pager::open(Arc::clone(&vfs), Path::new("db"), &options).unwrap());
        pagers[0].begin_write().unwrap();
        pagers[0].append_page().unwrap();
        pagers[0].commit().unwrap();
        let mut expected = 0;
        for step in 0..300_u32 {
            // Runs of commits by one of them, and changes of turns.
            let pager = &mut pagers
                [usize::from(step.wrapping_mul(2_654_435_761) >> 29 == 0) ^ (step / 7 % 2) as usize];
            pager.begin_write().unwrap();
            let bytes = pager.page_mut(number(2)).unwrap();
            assert_eq!(bytes[9], expected, "{journal_mode:?} {step}");
            bytes[9] = bytes[9].wrapping_add(1);
            if step % 5 == 1 {
                pager.savepoint().unwrap();
                pager.page_mut(number(2)).unwrap()[9] = 0xee;
                pager.rollback_to(0).unwrap();
            }
            if step % 3 == 2 {
                pager.rollback().unwrap();
            } else {
                pager.commit().unwrap();
                expected = expected.wrapping_add(1);
            }
            if step % 11 == 3 {
                pager.checkpoint(CheckpointKind::Truncate).unwrap();
            }
        }
    }
}

fn set(pager: &mut Pager, version: i32) {
    pager.begin_write().unwrap();
    pager
        .update_header(|header| header.user_version = version)
        .unwrap();
}

fn get(vfs: &MemoryVfs, path: &str) -> i32 {
    let mut pager = Pager::open(Arc::new(vfs.clone()), Path::new(path), &small()).unwrap();
    pager.begin_read().unwrap();
    pager.header().unwrap().user_version
}

/// Whatever operation a crash comes after, either both files have the commit or none.
#[test]
fn a_commit_over_two_files_is_one() {
    use super::crash::killed;
    use crate::vfs::fault::FaultVfs;
    for journal_mode in [JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist] {
        let vfs = FaultVfs::new(&crate::vfs::MemoryImage::default(), 1);
        let options = PagerOptions {
            journal_mode,
            ..small()
        };
        let open = |path: &str| Pager::open(Arc::new(vfs.clone()), Path::new(path), &options).unwrap();
        let (mut a, mut b, mut reader) = (open("a"), open("b"), open("a"));
        for pager in [&mut a, &mut b] {
            set(pager, 1);
            pager.commit().unwrap();
        }
        let before = vfs.ops().len();
        set(&mut a, 2);
        set(&mut b, 2);
        commit_all(&mut [&mut a, &mut b], Afterwards::Leave).unwrap();
        let ops = vfs.ops();
        let mut seen = Vec::new();
        for count in before..=ops.len() {
            let image = killed(&ops[..count]);
            let after = MemoryVfs::from_image(&image);
            let found = (get(&after, "a"), get(&after, "b"));
            assert!(
                found == (1, 1) || found == (2, 2),
                "{journal_mode:?} after {:?}: {found:?}",
                ops[count - 1]
            );
            seen.push(found.0);
            // In the other order, too: whoever comes first must not take away what the other needs.
            let after = MemoryVfs::from_image(&image);
            assert_eq!((get(&after, "b"), get(&after, "a")), found);
        }
        assert!(seen.contains(&1) && seen.contains(&2) && seen.is_sorted());

        // A reader of one file stops both, and the transactions stay open.
        set(&mut a, 3);
        set(&mut b, 3);
        reader.begin_read().unwrap();
        assert!(matches!(
            commit_all(&mut [&mut b, &mut a], Afterwards::Leave),
            Err(Error::Busy)
        ));
        assert_eq!(reader.header().unwrap().user_version, 2);
        assert_eq!(b.state(), TransactionState::Write);
        reader.end_read();
        commit_all(&mut [&mut b, &mut a], Afterwards::Leave).unwrap();
        reader.begin_read().unwrap();
        assert_eq!(reader.header().unwrap().user_version, 3);
        let left: Vec<_> = killed(&vfs.ops())
            .files
            .into_keys()
            .filter(|path| path.to_string_lossy().contains("-mj"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
