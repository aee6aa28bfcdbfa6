//! `aludel migrate` on files of the native engine, which stock SQLite then reads.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aludel_tools::error::Exit;
use aludel_tools::migrate::{Failure, execute};

/// A folder with a database, its migrations and a file of wanted tables.
struct Place {
    folder: tempfile::TempDir,
}

const OLD: &str = "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER, rating INTEGER NOT NULL DEFAULT 3);\n\
     CREATE TABLE books (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES authors (id), title TEXT NOT NULL, price REAL);\n\
     CREATE INDEX by_title ON books (title);\n\
     CREATE VIEW dear AS SELECT title FROM books WHERE price > 5;\n";

const ROWS: &str = "INSERT INTO authors (id, name, born) VALUES (1, 'Lem', 1921), (2, 'Le Guin', 1929), (5, 'Anon', NULL);\n\
     INSERT INTO books VALUES (1, 1, 'Solaris', 9.5), (2, 1, 'Fiasco', NULL), (9, 5, 'Beowulf', 3.0);";

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { folder };
        let connection = aludel_sql::Connection::open(place.database()).unwrap();
        connection.execute_batch(OLD).unwrap();
        connection.execute_batch(ROWS).unwrap();
        place
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("library.db")
    }

    fn migrations(&self) -> PathBuf {
        self.folder.path().join("migrations")
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.migrations()).map_or(0, Iterator::count)
    }

    /// Writes the wanted tables, and gives the path.
    fn wanted(&self, sql: &str) -> String {
        let path = self.folder.path().join("schema.sql");
        std::fs::write(&path, sql).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let url = format!("sqlite:///{}?synchronous=off", self.database().display());
        let dir = self.migrations().display().to_string();
        let start = [
            "migrate".to_owned(),
            "--database".into(),
            url,
            "--dir".into(),
            dir,
        ];
        start
            .into_iter()
            .chain(words.iter().map(|word| (*word).to_owned()))
            .collect()
    }

    fn run(&self, words: &[&str]) -> Result<(Exit, String), Failure> {
        let mut out = Vec::new();
        let exit = execute(self.arguments(words), None, &mut out)?;
        Ok((exit, String::from_utf8(out).unwrap()))
    }

    #[track_caller]
    fn ok(&self, words: &[&str]) -> String {
        let (exit, text) = self.run(words).unwrap();
        assert_eq!(exit, Exit::Done, "{text}");
        text
    }

    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let failure = self.run(words).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        failure.to_string()
    }

    /// Stock SQLite finds the file sound; the sum of what is in it.
    #[track_caller]
    fn stock(&self, query: &str) -> String {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        let one = |sql: &str| -> String {
            let value = connection.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0));
            match value.unwrap() {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(one("PRAGMA integrity_check"), "ok");
        assert_eq!(one("SELECT count(*) FROM pragma_foreign_key_check"), "0");
        one(query)
    }
}

/// What every change keeps.
const KEPT: &str = "SELECT group_concat(b.id || b.title || coalesce(b.price, '-') || a.name, ' ' ORDER BY b.id) \
     FROM books b JOIN authors a ON a.id = b.author";

/// A change: what is exchanged in the wanted SQL, and the words for it.
type Change = (&'static str, fn(&str) -> String, &'static [&'static str]);

/// Each is brought there and back by the command alone.
#[test]
fn kinds_of_change_on_a_file_that_stock_sqlite_reads() {
    let changes: Vec<Change> = vec![
        (
            "add a table",
            |s| format!("{s} CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT UNIQUE);"),
            &[],
        ),
        (
            "add a column",
            |s| s.replace("born INTEGER", "born INTEGER, mail TEXT"),
            &[],
        ),
        (
            "add a column with a default",
            |s| s.replace("born INTEGER", "born INTEGER, n INTEGER NOT NULL DEFAULT 4"),
            &[],
        ),
        (
            "add a column that needs a value",
            |s| s.replace("born INTEGER", "born INTEGER, initial TEXT NOT NULL"),
            &["--fill", "authors.initial=substr(name, 1, 1)"],
        ),
        (
            "add the time as a default",
            |s| s.replace("born INTEGER", "born INTEGER, t TEXT DEFAULT CURRENT_TIMESTAMP"),
            &[],
        ),
        (
            "drop a column",
            |s| s.replace(", rating INTEGER NOT NULL DEFAULT 3", ""),
            &[],
        ),
        (
            "rename a column",
            |s| s.replace("born INTEGER", "birth INTEGER"),
            &["--rename", "authors.born=birth"],
        ),
        ("change a type", |s| s.replace("born INTEGER", "born TEXT"), &[]),
        (
            "allow NULL",
            |s| s.replace("title TEXT NOT NULL", "title TEXT"),
            &[],
        ),
        (
            "forbid NULL",
            |s| s.replace("born INTEGER", "born INTEGER NOT NULL"),
            &["--fill", "authors.born=0"],
        ),
        (
            "set a default",
            |s| s.replace("price REAL", "price REAL DEFAULT 1.5"),
            &[],
        ),
        ("change a default", |s| s.replace("DEFAULT 3", "DEFAULT 4"), &[]),
        ("drop a default", |s| s.replace(" DEFAULT 3", ""), &[]),
        (
            "add an index",
            |s| format!("{s} CREATE INDEX by_price ON books (price DESC, title);"),
            &[],
        ),
        (
            "drop an index",
            |s| s.replace("CREATE INDEX by_title ON books (title);\n", ""),
            &[],
        ),
        ("rename an index", |s| s.replace("by_title", "ix_title"), &[]),
        (
            "make an index unique and partial",
            |s| {
                s.replace(
                    "INDEX by_title ON books (title)",
                    "UNIQUE INDEX by_title ON books (title) WHERE price > 1",
                )
            },
            &[],
        ),
        (
            "add a unique constraint",
            |s| s.replace("price REAL", "price REAL, UNIQUE (author, title)"),
            &[],
        ),
        (
            "add a check",
            |s| s.replace("price REAL", "price REAL, CHECK (price > 0 or title = 'it''s')"),
            &[],
        ),
        (
            "drop a foreign key",
            |s| s.replace(" REFERENCES authors (id)", ""),
            &[],
        ),
        (
            "change a foreign key",
            |s| {
                s.replace(
                    "authors (id)",
                    "authors (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
                )
            },
            &[],
        ),
        (
            "collate",
            |s| s.replace("name TEXT", "name TEXT COLLATE NOCASE"),
            &[],
        ),
        (
            "compute a column",
            |s| s.replace("price REAL", "price REAL, tax REAL AS (price * 0.19) STORED"),
            &[],
        ),
        (
            "make a table strict",
            |s| s.replace("price REAL)", "price REAL) STRICT"),
            &[],
        ),
        ("change a view", |s| s.replace("price > 5", "price > 4"), &[]),
    ];
    for (what, change, words) in changes {
        let place = Place::new();
        let kept = place.stock(KEPT);
        let wanted = place.wanted(&change(OLD));
        let before = place.wanted(OLD);
        place.wanted(&change(OLD));
        let diff = [&["diff", "change", "--to", &wanted], words].concat();
        let told = place.ok(&diff);
        assert!(told.contains("wrote "), "{what}: {told}");
        place.ok(&["up"]);
        assert_eq!(place.ok(&["diff", "--to", &wanted]), "no differences\n", "{what}");
        assert_eq!(place.stock(KEPT), kept, "{what}");
        place.ok(&["down"]);
        std::fs::remove_dir_all(place.migrations()).unwrap();
        place.wanted(OLD);
        assert_eq!(place.ok(&["diff", "--to", &before]), "no differences\n", "{what}");
        assert_eq!(place.stock(KEPT), kept, "{what}");
    }
}

#[test]
fn a_table_gets_another_name_and_a_table_goes() {
    let place = Place::new();
    let wanted = place.wanted("CREATE TABLE writers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER, rating INTEGER NOT NULL DEFAULT 3);");
    let told = place.ok(&["diff", "--to", &wanted, "--rename", "authors=writers"]);
    assert!(told.contains("rename table `authors` to `writers`\n"), "{told}");
    assert!(told.contains("note: all rows of `books` are lost\n"), "{told}");
    // A view that the file does not have is left alone; this one stands on a table that goes.
    let connection = aludel_sql::Connection::open(place.database()).unwrap();
    connection.execute_batch("DROP VIEW dear").unwrap();
    drop(connection);
    place.ok(&["up"]);
    assert_eq!(place.stock("SELECT count(*) FROM writers"), "3");
    place.ok(&["down"]);
    assert_eq!(place.stock("SELECT count(*) FROM authors"), "3");
    assert_eq!(place.stock("SELECT count(*) FROM books"), "0");
}

#[test]
fn dry_runs_and_checks_change_nothing() {
    let place = Place::new();
    let wanted = place.wanted(&OLD.replace("born INTEGER", "born INTEGER, mail TEXT"));
    let (exit, told) = place.run(&["diff", "--to", &wanted, "--check"]).unwrap();
    assert_eq!(
        (exit, told.as_str()),
        (Exit::Findings, "add column `authors.mail`\n")
    );
    let text = place.ok(&["diff", "--to", &wanted, "--dry-run"]);
    assert!(
        text.contains("-- up\nALTER TABLE authors ADD COLUMN mail TEXT;\n\n-- down\n"),
        "{text}"
    );
    assert_eq!(place.files(), 0);
    place.ok(&["diff", "add_mail", "--to", &wanted]);
    let text = place.ok(&["up", "--dry-run"]);
    assert!(
        text.ends_with("ALTER TABLE authors ADD COLUMN mail TEXT;\n"),
        "{text}"
    );
    assert_eq!(
        place.stock("SELECT count(*) FROM pragma_table_info('authors')"),
        "4"
    );
    place.ok(&["up"]);
    let text = place.ok(&["down", "--dry-run"]);
    assert!(
        text.ends_with("ALTER TABLE authors DROP COLUMN mail;\n"),
        "{text}"
    );
    assert_eq!(
        place.stock("SELECT count(*) FROM pragma_table_info('authors')"),
        "5"
    );
}

#[test]
fn up_down_and_status_of_several() {
    let place = Place::new();
    for name in ["one", "two", "three"] {
        place.ok(&["new", name]);
    }
    let (exit, told) = place.run(&["status"]).unwrap();
    assert_eq!(
        (exit, told.matches(": pending\n").count()),
        (Exit::Findings, 3),
        "{told}"
    );
    let wanted = place.wanted(OLD);
    let refused = place.refused(&["diff", "--to", &wanted]);
    assert!(refused.contains("(one) waits to be applied"), "{refused}");
    let told = place.ok(&["up"]);
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(
        told.lines()
            .all(|line| line.starts_with("up ") && line.ends_with(" ms)")),
        "{told}"
    );
    assert_eq!(place.ok(&["up"]), "nothing to do\n");
    assert!(place.ok(&["down"]).contains(" three ("));
    let told = place.ok(&["down", "0"]);
    assert_eq!(told.lines().count(), 2, "{told}");
    place.ok(&["up"]);
    let told = place.ok(&["status"]);
    assert_eq!(told.matches(": applied 20").count(), 3, "{told}");
}

#[test]
fn drift_is_told() {
    let place = Place::new();
    let connection = aludel_sql::Connection::open(place.database()).unwrap();
    connection
        .execute_batch("DROP VIEW dear; DROP TABLE books; DROP TABLE authors")
        .unwrap();
    let wanted = place.wanted("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    place.ok(&["diff", "--to", &wanted]);
    place.ok(&["up"]);
    assert!(place.ok(&["status", "--drift"]).ends_with("no drift\n"));
    connection
        .execute_batch("CREATE INDEX by_hand ON t (id)")
        .unwrap();
    let (exit, told) = place.run(&["status", "--drift"]).unwrap();
    assert_eq!(exit, Exit::Findings);
    assert!(
        told.ends_with("changed by hand; to take it back:\ndrop index `by_hand` of `t`\n\n"),
        "{told}"
    );
}

#[test]
fn calls_that_make_no_sense_say_what_to_do() {
    let place = Place::new();
    let wanted = place.wanted(OLD);
    for (words, expected) in [
        (vec!["diff"], "what shall the database become?"),
        (
            vec!["diff", "--to", &wanted, "--rename", "x"],
            "`x` has no two sides",
        ),
        (
            vec!["diff", "--to", &wanted, "--rename", "x=y"],
            "the hint that table `x` is now `y` does not fit",
        ),
        (
            vec!["diff", "--to", &wanted, "--fill", "x=1"],
            "`x=1` names no column",
        ),
        (vec!["new", "a b"], "`a b` is no name for a migration"),
        (vec!["up", "sideways"], "invalid value"),
    ] {
        let refused = place.refused(&words);
        assert!(refused.contains(expected), "{refused}");
    }
    let missing = place.run(&["diff", "--to", "nowhere.sql"]).unwrap_err();
    assert_eq!(missing.exit(), Exit::CannotOpen);
    assert!(missing.to_string().starts_with("cannot read nowhere.sql: "));
}

fn program(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aludel"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .output()
        .unwrap()
}

#[test]
fn the_program_ends_with_codes_that_tell() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| program(arguments, folder.path());
    assert_eq!(run(&["--help"]).status.code(), Some(0));
    assert_eq!(run(&["migrate", "nonsense"]).status.code(), Some(2));
    let nothing = run(&["migrate", "up"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).starts_with("aludel: which database? "));
    let new = run(&["migrate", "new", "first"]);
    assert_eq!(new.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&new.stdout).starts_with("wrote migrations/20"));
    let database = ["migrate", "--database", "sqlite:///a.db"];
    assert_eq!(run(&[&database[..], &["status"]].concat()).status.code(), Some(1));
    assert_eq!(run(&[&database[..], &["up"]].concat()).status.code(), Some(0));
    assert_eq!(run(&[&database[..], &["status"]].concat()).status.code(), Some(0));
}

/// The binary of a program's own, with its entities for the metadata.
#[test]
fn entities_are_the_metadata() {
    use aludel::prelude::*;

    #[derive(Entity)]
    #[entity(
        table = "people",
        was = "authors",
        index("lower(name)", name = "ix_people_lower")
    )]
    struct Person {
        #[column(primary_key)]
        id: Id<Person>,
        name: String,
        #[column(was = "born")]
        birth: Option<i64>,
        #[column(default = 3)]
        rating: i64,
    }

    let place = Place::new();
    let connection = aludel_sql::Connection::open(place.database()).unwrap();
    connection
        .execute_batch("DROP VIEW dear; DROP TABLE books")
        .unwrap();
    drop(connection);
    let schema = schema![Person];
    let run = |words: &[&str]| {
        let mut out = Vec::new();
        execute(place.arguments(words), Some(&schema), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let told = run(&["diff", "people"]);
    assert_eq!(
        told.lines().take(3).collect::<Vec<_>>(),
        [
            "rename table `authors` to `people`",
            "rename column `people.born` to `birth`",
            "create index `ix_people_lower` on `people`"
        ]
    );
    run(&["up"]);
    assert_eq!(run(&["diff"]), "no differences\n");
    assert_eq!(place.stock("SELECT sum(birth) FROM people"), "3850");
    run(&["down"]);
    assert_eq!(place.stock("SELECT sum(born) FROM authors"), "3850");
}
