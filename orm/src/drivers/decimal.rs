//! Decimal numbers on SQLite, which has whole numbers of 64 bits and floating-point numbers, and nothing else.

use super::{DriverError, DriverResult, Failure};

/// The number that SQLite keeps for these digits, without losing one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Real(f64),
}

/// The digits that a double is sure to keep.
const DIGITS_MAX: usize = 15;

/// The number that these digits mean.
///
/// # Errors
/// [`Failure::Statement`] where they are more than a floating-point number can hold.
pub(super) fn number(digits: &str) -> DriverResult<Number> {
    let refuse = |why: &str| {
        let message = format!("SQLite cannot keep the decimal number {digits}: {why}");
        DriverError::new(Failure::Statement, message)
    };
    if let Ok(int) = digits.parse() {
        return Ok(Number::Int(int));
    }
    let bare = digits.trim_start_matches(['-', '+', '0', '.']);
    // Zeros at the end, of the fraction and then of the whole, are only a scale.
    let bare = match bare.contains('.') {
        true => bare.trim_end_matches('0').trim_end_matches('.'),
        false => bare,
    };
    let bare = if bare.contains('.') {
        bare
    } else {
        bare.trim_end_matches('0')
    };
    let significant = bare.bytes().filter(u8::is_ascii_digit).count();
    if significant > DIGITS_MAX {
        return Err(refuse("it has more than 15 digits"));
    }
    match digits.parse() {
        Ok(real) => Ok(Number::Real(real)),
        Err(_) => Err(refuse("it is no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_or_refused() {
        assert_eq!(number("12").unwrap(), Number::Int(12));
        assert_eq!(number("-9223372036854775808").unwrap(), Number::Int(i64::MIN));
        assert_eq!(number("12.50").unwrap(), Number::Real(12.5));
        assert_eq!(number("0.00000000000000012").unwrap(), Number::Real(1.2e-16));
        assert_eq!(
            number("123456789012.345").unwrap(),
            Number::Real(123_456_789_012.345)
        );
        assert_eq!(number("100000000000000000.0").unwrap(), Number::Real(1e17));
        let message = number("1234567890.1234567").unwrap_err().to_string();
        assert_eq!(
            message,
            "SQLite cannot keep the decimal number 1234567890.1234567: it has more than 15 digits"
        );
        assert!(number("99999999999999999999").is_err());
        assert!(number("much").is_err());
    }
}
