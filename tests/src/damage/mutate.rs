//! Damage: bytes at random, and lies that the format's structure makes possible.
//!
//! Structure is read with less care than an engine would: whatever is there is taken for a page.

use super::Image;
use super::mutate_beside::mutate_beside;
use crate::random::Random;

/// Damages an image by what follows from the seed.
pub(super) fn mutate(image: &Image, seed: u64) -> Image {
    let mut random = Random::new(seed);
    let mut image = image.clone();
    if (image.log.is_some() || image.journal.is_some()) && !random.one_in(3) {
        mutate_beside(&mut image, &mut random);
        if random.one_in(2) {
            return image;
        }
    }
    let mut file = File {
        page_size: image.page_size(),
        bytes: std::mem::take(&mut image.database),
    };
    if file.bytes.is_empty() {
        let len = random.below(3_000);
        file.bytes = random.bytes(len);
    }
    for _ in 0..1 + random.below(4) {
        file.damage(&mut random);
    }
    image.database = file.bytes;
    image
}

struct File {
    bytes: Vec<u8>,
    page_size: usize,
}

/// Header fields: where, and how long.
const HEADER_FIELDS: [(usize, usize); 22] = [
    (0, 16),
    (16, 2),
    (18, 1),
    (19, 1),
    (20, 1),
    (21, 1),
    (22, 1),
    (23, 1),
    (24, 4),
    (28, 4),
    (32, 4),
    (36, 4),
    (40, 4),
    (44, 4),
    (48, 4),
    (52, 4),
    (56, 4),
    (60, 4),
    (64, 4),
    (68, 4),
    (92, 4),
    (96, 4),
];

impl File {
    fn damage(&mut self, random: &mut Random) {
        if self.bytes.len() < 16 {
            return self.bytes.push(random.number() as u8);
        }
        match random.below(24) {
            0 => self.flip_bit(random),
            1 | 2 => self.set_bytes(random),
            3 => self.copy_block(random),
            4 => self.swap_pages(random),
            5 => self.cut_or_grow(random),
            6 | 7 => self.header_field(random),
            8 => self.freelist(random),
            9 => self.pointer_map(random),
            10 => self.overflow_chain(random),
            11..=13 => self.schema(random),
            _ => self.tree_page(random),
        }
    }

    // ---- without structure -----------------------------------------------------------------------

    fn flip_bit(&mut self, random: &mut Random) {
        let at = random.below(self.bytes.len());
        self.bytes[at] ^= 1 << random.below(8);
    }

    fn set_bytes(&mut self, random: &mut Random) {
        let from = random.below(self.bytes.len());
        let len = 1 + random.below(*random.clone().pick(&[2, 9, 40, 400]));
        let to = (from + len).min(self.bytes.len());
        let fill = *random.pick(&[0, 0xff, 0x7f, 0x80]);
        let at_random = random.one_in(2);
        for byte in &mut self.bytes[from..to] {
            *byte = if at_random { random.number() as u8 } else { fill };
        }
    }

    fn copy_block(&mut self, random: &mut Random) {
        let len = 1 + random.below(self.page_size.min(self.bytes.len()));
        let from = random.below(self.bytes.len() - len + 1);
        let to = random.below(self.bytes.len() - len + 1);
        self.bytes.copy_within(from..from + len, to);
    }

    fn swap_pages(&mut self, random: &mut Random) {
        let (a, b) = (self.any_page(random), self.any_page(random));
        let size = self.page_size;
        if (a.max(b) + 1) * size <= self.bytes.len() {
            for at in 0..size {
                self.bytes.swap(a * size + at, b * size + at);
            }
        }
    }

    fn cut_or_grow(&mut self, random: &mut Random) {
        if random.one_in(2) {
            self.bytes.truncate(random.below(self.bytes.len()));
        } else {
            let len = random.below(3 * self.page_size);
            self.bytes.resize(self.bytes.len() + len, 0);
        }
    }

    // ---- the header ------------------------------------------------------------------------------

    fn header_field(&mut self, random: &mut Random) {
        let (at, len) = *random.pick(&HEADER_FIELDS);
        if len == 4 {
            let value = self.odd_number(random);
            self.put32(at, value);
        } else if at + len <= self.bytes.len() {
            let byte = random.below(len);
            self.bytes[at + byte] = *random
                .clone()
                .pick(&[0, 1, 2, 3, 4, 0x80, 0xff, random.number() as u8]);
        }
    }

    fn freelist(&mut self, random: &mut Random) {
        let trunk = self.get32(32) as usize;
        let place = trunk.wrapping_sub(1).wrapping_mul(self.page_size);
        let value = self.odd_number(random);
        match random.below(5) {
            0 => self.put32(32, value),
            1 => self.put32(36, value),
            // The trunk after this one: itself, an earlier one, a page in use.
            2 => self.put32(place, if random.one_in(2) { trunk as u32 } else { value }),
            3 => self.put32(place.wrapping_add(4), value),
            _ => {
                let leaf = 8 + 4 * random.below(20);
                self.put32(place.wrapping_add(leaf), value);
            }
        }
    }

    fn pointer_map(&mut self, random: &mut Random) {
        let entry = self.page_size + 5 * random.below(40);
        if entry + 5 <= self.bytes.len() {
            if random.one_in(2) {
                self.bytes[entry] = random.below(8) as u8;
            } else {
                let value = self.odd_number(random);
                self.put32(entry + 1, value);
            }
        }
    }

    // ---- pages -----------------------------------------------------------------------------------

    fn tree_page(&mut self, random: &mut Random) {
        let page = self.any_page(random);
        let Some(start) = self.tree_start(page) else {
            return self.set_bytes(random);
        };
        let interior = matches!(self.bytes[start], 2 | 5);
        let value = self.odd_number(random);
        let small = *random
            .clone()
            .pick(&[0, 1, 2, 7, 8, 0xff, self.page_size as u32 - 1, value]);
        match random.below(9) {
            0 => self.bytes[start] = *random.pick(&[0, 1, 2, 5, 10, 13, 0xff]),
            1 => self.put16(start + 1, small),
            2 => self.put16(start + 3, small),
            3 => self.put16(start + 5, small),
            4 => self.bytes[start + 7] = value as u8,
            5 if interior => self.put32(start + 8, value),
            6 => self.cell_pointer(start, random),
            _ => self.cell(start, random),
        }
    }

    fn cell_pointer(&mut self, start: usize, random: &mut Random) {
        let Some((pointers, count)) = self.pointers(start) else {
            return;
        };
        let at = pointers + 2 * random.below(count);
        let value = match random.below(4) {
            0 => self.get16(pointers + 2 * random.below(count)),
            1 => random.below(self.page_size) as u32,
            2 => self.page_size as u32 - 1 - random.below(6) as u32,
            _ => random.below(16) as u32,
        };
        self.put16(at, value);
    }

    fn cell(&mut self, start: usize, random: &mut Random) {
        let Some((pointers, count)) = self.pointers(start) else {
            return;
        };
        let page = start / self.page_size * self.page_size;
        let cell = page + self.get16(pointers + 2 * random.below(count)) as usize;
        let interior = matches!(self.bytes[start], 2 | 5);
        let value = self.odd_number(random);
        match random.below(5) {
            0 if interior => self.put32(cell, value),
            0 | 1 => {
                // A length or row id of nine bytes, all ones or not.
                let from = cell + if interior { 4 } else { random.below(2) };
                let fill = *random.pick(&[0xff, 0x80, 0x8f]);
                for byte in self.bytes.iter_mut().skip(from).take(1 + random.below(9)) {
                    *byte = fill;
                }
            }
            _ => {
                // The record's header is in the first few bytes.
                let at = cell + random.below(12);
                if let Some(byte) = self.bytes.get_mut(at) {
                    *byte = *random.clone().pick(&[
                        0,
                        1,
                        6,
                        7,
                        10,
                        11,
                        12,
                        13,
                        0x7f,
                        0xff,
                        random.number() as u8,
                    ]);
                }
            }
        }
    }

    /// Some page that is not of a tree gets another first word: a chain that ends, loops, or goes elsewhere.
    fn overflow_chain(&mut self, random: &mut Random) {
        for _ in 0..10 {
            let page = self.any_page(random);
            if self.tree_start(page).is_none() {
                let own = page as u32 + 1;
                let value = if random.one_in(3) {
                    own
                } else {
                    self.odd_number(random)
                };
                return self.put32(page * self.page_size, value);
            }
        }
    }

    /// The schema's text and root pages stand at the end of page 1.
    fn schema(&mut self, random: &mut Random) {
        let end = self.page_size.min(self.bytes.len());
        let from = 100 + random.below(end.saturating_sub(100));
        let len = 1 + random.below(3);
        for byte in self.bytes.iter_mut().take(end).skip(from).take(len) {
            *byte = *random.clone().pick(&[
                0,
                b' ',
                b'(',
                b')',
                b',',
                b'\'',
                b'"',
                1,
                2,
                3,
                8,
                random.number() as u8,
            ]);
            random.number();
        }
    }

    // ---- reading and writing ---------------------------------------------------------------------

    fn any_page(&self, random: &mut Random) -> usize {
        random.below(self.bytes.len().div_ceil(self.page_size))
    }

    /// Where the page's header begins, if it is of a tree.
    fn tree_start(&self, page: usize) -> Option<usize> {
        let start = page * self.page_size + if page == 0 { 100 } else { 0 };
        let is_tree = matches!(self.bytes.get(start)?, 2 | 5 | 10 | 13);
        (is_tree && start + 12 <= self.bytes.len()).then_some(start)
    }

    /// Where the cell pointers begin, and how many there are that can be looked at.
    fn pointers(&self, start: usize) -> Option<(usize, usize)> {
        let pointers = start + if matches!(self.bytes[start], 2 | 5) { 12 } else { 8 };
        let room = self.bytes.len().saturating_sub(pointers) / 2;
        let count = (self.get16(start + 3) as usize).min(room);
        (count > 0).then_some((pointers, count))
    }

    /// A number that is likely to be wrong in an interesting way.
    fn odd_number(&self, random: &mut Random) -> u32 {
        let pages = self.bytes.len().div_ceil(self.page_size) as u32;
        match random.below(10) {
            0 => 0,
            1 => 1,
            2 => pages,
            3 => pages + 1,
            4 => u32::MAX,
            5 => 0x7fff_ffff,
            6 => (1 << 30) / self.page_size as u32 + 1,
            7 => random.number() as u32,
            _ => 1 + random.below(pages as usize) as u32,
        }
    }

    fn get16(&self, at: usize) -> u32 {
        match self.bytes.get(at..at + 2) {
            Some(&[high, low]) => u32::from(high) << 8 | u32::from(low),
            _ => 0,
        }
    }

    fn get32(&self, at: usize) -> u32 {
        match self.bytes.get(at..at + 4) {
            Some(&[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
            _ => 0,
        }
    }

    fn put16(&mut self, at: usize, value: u32) {
        put(&mut self.bytes, at, &(value as u16).to_be_bytes());
    }

    fn put32(&mut self, at: usize, value: u32) {
        put(&mut self.bytes, at, &value.to_be_bytes());
    }
}

/// Overwrites bytes if they are there.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    let to = at.checked_add(value.len());
    if let Some(place) = to.and_then(|to| bytes.get_mut(at..to)) {
        place.copy_from_slice(value);
    }
}
