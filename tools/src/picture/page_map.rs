//! What the map shows: cells, each for a run of pages, and the categories that colours stand for.

use std::collections::HashMap;

use super::palette::{NONE, OTHERS, OWNERS, OWNERS_MAX, SCALE, scale_step};
use crate::inspect::image::PageSource;
use crate::inspect::{Image, Layout, PageUse};

/// Pages that are drawn one by one; in larger files a cell stands for several.
const CELLS_MAX: u32 = 100_000;

/// What colours stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// What pages are used for.
    #[default]
    Type,
    /// The table or index.
    Owner,
    /// How full pages are.
    Fill,
    /// How new a page is in the log.
    Age,
}

/// A colour and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Its colour, as CSS has it.
    pub colour: &'static str,
    /// Its colour among the 256 of a terminal.
    pub terminal: u8,
    /// One letter, for pictures of letters.
    pub letter: char,
    /// Pages of it.
    pub pages: u64,
}

/// A run of pages, drawn as one cell in the colour of most of them. One damaged page makes the cell damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapCell {
    /// What most of its pages are used for.
    pub page_use: PageUse,
    /// The owner of most, from 1 on.
    pub owner: u32,
    /// How full they are, of a hundred.
    pub fill: u8,
    /// How new they are in the log, of a hundred; 0 for pages of the file.
    pub age: u8,
    /// The number of its category.
    pub category: u16,
}

/// The map of a file.
#[derive(Clone, Debug)]
pub struct PageMap {
    /// The name of the file.
    pub name: String,
    /// Pages of the database.
    pub page_count: u32,
    /// Bytes of a page.
    pub page_size: usize,
    /// Which state is shown, in words.
    pub state: String,
    /// Pages that a cell stands for.
    pub per_cell: u32,
    /// The cells.
    pub cells: Vec<MapCell>,
    /// What the colours stand for.
    pub categories: Vec<Category>,
    /// By what.
    pub by: By,
    /// The names of owners, the first at 1.
    pub owners: Vec<String>,
}

/// What is known of one page.
#[derive(Clone, Copy)]
struct Page {
    page_use: PageUse,
    owner: u32,
    fill: u8,
    age: u8,
    category: u16,
}

impl PageMap {
    /// Makes the map of a file with at most `cells_max` cells.
    pub fn new(image: &Image, layout: &Layout, name: &str, by: By, cells_max: Option<u32>) -> PageMap {
        let cells_max = cells_max.unwrap_or(CELLS_MAX).clamp(1, CELLS_MAX);
        let per_cell = layout.page_count.div_ceil(cells_max).max(1);
        let damaged: std::collections::HashSet<u32> = layout
            .findings
            .iter()
            .filter(|finding| finding.code.severity() == crate::inspect::Severity::Error)
            .filter_map(|finding| finding.page)
            .collect();
        let mut categories = categories(layout, by);
        let ranks = owner_ranks(layout);
        let newest = image.log().map_or(0, |log| log.committed);
        let mut cells = Vec::with_capacity((layout.page_count / per_cell) as usize + 1);
        for first in (1..=layout.page_count).step_by(per_cell as usize) {
            let last = first.saturating_add(per_cell - 1).min(layout.page_count);
            let pages = (first..=last).map(|number| {
                let note = layout.notes.get(number);
                let age = match image.source(number) {
                    PageSource::Log(at) => {
                        let frame = at / (image.page_size() as u64 + 24) + 1;
                        (frame * 100 / u64::from(newest.max(1))).clamp(1, 100) as u8
                    }
                    _ => 0,
                };
                let page_use = if damaged.contains(&number) {
                    PageUse::Damaged
                } else {
                    note.page_use
                };
                let mut page = Page {
                    page_use,
                    owner: note.owner,
                    fill: note.fill,
                    age,
                    category: 0,
                };
                page.category = category_of(&page, by, &ranks);
                if let Some(category) = categories.get_mut(usize::from(page.category)) {
                    category.pages += 1;
                }
                page
            });
            cells.push(merge(pages));
        }
        PageMap {
            name: name.to_owned(),
            page_count: layout.page_count,
            page_size: image.page_size(),
            state: image.state().words(),
            per_cell,
            cells,
            categories,
            by,
            owners: layout.owners.iter().map(|owner| owner.name.clone()).collect(),
        }
    }

    /// The pages that a cell stands for, first and last.
    pub fn pages_of(&self, cell: usize) -> (u32, u32) {
        let first = cell as u32 * self.per_cell + 1;
        (
            first,
            first.saturating_add(self.per_cell - 1).min(self.page_count),
        )
    }
}

/// One cell for several pages.
fn merge(pages: impl Iterator<Item = Page>) -> MapCell {
    let mut pages = pages.peekable();
    let Some(first) = pages.next() else {
        return MapCell::default();
    };
    // Most maps have a cell for each page: nothing to count then.
    if pages.peek().is_none() {
        return cell_of(&first, u32::from(first.fill), 1, first.age);
    }
    let mut counts: HashMap<(PageUse, u32, u16), (u32, Page)> = HashMap::new();
    let (mut fill, mut age, mut count) = (0, 0, 0);
    let mut damaged = None;
    for page in std::iter::once(first).chain(pages) {
        counts
            .entry((page.page_use, page.owner, page.category))
            .or_insert((0, page))
            .0 += 1;
        (fill, age, count) = (fill + u32::from(page.fill), age.max(page.age), count + 1);
        damaged = damaged.or((page.page_use == PageUse::Damaged).then_some(page));
    }
    let most = counts
        .into_iter()
        .max_by_key(|(key, (count, _))| (*count, *key))
        .map(|(_, (_, page))| page);
    cell_of(&damaged.or(most).unwrap_or(first), fill, count, age)
}

fn cell_of(page: &Page, fill: u32, count: u32, age: u8) -> MapCell {
    MapCell {
        page_use: page.page_use,
        owner: page.owner,
        fill: (fill / count.max(1)) as u8,
        age,
        category: page.category,
    }
}

fn category_of(page: &Page, by: By, ranks: &HashMap<u32, u16>) -> u16 {
    let step = |part: u8| 1 + scale_step(part) as u16;
    match by {
        By::Type => PageUse::ALL
            .iter()
            .position(|known| *known == page.page_use)
            .unwrap_or(0) as u16,
        By::Owner if page.owner == 0 => 0,
        By::Owner => 1 + ranks.get(&page.owner).copied().unwrap_or(OWNERS_MAX as u16),
        By::Fill if page.page_use.is_tree() || page.page_use == PageUse::Overflow => step(page.fill),
        By::Age if page.age > 0 => step(page.age),
        By::Fill | By::Age => 0,
    }
}

/// Owners by descending pages, those that get a colour.
fn owner_ranks(layout: &Layout) -> HashMap<u32, u16> {
    let mut owners: Vec<(u32, u64)> = (1..)
        .zip(layout.owners.iter().map(|owner| owner.tally.pages()))
        .collect();
    owners.sort_by_key(|(_, pages)| std::cmp::Reverse(*pages));
    owners
        .iter()
        .take(OWNERS_MAX)
        .zip(0..)
        .map(|((owner, _), rank)| (*owner, rank))
        .collect()
}

fn categories(layout: &Layout, by: By) -> Vec<Category> {
    let category = |name: String, (colour, terminal): (&'static str, u8), letter: char| Category {
        name,
        colour,
        terminal,
        letter,
        pages: 0,
    };
    let steps = |what: &'static str| {
        SCALE
            .into_iter()
            .zip(0..)
            .zip('1'..)
            .map(move |((colour, step), letter)| {
                let (from, to) = ((step * 101u32).div_ceil(6), ((step + 1) * 101).div_ceil(6) - 1);
                category(format!("{what} {from}-{to}%"), colour, letter)
            })
    };
    match by {
        By::Type => {
            let words = PageUse::ALL.map(PageUse::words).into_iter();
            words
                .map(|w| category(w.words.to_owned(), (w.colour, w.terminal), w.letter))
                .collect()
        }
        By::Owner => {
            let ranks = owner_ranks(layout);
            let mut named: Vec<(u16, &str)> = ranks
                .iter()
                .filter_map(|(owner, rank)| Some((*rank, &*layout.owners.get(*owner as usize - 1)?.name)))
                .collect();
            named.sort_unstable();
            let mut all = vec![category("no table or index".to_owned(), NONE, '.')];
            for ((rank, name), letter) in named.into_iter().zip('a'..) {
                all.push(category(name.to_owned(), OWNERS[usize::from(rank)], letter));
            }
            // The others have the number behind the last rank, however few ranks there are.
            while all.len() <= OWNERS_MAX {
                all.push(category(String::new(), OTHERS, ' '));
            }
            all.push(category("all others".to_owned(), OTHERS, '~'));
            all
        }
        By::Fill => std::iter::once(category("not a tree".to_owned(), NONE, '.'))
            .chain(steps("full"))
            .collect(),
        By::Age => std::iter::once(category("from the file".to_owned(), NONE, '.'))
            .chain(steps("log at"))
            .collect(),
    }
}
