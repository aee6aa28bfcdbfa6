//! The shell in a terminal.

mod support;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use support::terminal::{PATIENCE, Terminal, home};

const RED: u8 = 1;
const CYAN: u8 = 6;
/// The grey of hints.
const GREY: u8 = 8;

#[test]
fn a_statement_is_answered_in_a_box_and_the_prompt_tells_the_state() {
    let terminal = Terminal::open();
    terminal.run("SELECT id, title FROM note;");
    terminal.wait("│  2 │ second │");
    terminal.run(".open --write");
    terminal.wait("notes.db rw>");
    terminal.run("BEGIN;");
    terminal.wait("notes.db rw*>");
    terminal.run("ROLLBACK;");
    terminal.until("the end of the transaction", |text| {
        text.trim_end().ends_with("notes.db rw>")
    });
    terminal.leave();
}

#[test]
fn input_goes_on_until_the_statement_is_whole() {
    let terminal = Terminal::open();
    terminal.run("SELECT 'a;b',");
    terminal.wait("...>");
    terminal.run("       7 * 6 AS answer;");
    terminal.wait("answer");
    terminal.wait("│ a;b   │     42 │");
    terminal.leave();
}

#[test]
fn the_prompt_of_a_further_line_tells_how_many_parentheses_are_open() {
    let terminal = Terminal::open();
    terminal.run("SELECT (1 + (2 * 3");
    terminal.wait("(2 more)>");
    terminal.run(")");
    terminal.wait("(1 more)>");
    terminal.run(") AS sum");
    terminal.wait("...>");
    terminal.run(";");
    terminal.wait("│   7 │");
    terminal.leave();
}

#[test]
fn the_timer_tells_what_was_read_and_what_the_cache_had() {
    let terminal = Terminal::open();
    terminal.run(".timer on");
    terminal.run("SELECT count(*) AS notes FROM note;");
    terminal.wait("time 0.");
    terminal.wait("page");
    terminal.run("SELECT count(*) AS again FROM note;");
    terminal.until("a second answer from the cache", |text| {
        text.lines()
            .rfind(|line| line.starts_with("time "))
            .is_some_and(|line| {
                line.contains("no page read, ")
                    && line.contains("cache hit")
                    && !line.contains(", 0 cache hits")
            })
    });
    terminal.leave();
}

#[test]
fn explain_shows_the_plan_as_a_tree_with_expected_rows() {
    let terminal = Terminal::open();
    terminal.run(".explain SELECT title FROM note JOIN tag ON note_id = note.id ORDER BY title");
    terminal.until("a tree", |text| {
        text.contains("├─ ") && text.contains("└─ ") && text.contains("SCAN tag") && text.contains("row")
    });
    let text = terminal.text();
    let estimated = text
        .lines()
        .filter(|line| line.contains('~') && line.contains(" row"));
    assert!(estimated.count() >= 2, "{text}");
    terminal.leave();
}

#[test]
fn pragmas_their_values_functions_and_files_are_completed() {
    let home = home();
    std::fs::write(home.path().join("setup.sql"), "SELECT 'from the file' AS word;\n").unwrap();
    let terminal = Terminal::shell(home, &[]);
    terminal.wait("notes.db ro>");
    terminal.keys("PRAGMA journal_m\t");
    terminal.wait("PRAGMA journal_mode");
    terminal.keys(" = trun\t");
    terminal.wait("= TRUNCATE");
    terminal.cancel();
    terminal.keys("SELECT group_con\t");
    terminal.wait("SELECT group_concat(");
    terminal.cancel();
    terminal.run(".read set\t");
    terminal.wait("│ from the file │");
    terminal.leave();
}

/// The place is that of the line which has it.
#[test]
fn an_error_in_a_statement_of_several_lines_points_into_its_line() {
    let terminal = Terminal::open();
    terminal.run("SELECT 1,");
    terminal.wait("...>");
    terminal.run("2 FORM note;");
    terminal.until("the caret", |text| {
        let mut lines = text
            .lines()
            .skip_while(|line| !line.contains("near \"note\""))
            .skip(1);
        let (sql, caret) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        sql.find("note;")
            .is_some_and(|place| caret.find('^') == Some(place))
    });
    terminal.leave();
}

#[test]
fn control_r_searches_the_history() {
    let terminal = Terminal::open();
    terminal.run("SELECT 'needle' AS found;");
    terminal.wait("│ needle │");
    terminal.run("SELECT 'other' AS found;");
    terminal.wait("│ other │");
    terminal.keys("\x12need");
    terminal.wait("(history: need)");
    terminal.keys("\r\r");
    terminal.until("the statement again", |text| {
        text.matches("│ needle │").count() == 2
    });
    terminal.leave();
}

#[test]
fn tab_completes_tables_columns_and_keywords() {
    let terminal = Terminal::open();
    // One candidate is taken at once.
    terminal.keys("SELECT * FROM ta\t");
    terminal.wait("SELECT * FROM tag");
    terminal.keys(" WHERE note\t");
    terminal.wait("WHERE note_id");
    terminal.keys(" = 1 ORD\t");
    terminal.wait("= 1 ORDER");
    terminal.cancel();
    // Several are shown in a menu.
    terminal.keys("SELECT * FROM note n WHERE n.\t");
    terminal.until("the menu", |text| {
        ["id", "title", "body"].iter().all(|column| {
            text.lines().any(|line| {
                line.trim_start_matches('>').trim_start().starts_with(column)
                    || line.contains(&format!(" {column}"))
            })
        })
    });
    terminal.keys("\t\r");
    terminal.cancel();
    terminal.leave();
}

#[test]
fn a_dot_command_and_its_argument_are_completed() {
    let terminal = Terminal::open();
    terminal.run(".datab\t");
    terminal.wait("main: ");
    terminal.run(".mode ndj\t");
    terminal.run("SELECT 1 AS one;");
    terminal.wait("{\"one\":1}");
    terminal.leave();
}

#[test]
fn names_that_are_not_there_are_red_while_they_are_written() {
    let terminal = Terminal::open();
    terminal.keys("SELECT titel, count(*) FROM note ");
    terminal.wait_colour("titel", RED);
    terminal.wait_colour("count", CYAN);
    terminal.keys("JOIN nothere x");
    terminal.wait_colour("nothere", RED);
    terminal.cancel();
    terminal.leave();
}

#[test]
fn an_error_points_to_its_place() {
    let terminal = Terminal::open();
    terminal.run("SELECT id FORM note;");
    terminal.wait("near \"note\": syntax error");
    terminal.until("the caret", |text| {
        let mut lines = text
            .lines()
            .skip_while(|line| !line.contains("syntax error"))
            .skip(1);
        let (sql, caret) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        sql.find("note;")
            .is_some_and(|place| caret.find('^') == Some(place))
    });
    terminal.leave();
}

#[test]
fn history_is_kept_for_its_owner_alone_and_hints_come_from_it() {
    let terminal = Terminal::open();
    terminal.run("SELECT 'kept' AS word;");
    terminal.wait("│ kept │");
    terminal.run(" SELECT 'secret' AS word;");
    terminal.wait("│ secret │");
    let home = terminal.leave();
    let file = home.path().join("state/dbtool/history");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("SELECT 'kept' AS word;") && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(mode(&file), 0o600);

    let again = Terminal::shell(home, &[]);
    again.wait("notes.db ro>");
    again.keys("SELECT 'k");
    again.wait("SELECT 'kept' AS word;");
    again.wait_colour("ept' AS word;", GREY);
    again.cancel();
    again.keys("\x1b[A\r");
    again.wait("│ kept │");
    again.leave();
}

#[cfg(unix)]
fn mode(file: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn control_c_stops_the_statement_and_not_the_shell() {
    let terminal = Terminal::open();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;\r";
    terminal.keys(endless);
    // The signal may come before the statement runs: it is sent until it is obeyed.
    let start = Instant::now();
    while !terminal.text().contains("interrupted") {
        assert!(start.elapsed() < PATIENCE, "{}", terminal.text());
        thread::sleep(Duration::from_millis(100));
        terminal.keys("\x03");
    }
    terminal.cancel();
    terminal.run("SELECT 'alive' AS still;");
    terminal.wait("│ alive │");
    terminal.leave();
}

#[test]
fn a_wide_result_is_folded_to_the_terminal_or_becomes_lines() {
    let terminal = Terminal::open();
    terminal.run("SELECT 1 AS id, replace(hex(zeroblob(50)), '00', 'word ') AS text;");
    terminal.wait("│ id │ text");
    let text = terminal.text();
    let grid: Vec<&str> = text.lines().filter(|line| line.starts_with('│')).collect();
    assert!(
        grid.len() > 3 && grid.iter().all(|line| line.ends_with('│')),
        "{text}"
    );
    let columns: Vec<String> = (0..12).map(|i| format!("hex(zeroblob(30)) AS c{i}")).collect();
    terminal.run(&format!("SELECT {};", columns.join(", ")));
    terminal.wait("c11 = 0000");
    terminal.leave();
}

#[test]
fn values_cannot_steer_the_terminal() {
    let terminal = Terminal::open();
    terminal.run("SELECT 'a' || char(27) || '[2Jb' AS sly;");
    terminal.wait("a\\u{1b}[2Jb");
    terminal.run(".mode csv");
    terminal.run("SELECT 'c' || char(27) || '[2Jd' AS sly;");
    terminal.wait("c\\x1b[2Jd");
    terminal.leave();
}

#[test]
fn the_init_file_sets_the_shell_up() {
    let home = home();
    std::fs::create_dir_all(home.path().join("config/dbtool")).unwrap();
    std::fs::write(
        home.path().join("config/dbtool/init"),
        ".mode line\n.headers on\n",
    )
    .unwrap();
    let terminal = Terminal::shell(home, &[]);
    terminal.wait("notes.db ro>");
    terminal.run("SELECT title FROM note WHERE id = 2;");
    terminal.wait("title = second");
    terminal.leave();
}
