//! Loading the columns that queries leave out.

use rustc_hash::FxHashMap;

use super::Session;
use super::related::{BATCH, KeyForm, keys_condition, keys_form};
use crate::error::{Error, Result};
use crate::expr::{Column, FromItem, Node, Output, Select, SourceId};
use crate::mapper::{ColumnNames, Columns, Deferred, Entity, Handle, Required};
use crate::types::{ColumnType, RawHandle, Value};

/// What [`Session::load_columns`] takes: a deferred column, or a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no column that is loaded later",
    note = "name fields of the type `Deferred<..>`, as in `|b| (b.text, b.cover)`"
)]
pub trait DeferredColumns {
    /// Appends the columns' names.
    #[doc(hidden)]
    fn push_names(self, names: &mut Vec<&'static str>);
}

impl<T: ColumnType> DeferredColumns for Column<Deferred<T>> {
    fn push_names(self, names: &mut Vec<&'static str>) {
        names.push(self.name());
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: DeferredColumns),*> DeferredColumns for ($($name,)*) {
            #[allow(non_snake_case)]
            fn push_names(self, names: &mut Vec<&'static str>) {
                let ($($name,)*) = self;
                $($name.push_names(names);)*
            }
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

impl Session {
    /// Loads deferred columns of these entities, in one statement for up to some hundred of them: see [`Deferred`]. What is
    /// loaded already is read again, unless it was changed.
    ///
    /// # Errors
    /// [`Error::Handle`] for a dead handle; whatever the statement runs into.
    pub fn load_columns<T: Entity, C: DeferredColumns>(
        &mut self,
        of: &[Handle<T>],
        columns: impl FnOnce(T::Columns<Required>) -> C,
    ) -> Result<()> {
        let mut names = Vec::new();
        columns(Columns::at(SourceId::NONE)).push_names(&mut names);
        let indexes: Vec<usize> = names
            .iter()
            .filter_map(|name| Some(T::META.column(name)?.0))
            .collect();
        self.load_indexes(of, &indexes)
    }

    /// Loads the deferred columns that are declared with `group = ".."` of that name.
    ///
    /// # Errors
    /// [`Error::Schema`] where the entity has no such group; else as [`load_columns`](Session::load_columns).
    pub fn load_group<T: Entity>(&mut self, of: &[Handle<T>], group: &str) -> Result<()> {
        let columns = T::META.columns.iter().enumerate();
        let indexes: Vec<usize> = columns
            .filter(|(_, column)| column.group == Some(group))
            .map(|(i, _)| i)
            .collect();
        if indexes.is_empty() {
            let message = format!("`{}` has no column with `group = \"{group}\"`", T::META.name);
            return Err(Error::Schema(message));
        }
        self.load_indexes(of, &indexes)
    }

    fn load_indexes<T: Entity>(&mut self, of: &[Handle<T>], columns: &[usize]) -> Result<()> {
        for handle in of {
            self.store.check(handle.raw)?;
        }
        self.autoflush()?;
        for batch in of.chunks(BATCH) {
            let mut found: Vec<(RawHandle, Vec<Value<'static>>)> = Vec::new();
            let select = self.columns_select::<T>(batch, columns);
            let first = T::META.key.len();
            let by_key: FxHashMap<KeyForm, RawHandle> = batch
                .iter()
                .map(|handle| (keys_form(&self.key_values(handle.raw)), handle.raw))
                .collect();
            self.run_tracked(&select, |row, _| {
                let key: Vec<Value<'_>> = (0..first).map(|i| row.value(i)).collect();
                if let Some(raw) = by_key.get(&keys_form(&key)) {
                    let values = (0..columns.len()).map(|n| row.value(first + n).into_owned());
                    found.push((*raw, values.collect()));
                }
                Ok(())
            })?;
            for (raw, values) in found {
                for (column, value) in columns.iter().zip(values) {
                    self.set_loaded(raw, *column, value)?;
                }
            }
        }
        Ok(())
    }

    /// `SELECT key, columns FROM t WHERE key IN (..)`
    fn columns_select<T: Entity>(&self, of: &[Handle<T>], columns: &[usize]) -> Select {
        let source = SourceId::fresh();
        let output = |i: &usize| Output {
            node: T::META
                .columns
                .get(*i)
                .map_or(Node::Constant(0), |column| column.node(source)),
            label: None,
        };
        let keys: Vec<Vec<Value<'static>>> = of.iter().map(|handle| self.key_values(handle.raw)).collect();
        Select {
            columns: T::META.key.iter().chain(columns).map(output).collect(),
            from: vec![FromItem {
                source,
                relation: T::META.relation(),
                join: None,
            }],
            filter: Some(keys_condition(source, ColumnNames::Key(T::META), &keys)),
            ..Select::default()
        }
    }

    fn key_values(&self, raw: RawHandle) -> Vec<Value<'static>> {
        self.store.stored_key(raw.arena as usize, raw.slot)
    }

    /// Takes in the value of a deferred column; one that the program has set stays.
    fn set_loaded(&mut self, raw: RawHandle, column: usize, value: Value<'static>) -> Result<()> {
        let Some(any) = self.store.any_mut(raw.arena as usize) else {
            return Ok(());
        };
        let meta = any.meta();
        let slot = raw.slot;
        let base = any.core_mut().base_mut(slot);
        let before = base.and_then(|base| base.get_mut(column));
        let changed = match before {
            Some(before) => {
                let was = std::mem::replace(before, value.clone());
                !any.encode(slot, column).sql_eq(&was)
            }
            None => false,
        };
        if changed {
            return Ok(());
        }
        any.set(slot, column, value).map_err(|error| {
            let name = meta.columns.get(column).map_or("?", |column| column.name);
            Error::decode(format!("column `{}.{name}`", meta.table), error)
        })
    }
}
