//! Functions that each backend spells its own way: dates, JSON, aggregates of texts, windows, row values.

mod support;

use aludel::dialect::{Mysql, Postgresql, Sqlite};
use aludel::expr::{Interval, TimeUnit, row};
use aludel::prelude::*;
use jiff::civil::{Date, DateTime, Time};
use support::{User, four, on_each};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "visits")]
struct Visit {
    #[column(primary_key)]
    id: Id<Visit>,
    at: Timestamp,
    local: DateTime,
    day: Date,
    start: Time,
    /// No visit has an end until it ends.
    ended: Option<Timestamp>,
}

/// Sunday, the last of February of a leap year, at half past eleven in the night.
const MOMENT: &str = "2032-02-29T23:30:15.25Z";

fn visit(at: &str) -> Visit {
    let at: Timestamp = at.parse().unwrap();
    let local = at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    Visit::new(at, local, local.date(), local.time())
}

fn on_each_with_visits(test: impl Fn(&mut Session) -> aludel::Result<()>) {
    on_each(|engine| {
        engine.create_all(schema![Visit])?;
        let mut session = engine.session()?;
        session.add(visit(MOMENT));
        session.commit()?;
        test(&mut session)
    });
}

#[test]
fn date_parts_of_a_moment() {
    on_each_with_visits(|session| {
        let parts: (i64, i64, i64, i64, i64, i64) = session
            .query::<Visit>()
            .select(|v| {
                (
                    v.at.year(),
                    v.at.month(),
                    v.at.day(),
                    v.at.hour(),
                    v.at.minute(),
                    v.at.second(),
                )
            })
            .fetch_one()?;
        assert_eq!(parts, (2032, 2, 29, 23, 30, 15));
        Ok(())
    });
}

#[test]
fn date_parts_of_days_and_times() {
    on_each_with_visits(|session| {
        let parts: (i64, i64, i64, i64, i64) = session
            .query::<Visit>()
            .select(|v| {
                (
                    v.day.weekday(),
                    v.day.day_of_year(),
                    v.local.month(),
                    v.start.hour(),
                    v.start.second(),
                )
            })
            .fetch_one()?;
        assert_eq!(parts, (7, 60, 2, 23, 15));
        Ok(())
    });
}

#[test]
fn date_parts_of_nothing_are_nothing() {
    on_each_with_visits(|session| {
        let parts: (Option<i64>, Option<Date>, Option<f64>) = session
            .query::<Visit>()
            .select(|v| (v.ended.year(), v.ended.date(), v.ended.seconds_since(v.at)))
            .fetch_one()?;
        assert_eq!(parts, (None, None, None));
        Ok(())
    });
}

#[test]
fn date_of_a_moment() {
    on_each_with_visits(|session| {
        let day: Date = session.query::<Visit>().select(|v| v.at.date()).fetch_one()?;
        assert_eq!(day, jiff::civil::date(2032, 2, 29));
        let same = session
            .query::<Visit>()
            .filter(|v| v.local.date().eq(v.day))
            .count()?;
        assert_eq!(same, 1);
        Ok(())
    });
}

#[test]
fn date_start_of_each_unit() {
    on_each_with_visits(|session| {
        for (unit, expected) in [
            (TimeUnit::Year, "2032-01-01T00:00:00Z"),
            (TimeUnit::Month, "2032-02-01T00:00:00Z"),
            // Monday.
            (TimeUnit::Week, "2032-02-23T00:00:00Z"),
            (TimeUnit::Day, "2032-02-29T00:00:00Z"),
            (TimeUnit::Hour, "2032-02-29T23:00:00Z"),
            (TimeUnit::Minute, "2032-02-29T23:30:00Z"),
        ] {
            let (moment, local, day): (Timestamp, DateTime, Date) = session
                .query::<Visit>()
                .select(|v| (v.at.start_of(unit), v.local.start_of(unit), v.day.start_of(unit)))
                .fetch_one()?;
            assert_eq!(moment.to_string(), expected, "{unit:?}");
            assert_eq!(format!("{local}Z"), expected, "{unit:?}");
            assert!(expected.starts_with(&day.to_string()), "{unit:?}: {day}");
        }
        Ok(())
    });
}

#[test]
fn date_start_of_a_week_that_begins_today() {
    on_each(|engine| {
        engine.create_all(schema![Visit])?;
        let mut session = engine.session()?;
        session.add(visit("2032-02-23T00:00:00Z"));
        let start = session
            .query::<Visit>()
            .select(|v| v.day.start_of(TimeUnit::Week));
        assert_eq!(start.fetch_one()?, jiff::civil::date(2032, 2, 23));
        Ok(())
    });
}

#[test]
fn date_plus_an_interval() {
    on_each_with_visits(|session| {
        for (interval, expected) in [
            (Interval::days(1), "2032-03-01T23:30:15.25Z"),
            (
                Interval::hours(1) + Interval::seconds(-15),
                "2032-03-01T00:30:00.25Z",
            ),
            (Interval::microseconds(-250_000), "2032-02-29T23:30:15Z"),
            // There is no 29th.
            (Interval::years(1), "2033-02-28T23:30:15.25Z"),
            (Interval::months(-1), "2032-01-29T23:30:15.25Z"),
            (Interval::default(), MOMENT),
        ] {
            let (moment, local): (Timestamp, DateTime) = session
                .query::<Visit>()
                .select(|v| (v.at.plus(interval), v.local.plus(interval)))
                .fetch_one()?;
            assert_eq!(moment.to_string(), expected, "{interval:?}");
            assert_eq!(format!("{local}Z"), expected, "{interval:?}");
            // And back, where the day is the same.
            if interval != Interval::years(1) {
                let back = session
                    .query::<Visit>()
                    .filter(|v| v.at.plus(interval).minus(interval).eq(v.at))
                    .count()?;
                assert_eq!(back, 1, "{interval:?}");
            }
        }
        Ok(())
    });
}

#[test]
fn date_plus_months_ends_within_the_month() {
    on_each(|engine| {
        engine.create_all(schema![Visit])?;
        let mut session = engine.session()?;
        session.add(visit("2031-01-31T12:00:00Z"));
        let next = session
            .query::<Visit>()
            .select(|v| (v.day.plus(Interval::months(1)), v.day.minus(Interval::months(2))));
        let dates = next.fetch_one()?;
        assert_eq!(
            dates,
            (jiff::civil::date(2031, 2, 28), jiff::civil::date(2030, 11, 30))
        );
        Ok(())
    });
}

#[test]
fn date_intervals_come_from_durations_and_spans() {
    use jiff::ToSpan;
    assert_eq!(
        Interval::from(std::time::Duration::from_millis(1_500)),
        Interval::microseconds(1_500_000)
    );
    assert_eq!(
        Interval::from(1.year().months(2).weeks(1).hours(3)),
        Interval::months(14) + Interval::days(7) + Interval::hours(3)
    );
    on_each_with_visits(|session| {
        let recent = session
            .query::<Visit>()
            .filter(|v| v.at.minus(2.hours()).date().eq(v.day) & v.at.plus(1.hour()).date().gt(v.day));
        assert_eq!(recent.count()?, 1);
        Ok(())
    });
}

#[test]
fn date_time_of_day_plus_an_interval() {
    on_each_with_visits(|session| {
        let start: Time = session
            .query::<Visit>()
            .select(|v| v.start.minus(Interval::hours(1)))
            .fetch_one()?;
        assert_eq!(start, jiff::civil::time(22, 30, 15, 250_000_000));
        Ok(())
    });
}

#[test]
fn date_differences() {
    on_each_with_visits(|session| {
        let earlier: Timestamp = "2032-02-28T23:30:14Z".parse().unwrap();
        let (seconds, days): (f64, i64) = session
            .query::<Visit>()
            .select(|v| {
                (
                    v.at.seconds_since(earlier),
                    v.day.days_since(jiff::civil::date(2031, 2, 28)),
                )
            })
            .fetch_one()?;
        assert!((seconds - 86_401.25).abs() < 0.001, "{seconds}");
        assert_eq!(days, 366);
        Ok(())
    });
}

#[test]
fn date_groups_by_month() {
    on_each(|engine| {
        engine.create_all(schema![Visit])?;
        let mut session = engine.session()?;
        for at in [
            "2026-01-31T10:00:00Z",
            "2026-02-01T00:00:00Z",
            "2026-02-28T23:59:59Z",
        ] {
            session.add(visit(at));
        }
        let counts: Vec<(Date, i64)> = session
            .query::<Visit>()
            .group_by(|v| v.day.start_of(TimeUnit::Month))
            .order_by(|v| v.day.start_of(TimeUnit::Month))
            .select(|v| (v.day.start_of(TimeUnit::Month), count_all()))
            .fetch()?;
        let month = |month| jiff::civil::date(2026, month, 1);
        assert_eq!(counts, [(month(1), 1), (month(2), 2)]);
        Ok(())
    });
}

#[test]
fn row_values_page_through_an_order() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        session.add(User {
            age: 5,
            ..User::new("Nora")
        });
        let mut seen: Vec<(i64, String)> = Vec::new();
        loop {
            let mut page = session
                .query::<User>()
                .order_by(|u| (u.age, u.name))
                .limit(2)
                .select(|u| (u.age, u.name));
            if let Some((age, name)) = seen.last() {
                page = page.filter(|u| row((u.age, u.name)).gt((*age, name)));
            }
            let page = page.fetch()?;
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        let names: Vec<&str> = seen.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["Mick", "Mike", "Nick", "Nike", "Nora"]);
        Ok(())
    });
}

#[test]
fn row_values_are_one_of_a_list() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let found = session
            .query::<User>()
            .filter(|u| row((u.name, u.age)).in_([("Mike", 0), ("Nick", 1)]))
            .count()?;
        assert_eq!(found, 1);
        let none = session
            .query::<User>()
            .filter(|u| row((u.name, u.age)).in_(Vec::<(&str, i64)>::new()));
        assert_eq!(none.count()?, 0);
        let both = session
            .query::<User>()
            .filter(|u| row((u.name, u.age)).eq(row((u.name, u.age))));
        assert_eq!(both.count()?, 4);
        Ok(())
    });
}

#[test]
fn row_values_are_one_of_a_query() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let oldest = query::<User>()
            .filter(|u| u.name.like("M%"))
            .select(|u| (u.name, u.age));
        let found = session
            .query::<User>()
            .filter(|u| row((u.name, u.age)).in_query(oldest))
            .count()?;
        assert_eq!(found, 2);
        Ok(())
    });
}

#[test]
fn aggregate_of_texts_in_an_order() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let names = session
            .query::<User>()
            .select(|u| u.name.joined("; ").ordered(u.name.desc()))
            .fetch_one()?;
        assert_eq!(names.as_deref(), Some("Nike; Nick; Mike; Mick"));
        let none = session
            .query::<User>()
            .filter(|u| u.age.gt(100))
            .select(|u| u.name.joined("'"))
            .fetch_one()?;
        assert_eq!(none, None);
        Ok(())
    });
}

#[test]
fn aggregate_of_different_values() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        session
            .update::<User>()
            .set(|u| u.age.to(7))
            .filter(|u| u.id.gt(2))
            .run()?;
        session
            .update::<User>()
            .set(|u| u.age.to(3))
            .filter(|u| u.id.eq(1))
            .run()?;
        let (all, different): (Option<i64>, Option<i64>) = session
            .query::<User>()
            .select(|u| (u.age.sum(), u.age.sum().distinct()))
            .fetch_one()?;
        assert_eq!((all, different), (Some(17), Some(10)));
        Ok(())
    });
}

#[test]
fn scalar_greatest_and_least() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        session
            .update::<User>()
            .set(|u| u.age.to(40))
            .filter(|u| u.name.eq("Mike"))
            .run()?;
        let ages: Vec<(i64, i64)> = session
            .query::<User>()
            .order_by(|u| u.age.desc())
            .limit(2)
            .select(|u| (u.age.at_least(18), u.age.at_most(30)))
            .fetch()?;
        assert_eq!(ages, [(40, 30), (18, 0)]);
        let nulls: Vec<Option<String>> = session
            .query::<User>()
            .select(|u| u.email.at_least("a"))
            .fetch()?;
        assert_eq!(nulls, vec![None; 4]);
        Ok(())
    });
}

#[test]
fn scalar_rounding() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let real = |x: f64| val::<f64>(x);
        let rounded: (f64, f64, f64, f64) = session
            .query::<User>()
            .limit(1)
            .select(|_| {
                let (low, high) = (real(-2.5).floor(), real(2.25).ceil());
                (real(2.5).floor(), low, high, real(-3.0).floor())
            })
            .fetch_one()?;
        assert_eq!(rounded, (2.0, -3.0, 3.0, -3.0));
        Ok(())
    });
}

#[test]
fn window_values_of_other_rows() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let around = session
            .query::<User>()
            .order_by(|u| u.name)
            .select(|u| {
                (
                    u.name,
                    u.name.lag(1).over(|w| w.order_by(u.name)),
                    u.name.lead(2).over(|w| w.order_by(u.name)),
                    u.name.first_value().over(|w| w.order_by(u.name)),
                )
            })
            .fetch()?;
        let text = |name: &str| Some(name.to_owned());
        assert_eq!(
            around,
            [
                ("Mick".to_owned(), None, text("Nick"), text("Mick")),
                ("Mike".to_owned(), text("Mick"), text("Nike"), text("Mick")),
                ("Nick".to_owned(), text("Mike"), None, text("Mick")),
                ("Nike".to_owned(), text("Nick"), None, text("Mick")),
            ]
        );
        Ok(())
    });
}

#[test]
fn window_frame_from_end_to_end() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let ends: Vec<(Option<String>, Option<String>)> = session
            .query::<User>()
            .order_by(|u| u.name)
            .select(|u| {
                let whole =
                    |w: aludel::expr::WindowSpec| w.order_by(u.name).rows(Bound::Unbounded, Bound::Unbounded);
                (u.name.last_value().over(whole), u.name.nth_value(2).over(whole))
            })
            .fetch()?;
        assert_eq!(ends, vec![(Some("Nike".to_owned()), Some("Mike".to_owned())); 4]);
        Ok(())
    });
}

#[test]
fn texts_in_each_dialect() {
    let page =
        query::<Visit>().select(|v| (v.at.year(), v.day.plus(Interval::months(2) + Interval::days(-1))));
    assert_eq!(
        page.to_sql_in(&Sqlite).unwrap(),
        "SELECT CAST(strftime('%Y', at) AS INTEGER), date(day, '+2 months', 'floor', '-1 days') FROM visits"
    );
    assert_eq!(
        page.to_sql_in(&Postgresql).unwrap(),
        "SELECT CAST(EXTRACT(YEAR FROM at) AS bigint), \
         CAST(day + CAST('2 mons -1 days 0 microseconds' AS interval) AS date) FROM visits"
    );
    assert_eq!(
        page.to_sql_in(&Mysql).unwrap(),
        "SELECT YEAR(at), DATE(day + INTERVAL 2 MONTH + INTERVAL -1 DAY) FROM visits"
    );
}

#[cfg(feature = "json")]
mod json {
    use aludel::expr::JsonStep;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Entity, Debug, Clone, PartialEq)]
    #[entity(table = "pages")]
    struct Page {
        #[column(primary_key)]
        id: Id<Page>,
        data: Value,
        more: Option<Json<Vec<i64>>>,
    }

    fn on_each_with_pages(test: impl Fn(&mut Session) -> aludel::Result<()>) {
        on_each(|engine| {
            engine.create_all(schema![Page])?;
            let mut session = engine.session()?;
            let data = json!({
                "title": "It's \"new\"",
                "stars": 5,
                "score": 2.5,
                "open": true,
                "shut": false,
                "nothing": null,
                "tags": ["new", "hot", 7],
                "deep": {"er": [{"x": 1}, {"x": 2}]},
                "a.b \"c\"": "odd",
            });
            session.add(Page {
                more: Some(Json(vec![1, 2, 3])),
                ..Page::new(data)
            });
            session.commit()?;
            test(&mut session)
        });
    }

    #[test]
    fn json_scalars_of_each_type() {
        on_each_with_pages(|session| {
            let read = session
                .query::<Page>()
                .select(|p| {
                    (
                        p.data.json::<String>("title"),
                        p.data.json::<i64>("stars"),
                        p.data.json::<f64>("score"),
                        p.data.json::<bool>("open"),
                        p.data.json::<bool>("shut"),
                    )
                })
                .fetch_one()?;
            let title = Some("It's \"new\"".to_owned());
            assert_eq!(read, (title, Some(5), Some(2.5), Some(true), Some(false)));
            Ok(())
        });
    }

    #[test]
    fn json_null_and_missing_are_null() {
        on_each_with_pages(|session| {
            let read: (Option<String>, Option<i64>, Option<i64>) = session
                .query::<Page>()
                .select(|p| {
                    (
                        p.data.json::<String>("nothing"),
                        p.data.json::<i64>("missing"),
                        p.data.json::<i64>(("tags", 9)),
                    )
                })
                .fetch_one()?;
            assert_eq!(read, (None, None, None));
            Ok(())
        });
    }

    #[test]
    fn json_paths_of_keys_and_indexes() {
        on_each_with_pages(|session| {
            let steps = vec![JsonStep::Key("tags".into()), JsonStep::Index(1)];
            let read: (Option<i64>, Option<String>, Option<String>) = session
                .query::<Page>()
                .select(|p| {
                    (
                        p.data.json::<i64>(("deep", "er", 1, "x")),
                        p.data.json::<String>(steps),
                        p.data.json::<String>("title"),
                    )
                })
                .fetch_one()?;
            assert_eq!((read.0, read.1.as_deref()), (Some(2), Some("hot")));
            Ok(())
        });
    }

    #[test]
    fn json_parts_are_json() {
        on_each_with_pages(|session| {
            let part: Option<Value> = session
                .query::<Page>()
                .select(|p| p.data.json::<Value>(("deep", "er", 0)))
                .fetch_one()?;
            assert_eq!(part, Some(json!({"x": 1})));
            let typed: Option<Json<Vec<Value>>> = session
                .query::<Page>()
                .select(|p| p.data.json::<Json<Vec<Value>>>("tags"))
                .fetch_one()?;
            assert_eq!(typed.map(|tags| tags.len()), Some(3));
            Ok(())
        });
    }

    #[test]
    fn json_filters() {
        on_each_with_pages(|session| {
            let mut count = |condition: &dyn Fn(PageColumns) -> Expr<bool>| {
                session.query::<Page>().filter(condition).count()
            };
            assert_eq!(count(&|p| p.data.json::<i64>("stars").ge(5))?, 1);
            assert_eq!(count(&|p| p.data.json::<i64>("stars").lt(5))?, 0);
            assert_eq!(count(&|p| p.data.json::<bool>("open").eq(true))?, 1);
            assert_eq!(count(&|p| p.data.json::<String>("title").like("It%"))?, 1);
            assert_eq!(count(&|p| p.data.json::<String>("missing").is_null())?, 1);
            Ok(())
        });
    }

    #[test]
    fn json_arrays() {
        on_each_with_pages(|session| {
            let lengths: (Option<i64>, Option<i64>, Option<i64>) = session
                .query::<Page>()
                .select(|p| {
                    (
                        p.more.json_length(),
                        p.data.json::<Value>("tags").json_length(),
                        // An object is no array.
                        p.data.json_length(),
                    )
                })
                .fetch_one()?;
            assert_eq!(lengths, (Some(3), Some(3), None));
            let mut has = |condition: &dyn Fn(PageColumns) -> Expr<bool>| {
                session.query::<Page>().filter(condition).count()
            };
            assert_eq!(has(&|p| p.more.json_has(3))?, 1);
            assert_eq!(has(&|p| p.more.json_has(4))?, 0);
            assert_eq!(has(&|p| p.data.json::<Value>("tags").json_has("hot"))?, 1);
            assert_eq!(has(&|p| p.data.json::<Value>("tags").json_has("7"))?, 0);
            assert_eq!(has(&|p| p.data.json::<Value>("tags").json_has(7))?, 1);
            Ok(())
        });
    }

    /// A key with a dot, a blank and quotes in it is one key.
    #[test]
    fn json_keys_are_quoted() {
        let sql = query::<Page>().select(|p| p.data.json::<String>("it's"));
        assert_eq!(
            sql.to_sql_in(&Sqlite).unwrap(),
            "SELECT CAST(data ->> '$.\"it''s\"' AS TEXT) FROM pages"
        );
        assert_eq!(
            sql.to_sql_in(&Postgresql).unwrap(),
            "SELECT (data #>> '{\"it''s\"}') FROM pages"
        );
        on_each_with_pages(|session| {
            let sqlite = session.engine().dialect().name().starts_with("sqlite");
            let odd = session
                .query::<Page>()
                .select(|p| p.data.json::<String>("a.b \"c\""));
            if sqlite {
                let message = odd.fetch_one().unwrap_err().to_string();
                assert!(
                    message.contains("no way to write a quote within a key"),
                    "{message}"
                );
                return Ok(());
            }
            assert_eq!(odd.fetch_one()?.as_deref(), Some("odd"));
            Ok(())
        });
    }
}
