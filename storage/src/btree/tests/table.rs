//! Table trees against `BTreeMap`.

use std::collections::BTreeMap;

use crate::btree::model::{Random, Shape, check_invariants};
use crate::btree::{BulkBuilder, Seek, TableCursor, TreeKind, clear_tree, create_tree};
use crate::format::record::encode;
use crate::format::{PageNo, RecordView, ValueRef};
use crate::pager::Pager;

type Model = BTreeMap<i64, Vec<u8>>;

/// The tree has the model's rows, forwards, backwards, by leaf and by count.
pub(super) fn check_same(pager: &Pager, root: PageNo, model: &Model) {
    let mut cursor = TableCursor::new(root);
    let mut spill = Vec::new();
    let mut more = cursor.first(pager).unwrap();
    for (rowid, payload) in model {
        assert!(more, "tree ends before {rowid}");
        assert_eq!(cursor.rowid(), *rowid);
        assert_eq!(cursor.payload(pager, &mut spill).unwrap(), payload);
        more = cursor.next(pager).unwrap();
    }
    assert!(!more);
    more = cursor.last(pager).unwrap();
    for rowid in model.keys().rev() {
        assert!(more);
        assert_eq!(cursor.rowid(), *rowid);
        more = cursor.prev(pager).unwrap();
    }
    assert!(!more);
    let mut by_leaf = Vec::new();
    more = cursor.first(pager).unwrap();
    while more {
        for row in cursor.leaf() {
            let row = row.unwrap();
            assert_eq!(row.payload(pager, &mut spill).unwrap(), model[&row.rowid]);
            by_leaf.push(row.rowid);
        }
        more = cursor.next_leaf(pager).unwrap();
    }
    assert!(by_leaf.iter().eq(model.keys()));
    by_leaf.clear();
    more = cursor.last(pager).unwrap();
    while more {
        by_leaf.extend(cursor.leaf_back().rev().map(|row| row.unwrap().rowid));
        more = cursor.prev_leaf(pager).unwrap();
    }
    assert!(by_leaf.iter().rev().eq(model.keys()));
    assert_eq!(cursor.count(pager).unwrap(), model.len() as u64);
    assert_eq!(
        cursor.max_rowid(pager).unwrap(),
        model.keys().next_back().copied()
    );
}

fn expected_seek(model: &Model, rowid: i64, how: Seek) -> Option<i64> {
    let found = match how {
        Seek::Eq => model.get_key_value(&rowid),
        Seek::Ge => model.range(rowid..).next(),
        Seek::Gt => model.range(rowid..).find(|(key, _)| **key > rowid),
        Seek::Le => model.range(..=rowid).next_back(),
        Seek::Lt => model.range(..rowid).next_back(),
    };
    found.map(|(key, _)| *key)
}

pub(super) fn check_seeks(
    pager: &Pager,
    cursor: &mut TableCursor,
    model: &Model,
    random: &mut Random,
    span: usize,
) {
    for _ in 0..40 {
        let rowid = random.below(span) as i64 - 5;
        for how in [Seek::Eq, Seek::Ge, Seek::Gt, Seek::Le, Seek::Lt] {
            let hit = cursor.seek(pager, rowid, how).unwrap();
            assert_eq!(
                hit.then(|| cursor.rowid()),
                expected_seek(model, rowid, how),
                "{how:?} {rowid}"
            );
            if hit {
                let at = cursor.rowid();
                let next = model.range(at..).nth(1).map(|(key, _)| *key);
                assert_eq!(cursor.next(pager).unwrap().then(|| cursor.rowid()), next);
            }
        }
    }
}

/// A record of one blob, from nothing to several overflow pages, mostly short.
pub(super) fn payload(random: &mut Random, page_size: usize) -> Vec<u8> {
    let len = match random.below(20) {
        0 => random.below(page_size * 3),
        1 => page_size - 40 + random.below(80),
        2..5 => random.below(page_size / 4),
        _ => random.below(40),
    };
    let mut record = Vec::new();
    encode(&[ValueRef::Blob(&random.bytes(len))], &mut record);
    record
}

/// Changes tree and model alike.
pub(super) fn random_steps(
    pager: &mut Pager,
    cursor: &mut TableCursor,
    model: &mut Model,
    random: &mut Random,
    steps: usize,
    span: usize,
) {
    let page_size = pager.page_size();
    let growing = random.below(3);
    for _ in 0..steps {
        let rowid = random.below(span) as i64;
        if random.below(3) < growing {
            let payload = payload(random, page_size);
            cursor.insert(pager, rowid, &payload).unwrap();
            model.insert(rowid, payload);
        } else if random.below(8) == 0 {
            let rowid = model.keys().next_back().map_or(0, |last| last + 1);
            for rowid in rowid..rowid + random.below(30) as i64 {
                let payload = payload(random, page_size);
                cursor.insert(pager, rowid, &payload).unwrap();
                model.insert(rowid, payload);
            }
        } else if cursor.seek(pager, rowid, Seek::Ge).unwrap() {
            for _ in 0..1 + random.below(4) {
                assert!(model.remove(&cursor.rowid()).is_some());
                let after = model.range(cursor.rowid()..).next().map(|(key, _)| *key);
                cursor.delete(pager).unwrap();
                let next = cursor.next(pager).unwrap();
                assert_eq!(next.then(|| cursor.rowid()), after);
                if !next {
                    break;
                }
            }
        }
    }
}

#[test]
fn random_changes_agree_with_a_map() {
    for (seed, shape) in Shape::SOME.into_iter().enumerate() {
        println!("seed {seed} {shape:?}");
        let mut random = Random::new(seed as u64);
        let mut pager = shape.pager();
        let root = create_tree(&mut pager, TreeKind::Table).unwrap();
        let mut cursor = TableCursor::new(root);
        let mut model = Model::new();
        let rounds = if shape.page_size > 4096 { 4 } else { 20 };
        for _ in 0..rounds {
            random_steps(&mut pager, &mut cursor, &mut model, &mut random, 150, 2000);
            check_same(&pager, root, &model);
            check_invariants(&pager, &[(root, None)]);
            check_seeks(&pager, &mut cursor, &model, &mut random, 2010);
        }
        while let Some((&rowid, _)) = model.iter().nth(random.below(model.len())) {
            assert!(cursor.seek(&pager, rowid, Seek::Eq).unwrap());
            cursor.delete(&mut pager).unwrap();
            model.remove(&rowid);
            if model.len().is_multiple_of(20) {
                check_invariants(&pager, &[(root, None)]);
            }
        }
        check_same(&pager, root, &model);
    }
}

#[test]
fn ascending_inserts_fill_their_pages() {
    for page_size in [512, 4096] {
        let mut pager = Shape::plain(page_size).pager();
        let root = create_tree(&mut pager, TreeKind::Table).unwrap();
        let mut cursor = TableCursor::new(root);
        let mut model = Model::new();
        for rowid in 0..5000 {
            let payload = vec![rowid as u8; 30];
            cursor.insert(&mut pager, rowid, &payload).unwrap();
            model.insert(rowid, payload);
        }
        check_same(&pager, root, &model);
        let least = 5000 * 35 / page_size;
        let pages = pager.page_count();
        assert!(
            pages < least + least / 8 + 4,
            "{pages} pages where {least} would do"
        );
    }
}

#[test]
fn two_cursors_see_each_others_changes() {
    let mut pager = Shape::plain(512).pager();
    let root = create_tree(&mut pager, TreeKind::Table).unwrap();
    let (mut reader, mut writer) = (TableCursor::new(root), TableCursor::new(root));
    for rowid in 0..1000 {
        writer.insert(&mut pager, rowid * 10, b"row").unwrap();
    }
    let mut seen = 0;
    let mut more = reader.first(&pager).unwrap();
    while more {
        seen += 1;
        let at = reader.rowid();
        if at % 20 == 0 {
            // In front of the reader, behind it, and the row under it.
            writer.insert(&mut pager, at - 5, b"new").unwrap();
            writer.insert(&mut pager, at + 5, b"new").unwrap();
            assert!(writer.seek(&pager, at, Seek::Eq).unwrap());
            writer.delete(&mut pager).unwrap();
        }
        more = reader.next(&pager).unwrap();
    }
    assert_eq!(seen, 1500);
    assert_eq!(reader.count(&pager).unwrap(), 1000 - 500 + 1000);
}

#[test]
fn right_edge_inserts_interleave_with_other_trees() {
    let mut pager = Shape::plain(512).pager();
    let roots = [(); 3].map(|()| create_tree(&mut pager, TreeKind::Table).unwrap());
    let mut cursors = roots.map(TableCursor::new);
    let mut second = TableCursor::new(roots[0]);
    let mut models = [Model::new(), Model::new(), Model::new()];
    for rowid in 0..2000 {
        for (cursor, model) in cursors.iter_mut().zip(&mut models) {
            cursor
                .insert(&mut pager, rowid * 2, b"some text that takes room")
                .unwrap();
            model.insert(rowid * 2, b"some text that takes room".to_vec());
        }
        if rowid % 7 == 0 {
            second
                .insert(&mut pager, rowid * 2 + 1, b"from another cursor")
                .unwrap();
            models[0].insert(rowid * 2 + 1, b"from another cursor".to_vec());
        }
    }
    for (root, model) in roots.iter().zip(&models) {
        check_same(&pager, *root, model);
    }
}

#[test]
fn rows_can_be_replaced_by_longer_and_shorter_ones() {
    let mut pager = Shape::plain(512).pager();
    let root = create_tree(&mut pager, TreeKind::Table).unwrap();
    let mut cursor = TableCursor::new(root);
    let mut model = Model::new();
    let mut random = Random::new(3);
    for _ in 0..3000 {
        let rowid = random.below(40) as i64;
        let payload = payload(&mut random, 512);
        cursor.insert(&mut pager, rowid, &payload).unwrap();
        model.insert(rowid, payload);
    }
    check_same(&pager, root, &model);
    assert_eq!(clear_tree(&mut pager, root, TreeKind::Table).unwrap(), 40);
    check_same(&pager, root, &Model::new());
    let free = pager.header().unwrap().freelist_count;
    assert_eq!(
        free + 2,
        pager.page_count(),
        "all pages but page 1 and the root are free"
    );
}

#[test]
fn extreme_row_ids() {
    let mut pager = Shape::plain(512).pager();
    let root = create_tree(&mut pager, TreeKind::Table).unwrap();
    let mut cursor = TableCursor::new(root);
    let mut model = Model::new();
    for shift in 0..63 {
        for rowid in [i64::MAX >> shift, i64::MIN >> shift, 1 << shift] {
            cursor.insert(&mut pager, rowid, b"x").unwrap();
            model.insert(rowid, b"x".to_vec());
        }
    }
    check_same(&pager, root, &model);
}

#[test]
fn values_are_encoded_into_the_page() {
    let mut pager = Shape::plain(1024).pager();
    let root = create_tree(&mut pager, TreeKind::Table).unwrap();
    let mut cursor = TableCursor::new(root);
    let long = vec![b'x'; 5000];
    let row = |rowid: i64| {
        [
            ValueRef::Null,
            ValueRef::Integer(rowid * 1000),
            ValueRef::Text(&long[..(rowid as usize * 37) % 3000]),
        ]
    };
    for rowid in 0..300 {
        cursor.insert_values(&mut pager, rowid, &row(rowid)).unwrap();
    }
    let mut spill = Vec::new();
    for rowid in 0..300 {
        assert!(cursor.seek(&pager, rowid, Seek::Eq).unwrap());
        let record = RecordView::parse(cursor.payload(&pager, &mut spill).unwrap()).unwrap();
        assert_eq!(
            record.columns().collect::<Result<Vec<_>, _>>().unwrap(),
            row(rowid)
        );
    }
}

#[test]
fn bulk_building_gives_full_pages() {
    for (seed, shape) in Shape::SOME.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        for rows in [0, 1, 2, 10, 100, 3000] {
            let mut pager = shape.pager();
            let root = create_tree(&mut pager, TreeKind::Table).unwrap();
            let mut builder = BulkBuilder::new(&pager, root, TreeKind::Table).unwrap();
            let mut model = Model::new();
            let mut rowid = -500;
            for _ in 0..rows {
                rowid += 1 + random.below(9) as i64;
                let payload = payload(&mut random, 512);
                builder.push_row(&mut pager, rowid, &payload).unwrap();
                model.insert(rowid, payload);
            }
            builder.finish(&mut pager).unwrap();
            check_same(&pager, root, &model);
            check_invariants(&pager, &[(root, None)]);
            let mut cursor = TableCursor::new(root);
            random_steps(&mut pager, &mut cursor, &mut model, &mut random, 100, 2000);
            check_same(&pager, root, &model);
        }
    }
}

#[test]
fn deleted_rows_leave_no_trace_when_that_is_asked() {
    let mut pager = Shape::plain(512).pager();
    pager.set_secure_delete(true);
    let root = create_tree(&mut pager, TreeKind::Table).unwrap();
    let mut cursor = TableCursor::new(root);
    let secret = b"secret".repeat(20);
    for rowid in 0..200 {
        let len = if rowid % 10 == 0 { 120 } else { 12 };
        cursor
            .insert(&mut pager, rowid * 7 % 200, &secret[..len])
            .unwrap();
    }
    cursor.insert(&mut pager, 500, &secret.repeat(30)).unwrap();
    let mut more = cursor.first(&pager).unwrap();
    while more && cursor.rowid() < 150 {
        cursor.delete(&mut pager).unwrap();
        more = cursor.next(&pager).unwrap();
    }
    clear_tree(&mut pager, root, TreeKind::Table).unwrap();
    for no in (1..=pager.page_count()).filter_map(PageNo::new) {
        let page = pager.page(no).unwrap();
        assert!(!page.windows(6).any(|bytes| bytes == b"secret"), "page {no}");
    }
}

/// A cursor that is vouched for before each change, and never looks again: rows go to the end in runs, and between in the middle.
#[test]
fn a_cursor_that_is_vouched_for_keeps_its_places() {
    for shape in Shape::SOME {
        let seed = 4 + u64::from(shape.page_size);
        println!("seed {seed}, {shape:?}");
        let mut random = Random::new(seed);
        let mut pager = shape.pager();
        let roots = [(); 2].map(|()| create_tree(&mut pager, TreeKind::Table).unwrap());
        let mut cursors = roots.map(TableCursor::new);
        let mut models: [BTreeMap<i64, Vec<u8>>; 2] = Default::default();
        for step in 0..2000 {
            let tree = random.below(2);
            let (cursor, model) = (&mut cursors[tree], &mut models[tree]);
            cursor.vouch(&pager);
            let last = model.keys().next_back().copied().unwrap_or(0);
            let any = random.below(last as usize + 2) as i64;
            if random.below(4) == 0 {
                let found = cursor.seek(&pager, any, Seek::Eq).unwrap();
                assert_eq!(found, model.remove(&any).is_some(), "step {step}");
                if found {
                    cursor.delete(&mut pager).unwrap();
                }
                continue;
            }
            let rowid = match random.below(3) {
                0 => any,
                _ => last + 1 + random.below(3) as i64,
            };
            let len = random.below(60);
            let payload = random.bytes(len);
            cursor.insert(&mut pager, rowid, &payload).unwrap();
            model.insert(rowid, payload);
            if random.below(300) == 0 {
                cursors.iter_mut().for_each(TableCursor::distrust);
            }
        }
        for (root, model) in roots.into_iter().zip(&models) {
            check_same(&pager, root, model);
        }
    }
}
