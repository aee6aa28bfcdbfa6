//! `csv`: a file of comma-separated values, or a text that holds such, as a table that can be read.
//!
//! `CREATE VIRTUAL TABLE t USING csv(filename='people.csv', header)`. Arguments:
//!
//! | argument | meaning |
//! |---|---|
//! | `filename=PATH`, `data=TEXT` | where the values come from: one of the two |
//! | `header`, `header=BOOLEAN` | the first record holds the names of the columns |
//! | `columns=N` | how many columns there are; without it, the first record tells |
//! | `schema=TEXT` | the CREATE TABLE that declares the columns; else they are `c0`, `c1`, .. or the header's, of type TEXT |
//!
//! Records are those of RFC 4180. Lines may end in a line feed alone, a byte order mark is left out, missing fields are NULL, and those past the last column are
//! dropped. Values are texts, as they stand. A table is read from its source anew by each scan.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::value::{Value, ValueRef};
use crate::virtual_table::{
    Connected, CursorColumn, IndexPlan, IndexQuestion, Module, ModuleArguments, Risk, VirtualContext,
    VirtualCursor, VirtualTable,
};

pub(super) const NAME: &str = "csv";

#[derive(Debug)]
pub(super) struct CsvModule;

impl Module for CsvModule {
    fn connect(&self, _: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<Connected> {
        let options = Options::of(arguments.arguments)?;
        let (declaration, columns) = options.declaration()?;
        Ok(Connected {
            declaration,
            table: Arc::new(CsvTable {
                source: options.source,
                header: options.header == Some(true),
                columns,
            }),
        })
    }
}

/// Where values come from.
#[derive(Clone, Debug)]
enum Source {
    File(String),
    Text(Arc<str>),
}

/// What the arguments say.
struct Options {
    source: Source,
    schema: Option<String>,
    header: Option<bool>,
    columns: Option<usize>,
}

impl Options {
    fn of(arguments: &[Arc<str>]) -> Result<Options> {
        let mut texts: [(&str, Option<String>); 3] = [("filename", None), ("data", None), ("schema", None)];
        let (mut header, mut columns) = (None, None);
        for argument in arguments {
            let named = texts
                .iter_mut()
                .find_map(|(name, text)| value_of(argument, name).map(|value| (*name, text, value)));
            if let Some((name, text, value)) = named {
                if text.replace(unquoted(value)).is_some() {
                    return Err(Error::sql(format!("more than one '{name}' parameter")));
                }
            } else if let Some(value) = switch_of(argument, "header") {
                if header.replace(value).is_some() {
                    return Err(Error::sql("more than one 'header' parameter"));
                }
            } else if let Some(value) = value_of(argument, "columns") {
                let digits = value.bytes().take_while(u8::is_ascii_digit).count();
                let count = value[..digits].parse::<usize>().ok().filter(|count| *count > 0);
                let Some(count) = count else {
                    return Err(Error::sql("column= value must be positive"));
                };
                if columns.replace(count).is_some() {
                    return Err(Error::sql("more than one 'columns' parameter"));
                }
            } else {
                return Err(Error::sql(format!("bad parameter: '{argument}'")));
            }
        }
        let [(_, file), (_, text), (_, schema)] = texts;
        let source = match (file, text) {
            (Some(file), None) => Source::File(file),
            (None, Some(text)) => Source::Text(text.into()),
            _ => return Err(Error::sql("must specify either filename= or data= but not both")),
        };
        Ok(Options {
            source,
            schema,
            header,
            columns,
        })
    }

    /// The declaration, and how many fields of a record are taken.
    fn declaration(&self) -> Result<(String, usize)> {
        let by_number = |numbers: std::ops::Range<usize>| numbers.map(|number| format!("c{number} TEXT"));
        let has_header = self.header == Some(true);
        let first = match (self.columns, has_header) {
            (Some(_), false) => Vec::new(),
            _ => self.source.open()?.record()?.unwrap_or_default(),
        };
        let columns = self.columns.unwrap_or_else(|| first.len().max(1));
        if let Some(schema) = &self.schema {
            return Ok((schema.clone(), columns));
        }
        let columns_text: Vec<String> = match has_header {
            false => by_number(0..columns).collect(),
            true => {
                let names = first.iter().take(columns);
                let named = names.map(|name| {
                    let name = String::from_utf8_lossy(name).replace('"', "\"\"");
                    format!("\"{name}\" TEXT")
                });
                let missing = by_number(first.len().min(columns) + 1..columns + 1);
                named.chain(missing).collect()
            }
        };
        Ok((format!("CREATE TABLE x({})", columns_text.join(",")), columns))
    }
}

/// The value of `name = value`.
fn value_of<'a>(argument: &'a str, name: &str) -> Option<&'a str> {
    let rest = argument.trim().strip_prefix(name)?.trim_start();
    rest.strip_prefix('=').map(str::trim)
}

/// `name`, or `name = yes` and its like.
fn switch_of(argument: &str, name: &str) -> Option<bool> {
    if argument.trim() == name {
        return Some(true);
    }
    match value_of(argument, name)?.to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" | "1" => Some(true),
        "no" | "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// A text in quotes, or as it stands.
fn unquoted(text: &str) -> String {
    for quote in ['\'', '"'] {
        let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    text.to_owned()
}

impl Source {
    fn open(&self) -> Result<Reader> {
        let input: Box<dyn BufRead + Send> = match self {
            Source::Text(text) => Box::new(Cursor::new(text.as_bytes().to_vec())),
            Source::File(path) => match File::open(path) {
                Ok(file) => Box::new(BufReader::new(file)),
                Err(_) => return Err(Error::sql(format!("cannot open '{path}' for reading"))),
            },
        };
        Ok(Reader {
            input,
            line: 1,
            started: false,
        })
    }
}

/// A field of a record.
type Field = Vec<u8>;

/// Reads records.
struct Reader {
    input: Box<dyn BufRead + Send>,
    line: usize,
    started: bool,
}

/// What a field ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Comma,
    Line,
    Source,
}

impl Reader {
    fn byte(&mut self) -> Result<Option<u8>> {
        let failed = |_| Error::sql("the CSV file cannot be read");
        let byte = self.input.fill_buf().map_err(failed)?.first().copied();
        if byte.is_some() {
            self.input.consume(1);
        }
        if byte == Some(b'\n') {
            self.line += 1;
        }
        Ok(byte)
    }

    /// The next record; `None` at the end.
    fn record(&mut self) -> Result<Option<Vec<Field>>> {
        let mut fields = Vec::new();
        loop {
            let mut field = Vec::new();
            let Some(end) = self.field(&mut field)? else {
                return Ok((!fields.is_empty()).then_some(fields));
            };
            fields.push(field);
            if end != End::Comma {
                return Ok(Some(fields));
            }
        }
    }

    /// Reads a field; `None` when the source ends where it would begin.
    fn field(&mut self, out: &mut Field) -> Result<Option<End>> {
        let Some(mut byte) = self.byte()? else {
            return Ok(None);
        };
        if !std::mem::replace(&mut self.started, true) && byte == 0xef {
            let mark = self
                .input
                .fill_buf()
                .is_ok_and(|rest| rest.starts_with(&[0xbb, 0xbf]));
            if mark {
                self.input.consume(2);
                match self.byte()? {
                    Some(next) => byte = next,
                    None => return Ok(None),
                }
            }
        }
        match byte {
            b'"' => self.quoted(out).map(Some),
            byte => self.plain(byte, out).map(Some),
        }
    }

    fn plain(&mut self, first: u8, out: &mut Field) -> Result<End> {
        let mut next = Some(first);
        loop {
            match next {
                None => return Ok(End::Source),
                Some(b',') => return Ok(End::Comma),
                Some(b'\n') => {
                    if out.last() == Some(&b'\r') {
                        out.pop();
                    }
                    return Ok(End::Line);
                }
                Some(byte) => out.push(byte),
            }
            next = self.byte()?;
        }
    }

    fn quoted(&mut self, out: &mut Field) -> Result<End> {
        let start = self.line;
        loop {
            match self.byte()? {
                None => {
                    return Err(Error::sql(format!(
                        "line {start}: unterminated \"-quoted field\n"
                    )));
                }
                Some(b'"') => match self.byte()? {
                    Some(b'"') => out.push(b'"'),
                    Some(b',') => return Ok(End::Comma),
                    Some(b'\n') => return Ok(End::Line),
                    None => return Ok(End::Source),
                    Some(b'\r') => {
                        return match self.byte()? {
                            Some(b'\n') => Ok(End::Line),
                            None => Ok(End::Source),
                            Some(_) => Err(self.unescaped()),
                        };
                    }
                    Some(_) => return Err(self.unescaped()),
                },
                Some(byte) => out.push(byte),
            }
        }
    }

    fn unescaped(&self) -> Error {
        Error::sql(format!("line {}: unescaped \" character", self.line))
    }
}

#[derive(Debug)]
struct CsvTable {
    source: Source,
    header: bool,
    columns: usize,
}

impl VirtualTable for CsvTable {
    fn best_index(&self, _: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        Ok(Some(IndexPlan {
            cost: 1_000_000.0,
            rows: 1_000_000,
            ..IndexPlan::default()
        }))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(CsvCursor {
            source: self.source.clone(),
            header: self.header,
            columns: self.columns,
            reader: None,
            rowid: 0,
        }))
    }

    fn risk(&self) -> Risk {
        Risk::DirectOnly
    }
}

struct CsvCursor {
    source: Source,
    header: bool,
    columns: usize,
    reader: Option<Reader>,
    rowid: i64,
}

impl VirtualCursor for CsvCursor {
    fn filter(&mut self, _: &mut VirtualContext<'_>, _: &IndexPlan, _: &[Value]) -> Result<()> {
        let mut reader = self.source.open()?;
        if self.header {
            reader.record()?;
        }
        self.reader = Some(reader);
        self.rowid = 0;
        Ok(())
    }

    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        context.check_interrupt()?;
        let Some(reader) = &mut self.reader else {
            return Ok(0);
        };
        let mut count = 0;
        while count < max
            && let Some(record) = reader.record()?
        {
            self.rowid += 1;
            for (vector, column) in batch.columns.iter_mut().zip(columns) {
                let field = match column {
                    CursorColumn::Column(column) if *column < self.columns => record.get(*column),
                    CursorColumn::Column(_) | CursorColumn::Handle(_) => None,
                    CursorColumn::Rowid => {
                        vector.push_integer(self.rowid);
                        continue;
                    }
                };
                match field {
                    Some(field) => vector.push(ValueRef::Text(field)),
                    None => vector.push_null(),
                }
            }
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Connection, Error};

    fn answer(setup: &str, sql: &str) -> Result<String, Error> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(setup)?;
        let mut statement = connection.prepare(sql)?;
        let mut rows = Vec::new();
        while statement.step()? {
            let values: Vec<String> = (0..statement.column_count())
                .map(|column| match statement.get::<Option<String>>(column) {
                    Ok(Some(text)) => text,
                    Ok(None) => "NULL".to_owned(),
                    Err(_) => statement.get::<i64>(column).unwrap_or_default().to_string(),
                })
                .collect();
            rows.push(values.join(";"));
        }
        Ok(rows.join("|"))
    }

    #[test]
    fn records() {
        for (arguments, sql, expected) in [
            ("data='a,b\n1,2\n'", "SELECT rowid, * FROM t", "1;a;b|2;1;2"),
            ("data='a,b\n1,2', header", "SELECT a, b FROM t", "1;2"),
            (
                "data='a\nx,y', header=1, columns=3",
                "SELECT a, c2, c3 FROM t",
                "x;y;NULL",
            ),
            (
                "data='\"a \"\"q\"\",\",\"b\r\n2\"\r\n3,4\r\n'",
                "SELECT c0, c1 FROM t",
                "a \"q\",;b\r\n2|3;4",
            ),
            (
                "data='1\n2,3,4\n\n5', columns=2",
                "SELECT c0, c1 FROM t",
                "1;NULL|2;3|;NULL|5;NULL",
            ),
            (
                "data='1,2', schema='CREATE TABLE x(id INT, name)'",
                "SELECT name, typeof(id) FROM t WHERE id = 1",
                "2;text",
            ),
            ("data='\u{feff}a,b'", "SELECT c0 FROM t", "a"),
        ] {
            let setup = format!("CREATE VIRTUAL TABLE t USING csv({arguments})");
            let found = answer(&setup, sql).unwrap_or_else(|error| panic!("{arguments}: {error}"));
            assert_eq!(found, expected, "{arguments}");
        }
    }

    #[test]
    fn files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("people.csv");
        std::fs::write(&path, "name,age\nAda,36\nAlan,41\n").unwrap();
        let setup = format!(
            "CREATE VIRTUAL TABLE temp.t USING csv(filename='{}', header=yes)",
            path.display()
        );
        assert_eq!(
            answer(&setup, "SELECT name FROM t WHERE age > '40'").unwrap(),
            "Alan"
        );
    }

    #[test]
    fn arguments_that_make_no_sense() {
        for (arguments, expected) in [
            ("", "must specify either filename= or data= but not both"),
            (
                "data='x', filename='y'",
                "must specify either filename= or data= but not both",
            ),
            (
                "filename='/no/such/file'",
                "cannot open '/no/such/file' for reading",
            ),
            ("data='x', data='y'", "more than one 'data' parameter"),
            ("data='x', columns=0", "column= value must be positive"),
            (
                "data='x', columns=1, columns=2",
                "more than one 'columns' parameter",
            ),
            ("data='x', header, header=off", "more than one 'header' parameter"),
            ("data='x', colour=red", "bad parameter: 'colour=red'"),
            ("data='\"x'", "line 1: unterminated \"-quoted field\n"),
            ("data='\"x\"y'", "line 1: unescaped \" character"),
        ] {
            let error = answer(
                &format!("CREATE VIRTUAL TABLE t USING csv({arguments})"),
                "SELECT 1",
            )
            .unwrap_err();
            assert_eq!(error.to_string(), expected, "{arguments}");
        }
    }
}
