//! Pages and commits on real files: what a snapshot, a page, a change, a commit and a checkpoint cost without trees.
//!
//! ```text
//! cargo bench -p aludel-benches --bench pager
//! ```
//!
//! The files lie in the folder for temporary files: set `TMPDIR` to a disk, or to memory to leave the disk out. Groups: `page` (reading, with and
//! without a map), `journal` and `log` (commits of one page and of a hundred, with syncs and without), `checkpoint`.

use std::hint::black_box;
use std::sync::Arc;

use aludel_storage::format::PageNo;
use aludel_storage::pager::{CheckpointKind, JournalMode, Pager, PagerOptions, Synchronous};
use aludel_storage::vfs::OsVfs;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;

const PAGES: u32 = 1_000;

/// A database of [`PAGES`] pages in a folder of its own.
struct Database {
    pager: Pager,
    _folder: TempDir,
}

impl Database {
    fn new(journal_mode: JournalMode, synchronous: Synchronous, mmap_limit: u64) -> Database {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut options = PagerOptions::default();
        options.journal_mode = journal_mode;
        options.synchronous = synchronous;
        options.mmap_limit = mmap_limit;
        options.wal_autocheckpoint = 1_000;
        let path = folder.path().join("bench.db");
        let mut pager = Pager::open(Arc::new(OsVfs::new()), &path, &options).expect("a new file");
        pager.begin_write().expect("nobody else");
        while pager.page_count() < PAGES {
            pager.append_page().expect("room");
        }
        pager.commit().expect("room");
        Database {
            pager,
            _folder: folder,
        }
    }

    /// A commit that changes `count` pages.
    fn commit(&mut self, turn: u32, count: u32) {
        let pager = &mut self.pager;
        pager.begin_write().expect("nobody else");
        for page in 0..count {
            pager.page_mut(page_no(turn + page)).expect("a page")[100] = turn as u8;
        }
        pager.commit().expect("room");
    }
}

/// Pages in an order that jumps about.
fn page_no(turn: u32) -> PageNo {
    PageNo::new(turn.wrapping_mul(7_919) % (PAGES - 1) + 2).unwrap_or(PageNo::ONE)
}

fn pages(c: &mut Criterion) {
    let mut group = c.benchmark_group("page");
    for (name, mmap_limit) in [("mapped", u64::MAX), ("cached", 0)] {
        let mut database = Database::new(JournalMode::Delete, Synchronous::Off, mmap_limit);
        let pager = &mut database.pager;
        pager.set_cache_pages(4 * PAGES as usize);
        let mut turn = 0_u32;
        group.bench_function(format!("read transaction, {name}"), |b| {
            b.iter(|| {
                turn += 1;
                pager.begin_read().expect("nobody else");
                black_box(pager.page(page_no(turn)).expect("a page")[0]);
                pager.end_read();
            });
        });
        pager.begin_read().expect("nobody else");
        group.bench_function(format!("read, {name}"), |b| {
            b.iter(|| {
                turn += 1;
                black_box(pager.page(page_no(turn)).expect("a page")[0]);
            });
        });
        pager.end_read();
    }
    let mut database = Database::new(JournalMode::Delete, Synchronous::Off, u64::MAX);
    let pager = &mut database.pager;
    pager.begin_write().expect("nobody else");
    let mut turn = 0_u32;
    group.bench_function("change again", |b| {
        b.iter(|| {
            turn += 1;
            pager.page_mut(page_no(turn % 10)).expect("a page")[0] = turn as u8;
        });
    });
    group.bench_function("savepoint, change, release", |b| {
        b.iter(|| {
            turn += 1;
            let depth = pager.savepoint().expect("a transaction");
            pager.page_mut(page_no(turn % 10)).expect("a page")[0] = turn as u8;
            pager.release(depth).expect("it was opened");
        });
    });
    pager.rollback().expect("nothing to put back");
    group.finish();
}

fn commits(c: &mut Criterion) {
    for (name, mode) in [("journal", JournalMode::Delete), ("log", JournalMode::Wal)] {
        let mut group = c.benchmark_group(name);
        for (level, synchronous) in [("off", Synchronous::Off), ("full", Synchronous::Full)] {
            let mut database = Database::new(mode, synchronous, u64::MAX);
            let mut turn = 0;
            for count in [1, 100] {
                group.throughput(Throughput::Elements(u64::from(count)));
                group.bench_function(format!("commit of {count}, sync {level}"), |b| {
                    b.iter(|| {
                        turn += 1;
                        database.commit(turn, count);
                    });
                });
            }
        }
        group.finish();
    }
}

fn checkpoints(c: &mut Criterion) {
    let mut group = c.benchmark_group("checkpoint");
    group.throughput(Throughput::Elements(500));
    for (name, kind) in [
        ("passive", CheckpointKind::Passive),
        ("truncate", CheckpointKind::Truncate),
    ] {
        let mut database = Database::new(JournalMode::Wal, Synchronous::Off, u64::MAX);
        let turn = &mut 0;
        group.bench_function(format!("of 500 frames, {name}"), |b| {
            let database = std::cell::RefCell::new(&mut database);
            b.iter_batched(
                || {
                    *turn += 1;
                    database.borrow_mut().commit(*turn, 500);
                },
                |()| database.borrow_mut().pager.checkpoint(kind).expect("nobody else"),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, pages, commits, checkpoints);
criterion_main!(benches);
