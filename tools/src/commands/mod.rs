//! The commands: each finds something out about a file and hands it to `output`.

mod check;
mod help;
mod info;
mod query;
mod schema;
pub mod subject;
mod tables;

use std::io::Write;

pub use query::run_all;

use crate::cli::Command;
use crate::error::{Exit, Failure};

/// Runs a command.
///
/// # Errors
/// What stopped it; [`Failure::exit`] is the exit code.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Info(target) => info::info(target, out),
        Command::Schema(schema) => schema::schema(schema, out),
        Command::Tables(target) => tables::tables(target, out),
        Command::Query(query) => query::query(query, out),
        Command::Rows(rows) => query::rows(rows, out),
        Command::Check(check) => check::check(check, out),
        Command::Help(help) => help::help(help, out),
    }
}
