//! `matchinfo(t, format)`: numbers about a match, 32 bits each in the machine's byte order, for each letter of the format.
//!
//! | letter | numbers | about |
//! |---|---|---|
//! | `p` `c` | 1 | phrases of the query, columns of the table |
//! | `x` | 3 for each phrase and column | hits in this row, hits in all rows, rows with hits |
//! | `y` | 1 for each phrase and column | hits in this row |
//! | `b` | a bit for each phrase and column | whether there are hits in this row |
//! | `n` | 1 | rows of the table |
//! | `a` `l` | 1 for each column | words of a row on average, words of this row |
//! | `s` | 1 for each column | the most phrases in a row that follow each other as in the query |

use super::{Call, small};
use crate::error::{Error, Result};
use crate::functions::ValueSink;
use crate::modules::fts::doclist::{Place, corrupt};
use crate::modules::fts::options::Generation;
use crate::modules::fts::query::matches::{Matches, Shape};
use crate::modules::fts::varint;
use crate::modules::fts::writing::text_of;
use crate::virtual_table::VirtualContext;

/// The function.
pub(super) fn matchinfo(
    call: &Call<'_, '_>,
    context: &mut VirtualContext<'_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    let Some(matches) = call.matches(context)? else {
        out.blob(b"");
        return Ok(());
    };
    let given = call.arguments.get(1).and_then(|format| text_of(*format));
    let format = given.as_deref().unwrap_or(b"pcx");
    for &letter in format {
        check_letter(call, letter)?;
    }
    let docid = call.handle.docid;
    let row = Row {
        columns: call.table.columns.len(),
        places: (0..matches.phrases.len())
            .map(|phrase| matches.places(phrase, docid))
            .collect(),
        matches: &matches,
    };
    let mut numbers = Vec::new();
    for &letter in format {
        row.append(letter, call, context, &mut numbers)?;
    }
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_ne_bytes).collect();
    out.blob(&bytes);
    Ok(())
}

fn check_letter(call: &Call<'_, '_>, letter: u8) -> Result<()> {
    let known = match letter {
        b'p' | b'c' | b's' | b'x' | b'y' | b'b' => true,
        b'n' | b'a' => call.table.generation == Generation::Four,
        b'l' => call.table.has_docsize,
        _ => false,
    };
    match known {
        true => Ok(()),
        false => {
            let letter = String::from_utf8_lossy(&[letter]).into_owned();
            Err(Error::sql(format!("unrecognized matchinfo request: {letter}")))
        }
    }
}

struct Row<'m> {
    columns: usize,
    /// The places of each phrase.
    places: Vec<Vec<Place>>,
    matches: &'m Matches,
}

impl Row<'_> {
    fn append(
        &self,
        letter: u8,
        call: &Call<'_, '_>,
        context: &mut VirtualContext<'_>,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        match letter {
            b'p' => numbers.push(small(self.places.len())),
            b'c' => numbers.push(small(self.columns)),
            b'x' => self.append_hits(numbers),
            b'y' => {
                let hits = self.matched_hits();
                numbers.extend(hits.iter().flatten());
            }
            b'b' => self.append_bits(numbers),
            b'n' => numbers.push(call.table.totals(context)?[0] as u32),
            b'a' => self.append_averages(&call.table.totals(context)?, numbers)?,
            b'l' => {
                let sizes = call
                    .table
                    .shadow
                    .docsize(context, call.handle.docid)?
                    .ok_or_else(corrupt)?;
                let mut at = 0;
                for _ in 0..self.columns {
                    numbers.push(varint::read(&sizes, &mut at).ok_or_else(corrupt)? as u32);
                }
            }
            _ => numbers.extend((0..self.columns).map(|column| self.longest_sequence(column))),
        }
        Ok(())
    }

    fn append_averages(&self, totals: &[u64], numbers: &mut Vec<u32>) -> Result<()> {
        let rows = totals[0];
        for column in 0..self.columns {
            let words = totals.get(column + 1).ok_or_else(corrupt)? & 0xffff_ffff;
            numbers.push(((words + rows / 2) / rows) as u32);
        }
        Ok(())
    }

    fn append_hits(&self, numbers: &mut Vec<u32>) {
        for (phrase, places) in self.places.iter().enumerate() {
            let here = self.count(places);
            let mut everywhere = vec![(0_u32, 0_u32); self.columns];
            self.matches.for_each_row(phrase, |places| {
                for (total, hits) in everywhere.iter_mut().zip(self.count(places)) {
                    total.0 = total.0.wrapping_add(hits);
                    total.1 += u32::from(hits > 0);
                }
            });
            for (hits, (all, rows)) in here.into_iter().zip(everywhere) {
                numbers.extend([hits, all, rows]);
            }
        }
    }

    /// Hits of a phrase in each column.
    fn count(&self, places: &[Place]) -> Vec<u32> {
        let mut counts = vec![0; self.columns];
        for place in places {
            if let Some(count) = counts.get_mut(place.0 as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Hits of each phrase in each column, of those parts of the query only that match the row.
    fn matched_hits(&self) -> Vec<Vec<u32>> {
        let mut hits = vec![vec![0; self.columns]; self.places.len()];
        self.gather(&self.matches.shape, &mut hits);
        hits
    }

    fn gather(&self, shape: &Shape, hits: &mut [Vec<u32>]) {
        if !self.holds(shape) {
            return;
        }
        match shape {
            Shape::Phrase(phrase) => hits[*phrase] = self.count(&self.places[*phrase]),
            Shape::All(parts) | Shape::Any(parts) => parts.iter().for_each(|part| self.gather(part, hits)),
        }
    }

    fn holds(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Phrase(phrase) => !self.places[*phrase].is_empty(),
            Shape::All(parts) => parts.iter().all(|part| self.holds(part)),
            Shape::Any(parts) => parts.iter().any(|part| self.holds(part)),
        }
    }

    fn append_bits(&self, numbers: &mut Vec<u32>) {
        let words = self.columns.div_ceil(32);
        for hits in self.matched_hits() {
            let mut bits = vec![0_u32; words];
            for (column, _) in hits.iter().enumerate().filter(|(_, hits)| **hits > 0) {
                // SQLite is one off here for the last column of each word.
                if let Some(word) = bits.get_mut((column + 1) / 32) {
                    *word |= 1 << (column & 31);
                }
            }
            numbers.extend(bits);
        }
    }

    /// The most phrases that follow each other somewhere in the column as they do in the query.
    fn longest_sequence(&self, column: usize) -> u32 {
        let mut before = 0_i64;
        let mut cursors: Vec<Vec<i64>> = Vec::with_capacity(self.places.len());
        for (phrase, places) in self.matches.phrases.iter().zip(&self.places) {
            before += phrase.words.len() as i64;
            let here = places.iter().rev().filter(|place| place.0 as usize == column);
            cursors.push(here.map(|place| i64::from(place.1) - before).collect());
        }
        let mut longest = 0;
        loop {
            let mut lowest: Option<usize> = None;
            let mut length = 0;
            let mut last = None;
            for (phrase, cursor) in cursors.iter().enumerate() {
                let Some(&at) = cursor.last() else {
                    length = 0;
                    last = None;
                    continue;
                };
                if lowest.is_none_or(|lowest| cursors[lowest].last().is_some_and(|low| at < *low)) {
                    lowest = Some(phrase);
                }
                length = if last == Some(at) { length + 1 } else { 1 };
                last = Some(at);
                longest = longest.max(length);
            }
            match lowest {
                Some(phrase) => cursors[phrase].pop(),
                None => return longest,
            };
        }
    }
}
