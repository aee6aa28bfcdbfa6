//! `insert` and `quote`: rows that SQL reads again.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

use super::Style;
use super::cell::sql_literal;
use crate::output::RowWriter;
use crate::shell::keywords::quoted_if_needed;

/// Writes `INSERT INTO t VALUES(..);`, with the names of the columns when headers are on.
pub(super) struct Inserts<'o> {
    style: &'o Style,
    out: &'o mut dyn Write,
    start: String,
}

impl<'o> Inserts<'o> {
    pub(super) fn new(style: &'o Style, out: &'o mut dyn Write) -> Self {
        let start = String::new();
        Inserts { style, out, start }
    }
}

impl RowWriter for Inserts<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.start = format!("INSERT INTO {}", quoted_if_needed(&self.style.table));
        if self.style.headers == Some(true) {
            let names: Vec<String> = names.iter().map(|name| quoted_if_needed(name)).collect();
            self.start.push_str(&format!("({})", names.join(",")));
        }
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        writeln!(self.out, "{} VALUES({});", self.start, literals(values))
    }

    fn end(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// Writes literals with commas between them.
pub(super) struct Quoted<'o> {
    style: &'o Style,
    out: &'o mut dyn Write,
}

impl<'o> Quoted<'o> {
    pub(super) fn new(style: &'o Style, out: &'o mut dyn Write) -> Self {
        Quoted { style, out }
    }
}

impl RowWriter for Quoted<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        if self.style.headers != Some(true) {
            return Ok(());
        }
        let names: Vec<ValueRef<'_>> = names.iter().map(|name| ValueRef::Text(name.as_bytes())).collect();
        writeln!(self.out, "{}", literals(&names))
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        writeln!(self.out, "{}", literals(values))
    }

    fn end(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

fn literals(values: &[ValueRef<'_>]) -> String {
    let literals: Vec<String> = values.iter().map(|value| sql_literal(*value)).collect();
    literals.join(",")
}
