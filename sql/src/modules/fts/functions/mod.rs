//! `snippet(t)`, `offsets(t)`, `matchinfo(t)` and `optimize(t)`: functions whose first argument is the table's own hidden column.
//!
//! What they get in its place is the [`handle`](super::handle) of a row. On a row that no MATCH found the first three have nothing to say.

mod matchinfo;
mod offsets;
mod snippet;

use std::sync::Arc;

use super::handle::{self, Handle};
use super::query::matches::Matches;
use super::shadow::{anonymous, query_row};
use super::table::FtsTable;
use super::writing::text_of;
use crate::error::{Error, Result};
use crate::functions::{Arity, Function, ValueSink};
use crate::value::{Value, ValueRef};
use crate::virtual_table::{Overload, VirtualContext};

type Body = fn(&Call<'_, '_>, &mut VirtualContext<'_>, &mut dyn ValueSink) -> Result<()>;

/// The functions: name, the most arguments, what it does.
const FUNCTIONS: [(&str, usize, Body); 4] = [
    ("snippet", 6, snippet::snippet),
    ("offsets", 1, offsets::offsets),
    ("matchinfo", 2, matchinfo::matchinfo),
    ("optimize", 1, optimize),
];

/// One call.
struct Call<'t, 'a> {
    table: &'t Arc<FtsTable>,
    handle: Handle,
    arguments: &'a [ValueRef<'a>],
}

/// The function `name` as the table means it.
pub(super) fn overload(table: &Arc<FtsTable>, name: &str) -> Option<Overload> {
    let (name, most, body) = FUNCTIONS
        .into_iter()
        .find(|function| name.eq_ignore_ascii_case(function.0))?;
    let table = Arc::clone(table);
    let call =
        move |context: &mut VirtualContext<'_>, arguments: &[ValueRef<'_>], out: &mut dyn ValueSink| {
            if arguments.is_empty() || arguments.len() > most {
                return Err(Error::sql(format!(
                    "wrong number of arguments to function {name}()"
                )));
            }
            let handle = match arguments[0] {
                ValueRef::Blob(bytes) => handle::read(bytes),
                _ => None,
            };
            let handle = handle.ok_or_else(|| Error::sql(format!("illegal first argument to {name}")))?;
            let call = Call {
                table: &table,
                handle,
                arguments,
            };
            body(&call, context, out)
        };
    Some(Overload {
        function: Arc::new(Function::database(name, Arity::AtLeast(1), call)),
        constraint: None,
    })
}

impl Call<'_, '_> {
    /// The matches of the query that found the row.
    fn matches(&self, context: &mut VirtualContext<'_>) -> Result<Option<Arc<Matches>>> {
        match &self.handle.query {
            Some(query) => self.table.matches_of(context, query),
            None => Ok(None),
        }
    }

    fn language(&self) -> i32 {
        self.handle.query.as_ref().map_or(0, |query| query.language)
    }

    /// The texts of the row's columns; `None` for NULL.
    fn texts(&self, context: &mut VirtualContext<'_>) -> Result<Vec<Option<Vec<u8>>>> {
        let sql = format!("{} WHERE rowid = ?1", self.table.content.select);
        let count = self.table.columns.len();
        let found = query_row(context, &sql, &[Value::Integer(self.handle.docid)], |row| {
            let texts = (0..count).map(|column| text_of(row.value(column + 1)).map(|text| text.into_owned()));
            texts.collect::<Vec<_>>()
        })?;
        match found {
            Some(texts) => Ok(texts),
            None if self.table.content.external.is_some() => Ok(vec![None; count]),
            None => Err(super::doclist::corrupt()),
        }
    }
}

/// `optimize(t)`: an older form of the command.
fn optimize(call: &Call<'_, '_>, context: &mut VirtualContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
    let table = call.table;
    let changed = context
        .writing(table.shadow.schema(), |context| table.optimize(context))
        .map_err(anonymous)?;
    out.text(if changed {
        b"Index optimized"
    } else {
        b"Index already optimal"
    });
    Ok(())
}

/// Numbers of words and columns in a query that no 32 bits hold are cut.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
