//! What the tests of this floor share: a small seeded generator, and the way to and from real SQLite.

use std::sync::Arc;

use crate::format::{AutoVacuum, KeyOrder, PageNo};
use crate::maintenance::{CheckOptions, TreeRoot, check};
use crate::pager::{Pager, PagerOptions};
use crate::vfs::MemoryVfs;
use rusqlite::Connection;

/// A seeded generator (xorshift with a multiplier); the same seed gives the same run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Bytes of which no two runs are alike.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// A file's geometry and mode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) page_size: u32,
    pub(crate) reserved: u8,
    pub(crate) auto_vacuum: AutoVacuum,
}

impl Shape {
    pub(crate) fn plain(page_size: u32) -> Shape {
        Shape {
            page_size,
            reserved: 0,
            auto_vacuum: AutoVacuum::None,
        }
    }

    /// Small and large pages, with and without reserved bytes and pointer map.
    pub(crate) const SOME: [Shape; 7] = [
        Shape {
            page_size: 512,
            reserved: 0,
            auto_vacuum: AutoVacuum::None,
        },
        Shape {
            page_size: 512,
            reserved: 32,
            auto_vacuum: AutoVacuum::Full,
        },
        Shape {
            page_size: 1024,
            reserved: 5,
            auto_vacuum: AutoVacuum::None,
        },
        Shape {
            page_size: 1024,
            reserved: 0,
            auto_vacuum: AutoVacuum::Incremental,
        },
        Shape {
            page_size: 4096,
            reserved: 0,
            auto_vacuum: AutoVacuum::None,
        },
        Shape {
            page_size: 32768,
            reserved: 255,
            auto_vacuum: AutoVacuum::Full,
        },
        Shape {
            page_size: 65536,
            reserved: 0,
            auto_vacuum: AutoVacuum::None,
        },
    ];

    /// An empty database in a write transaction.
    pub(crate) fn pager(self) -> Pager {
        let options = PagerOptions {
            page_size: self.page_size,
            reserved: self.reserved,
            auto_vacuum: self.auto_vacuum,
            // So few pages fit that larger trees live in the spill file.
            spill_limit: 0,
            ..PagerOptions::default()
        };
        let mut pager = Pager::temporary(Arc::new(MemoryVfs::new()), &options).unwrap();
        pager.begin_write().unwrap();
        pager
    }
}

/// The pages of the write transaction as the bytes of a database file.
pub(crate) fn to_file(pager: &mut Pager) -> Vec<u8> {
    let count = pager.page_count();
    pager
        .update_header(|header| {
            header.page_count = count;
            header.change_counter += 1;
            header.version_valid_for = header.change_counter;
        })
        .unwrap();
    let mut file = Vec::new();
    for no in 1..=count {
        file.extend_from_slice(&pager.page(PageNo::new(no).unwrap()).unwrap());
    }
    file
}

/// A pager in a write transaction over the bytes of a database file.
pub(crate) fn from_file(file: &[u8]) -> Pager {
    let page_size = match u32::from(u16::from_be_bytes([file[16], file[17]])) {
        1 => 65536,
        size => size,
    };
    let options = PagerOptions {
        page_size,
        reserved: file[20],
        ..PagerOptions::default()
    };
    let mut pager = Pager::in_memory(&options).unwrap();
    pager.begin_write().unwrap();
    for (i, page) in file.chunks_exact(page_size as usize).enumerate() {
        let no = PageNo::new(i as u32 + 1).unwrap();
        if no != PageNo::ONE {
            pager.append_page().unwrap();
        }
        pager.page_mut(no).unwrap().copy_from_slice(page);
    }
    pager
}

/// Opens the bytes of a database file in real SQLite.
pub(crate) fn open_in_sqlite(file: &[u8]) -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    db.deserialize_read_exact("main", file, file.len(), false)
        .unwrap();
    db
}

/// What SQLite's integrity check says: "ok", or all findings.
pub(crate) fn integrity(db: &Connection) -> String {
    let mut statement = db.prepare("PRAGMA integrity_check(20)").unwrap();
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    lines.map(|line| line.unwrap()).collect::<Vec<_>>().join("\n")
}

/// All invariants of the whole file hold: these trees and the schema are all that there is, in order, and each page has one use.
pub(crate) fn check_invariants(pager: &Pager, trees: &[(PageNo, Option<Arc<KeyOrder>>)]) {
    let trees = trees.iter().map(|(root, order)| TreeRoot {
        order: order.clone(),
        ..TreeRoot::new(*root)
    });
    let roots: Vec<TreeRoot> = std::iter::once(TreeRoot::new(PageNo::ONE)).chain(trees).collect();
    let report = check(pager, &roots, &CheckOptions::default()).unwrap();
    assert!(report.is_ok(), "{:#?}", report.findings);
}
