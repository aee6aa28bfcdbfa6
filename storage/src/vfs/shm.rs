//! A region of the wal-index as atomic words: shared with other processes, so no plain reads or writes.
//!
//! The first part of a region is read as 32-bit words and its hash slots as 16-bit halfwords; no byte is read both ways.
#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};

use crate::format::wal_index::REGION_SIZE;

/// Words of a region.
const WORDS: usize = REGION_SIZE / 4;

/// Halfwords of a region.
const HALVES: usize = REGION_SIZE / 2;

/// One region of the wal-index. Cloning shares it.
#[derive(Clone)]
pub struct ShmRegion {
    start: NonNull<AtomicU32>,
    /// Keeps the memory there.
    _owner: Arc<dyn Send + Sync>,
}

// SAFETY: the memory is only reached through atomics and lives as long as its owner, which is Send and Sync.
unsafe impl Send for ShmRegion {}
// SAFETY: as above.
unsafe impl Sync for ShmRegion {}

impl ShmRegion {
    /// A region of zeros in this process's memory.
    pub fn private() -> ShmRegion {
        let words: Arc<[AtomicU32; WORDS]> = Arc::new([const { AtomicU32::new(0) }; WORDS]);
        let start = NonNull::from(&*words).cast();
        ShmRegion { start, _owner: words }
    }

    /// A region over mapped memory.
    ///
    /// # Safety
    /// `start` points to `REGION_SIZE` bytes, aligned to 4, that stay mapped for as long as `owner` lives and that
    /// everyone in this process reaches through atomics only. If the mapping is read-only, nobody stores to it.
    #[cfg(unix)]
    pub(super) unsafe fn from_raw(start: NonNull<u8>, owner: Arc<dyn Send + Sync>) -> ShmRegion {
        ShmRegion {
            start: start.cast(),
            _owner: owner,
        }
    }

    /// A word of the region.
    ///
    /// # Panics
    /// If `index` lies outside the region: an error of the caller's arithmetic, which never depends on the
    /// region's content.
    #[inline]
    pub fn word(&self, index: usize) -> &AtomicU32 {
        assert!(index < WORDS);
        // SAFETY: the index lies inside the region, which lives as long as `self`.
        unsafe { self.start.add(index).as_ref() }
    }

    /// A halfword of the region.
    ///
    /// # Panics
    /// As [`ShmRegion::word`].
    #[inline]
    pub fn half(&self, index: usize) -> &AtomicU16 {
        assert!(index < HALVES);
        // SAFETY: the index lies inside the region, which lives as long as `self`; alignment of 4 is enough for 2.
        unsafe { self.start.cast::<AtomicU16>().add(index).as_ref() }
    }
}

impl fmt::Debug for ShmRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShmRegion")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn words_and_halves_overlay() {
        let region = ShmRegion::private();
        let shared = region.clone();
        region
            .word(WORDS - 1)
            .store(u32::from_ne_bytes([1, 2, 3, 4]), Relaxed);
        drop(region);
        assert_eq!(shared.half(HALVES - 1).load(Relaxed), u16::from_ne_bytes([3, 4]));
        assert_eq!(shared.word(0).load(Relaxed), 0);
    }
}
