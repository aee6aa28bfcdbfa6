//! What can be asked: the command line. Help, man page and shell completions are made from these definitions.

mod content;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use content::{Copy, Diff, Dump, Hash, Salvage};

use crate::error::Exit;
use crate::inspect::ImageOptions;
use crate::output::{Format, Style};

/// Looks into SQLite files. It never changes a byte unless told to with --write.
///
/// A file that needs recovery, because a log or a hot journal lies beside it, is shown as it will be after recovery, which happens in
/// memory only.
#[derive(Debug, Parser)]
#[command(
    name = "dbtool",
    version,
    disable_help_subcommand = true,
    after_help = "`dbtool FILE` alone is `dbtool info FILE`.\n\n\
        Exit codes: 0 done; 1 findings or differences; 2 usage; 3 cannot open; 4 damage stopped part of the answer;\n\
        5 busy, or changed while it was read; 6 a bug in dbtool; 130 interrupted."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Identity card: sizes, encoding, journal mode, counters, files beside it, locks, verdict
    Info(Target),
    /// The SQL of tables, indexes, views and triggers
    Schema(Schema),
    /// Tables with rows, columns and indexes
    Tables(Target),
    /// Runs SQL and prints the rows
    Query(Query),
    /// Statements and dot commands, with completion and history
    Shell(Shell),
    /// Measures reads, inserts, commits and checkpoints on this machine and disk
    Bench(Bench),
    /// The rows of a table
    Rows(Rows),
    /// Looks for damage; exit code 1 when there is some
    Check(Check),
    /// A page: header, cells, free blocks, hex
    Page(Page),
    /// A cell: its record, value by value
    Cell(Cell),
    /// The list of free pages
    Freelist(Target),
    /// Who points to each page, in auto-vacuum files
    Ptrmap(Target),
    /// The chains of long payloads
    Overflow(Target),
    /// The write-ahead log: frames, commits or pages
    Wal(Wal),
    /// The rollback journal
    Journal(Target),
    /// The wal-index: header, read marks, hash tables
    Shm(Target),
    /// Who holds which lock
    Locks(Target),
    /// Where the bytes are, and what VACUUM would return
    Space(Target),
    /// A picture of the whole file: each page a cell
    Map(Map),
    /// A table or index as a tree of pages
    Tree(Tree),
    /// Hash of rows and schema, the same value as SQLite's dbhash
    Hash(Hash),
    /// SQL that makes the database again; the rows of one table in other formats
    Dump(Dump),
    /// What differs between two databases, or SQL that makes the second of the first
    Diff(Diff),
    /// A consistent copy of a file, also of one in use
    Copy(Copy),
    /// What can be read of a damaged file, in a new one
    Salvage(Salvage),
    /// This help, the man page, or shell completions
    Help(Help),
}

impl Command {
    /// How its answer is printed; `None` for what talks to a person while it runs.
    pub fn print(&self) -> Option<&Print> {
        let target = match self {
            Command::Info(target)
            | Command::Tables(target)
            | Command::Freelist(target)
            | Command::Ptrmap(target)
            | Command::Overflow(target)
            | Command::Journal(target)
            | Command::Shm(target)
            | Command::Locks(target)
            | Command::Space(target) => target,
            Command::Schema(schema) => &schema.target,
            Command::Query(query) => &query.target,
            Command::Rows(rows) => &rows.target,
            Command::Check(check) => &check.target,
            Command::Page(page) => &page.target,
            Command::Cell(cell) => &cell.target,
            Command::Wal(wal) => &wal.target,
            Command::Map(map) => &map.target,
            Command::Tree(tree) => &tree.target,
            Command::Hash(hash) => &hash.target,
            Command::Dump(dump) => &dump.target,
            Command::Copy(copy) => &copy.target,
            Command::Salvage(salvage) => &salvage.target,
            Command::Diff(diff) => return Some(&diff.print),
            Command::Bench(_) | Command::Shell(_) | Command::Help(_) => return None,
        };
        Some(&target.print)
    }
}

/// A file, how to read it and how to print.
#[derive(Args, Debug)]
pub struct Target {
    /// The database file
    pub file: PathBuf,
    #[command(flatten)]
    /// How to read.
    pub reading: Reading,
    #[command(flatten)]
    /// How to print.
    pub print: Print,
}

/// How to read a file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reading")]
pub struct Reading {
    /// Take no locks; the files are compared at the end with what they were
    #[arg(long)]
    pub no_lock: bool,
    /// Seconds to wait for a writer
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub wait: f64,
    /// How often to begin again when the file changed under a look without locks
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    pub retry: u32,
}

impl Reading {
    /// The options of an image.
    pub fn options(&self) -> ImageOptions {
        ImageOptions {
            no_lock: self.no_lock,
            wait: Duration::try_from_secs_f64(self.wait).unwrap_or(Duration::MAX / 4),
        }
    }
}

/// How to print.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Printing")]
pub struct Print {
    /// How to print: table on a terminal and plain elsewhere when not given
    #[arg(short, long, value_enum)]
    pub format: Option<Format>,
    /// Whether to use colours; NO_COLOR turns them off as well
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: When,
    /// Width of a line for people; that of the terminal when not given
    #[arg(long, value_name = "COLUMNS")]
    pub width: Option<u16>,
    /// Numbers of bytes and pages as they are, without units
    #[arg(long)]
    pub bytes: bool,
    /// Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less
    #[arg(long)]
    pub no_pager: bool,
    /// How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW")]
    pub progress: ProgressWhen,
}

/// How progress is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressWhen {
    /// A bar, where standard error is a terminal
    #[default]
    Auto,
    /// One object a second
    Json,
    /// Not at all
    Never,
}

/// When to do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Print {
    /// The style that this asks for.
    pub fn style(&self) -> Style {
        Style::chosen(self)
    }
}

/// `schema`.
#[derive(Args, Debug)]
pub struct Schema {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// Only this table, index, view or trigger, and what belongs to it
    pub name: Option<String>,
    /// A picture of the tables and the foreign keys between them, as svg
    #[arg(long)]
    pub graph: bool,
}

/// `query`.
#[derive(Args, Debug)]
pub struct Query {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// One or more statements
    pub sql: String,
    /// Show the plan of each statement and do not run it
    #[arg(long)]
    pub explain: bool,
    /// Allow changes to the file
    #[arg(long)]
    pub write: bool,
}

/// `rows`.
#[derive(Args, Debug)]
pub struct Rows {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// The table or view
    pub table: String,
    /// At most so many
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<u64>,
}

/// `check`.
#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// The same as --level 2
    #[arg(long, conflicts_with = "level")]
    pub quick: bool,
    /// 1 header, 2 pages and their links, 3 the inside of pages, 4 records, 5 rows against indexes and constraints
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub level: u8,
    /// Stop after so many findings
    #[arg(long, value_name = "FINDINGS", default_value_t = 10_000)]
    pub limit: usize,
    /// The least severity that makes the exit code 1
    #[arg(long, value_enum, default_value = "warn", value_name = "SEVERITY")]
    pub fail_on: FailOn,
}

/// What makes `check` fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Every finding
    Warn,
    /// Findings that endanger rows
    Error,
}

/// `page`.
#[derive(Args, Debug)]
pub struct Page {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// The page, from 1 on
    pub number: u32,
    /// Its bytes, each with what it is for
    #[arg(long)]
    pub hex: bool,
}

/// `cell`.
#[derive(Args, Debug)]
pub struct Cell {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// Page and cell, such as 7:0
    #[arg(value_name = "PAGE:CELL")]
    pub address: String,
}

/// `wal`.
#[derive(Args, Debug)]
pub struct Wal {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// What to list
    #[arg(value_enum, default_value = "commits")]
    pub view: WalView,
}

/// What of a log to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WalView {
    /// Each frame
    Frames,
    /// Each commit
    Commits,
    /// Each page with its newest frame
    Pages,
}

/// `map`.
#[derive(Args, Debug)]
pub struct Map {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// What colours stand for
    #[arg(long, value_enum, default_value = "type")]
    pub by: MapBy,
}

/// What the colours of a map stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MapBy {
    /// What pages are used for
    Type,
    /// The table or index
    Owner,
    /// How full pages are
    Fill,
    /// How new pages are in the log
    Age,
}

/// `tree`.
#[derive(Args, Debug)]
pub struct Tree {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// The table or index
    pub name: String,
}

/// `help`.
#[derive(Args, Debug)]
pub struct Help {
    /// The command to explain
    pub command: Option<String>,
    /// The man page, in roff
    #[arg(long, conflicts_with = "completions")]
    pub man: bool,
    /// Completions for a shell
    #[arg(long, value_name = "SHELL")]
    pub completions: Option<clap_complete::Shell>,
}

/// `bench`.
#[derive(Args, Debug)]
pub struct Bench {
    /// A database to measure with; a copy beside it is, and the file is only read
    #[arg(required_unless_present = "new", conflicts_with = "new")]
    pub file: Option<PathBuf>,
    /// Measure with a file that is made for it
    #[arg(long)]
    pub new: bool,
    /// Where to make it; the working folder when not given
    #[arg(long, requires = "new", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// How many rows it has
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rows: u64,
    /// How long each work is measured
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// For the choice of rows and texts
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Measure this engine as well, side by side
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub peer: Option<Peer>,
    #[command(flatten)]
    /// How to print.
    pub print: Print,
}

/// An engine to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// SQLite, in builds with the feature `peer-sqlite`
    Sqlite,
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

/// Puts `info` before a file that stands where a command is expected. A file that is named as a command is `./NAME`.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let definition = Arguments::command();
    let is_command = |word: &OsString| {
        word.to_str().is_some_and(|word| {
            word.starts_with('-')
                || definition
                    .get_subcommands()
                    .any(|command| command.get_name() == word)
        })
    };
    if arguments.get(1).is_some_and(|word| !is_command(word)) {
        arguments.insert(1, "info".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

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
