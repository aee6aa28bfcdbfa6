//! Two entities and what can be done with them, on any backend: the tour of the README.
//!
//! ```text
//! cargo run --release -p aludel --example tour
//! cargo run --release -p aludel --example tour --features postgres -- postgres://me@localhost/shop
//! ```

use aludel::prelude::*;

#[derive(Entity)]
#[entity(table = "users")]
#[has_many(posts: Post, by = author, cascade = "all, delete-orphan", order_by = id)]
#[many_to_many(groups: Group, through = Membership)]
struct User {
    #[column(primary_key)] // assigned on insert
    id: Id<User>, // a typed key
    #[column(unique)]
    name: String,
    email: Option<String>, // NULL
    #[column(default = now())]
    created: Timestamp,
}

#[derive(Entity)]
#[entity(table = "posts")]
struct Post {
    #[column(primary_key)]
    id: Id<Post>,
    #[column(name = "author_id", on_delete = "cascade")]
    author: Fk<User>, // one field: a key, or a user that is not inserted yet
    title: String,
    #[column(default = 0)]
    likes: i64,
    #[column(version)] // optimistic lock
    version: u32,
}

#[derive(Entity)]
#[entity(table = "groups")]
struct Group {
    #[column(primary_key)]
    id: Id<Group>,
    name: String,
}

#[derive(Entity)]
#[entity(table = "memberships")]
struct Membership {
    #[column(primary_key, name = "user_id")]
    user: Fk<User>,
    #[column(primary_key, name = "group_id")]
    group: Fk<Group>,
}

impl UserColumns {
    // reusable pieces of SQL are ordinary methods
    fn popular(self) -> Expr<bool> {
        query::<Post>()
            .filter(|p| p.author.eq(self.id) & p.likes.gt(100))
            .exists()
    }
}

fn main() -> aludel::Result<()> {
    let url = std::env::args().nth(1);
    let engine = Engine::open(url.as_deref().unwrap_or("sqlite::memory:"))?;
    engine.create_all(schema![User, Post, Group, Membership])?;

    // The session owns what it tracks; code holds handles, which are Copy.
    let mut session = engine.session()?;
    let mike = session.add(User::new("Mike"));
    session.add_all(["Nick", "Mick", "Nike"].map(User::new));
    let hello = session.add(Post::new(mike, "hello")); // flush inserts parents first and fills the key in
    session.commit()?;
    println!("{} {}", session[mike].id, session[mike].name);

    // Reading never does I/O, writing marks: only changed columns are written.
    for user in session
        .query::<User>()
        .filter(|u| u.name.like("M%"))
        .order_by(|u| u.name.desc())
        .all()?
    {
        session[user].email = Some("m@example.org".into());
    }
    session[hello].likes += 101;
    session.commit()?;

    // Nothing loads by itself: lazy loading is a call, eager loading is part of the query.
    let mike = session.get::<User>(1)?; // from the identity map: no statement
    for post in session.related(mike, |u| u.posts)? {
        println!("{}: {} likes", session[post].title, session[post].likes);
    }
    for user in session.query::<User>().filter(|u| u.popular()).all()? {
        println!("{} is popular", session[user].name);
    }

    // Many-to-many, through an entity of its own.
    let rowers = session.add(Group::new("rowers"));
    session.link(mike, |u| u.groups, rowers)?;
    session.commit()?;

    // Values, when no tracking is wanted: tuples and plain structs.
    let counts: Vec<(String, i64)> = session
        .query::<User>()
        .left_join(|u| u.posts)
        .group_by(|(u, _)| (u.id, u.name))
        .order_by(|(u, _)| u.name)
        .select(|(u, p)| (u.name, p.id.count()))
        .fetch()?;
    println!("{counts:?}");

    // Two statements, not one for each user.
    let users: Vec<(User, Vec<Post>)> = session
        .query::<User>()
        .order_by(|u| u.id)
        .with(|u| u.posts.order_by(|p| p.id.desc()).limit(3))
        .fetch()?;
    for (user, posts) in users.iter().filter(|(_, posts)| !posts.is_empty()) {
        println!("{} wrote {} post(s)", user.name, posts.len());
    }

    session.delete(mike); // cascades as declared
    session.commit()?;
    println!("{} posts are left", session.query::<Post>().count()?);
    session.close()?;
    engine.drop_all(schema![User, Post, Group, Membership])
}
