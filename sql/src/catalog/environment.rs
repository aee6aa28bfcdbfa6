//! What a schema is read against: the connection's collations, and the file's encoding and schema format.

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::format::{Collation, CustomCollation, KeyColumn, KeyOrder, TextEncoding};

use super::schema::IndexColumn;
use crate::error::{Error, Result};
use crate::value::encoding::push_decoded;

/// Where a connection looks up a collation by its name.
pub trait Collations {
    /// The collation called `name`, in any case.
    fn find(&self, name: &str) -> Option<Collation>;
}

/// What the meaning of a definition depends on beside its text.
pub struct Environment<'a> {
    /// The encoding of the file, in which keys are compared.
    pub encoding: TextEncoding,
    /// Schema formats before 4 take no notice of DESC in indexes.
    pub schema_format: u32,
    /// The connection's collations.
    pub collations: &'a dyn Collations,
    /// The definition comes from the file; it was checked when it was made.
    pub reading: bool,
    /// The most columns of a table or index.
    pub columns_max: usize,
}

impl Environment<'_> {
    /// The collation called `name`. A definition that comes from the file may name one that the connection has not; it
    /// becomes one that is refused where it is used.
    ///
    /// # Errors
    /// `no such collation sequence: x` in a new definition.
    pub fn collation(&self, name: &str) -> Result<Collation> {
        match self.collations.find(name) {
            Some(collation) => Ok(collation),
            None if self.reading => Ok(unknown_collation(name)),
            None => Err(Error::no_such_collation(name)),
        }
    }

    /// The order of records that begin with `columns`.
    pub fn key_order<'c>(&self, columns: impl Iterator<Item = &'c IndexColumn>) -> KeyOrder {
        let columns = columns.map(|column| KeyColumn {
            collation: self.stored_collation(&column.collation),
            descending: column.descending && self.schema_format >= 4,
        });
        KeyOrder {
            columns: columns.collect(),
        }
    }

    /// Keys are compared as they lie in the file. All collations but Binary are defined on UTF-8, so in a UTF-16 file
    /// they work on the decoded text.
    fn stored_collation(&self, collation: &Collation) -> Collation {
        if self.encoding == TextEncoding::Utf8 || matches!(collation, Collation::Binary) {
            return collation.clone();
        }
        let (encoding, inner) = (self.encoding, collation.clone());
        let compare = move |a: &[u8], b: &[u8]| -> Ordering {
            inner.compare(&utf8_of(a, encoding), &utf8_of(b, encoding))
        };
        let name = collation.name().to_owned();
        Collation::Custom(Arc::new(CustomCollation {
            name,
            compare: Box::new(compare),
        }))
    }
}

/// `text` of a file in `encoding`, as UTF-8.
pub fn utf8_of(text: &[u8], encoding: TextEncoding) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    push_decoded(text, encoding, &mut out);
    out
}

/// UTF-8 `text` in the encoding of a file, appended to `out`.
pub fn encode_text(text: &[u8], encoding: TextEncoding, out: &mut Vec<u8>) {
    let bytes: fn(u16) -> [u8; 2] = match encoding {
        TextEncoding::Utf8 => return out.extend_from_slice(text),
        TextEncoding::Utf16le => u16::to_le_bytes,
        TextEncoding::Utf16be => u16::to_be_bytes,
    };
    for unit in String::from_utf8_lossy(text).encode_utf16() {
        out.extend_from_slice(&bytes(unit));
    }
}

/// A collation that only has a name; whoever is about to compare by it refuses ([`is_unknown`]).
fn unknown_collation(name: &str) -> Collation {
    let compare = Box::new(|a: &[u8], b: &[u8]| a.cmp(b));
    Collation::Custom(Arc::new(CustomCollation {
        name: name.to_owned(),
        compare,
    }))
}

/// Whether the schema names a collation here that the connection does not have.
pub fn is_unknown(collation: &Collation, collations: &dyn Collations) -> bool {
    matches!(collation, Collation::Custom(_)) && collations.find(collation.name()).is_none()
}
