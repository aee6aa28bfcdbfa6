//! Answers to queries, errors, and the functions on matches.

use std::sync::Arc;

use super::super::tokenizer::tests::Random;
use super::super::tokenizer::{Token, TokenVisitor, Tokenizer, TokenizerFactory};
use super::super::{FtsModule, Generation, SharedTokenizers, TokensModule};
use super::{Pair, our_answer};
use crate::connection::Connection;

fn filled() -> Pair {
    let mut pair = Pair::new();
    for sql in [
        "CREATE VIRTUAL TABLE ft USING fts4(a, b)",
        "INSERT INTO ft VALUES('foo bar', 'bb 000'), ('bar zip', 'foo'), ('zip', 'zap')",
        "INSERT INTO ft VALUES('a b d d d d d d d d d d d d c', 'x'), ('b foo c', 'a')",
        "INSERT INTO ft VALUES(NULL, 12.5), (7, x'666f6f'), ('foo foo foo bar foo bar bar', 'foo bar foo')",
    ] {
        pair.check(sql).unwrap();
    }
    pair
}

#[test]
fn queries_find_what_sqlite_finds() {
    let mut pair = filled();
    for query in [
        "foo",
        "foo bar",
        "foo AND bar",
        "foo OR zip",
        "foo NOT bar",
        "foo NOT zip NOT c",
        "(foo NOT bar) OR zip",
        "foo NEAR bar",
        "foo NEAR/0 bar",
        "bar NEAR/1 foo NEAR/2 bar",
        "a:foo",
        "b:foo",
        "B:foo",
        "c:foo",
        "a:\"foo\"",
        "foo a:\"bar\"",
        "^foo",
        "\"^foo bar\"",
        "\"foo ^bar\"",
        "\"fo* ba*\"",
        "f*",
        "*",
        "b* NOT f*",
        "\"\" foo",
        "foo \"\"",
        "\"!\" OR foo",
        "foo NOT \"\"",
        "!",
        "foo !",
        "foo AND AND bar",
        "AND",
        "NEAR foo",
        "foo NEAR",
        "or",
        "OR",
        "(foo",
        "foo)",
        "()",
        "() foo",
        "foo ()",
        "(()) foo",
        "foo AND ()",
        "(foo OR bar) NEAR zip",
        "zip NEAR (foo OR bar)",
        "(foo) NEAR bar",
        "\"foo",
        "12",
        "7",
        "zap OR 7 OR 12 OR x",
        "(a b) OR (b c)",
        "a OR b AND c NOT foo",
        "foo:bar",
        "NOT foo",
        "foo NOT",
        "bar NEAR/12345678901 foo",
        "foo NEAR/1x bar",
        "\"foo bar\" NEAR \"bar foo\"",
        "\"bar foo\" OR \"foo bar\"",
        "a OR (foo AND zzz)",
        "-foo",
        "foo -bar",
    ] {
        let literal = query.replace('\'', "''");
        for column in ["ft", "a", "b"] {
            // Right of a NOT below an OR SQLite counts hits for y and b that are those of another phrase.
            let letters = if query.contains("NOT") && query.contains("OR") {
                "pcxnals"
            } else {
                "pcxnalsyb"
            };
            let select = format!(
                "SELECT rowid, offsets(ft), matchinfo(ft, '{letters}') FROM ft WHERE {column} MATCH '{literal}'"
            );
            let _ = pair.check(&select);
            let select = format!(
                "SELECT docid, snippet(ft) FROM ft WHERE {column} MATCH '{literal}' ORDER BY docid DESC"
            );
            let _ = pair.check(&select);
        }
    }
}

#[test]
fn optimize_writes_below_a_select() {
    let mut pair = filled();
    for sql in [
        "SELECT rowid, optimize(ft) FROM ft LIMIT 1",
        "SELECT rowid, optimize(ft) FROM ft LIMIT 1",
        "INSERT INTO ft VALUES('more', '')",
        "BEGIN",
        "SELECT rowid, optimize(ft) FROM ft WHERE ft MATCH 'foo'",
        "ROLLBACK",
        "SELECT level, idx FROM ft_segdir",
    ] {
        pair.check(sql).unwrap();
        pair.check_shadow("ft");
    }
}

/// Versions of SQLite differ here: 3.40 does not count what is near nothing, later ones may.
#[test]
fn phrases_that_are_not_near_are_no_hits() {
    let mut pair = filled();
    let offsets = our_answer(
        &mut pair.ours,
        "SELECT offsets(ft) FROM ft WHERE ft MATCH 'a OR (b NEAR c)' AND docid = 4",
    );
    assert_eq!(offsets.unwrap(), [["0 0 0 1".into()]]);
}

#[test]
fn deep_queries_are_refused() {
    let mut pair = filled();
    for count in [2, 11, 12, 13, 14, 40] {
        for joint in [" AND ", " OR ", " NOT ", " NEAR ", " ) AND (", " "] {
            let query = vec!["foo"; count].join(joint).replace(" ) AND (", ") AND (");
            let query = if joint.contains(')') {
                format!("({query})")
            } else {
                query
            };
            let _ = pair.check(&format!("SELECT count(*) FROM ft WHERE ft MATCH '{query}'"));
        }
        let nested = format!("{}foo{}", "(bar AND (bar OR ".repeat(count), "))".repeat(count));
        let _ = pair.check(&format!("SELECT count(*) FROM ft WHERE ft MATCH '{nested}'"));
        let nested = format!("{}foo{}", "(".repeat(count * 90), ")".repeat(count * 90));
        let _ = pair.check(&format!("SELECT count(*) FROM ft WHERE ft MATCH '{nested}'"));
    }
    let many = vec!["foo"; 5000].join(" OR ");
    let _ = pair.check(&format!("SELECT count(*) FROM ft WHERE ft MATCH '{many}'"));
}

#[test]
fn functions_and_their_errors() {
    let mut pair = filled();
    for sql in [
        "SELECT snippet(ft) FROM ft WHERE rowid = 1",
        "SELECT offsets(ft), matchinfo(ft) FROM ft",
        "SELECT matchinfo(ft, 'q') FROM ft WHERE ft MATCH 'foo'",
        "SELECT matchinfo(ft, NULL) FROM ft WHERE ft MATCH 'foo'",
        "SELECT matchinfo(ft, '') FROM ft WHERE ft MATCH 'foo'",
        "SELECT snippet(ft, 1, 2, 3, 4, 5, 6) FROM ft WHERE ft MATCH 'foo'",
        "SELECT snippet(ft, NULL) FROM ft WHERE ft MATCH 'foo'",
        "SELECT snippet(ft, '[', ']', '..', 0, 0) FROM ft WHERE ft MATCH 'foo'",
        "SELECT offsets(ft, 1) FROM ft WHERE ft MATCH 'foo'",
        "SELECT rowid FROM ft WHERE rowid MATCH 'foo'",
        "SELECT optimize(1)",
        "SELECT snippet(1)",
        "SELECT ft, typeof(ft), docid, __langid FROM ft",
        "SELECT * FROM ft WHERE ft MATCH NULL",
        "SELECT 1 FROM ft WHERE ft MATCH 'foo' AND ft MATCH 'bar'",
        "SELECT * FROM ft WHERE docid = 2",
        "SELECT * FROM ft WHERE docid = '2'",
        "SELECT rowid FROM ft WHERE docid > 2 AND docid <= 4",
        "SELECT rowid FROM ft WHERE ft MATCH 'foo' AND docid > 1 AND rowid < 6 ORDER BY rowid DESC",
        "SELECT rowid FROM ft WHERE ft MATCH 'foo' AND docid > 'x'",
        "SELECT a FROM ft ORDER BY docid DESC",
        "SELECT ft.rowid, x.rowid FROM ft, ft AS x WHERE ft MATCH 'foo' AND x.rowid = ft.rowid",
        "SELECT snippet(ft) FROM ft WHERE ft MATCH 'foo' ORDER BY length(a), docid",
        "SELECT count(*) FROM ft WHERE ft MATCH 'foo' AND __langid = 0",
        "SELECT count(*) FROM ft WHERE ft MATCH 'foo' AND __langid = 1",
        "INSERT INTO ft(ft) VALUES('nonsense')",
        "INSERT INTO ft(rowid, docid, a) VALUES(100, 101, 'x')",
        "INSERT INTO ft(docid, a) VALUES('zz', 'x')",
        "UPDATE ft SET docid = 2 WHERE docid = 1",
        "INSERT INTO ft(docid, a) VALUES(1, 'x')",
        "INSERT OR IGNORE INTO ft(docid, a) VALUES(1, 'x')",
        "REPLACE INTO ft(docid, a) VALUES(1, 'new')",
        "SELECT * FROM ft WHERE docid = 1",
        "SELECT rowid FROM ft WHERE ft MATCH 'new'",
        "INSERT INTO ft(a, __langid) VALUES('x', -1)",
        "UPDATE ft SET a = 'other' WHERE ft MATCH 'new'",
        "UPDATE ft SET rowid = 50 WHERE rowid = 1",
        "UPDATE ft SET docid = 60 WHERE docid = 1",
        "SELECT changes(), total_changes() > 0",
        "SELECT rowid FROM ft WHERE ft MATCH 'other'",
        "DELETE FROM ft WHERE ft MATCH 'other'",
        "SELECT rowid FROM ft WHERE ft MATCH 'other'",
    ] {
        let _ = pair.check(sql);
        pair.check_shadow("ft");
    }
}

#[test]
fn snippets_of_long_texts() {
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut pair = Pair::new();
    pair.check("CREATE VIRTUAL TABLE t USING fts4(a, b, c, tokenize=porter)")
        .unwrap();
    let words = [
        "one", "two", "three", "four", "five", "x", "y", "z", "running", "runs", "e",
    ];
    let mut text = |length: u64| {
        let length = random.below(length);
        let word = |_| words[random.below(words.len() as u64) as usize];
        let words: Vec<&str> = (0..length).map(word).collect();
        let joints = [" ", ", ", "... ", "\n"];
        words.join(joints[random.below(4) as usize])
    };
    for _ in 0..40 {
        let row = format!(
            "INSERT INTO t VALUES('{}', '{}', '{}')",
            text(60),
            text(8),
            text(200)
        );
        pair.check(&row).unwrap();
    }
    for query in [
        "one",
        "two three",
        "\"one two\"",
        "five OR four",
        "x NEAR/2 y",
        "one OR two OR three OR four OR five",
        "run*",
        "\"one two\" OR \"three four\" OR e",
        "a:one c:two",
        "one NEAR/3 two NEAR/3 three",
        "x NOT y",
    ] {
        for arguments in [
            "",
            ", '[', ']', '~', -1, 5",
            ", '[', ']', '~', 2, -4",
            ", '<', '>', '|', -1, 64",
            ", '[', ']', '~', 1, 1",
            ", '[', ']', '~', -1, -1",
        ] {
            pair.check(&format!(
                "SELECT rowid, snippet(t{arguments}) FROM t WHERE t MATCH '{query}'"
            ))
            .unwrap();
        }
        pair.check(&format!(
            "SELECT rowid, offsets(t), matchinfo(t, 'sxyb') FROM t WHERE t MATCH '{query}'"
        ))
        .unwrap();
    }
}

#[test]
fn aux_tables_tell_what_sqlite_tells() {
    let mut pair = filled();
    for sql in [
        "CREATE VIRTUAL TABLE terms USING fts4aux(ft)",
        "SELECT *, rowid, languageid FROM terms",
        "SELECT * FROM terms WHERE term = 'foo'",
        "SELECT * FROM terms WHERE term > 'b' AND term <= 'foo' ORDER BY term",
        "SELECT term FROM terms WHERE col = '*' ORDER BY term DESC",
        "SELECT * FROM terms WHERE languageid = 1",
        "DELETE FROM ft WHERE rowid = 1",
        "SELECT * FROM terms",
        "CREATE VIRTUAL TABLE bad USING fts4aux(a, b, c)",
        "CREATE VIRTUAL TABLE bad USING fts4aux()",
        "CREATE VIRTUAL TABLE temp.other USING fts4aux(main, ft)",
        "SELECT * FROM other WHERE term < 'c'",
        "CREATE VIRTUAL TABLE gone USING fts4aux(nothing)",
        "SELECT * FROM gone",
        "CREATE VIRTUAL TABLE tok USING fts3tokenize(porter)",
        "SELECT *, rowid FROM tok WHERE input = 'The runners are running'",
        "SELECT * FROM tok",
        "SELECT token FROM fts3tokenize WHERE input = 'One two'",
        "CREATE VIRTUAL TABLE bad USING fts3tokenize(none)",
        "CREATE VIRTUAL TABLE bad USING fts3tokenize(unicode61, b)",
        "INSERT INTO terms VALUES(1, 2, 3, 4)",
    ] {
        let _ = pair.check(sql);
    }
}

#[test]
fn the_standard_syntax() {
    let mut connection = Connection::open_in_memory().unwrap();
    let mut run = |sql: &str| our_answer(&mut connection, sql);
    run("CREATE VIRTUAL TABLE ft USING fts4(a, b)").unwrap();
    run("INSERT INTO ft VALUES('foo bar', 'x'), ('foo and not', 'y'), ('zip', 'bar (x)')").unwrap();
    let mut rows = |query: &str| {
        let found = run(&format!(
            "SELECT group_concat(rowid) FROM ft WHERE ft MATCH '{query}'"
        ));
        found.map(|rows| {
            rows.into_iter()
                .flatten()
                .map(|value| format!("{value:?}"))
                .collect::<String>()
        })
    };
    let mut check = |query: &str, expected: &str| {
        let found = rows(query).unwrap_or_else(|error| error);
        assert!(found.contains(expected), "{query}: {found}");
    };
    check("foo -bar", "2");
    check("-bar foo", "2");
    check("foo AND not", "2");
    check("foo bar OR y", "1,2");
    check("(zip)", "3");
    check("-foo", "malformed MATCH expression: [-foo]");
    check("bb NEAR/6 -00", "malformed MATCH expression");
    check(&"foo -a".repeat(11), "2");
    check(&format!("foo {}", "-zz ".repeat(11)), "1,2");
    check(
        &format!("foo {}", "-zz ".repeat(12)),
        "malformed MATCH expression",
    );
}

/// Words are single characters.
#[derive(Debug)]
struct Characters;

impl Tokenizer for Characters {
    fn tokenize(&self, text: &[u8], _language: i32, visit: &mut TokenVisitor<'_>) -> crate::Result<()> {
        for (position, byte) in text.iter().enumerate() {
            let token = Token {
                term: std::slice::from_ref(byte),
                start: position,
                end: position + 1,
                position,
            };
            if visit(token)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl TokenizerFactory for Characters {
    fn create(&self, arguments: &[Vec<u8>]) -> Option<Arc<dyn Tokenizer>> {
        arguments
            .is_empty()
            .then(|| Arc::new(Characters) as Arc<dyn Tokenizer>)
    }
}

#[test]
fn tokenizers_of_an_application() {
    let mut connection = Connection::open_in_memory().unwrap();
    let tokenizers = SharedTokenizers::default();
    tokenizers.write().register("characters", Arc::new(Characters));
    let module = FtsModule::new(Generation::Four).with_tokenizers(Arc::clone(&tokenizers));
    connection.create_module("fts4", Arc::new(module)).unwrap();
    connection
        .create_module("fts3tokenize", Arc::new(TokensModule::new(tokenizers)))
        .unwrap();
    let mut run = |sql: &str| our_answer(&mut connection, sql);
    run("CREATE VIRTUAL TABLE t USING fts4(a, tokenize=characters)").unwrap();
    run("INSERT INTO t VALUES('hello'), ('world')").unwrap();
    let found = run("SELECT snippet(t, '[', ']', '') FROM t WHERE t MATCH '\"ell\"'").unwrap();
    assert_eq!(found, [["h[e][l][l]o".into()]]);
    let found = run("SELECT count(*) FROM t WHERE t MATCH 'l'").unwrap();
    assert_eq!(found, [[2.into()]]);
    let wrong = run("CREATE VIRTUAL TABLE u USING fts4(a, tokenize=characters x)").unwrap_err();
    assert_eq!(wrong, "unknown tokenizer");
    run("CREATE VIRTUAL TABLE c USING fts3tokenize(characters)").unwrap();
    assert_eq!(
        run("SELECT count(*) FROM c WHERE input = 'abc'").unwrap(),
        [[3.into()]]
    );
}

#[test]
fn the_old_way_to_register_tokenizers_is_closed() {
    let mut pair = Pair::new();
    for sql in [
        "SELECT fts3_tokenizer('simple')",
        "SELECT fts3_tokenizer('nope')",
        "SELECT fts3_tokenizer('simple', x'00')",
        "SELECT fts3_tokenizer(NULL)",
        "SELECT fts3_tokenizer()",
    ] {
        let _ = pair.check(sql);
    }
}
