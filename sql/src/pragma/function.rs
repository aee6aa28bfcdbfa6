//! Pragmas as table-valued functions: `SELECT name FROM pragma_table_info('t')`.
//!
//! The hidden columns `arg` and `schema` are the value and the name of the database.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::modules::{argument, argument_plan};
use crate::value::cast::cast;
use crate::value::{Affinity, Value, ValueRef};
use crate::virtual_table::{
    Connected, CursorColumn, IndexPlan, IndexQuestion, Module, ModuleArguments, ModuleUsage, Risk,
    VirtualContext, VirtualCursor, VirtualTable,
};

use super::catalogue::{self, Entry};
use super::{PragmaContext, Row};

const PREFIX: &str = "pragma_";

/// The module of the table-valued function called `name` (`pragma_table_info`), if there is one.
pub(crate) fn table_function(name: &str) -> Option<PragmaFunction> {
    let (prefix, pragma) = name.split_at_checked(PREFIX.len())?;
    let entry =
        catalogue::find(pragma).filter(|entry| prefix.eq_ignore_ascii_case(PREFIX) && entry.function)?;
    Some(PragmaFunction { entry })
}

/// A pragma as a table.
#[derive(Clone, Copy)]
pub(crate) struct PragmaFunction {
    entry: &'static Entry,
}

impl std::fmt::Debug for PragmaFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PragmaFunction").field(&self.entry.name).finish()
    }
}

impl PragmaFunction {
    /// How many columns are no arguments.
    fn visible(&self) -> usize {
        self.entry.column_names(false).len()
    }

    /// How many arguments there are: the value, and the schema unless the pragma tells of all.
    fn hidden(&self) -> usize {
        let tells_schema = self.entry.column_names(false).contains(&"schema");
        if tells_schema { 1 } else { 2 }
    }
}

impl Module for PragmaFunction {
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::EponymousOnly
    }

    fn connect(&self, _: &mut VirtualContext<'_>, _: &ModuleArguments<'_>) -> Result<Connected> {
        let names = self.entry.column_names(false).into_iter();
        let columns: String = names.map(|name| format!("\"{name}\",")).collect();
        let hidden = ["arg HIDDEN", "schema HIDDEN"][..self.hidden()].join(",");
        Ok(Connected {
            declaration: format!("CREATE TABLE x({columns}{hidden})"),
            table: Arc::new(*self),
        })
    }
}

impl VirtualTable for PragmaFunction {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let Some(mut plan) = argument_plan(question, self.visible(), self.hidden()) else {
            return Ok(None);
        };
        (plan.cost, plan.rows) = match plan.number {
            0 => (2_147_483_647.0, 2_147_483_647),
            _ => (20.0, 20),
        };
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(Answered {
            entry: self.entry,
            rows: Vec::new().into_iter(),
            hidden: [None, None],
            visible: self.visible(),
            next_rowid: 1,
        }))
    }

    fn risk(&self) -> Risk {
        match self.entry.name {
            "database_list" | "function_list" | "collation_list" | "compile_options" | "module_list" => {
                Risk::Innocuous
            }
            _ => Risk::Normal,
        }
    }
}

fn answer(
    entry: &'static Entry,
    value: Option<&str>,
    schema: Option<&str>,
    context: &mut VirtualContext<'_>,
) -> Result<Vec<Row>> {
    let database = match schema {
        Some(name) => {
            let found = context.state.database_named(name);
            Some(found.map_err(|_| Error::sql(format!("unknown database {name}")))?)
        }
        None => None,
    };
    let mut pragma_context = PragmaContext {
        state: &mut *context.state,
        interrupt: context.interrupt,
    };
    super::answer(entry, value, database, &mut pragma_context)
}

/// An argument as text; `None` for NULL.
fn text_of(value: ValueRef<'_>) -> Option<String> {
    match cast(value, Affinity::Text) {
        Value::Text(text) => Some(text.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// Rows that were answered, handed out.
struct Answered {
    entry: &'static Entry,
    rows: std::vec::IntoIter<Row>,
    /// What the hidden columns were given.
    hidden: [Option<String>; 2],
    visible: usize,
    next_rowid: i64,
}

impl VirtualCursor for Answered {
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        self.hidden = [0, 1].map(|place| argument(plan, arguments, place).and_then(text_of));
        let [value, schema] = &self.hidden;
        self.rows = answer(self.entry, value.as_deref(), schema.as_deref(), context)?.into_iter();
        self.next_rowid = 1;
        Ok(())
    }

    fn fill(
        &mut self,
        _: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        for row in self.rows.by_ref().take(max) {
            for (vector, column) in batch.columns.iter_mut().zip(columns) {
                let CursorColumn::Column(column) = *column else {
                    vector.push_integer(self.next_rowid);
                    continue;
                };
                match (row.get(column), column.checked_sub(self.visible)) {
                    (_, Some(hidden)) => match self.hidden.get(hidden).and_then(Option::as_deref) {
                        Some(given) => vector.push(ValueRef::Text(given.as_bytes())),
                        None => vector.push_null(),
                    },
                    (Some(value), None) => vector.push(value.as_ref()),
                    (None, None) => vector.push_null(),
                }
            }
            self.next_rowid += 1;
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
