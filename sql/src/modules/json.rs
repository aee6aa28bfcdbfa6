//! `json_each`, `json_tree`, `jsonb_each` and `jsonb_tree`.

use std::sync::Arc;

use super::{argument, argument_plan};
use crate::error::Result;
use crate::exec::Batch;
use crate::functions::json::each::{COLUMNS, JsonRows, JsonTable};
use crate::value::Value;
use crate::virtual_table::{
    Connected, CursorColumn, IndexPlan, IndexQuestion, Module, ModuleArguments, ModuleUsage, Risk,
    VirtualContext, VirtualCursor, VirtualTable,
};

/// Columns that are no arguments.
const VISIBLE: usize = COLUMNS.len() - 2;

/// One of the four functions.
#[derive(Debug)]
pub(super) struct JsonModule(pub JsonTable);

impl Module for JsonModule {
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::EponymousOnly
    }

    fn connect(&self, _: &mut VirtualContext<'_>, _: &ModuleArguments<'_>) -> Result<Connected> {
        let visible = COLUMNS[..VISIBLE].join(",");
        let hidden = COLUMNS[VISIBLE..].join(" HIDDEN,");
        Ok(Connected {
            declaration: format!("CREATE TABLE x({visible},{hidden} HIDDEN)"),
            table: Arc::new(JsonFunctionTable { table: self.0 }),
        })
    }
}

#[derive(Debug)]
struct JsonFunctionTable {
    table: JsonTable,
}

impl VirtualTable for JsonFunctionTable {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let Some(mut plan) = argument_plan(question, VISIBLE, 2) else {
            return Ok(None);
        };
        if plan.number & 1 != 0 {
            plan.cost = 1.0;
        } else {
            plan.arguments.clear();
            plan.number = 0;
        }
        // Rows come in the order of their ids anyway.
        plan.order_consumed =
            matches!(question.order, [order] if order.column.is_none() && !order.descending);
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(Walk {
            table: self.table,
            rows: None,
            next_rowid: 0,
        }))
    }

    fn risk(&self) -> Risk {
        Risk::Innocuous
    }
}

struct Walk {
    table: JsonTable,
    rows: Option<JsonRows>,
    next_rowid: i64,
}

impl VirtualCursor for Walk {
    /// Without a document there are no rows.
    fn filter(&mut self, _: &mut VirtualContext<'_>, plan: &IndexPlan, arguments: &[Value]) -> Result<()> {
        let document = argument(plan, arguments, 0).unwrap_or_default();
        let rows = JsonRows::open(self.table, document, argument(plan, arguments, 1))?;
        self.rows = Some(rows);
        self.next_rowid = 0;
        Ok(())
    }

    fn fill(
        &mut self,
        _: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let Some(rows) = &mut self.rows else { return Ok(0) };
        let mut count = 0;
        while count < max && !rows.is_done() {
            for (vector, column) in batch.columns.iter_mut().zip(columns) {
                match column {
                    CursorColumn::Column(column) => {
                        if rows.column(*column, vector)? {
                            vector.mark_last_as_json();
                        }
                    }
                    CursorColumn::Rowid => vector.push_integer(self.next_rowid),
                    CursorColumn::Handle(_) => vector.push_null(),
                }
            }
            rows.advance()?;
            self.next_rowid += 1;
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
