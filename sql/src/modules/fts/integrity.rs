//! Whether the index is what the texts say: a sum over all words with their places, taken from both sides.

use std::hash::Hasher;
use std::ops::ControlFlow;

use rustc_hash::FxHasher;

use super::doclist::{DoclistReader, Place, Places};
use super::options::Generation;
use super::segment::merge::{Deleted, Merge};
use super::shadow::{anonymous, integer};
use super::table::FtsTable;
use super::writing::{text_of, until_nul};
use crate::error::{Error, Result};
use crate::virtual_table::{Prepared, VirtualContext};

/// A place of a word in an index, as a number of its own.
fn fingerprint(index: usize, language: i32, term: &[u8], docid: i64, place: Place) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_usize(index);
    hasher.write_i32(language);
    hasher.write(term);
    hasher.write_i64(docid);
    hasher.write_u32(place.0);
    hasher.write_u32(place.1);
    hasher.finish()
}

impl FtsTable {
    /// Whether the index is what the texts say.
    pub(super) fn is_sound(&self, context: &mut VirtualContext<'_>) -> Result<bool> {
        let mut sum = 0_u64;
        for language in self.languages(context)? {
            for index in 0..self.index_count() {
                sum = sum.wrapping_add(self.sum_of_index(context, language, index)?);
            }
        }
        Ok(sum == self.sum_of_texts(context)?)
    }

    /// What PRAGMA integrity_check says of the table.
    pub(super) fn integrity(&self, context: &mut VirtualContext<'_>) -> Result<Vec<String>> {
        let number = if self.generation == Generation::Four { 4 } else { 3 };
        let table = format!("FTS{number} table {}.{}", self.shadow.schema(), self.name);
        if self.content.external.as_deref() == Some("") {
            // There are no texts to compare with.
            return Ok(Vec::new());
        }
        Ok(match self.is_sound(context) {
            Ok(true) => Vec::new(),
            Ok(false) => vec![format!("malformed inverted index for {table}")],
            Err(Error::Interrupt) => return Err(Error::Interrupt),
            Err(Error::Coded { code: 267, .. }) => vec![format!("malformed inverted index for {table}")],
            Err(error) => vec![format!(
                "unable to validate the inverted index for {table}: {error}"
            )],
        })
    }

    fn sum_of_index(&self, context: &mut VirtualContext<'_>, language: i32, index: usize) -> Result<u64> {
        let readers = self.readers(context, language, index, b"", true)?;
        let mut merge = Merge::start(context, &self.shadow, readers, self.direction, Deleted::Drop, b"")?;
        let mut sum = 0_u64;
        while merge.next(context, &self.shadow)? {
            context.check_interrupt()?;
            let mut rows = DoclistReader::new(merge.doclist(), self.direction);
            while let Some((docid, positions)) = rows.next()? {
                for place in Places::new(positions) {
                    sum = sum.wrapping_add(fingerprint(index, language, merge.term(), docid, place));
                }
            }
        }
        Ok(sum)
    }

    fn sum_of_texts(&self, context: &mut VirtualContext<'_>) -> Result<u64> {
        let mut rows = Prepared::new(&self.content.select);
        rows.start(context, &[]).map_err(anonymous)?;
        let mut sum = 0_u64;
        while rows.next(context).map_err(anonymous)? {
            context.check_interrupt()?;
            let docid = integer(rows.value(0));
            let language = integer(rows.value(self.columns.len() + 1)) as i32;
            for column in (0..self.columns.len()).filter(|column| !self.unindexed[*column]) {
                let Some(text) = text_of(rows.value(column + 1)) else {
                    continue;
                };
                let visit = &mut |token: super::tokenizer::Token<'_>| {
                    let place = (column as u32, token.position as u32);
                    sum = sum.wrapping_add(fingerprint(0, language, token.term, docid, place));
                    for (number, &prefix) in self.prefixes.iter().enumerate() {
                        if let Some(start) = token.term.get(..prefix) {
                            sum = sum.wrapping_add(fingerprint(number + 1, language, start, docid, place));
                        }
                    }
                    Ok(ControlFlow::Continue(()))
                };
                self.tokenizer.tokenize(until_nul(&text), language, visit)?;
            }
        }
        Ok(sum)
    }
}
