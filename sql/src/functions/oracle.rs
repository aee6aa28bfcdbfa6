//! Real SQLite as the judge of our functions: each case is a call in SQL. SQLite evaluates its arguments and the call; our function gets the same
//! arguments and has to come to the same result or the same message.

use rusqlite::Connection;
use rusqlite::types::{Value as Theirs, ValueRef as TheirsRef};

use super::{Environment, Function, FunctionContext, FunctionKind, Registry};
use crate::value::{Text, Value, ValueRef};

/// A SQLite connection with our registry beside it.
pub(crate) struct Oracle {
    sqlite: Connection,
    registry: Registry,
    environment: Environment,
}

pub(crate) type Outcome = Result<Value, String>;

impl Oracle {
    pub(crate) fn new() -> Oracle {
        Oracle {
            sqlite: Connection::open_in_memory().unwrap(),
            registry: Registry::new(),
            environment: Environment::default(),
        }
    }

    pub(crate) fn sqlite(&self) -> &Connection {
        &self.sqlite
    }

    /// The values of a list of SQL expressions, as SQLite sees them.
    pub(crate) fn values(&self, expressions: &str) -> Result<Vec<Value>, String> {
        let sql = format!("SELECT {expressions}");
        let mut statement = self.sqlite.prepare(&sql).map_err(|e| message(&e))?;
        let count = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| Ok((0..count).map(|i| ours(row.get_ref(i).unwrap())).collect());
        statement.query_row([], row).map_err(|e| message(&e))
    }

    /// SQLite's result of `name` over bound values.
    pub(crate) fn theirs(&self, name: &str, args: &[Value]) -> Outcome {
        let marks = vec!["?"; args.len()].join(",");
        self.their_expression(&format!("{name}({marks})"), args)
    }

    /// SQLite's result of an expression over bound values.
    pub(crate) fn their_expression(&self, expression: &str, args: &[Value]) -> Outcome {
        let mut statement = self
            .sqlite
            .prepare_cached(&format!("SELECT {expression}"))
            .map_err(|e| message(&e))?;
        let params = rusqlite::params_from_iter(args.iter().map(theirs));
        statement
            .query_row(params, |row| Ok(ours(row.get_ref(0)?)))
            .map_err(|e| message(&e))
    }

    /// All rows of a query over bound values.
    pub(crate) fn rows(&self, sql: &str, args: &[Value]) -> Result<Vec<Vec<Value>>, String> {
        let mut statement = self.sqlite.prepare_cached(sql).map_err(|e| message(&e))?;
        let count = statement.column_count();
        let params = rusqlite::params_from_iter(args.iter().map(theirs));
        let row = |row: &rusqlite::Row<'_>| (0..count).map(|i| Ok(ours(row.get_ref(i)?))).collect();
        let rows = statement.query_map(params, row).map_err(|e| message(&e))?;
        rows.map(|row: rusqlite::Result<Vec<Value>>| row.map_err(|e| message(&e)))
            .collect()
    }

    /// The first column of a query, as text.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let mut statement = self.sqlite.prepare(sql).unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// Runs a statement with one parameter.
    pub(crate) fn their_statement(&self, sql: &str, parameter: &Value) {
        self.sqlite
            .prepare_cached(sql)
            .unwrap()
            .execute([theirs(parameter)])
            .unwrap();
    }

    /// Our result of `name` over values.
    pub(crate) fn ours(&self, name: &str, args: &[Value], json_arguments: u64) -> Outcome {
        let mut cx = FunctionContext::new(&self.environment);
        cx.json_arguments = json_arguments;
        self.call(name, args, cx)
    }

    /// Our result of `name` in a place where it must depend on its arguments only.
    pub(crate) fn ours_in(&self, name: &str, args: &[Value], pure_place: Option<&'static str>) -> Outcome {
        let mut cx = FunctionContext::new(&self.environment);
        cx.pure_place = pure_place;
        self.call(name, args, cx)
    }

    fn call(&self, name: &str, args: &[Value], mut cx: FunctionContext<'_>) -> Outcome {
        let function: &Function = self.registry.find(name, args.len()).map_err(|e| e.to_string())?;
        let FunctionKind::Scalar(code) = &function.kind else {
            return Err(format!("{name} is not scalar"));
        };
        let refs: Vec<ValueRef<'_>> = args.iter().map(Value::as_ref).collect();
        let mut out = Value::Null;
        code.call(&mut cx, &refs, &mut out).map_err(|e| e.to_string())?;
        Ok(out)
    }

    /// Checks one call written in SQL, such as `substr('abc', 2)`.
    pub(crate) fn check(&self, call: &str) {
        let (name, rest) = call.split_once('(').expect("a call");
        let list = rest.trim_end().strip_suffix(')').expect("a call");
        let args = if list.trim().is_empty() {
            Vec::new()
        } else {
            self.values(list).expect(call)
        };
        let json = self.json_arguments(list);
        let expected = self.values(call).map(|mut values| values.remove(0));
        self.assert_same(&self.ours(name.trim(), &args, json), &expected, call);
    }

    /// Which arguments are JSON to SQLite.
    fn json_arguments(&self, list: &str) -> u64 {
        let mut bits = 0;
        for (i, expression) in split_arguments(list).iter().enumerate() {
            if let Ok(values) = self.values(&format!("subtype({expression})"))
                && values[0] == Value::Integer(74)
            {
                bits |= 1 << i;
            }
        }
        bits
    }

    pub(crate) fn check_all(&self, calls: &[&str]) {
        for call in calls {
            self.check(call);
        }
    }

    /// Checks a call over values.
    pub(crate) fn check_values(&self, name: &str, args: &[Value]) {
        self.assert_same(
            &self.ours(name, args, 0),
            &self.theirs(name, args),
            &format!("{name}{args:?}"),
        );
    }

    pub(crate) fn assert_same(&self, ours: &Outcome, theirs: &Outcome, what: &str) {
        let same = match (ours, theirs) {
            (Ok(a), Ok(b)) => a == b,
            (Err(a), Err(b)) => a == b,
            _ => false,
        };
        assert!(
            same,
            "{what:.2000}\n  ours:   {:.2000}\n  sqlite: {:.2000}",
            shown(ours),
            shown(theirs)
        );
    }
}

fn shown(outcome: &Outcome) -> String {
    format!("{outcome:?}")
}

fn message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn ours(value: TheirsRef<'_>) -> Value {
    match value {
        TheirsRef::Null => Value::Null,
        TheirsRef::Integer(i) => Value::Integer(i),
        TheirsRef::Real(r) => Value::Real(r),
        TheirsRef::Text(bytes) => Value::Text(Text::from_bytes(bytes)),
        TheirsRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// Only valid UTF-8 can be bound as text.
fn theirs(value: &Value) -> Theirs {
    match value {
        Value::Null => Theirs::Null,
        Value::Integer(i) => Theirs::Integer(*i),
        Value::Real(r) => Theirs::Real(*r),
        Value::Text(text) => Theirs::Text(text.as_str().expect("valid UTF-8").to_owned()),
        Value::Blob(bytes) => Theirs::Blob(bytes.clone()),
    }
}

/// Splits at the commas that are in no parentheses and no quotes.
fn split_arguments(list: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0, false, 0);
    let mut parts = Vec::new();
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            b',' if !quoted && depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !list.trim().is_empty() {
        parts.push(&list[start..]);
    }
    parts
}

/// Seeded random numbers for tests. The seed is printed, and `ALUDEL_TEST_SEED` replays it.
pub(crate) struct Dice(Environment);

impl Dice {
    pub(crate) fn new() -> Dice {
        let environment = Environment::default();
        let given = std::env::var("ALUDEL_TEST_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| environment.random());
        println!("ALUDEL_TEST_SEED={seed}");
        environment.seed_random(seed);
        Dice(environment)
    }

    pub(crate) fn bits(&self) -> u64 {
        self.0.random()
    }

    pub(crate) fn below(&self, bound: usize) -> usize {
        (self.0.random() % bound as u64) as usize
    }

    pub(crate) fn pick<'a, T: ?Sized>(&self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A text of pieces.
    pub(crate) fn text(&self, pieces: &[&str], count_max: usize) -> String {
        (0..self.below(count_max + 1))
            .map(|_| self.pick(pieces))
            .collect()
    }

    /// Any finite real: short decimals, round numbers, and arbitrary bits.
    pub(crate) fn real(&self) -> f64 {
        let value = match self.below(5) {
            0 => f64::from_bits(self.bits()),
            1 => (self.bits() as i64 >> self.below(64)) as f64 / 10f64.powi(self.below(20) as i32),
            2 => (self.bits() as i64 >> self.below(64)) as f64,
            3 => (self.below(2000) as f64 - 1000.0) / [1.0, 2.0, 8.0, 10.0, 100.0, 1000.0][self.below(6)],
            _ => (self.below(1 << 53) as f64) * 10f64.powi(self.below(600) as i32 - 310),
        };
        if value.is_finite() { value } else { 0.5 }
    }

    pub(crate) fn integer(&self) -> i64 {
        match self.below(4) {
            0 => self.below(21) as i64 - 10,
            1 => self.bits() as i64,
            2 => [
                i64::MAX,
                i64::MIN,
                i64::MAX - 1,
                i64::MIN + 1,
                1 << 53,
                (1 << 53) + 1,
            ][self.below(6)],
            _ => self.bits() as i64 >> self.below(64),
        }
    }

    /// A value of any storage class; texts are often numbers or nearly so.
    pub(crate) fn value(&self) -> Value {
        const PIECES: [&str; 16] = [
            "1",
            "2",
            "0",
            "9",
            ".",
            "e",
            "E",
            "-",
            "+",
            " ",
            "5",
            "x",
            "a",
            "18446744073709551616",
            "é",
            "\t",
        ];
        match self.below(8) {
            0 => Value::Null,
            1 | 2 => Value::Integer(self.integer()),
            3 | 4 => Value::Real(self.real()),
            5 | 6 => Value::from(self.text(&PIECES, 8)),
            _ => Value::Blob(self.text(&PIECES, 6).into_bytes()),
        }
    }
}
