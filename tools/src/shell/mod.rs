//! `dbtool shell`: SQL and dot commands, with an editor or from a script.
//!
//! ```text
//!   editor (prompt, complete, highlight)      script (stdin, -c, .read)
//!                  └──────────┬──────────────────────┘
//!                          pieces              statements and dot commands
//!                    ┌────────┴────────┐
//!                   run               dot      one statement; the table of commands
//!                    └──── session ────┘       connection, settings, where answers go
//!                  rows   plan   sink          how they are printed, and where
//!   names, sketch, keywords                    what may be written next, and what is unknown
//! ```
//!
//! - I1. A file is opened read-only unless `--write`, `.open --write` or `--new` says otherwise, and is never made by a mistyped name.
//! - I2. No value steers the terminal: control characters are escaped on their way there.
//! - I3. Ctrl-C stops a statement, not the shell.

mod complete;
mod dot;
mod editor;
mod highlight;
mod keywords;
mod names;
mod pieces;
mod place;
pub(crate) mod plan;
mod prompt;
mod rows;
mod run;
pub(crate) mod script;
mod session;
mod sink;
mod sketch;
mod traffic;

use std::fs;
use std::io::{self, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use crate::cli::Shell;
use crate::error::{Exit, Failure};
use crate::interrupt::Interrupt;
use place::{Access, Place};
use rows::Mode;
use session::Session;

/// Runs the shell to its end.
///
/// # Errors
/// A file that cannot be opened, an unknown mode, an output that is closed.
pub(crate) fn run(arguments: &Shell) -> Result<Exit, Failure> {
    let mut session = Session::open(place(arguments), Interrupt::listen())?;
    session.style.mode = Mode::named(&arguments.mode)
        .ok_or_else(|| Failure::Usage(format!("there is no mode {}; see .help mode", arguments.mode)))?;
    session.settings.bail = arguments.bail;
    session.settings.interactive =
        arguments.command.is_empty() && io::stdin().is_terminal() && io::stdout().is_terminal();
    session.style.colours = session.settings.interactive && wants_colours();
    // A failure that stops everything was told where it happened.
    match run_all(&mut session, arguments) {
        Err(failure) if failure.is_broken_pipe() => return Err(failure),
        Err(failure) if script::is_interrupt(&failure) => return Ok(Exit::Interrupted),
        Err(failure) => session.note(&failure),
        Ok(()) => {}
    }
    let failed = session.failed;
    match session.leave {
        Some(code) if code != 0 => {
            drop(session);
            std::process::exit(i32::from(code));
        }
        _ => Ok(failed
            .filter(|_| !arguments.is_interactive())
            .unwrap_or(Exit::Done)),
    }
}

fn run_all(session: &mut Session, arguments: &Shell) -> Result<(), Failure> {
    run_init(session, arguments.init.as_deref())?;
    if session.settings.interactive {
        return editor::run(session);
    }
    if arguments.command.is_empty() {
        return script::run_lines(session, &mut BufReader::new(io::stdin().lock()));
    }
    for command in &arguments.command {
        if session.leave.is_none() {
            script::run_text(session, command, "-c")?;
        }
    }
    Ok(())
}

/// The init file: the one that was named, or in an editor's shell the one among the settings.
fn run_init(session: &mut Session, named: Option<&Path>) -> Result<(), Failure> {
    let file = match named {
        Some(file) => file.to_owned(),
        None if !session.settings.interactive => return Ok(()),
        None => match config_folder() {
            Some(folder) => folder.join("dbtool").join("init"),
            None => return Ok(()),
        },
    };
    match fs::read_to_string(&file) {
        Ok(text) => {
            session.reading += 1;
            let result = script::run_text(session, &text, &file.display().to_string());
            session.reading -= 1;
            result
        }
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            eprintln!("dbtool: cannot read {}: {error}", file.display());
            Ok(())
        }
    }
}

fn place(arguments: &Shell) -> Place {
    let access = match (arguments.write, arguments.new) {
        (_, true) => Access::New,
        (true, false) => Access::Write,
        (false, false) => Access::Read,
    };
    match &arguments.file {
        Some(file) if file.as_os_str() != ":memory:" => Place::file(file, access),
        _ => Place::Memory,
    }
}

impl Shell {
    fn is_interactive(&self) -> bool {
        self.command.is_empty() && io::stdin().is_terminal() && io::stdout().is_terminal()
    }
}

fn wants_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn config_folder() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

/// Where the history is.
fn state_folder() -> Option<PathBuf> {
    folder("XDG_STATE_HOME", ".local/state")
}

/// A folder that the environment names, or the usual one under the home folder.
fn folder(variable: &str, usual: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute());
    named.or_else(|| {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(usual))
    })
}
