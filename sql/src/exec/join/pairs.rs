//! Pairs of a left and a right row on their way out of a join.
//!
//! A join that puts out left rows without a match adds a pair with no right row ([`NO_ROW`]) behind all pairs of a left
//! row. When ON has been tested, that last pair counts only if none before it passed:
//!
//! ```text
//!   left     1    1    1      2    2        3
//!   right    a    b    none   c    none     none
//!   ON       -    yes         -
//!   counts        x           -    x        x
//! ```

use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::{Batch, ExecContext};
use crate::plan::expr::Expr;
use crate::plan::physical::JoinKind;

/// Stands for the right row of a left row without a match.
pub(super) const NO_ROW: u32 = u32::MAX;

/// See the module's head.
pub(super) struct Pairs {
    kind: JoinKind,
    on: Option<Kernel>,
    /// Rows of the left batch.
    pub(super) left: Vec<u32>,
    /// Numbers of right rows.
    pub(super) right: Vec<u32>,
    /// Whether a pair of the left row at hand has passed.
    matched: bool,
    real: Vec<u32>,
    passed: Vec<u32>,
    /// Which right rows have been part of a pair, for joins that put out those that have not.
    pub(super) right_matched: Vec<bool>,
}

impl Pairs {
    pub(super) fn new(kind: JoinKind, on: Option<&Expr>, build: &mut BuildContext) -> Result<Pairs> {
        Ok(Pairs {
            kind,
            on: on.map(|on| Kernel::compile_in(on, build)).transpose()?,
            left: Vec::new(),
            right: Vec::new(),
            matched: false,
            real: Vec::new(),
            passed: Vec::new(),
            right_matched: Vec::new(),
        })
    }

    pub(super) fn restart(&mut self) {
        self.clear();
        self.matched = false;
        self.right_matched.clear();
    }

    pub(super) fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    #[inline]
    pub(super) fn push(&mut self, left: u32, right: u32) {
        self.left.push(left);
        self.right.push(right);
    }

    /// Left rows without a match are put out.
    pub(super) fn keeps_left(&self) -> bool {
        matches!(self.kind, JoinKind::Left | JoinKind::Full)
    }

    /// Right rows without a match are put out.
    pub(super) fn keeps_right(&self) -> bool {
        matches!(self.kind, JoinKind::Right | JoinKind::Full)
    }

    pub(super) fn has_condition(&self) -> bool {
        self.on.is_some()
    }

    /// All pairs of `left` are there, `count` of them: adds what stands for no match, if that is still open.
    #[inline]
    pub(super) fn end_left_row(&mut self, left: u32, count: usize) {
        if self.keeps_left() && (count == 0 || self.on.is_some()) {
            self.push(left, NO_ROW);
        }
    }

    /// Narrows `joined`, which holds the pairs' rows, to those that count.
    pub(super) fn narrow(&mut self, context: &mut ExecContext<'_>, joined: &mut Batch) -> Result<()> {
        let Pairs {
            on,
            right,
            matched,
            real,
            passed,
            right_matched,
            kind,
            ..
        } = self;
        let keeps_right = matches!(kind, JoinKind::Right | JoinKind::Full);
        let Some(on) = on else {
            if keeps_right {
                let real = right.iter().filter(|row| **row != NO_ROW);
                real.for_each(|row| right_matched[*row as usize] = true);
            }
            return Ok(());
        };
        if !matches!(kind, JoinKind::Left | JoinKind::Full) {
            on.select(context, joined, Rows::All(joined.len()), passed)?;
            if keeps_right {
                passed
                    .iter()
                    .for_each(|pair| right_matched[right[*pair as usize] as usize] = true);
            }
        } else {
            real.clear();
            real.extend((0..right.len() as u32).filter(|pair| right[*pair as usize] != NO_ROW));
            on.select(context, joined, Rows::Some(real), passed)?;
            let mut hits = passed.iter().peekable();
            let mut counting = joined.take_selection();
            counting.clear();
            for (pair, &row) in right.iter().enumerate() {
                if row == NO_ROW {
                    if !std::mem::take(matched) {
                        counting.push(pair as u32);
                    }
                } else if hits.next_if(|hit| **hit as usize == pair).is_some() {
                    *matched = true;
                    counting.push(pair as u32);
                    if keeps_right {
                        right_matched[row as usize] = true;
                    }
                }
            }
            std::mem::swap(passed, &mut counting);
            joined.select(counting);
        }
        if passed.len() < joined.len() {
            let mut selection = joined.take_selection();
            selection.clear();
            selection.extend_from_slice(passed);
            joined.select(selection);
        } else {
            drop(joined.take_selection());
        }
        Ok(())
    }
}
