//! Any text is compiled against a schema, or is an error whose place lies inside the text.
#![no_main]

use std::cell::OnceCell;

use aludel_sql::Connection;
use libfuzzer_sys::fuzz_target;

const SCHEMA: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE, c AS (a + 1));
    CREATE TABLE u(x INT, y REAL, PRIMARY KEY(x, y)) WITHOUT ROWID; CREATE INDEX i ON t(a, lower(b)) WHERE a > 1;
    CREATE VIEW v AS SELECT t.a, u.y FROM t LEFT JOIN u ON u.x = t.id;
    CREATE TRIGGER g AFTER UPDATE ON t BEGIN INSERT INTO u VALUES(new.id, old.a); END;
    INSERT INTO t(id, a, b) VALUES(1, 2, 'x'), (2, NULL, 'y'); INSERT INTO u VALUES(1, 2.5)";

thread_local! {
    static CONNECTION: OnceCell<Connection> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    CONNECTION.with(|connection| {
        let connection = connection.get_or_init(|| {
            let connection = Connection::open_in_memory().expect("memory");
            connection.execute_batch(SCHEMA).expect("the schema is sound");
            connection
        });
        if let Err(error) = connection.prepare(&text) {
            assert!(!error.to_string().is_empty());
            assert!(error.offset().is_none_or(|offset| offset <= text.len()));
        }
    });
});
