//! Damage to logs and journals, mostly with their checksums made right again: an engine believes what it reads then.

use aludel_storage::format::checksum::journal_checksum;
use aludel_storage::format::journal::{HEADER_SIZE as JOURNAL_HEADER, JournalHeader};
use aludel_storage::format::wal::{FRAME_HEADER_SIZE, Frame, HEADER_SIZE, WalHeader};

use super::Image;
use super::mutate::put;
use crate::random::Random;

/// Damages the log or the journal.
pub(super) fn mutate_beside(image: &mut Image, random: &mut Random) {
    if let Some(log) = &mut image.log {
        mutate_log(log, random);
    }
    if let Some(journal) = &mut image.journal {
        mutate_journal(journal, random);
    }
}

fn mutate_log(log: &mut Vec<u8>, random: &mut Random) {
    let header = log.first_chunk::<HEADER_SIZE>().copied();
    let Some(Ok(Some((header, start)))) = header.map(|bytes| WalHeader::decode(&bytes)) else {
        return at_random(log, random);
    };
    let step = header.page_size as usize + FRAME_HEADER_SIZE;
    let count = (log.len() - HEADER_SIZE) / step;
    if count == 0 || random.one_in(4) {
        return at_random(log, random);
    }
    let frame = HEADER_SIZE + step * random.below(count);
    let small = random.below(60) as u32;
    let number = *random.pick(&[0, 1, 2, small, small * 1_000, u32::MAX, 0x7fff_ffff]);
    match random.below(7) {
        0 => put(log, frame, &number.to_be_bytes()),
        1 => put(log, frame + 4, &number.to_be_bytes()),
        2 => {
            let at = random.below(log.len());
            log.truncate(at);
        }
        3 => {
            let other = HEADER_SIZE + step * random.below(count);
            log.copy_within(other..other + step, frame);
        }
        _ => {
            for _ in 0..1 + random.below(4) {
                let at = frame + FRAME_HEADER_SIZE + random.below(header.page_size as usize);
                put(log, at, &[random.number() as u8]);
            }
        }
    }
    if !random.one_in(5) {
        sign_log(log, &header, start);
    }
}

/// Makes the checksums and salts of all frames right.
fn sign_log(log: &mut [u8], header: &WalHeader, start: [u32; 2]) {
    let step = header.page_size as usize + FRAME_HEADER_SIZE;
    let Some(frames) = log.get_mut(HEADER_SIZE..) else {
        return;
    };
    let mut checksum = start;
    for frame in frames.chunks_exact_mut(step) {
        let (head, page) = frame.split_at_mut(FRAME_HEADER_SIZE);
        let number = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let commit_size = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        // A frame of no page cannot be signed: the log ends there.
        let Some(page_no) = aludel_storage::format::PageNo::new(number) else {
            return;
        };
        let signed = Frame {
            page: page_no,
            commit_size,
        }
        .encode(page, header.order, header.salt, &mut checksum);
        head.copy_from_slice(&signed);
    }
}

fn mutate_journal(journal: &mut Vec<u8>, random: &mut Random) {
    let Some(header) = JournalHeader::decode(journal).filter(JournalHeader::sizes_are_valid) else {
        return at_random(journal, random);
    };
    let number = *random
        .clone()
        .pick(&[0, 1, 2, 60, 100_000, u32::MAX, random.number() as u32]);
    let step = header.record_size() as usize;
    let start = header.sector_size as usize;
    let count = journal.len().saturating_sub(start) / step;
    if count == 0 || random.one_in(4) {
        return at_random(journal, random);
    }
    let record = start + step * random.below(count);
    match random.below(5) {
        0 => {
            let field = *random.pick(&[8, 12, 16, 20, 24]);
            debug_assert!(field < JOURNAL_HEADER);
            put(journal, field, &number.to_be_bytes());
        }
        1 => put(journal, record, &number.to_be_bytes()),
        2 => {
            let at = random.below(journal.len());
            journal.truncate(at);
        }
        _ => {
            for _ in 0..1 + random.below(4) {
                let at = record + 4 + random.below(header.page_size as usize);
                put(journal, at, &[random.number() as u8]);
            }
            if let Some(page) = journal.get(record + 4..record + 4 + header.page_size as usize) {
                let sum = journal_checksum(header.nonce, page);
                put(
                    journal,
                    record + 4 + header.page_size as usize,
                    &sum.to_be_bytes(),
                );
            }
        }
    }
}

fn at_random(bytes: &mut [u8], random: &mut Random) {
    for _ in 0..1 + random.below(6) {
        let at = if random.one_in(2) {
            random.below(bytes.len().min(64))
        } else {
            random.below(bytes.len())
        };
        put(bytes, at, &[random.number() as u8]);
    }
}
