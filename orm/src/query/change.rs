//! UPDATE and DELETE by query: many rows in one statement.

use super::executor::{Detached, Executor, execute, run};
use super::select::add_condition;
use super::selection::Selection;
use super::source::SingleSource;
use crate::dialect::{Sqlite, render};
use crate::error::Result;
use crate::expr::{
    self, Assignment, Column, Node, Output, Predicate, Relation, Settable, SourceId, Statement,
};
use crate::mapper::{Entity, EntityMeta, Required, RowReader, live, with_deleted};
use crate::types::ColumnType;

/// `column = value`, as [`Update::set`] takes it. Made by [`Column::to`].
#[derive(Clone, Debug)]
pub struct SetTo {
    assignment: Assignment,
}

impl<T: ColumnType> Column<T> {
    /// In an update: set this column to a value or an expression.
    pub fn to(self, value: impl Settable<T>) -> SetTo {
        SetTo {
            assignment: Assignment {
                column: self.name.into(),
                value: value.into_node(),
            },
        }
    }
}

/// What [`Update::set`] takes: one [`SetTo`], or a tuple or `Vec` of them.
#[diagnostic::on_unimplemented(
    message = "say what to set: `|p| p.likes.to(p.likes + 1)`, or a tuple of such"
)]
pub trait SetList {
    /// Appends the assignments.
    #[doc(hidden)]
    fn push_assignments(self, assignments: &mut Vec<Assignment>);
}

impl SetList for SetTo {
    fn push_assignments(self, assignments: &mut Vec<Assignment>) {
        assignments.push(self.assignment);
    }
}

impl SetList for Vec<SetTo> {
    fn push_assignments(self, assignments: &mut Vec<Assignment>) {
        assignments.extend(self.into_iter().map(|set| set.assignment));
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: SetList),*> SetList for ($($name,)*) {
            #[allow(non_snake_case)]
            fn push_assignments(self, assignments: &mut Vec<Assignment>) {
                let ($($name,)*) = self;
                $($name.push_assignments(assignments);)*
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

/// An UPDATE of many rows: [`Session::update`](crate::Session::update),
/// [`Connection::update`](crate::engine::Connection::update).
#[must_use = "an update does nothing until `run`"]
pub struct Update<T: Entity, X = Detached> {
    pub(crate) update: expr::Update,
    pub(crate) columns: T::Columns<Required>,
    pub(crate) executor: X,
}

/// A DELETE of many rows: [`Session::delete_where`](crate::Session::delete_where),
/// [`Connection::delete`](crate::engine::Connection::delete).
#[must_use = "a delete does nothing until `run`"]
pub struct Delete<T: Entity, X = Detached> {
    pub(crate) delete: expr::Delete,
    pub(crate) columns: T::Columns<Required>,
    pub(crate) executor: X,
    for_good: bool,
}

impl<T: Entity, X> Update<T, X> {
    pub(crate) fn start(executor: X) -> Update<T, X> {
        let source = SourceId::fresh();
        let update = expr::Update {
            source,
            table: Relation::table(T::TABLE),
            assignments: Vec::new(),
            filter: live(T::META, source),
            returning: Vec::new(),
        };
        Update {
            update,
            columns: <T as SingleSource>::columns(source),
            executor,
        }
    }

    /// Sets columns: `|p| p.likes.to(p.likes + 1)`, or a tuple of such.
    pub fn set<L: SetList>(mut self, sets: impl FnOnce(T::Columns<Required>) -> L) -> Self {
        sets(self.columns).push_assignments(&mut self.update.assignments);
        self
    }

    /// Also rows that are marked as deleted: see [`DeletedMark`](crate::mapper::DeletedMark).
    pub fn with_deleted(mut self) -> Self {
        with_deleted(&mut self.update.filter, T::META, self.update.source);
        self
    }

    /// Sets the columns that say when a row was last changed, where the program does not.
    pub(crate) fn stamp(&mut self) {
        for column in T::META.columns {
            let said = self
                .update
                .assignments
                .iter()
                .any(|set| set.column == column.name);
            if let Some(now) = column.updated.filter(|_| !said) {
                self.update.assignments.push(Assignment {
                    column: column.name.into(),
                    value: Node::Value(now()),
                });
            }
        }
    }

    /// Only rows for which the condition holds. Without a filter, all rows.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(T::Columns<Required>) -> P) -> Self {
        add_condition(&mut self.update.filter, condition(self.columns).into_condition());
        self
    }

    /// The statement's text in SQLite's dialect, for a look.
    pub fn to_sql(&self) -> String {
        render(Statement::Update(&self.update), &Sqlite).map_or_else(|error| format!("-- {error}"), |r| r.sql)
    }

    /// Runs it and gives these of each row changed, as it is now.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn returning<P: Selection>(
        mut self,
        selection: impl FnOnce(T::Columns<Required>) -> P,
    ) -> Result<Vec<P::Row>>
    where
        X: Executor,
    {
        self.stamp();
        self.update.returning.clear();
        selection(self.columns).push_outputs(&mut self.update.returning);
        run(&mut self.executor, Statement::Update(&self.update), collect::<P>)
    }
}

impl<T: Entity> Update<T, &mut crate::engine::Connection> {
    /// Runs it: the number of rows changed.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        self.stamp();
        execute(&mut self.executor, Statement::Update(&self.update))
    }
}

impl<T: Entity, X> Delete<T, X> {
    pub(crate) fn start(executor: X) -> Delete<T, X> {
        let source = SourceId::fresh();
        let delete = expr::Delete {
            source,
            table: Relation::table(T::TABLE),
            filter: None,
            returning: Vec::new(),
        };
        Delete {
            delete,
            columns: <T as SingleSource>::columns(source),
            executor,
            for_good: false,
        }
    }

    /// Only rows for which the condition holds. Without a filter, all rows.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(T::Columns<Required>) -> P) -> Self {
        add_condition(&mut self.delete.filter, condition(self.columns).into_condition());
        self
    }

    /// Deletes the rows for good, where the entity would only mark them as deleted; those that are marked already go as well.
    pub fn for_good(mut self) -> Self {
        self.for_good = true;
        self
    }

    /// The statement's text in SQLite's dialect, for a look.
    pub fn to_sql(&self) -> String {
        let marking = self.marking();
        let statement = match &marking {
            Some(update) => Statement::Update(update),
            None => Statement::Delete(&self.delete),
        };
        render(statement, &Sqlite).map_or_else(|error| format!("-- {error}"), |r| r.sql)
    }

    /// The UPDATE that marks the rows as deleted, where that is what a deletion is.
    pub(crate) fn marking(&self) -> Option<expr::Update> {
        marking_update(T::META, &self.delete).filter(|_| !self.for_good)
    }
}

/// The UPDATE that marks the rows of a DELETE as deleted, for entities that have such a mark. Rows that are marked already
/// keep theirs.
pub(crate) fn marking_update(meta: &'static EntityMeta, delete: &expr::Delete) -> Option<expr::Update> {
    let column = meta.soft_delete.and_then(|i| meta.columns.get(i))?;
    let mut filter = delete.filter.clone();
    if let Some(live) = live(meta, delete.source) {
        add_condition(&mut filter, live);
    }
    let assignment = Assignment {
        column: column.name.into(),
        value: Node::Value(column.soft_delete?()),
    };
    Some(expr::Update {
        source: delete.source,
        table: delete.table.clone(),
        assignments: vec![assignment],
        filter,
        returning: delete.returning.clone(),
    })
}

impl<T: Entity> Delete<T, &mut crate::engine::Connection> {
    /// Runs it: the number of rows deleted.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        match self.marking() {
            Some(update) => execute(&mut self.executor, Statement::Update(&update)),
            None => execute(&mut self.executor, Statement::Delete(&self.delete)),
        }
    }
}

/// All rows of a RETURNING.
pub(crate) fn collect<P: Selection>(rows: &mut crate::engine::RowStream<'_>) -> Result<Vec<P::Row>> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(P::read(RowReader::new(row))?);
    }
    Ok(all)
}

/// All columns of an entity, as a RETURNING clause.
pub(crate) fn all_columns<T: Entity>(columns: T::Columns<Required>) -> Vec<Output> {
    let mut outputs = Vec::with_capacity(T::META.columns.len());
    columns.push_outputs(&mut outputs);
    outputs
}

impl<T: Entity, X> std::fmt::Debug for Update<T, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Update").field(&self.to_sql()).finish()
    }
}

impl<T: Entity, X> std::fmt::Debug for Delete<T, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Delete").field(&self.to_sql()).finish()
    }
}
