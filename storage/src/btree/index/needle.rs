//! [`Needle`]: a key in the form in which it is looked for on a page.
//!
//! Mostly a key's first column decides, and where that is an integer or a text in binary order it is compared without a look at anything else.
//! Texts are compared in words of eight bytes. Keys next to each other tend to begin alike: what the two ends of the range that is left
//! have in common with the key, all between them have as well, so it is not compared again.
//!
//! ```text
//!   wanted   fourteen thousand nine hundred two
//!   low      fourteen thousand eight hundred          2 words alike ──┐ entries between need
//!   high     fourteen thousand nine hundred ten       3 words alike ──┘ no look at the first 2
//! ```
//!
//! - N1. Texts filled up with zeros to whole words are in the order of the texts, or equal: then the lengths decide.

use std::cmp::Ordering;
use std::hint::select_unpredictable;

use super::Bound;
use crate::format::cell::PayloadLimits;
use crate::format::page::PageRef;
use crate::format::{Collation, KeyColumn, KeyOrder, ValueRef, record};

/// Words of a text that are kept: more than an entry with a short header can have.
const WORDS: usize = 8;

/// Bytes from the beginning of a cell on that are looked at together: a text's, which may be long, and an integer's.
const TEXT_WINDOW: usize = 80;
const INTEGER_WINDOW: usize = 24;

/// The longest payload whose length takes one byte.
const TOTAL_MAX: usize = 0x7f;

/// A key that is compared with many entries.
pub(super) struct Needle {
    first: First,
    descending: bool,
    /// What an entry counts as that is equal on the first column, where the key has no other.
    ties: Option<Bound>,
}

enum First {
    Integer(i64),
    Text(TextKey),
    Other,
}

struct TextKey {
    words: [u64; WORDS],
    len: usize,
}

/// What is left of a range of cells.
#[derive(Clone, Copy)]
pub(super) struct Narrowed {
    pub(super) low: usize,
    pub(super) high: usize,
    /// An entry that was looked at is equal on the key's columns.
    pub(super) met_equal: bool,
}

/// How an entry compares with the key's first column: equal when it is neither below nor above.
#[derive(Clone, Copy)]
struct FirstOrder {
    below: bool,
    above: bool,
    /// Words that are alike.
    alike: usize,
}

/// Two numbers that are in the order of an entry and the key.
struct Usual<T> {
    stored: T,
    wanted: T,
    /// Words that are alike.
    alike: usize,
}

impl FirstOrder {
    #[inline(always)]
    fn of<T: Ord>(stored: T, wanted: T) -> FirstOrder {
        FirstOrder {
            below: stored < wanted,
            above: stored > wanted,
            alike: 0,
        }
    }
}

impl Needle {
    /// The needle of a key. With `ties`, entries that are equal to a key of one column are in front of or behind it.
    #[inline]
    pub(super) fn new(order: &KeyOrder, key: &[ValueRef<'_>], ties: Option<Bound>) -> Needle {
        let column = order.columns.first();
        let first = match (key.first(), column) {
            (Some(ValueRef::Integer(integer)), Some(_)) => First::Integer(*integer),
            (Some(ValueRef::Text(text)), Some(column)) if is_binary(column) => {
                First::Text(TextKey::new(text))
            }
            _ => First::Other,
        };
        Needle {
            first,
            descending: column.is_some_and(|column| column.descending),
            ties: ties.filter(|_| key.len() == 1),
        }
    }

    /// The needle of a record's key.
    #[inline]
    pub(super) fn of_record(order: &KeyOrder, record: &[u8]) -> Needle {
        let column = order.columns.first();
        let binary = column.is_some_and(is_binary);
        let first = FirstColumn::of_record(record).map_or(First::Other, |first| match first.integer() {
            Some(integer) => First::Integer(integer),
            None => match first.text() {
                Some(text) if binary => First::Text(TextKey::new(text)),
                _ => First::Other,
            },
        });
        Needle {
            first,
            descending: column.is_some_and(|column| column.descending),
            ties: None,
        }
    }

    /// Halves the cells `low..high` of `page` as long as the first column alone tells which half the key belongs to. What is left has
    /// to be halved by a whole comparison.
    #[inline]
    pub(super) fn narrow(
        &self,
        page: &PageRef<'_>,
        limits: &PayloadLimits,
        (low, high): (usize, usize),
    ) -> Narrowed {
        match &self.first {
            First::Integer(wanted) => self.halve(
                page,
                limits,
                (low, high),
                |cell, total_max, _| usual_integer_order(cell, total_max, *wanted),
                |column, _| column.integer_order(*wanted),
            ),
            First::Text(wanted) => self.halve(
                page,
                limits,
                (low, high),
                |cell, total_max, alike| usual_text_order(cell, total_max, wanted, alike),
                |column, alike| column.text_order(wanted, alike),
            ),
            First::Other => Narrowed {
                low,
                high,
                met_equal: false,
            },
        }
    }

    #[inline(always)]
    fn halve<T: Ord + Copy, const WINDOW: usize>(
        &self,
        page: &PageRef<'_>,
        limits: &PayloadLimits,
        (mut low, mut high): (usize, usize),
        usual: impl Fn(&[u8; WINDOW], u8, usize) -> Option<Usual<T>>,
        order: impl Fn(FirstColumn<'_>, usize) -> Option<FirstOrder>,
    ) -> Narrowed {
        let bytes = page.bytes();
        let pointers = bytes
            .get(page.pointers_start()..page.pointers_end())
            .map_or(&[][..], |pointers| pointers.as_chunks::<2>().0);
        let skipped = if page.kind().is_leaf() { 0 } else { 4 };
        let total_max = limits.max_local.min(TOTAL_MAX) as u8;
        let mut met_equal = false;
        let (mut alike_low, mut alike_high) = (0, 0);
        while low < high {
            let middle = (low + high) / 2;
            let Some(pointer) = pointers.get(middle) else {
                break;
            };
            let at = usize::from(u16::from_be_bytes(*pointer)) + skipped;
            let alike = alike_low.min(alike_high);
            let cell = window(bytes, at);
            let (below, equal, found_alike) = match cell.and_then(|cell| usual(cell, total_max, alike)) {
                Some(found) => (
                    found.stored < found.wanted,
                    found.stored == found.wanted,
                    found.alike,
                ),
                None => match FirstColumn::of_cell(bytes, at, limits).and_then(|column| order(column, alike))
                {
                    Some(found) => (found.below, found.below == found.above, found.alike),
                    None => break,
                },
            };
            let mut goes_up = below != self.descending;
            if equal {
                let Some(bound) = self.ties else { break };
                met_equal = true;
                goes_up = bound == Bound::Upper;
            }
            low = select_unpredictable(goes_up, middle + 1, low);
            high = select_unpredictable(goes_up, high, middle);
            alike_low = select_unpredictable(goes_up, found_alike, alike_low);
            alike_high = select_unpredictable(goes_up, alike_high, found_alike);
        }
        Narrowed { low, high, met_equal }
    }

    /// The order of cell `index` relative to the key, when the first column tells it and they are not equal.
    #[inline]
    pub(super) fn order_of(
        &self,
        page: &PageRef<'_>,
        limits: &PayloadLimits,
        index: usize,
    ) -> Option<Ordering> {
        let bytes = page.bytes();
        let at = page.pointers_start() + 2 * index;
        let pointer = bytes.get(at..page.pointers_end())?.first_chunk()?;
        let skipped = if page.kind().is_leaf() { 0 } else { 4 };
        let at = usize::from(u16::from_be_bytes(*pointer)) + skipped;
        let total_max = limits.max_local.min(TOTAL_MAX) as u8;
        let usual = match &self.first {
            First::Integer(wanted) => window(bytes, at)
                .and_then(|cell| usual_integer_order(cell, total_max, *wanted))
                .map(|found| FirstOrder::of(found.stored, found.wanted)),
            First::Text(wanted) => window(bytes, at)
                .and_then(|cell| usual_text_order(cell, total_max, wanted, 0))
                .map(|found| FirstOrder::of(found.stored, found.wanted)),
            First::Other => return None,
        };
        let order = match usual {
            Some(order) => order,
            None => self.unusual_order(FirstColumn::of_cell(bytes, at, limits)?)?,
        };
        match (order.below, order.above) {
            (below, above) if below == above => None,
            (below, _) if below != self.descending => Some(Ordering::Less),
            _ => Some(Ordering::Greater),
        }
    }

    #[cold]
    fn unusual_order(&self, column: FirstColumn<'_>) -> Option<FirstOrder> {
        match &self.first {
            First::Integer(wanted) => column.integer_order(*wanted),
            First::Text(wanted) => column.text_order(wanted, 0),
            First::Other => None,
        }
    }
}

/// The bytes from `at` on that are looked at together.
#[inline(always)]
fn window<const WINDOW: usize>(bytes: &[u8], at: usize) -> Option<&[u8; WINDOW]> {
    bytes.get(at..at + WINDOW)?.first_chunk()
}

/// The order of two records when it is told by texts in binary order in their first column.
#[inline]
pub(super) fn order_of_texts(order: &KeyOrder, a: &[u8], b: &[u8]) -> Option<Ordering> {
    let column = order.columns.first().filter(|column| is_binary(column))?;
    let [a, b] = [
        FirstColumn::of_record(a)?.text()?,
        FirstColumn::of_record(b)?.text()?,
    ];
    match a.cmp(b) {
        Ordering::Equal => None,
        order if column.descending => Some(order.reverse()),
        order => Some(order),
    }
}

#[inline(always)]
fn is_binary(column: &KeyColumn) -> bool {
    matches!(column.collation, Collation::Binary)
}

impl TextKey {
    #[inline]
    fn new(text: &[u8]) -> TextKey {
        let mut start = [0; 8 * WORDS];
        let len = text.len().min(start.len());
        start[..len].copy_from_slice(&text[..len]);
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(start.as_chunks().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        TextKey {
            words,
            len: text.len(),
        }
    }
}

/// As [`FirstColumn::integer_order`] of the cell whose payload length comes first. `None` for a cell that is not usual: those behind which
/// the page has not as many bytes are not, nor are integers without content.
#[inline(always)]
fn usual_integer_order(cell: &[u8; INTEGER_WINDOW], total_max: u8, wanted: i64) -> Option<Usual<i64>> {
    /// By serial type, which bits the integer leaves behind it.
    const SHIFTS: [u8; 8] = [64, 56, 48, 40, 32, 16, 0, 64];
    let [total, header_len, serial, ..] = *cell;
    let shift = SHIFTS[usize::from(serial & 7)];
    if total > total_max || header_len < 2 || header_len >= total || serial > 6 || shift == 64 {
        return None;
    }
    let at = 1 + usize::from(header_len);
    let content = cell.get(at..at + 8)?.first_chunk()?;
    if usize::from(header_len) + usize::from((64 - shift) / 8) > usize::from(total) {
        return None;
    }
    Some(Usual {
        stored: i64::from_be_bytes(*content) >> shift,
        wanted,
        alike: 0,
    })
}

/// As [`FirstColumn::text_order`], likewise.
#[inline(always)]
fn usual_text_order(
    cell: &[u8; TEXT_WINDOW],
    total_max: u8,
    wanted: &TextKey,
    mut alike: usize,
) -> Option<Usual<u64>> {
    let [total, header_len, serial, ..] = *cell;
    let len = usize::from(serial.wrapping_sub(13)) / 2;
    let is_text = serial & 1 == 1 && (13..0x80).contains(&serial);
    if total > total_max || header_len < 2 || !is_text || usize::from(header_len) + len > usize::from(total) {
        return None;
    }
    let content = &cell[1..];
    let mut from = 8 * alike;
    loop {
        let at = usize::from(header_len) + from;
        let word = *wanted.words.get(alike)?;
        let stored = u64::from_be_bytes(*content.get(at..at + 8)?.first_chunk()?);
        let same = ((stored ^ word).leading_zeros() / 8) as usize;
        // A difference behind the text's end is none of it; then it begins the wanted text, or is it.
        if from + same >= len {
            return Some(Usual {
                stored: len as u64,
                wanted: wanted.len as u64,
                alike,
            });
        }
        if same < 8 {
            return Some(Usual {
                stored,
                wanted: word,
                alike,
            });
        }
        (alike, from) = (alike + 1, from + 8);
    }
}

/// The first column of an entry that lies on its page whole.
struct FirstColumn<'p> {
    serial: u8,
    /// From the column's content to the end of the page.
    rest: &'p [u8],
}

impl<'p> FirstColumn<'p> {
    /// That of the cell whose payload length is at `at`; `None` for a cell that is not small, or is damaged.
    #[inline(always)]
    fn of_cell(bytes: &'p [u8], at: usize, limits: &PayloadLimits) -> Option<FirstColumn<'p>> {
        let &[total, header_len, serial] = bytes.get(at..)?.first_chunk()?;
        if (total | header_len | serial) >= 0x80 || usize::from(total) > limits.max_local || header_len < 2 {
            return None;
        }
        let content_len = record::content_len(u64::from(serial));
        if usize::from(header_len) + content_len > usize::from(total) {
            return None;
        }
        let rest = bytes.get(at + 1 + usize::from(header_len)..)?;
        (content_len <= rest.len()).then_some(FirstColumn { serial, rest })
    }

    /// That of a record; `None` when it is not small, or contradicts itself.
    #[inline(always)]
    fn of_record(record: &'p [u8]) -> Option<FirstColumn<'p>> {
        let &[header_len, serial] = record.first_chunk()?;
        let rest = record.get(usize::from(header_len)..)?;
        let fits = record::content_len(u64::from(serial)) <= rest.len();
        (header_len | serial < 0x80 && header_len >= 2 && fits).then_some(FirstColumn { serial, rest })
    }

    /// The content's eight bytes from `from` on as a number; those behind the end of the page are zeros.
    #[inline(always)]
    fn word(&self, from: usize) -> u64 {
        match self.rest.get(from..).and_then(<[u8]>::first_chunk) {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => cut_word(self.rest, from),
        }
    }

    /// The integer that it is.
    #[inline(always)]
    fn integer(&self) -> Option<i64> {
        let shift = match self.serial {
            1..=4 => 64 - 8 * u32::from(self.serial),
            5 => 16,
            6 => 0,
            8 | 9 => return Some(i64::from(self.serial - 8)),
            _ => return None,
        };
        Some((self.word(0) as i64) >> shift)
    }

    /// The text that it is.
    #[inline(always)]
    fn text(&self) -> Option<&'p [u8]> {
        if self.serial < 13 || self.serial & 1 == 0 {
            return None;
        }
        self.rest.get(..usize::from(self.serial - 13) / 2)
    }

    /// How it compares with an integer; `None` when it is another number.
    #[inline(always)]
    fn integer_order(&self, wanted: i64) -> Option<FirstOrder> {
        match self.integer() {
            Some(stored) => Some(FirstOrder::of(stored, wanted)),
            None => self.class_order(ValueClass::Number),
        }
    }

    /// How it compares with a text, of which it has the first `alike` words.
    #[inline(always)]
    fn text_order(&self, wanted: &TextKey, alike: usize) -> Option<FirstOrder> {
        if self.serial < 13 || self.serial & 1 == 0 {
            return self.class_order(ValueClass::Text);
        }
        let len = usize::from(self.serial - 13) / 2;
        let mut at = alike;
        loop {
            let from = 8 * at;
            let left = len.saturating_sub(from);
            let stored = match left {
                0 => 0,
                1..8 => self.word(from) & (u64::MAX << (64 - 8 * left)),
                _ => self.word(from),
            };
            let word = *wanted.words.get(at)?;
            if stored != word {
                return Some(FirstOrder {
                    alike: at,
                    ..FirstOrder::of(stored, word)
                });
            }
            if left <= 8 {
                return Some(FirstOrder {
                    alike: at,
                    ..FirstOrder::of(len, wanted.len)
                });
            }
            at += 1;
        }
    }

    /// How it compares with a value of another storage class.
    #[cold]
    fn class_order(&self, wanted: ValueClass) -> Option<FirstOrder> {
        let stored = match self.serial {
            0 => ValueClass::Null,
            1..=9 => ValueClass::Number,
            10 | 11 => return None,
            serial if serial & 1 == 1 => ValueClass::Text,
            _ => ValueClass::Blob,
        };
        (stored != wanted).then(|| FirstOrder::of(stored, wanted))
    }
}

/// Storage classes in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ValueClass {
    Null,
    Number,
    Text,
    Blob,
}

#[cold]
fn cut_word(bytes: &[u8], from: usize) -> u64 {
    let rest = bytes.get(from..).unwrap_or_default();
    let mut word = [0; 8];
    let len = rest.len().min(8);
    word[..len].copy_from_slice(&rest[..len]);
    u64::from_be_bytes(word)
}

#[cfg(test)]
mod tests;
