//! `map` and `tree`: pictures of a file and of a tree in it.

use std::io::Write;

use super::progress::walked_with;
use super::subject::{Subject, read};
use crate::cli::{Map, MapBy, Tree};
use crate::error::{Exit, Failure};
use crate::inspect::page::{Kind, PageView};
use crate::inspect::record::{OwnedValue, payload, values};
use crate::inspect::walk::{Layout, Owner, WalkOptions};
use crate::output::{Field, Format, Part, Report, Style, thousands};
use crate::picture::{self, By, Icicle, IcicleNode, PageMap};

/// Columns of a picture of letters when nobody says how wide it may be.
const COLUMNS: u16 = 100;

/// Lines of a picture in a terminal.
const LINES: u32 = 40;

/// Prints the map of a file.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn map(map: &Map, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&map.target, out, &mut |subject, out| {
        let style = &subject.style;
        let layout = shape(subject);
        let by = match map.by {
            MapBy::Type => By::Type,
            MapBy::Owner => By::Owner,
            MapBy::Fill => By::Fill,
            MapBy::Age => By::Age,
        };
        let columns = style
            .width
            .unwrap_or_else(terminal_columns)
            .saturating_sub(12)
            .max(8);
        let cells_max = (!style.format.is_for_programs())
            .then(|| u32::from(columns) * LINES * if style.color { 2 } else { 1 });
        let name = subject
            .image
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let picture = PageMap::new(&subject.image, &layout, &name, by, cells_max);
        match style.format {
            Format::Svg => out.write_all(picture::svg(&picture).as_bytes())?,
            Format::Html => out.write_all(picture::html(&picture).as_bytes())?,
            Format::Table | Format::Plain => picture::blocks(&picture, usize::from(columns), style, out)?,
            _ => cells(&picture).print(style, out)?,
        }
        Ok(Exit::Done)
    })
}

/// Who uses which page, and how full it is.
fn shape(subject: &Subject) -> Layout {
    let options = WalkOptions {
        records: false,
        ..WalkOptions::default()
    };
    walked_with(subject, &options)
}

/// The width of the terminal as the shell tells it.
fn terminal_columns() -> u16 {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(COLUMNS)
}

/// The cells as rows.
fn cells(map: &PageMap) -> Report {
    let mut part = Part::new(
        "cells",
        &["first_page", "last_page", "use", "object", "fill", "age"],
    );
    for (index, cell) in map.cells.iter().enumerate() {
        let (first, last) = map.pages_of(index);
        let owner = (cell.owner as usize)
            .checked_sub(1)
            .and_then(|owner| map.owners.get(owner));
        part.push(vec![
            Field::Number(i64::from(first)),
            Field::Number(i64::from(last)),
            cell.page_use.words().code.into(),
            owner.map_or(Field::Null, |owner| Field::text(&**owner)),
            Field::Number(i64::from(cell.fill)),
            Field::Number(i64::from(cell.age)),
        ]);
    }
    let mut report = Report::new("dbtool/map/1");
    report.fact("pages", Field::Count(u64::from(map.page_count)));
    report.fact("pages_per_cell", Field::Count(u64::from(map.per_cell)));
    report.part(part);
    report
}

/// Pages of a tree that are looked at: more are no picture any more.
const TREE_PAGES_MAX: usize = 1 << 20;

/// Children of one page that are listed.
const CHILDREN_LISTED: usize = 6;

/// A page of a tree with what was read of it.
struct Branch {
    page: u32,
    kind: Option<Kind>,
    cells: usize,
    fill: u8,
    first_key: String,
    last_key: String,
    children: Vec<usize>,
    leaves: u64,
}

/// Prints a tree.
///
/// # Errors
/// A name that there is not; those of opening and printing.
pub(super) fn tree(tree: &Tree, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&tree.target, out, &mut |subject, out| {
        let layout = super::page::links(subject);
        let owner = layout
            .owners
            .iter()
            .find(|owner| owner.name.eq_ignore_ascii_case(&tree.name))
            .ok_or_else(|| {
                let names: Vec<&str> = layout.owners.iter().map(|owner| &*owner.name).collect();
                Failure::Usage(format!(
                    "there is no tree {}; there are {}",
                    tree.name,
                    names.join(", ")
                ))
            })?;
        let branches = grow(subject, &layout, owner)?;
        let complete = branches.iter().all(|branch| branch.kind.is_some());
        match subject.style.format {
            Format::Svg => out.write_all(icicle(owner, &branches).svg().as_bytes())?,
            Format::Table | Format::Plain => print_text(owner, &branches, &subject.style, out)?,
            _ => {
                let mut report = rows(owner, &branches);
                report.complete = complete;
                report.print(&subject.style, out)?;
            }
        }
        Ok(if complete { Exit::Done } else { Exit::Damaged })
    })
}

/// Reads the pages of a tree, each once, level by level.
fn grow(subject: &Subject, layout: &Layout, owner: &Owner) -> Result<Vec<Branch>, Failure> {
    let image = &subject.image;
    let mut branches = vec![Branch::unread(owner.root)];
    let mut seen = std::collections::HashSet::from([owner.root]);
    let (mut at, mut bytes) = (0, Vec::new());
    while at < branches.len() {
        let page = branches[at].page;
        let there = image
            .page(page, &mut bytes)
            .map_err(|error| Failure::cannot_open(image.path(), error))?;
        // What the walk gave to another tree is not followed, as there.
        let is_ours = layout
            .owner_of(page)
            .is_some_and(|known| known.root == owner.root);
        if let Some(view) = (there && is_ours)
            .then(|| PageView::read(page, &bytes, image.usable_size()).ok())
            .flatten()
        {
            let children: Vec<u32> = view
                .children()
                .filter(|child| seen.len() < TREE_PAGES_MAX && seen.insert(*child))
                .collect();
            branches[at].read(&view, subject, &bytes);
            for child in children {
                let index = branches.len();
                branches[at].children.push(index);
                branches.push(Branch::unread(child));
            }
        }
        at += 1;
    }
    // Children come behind their parents, so going backwards each parent's children are done.
    for index in (0..branches.len()).rev() {
        let below: u64 = branches[index]
            .children
            .iter()
            .map(|child| branches[*child].leaves)
            .sum();
        branches[index].leaves = below.max(1);
    }
    Ok(branches)
}

impl Branch {
    fn unread(page: u32) -> Branch {
        Branch {
            page,
            kind: None,
            cells: 0,
            fill: 0,
            first_key: String::new(),
            last_key: String::new(),
            children: Vec::new(),
            leaves: 1,
        }
    }

    fn read(&mut self, view: &PageView, subject: &Subject, bytes: &[u8]) {
        self.kind = Some(view.kind);
        self.cells = view.cells.len();
        self.fill = view.fill();
        let key = |cell: Option<&crate::inspect::page::CellView>| match cell {
            None => String::new(),
            Some(cell) => match cell.rowid {
                Some(rowid) => rowid.to_string(),
                None => {
                    let encoding = subject
                        .image
                        .header()
                        .map_or(1, |header| header.encoding.number());
                    let record = payload(&subject.image, cell, bytes);
                    values(&record, encoding).map_or_else(|_| "?".to_owned(), |values| key_words(&values))
                }
            },
        };
        (self.first_key, self.last_key) = (key(view.cells.first()), key(view.cells.last()));
    }

    fn keys(&self) -> String {
        match (self.first_key.is_empty(), self.first_key == self.last_key) {
            (true, _) => "no keys".to_owned(),
            (false, true) => self.first_key.clone(),
            (false, false) => format!("{} to {}", self.first_key, self.last_key),
        }
    }
}

/// The first values of a key, short.
fn key_words(values: &[OwnedValue]) -> String {
    let words = values.iter().take(2).map(|value| match value {
        OwnedValue::Null => "NULL".to_owned(),
        OwnedValue::Integer(number) => number.to_string(),
        OwnedValue::Real(number) => format!("{number:?}"),
        OwnedValue::Text(text) => {
            let short: String = text.chars().take(24).flat_map(char::escape_debug).collect();
            format!("'{short}'")
        }
        OwnedValue::Blob(bytes) => format!("x'{}'", crate::output::hex(&bytes[..bytes.len().min(8)])),
        OwnedValue::Missing => "?".to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn about(owner: &Owner) -> String {
    let tally = &owner.tally;
    format!(
        "{} with root page {}: {} entries, {} levels, {} interior pages, {} leaves, {} overflow pages",
        owner.kind,
        owner.root,
        thousands(tally.entries),
        tally.depth,
        thousands(tally.interior_pages),
        thousands(tally.leaf_pages),
        thousands(tally.overflow_pages)
    )
}

/// The pages of each level, left to right.
fn levels(branches: &[Branch]) -> Vec<Vec<usize>> {
    let mut levels = Vec::new();
    let mut level = vec![0];
    while !level.is_empty() {
        let below = level
            .iter()
            .flat_map(|index: &usize| branches[*index].children.iter().copied())
            .collect();
        levels.push(std::mem::replace(&mut level, below));
    }
    levels
}

fn icicle(owner: &Owner, branches: &[Branch]) -> Icicle {
    let mut starts = vec![0u64; branches.len()];
    let levels = levels(branches);
    for index in levels.iter().flatten() {
        let mut at = starts[*index];
        for child in &branches[*index].children {
            starts[*child] = at;
            at += branches[*child].leaves;
        }
    }
    let node = |index: &usize| {
        let branch = &branches[*index];
        IcicleNode {
            page: branch.page,
            from: starts[*index],
            to: starts[*index] + branch.leaves,
            fill: branch.fill,
            keys: branch.keys(),
        }
    };
    Icicle {
        name: owner.name.clone(),
        about: about(owner),
        levels: levels
            .iter()
            .map(|level| level.iter().map(node).collect())
            .collect(),
    }
}

fn print_text(owner: &Owner, branches: &[Branch], style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    let name: String = owner
        .name
        .chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect();
    writeln!(out, "{}  {}", style.strong(&name), about(owner))?;
    for (depth, level) in levels(branches).iter().enumerate() {
        let fill: usize = level.iter().map(|index| usize::from(branches[*index].fill)).sum();
        let pages = thousands(level.len() as u64);
        let noun = if level.len() == 1 { "page" } else { "pages" };
        writeln!(
            out,
            "level {}: {pages} {noun}, {}% full",
            depth + 1,
            fill / level.len().max(1)
        )?;
    }
    print_branch(branches, 0, "", out)
}

/// Trees are at most twenty levels deep, and this goes down one level a call.
fn print_branch(branches: &[Branch], index: usize, indent: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let branch = &branches[index];
    let what = match branch.kind {
        Some(kind) if kind.is_leaf() => format!("leaf, {} cells", branch.cells),
        Some(_) => format!("{} children", branch.children.len()),
        None => "damaged, or another tree's".to_owned(),
    };
    writeln!(
        out,
        "page {}: {what}, {}% full, keys {}",
        branch.page,
        branch.fill,
        branch.keys()
    )?;
    let count = branch.children.len();
    for (place, child) in branch.children.iter().enumerate() {
        let is_last = place + 1 == count;
        if place + 1 == CHILDREN_LISTED && !is_last {
            writeln!(out, "{indent}├─ ... {} more", count - CHILDREN_LISTED)?;
        }
        if place + 1 >= CHILDREN_LISTED && !is_last {
            continue;
        }
        let (knot, line) = if is_last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        write!(out, "{indent}{knot}")?;
        // A circle cannot be: each page is a child once.
        if indent.chars().count() < 3 * 24 {
            print_branch(branches, *child, &format!("{indent}{line}"), out)?;
        } else {
            writeln!(out, "...")?;
        }
    }
    Ok(())
}

fn rows(owner: &Owner, branches: &[Branch]) -> Report {
    let mut part = Part::new(
        "pages",
        &["level", "page", "kind", "cells", "fill", "first_key", "last_key"],
    );
    for (depth, level) in levels(branches).iter().enumerate() {
        for branch in level.iter().map(|index| &branches[*index]) {
            part.push(vec![
                Field::Number(depth as i64 + 1),
                Field::Number(i64::from(branch.page)),
                branch
                    .kind
                    .map_or(Field::text("damaged"), |kind| kind.page_use().words().code.into()),
                Field::Count(branch.cells as u64),
                Field::Number(i64::from(branch.fill)),
                Field::text(&*branch.first_key),
                Field::text(&*branch.last_key),
            ]);
        }
    }
    let mut report = Report::new("dbtool/tree/1");
    report.fact("object", Field::text(&*owner.name));
    report.fact("root_page", Field::Number(i64::from(owner.root)));
    report.fact("depth", Field::Count(u64::from(owner.tally.depth)));
    report.part(part);
    report
}
