//! A report: facts by name and tables of fields. What a command finds out is put into one, and comes out in every format.
//!
//! ```text
//!   json                    {"schema":.., facts with dots as nested objects, tables as arrays of objects, "complete":..}
//!   table, plain            facts as lines, tables below, numbers with commas and units
//!   ndjson csv tsv md ...   the first table; a report without tables: name and value of each fact
//! ```
//!
//! Names of facts and columns are the contract of the JSON; values are raw there.

use std::borrow::Cow;
use std::io::{self, Write};

use aludel_sql::value::ValueRef;
use serde_json::{Map, Value as Json, json};

use super::aligned::print_aligned;
use super::text::{display, percent, size_words, thousands};
use super::{Format, Style, json_of};
use crate::error::Failure;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Unknown, or there is none.
    Null,
    /// A number that is a name: a page, a version, a salt.
    Number(i64),
    /// How many.
    Count(u64),
    /// A size.
    Bytes(u64),
    /// A part of a hundred.
    Percent(f64),
    /// A text; its control characters are escaped for people.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// Bytes.
    Blob(Vec<u8>),
    /// Several texts.
    List(Vec<String>),
}

impl Field {
    /// A text.
    pub fn text(text: impl Into<String>) -> Field {
        Field::Text(text.into())
    }

    /// A number, or null.
    pub fn number(number: Option<impl Into<i64>>) -> Field {
        number.map_or(Field::Null, |number| Field::Number(number.into()))
    }

    fn json(&self) -> Json {
        match self {
            Field::Null => Json::Null,
            Field::Number(v) => json!(v),
            Field::Count(v) | Field::Bytes(v) => json!(v),
            Field::Percent(v) => json!((v * 10.0).round() / 10.0),
            Field::Text(v) => json!(v),
            Field::Flag(v) => json!(v),
            Field::Blob(v) => json!({ "hex": super::text::hex(v) }),
            Field::List(v) => json!(v),
        }
    }

    /// For people.
    pub fn words(&self, style: &Style) -> String {
        match self {
            Field::Null => "-".to_owned(),
            Field::Number(v) => v.to_string(),
            Field::Count(v) | Field::Bytes(v) if style.raw_numbers => v.to_string(),
            Field::Count(v) => thousands(*v),
            Field::Bytes(v) => size_words(*v),
            Field::Percent(v) => percent(*v),
            Field::Text(v) => display(ValueRef::Text(v.as_bytes())),
            Field::Flag(v) => if *v { "yes" } else { "no" }.to_owned(),
            Field::Blob(v) => display(ValueRef::Blob(v)),
            Field::List(v) => display(ValueRef::Text(v.join(", ").as_bytes())),
        }
    }

    fn is_right_aligned(&self) -> bool {
        matches!(
            self,
            Field::Number(_) | Field::Count(_) | Field::Bytes(_) | Field::Percent(_)
        )
    }

    /// As a value of a row for programs. `joined` is what [`Field::joined`] gave.
    fn value<'f>(&'f self, joined: &'f str) -> ValueRef<'f> {
        match self {
            Field::Null => ValueRef::Null,
            Field::Number(v) => ValueRef::Integer(*v),
            Field::Count(v) | Field::Bytes(v) => ValueRef::Integer(i64::try_from(*v).unwrap_or(i64::MAX)),
            Field::Percent(v) => ValueRef::Real((v * 10.0).round() / 10.0),
            Field::Text(v) => ValueRef::Text(v.as_bytes()),
            Field::Flag(v) => ValueRef::Integer(i64::from(*v)),
            Field::Blob(v) => ValueRef::Blob(v),
            Field::List(_) => ValueRef::Text(joined.as_bytes()),
        }
    }

    /// The texts of a list as one; of other fields nothing.
    fn joined(&self) -> String {
        match self {
            Field::List(texts) => texts.join(" "),
            _ => String::new(),
        }
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Field {
        Field::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Field {
        Field::Text(text)
    }
}

impl From<bool> for Field {
    fn from(flag: bool) -> Field {
        Field::Flag(flag)
    }
}

/// A table of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// The names of its columns.
    pub columns: Vec<&'static str>,
    /// Its rows, each as long as `columns`.
    pub rows: Vec<Vec<Field>>,
}

impl Part {
    /// One without rows.
    pub fn new(name: &'static str, columns: &[&'static str]) -> Part {
        Part {
            name,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Field>) {
        debug_assert_eq!(row.len(), self.columns.len(), "{}", self.name);
        self.rows.push(row);
    }
}

/// What a command found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    kind: &'static str,
    facts: Vec<(Cow<'static, str>, Field)>,
    parts: Vec<Part>,
    notes: Vec<String>,
    /// Whether it is all of the answer.
    pub complete: bool,
    interrupted: bool,
}

impl Report {
    /// An empty one. `kind` names it in JSON: `dbtool/info/1`.
    pub fn new(kind: &'static str) -> Report {
        Report {
            kind,
            facts: Vec::new(),
            parts: Vec::new(),
            notes: Vec::new(),
            complete: true,
            interrupted: false,
        }
    }

    /// Adds a fact. Dots in the name make objects in JSON.
    pub fn fact(&mut self, name: impl Into<Cow<'static, str>>, field: impl Into<Field>) -> &mut Report {
        self.facts.push((name.into(), field.into()));
        self
    }

    /// Adds a table.
    pub fn part(&mut self, part: Part) -> &mut Report {
        self.parts.push(part);
        self
    }

    /// Adds a sentence for people. Programs have facts.
    pub fn note(&mut self, words: impl Into<String>) -> &mut Report {
        self.notes.push(words.into());
        self
    }

    /// Notes that the user stopped what would have made it whole.
    pub fn interrupted(&mut self) -> &mut Report {
        (self.complete, self.interrupted) = (false, true);
        self
    }

    /// Prints it.
    ///
    /// # Errors
    /// A closed output; a format that has no shape for it.
    pub fn print(&self, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
        match style.format {
            Format::Json => Ok(json_of(out, &self.json())?),
            Format::Table | Format::Plain => Ok(self.print_for_people(style, out)?),
            _ => self.print_rows(style, out),
        }
    }

    /// As one JSON document.
    pub fn json(&self) -> Json {
        let mut document = Map::new();
        document.insert("schema".to_owned(), json!(self.kind));
        for (name, field) in &self.facts {
            insert(&mut document, name, field.json());
        }
        for part in &self.parts {
            let object = |row: &Vec<Field>| {
                let fields = part.columns.iter().zip(row);
                Json::Object(
                    fields
                        .map(|(name, field)| ((*name).to_owned(), field.json()))
                        .collect(),
                )
            };
            document.insert(part.name.to_owned(), part.rows.iter().map(object).collect());
        }
        document.insert("complete".to_owned(), json!(self.complete));
        Json::Object(document)
    }

    fn print_for_people(&self, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let width = self
            .facts
            .iter()
            .map(|(name, _)| label(name).chars().count())
            .max()
            .unwrap_or(0);
        for (name, field) in &self.facts {
            let name = label(name);
            let space = width - name.chars().count() + 2;
            writeln!(out, "{}{:space$}{}", style.strong(&name), "", field.words(style))?;
        }
        let mut begun = !self.facts.is_empty();
        for part in &self.parts {
            if begun {
                writeln!(out)?;
            }
            begun = true;
            if self.parts.len() > 1 {
                writeln!(out, "{}", style.strong(&part.name.replace('_', " ")))?;
            }
            let right: Vec<bool> = (0..part.columns.len())
                .map(|column| part.rows.iter().any(|row| row[column].is_right_aligned()))
                .collect();
            let names: Vec<String> = part.columns.iter().map(|name| name.replace('_', " ")).collect();
            let rows: Vec<Vec<String>> = part
                .rows
                .iter()
                .map(|row| row.iter().map(|field| field.words(style)).collect())
                .collect();
            if rows.is_empty() {
                writeln!(out, "(none)")?;
            } else {
                print_aligned(out, style, &names, &rows, &right)?;
            }
        }
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        if !self.complete {
            let why = match self.interrupted {
                true => "interrupted",
                false => "damage stopped the answer",
            };
            writeln!(out, "(incomplete: {why})")?;
        }
        Ok(())
    }

    fn print_rows(&self, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
        let mut writer = style.rows(self.kind, out)?;
        let Some(part) = self.parts.first() else {
            writer.columns(&["property".to_owned(), "value".to_owned()])?;
            for (name, field) in &self.facts {
                writer.row(&[ValueRef::Text(name.as_bytes()), field.value(&field.joined())])?;
            }
            return Ok(writer.end(self.complete)?);
        };
        writer.columns(
            &part
                .columns
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )?;
        for row in &part.rows {
            write_row(&mut *writer, row)?;
        }
        Ok(writer.end(self.complete)?)
    }
}

fn write_row(writer: &mut dyn super::RowWriter, row: &[Field]) -> io::Result<()> {
    let joined: Vec<String> = row.iter().map(Field::joined).collect();
    let values: Vec<ValueRef<'_>> = row
        .iter()
        .zip(&joined)
        .map(|(field, joined)| field.value(joined))
        .collect();
    writer.row(&values)
}

/// A name for people: without the object that it belongs to.
fn label(name: &str) -> String {
    name.split_once('.')
        .map_or(name, |(_, rest)| rest)
        .replace(['_', '.'], " ")
}

fn insert(object: &mut Map<String, Json>, name: &str, value: Json) {
    match name.split_once('.') {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| json!({}));
            if let Json::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new("dbtool/test/1");
        report.fact("size.file_bytes", Field::Bytes(50_565_120));
        report.fact("pages", Field::Count(12_345));
        let mut part = Part::new("tables", &["name", "fill"]);
        part.push(vec!["a\u{1b}".into(), Field::Percent(93.06)]);
        report.part(part);
        report
    }

    fn printed(format: Format, raw_numbers: bool) -> String {
        let mut out = Vec::new();
        let style = Style {
            raw_numbers,
            ..Style::of(format)
        };
        report().print(&style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn people_get_units_and_programs_numbers() {
        assert_eq!(
            printed(Format::Plain, false),
            "file bytes  50.6 MB\npages       12,345\n\n name      fill\n a\\u{1b}  93.1%\n"
        );
        assert!(printed(Format::Plain, true).contains("file bytes  50565120"));
        assert_eq!(printed(Format::Csv, false), "name,fill\na\u{1b},93.1\n");
        let json: Json = serde_json::from_str(&printed(Format::Json, false)).unwrap();
        assert_eq!(json["size"]["file_bytes"], 50_565_120);
        assert_eq!(json["tables"][0]["fill"], 93.1);
    }
}
