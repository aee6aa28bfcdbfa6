//! The pointer map: for each page of an auto-vacuum file, what uses it and who points to it.
//!
//! ```text
//!   page 2           maps pages 3 .. J+2        J = usable size / 5
//!   page J+3         maps pages J+4 .. 2J+3
//!   entry            use(1) │ parent(4)
//! ```
//!
//! With it a page can be moved to another place in the file: whoever points to it is known. Files without auto-vacuum have none. Where
//! a map page would fall on the lock-byte page it comes one page later.

use crate::error::{Result, corrupt};
use crate::format::PageNo;
use crate::format::page::read_u32;
use crate::pager::Pager;

/// Offset in page 1 of the largest root page, which is not zero in auto-vacuum files.
const LARGEST_ROOT_AT: usize = 52;

const ENTRY_LEN: usize = 5;

/// What a page is used for, and who points to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The root of a tree.
    Root,
    /// On the freelist.
    Free,
    /// The first page of the overflow chain of a cell on that page.
    OverflowFirst(PageNo),
    /// A later page of an overflow chain, behind that page.
    OverflowNext(PageNo),
    /// A page of a tree below that page.
    Child(PageNo),
}

impl Use {
    /// The use as the format's type byte and parent.
    pub fn to_entry(self) -> (u8, u32) {
        match self {
            Use::Root => (1, 0),
            Use::Free => (2, 0),
            Use::OverflowFirst(parent) => (3, parent.get()),
            Use::OverflowNext(parent) => (4, parent.get()),
            Use::Child(parent) => (5, parent.get()),
        }
    }

    /// The use from the format's type byte and parent; `None` when they make no sense.
    pub fn from_entry(kind: u8, parent: u32) -> Option<Use> {
        Some(match (kind, PageNo::new(parent)) {
            (1, _) => Use::Root,
            (2, _) => Use::Free,
            (3, Some(parent)) => Use::OverflowFirst(parent),
            (4, Some(parent)) => Use::OverflowNext(parent),
            (5, Some(parent)) => Use::Child(parent),
            _ => return None,
        })
    }
}

/// True when the file keeps a pointer map.
pub fn is_kept(pager: &Pager) -> Result<bool> {
    let first = pager.page(PageNo::ONE)?;
    Ok(read_u32(&first, LARGEST_ROOT_AT).unwrap_or(0) != 0)
}

/// The map page that has the entry of `no`; `no` itself when it is a map page. Page 1 has none.
pub fn map_page_of(no: PageNo, page_size: usize, usable: usize) -> Option<PageNo> {
    let group = (usable / ENTRY_LEN + 1) as u64;
    let index = u64::from(no.get()).checked_sub(2)? / group;
    let map = index * group + 2;
    let map = PageNo::new(u32::try_from(map).ok()?)?;
    if map == PageNo::lock_byte_page(page_size) {
        PageNo::new(map.get() + 1)
    } else {
        Some(map)
    }
}

/// True when `no` is a map page of a file that keeps a pointer map.
pub fn is_map_page(no: PageNo, page_size: usize, usable: usize) -> bool {
    map_page_of(no, page_size, usable) == Some(no)
}

/// Reads the entry of `no`; `None` when it makes no sense.
pub fn get(pager: &Pager, no: PageNo) -> Result<Option<Use>> {
    Ok(raw_entry(pager, no)?.and_then(|(kind, parent)| Use::from_entry(kind, parent)))
}

/// The entry of `no` as the format's type byte and parent, whatever they are.
pub fn raw_entry(pager: &Pager, no: PageNo) -> Result<Option<(u8, u32)>> {
    let (map, at) = place(pager, no)?;
    let page = pager.page(map)?;
    Ok(match page.get(at..at + ENTRY_LEN) {
        Some(&[kind, a, b, c, d]) => Some((kind, u32::from_be_bytes([a, b, c, d]))),
        _ => None,
    })
}

/// Writes the entry of `no`, if it is not there already.
pub fn put(pager: &mut Pager, no: PageNo, used_by: Use) -> Result<()> {
    let (map, at) = place(pager, no)?;
    let (kind, parent) = used_by.to_entry();
    let mut entry = [kind, 0, 0, 0, 0];
    entry[1..].copy_from_slice(&parent.to_be_bytes());
    if pager.page(map)?.get(at..at + ENTRY_LEN) != Some(&entry) {
        let page = pager.page_mut(map)?;
        let bytes = page
            .get_mut(at..at + ENTRY_LEN)
            .ok_or_else(|| corrupt(map, at, "pointer map is too short"))?;
        bytes.copy_from_slice(&entry);
    }
    Ok(())
}

fn place(pager: &Pager, no: PageNo) -> Result<(PageNo, usize)> {
    let map = map_page_of(no, pager.page_size(), pager.usable_size());
    match map.and_then(|map| Some((map, no.get().checked_sub(map.get() + 1)?))) {
        Some((map, index)) => Ok((map, index as usize * ENTRY_LEN)),
        None => Err(corrupt(no, 0, "page has no pointer map entry")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_pages_are_where_the_format_says() {
        let no = |no| PageNo::new(no).unwrap();
        let map = |of: u32| map_page_of(no(of), 1024, 1024).map(PageNo::get);
        // 204 entries to a page.
        assert_eq!(
            [map(1), map(2), map(3), map(206), map(207), map(208)],
            [None, Some(2), Some(2), Some(2), Some(207), Some(207)]
        );
        assert!(is_map_page(no(207), 1024, 1024) && !is_map_page(no(206), 1024, 1024));
    }

    #[test]
    fn a_map_page_steps_over_the_lock_byte_page() {
        for page_size in [512usize, 1024, 4096, 65536] {
            let lock = PageNo::lock_byte_page(page_size);
            for usable in [page_size - 32, page_size] {
                assert!(!is_map_page(lock, page_size, usable), "{page_size} {usable}");
            }
        }
    }
}
