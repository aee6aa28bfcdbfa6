//! Tables that no entity describes: known by their names, at run time only.
//!
//! [`table`] is such a table as a source; its columns are asked for by name and type, `t.col::<i64>("age")`. All else is as with entities: the
//! same operators, joins, subqueries, the same dialects. What the compiler cannot check here, the backend does: an unknown column is its error.

use super::change::collect;
use super::executor::{Executor, execute, run};
use super::rows::{Handles, RowSet, ValueRow};
use super::select::add_condition;
use super::selection::Selection;
use crate::error::Result;
use crate::expr::{
    self, Assignment, Expr, InsertRows, Name, Node, Output, Predicate, Relation, SourceId, Statement,
};
use crate::mapper::RowReader;
use crate::schema::Table;
use crate::types::{ColumnType, Value};

/// A table of that name as a source of queries, and as something to write to.
///
/// ```
/// use aludel::prelude::*;
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// let mut connection = engine.connect()?;
/// connection.execute_batch("CREATE TABLE planets (name TEXT, moons INTEGER)")?;
///
/// let planets = table("planets");
/// let rows = [("Mars".to_owned(), 2_i64), ("Saturn".to_owned(), 146)];
/// planets.insert(&mut connection, ["name", "moons"], rows)?;
/// planets
///     .update(&mut connection)
///     .set("moons", |p| p.col::<i64>("moons") + 1)
///     .filter(|p| p.col::<String>("name").eq("Saturn"))
///     .run()?;
/// let most: (String, i64) = planets
///     .query()
///     .order_by(|p| p.col::<i64>("moons").desc())
///     .limit(1)
///     .select(|p| (p.col::<String>("name"), p.col::<i64>("moons")))
///     .on(&mut connection)
///     .fetch_one()?;
/// assert_eq!(most, ("Saturn".to_owned(), 147));
/// # Ok(())
/// # }
/// ```
pub fn table(name: impl Into<Name>) -> RowSet<AnyColumns> {
    RowSet::new(Relation::table(name))
}

/// A table of that name in another schema than the connection's own: an attached database, a schema of PostgreSQL.
pub fn table_in(schema: impl Into<Name>, name: impl Into<Name>) -> RowSet<AnyColumns> {
    RowSet::new(Relation::Table {
        schema: Some(schema.into()),
        name: name.into(),
    })
}

impl Table {
    /// This table as a source of queries: see [`table`].
    pub fn rows(&self) -> RowSet<AnyColumns> {
        table(self.name.clone())
    }
}

/// The columns of a [`table`]: asked for by name.
#[derive(Clone, Copy, Debug)]
pub struct AnyColumns {
    source: SourceId,
}

impl AnyColumns {
    /// The column of that name. The caller vouches for the type: reading a value that does not fit is an error.
    pub fn col<T: ColumnType>(self, name: impl Into<Name>) -> Expr<T> {
        Expr::from_node(Node::Column {
            source: self.source,
            name: name.into(),
        })
    }
}

impl Handles for AnyColumns {
    type Optional = AnyColumns;

    fn at(source: SourceId) -> AnyColumns {
        AnyColumns { source }
    }

    fn source(&self) -> SourceId {
        self.source
    }

    fn names() -> Vec<Name> {
        Vec::new()
    }
}

/// All columns, whatever they are. In a tuple only as its last part: how many there are is known when they are read.
impl Selection for AnyColumns {
    type Row = Vec<Value<'static>>;

    fn width() -> usize {
        0
    }

    fn push_outputs(self, outputs: &mut Vec<Output>) {
        outputs.push(Output {
            node: Node::AllColumns(self.source),
            label: None,
        });
    }

    fn read(row: RowReader<'_>) -> Result<Vec<Value<'static>>> {
        Ok(row.rest().map(Value::into_owned).collect())
    }
}

impl RowSet<AnyColumns> {
    /// Inserts rows of values into these columns, in as few statements as the backend allows: how many there were.
    ///
    /// # Errors
    /// Constraints, unknown columns, and whatever else the statement runs into.
    pub fn insert<R: ValueRow>(
        &self,
        executor: &mut impl Executor,
        columns: impl IntoIterator<Item = impl Into<Name>>,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<u64> {
        let columns: Vec<Name> = columns.into_iter().map(Into::into).collect();
        let per_statement = (executor.dialect().parameters_max() / columns.len().max(1)).clamp(1, ROWS_MAX);
        let mut rows = rows.into_iter().map(ValueRow::values).peekable();
        let mut inserted = 0;
        while rows.peek().is_some() {
            let batch: Vec<Vec<Value<'static>>> = rows.by_ref().take(per_statement).collect();
            let insert = expr::Insert {
                source: SourceId::fresh(),
                table: self.relation(),
                columns: columns.clone(),
                rows: InsertRows::Values {
                    rows: batch.len(),
                    values: batch.into_iter().flatten().collect(),
                },
                conflict: None,
                returning: Vec::new(),
            };
            inserted += execute(executor, Statement::Insert(&insert))?;
        }
        Ok(inserted)
    }

    /// An UPDATE of the table's rows.
    pub fn update<E: Executor>(&self, executor: E) -> UpdateTable<E> {
        let source = SourceId::fresh();
        UpdateTable {
            update: expr::Update {
                source,
                table: self.relation(),
                using: None,
                assignments: Vec::new(),
                filter: None,
                returning: Vec::new(),
            },
            columns: AnyColumns { source },
            executor,
        }
    }

    /// A DELETE of the table's rows.
    pub fn delete<E: Executor>(&self, executor: E) -> DeleteTable<E> {
        let source = SourceId::fresh();
        DeleteTable {
            delete: expr::Delete {
                source,
                table: self.relation(),
                using: None,
                filter: None,
                returning: Vec::new(),
            },
            columns: AnyColumns { source },
            executor,
        }
    }
}

/// The most rows that one INSERT gets.
const ROWS_MAX: usize = 1_000;

/// An UPDATE of a [`table`].
#[must_use = "an update does nothing until `run`"]
#[derive(Debug)]
pub struct UpdateTable<E> {
    update: expr::Update,
    columns: AnyColumns,
    executor: E,
}

/// A DELETE of a [`table`].
#[must_use = "a delete does nothing until `run`"]
#[derive(Debug)]
pub struct DeleteTable<E> {
    delete: expr::Delete,
    columns: AnyColumns,
    executor: E,
}

impl<E: Executor> UpdateTable<E> {
    /// Sets a column to a value or an expression: `.set("age", |p| p.col::<i64>("age") + 1)`, `.set("age", |_| val::<i64>(7))`.
    pub fn set<T: ColumnType>(
        mut self,
        column: impl Into<Name>,
        value: impl FnOnce(AnyColumns) -> Expr<T>,
    ) -> Self {
        self.update.assignments.push(Assignment {
            column: column.into(),
            value: value(self.columns).node,
        });
        self
    }

    /// Only rows for which the condition holds. Without a filter, all rows.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(AnyColumns) -> P) -> Self {
        add_condition(&mut self.update.filter, condition(self.columns).into_condition());
        self
    }

    /// Runs it: the number of rows changed.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        execute(&mut self.executor, Statement::Update(&self.update))
    }

    /// Runs it and gives these of each row changed, as it is now.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn returning<P: Selection>(mut self, selection: impl FnOnce(AnyColumns) -> P) -> Result<Vec<P::Row>> {
        selection(self.columns).push_outputs(&mut self.update.returning);
        run(&mut self.executor, Statement::Update(&self.update), collect::<P>)
    }
}

impl<E: Executor> DeleteTable<E> {
    /// Only rows for which the condition holds. Without a filter, all rows.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(AnyColumns) -> P) -> Self {
        add_condition(&mut self.delete.filter, condition(self.columns).into_condition());
        self
    }

    /// Runs it: the number of rows deleted.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        execute(&mut self.executor, Statement::Delete(&self.delete))
    }
}
