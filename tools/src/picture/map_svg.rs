//! The map as svg: a row of pages below a row of pages, a legend with numbers.

use std::fmt::Write;

use super::page_map::{By, PageMap};
use super::{open_svg, shortened, text};
use crate::inspect::PageUse;
use crate::output::{size_words, thousands};

/// Pixels for the cells.
const WIDTH: usize = 960;

/// Room left of the cells for page numbers, and around the picture.
const LEFT: usize = 72;
const MARGIN: usize = 20;
const TOP: usize = 62;

/// Larger cells show no more.
const SIZE_MAX: usize = 22;

/// Cells at least so large have patterns and lines between them.
const PATTERN_MIN: usize = 8;

/// Height of a line of the legend, and its columns.
const LEGEND_LINE: usize = 22;
const LEGEND_COLUMNS: usize = 3;

/// Draws the map.
pub fn svg(map: &PageMap) -> String {
    let count = map.cells.len().max(1);
    // Twice as wide as high; cells that are as large as they get fill the width.
    let columns = (((count * 2) as f64).sqrt().ceil() as usize).clamp(WIDTH / SIZE_MAX, WIDTH / 2);
    let size = (WIDTH / columns).clamp(2, SIZE_MAX);
    let rows = count.div_ceil(columns);
    let shown: Vec<usize> = (0..map.categories.len())
        .filter(|index| map.categories[*index].pages > 0)
        .collect();
    let legend_rows = shown.len().div_ceil(LEGEND_COLUMNS);
    let height = TOP + rows * size + 34 + legend_rows * LEGEND_LINE;
    let mut out = open_svg(
        WIDTH + LEFT + MARGIN,
        height,
        &format!("page map of {}", map.name),
    );
    patterns(map, &shown, size, &mut out);
    title(map, &mut out);
    numbers(map, columns, rows, size, &mut out);
    cells(map, columns, size, &shown, &mut out);
    legend(map, &shown, TOP + rows * size + 34, size, &mut out);
    out.push_str("</svg>\n");
    out
}

fn title(map: &PageMap, out: &mut String) {
    out.push_str(&text(
        MARGIN,
        26,
        "font-size=\"18\" font-weight=\"600\"",
        &shortened(&map.name, 90),
    ));
    let by = match map.by {
        By::Type => "what pages are used for",
        By::Owner => "table or index",
        By::Fill => "how full pages are",
        By::Age => "place of the newest version in the log",
    };
    let mut words = format!(
        "{} pages of {} bytes, {} · colour: {by} · {}",
        thousands(u64::from(map.page_count)),
        thousands(map.page_size as u64),
        size_words(u64::from(map.page_count) * map.page_size as u64),
        map.state
    );
    if map.per_cell > 1 {
        let _ = write!(words, " · a cell is {} pages", map.per_cell);
    }
    out.push_str(&text(MARGIN, 46, "fill=\"#555555\"", &words));
}

/// The number of the first page of some rows.
fn numbers(map: &PageMap, columns: usize, rows: usize, size: usize, out: &mut String) {
    let step = (rows / 12).max(18usize.div_ceil(size)).max(1);
    for row in (0..rows).step_by(step) {
        let first = map.pages_of(row * columns).0;
        let y = TOP + row * size + (size / 2).max(4) + 4;
        out.push_str(&text(
            LEFT - 8,
            y,
            "text-anchor=\"end\" font-size=\"10\" fill=\"#777777\"",
            &thousands(u64::from(first)),
        ));
    }
}

/// One path for each category: cells of one colour side by side are one piece.
fn cells(map: &PageMap, columns: usize, size: usize, shown: &[usize], out: &mut String) {
    let mut paths = vec![String::new(); map.categories.len()];
    for (row, line) in map.cells.chunks(columns).enumerate() {
        let mut column = 0;
        for run in line.chunk_by(|a, b| a.category == b.category) {
            if let Some(path) = run
                .first()
                .and_then(|cell| paths.get_mut(usize::from(cell.category)))
            {
                let _ = write!(path, "M{column} {row}h{0}v1h-{0}z", run.len());
            }
            column += run.len();
        }
    }
    let _ = writeln!(
        out,
        "<g transform=\"translate({LEFT} {TOP}) scale({size})\" shape-rendering=\"crispEdges\">"
    );
    for index in shown {
        let _ = writeln!(
            out,
            "<path fill=\"{}\" d=\"{}\"/>",
            map.categories[*index].colour, paths[*index]
        );
    }
    out.push_str("</g>\n");
    let (width, height) = (columns * size, map.cells.len().div_ceil(columns) * size);
    if size < PATTERN_MIN {
        return;
    }
    let _ = writeln!(out, "<g transform=\"translate({LEFT} {TOP})\">");
    for index in shown
        .iter()
        .filter(|index| map.by == By::Type && has_pattern(**index))
    {
        let _ = write!(
            out,
            "<path transform=\"scale({size})\" fill=\"url(#u{index})\" d=\"{}\"/>",
            paths[*index]
        );
    }
    let _ = writeln!(
        out,
        "<rect width=\"{width}\" height=\"{height}\" fill=\"url(#grid)\"/>\n</g>"
    );
}

/// Marks are for what is easily taken for its neighbour: interior pages, free ones, overflow, damage.
fn has_pattern(index: usize) -> bool {
    mark(index).is_some()
}

const LIGHT: &str = "#ffffff";
const DARK: &str = "#707070";

/// The mark of a use, by its place in the legend: lines in a square of one cell, and their colour.
pub(super) fn mark(index: usize) -> Option<(&'static str, &'static str)> {
    Some(match PageUse::ALL.get(index)? {
        PageUse::TableInterior | PageUse::IndexInterior => ("M.15 .85L.85 .15", LIGHT),
        PageUse::Overflow => ("M.38 .5h.24", LIGHT),
        PageUse::FreelistTrunk => ("M.5 .2v.6M.2 .5h.6", LIGHT),
        PageUse::FreelistLeaf => ("M.5 .43v.14", DARK),
        PageUse::PointerMap => ("M.5 .15v.7", LIGHT),
        PageUse::LockByte => ("M.25 .25h.5v.5h-.5z", LIGHT),
        PageUse::Damaged => ("M.15 .15L.85 .85M.85 .15L.15 .85", LIGHT),
        PageUse::Unreferenced => ("M.3 .3h.4v.4h-.4z", LIGHT),
        PageUse::TableLeaf | PageUse::IndexLeaf => return None,
    })
}

fn patterns(map: &PageMap, shown: &[usize], size: usize, out: &mut String) {
    if size < PATTERN_MIN {
        return;
    }
    out.push_str("<defs>\n");
    let _ = writeln!(
        out,
        "<pattern id=\"grid\" width=\"{size}\" height=\"{size}\" patternUnits=\"userSpaceOnUse\">\
         <path d=\"M0 .5h{size}M.5 0v{size}\" stroke=\"#ffffff\" stroke-width=\"1.5\"/></pattern>"
    );
    for index in shown.iter().filter(|_| map.by == By::Type) {
        if let Some((path, colour)) = mark(*index) {
            let _ = writeln!(
                out,
                "<pattern id=\"u{index}\" width=\"1\" height=\"1\" patternUnits=\"userSpaceOnUse\">\
                 <path d=\"{path}\" stroke=\"{colour}\" stroke-opacity=\".85\" stroke-width=\".1\" fill=\"none\"/></pattern>"
            );
        }
    }
    out.push_str("</defs>\n");
}

fn legend(map: &PageMap, shown: &[usize], top: usize, size: usize, out: &mut String) {
    let column_width = (WIDTH + LEFT - MARGIN) / LEGEND_COLUMNS;
    let lines = shown.len().div_ceil(LEGEND_COLUMNS);
    for (place, index) in shown.iter().enumerate() {
        let category = &map.categories[*index];
        let (x, y) = (
            MARGIN + place / lines.max(1) * column_width,
            top + place % lines.max(1) * LEGEND_LINE,
        );
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{}\" width=\"14\" height=\"14\" fill=\"{}\" stroke=\"#999999\" stroke-width=\".5\"/>",
            y - 11,
            category.colour
        );
        if map.by == By::Type && size >= PATTERN_MIN && has_pattern(*index) {
            let _ = writeln!(
                out,
                "<g transform=\"translate({x} {}) scale(14)\"><rect width=\"1\" height=\"1\" fill=\"url(#u{index})\"/></g>",
                y - 11
            );
        }
        let part = category.pages as f64 * 100.0 / f64::from(map.page_count.max(1));
        let bytes = size_words(category.pages * map.page_size as u64);
        let count = thousands(category.pages);
        let noun = if category.pages == 1 { "page" } else { "pages" };
        let words = format!(
            "{} · {count} {noun} · {bytes} · {part:.1}%",
            shortened(&category.name, 22)
        );
        out.push_str(&text(x + 22, y, "", &words));
    }
}
