//! `line`: a value a line, for rows too wide for a grid; and `list`: values with a separator between them.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

use super::Style;
use super::cell::{lines, one_line, width};
use crate::output::RowWriter;

/// Writes `  name = value`, with a blank line between rows.
pub(super) struct Lines<'o> {
    style: &'o Style,
    out: &'o mut dyn Write,
    names: Vec<String>,
    widest: usize,
    rows: u64,
}

impl<'o> Lines<'o> {
    pub(super) fn new(style: &'o Style, out: &'o mut dyn Write) -> Self {
        Lines {
            style,
            out,
            names: Vec::new(),
            widest: 0,
            rows: 0,
        }
    }

    /// A row whose values are lines already. Lines after a value's first stand under it.
    pub(super) fn row_of(&mut self, values: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
        if self.rows > 0 {
            writeln!(self.out)?;
        }
        self.rows += 1;
        for (name, value) in self.names.iter().zip(values) {
            let blank = " ".repeat(self.widest - width(name));
            for (number, line) in value.iter().enumerate() {
                match number {
                    0 => writeln!(
                        self.out,
                        "{}",
                        format!("{blank}{name} = {line}").trim_end_matches(' ')
                    )?,
                    _ => writeln!(self.out, "{:indent$}{line}", "", indent = self.widest + 3)?,
                }
            }
        }
        Ok(())
    }
}

impl RowWriter for Lines<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        let name = |name: &String| one_line(ValueRef::Text(name.as_bytes()), "");
        self.names = names.iter().map(name).collect();
        self.widest = self.names.iter().map(|name| width(name)).max().unwrap_or(0);
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let null = self.style.null.as_deref().unwrap_or("NULL");
        let values: Vec<Vec<String>> = values.iter().map(|value| lines(*value, null)).collect();
        self.row_of(values.into_iter())
    }

    fn end(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `a|b|c`.
pub(super) struct List<'o> {
    style: &'o Style,
    out: &'o mut dyn Write,
}

impl<'o> List<'o> {
    pub(super) fn new(style: &'o Style, out: &'o mut dyn Write) -> Self {
        List { style, out }
    }

    /// Texts go as they are, but for what could steer a terminal.
    fn value(&self, value: ValueRef<'_>) -> String {
        match value {
            ValueRef::Text(_) => lines(value, "").join("\n"),
            other => one_line(other, self.style.null.as_deref().unwrap_or_default()),
        }
    }
}

impl RowWriter for List<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        if self.style.headers != Some(true) {
            return Ok(());
        }
        writeln!(self.out, "{}", names.join(&self.style.separator))
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let values: Vec<String> = values.iter().map(|value| self.value(*value)).collect();
        writeln!(self.out, "{}", values.join(&self.style.separator))
    }

    fn end(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}
