//! `aludel migrate`: makes and runs migrations.
//!
//! ```text
//!   aludel, or a program's own binary ──> cli (what was asked) ──> commands ──> aludel::migrate
//! ```
//!
//! `diff` needs the metadata. The program `aludel` cannot see a program's entities, so there are two ways:
//!
//! * `--to schema.sql` or `--to URL`: the schema of a file of SQL, or of another database;
//! * a binary of three lines in the program itself, which has all commands and knows the entities:
//!
//! ```no_run
//! // src/bin/migrate.rs, for `cargo run --bin migrate -- diff add_email`
//! use aludel::prelude::*;
//!
//! # #[derive(Entity)]
//! # struct User {
//! #     #[column(primary_key)]
//! #     id: Id<User>,
//! # }
//! fn main() -> std::process::ExitCode {
//!     aludel_tools::migrate::main(schema![User])
//! }
//! ```

mod cli;
mod commands;
mod failure;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use aludel::Schema;
use clap::Parser;

use crate::error::Exit;
use cli::Migrate;
pub use failure::Failure;

/// The whole of a program's binary for migrations: reads the arguments (`up`, `diff NAME`, ..), with these entities for the metadata.
pub fn main(schema: Schema) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    finish(
        parse::<OwnArguments>(arguments).map(|own| own.migrate),
        Some(schema),
    )
}

/// The program `aludel`.
pub fn run(schema: Option<Schema>) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let parsed = parse::<Arguments>(arguments).map(|arguments| match arguments.group {
        Group::Migrate(migrate) => migrate,
    });
    finish(parsed, schema)
}

/// Runs one command line, the program's name first, and writes the answer to `out`: what tests and other programs call.
///
/// # Errors
/// What went wrong, with the exit code that tells it.
pub fn execute(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    schema: Option<&Schema>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let own = OwnArguments::try_parse_from(arguments).map_err(|error| Failure::Usage(error.to_string()))?;
    commands::run(&own.migrate, schema, out)
}

/// The command of a database's schema.
#[derive(Debug, Parser)]
#[command(name = "aludel", version)]
struct Arguments {
    #[command(subcommand)]
    group: Group,
}

#[derive(Debug, clap::Subcommand)]
enum Group {
    /// Makes and runs migrations
    Migrate(Migrate),
}

/// Makes and runs the migrations of this program.
#[derive(Debug, Parser)]
#[command(name = "migrate", version)]
struct OwnArguments {
    #[command(flatten)]
    migrate: Migrate,
}

fn parse<T: Parser>(arguments: Vec<OsString>) -> Result<T, ExitCode> {
    T::try_parse_from(arguments).map_err(|error| {
        // Nothing can be done when the terminal does not take the message.
        let _ = error.print();
        if error.use_stderr() {
            Exit::Usage.into()
        } else {
            ExitCode::SUCCESS
        }
    })
}

fn finish(parsed: Result<Migrate, ExitCode>, schema: Option<Schema>) -> ExitCode {
    let migrate = match parsed {
        Ok(migrate) => migrate,
        Err(code) => return code,
    };
    let mut out = io::stdout().lock();
    match commands::run(&migrate, schema.as_ref(), &mut out) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_broken_pipe() => Exit::Done.into(),
        Err(failure) => {
            eprintln!("aludel: {failure}");
            failure.exit().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Arguments::command().debug_assert();
        OwnArguments::command().debug_assert();
    }
}
