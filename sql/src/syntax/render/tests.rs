//! Rendering against the parser, and against what SQLite makes of the rendered text.

use crate::syntax::{parse_expr, parse_next, render};
use rusqlite::Connection;
use rusqlite::types::Value;

/// The statements of the parser's tests.
const CASES: &str = include_str!("../parser/tests/cases.sql");

/// Parses, renders, parses again: the trees must be equal, and the second text too.
fn check(sql: &str) {
    let Ok(Some(next)) = parse_next(sql.as_bytes(), 0) else {
        return;
    };
    let text = render::parsed(&next.parsed);
    let shown = String::from_utf8_lossy(&text).into_owned();
    let again = match parse_next(&text, 0) {
        Ok(Some(again)) => again.parsed,
        other => panic!("{sql}\n{shown}\n{other:?}"),
    };
    assert_eq!(next.parsed, again, "{sql}\n{shown}");
    assert_eq!(render::parsed(&again), text, "{sql}");
}

#[test]
fn rendered_cases_parse_to_the_same_tree() {
    CASES.lines().for_each(check);
}

#[test]
fn names_are_quoted_where_they_must_be() {
    use crate::syntax::ast::Ident;
    for (name, text) in [
        ("a", "a"),
        ("select", "\"select\""),
        ("key", "key"),
        ("a b", "\"a b\""),
        ("", "\"\""),
        ("1a", "\"1a\""),
        ("a\"b", "\"a\"\"b\""),
        ("'x'", "\"'x'\""),
        ("a--", "\"a--\""),
    ] {
        assert_eq!(String::from_utf8(render::ident(&Ident::new(name))).unwrap(), text);
    }
}

/// Small expressions made at random, as text, without any regard to precedence.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick(&mut self, items: &[&'static str]) -> &'static str {
        items[self.below(items.len())]
    }

    fn expr(&mut self, depth: usize) -> String {
        const BINARY: [&str; 27] = [
            "OR",
            "AND",
            "=",
            "==",
            "<>",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            "IS",
            "IS NOT",
            "&",
            "|",
            "<<",
            ">>",
            "+",
            "-",
            "*",
            "/",
            "%",
            "||",
            "IS DISTINCT FROM",
            "IS NOT DISTINCT FROM",
            "LIKE",
            "NOT LIKE",
            "GLOB",
        ];
        if depth == 0 {
            return self
                .pick(&["1", "0", "NULL", "2.5", "'a'", "'1'", "x'61'", "7", "0x10", "'A'"])
                .to_owned();
        }
        let mut part = || self.expr(depth - 1);
        let (a, b, c) = (part(), part(), part());
        match self.below(16) {
            0 => format!("NOT {a}"),
            1 => format!("- {a}"),
            2 => format!("~ {a}"),
            3 => format!("+ {a}"),
            4 => format!(
                "{a} {}",
                self.pick(&["ISNULL", "NOTNULL", "NOT NULL", "IS NULL", "IS NOT NULL"])
            ),
            5 => format!("{a} COLLATE nocase"),
            6 => format!("{a} BETWEEN {b} AND {c}"),
            7 => format!("{a} NOT IN ({b}, {c})"),
            8 => format!("CASE {a} WHEN {b} THEN {c} END"),
            9 => format!("({a})"),
            10 => format!("{a} LIKE {b} ESCAPE 'e'"),
            _ => format!("{a} {} {b}", self.pick(&BINARY)),
        }
    }
}

#[test]
fn sqlite_computes_the_same_from_the_rendered_text() {
    let seed = 0x5eed_1234_5678_9abc;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let connection = Connection::open_in_memory().unwrap();
    let value =
        |expr: &str| connection.query_row(&format!("SELECT {expr}"), [], |row| row.get::<_, Value>(0));
    for _ in 0..4000 {
        let depth = 1 + random.below(4);
        let expr = random.expr(depth);
        let parsed = parse_expr(expr.as_bytes());
        let theirs = value(&expr);
        let Ok(parsed) = parsed else {
            assert!(theirs.is_err(), "{expr}: {parsed:?}");
            continue;
        };
        let text = String::from_utf8(render::expr(&parsed)).unwrap();
        assert_eq!(
            parse_expr(text.as_bytes()).as_ref(),
            Ok(&parsed),
            "{expr}\n{text}"
        );
        assert_eq!(theirs.is_ok(), value(&text).is_ok(), "{expr}\n{text}");
        if let (Ok(theirs), Ok(ours)) = (theirs, value(&text)) {
            assert_eq!(theirs, ours, "{expr}\n{text}");
        }
    }
}
