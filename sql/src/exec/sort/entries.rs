//! The entries that are sorted: a prefix of the key, the place of the row, and where the whole key is.
//!
//! ```text
//!   form       prefix                       whole key
//!   Integers   the integer, ordered         not kept: the prefix is all
//!   Reals      the real, ordered            not kept
//!   Bytes      the first 16 bytes           in `keys`: length, bytes
//! ```
//!
//! A sort by one built-in key starts in the form of its first batch and moves to bytes when another class comes.

use std::cmp::Ordering;

use super::key::{KeyEncoder, Prefix, integer_of, ordered_integer, ordered_real, real_of};
use super::radix::sort_by_prefix;
use crate::exec::Class;
use crate::exec::kernel::Values;
use crate::value::ValueRef;

/// A row to sort.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) prefix: u64,
    /// What follows the prefix; of no use to forms in which the prefix is all.
    pub(super) prefix_low: u64,
    place: u32,
    /// Where its key begins in `keys`.
    key: u32,
}

impl Entry {
    #[inline(always)]
    fn prefixes(&self) -> Prefix {
        (self.prefix, self.prefix_low)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// No row came yet.
    Unknown,
    Integers,
    Reals,
    Bytes,
}

/// Rows to sort, by place.
pub(super) struct Entries {
    encoder: KeyEncoder,
    form: Form,
    entries: Vec<Entry>,
    keys: Vec<u8>,
    /// The key at hand: of a row that may be kept.
    candidate: Vec<u8>,
    candidate_prefix: Prefix,
    /// The worst of the best: rows that come behind it are not wanted.
    worst: Option<(Prefix, Vec<u8>)>,
}

impl Entries {
    pub(super) fn new(encoder: KeyEncoder) -> Entries {
        Entries {
            encoder,
            form: Form::Unknown,
            entries: Vec::new(),
            keys: Vec::new(),
            candidate: Vec::new(),
            candidate_prefix: (0, 0),
            worst: None,
        }
    }

    pub(super) fn encoder(&self) -> &KeyEncoder {
        &self.encoder
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.len() * size_of::<Entry>() + self.keys.len()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.keys.clear();
        self.worst = None;
        self.form = Form::Unknown;
    }

    /// Clears, and gives memory back.
    pub(super) fn release(&mut self) {
        self.clear();
        self.entries = Vec::new();
        self.keys = Vec::new();
    }

    /// Adds a row whose key [`Entries::fill_keys`] will give.
    #[inline]
    pub(super) fn push_place(&mut self, place: u32) {
        self.entries.push(Entry {
            prefix: 0,
            prefix_low: 0,
            place,
            key: 0,
        });
    }

    /// Gives the entries from `first` on their keys.
    pub(super) fn fill_keys(&mut self, first: usize, values: &[Values<'_>]) {
        self.settle_form(first, values);
        match self.form {
            Form::Integers | Form::Reals => self.fill_numbers(first, values[0]),
            Form::Bytes | Form::Unknown => {
                for n in 0..self.entries.len() - first {
                    let key = self.keys.len() as u32;
                    let prefix = self.append_key(values, n);
                    let entry = &mut self.entries[first + n];
                    ((entry.prefix, entry.prefix_low), entry.key) = (prefix, key);
                }
            }
        }
    }

    fn fill_numbers(&mut self, first: usize, values: Values<'_>) {
        let flip = if self.encoder.first_descends() {
            u64::MAX
        } else {
            0
        };
        let integers = self.form == Form::Integers;
        for (n, entry) in self.entries[first..].iter_mut().enumerate() {
            let slot = values.slot(n);
            let ordered = if integers {
                ordered_integer(slot as i64)
            } else {
                ordered_real(f64::from_bits(slot))
            };
            entry.prefix = ordered ^ flip;
        }
    }

    /// Takes the form that the entries before `first` and the new values share.
    fn settle_form(&mut self, first: usize, values: &[Values<'_>]) {
        let class = if self.encoder.is_single() {
            values[0].uniform_class()
        } else {
            None
        };
        let wanted = match class {
            Some(Class::Integer) => Form::Integers,
            Some(Class::Real) => Form::Reals,
            _ => Form::Bytes,
        };
        if self.form == Form::Unknown {
            self.form = wanted;
        } else if self.form != wanted && self.form != Form::Bytes {
            self.become_bytes(first);
        }
    }

    /// Makes byte keys of the first `count` entries' numbers.
    #[cold]
    fn become_bytes(&mut self, count: usize) {
        let flip = if self.encoder.first_descends() {
            u64::MAX
        } else {
            0
        };
        for i in 0..count {
            let ordered = self.entries[i].prefix ^ flip;
            let value = match self.form {
                Form::Integers => ValueRef::Integer(integer_of(ordered)),
                _ => ValueRef::Real(real_of(ordered)),
            };
            let key = self.keys.len() as u32;
            self.candidate.clear();
            self.encoder.encode_single(value, &mut self.candidate);
            let (prefix, prefix_low) = self.append_candidate();
            let entry = &mut self.entries[i];
            (entry.prefix, entry.prefix_low, entry.key) = (prefix, prefix_low, key);
        }
        self.form = Form::Bytes;
    }

    /// Encodes row `n` and appends its key; returns the prefix.
    fn append_key(&mut self, values: &[Values<'_>], n: usize) -> Prefix {
        self.candidate.clear();
        self.encoder.encode(values, n, &mut self.candidate);
        self.append_candidate()
    }

    fn append_candidate(&mut self) -> Prefix {
        self.keys
            .extend_from_slice(&(self.candidate.len() as u32).to_le_bytes());
        self.keys.extend_from_slice(&self.candidate);
        self.encoder.prefix(&self.candidate)
    }

    /// Encodes row `n` as the candidate; whether it can be among the best.
    pub(super) fn may_matter(&mut self, values: &[Values<'_>], n: usize) -> bool {
        self.form = Form::Bytes;
        self.candidate.clear();
        self.encoder.encode(values, n, &mut self.candidate);
        self.candidate_prefix = self.encoder.prefix(&self.candidate);
        match &self.worst {
            None => true,
            Some((prefix, key)) => {
                let order = self.candidate_prefix.cmp(prefix);
                order.then_with(|| self.encoder.compare(&self.candidate, key)) == Ordering::Less
            }
        }
    }

    /// Adds the candidate.
    pub(super) fn push_keyed(&mut self, place: u32) {
        let key = self.keys.len() as u32;
        self.append_candidate();
        let (prefix, prefix_low) = self.candidate_prefix;
        self.entries.push(Entry {
            prefix,
            prefix_low,
            place,
            key,
        });
    }

    /// Keeps the best `count` and remembers the worst of them.
    pub(super) fn keep_best(&mut self, count: usize) {
        self.sort();
        self.truncate(count);
        let mut keys = Vec::with_capacity(self.keys.len().min(count * 32));
        for i in 0..self.entries.len() {
            let start = keys.len() as u32;
            let key = self.key(i);
            keys.extend_from_slice(&(key.len() as u32).to_le_bytes());
            keys.extend_from_slice(key);
            self.entries[i].key = start;
        }
        self.keys = keys;
        let last = self.entries.len().checked_sub(1).filter(|last| last + 1 == count);
        self.worst = last.map(|last| (self.entries[last].prefixes(), self.key(last).to_vec()));
        // S1: from here on places are given anew in key order; rows that come later have higher ones.
    }

    /// Sorts by key, rows of one key by place.
    pub(super) fn sort(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        let by_prefix = |a: &Entry, b: &Entry| a.prefixes().cmp(&b.prefixes());
        // Entries come in the order of their places, and sorting by bytes keeps it.
        let sorted = entries.is_sorted_by(|a, b| by_prefix(a, b) != Ordering::Greater)
            || (entries.is_sorted_by_key(|entry| entry.place) && sort_by_prefix(&mut entries));
        match self.form {
            Form::Bytes if sorted => self.sort_equal_prefixes(&mut entries),
            Form::Bytes => {
                entries.sort_unstable_by(|a, b| by_prefix(a, b).then_with(|| self.compare_keys(a, b)))
            }
            _ if sorted => {}
            _ => entries.sort_unstable_by_key(|entry| (entry.prefix, entry.place)),
        }
        self.entries = entries;
    }

    /// Sorts each run of entries that agree in the prefix by the whole keys.
    fn sort_equal_prefixes(&self, entries: &mut [Entry]) {
        for run in entries.chunk_by_mut(|a, b| a.prefixes() == b.prefixes()) {
            if run.len() > 1 {
                run.sort_unstable_by(|a, b| self.compare_keys(a, b));
            }
        }
    }

    /// The order of two entries whose prefixes are equal.
    fn compare_keys(&self, a: &Entry, b: &Entry) -> Ordering {
        let order = self
            .encoder
            .compare(key_at(&self.keys, a.key), key_at(&self.keys, b.key));
        order.then(a.place.cmp(&b.place))
    }

    /// Keeps the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.entries.truncate(count);
    }

    /// The places in the order of the entries.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|entry| entry.place)
    }

    /// The places of `count` entries from `first` on, in their order.
    pub(super) fn places_of(&self, first: usize, count: usize) -> impl Iterator<Item = u32> + '_ {
        let rest = self.entries.get(first..).unwrap_or_default();
        rest.iter().take(count).map(|entry| entry.place)
    }

    /// Gives each entry, in order, its new place.
    pub(super) fn replace_places(&mut self, places: &[u32]) {
        self.entries
            .iter_mut()
            .zip(places)
            .for_each(|(entry, place)| entry.place = *place);
    }

    /// The byte key of an entry, encoding it when only the number is kept.
    pub(super) fn key_bytes<'k>(&'k self, entry: usize, scratch: &'k mut Vec<u8>) -> &'k [u8] {
        let flip = if self.encoder.first_descends() {
            u64::MAX
        } else {
            0
        };
        let ordered = self.entries[entry].prefix ^ flip;
        let value = match self.form {
            Form::Bytes | Form::Unknown => return self.key(entry),
            Form::Integers => ValueRef::Integer(integer_of(ordered)),
            Form::Reals => ValueRef::Real(real_of(ordered)),
        };
        scratch.clear();
        self.encoder.encode_single(value, scratch);
        scratch
    }

    fn key(&self, entry: usize) -> &[u8] {
        key_at(&self.keys, self.entries[entry].key)
    }
}

#[inline]
fn key_at(keys: &[u8], at: u32) -> &[u8] {
    let at = at as usize;
    let len = u32::from_le_bytes([keys[at], keys[at + 1], keys[at + 2], keys[at + 3]]) as usize;
    &keys[at + 4..at + 4 + len]
}
