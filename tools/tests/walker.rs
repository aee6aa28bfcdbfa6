//! The walker and the engine's check, each against the other; damage of many kinds, each found and on the right page.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aludel_tools::inspect::check::{CheckOptions, check};
use aludel_tools::inspect::page::PageView;
use aludel_tools::inspect::{Code, Image, ImageOptions, Layout, PageUse, WalkOptions, connect, walk};
use rusqlite::Connection;

/// Longest that one file of a test may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn open(file: &Path) -> Arc<Image> {
    Arc::new(Image::open(file, &ImageOptions::default()).unwrap())
}

fn check_at(image: &Arc<Image>, level: u8) -> Layout {
    let options = CheckOptions {
        level,
        findings_max: 1000,
        ..CheckOptions::default()
    };
    check(image, &options, &mut |_, _| ())
}

/// Whether the engine's own check has nothing to say of the structure of a file; `None` when it cannot begin.
fn engine_is_content(image: &Arc<Image>) -> Option<bool> {
    let connection = connect(image).ok()?;
    let mut statement = connection.prepare("PRAGMA integrity_check(1)").ok()?;
    let mut is_content = true;
    loop {
        match statement.step() {
            Ok(true) => is_content &= matches!(statement.value(0), aludel_sql::value::ValueRef::Text(b"ok")),
            Ok(false) => return Some(is_content),
            Err(_) => return Some(false),
        }
    }
}

/// A file with every kind of page: trees of two levels, overflow chains, a freelist with two trunks, a pointer map.
fn specimen(folder: &Path, auto_vacuum: bool) -> Vec<u8> {
    let file = folder.join("specimen.db");
    let sqlite = Connection::open(&file).unwrap();
    sqlite
        .execute_batch(&format!(
            "PRAGMA page_size=512; PRAGMA auto_vacuum={}; PRAGMA journal_mode=delete;
             CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b BLOB); CREATE INDEX t_a ON t(a);
             CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE gone(x); CREATE VIEW v AS SELECT 1;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
             INSERT INTO t SELECT i, 'name ' || (i * 7919 % 601), CASE i % 40 WHEN 0 THEN zeroblob(2500) ELSE 'b' END FROM n;
             INSERT INTO w SELECT 'key ' || id, a FROM t;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
             INSERT INTO gone SELECT zeroblob(200) FROM n;",
            if auto_vacuum { 2 } else { 0 }
        ))
        .unwrap();
    sqlite
        .execute_batch("DELETE FROM gone; DELETE FROM t WHERE id % 11 = 0")
        .unwrap();
    drop(sqlite);
    fs::read(file).unwrap()
}

const PAGE: usize = 512;

/// A file that is being damaged.
struct Patient {
    bytes: Vec<u8>,
    layout: Layout,
    random: u64,
}

impl Patient {
    fn random(&mut self, end: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.random >> 33) as usize % end.max(1)
    }

    /// Some page of a use, not page 1 and not a root where there are others.
    fn some(&mut self, page_use: PageUse, owner: &str) -> u32 {
        let pages: Vec<u32> = (2..=self.layout.page_count)
            .filter(|page| self.layout.notes.get(*page).page_use == page_use)
            .filter(|page| {
                owner.is_empty()
                    || self
                        .layout
                        .owner_of(*page)
                        .is_some_and(|known| known.name == owner)
            })
            .collect();
        assert!(!pages.is_empty(), "{page_use:?} {owner}");
        pages[self.random(pages.len())]
    }

    fn page(&mut self, page: u32) -> &mut [u8] {
        &mut self.bytes[(page as usize - 1) * PAGE..page as usize * PAGE]
    }

    fn put(&mut self, page: u32, at: usize, bytes: &[u8]) -> u32 {
        self.page(page)[at..at + bytes.len()].copy_from_slice(bytes);
        page
    }

    fn view(&mut self, page: u32) -> PageView {
        PageView::read(page, self.page(page), PAGE).unwrap()
    }
}

/// A way to damage a file: its name, and what it does; the answer is the pages of which one has to be named.
type Damage = (&'static str, bool, fn(&mut Patient) -> Vec<u32>);

/// Each class; the flag asks for a file with a pointer map.
const DAMAGES: &[Damage] = &[
    ("magic", false, |p| {
        let at = p.random(16);
        p.bytes[at] ^= 0x20;
        vec![1]
    }),
    ("payload fraction", false, |p| {
        let at = 21 + p.random(3);
        p.bytes[at] ^= 1;
        vec![1]
    }),
    ("read version", false, |p| vec![p.put(1, 19, &[7])]),
    ("write version", false, |p| vec![p.put(1, 18, &[9])]),
    ("reserved bytes", false, |p| vec![p.put(1, 20, &[200])]),
    ("text encoding", false, |p| vec![p.put(1, 56, &[0, 0, 0, 9])]),
    ("schema format", false, |p| vec![p.put(1, 44, &[0, 0, 0, 5])]),
    ("expansion bytes", false, |p| {
        let at = 72 + p.random(20);
        vec![p.put(1, at, &[1])]
    }),
    ("page count too high", false, |p| {
        let count = p.layout.page_count + 5;
        vec![p.put(1, 28, &count.to_be_bytes())]
    }),
    ("page count too low", false, |p| {
        let count = p.layout.page_count - 3;
        vec![p.put(1, 28, &count.to_be_bytes())]
    }),
    ("page count stale", false, |p| vec![p.put(1, 92, &[9, 9, 9, 9])]),
    ("file cut by pages", false, |p| {
        let len = p.bytes.len() - 3 * PAGE;
        p.bytes.truncate(len);
        vec![1]
    }),
    ("file cut in a page", false, |p| {
        let len = p.bytes.len() - 100;
        p.bytes.truncate(len);
        vec![p.layout.page_count]
    }),
    ("bytes behind the end", false, |p| {
        p.bytes.extend([0; PAGE]);
        vec![1]
    }),
    ("freelist head outside", false, |p| {
        vec![p.put(1, 32, &[0, 9, 0, 0])]
    }),
    ("freelist head on a tree", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let to = leaf.to_be_bytes();
        vec![p.put(1, 32, &to), leaf]
    }),
    ("freelist count", false, |p| vec![p.put(1, 36, &[0, 0, 0, 7])]),
    ("trunk next outside", false, |p| {
        let trunk = p.some(PageUse::FreelistTrunk, "");
        vec![p.put(trunk, 0, &[0, 9, 0, 0])]
    }),
    ("trunk count", false, |p| {
        let trunk = p.some(PageUse::FreelistTrunk, "");
        vec![p.put(trunk, 4, &[0, 0, 9, 0])]
    }),
    ("trunk leaf outside", false, |p| {
        let trunk = p.some(PageUse::FreelistTrunk, "");
        vec![p.put(trunk, 8, &[1, 0, 0, 0])]
    }),
    ("trunk leaf twice", false, |p| {
        let trunk = p.bytes[32..36].try_into().map(u32::from_be_bytes).unwrap();
        let first: Vec<u8> = p.page(trunk)[8..12].to_vec();
        vec![p.put(trunk, 12, &first)]
    }),
    ("trunk leaf on a tree", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let trunk = p.some(PageUse::FreelistTrunk, "");
        vec![p.put(trunk, 8, &leaf.to_be_bytes()), leaf]
    }),
    ("page type unknown", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 0, &[0x77])]
    }),
    ("page type of the other tree", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 0, &[10])]
    }),
    ("interior page type unknown", false, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        vec![p.put(page, 0, &[1])]
    }),
    ("cell count", false, |p| {
        let leaf = p.some(PageUse::IndexLeaf, "t_a");
        vec![p.put(leaf, 3, &[0x7f, 0xff])]
    }),
    ("cell count one more", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let count = p.view(leaf).cell_count as u16 + 1;
        vec![p.put(leaf, 3, &count.to_be_bytes())]
    }),
    ("cell pointer behind the page", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 8, &[0xff, 0xf0])]
    }),
    ("cell pointer into the header", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 10, &[0, 4])]
    }),
    ("two pointers to one cell", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let first = p.page(leaf)[8..10].to_vec();
        vec![p.put(leaf, 10, &first)]
    }),
    ("content start behind the page", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 5, &[0x20, 0])]
    }),
    ("content start in the pointers", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 5, &[0, 9])]
    }),
    ("fragments", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let now = p.page(leaf)[7];
        vec![p.put(leaf, 7, &[now ^ 9])]
    }),
    ("freeblock behind the page", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, 1, &[0x01, 0xfe])]
    }),
    ("freeblock on a cell", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let at = p.view(leaf).cells[0].offset as u16;
        vec![p.put(leaf, 1, &at.to_be_bytes())]
    }),
    ("payload length over the page", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let at = p
            .view(leaf)
            .cells
            .iter()
            .max_by_key(|cell| cell.offset)
            .unwrap()
            .offset;
        vec![p.put(leaf, at, &[0x7f])]
    }),
    ("payload longer than can be", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let at = p
            .view(leaf)
            .cells
            .iter()
            .min_by_key(|cell| cell.offset)
            .unwrap()
            .offset;
        vec![p.put(leaf, at, &[0xff, 0xff, 0xff, 0xff, 0x7f])]
    }),
    ("row ids swapped", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let pair = p.page(leaf)[8..12].to_vec();
        vec![p.put(leaf, 8, &[pair[2], pair[3], pair[0], pair[1]])]
    }),
    ("row id out of range", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        let cell = p.view(leaf).cells[0].clone();
        // The row id follows a payload length of one or two bytes; the smallest there is fits anywhere.
        let at = cell.offset + if cell.total > 127 { 2 } else { 1 };
        vec![p.put(leaf, at, &[0x7f]), leaf]
    }),
    ("index entries swapped", false, |p| {
        let leaf = p.some(PageUse::IndexLeaf, "t_a");
        let pair = p.page(leaf)[8..12].to_vec();
        vec![p.put(leaf, 8, &[pair[2], pair[3], pair[0], pair[1]])]
    }),
    ("child pointer zero", false, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        let at = p.view(page).cells[0].offset;
        vec![p.put(page, at, &[0, 0, 0, 0])]
    }),
    ("child pointer outside", false, |p| {
        let page = p.some(PageUse::IndexInterior, "t_a");
        let at = p.view(page).cells[0].offset;
        vec![p.put(page, at, &[0x70, 0, 0, 0])]
    }),
    ("child pointer twice", false, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        let view = p.view(page);
        let child = view.cells[0].child.unwrap().to_be_bytes();
        vec![p.put(page, view.cells[1].offset, &child)]
    }),
    ("child pointer to the page itself", false, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        vec![p.put(page, 8, &page.to_be_bytes())]
    }),
    ("child pointer to another tree", false, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        let other = p.some(PageUse::IndexLeaf, "w");
        let at = p.view(page).cells[0].offset;
        vec![p.put(page, at, &other.to_be_bytes()), other]
    }),
    ("child pointer to a free page", false, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        let free = p.some(PageUse::FreelistLeaf, "");
        vec![p.put(page, 8, &free.to_be_bytes())]
    }),
    ("overflow pointer outside", false, |p| {
        let (leaf, at) = spilled(p);
        vec![p.put(leaf, at, &[0x70, 0, 0, 1])]
    }),
    ("overflow chain ends early", false, |p| {
        let page = chain(p);
        vec![p.put(page, 0, &[0, 0, 0, 0])]
    }),
    ("overflow chain is a circle", false, |p| {
        let page = chain(p);
        vec![p.put(page, 0, &page.to_be_bytes())]
    }),
    ("overflow chain goes on", false, |p| {
        let last: Vec<u32> = (2..=p.layout.page_count)
            .filter(|page| p.layout.notes.get(*page).page_use == PageUse::Overflow)
            .collect();
        let last: Vec<u32> = last
            .into_iter()
            .filter(|page| p.page(*page)[..4] == [0; 4])
            .collect();
        let page = last[p.random(last.len())];
        vec![p.put(page, 0, &[0, 0, 0, 3])]
    }),
    ("overflow pointer to a tree", false, |p| {
        let (leaf, at) = spilled(p);
        let other = p.some(PageUse::TableLeaf, "t");
        vec![p.put(leaf, at, &other.to_be_bytes()), other]
    }),
    ("record type reserved", false, |p| {
        let (leaf, at) = record(p, "t");
        vec![p.put(leaf, at + 2, &[10])]
    }),
    ("record header too long", false, |p| {
        let (leaf, at) = record(p, "t");
        vec![p.put(leaf, at, &[0x7f])]
    }),
    ("record value too long", false, |p| {
        let (leaf, at) = record(p, "t");
        vec![p.put(leaf, at + 2, &[0x7d])]
    }),
    ("page of zeros", false, |p| {
        let leaf = p.some(PageUse::TableLeaf, "t");
        p.page(leaf).fill(0);
        vec![leaf]
    }),
    ("page of noise", false, |p| {
        let leaf = p.some(PageUse::IndexLeaf, "w");
        for at in 0..PAGE {
            let byte = p.random(256) as u8;
            p.page(leaf)[at] = byte;
        }
        vec![leaf]
    }),
    ("page of another", false, |p| {
        let (from, to) = (
            p.some(PageUse::TableInterior, "t"),
            p.some(PageUse::TableLeaf, "t"),
        );
        let bytes = p.page(from).to_vec();
        vec![p.put(to, 0, &bytes), from]
    }),
    ("schema root outside", false, |p| vec![schema_root(p, 0x7f)]),
    ("schema root of another", false, |p| vec![schema_root(p, 2)]),
    ("schema kind", false, |p| {
        let view = p.view(1);
        let cell = view.cells[0].clone();
        let at = cell.local.start + 6;
        vec![p.put(1, at, b"xabl")]
    }),
    ("pointer map kind", true, |p| {
        let at = 5 * p.random(60);
        vec![p.put(2, at, &[9])]
    }),
    ("pointer map parent", true, |p| {
        let at = 5 * (10 + p.random(50)) + 1;
        vec![p.put(2, at, &[9, 9, 9, 9])]
    }),
    ("child pointer to a pointer map", true, |p| {
        let page = p.some(PageUse::TableInterior, "t");
        vec![p.put(page, 8, &[0, 0, 0, 2])]
    }),
    ("largest root", true, |p| vec![p.put(1, 52, &[0, 0, 0, 77])]),
    ("incremental vacuum without map", false, |p| {
        vec![p.put(1, 64, &[0, 0, 0, 1])]
    }),
];

/// A leaf with a cell that has an overflow chain, and where the pointer to it is.
fn spilled(p: &mut Patient) -> (u32, usize) {
    loop {
        let leaf = p.some(PageUse::TableLeaf, "t");
        if let Some(cell) = p.view(leaf).cells.iter().find(|cell| cell.overflow.is_some()) {
            return (leaf, cell.local.end);
        }
    }
}

/// A page of an overflow chain that is not the last.
fn chain(p: &mut Patient) -> u32 {
    loop {
        let page = p.some(PageUse::Overflow, "t");
        if p.page(page)[..4] != [0; 4] {
            return page;
        }
    }
}

/// A leaf of a tree, and where the record of some cell begins.
fn record(p: &mut Patient, owner: &str) -> (u32, usize) {
    let leaf = p.some(PageUse::TableLeaf, owner);
    let view = p.view(leaf);
    let at = p.random(view.cells.len());
    (leaf, view.cells[at].local.start)
}

/// Changes the root page of the schema's second row.
fn schema_root(p: &mut Patient, root: u8) -> u32 {
    let view = p.view(1);
    let cell = view.cells[1].clone();
    let bytes = p.page(1)[cell.local.clone()].to_vec();
    let columns = aludel_tools::inspect::record::columns(&bytes, 1).unwrap();
    p.put(1, cell.local.start + columns[3].offset, &[root])
}

/// Seeded damages of every class.
const ROUNDS: u64 = 10;

#[test]
fn every_class_of_damage_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let clean = [specimen(folder.path(), false), {
        let other = tempfile::tempdir().unwrap();
        specimen(other.path(), true)
    }];
    let file = folder.path().join("damaged.db");
    let (mut all, mut named, mut missed, mut elsewhere) = (0, 0, Vec::new(), Vec::new());
    for (class, mapped, damage) in DAMAGES {
        for round in 0..ROUNDS {
            let bytes = clean[usize::from(*mapped)].clone();
            fs::write(&file, &bytes).unwrap();
            let layout = walk(&open(&file), &WalkOptions::default(), &mut |_, _| ());
            assert!(
                layout.findings.is_empty(),
                "{class}: the specimen is sound: {:?}",
                layout.findings
            );
            let mut patient = Patient {
                bytes,
                layout,
                random: round * 7919 + 17,
            };
            let pages = damage(&mut patient);
            fs::write(&file, &patient.bytes).unwrap();
            let begun = Instant::now();
            let found = check_at(&open(&file), 5);
            assert!(begun.elapsed() < PATIENCE, "{class} round {round}");
            all += 1;
            if found.findings.is_empty() {
                missed.push((*class, round));
            } else if found
                .findings
                .iter()
                .any(|finding| finding.page.is_some_and(|page| pages.contains(&page)))
            {
                named += 1;
            } else {
                elsewhere.push((*class, round, pages, found.findings[0].clone()));
            }
        }
    }
    println!(
        "{} classes, {all} damages, {named} on the right page",
        DAMAGES.len()
    );
    assert!(DAMAGES.len() >= 40 && all >= 600);
    assert!(missed.is_empty(), "{missed:?}");
    assert!(named * 100 >= all * 95, "{named} of {all}: {elsewhere:#?}");
}

#[test]
fn findings_have_words_for_what_they_endanger() {
    for code in Code::ALL {
        assert!(!code.endangers().is_empty() && !code.hint().is_empty(), "{code}");
    }
}

/// A file that is a hole of two terabytes but for its first page costs neither time nor memory.
#[test]
fn a_file_that_claims_millions_of_pages_is_no_burden() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = specimen(folder.path(), false);
    let pages = 2_000_000_000u32;
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    let file = folder.path().join("hole.db");
    fs::write(&file, &bytes).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(u64::from(pages) * PAGE as u64)
        .unwrap();
    let begun = Instant::now();
    let layout = check_at(&open(&file), 4);
    assert!(begun.elapsed() < PATIENCE);
    assert!(!layout.complete && layout.lost_pages > 1_900_000_000);
}

/// Single bytes changed at random: the walker and the engine agree on whether the file is sound.
#[test]
fn the_engine_finds_what_the_walker_finds() {
    let folder = tempfile::tempdir().unwrap();
    let clean = specimen(folder.path(), true);
    let file = folder.path().join("damaged.db");
    let mut state = 99u64;
    let (mut both, mut neither) = (0, 0);
    for round in 0..400 {
        let mut bytes = clean.clone();
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        // Near the front of a page, where headers and pointers are.
        let page = 1 + (state >> 20) as usize % (bytes.len() / PAGE - 1);
        let at = page * PAGE + (state >> 50) as usize % 40;
        bytes[at] ^= 1 << (state >> 61);
        fs::write(&file, &bytes).unwrap();
        let image = open(&file);
        let layout = check_at(&image, 4);
        let Some(is_content) = engine_is_content(&image) else {
            continue;
        };
        // What the engine says of rows and indexes is not the walker's, which looks at pages only.
        if layout.findings.is_empty() {
            neither += 1;
        } else {
            both += 1;
            let codes: Vec<Code> = layout.findings.iter().map(|finding| finding.code).collect();
            let ours_only = [
                Code::RowidOutOfRange,
                Code::BadRecord,
                Code::EmptyLeaf,
                Code::BadSchemaRow,
            ];
            let known = codes.iter().all(|code| ours_only.contains(code));
            assert!(
                !is_content || known,
                "round {round}, byte {at}: {:?}",
                layout.findings
            );
        }
    }
    assert!(both > 50 && neither > 50, "{both} {neither}");
}

/// Files from outside, damaged by fuzzers: no panic, no endless loop, and an answer at every level. `ALUDEL_DATA` names the folder that holds `fuzzdb`.
#[test]
#[ignore = "needs ALUDEL_DATA"]
fn files_of_fuzzers_are_survived() {
    let data = std::env::var("ALUDEL_DATA").expect("ALUDEL_DATA names the folder with fuzzdb");
    let (mut files, mut slowest, mut walker_only, mut engine_only) = (0, Duration::ZERO, 0, 0);
    for entry in fs::read_dir(Path::new(&data).join("fuzzdb")).unwrap() {
        let path = entry.unwrap().path();
        let begun = Instant::now();
        let image = open(&path);
        let walked = check_at(&image, 4);
        let whole = check_at(&image, 5);
        slowest = slowest.max(begun.elapsed());
        assert!(begun.elapsed() < PATIENCE, "{}", path.display());
        if let Some(is_content) = engine_is_content(&image) {
            walker_only += u32::from(is_content && !walked.findings.is_empty());
            engine_only += u32::from(!is_content && whole.findings.is_empty());
        }
        for page in 1..=image.page_count().min(50) {
            let mut bytes = Vec::new();
            image.page(page, &mut bytes).unwrap();
            if let Ok(view) = PageView::read(page, &bytes, image.usable_size()) {
                assert_eq!(view.byte_map(bytes.len()).len(), bytes.len());
            }
        }
        files += 1;
    }
    println!(
        "{files} files, slowest {slowest:?}, {walker_only} only the walker finds, {engine_only} only the engine"
    );
    assert_eq!(engine_only, 0);
}
