//! Loading relations in the statement of the query, and by rows of an explicit join.

mod support;

use aludel::Error;
use aludel::prelude::*;
use support::{Group, Membership, Post, Profile, User, four, on_each};

/// Mike has three posts and a profile, Nick one post, both are in groups; Mick and Nike have nothing.
fn data(session: &mut Session) -> aludel::Result<Vec<Handle<User>>> {
    let users = four(session)?;
    for (user, titles) in [(users[0], &["c", "a", "b"][..]), (users[1], &["d"][..])] {
        for (i, title) in titles.iter().enumerate() {
            let mut post = Post::new(*title);
            post.author = Some(user.into());
            post.likes = i as i64;
            session.add(post);
        }
    }
    session.add(Profile::new(users[0], "onwards"));
    let groups = session.add_all(["one", "two"].map(Group::new));
    session.add_all([
        Membership::new(users[0], groups[0]),
        Membership::new(users[0], groups[1]),
        Membership::new(users[1], groups[1]),
    ]);
    session.commit()?;
    Ok(users)
}

fn titles(posts: &[Post]) -> Vec<&str> {
    posts.iter().map(|post| post.title.as_str()).collect()
}

#[test]
fn joined_loading_of_many_is_one_statement() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        session.query::<User>().exists()?;
        let query = session
            .query::<User>()
            .order_by(|u| u.id)
            .with_joined(|u| u.posts);
        let found: Vec<(User, Vec<Post>)> = assert_statements!(1, query.fetch()?);
        let shown: Vec<_> = found
            .iter()
            .map(|(user, posts)| (user.name.as_str(), titles(posts)))
            .collect();
        let expected: [(&str, Vec<&str>); 4] = [
            ("Mike", vec!["c", "a", "b"]),
            ("Nick", vec!["d"]),
            ("Mick", vec![]),
            ("Nike", vec![]),
        ];
        assert_eq!(shown, expected);
        Ok(())
    });
}

#[test]
fn joined_loading_of_references() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        session.add(Post::new("orphan"));
        let posts: Vec<(Post, Option<User>)> = session
            .query::<Post>()
            .order_by(|p| p.id)
            .with_joined(|p| p.author)
            .fetch()?;
        let authors: Vec<Option<&str>> = posts
            .iter()
            .map(|(_, author)| author.as_ref().map(|user| user.name.as_str()))
            .collect();
        assert_eq!(
            authors,
            [Some("Mike"), Some("Mike"), Some("Mike"), Some("Nick"), None]
        );
        let profiles: Vec<(Profile, User)> = session.query::<Profile>().with_joined(|p| p.user).fetch()?;
        assert_eq!(profiles[0].1.name, "Mike");
        let users: Vec<(User, Option<Profile>)> = session
            .query::<User>()
            .order_by(|u| u.id)
            .with_joined(|u| u.profile)
            .fetch()?;
        assert_eq!(users.iter().filter(|(_, profile)| profile.is_some()).count(), 1);
        Ok(())
    });
}

#[test]
fn joined_loading_through_an_entity() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        let users = session
            .query::<User>()
            .order_by(|u| u.id)
            .with_joined(|u| u.groups)
            .fetch()?;
        let counts: Vec<usize> = users.iter().map(|(_, groups)| groups.len()).collect();
        assert_eq!(counts, [2, 1, 0, 0]);
        Ok(())
    });
}

#[test]
fn joined_loading_of_several_relations_repeats_nothing() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        session.query::<User>().exists()?;
        let query = session.query::<User>().order_by(|u| u.id);
        let query = query
            .with_joined(|u| u.posts)
            .with_joined(|u| u.groups)
            .with_joined(|u| u.profile);
        let found = assert_statements!(1, query.fetch()?);
        let (mike, ((posts, groups), profile)) = &found[0];
        assert_eq!(
            (mike.name.as_str(), titles(posts), groups.len()),
            ("Mike", vec!["c", "a", "b"], 2)
        );
        assert!(profile.is_some());
        assert_eq!(found.len(), 4);
        Ok(())
    });
}

#[test]
fn joined_loading_tracks() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = data(&mut session)?;
        let found = session
            .query::<User>()
            .order_by(|u| u.id)
            .with_joined(|u| u.posts)
            .all()?;
        assert_eq!(found.iter().map(|(user, _)| *user).collect::<Vec<_>>(), users);
        let mike = &found[0];
        assert_eq!(session.related(mike.0, |u| u.posts)?, mike.1);
        session[mike.1[0]].title = "changed".into();
        session.commit()?;
        assert_eq!(
            session
                .query::<Post>()
                .filter(|p| p.title.eq("changed"))
                .count()?,
            1
        );
        Ok(())
    });
}

#[test]
fn a_limit_counts_entities_and_not_joined_rows() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        let query = session
            .query::<User>()
            .order_by(|u| u.id)
            .limit(2)
            .with_joined(|u| u.posts);
        let found = query.fetch()?;
        let shown: Vec<_> = found
            .iter()
            .map(|(user, posts)| (user.name.as_str(), posts.len()))
            .collect();
        assert_eq!(shown, [("Mike", 3), ("Nick", 1)]);
        let second = session
            .query::<User>()
            .order_by(|u| u.id)
            .limit(1)
            .offset(1)
            .with_joined(|u| u.posts)
            .fetch()?;
        assert_eq!((second[0].0.name.as_str(), second.len()), ("Nick", 1));
        Ok(())
    });
}

#[test]
fn conditions_of_a_joined_query_are_about_its_entity() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        let found = session
            .query::<User>()
            .filter(|u| u.name.like("M%") & u.posts.exists())
            .with_joined(|u| u.posts)
            .fetch()?;
        assert_eq!((found.len(), found[0].1.len()), (1, 3));
        Ok(())
    });
}

#[test]
fn a_query_that_finds_nothing_joins_nothing() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let found = session
            .query::<User>()
            .with_joined(|u| u.posts)
            .with_joined(|u| u.groups)
            .fetch()?;
        assert!(found.is_empty());
        Ok(())
    });
}

#[test]
fn the_statement_of_a_joined_query_can_be_looked_at() {
    let sql = query::<Profile>().with_joined(|p| p.user).to_sql();
    assert!(sql.contains("LEFT JOIN users"), "{sql}");
    let sql = query::<User>().limit(1).with_joined(|u| u.posts).to_sql();
    assert!(sql.contains("FROM (SELECT"), "{sql}");
}

#[test]
fn gathering_rows_of_an_explicit_join() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        session.query::<User>().exists()?;
        let query = session
            .query::<User>()
            .join(|u| u.posts)
            .filter(|(_, p)| p.likes.gt(0));
        let found = assert_statements!(1, query.order_by(|(_, p)| p.title.desc()).gathered().fetch()?);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].0.name.as_str(), titles(&found[0].1)),
            ("Mike", vec!["b", "a"])
        );
        Ok(())
    });
}

#[test]
fn gathering_rows_of_a_left_join_keeps_those_without() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = data(&mut session)?;
        let query = session
            .query::<User>()
            .left_join(|u| u.posts)
            .order_by(|(u, p)| (u.id, p.id));
        let found = query.gathered().all()?;
        assert_eq!(found.iter().map(|(user, _)| *user).collect::<Vec<_>>(), users);
        assert_eq!(
            found.iter().map(|(_, posts)| posts.len()).collect::<Vec<_>>(),
            [3, 1, 0, 0]
        );
        assert_eq!(session[found[1].1[0]].title, "d");
        Ok(())
    });
}

#[test]
fn gathering_rows_of_a_join_on_any_condition() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        let query = session
            .query::<User>()
            .join_on::<User>()
            .on(|(a, b)| a.id.lt(b.id));
        let found = query.order_by(|(a, b)| (a.id, b.id)).gathered().fetch()?;
        let shown: Vec<_> = found
            .iter()
            .map(|(user, later)| (user.name.as_str(), later.len()))
            .collect();
        assert_eq!(shown, [("Mike", 3), ("Nick", 2), ("Mick", 1)]);
        Ok(())
    });
}

#[test]
fn counts_come_without_loading() {
    on_each(|engine| {
        let mut session = engine.session()?;
        data(&mut session)?;
        let counts = session
            .query::<User>()
            .order_by(|u| u.id)
            .select(|u| (u.name, u.posts.count(), u.groups.count()));
        let expected = [("Mike", 3, 2), ("Nick", 1, 1), ("Mick", 0, 0), ("Nike", 0, 0)];
        assert_eq!(
            counts.fetch()?,
            expected.map(|(name, posts, groups)| (name.to_owned(), posts, groups))
        );
        Ok(())
    });
}

#[test]
fn joined_loading_of_a_reference_that_leads_nowhere_is_an_error() {
    on_each(|engine| {
        if engine.dialect().name() != "sqlite" {
            // Elsewhere a broken reference cannot be made.
            return support::matrix::not_applicable("foreign keys cannot be switched off");
        }
        let mut session = engine.session()?;
        data(&mut session)?;
        session.rollback()?;
        let mut connection = engine.connect()?;
        connection.execute_batch(
            "PRAGMA foreign_keys = OFF; UPDATE profiles SET user_id = 99; PRAGMA foreign_keys = ON",
        )?;
        drop(connection);
        let error = session
            .query::<Profile>()
            .with_joined(|p| p.user)
            .fetch()
            .unwrap_err();
        assert!(
            matches!(&error, Error::Flush(message) if message.contains("user_id")),
            "{error}"
        );
        Ok(())
    });
}
