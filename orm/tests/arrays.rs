//! Arrays: operators, elements as rows, the aggregate that makes one; native on PostgreSQL, JSON elsewhere, with one answer.

#![allow(clippy::type_complexity, reason = "rows of many columns are what is tested")]

mod support;

use aludel::dialect::{Mysql, Postgresql, Sqlite};
use aludel::prelude::*;
use jiff::civil::{Date, date};
use support::on_each;

#[derive(ColumnType, Debug, Clone, Copy, PartialEq)]
enum Mood {
    Glad,
    Sad,
}

/// The names of its columns are those of the rows that JSON is taken apart into.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "notes")]
struct Note {
    #[column(primary_key)]
    id: Id<Note>,
    key: String,
    #[column(name = "value")]
    tags: Vec<String>,
    scores: Vec<i64>,
    small: Vec<i16>,
    ratios: Vec<f64>,
    flags: Vec<bool>,
    days: Vec<Date>,
    times: Vec<Timestamp>,
    moods: Vec<Mood>,
    holes: Vec<Option<i64>>,
    perhaps: Option<Vec<i64>>,
}

fn note(key: &str, tags: &[&str], scores: &[i64]) -> Note {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Note::new(
        key,
        tags,
        scores,
        scores.iter().map(|score| *score as i16).collect::<Vec<i16>>(),
        scores
            .iter()
            .map(|score| *score as f64 / 2.0)
            .collect::<Vec<f64>>(),
        scores.iter().map(|score| score % 2 == 0).collect::<Vec<bool>>(),
        scores
            .iter()
            .map(|score| date(2026, 1, 1 + *score as i8))
            .collect::<Vec<Date>>(),
        scores
            .iter()
            .map(|score| Timestamp::from_millisecond(score * 500).unwrap())
            .collect::<Vec<Timestamp>>(),
        vec![Mood::Glad; scores.len()],
        vec![Some(1), None, Some(3)],
    )
}

/// Three notes; the third has empty arrays.
fn on_each_with_notes(test: impl Fn(&mut Session) -> aludel::Result<()>) {
    on_each(|engine| {
        engine.create_all(schema![Note])?;
        let mut session = engine.session()?;
        let first = Note {
            perhaps: Some(vec![7, 8]),
            ..note("first", &["rust", "sql", "it's \"odd\", {x}"], &[3, 8, 5])
        };
        session.add_all([
            first,
            note("second", &["sql", "SQL"], &[1, 1]),
            note("third", &[], &[]),
        ]);
        session.commit()?;
        test(&mut session)
    });
}

/// The keys of the notes for which the condition holds.
fn found<P: aludel::expr::Predicate>(
    session: &mut Session,
    condition: impl FnOnce(NoteColumns) -> P,
) -> aludel::Result<String> {
    let keys = session
        .query::<Note>()
        .filter(condition)
        .order_by(|n| n.id)
        .select(|n| n.key)
        .fetch()?;
    Ok(keys.join(" "))
}

#[test]
fn has_an_element() {
    on_each_with_notes(|session| {
        assert_eq!(found(session, |n| n.tags.has("sql"))?, "first second");
        assert_eq!(found(session, |n| n.tags.has("rust"))?, "first");
        assert_eq!(found(session, |n| n.tags.has("it's \"odd\", {x}"))?, "first");
        // The case of letters counts.
        assert_eq!(found(session, |n| n.tags.has("SQL"))?, "second");
        assert_eq!(found(session, |n| !n.tags.has("sql"))?, "third");
        Ok(())
    });
}

#[test]
fn has_an_element_of_each_type() {
    on_each_with_notes(|session| {
        assert_eq!(found(session, |n| n.scores.has(8))?, "first");
        assert_eq!(found(session, |n| n.small.has(1_i16))?, "second");
        assert_eq!(found(session, |n| n.ratios.has(1.5))?, "first");
        assert_eq!(found(session, |n| n.flags.has(true))?, "first");
        assert_eq!(found(session, |n| n.flags.has(false))?, "first second");
        assert_eq!(found(session, |n| n.days.has(date(2026, 1, 9)))?, "first");
        let time = Timestamp::from_millisecond(1_500).unwrap();
        assert_eq!(found(session, |n| n.times.has(time))?, "first");
        assert_eq!(found(session, |n| n.moods.has(Mood::Glad))?, "first second");
        assert_eq!(found(session, |n| n.moods.has(Mood::Sad))?, "");
        assert_eq!(found(session, |n| n.holes.has(3) & n.id.gt(2))?, "third");
        Ok(())
    });
}

#[test]
fn has_the_value_of_a_column() {
    on_each_with_notes(|session| {
        session.add(note("own", &["other", "own"], &[4]));
        assert_eq!(found(session, |n| n.tags.has(n.key))?, "own");
        assert_eq!(found(session, |n| n.scores.has(n.scores.len()))?, "first");
        assert_eq!(
            found(session, |n| n.times.has(n.times.at(0)))?,
            "first second own"
        );
        assert_eq!(found(session, |n| n.days.has(n.days.at(0)))?, "first second own");
        Ok(())
    });
}

#[test]
fn has_all_and_any() {
    on_each_with_notes(|session| {
        assert_eq!(found(session, |n| n.tags.has_all(["sql", "rust"]))?, "first");
        assert_eq!(
            found(session, |n| n.tags.has_any(["SQL", "rust"]))?,
            "first second"
        );
        assert_eq!(found(session, |n| n.scores.has_all([1]))?, "second");
        assert_eq!(found(session, |n| n.scores.has_any(vec![5, 99]))?, "first");
        assert_eq!(found(session, |n| n.scores.has_any([0_i64; 0]))?, "");
        assert_eq!(
            found(session, |n| n.scores.has_all([0_i64; 0]))?,
            "first second third"
        );
        assert_eq!(found(session, |n| n.perhaps.has_all([8, 7]))?, "first");
        assert_eq!(found(session, |n| n.perhaps.has_all([0_i64; 0]))?, "first");
        assert_eq!(found(session, |n| n.small.has_any([8_i16]))?, "first");
        // An array within another: those are equal.
        assert_eq!(
            found(session, |n| n.scores.has_all(n.scores))?,
            "first second third"
        );
        Ok(())
    });
}

#[test]
fn nothing_is_equal_to_a_null_element() {
    on_each_with_notes(|session| {
        assert_eq!(
            found(session, |n| n.holes.has_all([Some(1), Some(3)]))?,
            "first second third"
        );
        assert_eq!(found(session, |n| n.holes.has_all([Some(1), None]))?, "");
        assert_eq!(
            found(session, |n| n.holes.any_element(|h| h.is_null()))?,
            "first second third"
        );
        Ok(())
    });
}

#[test]
fn conditions_on_elements() {
    on_each_with_notes(|session| {
        assert_eq!(found(session, |n| n.scores.any_element(|s| s.gt(5)))?, "first");
        assert_eq!(
            found(session, |n| n.scores.all_elements(|s| s.lt(5)))?,
            "second third"
        );
        assert_eq!(
            found(session, |n| n
                .tags
                .any_element(|t| t.starts_with("ru") | t.eq(n.key)))?,
            "first"
        );
        assert_eq!(
            found(session, |n| n.days.any_element(|d| d.gt(date(2026, 1, 6))))?,
            "first"
        );
        assert_eq!(found(session, |n| n.flags.all_elements(|f| !f))?, "second third");
        assert_eq!(
            found(session, |n| n.ratios.any_element(|r| r.between(3.5, 4.5)))?,
            "first"
        );
        assert_eq!(
            found(session, |n| n.times.any_element(|t| t.second().eq(4)))?,
            "first"
        );
        Ok(())
    });
}

#[test]
fn lengths() {
    on_each_with_notes(|session| {
        let lengths: Vec<(i64, i64, Option<i64>)> = session
            .query::<Note>()
            .order_by(|n| n.id)
            .select(|n| (n.tags.len(), n.holes.len(), n.perhaps.len()))
            .fetch()?;
        assert_eq!(lengths, [(3, 3, Some(2)), (2, 3, None), (0, 3, None)]);
        assert_eq!(found(session, |n| n.scores.is_empty())?, "third");
        assert_eq!(found(session, |n| !n.scores.is_empty())?, "first second");
        Ok(())
    });
}

#[test]
fn elements_by_place() {
    on_each_with_notes(|session| {
        let texts: Vec<(Option<String>, Option<String>)> = session
            .query::<Note>()
            .order_by(|n| n.id)
            .select(|n| (n.tags.at(2), n.tags.at(0)))
            .fetch()?;
        assert_eq!(texts[0].0.as_deref(), Some("it's \"odd\", {x}"));
        assert_eq!(texts[1], (None, Some("sql".to_owned())));
        assert_eq!(texts[2], (None, None));
        let others: (Option<i64>, Option<f64>, Option<bool>, Option<Date>, Option<i16>) = session
            .query::<Note>()
            .filter(|n| n.scores.at(1).eq(8))
            .select(|n| {
                (
                    n.scores.at(0),
                    n.ratios.at(0),
                    n.flags.at(1),
                    n.days.at(2),
                    n.small.at(1),
                )
            })
            .fetch_one()?;
        assert_eq!(
            others,
            (Some(3), Some(1.5), Some(true), Some(date(2026, 1, 6)), Some(8))
        );
        let more: (Option<Timestamp>, Option<Mood>, Option<i64>, Option<i64>) = session
            .query::<Note>()
            .limit(1)
            .select(|n| (n.times.at(1), n.moods.at(0), n.holes.at(1), n.perhaps.at(1)))
            .fetch_one()?;
        let time = Timestamp::from_millisecond(4_000).unwrap();
        assert_eq!(more, (Some(time), Some(Mood::Glad), None, Some(8)));
        Ok(())
    });
}

#[test]
fn append_and_extend_in_a_query() {
    on_each_with_notes(|session| {
        let rows: Vec<(Vec<i64>, Vec<String>, Vec<bool>, Option<Vec<i64>>)> = session
            .query::<Note>()
            .order_by(|n| n.id)
            .select(|n| {
                (
                    n.scores.append(9),
                    n.tags.extend(["x", "y,z"]),
                    n.flags.append(true),
                    n.perhaps.append(1),
                )
            })
            .fetch()?;
        assert_eq!(rows[0].0, [3, 8, 5, 9]);
        assert_eq!(rows[2].0, [9]);
        assert_eq!(rows[1].1, ["sql", "SQL", "x", "y,z"]);
        assert_eq!(rows[2].1, ["x", "y,z"]);
        assert_eq!(rows[1].2, [false, false, true]);
        assert_eq!(rows[0].3, Some(vec![7, 8, 1]));
        assert_eq!(rows[1].3, None);
        let same = session.query::<Note>().limit(1).select(|n| {
            (
                n.scores.extend(n.scores),
                n.tags.extend([""; 0]),
                n.scores.append(n.scores.len()),
                n.times.extend(n.times),
            )
        });
        let (twice, as_it_was, own, times) = same.fetch_one()?;
        assert_eq!(twice, [3, 8, 5, 3, 8, 5]);
        assert_eq!(as_it_was.len(), 3);
        assert_eq!(own, [3, 8, 5, 3]);
        assert_eq!(times.len(), 6);
        Ok(())
    });
}

#[test]
fn append_and_extend_in_an_update() {
    on_each_with_notes(|session| {
        session
            .update::<Note>()
            .set(|n| {
                (
                    n.tags.to(n.tags.append("new \"one\"")),
                    n.small.to(n.small.append(4_i16)),
                    n.moods.to(n.moods.append(Mood::Sad)),
                    n.days.to(n.days.append(date(2000, 2, 29))),
                    n.ratios.to(n.ratios.extend([0.25])),
                    n.holes.to(n.holes.append(2)),
                )
            })
            .run()?;
        let third = session.query::<Note>().filter(|n| n.key.eq("third")).one()?;
        let third = &session[third];
        assert_eq!(third.tags, ["new \"one\""]);
        assert_eq!(
            (third.small.as_slice(), third.moods.as_slice()),
            (&[4][..], &[Mood::Sad][..])
        );
        assert_eq!(
            (third.days.as_slice(), third.ratios.as_slice()),
            (&[date(2000, 2, 29)][..], &[0.25][..])
        );
        assert_eq!(third.holes, [Some(1), None, Some(3), Some(2)]);
        // What was put together is what would have been written.
        assert_eq!(found(session, |n| n.tags.eq(["new \"one\""]))?, "third");
        assert_eq!(found(session, |n| n.small.eq([1_i16, 1, 4]))?, "second");
        assert_eq!(found(session, |n| n.ratios.eq([1.5, 4.0, 2.5, 0.25]))?, "first");
        Ok(())
    });
}

#[test]
fn compared_and_grouped() {
    on_each_with_notes(|session| {
        assert_eq!(found(session, |n| n.scores.eq([3, 8, 5]))?, "first");
        assert_eq!(found(session, |n| n.scores.eq(vec![3, 5, 8]))?, "");
        assert_eq!(found(session, |n| n.scores.ne([1, 1]))?, "first third");
        assert_eq!(found(session, |n| n.flags.eq([false, false]))?, "second");
        assert_eq!(found(session, |n| n.perhaps.is(Some(vec![7, 8])))?, "first");
        assert_eq!(found(session, |n| n.perhaps.is_null())?, "second third");
        assert_eq!(
            found(session, |n| n.scores.in_([vec![1, 1], vec![]]))?,
            "second third"
        );
        assert_eq!(
            found(session, |n| n.holes.eq(vec![Some(1), None, Some(3)]))?,
            "first second third"
        );
        let groups = session
            .query::<Note>()
            .group_by(|n| n.holes)
            .select(|n| (n.holes, count_all()));
        assert_eq!(groups.fetch()?, [(vec![Some(1), None, Some(3)], 3)]);
        Ok(())
    });
}

#[test]
fn elements_as_rows() {
    on_each_with_notes(|session| {
        let uses: Vec<(String, i64)> = session
            .query::<Note>()
            .join_elements(|n| n.tags)
            .filter(|(_, tag)| tag.ne("rust"))
            .group_by(|(_, tag)| tag)
            .order_by(|(_, tag)| (count_all().desc(), tag.lower(), tag.desc()))
            .select(|(_, tag)| (tag, count_all()))
            .fetch()?;
        assert_eq!(uses.len(), 3);
        assert_eq!(uses[0], ("sql".to_owned(), 2));
        let pairs: Vec<(String, i64)> = session
            .query::<Note>()
            .join_elements(|n| n.scores)
            .order_by(|(n, score)| (n.id, score))
            .select(|(n, score)| (n.key, score * 2))
            .fetch()?;
        let expected = [
            ("first", 6),
            ("first", 10),
            ("first", 16),
            ("second", 2),
            ("second", 2),
        ];
        assert_eq!(pairs, expected.map(|(key, score)| (key.to_owned(), score)));
        Ok(())
    });
}

#[test]
fn elements_as_rows_of_all_notes() {
    on_each_with_notes(|session| {
        let all: Vec<(String, Option<i64>)> = session
            .query::<Note>()
            .left_join_elements(|n| n.scores)
            .order_by(|(n, score)| (n.id, score))
            .select(|(n, score)| (n.key, score))
            .fetch()?;
        assert_eq!(all.len(), 6);
        assert_eq!(all[5], ("third".to_owned(), None));
        let sums: Vec<(String, Option<i64>)> = session
            .query::<Note>()
            .left_join_elements(|n| n.scores)
            .group_by(|(n, _)| (n.id, n.key))
            .order_by(|(n, _)| n.id)
            .select(|(n, score)| (n.key, score.sum()))
            .fetch()?;
        assert_eq!(
            sums.iter().map(|(_, sum)| *sum).collect::<Vec<_>>(),
            [Some(16), Some(2), None]
        );
        Ok(())
    });
}

#[test]
fn elements_that_are_null_or_of_other_types() {
    on_each_with_notes(|session| {
        let holes: Vec<Option<i64>> = session
            .query::<Note>()
            .filter(|n| n.key.eq("first"))
            .join_elements(|n| n.holes)
            .order_by(|(_, hole)| hole.asc().nulls_first())
            .select(|(_, hole)| hole)
            .fetch()?;
        assert_eq!(holes, [None, Some(1), Some(3)]);
        let days: Vec<(Date, bool)> = session
            .query::<Note>()
            .join_elements(|n| n.days)
            .join_elements(|(n, _)| n.flags)
            .filter(|(n, day, flag)| n.key.eq("first") & day.gt(date(2026, 1, 5)) & flag)
            .order_by(|(_, day, _)| day)
            .select(|(_, day, flag)| (day, flag))
            .fetch()?;
        assert_eq!(days, [(date(2026, 1, 6), true), (date(2026, 1, 9), true)]);
        Ok(())
    });
}

#[test]
fn aggregated() {
    on_each_with_notes(|session| {
        let (keys, lengths, first): (Vec<String>, Vec<i64>, Vec<Option<String>>) = session
            .query::<Note>()
            .select(|n| {
                (
                    n.key.array_agg().ordered(n.key.desc()),
                    n.scores.len().array_agg().ordered(n.id),
                    n.tags.at(0).array_agg().ordered(n.id),
                )
            })
            .fetch_one()?;
        assert_eq!(keys, ["third", "second", "first"]);
        assert_eq!(lengths, [3, 2, 0]);
        assert_eq!(first, [Some("rust".to_owned()), Some("sql".to_owned()), None]);
        let none: (Vec<String>, Vec<i64>) = session
            .query::<Note>()
            .filter(|n| n.key.eq("none"))
            .select(|n| (n.key.array_agg(), n.scores.len().array_agg()))
            .fetch_one()?;
        assert_eq!(none, (vec![], vec![]));
        Ok(())
    });
}

#[test]
fn aggregated_by_group_and_each_once() {
    on_each_with_notes(|session| {
        let groups: Vec<(String, Vec<String>)> = session
            .query::<Note>()
            .join_elements(|n| n.tags)
            .group_by(|(_, tag)| tag.lower())
            .order_by(|(_, tag)| tag.lower())
            .select(|(n, tag)| (tag.lower(), n.key.array_agg().ordered(n.key)))
            .fetch()?;
        assert_eq!(
            groups[2],
            (
                "sql".to_owned(),
                ["first", "second", "second"].map(String::from).to_vec()
            )
        );
        let distinct: Vec<i64> = session
            .query::<Note>()
            .join_elements(|n| n.scores)
            .filter(|(n, _)| n.key.eq("second"))
            .select(|(_, score)| score.array_agg().distinct())
            .fetch_one()?;
        assert_eq!(distinct, [1]);
        let others: (Vec<f64>, Vec<bool>, Vec<Date>) = session
            .query::<Note>()
            .join_elements(|n| n.days)
            .filter(|(n, _)| n.key.eq("second"))
            .select(|(n, day)| {
                (
                    n.ratios.at(0).or_else(0.0).array_agg(),
                    n.scores.is_empty().array_agg(),
                    day.array_agg(),
                )
            })
            .fetch_one()?;
        assert_eq!(
            others,
            (vec![0.5, 0.5], vec![false, false], vec![date(2026, 1, 2); 2])
        );
        Ok(())
    });
}

#[test]
fn aggregated_with_a_filter() {
    on_each_with_notes(|session| {
        let mysql = session.engine().dialect().name() == "mysql";
        let query = session
            .query::<Note>()
            .select(|n| n.key.array_agg().filter_where(n.scores.len().gt(2)));
        let fetched = query.fetch_one();
        if mysql {
            let error = fetched.unwrap_err().to_string();
            assert!(error.contains("mysql has no FILTER on arrays"), "{error}");
            return Ok(());
        }
        assert_eq!(fetched?, ["first"]);
        Ok(())
    });
}

#[test]
fn changed_through_the_session() {
    on_each_with_notes(|session| {
        let all = session.query::<Note>().order_by(|n| n.id).all()?;
        aludel::assert_statements!(0, session.flush()?);
        session[all[0]].tags.push("pushed".to_owned());
        session[all[1]].perhaps = Some(vec![]);
        session[all[2]].holes.clear();
        session.commit()?;
        session.expire_all();
        for handle in &all {
            session.refresh(*handle)?;
        }
        assert_eq!(session[all[0]].tags.last().map(String::as_str), Some("pushed"));
        assert_eq!(session[all[1]].perhaps, Some(vec![]));
        assert_eq!(session[all[2]].holes, []);
        session[all[0]].tags.pop();
        session.rollback()?;
        assert_eq!(session[all[0]].tags.len(), 4);
        Ok(())
    });
}

#[test]
fn reflected_and_checked() {
    on_each_with_notes(|session| {
        session.commit()?;
        let engine = session.engine().clone();
        assert_eq!(engine.check::<Note>()?, []);
        let plan = engine.plan(&engine_schema(), &aludel::migrate::Hints::new())?;
        assert!(
            plan.operations()
                .iter()
                .all(|operation| operation.table() != Some("notes")),
            "{plan}"
        );
        if engine.dialect().name() == "postgresql" {
            let live = engine.reflect()?;
            let kind = |column: &str| live.table("notes").unwrap().column(column).unwrap().kind;
            assert_eq!(kind("value"), aludel::Kind::Array(&aludel::Kind::Text));
            assert_eq!(kind("small"), aludel::Kind::Array(&aludel::Kind::Int(16)));
            assert_eq!(kind("times"), aludel::Kind::Array(&aludel::Kind::Timestamp));
        }
        Ok(())
    });
}

fn engine_schema() -> Schema {
    support::everything().with::<Note>()
}

#[test]
fn a_value_that_is_no_array_is_an_error() {
    on_each_with_notes(|session| {
        if session.engine().dialect().name() == "postgresql" {
            return support::matrix::not_applicable("an array column holds nothing but arrays");
        }
        session.sql("UPDATE notes SET scores = '{\"a\": 1}'").run()?;
        let error = session
            .query::<Note>()
            .select(|n| n.scores)
            .fetch()
            .unwrap_err()
            .to_string();
        assert!(error.contains("expected an array"), "{error}");
        Ok(())
    });
}

#[cfg(feature = "uuid")]
#[test]
fn arrays_of_uuids() {
    use uuid::Uuid;

    #[derive(Entity, Debug)]
    #[entity(table = "carts")]
    struct Cart {
        #[column(primary_key)]
        id: Uuid,
        items: Vec<Uuid>,
    }
    on_each(|engine| {
        engine.create_all(schema![Cart])?;
        let mut session = engine.session()?;
        let (a, b) = (Uuid::from_u128(0xabc), Uuid::from_u128(7));
        session.add(Cart::new(a, vec![a, b]));
        session.add(Cart::new(b, vec![]));
        session.flush()?;
        let count = |session: &mut Session, test: fn(CartColumns) -> Expr<bool>| {
            session.query::<Cart>().filter(test).count()
        };
        assert_eq!(count(&mut session, |c| c.items.has(Uuid::from_u128(7)))?, 1);
        assert_eq!(count(&mut session, |c| c.items.has(c.id))?, 1);
        assert_eq!(
            count(&mut session, |c| c.items.has_all([Uuid::from_u128(0xabc)]))?,
            1
        );
        session
            .update::<Cart>()
            .set(|c| c.items.to(c.items.append(c.id)))
            .run()?;
        let rows = session
            .query::<Cart>()
            .order_by(|c| c.items.len())
            .select(|c| (c.items, c.items.at(0)))
            .fetch()?;
        assert_eq!(rows, [(vec![b], Some(b)), (vec![a, b, a], Some(a))]);
        let all: Vec<Uuid> = session
            .query::<Cart>()
            .select(|c| c.id.array_agg().ordered(c.id))
            .fetch_one()?;
        assert_eq!(all, [b, a]);
        let rows = query::<Cart>()
            .join_elements(|c| c.items)
            .select(|(_, item)| item);
        if engine.dialect().name() == "postgresql" {
            assert_eq!(rows.on(&mut session).fetch()?.len(), 4);
        } else {
            let error = rows.on(&mut session).fetch().unwrap_err().to_string();
            assert!(
                error.contains("has no arrays of UUIDs as a source of rows"),
                "{error}"
            );
        }
        Ok(())
    });
}

#[test]
fn texts_in_each_dialect() {
    let page = query::<Note>()
        .filter(|n| n.tags.has(n.key))
        .select(|n| n.scores.at(0));
    assert_eq!(
        page.to_sql_in(&Sqlite).unwrap(),
        "SELECT (scores ->> 0) FROM notes WHERE (notes.\"key\" IN (SELECT value FROM json_each(notes.value)))"
    );
    assert_eq!(
        page.to_sql_in(&Postgresql).unwrap(),
        "SELECT (scores)[0 + 1] FROM notes WHERE (notes.\"key\" = ANY (notes.value))"
    );
    assert!(
        page.to_sql_in(&Mysql)
            .unwrap()
            .contains("JSON_CONTAINS(notes.value, JSON_QUOTE(notes.\"key\"))")
    );
}
