//! Rows and places of a word, a prefix, a phrase.

use super::expression::{Phrase, Word};
use crate::error::Result;
use crate::modules::fts::doclist::{Direction, DoclistReader, Place, Places};
use crate::modules::fts::segment::merge::{Deleted, Merge};
use crate::modules::fts::table::FtsTable;
use crate::virtual_table::VirtualContext;

/// Rows in ascending order, each with the places of something in it: never none.
///
/// The place of a phrase is that of its last word.
#[derive(Clone, Debug, Default)]
pub(in crate::modules::fts) struct Postings {
    docids: Vec<i64>,
    /// Where the places of each row end.
    ends: Vec<usize>,
    places: Vec<Place>,
}

impl Postings {
    pub(in crate::modules::fts) fn docids(&self) -> &[i64] {
        &self.docids
    }

    /// The places in the row that is `number`th.
    pub(in crate::modules::fts) fn places(&self, number: usize) -> &[Place] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.places[start..self.ends[number]]
    }

    /// The places in a row; none if it is not here.
    pub(in crate::modules::fts) fn places_in(&self, docid: i64) -> &[Place] {
        match self.docids.binary_search(&docid) {
            Ok(number) => self.places(number),
            Err(_) => &[],
        }
    }

    /// Ends the row whose places were just pushed. A row without places is none.
    fn end_row(&mut self, docid: i64) {
        if self.places.len() > self.ends.last().copied().unwrap_or(0) {
            self.docids.push(docid);
            self.ends.push(self.places.len());
        }
    }

    fn reversed(&self) -> Postings {
        let mut turned = Postings {
            docids: Vec::with_capacity(self.docids.len()),
            ends: Vec::with_capacity(self.ends.len()),
            places: Vec::with_capacity(self.places.len()),
        };
        for number in (0..self.docids.len()).rev() {
            turned.places.extend_from_slice(self.places(number));
            turned.end_row(self.docids[number]);
        }
        turned
    }

    /// Appends the rows of a doclist, with the places that count.
    fn read(&mut self, doclist: &[u8], direction: Direction, counts: impl Fn(&Place) -> bool) -> Result<()> {
        let mut reader = DoclistReader::new(doclist, direction);
        while let Some((docid, positions)) = reader.next()? {
            self.places.extend(Places::new(positions).filter(&counts));
            self.end_row(docid);
        }
        Ok(())
    }

    /// The rows of several lists of ascending docids put together, places in order.
    fn united(lists: &[Postings]) -> Postings {
        let mut rows: Vec<(i64, usize, usize)> = Vec::new();
        for (list, postings) in lists.iter().enumerate() {
            rows.extend(
                postings
                    .docids
                    .iter()
                    .enumerate()
                    .map(|(row, &docid)| (docid, list, row)),
            );
        }
        rows.sort_unstable();
        let mut all = Postings::default();
        let mut rest = rows.as_slice();
        while let Some(&(docid, ..)) = rest.first() {
            let count = rest.iter().take_while(|row| row.0 == docid).count();
            let start = all.places.len();
            for &(_, list, row) in &rest[..count] {
                all.places.extend_from_slice(lists[list].places(row));
            }
            if count > 1 {
                all.places[start..].sort_unstable();
                let unique = dedup_from(&mut all.places, start);
                all.places.truncate(unique);
            }
            all.end_row(docid);
            rest = &rest[count..];
        }
        all
    }

    /// The rows where `next` stands right behind this.
    fn followed_by(&self, next: &Postings) -> Postings {
        let mut both = Postings::default();
        for (left, right) in common(&self.docids, &next.docids) {
            let before = self.places(left);
            let follows =
                |place: &&Place| place.1 > 0 && before.binary_search(&(place.0, place.1 - 1)).is_ok();
            both.places.extend(next.places(right).iter().filter(follows));
            both.end_row(self.docids[left]);
        }
        both
    }
}

/// Drops repeated places from `start` on and returns the new length.
fn dedup_from(places: &mut [Place], start: usize) -> usize {
    let mut kept = start;
    for at in start..places.len() {
        if kept == start || places[kept - 1] != places[at] {
            places[kept] = places[at];
            kept += 1;
        }
    }
    kept
}

/// The numbers of docids that are in both lists.
pub(in crate::modules::fts) fn common<'a>(
    left: &'a [i64],
    right: &'a [i64],
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut at = (0, 0);
    std::iter::from_fn(move || {
        loop {
            let (&a, &b) = (left.get(at.0)?, right.get(at.1)?);
            match a.cmp(&b) {
                std::cmp::Ordering::Less => at.0 += 1 + skip(&left[at.0 + 1..], b),
                std::cmp::Ordering::Greater => at.1 += 1 + skip(&right[at.1 + 1..], a),
                std::cmp::Ordering::Equal => {
                    let found = at;
                    at = (at.0 + 1, at.1 + 1);
                    return Some(found);
                }
            }
        }
    })
}

/// How many docids at the start are below `docid`: steps that double, then a search between the last two.
fn skip(docids: &[i64], docid: i64) -> usize {
    let mut reach = 1;
    while reach < docids.len() && docids[reach] < docid {
        reach *= 2;
    }
    let end = reach.saturating_add(1).min(docids.len());
    docids[..end].partition_point(|other| *other < docid)
}

/// Rows and places of a phrase. One without words is nowhere.
pub(in crate::modules::fts) fn load_phrase(
    table: &FtsTable,
    context: &mut VirtualContext<'_>,
    language: i32,
    phrase: &Phrase,
) -> Result<Postings> {
    let mut words = phrase.words.iter();
    let Some(first) = words.next() else {
        return Ok(Postings::default());
    };
    let mut all = load_word(table, context, language, first, phrase.column)?;
    for word in words {
        if all.docids.is_empty() {
            break;
        }
        let next = load_word(table, context, language, word, phrase.column)?;
        all = all.followed_by(&next);
    }
    Ok(all)
}

fn load_word(
    table: &FtsTable,
    context: &mut VirtualContext<'_>,
    language: i32,
    word: &Word,
    column: Option<usize>,
) -> Result<Postings> {
    let counts = |place: &Place| {
        column.is_none_or(|column| place.0 as usize == column) && (!word.is_first || place.1 == 0)
    };
    let direction = table.direction;
    let mut lists = Vec::new();
    for lookup in lookups(table, word) {
        let readers = table.readers(context, language, lookup.index, &word.term, lookup.is_prefix)?;
        let mut merge = Merge::start(
            context,
            &table.shadow,
            readers,
            direction,
            Deleted::Drop,
            &word.term,
        )?;
        while merge.next(context, &table.shadow)? {
            let matches = match lookup.is_prefix {
                true => merge.term().starts_with(&word.term),
                false => merge.term() == word.term,
            };
            if !matches {
                break;
            }
            let mut postings = Postings::default();
            postings.read(merge.doclist(), direction, counts)?;
            lists.push(match direction {
                Direction::Ascending => postings,
                Direction::Descending => postings.reversed(),
            });
            context.check_interrupt()?;
        }
    }
    Ok(match lists.len() {
        1 => lists.swap_remove(0),
        _ => Postings::united(&lists),
    })
}

/// A search in one index.
struct Lookup {
    index: usize,
    is_prefix: bool,
}

/// Where a word is looked up. A prefix that has an index of its length is a word there; one a byte shorter is a short walk there, but
/// words that are no longer than it are in the index of whole words only.
fn lookups(table: &FtsTable, word: &Word) -> Vec<Lookup> {
    let index_of = |length: usize| {
        let prefixes = table.prefixes.iter();
        prefixes
            .clone()
            .position(|prefix| *prefix == length)
            .map(|number| number + 1)
    };
    let whole = |is_prefix| Lookup { index: 0, is_prefix };
    if !word.is_prefix {
        return vec![whole(false)];
    }
    let length = word.term.len();
    if let Some(index) = index_of(length) {
        return vec![Lookup {
            index,
            is_prefix: false,
        }];
    }
    match index_of(length + 1) {
        Some(index) => vec![
            Lookup {
                index,
                is_prefix: true,
            },
            whole(false),
        ],
        None => vec![whole(true)],
    }
}
