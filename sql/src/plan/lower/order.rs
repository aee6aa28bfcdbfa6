//! ORDER BY, DISTINCT and LIMIT over what a block or compound puts out.

use smallvec::SmallVec;

use super::{Layout, Lowerer};
use crate::error::Result;
use crate::plan::expr::{BinaryOp, CaseBranch, CompareOp, CompareRule, Expr};
use crate::plan::logical::{ColumnNo, ColumnSet, Order, OrderTarget, Query, Scalar};
use crate::plan::physical::{Limit, Node, Sort, SortKey};
use crate::value::{Collation, Value};

/// What comes after a query's rows are made: order and limit.
#[derive(Clone, Copy)]
pub(super) struct Tail<'q> {
    pub order: &'q [Order],
    pub limit: Option<&'q Scalar>,
    pub offset: Option<&'q Scalar>,
    /// How many leading terms of the order hold already; all of them: no sort.
    pub sorted: usize,
    /// The rows that are grouped come group by group.
    pub grouped: bool,
}

impl<'q> Tail<'q> {
    /// The tail of a query.
    pub fn of(query: &'q Query) -> Tail<'q> {
        Tail {
            order: &query.order,
            limit: query.limit.as_ref(),
            offset: query.offset.as_ref(),
            sorted: 0,
            grouped: false,
        }
    }

    /// No order, no limit.
    pub fn none() -> Tail<'q> {
        Tail {
            order: &[],
            limit: None,
            offset: None,
            sorted: 0,
            grouped: false,
        }
    }

    /// Whether nothing comes after.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.limit.is_none() && self.offset.is_none()
    }

    fn needs_sort(&self) -> bool {
        self.sorted < self.order.len()
    }
}

impl Lowerer<'_> {
    /// Projection, DISTINCT, order and limit of a block, over rows of `layout`.
    pub(super) fn output(
        &mut self,
        node: Node,
        layout: &Layout,
        projection: &[Scalar],
        distinct: Option<&[Collation]>,
        tail: &Tail<'_>,
        needed: Option<&ColumnSet>,
    ) -> Result<Node> {
        let mut wanted: SmallVec<[usize; 16]> = SmallVec::new();
        for column in 0..projection.len() {
            if needed.is_none_or(|needed| needed.contains(ColumnNo::at(column))) {
                wanted.push(column);
            }
        }
        let late = distinct.is_none() && sorts_before_projection(projection, tail);
        if late {
            let keys = self.keys_over(layout, projection, tail)?;
            let node = self.sorted(node, keys, tail)?;
            let node = self.limited(node, tail)?;
            return self.projected(node, layout, projection, &wanted);
        }
        // The result columns come first, then what the order needs beside them.
        let mut expressions: Vec<Expr> = Vec::with_capacity(wanted.len() + tail.order.len());
        for &column in &wanted {
            expressions.push(self.scalar(&projection[column], layout)?);
        }
        let keys = self.keys_beside(&mut expressions, &wanted, layout, projection, tail)?;
        let extra = expressions.len() > wanted.len();
        let mut node = Node::Project {
            input: Box::new(node),
            expressions,
        };
        if let Some(collations) = distinct {
            self.explain_temp("DISTINCT");
            node = Node::Distinct {
                input: Box::new(node),
                collations: collations.to_vec(),
            };
        }
        let node = self.sorted(node, keys, tail)?;
        let node = self.limited(node, tail)?;
        Ok(match extra {
            false => node,
            true => {
                let expressions = (0..wanted.len()).map(Expr::Column).collect();
                Node::Project {
                    input: Box::new(node),
                    expressions,
                }
            }
        })
    }

    fn projected(
        &mut self,
        node: Node,
        layout: &Layout,
        projection: &[Scalar],
        wanted: &[usize],
    ) -> Result<Node> {
        let mut expressions = Vec::with_capacity(wanted.len());
        for &column in wanted {
            expressions.push(self.scalar(&projection[column], layout)?);
        }
        let identity = expressions.len() == layout.width()
            && expressions
                .iter()
                .enumerate()
                .all(|(place, e)| matches!(e, Expr::Column(c) if *c == place));
        Ok(match identity {
            true => node,
            false => Node::Project {
                input: Box::new(node),
                expressions,
            },
        })
    }

    /// Sort keys over the rows before projection.
    fn keys_over(&mut self, layout: &Layout, projection: &[Scalar], tail: &Tail<'_>) -> Result<Vec<SortKey>> {
        if !tail.needs_sort() {
            return Ok(Vec::new());
        }
        let mut keys = Vec::with_capacity(tail.order.len());
        for order in tail.order {
            let expression = match &order.target {
                OrderTarget::Output(column) => self.scalar(&projection[*column], layout)?,
                OrderTarget::Expression(expression) => self.scalar(expression, layout)?,
            };
            keys.push(sort_key(order, expression));
        }
        Ok(keys)
    }

    /// Sort keys over the projected rows; what is not among the result columns is projected beside them.
    fn keys_beside(
        &mut self,
        expressions: &mut Vec<Expr>,
        wanted: &[usize],
        layout: &Layout,
        projection: &[Scalar],
        tail: &Tail<'_>,
    ) -> Result<Vec<SortKey>> {
        if !tail.needs_sort() {
            return Ok(Vec::new());
        }
        let mut keys = Vec::with_capacity(tail.order.len());
        for order in tail.order {
            let (known, scalar) = match &order.target {
                OrderTarget::Output(column) => (
                    wanted.iter().position(|wanted| wanted == column),
                    &projection[*column],
                ),
                OrderTarget::Expression(expression) => (None, expression),
            };
            let place = match known {
                Some(place) => place,
                None => {
                    expressions.push(self.scalar(scalar, layout)?);
                    expressions.len() - 1
                }
            };
            keys.push(sort_key(order, Expr::Column(place)));
        }
        Ok(keys)
    }

    /// A sort, when there are keys and the order does not hold yet.
    pub(super) fn sorted(&mut self, input: Node, keys: Vec<SortKey>, tail: &Tail<'_>) -> Result<Node> {
        if keys.is_empty() || !tail.needs_sort() {
            return Ok(input);
        }
        self.explain_sort(tail.sorted, keys.len());
        let top = self.top(tail)?;
        Ok(Node::Sort(Box::new(Sort {
            input,
            keys,
            top,
            sorted_prefix: tail.sorted,
        })))
    }

    /// LIMIT and OFFSET.
    pub(super) fn limited(&mut self, input: Node, tail: &Tail<'_>) -> Result<Node> {
        if tail.limit.is_none() && tail.offset.is_none() {
            return Ok(input);
        }
        let limit = tail
            .limit
            .map(|limit| self.scalar(limit, &Layout::empty()))
            .transpose()?;
        let offset = tail
            .offset
            .map(|offset| self.scalar(offset, &Layout::empty()))
            .transpose()?;
        Ok(Node::Limit(Box::new(Limit { input, limit, offset })))
    }

    /// How many rows of a sort are enough: limit plus offset, all when the limit is negative.
    pub(super) fn top(&mut self, tail: &Tail<'_>) -> Result<Option<Expr>> {
        let Some(limit) = tail.limit else { return Ok(None) };
        if let (Some(limit), Some(offset)) = (constant(limit), tail.offset.map_or(Some(0), constant)) {
            let enough = limit.saturating_add(offset.max(0));
            return Ok((limit >= 0).then_some(Expr::Literal(Value::Integer(enough))));
        }
        let limit = self.scalar(limit, &Layout::empty())?;
        let Some(offset) = tail.offset else {
            return Ok(Some(limit));
        };
        let offset = self.scalar(offset, &Layout::empty())?;
        Ok(Some(positive_sum(limit, offset)))
    }
}

/// `CASE WHEN limit < 0 THEN -1 WHEN offset < 0 THEN limit ELSE limit + offset END`
fn positive_sum(limit: Expr, offset: Expr) -> Expr {
    let negative = |expr: &Expr| {
        let zero = Expr::Literal(Value::Integer(0));
        Expr::compare(CompareOp::Lt, expr.clone(), zero, plain_rule())
    };
    let branch = |when, then| CaseBranch {
        when,
        rule: plain_rule(),
        then,
    };
    let branches = vec![
        branch(negative(&limit), Expr::Literal(Value::Integer(-1))),
        branch(negative(&offset), limit.clone()),
    ];
    let sum = Expr::Binary {
        op: BinaryOp::Add,
        left: Box::new(limit),
        right: Box::new(offset),
    };
    Expr::Case {
        operand: None,
        branches,
        otherwise: Some(Box::new(sum)),
    }
}

fn plain_rule() -> CompareRule {
    CompareRule {
        left: None,
        right: None,
        collation: Collation::Binary,
    }
}

fn constant(scalar: &Scalar) -> Option<i64> {
    match scalar.as_literal()? {
        Value::Integer(value) => Some(*value),
        _ => None,
    }
}

fn sort_key(order: &Order, expression: Expr) -> SortKey {
    SortKey {
        expression,
        descending: order.descending,
        nulls_first: order.nulls_first,
        collation: order.collation.clone(),
    }
}

/// Whether rows may be sorted before they are projected: no key would be computed twice.
fn sorts_before_projection(projection: &[Scalar], tail: &Tail<'_>) -> bool {
    !tail.needs_sort()
        || tail.order.iter().all(|order| match &order.target {
            OrderTarget::Output(column) => {
                matches!(
                    projection[*column],
                    Scalar::Column(_) | Scalar::Literal(_) | Scalar::Parameter(_)
                )
            }
            OrderTarget::Expression(_) => true,
        })
}
