//! Statements that take other texts of their shape: the same text but for constants.
//!
//! ```text
//!   kept   SELECT name FROM t WHERE id = 7 AND kind = 'a'     slots: 7, 'a'
//!          ├───────── fixed ──────────┤ ├─ fixed ─┤
//!   next   SELECT name FROM t WHERE id = 812 AND kind = 'it''s'
//! ```
//!
//! Programs that write values into their texts, and scripts of INSERTs, prepare texts that were never there before, and yet are always the same
//! statement. Where the planner has lifted the constants ([`Lifted`](crate::plan::Lifted)), the statement of one such text serves the next: the fixed
//! parts are compared, byte by byte, and the values of the new constants bound. Nothing is read, parsed or planned, and operators that were built
//! for one text run for the others.
//!
//! - S1. A text that fits has the tokens of the one that was compiled, but for constants of the same kind: an integer of digits, or a string. (The
//!   fixed parts are the same, and what ended a constant there ends it here.)
//! - S2. Builds with assertions compile each text that fits as well, and compare.
//! - S3. Blank space counts, and so does the case of letters.

use smallvec::SmallVec;

use super::Body;
use super::queries::Counts;
use crate::connection::State;
use crate::error::Result;
use crate::plan::Constant;
use crate::value::{Value, ValueRef};

/// Longer texts are data more than statements.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// Integers with more digits may not fit 64 bits.
const DIGITS_MAX: usize = 18;

/// Where the constants stand that a statement reads as parameters.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Slots {
    /// In the order of the text.
    places: SmallVec<[Slot; 3]>,
    /// Whether other texts may fit.
    open: bool,
    /// Whether the text ends with its semicolon, so that others may go on after theirs.
    ends: bool,
}

/// Where a constant stands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slot {
    start: u32,
    end: u32,
    /// Which of the constants it is: they are counted as the planner met them.
    constant: u16,
    is_text: bool,
    negated: bool,
}

impl Slots {
    /// Those of a text, of which some were lifted.
    pub(super) fn add(&mut self, constant: &Constant) {
        self.places.push(Slot {
            start: constant.span.start,
            end: constant.span.end,
            constant: self.places.len() as u16,
            is_text: matches!(constant.value, Value::Text(_)),
            negated: constant.negated,
        });
    }

    /// After the last one: whether other texts may fit, which is so if all constants are here and are plain ones.
    pub(super) fn finish(&mut self, sql: &str, all: bool) {
        self.places.sort_unstable_by_key(|slot| slot.start);
        let plain = |slot: &Slot| {
            let rest = sql.as_bytes().get(slot.start as usize..).unwrap_or_default();
            slot.constant_length(rest) == Some(slot.len())
        };
        self.open = all && sql.len() <= TEXT_BYTES_MAX && self.places.iter().all(plain);
        let last = self.places.last().map_or(0, |slot| slot.end as usize);
        let last = sql.as_bytes().get(last..).unwrap_or_default();
        // A semicolon could be part of a comment.
        self.ends = last.ends_with(b";") && !last.iter().any(|byte| matches!(byte, b'-' | b'/'));
    }

    pub(super) fn clear(&mut self) {
        *self = Slots::default();
    }

    /// Where the constants of `text` stand, and where its statement ends, if it differs from `own` in them only.
    fn fit(&self, own: &[u8], text: &[u8]) -> Option<(SmallVec<[Slot; 3]>, usize)> {
        let (mut places, mut own_at, mut at) = (SmallVec::new(), 0, 0);
        for slot in &self.places {
            at = after(own.get(own_at..slot.start as usize)?, text, at)?;
            let length = slot.constant_length(&text[at..])?;
            let end = at + length;
            places.push(Slot {
                start: at as u32,
                end: end as u32,
                ..*slot
            });
            (own_at, at) = (slot.end as usize, end);
        }
        at = after(own.get(own_at..)?, text, at)?;
        let fits = at <= TEXT_BYTES_MAX && (at == text.len() || self.ends);
        fits.then_some((places, at))
    }
}

/// The place after `fixed`, if that is what `text` has at `at`.
#[inline]
fn after(fixed: &[u8], text: &[u8], at: usize) -> Option<usize> {
    let end = at + fixed.len();
    (text.get(at..end)? == fixed).then_some(end)
}

impl Slot {
    fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// How long the constant of this kind is that a text begins with.
    #[inline]
    fn constant_length(&self, text: &[u8]) -> Option<usize> {
        if self.is_text {
            return string_length(text);
        }
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..=DIGITS_MAX).contains(&digits).then_some(digits)
    }

    /// Makes `value` what `text` says at this place.
    fn read(&self, text: &[u8], value: &mut Value) {
        let text = text
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default();
        if self.is_text {
            return read_string(text, value);
        }
        let digit = |value, byte: &u8| value * 10 + i64::from(byte.wrapping_sub(b'0'));
        let integer = text.iter().fold(0, digit);
        value.assign(ValueRef::Integer(if self.negated { -integer } else { integer }));
    }
}

/// The length of the string that a text begins with, its quotes included.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    text.first().filter(|first| **first == b'\'')?;
    loop {
        at += memchr::memchr2(b'\'', 0, text.get(at..)?)?;
        match text.get(at..at + 2) {
            Some(b"''") => at += 2,
            _ => return (text.get(at) == Some(&b'\'')).then_some(at + 1),
        }
    }
}

/// Makes `value` the string that `text` is, with its quotes.
#[inline(never)]
fn read_string(text: &[u8], value: &mut Value) {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    match memchr::memchr(b'\'', inner) {
        None => value.assign(ValueRef::Text(inner)),
        Some(_) => value.assign(ValueRef::Text(&crate::syntax::unquoted_bytes(text))),
    }
}

impl Body {
    /// Whether other texts may be put in the place of its own.
    #[inline]
    pub(crate) fn takes_texts(&self) -> bool {
        self.slots.open
    }

    /// Puts the first statement of `sql` in the place of its own text, if they differ in constants only. False, and nothing has happened, if not.
    pub(crate) fn take_text(&mut self, sql: &str) -> bool {
        let Some((places, end)) = self.slots.fit(self.sql.as_bytes(), sql.as_bytes()) else {
            return false;
        };
        let Some(text) = sql.get(..end) else { return false };
        let first = self.parameters.count as usize;
        for slot in &places {
            if let Some(value) = self.values.get_mut(first + usize::from(slot.constant)) {
                slot.read(text.as_bytes(), value);
            }
        }
        self.slots.places = places;
        self.sql.clear();
        self.sql.push_str(text);
        self.tail = end;
        self.counts = Counts::default();
        true
    }

    /// Whether it is what compiling `sql` makes, as far as that can be seen from here.
    ///
    /// # Errors
    /// Those of compiling.
    pub(crate) fn is_as_compiled(&self, state: &mut State, sql: &str) -> Result<bool> {
        let fresh = Body::prepare(state, sql)?;
        let names = |body: &Body| -> Vec<String> {
            let columns = body.row.columns.iter();
            columns.map(|column| column.name.to_string()).collect()
        };
        let same = (&self.sql, self.tail, &self.slots) == (&fresh.sql, fresh.tail, &fresh.slots)
            && (&self.values, &self.parameters) == (&fresh.values, &fresh.parameters)
            && (&self.databases, &self.writes) == (&fresh.databases, &fresh.writes)
            && names(self) == names(&fresh);
        // What was found out of date while it was compiled is compiled again when it runs.
        Ok(same || fresh.schema_version != self.schema_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(own: &str, constants: &[(&str, bool)]) -> Slots {
        let mut slots = Slots::default();
        for (text, is_text) in constants {
            let start = own.find(text).unwrap() as u32;
            slots.places.push(Slot {
                start,
                end: start + text.len() as u32,
                constant: slots.places.len() as u16,
                is_text: *is_text,
                negated: false,
            });
        }
        slots.finish(own, true);
        slots
    }

    #[test]
    fn texts_fit_that_differ_in_constants_of_one_kind() {
        let own = "UPDATE t SET a = 'x' WHERE id = 7";
        let slots = slots(own, &[("'x'", true), ("7", false)]);
        let fit = |text: &str| {
            let (places, end) = slots.fit(own.as_bytes(), text.as_bytes())?;
            assert_eq!(end, text.len());
            let text_of = |slot: &Slot| text[slot.start as usize..slot.end as usize].to_owned();
            Some(places.iter().map(text_of).collect::<Vec<_>>())
        };
        let found = fit("UPDATE t SET a = 'it''s ''' WHERE id = 4711").unwrap();
        assert_eq!(found, ["'it''s '''", "4711"]);
        assert_eq!(fit("UPDATE t SET a = '' WHERE id = 0").unwrap(), ["''", "0"]);
        for other in [
            "UPDATE t SET a = 'x' WHERE id = 7.5",
            "UPDATE t SET a = 'x' WHERE id = 7e5",
            "UPDATE t SET a = 'x' WHERE id = 0x7",
            "UPDATE t SET a = 'x' WHERE id = 7 ",
            "UPDATE t SET a = 'x' WHERE id = 7;",
            "UPDATE t SET a = 'x' WHERE id = 1234567890123456789",
            "UPDATE t SET a = 'x' WHERE id = ",
            "UPDATE t SET a = 'x' WHERE id = 'a'",
            "UPDATE t SET a = 5 WHERE id = 7",
            "UPDATE t SET a = 'x",
            "UPDATE t SET a = 'x''",
            "UPDATE t SET a = 'x\0y' WHERE id = 7",
            "UPDATE u SET a = 'x' WHERE id = 7",
            "UPDATE t",
            "",
        ] {
            assert_eq!(fit(other), None, "{other}");
        }
    }

    #[test]
    fn a_text_goes_on_after_a_semicolon_only() {
        for (own, goes_on) in [
            ("DELETE FROM t WHERE id = 7;", true),
            ("DELETE FROM t WHERE id = 7 ;", true),
            ("DELETE FROM t WHERE id = 7", false),
            ("DELETE FROM t WHERE id = 7 -- ;", false),
            ("DELETE FROM t WHERE id = 7 /* ;", false),
        ] {
            let slots = slots(own, &[("7", false)]);
            let script = format!("{own} DELETE FROM u");
            let end = slots.fit(own.as_bytes(), script.as_bytes()).map(|(_, end)| end);
            assert_eq!(end, goes_on.then_some(own.len()), "{own}");
            assert!(slots.fit(own.as_bytes(), own.as_bytes()).is_some());
        }
    }
}
