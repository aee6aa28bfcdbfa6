//! `dbstat`: how the pages of each tree of a database are filled.
//!
//! One row for each page, the page itself before its overflow pages and children; or, in aggregate mode, one row for each tree. Bytes are looked at as they
//! are: a page that makes no sense is a row as well, of the type `corrupted`.

use std::sync::Arc;

use aludel_storage::format::{PageNo, varint};
use aludel_storage::pager::Pager;

use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::value::cast::cast;
use crate::value::{Affinity, Value, ValueRef, number};
use crate::virtual_table::{
    Connected, ConstraintOp, CursorColumn, IndexOrder, IndexPlan, IndexQuestion, Module, ModuleArguments,
    ModuleUsage, Risk, VirtualContext, VirtualCursor, VirtualTable,
};

pub(super) const NAME: &str = "dbstat";

const DECLARATION: &str = "CREATE TABLE x(name TEXT,path TEXT,pageno INTEGER,pagetype TEXT,ncell INTEGER,payload INTEGER,\
    unused INTEGER,mx_payload INTEGER,pgoffset INTEGER,pgsize INTEGER,schema TEXT HIDDEN,aggregate BOOLEAN HIDDEN)";

/// Columns that plans know.
const NAME_COLUMN: usize = 0;
const PATH_COLUMN: usize = 1;
const SCHEMA_COLUMN: usize = 10;
const AGGREGATE_COLUMN: usize = 11;

/// Bits of a plan's number.
const BY_SCHEMA: i32 = 1;
const BY_NAME: i32 = 2;
const BY_AGGREGATE: i32 = 4;
const ORDERED: i32 = 8;

/// The deepest tree that is looked at.
const DEPTH_MAX: usize = 32;

#[derive(Debug)]
pub(super) struct DbstatModule;

impl Module for DbstatModule {
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::Either
    }

    fn connect(
        &self,
        context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
    ) -> Result<Connected> {
        let schema = match arguments.arguments.first() {
            Some(given) => {
                let name = given.trim_matches(['"', '\'', '`', '[', ']']);
                let known = context.database(name);
                known
                    .map_err(|_| Error::sql(format!("no such database: {given}")))?
                    .name
                    .clone()
            }
            None => "main".to_owned(),
        };
        Ok(Connected {
            declaration: DECLARATION.to_owned(),
            table: Arc::new(Dbstat { schema }),
        })
    }
}

#[derive(Debug)]
struct Dbstat {
    schema: String,
}

impl VirtualTable for Dbstat {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let mut places = [None; 3];
        for (place, own) in question.constraints.iter().enumerate() {
            if own.op != ConstraintOp::Eq {
                continue;
            }
            // It comes last in a join: nothing is gained by reading all pages first.
            if !own.usable {
                return Ok(None);
            }
            match own.column {
                Some(SCHEMA_COLUMN) => places[0] = Some(place),
                Some(NAME_COLUMN) => places[1] = Some(place),
                Some(AGGREGATE_COLUMN) => places[2] = Some(place),
                _ => {}
            }
        }
        let mut plan = IndexPlan {
            cost: 1.0,
            ..IndexPlan::default()
        };
        for (place, bit) in places.into_iter().zip([BY_SCHEMA, BY_NAME, BY_AGGREGATE]) {
            if let Some(place) = place {
                plan.take(place, bit == BY_SCHEMA);
                plan.number |= bit;
            }
        }
        let ascending = |column| IndexOrder {
            column: Some(column),
            descending: false,
        };
        let (by_name, by_path) = (ascending(NAME_COLUMN), ascending(PATH_COLUMN));
        if question.order == [by_name] || question.order == [by_name, by_path] {
            plan.order_consumed = true;
            plan.number |= ORDERED;
        }
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(Walk {
            default_schema: self.schema.clone(),
            schema: self.schema.clone(),
            trees: Vec::new().into_iter(),
            tree: String::new(),
            aggregate: false,
            path: Vec::new(),
            row: Row::default(),
        }))
    }

    fn risk(&self) -> Risk {
        Risk::DirectOnly
    }
}

/// What a row tells.
#[derive(Clone, Debug, Default)]
struct Row {
    path: String,
    page: u32,
    kind: &'static str,
    cells: u64,
    payload: i64,
    unused: i64,
    largest: u64,
    offset: i64,
    size: i64,
    /// Pages of the tree so far.
    pages: u32,
}

/// A page that the walk is in.
struct Visited {
    path: String,
    page: PageContent,
    /// The cell whose overflow pages and child come next.
    next: usize,
    /// How many overflow pages of that cell were told.
    told: usize,
}

/// What a page says of itself.
#[derive(Default)]
struct PageContent {
    kind: u8,
    cells: Vec<CellContent>,
    unused: i64,
    largest: u64,
    right_child: u32,
}

/// What a cell says of itself.
#[derive(Default)]
struct CellContent {
    child: u32,
    local: i64,
    overflow: Vec<u32>,
    last_overflow: i64,
}

struct Walk {
    default_schema: String,
    schema: String,
    trees: std::vec::IntoIter<(String, u32)>,
    tree: String,
    aggregate: bool,
    path: Vec<Visited>,
    row: Row,
}

impl VirtualCursor for Walk {
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        self.path.clear();
        self.trees = Vec::new().into_iter();
        let mut arguments = arguments.iter();
        let mut argument = |bit: i32| match plan.number & bit {
            0 => None,
            _ => arguments.next(),
        };
        let (schema, name, aggregate) = (argument(BY_SCHEMA), argument(BY_NAME), argument(BY_AGGREGATE));
        self.schema = match schema {
            None => self.default_schema.clone(),
            Some(value) => match cast(value.as_ref(), Affinity::Text) {
                Value::Text(text) => text.to_string_lossy().into_owned(),
                _ => return Ok(()),
            },
        };
        self.aggregate = aggregate.is_some_and(|value| number::real_of(value.as_ref()) != 0.0);
        let Ok(database) = context.database(&self.schema) else {
            return Ok(());
        };
        self.schema.clone_from(&database.name);
        let schema = self.schema.replace('"', "\"\"");
        let mut sql = format!(
            "SELECT * FROM (SELECT 'sqlite_schema' AS name,1 AS rootpage UNION ALL \
             SELECT name,rootpage FROM \"{schema}\".sqlite_schema WHERE rootpage!=0)"
        );
        let mut parameters = Vec::new();
        if let Some(name) = name {
            sql += " WHERE name=?1";
            parameters.push(name.clone());
        }
        if plan.number & ORDERED != 0 {
            sql += " ORDER BY name";
        }
        let mut trees = Vec::new();
        context.query(&sql, &parameters, |row| {
            let name = match cast(row.value(0), Affinity::Text) {
                Value::Text(text) => text.to_string_lossy().into_owned(),
                _ => String::new(),
            };
            let root = u32::try_from(number::integer_of(row.value(1))).unwrap_or(0);
            trees.push((name, root));
            Ok(())
        })?;
        self.trees = trees.into_iter();
        Ok(())
    }

    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        while count < max && self.advance(context)? {
            context.check_interrupt()?;
            for (vector, column) in batch.columns.iter_mut().zip(columns) {
                vector.push(self.value(*column));
            }
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}

impl Walk {
    fn value(&self, column: CursorColumn) -> ValueRef<'_> {
        let row = &self.row;
        let CursorColumn::Column(column) = column else {
            return ValueRef::Integer(row.page.into());
        };
        match column {
            0 => ValueRef::Text(self.tree.as_bytes()),
            1 | 3 | 8 if self.aggregate => ValueRef::Null,
            1 => ValueRef::Text(row.path.as_bytes()),
            2 if self.aggregate => ValueRef::Integer(row.pages.into()),
            2 => ValueRef::Integer(row.page.into()),
            3 => ValueRef::Text(row.kind.as_bytes()),
            4 => ValueRef::Integer(row.cells as i64),
            5 => ValueRef::Integer(row.payload),
            6 => ValueRef::Integer(row.unused),
            7 => ValueRef::Integer(row.largest as i64),
            8 => ValueRef::Integer(row.offset),
            9 => ValueRef::Integer(row.size),
            SCHEMA_COLUMN => ValueRef::Text(self.schema.as_bytes()),
            _ => ValueRef::Integer(self.aggregate.into()),
        }
    }

    /// Goes to the next row.
    fn advance(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        // No database of that name: no rows.
        if self.path.is_empty() && self.trees.len() == 0 {
            return Ok(false);
        }
        let pager = &context.database(&self.schema)?.pager;
        if self.aggregate {
            if !self.start_tree(pager)? {
                return Ok(false);
            }
            while self.step(pager)? {}
            return Ok(true);
        }
        self.row = Row::default();
        match self.step(pager)? {
            true => Ok(true),
            false => self.start_tree(pager),
        }
    }

    /// Goes to the root of the next tree.
    fn start_tree(&mut self, pager: &Pager) -> Result<bool> {
        let Some((name, root)) = self.trees.next().filter(|_| pager.page_count() > 0) else {
            return Ok(false);
        };
        self.tree = name;
        self.row = Row::default();
        self.enter(pager, root, "/".to_owned())?;
        Ok(true)
    }

    /// Goes to the next page of the tree; false when there is none.
    fn step(&mut self, pager: &Pager) -> Result<bool> {
        let page_size = pager.page_size() as i64;
        let usable = pager.usable_size() as i64;
        loop {
            let Some(visited) = self.path.last_mut() else {
                return Ok(false);
            };
            if let Some(cell) = visited.page.cells.get(visited.next) {
                if let Some(&overflow) = cell.overflow.get(visited.told) {
                    let row = &mut self.row;
                    row.pages += 1;
                    row.size += page_size;
                    row.offset = (i64::from(overflow) - 1) * page_size;
                    let last = visited.told + 1 == cell.overflow.len();
                    match last {
                        true => {
                            row.payload += cell.last_overflow;
                            row.unused += usable - 4 - cell.last_overflow;
                        }
                        false => row.payload += usable - 4,
                    }
                    row.page = overflow;
                    row.kind = "overflow";
                    row.path = format!("{}{:03x}+{:06x}", visited.path, visited.next, visited.told);
                    visited.told += 1;
                    return Ok(true);
                }
                let child = cell.child;
                let path = format!("{}{:03x}/", visited.path, visited.next);
                visited.next += 1;
                visited.told = 0;
                if visited.page.right_child != 0 {
                    self.enter(pager, child, path)?;
                    return Ok(true);
                }
                continue;
            }
            if visited.page.right_child != 0 && visited.next == visited.page.cells.len() {
                let (child, path) = (
                    visited.page.right_child,
                    format!("{}{:03x}/", visited.path, visited.next),
                );
                visited.next += 1;
                self.enter(pager, child, path)?;
                return Ok(true);
            }
            self.path.pop();
        }
    }

    /// Goes into a page, which is the row then.
    fn enter(&mut self, pager: &Pager, page: u32, path: String) -> Result<()> {
        if self.path.len() >= DEPTH_MAX {
            return Err(Error::Corrupt {
                message: "database disk image is malformed".to_owned(),
            });
        }
        let content = PageContent::read(pager, page)?;
        let row = &mut self.row;
        row.page = page;
        row.pages += 1;
        row.size += pager.page_size() as i64;
        row.offset = (i64::from(page) - 1) * pager.page_size() as i64;
        row.kind = match content.kind {
            0x05 | 0x02 => "internal",
            0x0d | 0x0a => "leaf",
            _ => "corrupted",
        };
        row.cells += content.cells.len() as u64;
        row.unused += content.unused;
        row.largest = row.largest.max(content.largest);
        row.payload += content.cells.iter().map(|cell| cell.local).sum::<i64>();
        row.path.clone_from(&path);
        self.path.push(Visited {
            path,
            page: content,
            next: 0,
            told: 0,
        });
        Ok(())
    }
}

impl PageContent {
    /// What a page says; nothing of a page that makes no sense.
    fn read(pager: &Pager, page: u32) -> Result<PageContent> {
        let number = PageNo::new(page).filter(|_| page <= pager.page_count());
        let Some(number) = number else {
            return Err(Error::Corrupt {
                message: "database disk image is malformed".to_owned(),
            });
        };
        let bytes = pager.page(number)?;
        Ok(PageContent::decode(pager, page, &bytes).unwrap_or_default())
    }

    fn decode(pager: &Pager, page: u32, bytes: &[u8]) -> Option<PageContent> {
        let start = if page == 1 { 100 } else { 0 };
        let kind = *bytes.get(start)?;
        let (leaf, header) = match kind {
            0x0a | 0x0d => (true, 8),
            0x05 | 0x02 => (false, 12),
            _ => return None,
        };
        let header = start + header;
        let two = |at: usize| {
            Some(usize::from(u16::from_be_bytes(
                bytes.get(at..at + 2)?.try_into().ok()?,
            )))
        };
        let four = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let count = two(start + 3)?;
        let mut content = PageContent {
            kind,
            unused: two(start + 5)? as i64 - header as i64 - 2 * count as i64
                + i64::from(*bytes.get(start + 7)?),
            right_child: if leaf { 0 } else { four(start + 8)? },
            ..PageContent::default()
        };
        let mut free = two(start + 1)?;
        while free != 0 {
            content.unused += two(free + 2)? as i64;
            let next = two(free)?;
            if next != 0 && next < free + 4 {
                return None;
            }
            free = next;
        }
        for place in 0..count {
            let mut at = two(header + place * 2)?;
            if at < header || at >= bytes.len() {
                return None;
            }
            let mut cell = CellContent::default();
            if !leaf {
                cell.child = four(at)?;
                at += 4;
            }
            if kind != 0x05 {
                let (payload, length) = varint::read(bytes.get(at..)?)?;
                at += length;
                if kind == 0x0d {
                    at += varint::read(bytes.get(at..)?)?.1;
                }
                content.largest = content.largest.max(payload);
                cell.read_payload(pager, kind, payload, at, bytes)?;
            }
            content.cells.push(cell);
        }
        Some(content)
    }
}

impl CellContent {
    /// How a payload is spread over its page and overflow pages.
    fn read_payload(&mut self, pager: &Pager, kind: u8, payload: u64, at: usize, bytes: &[u8]) -> Option<()> {
        let usable = pager.usable_size() as i64;
        let payload = i64::try_from(payload)
            .ok()
            .filter(|payload| *payload <= 0x7fff_ffff)?;
        let least = (usable - 12) * 32 / 255 - 23;
        let most = match kind {
            0x0d => usable - 35,
            _ => (usable - 12) * 64 / 255 - 23,
        };
        self.local = match payload <= most {
            true => payload,
            false => {
                let fitting = least + (payload - least) % (usable - 4);
                if fitting > most { least } else { fitting }
            }
        };
        let rest = payload - self.local;
        if rest <= 0 {
            return Some(());
        }
        let count = (rest + usable - 5) / (usable - 4);
        if count > i64::from(pager.page_count()) {
            return None;
        }
        self.last_overflow = rest - (count - 1) * (usable - 4);
        let end = at + usize::try_from(self.local).ok()?;
        let mut next = u32::from_be_bytes(bytes.get(end..end + 4)?.try_into().ok()?);
        for _ in 0..count {
            self.overflow.push(next);
            let number = PageNo::new(next).filter(|_| next <= pager.page_count())?;
            let page = pager.page(number).ok()?;
            next = u32::from_be_bytes(page.get(..4)?.try_into().ok()?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::ValueRef;
    use crate::Connection;

    /// All rows of a query, as text.
    fn rows(path: &std::path::Path, sql: &str) -> (String, String) {
        let own = Connection::open(path).unwrap();
        let mut statement = own.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut ours = Vec::new();
        while statement.step().unwrap() {
            let values: Vec<String> = (0..statement.column_count())
                .map(|column| {
                    let text = match statement.value(column) {
                        ValueRef::Null => None,
                        ValueRef::Integer(value) => Some(value.to_string()),
                        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                        other => Some(format!("{other:?}")),
                    };
                    format!("{text:?}")
                })
                .collect();
            ours.push(values.join(","));
        }
        let other = rusqlite::Connection::open(path).unwrap();
        let mut statement = other.prepare(sql).unwrap();
        let width = statement.column_count();
        let theirs: Vec<String> = statement
            .query_map([], |row| {
                let values: Vec<String> = (0..width)
                    .map(|column| {
                        let value = row.get_ref(column).unwrap();
                        let text = match value {
                            rusqlite::types::ValueRef::Null => None,
                            rusqlite::types::ValueRef::Integer(value) => Some(value.to_string()),
                            rusqlite::types::ValueRef::Text(text) => {
                                Some(String::from_utf8_lossy(text).into_owned())
                            }
                            other => Some(format!("{other:?}")),
                        };
                        format!("{text:?}")
                    })
                    .collect();
                Ok(values.join(","))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        (ours.join("\n"), theirs.join("\n"))
    }

    #[test]
    fn pages_are_told_as_sqlite_tells_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let other = rusqlite::Connection::open(&path).unwrap();
        other
            .execute_batch(
                "PRAGMA page_size=1024; CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(b, c);
                 CREATE TABLE k(x PRIMARY KEY, y) WITHOUT ROWID; CREATE VIEW v AS SELECT 1;
                 INSERT INTO t WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<400) SELECT i, printf('%0*d', i%50+1, i), printf('%.*c', i*i%3000, 'x') FROM n;
                 INSERT INTO k SELECT b||a, c FROM t WHERE a%9=0; DELETE FROM t WHERE a%7=0;",
            )
            .unwrap();
        drop(other);
        for sql in [
            "SELECT *, schema, aggregate, rowid FROM dbstat",
            "SELECT * FROM dbstat WHERE name='t' ORDER BY path",
            "SELECT name, path FROM dbstat ORDER BY name, path",
            "SELECT * FROM dbstat WHERE aggregate=1",
            "SELECT *, aggregate FROM dbstat('main', 1) WHERE name='i'",
            "SELECT name, sum(pgsize-unused), sum(ncell) FROM dbstat GROUP BY name",
            "SELECT count(*) FROM dbstat('temp')",
            "SELECT count(*) FROM dbstat('nowhere')",
            "SELECT s.name, count(*) FROM sqlite_schema s, dbstat d WHERE d.name = s.name GROUP BY 1",
        ] {
            let (ours, theirs) = rows(&path, sql);
            for (own, other) in ours.lines().zip(theirs.lines()) {
                assert_eq!(own, other, "{sql}");
            }
            assert_eq!(ours.lines().count(), theirs.lines().count(), "{sql}");
        }
    }
}
