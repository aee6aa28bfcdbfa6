//! Finding a row id on a page of a table tree.

use crate::error::Result;
use crate::format::page::PageRef;

/// What the pages above say of a page's row ids: above `low`, at most `high`.
#[derive(Clone, Copy, Default)]
pub(super) struct Bounds {
    low: Option<i64>,
    high: Option<i64>,
}

/// Pages with fewer cells are only halved.
const INTERPOLATED_MIN: usize = 8;

/// The first cell of a table page whose row id is not below `rowid`, and whether it is equal. `bounds` are narrowed to those of the
/// child to the left of that cell.
///
/// Row ids are mostly dense. So the first place looked at is where `rowid` would be if the page's row ids were spread evenly between their
/// bounds, the next its neighbour; what is then left is halved.
#[inline]
pub(super) fn lower_bound(page: &PageRef<'_>, rowid: i64, bounds: &mut Bounds) -> Result<(usize, bool)> {
    let (mut low, mut high) = (0, page.count());
    if high > INTERPOLATED_MIN {
        let guess = match guess(page, rowid, bounds)? {
            Ok(guess) => guess,
            Err(outside) => return Ok(outside),
        };
        let at = page.rowid(guess)?;
        if at >= rowid {
            (bounds.high, high) = (Some(at), guess);
            if at == rowid || guess == 0 {
                return Ok((guess, at == rowid));
            }
            let below = page.rowid(guess - 1)?;
            if below < rowid {
                bounds.low = Some(below);
                return Ok((guess, false));
            }
        } else {
            (bounds.low, low) = (Some(at), guess + 1);
            if low == high {
                return Ok((low, false));
            }
            let above = page.rowid(low)?;
            if above >= rowid {
                bounds.high = Some(above);
                return Ok((low, above == rowid));
            }
        }
    }
    while low < high {
        let middle = (low + high) / 2;
        let at = page.rowid(middle)?;
        if at >= rowid {
            (bounds.high, high) = (Some(at), middle);
            if at == rowid {
                return Ok((middle, true));
            }
        } else {
            (bounds.low, low) = (Some(at), middle + 1);
        }
    }
    Ok((low, false))
}

/// Where `rowid` would be if row ids were spread evenly, or the answer when it is in front of or behind all cells.
#[inline(always)]
fn guess(page: &PageRef<'_>, rowid: i64, bounds: &mut Bounds) -> Result<Result<usize, (usize, bool)>> {
    let count = page.count();
    let low = match bounds.low {
        Some(low) => low,
        None => {
            let first = page.rowid(0)?;
            if rowid <= first {
                bounds.high = Some(first);
                return Ok(Err((0, rowid == first)));
            }
            first
        }
    };
    let high = match bounds.high {
        Some(high) => high,
        None => {
            let last = page.rowid(count - 1)?;
            if rowid > last {
                bounds.low = Some(last);
                return Ok(Err((count, false)));
            }
            last
        }
    };
    // Bounds of a damaged tree may be anything; wrapping keeps this a guess.
    let span = (high.wrapping_sub(low) as u64).max(1);
    let distance = (rowid.wrapping_sub(low) as u64).saturating_sub(1);
    let guess = if span < 1 << 48 {
        distance.saturating_mul(count as u64) / span
    } else {
        (distance >> 16) * count as u64 / (span >> 16)
    };
    Ok(Ok((guess as usize).min(count - 1)))
}
