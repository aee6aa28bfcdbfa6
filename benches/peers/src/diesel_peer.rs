//! Diesel on SQLite.

use std::path::Path;

use diesel::prelude::*;

use crate::peer::{Judged, Peer, Timed};
use crate::work::{Digest, Failure, Line, Work, shuffled_keys};

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        age -> BigInt,
        balance -> Double,
    }
}

diesel::table! {
    posts (id) {
        id -> BigInt,
        user_id -> BigInt,
        title -> Text,
        content -> Text,
    }
}

diesel::table! {
    comments (id) {
        id -> BigInt,
        post_id -> BigInt,
        text -> Text,
    }
}

#[derive(Queryable, Selectable, Identifiable)]
struct User {
    id: i64,
    name: String,
    email: Option<String>,
    age: i64,
    balance: f64,
}

#[derive(Insertable)]
#[diesel(table_name = users)]
struct NewUser {
    name: String,
    email: Option<String>,
    age: i64,
    balance: f64,
}

#[derive(Queryable, Selectable, Identifiable, Associations)]
#[diesel(belongs_to(User))]
struct Post {
    id: i64,
    user_id: i64,
    title: String,
    content: String,
}

#[derive(Queryable, Selectable, Identifiable, Associations)]
#[diesel(belongs_to(Post))]
struct Comment {
    id: i64,
    post_id: i64,
    text: String,
}

/// Diesel.
#[derive(Default)]
pub struct Diesel {
    connection: Option<SqliteConnection>,
}

impl Peer for Diesel {
    fn name(&self) -> &'static str {
        "diesel"
    }

    fn open(&mut self, file: &Path) -> Result<(), Failure> {
        self.close();
        self.connection = Some(SqliteConnection::establish(&file.display().to_string())?);
        Ok(())
    }

    fn close(&mut self) {
        self.connection = None;
    }

    fn prepare(&mut self, line: Line) -> Result<Timed<'_>, Failure> {
        let connection = self.connection.as_mut().ok_or("no open database")?;
        Ok(match line.work {
            Work::Load | Work::LoadTracked => Box::new(|| Ok(judged(users::table.load::<User>(connection)?))),
            Work::Insert => {
                let new: Vec<NewUser> = crate::work::users(line.users)
                    .into_iter()
                    .map(|user| NewUser {
                        name: user.name,
                        email: user.email,
                        age: user.age,
                        balance: user.balance,
                    })
                    .collect();
                Box::new(|| insert(connection, new))
            }
            Work::Get => {
                let keys = shuffled_keys(line.users);
                Box::new(|| get(connection, keys))
            }
            Work::Update => Box::new(|| update(connection)),
            Work::Relations | Work::RelationsTracked => Box::new(|| relations(connection)),
        })
    }
}

fn insert(connection: &mut SqliteConnection, new: Vec<NewUser>) -> Result<Judged<'_>, Failure> {
    let keys = connection.transaction(|connection| {
        let one = |user: &NewUser| {
            diesel::insert_into(users::table)
                .values(user)
                .returning(users::id)
                .get_result::<i64>(connection)
        };
        new.iter().map(one).collect::<QueryResult<Vec<i64>>>()
    })?;
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        for (id, user) in keys.iter().zip(&new) {
            digest.user(*id, &user.name, user.email.as_deref(), user.age, user.balance);
        }
        Ok(digest.done())
    }))
}

fn get(connection: &mut SqliteConnection, keys: Vec<i64>) -> Result<Judged<'_>, Failure> {
    let found = connection.transaction(|connection| {
        let one = |key: i64| users::table.find(key).first::<User>(connection);
        keys.into_iter().map(one).collect::<QueryResult<Vec<User>>>()
    })?;
    Ok(judged(found))
}

fn update(connection: &mut SqliteConnection) -> Result<Judged<'_>, Failure> {
    let users = connection.transaction(|connection| {
        let mut users = users::table.load::<User>(connection)?;
        for user in &mut users {
            user.age += 1;
            diesel::update(&*user)
                .set(users::age.eq(user.age))
                .execute(connection)?;
        }
        QueryResult::Ok(users)
    })?;
    Ok(judged(users))
}

fn relations(connection: &mut SqliteConnection) -> Result<Judged<'_>, Failure> {
    let users = users::table.order(users::id).load::<User>(connection)?;
    let posts = Post::belonging_to(&users)
        .order(posts::id)
        .load::<Post>(connection)?;
    let comments = Comment::belonging_to(&posts)
        .order(comments::id)
        .load::<Comment>(connection)?
        .grouped_by(&posts);
    let posts = posts.into_iter().zip(comments).grouped_by(&users);
    let nested: Vec<(User, Vec<(Post, Vec<Comment>)>)> = users.into_iter().zip(posts).collect();
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        for (user, posts) in &nested {
            add_user(&mut digest, user);
            for (post, comments) in posts {
                digest.post(post.id, post.user_id, &post.title, &post.content);
                for comment in comments {
                    digest.comment(comment.id, comment.post_id, &comment.text);
                }
            }
        }
        Ok(digest.done())
    }))
}

fn judged(users: Vec<User>) -> Judged<'static> {
    Box::new(move || {
        let mut digest = Digest::default();
        users.iter().for_each(|user| add_user(&mut digest, user));
        Ok(digest.done())
    })
}

fn add_user(digest: &mut Digest, user: &User) {
    digest.user(user.id, &user.name, user.email.as_deref(), user.age, user.balance);
}
