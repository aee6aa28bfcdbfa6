//! Terms that follow from the terms that are written.
//!
//! * `x LIKE 'abc%'` bounds x from both sides. The bounds serve for searching only; the pattern is still checked where it asks for more than a beginning.
//! * `x = y AND y = 5` makes `x = 5`, which is checked early and may be searched by.
//! * `x = y AND y = z` makes `x = z`, for searching only.

use aludel_storage::format::TextEncoding;
use smallvec::SmallVec;

use super::region::Planner;
use super::{TermId, TermIds};
use crate::plan::expr::{CompareOp, CompareRule};
use crate::plan::logical::{ColumnRef, Comparison, Scalar};
use crate::value::{Affinity, Collation, Text, Value};

/// The most equalities that are derived in one region.
const DERIVED_MAX: usize = 32;

/// An equality of a column with a value that depends on no item.
struct Known {
    column: ColumnRef,
    value: Scalar,
}

/// An equality of two columns.
#[derive(Clone)]
struct Pair {
    term: TermId,
    left: ColumnRef,
    right: ColumnRef,
    rule: CompareRule,
}

impl<'q> Planner<'_, 'q> {
    /// Adds what follows from terms that hold together.
    pub(super) fn derive_terms(&mut self, terms: &mut TermIds) {
        self.derive_patterns(terms);
        if terms.len() > 1 && self.chains(terms) {
            self.derive_equalities(terms);
        }
    }

    /// Whether a column stands in more than one equality: of others nothing follows.
    fn chains(&self, terms: &[TermId]) -> bool {
        let mut seen: SmallVec<[ColumnRef; 8]> = SmallVec::new();
        for &term in terms {
            let Some(equality) = self.term(term).as_equality() else {
                continue;
            };
            for side in [&equality.left, &equality.right] {
                if let Some(column) = side.as_column() {
                    if seen.contains(&column) {
                        return true;
                    }
                    seen.push(column);
                }
            }
        }
        false
    }

    /// Adds the bounds that patterns give.
    pub(super) fn derive_patterns(&mut self, terms: &mut TermIds) {
        for place in 0..terms.len() {
            let id = terms[place];
            if let Some((above, below)) = self.pattern_bounds(self.term(id)) {
                let bounds = [self.add_derived(above, id), self.add_derived(below, id)];
                terms.extend(bounds);
            }
        }
    }

    fn pattern_bounds(&self, term: &Scalar) -> Option<(Scalar, Scalar)> {
        let Scalar::Like {
            operand,
            pattern,
            escape,
            glob,
            negated: false,
        } = term
        else {
            return None;
        };
        let column = operand.as_column()?;
        let Value::Text(pattern) = pattern.as_literal()? else {
            return None;
        };
        let escape = match escape.as_deref().map(Scalar::as_literal) {
            None => None,
            Some(Some(Value::Text(text))) if text.as_bytes().len() == 1 => Some(text.as_bytes()[0]),
            Some(_) => return None,
        };
        let prefix = prefix(pattern.as_bytes(), *glob, escape)?;
        let is_text = self.tables.schema_column(column)?.affinity == Affinity::Text;
        if !is_text && !prefix[0].is_ascii_alphabetic() {
            // A number might match the pattern, and numbers are not ordered as texts.
            return None;
        }
        let collation = match *glob || self.context.settings.case_sensitive_like {
            true => Collation::Binary,
            false => Collation::NoCase,
        };
        let (low, high) = bounds(prefix, &collation)?;
        let compare = |op, bound: Vec<u8>| {
            let rule = CompareRule {
                left: None,
                right: None,
                collation: collation.clone(),
            };
            let bound = Scalar::Literal(Value::Text(Text::from_bytes(bound)));
            Scalar::compare(op, Scalar::clone(operand), bound, rule)
        };
        Some((compare(CompareOp::Ge, low), compare(CompareOp::Lt, high)))
    }

    /// Whether a pattern matches all that lies between its bounds, texts and blobs alike.
    pub(super) fn is_its_bounds(&self, term: TermId) -> bool {
        let Scalar::Like {
            pattern,
            escape: None,
            glob,
            ..
        } = self.term(term)
        else {
            return false;
        };
        // Texts in UTF-16 are not in the order of their characters, and those without case have neighbours of other letters.
        let exact = *glob || self.context.settings.case_sensitive_like;
        let mut databases = self.context.databases.iter();
        exact
            && databases.all(|database| database.schema.encoding == TextEncoding::Utf8)
            && matches!(pattern.as_literal(), Some(Value::Text(pattern)) if is_prefix_only(pattern.as_bytes(), *glob))
    }

    fn derive_equalities(&mut self, terms: &mut TermIds) {
        let mut known: Vec<Known> = Vec::new();
        let mut pairs: Vec<Pair> = Vec::new();
        for &term in terms.iter() {
            self.classify(term, &mut known, &mut pairs);
        }
        if pairs.is_empty() {
            return;
        }
        let mut added = 0;
        let mut next = 0;
        while next < known.len() && added < DERIVED_MAX {
            let (column, value) = (known[next].column, known[next].value.clone());
            next += 1;
            for pair in &pairs {
                let other = match column {
                    c if c == pair.left => pair.right,
                    c if c == pair.right => pair.left,
                    _ => continue,
                };
                if known.iter().any(|known| known.column == other) {
                    continue;
                }
                let term = self.add_term(equality(
                    Scalar::Column(other),
                    value.clone(),
                    self.own_rule(other, pair),
                ));
                terms.push(term);
                known.push(Known {
                    column: other,
                    value: value.clone(),
                });
                added += 1;
            }
        }
        self.derive_pairs(terms, pairs, &known);
    }

    /// Adds `x = z` for `x = y AND y = z`.
    fn derive_pairs(&mut self, terms: &mut TermIds, mut pairs: Vec<Pair>, known: &[Known]) {
        let is_known = |column: ColumnRef| known.iter().any(|known| known.column == column);
        let mut first = 0;
        while first < pairs.len() && pairs.len() < DERIVED_MAX {
            for second in 0..first {
                let (a, b) = (pairs[first].clone(), pairs[second].clone());
                let Some((left, right)) = ends(&a, &b) else {
                    continue;
                };
                let there = pairs.iter().any(|pair| {
                    (pair.left, pair.right) == (left, right) || (pair.left, pair.right) == (right, left)
                });
                if there
                    || left.table == right.table
                    || is_known(left)
                    || a.rule.collation != b.rule.collation
                {
                    continue;
                }
                let scalar = equality(Scalar::Column(left), Scalar::Column(right), a.rule.clone());
                let term = self.add_derived(scalar, a.term);
                terms.push(term);
                pairs.push(Pair {
                    term,
                    left,
                    right,
                    rule: a.rule.clone(),
                });
            }
            first += 1;
        }
    }

    fn classify(&self, id: TermId, known: &mut Vec<Known>, pairs: &mut Vec<Pair>) {
        let Some(Comparison {
            left, right, rule, ..
        }) = self.term(id).as_equality()
        else {
            return;
        };
        match (left.as_column(), right.as_column()) {
            (Some(a), Some(b)) if self.is_own(a) && self.is_own(b) => {
                let same = self.affinity_class(a) == self.affinity_class(b);
                if same && a.table != b.table {
                    pairs.push(Pair {
                        term: id,
                        left: a,
                        right: b,
                        rule: rule.clone(),
                    });
                }
            }
            (Some(column), _) => self.note_known(column, right, rule, known),
            (_, Some(column)) => self.note_known(column, left, rule, known),
            _ => {}
        }
    }

    fn note_known(&self, column: ColumnRef, value: &Scalar, rule: &CompareRule, known: &mut Vec<Known>) {
        let fixed = self.is_own(column) && self.items_of(value) == 0 && super::is_steady(value);
        let binary =
            matches!(rule.collation, Collation::Binary) || self.affinity_class(column) == Some(Class::Number);
        // Columns of numbers hold texts too; only among columns of one kind does an equality carry over.
        if fixed && binary && !known.iter().any(|known| known.column == column) {
            known.push(Known {
                column,
                value: value.clone(),
            });
        }
    }

    fn is_own(&self, column: ColumnRef) -> bool {
        self.items_of(&Scalar::Column(column)) != 0
    }

    fn affinity_class(&self, column: ColumnRef) -> Option<Class> {
        if column.column.index().is_none() {
            return Some(Class::Number);
        }
        match self.tables.schema_column(column)?.affinity {
            Affinity::Text => Some(Class::Text),
            Affinity::Blob => Some(Class::Any),
            _ => Some(Class::Number),
        }
    }

    /// How a column compares with the value that a column of its class is equal to.
    fn own_rule(&self, column: ColumnRef, pair: &Pair) -> CompareRule {
        let affinity = match self.affinity_class(column) {
            Some(Class::Number) => Some(Affinity::Numeric),
            Some(Class::Text) => Some(Affinity::Text),
            _ => None,
        };
        CompareRule {
            left: affinity,
            right: affinity,
            collation: pair.rule.collation.clone(),
        }
    }
}

/// What kind of values a column's affinity makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Text,
    Any,
}

fn equality(left: Scalar, right: Scalar, rule: CompareRule) -> Scalar {
    Scalar::compare(CompareOp::Eq, left, right, rule)
}

/// The far ends of two pairs that share a column.
fn ends(a: &Pair, b: &Pair) -> Option<(ColumnRef, ColumnRef)> {
    match (a.left, a.right, b.left, b.right) {
        (x, y, u, v) if x == u => Some((y, v)),
        (x, y, u, v) if x == v => Some((y, u)),
        (x, y, u, v) if y == u => Some((x, v)),
        (x, y, u, v) if y == v => Some((x, u)),
        _ => None,
    }
}

/// The bytes that a text must begin with to match the pattern.
fn prefix(pattern: &[u8], glob: bool, escape: Option<u8>) -> Option<Vec<u8>> {
    let wildcards: &[u8] = if glob { b"*?[" } else { b"%_" };
    let mut prefix = Vec::new();
    let mut bytes = pattern.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b if Some(b) == escape => prefix.push(bytes.next()?),
            b if wildcards.contains(&b) => break,
            b => prefix.push(b),
        }
    }
    (!prefix.is_empty() && std::str::from_utf8(&prefix).is_ok()).then_some(prefix)
}

/// Whether the pattern is plain text and then whatever. Behind a character that is not ASCII other bytes might belong to it.
fn is_prefix_only(pattern: &[u8], glob: bool) -> bool {
    let wildcards: &[u8] = if glob { b"*?[" } else { b"%_" };
    match pattern.split_last() {
        Some((last, plain)) => {
            *last == wildcards[0]
                && !plain.is_empty()
                && plain
                    .iter()
                    .all(|byte| byte.is_ascii() && *byte != 0 && !wildcards.contains(byte))
        }
        None => false,
    }
}

/// The least text that begins with the prefix, and the least that comes after all of those.
fn bounds(prefix: Vec<u8>, collation: &Collation) -> Option<(Vec<u8>, Vec<u8>)> {
    let fold = matches!(collation, Collation::NoCase);
    // Blobs are compared byte by byte, also in an index without case: capitals come before small letters there.
    let low = if fold {
        prefix.to_ascii_uppercase()
    } else {
        prefix.clone()
    };
    let mut high = if fold { prefix.to_ascii_lowercase() } else { prefix };
    let last = high.last_mut()?;
    *last = last.checked_add(1)?;
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_the_first_wildcard() {
        let like = |pattern: &str, escape| {
            prefix(pattern.as_bytes(), false, escape).map(|p| String::from_utf8(p).unwrap())
        };
        assert_eq!(like("abc%d", None).as_deref(), Some("abc"));
        assert_eq!(like("a_c", None).as_deref(), Some("a"));
        assert_eq!(like("%a", None), None);
        assert_eq!(like("a\\%b%", Some(b'\\')).as_deref(), Some("a%b"));
        assert_eq!(prefix(b"ab[cd]*", true, None).as_deref(), Some(&b"ab"[..]));
    }

    #[test]
    fn only_a_beginning_is_asked_for() {
        for (pattern, glob, expected) in [
            ("abc*", true, true),
            ("abc%", false, true),
            ("abc", true, false),
            ("*", true, false),
            ("a?c*", true, false),
            ("a[b]*", true, false),
            ("ab%*", true, true),
            ("a_c%", false, false),
            ("ab\u{e9}*", true, false),
            ("a\0*", true, false),
        ] {
            assert_eq!(is_prefix_only(pattern.as_bytes(), glob), expected, "{pattern}");
        }
    }

    #[test]
    fn bounds_enclose_what_begins_with_the_prefix() {
        assert_eq!(
            bounds(b"abc".to_vec(), &Collation::Binary),
            Some((b"abc".to_vec(), b"abd".to_vec()))
        );
        assert_eq!(
            bounds(b"aBc".to_vec(), &Collation::NoCase),
            Some((b"ABC".to_vec(), b"abd".to_vec()))
        );
    }
}
