//! `json_each`, `json_tree`, `jsonb_each` and `jsonb_tree` as virtual tables.

use super::{argument, columns};
use crate::catalog::{VirtualColumn, VirtualCursor, VirtualTable};
use crate::error::Result;
use crate::exec::{Batch, ExecContext};
use crate::functions::json::each::{COLUMNS, JsonRows, JsonTable};
use crate::value::Value;

/// Columns that are no arguments.
const VISIBLE: usize = COLUMNS.len() - 2;

#[derive(Debug)]
pub(super) struct JsonFunctionTable {
    table: JsonTable,
    columns: Vec<VirtualColumn>,
}

impl JsonFunctionTable {
    pub(super) fn new(table: JsonTable) -> JsonFunctionTable {
        JsonFunctionTable {
            table,
            columns: columns(&COLUMNS, VISIBLE),
        }
    }
}

impl VirtualTable for JsonFunctionTable {
    fn name(&self) -> &str {
        self.table.name()
    }

    fn columns(&self) -> &[VirtualColumn] {
        &self.columns
    }

    /// Without a document there are no rows.
    fn open(&self, _: &mut ExecContext<'_>, arguments: &[(usize, Value)]) -> Result<Box<dyn VirtualCursor>> {
        let document = argument(arguments, VISIBLE).unwrap_or_default();
        let rows = JsonRows::open(self.table, document, argument(arguments, VISIBLE + 1))?;
        Ok(Box::new(Walk { rows }))
    }
}

struct Walk {
    rows: JsonRows,
}

impl VirtualCursor for Walk {
    fn fill(
        &mut self,
        _: &mut ExecContext<'_>,
        columns: &[usize],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        while count < max && !self.rows.is_done() {
            for (vector, &column) in batch.columns.iter_mut().zip(columns) {
                if self.rows.column(column, vector)? {
                    vector.mark_last_as_json();
                }
            }
            self.rows.advance()?;
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
