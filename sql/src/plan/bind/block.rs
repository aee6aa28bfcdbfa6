//! One SELECT: its clauses in the order in which names become known.
//!
//! FROM first, then the result columns, because the other clauses may name them by alias; whether the block aggregates is known only
//! when its result columns are bound.

use super::Binder;
use super::scope::{Alias, Clause, Scope, ScopeSource};
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::plan::logical::{
    AggregateCall, Block, From, GroupTerm, Grouping, Order, OrderTarget, OutputColumn, Scalar,
};
use crate::syntax::ast;
use crate::value::{Affinity, Collation};

/// A block with its result columns and its order.
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
        let mut bound = Clauses::default();
        let bound = match &query.from {
            Some(from) => {
                let clauses = |binder: &mut Self| binder.clauses(query, order_by, &mut bound);
                let (from, ((), scope)) = self.bind_from_clause(from, clauses)?;
                if self.asker.is_some() {
                    let inner = |source: &ScopeSource| match source.inner.is_empty() {
                        true => vec![source.table],
                        false => source.inner.to_vec(),
                    };
                    self.ask_of_unread(scope.sources.iter().flat_map(inner))?;
                }
                self.assemble(Some(from), bound, scope, query.distinct)
            }
            None => {
                let scope = Scope::new(Clause::From);
                let clauses = |binder: &mut Self| binder.clauses(query, order_by, &mut bound);
                let ((), scope) = self.in_scope(scope, clauses)?;
                self.assemble(None, bound, scope, query.distinct)
            }
        };
        self.written.pop();
        self.named_windows.pop();
        Ok(bound)
    }

    /// Everything but FROM comes into `out`.
    fn clauses(
        &mut self,
        query: &'a ast::Query,
        order_by: &'a [ast::OrderingTerm],
        out: &mut Clauses,
    ) -> Result<()> {
        let (outputs, columns) =
            self.in_clause(Clause::Projection, |binder| binder.result_columns(&query.columns))?;
        out.columns = columns;
        let columns = &out.columns;
        let scope = self.scope();
        scope.aliases = aliases(&query.columns, columns);
        scope.aggregated = !query.group_by.is_empty() || !scope.aggregates.is_empty();
        scope.outputs = outputs;
        if let Some(having) = &query.having
            && !self.scope().aggregated
        {
            return Err(Error::sql_at(
                "HAVING clause on a non-aggregate query",
                having.span.start as usize,
            ));
        }
        out.filter = self.condition(query.selection.as_ref(), Clause::Where)?;
        out.terms = self.in_clause(Clause::GroupBy, |binder| binder.group_terms(&query.group_by))?;
        out.having = self.condition(query.having.as_ref(), Clause::Having)?;
        out.order = self.in_clause(Clause::OrderBy, |binder| binder.order_terms(order_by, columns))?;
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
        self.assemble(None, Clauses::default(), scope, false).block
    }

    fn assemble(&mut self, from: Option<From>, bound: Clauses, scope: Scope, distinct: bool) -> BoundBlock {
        let distinct = distinct.then(|| scope.outputs.iter().map(Typed::order_collation).collect());
        let mut projection = Vec::with_capacity(scope.outputs.len());
        projection.extend(scope.outputs.into_iter().map(|typed| typed.expr));
        let mut block = Box::new(Block {
            from,
            filter: bound.filter,
            semis: Vec::new(),
            grouping: None,
            having: bound.having,
            windows: scope.windows,
            projection,
            distinct,
        });
        let mut order = bound.order;
        if scope.aggregated || scope.results.is_some() {
            let keys = self.tables.add_pseudo();
            let results = match scope.results {
                Some(results) => results,
                None => self.tables.add_pseudo(),
            };
            let grouping = Grouping {
                keys,
                terms: bound.terms,
                results,
                calls: scope.aggregates,
            };
            self.refer_to_keys(&mut block, &mut order, &grouping);
            block.grouping = Some(grouping);
        }
        BoundBlock {
            block,
            columns: bound.columns,
            order,
        }
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

/// What the clauses of a block are bound to.
#[derive(Default)]
struct Clauses {
    columns: Vec<OutputColumn>,
    filter: Vec<Scalar>,
    terms: Vec<GroupTerm>,
    having: Vec<Scalar>,
    order: Vec<Order>,
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
