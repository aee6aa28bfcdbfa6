//! ALTER TABLE .. RENAME: a table or a column gets another name wherever the schema's texts name it.
//!
//! ```text
//!   text ─ parse ─ bind, with a Uses ─ spans of the words that mean it ─ the text with these words put anew
//! ```
//!
//! The texts keep their layout and comments; [`places`](super::places) finds the words that mean the table or the column. All texts are read
//! with the schema as it was before; whether what they say afterwards still means something is checked by the caller.
//!
//! PRAGMA legacy_alter_table leaves queries alone: only the definition's own name changes, and with foreign keys enforced their parents.

use std::collections::HashMap;
use std::sync::Arc;

use aludel_storage::btree::TableCursor;
use aludel_storage::format::ValueRef;
use aludel_storage::format::record::RecordView;

use super::Definer;
use super::drop::TEMP;
use super::places::{LegacyRename, Search};
use super::recheck::SchemaText;
use crate::catalog::{Table, encode_text, utf8_of};
use crate::error::{Error, Result};
use crate::plan::Named;
use crate::syntax::ast::{Ident, Span};

/// A table or column under its old and its new name.
struct Rename<'a> {
    search: Search<'a>,
    /// What takes the place of a bare word; `None`: the same as of one in quotes.
    bare: Option<&'a str>,
    /// What takes the place of a word in quotes.
    quoted: String,
}

/// The new texts by kind and name of the object.
type NewTexts = HashMap<(String, String), String>;

impl Definer<'_> {
    // ---- tables ----------------------------------------------------------------------------------

    pub(super) fn rename_table(&mut self, database: usize, table: &Arc<Table>, to: &Ident) -> Result<()> {
        let new = to.as_str();
        self.refuse_reserved(new)?;
        let schema = &self.state.databases[database].schema;
        if self.find_relation(database, new).is_some() || schema.index(new).is_some() {
            return Err(Error::sql(format!(
                "there is already another table or index with this name: {new}"
            )));
        }
        self.recheck(database, "")?;
        self.check_texts_of(database, &table.name)?;
        let settings = &self.state.settings;
        let legacy = match settings.foreign_keys {
            true => LegacyRename::WithForeignKeys,
            false => LegacyRename::OwnName,
        };
        let rename = Rename {
            search: Search {
                database,
                table,
                named: Named::Table,
                legacy: settings.legacy_alter_table.then_some(legacy),
            },
            bare: None,
            quoted: in_quotes(new),
        };
        let watching = self.temporary_triggers(database, &table.name);
        let texts = self.renamed_texts(database, &rename)?;
        let temporary = match self.concerns_temporary(database) {
            true => Some(self.renamed_texts(TEMP, &rename)?),
            false => None,
        };
        self.rename_rows(database, &table.name, new, &texts)?;
        if let Some(texts) = temporary {
            self.rewrite_rows(TEMP, |kind, row| {
                put(kind, row, &texts);
                let name = row.name.as_deref().unwrap_or_default();
                if kind == "trigger" && watching.iter().any(|own| own == name) {
                    row.table = Some(new.to_owned());
                }
            })?;
        }
        self.rename_sequence(database, &table.name, new)?;
        match &table.virtual_table {
            Some(code) => self.rename_virtual_table(&Arc::clone(code), new),
            None => Ok(()),
        }
    }

    /// The rows of the table's database: their texts, and the names of the table and of what belongs to it.
    fn rename_rows(&mut self, database: usize, old: &str, new: &str, texts: &NewTexts) -> Result<()> {
        let automatic = format!("sqlite_autoindex_{old}_");
        self.rewrite_rows(database, |kind, row| {
            put(kind, row, texts);
            let own = row.table.as_deref();
            if !own.is_some_and(|own| own.eq_ignore_ascii_case(old)) {
                return;
            }
            row.table = Some(new.to_owned());
            match (kind, row.name.as_deref()) {
                ("table", _) => row.name = Some(new.to_owned()),
                ("index", Some(name)) if name.starts_with(&automatic) => {
                    row.name = Some(format!("sqlite_autoindex_{new}_{}", &name[automatic.len()..]));
                }
                _ => {}
            }
        })
    }

    /// Whether temporary views and triggers may name tables of the database.
    pub(super) fn concerns_temporary(&self, database: usize) -> bool {
        let schema = &self.state.databases[TEMP].schema;
        database != TEMP && !(schema.triggers.is_empty() && schema.views.is_empty())
    }

    fn rename_sequence(&mut self, database: usize, old: &str, new: &str) -> Result<()> {
        let database = &mut self.state.databases[database];
        let Some(sequences) = database.schema.table("sqlite_sequence") else {
            return Ok(());
        };
        let encoding = database.encoding();
        let mut cursor = TableCursor::new(sequences.root);
        let mut spill = Vec::new();
        let mut more = cursor.first(&database.pager)?;
        while more {
            let payload = cursor.payload(&database.pager, &mut spill)?.to_vec();
            let view = RecordView::parse(&payload)?;
            if matches!(view.column(0)?, ValueRef::Text(text) if utf8_of(text, encoding) == old.as_bytes()) {
                let mut name = Vec::new();
                encode_text(new.as_bytes(), encoding, &mut name);
                let rowid = cursor.rowid();
                let row = [ValueRef::Text(&name), view.column(1)?];
                return Ok(cursor.insert_values(&mut database.pager, rowid, &row)?);
            }
            more = cursor.next(&database.pager)?;
        }
        Ok(())
    }

    // ---- columns ---------------------------------------------------------------------------------

    pub(super) fn rename_column(
        &mut self,
        database: usize,
        table: &Arc<Table>,
        from: &Ident,
        to: &Ident,
    ) -> Result<()> {
        let Some(column) = table.column(from.as_str()) else {
            return Err(Error::sql(format!("no such column: \"{}\"", from.as_str())));
        };
        self.check_texts(database, "")?;
        self.recheck(database, "")?;
        if table.column(to.as_str()).is_some_and(|other| other != column) {
            return Err(Error::sql(format!(
                "error in table {} after rename: duplicate column name: {}",
                table.name,
                to.as_str()
            )));
        }
        self.mend_quotes(database, table)?;
        let rename = Rename {
            search: Search {
                database,
                table,
                named: Named::Column(column),
                legacy: None,
            },
            bare: (!to.is_quoted()).then_some(to.as_str()),
            quoted: in_quotes(to.as_str()),
        };
        let texts = self.renamed_texts(database, &rename)?;
        let temporary = match self.concerns_temporary(database) {
            true => Some(self.renamed_texts(TEMP, &rename)?),
            false => None,
        };
        self.rewrite_rows(database, |kind, row| put(kind, row, &texts))?;
        match temporary {
            Some(texts) => self.rewrite_rows(TEMP, |kind, row| put(kind, row, &texts)),
            None => Ok(()),
        }
    }

    // ---- strings in double quotes -----------------------------------------------------------------

    /// Puts the strings that stand in double quotes into single ones, in all texts of the database and of the temporary one: they must not
    /// become columns, or be taken for columns that have gone. `table` is the one that changes.
    pub(super) fn mend_quotes(&mut self, database: usize, table: &Arc<Table>) -> Result<()> {
        for home in [Some(database), self.concerns_temporary(database).then_some(TEMP)] {
            let Some(home) = home else { continue };
            let mut mended = NewTexts::new();
            for text in self.texts(home)? {
                let Some(sql) = text.sql.as_deref() else { continue };
                let own = self.state.databases[home].schema.table(&text.table).cloned();
                let search = Search {
                    database: home,
                    table: own.as_ref().unwrap_or(table),
                    named: Named::String,
                    legacy: None,
                };
                let places = self.places(home, &text, sql, &search);
                if let Some(new) = in_single_quotes(sql, &places) {
                    mended.insert((text.kind, text.name), new);
                }
            }
            if !mended.is_empty() {
                self.rewrite_rows(home, |kind, row| put(kind, row, &mended))?;
            }
        }
        Ok(())
    }

    // ---- texts -----------------------------------------------------------------------------------

    /// The rows of a database's schema table.
    fn texts(&self, home: usize) -> Result<Vec<SchemaText>> {
        let mut texts = Vec::new();
        self.each_text(home, |text| {
            texts.push(text);
            Ok(())
        })?;
        Ok(texts)
    }

    /// The texts of a database that change, with the schema as it is.
    fn renamed_texts(&mut self, home: usize, rename: &Rename<'_>) -> Result<NewTexts> {
        let mut renamed = NewTexts::new();
        for text in self.texts(home)? {
            let sql = text.sql.as_deref();
            let new =
                sql.and_then(|sql| rename.replaced(sql, &self.places(home, &text, sql, &rename.search)));
            if let Some(new) = new {
                renamed.insert((text.kind, text.name), new);
            }
        }
        Ok(renamed)
    }
}

impl Rename<'_> {
    /// The text with the new name at `places`, which ascend; `None` when there are none.
    fn replaced(&self, sql: &str, places: &[Span]) -> Option<String> {
        if places.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(sql.len() + self.quoted.len() * places.len());
        let mut end = 0;
        for span in places {
            out.push_str(sql.get(end..span.start as usize)?);
            end = span.end as usize;
            let first = sql.as_bytes().get(span.start as usize)?;
            match self.bare {
                Some(bare) if !matches!(first, b'"' | b'\'' | b'`' | b'[') => out.push_str(bare),
                _ => {
                    out.push_str(&self.quoted);
                    if sql.as_bytes().get(end) == Some(&b'"') {
                        out.push(' ');
                    }
                }
            }
        }
        out.push_str(sql.get(end..)?);
        Some(out)
    }
}

/// Puts the new text into a row, if there is one.
fn put(kind: &str, row: &mut crate::catalog::SchemaRow, texts: &NewTexts) {
    let name = row.name.clone().unwrap_or_default();
    if let Some(new) = texts.get(&(kind.to_owned(), name)) {
        row.sql = Some(new.clone());
    }
}

fn in_quotes(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The text with what stands in double quotes at `places`, which ascend, in single ones; `None` when there are none.
fn in_single_quotes(sql: &str, places: &[Span]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(sql.len() + 2 * places.len());
    let mut end = 0;
    for span in places {
        let (start, stop) = (span.start as usize, span.end as usize);
        out.push_str(sql.get(end..start)?);
        end = stop;
        let string = sql.get(start + 1..stop - 1)?.replace("\"\"", "\"");
        out.push('\'');
        out.push_str(&string.replace('\'', "''"));
        out.push('\'');
        if sql.as_bytes().get(end) == Some(&b'\'') {
            out.push(' ');
        }
    }
    out.push_str(sql.get(end..)?);
    Some(out)
}
