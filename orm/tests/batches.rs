//! Tracked rows in batches: changed, written, and gone from the session again.

mod support;

use aludel::prelude::*;
use support::{Comment, Country, Group, Membership, Post, User, four, on_each};

/// So many users, `user 1` and so on, each of that age.
fn users(engine: &Engine, count: i64) -> aludel::Result<()> {
    let new = (1..=count).map(|n| User {
        age: n,
        ..User::new(format!("user {n}"))
    });
    engine.connect()?.insert(new).run()?;
    Ok(())
}

#[test]
fn batches_bring_each_row_once_in_the_order_of_the_key() {
    on_each(|engine| {
        users(&engine, 25)?;
        let mut session = engine.session()?;
        let (mut sizes, mut ages, mut handles) = (Vec::new(), Vec::new(), Vec::new());
        session.query::<User>().all_in_batches(10, |session, users| {
            sizes.push(users.len());
            ages.extend(users.iter().map(|user| session[*user].age));
            handles.extend_from_slice(users);
            assert!(users.iter().all(|user| session.contains(*user)));
            Ok(())
        })?;
        assert_eq!(sizes, [10, 10, 5]);
        assert_eq!(ages, (1..=25).collect::<Vec<_>>());
        assert!(!handles.iter().any(|user| session.contains(*user)));
        Ok(())
    });
}

#[test]
fn batches_of_a_query_with_conditions() {
    on_each(|engine| {
        users(&engine, 30)?;
        let mut session = engine.session()?;
        let mut ages = Vec::new();
        let odd = session
            .query::<User>()
            .filter(|u| (u.age % 2).eq(1))
            .filter(|u| u.age.gt(4));
        odd.all_in_batches(4, |session, users| {
            ages.extend(users.iter().map(|user| session[*user].age));
            Ok(())
        })?;
        assert_eq!(ages, (5..30).step_by(2).collect::<Vec<_>>());
        // None at all, and exactly one batch.
        let none = session.query::<User>().filter(|u| u.age.gt(100));
        none.all_in_batches(4, |_, _| panic!("there is nothing to tell of"))?;
        let mut calls = 0;
        session.query::<User>().all_in_batches(30, |_, users| {
            calls += 1;
            assert_eq!(users.len(), 30);
            Ok(())
        })?;
        assert_eq!(calls, 1);
        Ok(())
    });
}

#[test]
fn batches_write_their_changes() {
    on_each(|engine| {
        users(&engine, 25)?;
        let mut session = engine.session()?;
        session.query::<User>().all_in_batches(7, |session, users| {
            for user in users {
                let age = session[*user].age;
                match age % 5 {
                    0 => session.delete(*user),
                    1 => session[*user].email = Some(format!("{age}@example.org")),
                    _ => {}
                }
            }
            Ok(())
        })?;
        assert!(session.changes().is_empty());
        // Nobody else sees it before the commit; there it is.
        session.commit()?;
        let mut connection = engine.connect()?;
        assert_eq!(connection.query::<User>().count()?, 20);
        let mails = connection
            .query::<User>()
            .filter(|u| u.email.is_not_null())
            .order_by(|u| u.id)
            .select(|u| u.email)
            .fetch()?;
        let expected: Vec<_> = [1, 6, 11, 16, 21]
            .map(|age| Some(format!("{age}@example.org")))
            .into();
        assert_eq!(mails, expected);
        Ok(())
    });
}

#[test]
fn batches_are_rolled_back_like_other_changes() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let four = four(&mut session)?;
        users(&engine, 12)?;
        session.query::<User>().all_in_batches(5, |session, users| {
            for user in users {
                session[*user].age += 100;
            }
            session.add(Group::new("made on the way"));
            Ok(())
        })?;
        assert_eq!(session[four[0]].age, 100);
        session.rollback()?;
        assert_eq!(session[four[0]].age, 0);
        assert_eq!(session.query::<User>().filter(|u| u.age.ge(100)).count()?, 0);
        assert_eq!(session.query::<Group>().count()?, 0);
        let all = session.query::<User>().order_by(|u| u.id).all()?;
        assert_eq!(all[..4], four);
        assert_eq!(session[all[15]].age, 12);
        Ok(())
    });
}

#[test]
fn batches_keep_what_the_session_had() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let known = four(&mut session)?;
        users(&engine, 10)?;
        session[known[2]].email = Some("before".into());
        let mut seen = Vec::new();
        session.query::<User>().all_in_batches(3, |session, users| {
            seen.extend_from_slice(users);
            for user in users {
                session[*user].age += 1;
            }
            Ok(())
        })?;
        assert_eq!(seen[..4], known);
        assert_eq!(seen.len(), 14);
        for user in &known {
            assert_eq!(session[*user].age, 1);
        }
        assert_eq!(session[known[2]].email.as_deref(), Some("before"));
        assert!(!seen[4..].iter().any(|user| session.contains(*user)));
        session[known[0]].name = "Michael".into();
        session.commit()?;
        assert_eq!(session.query::<User>().filter(|u| u.age.eq(1)).count()?, 4);
        Ok(())
    });
}

#[test]
fn batches_take_what_was_loaded_and_added_on_the_way_along() {
    on_each(|engine| {
        users(&engine, 6)?;
        let mut session = engine.session()?;
        let mut on_the_way = Vec::new();
        session.query::<User>().all_in_batches(2, |session, users| {
            for user in users {
                let post = session.add(Post {
                    author: Some((*user).into()),
                    ..Post::new("hello")
                });
                session.add(Comment::new(post, "first"));
                on_the_way.push(post);
            }
            let related = session.related(users[0], |u| u.posts)?;
            assert_eq!(related.len(), 1);
            assert_eq!(session.related(related[0], |p| p.author)?, Some(users[0]));
            Ok(())
        })?;
        assert!(!on_the_way.iter().any(|post| session.contains(*post)));
        session.commit()?;
        assert_eq!(session.query::<Comment>().count()?, 6);
        // What was let go of is read as anything else.
        let users = session
            .query::<User>()
            .order_by(|u| u.id)
            .with(|u| u.posts)
            .all()?;
        assert!(users.iter().all(|(_, posts)| posts.len() == 1));
        Ok(())
    });
}

#[test]
fn batches_can_be_committed_one_by_one() {
    on_each(|engine| {
        users(&engine, 9)?;
        let mut session = engine.session()?;
        let mut batches = 0;
        let failed = session.query::<User>().all_in_batches(3, |session, users| {
            batches += 1;
            for user in users {
                session[*user].age = 0;
            }
            session.commit()?;
            match batches {
                2 => Err(aludel::Error::refused("that is enough")),
                _ => Ok(()),
            }
        });
        assert_eq!(failed.unwrap_err().to_string(), "that is enough");
        session.rollback()?;
        assert_eq!(session.query::<User>().filter(|u| u.age.eq(0)).count()?, 6);
        Ok(())
    });
}

#[test]
fn batches_that_roll_back_on_the_way() {
    on_each(|engine| {
        users(&engine, 9)?;
        let mut session = engine.session()?;
        let mut ages = Vec::new();
        session.query::<User>().all_in_batches(4, |session, users| {
            for user in users {
                ages.push(session[*user].age);
                session[*user].age = 0;
            }
            session.flush()?;
            session.rollback()
        })?;
        assert_eq!(ages, (1..=9).collect::<Vec<_>>());
        assert_eq!(session.query::<User>().filter(|u| u.age.eq(0)).count()?, 0);
        Ok(())
    });
}

#[test]
fn batches_by_keys_of_text_and_of_several_columns() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.add_all(["de", "ch", "fr", "at", "it"].map(|code| Country::new(code, "?")));
        let users = four(&mut session)?;
        let groups = session.add_all(["a", "b", "c"].map(Group::new));
        for user in &users {
            for group in &groups {
                session.add(Membership::new(*user, *group));
            }
        }
        session.commit()?;
        let mut session = engine.session()?;
        let mut codes = Vec::new();
        session
            .query::<Country>()
            .all_in_batches(2, |session, countries| {
                for country in countries {
                    codes.push(session[*country].code.clone());
                    session[*country].name = "renamed".into();
                }
                Ok(())
            })?;
        assert_eq!(codes, ["at", "ch", "de", "fr", "it"]);
        let mut members = Vec::new();
        session
            .query::<Membership>()
            .all_in_batches(5, |session, batch| {
                for membership in batch {
                    let row = &session[*membership];
                    members.push((row.user.clone(), row.group.clone()));
                    session[*membership].role = "owner".into();
                }
                Ok(())
            })?;
        let expected = session
            .query::<Membership>()
            .order_by(|m| (m.user, m.group))
            .select(|m| (m.user, m.group))
            .fetch()?;
        assert_eq!(members, expected);
        assert_eq!(members.len(), 12);
        session.commit()?;
        let owners = session
            .query::<Membership>()
            .filter(|m| m.role.eq("owner"))
            .count()?;
        assert_eq!(owners, 12);
        Ok(())
    });
}

#[test]
fn batches_see_rows_that_are_added_behind() {
    on_each(|engine| {
        users(&engine, 4)?;
        let mut session = engine.session()?;
        let mut seen = 0;
        session.query::<User>().all_in_batches(2, |session, users| {
            seen += users.len();
            if seen == 2 {
                session.add(User::new("late"));
            }
            Ok(())
        })?;
        assert_eq!(seen, 5);
        Ok(())
    });
}

#[test]
fn batches_refuse_what_has_another_order() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let refused = |done: aludel::Result<()>| {
            let message = done.unwrap_err().to_string();
            assert!(message.contains("the order of the key"), "{message}");
        };
        refused(
            session
                .query::<User>()
                .order_by(|u| u.name)
                .all_in_batches(2, |_, _| Ok(())),
        );
        refused(session.query::<User>().limit(3).all_in_batches(2, |_, _| Ok(())));
        refused(
            session
                .query::<User>()
                .distinct()
                .all_in_batches(2, |_, _| Ok(())),
        );
        Ok(())
    });
}
