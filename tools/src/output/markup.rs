//! `md`, `html` and `sql`: rows for documents, and rows to be put into a table again.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

use super::RowWriter;
use super::text::{display, hex};

/// Writes a table of Markdown.
pub(super) struct Markdown<'o> {
    out: &'o mut dyn Write,
}

impl<'o> Markdown<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Markdown { out }
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(self.out, "| {} |", cells.join(" | "))
    }
}

impl RowWriter for Markdown<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.line(names.iter().map(|name| display(ValueRef::Text(name.as_bytes()))))?;
        self.line(names.iter().map(|_| "---".to_owned()))
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        self.line(values.iter().map(|value| display(*value)))
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        if complete {
            return Ok(());
        }
        writeln!(self.out, "\n(incomplete: damage stopped the answer)")
    }
}

/// Text in which nothing is markup.
pub fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Not allowed in XML at all.
            c if c.is_control() => escaped.extend(c.escape_default()),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Writes a table of HTML.
pub(super) struct Html<'o> {
    out: &'o mut dyn Write,
}

impl<'o> Html<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Html { out }
    }

    fn line(&mut self, tag: &str, cells: impl Iterator<Item = String>) -> io::Result<()> {
        write!(self.out, "<tr>")?;
        for cell in cells {
            write!(self.out, "<{tag}>{}</{tag}>", escape_markup(&cell))?;
        }
        writeln!(self.out, "</tr>")
    }
}

impl RowWriter for Html<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        writeln!(self.out, "<table>")?;
        self.line("th", names.iter().cloned())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        self.line("td", values.iter().map(|value| display(*value)))
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        writeln!(self.out, "</table>")?;
        if complete {
            return Ok(());
        }
        writeln!(self.out, "<p>incomplete: damage stopped the answer</p>")
    }
}

/// Writes an INSERT for each row.
pub(super) struct Inserts<'o> {
    out: &'o mut dyn Write,
    table: String,
}

impl<'o> Inserts<'o> {
    pub(super) fn new(table: &str, out: &'o mut dyn Write) -> Self {
        Inserts {
            out,
            table: table.to_owned(),
        }
    }
}

impl RowWriter for Inserts<'_> {
    fn columns(&mut self, _: &[String]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let values: Vec<String> = values.iter().map(|value| literal(*value)).collect();
        writeln!(
            self.out,
            "INSERT INTO {} VALUES({});",
            identifier(&self.table),
            values.join(",")
        )
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        if complete {
            return Ok(());
        }
        writeln!(self.out, "-- incomplete: damage stopped the answer")
    }
}

/// A value as SQL that gives it again, byte by byte.
pub fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(v) => v.to_string(),
        ValueRef::Real(f64::INFINITY) => "9e999".to_owned(),
        ValueRef::Real(f64::NEG_INFINITY) => "-9e999".to_owned(),
        ValueRef::Real(v) => format!("{v:?}"),
        ValueRef::Blob(bytes) => format!("X'{}'", hex(bytes)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text_literal(text),
            Err(_) => format!("CAST(X'{}' AS TEXT)", hex(bytes)),
        },
    }
}

/// A text as SQL. SQL ends at a zero byte, and not all programs keep line ends of other systems, so these are spelled by number.
fn text_literal(text: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    if !text.contains(['\0', '\r']) {
        return quoted(text);
    }
    let mut pieces = Vec::new();
    for piece in text.split_inclusive(['\0', '\r']) {
        let rest = piece.trim_end_matches(['\0', '\r']);
        pieces.push(quoted(rest));
        pieces.extend(
            piece[rest.len()..]
                .chars()
                .map(|c| format!("char({})", u32::from(c))),
        );
    }
    format!("({})", pieces.join("||"))
}

/// A name in quotes.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::{Format, printed};
    use super::*;

    #[test]
    fn values_do_not_become_markup() {
        let row = vec![ValueRef::Text(b"<b>|&"), ValueRef::Null, ValueRef::Blob(&[1])];
        let rows = std::slice::from_ref(&row);
        assert_eq!(
            printed(Format::Md, &["a|", "b", "c"], rows),
            "| a\\| | b | c |\n| --- | --- | --- |\n| <b>\\|& | NULL | x'01' |\n"
        );
        assert_eq!(
            printed(Format::Html, &["a"], rows),
            "<table>\n<tr><th>a</th></tr>\n<tr><td>&lt;b&gt;|&amp;</td><td>NULL</td><td>x&#39;01&#39;</td></tr>\n</table>\n"
        );
    }

    #[test]
    fn literals_give_the_value_again() {
        let row = [
            ValueRef::Text(b"it's"),
            ValueRef::Text(b"a\0\r\nb\0"),
            ValueRef::Text(b""),
            ValueRef::Text(&[0xff]),
            ValueRef::Real(f64::INFINITY),
            ValueRef::Real(1e300),
            ValueRef::Integer(i64::MIN),
            ValueRef::Blob(&[]),
        ];
        let connection = aludel_sql::Connection::open_in_memory().unwrap();
        for value in row {
            let sql = format!("SELECT {}", literal(value));
            let mut statement = connection.prepare(&sql).unwrap();
            assert!(statement.step().unwrap());
            assert_eq!(statement.value(0), value, "{sql}");
        }
    }
}
