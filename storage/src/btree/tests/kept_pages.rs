//! Cursors that rest between point reads and keep the pages of their way: they are good in one transaction only.
//!
//! What they keep lies in a map of the log or of the file. Between two reads the log may be emptied, cut off or begun again, by this
//! connection or by another one, with a commit and without: then the same bytes of the map are other pages, or none.

use std::path::Path;
use std::sync::Arc;

use crate::Error;
use crate::btree::model::Random;
use crate::btree::{Seek, TableCursor, TreeKind, create_tree};
use crate::format::PageNo;
use crate::pager::{CheckpointKind, JournalMode, Pager, PagerOptions, Synchronous, TransactionState};
use crate::vfs::{OsVfs, Vfs};

const ROWS: i64 = 600;

fn open(vfs: &Arc<OsVfs>, path: &Path, journal_mode: JournalMode, mmap_limit: u64) -> Pager {
    let options = PagerOptions {
        page_size: 512,
        journal_mode,
        mmap_limit,
        synchronous: Synchronous::Off,
        wal_autocheckpoint: 0,
        ..PagerOptions::default()
    };
    Pager::open(Arc::clone(vfs) as Arc<dyn Vfs>, path, &options).unwrap()
}

/// What a row says: its tree, its number, and how often it was written.
fn row(tree: u32, rowid: i64, times: u32) -> Vec<u8> {
    format!("tree {tree} row {rowid} written {times} ")
        .repeat(4)
        .into_bytes()
}

/// Two trees of the same rows, and how often each row was written.
#[derive(Clone)]
struct Rows {
    roots: [PageNo; 2],
    times: [Vec<u32>; 2],
}

impl Rows {
    fn create(pager: &mut Pager) -> Rows {
        pager.begin_write().unwrap();
        let roots = [(); 2].map(|()| create_tree(pager, TreeKind::Table).unwrap());
        pager.commit().unwrap();
        let mut rows = Rows {
            roots,
            times: [vec![0; ROWS as usize], vec![0; ROWS as usize]],
        };
        pager.begin_write().unwrap();
        for tree in 0..2 {
            (0..ROWS).for_each(|rowid| rows.write(pager, tree, rowid));
        }
        pager.commit().unwrap();
        rows
    }

    fn write(&mut self, pager: &mut Pager, tree: usize, rowid: i64) {
        let times = &mut self.times[tree][rowid as usize];
        *times += 1;
        let payload = row(tree as u32, rowid, *times);
        TableCursor::new(self.roots[tree])
            .insert(pager, rowid, &payload)
            .unwrap();
    }

    /// A point read as a statement makes it: a transaction of its own, or one that is open.
    fn check(&self, pager: &mut Pager, cursor: &mut TableCursor, tree: usize, rowid: i64) {
        let is_own = pager.state() == TransactionState::None;
        pager.begin_read().unwrap();
        assert!(cursor.seek(pager, rowid, Seek::Eq).unwrap());
        let mut spill = Vec::new();
        let found = cursor.payload(pager, &mut spill).unwrap();
        let expected = row(tree as u32, rowid, self.times[tree][rowid as usize]);
        assert_eq!(String::from_utf8_lossy(found), String::from_utf8_lossy(&expected));
        cursor.rest();
        if is_own {
            pager.end_read();
        }
    }
}

/// What happens between two reads.
fn disturb(pager: &mut Pager, rows: &mut Rows, random: &mut Random) {
    const KINDS: [CheckpointKind; 4] = [
        CheckpointKind::Passive,
        CheckpointKind::Full,
        CheckpointKind::Restart,
        CheckpointKind::Truncate,
    ];
    match random.below(8) {
        0..4 => {
            // It leaves the log alone as far as it is in use.
            match pager.checkpoint(KINDS[random.below(KINDS.len())]) {
                Ok(_) | Err(Error::Busy) => {}
                Err(error) => panic!("{error}"),
            }
        }
        // After a checkpoint of all frames this begins the log again and says nothing of it to anybody.
        4 => {
            pager.begin_write().unwrap();
            pager.rollback().unwrap();
        }
        _ => {
            pager.begin_write().unwrap();
            let tree = random.below(2);
            for _ in 0..=random.below(40) {
                rows.write(pager, tree, random.below(ROWS as usize) as i64);
            }
            pager.commit().unwrap();
        }
    }
}

fn run(journal_mode: JournalMode, mmap_limit: u64, seed: u64) {
    println!("seed {seed} {journal_mode:?} {mmap_limit}");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let vfs = Arc::new(OsVfs::new());
    let mut reader = open(&vfs, &path, journal_mode, mmap_limit);
    let mut rows = Rows::create(&mut reader);
    let mut other = open(&vfs, &path, journal_mode, mmap_limit);
    let mut cursors = rows.roots.map(TableCursor::new);
    for _ in 0..200 {
        for _ in 0..random.below(4) {
            let pager = match random.below(3) {
                0 => &mut reader,
                _ => &mut other,
            };
            disturb(pager, &mut rows, &mut random);
        }
        // Some reads share a transaction, as in BEGIN .. COMMIT, in which the log goes on without it: who found all of it in the database
        // keeps nobody from beginning it again.
        let shared = random.below(3) == 0;
        let seen = shared.then(|| rows.clone());
        if shared {
            reader.begin_read().unwrap();
        }
        for _ in 0..=random.below(30) {
            if shared && journal_mode == JournalMode::Wal && random.below(4) == 0 {
                disturb(&mut other, &mut rows, &mut random);
            }
            let tree = random.below(2);
            let rowid = random.below(ROWS as usize) as i64;
            let rows = seen.as_ref().unwrap_or(&rows);
            rows.check(&mut reader, &mut cursors[tree], tree, rowid);
        }
        reader.end_read();
    }
}

#[test]
fn are_not_used_after_the_log_begins_again() {
    for seed in 0..4 {
        run(JournalMode::Wal, u64::MAX, seed);
        run(JournalMode::Wal, 0, seed);
    }
}

#[test]
fn are_not_used_after_another_connection_wrote_over_them() {
    for seed in 10..13 {
        run(JournalMode::Delete, u64::MAX, seed);
        run(JournalMode::Truncate, 0, seed);
    }
}
