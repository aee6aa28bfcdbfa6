//! Classes of damage: which field of which kind of page is wrong, and how.
//!
//! A class is a line of [`CLASSES`]. It is given a sound file and a seed, and changes the bytes; a class that finds no page of its kind changes
//! nothing and says so.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::generate::Random;

/// Where the pages of each kind are.
pub(crate) struct Pages {
    pub(crate) size: usize,
    by_kind: BTreeMap<Kind, Vec<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    TableLeaf,
    TableInterior,
    IndexLeaf,
    IndexInterior,
    Overflow,
    Trunk,
    FreeLeaf,
    Map,
    Any,
}

impl Pages {
    /// Asks SQLite.
    pub(crate) fn of(file: &Path) -> Pages {
        let sqlite = Connection::open(file).unwrap();
        let number =
            |sql: &str| -> usize { sqlite.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize };
        let size = number("PRAGMA page_size");
        let count = number("PRAGMA page_count");
        let bytes = std::fs::read(file).unwrap();
        let mut by_kind: BTreeMap<Kind, Vec<u32>> = BTreeMap::new();
        let mut statement = sqlite
            .prepare("SELECT pageno, pagetype FROM dbstat WHERE pageno > 1")
            .unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (page, kind): (u32, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let byte = bytes[(page as usize - 1) * size];
            let kind = match (kind.as_str(), byte) {
                ("overflow", _) => Kind::Overflow,
                (_, 13) => Kind::TableLeaf,
                (_, 5) => Kind::TableInterior,
                (_, 10) => Kind::IndexLeaf,
                _ => Kind::IndexInterior,
            };
            by_kind.entry(kind).or_default().push(page);
        }
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let mut trunk = word(32);
        while trunk > 0 {
            let at = (trunk as usize - 1) * size;
            by_kind.entry(Kind::Trunk).or_default().push(trunk);
            let leaves = (0..word(at + 4) as usize).map(|leaf| word(at + 8 + 4 * leaf));
            by_kind.entry(Kind::FreeLeaf).or_default().extend(leaves);
            trunk = word(at);
        }
        if word(52) > 0 {
            let maps = (0..)
                .map(|i| 2 + i * (size as u32 / 5 + 1))
                .take_while(|page| *page as usize <= count);
            by_kind.insert(Kind::Map, maps.collect());
        }
        by_kind.insert(Kind::Any, (2..=count as u32).collect());
        Pages { size, by_kind }
    }

    fn pick(&self, kind: Kind, random: &mut Random) -> Option<usize> {
        let pages = self.by_kind.get(&kind).filter(|pages| !pages.is_empty())?;
        Some((*random.pick(pages) as usize - 1) * self.size)
    }
}

/// What becomes of some bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Zero,
    Ones,
    Noise,
    /// One bit is the other.
    Flip,
    /// The number of some page.
    SomePage,
    /// The number of its own page.
    Itself,
}

impl How {
    fn apply(self, bytes: &mut [u8], own_page: u32, pages: u32, random: &mut Random) {
        match self {
            How::Zero => bytes.fill(0),
            How::Ones => bytes.fill(0xff),
            How::Noise => bytes.iter_mut().for_each(|byte| *byte = random.next() as u8),
            How::Flip => {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            How::SomePage => {
                let page = 1 + random.below(pages as usize) as u32;
                bytes.copy_from_slice(&page.to_be_bytes()[4 - bytes.len()..]);
            }
            How::Itself => bytes.copy_from_slice(&own_page.to_be_bytes()[4 - bytes.len()..]),
        }
    }
}

/// What is damaged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// So many bytes of the file's header.
    Header(usize, usize, How),
    /// So many bytes at a fixed place of a page.
    Page(Kind, usize, usize, How),
    /// An entry of the cell pointer array.
    CellPointer(Kind, How),
    /// So many bytes of a cell, from a place in it.
    Cell(Kind, usize, usize, How),
    /// The last four bytes of a cell: its overflow page, where it has one.
    CellEnd(Kind, How),
    /// Bytes of a row of the schema.
    SchemaRow(usize, How),
    /// The whole of a page.
    Whole(Kind, How),
    /// Two pages change places.
    Swap(Kind),
    /// A page is there twice, in the place of another.
    Twice(Kind),
    /// The file ends there, in hundredths of its length.
    Truncate(usize),
    /// The file ends within its last page.
    TruncatePage,
    /// So many bytes anywhere.
    Anywhere(usize),
    /// All pages from some page on.
    Tail(How),
    /// Bytes that are too many, in the middle: all behind moves.
    Insert,
    /// More bytes at the end.
    Append,
}

/// All classes, each with the field that it damages.
pub(crate) const CLASSES: &[(&str, What)] = &[
    ("header: magic", What::Header(0, 16, How::Noise)),
    ("header: page size zero", What::Header(16, 2, How::Zero)),
    ("header: page size another", What::Header(16, 2, How::Noise)),
    ("header: versions", What::Header(18, 2, How::Ones)),
    ("header: reserved bytes", What::Header(20, 1, How::Ones)),
    ("header: payload fractions", What::Header(21, 3, How::Noise)),
    ("header: change counter", What::Header(24, 4, How::Noise)),
    ("header: page count", What::Header(28, 4, How::Noise)),
    ("header: page count small", What::Header(28, 4, How::SomePage)),
    ("header: first trunk", What::Header(32, 4, How::SomePage)),
    ("header: free pages", What::Header(36, 4, How::Noise)),
    ("header: schema format", What::Header(44, 4, How::Noise)),
    ("header: largest root", What::Header(52, 4, How::SomePage)),
    ("header: encoding", What::Header(56, 4, How::Noise)),
    ("header: incremental vacuum", What::Header(64, 4, How::Ones)),
    ("header: all zero", What::Header(0, 100, How::Zero)),
    ("header: all noise", What::Header(0, 100, How::Noise)),
    ("schema page: type", What::Header(100, 1, How::Noise)),
    ("schema page: cell count", What::Header(103, 2, How::Ones)),
    ("schema page: cell pointers", What::Header(108, 8, How::Noise)),
    ("schema page: zero", What::Header(0, 1024, How::Zero)),
    ("schema row: a bit", What::SchemaRow(1, How::Flip)),
    ("schema row: noise", What::SchemaRow(20, How::Noise)),
    ("table leaf: type", What::Page(Kind::TableLeaf, 0, 1, How::Noise)),
    (
        "table leaf: type of an index",
        What::Page(Kind::TableLeaf, 0, 1, How::Flip),
    ),
    (
        "table leaf: free block",
        What::Page(Kind::TableLeaf, 1, 2, How::Noise),
    ),
    (
        "table leaf: cell count more",
        What::Page(Kind::TableLeaf, 3, 2, How::Ones),
    ),
    (
        "table leaf: cell count none",
        What::Page(Kind::TableLeaf, 3, 2, How::Zero),
    ),
    (
        "table leaf: content start",
        What::Page(Kind::TableLeaf, 5, 2, How::Noise),
    ),
    (
        "table leaf: fragments",
        What::Page(Kind::TableLeaf, 7, 1, How::Ones),
    ),
    (
        "table leaf: cell pointer",
        What::CellPointer(Kind::TableLeaf, How::Noise),
    ),
    (
        "table leaf: cell pointer zero",
        What::CellPointer(Kind::TableLeaf, How::Zero),
    ),
    (
        "table leaf: payload size",
        What::Cell(Kind::TableLeaf, 0, 1, How::Ones),
    ),
    ("table leaf: row id", What::Cell(Kind::TableLeaf, 2, 1, How::Ones)),
    (
        "table leaf: record header",
        What::Cell(Kind::TableLeaf, 3, 2, How::Noise),
    ),
    (
        "table leaf: overflow page",
        What::CellEnd(Kind::TableLeaf, How::SomePage),
    ),
    ("table leaf: zero", What::Whole(Kind::TableLeaf, How::Zero)),
    ("table leaf: noise", What::Whole(Kind::TableLeaf, How::Noise)),
    ("table leaf: two change places", What::Swap(Kind::TableLeaf)),
    ("table leaf: twice", What::Twice(Kind::TableLeaf)),
    (
        "table interior: type",
        What::Page(Kind::TableInterior, 0, 1, How::Noise),
    ),
    (
        "table interior: cell count more",
        What::Page(Kind::TableInterior, 3, 2, How::Ones),
    ),
    (
        "table interior: cell count none",
        What::Page(Kind::TableInterior, 3, 2, How::Zero),
    ),
    (
        "table interior: right child",
        What::Page(Kind::TableInterior, 8, 4, How::SomePage),
    ),
    (
        "table interior: right child zero",
        What::Page(Kind::TableInterior, 8, 4, How::Zero),
    ),
    (
        "table interior: right child itself",
        What::Page(Kind::TableInterior, 8, 4, How::Itself),
    ),
    (
        "table interior: cell pointer",
        What::CellPointer(Kind::TableInterior, How::Noise),
    ),
    (
        "table interior: child",
        What::Cell(Kind::TableInterior, 0, 4, How::SomePage),
    ),
    (
        "table interior: child outside",
        What::Cell(Kind::TableInterior, 0, 4, How::Ones),
    ),
    (
        "table interior: child itself",
        What::Cell(Kind::TableInterior, 0, 4, How::Itself),
    ),
    (
        "table interior: key",
        What::Cell(Kind::TableInterior, 4, 1, How::Noise),
    ),
    (
        "table interior: zero",
        What::Whole(Kind::TableInterior, How::Zero),
    ),
    ("index leaf: type", What::Page(Kind::IndexLeaf, 0, 1, How::Noise)),
    (
        "index leaf: cell count more",
        What::Page(Kind::IndexLeaf, 3, 2, How::Ones),
    ),
    (
        "index leaf: cell pointer",
        What::CellPointer(Kind::IndexLeaf, How::Noise),
    ),
    (
        "index leaf: payload size",
        What::Cell(Kind::IndexLeaf, 0, 1, How::Ones),
    ),
    (
        "index leaf: record header",
        What::Cell(Kind::IndexLeaf, 1, 2, How::Noise),
    ),
    ("index leaf: zero", What::Whole(Kind::IndexLeaf, How::Zero)),
    (
        "index interior: type",
        What::Page(Kind::IndexInterior, 0, 1, How::Noise),
    ),
    (
        "index interior: right child",
        What::Page(Kind::IndexInterior, 8, 4, How::SomePage),
    ),
    (
        "index interior: cell pointer",
        What::CellPointer(Kind::IndexInterior, How::Noise),
    ),
    (
        "index interior: child",
        What::Cell(Kind::IndexInterior, 0, 4, How::SomePage),
    ),
    (
        "index interior: child itself",
        What::Cell(Kind::IndexInterior, 0, 4, How::Itself),
    ),
    (
        "index interior: payload size",
        What::Cell(Kind::IndexInterior, 4, 1, How::Ones),
    ),
    (
        "index interior: zero",
        What::Whole(Kind::IndexInterior, How::Zero),
    ),
    ("overflow: next", What::Page(Kind::Overflow, 0, 4, How::SomePage)),
    ("overflow: next zero", What::Page(Kind::Overflow, 0, 4, How::Zero)),
    (
        "overflow: next itself",
        What::Page(Kind::Overflow, 0, 4, How::Itself),
    ),
    (
        "overflow: next outside",
        What::Page(Kind::Overflow, 0, 4, How::Ones),
    ),
    ("overflow: noise", What::Whole(Kind::Overflow, How::Noise)),
    (
        "freelist: next trunk",
        What::Page(Kind::Trunk, 0, 4, How::SomePage),
    ),
    (
        "freelist: next trunk itself",
        What::Page(Kind::Trunk, 0, 4, How::Itself),
    ),
    ("freelist: count", What::Page(Kind::Trunk, 4, 4, How::Ones)),
    ("freelist: leaf", What::Page(Kind::Trunk, 8, 4, How::SomePage)),
    ("freelist: free page", What::Whole(Kind::FreeLeaf, How::Noise)),
    ("pointer map: kinds", What::Page(Kind::Map, 0, 50, How::Noise)),
    ("pointer map: zero", What::Whole(Kind::Map, How::Zero)),
    ("file: cut in the middle", What::Truncate(60)),
    ("file: cut near the start", What::Truncate(15)),
    ("file: cut within a page", What::TruncatePage),
    ("file: a byte in it", What::Insert),
    ("file: bytes behind it", What::Append),
    ("file: tail zero", What::Tail(How::Zero)),
    ("file: tail noise", What::Tail(How::Noise)),
    ("file: a wrong byte", What::Anywhere(1)),
    ("file: wrong bytes here and there", What::Anywhere(30)),
    ("any page: zero", What::Whole(Kind::Any, How::Zero)),
    ("any page: ones", What::Whole(Kind::Any, How::Ones)),
    ("any page: two change places", What::Swap(Kind::Any)),
];

impl What {
    /// Damages a file; false when it has no such place.
    pub(crate) fn apply(self, bytes: &mut Vec<u8>, pages: &Pages, random: &mut Random) -> bool {
        self.try_apply(bytes, pages, random).is_some()
    }

    fn try_apply(self, bytes: &mut Vec<u8>, pages: &Pages, random: &mut Random) -> Option<()> {
        let (size, count) = (pages.size, (bytes.len() / pages.size) as u32);
        let put = |bytes: &mut Vec<u8>, at: usize, len: usize, how: How, random: &mut Random| {
            let end = (at + len).min(bytes.len());
            how.apply(&mut bytes[at..end], (at / size) as u32 + 1, count, random);
        };
        match self {
            What::Header(at, len, how) => put(bytes, at, len, how, random),
            What::Page(kind, at, len, how) => {
                let page = pages.pick(kind, random)?;
                put(bytes, page + at, len, how, random);
            }
            What::Whole(kind, how) => {
                let page = pages.pick(kind, random)?;
                put(bytes, page, size, how, random);
            }
            What::CellPointer(kind, how) => {
                let page = pages.pick(kind, random)?;
                let at = pointer(bytes, page, random)?;
                put(bytes, at, 2, how, random);
            }
            What::Cell(kind, at, len, how) => {
                let page = pages.pick(kind, random)?;
                let cell = cell(bytes, page, random)?;
                let len = len.min((page + size).checked_sub(cell + at)?);
                put(bytes, cell + at, len, how, random);
            }
            What::CellEnd(kind, how) => {
                let page = pages.pick(kind, random)?;
                // Cells lie from the end of a page: that of the first one is where the page ends, that of another where the one before begins.
                put(bytes, page + size - 4, 4, how, random);
            }
            What::SchemaRow(len, how) => {
                let cell = cell(bytes, 100, random)?;
                let at = cell + random.below(60.min(size.checked_sub(cell + len)?.max(1)));
                put(bytes, at, len, how, random);
            }
            What::Swap(kind) => {
                let (one, other) = (pages.pick(kind, random)?, pages.pick(kind, random)?);
                let saved = bytes[one..one + size].to_vec();
                bytes.copy_within(other..other + size, one);
                bytes[other..other + size].copy_from_slice(&saved);
            }
            What::Twice(kind) => {
                let (one, other) = (pages.pick(kind, random)?, pages.pick(kind, random)?);
                bytes.copy_within(one..one + size, other);
            }
            What::Truncate(percent) => {
                let pages = bytes.len() * percent / 100 / size;
                bytes.truncate(pages.max(1) * size);
            }
            What::TruncatePage => bytes.truncate(bytes.len() - size / 2),
            What::Anywhere(places) => {
                for _ in 0..places {
                    let at = random.below(bytes.len());
                    put(bytes, at, 1, How::Noise, random);
                }
            }
            What::Tail(how) => {
                let at = size * (2 + random.below(count as usize - 2));
                let len = bytes.len() - at;
                put(bytes, at, len, how, random);
            }
            What::Insert => {
                let at = size * (2 + random.below(count as usize - 2));
                bytes.insert(at, 0);
            }
            What::Append => bytes.extend((0..size * 3 / 2).map(|_| random.next() as u8)),
        }
        Some(())
    }
}

/// Where some entry of a page's cell pointer array is. `page` is where its header begins.
fn pointer(bytes: &[u8], page: usize, random: &mut Random) -> Option<usize> {
    let count = usize::from(u16::from_be_bytes([bytes[page + 3], bytes[page + 4]]));
    let header = if matches!(bytes[page], 2 | 5) { 12 } else { 8 };
    (count > 0).then(|| page + header + 2 * random.below(count))
}

fn cell(bytes: &[u8], page: usize, random: &mut Random) -> Option<usize> {
    let at = pointer(bytes, page, random)?;
    let start = if page == 100 { 0 } else { page };
    Some(start + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]])))
}
