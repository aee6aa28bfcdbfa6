//! Deep statements: an answer or an error, never a stack overflow.

use aludel_sql::Connection;

fn deep(prefix: &str, suffix: &str, core: &str, depth: usize) -> String {
    format!("SELECT {}{core}{}", prefix.repeat(depth), suffix.repeat(depth))
}

/// Runs a statement in a thread with the stack that Rust gives threads; any outcome but a crash will do.
fn survive(sql: String) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let connection = Connection::open_in_memory().unwrap();
        let outcome = connection.execute_batch(&sql);
        drop(outcome);
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn deep_expressions_do_not_overflow_the_stack() {
    for depth in [100, 900, 2000] {
        survive(deep("1 + ", "", "1", depth));
        survive(deep("(1 + ", ")", "1", depth));
        survive(deep("abs(", ")", "1", depth));
        survive(deep("NOT ", "", "1", depth));
        survive(deep("- ", "", "1", depth));
        survive(deep("coalesce(NULL, ", ")", "1", depth));
        survive(deep("CASE WHEN 1 THEN ", " END", "1", depth));
        survive(deep("1 IN (", ")", "1", depth));
        survive(deep("1 BETWEEN 0 AND (", ")", "1", depth));
        survive(deep("(SELECT ", ")", "1", depth));
        survive(deep("EXISTS (SELECT ", ")", "1", depth));
        survive(deep("cast(", " AS INT)", "1", depth));
        survive(deep("'a' || (", ")", "'b'", depth));
        survive(deep("1 AND (0 OR ", ")", "1", depth));
        survive(format!(
            "SELECT * FROM {}SELECT 1{}",
            "(SELECT * FROM (".repeat(depth),
            "))".repeat(depth)
        ));
        survive(format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(depth)));
        survive(format!("SELECT 1{}", " UNION SELECT 1".repeat(depth)));
        survive(format!("SELECT 1 WHERE 1{}", " AND 1".repeat(depth)));
    }
}

#[test]
fn views_in_views_are_bounded() {
    let mut sql = String::from("CREATE TABLE t(a); CREATE VIEW v0 AS SELECT a FROM t;");
    for n in 1..90 {
        sql.push_str(&format!("CREATE VIEW v{n} AS SELECT a FROM v{};", n - 1));
    }
    survive(format!("{sql} SELECT * FROM v50"));
    survive(format!("{sql} SELECT * FROM v89"));
    let mut sql = String::from("CREATE TABLE t(a); CREATE VIEW v0 AS SELECT DISTINCT a FROM t LIMIT 5;");
    for n in 1..60 {
        sql.push_str(&format!(
            "CREATE VIEW v{n} AS SELECT DISTINCT a FROM v{} LIMIT 5;",
            n - 1
        ));
    }
    survive(format!("{sql} SELECT * FROM v59"));
}
