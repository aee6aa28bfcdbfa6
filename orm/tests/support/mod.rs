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

/// Runs a test on each backend, with all tables there; on all of them, also after a failure. Without servers (see `tests/run`) it runs on the
/// embedded ones.
pub fn on_each(test: impl Fn(Engine) -> aludel::Result<()>) {
    on_all(Engine::open, everything, test);
}

/// As [`on_each`], with these tables instead of all.
pub fn on_each_with(schema: fn() -> Schema, test: impl Fn(Engine) -> aludel::Result<()>) {
    on_all(Engine::open, schema, test);
}

/// As [`on_each`], with databases that several connections see at once: the embedded ones are files with a write-ahead log.
pub fn on_each_shared(test: impl Fn(Engine) -> aludel::Result<()>) {
    let folder = tempfile::tempdir().unwrap();
    let open = |url: &str| {
        let (scheme, _) = url.split_once("::").unwrap();
        let path = folder.path().join(format!("{scheme}.db"));
        Engine::open(&format!("{scheme}:///{}?journal_mode=wal", path.display()))
    };
    on_all(open, everything, test);
}

fn on_all(
    open_embedded: impl Fn(&str) -> aludel::Result<Engine>,
    schema: fn() -> Schema,
    test: impl Fn(Engine) -> aludel::Result<()>,
) {
    let mut failed = Vec::new();
    let mut case = |backend: &str, open: &dyn Fn() -> aludel::Result<Engine>| {
        let done = run(open, schema, &test);
        matrix::add(backend, &done);
        if let Err(why) = done {
            failed.push(format!("{backend}: {why}"));
        }
    };
    for url in backends() {
        let backend = if url.starts_with("sqlite+c") {
            "sqlite+c"
        } else {
            "native"
        };
        case(backend, &|| open_embedded(url));
    }
    for server in servers::all() {
        let place = servers::Place::new(&server);
        case(server.backend, &|| place.open());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn run(
    open: &dyn Fn() -> aludel::Result<Engine>,
    schema: fn() -> Schema,
    test: impl Fn(Engine) -> aludel::Result<()>,
) -> Result<(), String> {
    let case = || -> aludel::Result<()> {
        let engine = open()?;
        engine.create_all(schema())?;
        test(engine)
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(case)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        // The message was printed where it happened.
        Err(_) => Err("see the panic above".to_owned()),
    }
}

/// Which case was run on which backend, and how it went: lines for the file that `ALUDEL_TEST_MATRIX` names.
pub mod matrix {
    use std::cell::Cell;
    use std::io::Write;

    thread_local! {
        static WHY_NOT: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Ends a case on a backend that it has no meaning on.
    pub fn not_applicable(why: &'static str) -> aludel::Result<()> {
        WHY_NOT.set(Some(why));
        Ok(())
    }

    pub(super) fn add(backend: &str, done: &Result<(), String>) {
        let why_not = WHY_NOT.take();
        let Some(file) = std::env::var_os("ALUDEL_TEST_MATRIX") else {
            return;
        };
        let thread = std::thread::current();
        let case = format!("{}::{}", env!("CARGO_CRATE_NAME"), thread.name().unwrap_or("?"));
        let line = match (done, why_not) {
            (Err(_), _) => format!("{case}\t{backend}\tfailed\t\n"),
            (Ok(()), Some(why)) => format!("{case}\t{backend}\tn/a\t{why}\n"),
            (Ok(()), None) => format!("{case}\t{backend}\tpassed\t\n"),
        };
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Servers that `tests/run` has started, told by environment variables.
pub mod servers {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aludel::prelude::*;

    /// A server on which tests may make schemas.
    pub struct Server {
        pub backend: &'static str,
        pub url: String,
    }

    /// Those that there are, and that this build can reach.
    pub fn all() -> Vec<Server> {
        let known = [
            ("postgresql", "ALUDEL_TEST_POSTGRES", cfg!(feature = "postgres")),
            ("mysql", "ALUDEL_TEST_MYSQL", cfg!(feature = "mysql")),
        ];
        let told = |(backend, variable, built): (&'static str, &str, bool)| {
            let url = std::env::var(variable).ok().filter(|_| built)?;
            Some(Server { backend, url })
        };
        known.into_iter().filter_map(told).collect()
    }

    /// A schema of its own for one test; it goes when this goes.
    pub struct Place<'s> {
        server: &'s Server,
        schema: String,
    }

    impl Place<'_> {
        pub fn new(server: &Server) -> Place<'_> {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let schema = format!("test_{}_{number}", std::process::id());
            let place = Place { server, schema };
            place.tell(&format!("CREATE SCHEMA {}", place.schema)).unwrap();
            place
        }

        pub fn open(&self) -> aludel::Result<Engine> {
            Engine::open(&self.url())
        }

        pub fn url(&self) -> String {
            let (url, schema) = (&self.server.url, &self.schema);
            let (place, options) = url.split_once('?').unwrap_or((url, ""));
            match self.server.backend {
                "mysql" => {
                    // There a schema is a database.
                    let (host, _) = place.rsplit_once('/').unwrap();
                    format!("{host}/{schema}?{options}")
                }
                _ => format!("{place}?options=-csearch_path%3D{schema}&{options}"),
            }
        }

        fn tell(&self, sql: &str) -> aludel::Result<()> {
            Engine::open(&self.server.url)?.connect()?.execute_batch(sql)
        }
    }

    impl Drop for Place<'_> {
        fn drop(&mut self) {
            let cascade = if self.server.backend == "mysql" {
                ""
            } else {
                " CASCADE"
            };
            if let Err(error) = self.tell(&format!("DROP SCHEMA {}{cascade}", self.schema)) {
                eprintln!("{} stays behind: {error}", self.schema);
            }
        }
    }
}

/// Mike, Nick, Mick and Nike, committed.
pub fn four(session: &mut Session) -> aludel::Result<Vec<Handle<User>>> {
    let users = session.add_all(["Mike", "Nick", "Mick", "Nike"].map(User::new));
    session.commit()?;
    Ok(users)
}
