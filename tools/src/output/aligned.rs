//! `table` and `plain`: aligned columns for people.
//!
//! Widths come from the first rows; later rows that are wider push their line out rather than cost memory for all.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::{Format, RowWriter, Style, text::display};

/// Rows laid out together.
const ROWS_A_TABLE: usize = 1000;

/// Writes tables of up to [`ROWS_A_TABLE`] rows; the header is printed with the first.
pub(super) struct Aligned<'o> {
    out: &'o mut dyn Write,
    style: Style,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    numeric: Vec<bool>,
    printed: u64,
}

impl<'o> Aligned<'o> {
    pub(super) fn new(style: &Style, out: &'o mut dyn Write) -> Self {
        Aligned {
            out,
            style: style.clone(),
            names: Vec::new(),
            rows: Vec::new(),
            numeric: Vec::new(),
            printed: 0,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.names.is_empty() || (self.rows.is_empty() && self.printed > 0) {
            return Ok(());
        }
        print_aligned(self.out, &self.style, &self.names, &self.rows, &self.numeric)?;
        self.printed += self.rows.len() as u64;
        self.rows.clear();
        Ok(())
    }
}

/// Prints rows of texts in columns; the columns for which `right` is true end in line.
pub(super) fn print_aligned(
    out: &mut dyn Write,
    style: &Style,
    names: &[String],
    rows: &[Vec<String>],
    right: &[bool],
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(if style.format == Format::Table {
        presets::UTF8_FULL_CONDENSED
    } else {
        presets::NOTHING
    });
    match style.width {
        Some(width) => {
            table.set_width(width);
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(names);
    table.add_rows(rows);
    for (column, right) in table.column_iter_mut().zip(right) {
        if *right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

impl RowWriter for Aligned<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.names = names.to_vec();
        self.numeric = vec![true; names.len()];
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        for (numeric, value) in self.numeric.iter_mut().zip(values) {
            *numeric &= !matches!(value, ValueRef::Text(_) | ValueRef::Blob(_));
        }
        self.rows
            .push(values.iter().map(|value| display(*value)).collect());
        if self.rows.len() == ROWS_A_TABLE {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        self.flush()?;
        if complete {
            Ok(())
        } else {
            writeln!(self.out, "(incomplete: damage stopped the answer)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, printed};
    use aludel_sql::value::ValueRef;

    #[test]
    fn columns_line_up() {
        let rows = [
            vec![ValueRef::Integer(1), ValueRef::Text(b"Mike")],
            vec![ValueRef::Integer(20), ValueRef::Null],
        ];
        let plain = printed(Format::Plain, &["id", "name"], &rows);
        assert_eq!(plain, " id  name\n  1  Mike\n 20  NULL\n");
        let boxed = printed(Format::Table, &["id", "name"], &rows);
        assert!(
            boxed.starts_with('┌') && boxed.contains("Mike") && boxed.lines().count() == 6,
            "{boxed}"
        );
    }
}
