//! Relations: lazy and eager loading, cascades.

mod support;

use aludel::Error;
use aludel::prelude::*;
use support::{Comment, Group, Membership, Node, Post, Profile, User, four, on_each};

/// Each of the four with `n` posts of two comments.
fn with_posts(session: &mut Session, n: usize) -> aludel::Result<Vec<Handle<User>>> {
    let users = four(session)?;
    for user in &users {
        for i in 0..n {
            let mut post = Post::new(format!("{} {i}", session[*user].name));
            post.author = Some((*user).into());
            let post = session.add(post);
            session.add_all([Comment::new(post, "a"), Comment::new(post, "b")]);
        }
    }
    session.commit()?;
    Ok(users)
}

#[test]
fn lazy_loads_once() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 2)?;
        session.query::<User>().all()?;
        let posts = assert_statements!(1, session.related(users[0], |u| u.posts)?);
        assert_eq!(posts.len(), 2);
        assert_eq!(
            assert_statements!(0, session.related(users[0], |u| u.posts)?),
            posts
        );
        assert_eq!(
            assert_statements!(0, session.related(posts[0], |p| p.author)?),
            Some(users[0])
        );
        // a new row of that table may change the answer
        let mut post = Post::new("new");
        post.author = Some(users[0].into());
        session.add(post);
        assert_eq!(session.related(users[0], |u| u.posts)?.len(), 3);
        Ok(())
    });
}

#[test]
fn one_to_one_and_references() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let profile = session.add(Profile::new(users[0], "onwards"));
        assert_eq!(session.related(users[0], |u| u.profile)?, Some(profile));
        assert_eq!(session.related(users[1], |u| u.profile)?, None);
        assert_eq!(session.related(profile, |p| p.user)?, users[0]);
        Ok(())
    });
}

#[test]
fn loading_for_many_is_one_statement() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 3)?;
        session.query::<User>().all()?;
        assert_statements!(1, session.load(&users, |u| u.posts)?);
        for user in &users {
            let posts = session.loaded(*user, |u| u.posts).unwrap();
            assert_eq!(posts.len(), 3);
            assert!(
                posts
                    .iter()
                    .all(|post| session[*post].title.starts_with(session[*user].name.as_str()))
            );
        }
        assert_eq!(session.loaded(users[0], |u| u.groups), None);
        Ok(())
    });
}

#[test]
fn loading_one_by_one_can_be_refused() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 1)?;
        session.limit_single_loads(Some(2));
        session.related(users[0], |u| u.posts)?;
        session.related(users[1], |u| u.posts)?;
        let error = session.related(users[2], |u| u.posts).unwrap_err();
        assert!(
            matches!(&error, Error::ManyLoads { relation, count: 3 } if relation == "User.posts"),
            "{error}"
        );
        Ok(())
    });
}

#[test]
fn eager_loading_is_part_of_the_query() {
    on_each(|engine| {
        let mut session = engine.session()?;
        with_posts(&mut session, 3)?;
        // begin, users, posts
        let users: Vec<(User, Vec<Post>)> = assert_statements!(
            3,
            session
                .query::<User>()
                .with(|u| u.posts.order_by(|p| p.id.desc()).limit(2))
                .fetch()?
        );
        assert_eq!(users.len(), 4);
        for (user, posts) in &users {
            let titles: Vec<&str> = posts.iter().map(|post| post.title.as_str()).collect();
            assert_eq!(titles, [format!("{} 2", user.name), format!("{} 1", user.name)]);
        }
        let nested = session
            .query::<User>()
            .limit(2)
            .with(|u| u.posts.with(|p| p.comments))
            .fetch()?;
        assert_eq!(nested[1].1[2].1.len(), 2);
        let filtered = session
            .query::<User>()
            .with(|u| u.posts.filter(|p| p.title.eq("Mike 1")))
            .fetch()?;
        assert_eq!(
            filtered.iter().map(|(_, posts)| posts.len()).collect::<Vec<_>>(),
            [1, 0, 0, 0]
        );
        let authors: Vec<(Post, Option<User>)> = session.query::<Post>().with(|p| p.author).fetch()?;
        assert!(
            authors
                .iter()
                .all(|(post, author)| post.title.starts_with(&author.as_ref().unwrap().name))
        );
        Ok(())
    });
}

#[test]
fn eager_loading_tracks_as_well() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 1)?;
        let group = session.add(Group::new("g"));
        session.add(Membership::new(users[1], group));
        let rows = session
            .query::<User>()
            .order_by(|u| u.id)
            .with(|u| u.posts)
            .with(|u| u.groups)
            .all()?;
        assert_eq!(rows[1].0, users[1]);
        let (posts, groups) = &rows[1].1;
        assert_eq!(session[posts[0]].title, "Nick 0");
        assert_eq!(groups, &[group]);
        Ok(())
    });
}

#[test]
fn deleting_a_parent_deletes_what_cascades() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 2)?;
        let group = session.add(Group::new("g"));
        session.add(Membership::new(users[0], group));
        session.add(Profile::new(users[0], "m"));
        session.commit()?;
        // in a session that knows nothing of the children
        let mut fresh = engine.session()?;
        session.rollback()?;
        let mike = fresh.get::<User>(1)?;
        fresh.delete(mike);
        fresh.commit()?;
        let mut connection = engine.connect()?;
        assert_eq!(connection.query::<Post>().count()?, 6);
        assert_eq!(connection.query::<Comment>().count()?, 12);
        assert_eq!(connection.query::<Membership>().count()?, 0);
        assert_eq!(connection.query::<Profile>().count()?, 0);
        drop(connection);
        // in one that knows them all
        let posts = session.related(users[1], |u| u.posts)?;
        let comments = session.related(posts[0], |p| p.comments)?;
        session.delete(users[1]);
        session.commit()?;
        assert!(!session.contains(posts[0]) && !session.contains(comments[0]));
        Ok(())
    });
}

#[test]
fn an_orphan_is_deleted() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 2)?;
        let posts = session.related(users[0], |u| u.posts)?;
        session[posts[0]].author = None;
        session[posts[1]].author = Some(users[1].into());
        session.commit()?;
        assert!(!session.contains(posts[0]));
        assert_eq!(session.related(users[1], |u| u.posts)?.len(), 3);
        Ok(())
    });
}

#[test]
fn what_the_database_cascades_is_followed_in_memory() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 1)?;
        let posts = session.related(users[0], |u| u.posts)?;
        let comments = session.related(posts[0], |p| p.comments)?;
        session
            .delete_where::<Post>()
            .filter(|p| p.id.eq(posts[0]))
            .run()?;
        session.rollback()?;
        assert!(session.contains(comments[0]));
        session
            .delete_where::<Post>()
            .filter(|p| p.id.eq(posts[0]))
            .run()?;
        session.commit()?;
        assert!(!session.contains(posts[0]) && !session.contains(comments[0]));
        Ok(())
    });
}

#[test]
fn a_reference_to_nowhere_is_an_error() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 1)?;
        let post = session.related(users[0], |u| u.posts)?[0];
        let comment = session.related(post, |p| p.comments)?[0];
        session[comment].post = Fk::to(999);
        session.set_autoflush(false);
        assert!(matches!(
            session.related(comment, |c| c.post),
            Err(Error::NotFound { table: "posts", .. })
        ));
        Ok(())
    });
}

#[test]
fn linking_and_unlinking() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let group = session.add(Group::new("g"));
        session
            .update::<Membership>()
            .set(|m| m.role.to("member"))
            .run()?;
        let post = session.add(Post::new("p"));
        session.link(users[0], |u| u.posts, post)?;
        assert_eq!(session.related(users[0], |u| u.posts)?, [post]);
        session.link(post, |p| p.author, users[1])?;
        assert_eq!(session.related(users[1], |u| u.posts)?, [post]);
        session.unlink(users[0], |u| u.posts, post)?;
        assert_eq!(session.related(post, |p| p.author)?, Some(users[1]));
        session.link(users[0], |u| u.groups, group)?;
        session.link(users[0], |u| u.groups, group)?;
        session.link(group, |g| g.members, users[2])?;
        assert_eq!(session.related(group, |g| g.members)?.len(), 2);
        session.unlink(group, |g| g.members, users[0])?;
        assert!(session.related(users[0], |u| u.groups)?.is_empty());
        let comment = session.add(Comment::new(post, "c"));
        assert!(session.unlink(post, |p| p.comments, comment).is_err());
        Ok(())
    });
}

#[test]
fn relations_in_conditions_load_nothing() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session, 2)?;
        let group = session.add(Group::new("g"));
        session.link(users[2], |u| u.groups, group)?;
        let rows = session
            .query::<User>()
            .order_by(|u| u.id)
            .select(|u| (u.posts.count(), u.groups.count()))
            .fetch()?;
        assert_eq!(rows, [(2, 0), (2, 0), (2, 1), (2, 0)]);
        let some = session
            .query::<User>()
            .filter(|u| u.posts.any(|p| p.title.eq("Nick 1")))
            .all()?;
        assert_eq!(some, [users[1]]);
        let grouped = session
            .query::<User>()
            .filter(|u| u.groups.any(|g| g.name.eq("g")) & u.posts.exists())
            .all()?;
        assert_eq!(grouped, [users[2]]);
        Ok(())
    });
}

/// An entity that was never inserted was forgotten at once, and what referred to its handle could not be flushed any more.
#[test]
fn cascades_reach_what_refers_to_an_entity_that_was_never_inserted() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = session.add(User::new("Mike"));
        let mut post = Post::new("hello");
        post.author = Some(mike.into());
        let post = session.add(post);
        session.delete(mike);
        assert!(!session.contains(post), "a post goes with its author");
        session.commit()?;
        assert_eq!(
            session.query::<User>().count()? + session.query::<Post>().count()?,
            0
        );
        Ok(())
    });
}

/// Each waited for the other, and the foreign key refused the first DELETE.
#[test]
fn rows_that_refer_to_each_other_in_a_circle_can_be_deleted() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let first = session.add(Node::new("first"));
        let second = session.add(Node::new("second"));
        session[first].parent = Some(second.into());
        session[second].parent = Some(first.into());
        session.commit()?;
        session.delete(first);
        session.flush()?;
        assert_eq!(session.query::<Node>().count()?, 0);
        session.rollback()?;
        assert_eq!(session.query::<Node>().count()?, 2);
        assert_eq!(
            session[first].parent.as_ref().and_then(Fk::key),
            Some(&session[second].id)
        );
        Ok(())
    });
}

/// The database gives the key of a deleted row to a new one, within the transaction: what refers to the new row stays.
#[test]
fn a_key_that_is_used_again_is_not_the_deleted_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let post = session.add(Post::new("old"));
        session.flush()?;
        let key = session[post].id;
        session.delete(post);
        session.flush()?;
        let again = session.add(Post {
            id: key,
            ..Post::new("new")
        });
        let comment = session.add(Comment::new(again, "about the new one"));
        session.commit()?;
        assert_eq!(session[comment].text, "about the new one");
        assert_eq!(session.query::<Comment>().all()?, [comment]);
        Ok(())
    });
}

#[test]
fn a_row_that_refers_to_itself_can_be_deleted() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let own = session.add(Node::new("its own parent"));
        let leaf = session.add(Node::new("leaf"));
        session[own].parent = Some(own.into());
        session[leaf].parent = Some(own.into());
        session.commit()?;
        session.delete(own);
        session.commit()?;
        assert!(!session.contains(own) && !session.contains(leaf));
        assert_eq!(session.query::<Node>().count()?, 0);
        Ok(())
    });
}
