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

/// Each value comes back as it was, alone and in an `Option`, and is found again by itself.
macro_rules! round_trips {
    ($($(#[$meta:meta])* $name:ident: $ty:ty, $values:expr $(, not_compared $why:literal)?;)*) => {$(
        $(#[$meta])*
        #[test]
        #[allow(clippy::redundant_field_names, reason = "the derive's code, of a struct that a macro made")]
        fn $name() {
            #[derive(Entity, Debug, Clone, PartialEq)]
            #[entity(table = "kept")]
            struct Kept {
                #[column(primary_key)]
                id: Id<Kept>,
                value: $ty,
                perhaps: Option<$ty>,
            }
            let values: Vec<$ty> = $values.into_iter().collect();
            support::on_each_with(|| schema![Kept], |engine| {
                let mut session = engine.session()?;
                for value in &values {
                    session.add(Kept { perhaps: Some(value.clone()), ..Kept::new(value.clone()) });
                    session.add(Kept::new(value.clone()));
                }
                session.commit()?;
                let mut rows = engine_rows::<Kept>(session)?.into_iter();
                for value in &values {
                    let (with, without) = (rows.next().unwrap(), rows.next().unwrap());
                    assert_eq!((&with.value, with.perhaps.as_ref()), (value, Some(value)));
                    assert_eq!((&without.value, without.perhaps), (value, None));
                }
                assert!(rows.next().is_none());
                let compared = true $(&& $why.is_empty())?;
                if compared {
                    let mut session = engine.session()?;
                    for value in &values {
                        let same = session.query::<Kept>().filter(|k| k.value.is(Some(value.clone()))).count()?;
                        let expected = values.iter().filter(|other| *other == value).count() as u64 * 2;
                        assert_eq!(same, expected, "{value:?}");
                    }
                }
                Ok(())
            });
        }
    )*};
}

/// All rows, read by another session.
fn engine_rows<T: Entity>(session: Session) -> aludel::Result<Vec<T>> {
    let engine = session.engine().clone();
    session.close()?;
    engine
        .session()?
        .sql(&format!("SELECT * FROM {} ORDER BY id", T::TABLE))
        .entities()
}

fn moments<T: std::str::FromStr<Err: std::fmt::Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

round_trips! {
    kept_bool: bool, [true, false];
    kept_i8: i8, [0, 1, -1, i8::MIN, i8::MAX];
    kept_i16: i16, [0, i16::MIN, i16::MAX];
    kept_i32: i32, [0, i32::MIN, i32::MAX];
    kept_i64: i64, [0, -1, i64::MIN, i64::MAX];
    kept_u8: u8, [0, 255];
    kept_u16: u16, [0, 65_535];
    kept_u32: u32, [0, u32::MAX];
    kept_f64: f64, [0.0, 0.1, -1.5e300, 5e-324, f64::MAX];
    kept_f32: f32, [0.0, 0.1, -1.5e30], not_compared "servers compare them as doubles";
    kept_text: String, ["", "a", "Ünï ☃ 🦀", "it's \"quoted\" \\ %_", "line\nline\ttab", " blank "].map(String::from);
    kept_long_text: String, ["x".repeat(100_000)];
    kept_bytes: Vec<u8>, [vec![], vec![0], vec![0, 1, 254, 255], b"text".to_vec(), vec![7; 100_000]];
    kept_timestamp: Timestamp, moments::<Timestamp>(&["2026-11-22T12:30:00Z", "1970-01-01T00:00:00Z", "2200-12-31T23:59:59.123456Z", "1815-12-10T00:00:00.5Z"]);
    kept_date_time: jiff::civil::DateTime, moments::<jiff::civil::DateTime>(&["2026-11-22T12:30:00", "1815-12-10T23:59:59.999999"]);
    kept_date: jiff::civil::Date, moments::<jiff::civil::Date>(&["2026-11-22", "1815-12-10", "9999-12-31", "2000-02-29"]);
    kept_time: jiff::civil::Time, moments::<jiff::civil::Time>(&["00:00:00", "23:59:59.999999", "12:30:00.5"]);
    kept_duration: std::time::Duration, [0, 1, 1_500_000, 86_400_000_000, 3_000_000_000_000_000].map(std::time::Duration::from_micros);
    kept_signed_duration: jiff::SignedDuration, [0, -1, 1, -86_400_000_001, 7_200_000_000, 3_000_000_000_000_000].map(jiff::SignedDuration::from_micros);
    kept_newtype_of_text: Sku, ["a", ""].map(|text| Sku(text.into()));
    kept_array_of_i8: Vec<i8>, [vec![], vec![i8::MIN, 0, i8::MAX]];
    kept_array_of_i16: Vec<i16>, [vec![], vec![i16::MIN, 0, i16::MAX]];
    kept_array_of_i32: Vec<i32>, [vec![], vec![i32::MIN, 0, i32::MAX]];
    kept_array_of_i64: Vec<i64>, [vec![], vec![0], vec![i64::MIN, -1, i64::MAX]];
    kept_array_of_u32: Vec<u32>, [vec![], vec![0, u32::MAX]];
    kept_array_of_f64: Vec<f64>, [vec![], vec![0.1, -1.5e300, 2.0, 5e-324]];
    kept_array_of_infinities: Vec<f64>, [vec![f64::INFINITY, f64::NEG_INFINITY]];
    kept_array_of_f32: Vec<f32>, [vec![], vec![0.1, -1.5e30]];
    kept_array_of_bool: Vec<bool>, [vec![], vec![true, false]];
    kept_array_of_text: Vec<String>, [
        vec![], vec![""], vec!["a", "b"], vec!["it's \"quoted\" \\ {,} [,] ", "line\nline\ttab\r", "NULL", "null"], vec!["Ünï ☃ 🦀", "\u{1}\u{7f}"]
    ].into_iter().map(|texts: Vec<&str>| texts.into_iter().map(String::from).collect());
    kept_array_of_optional_text: Vec<Option<String>>, [vec![], vec![None], vec![Some(String::new()), None, Some("NULL".to_owned())]];
    kept_array_of_optional_i64: Vec<Option<i64>>, [vec![None, Some(1), None]];
    kept_array_of_optional_bool: Vec<Option<bool>>, [vec![None, Some(true)]];
    kept_array_of_enum: Vec<Status>, [vec![], vec![Status::SoldOut, Status::Fresh]];
    kept_array_of_timestamp: Vec<Timestamp>, [moments::<Timestamp>(&["2026-11-22T12:30:00Z", "1815-12-10T00:00:00.5Z", "2200-12-31T23:59:59.123456Z"])];
    kept_array_of_date_time: Vec<jiff::civil::DateTime>, [moments::<jiff::civil::DateTime>(&["2026-11-22T12:30:00", "1815-12-10T23:59:59.999999"])];
    kept_array_of_date: Vec<jiff::civil::Date>, [vec![], moments::<jiff::civil::Date>(&["2026-11-22", "1815-12-10"])];
    kept_array_of_time: Vec<jiff::civil::Time>, [moments::<jiff::civil::Time>(&["00:00:00", "23:59:59.999999"])];
    #[cfg(feature = "uuid")]
    kept_array_of_uuid: Vec<uuid::Uuid>, [vec![], vec![uuid::Uuid::nil(), uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)]];
    kept_enum_as_text: Status, [Status::Fresh, Status::SoldOut];
    kept_enum_as_number: Size, [Size::Small, Size::Large];
    #[cfg(feature = "uuid")]
    kept_uuid: uuid::Uuid, [uuid::Uuid::nil(), uuid::Uuid::max(), uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)];
    #[cfg(feature = "json")]
    kept_json_value: serde_json::Value, [
        serde_json::json!(null), serde_json::json!(1), serde_json::json!("text"), serde_json::json!([1, 2.5, "x", null]),
        serde_json::json!({"a": {"b": [true, "ü\"\\"]}})
    ], not_compared "JSON has no equality everywhere";
    #[cfg(feature = "json")]
    kept_json_of_a_type: Json<Vec<Option<i64>>>, [Json(vec![]), Json(vec![Some(1), None])], not_compared "JSON has no equality everywhere";
    #[cfg(feature = "decimal")]
    kept_decimal: rust_decimal::Decimal, ["0", "12.5", "-0.01", "123456789.012345", "9999999999999.99", "9007199254740993"]
        .map(|text| text.parse::<rust_decimal::Decimal>().unwrap());
}

#[cfg(feature = "decimal")]
mod decimal {
    use aludel::Failure;
    use rust_decimal::Decimal;

    use super::*;

    #[derive(Entity, Debug, Clone, PartialEq)]
    #[entity(table = "prices")]
    struct Price {
        #[column(primary_key)]
        id: Id<Price>,
        amount: Decimal,
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn decimal_arithmetic_and_order() {
        support::on_each_with(
            || schema![Price],
            |engine| {
                let mut session = engine.session()?;
                session.add_all(["0.10", "0.20", "9.99", "10"].map(|text| Price::new(decimal(text))));
                let sum = session.query::<Price>().select(|p| p.amount.sum()).fetch_one()?;
                assert_eq!(sum, Some(decimal("20.29")));
                let cheap = session
                    .query::<Price>()
                    .filter(|p| (p.amount * decimal("2")).le(decimal("0.4")))
                    .order_by(|p| p.amount.desc())
                    .select(|p| p.amount + decimal("0.05"))
                    .fetch()?;
                assert_eq!(cheap, [decimal("0.25"), decimal("0.15")]);
                // By value, not by their digits.
                let most = session.query::<Price>().select(|p| p.amount.max()).fetch_one()?;
                assert_eq!(most, Some(decimal("10")));
                Ok(())
            },
        );
    }

    #[test]
    fn decimal_digits_are_kept_or_refused() {
        support::on_each_with(
            || schema![Price],
            |engine| {
                let mut session = engine.session()?;
                let many = decimal("123456789012345678.1234567");
                let price = session.add(Price::new(many));
                let committed = session.commit();
                if engine.dialect().name() == "sqlite" {
                    let error = committed.unwrap_err();
                    assert_eq!(error.failure(), Some(Failure::Statement), "{error}");
                    assert!(error.to_string().contains("more than 15 digits"), "{error}");
                    return Ok(());
                }
                committed?;
                session.expire(price);
                session.refresh(price)?;
                assert_eq!(session[price].amount, many);
                Ok(())
            },
        );
    }

    #[test]
    fn decimal_columns_are_reflected() {
        support::on_each_with(
            || schema![Price],
            |engine| {
                assert_eq!(engine.check::<Price>()?, []);
                Ok(())
            },
        );
    }
}
