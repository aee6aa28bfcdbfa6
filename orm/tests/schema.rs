//! Tables made from entities.

mod support;

use aludel::dialect::Sqlite;
use aludel::prelude::*;
use aludel::schema::{NamingConvention, Table, View};
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
  label TEXT COLLATE nocase NOT NULL UNIQUE DEFAULT 'it''s',
  flag INTEGER NOT NULL DEFAULT 1,
  low INTEGER NOT NULL DEFAULT -3,
  high INTEGER NOT NULL DEFAULT (abs(-7)),
  anything ANY,
  country TEXT,
  sum INTEGER NOT NULL GENERATED ALWAYS AS (low + high) STORED,
  PRIMARY KEY (name, "Group"),
  UNIQUE (name, "Group"),
  CHECK (low < 100),
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

/// Servers give names to constraints that have none.
fn without_names(table: &Table) -> Table {
    let mut table = table.clone();
    table.uniques.iter_mut().for_each(|unique| unique.name = None);
    table.foreign_keys.iter_mut().for_each(|key| key.name = None);
    table
}

#[test]
fn what_is_created_is_what_is_reflected() {
    on_each(|engine| {
        let live = engine.reflect()?;
        for wanted in everything().tables() {
            let found = without_names(live.table(&wanted.name).unwrap());
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

#[derive(Entity)]
#[entity(table = "teams")]
struct Team {
    #[column(primary_key)]
    id: Id<Team>,
    name: String,
    #[column(on_delete = "set null")]
    captain: Option<Fk<Player>>,
}

#[derive(Entity)]
#[entity(table = "players")]
struct Player {
    #[column(primary_key)]
    id: Id<Player>,
    team: Option<Fk<Team>>,
    club: Option<Fk<Club>>,
}

#[derive(Entity)]
#[entity(table = "clubs")]
struct Club {
    #[column(primary_key)]
    id: Id<Club>,
    founder: Option<Fk<Player>>,
    first: Option<Fk<Team>>,
}

#[test]
fn tables_that_refer_to_each_other_in_a_circle() {
    let circle = || schema![Team, Player, Club];
    on_each(|engine| {
        for _ in 0..2 {
            engine.create_all(circle())?;
            engine.create_all(circle())?;
            let live = engine.reflect()?;
            let keys = |table: &str| live.table(table).unwrap().foreign_keys.len();
            assert_eq!([keys("teams"), keys("players"), keys("clubs")], [1, 2, 2]);
            assert_eq!(engine.check::<Team>()?, []);
            let mut session = engine.session()?;
            let team = session.add(Team::new("Reds"));
            session.flush()?;
            let mut player = Player::new();
            player.team = Some(session[team].id.into());
            let player = session.add(player);
            session.flush()?;
            session[team].captain = Some(session[player].id.into());
            session.commit()?;
            drop(session);
            // The keys are enforced.
            let mut connection = engine.connect()?;
            let error = connection
                .execute("UPDATE teams SET captain = 77", &[])
                .unwrap_err();
            assert_eq!(error.failure(), Some(aludel::Failure::ForeignKey));
            drop(connection);
            engine.drop_all(circle())?;
            engine.drop_all(circle())?;
            assert!(engine.reflect()?.table("teams").is_none());
        }
        Ok(())
    });
}

#[derive(Entity)]
#[entity(
    table = "accounts",
    comment = "who may come in",
    index(-opened, name, name = "ix_accounts_newest"),
    unique(name, opened, name = "uq_accounts_name_opened"),
    check = "opened > 0"
)]
struct Account {
    #[column(primary_key)]
    id: Id<Account>,
    #[column(comment = "as it's shown")]
    name: String,
    opened: i64,
}

#[test]
fn named_constraints_descending_indexes_and_comments() {
    on_each(|engine| {
        let names = NamingConvention::default();
        engine.create_all(schema![Account].with_names(&names))?;
        let live = engine.reflect()?;
        let table = live.table("accounts").unwrap();
        assert_eq!(table.uniques[0].name.as_deref(), Some("uq_accounts_name_opened"));
        assert_eq!(table.checks[0].name.as_deref(), Some("ck_accounts_1"));
        assert!(table.checks[0].sql.contains("> 0"));
        assert_eq!(table.indexes, Table::of::<Account>().indexes);
        if engine.dialect().name() != "sqlite" {
            assert_eq!(table.comment.as_deref(), Some("who may come in"));
            let comment = table.column("name").unwrap().comment.as_deref();
            assert_eq!(comment, Some("as it's shown"));
        }
        Ok(())
    });
}

#[test]
fn partial_expression_and_covering_indexes() {
    #[derive(Entity)]
    #[entity(
        table = "mails",
        unique(address, where = "gone = 0"),
        index("lower(address)", -gone, name = "ix_mails_lower"),
        index(gone, include(address))
    )]
    struct Mail {
        #[column(primary_key)]
        id: Id<Mail>,
        address: String,
        gone: i64,
    }
    on_each(|engine| {
        let wanted = Table::of::<Mail>();
        if engine.dialect().name() == "mysql" {
            for index in &wanted.indexes[..2] {
                let error = index.create_sql("mails", engine.dialect(), false).unwrap_err();
                assert!(error.to_string().starts_with("mysql has no indexes over"));
            }
            return support::matrix::not_applicable("indexes are over whole columns and all rows");
        }
        engine.create_all(schema![Mail])?;
        engine.create_all(schema![Mail])?;
        let live = engine.reflect()?;
        let mut expected = wanted.indexes.clone();
        if engine.dialect().name() == "sqlite" {
            expected[2].include.clear();
        }
        let mut found = live.table("mails").unwrap().indexes.clone();
        // PostgreSQL writes the condition with its own blanks and parentheses.
        found.sort_by_key(|index| expected.iter().position(|other| other.name == index.name));
        assert_eq!(found, expected);
        let mut connection = engine.connect()?;
        let insert = "INSERT INTO mails (id, address, gone) VALUES (1, 'a', 1), (2, 'a', 1), (3, 'a', 0)";
        connection.execute(insert, &[])?;
        let again = connection.execute("INSERT INTO mails (id, address, gone) VALUES (4, 'a', 0)", &[]);
        assert_eq!(again.unwrap_err().failure(), Some(aludel::Failure::Unique));
        Ok(())
    });
}

#[test]
fn deferrable_foreign_keys() {
    #[derive(Entity)]
    #[entity(table = "parts")]
    struct Part {
        #[column(primary_key)]
        id: Id<Part>,
        #[column(deferrable = "deferred")]
        whole: Fk<Part>,
    }
    on_each(|engine| {
        if engine.dialect().name() == "mysql" {
            let error = engine.create_all(schema![Part]).unwrap_err();
            let expected = "mysql has no foreign keys that are checked at the commit";
            assert_eq!(error.to_string(), expected);
            return support::matrix::not_applicable("foreign keys are checked at once");
        }
        engine.create_all(schema![Part])?;
        let live = engine.reflect()?;
        let key = &live.table("parts").unwrap().foreign_keys[0];
        assert_eq!(key.deferrable, aludel::Deferrable::Deferred);
        let mut connection = engine.connect()?;
        connection.begin(aludel::TransactionMode::Write)?;
        connection.execute("INSERT INTO parts (id, whole) VALUES (1, 2)", &[])?;
        connection.execute("INSERT INTO parts (id, whole) VALUES (2, 2)", &[])?;
        connection.commit()?;
        let error = connection
            .execute("INSERT INTO parts (id, whole) VALUES (3, 9)", &[])
            .unwrap_err();
        assert_eq!(error.failure(), Some(aludel::Failure::ForeignKey));
        Ok(())
    });
}

#[test]
fn views_are_created_reflected_and_dropped() {
    on_each(|engine| {
        let view = View::new("adults", "SELECT id, name FROM users WHERE age >= 18");
        let schema = || everything().with_view(view.clone());
        engine.create_all(schema())?;
        engine.create_all(schema())?;
        assert_eq!(engine.reflect()?.views()[0].name, "adults");
        let count: i64 = engine.connect()?.scalar("SELECT count(*) FROM adults", &[])?;
        assert_eq!(count, 0);
        engine.drop_all(schema())?;
        assert_eq!(engine.reflect()?.views(), []);
        Ok(())
    });
}
