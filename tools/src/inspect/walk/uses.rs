//! What is known of each page, in a few bytes for each page that something is known of.

use super::super::vocabulary::PageUse;

/// What is known of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageNote {
    /// What it is used for.
    pub page_use: PageUse,
    /// How full it is, of a hundred.
    pub fill: u8,
    /// How far from its root.
    pub depth: u8,
    /// The number of its owner among [`Layout::owners`](super::Layout::owners), from 1 on; 0 for none.
    pub owner: u32,
}

/// Pages that are noted together. A damaged file may claim any number of pages: room is made for those that are met.
const PIECE: usize = 4096;

/// The notes of all pages.
#[derive(Debug, Default)]
pub struct Notes {
    pieces: Vec<Option<Box<[PageNote; PIECE]>>>,
}

impl Notes {
    /// Room for `count` pages.
    pub(super) fn new(count: u32) -> Notes {
        Notes {
            pieces: (0..=count as usize / PIECE).map(|_| None).collect(),
        }
    }

    /// What is known of page `number`.
    pub fn get(&self, number: u32) -> PageNote {
        let piece = self.pieces.get(number as usize / PIECE).and_then(Option::as_ref);
        piece.map_or_else(PageNote::default, |piece| piece[number as usize % PIECE])
    }

    /// Whether nothing is known of page `number` nor of those noted together with it.
    pub(super) fn is_untouched(&self, number: u32) -> bool {
        self.pieces
            .get(number as usize / PIECE)
            .is_none_or(Option::is_none)
    }

    /// The first page behind those that are noted together with page `number`.
    pub(super) fn end_of_piece(&self, number: u32) -> u32 {
        (number / PIECE as u32)
            .saturating_add(1)
            .saturating_mul(PIECE as u32)
    }

    pub(super) fn entry(&mut self, number: u32) -> Option<&mut PageNote> {
        let piece = self.pieces.get_mut(number as usize / PIECE)?;
        let piece = piece.get_or_insert_with(|| Box::new([PageNote::default(); PIECE]));
        piece.get_mut(number as usize % PIECE)
    }
}
