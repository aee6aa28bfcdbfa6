//! From AST to [logical](super::logical) form: every name gets its meaning, every comparison its affinity and collation.
//!
//! ```text
//! statement ─ select ─ common (WITH) ─ compound ─ block ─ from, star, order, window
//!                                                   └ expression ─ name, operator, row, call, subquery
//! ```
//!
//! Names are looked up in a stack of [scopes](scope), innermost first: one for each SELECT that encloses the place.
//! A view or common table opens a barrier that hides the scopes of whoever refers to it.
//!
//! Recursion is bounded by the parser's limit on expression height and by [`NESTING_MAX`] for queries in queries.

mod always_false;
mod authorize;
mod block;
mod call;
mod common;
mod compound;
mod expression;
mod from;
mod name;
mod nested_from;
mod operator;
mod order;
mod row;
mod scope;
mod star;
mod subquery;
mod table_expression;
mod typed;
mod window;
mod writable;
mod write;

use std::rc::Rc;
use std::sync::Arc;

use ecow::EcoString;
use smallvec::SmallVec;

use super::context::PlanContext;
use super::expr::Register;
use super::logical::{ColumnRef, ColumnSet, OutputColumn, Query, Scalar, TableId};
use super::physical::{ColumnOrigin, CteId, DatabaseIndex, DatabaseList};
use super::uses::Uses;
use crate::catalog::{Column, Table};
use crate::error::{Error, Result};
use crate::stack::StackGuard;
use crate::syntax::ast;
use crate::value::{Affinity, Collation};

pub(super) use expression::negative_literal;
pub(super) use from::fold;
pub(super) use name::is_rowid_name;
use nested_from::NestedColumn;
pub(super) use scope::Clause;
use scope::Scope;
pub(super) use typed::compare_affinity;
pub(super) use writable::view_table;
pub(super) use write::{BoundInsert, BoundUpdate, BoundUpsert, RowChange, Target};

/// How deep queries (subqueries, views, common tables) may be nested in each other.
const NESTING_MAX: usize = 64;

/// Everything about the tables that occur in a statement, by [`TableId`].
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    entries: Vec<TableEntry<'a>>,
}

/// A table of the statement.
#[derive(Clone, Debug)]
pub(super) struct TableEntry<'a> {
    /// What the statement calls it.
    pub name: EcoString,
    /// Where its columns come from.
    pub columns: TableColumns<'a>,
    /// What few tables have.
    extras: Option<Box<TableExtras>>,
    /// The columns that the plan reads; filled in when the plan is made.
    pub used: ColumnSet,
    /// Those that terms of WHERE and ON read: what the plan searches by need not be read. Filled in when the plan is made.
    pub tested: ColumnSet,
    /// It stands on a side of an outer join that may be missing; filled in when the plan is made.
    pub may_be_missing: bool,
    /// Its columns are values without affinity and collation, as those of `excluded` are.
    pub untyped: bool,
}

/// The expressions that belong to a table.
#[derive(Clone, Debug, Default)]
pub(super) struct TableExtras {
    /// Those of virtual generated columns that the statement refers to.
    pub generated: Vec<(usize, Rc<Scalar>)>,
    /// The indexes that have expressions, or a filter.
    pub bound_indexes: Vec<BoundIndex>,
}

/// The expressions of an index, over its table.
#[derive(Clone, Debug)]
pub(super) struct BoundIndex {
    /// The place of the index in the table's list.
    pub index: usize,
    /// The key columns that are expressions.
    pub keys: Vec<Option<Scalar>>,
    /// The terms of a partial index's WHERE.
    pub filter: Vec<Scalar>,
}

/// Where a table's columns come from.
#[derive(Clone, Debug)]
pub(super) enum TableColumns<'a> {
    /// A table of the schema.
    Base {
        database: DatabaseIndex,
        table: &'a Arc<Table>,
    },
    /// A query.
    Derived(Rc<[OutputColumn]>),
    /// A join in parentheses.
    Nested(Rc<[NestedColumn]>),
    /// Keys, aggregates or window functions of a block.
    Pseudo,
}

impl<'a> Tables<'a> {
    /// Adds a table.
    pub fn add(&mut self, name: EcoString, columns: TableColumns<'a>) -> TableId {
        let id = TableId(self.entries.len() as u32);
        self.entries.push(TableEntry {
            name,
            columns,
            extras: None,
            used: ColumnSet::default(),
            tested: ColumnSet::default(),
            may_be_missing: false,
            untyped: false,
        });
        id
    }

    /// Adds a pseudo-table.
    pub fn add_pseudo(&mut self) -> TableId {
        self.add(EcoString::default(), TableColumns::Pseudo)
    }

    /// The table.
    pub fn get(&self, table: TableId) -> &TableEntry<'a> {
        &self.entries[table.0 as usize]
    }

    /// The table, to change it.
    pub fn get_mut(&mut self, table: TableId) -> &mut TableEntry<'a> {
        &mut self.entries[table.0 as usize]
    }

    /// The schema column behind a reference; `None` for a rowid and for tables that are not in the schema.
    pub fn schema_column(&self, column: ColumnRef) -> Option<&'a Column> {
        match &self.get(column.table).columns {
            TableColumns::Base { table, .. } => table.columns.get(column.column.index()?),
            _ => None,
        }
    }
}

impl<'a> TableEntry<'a> {
    /// The expressions that belong to the table, to add some.
    pub fn extras_mut(&mut self) -> &mut TableExtras {
        self.extras.get_or_insert_default()
    }

    /// The virtual generated columns that the statement refers to.
    pub fn generated(&self) -> &[(usize, Rc<Scalar>)] {
        self.extras.as_ref().map_or(&[], |extras| &extras.generated)
    }

    /// The indexes that have expressions, or a filter.
    pub fn bound_indexes(&self) -> &[BoundIndex] {
        self.extras.as_ref().map_or(&[], |extras| &extras.bound_indexes)
    }

    /// The schema's table, if it is one.
    pub fn base(&self) -> Option<&'a Arc<Table>> {
        match &self.columns {
            TableColumns::Base { table, .. } => Some(table),
            _ => None,
        }
    }

    /// Whether a column is computed by a query.
    pub fn is_computed(&self, index: usize) -> bool {
        match &self.columns {
            TableColumns::Derived(columns) => {
                columns.get(index).is_some_and(|column| column.origin.is_none())
            }
            _ => false,
        }
    }

    /// The expression of a virtual generated column of this table, which is `id`. Where the whole row may be missing, so is the column:
    /// it is computed for rows that are there, which those with a key are.
    pub fn generated_expression(&self, id: TableId, index: usize) -> Option<Rc<Scalar>> {
        let (_, expression) = self.generated().iter().find(|(column, _)| *column == index)?;
        let Some(table) = self.base().filter(|_| self.may_be_missing) else {
            return Some(Rc::clone(expression));
        };
        let key = match &table.without_rowid {
            Some(tree) => Scalar::column(id, *tree.stored.first()?),
            None => Scalar::rowid(id),
        };
        Some(Rc::new(Scalar::only_if_not_null(key, (**expression).clone())))
    }

    /// How many columns it has.
    pub fn width(&self) -> usize {
        match &self.columns {
            TableColumns::Base { table, .. } => table.columns.len(),
            TableColumns::Derived(columns) => columns.len(),
            TableColumns::Nested(columns) => columns.len(),
            TableColumns::Pseudo => 0,
        }
    }

    /// The name of a column.
    pub fn column_name(&self, index: usize) -> &str {
        match &self.columns {
            TableColumns::Base { table, .. } => table.columns.get(index).map_or("", |column| &column.name),
            TableColumns::Derived(columns) => &columns[index].name,
            TableColumns::Nested(columns) => &columns[index].name,
            TableColumns::Pseudo => "",
        }
    }

    /// The column of that name.
    pub fn find_column(&self, name: &str) -> Option<usize> {
        let is = |own: &str| name::same_name(own, name);
        match &self.columns {
            TableColumns::Base { table, .. } => table.find_column(name),
            TableColumns::Derived(columns) => columns.iter().position(|c| is(&c.name)),
            TableColumns::Nested(columns) => columns.iter().position(|c| is(&c.name)),
            TableColumns::Pseudo => None,
        }
    }

    /// The columns, when it is a join in parentheses.
    pub fn nested(&self) -> Option<&Rc<[NestedColumn]>> {
        match &self.columns {
            TableColumns::Nested(columns) => Some(columns),
            _ => None,
        }
    }

    /// Whether `*` leaves the column out.
    pub fn is_hidden(&self, index: usize) -> bool {
        match &self.columns {
            TableColumns::Base { table, .. } => table.columns[index].hidden,
            _ => false,
        }
    }

    /// Whether it has a rowid that can be named.
    pub fn has_rowid(&self) -> bool {
        match &self.columns {
            TableColumns::Base { table, .. } => table.without_rowid.is_none(),
            _ => false,
        }
    }

    /// Affinity and collation of a column.
    fn column_type(&self, index: usize) -> (Option<Affinity>, Option<Collation>) {
        match &self.columns {
            _ if self.untyped => (None, None),
            TableColumns::Base { table, .. } => {
                let column = &table.columns[index];
                (Some(column.affinity), Some(column.collation.clone()))
            }
            TableColumns::Derived(columns) => {
                let column = &columns[index];
                (
                    column.affinity,
                    column.collation.clone().or(Some(Collation::Binary)),
                )
            }
            TableColumns::Nested(columns) => (
                columns[index].typed.affinity,
                columns[index].typed.collation.clone(),
            ),
            TableColumns::Pseudo => (None, None),
        }
    }

    /// The table column behind a column.
    pub fn origin(&self, index: Option<usize>) -> Option<ColumnOrigin> {
        match (&self.columns, index) {
            (TableColumns::Base { database, table }, column) => Some(ColumnOrigin::Table {
                database: *database,
                table: Arc::clone(table),
                column: column.or(table.rowid_alias),
            }),
            (TableColumns::Derived(columns), Some(column)) => columns[column].origin.clone(),
            _ => None,
        }
    }
}

/// The scopes that enclose a place, innermost last; of most places there is one.
type Scopes = SmallVec<[Scope; 1]>;

/// The binder of one statement.
pub(super) struct Binder<'a> {
    /// What is compiled against.
    pub context: &'a PlanContext<'a>,
    /// The tables of the statement.
    pub tables: Tables<'a>,
    /// The databases that were named or found.
    pub databases: DatabaseList,
    scopes: Scopes,
    withs: Vec<common::WithFrame<'a>>,
    /// The views that are being bound, outermost first.
    views: Vec<*const crate::catalog::View>,
    /// Unqualified tables are looked up here only (inside a view or trigger).
    home: Option<DatabaseIndex>,
    nesting: usize,
    stack: StackGuard,
    /// How many SELECTs are being bound inside each other.
    selects: usize,
    /// How many queries inside expressions were met.
    subqueries: usize,
    /// The WINDOW clauses of the blocks that are being bound.
    named_windows: SmallVec<[&'a [ast::NamedWindow]; 2]>,
    /// The result columns as written of the blocks that are being bound, with the level of their scope: an ON clause may name their
    /// aliases before they are bound.
    written: SmallVec<[(usize, &'a [ast::ResultColumn]); 2]>,
    common_count: usize,
    /// The next VALUES is that of an INSERT: one row of it is no SELECT.
    inserts_values: bool,
    /// Who wants to know what the names in the text that is being bound stand for.
    uses: Option<&'a Uses>,
    /// For them: the tables that the text calls by their own names.
    unaliased: Vec<TableId>,
    /// Who is asked what may be done.
    asker: Option<Box<authorize::Asker<'a>>>,
    /// Whether the error that is on its way is one after which SQLite reads on: a later one takes its place.
    soft: bool,
}

impl<'a> Binder<'a> {
    /// A binder that knows nothing yet.
    pub fn new(context: &'a PlanContext<'a>) -> Binder<'a> {
        let home = context
            .trigger
            .map(|trigger| trigger.database)
            .filter(|&database| database != 1);
        Binder {
            context,
            tables: Tables::default(),
            databases: DatabaseList::new(),
            scopes: Scopes::new(),
            withs: Vec::new(),
            views: Vec::new(),
            home,
            nesting: 0,
            stack: StackGuard::here(),
            selects: 0,
            subqueries: 0,
            named_windows: SmallVec::new(),
            written: SmallVec::new(),
            common_count: 0,
            inserts_values: context.settings.lone_expression,
            uses: context.uses,
            unaliased: Vec::new(),
            asker: context
                .authorize
                .map(|authorize| authorize::Asker::new(authorize, context.accessor)),
            soft: false,
        }
    }

    /// Binds a SELECT.
    pub fn select_statement(&mut self, select: &'a ast::Select) -> Result<Query> {
        self.select(select)
    }

    fn next_common(&mut self) -> CteId {
        self.common_count += 1;
        CteId(self.common_count - 1)
    }

    fn collation(&self, name: &ast::Ident) -> Result<Collation> {
        let found = match name.as_str() {
            n if n.eq_ignore_ascii_case("binary") => Some(Collation::Binary),
            n if n.eq_ignore_ascii_case("nocase") => Some(Collation::NoCase),
            n if n.eq_ignore_ascii_case("rtrim") => Some(Collation::RTrim),
            n => (self.context.collations)(n),
        };
        found.ok_or_else(|| Error::no_such_collation(name.as_str()).at(name.span().start as usize))
    }

    /// Binds what stands in another text than the one that is asked about.
    fn elsewhere<T>(&mut self, bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let uses = self.uses.take();
        let result = bind(self);
        self.uses = uses;
        result
    }

    /// Runs `bind` one level of nesting deeper.
    fn nested<T>(&mut self, bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= NESTING_MAX {
            return Err(Error::sql("parser stack overflow"));
        }
        self.stack.check()?;
        self.nesting += 1;
        let result = bind(self);
        self.nesting -= 1;
        result
    }

    /// The register of a column of NEW or OLD.
    fn trigger_register(first: Register, table: &Table, column: Option<usize>) -> Register {
        Register(first.0 + column.unwrap_or(table.columns.len()))
    }
}
