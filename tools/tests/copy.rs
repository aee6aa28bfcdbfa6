//! `copy`: consistent copies, also of files that are being written, and nothing left behind when there is none.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use support::{answer, clean, dbtool, name, scenes};

fn one(file: &Path, sql: &str) -> String {
    Connection::open(file)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_copy_has_the_recovered_content_and_needs_no_recovery() {
    for scene in scenes() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        let report: serde_json::Value = serde_json::from_str(&answer(
            &["copy", name(&scene.file), name(&copy), "-f", "json"],
            0,
        ))
        .unwrap();
        assert_eq!(report["schema"], "dbtool/copy/1");
        assert_eq!(report["compared"], true);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "{}", scene.name);
        assert_eq!(report["bytes"], copy.metadata().unwrap().len());
        let hash = |file: &Path| answer(&["hash", name(file)], 0)[..40].to_owned();
        assert_eq!(hash(&copy), hash(&scene.file), "{}", scene.name);
        assert_eq!(one(&copy, "PRAGMA integrity_check"), "ok", "{}", scene.name);
        let state: serde_json::Value =
            serde_json::from_str(&answer(&["info", name(&copy), "-f", "json"], 0)).unwrap();
        assert_eq!(state["state"], "sound", "{}", scene.name);
    }
}

/// Two columns of all rows always have the same sum after a commit; rows come and go, so that pages move.
#[test]
fn copies_made_while_somebody_writes_are_each_one_state() {
    for mode in ["wal", "delete"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("live.db");
        let sqlite = Connection::open(&file).unwrap();
        sqlite
            .execute_batch(&format!(
                "PRAGMA page_size=512; PRAGMA journal_mode={mode}; CREATE TABLE t(a, b, filler); CREATE INDEX i ON t(a);
                 WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
                 INSERT INTO t SELECT i, i, zeroblob(i) FROM n"
            ))
            .unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let sqlite = Connection::open(&file).unwrap();
                sqlite.busy_timeout(Duration::from_secs(20)).unwrap();
                sqlite.execute_batch("PRAGMA synchronous=off; PRAGMA wal_autocheckpoint=20").unwrap();
                for i in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    sqlite
                        .execute_batch(&format!(
                            "BEGIN; UPDATE t SET a = a + {i} WHERE rowid % 5 = {i} % 5; UPDATE t SET b = b + {i} WHERE rowid % 5 = {i} % 5;
                             DELETE FROM t WHERE rowid % 17 = {i} % 17; INSERT INTO t SELECT 3, 3, zeroblob({i} % 900) FROM t LIMIT 30; COMMIT"
                        ))
                        .unwrap();
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            for round in 0..12 {
                let copy = folder.path().join(format!("copy{round}.db"));
                let output = dbtool(&["copy", name(&file), name(&copy), "--wait", "30"]);
                assert_eq!(output.status.code(), Some(0), "{mode}: {output:?}");
                assert_eq!(
                    one(&copy, "PRAGMA integrity_check"),
                    "ok",
                    "{mode}, round {round}"
                );
                assert_eq!(
                    one(&copy, "SELECT 'same ' || (sum(a) = sum(b)) FROM t"),
                    "same 1",
                    "{mode}, round {round}"
                );
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn without_locks_a_copy_is_one_state_or_none() {
    let scene = clean();
    let copy = scene.folder.path().join("copy.db");
    answer(&["copy", name(&scene.file), name(&copy), "--no-lock"], 0);
    assert_eq!(one(&copy, "PRAGMA integrity_check"), "ok");
}

#[test]
fn what_cannot_be_copied_leaves_nothing() {
    let scene = clean();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let run = |from: &Path, to: &Path| dbtool(&["copy", name(from), name(to)]).status.code();
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear reader").unwrap();
    assert_eq!(run(&text, &copy), Some(3));
    assert_eq!(run(&folder.path().join("none"), &copy), Some(3));
    assert_eq!(run(&scene.file, &text), Some(2), "nothing is overwritten");
    assert_eq!(std::fs::read(&text).unwrap(), b"Dear reader");
    assert_eq!(
        run(&scene.file, &folder.path().join("no/such/folder.db")),
        Some(3)
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}
