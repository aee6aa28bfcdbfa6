//! The builder of SELECT.

use std::marker::PhantomData;

use super::executor::{Detached, Executor, run};
use super::selection::Selection;
use super::source::{Append, Maybe, Queryable, SingleSource, Source};
use crate::dialect::{CompileError, Dialect, Sqlite, render};
use crate::error::{Error, Result};
use crate::expr::{
    self, Contended, FromItem, Function, Grouping, JoinKind, Node, Ordering, Output, Predicate, RowLock,
    Select, SourceId, Statement,
};
use crate::mapper::{Entity, RowReader, live, with_deleted};
use crate::relation::{Path, Relation};
use crate::types::Value;

/// A query: `S` are its sources, `O` is what it selects, `X` runs it, and [`query`] for how to begin one.
///
/// Builders take the query and give it back, so parts can be left out by ordinary `if`:
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Person {
///     #[column(primary_key)]
///     id: Id<Person>,
///     name: String,
///     age: i64,
/// }
///
/// fn search(name: Option<&str>, adult: bool) -> Query<Person> {
///     let mut people = query::<Person>();
///     if let Some(name) = name {
///         people = people.filter(|p| p.name.eq(name));
///     }
///     people.filter_if(adult, |p| p.age.ge(18)).order_by(|p| p.id)
/// }
/// assert_eq!(search(None, true).to_sql(), "SELECT id, name, age FROM person WHERE age >= ?1 ORDER BY id");
/// ```
#[must_use = "a query does nothing until it is run"]
pub struct Query<S: Source, O = <S as Source>::Columns, X = Detached> {
    pub(crate) select: Box<Select>,
    pub(crate) columns: S::Columns,
    pub(crate) executor: X,
    selection: PhantomData<fn() -> O>,
}

/// A query over an entity that stands by itself: for subqueries, and for fragments that other code builds on.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Person {
///     #[column(primary_key)]
///     id: Id<Person>,
///     name: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// # let engine = Engine::open("sqlite::memory:")?;
/// # engine.create_all(schema![Person])?;
/// # let mut session = engine.session()?;
/// let all = query::<Person>();
/// let names: Vec<String> = all.select(|p| p.name).on(&mut session).fetch()?;
/// # Ok(())
/// # }
/// ```
pub fn query<T: Queryable>() -> T::Query {
    T::query()
}

impl<T: Entity, X> Query<T, T::Columns<crate::mapper::Required>, X> {
    pub(crate) fn start(executor: X) -> Self {
        let source = SourceId::fresh();
        let columns = <T as SingleSource>::columns(source);
        let mut select = Box::new(Select::default());
        select.from.push(FromItem {
            source,
            relation: T::META.relation(),
            join: None,
        });
        columns.push_outputs(&mut select.columns);
        select.filter = live(T::META, source);
        Query {
            select,
            columns,
            executor,
            selection: PhantomData,
        }
    }

    /// Rows of one variant of an enum: `|e| e.role.is_manager()`. The same rows as [`filter`](Self::filter) keeps; where the variants have
    /// tables of their own, only the table of this one is read, by an inner join. Said before joins; of `|`, `&` and others it takes
    /// any condition, and then it is `filter`.
    pub fn of_type(
        mut self,
        variant: impl FnOnce(T::Columns<crate::mapper::Required>) -> expr::Expr<bool>,
    ) -> Self {
        let condition = variant(self.columns).node;
        if let Some(relation) = T::META.relation_where(&condition)
            && let Some(item) = self.select.from.first_mut()
        {
            item.relation = relation;
        }
        add_condition(&mut self.select.filter, condition);
        self
    }

    /// Also rows that are marked as deleted: see [`DeletedMark`](crate::mapper::DeletedMark). Said before joins.
    pub fn with_deleted(mut self) -> Self {
        let source = crate::mapper::Columns::source(&self.columns);
        with_deleted(&mut self.select.filter, T::META, source);
        self
    }
}

impl<S: Source> Query<S> {
    pub(crate) fn from_select(select: Box<Select>, columns: S::Columns) -> Query<S> {
        Query {
            select,
            columns,
            executor: Detached,
            selection: PhantomData,
        }
    }
}

impl<S: Source, O, X> Query<S, O, X> {
    /// Keeps the rows for which the condition holds. Several filters all have to hold.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(S::Columns) -> P) -> Self {
        let condition = condition(self.columns).into_condition();
        add_condition(&mut self.select.filter, condition);
        self
    }

    /// Filters if `wanted`.
    pub fn filter_if<P: Predicate>(self, wanted: bool, condition: impl FnOnce(S::Columns) -> P) -> Self {
        if wanted { self.filter(condition) } else { self }
    }

    /// Orders by these: `|u| u.name`, `|u| (u.age.desc(), u.name)`. Later calls add to earlier ones.
    pub fn order_by<R: Ordering>(mut self, order: impl FnOnce(S::Columns) -> R) -> Self {
        order(self.columns).push_terms(&mut self.select.order);
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.select.limit = Some(count_node(rows));
        self
    }

    /// Without the first so many rows.
    pub fn offset(mut self, rows: u64) -> Self {
        self.select.offset = Some(count_node(rows));
        self
    }

    /// Each row once.
    pub fn distinct(mut self) -> Self {
        self.select.distinct = true;
        self
    }

    /// One row for each value of these; the rest of the selection is aggregates.
    pub fn group_by<G: Grouping>(mut self, groups: impl FnOnce(S::Columns) -> G) -> Self {
        groups(self.columns).push_groups(&mut self.select.group);
        self
    }

    /// Keeps the groups for which the condition holds.
    pub fn having<P: Predicate>(mut self, condition: impl FnOnce(S::Columns) -> P) -> Self {
        let condition = condition(self.columns).into_condition();
        add_condition(&mut self.select.having, condition);
        self
    }

    /// Selects these instead of whole entities: columns, expressions, sources, or tuples of them.
    pub fn select<P: Selection>(mut self, selection: impl FnOnce(S::Columns) -> P) -> Query<S, P, X> {
        self.select.columns.clear();
        selection(self.columns).push_outputs(&mut self.select.columns);
        self.selected()
    }

    /// Locks the rows that it gives until the transaction ends: nobody else changes them, or locks them. Another's lock is waited for.
    ///
    /// On SQLite, where one transaction writes at a time, it makes the transaction one that writes.
    ///
    /// ```
    /// use aludel::dialect::Postgresql;
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Job {
    ///     #[column(primary_key)]
    ///     id: Id<Job>,
    ///     done: bool,
    /// }
    ///
    /// // What workers of a queue ask: the next job that no other worker has.
    /// let next = query::<Job>().filter(|j| !j.done).order_by(|j| j.id).limit(1).for_update().skip_locked();
    /// assert!(next.to_sql_in(&Postgresql).unwrap().ends_with("LIMIT CAST($1 AS bigint) FOR UPDATE SKIP LOCKED"));
    /// ```
    pub fn for_update(self) -> Self {
        self.locked(true)
    }

    /// Locks the rows that it gives against changes by others, until the transaction ends; others may lock them so as well.
    pub fn for_share(self) -> Self {
        self.locked(false)
    }

    /// With [`for_update`](Self::for_update) or [`for_share`](Self::for_share): a row that somebody else has locked is left out.
    pub fn skip_locked(self) -> Self {
        self.contended(Contended::Skip)
    }

    /// With [`for_update`](Self::for_update) or [`for_share`](Self::for_share): a row that somebody else has locked is an error, of the family
    /// [`Failure::Busy`](crate::Failure::Busy).
    pub fn no_wait(self) -> Self {
        self.contended(Contended::Fail)
    }

    fn locked(mut self, exclusive: bool) -> Self {
        let contended = self.select.lock.map_or(Contended::Wait, |lock| lock.contended);
        self.select.lock = Some(RowLock { exclusive, contended });
        self
    }

    fn contended(mut self, contended: Contended) -> Self {
        let exclusive = self.select.lock.is_none_or(|lock| lock.exclusive);
        self.select.lock = Some(RowLock { exclusive, contended });
        self
    }

    /// The statement's text in SQLite's dialect, for a look.
    pub fn to_sql(&self) -> String {
        self.to_sql_in(&Sqlite)
            .unwrap_or_else(|error| format!("-- {error}"))
    }

    /// The statement's text in that dialect.
    ///
    /// # Errors
    /// Where the dialect has no words for a part of it.
    pub fn to_sql_in(&self, dialect: &dyn Dialect) -> Result<String, CompileError> {
        Ok(render(Statement::Select(&self.select), dialect)?.sql)
    }

    /// The same query, to be run on a session or a connection.
    pub fn on<E: Executor>(self, executor: &mut E) -> Query<S, O, &mut E> {
        Query {
            select: self.select,
            columns: self.columns,
            executor,
            selection: PhantomData,
        }
    }

    pub(crate) fn selected<P>(self) -> Query<S, P, X> {
        Query {
            select: self.select,
            columns: self.columns,
            executor: self.executor,
            selection: PhantomData,
        }
    }

    /// The same query, with other handles for its sources.
    pub(crate) fn with_sources<S2: Source>(self, columns: S2::Columns) -> Query<S2, S2::Columns, X> {
        Query {
            select: self.select,
            columns,
            executor: self.executor,
            selection: PhantomData,
        }
    }

    fn joined<N: SingleSource>(mut self, items: Vec<FromItem>, target: SourceId) -> JoinedQuery<S, N, X>
    where
        S: Append<N>,
    {
        self.select.from.extend(items);
        let columns = S::append(self.columns, N::columns(target));
        self.select.columns.clear();
        columns.push_outputs(&mut self.select.columns);
        Query {
            select: self.select,
            columns,
            executor: self.executor,
            selection: PhantomData,
        }
    }

    fn joined_on<N: SingleSource, P: Predicate>(
        self,
        kind: JoinKind,
        relation: expr::Relation,
        on: impl FnOnce(<S::Joined as Source>::Columns) -> P,
    ) -> JoinedQuery<S, N, X>
    where
        S: Append<N>,
    {
        let target = SourceId::fresh();
        let columns = S::append(self.columns, N::columns(target));
        let mut on = on(columns).into_condition();
        if let Some(live) = N::live(target) {
            on = on.and(live);
        }
        let item = FromItem {
            source: target,
            relation,
            join: Some(expr::Join { kind, on: Some(on) }),
        };
        self.joined(vec![item], target)
    }
}

/// A query with one more source.
pub(crate) type JoinedQuery<S, N, X> =
    Query<<S as Append<N>>::Joined, <<S as Append<N>>::Joined as Source>::Columns, X>;

impl<S: Source, X> Query<S, S::Columns, X> {
    /// Joins along a relation: `|u| u.posts`, `|p| p.author`. Rows without a partner are dropped; closures that follow get
    /// one more source.
    pub fn join<R: Relation>(self, relation: impl FnOnce(S::Columns) -> R) -> JoinedQuery<S, R::Target, X>
    where
        S: Append<R::Target>,
    {
        let path = relation(self.columns).path();
        self.along(&path, JoinKind::Inner)
    }

    /// Joins along a relation and keeps rows without a partner: the new source's columns are all `Option`s.
    pub fn left_join<R: Relation>(
        self,
        relation: impl FnOnce(S::Columns) -> R,
    ) -> JoinedQuery<S, Maybe<R::Target>, X>
    where
        S: Append<Maybe<R::Target>>,
    {
        let path = relation(self.columns).path();
        self.along(&path, JoinKind::Left)
    }

    pub(crate) fn along<N: SingleSource>(self, path: &Path, kind: JoinKind) -> JoinedQuery<S, N, X>
    where
        S: Append<N>,
    {
        let target = SourceId::fresh();
        let items = path.joins(kind, target);
        self.joined(items, target)
    }

    /// Joins an entity on any condition: `.join_on::<User>(|(a, b)| a.id.lt(b.id))`.
    pub fn join_on<N: Entity>(self) -> JoinOn<S, N, X>
    where
        S: Append<N>,
    {
        JoinOn::new(self, JoinKind::Inner, N::META.relation())
    }

    /// Left-joins an entity on any condition.
    pub fn left_join_on<N: Entity>(self) -> JoinOn<S, Maybe<N>, X>
    where
        S: Append<Maybe<N>>,
    {
        JoinOn::new(self, JoinKind::Left, N::META.relation())
    }
}

/// A join whose condition is still to be said: [`on`](JoinOn::on).
#[must_use = "say `.on(..)`"]
pub struct JoinOn<S: Source, N, X> {
    query: Query<S, S::Columns, X>,
    kind: JoinKind,
    relation: expr::Relation,
    next: PhantomData<fn() -> N>,
}

impl<S: Source, N, X> JoinOn<S, N, X> {
    pub(crate) fn new(query: Query<S, S::Columns, X>, kind: JoinKind, relation: expr::Relation) -> Self {
        JoinOn {
            query,
            kind,
            relation,
            next: PhantomData,
        }
    }
}

impl<S: Append<N>, N: SingleSource, X> JoinOn<S, N, X> {
    /// The condition.
    pub fn on<P: Predicate>(
        self,
        condition: impl FnOnce(<S::Joined as Source>::Columns) -> P,
    ) -> JoinedQuery<S, N, X> {
        self.query.joined_on(self.kind, self.relation, condition)
    }
}

impl<S: Source, N, X> std::fmt::Debug for JoinOn<S, N, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinOn")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

impl<S: Source, O: Selection, X: Executor> Query<S, O, X> {
    /// All rows as values: plain structs and tuples, not tracked by a session.
    ///
    /// # Errors
    /// Whatever the statement runs into; values that do not fit their types.
    pub fn fetch(mut self) -> Result<Vec<O::Row>> {
        run(&mut self.executor, Statement::Select(&self.select), |rows| {
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(O::read(RowReader::new(row))?);
            }
            Ok(all)
        })
    }

    /// The first row as a value, where there is one.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub fn fetch_first(self) -> Result<Option<O::Row>> {
        Ok(self.limit(1).fetch()?.into_iter().next())
    }

    /// The only row as a value.
    ///
    /// # Errors
    /// [`Error::NoRow`] or [`Error::ManyRows`] where it is not one; else as [`fetch`](Self::fetch).
    pub fn fetch_one(mut self) -> Result<O::Row> {
        if self.select.limit.is_none() {
            self = self.limit(2);
        }
        let sql = self.to_sql();
        let mut rows = self.fetch()?.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(Error::NoRow { sql }),
            (Some(_), Some(_)) => Err(Error::ManyRows { sql }),
        }
    }

    /// Hands the rows to `each` one by one, as values, while the statement runs: memory for one row, however many there
    /// are.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), and the first error of `each`, which ends the query.
    pub fn each(mut self, mut each: impl FnMut(O::Row) -> Result<()>) -> Result<()> {
        run(&mut self.executor, Statement::Select(&self.select), |rows| {
            while let Some(row) = rows.next()? {
                each(O::read(RowReader::new(row))?)?;
            }
            Ok(())
        })
    }

    /// Hands the rows over in batches of up to `size`.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    pub fn batches(self, size: usize, mut each: impl FnMut(Vec<O::Row>) -> Result<()>) -> Result<()> {
        let mut batch = Vec::with_capacity(size.min(1_024));
        self.each(|row| {
            batch.push(row);
            if batch.len() >= size {
                each(std::mem::take(&mut batch))
            } else {
                Ok(())
            }
        })?;
        if batch.is_empty() { Ok(()) } else { each(batch) }
    }

    /// How many rows the query would give.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn count(mut self) -> Result<u64> {
        let counted = counting(*self.select);
        run(
            &mut self.executor,
            Statement::Select(&counted),
            |rows| match rows.next()? {
                Some(row) => Ok(RowReader::new(row).get::<i64>(0)?.unsigned_abs()),
                None => Ok(0),
            },
        )
    }

    /// Would the query give any row?
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn exists(mut self) -> Result<bool> {
        self.select.order.clear();
        self.select.limit = Some(Node::Constant(1));
        if self.select.group.is_empty() && !self.select.distinct {
            self.select.columns = vec![Output {
                node: Node::Constant(1),
                label: None,
            }];
        }
        run(&mut self.executor, Statement::Select(&self.select), |rows| {
            Ok(rows.next()?.is_some())
        })
    }
}

/// The query that counts the rows of another.
pub(crate) fn counting(mut select: Select) -> Select {
    let count = Node::Function(Box::new(Function {
        name: "count".into(),
        arguments: Vec::new(),
        star: true,
        distinct: false,
        order: Vec::new(),
        filter: None,
        over: None,
    }));
    let output = vec![Output {
        node: count,
        label: None,
    }];
    select.order.clear();
    let plain = !select.distinct
        && select.group.is_empty()
        && select.having.is_none()
        && select.compound.is_empty()
        && select.limit.is_none()
        && select.offset.is_none();
    if plain {
        select.columns = output;
        return select;
    }
    // Names of the inner columns may repeat (two entities with an `id`): count over positions, not names.
    for (i, column) in select.columns.iter_mut().enumerate() {
        column.label = Some(format!("c{i}").into());
    }
    let relation = expr::Relation::Select(Box::new(select));
    let from = vec![FromItem {
        source: SourceId::fresh(),
        relation,
        join: None,
    }];
    Select {
        columns: output,
        from,
        ..Select::default()
    }
}

fn count_node(rows: u64) -> Node {
    Node::Value(Value::Int(i64::try_from(rows).unwrap_or(i64::MAX)))
}

pub(crate) fn add_condition(place: &mut Option<Node>, condition: Node) {
    *place = Some(match place.take() {
        Some(before) => before.and(condition),
        None => condition,
    });
}

impl<S: Source, O, X: Clone> Clone for Query<S, O, X> {
    fn clone(&self) -> Self {
        Query {
            select: self.select.clone(),
            columns: self.columns,
            executor: self.executor.clone(),
            selection: PhantomData,
        }
    }
}

impl<S: Source, O, X> std::fmt::Debug for Query<S, O, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Query").field(&self.to_sql()).finish()
    }
}
