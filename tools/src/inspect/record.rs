//! Records: the values of a row, as far as they are there.

use super::image::Image;
use super::page::{CellView, varint, word};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedValue {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
    /// A text, translated to UTF-8; what is not valid is replaced.
    Text(String),
    /// A blob, or a text that is not valid.
    Blob(Vec<u8>),
    /// The record ends before it.
    Missing,
}

/// A value of a record and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its number in the record's header, which says type and length.
    pub serial: u64,
    /// Where in the payload it begins.
    pub offset: usize,
    /// Its bytes.
    pub len: usize,
    /// Itself.
    pub value: OwnedValue,
}

/// Bytes that a value with this number in the header takes; `None` for numbers that stand for nothing.
pub fn serial_len(serial: u64) -> Option<u64> {
    Some(match serial {
        0 | 8 | 9 => 0,
        1..=4 => serial,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => (serial - 12) / 2,
    })
}

/// What a number in the header stands for.
pub fn serial_words(serial: u64) -> String {
    match serial {
        0 => "null".to_owned(),
        1 => "int8".to_owned(),
        2 => "int16".to_owned(),
        3 => "int24".to_owned(),
        4 => "int32".to_owned(),
        5 => "int48".to_owned(),
        6 => "int64".to_owned(),
        7 => "real".to_owned(),
        8 => "zero".to_owned(),
        9 => "one".to_owned(),
        10 | 11 => "reserved".to_owned(),
        n if n % 2 == 0 => format!("blob({})", (n - 12) / 2),
        n => format!("text({})", (n - 13) / 2),
    }
}

/// The payload of a cell with what its overflow chain has. Ends early when the chain does; never longer than the pages of the file.
pub fn payload(image: &Image, cell: &CellView, page: &[u8]) -> Vec<u8> {
    let mut payload = page.get(cell.local.clone()).unwrap_or_default().to_vec();
    let per_page = image.usable_size() - 4;
    let mut next = cell.overflow.unwrap_or(0);
    let mut left = image.page_count();
    let mut bytes = Vec::new();
    while next != 0 && (payload.len() as u64) < cell.total && left > 0 {
        if !matches!(image.page(next, &mut bytes), Ok(true)) {
            break;
        }
        let rest = (cell.total - payload.len() as u64).min(per_page as u64) as usize;
        payload.extend_from_slice(bytes.get(4..4 + rest).unwrap_or_default());
        next = word(&bytes, 0);
        left -= 1;
    }
    payload
}

/// The values of a record. `encoding` is the database's: 1 UTF-8, 2 and 3 UTF-16.
///
/// # Errors
/// What is wrong with the header; values that the payload ends before are [`OwnedValue::Missing`].
pub fn values(record: &[u8], encoding: u32) -> Result<Vec<OwnedValue>, &'static str> {
    Ok(columns(record, encoding)?
        .into_iter()
        .map(|column| column.value)
        .collect())
}

/// The values of a record and where they lie.
///
/// # Errors
/// As [`values`].
pub fn columns(record: &[u8], encoding: u32) -> Result<Vec<Column>, &'static str> {
    let (header_len, mut at) = varint(record, 0).ok_or("it ends inside its header")?;
    let header_len = usize::try_from(header_len)
        .ok()
        .filter(|len| *len <= record.len() && *len >= at)
        .ok_or("its header is longer than it is")?;
    let mut offset = header_len;
    let mut columns = Vec::new();
    while at < header_len {
        let (serial, next) = varint(record, at).ok_or("it ends inside its header")?;
        let len = serial_len(serial).ok_or("a type that stands for nothing")?;
        let len = usize::try_from(len).map_err(|_| "a value is longer than can be")?;
        let end = offset.checked_add(len).ok_or("a value is longer than can be")?;
        let value = match record.get(offset..end) {
            Some(bytes) => value_of(serial, bytes, encoding),
            None => OwnedValue::Missing,
        };
        columns.push(Column {
            serial,
            offset,
            len,
            value,
        });
        (at, offset) = (next, end);
    }
    if at != header_len {
        return Err("its header does not end with a type");
    }
    Ok(columns)
}

fn value_of(serial: u64, bytes: &[u8], encoding: u32) -> OwnedValue {
    match serial {
        0 => OwnedValue::Null,
        1..=6 => OwnedValue::Integer(integer(bytes)),
        7 => OwnedValue::Real(f64::from_bits(integer(bytes).cast_unsigned())),
        8 | 9 => OwnedValue::Integer(serial as i64 - 8),
        n if n % 2 == 0 => OwnedValue::Blob(bytes.to_vec()),
        _ => text(bytes, encoding).map_or_else(|| OwnedValue::Blob(bytes.to_vec()), OwnedValue::Text),
    }
}

fn integer(bytes: &[u8]) -> i64 {
    let sign = bytes.first().is_some_and(|byte| *byte >= 0x80);
    let start = if sign { -1i64 } else { 0 };
    bytes
        .iter()
        .fold(start, |number, byte| number << 8 | i64::from(*byte))
}

fn text(bytes: &[u8], encoding: u32) -> Option<String> {
    let units = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| read([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units)
            .ok()
            .filter(|_| bytes.len().is_multiple_of(2))
    };
    match encoding & 3 {
        2 => units(u16::from_le_bytes),
        3 => units(u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// What is wrong with the header of a cell's record, as far as it lies on the cell's own page.
pub(crate) fn header_fault(cell: &CellView, page: &[u8]) -> Option<&'static str> {
    let local = page.get(cell.local.clone())?;
    if cell.total == 0 {
        return Some("it is empty");
    }
    let Some((header_len, mut at)) = varint(local, 0) else {
        return Some("it ends inside its header");
    };
    if header_len > cell.total || header_len < at as u64 {
        return Some("its header is longer than it is");
    }
    let mut end = header_len;
    while (at as u64) < header_len {
        let Some((serial, next)) = varint(local, at) else {
            // The header goes on in the overflow chain.
            return None;
        };
        let Some(len) = serial_len(serial) else {
            return Some("a type that stands for nothing");
        };
        end = end.saturating_add(len);
        at = next;
    }
    if at as u64 != header_len {
        return Some("its header does not end with a type");
    }
    (end > cell.total).then_some("its values are longer than it is")
}
