//! Rows with their sort keys, sorted in memory.
//!
//! Rows lie in a [`RowStore`]; what is sorted are small entries: the beginning of the key and the number of the row.
//!
//! ```text
//!   integers    (the key with its sign turned, number)          while there is one key and all its values are integers
//!   bytes       (first 8 bytes of the key, number) ─▶ the rest of the key
//!   values      (0, number) ─▶ key columns kept as values       when an application's collation takes part
//! ```
//!
//! Rows with equal keys stay in the order in which they came: the number decides last.

use std::cmp::Ordering;

use super::key::{ColumnOrder, KeyEncoder};
use crate::error::Result;
use crate::exec::kernel::Values;
use crate::exec::row_store::RowStore;
use crate::exec::{Batch, Class, Vector};
use crate::value::ValueRef;

/// See the module's head.
pub(crate) struct SortBuffer {
    encoder: KeyEncoder,
    form: Form,
    rows: RowStore,
    /// The place of each row in `rows`, by its number.
    places: Vec<u32>,
    entries: Vec<Entry>,
    /// The bytes of all keys, and where each ends, by number.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The key columns, by number.
    values: Vec<Vector>,
    next: usize,
    picks: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Integers,
    Bytes,
    Values,
}

#[derive(Clone, Copy)]
struct Entry {
    prefix: u64,
    number: u32,
}

impl SortBuffer {
    /// A buffer of rows of `width` columns, to be ordered by keys of these orders.
    pub(crate) fn new(width: usize, columns: Vec<ColumnOrder>) -> SortBuffer {
        let key_width = columns.len();
        let encoder = KeyEncoder::new(columns);
        SortBuffer {
            form: first_form(&encoder),
            encoder,
            rows: RowStore::new(width),
            places: Vec::new(),
            entries: Vec::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            values: vec![Vector::new(); key_width],
            next: 0,
            picks: Vec::new(),
        }
    }

    /// Forgets the rows.
    pub(crate) fn clear(&mut self) {
        self.form = first_form(&self.encoder);
        self.rows.clear();
        self.places.clear();
        self.entries.clear();
        self.bytes.clear();
        self.ends.clear();
        self.values.iter_mut().for_each(Vector::clear);
        self.next = 0;
    }

    /// Forgets the rows and gives large memory back.
    pub(crate) fn release(&mut self) {
        self.clear();
        self.places = Vec::new();
        self.entries = Vec::new();
        self.bytes = Vec::new();
        self.ends = Vec::new();
        self.values.iter_mut().for_each(Vector::release);
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> usize {
        let values: usize = self.values.iter().map(Vector::memory).sum();
        self.rows.memory() + self.entries.len() * 28 + self.bytes.len() + values
    }

    /// Adds the selected rows of `batch`, whose keys are `keys`.
    pub(crate) fn push(&mut self, batch: &Batch, keys: &[Values<'_>]) -> Result<()> {
        let SortBuffer { rows, places, .. } = self;
        rows.append(batch, |place| places.push(place))?;
        self.push_keys(keys, batch.selected_len());
        Ok(())
    }

    fn push_keys(&mut self, keys: &[Values<'_>], len: usize) {
        let start = self.entries.len();
        if self.form == Form::Integers {
            match integers_only(keys[0], len) {
                true => {
                    let descending = self.encoder.columns()[0].descending;
                    let prefix = |n: usize| integer_prefix(keys[0].slot(n) as i64, descending);
                    let entries = (0..len).map(|n| Entry {
                        prefix: prefix(n),
                        number: (start + n) as u32,
                    });
                    return self.entries.extend(entries);
                }
                false => self.become_bytes(),
            }
        }
        if self.form == Form::Values {
            for (column, values) in self.values.iter_mut().zip(keys) {
                values.append_to(column);
            }
            return self.entries.extend((start..start + len).map(|n| Entry {
                prefix: 0,
                number: n as u32,
            }));
        }
        for n in 0..len {
            let from = self.bytes.len();
            for (column, values) in keys.iter().enumerate() {
                self.encoder.encode(column, values.get(n), &mut self.bytes);
            }
            let prefix = prefix_of(&self.bytes[from..]);
            self.ends.push(self.bytes.len());
            self.entries.push(Entry {
                prefix,
                number: (start + n) as u32,
            });
        }
    }

    /// Leaves the integer form: a value of another class came.
    #[cold]
    fn become_bytes(&mut self) {
        self.form = Form::Bytes;
        let descending = self.encoder.columns()[0].descending;
        for entry in &mut self.entries {
            let from = self.bytes.len();
            let integer = integer_of_prefix(entry.prefix, descending);
            self.encoder
                .encode(0, ValueRef::Integer(integer), &mut self.bytes);
            entry.prefix = prefix_of(&self.bytes[from..]);
            self.ends.push(self.bytes.len());
        }
    }

    /// Sorts the rows; they can be taken from the first on then.
    pub(crate) fn sort(&mut self) {
        self.next = 0;
        let SortBuffer {
            form,
            entries,
            bytes,
            ends,
            values,
            encoder,
            ..
        } = self;
        match form {
            Form::Integers => entries.sort_unstable_by_key(|entry| (entry.prefix, entry.number)),
            Form::Bytes => entries.sort_unstable_by(|a, b| {
                let by_prefix = a.prefix.cmp(&b.prefix);
                let by_rest = || rest_of(bytes, ends, a.number).cmp(rest_of(bytes, ends, b.number));
                by_prefix.then_with(by_rest).then(a.number.cmp(&b.number))
            }),
            Form::Values => entries.sort_by(|a, b| compare_rows(encoder, values, a.number, b.number)),
        }
    }

    /// Appends up to `max` of the sorted rows to `out`, and says how many.
    pub(crate) fn take(&mut self, max: usize, out: &mut Batch) -> usize {
        let end = self.entries.len().min(self.next + max);
        let taken = end - self.next;
        self.picks.clear();
        self.picks.extend(
            self.entries[self.next..end]
                .iter()
                .map(|entry| self.places[entry.number as usize]),
        );
        for (column, vector) in out.columns.iter_mut().enumerate() {
            self.rows.gather(column, &self.picks, vector);
        }
        out.set_len(out.len() + taken);
        self.next = end;
        taken
    }

    /// The numbers of the rows in sorted order, counted in the order in which they came.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|entry| entry.number)
    }
}

fn first_form(encoder: &KeyEncoder) -> Form {
    match encoder.columns() {
        _ if !encoder.is_encodable() => Form::Values,
        [_] => Form::Integers,
        _ => Form::Bytes,
    }
}

fn integers_only(values: Values<'_>, len: usize) -> bool {
    match values.uniform_class() {
        Some(class) => class == Class::Integer,
        None => (0..len).all(|n| values.class(n) == Class::Integer),
    }
}

#[inline]
fn integer_prefix(integer: i64, descending: bool) -> u64 {
    let ordered = integer as u64 ^ 1 << 63;
    if descending { !ordered } else { ordered }
}

fn integer_of_prefix(prefix: u64, descending: bool) -> i64 {
    let ordered = if descending { !prefix } else { prefix };
    (ordered ^ 1 << 63) as i64
}

#[inline]
fn prefix_of(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut padded = [0; 8];
            padded[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(padded)
        }
    }
}

/// What follows the prefix; the whole key when it is shorter.
#[inline]
fn rest_of<'b>(bytes: &'b [u8], ends: &[usize], number: u32) -> &'b [u8] {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    let key = &bytes[start..ends[number]];
    key.get(8..).unwrap_or(key)
}

fn compare_rows(encoder: &KeyEncoder, values: &[Vector], a: u32, b: u32) -> Ordering {
    let orders = encoder.columns().iter().zip(values);
    let mut orders =
        orders.map(|(order, column)| order.compare(column.get(a as usize), column.get(b as usize)));
    orders
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}
