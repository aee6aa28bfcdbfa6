//! From record bytes to column vectors.
//!
//! A [`Decoder`] is compiled once for the columns that somebody reads. It walks a record's header once, from the left, skips what nobody
//! reads and stops behind the last column that is wanted. A record that ends early gives the missing columns their default
//! (ALTER TABLE ADD COLUMN). Columns of REAL affinity are stored as integers where that is shorter, and read back as reals. Texts of
//! a UTF-16 file become UTF-8 here.

use aludel_storage::btree::LeafRow;
use aludel_storage::format::{TextEncoding, record, varint};
use aludel_storage::pager::Pager;

use crate::error::{Error, Result};
use crate::exec::{Class, Vector};
use crate::value::{Value, ValueRef};

/// A column that is wanted of a record.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Its place in the record.
    pub(super) position: usize,
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
    wanted: Vec<Wanted>,
    /// Output columns that get the rowid.
    rowids: Vec<usize>,
    /// Output columns that repeat another one: from, to.
    copies: Vec<(usize, usize)>,
    /// The encoding of texts in the file.
    encoding: TextEncoding,
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
        Decoder {
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

    /// Whether nothing is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.rowids.is_empty()
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
        let (header_end, mut at) = varint::read(record).ok_or_else(record::truncated)?;
        let header = usize::try_from(header_end).ok().and_then(|end| record.get(..end));
        let header = header.ok_or_else(record::truncated)?;
        let mut body = header.len();
        let mut position = 0;
        for (n, wanted) in self.wanted.iter().enumerate() {
            while position < wanted.position {
                let Some((_, len)) = next_field(header, &mut at)? else {
                    return self.fill_missing(n, columns);
                };
                body = body.saturating_add(len);
                position += 1;
            }
            let Some((serial, len)) = next_field(header, &mut at)? else {
                return self.fill_missing(n, columns);
            };
            let end = body.saturating_add(len);
            let column = columns.get_mut(wanted.output).ok_or_else(record::truncated)?;
            self.push(record, serial, body..end, wanted.real, column)?;
            body = end;
            position += 1;
        }
        Ok(())
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
            && let Ok(eight) = eight.try_into()
        {
            let shift = 64 - 8 * place.len() as u32;
            let value = (u64::from_be_bytes(eight) << shift) as i64 >> shift;
            if real {
                column.push_real(value as f64);
            } else {
                column.push_integer(value);
            }
            return Ok(());
        }
        let content = record.get(place).ok_or_else(record::truncated)?;
        if serial >= 13 && serial & 1 == 1 && self.encoding == TextEncoding::Utf8 {
            column.push_bytes(Class::Text, content);
            return Ok(());
        }
        self.push_other(serial, content, real, column);
        Ok(())
    }

    #[inline]
    fn push_other(&self, serial: u64, content: &[u8], real: bool, column: &mut Vector) {
        match record::decode_content(serial, content) {
            ValueRef::Null => column.push_null(),
            ValueRef::Integer(value) if real => column.push_real(value as f64),
            ValueRef::Integer(value) => column.push_integer(value),
            ValueRef::Real(value) => column.push_real(value),
            ValueRef::Text(text) if self.encoding != TextEncoding::Utf8 => {
                column.push_bytes_with(Class::Text, |heap| utf8_from_utf16(text, self.encoding, heap));
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
const LENGTHS: [u8; 128] = {
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

/// The serial type at `at` of a record's header, and the length of its value; `None` behind the last.
#[inline(always)]
fn next_field(header: &[u8], at: &mut usize) -> Result<Option<(u64, usize)>> {
    let Some(&byte) = header.get(*at) else {
        return Ok(None);
    };
    if byte < 0x80 {
        *at += 1;
        return Ok(Some((u64::from(byte), usize::from(LENGTHS[usize::from(byte)]))));
    }
    let (serial, len) = varint::read(&header[*at..]).ok_or_else(record::truncated)?;
    *at += len;
    Ok(Some((serial, record::content_len(serial))))
}

fn copy_of_last(column: &Vector) -> Value {
    column
        .len()
        .checked_sub(1)
        .map_or(Value::Null, |last| Value::from(column.get(last)))
}

/// Appends UTF-16 bytes as UTF-8; what is no character becomes U+FFFD, an odd byte at the end is dropped.
pub(super) fn utf8_from_utf16(bytes: &[u8], encoding: TextEncoding, out: &mut Vec<u8>) {
    let units = bytes.chunks_exact(2).map(|pair| match encoding {
        TextEncoding::Utf16be => u16::from_be_bytes([pair[0], pair[1]]),
        _ => u16::from_le_bytes([pair[0], pair[1]]),
    });
    let mut buffer = [0; 4];
    for character in char::decode_utf16(units) {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
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
