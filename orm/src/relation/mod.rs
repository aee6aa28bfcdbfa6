//! Relations between entities, as handles beside the columns.
//!
//! `u.posts` is a [`HasMany`], `u.groups` a [`ManyToMany`], and an `Fk<User>` column such as `p.author` is the relation to one
//! user. All of them are a [`Relation`]: queries join along it, sessions load along it.

mod path;

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;

#[doc(hidden)]
pub use path::Path;
pub(crate) use path::column;

use crate::expr::{Column, Node, Predicate, SourceId};
use crate::mapper::{ColumnNames, Columns, Entity, Fk, FkColumns, Mode, Optional, RelationMeta, Required};

/// The handle of a relation declared beside an entity. See [`HasMany`], [`HasOne`] and [`ManyToMany`].
pub struct RelationHandle<K, F, T> {
    pub(crate) source: SourceId,
    pub(crate) meta: &'static RelationMeta,
    ends: PhantomData<Ends<K, F, T>>,
}

/// What a relation is between: nothing is stored of it.
type Ends<K, F, T> = fn() -> (K, F, T);

/// The relation from one `F` to many `T`, each of which has an [`Fk`] to `F`.
pub type HasMany<F, T> = RelationHandle<Many, F, T>;

/// The relation from one `F` to at most one `T`, which has an [`Fk`] to `F`.
pub type HasOne<F, T> = RelationHandle<One, F, T>;

/// The relation between many `F` and many `T`, through an entity that has an [`Fk`] to each.
pub type ManyToMany<F, T> = RelationHandle<Through, F, T>;

/// Marks [`HasMany`].
#[derive(Debug)]
pub enum Many {}

/// Marks [`HasOne`].
#[derive(Debug)]
pub enum One {}

/// Marks [`ManyToMany`].
#[derive(Debug)]
pub enum Through {}

impl<K, F, T> RelationHandle<K, F, T> {
    /// The relation of that source. The derive makes these.
    pub const fn new(source: SourceId, meta: &'static RelationMeta) -> Self {
        RelationHandle {
            source,
            meta,
            ends: PhantomData,
        }
    }
}

impl<K, F, T> Clone for RelationHandle<K, F, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, F, T> Copy for RelationHandle<K, F, T> {}

impl<K, F, T> fmt::Debug for RelationHandle<K, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relation({})", self.meta.name)
    }
}

/// Anything that leads from one entity to others: a declared relation, or an [`Fk`] column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no relation",
    note = "relations are declared by `#[has_many(..)]`, `#[has_one(..)]`, `#[many_to_many(..)]`, or are columns of type `Fk<T>`"
)]
pub trait Relation {
    /// The entity at the other end.
    type Target: Entity;

    /// How many there can be: what loading gives.
    type Count: Count;

    /// The way there.
    #[doc(hidden)]
    fn path(&self) -> Path;
}

/// How many entities a relation leads to.
pub trait Count {
    /// Several, one, or perhaps one.
    type Of<X>;

    /// From those that were found.
    #[doc(hidden)]
    fn collect<X>(found: Vec<X>) -> Option<Self::Of<X>>;
}

/// Leads to any number.
#[derive(Debug)]
pub enum ToMany {}

/// Leads to at most one.
#[derive(Debug)]
pub enum ToMaybe {}

/// Leads to exactly one.
#[derive(Debug)]
pub enum ToOne {}

impl Count for ToMany {
    type Of<X> = Vec<X>;

    fn collect<X>(found: Vec<X>) -> Option<Vec<X>> {
        Some(found)
    }
}

impl Count for ToMaybe {
    type Of<X> = Option<X>;

    fn collect<X>(found: Vec<X>) -> Option<Option<X>> {
        Some(found.into_iter().next())
    }
}

impl Count for ToOne {
    type Of<X> = X;

    fn collect<X>(found: Vec<X>) -> Option<X> {
        found.into_iter().next()
    }
}

impl<F: Entity, T: Entity> Relation for HasMany<F, T> {
    type Target = T;
    type Count = ToMany;

    fn path(&self) -> Path {
        Path::declared(self.source, F::META, self.meta)
    }
}

impl<F: Entity, T: Entity> Relation for HasOne<F, T> {
    type Target = T;
    type Count = ToMaybe;

    fn path(&self) -> Path {
        Path::declared(self.source, F::META, self.meta)
    }
}

impl<F: Entity, T: Entity> Relation for ManyToMany<F, T> {
    type Target = T;
    type Count = ToMany;

    fn path(&self) -> Path {
        Path::declared(self.source, F::META, self.meta)
    }
}

impl<T: Entity> Relation for Column<Fk<T>> {
    type Target = T;
    type Count = ToOne;

    fn path(&self) -> Path {
        Path::foreign_key(self.source, ColumnNames::One(self.name), T::META)
    }
}

impl<T: Entity> Relation for Column<Option<Fk<T>>> {
    type Target = T;
    type Count = ToMaybe;

    fn path(&self) -> Path {
        Path::foreign_key(self.source, ColumnNames::One(self.name), T::META)
    }
}

/// A reference of several columns leads to one row.
impl<T: Entity> Relation for FkColumns<T, Required> {
    type Target = T;
    type Count = ToOne;

    fn path(&self) -> Path {
        Path::foreign_key(self.source, ColumnNames::Several(self.metas), T::META)
    }
}

/// Where it may be NULL, to one or none.
impl<T: Entity> Relation for FkColumns<T, Optional> {
    type Target = T;
    type Count = ToMaybe;

    fn path(&self) -> Path {
        Path::foreign_key(self.source, ColumnNames::Several(self.metas), T::META)
    }
}

/// A column that refers to `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not refer to `{T}`",
    note = "`by` names a field of type `Fk<{T}>` or `Option<Fk<{T}>>`"
)]
pub trait RefersTo<T> {
    /// Its name, or those of the several columns that it is.
    fn column_names(&self) -> ColumnNames;
}

impl<T: Entity> RefersTo<T> for Column<Fk<T>> {
    fn column_names(&self) -> ColumnNames {
        ColumnNames::One(self.name)
    }
}

impl<T: Entity> RefersTo<T> for Column<Option<Fk<T>>> {
    fn column_names(&self) -> ColumnNames {
        ColumnNames::One(self.name)
    }
}

impl<T: Entity, M: Mode> RefersTo<T> for FkColumns<T, M> {
    fn column_names(&self) -> ColumnNames {
        ColumnNames::Several(self.metas)
    }
}

/// The name of a column that refers to `T`. The derive calls it, so that a `by` of a wrong type does not compile.
#[doc(hidden)]
pub fn foreign_key<T, C: RefersTo<T>>(column: C) -> ColumnNames {
    column.column_names()
}

/// The condition of a relation's `filter`, for a source of the target. The derive calls it.
#[doc(hidden)]
pub fn condition<T: Entity, P: Predicate>(
    target: SourceId,
    condition: impl FnOnce(T::Columns<Required>) -> P,
) -> Node {
    condition(Columns::at(target)).into_condition()
}

/// As [`condition`], with the columns of the entity between.
#[doc(hidden)]
pub fn condition_with_link<T: Entity, L: Entity, P: Predicate>(
    target: SourceId,
    between: SourceId,
    condition: impl FnOnce(T::Columns<Required>, L::Columns<Required>) -> P,
) -> Node {
    condition(Columns::at(target), Columns::at(between)).into_condition()
}

/// The one foreign key of `L` that refers to `T`; none where there is none or more than one.
#[doc(hidden)]
pub fn link_column<T: Entity, L: Entity>() -> ColumnNames {
    let columns = L::META.columns;
    let refers = |key: &std::ops::Range<usize>| {
        let reference = columns.get(key.start).and_then(|column| column.reference);
        reference.is_some_and(|reference| (reference.entity)() == TypeId::of::<T>())
    };
    let mut found = L::META.foreign_keys().filter(refers);
    match (found.next(), found.next()) {
        (Some(key), None) => ColumnNames::Several(columns.get(key).unwrap_or_default()),
        _ => ColumnNames::None,
    }
}
