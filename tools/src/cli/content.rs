//! The arguments of the commands about content: `hash`, `dump`, `diff`, `copy`, `salvage`.

use std::path::PathBuf;

use clap::Args;

use super::{Print, Reading, Target};

/// `hash`.
#[derive(Args, Debug)]
pub struct Hash {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// Only tables with a name that is LIKE this
    #[arg(long, value_name = "PATTERN")]
    pub like: Option<String>,
    /// Only the schema
    #[arg(long, conflicts_with = "without_schema")]
    pub schema_only: bool,
    /// Only the rows
    #[arg(long)]
    pub without_schema: bool,
}

/// `dump`.
#[derive(Args, Debug)]
pub struct Dump {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// Only this table and what belongs to it; can be given several times
    #[arg(short, long, value_name = "NAME")]
    pub table: Vec<String>,
    /// Only what makes tables, indexes, views and triggers
    #[arg(long, conflicts_with = "data_only")]
    pub schema_only: bool,
    /// Only the rows
    #[arg(long)]
    pub data_only: bool,
    /// Row ids also where no column is the row id
    #[arg(long)]
    pub rowids: bool,
}

/// `diff`.
#[derive(Args, Debug)]
pub struct Diff {
    /// The first database
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// The second database
    #[arg(value_name = "B")]
    pub second: PathBuf,
    #[command(flatten)]
    /// How to read.
    pub reading: Reading,
    #[command(flatten)]
    /// How to print.
    pub print: Print,
    /// Only this table; can be given several times
    #[arg(short, long, value_name = "NAME")]
    pub table: Vec<String>,
    /// Only how many rows of each table differ
    #[arg(long)]
    pub summary: bool,
    /// SQL that makes the second database of the first
    #[arg(long, conflicts_with_all = ["summary", "pages"])]
    pub patch: bool,
    /// Compare pages, not content
    #[arg(long, conflicts_with_all = ["summary", "table"])]
    pub pages: bool,
    /// Tell rows apart by their row ids also where a table has another primary key
    #[arg(long)]
    pub by_rowid: bool,
    /// List at most so many rows or pages; all are counted
    #[arg(long, value_name = "ROWS", default_value_t = 1_000)]
    pub limit: u64,
}

/// `copy`.
#[derive(Args, Debug)]
pub struct Copy {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// The name of the copy, which must be free
    #[arg(value_name = "NEW")]
    pub to: PathBuf,
}

/// `salvage`.
#[derive(Args, Debug)]
pub struct Salvage {
    #[command(flatten)]
    /// The file.
    pub target: Target,
    /// The name of the new file, which must be free
    #[arg(short, long, value_name = "NEW")]
    pub output: PathBuf,
    /// Take rows of free pages as well: deleted rows come back in lost_and_found
    #[arg(long)]
    pub freed: bool,
}
