//! Doclists and position lists: which rows have a word, and where in them.
//!
//! ```text
//! doclist    docid  positions 0   +delta  positions 0   +delta  positions 0 ..
//! positions  +pos+2 +pos+2 ..     1 column  +pos+2 ..   1 column  +pos+2 ..
//!            └ of column 0 ┘      └─ of another ──────┘
//! ```
//!
//! All are varints. The first docid stands as it is, each other one as its distance from the one before: upwards, or in an index with
//! `order=desc` downwards. A position is two more than its distance from the one before in the same column. A row without
//! positions is one that was deleted: it hides the row in older segments.
//!
//! - I1. Docids of a doclist differ and go one way. Whoever decodes checks it.

use super::varint;
use crate::error::{Error, Result};

/// The index is damaged.
pub(super) fn corrupt() -> Error {
    Error::Coded {
        // SQLITE_CORRUPT_VTAB
        code: 267,
        message: "database disk image is malformed".to_owned(),
        offset: None,
    }
}

/// The way docids go in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From low to high.
    Ascending,
    /// From high to low.
    Descending,
}

/// Goes through a doclist row by row.
#[derive(Clone, Debug)]
pub(super) struct DoclistReader<'a> {
    bytes: &'a [u8],
    at: usize,
    docid: i64,
    started: bool,
    direction: Direction,
}

impl<'a> DoclistReader<'a> {
    pub(super) fn new(bytes: &'a [u8], direction: Direction) -> DoclistReader<'a> {
        DoclistReader {
            bytes,
            at: 0,
            docid: 0,
            started: false,
            direction,
        }
    }

    /// The next docid and its positions, without the zero at their end.
    pub(super) fn next(&mut self) -> Result<Option<(i64, &'a [u8])>> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let delta = varint::read(self.bytes, &mut self.at).ok_or_else(corrupt)? as i64;
        let docid = match self.direction {
            Direction::Descending if self.started => self.docid.wrapping_sub(delta),
            _ => self.docid.wrapping_add(delta),
        };
        if self.started && !goes(self.direction, self.docid, docid) {
            return Err(corrupt());
        }
        self.docid = docid;
        self.started = true;
        let length = positions_length(&self.bytes[self.at..]).ok_or_else(corrupt)?;
        let positions = &self.bytes[self.at..self.at + length];
        self.at += length + 1;
        Ok(Some((docid, positions)))
    }
}

/// Whether `to` comes after `from` in an index of that direction.
pub(super) fn goes(direction: Direction, from: i64, to: i64) -> bool {
    match direction {
        Direction::Ascending => to > from,
        Direction::Descending => to < from,
    }
}

/// The bytes before the zero that ends a list of positions: the first zero byte that does not end a longer varint.
fn positions_length(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let zero = from + memchr::memchr(0, &bytes[from..])?;
        if zero == 0 || bytes[zero - 1] < 0x80 {
            return Some(zero);
        }
        from = zero + 1;
    }
}

/// Puts a doclist together.
#[derive(Clone, Debug)]
pub(super) struct DoclistWriter {
    pub(super) bytes: Vec<u8>,
    last: Option<i64>,
    direction: Direction,
}

impl DoclistWriter {
    pub(super) fn new(direction: Direction) -> DoclistWriter {
        DoclistWriter {
            bytes: Vec::new(),
            last: None,
            direction,
        }
    }

    /// Empties it and keeps its buffer.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.last = None;
    }

    /// Appends a row.
    pub(super) fn push(&mut self, docid: i64, positions: &[u8]) -> Result<()> {
        let delta = match self.last {
            None => docid,
            Some(last) if !goes(self.direction, last, docid) => return Err(corrupt()),
            Some(last) if self.direction == Direction::Descending => last.wrapping_sub(docid),
            Some(last) => docid.wrapping_sub(last),
        };
        self.last = Some(docid);
        varint::push(&mut self.bytes, delta as u64);
        self.bytes.extend_from_slice(positions);
        self.bytes.push(0);
        Ok(())
    }
}

/// Where a word is: column and position in it.
pub(super) type Place = (u32, u32);

/// Goes through a list of positions.
#[derive(Clone, Debug)]
pub(super) struct Places<'a> {
    bytes: &'a [u8],
    at: usize,
    column: u32,
    position: u32,
}

impl<'a> Places<'a> {
    pub(super) fn new(positions: &'a [u8]) -> Places<'a> {
        Places {
            bytes: positions,
            at: 0,
            column: 0,
            position: 0,
        }
    }
}

impl Iterator for Places<'_> {
    type Item = Place;

    /// Damage ends the walk; nothing worse than a missing hit comes of it.
    fn next(&mut self) -> Option<Place> {
        loop {
            match varint::read(self.bytes, &mut self.at)? {
                0 => return None,
                1 => {
                    self.column = u32::try_from(varint::read(self.bytes, &mut self.at)?).ok()?;
                    self.position = 0;
                }
                delta => {
                    self.position = self.position.wrapping_add((delta - 2) as u32);
                    return Some((self.column, self.position));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends places, which are in order, as a list of positions.
    fn push_places(out: &mut Vec<u8>, places: impl IntoIterator<Item = Place>) {
        let mut last: Place = (0, 0);
        for (column, position) in places {
            if column != last.0 {
                varint::push(out, 1);
                varint::push(out, u64::from(column));
                last = (column, 0);
            }
            varint::push(out, u64::from(position.wrapping_sub(last.1)) + 2);
            last.1 = position;
        }
    }

    #[test]
    fn doclists_go_both_ways() {
        for (direction, docids) in [
            (Direction::Ascending, [i64::MIN, -1, 0, 7, i64::MAX]),
            (Direction::Descending, [i64::MAX, 7, 0, -1, i64::MIN]),
        ] {
            let mut writer = DoclistWriter::new(direction);
            let mut positions = Vec::new();
            push_places(&mut positions, [(0, 0), (0, 300), (2, 1), (2, 1_000_000)]);
            for docid in docids {
                writer.push(docid, &positions).unwrap();
            }
            let mut reader = DoclistReader::new(&writer.bytes, direction);
            for docid in docids {
                let (found, places) = reader.next().unwrap().unwrap();
                assert_eq!(found, docid);
                let places: Vec<Place> = Places::new(places).collect();
                assert_eq!(places, [(0, 0), (0, 300), (2, 1), (2, 1_000_000)]);
            }
            assert!(reader.next().unwrap().is_none());
            assert!(writer.push(docids[0], &[]).is_err());
        }
    }

    #[test]
    fn damage_is_noticed() {
        for bytes in [
            &b"\x80"[..],
            b"\x01\x02",
            b"\x01\x02\x80\x00",
            b"\x02\x00\x00\x00",
        ] {
            let mut reader = DoclistReader::new(bytes, Direction::Ascending);
            while let Ok(Some(_)) = reader.next() {}
            assert!(reader.next().is_err() || bytes.len() == 4, "{bytes:?}");
        }
    }
}
