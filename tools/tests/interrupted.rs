//! Ctrl-C in the midst of a long command: exit code 130, what there is so far, and a word that it is not all; no file is left that is not whole.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use support::name;

/// A file that takes every command some seconds.
fn large(folder: &Path) -> PathBuf {
    let file = folder.join("large.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch(
            "PRAGMA page_size=512; PRAGMA journal_mode=off; PRAGMA synchronous=off; BEGIN;
             CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b); CREATE INDEX i ON t(a, b);
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700000)
             INSERT INTO t SELECT i, 'name ' || (i * 7919 % 700001), i / 3.0 FROM n; COMMIT",
        )
        .unwrap();
    file
}

/// How long a process may take until it catches Ctrl-C.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it may work then.
const WORK: Duration = Duration::from_millis(100);

/// Waits until a process catches Ctrl-C, however long it takes to start; where the system does not tell, as long as that may take.
fn wait_until_caught(process: &str) {
    const SIGINT: u64 = 1 << 1;
    let since = Instant::now();
    while since.elapsed() < START_MAX {
        let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
            return std::thread::sleep(Duration::from_millis(250));
        };
        let mut lines = status.lines();
        let caught = lines.find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        if caught.is_some_and(|mask| mask & SIGINT != 0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("process {process} never catches Ctrl-C");
}

/// Runs the program and presses Ctrl-C once it works.
fn pressed(arguments: &[&str]) -> Output {
    let child = Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let number = child.id().to_string();
    // The answer is read meanwhile, so that a full pipe stops nobody.
    let reader = std::thread::spawn(move || child.wait_with_output().unwrap());
    wait_until_caught(&number);
    std::thread::sleep(WORK);
    let kill = Command::new("kill").args(["-INT", &number]).status();
    assert!(kill.unwrap().success(), "{arguments:?} had ended already");
    let output = reader.join().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{arguments:?}: {error}");
    output
}

/// The words on standard error.
fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn long_commands_end_with_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = large(folder.path());
    let file = name(&file);
    for command in ["check", "tables", "space"] {
        let output = pressed(&[command, file, "-f", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["complete"], false, "{command}: {report}");
        assert!(
            report["findings"].as_array().is_none_or(Vec::is_empty),
            "what was left out is no finding: {report}"
        );
    }
    let output = pressed(&["check", file]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.ends_with("(incomplete: interrupted)\n") && !text.contains("ok\n"),
        "{text}"
    );

    let output = pressed(&["dump", file]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("\nROLLBACK; -- interrupted") && !text.contains("\nCOMMIT"));
    assert!(words(&output).contains("interrupted: what is printed is part of the answer"));

    // A picture, a hash and a page have no part.
    for command in [
        &["map", file, "-f", "svg"][..],
        &["hash", file],
        &["page", file, "2"],
    ] {
        let output = pressed(command);
        assert!(output.stdout.is_empty(), "{command:?}");
        assert!(
            words(&output).contains("interrupted: there is no part"),
            "{command:?}"
        );
    }
    a_new_file_that_is_not_whole_goes(folder.path(), file);
}

fn a_new_file_that_is_not_whole_goes(folder: &Path, file: &str) {
    let new = folder.join("new.db");
    let output = pressed(&["salvage", file, "-o", name(&new)]);
    assert!(output.stdout.is_empty());
    assert!(
        words(&output).contains("new.db was not made"),
        "{}",
        words(&output)
    );
    let left: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [Path::new(file)]);
}

#[test]
fn rows_that_were_printed_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.db");
    Connection::open(&file)
        .unwrap()
        .execute("CREATE TABLE t(a)", ())
        .unwrap();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    let rows = format!("{endless} SELECT x FROM c");
    let output = pressed(&["query", name(&file), &rows, "-f", "csv"]);
    assert!(output.stdout.starts_with(b"x\n1\n2\n3\n"));
    assert!(words(&output).contains("interrupted: what is printed is part of the answer"));
    let one = format!("{endless} SELECT count(*) FROM c");
    pressed(&["query", name(&file), &one]);
}
