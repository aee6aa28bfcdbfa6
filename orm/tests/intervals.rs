//! Lengths of time: columns of them, sums with dates and times, differences, and reckoning, with one answer on all backends.

mod support;

use aludel::expr::{Interval, now};
use aludel::prelude::*;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date, time};
use std::time::Duration;
use support::on_each;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "jobs")]
struct Job {
    #[column(primary_key)]
    id: Id<Job>,
    at: Timestamp,
    local: DateTime,
    day: Date,
    start: Time,
    ended: Option<Timestamp>,
    took: SignedDuration,
    pause: Option<SignedDuration>,
    #[column(name = "limit_")]
    limit: Duration,
}

/// With all digits that servers keep.
const MOMENT: &str = "2032-02-29T23:30:15.123456Z";

fn job(took: SignedDuration) -> Job {
    let at: Timestamp = MOMENT.parse().unwrap();
    let local = at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    Job::new(
        at,
        local,
        local.date(),
        local.time(),
        took,
        Duration::from_secs(60),
    )
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn micros(micros: i64) -> SignedDuration {
    SignedDuration::from_micros(micros)
}

/// With jobs of 90 s, 30 s and -0.25 s; the first has a pause of 10 s and an end.
fn on_each_with_jobs(test: impl Fn(&mut Session) -> aludel::Result<()>) {
    on_each(|engine| {
        engine.create_all(schema![Job])?;
        let mut session = engine.session()?;
        let first = Job {
            pause: Some(seconds(10)),
            ended: Some("2032-03-01T00:00:00.5Z".parse().unwrap()),
            ..job(seconds(90))
        };
        session.add_all([first, job(seconds(30)), job(micros(-250_000))]);
        session.commit()?;
        test(&mut session)
    });
}

#[test]
fn moment_plus_a_column() {
    on_each_with_jobs(|session| {
        let ends = session.query::<Job>().order_by(|j| j.id);
        let ends: Vec<(Timestamp, DateTime)> = ends.select(|j| (j.at + j.took, j.local + j.took)).fetch()?;
        for ((at, local), expected) in ends.iter().zip([
            "2032-02-29T23:31:45.123456Z",
            "2032-02-29T23:30:45.123456Z",
            "2032-02-29T23:30:14.873456Z",
        ]) {
            assert_eq!(at.to_string(), expected);
            assert_eq!(format!("{local}Z"), expected);
        }
        Ok(())
    });
}

#[test]
fn moment_minus_a_column() {
    on_each_with_jobs(|session| {
        let begins = session
            .query::<Job>()
            .filter(|j| j.took.gt(Duration::from_secs(60).into_signed()));
        let (at, local): (Timestamp, DateTime) = begins
            .select(|j| (j.at - j.took, j.local.minus(j.took)))
            .fetch_one()?;
        assert_eq!(at.to_string(), "2032-02-29T23:28:45.123456Z");
        assert_eq!(local.to_string(), "2032-02-29T23:28:45.123456");
        Ok(())
    });
}

trait IntoSigned {
    fn into_signed(self) -> SignedDuration;
}

impl IntoSigned for Duration {
    fn into_signed(self) -> SignedDuration {
        self.try_into().unwrap()
    }
}

#[test]
fn moment_plus_the_length_of_another_type() {
    on_each_with_jobs(|session| {
        let due = session
            .query::<Job>()
            .limit(1)
            .select(|j| (j.at + j.limit, j.at + j.took * 2));
        let (due, late): (Timestamp, Timestamp) = due.fetch_one()?;
        assert_eq!(due.to_string(), "2032-02-29T23:31:15.123456Z");
        assert_eq!(late.to_string(), "2032-02-29T23:33:15.123456Z");
        Ok(())
    });
}

#[test]
fn moment_plus_nothing_is_nothing() {
    on_each_with_jobs(|session| {
        let rows: Vec<(Option<Timestamp>, Option<SignedDuration>, Option<Timestamp>)> = session
            .query::<Job>()
            .order_by(|j| j.id)
            .select(|j| ((j.at + j.pause).nullable(), (j.ended - j.at), j.ended + j.took))
            .fetch()?;
        assert!(rows[0].0.is_some() && rows[0].2.is_some());
        assert_eq!(rows[0].1, Some(micros(1_785_376_544)));
        assert_eq!(rows[1], (None, None, None));
        Ok(())
    });
}

#[test]
fn day_plus_a_column() {
    on_each_with_jobs(|session| {
        session.add(job(SignedDuration::from_hours(36)));
        session.add(job(SignedDuration::from_hours(-1)));
        let days: Vec<(Date, Date)> = session
            .query::<Job>()
            .order_by(|j| j.id)
            .select(|j| (j.day + j.took, j.day - j.took))
            .fetch()?;
        assert_eq!(days[0], (date(2032, 2, 29), date(2032, 2, 28)));
        assert_eq!(days[3], (date(2032, 3, 1), date(2032, 2, 27)));
        assert_eq!(days[4], (date(2032, 2, 28), date(2032, 2, 29)));
        Ok(())
    });
}

#[test]
fn time_of_day_goes_round() {
    on_each_with_jobs(|session| {
        session.add(job(SignedDuration::from_hours(1)));
        let times: Vec<(Time, Time, Time)> = session
            .query::<Job>()
            .order_by(|j| j.id.desc())
            .limit(1)
            .select(|j| {
                (
                    j.start + j.took,
                    j.start - j.took * 24,
                    j.start + Interval::minutes(45),
                )
            })
            .fetch()?;
        let (later, same, constant) = times[0];
        assert_eq!(later, time(0, 30, 15, 123_456_000));
        assert_eq!(same, time(23, 30, 15, 123_456_000));
        assert_eq!(
            (constant.hour(), constant.minute(), constant.second()),
            (0, 15, 15)
        );
        Ok(())
    });
}

#[test]
fn difference_of_moments() {
    on_each_with_jobs(|session| {
        let earlier: Timestamp = "2032-02-28T23:30:14.999999Z".parse().unwrap();
        let query = session.query::<Job>().limit(1);
        let (of_a_value, of_a_column, negative, none): (SignedDuration, Option<SignedDuration>, _, _) = query
            .select(|j| (j.at - earlier, j.ended - j.at, j.at.since(j.ended), j.at - j.at))
            .fetch_one()?;
        assert_eq!(of_a_value, micros(86_400_000_000 + 123_457));
        assert_eq!(of_a_column, Some(micros(1_785_376_544)));
        assert_eq!(negative, micros(-1_785_376_544));
        assert_eq!(none, seconds(0));
        Ok(())
    });
}

#[test]
fn difference_of_days_times_and_local_moments() {
    on_each_with_jobs(|session| {
        let days: (SignedDuration, SignedDuration, SignedDuration) = session
            .query::<Job>()
            .limit(1)
            .select(|j| {
                (
                    j.day - date(2032, 2, 27),
                    j.start - time(22, 0, 0, 500_000),
                    j.local - date(2032, 2, 29).at(0, 0, 0, 0),
                )
            })
            .fetch_one()?;
        assert_eq!(days.0, SignedDuration::from_hours(48));
        assert_eq!(days.1, micros(5_415_122_956));
        assert_eq!(days.2, micros(84_615_123_456));
        Ok(())
    });
}

#[test]
fn difference_compared_with_a_length() {
    on_each_with_jobs(|session| {
        let long = |session: &mut Session, least: SignedDuration| {
            session
                .query::<Job>()
                .filter(|j| (j.ended - j.at).gt(least))
                .count()
        };
        assert_eq!(long(session, SignedDuration::from_mins(29))?, 1);
        assert_eq!(long(session, SignedDuration::from_mins(30))?, 0);
        let within = session
            .query::<Job>()
            .filter(|j| (j.ended - j.at).between(j.took, SignedDuration::from_hours(25)));
        assert_eq!(within.count()?, 1);
        Ok(())
    });
}

#[test]
fn compared_and_ordered() {
    on_each_with_jobs(|session| {
        let order: Vec<SignedDuration> = session
            .query::<Job>()
            .order_by(|j| j.took)
            .select(|j| j.took)
            .fetch()?;
        assert_eq!(order, [micros(-250_000), seconds(30), seconds(90)]);
        let count = |session: &mut Session, test: fn(JobColumns) -> Expr<bool>| {
            session.query::<Job>().filter(test).count()
        };
        assert_eq!(count(session, |j| j.took.eq(seconds(30)))?, 1);
        assert_eq!(count(session, |j| j.took.lt(seconds(0)))?, 1);
        assert_eq!(count(session, |j| j.took.in_([seconds(30), seconds(90)]))?, 2);
        assert_eq!(count(session, |j| j.pause.is(Some(seconds(10))))?, 1);
        assert_eq!(count(session, |j| j.pause.is(None::<SignedDuration>))?, 2);
        assert_eq!(count(session, |j| j.limit.ge(Duration::from_secs(60)))?, 3);
        assert_eq!(count(session, |j| j.took.gt(j.pause))?, 1);
        Ok(())
    });
}

#[test]
fn sums_and_means() {
    on_each_with_jobs(|session| {
        let (sum, mean, least, most): (Option<SignedDuration>, Option<SignedDuration>, _, _) = session
            .query::<Job>()
            .filter(|j| j.took.gt(seconds(0)))
            .select(|j| (j.took.sum(), j.took.avg(), j.took.min(), j.took.max()))
            .fetch_one()?;
        assert_eq!((sum, mean), (Some(seconds(120)), Some(seconds(60))));
        assert_eq!((least, most), (Some(seconds(30)), Some(seconds(90))));
        let of_all: (Option<SignedDuration>, Option<SignedDuration>, Option<Duration>) = session
            .query::<Job>()
            .select(|j| (j.pause.sum(), (j.ended - j.at).sum(), j.limit.sum()))
            .fetch_one()?;
        assert_eq!(of_all.0, Some(seconds(10)));
        assert_eq!(of_all.1, Some(micros(1_785_376_544)));
        assert_eq!(of_all.2, Some(Duration::from_secs(180)));
        let none = session
            .query::<Job>()
            .filter(|j| j.took.gt(seconds(999)))
            .select(|j| j.took.sum());
        assert_eq!(none.fetch_one()?, None);
        Ok(())
    });
}

#[test]
fn arithmetic() {
    on_each_with_jobs(|session| {
        let query = session.query::<Job>().limit(1);
        let (sum, difference, double, half, back): (SignedDuration, SignedDuration, _, _, _) = query
            .select(|j| {
                (
                    j.took + seconds(5),
                    j.took - j.pause,
                    j.took * 2,
                    j.took / 4,
                    -j.took,
                )
            })
            .fetch_one()?;
        assert_eq!((sum, difference), (seconds(95), seconds(80)));
        assert_eq!((double, half), (seconds(180), micros(22_500_000)));
        assert_eq!(back, seconds(-90));
        let (scaled, by_column, in_seconds): (SignedDuration, SignedDuration, f64) = session
            .query::<Job>()
            .limit(1)
            .select(|j| (j.took * 1.5, j.took * j.at.minute(), (j.took / 4).seconds()))
            .fetch_one()?;
        assert_eq!((scaled, by_column), (seconds(135), seconds(2_700)));
        assert!((in_seconds - 22.5).abs() < 1e-9);
        Ok(())
    });
}

#[test]
fn the_present_minus_days() {
    on_each_with_jobs(|session| {
        let recent = Job {
            at: Timestamp::now() - SignedDuration::from_hours(24 * 6),
            ..job(seconds(1))
        };
        let old = Job {
            at: Timestamp::now() - SignedDuration::from_hours(24 * 8),
            ..job(seconds(1))
        };
        session.add_all([recent, old]);
        let week = now::<Timestamp>() - Interval::days(7);
        let found = session
            .query::<Job>()
            .filter(|j| j.took.eq(seconds(1)) & j.at.gt(week))
            .count()?;
        assert_eq!(found, 1);
        // The same with a length that is a value.
        let week = now::<Timestamp>() - val::<SignedDuration>(SignedDuration::from_hours(24 * 7));
        let found = session
            .query::<Job>()
            .filter(|j| j.took.eq(seconds(1)) & j.at.gt(week))
            .count()?;
        assert_eq!(found, 1);
        Ok(())
    });
}

#[test]
fn values_that_are_no_columns() {
    on_each_with_jobs(|session| {
        let at: Timestamp = MOMENT.parse().unwrap();
        let (later, between): (Timestamp, SignedDuration) = session
            .query::<Job>()
            .limit(1)
            .select(|j| (val::<Timestamp>(at) + j.took, val::<Timestamp>(at) - j.at))
            .fetch_one()?;
        assert_eq!(later.to_string(), "2032-02-29T23:31:45.123456Z");
        assert_eq!(between, seconds(0));
        Ok(())
    });
}

#[test]
fn written_by_a_statement() {
    on_each_with_jobs(|session| {
        session
            .update::<Job>()
            .set(|j| {
                (
                    j.took.to(j.took + j.took),
                    j.pause.to(j.ended - j.at),
                    j.at.to(j.at + j.took),
                )
            })
            .run()?;
        let rows: Vec<(SignedDuration, Option<SignedDuration>)> = session
            .query::<Job>()
            .order_by(|j| j.id)
            .select(|j| (j.took, j.pause))
            .fetch()?;
        assert_eq!(rows[0].0, seconds(180));
        assert!(rows[0].1.is_some());
        assert_eq!(rows[2], (micros(-500_000), None));
        Ok(())
    });
}

#[test]
fn changed_through_the_session() {
    on_each_with_jobs(|session| {
        let all = session.query::<Job>().order_by(|j| j.id).all()?;
        session[all[1]].took += seconds(5);
        session[all[1]].pause = Some(micros(1));
        session.commit()?;
        session.expire_all();
        session.refresh(all[1])?;
        assert_eq!(session[all[1]].took, seconds(35));
        assert_eq!(session[all[1]].pause, Some(micros(1)));
        // Nothing differs, so nothing is written.
        aludel::assert_statements!(0, session.flush()?);
        Ok(())
    });
}

#[test]
fn grouped_by_a_length() {
    on_each_with_jobs(|session| {
        session.add(job(seconds(30)));
        let groups: Vec<(SignedDuration, i64)> = session
            .query::<Job>()
            .group_by(|j| j.took)
            .having(|_| count_all().gt(1))
            .select(|j| (j.took, count_all()))
            .fetch()?;
        assert_eq!(groups, [(seconds(30), 2)]);
        Ok(())
    });
}

#[test]
fn reflected_and_checked() {
    on_each_with_jobs(|session| {
        let engine = session.engine().clone();
        session.commit()?;
        assert_eq!(engine.check::<Job>()?, []);
        let live = engine.reflect()?;
        let found = live.table("jobs").unwrap().column("took").unwrap().kind;
        let expected = match engine.dialect().name() {
            "mysql" => aludel::Kind::Int(64),
            _ => aludel::Kind::Interval,
        };
        assert_eq!(found, expected);
        Ok(())
    });
}

#[test]
fn a_negative_length_is_no_duration() {
    on_each_with_jobs(|session| {
        let error = session
            .query::<Job>()
            .select(|j| (j.took * -1).cast::<Duration>())
            .fetch()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("a length of time that is not negative"),
            "{error}"
        );
        Ok(())
    });
}
