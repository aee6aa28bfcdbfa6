use std::path::{Path, PathBuf};

use super::{Salvage, SalvagedRow};
use crate::Error;
use crate::btree::TreeKind;
use crate::format::PageNo;
use crate::vfs::OsVfs;

/// A table of 300 rows, in a folder that goes with the guard, and its root.
fn sample(page_size: u32) -> (tempfile::TempDir, PathBuf, PageNo) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    sqlite
        .execute_batch(&format!(
            "PRAGMA page_size = {page_size}; CREATE TABLE t(id INTEGER PRIMARY KEY, a);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
             INSERT INTO t SELECT i, hex(zeroblob(i % 90)) FROM n"
        ))
        .unwrap();
    let root: u32 = sqlite
        .query_row("SELECT rootpage FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    (folder, file, PageNo::new(root).unwrap())
}

fn walked(salvage: &mut Salvage, root: PageNo) -> Vec<i64> {
    let mut ids = Vec::new();
    salvage
        .walk::<Error>(root, TreeKind::Table, &mut |row| {
            ids.extend(row.rowid);
            Ok(())
        })
        .unwrap();
    ids
}

#[test]
fn a_walk_has_the_order_of_the_tree() {
    for page_size in [512, 4096, 65536] {
        let (_folder, file, root) = sample(page_size);
        let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
        assert_eq!(walked(&mut salvage, root), (1..=300).collect::<Vec<_>>());
        assert!(
            walked(&mut salvage, root).is_empty(),
            "a page gives its rows once"
        );
    }
}

#[test]
fn page_sizes_are_guessed() {
    for page_size in [512, 1024, 2048, 4096, 8192, 16384] {
        let (_folder, file, root) = sample(page_size);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[..108].fill(0);
        std::fs::write(&file, &bytes).unwrap();
        let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
        assert_eq!(salvage.header().page_size, page_size);
        assert_eq!(walked(&mut salvage, root).len(), 300);
    }
}

/// A database without tables, pages of 1024 bytes of which so many are reserved.
fn empty_with_reserved_bytes(file: &Path, reserved: u8) -> rusqlite::Connection {
    let sqlite = rusqlite::Connection::open(file).unwrap();
    sqlite
        .execute_batch("PRAGMA page_size = 1024; PRAGMA user_version = 1")
        .unwrap();
    drop(sqlite);
    let mut bytes = std::fs::read(file).unwrap();
    bytes[20] = reserved;
    // The content of the one page, which has no cells, starts where the usable part ends.
    bytes[105..107].copy_from_slice(&(1024 - u16::from(reserved)).to_be_bytes());
    std::fs::write(file, &bytes).unwrap();
    rusqlite::Connection::open(file).unwrap()
}

/// The header's number of reserved bytes is checked against where cells end: a wrong one hides no rows, a right one is kept.
#[test]
fn reserved_bytes_are_checked() {
    for page_size in [512, 1024, 4096] {
        let (_folder, file, root) = sample(page_size);
        let sound = std::fs::read(&file).unwrap();
        for told in [0, 1, 8, 32, 100, 255] {
            let mut bytes = sound.clone();
            bytes[20] = told;
            std::fs::write(&file, &bytes).unwrap();
            let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
            let header = salvage.header();
            assert_eq!((header.page_size, header.reserved), (page_size, 0), "{told}");
            assert_eq!(header.is_sound, told == 0, "{told}");
            assert_eq!(walked(&mut salvage, root).len(), 300, "{told}");
        }
    }
}

#[test]
fn a_file_with_reserved_bytes_keeps_them() {
    for spilled in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("reserved.db");
        let reserved = 12;
        let sqlite = empty_with_reserved_bytes(&file, reserved);
        // Where the cell of a row that spills ends depends on the reserved bytes.
        let len = if spilled { 600 } else { 20 };
        sqlite
            .execute_batch(&format!(
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
                 INSERT INTO t SELECT i, hex(zeroblob({len} + i % 9)) FROM n"
            ))
            .unwrap();
        let root = sqlite
            .query_row("SELECT rootpage FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        let root = PageNo::new(root).unwrap();
        drop(sqlite);
        let mut bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes[20], reserved);
        let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
        assert!(salvage.header().is_sound && salvage.header().reserved == reserved);
        assert_eq!(walked(&mut salvage, root).len(), 300);
        if !spilled {
            bytes[20] = 0;
            std::fs::write(&file, &bytes).unwrap();
            let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
            assert_eq!(salvage.header().reserved, reserved);
            assert_eq!(walked(&mut salvage, root).len(), 300);
        }
    }
}

/// Where the first rows of pages were deleted, cells end early: that is no sign of reserved bytes.
#[test]
fn deleted_rows_are_not_taken_for_reserved_bytes() {
    let (_folder, file, _) = sample(1024);
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    sqlite
        .execute_batch("CREATE TABLE later(x); INSERT INTO later VALUES(1), (2); DELETE FROM later WHERE x = 1; DROP TABLE t")
        .unwrap();
    let header = Salvage::open(&OsVfs::new(), &file).unwrap().header();
    assert!(header.is_sound && header.reserved == 0);
}

/// A pointer that leads into another tree does not take its rows, and the leaf that it led to before comes up as a stray.
#[test]
fn a_wrong_pointer_takes_no_other_rows() {
    let (_folder, file, root) = sample(512);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = (root.get() as usize - 1) * 512;
    let cell = at + usize::from(u16::from_be_bytes([bytes[at + 12], bytes[at + 13]]));
    let first: [u8; 4] = bytes[cell..cell + 4].try_into().unwrap();
    let second = at + usize::from(u16::from_be_bytes([bytes[at + 14], bytes[at + 15]]));
    // The second child is the first once more.
    bytes[second..second + 4].copy_from_slice(&first);
    std::fs::write(&file, &bytes).unwrap();
    let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
    let mut ids = walked(&mut salvage, root);
    let in_tree = ids.len();
    assert!((1..300).contains(&in_tree) && ids.is_sorted());
    let mut pages = Vec::new();
    salvage
        .strays::<Error>(&|_: &SalvagedRow<'_>| true, &mut |row| {
            ids.extend(row.rowid);
            pages.push(row.page);
            Ok(())
        })
        .unwrap();
    ids.sort_unstable();
    assert_eq!(ids, (1..=300).collect::<Vec<_>>());
    assert!(!pages.is_empty());
}
