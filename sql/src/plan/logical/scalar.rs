//! Expressions between binder and physical plan.
//!
//! They mirror [`Expr`](crate::plan::expr::Expr); a column is a [`ColumnRef`] instead of a position, and a subquery
//! is still a [`Query`]. Affinity and collation of comparisons are settled by the binder.

use std::rc::Rc;
use std::sync::Arc;

use super::column::{ColumnNo, ColumnRef, TableId};
use super::query::Query;
use crate::functions::Function;
use crate::plan::expr::{BinaryOp, CompareOp, CompareRule, RaiseAction, Register, UnaryOp};
use crate::value::{Affinity, Collation, Value};

/// An expression over columns of the statement's tables. It is moved more than anything else, so it is kept small: with this
/// representation fields have their places in the order in which they stand, small ones beside the tag.
#[derive(Clone, Debug)]
#[repr(u32)]
pub(in crate::plan) enum Scalar {
    /// A constant.
    Literal(Value),
    /// A bound parameter, counted from 0.
    Parameter(usize),
    /// A column of a table, at whatever level of the statement.
    Column(ColumnRef),
    /// NEW and OLD of a trigger.
    Register(Register),
    /// Unary `+`: the value as it is, but no longer a plain column.
    Plus(Box<Scalar>),
    /// `-`, `~`, NOT.
    Unary { op: UnaryOp, operand: Box<Scalar> },
    /// Arithmetic, bits, concatenation.
    Binary {
        op: BinaryOp,
        left: Box<Scalar>,
        right: Box<Scalar>,
    },
    /// Comparison.
    Compare(Box<Comparison>),
    /// BETWEEN.
    Between {
        operand: Box<Scalar>,
        low: Box<Scalar>,
        low_rule: Box<CompareRule>,
        high: Box<Scalar>,
        high_rule: Box<CompareRule>,
    },
    /// All terms.
    And(Vec<Scalar>),
    /// Any term.
    Or(Vec<Scalar>),
    /// IS NULL, NOT NULL.
    IsNull { operand: Box<Scalar>, negated: bool },
    /// IS TRUE and kin.
    IsTruth {
        operand: Box<Scalar>,
        truth: bool,
        negated: bool,
    },
    /// IN over a list.
    InList {
        negated: bool,
        operand: Box<Scalar>,
        list: Vec<Scalar>,
        rule: Box<CompareRule>,
    },
    /// IN over a query.
    InQuery {
        negated: bool,
        operands: Box<[Scalar]>,
        query: Rc<Query>,
        rules: Box<[CompareRule]>,
    },
    /// EXISTS.
    Exists { query: Rc<Query>, negated: bool },
    /// A column of a query's first row.
    Query { query: Rc<Query>, column: usize },
    /// CASE.
    Case {
        operand: Option<Box<Scalar>>,
        branches: Vec<Branch>,
        otherwise: Option<Box<Scalar>>,
    },
    /// The first that is not NULL.
    Coalesce(Vec<Scalar>),
    /// CAST.
    Cast { operand: Box<Scalar>, target: Affinity },
    /// Affinity applied as by a column.
    ApplyAffinity {
        operand: Box<Scalar>,
        affinity: Affinity,
    },
    /// Built-in LIKE and GLOB.
    Like {
        operand: Box<Scalar>,
        pattern: Box<Scalar>,
        escape: Option<Box<Scalar>>,
        glob: bool,
        negated: bool,
    },
    /// A scalar function.
    Call {
        function: Arc<Function>,
        arguments: Box<[Scalar]>,
        collation: Collation,
    },
    /// RAISE.
    Raise {
        action: RaiseAction,
        message: Option<Box<Scalar>>,
    },
}

const _: () = assert!(size_of::<Scalar>() == 48);

/// `left op right`, in one piece of memory: plans have more of these than of anything else.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Comparison {
    /// Which.
    pub op: CompareOp,
    /// The left operand.
    pub left: Scalar,
    /// The right operand.
    pub right: Scalar,
    /// Affinity and collation.
    pub rule: CompareRule,
}

/// WHEN .. THEN ..
#[derive(Clone, Debug)]
pub(in crate::plan) struct Branch {
    /// The condition or the value compared with the operand.
    pub when: Scalar,
    /// How it compares with the operand.
    pub rule: CompareRule,
    /// The result.
    pub then: Scalar,
}

impl Scalar {
    /// NULL.
    pub const NULL: Scalar = Scalar::Literal(Value::Null);

    /// An integer constant.
    pub fn integer(value: i64) -> Scalar {
        Scalar::Literal(Value::Integer(value))
    }

    /// `left op right`.
    pub fn compare(op: CompareOp, left: Scalar, right: Scalar, rule: CompareRule) -> Scalar {
        Scalar::Compare(Box::new(Comparison {
            op,
            left,
            right,
            rule,
        }))
    }

    /// The sides of `left = right`, and how they compare.
    pub fn as_equality(&self) -> Option<&Comparison> {
        match self {
            Scalar::Compare(comparison) if comparison.op == CompareOp::Eq => Some(comparison),
            _ => None,
        }
    }

    /// As [`as_equality`](Self::as_equality), also of `left IS right`.
    pub fn as_match(&self) -> Option<&Comparison> {
        match self {
            Scalar::Compare(comparison) if matches!(comparison.op, CompareOp::Eq | CompareOp::Is) => {
                Some(comparison)
            }
            _ => None,
        }
    }

    /// The column at `index` of `table`.
    pub fn column(table: TableId, index: usize) -> Scalar {
        Scalar::Column(ColumnRef::new(table, index))
    }

    /// The rowid of `table`.
    pub fn rowid(table: TableId) -> Scalar {
        Scalar::Column(ColumnRef {
            table,
            column: ColumnNo::ROWID,
        })
    }

    /// `value` where `key` is not NULL, else NULL.
    pub fn only_if_not_null(key: Scalar, value: Scalar) -> Scalar {
        let there = Scalar::IsNull {
            operand: Box::new(key),
            negated: true,
        };
        Scalar::Case {
            operand: None,
            branches: vec![Branch {
                when: there,
                rule: CompareRule {
                    left: None,
                    right: None,
                    collation: Collation::Binary,
                },
                then: value,
            }],
            otherwise: None,
        }
    }

    /// All of `terms`: TRUE when there is none, the term itself when there is one.
    pub fn all(mut terms: Vec<Scalar>) -> Scalar {
        match terms.len() {
            0 => Scalar::integer(1),
            1 => terms.remove(0),
            _ => Scalar::And(terms),
        }
    }

    /// NOT `self`, folded into the nodes that know negation.
    pub fn negate(self) -> Scalar {
        match self {
            Scalar::Exists { query, negated } => Scalar::Exists {
                query,
                negated: !negated,
            },
            Scalar::InList {
                operand,
                list,
                rule,
                negated,
            } => Scalar::InList {
                operand,
                list,
                rule,
                negated: !negated,
            },
            Scalar::InQuery {
                operands,
                query,
                rules,
                negated,
            } => Scalar::InQuery {
                operands,
                query,
                rules,
                negated: !negated,
            },
            other => Scalar::Unary {
                op: UnaryOp::Not,
                operand: Box::new(other),
            },
        }
    }

    /// The terms of a conjunction, nested ones included.
    pub fn into_conjuncts(self) -> Vec<Scalar> {
        let mut terms = Vec::new();
        self.add_conjuncts(&mut terms);
        terms
    }

    /// Adds the terms of a conjunction, nested ones included, to those that are there.
    pub fn add_conjuncts(self, terms: &mut Vec<Scalar>) {
        match self {
            Scalar::And(own)
                if terms.is_empty() && !own.iter().any(|term| matches!(term, Scalar::And(_))) =>
            {
                *terms = own;
            }
            Scalar::And(own) => own.into_iter().for_each(|term| term.add_conjuncts(terms)),
            other => {
                // The conditions of further joins come to those of the first.
                if terms.capacity() == 0 {
                    terms.reserve(4);
                }
                terms.push(other);
            }
        }
    }

    /// The constant, when it is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match self {
            Scalar::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The expression; NULL is left in its place.
    pub fn take(&mut self) -> Scalar {
        std::mem::replace(self, Scalar::NULL)
    }

    /// The column, when it is a plain one.
    pub fn as_column(&self) -> Option<ColumnRef> {
        match self {
            Scalar::Column(column) => Some(*column),
            _ => None,
        }
    }

    /// Whether both say the same over the same columns. Subqueries are the same only when they are one object.
    pub fn same(&self, other: &Scalar) -> bool {
        same(self, other)
    }
}

fn same_boxed(a: &Option<Box<Scalar>>, b: &Option<Box<Scalar>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn same_list(a: &[Scalar], b: &[Scalar]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

/// Whether two rules compare alike.
pub(in crate::plan) fn same_rule(a: &CompareRule, b: &CompareRule) -> bool {
    a.left == b.left && a.right == b.right && a.collation == b.collation
}

/// Whether two functions are the same one.
pub(in crate::plan) fn same_function(a: &Function, b: &Function) -> bool {
    a.name == b.name && a.arity == b.arity && a.builtin == b.builtin
}

fn same(a: &Scalar, b: &Scalar) -> bool {
    use Scalar::*;
    match (a, b) {
        (Literal(a), Literal(b)) => a == b,
        (Parameter(a), Parameter(b)) => a == b,
        (Column(a), Column(b)) => a == b,
        (Register(a), Register(b)) => a == b,
        (Plus(a), Plus(b)) => same(a, b),
        (Unary { op: oa, operand: a }, Unary { op: ob, operand: b }) => oa == ob && same(a, b),
        (
            Binary {
                op: oa,
                left: la,
                right: ra,
            },
            Binary {
                op: ob,
                left: lb,
                right: rb,
            },
        ) => oa == ob && same(la, lb) && same(ra, rb),
        (And(a), And(b)) | (Or(a), Or(b)) | (Coalesce(a), Coalesce(b)) => same_list(a, b),
        (
            IsNull {
                operand: a,
                negated: na,
            },
            IsNull {
                operand: b,
                negated: nb,
            },
        ) => na == nb && same(a, b),
        (
            Cast {
                operand: a,
                target: ta,
            },
            Cast {
                operand: b,
                target: tb,
            },
        ) => ta == tb && same(a, b),
        (
            ApplyAffinity {
                operand: a,
                affinity: fa,
            },
            ApplyAffinity {
                operand: b,
                affinity: fb,
            },
        ) => fa == fb && same(a, b),
        (Query { query: a, column: ca }, Query { query: b, column: cb }) => Rc::ptr_eq(a, b) && ca == cb,
        (
            Exists {
                query: a,
                negated: na,
            },
            Exists {
                query: b,
                negated: nb,
            },
        ) => Rc::ptr_eq(a, b) && na == nb,
        _ => same_predicate(a, b) || same_call(a, b),
    }
}

fn same_predicate(a: &Scalar, b: &Scalar) -> bool {
    use Scalar::*;
    match (a, b) {
        (Compare(a), Compare(b)) => {
            a.op == b.op && same(&a.left, &b.left) && same(&a.right, &b.right) && same_rule(&a.rule, &b.rule)
        }
        (
            Between {
                operand: a,
                low: la,
                low_rule: lra,
                high: ha,
                high_rule: hra,
            },
            Between {
                operand: b,
                low: lb,
                low_rule: lrb,
                high: hb,
                high_rule: hrb,
            },
        ) => same(a, b) && same(la, lb) && same(ha, hb) && same_rule(lra, lrb) && same_rule(hra, hrb),
        (
            IsTruth {
                operand: a,
                truth: ta,
                negated: na,
            },
            IsTruth {
                operand: b,
                truth: tb,
                negated: nb,
            },
        ) => ta == tb && na == nb && same(a, b),
        (
            InList {
                operand: a,
                list: la,
                rule: ra,
                negated: na,
            },
            InList {
                operand: b,
                list: lb,
                rule: rb,
                negated: nb,
            },
        ) => na == nb && same(a, b) && same_list(la, lb) && same_rule(ra, rb),
        (
            InQuery {
                operands: a,
                query: qa,
                negated: na,
                ..
            },
            InQuery {
                operands: b,
                query: qb,
                negated: nb,
                ..
            },
        ) => na == nb && Rc::ptr_eq(qa, qb) && same_list(a, b),
        _ => false,
    }
}

fn same_call(a: &Scalar, b: &Scalar) -> bool {
    use Scalar::*;
    match (a, b) {
        (
            Call {
                function: fa,
                arguments: aa,
                collation: ca,
            },
            Call {
                function: fb,
                arguments: ab,
                collation: cb,
            },
        ) => same_function(fa, fb) && same_list(aa, ab) && ca == cb,
        (
            Like {
                operand: a,
                pattern: pa,
                escape: ea,
                glob: ga,
                negated: na,
            },
            Like {
                operand: b,
                pattern: pb,
                escape: eb,
                glob: gb,
                negated: nb,
            },
        ) => ga == gb && na == nb && same(a, b) && same(pa, pb) && same_boxed(ea, eb),
        (
            Case {
                operand: a,
                branches: ba,
                otherwise: ea,
            },
            Case {
                operand: b,
                branches: bb,
                otherwise: eb,
            },
        ) => {
            same_boxed(a, b)
                && same_boxed(ea, eb)
                && ba.len() == bb.len()
                && ba
                    .iter()
                    .zip(bb)
                    .all(|(a, b)| same(&a.when, &b.when) && same(&a.then, &b.then))
        }
        _ => false,
    }
}
