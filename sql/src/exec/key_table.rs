//! A hash table from rows of key values to numbers 0, 1, 2, .. in order of first appearance.
//!
//! Groups, DISTINCT, UNION, INTERSECT, EXCEPT, IN (SELECT) and memos are all this table with something beside it that the number
//! points into. Two rows are one key when each pair of values is equal in SQL: 1 is 1.0, texts are equal by
//! their collation, NULL is NULL.
//!
//! ```text
//!   one integer column    entry (integer, number)
//!   all else              entry (hash, number) ─▶ canonical bytes of the key: equal keys, equal bytes
//!
//!   canonical bytes       tag, then: integer 8 bytes; real 8 bytes; text, blob: length 4 bytes, bytes
//! ```
//!
//! A table starts in the integer form and moves to bytes when another value comes. An application's collation has no canonical bytes: texts of such a
//! column are first replaced by a number from a dictionary that is ordered by the collation.

use std::cmp::Ordering;
use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::kernel::Values;
use super::{Class, Vector};
use crate::error::Result;
use crate::value::{Collation, ValueRef};

/// The number of a key that is not in the table.
pub(crate) const ABSENT: u32 = u32::MAX;

/// See the module's head.
pub(crate) struct KeyTable {
    columns: Vec<KeyColumn>,
    form: Form,
    len: u32,
    /// The number of the NULL key in the integer form.
    null: Option<u32>,
    integers: HashTable<(i64, u32)>,
    hashes: HashTable<(u64, u32)>,
    /// Canonical bytes of all keys, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The canonical bytes of the key at hand.
    key: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Integers,
    Bytes,
}

/// How texts of a column become bytes.
enum KeyColumn {
    Binary,
    NoCase,
    RTrim,
    Custom(Dictionary),
    /// Values are equal only when their classes are, too.
    Exact,
}

impl KeyTable {
    /// An empty table for keys of as many columns as there are collations.
    pub(crate) fn new(collations: &[Collation]) -> KeyTable {
        KeyTable::of_columns(collations.iter().map(KeyColumn::of).collect())
    }

    /// An empty table in which a key has to agree in class as well.
    pub(crate) fn exact(width: usize) -> KeyTable {
        KeyTable::of_columns((0..width).map(|_| KeyColumn::Exact).collect())
    }

    fn of_columns(columns: Vec<KeyColumn>) -> KeyTable {
        let form = KeyTable::first_form(&columns);
        KeyTable {
            columns,
            form,
            len: 0,
            null: None,
            integers: HashTable::new(),
            hashes: HashTable::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            key: Vec::new(),
        }
    }

    fn first_form(columns: &[KeyColumn]) -> Form {
        if columns.len() == 1 {
            Form::Integers
        } else {
            Form::Bytes
        }
    }

    /// Forgets all keys and keeps memory.
    pub(crate) fn clear(&mut self) {
        self.form = KeyTable::first_form(&self.columns);
        self.len = 0;
        self.null = None;
        self.integers.clear();
        self.hashes.clear();
        self.bytes.clear();
        self.ends.clear();
        self.columns.iter_mut().for_each(KeyColumn::clear);
    }

    /// Forgets all keys and gives memory back.
    pub(crate) fn release(&mut self) {
        self.clear();
        self.integers = HashTable::new();
        self.hashes = HashTable::new();
        self.bytes = Vec::new();
        self.ends = Vec::new();
    }

    /// How many keys there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> usize {
        (self.integers.capacity() + self.hashes.capacity()) * 19
            + self.bytes.capacity()
            + self.ends.capacity() * 8
    }

    /// A hash of key `n`: the same for equal keys, as long as the table is not cleared.
    pub(crate) fn hash_of(&mut self, keys: &[Values<'_>], n: usize) -> u64 {
        self.encode(keys, n);
        hash_bytes(&self.key)
    }

    /// The hash and the canonical bytes of key `n`; they stay the same until the table is cleared.
    pub(crate) fn encoded(&mut self, keys: &[Values<'_>], n: usize) -> (u64, &[u8]) {
        self.encode(keys, n);
        (hash_bytes(&self.key), &self.key)
    }

    /// Calls `visit` with hash and canonical bytes of all keys, in the order of both, and forgets the keys. What the bytes mean stays.
    pub(crate) fn drain_sorted(&mut self, mut visit: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        if self.form == Form::Integers {
            let integers = self.integers.iter().map(|(key, _)| Some(*key));
            let keys = integers.chain(self.null.map(|_| None));
            let exact = matches!(self.columns.first(), Some(KeyColumn::Exact));
            let encode = |key: Option<i64>| {
                let mut bytes = Vec::with_capacity(9);
                encode_value(key.map_or(ValueRef::Null, ValueRef::Integer), exact, &mut bytes);
                bytes
            };
            let hashed = keys.map(|key| (hash_bytes(&encode(key)), key));
            let mut sorted: Vec<(u64, Option<i64>)> = hashed.collect();
            sorted.sort_unstable_by_key(|(hash, _)| *hash);
            for run in sorted.chunk_by(|a, b| a.0 == b.0) {
                let mut bytes: Vec<Vec<u8>> = run.iter().map(|(_, key)| encode(*key)).collect();
                bytes.sort_unstable();
                bytes.iter().try_for_each(|bytes| visit(run[0].0, bytes))?;
            }
        } else {
            let mut sorted: Vec<(u64, u32)> = self.hashes.iter().copied().collect();
            let bytes = |number: u32| key_bytes(&self.bytes, &self.ends, number);
            sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| bytes(a.1).cmp(bytes(b.1))));
            sorted
                .into_iter()
                .try_for_each(|(hash, number)| visit(hash, bytes(number)))?;
        }
        self.len = 0;
        self.null = None;
        (self.integers, self.hashes) = (HashTable::new(), HashTable::new());
        (self.bytes, self.ends) = (Vec::new(), Vec::new());
        Ok(())
    }

    /// Puts the number of each of the `len` keys whose columns are `keys` into `numbers`; keys that are not there yet are added. A key is new
    /// where its number is the count of keys before it.
    pub(crate) fn insert(&mut self, keys: &[Values<'_>], len: usize, numbers: &mut Vec<u32>) {
        numbers.clear();
        if self.form == Form::Integers {
            self.insert_integers(keys[0], len, numbers);
        }
        if numbers.len() < len {
            self.become_bytes();
        }
        for n in numbers.len()..len {
            self.encode(keys, n);
            let number = self.insert_encoded();
            numbers.push(number);
        }
    }

    /// As [`KeyTable::insert`] for keys `from..` of one row, without a list.
    pub(crate) fn insert_one(&mut self, keys: &[Values<'_>], n: usize) -> u32 {
        if self.form == Form::Integers {
            match keys[0].get(n) {
                ValueRef::Integer(key) => return self.insert_integer(key),
                ValueRef::Null => return self.insert_null(),
                _ => self.become_bytes(),
            }
        }
        self.encode(keys, n);
        self.insert_encoded()
    }

    /// The number of key `n`, or [`ABSENT`].
    pub(crate) fn find(&mut self, keys: &[Values<'_>], n: usize) -> u32 {
        if self.form == Form::Integers {
            match keys[0].get(n) {
                ValueRef::Integer(key) => return self.find_integer(key),
                ValueRef::Null => return self.null.unwrap_or(ABSENT),
                // 1.0 may be there as 1; nothing else can be.
                ValueRef::Real(key) if !matches!(self.columns[0], KeyColumn::Exact) => {
                    return integral(key).map_or(ABSENT, |key| self.find_integer(key));
                }
                _ => return ABSENT,
            }
        }
        self.encode(keys, n);
        let hash = hash_bytes(&self.key);
        let KeyTable {
            hashes,
            bytes,
            ends,
            key,
            ..
        } = self;
        let found = hashes.find(hash, |(other, number)| {
            *other == hash && key_bytes(bytes, ends, *number) == key
        });
        found.map_or(ABSENT, |(_, number)| *number)
    }

    /// Puts the number of each of `len` keys into `numbers`, [`ABSENT`] where there is none.
    pub(crate) fn find_all(&mut self, keys: &[Values<'_>], len: usize, numbers: &mut Vec<u32>) {
        numbers.clear();
        match (self.form, keys.first()) {
            (Form::Integers, Some(key)) if key.uniform_class() == Some(Class::Integer) && len > 0 => {
                numbers.extend((0..len).map(|n| self.find_integer(key.slot(n) as i64)));
            }
            _ => (0..len).for_each(|n| {
                let number = self.find(keys, n);
                numbers.push(number);
            }),
        }
    }

    fn insert_integers(&mut self, keys: Values<'_>, len: usize, numbers: &mut Vec<u32>) {
        if keys.uniform_class() == Some(Class::Integer) && !keys.is_constant() {
            numbers.extend((0..len).map(|n| self.insert_integer(keys.slot(n) as i64)));
            return;
        }
        for n in 0..len {
            match keys.get(n) {
                ValueRef::Integer(key) => numbers.push(self.insert_integer(key)),
                ValueRef::Null => numbers.push(self.insert_null()),
                _ => return,
            }
        }
    }

    #[inline]
    fn insert_integer(&mut self, key: i64) -> u32 {
        let len = self.len;
        let entry = self.integers.entry(
            hash_integer(key),
            |(other, _)| *other == key,
            |(other, _)| hash_integer(*other),
        );
        let number = entry.or_insert((key, len)).get().1;
        self.len += u32::from(number == len);
        number
    }

    #[inline]
    fn find_integer(&self, key: i64) -> u32 {
        self.integers
            .find(hash_integer(key), |(other, _)| *other == key)
            .map_or(ABSENT, |(_, number)| *number)
    }

    fn insert_null(&mut self) -> u32 {
        let len = self.len;
        let number = *self.null.get_or_insert(len);
        self.len += u32::from(number == len);
        number
    }

    /// Leaves the integer form: its keys are encoded in the order of their numbers.
    #[cold]
    fn become_bytes(&mut self) {
        if self.form == Form::Bytes {
            return;
        }
        self.form = Form::Bytes;
        let mut keys = vec![None; self.len as usize];
        self.integers
            .iter()
            .for_each(|(key, number)| keys[*number as usize] = Some(*key));
        self.integers.clear();
        self.len = 0;
        self.null = None;
        let exact = matches!(self.columns[0], KeyColumn::Exact);
        for key in keys {
            self.key.clear();
            let value = key.map_or(ValueRef::Null, ValueRef::Integer);
            encode_value(value, exact, &mut self.key);
            self.insert_encoded();
        }
    }

    #[inline]
    fn encode(&mut self, keys: &[Values<'_>], n: usize) {
        self.key.clear();
        for (column, values) in self.columns.iter_mut().zip(keys) {
            column.encode(values.get(n), &mut self.key);
        }
    }

    #[inline]
    fn insert_encoded(&mut self) -> u32 {
        let hash = hash_bytes(&self.key);
        let KeyTable {
            hashes,
            bytes,
            ends,
            key,
            len,
            ..
        } = self;
        let entry = hashes.entry(
            hash,
            |(other, number)| *other == hash && key_bytes(bytes, ends, *number) == key,
            |(other, _)| *other,
        );
        let number = entry.or_insert((hash, *len)).get().1;
        if number == *len {
            bytes.extend_from_slice(key);
            ends.push(bytes.len());
            *len += 1;
        }
        number
    }
}

#[inline]
fn key_bytes<'b>(bytes: &'b [u8], ends: &[usize], number: u32) -> &'b [u8] {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &bytes[start..ends[number]]
}

/// Spreads an integer over all bits: the table takes its place from the low ones and a tag from the high ones.
#[inline]
pub(crate) fn hash_integer(key: i64) -> u64 {
    let product = u128::from(key as u64 ^ 0x2545_f491_4f6c_dd1d) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

#[inline]
fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// The integer that a real equals.
#[inline]
pub(crate) fn integral(real: f64) -> Option<i64> {
    const LIMIT: f64 = -(i64::MIN as f64);
    let inside = (-LIMIT..LIMIT).contains(&real) && real.trunc() == real;
    inside.then_some(real as i64)
}

impl KeyColumn {
    fn of(collation: &Collation) -> KeyColumn {
        match collation {
            Collation::Binary => KeyColumn::Binary,
            Collation::NoCase => KeyColumn::NoCase,
            Collation::RTrim => KeyColumn::RTrim,
            Collation::Custom(_) => KeyColumn::Custom(Dictionary::new(collation.clone())),
        }
    }

    fn clear(&mut self) {
        if let KeyColumn::Custom(dictionary) = self {
            dictionary.clear();
        }
    }

    #[inline]
    fn encode(&mut self, value: ValueRef<'_>, out: &mut Vec<u8>) {
        match (&mut *self, value) {
            (KeyColumn::NoCase, ValueRef::Text(text)) => {
                let start = out.len();
                encode_bytes(TAG_TEXT, text, out);
                let folded = &mut out[start + 5..];
                folded.make_ascii_lowercase();
                // What is behind a NUL counts by its length only.
                if let Some(end) = memchr::memchr(0, folded) {
                    folded[end..].fill(0);
                }
            }
            (KeyColumn::RTrim, ValueRef::Text(text)) => {
                let end = text
                    .iter()
                    .rposition(|byte| *byte != b' ')
                    .map_or(0, |last| last + 1);
                encode_bytes(TAG_TEXT, &text[..end], out);
            }
            (KeyColumn::Custom(dictionary), ValueRef::Text(text)) => {
                out.push(TAG_TEXT);
                out.extend_from_slice(&dictionary.number(text).to_le_bytes());
            }
            (column, value) => encode_value(value, matches!(column, KeyColumn::Exact), out),
        }
    }
}

const TAG_NULL: u8 = 0;
const TAG_INTEGER: u8 = 1;
const TAG_REAL: u8 = 2;
const TAG_TEXT: u8 = 3;
const TAG_BLOB: u8 = 4;

#[inline]
fn encode_value(value: ValueRef<'_>, exact: bool, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.push(TAG_NULL),
        ValueRef::Integer(integer) => encode_number(TAG_INTEGER, integer as u64, out),
        ValueRef::Real(real) => match integral(real) {
            Some(integer) if !exact => encode_number(TAG_INTEGER, integer as u64, out),
            _ => encode_number(TAG_REAL, real.to_bits(), out),
        },
        ValueRef::Text(text) => encode_bytes(TAG_TEXT, text, out),
        ValueRef::Blob(blob) => encode_bytes(TAG_BLOB, blob, out),
    }
}

#[inline]
fn encode_number(tag: u8, bits: u64, out: &mut Vec<u8>) {
    let mut bytes = [tag; 9];
    bytes[1..].copy_from_slice(&bits.to_le_bytes());
    out.extend_from_slice(&bytes);
}

#[inline]
fn encode_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let mut head = [tag; 5];
    head[1..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(bytes);
}

/// Numbers for the texts that an application's collation tells apart.
struct Dictionary {
    collation: Collation,
    texts: Vector,
    /// Rows of `texts` in the collation's order.
    order: Vec<u32>,
}

impl Dictionary {
    fn new(collation: Collation) -> Dictionary {
        Dictionary {
            collation,
            texts: Vector::new(),
            order: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.texts.clear();
        self.order.clear();
    }

    fn number(&mut self, text: &[u8]) -> u32 {
        let compare = |row: &u32| -> Ordering {
            let other = self.texts.bytes_of(self.texts.slots()[*row as usize]);
            self.collation.compare(other, text)
        };
        match self.order.binary_search_by(compare) {
            Ok(place) => self.order[place],
            Err(place) => {
                let number = self.texts.len() as u32;
                self.texts.push_bytes(Class::Text, text);
                self.order.insert(place, number);
                number
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::compare;
    use std::sync::Arc;

    fn numbers(table: &mut KeyTable, columns: &[&[ValueRef<'_>]]) -> Vec<u32> {
        let mut vectors = vec![Vector::new(); columns.len()];
        for (vector, values) in vectors.iter_mut().zip(columns) {
            values.iter().for_each(|value| vector.push(*value));
        }
        let keys: Vec<_> = vectors.iter().map(Values::dense).collect();
        let mut numbers = Vec::new();
        table.insert(&keys, columns[0].len(), &mut numbers);
        for (n, number) in numbers.iter().enumerate() {
            assert_eq!(table.find(&keys, n), *number);
        }
        numbers
    }

    #[test]
    fn equal_keys_have_one_number() {
        use ValueRef::*;
        let mut table = KeyTable::new(&[Collation::Binary]);
        assert_eq!(
            numbers(&mut table, &[&[Integer(7), Null, Integer(7), Integer(-1), Null]]),
            [0, 1, 0, 2, 1]
        );
        let more = [Real(7.0), Text(b"7"), Real(0.5), Blob(b"7"), Integer(-1), Null];
        assert_eq!(numbers(&mut table, &[&more]), [0, 3, 4, 5, 2, 1]);
        assert_eq!(table.len(), 6);
        table.clear();
        assert_eq!(numbers(&mut table, &[&[Integer(1)]]), [0]);
    }

    #[test]
    fn collations_fold() {
        use ValueRef::*;
        let reversed = aludel_storage::format::CustomCollation {
            missing: false,
            name: "FIRST_BYTE".into(),
            compare: Box::new(|a, b| a.first().cmp(&b.first())),
        };
        let collations = [
            Collation::NoCase,
            Collation::RTrim,
            Collation::Custom(Arc::new(reversed)),
        ];
        let mut table = KeyTable::new(&collations);
        let first = [Text(b"A"), Text(b"a"), Text(b"a"), Text(b"b")];
        let second = [Text(b"x "), Text(b"x"), Text(b"x  "), Text(b"x")];
        let third = [Text(b"pq"), Text(b"pr"), Text(b"q"), Text(b"p")];
        assert_eq!(numbers(&mut table, &[&first, &second, &third]), [0, 0, 1, 2]);
    }

    #[test]
    fn keys_are_one_where_values_compare_equal() {
        use ValueRef::*;
        let samples = [
            Null,
            Integer(0),
            Real(-0.0),
            Integer(1 << 53),
            Real(9007199254740992.0),
            Integer((1 << 53) + 1),
            Integer(i64::MAX),
            Real(9223372036854775808.0),
            Text(b""),
            Text(b"a"),
            Text(b"A"),
            Text(b"a "),
            Text(b" a"),
            Text(b"a\0"),
            Text(b"A\0"),
            Text(b"a\0b"),
            Text(b"A\0c"),
            Text(b"a\0bc"),
            Text(b"a\0\0d"),
            Text(b"ab"),
            Text(b"a\0 "),
            Blob(b""),
            Blob(b"a"),
            Blob(b"A"),
        ];
        for collation in [Collation::Binary, Collation::NoCase, Collation::RTrim] {
            for a in samples {
                for b in samples {
                    let mut table = KeyTable::new(std::slice::from_ref(&collation));
                    let one = numbers(&mut table, &[&[a, b]]) == [0, 0];
                    assert_eq!(
                        one,
                        compare(a, b, &collation).is_eq(),
                        "{a:?} {b:?} {collation:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn exact_tables_tell_classes_apart() {
        use ValueRef::*;
        let mut table = KeyTable::exact(1);
        assert_eq!(
            numbers(&mut table, &[&[Integer(1), Real(1.0), Integer(1)]]),
            [0, 1, 0]
        );
    }
}
