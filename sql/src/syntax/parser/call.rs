//! Function calls, and the windows they run over.

use super::super::ast::{
    Arguments, Expr, ExprKind, Frame, FrameBound, FrameExclude, FrameUnit, FunctionCall, Ident, Over,
    WindowDefinition,
};
use super::super::token::{Token, TokenKind};
use super::expression::{Value, expr};
use super::input::{Parse, Tokens, after, check_height, ident_of, name, nested, parenthesized};
use super::select::{exprs, order_by};
use TokenKind as T;

/// A call whose arguments are being read.
pub(super) struct OpenCall {
    name: Ident,
    distinct: bool,
    star: bool,
    arguments: Vec<Expr>,
    /// The height of the tallest part so far.
    height: u32,
    /// True if an argument must follow.
    pub(super) takes_arguments: bool,
}

impl OpenCall {
    pub(super) fn add(&mut self, argument: Value) {
        self.arguments.push(argument.expr);
        self.height = self.height.max(argument.height);
    }
}

/// Takes the name, the parenthesis and `DISTINCT` or the star.
pub(super) fn open<'a>(i: Tokens<'a>, token: Token) -> Parse<'a, Box<OpenCall>> {
    let name = ident_of(i, token);
    let i = i.skip().expect(T::LeftParen)?;
    let (i, star) = i.accept(T::Star);
    let (i, distinct) = if star { (i, false) } else { quantifier(i) };
    let takes_arguments = !star && !matches!(i.kind(), T::RightParen | T::Order);
    let call = OpenCall {
        name,
        distinct,
        star,
        arguments: Vec::new(),
        height: 0,
        takes_arguments,
    };
    Ok((i, Box::new(call)))
}

/// `DISTINCT` or `ALL` or neither; true for the first.
pub(super) fn quantifier(i: Tokens<'_>) -> (Tokens<'_>, bool) {
    match i.kind() {
        T::Distinct => (i.skip(), true),
        T::All => (i.skip(), false),
        _ => (i, false),
    }
}

/// Takes what follows the last argument.
pub(super) fn finish<'a>(i: Tokens<'a>, call: OpenCall) -> Parse<'a, Value> {
    let OpenCall {
        name,
        distinct,
        star,
        arguments,
        height,
        ..
    } = call;
    let (i, order_by, sort_height) = if !star && i.kind() == T::Order {
        let (i, (terms, height)) = nested(i, order_by)?;
        (i, terms, height)
    } else {
        (i, Vec::new(), 0)
    };
    let i = i.expect(T::RightParen)?;
    if arguments.len() > i.cx.limits.argument_max as usize {
        let message = format!("too many arguments on function {}", name.text);
        i.object(message, Some(name.span().start));
    }
    let (i, filter, over, tail_height) = tail(i)?;
    let height = height.max(sort_height).max(tail_height) + 1;
    check_height(i, height)?;
    let span = i.span_since(name.span().start);
    let arguments = if star {
        Arguments::Star
    } else {
        Arguments::List(arguments)
    };
    let call = FunctionCall {
        name,
        distinct,
        arguments,
        order_by,
        filter,
        over,
    };
    Ok((
        i,
        Value {
            expr: Expr::new(ExprKind::Call(Box::new(call)), span),
            height,
        },
    ))
}

type Tail<'a> = (Tokens<'a>, Option<Expr>, Option<Over>, u32);

/// `FILTER (..)` and `OVER ..`.
fn tail(i: Tokens<'_>) -> Result<Tail<'_>, nom::Err<super::input::Fault>> {
    if !matches!(i.kind(), T::Filter | T::Over) {
        return Ok((i, None, None, 0));
    }
    let (i, ((filter, over), height)) = nested(i, |i| {
        let (i, filter) = after(T::Filter, parenthesized(filter_condition))(i)?;
        let (i, over) = after(T::Over, over)(i)?;
        Ok((i, (filter, over)))
    })?;
    Ok((i, filter, over, height))
}

fn filter_condition(i: Tokens<'_>) -> Parse<'_, Expr> {
    expr(i.expect(T::Where)?)
}

fn over(i: Tokens<'_>) -> Parse<'_, Over> {
    if i.kind() == T::LeftParen {
        return window(i).map(|(i, window)| (i, Over::Definition(Box::new(window))));
    }
    name(i).map(|(i, name)| (i, Over::Name(name)))
}

/// A window definition, parentheses included.
pub(super) fn window(i: Tokens<'_>) -> Parse<'_, WindowDefinition> {
    parenthesized(|i| {
        let starts_clause = matches!(
            i.kind(),
            T::Partition | T::Order | T::Range | T::Rows | T::Groups | T::RightParen
        );
        let (i, base) = if starts_clause {
            (i, None)
        } else {
            name(i).map(|(i, base)| (i, Some(base)))?
        };
        let (i, partition_by) = after(T::Partition, |i: Tokens<'_>| exprs(i.expect(T::By)?))(i)?;
        let (i, order_by) = order_by(i)?;
        let (i, frame) = frame(i)?;
        let partition_by = partition_by.unwrap_or_default();
        Ok((
            i,
            WindowDefinition {
                base,
                partition_by,
                order_by,
                frame,
            },
        ))
    })(i)
}

fn frame(i: Tokens<'_>) -> Parse<'_, Option<Frame>> {
    let unit = match i.kind() {
        T::Rows => FrameUnit::Rows,
        T::Range => FrameUnit::Range,
        T::Groups => FrameUnit::Groups,
        _ => return Ok((i, None)),
    };
    let (i, between) = i.skip().accept(T::Between);
    let (i, start) = bound(i, T::Preceding)?;
    let (i, end) = if between {
        let (i, end) = bound(i.expect(T::And)?, T::Following)?;
        (i, Some(end))
    } else {
        (i, None)
    };
    let (i, exclude) = after(T::Exclude, exclude)(i)?;
    Ok((
        i,
        Some(Frame {
            unit,
            start,
            end,
            exclude,
        }),
    ))
}

/// One bound of a frame; `unbounded` is the only direction in which it may be unbounded.
fn bound(i: Tokens<'_>, unbounded: TokenKind) -> Parse<'_, FrameBound> {
    match i.kind() {
        T::Unbounded => {
            let i = i.skip().expect(unbounded)?;
            let preceding = unbounded == T::Preceding;
            Ok((
                i,
                if preceding {
                    FrameBound::UnboundedPreceding
                } else {
                    FrameBound::UnboundedFollowing
                },
            ))
        }
        T::Current => Ok((i.skip().expect(T::Row)?, FrameBound::CurrentRow)),
        _ => {
            let (i, distance) = expr(i)?;
            match i.kind() {
                T::Preceding => Ok((i.skip(), FrameBound::Preceding(distance))),
                T::Following => Ok((i.skip(), FrameBound::Following(distance))),
                _ => i.unexpected(),
            }
        }
    }
}

fn exclude(i: Tokens<'_>) -> Parse<'_, FrameExclude> {
    match i.kind() {
        T::No => Ok((i.skip().expect(T::Others)?, FrameExclude::NoOthers)),
        T::Current => Ok((i.skip().expect(T::Row)?, FrameExclude::CurrentRow)),
        T::Group => Ok((i.skip(), FrameExclude::Group)),
        T::Ties => Ok((i.skip(), FrameExclude::Ties)),
        _ => i.unexpected(),
    }
}
