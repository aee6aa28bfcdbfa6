//! Where answers go: standard output, a file, or another program.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use crate::error::Failure;

/// Where answers go.
#[derive(Debug, Default)]
pub(crate) enum Sink {
    #[default]
    Standard,
    File(BufWriter<File>),
    /// A program's standard input; it is waited for when the sink goes.
    Program(Child),
}

impl Sink {
    /// The sink that `.output` or `.once` names: `|command`, or a file that is written anew.
    ///
    /// # Errors
    /// A file that cannot be made, a program that cannot be run.
    pub(crate) fn named(name: &str) -> Result<Sink, Failure> {
        if let Some(command) = name.strip_prefix('|') {
            let child = Command::new("sh")
                .arg("-c")
                .arg(command)
                .stdin(Stdio::piped())
                .spawn();
            return child
                .map(Sink::Program)
                .map_err(|error| Failure::Usage(format!("cannot run {command}: {error}")));
        }
        let file =
            File::create(name).map_err(|error| Failure::Usage(format!("cannot write {name}: {error}")))?;
        Ok(Sink::File(BufWriter::new(file)))
    }

    /// Whether a person sees it at once.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Sink::Standard) && io::stdout().is_terminal()
    }

    /// Something to write to for one statement.
    pub(crate) fn writer(&mut self) -> Box<dyn Write + '_> {
        match self {
            Sink::Standard => Box::new(BufWriter::new(io::stdout().lock())),
            Sink::File(file) => Box::new(file),
            Sink::Program(child) => match child.stdin.as_mut() {
                Some(input) => Box::new(BufWriter::new(input)),
                None => Box::new(io::sink()),
            },
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        match self {
            Sink::Standard => {}
            // What could not be written was told by the flush after each statement.
            Sink::File(file) => drop(file.flush()),
            Sink::Program(child) => {
                drop(child.stdin.take());
                drop(child.wait());
            }
        }
    }
}
