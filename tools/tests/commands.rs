//! The program as a user runs it: exit codes, formats, and that nothing is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

struct Fixture {
    folder: TempDir,
    file: PathBuf,
}

/// A folder with one database, made by SQLite.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    sqlite
        .execute_batch(
            "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body BLOB);
             CREATE INDEX note_title ON note(title);
             CREATE TABLE tag(name TEXT PRIMARY KEY) WITHOUT ROWID;
             INSERT INTO note VALUES(1, 'a,b', x'00ff'), (2, NULL, NULL), (3, 'say \"hi\"', 'text');
             INSERT INTO tag VALUES('x');
             PRAGMA user_version=42;",
        )
        .unwrap();
    Fixture { folder, file }
}

fn dbtool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn check(arguments: &[&str], code: i32, stdout: &str) {
    let output = dbtool(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{arguments:?}");
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn query_prints_rows_in_each_format() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    let sql = "SELECT id, title, body FROM note ORDER BY id";
    let csv = "id,title,body\n1,\"a,b\",00ff\n2,,\n3,\"say \"\"hi\"\"\",text\n";
    check(&["query", name(&file), sql, "--format", "csv"], 0, csv);
    let json = concat!(
        "{\"schema\":\"dbtool/query/1\",\"columns\":[\"id\",\"title\",\"body\"],\"rows\":[\n",
        "[1,\"a,b\",{\"hex\":\"00ff\"}],\n[2,null,null],\n[3,\"say \\\"hi\\\"\",\"text\"]\n],\"complete\":true}\n"
    );
    check(&["query", name(&file), sql, "-f", "json"], 0, json);
    let plain = " id  title     body\n  1  a,b       x'00ff'\n  2  NULL      NULL\n  3  say \"hi\"  text\n";
    check(&["query", name(&file), sql], 0, plain);
}

#[test]
fn query_changes_the_file_only_when_told() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    let before = fs::read(&file).unwrap();
    let output = dbtool(&["query", name(&file), "DELETE FROM note"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("readonly"),
        "{output:?}"
    );
    assert_eq!(fs::read(&file).unwrap(), before);
    check(
        &["query", name(&file), "DELETE FROM note WHERE id = 1", "--write"],
        0,
        "",
    );
    check(
        &[
            "query",
            name(&file),
            "SELECT count(*) AS n FROM note",
            "-f",
            "csv",
        ],
        0,
        "n\n2\n",
    );
}

#[test]
fn reading_commands_leave_file_and_folder_alone() {
    let Fixture { folder, file } = fixture();
    let before = fs::read(&file).unwrap();
    for command in ["info", "schema", "tables", "check"] {
        for format in ["table", "plain", "json", "ndjson", "csv", "tsv"] {
            let output = dbtool(&[command, name(&file), "-f", format]);
            assert_eq!(output.status.code(), Some(0), "{command} {format}: {output:?}");
            // A clean file has no finding to list, so there a line format prints at most its header.
            assert!(
                !output.stdout.is_empty() || (command, format) == ("check", "ndjson"),
                "{command} {format}"
            );
        }
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        1,
        "nothing was created"
    );
}

#[test]
fn json_answers_say_what_they_are() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    for command in ["info", "schema", "tables", "check"] {
        let output = dbtool(&[command, name(&file), "--format", "json"]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["schema"], format!("dbtool/{command}/1"));
        assert_eq!(document["complete"], true);
        match command {
            "info" => assert_eq!(document["header"]["user_version"], 42),
            "schema" => assert_eq!(document["entries"].as_array().unwrap().len(), 3),
            "tables" => assert_eq!(document["tables"][0]["rows"], 3),
            _ => assert_eq!(document["clean"], true),
        }
    }
}

#[test]
fn schema_prints_sql_that_makes_it_again() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    let output = dbtool(&["schema", name(&file)]);
    let sql = String::from_utf8(output.stdout).unwrap();
    rusqlite::Connection::open_in_memory()
        .unwrap()
        .execute_batch(&sql)
        .unwrap();
    assert_eq!(sql.matches("CREATE").count(), 3);
}

#[test]
fn a_file_alone_is_its_identity_card() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    let output = dbtool(&[name(&file)]);
    assert_eq!(output.stdout, dbtool(&["info", name(&file)]).stdout);
    assert!(String::from_utf8_lossy(&output.stdout).contains("UTF-8"));
}

#[test]
fn what_cannot_be_opened_is_exit_code_3() {
    let Fixture { folder, file: _ } = fixture();
    let missing = folder.path().join("missing.db");
    let text = folder.path().join("letter.txt");
    fs::write(&text, "Dear reader, this is not a database. ".repeat(40)).unwrap();
    for command in ["info", "schema", "tables", "check"] {
        for path in [&missing, &text, &folder.path().to_owned()] {
            assert_eq!(
                dbtool(&[command, name(path)]).status.code(),
                Some(3),
                "{command} {}",
                path.display()
            );
        }
    }
    assert_eq!(
        dbtool(&["query", name(&missing), "SELECT 1"]).status.code(),
        Some(3)
    );
    assert!(!missing.exists(), "a mistyped name creates nothing");
}

#[test]
fn wrong_calls_are_exit_code_2() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    assert_eq!(dbtool(&["query", name(&file)]).status.code(), Some(2));
    assert_eq!(
        dbtool(&["info", name(&file), "--format", "nothing"])
            .status
            .code(),
        Some(2)
    );
    let output = dbtool(&["query", name(&file), "SELECT * FORM note"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("near \"FORM\": syntax error") && error.contains('^'),
        "{error}"
    );
}

#[test]
fn damage_is_found_and_told_by_the_exit_code() {
    let Fixture {
        folder: _folder,
        file,
    } = fixture();
    let mut bytes = fs::read(&file).unwrap();
    // The second page is the root of `note`: its first byte is the page type.
    bytes[4096] = 0x77;
    fs::write(&file, &bytes).unwrap();
    let output = dbtool(&["check", name(&file)]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!output.stdout.is_empty());
    assert_eq!(
        dbtool(&["query", name(&file), "SELECT * FROM note"])
            .status
            .code(),
        Some(4)
    );
    assert_eq!(dbtool(&["tables", name(&file)]).status.code(), Some(4));
}
