//! Related rows, handed to the parents that they belong to.

use rustc_hash::FxHashMap;

use super::related::{KeyForm, key_form};
use crate::mapper::{Entity, RowReader};
use crate::types::Value;

/// The different keys among the parents' values.
pub(super) struct Groups {
    pub(super) keys: Vec<Value<'static>>,
    numbers: FxHashMap<KeyForm, usize>,
}

impl Groups {
    pub(super) fn of(near: &[Value<'static>]) -> Groups {
        let mut groups = Groups {
            keys: Vec::new(),
            numbers: FxHashMap::default(),
        };
        for value in near.iter().filter(|value| !value.is_null()) {
            let next = groups.keys.len();
            if let std::collections::hash_map::Entry::Vacant(place) = groups.numbers.entry(key_form(value)) {
                place.insert(next);
                groups.keys.push(value.clone());
            }
        }
        groups
    }

    pub(super) fn number(&self, value: &Value<'_>) -> Option<usize> {
        self.numbers.get(&key_form(value)).copied()
    }

    /// Hands the items to their parents; parents with one key share them by `again`.
    pub(super) fn distribute<V>(
        near: &[Value<'static>],
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
        let numbers: Vec<Option<usize>> = near.iter().map(|value| groups.number(value)).collect();
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
