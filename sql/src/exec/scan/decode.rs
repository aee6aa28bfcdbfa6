//! From record bytes to column vectors.
//!
//! A [`Decoder`] is compiled once for the columns that somebody reads. It walks a record's header once, from the left, skips what nobody
//! reads and stops behind the last column that is wanted. A record that ends early gives the missing columns their default
//! (ALTER TABLE ADD COLUMN). Columns of REAL affinity are stored as integers where that is shorter, and read back as reals. Texts of
//! a UTF-16 file become UTF-8 here.

use aludel_storage::btree::LeafRow;
use aludel_storage::format::{RecordView, TextEncoding, record, varint};
use aludel_storage::pager::Pager;

use crate::error::{Error, Result};
use crate::exec::{Class, Vector};
use crate::value::encoding::push_decoded;
use crate::value::{Value, ValueRef};

/// A column that is wanted of a record.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Its place in the record.
    pub(super) position: usize,
    /// How many columns lie between it and the wanted one before; the decoder fills it in.
    pub(super) skipped: usize,
    /// The output column that gets it.
    pub(super) output: usize,
    /// Integers are reals.
    pub(super) real: bool,
    /// The value when the record ends before it.
    pub(super) missing: Value,
}

/// Decodes chosen columns of records. See the module's head.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    /// Ascending by position, each position once.
    pub(super) wanted: Vec<Wanted>,
    /// `Wanted::skipped` of each.
    pub(super) skipped: Vec<u32>,
    /// Output columns that get the rowid.
    pub(super) rowids: Vec<usize>,
    /// Output columns that repeat another one: from, to.
    pub(super) copies: Vec<(usize, usize)>,
    /// The encoding of texts in the file.
    pub(super) encoding: TextEncoding,
}

impl Decoder {
    pub(super) fn new(mut wanted: Vec<Wanted>, rowids: Vec<usize>) -> Decoder {
        wanted.sort_by_key(|wanted| wanted.position);
        let mut copies = Vec::new();
        wanted.dedup_by(|next, kept| {
            let same = next.position == kept.position;
            if same {
                copies.push((kept.output, next.output));
            }
            same
        });
        let mut next = 0;
        for wanted in &mut wanted {
            wanted.skipped = wanted.position - next;
            next = wanted.position + 1;
        }
        Decoder {
            skipped: wanted.iter().map(|wanted| wanted.skipped as u32).collect(),
            wanted,
            rowids,
            copies,
            encoding: TextEncoding::Utf8,
        }
    }

    pub(super) fn set_encoding(&mut self, encoding: TextEncoding) {
        self.encoding = encoding;
    }

    /// The same for only those outputs that `keep` accepts.
    pub(super) fn restricted(&self, keep: impl Fn(usize) -> bool) -> Decoder {
        let copies = self.copies.iter().map(|(from, to)| {
            let source = self.wanted.iter().find(|wanted| wanted.output == *from);
            source.map(|source| Wanted {
                output: *to,
                ..source.clone()
            })
        });
        let wanted = self.wanted.iter().cloned().chain(copies.flatten());
        let wanted = wanted.filter(|wanted| keep(wanted.output)).collect();
        let mut decoder = Decoder::new(
            wanted,
            self.rowids
                .iter()
                .copied()
                .filter(|output| keep(*output))
                .collect(),
        );
        decoder.encoding = self.encoding;
        decoder
    }

    /// Appends one row to the output columns.
    #[inline(always)]
    pub(super) fn decode_row(
        &self,
        pager: &Pager,
        row: &LeafRow<'_>,
        spill: &mut Vec<u8>,
        columns: &mut [Vector],
    ) -> Result<()> {
        if row.overflow.is_none() {
            return self.decode(row.rowid, row.local, columns);
        }
        self.decode_spilled(pager, row, spill, columns)
    }

    /// A row with overflow pages, which are read only when something is wanted of them.
    #[cold]
    fn decode_spilled(
        &self,
        pager: &Pager,
        row: &LeafRow<'_>,
        spill: &mut Vec<u8>,
        columns: &mut [Vector],
    ) -> Result<()> {
        if self.fits(row)? {
            return self.decode(row.rowid, row.local, columns);
        }
        let payload = row.payload(pager, spill)?;
        self.decode(row.rowid, payload, columns)
    }

    /// Whether all that is wanted lies in the part of the record that is on the page.
    fn fits(&self, row: &LeafRow<'_>) -> Result<bool> {
        let Some(last) = self.wanted.last() else {
            return Ok(true);
        };
        let Some(mut fields) = record::columns_of(row.local, row.total)? else {
            return Ok(false);
        };
        let mut end = 0;
        for _ in 0..=last.position {
            match fields.next_field()? {
                Some(field) => end = field.offset + field.len,
                None => break,
            }
        }
        Ok(end <= row.local.len())
    }

    /// Appends the record's values to the output columns.
    #[inline(always)]
    pub(super) fn decode(&self, rowid: i64, record: &[u8], columns: &mut [Vector]) -> Result<()> {
        for &output in &self.rowids {
            columns[output].push_integer(rowid);
        }
        if !self.wanted.is_empty() {
            self.decode_wanted(record, columns)?;
        }
        for &(from, to) in &self.copies {
            let value = copy_of_last(&columns[from]);
            columns[to].push(value.as_ref());
        }
        Ok(())
    }

    #[inline(always)]
    fn decode_wanted(&self, record: &[u8], columns: &mut [Vector]) -> Result<()> {
        let Some((&header_len @ 1..0x80, _)) = record.split_first() else {
            return self.decode_long(record, columns);
        };
        let Some(header) = record.get(1..usize::from(header_len)) else {
            return Err(record::truncated().into());
        };
        let mut fields = header.iter();
        let mut body = usize::from(header_len);
        for (n, wanted) in self.wanted.iter().enumerate() {
            for _ in 0..wanted.skipped {
                let Some(&serial) = fields.next() else {
                    return self.fill_missing(n, columns);
                };
                let len = match LENGTHS.get(usize::from(serial)) {
                    Some(len) => usize::from(*len),
                    None => record::content_len(long_serial(serial, &mut fields)?),
                };
                body = body.saturating_add(len);
            }
            let Some(&serial) = fields.next() else {
                return self.fill_missing(n, columns);
            };
            let (serial, len) = match LENGTHS.get(usize::from(serial)) {
                Some(len) => (u64::from(serial), usize::from(*len)),
                None => {
                    let serial = long_serial(serial, &mut fields)?;
                    (serial, record::content_len(serial))
                }
            };
            let end = body.saturating_add(len);
            let column = columns.get_mut(wanted.output).ok_or_else(record::truncated)?;
            self.push(record, serial, body..end, wanted.real, column)?;
            body = end;
        }
        Ok(())
    }

    /// A record whose header takes 128 bytes or more, or none.
    #[cold]
    fn decode_long(&self, record: &[u8], columns: &mut [Vector]) -> Result<()> {
        let view = RecordView::parse(record)?;
        let positions: Vec<usize> = self.wanted.iter().map(|wanted| wanted.position).collect();
        let mut found = 0;
        view.decode(&positions, |n, value| {
            let wanted = &self.wanted[n];
            self.push_value(value, wanted.real, &mut columns[wanted.output]);
            found = n + 1;
        })?;
        self.fill_missing(found, columns)
    }

    /// Appends the value of type `serial` that lies at `place` of the record.
    #[inline(always)]
    fn push(
        &self,
        record: &[u8],
        serial: u64,
        place: std::ops::Range<usize>,
        real: bool,
        column: &mut Vector,
    ) -> Result<()> {
        // Integers of one to eight bytes are read as the last bytes of eight, which mostly lie in the record as well.
        if serial.wrapping_sub(1) < 6
            && let Some(eight) = record.get(place.end.wrapping_sub(8)..place.end)
            && let Some(eight) = eight.first_chunk::<8>()
        {
            let shift = 64 - 8 * place.len() as u32;
            let value = (u64::from_be_bytes(*eight) << shift) as i64 >> shift;
            match real {
                true => column.push_real(value as f64),
                false => column.push_integer(value),
            }
            return Ok(());
        }
        let content = record.get(place).ok_or_else(record::truncated)?;
        match (serial, content.first_chunk::<8>()) {
            (7, Some(bits)) => column.push_real(f64::from_be_bytes(*bits)),
            (13.., _) if serial & 1 == 1 && self.encoding == TextEncoding::Utf8 => {
                column.push_bytes(Class::Text, content);
            }
            _ => self.push_value(record::decode_content(serial, content), real, column),
        }
        Ok(())
    }

    pub(super) fn push_value(&self, value: ValueRef<'_>, real: bool, column: &mut Vector) {
        match value {
            ValueRef::Null => column.push_null(),
            ValueRef::Integer(value) if real => column.push_real(value as f64),
            ValueRef::Integer(value) => column.push_integer(value),
            ValueRef::Real(value) => column.push_real(value),
            ValueRef::Text(text) if self.encoding != TextEncoding::Utf8 => {
                column.push_bytes_with(Class::Text, |heap| push_decoded(text, self.encoding, heap));
            }
            ValueRef::Text(text) => column.push_bytes(Class::Text, text),
            ValueRef::Blob(blob) => column.push_bytes(Class::Blob, blob),
        }
    }

    /// The record ended before the `from`-th wanted column.
    #[cold]
    fn fill_missing(&self, from: usize, columns: &mut [Vector]) -> Result<()> {
        for wanted in &self.wanted[from..] {
            columns[wanted.output].push(wanted.missing.as_ref());
        }
        Ok(())
    }
}

/// The lengths of values whose serial type is a single byte.
pub(super) const LENGTHS: [u8; 128] = {
    let mut lengths = [0; 128];
    let mut serial = 0;
    while serial < 128 {
        lengths[serial] = match serial {
            0..=4 => serial as u8,
            5 => 6,
            6 | 7 => 8,
            8..=11 => 0,
            _ => ((serial - 12) / 2) as u8,
        };
        serial += 1;
    }
    lengths
};

/// The rest of a serial type of several bytes, whose first is `first`.
#[inline]
pub(super) fn long_serial(first: u8, fields: &mut std::slice::Iter<'_, u8>) -> Result<u64> {
    let mut bytes = [first; varint::VARINT_LEN_MAX];
    let rest = fields.as_slice();
    let len = rest.len().min(bytes.len() - 1);
    bytes[1..=len].copy_from_slice(&rest[..len]);
    let (serial, taken) = varint::read(&bytes[..=len]).ok_or_else(record::truncated)?;
    *fields = rest.get(taken - 1..).unwrap_or_default().iter();
    Ok(serial)
}

fn copy_of_last(column: &Vector) -> Value {
    column
        .len()
        .checked_sub(1)
        .map_or(Value::Null, |last| Value::from(column.get(last)))
}

/// A text as the file stores it.
pub(super) fn utf16_from_utf8(text: &[u8], encoding: TextEncoding) -> Vec<u8> {
    let units: Vec<u16> = String::from_utf8_lossy(text).encode_utf16().collect();
    units
        .into_iter()
        .flat_map(|unit| {
            if encoding == TextEncoding::Utf16be {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        })
        .collect()
}

/// The error for a column that no record holds.
pub(super) fn not_stored(column: &str) -> Error {
    Error::misuse(format!("column {column} is computed, a scan cannot read it"))
}
