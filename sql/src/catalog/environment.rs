//! What a schema is read against: the connection's collations, and the file's encoding and schema format.

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::format::{Collation, CompareText, CustomCollation, KeyColumn, KeyOrder, TextEncoding};

use super::schema::IndexColumn;
use crate::error::{Error, Result};
use crate::value::encoding::push_decoded;

/// Where a connection looks up a collation by its name.
pub trait Collations {
    /// The collation called `name`, in any case.
    fn find(&self, name: &str) -> Option<Collation>;

    /// What stands for a collation that is not there, so that a schema can be read which names it. What compares by it fails: it is
    /// [refused](usable) where that is seen before, and the comparison is noticed where not.
    fn missing(&self, name: &str) -> Collation {
        missing_collation(name, Box::new(|a, b| a.cmp(b)))
    }
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
            None if self.reading => Ok(self.collations.missing(name)),
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
            missing: collation.is_missing(),
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

/// A collation of which only the name is known.
pub fn missing_collation(name: &str, compare: CompareText) -> Collation {
    Collation::Custom(Arc::new(CustomCollation {
        name: name.to_owned(),
        compare,
        missing: true,
    }))
}

/// The order of a tree that is to be read or written by its keys.
///
/// # Errors
/// `no such collation sequence: x`, when it is not known.
pub fn usable(order: &Arc<KeyOrder>) -> Result<Arc<KeyOrder>> {
    let missing = |column: &&KeyColumn| column.collation.is_missing();
    match order.columns.iter().find(missing) {
        Some(column) => Err(Error::no_such_collation(column.collation.name())),
        None => Ok(Arc::clone(order)),
    }
}
