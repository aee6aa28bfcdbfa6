//! What a kernel is asked for and what it gives: rows of a batch, and a value for each.

use crate::exec::{Batch, Class, Vector};
use crate::value::ValueRef;

/// Rows of a batch that an evaluation is for, ascending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    /// The first so many.
    All(usize),
    /// These.
    Some(&'a [u32]),
}

impl<'a> Rows<'a> {
    /// The selected rows of a batch.
    #[inline]
    pub(crate) fn of(batch: &'a Batch) -> Rows<'a> {
        match batch.selection() {
            Some(rows) => Rows::Some(rows),
            None => Rows::All(batch.len()),
        }
    }

    /// How many.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Rows::All(len) => *len,
            Rows::Some(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position in the batch of the `n`-th.
    #[inline]
    pub(crate) fn row(&self, n: usize) -> usize {
        match self {
            Rows::All(_) => n,
            Rows::Some(rows) => rows[n] as usize,
        }
    }

    /// Their positions in the batch.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = u32> + 'a {
        (0..self.len()).map(move |n| self.row(n) as u32)
    }
}

/// One value for each row that an evaluation was asked for.
///
/// The values lie in a vector that the kernel or the batch owns: in order, or picked by positions, or one value that stands for all.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    vector: &'a Vector,
    place: Place<'a>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// Value n is row n of the vector.
    Dense,
    /// Value n is the row that the list names; in any order.
    Picked(&'a [u32]),
    /// Every value is row 0.
    Constant,
}

impl<'a> Values<'a> {
    /// The rows of a vector in their order.
    #[inline]
    pub fn dense(vector: &'a Vector) -> Values<'a> {
        Values {
            vector,
            place: Place::Dense,
            len: vector.len(),
        }
    }

    /// One row that stands for `len` values.
    #[inline]
    pub fn constant(vector: &'a Vector, len: usize) -> Values<'a> {
        Values {
            vector,
            place: Place::Constant,
            len,
        }
    }

    /// The rows of a vector that `picks` names.
    #[inline]
    pub(crate) fn picked(vector: &'a Vector, picks: &'a [u32]) -> Values<'a> {
        Values {
            vector,
            place: Place::Picked(picks),
            len: picks.len(),
        }
    }

    /// `rows` of a column.
    #[inline]
    pub(crate) fn of_column(vector: &'a Vector, rows: Rows<'a>) -> Values<'a> {
        match rows {
            Rows::All(len) => Values {
                vector,
                place: Place::Dense,
                len,
            },
            Rows::Some(picks) => Values::picked(vector, picks),
        }
    }

    /// What an operator computed into `vector`: one row when all its inputs were constant, else one a value.
    #[inline]
    pub(crate) fn computed(vector: &'a Vector, constant: bool, len: usize) -> Values<'a> {
        debug_assert_eq!(vector.len(), if constant { 1 } else { len }, "K1");
        let place = if constant { Place::Constant } else { Place::Dense };
        Values { vector, place, len }
    }

    /// How many values.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether one row stands for all values.
    #[inline]
    pub fn is_constant(&self) -> bool {
        matches!(self.place, Place::Constant)
    }

    /// Whether value n is row n of the vector.
    #[inline]
    pub fn is_dense(&self) -> bool {
        matches!(self.place, Place::Dense)
    }

    /// The vector that holds the values.
    #[inline]
    pub fn vector(&self) -> &'a Vector {
        self.vector
    }

    /// The row of the vector that holds value `n`.
    #[inline]
    pub fn row(&self, n: usize) -> usize {
        match self.place {
            Place::Dense => n,
            Place::Picked(picks) => picks[n] as usize,
            Place::Constant => 0,
        }
    }

    /// Value `n`.
    #[inline]
    pub fn get(&self, n: usize) -> ValueRef<'a> {
        self.vector.get(self.row(n))
    }

    /// The slot of value `n`.
    #[inline]
    pub(crate) fn slot(&self, n: usize) -> u64 {
        self.vector.slots()[self.row(n)]
    }

    /// The class of value `n` and its slot.
    #[inline(always)]
    pub(crate) fn classed(&self, n: usize) -> (Class, u64) {
        let row = self.row(n);
        (self.vector.class(row), self.vector.slots()[row])
    }

    /// The class of value `n`.
    #[inline]
    pub fn class(&self, n: usize) -> Class {
        self.vector.class(self.row(n))
    }

    /// The class that all values share, when the vector knows it.
    #[inline]
    pub fn uniform_class(&self) -> Option<Class> {
        self.vector.uniform_class()
    }

    /// All values in order.
    pub fn iter(self) -> impl Iterator<Item = ValueRef<'a>> + 'a {
        (0..self.len).map(move |n| self.get(n))
    }

    /// How many values a computation over these has to make: one when they are constant.
    #[inline]
    pub(crate) fn distinct_len(&self) -> usize {
        if self.is_constant() {
            self.len.min(1)
        } else {
            self.len
        }
    }

    /// The slots for a typed loop; values that do not lie densely are gathered in `scratch`.
    #[inline]
    pub(crate) fn slots<'b>(&self, scratch: &'b mut Vec<u64>) -> Slots<'b>
    where
        'a: 'b,
    {
        let slots = self.vector.slots();
        match self.place {
            Place::Dense => Slots::Rows(&slots[..self.len]),
            Place::Constant => Slots::Constant(slots[0]),
            Place::Picked(picks) => {
                scratch.clear();
                scratch.extend(picks.iter().map(|&row| slots[row as usize]));
                Slots::Rows(scratch)
            }
        }
    }

    /// Appends all values to `out`.
    pub fn append_to(&self, out: &mut Vector) {
        self.append_range_to(0..self.len, out);
    }

    /// Appends some of the values to `out`.
    pub(crate) fn append_range_to(&self, range: std::ops::Range<usize>, out: &mut Vector) {
        match self.place {
            Place::Dense => out.extend_range(self.vector, range),
            Place::Picked(picks) => out.extend_selected(self.vector, &picks[range]),
            Place::Constant => range.for_each(|_| out.push_from(self.vector, 0)),
        }
    }
}

/// Slots of values, for typed loops.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slots<'a> {
    /// One a value.
    Rows(&'a [u64]),
    /// One for all.
    Constant(u64),
}

/// Appends `compute(left, right)` for each pair to `out`, as slots of `class`. Two constants make one row.
#[inline(always)]
pub(crate) fn map_pairs(
    left: Slots<'_>,
    right: Slots<'_>,
    out: &mut Vector,
    class: Class,
    mut compute: impl FnMut(u64, u64) -> u64,
) {
    match (left, right) {
        (Slots::Rows(a), Slots::Rows(b)) => {
            out.extend_slots(class, a.iter().zip(b).map(|(&a, &b)| compute(a, b)));
        }
        (Slots::Rows(a), Slots::Constant(b)) => out.extend_slots(class, a.iter().map(|&a| compute(a, b))),
        (Slots::Constant(a), Slots::Rows(b)) => out.extend_slots(class, b.iter().map(|&b| compute(a, b))),
        (Slots::Constant(a), Slots::Constant(b)) => {
            out.extend_slots(class, std::iter::once(compute(a, b)));
        }
    }
}
