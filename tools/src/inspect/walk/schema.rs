//! The schema's own tree, and the trees that it names.

use super::Walk;
use super::tree::TreeKind;
use crate::inspect::finding::Finding;
use crate::inspect::image::Image;
use crate::inspect::page::{CellView, PageView, word};
use crate::inspect::record::{OwnedValue, payload, values};
use crate::inspect::vocabulary::Code;

/// A row of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaEntry {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The table that it belongs to.
    pub table: String,
    /// Its root page; 0 for views, triggers and virtual tables.
    pub root: i64,
    /// The statement that made it; `None` for indexes that come with a constraint.
    pub sql: Option<String>,
    /// The page of the schema that has it, and where.
    pub place: (u32, usize),
}

impl SchemaEntry {
    /// Whether its tree is one of entries, not of rows with ids.
    fn tree_kind(&self) -> TreeKind {
        if self.kind == "index" {
            return TreeKind::Index;
        }
        let options = self
            .sql
            .as_deref()
            .and_then(|sql| sql.rsplit_once(')'))
            .map_or("", |(_, options)| options);
        if options.to_ascii_lowercase().contains("without") {
            TreeKind::Index
        } else if self.sql.is_some() {
            TreeKind::Table
        } else {
            TreeKind::Unknown
        }
    }
}

impl Walk<'_> {
    /// Walks the schema's tree.
    pub(super) fn schema_tree(&mut self) {
        let owner = self.own("sqlite_schema", "schema", "sqlite_schema", 1);
        let (image, encoding) = (self.image, word(&self.first, 56));
        let mut rows = Vec::new();
        self.tree(owner, 1, TreeKind::Table, (1, 100), &mut |cell, view, bytes| {
            rows.push((
                entry_of(image, cell, view, bytes, encoding),
                view.number,
                cell.offset,
            ));
        });
        for (row, page, offset) in rows {
            match row {
                Ok(entry) => self.layout.schema.push(entry),
                Err(what) => {
                    let finding = Finding::new(Code::BadSchemaRow, what).on(page).at(offset);
                    self.find(finding.of(Some("sqlite_schema")));
                }
            }
        }
    }

    /// Walks the schema's tree and then each tree that it names.
    pub(super) fn all_trees(&mut self) {
        self.schema_tree();
        let entries = self.layout.schema.clone();
        let mut largest = 1;
        for entry in entries.iter().filter(|entry| entry.root != 0) {
            let kind = if entry.kind == "index" { "index" } else { "table" };
            let root = u32::try_from(entry.root).unwrap_or(u32::MAX);
            let owner = self.own(&entry.name, kind, &entry.table, root);
            largest = largest.max(root);
            self.tree(owner, root, entry.tree_kind(), entry.place, &mut |_, _, _| ());
        }
        let told = word(&self.first, 52);
        if self.is_mapped && told != largest {
            let message = format!("the header says that {told} is the largest root page; it is {largest}");
            let finding = Finding::new(Code::LargestRoot, message).on(1).at(52);
            self.find(finding.values(largest, told));
        }
    }
}

fn entry_of(
    image: &Image,
    cell: &CellView,
    view: &PageView,
    bytes: &[u8],
    encoding: u32,
) -> Result<SchemaEntry, &'static str> {
    let record = payload(image, cell, bytes);
    let columns = values(&record, encoding).map_err(|_| "a row of the schema is no record")?;
    let text = |index: usize| match columns.get(index) {
        Some(OwnedValue::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let kind = text(0).filter(|kind| matches!(kind.as_str(), "table" | "index" | "view" | "trigger"));
    let root = match columns.get(3) {
        Some(OwnedValue::Integer(root)) => *root,
        Some(OwnedValue::Null) => 0,
        _ => return Err("a row of the schema has no root page"),
    };
    Ok(SchemaEntry {
        kind: kind.ok_or("a row of the schema is none of table, index, view and trigger")?,
        name: text(1).ok_or("a row of the schema has no name")?,
        table: text(2).ok_or("a row of the schema does not say its table")?,
        root,
        sql: text(4),
        place: (view.number, cell.offset),
    })
}
