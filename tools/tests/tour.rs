//! The tour in README.md: its commands are run, and their output is what stands there. `UPDATE_GOLDEN=1` writes the blocks and the picture anew.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use tempfile::TempDir;

const MUSIC: &str = include_str!("tour/music.sql");

/// The files that the tour looks at: one that is sound, one with a damaged page, one whose writer died.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sqlite = Connection::open(at("music.db")).unwrap();
    sqlite.execute_batch(MUSIC).unwrap();
    drop(sqlite);
    let mut bytes = fs::read(at("music.db")).unwrap();
    // The first byte of page 400, a leaf of `track`, says what kind of page it is.
    bytes[399 * 1024] = 0x77;
    fs::write(at("bad.db"), bytes).unwrap();
    died(&at("music.db"), &at("died.db"));
    folder
}

/// A copy in the middle of a transaction: with no room in memory, pages are in the file before the commit.
fn died(from: &Path, to: &Path) {
    let work = from.with_file_name("work.db");
    fs::copy(from, &work).unwrap();
    let sqlite = Connection::open(&work).unwrap();
    sqlite
        .execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; UPDATE track SET price = price + 1")
        .unwrap();
    fs::copy(&work, to).unwrap();
    let journal = |file: &Path| PathBuf::from(format!("{}-journal", file.display()));
    fs::copy(journal(&work), journal(to)).unwrap();
    drop(sqlite);
    fs::remove_file(work).unwrap();
}

/// What a command prints, as in a shell whose output is no terminal.
fn run(folder: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_dbtool"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// The version of SQLite that made the files is another one some day.
fn masked(text: &str) -> String {
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let mut parts = text.split("SQLite ");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| {
        text + "SQLite " + part.trim_start_matches(digits)
    });
    let lines = text
        .lines()
        .map(|line| match line.strip_prefix("sqlite version") {
            Some(_) => "sqlite version\n".to_owned(),
            None => format!("{line}\n"),
        });
    lines.collect()
}

/// The commands of a block; one goes on while a quote is open.
fn commands(block: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push(command.to_owned()),
            (None, Some(last)) if last.matches('"').count() % 2 == 1 => {
                last.push('\n');
                last.push_str(line);
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn the_tour_shows_what_the_commands_print() {
    let folder = files();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let (mut anew, mut blocks) = (String::new(), 0);
    let mut rest = readme.as_str();
    while let Some((before, behind)) = rest.split_once("```text\n$ ") {
        let (block, after) = behind.split_once("```").unwrap();
        let block = format!("$ {block}");
        let ran: String = commands(&block)
            .iter()
            .map(|command| format!("$ {command}\n{}", run(folder.path(), command)))
            .collect();
        if std::env::var_os("UPDATE_GOLDEN").is_none() {
            assert_eq!(
                masked(&block),
                masked(&ran),
                "README.md; UPDATE_GOLDEN=1 writes it anew"
            );
        }
        anew.extend([before, "```text\n", &ran, "```"]);
        rest = after;
        blocks += 1;
    }
    anew.push_str(rest);
    assert!(blocks >= 8, "the tour has {blocks} blocks");
    if std::env::var_os("UPDATE_GOLDEN").is_some() && anew != readme {
        fs::write(&file, anew).unwrap();
    }
}

#[test]
fn the_picture_in_the_tour_is_the_map_of_its_file() {
    let folder = files();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/page-map.svg");
    let drawn = run(folder.path(), "dbtool map music.db -f svg");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &drawn).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap() == drawn,
        "docs/page-map.svg is not what `map` draws; UPDATE_GOLDEN=1 writes it anew"
    );
}
