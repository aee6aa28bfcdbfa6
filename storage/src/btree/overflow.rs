//! Overflow chains: the part of a payload that does not stay in its cell.
//!
//! ```text
//!   cell … first ──▶ │ next │ payload … │ ──▶ │ next │ payload … │ ──▶ │ 0 │ payload │ unused │
//! ```
//!
//! The cell knows the payload's length, so the number of pages in its chain is known before the first is read. Whoever follows a
//! chain stops after that many pages; a chain that ends before, or goes on, contradicts its cell.

use super::freelist;
use super::pointer_map::{self, Use};
use crate::error::{Result, corrupt};
use crate::format::PageNo;
use crate::format::page::{read_page_no, read_u32};
use crate::pager::Pager;

/// The number of overflow pages that hold `rest` payload bytes.
pub(crate) fn page_count(rest: usize, usable: usize) -> usize {
    rest.div_ceil(usable - 4)
}

/// Puts `local` and the chain at `first` together to a payload of `total` bytes in `spill`.
pub(crate) fn assemble<'s>(
    pager: &Pager,
    local: &[u8],
    first: PageNo,
    total: usize,
    spill: &'s mut Vec<u8>,
) -> Result<&'s [u8]> {
    let usable = pager.usable_size();
    let mut rest = total.saturating_sub(local.len());
    if page_count(rest, usable) as u64 > u64::from(pager.page_count()) {
        return Err(corrupt(first, 0, "payload is longer than the file"));
    }
    spill.clear();
    spill.reserve(total);
    spill.extend_from_slice(local);
    let mut next = Some(first);
    while rest > 0 {
        let Some(no) = next else {
            return Err(corrupt(first, 0, "overflow chain ends before its payload"));
        };
        let page = pager.page(no)?;
        let part = rest.min(usable - 4);
        let bytes = page
            .get(4..4 + part)
            .ok_or_else(|| corrupt(no, 0, "overflow page is too short"))?;
        spill.extend_from_slice(bytes);
        rest -= part;
        next = read_page_no(&page, 0);
    }
    Ok(spill)
}

/// Writes `rest` to a new chain for a cell on page `owner`, and returns its first page.
pub(super) fn write(pager: &mut Pager, rest: &[u8], owner: PageNo) -> Result<PageNo> {
    let part = pager.usable_size() - 4;
    let mapped = pointer_map::is_kept(pager)?;
    let first = freelist::allocate(pager)?;
    let (mut no, mut used_by) = (first, Use::OverflowFirst(owner));
    let mut chunks = rest.chunks(part).peekable();
    while let Some(chunk) = chunks.next() {
        let next = if chunks.peek().is_some() {
            Some(freelist::allocate(pager)?)
        } else {
            None
        };
        let page = pager.page_mut(no)?;
        page[..4].copy_from_slice(&next.map_or(0, PageNo::get).to_be_bytes());
        page[4..4 + chunk.len()].copy_from_slice(chunk);
        page[4 + chunk.len()..].fill(0);
        if mapped {
            pointer_map::put(pager, no, used_by)?;
        }
        if let Some(next) = next {
            (no, used_by) = (next, Use::OverflowNext(no));
        }
    }
    Ok(first)
}

/// Frees the chain of `rest` payload bytes that begins at `first`.
pub(super) fn free(pager: &mut Pager, first: PageNo, rest: usize) -> Result<()> {
    let mut next = Some(first);
    for _ in 0..page_count(rest, pager.usable_size()) {
        let Some(no) = next else {
            return Err(corrupt(first, 0, "overflow chain ends before its payload"));
        };
        next = {
            let page = pager.page(no)?;
            read_u32(&page, 0).and_then(PageNo::new)
        };
        freelist::free(pager, no)?;
    }
    Ok(())
}
