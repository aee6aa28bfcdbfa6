//! Long answers in a pager, where somebody sees them on a terminal.
//!
//! The answer is held back until it is longer than the screen; only then is the pager started and given all of it. What fits is printed as it
//! is, so that a short answer costs no process.

use std::io::{self, Stdout, Write};
use std::process::{Child, Command, Stdio};

/// Answers of so many bytes without a line's end go to the pager as well.
const HELD_MAX: usize = 1 << 16;

/// Takes an answer and shows it page by page if it is long.
#[derive(Debug)]
pub struct Pager {
    command: String,
    /// Lines of the screen.
    lines_max: usize,
    /// What came so far, while it may still fit.
    held: Vec<u8>,
    lines: usize,
    to: To,
}

#[derive(Debug)]
enum To {
    /// Not decided.
    Held,
    /// The pager, which runs.
    Pager(Child),
    /// The terminal: there is no pager.
    Terminal(Stdout),
}

impl Pager {
    /// The pager that the environment names: `DBTOOL_PAGER`, `PAGER`, or `less` if it is there; `None` where that is empty or `cat`.
    pub fn of_environment() -> Option<Pager> {
        let named = |name| std::env::var(name).ok();
        let command = named("DBTOOL_PAGER")
            .or_else(|| named("PAGER"))
            .or_else(|| is_on_path("less").then(|| "less".to_owned()))?;
        let is_none = matches!(command.trim(), "" | "cat");
        let (_, lines) = crossterm::terminal::size().unwrap_or((80, 24));
        (!is_none).then(|| Pager {
            command,
            lines_max: usize::from(lines.max(2)),
            held: Vec::new(),
            lines: 0,
            to: To::Held,
        })
    }

    /// Hands over what is held back, and waits until the pager is left.
    ///
    /// # Errors
    /// Those of writing; a pager that is left before the end is a broken pipe.
    pub fn finish(mut self) -> io::Result<()> {
        match &mut self.to {
            To::Held => {
                let mut out = io::stdout();
                out.write_all(&self.held)?;
                out.flush()
            }
            To::Terminal(out) => out.flush(),
            To::Pager(child) => {
                // Its end of the pipe is closed, which tells it that this is all.
                drop(child.stdin.take());
                child.wait().map(|_| ())
            }
        }
    }

    /// Starts the pager with what came so far.
    fn start(&mut self) -> io::Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", self.command.as_str()]).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // Colours as they are; what fits stays on the screen.
            command.env("LESS", "FRX");
        }
        self.to = match command.spawn() {
            Ok(child) => To::Pager(child),
            Err(_) => To::Terminal(io::stdout()),
        };
        let held = std::mem::take(&mut self.held);
        self.pass(&held)
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.to {
            To::Held => {
                self.held.extend_from_slice(bytes);
                Ok(())
            }
            To::Terminal(out) => out.write_all(bytes),
            To::Pager(child) => match child.stdin.as_mut() {
                Some(pipe) => pipe.write_all(bytes),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
        }
    }
}

/// Whether there is a program of this name.
fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pass(bytes)?;
        if matches!(self.to, To::Held) {
            self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
            // One line is the prompt's.
            if self.lines >= self.lines_max || self.held.len() > HELD_MAX {
                self.start()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Held => Ok(()),
            To::Terminal(out) => out.flush(),
            To::Pager(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}
