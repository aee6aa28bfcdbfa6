//! The parser against SQLite's own: the same texts are refused, with the same words and offset.

use super::*;
use rusqlite::Connection;

/// One statement a line.
const CASES: &str = include_str!("tests/cases.sql");

/// What SQLite says of a text: its message and offset.
fn sqlite_says(sql: &str) -> Result<(), (String, Option<u32>)> {
    let connection = Connection::open_in_memory().unwrap();
    let schema = "CREATE TABLE t(a,b,c); CREATE TABLE t1(a,b,c); CREATE TABLE t2(a,b,c)";
    connection.execute_batch(schema).unwrap();
    match connection.prepare(sql) {
        Ok(_) => Ok(()),
        Err(rusqlite::Error::SqlInputError { msg, offset, .. }) => Err((msg, u32::try_from(offset).ok())),
        Err(rusqlite::Error::SqliteFailure(_, Some(msg))) => Err((msg, None)),
        Err(other) => panic!("{sql}: {other}"),
    }
}

/// True for what SQLite's parser says, as opposed to what it says once the schema has been looked at.
pub(in super::super) fn is_syntax_message(message: &str) -> bool {
    const WHOLE: [&str; 7] = [
        "incomplete input",
        "parameters are not allowed in views",
        "too many SQL variables",
        "too many terms in compound SELECT",
        "cannot use RETURNING in a trigger",
        "Expression tree is too large (maximum depth 1000)",
        "Recursion limit",
    ];
    const STARTS: [&str; 10] = [
        "near \"",
        "unrecognized token",
        "unknown join type",
        "variable number must be between",
        "a JOIN clause is required before",
        "duplicate WITH table name",
        "unknown table option",
        "unsupported use of NULLS",
        "syntax error after column name",
        "qualified table names are not allowed on INSERT",
    ];
    const PARTS: [&str; 3] = [
        "clause should come after",
        "is not allowed on UPDATE or DELETE statements within triggers",
        "too many arguments on function",
    ];
    WHOLE.contains(&message)
        || STARTS.iter().any(|start| message.starts_with(start))
        || PARTS.iter().any(|part| message.contains(part))
}

/// Asserts that both parsers agree on `sql`; gives the difference.
fn difference(sql: &str) -> Option<String> {
    let ours = parse_next(sql.as_bytes(), 0).map(|next| next.map_or(sql.len(), |next| next.end));
    let theirs = match sqlite_says(&sql[..ours.clone().unwrap_or(sql.len())]) {
        Err((message, offset)) if is_syntax_message(&message) => Err((message, offset)),
        _ => Ok(()),
    };
    let ours = ours.map(|_| ()).map_err(|error| (error.message, error.offset));
    (ours != theirs).then(|| format!("{sql}\n  SQLite: {theirs:?}\n  here:   {ours:?}"))
}

fn check<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) {
    let differences: Vec<String> = texts
        .into_iter()
        .filter_map(|sql| difference(sql.as_ref()))
        .collect();
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn each_case_is_taken_or_refused_as_sqlite_does() {
    check(CASES.lines());
}

#[test]
fn each_prefix_of_each_case_is_taken_or_refused_as_sqlite_does() {
    // SQLite looks at the table of a trigger before it reads on.
    let cases = CASES.lines().filter(|sql| !sql.contains("instead of"));
    let prefixes = cases.flat_map(|sql| {
        let ends = sql.char_indices().filter(|&(_, c)| c == ' ').map(|(at, _)| at);
        ends.map(move |at| &sql[..at])
    });
    let mut seen = std::collections::HashSet::new();
    check(prefixes.filter(|prefix| seen.insert(*prefix)));
}

#[test]
fn each_keyword_is_a_name_where_sqlite_takes_it_as_one() {
    let templates = [
        "select % from t",
        "select a % from t",
        "select a as % from t",
        "select %(1)",
        "select %.a from t",
        "select t.% from t",
        "select 1 from %",
        "select 1 from t %",
        "select 1 from t % join t1",
        "select a collate % from t",
        "create table %(a)",
        "create table x(%)",
        "create table x(a %)",
        "create table x(a % int)",
        "create table x(a default %)",
        "create table x(a int) %",
        "insert into t(%) values(1)",
        "update t set % = 1",
        "pragma x = %",
        "savepoint %",
        "release %",
        "with % as (select 1) select 1",
        "select sum(a) over % from t",
        "select sum(a) over (%) from t",
        "select 1 from t window % as ()",
        "alter table t rename % to x",
        "alter table t add % int",
        "drop table %",
        "vacuum %",
        "attach % as x",
        "begin % ",
        "begin transaction %",
        "rollback to %",
        "create trigger % on t begin select 1; end",
        "create trigger x % insert on t begin select 1; end",
        "create index % on t(a)",
        "explain %",
        "%",
        "create virtual table v using %(%)",
        "select case % when 1 then 2 end from t",
        "select cast(a as %) from t",
        "select (%) from t",
        "select a in % from t",
    ];
    let texts = crate::syntax::token::KEYWORDS.iter().flat_map(|keyword| {
        templates
            .iter()
            .map(move |template| template.replace('%', keyword))
    });
    check(texts);
}
