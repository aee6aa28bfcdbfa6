//! Conversions, comparison and arithmetic against SQLite.

use super::number::{self, integer_of, real_of};
use super::{Affinity, Collation, Value, ValueRef, apply_affinity, arithmetic, cast, compare};
use crate::functions::oracle::{Dice, Oracle};

fn text(real: f64) -> String {
    let mut out = Vec::new();
    super::decimal::write_real(real, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn reals_become_the_same_text() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..6000 {
        let real = dice.real();
        let theirs = oracle
            .their_expression("cast(? as text)", &[Value::Real(real)])
            .unwrap();
        assert_eq!(Value::from(text(real)), theirs, "{real:e}");
    }
}

#[test]
fn texts_become_the_same_numbers() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    let pieces = [
        "1",
        "7",
        "0",
        "9",
        "5",
        ".",
        "e",
        "E",
        "-",
        "+",
        " ",
        "x",
        "123456789",
        "000",
        "99999999999",
        "e-30",
        "e25",
        "\n",
        "\0",
    ];
    for _ in 0..6000 {
        let text = match dice.below(3) {
            0 => format!("{}e{}", dice.bits(), dice.below(700) as i64 - 370),
            1 => format!(
                "{}.{}",
                dice.bits() >> dice.below(64),
                dice.bits() >> dice.below(64)
            ),
            _ => dice.text(&pieces, 7),
        };
        let value = Value::from(text.as_str());
        for (target, name) in CASTS {
            let theirs = oracle.their_expression(&format!("cast(? as {name})"), std::slice::from_ref(&value));
            oracle.assert_same(
                &Ok(cast::cast(value.as_ref(), target)),
                &theirs,
                &format!("{text:?} as {name}"),
            );
        }
    }
}

const CASTS: [(Affinity, &str); 5] = [
    (Affinity::Integer, "integer"),
    (Affinity::Real, "real"),
    (Affinity::Numeric, "numeric"),
    (Affinity::Text, "text"),
    (Affinity::Blob, "blob"),
];

#[test]
fn casts() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..2000 {
        let value = dice.value();
        for (target, name) in CASTS {
            if matches!((&value, target), (Value::Blob(_), Affinity::Text)) {
                continue;
            }
            let theirs = oracle.their_expression(&format!("cast(? as {name})"), std::slice::from_ref(&value));
            oracle.assert_same(
                &Ok(cast::cast(value.as_ref(), target)),
                &theirs,
                &format!("{value:?} as {name}"),
            );
        }
    }
}

#[test]
fn affinities_of_columns() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    oracle
        .sqlite()
        .execute_batch("CREATE TABLE t(i INTEGER, r REAL, n NUMERIC, t TEXT, b BLOB)")
        .unwrap();
    for _ in 0..1500 {
        let value = dice.value();
        oracle.their_statement("INSERT INTO t VALUES(?1,?1,?1,?1,?1)", &value);
        let stored = oracle.values("* FROM t").unwrap();
        oracle.sqlite().execute_batch("DELETE FROM t").unwrap();
        let affinities = [
            Affinity::Integer,
            Affinity::Real,
            Affinity::Numeric,
            Affinity::Text,
            Affinity::Blob,
        ];
        for (affinity, theirs) in affinities.into_iter().zip(stored) {
            let mut ours = value.clone();
            apply_affinity(&mut ours, affinity);
            assert_eq!(ours, theirs, "{value:?} under {affinity:?}");
        }
    }
}

#[test]
fn comparisons() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..2000 {
        let (a, b) = (dice.value(), dice.value());
        let order = compare(a.as_ref(), b.as_ref(), &Collation::Binary);
        let ours = match a.is_null() || b.is_null() {
            true => Value::Null,
            false => Value::Integer(order as i64),
        };
        let theirs = oracle.their_expression("(?1 > ?2) - (?1 < ?2)", &[a.clone(), b.clone()]);
        oracle.assert_same(&Ok(ours), &theirs, &format!("{a:?} against {b:?}"));
    }
}

type Binary = fn(ValueRef<'_>, ValueRef<'_>) -> ValueRef<'static>;

#[test]
fn operators() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    let binary: [(&str, Binary); 9] = [
        ("+", arithmetic::add),
        ("-", arithmetic::sub),
        ("*", arithmetic::mul),
        ("/", arithmetic::div),
        ("%", arithmetic::rem),
        ("&", arithmetic::and),
        ("|", arithmetic::or),
        ("<<", arithmetic::shift_left),
        (">>", arithmetic::shift_right),
    ];
    for _ in 0..1500 {
        let (a, b) = (dice.value(), dice.value());
        for (symbol, operator) in binary {
            let ours = Value::from(operator(a.as_ref(), b.as_ref()));
            let theirs = oracle.their_expression(&format!("?1 {symbol} ?2"), &[a.clone(), b.clone()]);
            oracle.assert_same(&Ok(ours), &theirs, &format!("{a:?} {symbol} {b:?}"));
        }
        let unary = [
            ("-?1", arithmetic::neg(a.as_ref())),
            ("~?1", arithmetic::not(a.as_ref())),
        ];
        for (expression, ours) in unary {
            let theirs = oracle.their_expression(expression, std::slice::from_ref(&a));
            oracle.assert_same(&Ok(Value::from(ours)), &theirs, &format!("{expression} of {a:?}"));
        }
        let truth = cast::truth(a.as_ref()).map_or(Value::Null, Value::from);
        oracle.assert_same(
            &Ok(truth),
            &oracle.their_expression("NOT NOT ?1", std::slice::from_ref(&a)),
            &format!("truth of {a:?}"),
        );
        let mut joined = Vec::new();
        let ours = match arithmetic::concat(a.as_ref(), b.as_ref(), &mut joined) {
            true => Value::from(joined),
            false => Value::Null,
        };
        let theirs = oracle.their_expression("cast(?1 || ?2 as blob)", &[a.clone(), b.clone()]);
        oracle.assert_same(&Ok(ours), &theirs, &format!("{a:?} || {b:?}"));
    }
}

#[test]
fn shifts_at_the_edges() {
    let oracle = Oracle::new();
    for a in [1, -1, i64::MIN, i64::MAX, 5] {
        for by in [0, 1, 63, 64, 65, -1, -63, -64, -65, i64::MIN, i64::MAX] {
            let args = [Value::Integer(a), Value::Integer(by)];
            for (symbol, operator) in [
                ("<<", arithmetic::shift_left as Binary),
                (">>", arithmetic::shift_right),
            ] {
                let ours = Value::from(operator(args[0].as_ref(), args[1].as_ref()));
                let theirs = oracle.their_expression(&format!("?1 {symbol} ?2"), &args);
                oracle.assert_same(&Ok(ours), &theirs, &format!("{a} {symbol} {by}"));
            }
        }
    }
}

#[test]
fn text_ends_at_nul_for_reals_only() {
    let value = ValueRef::Text(b"12\x0034");
    assert_eq!((integer_of(value), real_of(value)), (12, 12.0));
    assert_eq!(
        number::affinity_number(b"12\x0034"),
        Some(number::Number::Integer(12))
    );
}
