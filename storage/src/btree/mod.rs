#![forbid(unsafe_code)]
//! Floor 4: ordered trees over the pages of a database.
//!
//! ```text
//!                     ┌──────────────┐
//!                     │ root         │  its page number never changes: it is the tree's name
//!                     └─┬────┬─────┬─┘
//!          ┌────────────┘    │     └────────────┐
//!   ┌──────┴─────┐    ┌──────┴─────┐     ┌──────┴─────┐
//!   │ interior   │    │ interior   │     │ interior   │
//!   └─┬───┬────┬─┘    └─┬───┬────┬─┘     └─┬───┬────┬─┘
//!   leaf leaf leaf    leaf leaf leaf     leaf leaf leaf ──▶ overflow ──▶ overflow
//! ```
//!
//! A **table tree** maps row ids to payloads; all rows are on its leaves, interior cells only guide. An **index tree** is a sorted set of
//! records; the cells of interior pages are entries as well. WITHOUT ROWID tables are index trees.
//!
//! | module | what it owns |
//! |---|---|
//! | `table`, `index` | [`TableCursor`], [`IndexCursor`]: moving, seeking, inserting, deleting; [`PayloadCursor`]: the bytes of one row |
//! | `leaf` | a whole leaf handed out at once, for scans |
//! | `descent` | the stack of pages from the root to where a cursor stands |
//! | `balance` | splits, merges, growing and shrinking of the root |
//! | `edit` | changes within one page: free space, freeblocks, cell pointers |
//! | `bulk` | [`BulkBuilder`]: trees built from sorted input, bottom up |
//! | `tree` | creating, clearing, dropping and counting whole trees |
//! | `relocate` | moving pages in auto-vacuum files: [`vacuum_pages`], places for roots |
//! | `overflow`, `freelist`, `pointer_map` | the pages that are not tree pages |
//!
//! Cursors do not borrow the pager: each call is given it, so that many cursors can work in one transaction. A cursor
//! notices by [`Pager::mutation_count`](crate::pager::Pager::mutation_count) that pages have changed under it, and finds its place again by key.
//!
//! Invariants, checked by the model tests after every step:
//! - B1 all leaves of a tree have the same depth; no page but a root is without cells.
//! - B2 keys ascend in order of traversal; a table's interior key is at least its left subtree's keys and less than its right one's.
//! - B3 each page of the file has one use: tree, overflow, freelist, pointer map, or lock byte page.
//! - B4 where there is a pointer map, it names each page's parent.

mod balance;
mod bulk;
mod descent;
mod edit;
pub mod freelist;
mod index;
mod leaf;
#[cfg(test)]
pub(crate) mod model;
mod overflow;
pub mod pointer_map;
mod relocate;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use bulk::BulkBuilder;
pub use index::{IndexBatch, IndexCursor};
pub use leaf::{LeafRow, LeafRows};
pub use relocate::vacuum_pages;
pub use table::{PayloadCursor, TableCursor};
pub use tree::{Moved, TreeKind, clear_tree, count_rows, create_tree, drop_tree};

/// Which row a seek looks for, relative to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seek {
    /// The row with the key.
    Eq,
    /// The first row at or after the key.
    Ge,
    /// The first row after the key.
    Gt,
    /// The last row at or before the key.
    Le,
    /// The last row before the key.
    Lt,
}

/// The deepest tree that is followed. A well-formed tree that fills the largest file is less deep.
pub(crate) const DEPTH_MAX: usize = 20;
