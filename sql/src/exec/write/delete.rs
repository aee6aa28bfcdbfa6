//! DELETE.
//!
//! Without a condition the trees are cleared as a whole. Else the rows are collected first, unless removing those that were read cannot
//! change which others are read ([`is_stable`]). When nobody looks at the rows that go, only the columns of index keys are read.

use std::sync::Arc;

use aludel_storage::btree::{self, TreeKind};

use super::collect::{Collected, is_rowwise, is_stable, named_row, pruned};
use super::program::ProgramSet;
use super::target::{Locator, Target, deleted, detached};
use super::{Failure, Fate, Written};
use crate::connection::RowAction;
use crate::error::{Error, Result};
use crate::exec::scan::rowid_of;
use crate::exec::{Batch, BuildContext, ExecContext, Kernel, Operator};
use crate::plan::write::DeletePlan;
use crate::syntax::ast::TriggerTime;
use crate::value::Value;

/// A DELETE statement, ready to run.
pub struct Delete {
    /// The rows that go; none where they are not read, or one is named and found by the cursor that removes it.
    input: Option<Box<dyn Operator>>,
    /// All rows go, and nobody looks at them: the trees are cleared.
    clears: bool,
    stable: bool,
    /// The rowid of the only row that goes, when nobody looks at it.
    named: Option<Kernel>,
    /// There is such a row, and it is named without a look at any other.
    defers: bool,
    /// The rows are found by rowid, or before the first is removed, and nobody looks at them.
    batches: bool,
    collected: Collected,
    remover: Remover,
}

struct Remover {
    target: Target,
    old: Vec<Value>,
    /// The columns that the input fills when that is not the whole row: those of the index keys, and the rowid.
    reads: Option<Vec<usize>>,
    /// What an expression without columns is evaluated over.
    nothing: Batch,
}

impl Delete {
    /// Gets ready to run `plan`.
    pub(crate) fn build(
        plan: &DeletePlan,
        programs: &Arc<ProgramSet>,
        build: &mut BuildContext,
    ) -> Result<Delete> {
        let target = Target::build(&plan.target, programs)?;
        let plain = !target.has_programs();
        let unseen = plain && plan.target.returning.is_none() && !programs.tells_changes;
        let stable = plain && is_stable(&plan.input);
        let reads = (unseen && stable && !target.completion.has_generated()).then(|| target.key_reads());
        let named = named_row(&plan.input).filter(|_| unseen);
        let clears = unseen && plan.unconditional;
        let input = match &reads {
            _ if (clears || named.is_some()) && !build.is_watched() => None,
            Some(reads) => Some(build.operator(&pruned(&plan.input, reads))?),
            None => Some(build.operator(&plan.input)?),
        };
        Ok(Delete {
            stable,
            defers: named.is_some_and(is_rowwise),
            batches: unseen,
            clears,
            named: named.map(Kernel::compile).transpose()?,
            input,
            collected: Collected::default(),
            remover: Remover {
                target,
                old: Vec::new(),
                reads,
                nothing: Batch::new(0),
            },
        })
    }

    /// Whether a run that fails leaves nothing to undo: it removes one row, and nothing can be wrong with that but the file.
    pub fn fails_clean(&self) -> bool {
        self.named.is_some()
    }

    /// Whether it may leave index entries for later: it finds its row without an index.
    pub fn defers(&self) -> bool {
        self.defers
    }

    /// Whether it may leave index entries for its end.
    pub fn batches(&self) -> bool {
        self.batches
    }

    /// Deletes the rows.
    pub fn run(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<(), Failure> {
        self.remover.target.start(context)?;
        if self.clears {
            return self.remover.clear(context, written);
        }
        if let Some(rowid) = &mut self.named {
            return Ok(self.remover.remove_named(context, rowid, written)?);
        }
        let Some(input) = self.input.as_deref_mut() else {
            return Err(Error::misuse("a DELETE without rows to remove").into());
        };
        input.open(context)?;
        let result = if self.stable {
            self.remover.remove_as_read(input, context, written)
        } else {
            self.collected.fill(input, context)?;
            let remover = &mut self.remover;
            self.collected
                .visit(|batch| remover.remove_rows(context, batch, written))
        };
        input.close();
        result
    }
}

impl Remover {
    fn remove_as_read(
        &mut self,
        input: &mut dyn Operator,
        context: &mut ExecContext<'_>,
        written: &mut Written,
    ) -> Result<(), Failure> {
        while input.next(context)? {
            context.check_interrupt()?;
            self.remove_rows(context, input.batch(), written)?;
        }
        Ok(())
    }

    fn remove_rows(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        written: &mut Written,
    ) -> Result<(), Failure> {
        self.old.resize(self.target.width(), Value::Null);
        if let Some(reads) = &self.reads {
            for row in batch.selected() {
                for &column in reads {
                    self.old[column].assign(batch.columns[column].get(row));
                }
                if self.target.remove_unseen(context, &self.old)? {
                    written.changes += 1;
                    self.target.tell(context, RowAction::Delete, &self.old);
                }
            }
            return Ok(());
        }
        for row in batch.selected() {
            for (value, column) in self.old.iter_mut().zip(&batch.columns) {
                value.assign(column.get(row));
            }
            if self.target.table.is_view {
                self.target
                    .intercept(context, deleted(&self.old, None), written)?;
                continue;
            }
            self.target.compute_virtual(context, &mut self.old)?;
            let locator = self.target.locator(&self.old);
            if !self.target.seek(&context.state.databases, &locator)? {
                continue;
            }
            if self.target.has_programs() {
                self.remove_with_programs(context, &locator, written)?;
            } else {
                self.target.remove(context, &self.old)?;
                self.target.tell(context, RowAction::Delete, &self.old);
                self.target.report(context, &self.old, written)?;
            }
        }
        Ok(())
    }

    /// Removes the row that `rowid` names, found by the cursor that removes it.
    fn remove_named(
        &mut self,
        context: &mut ExecContext<'_>,
        rowid: &mut Kernel,
        written: &mut Written,
    ) -> Result<()> {
        let Some(rowid) = rowid_of(rowid.evaluate_one(context, &self.nothing)?) else {
            return Ok(());
        };
        if !self
            .target
            .seek(&context.state.databases, &Locator::Rowid(rowid))?
        {
            return Ok(());
        }
        self.old.resize(self.target.width(), Value::Null);
        match &self.reads {
            Some(reads) => self.target.read_columns(context, reads, &mut self.old)?,
            None => self.target.read(context, &mut self.old)?,
        }
        self.target.remove(context, &self.old)?;
        written.changes += 1;
        self.target.tell(context, RowAction::Delete, &self.old);
        Ok(())
    }

    /// Triggers may change or remove the row before its turn comes.
    fn remove_with_programs(
        &mut self,
        context: &mut ExecContext<'_>,
        locator: &Locator,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let target = &mut self.target;
        target.read(context, &mut self.old)?;
        if target.fire(context, TriggerTime::Before, deleted(&self.old, None))? == Fate::Skipped
            || !target.seek(&context.state.databases, locator)?
        {
            return Ok(());
        }
        let change = deleted(&self.old, None);
        if !target.seek(&context.state.databases, locator)? {
            return Ok(());
        }
        target.remove_here(context)?;
        written.changes += 1;
        target.tell(context, RowAction::Delete, &self.old);
        target.restrict(context, change)?;
        target.keep_references(context, change)?;
        target.fire(context, TriggerTime::After, change)?;
        target.answer(context, &self.old, written)?;
        Ok(())
    }

    fn clear(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<(), Failure> {
        let kind = match self.target.table.without_rowid {
            None => TreeKind::Table,
            Some(_) => TreeKind::Index,
        };
        let roots = self.target.index_roots();
        let pager = &mut context
            .state
            .databases
            .get_mut(self.target.database)
            .ok_or_else(detached)?
            .pager;
        written.changes += btree::clear_tree(pager, self.target.table.root, kind)?;
        for root in roots {
            btree::clear_tree(pager, root, TreeKind::Index)?;
        }
        Ok(())
    }
}
