//! Which pages of two files differ.

use std::io;

use crate::inspect::Image;

/// A page that is not the same in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageDifference {
    /// Its number.
    pub page: u32,
    /// The first byte that differs.
    pub offset: usize,
    /// How many bytes differ.
    pub bytes: usize,
}

/// How many pages differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageTally {
    /// Pages that both have with other bytes.
    pub changed: u32,
    /// Pages behind the end of the second file.
    pub removed: u32,
    /// Pages behind the end of the first file.
    pub added: u32,
    /// Pages that are the same.
    pub same: u32,
}

/// Compares the recovered states of two files page by page. `take` gets each page that both have and that differs, and says whether to go on.
///
/// # Errors
/// Those of reading; [`io::ErrorKind::InvalidInput`] when the page sizes differ.
pub fn compare_pages(
    first: &Image,
    second: &Image,
    take: &mut dyn FnMut(PageDifference) -> bool,
) -> io::Result<PageTally> {
    if first.page_size() != second.page_size() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the page sizes differ: no page of the one is a page of the other",
        ));
    }
    let both = first.page_count().min(second.page_count());
    let mut tally = PageTally {
        removed: first.page_count() - both,
        added: second.page_count() - both,
        ..PageTally::default()
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for page in 1..=both {
        first.page(page, &mut one)?;
        second.page(page, &mut other)?;
        let differs = |(one, other): &(&u8, &u8)| one != other;
        match one.iter().zip(&other).position(|pair| differs(&pair)) {
            None => tally.same += 1,
            Some(offset) => {
                tally.changed += 1;
                let bytes = one.iter().zip(&other).filter(differs).count();
                if !take(PageDifference { page, offset, bytes }) {
                    break;
                }
            }
        }
    }
    Ok(tally)
}
