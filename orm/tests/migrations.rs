//! Running migrations: in order, once, up and down, recorded; what is edited, missing or half done.

mod support;

use aludel::migrate::{Migrations, Standing, Stopped};
use aludel::prelude::*;
use support::{matrix, on_each};

const FIRST: (&str, &str) = (
    "1_first.sql",
    "-- up\nCREATE TABLE notes (id INTEGER PRIMARY KEY);\nINSERT INTO notes VALUES (1);\n-- down\nDROP TABLE notes;\n",
);
const SECOND: (&str, &str) = (
    "2_text.sql",
    "-- a column\n\n-- up\nALTER TABLE notes ADD COLUMN text VARCHAR(20) DEFAULT 'none';\n-- down\nALTER TABLE notes DROP COLUMN text;\n",
);

fn migrations(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(files.iter().copied()).unwrap()
}

fn count(engine: &Engine, sql: &str) -> i64 {
    engine.connect().unwrap().scalar(sql, &[]).unwrap()
}

#[test]
fn migrations_run_once_in_order() {
    on_each(|engine| {
        let all = migrations(&[SECOND, FIRST]);
        let done = engine.migrate(&all)?;
        let versions: Vec<(i64, &str, bool)> =
            done.iter().map(|d| (d.version, d.name.as_str(), d.up)).collect();
        assert_eq!(versions, [(1, "first", true), (2, "text", true)]);
        assert_eq!(
            count(&engine, "SELECT count(*) FROM notes WHERE text = 'none'"),
            1
        );
        assert_eq!(engine.migrate(&all)?, []);
        for (_, _, standing) in engine.migration_status(&all)? {
            assert!(matches!(standing, Standing::Applied(applied) if applied.when.starts_with("20")));
        }
        Ok(())
    });
}

#[test]
fn up_and_down_to_a_version() {
    on_each(|engine| {
        let all = migrations(&[FIRST, SECOND]);
        assert_eq!(engine.migrate_to(&all, 1)?.len(), 1);
        assert!(engine.reflect()?.table("notes").unwrap().column("text").is_none());
        assert_eq!(engine.migrate_to(&all, 2)?.len(), 1);
        let down = engine.migrate_to(&all, 1)?;
        assert_eq!((down[0].version, down[0].up), (2, false));
        assert_eq!(count(&engine, "SELECT count(*) FROM notes"), 1);
        engine.migrate_to(&all, 0)?;
        assert!(engine.reflect()?.table("notes").is_none());
        let pending = |(_, _, standing): &(i64, String, Standing)| *standing == Standing::Pending;
        assert!(engine.migration_status(&all)?.iter().all(pending));
        Ok(())
    });
}

#[test]
fn an_edited_migration_is_refused() {
    on_each(|engine| {
        engine.migrate(&migrations(&[FIRST]))?;
        // Comments are no edit.
        let commented = FIRST.1.replace("-- up", "-- more words\n-- up");
        assert_eq!(engine.migrate(&migrations(&[("1_first.sql", &commented)]))?, []);
        let edited = FIRST.1.replace("VALUES (1)", "VALUES (2)");
        let edited = migrations(&[("1_first.sql", &edited), SECOND]);
        let error = engine.migrate(&edited).unwrap_err().to_string();
        assert!(
            error.starts_with("migration 1 (first) has been edited since it was applied on 20"),
            "{error}"
        );
        assert!(matches!(
            engine.migration_status(&edited)?[0].2,
            Standing::Edited(_)
        ));
        Ok(())
    });
}

#[test]
fn a_missing_migration_is_refused_and_a_late_one_is_run() {
    on_each(|engine| {
        engine.migrate(&migrations(&[SECOND_ALONE]))?;
        let both = migrations(&[FIRST, SECOND_ALONE]);
        assert_eq!(engine.migration_status(&both)?[0].2, Standing::PendingBehind);
        assert_eq!(engine.migrate(&both)?[0].version, 1);
        let error = engine.migrate(&migrations(&[FIRST])).unwrap_err().to_string();
        assert!(
            error.starts_with("the database has seen migration 2 (alone)"),
            "{error}"
        );
        Ok(())
    });
}

const SECOND_ALONE: (&str, &str) = (
    "2_alone.sql",
    "-- up\nCREATE TABLE alone (id INTEGER PRIMARY KEY);\n",
);

#[test]
fn no_way_down_is_an_error() {
    on_each(|engine| {
        let all = migrations(&[SECOND_ALONE]);
        engine.migrate(&all)?;
        let error = engine.migrate_to(&all, 0).unwrap_err().to_string();
        assert_eq!(
            error,
            "migration 2 (alone) has no way down: give its file a section `-- down`"
        );
        Ok(())
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing_behind() {
    on_each(|engine| {
        if engine.dialect().name() == "mysql" {
            return matrix::not_applicable("DDL is not part of a transaction: see the next case");
        }
        let broken = (
            "2_broken.sql",
            "-- up\nCREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n",
        );
        let error = engine
            .migrate(&migrations(&[FIRST, broken]))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("migration 2 (broken) failed on its way up: "),
            "{error}"
        );
        assert!(engine.reflect()?.table("half").is_none());
        assert_eq!(engine.migrate(&migrations(&[FIRST]))?, []);
        Ok(())
    });
}

#[test]
fn a_migration_that_stopped_half_way_goes_on() {
    on_each(|engine| {
        let broken = "-- aludel: transaction off\n-- up\nCREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n\
             CREATE TABLE whole (id INTEGER);\n-- down\nDROP TABLE whole;\nDROP TABLE half;\n";
        let broken = migrations(&[("1_broken.sql", broken)]);
        engine.migrate(&broken).unwrap_err();
        match &engine.migration_status(&broken)?[0].2 {
            Standing::Stopped(applied) => assert_eq!(applied.stopped, Some(Stopped::Up(1))),
            other => panic!("{other:?}"),
        }
        let error = engine.migrate_to(&broken, 0).unwrap_err().to_string();
        assert!(
            error.starts_with("migration 1 (broken) stopped on its way up after 1 statements"),
            "{error}"
        );
        engine
            .connect()?
            .execute("CREATE TABLE nowhere (id INTEGER)", &[])?;
        assert_eq!(engine.migrate(&broken)?.len(), 1);
        assert_eq!(count(&engine, "SELECT count(*) FROM nowhere"), 1);
        assert!(engine.reflect()?.table("whole").is_some());
        engine.migrate_to(&broken, 0)?;
        assert!(engine.reflect()?.table("half").is_none());
        Ok(())
    });
}

#[test]
fn two_processes_do_not_migrate_at_once() {
    // Two engines over one database: in memory there is no second one.
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}", folder.path().join("shared.db").display());
    let slow = |number: i64| {
        let sql = format!("-- up\nCREATE TABLE t{number} (id INTEGER);\nINSERT INTO t{number} VALUES (1);");
        (format!("{number}_slow.sql"), sql)
    };
    let files: Vec<(String, String)> = (1..=8).map(slow).collect();
    let run = || {
        let all =
            Migrations::from_files(files.iter().map(|(name, sql)| (name.as_str(), sql.as_str()))).unwrap();
        Engine::open(&url).unwrap().migrate(&all).unwrap().len()
    };
    let runs: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(runs, 8);
    for server in support::servers::all() {
        let place = support::servers::Place::new(&server);
        let all =
            || Migrations::from_files(files.iter().map(|(name, sql)| (name.as_str(), sql.as_str()))).unwrap();
        let runs: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| place.open().unwrap().migrate(&all()).unwrap().len()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(runs, 8, "{}", server.backend);
    }
}

#[test]
fn rows_that_would_refer_to_nothing_stop_a_rebuild() {
    on_each(|engine| {
        if engine.dialect().name() != "sqlite" {
            return matrix::not_applicable("foreign keys are not turned off for a rebuild");
        }
        let file = (
            "1_lose.sql",
            "-- aludel: foreign_keys off\n-- up\nINSERT INTO posts (id, author_id, title, version) VALUES (1, 77, 'x', 1);\n",
        );
        let error = engine.migrate(&migrations(&[file])).unwrap_err().to_string();
        assert!(
            error.contains("1 rows would refer to nothing, the first of them in `posts`"),
            "{error}"
        );
        assert_eq!(count(&engine, "SELECT count(*) FROM posts"), 0);
        assert_eq!(count(&engine, "PRAGMA foreign_keys"), 1);
        Ok(())
    });
}

#[test]
fn triggers_and_views_outlive_a_rebuild() {
    use aludel::Kind;
    use aludel::migrate::Hints;
    use aludel::schema::{Check, Table, TableColumn};
    on_each(|engine| {
        if engine.dialect().name() != "sqlite" {
            return matrix::not_applicable("tables are not rebuilt");
        }
        engine.drop_all(support::everything())?;
        engine.connect()?.execute_batch(
            "CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER);
             CREATE TABLE log (id INTEGER PRIMARY KEY, size INTEGER);
             CREATE VIEW big AS SELECT id FROM things WHERE size > 10;
             CREATE TRIGGER noted AFTER INSERT ON things BEGIN INSERT INTO log (size) VALUES (new.size); END;
             CREATE TRIGGER echoed AFTER DELETE ON log BEGIN DELETE FROM things WHERE size = old.size; END;
             INSERT INTO things VALUES (100, 20); DELETE FROM things; INSERT INTO things (size) VALUES (30)",
        )?;
        let size = || TableColumn::new("size", Kind::Int(64)).nullable();
        let id = || TableColumn::new("id", Kind::Int(64)).auto();
        let table = |name: &str| {
            Table::new(name)
                .with_column(id())
                .with_column(size())
                .with_primary_key(["id"])
        };
        let wanted = Schema::new()
            .with_table(table("things").with_check(Check::new("size > 0")))
            .with_table(table("log"));
        let plan = engine.plan(&wanted, &Hints::new())?;
        let all = Migrations::new().with(plan.migration(1, "check", engine.dialect())?);
        engine.migrate(&all)?;
        let mut connection = engine.connect()?;
        connection.execute("INSERT INTO things (size) VALUES (40)", &[])?;
        let newest: i64 = connection.scalar("SELECT max(id) FROM things", &[])?;
        assert_eq!(newest, 102, "keys of deleted rows are not given out again");
        let logged: i64 = connection.scalar("SELECT count(*) FROM log", &[])?;
        let big: i64 = connection.scalar("SELECT count(*) FROM big", &[])?;
        assert_eq!((logged, big), (3, 2));
        connection.execute("DELETE FROM log WHERE size = 40", &[])?;
        let big: i64 = connection.scalar("SELECT count(*) FROM big", &[])?;
        assert_eq!(big, 1);
        assert_eq!(connection.rows("PRAGMA integrity_check", &[])?.len(), 1);
        Ok(())
    });
}

#[test]
fn drift_is_what_was_changed_by_hand() {
    on_each(|engine| {
        engine.drop_all(support::everything())?;
        let all = migrations(&[FIRST, SECOND]);
        engine.migrate(&all)?;
        if engine.dialect().name() != "sqlite" {
            return matrix::not_applicable("a second empty database is needed");
        }
        let drift = |engine: &Engine| engine.drift(&all, &Engine::open("sqlite::memory:")?);
        assert!(drift(&engine)?.is_empty());
        engine
            .connect()?
            .execute("ALTER TABLE notes ADD COLUMN by_hand INTEGER", &[])?;
        assert_eq!(drift(&engine)?.to_string(), "drop column `notes.by_hand`\n");
        Ok(())
    });
}

#[test]
fn files_that_are_no_migrations_are_refused() {
    let refused = |files: &[(&str, &str)]| {
        Migrations::from_files(files.iter().copied())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&[("first.sql", "-- up")]).contains("is no name of a migration"));
    assert_eq!(
        refused(&[("1_a.sql", "CREATE TABLE t (x)")]),
        "`1_a.sql`, line 1: a line `-- up` must come before the first statement"
    );
    assert_eq!(
        refused(&[("1_a.sql", "-- up"), ("01_b.sql", "-- up")]),
        "two migrations have the version 1: `a` and `b`"
    );
}
