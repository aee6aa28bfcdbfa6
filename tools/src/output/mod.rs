//! How answers are printed: one list of formats, and a writer of rows for each.
//!
//! Rows are written as they come, so that a large answer needs no memory; only `table` and `plain` look at the first rows
//! to choose widths.

mod aligned;
mod json;
mod separated;
mod text;

use std::io::{self, IsTerminal, Write};

use aludel_sql::value::ValueRef;
use clap::ValueEnum;

pub use json::{json_of, value as json_value};
pub use text::{display, display_lines, thousands};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A box with lines, for people
    Table,
    /// Aligned columns without lines
    Plain,
    /// One JSON object
    Json,
    /// One JSON object a row
    Ndjson,
    /// Comma-separated, with a header line
    Csv,
    /// Tab-separated, with a header line
    Tsv,
}

impl Format {
    /// The format to use when none was named: `table` on a terminal, `plain` elsewhere.
    pub fn or_default(format: Option<Format>) -> Format {
        format.unwrap_or(if io::stdout().is_terminal() {
            Format::Table
        } else {
            Format::Plain
        })
    }

    /// Whether programs read it: numbers raw, nothing but the answer.
    pub fn is_for_programs(self) -> bool {
        matches!(self, Format::Json | Format::Ndjson | Format::Csv | Format::Tsv)
    }

    /// A writer of rows. `kind` names the answer in JSON (`dbtool/query/1`).
    pub fn rows<'o>(self, kind: &'static str, out: &'o mut dyn Write) -> Box<dyn RowWriter + 'o> {
        match self {
            Format::Table => Box::new(aligned::Aligned::boxed(out)),
            Format::Plain => Box::new(aligned::Aligned::plain(out)),
            Format::Json => Box::new(json::JsonRows::new(kind, out)),
            Format::Ndjson => Box::new(json::NdjsonRows::new(out)),
            Format::Csv => Box::new(separated::Separated::csv(out)),
            Format::Tsv => Box::new(separated::Separated::tsv(out)),
        }
    }
}

/// Takes an answer row by row.
pub trait RowWriter {
    /// The names of the columns; comes first.
    fn columns(&mut self, names: &[String]) -> io::Result<()>;

    /// A row.
    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()>;

    /// The end. `complete` is false when an error stopped the answer.
    fn end(&mut self, complete: bool) -> io::Result<()>;
}

#[cfg(test)]
pub(crate) fn printed(format: Format, columns: &[&str], rows: &[Vec<ValueRef<'_>>]) -> String {
    let mut out = Vec::new();
    let mut writer = format.rows("dbtool/query/1", &mut out);
    writer
        .columns(&columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        .unwrap();
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.end(true).unwrap();
    drop(writer);
    String::from_utf8(out).unwrap()
}
