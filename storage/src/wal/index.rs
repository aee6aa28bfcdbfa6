//! The wal-index in use: the shared header, read marks and hash tables over the regions that this connection has mapped.
//!
//! ```text
//!   writer                                         reader
//!   page entry, then its slot                      header copy 1, barrier, header copy 2: equal and summed right
//!   ... for each frame                             look up slots; ignore frames past the header's count
//!   header copy 2, barrier, header copy 1
//! ```
//!
//! Everything in here may be changed by other processes at any moment and may hold anything at all: loops are bounded, numbers are
//! compared before they are used.

use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::error::{Error, Result, corrupt};
use crate::format::PageNo;
use crate::format::wal::FrameNo;
use crate::format::wal_index::{
    BACKFILL_ATTEMPTED_WORD, BACKFILL_WORD, HEADER_WORDS, IndexHeader, IndexHeaderFault, READ_MARK_WORD,
    SLOT_HALFWORD, SLOTS, frames_before, frames_in, hash, next_slot, pages_word, region_of,
};
use crate::vfs::{File, ShmRegion};

/// Where the regions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexHome {
    /// Memory shared with other connections.
    Shared,
    /// This connection's own memory: it is the only one, or cannot reach the shared one.
    Private,
}

/// The regions mapped so far.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) home: IndexHome,
    regions: Vec<ShmRegion>,
}

impl Index {
    pub(super) fn new(home: IndexHome) -> Index {
        Index {
            home,
            regions: Vec::new(),
        }
    }

    /// Maps regions up to `region`; `false` if it does not exist and `extend` is false.
    pub(super) fn reach(&mut self, database: &mut dyn File, region: usize, extend: bool) -> Result<bool> {
        while self.regions.len() <= region {
            let next = match self.home {
                IndexHome::Shared => database.shm_map(self.regions.len(), extend)?,
                IndexHome::Private => Some(ShmRegion::private()),
            };
            match next {
                Some(next) => self.regions.push(next),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn region(&self, region: usize) -> Result<&ShmRegion> {
        self.regions.get(region).ok_or(Error::Protocol)
    }

    // ---- header ----------------------------------------------------------------------------------

    /// The words of the header; `None` while it is being written.
    pub(super) fn read_words(&self, database: &dyn File) -> Option<[u32; HEADER_WORDS]> {
        let first = self.regions.first()?;
        let one = header_words(first, 0);
        database.shm_barrier();
        (header_words(first, HEADER_WORDS) == one).then_some(one)
    }

    /// Reads the header; `None` while it is being written or was never written.
    pub(super) fn read_header(&self, database: &dyn File) -> Result<Option<IndexHeader>> {
        match self.read_words(database) {
            Some(words) => decode(&words),
            None => Ok(None),
        }
    }

    /// True if the shared header still has these words.
    pub(super) fn header_is(&self, words: &[u32; HEADER_WORDS]) -> bool {
        self.regions
            .first()
            .is_some_and(|first| header_words(first, 0) == *words)
    }

    /// Publishes a header.
    pub(super) fn write_header(&self, database: &dyn File, header: &IndexHeader) -> Result<()> {
        let first = self.region(0)?;
        let words = header.encode();
        store_words(first, HEADER_WORDS, &words);
        database.shm_barrier();
        store_words(first, 0, &words);
        Ok(())
    }

    // ---- checkpoint state ------------------------------------------------------------------------

    pub(super) fn backfilled(&self) -> Result<FrameNo> {
        Ok(self.region(0)?.word(BACKFILL_WORD).load(Acquire))
    }

    pub(super) fn set_backfilled(&self, frame: FrameNo) -> Result<()> {
        self.region(0)?.word(BACKFILL_WORD).store(frame, Release);
        Ok(())
    }

    pub(super) fn set_backfill_attempted(&self, frame: FrameNo) -> Result<()> {
        self.region(0)?
            .word(BACKFILL_ATTEMPTED_WORD)
            .store(frame, Release);
        Ok(())
    }

    pub(super) fn read_mark(&self, mark: usize) -> Result<FrameNo> {
        Ok(self.region(0)?.word(READ_MARK_WORD + mark).load(Acquire))
    }

    pub(super) fn set_read_mark(&self, mark: usize, frame: FrameNo) -> Result<()> {
        self.region(0)?.word(READ_MARK_WORD + mark).store(frame, Release);
        Ok(())
    }

    // ---- hash tables -----------------------------------------------------------------------------

    /// The newest frame of `page` among `first..=last`.
    #[inline]
    pub(super) fn find(&self, page: PageNo, first: FrameNo, last: FrameNo) -> Result<Option<FrameNo>> {
        let lowest = region_of(first);
        let mut number = region_of(last);
        loop {
            let region = self.region(number)?;
            let before = frames_before(number);
            let pages = pages_word(number);
            let mut found = None;
            let mut slot = hash(page);
            for _ in 0..SLOTS {
                let entry = u32::from(region.half(SLOT_HALFWORD + slot).load(Acquire));
                if entry == 0 {
                    break;
                }
                let frame = before + entry;
                // Entries of one page stand in the order they were added, so the last that fits is the newest.
                if frame <= last
                    && frame >= first
                    && entry <= frames_in(number)
                    && region.word(pages + entry as usize - 1).load(Relaxed) == page.get()
                {
                    found = Some(frame);
                }
                slot = next_slot(slot);
            }
            if found.is_some() || number <= lowest {
                return Ok(found);
            }
            number -= 1;
        }
    }

    /// The page of a frame.
    pub(super) fn page_of(&self, frame: FrameNo) -> Result<Option<PageNo>> {
        let number = region_of(frame);
        let entry = (frame - frames_before(number)) as usize - 1;
        Ok(PageNo::new(
            self.region(number)?
                .word(pages_word(number) + entry)
                .load(Relaxed),
        ))
    }

    /// Adds the frame that follows the last one. The caller holds the write lock and appends
    /// in order.
    pub(super) fn append(&mut self, database: &mut dyn File, frame: FrameNo, page: PageNo) -> Result<()> {
        let number = region_of(frame);
        if !self.reach(database, number, true)? {
            return Err(Error::Protocol);
        }
        let region = self.region(number)?;
        let entry = frame - frames_before(number);
        let word = pages_word(number) + entry as usize - 1;
        if entry == 1 {
            clear_region(region, number, 0);
        } else if region.word(word).load(Relaxed) != 0 {
            // A writer died before it published these; they must go, or look-ups would pass through them for ever.
            clear_region(region, number, entry - 1);
        }
        region.word(word).store(page.get(), Relaxed);
        let mut slot = hash(page);
        for _ in 0..SLOTS {
            let half = region.half(SLOT_HALFWORD + slot);
            if half.load(Relaxed) == 0 {
                half.store(entry as u16, Release);
                return Ok(());
            }
            slot = next_slot(slot);
        }
        Err(corrupt(None, 0, "the wal-index has no free slot"))
    }

    /// Copies a region that was built elsewhere, word by word: where readers look, the words are the same before and after.
    pub(super) fn copy_region(&self, from: &Index, number: usize) -> Result<()> {
        let (source, target) = (from.region(number)?, self.region(number)?);
        for word in pages_word(number)..SLOT_HALFWORD / 2 {
            let value = source.word(word).load(Relaxed);
            if target.word(word).load(Relaxed) != value {
                target.word(word).store(value, Relaxed);
            }
        }
        for half in SLOT_HALFWORD..SLOT_HALFWORD + SLOTS {
            let value = source.half(half).load(Relaxed);
            if target.half(half).load(Relaxed) != value {
                target.half(half).store(value, Release);
            }
        }
        Ok(())
    }

    pub(super) fn forget_regions(&mut self) {
        self.regions.clear();
    }
}

/// Empties a region but for its first `keep` frames.
fn clear_region(region: &ShmRegion, number: usize, keep: u32) {
    for half in SLOT_HALFWORD..SLOT_HALFWORD + SLOTS {
        let slot = region.half(half);
        if u32::from(slot.load(Relaxed)) > keep {
            slot.store(0, Relaxed);
        }
    }
    let first = pages_word(number) + keep as usize;
    for word in first..pages_word(number) + frames_in(number) as usize {
        region.word(word).store(0, Relaxed);
    }
}

/// The header that the words spell; `None` if they are none.
pub(super) fn decode(words: &[u32; HEADER_WORDS]) -> Result<Option<IndexHeader>> {
    match IndexHeader::decode(words) {
        Ok(header) => Ok(Some(header)),
        Err(IndexHeaderFault::Invalid) => Ok(None),
        Err(IndexHeaderFault::Version) => Err(Error::CantOpen {
            path: Path::new("-shm").into(),
            source: None,
        }),
    }
}

fn header_words(region: &ShmRegion, start: usize) -> [u32; HEADER_WORDS] {
    std::array::from_fn(|word| region.word(start + word).load(Acquire))
}

fn store_words(region: &ShmRegion, start: usize, words: &[u32]) {
    for (at, word) in words.iter().enumerate() {
        region.word(start + at).store(*word, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::{MemoryVfs, OpenOptions, Vfs};

    fn page(number: u32) -> PageNo {
        PageNo::new(number).unwrap()
    }

    fn database() -> Box<dyn File> {
        let options = OpenOptions {
            create: true,
            ..OpenOptions::default()
        };
        MemoryVfs::new().open(Path::new("x"), &options).unwrap()
    }

    #[test]
    fn the_newest_frame_within_the_bounds_is_found() {
        let mut database = database();
        let mut index = Index::new(IndexHome::Private);
        // Three regions, pages recurring every 100 frames; pages 383 apart share hash chains.
        let count = 9000;
        let page_of = |frame: u32| page((frame % 100) * 8192 + 1);
        for frame in 1..=count {
            index.append(&mut *database, frame, page_of(frame)).unwrap();
        }
        for last in [1, 99, 100, 101, 4062, 4063, 8158, 8159, 9000] {
            for first in [1, 4000, 4063] {
                for want in [1, 7, 99, 100] {
                    let expected = (first..=last)
                        .rev()
                        .find(|frame| page_of(*frame) == page_of(want));
                    if first <= last {
                        assert_eq!(index.find(page_of(want), first, last).unwrap(), expected);
                    }
                }
            }
        }
        assert_eq!(index.find(page(2), 1, count).unwrap(), None);
        assert_eq!(index.page_of(4063).unwrap(), Some(page_of(4063)));
    }

    #[test]
    fn what_a_dead_writer_left_is_dropped() {
        let mut database = database();
        let mut index = Index::new(IndexHome::Private);
        for frame in 1..=10 {
            index.append(&mut *database, frame, page(frame)).unwrap();
        }
        // Only five were published; the next writer starts at six.
        index.append(&mut *database, 6, page(60)).unwrap();
        for gone in 6..=10 {
            assert_eq!(index.find(page(gone), 1, 10).unwrap(), None);
        }
        for kept in 1..=5 {
            assert_eq!(index.find(page(kept), 1, 6).unwrap(), Some(kept));
        }
        assert_eq!(index.find(page(60), 1, 6).unwrap(), Some(6));
    }

    #[test]
    fn a_header_being_written_is_not_read() {
        let mut database = database();
        let mut index = Index::new(IndexHome::Private);
        assert_eq!(index.read_header(&*database).unwrap(), None);
        index.reach(&mut *database, 0, true).unwrap();
        assert_eq!(index.read_header(&*database).unwrap(), None);
        let header = IndexHeader {
            page_size: 512,
            frame_count: 3,
            ..IndexHeader::default()
        };
        index.write_header(&*database, &header).unwrap();
        assert_eq!(index.read_header(&*database).unwrap(), Some(header));
        assert!(index.header_is(&header.encode()));
        index.region(0).unwrap().word(4).store(9, Relaxed);
        assert_eq!(index.read_header(&*database).unwrap(), None);
        assert!(!index.header_is(&header.encode()));
    }

    #[test]
    fn a_full_table_of_nonsense_ends_the_search() {
        let mut database = database();
        let mut index = Index::new(IndexHome::Private);
        index.reach(&mut *database, 0, true).unwrap();
        for slot in 0..SLOTS {
            index
                .region(0)
                .unwrap()
                .half(SLOT_HALFWORD + slot)
                .store(u16::MAX, Relaxed);
        }
        assert_eq!(index.find(page(1), 1, 4000).unwrap(), None);
        assert!(index.append(&mut *database, 2, page(1)).is_err());
    }
}
