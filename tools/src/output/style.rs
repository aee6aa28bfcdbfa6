//! How to print: the format and what people like to have otherwise.

use std::io::{IsTerminal, Write};

use super::{Format, RowWriter, aligned, json, markup, separated};
use crate::cli::{Print, When};
use crate::error::Failure;

/// How to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The format.
    pub format: Format,
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether the terminal has all colours and not only 256.
    pub true_color: bool,
    /// Columns of a line; `None` for as many as it needs.
    pub width: Option<u16>,
    /// Numbers without commas and units.
    pub raw_numbers: bool,
    /// Whether somebody sees the answer on a terminal.
    pub is_terminal: bool,
}

impl Style {
    /// The plain style of a format.
    pub fn of(format: Format) -> Style {
        Style {
            format,
            color: false,
            true_color: false,
            width: None,
            raw_numbers: false,
            is_terminal: false,
        }
    }

    /// The style that the arguments ask for: `table` on a terminal and `plain` elsewhere when they name none. The environment variable
    /// `NO_COLOR` turns colours off, unless the arguments ask for them.
    pub fn chosen(print: &Print) -> Style {
        let is_terminal = std::io::stdout().is_terminal();
        let default = if is_terminal { Format::Table } else { Format::Plain };
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style {
            format: print.format.unwrap_or(default),
            color: match print.color {
                When::Always => true,
                When::Never => false,
                When::Auto => is_terminal && !no_color,
            },
            true_color: std::env::var("COLORTERM")
                .is_ok_and(|value| matches!(&*value, "truecolor" | "24bit")),
            width: print.width.or_else(|| is_terminal.then(terminal_width).flatten()),
            raw_numbers: print.bytes,
            is_terminal,
        }
    }

    /// A writer of rows. `kind` names the answer in JSON (`dbtool/query/1`); its middle names the table of `sql`.
    ///
    /// # Errors
    /// Rows are no picture.
    pub fn rows<'o>(
        &self,
        kind: &'static str,
        out: &'o mut dyn Write,
    ) -> Result<Box<dyn RowWriter + 'o>, Failure> {
        self.rows_of(kind, kind.split('/').nth(1).unwrap_or(kind), out)
    }

    /// As [`Style::rows`], with the table that `sql` inserts into.
    ///
    /// # Errors
    /// Rows are no picture.
    pub fn rows_of<'o>(
        &self,
        kind: &'static str,
        table: &str,
        out: &'o mut dyn Write,
    ) -> Result<Box<dyn RowWriter + 'o>, Failure> {
        Ok(match self.format {
            Format::Table | Format::Plain => Box::new(aligned::Aligned::new(self, out)),
            Format::Json => Box::new(json::JsonRows::new(kind, out)),
            Format::Ndjson => Box::new(json::NdjsonRows::new(out)),
            Format::Csv => Box::new(separated::Separated::csv(out)),
            Format::Tsv => Box::new(separated::Separated::tsv(out)),
            Format::Md => Box::new(markup::Markdown::new(out)),
            Format::Html => Box::new(markup::Html::new(out)),
            Format::Sql => Box::new(markup::Inserts::new(table, out)),
            Format::Svg => {
                return Err(Failure::Usage(
                    "rows are no picture: svg is made by map, tree and schema --graph".to_owned(),
                ));
            }
        })
    }

    /// A name, bold where there are colours.
    pub fn strong(&self, text: &str) -> String {
        self.painted(text, "1")
    }

    /// A text in a colour of the terminal (the numbers of an SGR sequence), where there are colours.
    pub fn painted(&self, text: &str, colour: &str) -> String {
        if self.color {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// How many columns the terminal has.
fn terminal_width() -> Option<u16> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    (columns > 0).then_some(columns)
}
