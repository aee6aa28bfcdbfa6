//! `box`, `table`, `column` and `md`: columns with one width for all rows.
//!
//! Widths come from the first rows; values of later rows that are wider are folded, so that an answer of any length is printed while it
//! comes and costs the memory of one part.
//!
//! - I1. With a width given, no line is wider (asserted in the tests), unless the result was changed to lines for being too wide.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

use super::Style;
use super::cell::{folded, lines, one_line, width};
use super::fit::fit;
use super::line::Lines;
use crate::output::RowWriter;

/// Rows laid out together.
const ROWS_MAX: usize = 1000;
/// Bytes laid out together.
const BYTES_MAX: usize = 4 << 20;

/// What a grid is drawn with.
pub(super) struct Strokes {
    /// Left end, line, crossing and right end of the first line; none has no such line.
    top: Option<[&'static str; 4]>,
    /// The line under the names.
    middle: Option<[&'static str; 4]>,
    bottom: Option<[&'static str; 4]>,
    /// Before, between and after values.
    row: [&'static str; 3],
    is_markdown: bool,
}

pub(super) const BOX: Strokes = Strokes {
    top: Some(["\u{250c}", "\u{2500}", "\u{252c}", "\u{2510}"]),
    middle: Some(["\u{251c}", "\u{2500}", "\u{253c}", "\u{2524}"]),
    bottom: Some(["\u{2514}", "\u{2500}", "\u{2534}", "\u{2518}"]),
    row: ["\u{2502} ", " \u{2502} ", " \u{2502}"],
    is_markdown: false,
};

pub(super) const ASCII: Strokes = Strokes {
    top: Some(["+", "-", "+", "+"]),
    middle: Some(["+", "-", "+", "+"]),
    bottom: Some(["+", "-", "+", "+"]),
    row: ["| ", " | ", " |"],
    is_markdown: false,
};

pub(super) const COLUMNS: Strokes = Strokes {
    top: None,
    middle: Some(["", "-", "  ", ""]),
    bottom: None,
    row: ["", "  ", ""],
    is_markdown: false,
};

pub(super) const MARKDOWN: Strokes = Strokes {
    top: None,
    middle: Some(["|", "-", "|", "|"]),
    bottom: None,
    row: ["| ", " | ", " |"],
    is_markdown: true,
};

/// A value's lines, and whether it is NULL.
struct Cell {
    lines: Vec<String>,
    is_null: bool,
}

/// Writes a grid.
pub(super) struct Grid<'o> {
    style: &'o Style,
    strokes: &'static Strokes,
    out: Option<&'o mut dyn Write>,
    names: Vec<String>,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
    /// Columns that have numbers only.
    numeric: Vec<bool>,
    /// Once the first rows were printed.
    widths: Option<Vec<usize>>,
    /// Takes over when the grid would be too wide.
    instead: Option<Lines<'o>>,
}

impl<'o> Grid<'o> {
    pub(super) fn new(style: &'o Style, strokes: &'static Strokes, out: &'o mut dyn Write) -> Self {
        Grid {
            style,
            strokes,
            out: Some(out),
            names: Vec::new(),
            rows: Vec::new(),
            bytes: 0,
            numeric: Vec::new(),
            widths: None,
            instead: None,
        }
    }

    fn null(&self) -> &str {
        let usual = if self.strokes.is_markdown { "" } else { "NULL" };
        self.style.null.as_deref().unwrap_or(usual)
    }

    fn cell(&self, value: ValueRef<'_>) -> Cell {
        let lines = match self.strokes.is_markdown {
            true => vec![markdown_text(value, self.null())],
            false => lines(value, self.null()),
        };
        Cell {
            lines,
            is_null: value == ValueRef::Null,
        }
    }

    /// The widths that all columns take unfolded.
    fn natural_widths(&self) -> Vec<usize> {
        let least = if self.strokes.is_markdown { 3 } else { 1 };
        let mut widths: Vec<usize> = self.names.iter().map(|name| width(name).max(least)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                let own = cell.lines.iter().map(|line| width(line)).max().unwrap_or(0);
                *widest = (*widest).max(own);
            }
        }
        widths
    }

    /// What the strokes of a line take.
    fn strokes_width(&self) -> usize {
        let [before, between, after] = self.strokes.row.map(width);
        before + between * self.names.len().saturating_sub(1) + after
    }

    /// Prints the rows that are here.
    fn flush(&mut self) -> io::Result<()> {
        if self.widths.is_none() && !self.begin()? {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        for row in rows {
            self.print(row, false)?;
        }
        Ok(())
    }

    /// Chooses widths and prints the names; `false` when lines are printed instead.
    fn begin(&mut self) -> io::Result<bool> {
        let natural = self.natural_widths();
        let fitted = match self.style.width {
            Some(all) if !self.strokes.is_markdown => fit(&natural, all.saturating_sub(self.strokes_width())),
            _ => Some(natural),
        };
        let Some(widths) = fitted else {
            self.change_to_lines()?;
            return Ok(false);
        };
        self.widths = Some(widths);
        self.rule(self.strokes.top)?;
        if self.style.headers != Some(false) {
            let names = self.names.iter().map(|name| Cell {
                lines: vec![one_line(ValueRef::Text(name.as_bytes()), "")],
                is_null: false,
            });
            let names = names.collect();
            self.print(names, true)?;
            self.rule(self.strokes.middle)?;
        }
        Ok(true)
    }

    fn change_to_lines(&mut self) -> io::Result<()> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let mut lines = Lines::new(self.style, out);
        lines.columns(&self.names)?;
        for row in std::mem::take(&mut self.rows) {
            lines.row_of(row.into_iter().map(|cell| cell.lines))?;
        }
        self.instead = Some(lines);
        Ok(())
    }

    fn rule(&mut self, strokes: Option<[&str; 4]>) -> io::Result<()> {
        let (Some([left, line, cross, right]), Some(widths), Some(out)) =
            (strokes, &self.widths, &mut self.out)
        else {
            return Ok(());
        };
        // Where values have blanks around them, lines run through there as well.
        let around = if self.strokes.row[0].is_empty() { 0 } else { 2 };
        let mut text = left.to_owned();
        for (place, column) in widths.iter().enumerate() {
            text.push_str(if place > 0 { cross } else { "" });
            let number = self.strokes.is_markdown && self.numeric.get(place) == Some(&true);
            text.push_str(&line.repeat(column + around - usize::from(number)));
            text.push_str(if number { ":" } else { "" });
        }
        writeln!(out, "{text}{right}")
    }

    /// Prints a row, or the names.
    fn print(&mut self, row: Vec<Cell>, is_header: bool) -> io::Result<()> {
        let (Some(widths), Some(out)) = (&self.widths, &mut self.out) else {
            return Ok(());
        };
        let cells: Vec<(Vec<String>, bool)> = row
            .into_iter()
            .zip(widths)
            .map(|(cell, width)| (folded(cell.lines, *width), cell.is_null))
            .collect();
        let height = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
        let [before, between, after] = self.strokes.row;
        for number in 0..height {
            let mut text = before.to_owned();
            for (place, ((lines, is_null), column)) in cells.iter().zip(widths).enumerate() {
                text.push_str(if place > 0 { between } else { "" });
                let value = lines.get(number).map_or("", String::as_str);
                let blank = " ".repeat(column.saturating_sub(width(value)));
                let painted = paint(value, is_header, *is_null, self.style.colours);
                match self.numeric.get(place) {
                    Some(true) => text.extend([&*blank, &*painted]),
                    _ => text.extend([&*painted, &*blank]),
                }
            }
            text.push_str(after);
            writeln!(out, "{}", text.trim_end_matches(' '))?;
        }
        Ok(())
    }
}

/// Names are bold, NULL is dim.
fn paint(text: &str, is_header: bool, is_null: bool, colours: bool) -> String {
    match (colours && !text.is_empty(), is_header, is_null) {
        (true, true, _) => format!("\u{1b}[1m{text}\u{1b}[0m"),
        (true, false, true) => format!("\u{1b}[2m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}

/// A value in a Markdown cell.
fn markdown_text(value: ValueRef<'_>, null: &str) -> String {
    let text = lines(value, null).join("<br>");
    text.replace('\\', "\\\\").replace('|', "\\|")
}

impl RowWriter for Grid<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.names = names.to_vec();
        self.numeric = vec![true; names.len()];
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        if let Some(lines) = &mut self.instead {
            return lines.row(values);
        }
        if self.widths.is_none() {
            for (numeric, value) in self.numeric.iter_mut().zip(values) {
                *numeric &= !matches!(value, ValueRef::Text(_) | ValueRef::Blob(_));
            }
        }
        let row: Vec<Cell> = values.iter().map(|value| self.cell(*value)).collect();
        self.bytes += row
            .iter()
            .flat_map(|cell| &cell.lines)
            .map(String::len)
            .sum::<usize>();
        self.rows.push(row);
        if self.rows.len() >= ROWS_MAX || self.bytes >= BYTES_MAX {
            return self.flush();
        }
        Ok(())
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        if self.rows.is_empty() && self.widths.is_none() && self.instead.is_none() {
            // Nothing to align: an empty answer shows its names.
            self.numeric.fill(false);
        }
        if self.instead.is_none() {
            self.flush()?;
        }
        if let Some(lines) = &mut self.instead {
            return lines.end(complete);
        }
        self.rule(self.strokes.bottom)
    }
}
