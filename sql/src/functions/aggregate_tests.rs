//! Aggregates against SQLite: over groups, and over sliding frames where rows leave again.

use super::aggregate::SumState;
use super::oracle::{Dice, Oracle, Outcome};
use super::{Accumulator, Environment, FunctionContext, FunctionKind, Registry};
use crate::value::{Value, ValueRef};

/// The functions, each with its number of arguments.
const FUNCTIONS: [(&str, usize); 14] = [
    ("count", 1),
    ("sum", 1),
    ("total", 1),
    ("avg", 1),
    ("min", 1),
    ("max", 1),
    ("group_concat", 1),
    ("group_concat", 2),
    ("string_agg", 2),
    ("json_group_array", 1),
    ("jsonb_group_array", 1),
    ("json_group_object", 2),
    ("jsonb_group_object", 2),
    ("median", 1),
];

fn accumulator(name: &str, argc: usize) -> (Box<dyn Accumulator>, bool) {
    let registry = Registry::new();
    let FunctionKind::Aggregate(function) = &registry.find(name, argc).unwrap().kind else {
        panic!("{name} is no aggregate");
    };
    (function.accumulator(), function.supports_inverse())
}

struct Run {
    accumulator: Box<dyn Accumulator>,
    environment: Environment,
    argc: usize,
}

impl Run {
    fn args<'a>(&self, row: &'a [Value; 2]) -> [ValueRef<'a>; 2] {
        [row[0].as_ref(), row[1].as_ref()]
    }

    fn step(&mut self, row: &[Value; 2]) -> Result<(), String> {
        let args = self.args(row);
        let mut cx = FunctionContext::new(&self.environment);
        self.accumulator
            .step(&mut cx, &args[..self.argc])
            .map_err(|e| e.to_string())
    }

    fn inverse(&mut self, row: &[Value; 2]) -> Result<(), String> {
        let args = self.args(row);
        let mut cx = FunctionContext::new(&self.environment);
        self.accumulator
            .inverse(&mut cx, &args[..self.argc])
            .map_err(|e| e.to_string())
    }

    fn value(&mut self) -> Outcome {
        let mut out = Value::Null;
        let mut cx = FunctionContext::new(&self.environment);
        self.accumulator
            .value(&mut cx, &mut out)
            .map_err(|e| e.to_string())?;
        Ok(out)
    }
}

/// Rows of one flavour: small integers, integers near overflow, reals, or anything.
fn rows(dice: &Dice) -> Vec<[Value; 2]> {
    let flavour = dice.below(5);
    let value = || match flavour {
        0 => Value::Integer(dice.below(100) as i64),
        1 => Value::Integer(dice.integer()),
        2 => Value::Real((dice.below(2000) as f64 - 1000.0) / 10.0),
        3 => Value::Real(dice.real()),
        _ => match dice.value() {
            // What a blob is to group_concat and JSON depends on the encoding.
            Value::Blob(_) => Value::Null,
            other => other,
        },
    };
    (0..dice.below(12))
        .map(|_| [value(), Value::from(dice.pick(&["-", "--", "", "é"]))])
        .collect()
}

fn fill(oracle: &Oracle, rows: &[[Value; 2]]) {
    oracle
        .sqlite()
        .execute_batch("CREATE TABLE IF NOT EXISTS t(v, w); DELETE FROM t")
        .unwrap();
    for row in rows {
        oracle
            .rows("INSERT INTO t VALUES(?, ?) RETURNING 1", row)
            .unwrap();
    }
}

fn is_known(oracle: &Oracle, name: &str) -> bool {
    oracle
        .texts("SELECT DISTINCT name FROM pragma_function_list")
        .iter()
        .any(|known| known == name)
}

#[test]
fn groups() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    let known: Vec<_> = FUNCTIONS
        .into_iter()
        .filter(|(name, _)| is_known(&oracle, name))
        .collect();
    for _ in 0..250 {
        let rows = rows(&dice);
        fill(&oracle, &rows);
        for &(name, argc) in &known {
            let columns = ["v", "v, w"][argc - 1];
            let theirs = oracle.their_expression(&format!("{name}({columns}) FROM t"), &[]);
            let (accumulator, _) = accumulator(name, argc);
            let mut run = Run {
                accumulator,
                environment: Environment::default(),
                argc,
            };
            let stepped: Result<(), String> = rows.iter().try_for_each(|row| run.step(row));
            let ours = stepped.and_then(|()| run.value());
            oracle.assert_same(&ours, &theirs, &format!("{name} of {rows:?}"));
        }
    }
}

#[test]
fn sliding_frames() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    let known: Vec<_> = FUNCTIONS
        .into_iter()
        .filter(|(name, _)| is_known(&oracle, name))
        .collect();
    for _ in 0..150 {
        let rows = rows(&dice);
        let width = dice.below(4);
        fill(&oracle, &rows);
        for &(name, argc) in &known {
            let (accumulator, supports_inverse) = accumulator(name, argc);
            if !supports_inverse {
                continue;
            }
            let columns = ["v", "v, w"][argc - 1];
            let theirs = oracle.rows(
                &format!("SELECT {name}({columns}) OVER (ORDER BY rowid ROWS BETWEEN {width} PRECEDING AND CURRENT ROW) FROM t"),
                &[],
            );
            let mut run = Run {
                accumulator,
                environment: Environment::default(),
                argc,
            };
            let ours: Result<Vec<Vec<Value>>, String> = (0..rows.len())
                .map(|i| {
                    run.step(&rows[i])?;
                    let value = run.value()?;
                    if i >= width {
                        run.inverse(&rows[i - width])?;
                    }
                    Ok(vec![value])
                })
                .collect();
            assert_eq!(ours, theirs, "{name} over {width} of {rows:?}");
        }
    }
}

/// Not every build of SQLite has them, so the answers are written down.
#[test]
fn percentiles() {
    let check = |name: &str, fraction: Option<f64>, values: &[f64], expected: Outcome| {
        let argc = 1 + usize::from(fraction.is_some());
        let mut run = Run {
            accumulator: accumulator(name, argc).0,
            environment: Environment::default(),
            argc,
        };
        let fraction = fraction.map_or(Value::Null, Value::Real);
        let stepped: Result<(), String> = values
            .iter()
            .try_for_each(|value| run.step(&[Value::Real(*value), fraction.clone()]));
        assert_eq!(
            stepped.and_then(|()| run.value()),
            expected,
            "{name} {fraction:?} of {values:?}"
        );
    };
    let real = |value: f64| Ok(Value::Real(value));
    check("median", None, &[3.0, 1.0, 2.0], real(2.0));
    check("median", None, &[4.0, 1.0, 2.0, 3.0], real(2.5));
    check("median", None, &[], Ok(Value::Null));
    check("percentile", Some(25.0), &[1.0, 2.0, 3.0, 4.0, 5.0], real(2.0));
    check("percentile", Some(10.0), &[1.0, 2.0], real(1.1));
    check("percentile_cont", Some(0.75), &[4.0, 3.0, 2.0, 1.0], real(3.25));
    check("percentile_disc", Some(0.75), &[4.0, 3.0, 2.0, 1.0], real(3.0));
    check("percentile_disc", Some(1.0), &[4.0, 3.0], real(4.0));
    let out_of_range = "the fraction argument to percentile_cont() is not between 0.0 and 1.0";
    check("percentile_cont", Some(1.5), &[1.0], Err(out_of_range.to_owned()));
    check(
        "percentile",
        Some(50.0),
        &[f64::INFINITY],
        Err("Inf input to percentile()".to_owned()),
    );
}

#[test]
fn sums_merge() {
    let dice = Dice::new();
    for _ in 0..300 {
        let rows = rows(&dice);
        let half = rows.len() / 2;
        let sum = |rows: &[[Value; 2]]| {
            let mut state = SumState::default();
            rows.iter().for_each(|row| state.add(row[0].as_ref()));
            state
        };
        let (mut left, right) = (sum(&rows[..half]), sum(&rows[half..]));
        left.merge(&right);
        let whole = sum(&rows);
        assert_eq!(left.count(), whole.count());
        match (left.total(), whole.total()) {
            (ValueRef::Real(a), ValueRef::Real(b)) => {
                let scale = rows
                    .iter()
                    .map(|row| crate::value::number::real_of(row[0].as_ref()).abs())
                    .sum::<f64>();
                assert!(a == b || (a - b).abs() <= 1e-12 * scale, "{a} {b} of {rows:?}");
            }
            (a, b) => assert_eq!(a, b),
        }
    }
}
