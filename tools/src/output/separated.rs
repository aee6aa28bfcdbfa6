//! `csv` (RFC 4180) and `tsv`: a header line, then a line a row. NULL is an empty field, a blob is hex.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;

use super::RowWriter;
use super::text::{hex, real};

/// Writes separated values.
pub(super) struct Separated<'o> {
    out: &'o mut dyn Write,
    tabs: bool,
}

impl<'o> Separated<'o> {
    pub(super) fn csv(out: &'o mut dyn Write) -> Self {
        Separated { out, tabs: false }
    }

    pub(super) fn tsv(out: &'o mut dyn Write) -> Self {
        Separated { out, tabs: true }
    }

    fn line<'v>(&mut self, fields: impl Iterator<Item = ValueRef<'v>>) -> io::Result<()> {
        for (i, field) in fields.enumerate() {
            if i > 0 {
                self.out.write_all(if self.tabs { b"\t" } else { b"," })?;
            }
            self.field(field)?;
        }
        self.out.write_all(b"\n")
    }

    fn field(&mut self, value: ValueRef<'_>) -> io::Result<()> {
        match value {
            ValueRef::Null => Ok(()),
            ValueRef::Integer(v) => write!(self.out, "{v}"),
            ValueRef::Real(v) => write!(self.out, "{}", real(v)),
            ValueRef::Blob(bytes) => write!(self.out, "{}", hex(bytes)),
            ValueRef::Text(bytes) if self.tabs => self.escaped(bytes),
            ValueRef::Text(bytes) => self.quoted(bytes),
        }
    }

    /// A text as csv writes it: in quotes when it holds a separator, a quote or a line end, or is empty (unlike NULL).
    fn quoted(&mut self, bytes: &[u8]) -> io::Result<()> {
        let plain = |b: &u8| !matches!(b, b',' | b'"' | b'\n' | b'\r');
        if !bytes.is_empty() && bytes.iter().all(plain) {
            return self.out.write_all(bytes);
        }
        self.out.write_all(b"\"")?;
        for (i, piece) in bytes.split(|b| *b == b'"').enumerate() {
            if i > 0 {
                self.out.write_all(b"\"\"")?;
            }
            self.out.write_all(piece)?;
        }
        self.out.write_all(b"\"")
    }

    /// A text as tsv writes it: tabs, line ends and backslashes by their escapes.
    fn escaped(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            match byte {
                b'\t' => self.out.write_all(b"\\t")?,
                b'\n' => self.out.write_all(b"\\n")?,
                b'\r' => self.out.write_all(b"\\r")?,
                b'\\' => self.out.write_all(b"\\\\")?,
                other => self.out.write_all(&[*other])?,
            }
        }
        Ok(())
    }
}

impl RowWriter for Separated<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.line(names.iter().map(|name| ValueRef::Text(name.as_bytes())))
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        self.line(values.iter().copied())
    }

    fn end(&mut self, _complete: bool) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, printed};
    use aludel_sql::value::ValueRef;

    #[test]
    fn csv_quotes_what_it_must() {
        let row = vec![
            ValueRef::Text(b"a,\"b\""),
            ValueRef::Text(b"plain"),
            ValueRef::Null,
            ValueRef::Text(b""),
            ValueRef::Real(1.0),
            ValueRef::Blob(&[1, 255]),
        ];
        let text = printed(
            Format::Csv,
            &["a", "b c", "n", "e", "r", "x"],
            std::slice::from_ref(&row),
        );
        assert_eq!(text, "a,b c,n,e,r,x\n\"a,\"\"b\"\"\",plain,,\"\",1.0,01ff\n");
        let text = printed(Format::Tsv, &["a"], &[vec![ValueRef::Text(b"x\ty\\")]]);
        assert_eq!(text, "a\nx\\ty\\\\\n");
    }
}
