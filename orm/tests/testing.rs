//! What tests of applications use: sandboxes, factories. And what pools tell.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aludel::engine::PoolEvent;
use aludel::prelude::*;
use aludel::testing::Factory;
use aludel::{Error, Failure};
use support::{Group, Post, User, on_each, on_each_shared};

fn names(engine: &Engine) -> aludel::Result<Vec<String>> {
    let mut session = engine.session()?;
    session
        .query::<User>()
        .order_by(|u| u.name)
        .select(|u| u.name)
        .fetch()
}

fn add(engine: &Engine, name: &str) -> aludel::Result<()> {
    engine.transaction(|session| {
        session.add(User::new(name));
        Ok(())
    })
}

#[test]
fn sandbox_forgets_what_was_committed_in_it() {
    on_each(|engine| {
        add(&engine, "Mike")?;
        let sandbox = engine.sandbox()?;
        add(&sandbox, "Nick")?;
        add(&sandbox, "Nike")?;
        assert_eq!(names(&sandbox)?, ["Mike", "Nick", "Nike"]);
        drop(sandbox);
        assert_eq!(names(&engine)?, ["Mike"]);
        Ok(())
    });
}

#[test]
fn sandbox_rolls_back_within() {
    on_each(|engine| {
        let sandbox = engine.sandbox()?;
        add(&sandbox, "Mike")?;
        let mut session = sandbox.session()?;
        let nick = session.add(User::new("Nick"));
        session.flush()?;
        session.rollback()?;
        assert!(!session.contains(nick));
        assert_eq!(names(&sandbox)?, ["Mike"]);
        let failed = sandbox.transaction(|session| {
            session.add(User::new("Nike"));
            session.flush()?;
            let nested: aludel::Result<()> = session.nested(|session| {
                session.add(User::new("Mike"));
                session.flush()
            });
            assert_eq!(nested.unwrap_err().failure(), Some(Failure::Unique));
            session.get::<User>(99).map(drop)
        });
        assert!(matches!(failed, Err(Error::NotFound { .. })));
        assert_eq!(names(&sandbox)?, ["Mike"]);
        Ok(())
    });
}

#[test]
fn sandbox_outlives_statements_that_fail() {
    on_each(|engine| {
        let sandbox = engine.sandbox()?;
        add(&sandbox, "Mike")?;
        let mut connection = sandbox.connect()?;
        for _ in 0..2 {
            assert!(connection.execute("SELECT * FROM nowhere", &[]).is_err());
        }
        connection.execute("UPDATE users SET age = 3", &[])?;
        assert!(
            connection
                .execute("INSERT INTO users (name) VALUES ('Mike')", &[])
                .is_err()
        );
        let age: i64 = connection.scalar("SELECT age FROM users", &[])?;
        assert_eq!(age, 3);
        drop(connection);
        drop(sandbox);
        assert!(names(&engine)?.is_empty());
        Ok(())
    });
}

#[test]
fn sandbox_has_one_connection_and_no_levels() {
    on_each(|engine| {
        let sandbox = engine.sandbox()?.with_isolation(Isolation::Serializable);
        assert_eq!(sandbox.pool_status().max, 1);
        add(&sandbox, "Mike")?;
        assert_eq!(names(&sandbox)?, ["Mike"]);
        Ok(())
    });
}

#[test]
fn sandbox_says_when_it_is_over() {
    on_each(|engine| {
        let sandbox = engine.sandbox()?;
        sandbox.connect()?.execute_batch("ROLLBACK")?;
        let error = names(&sandbox).unwrap_err();
        assert!(error.to_string().contains("the sandbox is over"), "{error}");
        // The engine itself goes on.
        drop(sandbox);
        add(&engine, "Mike")?;
        assert_eq!(names(&engine)?, ["Mike"]);
        Ok(())
    });
}

#[test]
fn sandbox_hears_what_the_engine_hears() {
    on_each(|engine| {
        let heard = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&heard);
        engine.listen(|on| {
            on.after_any_insert(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
        });
        add(&engine.sandbox()?, "Mike")?;
        assert_eq!(heard.load(Ordering::Relaxed), 1);
        Ok(())
    });
}

#[test]
fn factory_fills_in_and_numbers() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = Factory::new(|n| User::new(format!("user {n}")));
        let old = users.with(|user| user.age = 90);
        let known = old.with(|user| user.email = Some(format!("{}@example.org", user.name)));
        let first = users.add(&mut session);
        let second = old.add(&mut session);
        let third = known.build(&mut session);
        session.commit()?;
        assert_eq!((session[first].name.as_str(), session[first].age), ("user 1", 0));
        assert_eq!(
            (session[second].name.as_str(), session[second].age),
            ("user 2", 90)
        );
        assert_eq!(third.email.as_deref(), Some("user 3@example.org"));
        assert_eq!(session.query::<User>().count()?, 2);
        Ok(())
    });
}

#[test]
fn factory_uses_others() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = Factory::new(|n| User::new(format!("user {n}")));
        let writers = users.clone();
        let posts = Factory::within(move |session, n| {
            let mut post = Post::new(format!("post {n}"));
            post.author = Some(writers.add(session).into());
            post
        });
        let posts = posts.add_many(&mut session, 3);
        users.add(&mut session);
        session.commit()?;
        let author = session.related(posts[2], |p| p.author)?.expect("an author");
        assert_eq!(session[author].name, "user 3");
        assert_eq!(session.query::<User>().count()?, 4);
        Ok(())
    });
}

#[test]
fn pool_tells_what_it_does() {
    on_each_shared(|engine| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        engine.on_pool(move |event| listener.lock().unwrap().push(event));
        let first = engine.connect()?;
        let second = engine.connect()?;
        drop(second);
        drop(first);
        drop(engine);
        let told = told.lock().unwrap().clone();
        use PoolEvent::{Closed, GivenBack, Opened, Taken};
        assert_eq!(told, [Taken, Opened, Taken, GivenBack, GivenBack, Closed, Closed]);
        Ok(())
    });
}

#[test]
fn connections_are_set_up_before_their_first_use() {
    on_each_shared(|engine| {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        engine.on_connect(move |connection| {
            counted.fetch_add(1, Ordering::Relaxed);
            connection.execute("SELECT 1", &[]).map(drop)
        });
        let first = engine.connect()?;
        let second = engine.connect()?;
        assert_eq!(count.load(Ordering::Relaxed), 2);
        drop((first, second));
        // Both have had it.
        drop((engine.connect()?, engine.connect()?));
        assert_eq!(count.load(Ordering::Relaxed), 2);
        // Later ones are made up for.
        let failing = Arc::new(AtomicU32::new(1));
        let fails = Arc::clone(&failing);
        engine.on_connect(move |connection| match fails.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            _ => connection.execute("SELECT * FROM nowhere", &[]).map(drop),
        });
        assert!(engine.connect().is_err());
        assert_eq!(engine.pool_status().used, 0);
        drop(engine.connect()?);
        assert_eq!(count.load(Ordering::Relaxed), 2);
        Ok(())
    });
}

#[test]
fn text_collated() {
    on_each(|engine| {
        let (collation, equal) = match engine.dialect().name() {
            "postgresql" => ("C", false),
            "mysql" => ("utf8mb4_bin", false),
            _ => ("nocase", true),
        };
        let mut session = engine.session()?;
        session.add_all(["a", "B"].map(Group::new));
        session.commit()?;
        let found = session
            .query::<Group>()
            .filter(|g| g.name.collate(collation).eq("A"))
            .count()?;
        assert_eq!(found, u64::from(equal));
        let ordered = session
            .query::<Group>()
            .order_by(|g| g.name.collate(collation))
            .select(|g| g.name)
            .fetch()?;
        assert_eq!(ordered, if equal { ["a", "B"] } else { ["B", "a"] });
        Ok(())
    });
}
