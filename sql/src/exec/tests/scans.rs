//! Scans, seeks, filters, projections.

use smallvec::smallvec;

use super::World;
use crate::plan::expr::{BinaryOp, CompareOp, CompareRule, Expr};
use crate::plan::physical::{Bound, IndexScan, Limit, Node, ScanColumn, Seek, SeekTerm, TableScan};
use crate::value::{Collation, Value};

fn column(column: usize) -> Expr {
    Expr::Column(column)
}

fn literal(value: impl Into<Value>) -> Expr {
    Expr::Literal(value.into())
}

fn compare(op: CompareOp, left: Expr, right: Expr) -> Expr {
    let rule = CompareRule {
        left: None,
        right: None,
        collation: Collation::Binary,
    };
    Expr::compare(op, left, right, rule)
}

/// Rows `(n, n mod 7, 'text n')` for n in 0..count; every tenth text is long enough to overflow.
fn sample(count: i64) -> Vec<Vec<Value>> {
    let text = |n: i64| {
        if n % 10 == 9 {
            format!("text {n} {}", "x".repeat(6000))
        } else {
            format!("text {n}")
        }
    };
    (0..count)
        .map(|n| vec![n.into(), (n % 7).into(), text(n).into()])
        .collect()
}

fn bound(value: impl Into<Value>, inclusive: bool) -> Option<Bound> {
    Some(Bound {
        value: literal(value),
        inclusive,
    })
}

struct Fixture {
    world: World,
    rows: Vec<Vec<Value>>,
    scan: TableScan,
}

fn fixture(count: i64) -> Fixture {
    let mut world = World::new();
    let rows = sample(count);
    let table = world.table(&["n", "m", "s"], &rows);
    let scan = TableScan {
        database: 0,
        table,
        columns: smallvec![
            ScanColumn::Rowid,
            ScanColumn::Table(0),
            ScanColumn::Table(1),
            ScanColumn::Table(2),
        ],
        seek: Seek::default(),
        descending: false,
        filter: None,
        estimate: 0.0,
    };
    Fixture { world, rows, scan }
}

impl Fixture {
    /// The rows of the scan as changed by `change` are those that `expected` accepts, in order.
    fn check(&mut self, change: impl FnOnce(&mut TableScan), expected: impl Fn(i64, &[Value]) -> bool) {
        let mut scan = self.scan.clone();
        change(&mut scan);
        let mut wanted: Vec<Vec<Value>> = Vec::new();
        for (n, row) in self.rows.iter().enumerate() {
            let rowid = n as i64 + 1;
            if expected(rowid, row) {
                wanted.push([vec![Value::from(rowid)], row.clone()].concat());
            }
        }
        if scan.descending {
            wanted.reverse();
        }
        let found = self.world.rows(&Node::TableScan(Box::new(scan)));
        assert_eq!(found.len(), wanted.len());
        assert!(found == wanted);
    }
}

#[test]
fn a_scan_reads_all_rows_in_either_direction() {
    let mut fixture = fixture(5000);
    fixture.check(|_| {}, |_, _| true);
    fixture.check(|scan| scan.descending = true, |_, _| true);
}

#[test]
fn rowid_bounds_are_kept() {
    let mut fixture = fixture(3000);
    for descending in [false, true] {
        let mut check = |lower: Option<Bound>, upper: Option<Bound>, from: i64, to: i64| {
            let change = |scan: &mut TableScan| {
                scan.seek = Seek {
                    equal: smallvec![],
                    lower: lower.map(Box::new),
                    upper: upper.map(Box::new),
                };
                scan.descending = descending;
            };
            fixture.check(change, |rowid, _| (from..=to).contains(&rowid));
        };
        check(bound(1000, true), bound(2000, false), 1000, 1999);
        check(bound(1000.5, true), None, 1001, i64::MAX);
        check(bound(10.0, false), bound(12.0, false), 11, 11);
        check(None, bound("a", true), 1, i64::MAX);
        check(bound("a", true), None, 1, 0);
        check(bound(1e300, true), None, 1, 0);
        check(bound(-1e300, true), bound(5, true), 1, 5);
        check(bound(Value::Null, true), None, 1, 0);
        check(bound(2000, true), bound(1000, true), 1, 0);
        check(None, bound(i64::MIN, false), 1, 0);
    }
}

#[test]
fn rowids_are_sought() {
    let mut fixture = fixture(3000);
    fixture.check(
        |scan| scan.seek.equal = smallvec![SeekTerm::Equal(literal(77))],
        |rowid, _| rowid == 77,
    );
    fixture.check(
        |scan| scan.seek.equal = smallvec![SeekTerm::Equal(literal(77.0))],
        |rowid, _| rowid == 77,
    );
    fixture.check(
        |scan| scan.seek.equal = smallvec![SeekTerm::Equal(literal(77.5))],
        |_, _| false,
    );
    fixture.check(
        |scan| scan.seek.equal = smallvec![SeekTerm::Equal(literal(9999))],
        |_, _| false,
    );
    let list = [5, 2999, 5, -1, 700, 8000].map(literal).to_vec();
    fixture.check(
        |scan| scan.seek.equal = smallvec![SeekTerm::InList(list)],
        |rowid, _| [5, 700, 2999].contains(&rowid),
    );
}

#[test]
fn filters_see_their_columns_first() {
    let mut fixture = fixture(3000);
    let on_m = compare(CompareOp::Eq, column(2), literal(3));
    fixture.check(
        |scan| scan.filter = Some(on_m.clone()),
        |_, row| row[1] == Value::from(3),
    );
    let on_s = Expr::Like {
        operand: Box::new(column(3)),
        pattern: Box::new(literal("%T 1%")),
        escape: None,
        glob: false,
        negated: false,
    };
    let both = Expr::And(vec![on_m, on_s]);
    let text_1 =
        |row: &[Value]| matches!(&row[2], Value::Text(text) if text.as_bytes().starts_with(b"text 1"));
    fixture.check(
        |scan| scan.filter = Some(both.clone()),
        |_, row| row[1] == Value::from(3) && text_1(row),
    );
    let none = compare(CompareOp::Lt, column(1), literal(0));
    fixture.check(|scan| scan.filter = Some(none), |_, _| false);
    let last = compare(CompareOp::Ge, column(1), literal(2999));
    fixture.check(|scan| scan.filter = Some(last), |rowid, _| rowid == 3000);
}

#[test]
fn short_records_get_their_missing_values() {
    let mut world = World::new();
    let rows = vec![vec![Value::from(1)], vec![Value::from(2), Value::from("x")]];
    let table = world.table(&["a", "b"], &rows);
    let scan = TableScan {
        database: 0,
        table,
        columns: smallvec![ScanColumn::Table(1), ScanColumn::Table(0), ScanColumn::Table(1)],
        seek: Seek::default(),
        descending: false,
        filter: None,
        estimate: 0.0,
    };
    let found = world.rows(&Node::TableScan(Box::new(scan)));
    assert_eq!(found, [row![-1, 1, -1], row!["x", 2, "x"]]);
}

#[test]
fn index_ranges_are_visited_in_order() {
    let mut world = World::new();
    let mut rows = sample(2000);
    for (n, row) in rows.iter_mut().enumerate() {
        if n % 50 == 0 {
            row[1] = Value::Null;
        }
    }
    let table = world.table(&["n", "m", "s"], &rows);
    for index_descending in [false, true] {
        let index = world.index(&rows, &[1, 0], index_descending);
        for (descending, covering) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut check = |seek: Seek, expected: &dyn Fn(Option<i64>, i64) -> bool| {
                let scan = IndexScan {
                    database: 0,
                    table: table.clone(),
                    index: index.clone(),
                    covering,
                    columns: smallvec![ScanColumn::Table(1), ScanColumn::Table(0), ScanColumn::Rowid],
                    seek,
                    descending,
                    filter: None,
                    estimate: 0.0,
                };
                let mut wanted: Vec<(Option<i64>, i64, i64)> = Vec::new();
                for (n, row) in rows.iter().enumerate() {
                    let m = if let Value::Integer(m) = row[1] {
                        Some(m)
                    } else {
                        None
                    };
                    if expected(m, n as i64) {
                        wanted.push((m, n as i64, n as i64 + 1));
                    }
                }
                wanted.sort();
                if descending != index_descending {
                    wanted.reverse();
                }
                let found = world.rows(&Node::IndexScan(Box::new(scan)));
                let wanted: Vec<Vec<Value>> = wanted
                    .into_iter()
                    .map(|(m, n, rowid)| row![m, n, rowid])
                    .collect();
                assert_eq!(found, wanted);
            };
            let equal = |value: i64| smallvec![SeekTerm::Equal(literal(value))];
            check(Seek::default(), &|_, _| true);
            check(
                Seek {
                    equal: equal(3),
                    ..Seek::default()
                },
                &|m, _| m == Some(3),
            );
            check(
                Seek {
                    lower: bound(2, false).map(Box::new),
                    ..Seek::default()
                },
                &|m, _| m > Some(2),
            );
            check(
                Seek {
                    upper: bound(2, true).map(Box::new),
                    ..Seek::default()
                },
                &|m, _| m.is_some_and(|m| m <= 2),
            );
            let seek = Seek {
                equal: equal(4),
                lower: bound(100, true).map(Box::new),
                upper: bound(900, false).map(Box::new),
            };
            check(seek, &|m, n| m == Some(4) && (100..900).contains(&n));
            let list = SeekTerm::InList([6, 1, 6].map(literal).to_vec());
            check(
                Seek {
                    equal: smallvec![list],
                    ..Seek::default()
                },
                &|m, _| m == Some(1) || m == Some(6),
            );
            let null = SeekTerm::Is(literal(Value::Null));
            check(
                Seek {
                    equal: smallvec![null],
                    ..Seek::default()
                },
                &|m, _| m.is_none(),
            );
            let null = SeekTerm::Equal(literal(Value::Null));
            check(
                Seek {
                    equal: smallvec![null],
                    ..Seek::default()
                },
                &|_, _| false,
            );
        }
    }
}

#[test]
fn projections_compute_and_pass_on() {
    let mut fixture = fixture(300);
    let scan = Node::TableScan(Box::new(fixture.scan.clone()));
    let sum = Expr::Binary {
        op: BinaryOp::Add,
        left: Box::new(column(1)),
        right: Box::new(literal(1)),
    };
    let filter = scan
        .clone()
        .filtered(Some(compare(CompareOp::Ne, column(2), literal(0))));
    for (input, keeps) in [(scan, false), (filter, true)] {
        let expressions = vec![column(2), sum.clone(), column(2), literal("k")];
        let limit = Node::Limit(Box::new(Limit {
            input: Node::Project {
                input: Box::new(input),
                expressions,
            },
            limit: Some(literal(150)),
            offset: Some(literal(20)),
        }));
        let found = fixture.world.rows(&limit);
        let wanted = (0..300i64).filter(|n| !keeps || n % 7 != 0).skip(20).take(150);
        let wanted: Vec<Vec<Value>> = wanted.map(|n| row![n % 7, n + 1, n % 7, "k"]).collect();
        assert_eq!(found, wanted);
    }
}
