//! What was measured, told: a table with distributions, JSON (`dbtool/bench/1`), or rows in the formats for programs.

use std::io::Write;
use std::path::Path;

use aludel_sql::value::{Value, ValueRef};
use serde_json::{Value as Json, json};

use super::chart;
use super::store::Engine;
use super::times::{BUCKETS, Times, bucket_start, words};
use super::work::Work;
use crate::cli::Print;
use crate::error::Failure;
use crate::output::{Format, json_of, thousands};

/// All that was measured.
pub(super) struct Report<'r> {
    pub(super) file: Option<&'r Path>,
    pub(super) folder: &'r Path,
    pub(super) table: &'r str,
    pub(super) rows: u64,
    pub(super) seconds: f64,
    pub(super) seed: u64,
    pub(super) results: &'r [Result],
    pub(super) complete: bool,
}

/// The times of a work on an engine.
pub(super) struct Result {
    pub(super) work: Work,
    pub(super) engine: Engine,
    pub(super) times: Times,
}

/// Eighths of a block, by height.
const BLOCKS: [char; 9] = [
    ' ', '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}',
];

impl Report<'_> {
    /// Prints it in the format that is asked for.
    ///
    /// # Errors
    /// A closed output.
    pub(super) fn print(&self, print: &Print, out: &mut dyn Write) -> std::result::Result<(), Failure> {
        let style = print.style();
        match style.format {
            Format::Json => Ok(json_of(out, &self.as_json())?),
            Format::Svg => Ok(out.write_all(chart::drawn(self).as_bytes())?),
            Format::Table | Format::Plain => self.print_text(out),
            _ => {
                let mut rows = style.rows("dbtool/bench/1", out)?;
                rows.columns(&COLUMNS.map(str::to_owned))?;
                for result in self.results {
                    let values = result.as_row();
                    let values: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
                    rows.row(&values)?;
                }
                Ok(rows.end(self.complete)?)
            }
        }
    }

    /// How the rate of SQLite compares, by work: above 1 ours is faster.
    pub(super) fn ratio(&self, result: &Result) -> Option<f64> {
        let own = self
            .results
            .iter()
            .find(|own| own.work == result.work && own.engine == Engine::Aludel)?;
        let is_peer = result.engine != Engine::Aludel && result.times.rate() > 0.0;
        is_peer.then(|| own.times.rate() / result.times.rate())
    }

    /// What was measured, in a line.
    pub(super) fn subject(&self) -> String {
        let what = match self.file {
            Some(file) => format!("a copy of {}", file.display()),
            None => "a new file".to_owned(),
        };
        format!(
            "{what} in {}: table {} with {} rows",
            self.folder.display(),
            self.table,
            thousands(self.rows)
        )
    }

    fn print_text(&self, out: &mut dyn Write) -> std::result::Result<(), Failure> {
        let with_peer = self.results.iter().any(|result| result.engine != Engine::Aludel);
        writeln!(out, "{}", self.subject())?;
        writeln!(
            out,
            "{} s for each work, warm cache, seed {}\n",
            self.seconds, self.seed
        )?;
        let engine = if with_peer {
            format!("{:8}", "engine")
        } else {
            String::new()
        };
        let heads = ["p50", "p90", "p99", "max"]
            .map(|head| format!("{head:>9}"))
            .concat();
        writeln!(out, "{:27}{engine}{:>23}{heads}  {}", "work", "rate", axis())?;
        for result in self.results {
            let engine = if with_peer {
                format!("{:8}", result.engine.name())
            } else {
                String::new()
            };
            let rate = format!("{} {}/s", rate_words(result.times.rate()), result.work.thing());
            let times = [0.5, 0.9, 0.99, 1.0]
                .map(|share| format!("{:>9}", words(result.times.percentile(share))))
                .concat();
            let blocks = blocks(&result.times.distribution());
            let ratio = self
                .ratio(result)
                .map_or_else(String::new, |ratio| format!("  aludel {ratio:.2}x"));
            writeln!(
                out,
                "{:27}{engine}{rate:>23}{times}  {blocks}{ratio}",
                result.work.title()
            )?;
        }
        if !self.complete {
            writeln!(out, "(interrupted: not all works were measured to their end)")?;
        }
        Ok(())
    }

    fn as_json(&self) -> Json {
        let results: Vec<Json> = self
            .results
            .iter()
            .map(|result| {
                let mut json = result.as_json();
                if let Some(ratio) = self.ratio(result) {
                    json["aludel_rate_ratio"] = json!(rounded(ratio));
                }
                json
            })
            .collect();
        json!({
            "schema": "dbtool/bench/1",
            "file": self.file.map(|file| file.display().to_string()),
            "folder": self.folder.display().to_string(),
            "table": self.table,
            "rows": self.rows,
            "seconds_per_work": self.seconds,
            "seed": self.seed,
            "results": results,
            "complete": self.complete,
        })
    }
}

const COLUMNS: [&str; 11] = [
    "work",
    "journal_mode",
    "synchronous",
    "engine",
    "operations",
    "seconds",
    "rate",
    "p50_us",
    "p90_us",
    "p99_us",
    "max_us",
];

impl Result {
    fn as_row(&self) -> [Value; COLUMNS.len()] {
        let setting = self.work.setting();
        let times = &self.times;
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let real = |value: f64| Value::from(rounded(value));
        [
            Value::from(self.work.name()),
            text(setting.map(|(mode, _)| mode.name())),
            text(setting.map(|(_, level)| level.name())),
            Value::from(self.engine.name()),
            Value::from(times.count() as i64),
            real(times.seconds()),
            real(times.rate()),
            real(times.percentile(0.5)),
            real(times.percentile(0.9)),
            real(times.percentile(0.99)),
            real(times.max()),
        ]
    }

    fn as_json(&self) -> Json {
        let mut json = json!({});
        for (name, value) in COLUMNS.iter().zip(self.as_row()) {
            json[*name] = crate::output::json_value(value.as_ref());
        }
        json["rate_of"] = json!(self.work.thing());
        let counts = self
            .times
            .distribution()
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0);
        let buckets: Vec<Json> = counts
            .map(|(bucket, count)| json!({ "from_us": rounded(bucket_start(bucket)), "to_us": rounded(bucket_start(bucket + 1)), "count": count }))
            .collect();
        json["distribution"] = json!(buckets);
        json
    }
}

/// Six figures are more than a measurement has.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn rate_words(rate: f64) -> String {
    match rate {
        rate if rate >= 100.0 => thousands(rate.round() as u64),
        rate => format!("{rate:.1}"),
    }
}

/// The distribution as blocks; every bucket that has anything shows.
fn blocks(counts: &[u64; BUCKETS]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let block = |count: &u64| match *count {
        0 => BLOCKS[0],
        count => BLOCKS[((count * 8).div_ceil(most) as usize).clamp(1, 8)],
    };
    counts.iter().map(block).collect()
}

/// The names of the decades over the blocks.
fn axis() -> String {
    let decades = [
        "100ns",
        "1\u{b5}s",
        "10\u{b5}s",
        "100\u{b5}s",
        "1ms",
        "10ms",
        "100ms",
        "1s",
    ];
    // Four columns hold a decade; every second one is named.
    decades
        .iter()
        .step_by(2)
        .map(|name| format!("{name:8}"))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn blocks_show_every_bucket_that_has_something() {
        let mut counts = [0; BUCKETS];
        (counts[3], counts[4], counts[20]) = (1, 1000, 1);
        let blocks: Vec<char> = blocks(&counts).chars().collect();
        assert_eq!(
            (blocks[2], blocks[3], blocks[4], blocks[20]),
            (' ', BLOCKS[1], BLOCKS[8], BLOCKS[1])
        );
        assert_eq!(blocks.len(), BUCKETS);
    }

    #[test]
    fn each_result_has_all_that_json_promises() {
        let result = Result {
            work: Work::all()[6],
            engine: Engine::Aludel,
            times: Times::of(vec![Duration::from_micros(3), Duration::from_micros(5)]),
        };
        let json = result.as_json();
        for column in COLUMNS {
            assert!(json.get(column).is_some(), "{column}");
        }
        assert_eq!(
            (&json["journal_mode"], &json["synchronous"]),
            (&json!("delete"), &json!("normal"))
        );
        assert_eq!(
            (&json["p50_us"], &json["max_us"], &json["rate"]),
            (&json!(3.0), &json!(5.0), &json!(250_000.0))
        );
        assert_eq!(json["distribution"].as_array().map(Vec::len), Some(2));
    }
}
