//! Window functions: `OVER (PARTITION BY .. ORDER BY .. ROWS ..)`.

use super::operand::Operand;
use super::order::{Grouping, Ordering};
use super::tree::{Expr, FrameBound, Node, Window};
use crate::types::ColumnType;

/// What a window function runs over; [`Expr::over`] hands one to its closure.
#[derive(Clone, Debug, Default)]
pub struct WindowSpec {
    window: Window,
}

/// One end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The partition's first row, or its last.
    Unbounded,
    /// So many rows (or values, or groups) before the current row.
    Preceding(u32),
    /// The current row.
    Current,
    /// So many after the current row.
    Following(u32),
}

impl WindowSpec {
    /// One window for each value of these.
    pub fn partition_by(mut self, groups: impl Grouping) -> WindowSpec {
        groups.push_groups(&mut self.window.partition);
        self
    }

    /// The order within the window.
    pub fn order_by(mut self, order: impl Ordering) -> WindowSpec {
        order.push_terms(&mut self.window.order);
        self
    }

    /// A frame counted in rows.
    pub fn rows(self, from: Bound, to: Bound) -> WindowSpec {
        self.frame("ROWS", from, to)
    }

    /// A frame counted in values of the order's one term.
    pub fn range(self, from: Bound, to: Bound) -> WindowSpec {
        self.frame("RANGE", from, to)
    }

    /// A frame counted in groups of equal rows.
    pub fn groups(self, from: Bound, to: Bound) -> WindowSpec {
        self.frame("GROUPS", from, to)
    }

    fn frame(mut self, unit: &'static str, from: Bound, to: Bound) -> WindowSpec {
        let bound = |bound, unbounded| match bound {
            Bound::Unbounded => unbounded,
            Bound::Preceding(n) => FrameBound::Preceding(n),
            Bound::Current => FrameBound::CurrentRow,
            Bound::Following(n) => FrameBound::Following(n),
        };
        let from = bound(from, FrameBound::UnboundedPreceding);
        let to = bound(to, FrameBound::UnboundedFollowing);
        self.window.frame = Some((unit, from, to));
        self
    }
}

impl<T> Expr<T> {
    /// Runs the aggregate or window function over a window instead of a group.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: i64,
    ///     likes: i64,
    /// }
    ///
    /// let sql = query::<Post>()
    ///     .select(|p| (p.id, row_number().over(|w| w.partition_by(p.author).order_by(p.likes.desc()))))
    ///     .to_sql();
    /// assert_eq!(sql, "SELECT id, row_number() OVER (PARTITION BY author ORDER BY likes DESC) FROM post");
    /// ```
    pub fn over(self, window: impl FnOnce(WindowSpec) -> WindowSpec) -> Expr<T> {
        let spec = window(WindowSpec::default());
        self.with_function(|function| function.over = Some(spec.window))
    }
}

/// Window functions over a value of other rows. Each needs [`over`](Expr::over).
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Reading {
///     #[column(primary_key)]
///     id: Id<Reading>,
///     level: i64,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// # let engine = Engine::open("sqlite::memory:")?;
/// # engine.create_all(schema![Reading])?;
/// # let mut session = engine.session()?;
/// # session.add_all([3, 5, 4].map(Reading::new));
/// let steps: Vec<(i64, Option<i64>)> = session
///     .query::<Reading>()
///     .order_by(|r| r.id)
///     .select(|r| (r.level, r.level.lag(1).over(|w| w.order_by(r.id))))
///     .fetch()?;
/// assert_eq!(steps, [(3, None), (5, Some(3)), (4, Some(5))]);
/// # Ok(())
/// # }
/// ```
pub trait WindowOperand: Operand {
    /// The value so many rows before this one; NULL where there is none.
    fn lag(self, rows: u32) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("lag", vec![self.node(), Node::Constant(i64::from(rows))])
    }

    /// The value so many rows after this one; NULL where there is none.
    fn lead(self, rows: u32) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("lead", vec![self.node(), Node::Constant(i64::from(rows))])
    }

    /// The value of the frame's first row.
    fn first_value(self) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("first_value", vec![self.node()])
    }

    /// The value of the frame's last row.
    fn last_value(self) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("last_value", vec![self.node()])
    }

    /// The value of the frame's row of that number, from 1; NULL where there is none.
    fn nth_value(self, row: u32) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("nth_value", vec![self.node(), Node::Constant(i64::from(row))])
    }
}

impl<O: Operand> WindowOperand for O {}

fn call<T>(name: &'static str, arguments: Vec<Node>) -> Expr<T> {
    Expr::from_node(Node::call(name, arguments))
}
