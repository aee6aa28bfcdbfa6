//! Rebuilding the wal-index from the log: the first to come after a crash, or after nobody was there, does it.
//!
//! One pass over the log. The chain of checksums says how far it is whole; the last commit frame in that part is where the database
//! stands. The tables are built in private memory and copied over, since readers of an older snapshot may still be looking.

use super::index::{Index, IndexHome};
use super::{Around, CHECKPOINT_LOCK, RECOVER_LOCK, Wal, read_lock, unless_busy};
use crate::error::Result;
use crate::format::wal::{FRAME_HEADER_SIZE, Frame, FrameNo, HEADER_SIZE, WalHeader, frame_offset};
use crate::format::wal_index::{IndexHeader, READ_MARK_UNUSED, READ_MARKS, region_of};
use crate::vfs::{ShmLock, read_whole};

/// Bytes of the log that are read at once.
const READ_CHUNK: usize = 1 << 20;

impl Wal {
    /// Rebuilds the wal-index. The caller holds the write lock.
    pub(super) fn recover(&mut self, around: &mut Around<'_>) -> Result<()> {
        self.with_locks(
            around,
            CHECKPOINT_LOCK,
            RECOVER_LOCK - CHECKPOINT_LOCK + 1,
            |wal, around| {
                let mut built = Index::new(IndexHome::Private);
                let header = wal.read_log(around, &mut built)?;
                wal.index.reach(around.database, 0, true)?;
                if header.frame_count > 0 {
                    for region in 0..=region_of(header.frame_count) {
                        wal.index.reach(around.database, region, true)?;
                        wal.index.copy_region(&built, region)?;
                    }
                }
                wal.publish_recovered(around, header)
            },
        )
    }

    fn publish_recovered(&mut self, around: &mut Around<'_>, header: IndexHeader) -> Result<()> {
        self.set_header(header);
        self.index.set_backfilled(0)?;
        self.index.set_backfill_attempted(header.frame_count)?;
        self.index.set_read_mark(0, 0)?;
        for mark in 1..READ_MARKS {
            if unless_busy(self.lock(around.database, read_lock(mark), 1, ShmLock::Exclusive))? {
                let frame = if mark == 1 && header.frame_count > 0 {
                    header.frame_count
                } else {
                    READ_MARK_UNUSED
                };
                self.index.set_read_mark(mark, frame)?;
                self.unlock(around.database, read_lock(mark), 1);
            }
        }
        self.index.write_header(around.database, &header)
    }

    /// Reads the whole log, fills `built` and returns the header as of the last commit.
    fn read_log(&mut self, around: &mut Around<'_>, built: &mut Index) -> Result<IndexHeader> {
        let mut header = IndexHeader {
            change: self.header.change,
            ..IndexHeader::default()
        };
        let mut bytes = [0; HEADER_SIZE];
        if read_whole(&*self.file, &mut bytes, 0)? < HEADER_SIZE {
            return Ok(header);
        }
        let Some((log, mut checksum)) = WalHeader::decode(&bytes)? else {
            return Ok(header);
        };
        self.checkpoint_sequence = log.checkpoint_sequence;
        header.order = log.order;
        header.salt = log.salt;

        let page_size = log.page_size as usize;
        let frame_size = page_size + FRAME_HEADER_SIZE;
        let mut buffer = vec![0; (READ_CHUNK / frame_size).max(1) * frame_size];
        let mut number: FrameNo = 0;
        'log: loop {
            let count = read_whole(&*self.file, &mut buffer, frame_offset(number + 1, page_size))?;
            for bytes in buffer[..count].chunks_exact(frame_size) {
                let Some((head, page)) = bytes.split_first_chunk() else {
                    break 'log;
                };
                let Some(frame) = Frame::decode(head, page, log.order, log.salt, &mut checksum) else {
                    break 'log;
                };
                number += 1;
                built.reach(around.database, region_of(number), true)?;
                built.append(around.database, number, frame.page)?;
                if frame.commit_size > 0 {
                    header.page_size = log.page_size;
                    header.frame_count = number;
                    header.page_count = frame.commit_size;
                    header.frame_checksum = checksum;
                }
            }
            if count < buffer.len() {
                break;
            }
        }
        Ok(header)
    }
}
