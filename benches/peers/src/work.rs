//! What is measured: the lines of the table, and the rows that every peer reads and writes.

use std::path::Path;

use rusqlite::{Connection, params};

/// What went wrong, as text: the run prints it and goes on.
pub type Failure = Box<dyn std::error::Error>;

/// A kind of work. Each peer does it as its documentation would have it done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// All users, as plain values.
    Load,
    /// All users, in the identity map where the peer has one.
    LoadTracked,
    /// New users in one transaction; each ends up with its key.
    Insert,
    /// Each user by its key, in a shuffled order, in one transaction.
    Get,
    /// All users are read, one column of each is changed, and the changes are written, in one transaction.
    Update,
    /// Users, their posts, and the comments of these, nested.
    Relations,
    /// The same in an identity map.
    RelationsTracked,
}

impl Work {
    /// Does it change the database, so that each round needs a fresh one?
    pub fn writes(self) -> bool {
        matches!(self, Work::Insert | Work::Update)
    }

    /// The word for it in the protocol of child processes.
    pub fn word(self) -> &'static str {
        match self {
            Work::Load | Work::LoadTracked => "load",
            Work::Insert => "insert",
            Work::Get => "get",
            Work::Update => "update",
            Work::Relations | Work::RelationsTracked => "relations",
        }
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// What is done.
    pub work: Work,
    /// The users that it is done with.
    pub users: usize,
    /// The most that we may take, in times of the work by hand.
    pub by_hand_max: Option<f64>,
    /// May we take no longer than Diesel?
    pub at_most_diesel: bool,
}

/// All lines.
pub const LINES: [Line; 9] = [
    line("load 10,000", Work::Load, 10_000, Some(1.0)),
    line("load 100,000", Work::Load, 100_000, Some(1.0)),
    line("load 10,000 tracked", Work::LoadTracked, 10_000, Some(1.5)),
    line("load 100,000 tracked", Work::LoadTracked, 100_000, Some(1.5)),
    line("insert 10,000", Work::Insert, 10_000, Some(1.0)),
    line("get 10,000 by key", Work::Get, 10_000, Some(1.0)),
    line("load and update 10,000", Work::Update, 10_000, Some(1.5)),
    Line {
        at_most_diesel: true,
        ..line("relations 100x10x10", Work::Relations, 100, None)
    },
    Line {
        at_most_diesel: true,
        ..line("relations tracked", Work::RelationsTracked, 100, None)
    },
];

const fn line(name: &'static str, work: Work, users: usize, by_hand_max: Option<f64>) -> Line {
    Line {
        name,
        work,
        users,
        by_hand_max,
        at_most_diesel: false,
    }
}

/// The tables.
pub const SCHEMA: &str = "
    CREATE TABLE users (
        id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, email TEXT, age INTEGER NOT NULL, balance REAL NOT NULL
    );
    CREATE TABLE posts (
        id INTEGER PRIMARY KEY NOT NULL, user_id INTEGER NOT NULL REFERENCES users(id), title TEXT NOT NULL,
        content TEXT NOT NULL
    );
    CREATE INDEX posts_user ON posts(user_id);
    CREATE TABLE comments (
        id INTEGER PRIMARY KEY NOT NULL, post_id INTEGER NOT NULL REFERENCES posts(id), text TEXT NOT NULL
    );
    CREATE INDEX comments_post ON comments(post_id);
";

/// A user's values, for peers to make their own type of. The key is left out where the database assigns it.
#[derive(Clone, Debug)]
pub struct UserValues {
    /// The key.
    pub id: i64,
    /// Ten to twenty characters.
    pub name: String,
    /// Every fourth has none.
    pub email: Option<String>,
    /// Two digits.
    pub age: i64,
    /// Whole cents.
    pub balance: f64,
}

/// The user of that number.
pub fn user(number: usize) -> UserValues {
    let id = number as i64 + 1;
    UserValues {
        id,
        name: format!("User number {id}"),
        email: (!number.is_multiple_of(4)).then(|| format!("user{id}@example.org")),
        age: 18 + (id * 7) % 60,
        balance: ((id * 7919) % 1_000_000) as f64 / 100.0,
    }
}

/// So many users.
pub fn users(count: usize) -> Vec<UserValues> {
    (0..count).map(user).collect()
}

/// The keys of so many users, shuffled, the same way each time.
pub fn shuffled_keys(count: usize) -> Vec<i64> {
    shuffled((1..=count as i64).collect(), 0)
}

/// The items shuffled, the same way for the same seed.
pub fn shuffled<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for i in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(i, (state % (i as u64 + 1)) as usize);
    }
    items
}

/// Makes the database that a line starts from.
pub fn build(file: &Path, line: Line) -> Result<(), Failure> {
    let mut connection = Connection::open(file)?;
    connection.execute_batch(SCHEMA)?;
    if line.work == Work::Insert {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO users VALUES (?, ?, ?, ?, ?)")?;
        for user in users(line.users) {
            insert.execute(params![user.id, user.name, user.email, user.age, user.balance])?;
        }
        if matches!(line.work, Work::Relations | Work::RelationsTracked) {
            let mut post = transaction.prepare("INSERT INTO posts VALUES (NULL, ?, ?, ?)")?;
            let mut comment = transaction.prepare("INSERT INTO comments VALUES (NULL, ?, ?)")?;
            for post_id in 1..=line.users as i64 * 10 {
                let owner = (post_id * 7) % line.users as i64 + 1;
                post.execute(params![
                    owner,
                    format!("Post {post_id}"),
                    format!("What post {post_id} says, at length")
                ])?;
                for n in 0..10 {
                    comment.execute(params![post_id, format!("Comment {n} of post {post_id}")])?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// What the answers of all peers must agree on: a checksum of the rows as text.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    crc: crc32fast::Hasher,
    text: String,
}

impl Digest {
    /// Adds a user.
    pub fn user(&mut self, id: i64, name: &str, email: Option<&str>, age: i64, balance: f64) {
        use std::fmt::Write;
        let cents = (balance * 100.0).round() as i64;
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{id}|{name}|{}|{age}|{cents};", email.unwrap_or("-"));
        self.flush();
    }

    /// Adds a post.
    pub fn post(&mut self, id: i64, user_id: i64, title: &str, content: &str) {
        use std::fmt::Write;
        let _ = write!(self.text, "{id}|{user_id}|{title}|{content};");
        self.flush();
    }

    /// Adds a comment.
    pub fn comment(&mut self, id: i64, post_id: i64, text: &str) {
        use std::fmt::Write;
        let _ = write!(self.text, "{id}|{post_id}|{text};");
        self.flush();
    }

    /// The checksum.
    pub fn done(self) -> u32 {
        self.crc.finalize()
    }

    fn flush(&mut self) {
        self.crc.update(self.text.as_bytes());
        self.text.clear();
    }
}

/// The checksum of the users in a file, as stock SQLite reads them.
pub fn digest_of_file(file: &Path) -> Result<u32, Failure> {
    let connection = Connection::open(file)?;
    let mut select = connection.prepare("SELECT id, name, email, age, balance FROM users ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut digest = Digest::default();
    while let Some(row) = rows.next()? {
        let email: Option<String> = row.get(2)?;
        let name: String = row.get(1)?;
        digest.user(row.get(0)?, &name, email.as_deref(), row.get(3)?, row.get(4)?);
    }
    Ok(digest.done())
}
