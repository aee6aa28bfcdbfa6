//! One table of words: what pages are used for and what findings are called, in text, JSON, svg and html alike.
//!
//! Colours were chosen so that people who lack one kind of cones tell them apart as well (the picture module tests it); in pictures each use has
//! a mark besides, so that nothing depends on colour alone.

use std::fmt;

/// What a page is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PageUse {
    /// Nothing refers to it, as far as is known.
    #[default]
    Unreferenced = 0,
    /// Rows of a table.
    TableLeaf = 1,
    /// Row ids that lead to leaves.
    TableInterior = 2,
    /// Entries of an index or of a table without row ids.
    IndexLeaf = 3,
    /// Entries of an index, and children.
    IndexInterior = 4,
    /// The rest of a long payload.
    Overflow = 5,
    /// A list of free pages.
    FreelistTrunk = 6,
    /// A free page.
    FreelistLeaf = 7,
    /// Who points to each page, in auto-vacuum files.
    PointerMap = 8,
    /// Holds the lock bytes at 1 GiB and nothing else.
    LockByte = 9,
    /// Something refers to it, and it is not what it should be.
    Damaged = 10,
}

/// The words for a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseWords {
    /// The name in machine formats.
    pub code: &'static str,
    /// The name for people.
    pub words: &'static str,
    /// One letter, for pictures of letters.
    pub letter: char,
    /// Its colour, as CSS has it.
    pub colour: &'static str,
    /// Its colour among the 256 of a terminal.
    pub terminal: u8,
}

impl PageUse {
    /// All uses, in the order in which legends list them.
    pub const ALL: [PageUse; 11] = [
        PageUse::TableLeaf,
        PageUse::TableInterior,
        PageUse::IndexLeaf,
        PageUse::IndexInterior,
        PageUse::Overflow,
        PageUse::FreelistTrunk,
        PageUse::FreelistLeaf,
        PageUse::PointerMap,
        PageUse::LockByte,
        PageUse::Damaged,
        PageUse::Unreferenced,
    ];

    /// Its words.
    pub const fn words(self) -> UseWords {
        let (code, words, letter, colour, terminal) = match self {
            PageUse::TableLeaf => ("table_leaf", "table leaf", 'L', "#348df4", 33),
            PageUse::TableInterior => ("table_interior", "table interior", 'I', "#0b2c65", 18),
            PageUse::IndexLeaf => ("index_leaf", "index leaf", 'l', "#ffd427", 221),
            PageUse::IndexInterior => ("index_interior", "index interior", 'i', "#673506", 52),
            PageUse::Overflow => ("overflow", "overflow", 'o', "#116e48", 29),
            PageUse::FreelistTrunk => ("freelist_trunk", "freelist trunk", 'F', "#909090", 247),
            PageUse::FreelistLeaf => ("freelist_leaf", "free page", 'f', "#e6e6e6", 255),
            PageUse::PointerMap => ("pointer_map", "pointer map", 'p', "#f183d6", 212),
            PageUse::LockByte => ("lock_byte", "lock bytes", 'k', "#070707", 16),
            PageUse::Damaged => ("damaged", "damaged", 'X', "#f9450e", 202),
            PageUse::Unreferenced => ("unreferenced", "unreferenced", '?', "#8148aa", 97),
        };
        UseWords {
            code,
            words,
            letter,
            colour,
            terminal,
        }
    }

    /// The use with this number; unknown numbers are no use.
    pub fn from_number(number: u8) -> PageUse {
        PageUse::ALL
            .into_iter()
            .find(|page_use| *page_use as u8 == number)
            .unwrap_or_default()
    }

    /// Whether it is a page of a tree.
    pub const fn is_tree(self) -> bool {
        matches!(
            self,
            PageUse::TableLeaf | PageUse::TableInterior | PageUse::IndexLeaf | PageUse::IndexInterior
        )
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Room is wasted, or a number that nobody relies on is wrong.
    Warn,
    /// Rows can be lost, wrong, or in the way of the next change.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warn => "warn",
            Severity::Error => "error",
        })
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $severity:ident, $endangers:literal, $hint:literal;)*) => {
        /// What kind of contradiction a finding is. Where the engine's check has a word for it, it is the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])* $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The name in machine formats.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }

            /// What it endangers.
            pub const fn endangers(self) -> &'static str {
                match self { $(Code::$name => $endangers,)* }
            }

            /// What to do about it.
            pub const fn hint(self) -> &'static str {
                match self { $(Code::$name => $hint,)* }
            }
        }
    };
}

codes! {
    /// The first bytes are not "SQLite format 3".
    BadMagic = "bad_magic", Error, "the whole file: programs refuse it", "salvage into a new file";
    /// A page size that the format does not allow.
    BadPageSize = "bad_page_size", Error, "the whole file: programs refuse it", "salvage into a new file";
    /// The three fractions of payload are not 64, 32, 32.
    BadPayloadFractions = "bad_payload_fractions", Error, "the whole file: programs refuse it", "salvage into a new file";
    /// A version of the file format that is not known.
    BadVersion = "bad_version", Error, "the whole file: programs refuse to read or to write it", "salvage into a new file";
    /// More reserved bytes than pages can spare.
    BadReserved = "bad_reserved", Error, "the whole file: programs refuse it", "salvage into a new file";
    /// A number that stands for no text encoding.
    BadEncoding = "bad_encoding", Error, "all texts: they may be read in a wrong encoding", "salvage into a new file";
    /// A schema format above 4.
    BadSchemaFormat = "bad_schema_format", Error, "the whole schema: programs refuse it", "salvage into a new file";
    /// Bytes of the header that have to be zero are not.
    NonzeroExpansion = "nonzero_expansion", Warn, "nothing today", "VACUUM writes a new header";
    /// The file ends before its last page.
    FileTooShort = "file_too_short", Error, "all rows on the missing pages", "look for a whole copy; salvage what is left";
    /// The file does not end with a page.
    PartialPage = "partial_page", Warn, "the last page, when it belongs to the database", "look for a whole copy; VACUUM cuts it off";
    /// Pages behind those that the header counts.
    TrailingPages = "trailing_pages", Warn, "room only", "VACUUM cuts them off";
    /// The page count of the header cannot be relied on.
    PageCountStale = "page_count_stale", Warn, "nothing: the length of the file is used", "any change by a current version corrects it";
    /// A pointer to page 0 or behind the end of the file.
    InvalidPageNumber = "invalid_page_number", Error, "all rows below that pointer", "salvage into a new file";
    /// Two pointers to one page.
    SecondReference = "second_reference", Error, "the rows of both owners: the next change of one overwrites the other", "stop writing; salvage into a new file";
    /// A page that could not be read.
    UnreadablePage = "unreadable_page", Error, "the rows on it", "copy the file to a sound disk; salvage";
    /// A page whose header is not that of a tree page.
    BadPageHeader = "bad_page_header", Error, "the rows on it and below it", "salvage into a new file";
    /// Freeblocks that contradict the page header.
    BadFreeSpace = "bad_free_space", Error, "the next change of this page", "REINDEX or VACUUM if rows read well, else salvage";
    /// A cell pointer outside the cell content area.
    CellOffsetOutOfRange = "cell_offset_out_of_range", Error, "the row of that cell", "salvage into a new file";
    /// A cell that reaches over the end of its page.
    CellOffPage = "cell_off_page", Error, "the row of that cell", "salvage into a new file";
    /// Two cells or freeblocks that share a byte.
    Overlap = "overlap", Error, "the rows of both cells", "salvage into a new file";
    /// Fragmented bytes that are not as many as the header says.
    Fragmentation = "fragmentation", Warn, "the next change of this page may refuse it", "VACUUM rebuilds the page";
    /// A payload longer than the format allows.
    PayloadTooLong = "payload_too_long", Error, "the row of that cell", "salvage into a new file";
    /// A row id that is not above the one before.
    RowidOutOfOrder = "rowid_out_of_order", Error, "rows that searches no longer find", "salvage into a new file";
    /// A row id outside the range that the pages above give.
    RowidOutOfRange = "rowid_out_of_range", Error, "rows that searches no longer find", "salvage into a new file";
    /// An index entry that is not behind the one before.
    EntryOutOfOrder = "entry_out_of_order", Error, "rows that searches by this index no longer find", "REINDEX";
    /// Children of one tree with different depths.
    ChildDepthDiffers = "child_depth_differs", Error, "the next change of this tree", "salvage into a new file";
    /// A tree deeper than any tree can be.
    TooDeep = "too_deep", Error, "the rows further down", "salvage into a new file";
    /// A page of the other kind of tree.
    WrongKind = "wrong_kind", Error, "the rows below that pointer", "salvage into a new file";
    /// A leaf without cells that is not a root.
    EmptyLeaf = "empty_leaf", Warn, "nothing but room", "VACUUM removes it";
    /// An overflow chain longer or shorter than its payload.
    OverflowLength = "overflow_length", Error, "the row that the chain belongs to", "salvage keeps the part that is there";
    /// A freelist longer or shorter than the header says.
    FreelistLength = "freelist_length", Error, "the next change that takes or frees a page", "VACUUM if rows read well, else salvage";
    /// A trunk with more leaves than it has room for.
    FreelistLeafCount = "freelist_leaf_count", Error, "the next change that takes or frees a page", "VACUUM if rows read well, else salvage";
    /// A pointer map entry that does not agree with the tree.
    PointerMap = "pointer_map", Error, "the next auto-vacuum: it moves pages and corrects the wrong pointers", "VACUUM before the next change";
    /// A pointer to a pointer map page.
    PointerMapReferenced = "pointer_map_referenced", Error, "the rows below that pointer", "salvage into a new file";
    /// The largest root page in the header is not the largest root.
    LargestRoot = "largest_root", Error, "the next CREATE or DROP", "VACUUM before the next change";
    /// Incremental vacuum without a pointer map.
    IncrementalVacuum = "incremental_vacuum", Warn, "nothing: the setting has no effect", "VACUUM writes a new header";
    /// A page that nothing refers to.
    NeverUsed = "never_used", Warn, "room; or rows that a lost pointer led to", "salvage looks into such pages; VACUUM gives the room back";
    /// A row of the schema that makes no sense.
    BadSchemaRow = "bad_schema_row", Error, "the table, index, view or trigger that it defines", "salvage into a new file";
    /// A record that contradicts itself.
    BadRecord = "bad_record", Error, "the row of that record", "salvage into a new file";
    /// A page that is not what was written, by its checksum.
    Checksum = "checksum", Error, "whatever is on the page", "look for a whole copy; salvage";
    /// A row that an index does not have.
    MissingFromIndex = "missing_from_index", Error, "searches by this index", "REINDEX";
    /// An index with more or fewer entries than its table has rows.
    EntryCount = "entry_count", Error, "searches by this index", "REINDEX";
    /// Two rows with one key.
    NotUnique = "not_unique", Error, "what relies on the key", "delete one of the rows, then REINDEX";
    /// NULL in a column that is NOT NULL.
    NullValue = "null_value", Error, "programs that rely on the constraint", "give the column a value";
    /// A row that a CHECK constraint refuses.
    CheckFailed = "check_failed", Warn, "programs that rely on the constraint", "correct the row";
    /// A value of a type that a STRICT table refuses, or that its column would have converted.
    ValueType = "value_type", Warn, "comparisons with this value", "write the value again";
    /// A reference to a row that is not there.
    ForeignKey = "foreign_key", Warn, "programs that rely on the constraint", "add the parent or correct the reference";
    /// Something else that the engine's check says.
    Engine = "engine", Error, "see the message", "salvage into a new file";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_word_stands_for_one_thing() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        let words = PageUse::ALL.map(PageUse::words);
        assert_eq!(
            words.map(|w| w.letter).iter().collect::<BTreeSet<_>>().len(),
            words.len()
        );
        assert_eq!(
            words.map(|w| w.colour).iter().collect::<BTreeSet<_>>().len(),
            words.len()
        );
        assert!(
            PageUse::ALL
                .iter()
                .all(|page_use| PageUse::from_number(*page_use as u8) == *page_use)
        );
    }
}
