//! The rows of RETURNING: all are computed before the first is given, those beyond a quarter of the memory budget are kept on disk.

use crate::error::Result;
use crate::exec::kernel::Kernel;
use crate::exec::row_log::RowLog;
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};

/// A batch with so many bytes takes no more rows.
const BATCH_BYTES: usize = 128 << 10;

/// See the module's head.
#[derive(Default)]
pub struct Returned {
    /// The first rows.
    batches: Vec<Batch>,
    bytes: usize,
    /// The rows behind them; the last ones are the last batch of all.
    rest: Option<Box<RowLog>>,
    last: Batch,
    /// The next row of `rest` to fetch, and what was fetched.
    next: usize,
    fetched: Batch,
}

impl std::fmt::Debug for Returned {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Returned");
        shown.field("batches", &self.batches).finish_non_exhaustive()
    }
}

impl Returned {
    /// Forgets the rows.
    pub(crate) fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
        self.rest = None;
        self.last.clear();
        self.next = 0;
        self.fetched.clear();
    }

    /// Has the rows of one batch, and no others.
    pub(crate) fn set(&mut self, batch: Batch) {
        self.clear();
        self.batches.push(batch);
    }

    /// Adds a row of what `expressions` make of the row in `input`.
    pub(super) fn push(
        &mut self,
        context: &mut ExecContext<'_>,
        expressions: &mut [Kernel],
        input: &Batch,
    ) -> Result<()> {
        let out = match &self.rest {
            None => self.batches.last(),
            Some(_) => Some(&self.last),
        };
        if out.is_none_or(is_full) {
            self.begin_batch(context, expressions.len())?;
        }
        let out = match &self.rest {
            None => self.batches.last_mut(),
            Some(_) => Some(&mut self.last),
        };
        let Some(out) = out else { return Ok(()) };
        for (kernel, column) in expressions.iter_mut().zip(&mut out.columns) {
            column.push(kernel.evaluate_one(context, input)?);
        }
        out.set_len(out.len() + 1);
        Ok(())
    }

    /// A batch is full.
    fn begin_batch(&mut self, context: &ExecContext<'_>, width: usize) -> Result<()> {
        if let Some(rest) = &mut self.rest {
            rest.append(&self.last)?;
            self.last.columns.iter_mut().for_each(Vector::release);
            self.last.clear();
            return Ok(());
        }
        if let Some(last) = self.batches.last() {
            self.bytes += last.columns.iter().map(Vector::memory).sum::<usize>();
            if self.bytes > context.state.session.memory_budget_bytes / 4 {
                self.rest = Some(Box::new(RowLog::new(width, 0)));
                self.last = Batch::new(width);
                return Ok(());
            }
        }
        self.batches.push(Batch::new(width));
        Ok(())
    }

    /// Gets a batch from disk if it is there; they are asked for in their order.
    pub(crate) fn fetch(&mut self, number: usize) -> Result<()> {
        self.fetched.clear();
        let Some(rest) = &mut self.rest else {
            return Ok(());
        };
        if number >= self.batches.len() {
            rest.append(&self.last)?;
            self.last.clear();
            self.fetched.columns.resize(rest.width(), Vector::new());
            self.next += rest.read(self.next, BATCH_ROWS_MAX, &mut self.fetched)?;
        }
        Ok(())
    }

    /// A batch: one of the first, or the one that was fetched last.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&Batch> {
        let fetched = || Some(&self.fetched).filter(|fetched| !fetched.is_empty());
        self.batches.get(number).or_else(fetched)
    }
}

fn is_full(batch: &Batch) -> bool {
    let bytes = || batch.columns.iter().map(Vector::heap_len).sum::<usize>();
    batch.len() >= BATCH_ROWS_MAX || bytes() > BATCH_BYTES
}
