//! Real SQLite in a process of its own, driven line by line: what one connection in this process cannot show (closing a file drops
//! the classic locks that the whole process holds on it) two processes can.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rusqlite::fallible_iterator::FallibleIterator;

const MARK: &str = "answer: ";
const PATH_VARIABLE: &str = "ALUDEL_TEST_SQLITE_PATH";

pub(super) struct SqliteProcess {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl SqliteProcess {
    pub(super) fn open(path: &Path) -> SqliteProcess {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "pager::tests::sqlite_process::serve",
                "--ignored",
                "--nocapture",
            ])
            .env(PATH_VARIABLE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        SqliteProcess { child, input, output }
    }

    /// Runs one line of SQL: the first column of the first row of its last statement, or `error: ...`.
    pub(super) fn run(&mut self, sql: &str) -> String {
        self.send(sql);
        self.answer()
    }

    pub(super) fn send(&mut self, sql: &str) {
        assert!(!sql.contains('\n'));
        writeln!(self.input.as_mut().unwrap(), "{sql}").unwrap();
    }

    pub(super) fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the process ended");
            // The test harness writes in front of the first answer.
            if let Some((_, answer)) = line.trim_end_matches('\n').split_once(MARK) {
                return answer.to_owned();
            }
        }
    }

    /// Runs SQL that must succeed.
    pub(super) fn ok(&mut self, sql: &str) -> String {
        let answer = self.run(sql);
        assert!(!answer.starts_with("error"), "{sql}: {answer}");
        answer
    }

    /// Ends the process without letting it close anything.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for SqliteProcess {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Not a test: the other process's main.
#[test]
#[ignore = "runs as the other process of the interop tests"]
fn serve() {
    let Some(path) = std::env::var_os(PATH_VARIABLE) else {
        return;
    };
    let db = rusqlite::Connection::open(path).unwrap();
    db.busy_timeout(std::time::Duration::ZERO).unwrap();
    for line in std::io::stdin().lines() {
        let answer = match run(&db, &line.unwrap()) {
            Ok(answer) => answer,
            Err(rusqlite::Error::SqliteFailure(error, message)) => {
                format!("error {}: {}", error.extended_code, message.unwrap_or_default())
            }
            Err(error) => format!("error: {error}"),
        };
        println!("{MARK}{answer}");
    }
}

fn run(db: &rusqlite::Connection, sql: &str) -> rusqlite::Result<String> {
    let mut last = String::new();
    let mut batch = rusqlite::Batch::new(db, sql);
    while let Some(mut statement) = batch.next()? {
        last.clear();
        let mut rows = statement.query([])?;
        let mut first = true;
        while let Some(row) = rows.next()? {
            if first {
                last = match row.get_ref(0)? {
                    rusqlite::types::ValueRef::Null => String::new(),
                    rusqlite::types::ValueRef::Integer(value) => value.to_string(),
                    rusqlite::types::ValueRef::Real(value) => value.to_string(),
                    rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    rusqlite::types::ValueRef::Blob(blob) => format!("{} bytes", blob.len()),
                };
                first = false;
            }
        }
    }
    Ok(last)
}
