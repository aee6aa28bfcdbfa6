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
    /// Column by column: the type and place of each row's value.
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
        for (n, wanted) in decoder.wanted.iter().enumerate() {
            let fields = &self.fields[n * places.len()..][..places.len()];
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
        } = self;
        types.clear();
        types.resize(decoder.wanted.len(), 0);
        if decoder.wanted.is_empty() {
            return true;
        }
        records.clear();
        for n in 0..places.len() {
            let Some((start, len)) = leaf.record_at(places.place(n)) else {
                return false;
            };
            records.push((start as u32, len as u32));
        }
        if fields.len() < decoder.wanted.len() * places.len() {
            fields.resize(decoder.wanted.len() * places.len(), MISSING);
        }
        let bytes = leaf.bytes();
        for (n, &(start, len)) in records.iter().enumerate() {
            let record = bytes
                .get(start as usize..(start + len) as usize)
                .unwrap_or_default();
            if !locate_fields(
                &decoder.wanted,
                record,
                start,
                &mut fields[n..],
                places.len(),
                types,
            ) {
                return false;
            }
        }
        true
    }
}

/// Below this many rows the arrays do not pay.
const FEW: usize = 4;

/// Finds the wanted fields of one record; those of column i go to `fields[i * stride]`.
#[inline(always)]
fn locate_fields(
    wanted: &[Wanted],
    record: &[u8],
    start: u32,
    fields: &mut [Field],
    stride: usize,
    types: &mut [u16],
) -> bool {
    let Some((&header_len @ 1..0x80, _)) = record.split_first() else {
        return false;
    };
    let Some(header) = record.get(1..usize::from(header_len)) else {
        return false;
    };
    let mut header = header.iter();
    let mut body = u64::from(header_len);
    let mut at = 0;
    for (wanted, types) in wanted.iter().zip(types) {
        let Some(field) = fields.get_mut(at) else {
            return false;
        };
        at += stride;
        for _ in 0..wanted.skipped {
            let Some((_, len)) = next_field(&mut header) else {
                break;
            };
            body += len;
        }
        let Some((serial, len)) = next_field(&mut header) else {
            *field = MISSING;
            *types |= MISSINGS;
            continue;
        };
        *field = Field {
            serial,
            offset: start.wrapping_add(body as u32),
        };
        body += len;
        *types |= type_bit(serial);
        // Further on places are not checked one by one.
        if body > record.len() as u64 {
            return false;
        }
    }
    true
}

#[inline(always)]
fn next_field(header: &mut std::slice::Iter<'_, u8>) -> Option<(u32, u64)> {
    let &serial = header.next()?;
    match LENGTHS.get(usize::from(serial)) {
        Some(len) => Some((u32::from(serial), u64::from(*len))),
        None => {
            // A type that does not parse has a length that fits no record.
            let serial = long_serial(serial, header).unwrap_or(u64::MAX);
            let narrow = u32::try_from(serial).unwrap_or(u32::MAX - 1);
            Some((narrow, record::content_len(serial) as u64 & u64::from(u32::MAX)))
        }
    }
}

#[inline(always)]
fn type_bit(serial: u32) -> u16 {
    match serial {
        0..12 => 1 << serial,
        _ if serial & 1 == 0 => BLOBS,
        _ => TEXTS,
    }
}

/// Step 3 for one column.
fn fill(
    decoder: &Decoder,
    wanted: &Wanted,
    page: &[u8],
    fields: &[Field],
    types: u16,
    column: &mut Vector,
) -> Result<()> {
    if types & !INTEGERS == 0 && !wanted.real {
        column.extend_slots(
            Class::Integer,
            fields.iter().map(|field| integer(page, *field) as u64),
        );
    } else if types & !(INTEGERS | REALS) == 0 && (wanted.real || types == REALS) {
        fill_reals(page, fields, column);
    } else if types == TEXTS && decoder.encoding == TextEncoding::Utf8 {
        fill_texts(page, fields, column);
    } else {
        for field in fields {
            match field.serial {
                MISSING_SERIAL => column.push(wanted.missing.as_ref()),
                _ => decoder.push_value(value(page, *field)?, wanted.real, column),
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
fn fill_reals(page: &[u8], fields: &[Field], column: &mut Vector) {
    let real = |field: &Field| match field.serial {
        7 => {
            let at = field.offset as usize;
            let eight = page.get(at..at + 8).and_then(|eight| eight.first_chunk::<8>());
            eight.map_or(f64::NAN, |eight| f64::from_be_bytes(*eight))
        }
        _ => integer(page, *field) as f64,
    };
    let (before, mut nan) = (column.len(), false);
    let bits = fields.iter().map(|field| {
        let real = real(field);
        nan |= real.is_nan();
        real.to_bits()
    });
    column.extend_slots(Class::Real, bits);
    if nan {
        column.truncate(before);
        fields.iter().for_each(|field| column.push_real(real(field)));
    }
}

/// A column of texts.
fn fill_texts(page: &[u8], fields: &[Field], column: &mut Vector) {
    column.extend_texts(
        page,
        fields
            .iter()
            .map(|field| (field.offset as usize, (field.serial as usize - 13) / 2)),
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
