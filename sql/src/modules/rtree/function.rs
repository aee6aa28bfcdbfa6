//! `rtreenode()`, `rtreedepth()`, `rtreecheck()`.

use super::cell::Coordinate;
use super::{DIMENSIONS_MAX, check};
use crate::error::{Error, Result};
use crate::functions::{Arity, Function, FunctionContext, FunctionFlags, ValueSink, printf};
use crate::value::cast::cast;
use crate::value::{Affinity, Value, ValueRef, number};
use crate::virtual_table::VirtualContext;

/// The functions that come with R-trees.
pub(crate) fn functions() -> Vec<Function> {
    let scalar = |name, arity, function| Function {
        builtin: true,
        ..Function::scalar(name, Arity::Exact(arity), FunctionFlags::default(), function)
    };
    type Scalar = fn(&mut FunctionContext<'_>, &[ValueRef<'_>], &mut dyn ValueSink) -> Result<()>;
    vec![
        scalar("rtreenode", 2, rtreenode as Scalar),
        scalar("rtreedepth", 1, rtreedepth as Scalar),
        Function::database("rtreecheck", Arity::AtLeast(0), rtreecheck),
    ]
}

/// `rtreenode(dimensions, node)`: the cells of a node as text; NULL for what is no node, and for one without cells.
fn rtreenode(_: &mut FunctionContext<'_>, args: &[ValueRef<'_>], out: &mut dyn ValueSink) -> Result<()> {
    let text = match args {
        [dimensions, ValueRef::Blob(node) | ValueRef::Text(node)] => {
            let dimensions = usize::try_from(number::integer_of(*dimensions)).unwrap_or(0);
            node_text(dimensions, node)?
        }
        _ => Vec::new(),
    };
    match text.is_empty() {
        true => out.null(),
        false => out.text(&text),
    }
    Ok(())
}

fn node_text(dimensions: usize, node: &[u8]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let &[_, _, high, low, ..] = node else {
        return Ok(text);
    };
    let count = usize::from(u16::from_be_bytes([high, low]));
    let width = 8 + dimensions * 8;
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) || node.len() < count * width {
        return Ok(text);
    }
    // The four bytes in front are not counted above, so the last cell may lack as many.
    let mut cells = node[4..].to_vec();
    cells.resize(count * width, 0);
    for (place, cell) in cells.chunks_exact(width).enumerate() {
        let (rowid, bounds) = cell.split_at(8);
        let rowid = rowid.try_into().map_or(0, i64::from_be_bytes);
        let gap = if place > 0 { " " } else { "" };
        text.extend_from_slice(format!("{gap}{{{rowid}").as_bytes());
        for bits in bounds.chunks_exact(4) {
            let bits = bits.try_into().map_or(0, u32::from_be_bytes);
            let value = ValueRef::Real(Coordinate::from_bits(bits, false).number());
            printf::format_into(b" %g", &[value], &mut text, usize::MAX)?;
        }
        text.push(b'}');
    }
    Ok(text)
}

/// `rtreedepth(root)`: the depth of the tree.
fn rtreedepth(_: &mut FunctionContext<'_>, args: &[ValueRef<'_>], out: &mut dyn ValueSink) -> Result<()> {
    match args {
        &[ValueRef::Blob(&[high, low, ..])] => {
            out.integer(u16::from_be_bytes([high, low]).into());
            Ok(())
        }
        _ => Err(Error::sql("Invalid argument to rtreedepth()")),
    }
}

/// `rtreecheck([schema,] table)`: `ok`, or what is wrong.
fn rtreecheck(
    context: &mut VirtualContext<'_>,
    args: &[ValueRef<'_>],
    out: &mut dyn ValueSink,
) -> Result<()> {
    let text = |value: ValueRef<'_>| match cast(value, Affinity::Text) {
        Value::Text(text) => text.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    let (schema, table) = match args {
        [table] => ("main".to_owned(), text(*table)),
        [schema, table] => (text(*schema), text(*table)),
        _ => {
            return Err(Error::sql("wrong number of arguments to function rtreecheck()"));
        }
    };
    let findings = check::check(context, &schema, &table)?;
    match findings.is_empty() {
        true => out.text(b"ok"),
        false => out.text(findings.join("\n").as_bytes()),
    }
    Ok(())
}
