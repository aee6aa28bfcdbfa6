//! INSERT of values that are not tracked, and upsert.

use std::marker::PhantomData;

use super::change::{SetList, collect};
use super::executor::{Detached, Executor, execute, run};
use super::select::Query;
use super::selection::Selection;
use super::source::{SingleSource, Source};
use super::variants;
use crate::dialect::CompileError;
use crate::error::Result;
use crate::expr::{
    self, ConflictAction, Grouping, InsertRows, Node, OnConflict, Predicate, Relation, SourceId, Statement,
};
use crate::mapper::{Columns, Entity, Required};
use crate::types::Value;

/// An INSERT of plain values: [`Session::insert`](crate::Session::insert),
/// [`Connection::insert`](crate::engine::Connection::insert).
#[must_use = "an insert does nothing until `run`"]
pub struct Insert<T: Entity, X = Detached> {
    pub(crate) insert: expr::Insert,
    pub(crate) columns: T::Columns<Required>,
    pub(crate) executor: X,
    rows: Vec<Vec<Value<'static>>>,
}

/// An INSERT of the rows of a query: [`Connection::insert_into`](crate::engine::Connection::insert_into),
/// [`Session::insert_into`](crate::Session::insert_into).
#[must_use = "say the rows: `.rows(query)`"]
#[derive(Debug)]
pub struct InsertInto<C, X> {
    insert: expr::Insert,
    executor: X,
    /// The entity is several tables.
    joined: bool,
    columns: PhantomData<fn() -> C>,
}

/// The part of an upsert that says what to do with a row that is there: [`Insert::on_conflict`].
#[must_use = "say what to do: `.update(..)`, `.update_all()` or `.nothing()`"]
pub struct Upsert<T: Entity, X = Detached> {
    insert: Insert<T, X>,
    target: Vec<std::borrow::Cow<'static, str>>,
}

impl<T: Entity, X> Insert<T, X> {
    pub(crate) fn start(executor: X, entities: impl IntoIterator<Item = T>) -> Insert<T, X> {
        let source = SourceId::fresh();
        let rows: Vec<Vec<Value<'static>>> = entities
            .into_iter()
            .map(|entity| {
                (0..T::META.columns.len())
                    .map(|i| entity.encode(i).into_owned())
                    .collect()
            })
            .collect();
        let insert = expr::Insert {
            source,
            table: Relation::table(T::TABLE),
            columns: Vec::new(),
            rows: InsertRows::Values {
                rows: 0,
                values: Vec::new(),
            },
            conflict: None,
            returning: Vec::new(),
        };
        Insert {
            insert,
            columns: <T as SingleSource>::columns(source),
            executor,
            rows,
        }
    }

    /// Makes it an upsert: says what to do where a row has the same values in these columns, which must be the key or
    /// unique.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Counter {
    ///     #[column(primary_key)]
    ///     name: String,
    ///     hits: i64,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.create_all(schema![Counter])?;
    /// let mut connection = engine.connect()?;
    /// for _ in 0..3 {
    ///     connection
    ///         .insert([Counter::new("home", 1)])
    ///         .on_conflict(|c| c.name)
    ///         .update(|c, new| c.hits.to(c.hits + new.hits))
    ///         .run()?;
    /// }
    /// let hits = connection.query::<Counter>().select(|c| c.hits).fetch_one()?;
    /// assert_eq!(hits, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_conflict<G: Grouping>(self, target: impl FnOnce(T::Columns<Required>) -> G) -> Upsert<T, X> {
        let mut nodes = Vec::new();
        target(self.columns).push_groups(&mut nodes);
        let target = nodes
            .into_iter()
            .filter_map(|node| match node {
                Node::Column { name, .. } => Some(name),
                _ => None,
            })
            .collect();
        Upsert { insert: self, target }
    }

    /// Runs it: the number of rows inserted or updated.
    ///
    /// # Errors
    /// Constraints, and whatever else the statement runs into. An upsert of an entity whose variants have tables of their own.
    pub fn run(mut self) -> Result<u64>
    where
        X: Executor,
    {
        if T::META.joined {
            return match self.insert.conflict {
                None => variants::insert(&mut self.executor, T::META, self.rows),
                Some(_) => Err(variants::NO_CONFLICT.into()),
            };
        }
        let mut changed = 0;
        for (columns, rows) in self.batches() {
            self.fill(columns, rows);
            changed += execute(&mut self.executor, Statement::Insert(&self.insert))?;
        }
        Ok(changed)
    }

    /// Runs it and gives these of each row, as it is now: keys, defaults, and what else the database chose.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn returning<P: Selection>(
        mut self,
        selection: impl Fn(T::Columns<Required>) -> P,
    ) -> Result<Vec<P::Row>>
    where
        X: Executor,
    {
        if T::META.joined {
            return Err(variants::NO_RETURNING.into());
        }
        let mut all = Vec::new();
        for (columns, rows) in self.batches() {
            self.fill(columns, rows);
            self.insert.returning.clear();
            selection(self.columns).push_outputs(&mut self.insert.returning);
            all.extend(run(
                &mut self.executor,
                Statement::Insert(&self.insert),
                collect::<P>,
            )?);
        }
        Ok(all)
    }

    /// The rows, cut into statements: rows with and without a key apart, and no more values in one statement than the
    /// backend takes.
    fn batches(&mut self) -> Vec<(Vec<usize>, Vec<Vec<Value<'static>>>)>
    where
        X: Executor,
    {
        let all: Vec<usize> = writable_columns::<T>();
        let auto = T::META.auto_key();
        let limit = self.executor.dialect().parameters_max().min(ROW_VALUES_MAX);
        let per_statement = (limit / all.len().max(1)).max(1);
        let mut batches: Vec<(Vec<usize>, Vec<Vec<Value<'static>>>)> = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            let keyless = auto.filter(|key| row.get(*key).is_none_or(Value::is_null));
            let columns: Vec<usize> = all.iter().copied().filter(|i| Some(*i) != keyless).collect();
            match batches.last_mut() {
                Some((same, rows)) if *same == columns && rows.len() < per_statement => rows.push(row),
                _ => batches.push((columns, vec![row])),
            }
        }
        batches
    }

    fn fill(&mut self, columns: Vec<usize>, rows: Vec<Vec<Value<'static>>>) {
        let count = rows.len();
        let names = columns
            .iter()
            .filter_map(|i| T::META.columns.get(*i))
            .map(|column| column.name.into());
        self.insert.columns = names.collect();
        let mut values = Vec::with_capacity(count * columns.len());
        for mut row in rows {
            values.extend(
                columns
                    .iter()
                    .map(|i| row.get_mut(*i).map(std::mem::take).unwrap_or_default()),
            );
        }
        self.insert.rows = InsertRows::Values { rows: count, values };
    }
}

impl<C: Selection, X: Executor> InsertInto<C, X> {
    pub(crate) fn start<T: Entity>(
        executor: X,
        columns: impl FnOnce(T::Columns<Required>) -> C,
    ) -> InsertInto<C, X> {
        let source = SourceId::fresh();
        let mut outputs = Vec::new();
        columns(<T as SingleSource>::columns(source)).push_outputs(&mut outputs);
        let named = |output: expr::Output| match output.node {
            Node::Column { name, .. } => Some(name),
            _ => None,
        };
        let insert = expr::Insert {
            source,
            table: Relation::table(T::TABLE),
            columns: outputs.into_iter().filter_map(named).collect(),
            rows: InsertRows::Placeholders,
            conflict: None,
            returning: Vec::new(),
        };
        InsertInto {
            insert,
            executor,
            joined: T::META.joined,
            columns: PhantomData,
        }
    }

    /// Inserts the rows that a query gives, which selects what the columns take: how many there were.
    ///
    /// # Errors
    /// Constraints, and whatever else the statement runs into.
    pub fn rows<S: Source, O: Selection<Row = C::Row>>(
        mut self,
        query: Query<S, O, Detached>,
    ) -> Result<u64> {
        if self.joined {
            return Err(variants::NO_QUERY.into());
        }
        if self.insert.columns.len() != C::width() {
            return Err(CompileError::Malformed("an INSERT takes columns of its table only").into());
        }
        self.insert.rows = InsertRows::Select(query.select);
        execute(&mut self.executor, Statement::Insert(&self.insert))
    }
}

/// The most values that one INSERT gets: beyond that, a longer text costs more than another statement.
const ROW_VALUES_MAX: usize = 4_000;

/// The columns that statements may write: not those that the database computes.
pub(crate) fn writable_columns<T: Entity>() -> Vec<usize> {
    T::META
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.is_computed())
        .map(|(i, _)| i)
        .collect()
}

impl<T: Entity, X> Upsert<T, X> {
    /// Leaves the row that is there as it is.
    pub fn nothing(mut self) -> Insert<T, X> {
        self.insert.insert.conflict = Some(OnConflict {
            target: self.target,
            action: ConflictAction::Nothing,
        });
        self.insert
    }

    /// Changes the row that is there: the first argument is its columns, the second the values that were to be inserted.
    pub fn update<L: SetList>(
        self,
        sets: impl FnOnce(T::Columns<Required>, T::Columns<Required>) -> L,
    ) -> Insert<T, X> {
        let mut assignments = Vec::new();
        sets(self.insert.columns, Columns::at(SourceId::EXCLUDED)).push_assignments(&mut assignments);
        self.conflict(assignments, None)
    }

    /// Changes the row that is there, if the condition holds for it.
    pub fn update_if<L: SetList, P: Predicate>(
        self,
        condition: impl FnOnce(T::Columns<Required>) -> P,
        sets: impl FnOnce(T::Columns<Required>, T::Columns<Required>) -> L,
    ) -> Insert<T, X> {
        let mut assignments = Vec::new();
        sets(self.insert.columns, Columns::at(SourceId::EXCLUDED)).push_assignments(&mut assignments);
        let filter = condition(self.insert.columns).into_condition();
        self.conflict(assignments, Some(filter))
    }

    /// Gives the row that is there all the new values, but its key.
    pub fn update_all(self) -> Insert<T, X> {
        let assignments = writable_columns::<T>()
            .into_iter()
            .filter_map(|i| T::META.columns.get(i))
            .filter(|column| !column.primary_key && !self.target.iter().any(|name| name == column.name))
            .map(|column| expr::Assignment {
                column: column.name.into(),
                value: Node::Column {
                    source: SourceId::EXCLUDED,
                    name: column.name.into(),
                },
            })
            .collect();
        self.conflict(assignments, None)
    }

    fn conflict(mut self, assignments: Vec<expr::Assignment>, filter: Option<Node>) -> Insert<T, X> {
        let action = ConflictAction::Update { assignments, filter };
        self.insert.insert.conflict = Some(OnConflict {
            target: self.target,
            action,
        });
        self.insert
    }
}

impl<T: Entity, X> std::fmt::Debug for Insert<T, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Insert")
            .field("table", &T::TABLE)
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl<T: Entity, X> std::fmt::Debug for Upsert<T, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upsert")
            .field("insert", &self.insert)
            .field("target", &self.target)
            .finish()
    }
}
