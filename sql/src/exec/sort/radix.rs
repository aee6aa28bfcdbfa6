//! Sorting entries by the bytes of their prefixes.
//!
//! Least significant byte first, and only the bytes in which entries differ at all: a million keys below a million take three passes. A pass
//! keeps the order of entries that agree in its byte, so the whole keeps the order of equal prefixes.

use super::entries::Entry;

/// Below this many entries comparing is faster.
const ENTRIES_MIN: usize = 512;
/// With more bytes to go through comparing is faster.
const PASSES_MAX: usize = 9;

/// Sorts by prefix, keeping the order of equal prefixes; false when it would not pay, and then nothing is changed.
pub(super) fn sort_by_prefix(entries: &mut Vec<Entry>) -> bool {
    if entries.len() < ENTRIES_MIN {
        return false;
    }
    let passes = varying_bytes(entries);
    if passes.len() > PASSES_MAX {
        return false;
    }
    let mut other = entries.clone();
    for byte in passes {
        scatter(entries, &mut other, byte);
        std::mem::swap(entries, &mut other);
    }
    true
}

/// The bytes of the prefix in which entries differ, least significant first; 0..8 are those of the low half.
fn varying_bytes(entries: &[Entry]) -> Vec<u32> {
    let (high, low) = entries
        .first()
        .map_or((0, 0), |first| (first.prefix, first.prefix_low));
    let (mut high_varies, mut low_varies) = (0, 0);
    for entry in entries {
        high_varies |= entry.prefix ^ high;
        low_varies |= entry.prefix_low ^ low;
    }
    let varies = |byte: &u32| {
        let half = if *byte < 8 { low_varies } else { high_varies };
        half >> (8 * (byte % 8)) & 0xff != 0
    };
    (0..16).filter(varies).collect()
}

#[inline(always)]
fn byte_of(entry: &Entry, byte: u32) -> usize {
    let half = if byte < 8 { entry.prefix_low } else { entry.prefix };
    (half >> (8 * (byte % 8)) & 0xff) as usize
}

/// Puts the entries into `out` in the order of one byte.
fn scatter(entries: &[Entry], out: &mut [Entry], byte: u32) {
    let mut next = [0usize; 256];
    entries.iter().for_each(|entry| next[byte_of(entry, byte)] += 1);
    let mut start = 0;
    for count in &mut next {
        start += std::mem::replace(count, start);
    }
    for entry in entries {
        let place = &mut next[byte_of(entry, byte)];
        out[*place] = *entry;
        *place += 1;
    }
}
