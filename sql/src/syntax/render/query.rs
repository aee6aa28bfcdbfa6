//! Queries: cores, joins, windows and the clauses around them.

use super::Writer;
use crate::syntax::ast::{
    Cte, Direction, Frame, FrameBound, FrameExclude, FrameUnit, FromClause, Ident, Indexed, Join,
    JoinConstraint, JoinKind, Limit, NamedWindow, Nulls, OrderingTerm, Query, ResultColumn, Select,
    SelectCore, TableRef, WindowDefinition, With,
};

impl Writer<'_> {
    pub(super) fn select(&mut self, select: &Select) {
        self.with(select.with.as_deref());
        self.core(&select.first);
        for compound in &select.compounds {
            self.put(" ");
            self.put(compound.op.as_str());
            self.put(" ");
            self.core(&compound.core);
        }
        self.order_and_limit(&select.order_by, select.limit.as_deref());
    }

    /// `WITH ..` and a blank, or nothing.
    pub(super) fn with(&mut self, with: Option<&With>) {
        let Some(with) = with else { return };
        self.put(if with.recursive {
            "WITH RECURSIVE "
        } else {
            "WITH "
        });
        self.list(&with.ctes, Self::cte);
        self.put(" ");
    }

    fn cte(&mut self, cte: &Cte) {
        self.ident(&cte.name);
        self.ident_list(&cte.columns);
        self.put(match cte.materialized {
            None => " AS (",
            Some(true) => " AS MATERIALIZED (",
            Some(false) => " AS NOT MATERIALIZED (",
        });
        self.select(&cte.select);
        self.put(")");
    }

    fn core(&mut self, core: &SelectCore) {
        match core {
            SelectCore::Query(query) => self.query(query),
            SelectCore::Values(rows) => {
                self.put("VALUES ");
                self.list(rows, |writer, row| {
                    writer.put("(");
                    writer.exprs(row);
                    writer.put(")");
                });
            }
        }
    }

    fn query(&mut self, query: &Query) {
        self.put(if query.distinct {
            "SELECT DISTINCT "
        } else {
            "SELECT "
        });
        self.list(&query.columns, Self::result_column);
        self.optional(" FROM ", query.from.as_ref(), Self::joined_tables);
        self.optional(" WHERE ", query.selection.as_ref(), Self::expr);
        if !query.group_by.is_empty() {
            self.put(" GROUP BY ");
            self.exprs(&query.group_by);
        }
        self.optional(" HAVING ", query.having.as_ref(), Self::expr);
        if !query.windows.is_empty() {
            self.put(" WINDOW ");
            self.list(&query.windows, Self::named_window);
        }
    }

    fn named_window(&mut self, window: &NamedWindow) {
        self.ident(&window.name);
        self.put(" AS ");
        self.window(&window.window);
    }

    fn result_column(&mut self, column: &ResultColumn) {
        match column {
            ResultColumn::Star(_) => self.put("*"),
            ResultColumn::TableStar { table, .. } => {
                self.ident(table);
                self.put(".*");
            }
            ResultColumn::Expr { expr, alias, .. } => {
                self.expr(expr);
                self.alias(alias.as_ref());
            }
        }
    }

    fn alias(&mut self, alias: Option<&Ident>) {
        self.optional(" AS ", alias, Self::ident);
    }

    /// ` RETURNING ..` or nothing.
    pub(super) fn returning(&mut self, columns: &[ResultColumn]) {
        if !columns.is_empty() {
            self.put(" RETURNING ");
            self.list(columns, Self::result_column);
        }
    }

    pub(super) fn joined_tables(&mut self, from: &FromClause) {
        self.table_ref(&from.first);
        for join in &from.joins {
            self.join(join);
        }
    }

    fn join(&mut self, join: &Join) {
        if join.op.kind == JoinKind::Comma {
            self.put(", ");
        } else {
            self.put_if(join.op.natural, " NATURAL");
            self.put(match join.op.kind {
                JoinKind::Cross => " CROSS JOIN ",
                JoinKind::Left => " LEFT JOIN ",
                JoinKind::Right => " RIGHT JOIN ",
                JoinKind::Full => " FULL JOIN ",
                JoinKind::Comma | JoinKind::Inner => {
                    if join.op.natural {
                        " INNER JOIN "
                    } else {
                        " JOIN "
                    }
                }
            });
        }
        self.table_ref(&join.table);
        match &join.constraint {
            None => {}
            Some(JoinConstraint::On(condition)) => {
                self.put(" ON ");
                self.expr(condition);
            }
            Some(JoinConstraint::Using(columns)) => {
                self.put(" USING ");
                self.ident_list(columns);
            }
        }
    }

    fn table_ref(&mut self, table: &TableRef) {
        match table {
            TableRef::Table { name, alias, indexed } => {
                self.object_name(name);
                self.alias(alias.as_ref());
                self.indexed(indexed.as_ref());
            }
            TableRef::Function {
                name,
                arguments,
                alias,
            } => {
                self.object_name(name);
                self.put("(");
                self.exprs(arguments);
                self.put(")");
                self.alias(alias.as_ref());
            }
            TableRef::Subquery { select, alias } => {
                self.put("(");
                self.select(select);
                self.put(")");
                self.alias(alias.as_ref());
            }
            TableRef::Parenthesized { from, alias } => {
                self.put("(");
                self.joined_tables(from);
                self.put(")");
                self.alias(alias.as_ref());
            }
        }
    }

    pub(super) fn indexed(&mut self, indexed: Option<&Indexed>) {
        match indexed {
            None => {}
            Some(Indexed::Not) => self.put(" NOT INDEXED"),
            Some(Indexed::By(index)) => {
                self.put(" INDEXED BY ");
                self.ident(index);
            }
        }
    }

    pub(super) fn order_and_limit(&mut self, order_by: &[OrderingTerm], limit: Option<&Limit>) {
        if !order_by.is_empty() {
            self.put(" ORDER BY ");
            self.ordering_terms(order_by);
        }
        if let Some(limit) = limit {
            self.put(" LIMIT ");
            self.expr(&limit.limit);
            self.optional(" OFFSET ", limit.offset.as_ref(), Self::expr);
        }
    }

    pub(super) fn ordering_terms(&mut self, terms: &[OrderingTerm]) {
        self.list(terms, |writer, term| {
            writer.expr(&term.expr);
            writer.direction(term.direction);
            writer.put(match term.nulls {
                None => "",
                Some(Nulls::First) => " NULLS FIRST",
                Some(Nulls::Last) => " NULLS LAST",
            });
        });
    }

    pub(super) fn direction(&mut self, direction: Option<Direction>) {
        self.put(match direction {
            None => "",
            Some(Direction::Ascending) => " ASC",
            Some(Direction::Descending) => " DESC",
        });
    }

    /// A window definition in its parentheses.
    pub(super) fn window(&mut self, window: &WindowDefinition) {
        self.put("(");
        let start = self.text.len();
        self.optional("", window.base.as_ref(), Self::ident);
        if !window.partition_by.is_empty() {
            self.put_if(self.text.len() > start, " ");
            self.put("PARTITION BY ");
            self.exprs(&window.partition_by);
        }
        if !window.order_by.is_empty() {
            self.put_if(self.text.len() > start, " ");
            self.put("ORDER BY ");
            self.ordering_terms(&window.order_by);
        }
        if let Some(frame) = &window.frame {
            self.put_if(self.text.len() > start, " ");
            self.frame(frame);
        }
        self.put(")");
    }

    fn frame(&mut self, frame: &Frame) {
        self.put(match frame.unit {
            FrameUnit::Rows => "ROWS ",
            FrameUnit::Range => "RANGE ",
            FrameUnit::Groups => "GROUPS ",
        });
        self.put_if(frame.end.is_some(), "BETWEEN ");
        self.bound(&frame.start);
        self.optional(" AND ", frame.end.as_ref(), Self::bound);
        self.put(match frame.exclude {
            None => "",
            Some(FrameExclude::NoOthers) => " EXCLUDE NO OTHERS",
            Some(FrameExclude::CurrentRow) => " EXCLUDE CURRENT ROW",
            Some(FrameExclude::Group) => " EXCLUDE GROUP",
            Some(FrameExclude::Ties) => " EXCLUDE TIES",
        });
    }

    fn bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.put("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.put("UNBOUNDED FOLLOWING"),
            FrameBound::CurrentRow => self.put("CURRENT ROW"),
            FrameBound::Preceding(distance) => {
                self.expr(distance);
                self.put(" PRECEDING");
            }
            FrameBound::Following(distance) => {
                self.expr(distance);
                self.put(" FOLLOWING");
            }
        }
    }
}
