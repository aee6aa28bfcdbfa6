//! The shell in a terminal: a pseudo-terminal runs the program, and an emulator of a terminal tells what a person would see.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

const ROWS: u16 = 30;
const COLUMNS: u16 = 90;
/// Far longer than anything takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running shell.
struct Terminal {
    home: TempDir,
    screen: Arc<Mutex<vt100::Parser>>,
    input: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

fn emulator() -> vt100::Parser {
    let size = |count| std::num::NonZero::new(count).unwrap();
    vt100::Parser::new(size(ROWS), size(COLUMNS), 0)
}

/// A folder with a database, which is also home and state folder.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let sqlite = rusqlite::Connection::open(home.path().join("notes.db")).unwrap();
    let script = "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
         CREATE TABLE tag(id INTEGER PRIMARY KEY, note_id INTEGER, name TEXT);
         INSERT INTO note VALUES(1, 'first', 'x'), (2, 'second', NULL);";
    sqlite.execute_batch(script).unwrap();
    home
}

impl Terminal {
    fn start(home: TempDir, arguments: &[&str]) -> Terminal {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_dbtool"));
        command.args(["shell", "notes.db"]);
        command.args(arguments);
        command.cwd(home.path());
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path().join("state"));
        command.env("XDG_CONFIG_HOME", home.path().join("config"));
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(emulator()));
        let input = Arc::new(Mutex::new(pty.master.take_writer().unwrap()));
        follow(
            pty.master.try_clone_reader().unwrap(),
            Arc::clone(&screen),
            Arc::clone(&input),
        );
        Terminal {
            home,
            screen,
            input,
            child,
            _master: pty.master,
        }
    }

    /// A shell over a fresh database, at its prompt.
    fn open() -> Terminal {
        let terminal = Terminal::start(home(), &[]);
        terminal.wait("notes.db ro>");
        terminal
    }

    fn keys(&self, keys: &str) {
        let mut input = self.input.lock().unwrap();
        input.write_all(keys.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !wanted(&self.text()) {
            assert!(
                start.elapsed() < PATIENCE,
                "{what} did not come:\n{}",
                self.text()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn wait(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// The colour of the first letter of the last place where the word stands.
    fn colour_of(&self, word: &str) -> Option<vt100::Color> {
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        let found = screen
            .rows(0, COLUMNS)
            .enumerate()
            .filter_map(|(row, text)| Some((row, text.rfind(word)?)))
            .last()?;
        let column = screen.rows(0, COLUMNS).nth(found.0)?[..found.1].chars().count();
        Some(screen.cell(found.0 as u16, column as u16)?.fgcolor())
    }

    #[track_caller]
    fn wait_colour(&self, word: &str, colour: u8) {
        let start = Instant::now();
        while self.colour_of(word) != Some(vt100::Color::Idx(colour)) {
            let now = self.colour_of(word);
            assert!(start.elapsed() < PATIENCE, "{word} is {now:?}:\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Gives up the line that is written, and waits for the next prompt: keys that come with Ctrl-C go with the line.
    #[track_caller]
    fn cancel(&self) {
        let prompts = |text: &str| text.matches("notes.db r").count();
        let before = prompts(&self.text());
        self.keys("\x03");
        self.until("another prompt", |text| prompts(text) > before);
    }

    /// Leaves the shell; its folder. The key is pressed until it is read as one: between two lines the terminal is not the editor's.
    #[track_caller]
    fn leave(mut self) -> TempDir {
        let start = Instant::now();
        loop {
            self.keys("\x04");
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status:?}");
                return self.home;
            }
            if start.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("the shell does not end:\n{}", self.text());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Shows what the program writes, and answers when it asks where the cursor is.
fn follow(
    mut output: Box<dyn Read + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    input: Arc<Mutex<Box<dyn Write + Send>>>,
) {
    const WHERE: &[u8] = b"\x1b[6n";
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let piece = &bytes[..count];
            let (row, column) = {
                let mut screen = screen.lock().unwrap();
                screen.process(piece);
                screen.screen().cursor_position()
            };
            for _ in piece.windows(WHERE.len()).filter(|window| *window == WHERE) {
                let mut input = input.lock().unwrap();
                let _ = write!(input, "\x1b[{};{}R", row + 1, column + 1);
                let _ = input.flush();
            }
        }
    });
}

const RED: u8 = 1;
const CYAN: u8 = 6;

#[test]
fn a_statement_is_answered_in_a_box_and_the_prompt_tells_the_state() {
    let terminal = Terminal::open();
    terminal.keys("SELECT id, title FROM note;\r");
    terminal.wait("│  2 │ second │");
    terminal.keys(".open --write\r");
    terminal.wait("notes.db rw>");
    terminal.keys("BEGIN;\r");
    terminal.wait("notes.db rw*>");
    terminal.keys("ROLLBACK;\r");
    terminal.until("the end of the transaction", |text| {
        text.trim_end().ends_with("notes.db rw>")
    });
    terminal.leave();
}

#[test]
fn input_goes_on_until_the_statement_is_whole() {
    let terminal = Terminal::open();
    terminal.keys("SELECT 'a;b',\r");
    terminal.wait("...>");
    terminal.keys("       7 * 6 AS answer;\r");
    terminal.wait("answer");
    terminal.wait("│ a;b   │     42 │");
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
    terminal.keys(".datab\t\r");
    terminal.wait("main: ");
    terminal.keys(".mode ndj\t\r");
    terminal.keys("SELECT 1 AS one;\r");
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
    terminal.keys("SELECT id FORM note;\r");
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
    terminal.keys("SELECT 'kept' AS word;\r");
    terminal.wait("│ kept │");
    terminal.keys(" SELECT 'secret' AS word;\r");
    terminal.wait("│ secret │");
    let home = terminal.leave();
    let file = home.path().join("state/dbtool/history");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("SELECT 'kept' AS word;") && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(mode(&file), 0o600);

    let again = Terminal::start(home, &[]);
    again.wait("notes.db ro>");
    again.keys("SELECT 'k");
    again.wait("SELECT 'kept' AS word;");
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
    terminal.keys("SELECT 'alive' AS still;\r");
    terminal.wait("│ alive │");
    terminal.leave();
}

#[test]
fn a_wide_result_is_folded_to_the_terminal_or_becomes_lines() {
    let terminal = Terminal::open();
    terminal.keys("SELECT 1 AS id, replace(hex(zeroblob(50)), '00', 'word ') AS text;\r");
    terminal.wait("│ id │ text");
    let text = terminal.text();
    let grid: Vec<&str> = text.lines().filter(|line| line.starts_with('│')).collect();
    assert!(
        grid.len() > 3 && grid.iter().all(|line| line.ends_with('│')),
        "{text}"
    );
    let columns: Vec<String> = (0..12).map(|i| format!("hex(zeroblob(30)) AS c{i}")).collect();
    terminal.keys(&format!("SELECT {};\r", columns.join(", ")));
    terminal.wait("c11 = 0000");
    terminal.leave();
}

#[test]
fn values_cannot_steer_the_terminal() {
    let terminal = Terminal::open();
    terminal.keys("SELECT 'a' || char(27) || '[2Jb' AS sly;\r");
    terminal.wait("a\\u{1b}[2Jb");
    terminal.keys(".mode csv\r");
    terminal.keys("SELECT 'c' || char(27) || '[2Jd' AS sly;\r");
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
    let terminal = Terminal::start(home, &[]);
    terminal.wait("notes.db ro>");
    terminal.keys("SELECT title FROM note WHERE id = 2;\r");
    terminal.wait("title = second");
    terminal.leave();
}
