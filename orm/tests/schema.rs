//! Tables made from entities.

mod support;

use aludel::dialect::Sqlite;
use aludel::prelude::*;
use aludel::schema::Table;
use support::{everything, on_each};

#[derive(Entity)]
#[entity(
    table = "all sorts",
    index(name, size),
    unique(name, kind),
    check = "low <= high",
    strict,
    without_rowid
)]
struct AllSorts {
    #[column(primary_key)]
    name: String,
    #[column(primary_key, name = "Group")]
    kind: i32,
    #[column(index, default = 1.5)]
    size: f64,
    #[column(default = "it's", collate = "nocase", unique)]
    label: String,
    #[column(default = true)]
    flag: bool,
    #[column(default = -3, check = "low < 100")]
    low: i64,
    #[column(server_default = "abs(-7)")]
    high: i64,
    #[column(sql_type = "ANY")]
    anything: Option<Vec<u8>>,
    #[column(on_delete = "set null", on_update = "cascade")]
    country: Option<Fk<support::Country>>,
    #[column(generated = "low + high", stored)]
    sum: i64,
    #[column(skip)]
    cache: Vec<String>,
}

#[test]
fn everything_a_column_can_be() {
    let sql = Table::of::<AllSorts>().create_sql(&Sqlite, true).unwrap();
    let expected = r#"CREATE TABLE IF NOT EXISTS "all sorts" (
  name TEXT NOT NULL,
  "Group" INTEGER NOT NULL,
  size REAL NOT NULL DEFAULT 1.5,
  label TEXT NOT NULL COLLATE nocase UNIQUE DEFAULT 'it''s',
  flag BOOLEAN NOT NULL DEFAULT 1,
  low INTEGER NOT NULL DEFAULT -3 CHECK (low < 100),
  high INTEGER NOT NULL DEFAULT (abs(-7)),
  anything ANY,
  country TEXT,
  sum INTEGER NOT NULL GENERATED ALWAYS AS (low + high) STORED,
  PRIMARY KEY (name, "Group"),
  UNIQUE (name, "Group"),
  CHECK (low <= high),
  FOREIGN KEY (country) REFERENCES countries (code) ON DELETE SET NULL ON UPDATE CASCADE
) WITHOUT ROWID, STRICT"#;
    assert_eq!(sql, expected);
    let made = AllSorts::new("a", 1, 5);
    assert_eq!(
        (
            made.size,
            made.label.as_str(),
            made.flag,
            made.low,
            made.cache.len()
        ),
        (1.5, "it's", true, -3, 0)
    );
}

#[test]
fn tables_come_after_those_they_refer_to() {
    let schema = everything();
    let names: Vec<&str> = schema
        .sorted()
        .unwrap()
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    let at = |name| names.iter().position(|n| *n == name).unwrap();
    assert!(at("users") < at("posts") && at("posts") < at("comments"));
    assert!(at("groups") < at("memberships"));
}

#[test]
fn create_twice_drop_and_create_again() {
    on_each(|engine| {
        engine.create_all(everything())?;
        let tables = |engine: &Engine| -> aludel::Result<i64> {
            engine
                .connect()?
                .scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", &[])
        };
        assert_eq!(tables(&engine)?, 8);
        engine.drop_all(everything())?;
        assert_eq!(tables(&engine)?, 0);
        engine.create_all(everything())
    });
}

#[test]
fn two_entities_of_one_table_are_refused() {
    #[derive(Entity)]
    #[entity(table = "users")]
    struct Other {
        #[column(primary_key)]
        id: Id<Other>,
    }
    let error = schema![support::User, Other].sorted().unwrap_err();
    assert_eq!(
        error.to_string(),
        "two tables have the name `users`: give one of them another"
    );
}

#[test]
fn computed_columns_come_back_after_a_flush() {
    #[derive(Entity, Debug)]
    struct Rectangle {
        #[column(primary_key)]
        id: Id<Rectangle>,
        width: i64,
        height: i64,
        #[column(generated = "width * height")]
        area: i64,
    }
    on_each(|engine| {
        engine.create_all(schema![Rectangle])?;
        let mut session = engine.session()?;
        let rectangle = session.add(Rectangle::new(3, 4));
        session.flush()?;
        assert_eq!(session[rectangle].area, 12);
        session[rectangle].width = 5;
        session.commit()?;
        assert_eq!(session[rectangle].area, 20);
        Ok(())
    });
}
