//! JSON.md against what the commands print: each member printed is documented, and each member documented is printed.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;
use support::{answer, clean, dbtool, hot_journal, live_log, log_left_over, name};

/// Members by answer.
type Members = BTreeMap<String, BTreeSet<String>>;

const DOCUMENT: &str = include_str!("../JSON.md");

/// Members that no scene here has.
const RARE: &[&str] = &["dbtool/salvage/1 failures[]"];

/// What the document says: the paths of the first column of each table.
fn documented() -> Members {
    let (mut members, mut names) = (Members::new(), Vec::new());
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            names = heading.split(", ").map(str::to_owned).collect();
        }
        let Some(cell) = line.strip_prefix("| `").and_then(|row| row.split(" | ").next()) else {
            continue;
        };
        let paths = cell.trim_end_matches('`').split("`, `").map(str::to_owned);
        for path in paths {
            for name in &names {
                members.entry(name.clone()).or_default().insert(path.clone());
            }
        }
    }
    members
}

/// The paths of a value. A blob is a value, not an object with a member `hex`.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if !(object.len() == 1 && object.contains_key("hex")) => {
            for (key, value) in object {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                paths(value, &path, found);
            }
        }
        Value::Array(array) => {
            for value in array {
                paths(value, &format!("{path}[]"), found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

/// Notes the members of an answer.
fn note(text: &str, members: &mut Members) {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let schema = value["schema"].as_str().unwrap().to_owned();
    assert!(
        value["complete"].is_boolean() || schema == "dbtool/progress/1",
        "{text}"
    );
    let mut found = BTreeSet::new();
    paths(&value, "", &mut found);
    found.remove("schema");
    found.remove("complete");
    members.entry(schema).or_default().extend(found);
}

/// Answers of all commands about files of all kinds.
fn printed() -> Members {
    let mut members = Members::new();
    let mut run = |arguments: &[&str]| {
        let output = dbtool(&[arguments, &["-f", "json"]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.stdout.is_empty(), "{arguments:?}: {error}");
        note(&String::from_utf8(output.stdout).unwrap(), &mut members);
    };
    let scene = clean();
    let (file, folder) = (name(&scene.file), scene.folder.path());
    for arguments in [
        &["info", file][..],
        &["schema", file],
        &["schema", file, "note"],
        &["tables", file],
        &["query", file, "SELECT * FROM note LIMIT 2"],
        &[
            "query",
            file,
            "SELECT * FROM note JOIN author ON author.id = author",
            "--explain",
        ],
        &["check", file],
        &["page", file, "2"],
        // Of an overflow chain.
        &["page", file, "10"],
        &["cell", file, "1:0"],
        &["overflow", file],
        &["space", file],
        &["map", file],
        &["tree", file, "note"],
        &["hash", file],
        &["freelist", file],
        &["ptrmap", file],
        &["wal", file],
        &["journal", file],
        &["shm", file],
        &["locks", file],
        &["salvage", file, "-o", name(&folder.join("salvaged.db"))],
        &["copy", file, name(&folder.join("copy.db"))],
    ] {
        run(arguments);
    }
    let other = changed(folder);
    for arguments in [
        &["diff", file, &other][..],
        &["diff", file, &other, "--pages"],
        &["freelist", &other],
        &["ptrmap", &other],
        &["page", &other, "5"],
    ] {
        run(arguments);
    }
    for number in 2..40 {
        run(&["page", &other, &number.to_string()]);
    }
    let log = log_left_over(true);
    for view in ["commits", "frames", "pages"] {
        run(&["wal", name(&log.file), view]);
    }
    run(&["shm", name(&log.file)]);
    let live = live_log();
    run(&["shm", name(&live.file)]);
    run(&["locks", name(&live.file)]);
    run(&["info", name(&live.file)]);
    run(&["journal", name(&hot_journal().file)]);
    // The root of `note` is damaged.
    let mut bytes = fs::read(&scene.file).unwrap();
    bytes[1024] = 0x77;
    fs::write(&scene.file, bytes).unwrap();
    run(&["check", file]);
    run(&["salvage", file, "-o", name(&folder.join("again.db"))]);
    let progress = dbtool(&["space", file, "--progress", "json"]);
    let progress = String::from_utf8(progress.stderr).unwrap();
    note(progress.lines().next().unwrap(), &mut members);
    members
}

/// Another database of the same tables: another encoding, a pointer map, free pages, holes in pages.
fn changed(folder: &Path) -> String {
    let file = folder.join("other.db");
    let sqlite = Connection::open(&file).unwrap();
    let dump = answer(&["dump", name(&folder.join("notes.db"))], 0);
    sqlite
        .execute_batch("PRAGMA page_size=1024; PRAGMA encoding='UTF-16le'; PRAGMA auto_vacuum=incremental; PRAGMA user_version=7")
        .unwrap();
    sqlite.execute_batch(&dump).unwrap();
    sqlite
        .execute_batch("DELETE FROM note WHERE id % 2 = 0; UPDATE note SET title = 'x' WHERE id = 1; DROP VIEW long_note")
        .unwrap();
    name(&file).to_owned()
}

#[test]
fn the_document_and_the_answers_have_the_same_members() {
    let (documented, printed) = (documented(), printed());
    let findings = &documented["dbtool/check/1"];
    let mut wrong = Vec::new();
    for (schema, found) in &printed {
        let Some(known) = documented.get(schema) else {
            wrong.push(format!("{schema} is not in JSON.md"));
            continue;
        };
        for path in found {
            let is_finding = path.starts_with("findings[].") && findings.contains(path);
            if !known.contains(path) && !is_finding {
                wrong.push(format!("{schema}: {path} is not in JSON.md"));
            }
        }
    }
    // Answers that one table is about have its members between them.
    let chains: BTreeSet<&String> = ["freelist", "ptrmap", "overflow"]
        .iter()
        .filter_map(|name| printed.get(&format!("dbtool/{name}/1")))
        .flatten()
        .collect();
    for (schema, known) in &documented {
        let Some(found) = printed.get(schema) else {
            wrong.push(format!("{schema} is in JSON.md, and no command here prints it"));
            continue;
        };
        let is_chain = known.contains("trunks[].page");
        for path in known {
            let is_printed = found.contains(path) || (is_chain && chains.contains(path));
            if !is_printed && !RARE.contains(&&*format!("{schema} {path}")) {
                wrong.push(format!(
                    "{schema}: {path} is in JSON.md, and nothing here prints it"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
