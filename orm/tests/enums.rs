//! Enums that are types of their own: CREATE TYPE on PostgreSQL, ENUM on MySQL, texts with a CHECK on SQLite; kept, compared, reflected and migrated.

mod support;

use aludel::migrate::{Hints, Migrations};
use aludel::prelude::*;
use aludel::schema::{EnumType, Table};
use aludel::{Failure, Kind};
use support::on_each;

#[derive(ColumnType, Debug, Clone, Copy, PartialEq)]
#[column_type(native = "mood")]
enum Mood {
    Sad,
    #[column_type(name = "so-so, it's \"ok\"")]
    SoSo,
    Glad,
}

/// A name that has to be quoted.
#[derive(ColumnType, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[column_type(native = "Paper Size", key)]
enum Size {
    Small,
    Large,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "diary")]
struct Day {
    #[column(primary_key)]
    id: Id<Day>,
    mood: Mood,
    #[column(default = Mood::Glad)]
    planned: Mood,
    evening: Option<Mood>,
    moods: Vec<Mood>,
    size: Size,
    #[column(default = "")]
    note: String,
}

fn day(mood: Mood) -> Day {
    Day::new(mood, vec![mood, Mood::Glad], Size::Large)
}

fn on_each_with_days(test: impl Fn(&mut Session) -> aludel::Result<()>) {
    on_each(|engine| {
        engine.create_all(schema![Day])?;
        let mut session = engine.session()?;
        let first = Day {
            evening: Some(Mood::SoSo),
            ..day(Mood::Sad)
        };
        session.add_all([first, day(Mood::SoSo), day(Mood::Glad)]);
        session.commit()?;
        test(&mut session)
    });
}

#[test]
fn kept_and_read() {
    on_each_with_days(|session| {
        let days: Vec<Day> = session.query::<Day>().order_by(|d| d.id).fetch()?;
        assert_eq!(
            days.iter().map(|d| d.mood).collect::<Vec<_>>(),
            [Mood::Sad, Mood::SoSo, Mood::Glad]
        );
        assert_eq!((days[0].evening, days[1].evening), (Some(Mood::SoSo), None));
        assert_eq!((days[0].planned, days[0].size), (Mood::Glad, Size::Large));
        assert_eq!(days[1].moods, [Mood::SoSo, Mood::Glad]);
        Ok(())
    });
}

#[test]
fn compared() {
    on_each_with_days(|session| {
        let count = |session: &mut Session, test: fn(DayColumns) -> Expr<bool>| {
            session.query::<Day>().filter(test).count()
        };
        assert_eq!(count(session, |d| d.mood.eq(Mood::SoSo))?, 1);
        assert_eq!(count(session, |d| d.mood.ne(Mood::SoSo))?, 2);
        assert_eq!(count(session, |d| d.mood.in_([Mood::SoSo, Mood::Sad]))?, 2);
        assert_eq!(count(session, |d| d.evening.is(Some(Mood::SoSo)))?, 1);
        assert_eq!(count(session, |d| d.evening.is(None::<Mood>))?, 2);
        assert_eq!(count(session, |d| d.mood.eq(d.planned))?, 1);
        assert_eq!(count(session, |d| d.evening.or_else(Mood::Sad).eq(Mood::Sad))?, 2);
        assert_eq!(count(session, |d| d.mood.null_if(Mood::Sad).is_null())?, 1);
        assert_eq!(count(session, |d| d.moods.has(Mood::Sad))?, 1);
        assert_eq!(count(session, |d| d.moods.has(d.planned))?, 3);
        assert_eq!(count(session, |d| d.moods.has_any([Mood::Sad, Mood::SoSo]))?, 2);
        assert_eq!(count(session, |d| d.moods.eq([Mood::Glad, Mood::Glad]))?, 1);
        assert_eq!(count(session, |d| d.moods.any_element(|m| m.eq(Mood::SoSo)))?, 1);
        Ok(())
    });
}

#[test]
fn in_expressions_that_say_no_type() {
    on_each_with_days(|session| {
        let turned = |d: DayColumns| {
            case::<Mood>()
                .when(d.mood.eq(Mood::Sad), Mood::Glad)
                .otherwise(Mood::Sad)
        };
        let moods: Vec<Mood> = session.query::<Day>().order_by(|d| d.id).select(turned).fetch()?;
        assert_eq!(moods, [Mood::Glad, Mood::Sad, Mood::Sad]);
        let same = session
            .query::<Day>()
            .filter(|d| turned(d).eq(d.planned))
            .count()?;
        assert_eq!(same, 1);
        session
            .update::<Day>()
            .set(|d| (d.mood.to(turned(d)), d.moods.to(d.moods.append(Mood::SoSo))))
            .run()?;
        let (mood, moods, text): (Mood, Vec<Mood>, String) = session
            .query::<Day>()
            .order_by(|d| d.id)
            .limit(1)
            .select(|d| (d.mood, d.moods, d.mood.cast::<String>()))
            .fetch_one()?;
        assert_eq!((mood, text.as_str()), (Mood::Glad, "glad"));
        assert_eq!(moods, [Mood::Sad, Mood::Glad, Mood::SoSo]);
        let cast = session
            .query::<Day>()
            .limit(1)
            .select(|_| val::<String>("sad").cast::<Mood>());
        assert_eq!(cast.fetch_one()?, Mood::Sad);
        let alone: Vec<Mood> = session
            .query::<Day>()
            .limit(1)
            .select(|_| val::<Mood>(Mood::SoSo))
            .fetch()?;
        assert_eq!(alone, [Mood::SoSo]);
        Ok(())
    });
}

#[test]
fn in_lists_of_values_unions_and_groups() {
    on_each_with_days(|session| {
        let wanted = values([(Mood::Sad, 3_i64), (Mood::Glad, 1)]);
        let points: Vec<(Mood, i64)> = query::<Day>()
            .join_rows(&wanted)
            .on(|(d, (mood, _))| d.mood.eq(mood))
            .order_by(|(d, _)| d.id)
            .select(|(d, (_, points))| (d.mood, points))
            .on(session)
            .fetch()?;
        assert_eq!(points, [(Mood::Sad, 3), (Mood::Glad, 1)]);
        let both = query::<Day>()
            .select(|d| d.mood)
            .union(query::<Day>().select(|d| d.planned));
        assert_eq!(both.on(session).fetch()?.len(), 3);
        let groups: Vec<(Mood, i64, Vec<Mood>)> = session
            .query::<Day>()
            .group_by(|d| d.planned)
            .select(|d| (d.planned, count_all(), d.mood.array_agg().ordered(d.id)))
            .fetch()?;
        assert_eq!(groups, [(Mood::Glad, 3, vec![Mood::Sad, Mood::SoSo, Mood::Glad])]);
        Ok(())
    });
}

#[test]
fn changed_through_the_session() {
    on_each_with_days(|session| {
        let all = session.query::<Day>().order_by(|d| d.id).all()?;
        aludel::assert_statements!(0, session.flush()?);
        session[all[0]].mood = Mood::Glad;
        session[all[1]].evening = Some(Mood::Sad);
        session.commit()?;
        session.refresh(all[0])?;
        session.refresh(all[1])?;
        assert_eq!(
            (session[all[0]].mood, session[all[1]].evening),
            (Mood::Glad, Some(Mood::Sad))
        );
        Ok(())
    });
}

#[test]
fn other_texts_are_refused() {
    on_each_with_days(|session| {
        let error = session.sql("UPDATE diary SET mood = 'bored'").run().unwrap_err();
        let failure = error.failure();
        assert!(
            matches!(failure, Some(Failure::Check | Failure::Statement)),
            "{error}"
        );
        session.rollback()
    });
}

#[test]
fn as_keys_and_referred_to() {
    #[derive(Entity, Debug)]
    #[entity(table = "prices")]
    struct Price {
        #[column(primary_key)]
        size: Size,
        cents: i64,
    }

    #[derive(Entity, Debug)]
    #[entity(table = "sheets")]
    struct Sheet {
        #[column(primary_key)]
        id: Id<Sheet>,
        price: Fk<Price>,
    }
    on_each(|engine| {
        engine.create_all(schema![Price, Sheet])?;
        let mut session = engine.session()?;
        let large = session.add(Price::new(Size::Large, 20));
        session.add(Price::new(Size::Small, 10));
        session.add(Sheet::new(large));
        session.commit()?;
        let small = session.get::<Price>(Size::Small)?;
        assert_eq!(session[small].cents, 10);
        let cents = session
            .query::<Sheet>()
            .join_on::<Price>()
            .on(|(s, p)| s.price.eq(p.size))
            .select(|(_, p)| p.cents)
            .fetch_one()?;
        assert_eq!(cents, 20);
        session.close()?;
        engine.drop_all(schema![Price, Sheet])
    });
}

#[test]
fn created_twice_dropped_and_created_again() {
    on_each(|engine| {
        engine.create_all(schema![Day])?;
        engine.create_all(schema![Day])?;
        engine.drop_all(schema![Day])?;
        if engine.dialect().name() == "postgresql" {
            assert_eq!(engine.reflect()?.enum_type("mood"), None);
        }
        engine.drop_all(schema![Day])?;
        engine.create_all(schema![Day])?;
        assert_eq!(engine.check::<Day>()?, []);
        Ok(())
    });
}

#[test]
fn reflected() {
    on_each_with_days(|session| {
        session.commit()?;
        let live = session.engine().clone().reflect()?;
        let column = live.table("diary").unwrap().column("size").unwrap();
        assert_eq!(column.kind, Kind::Text);
        match session.engine().dialect().name() {
            "postgresql" => {
                let expected = EnumType::new("mood", ["sad", "so-so, it's \"ok\"", "glad"]);
                assert_eq!(live.enum_type("mood"), Some(&expected));
                assert_eq!(column.sql_type.as_deref(), Some("\"Paper Size\""));
            }
            "mysql" => assert_eq!(
                column.sql_type.as_deref(),
                Some("enum('small','large') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            ),
            _ => {
                let checks = &live.table("diary").unwrap().checks;
                assert!(
                    checks.iter().any(|check| check.sql.contains("'small'")),
                    "{checks:?}"
                );
            }
        }
        Ok(())
    });
}

/// The same column, of the same enum with other texts.
#[derive(ColumnType, Debug, Clone, Copy, PartialEq)]
#[column_type(native = "state")]
enum Before {
    New,
    Open,
    Done,
}

#[derive(Entity, Debug)]
#[entity(table = "tickets")]
struct Ticket {
    #[column(primary_key)]
    id: Id<Ticket>,
    #[column(default = Before::New, server_default = "'new'")]
    state: Before,
    text: String,
}

fn migrated_to<T: Entity>(
    session: &mut Session,
    hints: &Hints,
    check: impl Fn(&aludel::migrate::Plan),
) -> aludel::Result<()> {
    session.commit()?;
    let engine = session.engine().clone();
    let wanted = support::everything().with::<T>();
    let plan = engine.plan(&wanted, hints)?;
    check(&plan);
    let migrations = Migrations::new().with(plan.migration(1, "change", engine.dialect())?);
    engine.migrate(&migrations)?;
    assert_eq!(engine.check::<T>()?, []);
    let after = engine.plan(&wanted, &Hints::new())?;
    assert!(after.is_empty(), "{after}");
    Ok(())
}

fn on_each_with_tickets(test: impl Fn(&mut Session) -> aludel::Result<()>) {
    on_each(|engine| {
        engine.create_all(schema![Ticket])?;
        let mut session = engine.session()?;
        session.add(Ticket::new("a"));
        session.add(Ticket {
            state: Before::Open,
            ..Ticket::new("b")
        });
        session.commit()?;
        test(&mut session)
    });
}

macro_rules! after {
    ($name:ident, [$($variant:ident),*], $default:ident, $server:tt) => {
        #[derive(ColumnType, Debug, Clone, Copy, PartialEq)]
        #[column_type(native = "state")]
        enum State {
            $($variant),*
        }

        #[derive(Entity, Debug)]
        #[entity(table = "tickets")]
        struct $name {
            #[column(primary_key)]
            id: Id<$name>,
            #[column(default = State::$default, server_default = $server)]
            state: State,
            text: String,
        }
    };
}

#[test]
fn migrated_to_more_texts() {
    after!(After, [Fresh, New, Open, Stuck, Done, Closed], New, "'new'");
    on_each_with_tickets(|session| {
        let dialect = session.engine().dialect().name();
        migrated_to::<After>(session, &Hints::new(), |plan| {
            if dialect == "postgresql" {
                let script = plan.script(&aludel::dialect::Postgresql).unwrap();
                assert_eq!(
                    script.statements(),
                    [
                        "ALTER TYPE state ADD VALUE 'fresh' BEFORE 'new'",
                        "ALTER TYPE state ADD VALUE 'stuck' AFTER 'open'",
                        "ALTER TYPE state ADD VALUE 'closed' AFTER 'done'"
                    ]
                );
            }
        })?;
        session.add(After {
            state: State::Stuck,
            ..After::new("c")
        });
        session.commit()?;
        let states: Vec<State> = session
            .query::<After>()
            .order_by(|t| t.id)
            .select(|t| t.state)
            .fetch()?;
        assert_eq!(states, [State::New, State::Open, State::Stuck]);
        Ok(())
    });
}

#[test]
fn migrated_to_a_default_that_is_new() {
    after!(After, [New, Open, Done, Waiting], Waiting, "'waiting'");
    on_each_with_tickets(|session| {
        migrated_to::<After>(session, &Hints::new(), |_| {})?;
        session.sql("INSERT INTO tickets (text) VALUES ('c')").run()?;
        let newest = session
            .query::<After>()
            .order_by(|t| t.id.desc())
            .limit(1)
            .select(|t| t.state)
            .fetch_one()?;
        assert_eq!(newest, State::Waiting);
        Ok(())
    });
}

#[test]
fn migrated_to_fewer_texts_in_another_order() {
    after!(After, [Open, New], New, "'new'");
    on_each_with_tickets(|session| {
        migrated_to::<After>(session, &Hints::new(), |_| {})?;
        let states: Vec<State> = session
            .query::<After>()
            .order_by(|t| t.id)
            .select(|t| t.state)
            .fetch()?;
        assert_eq!(states, [State::New, State::Open]);
        let error = session.sql("UPDATE tickets SET state = 'done'").run();
        assert!(error.is_err());
        session.rollback()
    });
}

#[test]
fn migrated_there_and_back() {
    after!(After, [Open, New, Late], New, "'new'");
    on_each_with_tickets(|session| {
        session.commit()?;
        let engine = session.engine().clone();
        let before = engine.reflect()?;
        let plan = engine.plan(&support::everything().with::<After>(), &Hints::new())?;
        let migrations = Migrations::new().with(plan.migration(1, "change", engine.dialect())?);
        engine.migrate(&migrations)?;
        engine.migrate_to(&migrations, 0)?;
        assert_eq!(
            engine.reflect()?.table("tickets").unwrap().columns,
            before.table("tickets").unwrap().columns
        );
        assert_eq!(engine.reflect()?.enum_type("state"), before.enum_type("state"));
        assert_eq!(engine.check::<Ticket>()?, []);
        Ok(())
    });
}

#[test]
fn a_text_that_rows_have_does_not_go() {
    after!(After, [Open, Done], Open, "'open'");
    on_each_with_tickets(|session| {
        session.commit()?;
        let engine = session.engine().clone();
        let plan = engine.plan(&support::everything().with::<After>(), &Hints::new())?;
        if engine.dialect().name() == "postgresql" {
            assert_eq!(
                plan.needs(),
                ["it fails if a row has a text that `state` has no more: new"]
            );
        }
        let migrations = Migrations::new().with(plan.migration(1, "change", engine.dialect())?);
        assert!(engine.migrate(&migrations).is_err());
        // Nothing is lost.
        assert_eq!(session.query::<Ticket>().filter(|t| t.text.eq("a")).count()?, 1);
        Ok(())
    });
}

#[test]
fn a_text_gets_another_name() {
    after!(After, [New, Running, Done], New, "'new'");
    on_each_with_tickets(|session| {
        if session.engine().dialect().name() != "postgresql" {
            return support::matrix::not_applicable("texts of columns, which an UPDATE changes");
        }
        let hints = Hints::new().rename_column("state", "open", "running");
        migrated_to::<After>(session, &hints, |plan| {
            let script = plan.script(&aludel::dialect::Postgresql).unwrap();
            assert_eq!(
                script.statements(),
                ["ALTER TYPE state RENAME VALUE 'open' TO 'running'"]
            );
        })?;
        let states: Vec<State> = session
            .query::<After>()
            .order_by(|t| t.id)
            .select(|t| t.state)
            .fetch()?;
        assert_eq!(states, [State::New, State::Running]);
        Ok(())
    });
}

#[test]
fn migrated_from_a_text_and_back() {
    #[derive(Entity, Debug)]
    #[entity(table = "tickets")]
    struct Plain {
        #[column(primary_key)]
        id: Id<Plain>,
        #[column(default = "new")]
        state: String,
        text: String,
    }
    on_each(|engine| {
        engine.create_all(schema![Plain])?;
        let mut session = engine.session()?;
        session.add(Plain::new("a"));
        session.commit()?;
        migrated_to::<Ticket>(&mut session, &Hints::new(), |_| {})?;
        assert_eq!(
            session
                .query::<Ticket>()
                .filter(|t| t.state.eq(Before::New))
                .count()?,
            1
        );
        session.commit()?;
        let wanted = support::everything().with::<Plain>();
        let plan = engine.plan(&wanted, &Hints::new())?;
        let back = Migrations::new().with(plan.migration(2, "back", engine.dialect())?);
        engine.connect()?.execute("DELETE FROM aludel_migrations", &[])?;
        engine.migrate(&back)?;
        assert_eq!(engine.check::<Plain>()?, []);
        if engine.dialect().name() == "postgresql" {
            assert_eq!(engine.reflect()?.enum_type("state"), None);
        }
        Ok(())
    });
}

#[test]
fn check_says_which_texts_differ() {
    after!(After, [New, Open], New, "'new'");
    on_each_with_tickets(|session| {
        session.commit()?;
        let found: Vec<String> = session
            .engine()
            .clone()
            .check::<After>()?
            .iter()
            .map(ToString::to_string)
            .collect();
        match session.engine().dialect().name() {
            "sqlite" => assert_eq!(found, [""; 0]),
            _ => assert_eq!(
                found,
                ["the enum `state` is (new, open, done) in the database and (new, open) in the entity"]
            ),
        }
        Ok(())
    });
}

#[test]
fn two_enums_of_one_name_are_an_error() {
    after!(After, [New, Open], New, "'new'");
    on_each(|engine| {
        let mut other = Table::of::<After>();
        other.name = "others".into();
        let error = engine.create_all(schema![Ticket].with_table(other)).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("two different enums have the name `state`"),
            "{error}"
        );
        Ok(())
    });
}
