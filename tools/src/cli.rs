//! What can be asked: the command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::error::Exit;
use crate::output::Format;

/// Looks into SQLite files. It never changes a byte unless told to with --write.
#[derive(Debug, Parser)]
#[command(
    name = "dbtool",
    version,
    after_help = "`dbtool FILE` alone is `dbtool info FILE`."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Identity card: sizes, encoding, journal mode, counters, files beside it, verdict
    Info(Target),
    /// The SQL of tables, indexes, views and triggers
    Schema(Target),
    /// Tables with rows, columns and indexes
    Tables(Target),
    /// Looks for damage; exit code 1 when there is some
    Check(Target),
    /// Runs SQL and prints the rows
    Query(Query),
    /// Statements and dot commands, with completion and history
    Shell(Shell),
}

/// A file, and how to print.
#[derive(Args, Debug)]
pub struct Target {
    /// The database file
    pub file: PathBuf,
    #[command(flatten)]
    /// How to print.
    pub print: Print,
}

/// How to print.
#[derive(Args, Debug)]
pub struct Print {
    /// How to print: table on a terminal and plain elsewhere when not given
    #[arg(short, long, value_enum)]
    pub format: Option<Format>,
}

/// A query.
#[derive(Args, Debug)]
pub struct Query {
    /// The database file
    pub file: PathBuf,
    /// One or more statements
    pub sql: String,
    /// Allow changes to the file
    #[arg(long)]
    pub write: bool,
    #[command(flatten)]
    /// How to print.
    pub print: Print,
}

/// The shell.
#[derive(Args, Clone, Debug, Default)]
pub struct Shell {
    /// The database file; without one, a database in memory
    pub file: Option<PathBuf>,
    /// Allow changes to the file
    #[arg(long)]
    pub write: bool,
    /// Make the file, which must not be there yet
    #[arg(long, conflicts_with = "write", requires = "file")]
    pub new: bool,
    /// Run this SQL or dot command and leave; can be given several times
    #[arg(short, long, value_name = "SQL")]
    pub command: Vec<String>,
    /// Stop at the first error
    #[arg(long)]
    pub bail: bool,
    /// How to print rows: box, table, column, line, list, csv, tsv, json, ndjson, md, html, insert, quote
    #[arg(short, long, default_value = "box")]
    pub mode: String,
    /// Run this file first, in place of dbtool/init in the folder of settings, which only a shell with an editor runs
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
}

impl Arguments {
    /// Reads the process's arguments; prints help, version and usage errors itself.
    ///
    /// # Errors
    /// The exit code to end with.
    pub fn parse_or_exit_code() -> Result<Arguments, ExitCode> {
        Arguments::try_parse_from(with_default_command(std::env::args_os().collect())).map_err(|error| {
            // Nothing can be done when the terminal does not take the message.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage.into()
            } else {
                ExitCode::SUCCESS
            }
        })
    }
}

/// Puts `info` before a file that stands where a command is expected.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_command = |word: &OsStr| {
        let known = ["info", "schema", "tables", "check", "query", "shell", "help"];
        word.to_str()
            .is_some_and(|word| word.starts_with('-') || known.contains(&word))
    };
    if arguments.get(1).is_some_and(|word| !is_command(word)) {
        arguments.insert(1, "info".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_file_alone_asks_for_its_identity_card() {
        let arguments = with_default_command(vec!["dbtool".into(), "a.db".into()]);
        let parsed = Arguments::try_parse_from(arguments).unwrap();
        assert!(matches!(parsed.command, Command::Info(target) if target.file.to_str() == Some("a.db")));
    }

    #[test]
    fn a_query_is_read_only_unless_asked() {
        let parse = |words: &[&str]| Arguments::try_parse_from(words).unwrap().command;
        assert!(
            matches!(parse(&["dbtool", "query", "a.db", "SELECT 1"]), Command::Query(query) if !query.write)
        );
        assert!(
            matches!(parse(&["dbtool", "query", "a.db", "x", "--write"]), Command::Query(query) if query.write)
        );
    }
}
