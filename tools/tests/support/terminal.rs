//! A pseudo-terminal runs the program, and an emulator of a terminal tells what a person would see.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

pub(crate) const ROWS: u16 = 30;
const COLUMNS: u16 = 90;
/// Far longer than anything takes; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs.
pub(crate) struct Terminal {
    pub(crate) home: TempDir,
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
pub(crate) fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let sqlite = rusqlite::Connection::open(home.path().join("notes.db")).unwrap();
    let script = "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
         CREATE TABLE tag(id INTEGER PRIMARY KEY, note_id INTEGER, name TEXT);
         INSERT INTO note VALUES(1, 'first', 'x'), (2, 'second', NULL);";
    sqlite.execute_batch(script).unwrap();
    home
}

impl Terminal {
    /// A shell over the database.
    pub(crate) fn shell(home: TempDir, arguments: &[&str]) -> Terminal {
        Terminal::start(home, &[&["shell", "notes.db"], arguments].concat(), &[])
    }

    /// The program in the folder, with variables of the environment.
    pub(crate) fn start(home: TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Terminal {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_dbtool"));
        command.args(arguments);
        command.cwd(home.path());
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path().join("state"));
        command.env("XDG_CONFIG_HOME", home.path().join("config"));
        command.env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "COLORTERM", "PAGER", "DBTOOL_PAGER", "LESS"] {
            command.env_remove(name);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
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
    pub(crate) fn open() -> Terminal {
        let terminal = Terminal::shell(home(), &[]);
        terminal.wait("notes.db ro>");
        terminal
    }

    pub(crate) fn keys(&self, keys: &str) {
        let mut input = self.input.lock().unwrap();
        input.write_all(keys.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Writes a line when the prompt is there: between two lines the terminal is not the editor's, and keys of that time mean something else.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) {
        self.until("the prompt", |text| text.trim_end().ends_with('>'));
        self.keys(&format!("{line}\r"));
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
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
    pub(crate) fn wait(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// The colour of the first letter of the last place where the word stands.
    pub(crate) fn colour_of(&self, word: &str) -> Option<vt100::Color> {
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

    /// How many colours lie under what is on the screen.
    pub(crate) fn colours(&self) -> usize {
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        let cells = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
        let colours =
            cells.filter_map(|(row, column)| Some(format!("{:?}", screen.cell(row, column)?.bgcolor())));
        colours.collect::<std::collections::BTreeSet<_>>().len()
    }

    #[track_caller]
    pub(crate) fn wait_colour(&self, word: &str, colour: u8) {
        let start = Instant::now();
        while self.colour_of(word) != Some(vt100::Color::Idx(colour)) {
            let now = self.colour_of(word);
            assert!(start.elapsed() < PATIENCE, "{word} is {now:?}:\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Gives up the line that is written, and waits for the next prompt: keys that come with Ctrl-C go with the line.
    #[track_caller]
    pub(crate) fn cancel(&self) {
        let prompts = |text: &str| text.matches("notes.db r").count();
        let before = prompts(&self.text());
        self.keys("\x03");
        self.until("another prompt", |text| prompts(text) > before);
    }

    /// Waits until the program has ended; its exit code, and all that is on the screen.
    #[track_caller]
    pub(crate) fn end(mut self) -> (u32, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last is on its way through the terminal.
                self.wait_quiet();
                return (status.exit_code(), self.text());
            }
            if start.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("the program does not end:\n{}", self.text());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until nothing more comes.
    fn wait_quiet(&self) {
        const QUIET: Duration = Duration::from_millis(200);
        let (mut last, mut since) = (self.text(), Instant::now());
        while since.elapsed() < QUIET {
            thread::sleep(Duration::from_millis(10));
            let now = self.text();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// Whether the program runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Leaves the shell; its folder. The key is pressed until it is read as one: between two lines the terminal is not the editor's.
    #[track_caller]
    pub(crate) fn leave(mut self) -> TempDir {
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
