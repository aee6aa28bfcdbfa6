//! Terms in simpler forms.

use super::super::expr::{CompareOp, CompareRule};
use super::super::logical::{Comparison, Scalar};

/// Brings a term into a form that the join planner can use better.
pub(super) fn simplify(term: &mut Scalar) {
    if let Scalar::Or(terms) = term {
        *term = disjunction(std::mem::take(terms));
    }
}

/// `x = 1 OR x = 2 OR ..` is `x IN (1, 2, ..)` when all compare alike.
fn disjunction(terms: Vec<Scalar>) -> Scalar {
    if !terms.iter().all(|term| member(term).is_some()) {
        return Scalar::Or(terms);
    }
    let alike = |a: &Scalar, b: &Scalar| match (member(a), member(b)) {
        (Some((x, _, own)), Some((y, _, other))) => x.same(y) && same_rule(&own, &other),
        _ => false,
    };
    if !terms.windows(2).all(|pair| alike(&pair[0], &pair[1])) {
        return Scalar::Or(terms);
    }
    let Some((operand, rule)) = terms
        .first()
        .and_then(member)
        .map(|(operand, _, rule)| (operand.clone(), rule))
    else {
        return Scalar::Or(terms);
    };
    let list = terms
        .iter()
        .filter_map(member)
        .flat_map(|(_, values, _)| values.to_vec())
        .collect();
    Scalar::InList {
        operand: Box::new(operand),
        list,
        rule: Box::new(rule),
        negated: false,
    }
}

/// The column, the values and the rule of `x = value`, `value = x` and `x IN (values)`.
fn member(term: &Scalar) -> Option<(&Scalar, &[Scalar], CompareRule)> {
    match term {
        Scalar::Compare(equal) if equal.op == CompareOp::Eq => {
            let Comparison {
                left, right, rule, ..
            } = &**equal;
            let turned = || CompareRule {
                left: rule.right,
                right: rule.left,
                collation: rule.collation.clone(),
            };
            match (left.as_column(), right.as_column()) {
                (Some(_), None) => Some((left, std::slice::from_ref(right), rule.clone())),
                (None, Some(_)) => Some((right, std::slice::from_ref(left), turned())),
                _ => None,
            }
        }
        Scalar::InList {
            operand,
            list,
            rule,
            negated: false,
        } if operand.as_column().is_some() => Some((operand, list, CompareRule::clone(rule))),
        _ => None,
    }
}

fn same_rule(a: &CompareRule, b: &CompareRule) -> bool {
    a.left == b.left && a.right == b.right && a.collation == b.collation
}
