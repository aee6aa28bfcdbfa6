//! Related rows, handed to the parents that they belong to.

use rustc_hash::FxHashMap;

use super::related::{KeyForm, keys_form};
use crate::mapper::{Entity, RowReader};
use crate::types::Value;

/// The values that a relation starts from, for many entities: as many for each as the key has columns.
#[doc(hidden)]
#[derive(Debug)]
pub struct Near {
    width: usize,
    values: Vec<Value<'static>>,
}

impl Near {
    /// For keys of so many columns.
    pub(super) fn new(width: usize, entities: usize) -> Near {
        Near {
            width: width.max(1),
            values: Vec::with_capacity(width * entities),
        }
    }

    pub(super) fn push(&mut self, value: Value<'static>) {
        self.values.push(value);
    }

    /// The values of each entity.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Value<'static>]> {
        self.values.chunks(self.width)
    }
}

/// A key with a NULL in it leads nowhere.
fn is_whole(key: &[Value<'_>]) -> bool {
    !key.iter().any(Value::is_null)
}

/// The different keys among the parents' values.
pub(super) struct Groups {
    pub(super) keys: Vec<Vec<Value<'static>>>,
    numbers: FxHashMap<KeyForm, usize>,
}

impl Groups {
    pub(super) fn of(near: &Near) -> Groups {
        let mut groups = Groups {
            keys: Vec::new(),
            numbers: FxHashMap::default(),
        };
        for key in near.rows().filter(|key| is_whole(key)) {
            let next = groups.keys.len();
            if let std::collections::hash_map::Entry::Vacant(place) = groups.numbers.entry(keys_form(key)) {
                place.insert(next);
                groups.keys.push(key.to_vec());
            }
        }
        groups
    }

    pub(super) fn number(&self, key: &[Value<'_>]) -> Option<usize> {
        self.numbers.get(&keys_form(key)).copied()
    }

    /// The number of the key that a row begins with.
    pub(super) fn number_of_row(&self, row: &RowReader<'_>, width: usize) -> Option<usize> {
        match width {
            1 => self.number(&[row.value(0)]),
            _ => self.number(&(0..width).map(|i| row.value(i)).collect::<Vec<_>>()),
        }
    }

    /// Hands the items to their parents; parents with one key share them by `again`.
    pub(super) fn distribute<V>(
        near: &Near,
        flat: Vec<(usize, V)>,
        mut again: impl FnMut(&V) -> Option<V>,
    ) -> Vec<Vec<V>> {
        let groups = Groups::of(near);
        let mut by_group: Vec<Vec<V>> = groups.keys.iter().map(|_| Vec::new()).collect();
        for (group, item) in flat {
            if let Some(place) = by_group.get_mut(group) {
                place.push(item);
            }
        }
        let mut waiting: FxHashMap<usize, usize> = FxHashMap::default();
        let numbers: Vec<Option<usize>> = near.rows().map(|key| groups.number(key)).collect();
        numbers
            .iter()
            .flatten()
            .for_each(|number| *waiting.entry(*number).or_insert(0) += 1);
        let mut give = |number: usize| {
            let left = waiting.entry(number).or_insert(1);
            *left -= 1;
            let Some(items) = by_group.get_mut(number) else {
                return Vec::new();
            };
            if *left == 0 {
                std::mem::take(items)
            } else {
                items.iter().filter_map(&mut again).collect()
            }
        };
        numbers
            .into_iter()
            .map(|number| number.map_or_else(Vec::new, &mut give))
            .collect()
    }
}

/// Another copy of an entity that several parents share, by way of its columns' values.
pub(super) fn copy_of<T: Entity>(entity: &T) -> Option<T> {
    struct Encoded<'e, T: Entity>(&'e T);
    impl<T: Entity> crate::drivers::Row for Encoded<'_, T> {
        fn value(&self, index: usize) -> Value<'_> {
            self.0.encode(index)
        }

        fn width(&self) -> usize {
            T::META.columns.len()
        }
    }
    T::decode(&RowReader::new(&Encoded(entity))).ok()
}
