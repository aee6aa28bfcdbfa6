//! Limits: SQLite's numbers, and its words where one is passed.

use aludel_sql::{Connection, Limit, params_from_iter};
use rusqlite::limits::Limit as Theirs;

use super::both::{run_ours, run_theirs};

const ALL: [(Limit, Theirs); 12] = [
    (Limit::Length, Theirs::SQLITE_LIMIT_LENGTH),
    (Limit::SqlLength, Theirs::SQLITE_LIMIT_SQL_LENGTH),
    (Limit::Column, Theirs::SQLITE_LIMIT_COLUMN),
    (Limit::ExprDepth, Theirs::SQLITE_LIMIT_EXPR_DEPTH),
    (Limit::CompoundSelect, Theirs::SQLITE_LIMIT_COMPOUND_SELECT),
    (Limit::VdbeOp, Theirs::SQLITE_LIMIT_VDBE_OP),
    (Limit::FunctionArg, Theirs::SQLITE_LIMIT_FUNCTION_ARG),
    (Limit::Attached, Theirs::SQLITE_LIMIT_ATTACHED),
    (Limit::LikePatternLength, Theirs::SQLITE_LIMIT_LIKE_PATTERN_LENGTH),
    (Limit::VariableNumber, Theirs::SQLITE_LIMIT_VARIABLE_NUMBER),
    (Limit::TriggerDepth, Theirs::SQLITE_LIMIT_TRIGGER_DEPTH),
    (Limit::WorkerThreads, Theirs::SQLITE_LIMIT_WORKER_THREADS),
];

fn pair() -> (Connection, rusqlite::Connection) {
    (
        Connection::open_in_memory().unwrap(),
        rusqlite::Connection::open_in_memory().unwrap(),
    )
}

#[test]
fn defaults_and_highest_values_are_sqlites() {
    let (ours, theirs) = pair();
    for (number, (own, other)) in ALL.into_iter().enumerate() {
        assert_eq!(Limit::ALL[number], own);
        assert_eq!(ours.limit(own).unwrap(), theirs.limit(other).unwrap(), "{own:?}");
        for value in [i32::MAX, 0, 7, 100] {
            let before = theirs.set_limit(other, value).unwrap();
            assert_eq!(ours.set_limit(own, value).unwrap(), before, "{own:?} = {value}");
            assert_eq!(
                ours.limit(own).unwrap(),
                theirs.limit(other).unwrap(),
                "{own:?} = {value}"
            );
        }
    }
}

/// A limit, its value, and statements on both sides of it.
#[test]
fn what_passes_a_limit_is_told_in_sqlites_words() {
    let cases: &[(usize, i32, &[&str])] = &[
        (
            0,
            50,
            &[
                "SELECT '012345678901234567890123456789012345678901234567890123'",
                "SELECT x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233'",
                "SELECT length('0123456789012345678901234567' || '0123456789012345678901234567')",
                "SELECT length(zeroblob(50)), length(zeroblob(20))",
                "SELECT zeroblob(51)",
                "SELECT replace('aaaaaaaaaa', 'a', '0123456789')",
                "SELECT printf('%60d', 1)",
                "SELECT group_concat(name, '----------------------------') FROM pragma_function_list",
                "SELECT hex('01234567890123456789012345678901234567')",
            ],
        ),
        (
            1,
            200,
            &[
                "SELECT 1",
                "SELECT 1                        ",
                "SELECT 1, '0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789'",
            ],
        ),
        (
            2,
            5,
            &[
                "CREATE TABLE t(a, b, c, d, e)",
                "CREATE TABLE u(a, b, c, d, e, f)",
                "SELECT 1, 2, 3, 4, 5",
                "SELECT 1, 2, 3, 4, 5, 6",
                "SELECT a FROM t ORDER BY a, b, c, a, b, c",
                "SELECT a FROM t GROUP BY a, b, c, a, b, c",
                "CREATE INDEX i ON t(a, b, c, d, e, a)",
                "ALTER TABLE t ADD COLUMN f",
                "INSERT INTO t VALUES (1, 2, 3, 4, 5)",
                "UPDATE t SET a = 1, b = 2, c = 3, d = 1, a = 2, b = 2",
            ],
        ),
        (
            3,
            4,
            &[
                "SELECT 1 + 1 + 1",
                "SELECT 1 + 1 + 1 + 1 + 1 + 1",
                "SELECT abs(abs(abs(abs(abs(1)))))",
            ],
        ),
        (
            4,
            2,
            &[
                "SELECT 1 UNION ALL SELECT 2",
                "SELECT 1 UNION SELECT 2 UNION ALL SELECT 3",
                "VALUES (1), (2), (3)",
            ],
        ),
        (4, 0, &["SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"]),
        (
            6,
            2,
            &[
                "SELECT max(1, 2)",
                "SELECT max(1, 2, 3)",
                "SELECT coalesce(1, 2, 3)",
            ],
        ),
        (
            7,
            1,
            &[
                "ATTACH ':memory:' AS x",
                "ATTACH ':memory:' AS y",
                "DETACH x",
                "ATTACH ':memory:' AS y",
            ],
        ),
        (
            8,
            5,
            &[
                "SELECT 'abcdef' LIKE 'abcd%'",
                "SELECT 'abcdef' LIKE 'abcde%'",
                "SELECT 'abcdef' GLOB '??????*'",
            ],
        ),
        (
            9,
            3,
            &[
                "SELECT ?, ?, ?, ?",
                "SELECT ?4",
                "SELECT :a, :b, :c, :d",
                "SELECT ?0",
            ],
        ),
        (
            10,
            3,
            &[
                "CREATE TABLE t(a)",
                "CREATE TRIGGER tr AFTER INSERT ON t WHEN new.a > 0 BEGIN INSERT INTO t VALUES (new.a - 1); END",
                "PRAGMA recursive_triggers = 1",
                "INSERT INTO t VALUES (2)",
                "INSERT INTO t VALUES (3)",
                "SELECT count(*) FROM t",
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for &(number, value, statements) in cases {
        let (ours, theirs) = pair();
        let (own, other) = ALL[number];
        ours.set_limit(own, value).unwrap();
        theirs.set_limit(other, value).unwrap();
        for sql in statements {
            let (got, expected) = (run_ours(&ours, sql), run_theirs(&theirs, sql));
            // Its newest version has other words for this.
            let deep =
                |told: &super::both::Outcome| told.as_ref().is_err_and(|(told, _)| told.contains("trigger"));
            if got != expected && !(deep(&got) && deep(&expected)) {
                wrong.push(format!("{own:?} = {value}: {sql}\n   {got:?}\n   {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Statements that were prepared before keep to a limit that was set since, and so does what is bound.
#[test]
fn limits_hold_for_what_was_prepared_before() {
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare("SELECT ?, ?, ?").unwrap();
    connection.set_limit(Limit::VariableNumber, 2).unwrap();
    assert_eq!(
        statement.step().unwrap_err().to_string(),
        "too many SQL variables"
    );
    connection.set_limit(Limit::VariableNumber, 10).unwrap();
    connection.set_limit(Limit::Length, 40).unwrap();
    let text = "x".repeat(41);
    let bound = connection.query_row("SELECT ?", params_from_iter([&text[..40]]), |row| {
        row.get::<String>(0)
    });
    assert_eq!(bound.unwrap().len(), 40);
    let bound = connection.query_row("SELECT ?", params_from_iter([&text]), |row| row.get::<String>(0));
    assert_eq!(bound.unwrap_err().code(), 18);
}
