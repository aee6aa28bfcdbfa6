//! Engines: URLs, files, the pool, logging.

mod support;

use std::time::Duration;

use aludel::prelude::*;
use aludel::{Error, Failure};
use support::{User, backends, four, matrix, on_each, on_each_shared};

fn schemes() -> impl Iterator<Item = &'static str> {
    backends()
        .into_iter()
        .map(|url| url.split_once("::").unwrap_or((url, "")).0)
}

#[test]
fn a_file_keeps_what_was_committed() {
    for scheme in schemes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("{scheme}:///{}", folder.path().join("a b.db").display());
        let engine = Engine::open(&url).unwrap();
        engine.create_all(schema![User]).unwrap();
        let mut session = engine.session().unwrap();
        four(&mut session).unwrap();
        session.add(User::new("Lost"));
        session.flush().unwrap();
        drop((session, engine));
        let engine = Engine::open(&format!("{url}?mode=ro")).unwrap();
        let mut connection = engine.connect().unwrap();
        assert_eq!(connection.query::<User>().count().unwrap(), 4);
        assert!(connection.delete::<User>().run().is_err());
    }
}

#[test]
fn a_missing_file_is_an_error_at_once() {
    for scheme in schemes() {
        let error = Engine::open(&format!("{scheme}:////nowhere/at/all.db")).unwrap_err();
        assert_eq!(error.failure(), Some(Failure::Storage), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no.db");
        assert!(Engine::open(&format!("{scheme}:///{}?mode=rw", path.display())).is_err());
        assert!(!path.exists());
    }
}

#[test]
fn foreign_keys_are_checked_unless_told_otherwise() {
    for url in backends() {
        for (options, fails) in [("", true), ("?foreign_keys=off", false)] {
            let engine = Engine::open(&format!("{url}{options}")).unwrap();
            engine.create_all(support::everything()).unwrap();
            let mut session = engine.session().unwrap();
            session.add(support::Comment::new(99, "to nowhere"));
            let result = session.commit();
            assert_eq!(
                result.as_ref().err().and_then(Error::failure),
                fails.then_some(Failure::ForeignKey),
                "{result:?}"
            );
        }
    }
}

#[test]
fn the_pool_hands_connections_out_and_takes_them_back() {
    for scheme in schemes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pool.db");
        let url = format!(
            "{scheme}:///{}?pool_size=1&max_overflow=1&pool_timeout=50",
            path.display()
        );
        let engine = Engine::open(&url).unwrap();
        let (a, b) = (engine.connect().unwrap(), engine.connect().unwrap());
        assert_eq!((engine.pool_status().used, engine.pool_status().max), (2, 2));
        let error = engine.connect().unwrap_err();
        assert!(
            matches!(error, Error::PoolTimeout { max: 2, waited } if waited == Duration::from_millis(50))
        );
        drop(a);
        let c = engine.connect().unwrap();
        drop((b, c));
        assert_eq!((engine.pool_status().idle, engine.pool_status().used), (1, 0));
    }
}

#[test]
fn a_waiting_thread_gets_the_connection_that_comes_back() {
    on_each(|engine| {
        if engine.pool_status().max > 1 {
            return matrix::not_applicable("nobody waits where there are more connections");
        }
        let mut session = engine.session()?;
        session.add(User::new("Mike"));
        session.flush()?;
        let waiting = {
            let engine = engine.clone();
            std::thread::spawn(move || engine.connect().unwrap().query::<User>().count().unwrap())
        };
        std::thread::sleep(Duration::from_millis(20));
        session.commit()?;
        assert_eq!(waiting.join().unwrap(), 1);
        Ok(())
    });
}

#[test]
fn a_transaction_left_open_is_rolled_back_when_the_connection_goes_back() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        connection.begin(aludel::TransactionMode::Write)?;
        connection.insert([User::new("Mike")]).run()?;
        drop(connection);
        assert_eq!(engine.connect()?.query::<User>().count()?, 0);
        let failed: aludel::Result<()> = engine.transaction(|session| {
            session.add(User::new("Mike"));
            session.flush()?;
            Err(Error::Closed)
        });
        assert!(failed.is_err());
        assert_eq!(engine.connect()?.query::<User>().count()?, 0);
        Ok(())
    });
}

#[test]
fn constraints_have_families() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        connection
            .execute_batch("CREATE TABLE c (n INTEGER NOT NULL, p INTEGER CHECK (p > 0), k TEXT UNIQUE)")?;
        let mut family = |sql: &str| connection.execute(sql, &[]).unwrap_err().failure().unwrap();
        assert_eq!(family("INSERT INTO c (n) VALUES (NULL)"), Failure::NotNull);
        assert_eq!(family("INSERT INTO c VALUES (1, -1, NULL)"), Failure::Check);
        assert_eq!(
            family("INSERT INTO c VALUES (1, 1, 'a'), (1, 1, 'a')"),
            Failure::Unique
        );
        assert_eq!(family("SELECT nothing"), Failure::Statement);
        assert_eq!(family("SELEKT 1"), Failure::Statement);
        Ok(())
    });
}

#[test]
fn a_busy_transaction_is_tried_again() {
    on_each(|engine| {
        let mut tries = 0;
        let result = engine.transaction_with_retry(3, |session| {
            session.add(User::new("Mike"));
            session.flush()?;
            tries += 1;
            match tries {
                1 | 2 => Err(aludel::DriverError::new(Failure::Busy, "database is locked").into()),
                _ => Ok(tries),
            }
        });
        assert_eq!(result?, 3);
        assert_eq!(engine.connect()?.query::<User>().count()?, 1);
        Ok(())
    });
}

/// What a transaction sees of one that commits beside it.
#[test]
fn isolation_levels() {
    on_each_shared(|engine| {
        let server = !engine.dialect().name().starts_with("sqlite");
        for (level, sees_new) in [
            (Isolation::ReadCommitted, server),
            (Isolation::RepeatableRead, false),
        ] {
            let mut reader = engine.with_isolation(level).session()?;
            let before = reader.query::<User>().count()?;
            engine.transaction(|session| {
                session.add(User::new(format!("{level:?}")));
                Ok(())
            })?;
            let after = reader.query::<User>().count()?;
            assert_eq!(after, before + u64::from(sees_new), "{level:?}");
            reader.rollback()?;
            assert_eq!(reader.query::<User>().count()?, before + 1);
        }
        Ok(())
    });
}

/// Two transactions of which each would have read something else, had the other come first: one is told to come again.
#[test]
fn isolation_serializable_is_retried() {
    on_each_shared(|engine| {
        if engine.dialect().name() == "mysql" {
            return matrix::not_applicable(
                "readers of serializable transactions lock what they read, and writers wait",
            );
        }
        let engine = engine.with_isolation(Isolation::Serializable);
        let count_and_add = |session: &mut Session, name: &str| {
            let count = session.query::<User>().count()?;
            session.add(User::new(format!("{name} after {count}")));
            Ok(count)
        };
        let mut attempts = 0;
        let counted = engine.transaction_with_retry(3, |session| {
            attempts += 1;
            let count = count_and_add(session, "first")?;
            if attempts == 1 {
                engine.transaction(|other| count_and_add(other, "second").map(drop))?;
            }
            Ok(count)
        })?;
        assert_eq!((attempts, counted), (2, 1));
        let names: Vec<String> = engine
            .session()?
            .query::<User>()
            .order_by(|u| u.name)
            .select(|u| u.name)
            .fetch()?;
        assert_eq!(names, ["first after 1", "second after 0"]);
        Ok(())
    });
}

#[test]
fn isolation_of_a_url() {
    on_each(|engine| {
        let mut connection = engine.with_isolation(Isolation::ReadUncommitted).connect()?;
        connection.begin(aludel::TransactionMode::ReadOnly)?;
        assert!(connection.in_transaction());
        // Twice is an error, whatever the level.
        assert!(connection.begin(aludel::TransactionMode::Deferred).is_err());
        connection.rollback()
    });
    for url in backends() {
        let engine = Engine::open(&format!("{url}?isolation=serializable")).unwrap();
        assert_eq!(
            engine.connect().unwrap().scalar::<i64>("SELECT 1", &[]).unwrap(),
            1
        );
    }
}
