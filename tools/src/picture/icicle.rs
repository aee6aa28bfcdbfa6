//! A tree, level below level: each page as wide as its part of the leaves, in a colour that says how full it is.

use std::fmt::Write;

use super::{SCALE, open_svg, scale_step, shortened, text};
use crate::output::thousands;

/// Pixels for the tree.
const WIDTH: usize = 1000;
const MARGIN: usize = 20;
const TOP: usize = 66;
const LEVEL: usize = 58;

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
        let height = TOP + self.levels.len() * (LEVEL + 8) + 60;
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
            draw_level(level, leaves, TOP + depth * (LEVEL + 8), depth, &mut out);
        }
        scale_legend(TOP + self.levels.len() * (LEVEL + 8) + 24, &mut out);
        out.push_str("</svg>\n");
        out
    }
}

fn draw_level(level: &[IcicleNode], leaves: u64, y: usize, depth: usize, out: &mut String) {
    let place = |at: u64| MARGIN as f64 + at as f64 * WIDTH as f64 / leaves as f64;
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
    let count = level.len() as u64;
    let about = format!(
        "level {}: {} page{}",
        depth + 1,
        thousands(count),
        if count == 1 { "" } else { "s" }
    );
    let _ = writeln!(out, "<g><title>{about}</title></g>");
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
