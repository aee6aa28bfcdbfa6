//! The report as a picture: for each work the distribution of its times on one logarithmic axis.
//!
//! ```text
//!   commit wal normal     ───▂▆█▃▁──┃───────│      the hump: how many operations took so long
//!                            ┃ p50    │ max         thin line up to the longest, strokes at p50, p90, p99
//! ```
//!
//! Two engines stand one under the other in colours that everybody can tell apart (blue, orange); the peer's humps are hatched as well.

use std::fmt::Write;

use super::report::{Report, Result};
use super::store::Engine;
use super::times::{BUCKETS, place, words};
use crate::output::{escape_markup, thousands};

const WIDTH: f64 = 1000.0;
/// Where the axis begins and ends.
const LEFT: f64 = 240.0;
const RIGHT: f64 = 770.0;
const TOP: f64 = 96.0;
const ROW: f64 = 34.0;
const HUMP: f64 = 22.0;
const INK: &str = "#222";
const GREY: &str = "#888";
const LINES: &str = "#ddd";
const BLUE: &str = "#0072B2";
const ORANGE: &str = "#D55E00";

/// The picture.
pub(super) fn drawn(report: &Report<'_>) -> String {
    let height = TOP + ROW * report.results.len() as f64 + 48.0;
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <title>dbtool bench</title>\n\
         <defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"5\" height=\"5\" fill=\"{ORANGE}\" fill-opacity=\"0.35\"/><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"5\" stroke=\"{ORANGE}\" stroke-width=\"2.5\"/></pattern></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    );
    heading(&mut svg, report);
    axis(&mut svg, height);
    let mut before = None;
    for (place, result) in report.results.iter().enumerate() {
        let named = before != Some(result.work);
        before = Some(result.work);
        row(&mut svg, report, result, TOP + ROW * place as f64, named);
    }
    svg.push_str("</svg>\n");
    svg
}

fn heading(svg: &mut String, report: &Report<'_>) {
    let subject = escape_markup(&report.subject());
    let _ = writeln!(
        svg,
        "<text x=\"20\" y=\"28\" font-size=\"18\" font-weight=\"bold\">How long operations take</text>\n\
         <text x=\"20\" y=\"48\" fill=\"{GREY}\">{subject}; {} s for each work, warm cache</text>",
        report.seconds
    );
    let engines: Vec<Engine> =
        report
            .results
            .iter()
            .map(|result| result.engine)
            .fold(Vec::new(), |mut all, engine| {
                if !all.contains(&engine) {
                    all.push(engine);
                }
                all
            });
    let mut x = LEFT;
    for engine in engines {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"58\" width=\"18\" height=\"11\" fill=\"{}\"/><text x=\"{}\" y=\"68\">{}</text>",
            fill(engine),
            x + 24.0,
            engine.name()
        );
        x += 100.0;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"68\" fill=\"{GREY}\">strokes at p50, p90, p99; the line ends at the longest</text>\n\
         <text x=\"{WIDTH_END}\" y=\"88\" text-anchor=\"end\" fill=\"{GREY}\">rate, p50, p99</text>",
        WIDTH_END = WIDTH - 20.0
    );
}

/// A line at each decade, named above and below.
fn axis(svg: &mut String, height: f64) {
    let bottom = height - 36.0;
    for exponent in -1..=7_i32 {
        let microseconds = 10_f64.powi(exponent);
        let x = at(microseconds);
        let name = words(microseconds).replace(".00", "").replace(".0", "");
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"{LINES}\"/>\
             <text x=\"{x:.1}\" y=\"88\" text-anchor=\"middle\" fill=\"{GREY}\">{name}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{GREY}\">{name}</text>",
            bottom + 18.0
        );
    }
}

fn row(svg: &mut String, report: &Report<'_>, result: &Result, top: f64, named: bool) {
    let base = top + ROW - 6.0;
    let colour = colour(result.engine);
    if named {
        let title = escape_markup(&result.work.title());
        let _ = writeln!(svg, "<text x=\"20\" y=\"{:.1}\">{title}</text>", base - 4.0);
    }
    let times = &result.times;
    let _ = write!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{base:.1}\" x2=\"{:.1}\" y2=\"{base:.1}\" stroke=\"{colour}\"/>\
         <path d=\"{}\" fill=\"{}\"/>",
        at(times.percentile(0.0)),
        at(times.max()),
        hump(&times.distribution(), base),
        fill(result.engine)
    );
    for (share, length) in [(0.5, 10.0), (0.9, 7.0), (0.99, 7.0)] {
        let x = at(times.percentile(share));
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"{INK}\" stroke-width=\"1.5\"/>",
            base - length,
            base + 3.0
        );
    }
    let ratio = report
        .ratio(result)
        .map_or_else(String::new, |ratio| format!(" (aludel {ratio:.2}x)"));
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}/s{ratio}, {}, {}</text>",
        WIDTH - 20.0,
        base - 4.0,
        thousands(times.rate().round() as u64),
        words(times.percentile(0.5)),
        words(times.percentile(0.99))
    );
}

/// The outline of a distribution: a step for each bucket.
fn hump(counts: &[u64; BUCKETS], base: f64) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = (RIGHT - LEFT) / BUCKETS as f64;
    let mut path = format!("M{LEFT:.1} {base:.1}");
    for (bucket, count) in counts.iter().enumerate() {
        let x = LEFT + step * bucket as f64;
        // What is rare still shows.
        let height = if *count > 0 {
            (HUMP * *count as f64 / most).max(1.5)
        } else {
            0.0
        };
        let _ = write!(
            path,
            "L{x:.1} {y:.1}L{end:.1} {y:.1}",
            y = base - height,
            end = x + step
        );
    }
    let _ = write!(path, "L{RIGHT:.1} {base:.1}Z");
    path
}

fn at(microseconds: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * place(microseconds)
}

fn colour(engine: Engine) -> &'static str {
    match engine {
        Engine::Aludel => BLUE,
        #[cfg(feature = "peer-sqlite")]
        Engine::Sqlite => ORANGE,
    }
}

fn fill(engine: Engine) -> &'static str {
    match engine {
        Engine::Aludel => BLUE,
        #[cfg(feature = "peer-sqlite")]
        Engine::Sqlite => "url(#hatch)",
    }
}
