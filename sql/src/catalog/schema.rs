//! Tables, indexes, views and triggers as data: what a schema holds once sqlite_schema is parsed.
//!
//! The types are plain and immutable; a [`Schema`] is shared by `Arc` between the connection and the statements compiled
//! against it, and replaced as a whole when the schema cookie moves.

use std::sync::{Arc, OnceLock};

use aludel_storage::format::{Collation, KeyOrder, PageNo, TextEncoding};
use rustc_hash::FxHashMap;

use super::declared::VirtualDefinition;
use crate::syntax::ast;
use crate::value::{Affinity, Value};
use crate::virtual_table::VirtualTable;

/// Everything in one database's sqlite_schema, parsed. Keys of the maps are names folded to ASCII lower case.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The schema cookie that this was read at.
    pub cookie: u32,
    /// The encoding of texts in the file.
    pub encoding: TextEncoding,
    /// Tables, with their indexes. Virtual tables are here once they are connected.
    pub tables: FxHashMap<String, Arc<Table>>,
    /// Indexes by name; each is in its table's list as well.
    pub indexes: FxHashMap<String, Arc<Index>>,
    /// Views.
    pub views: FxHashMap<String, Arc<View>>,
    /// Triggers.
    pub triggers: FxHashMap<String, Arc<Trigger>>,
    /// Virtual tables that the file declares. Those that are connected are among `tables` as well.
    pub virtual_tables: FxHashMap<String, Arc<VirtualDefinition>>,
}

impl Schema {
    /// The table called `name`, in any case.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        find(&self.tables, name)
    }

    /// The index called `name`, in any case.
    pub fn index(&self, name: &str) -> Option<&Arc<Index>> {
        find(&self.indexes, name)
    }

    /// The view called `name`, in any case.
    pub fn view(&self, name: &str) -> Option<&Arc<View>> {
        find(&self.views, name)
    }

    /// The trigger called `name`, in any case.
    pub fn trigger(&self, name: &str) -> Option<&Arc<Trigger>> {
        find(&self.triggers, name)
    }

    /// The triggers that watch the table or view called `table`, in the order in which they fire: the newest first.
    pub fn triggers_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Arc<Trigger>> + 'a {
        let mut found: Vec<_> = self
            .triggers
            .values()
            .filter(|trigger| trigger.table.eq_ignore_ascii_case(table))
            .collect();
        found.sort_by_key(|trigger| std::cmp::Reverse(trigger.order));
        found.into_iter()
    }
}

fn find<'a, T>(map: &'a FxHashMap<String, T>, name: &str) -> Option<&'a T> {
    match map.get(name) {
        None if name.bytes().any(|byte| byte.is_ascii_uppercase()) => map.get(&name.to_ascii_lowercase()),
        found => found,
    }
}

/// A table: rowid table, or WITHOUT ROWID tree.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name as written.
    pub name: String,
    /// The root page of its tree.
    pub root: PageNo,
    /// The columns, in declaration order.
    pub columns: Vec<Column>,
    /// The column that is the rowid itself (INTEGER PRIMARY KEY).
    pub rowid_alias: Option<usize>,
    /// Whether the rowid alias was declared AUTOINCREMENT.
    pub autoincrement: bool,
    /// How a WITHOUT ROWID table's tree is keyed; `None` for a rowid table.
    pub without_rowid: Option<PrimaryTree>,
    /// STRICT tables refuse values of other types.
    pub strict: bool,
    /// No table at all but the rows of a view, as its INSTEAD OF triggers see them.
    pub is_view: bool,
    /// The indexes, automatic ones among them, in the order in which they are maintained.
    pub indexes: Vec<Arc<Index>>,
    /// CHECK constraints: name, if it has one, and expression.
    pub checks: Vec<Check>,
    /// Foreign keys of this table.
    pub foreign_keys: Vec<ForeignKey>,
    /// What the ON CONFLICT clause of INTEGER PRIMARY KEY says.
    pub rowid_conflict: Option<ast::ConflictAction>,
    /// Rows that ANALYZE counted.
    pub row_count: Option<u64>,
    /// The text in sqlite_schema; empty for the schema table itself.
    pub sql: String,
    /// The code that its rows come from, for a virtual table, which has no tree.
    pub virtual_table: Option<Arc<dyn VirtualTable>>,
    /// What is asked about the columns again and again.
    pub summary: TableSummary,
}

/// What the planner asks about the columns of a table each time, worked out when it asks first: side by side it fits into a line or two of
/// the cache, which the columns do not. Columns stay as they are once a table is part of a schema.
#[derive(Clone, Debug, Default)]
pub struct TableSummary {
    /// The names of the columns, as [`name_key`] has them.
    names: OnceLock<Box<[u32]>>,
    /// The guessed size of a row, as the planner counts it.
    pub row_size: OnceLock<i16>,
    plain: OnceLock<PlainColumns>,
}

/// How plain the columns of a table are. (What indexes it has may change.)
#[derive(Clone, Copy, Debug)]
struct PlainColumns {
    /// None is computed or hidden.
    stored: bool,
    /// Some that are NOT NULL have a DEFAULT.
    defaulted: bool,
}

/// Length and first, last and middle byte of a name, without their case. Names with different keys are different.
#[inline]
pub(crate) fn name_key(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let length = bytes.len();
    let (Some(first), Some(middle), Some(last)) = (bytes.first(), bytes.get(length / 2), bytes.last()) else {
        return 0;
    };
    let byte = |byte: &u8| u32::from(byte & 0xdf);
    (length as u32 & 0xff) << 24 | byte(first) << 16 | byte(middle) << 8 | byte(last)
}

impl Table {
    /// The position of the column called `name`, in any case.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// As [`column`](Self::column), of a table that is part of a schema.
    pub fn find_column(&self, name: &str) -> Option<usize> {
        let names = self
            .summary
            .names
            .get_or_init(|| self.columns.iter().map(|column| name_key(&column.name)).collect());
        let wanted = name_key(name);
        let is_it = |place: usize| {
            let own = self.columns.get(place).map_or("", |column| &column.name);
            let mut pairs = own.bytes().zip(name.bytes());
            own.len() == name.len() && pairs.all(|(a, b)| a == b || a.eq_ignore_ascii_case(&b))
        };
        (0..)
            .zip(names)
            .find_map(|(place, key)| (*key == wanted && is_it(place)).then_some(place))
    }

    /// Whether its rows have rowids and are what is stored: no column is computed or hidden, no index has an expression or a filter. Of a table that
    /// is part of a schema.
    pub fn holds_plain_rows(&self) -> bool {
        let computed = |index: &Arc<Index>| index.is_computed();
        self.has_rowid()
            && !self.is_virtual()
            && self.plain_columns().stored
            && !self.indexes.iter().any(computed)
    }

    /// Whether no expression has a say in what may be stored: neither CHECK nor the DEFAULT of a NOT NULL column.
    pub fn takes_rows_as_they_are(&self) -> bool {
        self.checks.is_empty() && !self.plain_columns().defaulted
    }

    fn plain_columns(&self) -> PlainColumns {
        *self.summary.plain.get_or_init(|| PlainColumns {
            stored: self
                .columns
                .iter()
                .all(|column| column.generated.is_none() && !column.hidden),
            defaulted: self
                .columns
                .iter()
                .any(|column| column.default.is_some() && column.not_null.is_some()),
        })
    }

    /// Whether its rows have a rowid.
    pub fn has_rowid(&self) -> bool {
        self.without_rowid.is_none() && !self.is_view
    }

    /// Whether its rows come from code, not from a tree.
    pub fn is_virtual(&self) -> bool {
        self.virtual_table.is_some()
    }

    /// Whether `name` stands for the rowid: one of the three reserved names that no column bears.
    pub fn names_rowid(&self, name: &str) -> bool {
        self.has_rowid() && is_rowid_name(name) && self.column(name).is_none()
    }
}

/// Whether `name` is `rowid`, `_rowid_` or `oid`.
pub fn is_rowid_name(name: &str) -> bool {
    ["rowid", "_rowid_", "oid"]
        .iter()
        .any(|rowid| rowid.eq_ignore_ascii_case(name))
}

/// The tree of a WITHOUT ROWID table.
#[derive(Clone, Debug)]
pub struct PrimaryTree {
    /// The name that is set aside for it: sqlite_autoindex_TABLE_N.
    pub name: String,
    /// How many indexes stand behind it in the table's list; those that are made later come in front.
    pub behind: usize,
    /// The key's collations and directions as index columns, for PRAGMA index_xinfo and the planner.
    pub columns: Vec<IndexColumn>,
    /// Table columns in the order in which the record stores them: the key first, then the rest.
    pub stored: Vec<usize>,
    /// How many of `stored` form the key.
    pub key_count: usize,
    /// Order of the key columns.
    pub order: Arc<KeyOrder>,
    /// What the ON CONFLICT clause of the primary key says.
    pub conflict: Option<ast::ConflictAction>,
}

impl PrimaryTree {
    /// Where it would stand in the table's list of `indexes` others.
    pub fn place_among(&self, indexes: usize) -> usize {
        indexes.saturating_sub(self.behind)
    }
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name as written.
    pub name: String,
    /// The declared type as written, without constraints.
    pub declared_type: Option<String>,
    /// The affinity that the declared type gives.
    pub affinity: Affinity,
    /// The collation of the declaration, or Binary.
    pub collation: Collation,
    /// NOT NULL, with its conflict clause.
    pub not_null: Option<Option<ast::ConflictAction>>,
    /// The DEFAULT expression.
    pub default: Option<ast::Expr>,
    /// Its text, as PRAGMA table_info shows it.
    pub default_text: Option<Arc<str>>,
    /// What a record that ends before this column holds (ALTER TABLE ADD COLUMN): the constant default, else NULL.
    pub missing_value: Value,
    /// GENERATED ALWAYS AS.
    pub generated: Option<Generated>,
    /// Part of the PRIMARY KEY: its position there, from 1.
    pub primary_key: Option<usize>,
    /// Where the record stores it; `None` for the rowid alias and virtual generated columns.
    pub stored_at: Option<usize>,
    /// Hidden columns of virtual tables are not part of `*`.
    pub hidden: bool,
}

/// A generated column's expression.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What it is computed by.
    pub expression: ast::Expr,
    /// Whether it is kept in the record (STORED) or computed at each read (VIRTUAL).
    pub stored: bool,
}

/// A CHECK constraint.
#[derive(Clone, Debug)]
pub struct Check {
    /// The name after CONSTRAINT.
    pub name: Option<String>,
    /// What must not be false.
    pub expression: ast::Expr,
    /// The text of the expression, for the error message.
    pub text: String,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// Columns of the table that holds the key.
    pub columns: Vec<usize>,
    /// The table referred to.
    pub parent: String,
    /// Its columns as written; empty for its primary key.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: ast::ReferenceAction,
    /// ON UPDATE.
    pub on_update: ast::ReferenceAction,
    /// DEFERRABLE INITIALLY DEFERRED.
    pub deferred: bool,
    /// The name after CONSTRAINT.
    pub name: Option<String>,
}

/// An index on a table.
#[derive(Clone, Debug)]
pub struct Index {
    /// The name; automatic ones are called sqlite_autoindex_TABLE_N.
    pub name: String,
    /// The name of the table.
    pub table: String,
    /// The root page of its tree.
    pub root: PageNo,
    /// The key, without the rowid or primary key at its end.
    pub columns: Vec<IndexColumn>,
    /// What the record holds after the key: nothing more than the rowid for a rowid table; for a WITHOUT ROWID table the
    /// primary key columns that are not in the key already.
    pub tail: Vec<usize>,
    /// Order of the whole record, tail included.
    pub order: Arc<KeyOrder>,
    /// UNIQUE, with the conflict clause that a constraint may carry.
    pub unique: Option<Option<ast::ConflictAction>>,
    /// Where it comes from.
    pub origin: IndexOrigin,
    /// The WHERE of a partial index.
    pub filter: Option<ast::Expr>,
    /// Statistics of sqlite_stat1: average rows for an equal prefix of 1, 2, .. columns, after the row count.
    pub statistics: Option<Vec<u64>>,
    /// Samples of sqlite_stat4.
    pub samples: Option<Arc<super::Samples>>,
    /// The text in sqlite_schema; `None` for automatic indexes.
    pub sql: Option<String>,
}

impl Index {
    /// Whether something has to be computed to tell a row's entry: a column of its key, or whether the row has one at all.
    pub fn is_computed(&self) -> bool {
        let computed = |column: &IndexColumn| matches!(column.source, IndexSource::Expression(_));
        self.filter.is_some() || self.columns.iter().any(computed)
    }
}

/// A column of an index key.
#[derive(Clone, Debug)]
pub struct IndexColumn {
    /// What is indexed.
    pub source: IndexSource,
    /// The collation it is ordered by.
    pub collation: Collation,
    /// DESC.
    pub descending: bool,
}

/// What an index column holds.
#[derive(Clone, Debug)]
pub enum IndexSource {
    /// A column of the table.
    Column(usize),
    /// The rowid (an index that names the rowid alias).
    Rowid,
    /// An expression over the table's row.
    Expression(ast::Expr),
}

/// Where an index comes from, as PRAGMA index_list says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexOrigin {
    /// CREATE INDEX (`c`).
    Created,
    /// UNIQUE constraint (`u`).
    Unique,
    /// PRIMARY KEY (`pk`).
    PrimaryKey,
}

/// A view.
#[derive(Clone, Debug)]
pub struct View {
    /// The name as written.
    pub name: String,
    /// Column names of its head, when given.
    pub columns: Vec<String>,
    /// What it selects.
    pub select: Arc<ast::Select>,
    /// The text in sqlite_schema.
    pub sql: String,
}

/// A trigger.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The name as written.
    pub name: String,
    /// The table or view it watches.
    pub table: String,
    /// Its place among all triggers of the schema: later ones are higher.
    pub order: u64,
    /// Its parsed text.
    pub definition: Arc<ast::CreateTrigger>,
    /// The text in sqlite_schema.
    pub sql: String,
}
