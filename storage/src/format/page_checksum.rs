//! Page checksums: the last sixteen reserved bytes of each page, of a database that was asked to have them. SQLite leaves reserved bytes alone,
//! so it reads and writes such a file; it just does not know what they mean.
//!
//! ```text
//!   │ content … │ other reserved bytes │ tag, 4 │ stamp, 4 │ sum, 4 │ CRC-32, 4 │     all big-endian
//!                                         │        │         │        └ of all before it
//!                                         │        │         └ of the little-endian words before it, wrapping
//!                                         │        └ CRC-32 of the header as the commit that wrote the page left it
//!                                         └ a constant exclusive-or the page number: a page in the place of another shows
//! ```
//!
//! A database has checksums when page 1 bears its tag.
//!
//! # Stale or damaged
//!
//! A page that SQLite rewrote keeps its old trailer: its checksum is wrong and its content is right. Nothing on the page tells that from
//! damage; even one flipped bit may be an UPDATE from 2 to 3. So page 1 bears a **seal** for the whole file: its stamp, the CRC of the header in
//! front of it. We write it with each commit as long as all checksums are right. SQLite's commits change the header and leave the
//! stamp, so afterwards the seal does not fit.
//!
//! - With a seal nobody but us has committed, and any mismatch is damage.
//! - Without, a mismatch counts as stale. Our own commits then stamp the complement, and the seal is broken until all checksums are
//!   renewed.
//!
//! Without a log each of SQLite's commits counts the change counter up. With a log it writes page 1 only when something on it changes;
//! but it always does when the page count in the header is not that of the file, which it mends at the start of each write transaction.
//! So in a file with checksums and a log we write that page count as zero, as in files of libraries that did not know it; everybody goes by
//! the file's length then.
//!
//! Page 1 itself has to be trusted before its seal is. There one flipped bit is told from a commit of SQLite, which changes two places of the
//! header at least: a single bit of the page must explain CRC and sum at once, and new content does that once in some 2^49 cases.

use super::PageNo;
use super::header::HEADER_SIZE;
use super::page::read_u32;

/// Reserved bytes that a page needs for its checksum.
pub const PAGE_CHECKSUM_SIZE: u8 = 16;

const TAG: u32 = 0xa1_0d_e1_c5;

/// CRC-32 with the lowest bit first.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What a page's checksum says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It fits.
    Good,
    /// It does not fit, and the content may be newer than it.
    Stale,
    /// The page is not what was written.
    Damaged,
}

/// Places of the trailer's parts in a page of this length.
struct Trailer {
    tag: usize,
    stamp: usize,
    sum: usize,
    crc: usize,
}

impl Trailer {
    fn of(page: &[u8]) -> Trailer {
        let end = page.len();
        Trailer {
            tag: end - 16,
            stamp: end - 12,
            sum: end - 8,
            crc: end - 4,
        }
    }
}

/// Writes the trailer of page `no`, which `stamp` goes into.
pub fn seal_page(no: PageNo, page: &mut [u8], stamp: u32) {
    let place = Trailer::of(page);
    put(page, place.tag, TAG ^ no.get());
    put(page, place.stamp, stamp);
    let sum = sum_of(&page[..place.sum]);
    put(page, place.sum, sum);
    let crc = crc32fast::hash(&page[..place.crc]);
    put(page, place.crc, crc);
}

/// Looks at the checksum of page `no`. `sealed` says that no content can be newer than its checksum.
pub fn verdict(no: PageNo, page: &[u8], sealed: bool) -> Verdict {
    let place = Trailer::of(page);
    if read_u32(page, place.crc) == Some(crc32fast::hash(&page[..place.crc])) {
        return match (read_u32(page, place.tag) == Some(TAG ^ no.get()), sealed) {
            (true, _) => Verdict::Good,
            // SQLite moves pages as they are.
            (false, false) => Verdict::Stale,
            (false, true) => Verdict::Damaged,
        };
    }
    if sealed || (no == PageNo::ONE && flipped_bit(page).is_some()) {
        Verdict::Damaged
    } else {
        Verdict::Stale
    }
}

/// Whether page 1 bears the tag, up to one flipped bit: then the database has checksums.
pub fn is_tagged(first_page: &[u8]) -> bool {
    let tag = read_u32(first_page, Trailer::of(first_page).tag);
    tag.is_some_and(|tag| (tag ^ TAG ^ 1).count_ones() <= 1)
}

/// The stamp of a commit that leaves page 1 with this header. `sealed` says that all checksums are right then.
pub fn stamp_of(first_page: &[u8], sealed: bool) -> u32 {
    let crc = crc32fast::hash(&first_page[..HEADER_SIZE]);
    if sealed { crc } else { !crc }
}

/// Whether the stamp of page 1 says that all checksums are right.
pub fn is_sealed(first_page: &[u8]) -> bool {
    read_u32(first_page, Trailer::of(first_page).stamp) == Some(stamp_of(first_page, true))
}

/// Takes the tag off page 1 of a database with so many reserved bytes, if it bears one: the database has no checksums any more.
pub fn untag(first_page: &mut [u8], reserved: u8) {
    if reserved >= PAGE_CHECKSUM_SIZE && is_tagged(first_page) {
        let at = Trailer::of(first_page).tag;
        first_page[at..].fill(0);
    }
}

/// The bit of the page, counted from its start, that has to be flipped for the checksum to fit, when there is one.
pub fn flipped_bit(page: &[u8]) -> Option<usize> {
    let place = Trailer::of(page);
    let stored = read_u32(page, place.crc)?;
    let difference = stored ^ crc32fast::hash(&page[..place.crc]);
    let fits = |bit: usize| {
        let mut mended = page.to_vec();
        mended[bit / 8] ^= 1 << (bit % 8);
        read_u32(&mended, place.crc) == Some(crc32fast::hash(&mended[..place.crc]))
            && read_u32(&mended, place.sum) == Some(sum_of(&mended[..place.sum]))
    };
    if difference.count_ones() == 1 {
        // A bit of the checksum itself, which lies in the page highest byte first.
        let bit = 31 - difference.leading_zeros() as usize;
        return Some((place.crc + 3 - bit / 8) * 8 + bit % 8).filter(|bit| fits(*bit));
    }
    // What one flipped bit does to the CRC depends on how many bits follow it: one step of the register for each.
    let mut register = POLYNOMIAL;
    for bit in (0..place.crc * 8).rev() {
        if register == difference {
            return Some(bit).filter(|bit| fits(*bit));
        }
        register = (register >> 1) ^ (POLYNOMIAL & (register & 1).wrapping_neg());
    }
    None
}

fn sum_of(bytes: &[u8]) -> u32 {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .fold(0, u32::wrapping_add)
}

fn put(page: &mut [u8], at: usize, value: u32) {
    page[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(no: u32, len: usize) -> (PageNo, Vec<u8>) {
        let no = PageNo::new(no).unwrap();
        let mut page: Vec<u8> = (0..len).map(|n| (n * 31 % 251) as u8).collect();
        seal_page(no, &mut page, 77);
        (no, page)
    }

    #[test]
    fn each_flipped_bit_is_damage_and_is_named() {
        for len in [512, 4096] {
            let (no, mut page) = page(1, len);
            assert_eq!(verdict(no, &page, true), Verdict::Good);
            let step = if len == 512 { 1 } else { 37 };
            for bit in (0..len * 8).step_by(step) {
                page[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(flipped_bit(&page), Some(bit));
                assert_eq!(verdict(no, &page, false), Verdict::Damaged);
                page[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn new_content_is_stale_unless_the_file_is_sealed() {
        let (no, sealed) = page(9, 1024);
        for at in 0..900 {
            let mut page = sealed.clone();
            page[at..at + 8].copy_from_slice(&(at as u64 + 1).to_be_bytes());
            page[at + 60] ^= 5;
            assert_eq!(verdict(no, &page, false), Verdict::Stale, "{at}");
            assert_eq!(verdict(no, &page, true), Verdict::Damaged, "{at}");
        }
        let zeros = [0; 1024];
        assert_eq!(verdict(no, &zeros, false), Verdict::Stale);
        assert_eq!(verdict(no, &zeros, true), Verdict::Damaged);
    }

    #[test]
    fn a_page_in_the_place_of_another_shows() {
        let (_, page) = page(9, 512);
        let other = PageNo::new(10).unwrap();
        assert_eq!(verdict(other, &page, true), Verdict::Damaged);
        assert_eq!(verdict(other, &page, false), Verdict::Stale);
    }

    #[test]
    fn the_seal_fits_the_header() {
        let (no, mut first) = page(1, 512);
        assert!(is_tagged(&first) && !is_sealed(&first));
        let stamp = stamp_of(&first, true);
        seal_page(no, &mut first, stamp);
        assert!(is_sealed(&first));
        first[27] += 1;
        assert!(!is_sealed(&first));
        first[512 - 16] ^= 4;
        assert!(is_tagged(&first));
        first[512 - 16] ^= 3;
        assert!(!is_tagged(&first));
    }
}
