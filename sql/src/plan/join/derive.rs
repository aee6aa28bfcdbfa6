//! Terms that follow from the terms that are written.
//!
//! * `x LIKE 'abc%'` bounds x from both sides. The bounds serve for searching only; the pattern is still checked where it asks for more than a beginning.
//! * `x = y AND y = 5` makes `x = 5`, which is checked early and may be searched by.
//! * `x = y AND y < 5` makes `x < 5`, and so for BETWEEN and IN (list): for searching, and checked where a table is read before or without regard to `y`.
//! * `x = y AND y = z` makes `x = z`, for searching, and checked where `x` and `z` come together before `y`.
//!
//! Only among columns of one kind of affinity does an equality carry over, and only what does not tell equal values apart: where the
//! equality is without case, a comparison with case does.

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
    collation: Collation,
}

/// What else is known of single columns: comparisons with values that depend on no item.
struct Range {
    column: ColumnRef,
    term: TermId,
    collation: Collation,
}

/// What equalities carry over, and the equalities.
#[derive(Default)]
struct Gathered {
    known: Vec<Known>,
    ranges: Vec<Range>,
    pairs: Vec<Pair>,
}

/// An equality of two columns of one kind of affinity.
#[derive(Clone)]
pub(super) struct Pair {
    pub term: TermId,
    pub left: ColumnRef,
    pub right: ColumnRef,
    pub rule: CompareRule,
}

impl Pair {
    /// The other column.
    fn partner(&self, column: ColumnRef) -> Option<ColumnRef> {
        match column {
            c if c == self.left => Some(self.right),
            c if c == self.right => Some(self.left),
            _ => None,
        }
    }

    /// Whether a comparison by `collation` cannot tell the pair's values apart.
    fn carries(&self, collation: &Collation) -> bool {
        self.rule.collation == Collation::Binary || self.rule.collation == *collation
    }
}

impl<'q> Planner<'_, 'q> {
    /// Adds what follows from terms that hold together.
    pub(super) fn derive_terms(&mut self, terms: &mut TermIds, items: usize) {
        self.derive_patterns(terms);
        if items > 1 && terms.len() > 1 && self.chains(terms) {
            self.derive_equalities(terms);
        }
    }

    /// Whether a column stands in more than one equality or range: of others nothing follows.
    fn chains(&self, terms: &[TermId]) -> bool {
        let mut seen: SmallVec<[ColumnRef; 8]> = SmallVec::new();
        for &term in terms {
            let (one, other) = match self.term(term) {
                Scalar::Compare(comparison) => (comparison.left.as_column(), comparison.right.as_column()),
                Scalar::Between { operand, .. } | Scalar::InList { operand, .. } => {
                    (operand.as_column(), None)
                }
                _ => continue,
            };
            for column in [one, other].into_iter().flatten() {
                if seen.contains(&column) {
                    return true;
                }
                seen.push(column);
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

    #[inline(never)]
    fn derive_equalities(&mut self, terms: &mut TermIds) {
        let mut gathered = Gathered::default();
        for &term in terms.iter() {
            self.classify(term, &mut gathered);
        }
        let Gathered {
            mut known,
            ranges,
            mut pairs,
        } = gathered;
        if pairs.is_empty() {
            return;
        }
        self.derive_known(terms, &mut known, &pairs);
        self.derive_pairs(terms, &mut pairs, &known);
        self.derive_ranges(terms, &ranges, &pairs, &known);
    }

    /// Adds `x = 5` for `x = y AND y = 5`.
    fn derive_known(&mut self, terms: &mut TermIds, known: &mut Vec<Known>, pairs: &[Pair]) {
        let mut next = 0;
        while next < known.len() && next < DERIVED_MAX {
            for pair in pairs {
                let Known {
                    column,
                    value,
                    collation,
                } = &known[next];
                let Some(other) = pair.partner(*column) else {
                    continue;
                };
                if !pair.carries(collation) || known.iter().any(|known| known.column == other) {
                    continue;
                }
                let (value, collation) = (value.clone(), collation.clone());
                let rule = self.own_rule(other, &collation);
                let term = self.add_term(equality(Scalar::Column(other), value.clone(), rule));
                terms.push(term);
                known.push(Known {
                    column: other,
                    value,
                    collation,
                });
            }
            next += 1;
        }
    }

    /// Adds `x < 5` for `x = y AND y < 5`; all pairs are there.
    fn derive_ranges(&mut self, terms: &mut TermIds, ranges: &[Range], pairs: &[Pair], known: &[Known]) {
        let is_known = |column: ColumnRef| known.iter().any(|known| known.column == column);
        let mut added: Vec<TermId> = Vec::new();
        for range in ranges {
            for pair in pairs {
                let Some(other) = pair.partner(range.column) else {
                    continue;
                };
                if !pair.carries(&range.collation) || is_known(other) || added.len() >= DERIVED_MAX {
                    continue;
                }
                let Some(scalar) = with_column(self.term(range.term), range.column, other) else {
                    continue;
                };
                let there = |term: &TermId| self.term(*term).same(&scalar);
                if terms.iter().any(there) {
                    continue;
                }
                let term = self.add_derived(scalar, range.term);
                terms.push(term);
                added.push(term);
            }
        }
        self.early.extend(added);
    }

    /// Adds `x = z` for `x = y AND y = z`.
    fn derive_pairs(&mut self, terms: &mut TermIds, pairs: &mut Vec<Pair>, known: &[Known]) {
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
                let pair = Pair {
                    term,
                    left,
                    right,
                    rule: a.rule,
                };
                self.derived_pairs.push(pair.clone());
                pairs.push(pair);
            }
            first += 1;
        }
    }

    fn classify(&self, id: TermId, gathered: &mut Gathered) {
        if let Some(pair) = self.as_pair(id) {
            gathered.pairs.push(pair);
            return;
        }
        if self.parent(id) != id {
            return;
        }
        match self.term(id) {
            Scalar::Compare(comparison) => {
                let sides = [
                    (comparison.left.as_column(), &comparison.right),
                    (comparison.right.as_column(), &comparison.left),
                ];
                let fixed = |(column, value): &(Option<ColumnRef>, &Scalar)| {
                    column.is_some_and(|column| self.is_own(column)) && self.is_fixed(value)
                };
                let Some((Some(column), value)) = sides.into_iter().find(fixed) else {
                    return;
                };
                let collation = comparison.rule.collation.clone();
                match comparison.op {
                    CompareOp::Eq if gathered.known.iter().all(|known| known.column != column) => {
                        gathered.known.push(Known {
                            column,
                            value: value.clone(),
                            collation,
                        });
                    }
                    CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                        gathered.ranges.push(Range {
                            column,
                            term: id,
                            collation,
                        });
                    }
                    _ => {}
                }
            }
            Scalar::Between {
                operand,
                low,
                low_rule,
                high,
                high_rule,
            } if low_rule.collation == high_rule.collation => {
                self.note_range(id, operand, &[low, high], &low_rule.collation, gathered);
            }
            Scalar::InList {
                operand,
                list,
                rule,
                negated: false,
            } => {
                let values: SmallVec<[&Scalar; 8]> = list.iter().collect();
                self.note_range(id, operand, &values, &rule.collation, gathered);
            }
            _ => {}
        }
    }

    fn note_range(
        &self,
        term: TermId,
        operand: &Scalar,
        values: &[&Scalar],
        collation: &Collation,
        gathered: &mut Gathered,
    ) {
        if let Some(column) = operand.as_column()
            && self.is_own(column)
            && values.iter().all(|value| self.is_fixed(value))
        {
            gathered.ranges.push(Range {
                column,
                term,
                collation: collation.clone(),
            });
        }
    }

    /// A term as an equality of columns of two of the region's tables.
    pub(super) fn as_pair(&self, term: TermId) -> Option<Pair> {
        let Comparison {
            left, right, rule, ..
        } = self.term(term).as_equality()?;
        let (left, right) = (left.as_column()?, right.as_column()?);
        let own = self.is_own(left) && self.is_own(right) && left.table != right.table;
        let class = self.affinity_class(left);
        let same = own && class.is_some() && class == self.affinity_class(right);
        same.then(|| Pair {
            term,
            left,
            right,
            rule: rule.clone(),
        })
    }

    /// Whether a value depends on no item and stays the same.
    fn is_fixed(&self, value: &Scalar) -> bool {
        self.items_of(value) == 0 && super::is_steady(value)
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
    fn own_rule(&self, column: ColumnRef, collation: &Collation) -> CompareRule {
        let affinity = match self.affinity_class(column) {
            Some(Class::Number) => Some(Affinity::Numeric),
            Some(Class::Text) => Some(Affinity::Text),
            _ => None,
        };
        CompareRule {
            left: affinity,
            right: affinity,
            collation: collation.clone(),
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

/// A comparison with `column` changed to `other`.
fn with_column(term: &Scalar, column: ColumnRef, other: ColumnRef) -> Option<Scalar> {
    let mut scalar = term.clone();
    let place = match &mut scalar {
        Scalar::Compare(comparison) => match comparison.left.as_column() == Some(column) {
            true => &mut comparison.left,
            false => &mut comparison.right,
        },
        Scalar::Between { operand, .. } | Scalar::InList { operand, .. } => &mut **operand,
        _ => return None,
    };
    *place = Scalar::Column(other);
    Some(scalar)
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
