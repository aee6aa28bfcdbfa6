//! Dates against SQLite.

use crate::functions::oracle::{Dice, Oracle};
use crate::value::Value;

#[test]
fn time_values_and_modifiers() {
    Oracle::new().check_all(&[
        "date('2024-02-29')", "date('2023-02-31')", "datetime('2024-01-15 12:34:56.789')", "datetime('2024-01-15T12:34:56Z')", "datetime('2024-01-15 12:34+05:30')",
        "datetime('2024-01-15 12:34 -14:00')", "datetime('2024-01-15 12:34 +15:00')", "time('12:34')", "time('24:00')", "time('24:01')", "datetime('24:00')", "datetime('2024-12-31 24:00')",
        "date('-0044-03-15')", "date('0000-01-01')", "date('9999-12-31')", "date('9999-12-31', '+1 day')", "datetime(2460325.5)", "datetime('2460325.5')", "datetime(0)", "datetime(-1)",
        "datetime(5373484.5)", "datetime(5373484.499999)", "datetime(1092941466, 'unixepoch')", "datetime(1092941466, 'auto')", "datetime(-1, 'auto')", "datetime(2460325, 'auto')",
        "datetime(1e15, 'auto')", "datetime(1e15, 'unixepoch')", "datetime(253402300799, 'unixepoch')", "datetime(253402300800, 'unixepoch')", "datetime(-62167219200, 'unixepoch')",
        "datetime(2460325, 'julianday')", "datetime('2024-01-01', 'julianday')", "datetime(1, '+1 day', 'unixepoch')", "datetime('2024-01-01', 'unixepoch')", "datetime(1.5, 'unixepoch', 'subsec')",
        "date('2024-01-31', '+1 month')", "date('2024-01-31', '+1 month', 'floor')", "date('2024-01-31', '+1 month', 'ceiling')", "date('2024-02-29', '+1 year')", "date('2024-02-29', '+1 year', 'floor')",
        "date('2024-03-31', '-1 month')", "date('2024-01-15', '+13 months', '-25 months')", "date('2024-01-15', '1.5 months')", "date('2024-01-15', '-0.5 years')", "datetime('2024-01-15', '+1.25 days')",
        "datetime('2024-01-15', '+90 minutes', '-30 seconds', '+0.5 second')", "datetime('2024-01-15', '+1 fortnight')", "datetime('2024-01-15', '1 day')", "datetime('2024-01-15', '+1 dayss')",
        "datetime('2024-01-15', '+ 1 day')", "datetime('2024-01-15', '+1day')", "datetime('2024-01-15', '+1    days')", "datetime('2024-01-15', '+1 DAYS')", "datetime('2024-01-15', '+12:30')",
        "datetime('2024-01-15', '-12:30:15.5')", "datetime('2024-01-15', '12:30')", "datetime('2024-01-15', '+0001-02-03')", "datetime('2024-01-15', '-0001-02-03 04:05:06')", "datetime('2024-01-15', '+0000-11-30 23:59')",
        "datetime('2024-01-15', '+0000-12-00')", "datetime('2024-01-15', '+0000-00-31')", "datetime('2024-01-15', '0001-01-01')", "datetime('2024-01-15', '+00001-01-01')", "datetime('2024-01-15', '+0001-01-01x')",
        "datetime('2024-01-15', '+0001-01-01 x')", "datetime('2024-01-15 13:14:15', 'start of day')", "datetime('2024-05-15 13:14', 'start of month')", "datetime('2024-05-15 13:14', 'start of year')",
        "datetime('2024-05-15', 'start of week')", "datetime('2024-05-15', 'end of month', 'subsec')", "datetime('2024-05-15', 'end of day')", "datetime('2024-05-15', 'end of year')", "datetime('2024-12-15', 'end of month')",
        "date('2024-05-15', 'weekday 0')", "date('2024-05-15', 'weekday 3')", "date('2024-05-15', 'weekday -1')", "date('2024-05-15', 'weekday -0')", "date('2024-05-15', 'weekday 7')", "date('2024-05-15', 'weekday 1.5')",
        "date('2024-05-15', 'WEEKDAY 6')", "julianday('2024-01-01')", "julianday('2024-01-01 06:00')", "unixepoch('2024-01-01')", "unixepoch('1969-12-31 23:59:59.5')", "unixepoch('2024-01-01 00:00:00.25', 'subsec')",
        "time('2024-01-01 00:00:00.9999', 'subsec')", "time('12:00:59.9999')", "time('12:00:59.9995', 'subsecond')", "strftime('%d %e %f %F %G %g %H %k %I %l %j %J %m %M %p %P %R %s %S %T %u %w %U %V %W %Y %%', '2024-05-05 03:04:05.678')",
        "strftime('%d %e %f %F %G %g %H %k %I %l %j %J %m %M %p %P %R %s %S %T %u %w %U %V %W %Y %%', '2021-01-03 23:59:59')", "strftime('%s', '2024-01-01 00:00:00.25', 'subsec')", "strftime('%x', '2024-01-01')",
        "strftime('%', '2024-01-01')", "strftime('abc', '2024-01-01')", "strftime(NULL, '2024-01-01')", "strftime('%Y', NULL)", "strftime('%Y %F', '-0044-03-15')", "strftime('%I %l %p', '00:30')", "strftime('%I %l %p', '12:30')",
        "date(NULL)", "date('2024-01-01', NULL)", "date('')", "date('x')", "date('2024-1-1')", "date('2024-13-01')", "date('2024-01-32')", "date('2024-01-00')", "date('2024-01-01x')", "date(x'323032342d30312d3031')",
        "date('2024-01-01 ')", "date('2024-01-01 12:00 ')", "date('2024-01-01TT12:00')", "date('2024-01-01 12:60')", "date('  2024-01-01')", "date('12:30:61')", "date('2024-01-01', '')", "date('2024-01-01', 'localtim')",
        "date(1e400)", "date('1e3')", "date('2024')", "time(0.5)", "time(0.1234567)", "datetime(1234567890.123, 'unixepoch', 'subsec')", "date('2024-02-30', '+0 days')", "date('2024-02-30', 'start of day')",
        "timediff('2024-01-15', '2023-11-20')", "timediff('2023-11-20', '2024-01-15')", "timediff('2024-02-29', '2023-02-28')", "timediff('2024-03-31 12:00', '2024-02-29 18:30:15.25')", "timediff('2024-01-01', '2024-01-01')",
        "timediff('x', '2024-01-01')", "timediff('0000-01-01', '9999-12-31')", "timediff('2000-01-31', '2001-03-01')", "timediff(2460325.5, 2450000)", "date('2024-01-01', '+176546 months')", "date('2024-01-01', '+14713 years')",
        "date('2000-01-01', '+7000 years')", "date('2000-01-01', '-6000 years')", "date('-4713-11-24')", "date('-4713-11-23')", "datetime('2024-01-01 00:00:00+00:00')", "datetime('2024-01-01 10:00:00Z', 'utc')",
        "date('2024-01-01', 'utc', 'utc')", "datetime('2024-07-01 12:00', 'localtime')", "datetime('2024-07-01 12:00', 'localtime', 'localtime')", "datetime('2024-07-01 12:00', 'utc')", "datetime('1900-07-01 12:00', 'localtime')",
        "datetime('2100-07-01 12:00:00.5', 'localtime', 'subsec')", "datetime('9999-12-31 23:59:59', '+1 second', 'localtime')", "datetime('2024-01-01', 'auto', 'auto')", "datetime(5, 'subsec', 'auto')",
    ]);
}

#[test]
fn now_agrees_within_a_second_and_is_refused_where_it_must_be() {
    let oracle = Oracle::new();
    for (function, argument) in [("unixepoch", vec![]), ("unixepoch", vec![Value::from("now")])] {
        let ours = oracle.ours(function, &argument, 0).unwrap();
        let theirs = oracle.theirs(function, &argument).unwrap();
        let (Value::Integer(ours), Value::Integer(theirs)) = (ours, theirs) else {
            panic!()
        };
        assert!((ours - theirs).abs() <= 1);
    }
    let refused = oracle.ours_in("date", &[Value::from("now")], Some("an index"));
    assert_eq!(
        refused,
        Err("non-deterministic use of date() in an index".to_owned())
    );
    assert_eq!(
        oracle.ours_in("date", &[Value::from("2024-01-01")], Some("an index")),
        Ok(Value::from("2024-01-01"))
    );
}

#[test]
fn random_times() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    const UNITS: [&str; 8] = [
        "days", "hours", "minutes", "seconds", "months", "years", "day", "month",
    ];
    const WORDS: [&str; 14] = [
        "start of month",
        "start of year",
        "start of day",
        "end of month",
        "end of year",
        "weekday 1",
        "weekday -4",
        "floor",
        "ceiling",
        "subsec",
        "auto",
        "unixepoch",
        "julianday",
        "utc",
    ];
    for _ in 0..4000 {
        let (y, mo, d) = (dice.below(10000), dice.below(13), dice.below(33));
        let (h, mi, s, ms) = (
            dice.below(25),
            dice.below(61),
            dice.below(60),
            dice.below(100_000),
        );
        let date = format!("{y:04}-{mo:02}-{d:02}");
        let time = match dice.below(8) {
            0 => Value::from(date.as_str()),
            1 => Value::from(format!("{h:02}:{mi:02}")),
            2 => Value::Real(dice.below(5_373_485) as f64 + dice.below(1000) as f64 / 999.0),
            3 => Value::Integer(dice.bits() as i64 >> (20 + dice.below(40))),
            4 => Value::from(format!(
                "{date} {h:02}:{mi:02}{}{:02}:{:02}",
                dice.pick(&["+", "-", " +"]),
                dice.below(15),
                dice.below(60)
            )),
            _ => Value::from(format!("{date} {h:02}:{mi:02}:{s:02}.{ms}")),
        };
        let mut args = vec![time];
        for _ in 0..dice.below(4) {
            let sign = dice.pick(&["+", "-", ""]);
            args.push(Value::from(match dice.below(5) {
                0 => dice.pick(&WORDS).to_owned(),
                1 => format!(
                    "{sign}{:04}-{:02}-{:02} {h:02}:{mi:02}",
                    dice.below(100),
                    dice.below(13),
                    dice.below(32)
                ),
                2 => format!("{sign}{h:02}:{mi:02}:{s:02}"),
                3 => format!(
                    "{sign}{}.{} {}",
                    dice.below(1000),
                    dice.below(1000),
                    dice.pick(&UNITS)
                ),
                _ => format!(
                    "{sign}{} {}",
                    dice.below(100_000) >> dice.below(17),
                    dice.pick(&UNITS)
                ),
            }));
        }
        for name in ["date", "time", "datetime", "julianday", "unixepoch"] {
            oracle.check_values(name, &args);
        }
        args.insert(
            0,
            Value::from("%d%e%f%F%G%g%H%k%I%l%j%J%m%M%p%P%R%s%S%T%u%w%U%V%W%Y"),
        );
        oracle.check_values("strftime", &args);
        let other = Value::from(format!(
            "{:04}-{:02}-{:02} 12:00:01",
            dice.below(10000),
            dice.below(12) + 1,
            dice.below(31) + 1
        ));
        oracle.check_values("timediff", &[args[1].clone(), other]);
    }
}
