//! The rows that a query finds, and where in each of them its phrases are.

use super::expression::{Expression, Phrase};
use super::postings::{Postings, common, load_phrase};
use crate::error::Result;
use crate::modules::fts::doclist::Place;
use crate::modules::fts::table::FtsTable;
use crate::virtual_table::VirtualContext;

/// A query that was run.
#[derive(Debug)]
pub(in crate::modules::fts) struct Matches {
    /// The rows, ascending.
    pub(in crate::modules::fts) docids: Vec<i64>,
    /// The phrases whose places functions tell, from left to right.
    pub(in crate::modules::fts) phrases: Vec<Phrase>,
    /// Their tree, phrases by number.
    pub(in crate::modules::fts) shape: Shape,
    postings: Vec<Postings>,
    /// For each phrase the group of NEAR that it is in, and its place there.
    groups: Vec<Option<(usize, usize)>>,
    nears: Vec<Near>,
}

/// The tree without what is right of NOT.
#[derive(Clone, Debug)]
pub(in crate::modules::fts) enum Shape {
    /// A phrase by number.
    Phrase(usize),
    /// All of them.
    All(Vec<Shape>),
    /// Any of them.
    Any(Vec<Shape>),
}

/// Phrases that are to be near each other.
#[derive(Debug)]
struct Near {
    first_phrase: usize,
    distances: Vec<u32>,
    word_counts: Vec<u32>,
}

impl Matches {
    /// Runs a query.
    pub(in crate::modules::fts) fn find(
        table: &FtsTable,
        context: &mut VirtualContext<'_>,
        language: i32,
        expression: &Expression,
    ) -> Result<Matches> {
        let mut matches = Matches {
            docids: Vec::new(),
            phrases: Vec::new(),
            shape: Shape::All(Vec::new()),
            postings: Vec::new(),
            groups: Vec::new(),
            nears: Vec::new(),
        };
        let mut finder = Finder {
            table,
            context,
            language,
            matches: &mut matches,
        };
        let (docids, shape) = finder.find(expression)?;
        matches.docids = docids;
        matches.shape = shape;
        Ok(matches)
    }

    /// The places of a phrase in a row: the last word's. With NEAR, those that are near enough.
    pub(in crate::modules::fts) fn places(&self, phrase: usize, docid: i64) -> Vec<Place> {
        match self.groups[phrase] {
            None => self.postings[phrase].places_in(docid).to_vec(),
            Some((group, place)) => match self.near_places(&self.nears[group], docid) {
                Some(mut places) => places.swap_remove(place),
                None => Vec::new(),
            },
        }
    }

    /// Calls `visit` with every row of the table that has the phrase, and its places there.
    pub(in crate::modules::fts) fn for_each_row(&self, phrase: usize, mut visit: impl FnMut(&[Place])) {
        let postings = &self.postings[phrase];
        for (number, &docid) in postings.docids().iter().enumerate() {
            match self.groups[phrase] {
                None => visit(postings.places(number)),
                Some(_) => visit(&self.places(phrase, docid)),
            }
        }
    }

    /// The places of each phrase of a group in a row, if they are near enough to each other.
    fn near_places(&self, near: &Near, docid: i64) -> Option<Vec<Vec<Place>>> {
        let phrases = near.first_phrase..near.first_phrase + near.word_counts.len();
        let mut places: Vec<Vec<Place>> = phrases
            .map(|phrase| self.postings[phrase].places_in(docid).to_vec())
            .collect();
        let last = places.len().checked_sub(1)?;
        let forth = (0..last).map(|number| (number, number + 1, number));
        let back = (0..last).rev().map(|number| (number + 1, number, number));
        for (from, to, distance) in forth.chain(back) {
            let distance = near.distances[distance];
            let reach = Reach {
                after: distance.saturating_add(near.word_counts[to]),
                before: distance.saturating_add(near.word_counts[from]),
            };
            let kept = near_enough(&places[from], &places[to], reach);
            if kept.is_empty() {
                return None;
            }
            places[to] = kept;
        }
        Some(places)
    }
}

/// How far apart the last words of two phrases may be.
#[derive(Clone, Copy)]
struct Reach {
    after: u32,
    before: u32,
}

/// The places of `to` that have one of `from` at most `reach.after` words before or `reach.before` words behind them.
fn near_enough(from: &[Place], to: &[Place], reach: Reach) -> Vec<Place> {
    let is_near = |place: &&Place| {
        let (column, position) = **place;
        let before = from.partition_point(|other| *other < (column, position));
        let has_before = before
            .checked_sub(1)
            .is_some_and(|at| from[at].0 == column && position - from[at].1 <= reach.after);
        let behind = from.partition_point(|other| *other <= (column, position));
        has_before
            || from
                .get(behind)
                .is_some_and(|other| other.0 == column && other.1 - position <= reach.before)
    };
    to.iter().filter(is_near).copied().collect()
}

struct Finder<'f, 'c> {
    table: &'f FtsTable,
    context: &'f mut VirtualContext<'c>,
    language: i32,
    matches: &'f mut Matches,
}

impl Finder<'_, '_> {
    fn find(&mut self, expression: &Expression) -> Result<(Vec<i64>, Shape)> {
        Ok(match expression {
            Expression::Phrase(phrase) => {
                let number = self.load(phrase)?;
                self.matches.groups.push(None);
                (
                    self.matches.postings[number].docids().to_vec(),
                    Shape::Phrase(number),
                )
            }
            Expression::Near(phrases, distances) => self.find_near(phrases, distances)?,
            Expression::And(parts) => {
                let (mut lists, shapes) = self.find_parts(parts)?;
                lists.sort_by_key(Vec::len);
                let all = lists.into_iter().reduce(|all, list| intersection(&all, &list));
                (all.unwrap_or_default(), Shape::All(shapes))
            }
            Expression::Or(parts) => {
                let (lists, shapes) = self.find_parts(parts)?;
                (union(lists), Shape::Any(shapes))
            }
            Expression::Not(wanted, unwanted) => {
                let (mut docids, shape) = self.find(wanted)?;
                for part in unwanted {
                    let without = self.find_silently(part)?;
                    docids = difference(docids, &without);
                }
                (docids, shape)
            }
        })
    }

    /// What is right of NOT: its phrases are not part of the answer.
    fn find_silently(&mut self, expression: &Expression) -> Result<Vec<i64>> {
        Ok(Matches::find(self.table, self.context, self.language, expression)?.docids)
    }

    fn find_parts(&mut self, parts: &[Expression]) -> Result<(Vec<Vec<i64>>, Vec<Shape>)> {
        let mut lists = Vec::with_capacity(parts.len());
        let mut shapes = Vec::with_capacity(parts.len());
        for part in parts {
            let (docids, shape) = self.find(part)?;
            lists.push(docids);
            shapes.push(shape);
        }
        Ok((lists, shapes))
    }

    fn find_near(&mut self, phrases: &[Phrase], distances: &[u32]) -> Result<(Vec<i64>, Shape)> {
        let group = self.matches.nears.len();
        let first_phrase = self.matches.phrases.len();
        for (place, phrase) in phrases.iter().enumerate() {
            self.load(phrase)?;
            self.matches.groups.push(Some((group, place)));
        }
        let word_count = |phrase: &Phrase| phrase.words.len() as u32;
        let near = Near {
            first_phrase,
            distances: distances.to_vec(),
            word_counts: phrases.iter().map(word_count).collect(),
        };
        let numbers = first_phrase..first_phrase + phrases.len();
        let lists = numbers
            .clone()
            .map(|number| self.matches.postings[number].docids().to_vec());
        let mut docids = lists
            .reduce(|all, list| intersection(&all, &list))
            .unwrap_or_default();
        docids.retain(|docid| self.matches.near_places(&near, *docid).is_some());
        self.matches.nears.push(near);
        Ok((docids, Shape::All(numbers.map(Shape::Phrase).collect())))
    }

    fn load(&mut self, phrase: &Phrase) -> Result<usize> {
        let postings = load_phrase(self.table, self.context, self.language, phrase)?;
        self.matches.postings.push(postings);
        self.matches.phrases.push(phrase.clone());
        Ok(self.matches.phrases.len() - 1)
    }
}

fn intersection(left: &[i64], right: &[i64]) -> Vec<i64> {
    common(left, right).map(|(number, _)| left[number]).collect()
}

fn union(lists: Vec<Vec<i64>>) -> Vec<i64> {
    let mut all = lists.concat();
    all.sort_unstable();
    all.dedup();
    all
}

fn difference(mut docids: Vec<i64>, without: &[i64]) -> Vec<i64> {
    let mut excluded = common(&docids, without)
        .map(|(number, _)| number)
        .collect::<Vec<_>>()
        .into_iter()
        .peekable();
    let mut number = 0;
    docids.retain(|_| {
        let is_excluded = excluded.next_if_eq(&number).is_some();
        number += 1;
        !is_excluded
    });
    docids
}
