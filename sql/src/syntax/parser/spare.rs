//! Memory of trees that are done with, for the trees of the statements after them.
//!
//! The tree of a query is a dozen pieces of memory that live no longer than it takes to compile it. To give each back and to ask for it
//! again takes longer than to fill it, so the pieces that nearly all queries have are kept.
//!
//! ```text
//!   parser ── takes pieces ──▶ tree ──▶ compiled ── gives them back ──▶ spare ──▶ parser of the next statement
//! ```
//!
//! - I1. A piece that is kept is as a new one: vacant, empty.
//! - I2. What is kept is bounded: one query, and [`OPERANDS_MAX`] pairs of operands; lists with room for more than [`LIST_MAX`] are not kept.

use super::super::ast::{
    Expr, ExprKind, Join, JoinConstraint, Limit, Operands, Query, Select, SelectCore, Span, Statement,
};
use super::select::LIST_LENGTH;

const OPERANDS_MAX: usize = 16;
const LIST_MAX: usize = 32;

/// See the module head.
#[derive(Default)]
pub(super) struct Spare {
    #[expect(
        clippy::vec_box,
        reason = "the boxes are what is kept: trees hold them as they are"
    )]
    operands: Vec<Box<Operands>>,
    select: Option<Box<Select>>,
    query: Option<Box<Query>>,
    joins: Vec<Join>,
    limit: Option<Box<Limit>>,
}

impl Spare {
    /// A pair of vacant operands.
    pub(super) fn operands(&mut self) -> Box<Operands> {
        self.operands.pop().unwrap_or_else(|| {
            Box::new(Operands {
                left: Expr::VACANT,
                right: Expr::VACANT,
            })
        })
    }

    /// A query without anything in it.
    pub(super) fn select(&mut self) -> Box<Select> {
        self.select.take().unwrap_or_else(|| {
            Box::new(Select {
                with: None,
                first: SelectCore::Values(Vec::new()),
                compounds: Vec::new(),
                order_by: Vec::with_capacity(LIST_LENGTH),
                limit: None,
                span: Span::default(),
            })
        })
    }

    /// A SELECT without anything in it.
    pub(super) fn query(&mut self) -> Box<Query> {
        self.query.take().unwrap_or_else(|| {
            Box::new(Query {
                distinct: false,
                columns: Vec::with_capacity(LIST_LENGTH),
                from: None,
                selection: None,
                group_by: Vec::new(),
                having: None,
                windows: Vec::new(),
                span: Span::default(),
            })
        })
    }

    /// Room for the tables after the first.
    pub(super) fn joins(&mut self) -> Vec<Join> {
        match self.joins.capacity() {
            0 => Vec::with_capacity(LIST_LENGTH),
            _ => std::mem::take(&mut self.joins),
        }
    }

    /// A LIMIT without its number.
    pub(super) fn limit(&mut self) -> Box<Limit> {
        self.limit.take().unwrap_or_else(|| {
            Box::new(Limit {
                limit: Expr::VACANT,
                offset: None,
            })
        })
    }

    /// Takes back the pieces of a tree that nobody needs any more.
    pub(super) fn take_back(&mut self, statement: Statement) {
        match statement {
            Statement::Select(select) => self.take_back_select(select),
            Statement::Update(mut update) => self.take_back_condition(&mut update.selection),
            Statement::Delete(mut delete) => self.take_back_condition(&mut delete.selection),
            _ => {}
        }
    }

    fn take_back_select(&mut self, mut select: Box<Select>) {
        if let Some(mut limit) = select.limit.take() {
            limit.offset = None;
            limit.limit = Expr::VACANT;
            self.limit = Some(limit);
        }
        if let SelectCore::Query(query) = &mut select.first {
            self.take_back_parts(query);
        }
        if select.with.is_some() || !select.compounds.is_empty() || !keep(&mut select.order_by) {
            return;
        }
        match std::mem::replace(&mut select.first, SelectCore::Values(Vec::new())) {
            SelectCore::Query(query) => self.take_back_query(query),
            SelectCore::Values(_) => {}
        }
        self.select = Some(select);
    }

    /// What hangs on a SELECT and is of use alone.
    fn take_back_parts(&mut self, query: &mut Query) {
        self.take_back_condition(&mut query.selection);
        let Some(mut from) = query.from.take() else {
            return;
        };
        for join in &mut from.joins {
            if let Some(JoinConstraint::On(condition)) = &mut join.constraint {
                self.take_back_expr(condition);
            }
        }
        if keep(&mut from.joins) {
            self.joins = from.joins;
        }
    }

    fn take_back_query(&mut self, mut query: Box<Query>) {
        let rare = query.having.is_some() || !query.group_by.is_empty() || !query.windows.is_empty();
        if !rare && keep(&mut query.columns) {
            query.distinct = false;
            self.query = Some(query);
        }
    }

    fn take_back_condition(&mut self, condition: &mut Option<Expr>) {
        if let Some(mut condition) = condition.take() {
            self.take_back_expr(&mut condition);
        }
    }

    /// Leaves a vacant place.
    fn take_back_expr(&mut self, place: &mut Expr) {
        if !matches!(place.kind, ExprKind::Binary { .. }) {
            *place = Expr::VACANT;
            return;
        }
        if let ExprKind::Binary { mut operands, .. } = place.take().kind {
            self.take_back_expr(&mut operands.left);
            self.take_back_expr(&mut operands.right);
            if self.operands.len() < OPERANDS_MAX {
                self.operands.push(operands);
            }
        }
    }
}

/// Empties a list, and says whether its room is worth keeping.
fn keep<T>(list: &mut Vec<T>) -> bool {
    list.clear();
    list.capacity() > 0 && list.capacity() <= LIST_MAX
}
