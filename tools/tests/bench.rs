//! `dbtool bench`: what it prints has its form, FILE is left alone, and nothing is left behind. No time is judged.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn dbtool(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// A folder with a small database in WAL mode whose log was left over.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = rusqlite::Connection::open(folder.path().join("a.db")).unwrap();
    let script = "PRAGMA journal_mode=WAL; CREATE TABLE small(a); INSERT INTO small VALUES (1);
         CREATE TABLE large(id INTEGER PRIMARY KEY, t TEXT);
         WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500) INSERT INTO large SELECT x, hex(randomblob(20)) FROM c;";
    sqlite.execute_batch(script).unwrap();
    for suffix in ["", "-wal"] {
        std::fs::copy(
            folder.path().join(format!("a.db{suffix}")),
            folder.path().join(format!("b.db{suffix}")),
        )
        .unwrap();
    }
    drop(sqlite);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("a.db{suffix}")));
    }
    folder
}

fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn json_has_each_work_and_the_file_is_left_alone() {
    let folder = folder();
    let before = bytes(folder.path());
    let output = dbtool(
        folder.path(),
        &["bench", "b.db", "--seconds", "0.01", "-f", "json"],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        bytes(folder.path()) == before,
        "nothing was written, made or left"
    );
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["schema"], &json["table"], &json["rows"]),
        (&"dbtool/bench/1".into(), &"large".into(), &500.into())
    );
    assert_eq!(json["complete"], true);
    let results = json["results"].as_array().unwrap();
    let works: BTreeSet<&str> = results
        .iter()
        .map(|result| result["work"].as_str().unwrap())
        .collect();
    let expected = [
        "checkpoint",
        "commit",
        "insert",
        "point read",
        "range read",
        "scan",
        "update",
    ];
    assert_eq!(works.into_iter().collect::<Vec<_>>(), expected);
    let commits: BTreeSet<(&str, &str)> = results
        .iter()
        .filter(|result| result["work"] == "commit")
        .map(|result| {
            (
                result["journal_mode"].as_str().unwrap(),
                result["synchronous"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(commits.len(), 16);
    for result in results {
        let number = |name: &str| result[name].as_f64().unwrap();
        assert!(number("operations") >= 1.0 && number("rate") > 0.0, "{result}");
        let order = ["p50_us", "p90_us", "p99_us", "max_us"].map(number);
        assert!(order.is_sorted(), "{result}");
        let counted: u64 = result["distribution"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bucket| bucket["count"].as_u64().unwrap())
            .sum();
        assert_eq!(counted as f64, number("operations"));
    }
}

#[test]
fn a_new_file_is_measured_and_gone_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for (format, begins) in [
        ("table", "a new file in "),
        ("csv", "work,journal_mode,"),
        ("svg", "<svg "),
    ] {
        let arguments = [
            "bench",
            "--new",
            "--rows",
            "200",
            "--seconds",
            "0.005",
            "-f",
            format,
        ];
        let output = dbtool(folder.path(), &arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.starts_with(begins),
            "{format}: {text}"
        );
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{format}");
        if format == "svg" {
            assert!(text.contains("commit wal full") && text.trim_end().ends_with("</svg>"));
            assert!(!text.contains("NaN") && !text.contains("<script"));
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), "no database").unwrap();
    let code = |arguments: &[&str]| dbtool(folder.path(), arguments).status.code();
    assert_eq!(code(&["bench", "missing.db"]), Some(3));
    assert_eq!(code(&["bench", "text"]), Some(3));
    assert_eq!(code(&["bench"]), Some(2));
    if cfg!(not(feature = "peer-sqlite")) {
        let output = dbtool(folder.path(), &["bench", "--new", "--peer", "sqlite"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--features peer-sqlite"));
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn control_c_leaves_no_file_and_prints_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(["bench", "--new", "--rows", "100", "--seconds", "30", "-f", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The scratch folder tells that it has begun.
    while folder.path().read_dir().unwrap().count() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["complete"], false);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
