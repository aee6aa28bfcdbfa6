//! Page numbers: 1-based, never zero, so that "no page" is `None` and not a magic number.

use std::fmt;
use std::num::NonZeroU32;

/// The number of a page in a database file. The first page is [`PageNo::ONE`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNo(NonZeroU32);

impl PageNo {
    /// Page 1: the file header and the root of `sqlite_schema`.
    pub const ONE: PageNo = PageNo(NonZeroU32::MIN);

    /// `None` for zero, which the format uses for "no page".
    #[inline]
    pub const fn new(number: u32) -> Option<PageNo> {
        match NonZeroU32::new(number) {
            Some(number) => Some(PageNo(number)),
            None => None,
        }
    }

    /// The number as the file stores it.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Offset of this page's first byte in a file of `page_size` pages.
    #[inline]
    pub const fn offset(self, page_size: usize) -> u64 {
        (self.get() as u64 - 1) * page_size as u64
    }

    /// The page that holds the lock bytes at 1 GiB; it is never read or written (fileformat2 1.4).
    #[inline]
    pub const fn lock_byte_page(page_size: usize) -> PageNo {
        match PageNo::new((LOCK_BYTES_OFFSET / page_size as u64) as u32 + 1) {
            Some(page) => page,
            None => PageNo::ONE,
        }
    }
}

/// Where the lock bytes live (fileformat2 1.4).
pub(crate) const LOCK_BYTES_OFFSET: u64 = 0x4000_0000;

impl fmt::Display for PageNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PageNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_byte_page_covers_the_first_gibibyte_border() {
        for shift in 9..=16 {
            let page_size = 1usize << shift;
            let page = PageNo::lock_byte_page(page_size);
            assert_eq!(page.offset(page_size), LOCK_BYTES_OFFSET);
        }
        assert_eq!(PageNo::new(0), None);
        assert_eq!(PageNo::ONE.get(), 1);
    }
}
