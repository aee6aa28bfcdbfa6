//! The commands: each finds something out about a file and hands it to `output`.

mod bench;
mod beside;
mod chains;
mod check;
mod copy;
mod diff;
mod dump;
mod hash;
mod help;
mod info;
mod inside;
mod locks;
mod map;
mod new_file;
mod progress;
mod query;
mod salvage;
mod schema;
mod shell;
mod space;
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
        Command::Page(page) => inside::page(page, out),
        Command::Cell(cell) => inside::cell(cell, out),
        Command::Freelist(target) => chains::freelist(target, out),
        Command::Ptrmap(target) => chains::ptrmap(target, out),
        Command::Overflow(target) => chains::overflow(target, out),
        Command::Wal(wal) => beside::wal(wal, out),
        Command::Journal(target) => beside::journal(target, out),
        Command::Shm(target) => beside::shm(target, out),
        Command::Locks(target) => locks::locks(target, out),
        Command::Space(target) => space::space(target, out),
        Command::Hash(hash) => hash::hash(hash, out),
        Command::Dump(dump) => dump::dump(dump, out),
        Command::Diff(diff) => diff::diff(diff, out),
        Command::Copy(copy) => copy::copy(copy, out),
        Command::Salvage(salvage) => salvage::salvage(salvage, out),
        Command::Map(map) => map::map(map, out),
        Command::Tree(tree) => map::tree(tree, out),
        Command::Bench(bench) => bench::bench(bench, out),
        Command::Shell(shell) => shell::shell(shell),
        Command::Help(help) => help::help(help, out),
    }
}
