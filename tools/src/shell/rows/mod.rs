//! How the shell prints rows: one list of modes, and a writer for each.
//!
//! | for | modes |
//! |---|---|
//! | people | `box` `table` `column` (grids), `line` |
//! | documents | `md` `html` |
//! | programs | `csv` `tsv` `json` `ndjson` `list` |
//! | SQL | `insert` `quote` |
//!
//! Grids fold to the terminal's width; a result with so many columns that they could not be read is printed a value a line. No value
//! can steer the terminal: control characters are escaped in all modes that are made for reading.

mod cell;
mod fit;
mod grid;
mod html;
mod json;
mod line;
mod sql;
mod visible;

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

pub(crate) use cell::{sql_literal, width};

use crate::output::{self, Format, RowWriter};

/// A mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Box,
    Table,
    Column,
    Markdown,
    Line,
    List,
    Quote,
    Insert,
    Html,
    Csv,
    Tsv,
    Json,
    Ndjson,
}

/// The modes with their names and what they are good for.
pub(crate) const MODES: [(&str, Mode, &str); 16] = [
    ("box", Mode::Box, "a grid of lines, folded to the terminal"),
    ("table", Mode::Table, "a grid in ASCII"),
    ("column", Mode::Column, "aligned columns"),
    ("line", Mode::Line, "one value a line"),
    ("list", Mode::List, "values with a separator between them"),
    ("csv", Mode::Csv, "comma-separated, RFC 4180"),
    ("tsv", Mode::Tsv, "tab-separated"),
    ("tabs", Mode::Tsv, "the same as tsv"),
    ("json", Mode::Json, "one JSON array of objects"),
    ("ndjson", Mode::Ndjson, "a JSON object a line"),
    ("jsonl", Mode::Ndjson, "the same as ndjson"),
    ("md", Mode::Markdown, "a Markdown table"),
    ("markdown", Mode::Markdown, "the same as md"),
    ("html", Mode::Html, "an HTML table"),
    (
        "insert",
        Mode::Insert,
        "INSERT statements; the table's name may follow",
    ),
    ("quote", Mode::Quote, "SQL literals"),
];

impl Mode {
    /// The mode called so.
    pub(crate) fn named(name: &str) -> Option<Mode> {
        MODES
            .iter()
            .find(|(own, ..)| own.eq_ignore_ascii_case(name))
            .map(|(_, mode, _)| *mode)
    }

    /// Its first name.
    pub(crate) fn name(self) -> &'static str {
        MODES
            .iter()
            .find(|(_, mode, _)| *mode == self)
            .map_or("box", |(name, ..)| name)
    }
}

/// How rows are printed.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) mode: Mode,
    /// Whether names of columns are printed; `None` as is usual in the mode.
    pub(crate) headers: Option<bool>,
    /// What stands for NULL in modes for people; `None` as is usual in the mode.
    pub(crate) null: Option<String>,
    /// Between values of mode `list`.
    pub(crate) separator: String,
    /// The table of mode `insert`.
    pub(crate) table: String,
    /// How many columns of characters there are; `None` folds nothing.
    pub(crate) width: Option<usize>,
    pub(crate) colours: bool,
}

/// What to write to in place of a terminal, in a mode that leaves values as they are.
pub(crate) fn for_terminal<'o>(mode: Mode, out: Box<dyn Write + 'o>) -> Box<dyn Write + 'o> {
    match mode {
        Mode::Csv | Mode::Tsv | Mode::Json | Mode::Ndjson => Box::new(visible::Visible::new(out)),
        _ => out,
    }
}

impl Default for Style {
    fn default() -> Style {
        Style {
            mode: Mode::Box,
            headers: None,
            null: None,
            separator: "|".to_owned(),
            table: "table".to_owned(),
            width: None,
            colours: false,
        }
    }
}

impl Style {
    /// A writer of rows.
    ///
    /// # Errors
    /// None of our modes has any.
    pub(crate) fn writer<'o>(&'o self, out: &'o mut dyn Write) -> io::Result<Box<dyn RowWriter + 'o>> {
        Ok(match self.mode {
            Mode::Box => Box::new(grid::Grid::new(self, &grid::BOX, out)),
            Mode::Table => Box::new(grid::Grid::new(self, &grid::ASCII, out)),
            Mode::Column => Box::new(grid::Grid::new(self, &grid::COLUMNS, out)),
            Mode::Markdown => Box::new(grid::Grid::new(self, &grid::MARKDOWN, out)),
            Mode::Line => Box::new(line::Lines::new(self, out)),
            Mode::List => Box::new(line::List::new(self, out)),
            Mode::Quote => Box::new(sql::Quoted::new(self, out)),
            Mode::Insert => Box::new(sql::Inserts::new(self, out)),
            Mode::Html => Box::new(html::Html::new(self, out)),
            Mode::Csv => self.separated(Format::Csv, out)?,
            Mode::Tsv => self.separated(Format::Tsv, out)?,
            Mode::Json => Box::new(json::Objects::array(out)),
            Mode::Ndjson => Box::new(json::Objects::lines(out)),
        })
    }

    fn separated<'o>(&self, format: Format, out: &'o mut dyn Write) -> io::Result<Box<dyn RowWriter + 'o>> {
        let inner = output::Style::of(format)
            .rows("dbtool/query/1", out)
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(match self.headers {
            Some(false) => Box::new(Headless(inner)),
            _ => inner,
        })
    }
}

/// Leaves out the line of names.
struct Headless<'o>(Box<dyn RowWriter + 'o>);

impl RowWriter for Headless<'_> {
    fn columns(&mut self, _: &[String]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        self.0.row(values)
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        self.0.end(complete)
    }
}

#[cfg(test)]
mod tests;
