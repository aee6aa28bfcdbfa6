//! REINDEX and VACUUM.

use std::path::Path;
use std::sync::Arc;

use aludel_storage::btree::{BulkBuilder, IndexCursor, TableCursor, TreeKind, clear_tree, create_tree};
use aludel_storage::format::page_checksum::PAGE_CHECKSUM_SIZE;
use aludel_storage::format::record::RecordView;
use aludel_storage::format::{AutoVacuum, KeyOrder, PageNo, TextEncoding, ValueRef};
use aludel_storage::pager::{JournalMode, Pager, PagerOptions};
use aludel_storage::vfs::Vfs;

use super::Definer;
use crate::catalog::{Collations, Database, Index, Schema, Table, encode_text, utf8_of};
use crate::error::{Error, Result};
use crate::exec::write::Failure;
use crate::syntax::ast::{ObjectName, Vacuum};
use crate::value::Value;

impl Definer<'_> {
    // ---- REINDEX ---------------------------------------------------------------------------------

    pub(super) fn reindex(&mut self, name: Option<&ObjectName>) -> Result<(), Failure> {
        let targets = self.indexes_to_build(name)?;
        for (database, table, index) in targets {
            let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
            self.state.change(database, |state| {
                clear_tree(&mut state.databases[database].pager, index.root, TreeKind::Index)?;
                let mut definer = Definer {
                    state,
                    sql: text,
                    parameters,
                    interrupt,
                };
                definer.fill_index(database, &table, &index)
            })?;
        }
        Ok(())
    }

    pub(super) fn indexes_to_build(&self, name: Option<&ObjectName>) -> Result<Vec<PlacedIndex>> {
        let collation = name.filter(|name| name.schema.is_none()).and_then(|name| {
            let found = self.state.collations.find(name.name.as_str());
            found.map(|collation| collation.name().to_owned())
        });
        let order = match name {
            Some(name) if collation.is_none() => self.search_order(name)?,
            _ => (0..self.state.databases.len()).collect(),
        };
        let mut found = Vec::new();
        let mut known = name.is_none() || collation.is_some();
        for database in order {
            for (table, index) in indexes_of(&self.state.databases[database]) {
                let wanted = match (name, &collation) {
                    (None, _) => true,
                    (Some(_), Some(collation)) => index
                        .columns
                        .iter()
                        .any(|column| column.collation.name() == collation),
                    (Some(name), None) => {
                        let name = name.name.as_str();
                        index.name.eq_ignore_ascii_case(name) || table.name.eq_ignore_ascii_case(name)
                    }
                };
                if wanted {
                    found.push((database, table, index));
                }
            }
            let here = |name: &ObjectName| {
                self.state.databases[database]
                    .schema
                    .table(name.name.as_str())
                    .is_some()
            };
            known |= name.is_some_and(here) || !found.is_empty();
            if name.is_some() && collation.is_none() && known {
                break;
            }
        }
        if known {
            Ok(found)
        } else {
            Err(Error::sql("unable to identify the object to be reindexed"))
        }
    }

    // ---- VACUUM ----------------------------------------------------------------------------------

    pub(super) fn vacuum(&mut self, vacuum: &Vacuum) -> Result<(), Failure> {
        if !self.state.transaction.is_autocommit() {
            return Err(Error::sql("cannot VACUUM from within a transaction").into());
        }
        if self.state.transaction.running() > 0 {
            return Err(Error::sql("cannot VACUUM - SQL statements in progress").into());
        }
        let database = match &vacuum.schema {
            Some(schema) => self.state.database_named(schema.as_str())?,
            None => 0,
        };
        match &vacuum.into {
            Some(file) => {
                let file = self
                    .state
                    .evaluate_constant(file, self.parameters, self.interrupt)?;
                let Value::Text(file) = file else {
                    return Err(Error::sql("non-text filename").into());
                };
                Ok(self.vacuum_into(database, &file.to_string_lossy())?)
            }
            None => self.state.change(database, |state| {
                let world = state.open_options().world();
                vacuum_in_place(&mut state.databases[database], world)
            }),
        }
    }

    fn vacuum_into(&mut self, database: usize, file: &str) -> Result<()> {
        if Path::new(file).metadata().is_ok_and(|found| found.len() > 0) {
            return Err(Error::sql("output file already exists"));
        }
        let target = self.state.open_options().open_database("into", file)?;
        let mut target = target.pager;
        let source = &mut self.state.databases[database];
        let shape = Shape::next(source)?;
        target.set_page_size(shape.page_size, shape.reserved)?;
        target.set_encoding(source.pager.header()?.encoding)?;
        target.set_auto_vacuum(shape.auto_vacuum)?;
        if shape.page_checksum {
            target.set_page_checksum(true)?;
        }
        target.begin_write()?;
        copy_database(&self.state.databases[database], &mut target, Rowids::Kept)?;
        Ok(target.commit()?)
    }
}

/// An index with its table and their database.
type PlacedIndex = (usize, Arc<Table>, Arc<Index>);

/// Tables of a database with each of their indexes.
fn indexes_of(database: &Database) -> Vec<(Arc<Table>, Arc<Index>)> {
    let tables = database.schema.tables.values();
    let mut tables: Vec<&Arc<Table>> = tables.filter(|table| !table.is_virtual()).collect();
    tables.sort_by_key(|table| table.root);
    tables.dedup_by_key(|table| table.root);
    let pairs = tables.into_iter().flat_map(|table| {
        table
            .indexes
            .iter()
            .map(|index| (Arc::clone(table), Arc::clone(index)))
    });
    pairs.collect()
}

pub(super) fn stored_text(text: Option<&str>, encoding: TextEncoding) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    let mut bytes = Vec::new();
    encode_text(text.as_bytes(), encoding, &mut bytes);
    Value::Text(crate::value::Text::from_bytes(bytes))
}

/// What a VACUUM makes of a database.
struct Shape {
    page_size: u32,
    reserved: u8,
    auto_vacuum: AutoVacuum,
    page_checksum: bool,
}

impl Shape {
    /// The shape that was asked for by pragmas, which is forgotten by it, else the one that the database has.
    fn next(database: &mut Database) -> Result<Shape> {
        let header = database.pager.header()?;
        let asked = database.next_page_size.take();
        let in_log = database.pager.journal_mode() == JournalMode::Wal;
        let has_checksums = database.pager.has_page_checksums();
        let page_checksum = database.next_page_checksum.take().unwrap_or(has_checksums);
        Ok(Shape {
            page_size: asked.filter(|_| !in_log).unwrap_or(header.page_size),
            reserved: match page_checksum {
                true => header.reserved.max(PAGE_CHECKSUM_SIZE),
                false if has_checksums => 0,
                false => header.reserved,
            },
            auto_vacuum: database.next_auto_vacuum.unwrap_or(header.auto_vacuum()),
            page_checksum,
        })
    }
}

/// Copies the database without gaps to a temporary one and puts the pages back over the old ones.
fn vacuum_in_place(database: &mut Database, world: Arc<dyn Vfs>) -> Result<()> {
    let shape = Shape::next(database)?;
    let mut options = PagerOptions::default();
    options.page_size = shape.page_size;
    options.reserved = shape.reserved;
    options.encoding = database.pager.header()?.encoding;
    options.auto_vacuum = shape.auto_vacuum;
    options.spill_limit = database.pager.spill_limit();
    let mut packed = Pager::temporary(world, &options)?;
    packed.begin_write()?;
    copy_database(database, &mut packed, Rowids::Renumbered)?;
    packed.commit()?;
    database.pager.replace_content(packed, shape.page_checksum)?;
    database.forget_roots();
    Ok(())
}

/// What becomes of row ids that nothing else names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rowids {
    Kept,
    /// Counted anew in tables without INTEGER PRIMARY KEY and without index.
    Renumbered,
}

/// Builds all trees of a database anew in an empty one: the roots first, as SQLite lays them out, then their rows.
fn copy_database(source: &Database, target: &mut Pager, rowids: Rowids) -> Result<()> {
    let header = source.pager.header()?;
    let encoding = header.encoding;
    let mut copied = TableCursor::new(PageNo::ONE);
    let mut trees = Vec::new();
    for (rowid, payload) in (1..).zip(schema_rows(&source.pager)?) {
        let mut values: Vec<ValueRef<'_>> =
            RecordView::parse(&payload)?.columns().collect::<Result<_, _>>()?;
        if let Some(ValueRef::Integer(root)) = values.get(3).copied()
            && let Some(root) = u32::try_from(root).ok().and_then(PageNo::new)
        {
            let name = match values.get(1) {
                Some(ValueRef::Text(name)) => String::from_utf8_lossy(&utf8_of(name, encoding)).into_owned(),
                _ => String::new(),
            };
            let tree = TreeCopy::of(&source.schema, &name, root, rowids);
            let new = create_tree(target, tree.kind())?;
            values[3] = ValueRef::Integer(new.get().into());
            trees.push((tree, new));
        }
        copied.insert_values(target, rowid, &values)?;
    }
    for (tree, new) in trees {
        tree.copy(&source.pager, target, new)?;
    }
    target.update_header(|new| {
        new.schema_cookie = header.schema_cookie.wrapping_add(1);
        new.schema_format = header.schema_format;
        new.user_version = header.user_version;
        new.application_id = header.application_id;
        new.default_cache_size = header.default_cache_size;
    })?;
    Ok(())
}

/// The rows of sqlite_schema as VACUUM orders them: tables with their automatic indexes, then other indexes, then the rest.
fn schema_rows(pager: &Pager) -> Result<Vec<Vec<u8>>> {
    let mut cursor = TableCursor::new(PageNo::ONE);
    let mut spill = Vec::new();
    let mut rows = Vec::new();
    let mut more = cursor.first(pager)?;
    while more {
        let payload = cursor.payload(pager, &mut spill)?.to_vec();
        let view = RecordView::parse(&payload)?;
        let has_root = matches!(view.column(3)?, ValueRef::Integer(root) if root > 0);
        let is_created = !view.column(4)?.is_null()
            && matches!(view.column(0)?, ValueRef::Text(kind) if kind.starts_with(b"i"));
        let rank = match (has_root, is_created) {
            (true, false) => 0,
            (true, true) => 1,
            (false, _) => 2,
        };
        rows.push((rank, payload));
        more = cursor.next(pager)?;
    }
    rows.sort_by_key(|(rank, _)| *rank);
    Ok(rows.into_iter().map(|(_, payload)| payload).collect())
}

/// A tree to be copied.
struct TreeCopy {
    root: PageNo,
    /// The order of an index tree.
    order: Option<Arc<KeyOrder>>,
    renumbered: bool,
}

impl TreeCopy {
    fn of(schema: &Schema, name: &str, root: PageNo, rowids: Rowids) -> TreeCopy {
        let mut tree = TreeCopy {
            root,
            order: None,
            renumbered: false,
        };
        match (schema.index(name), schema.table(name)) {
            (Some(index), _) if index.root == root => tree.order = Some(Arc::clone(&index.order)),
            (_, Some(table)) => {
                let primary = table.without_rowid.as_ref();
                tree.order = primary.map(|primary| Arc::clone(&primary.order));
                let unnamed = table.rowid_alias.is_none() && table.indexes.is_empty();
                tree.renumbered = rowids == Rowids::Renumbered && unnamed;
            }
            _ => {}
        }
        tree
    }

    fn kind(&self) -> TreeKind {
        match self.order {
            None => TreeKind::Table,
            Some(_) => TreeKind::Index,
        }
    }

    fn copy(self, source: &Pager, target: &mut Pager, new: PageNo) -> Result<()> {
        let mut builder = BulkBuilder::new(target, new, self.kind())?;
        let mut spill = Vec::new();
        match self.order {
            None => {
                let mut cursor = TableCursor::new(self.root);
                let mut more = cursor.first(source)?;
                let mut count = 0;
                while more {
                    count += 1;
                    let rowid = if self.renumbered { count } else { cursor.rowid() };
                    builder.push_row(target, rowid, cursor.payload(source, &mut spill)?)?;
                    more = cursor.next(source)?;
                }
            }
            Some(order) => {
                let mut cursor = IndexCursor::new(self.root, order);
                let mut more = cursor.first(source)?;
                while more {
                    builder.push_record(target, cursor.payload(source, &mut spill)?)?;
                    more = cursor.next(source)?;
                }
            }
        }
        builder.finish(target)?;
        Ok(())
    }
}
