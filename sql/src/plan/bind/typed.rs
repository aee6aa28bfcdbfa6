//! A bound expression with what comparisons ask of it: datatype3, sections 3.2, 4.2 and 7.1.

use crate::plan::expr::CompareRule;
use crate::plan::logical::Scalar;
use crate::value::{Affinity, Collation};

/// A bound expression, its affinity and its collation.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Typed {
    /// The expression.
    pub expr: Scalar,
    /// The affinity: of a column, a CAST; other expressions have none (which is not the same as BLOB).
    pub affinity: Option<Affinity>,
    /// The collation: of a column, or named by COLLATE.
    pub collation: Option<Collation>,
    /// COLLATE names the collation, so that it wins over a column's.
    pub explicit: bool,
}

impl Typed {
    /// An expression that is neither column nor cast.
    pub fn plain(expr: Scalar) -> Typed {
        Typed {
            expr,
            affinity: None,
            collation: None,
            explicit: false,
        }
    }

    /// The collation to order or group by.
    pub fn order_collation(&self) -> Collation {
        self.collation.clone().unwrap_or_default()
    }

    /// Makes the type that of an operator over this operand and another: it inherits the collation that the first of them
    /// names by COLLATE.
    pub fn inherit(&mut self, other: Option<&mut Typed>) {
        self.affinity = None;
        if self.explicit {
            return;
        }
        let other = other.filter(|other| other.explicit);
        self.explicit = other.is_some();
        self.collation = other.and_then(|other| other.collation.take());
    }

    /// The same type, without the expression.
    pub fn kind(&self) -> Kind {
        Kind {
            affinity: self.affinity,
            collation: self.collation.clone(),
            explicit: self.explicit,
        }
    }
}

/// Affinity and collation of an expression.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct Kind {
    /// See [`Typed`].
    pub affinity: Option<Affinity>,
    /// See [`Typed`].
    pub collation: Option<Collation>,
    /// See [`Typed`].
    pub explicit: bool,
}

impl Kind {
    /// What an operator inherits: the collation that the leftmost operand names by COLLATE.
    pub fn inherited<'t>(operands: impl IntoIterator<Item = &'t Typed>) -> Kind {
        let named = operands.into_iter().find(|operand| operand.explicit);
        Kind {
            affinity: None,
            collation: named.and_then(|operand| operand.collation.clone()),
            explicit: named.is_some(),
        }
    }

    /// An expression of this kind.
    pub fn of(self, expr: Scalar) -> Typed {
        Typed {
            expr,
            affinity: self.affinity,
            collation: self.collation,
            explicit: self.explicit,
        }
    }
}

/// The affinity that a comparison applies to its operands; `None`: they compare as they are.
pub(in crate::plan) fn compare_affinity(left: Option<Affinity>, right: Option<Affinity>) -> Option<Affinity> {
    match (left, right) {
        (Some(a), Some(b)) => (a.is_numeric() || b.is_numeric()).then_some(Affinity::Numeric),
        (Some(a), None) | (None, Some(a)) => match a {
            Affinity::Blob => None,
            Affinity::Text => Some(Affinity::Text),
            _ => Some(Affinity::Numeric),
        },
        (None, None) => None,
    }
}

/// The collation of a comparison: named by COLLATE on the left, on the right, then the left column's, the right column's.
pub(in crate::plan) fn compare_collation(left: &Kind, right: &Kind) -> Collation {
    let ordered = if right.explicit && !left.explicit {
        [right, left]
    } else {
        [left, right]
    };
    ordered
        .iter()
        .find_map(|side| side.collation.clone())
        .unwrap_or_default()
}

/// How two sides compare.
pub(in crate::plan) fn compare_rule(left: &Kind, right: &Kind) -> CompareRule {
    let affinity = compare_affinity(left.affinity, right.affinity);
    CompareRule {
        left: affinity,
        right: affinity,
        collation: compare_collation(left, right),
    }
}

/// As [`compare_rule`], of two expressions.
pub(in crate::plan) fn typed_compare_rule(left: &Typed, right: &Typed) -> CompareRule {
    let affinity = compare_affinity(left.affinity, right.affinity);
    let (first, second) = match right.explicit && !left.explicit {
        true => (&right.collation, &left.collation),
        false => (&left.collation, &right.collation),
    };
    CompareRule {
        left: affinity,
        right: affinity,
        collation: first.as_ref().or(second.as_ref()).cloned().unwrap_or_default(),
    }
}

/// How `x IN (list)` compares: by x alone.
pub(in crate::plan) fn list_rule(operand: &Kind) -> CompareRule {
    let affinity = compare_affinity(operand.affinity, None);
    let collation = operand.collation.clone().unwrap_or_default();
    CompareRule {
        left: affinity,
        right: affinity,
        collation,
    }
}

/// Two values as they are, under binary collation.
pub(in crate::plan) fn exact_rule() -> CompareRule {
    CompareRule {
        left: None,
        right: None,
        collation: Collation::Binary,
    }
}
