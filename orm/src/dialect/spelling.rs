//! How each dialect spells the functions that all have: one table for each.

use super::CompileError;
use crate::expr::{Interval, JsonStep, Portable, TimePart, TimeUnit};
use crate::types::Kind;

const GREATEST: &str = "CASE WHEN {0} >= {1} THEN {0} WHEN {0} < {1} THEN {1} END";
const LEAST: &str = "CASE WHEN {0} <= {1} THEN {0} WHEN {0} > {1} THEN {1} END";

/// `$."a"[0]`, with keys written by `push_key`.
pub(super) fn json_path(
    path: &[JsonStep],
    push_key: impl Fn(&str, &mut String) -> Result<(), CompileError>,
) -> Result<String, CompileError> {
    let mut text = String::from("$");
    for step in path {
        match step {
            JsonStep::Key(key) => {
                text.push('.');
                push_key(key, &mut text)?;
            }
            JsonStep::Index(index) => text += &format!("[{index}]"),
        }
    }
    Ok(text)
}

pub(super) mod sqlite {
    use super::{Interval, Kind, Portable, TimePart, TimeUnit};

    /// The microseconds that a text of a time means. The date functions know thousandths of a second at best, so they get the text without its
    /// fraction, whose digits are counted by themselves.
    macro_rules! micros {
        (moment, $text:literal) => {
            micros!($text, "19", "21")
        };
        (time, $text:literal) => {
            micros!($text, "8", "10")
        };
        ($text:literal, $whole:literal, $fraction:literal) => {
            concat!(
                "(unixepoch(substr(",
                $text,
                ", 1, ",
                $whole,
                ")) * 1000000 + CAST(substr(substr(",
                $text,
                ", ",
                $fraction,
                ") || '000000', 1, 6) AS INTEGER))"
            )
        };
    }

    /// A time `{0}`, later or earlier by `{1}` microseconds. It is written once, as it may be a query.
    macro_rules! shifted {
        (date, $sign:literal) => {
            shifted!("date(", "", micros!(moment, "x"), $sign)
        };
        (time, $sign:literal) => {
            shifted!("time(", fraction!(), micros!(time, "x"), $sign)
        };
        (moment, $sign:literal) => {
            shifted!("datetime(", fraction!(), micros!(moment, "x"), $sign)
        };
        ($function:literal, $fraction:expr, $micros:expr, $sign:literal) => {
            concat!(
                "(SELECT ",
                $function,
                "(t - (t % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')",
                $fraction,
                " FROM (SELECT ",
                $micros,
                " ",
                $sign,
                " y AS t FROM (SELECT {0} AS x, {1} AS y)))"
            )
        };
    }

    /// A truth value, which is a number otherwise.
    macro_rules! json_bool {
        ($value:literal) => {
            concat!(
                "json(CASE ",
                $value,
                " WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
            )
        };
    }

    /// The digits of a UUID.
    macro_rules! json_uuid {
        ($value:literal) => {
            concat!(
                "CASE WHEN ",
                $value,
                " IS NOT NULL THEN lower(hex(",
                $value,
                ")) END"
            )
        };
    }

    fn array_has(element: Kind) -> &'static str {
        match element {
            Kind::Uuid => concat!("(", json_uuid!("{1}"), " IN (SELECT value FROM json_each({0})))"),
            _ => "({1} IN (SELECT value FROM json_each({0})))",
        }
    }

    /// As many digits of the second as there are.
    macro_rules! fraction {
        () => {
            " || rtrim(printf('.%06d', (t % 1000000 + 1000000) % 1000000), '.0')"
        };
    }

    pub(in crate::dialect) fn spelling(function: Portable) -> &'static str {
        match function {
            Portable::Part(part) => match part {
                TimePart::Year => "CAST(strftime('%Y', {0}) AS INTEGER)",
                TimePart::Month => "CAST(strftime('%m', {0}) AS INTEGER)",
                TimePart::Day => "CAST(strftime('%d', {0}) AS INTEGER)",
                TimePart::Hour => "CAST(strftime('%H', {0}) AS INTEGER)",
                TimePart::Minute => "CAST(strftime('%M', {0}) AS INTEGER)",
                TimePart::Second => "CAST(strftime('%S', {0}) AS INTEGER)",
                TimePart::Weekday => "CAST(strftime('%u', {0}) AS INTEGER)",
                TimePart::DayOfYear => "CAST(strftime('%j', {0}) AS INTEGER)",
            },
            Portable::StartOf { unit, date: true } => match unit {
                TimeUnit::Year => "strftime('%Y-01-01', {0})",
                TimeUnit::Month => "strftime('%Y-%m-01', {0})",
                TimeUnit::Week => "date({0}, '-6 days', 'weekday 1')",
                TimeUnit::Day | TimeUnit::Hour | TimeUnit::Minute => "date({0})",
            },
            Portable::StartOf { unit, date: false } => match unit {
                TimeUnit::Year => "strftime('%Y-01-01 00:00:00', {0})",
                TimeUnit::Month => "strftime('%Y-%m-01 00:00:00', {0})",
                TimeUnit::Week => "datetime({0}, '-6 days', 'weekday 1', 'start of day')",
                TimeUnit::Day => "datetime({0}, 'start of day')",
                TimeUnit::Hour => "strftime('%Y-%m-%d %H:00:00', {0})",
                TimeUnit::Minute => "strftime('%Y-%m-%d %H:%M:00', {0})",
            },
            Portable::Date => "date({0})",
            // As many digits of the second as there are.
            Portable::Time => "rtrim(rtrim(strftime('%H:%M:%f', {0}), '0'), '.')",
            Portable::SecondsBetween => "(unixepoch({0}, 'subsec') - unixepoch({1}, 'subsec'))",
            Portable::DaysBetween => "CAST(julianday(date({0})) - julianday(date({1})) AS INTEGER)",
            Portable::Later(Kind::Date) => shifted!(date, "+"),
            Portable::Earlier(Kind::Date) => shifted!(date, "-"),
            Portable::Later(Kind::Time) => shifted!(time, "+"),
            Portable::Earlier(Kind::Time) => shifted!(time, "-"),
            Portable::Later(_) => shifted!(moment, "+"),
            Portable::Earlier(_) => shifted!(moment, "-"),
            Portable::Between(Kind::Time) => {
                concat!("(", micros!(time, "{0}"), " - ", micros!(time, "{1}"), ")")
            }
            Portable::Between(_) => concat!("(", micros!(moment, "{0}"), " - ", micros!(moment, "{1}"), ")"),
            Portable::Times => "CAST(round({0} * {1}) AS INTEGER)",
            Portable::Over => "CAST(round({0} / CAST({1} AS REAL)) AS INTEGER)",
            Portable::Seconds => "({0} / 1e6)",
            Portable::ArrayHas(kind) => array_has(kind),
            Portable::ArrayHasAll => {
                "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM json_each({1}) AS one_of_b \
                 WHERE NOT EXISTS (SELECT 1 FROM json_each({0}) AS one_of_a WHERE one_of_a.value = one_of_b.value)) END"
            }
            Portable::ArrayHasAny => {
                "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN EXISTS (SELECT 1 FROM json_each({0}) AS one_of_a \
                 JOIN json_each({1}) AS one_of_b ON one_of_a.value = one_of_b.value) END"
            }
            Portable::ArrayLength => "json_array_length({0})",
            Portable::ArrayAt(Kind::Uuid) => "unhex({0} ->> {1})",
            Portable::ArrayAt(_) => "({0} ->> {1})",
            Portable::ArrayAppend(Kind::Bool) => concat!("json_insert({0}, '$[#]', ", json_bool!("{1}"), ")"),
            Portable::ArrayAppend(Kind::Uuid) => concat!("json_insert({0}, '$[#]', ", json_uuid!("{1}"), ")"),
            Portable::ArrayAppend(_) => "json_insert({0}, '$[#]', {1})",
            Portable::ArrayExtend => {
                "CASE WHEN json_array_length({0}) = 0 THEN {1} WHEN json_array_length({1}) = 0 THEN {0} \
                 ELSE substr({0}, 1, length({0}) - 1) || ',' || substr({1}, 2) END"
            }
            Portable::Element(Kind::Bool) => json_bool!("{0}"),
            Portable::Element(Kind::Uuid) => json_uuid!("{0}"),
            Portable::Element(_) => "{0}",
            Portable::JsonText => "CAST({0} ->> {1} AS TEXT)",
            Portable::JsonInt | Portable::JsonReal | Portable::JsonBool => "({0} ->> {1})",
            Portable::JsonPart => "({0} -> {1})",
            Portable::JsonLength => "CASE json_type({0}) WHEN 'array' THEN json_array_length({0}) END",
            Portable::JsonHasText => {
                "EXISTS (SELECT 1 FROM json_each({0}) AS element WHERE element.type = 'text' AND element.value = {1})"
            }
            Portable::JsonHasInt => {
                "EXISTS (SELECT 1 FROM json_each({0}) AS element WHERE element.type = 'integer' AND element.value = {1})"
            }
            Portable::Greatest => "max({0}, {1})",
            Portable::Least => "min({0}, {1})",
            Portable::Round => "round({0}, {1})",
            // SQLite's own functions of that name are not in every build.
            Portable::Floor => "CASE WHEN round({0}) > {0} THEN round({0}) - 1 ELSE round({0}) END",
            Portable::Ceil => "CASE WHEN round({0}) < {0} THEN round({0}) + 1 ELSE round({0}) END",
        }
    }

    /// By modifiers of the date functions (SQLite's documentation, lang_datefunc).
    pub(in crate::dialect) fn time_plus(kind: Kind, interval: Interval) -> (String, String) {
        let (before, after) = match kind {
            Kind::Date => ("date(", ")"),
            Kind::Time => ("rtrim(rtrim(strftime('%H:%M:%f', ", "), '0'), '.')"),
            _ => ("rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', ", "), '0'), '.')"),
        };
        let mut modifiers = String::new();
        if interval.months != 0 {
            modifiers += &format!(", '{:+} months', 'floor'", interval.months);
        }
        if interval.days != 0 {
            modifiers += &format!(", '{:+} days'", interval.days);
        }
        if interval.microseconds != 0 {
            let sign = if interval.microseconds < 0 { '-' } else { '+' };
            let all = interval.microseconds.unsigned_abs();
            let (seconds, rest) = (all / 1_000_000, all % 1_000_000);
            modifiers += &format!(", '{sign}{seconds}.{rest:06} seconds'");
        }
        (before.to_owned(), modifiers + after)
    }
}

pub(super) mod postgresql {
    use super::{GREATEST, Interval, JsonStep, Kind, LEAST, Portable, TimePart, TimeUnit};

    pub(in crate::dialect) fn spelling(function: Portable) -> &'static str {
        match function {
            Portable::Part(part) => match part {
                TimePart::Year => "CAST(EXTRACT(YEAR FROM {0}) AS bigint)",
                TimePart::Month => "CAST(EXTRACT(MONTH FROM {0}) AS bigint)",
                TimePart::Day => "CAST(EXTRACT(DAY FROM {0}) AS bigint)",
                TimePart::Hour => "CAST(EXTRACT(HOUR FROM {0}) AS bigint)",
                TimePart::Minute => "CAST(EXTRACT(MINUTE FROM {0}) AS bigint)",
                TimePart::Second => "CAST(floor(EXTRACT(SECOND FROM {0})) AS bigint)",
                TimePart::Weekday => "CAST(EXTRACT(ISODOW FROM {0}) AS bigint)",
                TimePart::DayOfYear => "CAST(EXTRACT(DOY FROM {0}) AS bigint)",
            },
            Portable::StartOf { unit, date: true } => match unit {
                TimeUnit::Year => "CAST(date_trunc('year', {0}) AS date)",
                TimeUnit::Month => "CAST(date_trunc('month', {0}) AS date)",
                TimeUnit::Week => "CAST(date_trunc('week', {0}) AS date)",
                TimeUnit::Day | TimeUnit::Hour | TimeUnit::Minute => "CAST({0} AS date)",
            },
            Portable::StartOf { unit, date: false } => match unit {
                TimeUnit::Year => "date_trunc('year', {0})",
                TimeUnit::Month => "date_trunc('month', {0})",
                TimeUnit::Week => "date_trunc('week', {0})",
                TimeUnit::Day => "date_trunc('day', {0})",
                TimeUnit::Hour => "date_trunc('hour', {0})",
                TimeUnit::Minute => "date_trunc('minute', {0})",
            },
            Portable::Date => "CAST({0} AS date)",
            Portable::Time => "CAST({0} AS time)",
            Portable::SecondsBetween => {
                "CAST(EXTRACT(EPOCH FROM CAST({0} AS timestamp) - CAST({1} AS timestamp)) AS double precision)"
            }
            Portable::DaysBetween => "CAST(CAST({0} AS date) - CAST({1} AS date) AS bigint)",
            Portable::Later(Kind::Date) => "CAST(CAST({0} AS date) + {1} AS date)",
            Portable::Earlier(Kind::Date) => "CAST(CAST({0} AS date) - {1} AS date)",
            Portable::Later(Kind::Time) => "(CAST({0} AS time) + {1})",
            Portable::Earlier(Kind::Time) => "(CAST({0} AS time) - {1})",
            Portable::Later(Kind::DateTime) => "(CAST({0} AS timestamp) + {1})",
            Portable::Earlier(Kind::DateTime) => "(CAST({0} AS timestamp) - {1})",
            Portable::Later(_) => "(CAST({0} AS timestamptz) + {1})",
            Portable::Earlier(_) => "(CAST({0} AS timestamptz) - {1})",
            Portable::Between(Kind::Time) => "(CAST({0} AS time) - CAST({1} AS time))",
            Portable::Between(_) => "(CAST({0} AS timestamp) - CAST({1} AS timestamp))",
            Portable::Times => "({0} * {1})",
            Portable::Over => "({0} / {1})",
            Portable::Seconds => "CAST(EXTRACT(EPOCH FROM {0}) AS double precision)",
            Portable::ArrayHas(_) => "({1} = ANY ({0}))",
            Portable::ArrayHasAll => "({0} @> {1})",
            Portable::ArrayHasAny => "({0} && {1})",
            Portable::ArrayLength => "CAST(cardinality({0}) AS bigint)",
            Portable::ArrayAt(_) => "({0})[{1} + 1]",
            // Here, NULL counts as an array without elements.
            Portable::ArrayAppend(_) => "CASE WHEN {0} IS NOT NULL THEN array_append({0}, {1}) END",
            Portable::ArrayExtend => "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN {0} || {1} END",
            Portable::Element(_) => "{0}",
            Portable::JsonText => "({0} #>> {1})",
            Portable::JsonInt => "CAST({0} #>> {1} AS bigint)",
            Portable::JsonReal => "CAST({0} #>> {1} AS double precision)",
            Portable::JsonBool => "CAST({0} #>> {1} AS boolean)",
            Portable::JsonPart => "({0} #> {1})",
            Portable::JsonLength => "CASE jsonb_typeof({0}) WHEN 'array' THEN jsonb_array_length({0}) END",
            Portable::JsonHasText => "({0} @> to_jsonb(CAST({1} AS text)))",
            Portable::JsonHasInt => "({0} @> to_jsonb({1}))",
            Portable::Greatest => GREATEST,
            Portable::Least => LEAST,
            Portable::Round => "CAST(round(CAST({0} AS numeric), {1}) AS double precision)",
            Portable::Floor => "floor({0})",
            Portable::Ceil => "ceil({0})",
        }
    }

    pub(in crate::dialect) fn time_plus(kind: Kind, interval: Interval) -> (String, String) {
        let (before, after) = match kind {
            Kind::Date => ("CAST(", " AS date)"),
            _ => ("(", ")"),
        };
        let Interval {
            months,
            days,
            microseconds,
        } = interval;
        let sum = format!(" + CAST('{months} mons {days} days {microseconds} microseconds' AS interval)");
        (before.to_owned(), sum + after)
    }

    /// The text of an array of texts: `{"a","0"}`.
    pub(in crate::dialect) fn json_path(path: &[JsonStep]) -> String {
        let steps = path.iter().map(|step| match step {
            JsonStep::Key(key) => {
                let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{escaped}\"")
            }
            JsonStep::Index(index) => index.to_string(),
        });
        format!("{{{}}}", steps.collect::<Vec<String>>().join(","))
    }
}

pub(super) mod mysql {
    use super::{CompileError, GREATEST, Interval, JsonStep, Kind, LEAST, Portable, TimePart, TimeUnit};

    pub(in crate::dialect) fn spelling(function: Portable) -> &'static str {
        match function {
            Portable::Part(part) => match part {
                TimePart::Year => "YEAR({0})",
                TimePart::Month => "MONTH({0})",
                TimePart::Day => "DAYOFMONTH({0})",
                TimePart::Hour => "HOUR({0})",
                TimePart::Minute => "MINUTE({0})",
                TimePart::Second => "SECOND({0})",
                TimePart::Weekday => "(WEEKDAY({0}) + 1)",
                TimePart::DayOfYear => "DAYOFYEAR({0})",
            },
            Portable::StartOf { unit, date: true } => match unit {
                TimeUnit::Year => "CAST(DATE_FORMAT({0}, '%Y-01-01') AS date)",
                TimeUnit::Month => "CAST(DATE_FORMAT({0}, '%Y-%m-01') AS date)",
                TimeUnit::Week => "DATE(DATE({0}) - INTERVAL WEEKDAY({0}) DAY)",
                TimeUnit::Day | TimeUnit::Hour | TimeUnit::Minute => "DATE({0})",
            },
            Portable::StartOf { unit, date: false } => match unit {
                TimeUnit::Year => "CAST(DATE_FORMAT({0}, '%Y-01-01 00:00:00') AS datetime(6))",
                TimeUnit::Month => "CAST(DATE_FORMAT({0}, '%Y-%m-01 00:00:00') AS datetime(6))",
                TimeUnit::Week => "CAST(DATE({0}) - INTERVAL WEEKDAY({0}) DAY AS datetime(6))",
                TimeUnit::Day => "CAST(DATE({0}) AS datetime(6))",
                TimeUnit::Hour => "CAST(DATE_FORMAT({0}, '%Y-%m-%d %H:00:00') AS datetime(6))",
                TimeUnit::Minute => "CAST(DATE_FORMAT({0}, '%Y-%m-%d %H:%i:00') AS datetime(6))",
            },
            Portable::Date => "DATE({0})",
            Portable::Time => "TIME({0})",
            Portable::SecondsBetween => "(TIMESTAMPDIFF(MICROSECOND, {1}, {0}) / 1000000e0)",
            Portable::DaysBetween => "DATEDIFF({0}, {1})",
            Portable::Later(Kind::Date) => "DATE({0} + INTERVAL {1} MICROSECOND)",
            Portable::Earlier(Kind::Date) => "DATE({0} - INTERVAL {1} MICROSECOND)",
            // On some day: a time of day by itself would go on past midnight.
            Portable::Later(Kind::Time) => "TIME(TIMESTAMP('2000-01-02', {0}) + INTERVAL {1} MICROSECOND)",
            Portable::Earlier(Kind::Time) => "TIME(TIMESTAMP('2000-01-02', {0}) - INTERVAL {1} MICROSECOND)",
            Portable::Later(_) => "(CAST({0} AS datetime(6)) + INTERVAL {1} MICROSECOND)",
            Portable::Earlier(_) => "(CAST({0} AS datetime(6)) - INTERVAL {1} MICROSECOND)",
            Portable::Between(Kind::Time) => {
                "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP('2000-01-02', {1}), TIMESTAMP('2000-01-02', {0}))"
            }
            Portable::Between(_) => "TIMESTAMPDIFF(MICROSECOND, {1}, {0})",
            Portable::Times => "CAST(round({0} * {1}) AS SIGNED)",
            Portable::Over => "CAST(round({0} / {1}) AS SIGNED)",
            Portable::Seconds => "({0} / 1000000e0)",
            Portable::ArrayHas(kind) => array_has(kind),
            Portable::ArrayHasAll => "(JSON_CONTAINS({0}, {1}) AND NOT JSON_CONTAINS({1}, 'null'))",
            Portable::ArrayHasAny => "JSON_OVERLAPS({0}, {1})",
            Portable::ArrayLength => "JSON_LENGTH({0})",
            Portable::ArrayAt(kind) => array_at(kind),
            Portable::ArrayAppend(kind) => array_append(kind),
            Portable::ArrayExtend => {
                "CASE WHEN JSON_LENGTH({0}) = 0 THEN {1} WHEN JSON_LENGTH({1}) = 0 THEN {0} \
                 ELSE CONCAT(LEFT({0}, CHAR_LENGTH({0}) - 1), ',', SUBSTRING({1}, 2)) END"
            }
            Portable::Element(Kind::Uuid) => "lower(hex({0}))",
            Portable::Element(_) => "{0}",
            Portable::JsonText => "JSON_VALUE({0}, {1})",
            Portable::JsonInt => "CAST(JSON_VALUE({0}, {1}) AS SIGNED)",
            Portable::JsonReal => "CAST(JSON_VALUE({0}, {1}) AS DOUBLE)",
            Portable::JsonBool => "(JSON_VALUE({0}, {1}) IN ('1', 'true'))",
            Portable::JsonPart => "JSON_EXTRACT({0}, {1})",
            Portable::JsonLength => "CASE JSON_TYPE({0}) WHEN 'ARRAY' THEN JSON_LENGTH({0}) END",
            Portable::JsonHasText => "JSON_CONTAINS({0}, JSON_QUOTE({1}))",
            Portable::JsonHasInt => "JSON_CONTAINS({0}, CAST({1} AS CHAR))",
            Portable::Greatest => GREATEST,
            Portable::Least => LEAST,
            Portable::Round => "round({0}, {1})",
            Portable::Floor => "FLOOR({0})",
            Portable::Ceil => "CEILING({0})",
        }
    }

    /// `{1}` as JSON.
    macro_rules! json_of {
        (number) => {
            "CAST({1} AS CHAR)"
        };
        (bool) => {
            "CASE {1} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        };
        (uuid) => {
            "JSON_QUOTE(lower(hex({1})))"
        };
        (date) => {
            "JSON_QUOTE(CAST({1} AS CHAR))"
        };
        (moment) => {
            json_of!("datetime(6)")
        };
        (time) => {
            json_of!("time(6)")
        };
        (text) => {
            "JSON_QUOTE({1})"
        };
        // As many digits of the second as there are.
        ($ty:literal) => {
            concat!(
                "JSON_QUOTE(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(CAST({1} AS ",
                $ty,
                ") AS CHAR))))"
            )
        };
    }

    /// A pattern for each kind of element: `$pattern` with `json_of!` between.
    macro_rules! by_element {
        ($kind:expr, $before:literal, $after:literal) => {
            match $kind {
                Kind::Int(_) | Kind::Real(_) => concat!($before, json_of!(number), $after),
                Kind::Bool => concat!($before, json_of!(bool), $after),
                Kind::Uuid => concat!($before, json_of!(uuid), $after),
                Kind::Date => concat!($before, json_of!(date), $after),
                Kind::Timestamp | Kind::DateTime => concat!($before, json_of!(moment), $after),
                Kind::Time => concat!($before, json_of!(time), $after),
                _ => concat!($before, json_of!(text), $after),
            }
        };
    }

    fn array_has(element: Kind) -> &'static str {
        by_element!(element, "JSON_CONTAINS({0}, ", ")")
    }

    fn array_append(element: Kind) -> &'static str {
        by_element!(
            element,
            "CONCAT(LEFT({0}, CHAR_LENGTH({0}) - 1), CASE JSON_LENGTH({0}) WHEN 0 THEN '' ELSE ',' END, coalesce(",
            ", 'null'), ']')"
        )
    }

    fn array_at(element: Kind) -> &'static str {
        match element {
            Kind::Int(_) => "CAST(JSON_VALUE({0}, CONCAT('$[', {1}, ']')) AS SIGNED)",
            Kind::Real(_) => "CAST(JSON_VALUE({0}, CONCAT('$[', {1}, ']')) AS DOUBLE)",
            Kind::Bool => {
                "CASE JSON_VALUE({0}, CONCAT('$[', {1}, ']')) WHEN '1' THEN 1 WHEN 'true' THEN 1 WHEN '0' THEN 0 \
                 WHEN 'false' THEN 0 END"
            }
            Kind::Uuid => "UNHEX(JSON_VALUE({0}, CONCAT('$[', {1}, ']')))",
            Kind::Date => "CAST(JSON_VALUE({0}, CONCAT('$[', {1}, ']')) AS date)",
            Kind::Timestamp | Kind::DateTime => {
                "CAST(JSON_VALUE({0}, CONCAT('$[', {1}, ']')) AS datetime(6))"
            }
            Kind::Time => "CAST(JSON_VALUE({0}, CONCAT('$[', {1}, ']')) AS time(6))",
            _ => "JSON_VALUE({0}, CONCAT('$[', {1}, ']'))",
        }
    }

    /// Keys are written as JSON writes texts.
    pub(in crate::dialect) fn json_path(path: &[JsonStep]) -> Result<String, CompileError> {
        super::json_path(path, |key, text| {
            let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
            *text += &format!("\"{escaped}\"");
            Ok(())
        })
    }

    pub(in crate::dialect) fn time_plus(kind: Kind, interval: Interval) -> (String, String) {
        let (before, after) = match kind {
            Kind::Date => ("DATE(", ")"),
            // On some day: a time of day by itself would go on past midnight.
            Kind::Time => ("TIME(TIMESTAMP('2000-01-02', ", ")"),
            _ => ("(", ")"),
        };
        let parts = [
            (interval.months, "MONTH"),
            (interval.days, "DAY"),
            (interval.microseconds, "MICROSECOND"),
        ];
        let mut sum = String::from(if kind == Kind::Time { ")" } else { "" });
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count != 0) {
            sum += &format!(" + INTERVAL {count} {unit}");
        }
        (before.to_owned(), sum + after)
    }
}
