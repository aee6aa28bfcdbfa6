//! GROUP BY, aggregates, and the key tables and sort buffers under them.

use std::sync::Arc;

use super::World;
use crate::functions::Registry;
use crate::plan::expr::Expr;
use crate::plan::physical::{Aggregate, AggregateCall, GroupKey, Node, SortKey};
use crate::value::{Collation, Value};

pub(super) fn values(rows: &[Vec<Value>]) -> Node {
    let row = |row: &Vec<Value>| row.iter().cloned().map(Expr::Literal).collect();
    Node::Values {
        rows: rows.iter().map(row).collect(),
        width: rows.first().map_or(0, Vec::len),
    }
}

fn call(name: &str, arguments: &[usize]) -> AggregateCall {
    let function = Registry::new().find(name, arguments.len()).unwrap().clone();
    AggregateCall {
        function: Arc::new(function),
        arguments: arguments.iter().map(|column| Expr::Column(*column)).collect(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        collation: Collation::Binary,
    }
}

fn grouped(input: Node, keys: &[usize], calls: Vec<AggregateCall>) -> Aggregate {
    let key = |column: &usize| GroupKey {
        expression: Expr::Column(*column),
        collation: Collation::NoCase,
    };
    Aggregate {
        input,
        keys: keys.iter().map(key).collect(),
        aggregates: calls,
        bare: Vec::new(),
        bare_from: None,
        sorted: false,
    }
}

fn check(plan: Aggregate, expected: &[Vec<Value>]) {
    let mut world = World::new();
    assert_eq!(world.rows(&Node::Aggregate(Box::new(plan))), expected);
}

fn sample() -> Vec<Vec<Value>> {
    vec![
        row!["b", 2, 1.5],
        row!["a", 5, 2.5],
        row!["B", 7, Value::Null],
        row!["A", Value::Null, 0.5],
        row!["c", 1, "4x"],
        row!["a", 5, 2.0],
        row![Value::Null, 9, 1],
    ]
}

#[test]
fn groups_come_in_key_order_with_their_first_keys() {
    let calls = || {
        vec![
            call("count", &[]),
            call("count", &[1]),
            call("sum", &[1]),
            call("max", &[1]),
            call("total", &[2]),
        ]
    };
    let expected = [
        row![Value::Null, 1, 1, 9, 9, 1.0],
        row!["a", 3, 2, 10, 5, 5.0],
        row!["b", 2, 2, 9, 7, 1.5],
        row!["c", 1, 1, 1, 1, 4.0],
    ];
    check(grouped(values(&sample()), &[0], calls()), &expected);
    let mut sorted = sample();
    sorted.sort_by_key(|row| match &row[0] {
        Value::Text(text) => text.as_bytes().to_ascii_lowercase(),
        _ => Vec::new(),
    });
    check(
        Aggregate {
            sorted: true,
            ..grouped(values(&sorted), &[0], calls())
        },
        &expected,
    );
}

#[test]
fn one_group_without_keys() {
    let calls = || {
        vec![
            call("count", &[]),
            call("sum", &[1]),
            call("avg", &[1]),
            call("group_concat", &[0]),
        ]
    };
    check(
        grouped(values(&sample()), &[], calls()),
        &[row![7, 29, 29.0 / 6.0, "b,a,B,A,c,a"]],
    );
    let nothing = Node::Values {
        rows: Vec::new(),
        width: 3,
    };
    check(
        grouped(nothing.clone(), &[], calls()),
        &[row![0, Value::Null, Value::Null, Value::Null]],
    );
    check(grouped(nothing, &[0], calls()), &[]);
}

#[test]
fn bare_columns_follow_the_first_row_or_the_extreme() {
    let bare = vec![Expr::Column(2)];
    let plan = grouped(values(&sample()), &[0], vec![call("max", &[1])]);
    let first = Aggregate {
        bare: bare.clone(),
        ..plan.clone()
    };
    let expected = [
        row![Value::Null, 9, 1],
        row!["a", 5, 2.5],
        row!["b", 7, 1.5],
        row!["c", 1, "4x"],
    ];
    check(first, &expected);
    let picked = Aggregate {
        bare,
        bare_from: Some(0),
        ..plan
    };
    let expected = [
        row![Value::Null, 9, 1],
        row!["a", 5, 2.5],
        row!["b", 7, Value::Null],
        row!["c", 1, "4x"],
    ];
    check(picked, &expected);
}

#[test]
fn calls_filter_order_and_leave_out_doublets() {
    let distinct = AggregateCall {
        distinct: true,
        ..call("count", &[1])
    };
    let filter = Expr::IsNull {
        operand: Box::new(Expr::Column(1)),
        negated: true,
    };
    let filtered = AggregateCall {
        filter: Some(filter),
        ..call("count", &[])
    };
    let key = SortKey {
        expression: Expr::Column(1),
        descending: true,
        nulls_first: false,
        collation: Collation::Binary,
    };
    let ordered = AggregateCall {
        order_by: vec![key],
        ..call("group_concat", &[1])
    };
    let calls = vec![distinct, filtered, ordered];
    let expected = [
        row![Value::Null, 1, 1, "9"],
        row!["a", 1, 2, "5,5"],
        row!["b", 2, 2, "7,2"],
        row!["c", 1, 1, "1"],
    ];
    check(grouped(values(&sample()), &[0], calls), &expected);
}

#[test]
fn many_groups() {
    let rows: Vec<Vec<Value>> = (0..20_000i64).map(|n| row![(n * 7919) % 5000, n]).collect();
    let mut world = World::new();
    let plan = grouped(values(&rows), &[0], vec![call("count", &[]), call("min", &[1])]);
    let found = world.rows(&Node::Aggregate(Box::new(plan)));
    assert_eq!(found.len(), 5000);
    for (n, row) in found.iter().enumerate() {
        let first = (0..5000).find(|i| (i * 7919) % 5000 == n as i64).unwrap();
        assert_eq!(row[..], row![n as i64, 4, first]);
    }
}
