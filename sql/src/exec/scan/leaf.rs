//! Many rows of one leaf into column vectors, column by column.
//!
//! ```text
//!   1  cell pointers ──▶ where each record lies
//!   2  each record's header ──▶ type and place of each wanted value
//!   3  each column: one loop over types and places, chosen by which types occur
//! ```
//!
//! Each step is a short loop over small arrays. A leaf with a row that is not whole on the page, or has an unusual
//! header, goes row by row through the [`Decoder`].

use aludel_storage::btree::LeafRows;
use aludel_storage::format::{TextEncoding, record};
use aludel_storage::pager::Pager;

use super::decode::{Decoder, LENGTHS, Wanted, long_serial};
use super::shape::Shapes;
use crate::error::Result;
use crate::exec::{Class, Vector};
use crate::value::ValueRef;

/// Rows of a leaf, by their places on the page.
pub(super) trait PlaceList {
    /// How many.
    fn len(&self) -> usize;
    /// The place of the `n`-th.
    fn place(&self, n: usize) -> usize;
    /// The places when they follow each other.
    fn run(&self) -> Option<std::ops::Range<usize>> {
        None
    }
}

/// The arrays between the steps; kept for their memory.
#[derive(Default)]
pub(super) struct LeafDecoder {
    /// Start and length of each record in the page.
    records: Vec<(u32, u32)>,
    /// Row by row: the type and place of each wanted value.
    fields: Vec<Field>,
    /// For each list of wanted columns the headers that were seen.
    shapes: Vec<Shapes>,
}

/// A serial type and the place of its value in the page.
#[derive(Clone, Copy, Default)]
pub(super) struct Field {
    pub(super) serial: u32,
    pub(super) offset: u32,
}

/// Stands for a value that the record has not.
const MISSING: Field = Field {
    serial: MISSING_SERIAL,
    offset: 0,
};
const MISSING_SERIAL: u32 = u32::MAX;

impl LeafDecoder {
    /// Appends the rows of `leaf` at `places` to `columns`.
    pub(super) fn decode(
        &mut self,
        decoder: &Decoder,
        pager: &Pager,
        leaf: &LeafRows<'_>,
        places: &impl PlaceList,
        spill: &mut Vec<u8>,
        columns: &mut [Vector],
    ) -> Result<()> {
        if places.len() < FEW || !self.locate(decoder, leaf, places) {
            for n in 0..places.len() {
                decoder.decode_row(pager, &leaf.at(places.place(n))?, spill, columns)?;
            }
            return Ok(());
        }
        if let Some((&first, others)) = decoder.rowids.split_first() {
            for n in 0..places.len() {
                columns[first].push_integer(leaf.rowid_at(places.place(n))?);
            }
            for &output in others {
                if let Ok([source, out]) = columns.get_disjoint_mut([first, output]) {
                    out.extend_range(source, source.len() - places.len()..source.len());
                }
            }
        }
        let width = decoder.wanted.len();
        let fields = &self.fields[..width * places.len()];
        for (n, wanted) in decoder.wanted.iter().enumerate() {
            let fields = fields.get(n..).unwrap_or_default().iter().step_by(width).copied();
            fill(decoder, wanted, leaf.bytes(), fields, &mut columns[wanted.output])?;
        }
        for &(from, to) in &decoder.copies {
            let Ok([source, out]) = columns.get_disjoint_mut([from, to]) else {
                continue;
            };
            out.extend_range(source, source.len() - places.len()..source.len());
        }
        Ok(())
    }

    /// Steps 1 and 2; false when some row is not of the usual kind.
    fn locate(&mut self, decoder: &Decoder, leaf: &LeafRows<'_>, places: &impl PlaceList) -> bool {
        let LeafDecoder {
            records,
            fields,
            shapes,
        } = self;
        let width = decoder.wanted.len();
        if width == 0 {
            return true;
        }
        if fields.len() < width * places.len() {
            fields.resize(width * places.len(), MISSING);
        }
        let number = match shapes.iter().position(|shapes| shapes.is_of(&decoder.skipped)) {
            Some(number) => number,
            None => {
                shapes.push(Shapes::new(&decoder.skipped));
                shapes.len() - 1
            }
        };
        locate_records(leaf, places, records)
            && locate_fields(
                &decoder.skipped,
                leaf.bytes(),
                records,
                fields,
                &mut shapes[number],
            )
    }
}

/// Below this many rows the arrays do not pay.
const FEW: usize = 4;

/// Step 1. It and step 2 stay functions of their own, so that their loops have the registers for themselves.
#[inline(never)]
fn locate_records(leaf: &LeafRows<'_>, places: &impl PlaceList, records: &mut Vec<(u32, u32)>) -> bool {
    records.clear();
    if let Some(run) = places.run()
        && leaf.records_at(run, records)
    {
        return true;
    }
    records.clear();
    records.reserve(places.len());
    for n in 0..places.len() {
        let Some((start, len)) = leaf.record_at(places.place(n)) else {
            return false;
        };
        records.push((start as u32, len as u32));
    }
    true
}

/// Step 2: `skipped` says for each wanted column how many columns lie in front of it, counted from the one before.
#[inline(never)]
fn locate_fields(
    skipped: &[u32],
    page: &[u8],
    records: &[(u32, u32)],
    fields: &mut [Field],
    shapes: &mut Shapes,
) -> bool {
    for (&(start, len), fields) in records.iter().zip(fields.chunks_exact_mut(skipped.len())) {
        let key = shapes.key(page.get(start as usize..).unwrap_or_default());
        if let Some(key) = key
            && let Some(end) = shapes.find(key, start, fields)
        {
            if end > len {
                return false;
            }
            continue;
        }
        let Some(record) = page.get(start as usize..(start + len) as usize) else {
            return false;
        };
        let Some(&header_len @ 1..0x80) = record.first() else {
            return false;
        };
        let Some(header) = record.get(1..usize::from(header_len)) else {
            return false;
        };
        let mut header = header.iter();
        let mut offset = start + u32::from(header_len);
        for (&skipped, field) in skipped.iter().zip(&mut *fields) {
            for _ in 0..skipped {
                let Some(&serial) = header.next() else { break };
                offset += match LENGTHS.get(usize::from(serial)) {
                    Some(len) => u32::from(*len),
                    None => long_field(serial, &mut header).1,
                };
            }
            let Some(&serial) = header.next() else {
                *field = MISSING;
                continue;
            };
            let (serial, len) = match LENGTHS.get(usize::from(serial)) {
                Some(len) => (u32::from(serial), u32::from(*len)),
                None => long_field(serial, &mut header),
            };
            *field = Field { serial, offset };
            offset += len;
        }
        // Places only grow: when the last value lies in the record, all do.
        if offset > start + len {
            return false;
        }
        if let Some(key) = key {
            shapes.keep(key, start, fields, offset);
        }
    }
    true
}

/// A serial type of several bytes, and its length. What fits no page gets a length that fits no record, and not so long that a sum
/// overflows.
#[cold]
fn long_field(first: u8, header: &mut std::slice::Iter<'_, u8>) -> (u32, u32) {
    const BEYOND: u64 = 1 << 17;
    let serial = long_serial(first, header).unwrap_or(u64::MAX).min(2 * BEYOND);
    (
        serial as u32,
        record::content_len(serial).min(BEYOND as usize) as u32,
    )
}

/// Step 3 for one column: the first row says which loop to try, and a row of another kind has it done over row by row.
fn fill(
    decoder: &Decoder,
    wanted: &Wanted,
    page: &[u8],
    fields: impl ExactSizeIterator<Item = Field> + Clone,
    column: &mut Vector,
) -> Result<()> {
    let before = column.len();
    let filled = match fields.clone().next().map(|field| field.serial) {
        Some(1..=6 | 8 | 9) if !wanted.real => fill_integers(page, fields.clone(), column),
        Some(1..=9) => fill_reals(page, fields.clone(), wanted.real, column),
        Some(serial @ 13..) if serial & 1 == 1 && decoder.encoding == TextEncoding::Utf8 => {
            fill_texts(page, fields.clone(), column)
        }
        _ => false,
    };
    if filled {
        return Ok(());
    }
    column.truncate(before);
    if !wanted.real && fill_numbers(page, fields.clone(), column) {
        return Ok(());
    }
    column.truncate(before);
    for field in fields {
        match field.serial {
            MISSING_SERIAL => column.push(wanted.missing.as_ref()),
            _ => decoder.push_value(value(page, field)?, wanted.real, column),
        }
    }
    Ok(())
}

/// A column of integers.
fn fill_integers(page: &[u8], fields: impl Iterator<Item = Field>, column: &mut Vector) -> bool {
    let mut others = false;
    let slots = fields.map(|field| {
        others |= !is_integer(field.serial);
        integer(page, field) as u64
    });
    column.extend_slots(Class::Integer, slots);
    !others
}

#[inline(always)]
fn is_integer(serial: u32) -> bool {
    (serial.wrapping_sub(1) < 9) & (serial != 7)
}

/// The lengths of the types that integers have; the others' do not matter.
const INTEGER_LENGTHS: [u8; 16] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0];

/// An integer, whatever its length: the last of eight bytes.
#[inline(always)]
fn integer(page: &[u8], field: Field) -> i64 {
    let len = usize::from(INTEGER_LENGTHS[(field.serial & 0xf) as usize]);
    if len == 0 {
        // The types of 0 and 1 are 8 and 9.
        return i64::from(field.serial) - 8;
    }
    let end = field.offset as usize + len;
    let eight = page
        .get(end.wrapping_sub(8)..end)
        .and_then(|eight| eight.first_chunk::<8>());
    let shift = 64 - 8 * len as u32;
    eight.map_or(0, |eight| (u64::from_be_bytes(*eight) << shift) as i64 >> shift)
}

/// A column of reals; with `integers` some may be stored as integers.
fn fill_reals(page: &[u8], fields: impl Iterator<Item = Field>, integers: bool, column: &mut Vector) -> bool {
    let (mut others, mut nan) = (false, false);
    let bits = fields.map(|field| {
        others |= field.serial != 7 && !(integers && is_integer(field.serial));
        let real = match field.serial {
            7 => {
                let at = field.offset as usize;
                let eight = page.get(at..at + 8).and_then(|eight| eight.first_chunk::<8>());
                eight.map_or(f64::NAN, |eight| f64::from_be_bytes(*eight))
            }
            _ => integer(page, field) as f64,
        };
        nan |= real.is_nan();
        real.to_bits()
    });
    column.extend_slots(Class::Real, bits);
    !others && !nan
}

/// A column of integers and reals.
fn fill_numbers(page: &[u8], fields: impl Iterator<Item = Field>, column: &mut Vector) -> bool {
    let mut others = false;
    let rows = fields.map_while(|field| {
        let row = match field.serial {
            7 => {
                let at = field.offset as usize;
                let eight = page.get(at..at + 8).and_then(|eight| eight.first_chunk::<8>());
                let real = eight.map_or(f64::NAN, |eight| f64::from_be_bytes(*eight));
                (!real.is_nan()).then_some((Class::Real, real.to_bits()))
            }
            serial => is_integer(serial).then(|| (Class::Integer, integer(page, field) as u64)),
        };
        others |= row.is_none();
        row
    });
    column.extend_classed(rows);
    !others
}

/// A column of texts.
fn fill_texts(page: &[u8], fields: impl ExactSizeIterator<Item = Field>, column: &mut Vector) -> bool {
    let mut all = true;
    let places = fields.map(|field| {
        let is_text = field.serial >= 13 && field.serial & 1 == 1 && field.serial != MISSING_SERIAL;
        all &= is_text;
        let len = if is_text {
            (field.serial as usize - 13) / 2
        } else {
            0
        };
        (field.offset as usize, len)
    });
    column.extend_texts(page, places);
    all
}

fn value(page: &[u8], field: Field) -> Result<ValueRef<'_>> {
    let (at, len) = (
        field.offset as usize,
        record::content_len(u64::from(field.serial)),
    );
    let content = at
        .checked_add(len)
        .and_then(|end| page.get(at..end))
        .ok_or_else(record::truncated)?;
    Ok(record::decode_content(u64::from(field.serial), content))
}
