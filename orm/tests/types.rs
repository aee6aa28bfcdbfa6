//! Types of columns, there and back through each backend.

mod support;

use aludel::prelude::*;
use support::on_each;

#[derive(ColumnType, Debug, Clone, PartialEq, Eq, Hash)]
#[column_type(key)]
struct Sku(String);

#[derive(ColumnType, Debug, Clone, Copy, PartialEq)]
enum Status {
    Fresh,
    #[column_type(name = "sold-out")]
    SoldOut,
}

#[derive(ColumnType, Debug, Clone, Copy, PartialEq)]
#[column_type(integer)]
enum Size {
    Small = 10,
    Large = 20,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "things")]
struct Thing {
    #[column(primary_key)]
    sku: Sku,
    small: i8,
    byte: u8,
    short: i16,
    word: u16,
    int: i32,
    wide: u32,
    long: i64,
    real: f64,
    float: f32,
    flag: bool,
    text: String,
    bytes: Vec<u8>,
    status: Status,
    size: Option<Size>,
    #[column(default = Status::Fresh)]
    before: Status,
    #[column(default = now())]
    made: Timestamp,
    day: Option<jiff::civil::Date>,
}

fn thing() -> Thing {
    let mut thing = Thing::new(
        Sku("a".into()),
        i8::MIN,
        u8::MAX,
        i16::MIN,
        u16::MAX,
        i32::MIN,
        u32::MAX,
        i64::MIN,
        0.1,
        0.5,
        true,
        "tëxt",
        vec![0, 255],
        Status::SoldOut,
    );
    thing.size = Some(Size::Large);
    thing.day = Some(jiff::civil::date(2026, 11, 22));
    thing
}

#[test]
fn each_type_comes_back_as_it_was() {
    on_each(|engine| {
        engine.create_all(schema![Thing])?;
        let mut thing = thing();
        if engine.dialect().name() != "sqlite" {
            // The servers' clocks count microseconds.
            thing.made = Timestamp::from_microsecond(thing.made.as_microsecond()).unwrap();
        }
        let mut session = engine.session()?;
        session.add(thing.clone());
        session.commit()?;
        let mut connection = engine.connect()?;
        let same = connection
            .query::<Thing>()
            .filter(|t| t.sku.eq(Sku("a".into())))
            .fetch_one()?;
        assert_eq!(same, thing);
        let found = connection
            .query::<Thing>()
            .filter(|t| {
                t.status.eq(Status::SoldOut) & t.size.eq(Size::Large) & t.made.le(Timestamp::now()) & t.flag
            })
            .count()?;
        assert_eq!(found, 1);
        connection
            .update::<Thing>()
            .set(|t| (t.size.to(None::<Size>), t.status.to(Status::Fresh)))
            .run()?;
        let changed = connection
            .query::<Thing>()
            .select(|t| (t.size, t.status, t.before))
            .fetch_one()?;
        assert_eq!(changed, (None, Status::Fresh, Status::Fresh));
        Ok(())
    });
}

#[test]
fn a_text_that_is_no_variant_is_an_error() {
    on_each(|engine| {
        engine.create_all(schema![Thing])?;
        let mut connection = engine.connect()?;
        connection.insert([thing()]).run()?;
        connection.execute("UPDATE things SET status = 'old'", &[])?;
        let error = connection.query::<Thing>().fetch().unwrap_err().to_string();
        assert_eq!(
            error,
            "column `things.status`: expected one of fresh, sold-out, found text ('old')"
        );
        Ok(())
    });
}

#[test]
fn the_tables_own_time_is_read_as_well() {
    on_each(|engine| {
        engine.create_all(schema![Thing])?;
        let mut connection = engine.connect()?;
        connection.insert([thing()]).run()?;
        connection.execute("UPDATE things SET made = CURRENT_TIMESTAMP", &[])?;
        let made = connection.query::<Thing>().select(|t| t.made).fetch_one()?;
        assert!((Timestamp::now() - made).get_hours() < 1);
        Ok(())
    });
}
