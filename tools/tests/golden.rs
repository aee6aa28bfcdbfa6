//! What each command prints in each format, held against files in `golden/`. `UPDATE_GOLDEN=1` writes them anew; look at the difference before
//! committing it: names of columns and fields are promises.

mod support;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aludel_tools::cli::Arguments;
use clap::CommandFactory;
use support::{Scene, clean, hot_journal, log_left_over};

/// Formats of rows.
const FORMATS: &[&str] = &[
    "plain", "table", "json", "ndjson", "csv", "tsv", "md", "html", "sql",
];

/// Runs the program in the folder of a file, so that no path of this machine is in the answer.
fn printed(scene: &Scene, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .current_dir(scene.folder.path())
        .env_remove("COLUMNS")
        .env_remove("COLORTERM")
        .args(arguments)
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.code(), masked(&text))
}

/// Without what is another at each run: salts and the version of SQLite that made the file.
fn masked(text: &str) -> String {
    let text = text.replace(rusqlite::version(), "VERSION");
    let mut masked = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() || ('a'..='f').contains(&c) {
            digits.push(c);
            continue;
        }
        let is_drawn = matches!(digits.len(), 8 | 16) && digits.chars().any(|digit| digit.is_ascii_digit());
        masked.push_str(if is_drawn { "SALT" } else { &digits });
        digits.clear();
        masked.push(c);
    }
    masked.pop();
    masked
}

#[track_caller]
fn check(name: &str, text: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if let Some(line) = first_difference(&expected, text) {
        panic!("{name} differs from {line}\nUPDATE_GOLDEN=1 writes it anew");
    }
}

fn first_difference(expected: &str, found: &str) -> Option<String> {
    let (mut a, mut b) = (expected.lines(), found.lines());
    for number in 1.. {
        match (a.next(), b.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some(format!("line {number} on:\n  expected {a:?}\n  found    {b:?}")),
        }
    }
    None
}

/// All formats of a command, one behind the other.
#[track_caller]
fn all_formats(name: &str, scene: &Scene, arguments: &[&str]) {
    let mut text = String::new();
    for format in FORMATS {
        let mut arguments = vec![arguments[0], "notes.db"]
            .into_iter()
            .chain(arguments[1..].iter().copied())
            .collect::<Vec<_>>();
        arguments.extend(["-f", format]);
        let (code, printed) = printed(scene, &arguments);
        writeln!(text, "== {format}, exit code {}", code.unwrap()).unwrap();
        text.push_str(&printed);
    }
    check(name, &text);
}

#[test]
fn commands_on_a_clean_file() {
    let scene = clean();
    let commands: &[(&str, &[&str])] = &[
        ("info.txt", &["info"]),
        ("schema.txt", &["schema"]),
        ("schema_of_a_table.txt", &["schema", "note"]),
        ("tables.txt", &["tables"]),
        (
            "query.txt",
            &[
                "query",
                "SELECT id, title, body FROM note WHERE id < 4 UNION ALL SELECT 4, NULL, 1.5",
            ],
        ),
        ("rows.txt", &["rows", "tag"]),
        ("check.txt", &["check"]),
        ("page.txt", &["page", "2"]),
        ("cell.txt", &["cell", "1:2"]),
        ("freelist.txt", &["freelist"]),
        ("ptrmap.txt", &["ptrmap"]),
        ("overflow.txt", &["overflow"]),
        ("locks.txt", &["locks"]),
        ("space.txt", &["space"]),
        ("tree.txt", &["tree", "note_title"]),
        ("map_in_all_formats.txt", &["map"]),
        (
            "plan.txt",
            &[
                "query",
                "SELECT title FROM note JOIN author ON author.id = note.author ORDER BY title; SELECT 1",
                "--explain",
            ],
        ),
    ];
    for (name, arguments) in commands {
        all_formats(name, &scene, arguments);
    }
    let (_, hex) = printed(&scene, &["page", "notes.db", "3", "--hex"]);
    check("page_hex.txt", &hex);
    let (_, plan) = printed(
        &scene,
        &[
            "query",
            "notes.db",
            "SELECT * FROM note JOIN author ON author.id = note.author WHERE title = 'x'",
            "--explain",
        ],
    );
    check("explain.txt", &plan);
}

#[test]
fn commands_on_files_beside() {
    let log = log_left_over(false);
    all_formats("wal_commits.txt", &log, &["wal"]);
    all_formats("wal_frames.txt", &log, &["wal", "frames"]);
    all_formats("wal_pages.txt", &log, &["wal", "pages"]);
    // What lies in a wal-index is a byte order's own.
    #[cfg(target_endian = "little")]
    all_formats("shm.txt", &log_left_over(true), &["shm"]);
    all_formats("shm_missing.txt", &log, &["shm"]);
    all_formats("wal_missing.txt", &clean(), &["wal"]);
    all_formats("journal_missing.txt", &clean(), &["journal"]);
    all_formats("info_with_log.txt", &log, &["info"]);
    let hot = hot_journal();
    all_formats("journal.txt", &hot, &["journal"]);
    all_formats("info_hot_journal.txt", &hot, &["info"]);
}

#[test]
fn damage_in_all_formats() {
    let scene = clean();
    let mut bytes = fs::read(&scene.file).unwrap();
    bytes[1024 + 7] ^= 3;
    bytes[2 * 1024] = 0x77;
    bytes[36..40].copy_from_slice(&[0, 0, 0, 9]);
    fs::write(&scene.file, &bytes).unwrap();
    all_formats("check_damaged.txt", &scene, &["check", "--level", "4"]);
    all_formats("tables_damaged.txt", &scene, &["tables"]);
}

#[test]
fn pictures() {
    let scene = clean();
    for (name, arguments) in [
        ("map.svg", &["map", "notes.db", "-f", "svg"][..]),
        (
            "map_owner.svg",
            &["map", "notes.db", "-f", "svg", "--by", "owner"],
        ),
        ("map.html", &["map", "notes.db", "-f", "html"]),
        ("map.txt", &["map", "notes.db"]),
        ("map_fill.csv", &["map", "notes.db", "-f", "csv", "--by", "fill"]),
        (
            "map_colour.txt",
            &["map", "notes.db", "--color", "always", "--width", "40"],
        ),
        ("tree.svg", &["tree", "notes.db", "note", "-f", "svg"]),
        ("schema_graph.svg", &["schema", "notes.db", "--graph"]),
    ] {
        let (code, picture) = printed(&scene, arguments);
        assert_eq!(code, Some(0), "{picture}");
        assert!(!name.ends_with("svg") || !picture.contains("<script"));
        check(name, &picture);
    }
}

/// Help of each command, the man page and the completions are made from the same definition: what one has, all have.
#[test]
fn help_comes_from_one_definition() {
    let scene = clean();
    let (code, overview) = printed(&scene, &["help"]);
    assert_eq!(code, Some(0));
    check("help/dbtool.txt", &overview);
    let (code, man) = printed(&scene, &["help", "--man"]);
    assert_eq!(code, Some(0));
    check("help/dbtool.1", &man);
    let scripts = ["bash", "zsh", "fish", "elvish", "powershell"].map(|shell| {
        let (code, script) = printed(&scene, &["help", "--completions", shell]);
        assert_eq!(code, Some(0), "{shell}");
        check(&format!("help/completions.{shell}"), &script);
        script
    });
    let definition = Arguments::command();
    for command in definition.get_subcommands() {
        let name = command.get_name();
        let (code, long) = printed(&scene, &["help", name]);
        assert!(code == Some(0) && long.contains("Usage:"), "{name}: {long}");
        check(&format!("help/{name}.txt"), &long);
        assert!(overview.contains(&format!("\n  {name} ")), "{name}");
        assert!(man.contains(&format!("DBTOOL {}", name.to_uppercase())), "{name}");
        let options: Vec<&str> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .collect();
        for script in &scripts {
            assert!(script.contains(name), "{name}");
            let missing: Vec<_> = options
                .iter()
                .filter(|option| !script.contains(**option))
                .collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
        for option in options {
            assert!(long.contains(&format!("--{option}")), "{name} --{option}");
            assert!(man.contains(&option.replace('-', "\\-")), "{name} --{option}");
        }
    }
    assert_eq!(printed(&scene, &["help", "nothing"]).0, Some(2));
}

/// A picture of a large file stays small: what cannot be seen apart is one cell.
#[test]
fn a_map_of_many_pages_is_no_large_picture() {
    let scene = clean();
    let sqlite = rusqlite::Connection::open(&scene.file).unwrap();
    // Pages of two kinds in turn, which is the worst for runs.
    sqlite
        .execute_batch(
            "PRAGMA page_size=512; VACUUM; PRAGMA journal_mode=off; CREATE TABLE big(b);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO big SELECT zeroblob(900) FROM n",
        )
        .unwrap();
    drop(sqlite);
    let (code, svg) = printed(&scene, &["map", "notes.db", "-f", "svg"]);
    assert_eq!(code, Some(0));
    assert!(svg.len() < 2_000_000, "{} bytes", svg.len());
    assert!(Path::new(&scene.file).metadata().unwrap().len() > 100_000 * 512);
}
