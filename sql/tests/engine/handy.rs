//! The short ways of a connection and its statements answer as rusqlite's do.

use aludel_sql::{Connection, Error, StatementStatus, TransactionState};

const SCHEMA: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT COLLATE NOCASE NOT NULL, c);
    CREATE TABLE w(k PRIMARY KEY, v REAL) WITHOUT ROWID;
    INSERT INTO t VALUES (1, 'x', 1.5), (2, 'y', NULL)";

fn pair() -> (Connection, rusqlite::Connection) {
    let ours = Connection::open_in_memory().unwrap();
    let theirs = rusqlite::Connection::open_in_memory().unwrap();
    ours.execute_batch(SCHEMA).unwrap();
    theirs.execute_batch(SCHEMA).unwrap();
    (ours, theirs)
}

#[test]
fn expanded_texts_are_sqlites() {
    let (ours, theirs) = pair();
    for sql in [
        "SELECT ?1, ?2, ?3, ?4, ?5",
        "SELECT ?, :b, ?, @d, $e  -- ? is none",
        "SELECT ?5, ?1, '?', \"?2\", ?2 /* ?3 */, ?3, ?4; SELECT 7",
        "SELECT 'no parameter'",
    ] {
        let mut own = ours.prepare(sql).unwrap();
        let mut other = theirs.prepare(sql.split(';').next().unwrap()).unwrap();
        for number in 1..=own.parameter_count() {
            match number {
                1 => (own.bind(1, 7).unwrap(), other.raw_bind_parameter(1, 7).unwrap()),
                2 => (
                    own.bind(2, "it's").unwrap(),
                    other.raw_bind_parameter(2, "it's").unwrap(),
                ),
                3 => (
                    own.bind(3, 0.1).unwrap(),
                    other.raw_bind_parameter(3, 0.1).unwrap(),
                ),
                4 => (
                    own.bind(4, vec![1_u8, 0xff]).unwrap(),
                    other.raw_bind_parameter(4, vec![1_u8, 0xff]).unwrap(),
                ),
                _ => ((), ()),
            };
        }
        let expected = other.expanded_sql().unwrap();
        assert_eq!(own.expanded_sql().trim_end_matches(';'), expected, "{sql}");
    }
    let mut statement = ours.prepare("SELECT ?, ?").unwrap();
    statement.bind(1, 1e100).unwrap();
    statement.bind(2, 3.0).unwrap();
    assert_eq!(statement.expanded_sql(), "SELECT 1.0e+100, 3.0");
    statement.clear_bindings();
    assert_eq!(statement.expanded_sql(), "SELECT NULL, NULL");
}

#[test]
fn one_row_and_no_more() {
    let (ours, _) = pair();
    let one = |sql: &str| ours.query_one(sql, (), |row| row.get::<i64>(0));
    assert_eq!(one("SELECT a FROM t WHERE a = 2").unwrap(), 2);
    assert!(matches!(one("SELECT a FROM t"), Err(Error::ManyRows)));
    assert!(matches!(one("SELECT a FROM t WHERE a = 9"), Err(Error::NoRows)));
    assert!(ours.exists("SELECT 1 FROM t WHERE a = ?", (2,)).unwrap());
    assert!(!ours.exists("SELECT 1 FROM t WHERE a = ?", (3,)).unwrap());
    let parsed: Result<i64, Box<dyn std::error::Error>> =
        ours.query_row_and_then("SELECT '12'", (), |row| Ok(row.get::<String>(0)?.parse()?));
    assert_eq!(parsed.unwrap(), 12);
    let mut statement = ours.prepare("SELECT b FROM t ORDER BY a").unwrap();
    assert_eq!(statement.column_index("B").unwrap(), 0);
    let rows: Result<Vec<String>, Box<dyn std::error::Error>> = statement
        .query_and_then((), |row| Ok(row.get_unwrap::<String>(0)))
        .unwrap()
        .collect();
    assert_eq!(rows.unwrap(), ["x", "y"]);
    let rows: Vec<String> = statement
        .query(())
        .unwrap()
        .mapped(|row| row.get(0))
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows, ["x", "y"]);
    let mut insert = ours
        .prepare("INSERT INTO t(b) SELECT value FROM json_each(?)")
        .unwrap();
    assert_eq!(insert.insert(("[1]",)).unwrap(), 3);
    assert!(matches!(
        insert.insert(("[1, 2]",)),
        Err(Error::ChangedRows { count: 2 })
    ));
}

#[test]
fn what_a_connection_knows_of_itself() {
    let (ours, theirs) = pair();
    ours.execute("ATTACH ':memory:' AS aux", ()).unwrap();
    theirs.execute("ATTACH ':memory:' AS aux", ()).unwrap();
    for number in 0..4 {
        assert_eq!(ours.db_name(number), theirs.db_name(number).ok(), "{number}");
    }
    assert_eq!(
        ours.is_readonly("main").unwrap(),
        theirs.is_readonly("main").unwrap()
    );
    assert!(ours.is_readonly("nowhere").is_err());
    assert!(!ours.is_busy() && !ours.is_interrupted());
    let mut statement = ours.prepare("SELECT a FROM t").unwrap();
    assert!(statement.step().unwrap() && statement.is_busy() && ours.is_busy());
    assert_eq!(ours.transaction_state("main").unwrap(), TransactionState::Read);
    statement.reset();
    assert!(!statement.is_busy() && !ours.is_busy());
    assert_eq!(ours.transaction_state("main").unwrap(), TransactionState::None);
    ours.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(ours.transaction_state("main").unwrap(), TransactionState::Write);
    ours.execute_batch("ROLLBACK").unwrap();
    assert_eq!(statement.status(StatementStatus::Runs), 1);
    ours.execute_batch("CREATE TABLE later(a)").unwrap();
    assert!(statement.step().unwrap());
    assert_eq!(statement.reset_status(StatementStatus::Recompilations), 1);
    assert_eq!(statement.status(StatementStatus::Recompilations), 0);
    assert_eq!(statement.status(StatementStatus::Runs), 2);
}

#[test]
fn what_the_schema_says_of_columns() {
    let (ours, theirs) = pair();
    for (table, column) in [
        ("t", "a"),
        ("T", "B"),
        ("t", "c"),
        ("t", "rowid"),
        ("w", "k"),
        ("w", "v"),
        ("w", "rowid"),
        ("t", "z"),
        ("u", "a"),
    ] {
        for database in [None, Some("main"), Some("temp")] {
            let own = ours.column_metadata(database, table, column).ok();
            let other = theirs.column_metadata(database, table, column).ok();
            let own = own.map(|own| {
                (
                    own.declared_type,
                    own.collation,
                    own.not_null,
                    own.primary_key,
                    own.autoincrement,
                )
            });
            let other = other.map(|(declared, collation, not_null, primary, auto)| {
                let text =
                    |text: Option<&std::ffi::CStr>| text.map(|text| text.to_string_lossy().into_owned());
                (
                    text(declared),
                    text(collation).unwrap_or_default(),
                    not_null,
                    primary,
                    auto,
                )
            });
            assert_eq!(own, other, "{table}.{column} in {database:?}");
            assert_eq!(
                ours.column_exists(database, table, column).unwrap(),
                theirs.column_exists(database, table, column).unwrap() && column != "rowid",
                "{table}.{column} in {database:?}"
            );
            assert_eq!(
                ours.table_exists(database, table).unwrap(),
                theirs.table_exists(database, table).unwrap(),
                "{table} in {database:?}"
            );
        }
    }
}

#[test]
fn pragmas_by_name() {
    let (ours, _) = pair();
    ours.pragma_update(Some("main"), "user_version", -4).unwrap();
    assert_eq!(
        ours.pragma_query_value(None, "user_version", |row| row.get::<i64>(0))
            .unwrap(),
        -4
    );
    let mut names = Vec::new();
    ours.pragma(None, "table_info", "t", |row| {
        names.push(row.get::<String>("name")?);
        Ok(())
    })
    .unwrap();
    assert_eq!(names, ["a", "b", "c"]);
    let mode: String = ours
        .pragma_update_and_check(None, "journal_mode", "memory", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "memory");
    // A value is a value, whatever is in it.
    ours.pragma(None, "table_info", "t'); DROP TABLE t; --", |_| Ok(()))
        .unwrap();
    assert!(ours.table_exists(None, "t").unwrap());
    let mut count = 0;
    ours.pragma_query(None, "database_list", |_| {
        count += 1;
        Ok(())
    })
    .unwrap();
    assert!(count >= 1);
}

#[test]
fn the_capacity_of_the_statement_cache() {
    let connection = Connection::open_in_memory().unwrap();
    let runs_before = |sql: &str| {
        connection
            .prepare_cached(sql)
            .unwrap()
            .status(StatementStatus::Runs)
    };
    let run = |sql: &str| while connection.prepare_cached(sql).unwrap().step().unwrap() {};
    assert_eq!(connection.prepared_statement_cache_capacity().unwrap(), 64);
    connection.set_prepared_statement_cache_capacity(2).unwrap();
    for sql in ["SELECT 1 LIMIT 0", "SELECT 2 LIMIT 0", "SELECT 3 LIMIT 0"] {
        run(sql);
    }
    assert_eq!(runs_before("SELECT 3 LIMIT 0"), 1);
    assert_eq!(runs_before("SELECT 2 LIMIT 0"), 1);
    assert_eq!(runs_before("SELECT 1 LIMIT 0"), 0);
    connection.flush_prepared_statement_cache().unwrap();
    assert_eq!(runs_before("SELECT 2 LIMIT 0"), 0);
    connection.set_prepared_statement_cache_capacity(0).unwrap();
    run("SELECT 2 LIMIT 0");
    assert_eq!(runs_before("SELECT 2 LIMIT 0"), 0);
}
