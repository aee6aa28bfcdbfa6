//! Orders of text.
//!
//! `NoCase` and `RTrim` work on UTF-8 bytes. In a UTF-16 file whoever builds a key order passes these two as [`Collation::Custom`] over the decoded text; `Binary` compares bytes in every encoding.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// How two texts compare.
#[derive(Clone, Debug, Default)]
pub enum Collation {
    /// Byte by byte.
    #[default]
    Binary,
    /// Byte by byte after folding ASCII capitals to small letters.
    NoCase,
    /// Byte by byte without spaces at the end.
    RTrim,
    /// An application's function.
    Custom(Arc<CustomCollation>),
}

/// An application's text order.
pub struct CustomCollation {
    /// The name that SQL knows it by.
    pub name: String,
    /// The order; has to be total and stay the same as long as an index uses it.
    pub compare: CompareText,
    /// A schema names it, and nobody has given it: what compares by it has to be refused.
    pub missing: bool,
}

/// The type of an application's comparison.
pub type CompareText = Box<dyn Fn(&[u8], &[u8]) -> Ordering + Send + Sync>;

impl fmt::Debug for CustomCollation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomCollation")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Collation {
    /// The order of two texts.
    #[inline]
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Collation::Binary => a.cmp(b),
            Collation::NoCase => compare_no_case(a, b),
            Collation::RTrim => trim_spaces(a).cmp(trim_spaces(b)),
            Collation::Custom(custom) => (custom.compare)(a, b),
        }
    }

    /// Whether a schema names it and nobody has given it.
    #[inline]
    pub fn is_missing(&self) -> bool {
        matches!(self, Collation::Custom(custom) if custom.missing)
    }

    /// The name that SQL knows it by.
    pub fn name(&self) -> &str {
        match self {
            Collation::Binary => "BINARY",
            Collation::NoCase => "NOCASE",
            Collation::RTrim => "RTRIM",
            Collation::Custom(custom) => &custom.name,
        }
    }
}

/// Two collations are equal when they have the same name (names are unique in a connection, without regard to case).
impl PartialEq for Collation {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Collation::Custom(_), _) | (_, Collation::Custom(_)) => {
                self.name().eq_ignore_ascii_case(other.name())
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Eq for Collation {}

/// SQLite compares with a C function, which ends at a NUL that both have: what is behind it counts by its length only.
fn compare_no_case(a: &[u8], b: &[u8]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        match a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()) {
            Ordering::Equal if *a == 0 => break,
            Ordering::Equal => {}
            order => return order,
        }
    }
    a.len().cmp(&b.len())
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .rposition(|&byte| byte != b' ')
        .map_or(0, |last| last + 1);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_collations() {
        use Ordering::*;
        let cases: &[(Collation, &str, &str, Ordering)] = &[
            (Collation::Binary, "abc", "ABC", Greater),
            (Collation::Binary, "a", "a ", Less),
            (Collation::NoCase, "abc", "ABC", Equal),
            (Collation::NoCase, "abc", "ABD", Less),
            (Collation::NoCase, "ab", "ABC", Less),
            (Collation::NoCase, "Z", "_", Greater),
            (Collation::NoCase, "Ä", "ä", Less),
            (Collation::NoCase, "a\0b", "A\0a", Equal),
            (Collation::NoCase, "a\0b", "A\0aa", Less),
            (Collation::NoCase, "a\0b", "a", Greater),
            (Collation::NoCase, "a\0b", "ab", Less),
            (Collation::RTrim, "a", "a   ", Equal),
            (Collation::RTrim, "   ", "", Equal),
            (Collation::RTrim, " a", "a", Less),
        ];
        for (collation, a, b, expected) in cases {
            let order = collation.compare(a.as_bytes(), b.as_bytes());
            assert_eq!(order, *expected, "{a:?} {} {b:?}", collation.name());
        }
    }
}
