//! Loading along relations: lazily for one entity, at once for many.
//!
//! What was loaded stays in the session until a flush writes rows that could change it: asking again costs no statement.

use rustc_hash::FxHashMap;

use super::Session;
use super::groups::{Groups, Near};
use crate::error::{Error, Result};
use crate::expr::{BinaryOp, FromItem, Node, Output, Select, SourceId};
use crate::mapper::{ColumnNames, Columns, Entity, EntityMeta, Handle, Required, live, show_key};
use crate::relation::{Count, Path, Relation, column};
use crate::types::{RawHandle, Value};

/// The relations that were loaded, and how often that was done for one entity at a time.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    loaded: FxHashMap<(RawHandle, String), Loaded>,
    counts: FxHashMap<String, u64>,
    limit: Option<u64>,
}

#[derive(Debug)]
struct Loaded {
    handles: Vec<RawHandle>,
    /// The tables that the answer depends on.
    tables: [&'static str; 2],
}

/// How many single loads of one relation are reported through `tracing`.
const REPORTED_AFTER: u64 = 10;

impl Relations {
    pub(super) fn clear(&mut self) {
        self.loaded.clear();
    }

    pub(super) fn reset_counts(&mut self) {
        self.counts.clear();
    }

    pub(super) fn forget_of(&mut self, of: RawHandle) {
        self.loaded.retain(|(handle, _), _| *handle != of);
    }

    /// Forgets what was loaded for entities that are gone.
    pub(super) fn forget_gone(&mut self, store: &super::store::Store) {
        self.loaded.retain(|(of, _), _| store.check(*of).is_ok());
    }

    fn forget_table(&mut self, table: &str) {
        if !self.loaded.is_empty() {
            self.loaded.retain(|_, loaded| !loaded.tables.contains(&table));
        }
    }

    /// Counts a load of one relation for one entity.
    fn count(&mut self, relation: &str) -> Result<()> {
        let count = self.counts.entry(relation.to_owned()).or_insert(0);
        *count += 1;
        if self.limit.is_some_and(|limit| *count > limit) {
            return Err(Error::ManyLoads {
                relation: relation.to_owned(),
                count: *count,
            });
        }
        if *count == REPORTED_AFTER {
            tracing::warn!(target: "aludel::session", relation, count = *count, "loaded one by one: load it with the query");
        }
        Ok(())
    }
}

impl Session {
    /// The entities that a relation leads to: loaded the first time, known after that. One statement at most; for an `Fk`
    /// whose entity is in the session, none.
    ///
    /// `|u| u.posts` gives a `Vec` of handles, an `Fk` column one handle, an `Option<Fk>` and a has-one an `Option`.
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
    /// let mut session = engine.session()?;
    /// let mike = session.add(User::new("Mike"));
    /// session.add_all(["one", "two"].map(|title| Post::new(mike, title)));
    ///
    /// let posts = session.related(mike, |u| u.posts)?;
    /// assert_eq!(posts.len(), 2);
    /// assert_eq!(session.related(posts[0], |p| p.author)?, mike);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::ManyLoads`] where [`limit_single_loads`](Session::limit_single_loads) says so; [`Error::NotFound`] where
    /// an `Fk` leads nowhere.
    pub fn related<T: Entity, R: Relation>(
        &mut self,
        of: Handle<T>,
        relation: impl FnOnce(T::Columns<Required>) -> R,
    ) -> Result<<R::Count as Count>::Of<Handle<R::Target>>> {
        let path = relation(Columns::at(SourceId::NONE)).path();
        self.store.check(of.raw)?;
        if path.declared.is_some() {
            // What is not written yet may belong to the answer.
            self.autoflush()?;
        }
        let found = match self.known(of.raw, &path) {
            Some(found) => found,
            None => {
                self.relations.count(&path.name)?;
                self.load_path::<R::Target>(&[of.raw], &path)?;
                self.answer(of.raw, &path)
            }
        };
        let count = R::Count::collect(found.into_iter().map(Handle::new).collect());
        count.ok_or_else(|| {
            let near = self.near_of(&[of.raw], path.first.near);
            let key = near.map_or_else(|_| "?".into(), |near| near.rows().map(show_key).collect());
            Error::NotFound {
                table: path.target.table,
                key,
            }
        })
    }

    /// Loads a relation for many entities at once, in one statement for up to some hundred of them.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn load<T: Entity, R: Relation>(
        &mut self,
        of: &[Handle<T>],
        relation: impl FnOnce(T::Columns<Required>) -> R,
    ) -> Result<()> {
        let path = relation(Columns::at(SourceId::NONE)).path();
        self.autoflush()?;
        let mut unknown: Vec<RawHandle> = Vec::new();
        for handle in of {
            self.store.check(handle.raw)?;
            if self.known(handle.raw, &path).is_none() {
                unknown.push(handle.raw);
            }
        }
        self.load_path::<R::Target>(&unknown, &path)
    }

    /// What a relation was loaded as, without a statement; `None` where it was not.
    pub fn loaded<T: Entity, R: Relation>(
        &self,
        of: Handle<T>,
        relation: impl FnOnce(T::Columns<Required>) -> R,
    ) -> Option<<R::Count as Count>::Of<Handle<R::Target>>> {
        let path = relation(Columns::at(SourceId::NONE)).path();
        self.store.check(of.raw).ok()?;
        R::Count::collect(self.known(of.raw, &path)?.into_iter().map(Handle::new).collect())
    }

    /// Makes it an error to load one relation for one entity after the other more than `limit` times in a transaction: for
    /// tests and for code that must not do it.
    pub fn limit_single_loads(&mut self, limit: Option<u64>) -> &mut Session {
        self.relations.limit = limit;
        self
    }

    /// The answer, if it can be given without a statement.
    fn known(&self, of: RawHandle, path: &Path) -> Option<Vec<RawHandle>> {
        if path.declared.is_none() {
            return self.known_reference(of, path);
        }
        let loaded = self.relations.loaded.get(&(of, path.name.clone()))?;
        loaded
            .handles
            .iter()
            .all(|raw| self.store.check(*raw).is_ok())
            .then(|| loaded.handles.clone())
    }

    /// The answer right after loading it.
    fn answer(&self, of: RawHandle, path: &Path) -> Vec<RawHandle> {
        self.known(of, path).unwrap_or_default()
    }

    /// Where an `Fk` leads, if that entity is in the session or the key is NULL.
    fn known_reference(&self, of: RawHandle, path: &Path) -> Option<Vec<RawHandle>> {
        let arena = self.store.check(of).ok()?;
        let mut key = Vec::with_capacity(1);
        let mut reference = None;
        for name in path.first.near.iter() {
            let (column, meta) = arena.meta().column(name)?;
            reference = meta.reference;
            match arena.encode(of.slot, column) {
                Value::Null => return Some(Vec::new()),
                Value::Pending(raw) => return Some(vec![raw.key_part(0)]),
                value => key.push(value),
            }
        }
        let target = self.store.arena_of((reference?.entity)())?;
        let slot = self.store.any(target)?.slot_of(&key)?;
        Some(vec![self.store.raw(target as u32, slot)])
    }

    /// Adds the values that the relation starts from: the key, or the `Fk`'s.
    pub(super) fn push_near(&self, of: RawHandle, columns: ColumnNames, near: &mut Near) -> Result<()> {
        let arena = self.store.check(of)?;
        for name in columns.iter() {
            near.push(
                match arena.meta().column(name).map(|(i, _)| arena.encode(of.slot, i)) {
                    Some(Value::Pending(raw)) => self.store.key_of(raw)?,
                    Some(value) => value.into_owned(),
                    None => Value::Null,
                },
            );
        }
        Ok(())
    }

    /// Those values, for many entities.
    pub(super) fn near_of(&self, of: &[RawHandle], columns: ColumnNames) -> Result<Near> {
        let mut near = Near::new(columns.len(), of.len());
        of.iter()
            .try_for_each(|raw| self.push_near(*raw, columns, &mut near))?;
        Ok(near)
    }

    /// Loads the relation for these entities and keeps the answers.
    pub(super) fn load_path<C: Entity>(&mut self, of: &[RawHandle], path: &Path) -> Result<()> {
        let found = self.select_path::<C>(of, path)?;
        let between = path.second.map_or(path.target.table, |_| path.first.to.table);
        let tables = [path.target.table, between];
        for (raw, handles) in of.iter().zip(found) {
            self.relations
                .loaded
                .insert((*raw, path.name.clone()), Loaded { handles, tables });
        }
        Ok(())
    }

    /// For each entity the related ones, in batches of IN.
    pub(super) fn select_path<C: Entity>(
        &mut self,
        of: &[RawHandle],
        path: &Path,
    ) -> Result<Vec<Vec<RawHandle>>> {
        if let Some(problem) = path.problem() {
            return Err(Error::Schema(problem));
        }
        let near = self.near_of(of, path.first.near)?;
        let keys = Groups::of(&near);
        let width = path.first.near.len();
        let mut found: Vec<(usize, RawHandle)> = Vec::new();
        for batch in keys.keys.chunks(BATCH) {
            let select = path_select(path, batch, None);
            self.run_tracked(&select, |row, tracker| {
                if let Some(group) = keys.number_of_row(&row, width) {
                    found.push((group, tracker.store.track::<C>(&row.skip(width))?.raw));
                }
                Ok(())
            })?;
        }
        Ok(Groups::distribute(&near, found, |raw| Some(*raw)))
    }

    /// Tracks the rows of those keys.
    pub(super) fn load_by_keys<T: Entity>(&mut self, keys: Vec<Value<'static>>) -> Result<()> {
        for batch in keys.chunks(BATCH) {
            let source = SourceId::fresh();
            let mut select = Select::default();
            select.from.push(FromItem {
                source,
                relation: T::META.relation(),
                join: None,
            });
            select.columns = columns_of(T::META, source);
            let mut filter = in_list(source, T::KEY_COLUMN, batch);
            if let Some(live) = live(T::META, source) {
                filter = filter.and(live);
            }
            select.filter = Some(filter);
            self.run_tracked(&select, |row, tracker| tracker.store.track::<T>(&row).map(|_| ()))?;
        }
        Ok(())
    }

    /// Relations that may lead to that entity are asked anew.
    pub(super) fn forget_relations<T: Entity>(&mut self) {
        self.relations.forget_table(T::TABLE);
    }

    pub(super) fn forget_relations_to(&mut self, arena: usize) {
        if let Some(table) = self.store.any(arena).map(|arena| arena.meta().table) {
            self.relations.forget_table(table);
        }
    }
}

/// The most keys in one IN.
pub(super) const BATCH: usize = 500;

/// A key's form in a hash table: two values that are equal as keys are equal here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyForm {
    Number(i64),
    Text(String),
    Other(String),
    /// Of several columns.
    Several(Vec<KeyForm>),
}

pub(super) fn key_form(value: &Value<'_>) -> KeyForm {
    match value {
        Value::Bool(flag) => KeyForm::Number(i64::from(*flag)),
        Value::Int(number) => KeyForm::Number(*number),
        Value::Text(text) => KeyForm::Text(text.clone().into_owned()),
        Value::Bytes(bytes) => KeyForm::Other(format!("x{bytes:02x?}")),
        other => KeyForm::Other(other.to_string()),
    }
}

/// `SELECT link, target.* FROM target [JOIN between] WHERE link IN (..)`, with the conditions and the order of `shape`, whose
/// first source is the target.
pub(super) fn path_select(path: &Path, keys: &[Vec<Value<'static>>], shape: Option<&Select>) -> Select {
    let target = shape
        .and_then(|shape| shape.from.first())
        .map_or_else(SourceId::fresh, |item| item.source);
    let mut select = Select::default();
    let table = path.target.relation();
    select.from.push(FromItem {
        source: target,
        relation: table,
        join: None,
    });
    let link = match path.second {
        None => target,
        Some(second) => {
            let between = SourceId::fresh();
            let join = Some(crate::expr::Join {
                kind: crate::expr::JoinKind::Inner,
                on: Some(second.on(between, target)),
            });
            select.from.push(FromItem {
                source: between,
                relation: path.first.to.relation(),
                join,
            });
            between
        }
    };
    let link_columns = path.first.far.iter().map(|name| Output {
        node: column(link, name),
        label: None,
    });
    select.columns.extend(link_columns);
    select.columns.extend(columns_of(path.target, target));
    let mut filter = keys_condition(link, path.first.far, keys);
    if let Some(condition) = path.condition(target, link) {
        filter = filter.and(condition);
    }
    select.order = path.order(target);
    if let Some(shape) = shape {
        if let Some(more) = &shape.filter {
            filter = filter.and(more.clone());
        }
        if !shape.order.is_empty() {
            select.order.clone_from(&shape.order);
        }
    }
    select.filter = Some(filter);
    select
}

pub(super) fn columns_of(meta: &'static EntityMeta, source: SourceId) -> Vec<Output> {
    crate::mapper::outputs(meta, source).collect()
}

/// `column IN (..)`. The list is padded to a power of two, so that lists of many lengths share few statements.
fn in_list(source: SourceId, column: &'static str, keys: &[Value<'static>]) -> Node {
    let padded = keys.len().next_power_of_two().min(BATCH.max(keys.len()));
    let last = keys.last().cloned().unwrap_or_default();
    let values = keys.iter().cloned().chain(std::iter::repeat(last)).take(padded);
    let list = values.map(Node::Value).collect();
    Node::InList {
        operand: Box::new(Node::Column {
            source,
            name: column.into(),
        }),
        list,
        negated: false,
    }
}

/// The form of a key of one or several columns.
pub(super) fn keys_form(key: &[Value<'_>]) -> KeyForm {
    match key {
        [only] => key_form(only),
        several => KeyForm::Several(several.iter().map(key_form).collect()),
    }
}

/// `columns IN (..)`, or for keys of several columns `(a = .. AND b = ..) OR ..`.
pub(super) fn keys_condition(source: SourceId, columns: ColumnNames, keys: &[Vec<Value<'static>>]) -> Node {
    if let (1, Some(only)) = (columns.len(), columns.get(0)) {
        let keys: Vec<Value<'static>> = keys.iter().filter_map(|key| key.first().cloned()).collect();
        return in_list(source, only, &keys);
    }
    let one = |key: &Vec<Value<'static>>| {
        let parts = columns.iter().zip(key);
        let equals = |(name, value): (&'static str, &Value<'static>)| {
            Node::binary(BinaryOp::Eq, column(source, name), Node::Value(value.clone()))
        };
        Node::Logic {
            all: true,
            parts: parts.map(equals).collect(),
        }
    };
    Node::Logic {
        all: false,
        parts: keys.iter().map(one).collect(),
    }
}
