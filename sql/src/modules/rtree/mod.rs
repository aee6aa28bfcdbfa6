//! `rtree` and `rtree_i32`: boxes in one to five dimensions, found by where they lie.
//!
//! ```text
//!   t_node    nodeno -> node      1 is the root
//!   t_parent  nodeno -> nodeno of the node above
//!   t_rowid   rowid  -> nodeno of the leaf, and the auxiliary columns a0, a1, ..
//!
//!   node   depth of the tree (root only) u16 | cells u16 | cell, cell, .. | zeros
//!   cell   rowid of an entry, or number of the node below i64 | min, max of each dimension: f32 or i32
//! ```
//!
//! All numbers are big-endian. Nodes, and the choices that shape the tree, are SQLite's (an R*-tree without reinsertion), so both read and change each
//! other's tables.
//!
//! | module | what it owns |
//! |---|---|
//! | `cell` | boxes: coordinates, areas, unions |
//! | `node` | the bytes of a node |
//! | `store` | nodes in and out of the shadow tables |
//! | `insert`, `split`, `delete` | changing the tree |
//! | `scan` | plans and cursors |
//! | `check` | `rtreecheck()` and what PRAGMA integrity_check asks |
//! | `function` | `rtreenode()`, `rtreedepth()` |

mod cell;
mod check;
mod delete;
mod function;
mod insert;
mod node;
mod scan;
mod split;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::error::{ConstraintKind, Error, Result};
use crate::syntax::ast::ConflictAction;
use crate::value::{Value, number};
use crate::virtual_table::{
    Change, Connected, IndexPlan, IndexQuestion, Module, ModuleArguments, Risk, VirtualContext,
    VirtualCursor, VirtualTable,
};
use cell::{Cell, Coordinate};
pub(crate) use function::functions;
use store::Store;

/// The most dimensions.
const DIMENSIONS_MAX: usize = 5;
/// The most auxiliary columns.
const AUXILIARY_MAX: usize = 100;
/// The most cells of a node.
const CELLS_MAX: usize = 51;
/// The deepest tree.
const DEPTH_MAX: usize = 40;

/// The module; `integers` tells `rtree_i32` from `rtree`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RtreeModule {
    pub integers: bool,
}

/// What all parts of a tree need to know of it.
#[derive(Clone, Copy, Debug)]
struct Shape {
    dimensions: usize,
    integers: bool,
    node_bytes: usize,
}

impl Shape {
    fn cell_bytes(&self) -> usize {
        8 + self.dimensions * 8
    }

    fn cells_max(&self) -> usize {
        (self.node_bytes - 4) / self.cell_bytes()
    }

    /// A node with fewer cells is dissolved.
    fn cells_min(&self) -> usize {
        self.cells_max() / 3
    }
}

/// A table.
#[derive(Debug)]
struct Rtree {
    shape: Shape,
    name: String,
    columns: Vec<String>,
    auxiliary: usize,
    /// Entries, as ANALYZE counted them.
    rows: AtomicI64,
    store: Store,
}

impl Module for RtreeModule {
    fn create(&self, context: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<Connected> {
        let declared = Declared::of(arguments, self.integers)?;
        let page = context.database(arguments.schema)?.pager.page_size();
        let cell_bytes = 8 + declared.dimensions * 8;
        let node_bytes = page.saturating_sub(64).min(4 + cell_bytes * CELLS_MAX);
        create_shadow_tables(context, arguments, declared.auxiliary, node_bytes)?;
        declared.table(context, arguments, self.integers, node_bytes)
    }

    fn connect(
        &self,
        context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
    ) -> Result<Connected> {
        let declared = Declared::of(arguments, self.integers)?;
        let sql = format!(
            "SELECT length(data) FROM {} WHERE nodeno = 1",
            shadow(arguments.schema, arguments.table, "node")
        );
        let length = context.query_row(&sql, &[], |row| Ok(number::integer_of(row.value(0))))?;
        let length = length.unwrap_or(0);
        let node_bytes = usize::try_from(length)
            .ok()
            .filter(|bytes| (512 - 64..=1 << 17).contains(bytes));
        let Some(node_bytes) = node_bytes else {
            return Err(Error::Corrupt {
                message: format!("undersize RTree blobs in \"{}_node\"", arguments.table),
            });
        };
        declared.table(context, arguments, self.integers, node_bytes)
    }

    fn is_shadow_name(&self, suffix: &str) -> bool {
        ["node", "parent", "rowid"]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(suffix))
    }
}

/// `"main"."t_node"`.
fn shadow(schema: &str, table: &str, suffix: &str) -> String {
    format!("\"{}\".\"{}_{suffix}\"", doubled(schema), doubled(table))
}

fn doubled(name: &str) -> String {
    name.replace('"', "\"\"")
}

fn create_shadow_tables(
    context: &mut VirtualContext<'_>,
    arguments: &ModuleArguments<'_>,
    auxiliary: usize,
    node_bytes: usize,
) -> Result<()> {
    let shadow = |suffix| shadow(arguments.schema, arguments.table, suffix);
    let auxiliary: String = (0..auxiliary).map(|number| format!(",a{number}")).collect();
    let tables = [
        format!(
            "CREATE TABLE {}(rowid INTEGER PRIMARY KEY,nodeno{auxiliary})",
            shadow("rowid")
        ),
        format!("CREATE TABLE {}(nodeno INTEGER PRIMARY KEY,data)", shadow("node")),
        format!(
            "CREATE TABLE {}(nodeno INTEGER PRIMARY KEY,parentnode)",
            shadow("parent")
        ),
        format!("INSERT INTO {}VALUES(1,zeroblob({node_bytes}))", shadow("node")),
    ];
    for sql in tables {
        context.execute(&sql, &[])?;
    }
    Ok(())
}

/// What the arguments of CREATE VIRTUAL TABLE say.
struct Declared {
    text: String,
    columns: Vec<String>,
    dimensions: usize,
    auxiliary: usize,
}

impl Declared {
    fn of(arguments: &ModuleArguments<'_>, integers: bool) -> Result<Declared> {
        const FEW: &str = "Too few columns for an rtree table";
        const MANY: &str = "Too many columns for an rtree table";
        let given = arguments.arguments;
        if given.len() < 3 {
            return Err(Error::sql(FEW));
        }
        if given.len() > AUXILIARY_MAX {
            return Err(Error::sql(MANY));
        }
        let mut columns = vec![first_token(&given[0]).to_owned()];
        let mut text = format!("CREATE TABLE x({} INT", columns[0]);
        let (mut coordinates, mut auxiliary) = (0, 0);
        for argument in &given[1..] {
            let name = match argument.strip_prefix('+') {
                Some(name) => {
                    auxiliary += 1;
                    let name = first_token(name);
                    text += &format!(",{name}");
                    name
                }
                None if auxiliary > 0 => return Err(Error::sql("Auxiliary rtree columns must be last")),
                None => {
                    coordinates += 1;
                    let name = first_token(argument);
                    text += &format!(",{name} {}", if integers { "INT" } else { "REAL" });
                    name
                }
            };
            columns.push(name.to_owned());
        }
        text += ");";
        // A column that has no name, or one twice, is worse than a wrong number of them.
        crate::syntax::parse_one(text.as_bytes())?;
        let dimensions = coordinates / 2;
        if dimensions < 1 {
            return Err(Error::sql(FEW));
        }
        if dimensions > DIMENSIONS_MAX || coordinates > DIMENSIONS_MAX * 2 {
            return Err(Error::sql(MANY));
        }
        if coordinates % 2 != 0 {
            return Err(Error::sql("Wrong number of columns for an rtree table"));
        }
        Ok(Declared {
            text,
            columns,
            dimensions,
            auxiliary,
        })
    }

    fn table(
        self,
        context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
        integers: bool,
        node_bytes: usize,
    ) -> Result<Connected> {
        let shape = Shape {
            dimensions: self.dimensions,
            integers,
            node_bytes,
        };
        let rows = counted_rows(context, arguments)?;
        Ok(Connected {
            declaration: self.text,
            table: Arc::new(Rtree {
                shape,
                name: arguments.table.to_owned(),
                columns: self.columns.iter().map(|name| unquoted(name)).collect(),
                auxiliary: self.auxiliary,
                rows: AtomicI64::new(rows),
                store: Store::new(arguments.schema, arguments.table, self.auxiliary),
            }),
        })
    }
}

/// How many entries there are, by sqlite_stat1; SQLite's guess without it.
fn counted_rows(context: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<i64> {
    const GUESS: i64 = 1_048_576;
    const LEAST: i64 = 100;
    if !context.has_table(arguments.schema, "sqlite_stat1")? {
        return Ok(GUESS);
    }
    let sql = format!(
        "SELECT stat FROM \"{}\".sqlite_stat1 WHERE tbl = ?1",
        doubled(arguments.schema)
    );
    let table = Value::from(format!("{}_rowid", arguments.table));
    let counted = context.query_row(&sql, &[table], |row| Ok(number::integer_of(row.value(0))))?;
    Ok(counted.map_or(GUESS, |rows| rows.max(LEAST)))
}

/// The first word of a column's definition; its type means nothing.
fn first_token(text: &str) -> &str {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let quote = match bytes.first() {
        Some(b'[') => Some(b']'),
        Some(quote @ (b'"' | b'\'' | b'`')) => Some(*quote),
        _ => None,
    };
    let end = match quote {
        Some(quote) => {
            let mut place = 1;
            loop {
                match (bytes.get(place), bytes.get(place + 1)) {
                    (None, _) => break place,
                    (Some(&byte), Some(&next)) if byte == quote && next == quote && quote != b']' => {
                        place += 2
                    }
                    (Some(&byte), _) if byte == quote => break place + 1,
                    _ => place += 1,
                }
            }
        }
        None => bytes
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80))
            .unwrap_or(bytes.len()),
    };
    text.get(..end).unwrap_or(text)
}

fn unquoted(name: &str) -> String {
    match name.as_bytes().first() {
        Some(b'[') => name.trim_start_matches('[').trim_end_matches(']').to_owned(),
        Some(&quote @ (b'"' | b'\'' | b'`')) => {
            let quote = char::from(quote);
            let inner = name.strip_prefix(quote).unwrap_or(name);
            let inner = inner.strip_suffix(quote).unwrap_or(inner);
            inner.replace(&format!("{quote}{quote}"), &quote.to_string())
        }
        _ => name.to_owned(),
    }
}

impl VirtualTable for Rtree {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        Ok(Some(scan::plan(
            self.shape,
            self.rows.load(Ordering::Relaxed),
            question,
        )))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(scan::RtreeCursor::new(
            self.shape,
            self.store.clone(),
            self.auxiliary,
        )))
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn heeds_conflicts(&self) -> bool {
        true
    }

    fn update(
        &self,
        context: &mut VirtualContext<'_>,
        change: Change<'_>,
        conflict: ConflictAction,
    ) -> Result<Option<i64>> {
        let mut tree = self.store.open(self.shape);
        let rowid = match change {
            Change::Delete { row } => {
                tree.delete(context, number::integer_of(row.as_ref()))?;
                None
            }
            Change::Insert { values, .. } => {
                let (cell, given) = self.cell_of(values)?;
                if given {
                    self.make_room(context, &mut tree, cell.rowid, conflict)?;
                }
                Some(self.put(context, &mut tree, cell, given, values)?)
            }
            Change::Update { row, values, .. } => {
                let old = number::integer_of(row.as_ref());
                let (cell, given) = self.cell_of(values)?;
                if given && cell.rowid != old {
                    self.make_room(context, &mut tree, cell.rowid, conflict)?;
                }
                tree.delete(context, old)?;
                self.put(context, &mut tree, cell, given, values)?;
                None
            }
        };
        tree.flush(context)?;
        Ok(rowid)
    }

    fn rename(&self, context: &mut VirtualContext<'_>, new_name: &str) -> Result<()> {
        for suffix in ["node", "parent", "rowid"] {
            let sql = format!(
                "ALTER TABLE {} RENAME TO \"{}_{suffix}\"",
                self.store.shadow(suffix),
                doubled(new_name)
            );
            context.execute(&sql, &[])?;
        }
        Ok(())
    }

    fn destroy(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        for suffix in ["node", "rowid", "parent"] {
            context.execute(&format!("DROP TABLE {}", self.store.shadow(suffix)), &[])?;
        }
        Ok(())
    }

    fn integrity(&self, context: &mut VirtualContext<'_>, _: bool) -> Result<Vec<String>> {
        let schema = self.store.schema();
        let findings = check::check(context, schema, &self.name)?;
        Ok(match findings.is_empty() {
            true => Vec::new(),
            false => vec![format!(
                "In RTree {schema}.{}:\n{}",
                self.name,
                findings.join("\n")
            )],
        })
    }

    fn risk(&self) -> Risk {
        Risk::Innocuous
    }
}

impl Rtree {
    /// The box of a row, and whether the row says which number it has.
    fn cell_of(&self, values: &[Value]) -> Result<(Cell, bool)> {
        let mut cell = Cell::default();
        let value = |place: usize| values.get(place).map(Value::as_ref).unwrap_or_default();
        // A column that calls itself CONSTRAINT is none, so that there may be too few.
        let bounds = values.len().saturating_sub(2).min(self.shape.dimensions * 2);
        for low in (0..bounds).step_by(2) {
            let high = low + 1;
            cell.bounds[low] = Coordinate::at_most(value(low + 1), self.shape.integers);
            cell.bounds[high] = Coordinate::at_least(value(high + 1), self.shape.integers);
            if cell.bounds[low].number() > cell.bounds[high].number() {
                let name = |place: usize| self.columns.get(place).map_or("", String::as_str);
                return Err(Error::constraint(
                    ConstraintKind::Any,
                    format!(
                        "rtree constraint failed: {}.({}<={})",
                        self.name,
                        name(low + 1),
                        name(high + 1)
                    ),
                ));
            }
        }
        let given = !value(0).is_null();
        if given {
            cell.rowid = number::integer_of(value(0));
        }
        Ok((cell, given))
    }

    /// A number may be given once only.
    fn make_room(
        &self,
        context: &mut VirtualContext<'_>,
        tree: &mut store::Tree<'_>,
        rowid: i64,
        conflict: ConflictAction,
    ) -> Result<()> {
        if self.store.leaf_of(context, rowid)?.is_none() {
            return Ok(());
        }
        if conflict == ConflictAction::Replace {
            return tree.delete(context, rowid);
        }
        let column = self.columns.first().map_or("", String::as_str);
        Err(Error::constraint(
            ConstraintKind::Any,
            format!("UNIQUE constraint failed: {}.{column}", self.name),
        ))
    }

    fn put(
        &self,
        context: &mut VirtualContext<'_>,
        tree: &mut store::Tree<'_>,
        mut cell: Cell,
        given: bool,
        values: &[Value],
    ) -> Result<i64> {
        if !given {
            cell.rowid = self.store.new_rowid(context)?;
        }
        tree.insert(context, &cell)?;
        if self.auxiliary > 0 {
            let first = 1 + self.shape.dimensions * 2;
            let auxiliary = values.get(first..).unwrap_or(&[]);
            self.store.write_auxiliary(context, cell.rowid, auxiliary)?;
        }
        Ok(cell.rowid)
    }
}

/// The error for a tree that contradicts itself.
fn corrupt() -> Error {
    Error::Corrupt {
        message: "database disk image is malformed".to_owned(),
    }
}
