//! UPDATE and DELETE by query: many rows in one statement.

use std::marker::PhantomData;

use super::executor::{Detached, Executor, execute, run};
use super::rows::{Handles, RowSet};
use super::select::add_condition;
use super::selection::Selection;
use super::source::{SingleSource, Source};
use super::variants;
use crate::dialect::{Sqlite, render};
use crate::error::Result;
use crate::expr::{
    self, Assignment, Column, FromItem, Join, JoinKind, Node, Output, Predicate, Relation, Settable,
    SourceId, Statement,
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
pub struct Update<T: Entity, X = Detached, C = <T as Source>::Columns> {
    pub(crate) update: expr::Update,
    pub(crate) own: T::Columns<Required>,
    pub(crate) columns: C,
    pub(crate) executor: X,
}

/// A DELETE of many rows: [`Session::delete_where`](crate::Session::delete_where),
/// [`Connection::delete`](crate::engine::Connection::delete).
#[must_use = "a delete does nothing until `run`"]
pub struct Delete<T: Entity, X = Detached, C = <T as Source>::Columns> {
    pub(crate) delete: expr::Delete,
    pub(crate) own: T::Columns<Required>,
    pub(crate) columns: C,
    pub(crate) executor: X,
    for_good: bool,
}

impl<T: Entity, X> Update<T, X> {
    pub(crate) fn start(executor: X) -> Update<T, X> {
        let source = SourceId::fresh();
        let update = expr::Update {
            source,
            table: Relation::table(T::TABLE),
            using: None,
            assignments: Vec::new(),
            filter: live(T::META, source),
            returning: Vec::new(),
        };
        let own = <T as SingleSource>::columns(source);
        Update {
            update,
            own,
            columns: own,
            executor,
        }
    }

    /// With another entity beside the table: say the condition that joins the two by [`Using::on`], then closures get both.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    ///     name: String,
    /// }
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "posts")]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: Fk<User>,
    ///     title: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![User, Post])?;
    /// # let mut session = engine.session()?;
    /// # let mike = session.add(User::new("Mike"));
    /// # let post = session.add(Post::new(mike, "hello"));
    /// let changed = session
    ///     .update::<Post>()
    ///     .using::<User>()
    ///     .on(|p, u| p.author.eq(u.id))
    ///     .set(|(p, u)| p.title.to(u.name.concat(": ").concat(p.title)))
    ///     .run()?;
    /// assert_eq!(changed, 1);
    /// # assert_eq!(session[post].title, "Mike: hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn using<N: Entity>(self) -> Using<Self, N> {
        Using::new(self, N::META.relation())
    }

    /// As [`using`](Self::using), with rows that are no table.
    pub fn using_rows<H: Handles>(self, rows: &RowSet<H>) -> Using<Self, RowSet<H>> {
        Using::new(self, rows.relation())
    }
}

impl<T: Entity, X, N: SingleSource> Using<Update<T, X>, N> {
    /// The condition that joins the table with the other source.
    pub fn on<P: Predicate>(
        self,
        condition: impl FnOnce(T::Columns<Required>, N::Columns) -> P,
    ) -> Update<T, X, (T::Columns<Required>, N::Columns)> {
        let Update {
            mut update,
            own,
            executor,
            ..
        } = self.statement;
        let source = SourceId::fresh();
        let other = N::columns(source);
        let on = Some(condition(own, other).into_condition());
        update.using = Some(FromItem {
            source,
            relation: self.relation,
            join: Some(Join {
                kind: JoinKind::Inner,
                on,
            }),
        });
        Update {
            update,
            own,
            columns: (own, other),
            executor,
        }
    }
}

impl<T: Entity, X, C: Copy> Update<T, X, C> {
    /// Sets columns: `|p| p.likes.to(p.likes + 1)`, or a tuple of such.
    pub fn set<L: SetList>(mut self, sets: impl FnOnce(C) -> L) -> Self {
        sets(self.columns).push_assignments(&mut self.update.assignments);
        self
    }

    /// Also rows that are marked as deleted: see [`DeletedMark`](crate::mapper::DeletedMark).
    pub fn with_deleted(mut self) -> Self {
        with_deleted(&mut self.update.filter, T::META, self.update.source);
        self
    }

    /// Only rows for which the condition holds. Without a filter, all rows.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(C) -> P) -> Self {
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
        if T::META.joined {
            return Err(variants::NO_RETURNING.into());
        }
        self.stamp();
        self.update.returning.clear();
        selection(self.own).push_outputs(&mut self.update.returning);
        run(&mut self.executor, Statement::Update(&self.update), collect::<P>)
    }
}

impl<T: Entity, C> Update<T, &mut crate::engine::Connection, C> {
    /// Runs it: the number of rows changed.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        self.stamp();
        if T::META.joined {
            let changed = variants::update(&mut self.executor, T::META, &self.update)?;
            return Ok(changed.len() as u64);
        }
        execute(&mut self.executor, Statement::Update(&self.update))
    }
}

impl<T: Entity, X> Delete<T, X> {
    pub(crate) fn start(executor: X) -> Delete<T, X> {
        let source = SourceId::fresh();
        let delete = expr::Delete {
            source,
            table: Relation::table(T::TABLE),
            using: None,
            filter: None,
            returning: Vec::new(),
        };
        let own = <T as SingleSource>::columns(source);
        Delete {
            delete,
            own,
            columns: own,
            executor,
            for_good: false,
        }
    }

    /// With another entity beside the table: say the condition that joins the two by [`Using::on`], then closures get both.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    ///     name: String,
    /// }
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "posts")]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: Fk<User>,
    ///     title: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![User, Post])?;
    /// # let mut session = engine.session()?;
    /// # let mike = session.add(User::new("Mike"));
    /// # let post = session.add(Post::new(mike, "hello"));
    /// let deleted = session
    ///     .delete_where::<Post>()
    ///     .using::<User>()
    ///     .on(|p, u| p.author.eq(u.id))
    ///     .filter(|(_, u)| u.name.eq("Mike"))
    ///     .run()?;
    /// assert_eq!(deleted, 1);
    /// # assert_eq!(session.query::<Post>().count()?, 0); let _ = post;
    /// # Ok(())
    /// # }
    /// ```
    pub fn using<N: Entity>(self) -> Using<Self, N> {
        Using::new(self, N::META.relation())
    }

    /// As [`using`](Self::using), with rows that are no table.
    pub fn using_rows<H: Handles>(self, rows: &RowSet<H>) -> Using<Self, RowSet<H>> {
        Using::new(self, rows.relation())
    }
}

impl<T: Entity, X, N: SingleSource> Using<Delete<T, X>, N> {
    /// The condition that joins the table with the other source.
    pub fn on<P: Predicate>(
        self,
        condition: impl FnOnce(T::Columns<Required>, N::Columns) -> P,
    ) -> Delete<T, X, (T::Columns<Required>, N::Columns)> {
        let Delete {
            mut delete,
            own,
            executor,
            for_good,
            ..
        } = self.statement;
        let source = SourceId::fresh();
        let other = N::columns(source);
        let on = Some(condition(own, other).into_condition());
        delete.using = Some(FromItem {
            source,
            relation: self.relation,
            join: Some(Join {
                kind: JoinKind::Inner,
                on,
            }),
        });
        Delete {
            delete,
            own,
            columns: (own, other),
            executor,
            for_good,
        }
    }
}

impl<T: Entity, X, C: Copy> Delete<T, X, C> {
    /// Only rows for which the condition holds. Without a filter, all rows.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(C) -> P) -> Self {
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
}

impl<T: Entity, X, C> Update<T, X, C> {
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
}

impl<T: Entity, X, C> Delete<T, X, C> {
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
        using: delete.using.clone(),
        assignments: vec![assignment],
        filter,
        returning: delete.returning.clone(),
    })
}

impl<T: Entity, C> Delete<T, &mut crate::engine::Connection, C> {
    /// Runs it: the number of rows deleted.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        if T::META.joined {
            let changed = match self.marking() {
                Some(update) => variants::update(&mut self.executor, T::META, &update)?,
                None => variants::delete(&mut self.executor, T::META, &self.delete)?,
            };
            return Ok(changed.len() as u64);
        }
        match self.marking() {
            Some(update) => execute(&mut self.executor, Statement::Update(&update)),
            None => execute(&mut self.executor, Statement::Delete(&self.delete)),
        }
    }
}

/// An [`Update`] or [`Delete`] with one more source, whose condition is still to be said: [`on`](Using::on).
#[must_use = "say `.on(..)`"]
#[derive(Debug)]
pub struct Using<W, N> {
    statement: W,
    relation: Relation,
    next: PhantomData<fn() -> N>,
}

impl<W, N> Using<W, N> {
    fn new(statement: W, relation: Relation) -> Using<W, N> {
        Using {
            statement,
            relation,
            next: PhantomData,
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

impl<T: Entity, X, C: Copy> std::fmt::Debug for Update<T, X, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Update").field(&self.to_sql()).finish()
    }
}

impl<T: Entity, X, C: Copy> std::fmt::Debug for Delete<T, X, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Delete").field(&self.to_sql()).finish()
    }
}
