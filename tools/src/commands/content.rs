//! `hash` and `dump`: the content of a database, whatever its pages look like.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;
use sha1::{Digest, Sha1};

use super::subject::{is_damage, prepare, read};
use crate::cli::{Dump, Target};
use crate::error::{Exit, Failure};
use crate::inspect::Image;
use crate::output::{Field, Format, Report, hex, identifier, literal};

/// Prints the hash of the content.
///
/// # Errors
/// Those of opening; damage, because a part has no hash.
pub(super) fn hash(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let hash = hex(&content_hash(&subject.connect()?)?);
        if subject.style.format.is_for_programs() {
            let mut report = Report::new("dbtool/hash/1");
            report.fact("file", target.file.display().to_string());
            report.fact("sha1", Field::Text(hash));
            report.print(&subject.style, out)?;
        } else {
            writeln!(out, "{hash} {}", target.file.display())?;
        }
        Ok(Exit::Done)
    })
}

/// SHA-1 over rows and schema by the rule of SQLite's `dbhash`: tables by name, each value with a digit for its class.
///
/// # Errors
/// Those of reading.
pub fn content_hash(connection: &Connection) -> Result<[u8; 20], Failure> {
    let mut hash = Sha1::new();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' \
        AND name NOT LIKE 'sqlite_%' ORDER BY name COLLATE nocase";
    let mut statement = prepare(connection, tables)?;
    while statement.step().map_err(|error| Failure::sql(error, tables))? {
        if let ValueRef::Text(name) = statement.value(0) {
            let rows = format!("SELECT * FROM {}", identifier(&String::from_utf8_lossy(name)));
            hash_rows(connection, &rows, &mut hash)?;
        }
    }
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name COLLATE nocase";
    hash_rows(connection, schema, &mut hash)?;
    Ok(hash.finalize().into())
}

fn hash_rows(connection: &Connection, sql: &str, hash: &mut Sha1) -> Result<(), Failure> {
    let mut statement = prepare(connection, sql)?;
    while statement.step().map_err(|error| Failure::sql(error, sql))? {
        for column in 0..statement.column_count() {
            match statement.value(column) {
                ValueRef::Null => hash.update(b"0"),
                ValueRef::Integer(number) => {
                    hash.update(b"1");
                    hash.update(number.to_be_bytes());
                }
                ValueRef::Real(number) => {
                    hash.update(b"2");
                    hash.update(number.to_bits().to_be_bytes());
                }
                ValueRef::Text(text) => {
                    hash.update(b"3");
                    hash.update(text);
                }
                ValueRef::Blob(bytes) => {
                    hash.update(b"4");
                    hash.update(bytes);
                }
            }
        }
    }
    Ok(())
}

/// Prints SQL that makes the database again.
///
/// # Errors
/// Those of opening and printing; a table that does not exist.
pub(super) fn dump(dump: &Dump, out: &mut dyn Write) -> Result<Exit, Failure> {
    if !matches!(dump.target.print.format, None | Some(Format::Sql)) {
        return Err(Failure::Usage(
            "a dump is SQL; other formats are those of rows and query".to_owned(),
        ));
    }
    read(&dump.target, out, &mut |subject, out| {
        let connection = subject.connect()?;
        let mut writer = Dumper {
            connection: &connection,
            out,
            only: dump.table.as_deref(),
            complete: true,
        };
        writer.all(&subject.image)?;
        Ok(if writer.complete {
            Exit::Done
        } else {
            Exit::Damaged
        })
    })
}

struct Dumper<'d> {
    connection: &'d Connection,
    out: &'d mut dyn Write,
    /// The one table that is wanted.
    only: Option<&'d str>,
    complete: bool,
}

/// A row of the schema.
struct Entry {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl Dumper<'_> {
    fn all(&mut self, image: &Image) -> Result<(), Failure> {
        let entries = self.entries()?;
        if let Some(only) = self.only
            && entries.is_empty()
        {
            return Err(Failure::Usage(format!("there is no table {only}")));
        }
        self.settings(image)?;
        writeln!(self.out, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;")?;
        for entry in entries.iter().filter(|entry| entry.kind == "table") {
            self.table(entry)?;
        }
        for entry in entries.iter().filter(|entry| entry.kind != "table") {
            writeln!(self.out, "{};", entry.sql)?;
        }
        writeln!(
            self.out,
            "{}",
            if self.complete {
                "COMMIT;"
            } else {
                "COMMIT; -- incomplete: damage stopped the answer"
            }
        )?;
        Ok(())
    }

    /// What is neither schema nor rows.
    fn settings(&mut self, image: &Image) -> Result<(), Failure> {
        let Some(header) = image.header().filter(|_| self.only.is_none()) else {
            return Ok(());
        };
        match header.encoding.number() {
            2 => writeln!(self.out, "PRAGMA encoding='UTF-16le';")?,
            3 => writeln!(self.out, "PRAGMA encoding='UTF-16be';")?,
            _ => {}
        }
        if header.user_version != 0 {
            writeln!(self.out, "PRAGMA user_version={};", header.user_version)?;
        }
        if header.application_id != 0 {
            writeln!(self.out, "PRAGMA application_id={};", header.application_id)?;
        }
        Ok(())
    }

    fn entries(&mut self) -> Result<Vec<Entry>, Failure> {
        let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
        let mut statement = prepare(self.connection, sql)?;
        let mut entries = Vec::new();
        loop {
            match statement.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if is_damage(&error) => {
                    self.complete = false;
                    break;
                }
                Err(error) => return Err(Failure::sql(error, sql)),
            }
            let text = |column| match statement.value(column) {
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            };
            entries.push(Entry {
                kind: text(0),
                name: text(1),
                table: text(2),
                sql: text(3),
            });
        }
        if let Some(only) = self.only {
            entries.retain(|entry| entry.table.eq_ignore_ascii_case(only));
        }
        Ok(entries)
    }

    fn table(&mut self, entry: &Entry) -> Result<(), Failure> {
        let name = literal(ValueRef::Text(entry.name.as_bytes()));
        if entry
            .sql
            .get(..15)
            .is_some_and(|start| start.eq_ignore_ascii_case("CREATE VIRTUAL "))
        {
            // Its shadow tables are dumped as tables; made by its module it would bring new ones.
            let sql = literal(ValueRef::Text(entry.sql.as_bytes()));
            writeln!(
                self.out,
                "PRAGMA writable_schema=ON;\nINSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) \
                 VALUES('table',{name},{name},0,{sql});\nPRAGMA writable_schema=OFF;"
            )?;
            return Ok(());
        }
        match entry.name.as_str() {
            "sqlite_sequence" => writeln!(self.out, "DELETE FROM sqlite_sequence;")?,
            // Statistics are there once anything was analyzed.
            "sqlite_stat1" => writeln!(self.out, "ANALYZE sqlite_schema;")?,
            system if system.starts_with("sqlite_") => return Ok(()),
            _ => writeln!(self.out, "{};", entry.sql)?,
        }
        self.rows(&entry.name)
    }

    fn rows(&mut self, table: &str) -> Result<(), Failure> {
        let Some((names, has_generated)) = self.stored_columns(table)? else {
            return self.lost(table);
        };
        let list = names
            .iter()
            .map(|name| identifier(name))
            .collect::<Vec<_>>()
            .join(",");
        let sql = format!("SELECT {list} FROM {}", identifier(table));
        let into = if has_generated {
            format!("{}({list})", identifier(table))
        } else {
            identifier(table)
        };
        let mut statement = match self.connection.prepare(&sql) {
            Ok(statement) => statement,
            Err(error) if is_damage(&error) => return self.lost(table),
            Err(error) => return Err(Failure::sql(error, &sql)),
        };
        loop {
            match statement.step() {
                Ok(true) => {
                    let values: Vec<String> = (0..names.len())
                        .map(|column| literal(statement.value(column)))
                        .collect();
                    writeln!(self.out, "INSERT INTO {into} VALUES({});", values.join(","))?;
                }
                Ok(false) => return Ok(()),
                Err(error) if is_damage(&error) => {
                    drop(statement);
                    return self.lost(table);
                }
                Err(error) => return Err(Failure::sql(error, &sql)),
            }
        }
    }

    /// The columns that hold values, and whether there are others, which are computed.
    fn stored_columns(&self, table: &str) -> Result<Option<(Vec<String>, bool)>, Failure> {
        let name = literal(ValueRef::Text(table.as_bytes()));
        let sql = format!("SELECT name, hidden FROM pragma_table_xinfo({name})");
        let mut statement = prepare(self.connection, &sql)?;
        let (mut names, mut has_generated) = (Vec::new(), false);
        while statement.step().map_err(|error| Failure::sql(error, &sql))? {
            if let (ValueRef::Text(name), ValueRef::Integer(hidden)) =
                (statement.value(0), statement.value(1))
            {
                if hidden == 0 {
                    names.push(String::from_utf8_lossy(name).into_owned());
                } else {
                    has_generated = true;
                }
            }
        }
        Ok((!names.is_empty()).then_some((names, has_generated)))
    }

    fn lost(&mut self, table: &str) -> Result<(), Failure> {
        self.complete = false;
        let table = table.replace(['\n', '\r'], " ");
        writeln!(
            self.out,
            "-- damage: the rows of {table} that would follow cannot be read; try salvage"
        )?;
        Ok(())
    }
}
