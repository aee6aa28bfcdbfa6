//! The map in a terminal: two cells a character by half blocks where there are colours, a letter a cell where there are none.

use std::io::{self, Write};

use super::page_map::{Category, PageMap};
use super::palette::channels;
use crate::output::{Style, size_words, thousands};

/// Draws the map in lines of `columns` characters.
///
/// # Errors
/// Those of writing.
pub fn blocks(map: &PageMap, columns: usize, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let columns = columns.max(8);
    let step = if style.color { columns * 2 } else { columns };
    let digits = thousands(u64::from(map.page_count)).len();
    for start in (0..map.cells.len()).step_by(step) {
        write!(out, "{:>digits$} ", thousands(u64::from(map.pages_of(start).0)))?;
        if style.color {
            halves(map, start, columns, style, out)?;
        } else {
            letters(map, start, columns, out)?;
        }
        writeln!(out)?;
    }
    writeln!(out)?;
    legend(map, style, out)
}

/// The colour of a cell, as the numbers that follow 38 (ink) or 48 (ground) in an SGR sequence.
fn colour(map: &PageMap, cell: usize, style: &Style) -> Option<String> {
    let category = usize::from(map.cells.get(cell)?.category);
    map.categories
        .get(category)
        .map(|category| numbers(category, style))
}

/// All colours where the terminal has them, the nearest of 256 elsewhere.
fn numbers(category: &Category, style: &Style) -> String {
    match channels(category.colour).filter(|_| style.true_color) {
        Some([red, green, blue]) => format!("2;{red};{green};{blue}"),
        None => format!("5;{}", category.terminal),
    }
}

/// The upper half of a character is one line of cells, the lower half the next. Colours are said where they change.
fn halves(map: &PageMap, start: usize, columns: usize, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut last = (None, None);
    for column in 0..columns {
        let now = (
            colour(map, start + column, style),
            colour(map, start + columns + column, style),
        );
        if now != last {
            match &now {
                (Some(upper), Some(lower)) => write!(out, "\x1b[38;{upper};48;{lower}m")?,
                (Some(upper), None) => write!(out, "\x1b[0;38;{upper}m")?,
                (None, _) => break,
            }
        }
        write!(out, "▀")?;
        last = now;
    }
    write!(out, "\x1b[0m")
}

fn letters(map: &PageMap, start: usize, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let end = (start + columns).min(map.cells.len());
    let line: String = map.cells[start..end]
        .iter()
        .map(|cell| {
            map.categories
                .get(usize::from(cell.category))
                .map_or(' ', |category| category.letter)
        })
        .collect();
    write!(out, "{line}")
}

fn legend(map: &PageMap, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let width = map
        .categories
        .iter()
        .map(|category| category.name.chars().count())
        .max()
        .unwrap_or(0);
    for category in map.categories.iter().filter(|category| category.pages > 0) {
        let mark = if style.color {
            format!("\x1b[38;{}m██\x1b[0m", numbers(category, style))
        } else {
            category.letter.to_string()
        };
        let name: String = category.name.chars().flat_map(escape_control).collect();
        let space = width.saturating_sub(name.chars().count());
        let part = category.pages as f64 * 100.0 / f64::from(map.page_count.max(1));
        let bytes = size_words(category.pages * map.page_size as u64);
        writeln!(
            out,
            "{mark} {name}{:space$}  {:>9} {:<5}  {bytes:>10}  {part:>5.1}%",
            "",
            thousands(category.pages),
            if category.pages == 1 { "page" } else { "pages" }
        )?;
    }
    if map.per_cell > 1 {
        writeln!(out, "a cell stands for {} pages", map.per_cell)?;
    }
    Ok(())
}

fn escape_control(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}
