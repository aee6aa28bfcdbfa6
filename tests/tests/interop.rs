//! Files made by SQLite read by Aludel, files made by Aludel read by SQLite, and each going on with the other's work.

use std::path::Path;

use aludel_tests::both::{assert_same_rows, assert_sound, open, rows, run};
use aludel_tests::random::Random;
use aludel_tests::subject::{Datum, EngineName, Subject};

const PAGE_SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const JOURNAL_MODES: [&str; 2] = ["delete", "wal"];

const SCHEMA: &str = "
    CREATE TABLE plain(id INTEGER PRIMARY KEY, a INT, b TEXT, c REAL, d BLOB);
    CREATE INDEX plain_a ON plain(a);
    CREATE INDEX plain_b ON plain(b COLLATE NOCASE, c DESC);
    CREATE UNIQUE INDEX plain_ca ON plain(c, a, id);
    CREATE TABLE keyed(k TEXT, n INT, v BLOB, PRIMARY KEY(k, n DESC)) WITHOUT ROWID;
    CREATE INDEX keyed_v ON keyed(v);
    CREATE TABLE gone(x);";

const QUERIES: [&str; 9] = [
    "SELECT id, a, b, c, d FROM plain ORDER BY id",
    "SELECT a, id FROM plain WHERE a BETWEEN 100 AND 400 ORDER BY a, id",
    "SELECT b, c, id FROM plain WHERE b > 'm' COLLATE NOCASE ORDER BY b COLLATE NOCASE, c DESC, id",
    "SELECT c, a, id FROM plain WHERE c IS NOT NULL ORDER BY c, a, id",
    "SELECT count(*), count(a), sum(length(d)), min(b), max(c) FROM plain",
    "SELECT k, n, v FROM keyed ORDER BY k, n DESC",
    "SELECT v, k, n FROM keyed WHERE v > x'80' ORDER BY v, k, n DESC",
    "SELECT count(*) FROM gone",
    "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
];

/// A fresh file with the schema, made by an engine.
fn create(engine: EngineName, file: &Path, page_size: u32, journal_mode: &str) -> Box<dyn Subject> {
    let mut subject = open(engine, file);
    rows(subject.as_mut(), &format!("PRAGMA page_size={page_size}"), &[]);
    rows(
        subject.as_mut(),
        &format!("PRAGMA journal_mode={journal_mode}"),
        &[],
    );
    rows(subject.as_mut(), "PRAGMA synchronous=off", &[]);
    for statement in SCHEMA.split(';').filter(|text| !text.trim().is_empty()) {
        rows(subject.as_mut(), statement, &[]);
    }
    subject
}

/// Does `count` random changes in a few transactions; some are rolled back, by savepoint or whole.
fn change(subject: &mut dyn Subject, random: &mut Random, count: usize) {
    rows(subject, "PRAGMA synchronous=off", &[]);
    let mut done = 0;
    while done < count {
        rows(subject, "BEGIN", &[]);
        let kept = !random.one_in(5);
        for _ in 0..random.below(60) + 1 {
            change_one(subject, random);
            done += 1;
        }
        if random.one_in(3) {
            rows(subject, "SAVEPOINT s", &[]);
            (0..random.below(20)).for_each(|_| change_one(subject, random));
            rows(
                subject,
                if random.one_in(2) {
                    "ROLLBACK TO s"
                } else {
                    "RELEASE s"
                },
                &[],
            );
        }
        rows(subject, if kept { "COMMIT" } else { "ROLLBACK" }, &[]);
    }
}

fn change_one(subject: &mut dyn Subject, random: &mut Random) {
    let id = Datum::Integer(random.below(3000) as i64);
    let (sql, parameters) = match random.below(10) {
        0..4 => (
            "INSERT OR REPLACE INTO plain VALUES(?1, ?2, ?3, ?4, ?5)",
            plain_row(id, random),
        ),
        4 => (
            "UPDATE plain SET a = ?2, b = ?3 WHERE id = ?1",
            plain_row(id, random)[..3].to_vec(),
        ),
        5 => (
            "UPDATE plain SET d = ?2 WHERE a = ?1",
            vec![Datum::Integer(random.below(500) as i64), value(random)],
        ),
        6 => ("DELETE FROM plain WHERE id BETWEEN ?1 AND ?1 + 3", vec![id]),
        7 | 8 => (
            "INSERT OR REPLACE INTO keyed VALUES(?1, ?2, ?3)",
            vec![key(random), small(random), value(random)],
        ),
        _ => ("DELETE FROM keyed WHERE k = ?1", vec![key(random)]),
    };
    rows(subject, sql, &parameters);
}

fn plain_row(id: Datum, random: &mut Random) -> Vec<Datum> {
    let b = if random.one_in(8) {
        Datum::Null
    } else {
        key(random)
    };
    let c = if random.one_in(8) {
        Datum::Null
    } else {
        Datum::Real(random.below(1000) as f64 / 8.0)
    };
    vec![id, small(random), b, c, value(random)]
}

fn small(random: &mut Random) -> Datum {
    Datum::Integer(random.below(500) as i64 - 10)
}

fn key(random: &mut Random) -> Datum {
    let bound = if random.one_in(30) { 900 } else { 9 };
    let len = 1 + random.below(bound);
    let text = random.letters(len);
    Datum::Text(
        if random.one_in(2) {
            text.to_uppercase()
        } else {
            text
        }
        .into_bytes(),
    )
}

/// A blob: mostly short, at times over many pages.
fn value(random: &mut Random) -> Datum {
    let bound = match random.below(40) {
        0 => 150_000,
        1..5 => 6_000,
        _ => 90,
    };
    let len = random.below(bound);
    Datum::Blob(random.bytes(len))
}

#[test]
fn files_of_sqlite_are_read_with_equal_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::from_environment(1);
    for page_size in PAGE_SIZES {
        for journal_mode in JOURNAL_MODES {
            let file = folder.path().join(format!("{page_size}-{journal_mode}.db"));
            let mut sqlite = create(EngineName::Sqlite, &file, page_size, journal_mode);
            change(sqlite.as_mut(), &mut random, 250);
            rows(sqlite.as_mut(), "DROP TABLE gone", &[]);
            // The connection stays open, so that a log is left for Aludel to read.
            assert_same_rows(&file, &QUERIES[..7]);
            drop(sqlite);
            assert_same_rows(&file, &QUERIES[..7]);
            assert_sound(EngineName::Aludel, &file);
        }
    }
}

#[test]
fn files_of_aludel_are_sound_to_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::from_environment(2);
    for page_size in PAGE_SIZES {
        for journal_mode in JOURNAL_MODES {
            let file = folder.path().join(format!("{page_size}-{journal_mode}.db"));
            let mut ours = create(EngineName::Aludel, &file, page_size, journal_mode);
            change(ours.as_mut(), &mut random, 250);
            drop(ours);
            assert_sound(EngineName::Sqlite, &file);
            assert_same_rows(&file, &QUERIES);
        }
    }
}

#[test]
fn each_engine_goes_on_with_what_the_other_wrote() {
    const ROUNDS: usize = 10;
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::from_environment(3);
    for (page_size, journal_mode) in [(512, "delete"), (4096, "wal"), (1024, "wal"), (65536, "delete")] {
        let file = folder.path().join(format!("{page_size}-{journal_mode}.db"));
        drop(create(EngineName::Aludel, &file, page_size, journal_mode));
        for _ in 0..ROUNDS {
            for engine in [EngineName::Sqlite, EngineName::Aludel] {
                change(open(engine, &file).as_mut(), &mut random, 150);
                assert_sound(EngineName::Sqlite, &file);
                assert_sound(EngineName::Aludel, &file);
            }
        }
        assert_same_rows(&file, &QUERIES);
    }
}

#[test]
fn a_hundred_thousand_rows_with_three_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.db");
    let mut sqlite = create(EngineName::Sqlite, &file, 4096, "delete");
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO plain SELECT i, i * 7919 % 1009, 'row ' || (i * 104729 % 99991), i * 31 % 9973 / 4.0, zeroblob(i % 50) FROM n";
    rows(sqlite.as_mut(), fill, &[]);
    rows(
        sqlite.as_mut(),
        "DELETE FROM plain WHERE id BETWEEN 20000 AND 30000",
        &[],
    );
    drop(sqlite);
    let free = run(EngineName::Aludel, &file, "PRAGMA freelist_count");
    assert_eq!(free, run(EngineName::Sqlite, &file, "PRAGMA freelist_count"));
    assert!(
        matches!(free[0][0], Datum::Integer(pages) if pages > 0),
        "the freelist is in use"
    );
    assert_same_rows(&file, &QUERIES);
    assert_sound(EngineName::Aludel, &file);
    let mut random = Random::from_environment(4);
    change(open(EngineName::Aludel, &file).as_mut(), &mut random, 400);
    assert_sound(EngineName::Sqlite, &file);
    assert_same_rows(&file, &QUERIES);
}

/// Files of rare shapes: each engine goes on with what the other wrote, checks it and reads the same.
#[test]
fn files_of_every_encoding_reserve_and_vacuum_mode() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::from_environment(5);
    let shapes = [
        ("PRAGMA encoding='UTF-16le'", 0),
        ("PRAGMA encoding='UTF-16be'; PRAGMA page_size=512", 0),
        (
            "PRAGMA page_size=65536; PRAGMA auto_vacuum=full; PRAGMA encoding='UTF-16le'",
            0,
        ),
        ("PRAGMA page_size=1024", 255),
        ("PRAGMA page_size=65536; PRAGMA auto_vacuum=incremental", 255),
        (
            "PRAGMA page_size=1024; PRAGMA auto_vacuum=full; PRAGMA encoding='UTF-16be'",
            33,
        ),
        ("PRAGMA page_checksum=on; PRAGMA auto_vacuum=full", 0),
    ];
    for (number, (setup, reserved)) in shapes.into_iter().enumerate() {
        for maker in [EngineName::Aludel, EngineName::Sqlite] {
            let file = folder.path().join(format!("{number}-{maker:?}.db"));
            let prepared = reserved > 0 || setup.contains("checksum");
            if prepared {
                // Only ours can be asked for reserved bytes.
                let options = aludel_sql::OpenOptions::new().reserved_bytes(reserved);
                let ours = aludel_sql::Connection::open_with(&file, &options).unwrap();
                ours.execute_batch(setup).unwrap();
                ours.execute_batch("CREATE TABLE first(a); DROP TABLE first")
                    .unwrap();
            }
            let mut subject = open(maker, &file);
            // SQLite takes an encoding for a file that has another, and ruins it.
            let setup_now = if prepared { "" } else { setup };
            let statements = setup_now.split(';').chain(SCHEMA.split(';'));
            for statement in statements.filter(|text| !text.trim().is_empty()) {
                rows(subject.as_mut(), statement, &[]);
            }
            drop(subject);
            for engine in [maker, EngineName::Sqlite, EngineName::Aludel, EngineName::Sqlite] {
                change(open(engine, &file).as_mut(), &mut random, 100);
                assert_sound(EngineName::Sqlite, &file);
                assert_sound(EngineName::Aludel, &file);
            }
            assert_same_rows(&file, &QUERIES);
            run(EngineName::Aludel, &file, "VACUUM");
            assert_sound(EngineName::Sqlite, &file);
            assert_same_rows(&file, &QUERIES);
            let reserve = std::fs::read(&file).unwrap()[20];
            assert_eq!(reserve, if setup.contains("checksum") { 16 } else { reserved });
        }
    }
}
