//! A batch leaves what single changes leave.

use super::*;
use crate::btree::model::Random;
use crate::btree::{TreeKind, create_tree};
use crate::pager::PagerOptions;

const TEXTS: [&[u8]; 8] = [
    b"",
    b"a",
    b"a\0",
    b"A",
    b"abcdefghijklmnopq",
    b"abcdefghijklmnopqr",
    b"abcdefghijklmnop",
    b"b",
];

fn some_value(random: &mut Random) -> ValueRef<'static> {
    const NUMBERS: [f64; 9] = [
        0.0,
        -0.0,
        0.5,
        -1.0,
        1e300,
        9007199254740992.0,
        9007199254740994.0,
        f64::INFINITY,
        5.000_000_000_000_001,
    ];
    const INTEGERS: [i64; 8] = [
        0,
        1,
        -1,
        5,
        i64::MAX,
        i64::MIN,
        9007199254740993,
        9007199254740992,
    ];
    match random.below(6) {
        0 => ValueRef::Null,
        1 => ValueRef::Integer(INTEGERS[random.below(INTEGERS.len())]),
        2 => ValueRef::Integer(random.below(300) as i64 - 150),
        3 => ValueRef::Real(NUMBERS[random.below(NUMBERS.len())]),
        4 => ValueRef::Text(TEXTS[random.below(TEXTS.len())]),
        _ => ValueRef::Blob(TEXTS[random.below(TEXTS.len())]),
    }
}

fn orders() -> Vec<KeyOrder> {
    let column = |collation: &Collation, descending| KeyColumn {
        collation: collation.clone(),
        descending,
    };
    let mut orders = Vec::new();
    for collation in [Collation::Binary, Collation::NoCase] {
        for descending in [(false, false), (true, false), (false, true), (true, true)] {
            orders.push(KeyOrder {
                columns: vec![
                    column(&collation, descending.0),
                    column(&collation, descending.1),
                    column(&Collation::Binary, false),
                ],
            });
        }
    }
    orders
}

#[test]
fn starts_that_differ_are_in_the_order_of_the_keys() {
    let mut random = Random::new(7);
    for order in orders() {
        for _ in 0..20_000 {
            let keys = [
                [some_value(&mut random), some_value(&mut random)],
                [some_value(&mut random), some_value(&mut random)],
            ];
            let [a, b] = keys.map(|key| start_of(&order.columns, &key));
            if a != b {
                let whole = order.compare_keys(&keys[0], &keys[1]);
                assert_eq!(a.cmp(&b), whole, "{keys:?} {order:?}");
            }
        }
    }
}

#[test]
fn a_batch_leaves_what_single_changes_leave() {
    let mut random = Random::new(11);
    for order in orders() {
        let order = Arc::new(order);
        let mut pager = Pager::in_memory(&PagerOptions::default()).unwrap();
        pager.begin_write().unwrap();
        let roots = [(); 2].map(|()| create_tree(&mut pager, TreeKind::Index).unwrap());
        let [mut single, mut batched] = roots.map(|root| IndexCursor::new(root, Arc::clone(&order)));
        let mut batch = IndexBatch::new(Arc::clone(&order));
        let mut rows: Vec<[ValueRef<'static>; 3]> = Vec::new();
        for step in 0..3_000_i64 {
            if !rows.is_empty() && random.below(3) == 0 {
                let row = rows.swap_remove(random.below(rows.len()));
                assert!(single.remove(&mut pager, &row).unwrap());
                batch.remove(&row);
            } else {
                let row = [
                    some_value(&mut random),
                    some_value(&mut random),
                    ValueRef::Integer(step),
                ];
                single.insert_values(&mut pager, &row).unwrap();
                batch.add(&row);
                rows.push(row);
            }
            if random.below(500) == 0 {
                batch.apply(&mut pager, &mut batched).unwrap();
                assert!(batch.is_empty());
            }
        }
        batch.apply(&mut pager, &mut batched).unwrap();
        let (mut a, mut b) = (single.first(&pager).unwrap(), batched.first(&pager).unwrap());
        let (mut spill_a, mut spill_b) = (Vec::new(), Vec::new());
        while a && b {
            assert_eq!(
                single.payload(&pager, &mut spill_a).unwrap(),
                batched.payload(&pager, &mut spill_b).unwrap()
            );
            (a, b) = (single.next(&pager).unwrap(), batched.next(&pager).unwrap());
        }
        assert_eq!((a, b), (false, false));
    }
}

#[test]
fn the_removal_of_an_entry_that_is_not_there_is_an_error() {
    let order = Arc::new(KeyOrder::binary(2));
    let mut pager = Pager::in_memory(&PagerOptions::default()).unwrap();
    pager.begin_write().unwrap();
    let root = create_tree(&mut pager, TreeKind::Index).unwrap();
    let mut cursor = IndexCursor::new(root, Arc::clone(&order));
    let mut batch = IndexBatch::new(order);
    batch.remove(&[ValueRef::Integer(1), ValueRef::Integer(1)]);
    assert!(batch.apply(&mut pager, &mut cursor).is_err());
    assert!(batch.is_empty());
}
