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

/// Damages the file and walks its table: the row ids, what was met, and pages that nothing leads to.
fn walked_when_damaged(
    file: &Path,
    root: PageNo,
    damage: impl FnOnce(&mut Vec<u8>),
) -> (Vec<i64>, super::WalkTally, u32) {
    let mut bytes = std::fs::read(file).unwrap();
    damage(&mut bytes);
    std::fs::write(file, &bytes).unwrap();
    let mut salvage = Salvage::open(&OsVfs::new(), file).unwrap();
    let mut ids = Vec::new();
    let mut take = |row: SalvagedRow<'_>| {
        ids.extend(row.rowid);
        Ok(())
    };
    let mut tally = salvage
        .walk::<Error>(PageNo::ONE, TreeKind::Table, &mut |_| Ok(()))
        .unwrap();
    assert!(tally.is_whole());
    tally = salvage.walk::<Error>(root, TreeKind::Table, &mut take).unwrap();
    salvage.skip_freelist().unwrap();
    (ids, tally, salvage.unnamed_pages())
}

/// The first leaf under a root.
fn first_leaf(bytes: &[u8], page_size: usize, root: PageNo) -> usize {
    let mut page = root.offset(page_size) as usize;
    while bytes[page] != 13 {
        let cell = page + usize::from(u16::from_be_bytes([bytes[page + 12], bytes[page + 13]]));
        let child = u32::from_be_bytes(bytes[cell..cell + 4].try_into().unwrap());
        page = (child as usize - 1) * page_size;
    }
    page
}

/// A wrong cell count is found again from the bytes of the cells, and noted.
#[test]
fn a_cell_count_is_counted_again() {
    for page_size in [512, 1024, 65536] {
        for told in [[0, 0], [0, 1], [0, 3], [0x7f, 0xff], [0xff, 0xff]] {
            let (_folder, file, root) = sample(page_size);
            let (ids, tally, unnamed) = walked_when_damaged(&file, root, |bytes| {
                let leaf = first_leaf(bytes, page_size as usize, root);
                bytes[leaf + 3..leaf + 5].copy_from_slice(&told);
            });
            assert_eq!(ids, (1..=300).collect::<Vec<_>>(), "{page_size} {told:?}");
            assert_eq!((tally.odd_pages, tally.lost_cells, unnamed), (1, 0, 0));
            assert!(!tally.is_whole());
        }
    }
}

/// A damaged overflow pointer to a leaf leaves the leaf its rows; the pages of the chain that was are noted.
#[test]
fn a_chain_takes_no_page_of_a_tree() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chains.db");
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    sqlite
        .execute_batch(
            "PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, a);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
             INSERT INTO t SELECT i, hex(zeroblob(CASE i WHEN 1 THEN 5000 ELSE 30 END)) FROM n",
        )
        .unwrap();
    let root: u32 = sqlite
        .query_row("SELECT rootpage FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    let chain: u32 = sqlite
        .query_row(
            "SELECT pageno FROM dbstat WHERE pagetype = 'overflow' ORDER BY path LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let leaf: u32 = sqlite
        .query_row(
            "SELECT max(pageno) FROM dbstat WHERE pagetype = 'leaf' AND name = 't'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(sqlite);
    let (ids, tally, unnamed) = walked_when_damaged(&file, PageNo::new(root).unwrap(), |bytes| {
        let next = (chain as usize - 1) * 1024;
        bytes[next..next + 4].copy_from_slice(&leaf.to_be_bytes());
    });
    assert_eq!(ids, (1..=60).collect::<Vec<_>>());
    assert_eq!((tally.cut, tally.lost_pages), (1, 0));
    assert!(unnamed >= 8, "{unnamed}");
}

/// A row id that is not between those of its neighbours is noted once, and no other row with it.
#[test]
fn a_row_id_out_of_order_is_doubtful() {
    for wrong in [0, 0x7f] {
        let (_folder, file, root) = sample(512);
        let (ids, tally, unnamed) = walked_when_damaged(&file, root, |bytes| {
            let leaf = first_leaf(bytes, 512, root);
            let pointer = leaf + 8 + 2 * 2;
            let cell = leaf + usize::from(u16::from_be_bytes([bytes[pointer], bytes[pointer + 1]]));
            assert_eq!(bytes[cell + 1], 3);
            bytes[cell + 1] = wrong;
        });
        assert_eq!(ids.len(), 300);
        assert_eq!((tally.doubtful, tally.odd_pages, unnamed), (1, 0, 0), "{wrong}");
    }
}

/// The encoding that the rows of the schema are in is believed, and not a header that says another.
#[test]
fn the_encoding_is_that_of_the_schema() {
    use crate::format::TextEncoding;
    for (name, encoding) in [
        ("UTF-8", TextEncoding::Utf8),
        ("UTF-16le", TextEncoding::Utf16le),
        ("UTF-16be", TextEncoding::Utf16be),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("encoded.db");
        rusqlite::Connection::open(&file)
            .unwrap()
            .execute_batch(&format!(
                "PRAGMA encoding = '{name}'; CREATE TABLE t(a); CREATE VIEW v AS SELECT 1"
            ))
            .unwrap();
        for told in [0u32, 1, 2, 3, 0x5566_7786] {
            let mut bytes = std::fs::read(&file).unwrap();
            bytes[56..60].copy_from_slice(&told.to_be_bytes());
            std::fs::write(&file, &bytes).unwrap();
            let header = Salvage::open(&OsVfs::new(), &file).unwrap().header();
            assert_eq!(header.encoding, encoding, "{told}");
            assert_eq!(
                header.is_sound,
                TextEncoding::from_number(told) == encoding,
                "{told}"
            );
        }
    }
}

/// What is asked to stop does.
#[test]
fn a_walk_is_stopped() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    let (_folder, file, root) = sample(512);
    // All pages are read when it is opened, and some more.
    let most = Salvage::open(&OsVfs::new(), &file).unwrap().page_count() + 10;
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let stop = Arc::new(move || count.fetch_add(1, Ordering::Relaxed) >= most);
    let mut salvage = Salvage::open_until(&OsVfs::new(), &file, Some(stop)).unwrap();
    let walked = salvage.walk::<Error>(root, TreeKind::Table, &mut |_| Ok(()));
    assert!(matches!(walked, Err(Error::Interrupt)), "{walked:?}");
    assert_eq!(asked.load(Ordering::Relaxed), most + 1);
}
