//! DISTINCT inside a call: which rows are the first of their values in their group.
//!
//! Rows that are new go to the states at once, as long as there is memory to know them by. From then on what is not known is
//! [put aside](crate::exec::distinct), and what is distinct of it goes to the states at the end, in the order in which it came.

use smallvec::SmallVec;

use super::call::values_of;
use super::state::{Groups, States};
use crate::error::Result;
use crate::exec::distinct::{Aside, Seen};
use crate::exec::kernel::Values;
use crate::exec::{Batch, ExecContext, Vector};
use crate::value::Collation;

/// The values that were there before, by group.
pub(super) struct Distinct {
    seen: Seen,
    /// There are no keys, so the group is no part of what rows are known by.
    one_group: bool,
    group: Vector,
    /// The rows that are new: where each argument's vector has them, and their groups.
    picks: Vec<Vec<u32>>,
    groups: Vec<u32>,
    fresh: Vec<u32>,
    /// Groups that were put out already; their numbers are not used again here.
    past_groups: i64,
    /// Rows beyond the memory budget.
    aside: Option<Aside>,
    /// Such rows: group, then arguments.
    staged: Batch,
}

impl Distinct {
    pub(super) fn new(width: usize, collation: &Collation, one_group: bool) -> Distinct {
        let mut collations = vec![collation.clone(); width + 1];
        collations[0] = Collation::Binary;
        let first = usize::from(one_group);
        Distinct {
            seen: Seen::new(&collations[first..]),
            one_group,
            group: Vector::new(),
            picks: vec![Vec::new(); width],
            groups: Vec::new(),
            fresh: Vec::new(),
            past_groups: 0,
            aside: None,
            staged: Batch::new(width + 1 - first),
        }
    }

    pub(super) fn clear(&mut self) {
        self.seen.release();
        self.past_groups = 0;
        self.aside = None;
        self.staged.clear();
    }

    /// Bytes of memory in use.
    pub(super) fn memory(&self) -> usize {
        self.seen.memory()
    }

    /// Whether some rows are known only at the end.
    pub(super) fn keeps_rows(&self) -> bool {
        self.aside.is_some()
    }

    /// The first so many groups are done; those behind them are numbered from 0.
    pub(super) fn pass_groups(&mut self, count: usize) {
        self.past_groups += count as i64;
    }

    /// Takes `len` rows in; those that are new go to the states.
    pub(super) fn update(
        &mut self,
        context: &mut ExecContext<'_>,
        states: &mut States,
        values: &[Values<'_>],
        groups: Groups<'_>,
        len: usize,
        collation: &Collation,
    ) -> Result<()> {
        let mut key: SmallVec<[Values<'_>; 3]> = SmallVec::new();
        if !self.one_group {
            self.group.clear();
            self.group
                .extend_integers((0..len).map(|n| self.past_groups + groups.of(n) as i64));
            key.push(Values::dense(&self.group));
        }
        key.extend_from_slice(values);
        if let Some(aside) = &mut self.aside {
            self.staged.clear();
            let columns = self.staged.columns.iter_mut();
            columns
                .zip(&key)
                .for_each(|(column, values)| values.append_range_to(0..len, column));
            self.staged.set_len(len);
            return aside.put(&mut self.seen, &self.staged);
        }
        self.seen.add_rows(&key, len, &mut self.fresh);
        self.picks.iter_mut().for_each(Vec::clear);
        self.groups.clear();
        if !self.one_group {
            let groups = self.fresh.iter().map(|n| groups.of(*n as usize) as u32);
            self.groups.extend(groups);
        }
        for &n in &self.fresh {
            let n = n as usize;
            let picks = self.picks.iter_mut().zip(values);
            picks.for_each(|(picks, values)| picks.push(values.row(n) as u32));
        }
        if self.seen.memory() > context.state.session.memory_budget_bytes / 4 {
            self.aside = Some(Aside::new(self.staged.columns.len()));
        }
        let fresh = values.iter().zip(&self.picks);
        let fresh = fresh.map(|(values, picks)| Values::picked(values.vector(), picks));
        let fresh: SmallVec<[Values<'_>; 2]> = fresh.collect();
        let groups = match self.one_group {
            true => Groups::One,
            false => Groups::Many(&self.groups),
        };
        states.update(context, &fresh, groups, self.fresh.len(), collation)
    }

    /// Feeds what is distinct of the rows that were put aside. No rows may come afterwards.
    pub(super) fn finish(
        &mut self,
        context: &mut ExecContext<'_>,
        states: &mut States,
        collation: &Collation,
    ) -> Result<()> {
        let Some(mut aside) = self.aside.take() else {
            return Ok(());
        };
        aside.finish(&mut self.seen, context)?;
        while aside.take()? {
            context.check_interrupt()?;
            let columns = &aside.batch().columns;
            if self.one_group {
                let len = aside.batch().len();
                states.update(context, &values_of(columns), Groups::One, len, collation)?;
                continue;
            }
            let Some((group, arguments)) = columns.split_first() else {
                return Ok(());
            };
            let past = self.past_groups;
            self.groups.clear();
            let groups = group.slots().iter();
            self.groups
                .extend(groups.map(|group| (*group as i64 - past) as u32));
            let groups = Groups::Many(&self.groups);
            states.update(context, &values_of(arguments), groups, group.len(), collation)?;
        }
        Ok(())
    }
}
