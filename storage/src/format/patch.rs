//! Changing some values of a record and leaving the others as they lie.
//!
//! ```text
//!   header size │ s0 s1 S2 s3 │ v0 v1 V2 v3        only S2 and V2 are new; when they are as long as the old ones they are
//!                                                  written over them (overwrite), else the rest is copied around them (Patch)
//! ```
//!
//! A record that ends in front of a column that changes gets all columns up to it: those in between as they are read without it.

use smallvec::SmallVec;

use super::record::{self, content_len, serial_of};
use super::value::ValueRef;
use super::varint;
use crate::error::Result;

/// What [`overwrite`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwritten {
    /// All values are in their places.
    Done,
    /// A value is longer or shorter than the one that it replaces; those in front of it are in their places.
    Resizes,
    /// The record has fewer columns, and is as it was.
    Short,
}

/// Writes new values of the columns `columns`, which ascend, over the old ones, as long as each takes as many bytes; `value` says what the n-th
/// of them becomes.
///
/// # Errors
/// [`Error::Corrupt`](crate::Error::Corrupt) when the record contradicts itself.
#[inline]
pub fn overwrite<'v>(
    record: &mut [u8],
    columns: &[usize],
    value: impl Fn(usize) -> ValueRef<'v>,
) -> Result<Overwritten> {
    let (header_end, mut serial_at) = varint::read(record).ok_or_else(record::truncated)?;
    if header_end > record.len() as u64 {
        return Err(record::truncated());
    }
    let header_end = header_end as usize;
    let read_serial =
        |record: &[u8], at: usize| varint::read(&record[at..header_end]).ok_or_else(record::truncated);
    if let [_, .., last] = columns {
        // Nothing is written unless the record has them all.
        let mut at = serial_at;
        for _ in 0..=*last {
            if at >= header_end {
                return Ok(Overwritten::Short);
            }
            at += read_serial(record, at)?.1;
        }
    }
    let mut value_at = header_end;
    let mut next = 0;
    for (n, &column) in columns.iter().enumerate() {
        let (serial_len, len) = loop {
            if serial_at >= header_end {
                return Ok(Overwritten::Short);
            }
            let (serial, serial_len) = read_serial(record, serial_at)?;
            let len = content_len(serial);
            if len > record.len() - value_at {
                return Err(record::truncated());
            }
            if next == column {
                break (serial_len, len);
            }
            (serial_at, value_at, next) = (serial_at + serial_len, value_at + len, next + 1);
        };
        let value = value(n);
        let (serial, new_len) = serial_of(&value);
        if new_len != len || varint::len(serial) != serial_len {
            return Ok(Overwritten::Resizes);
        }
        varint::write(serial, &mut record[serial_at..header_end]);
        record::write_content(&value, serial, &mut record[value_at..value_at + len]);
    }
    Ok(Overwritten::Done)
}

/// Where new values go in a record. It names places and lengths only, so the record can be changed by it.
#[derive(Clone, Debug)]
pub struct Patch {
    fields: SmallVec<[Field; 4]>,
    /// Columns that the old record does not have.
    added: SmallVec<[Added; 2]>,
    /// Where the serial types begin and end.
    serials: (usize, usize),
    /// Bytes of the old record that are kept or replaced.
    old_total: usize,
}

/// One value that is replaced.
#[derive(Clone, Copy, Debug)]
struct Field {
    serial_at: usize,
    old_serial_len: usize,
    value_at: usize,
    old_len: usize,
    serial: u64,
    len: usize,
}

/// One value behind those of the old record.
#[derive(Clone, Copy, Debug)]
struct Added {
    source: Source,
    serial: u64,
    len: usize,
}

/// Where the value of a column comes from that a record does not have.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// It is one of the new values.
    New(usize),
    /// It is what records without the column at this place have.
    Missing(usize),
}

impl Added {
    fn of(source: Source, value: &ValueRef<'_>) -> Added {
        let (serial, len) = serial_of(value);
        Added { source, serial, len }
    }
}

impl Patch {
    /// Looks for the places of the columns `columns`, which ascend, of a whole record; `values` are their new values, and `missing` says what
    /// a column has in records that end in front of it.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when the record contradicts itself.
    #[inline]
    pub fn plan<'m>(
        record: &[u8],
        columns: &[usize],
        values: &[ValueRef<'_>],
        missing: impl Fn(usize) -> ValueRef<'m>,
    ) -> Result<Patch> {
        let mut pass = record::columns_of(record, record.len())?.ok_or_else(record::truncated)?;
        let (begin, end) = pass.serials();
        // A damaged header may be shorter than its own length.
        let serials = (begin, end.max(begin));
        let mut patch = Patch {
            fields: SmallVec::new(),
            added: SmallVec::new(),
            serials,
            old_total: record.len(),
        };
        let (mut next, mut end) = (0, serials.1);
        for (n, (&column, value)) in columns.iter().zip(values).enumerate() {
            while next <= column {
                let serial_at = pass.serials().0;
                let Some(found) = pass.next_field()? else {
                    break;
                };
                next += 1;
                let old_len = content_len(found.serial);
                end = found.offset + old_len;
                if next > column {
                    let (serial, len) = serial_of(value);
                    patch.fields.push(Field {
                        serial_at,
                        old_serial_len: pass.serials().0 - serial_at,
                        value_at: found.offset,
                        old_len,
                        serial,
                        len,
                    });
                }
            }
            if next <= column {
                let between = (next..column).map(|place| Added::of(Source::Missing(place), &missing(place)));
                patch.added.extend(between);
                patch.added.push(Added::of(Source::New(n), value));
                (next, patch.old_total) = (column + 1, end);
            }
        }
        Ok(patch)
    }

    /// The length of the new record.
    pub fn total(&self) -> usize {
        let body = self
            .fields
            .iter()
            .fold(self.old_total - self.serials.1, |sum, field| {
                sum - field.old_len + field.len
            });
        self.header_len() + body + self.added.iter().map(|added| added.len).sum::<usize>()
    }

    fn header_len(&self) -> usize {
        let serials = self
            .fields
            .iter()
            .fold(self.serials.1 - self.serials.0, |sum, field| {
                sum - field.old_serial_len + varint::len(field.serial)
            });
        let added = self.added.iter().map(|added| varint::len(added.serial));
        record::header_len(serials + added.sum::<usize>())
    }

    /// Appends the new record to `out`; `old` is the record that the places were looked for in, all else is as it was then.
    pub fn rebuild<'m>(
        &self,
        old: &[u8],
        values: &[ValueRef<'_>],
        missing: impl Fn(usize) -> ValueRef<'m>,
        out: &mut Vec<u8>,
    ) {
        varint::push(self.header_len() as u64, out);
        let mut from = self.serials.0;
        for field in &self.fields {
            out.extend_from_slice(&old[from..field.serial_at]);
            varint::push(field.serial, out);
            from = field.serial_at + field.old_serial_len;
        }
        out.extend_from_slice(&old[from..self.serials.1]);
        self.added
            .iter()
            .for_each(|added| varint::push(added.serial, out));
        let mut from = self.serials.1;
        for (field, value) in self.fields.iter().zip(values) {
            out.extend_from_slice(&old[from..field.value_at]);
            push_content(value, field.serial, field.len, out);
            from = field.value_at + field.old_len;
        }
        out.extend_from_slice(&old[from..self.old_total]);
        for added in &self.added {
            match added.source {
                Source::New(n) => push_content(&values[n], added.serial, added.len, out),
                Source::Missing(place) => push_content(&missing(place), added.serial, added.len, out),
            }
        }
    }
}

#[inline]
fn push_content(value: &ValueRef<'_>, serial: u64, len: usize, out: &mut Vec<u8>) {
    let at = out.len();
    out.resize(at + len, 0);
    record::write_content(value, serial, &mut out[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::RecordView;
    use ValueRef::*;

    fn record_of(values: &[ValueRef<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        record::encode(values, &mut out);
        out
    }

    /// Patches every choice of columns and compares with the record that is encoded anew.
    #[test]
    fn a_patched_record_is_the_encoded_one() {
        let long = [b'x'; 300];
        let samples = [
            Null,
            Integer(1),
            Integer(300),
            Integer(i64::MIN),
            Real(1.5),
            Text(b"ab"),
            Blob(&long),
        ];
        let many = vec![Integer(7); 130];
        let olds = [samples.to_vec(), vec![Text(&long), Null, Integer(5)], many];
        for old in &olds {
            for new in &samples {
                for columns in [vec![0], vec![2], vec![0, 2], vec![1, old.len() - 1]] {
                    let mut expected = old.clone();
                    columns.iter().for_each(|&column| expected[column] = *new);
                    let values = vec![*new; columns.len()];
                    let record = record_of(old);
                    let patch = Patch::plan(&record, &columns, &values, |_| Null).unwrap();
                    let mut rebuilt = Vec::new();
                    patch.rebuild(&record, &values, |_| Null, &mut rebuilt);
                    assert_eq!(rebuilt, record_of(&expected), "{old:?} {columns:?} {new:?}");
                    assert_eq!(patch.total(), rebuilt.len());
                    let mut over = record;
                    match overwrite(&mut over, &columns, |_| *new).unwrap() {
                        Overwritten::Done => assert_eq!(over, rebuilt),
                        Overwritten::Resizes => {
                            // What is in its place already does no harm to the patch.
                            let patch = Patch::plan(&over, &columns, &values, |_| Null).unwrap();
                            let mut again = Vec::new();
                            patch.rebuild(&over, &values, |_| Null, &mut again);
                            assert_eq!(again, rebuilt);
                        }
                        Overwritten::Short => panic!("the record has all columns"),
                    }
                }
            }
        }
    }

    /// Columns behind those of the record are written with all in between.
    #[test]
    fn a_record_grows_up_to_the_column() {
        let old = [Integer(5), Text(b"abc")];
        let defaults = [Null, Null, Integer(123), Text(b"default"), Integer(1)];
        let missing = |place: usize| defaults[place];
        for columns in [&[2][..], &[4], &[0, 2], &[1, 3, 4], &[3, 4]] {
            let new = [Text(b"new value"), Integer(70_000), Null];
            let values = &new[..columns.len()];
            let mut expected = old.to_vec();
            expected.extend(&defaults[2..=columns[columns.len() - 1]]);
            columns
                .iter()
                .zip(values)
                .for_each(|(&column, value)| expected[column] = *value);
            let mut record = record_of(&old);
            record.extend_from_slice(b"more");
            let patch = Patch::plan(&record, columns, values, missing).unwrap();
            let mut rebuilt = Vec::new();
            patch.rebuild(&record, values, missing, &mut rebuilt);
            assert_eq!(rebuilt, record_of(&expected), "{columns:?}");
            assert_eq!(patch.total(), rebuilt.len());
        }
    }

    #[test]
    fn what_lies_behind_the_columns_of_a_record_stays() {
        let mut record = record_of(&[Integer(5), Text(b"abc")]);
        record.extend_from_slice(b"more");
        let patch = Patch::plan(&record, &[0], &[Integer(70_000)], |_| Null).unwrap();
        let mut rebuilt = Vec::new();
        patch.rebuild(&record, &[Integer(70_000)], |_| Null, &mut rebuilt);
        assert_eq!(
            RecordView::parse(&rebuilt).unwrap().column(1).unwrap(),
            Text(b"abc")
        );
        assert_eq!(patch.total(), rebuilt.len());
    }

    #[test]
    fn records_without_the_column_and_damaged_ones() {
        let record = record_of(&[Integer(5), Text(b"abc")]);
        assert_eq!(
            overwrite(&mut record.clone(), &[2], |_| Null).unwrap(),
            Overwritten::Short
        );
        for len in 0..record.len() {
            let _ = Patch::plan(&record[..len], &[1], &[Integer(1)], |_| Null);
            let _ = overwrite(&mut record[..len].to_vec(), &[1], |_| Integer(1));
        }
        for byte in 0..=255 {
            for at in 0..3 {
                let mut damaged = record.clone();
                damaged[at] = byte;
                if let Ok(patch) = Patch::plan(&damaged, &[0, 3], &[Null, Real(0.5)], |_| Integer(1)) {
                    patch.rebuild(&damaged, &[Null, Real(0.5)], |_| Integer(1), &mut Vec::new());
                }
                let _ = overwrite(&mut damaged, &[0, 1], |_| Integer(9));
            }
        }
    }
}
