//! The check against SQLite's own, on sound files and on thousands of damaged ones.

use rusqlite::Connection;

use super::*;
use crate::btree::model::{Random, Shape, from_file, open_in_sqlite, to_file};

fn sound_file(shape: Shape) -> Vec<u8> {
    let mut db = open_in_sqlite(&to_file(&mut shape.pager()));
    db.execute_batch(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
         CREATE TABLE u(a);
         WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
         INSERT INTO t SELECT i * 3, hex(zeroblob(CASE WHEN i % 50 = 0 THEN 800 ELSE i % 23 END)) FROM n;
         CREATE INDEX tv ON t(v);
         INSERT INTO u SELECT hex(zeroblob(id)) FROM t WHERE id < 300;
         DELETE FROM t WHERE id % 5 = 0; DELETE FROM u WHERE rowid > 60;",
    )
    .unwrap();
    db.serialize("main").unwrap().to_vec()
}

/// The roots in the order in which SQLite checks them: that of its table of tables, with the indexes of each.
fn roots(db: &Connection) -> Vec<TreeRoot> {
    let sql = "SELECT coalesce(s.rootpage, 1) FROM pragma_table_list AS l LEFT JOIN sqlite_schema AS s ON s.tbl_name = l.name
               WHERE l.schema = 'main' ORDER BY l.rowid, s.type DESC";
    let mut statement = db.prepare(sql).unwrap();
    let pages = statement.query_map([], |row| row.get::<_, u32>(0)).unwrap();
    pages
        .map(|no| TreeRoot::new(PageNo::new(no.unwrap()).unwrap()))
        .collect()
}

/// The lines of SQLite's check that speak of trees and pages.
fn sqlite_lines(db: &Connection) -> Option<Vec<String>> {
    let mut statement = db.prepare("PRAGMA integrity_check(1000)").unwrap();
    let mut rows = statement.query([]).ok()?;
    let mut lines = Vec::new();
    while let Ok(Some(row)) = rows.next() {
        let text: String = row.get(0).unwrap();
        if let Some(found) = text.strip_prefix("*** in database main ***\n") {
            lines.extend(found.lines().map(str::to_owned));
        }
    }
    Some(lines)
}

fn our_report(file: &[u8], roots: &[TreeRoot]) -> CheckReport {
    let options = CheckOptions {
        findings_max: 1000,
        ..CheckOptions::default()
    };
    check(&from_file(file), roots, &options).unwrap()
}

#[test]
fn sound_files_have_no_findings() {
    for shape in Shape::SOME {
        let file = sound_file(shape);
        let db = open_in_sqlite(&file);
        let mut roots = roots(&db);
        for tree in &mut roots {
            tree.order = Some(Arc::new(KeyOrder::binary(2)));
        }
        let report = our_report(&file, &roots);
        assert!(report.is_ok(), "{shape:?}: {:?}", report.findings);
        let count = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64;
        let t = count("SELECT count(*) FROM t");
        let mut counted = vec![
            t,
            t,
            count("SELECT count(*) FROM u"),
            count("SELECT count(*) FROM sqlite_schema"),
        ];
        let mut rows = report.rows;
        counted.sort_unstable();
        rows.sort_unstable();
        assert_eq!(rows, counted);
    }
}

/// A change to the bytes of a page that means something, or to any byte.
fn damage(file: &mut [u8], page_size: usize, random: &mut Random) {
    let pages = file.len() / page_size;
    let page = 1 + random.below(pages - 1);
    let start = page * page_size;
    let small = random.below(16) as u8;
    match random.below(8) {
        // Page header: kind, freeblock, count, content start, fragments, right child.
        0 => file[start + random.below(12)] = small,
        // Cell pointers.
        1 => file[start + 8 + random.below(40)] ^= 1 << random.below(8),
        // A page number: of a child, an overflow page, a trunk, a map entry.
        2 => {
            let at = start + random.below(page_size - 4);
            let no = (1 + random.below(pages)) as u32;
            file[at..at + 4].copy_from_slice(&no.to_be_bytes());
        }
        3 => file[32 + random.below(8)] = small,
        4 => file[start + random.below(page_size)] = 0,
        5 => file[start + page_size - 1 - random.below(60)] = small,
        _ => file[start + random.below(page_size)] ^= 1 << random.below(8),
    }
}

#[test]
fn findings_are_those_of_sqlite() {
    for (seed, shape) in Shape::SOME
        .into_iter()
        .enumerate()
        .filter(|(_, shape)| shape.page_size <= 4096)
    {
        let file = sound_file(shape);
        let roots = roots(&open_in_sqlite(&file));
        let mut random = Random::new(seed as u64);
        let mut with_findings = 0;
        for step in 0..120 {
            let mut damaged = file.clone();
            for _ in 0..1 + random.below(3) {
                damage(&mut damaged, shape.page_size as usize, &mut random);
            }
            let db = open_in_sqlite(&damaged);
            let Some(theirs) = sqlite_lines(&db) else { continue };
            let report = our_report(&damaged, &roots);
            if report.findings.iter().any(|finding| finding.code.is_ours()) {
                continue;
            }
            let ours: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
            with_findings += usize::from(!ours.is_empty());
            let first = ours
                .iter()
                .zip(&theirs)
                .position(|(a, b)| a != b)
                .unwrap_or(ours.len().min(theirs.len()));
            let (a, b) = (ours.get(first), theirs.get(first));
            assert!(
                ours == theirs,
                "seed {seed} step {step} {shape:?}, line {first}\n ours {a:?}\n theirs {b:?}"
            );
        }
        assert!(with_findings > 30, "{with_findings}");
    }
}

/// The last frame of a log says how long the database is, and a damaged one says anything. The check noted each page that could be in a bit
/// map as long as that.
#[test]
fn a_log_that_claims_billions_of_pages_takes_little_memory() {
    use std::path::Path;

    use crate::format::wal::{FRAME_HEADER_SIZE, Frame, HEADER_SIZE, WalHeader};
    use crate::pager::{JournalMode, PagerOptions};
    use crate::vfs::MemoryVfs;

    for page_checksum in [false, true] {
        let options = PagerOptions {
            journal_mode: JournalMode::Wal,
            page_checksum,
            ..PagerOptions::default()
        };
        // Whoever may write copies the log when he leaves, to a file of that length.
        let reading = PagerOptions {
            read_only: true,
            ..options.clone()
        };
        let open = |vfs: MemoryVfs, options| Pager::open(Arc::new(vfs), Path::new("x.db"), options).unwrap();
        let vfs = MemoryVfs::new();
        let mut pager = open(vfs.clone(), &options);
        pager.begin_write().unwrap();
        pager.append_page().unwrap();
        pager.commit().unwrap();
        let mut image = vfs.image();
        let log = image.files.get_mut(Path::new("x.db-wal")).unwrap();
        let (head, frames) = log.split_first_chunk_mut::<HEADER_SIZE>().unwrap();
        let (header, mut checksum) = WalHeader::decode(head).unwrap().unwrap();
        for frame in frames.chunks_exact_mut(header.page_size as usize + FRAME_HEADER_SIZE) {
            let (head, page) = frame.split_first_chunk_mut::<FRAME_HEADER_SIZE>().unwrap();
            let claims = Frame {
                page: PageNo::new(read_u32(head, 0).unwrap()).unwrap(),
                commit_size: crate::pager::PAGE_COUNT_MAX,
            };
            *head = claims.encode(page, header.order, header.salt, &mut checksum);
        }
        let mut found = open(MemoryVfs::from_image(&image), &reading);
        found.begin_read().unwrap();
        assert_eq!(found.page_count(), crate::pager::PAGE_COUNT_MAX);
        let options = CheckOptions::default();
        let mut check = Check::new(&found, &options).unwrap();
        check.checksums().unwrap();
        check.freelist(found.page_count(), 3).unwrap();
        check.tree(&TreeRoot::new(PageNo::ONE)).unwrap();
        check.accounting();
        assert_eq!(check.report.findings.len(), options.findings_max);
        assert!(check.referenced.iter().flatten().count() <= 3);
    }
}
