//! Semi and anti joins by look-up: which outer rows have a match.
//!
//! Without a condition one inner row is enough. With one, the inner rows of an outer row are needed up to the first that passes. How many that are is
//! learned from the rows tested before:
//!
//! ```text
//!   outer batch ── as many inner rows of each as mostly give a match ──▶ condition over all pairs ──▶ has a match
//!                                                                              └─ has none yet, and more inner rows: looked up again, to the end
//! ```

use super::KeyedJoin;
use crate::error::Result;
use crate::exec::operator::Operator;
use crate::exec::{BATCH_ROWS_MAX, ExecContext};
use crate::plan::physical::JoinKind;

/// How many pairs of a semi join passed its condition.
#[derive(Default)]
pub(super) struct Passed {
    tested: u64,
    passed: u64,
}

/// Before this many tests it is not known how many pairs pass.
const TESTED_MIN: u64 = 32;

impl Passed {
    /// After how many inner rows there mostly is a match.
    fn rows_to_match(&self) -> usize {
        match (self.tested, self.passed) {
            (tested, _) if tested < TESTED_MIN => usize::MAX,
            (_, 0) => usize::MAX,
            (tested, passed) => 2 * tested.div_ceil(passed) as usize,
        }
    }
}

impl KeyedJoin {
    /// The same where no more is asked of an outer row once it has a match, and at first not more than `most` inner rows.
    fn collect_first_pairs(&mut self, context: &ExecContext<'_>, most: usize) -> Result<()> {
        self.pairs.clear();
        self.joined.clear();
        let most = if self.pairs.has_condition() { most } else { 1 };
        let count = self.outer_count();
        while self.next_outer < count && self.pairs.len() < BATCH_ROWS_MAX {
            let place = match self.again {
                true => self.broken_off[self.next_outer],
                false => self.next_outer,
            };
            let outer_row = self.outer.batch().selected_row(place) as u32;
            if self.has_match[outer_row as usize] {
                self.next_row();
                continue;
            }
            let had = match self.row_pairs {
                Some(had) => had,
                None => self.look_up(context, place)?,
            };
            let had = had + self.take_rows(context, outer_row, most - had)?;
            self.row_pairs = Some(had);
            if self.rows.is_done() || !self.pairs.has_condition() {
                self.next_row();
            } else if had >= most {
                self.broken_off.push(place);
                self.next_row();
            }
        }
        Ok(())
    }

    /// How many outer rows are looked up.
    fn outer_count(&self) -> usize {
        match self.again {
            true => self.broken_off.len(),
            false => self.outer.batch().selected_len(),
        }
    }

    /// Notes which of the outer rows have a match, among their first inner rows, up to `most` of them.
    fn find_matches(&mut self, context: &mut ExecContext<'_>, most: usize) -> Result<()> {
        while self.next_outer < self.outer_count() {
            self.collect_first_pairs(context, most)?;
            if !self.pairs.has_condition() {
                let KeyedJoin { pairs, has_match, .. } = self;
                pairs.left.iter().for_each(|row| has_match[*row as usize] = true);
            } else if self.pairs.len() > 0 {
                self.join_pairs(context)?;
                let KeyedJoin {
                    joined,
                    pairs,
                    has_match,
                    passed,
                    ..
                } = self;
                passed.tested += pairs.len() as u64;
                passed.passed += joined.selected_len() as u64;
                { joined.selected() }.for_each(|pair| has_match[pairs.left[pair] as usize] = true);
            }
        }
        Ok(())
    }

    /// Narrows the next outer batch to the rows that have a match, or to those that have none.
    pub(super) fn next_outer_only(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            if self.is_costly(context)? && self.hand_over(context)? {
                return self.next(context);
            }
            if !self.next_batch(context)? {
                return Ok(false);
            }
            self.has_match.clear();
            self.has_match.resize(self.outer.batch().len(), false);
            self.broken_off.clear();
            self.find_matches(context, self.passed.rows_to_match())?;
            if !self.broken_off.is_empty() {
                (self.again, self.next_outer, self.row_pairs) = (true, 0, None);
                let found = self.find_matches(context, usize::MAX);
                self.again = false;
                found?;
            }
            let wanted = self.kind == JoinKind::Semi;
            let has_match = &self.has_match;
            let batch = self.outer.batch();
            let kept: Vec<u32> = batch
                .selected()
                .filter(|row| has_match[*row] == wanted)
                .map(|row| row as u32)
                .collect();
            if !kept.is_empty() {
                self.outer.batch_mut().select(kept);
                self.next_outer = usize::MAX;
                return Ok(true);
            }
        }
    }
}
