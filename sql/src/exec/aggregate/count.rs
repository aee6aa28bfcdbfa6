//! `SELECT count(*) FROM t`: the pages' headers know the answer.

use aludel_storage::btree::{TreeKind, count_rows};
use aludel_storage::format::PageNo;

use crate::error::Result;
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext};
use crate::plan::physical::{Aggregate, DatabaseIndex, Node, Seek};

/// The operator that counts a whole tree, when `plan` is nothing but that.
pub(in crate::exec) fn count_of_table(plan: &Aggregate) -> Option<Box<dyn Operator>> {
    let [call] = plan.aggregates.as_slice() else {
        return None;
    };
    let counts_rows = call.function.builtin && &*call.function.name == "count" && call.arguments.is_empty();
    let plain = call.filter.is_none() && !call.distinct && plan.keys.is_empty() && plan.bare.is_empty();
    if !counts_rows || !plain {
        return None;
    }
    let is_full = |seek: &Seek| seek.equal.is_empty() && seek.lower.is_none() && seek.upper.is_none();
    let (database, root, kind) = match &plan.input {
        Node::TableScan(scan) if scan.filter.is_none() && is_full(&scan.seek) => {
            let kind = if scan.table.without_rowid.is_some() {
                TreeKind::Index
            } else {
                TreeKind::Table
            };
            (scan.database, scan.table.root, kind)
        }
        Node::IndexScan(scan)
            if scan.filter.is_none() && is_full(&scan.seek) && scan.index.filter.is_none() =>
        {
            (scan.database, scan.index.root, TreeKind::Index)
        }
        _ => return None,
    };
    Some(Box::new(CountTree {
        database,
        root,
        kind,
        done: false,
        batch: Batch::new(1),
    }))
}

struct CountTree {
    database: DatabaseIndex,
    root: PageNo,
    kind: TreeKind,
    done: bool,
    batch: Batch,
}

impl Operator for CountTree {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.done = false;
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        self.done = true;
        let count = count_rows(
            &context.state.databases[self.database].pager,
            self.root,
            self.kind,
        )?;
        self.batch.clear();
        self.batch.columns[0].push_integer(count as i64);
        self.batch.set_len(1);
        Ok(true)
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.batch.clear();
    }
}
