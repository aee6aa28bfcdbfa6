//! Any script runs on a database of its own, a bounded number of rows of each statement; the database is sound afterwards.
#![no_main]

use aludel_sql::Connection;
use libfuzzer_sys::fuzz_target;

const SCHEMA: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT UNIQUE); INSERT INTO t VALUES(1, 2, 'x'), (2, NULL, 'y')";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let connection = Connection::open_in_memory().expect("memory");
    connection.execute_batch(SCHEMA).expect("the schema is sound");
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let Ok(mut statement) = connection.prepare(rest) else {
            break;
        };
        for _ in 0..100 {
            if !matches!(statement.step(), Ok(true)) {
                break;
            }
        }
        if statement.tail() == 0 {
            break;
        }
        start += statement.tail();
    }
});
