//! CREATE INDEX: the rows are sorted by the key and the tree is built from them in one pass.

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::btree::{BulkBuilder, TreeKind};
use aludel_storage::format::record;
use aludel_storage::format::{KeyOrder, PageNo};

use super::Definer;
use super::schema_rows::NewRow;
use crate::catalog::{Index, Table, index_of};
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::write::{EntryReader, Failure};
use crate::plan;
use crate::syntax::ast::CreateIndex;

impl Definer<'_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<(), Failure> {
        let name = create.name.name.as_str();
        let (database, table) = self.indexed_table(create)?;
        self.refuse_reserved(name)?;
        if self.find_relation(database, name).is_some() {
            return Err(Error::sql(format!("there is already a table named {name}")).into());
        }
        if self.state.databases[database].schema.index(name).is_some() {
            if create.if_not_exists {
                return Ok(());
            }
            return Err(Error::sql(format!("index {name} already exists")).into());
        }
        let unique = if create.unique { "UNIQUE " } else { "" };
        let sql = format!("CREATE {unique}INDEX {}", self.text_of(create.definition));
        let environment = self.environment(database)?;
        let index = index_of(create, &sql, PageNo::ONE, &table, &environment)?;
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        self.state.change(database, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            let root = definer.create_tree(database, TreeKind::Index)?;
            let index = Index { root, ..index };
            definer.fill_index(database, &table, &index)?;
            let row = NewRow {
                kind: "index",
                name,
                table: &table.name,
                root: Some(root),
                sql: Some(&sql),
            };
            let row = definer.add_row(database, &row)?;
            definer.finish_with(database, &[row])
        })
    }

    fn indexed_table(&self, create: &CreateIndex) -> Result<(usize, Arc<Table>)> {
        let name = create.table.as_str();
        let places = match &create.name.schema {
            Some(schema) => vec![self.state.database_named(schema.as_str())?],
            // Without a schema the index goes to main, unless only temp has the table.
            None => vec![0, 1],
        };
        for &database in &places {
            if let Some(table) = self.state.databases[database].schema.table(name) {
                if name
                    .get(..7)
                    .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
                    && !self.state.settings.writable_schema
                {
                    return Err(Error::sql(format!("table {name} may not be indexed")));
                }
                return Ok((database, Arc::clone(table)));
            }
            if self.state.databases[database].schema.view(name).is_some() {
                return Err(Error::sql("views may not be indexed"));
            }
        }
        let place = &self.state.databases[places[0]].name;
        Err(Error::sql(format!("no such table: {place}.{name}")))
    }

    /// Sorts the entries of all rows and builds the index's tree of them. The tree has to be empty.
    pub(super) fn fill_index(&mut self, database: usize, table: &Arc<Table>, index: &Index) -> Result<()> {
        let mut alone = (**table).clone();
        alone.indexes = vec![Arc::new(index.clone())];
        let alone = Arc::new(alone);
        let target = self
            .state
            .with_plan_context(|context| plan::target_table(database, &alone, context))?;
        let mut reader = EntryReader::build(&target)?;
        let mut entries = Entries::default();
        let mut registers = Vec::new();
        let mut context = self
            .state
            .context(self.parameters, &mut registers, self.interrupt, 0);
        reader.read_all(&mut context, |entry| {
            entries.push(entry);
            Ok(())
        })?;
        entries.sort(&index.order)?;
        if index.unique.is_some() {
            self.refuse_duplicates(&entries, table, index)?;
        }
        let pager = &mut self.state.databases[database].pager;
        let mut builder = BulkBuilder::new(pager, index.root, TreeKind::Index)?;
        for entry in entries.iter() {
            builder.push_record(pager, entry)?;
        }
        Ok(builder.finish(pager)?)
    }

    fn refuse_duplicates(&self, entries: &Entries, table: &Table, index: &Index) -> Result<()> {
        let width = index.columns.len();
        let key_order = KeyOrder {
            columns: index.order.columns[..width].to_vec(),
        };
        let mut previous: Option<&[u8]> = None;
        for entry in entries.iter() {
            let mut key = record::KeyValues::new();
            record::decode_prefix(entry, entry.len(), width, &mut key)?;
            if let Some(previous) = previous
                && !key.iter().any(|value| value.is_null())
                && key_order.compare_record(previous, &key)? == Ordering::Equal
            {
                let message = format!(
                    "UNIQUE constraint failed: {}",
                    crate::exec::write::describe_key(index, table)
                );
                return Err(Error::constraint(ConstraintKind::Unique, message));
            }
            previous = Some(entry);
        }
        Ok(())
    }
}

/// Records one after the other in one buffer.
#[derive(Default)]
struct Entries {
    bytes: Vec<u8>,
    /// Where each begins and ends.
    places: Vec<(usize, usize)>,
}

impl Entries {
    fn push(&mut self, entry: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(entry);
        self.places.push((start, self.bytes.len()));
    }

    fn sort(&mut self, order: &KeyOrder) -> Result<()> {
        let bytes = &self.bytes;
        let mut failure = None;
        self.places.sort_unstable_by(|a, b| {
            order
                .compare_records(&bytes[a.0..a.1], &bytes[b.0..b.1])
                .unwrap_or_else(|error| {
                    failure.get_or_insert(error);
                    Ordering::Equal
                })
        });
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|&(start, end)| &self.bytes[start..end])
    }
}
