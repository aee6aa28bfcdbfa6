//! The session: identity map, unit of work, commit and rollback.

mod support;

use aludel::dialect::Feature;
use aludel::prelude::*;
use aludel::{Error, Failure, HandleError};
use support::{Comment, Country, Group, Membership, Node, Post, User, four, on_each};

#[test]
fn add_commit_query_change_delete() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        assert_eq!(
            users.iter().map(|u| session[*u].id.get()).collect::<Vec<_>>(),
            [Some(1), Some(2), Some(3), Some(4)]
        );
        for user in session
            .query::<User>()
            .filter(|u| u.name.like("M%"))
            .order_by(|u| u.name.desc())
            .all()?
        {
            session[user].email = Some("m@example.org".into());
        }
        session.commit()?;
        let mut other = engine.session()?;
        let with_email = other
            .query::<User>()
            .filter(|u| u.email.is_not_null())
            .select(|u| u.name)
            .fetch()?;
        assert_eq!(with_email, ["Mike", "Mick"]);
        other.close()?;
        users.iter().for_each(|user| session.delete(*user));
        session.commit()?;
        assert_eq!(session.query::<User>().count()?, 0);
        assert!(!session.contains(users[0]));
        Ok(())
    });
}

#[test]
fn one_row_has_one_handle_and_a_known_key_needs_no_statement() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let mike = assert_statements!(0, session.get::<User>(1)?);
        assert_eq!(mike, users[0]);
        assert_eq!(session.query::<User>().filter(|u| u.name.eq("Mike")).one()?, mike);
        let mut fresh = engine.session()?;
        session.rollback()?;
        // begin and select
        let mike = assert_statements!(2, fresh.get::<User>(1)?);
        assert_statements!(0, fresh.get::<User>(1)?);
        assert_eq!(fresh[mike].name, "Mike");
        assert!(matches!(
            fresh.get::<User>(77),
            Err(Error::NotFound { table: "users", .. })
        ));
        assert_eq!(fresh.find::<User>(77)?, None);
        Ok(())
    });
}

#[test]
fn only_changed_columns_are_written() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        engine
            .connect()?
            .execute("UPDATE users SET age = 50 WHERE id = 1", &[])?;
        session[mike].email = Some("x".into());
        assert_eq!(session.changes()[0].columns, ["email"]);
        // begin, update, commit
        assert_statements!(3, session.commit()?);
        session.refresh(mike)?;
        assert_eq!(
            (session[mike].age, session[mike].email.as_deref()),
            (50, Some("x"))
        );
        // touched, but as it was: nothing to write
        session[mike].age = 50;
        assert!(session.changes().is_empty());
        assert_statements!(1, session.commit()?);
        Ok(())
    });
}

#[test]
fn many_new_rows_are_one_prepared_statement_and_get_their_keys() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = session.add_all((0..200).map(|i| User::new(format!("user {i}"))));
        // begin, 200 runs of one INSERT, commit
        assert_statements!(202, session.commit()?);
        let ids: Vec<i64> = users.iter().filter_map(|u| session[*u].id.get()).collect();
        assert_eq!(ids, (1..=200).collect::<Vec<i64>>());
        Ok(())
    });
}

#[test]
fn queries_see_what_is_not_committed_yet() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.add(User::new("Mike"));
        assert_eq!(session.query::<User>().count()?, 1);
        session.set_autoflush(false);
        session.add(User::new("Nick"));
        assert_eq!(session.query::<User>().count()?, 1);
        session.flush()?;
        assert_eq!(session.query::<User>().count()?, 2);
        Ok(())
    });
}

#[test]
fn rollback_restores_memory_without_reading() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        session[users[0]].name = "Michael".into();
        session.flush()?;
        session[users[0]].age = 9;
        session.flush()?;
        session[users[0]].email = Some("unflushed".into());
        session.delete(users[1]);
        session.flush()?;
        session.delete(users[2]);
        let new = session.add(User::new("New"));
        session.flush()?;
        let unflushed = session.add(User::new("Newer"));
        assert_statements!(1, session.rollback()?);
        let mike = &session[users[0]];
        assert_eq!(
            (mike.name.as_str(), mike.age, mike.email.as_deref()),
            ("Mike", 0, None)
        );
        assert_eq!(session[users[1]].name, "Nick");
        assert!(!session.contains(new) && !session.contains(unflushed));
        assert!(session.changes().is_empty());
        assert_eq!(assert_statements!(0, session.get::<User>(2)?), users[1]);
        assert_eq!(session.query::<User>().count()?, 4);
        // and it goes on
        session[users[0]].name = "Michael".into();
        session.commit()?;
        assert_eq!(
            engine
                .connect()?
                .query::<User>()
                .filter(|u| u.name.eq("Michael"))
                .count()?,
            1
        );
        Ok(())
    });
}

#[test]
fn savepoints_nest() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        session[mike].age = 1;
        let outer: aludel::Result<()> = session.nested(|session| {
            session[mike].age = 2;
            let inner: aludel::Result<()> = session.nested(|session| {
                session[mike].age = 3;
                session.add(User::new("Inner"));
                session.flush()?;
                Err(Error::Flush("no".into()))
            });
            assert!(inner.is_err());
            assert_eq!(session[mike].age, 2);
            session.nested(|session| {
                session.add(User::new("Kept"));
                Ok(())
            })
        });
        outer?;
        session.commit()?;
        let names = engine
            .connect()?
            .query::<User>()
            .order_by(|u| u.id)
            .select(|u| u.name)
            .fetch()?;
        assert_eq!(names, ["Mike", "Nick", "Mick", "Nike", "Kept"]);
        assert_eq!(
            engine
                .connect()?
                .query::<User>()
                .filter(|u| u.id.eq(1))
                .fetch_one()?
                .age,
            2
        );
        Ok(())
    });
}

#[test]
fn parents_are_inserted_first_whatever_the_order_of_add() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = session.add(User::new("Mike"));
        let mut post = Post::new("hello");
        post.author = Some(mike.into());
        let post = session.add(post);
        let comment = session.add(Comment::new(post, "first!"));
        session.commit()?;
        assert_eq!(session[post].author, Some(Fk::Key(session[mike].id)));
        assert_eq!(session[comment].post.key(), Some(&session[post].id));
        Ok(())
    });
}

#[test]
fn children_added_before_their_parents_arena_exists() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mut post = Post::new("orphan at first");
        post.likes = 3;
        let post = session.add(post);
        let mike = session.add(User::new("Mike"));
        session[post].author = Some(mike.into());
        session.commit()?;
        let found = engine.connect()?.query::<Post>().fetch_one()?;
        assert_eq!(found.author, Some(Fk::to(1)));
        Ok(())
    });
}

#[test]
fn trees_are_written_from_the_root_and_deleted_from_the_leaves() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let leaf = session.add(Node::new("leaf"));
        let branch = session.add(Node::new("branch"));
        let root = session.add(Node::new("root"));
        session[leaf].parent = Some(branch.into());
        session[branch].parent = Some(root.into());
        session.commit()?;
        assert_eq!(session[root].id, 1);
        assert_eq!(session[leaf].id, 3);
        session.delete(root);
        session.commit()?;
        assert_eq!(session.query::<Node>().count()?, 0);
        Ok(())
    });
}

#[test]
fn rows_that_refer_to_each_other_in_a_circle() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let hen = session.add(Node::new("hen"));
        let egg = session.add(Node::new("egg"));
        session[hen].parent = Some(egg.into());
        session[egg].parent = Some(hen.into());
        session.commit()?;
        let rows = engine.connect()?.query::<Node>().order_by(|n| n.id).fetch()?;
        assert_eq!(rows[0].parent, Some(Fk::Key(rows[1].id)));
        assert_eq!(rows[1].parent, Some(Fk::Key(rows[0].id)));
        Ok(())
    });
}

#[test]
fn a_stale_write_is_an_error_that_names_the_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let post = session.add(Post::new("hello"));
        session.commit()?;
        session[post].likes = 1;
        session.commit()?;
        assert_eq!(session[post].version, 2);
        engine.connect()?.execute("UPDATE posts SET version = 7", &[])?;
        session[post].likes = 2;
        let error = session.commit().unwrap_err();
        assert!(
            matches!(&error, Error::Stale { table: "posts", key } if key == "1"),
            "{error}"
        );
        session.rollback()?;
        assert_eq!(session[post].likes, 1);
        session.refresh(post)?;
        session[post].likes = 2;
        session.commit()?;
        assert_eq!(session[post].version, 8);
        Ok(())
    });
}

#[test]
fn a_failed_flush_can_be_mended_or_rolled_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let good = session.add(User::new("Good"));
        let bad = session.add(User::new("Mike"));
        let error = session.commit().unwrap_err();
        assert_eq!(error.failure(), Some(Failure::Unique));
        if !engine.dialect().supports(Feature::StatementRollback) {
            let error = session.commit().unwrap_err().to_string();
            assert!(
                error.contains("a statement of this transaction failed"),
                "{error}"
            );
            session.rollback()?;
            assert_eq!(session.query::<User>().count()?, 4);
            return Ok(());
        }
        assert!(session[good].id.is_assigned() && !session[bad].id.is_assigned());
        session[bad].name = "Michael".into();
        session.commit()?;
        assert_eq!(session.query::<User>().count()?, 6);
        Ok(())
    });
}

#[test]
fn keys_of_text_and_of_two_columns() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let swiss = session.add(Country::new("CH", "Switzerland"));
        let mike = session.add(User::new("Mike"));
        let group = session.add(Group::new("admins"));
        let membership = session.add(Membership::new(mike, group));
        session.commit()?;
        assert_eq!(session.get::<Country>("CH")?, swiss);
        let key = (session[mike].id, session[group].id);
        assert_eq!(session.get::<Membership>(key)?, membership);
        assert_eq!(session[membership].role, "member");
        session[membership].role = "owner".into();
        session[swiss].code = "SU".into();
        session.commit()?;
        assert_eq!(assert_statements!(0, session.get::<Country>("SU")?), swiss);
        assert_eq!(session.find::<Country>("CH")?, None);
        let mut other = engine.session()?;
        session.rollback()?;
        let found = other.get::<Membership>(key)?;
        assert_eq!(other[found].role, "owner");
        Ok(())
    });
}

#[test]
fn handles_are_good_in_their_session_only() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        let other = engine.session()?;
        assert!(other.peek(mike).is_none());
        session.delete(mike);
        session.commit()?;
        assert!(session.peek(mike).is_none());
        assert!(matches!(
            session.refresh(mike),
            Err(Error::Handle(HandleError::Gone))
        ));
        Ok(())
    });
}

#[test]
fn bulk_statements_keep_the_identity_map_right() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let changed = session
            .update::<User>()
            .set(|u| u.age.to(u.age + 5))
            .filter(|u| u.name.like("M%"))
            .run()?;
        assert_eq!(changed, 2);
        assert_eq!((session[users[0]].age, session[users[1]].age), (5, 0));
        let deleted = session
            .delete_where::<User>()
            .filter(|u| u.name.eq("Nick"))
            .run()?;
        assert_eq!(deleted, 1);
        assert_eq!(session.find::<User>(2)?, None);
        session.rollback()?;
        assert_eq!(session[users[0]].age, 0);
        assert_eq!(session.get::<User>(2)?, users[1]);
        Ok(())
    });
}

#[test]
fn merge_takes_a_plain_struct_over() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        let mut copy = session[mike].clone();
        copy.age = 33;
        assert_eq!(session.merge(copy)?, mike);
        assert_eq!(session.changes()[0].columns, ["age"]);
        let unknown = session.merge(User {
            id: 9.into(),
            name: "Nine".into(),
            email: None,
            age: 9,
        })?;
        session.commit()?;
        assert_eq!(session[unknown].id, 9);
        let taken = session.expunge(mike)?;
        assert_eq!(taken.age, 33);
        assert!(!session.contains(mike));
        Ok(())
    });
}

#[test]
fn expired_entities_are_read_anew_by_the_next_query() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        engine.connect()?.execute("UPDATE users SET age = 50", &[])?;
        session.query::<User>().all()?;
        assert_eq!(session[mike].age, 0);
        session.expire_all();
        session.get::<User>(1)?;
        assert_eq!(session[mike].age, 50);
        Ok(())
    });
}

#[test]
fn a_read_only_session_does_not_write() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        session.set_read_only(true);
        session[mike].age = 1;
        assert!(matches!(session.commit(), Err(Error::ReadOnly(_))));
        session.rollback()?;
        assert_eq!(session.query::<User>().count()?, 4);
        Ok(())
    });
}

#[test]
fn a_session_can_move_to_another_thread() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        let mut session = std::thread::spawn(move || {
            session[mike].age = 4;
            session
        })
        .join()
        .unwrap();
        session.commit()?;
        assert_eq!(session[mike].age, 4);
        Ok(())
    });
}

#[test]
fn dropping_a_session_rolls_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.add(User::new("Mike"));
        session.flush()?;
        drop(session);
        assert_eq!(engine.connect()?.query::<User>().count()?, 0);
        Ok(())
    });
}

#[test]
fn what_was_expunged_and_loaded_again_is_taken_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        session[users[0]].age = 50;
        let new = session.add(User::new("Noah"));
        session.flush()?;
        session.expunge(users[0])?;
        session.expunge(new)?;
        let all = session.query::<User>().order_by(|u| u.id).all()?;
        let (mike, noah) = (all[0], all[4]);
        assert_eq!(session[mike].age, 50);
        session[noah].age = 3;
        session.flush()?;
        session.rollback()?;
        // A row that was never committed is not in the session.
        assert!(!session.contains(noah));
        assert_eq!(session.query::<User>().all()?.len(), 4);
        assert_eq!(session[mike].age, 0);
        Ok(())
    });
}

#[test]
fn what_was_expunged_within_a_savepoint_is_taken_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let before = session.add(User::new("Mike"));
        session.flush()?;
        let mut within = None;
        let failed: aludel::Result<()> = session.nested(|session| {
            let new = session.add(User::new("Nick"));
            session.flush()?;
            session.expunge(new)?;
            within = session
                .query::<User>()
                .order_by(|u| u.id.desc())
                .all()?
                .first()
                .copied();
            Err(Error::Flush("taken back".into()))
        });
        assert!(failed.is_err());
        let within = within.expect("it was loaded");
        assert!(!session.contains(within) && session.contains(before));
        session.commit()?;
        assert_eq!(session.query::<User>().count()?, 1);
        Ok(())
    });
}
