//! Each exit code, as a script meets it.

mod support;

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use support::{clean, dbtool, live_rollback, name};

#[track_caller]
fn ends_with(code: i32, arguments: &[&str]) -> String {
    let output = dbtool(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    error
}

#[test]
fn done_is_0_and_findings_are_1() {
    let scene = clean();
    let file = name(&scene.file);
    for command in [
        "info", "schema", "tables", "check", "space", "map", "hash", "dump", "locks", "freelist",
    ] {
        ends_with(0, &[command, file]);
    }
    ends_with(0, &["diff", file, file]);
    let other = clean();
    rusqlite::Connection::open(&other.file)
        .unwrap()
        .execute("DELETE FROM tag", ())
        .unwrap();
    ends_with(1, &["diff", file, name(&other.file)]);
    let mut bytes = fs::read(&other.file).unwrap();
    // The count of free pages, in the header.
    bytes[39] ^= 7;
    fs::write(&other.file, bytes).unwrap();
    ends_with(1, &["check", name(&other.file)]);
}

#[test]
fn a_wrong_call_is_2_and_says_what_would_be_right() {
    let scene = clean();
    let file = name(&scene.file);
    for arguments in [
        &["nothing-such", file, "x"][..],
        &["info"],
        &["info", file, "--format", "nothing"],
        &["page", file, "100000"],
        &["cell", file, "1"],
        &["tree", file, "nowhere"],
        &["schema", file, "nowhere"],
        &["query", file, "SELECT * FORM note"],
        &["query", file, "DELETE FROM note"],
        &["help", "nothing"],
        &["rows", file, "note", "-f", "svg"],
        &["shell", file, "--mode", "nothing", "-c", "SELECT 1"],
    ] {
        assert!(!ends_with(2, arguments).is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_opened_is_3_and_is_not_made() {
    let scene = clean();
    let missing = scene.folder.path().join("missing.db");
    let text = scene.folder.path().join("letter.txt");
    fs::write(&text, "Dear reader, this is no database. ".repeat(40)).unwrap();
    for file in [&missing, &text, &scene.folder.path().to_owned()] {
        for command in ["info", "tables", "map", "check", "dump", "hash", "space"] {
            ends_with(3, &[command, name(file)]);
        }
        ends_with(3, &["query", name(file), "SELECT 1"]);
        ends_with(3, &["shell", name(file), "-c", "SELECT 1"]);
    }
    assert!(!missing.exists());
}

#[test]
fn damage_in_the_way_is_4_and_the_rest_is_printed() {
    let scene = clean();
    let mut bytes = fs::read(&scene.file).unwrap();
    // The root of `note`, which the schema names second.
    bytes[1024] = 0x77;
    fs::write(&scene.file, bytes).unwrap();
    let file = name(&scene.file);
    for command in ["tables", "dump"] {
        let output = dbtool(&[command, file]);
        assert_eq!(output.status.code(), Some(4), "{command}: {output:?}");
        assert!(!output.stdout.is_empty(), "{command}");
    }
    ends_with(4, &["query", file, "SELECT * FROM note"]);
}

#[test]
fn a_writer_that_does_not_end_is_5() {
    let scene = live_rollback();
    // The lock of a commit that waits for nothing.
    scene.live[0].execute_batch("ROLLBACK; BEGIN EXCLUSIVE").unwrap();
    let error = ends_with(5, &["tables", name(&scene.file), "--wait", "0.05"]);
    assert!(error.contains("--wait") && error.contains("--no-lock"), "{error}");
}

/// What is interrupted prints what it has.
#[test]
fn control_c_is_130() {
    let scene = clean();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let mut child = Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(["query", name(&scene.file), endless, "-f", "ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    // It runs, and listens, once there are rows; the rest is read so that it does not wait for us.
    let mut first = [0; 64];
    out.read_exact(&mut first).unwrap();
    let rest = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()).unwrap());
    let pressed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(pressed.success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(
        error.contains("interrupted: what is printed is part of the answer"),
        "{error}"
    );
    assert!(String::from_utf8_lossy(&first).starts_with("{\"i\":1}\n"));
    assert!(rest.join().unwrap() > 0);
}

/// `dbtool ... | head` is no failure, and says nothing.
#[test]
fn a_reader_that_went_away_is_0() {
    let scene = clean();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    for arguments in [
        &["query", name(&scene.file), endless, "-f", "csv"][..],
        &["dump", name(&scene.file)],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dbtool"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}
