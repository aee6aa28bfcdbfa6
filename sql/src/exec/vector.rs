//! One column of a batch: 64-bit slots, a byte heap, and a storage class.
//!
//! SQLite types values, not columns, so a column of a batch may hold any mix of classes. In practice
//! nearly every batch column is of one class, and then the class is kept once and loops run on bare slots.
//!
//! ```text
//!   class   Text                   or   one a row: [Integer, Null, Text, ..]
//!   slots   [off|len] [off|len] ..      integer: the i64; real: the bits; text, blob: offset << 32 | length
//!   heap    b"MikeNickNike.."           bytes of texts and blobs
//! ```
//!
//! Invariants:
//! * I1 `slots.len()` is the number of rows; a per-row class list has the same length ([`Vector::check_invariants`]).
//! * I2 the slot of a text or blob points inside `heap`.
//! * I3 unless the vector is mixed, its class is the class of every row.

mod mixed;
mod stored;

use crate::functions::ValueSink;
use crate::value::ValueRef;

/// SQLite's storage classes, and text that is known to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// NULL.
    Null,
    /// A 64-bit signed integer.
    Integer,
    /// A 64-bit IEEE 754 number, never NaN.
    Real,
    /// Text: UTF-8, not proven to be valid.
    Text,
    /// Bytes.
    Blob,
    /// Text that a JSON function made: reads as text, and an enclosing JSON function takes it as JSON.
    Json,
}

impl Class {
    /// The storage class of one value.
    #[inline]
    pub fn of(value: ValueRef<'_>) -> Class {
        match value {
            ValueRef::Null => Class::Null,
            ValueRef::Integer(_) => Class::Integer,
            ValueRef::Real(_) => Class::Real,
            ValueRef::Text(_) => Class::Text,
            ValueRef::Blob(_) => Class::Blob,
        }
    }

    /// Whether the slot of such a value points into the heap.
    #[inline]
    pub fn has_bytes(self) -> bool {
        matches!(self, Class::Text | Class::Blob | Class::Json)
    }
}

/// What a slot's offset can address.
const HEAP_MAX: u64 = u32::MAX as u64;

/// A column of a [`Batch`](super::Batch): rows of any storage class, cheap to refill.
///
/// Cost: pushing a number is one `Vec` push; pushing text copies its bytes once. [`Vector::clear`] keeps
/// the memory, so a statement that runs again does not allocate.
///
/// ```
/// use aludel_sql::exec::{Class, Vector};
/// use aludel_sql::value::ValueRef;
///
/// let mut names = Vector::new();
/// names.push(ValueRef::Text(b"Mike"));
/// names.push(ValueRef::Null);
/// assert_eq!(names.get(0), ValueRef::Text(b"Mike"));
/// assert_eq!(names.uniform_class(), None);
/// assert_eq!(names.class(1), Class::Null);
/// ```
#[derive(Clone, Debug)]
pub struct Vector {
    /// The class of all rows while `mixed` is false.
    class: Class,
    mixed: bool,
    overflowed: bool,
    /// One class a row while `mixed` is true, else of no meaning.
    classes: Vec<Class>,
    slots: Vec<u64>,
    heap: Vec<u8>,
}

impl Default for Vector {
    fn default() -> Self {
        Vector::new()
    }
}

impl Vector {
    /// An empty vector; allocates nothing.
    pub const fn new() -> Vector {
        Vector {
            class: Class::Null,
            mixed: false,
            overflowed: false,
            classes: Vec::new(),
            slots: Vec::new(),
            heap: Vec::new(),
        }
    }

    /// So many empty vectors.
    pub fn empty(count: usize) -> Vec<Vector> {
        let mut vectors = Vec::with_capacity(count);
        vectors.resize_with(count, Vector::new);
        vectors
    }

    /// A vector of one row.
    pub fn of(value: ValueRef<'_>) -> Vector {
        let mut vector = Vector::new();
        vector.push(value);
        vector
    }

    /// The number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no row.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes held by texts and blobs.
    #[inline]
    pub fn heap_len(&self) -> usize {
        self.heap.len()
    }

    /// Bytes of memory that the rows take.
    pub fn memory(&self) -> usize {
        self.slots.len() * 8 + self.classes.len() + self.heap.len()
    }

    /// Forgets the rows and keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.slots.clear();
        self.heap.clear();
        self.mixed = false;
        self.overflowed = false;
    }

    /// Forgets the rows and gives large memory back.
    #[inline]
    pub fn release(&mut self) {
        const KEPT_BYTES: usize = 64 << 10;
        self.clear();
        if self.slots.capacity() > KEPT_BYTES / 8 || self.heap.capacity() > KEPT_BYTES {
            (self.slots, self.heap, self.classes) = Default::default();
        }
    }

    /// Makes room for `rows` more rows.
    #[inline]
    pub fn reserve(&mut self, rows: usize) {
        self.slots.reserve(rows);
    }

    /// The class that all rows share, if they share one. An empty vector has none.
    #[inline]
    pub fn uniform_class(&self) -> Option<Class> {
        if self.mixed || self.slots.is_empty() {
            None
        } else {
            Some(self.class)
        }
    }

    /// The class of row `row`.
    #[inline]
    pub fn class(&self, row: usize) -> Class {
        if self.mixed { self.classes[row] } else { self.class }
    }

    /// The raw slots: integers as they are, reals as bits, texts and blobs as offset and length.
    /// Of use together with [`Vector::uniform_class`].
    #[inline]
    pub fn slots(&self) -> &[u64] {
        &self.slots
    }

    /// The bytes of all texts and blobs, in row order.
    #[inline]
    pub(crate) fn heap(&self) -> &[u8] {
        &self.heap
    }

    /// The value of row `row`.
    #[inline]
    pub fn get(&self, row: usize) -> ValueRef<'_> {
        self.value_of(self.class(row), self.slots[row])
    }

    /// As [`get`](Self::get), for where a call would cost more than the value.
    #[inline(always)]
    pub(crate) fn read(&self, row: usize) -> ValueRef<'_> {
        self.value_of(self.class(row), self.slots[row])
    }

    /// The bytes behind a text or blob slot.
    #[inline]
    pub fn bytes_of(&self, slot: u64) -> &[u8] {
        let start = (slot >> 32) as usize;
        &self.heap[start..start + (slot as u32) as usize]
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.push_null(),
            ValueRef::Integer(v) => self.push_integer(v),
            ValueRef::Real(v) => self.push_real(v),
            ValueRef::Text(v) => self.push_bytes(Class::Text, v),
            ValueRef::Blob(v) => self.push_bytes(Class::Blob, v),
        }
    }

    /// Notes that the last row, a text, is JSON.
    pub(crate) fn mark_last_as_json(&mut self) {
        if self.slots.is_empty() || self.class(self.slots.len() - 1) != Class::Text {
            return;
        }
        if let Some(slot) = self.slots.pop() {
            self.classes.truncate(self.slots.len());
            self.push_slot(Class::Json, slot);
        }
    }

    /// Replaces all rows by one.
    #[inline]
    pub fn set(&mut self, value: ValueRef<'_>) {
        self.clear();
        self.push(value);
    }

    /// Appends NULL.
    #[inline]
    pub fn push_null(&mut self) {
        self.push_slot(Class::Null, 0);
    }

    /// Appends `count` NULLs.
    pub fn push_nulls(&mut self, count: usize) {
        for _ in 0..count {
            self.push_null();
        }
    }

    /// Appends an integer.
    #[inline]
    pub fn push_integer(&mut self, value: i64) {
        self.push_slot(Class::Integer, value as u64);
    }

    /// Appends a truth value: 1, 0 or NULL.
    #[inline]
    pub fn push_truth(&mut self, value: Option<bool>) {
        match value {
            Some(value) => self.push_integer(value.into()),
            None => self.push_null(),
        }
    }

    /// Appends a real; NaN is NULL in SQLite and so it is here.
    #[inline]
    pub fn push_real(&mut self, value: f64) {
        if value.is_nan() {
            self.push_null()
        } else {
            self.push_slot(Class::Real, value.to_bits())
        }
    }

    /// Appends a text or blob, copying its bytes.
    ///
    /// Slots address 4 GiB. Scans cut their batches long before; what goes beyond is not kept, and the vector
    /// [has overflowed](Vector::has_overflowed).
    #[inline]
    pub fn push_bytes(&mut self, class: Class, bytes: &[u8]) {
        let start = self.heap.len() as u64;
        if start + bytes.len() as u64 > HEAP_MAX {
            return self.overflow();
        }
        self.heap.extend_from_slice(bytes);
        self.push_slot(class, start << 32 | bytes.len() as u64);
    }

    #[cold]
    fn overflow(&mut self) {
        self.overflowed = true;
        self.push_null();
    }

    /// Whether the rows' texts were more than a vector holds, so that some rows are not what they should be.
    #[inline]
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Appends a value whose bytes the caller writes straight into the heap.
    pub fn push_bytes_with(&mut self, class: Class, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.heap.len();
        write(&mut self.heap);
        if self.heap.len() as u64 > HEAP_MAX {
            self.heap.truncate(start);
            return self.overflow();
        }
        let slot = (start as u64) << 32 | (self.heap.len() - start) as u64;
        self.push_slot(class, slot);
    }

    /// Appends row `row` of `other`, JSON mark included.
    #[inline]
    pub fn push_from(&mut self, other: &Vector, row: usize) {
        let (class, slot) = (other.class(row), other.slots[row]);
        match class.has_bytes() {
            true => self.push_bytes(class, other.bytes_of(slot)),
            false => self.push_slot(class, slot),
        }
    }

    /// Appends integers.
    #[inline]
    pub fn extend_integers(&mut self, values: impl Iterator<Item = i64>) {
        self.extend_slots(Class::Integer, values.map(|value| value as u64));
    }

    /// Appends slots of one class without bytes.
    #[inline]
    pub(crate) fn extend_slots(&mut self, class: Class, slots: impl Iterator<Item = u64>) {
        debug_assert!(!class.has_bytes());
        if self.accepts(class) {
            (self.class, self.mixed) = (class, false);
            self.slots.extend(slots);
        } else {
            slots.for_each(|slot| self.push_slot(class, slot));
        }
    }

    /// Appends the rows of `other` that `rows` names, in that order.
    pub fn extend_selected(&mut self, other: &Vector, rows: &[u32]) {
        match other.uniform_class() {
            Some(class) if !class.has_bytes() => {
                self.extend_slots(class, rows.iter().map(|&row| other.slots[row as usize]));
            }
            None if self.extend_without_bytes(other, rows) => {}
            _ => rows.iter().for_each(|&row| self.push_from(other, row as usize)),
        }
    }

    /// Appends the rows `range` of `other`.
    pub fn extend_range(&mut self, other: &Vector, range: std::ops::Range<usize>) {
        match other.uniform_class() {
            Some(class) if !class.has_bytes() => {
                self.extend_slots(class, other.slots[range].iter().copied());
            }
            Some(class) if self.accepts(class) && !range.is_empty() => self.extend_bytes(class, other, range),
            _ => range.for_each(|row| self.push_from(other, row)),
        }
    }

    /// Appends texts or blobs of one class; their bytes are copied in one piece when they lie in one piece.
    fn extend_bytes(&mut self, class: Class, other: &Vector, range: std::ops::Range<usize>) {
        let slots = &other.slots[range];
        let start = (slots[0] >> 32) as usize;
        let mut end = start;
        for slot in slots {
            if (slot >> 32) as usize != end {
                return slots
                    .iter()
                    .for_each(|&slot| self.push_bytes(class, other.bytes_of(slot)));
            }
            end += *slot as u32 as usize;
        }
        if (self.heap.len() + end - start) as u64 > HEAP_MAX {
            return slots
                .iter()
                .for_each(|&slot| self.push_bytes(class, other.bytes_of(slot)));
        }
        let base = self.heap.len() as u64;
        self.heap.extend_from_slice(&other.heap[start..end]);
        (self.class, self.mixed) = (class, false);
        let moved = |slot: &u64| slot.wrapping_sub((start as u64) << 32).wrapping_add(base << 32);
        self.slots.extend(slots.iter().map(moved));
    }

    /// Appends row `row` of this vector once more.
    #[inline]
    pub fn push_copy(&mut self, row: usize) {
        let (class, mut slot) = (self.class(row), self.slots[row]);
        if class.has_bytes() {
            let start = (slot >> 32) as usize;
            let len = slot as u32 as usize;
            slot = (self.heap.len() as u64) << 32 | len as u64;
            self.heap.extend_from_within(start..start + len);
        }
        self.push_slot(class, slot);
    }

    /// Appends texts that lie in `bytes` at the places given: offset and length.
    pub(crate) fn extend_texts(
        &mut self,
        bytes: &[u8],
        places: impl ExactSizeIterator<Item = (usize, usize)>,
    ) {
        const SHORT: usize = 32;
        self.slots.reserve(places.len());
        let mut places = places;
        let start = self.heap.len();
        if self.accepts(Class::Text) && places.len() > 0 && (start + places.len() * SHORT) as u64 <= HEAP_MAX
        {
            (self.class, self.mixed) = (Class::Text, false);
            // Short texts are copied with what follows them, a copy of known length, and the next one goes over that.
            self.heap.resize(start + places.len() * SHORT, 0);
            let mut end = start;
            let mut long = None;
            for (at, len) in places.by_ref() {
                let short = bytes.get(at..).and_then(|rest| rest.first_chunk::<SHORT>());
                let room = self
                    .heap
                    .get_mut(end..)
                    .and_then(|rest| rest.first_chunk_mut::<SHORT>());
                let (Some(short), Some(room), true) = (short, room, len <= SHORT) else {
                    long = Some((at, len));
                    break;
                };
                *room = *short;
                self.slots.push((end as u64) << 32 | len as u64);
                end += len;
            }
            self.heap.truncate(end);
            if let Some((at, len)) = long {
                self.push_bytes(Class::Text, bytes.get(at..at + len).unwrap_or_default());
            }
        }
        for (at, len) in places {
            let start = self.heap.len();
            let short = bytes.get(at..).and_then(|rest| rest.first_chunk::<SHORT>());
            match short {
                // A copy of known length is a few instructions; what is too much of it is cut off again.
                Some(short) if len <= SHORT && start as u64 + SHORT as u64 <= HEAP_MAX => {
                    self.heap.extend_from_slice(short);
                    self.heap.truncate(start + len);
                    self.push_slot(Class::Text, (start as u64) << 32 | len as u64);
                }
                _ => self.push_bytes(Class::Text, bytes.get(at..at + len).unwrap_or_default()),
            }
        }
    }

    /// Appends the text or blob that the slot of another vector names in that one's heap.
    #[inline]
    pub(crate) fn push_slice(&mut self, class: Class, heap: &[u8], slot: u64) {
        const SHORT: usize = 32;
        let (at, len) = ((slot >> 32) as usize, slot as u32 as usize);
        let start = self.heap.len();
        match heap.get(at..).and_then(|rest| rest.first_chunk::<SHORT>()) {
            Some(short) if len <= SHORT && start as u64 + SHORT as u64 <= HEAP_MAX => {
                self.heap.extend_from_slice(short);
                self.heap.truncate(start + len);
                self.push_slot(class, (start as u64) << 32 | len as u64);
            }
            _ => self.push_bytes(class, &heap[at..at + len]),
        }
    }

    /// Keeps the first `len` rows.
    pub fn truncate(&mut self, len: usize) {
        self.slots.truncate(len);
        self.classes.truncate(len);
        if len == 0 {
            self.clear();
        }
    }

    /// Asserts I1..I3; for tests.
    pub fn check_invariants(&self) {
        if self.mixed {
            assert_eq!(self.classes.len(), self.slots.len(), "I1");
        }
        for row in 0..self.len() {
            if self.class(row).has_bytes() {
                let slot = self.slots[row];
                let end = (slot >> 32) as usize + slot as u32 as usize;
                assert!(end <= self.heap.len(), "I2 at row {row}");
            }
        }
    }

    /// Whether rows of `class` can be added and leave the vector uniform.
    #[inline]
    fn accepts(&self, class: Class) -> bool {
        self.slots.is_empty() || (!self.mixed && self.class == class)
    }

    #[inline]
    fn push_slot(&mut self, class: Class, slot: u64) {
        if self.mixed || self.class != class {
            self.push_class(class);
        }
        self.slots.push(slot);
    }

    /// The slow side of a push: the class differs from that of the rows before, or rows are classed singly.
    #[cold]
    fn push_class(&mut self, class: Class) {
        let rows = self.slots.len();
        if rows == 0 {
            self.class = class;
            self.mixed = false;
            return;
        }
        if !self.mixed {
            self.mixed = true;
            self.classes.clear();
            self.classes.resize(rows, self.class);
        }
        self.classes.push(class);
    }

    #[inline(always)]
    fn value_of(&self, class: Class, slot: u64) -> ValueRef<'_> {
        match class {
            Class::Null => ValueRef::Null,
            Class::Integer => ValueRef::Integer(slot as i64),
            Class::Real => ValueRef::Real(f64::from_bits(slot)),
            Class::Text | Class::Json => ValueRef::Text(self.bytes_of(slot)),
            Class::Blob => ValueRef::Blob(self.bytes_of(slot)),
        }
    }
}

/// A function's result becomes a further row.
impl ValueSink for Vector {
    fn null(&mut self) {
        self.push_null();
    }
    fn integer(&mut self, value: i64) {
        self.push_integer(value);
    }
    fn real(&mut self, value: f64) {
        self.push_real(value);
    }
    fn text(&mut self, value: &[u8]) {
        self.push_bytes(Class::Text, value);
    }
    fn blob(&mut self, value: &[u8]) {
        self.push_bytes(Class::Blob, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_stays_uniform_until_a_row_differs() {
        let mut vector = Vector::new();
        for value in [3, 4, 5] {
            vector.push_integer(value);
        }
        assert_eq!(vector.uniform_class(), Some(Class::Integer));
        vector.push(ValueRef::Text(b"x"));
        vector.push(ValueRef::Real(0.5));
        vector.check_invariants();
        assert_eq!(vector.uniform_class(), None);
        let rows: Vec<_> = (0..vector.len()).map(|row| vector.get(row)).collect();
        assert_eq!(
            rows[2..],
            [ValueRef::Integer(5), ValueRef::Text(b"x"), ValueRef::Real(0.5)]
        );
    }

    #[test]
    fn a_cleared_vector_starts_uniform_again() {
        let mut vector = Vector::new();
        vector.push_null();
        vector.push_integer(1);
        vector.clear();
        vector.push_real(1.5);
        assert_eq!(vector.uniform_class(), Some(Class::Real));
        assert_eq!(vector.get(0), ValueRef::Real(1.5));
    }

    #[test]
    fn nan_becomes_null() {
        let mut vector = Vector::new();
        vector.push_real(f64::NAN);
        assert_eq!(vector.get(0), ValueRef::Null);
    }
}
