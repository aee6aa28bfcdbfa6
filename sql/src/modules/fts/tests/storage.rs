//! What is written: shadow tables row for row.

use super::super::tokenizer::tests::Random;
use super::Pair;

#[test]
fn small_tables_of_all_kinds() {
    for options in [
        "fts3(a, b)",
        "fts3",
        "fts4",
        "fts4(a, b, order=desc)",
        "fts4(a, b, prefix='1,3')",
        "fts4(a, b, matchinfo=fts3)",
        "fts4(a, b, languageid=lid)",
        "fts4(a, b, notindexed=b)",
        "fts4(a, b, tokenize=porter)",
        "fts4(a, b, tokenize=unicode61 'remove_diacritics=2')",
        "fts4(a, b, compress=upper, uncompress=lower)",
        "fts4('a x', [b], \"c\" TEXT)",
        "fts4(a, a)",
        "fts4(docid)",
        "fts4(t)",
        "fts4(a, content=nowhere)",
        "fts4(content=nowhere)",
        "fts4(content='')",
    ] {
        let mut pair = Pair::new();
        if pair
            .check(&format!("CREATE VIRTUAL TABLE t USING {options}"))
            .is_err()
        {
            continue;
        }
        pair.check("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")
            .unwrap();
        pair.check("PRAGMA table_xinfo(t)").unwrap();
        let width = if options.contains("(a,") || options.contains("'a x'") {
            2
        } else {
            1
        };
        let columns = if options.contains('x') && options.contains('[') {
            3
        } else {
            width
        };
        let row = |text: &str| vec![format!("'{text}'"); columns].join(", ");
        for sql in [
            format!("INSERT INTO t VALUES({})", row("one two one")),
            format!("INSERT INTO t VALUES({})", row("Two three")),
            "INSERT INTO t(rowid) VALUES(10)".to_owned(),
            "INSERT INTO t(docid, t) VALUES(12, NULL)".to_owned(),
            "DELETE FROM t WHERE docid = 1".to_owned(),
            format!("INSERT INTO t VALUES({})", row("Élan four one two")),
            "SELECT docid, * FROM t".to_owned(),
            "SELECT docid FROM t WHERE t MATCH 't*'".to_owned(),
            "INSERT INTO t(t) VALUES('integrity-check')".to_owned(),
            "INSERT INTO t(t) VALUES('optimize')".to_owned(),
            "INSERT INTO t(t) VALUES('rebuild')".to_owned(),
            "INSERT INTO t(t) VALUES('merge=4,2')".to_owned(),
            "INSERT INTO t(t) VALUES('automerge=3')".to_owned(),
            "SELECT optimize(t) FROM t LIMIT 1".to_owned(),
            "DELETE FROM t".to_owned(),
            "ALTER TABLE t RENAME TO u".to_owned(),
            "SELECT name, sql FROM sqlite_schema ORDER BY name".to_owned(),
            "SELECT * FROM u".to_owned(),
            "DROP TABLE u".to_owned(),
            "SELECT count(*) FROM sqlite_schema".to_owned(),
        ] {
            let _ = pair.check(&sql);
            pair.check_shadow("t");
        }
    }
}

/// A text of `words` words out of `vocabulary`.
fn text(random: &mut Random, words: u64, vocabulary: u64) -> String {
    let words: Vec<String> = (0..words)
        .map(|_| format!("w{}", random.below(vocabulary)))
        .collect();
    words.join(" ")
}

#[test]
fn many_segments_merge_as_sqlite_merges_them() {
    let seed = 5;
    println!("seed {seed}");
    for options in ["a, b", "a, b, order=desc", "a, prefix='2'"] {
        let mut random = Random(seed);
        let mut pair = Pair::new();
        pair.check("PRAGMA page_size = 512").unwrap();
        pair.check(&format!("CREATE VIRTUAL TABLE t USING fts4({options})"))
            .unwrap();
        for round in 0..150 {
            let sql = match random.below(10) {
                0 => format!("DELETE FROM t WHERE docid = {}", random.below(round + 1)),
                1 => format!(
                    "UPDATE t SET a = '{}' WHERE docid = {}",
                    text(&mut random, 5, 40),
                    random.below(round + 1)
                ),
                2 => format!(
                    "REPLACE INTO t(docid, a) VALUES({}, '{}')",
                    random.below(round + 1),
                    text(&mut random, 3, 40)
                ),
                _ => format!("INSERT INTO t(a) VALUES('{}')", text(&mut random, 30, 400)),
            };
            pair.check(&sql).unwrap();
            if round % 10 == 0 {
                pair.check_shadow("t");
            }
        }
        pair.check_shadow("t");
        for word in 0..40 {
            pair.check(&format!(
                "SELECT docid, offsets(t) FROM t WHERE t MATCH 'w{word} OR w{word}1*'"
            ))
            .unwrap();
        }
        pair.check("INSERT INTO t(t) VALUES('integrity-check')").unwrap();
        pair.check("INSERT INTO t(t) VALUES('optimize')").unwrap();
        pair.check_shadow("t");
    }
}

#[test]
fn incremental_merges_go_step_by_step() {
    let seed = 6;
    println!("seed {seed}");
    for automatic in [false, true] {
        let mut random = Random(seed);
        let mut pair = Pair::new();
        pair.check("PRAGMA page_size = 512").unwrap();
        pair.check("CREATE VIRTUAL TABLE t USING fts4(a)").unwrap();
        if automatic {
            pair.check("INSERT INTO t(t) VALUES('automerge=2')").unwrap();
        }
        for round in 0..60 {
            let rows = vec![format!("('{}')", text(&mut random, 60, 3000)); 1 + random.below(4) as usize];
            pair.check(&format!("INSERT INTO t(a) VALUES{}", rows.join(", ")))
                .unwrap();
            if random.below(4) == 0 {
                pair.check(&format!("DELETE FROM t WHERE docid = {}", random.below(100)))
                    .unwrap();
            }
            if !automatic && random.below(3) == 0 {
                let merge = format!(
                    "INSERT INTO t(t) VALUES('merge={},{}')",
                    1 + random.below(20),
                    2 + random.below(6)
                );
                pair.check(&merge).unwrap();
            }
            if round % 6 == 0 {
                pair.check_shadow("t");
            }
        }
        pair.check_shadow("t");
        pair.check("INSERT INTO t(t) VALUES('integrity-check')").unwrap();
    }
}

#[test]
fn transactions_and_savepoints() {
    let mut pair = Pair::new();
    for sql in [
        "CREATE VIRTUAL TABLE t USING fts4(a)",
        "BEGIN",
        "INSERT INTO t VALUES('one two')",
        "INSERT INTO t VALUES('two three')",
        "SELECT docid FROM t WHERE t MATCH 'two'",
        "SAVEPOINT s",
        "INSERT INTO t VALUES('two four')",
        "SELECT docid FROM t WHERE t MATCH 'two'",
        "ROLLBACK TO s",
        "SELECT docid FROM t WHERE t MATCH 'two'",
        "RELEASE s",
        "DELETE FROM t WHERE docid = 1",
        "COMMIT",
        "SELECT docid FROM t WHERE t MATCH 'two'",
        "BEGIN",
        "INSERT INTO t VALUES('gone')",
        "ROLLBACK",
        "SELECT docid FROM t WHERE t MATCH 'gone'",
        "INSERT INTO t SELECT 'x ' || a FROM t",
        "BEGIN",
        "INSERT INTO t VALUES('pending')",
        "CREATE TABLE other(a)",
        "SELECT * FROM t WHERE t MATCH 'pending'",
        "ALTER TABLE other ADD COLUMN b",
        "INSERT INTO t VALUES('pending too')",
        "SELECT * FROM t WHERE t MATCH 'pending'",
        "INSERT INTO t(docid, a) VALUES(1, 'a'), (1000, 'b')",
        "SELECT * FROM t WHERE t MATCH 'pending'",
        "COMMIT",
        "CREATE TRIGGER words AFTER INSERT ON other BEGIN INSERT INTO t VALUES(new.a); SELECT raise(abort, 'no') WHERE new.b; END",
        "BEGIN",
        "INSERT INTO other VALUES('one', 0), ('two', 0)",
        "INSERT INTO other VALUES('three', 0), ('four', 1)",
        "SELECT docid, a FROM t WHERE t MATCH 'one OR three OR pending'",
        "COMMIT",
        "INSERT INTO t(t) VALUES('integrity-check')",
        "SELECT * FROM t WHERE t MATCH 'x'",
    ] {
        let _ = pair.check(sql);
        pair.check_shadow("t");
    }
}

#[test]
fn texts_kept_elsewhere() {
    let mut pair = Pair::new();
    for sql in [
        "CREATE TABLE docs(id INTEGER PRIMARY KEY, title, body, lang)",
        "INSERT INTO docs VALUES(1, 'first', 'some words', 0), (2, 'second', 'more words', 1)",
        "CREATE VIRTUAL TABLE t USING fts4(content=docs, title, body)",
        "INSERT INTO t(docid, title, body) SELECT id, title, body FROM docs",
        "SELECT docid, title FROM t WHERE t MATCH 'words'",
        "UPDATE docs SET title = 'changed' WHERE id = 1",
        "SELECT docid, title, snippet(t) FROM t WHERE t MATCH 'words'",
        "DELETE FROM docs WHERE id = 2",
        "SELECT docid, title, snippet(t), offsets(t) FROM t WHERE t MATCH 'words'",
        "INSERT INTO t(t) VALUES('integrity-check')",
        "INSERT INTO t(t) VALUES('rebuild')",
        "INSERT INTO t(t) VALUES('integrity-check')",
        "SELECT docid FROM t WHERE t MATCH 'words'",
        "INSERT INTO t(title) VALUES('no docid')",
        "CREATE VIRTUAL TABLE l USING fts4(content=docs, languageid=lang)",
        "INSERT INTO l(l) VALUES('rebuild')",
        "SELECT docid, lang FROM l WHERE l MATCH 'words' AND lang = 0",
        "SELECT * FROM l",
        "CREATE VIRTUAL TABLE c USING fts4(content='', x)",
        "INSERT INTO c(docid, x) VALUES(1, 'a b c')",
        "SELECT docid FROM c WHERE c MATCH 'b'",
        "SELECT * FROM c WHERE c MATCH 'b'",
        "SELECT * FROM c",
        "DELETE FROM c WHERE docid = 1",
        "DROP TABLE t",
        "SELECT count(*) FROM docs",
    ] {
        let _ = pair.check(sql);
        pair.check_shadow("t");
        pair.check_shadow("l");
        pair.check_shadow("c");
    }
}

#[test]
fn languages_have_indexes_of_their_own() {
    let mut pair = Pair::new();
    for sql in [
        "CREATE VIRTUAL TABLE t USING fts4(a, languageid=lid, prefix='2')",
        "INSERT INTO t(a, lid) VALUES('one two', 1), ('two three', 2), ('one three', 1), ('on', 0)",
        "SELECT docid, lid, a FROM t",
        "SELECT docid, lid FROM t WHERE t MATCH 'one' AND lid = 1",
        "SELECT docid, lid FROM t WHERE t MATCH 'on*' AND lid = 1",
        "SELECT docid, lid FROM t WHERE t MATCH 'one'",
        "SELECT docid, lid, offsets(t), matchinfo(t) FROM t WHERE t MATCH 't*' AND lid = 2",
        "SELECT docid FROM t WHERE lid = 1",
        "UPDATE t SET lid = 2 WHERE docid = 1",
        "SELECT docid, lid FROM t WHERE t MATCH 'one' AND lid = 2",
        "SELECT docid, lid FROM t WHERE t MATCH 'one' AND lid = 1",
        "DELETE FROM t WHERE docid = 2",
        "INSERT INTO t(t) VALUES('integrity-check')",
        "INSERT INTO t(t) VALUES('optimize')",
        "INSERT INTO t(a, lid) VALUES('x', 2147483648)",
        "CREATE VIRTUAL TABLE words USING fts4aux(t)",
        "SELECT *, languageid FROM words WHERE languageid = 1",
        "SELECT * FROM words",
    ] {
        let _ = pair.check(sql);
        pair.check_shadow("t");
    }
}
/// Statements of triggers that wrote virtual tables once did nothing at all.
#[test]
fn triggers_keep_an_index_in_step() {
    let mut pair = Pair::new();
    for sql in [
        "CREATE TABLE docs(id INTEGER PRIMARY KEY, a)",
        "CREATE VIRTUAL TABLE t USING fts4(content=docs, a)",
        "CREATE TRIGGER before_update BEFORE UPDATE ON docs BEGIN DELETE FROM t WHERE docid = old.id; END",
        "CREATE TRIGGER before_delete BEFORE DELETE ON docs BEGIN DELETE FROM t WHERE docid = old.id; END",
        "CREATE TRIGGER after_update AFTER UPDATE ON docs BEGIN INSERT INTO t(docid, a) VALUES(new.id, new.a); END",
        "CREATE TRIGGER after_insert AFTER INSERT ON docs BEGIN INSERT INTO t(docid, a) VALUES(new.id, new.a); SELECT raise(abort, 'no') WHERE new.a = 'bad'; END",
        "INSERT INTO docs VALUES(1, 'one'), (2, 'one two'), (3, 'three')",
        "UPDATE docs SET a = 'changed ' || a WHERE id > 1",
        "DELETE FROM docs WHERE id = 3",
        "BEGIN",
        "INSERT INTO docs(a) VALUES('four'), ('one more')",
        "INSERT INTO docs(a) VALUES('five'), ('bad')",
        "SELECT docid, a FROM t WHERE t MATCH 'one OR four OR five'",
        "COMMIT",
        "SELECT docid, snippet(t) FROM t WHERE t MATCH 'one OR changed'",
        "INSERT INTO t(t) VALUES('integrity-check')",
    ] {
        let _ = pair.check(sql);
        let _ = pair.check("SELECT * FROM t");
    }
}
#[test]
fn integrity_pragmas_look_into_the_index() {
    let mut pair = Pair::new();
    for sql in [
        "CREATE VIRTUAL TABLE t USING fts4(a)",
        "CREATE VIRTUAL TABLE three USING fts3(a)",
        "INSERT INTO t VALUES('one two'), ('two three')",
        "INSERT INTO three VALUES('one two')",
        "PRAGMA integrity_check",
        "UPDATE t_content SET c0a = 'other' WHERE docid = 1",
        "PRAGMA integrity_check",
        "PRAGMA quick_check",
        "INSERT INTO t(t) VALUES('integrity-check')",
        "UPDATE t_segdir SET root = x'0001'",
        "PRAGMA integrity_check",
        "PRAGMA integrity_check(three)",
        "SELECT docid FROM t WHERE t MATCH 'two'",
        "DELETE FROM t_segdir",
        "SELECT docid FROM t WHERE t MATCH 'two'",
        "INSERT INTO t(t) VALUES('rebuild')",
        "PRAGMA integrity_check",
        "CREATE VIRTUAL TABLE none USING fts4(content='', a)",
        "INSERT INTO none(docid, a) VALUES(1, 'x')",
        "PRAGMA integrity_check",
        "DROP TABLE none",
        "CREATE TABLE docs(a)",
        "INSERT INTO docs VALUES('one')",
        "CREATE VIRTUAL TABLE outside USING fts4(content=docs)",
        "PRAGMA integrity_check",
        "INSERT INTO outside(outside) VALUES('rebuild')",
        "PRAGMA integrity_check",
        "DROP TABLE docs",
        "PRAGMA integrity_check",
    ] {
        let _ = pair.check(sql);
    }
}
