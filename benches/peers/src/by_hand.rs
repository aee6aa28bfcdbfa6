//! rusqlite by hand: prepared statements and loops, without a layer between.

use std::path::Path;

use rusqlite::{Connection, Row, params};

use crate::peer::{Judged, Peer, Timed};
use crate::work::{Digest, Failure, Line, UserValues as User, Work, shuffled_keys, users};

struct Post {
    id: i64,
    user_id: i64,
    title: String,
    content: String,
}

struct Comment {
    id: i64,
    post_id: i64,
    text: String,
}

const ALL: &str = "SELECT id, name, email, age, balance FROM users";

/// rusqlite.
#[derive(Default)]
pub struct ByHand {
    connection: Option<Connection>,
}

impl Peer for ByHand {
    fn name(&self) -> &'static str {
        "by hand"
    }

    fn open(&mut self, file: &Path) -> Result<(), Failure> {
        self.close();
        self.connection = Some(Connection::open(file)?);
        Ok(())
    }

    fn close(&mut self) {
        self.connection = None;
    }

    fn prepare(&mut self, line: Line) -> Result<Timed<'_>, Failure> {
        let connection = self.connection.as_mut().ok_or("no open database")?;
        Ok(match line.work {
            Work::Load | Work::LoadTracked => Box::new(|| {
                let users = load(connection)?;
                Ok(judged(users))
            }),
            Work::Insert => {
                let new = users(line.users);
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

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        age: row.get(3)?,
        balance: row.get(4)?,
    })
}

fn load(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    let mut select = connection.prepare_cached(ALL)?;
    select.query_map([], user)?.collect()
}

fn insert(connection: &mut Connection, mut new: Vec<User>) -> Result<Judged<'_>, Failure> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction
            .prepare_cached("INSERT INTO users (name, email, age, balance) VALUES (?1, ?2, ?3, ?4)")?;
        for user in &mut new {
            insert.execute(params![user.name, user.email, user.age, user.balance])?;
            user.id = transaction.last_insert_rowid();
        }
    }
    transaction.commit()?;
    Ok(judged(new))
}

fn get(connection: &mut Connection, keys: Vec<i64>) -> Result<Judged<'_>, Failure> {
    let transaction = connection.transaction()?;
    let mut found = Vec::with_capacity(keys.len());
    {
        let mut select =
            transaction.prepare_cached("SELECT id, name, email, age, balance FROM users WHERE id = ?1")?;
        for key in keys {
            found.push(select.query_row([key], user)?);
        }
    }
    transaction.commit()?;
    Ok(judged(found))
}

fn update(connection: &mut Connection) -> Result<Judged<'_>, Failure> {
    let transaction = connection.transaction()?;
    let mut users = load(&transaction)?;
    {
        let mut update = transaction.prepare_cached("UPDATE users SET age = ?1 WHERE id = ?2")?;
        for user in &mut users {
            user.age += 1;
            update.execute([user.age, user.id])?;
        }
    }
    transaction.commit()?;
    Ok(judged(users))
}

/// Three statements, and each row put where it belongs by position: keys come in order.
fn relations(connection: &Connection) -> Result<Judged<'_>, Failure> {
    let mut select =
        connection.prepare_cached("SELECT id, name, email, age, balance FROM users ORDER BY id")?;
    let mut users: Vec<(User, Vec<(Post, Vec<Comment>)>)> = select
        .query_map([], |row| Ok((user(row)?, Vec::new())))?
        .collect::<Result<_, _>>()?;
    let mut select =
        connection.prepare_cached("SELECT id, user_id, title, content FROM posts ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut place_of_post: Vec<(usize, usize)> = Vec::new();
    while let Some(row) = rows.next()? {
        let post = Post {
            id: row.get(0)?,
            user_id: row.get(1)?,
            title: row.get(2)?,
            content: row.get(3)?,
        };
        let place = post.user_id as usize - 1;
        let posts = &mut users[place].1;
        place_of_post.push((place, posts.len()));
        posts.push((post, Vec::new()));
    }
    let mut select = connection.prepare_cached("SELECT id, post_id, text FROM comments ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let comment = Comment {
            id: row.get(0)?,
            post_id: row.get(1)?,
            text: row.get(2)?,
        };
        let (user, post) = place_of_post[comment.post_id as usize - 1];
        users[user].1[post].1.push(comment);
    }
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        for (user, posts) in &users {
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
