//! Rows of several classes without bytes: integers and reals, mostly, as columns of DECIMAL hold them.

use super::{Class, Vector};

impl Vector {
    /// Appends rows whose slots are all there is to them: integers, reals, NULLs. The vector is of one class afterwards if the rows are.
    #[inline]
    pub(crate) fn extend_classed(&mut self, rows: impl Iterator<Item = (Class, u64)>) {
        let before = self.slots.len();
        if !self.mixed || before == 0 {
            self.classes.clear();
            self.classes.resize(before, self.class);
        }
        let was_mixed = self.mixed && before > 0;
        let (low, _) = rows.size_hint();
        self.slots.reserve(low);
        self.classes.reserve(low);
        let mut seen = 0_u32;
        for (class, slot) in rows {
            seen |= 1 << class as u32;
            self.slots.push(slot);
            self.classes.push(class);
        }
        let Some(&class) = self.classes.last() else {
            return;
        };
        if before > 0 {
            seen |= 1 << self.class as u32;
        }
        self.mixed = was_mixed || !seen.is_power_of_two();
        if !self.mixed {
            self.class = class;
        }
    }

    /// Appends those rows of a vector without bytes that `rows` names, in that order; false when it has bytes.
    pub(super) fn extend_without_bytes(&mut self, other: &Vector, rows: &[u32]) -> bool {
        if !other.mixed || !other.heap.is_empty() || self.slots.is_empty() && rows.is_empty() {
            return false;
        }
        let row = |row: &u32| (other.classes[*row as usize], other.slots[*row as usize]);
        self.extend_classed(rows.iter().map(row));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    #[test]
    fn rows_with_their_classes_are_kept_and_one_class_is_noticed() {
        let one = |value: i64| (Class::Integer, value as u64);
        let real = |value: f64| (Class::Real, value.to_bits());
        let mut vector = Vector::new();
        vector.extend_classed([real(0.5), real(1.5)].into_iter());
        assert_eq!(vector.uniform_class(), Some(Class::Real));
        vector.extend_classed([real(2.5)].into_iter());
        assert_eq!(vector.uniform_class(), Some(Class::Real));
        vector.extend_classed([one(1), one(2)].into_iter());
        assert_eq!(vector.uniform_class(), None);
        vector.push_real(3.5);
        vector.extend_classed([one(3)].into_iter());
        vector.check_invariants();
        let mut picked = Vector::of(ValueRef::Text(b"x"));
        picked.extend_selected(&vector, &[6, 2, 3]);
        picked.check_invariants();
        let rows: Vec<_> = (0..picked.len()).map(|row| picked.get(row)).collect();
        assert_eq!(
            rows,
            [
                ValueRef::Text(b"x"),
                ValueRef::Integer(3),
                ValueRef::Real(2.5),
                ValueRef::Integer(1)
            ]
        );
        vector.clear();
        vector.extend_classed([one(1)].into_iter());
        assert_eq!(vector.uniform_class(), Some(Class::Integer));
        let mut text = Vector::of(ValueRef::Text(b"x"));
        text.extend_classed([one(7)].into_iter());
        assert_eq!(text.get(0), ValueRef::Text(b"x"));
        assert_eq!(text.get(1), ValueRef::Integer(7));
    }
}
