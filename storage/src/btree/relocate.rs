//! Moving pages in auto-vacuum files.
//!
//! ```text
//!   1  map │ roots … │ everything else: tree pages, overflow chains, free pages, with map pages between
//!          └────────▶ largest root (in the header)
//! ```
//!
//! A page is moved by copying it and changing the one pointer to it, which the pointer map names. Roots are pointed to by the schema, which
//! this floor does not know: they move only when a root takes the place of a dropped one, and then the caller is told.
//!
//! Vacuuming takes pages off the end of the file: a free page is just left out, any other moves to a free page nearer to the front.

use super::pointer_map::{self, Use};
use super::tree::{Moved, TreeKind};
use super::{edit::PageEdit, freelist};
use crate::error::{Result, corrupt};
use crate::format::PageNo;
use crate::format::page::{PageRef, read_page_no};
use crate::pager::Pager;

/// Takes the page behind the largest root for a new root.
pub(super) fn allocate_root(pager: &mut Pager) -> Result<PageNo> {
    let largest = pager.header()?.largest_root;
    let mut next = largest.saturating_add(1);
    while !is_ordinary(pager, next) {
        next = next.saturating_add(1);
        if next == u32::MAX {
            return Err(corrupt(PageNo::ONE, 52, "largest root page is wrong"));
        }
    }
    let Some(root) = PageNo::new(next) else {
        return Err(corrupt(PageNo::ONE, 52, "largest root page is wrong"));
    };
    if next > pager.page_count() {
        let new = freelist::append(pager, true)?;
        if new != root {
            return Err(corrupt(
                PageNo::ONE,
                52,
                "largest root page is past the end of the file",
            ));
        }
    } else {
        match pointer_map::get(pager, root)? {
            Some(Use::Free) => freelist::take(pager, root)?,
            Some(used_by) if used_by != Use::Root => {
                let to = freelist::allocate(pager)?;
                move_page(pager, root, to, used_by)?;
            }
            _ => return Err(corrupt(root, 0, "pointer map entry is wrong")),
        }
    }
    pager.update_header(|header| header.largest_root = next)?;
    Ok(root)
}

/// Frees a root's page and closes the gap that it leaves with the largest root.
pub(super) fn free_root(pager: &mut Pager, root: PageNo) -> Result<Option<Moved>> {
    let largest = pager.header()?.largest_root;
    let Some(last) = PageNo::new(largest).filter(|last| *last >= root) else {
        return Err(corrupt(
            PageNo::ONE,
            52,
            "root page is larger than the largest root",
        ));
    };
    let mut moved = None;
    if last != root {
        if pointer_map::get(pager, last)? != Some(Use::Root) {
            return Err(corrupt(last, 0, "pointer map entry of the largest root is wrong"));
        }
        move_page(pager, last, root, Use::Root)?;
        moved = Some(Moved { from: last, to: root });
    }
    freelist::free(pager, last)?;
    let mut largest = largest - 1;
    while largest > 1 && !is_ordinary(pager, largest) {
        largest -= 1;
    }
    pager.update_header(|header| header.largest_root = largest)?;
    Ok(moved)
}

/// Takes up to `count` pages off the end of an auto-vacuum file, no more than are free, and returns how many pages the file lost, map
/// pages included. Other files stay as they are.
///
/// With `u32::MAX` the freelist is empty afterwards: that is what a commit in full auto-vacuum mode does.
pub fn vacuum_pages(pager: &mut Pager, count: u32) -> Result<u32> {
    let header = pager.header()?;
    let before = pager.page_count();
    let wanted = count.min(header.freelist_count);
    if header.largest_root == 0 || wanted == 0 {
        return Ok(0);
    }
    let mut free = freelist::list(pager)?;
    free.sort_unstable();
    let end = final_page_count(pager, wanted);
    let mut places = free.iter().copied().filter(|no| no.get() <= end);
    let mut filled = 0;
    for no in (end + 1..=before).rev() {
        let Some(no) = PageNo::new(no).filter(|no| is_ordinary(pager, no.get())) else {
            continue;
        };
        if free.binary_search(&no).is_ok() {
            continue;
        }
        let used_by =
            pointer_map::get(pager, no)?.filter(|used_by| !matches!(used_by, Use::Root | Use::Free));
        let (Some(used_by), Some(to)) = (used_by, places.next()) else {
            return Err(corrupt(no, 0, "pointer map entry is wrong"));
        };
        move_page(pager, no, to, used_by)?;
        filled += 1;
    }
    let left: Vec<PageNo> = free
        .iter()
        .copied()
        .filter(|no| no.get() <= end)
        .skip(filled)
        .collect();
    freelist::rewrite(pager, &left)?;
    pager.set_page_count(end)?;
    Ok(before - end)
}

/// The page count when `freed` pages and the map pages that are then not needed are gone.
fn final_page_count(pager: &Pager, freed: u32) -> u32 {
    let mut end = pager.page_count();
    let mut left = freed;
    while end > 1 {
        if is_ordinary(pager, end) {
            if left == 0 {
                break;
            }
            left -= 1;
        }
        end -= 1;
    }
    end
}

/// True for a page number that is neither a map page nor the lock-byte page.
fn is_ordinary(pager: &Pager, no: u32) -> bool {
    let (page_size, usable) = (pager.page_size(), pager.usable_size());
    PageNo::new(no).is_none_or(|no| {
        no != PageNo::lock_byte_page(page_size) && !pointer_map::is_map_page(no, page_size, usable)
    })
}

/// Copies page `from`, which is used by `used_by`, over page `to` and changes all pointers to it.
fn move_page(pager: &mut Pager, from: PageNo, to: PageNo, used_by: Use) -> Result<()> {
    let page = pager.page(from)?;
    pager.page_mut(to)?.copy_from_slice(&page);
    match used_by {
        Use::Root | Use::Child(_) => map_children(pager, to)?,
        Use::OverflowFirst(_) | Use::OverflowNext(_) => {
            if let Some(next) = read_page_no(&page, 0) {
                pointer_map::put(pager, next, Use::OverflowNext(to))?;
            }
        }
        Use::Free => {}
    }
    drop(page);
    match used_by {
        Use::Root | Use::Free => {}
        Use::OverflowNext(before) => {
            let page = pager.page_mut(before)?;
            if read_page_no(page, 0) != Some(from) {
                return Err(corrupt(
                    before,
                    0,
                    "overflow page does not name the page that its map entry says",
                ));
            }
            page[..4].copy_from_slice(&to.get().to_be_bytes());
        }
        Use::OverflowFirst(owner) | Use::Child(owner) => repoint(pager, owner, from, to, used_by)?,
    }
    pointer_map::put(pager, to, used_by)
}

/// Writes the map entries of what hangs on tree page `no`.
fn map_children(pager: &mut Pager, no: PageNo) -> Result<()> {
    let page = pager.page(no)?;
    let page = PageRef::parse(no, &page, pager.usable_size())?;
    let limits = kind_of(&page).limits(pager.usable_size());
    for index in 0..page.count() {
        let cell = page.cell(index, &limits)?;
        if let Some(child) = cell.child {
            pointer_map::put(pager, child, Use::Child(no))?;
        }
        if let Some(chain) = cell.overflow {
            pointer_map::put(pager, chain, Use::OverflowFirst(no))?;
        }
    }
    if !page.kind().is_leaf() {
        pointer_map::put(pager, page.right_child()?, Use::Child(no))?;
    }
    Ok(())
}

/// Changes the pointer of tree page `owner` to `from` into one to `to`.
fn repoint(pager: &mut Pager, owner: PageNo, from: PageNo, to: PageNo, used_by: Use) -> Result<()> {
    let usable = pager.usable_size();
    let (index, chain_at) = {
        let page = pager.page(owner)?;
        let page = PageRef::parse(owner, &page, usable)?;
        let limits = kind_of(&page).limits(usable);
        find_pointer(&page, &limits, from, used_by)?
    };
    let mut page = PageEdit::parse(owner, pager.page_mut(owner)?, usable)?;
    match chain_at {
        Some(at) => page.set_chain(at, to),
        None => page.set_child(index, to),
    }
}

/// The cell of `page` that points to `target`, and for an overflow chain the offset of the pointer.
fn find_pointer(
    page: &PageRef<'_>,
    limits: &crate::format::cell::PayloadLimits,
    target: PageNo,
    used_by: Use,
) -> Result<(usize, Option<usize>)> {
    for index in 0..page.count() {
        let cell = page.cell(index, limits)?;
        if matches!(used_by, Use::Child(_)) {
            if cell.child == Some(target) {
                return Ok((index, None));
            }
        } else if cell.overflow == Some(target) {
            return Ok((index, Some(page.cell_offset(index)? + cell.bytes.len() - 4)));
        }
    }
    if matches!(used_by, Use::Child(_)) && page.right_child()? == target {
        return Ok((page.count(), None));
    }
    Err(page.corrupt(0, "page does not point to the page that its map entry says"))
}

fn kind_of(page: &PageRef<'_>) -> TreeKind {
    if page.kind().is_table() {
        TreeKind::Table
    } else {
        TreeKind::Index
    }
}
