//! How answers are printed: one list of formats, and a writer of rows for each.
//!
//! Rows are written as they come, so that a large answer needs no memory; only `table` and `plain` look at the first rows
//! to choose widths.

mod aligned;
mod json;
mod markup;
mod pager;
mod report;
mod separated;
mod style;
mod text;

use std::io;

use aludel_sql::value::ValueRef;
use clap::ValueEnum;

pub use json::{json_of, value as json_value};
pub use markup::{escape_markup, identifier, literal};
pub use pager::Pager;
pub use report::{Field, Part, Report};
pub use style::Style;
pub use text::{display, display_lines, hex, size_words, thousands};

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
    /// A table of Markdown
    Md,
    /// A table of HTML, or a page for pictures
    Html,
    /// A picture
    Svg,
    /// An INSERT for each row
    Sql,
}

impl Format {
    /// Whether programs read it: numbers raw, nothing but the answer.
    pub fn is_for_programs(self) -> bool {
        !matches!(self, Format::Table | Format::Plain)
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
    let mut out: Vec<u8> = Vec::new();
    let style = Style::of(format);
    let mut writer = style.rows("dbtool/query/1", &mut out).unwrap();
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
