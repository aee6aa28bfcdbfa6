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
use crate::error::Result;
use crate::exec::{Class, Vector};
use crate::value::ValueRef;

/// Rows of a leaf, by their places on the page.
pub(super) trait PlaceList {
    /// How many.
    fn len(&self) -> usize;
    /// The place of the `n`-th.
    fn place(&self, n: usize) -> usize;
}

/// The arrays between the steps; kept for their memory.
#[derive(Default)]
pub(super) struct LeafDecoder {
    /// Start and length of each record in the page.
    records: Vec<(u32, u32)>,
    /// Row by row: the type and place of each wanted value.
    fields: Vec<Field>,
    /// Which types occur in each column: a bit for each serial type below 12, [`BLOBS`], [`TEXTS`].
    types: Vec<u16>,
}

/// A serial type and the place of its value in the page.
#[derive(Clone, Copy)]
struct Field {
    serial: u32,
    offset: u32,
}

/// Stands for a value that the record has not.
const MISSING: Field = Field {
    serial: MISSING_SERIAL,
    offset: 0,
};
const MISSING_SERIAL: u32 = u32::MAX;

const BLOBS: u16 = 1 << 12;
const TEXTS: u16 = 1 << 13;
const MISSINGS: u16 = 1 << 14;
const INTEGERS: u16 = 0b11_0111_1110;
const REALS: u16 = 1 << 7;

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
        for &output in &decoder.rowids {
            for n in 0..places.len() {
                columns[output].push_integer(leaf.rowid_at(places.place(n))?);
            }
        }
        let width = decoder.wanted.len();
        let fields = &self.fields[..width * places.len()];
        for (n, wanted) in decoder.wanted.iter().enumerate() {
            let fields = fields.get(n..).unwrap_or_default().iter().step_by(width).copied();
            fill(
                decoder,
                wanted,
                leaf.bytes(),
                fields,
                self.types[n],
                &mut columns[wanted.output],
            )?;
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
            types,
            ..
        } = self;
        let width = decoder.wanted.len();
        types.clear();
        types.resize(width, 0);
        if width == 0 {
            return true;
        }
        if fields.len() < width * places.len() {
            fields.resize(width * places.len(), MISSING);
        }
        locate_records(leaf, places, records)
            && locate_fields(&decoder.skipped, leaf.bytes(), records, fields, types)
    }
}

/// Below this many rows the arrays do not pay.
const FEW: usize = 4;

/// Step 1. It and step 2 stay functions of their own, so that their loops have the registers for themselves.
#[inline(never)]
fn locate_records(leaf: &LeafRows<'_>, places: &impl PlaceList, records: &mut Vec<(u32, u32)>) -> bool {
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
    types: &mut [u16],
) -> bool {
    for (&(start, len), fields) in records.iter().zip(fields.chunks_exact_mut(skipped.len())) {
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
        for ((&skipped, field), types) in skipped.iter().zip(fields).zip(types.iter_mut()) {
            for _ in 0..skipped {
                let Some(&serial) = header.next() else { break };
                offset += match SERIALS.get(usize::from(serial)) {
                    Some(info) => info & LENGTH_MASK,
                    None => long_field(serial, &mut header).len,
                };
            }
            let Some(&serial) = header.next() else {
                *field = MISSING;
                *types |= MISSINGS;
                continue;
            };
            let found = match SERIALS.get(usize::from(serial)) {
                Some(info) => LongField {
                    serial: u32::from(serial),
                    len: info & LENGTH_MASK,
                    types: (info >> TYPES_SHIFT) as u16,
                },
                None => long_field(serial, &mut header),
            };
            *field = Field {
                serial: found.serial,
                offset,
            };
            *types |= found.types;
            offset += found.len;
        }
        // Places only grow: when the last value lies in the record, all do.
        if offset > start + len {
            return false;
        }
    }
    true
}

/// Length and type bit of each serial type that is a single byte.
const SERIALS: [u32; 128] = {
    let mut serials = [0; 128];
    let mut serial = 0;
    while serial < 128 {
        serials[serial] = LENGTHS[serial] as u32 | (type_bit(serial as u32) as u32) << TYPES_SHIFT;
        serial += 1;
    }
    serials
};
const LENGTH_MASK: u32 = 0xff;
const TYPES_SHIFT: u32 = 16;

const fn type_bit(serial: u32) -> u16 {
    match serial {
        0..12 => 1 << serial,
        _ if serial & 1 == 0 => BLOBS,
        _ => TEXTS,
    }
}

struct LongField {
    serial: u32,
    len: u32,
    types: u16,
}

/// A serial type of several bytes. What fits no page gets a length that fits no record, and not so long that a sum overflows.
#[cold]
fn long_field(first: u8, header: &mut std::slice::Iter<'_, u8>) -> LongField {
    const BEYOND: u32 = 1 << 17;
    let serial = long_serial(first, header)
        .unwrap_or(u64::MAX)
        .min(u64::from(2 * BEYOND)) as u32;
    let len = (record::content_len(u64::from(serial)) as u32).min(BEYOND);
    LongField {
        serial,
        len,
        types: type_bit(serial),
    }
}

/// Step 3 for one column.
fn fill(
    decoder: &Decoder,
    wanted: &Wanted,
    page: &[u8],
    fields: impl ExactSizeIterator<Item = Field> + Clone,
    types: u16,
    column: &mut Vector,
) -> Result<()> {
    if types & !INTEGERS == 0 && !wanted.real {
        column.extend_slots(Class::Integer, fields.map(|field| integer(page, field) as u64));
    } else if types & !(INTEGERS | REALS) == 0 && (wanted.real || types == REALS) {
        fill_reals(page, fields, column);
    } else if types == TEXTS && decoder.encoding == TextEncoding::Utf8 {
        fill_texts(page, fields, column);
    } else {
        for field in fields {
            match field.serial {
                MISSING_SERIAL => column.push(wanted.missing.as_ref()),
                _ => decoder.push_value(value(page, field)?, wanted.real, column),
            }
        }
    }
    Ok(())
}

/// An integer, whatever its length: the last of eight bytes.
#[inline(always)]
fn integer(page: &[u8], field: Field) -> i64 {
    let len = usize::from(LENGTHS[(field.serial & 0x7f) as usize]);
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

/// A column of reals, some of them stored as integers.
fn fill_reals(page: &[u8], fields: impl Iterator<Item = Field> + Clone, column: &mut Vector) {
    let real = |field: Field| match field.serial {
        7 => {
            let at = field.offset as usize;
            let eight = page.get(at..at + 8).and_then(|eight| eight.first_chunk::<8>());
            eight.map_or(f64::NAN, |eight| f64::from_be_bytes(*eight))
        }
        _ => integer(page, field) as f64,
    };
    let (before, mut nan) = (column.len(), false);
    let bits = fields.clone().map(|field| {
        let real = real(field);
        nan |= real.is_nan();
        real.to_bits()
    });
    column.extend_slots(Class::Real, bits);
    if nan {
        column.truncate(before);
        fields.for_each(|field| column.push_real(real(field)));
    }
}

/// A column of texts.
fn fill_texts(page: &[u8], fields: impl ExactSizeIterator<Item = Field>, column: &mut Vector) {
    column.extend_texts(
        page,
        fields.map(|field| (field.offset as usize, (field.serial as usize - 13) / 2)),
    );
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
