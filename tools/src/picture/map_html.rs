//! The map as one page of HTML that needs nothing else: hover for what a page is, click for the command that shows it, wheel or + and - to zoom,
//! arrow keys to move, four ways to colour, a legend that picks out its kind, light or dark as the reader's system is.

use std::fmt::Write;

use serde_json::json;

use super::map_svg::mark;
use super::page_map::PageMap;
use super::palette::{NONE, OTHERS, OWNERS, SCALE};
use crate::inspect::PageUse;
use crate::output::{escape_markup, size_words, thousands};

/// Draws the map.
pub fn html(map: &PageMap) -> String {
    let uses: Vec<_> = PageUse::ALL
        .map(PageUse::words)
        .iter()
        .enumerate()
        .map(|(index, w)| json!({ "name": w.words, "colour": w.colour, "mark": mark(index) }))
        .collect();
    let facts = json!({
        "file": map.name,
        "pages": map.page_count,
        "per_cell": map.per_cell,
        "uses": uses,
        "owners": map.owners,
        "owner_colours": OWNERS.map(|(colour, _)| colour),
        "others": OTHERS.0,
        "none": NONE.0,
        "scale": SCALE.map(|(colour, _)| colour),
        "cells": runs(map),
    });
    // Inside a script element only this sequence could end it.
    let facts = facts.to_string().replace("</", "<\\/");
    let head = format!(
        "{} · {} pages of {} bytes, {} · {}",
        map.name,
        thousands(u64::from(map.page_count)),
        thousands(map.page_size as u64),
        size_words(u64::from(map.page_count) * map.page_size as u64),
        map.state
    );
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>\n<style>{STYLE}</style></head>\n\
         <body><header><h1>{0}</h1>{CONTROLS}</header>\n<main><canvas id=\"map\" tabindex=\"0\" role=\"application\" aria-label=\"page map: arrow keys move\"></canvas><div id=\"tip\" hidden></div></main>\n\
         <footer><div id=\"about\" aria-live=\"polite\">Point at a page, or press an arrow key on the map.</div><div id=\"legend\"></div></footer>\n\
         <script>const F={facts};\n{SCRIPT}</script></body></html>\n",
        escape_markup(&head),
    );
    page
}

/// Equal cells side by side as one: how many, use, owner, fill, age.
fn runs(map: &PageMap) -> Vec<u32> {
    let place = |page_use: PageUse| {
        PageUse::ALL
            .iter()
            .position(|known| *known == page_use)
            .unwrap_or(0) as u32
    };
    map.cells
        .chunk_by(|a, b| a == b)
        .flat_map(|run| {
            let cell = run[0];
            [
                run.len() as u32,
                place(cell.page_use),
                cell.owner,
                u32::from(cell.fill),
                u32::from(cell.age),
            ]
        })
        .collect()
}

const STYLE: &str = include_str!("map_html/style.css");

const SCRIPT: &str = include_str!("map_html/script.js");

const CONTROLS: &str = "<div><button data-by=\"use\" aria-pressed=\"true\">type</button><button data-by=\"owner\" aria-pressed=\"false\">owner</button>\
<button data-by=\"fill\" aria-pressed=\"false\">fill</button><button data-by=\"age\" aria-pressed=\"false\">age in log</button>\
<button id=\"in\" aria-label=\"zoom in\">+</button><button id=\"out\" aria-label=\"zoom out\">−</button><button id=\"all\">all</button>\
<label>page <input id=\"go\" type=\"number\" min=\"1\"></label>\
<small>arrow keys move, + − 0 zoom, g goes to a page, Enter shows the command for it</small></div>";
