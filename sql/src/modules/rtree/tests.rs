//! R-trees, against SQLite: the same answers, the same bytes in the shadow tables, and each reads what the other wrote.

use crate::Connection;
use crate::value::ValueRef;

/// What a statement answers, or its error, as text.
fn ours(connection: &Connection, sql: &str) -> String {
    let run = || -> crate::Result<String> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = Vec::new();
        while statement.step()? {
            let values = (0..statement.column_count()).map(|column| match statement.value(column) {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(value) => value.to_string(),
                ValueRef::Real(value) => format!("{value:?}"),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
            });
            rows.push(values.collect::<Vec<_>>().join(","));
        }
        Ok(rows.join("|"))
    };
    run().unwrap_or_else(|error| format!("error: {error}"))
}

fn theirs(connection: &rusqlite::Connection, sql: &str) -> String {
    use rusqlite::types::ValueRef;
    let run = || -> rusqlite::Result<String> {
        let mut statement = connection.prepare(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|column| match row.get_ref(column).unwrap() {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(value) => value.to_string(),
                ValueRef::Real(value) => format!("{value:?}"),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
            });
            out.push(values.collect::<Vec<_>>().join(","));
        }
        Ok(out.join("|"))
    };
    run().unwrap_or_else(|error| match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => format!("error: {message}"),
        rusqlite::Error::SqlInputError { msg, .. } => format!("error: {msg}"),
        error => format!("error: {error}"),
    })
}

/// Runs the same statements on both, and compares each answer.
fn check(statements: &[String]) {
    let own = Connection::open_in_memory().unwrap();
    let other = rusqlite::Connection::open_in_memory().unwrap();
    for sql in statements {
        assert_eq!(ours(&own, sql), theirs(&other, sql), "{sql}");
    }
}

fn check_texts(statements: &[&str]) {
    check(&statements.iter().map(|sql| (*sql).to_owned()).collect::<Vec<_>>());
}

/// A small generator of numbers, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn definitions() {
    check_texts(&[
        "CREATE VIRTUAL TABLE a USING rtree(id)",
        "CREATE VIRTUAL TABLE a USING rtree(id, x)",
        "CREATE VIRTUAL TABLE a USING rtree(id, x, y, z)",
        "CREATE VIRTUAL TABLE a USING rtree(id, a1,a2,b1,b2,c1,c2,d1,d2,e1,e2,f1,f2)",
        "CREATE VIRTUAL TABLE a USING rtree(id, x, +y, z)",
        "CREATE VIRTUAL TABLE a USING rtree(id, x, x)",
        "CREATE VIRTUAL TABLE a USING rtree(id, x1, x2, +label TEXT, +\"other one\")",
        "CREATE VIRTUAL TABLE b USING rtree_i32(id INTEGER, x1, x2, [y 1], y2)",
        "SELECT type, name, tbl_name, sql FROM sqlite_schema",
        "PRAGMA table_info(a)",
        "PRAGMA table_info(b)",
        "SELECT name, type FROM pragma_table_list ORDER BY name",
        "SELECT rtreedepth(data), length(data) FROM a_node",
        "ALTER TABLE a RENAME TO \"c d\"",
        "SELECT name FROM sqlite_schema ORDER BY 1",
        "DROP TABLE \"c d\"",
        "DROP TABLE b",
        "SELECT count(*) FROM sqlite_schema",
    ]);
}

#[test]
fn rows() {
    check_texts(&[
        "CREATE VIRTUAL TABLE t USING rtree(id, x1, x2, y1, y2, +label)",
        "INSERT INTO t VALUES(1, 0, 10, 0, 10, 'one'), (NULL, 5.1, 6.1, -3, 4, 'two'), (7, '1', '2', 3, 4, NULL)",
        "SELECT last_insert_rowid(), changes()",
        "SELECT rowid, * FROM t",
        "SELECT * FROM t WHERE id = 7",
        "SELECT id FROM t WHERE id = '7'",
        "SELECT id FROM t WHERE id = 7.5",
        "SELECT id FROM t WHERE rowid IN (2, 7, 8)",
        "SELECT id, label FROM t WHERE x1 >= 1 AND x2 <= 6.2",
        "SELECT id FROM t WHERE x1 > 5.1 OR y2 = 4",
        "SELECT id FROM t WHERE x1 > 'a'",
        "SELECT id FROM t WHERE x1 < 'a'",
        "SELECT id FROM t WHERE x1 < NULL",
        "SELECT id FROM t WHERE y1 BETWEEN -3 AND 0 ORDER BY id DESC",
        "SELECT a.id, b.id FROM t a, t b WHERE a.x1 <= b.x2 AND a.x2 >= b.x1 AND a.id < b.id",
        "INSERT INTO t VALUES(1, 0, 1, 0, 1, 'again')",
        "INSERT OR IGNORE INTO t VALUES(1, 0, 1, 0, 1, 'again')",
        "INSERT OR REPLACE INTO t VALUES(1, 0, 1, 0, 1, 'again')",
        "REPLACE INTO t VALUES(1, 3, 1, 0, 1, 'again')",
        "INSERT INTO t VALUES(9, 0, 1, 5, 1, 'turned')",
        "UPDATE t SET x2 = x2 + 1, label = upper(label) WHERE id = 2",
        "UPDATE t SET id = 20 WHERE id = 7",
        "UPDATE t SET id = 2 WHERE id = 1",
        "UPDATE OR REPLACE t SET id = 2 WHERE id = 1",
        "SELECT * FROM t",
        "DELETE FROM t WHERE x1 < 4",
        "SELECT id, label FROM t",
        "SELECT rtreecheck('t'), rtreecheck('main', 't')",
        "SELECT rtreenode(2, data) FROM t_node",
        "SELECT * FROM t_rowid",
        "SELECT * FROM t_parent",
        "SELECT rtreecheck()",
        "SELECT rtreedepth('x')",
        "SELECT id FROM t WHERE id MATCH 1",
        "SELECT id FROM t WHERE id = 2 OR x1 > 100 OR id = 20 OR rowid = 2",
        "BEGIN",
        "INSERT INTO t VALUES(50, 1, 2, 1, 2, 'x')",
        "SAVEPOINT s",
        "DELETE FROM t",
        "ROLLBACK TO s",
        "SELECT count(*) FROM t",
        "ROLLBACK",
        "SELECT count(*) FROM t",
        "PRAGMA integrity_check",
    ]);
}

/// Trees of several levels, changed at random: after each phase all shadow tables are the same.
#[test]
fn trees_take_the_same_shape() {
    for (module, columns, dimensions) in [
        ("rtree", "id,a,b,c,d", 2),
        ("rtree_i32", "id,a,b", 1),
        ("rtree", "id,a,b,c,d,e,f", 3),
    ] {
        let mut numbers = Numbers(dimensions as u64 * 7 + 1);
        let mut statements = vec![
            "PRAGMA page_size=512".to_owned(),
            format!("CREATE VIRTUAL TABLE t USING {module}({columns})"),
        ];
        for phase in 0..3 {
            for _ in 0..250 {
                let id = numbers.below(300) + 1;
                let bounds: Vec<String> = (0..dimensions)
                    .map(|_| {
                        let low = numbers.below(1000);
                        format!("{low}.5,{}", low + 1 + numbers.below(40))
                    })
                    .collect();
                statements.push(match numbers.below(if phase == 1 { 3 } else { 6 }) {
                    0 | 1 => format!("DELETE FROM t WHERE id={id}"),
                    2 => format!("UPDATE t SET a=a-1,b=b+1 WHERE id={id}"),
                    _ => format!("INSERT OR REPLACE INTO t VALUES({id},{})", bounds.join(",")),
                });
            }
            statements.push(format!(
                "SELECT nodeno, rtreenode({dimensions},data), hex(data) FROM t_node"
            ));
            statements.push("SELECT * FROM t_rowid".to_owned());
            statements.push("SELECT * FROM t_parent".to_owned());
            statements.push("SELECT * FROM t WHERE a > 300 AND b < 600".to_owned());
            statements.push("SELECT rtreecheck('t')".to_owned());
        }
        check(&statements);
    }
}

#[test]
fn files_are_shared() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("r.db");
    {
        let own = Connection::open(&path).unwrap();
        own.execute_batch("CREATE VIRTUAL TABLE t USING rtree(id,x1,x2); BEGIN")
            .unwrap();
        for id in 0..500 {
            own.execute(
                &format!("INSERT INTO t VALUES({id},{},{})", id * 7 % 100, id * 7 % 100 + 3),
                (),
            )
            .unwrap();
        }
        own.execute_batch("COMMIT").unwrap();
    }
    {
        let other = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(theirs(&other, "PRAGMA integrity_check"), "ok");
        assert_eq!(
            theirs(&other, "SELECT count(*) FROM t WHERE x1 BETWEEN 10 AND 19"),
            "50"
        );
        other
            .execute_batch("DELETE FROM t WHERE id % 3 = 0; INSERT INTO t SELECT id + 1000, x1, x2 FROM t")
            .unwrap();
    }
    let own = Connection::open(&path).unwrap();
    assert_eq!(ours(&own, "SELECT rtreecheck('t'), count(*) FROM t"), "ok,666");
    assert_eq!(ours(&own, "PRAGMA integrity_check"), "ok");
}

#[test]
fn damage_is_told() {
    let own = Connection::open_in_memory().unwrap();
    let other = rusqlite::Connection::open_in_memory().unwrap();
    let both = |sql: &str| assert_eq!(ours(&own, sql), theirs(&other, sql), "{sql}");
    both("CREATE VIRTUAL TABLE t USING rtree_i32(id,x1,x2)");
    both(
        "INSERT INTO t WITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n+1 FROM c WHERE n<200) SELECT n, n*13%97, n*13%97+2 FROM c",
    );
    for damage in [
        "UPDATE t_node SET data = x'0001' WHERE nodeno = 1",
        "UPDATE t_node SET data = zeroblob(10) WHERE nodeno = 2",
        "DELETE FROM t_node WHERE nodeno = 2",
        "DELETE FROM t_rowid WHERE rowid < 5",
        "UPDATE t_rowid SET nodeno = 1 WHERE rowid = 9",
        "DELETE FROM t_parent",
        "UPDATE t_parent SET parentnode = nodeno",
        "UPDATE t_node SET data = x'ffff' || substr(data, 3) WHERE nodeno = 1",
        "UPDATE t_node SET data = CAST(substr(data, 1, 2) || x'ffff' || substr(data, 5) AS BLOB) WHERE nodeno = 3",
    ] {
        both("BEGIN");
        both(damage);
        for sql in [
            "SELECT rtreecheck('t')",
            "PRAGMA integrity_check",
            "SELECT count(*) FROM t",
            "SELECT * FROM t WHERE id = 9",
            "DELETE FROM t WHERE id = 9",
            "INSERT INTO t VALUES(900, 1, 2)",
        ] {
            let (own, other) = (ours(&own, sql), theirs(&other, sql));
            // With extended codes, as here, SQLite's check gives up where the root is damaged.
            if !other.starts_with("error") || !sql.contains("check") {
                assert_eq!(own, other, "{damage}: {sql}");
            }
        }
        both("ROLLBACK");
    }
}
