//! `json` and `ndjson`: an object a row, its members in the order of the columns; values as in all JSON of dbtool.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;
use serde_json::json;

use crate::output::{RowWriter, json_value};

/// Writes `[{..},\n{..}]`, or the objects alone.
pub(super) struct Objects<'o> {
    out: &'o mut dyn Write,
    is_array: bool,
    /// The columns' names as JSON.
    names: Vec<String>,
    rows: u64,
}

impl<'o> Objects<'o> {
    /// Writes one array.
    pub(super) fn array(out: &'o mut dyn Write) -> Self {
        Objects {
            out,
            is_array: true,
            names: Vec::new(),
            rows: 0,
        }
    }

    /// Writes an object a line.
    pub(super) fn lines(out: &'o mut dyn Write) -> Self {
        Objects {
            is_array: false,
            ..Objects::array(out)
        }
    }
}

impl RowWriter for Objects<'_> {
    /// Names that come twice get a number, so that no value is lost.
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        let names = names.iter().enumerate().map(|(place, name)| {
            match names[..place].iter().filter(|own| *own == name).count() {
                0 => json!(name).to_string(),
                again => json!(format!("{name}:{again}")).to_string(),
            }
        });
        self.names = names.collect();
        match self.is_array {
            true => write!(self.out, "["),
            false => Ok(()),
        }
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let fields = self.names.iter().zip(values);
        let fields: Vec<String> = fields
            .map(|(name, value)| format!("{name}:{}", json_value(*value)))
            .collect();
        let (before, after) = match (self.is_array, self.rows) {
            (false, _) => ("", "\n"),
            (true, 0) => ("", ""),
            (true, _) => (",\n", ""),
        };
        self.rows += 1;
        write!(self.out, "{before}{{{}}}{after}", fields.join(","))
    }

    fn end(&mut self, _: bool) -> io::Result<()> {
        match self.is_array {
            true => writeln!(self.out, "]"),
            false => Ok(()),
        }
    }
}
