//! Changing some values of a record and leaving the others as they lie.
//!
//! ```text
//!   header size │ s0 s1 S2 s3 │ v0 v1 V2 v3        only S2 and V2 are new; when they are as long as the old ones they are
//!                                                  written over them, else the rest is copied around them
//! ```

use smallvec::SmallVec;

use super::record::{self, content_len, serial_of};
use super::value::ValueRef;
use super::varint;
use crate::error::Result;

/// Where new values go in a record. It names places and lengths only, so the record can be changed by it.
#[derive(Clone, Debug)]
pub struct Patch {
    fields: SmallVec<[Field; 4]>,
    /// Where the serial types begin and end.
    serials: (usize, usize),
    /// Bytes of the old record.
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

impl Patch {
    /// Looks for the places of the columns `columns`, which ascend, of a whole record; `values` are their new values. `None` when the record
    /// has fewer columns.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when the record contradicts itself.
    #[inline]
    pub fn plan(record: &[u8], columns: &[usize], values: &[ValueRef<'_>]) -> Result<Option<Patch>> {
        let mut pass = record::columns_of(record, record.len())?.ok_or_else(record::truncated)?;
        let serials = pass.serials();
        let mut fields = SmallVec::new();
        let mut next = 0;
        for (&column, value) in columns.iter().zip(values) {
            loop {
                let serial_at = pass.serials().0;
                let Some(found) = pass.next_field()? else {
                    return Ok(None);
                };
                next += 1;
                if next > column {
                    let (serial, len) = serial_of(value);
                    fields.push(Field {
                        serial_at,
                        old_serial_len: pass.serials().0 - serial_at,
                        value_at: found.offset,
                        old_len: content_len(found.serial),
                        serial,
                        len,
                    });
                    break;
                }
            }
        }
        Ok(Some(Patch {
            fields,
            serials,
            old_total: record.len(),
        }))
    }

    /// Whether each new value takes as many bytes as the old one.
    #[inline]
    pub fn keeps_places(&self) -> bool {
        self.fields
            .iter()
            .all(|field| field.len == field.old_len && varint::len(field.serial) == field.old_serial_len)
    }

    /// Writes the values over the old ones; only if [`keeps_places`](Self::keeps_places).
    #[inline]
    pub fn overwrite(&self, values: &[ValueRef<'_>], record: &mut [u8]) {
        for (field, value) in self.fields.iter().zip(values) {
            if let Some(out) = record.get_mut(field.serial_at..field.serial_at + field.old_serial_len) {
                varint::write(field.serial, out);
            }
            if let Some(out) = record.get_mut(field.value_at..field.value_at + field.len) {
                record::write_content(value, field.serial, out);
            }
        }
    }

    /// The length of the new record.
    pub fn total(&self) -> usize {
        let body = self
            .fields
            .iter()
            .fold(self.old_total - self.serials.1, |sum, field| {
                sum - field.old_len + field.len
            });
        self.header_len() + body
    }

    fn header_len(&self) -> usize {
        let serials = self
            .fields
            .iter()
            .fold(self.serials.1 - self.serials.0, |sum, field| {
                sum - field.old_serial_len + varint::len(field.serial)
            });
        record::header_len(serials)
    }

    /// Appends the new record to `out`; `old` is the record that the places were looked for in.
    pub fn rebuild(&self, old: &[u8], values: &[ValueRef<'_>], out: &mut Vec<u8>) {
        varint::push(self.header_len() as u64, out);
        let mut from = self.serials.0;
        for field in &self.fields {
            out.extend_from_slice(&old[from..field.serial_at]);
            varint::push(field.serial, out);
            from = field.serial_at + field.old_serial_len;
        }
        out.extend_from_slice(&old[from..self.serials.1]);
        let mut from = self.serials.1;
        for (field, value) in self.fields.iter().zip(values) {
            out.extend_from_slice(&old[from..field.value_at]);
            let at = out.len();
            out.resize(at + field.len, 0);
            record::write_content(value, field.serial, &mut out[at..]);
            from = field.value_at + field.old_len;
        }
        out.extend_from_slice(&old[from..]);
    }
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
                    let patch = Patch::plan(&record, &columns, &values).unwrap().unwrap();
                    let mut rebuilt = Vec::new();
                    patch.rebuild(&record, &values, &mut rebuilt);
                    assert_eq!(rebuilt, record_of(&expected), "{old:?} {columns:?} {new:?}");
                    assert_eq!(patch.total(), rebuilt.len());
                    if patch.keeps_places() {
                        let mut over = record;
                        patch.overwrite(&values, &mut over);
                        assert_eq!(over, rebuilt);
                    }
                }
            }
        }
    }

    #[test]
    fn what_lies_behind_the_columns_of_a_record_stays() {
        let mut record = record_of(&[Integer(5), Text(b"abc")]);
        record.extend_from_slice(b"more");
        let patch = Patch::plan(&record, &[0], &[Integer(70_000)]).unwrap().unwrap();
        let mut rebuilt = Vec::new();
        patch.rebuild(&record, &[Integer(70_000)], &mut rebuilt);
        assert_eq!(
            RecordView::parse(&rebuilt).unwrap().column(1).unwrap(),
            Text(b"abc")
        );
        assert_eq!(patch.total(), rebuilt.len());
    }

    #[test]
    fn records_without_the_column_and_damaged_ones() {
        let record = record_of(&[Integer(5), Text(b"abc")]);
        assert!(Patch::plan(&record, &[2], &[Null]).unwrap().is_none());
        for len in 0..record.len() {
            let _ = Patch::plan(&record[..len], &[1], &[Integer(1)]);
        }
        for byte in 0..=255 {
            for at in 0..3 {
                let mut damaged = record.clone();
                damaged[at] = byte;
                if let Ok(Some(patch)) = Patch::plan(&damaged, &[0, 1], &[Null, Real(0.5)]) {
                    patch.rebuild(&damaged, &[Null, Real(0.5)], &mut Vec::new());
                    patch.overwrite(&[Null, Real(0.5)], &mut damaged);
                }
            }
        }
    }
}
