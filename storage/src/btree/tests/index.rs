//! Index trees against `BTreeMap`.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::btree::model::{Random, Shape, check_invariants};
use crate::btree::{BulkBuilder, IndexCursor, Seek, TreeKind, create_tree};
use crate::format::record::{KeyValues, decode_prefix, encode};
use crate::format::{Collation, KeyColumn, KeyOrder, PageNo, ValueRef};
use crate::pager::Pager;

/// Records kept sorted by plain comparison of whole records.
pub(super) struct Model {
    pub(super) order: Arc<KeyOrder>,
    pub(super) records: Vec<Vec<u8>>,
    /// Keys may be NULL.
    pub(super) nulls: bool,
}

impl Model {
    pub(super) fn new(order: Arc<KeyOrder>) -> Model {
        Model {
            order,
            records: Vec::new(),
            nulls: true,
        }
    }

    fn find(&self, record: &[u8]) -> Result<usize, usize> {
        self.records
            .binary_search_by(|other| self.order.compare_records(other, record).unwrap())
    }

    pub(super) fn insert(&mut self, record: Vec<u8>) {
        match self.find(&record) {
            Ok(at) => self.records[at] = record,
            Err(at) => self.records.insert(at, record),
        }
    }

    pub(super) fn remove(&mut self, record: &[u8]) {
        let at = self.find(record).expect("in the model");
        assert_eq!(self.records.remove(at), record);
    }

    fn seek(&self, key: &[ValueRef<'_>], how: Seek) -> Option<&Vec<u8>> {
        let order = |record: &Vec<u8>| self.order.compare_record(record, key).unwrap();
        let first =
            |wanted: &dyn Fn(Ordering) -> bool| self.records.iter().find(|record| wanted(order(record)));
        let last =
            |wanted: &dyn Fn(Ordering) -> bool| self.records.iter().rfind(|record| wanted(order(record)));
        match how {
            Seek::Eq => first(&|order| order == Ordering::Equal),
            Seek::Ge => first(&|order| order != Ordering::Less),
            Seek::Gt => first(&|order| order == Ordering::Greater),
            Seek::Le => last(&|order| order != Ordering::Greater),
            Seek::Lt => last(&|order| order == Ordering::Less),
        }
    }
}

pub(super) fn two_columns() -> Arc<KeyOrder> {
    Arc::new(KeyOrder::binary(2))
}

pub(super) fn mixed() -> Arc<KeyOrder> {
    Arc::new(KeyOrder {
        columns: vec![
            KeyColumn {
                collation: Collation::NoCase,
                descending: true,
            },
            KeyColumn {
                collation: Collation::Binary,
                descending: false,
            },
        ],
    })
}

/// A key of text or blob, a row id, and sometimes a column that takes no part.
pub(super) fn record(random: &mut Random, page_size: usize, span: usize, nulls: bool) -> Vec<u8> {
    let len = match random.below(25) {
        0 => random.below(page_size * 2),
        1..4 => random.below(page_size / 4),
        _ => random.below(12),
    };
    let text: Vec<u8> = (0..len).map(|_| b"aAbBcC"[random.below(6)]).collect();
    let rowid = random.below(span) as i64;
    let tail_len = random.below(3) * random.below(300);
    let tail = random.bytes(tail_len);
    let first = match random.below(6) {
        0 => ValueRef::Integer(rowid / 7),
        1 if nulls => ValueRef::Null,
        2 => ValueRef::Blob(&text),
        3 => ValueRef::Real(rowid as f64 / 4.0),
        _ => ValueRef::Text(&text),
    };
    let mut out = Vec::new();
    encode(
        &[first, ValueRef::Integer(rowid), ValueRef::Blob(&tail)],
        &mut out,
    );
    out
}

pub(super) fn check_same(pager: &Pager, root: PageNo, model: &Model) {
    let mut cursor = IndexCursor::new(root, model.order.clone());
    let mut spill = Vec::new();
    let mut more = cursor.first(pager).unwrap();
    for record in &model.records {
        assert!(more);
        assert_eq!(cursor.payload(pager, &mut spill).unwrap(), record);
        more = cursor.next(pager).unwrap();
    }
    assert!(!more);
    more = cursor.last(pager).unwrap();
    for record in model.records.iter().rev() {
        assert!(more);
        assert_eq!(cursor.payload(pager, &mut spill).unwrap(), record);
        more = cursor.prev(pager).unwrap();
    }
    assert!(!more);
    let mut by_leaf = Vec::new();
    more = cursor.first(pager).unwrap();
    while more {
        by_leaf.extend(
            cursor
                .leaf()
                .map(|row| row.unwrap().payload(pager, &mut Vec::new()).unwrap().to_vec()),
        );
        more = cursor.next_leaf(pager).unwrap();
    }
    assert!(by_leaf == model.records);
    by_leaf.clear();
    more = cursor.last(pager).unwrap();
    while more {
        by_leaf.extend(
            cursor
                .leaf_back()
                .rev()
                .map(|row| row.unwrap().payload(pager, &mut Vec::new()).unwrap().to_vec()),
        );
        more = cursor.prev_leaf(pager).unwrap();
    }
    by_leaf.reverse();
    assert!(by_leaf == model.records);
    assert_eq!(cursor.count(pager).unwrap(), model.records.len() as u64);
}

fn check_seeks(pager: &Pager, cursor: &mut IndexCursor, model: &Model, random: &mut Random) {
    let mut spill = Vec::new();
    for _ in 0..15 {
        let sought = match model.records.len() {
            0 => continue,
            len if random.below(2) == 0 => model.records[random.below(len)].clone(),
            _ => record(random, pager.page_size(), 500, model.nulls),
        };
        let mut key = KeyValues::new();
        decode_prefix(&sought, sought.len(), 2, &mut key).unwrap();
        for columns in 0..=2 {
            for how in [Seek::Eq, Seek::Ge, Seek::Gt, Seek::Le, Seek::Lt] {
                let key = &key[..columns];
                let hit = cursor.seek(pager, key, how).unwrap();
                let found = if hit {
                    Some(cursor.payload(pager, &mut spill).unwrap())
                } else {
                    None
                };
                assert_eq!(
                    found,
                    model.seek(key, how).map(|record| &record[..]),
                    "{how:?} {key:?}"
                );
            }
        }
    }
}

pub(super) fn random_steps(
    pager: &mut Pager,
    cursor: &mut IndexCursor,
    model: &mut Model,
    random: &mut Random,
    steps: usize,
) {
    let mut spill = Vec::new();
    let growing = random.below(3);
    for _ in 0..steps {
        let record = record(random, pager.page_size(), 500, model.nulls);
        if random.below(3) < growing {
            cursor.insert(pager, &record).unwrap();
            model.insert(record);
            continue;
        }
        let mut key = KeyValues::new();
        decode_prefix(&record, record.len(), 2, &mut key).unwrap();
        let mut more = cursor.seek(pager, &key, Seek::Ge).unwrap();
        for _ in 0..1 + random.below(4) {
            if !more {
                break;
            }
            let current = cursor.payload(pager, &mut spill).unwrap().to_vec();
            let at = model.find(&current).expect("in the model");
            cursor.delete(pager).unwrap();
            model.remove(&current);
            more = cursor.next(pager).unwrap();
            let next = if more {
                Some(cursor.payload(pager, &mut spill).unwrap())
            } else {
                None
            };
            assert_eq!(next, model.records.get(at).map(|record| &record[..]));
        }
    }
}

#[test]
fn random_changes_agree_with_a_sorted_list() {
    for (seed, shape) in Shape::SOME.into_iter().enumerate() {
        for order in [two_columns(), mixed()] {
            println!("seed {seed} {shape:?}");
            let mut random = Random::new(seed as u64);
            let mut pager = shape.pager();
            let root = create_tree(&mut pager, TreeKind::Index).unwrap();
            let mut cursor = IndexCursor::new(root, order.clone());
            let mut model = Model::new(order);
            for _ in 0..if shape.page_size > 4096 { 3 } else { 12 } {
                random_steps(&mut pager, &mut cursor, &mut model, &mut random, 120);
                check_same(&pager, root, &model);
                check_invariants(&pager, &[(root, Some(model.order.clone()))]);
                check_seeks(&pager, &mut cursor, &model, &mut random);
            }
            while !model.records.is_empty() {
                let record = model.records[random.below(model.records.len())].clone();
                let mut key = KeyValues::new();
                decode_prefix(&record, record.len(), 2, &mut key).unwrap();
                assert!(cursor.seek(&pager, &key, Seek::Eq).unwrap());
                cursor.delete(&mut pager).unwrap();
                model.remove(&record);
                if model.records.len().is_multiple_of(20) {
                    check_invariants(&pager, &[(root, Some(model.order.clone()))]);
                }
            }
            check_same(&pager, root, &model);
        }
    }
}

#[test]
fn ascending_inserts_fill_their_pages() {
    let mut pager = Shape::plain(1024).pager();
    let root = create_tree(&mut pager, TreeKind::Index).unwrap();
    let mut cursor = IndexCursor::new(root, two_columns());
    let mut model = Model::new(two_columns());
    for i in 0..4000 {
        let mut record = Vec::new();
        encode(
            &[
                ValueRef::Text(format!("key {i:06}").as_bytes()),
                ValueRef::Integer(i),
            ],
            &mut record,
        );
        cursor.insert(&mut pager, &record).unwrap();
        model.records.push(record);
    }
    check_same(&pager, root, &model);
    let least = 4000 * 18 / 1024;
    assert!(
        pager.page_count() < least + least / 8 + 4,
        "{} pages where {least} would do",
        pager.page_count()
    );
}

#[test]
fn a_reader_keeps_its_place_while_another_cursor_changes_the_tree() {
    for page_size in [512, 1024] {
        let mut random = Random::new(page_size.into());
        let mut pager = Shape::plain(page_size).pager();
        let root = create_tree(&mut pager, TreeKind::Index).unwrap();
        let (mut reader, mut writer) = (
            IndexCursor::new(root, two_columns()),
            IndexCursor::new(root, two_columns()),
        );
        let mut model = Model::new(two_columns());
        for _ in 0..600 {
            let record = record(&mut random, 1024, 100_000, true);
            writer.insert(&mut pager, &record).unwrap();
            model.insert(record);
        }
        let mut spill = Vec::new();
        let mut more = reader.first(&pager).unwrap();
        for (i, record) in model.records.iter().enumerate() {
            assert!(more);
            assert_eq!(reader.payload(&pager, &mut spill).unwrap(), record);
            if i % 3 == 0 {
                let mut key = KeyValues::new();
                decode_prefix(record, record.len(), 2, &mut key).unwrap();
                assert!(writer.seek(&pager, &key, Seek::Eq).unwrap());
                writer.delete(&mut pager).unwrap();
            }
            more = reader.next(&pager).unwrap();
        }
        assert!(!more);
    }
}

#[test]
fn bulk_building_gives_full_pages() {
    for (seed, shape) in Shape::SOME.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        for rows in [0, 1, 2, 10, 100, 1500] {
            let mut pager = shape.pager();
            let root = create_tree(&mut pager, TreeKind::Index).unwrap();
            let mut model = Model::new(mixed());
            for _ in 0..rows {
                model.insert(record(&mut random, 512, 100_000, true));
            }
            let mut builder = BulkBuilder::new(&pager, root, TreeKind::Index).unwrap();
            for record in &model.records {
                builder.push_record(&mut pager, record).unwrap();
            }
            builder.finish(&mut pager).unwrap();
            check_same(&pager, root, &model);
            check_invariants(&pager, &[(root, Some(model.order.clone()))]);
            let mut cursor = IndexCursor::new(root, mixed());
            random_steps(&mut pager, &mut cursor, &mut model, &mut random, 100);
            check_same(&pager, root, &model);
        }
    }
}

/// A record behind those of all steps before, in ascending or descending order.
fn last_record(step: usize, descending: bool) -> Vec<u8> {
    let blob = [b"~~~~", &(step as u32).to_be_bytes()[..]].concat();
    let first = if descending {
        ValueRef::Integer(-(1 << 40) - step as i64)
    } else {
        ValueRef::Blob(&blob)
    };
    let mut out = Vec::new();
    encode(
        &[first, ValueRef::Integer(step as i64), ValueRef::Blob(b"last")],
        &mut out,
    );
    out
}

/// Two trees that change in turns, each by one cursor that is vouched for and never looks again; keys are probed before they are inserted.
#[test]
fn cursors_that_are_vouched_for_keep_their_places() {
    for shape in Shape::SOME {
        let seed = 77 + u64::from(shape.page_size);
        println!("seed {seed}, {shape:?}");
        let mut random = Random::new(seed);
        let mut pager = shape.pager();
        let page_size = shape.page_size as usize;
        let roots = [(); 2].map(|()| create_tree(&mut pager, TreeKind::Index).unwrap());
        let mut models = [Model::new(two_columns()), Model::new(mixed())];
        let mut cursors = [0, 1].map(|tree| IndexCursor::new(roots[tree], models[tree].order.clone()));
        for step in 0..1500 {
            let tree = random.below(2);
            let (cursor, model) = (&mut cursors[tree], &mut models[tree]);
            cursor.vouch(&pager);
            if random.below(3) == 0 && !model.records.is_empty() {
                let gone = model.records[random.below(model.records.len())].clone();
                let mut key = KeyValues::new();
                decode_prefix(&gone, gone.len(), 2, &mut key).unwrap();
                assert!(cursor.remove(&mut pager, &key).unwrap());
                assert!(!cursor.remove(&mut pager, &key).unwrap());
                model.remove(&gone);
            } else {
                // Half of them go behind all others, where no search is needed.
                let new = match random.below(2) {
                    0 => record(&mut random, page_size, 1 << 20, true),
                    _ => last_record(step, tree == 1),
                };
                let mut key = KeyValues::new();
                decode_prefix(&new, new.len(), 1, &mut key).unwrap();
                let expected = model.seek(&key, Seek::Eq).cloned();
                assert_eq!(cursor.probe(&pager, &key).unwrap(), expected.is_some());
                if let Some(expected) = expected {
                    let mut spill = Vec::new();
                    assert_eq!(cursor.payload(&pager, &mut spill).unwrap(), expected);
                } else if random.below(8) == 0 {
                    cursor.insert(&mut pager, &new).unwrap();
                    model.insert(new.clone());
                } else {
                    let mut values = KeyValues::new();
                    decode_prefix(&new, new.len(), 9, &mut values).unwrap();
                    cursor.insert_probed(&mut pager, &values).unwrap();
                    model.insert(new.clone());
                }
            }
            if random.below(300) == 0 {
                cursors.iter_mut().for_each(IndexCursor::distrust);
            }
            if step % 250 == 249 {
                (0..2).for_each(|tree| check_same(&pager, roots[tree], &models[tree]));
                let trees = [0, 1].map(|tree| (roots[tree], Some(models[tree].order.clone())));
                check_invariants(&pager, &trees);
            }
        }
    }
}

/// A record with overflow pages filled the last leaf and had it split; the cursor, vouched for, took the old last leaf for the last one
/// still and appended the next records there, in front of the divider.
#[test]
fn a_spilled_record_that_splits_the_last_leaf_moves_the_right_edge() {
    for fill in 60..130 {
        let mut pager = Shape::plain(1024).pager();
        let root = create_tree(&mut pager, TreeKind::Index).unwrap();
        let mut cursor = IndexCursor::new(root, two_columns());
        let mut model = Model::new(two_columns());
        for i in 0..fill + 40 {
            let long = if i == fill { 3000 } else { 0 };
            let text = format!("key {i:06}{}", "x".repeat(long));
            let mut record = Vec::new();
            encode(
                &[ValueRef::Text(text.as_bytes()), ValueRef::Integer(i)],
                &mut record,
            );
            cursor.vouch(&pager);
            cursor.insert(&mut pager, &record).unwrap();
            model.insert(record);
        }
        check_same(&pager, root, &model);
        check_invariants(&pager, &[(root, Some(model.order.clone()))]);
    }
}
