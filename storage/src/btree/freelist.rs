//! The freelist: pages of the file that nothing uses.
//!
//! ```text
//!   header: first trunk ──▶ │ next trunk │ n │ leaf 1 │ … │ leaf n │ ──▶ │ next trunk │ …
//! ```
//!
//! A trunk page lists free pages, its leaves, whose content does not matter. Pages are taken from the end of the first trunk's list; an
//! empty trunk is taken itself. A freed page goes to the first trunk's list, or becomes the first trunk when that is full.
//! The last six places of a trunk stay unused, because SQLite before 3.6.0 took them for damage.

use super::pointer_map::{self, Use};
use crate::error::{Result, corrupt};
use crate::format::PageNo;
use crate::format::page::{read_page_no, read_u32};
use crate::pager::Pager;

/// The most leaves that are written to a trunk.
fn leaves_written_max(usable: usize) -> u32 {
    (usable / 4 - 8) as u32
}

/// The most leaves that a trunk has room for.
pub(crate) fn leaves_max(usable: usize) -> u32 {
    (usable / 4 - 2) as u32
}

/// Takes a page for use: from the freelist, or a new one at the end of the file. Its content is not defined.
///
/// In an auto-vacuum file the caller writes its pointer map entry.
pub fn allocate(pager: &mut Pager) -> Result<PageNo> {
    let header = pager.header()?;
    let Some(trunk) = PageNo::new(header.freelist_trunk).filter(|_| header.freelist_count > 0) else {
        return append(pager, header.largest_root != 0);
    };
    let (next, count) = read_trunk(pager, trunk)?;
    let Some(last) = count.checked_sub(1) else {
        pager.update_header(|header| {
            header.freelist_trunk = next;
            header.freelist_count -= 1;
        })?;
        return Ok(trunk);
    };
    let at = 8 + 4 * last as usize;
    let page = pager.page_mut(trunk)?;
    let leaf = read_page_no(page, at).filter(|leaf| *leaf != PageNo::ONE);
    page[4..8].copy_from_slice(&last.to_be_bytes());
    let leaf = leaf.filter(|leaf| leaf.get() <= pager.page_count());
    let leaf = leaf.ok_or_else(|| corrupt(trunk, at, "freelist names a page outside the file"))?;
    pager.update_header(|header| header.freelist_count -= 1)?;
    Ok(leaf)
}

/// Gives page `no` back. Its pointer map entry, where there is one, is written.
pub fn free(pager: &mut Pager, no: PageNo) -> Result<()> {
    if no == PageNo::ONE || no.get() > pager.page_count() {
        return Err(corrupt(no, 0, "page cannot be freed"));
    }
    if pager.secure_delete() {
        pager.page_mut(no)?.fill(0);
    }
    let header = pager.header()?;
    let usable = pager.usable_size();
    let mut listed = false;
    if let Some(trunk) = PageNo::new(header.freelist_trunk) {
        let (_, count) = read_trunk(pager, trunk)?;
        if count < leaves_written_max(usable) {
            let at = 8 + 4 * count as usize;
            let page = pager.page_mut(trunk)?;
            page[4..8].copy_from_slice(&(count + 1).to_be_bytes());
            page[at..at + 4].copy_from_slice(&no.get().to_be_bytes());
            listed = true;
        }
    }
    if !listed {
        let page = pager.page_mut(no)?;
        page[..4].copy_from_slice(&header.freelist_trunk.to_be_bytes());
        page[4..8].fill(0);
    }
    pager.update_header(|header| {
        header.freelist_count = header.freelist_count.saturating_add(1);
        if !listed {
            header.freelist_trunk = no.get();
        }
    })?;
    if header.largest_root != 0 {
        pointer_map::put(pager, no, Use::Free)?;
    }
    Ok(())
}

/// A new page at the end of the file that is not a pointer map page.
pub(super) fn append(pager: &mut Pager, mapped: bool) -> Result<PageNo> {
    let no = pager.append_page()?;
    if mapped && pointer_map::is_map_page(no, pager.page_size(), pager.usable_size()) {
        return pager.append_page();
    }
    Ok(no)
}

/// All pages of the freelist, trunks included.
pub(super) fn list(pager: &Pager) -> Result<Vec<PageNo>> {
    let header = pager.header()?;
    let mut pages = Vec::new();
    let mut next = header.freelist_trunk;
    while let Some(trunk) = PageNo::new(next) {
        let page = pager.page(trunk)?;
        let (after, count) = read_trunk(pager, trunk)?;
        pages.push(trunk);
        for index in 0..count as usize {
            let leaf = read_page_no(&page, 8 + 4 * index).filter(|leaf| leaf.get() <= pager.page_count());
            pages.push(
                leaf.ok_or_else(|| corrupt(trunk, 8 + 4 * index, "freelist names a page outside the file"))?,
            );
        }
        // Whatever the header says, no more pages are free than there are: trunks may point to each other in a circle.
        if pages.len() > header.freelist_count.min(pager.page_count()) as usize {
            return Err(corrupt(trunk, 0, "freelist is longer than the header says"));
        }
        next = after;
    }
    if pages.len() != header.freelist_count as usize {
        return Err(corrupt(
            PageNo::ONE,
            36,
            "freelist is shorter than the header says",
        ));
    }
    Ok(pages)
}

/// Makes `pages`, in this order, the freelist.
pub(super) fn rewrite(pager: &mut Pager, pages: &[PageNo]) -> Result<()> {
    let per_trunk = leaves_written_max(pager.usable_size()) as usize + 1;
    let mut groups = pages.chunks(per_trunk).peekable();
    while let Some(group) = groups.next() {
        let next = groups.peek().map_or(0, |group| group[0].get());
        let trunk = pager.page_mut(group[0])?;
        trunk[..4].copy_from_slice(&next.to_be_bytes());
        trunk[4..8].copy_from_slice(&(group.len() as u32 - 1).to_be_bytes());
        for (slot, leaf) in trunk[8..].chunks_exact_mut(4).zip(&group[1..]) {
            slot.copy_from_slice(&leaf.get().to_be_bytes());
        }
    }
    pager.update_header(|header| {
        header.freelist_trunk = pages.first().map_or(0, |first| first.get());
        header.freelist_count = pages.len() as u32;
    })
}

/// Takes page `wanted` off the freelist, wherever in it it is.
pub(super) fn take(pager: &mut Pager, wanted: PageNo) -> Result<()> {
    let mut pages = list(pager)?;
    let Some(at) = pages.iter().position(|page| *page == wanted) else {
        return Err(corrupt(
            wanted,
            0,
            "page is not on the freelist as its map entry says",
        ));
    };
    pages.swap_remove(at);
    rewrite(pager, &pages)
}

/// A trunk's next trunk (0 for none) and its number of leaves.
pub(crate) fn read_trunk(pager: &Pager, trunk: PageNo) -> Result<(u32, u32)> {
    let page = pager.page(trunk)?;
    let (Some(next), Some(count)) = (read_u32(&page, 0), read_u32(&page, 4)) else {
        return Err(corrupt(trunk, 0, "freelist trunk is too short"));
    };
    if count > leaves_max(pager.usable_size()) {
        return Err(corrupt(trunk, 4, "freelist trunk has more leaves than fit"));
    }
    Ok((next, count))
}
