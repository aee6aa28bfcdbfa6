//! Damaged and hostile files: every operation ends, with rows or with an error, and never with a panic.

use std::time::{Duration, Instant};

use super::{index, table};
use crate::btree::model::{Random, Shape, from_file, to_file};
use crate::btree::{
    BulkBuilder, IndexCursor, Seek, TableCursor, TreeKind, clear_tree, create_tree, drop_tree, freelist,
    vacuum_pages,
};
use crate::error::Result;
use crate::format::record::{KeyValues, decode_prefix};
use crate::format::{AutoVacuum, PageNo};
use crate::maintenance::{CheckOptions, TreeRoot, check};
use crate::pager::Pager;

struct Victim {
    file: Vec<u8>,
    page_size: usize,
    table: PageNo,
    index: PageNo,
}

impl Victim {
    fn new(shape: Shape) -> Victim {
        let mut random = Random::new(shape.page_size.into());
        let mut pager = shape.pager();
        let table = create_tree(&mut pager, TreeKind::Table).unwrap();
        let index = create_tree(&mut pager, TreeKind::Index).unwrap();
        let (mut rows, mut records) = (TableCursor::new(table), IndexCursor::new(index, index::mixed()));
        for rowid in 0..300 {
            let payload = table::payload(&mut random, shape.page_size as usize);
            rows.insert(&mut pager, rowid * 3 % 307, &payload).unwrap();
            let record = index::record(&mut random, shape.page_size as usize, 500, true);
            records.insert(&mut pager, &record).unwrap();
        }
        for rowid in 100..140 {
            if rows.seek(&pager, rowid, Seek::Eq).unwrap() {
                rows.delete(&mut pager).unwrap();
            }
        }
        let file = to_file(&mut pager);
        Victim {
            file,
            page_size: shape.page_size as usize,
            table,
            index,
        }
    }

    /// The file with some bytes changed: bits at random, and numbers where structures keep numbers.
    fn damaged(&self, random: &mut Random) -> Vec<u8> {
        let mut file = self.file.clone();
        let pages = file.len() / self.page_size;
        for _ in 0..1 + random.below(4) {
            let page = match random.below(4) {
                0 => self.table.get() as usize - 1,
                1 => self.index.get() as usize - 1,
                _ => 1 + random.below(pages - 1),
            };
            let start = page * self.page_size;
            let any = random.next() as u8;
            match random.below(10) {
                0 => file[start] = [2, 5, 10, 13, any][random.below(5)],
                1 => file[start + 1 + random.below(7)] = any,
                2 => file[start + 8 + random.below(32)] = any,
                3 => file[start + 8 + random.below(self.page_size - 8)] = any,
                4 | 5 => {
                    // A page number, perhaps of the page itself or a root: circles and pages used twice.
                    let no = [
                        page + 1,
                        self.table.get() as usize,
                        1 + random.below(pages),
                        1 << random.below(32),
                    ];
                    let no = no[random.below(4)] as u32;
                    let at = start + [8, random.below(self.page_size - 4), 0][random.below(3)];
                    file[at..at + 4].copy_from_slice(&no.to_be_bytes());
                }
                6 => file[32 + random.below(8)] = any,
                7 => {
                    let other = random.below(pages) * self.page_size;
                    file.copy_within(other..other + self.page_size, start);
                }
                8 => file[start..start + self.page_size].fill(any),
                _ => file[start + random.below(self.page_size)] ^= 1 << random.below(8),
            }
        }
        file
    }
}

/// Everything that can be done; errors are fine.
fn exercise(victim: &Victim, file: &[u8], random: &mut Random) {
    let roots = [PageNo::ONE, victim.table, victim.index].map(|root| TreeRoot {
        order: Some(index::mixed()),
        ..TreeRoot::new(root)
    });
    let mut pager = from_file(file);
    check(&pager, &roots, &CheckOptions::default()).unwrap();
    let mut rows = TableCursor::new(victim.table);
    let mut entries = IndexCursor::new(victim.index, index::mixed());
    let mut spill = Vec::new();
    for _ in 0..5 {
        // A cursor that has met an error is used again.
        let _ = read_table(&pager, &mut rows);
        let _ = (
            rows.next(&pager),
            rows.leaf().count(),
            rows.prev(&pager),
            rows.payload(&pager, &mut spill).is_ok(),
        );
        let _ = rows.seek(&pager, random.below(300) as i64, Seek::Lt);
        let _ = (
            rows.next_leaf(&pager),
            rows.prev_leaf(&pager),
            rows.stand_at(random.below(10)),
        );
        let _ = read_index(&pager, &mut entries);
        let _ = (entries.next(&pager), entries.leaf().count(), entries.prev(&pager));
        let _ = entries.payload(&pager, &mut spill).is_ok();
        let _ = (
            entries.next_leaf(&pager),
            entries.prev_leaf(&pager),
            entries.stand_at(&pager, random.below(10)),
        );
    }
    for _ in 0..10 {
        let _ = change_table(&mut pager, victim.table, random);
        let _ = change_index(&mut pager, victim.index, random);
    }
    let _ = vacuum_pages(&mut pager, random.below(20) as u32);
    let _ = clear_tree(&mut pager, victim.table, TreeKind::Table);
    let _ = build(&mut pager, random);
    let _ = drop_tree(&mut pager, victim.index, TreeKind::Index);
    let _ = vacuum_pages(&mut pager, u32::MAX);
    check(&pager, &roots, &CheckOptions::default()).unwrap();
}

fn read_table(pager: &Pager, cursor: &mut TableCursor) -> Result<()> {
    let mut spill = Vec::new();
    let mut more = cursor.first(pager)?;
    while more {
        for row in cursor.leaf() {
            let _ = row.map(|row| row.payload(pager, &mut spill).map(<[u8]>::len));
        }
        more = cursor.next_leaf(pager)?;
    }
    more = cursor.last(pager)?;
    while more {
        let _ = cursor.payload(pager, &mut spill);
        more = cursor.prev(pager)?;
    }
    cursor.count(pager)?;
    Ok(())
}

fn read_index(pager: &Pager, cursor: &mut IndexCursor) -> Result<()> {
    let mut spill = Vec::new();
    let mut more = cursor.first(pager)?;
    while more {
        let _ = cursor.payload(pager, &mut spill);
        more = cursor.next(pager)?;
    }
    more = cursor.last(pager)?;
    while more {
        more = cursor.prev_leaf(pager)?;
    }
    cursor.count(pager)?;
    Ok(())
}

fn change_table(pager: &mut Pager, root: PageNo, random: &mut Random) -> Result<()> {
    let mut cursor = TableCursor::new(root);
    for _ in 0..10 {
        let rowid = random.below(400) as i64;
        let page_size = pager.page_size();
        cursor.insert(pager, rowid, &table::payload(random, page_size))?;
        if cursor.seek(pager, random.below(400) as i64, Seek::Ge)? {
            cursor.delete(pager)?;
            cursor.next(pager)?;
        }
    }
    Ok(())
}

fn change_index(pager: &mut Pager, root: PageNo, random: &mut Random) -> Result<()> {
    let mut cursor = IndexCursor::new(root, index::mixed());
    for _ in 0..10 {
        let record = index::record(random, pager.page_size(), 500, true);
        cursor.insert(pager, &record)?;
        let other = index::record(random, pager.page_size(), 500, true);
        let mut key = KeyValues::new();
        decode_prefix(&other, other.len(), 2, &mut key)?;
        if cursor.seek(pager, &key, Seek::Le)? {
            cursor.delete(pager)?;
            cursor.prev(pager)?;
        }
    }
    Ok(())
}

fn build(pager: &mut Pager, random: &mut Random) -> Result<()> {
    let root = create_tree(pager, TreeKind::Table)?;
    let mut builder = BulkBuilder::new(pager, root, TreeKind::Table)?;
    for rowid in 0..50 {
        builder.push_row(pager, rowid, &table::payload(random, 512))?;
    }
    builder.finish(pager)
}

#[test]
fn damaged_files_give_errors_and_nothing_worse() {
    for shape in Shape::SOME.into_iter().filter(|shape| shape.page_size <= 1024) {
        let victim = Victim::new(shape);
        for seed in 0..60 {
            println!("seed {seed} {shape:?}");
            let mut random = Random::new(seed);
            let file = victim.damaged(&mut random);
            let begun = Instant::now();
            exercise(&victim, &file, &mut random);
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
    }
}

/// Twenty levels of pages that all point to the next level, so that a plain walk would go on for as long as the sun shines.
#[test]
fn a_tree_of_shared_pages_ends_in_an_error() {
    let mut pager = Shape::plain(512).pager();
    let root = create_tree(&mut pager, TreeKind::Table).unwrap();
    let mut level = root;
    for depth in 0..18 {
        let below = pager.append_page().unwrap();
        let page = pager.page_mut(level).unwrap();
        page.fill(0);
        let cells = 40;
        page[0] = if depth == 17 { 13 } else { 5 };
        page[3..5].copy_from_slice(&u16::to_be_bytes(cells));
        page[5..7].copy_from_slice(&u16::to_be_bytes(300));
        page[8..12].copy_from_slice(&below.get().to_be_bytes());
        let pointers = if depth == 17 { 8 } else { 12 };
        for cell in 0..usize::from(cells) {
            let at = 300 + 5 * cell;
            page[pointers + 2 * cell..][..2].copy_from_slice(&(at as u16).to_be_bytes());
            page[at..at + 4].copy_from_slice(&below.get().to_be_bytes());
            page[at + 4] = cell as u8;
        }
        level = below;
    }
    let begun = Instant::now();
    let mut cursor = TableCursor::new(root);
    assert!(read_table(&pager, &mut cursor).is_err());
    assert!(cursor.count(&pager).is_err());
    assert!(
        !check(&pager, &[TreeRoot::new(root)], &CheckOptions::default())
            .unwrap()
            .is_ok()
    );
    assert!(clear_tree(&mut pager, root, TreeKind::Table).is_err());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Two trunks that name each other as the next, in a header that claims four billion free pages: the list of free pages grew to that.
#[test]
fn a_freelist_that_goes_in_a_circle_ends() {
    let mut pager = Shape {
        auto_vacuum: AutoVacuum::Incremental,
        ..Shape::plain(512)
    }
    .pager();
    let pages: Vec<PageNo> = (0..40).map(|_| freelist::allocate(&mut pager).unwrap()).collect();
    for page in pages {
        freelist::free(&mut pager, page).unwrap();
    }
    let trunk = pager.header().unwrap().freelist_trunk;
    pager.page_mut(PageNo::new(trunk).unwrap()).unwrap()[..4].copy_from_slice(&trunk.to_be_bytes());
    pager
        .update_header(|header| header.freelist_count = u32::MAX)
        .unwrap();
    let error = vacuum_pages(&mut pager, 3).unwrap_err();
    assert_eq!(error.code(), 11, "{error}");
}
