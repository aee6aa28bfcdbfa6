//! The walk through a whole file: from the header to each page, with all that contradicts itself noted on the way.
//!
//! ```text
//!   header ──▶ freelist ──▶ sqlite_schema ──▶ each root it names ──▶ pages that nothing reached
//!                                  tree: page ──▶ cells ──▶ overflow chains
//!                                  each page against its pointer map entry
//! ```
//!
//! - W1 A page is entered once: a second pointer to it is a finding and not followed. So every walk ends, in time proportional to the file.
//! - W2 Pages to visit are on a stack of ours, not on the program's; its length is bounded by the children of one path.
//! - W3 Damage is a finding. An error is what the world says: a disk that does not read is a finding as well, of its page.
//! - W4 Findings stop at a limit, and the layout says so.

mod chain;
mod header;
mod map;
mod schema;
mod tree;
mod uses;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::finding::Finding;
use super::image::Image;
use super::vocabulary::{Code, PageUse};
pub use map::{entry_words, map_place};
pub use schema::SchemaEntry;
pub use uses::{Notes, PageNote};

/// How deep to look.
#[derive(Clone, Debug)]
pub struct WalkOptions {
    /// Follow freelist and trees; without, only the header is looked at.
    pub trees: bool,
    /// Look inside pages: cells, free space, row ids.
    pub inside: bool,
    /// Look at each record's header.
    pub records: bool,
    /// Stop noting findings after so many.
    pub findings_max: usize,
    /// Somebody may set it meanwhile: the walk then ends with what it has, and [`Layout::stopped`] tells.
    pub stop: Arc<AtomicBool>,
}

impl Default for WalkOptions {
    fn default() -> WalkOptions {
        WalkOptions {
            trees: true,
            inside: true,
            records: true,
            findings_max: 10_000,
            stop: Arc::default(),
        }
    }
}

/// What owns pages: a tree.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    /// The name of the table or index.
    pub name: String,
    /// `table`, `index` or `schema`.
    pub kind: &'static str,
    /// The table that an index belongs to; the table itself.
    pub table: String,
    /// The root page.
    pub root: u32,
    /// What the walk met.
    pub tally: TreeTally,
}

/// What a tree is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeTally {
    /// Pages with children.
    pub interior_pages: u64,
    /// Pages without.
    pub leaf_pages: u64,
    /// Pages of overflow chains.
    pub overflow_pages: u64,
    /// Rows, or entries of an index.
    pub entries: u64,
    /// Entries with an overflow chain.
    pub entries_with_overflow: u64,
    /// Bytes of all payloads.
    pub payload_bytes: u64,
    /// The longest payload.
    pub payload_max: u64,
    /// Bytes of interior pages that no cell takes.
    pub interior_unused: u64,
    /// Bytes of leaves that no cell takes.
    pub leaf_unused: u64,
    /// Bytes of overflow pages behind the end of a payload.
    pub overflow_unused: u64,
    /// Levels.
    pub depth: u8,
    /// Leaves that do not follow the one before in the file.
    pub gaps: u64,
    /// Fragmented bytes.
    pub fragment_bytes: u64,
}

impl TreeTally {
    /// All pages.
    pub fn pages(&self) -> u64 {
        self.interior_pages + self.leaf_pages + self.overflow_pages
    }

    /// All bytes that hold nothing.
    pub fn unused(&self) -> u64 {
        self.interior_unused + self.leaf_unused + self.overflow_unused
    }
}

/// What a file consists of, and what is wrong with it.
#[derive(Debug)]
pub struct Layout {
    /// Pages of the database.
    pub page_count: u32,
    /// Each page's note.
    pub notes: Notes,
    /// The trees, the schema's first.
    pub owners: Vec<Owner>,
    /// The rows of the schema.
    pub schema: Vec<SchemaEntry>,
    /// Trunks of the freelist.
    pub trunks: u64,
    /// Pages that they list.
    pub free_pages: u64,
    /// Pages that nothing refers to.
    pub lost_pages: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whether there was room for all findings, and time for all pages.
    pub complete: bool,
    /// Whether the walk was stopped: what is not here was not looked at.
    pub stopped: bool,
}

impl Layout {
    /// The owner of a page.
    pub fn owner_of(&self, page: u32) -> Option<&Owner> {
        let number = self.notes.get(page).owner;
        (number as usize)
            .checked_sub(1)
            .and_then(|index| self.owners.get(index))
    }
}

/// Told how far the walk is: pages done, and of what.
pub type Progress<'p> = dyn FnMut(u32, &str) + 'p;

/// Walks through a file.
///
/// Reads each page that is in use once.
pub fn walk(image: &Image, options: &WalkOptions, progress: &mut Progress<'_>) -> Layout {
    let mut walk = Walk::new(image, options, progress);
    walk.header();
    if walk.page_count == 0 || !options.trees {
        return walk.layout;
    }
    walk.freelist();
    walk.all_trees();
    walk.rest();
    walk.layout
}

/// The rows of the schema, as far as the walker finds them around what is damaged; none of the trees that they name are looked at.
pub fn walk_schema(image: &Image) -> (Vec<SchemaEntry>, Vec<Finding>) {
    let options = WalkOptions::default();
    let mut progress = |_: u32, _: &str| ();
    let mut walk = Walk::new(image, &options, &mut progress);
    if walk.page_count > 0 {
        walk.schema_tree();
    }
    (walk.layout.schema, walk.layout.findings)
}

struct Walk<'w> {
    image: &'w Image,
    options: &'w WalkOptions,
    progress: &'w mut Progress<'w>,
    page_size: usize,
    usable: usize,
    page_count: u32,
    is_mapped: bool,
    /// Pointer map pages that were read last.
    maps: HashMap<u32, Vec<u8>>,
    first: Vec<u8>,
    done: u32,
    layout: Layout,
}

impl<'w> Walk<'w> {
    fn new<'p: 'w>(image: &'w Image, options: &'w WalkOptions, progress: &'w mut Progress<'p>) -> Walk<'w> {
        let mut first = Vec::new();
        // A page that cannot be read shows as zeros, and its header then says what is wrong.
        let _ = image.page(1, &mut first);
        let told = image.header().filter(|header| header.page_count_is_valid());
        let page_count = told.map_or(image.page_count(), |header| {
            header.page_count.min(image.page_count())
        });
        Walk {
            image,
            options,
            progress: shorten(progress),
            page_size: image.page_size(),
            usable: image.usable_size(),
            page_count,
            is_mapped: super::page::word(&first, 52) != 0,
            maps: HashMap::new(),
            first,
            done: 0,
            layout: Layout {
                page_count,
                notes: Notes::new(page_count),
                owners: Vec::new(),
                schema: Vec::new(),
                trunks: 0,
                free_pages: 0,
                lost_pages: 0,
                findings: Vec::new(),
                complete: true,
                stopped: false,
            },
        }
    }

    /// Whether it is to end. What contradicts itself from here on only does because pages are left out.
    fn is_stopped(&mut self) -> bool {
        self.layout.stopped |= self.options.stop.load(Ordering::Relaxed);
        self.layout.complete &= !self.layout.stopped;
        self.layout.stopped
    }

    fn find(&mut self, finding: Finding) {
        if self.is_stopped() {
            return;
        }
        if self.layout.findings.len() >= self.options.findings_max {
            self.layout.complete = false;
            return;
        }
        self.layout.findings.push(finding);
    }

    fn owner_name(&self, owner: u32) -> Option<String> {
        let index = (owner as usize).checked_sub(1)?;
        self.layout.owners.get(index).map(|owner| owner.name.clone())
    }

    fn tally(&mut self, owner: u32) -> Option<&mut TreeTally> {
        let index = (owner as usize).checked_sub(1)?;
        self.layout.owners.get_mut(index).map(|owner| &mut owner.tally)
    }

    /// The page that holds the lock bytes.
    fn lock_byte_page(&self) -> u32 {
        (0x4000_0000 / self.page_size as u64) as u32 + 1
    }

    /// Notes that something at `offset` of page `from` points to `page`, and what for. `false` when it must not be followed; the finding is
    /// noted then.
    fn claim(&mut self, page: u32, page_use: PageUse, owner: u32, from: u32, offset: usize) -> bool {
        if self.is_stopped() {
            return false;
        }
        let name = self.owner_name(owner);
        let place = |finding: Finding| finding.on(from).at(offset).of(name.as_deref());
        if page == 0 || page > self.page_count || page == self.lock_byte_page() {
            let message = format!(
                "this points to page {page}, which is none of the {} pages",
                self.page_count
            );
            self.find(place(
                Finding::new(Code::InvalidPageNumber, message).values(self.page_count, page),
            ));
            return false;
        }
        if self.is_mapped && self.is_map_page(page) {
            let message = format!("this points to page {page}, which is a pointer map page");
            self.find(place(
                Finding::new(Code::PointerMapReferenced, message).values(0, page),
            ));
            return false;
        }
        let Some(note) = self.layout.notes.entry(page) else {
            return false;
        };
        if note.page_use != PageUse::Unreferenced || (page == 1 && from != 1) {
            let before = note.page_use.words().words;
            let message =
                format!("this points to page {page}, to which something else points already ({before})");
            self.find(place(
                Finding::new(Code::SecondReference, message).values(0, page),
            ));
            return false;
        }
        (note.page_use, note.owner) = (page_use, owner);
        self.done += 1;
        if self.done.is_multiple_of(1024) {
            (self.progress)(self.done, name.as_deref().unwrap_or("freelist"));
        }
        true
    }

    /// Reads a page; a finding when the disk does not give it.
    fn read(&mut self, page: u32, bytes: &mut Vec<u8>) -> bool {
        match self.image.page(page, bytes) {
            Ok(there) => there,
            Err(error) => {
                self.find(
                    Finding::new(Code::UnreadablePage, format!("the page cannot be read: {error}")).on(page),
                );
                false
            }
        }
    }

    /// Pages that nothing reached.
    fn rest(&mut self) {
        if self.is_stopped() {
            return;
        }
        if let Some(note) = (self.lock_byte_page() <= self.page_count)
            .then(|| self.lock_byte_page())
            .and_then(|page| self.layout.notes.entry(page))
        {
            note.page_use = PageUse::LockByte;
        }
        let mut page = 2;
        while page <= self.page_count {
            // Of a file that claims pages by the million and has none of them, whole stretches are passed at once.
            if !self.layout.complete && self.layout.notes.is_untouched(page) {
                let end = self
                    .layout
                    .notes
                    .end_of_piece(page)
                    .min(self.page_count.saturating_add(1));
                self.layout.lost_pages += u64::from(end - page);
                page = end;
                continue;
            }
            if self.is_mapped && self.is_map_page(page) {
                if let Some(note) = self.layout.notes.entry(page) {
                    note.page_use = PageUse::PointerMap;
                }
            } else if self.layout.notes.get(page).page_use == PageUse::Unreferenced {
                self.layout.lost_pages += 1;
                self.find(Finding::new(Code::NeverUsed, "nothing refers to this page").on(page));
            }
            let Some(next) = page.checked_add(1) else { return };
            page = next;
        }
    }
}

/// A borrow of the callback that lives as long as the walk.
fn shorten<'w, 'p: 'w>(progress: &'w mut Progress<'p>) -> &'w mut Progress<'w> {
    // A trait object behind `&mut` keeps its own lifetime; going through a fresh coercion ends it with the walk.
    progress
}
