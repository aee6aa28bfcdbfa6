//! Trees made here and read by real SQLite, and the other way round; each goes on with what the other has written.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::ValueRef as SqlValue;

use super::{index, table};
use crate::btree::model::{Random, Shape, from_file, integrity, open_in_sqlite, to_file};
use crate::btree::{BulkBuilder, IndexCursor, TableCursor, TreeKind, create_tree, drop_tree, vacuum_pages};
use crate::format::record::encode;
use crate::format::{AutoVacuum, PageNo, ValueRef};
use crate::pager::{Pager, PagerOptions};
use crate::vfs::OsVfs;

const SCHEMA: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
    CREATE TABLE w(k, n INTEGER, tail BLOB, PRIMARY KEY(k COLLATE NOCASE DESC, n)) WITHOUT ROWID;
    CREATE TABLE other(a, b); CREATE INDEX other_ba ON other(b, a);";

/// A database that we have created and SQLite has given a schema.
fn new_file(shape: Shape) -> Vec<u8> {
    let mut db = open_in_sqlite(&to_file(&mut shape.pager()));
    db.execute_batch(SCHEMA).unwrap();
    file_of(&mut db)
}

fn file_of(db: &mut Connection) -> Vec<u8> {
    db.serialize("main").unwrap().to_vec()
}

fn root_of(db: &Connection, name: &str) -> PageNo {
    let root = db.query_row(
        "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
        [name],
        |row| row.get(0),
    );
    PageNo::new(root.unwrap()).unwrap()
}

fn record(values: &[ValueRef<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(values, &mut out);
    out
}

fn as_ours(value: SqlValue<'_>) -> ValueRef<'_> {
    match value {
        SqlValue::Null => ValueRef::Null,
        SqlValue::Integer(integer) => ValueRef::Integer(integer),
        SqlValue::Real(real) => ValueRef::Real(real),
        SqlValue::Text(text) => ValueRef::Text(text),
        SqlValue::Blob(blob) => ValueRef::Blob(blob),
    }
}

/// The rows of `t` as SQLite reads them, as our payloads.
fn table_rows(db: &Connection) -> BTreeMap<i64, Vec<u8>> {
    let mut statement = db.prepare("SELECT id, v FROM t").unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, record(&[ValueRef::Null, as_ours(row.get_ref(1)?)])))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The rows of `w` in SQLite's order, as our records.
fn index_rows(db: &Connection) -> Vec<Vec<u8>> {
    let mut statement = db
        .prepare("SELECT k, n, tail FROM w ORDER BY k COLLATE NOCASE DESC, n")
        .unwrap();
    let rows = statement.query_map([], |row| {
        let values = [
            as_ours(row.get_ref(0)?),
            as_ours(row.get_ref(1)?),
            as_ours(row.get_ref(2)?),
        ];
        Ok(record(&values))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn change_in_sqlite(db: &Connection, random: &mut Random, page_size: usize) {
    db.execute_batch("BEGIN").unwrap();
    for _ in 0..80 {
        let id = random.below(2000) as i64;
        let v = table::payload(random, page_size);
        db.execute("INSERT OR REPLACE INTO t VALUES(?1, ?2)", (id, v))
            .unwrap();
        let (from, span) = (random.below(2000) as i64, random.below(40) as i64);
        db.execute("DELETE FROM t WHERE id BETWEEN ?1 AND ?1 + ?2", (from, span))
            .unwrap();
        let text = "aAbBcC".repeat(random.below(if id % 20 == 0 { 200 } else { 4 }));
        let (n, tail) = (random.below(100) as i64, random.next() as i32 as f64);
        db.execute("INSERT OR REPLACE INTO w VALUES(?1, ?2, ?3)", (text, n, tail))
            .unwrap();
        db.execute("DELETE FROM w WHERE n = ?1", [random.below(100) as i64])
            .unwrap();
        db.execute("INSERT INTO other VALUES(?1, ?2)", (id, n)).unwrap();
    }
    db.execute_batch("COMMIT").unwrap();
}

fn change_here(
    pager: &mut Pager,
    roots: (PageNo, PageNo),
    rows: &mut BTreeMap<i64, Vec<u8>>,
    sorted: &mut index::Model,
    random: &mut Random,
) {
    let mut cursor = TableCursor::new(roots.0);
    let page_size = pager.page_size();
    for _ in 0..150 {
        let rowid = random.below(2000) as i64;
        if random.below(3) > 0 {
            let payload = record(&[ValueRef::Null, ValueRef::Blob(&table::payload(random, page_size))]);
            cursor.insert(pager, rowid, &payload).unwrap();
            rows.insert(rowid, payload);
        } else if cursor.seek(pager, rowid, crate::btree::Seek::Le).unwrap() {
            rows.remove(&cursor.rowid());
            cursor.delete(pager).unwrap();
        }
    }
    let mut cursor = IndexCursor::new(roots.1, sorted.order.clone());
    index::random_steps(pager, &mut cursor, sorted, random, 100);
}

#[test]
fn each_goes_on_with_the_others_work() {
    for (seed, shape) in Shape::SOME.into_iter().enumerate() {
        println!("seed {seed} {shape:?}");
        let mut random = Random::new(100 + seed as u64);
        let mut file = new_file(shape);
        for round in 0..if shape.page_size > 4096 { 3 } else { 10 } {
            let mut db = open_in_sqlite(&file);
            let roots = (root_of(&db, "t"), root_of(&db, "w"));
            change_in_sqlite(&db, &mut random, shape.page_size as usize);
            assert_eq!(integrity(&db), "ok", "SQLite after itself, round {round}");
            let mut rows = table_rows(&db);
            let mut sorted = index::Model::new(index::mixed());
            (sorted.records, sorted.nulls) = (index_rows(&db), false);

            let mut pager = from_file(&file_of(&mut db));
            table::check_same(&pager, roots.0, &rows);
            index::check_same(&pager, roots.1, &sorted);
            change_here(&mut pager, roots, &mut rows, &mut sorted, &mut random);

            file = to_file(&mut pager);
            let db = open_in_sqlite(&file);
            assert_eq!(integrity(&db), "ok", "round {round}");
            assert!(table_rows(&db) == rows, "round {round}");
            assert!(index_rows(&db) == sorted.records, "round {round}");
        }
    }
}

/// The same on a real file, which both open and close in turn.
#[test]
fn each_goes_on_with_the_others_work_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, mode) in ["DELETE", "PERSIST", "WAL"].into_iter().enumerate() {
        println!("seed {seed} {mode}");
        let mut random = Random::new(200 + seed as u64);
        let path = folder.path().join(mode);
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!(
            "PRAGMA page_size = 1024; PRAGMA auto_vacuum = {}; {SCHEMA}",
            seed % 2
        ))
        .unwrap();
        db.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()))
            .unwrap();
        let roots = (root_of(&db, "t"), root_of(&db, "w"));
        drop(db);
        for round in 0..10 {
            let db = Connection::open(&path).unwrap();
            change_in_sqlite(&db, &mut random, 1024);
            let mut rows = table_rows(&db);
            let mut sorted = index::Model::new(index::mixed());
            (sorted.records, sorted.nulls) = (index_rows(&db), false);
            drop(db);

            let mut pager = Pager::open(Arc::new(OsVfs::new()), &path, &PagerOptions::default()).unwrap();
            pager.begin_read().unwrap();
            table::check_same(&pager, roots.0, &rows);
            index::check_same(&pager, roots.1, &sorted);
            pager.begin_write().unwrap();
            change_here(&mut pager, roots, &mut rows, &mut sorted, &mut random);
            if round % 2 == 1 {
                vacuum_pages(&mut pager, u32::MAX).unwrap();
            }
            pager.commit().unwrap();
            drop(pager);

            let db = Connection::open(&path).unwrap();
            assert_eq!(integrity(&db), "ok", "round {round}");
            assert!(table_rows(&db) == rows, "round {round}");
            assert!(index_rows(&db) == sorted.records, "round {round}");
        }
    }
}

#[test]
fn overflow_values_of_many_sizes_go_both_ways() {
    for shape in [
        Shape::plain(512),
        Shape {
            reserved: 7,
            ..Shape::plain(1024)
        },
        Shape::SOME[1],
    ] {
        let usable = shape.page_size as usize - usize::from(shape.reserved);
        let mut sizes: Vec<usize> = (0..5)
            .flat_map(|n| (0..24).map(move |d| n * (usable - 4) + d * 43))
            .collect();
        sizes.extend((usable - 45..usable + 20).chain(2 * usable - 60..2 * usable));
        let mut pager = from_file(&new_file(shape));
        let db = open_in_sqlite(&to_file(&mut pager));
        let (t, w) = (root_of(&db, "t"), root_of(&db, "w"));
        let (mut table, mut index) = (TableCursor::new(t), IndexCursor::new(w, index::mixed()));
        for (i, &size) in sizes.iter().enumerate() {
            let (i, bytes) = (i as i64, vec![i as u8; size]);
            table
                .insert(&mut pager, i, &record(&[ValueRef::Null, ValueRef::Blob(&bytes)]))
                .unwrap();
            let key = [ValueRef::Blob(&bytes), ValueRef::Integer(i), ValueRef::Null];
            index.insert(&mut pager, &record(&key)).unwrap();
        }
        let mut db = open_in_sqlite(&to_file(&mut pager));
        assert_eq!(integrity(&db), "ok");
        for (i, &size) in sizes.iter().enumerate() {
            let (t, w): (i64, i64) = db
                .query_row(
                    "SELECT length(v), (SELECT length(k) FROM w WHERE n = t.id) FROM t WHERE id = ?1",
                    [i as i64],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
            assert_eq!((t, w), (size as i64, size as i64));
        }
        db.execute_batch("UPDATE t SET v = v || x'00'; DELETE FROM w WHERE n % 3 = 0")
            .unwrap();
        let pager = from_file(&file_of(&mut db));
        table::check_same(&pager, t, &table_rows(&db));
        let mut sorted = index::Model::new(index::mixed());
        sorted.records = index_rows(&db);
        index::check_same(&pager, w, &sorted);
    }
}

#[test]
fn bulk_built_trees_are_sound() {
    for (seed, shape) in Shape::SOME.into_iter().enumerate() {
        for rows in [0, 1, 30, 1500] {
            let mut random = Random::new(seed as u64);
            let mut pager = from_file(&new_file(shape));
            let db = open_in_sqlite(&to_file(&mut pager));
            let (t, w) = (root_of(&db, "t"), root_of(&db, "w"));
            let mut model = BTreeMap::new();
            let mut builder = BulkBuilder::new(&pager, t, TreeKind::Table).unwrap();
            for rowid in 0..rows {
                let payload = record(&[ValueRef::Null, ValueRef::Blob(&table::payload(&mut random, 512))]);
                builder.push_row(&mut pager, rowid, &payload).unwrap();
                model.insert(rowid, payload);
            }
            builder.finish(&mut pager).unwrap();
            let mut sorted = index::Model::new(index::mixed());
            for _ in 0..rows {
                sorted.insert(index::record(&mut random, 512, 100_000, false));
            }
            let mut builder = BulkBuilder::new(&pager, w, TreeKind::Index).unwrap();
            for record in &sorted.records {
                builder.push_record(&mut pager, record).unwrap();
            }
            builder.finish(&mut pager).unwrap();
            let db = open_in_sqlite(&to_file(&mut pager));
            assert_eq!(integrity(&db), "ok", "{shape:?} {rows}");
            assert!(table_rows(&db) == model);
            assert!(index_rows(&db) == sorted.records);
        }
    }
}

/// Roots are made and dropped in an auto-vacuum file, pages are taken off its end, and the file stays one that SQLite accepts.
#[test]
fn auto_vacuum_files_move_their_roots_and_pages() {
    for (seed, auto_vacuum) in [(1, AutoVacuum::Full), (2, AutoVacuum::Incremental)] {
        let mut random = Random::new(seed);
        let mut pager = Shape {
            page_size: 512,
            reserved: 0,
            auto_vacuum,
        }
        .pager();
        let db = open_in_sqlite(&to_file(&mut pager));
        drop(db);
        // name -> (root, rows)
        let mut trees: Vec<(PageNo, BTreeMap<i64, Vec<u8>>)> = Vec::new();
        for round in 0..200 {
            if trees.len() < 4 || random.below(3) == 0 {
                let root = create_tree(&mut pager, TreeKind::Table).unwrap();
                trees.push((root, BTreeMap::new()));
            } else if random.below(4) == 0 {
                let (root, _) = trees.swap_remove(random.below(trees.len()));
                if let Some(moved) = drop_tree(&mut pager, root, TreeKind::Table).unwrap() {
                    let tree = trees
                        .iter_mut()
                        .find(|(root, _)| *root == moved.from)
                        .expect("a tree that we know");
                    tree.0 = moved.to;
                }
            }
            let at = random.below(trees.len());
            let (root, model) = &mut trees[at];
            let mut cursor = TableCursor::new(*root);
            table::random_steps(&mut pager, &mut cursor, model, &mut random, 30, 300);
            let before = pager.page_count();
            let free = pager.header().unwrap().freelist_count;
            let wanted = if auto_vacuum == AutoVacuum::Full {
                u32::MAX
            } else {
                random.below(20) as u32
            };
            let freed = vacuum_pages(&mut pager, wanted).unwrap();
            assert_eq!(pager.page_count(), before - freed);
            assert_eq!(pager.header().unwrap().freelist_count, free - free.min(wanted));
            for (root, model) in &trees {
                table::check_same(&pager, *root, model);
            }
            if round % 10 == 0 {
                check_roots_in_sqlite(
                    &mut pager,
                    &trees.iter().map(|(root, _)| *root).collect::<Vec<_>>(),
                );
            }
        }
    }
}

/// Writes a schema for the trees into a copy of the file, and has SQLite check it.
fn check_roots_in_sqlite(pager: &mut Pager, roots: &[PageNo]) {
    let mut copy = from_file(&to_file(pager));
    let mut schema = TableCursor::new(PageNo::ONE);
    for (i, root) in roots.iter().enumerate() {
        let name = format!("t{i}");
        let sql = format!("CREATE TABLE {name}(a)");
        let row = [
            ValueRef::Text(b"table"),
            ValueRef::Text(name.as_bytes()),
            ValueRef::Text(name.as_bytes()),
            ValueRef::Integer(root.get().into()),
            ValueRef::Text(sql.as_bytes()),
        ];
        schema.insert_values(&mut copy, i as i64 + 1, &row).unwrap();
    }
    assert_eq!(integrity(&open_in_sqlite(&to_file(&mut copy))), "ok");
}
