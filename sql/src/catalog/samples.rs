//! What sqlite_stat4 says of an index: some of its entries, and how many are like them and before them. From that follows how many entries a
//! value has that stands in a statement, and how many lie between two.
//!
//! The numbers come from a file and only advise: whatever they say, sums stay within 64 bits, and a plan made by them gives the same rows.

use std::cmp::Ordering;

use aludel_storage::format::record::RecordView;
use aludel_storage::format::{Collation, KeyOrder, TextEncoding};

use super::environment::utf8_of;
use crate::value::{Text, Value, ValueRef, compare};

/// More samples of one index are not looked at.
const SAMPLES_MAX: usize = 256;

/// The samples of an index, in its order.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    samples: Vec<Sample>,
    /// Columns that all of them have.
    width: usize,
    /// How many entries agree in 1, 2, .. columns on average, those that were sampled left aside.
    average: Vec<u64>,
    /// Entries of the index.
    rows: u64,
}

#[derive(Clone, Debug)]
struct Sample {
    equal: Vec<u64>,
    less: Vec<u64>,
    less_distinct: Vec<u64>,
    values: Vec<Value>,
}

/// Where a value lies among the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Entries before it.
    pub less: u64,
    /// Entries that are equal to it.
    pub equal: u64,
    /// The sample at or after it.
    pub sample: usize,
}

impl Samples {
    /// Adds a row of sqlite_stat4; one that cannot be read is left out.
    pub fn add(&mut self, counts: [&str; 3], record: &[u8], encoding: TextEncoding) {
        let [equal, less, less_distinct] = counts.map(|text| {
            let numbers = text.split(' ').map_while(|word| word.parse::<u64>().ok());
            numbers.collect::<Vec<u64>>()
        });
        let Ok(view) = RecordView::parse(record) else {
            return;
        };
        let values: Result<Vec<Value>, _> = view
            .columns()
            .map(|value| {
                value.map(|value| match value {
                    ValueRef::Text(text) => Value::Text(Text::from_bytes(utf8_of(text, encoding))),
                    value => Value::from(value),
                })
            })
            .collect();
        let Ok(values) = values else { return };
        let width = equal
            .len()
            .min(less.len())
            .min(less_distinct.len())
            .min(values.len());
        if width == 0 || self.samples.len() >= SAMPLES_MAX {
            return;
        }
        self.width = match self.samples.is_empty() {
            true => width,
            false => self.width.min(width),
        };
        self.samples.push(Sample {
            equal,
            less,
            less_distinct,
            values,
        });
    }

    /// Makes them ready to be asked: `statistics` are those of sqlite_stat1. False when there is nothing to ask.
    pub fn finish(&mut self, statistics: Option<&[u64]>) -> bool {
        let Some(last) = self.samples.last() else {
            return false;
        };
        let columns = (self.width - 1).max(1);
        self.average = (0..columns)
            .map(|column| {
                let known =
                    statistics.filter(|counts| counts.get(column + 1).is_some_and(|count| *count > 0));
                let (rows, distinct_percent, sampled) = match known {
                    Some(counts) => {
                        let rows = counts[0];
                        (
                            rows,
                            rows.saturating_mul(100) / counts[column + 1],
                            self.samples.len(),
                        )
                    }
                    None => (
                        last.less[column],
                        last.less_distinct[column].saturating_mul(100),
                        self.samples.len() - 1,
                    ),
                };
                self.rows = rows;
                let (mut equal, mut seen_percent) = (0_u64, 0_u64);
                for (place, sample) in self.samples.iter().enumerate().take(sampled) {
                    let next = self.samples.get(place + 1);
                    let ends =
                        next.is_none_or(|next| next.less_distinct[column] != sample.less_distinct[column]);
                    if ends {
                        equal = equal.saturating_add(sample.equal[column]);
                        seen_percent += 100;
                    }
                }
                match distinct_percent > seen_percent && equal < rows {
                    true => ((rows - equal).saturating_mul(100) / (distinct_percent - seen_percent)).max(1),
                    false => 1,
                }
            })
            .collect();
        if self.width > 1 {
            self.average.push(1);
        }
        true
    }

    /// How many columns can be asked about.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Entries of the index.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Where the entries are that begin with `key`, by the order of the index. A key that is between samples is taken to lie after a third of the entries
    /// between them, or after two thirds if `upper`.
    pub fn standing(&self, key: &[Value], order: &KeyOrder, upper: bool) -> Option<Standing> {
        let fields = key.len().min(self.width);
        if fields == 0 || self.samples.is_empty() {
            return None;
        }
        // Each sample stands for as many prefixes as the key has columns: those that the sample before does not share.
        let (mut low, mut high) = (0, self.samples.len() * fields);
        let (mut before, mut column, mut found) = (0_u64, 0, false);
        while !found && low < high {
            let middle = (low + high) / 2;
            let place = middle / fields;
            let sample = &self.samples[place];
            let count = match place.checked_sub(1) {
                None => middle + 1,
                Some(last) => {
                    let last = &self.samples[last];
                    let own = middle % fields + 1;
                    (own..fields)
                        .find(|&count| last.less[count - 1] != sample.less[count - 1])
                        .unwrap_or(fields)
                }
            };
            match compare_prefix(&sample.values[..count], &key[..count], order) {
                Ordering::Less => {
                    before = sample.less[count - 1].saturating_add(sample.equal[count - 1]);
                    low = middle + 1;
                }
                Ordering::Equal if count < fields => {
                    before = sample.less[count - 1];
                    low = middle + 1;
                }
                order => {
                    high = middle;
                    column = count - 1;
                    found = order.is_eq();
                }
            }
        }
        let place = high / fields;
        if found {
            let sample = self.samples.get(place)?;
            return Some(Standing {
                less: sample.less[column],
                equal: sample.equal[column],
                sample: place,
            });
        }
        let after = self
            .samples
            .get(place)
            .map_or(self.rows, |sample| sample.less[column]);
        let gap = after.saturating_sub(before);
        let part = if upper { gap.saturating_mul(2) / 3 } else { gap / 3 };
        Some(Standing {
            less: before.saturating_add(part),
            equal: self.average.get(fields - 1).copied().unwrap_or(1),
            sample: place,
        })
    }
}

fn compare_prefix(sample: &[Value], key: &[Value], order: &KeyOrder) -> Ordering {
    for (place, (own, other)) in sample.iter().zip(key).enumerate() {
        let column = order.columns.get(place);
        let collation = column.map_or(&Collation::Binary, |column| &column.collation);
        let ordering = compare(own.as_ref(), other.as_ref(), collation);
        if ordering.is_ne() {
            return match column.is_some_and(|column| column.descending) {
                true => ordering.reverse(),
                false => ordering,
            };
        }
    }
    Ordering::Equal
}
