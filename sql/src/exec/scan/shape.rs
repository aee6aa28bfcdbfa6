//! Record headers that were seen before.
//!
//! The rows of a table mostly have few different headers: the same types and lengths of text again and again. Which value lies
//! where depends on nothing but the first bytes of the header, so what a walk over them has found is kept:
//!
//! ```text
//!   header   0c 03 02 02 09 01 07 07 | 0f 0f ..       wanted: columns 4 and 6
//!            └── the key: up to column 6 ──┘    ──▶   types 1 and 7, 7 and 16 bytes behind the start
//! ```
//!
//! A table whose headers differ from row to row gains nothing; that is noticed, and its headers are walked. So are the first ones.

use super::leaf::Field;

/// How many headers are kept: a power of two.
const KEPT: usize = 256;
/// Rows that are walked before anything is kept: short scans have no use for it.
const WALKED_FIRST: u32 = 64;
/// Looks between two decisions whether looking pays.
const LOOKS: u32 = 2048;
/// Bytes of a header that are looked at.
pub(super) const KEY_BYTES: usize = 16;

/// The headers seen for one list of wanted columns.
pub(super) struct Shapes {
    /// The list: how many columns lie in front of each wanted one, counted from the one before.
    skipped: Vec<u32>,
    /// The bytes of a header that tell where the wanted columns are.
    mask: u128,
    /// How many those are; 0 when headers are always walked.
    prefix: usize,
    keys: Vec<u128>,
    /// For each key the wanted values, with offsets from the record's start.
    fields: Vec<Field>,
    /// For each key the end of the last wanted value.
    ends: Vec<u32>,
    looks: u32,
    misses: u32,
}

impl Shapes {
    pub(super) fn new(skipped: &[u32]) -> Shapes {
        let columns = skipped.iter().map(|&skipped| skipped as usize + 1).sum::<usize>();
        // A header of a column or two is as quickly walked as looked up.
        let prefix = if (3..KEY_BYTES).contains(&columns) {
            columns + 1
        } else {
            0
        };
        Shapes {
            skipped: skipped.to_vec(),
            mask: u128::MAX.checked_shr(128 - 8 * prefix as u32).unwrap_or_default(),
            prefix,
            keys: Vec::new(),
            fields: Vec::new(),
            ends: Vec::new(),
            looks: 0,
            misses: 0,
        }
    }

    /// Whether these are the headers for a list of wanted columns.
    #[inline]
    pub(super) fn is_of(&self, skipped: &[u32]) -> bool {
        self.skipped == skipped
    }

    /// The key of the record that begins with `start`, if it has one.
    #[inline(always)]
    pub(super) fn key(&self, start: &[u8]) -> Option<u128> {
        if self.prefix == 0 {
            return None;
        }
        let start = start.first_chunk::<KEY_BYTES>()?;
        Some(u128::from_le_bytes(*start) & self.mask)
    }

    /// Puts the places of the wanted values of the record at `start` into `fields`, if such a header was seen, and says how far they reach.
    #[inline(always)]
    pub(super) fn find(&mut self, key: u128, start: u32, fields: &mut [Field]) -> Option<u32> {
        let slot = slot(key);
        self.looks += 1;
        // A slot that nothing was put in has the key 0, which only damage makes: a header is one byte long at least.
        if *self.keys.get(slot)? != key || key == 0 {
            return None;
        }
        let width = fields.len();
        let known = self.fields.get(slot * width..(slot + 1) * width)?;
        for (field, known) in fields.iter_mut().zip(known) {
            *field = Field {
                serial: known.serial,
                offset: start + known.offset,
            };
        }
        self.ends.get(slot).copied()
    }

    /// Keeps what was found for a key that was not there: the values' places in the record at `start`, and their end.
    #[inline(never)]
    pub(super) fn keep(&mut self, key: u128, start: u32, fields: &[Field], end: u32) {
        const LONG: u128 = u128::MAX / 0xff * 0x80;
        self.misses += 1;
        if self.keys.is_empty() {
            if self.looks < WALKED_FIRST {
                return;
            }
            self.keys.resize(KEPT, 0);
            self.fields.resize(KEPT * fields.len(), Field::default());
            self.ends.resize(KEPT, 0);
            self.misses = 0;
        }
        if self.looks >= LOOKS {
            if self.misses > LOOKS / 3 {
                self.prefix = 0;
                return;
            }
            (self.looks, self.misses) = (0, 0);
        }
        // The key tells all only when it holds all types, one byte each.
        let header_len = (key & 0xff) as usize;
        if key & LONG != 0 || header_len < self.prefix {
            return;
        }
        let (slot, width) = (slot(key), fields.len());
        let room = self.fields.get_mut(slot * width..(slot + 1) * width);
        let (Some(room), Some(kept_key), Some(kept_end)) =
            (room, self.keys.get_mut(slot), self.ends.get_mut(slot))
        else {
            return;
        };
        for (kept, field) in room.iter_mut().zip(fields) {
            *kept = Field {
                serial: field.serial,
                offset: field.offset - start,
            };
        }
        (*kept_key, *kept_end) = (key, end - start);
    }
}

#[inline(always)]
fn slot(key: u128) -> usize {
    let folded = (key as u64 ^ ((key >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (folded >> (64 - KEPT.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of a record that begins with these bytes.
    fn key_of(shapes: &Shapes, header: &[u8]) -> u128 {
        let mut start = [0; KEY_BYTES];
        start[..header.len()].copy_from_slice(header);
        shapes.key(&start).unwrap()
    }

    #[test]
    fn what_was_kept_is_found_and_nothing_else() {
        let mut shapes = Shapes::new(&[0, 0, 0]);
        let known = key_of(&shapes, &[4, 1, 2, 1]);
        let fields = [(1, 104), (2, 105), (1, 107)].map(|(serial, offset)| Field { serial, offset });
        let mut found = [Field::default(); 3];
        for _ in 0..2 * WALKED_FIRST {
            if shapes.find(known, 100, &mut found).is_none() {
                shapes.keep(known, 100, &fields, 108);
            }
        }
        assert_eq!(shapes.find(known, 200, &mut found), Some(8));
        assert_eq!(
            found.map(|field| (field.serial, field.offset)),
            [(1, 204), (2, 205), (1, 207)]
        );
        // Of zeros only, as where a page was lost: no slot has that, though an empty one looks like it.
        let zeros = key_of(&shapes, &[0, 0, 0, 0]);
        assert_eq!(shapes.find(zeros, 100, &mut found), None);
        let other = key_of(&shapes, &[4, 1, 2, 2]);
        assert_eq!(shapes.find(other, 100, &mut found), None);
        // A header that ends before the last wanted column says nothing of it.
        let short = key_of(&shapes, &[3, 1, 2, 9]);
        shapes.keep(short, 100, &fields, 108);
        assert_eq!(shapes.find(short, 100, &mut found), None);
    }
}
