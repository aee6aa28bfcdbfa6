//! Pragmas as table-valued functions: `SELECT name FROM pragma_table_info('t')`.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Rows, TABLES, schema};
use crate::catalog::{VirtualColumn, VirtualCursor, VirtualTable};
use crate::error::Result;
use crate::exec::{Batch, ExecContext};
use crate::value::Value;

/// All pragma functions by name.
pub(crate) fn table_functions() -> FxHashMap<String, Arc<dyn VirtualTable>> {
    TABLES.iter().filter(|table| INSPECTING.contains(&table.name)).map(|table| {
        let function = PragmaFunction::new(table.name, table.columns);
        (function.name.clone(), Arc::new(function) as Arc<dyn VirtualTable>)
    }).collect()
}

/// Those that look at schemas only.
const INSPECTING: [&str; 8] = [
    "database_list",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// A pragma that can be selected from. Its hidden columns are the argument and the schema.
#[derive(Debug)]
struct PragmaFunction {
    name: String,
    pragma: &'static str,
    columns: Vec<VirtualColumn>,
    width: usize,
}

impl PragmaFunction {
    fn new(pragma: &'static str, columns: &[&str]) -> PragmaFunction {
        let column = |name: &&str, hidden| VirtualColumn {
            name: (*name).to_owned(),
            declared_type: String::new(),
            hidden,
        };
        let width = columns.len();
        let visible = columns.iter().map(|name| column(name, false));
        let hidden = ["arg", "schema"];
        let columns = visible.chain(hidden.iter().map(|name| column(name, true))).collect();
        PragmaFunction { name: format!("pragma_{pragma}"), pragma, columns, width }
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
        let text = |place: usize| {
            let value = arguments.iter().find(|(column, _)| *column == self.width + place).map(|(_, value)| value);
            value.and_then(|value| {
                let mut buffer = Vec::new();
                let bytes = crate::value::decimal::bytes_of(value.as_ref(), &mut buffer)?;
                Some(String::from_utf8_lossy(bytes).into_owned())
            })
        };
        let named = text(1);
        let number = named.as_ref().and_then(|named| {
            context.databases.iter().position(|database| database.name.eq_ignore_ascii_case(named))
        });
        let unknown = named.is_some() && number.is_none();
        let argument = text(0);
        let rows = if unknown {
            None
        } else {
            schema::run(context.databases, self.pragma, number, argument.as_deref())?
        };
        let rows = rows.unwrap_or_else(|| Rows::new(self.width));
        let hidden = [argument, named].map(|text| text.map_or(Value::Null, Value::from));
        Ok(Box::new(PragmaCursor { rows, next: 0, width: self.width, hidden }))
    }
}

struct PragmaCursor {
    rows: Rows,
    next: usize,
    width: usize,
    hidden: [Value; 2],
}

impl VirtualCursor for PragmaCursor {
    fn fill(
        &mut self,
        _: &mut ExecContext<'_>,
        columns: &[usize],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let source = self.rows.batch();
        let count = max.min(source.len() - self.next);
        for row in self.next..self.next + count {
            for (out, &column) in batch.columns.iter_mut().zip(columns) {
                match column.checked_sub(self.width) {
                    None => out.push_from(&source.columns[column], row),
                    Some(hidden) => out.push(self.hidden.get(hidden).map_or(Value::Null.as_ref(), Value::as_ref)),
                }
            }
        }
        self.next += count;
        Ok(count)
    }
}
