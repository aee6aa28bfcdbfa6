//! Pragmas as table-valued functions: `SELECT name FROM pragma_table_info('t')`.
//!
//! The hidden columns `arg` and `schema` are the value and the name of the database.

use crate::catalog::{VirtualColumn, VirtualCursor, VirtualTable};
use crate::error::{Error, Result};
use crate::exec::{Batch, ExecContext};
use crate::value::cast::cast;
use crate::value::{Affinity, Value};

use super::catalogue::{self, Entry};
use super::{PragmaContext, Row};

const PREFIX: &str = "pragma_";

/// The table-valued function called `name` (`pragma_table_info`), if there is one.
pub fn table_function(name: &str) -> Option<PragmaFunction> {
    let (prefix, pragma) = name.split_at_checked(PREFIX.len())?;
    let entry =
        catalogue::find(pragma).filter(|entry| prefix.eq_ignore_ascii_case(PREFIX) && entry.function)?;
    let column = |name: &str, hidden| VirtualColumn {
        name: name.to_owned(),
        declared_type: String::new(),
        hidden,
    };
    let names = entry.column_names(false);
    let mut columns: Vec<VirtualColumn> = names.into_iter().map(|name| column(name, false)).collect();
    columns.extend([column("arg", true), column("schema", true)]);
    Some(PragmaFunction {
        name: format!("{PREFIX}{}", entry.name),
        entry,
        columns,
    })
}

/// A pragma as a table.
pub struct PragmaFunction {
    name: String,
    entry: &'static Entry,
    columns: Vec<VirtualColumn>,
}

impl std::fmt::Debug for PragmaFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PragmaFunction").field(&self.name).finish()
    }
}

impl VirtualTable for PragmaFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> &[VirtualColumn] {
        &self.columns
    }

    fn open(
        &self,
        context: &mut ExecContext<'_>,
        arguments: &[(usize, Value)],
    ) -> Result<Box<dyn VirtualCursor>> {
        let visible = self.columns.len() - 2;
        let argument = |column: usize| {
            let found = arguments
                .iter()
                .find(|(number, _)| *number == column)
                .map(|(_, value)| value);
            found.and_then(text_of)
        };
        let (value, schema) = (argument(visible), argument(visible + 1));
        let rows = answer(self.entry, value.as_deref(), schema.as_deref(), context)?;
        Ok(Box::new(Answered {
            rows: rows.into_iter(),
            hidden: [value, schema],
            visible,
        }))
    }
}

fn answer(
    entry: &'static Entry,
    value: Option<&str>,
    schema: Option<&str>,
    context: &mut ExecContext<'_>,
) -> Result<Vec<Row>> {
    let database = match schema {
        Some(name) => {
            let found = context
                .state
                .databases
                .iter()
                .position(|database| database.name.eq_ignore_ascii_case(name));
            Some(found.ok_or_else(|| Error::sql(format!("unknown database {name}")))?)
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
fn text_of(value: &Value) -> Option<String> {
    match cast(value.as_ref(), Affinity::Text) {
        Value::Text(text) => Some(text.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// Rows that were answered, handed out.
struct Answered {
    rows: std::vec::IntoIter<Row>,
    /// What the hidden columns were given.
    hidden: [Option<String>; 2],
    visible: usize,
}

impl VirtualCursor for Answered {
    fn fill(
        &mut self,
        _context: &mut ExecContext<'_>,
        columns: &[usize],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        for row in self.rows.by_ref().take(max) {
            for (vector, &column) in batch.columns.iter_mut().zip(columns) {
                match (row.get(column), column.checked_sub(self.visible)) {
                    (_, Some(hidden)) => match self.hidden.get(hidden).and_then(Option::as_deref) {
                        Some(given) => vector.push(crate::value::ValueRef::Text(given.as_bytes())),
                        None => vector.push_null(),
                    },
                    (Some(value), None) => vector.push(value.as_ref()),
                    (None, None) => vector.push_null(),
                }
            }
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
