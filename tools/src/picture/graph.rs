//! Tables as boxes with their columns, foreign keys as lines from the column that refers to the one that is referred to.
//!
//! Tables stand in columns: left those that refer to none, right of them those that refer to these, and so on. What goes round in circles stands where
//! the walk met it first.

use std::collections::HashMap;
use std::fmt::Write;

use super::{open_svg, shortened, text};

const BOX_WIDTH: usize = 230;
const LINE: usize = 19;
const HEAD: usize = 26;
const GAP_X: usize = 110;
const GAP_Y: usize = 26;
const MARGIN: usize = 24;

/// Where the first boxes stand, below the title and the legend.
const TOP: usize = 64;

/// The legend needs so much room.
const WIDTH_MIN: usize = 520;

/// Boxes above each other in one column, at most as high as this before the next column begins.
const HEIGHT_MAX: usize = 1400;

/// Columns of a table that are drawn.
const COLUMNS_MAX: usize = 30;

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphColumn {
    /// Its name.
    pub name: String,
    /// Its declared type.
    pub kind: String,
    /// Whether it is part of the primary key.
    pub is_key: bool,
    /// Whether it refuses NULL.
    pub not_null: bool,
    /// The table and column that it refers to.
    pub refers_to: Option<(String, String)>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphTable {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<GraphColumn>,
}

/// The tables of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The name of the file.
    pub name: String,
    /// Its tables.
    pub tables: Vec<GraphTable>,
}

/// Where a box stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    x: usize,
    y: usize,
}

impl GraphTable {
    fn height(&self) -> usize {
        HEAD + LINE * self.columns.len().min(COLUMNS_MAX)
            + if self.columns.len() > COLUMNS_MAX { LINE } else { 0 }
            + 8
    }

    /// The middle of a column's line; the head for one that is not drawn.
    fn line_of(&self, column: &str) -> usize {
        let index = self
            .columns
            .iter()
            .position(|known| known.name.eq_ignore_ascii_case(column));
        match index {
            Some(index) if index < COLUMNS_MAX => HEAD + LINE * index + LINE / 2 + 2,
            _ => HEAD / 2,
        }
    }
}

impl Graph {
    /// Draws it.
    pub fn svg(&self) -> String {
        let places = self.places();
        let right = places
            .iter()
            .map(|place| place.x + BOX_WIDTH)
            .max()
            .unwrap_or(300);
        let bottom = places
            .iter()
            .zip(&self.tables)
            .map(|(place, table)| place.y + table.height())
            .max()
            .unwrap_or(60);
        let mut out = open_svg(
            (right + MARGIN).max(WIDTH_MIN),
            bottom + MARGIN,
            &format!("schema of {}", self.name),
        );
        out.push_str(
            "<defs><marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" orient=\"auto\">\
             <path d=\"M0 0L8 4L0 8z\" fill=\"#555555\"/></marker></defs>\n",
        );
        let words = format!("{} · {} tables", self.name, self.tables.len());
        out.push_str(&text(MARGIN, 28, "font-size=\"16\" font-weight=\"600\"", &words));
        out.push_str(&text(
            MARGIN,
            46,
            "font-size=\"11\" fill=\"#555555\"",
            "key: part of the primary key · ref: refers to another table · ! is never NULL",
        ));
        self.lines(&places, &mut out);
        for (table, place) in self.tables.iter().zip(&places) {
            draw(table, *place, &mut out);
        }
        out.push_str("</svg>\n");
        out
    }

    fn index_of(&self) -> HashMap<String, usize> {
        self.tables
            .iter()
            .enumerate()
            .map(|(index, table)| (table.name.to_lowercase(), index))
            .collect()
    }

    /// How far from tables that refer to none, by as many rounds as there are levels; circles end with the rounds.
    fn levels(&self) -> Vec<usize> {
        let index_of = self.index_of();
        let parents: Vec<Vec<usize>> = self
            .tables
            .iter()
            .enumerate()
            .map(|(own, table)| {
                let names = table
                    .columns
                    .iter()
                    .filter_map(|column| column.refers_to.as_ref());
                names
                    .filter_map(|(parent, _)| index_of.get(&parent.to_lowercase()).copied())
                    .filter(|parent| *parent != own)
                    .collect()
            })
            .collect();
        let mut levels = vec![0usize; self.tables.len()];
        for _ in 0..self.tables.len().min(12) {
            for own in 0..levels.len() {
                let above = parents[own]
                    .iter()
                    .map(|parent| levels[*parent] + 1)
                    .max()
                    .unwrap_or(0);
                levels[own] = levels[own].max(above.min(12));
            }
        }
        // A table that refers to none stands next to the first that refers to it, not at the far left.
        for own in (0..levels.len()).filter(|own| parents[*own].is_empty()) {
            let children = (0..parents.len()).filter(|child| parents[*child].contains(&own));
            if let Some(nearest) = children.map(|child| levels[child]).min() {
                levels[own] = nearest.saturating_sub(1);
            }
        }
        let mut used: Vec<usize> = levels.clone();
        used.sort_unstable();
        used.dedup();
        levels
            .iter()
            .map(|level| used.iter().position(|known| known == level).unwrap_or(0))
            .collect()
    }

    fn places(&self) -> Vec<Place> {
        let levels = self.levels();
        let mut places = vec![Place { x: 0, y: 0 }; self.tables.len()];
        let mut x = MARGIN;
        for level in 0..=levels.iter().copied().max().unwrap_or(0) {
            let (mut y, mut any) = (TOP, false);
            for index in (0..self.tables.len()).filter(|index| levels[*index] == level) {
                let height = self.tables[index].height();
                if any && y + height > HEIGHT_MAX {
                    x += BOX_WIDTH + GAP_X / 2;
                    y = TOP;
                }
                places[index] = Place { x, y };
                y += height + GAP_Y;
                any = true;
            }
            x += BOX_WIDTH + GAP_X;
        }
        places
    }

    fn lines(&self, places: &[Place], out: &mut String) {
        let index_of = self.index_of();
        for (table, place) in self.tables.iter().zip(places) {
            for column in &table.columns {
                let Some((parent, key)) = &column.refers_to else {
                    continue;
                };
                let Some(index) = index_of.get(&parent.to_lowercase()) else {
                    continue;
                };
                let (from_y, to_y) = (
                    place.y + table.line_of(&column.name),
                    places[*index].y + self.tables[*index].line_of(key),
                );
                let to_right = places[*index].x > place.x;
                let is_beside = places[*index].x == place.x;
                let from_x = if to_right { place.x + BOX_WIDTH } else { place.x };
                let to_x = if to_right || is_beside {
                    places[*index].x
                } else {
                    places[*index].x + BOX_WIDTH
                };
                let bend = if is_beside { 40 } else { from_x.abs_diff(to_x) / 2 };
                let (out_x, in_x) = if to_right {
                    (from_x + bend, to_x.saturating_sub(bend))
                } else if is_beside {
                    (from_x.saturating_sub(bend), to_x.saturating_sub(bend))
                } else {
                    (from_x.saturating_sub(bend), to_x + bend)
                };
                let _ = writeln!(
                    out,
                    "<path d=\"M{from_x} {from_y}C{out_x} {from_y} {in_x} {to_y} {to_x} {to_y}\" fill=\"none\" stroke=\"#555555\" \
                     stroke-width=\"1.4\" marker-end=\"url(#to)\"/>"
                );
            }
        }
    }
}

fn draw(table: &GraphTable, place: Place, out: &mut String) {
    let Place { x, y } = place;
    let height = table.height();
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{height}\" rx=\"5\" fill=\"#ffffff\" stroke=\"#0072b2\" stroke-width=\"1.3\"/>\n\
         <path d=\"M{x} {0}v-{1}q0 -5 5 -5h{2}q5 0 5 5v{1}z\" fill=\"#0072b2\"/>",
        y + HEAD,
        HEAD - 5,
        BOX_WIDTH - 10
    );
    out.push_str(&text(
        x + 10,
        y + 18,
        "fill=\"#ffffff\" font-weight=\"600\"",
        &shortened(&table.name, 30),
    ));
    for (index, column) in table.columns.iter().take(COLUMNS_MAX).enumerate() {
        let line = y + HEAD + LINE * index + 16;
        let mark = if column.is_key {
            "key"
        } else if column.refers_to.is_some() {
            "ref"
        } else {
            ""
        };
        let weight = if column.is_key { "font-weight=\"600\"" } else { "" };
        out.push_str(&text(x + 10, line, "font-size=\"9\" fill=\"#a05a00\"", mark));
        out.push_str(&text(x + 34, line, weight, &shortened(&column.name, 18)));
        let kind = if column.not_null && !column.is_key {
            format!("{} !", column.kind)
        } else {
            column.kind.clone()
        };
        let kind = shortened(kind.trim(), 12);
        out.push_str(&text(
            x + BOX_WIDTH - 10,
            line,
            "text-anchor=\"end\" font-size=\"11\" fill=\"#666666\"",
            &kind,
        ));
    }
    if let Some(more) = table
        .columns
        .len()
        .checked_sub(COLUMNS_MAX)
        .filter(|more| *more > 0)
    {
        let line = y + HEAD + LINE * COLUMNS_MAX + 16;
        out.push_str(&text(
            x + 34,
            line,
            "fill=\"#666666\"",
            &format!("and {more} more"),
        ));
    }
}
