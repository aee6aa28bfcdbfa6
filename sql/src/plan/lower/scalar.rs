//! Expressions over (table, column) become expressions over positions.

use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Layout, Lowerer};
use crate::error::Result;
use crate::plan::expr::{CaseBranch, Expr, Subquery};
use crate::plan::logical::{Block, Body, Branch, ColumnRef, Query, Scalar};
use crate::plan::physical::Plan;

impl Lowerer<'_> {
    /// Lowers an expression over rows of `layout`.
    pub(super) fn scalar(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Expr> {
        self.stack.check()?;
        match scalar {
            Scalar::Literal(value) => Ok(Expr::Literal(value.clone())),
            Scalar::Parameter(number) => Ok(Expr::Parameter(*number)),
            Scalar::Column(column) => self.column(*column, layout),
            Scalar::Register(register) => Ok(Expr::Register(*register)),
            Scalar::Plus(operand) => self.scalar(operand, layout),
            Scalar::Binary { .. } => self.binary(scalar, layout),
            Scalar::And(terms) => Ok(Expr::And(self.scalars(terms, layout)?)),
            Scalar::Or(terms) => Ok(Expr::Or(self.scalars(terms, layout)?)),
            Scalar::Coalesce(terms) => Ok(Expr::Coalesce(self.scalars(terms, layout)?)),
            Scalar::InQuery { .. } | Scalar::Exists { .. } | Scalar::Query { .. } => {
                self.subquery_scalar(scalar, layout)
            }
            Scalar::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref(), layout),
            Scalar::Unary { .. }
            | Scalar::IsNull { .. }
            | Scalar::IsTruth { .. }
            | Scalar::Cast { .. }
            | Scalar::ApplyAffinity { .. } => self.of_one(scalar, layout),
            _ => self.of_several(scalar, layout),
        }
    }

    /// Lowers expressions in a row.
    pub(super) fn scalars(&mut self, scalars: &[Scalar], layout: &Layout) -> Result<Vec<Expr>> {
        scalars.iter().map(|scalar| self.scalar(scalar, layout)).collect()
    }

    fn boxed(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Box<Expr>> {
        self.scalar(scalar, layout).map(Box::new)
    }

    fn optional(&mut self, scalar: Option<&Scalar>, layout: &Layout) -> Result<Option<Box<Expr>>> {
        scalar.map(|scalar| self.boxed(scalar, layout)).transpose()
    }

    /// All of the terms, `None` when there is none.
    pub(super) fn conjunction<'s>(
        &mut self,
        terms: impl IntoIterator<Item = &'s Scalar>,
        layout: &Layout,
    ) -> Result<Option<Expr>> {
        let mut terms = terms.into_iter();
        let Some(first) = terms.next() else {
            return Ok(None);
        };
        let first = self.scalar(first, layout)?;
        let Some(second) = terms.next() else {
            return Ok(Some(first));
        };
        let mut lowered = vec![first, self.scalar(second, layout)?];
        for term in terms {
            lowered.push(self.scalar(term, layout)?);
        }
        Ok(Some(Expr::And(lowered)))
    }

    /// A column: in the row, computed from the row, or of an outer row, where it may be computed in turn.
    pub(super) fn column(&mut self, column: ColumnRef, layout: &Layout) -> Result<Expr> {
        if let Some(position) = layout.position(column) {
            return Ok(Expr::Column(position));
        }
        let entry = self.tables.get(column.table);
        let generated = column
            .column
            .index()
            .filter(|_| layout.tables().any(|table| table == column.table))
            .and_then(|index| entry.generated_expression(column.table, index));
        match generated {
            Some(expression) => self.scalar(&expression, layout),
            None => Ok(Expr::Register(self.outer_register(column)?)),
        }
    }

    /// Arithmetic; a chain that leans to the left is walked in a loop.
    #[inline(never)]
    fn binary(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Expr> {
        let mut pending = SmallVec::<[_; 4]>::new();
        let mut at = scalar;
        while let Scalar::Binary { op, left, right } = at {
            pending.push((*op, right));
            at = left;
        }
        let mut lowered = self.scalar(at, layout)?;
        while let Some((op, right)) = pending.pop() {
            let right = self.boxed(right, layout)?;
            lowered = Expr::Binary {
                op,
                left: Box::new(lowered),
                right,
            };
        }
        Ok(lowered)
    }

    #[inline(never)]
    fn of_one(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Expr> {
        Ok(match scalar {
            Scalar::Unary { op, operand } => Expr::Unary {
                op: *op,
                operand: self.boxed(operand, layout)?,
            },
            Scalar::IsNull { operand, negated } => Expr::IsNull {
                operand: self.boxed(operand, layout)?,
                negated: *negated,
            },
            Scalar::IsTruth {
                operand,
                truth,
                negated,
            } => Expr::IsTruth {
                operand: self.boxed(operand, layout)?,
                truth: *truth,
                negated: *negated,
            },
            Scalar::Cast { operand, target } => Expr::Cast {
                operand: self.boxed(operand, layout)?,
                target: *target,
            },
            Scalar::ApplyAffinity { operand, affinity } => Expr::ApplyAffinity {
                operand: self.boxed(operand, layout)?,
                affinity: *affinity,
            },
            other => return self.of_several(other, layout),
        })
    }

    #[inline(never)]
    fn of_several(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Expr> {
        Ok(match scalar {
            Scalar::Compare(comparison) => Expr::compare(
                comparison.op,
                self.scalar(&comparison.left, layout)?,
                self.scalar(&comparison.right, layout)?,
                comparison.rule.clone(),
            ),
            Scalar::Between {
                operand,
                low,
                low_rule,
                high,
                high_rule,
            } => Expr::Between {
                operand: self.boxed(operand, layout)?,
                low: self.boxed(low, layout)?,
                low_rule: low_rule.clone(),
                high: self.boxed(high, layout)?,
                high_rule: high_rule.clone(),
            },
            Scalar::InList {
                operand,
                list,
                rule,
                negated,
            } => Expr::InList {
                operand: self.boxed(operand, layout)?,
                list: self.scalars(list, layout)?,
                rule: rule.clone(),
                negated: *negated,
            },
            Scalar::Like {
                operand,
                pattern,
                escape,
                glob,
                negated,
            } => Expr::Like {
                operand: self.boxed(operand, layout)?,
                pattern: self.boxed(pattern, layout)?,
                escape: self.optional(escape.as_deref(), layout)?,
                glob: *glob,
                negated: *negated,
            },
            Scalar::Call {
                function,
                arguments,
                collation,
            } => Expr::Call {
                function: Arc::clone(function),
                arguments: self.scalars(arguments, layout)?.into(),
                collation: collation.clone(),
            },
            Scalar::Raise { action, message } => Expr::Raise {
                action: *action,
                message: self.optional(message.as_deref(), layout)?,
            },
            other => return self.scalar(other, layout),
        })
    }

    #[inline(never)]
    fn case(
        &mut self,
        operand: Option<&Scalar>,
        branches: &[Branch],
        otherwise: Option<&Scalar>,
        layout: &Layout,
    ) -> Result<Expr> {
        let operand = self.optional(operand, layout)?;
        let mut lowered = Vec::with_capacity(branches.len());
        for branch in branches {
            lowered.push(CaseBranch {
                when: self.scalar(&branch.when, layout)?,
                rule: branch.rule.clone(),
                then: self.scalar(&branch.then, layout)?,
            });
        }
        let otherwise = self.optional(otherwise, layout)?;
        Ok(Expr::Case {
            operand,
            branches: lowered,
            otherwise,
        })
    }

    #[inline(never)]
    fn subquery_scalar(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Expr> {
        Ok(match scalar {
            Scalar::InQuery {
                operands,
                query,
                rules,
                negated,
            } => Expr::InSubquery {
                operands: self.scalars(operands, layout)?.into(),
                subquery: self.subquery(query, layout, SubqueryUse::List)?,
                rules: rules.clone(),
                negated: *negated,
            },
            Scalar::Exists { query, negated } => Expr::Exists {
                subquery: self.subquery(query, layout, SubqueryUse::Exists)?,
                negated: *negated,
            },
            Scalar::Query { query, column } => {
                let subquery = self.subquery(query, layout, SubqueryUse::Scalar)?;
                Expr::Scalar {
                    subquery,
                    column: *column,
                }
            }
            other => return self.scalar(other, layout),
        })
    }

    /// The plan of a query inside an expression over rows of `layout`.
    pub(super) fn subquery(
        &mut self,
        query: &Rc<Query>,
        layout: &Layout,
        usage: SubqueryUse,
    ) -> Result<Arc<Subquery>> {
        let line = self.explain_subquery(query, usage);
        let (root, bindings) = self.in_frame(None, |lowerer| match (&query.body, usage) {
            (Body::Block(block), SubqueryUse::Exists) if gives_joined_rows(query, block) => {
                lowerer.block_presence(block)
            }
            _ => lowerer.query(query, None),
        })?;
        self.explain_end(line);
        let bindings = self.bindings(bindings, layout)?;
        Ok(Arc::new(Subquery {
            plan: Plan {
                root,
                columns: super::result_columns(&query.columns),
            },
            bindings,
            deterministic: super::query::is_deterministic(query),
        }))
    }
}

/// Whether a query has a row just when its joined tables have one.
fn gives_joined_rows(query: &Query, block: &Block) -> bool {
    block.from.is_some()
        && block.grouping.is_none()
        && block.windows.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.common.is_empty()
}

/// What a subquery's rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubqueryUse {
    /// IN.
    List,
    /// EXISTS.
    Exists,
    /// A value.
    Scalar,
}
