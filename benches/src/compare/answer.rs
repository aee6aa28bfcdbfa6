//! Answers of the two engines side by side: equal, or equal but for the rounding of sums.

use rusqlite::types::Value;

/// A whole answer, row by row.
pub(super) type Answer = Vec<Vec<Value>>;

/// By how much two reals may differ, relative to the larger: sums taken in another order round otherwise.
const TOLERANCE: f64 = 1e-9;

/// Where two answers part, in words; `None` when they agree.
pub(super) fn difference(ours: &Answer, theirs: &Answer) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} rows instead of {}", ours.len(), theirs.len()));
    }
    let rows = ours.iter().zip(theirs).enumerate();
    let (row, (own, other)) = { rows }.find(|(_, (own, other))| !same_row(own, other))?;
    Some(format!("row {row} is {own:?} instead of {other:?}"))
}

fn same_row(ours: &[Value], theirs: &[Value]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(own, other)| same(own, other))
}

fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Real(own), Value::Real(other)) => {
            own == other || (own - other).abs() <= TOLERANCE * own.abs().max(other.abs())
        }
        _ => ours == theirs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rounding_is_forgiven() {
        let of = |value: Value| vec![vec![value]];
        let check = |own: Value, other: Value| difference(&of(own), &of(other)).is_none();
        assert!(check(Value::Real(1e15), Value::Real(1e15 + 1.0)));
        assert!(!check(Value::Real(1.0), Value::Real(1.000_001)));
        assert!(!check(Value::Real(1.0), Value::Integer(1)));
        assert!(check(Value::Null, Value::Null));
        assert!(difference(&Vec::new(), &of(Value::Null)).is_some());
    }
}
