//! SQLAlchemy, in a Python process of its own that takes its own time.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::peer::{Peer, Timed};
use crate::work::{Failure, Line, Work, shuffled_keys};

const SCRIPT: &str = include_str!("alchemy.py");

/// SQLAlchemy.
pub struct Alchemy {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    taken: Option<u64>,
}

impl Alchemy {
    /// Starts Python.
    ///
    /// # Errors
    /// Where there is no such program, or it has no SQLAlchemy.
    pub fn start(python: &str) -> Result<Alchemy, Failure> {
        let mut process = Command::new(python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {python}: {error}"))?;
        let input = process.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(process.stdout.take().ok_or("no stdout")?);
        let mut alchemy = Alchemy {
            process,
            input,
            output,
            taken: None,
        };
        match alchemy.line()?.as_str() {
            "ready" => Ok(alchemy),
            other => Err(format!("{python} has no SQLAlchemy: {other}").into()),
        }
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.trim_end() {
            "" => Err("the Python process ended".into()),
            line => Ok(line.to_owned()),
        }
    }

    fn run(&mut self, work: &str, input: &str) -> Result<u32, Failure> {
        writeln!(self.input, "{work} {input}")?;
        self.input.flush()?;
        let line = self.line()?;
        let (taken, digest) = line
            .split_once(' ')
            .ok_or("two numbers were expected of Python")?;
        self.taken = Some(taken.parse()?);
        Ok(digest.parse()?)
    }
}

impl Drop for Alchemy {
    fn drop(&mut self) {
        // It ends by itself when its input does; what is left is not ours to mend.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Peer for Alchemy {
    fn name(&self) -> &'static str {
        "sqlalchemy"
    }

    fn open(&mut self, file: &Path) -> Result<(), Failure> {
        writeln!(self.input, "open {}", file.display())?;
        Ok(self.input.flush()?)
    }

    fn close(&mut self) {}

    fn prepare(&mut self, line: Line) -> Result<Timed<'_>, Failure> {
        let input = match line.work {
            Work::Insert => line.users.to_string(),
            Work::Get => {
                let keys: Vec<String> = shuffled_keys(line.users).iter().map(i64::to_string).collect();
                keys.join(",")
            }
            _ => String::new(),
        };
        Ok(Box::new(move || {
            let digest = self.run(line.work.word(), &input)?;
            Ok(Box::new(move || Ok(digest)))
        }))
    }

    fn own_time(&self) -> Option<u64> {
        self.taken
    }

    fn rounds_max(&self) -> usize {
        3
    }
}
