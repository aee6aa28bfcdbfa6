//! `html`: a table element.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

use super::Style;
use super::cell::lines;
use crate::output::RowWriter;

/// Writes an HTML table, all text escaped.
pub(super) struct Html<'o> {
    style: &'o Style,
    out: &'o mut dyn Write,
}

impl<'o> Html<'o> {
    pub(super) fn new(style: &'o Style, out: &'o mut dyn Write) -> Self {
        Html { style, out }
    }

    fn line(&mut self, tag: &str, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let cells: String = cells.map(|text| format!("<{tag}>{text}</{tag}>")).collect();
        writeln!(self.out, "<tr>{cells}</tr>")
    }
}

impl RowWriter for Html<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        writeln!(self.out, "<table>")?;
        match self.style.headers {
            Some(false) => Ok(()),
            _ => self.line("th", names.iter().map(|name| escaped(name))),
        }
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let null = self.style.null.as_deref().unwrap_or_default();
        let cell = |value: &ValueRef<'_>| {
            let lines: Vec<String> = lines(*value, null).iter().map(|line| escaped(line)).collect();
            lines.join("<br>")
        };
        let cells: Vec<String> = values.iter().map(cell).collect();
        self.line("td", cells.into_iter())
    }

    fn end(&mut self, _: bool) -> io::Result<()> {
        writeln!(self.out, "</table>")
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
