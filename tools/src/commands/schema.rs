//! `schema`: the SQL of everything in the file, with root pages.

use std::io::Write;

use aludel_sql::value::ValueRef;
use aludel_sql::{Connection, Statement};

use super::subject::{Subject, prepare, read};
use crate::cli::Schema;
use crate::error::{Exit, Failure};
use crate::inspect::walk_schema;
use crate::output::{Field, Format, Part, Report, display, literal};
use crate::picture::{Graph, GraphColumn, GraphTable};

/// Tables first, then what belongs to them, in the order of creation.
const ENTRIES: &str = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid";

/// Prints the SQL that makes the schema; as rows in formats for programs. What damage hides is told of, and the exit code is 4.
///
/// # Errors
/// A file that cannot be opened or read, an output that is closed.
pub(super) fn schema(schema: &Schema, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&schema.target, out, &mut |subject, out| {
        if schema.graph {
            return graph(schema, subject, out);
        }
        let mut hidden = Hidden::default();
        let entries = entries(subject, schema.name.as_deref(), &mut hidden)?;
        let for_people = matches!(subject.style.format, Format::Table | Format::Plain | Format::Sql);
        if for_people {
            print_sql(&entries, out)?;
        }
        let wants_details = schema.name.is_some() && subject.style.format != Format::Sql;
        let report = match (wants_details, for_people) {
            (true, true) => Some(details(&subject.connect()?, &entries, &mut hidden)),
            (true, false) if subject.style.format == Format::Json => {
                let mut report = details(&subject.connect()?, &entries, &mut hidden);
                report.part(entries);
                Some(report)
            }
            (false, true) => None,
            _ => {
                let mut report = Report::new("dbtool/schema/1");
                report.part(entries);
                Some(report)
            }
        };
        if let Some(mut report) = report {
            report.complete = hidden.is_empty();
            report.print(&subject.style, out)?;
        }
        Ok(hidden.tell())
    })
}

/// What damage hides, in words.
#[derive(Debug, Default)]
struct Hidden(Vec<String>);

impl Hidden {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that damage hides something; any other reason is the caller's failure.
    fn note(&mut self, what: &str, failure: Failure) -> Result<(), Failure> {
        if failure.exit() != Exit::Damaged || failure.is_broken_pipe() {
            return Err(failure);
        }
        self.0.push(format!("damage hides {what}: {failure}"));
        Ok(())
    }

    /// Says it on standard error; the exit code.
    fn tell(&self) -> Exit {
        for words in &self.0 {
            eprintln!("dbtool: {}", display(ValueRef::Text(words.as_bytes())));
        }
        if self.is_empty() {
            Exit::Done
        } else {
            Exit::Damaged
        }
    }
}

/// The rows of the schema table, all or those of one name. Where the engine cannot go on they are those that the walker finds.
fn entries(subject: &Subject, name: Option<&str>, hidden: &mut Hidden) -> Result<Part, Failure> {
    let rows = match engine_entries(&subject.connect()?) {
        Ok(rows) => rows,
        Err(failure) => {
            hidden.note("a part of the schema", failure)?;
            walker_entries(subject, hidden)
        }
    };
    let mut part = Part::new("entries", &["type", "name", "table", "root_page", "sql"]);
    for row in rows {
        let is_named = |column: usize| match (name, row.get(column)) {
            (None, _) => true,
            (Some(name), Some(Field::Text(found))) => found.eq_ignore_ascii_case(name),
            _ => false,
        };
        if is_named(1) || is_named(2) {
            part.push(row);
        }
    }
    match name {
        Some(name) if part.rows.is_empty() && hidden.is_empty() => {
            Err(Failure::Usage(format!("there is no {name} in the schema")))
        }
        _ => Ok(part),
    }
}

fn engine_entries(connection: &Connection) -> Result<Vec<Vec<Field>>, Failure> {
    let mut rows = Vec::new();
    each(connection, ENTRIES, &mut |row| {
        rows.push((0..5).map(|column| field(row.value(column))).collect());
    })?;
    Ok(rows)
}

fn walker_entries(subject: &Subject, hidden: &mut Hidden) -> Vec<Vec<Field>> {
    let (entries, findings) = walk_schema(&subject.image);
    for finding in findings {
        hidden.0.push(format!("found there: {finding}"));
    }
    entries
        .into_iter()
        .map(|entry| {
            vec![
                Field::Text(entry.kind),
                Field::Text(entry.name),
                Field::Text(entry.table),
                Field::Number(entry.root),
                entry.sql.map_or(Field::Null, Field::Text),
            ]
        })
        .collect()
}

/// A value as it is; what is not a name or number (the schema may be damaged) as bytes.
fn field(value: ValueRef<'_>) -> Field {
    match value {
        ValueRef::Null => Field::Null,
        ValueRef::Integer(number) => Field::Number(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Field::text(text),
            Err(_) => Field::Blob(bytes.to_vec()),
        },
        ValueRef::Real(number) => Field::text(number.to_string()),
        ValueRef::Blob(bytes) => Field::Blob(bytes.to_vec()),
    }
}

/// What the SQL of a table does not say at a glance: its columns, its indexes, and where each has its root.
fn details(connection: &Connection, entries: &Part, hidden: &mut Hidden) -> Report {
    let mut objects = Part::new("objects", &["type", "name", "root_page"]);
    let mut columns = Part::new(
        "columns",
        &[
            "table",
            "column",
            "type",
            "not_null",
            "default",
            "primary_key",
            "refers_to",
        ],
    );
    let mut indexes = Part::new("indexes", &["index", "unique", "made_by", "partial", "columns"]);
    for row in &entries.rows {
        let [Field::Text(kind), Field::Text(name), _, root, _] = &row[..] else {
            continue;
        };
        objects.push(vec![Field::text(&**kind), Field::text(&**name), root.clone()]);
        if kind == "table" || kind == "view" {
            let before = columns.rows.len();
            let told = columns_of(connection, name, &mut columns)
                .and_then(|()| indexes_of(connection, name, &mut indexes));
            let reason = match told {
                Err(failure) => Some(failure.to_string()),
                // Every table has a column: the schema's row has another name than the definition in it.
                Ok(()) if columns.rows.len() == before => {
                    Some("its definition is not under this name".to_owned())
                }
                Ok(()) => None,
            };
            if let Some(reason) = reason {
                hidden
                    .0
                    .push(format!("columns and indexes of {name} are not known: {reason}"));
            }
        }
    }
    let mut report = Report::new("dbtool/schema/1");
    report.part(columns).part(indexes).part(objects);
    report
}

fn columns_of(connection: &Connection, table: &str, part: &mut Part) -> Result<(), Failure> {
    let name = quoted_text(table);
    let sql = format!(
        "SELECT c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, \
         (SELECT f.\"table\" || coalesce('.' || f.\"to\", '') FROM pragma_foreign_key_list({name}) AS f WHERE f.\"from\" = c.name) \
         FROM pragma_table_xinfo({name}) AS c"
    );
    each(connection, &sql, &mut |row| {
        let is = |column| matches!(row.value(column), ValueRef::Integer(number) if number > 0);
        part.push(vec![
            Field::text(table),
            field(row.value(0)),
            field(row.value(1)),
            Field::Flag(is(2)),
            field(row.value(3)),
            if is(4) { field(row.value(4)) } else { Field::Null },
            field(row.value(5)),
        ]);
    })
}

fn indexes_of(connection: &Connection, table: &str, part: &mut Part) -> Result<(), Failure> {
    let sql = format!(
        "SELECT i.name, i.\"unique\", i.origin, i.partial, \
         (SELECT group_concat(coalesce(name, '(expression)'), ', ') FROM pragma_index_info(i.name)) FROM pragma_index_list({}) AS i",
        quoted_text(table)
    );
    each(connection, &sql, &mut |row| {
        let is = |column| matches!(row.value(column), ValueRef::Integer(1));
        let origin = match text(row, 2).as_deref() {
            Some("pk") => "PRIMARY KEY",
            Some("u") => "UNIQUE",
            _ => "CREATE INDEX",
        };
        part.push(vec![
            field(row.value(0)),
            Field::Flag(is(1)),
            origin.into(),
            Field::Flag(is(3)),
            field(row.value(4)),
        ]);
    })
}

/// The picture of tables and foreign keys.
fn graph(schema: &Schema, subject: &Subject, out: &mut dyn Write) -> Result<Exit, Failure> {
    if !matches!(schema.target.print.format, None | Some(Format::Svg)) {
        return Err(Failure::Usage(
            "the graph is a picture: leave the format out, or ask for svg".to_owned(),
        ));
    }
    let connection = subject.connect()?;
    let mut names = Vec::new();
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    each(&connection, tables, &mut |row| names.extend(text(row, 0)))?;
    if let Some(only) = &schema.name {
        names = neighbours(&connection, only, names)?;
    }
    let (mut tables, mut hidden) = (Vec::new(), Hidden::default());
    for name in names {
        match graph_table(&connection, &name) {
            Ok(table) => tables.push(table),
            Err(failure) => hidden.note(&format!("table {name}"), failure)?,
        }
    }
    let file = subject.image.path().file_name().unwrap_or_default();
    let graph = Graph {
        name: file.to_string_lossy().into_owned(),
        tables,
    };
    out.write_all(graph.svg().as_bytes())?;
    Ok(hidden.tell())
}

/// The table, those that it refers to and those that refer to it.
fn neighbours(connection: &Connection, only: &str, names: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut kept = Vec::new();
    for name in names {
        let mut is_near = name.eq_ignore_ascii_case(only);
        let near = format!(
            "SELECT \"table\" FROM pragma_foreign_key_list({})",
            quoted_text(only)
        );
        each(connection, &near, &mut |row| {
            is_near |= text(row, 0).is_some_and(|parent| parent.eq_ignore_ascii_case(&name))
        })?;
        let back = format!(
            "SELECT \"table\" FROM pragma_foreign_key_list({})",
            quoted_text(&name)
        );
        each(connection, &back, &mut |row| {
            is_near |= text(row, 0).is_some_and(|parent| parent.eq_ignore_ascii_case(only))
        })?;
        if is_near {
            kept.push(name);
        }
    }
    if kept.is_empty() {
        return Err(Failure::Usage(format!("there is no table {only}")));
    }
    Ok(kept)
}

fn graph_table(connection: &Connection, name: &str) -> Result<GraphTable, Failure> {
    let mut columns = Vec::new();
    let sql = format!(
        "SELECT name, type, \"notnull\", pk FROM pragma_table_info({})",
        quoted_text(name)
    );
    each(connection, &sql, &mut |row| {
        columns.push(GraphColumn {
            name: text(row, 0).unwrap_or_default(),
            kind: text(row, 1).unwrap_or_default(),
            not_null: matches!(row.value(2), ValueRef::Integer(1)),
            is_key: !matches!(row.value(3), ValueRef::Integer(0)),
            refers_to: None,
        });
    })?;
    let sql = format!(
        "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list({})",
        quoted_text(name)
    );
    each(connection, &sql, &mut |row| {
        let (Some(from), Some(parent)) = (text(row, 0), text(row, 1)) else {
            return;
        };
        let column = columns
            .iter_mut()
            .find(|column| column.name.eq_ignore_ascii_case(&from));
        if let Some(column) = column {
            column.refers_to = Some((parent, text(row, 2).unwrap_or_default()));
        }
    })?;
    Ok(GraphTable {
        name: name.to_owned(),
        columns,
    })
}

fn quoted_text(name: &str) -> String {
    literal(ValueRef::Text(name.as_bytes()))
}

fn text(row: &Statement<'_>, column: usize) -> Option<String> {
    match row.value(column) {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// Calls `take` at each row.
fn each(connection: &Connection, sql: &str, take: &mut dyn FnMut(&Statement<'_>)) -> Result<(), Failure> {
    let mut statement = prepare(connection, sql)?;
    while statement.step().map_err(|error| Failure::sql(error, sql))? {
        take(&statement);
    }
    Ok(())
}

fn print_sql(entries: &Part, out: &mut dyn Write) -> Result<(), Failure> {
    for row in &entries.rows {
        // Automatic indexes have no SQL of their own: their table's says it.
        if let Some(Field::Text(sql)) = row.last() {
            writeln!(out, "{sql};")?;
        }
    }
    Ok(())
}
