//! SELECT as a whole: WITH, one block or a compound of them, ORDER BY, LIMIT.

use super::Binder;
use super::order::CompoundMember;
use super::scope::{Clause, Scope};
use crate::error::{Error, Result};
use crate::plan::authorize::AuthAction;
use crate::plan::logical::{Body, Compound, CompoundKind, OutputColumn, Query, Scalar};
use crate::plan::physical::SetOperator;
use crate::syntax::ast::{self, CompoundOp, SelectCore};
use crate::value::Collation;

impl<'a> Binder<'a> {
    /// Binds a SELECT with all that belongs to it.
    pub(super) fn select(&mut self, select: &'a ast::Select) -> Result<Query> {
        self.nested(|binder| {
            binder.selects += 1;
            let subqueries = binder.subqueries;
            let mut query = match &binder.asker {
                None => binder.with_clause(select.with.as_deref(), |binder| binder.select_body(select)),
                Some(_) => binder.asked_statement(select),
            };
            binder.selects -= 1;
            if let Ok(query) = &mut query {
                query.has_subqueries = binder.subqueries != subqueries;
            }
            query
        })
    }

    /// A SELECT about which an authorizer is asked; the one row of an INSERT's VALUES is none.
    #[inline(never)]
    fn asked_statement(&mut self, select: &'a ast::Select) -> Result<Query> {
        let bind = |binder: &mut Self| {
            binder.with_clause(select.with.as_deref(), |binder| binder.select_body(select))
        };
        match &select.first {
            SelectCore::Values(rows) if self.inserts_values && rows.len() == 1 => bind(self),
            _ => self.asked_select(AuthAction::Select, bind),
        }
    }

    fn select_body(&mut self, select: &'a ast::Select) -> Result<Query> {
        let mut query = if select.compounds.is_empty() {
            self.single(select)?
        } else {
            self.compound(select)?
        };
        if let Some(limit) = &select.limit {
            (query.limit, query.offset) = self.limit(limit)?;
        }
        Ok(query)
    }

    fn single(&mut self, select: &'a ast::Select) -> Result<Query> {
        match &select.first {
            SelectCore::Query(core) => {
                let bound = self.block(core, &select.order_by)?;
                let mut query = Query::of(Body::Block(bound.block), bound.columns);
                query.order = bound.order;
                Ok(query)
            }
            SelectCore::Values(rows) => {
                let (body, columns) = self.values(rows)?;
                let mut query = Query::of(body, columns);
                let members = [CompoundMember {
                    written: None,
                    columns: query.columns.clone(),
                }];
                let collations = vec![Collation::Binary; query.width()];
                query.order = self.compound_order(&select.order_by, &members, &collations)?;
                Ok(query)
            }
        }
    }

    /// LIMIT and OFFSET see no columns of the query itself.
    pub(super) fn limit(&mut self, limit: &'a ast::Limit) -> Result<(Option<Scalar>, Option<Scalar>)> {
        if let (true, None) = (limit.limit.is_bare_value(), &limit.offset) {
            return Ok((Some(self.expr(&limit.limit)?.expr), None));
        }
        let (bound, _) = self.in_scope(Scope::new(Clause::Value), |binder| {
            let count = binder.expr(&limit.limit)?.expr;
            let offset = limit
                .offset
                .as_ref()
                .map(|offset| binder.expr(offset))
                .transpose()?;
            Ok((Some(count), offset.map(|offset| offset.expr)))
        })?;
        Ok(bound)
    }

    /// VALUES. One row is a SELECT without FROM and may aggregate; of several, none may, unless one has a window function, which makes a
    /// compound of them all.
    pub(super) fn values(&mut self, rows: &'a [Vec<ast::Expr>]) -> Result<(Body, Vec<OutputColumn>)> {
        let width = rows.first().map_or(0, Vec::len);
        let clause = match std::mem::take(&mut self.inserts_values) && rows.len() == 1 {
            true => Clause::Value,
            false => Clause::Projection,
        };
        let mut bound = Vec::with_capacity(rows.len());
        let mut columns = Vec::with_capacity(width);
        let mut blocks: Vec<(usize, Scope)> = Vec::new();
        for row in rows {
            if row.len() != width {
                return Err(Error::sql("all VALUES must have the same number of terms"));
            }
            let (typed, scope) = self.in_scope(Scope::new(clause), |binder| binder.exprs(row))?;
            if columns.is_empty() {
                let names = (1..=width).map(|number| format!("column{number}").into());
                columns = typed
                    .iter()
                    .zip(names)
                    .map(|(typed, name)| self.output(typed, name))
                    .collect();
            }
            if scope.results.is_some() || !scope.windows.is_empty() {
                blocks.push((bound.len(), scope));
            }
            bound.push(typed.into_iter().map(|typed| typed.expr).collect::<Vec<Scalar>>());
        }
        if blocks.is_empty() {
            return Ok((Body::Values(bound), columns));
        }
        if rows.len() > 1 && blocks.iter().all(|(_, scope)| scope.windows.is_empty()) {
            let last = blocks.last().and_then(|(_, scope)| scope.aggregates.last());
            let name = last.map_or("", |call| &call.function.name);
            return Err(Error::sql(format!("misuse of aggregate: {name}()")));
        }
        let mut blocks = blocks.into_iter().peekable();
        let mut bodies = Vec::with_capacity(bound.len());
        for (place, row) in bound.into_iter().enumerate() {
            bodies.push(match blocks.next_if(|(own, _)| *own == place) {
                Some((_, scope)) => Body::Block(self.block_of_values(row, scope)),
                None => Body::Values(vec![row]),
            });
        }
        let first = bodies.remove(0);
        let rest: Vec<_> = bodies
            .into_iter()
            .map(|body| (CompoundKind::Append, body))
            .collect();
        let body = match rest.is_empty() {
            true => first,
            false => Body::Compound(Box::new(Compound {
                first,
                rest,
                collations: vec![Collation::Binary; width],
            })),
        };
        Ok((body, columns))
    }

    /// A member of a compound.
    pub(super) fn member(&mut self, core: &'a SelectCore) -> Result<(Body, CompoundMember<'a>)> {
        match core {
            SelectCore::Query(core) => {
                let bound = self.block(core, &[])?;
                let member = CompoundMember {
                    written: Some(&core.columns),
                    columns: bound.columns,
                };
                Ok((Body::Block(bound.block), member))
            }
            SelectCore::Values(rows) => {
                let (body, columns) = self.values(rows)?;
                Ok((
                    body,
                    CompoundMember {
                        written: None,
                        columns,
                    },
                ))
            }
        }
    }

    fn compound(&mut self, select: &'a ast::Select) -> Result<Query> {
        let most = self.context.settings.compound_max;
        if most > 0 && select.compounds.len() >= most {
            return Err(Error::sql("too many terms in compound SELECT"));
        }
        let (body, members) = self.members(&select.first, &select.compounds)?;
        self.finish_compound(body, members, &select.order_by)
    }

    /// The members of a compound, combined from left to right.
    pub(super) fn members(
        &mut self,
        first: &'a SelectCore,
        compounds: &'a [ast::Compound],
    ) -> Result<(Body, Vec<CompoundMember<'a>>)> {
        let (first, member) = self.member(first)?;
        let mut members = Vec::with_capacity(1 + compounds.len());
        members.push(member);
        let mut rest = Vec::with_capacity(compounds.len());
        for compound in compounds {
            let (body, member) = self.member(&compound.core)?;
            check_width(&members[0], &member, compound)?;
            rest.push((compound_kind(compound.op), body));
            members.push(member);
        }
        let body = match rest.is_empty() {
            true => first,
            false => Body::Compound(Box::new(Compound {
                first,
                rest,
                collations: collations(&members),
            })),
        };
        Ok((body, members))
    }

    /// Order and result columns of a compound.
    ///
    /// An ORDER BY that names a collation orders a compound that compares rows as it would order a subquery: its columns have the collations
    /// of the first member, and of no other.
    pub(super) fn finish_compound(
        &mut self,
        mut body: Body,
        mut members: Vec<CompoundMember<'a>>,
        order_by: &'a [ast::OrderingTerm],
    ) -> Result<Query> {
        let mut ordered_apart = false;
        if let Body::Compound(compound) = &mut body {
            let compares = |(kind, _): &(CompoundKind, Body)| *kind != CompoundKind::Append;
            let last = compound.rest.iter().rposition(compares);
            ordered_apart = last.is_some() && order_by.iter().any(names_collation);
            if order_by.is_empty() || ordered_apart {
                // Rows that are only appended say nothing of how those before them compare.
                compound.collations = collations(&members[..last.map_or(1, |last| last + 2)]);
            }
        }
        let collations = collations(&members);
        let order = match ordered_apart {
            false => self.compound_order(order_by, &members, &collations)?,
            true => self.compound_order(order_by, &members, &self::collations(&members[..1]))?,
        };
        let columns = members.swap_remove(0).columns;
        let mut query = Query::of(body, columns);
        query.order = order;
        Ok(query)
    }
}

fn names_collation(term: &ast::OrderingTerm) -> bool {
    matches!(term.expr.kind, ast::ExprKind::Collate { .. })
}

/// Fails when a member has not as many columns as the first.
pub(super) fn check_width(
    first: &CompoundMember<'_>,
    member: &CompoundMember<'_>,
    compound: &ast::Compound,
) -> Result<()> {
    if first.columns.len() == member.columns.len() {
        return Ok(());
    }
    if first.written.is_none() && member.written.is_none() && compound.op == CompoundOp::UnionAll {
        return Err(Error::sql("all VALUES must have the same number of terms"));
    }
    let message = format!(
        "SELECTs to the left and right of {} do not have the same number of result columns",
        compound.op.as_str()
    );
    Err(Error::sql_at(message, compound.op_span.start as usize))
}

/// The collation of each column: that of the leftmost member that has one.
pub(super) fn collations(members: &[CompoundMember<'_>]) -> Vec<Collation> {
    let width = members.first().map_or(0, |member| member.columns.len());
    let of = |column: usize| {
        members
            .iter()
            .find_map(|member| member.columns[column].collation.clone())
    };
    (0..width).map(|column| of(column).unwrap_or_default()).collect()
}

fn compound_kind(op: CompoundOp) -> CompoundKind {
    match op {
        CompoundOp::Union => CompoundKind::Union,
        CompoundOp::UnionAll => CompoundKind::Append,
        CompoundOp::Intersect => CompoundKind::Set(SetOperator::Intersect),
        CompoundOp::Except => CompoundKind::Set(SetOperator::Except),
    }
}
