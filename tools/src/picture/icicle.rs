//! A tree, level below level: each page as wide as its part of the leaves, in a colour that says how full it is.

use std::fmt::Write;

use super::palette::{SCALE, scale_step};
use super::{open_svg, shortened, text};
use crate::output::thousands;

/// Pixels for the tree.
const WIDTH: usize = 1000;
const MARGIN: usize = 20;
const TOP: usize = 86;
const LEVEL: usize = 58;
/// From the top of one level to that of the next: a line of words comes between.
const STEP: usize = LEVEL + 28;

/// A page of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IcicleNode {
    /// Its number.
    pub page: u32,
    /// Where it begins and ends, as leaves counted from the left.
    pub from: u64,
    /// See `from`.
    pub to: u64,
    /// How full it is, of a hundred.
    pub fill: u8,
    /// Its keys, in words.
    pub keys: String,
}

/// A tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Icicle {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub about: String,
    /// The pages of each level, left to right, the root's first.
    pub levels: Vec<Vec<IcicleNode>>,
}

impl Icicle {
    /// Draws it. Pages too narrow to see are drawn together.
    pub fn svg(&self) -> String {
        let height = TOP + self.levels.len() * STEP + 22;
        let mut out = open_svg(WIDTH + 2 * MARGIN, height, &format!("tree of {}", self.name));
        out.push_str(&text(
            MARGIN,
            28,
            "font-size=\"18\" font-weight=\"600\"",
            &shortened(&self.name, 80),
        ));
        out.push_str(&text(MARGIN, 48, "fill=\"#555555\"", &self.about));
        let leaves = self
            .levels
            .iter()
            .flatten()
            .map(|node| node.to)
            .max()
            .unwrap_or(1)
            .max(1);
        for (depth, level) in self.levels.iter().enumerate() {
            draw_level(level, leaves, TOP + depth * STEP, depth, &mut out);
        }
        scale_legend(TOP + self.levels.len() * STEP, &mut out);
        out.push_str("</svg>\n");
        out
    }
}

fn draw_level(level: &[IcicleNode], leaves: u64, y: usize, depth: usize, out: &mut String) {
    let place = |at: u64| MARGIN as f64 + at as f64 * WIDTH as f64 / leaves as f64;
    let words_above = caption(level, depth);
    out.push_str(&text(
        MARGIN,
        y - 6,
        "font-size=\"11\" fill=\"#555555\"",
        &words_above,
    ));
    let mut index = 0;
    while let Some(first) = level.get(index) {
        let left = place(first.from);
        let mut end = index + 1;
        // At least two pixels: what is narrower joins its neighbours.
        while place(level[end - 1].to) - left < 2.0 && end < level.len() {
            end += 1;
        }
        let group = &level[index..end];
        let right = place(group[group.len() - 1].to);
        let fill = group.iter().map(|node| usize::from(node.fill)).sum::<usize>() / group.len();
        let (colour, dark) = (SCALE[scale_step(fill as u8)].0, scale_step(fill as u8) < 3);
        let width = (right - left).max(1.0);
        let gap = if width > 6.0 { 1.0 } else { 0.0 };
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{LEVEL}\" fill=\"{colour}\"><title>{}</title></rect>",
            width - gap,
            crate::output::escape_markup(&words(group))
        );
        if group.len() == 1 && width > 44.0 {
            let ink = if dark {
                "fill=\"#ffffff\""
            } else {
                "fill=\"#1a1a1a\""
            };
            let room = (width / 6.6) as usize;
            let x = left as usize + 5;
            out.push_str(&text(
                x,
                y + 17,
                ink,
                &shortened(&format!("page {}", first.page), room),
            ));
            out.push_str(&text(
                x,
                y + 33,
                &format!("{ink} font-size=\"11\""),
                &shortened(&format!("{fill}% full"), room),
            ));
            out.push_str(&text(
                x,
                y + 49,
                &format!("{ink} font-size=\"11\""),
                &shortened(&first.keys, room),
            ));
        }
        index = end;
    }
}

/// Which level it is, of how many pages, and how full they are.
fn caption(level: &[IcicleNode], depth: usize) -> String {
    let count = level.len();
    let fill = level.iter().map(|node| usize::from(node.fill)).sum::<usize>() / count.max(1);
    let noun = if count == 1 { "page" } else { "pages" };
    format!(
        "level {} · {} {noun} · {fill}% full",
        depth + 1,
        thousands(count as u64)
    )
}

fn words(group: &[IcicleNode]) -> String {
    let first = &group[0];
    if group.len() == 1 {
        return format!("page {}, {}% full, {}", first.page, first.fill, first.keys);
    }
    format!("{} pages from {} on, {}", group.len(), first.page, first.keys)
}

fn scale_legend(y: usize, out: &mut String) {
    out.push_str(&text(MARGIN, y, "fill=\"#555555\"", "how full:"));
    for (step, (colour, _)) in SCALE.into_iter().enumerate() {
        let x = MARGIN + 70 + step * 110;
        let (from, to) = ((step * 101).div_ceil(6), ((step + 1) * 101).div_ceil(6) - 1);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{}\" width=\"14\" height=\"14\" fill=\"{colour}\"/>",
            y - 11
        );
        out.push_str(&text(x + 20, y, "", &format!("{from}-{to}%")));
    }
}
