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
  flag INTEGER NOT NULL DEFAULT 1,
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
        let tables = |engine: &Engine| -> aludel::Result<usize> { Ok(engine.reflect()?.tables().len()) };
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

#[test]
fn what_is_created_is_what_is_reflected() {
    on_each(|engine| {
        let live = engine.reflect()?;
        for wanted in everything().tables() {
            let found = live.table(&wanted.name).unwrap();
            assert_eq!(
                found.create_sql(engine.dialect(), false).unwrap(),
                wanted.create_sql(engine.dialect(), false).unwrap(),
                "{}",
                wanted.name
            );
            assert_eq!(found.indexes, wanted.indexes);
        }
        Ok(())
    });
}

#[test]
fn check_says_what_does_not_fit() {
    #[derive(Entity)]
    #[entity(table = "users", index(name, size))]
    struct Other {
        #[column(primary_key)]
        name: String,
        #[column(unique)]
        email: String,
        age: f64,
        size: Option<i64>,
        #[column(on_delete = "cascade")]
        country: Option<Fk<support::Country>>,
    }
    #[derive(Entity)]
    struct Nowhere {
        #[column(primary_key)]
        id: Id<Nowhere>,
    }
    on_each(|engine| {
        assert_eq!(engine.check::<support::User>()?, []);
        assert_eq!(engine.check::<support::Membership>()?, []);
        let messages: Vec<String> = engine.check::<Other>()?.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "column `users.email` can be NULL in the table: make the field an `Option`",
                "column `users.age` is Int(64) in the table and Real(64) in the entity",
                "table `users` has no column `size`",
                "table `users` has no column `country`",
                "the primary key of `users` is (id) in the table and (name) in the entity",
                "table `users` has no unique constraint over (email)",
                "table `users` has no foreign key from (country) to `countries`",
                "table `users` has no index over (name, size)",
            ]
        );
        assert_eq!(
            engine.check::<Nowhere>()?[0].to_string(),
            "there is no table `nowhere`"
        );
        Ok(())
    });
}
