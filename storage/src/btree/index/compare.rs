//! Comparing the entries of a page with a key, where they lie.

use std::cmp::Ordering;

use crate::btree::overflow;
use crate::error::{Error, Result, corrupt};
use crate::format::cell::{Cell, PayloadLimits};
use crate::format::page::PageRef;
use crate::format::{KeyOrder, PageNo, PartialOrdering, ValueRef, record};
use crate::pager::Pager;

/// The order of cell `index` of `page` relative to `key`.
#[inline]
pub(super) fn compare(
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    index: usize,
    limits: &PayloadLimits,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    let short = page
        .whole_payload(index, limits)
        .and_then(|record| order.compare_short(record, key));
    match short {
        Some(order) => Ok(order),
        None => compare_long(pager, order, page, index, limits, key, spill),
    }
}

#[inline(never)]
fn compare_long(
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    index: usize,
    limits: &PayloadLimits,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    let cell = page.cell(index, limits)?;
    match order.compare_local(cell.local, cell.total, key) {
        Ok(PartialOrdering::Known(order)) => Ok(order),
        Ok(PartialOrdering::NeedsMore) => compare_spilled(pager, order, page, &cell, key, spill),
        Err(error) => Err(on_page(error, page.no())),
    }
}

#[cold]
fn compare_spilled(
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    cell: &Cell<'_>,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    let first = cell
        .overflow
        .ok_or_else(|| on_page(record::truncated(), page.no()))?;
    let record = overflow::assemble(pager, cell.local, first, cell.total, spill)?;
    order
        .compare_record(record, key)
        .map_err(|error| on_page(error, page.no()))
}

/// Adds the page to what a record's reader, which does not know it, found wrong.
#[cold]
fn on_page(error: Error, no: PageNo) -> Error {
    match error {
        Error::Corrupt {
            page: None,
            offset,
            what,
        } => corrupt(no, offset, what),
        other => other,
    }
}

/// True when the first `count` columns lie in the part of the record that is at hand.
pub(super) fn has_columns(local: &[u8], total: usize, count: usize) -> Result<bool> {
    let Some(mut columns) = record::columns_of(local, total)? else {
        return Ok(false);
    };
    for _ in 0..count {
        match columns.next_field()? {
            Some(field) if field.offset + field.len > local.len() => return Ok(false),
            Some(_) => {}
            None => break,
        }
    }
    Ok(true)
}
