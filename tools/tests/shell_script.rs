//! The shell without a terminal: standard input, `-c`, files. What it prints, where it points, and how it ends.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with `notes.db`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = rusqlite::Connection::open(folder.path().join("notes.db")).unwrap();
    let script = "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body BLOB, short TEXT AS (substr(title, 1, 2)));
         CREATE INDEX note_title ON note(title);
         CREATE VIEW titled AS SELECT id, title FROM note;
         CREATE TRIGGER made AFTER INSERT ON note BEGIN UPDATE note SET body = 1 WHERE id = new.id AND 0; END;
         CREATE TABLE tag(name TEXT PRIMARY KEY, n REAL) WITHOUT ROWID;
         INSERT INTO note VALUES (1, 'it''s', x'00ff'), (2, NULL, NULL), (3, 'two' || char(10) || 'lines', 1.5);
         INSERT INTO tag VALUES ('a', 9e999), ('b', -0.5);";
    sqlite.execute_batch(script).unwrap();
    folder
}

fn shell(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .arg("shell")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A shell that has ended reads no more.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, stdout: &str, stderr: &str) {
    let folder = folder();
    let output = shell(folder.path(), arguments, input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        stdout,
        "{input}: {error}"
    );
    assert_eq!(error, stderr, "{input}");
    assert_eq!(output.status.code(), Some(code), "{input}");
}

#[test]
fn statements_and_commands_run_in_their_order() {
    let input = "SELECT id, title\nFROM note WHERE id < 3;\n.mode list\nSELECT 1; SELECT 2;\n.print done\nSELECT 'end'";
    let expected = "\
┌────┬───────┐
│ id │ title │
├────┼───────┤
│  1 │ it's  │
│  2 │ NULL  │
└────┴───────┘
1
2
done
end
";
    check(&["notes.db"], input, 0, expected, "");
}

#[test]
fn an_error_has_its_line_and_what_follows_runs() {
    let input = "SELECT 1;\nSELECT 2;\n\nSELECT nope\n FROM note;\nSELECT 3;\n.nope\n";
    let error = "line 4: no such column: nope\n  SELECT nope\n         ^\nline 7: unknown command .nope; .help lists the commands\n";
    check(&["notes.db", "--mode", "list"], input, 2, "1\n2\n3\n", error);
}

#[test]
fn bail_stops_at_the_first_error() {
    let error = "line 1: near \"x\": syntax error\n  SELECT 1 FORM x y;\n                ^\n";
    let input = "SELECT 1 FORM x y;\nSELECT 2;\n";
    check(&["notes.db", "--bail", "-m", "list"], input, 2, "", error);
}

#[test]
fn commands_of_the_command_line_run_and_exit_has_its_code() {
    let arguments = [
        "notes.db",
        "-c",
        ".mode csv",
        "-c",
        "SELECT id FROM note ORDER BY id",
        "-c",
        ".exit 7",
        "-c",
        "SELECT 8",
    ];
    check(&arguments, "", 7, "id\n1\n2\n3\n", "");
    check(
        &["-c", "SELECT 1 AS memory", "-m", "json"],
        "",
        0,
        "[{\"memory\":1}]\n",
        "",
    );
}

#[test]
fn a_file_is_read_only_unless_told_and_never_made() {
    let folder = folder();
    let file = folder.path().join("notes.db");
    let before = std::fs::read(&file).unwrap();
    let output = shell(
        folder.path(),
        &["notes.db"],
        "DELETE FROM note; CREATE TABLE x(a);",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("readonly"),
        "{output:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let missing = shell(folder.path(), &["mistyped.db"], "SELECT 1;");
    assert_eq!(missing.status.code(), Some(3));
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing was made");
    let written = shell(
        folder.path(),
        &["notes.db", "--write"],
        "DELETE FROM note; SELECT changes();",
    );
    assert!(written.status.success());
    let made = shell(folder.path(), &["new.db", "--new"], "CREATE TABLE t(a);");
    assert!(made.status.success() && folder.path().join("new.db").exists());
    assert_eq!(
        shell(folder.path(), &["new.db", "--new"], "").status.code(),
        Some(3)
    );
}

#[test]
fn a_log_that_was_left_is_shown_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let source = rusqlite::Connection::open(folder.path().join("live.db")).unwrap();
    source
        .execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);")
        .unwrap();
    let crash = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        std::fs::copy(
            folder.path().join(format!("live.db{suffix}")),
            crash.path().join(format!("left.db{suffix}")),
        )
        .unwrap();
    }
    let log = std::fs::read(crash.path().join("left.db-wal")).unwrap();
    let output = shell(crash.path(), &["left.db", "-m", "list"], "SELECT sum(a) FROM t;");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "3\n", "{output:?}");
    assert_eq!(std::fs::read(crash.path().join("left.db-wal")).unwrap(), log);
    assert_eq!(crash.path().read_dir().unwrap().count(), 2);
}

#[test]
fn a_dump_makes_the_same_database() {
    let folder = folder();
    let output = shell(folder.path(), &["notes.db"], ".dump");
    let sqlite = rusqlite::Connection::open_in_memory().unwrap();
    sqlite
        .execute_batch(std::str::from_utf8(&output.stdout).unwrap())
        .unwrap();
    let source = rusqlite::Connection::open(folder.path().join("notes.db")).unwrap();
    for sql in [
        "SELECT group_concat(quote(id) || quote(title) || quote(body) || quote(short)) FROM note",
        "SELECT group_concat(name || quote(n)) FROM tag",
        "SELECT group_concat(type || name || sql) FROM (SELECT * FROM sqlite_schema ORDER BY name)",
    ] {
        let [copy, own] = [&sqlite, &source].map(|connection| {
            connection
                .query_row(sql, (), |row| row.get::<_, String>(0))
                .unwrap()
        });
        assert_eq!(copy, own, "{sql}");
    }
}

#[test]
fn rows_are_imported_in_one_transaction() {
    let folder = folder();
    std::fs::write(folder.path().join("in.csv"), "k,v\na,\"x,\"\"y\"\"\"\nb\nc,2,3\n").unwrap();
    let input = ".mode csv\n.import in.csv fresh\nSELECT * FROM fresh;\n.import in.csv note\nSELECT count(*) FROM note;\n";
    let refused = shell(folder.path(), &["notes.db"], ".import in.csv fresh\n");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains(".open --write"),
        "{refused:?}"
    );
    let output = shell(folder.path(), &["notes.db", "--write"], input);
    let expected = "in.csv:3: 1 values for 2 columns\nin.csv:4: 3 values for 2 columns\n3 rows into fresh\nk,v\na,\"x,\"\"y\"\"\"\nb,\nc,2\ncount(*)\n3\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{output:?}");
    assert_eq!(
        output.status.code(),
        Some(2),
        "text is no rowid: nothing of that file is there"
    );
}

#[test]
fn answers_go_where_they_are_sent() {
    let folder = folder();
    std::fs::write(
        folder.path().join("more.sql"),
        ".print from more\nSELECT 5;\nSELECT bad;\n",
    )
    .unwrap();
    let input = ".mode list\n.once one.txt\nSELECT 1;\nSELECT 2;\n.output all.txt\nSELECT 3;\n.output\n.read more.sql\n.once |tr a-z A-Z\nSELECT 'up';\n";
    let output = shell(folder.path(), &["notes.db"], input);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2\nfrom more\n5\nUP\n");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("more.sql:3: no such column: bad"));
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(
        (text("one.txt").as_str(), text("all.txt").as_str()),
        ("1\n", "3\n")
    );
}

#[test]
fn plans_are_trees_and_parameters_have_values() {
    let input = ".mode list\n.explain SELECT * FROM note WHERE id = 7\n.parameter set :k 'it''s'\nSELECT id FROM note WHERE title = :k;\n.parameter list\n";
    let expected = "COMPUTE 4 COLUMNS\n└─ SEARCH note USING PRIMARY KEY (rowid=?)  ~1 row\n1\n:k 'it''s'\n";
    check(&["notes.db"], input, 0, expected, "");
}

#[test]
fn the_schema_and_its_names_are_listed() {
    let input = ".tables\n.indexes\n.schema tag\n.databases\n";
    let folder = folder();
    let output = shell(folder.path(), &["notes.db"], input);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("note    tag     titled"));
    assert_eq!(lines.next(), Some("note_title"));
    assert_eq!(
        lines.next(),
        Some("CREATE TABLE tag(name TEXT PRIMARY KEY, n REAL) WITHOUT ROWID;")
    );
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("main: ") && line.ends_with("notes.db ro")),
        "{text}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(["shell", "notes.db", "-m", "list"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let sql =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000) SELECT x FROM c;\n";
    let _ = child.stdin.take().unwrap().write_all(sql.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).as_ref()
        ),
        (Some(0), "")
    );
}

#[test]
fn dbtools_own_commands_look_into_the_open_file() {
    let folder = folder();
    let output = shell(folder.path(), &["notes.db"], ".page 1\n.check\n");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("page"), "{output:?}");
    let memory = shell(folder.path(), &[], ".page 1\n");
    assert!(
        String::from_utf8_lossy(&memory.stderr).contains("looks into a file"),
        "{memory:?}"
    );
}
