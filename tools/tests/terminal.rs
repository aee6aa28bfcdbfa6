//! Answers on a terminal: the pager, colours, and who is told of progress.

mod support;

use std::process::Command;

use support::terminal::{ROWS, Terminal, home};
use support::{clean, name};

/// A pager that marks what went through it.
const MARKS: (&str, &str) = ("DBTOOL_PAGER", "sed 's/^/paged: /' | tail -n 3");

/// More rows than the screen has lines.
const MANY: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n";

#[test]
fn a_long_answer_goes_through_the_pager() {
    let (code, text) = Terminal::start(home(), &["query", "notes.db", MANY], &[MARKS]).end();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("paged: │ 100 │"), "{text}");
}

#[test]
fn what_fits_is_printed_as_it_is() {
    let (code, text) = Terminal::start(home(), &["rows", "notes.db", "note"], &[MARKS]).end();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("second") && !text.contains("paged"), "{text}");
}

#[test]
fn there_is_no_pager_where_none_is_wanted() {
    for (arguments, variable) in [
        (&["query", "notes.db", MANY, "--no-pager"][..], MARKS),
        (&["query", "notes.db", MANY], ("PAGER", "")),
        (&["query", "notes.db", MANY], ("PAGER", "cat")),
        // For programs nothing is changed by who looks on.
        (&["query", "notes.db", MANY, "-f", "csv"], MARKS),
    ] {
        let (code, text) = Terminal::start(home(), arguments, &[variable]).end();
        assert_eq!(code, 0, "{text}");
        assert!(
            text.contains("100") && !text.contains("paged"),
            "{arguments:?}: {text}"
        );
    }
}

/// A pager that is left at once is no failure; nor is one that is not there.
#[test]
fn a_pager_that_ends_early_or_does_not_start() {
    let head = ("DBTOOL_PAGER", "head -n 2");
    assert_eq!(
        Terminal::start(home(), &["query", "notes.db", MANY], &[head])
            .end()
            .0,
        0
    );
    let missing = ("DBTOOL_PAGER", "/nowhere/no-such-pager");
    let (code, text) = Terminal::start(home(), &["query", "notes.db", MANY], &[missing]).end();
    assert!(code == 0 && text.contains("no-such-pager"), "{code}: {text}");
}

#[test]
fn a_terminal_has_colours_unless_told_otherwise() {
    let has_colour = |variables: &[(&str, &str)]| {
        let terminal = Terminal::start(home(), &["map", "notes.db"], variables);
        terminal.wait("table leaf");
        let colours = terminal.colours();
        terminal.end();
        colours > 1
    };
    assert!(has_colour(&[]));
    assert!(!has_colour(&[("NO_COLOR", "1")]));
}

/// Work that takes long has a bar, which is gone at the end; it comes on a terminal only.
#[test]
fn a_bar_is_there_while_something_takes_long() {
    let bench = ["bench", "--new", "--rows", "200", "--seconds", "0.1"];
    let mut terminal = Terminal::start(home(), &bench, &[]);
    let mut seen = false;
    while terminal.runs() {
        seen |= terminal.text().contains('█') && terminal.text().contains('/');
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (code, text) = terminal.end();
    assert!(code == 0 && seen, "{code}, {seen}: {text}");
    assert!(text.lines().count() <= usize::from(ROWS));
}

#[test]
fn what_is_done_at_once_shows_no_bar() {
    let (code, text) = Terminal::start(home(), &["space", "notes.db", "-f", "csv"], &[]).end();
    assert_eq!(code, 0);
    assert!(!text.contains('█') && !text.contains("left"), "{text}");
}

/// Programs read progress from standard error, an object a line; nobody else gets anything there.
#[test]
fn progress_for_programs() {
    let scene = clean();
    let run = |progress: &str| {
        let arguments = ["space", name(&scene.file), "-f", "json", "--progress", progress];
        let output = Command::new(env!("CARGO_BIN_EXE_dbtool"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(run("auto"), "");
    assert_eq!(run("never"), "");
    let objects: Vec<serde_json::Value> = run("json")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = objects.last().unwrap();
    assert_eq!(last["schema"], "dbtool/progress/1");
    assert_eq!(last["done"], true);
    assert!(last["done_bytes"].as_u64() <= last["total_bytes"].as_u64());
}
