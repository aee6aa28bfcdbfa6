//! Pictures: the map of a file, the shape of a tree, the tables and what they refer to.
//!
//! ```text
//!   page_map   what each cell stands for          ──▶ map_svg, map_html, blocks
//!   icicle     a tree, level below level          ──▶ svg
//!   graph      tables and foreign keys            ──▶ svg
//!   palette    colours of owners and scales
//! ```
//!
//! - P1 Svg has no script and stays below two megabytes whatever the size of the file: what would be too small to see is drawn together.
//! - P2 Every text from a file is escaped.
//! - P3 Nothing depends on colour alone: there are legends with numbers, and patterns where cells are large enough to show them. Asserted of the
//!   colours themselves by the tests of `palette`.

mod blocks;
mod graph;
mod icicle;
mod map_html;
mod map_svg;
mod page_map;
mod palette;

pub use blocks::blocks;
pub use graph::{Graph, GraphColumn, GraphTable};
pub use icicle::{Icicle, IcicleNode};
pub use map_html::html;
pub use map_svg::svg;
pub use page_map::{By, Category, MapCell, PageMap};

/// The front of an svg picture: one font, and a ground of its own, so that it reads on a white page and on a dark one.
pub(crate) fn open_svg(width: usize, height: usize, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#1a1a1a\">\n<title>{}</title>\n\
         <rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d4d4d4\"/>\n",
        crate::output::escape_markup(title),
        width.saturating_sub(1),
        height.saturating_sub(1)
    )
}

/// A line of text.
pub(crate) fn text(x: usize, y: usize, attributes: &str, words: &str) -> String {
    format!(
        "<text x=\"{x}\" y=\"{y}\" {attributes}>{}</text>\n",
        crate::output::escape_markup(words)
    )
}

/// A text of at most `max` characters, its end cut off.
pub(crate) fn shortened(words: &str, max: usize) -> String {
    if words.chars().count() <= max {
        return words.to_owned();
    }
    words.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}
