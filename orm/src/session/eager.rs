//! Eager loading as part of a query: `.with(|u| u.posts)`.
//!
//! One statement for the query and one for each relation (in batches of some hundred keys), however many rows there are.

use std::marker::PhantomData;

use super::Session;
use super::groups::{Groups, Near, copy_of};
use super::related::{BATCH, path_select};
use crate::error::{Error, Result};
use crate::expr::{
    FromItem, Function, Node, OrderTerm, Ordering, Output, Predicate, Select, SourceId, Statement, Window,
};
use crate::mapper::{ColumnNames, Columns, Entity, Fk, FkColumns, Handle, Required, RowReader, show_key};
use crate::query::internals::{add_condition, run};
use crate::query::{Executor, Query};
use crate::relation::{Count, Path, Relation, RelationHandle};
use crate::types::{RawHandle, Value};

/// What [`with`](Query::with) takes: a relation, or a relation with conditions, order, limit, and relations of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no relation to load: name one, as in `.with(|u| u.posts)`"
)]
pub trait Eager {
    /// How many there are for one row.
    type Count: Count;

    /// What each becomes as a value.
    type Value;

    /// What each becomes when tracked.
    type Handle;

    /// The column that the relation starts from.
    #[doc(hidden)]
    fn near(&self) -> ColumnNames;

    /// For each of these values of that column the related rows, as values.
    #[doc(hidden)]
    fn values<X: Executor>(&self, executor: &mut X, near: &Near) -> Result<Vec<Vec<Self::Value>>>;

    /// The same, tracked.
    #[doc(hidden)]
    fn handles(&self, session: &mut Session, near: &Near) -> Result<Vec<Vec<Self::Handle>>>;

    /// The relation's name.
    #[doc(hidden)]
    fn name(&self) -> String;
}

/// A relation with conditions, an order, a limit for each parent, and relations of its own.
#[derive(Clone, Debug)]
pub struct RelatedQuery<R: Relation, N = ()> {
    path: Path,
    shape: Select,
    limit: Option<u32>,
    nested: N,
    relation: PhantomData<fn() -> R>,
}

impl<R: Relation> RelatedQuery<R> {
    fn new(relation: &R) -> RelatedQuery<R> {
        let mut shape = Select::default();
        let table = R::Target::META.relation();
        shape.from.push(FromItem {
            source: SourceId::fresh(),
            relation: table,
            join: None,
        });
        RelatedQuery {
            path: relation.path(),
            shape,
            limit: None,
            nested: (),
            relation: PhantomData,
        }
    }

    /// Along with each of them, what another relation leads to.
    pub fn with<N: Eager>(self, nested: impl FnOnce(TargetColumns<R>) -> N) -> RelatedQuery<R, N> {
        let nested = nested(self.columns());
        RelatedQuery {
            path: self.path,
            shape: self.shape,
            limit: self.limit,
            nested,
            relation: PhantomData,
        }
    }
}

/// The columns of a relation's target.
type TargetColumns<R> = <<R as Relation>::Target as Entity>::Columns<Required>;

impl<R: Relation, N> RelatedQuery<R, N> {
    fn columns(&self) -> TargetColumns<R> {
        Columns::at(self.shape.from.first().map_or(SourceId::NONE, |item| item.source))
    }

    /// Only those for which the condition holds.
    pub fn filter<P: Predicate>(mut self, condition: impl FnOnce(TargetColumns<R>) -> P) -> Self {
        let condition = condition(self.columns()).into_condition();
        add_condition(&mut self.shape.filter, condition);
        self
    }

    /// In this order, instead of the relation's own.
    pub fn order_by<O: Ordering>(mut self, order: impl FnOnce(TargetColumns<R>) -> O) -> Self {
        order(self.columns()).push_terms(&mut self.shape.order);
        self
    }

    /// At most so many for each parent.
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    /// The select for one batch of keys: link, then the target's columns.
    fn select(&self, keys: &[Vec<Value<'static>>]) -> Select {
        let select = path_select(&self.path, keys, Some(&self.shape));
        match self.limit {
            Some(limit) => first_of_each(select, limit, self.path.first.far.len()),
            None => select,
        }
    }

    fn check(&self) -> Result<()> {
        match self.path.problem() {
            Some(problem) => Err(Error::Schema(problem)),
            None => Ok(()),
        }
    }

    /// The related rows as values, and which parent each belongs to.
    fn flat_values<X: Executor>(&self, executor: &mut X, near: &Near) -> Result<Vec<(usize, R::Target)>> {
        self.check()?;
        let groups = Groups::of(near);
        let width = self.path.first.far.len();
        let mut flat = Vec::new();
        for batch in groups.keys.chunks(BATCH) {
            let select = self.select(batch);
            run(executor, Statement::Select(&select), |rows| {
                while let Some(row) = rows.next()? {
                    let row = RowReader::new(row);
                    if let Some(group) = groups.number_of_row(&row, width) {
                        flat.push((group, R::Target::decode(&row.skip(width))?));
                    }
                }
                Ok(())
            })?;
        }
        Ok(flat)
    }

    fn flat_handles(&self, session: &mut Session, near: &Near) -> Result<Vec<(usize, Handle<R::Target>)>> {
        self.check()?;
        let groups = Groups::of(near);
        let width = self.path.first.far.len();
        let mut flat = Vec::new();
        for batch in groups.keys.chunks(BATCH) {
            let select = self.select(batch);
            session.run_tracked(&select, |row, tracker| {
                if let Some(group) = groups.number_of_row(&row, width) {
                    flat.push((group, tracker.store.track::<R::Target>(&row.skip(width))?));
                }
                Ok(())
            })?;
        }
        Ok(flat)
    }
}

impl<R: Relation> Eager for R {
    type Count = R::Count;
    type Value = R::Target;
    type Handle = Handle<R::Target>;

    fn near(&self) -> ColumnNames {
        self.path().first.near
    }

    fn values<X: Executor>(&self, executor: &mut X, near: &Near) -> Result<Vec<Vec<R::Target>>> {
        RelatedQuery::new(self).values(executor, near)
    }

    fn handles(&self, session: &mut Session, near: &Near) -> Result<Vec<Vec<Handle<R::Target>>>> {
        RelatedQuery::new(self).handles(session, near)
    }

    fn name(&self) -> String {
        self.path().name
    }
}

impl<R: Relation> Eager for RelatedQuery<R> {
    type Count = R::Count;
    type Value = R::Target;
    type Handle = Handle<R::Target>;

    fn near(&self) -> ColumnNames {
        self.path.first.near
    }

    fn values<X: Executor>(&self, executor: &mut X, near: &Near) -> Result<Vec<Vec<R::Target>>> {
        let flat = self.flat_values(executor, near)?;
        Ok(Groups::distribute(near, flat, copy_of))
    }

    fn handles(&self, session: &mut Session, near: &Near) -> Result<Vec<Vec<Handle<R::Target>>>> {
        let flat = self.flat_handles(session, near)?;
        Ok(Groups::distribute(near, flat, |handle| Some(*handle)))
    }

    fn name(&self) -> String {
        self.path.name.clone()
    }
}

impl<R: Relation, N: Eager> Eager for RelatedQuery<R, N>
where
    N::Value: Clone,
    N::Handle: Clone,
    <N::Count as Count>::Of<N::Value>: Clone,
    <N::Count as Count>::Of<N::Handle>: Clone,
{
    type Count = R::Count;
    type Value = (R::Target, <N::Count as Count>::Of<N::Value>);
    type Handle = (Handle<R::Target>, <N::Count as Count>::Of<N::Handle>);

    fn near(&self) -> ColumnNames {
        self.path.first.near
    }

    fn values<X: Executor>(&self, executor: &mut X, near: &Near) -> Result<Vec<Vec<Self::Value>>> {
        let flat = self.flat_values(executor, near)?;
        let inner_near = near_of_values(flat.iter().map(|(_, entity)| entity), self.nested.near());
        let nested = self.nested.values(executor, &inner_near)?;
        let mut joined = Vec::with_capacity(flat.len());
        for (((group, entity), found), key) in flat.into_iter().zip(nested).zip(inner_near.rows()) {
            joined.push((
                group,
                (entity, collected::<N::Count, _>(found, &self.nested.name(), key)?),
            ));
        }
        let again = |(entity, nested): &Self::Value| Some((copy_of(entity)?, nested.clone()));
        Ok(Groups::distribute(near, joined, again))
    }

    fn handles(&self, session: &mut Session, near: &Near) -> Result<Vec<Vec<Self::Handle>>> {
        let flat = self.flat_handles(session, near)?;
        let raws: Vec<RawHandle> = flat.iter().map(|(_, handle)| handle.raw).collect();
        let inner_near = session.near_of(&raws, self.nested.near())?;
        let nested = self.nested.handles(session, &inner_near)?;
        let mut joined = Vec::with_capacity(flat.len());
        for (((group, handle), found), key) in flat.into_iter().zip(nested).zip(inner_near.rows()) {
            joined.push((
                group,
                (handle, collected::<N::Count, _>(found, &self.nested.name(), key)?),
            ));
        }
        Ok(Groups::distribute(near, joined, |item| Some(item.clone())))
    }

    fn name(&self) -> String {
        self.path.name.clone()
    }
}

fn collected<C: Count, V>(found: Vec<V>, relation: &str, key: &[Value<'_>]) -> Result<C::Of<V>> {
    let nowhere = || {
        Error::Flush(format!(
            "`{relation}` leads to no row: its key is {}",
            show_key(key)
        ))
    };
    C::collect(found).ok_or_else(nowhere)
}

/// The values that a relation starts from, of entities that are not tracked.
fn near_of_values<'e, T: Entity>(
    entities: impl ExactSizeIterator<Item = &'e T>,
    columns: ColumnNames,
) -> Near {
    let mut near = Near::new(columns.len(), entities.len());
    let indexes = columns.indexes(T::META);
    for entity in entities {
        indexes
            .iter()
            .for_each(|i| near.push(entity.encode(*i).into_owned()));
    }
    near
}

/// `SELECT k, c.. FROM (SELECT .., row_number() OVER (PARTITION BY k ORDER BY ..)) WHERE n <= limit`
fn first_of_each(mut select: Select, limit: u32, keys: usize) -> Select {
    let linking = select.columns.iter().take(keys);
    let partition = linking.map(|output| output.node.clone()).collect();
    let order = std::mem::take(&mut select.order);
    let number = Node::Function(Box::new(Function {
        name: "row_number".into(),
        arguments: Vec::new(),
        star: false,
        distinct: false,
        order: Vec::new(),
        filter: None,
        over: Some(Window {
            partition,
            order,
            frame: None,
        }),
    }));
    let width = select.columns.len();
    select.columns.push(Output {
        node: number,
        label: None,
    });
    for (i, column) in select.columns.iter_mut().enumerate() {
        column.label = Some(format!("c{i}").into());
    }
    let source = SourceId::fresh();
    let column = |i: usize| Node::Column {
        source,
        name: format!("c{i}").into(),
    };
    let within = Node::binary(
        crate::expr::BinaryOp::Le,
        column(width),
        Node::Constant(i64::from(limit)),
    );
    let ascending = |node| OrderTerm {
        node,
        descending: false,
        nulls: None,
    };
    let relation = crate::expr::Relation::Select(Box::new(select));
    Select {
        columns: (0..width)
            .map(|i| Output {
                node: column(i),
                label: None,
            })
            .collect(),
        from: vec![FromItem {
            source,
            relation,
            join: None,
        }],
        filter: Some(within),
        order: (0..keys).chain([width]).map(|i| ascending(column(i))).collect(),
        ..Select::default()
    }
}

/// A query with a relation to load along: its rows are pairs.
#[must_use = "a query does nothing until it is run"]
pub struct WithRelated<T: Entity, X, E> {
    query: Query<T, T::Columns<Required>, X>,
    eager: E,
}

impl<T: Entity, X> Query<T, T::Columns<Required>, X> {
    /// Loads a relation along with the rows: one more statement for all of them. The rows become pairs.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[has_many(posts: Post, by = author)]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    ///     name: String,
    /// }
    ///
    /// #[derive(Entity)]
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
    /// let mike = session.add(User::new("Mike"));
    /// session.add_all(["one", "two", "three"].map(|title| Post::new(mike, title)));
    ///
    /// let users: Vec<(User, Vec<Post>)> =
    ///     session.query::<User>().with(|u| u.posts.order_by(|p| p.id.desc()).limit(2)).fetch()?;
    /// assert_eq!(users[0].1[0].title, "three");
    /// assert_eq!(users[0].1.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with<E: Eager>(self, relation: impl FnOnce(T::Columns<Required>) -> E) -> WithRelated<T, X, E> {
        let eager = relation(self.columns);
        WithRelated { query: self, eager }
    }
}

impl<T: Entity, X, E> WithRelated<T, X, E> {
    /// One more relation to load along; the rows become triples by nesting: `((User, Vec<Post>), Vec<Group>)` is given as
    /// `(User, (Vec<Post>, Vec<Group>))`.
    pub fn with<E2: Eager>(
        self,
        relation: impl FnOnce(T::Columns<Required>) -> E2,
    ) -> WithRelated<T, X, (E, E2)> {
        let second = relation(self.query.columns);
        WithRelated {
            query: self.query,
            eager: (self.eager, second),
        }
    }
}

/// One relation or several, loaded along with rows of `T`.
pub trait EagerSet<T: Entity> {
    /// What is loaded for one row, as values.
    type Values;
    /// What is loaded for one row, tracked.
    type Handles;

    /// For each of these entities.
    #[doc(hidden)]
    fn all_values<X: Executor>(&self, executor: &mut X, of: &[T]) -> Result<Vec<Self::Values>>;

    /// For each of these tracked entities.
    #[doc(hidden)]
    fn all_handles(&self, session: &mut Session, of: &[Handle<T>]) -> Result<Vec<Self::Handles>>;
}

impl<T: Entity, E: Eager> EagerSet<T> for E {
    type Values = <E::Count as Count>::Of<E::Value>;
    type Handles = <E::Count as Count>::Of<E::Handle>;

    fn all_values<X: Executor>(&self, executor: &mut X, of: &[T]) -> Result<Vec<Self::Values>> {
        let near = near_of_values(of.iter(), self.near());
        let found = Eager::values(self, executor, &near)?;
        found
            .into_iter()
            .zip(near.rows())
            .map(|(found, key)| collected::<E::Count, _>(found, &self.name(), key))
            .collect()
    }

    fn all_handles(&self, session: &mut Session, of: &[Handle<T>]) -> Result<Vec<Self::Handles>> {
        let raws: Vec<RawHandle> = of.iter().map(|handle| handle.raw).collect();
        let near = session.near_of(&raws, self.near())?;
        let found = Eager::handles(self, session, &near)?;
        found
            .into_iter()
            .zip(near.rows())
            .map(|(found, key)| collected::<E::Count, _>(found, &self.name(), key))
            .collect()
    }
}

impl<T: Entity, A: EagerSet<T>, B: EagerSet<T>> EagerSet<T> for (A, B) {
    type Values = (A::Values, B::Values);
    type Handles = (A::Handles, B::Handles);

    fn all_values<X: Executor>(&self, executor: &mut X, of: &[T]) -> Result<Vec<Self::Values>> {
        Ok(self
            .0
            .all_values(executor, of)?
            .into_iter()
            .zip(self.1.all_values(executor, of)?)
            .collect())
    }

    fn all_handles(&self, session: &mut Session, of: &[Handle<T>]) -> Result<Vec<Self::Handles>> {
        Ok(self
            .0
            .all_handles(session, of)?
            .into_iter()
            .zip(self.1.all_handles(session, of)?)
            .collect())
    }
}

impl<T: Entity, X: Executor, E: EagerSet<T>> WithRelated<T, &mut X, E> {
    /// All rows as values: `Vec<(User, Vec<Post>)>`.
    ///
    /// # Errors
    /// Whatever the statements run into.
    pub fn fetch(self) -> Result<Vec<(T, E::Values)>> {
        let executor = self.query.executor;
        let query = Query::<T>::from_select(self.query.select, self.query.columns);
        let rows = query.on(&mut *executor).fetch()?;
        let related = self.eager.all_values(executor, &rows)?;
        Ok(rows.into_iter().zip(related).collect())
    }
}

impl<T: Entity, E: EagerSet<T>> WithRelated<T, &mut Session, E> {
    /// All rows tracked: `Vec<(Handle<User>, Vec<Handle<Post>>)>`.
    ///
    /// # Errors
    /// Whatever the statements run into.
    pub fn all(self) -> Result<Vec<(Handle<T>, E::Handles)>> {
        let session = self.query.executor;
        let query = Query::<T>::from_select(self.query.select, self.query.columns);
        let rows: Vec<Handle<T>> = query.on(&mut *session).all()?;
        let related = self.eager.all_handles(session, &rows)?;
        Ok(rows.into_iter().zip(related).collect())
    }
}

impl<T: Entity, X, E> std::fmt::Debug for WithRelated<T, X, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WithRelated")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

/// Relations can be narrowed where they are named: `u.posts.filter(..).order_by(..).limit(3)`.
impl<K, F, T: Entity> RelationHandle<K, F, T>
where
    Self: Relation<Target = T>,
{
    /// Loads only those for which the condition holds.
    pub fn filter<P: Predicate>(
        self,
        condition: impl FnOnce(T::Columns<Required>) -> P,
    ) -> RelatedQuery<Self> {
        RelatedQuery::new(&self).filter(condition)
    }

    /// Loads them in this order.
    pub fn order_by<O: Ordering>(self, order: impl FnOnce(T::Columns<Required>) -> O) -> RelatedQuery<Self> {
        RelatedQuery::new(&self).order_by(order)
    }

    /// Loads at most so many for each parent.
    pub fn limit(self, rows: u32) -> RelatedQuery<Self> {
        RelatedQuery::new(&self).limit(rows)
    }

    /// Loads along with each of them what another relation leads to.
    pub fn with<N: Eager>(self, nested: impl FnOnce(T::Columns<Required>) -> N) -> RelatedQuery<Self, N> {
        RelatedQuery::new(&self).with(nested)
    }
}

impl<T: Entity> crate::expr::Column<Fk<T>> {
    /// Loads along with the entity what another relation leads to.
    pub fn with<N: Eager>(self, nested: impl FnOnce(T::Columns<Required>) -> N) -> RelatedQuery<Self, N> {
        RelatedQuery::new(&self).with(nested)
    }
}

impl<T: Entity, M> FkColumns<T, M>
where
    Self: Relation<Target = T>,
{
    /// Loads along with the entity what another relation leads to.
    pub fn with<N: Eager>(self, nested: impl FnOnce(T::Columns<Required>) -> N) -> RelatedQuery<Self, N> {
        RelatedQuery::new(&self).with(nested)
    }
}
