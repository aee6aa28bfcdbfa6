//! Joined loading: a query and its relations in one statement, and rows of an explicit join gathered by their first entity.
//!
//! ```text
//!   SELECT u.*, p.* FROM users u LEFT JOIN posts p ON ..          (mike, one) (mike, two) (nick, NULL)
//!                                                      gathered   (mike, [one, two]) (nick, [])
//! ```
//!
//! One statement where [`with`](Query::with) takes one for each relation; in exchange a row of the first entity comes once for
//! each related row, and with two relations to many, once for each pair. Best for relations to one row and for short lists.
//!
//! Invariants:
//! J1. Each first entity is in the result once, at the place of its first row. (`Gathered::group`)
//! J2. Each related row is in its list once, however often other joins repeat it. (`Gathered::is_new`)
//! J3. A limit counts first entities, not rows: the query that has one becomes a subquery. (`start`)

use std::marker::PhantomData;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Session;
use super::query::Tracker;
use super::related::{KeyForm, keys_form};
use crate::error::{Error, Result};
use crate::expr::{
    FromItem, JoinKind, Node, OrderTerm, Output, Relation as Rows, Select, SourceId, Statement,
};
use crate::mapper::{Columns, Entity, EntityMeta, Handle, Required, RowReader, outputs};
use crate::query::internals::run;
use crate::query::{Executor, Maybe, Query, Source};
use crate::relation::{Count, Path, Relation};
use crate::types::Value;

/// One relation or several, joined to rows of another entity.
pub trait JoinSet {
    /// What comes along with one row, as values.
    type Values;
    /// What comes along with one row, tracked.
    type Handles;

    /// Adds the joins to a select whose first source is `root`, and the columns.
    #[doc(hidden)]
    fn add(&self, select: &mut Select, root: SourceId) -> Result<()>;

    /// How many columns those are.
    #[doc(hidden)]
    fn width(&self) -> usize;

    /// Takes what a row has for the first entity of that number.
    #[doc(hidden)]
    fn take(&mut self, group: usize, row: RowReader<'_>, tracker: Option<&mut Tracker<'_>>) -> Result<()>;

    /// What was taken for each first entity, as values.
    #[doc(hidden)]
    fn values(self, groups: usize) -> Result<Vec<Self::Values>>;

    /// The same, tracked.
    #[doc(hidden)]
    fn handles(self, groups: usize) -> Result<Vec<Self::Handles>>;
}

/// A relation that is joined, and what was found.
#[derive(Debug)]
pub struct Joined<R: Relation> {
    path: Path,
    found: Gathered<R::Target>,
}

/// The related rows of each first entity.
#[derive(Debug)]
struct Gathered<T> {
    seen: FxHashSet<(usize, KeyForm)>,
    values: Vec<(usize, T)>,
    handles: Vec<(usize, Handle<T>)>,
}

impl<T: Entity> Gathered<T> {
    fn new() -> Gathered<T> {
        Gathered {
            seen: FxHashSet::default(),
            values: Vec::new(),
            handles: Vec::new(),
        }
    }

    /// Is there a row, and one that this first entity has not yet?
    fn is_new(&mut self, group: usize, row: &RowReader<'_>) -> bool {
        row_key(T::META, row).is_some_and(|key| self.seen.insert((group, key)))
    }

    fn take(&mut self, group: usize, row: RowReader<'_>, tracker: Option<&mut Tracker<'_>>) -> Result<()> {
        if !self.is_new(group, &row) {
            return Ok(());
        }
        match tracker {
            Some(tracker) => self.handles.push((group, tracker.store.track::<T>(&row)?)),
            None => self.values.push((group, T::decode(&row)?)),
        }
        Ok(())
    }
}

/// The items of each group.
fn by_group<V>(items: Vec<(usize, V)>, groups: usize) -> Vec<Vec<V>> {
    let mut lists: Vec<Vec<V>> = (0..groups).map(|_| Vec::new()).collect();
    for (group, item) in items {
        if let Some(list) = lists.get_mut(group) {
            list.push(item);
        }
    }
    lists
}

/// The key of the entity in this part of a row; `None` where there is none.
fn row_key(meta: &'static EntityMeta, row: &RowReader<'_>) -> Option<KeyForm> {
    let key: Vec<Value<'_>> = meta.key.iter().map(|i| row.value(*i)).collect();
    (!key.iter().any(Value::is_null)).then(|| keys_form(&key))
}

impl<R: Relation> JoinSet for Joined<R> {
    type Values = <R::Count as Count>::Of<R::Target>;
    type Handles = <R::Count as Count>::Of<Handle<R::Target>>;

    fn add(&self, select: &mut Select, root: SourceId) -> Result<()> {
        if let Some(problem) = self.path.problem() {
            return Err(Error::Schema(problem));
        }
        let mut path = self.path.clone();
        path.source = root;
        let target = SourceId::fresh();
        select.from.extend(path.joins(JoinKind::Left, target));
        select.columns.extend(outputs(R::Target::META, target));
        select.order.extend(path.order(target));
        Ok(())
    }

    fn width(&self) -> usize {
        R::Target::META.columns.len()
    }

    fn take(&mut self, group: usize, row: RowReader<'_>, tracker: Option<&mut Tracker<'_>>) -> Result<()> {
        self.found.take(group, row, tracker)
    }

    fn values(self, groups: usize) -> Result<Vec<Self::Values>> {
        let lists = by_group(self.found.values, groups).into_iter();
        lists
            .map(|list| R::Count::collect(list).ok_or_else(|| leads_nowhere(&self.path)))
            .collect()
    }

    fn handles(self, groups: usize) -> Result<Vec<Self::Handles>> {
        let lists = by_group(self.found.handles, groups).into_iter();
        lists
            .map(|list| R::Count::collect(list).ok_or_else(|| leads_nowhere(&self.path)))
            .collect()
    }
}

fn leads_nowhere(path: &Path) -> Error {
    Error::Flush(format!(
        "`{}` of a row leads to no row of `{}`",
        path.name, path.target.table
    ))
}

impl<A: JoinSet, B: JoinSet> JoinSet for (A, B) {
    type Values = (A::Values, B::Values);
    type Handles = (A::Handles, B::Handles);

    fn add(&self, select: &mut Select, root: SourceId) -> Result<()> {
        self.0.add(select, root)?;
        self.1.add(select, root)
    }

    fn width(&self) -> usize {
        self.0.width() + self.1.width()
    }

    fn take(
        &mut self,
        group: usize,
        row: RowReader<'_>,
        mut tracker: Option<&mut Tracker<'_>>,
    ) -> Result<()> {
        self.0.take(group, row, tracker.as_deref_mut())?;
        self.1.take(group, row.skip(self.0.width()), tracker)
    }

    fn values(self, groups: usize) -> Result<Vec<Self::Values>> {
        Ok(self
            .0
            .values(groups)?
            .into_iter()
            .zip(self.1.values(groups)?)
            .collect())
    }

    fn handles(self, groups: usize) -> Result<Vec<Self::Handles>> {
        Ok(self
            .0
            .handles(groups)?
            .into_iter()
            .zip(self.1.handles(groups)?)
            .collect())
    }
}

/// A query whose relations come by joins of the same statement.
#[must_use = "a query does nothing until it is run"]
pub struct WithJoined<T: Entity, X, J> {
    query: Query<T, T::Columns<Required>, X>,
    joins: J,
}

impl<T: Entity, X> Query<T, T::Columns<Required>, X> {
    /// Loads a relation along with the rows, by a join of the same statement. The rows become pairs, as with
    /// [`with`](Query::with); a limit counts the entities of the query, not the rows of the join.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
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
    /// session.add(Post::new(mike, "hello"));
    ///
    /// let posts: Vec<(Post, User)> = session.query::<Post>().with_joined(|p| p.author).fetch()?;
    /// assert_eq!(posts[0].1.name, "Mike");
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_joined<R: Relation>(
        self,
        relation: impl FnOnce(T::Columns<Required>) -> R,
    ) -> WithJoined<T, X, Joined<R>> {
        let joins = joined(relation(self.columns));
        WithJoined { query: self, joins }
    }
}

fn joined<R: Relation>(relation: R) -> Joined<R> {
    Joined {
        path: relation.path(),
        found: Gathered::new(),
    }
}

impl<T: Entity, X, J> WithJoined<T, X, J> {
    /// One more relation by a join; what comes along is nested to the left, as with [`with`](super::WithRelated::with).
    pub fn with_joined<R: Relation>(
        self,
        relation: impl FnOnce(T::Columns<Required>) -> R,
    ) -> WithJoined<T, X, (J, Joined<R>)> {
        let next = joined(relation(self.query.columns));
        WithJoined {
            query: self.query,
            joins: (self.joins, next),
        }
    }
}

impl<T: Entity, X, J: JoinSet> WithJoined<T, X, J> {
    /// The statement.
    fn select(&self) -> Result<Select> {
        let root = Columns::source(&self.query.columns);
        let (mut select, root) = start(T::META, (*self.query.select).clone(), root);
        self.joins.add(&mut select, root)?;
        Ok(select)
    }

    /// The statement's text in SQLite's dialect, for a look.
    pub fn to_sql(&self) -> String {
        let rendered = self.select().and_then(|select| {
            Ok(crate::dialect::render(Statement::Select(&select), &crate::dialect::Sqlite)?.sql)
        });
        rendered.unwrap_or_else(|error| format!("-- {error}"))
    }
}

/// The select that joins are added to, and its first source: a query that has a limit, or whose rows are not rows of the
/// table, becomes a subquery.
fn start(meta: &'static EntityMeta, mut select: Select, root: SourceId) -> (Select, SourceId) {
    let plain = select.limit.is_none()
        && select.offset.is_none()
        && !select.distinct
        && select.group.is_empty()
        && select.compound.is_empty();
    if plain {
        return (select, root);
    }
    for (output, column) in select.columns.iter_mut().zip(meta.columns) {
        output.label = Some(column.name.into());
    }
    let source = SourceId::fresh();
    let column = |name: &'static str| Node::Column {
        source,
        name: name.into(),
    };
    let columns = meta.columns.iter().map(|of| Output {
        node: column(of.name),
        label: None,
    });
    let outer = Select {
        columns: columns.collect(),
        order: outer_order(&select, root, source),
        from: vec![FromItem {
            source,
            relation: Rows::Select(Box::new(select)),
            join: None,
        }],
        ..Select::default()
    };
    (outer, source)
}

/// The order of a subquery over its own columns, said once more outside, where there is nothing else to keep it.
fn outer_order(select: &Select, root: SourceId, source: SourceId) -> Vec<OrderTerm> {
    let outside = |term: &OrderTerm| match &term.node {
        Node::Column { source: of, name } if *of == root => Some(OrderTerm {
            node: Node::Column {
                source,
                name: name.clone(),
            },
            ..term.clone()
        }),
        _ => None,
    };
    select.order.iter().map_while(outside).collect()
}

/// The first entities in the order of their first rows, each with its number.
struct Roots<V> {
    numbers: FxHashMap<Option<KeyForm>, usize>,
    all: Vec<V>,
}

impl<V> Roots<V> {
    fn new() -> Roots<V> {
        Roots {
            numbers: FxHashMap::default(),
            all: Vec::new(),
        }
    }

    /// The number of the row's first entity; `read` makes it where it is new.
    fn number(
        &mut self,
        meta: &'static EntityMeta,
        row: &RowReader<'_>,
        read: impl FnOnce() -> Result<V>,
    ) -> Result<usize> {
        let key = row_key(meta, row);
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        self.all.push(read()?);
        self.numbers.insert(key, self.all.len() - 1);
        Ok(self.all.len() - 1)
    }
}

impl<T: Entity, X: Executor, J: JoinSet> WithJoined<T, &mut X, J> {
    /// All rows as values: `Vec<(Post, User)>`.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn fetch(mut self) -> Result<Vec<(T, J::Values)>> {
        let select = self.select()?;
        let mut roots: Roots<T> = Roots::new();
        let joins = &mut self.joins;
        run(self.query.executor, Statement::Select(&select), |rows| {
            while let Some(row) = rows.next()? {
                let row = RowReader::new(row);
                let group = roots.number(T::META, &row, || T::decode(&row))?;
                joins.take(group, row.skip(T::META.columns.len()), None)?;
            }
            Ok(())
        })?;
        let along = self.joins.values(roots.all.len())?;
        Ok(roots.all.into_iter().zip(along).collect())
    }
}

impl<T: Entity, J: JoinSet> WithJoined<T, &mut Session, J> {
    /// All rows tracked: `Vec<(Handle<Post>, Handle<User>)>`.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn all(mut self) -> Result<Vec<(Handle<T>, J::Handles)>> {
        let select = self.select()?;
        let mut roots: Roots<Handle<T>> = Roots::new();
        let joins = &mut self.joins;
        self.query.executor.run_tracked(&select, |row, tracker| {
            let group = roots.number(T::META, &row, || tracker.store.track::<T>(&row))?;
            joins.take(group, row.skip(T::META.columns.len()), Some(tracker))
        })?;
        let along = self.joins.handles(roots.all.len())?;
        Ok(roots.all.into_iter().zip(along).collect())
    }
}

impl<T: Entity, X, J> std::fmt::Debug for WithJoined<T, X, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WithJoined")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

/// The second source of a join whose rows are gathered: an entity, or one behind a left join.
pub trait Partner: Source {
    /// The entity.
    type Entity: Entity;
}

impl<E: Entity> Partner for E {
    type Entity = E;
}

impl<E: Entity> Partner for Maybe<E> {
    type Entity = E;
}

/// A first entity, and those of the second source that were gathered for it.
pub type HandleAndList<T, N> = (Handle<T>, Vec<Handle<<N as Partner>::Entity>>);

/// A query over a join whose rows are gathered by their first entity: see [`Query::gathered`].
#[must_use = "a query does nothing until it is run"]
pub struct GatheredQuery<T: Entity, N: Partner, X> {
    select: Box<Select>,
    executor: X,
    ends: PhantomData<fn() -> (T, N)>,
}

impl<T: Entity, N: Partner, X> Query<(T, N), (T::Columns<Required>, N::Columns), X>
where
    (T, N): Source,
{
    /// Gathers the rows of a join by their first entity: each once, with those of the second that the query's own joins and
    /// conditions left. (What other libraries call *contains eager*.)
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
    ///     likes: i64,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![User, Post])?;
    /// # let mut session = engine.session()?;
    /// let mike = session.add(User::new("Mike"));
    /// session.add_all([1, 20, 30].map(|likes| Post::new(mike, likes)));
    ///
    /// let popular: Vec<(User, Vec<Post>)> = session
    ///     .query::<User>()
    ///     .join(|u| u.posts)
    ///     .filter(|(_, p)| p.likes.gt(10))
    ///     .gathered()
    ///     .fetch()?;
    /// assert_eq!(popular[0].1.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn gathered(self) -> GatheredQuery<T, N, X> {
        GatheredQuery {
            select: self.select,
            executor: self.executor,
            ends: PhantomData,
        }
    }
}

impl<T: Entity, N: Partner, X: Executor> GatheredQuery<T, N, &mut X> {
    /// All rows as values: `Vec<(User, Vec<Post>)>`.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn fetch(self) -> Result<Vec<(T, Vec<N::Entity>)>> {
        let mut roots: Roots<T> = Roots::new();
        let mut found: Gathered<N::Entity> = Gathered::new();
        run(self.executor, Statement::Select(&self.select), |rows| {
            while let Some(row) = rows.next()? {
                let row = RowReader::new(row);
                let group = roots.number(T::META, &row, || T::decode(&row))?;
                found.take(group, row.skip(T::META.columns.len()), None)?;
            }
            Ok(())
        })?;
        let lists = by_group(found.values, roots.all.len());
        Ok(roots.all.into_iter().zip(lists).collect())
    }
}

impl<T: Entity, N: Partner> GatheredQuery<T, N, &mut Session> {
    /// All rows tracked: `Vec<(Handle<User>, Vec<Handle<Post>>)>`.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn all(self) -> Result<Vec<HandleAndList<T, N>>> {
        let mut roots: Roots<Handle<T>> = Roots::new();
        let mut found: Gathered<N::Entity> = Gathered::new();
        self.executor.run_tracked(&self.select, |row, tracker| {
            let group = roots.number(T::META, &row, || tracker.store.track::<T>(&row))?;
            found.take(group, row.skip(T::META.columns.len()), Some(tracker))
        })?;
        let lists = by_group(found.handles, roots.all.len());
        Ok(roots.all.into_iter().zip(lists).collect())
    }
}

impl<T: Entity, N: Partner, X> std::fmt::Debug for GatheredQuery<T, N, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatheredQuery")
            .field("select", &self.select)
            .finish_non_exhaustive()
    }
}
