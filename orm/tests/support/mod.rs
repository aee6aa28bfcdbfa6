//! The entities that the tests share, and the backends that each test runs on.
#![allow(dead_code, unreachable_pub)]

use aludel::prelude::*;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "users")]
#[has_many(posts: Post, by = author, cascade = "all, delete-orphan", order_by = id)]
#[has_one(profile: Profile, by = user)]
#[many_to_many(groups: Group, through = Membership)]
pub struct User {
    #[column(primary_key)]
    pub id: Id<User>,
    #[column(unique)]
    pub name: String,
    pub email: Option<String>,
    #[column(default = 0)]
    pub age: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "posts", index(author, title))]
#[has_many(comments: Comment, by = post)]
pub struct Post {
    #[column(primary_key)]
    pub id: Id<Post>,
    #[column(name = "author_id")]
    pub author: Option<Fk<User>>,
    pub title: String,
    #[column(default = 0)]
    pub likes: i64,
    #[column(version)]
    pub version: u32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "comments")]
pub struct Comment {
    #[column(primary_key)]
    pub id: Id<Comment>,
    #[column(name = "post_id", on_delete = "cascade")]
    pub post: Fk<Post>,
    pub text: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "profiles")]
pub struct Profile {
    #[column(primary_key)]
    pub id: Id<Profile>,
    #[column(name = "user_id", unique, on_delete = "cascade")]
    pub user: Fk<User>,
    pub motto: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "groups")]
#[many_to_many(members: User, through = Membership)]
pub struct Group {
    #[column(primary_key)]
    pub id: Id<Group>,
    pub name: String,
}

/// A key of two foreign keys.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "memberships")]
pub struct Membership {
    #[column(primary_key, name = "user_id")]
    pub user: Fk<User>,
    #[column(primary_key, name = "group_id")]
    pub group: Fk<Group>,
    #[column(default = "member")]
    pub role: String,
}

/// A tree: refers to itself.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "nodes")]
#[has_many(children: Node, by = parent, cascade = "delete", order_by = id)]
pub struct Node {
    #[column(primary_key)]
    pub id: Id<Node>,
    pub parent: Option<Fk<Node>>,
    pub name: String,
}

/// A natural key.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "countries")]
pub struct Country {
    #[column(primary_key)]
    pub code: String,
    pub name: String,
}

pub fn everything() -> Schema {
    schema![User, Post, Comment, Profile, Group, Membership, Node, Country]
}

/// The URLs of an empty database in memory, on each backend that this build has.
pub fn backends() -> Vec<&'static str> {
    let mut urls = vec!["sqlite::memory:"];
    if cfg!(feature = "sqlite-c") {
        urls.push("sqlite+c::memory:");
    }
    urls
}

/// Runs a test on each backend, with all tables there.
pub fn on_each(test: impl Fn(Engine) -> aludel::Result<()>) {
    for url in backends() {
        let engine = Engine::open(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        engine
            .create_all(everything())
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        if let Err(error) = test(engine) {
            panic!("{url}: {error}");
        }
    }
}

/// Mike, Nick, Mick and Nike, committed.
pub fn four(session: &mut Session) -> aludel::Result<Vec<Handle<User>>> {
    let users = session.add_all(["Mike", "Nick", "Mick", "Nike"].map(User::new));
    session.commit()?;
    Ok(users)
}
