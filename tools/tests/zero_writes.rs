//! No reading command changes a byte or a folder entry, whatever state the file is in, and each shows the recovered rows.
//!
//! Looked at in two ways: all bytes and names before and after, and, where `strace` is there, the system calls themselves.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use support::{Scene, answer, dbtool, name, picture, scenes};

/// Every reading command with arguments that make it do its work.
const READING: &[&[&str]] = &[
    &["info"],
    &["schema"],
    &["tables"],
    &["query", "SELECT count(*), sum(length(body)) FROM note"],
    &["query", "SELECT * FROM note ORDER BY title DESC", "--explain"],
    &["rows", "note"],
    &["check"],
    &["check", "--quick"],
    &["page", "2", "--hex"],
    &["cell", "1:0"],
    &["freelist"],
    &["ptrmap"],
    &["overflow"],
    &["wal", "frames"],
    &["wal", "pages"],
    &["journal"],
    &["shm"],
    &["locks"],
    &["space"],
    &["map", "-f", "svg"],
    &["map", "--by", "owner"],
    &["map", "-f", "html"],
    &["tree", "note"],
    &["tree", "note_title", "-f", "svg"],
    &["schema", "--graph"],
    &["hash"],
    &["dump"],
    &["dump", "--table", "note", "-f", "ndjson"],
];

/// The command with the file behind its name.
fn call<'a>(command: &[&'a str], file: &'a Path) -> Vec<&'a str> {
    let mut arguments = vec![command[0], name(file)];
    arguments.extend(&command[1..]);
    arguments
}

#[track_caller]
fn leaves_all_alone(scene: &Scene, extra: &[&str]) {
    for command in READING {
        let before = picture(scene.folder.path());
        let mut arguments = call(command, &scene.file);
        arguments.extend(extra);
        let output = dbtool(&arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}: {arguments:?}: {error}",
            scene.name
        );
        assert!(!output.stdout.is_empty(), "{}: {arguments:?}", scene.name);
        assert_eq!(
            picture(scene.folder.path()),
            before,
            "{}: {arguments:?}",
            scene.name
        );
    }
}

#[test]
fn no_command_changes_a_byte_or_a_name() {
    for scene in scenes() {
        leaves_all_alone(&scene, &[]);
        leaves_all_alone(&scene, &["--no-lock"]);
    }
}

#[test]
fn each_state_shows_the_recovered_rows() {
    for scene in scenes() {
        let sql = "SELECT count(*) FROM note";
        for extra in [None, Some("--no-lock")] {
            let mut arguments = vec!["query", name(&scene.file), sql, "-f", "csv"];
            arguments.extend(extra);
            assert_eq!(
                answer(&arguments, 0),
                format!("count(*)\n{}\n", scene.rows),
                "{}",
                scene.name
            );
        }
    }
}

#[test]
fn new_files_are_made_beside_nothing() {
    for scene in scenes() {
        let before = picture(scene.folder.path());
        let elsewhere = tempfile::tempdir().unwrap();
        let (copied, salvaged) = (
            elsewhere.path().join("copy.db"),
            elsewhere.path().join("salvaged.db"),
        );
        answer(&["copy", name(&scene.file), name(&copied)], 0);
        let count = "SELECT count(*) FROM note";
        let rows = |file: &Path| {
            rusqlite::Connection::open(file)
                .unwrap()
                .query_row(count, (), |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(rows(&copied), scene.rows, "{}", scene.name);
        answer(&["salvage", name(&scene.file), "-o", name(&salvaged)], 0);
        assert_eq!(rows(&salvaged), scene.rows, "{}", scene.name);
        answer(&["salvage", name(&scene.file), "-o", name(&salvaged)], 2);
        answer(&["copy", name(&scene.file), name(&copied)], 2);
        assert_eq!(picture(scene.folder.path()), before, "{}", scene.name);
        let left = picture(elsewhere.path());
        let names: Vec<&Path> = left
            .keys()
            .map(|path| Path::new(path.file_name().unwrap()))
            .collect();
        assert!(
            names
                .iter()
                .all(|name| !name.to_string_lossy().starts_with(".dbtool")),
            "{names:?}"
        );
    }
}

#[test]
fn the_card_names_the_state() {
    let states: Vec<String> = scenes()
        .iter()
        .map(|scene| {
            let card: serde_json::Value =
                serde_json::from_str(&answer(&["info", name(&scene.file), "-f", "json"], 0)).unwrap();
            format!(
                "{}: {}, {}",
                scene.name,
                card["state"].as_str().unwrap(),
                card["read_with"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            "clean: sound, shared lock",
            "log and wal-index left over: has_log, shared lock and a mark of the unused wal-index",
            "log left over: has_log, shared lock, and a comparison of the log at the end",
            "hot journal: needs_rollback, shared lock",
            "live log: has_log, shared lock and read mark 2",
            "live rollback writer: sound, shared lock",
        ]
    );
}

#[test]
fn a_folder_without_write_permission_is_read_all_the_same() {
    for scene in scenes() {
        let folder = scene.folder.path();
        for file in picture(folder).keys() {
            fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        leaves_all_alone(&scene, &[]);
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// System calls that change files or their names. Opening is looked at by its flags.
const CHANGING: &str = "write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,\
    mkdir,mkdirat,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,utimensat,mmap,open,openat,openat2,creat";

#[test]
fn no_system_call_can_change_the_file() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("strace is not here: only bytes and names were compared");
        return;
    }
    for scene in scenes() {
        for command in READING {
            let log = tempfile::NamedTempFile::new().unwrap();
            let output = Command::new("strace")
                .args([
                    "-f",
                    "-y",
                    "-o",
                    name(log.path()),
                    "-e",
                    &format!("trace={CHANGING}"),
                ])
                .arg(env!("CARGO_BIN_EXE_dbtool"))
                .args(call(command, &scene.file))
                .output()
                .unwrap();
            assert_eq!(
                output.status.code(),
                Some(0),
                "{}: {command:?}: {output:?}",
                scene.name
            );
            let folder = scene.folder.path().canonicalize().unwrap();
            let calls = fs::read_to_string(log.path()).unwrap();
            let touching = calls.lines().filter(|line| line.contains(name(&folder)));
            let bad: Vec<&str> = touching.filter(|line| !only_reads(line)).collect();
            assert!(bad.is_empty(), "{}: {command:?}: {bad:#?}", scene.name);
            // The system's list of locks needs no look into the file.
            let is_seen = calls.contains("notes.db") || command[0] == "locks";
            assert!(is_seen, "the trace shows the file being opened: {command:?}");
        }
    }
}

/// Whether a traced call on a file of the folder can only read.
fn only_reads(line: &str) -> bool {
    let call = line.split_whitespace().nth(1).unwrap_or_default();
    // The second half of a call during which another thread made one: the first half, with all arguments, is a line of its own.
    if call == "<..." {
        return true;
    }
    if call.starts_with("open") {
        return line.contains("O_RDONLY") && !line.contains("O_CREAT") && !line.contains("O_TRUNC");
    }
    if call.starts_with("mmap") {
        return !line.contains("PROT_WRITE") || line.contains("MAP_PRIVATE");
    }
    // Our own answer may name the file: it goes to a pipe.
    call.starts_with("write(1<") || call.starts_with("write(2<")
}
