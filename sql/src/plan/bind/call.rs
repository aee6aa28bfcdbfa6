//! Calls of functions: scalar, special, aggregate. (Window functions are in [`window`](super::window).)

use std::sync::Arc;

use super::Binder;
use super::scope::{Clause, misuse_aggregate};
use super::typed::{Kind, Typed, exact_rule};
use crate::error::{Error, Result};
use crate::functions::{Function, FunctionKind, SpecialFunction};
use crate::plan::logical::{AggregateCall, Branch, OrderKey, Scalar, TableId};
use crate::syntax::ast::{self, Arguments, Span};
use crate::value::{Affinity, Collation, Value};

impl<'a> Binder<'a> {
    /// The function that `name(..)` with `count` arguments calls.
    pub(super) fn find_function(&self, name: &ast::Ident, count: usize, span: Span) -> Result<Arc<Function>> {
        match self.context.functions.find(name.as_str(), count) {
            Ok(function) => Ok(Arc::new(function.clone())),
            Err(error) => Err(Error::sql_at(error.to_string(), span.start as usize)),
        }
    }

    /// CURRENT_TIME and its kin.
    pub(super) fn clock(&mut self, name: &str, span: Span) -> Result<Typed> {
        let function = self.find_function(&ast::Ident::new(name), 0, span)?;
        if self.asker.is_some() && !self.ask_to_call(&function, name, span)? {
            return Ok(Typed::plain(Scalar::NULL));
        }
        self.check_deterministic(&function, span)?;
        let call = Scalar::Call {
            function,
            arguments: Box::default(),
            collation: Collation::Binary,
        };
        Ok(Typed::plain(call))
    }

    #[inline(never)]
    pub(super) fn call(&mut self, call: &'a ast::FunctionCall, span: Span) -> Result<Typed> {
        let bound = self.function_call(call, span);
        self.soft = bound.is_err();
        bound
    }

    fn function_call(&mut self, call: &'a ast::FunctionCall, span: Span) -> Result<Typed> {
        let arguments: &'a [ast::Expr] = match &call.arguments {
            Arguments::Star => &[],
            Arguments::List(list) => list,
        };
        let found = self
            .find_function(&call.name, arguments.len(), span)
            .and_then(|function| {
                if call.arguments == Arguments::Star && !accepts_star(&function) {
                    return Err(Error::sql_at(
                        format!("wrong number of arguments to function {}()", call.name),
                        span.start as usize,
                    ));
                }
                Ok(function)
            });
        let function = match found {
            Ok(function) => function,
            // A definition may use functions that another connection has; what its arguments name can be told.
            Err(_) if self.uses.is_some() => {
                self.exprs(arguments)?;
                return Ok(Typed::plain(Scalar::NULL));
            }
            Err(error) => return Err(self.read_on(error, arguments)),
        };
        if self.asker.is_some() && !self.ask_to_call(&function, call.name.as_str(), span)? {
            return Ok(Typed::plain(Scalar::NULL));
        }
        let over_allowed = matches!(
            function.kind,
            FunctionKind::Aggregate(_) | FunctionKind::Window(_)
        );
        if call.over.is_some() {
            if !over_allowed {
                let message = format!("{}() may not be used as a window function", call.name);
                return Err(Error::sql_at(message, span.start as usize));
            }
            return self.window_call(call, function, arguments);
        }
        match &function.kind {
            FunctionKind::Window(_) => Err(Error::sql_at(
                format!("misuse of window function {}()", call.name),
                span.start as usize,
            )),
            FunctionKind::Aggregate(_) => self.aggregate_call(call, function, arguments, span),
            _ => {
                if call.filter.is_some() {
                    let message = format!("FILTER may not be used with non-aggregate {}()", call.name);
                    return Err(Error::sql_at(message, span.start as usize));
                }
                if !call.order_by.is_empty() {
                    let message = format!("ORDER BY may not be used with non-aggregate {}()", call.name);
                    return Err(Error::sql_at(message, span.start as usize));
                }
                self.scalar_call(function, arguments, span)
            }
        }
    }

    /// After a call that is wrong SQLite reads on through names and calls, and tells of the last error.
    pub(super) fn read_on(
        &mut self,
        mut error: Error,
        rest: impl IntoIterator<Item = &'a ast::Expr>,
    ) -> Error {
        for expr in rest {
            let reads = matches!(
                expr.kind,
                ast::ExprKind::Name(_) | ast::ExprKind::Qualified(_) | ast::ExprKind::Call(_)
            );
            if !reads {
                self.soft = false;
                return error;
            }
            self.soft = false;
            if let Err(later) = self.expr(expr) {
                error = later;
                if !self.soft {
                    return error;
                }
            }
        }
        self.soft = true;
        error
    }

    fn scalar_call(
        &mut self,
        function: Arc<Function>,
        arguments: &'a [ast::Expr],
        span: Span,
    ) -> Result<Typed> {
        self.check_deterministic(&function, span)?;
        let mut arguments = self.exprs(arguments)?;
        let count = arguments.len();
        let overload = match arguments.first_mut() {
            Some(first) => self.overloaded(&mut first.expr, &function.name, count),
            None => None,
        };
        let function = overload.unwrap_or(function);
        let kind = Kind::inherited(&arguments);
        if let FunctionKind::Special(special) = function.kind {
            return self.special_call(special, function, arguments, kind, span);
        }
        let collation = if function.flags.uses_collation {
            function_collation(&arguments)
        } else {
            Collation::Binary
        };
        let arguments = self.arguments_of(&function, arguments);
        Ok(kind.of(Scalar::Call {
            function,
            arguments: arguments.into(),
            collation,
        }))
    }

    /// Arguments as the function gets them. What a query computes is text and nothing else outside of it, also where it was JSON inside; only
    /// what looks at the difference needs to be told.
    pub(super) fn arguments_of(&self, function: &Function, arguments: Vec<Typed>) -> Vec<Scalar> {
        let mut arguments: Vec<Scalar> = arguments.into_iter().map(|argument| argument.expr).collect();
        if function.flags.reads_json {
            let mut pending: Vec<&mut Scalar> = arguments.iter_mut().collect();
            while let Some(scalar) = pending.pop() {
                match scalar {
                    Scalar::Query { query, column } => {
                        if query
                            .columns
                            .get(*column)
                            .is_some_and(|column| column.origin.is_none())
                        {
                            make_plain_text(scalar);
                        }
                    }
                    Scalar::Column(column) => {
                        let table = self.tables.get(column.table);
                        if column
                            .column
                            .index()
                            .is_some_and(|index| table.is_computed(index))
                        {
                            make_plain_text(scalar);
                        }
                    }
                    Scalar::ApplyAffinity { .. } => {}
                    other => other.children_mut(&mut |child| pending.push(child)),
                }
            }
        }
        arguments
    }

    /// What a virtual table makes of a function whose argument is one of its columns. The argument then stands for the row's handle: it is numbered
    /// after all columns, in their order.
    pub(super) fn overloaded(
        &self,
        argument: &mut Scalar,
        name: &str,
        count: usize,
    ) -> Option<Arc<Function>> {
        let column = argument.as_column()?;
        let table = self.tables.get(column.table).base()?;
        let code = table.virtual_table.as_ref()?;
        let overload = code.find_function(name, count)?;
        // The rowid stays what it is: the function sees an integer, which is no handle.
        if let Some(index) = column.column.index() {
            *argument = Scalar::column(column.table, table.columns.len() + index);
        }
        Some(overload.function)
    }

    /// Functions that change from call to call may not stand in the schema.
    fn check_deterministic(&self, function: &Function, span: Span) -> Result<()> {
        if function.flags.deterministic || function.flags.constant_in_statement && function.builtin {
            return Ok(());
        }
        match self.clause() {
            Clause::Check => Ok(()),
            _ => self.check_prohibited("non-deterministic functions", span),
        }
    }

    fn special_call(
        &mut self,
        special: SpecialFunction,
        function: Arc<Function>,
        mut arguments: Vec<Typed>,
        kind: Kind,
        span: Span,
    ) -> Result<Typed> {
        Ok(match special {
            SpecialFunction::Coalesce | SpecialFunction::IfNull => kind.of(Scalar::Coalesce(
                arguments.into_iter().map(|argument| argument.expr).collect(),
            )),
            SpecialFunction::Iif => kind.of(conditional(arguments)),
            SpecialFunction::Likelihood if !is_probability(&arguments) => {
                return Err(Error::sql_at(
                    "second argument to likelihood() must be a constant between 0.0 and 1.0",
                    span.start as usize,
                ));
            }
            SpecialFunction::Likely | SpecialFunction::Unlikely | SpecialFunction::Likelihood => {
                arguments.truncate(1);
                kind.of(arguments.pop().map_or(Scalar::NULL, |argument| argument.expr))
            }
            _ => {
                let arguments = arguments.into_iter().map(|argument| argument.expr).collect();
                kind.of(Scalar::Call {
                    function,
                    arguments,
                    collation: Collation::Binary,
                })
            }
        })
    }

    /// An aggregate: it belongs to the innermost SELECT whose tables its arguments name.
    fn aggregate_call(
        &mut self,
        call: &'a ast::FunctionCall,
        function: Arc<Function>,
        arguments: &'a [ast::Expr],
        span: Span,
    ) -> Result<Typed> {
        self.check_aggregate_allowed(&call.name)?;
        let with_separator = arguments.len() == 2 && !call.order_by.is_empty();
        if call.distinct && arguments.len() != 1 && !with_separator {
            return Err(Error::sql_at(
                "DISTINCT aggregates must have exactly one argument",
                span.start as usize,
            ));
        }
        let (arguments, filter, order) = self.in_clause(Clause::AggregateArgument, |binder| {
            let arguments = binder.exprs(arguments)?;
            let filter = call
                .filter
                .as_ref()
                .map(|filter| binder.expr(filter))
                .transpose()?;
            let order = binder.order_keys(&call.order_by)?;
            Ok((arguments, filter, order))
        })?;
        let kind = Kind::inherited(&arguments);
        let collation = function_collation(&arguments);
        let aggregate = AggregateCall {
            arguments: self.arguments_of(&function, arguments),
            function,
            distinct: call.distinct,
            filter: filter.map(|filter| filter.expr),
            order,
            collation,
        };
        let owner = self.aggregate_owner(&aggregate);
        Ok(kind.of(self.add_aggregate(owner, aggregate, &call.name)?))
    }

    /// The level of the scope that an aggregate belongs to.
    fn aggregate_owner(&self, aggregate: &AggregateCall) -> usize {
        let innermost = self.scopes.len() - 1;
        let mut tables: Vec<TableId> = Vec::new();
        aggregate.each_scalar(&mut |scalar| scalar.each_column(&mut |column| tables.push(column.table)));
        if tables.is_empty() {
            return innermost;
        }
        let visible = self.scopes.iter().rposition(|scope| scope.barrier).unwrap_or(0);
        let owns = |&level: &usize| tables.iter().any(|&table| self.scopes[level].owns(table));
        (visible..=innermost).rev().find(owns).unwrap_or(innermost)
    }

    fn add_aggregate(&mut self, level: usize, call: AggregateCall, name: &ast::Ident) -> Result<Scalar> {
        if level + 1 < self.scopes.len() && !self.scopes[level].clause.lets_inner_aggregates_out() {
            return Err(misuse_aggregate(name));
        }
        let results = match self.scopes[level].results {
            Some(results) => results,
            None => self.tables.add_pseudo(),
        };
        let scope = &mut self.scopes[level];
        scope.results = Some(results);
        let known = scope
            .aggregates
            .iter()
            .position(|known| same_aggregate(known, &call));
        let number = known.unwrap_or_else(|| {
            scope.aggregates.push(call);
            scope.aggregates.len() - 1
        });
        Ok(Scalar::column(results, number))
    }

    /// ORDER BY among the arguments of an aggregate, or of a window.
    pub(super) fn order_keys(&mut self, terms: &'a [ast::OrderingTerm]) -> Result<Vec<OrderKey>> {
        terms
            .iter()
            .map(|term| {
                let expression = self.expr(&term.expr)?;
                Ok(OrderKey {
                    collation: expression.order_collation(),
                    expression: expression.expr,
                    descending: term.descending(),
                    nulls_first: super::order::nulls_first(term),
                })
            })
            .collect()
    }
}

/// Takes the mark away that a text is JSON.
fn make_plain_text(scalar: &mut Scalar) {
    let operand = Box::new(std::mem::replace(scalar, Scalar::NULL));
    *scalar = Scalar::ApplyAffinity {
        operand,
        affinity: Affinity::Blob,
    };
}

/// Only count(*), and functions without arguments, take `*`.
fn accepts_star(function: &Function) -> bool {
    function.arity.accepts(0)
}

/// The collation of a function that compares its arguments: the first that has one.
pub(super) fn function_collation(arguments: &[Typed]) -> Collation {
    arguments
        .iter()
        .find_map(|argument| argument.collation.clone())
        .unwrap_or_default()
}

fn same_aggregate(a: &AggregateCall, b: &AggregateCall) -> bool {
    let same_filter = match (&a.filter, &b.filter) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    };
    same_filter
        && a.order.is_empty()
        && b.order.is_empty()
        && a.distinct == b.distinct
        && a.collation == b.collation
        && crate::plan::logical::same_function(&a.function, &b.function)
        && a.arguments.len() == b.arguments.len()
        && a.arguments.iter().zip(&b.arguments).all(|(a, b)| a.same(b))
}

/// `iif(a, x, b, y, .., z)`: CASE WHEN a THEN x WHEN b THEN y .. ELSE z.
fn conditional(arguments: Vec<Typed>) -> Scalar {
    let mut arguments = arguments.into_iter().map(|argument| argument.expr);
    let mut branches = Vec::new();
    let mut otherwise = None;
    while let Some(when) = arguments.next() {
        match arguments.next() {
            Some(then) => branches.push(Branch {
                when,
                rule: exact_rule(),
                then,
            }),
            None => otherwise = Some(Box::new(when)),
        }
    }
    Scalar::Case {
        operand: None,
        branches,
        otherwise,
    }
}

fn is_probability(arguments: &[Typed]) -> bool {
    match arguments.get(1).and_then(|argument| argument.expr.as_literal()) {
        Some(Value::Real(p)) => (0.0..=1.0).contains(p),
        _ => false,
    }
}
