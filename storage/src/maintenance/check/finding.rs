//! What the check finds, and the words for where it is.

use std::fmt;

use crate::format::PageNo;

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of contradiction.
    pub code: FindingCode,
    /// The root of the tree that was walked.
    pub tree: Option<PageNo>,
    /// The page that is wrong.
    pub page: Option<PageNo>,
    /// The cell on that page.
    pub cell: Option<usize>,
    /// The byte of that page.
    pub offset: Option<usize>,
    /// What should be there.
    pub expected: Option<i64>,
    /// What is there.
    pub found: Option<i64>,
    /// All of it in words; SQLite's where SQLite has them.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The kinds of contradictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingCode {
    /// A pointer to page 0 or behind the end of the file.
    InvalidPageNumber,
    /// Two pointers to one page.
    SecondReference,
    /// A page that could not be read.
    UnreadablePage,
    /// A page whose header is not that of a tree page.
    BadPageHeader,
    /// Freeblocks or free byte counts that contradict each other.
    BadFreeSpace,
    /// A cell pointer outside the cell content area.
    CellOffsetOutOfRange,
    /// A cell that reaches over the end of its page.
    CellOffPage,
    /// A record whose header is too short for a column.
    BadCellHeader,
    /// A row id that is not above the one before.
    RowidOutOfOrder,
    /// Children of one page with different depths.
    ChildDepthDiffers,
    /// An overflow chain longer or shorter than its payload.
    OverflowLength,
    /// A freelist longer or shorter than the header says.
    FreelistLength,
    /// A trunk with more leaves than it has room for.
    FreelistLeafCount,
    /// Two cells or freeblocks that share a byte.
    Overlap,
    /// Fragmented bytes that are not as many as the header says.
    Fragmentation,
    /// A pointer map entry that does not agree with the tree.
    PointerMap,
    /// A pointer to a pointer map page.
    PointerMapReferenced,
    /// A page that nothing refers to.
    NeverUsed,
    /// The largest root page in the header is not the largest root.
    LargestRoot,
    /// Incremental vacuum without a pointer map.
    IncrementalVacuum,
    /// A page of the other kind of tree. Ours.
    WrongKind,
    /// A tree deeper than any tree can be.
    TooDeep,
    /// An index entry that is not behind the one before. Ours.
    EntryOutOfOrder,
    /// A record that contradicts itself. Ours.
    BadRecord,
    /// A payload longer than the format allows. Ours.
    PayloadTooLong,
    /// A page that is not what was written, by its checksum. Ours.
    Checksum,
}

impl FindingCode {
    /// True for what SQLite's check does not look for.
    pub fn is_ours(self) -> bool {
        use FindingCode::*;
        matches!(
            self,
            WrongKind | TooDeep | EntryOutOfOrder | BadRecord | PayloadTooLong | Checksum
        )
    }
}

/// The front of a message.
#[derive(Clone, Copy)]
pub(super) enum Place {
    None,
    Freelist,
    Page {
        tree: PageNo,
        page: PageNo,
    },
    /// At the pointer map entry of the right child.
    RightEntry {
        tree: PageNo,
        page: PageNo,
    },
    /// At the right child. SQLite's words name a cell here, too: the one of the page above that led to this page.
    RightChild {
        tree: PageNo,
        page: PageNo,
        cell_above: usize,
    },
    Cell {
        tree: PageNo,
        page: PageNo,
        cell: usize,
        /// SQLite's words name the right child for every cell of an interior page in an auto-vacuum file.
        said_right: bool,
    },
}

impl Place {
    /// The cell that SQLite's words name.
    pub(super) fn named_cell(self) -> usize {
        match self {
            Place::RightChild { cell_above: cell, .. } | Place::Cell { cell, .. } => cell,
            _ => 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::None => Ok(()),
            Place::Freelist => write!(f, "Freelist: "),
            Place::Page { tree, page } => write!(f, "Tree {tree} page {page}: "),
            Place::RightEntry { tree, page }
            | Place::Cell {
                tree,
                page,
                said_right: true,
                ..
            } => {
                write!(f, "Tree {tree} page {page} right child: ")
            }
            Place::RightChild {
                tree,
                page,
                cell_above: cell,
            }
            | Place::Cell {
                tree,
                page,
                cell,
                said_right: false,
            } => {
                write!(f, "Tree {tree} page {page} cell {cell}: ")
            }
        }
    }
}

/// Expected and found values of a finding.
pub(super) type Values = (Option<i64>, Option<i64>);

pub(super) const NO_VALUES: Values = (None, None);

pub(super) fn values(expected: impl TryInto<i64>, found: impl TryInto<i64>) -> Values {
    (expected.try_into().ok(), found.try_into().ok())
}
