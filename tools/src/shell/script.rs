//! Input without an editor: standard input, files of `.read`, `-c`, the init file.
//!
//! Failures go to standard error with the line on which the piece begins. What follows runs all the same, unless `--bail` or
//! `.bail on` says to stop; the exit code is that of the first failure.

use std::io::{self, BufRead, Write};

use super::pieces::{Piece, line_of, next_piece};
use super::session::Session;
use super::{dot, run};
use crate::error::Failure;

/// Runs a whole text; an unfinished statement at its end is run as it stands.
///
/// # Errors
/// With `.bail on`, the first failure.
pub(crate) fn run_text(session: &mut Session, text: &str, name: &str) -> Result<(), Failure> {
    let mut at = 0;
    while let Some((piece, start, end)) = next_piece(text, at) {
        at = end;
        let line = line_of(text, start);
        run_piece(session, piece, &format!("{name}:{line}"))?;
        if session.leave.is_some() {
            break;
        }
    }
    Ok(())
}

/// Runs lines as they come; a statement runs as soon as its semicolon is there.
///
/// # Errors
/// As [`run_text`]; input that cannot be read.
pub(crate) fn run_lines(session: &mut Session, input: &mut dyn BufRead) -> Result<(), Failure> {
    let (mut pending, mut first_line, mut bytes) = (String::new(), 1, Vec::new());
    loop {
        bytes.clear();
        let count = input
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Failure::Usage(format!("cannot read the input: {error}")))?;
        let line = String::from_utf8_lossy(&bytes);
        // Only a line that can end a piece is worth a look.
        let may_end = line.contains(';') || pending.trim().is_empty() || count == 0;
        pending.push_str(&line);
        if !may_end {
            continue;
        }
        let mut at = 0;
        while let Some((piece, start, end)) = next_piece(&pending, at) {
            if matches!(piece, Piece::Unfinished(_)) && count > 0 {
                break;
            }
            at = end;
            let line = first_line + line_of(&pending, start) - 1;
            run_piece(session, piece, &format!("line {line}"))?;
            if session.leave.is_some() {
                return Ok(());
            }
        }
        if count == 0 {
            return Ok(());
        }
        first_line += line_of(&pending, at) - 1;
        pending.drain(..at);
        if pending.trim().is_empty() {
            first_line += line_of(&pending, pending.len()) - 1;
            pending.clear();
        }
    }
}

/// Runs a piece; tells a failure, and hands it on only where it stops everything.
///
/// # Errors
/// With `.bail on`, and after Ctrl-C, the failure.
pub(crate) fn run_piece(session: &mut Session, piece: Piece<'_>, place: &str) -> Result<(), Failure> {
    let text = match piece {
        Piece::Dot(line) => line,
        Piece::Sql(sql) | Piece::Unfinished(sql) => sql,
    };
    if session.settings.echo {
        session.with_output(|_, _, out| Ok(writeln!(out, "{text}")?))?;
    }
    let result = match piece {
        Piece::Dot(line) => dot::run(session, line),
        Piece::Sql(sql) | Piece::Unfinished(sql) => run::statement(session, sql),
    };
    let Err(failure) = result else { return Ok(()) };
    if failure.is_broken_pipe() {
        return Err(failure);
    }
    tell(session, &failure, place);
    session.note(&failure);
    let stopped = session.interrupts.was_pressed() && is_interrupt(&failure);
    match session.settings.bail || (stopped && !session.settings.interactive) {
        true => Err(failure),
        false => Ok(()),
    }
}

/// Whether the statement was stopped by Ctrl-C.
pub(crate) fn is_interrupt(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Sql {
            error: aludel_sql::Error::Interrupt,
            ..
        }
    )
}

/// Prints a failure; where it is in the input, unless a person has just written it.
fn tell(session: &Session, failure: &Failure, place: &str) {
    let colours = session.settings.interactive && session.style.colours;
    let (red, plain) = if colours {
        ("\u{1b}[31m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    let text = match is_interrupt(failure) {
        true => "interrupted".to_owned(),
        false => crate::output::display_lines(&failure.to_string()),
    };
    let text = match session.settings.interactive && session.reading == 0 {
        true => format!("{red}error{plain}: {text}"),
        false => format!("{place}: {text}"),
    };
    // Nothing can be done where even this cannot be written.
    let _ = writeln!(io::stderr(), "{text}");
}
