//! Sort: every form of keys, with and without a bound, in memory and through run files, against a stable sort of the same rows.

use std::cmp::Ordering;

use super::World;
use crate::plan::expr::Expr;
use crate::plan::physical::{Node, Sort, SortKey};
use crate::value::{Collation, Value, compare};

/// Rows (key, second key, number) whose keys come from `make`.
fn rows(count: u64, make: impl Fn(u64) -> Value) -> Vec<Vec<Value>> {
    let scramble = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let row = |n| {
        vec![
            make(scramble(n)),
            Value::Integer((scramble(n + 7) % 3) as i64),
            Value::Integer(n as i64),
        ]
    };
    (0..count).map(row).collect()
}

fn key(column: usize, descending: bool, nulls_first: bool, collation: Collation) -> SortKey {
    SortKey {
        expression: Expr::Column(column),
        descending,
        nulls_first,
        collation,
    }
}

fn order(a: &[Value], b: &[Value], keys: &[SortKey]) -> Ordering {
    keys.iter().fold(Ordering::Equal, |order, key| {
        order.then_with(|| {
            let Expr::Column(column) = key.expression else {
                return Ordering::Equal;
            };
            let (a, b) = (&a[column], &b[column]);
            match (a.is_null(), b.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if key.nulls_first => Ordering::Less,
                (false, true) if !key.nulls_first => Ordering::Less,
                (true, false) | (false, true) => Ordering::Greater,
                _ if key.descending => compare(b.as_ref(), a.as_ref(), &key.collation),
                _ => compare(a.as_ref(), b.as_ref(), &key.collation),
            }
        })
    })
}

/// Sorts by the operator, with several budgets and bounds, and by the standard library.
#[track_caller]
fn check(rows: &[Vec<Value>], keys: &[SortKey]) {
    let mut expected = rows.to_vec();
    expected.sort_by(|a, b| order(a, b, keys));
    let literal = |row: &Vec<Value>| row.iter().cloned().map(Expr::Literal).collect();
    let input = || Node::Values {
        rows: rows.iter().map(literal).collect(),
        width: 3,
    };
    for budget in [1 << 30, 20_000, 100] {
        for top in [None, Some(0), Some(1), Some(10), Some(1100), Some(1_000_000)] {
            let mut world = World::new();
            world.state.session.memory_budget_bytes = budget;
            let node = Node::Sort(Box::new(Sort {
                input: input(),
                keys: keys.to_vec(),
                top: top.map(|top| Expr::Literal(Value::Integer(top))),
                sorted_prefix: 0,
            }));
            let sorted = world.rows(&node);
            let count = top.map_or(rows.len(), |top| rows.len().min(top as usize));
            // A bound says how many rows are needed; more may come, in order.
            assert!(sorted.len() >= count, "{budget} {top:?}: {} rows", sorted.len());
            assert_eq!(sorted[..count], expected[..count], "{budget} {top:?}");
        }
    }
}

#[test]
fn by_one_integer_real_or_text() {
    for descending in [false, true] {
        let keys = [key(0, descending, !descending, Collation::Binary)];
        check(&rows(1300, |n| Value::Integer(n as i64 % 500 - 250)), &keys);
        check(&rows(1300, |n| Value::Real(n as f64 % 100.0 / 7.0 - 5.0)), &keys);
        check(&rows(1300, |n| Value::from(format!("{:x}", n % 999))), &keys);
    }
}

#[test]
fn by_a_key_whose_class_changes_on_the_way() {
    let mixed = |n: u64| match n % 5 {
        0 => Value::Null,
        1 => Value::Real(n as f64 % 50.0 + 0.5),
        2 => Value::from(format!("t{}", n % 40)),
        _ => Value::Integer(n as i64 % 50),
    };
    check(&rows(1300, mixed), &[key(0, false, true, Collation::Binary)]);
    check(&rows(1300, mixed), &[key(0, true, true, Collation::Binary)]);
}

#[test]
fn by_several_keys_and_collations() {
    let text = |n: u64| Value::from(["a", "A", "b", "B ", "b", "", "Z"][n as usize % 7]);
    for collation in [Collation::NoCase, Collation::RTrim] {
        check(
            &rows(1200, text),
            &[
                key(0, false, true, collation.clone()),
                key(1, true, false, Collation::Binary),
            ],
        );
    }
}

#[test]
fn by_an_applications_collation() {
    let reversed = aludel_storage::format::CustomCollation {
        missing: false,
        name: "reversed".into(),
        compare: Box::new(|a, b| a.iter().rev().cmp(b.iter().rev())),
    };
    let collation = Collation::Custom(std::sync::Arc::new(reversed));
    let text = |n: u64| {
        if n.is_multiple_of(9) {
            Value::Null
        } else {
            Value::from(format!("{}", n % 300))
        }
    };
    check(
        &rows(1200, text),
        &[
            key(0, true, false, collation),
            key(1, false, true, Collation::Binary),
        ],
    );
}
