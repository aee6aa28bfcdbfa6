//! What counts as a difference between two outcomes.
//!
//! Rows are compared as a multiset, with storage classes and bits. Where a statement has ORDER BY, the columns that it names have to
//! come in the same sequence, up to what ties leave open. A statement may ask for less (see [`Ask`]) where SQL leaves the answer open.

use super::engines::Outcome;
use super::tree::Tree;
use crate::subject::Datum;

/// A statement and how strictly its answers are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The statement.
    pub tree: Tree,
    /// What is left open.
    pub ask: Ask,
}

/// What a statement leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Which of several equal values stands for all of them (DISTINCT, GROUP BY, UNION, min, max, LIMIT): 1 or 1.0, 'a' or 'A'.
    pub coarse: bool,
    /// The last digits of sums, which depend on the order of the rows.
    pub approximate: bool,
    /// An error that an expression makes must come in both engines, also where it depends on the order of evaluation.
    pub strict: bool,
    /// It reads and changes nothing: the metamorphic rules apply.
    pub query: bool,
}

/// Two answers that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs: stays the same while a case is made smaller.
    pub kind: Kind,
    /// Both answers, for people.
    pub said: String,
}

/// Kinds of differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// We panicked.
    Panic,
    /// One failed and the other did not, or with other codes (0 is success).
    Failure(i32, i32, String),
    /// Other rows.
    Rows,
    /// The same rows in an order that ORDER BY rules out.
    Order,
    /// changes(), or the transaction state.
    Counters,
    /// last_insert_rowid().
    RowId,
    /// The content of the databases.
    Content,
    /// An integrity check found something.
    Unsound,
    /// Two ways to ask Aludel the same.
    Rule(&'static str),
}

/// The difference between two outcomes of a statement, if there is one that counts.
pub(super) fn difference(ask: Ask, order: &[usize], ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
    let found = |kind| {
        Some(Difference {
            kind,
            said: format!("aludel: {}\nsqlite: {}", show(ours), show(theirs)),
        })
    };
    if ours.panic.is_some() {
        return found(Kind::Panic);
    }
    if ours.too_many || theirs.too_many {
        return None;
    }
    let codes = (code(ours), code(theirs));
    if codes.0 != codes.1 {
        return if left_open(ask, ours, theirs) {
            None
        } else {
            found(Kind::Failure(codes.0, codes.1, first_words(ours, theirs)))
        };
    }
    if codes.0 == 0 && !same_rows(ask, &ours.rows, &theirs.rows) {
        return found(Kind::Rows);
    }
    if codes.0 == 0 && !order.is_empty() && !same_order(order, &ours.rows, &theirs.rows) {
        return found(Kind::Order);
    }
    let counters = |outcome: &Outcome| (outcome.changes, outcome.autocommit);
    if counters(ours) != counters(theirs) {
        return found(Kind::Counters);
    }
    None
}

/// Watches last_insert_rowid() over a session. What a failed INSERT leaves there is open: its own rowid, or the one before.
#[derive(Debug, Default)]
pub(super) struct RowIds {
    apart: bool,
}

impl RowIds {
    /// The difference, if there is one that counts.
    pub(super) fn difference(&mut self, sql: &str, ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
        let same = ours.last_rowid == theirs.last_rowid;
        // SQLite's VACUUM inserts rows of the schema by itself.
        if same || theirs.error.is_some() || sql == "VACUUM" {
            self.apart = !same;
            return None;
        }
        (!self.apart).then(|| Difference {
            kind: Kind::RowId,
            said: format!("aludel: {}\nsqlite: {}", show(ours), show(theirs)),
        })
    }
}

/// How the message begins, so that a case that is made smaller keeps its error.
fn first_words(ours: &Outcome, theirs: &Outcome) -> String {
    let message = ours
        .error
        .as_ref()
        .or(theirs.error.as_ref())
        .map_or("", |error| error.message.as_str());
    let words: Vec<&str> = message
        .split(' ')
        .filter(|word| !word.contains(['\'', '.', '"']))
        .collect();
    words
        .iter()
        .filter(|word| !word.chars().any(|c| c.is_ascii_digit()))
        .take(4)
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The code that has to agree: extended for constraints, where it tells which kind; primary for all else.
fn code(outcome: &Outcome) -> i32 {
    let code = outcome.error.as_ref().map_or(0, |error| error.code);
    if code & 0xff == 19 { code } else { code & 0xff }
}

/// Whether only one engine came to the point where an expression fails.
fn left_open(ask: Ask, ours: &Outcome, theirs: &Outcome) -> bool {
    let lazy = |outcome: &Outcome| {
        outcome.error.as_ref().is_some_and(|error| {
            EVALUATION_ERRORS
                .iter()
                .any(|message| error.message.contains(message))
        })
    };
    !ask.strict && (lazy(ours) || lazy(theirs))
}

/// Errors that an expression makes when it is evaluated.
const EVALUATION_ERRORS: &[&str] = &[
    "integer overflow",
    "malformed JSON",
    "bad JSON path",
    "JSON path error",
    "JSON cannot hold BLOB",
    "json_object() ",
    "string or blob too big",
    "pattern too complex",
    "ESCAPE expression must be a single character",
    "argument to ntile must be",
    "second argument to nth_value",
    "frame starting offset",
    "frame ending offset",
    "datatype mismatch",
    "percentile",
];

fn same_rows(ask: Ask, ours: &[Vec<Datum>], theirs: &[Vec<Datum>]) -> bool {
    if ours.len() != theirs.len() {
        return false;
    }
    let same = |ours: &[Vec<Datum>], theirs: &[Vec<Datum>]| {
        ours.iter()
            .zip(theirs)
            .all(|(our, their)| same_row(ask, our, their))
    };
    if same(ours, theirs) {
        return true;
    }
    let sorted = |rows: &[Vec<Datum>]| {
        let mut rows = rows.to_vec();
        rows.sort_by_cached_key(|row| row.iter().map(|datum| sort_key(ask, datum)).collect::<Vec<_>>());
        rows
    };
    same(&sorted(ours), &sorted(theirs))
}

fn same_row(ask: Ask, ours: &[Datum], theirs: &[Datum]) -> bool {
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .all(|(our, their)| same_datum(ask, our, their))
}

fn same_datum(ask: Ask, ours: &Datum, theirs: &Datum) -> bool {
    match (ours, theirs) {
        (Datum::Real(our), Datum::Real(their)) if ask.approximate => near(*our, *their),
        (Datum::Real(our), Datum::Real(their)) if !ask.coarse => our.to_bits() == their.to_bits(),
        (our, their) if ask.coarse => {
            coarse(our) == coarse(their)
                || matches!((number(our), number(their)), (Some(our), Some(their)) if ask.approximate && near(our, their))
        }
        (our, their) => our == their,
    }
}

fn near(ours: f64, theirs: f64) -> bool {
    ours.to_bits() == theirs.to_bits()
        || (ours - theirs).abs() <= 1e-9 * ours.abs().max(theirs.abs()).max(1e-300)
}

fn number(datum: &Datum) -> Option<f64> {
    match datum {
        Datum::Integer(value) => Some(*value as f64),
        Datum::Real(value) => Some(*value),
        _ => None,
    }
}

/// A value without what equal values may differ in.
fn coarse(datum: &Datum) -> (u8, Vec<u8>) {
    match datum {
        Datum::Null => (0, Vec::new()),
        Datum::Integer(_) | Datum::Real(_) => {
            let value = number(datum).unwrap_or(0.0) + 0.0;
            (1, value.to_bits().to_be_bytes().to_vec())
        }
        Datum::Text(text) => {
            // NOCASE takes what is behind a NUL by its length only.
            let text = text.split(|&byte| byte == 0).next().unwrap_or(text);
            let end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |at| at + 1);
            (2, text[..end].to_ascii_lowercase())
        }
        Datum::Blob(bytes) => (3, bytes.clone()),
    }
}

/// Brings equal rows of both engines to the same place.
fn sort_key(ask: Ask, datum: &Datum) -> (u8, Vec<u8>) {
    if let (true, Some(value)) = (ask.approximate, number(datum)) {
        // Near values may still fall on two sides of a border; that is rare enough.
        let class = u8::from(matches!(datum, Datum::Real(_)) && !ask.coarse);
        return (1, format!("{value:.6e} {class}").into_bytes());
    }
    if ask.coarse {
        return coarse(datum);
    }
    match datum {
        Datum::Null => (0, Vec::new()),
        Datum::Integer(value) => (1, value.to_be_bytes().to_vec()),
        Datum::Real(value) => (2, value.to_bits().to_be_bytes().to_vec()),
        Datum::Text(bytes) => (3, bytes.clone()),
        Datum::Blob(bytes) => (4, bytes.clone()),
    }
}

/// Whether the columns that ORDER BY names come in the same sequence.
fn same_order(order: &[usize], ours: &[Vec<Datum>], theirs: &[Vec<Datum>]) -> bool {
    let key = |row: &[Datum]| -> Vec<(u8, Vec<u8>)> {
        order
            .iter()
            .filter_map(|&place| row.get(place))
            .map(coarse)
            .collect()
    };
    ours.iter().zip(theirs).all(|(our, their)| key(our) == key(their))
}

fn show(outcome: &Outcome) -> String {
    if let Some(panic) = &outcome.panic {
        return format!("panicked: {panic}");
    }
    let mut text = String::new();
    for row in outcome.rows.iter().take(12) {
        let values: Vec<String> = row.iter().map(show_datum).collect();
        text.push_str(&format!("({}) ", values.join(", ")));
    }
    if outcome.rows.len() > 12 {
        text.push_str(&format!(".. {} rows ", outcome.rows.len()));
    }
    if let Some(error) = &outcome.error {
        text.push_str(&format!("error {error} "));
    }
    format!(
        "{text}[changes {}, rowid {}{}]",
        outcome.changes,
        outcome.last_rowid,
        if outcome.autocommit {
            ""
        } else {
            ", in a transaction"
        }
    )
}

/// A value as people read it.
pub(super) fn show_datum(datum: &Datum) -> String {
    match datum {
        Datum::Null => "NULL".to_owned(),
        Datum::Integer(value) => value.to_string(),
        Datum::Real(value) => format!("{value:?}"),
        Datum::Text(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Datum::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("x'{hex}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rows: &[&[Datum]]) -> Outcome {
        Outcome {
            rows: rows.iter().map(|row| row.to_vec()).collect(),
            ..Outcome::default()
        }
    }

    #[test]
    fn classes_count_unless_the_statement_leaves_them_open() {
        let (ours, theirs) = (outcome(&[&[Datum::Integer(1)]]), outcome(&[&[Datum::Real(1.0)]]));
        let strict = difference(Ask::default(), &[], &ours, &theirs);
        assert_eq!(strict.map(|found| found.kind), Some(Kind::Rows));
        let coarse = Ask {
            coarse: true,
            ..Ask::default()
        };
        assert_eq!(difference(coarse, &[], &ours, &theirs), None);
    }

    #[test]
    fn order_counts_where_it_was_asked_for() {
        let (a, b) = ([Datum::Integer(1)], [Datum::Integer(2)]);
        let (ours, theirs) = (outcome(&[&a, &b]), outcome(&[&b, &a]));
        assert_eq!(difference(Ask::default(), &[], &ours, &theirs), None);
        let found = difference(Ask::default(), &[0], &ours, &theirs);
        assert_eq!(found.map(|found| found.kind), Some(Kind::Order));
    }
}
