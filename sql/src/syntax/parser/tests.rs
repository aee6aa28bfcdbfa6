//! The parser against SQLite's own: the same texts are refused, with the same words and offset.

use super::*;
use rusqlite::Connection;

/// One statement a line.
const CASES: &str = include_str!("tests/cases.sql");

/// A database with three tables that the texts may name.
fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let schema = "CREATE TABLE t(a,b,c); CREATE TABLE t1(a,b,c); CREATE TABLE t2(a,b,c)";
    connection.execute_batch(schema).unwrap();
    connection
}

/// What SQLite says of a text: its message and offset.
fn sqlite_says(connection: &Connection, sql: &str) -> Result<(), (String, Option<u32>)> {
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
    const STARTS: [&str; 9] = [
        "near \"",
        "unrecognized token",
        "unknown join type",
        "variable number must be between",
        "a JOIN clause is required before",
        "duplicate WITH table name",
        "unknown table option",
        "unsupported use of NULLS",
        "syntax error after column name",
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
fn difference(connection: &Connection, sql: &str) -> Option<String> {
    let ours = parse_next(sql.as_bytes(), 0).map(|next| next.map_or(sql.len(), |next| next.end));
    let theirs = match sqlite_says(connection, &sql[..ours.clone().unwrap_or(sql.len())]) {
        // Said when a step is read, though what is wrong is where the trigger is: here whoever creates it says so.
        Err((message, _)) if message.starts_with("qualified table names") => return None,
        Err((message, offset)) if is_syntax_message(&message) => Err((message, offset)),
        _ => Ok(()),
    };
    let ours = ours.map(|_| ()).map_err(|error| (error.message, error.offset));
    (ours != theirs).then(|| format!("{sql}\n  SQLite: {theirs:?}\n  here:   {ours:?}"))
}

fn check<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) {
    let connection = database();
    let differences: Vec<String> = texts
        .into_iter()
        .filter_map(|sql| difference(&connection, sql.as_ref()))
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

/// Changes a text at random: tokens and bytes are cut, doubled, swapped and replaced.
struct Mutator {
    state: u64,
    words: Vec<&'static str>,
    cases: Vec<&'static str>,
}

impl Mutator {
    fn new(seed: u64) -> Self {
        let mut words = crate::syntax::token::KEYWORDS.to_vec();
        words.extend([
            "(", ")", ",", ";", ".", "*", "+", "-", "->>", "=", "||", "'x'", "\"y\"", "[z]", "?", ":p", "?7",
            "@",
        ]);
        words.extend([
            "1", "1.5", "0x1F", "1_0", "x'00'", "#1", "a", "t1", "/*", "--", "\u{0}", "\u{e9}", "NOT NULL",
            "ORDER BY",
        ]);
        Self {
            state: seed,
            words,
            cases: CASES.lines().collect(),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % bound.max(1) as u64) as usize
    }

    /// A changed text of one of the cases.
    fn next(&mut self) -> String {
        let case = self.below(self.cases.len());
        let sql = self.cases[case];
        let mut parts: Vec<String> = sql
            .split_inclusive([' ', '(', ',', ')'])
            .map(str::to_owned)
            .collect();
        for _ in 0..1 + self.below(3) {
            let (at, other) = (self.below(parts.len()), self.below(parts.len()));
            let word = self.below(self.words.len());
            let word = self.words[word];
            if parts.is_empty() {
                break;
            }
            match self.below(6) {
                0 => drop(parts.remove(at)),
                1 => parts.insert(at, format!(" {word} ")),
                2 => parts[at] = format!(" {word} "),
                3 => parts.insert(at, parts[other].clone()),
                4 => parts.swap(at, other),
                _ => parts.truncate(at + 1),
            }
        }
        parts.concat()
    }
}

#[test]
fn mutated_cases_are_taken_or_refused_as_sqlite_does() {
    let seed = 0x0123_4567_89ab_cdef;
    println!("seed {seed:#x}");
    let mut mutator = Mutator::new(seed);
    // SQLite looks at the schema before it has read the whole of some statements: such a text proves nothing.
    let is_early = |sql: &str| {
        let lower = sql.to_ascii_lowercase();
        ["create", "alter", "drop"]
            .iter()
            .any(|word| lower.contains(word))
    };
    let texts = (0..3000).map(|_| mutator.next());
    let texts: Vec<String> = texts
        .filter(|sql| !is_early(sql) && !sql.contains('\0'))
        .collect();
    check(texts);
}

/// What was open when a text was refused is not open in the next one.
#[test]
fn a_text_after_a_refused_one_is_read_afresh() {
    let mut memory = ParseMemory::default();
    for refused in [
        "SELECT 1 + (2 * f(3, ",
        "SELECT a OR b BETWEEN 1 AND )",
        "SELECT CASE WHEN x THEN",
    ] {
        assert!(memory.parse_next(refused.as_bytes(), 0).is_err(), "{refused}");
        let text = b"SELECT a AND b = 1, 2 FROM t WHERE c IN (1, 2)";
        assert_eq!(memory.parse_next(text, 0), parse_next(text, 0), "after {refused}");
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    let seed = 0x7777_1234_0000_0001;
    println!("seed {seed:#x}");
    let mut mutator = Mutator::new(seed);
    for _ in 0..20_000 {
        let mut bytes = mutator.next().into_bytes();
        if !bytes.is_empty() && mutator.below(2) == 0 {
            let at = mutator.below(bytes.len());
            bytes[at] = mutator.below(256) as u8;
        }
        let mut at = 0;
        while let Ok(Some(next)) = parse_next(&bytes, at) {
            assert!(next.end > at && next.end <= bytes.len());
            at = next.end;
        }
    }
}

#[test]
fn deep_text_is_refused_and_does_not_overflow_the_stack() {
    const BRACKETS: [(&str, &str); 16] = [
        ("(", ")"),
        ("abs(", ")"),
        ("case when ", " then 1 end"),
        ("1 in (1, ", ")"),
        ("1 in (select ", ")"),
        ("cast(", " as int)"),
        ("(1, ", ")"),
        ("(select ", ")"),
        ("(select 1 from (select ", "))"),
        ("(with x as (select ", ") select 1)"),
        ("exists (select 1 where ", ")"),
        ("sum(1) over (partition by ", ")"),
        ("sum(1) filter (where ", ")"),
        ("sum(1 order by ", ")"),
        ("not ", ""),
        ("1 + ", ""),
    ];
    let run = || {
        for (open, close) in BRACKETS {
            for depth in [10, 60, 90, 400, 990, 1010, 2600, 60_000] {
                let sql = format!("select {}1{}", open.repeat(depth), close.repeat(depth));
                match parse_next(sql.as_bytes(), 0) {
                    Ok(_) => assert!(depth < 1000 || open == "(", "{open} {depth}"),
                    Err(error) => {
                        let expected = [
                            "Recursion limit",
                            "Expression tree is too large (maximum depth 1000)",
                        ];
                        assert!(
                            depth > 30 && expected.contains(&&*error.message),
                            "{open} {depth}: {error}"
                        );
                    }
                }
            }
        }
        let deep_from = format!("select * from {}t{}", "(".repeat(60_000), ")".repeat(60_000));
        assert!(parse_next(deep_from.as_bytes(), 0).is_err());
    };
    // Unoptimized frames are several times as large; an optimized build stays within 512 KiB.
    let stack = if cfg!(debug_assertions) {
        2 << 20
    } else {
        512 << 10
    };
    std::thread::Builder::new()
        .stack_size(stack)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn declared_types_show_as_in_sqlite() {
    use crate::syntax::ast::{CreateTableBody, Statement, TypeName};
    let types = [
        "\"INT\"",
        "'te xt'",
        "[x y](10)",
        "double   /* x */ precision",
        "int",
        "Integer",
        "\"a\" \"b\"",
        "'x' 'y'",
        "'integer'",
        "'it''s'",
        "`any`",
        "varchar ( 10 , -5 )",
        "\"generated always\"",
        "int generated always",
        "generated always",
        "",
        "text always",
        "some longer text always",
        "blob",
        "Real",
        "[]",
        "\"\"",
        "any any",
    ];
    for text in types {
        let sql = format!("create table y(z, a {text} as (1))");
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&sql).unwrap();
        let query = "select type from pragma_table_xinfo('y') where name = 'a'";
        let theirs: String = connection.query_row(query, [], |row| row.get(0)).unwrap();
        let Statement::CreateTable(create) = parse_one(sql.as_bytes()).unwrap().statement else {
            panic!("{sql}")
        };
        let CreateTableBody::Columns { columns, .. } = &create.body else {
            panic!("{sql}")
        };
        let ours = columns[1].type_name.as_ref().map(TypeName::declared);
        assert_eq!(ours.unwrap_or_default(), theirs, "{sql}");
    }
}

#[test]
fn unnamed_result_columns_take_the_text_that_sqlite_takes() {
    use crate::syntax::ast::{ExprKind, ResultColumn, SelectCore, Statement};
    let connection = database();
    let texts = [
        "select 1+1, ( a ) , (a), t.a, \"a\", a+b -- x\n, /* y */ a /* z */ + /* w */ 1 /* v */ from t",
        "select a as x, b y, 'str', 'a' 'b', count(*), (select 1 ), -a, not a, a is  null from t",
        "select ((1)) , ( 1 ) + ( 2 ), a in ( 1 , 2 ), case when a then b end c from t",
    ];
    for sql in CASES.lines().chain(texts) {
        let Ok(statement) = connection.prepare(sql) else {
            continue;
        };
        let Ok(Some(next)) = parse_next(sql.as_bytes(), 0) else {
            continue;
        };
        let Statement::Select(select) = &next.parsed.statement else {
            continue;
        };
        let SelectCore::Query(query) = &select.first else {
            continue;
        };
        if statement.column_count() != query.columns.len() || next.parsed.explain.is_some() {
            continue;
        }
        for (column, theirs) in query.columns.iter().zip(statement.column_names()) {
            let ResultColumn::Expr {
                expr,
                alias,
                text,
                span,
            } = column
            else {
                continue;
            };
            match (alias, &expr.kind) {
                (Some(alias), _) => assert_eq!(alias.as_str(), theirs, "{sql}"),
                (None, ExprKind::Name(_) | ExprKind::Qualified(_)) => {}
                (None, _) => {
                    assert_eq!(&**text, theirs, "{sql}");
                    assert_eq!(span.of(sql.as_bytes()), theirs.as_bytes(), "{sql}");
                }
            }
        }
    }
}

/// What sqlite_schema stores of a `CREATE` statement.
fn stored(sql: &str) -> Option<String> {
    use crate::syntax::ast::{CreateTableBody, Statement};
    let parsed = parse_one(sql.as_bytes()).ok()?;
    let (head, definition) = match &parsed.statement {
        Statement::CreateTable(create) => match create.body {
            CreateTableBody::Select(_) => return None,
            CreateTableBody::Columns { .. } => ("CREATE TABLE ", create.definition),
        },
        Statement::CreateIndex(create) if create.unique => ("CREATE UNIQUE INDEX ", create.definition),
        Statement::CreateIndex(create) => ("CREATE INDEX ", create.definition),
        Statement::CreateView(create) => ("CREATE VIEW ", create.definition),
        Statement::CreateTrigger(create) => ("CREATE TRIGGER ", create.definition),
        Statement::CreateVirtualTable(create) => ("CREATE VIRTUAL TABLE ", create.definition),
        _ => return None,
    };
    Some(format!(
        "{head}{}",
        String::from_utf8_lossy(definition.of(sql.as_bytes()))
    ))
}

#[test]
fn the_stored_text_of_a_definition_is_the_one_that_sqlite_stores() {
    let texts = [
        "create  table if not exists main . y ( a , b ) -- tail",
        "CREATE TABLE \"y\"(a) ; ",
        "create table y(a) without rowid /* x */ ; select 1",
        "create table y(a primary key)without rowid,strict",
        "create unique  index main.i on t ( a ) where a > 1 ;",
        "create index i on t(a)",
        "create temp view v as select 1 /* tail */ ",
        "create view main.[v](x) as select 1 ;",
        "create temporary trigger q after insert on t begin select 1 ; end ;",
        "create trigger if not exists 'q' after insert on t begin select 1;select 2;  END",
        "create virtual table r using rtree ( a , b , c ) ; ",
        "create virtual table r using fts5(x)",
    ];
    for sql in CASES.lines().filter(|sql| sql.starts_with("create")).chain(texts) {
        let connection = database();
        let first = parse_next(sql.as_bytes(), 0)
            .ok()
            .flatten()
            .map_or(sql.len(), |next| next.end);
        let (sql, known) = (&sql[..first], "('t', 't1', 't2')");
        if connection.execute_batch(sql).is_err() {
            continue;
        }
        let query = format!(
            "select sql from (select * from sqlite_schema union all select * from sqlite_temp_schema)
             where name not in {known} and sql is not null and name not like 'r\\_%' escape '\\'
             and name not like 'x\\_%' escape '\\' limit 1"
        );
        let theirs: String = connection.query_row(&query, [], |row| row.get(0)).unwrap();
        if let Some(ours) = stored(sql) {
            assert_eq!(ours, theirs, "{sql}");
        }
    }
}

#[test]
fn parameters_are_numbered_and_named_as_in_sqlite() {
    let connection = Connection::open_in_memory().unwrap();
    let many: Vec<String> = (0..40)
        .map(|n| format!(":p{}, ?{}, ?, $p{n}", n % 25, n * 3 + 1))
        .collect();
    let texts = [
        "select ?, ?5, ?, :a, @a, $a::b(c), :a, ?5, ?6, ?005".to_owned(),
        "select ?2, ?1, :x, ?3, ?".to_owned(),
        format!("select {}", many.join(", ")),
    ];
    for sql in texts {
        let statement = connection.prepare(&sql).unwrap();
        let ours = parse_one(sql.as_bytes()).unwrap().parameters;
        assert_eq!(ours.count as usize, statement.parameter_count(), "{sql}");
        for number in 1..=ours.count {
            assert_eq!(
                ours.name(number),
                statement.parameter_name(number as usize),
                "{sql} {number}"
            );
        }
        for (name, number) in &ours.names {
            assert_eq!(ours.number(name), Some(*number), "{sql}");
        }
    }
}
