//! No reading command changes a byte or a folder entry, whatever state the file is in, and each shows the recovered rows.
//!
//! Looked at in three ways: all bytes and names before and after; as a user whom the system refuses to write there; and, where `strace` is
//! there, the system calls themselves.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use support::{Scene, answer, name, picture, scenes};

/// Stands for another file that a command writes, or compares with: it is in a folder of its own.
const NEW: &str = "{new}";
const OTHER: &str = "{other}";

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
    &["wal"],
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
    &["diff", OTHER],
    &["diff", OTHER, "--summary"],
    &["diff", OTHER, "--patch"],
    &["diff", OTHER, "--pages"],
    &["copy", NEW],
    &["salvage", "-o", NEW],
    &[
        "shell",
        "-c",
        "SELECT count(*) FROM note; PRAGMA journal_mode=wal; DELETE FROM note; VACUUM",
        "-c",
        ".tables",
        "-c",
        ".dump",
        "-c",
        ".check --quick",
    ],
];

/// The commands of [`READING`] that have something to tell: the exit code which they end with.
fn expected_code(scene: &Scene, command: &[&str]) -> i32 {
    // The other file is that of a scene without a log; a journal mode is a difference of pages.
    let same = scene.rows == 300 && (!command.contains(&"--pages") || !scene.name.contains("log"));
    match command {
        ["diff", ..] => i32::from(!same),
        // The statements that would write are refused, and told of.
        ["shell", ..] => 2,
        _ => 0,
    }
}

/// A folder for what a command writes or compares with, which anybody may write to.
struct Elsewhere(tempfile::TempDir);

impl Elsewhere {
    fn new() -> Elsewhere {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let other = support::clean();
        let copied = folder.path().join("other.db");
        fs::copy(&other.file, &copied).unwrap();
        fs::set_permissions(&copied, fs::Permissions::from_mode(0o444)).unwrap();
        Elsewhere(folder)
    }

    /// The command with the file behind its name.
    fn call(&self, command: &[&str], file: &Path) -> Vec<String> {
        let new = self.0.path().join("new.db");
        let _ = fs::remove_file(&new);
        let words = command[1..].iter().map(|word| match *word {
            NEW => name(&new).to_owned(),
            OTHER => name(&self.0.path().join("other.db")).to_owned(),
            word => word.to_owned(),
        });
        [command[0].to_owned(), name(file).to_owned()]
            .into_iter()
            .chain(words)
            .collect()
    }
}

/// Who runs the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// The user who runs the tests.
    Tester,
    /// One whom permissions bind, though the tests run as root.
    Nobody,
}

impl Who {
    fn command(self, program: &Path) -> Command {
        const NOBODY: u32 = 65_534;
        let mut command = Command::new(program);
        if self == Who::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Somebody who cannot write into a folder without write permission; none where the tests run as root and may not become another user.
    fn without_power(program: &Path) -> Option<Who> {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        [Who::Tester, Who::Nobody].into_iter().find(|who| {
            let runs = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
            let writes = who
                .command(Path::new("touch"))
                .arg(folder.path().join("x"))
                .output();
            let is_refused = writes.is_ok_and(|output| !output.status.success());
            is_refused && runs(who.command(program).arg("--version"))
        })
    }
}

/// The program where every user finds it.
fn program(folder: &Path) -> std::path::PathBuf {
    let copied = folder.join("dbtool");
    fs::copy(env!("CARGO_BIN_EXE_dbtool"), &copied).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&copied, fs::Permissions::from_mode(0o755)).unwrap();
    copied
}

#[track_caller]
fn leaves_all_alone(who: Who, program: &Path, scene: &Scene, extra: &[&str]) {
    let elsewhere = Elsewhere::new();
    for command in READING {
        // A script has no other way of reading.
        if command[0] == "shell" && !extra.is_empty() {
            continue;
        }
        let before = picture(scene.folder.path());
        let arguments = elsewhere.call(command, &scene.file);
        let output = who
            .command(program)
            .args(&arguments)
            .args(extra)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(expected_code(scene, command)),
            "{}: {arguments:?}: {error}",
            scene.name
        );
        let may_be_empty = command.contains(&"--patch");
        assert!(
            may_be_empty || !output.stdout.is_empty(),
            "{}: {arguments:?}",
            scene.name
        );
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
    let program = Path::new(env!("CARGO_BIN_EXE_dbtool"));
    for scene in scenes() {
        leaves_all_alone(Who::Tester, program, &scene, &[]);
        leaves_all_alone(Who::Tester, program, &scene, &["--no-lock"]);
    }
}

/// A command that nobody has put into [`READING`] is one that nobody has looked at.
#[test]
fn every_command_is_looked_at() {
    use clap::CommandFactory;
    // `help` reads no file; `bench` writes, in a folder of its own, and its tests look at FILE.
    let others = ["help", "bench"];
    for command in aludel_tools::cli::Arguments::command().get_subcommands() {
        let name = command.get_name();
        assert!(
            others.contains(&name) || READING.iter().any(|reading| reading[0] == name),
            "{name} is not in the list"
        );
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
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let who = Who::without_power(&program).unwrap_or_else(|| {
        eprintln!("root cannot become another user here: permissions are set, but do not bite");
        Who::Tester
    });
    for scene in scenes() {
        let folder = scene.folder.path();
        for file in picture(folder).keys() {
            fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        leaves_all_alone(who, &program, &scene, &[]);
        leaves_all_alone(who, &program, &scene, &["--no-lock"]);
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Where the tests run as root, another user is found who cannot write: else the test above shows less than it says.
#[test]
fn the_system_refuses_to_write_there() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let who = Who::without_power(&program);
    assert!(
        who.is_some() || (is_root && Who::Nobody.command(Path::new("true")).output().is_err()),
        "a user who cannot write is to be had, and the program does not run as that one"
    );
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
    let elsewhere = Elsewhere::new();
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
                .args(elsewhere.call(command, &scene.file))
                .output()
                .unwrap();
            assert_eq!(
                output.status.code(),
                Some(expected_code(&scene, command)),
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
