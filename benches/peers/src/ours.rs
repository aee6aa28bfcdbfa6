//! Aludel's ORM on its native engine.

use std::path::Path;

use aludel::prelude::*;

use crate::peer::{Judged, Peer, Timed};
use crate::work::{Digest, Failure, Line, Work, shuffled_keys, users};

#[derive(Clone, Entity)]
#[entity(table = "users")]
#[has_many(posts: Post, by = user_id, order_by = id)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    name: String,
    email: Option<String>,
    age: i64,
    balance: f64,
}

#[derive(Clone, Entity)]
#[entity(table = "posts")]
#[has_many(comments: Comment, by = post_id, order_by = id)]
struct Post {
    #[column(primary_key)]
    id: Id<Post>,
    user_id: Fk<User>,
    title: String,
    content: String,
}

#[derive(Clone, Entity)]
#[entity(table = "comments")]
struct Comment {
    #[column(primary_key)]
    id: Id<Comment>,
    post_id: Fk<Post>,
    text: String,
}

/// Aludel.
#[derive(Default)]
pub struct Ours {
    engine: Option<Engine>,
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "aludel"
    }

    fn open(&mut self, file: &Path) -> Result<(), Failure> {
        self.close();
        self.engine = Some(Engine::open(&format!("sqlite:///{}", file.display()))?);
        Ok(())
    }

    fn close(&mut self) {
        self.engine = None;
    }

    fn prepare(&mut self, line: Line) -> Result<Timed<'_>, Failure> {
        let engine = self.engine.as_ref().ok_or("no open database")?;
        let mut session = engine.session()?;
        Ok(match line.work {
            Work::Load => Box::new(move || load(session)),
            Work::LoadTracked => Box::new(move || load_tracked(session)),
            Work::Insert => {
                let values = users(line.users).into_iter();
                let entities: Vec<User> = values
                    .map(|user| User {
                        id: Id::unassigned(),
                        name: user.name,
                        email: user.email,
                        age: user.age,
                        balance: user.balance,
                    })
                    .collect();
                Box::new(move || {
                    let handles = session.add_all(entities);
                    session.commit()?;
                    Ok(judged(session, handles))
                })
            }
            Work::Get => {
                let keys = shuffled_keys(line.users);
                Box::new(move || {
                    let mut handles = Vec::with_capacity(keys.len());
                    for key in keys {
                        handles.push(session.get::<User>(key)?);
                    }
                    session.commit()?;
                    Ok(judged(session, handles))
                })
            }
            Work::Update => Box::new(move || {
                let handles = session.query::<User>().all()?;
                for user in &handles {
                    session[*user].age += 1;
                }
                session.commit()?;
                Ok(judged(session, handles))
            }),
            Work::Relations => Box::new(move || relations(session)),
            Work::RelationsTracked => Box::new(move || relations_tracked(session)),
        })
    }
}

fn load(mut session: Session) -> Result<Judged<'static>, Failure> {
    let users = session.query::<User>().fetch()?;
    session.commit()?;
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        users.iter().for_each(|user| add_user(&mut digest, user));
        Ok(digest.done())
    }))
}

fn load_tracked(mut session: Session) -> Result<Judged<'static>, Failure> {
    let handles = session.query::<User>().all()?;
    session.commit()?;
    Ok(judged(session, handles))
}

fn relations(mut session: Session) -> Result<Judged<'static>, Failure> {
    let users = session
        .query::<User>()
        .order_by(|u| u.id)
        .with(|u| u.posts.with(|p| p.comments))
        .fetch()?;
    session.commit()?;
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        for (user, posts) in &users {
            add_user(&mut digest, user);
            for (post, comments) in posts {
                add_post(&mut digest, post);
                comments
                    .iter()
                    .for_each(|comment| add_comment(&mut digest, comment));
            }
        }
        Ok(digest.done())
    }))
}

fn relations_tracked(mut session: Session) -> Result<Judged<'static>, Failure> {
    let users = session
        .query::<User>()
        .order_by(|u| u.id)
        .with(|u| u.posts.with(|p| p.comments))
        .all()?;
    session.commit()?;
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        for (user, posts) in &users {
            add_user(&mut digest, &session[*user]);
            for (post, comments) in posts {
                add_post(&mut digest, &session[*post]);
                comments
                    .iter()
                    .for_each(|comment| add_comment(&mut digest, &session[*comment]));
            }
        }
        Ok(digest.done())
    }))
}

fn judged(session: Session, handles: Vec<Handle<User>>) -> Judged<'static> {
    Box::new(move || {
        let mut digest = Digest::default();
        handles
            .iter()
            .for_each(|user| add_user(&mut digest, &session[*user]));
        Ok(digest.done())
    })
}

fn add_user(digest: &mut Digest, user: &User) {
    digest.user(
        user.id.get().unwrap_or(0),
        &user.name,
        user.email.as_deref(),
        user.age,
        user.balance,
    );
}

fn add_post(digest: &mut Digest, post: &Post) {
    let user_id = post.user_id.key().and_then(|id| id.get()).unwrap_or(0);
    digest.post(post.id.get().unwrap_or(0), user_id, &post.title, &post.content);
}

fn add_comment(digest: &mut Digest, comment: &Comment) {
    let post_id = comment.post_id.key().and_then(|id| id.get()).unwrap_or(0);
    digest.comment(comment.id.get().unwrap_or(0), post_id, &comment.text);
}
