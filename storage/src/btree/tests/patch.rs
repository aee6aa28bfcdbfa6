//! Rows whose columns are changed where they lie, against rows written anew.

use std::collections::BTreeMap;

use super::table::check_same;
use crate::btree::model::{Random, Shape, check_invariants, integrity, open_in_sqlite, to_file};
use crate::btree::{BulkBuilder, TableCursor, TreeKind, create_tree};
use crate::format::record::encode;
use crate::format::{PageNo, ValueRef};
use crate::pager::Pager;

/// A column's value: an integer of some width, NULL, or text of some length.
#[derive(Clone, Debug)]
enum Own {
    Null,
    Integer(i64),
    Text(Vec<u8>),
}

impl Own {
    fn random(random: &mut Random, page_size: usize) -> Own {
        match random.below(12) {
            0 => Own::Null,
            1..6 => Own::Integer(random.next() as i64 >> random.below(64)),
            6 if random.below(6) == 0 => Own::Text(random.bytes(random_len(page_size))),
            _ => Own::Text(vec![b'x'; random.below(60)]),
        }
    }

    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Own::Null => ValueRef::Null,
            Own::Integer(value) => ValueRef::Integer(*value),
            Own::Text(text) => ValueRef::Text(text),
        }
    }
}

/// Longer than a page takes whole.
fn random_len(page_size: usize) -> usize {
    page_size + page_size / 3
}

type Model = BTreeMap<i64, Vec<Own>>;

fn record(row: &[Own]) -> Vec<u8> {
    let mut out = Vec::new();
    let values: Vec<ValueRef<'_>> = row.iter().map(Own::as_ref).collect();
    encode(&values, &mut out);
    out
}

fn check(pager: &Pager, root: PageNo, model: &Model) {
    let records = model.iter().map(|(rowid, row)| (*rowid, record(row))).collect();
    check_same(pager, root, &records);
    check_invariants(pager, &[(root, None)]);
}

/// A tree of rows of two or three columns, every page full, or filled at random.
fn build(pager: &mut Pager, random: &mut Random, page_size: usize, packed: bool) -> (PageNo, Model) {
    let root = create_tree(pager, TreeKind::Table).unwrap();
    let mut model = Model::new();
    for rowid in 1..400 {
        let width = if rowid % 50 == 7 {
            1 + (rowid % 4 / 2) as usize
        } else {
            3
        };
        let row = (0..width).map(|_| Own::random(random, page_size)).collect();
        model.insert(rowid * 3, row);
    }
    if packed {
        let mut builder = BulkBuilder::new(pager, root, TreeKind::Table).unwrap();
        for (rowid, row) in &model {
            builder.push_row(pager, *rowid, &record(row)).unwrap();
        }
        builder.finish(pager).unwrap();
    } else {
        let mut cursor = TableCursor::new(root);
        let mut rowids: Vec<i64> = model.keys().copied().collect();
        while !rowids.is_empty() {
            let rowid = rowids.swap_remove(random.below(rowids.len()));
            cursor.insert(pager, rowid, &record(&model[&rowid])).unwrap();
        }
    }
    (root, model)
}

/// Patches some rows, ascending or not, some of them not there, and the model alike.
fn step(
    pager: &mut Pager,
    cursor: &mut TableCursor,
    model: &mut Model,
    random: &mut Random,
    page_size: usize,
) {
    let from = random.below(1200) as i64;
    let count = if random.below(4) == 0 {
        1
    } else {
        random.below(200) as i64
    };
    let mut rowids: Vec<i64> = (from..from + count)
        .filter(|rowid| rowid % 3 == 0 || rowid % 7 == 0)
        .collect();
    if random.below(4) == 0 {
        rowids.reverse();
    }
    let columns: &[usize] = [&[0][..], &[1], &[2], &[0, 2], &[0, 1, 2]][random.below(5)];
    // Values of one length now and then, so that rows are overwritten in place.
    let same = Own::Integer(random.below(100) as i64 + 2);
    let alike = random.below(3) == 0;
    let new: Vec<Vec<Own>> = rowids
        .iter()
        .map(|_| {
            let value = |_| {
                if alike {
                    same.clone()
                } else {
                    Own::random(random, page_size)
                }
            };
            columns.iter().map(value).collect()
        })
        .collect();
    let changed = cursor
        .patch_rows(
            pager,
            &rowids,
            columns,
            |row, column| new[row][column].as_ref(),
            |place| ValueRef::Integer(place as i64),
        )
        .unwrap();
    let there = rowids.iter().filter(|rowid| model.contains_key(rowid));
    assert_eq!(changed, there.count());
    for (rowid, new) in rowids.iter().zip(&new) {
        if let Some(row) = model.get_mut(rowid) {
            for place in row.len()..=columns[columns.len() - 1] {
                row.push(Own::Integer(place as i64));
            }
            columns
                .iter()
                .zip(new)
                .for_each(|(column, new)| row[*column] = new.clone());
        }
    }
}

#[test]
fn rows_are_patched_on_pages_of_every_size() {
    for (number, shape) in Shape::SOME.into_iter().enumerate() {
        for packed in [true, false] {
            let seed = 40 + number as u64;
            println!("seed {seed}, {shape:?}, packed {packed}");
            let mut random = Random::new(seed);
            let page_size = (shape.page_size as usize).min(4096);
            let mut pager = shape.pager();
            let (root, mut model) = build(&mut pager, &mut random, page_size, packed);
            let mut cursor = TableCursor::new(root);
            for round in 0..60 {
                step(&mut pager, &mut cursor, &mut model, &mut random, page_size);
                if round % 6 == 5 {
                    check(&pager, root, &model);
                }
            }
            check(&pager, root, &model);
        }
    }
}

#[test]
fn patched_rows_come_back_with_a_savepoint() {
    let mut random = Random::new(3);
    let mut pager = Shape::plain(1024).pager();
    let (root, mut model) = build(&mut pager, &mut random, 1024, true);
    let mut cursor = TableCursor::new(root);
    for _ in 0..20 {
        let depth = pager.savepoint().unwrap();
        let mut lost = model.clone();
        step(&mut pager, &mut cursor, &mut lost, &mut random, 1024);
        pager.rollback_to(depth).unwrap();
        step(&mut pager, &mut cursor, &mut model, &mut random, 1024);
        pager.release(depth).unwrap();
        check(&pager, root, &model);
    }
}

/// One row is changed to every length on a page that is otherwise as full as can be.
#[test]
fn a_row_takes_every_length_on_a_full_page() {
    let text = [b'y'; 480];
    for others in [100, 200, 230, 235, 240] {
        let mut pager = Shape::plain(512).pager();
        let root = create_tree(&mut pager, TreeKind::Table).unwrap();
        let mut cursor = TableCursor::new(root);
        let row = |len: usize| vec![Own::Integer(5), Own::Text(text[..len].to_vec())];
        let mut model: Model = [(1, row(10)), (2, row(others)), (3, row(others))].into();
        for (rowid, row) in &model {
            cursor.insert(&mut pager, *rowid, &record(row)).unwrap();
        }
        for len in (0..480).chain((0..480).rev().step_by(7)) {
            let new = |_, _| ValueRef::Text(&text[..len]);
            let done = cursor.patch_rows(&mut pager, &[1], &[1], new, |_| ValueRef::Null);
            assert_eq!(done.unwrap(), 1);
            model.insert(1, row(len));
            check(&pager, root, &model);
        }
    }
}

#[test]
fn sqlite_accepts_patched_pages() {
    let mut random = Random::new(11);
    for shape in Shape::SOME.into_iter().filter(|shape| shape.page_size < 5000) {
        let mut pager = shape.pager();
        // The tree is not in the schema, so its pages go to SQLite as a table's only when the schema names it.
        let (root, mut model) = build(&mut pager, &mut random, shape.page_size as usize, true);
        let mut schema = TableCursor::new(PageNo::ONE);
        let sql = b"CREATE TABLE t(a, b, c)";
        let values = [
            ValueRef::Text(b"table"),
            ValueRef::Text(b"t"),
            ValueRef::Text(b"t"),
            ValueRef::Integer(root.get().into()),
            ValueRef::Text(sql),
        ];
        schema.insert_values(&mut pager, 1, &values).unwrap();
        let mut cursor = TableCursor::new(root);
        for _ in 0..30 {
            step(
                &mut pager,
                &mut cursor,
                &mut model,
                &mut random,
                shape.page_size as usize,
            );
        }
        let db = open_in_sqlite(&to_file(&mut pager));
        assert_eq!(integrity(&db), "ok", "{shape:?}");
        let count: i64 = db
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, model.len() as i64);
    }
}
