//! The commands of dbtool on the file that is open: `.page 3` is `dbtool page FILE 3`.
//!
//! They look at the file itself and not through the shell's connection: what a transaction of the shell has not committed is not seen.

use clap::{CommandFactory, Parser};

use super::Call;
use crate::cli::Arguments;
use crate::commands;
use crate::error::Failure;
use crate::shell::session::Session;

/// `.check`, `.page`, `.wal` and so on.
pub(super) fn inspect(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let name = call.command.name;
    if Arguments::command()
        .get_subcommands()
        .all(|known| known.get_name() != name)
    {
        return Err(Failure::Usage(format!("this dbtool has no command {name}")));
    }
    let Some(path) = session.place.path().map(|path| path.display().to_string()) else {
        return Err(Failure::Usage(format!(
            ".{name} looks into a file, and none is open"
        )));
    };
    let words = ["dbtool", name, path.as_str()].map(str::to_owned);
    let words = words.into_iter().chain(call.arguments.iter().cloned());
    let parsed =
        Arguments::try_parse_from(words).map_err(|error| Failure::Usage(first_line(&error.to_string())))?;
    session.interrupts.begin();
    // The exit code tells of findings, which the answer shows.
    session.with_output(|_, _, out| commands::run(&parsed.command, out).map(|_| ()))
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
