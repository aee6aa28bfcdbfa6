//! SQL that makes one database of another.
//!
//! ```text
//!   settings ─ BEGIN ─ drop: triggers, views, indexes, tables ─ rows of tables that stay
//!                    ─ create: tables with rows ─ views, indexes ─ sequences, statistics ─ triggers ─ COMMIT
//! ```
//!
//! - P1 No trigger runs: all are dropped first and made last.
//! - P2 In a table with unique columns, or without row ids, rows go before others come: a value that moves from one row to another is in no one's way.
//! - P3 Row ids stay what they are in the second database, so that rows come in its order.
//! - P4 Where nothing differs nothing is written.
//!
//! A table whose SQL differs is made anew. A virtual table is a row of the schema, as in a dump.

use std::collections::BTreeSet;
use std::io::Write;

use aludel_sql::value::ValueRef;

use super::catalogue::list;
use super::diff::{
    Change, KeyChoice, RowDifference, RowKey, SchemaDifference, Side, TablePair, compare_rows, is_same,
    literals, schema_differences,
};
use super::dump::{free_name, name_of};
use super::{ContentError, Object, ObjectKind, TableShape};
use crate::output::{identifier, literal};

/// Writes SQL which makes `second` of `first`; whether there was something to write.
///
/// # Errors
/// Those of reading, damage among them, after a ROLLBACK; an output that is closed.
pub fn write_patch(first: &Side, second: &Side, out: &mut dyn Write) -> Result<bool, ContentError> {
    let mut patch = Patch {
        first,
        second,
        differences: schema_differences(&first.catalogue, &second.catalogue),
        anew: BTreeSet::new(),
        begun: false,
        is_schema_written: false,
        dropped_at_end: None,
        out,
    };
    match patch.all() {
        Ok(()) => {
            if patch.begun {
                patch.end()?;
            }
            Ok(patch.begun)
        }
        Err(error) => {
            if patch.begun && !matches!(error, ContentError::Output(_)) {
                writeln!(patch.out, "ROLLBACK; -- what is above is not all")?;
            }
            Err(error)
        }
    }
}

struct Patch<'p> {
    first: &'p Side,
    second: &'p Side,
    differences: Vec<SchemaDifference>,
    /// Tables, in lower case, that are dropped and made again.
    anew: BTreeSet<String>,
    begun: bool,
    /// Whether rows of the schema are written, which shows when it is read again.
    is_schema_written: bool,
    /// A table that can be dropped only then.
    dropped_at_end: Option<String>,
    out: &'p mut dyn Write,
}

impl Patch<'_> {
    fn all(&mut self) -> Result<(), ContentError> {
        self.drop_objects()?;
        self.rows_of_kept_tables()?;
        self.create_objects()?;
        self.own_tables()?;
        self.settings()?;
        if self.begun {
            for trigger in self.second.catalogue.of_kind(ObjectKind::Trigger) {
                writeln!(self.out, "{};", trigger.sql)?;
            }
        }
        Ok(())
    }

    /// Writes what comes before everything else, once.
    fn begin(&mut self) -> Result<(), ContentError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        writeln!(
            self.out,
            "PRAGMA foreign_keys=OFF;\nPRAGMA ignore_check_constraints=ON;\nBEGIN TRANSACTION;"
        )?;
        for trigger in self.first.catalogue.of_kind(ObjectKind::Trigger) {
            writeln!(self.out, "DROP TRIGGER {};", name_of(&trigger.name))?;
        }
        Ok(())
    }

    fn line(&mut self, sql: &str) -> Result<(), ContentError> {
        self.begin()?;
        self.is_schema_written |= sql.starts_with("PRAGMA writable_schema");
        Ok(writeln!(self.out, "{sql};")?)
    }

    // ---- objects ---------------------------------------------------------------------------------

    fn drop_objects(&mut self) -> Result<(), ContentError> {
        let gone: Vec<Object> = self
            .differences
            .iter()
            .filter(|difference| difference.change != Change::Added)
            .filter_map(|difference| difference.first.clone())
            .filter(|object| !object.is_internal())
            .collect();
        let is_gone_table = |object: &Object| object.kind == ObjectKind::Table;
        self.anew = gone
            .iter()
            .filter(|object| is_gone_table(object))
            .map(|object| object.name.to_ascii_lowercase())
            .collect();
        for object in &gone {
            let goes_with_table = self.is_anew(&object.table);
            match object.kind {
                // A difference of triggers alone has to begin the patch; `begin` drops them all.
                ObjectKind::Trigger => self.begin()?,
                ObjectKind::View => self.line(&format!("DROP VIEW {}", name_of(&object.name)))?,
                ObjectKind::Index if !goes_with_table => {
                    self.line(&format!("DROP INDEX {}", name_of(&object.name)))?;
                }
                _ => {}
            }
        }
        for object in gone
            .iter()
            .filter(|object| object.kind == ObjectKind::VirtualTable)
        {
            let name = literal(ValueRef::Text(object.name.as_bytes()));
            self.line("PRAGMA writable_schema=ON")?;
            self.line(&format!(
                "DELETE FROM sqlite_schema WHERE type='table' AND name={name}"
            ))?;
        }
        for object in gone.iter().filter(|object| is_gone_table(object)) {
            self.line(&format!("DROP TABLE {}", name_of(&object.name)))?;
        }
        Ok(())
    }

    fn is_anew(&self, table: &str) -> bool {
        self.anew.contains(&table.to_ascii_lowercase())
    }

    fn create_objects(&mut self) -> Result<(), ContentError> {
        let new: Vec<Object> = self
            .differences
            .iter()
            .filter(|difference| difference.change != Change::Removed)
            .filter_map(|difference| difference.second.clone())
            .filter(|object| !object.is_internal())
            .collect();
        for table in new.iter().filter(|object| object.kind == ObjectKind::Table) {
            self.line(&table.sql)?;
            self.all_rows(&table.name)?;
        }
        for table in new
            .iter()
            .filter(|object| object.kind == ObjectKind::VirtualTable)
        {
            let [name, sql] = [&table.name, &table.sql].map(|text| literal(ValueRef::Text(text.as_bytes())));
            self.line("PRAGMA writable_schema=ON")?;
            self.line(&format!(
                "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{name},{name},0,{sql})"
            ))?;
        }
        for view in new.iter().filter(|object| object.kind == ObjectKind::View) {
            self.line(&view.sql)?;
        }
        // Triggers come last, and are new all of them.
        if new.iter().any(|object| object.kind == ObjectKind::Trigger) {
            self.begin()?;
        }
        let indexes: Vec<&Object> = self.second.catalogue.of_kind(ObjectKind::Index).collect();
        for index in indexes {
            if new.contains(index) || self.is_anew(&index.table) {
                self.line(&index.sql)?;
            }
        }
        Ok(())
    }

    // ---- rows ------------------------------------------------------------------------------------

    fn rows_of_kept_tables(&mut self) -> Result<(), ContentError> {
        let (first, second) = (self.first, self.second);
        for table in first.catalogue.of_kind(ObjectKind::Table) {
            let is_kept = second.catalogue.find(ObjectKind::Table, &table.name).is_some()
                && !self.is_anew(&table.name)
                && !table.is_internal();
            if is_kept {
                self.rows(&table.name)?;
            }
        }
        Ok(())
    }

    fn rows(&mut self, table: &str) -> Result<(), ContentError> {
        let (first, second) = (self.first, self.second);
        let pair = TablePair::between(&first.connection, &second.connection, table, KeyChoice::Rowid)?;
        let shape = TableShape::read(&first.connection, table)?;
        if pair.key == RowKey::Content {
            // The row ids have no name here: the rows are put in again in their order.
            let tally = compare_rows(first, second, &pair, &mut |_| Ok(()))?;
            let is_same = tally.is_same() && same_order(first, second, &pair)?;
            if !is_same {
                self.line(&format!("DELETE FROM {}", name_of(table)))?;
                self.all_rows(table)?;
            }
            return Ok(());
        }
        let writer = RowWriter::new(&pair, &shape);
        if shape.without_rowid || has_unique_columns(first, table)? {
            compare_rows(first, second, &pair, &mut |difference| match difference {
                RowDifference::Removed { key, .. } | RowDifference::Changed { key, .. } => {
                    self.line(&writer.delete(key))
                }
                RowDifference::Added { .. } => Ok(()),
            })?;
            compare_rows(first, second, &pair, &mut |difference| match difference {
                RowDifference::Added { key, values } => self.line(&writer.insert(key, values)),
                RowDifference::Changed { key, second, .. } => self.line(&writer.insert(key, second)),
                RowDifference::Removed { .. } => Ok(()),
            })?;
            return Ok(());
        }
        compare_rows(first, second, &pair, &mut |difference| match difference {
            RowDifference::Removed { key, .. } => self.line(&writer.delete(key)),
            RowDifference::Added { key, values } => self.line(&writer.insert(key, values)),
            RowDifference::Changed { key, first, second } => self.line(&writer.update(key, first, second)),
        })?;
        Ok(())
    }

    /// Puts in all rows that the second database has.
    fn all_rows(&mut self, table: &str) -> Result<(), ContentError> {
        let second = self.second;
        let shape = TableShape::read(&second.connection, table)?;
        let rowid = shape.rowid.as_deref().filter(|_| !shape.has_rowid_column);
        let names: Vec<&str> = rowid
            .into_iter()
            .chain(shape.stored().map(|column| column.name.as_str()))
            .collect();
        let columns = list(names.iter().copied());
        let sql = format!("SELECT {columns} FROM {} NOT INDEXED", identifier(table));
        let mut statement = second.connection.prepare(&sql).map_err(ContentError::of(&sql))?;
        while statement.step().map_err(ContentError::of(&sql))? {
            let values: Vec<ValueRef<'_>> = (0..names.len()).map(|column| statement.value(column)).collect();
            self.line(&format!(
                "INSERT INTO {}({columns}) VALUES({})",
                name_of(table),
                literals(&values)
            ))?;
        }
        Ok(())
    }

    // ---- what is SQLite's own ----------------------------------------------------------------------

    /// Sequences and statistics: tables that SQLite makes and drops by itself.
    fn own_tables(&mut self) -> Result<(), ContentError> {
        let (first, second) = (self.first, self.second);
        let has = |side: &Side, name: &str| side.catalogue.find(ObjectKind::Table, name).is_some();
        for (name, make) in [(SEQUENCES, None), (STATISTICS, Some("ANALYZE sqlite_schema"))] {
            match (has(first, name), has(second, name)) {
                (false, false) => {}
                (true, false) if name == STATISTICS => self.line("DROP TABLE sqlite_stat1")?,
                (true, false) => self.rename_sequences()?,
                (false, true) => {
                    match make {
                        Some(sql) => self.line(sql)?,
                        None => self.make_sequences()?,
                    }
                    self.refill(name)?;
                }
                (true, true) => {
                    let pair =
                        TablePair::between(&first.connection, &second.connection, name, KeyChoice::Rowid)?;
                    let tally = compare_rows(first, second, &pair, &mut |_| Ok(()))?;
                    // A table that is dropped takes its rows here with it, and rows that come change counters.
                    if !tally.is_same() || self.begun {
                        self.refill(name)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn make_sequences(&mut self) -> Result<(), ContentError> {
        let name = free_name(&self.second.catalogue.objects);
        self.line(&format!(
            "CREATE TABLE {name}(a INTEGER PRIMARY KEY AUTOINCREMENT)"
        ))?;
        self.line(&format!("DROP TABLE {name}"))
    }

    /// The table of sequences cannot be dropped: under another name, and when the schema is read again, it can.
    fn rename_sequences(&mut self) -> Result<(), ContentError> {
        let name = free_name(&self.first.catalogue.objects);
        self.line("PRAGMA writable_schema=ON")?;
        self.line(&format!(
            "UPDATE sqlite_schema SET name='{name}', tbl_name='{name}', sql='CREATE TABLE {name}(name,seq)' \
             WHERE name='sqlite_sequence'"
        ))?;
        self.dropped_at_end = Some(name);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ContentError> {
        writeln!(self.out, "COMMIT;\nPRAGMA ignore_check_constraints=OFF;")?;
        if self.is_schema_written {
            writeln!(self.out, "PRAGMA writable_schema=RESET;")?;
        }
        if let Some(name) = &self.dropped_at_end {
            writeln!(self.out, "DROP TABLE {name};")?;
        }
        Ok(())
    }

    fn refill(&mut self, table: &str) -> Result<(), ContentError> {
        self.line(&format!("DELETE FROM {table}"))?;
        self.all_rows(table)
    }

    fn settings(&mut self) -> Result<(), ContentError> {
        let (first, second) = (self.first.settings, self.second.settings);
        if first.user_version != second.user_version {
            self.line(&format!("PRAGMA user_version={}", second.user_version))?;
        }
        if first.application_id != second.application_id {
            self.line(&format!("PRAGMA application_id={}", second.application_id))?;
        }
        Ok(())
    }
}

const SEQUENCES: &str = "sqlite_sequence";
const STATISTICS: &str = "sqlite_stat1";

/// Whether a value of one row may keep another row out.
fn has_unique_columns(side: &Side, table: &str) -> Result<bool, ContentError> {
    let name = literal(ValueRef::Text(table.as_bytes()));
    let sql = format!("SELECT count(*) FROM pragma_index_list({name}) WHERE \"unique\"");
    let count: i64 = side
        .connection
        .query_row(&sql, (), |row| row.get(0))
        .map_err(ContentError::of(&sql))?;
    Ok(count > 0)
}

/// Whether two tables give their rows in the same order.
fn same_order(first: &Side, second: &Side, pair: &TablePair) -> Result<bool, ContentError> {
    let sql = format!(
        "SELECT {} FROM {} NOT INDEXED",
        list(pair.columns.iter().map(String::as_str)),
        identifier(&pair.name)
    );
    let mut statements = [
        first.connection.prepare(&sql).map_err(ContentError::of(&sql))?,
        second.connection.prepare(&sql).map_err(ContentError::of(&sql))?,
    ];
    loop {
        let mut more = [false; 2];
        for (more, statement) in more.iter_mut().zip(&mut statements) {
            *more = statement.step().map_err(ContentError::of(&sql))?;
        }
        if more != [true, true] {
            return Ok(more == [false, false]);
        }
        let [first, second] = &statements;
        if !(0..pair.columns.len()).all(|column| is_same(first.value(column), second.value(column))) {
            return Ok(false);
        }
    }
}

/// Statements for single rows of a table.
struct RowWriter {
    table: String,
    /// The key's columns as they stand in WHERE.
    key: Vec<String>,
    columns: Vec<String>,
    /// The name of the row id, where it has to be put in beside the columns.
    rowid: Option<String>,
}

impl RowWriter {
    fn new(pair: &TablePair, shape: &TableShape) -> RowWriter {
        RowWriter {
            table: name_of(&pair.name),
            key: pair.key_names.iter().map(|name| name_of(name)).collect(),
            columns: pair.columns.iter().map(|name| name_of(name)).collect(),
            rowid: shape.rowid.clone().filter(|_| !shape.has_rowid_column),
        }
    }

    fn place(&self, key: &[ValueRef<'_>]) -> String {
        let terms = self.key.iter().zip(key);
        let terms: Vec<String> = terms
            .map(|(name, value)| format!("{name} IS {}", literal(*value)))
            .collect();
        terms.join(" AND ")
    }

    fn delete(&self, key: &[ValueRef<'_>]) -> String {
        format!("DELETE FROM {} WHERE {}", self.table, self.place(key))
    }

    fn insert(&self, key: &[ValueRef<'_>], values: &[ValueRef<'_>]) -> String {
        let (mut names, mut row) = (self.columns.clone(), values.to_vec());
        if let Some(rowid) = &self.rowid {
            names.insert(0, rowid.clone());
            row.splice(0..0, key.iter().copied());
        }
        format!(
            "INSERT INTO {}({}) VALUES({})",
            self.table,
            names.join(","),
            literals(&row)
        )
    }

    fn update(&self, key: &[ValueRef<'_>], first: &[ValueRef<'_>], second: &[ValueRef<'_>]) -> String {
        let changed = self
            .columns
            .iter()
            .zip(first.iter().zip(second))
            .filter(|(_, (first, second))| !is_same(**first, **second))
            .map(|(name, (_, second))| format!("{name}={}", literal(*second)));
        format!(
            "UPDATE {} SET {} WHERE {}",
            self.table,
            changed.collect::<Vec<_>>().join(", "),
            self.place(key)
        )
    }
}
