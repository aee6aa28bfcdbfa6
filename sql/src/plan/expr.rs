//! Bound expressions: what the binder makes of AST expressions, and what the executor compiles to kernels.
//!
//! Names are gone: a column is a position in the input row's layout, an outer query's column is a register. Everything that
//! SQLite decides from declared types is decided here once: each comparison carries the affinity to apply to either side
//! and the collation to compare by.

use std::sync::Arc;

use aludel_storage::format::Collation;
use smallvec::SmallVec;

use super::physical::Plan;
pub use crate::error::RaiseAction;
use crate::functions::Function;
use crate::value::{Affinity, Value};

/// A slot that carries a value from an outer row into a plan that depends on it (a correlated subquery, the inner
/// side of a nested-loop join, NEW and OLD of a trigger).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Register(pub usize);

/// A bound expression over one input row.
#[derive(Clone, Debug)]
#[repr(u32)]
pub enum Expr {
    /// A constant.
    Literal(Value),
    /// A bound parameter, counted from 0; NULL when nothing is bound.
    Parameter(usize),
    /// A column of the input row.
    Column(usize),
    /// A value of an outer row.
    Register(Register),
    /// `-x`, `~x`, `NOT x`, `+x` has no node.
    Unary {
        /// Which.
        op: UnaryOp,
        /// The operand.
        operand: Box<Expr>,
    },
    /// Arithmetic, bits, concatenation.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `= <> < <= > >= IS IS NOT`.
    Compare(Box<Comparison>),
    /// `x BETWEEN low AND high`, `x` evaluated once; `NOT BETWEEN` is wrapped in Not.
    Between {
        /// What is tested.
        operand: Box<Expr>,
        /// The lower bound.
        low: Box<Expr>,
        /// How `operand >= low` compares.
        low_rule: Box<CompareRule>,
        /// The upper bound.
        high: Box<Expr>,
        /// How `operand <= high` compares.
        high_rule: Box<CompareRule>,
    },
    /// All terms, in three-valued logic, evaluated left to right for the rows that are still undecided.
    And(Vec<Expr>),
    /// Any term, likewise.
    Or(Vec<Expr>),
    /// `x IS NULL` and `x NOT NULL` (`negated`).
    IsNull {
        /// What is tested.
        operand: Box<Expr>,
        /// NOT NULL.
        negated: bool,
    },
    /// `x IS TRUE` and its kin: never NULL.
    IsTruth {
        /// What is tested.
        operand: Box<Expr>,
        /// The truth value looked for.
        truth: bool,
        /// IS NOT.
        negated: bool,
    },
    /// `x IN (a, b, c)`.
    InList {
        /// NOT IN.
        negated: bool,
        /// What is looked for.
        operand: Box<Expr>,
        /// Where.
        list: Vec<Expr>,
        /// How each pair compares. The left side's affinity applies to the list's values.
        rule: Box<CompareRule>,
    },
    /// `(x, ..) IN (SELECT ..)`, also `x IN table`.
    InSubquery {
        /// NOT IN.
        negated: bool,
        /// The left side, one expression a column.
        operands: Box<[Expr]>,
        /// The subquery.
        subquery: Arc<Subquery>,
        /// How each column compares.
        rules: Box<[CompareRule]>,
    },
    /// `EXISTS (SELECT ..)`.
    Exists {
        /// The subquery.
        subquery: Arc<Subquery>,
        /// NOT EXISTS, where the binder folded it.
        negated: bool,
    },
    /// A scalar subquery: column `column` of its first row, NULL when there is none. (Row values take several columns.)
    Scalar {
        /// The subquery.
        subquery: Arc<Subquery>,
        /// Which of its columns.
        column: usize,
    },
    /// CASE; branches are evaluated only for the rows that reach them.
    Case {
        /// `CASE operand WHEN value`: compared by the rule of each branch; without one the WHENs are conditions.
        operand: Option<Box<Expr>>,
        /// WHEN and THEN.
        branches: Vec<CaseBranch>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// The first of the values that is not NULL; later ones are evaluated only for the rows that need them.
    Coalesce(Vec<Expr>),
    /// CAST.
    Cast {
        /// What is cast.
        operand: Box<Expr>,
        /// The affinity of the type named.
        target: Affinity,
    },
    /// As `ApplyAffinity`, of what has no parts.
    LeafAs {
        /// The affinity.
        affinity: Affinity,
        /// The value.
        leaf: Leaf,
    },
    /// Affinity applied as a column's would be, without a cast.
    ApplyAffinity {
        /// The value.
        operand: Box<Expr>,
        /// The affinity.
        affinity: Affinity,
    },
    /// LIKE and GLOB in their built-in meaning; overloaded ones are calls.
    Like {
        /// The text.
        operand: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// ESCAPE.
        escape: Option<Box<Expr>>,
        /// GLOB instead of LIKE.
        glob: bool,
        /// NOT LIKE.
        negated: bool,
    },
    /// A call of a scalar function.
    Call {
        /// The function.
        function: Arc<Function>,
        /// Its arguments.
        arguments: Box<[Expr]>,
        /// The collation that functions which compare (min, max, nullif) use.
        collation: Collation,
    },
    /// RAISE(..) in a trigger.
    Raise {
        /// What happens to the statement.
        action: RaiseAction,
        /// The message.
        message: Option<Box<Expr>>,
    },
}

// Plans are made of it: fields have their places in the order in which they stand, small ones beside the tag.
const _: () = assert!(size_of::<Expr>() == 48);

/// A value without parts that depends on the run or the row.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    /// A bound parameter.
    Parameter(usize),
    /// A column of the input row.
    Column(usize),
    /// A value of an outer row.
    Register(Register),
}

impl Leaf {
    /// As an expression.
    pub fn expr(self) -> Expr {
        match self {
            Leaf::Parameter(parameter) => Expr::Parameter(parameter),
            Leaf::Column(column) => Expr::Column(column),
            Leaf::Register(register) => Expr::Register(register),
        }
    }
}

/// `left op right`, in one piece of memory.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Which.
    pub op: CompareOp,
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
    /// Affinity and collation.
    pub rule: CompareRule,
}

impl Expr {
    /// `left op right`.
    pub fn compare(op: CompareOp, left: Expr, right: Expr, rule: CompareRule) -> Expr {
        Expr::Compare(Box::new(Comparison {
            op,
            left,
            right,
            rule,
        }))
    }

    /// The value with an affinity applied.
    #[must_use]
    pub fn with_affinity(self, affinity: Affinity) -> Expr {
        let leaf = match self {
            Expr::Parameter(parameter) => Leaf::Parameter(parameter),
            Expr::Column(column) => Leaf::Column(column),
            Expr::Register(register) => Leaf::Register(register),
            operand => {
                return Expr::ApplyAffinity {
                    operand: Box::new(operand),
                    affinity,
                };
            }
        };
        Expr::LeafAs { affinity, leaf }
    }

    /// The parameter that this is for who binds an integer: an affinity that wants numbers leaves it alone.
    pub fn as_parameter_of_integers(&self) -> Option<usize> {
        match self {
            Expr::Parameter(parameter) => Some(*parameter),
            Expr::LeafAs {
                affinity: Affinity::Integer | Affinity::Numeric,
                leaf: Leaf::Parameter(parameter),
            } => Some(*parameter),
            Expr::ApplyAffinity {
                operand,
                affinity: Affinity::Integer | Affinity::Numeric,
            } => operand.as_parameter_of_integers(),
            _ => None,
        }
    }

    /// Visits this expression and all below it, subqueries' plans not among them (but what they are bound to is).
    pub fn visit(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Literal(_) | Expr::Parameter(_) | Expr::Column(_) | Expr::Register(_) => {}
            Expr::LeafAs { leaf, .. } => visit(&leaf.expr()),
            Expr::Unary { operand, .. }
            | Expr::IsNull { operand, .. }
            | Expr::IsTruth { operand, .. }
            | Expr::Cast { operand, .. }
            | Expr::ApplyAffinity { operand, .. } => operand.visit(visit),
            Expr::Binary { left, right, .. } => {
                left.visit(visit);
                right.visit(visit);
            }
            Expr::Compare(comparison) => {
                comparison.left.visit(visit);
                comparison.right.visit(visit);
            }
            Expr::Between {
                operand, low, high, ..
            } => {
                operand.visit(visit);
                low.visit(visit);
                high.visit(visit);
            }
            Expr::And(parts) | Expr::Or(parts) | Expr::Coalesce(parts) => {
                parts.iter().for_each(|part| part.visit(visit));
            }
            Expr::InList { operand, list, .. } => {
                operand.visit(visit);
                list.iter().for_each(|part| part.visit(visit));
            }
            Expr::InSubquery {
                operands, subquery, ..
            } => {
                operands.iter().for_each(|part| part.visit(visit));
                subquery.bindings.iter().for_each(|(_, part)| part.visit(visit));
            }
            Expr::Exists { subquery, .. } | Expr::Scalar { subquery, .. } => {
                subquery.bindings.iter().for_each(|(_, part)| part.visit(visit));
            }
            Expr::Case {
                operand,
                branches,
                otherwise,
            } => {
                operand.iter().for_each(|part| part.visit(visit));
                for branch in branches {
                    branch.when.visit(visit);
                    branch.then.visit(visit);
                }
                otherwise.iter().for_each(|part| part.visit(visit));
            }
            Expr::Like {
                operand,
                pattern,
                escape,
                ..
            } => {
                operand.visit(visit);
                pattern.visit(visit);
                escape.iter().for_each(|part| part.visit(visit));
            }
            Expr::Call { arguments, .. } => arguments.iter().for_each(|part| part.visit(visit)),
            Expr::Raise { message, .. } => message.iter().for_each(|part| part.visit(visit)),
        }
    }
}

impl Expr {
    /// The expression with each leaf (literals aside) replaced by what `leaf` makes of it; `None` when `leaf` has nothing for one of them, or where there is
    /// a subquery.
    pub fn with_leaves(&self, leaf: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Option<Expr> {
        let mut one = |part: &Expr| part.with_leaves(leaf).map(Box::new);
        Some(match self {
            Expr::Literal(_) => self.clone(),
            Expr::Parameter(_) | Expr::Column(_) | Expr::Register(_) => leaf(self)?,
            Expr::LeafAs {
                affinity,
                leaf: operand,
            } => leaf(&operand.expr())?.with_affinity(*affinity),
            Expr::Unary { op, operand } => Expr::Unary {
                op: *op,
                operand: one(operand)?,
            },
            Expr::Binary { op, left, right } => Expr::Binary {
                op: *op,
                left: one(left)?,
                right: one(right)?,
            },
            Expr::Compare(comparison) => Expr::compare(
                comparison.op,
                comparison.left.with_leaves(leaf)?,
                comparison.right.with_leaves(leaf)?,
                comparison.rule.clone(),
            ),
            Expr::Between {
                operand,
                low,
                low_rule,
                high,
                high_rule,
            } => Expr::Between {
                operand: one(operand)?,
                low: one(low)?,
                low_rule: low_rule.clone(),
                high: one(high)?,
                high_rule: high_rule.clone(),
            },
            Expr::And(parts) => Expr::And(all_with_leaves(parts, leaf)?),
            Expr::Or(parts) => Expr::Or(all_with_leaves(parts, leaf)?),
            Expr::Coalesce(parts) => Expr::Coalesce(all_with_leaves(parts, leaf)?),
            Expr::IsNull { operand, negated } => Expr::IsNull {
                operand: one(operand)?,
                negated: *negated,
            },
            Expr::IsTruth {
                operand,
                truth,
                negated,
            } => Expr::IsTruth {
                operand: one(operand)?,
                truth: *truth,
                negated: *negated,
            },
            Expr::InList {
                operand,
                list,
                rule,
                negated,
            } => Expr::InList {
                operand: one(operand)?,
                list: all_with_leaves(list, leaf)?,
                rule: rule.clone(),
                negated: *negated,
            },
            Expr::Case {
                operand,
                branches,
                otherwise,
            } => {
                let operand = match operand {
                    Some(operand) => Some(one(operand)?),
                    None => None,
                };
                let otherwise = match otherwise {
                    Some(otherwise) => Some(one(otherwise)?),
                    None => None,
                };
                let branch = |branch: &CaseBranch| {
                    Some(CaseBranch {
                        when: branch.when.with_leaves(leaf)?,
                        rule: branch.rule.clone(),
                        then: branch.then.with_leaves(leaf)?,
                    })
                };
                Expr::Case {
                    operand,
                    branches: branches.iter().map(branch).collect::<Option<_>>()?,
                    otherwise,
                }
            }
            Expr::Cast { operand, target } => Expr::Cast {
                operand: one(operand)?,
                target: *target,
            },
            Expr::ApplyAffinity { operand, affinity } => Expr::ApplyAffinity {
                operand: one(operand)?,
                affinity: *affinity,
            },
            Expr::Like {
                operand,
                pattern,
                escape,
                glob,
                negated,
            } => Expr::Like {
                operand: one(operand)?,
                pattern: one(pattern)?,
                escape: match escape {
                    Some(escape) => Some(one(escape)?),
                    None => None,
                },
                glob: *glob,
                negated: *negated,
            },
            Expr::Call {
                function,
                arguments,
                collation,
            } => Expr::Call {
                function: Arc::clone(function),
                arguments: all_with_leaves(arguments, leaf)?.into(),
                collation: collation.clone(),
            },
            Expr::InSubquery { .. } | Expr::Exists { .. } | Expr::Scalar { .. } | Expr::Raise { .. } => {
                return None;
            }
        })
    }
}

fn all_with_leaves(parts: &[Expr], leaf: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Option<Vec<Expr>> {
    parts.iter().map(|part| part.with_leaves(leaf)).collect()
}

/// A WHEN .. THEN .. of CASE.
#[derive(Clone, Debug)]
pub struct CaseBranch {
    /// The condition, or the value that the operand is compared with.
    pub when: Expr,
    /// How it compares with the operand, when there is one.
    pub rule: CompareRule,
    /// The result.
    pub then: Expr,
}

/// Operators of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-x`
    Negate,
    /// `~x`
    BitNot,
    /// `NOT x`
    Not,
}

/// Operators of two operands that yield a value, not a truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `||`
    Concat,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `IS`, IS NOT DISTINCT FROM
    Is,
    /// `IS NOT`, IS DISTINCT FROM
    IsNot,
}

/// How two sides compare: datatype3, "Comparison Expressions".
#[derive(Clone, Debug)]
pub struct CompareRule {
    /// Applied to the left value before the comparison.
    pub left: Option<Affinity>,
    /// Applied to the right value before the comparison.
    pub right: Option<Affinity>,
    /// The collation of text.
    pub collation: Collation,
}

/// Registers with the expressions that fill them: one, mostly.
pub type RegisterBindings = SmallVec<[(Register, Expr); 1]>;

/// A plan inside an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What to run. Its registers are numbered in the enclosing statement.
    pub plan: Plan,
    /// The registers that it reads, with the expressions over the enclosing row that fill them. Empty: the subquery is not correlated and
    /// runs once a statement run; else results may be kept by the values of these registers.
    pub bindings: RegisterBindings,
    /// Whether all it does is deterministic, so that results may be kept.
    pub deterministic: bool,
}
