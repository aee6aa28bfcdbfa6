//! A database as SQL that makes it again, in the form in which the sqlite3 shell's `.dump` writes it.
//!
//! ```text
//!   settings ─ BEGIN ─ tables, each with its rows ─ sequences ─ views ─ triggers ─ indexes ─ COMMIT
//! ```
//!
//! Beyond that shell: settings of the header that are not the usual ones are kept; texts with zero bytes and reals are exact; generated columns are left
//! out by name; where damage stops the rows of a table, those of others follow, and the end is ROLLBACK with a comment.
//!
//! - D1 Triggers come after all rows, so that none runs.
//! - D2 A virtual table is a row of the schema; its rows are those of its shadow tables. So its module is not run, and need not be there.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::token::TokenKind;
use aludel_sql::value::ValueRef;

use super::catalogue::{list, starts_with};
use super::{Catalogue, ContentError, Object, ObjectKind, TableShape};
use crate::output::{identifier, literal};

/// What to write.
#[derive(Clone, Debug)]
pub struct DumpOptions {
    /// Only these tables and views, and what belongs to them; all when empty.
    pub tables: Vec<String>,
    /// What makes tables, indexes, views and triggers.
    pub schema: bool,
    /// The rows.
    pub rows: bool,
    /// Row ids also where no column is the row id.
    pub rowids: bool,
}

impl Default for DumpOptions {
    fn default() -> DumpOptions {
        DumpOptions {
            tables: Vec::new(),
            schema: true,
            rows: true,
            rowids: false,
        }
    }
}

/// Settings of the header that a dump keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// 1 UTF-8, 2 UTF-16le, 3 UTF-16be.
    pub encoding: u32,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// `PRAGMA application_id`.
    pub application_id: i32,
}

impl Settings {
    /// Those that a connection sees.
    ///
    /// # Errors
    /// Those of reading the header.
    pub fn read(connection: &Connection) -> Result<Settings, ContentError> {
        let number = |name: &str| {
            let sql = format!("PRAGMA {name}");
            connection
                .query_row(&sql, (), |row| row.get::<i64>(0))
                .map_err(ContentError::of(&sql))
        };
        let sql = "PRAGMA encoding";
        let encoding: String = connection
            .query_row(sql, (), |row| row.get(0))
            .map_err(ContentError::of(sql))?;
        Ok(Settings {
            encoding: match encoding.as_str() {
                "UTF-16le" => 2,
                "UTF-16be" => 3,
                _ => 1,
            },
            user_version: number("user_version")? as i32,
            application_id: number("application_id")? as i32,
        })
    }

    /// Those of an image.
    pub fn of(image: &crate::inspect::Image) -> Settings {
        image.header().map_or_else(Settings::default, |header| Settings {
            encoding: header.encoding.number(),
            user_version: header.user_version,
            application_id: header.application_id,
        })
    }
}

/// What became of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DumpTally {
    /// Rows written.
    pub rows: u64,
    /// Tables of which damage hides rows.
    pub damaged: Vec<String>,
    /// Whether it was stopped from outside.
    pub interrupted: bool,
}

impl DumpTally {
    /// Whether it is all.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && !self.interrupted
    }
}

/// Writes the content that a connection sees.
///
/// ```
/// use aludel_tools::inspect::content::{DumpOptions, Settings, dump};
///
/// let connection = aludel_sql::Connection::open_in_memory().unwrap();
/// connection.execute_batch("CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 'it''s'), (0.1, x'00ff')").unwrap();
/// let mut text = Vec::new();
/// dump(&connection, &Settings::default(), &DumpOptions::default(), &mut text)?;
/// assert_eq!(
///     String::from_utf8(text).unwrap(),
///     "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a, b);\nINSERT INTO t VALUES(1,'it''s');\n\
///      INSERT INTO t VALUES(0.1,X'00ff');\nCOMMIT;\n"
/// );
/// # Ok::<(), aludel_tools::inspect::content::ContentError>(())
/// ```
///
/// # Errors
/// A schema that cannot be read, an output that is closed. Damage of rows, and an interrupt, are in the tally.
pub fn dump(
    connection: &Connection,
    settings: &Settings,
    options: &DumpOptions,
    out: &mut dyn Write,
) -> Result<DumpTally, ContentError> {
    let catalogue = Catalogue::read(connection)?;
    let mut tally = DumpTally::default();
    if !catalogue.complete {
        tally.damaged.push("sqlite_schema".to_owned());
    }
    let mut dumper = Dumper {
        connection,
        options,
        catalogue: catalogue.only(&options.tables),
        tally,
        out,
    };
    if options.schema && options.tables.is_empty() {
        write_settings(settings, dumper.out)?;
    }
    writeln!(dumper.out, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;")?;
    dumper.objects()?;
    dumper.end()?;
    Ok(dumper.tally)
}

/// What is neither schema nor rows, where it is not as in any new file. The encoding has to come first of all.
fn write_settings(settings: &Settings, out: &mut dyn Write) -> std::io::Result<()> {
    match settings.encoding {
        2 => writeln!(out, "PRAGMA encoding='UTF-16le';")?,
        3 => writeln!(out, "PRAGMA encoding='UTF-16be';")?,
        _ => {}
    }
    if settings.user_version != 0 {
        writeln!(out, "PRAGMA user_version={};", settings.user_version)?;
    }
    if settings.application_id != 0 {
        writeln!(out, "PRAGMA application_id={};", settings.application_id)?;
    }
    Ok(())
}

struct Dumper<'d> {
    connection: &'d Connection,
    options: &'d DumpOptions,
    catalogue: Catalogue,
    tally: DumpTally,
    out: &'d mut dyn Write,
}

impl Dumper<'_> {
    fn objects(&mut self) -> Result<(), ContentError> {
        let objects = std::mem::take(&mut self.catalogue.objects);
        let has_virtual = objects
            .iter()
            .any(|object| object.kind == ObjectKind::VirtualTable);
        if has_virtual && self.options.schema {
            writeln!(self.out, "PRAGMA writable_schema=ON;")?;
        }
        let is_table = |object: &&Object| matches!(object.kind, ObjectKind::Table | ObjectKind::VirtualTable);
        let is_last = |object: &&Object| object.name == SEQUENCES;
        for object in objects.iter().filter(is_table).filter(|object| !is_last(object)) {
            self.table(object)?;
        }
        if let Some(sequences) = objects.iter().filter(is_table).find(is_last) {
            self.sequences(sequences, &objects)?;
        }
        if self.options.schema {
            for kind in [ObjectKind::View, ObjectKind::Trigger, ObjectKind::Index] {
                for object in objects.iter().filter(|object| object.kind == kind) {
                    writeln!(self.out, "{};", object.sql)?;
                }
            }
            if has_virtual {
                writeln!(self.out, "PRAGMA writable_schema=OFF;")?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ContentError> {
        let end = if self.tally.interrupted {
            "ROLLBACK; -- interrupted: what is above is not all; with COMMIT in place of this it can be kept"
        } else if self.tally.damaged.is_empty() {
            "COMMIT;"
        } else {
            "ROLLBACK; -- damage: what is above is not all; with COMMIT in place of this it can be kept"
        };
        Ok(writeln!(self.out, "{end}")?)
    }

    fn table(&mut self, object: &Object) -> Result<(), ContentError> {
        if object.kind == ObjectKind::VirtualTable {
            return self.virtual_table(object);
        }
        match object.name.as_str() {
            // The table of statistics comes with any analysis.
            "sqlite_stat1" if self.options.schema => writeln!(self.out, "ANALYZE sqlite_schema;")?,
            "sqlite_stat1" => {}
            _ if object.is_internal() => return Ok(()),
            _ if self.options.schema => writeln!(self.out, "{};", created(&object.sql))?,
            _ => {}
        }
        self.rows(&object.name)
    }

    /// Made by its module it would bring new shadow tables (D2).
    fn virtual_table(&mut self, object: &Object) -> Result<(), ContentError> {
        if self.options.schema {
            let [name, sql] =
                [&object.name, &object.sql].map(|text| literal(ValueRef::Text(text.as_bytes())));
            writeln!(
                self.out,
                "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{name},{name},0,{sql});"
            )?;
        }
        Ok(())
    }

    /// The counters of AUTOINCREMENT. Their table comes with the first such table, and stays when the last one goes.
    fn sequences(&mut self, object: &Object, all: &[Object]) -> Result<(), ContentError> {
        if self.options.schema {
            let is_made = |object: &Object| {
                object.kind == ObjectKind::Table && object.sql.to_ascii_uppercase().contains("AUTOINCREMENT")
            };
            if !all.iter().any(is_made) {
                let name = free_name(all);
                writeln!(
                    self.out,
                    "CREATE TABLE {name}(a INTEGER PRIMARY KEY AUTOINCREMENT);\nDROP TABLE {name};"
                )?;
            }
        }
        if self.options.rows {
            writeln!(self.out, "DELETE FROM sqlite_sequence;")?;
        }
        self.rows(&object.name)
    }

    fn rows(&mut self, table: &str) -> Result<(), ContentError> {
        if !self.options.rows || self.tally.interrupted {
            return Ok(());
        }
        match self.write_rows(table) {
            Err(error) if error.is_damage() => self.lost(table),
            Err(error) if error.is_interrupt() => {
                self.tally.interrupted = true;
                Ok(())
            }
            result => result,
        }
    }

    fn write_rows(&mut self, table: &str) -> Result<(), ContentError> {
        let shape = TableShape::read(self.connection, table)?;
        let rowid = shape
            .rowid
            .as_deref()
            .filter(|_| self.options.rowids && !shape.has_rowid_column);
        let names = || {
            rowid
                .into_iter()
                .chain(shape.stored().map(|column| column.name.as_str()))
        };
        // Rows get their row ids again by their order, so it must not be that of an index.
        let sql = format!("SELECT {} FROM {} NOT INDEXED", list(names()), identifier(table));
        let into = if shape.has_generated() || rowid.is_some() {
            format!(
                "{}({})",
                name_of(table),
                names().map(name_of).collect::<Vec<_>>().join(",")
            )
        } else {
            name_of(table)
        };
        let mut statement = self.connection.prepare(&sql).map_err(ContentError::of(&sql))?;
        while statement.step().map_err(ContentError::of(&sql))? {
            write!(self.out, "INSERT INTO {into} VALUES(")?;
            for column in 0..statement.column_count() {
                let comma = if column > 0 { "," } else { "" };
                write!(self.out, "{comma}{}", literal(statement.value(column)))?;
            }
            writeln!(self.out, ");")?;
            self.tally.rows += 1;
        }
        Ok(())
    }

    fn lost(&mut self, table: &str) -> Result<(), ContentError> {
        self.tally.damaged.push(table.to_owned());
        let table = table.escape_debug();
        writeln!(
            self.out,
            "-- damage: rows of {table} that would follow here cannot be read; salvage looks for them"
        )?;
        Ok(())
    }
}

const SEQUENCES: &str = "sqlite_sequence";

/// A name that no object has.
pub(super) fn free_name(all: &[Object]) -> String {
    (0..)
        .map(|number| format!("for_sequences_{number}"))
        .find(|name| !all.iter().any(|object| object.name.eq_ignore_ascii_case(name)))
        .unwrap_or_default()
}

/// `CREATE TABLE` with `IF NOT EXISTS` where the name is in quotes, as SQLite's own shell does: such a name may be one that a module has made.
fn created(sql: &str) -> String {
    const START: &str = "CREATE TABLE ";
    match sql.get(START.len()..) {
        Some(rest) if starts_with(sql, START) && rest.starts_with(['"', '\'']) => {
            format!("CREATE TABLE IF NOT EXISTS {rest}")
        }
        _ => sql.to_owned(),
    }
}

/// A name, in quotes where SQL would read it otherwise.
pub(super) fn name_of(name: &str) -> String {
    let mut lexer = Lexer::new(name.as_bytes(), 0);
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain && lexer.next_token().kind == TokenKind::Id {
        name.to_owned()
    } else {
        identifier(name)
    }
}
