//! Whether a tree fits its shadow tables: what `rtreecheck()` tells.
//!
//! It looks at the tables from outside, as they are: the table itself may be such that it cannot be connected.

use super::cell::Coordinate;
use super::{DEPTH_MAX, shadow};
use crate::error::Result;
use crate::value::{Value, ValueRef, number};
use crate::virtual_table::VirtualContext;

/// The most findings that are told.
const FINDINGS_MAX: usize = 100;

/// Checks a table; no findings when all is well.
pub(super) fn check(context: &mut VirtualContext<'_>, schema: &str, table: &str) -> Result<Vec<String>> {
    let rowid_table = format!("SELECT * FROM {}", shadow(schema, table, "rowid"));
    let auxiliary = columns_of(context, &rowid_table).map_or(0, |count| count.saturating_sub(2));
    let own = format!("\"{}\".\"{}\"", super::doubled(schema), super::doubled(table));
    let sql = format!("SELECT * FROM {own}");
    let mut check = Check {
        schema,
        table,
        dimensions: 0,
        integers: false,
        leaves: 0,
        inner: 0,
        findings: Vec::new(),
    };
    let columns = columns_of(context, &sql)?;
    check.dimensions = columns.saturating_sub(1 + auxiliary) / 2;
    if check.dimensions < 1 {
        return Ok(vec!["Schema corrupt or not an rtree".to_owned()]);
    }
    let first = context.query_row(&sql, &[], |row| Ok(matches!(row.value(1), ValueRef::Integer(_))));
    // A tree that cannot be read is what the check is to tell of.
    check.integers = matches!(first, Ok(Some(true)));
    check.node(context, None, 1)?;
    check.count(context, "rowid", check.leaves)?;
    check.count(context, "parent", check.inner)?;
    Ok(check.findings)
}

/// How many columns a query has.
fn columns_of(context: &mut VirtualContext<'_>, sql: &str) -> Result<usize> {
    let mut statement = crate::virtual_table::Prepared::new(&format!("{sql} LIMIT 0"));
    statement.start(context, &[])?;
    Ok(statement.column_count())
}

struct Check<'a> {
    schema: &'a str,
    table: &'a str,
    dimensions: usize,
    integers: bool,
    leaves: i64,
    inner: i64,
    findings: Vec<String>,
}

impl Check<'_> {
    fn tell(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    /// Checks a node and what is below it. `above` is the depth below the node's parent, and the node's box there.
    fn node(
        &mut self,
        context: &mut VirtualContext<'_>,
        above: Option<(usize, Vec<Coordinate>)>,
        number: i64,
    ) -> Result<()> {
        context.check_interrupt()?;
        let sql = format!(
            "SELECT data FROM {} WHERE nodeno=?1",
            shadow(self.schema, self.table, "node")
        );
        let bytes = context.query_row(&sql, &[Value::Integer(number)], |row| {
            Ok(match row.value(0) {
                ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            })
        })?;
        let Some(bytes) = bytes else {
            self.tell(format!("Node {number} missing from database"));
            return Ok(());
        };
        let &[depth_high, depth_low, count_high, count_low, ..] = bytes.as_slice() else {
            self.tell(format!("Node {number} is too small ({} bytes)", bytes.len()));
            return Ok(());
        };
        let depth = match &above {
            Some((depth, _)) => *depth,
            None => usize::from(u16::from_be_bytes([depth_high, depth_low])),
        };
        if depth > DEPTH_MAX {
            self.tell(format!("Rtree depth out of range ({depth})"));
            return Ok(());
        }
        let count = usize::from(u16::from_be_bytes([count_high, count_low]));
        let width = 8 + self.dimensions * 8;
        let Some(cells) = bytes.get(4..4 + count * width) else {
            self.tell(format!(
                "Node {number} is too small for cell count of {count} ({} bytes)",
                bytes.len()
            ));
            return Ok(());
        };
        for (place, cell) in cells.chunks_exact(width).enumerate() {
            let (rowid, bounds) = self.cell(cell);
            self.bounds(
                number,
                place,
                &bounds,
                above.as_ref().map(|(_, bounds)| bounds.as_slice()),
            );
            self.mapping(context, depth == 0, rowid, number)?;
            match depth {
                0 => self.leaves += 1,
                depth => {
                    self.node(context, Some((depth - 1, bounds)), rowid)?;
                    self.inner += 1;
                }
            }
        }
        Ok(())
    }

    fn cell(&self, bytes: &[u8]) -> (i64, Vec<Coordinate>) {
        let (rowid, bounds) = bytes.split_at(8);
        let rowid = rowid.try_into().map_or(0, i64::from_be_bytes);
        let bounds = bounds.chunks_exact(4).map(|bits| {
            let bits = bits.try_into().map_or(0, u32::from_be_bytes);
            Coordinate::from_bits(bits, self.integers)
        });
        (rowid, bounds.collect())
    }

    fn bounds(&mut self, node: i64, cell: usize, bounds: &[Coordinate], above: Option<&[Coordinate]>) {
        for (dimension, own) in bounds.chunks_exact(2).enumerate() {
            let (low, high) = (own[0].number(), own[1].number());
            if low > high {
                self.tell(format!(
                    "Dimension {dimension} of cell {cell} on node {node} is corrupt"
                ));
            }
            let outer = above.and_then(|above| above.get(dimension * 2..dimension * 2 + 2));
            if outer.is_some_and(|outer| low < outer[0].number() || high > outer[1].number()) {
                self.tell(format!(
                    "Dimension {dimension} of cell {cell} on node {node} is corrupt relative to parent"
                ));
            }
        }
    }

    /// The shadow tables have to tell where an entry or node is.
    fn mapping(&mut self, context: &mut VirtualContext<'_>, leaf: bool, key: i64, node: i64) -> Result<()> {
        let (column, suffix, key_column) = match leaf {
            true => ("nodeno", "rowid", "rowid"),
            false => ("parentnode", "parent", "nodeno"),
        };
        let sql = format!(
            "SELECT {column} FROM {} WHERE {key_column}=?1",
            shadow(self.schema, self.table, suffix)
        );
        let found = context.query_row(&sql, &[Value::Integer(key)], |row| {
            Ok(number::integer_of(row.value(0)))
        })?;
        match found {
            None => self.tell(format!("Mapping ({key} -> {node}) missing from %_{suffix} table")),
            Some(found) if found != node => self.tell(format!(
                "Found ({key} -> {found}) in %_{suffix} table, expected ({key} -> {node})"
            )),
            Some(_) => {}
        }
        Ok(())
    }

    fn count(&mut self, context: &mut VirtualContext<'_>, suffix: &str, expected: i64) -> Result<()> {
        let sql = format!("SELECT count(*) FROM {}", shadow(self.schema, self.table, suffix));
        let actual = context.query_row(&sql, &[], |row| Ok(number::integer_of(row.value(0))))?;
        let actual = actual.unwrap_or(0);
        if actual != expected {
            self.tell(format!(
                "Wrong number of entries in %_{suffix} table - expected {expected}, actual {actual}"
            ));
        }
        Ok(())
    }
}
