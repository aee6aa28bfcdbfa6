//! Window functions: their windows, named ones too, and frames.

use std::sync::Arc;

use super::Binder;
use super::call::function_collation;
use super::scope::Clause;
use super::typed::{Kind, Typed};
use crate::error::{Error, Result};
use crate::functions::{Function, FunctionKind, WindowFunction};
use crate::plan::logical::{Frame, FrameBound, GroupTerm, OrderKey, Scalar, WindowCall, WindowGroup};
use crate::plan::physical::{FrameExclude, FrameUnit};
use crate::syntax::ast;
use crate::value::Value;

/// A window, bound.
struct BoundWindow {
    partition: Vec<GroupTerm>,
    order: Vec<OrderKey>,
    frame: Option<Frame>,
}

impl<'a> Binder<'a> {
    /// A call with OVER.
    #[inline(never)]
    pub(super) fn window_call(
        &mut self,
        call: &'a ast::FunctionCall,
        function: Arc<Function>,
        arguments: &'a [ast::Expr],
    ) -> Result<Typed> {
        self.check_window_allowed(&call.name)?;
        let at = call.name.span().start as usize;
        if call.distinct {
            return Err(Error::sql_at(
                "DISTINCT is not supported for window functions",
                at,
            ));
        }
        let is_aggregate = matches!(function.kind, FunctionKind::Aggregate(_));
        if call.filter.is_some() && !is_aggregate {
            return Err(Error::sql_at(
                "FILTER clause may only be used with aggregate window functions",
                at,
            ));
        }
        let (arguments, filter, window) = self.in_clause(Clause::WindowArgument, |binder| {
            let arguments = binder.exprs(arguments)?;
            let filter = call
                .filter
                .as_ref()
                .map(|filter| binder.expr(filter))
                .transpose()?;
            let window = match &call.over {
                Some(ast::Over::Name(name)) => binder.named_window(name)?,
                Some(ast::Over::Definition(definition)) => binder.window(definition, 0)?,
                None => BoundWindow {
                    partition: Vec::new(),
                    order: Vec::new(),
                    frame: None,
                },
            };
            Ok((arguments, filter, window))
        })?;
        let kind = Kind::inherited(&arguments);
        let collation = function_collation(&arguments);
        let frame = effective_frame(&function, window.frame);
        let call = WindowCall {
            arguments: self.arguments_of(&function, arguments),
            function,
            filter: filter.map(|filter| filter.expr),
            frame,
            collation,
        };
        Ok(kind.of(self.add_window_call(window.partition, window.order, call)))
    }

    /// Puts the call with others over the same partition and order.
    fn add_window_call(
        &mut self,
        partition: Vec<GroupTerm>,
        order: Vec<OrderKey>,
        call: WindowCall,
    ) -> Scalar {
        let scope = self.scope();
        let known = scope
            .windows
            .iter()
            .position(|group| same_window(group, &partition, &order));
        let number = match known {
            Some(number) => number,
            None => {
                let results = self.tables.add_pseudo();
                let scope = self.scope();
                scope.windows.push(WindowGroup {
                    results,
                    partition,
                    order,
                    calls: Vec::new(),
                });
                scope.windows.len() - 1
            }
        };
        let group = &mut self.scope().windows[number];
        group.calls.push(call);
        Scalar::column(group.results, group.calls.len() - 1)
    }

    fn named_window(&mut self, name: &ast::Ident) -> Result<BoundWindow> {
        let definition = self.find_window(name)?;
        self.window(definition, 0)
    }

    fn find_window(&self, name: &ast::Ident) -> Result<&'a ast::WindowDefinition> {
        let windows = self.named_windows.last().copied().unwrap_or_default();
        let found = windows.iter().find(|window| window.name.is(&name.text));
        found
            .map(|window| &window.window)
            .ok_or_else(|| Error::sql_at(format!("no such window: {name}"), name.span().start as usize))
    }

    fn window(&mut self, definition: &'a ast::WindowDefinition, depth: usize) -> Result<BoundWindow> {
        let base = match &definition.base {
            Some(name) if depth > 16 => return Err(Error::sql(format!("no such window: {name}"))),
            Some(name) => Some((name, self.find_window(name)?)),
            None => None,
        };
        let mut window = match base {
            Some((name, base)) => {
                let base = self.window(base, depth + 1)?;
                check_override(name, &base, definition)?;
                base
            }
            None => BoundWindow {
                partition: Vec::new(),
                order: Vec::new(),
                frame: None,
            },
        };
        if !definition.partition_by.is_empty() {
            window.partition = self
                .exprs(&definition.partition_by)?
                .into_iter()
                .map(group_term)
                .collect();
        }
        if !definition.order_by.is_empty() {
            window.order = self.order_keys(&definition.order_by)?;
        }
        if let Some(frame) = &definition.frame {
            window.frame = Some(self.frame(frame, window.order.len())?);
        }
        Ok(window)
    }

    fn frame(&mut self, frame: &'a ast::Frame, order_terms: usize) -> Result<Frame> {
        let unit = match frame.unit {
            ast::FrameUnit::Rows => FrameUnit::Rows,
            ast::FrameUnit::Range => FrameUnit::Range,
            ast::FrameUnit::Groups => FrameUnit::Groups,
        };
        let start = self.frame_bound(&frame.start, unit, "starting")?;
        let end = match &frame.end {
            Some(end) => self.frame_bound(end, unit, "ending")?,
            None => FrameBound::CurrentRow,
        };
        if bound_rank(&start) > bound_rank(&end)
            || matches!(start, FrameBound::UnboundedFollowing)
            || matches!(end, FrameBound::UnboundedPreceding)
        {
            return Err(Error::sql("unsupported frame specification"));
        }
        let counts = start.offset().is_some() || end.offset().is_some();
        if unit == FrameUnit::Range && counts && order_terms != 1 {
            return Err(Error::sql(
                "RANGE with offset PRECEDING/FOLLOWING requires one ORDER BY expression",
            ));
        }
        let exclude = match frame.exclude {
            None | Some(ast::FrameExclude::NoOthers) => FrameExclude::NoOthers,
            Some(ast::FrameExclude::CurrentRow) => FrameExclude::CurrentRow,
            Some(ast::FrameExclude::Group) => FrameExclude::Group,
            Some(ast::FrameExclude::Ties) => FrameExclude::Ties,
        };
        Ok(Frame {
            unit,
            start,
            end,
            exclude,
        })
    }

    fn frame_bound(
        &mut self,
        bound: &'a ast::FrameBound,
        unit: FrameUnit,
        which: &str,
    ) -> Result<FrameBound> {
        Ok(match bound {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            ast::FrameBound::Preceding(n) => FrameBound::Preceding(self.frame_offset(n, unit, which)?),
            ast::FrameBound::Following(n) => FrameBound::Following(self.frame_offset(n, unit, which)?),
        })
    }

    fn frame_offset(&mut self, offset: &'a ast::Expr, unit: FrameUnit, which: &str) -> Result<Scalar> {
        let offset = self.expr(offset)?.expr;
        let mut constant = true;
        offset.each_column(&mut |_| constant = false);
        let fits = match offset.as_literal() {
            Some(Value::Integer(n)) => *n >= 0,
            Some(Value::Real(n)) if unit == FrameUnit::Range => *n >= 0.0,
            Some(_) => false,
            None => constant,
        };
        match fits {
            true => Ok(offset),
            false => Err(Error::sql(format!(
                "frame {which} offset must be a non-negative {}",
                offset_word(unit)
            ))),
        }
    }
}

fn offset_word(unit: FrameUnit) -> &'static str {
    if unit == FrameUnit::Range {
        "number"
    } else {
        "integer"
    }
}

/// A bound's place on the line from UNBOUNDED PRECEDING to UNBOUNDED FOLLOWING.
fn bound_rank(bound: &FrameBound) -> u8 {
    match bound {
        FrameBound::UnboundedPreceding => 0,
        FrameBound::Preceding(_) => 1,
        FrameBound::CurrentRow => 2,
        FrameBound::Following(_) => 3,
        FrameBound::UnboundedFollowing => 4,
    }
}

fn group_term(typed: Typed) -> GroupTerm {
    GroupTerm {
        collation: typed.order_collation(),
        expression: typed.expr,
    }
}

fn check_override(name: &ast::Ident, base: &BoundWindow, over: &ast::WindowDefinition) -> Result<()> {
    let clause = if !over.partition_by.is_empty() {
        "PARTITION clause"
    } else if !base.order.is_empty() && !over.order_by.is_empty() {
        "ORDER BY clause"
    } else if base.frame.is_some() {
        "frame specification"
    } else {
        return Ok(());
    };
    Err(Error::sql_at(
        format!("cannot override {clause} of window: {name}"),
        name.span().start as usize,
    ))
}

/// The frame that a call really has: some functions come with one of their own, the default is from the start to the current peers.
fn effective_frame(function: &Function, written: Option<Frame>) -> Frame {
    use FrameBound::*;
    let frame = |unit, start, end| Frame {
        unit,
        start,
        end,
        exclude: FrameExclude::NoOthers,
    };
    let FunctionKind::Window(window) = &function.kind else {
        return written.unwrap_or_else(|| frame(FrameUnit::Range, UnboundedPreceding, CurrentRow));
    };
    match window {
        WindowFunction::RowNumber => frame(FrameUnit::Rows, UnboundedPreceding, CurrentRow),
        WindowFunction::Rank | WindowFunction::DenseRank => {
            frame(FrameUnit::Range, UnboundedPreceding, CurrentRow)
        }
        WindowFunction::PercentRank => frame(FrameUnit::Groups, CurrentRow, UnboundedFollowing),
        WindowFunction::CumeDist => frame(
            FrameUnit::Groups,
            Following(Scalar::integer(1)),
            UnboundedFollowing,
        ),
        WindowFunction::Ntile => frame(FrameUnit::Rows, CurrentRow, UnboundedFollowing),
        WindowFunction::Lag | WindowFunction::Lead => {
            frame(FrameUnit::Rows, UnboundedPreceding, UnboundedFollowing)
        }
        _ => written.unwrap_or_else(|| frame(FrameUnit::Range, UnboundedPreceding, CurrentRow)),
    }
}

fn same_window(group: &WindowGroup, partition: &[GroupTerm], order: &[OrderKey]) -> bool {
    group.partition.len() == partition.len()
        && group.order.len() == order.len()
        && group
            .partition
            .iter()
            .zip(partition)
            .all(|(a, b)| a.collation == b.collation && a.expression.same(&b.expression))
        && group.order.iter().zip(order).all(|(a, b)| {
            a.collation == b.collation
                && a.descending == b.descending
                && a.nulls_first == b.nulls_first
                && a.expression.same(&b.expression)
        })
}
