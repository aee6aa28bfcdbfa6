//! A vector as bytes, for temporary files.
//!
//! ```text
//!   [class u8][mixed u8][rows u32][heap bytes u32][a class a row, when mixed][slots, 8 bytes each][heap]
//! ```

use super::{Class, Vector};

/// Bytes before the rows.
const HEAD: usize = 10;

impl Vector {
    /// Appends the rows as bytes.
    pub(crate) fn store(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.class as u8, u8::from(self.mixed)]);
        out.extend_from_slice(&(self.slots.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.heap.len() as u32).to_le_bytes());
        if self.mixed {
            out.extend(self.classes.iter().map(|class| *class as u8));
        }
        out.reserve(self.slots.len() * 8 + self.heap.len());
        self.slots
            .iter()
            .for_each(|slot| out.extend_from_slice(&slot.to_le_bytes()));
        out.extend_from_slice(&self.heap);
    }

    /// The vector that `bytes` begin with, and the bytes behind it; `None` when they are not what [`Vector::store`] wrote.
    pub(crate) fn restore(bytes: &[u8]) -> Option<(Vector, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (rows, heap_len) = (number(2) as usize, number(6) as usize);
        let mixed = head[1] != 0;
        let (classes, rest) = rest.split_at_checked(if mixed { rows } else { 0 })?;
        let (slots, rest) = rest.split_at_checked(rows.checked_mul(8)?)?;
        let (heap, rest) = rest.split_at_checked(heap_len)?;
        let slots = slots.as_chunks::<8>().0;
        let vector = Vector {
            class: class_of(head[0])?,
            mixed,
            overflowed: false,
            classes: classes
                .iter()
                .map(|class| class_of(*class))
                .collect::<Option<_>>()?,
            slots: slots.iter().map(|slot| u64::from_le_bytes(*slot)).collect(),
            heap: heap.to_vec(),
        };
        vector.points_into_heap().then_some((vector, rest))
    }

    /// I2.
    fn points_into_heap(&self) -> bool {
        let inside = |slot: u64| (slot >> 32) as usize + slot as u32 as usize <= self.heap.len();
        match self.mixed {
            true => (0..self.slots.len()).all(|n| !self.classes[n].has_bytes() || inside(self.slots[n])),
            false => !self.class.has_bytes() || self.slots.iter().all(|slot| inside(*slot)),
        }
    }
}

fn class_of(byte: u8) -> Option<Class> {
    let classes = [
        Class::Null,
        Class::Integer,
        Class::Real,
        Class::Text,
        Class::Blob,
        Class::Json,
    ];
    classes.into_iter().find(|class| *class as u8 == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    #[test]
    fn what_is_stored_comes_back() {
        let mut vectors = vec![Vector::new(); 3];
        (0..5).for_each(|n| vectors[1].push_integer(n));
        for value in [
            ValueRef::Null,
            ValueRef::Text(b"abc"),
            ValueRef::Real(0.5),
            ValueRef::Blob(b""),
            ValueRef::Text(b"[]"),
        ] {
            vectors[2].push(value);
        }
        vectors[2].mark_last_as_json();
        let mut bytes = Vec::new();
        vectors.iter().for_each(|vector| vector.store(&mut bytes));
        let mut rest = &bytes[..];
        for vector in &vectors {
            let (restored, behind) = Vector::restore(rest).unwrap();
            rest = behind;
            restored.check_invariants();
            assert_eq!(restored.len(), vector.len());
            for row in 0..vector.len() {
                assert_eq!(
                    (restored.class(row), restored.get(row)),
                    (vector.class(row), vector.get(row))
                );
            }
        }
        assert!(rest.is_empty());
        for len in 0..bytes.len() {
            let mut rest = Some(&bytes[..len]);
            while let Some(bytes) = rest.filter(|bytes| !bytes.is_empty()) {
                rest = Vector::restore(bytes).map(|(_, rest)| rest);
            }
        }
    }
}
