//! ANALYZE: counts what indexes hold, for the planner, in sqlite_stat1 and sqlite_stat4.
//!
//! | table | a row for | says |
//! |---|---|---|
//! | sqlite_stat1 | each index, or a table without one | entries, and how many agree on average in 1, 2, .. columns |
//! | sqlite_stat4 | up to 24 entries of each index | how many agree with this one, how many come before it, how many different ones |
//!
//! With `PRAGMA analysis_limit` only so many entries of each value are looked at, and there are no samples, as in SQLite.

use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek, TableCursor, TreeKind, clear_tree};
use aludel_storage::format::record::{self, RecordView};
use aludel_storage::format::{PageNo, ValueRef};

use super::Definer;
use super::samples::{Sample, Tally};
use super::schema_rows::NewRow;
use super::upkeep::stored_text;
use crate::catalog::{Database, Index, IndexSource, Table, utf8_of};
use crate::connection::State;
use crate::error::{Error, Result};
use crate::exec::write::Failure;
use crate::syntax::ast::ObjectName;
use crate::value::{Affinity, Value};

/// What rows of the statistics tables a run replaces.
struct Scope<'a> {
    /// The table or index that is named; `None`: all.
    object: Option<&'a str>,
    /// It is an index.
    is_index: bool,
}

impl Scope<'_> {
    fn covers(&self, table: &Table) -> bool {
        let named = |name: &str| self.object.is_none_or(|object| name.eq_ignore_ascii_case(object));
        match self.is_index {
            true => table.indexes.iter().any(|index| named(&index.name)),
            false => named(&table.name),
        }
    }

    fn covers_index(&self, index: &str) -> bool {
        !self.is_index
            || self
                .object
                .is_none_or(|object| index.eq_ignore_ascii_case(object))
    }
}

/// A row of sqlite_stat1.
type Line = [Option<String>; 3];

/// A row of sqlite_stat4: its texts, and the record.
type Sampled = ([String; 5], Vec<u8>);

/// The tree of an index, as ANALYZE goes through it.
struct Counted<'a> {
    name: &'a str,
    cursor: IndexCursor,
    /// Columns of the key.
    key: usize,
    /// Columns that are counted: with the rowid or primary key behind the key.
    width: usize,
    /// How many of these need comparing; the last one always differs.
    compared: usize,
    /// Which of them are REAL columns of the table.
    reals: Vec<bool>,
}

impl<'a> Counted<'a> {
    fn of_index(index: &'a Index, table: &Table) -> Counted<'a> {
        let key = index.columns.len();
        let tail = match table.without_rowid {
            Some(_) => index.tail.len(),
            None => 1,
        };
        let not_null = index.columns.iter().all(|column| match column.source {
            IndexSource::Column(number) => table
                .columns
                .get(number)
                .is_some_and(|column| column.not_null.is_some()),
            IndexSource::Rowid => true,
            IndexSource::Expression(_) => false,
        });
        let sources = index.columns.iter().map(|column| match column.source {
            IndexSource::Column(number) => Some(number),
            _ => None,
        });
        let tails = index.tail.iter().map(|number| Some(*number));
        let is_real = |number: Option<usize>| {
            let column = number.and_then(|number| table.columns.get(number));
            column.is_some_and(|column| column.affinity == Affinity::Real)
        };
        Counted {
            name: &index.name,
            cursor: IndexCursor::new(index.root, Arc::clone(&index.order)),
            key,
            width: key + tail,
            compared: match index.unique.is_some() && not_null {
                true => key - 1,
                false => key + tail - 1,
            },
            reals: sources.chain(tails).map(is_real).collect(),
        }
    }

    /// The tree of a table WITHOUT ROWID, by its primary key.
    fn of_primary(table: &'a Table) -> Option<Counted<'a>> {
        let primary = table.without_rowid.as_ref()?;
        let is_real = |number: &usize| table.columns[*number].affinity == Affinity::Real;
        Some(Counted {
            name: &table.name,
            cursor: IndexCursor::new(table.root, Arc::clone(&primary.order)),
            key: primary.key_count,
            width: primary.key_count,
            compared: primary.key_count.saturating_sub(1),
            reals: primary.stored[..primary.key_count].iter().map(is_real).collect(),
        })
    }

    /// Counts the entries. `None`: there are none.
    fn count(&mut self, database: &Database, limit: u64) -> Result<Option<(String, Vec<Sample>)>> {
        let pager = &database.pager;
        let entries = self.cursor.count(pager)?;
        let order = Arc::clone(self.cursor.order());
        let mut tally = Tally::new(self.width, entries, limit == 0);
        let (mut previous, mut entry, mut spill) = (Vec::new(), Vec::new(), Vec::new());
        let mut skips = 0;
        let mut more = self.cursor.first(pager)?;
        while more {
            entry.clear();
            entry.extend_from_slice(self.cursor.payload(pager, &mut spill)?);
            let same = match tally.rows() {
                0 => 0,
                _ => self.same_columns(&previous, &entry, &order)?,
            };
            tally.push(same, &entry);
            std::mem::swap(&mut previous, &mut entry);
            if limit > 0 && tally.rows() > limit * (skips + 1) {
                skips += 1;
                if tally.has_several() {
                    break;
                }
                let mut values = record::KeyValues::new();
                record::decode_prefix(&previous, previous.len(), 1, &mut values)?;
                if !self.cursor.seek(pager, &values, Seek::Gt)? {
                    break;
                }
            }
            more = self.cursor.next(pager)?;
        }
        if tally.rows() == 0 {
            return Ok(None);
        }
        let rows = tally.rows();
        let mut text = if skips > 0 { entries } else { rows }.to_string();
        for columns in 1..=self.key {
            let distinct = tally.distinct(columns);
            let average = rows.div_ceil(distinct);
            // Nearly unique counts as unique.
            let nearly = average == 2 && rows * 10 <= distinct * 11;
            text.push_str(&format!(" {}", if nearly { 1 } else { average }));
        }
        Ok(Some((text, tally.into_samples())))
    }

    /// In how many leading columns two entries agree.
    fn same_columns(
        &self,
        previous: &[u8],
        entry: &[u8],
        order: &aludel_storage::format::KeyOrder,
    ) -> Result<usize> {
        let (mut old, mut new) = (record::KeyValues::new(), record::KeyValues::new());
        record::decode_prefix(previous, previous.len(), self.compared, &mut old)?;
        record::decode_prefix(entry, entry.len(), self.compared, &mut new)?;
        let pairs = old.iter().zip(&new).zip(&order.columns);
        let same = pairs.take_while(|((old, new), column)| {
            crate::value::compare(**old, **new, &column.collation).is_eq()
        });
        Ok(same.count())
    }

    /// The record of a sample, as a row of sqlite_stat4 has it.
    fn record_of(&self, sample: &Sample) -> Result<Vec<u8>> {
        let mut values = record::KeyValues::new();
        record::decode_prefix(&sample.entry, sample.entry.len(), self.width, &mut values)?;
        for (value, real) in values.iter_mut().zip(&self.reals) {
            if let (ValueRef::Integer(integer), true) = (*value, *real) {
                *value = ValueRef::Real(integer as f64);
            }
        }
        let mut out = Vec::new();
        record::encode(&values, &mut out);
        Ok(out)
    }
}

impl Definer<'_> {
    /// The databases that ANALYZE is about, and the table or index if it is about one.
    pub(super) fn objects_to_analyze<'n>(
        &self,
        name: Option<&'n ObjectName>,
    ) -> Result<(Vec<usize>, Option<&'n str>)> {
        Ok(match name {
            None => (
                (0..self.state.databases.len())
                    .filter(|number| *number != 1)
                    .collect(),
                None,
            ),
            Some(name) => match self.state.database_named(name.name.as_str()) {
                Ok(number) if name.schema.is_none() => (vec![number], None),
                _ => {
                    let own = name.name.as_str();
                    let has = |number: &usize| {
                        let schema = &self.state.databases[*number].schema;
                        schema.table(own).is_some() || schema.index(own).is_some()
                    };
                    let found = self.search_order(name)?.into_iter().find(has);
                    match found {
                        Some(number) => (vec![number], Some(own)),
                        None => return Err(Error::sql(format!("no such table: {own}"))),
                    }
                }
            },
        })
    }

    pub(super) fn analyze(&mut self, name: Option<&ObjectName>) -> Result<(), Failure> {
        let (databases, object) = self.objects_to_analyze(name)?;
        for database in databases {
            let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
            self.state.change(database, |state| {
                let mut definer = Definer {
                    state,
                    sql: text,
                    parameters,
                    interrupt,
                };
                definer.analyze_database(database, object)
            })?;
        }
        Ok(())
    }

    fn analyze_database(&mut self, database: usize, object: Option<&str>) -> Result<()> {
        let schema = Arc::clone(&self.state.databases[database].schema);
        let scope = Scope {
            object,
            is_index: object.is_some_and(|name| schema.table(name).is_none()),
        };
        let is_own = |table: &Table| {
            let start = table.name.get(..7);
            start.is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
        };
        let mut tables: Vec<&Arc<Table>> = schema
            .tables
            .values()
            .filter(|table| !table.is_virtual() && !is_own(table) && scope.covers(table))
            .collect();
        tables.sort_by_key(|table| table.root);
        let limit = u64::try_from(self.state.settings.analysis_limit).unwrap_or(0);
        let (mut lines, mut samples) = (Vec::new(), Vec::new());
        for table in tables {
            let database = &self.state.databases[database];
            statistics_of(database, table, &scope, limit, (&mut lines, &mut samples))?;
        }
        let counts = self.statistics_table(database, "sqlite_stat1", "tbl,idx,stat")?;
        let chosen = self.statistics_table(database, "sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample")?;
        for root in [counts, chosen] {
            self.forget_statistics(database, root, &scope)?;
        }
        let encoding = self.state.databases[database].pager.header()?.encoding;
        let lines = lines.into_iter().map(|line| {
            let stored = line.map(|text| stored_text(text.as_deref(), encoding));
            stored.to_vec()
        });
        self.add_statistics(database, counts, lines)?;
        let samples = samples.into_iter().map(|(texts, record): Sampled| {
            let mut row: Vec<Value> = texts
                .iter()
                .map(|text| stored_text(Some(text), encoding))
                .collect();
            row.push(Value::Blob(record));
            row
        });
        self.add_statistics(database, chosen, samples)?;
        let State {
            databases,
            collations,
            schema_version,
            ..
        } = &mut *self.state;
        *schema_version += 1;
        databases[database].reload_schema(collations)
    }

    /// Removes the rows that are counted anew.
    fn forget_statistics(&mut self, database: usize, root: PageNo, scope: &Scope<'_>) -> Result<()> {
        let pager = &mut self.state.databases[database].pager;
        let Some(object) = scope.object else {
            clear_tree(pager, root, TreeKind::Table)?;
            return Ok(());
        };
        let encoding = pager.header()?.encoding;
        let mut cursor = TableCursor::new(root);
        let mut spill = Vec::new();
        let mut more = cursor.first(pager)?;
        while more {
            let view = RecordView::parse(cursor.payload(pager, &mut spill)?)?;
            let is_its = match view.column(usize::from(scope.is_index))? {
                ValueRef::Text(text) => utf8_of(text, encoding).eq_ignore_ascii_case(object.as_bytes()),
                _ => false,
            };
            if is_its {
                cursor.delete(pager)?;
            }
            more = cursor.next(pager)?;
        }
        Ok(())
    }

    fn add_statistics(
        &mut self,
        database: usize,
        root: PageNo,
        rows: impl Iterator<Item = Vec<Value>>,
    ) -> Result<()> {
        let pager = &mut self.state.databases[database].pager;
        let mut cursor = TableCursor::new(root);
        let mut rowid = cursor.max_rowid(pager)?.unwrap_or(0);
        for row in rows {
            rowid += 1;
            let values: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
            cursor.insert_values(pager, rowid, &values)?;
        }
        Ok(())
    }

    fn statistics_table(&mut self, database: usize, name: &str, columns: &str) -> Result<PageNo> {
        if let Some(table) = self.state.databases[database].schema.table(name) {
            return Ok(table.root);
        }
        let root = self.create_tree(database, TreeKind::Table)?;
        let sql = format!("CREATE TABLE {name}({columns})");
        let row = self.add_row(
            database,
            &NewRow {
                kind: "table",
                name,
                table: name,
                root: Some(root),
                sql: Some(&sql),
            },
        )?;
        self.finish_with(database, &[row])?;
        Ok(root)
    }
}

/// Appends the rows of sqlite_stat1 and sqlite_stat4 for a table and its indexes.
fn statistics_of(
    database: &Database,
    table: &Table,
    scope: &Scope<'_>,
    limit: u64,
    (lines, samples): (&mut Vec<Line>, &mut Vec<Sampled>),
) -> Result<()> {
    let mut counted: Vec<Counted<'_>> = table
        .indexes
        .iter()
        .map(|index| Counted::of_index(index, table))
        .collect();
    counted.extend(Counted::of_primary(table));
    for mut tree in counted.into_iter().filter(|tree| scope.covers_index(tree.name)) {
        let Some((text, chosen)) = tree.count(database, limit)? else {
            continue;
        };
        lines.push([Some(table.name.clone()), Some(tree.name.to_owned()), Some(text)]);
        for sample in chosen {
            let numbers = |counts: &[u64]| {
                let words: Vec<String> = counts.iter().map(u64::to_string).collect();
                words.join(" ")
            };
            let texts = [
                table.name.clone(),
                tree.name.to_owned(),
                numbers(&sample.equal),
                numbers(&sample.less),
                numbers(&sample.less_distinct),
            ];
            samples.push((texts, tree.record_of(&sample)?));
        }
    }
    let whole = table.indexes.iter().all(|index| index.filter.is_some()) && !scope.is_index;
    if table.without_rowid.is_none() && whole {
        let rows = TableCursor::new(table.root).count(&database.pager)?;
        if rows > 0 {
            lines.push([Some(table.name.clone()), None, Some(rows.to_string())]);
        }
    }
    Ok(())
}
