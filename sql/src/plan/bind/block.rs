//! One SELECT: its clauses in the order in which names become known.
//!
//! FROM first, then the result columns, because the other clauses may name them by alias; whether the block aggregates is known only
//! when its result columns are bound.

use super::Binder;
use super::from::Operands;
use super::scope::{Alias, Clause, Scope, ScopeSource};
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::plan::logical::{
    AggregateCall, Block, GroupTerm, Grouping, Order, OrderTarget, OutputColumn, Scalar,
};
use crate::syntax::ast;
use crate::value::{Affinity, Collation};

/// A block with its result columns and its order.
#[derive(Default)]
pub(super) struct BoundBlock {
    pub block: Box<Block>,
    pub columns: Vec<OutputColumn>,
    pub order: Vec<Order>,
}

impl<'a> Binder<'a> {
    /// Binds a SELECT and the ORDER BY that belongs to it alone.
    pub(super) fn block(
        &mut self,
        query: &'a ast::Query,
        order_by: &'a [ast::OrderingTerm],
    ) -> Result<BoundBlock> {
        self.named_windows.push(&query.windows);
        self.written.push((self.scopes.len(), &query.columns));
        let mut scope = Scope::new(Clause::From);
        let mut operands = Operands::new();
        if let Some(from) = &query.from {
            self.bind_tables(from, &mut scope.sources, &mut operands)?;
        }
        self.scopes.push(scope);
        let (mut bound, mut terms) = (BoundBlock::default(), Vec::new());
        let result = self.clauses(query, order_by, &mut operands, &mut bound, &mut terms);
        let Some(scope) = self.scopes.pop() else {
            return Err(Error::misuse("scopes out of step"));
        };
        result?;
        if self.asker.is_some() && query.from.is_some() {
            let inner = |source: &ScopeSource| match source.inner.is_empty() {
                true => vec![source.table],
                false => source.inner.to_vec(),
            };
            self.ask_of_unread(scope.sources.iter().flat_map(inner))?;
        }
        self.assemble(&mut bound, terms, scope, query.distinct);
        self.written.pop();
        self.named_windows.pop();
        Ok(bound)
    }

    /// Binds the clauses in the scope of the block's tables, which are in `operands`.
    fn clauses(
        &mut self,
        query: &'a ast::Query,
        order_by: &'a [ast::OrderingTerm],
        operands: &mut Operands<'a>,
        out: &mut BoundBlock,
        terms: &mut Vec<GroupTerm>,
    ) -> Result<()> {
        if let Some(from) = &query.from {
            out.block.from = Some(self.join_tables(from, operands)?);
        }
        self.scope().clause = Clause::Projection;
        let outputs = self.result_columns(&query.columns, &mut out.columns)?;
        let scope = self.scope();
        scope.aliases = aliases(&query.columns, &out.columns);
        scope.aggregated = !query.group_by.is_empty() || !scope.aggregates.is_empty();
        scope.outputs = outputs;
        if let Some(having) = &query.having
            && !scope.aggregated
        {
            return Err(Error::sql_at(
                "HAVING clause on a non-aggregate query",
                having.span.start as usize,
            ));
        }
        if let Some(selection) = &query.selection {
            scope.clause = Clause::Where;
            self.expr(selection)?.expr.add_conjuncts(&mut out.block.filter);
        }
        if !query.group_by.is_empty() {
            self.scope().clause = Clause::GroupBy;
            *terms = self.group_terms(&query.group_by)?;
        }
        if let Some(having) = &query.having {
            self.scope().clause = Clause::Having;
            self.expr(having)?.expr.add_conjuncts(&mut out.block.having);
        }
        if !order_by.is_empty() {
            self.scope().clause = Clause::OrderBy;
            out.order = self.order_terms(order_by, &out.columns)?;
        }
        Ok(())
    }

    /// A condition, split into its terms.
    pub(super) fn condition(&mut self, expr: Option<&'a ast::Expr>, clause: Clause) -> Result<Vec<Scalar>> {
        let Some(expr) = expr else {
            return Ok(Vec::new());
        };
        let condition = self.in_clause(clause, |binder| binder.expr(expr))?;
        Ok(condition.expr.into_conjuncts())
    }

    fn group_terms(&mut self, list: &'a [ast::Expr]) -> Result<Vec<GroupTerm>> {
        if list.len() > self.context.settings.columns_max {
            return Err(Error::sql("too many terms in GROUP BY clause"));
        }
        let mut terms = Vec::with_capacity(list.len());
        for (place, expr) in list.iter().enumerate() {
            let typed = match self.position(expr, place, "GROUP")? {
                Some((output, collation)) => {
                    let typed = self.scope().outputs[output].clone();
                    self.check_group_output(&typed)?;
                    Typed {
                        collation: collation.or(typed.collation),
                        ..typed
                    }
                }
                None => self.expr(expr)?,
            };
            terms.push(GroupTerm {
                collation: typed.order_collation(),
                expression: typed.expr,
            });
        }
        Ok(terms)
    }

    /// A result column that is grouped by must not aggregate.
    fn check_group_output(&mut self, output: &Typed) -> Result<()> {
        let results = self.scope().results;
        let aggregates = output
            .expr
            .any(&mut |part| matches!(part, Scalar::Column(c) if Some(c.table) == results));
        match aggregates {
            true => Err(Error::sql(
                "aggregate functions are not allowed in the GROUP BY clause",
            )),
            false => Ok(()),
        }
    }

    /// A row of VALUES that aggregates, or has window functions.
    pub(super) fn block_of_values(&mut self, row: Vec<Scalar>, mut scope: Scope) -> Box<Block> {
        scope.outputs = row.into_iter().map(Typed::plain).collect();
        let mut bound = BoundBlock::default();
        self.assemble(&mut bound, Vec::new(), scope, false);
        bound.block
    }

    /// Puts what the scope has gathered into the block.
    fn assemble(&mut self, bound: &mut BoundBlock, terms: Vec<GroupTerm>, scope: Scope, distinct: bool) {
        let block = &mut *bound.block;
        if distinct {
            block.distinct = Some(scope.outputs.iter().map(Typed::order_collation).collect());
        }
        block.projection = Vec::with_capacity(scope.outputs.len());
        block
            .projection
            .extend(scope.outputs.into_iter().map(|typed| typed.expr));
        block.windows = scope.windows;
        if !scope.aggregated && scope.results.is_none() {
            return;
        }
        let keys = self.tables.add_pseudo();
        let results = match scope.results {
            Some(results) => results,
            None => self.tables.add_pseudo(),
        };
        let grouping = Grouping {
            keys,
            terms,
            results,
            calls: scope.aggregates,
        };
        self.refer_to_keys(block, &mut bound.order, &grouping);
        block.grouping = Some(grouping);
    }

    /// Above the grouping, an expression that is grouped by is a column of the keys: it is the same in all rows of a group. One that only
    /// compares as the same ('a' and 'A', 1 and 1.0) is that of the row which min() or max() picks.
    fn refer_to_keys(&self, block: &mut Block, order: &mut [Order], grouping: &Grouping) {
        let picks = grouping.calls.iter().any(AggregateCall::picks_row);
        let replaceable = |term: &GroupTerm| match &term.expression {
            Scalar::Literal(_) => false,
            expression => !picks || self.is_unambiguous(expression, &term.collation),
        };
        if !grouping.terms.iter().any(replaceable) {
            return;
        }
        let mut replace = |scalar: &Scalar| {
            let place = grouping
                .terms
                .iter()
                .position(|term| replaceable(term) && term.expression.same(scalar));
            place.map(|place| Scalar::column(grouping.keys, place))
        };
        block.each_scalar_above_grouping_mut(&mut |scalar| scalar.rewrite(&mut replace));
        for term in order {
            if let OrderTarget::Expression(expression) = &mut term.target {
                expression.rewrite(&mut replace);
            }
        }
    }

    /// Whether values of the expression that are equal under the collation are the same in every bit.
    fn is_unambiguous(&self, expression: &Scalar, collation: &Collation) -> bool {
        let Some(column) = expression.as_column() else {
            return false;
        };
        let affinity = match column.column.index() {
            None => Some(Affinity::Integer),
            Some(_) => self.tables.schema_column(column).map(|column| column.affinity),
        };
        *collation == Collation::Binary && affinity.is_some_and(|affinity| affinity != Affinity::Blob)
    }
}

/// The result columns that AS names. `*` may put several columns where the list has one entry.
fn aliases(list: &[ast::ResultColumn], columns: &[OutputColumn]) -> Vec<Alias> {
    let written = list.iter().filter_map(|result| match result {
        ast::ResultColumn::Expr { alias, .. } => Some(alias),
        _ => None,
    });
    let places = columns.iter().enumerate().filter(|(_, column)| !column.expanded);
    let pairs = written.zip(places);
    let named = pairs.filter_map(|(alias, (output, _))| {
        let name = alias.as_ref()?.text.clone();
        Some(Alias { name, output })
    });
    named.collect()
}
