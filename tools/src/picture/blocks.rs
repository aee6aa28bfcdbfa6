//! The map in a terminal. Without colours each cell is a letter. With them a cell of a small file is a coloured field with its letter in it, and of
//! a larger one half a character: the half block's upper part is one cell, its lower part another.

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
    let shape = Shape::of(map, columns, style);
    let step = match shape {
        Shape::Fields => columns / 2,
        Shape::Halves => columns * 2,
        Shape::Letters => columns,
    };
    let digits = thousands(u64::from(map.page_count)).len();
    for start in (0..map.cells.len()).step_by(step) {
        write!(out, "{:>digits$} ", thousands(u64::from(map.pages_of(start).0)))?;
        match shape {
            Shape::Fields => fields(map, start, step, style, out)?,
            Shape::Halves => halves(map, start, columns, style, out)?,
            Shape::Letters => letters(map, start, columns, out)?,
        }
        writeln!(out)?;
    }
    writeln!(out)?;
    legend(map, shape, style, out)
}

/// How cells are drawn.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Fields,
    Halves,
    Letters,
}

/// Lines that fields may take.
const FIELD_LINES_MAX: usize = 24;

impl Shape {
    fn of(map: &PageMap, columns: usize, style: &Style) -> Shape {
        match style.color {
            true if map.cells.len() <= columns / 2 * FIELD_LINES_MAX => Shape::Fields,
            true => Shape::Halves,
            false => Shape::Letters,
        }
    }
}

/// A field of two characters for each cell, with its letter in an ink that reads on its colour.
fn fields(map: &PageMap, start: usize, count: usize, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let end = (start + count).min(map.cells.len());
    for cell in &map.cells[start..end] {
        if let Some(category) = map.categories.get(usize::from(cell.category)) {
            field(category, style, out)?;
        }
    }
    write!(out, "\x1b[0m")
}

fn field(category: &Category, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let [red, green, blue] = channels(category.colour).unwrap_or_default().map(u32::from);
    let is_light = 3 * red + 6 * green + blue > 1280;
    let ink = if is_light { 16 } else { 231 };
    write!(
        out,
        "\x1b[38;5;{ink};48;{}m{} ",
        numbers(category, style),
        category.letter
    )
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

fn legend(map: &PageMap, shape: Shape, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let width = map
        .categories
        .iter()
        .map(|category| category.name.chars().count())
        .max()
        .unwrap_or(0);
    for category in map.categories.iter().filter(|category| category.pages > 0) {
        match shape {
            Shape::Fields => {
                field(category, style, out)?;
                write!(out, "\x1b[0m")?;
            }
            Shape::Halves => write!(out, "\x1b[38;{}m██\x1b[0m", numbers(category, style))?,
            Shape::Letters => write!(out, "{}", category.letter)?,
        }
        let name: String = category.name.chars().flat_map(escape_control).collect();
        let space = width.saturating_sub(name.chars().count());
        let part = category.pages as f64 * 100.0 / f64::from(map.page_count.max(1));
        let bytes = size_words(category.pages * map.page_size as u64);
        writeln!(
            out,
            " {name}{:space$}  {:>9} {:<5}  {bytes:>10}  {part:>5.1}%",
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
