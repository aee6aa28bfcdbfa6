//! Entities for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::mapper::{Entity, Handle};
use crate::session::Session;

type Build<T> = dyn Fn(&mut Session, u64) -> T + Send + Sync;
type Change<T> = dyn Fn(&mut T) + Send + Sync;

/// Makes entities in which all that a test does not care about has a value already. Each gets a number, from 1 on, so that
/// what must be unique can be.
///
/// ```
/// use aludel::prelude::*;
/// use aludel::testing::Factory;
///
/// #[derive(Entity)]
/// #[entity(table = "users")]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
///     #[column(unique)]
///     name: String,
///     #[column(default = false)]
///     admin: bool,
/// }
///
/// #[derive(Entity)]
/// #[entity(table = "posts")]
/// struct Post {
///     #[column(primary_key)]
///     id: Id<Post>,
///     author: Fk<User>,
///     title: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// # let engine = Engine::open("sqlite::memory:")?;
/// # engine.create_all(schema![User, Post])?;
/// # let mut session = engine.session()?;
/// let users = Factory::new(|n| User::new(format!("user {n}")));
/// let admins = users.with(|user| user.admin = true);
/// // What an entity refers to comes out of another factory.
/// let writers = users.clone();
/// let posts = Factory::within(move |session, n| Post::new(writers.add(session), format!("post {n}")));
///
/// let admin = admins.add(&mut session);
/// posts.add_many(&mut session, 3);
/// session.commit()?;
/// assert!(session[admin].admin);
/// assert_eq!(session.query::<User>().count()?, 4);
/// # Ok(())
/// # }
/// ```
pub struct Factory<T> {
    build: Arc<Build<T>>,
    changes: Vec<Arc<Change<T>>>,
    /// Shared by a factory and those made of it: their entities differ from each other as well.
    made: Arc<AtomicU64>,
}

impl<T: Entity> Factory<T> {
    /// A factory of entities that stand by themselves; the closure gets their number.
    pub fn new(build: impl Fn(u64) -> T + Send + Sync + 'static) -> Factory<T> {
        Factory::within(move |_, number| build(number))
    }

    /// A factory of entities that need others in the session.
    pub fn within(build: impl Fn(&mut Session, u64) -> T + Send + Sync + 'static) -> Factory<T> {
        Factory {
            build: Arc::new(build),
            changes: Vec::new(),
            made: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The same factory with something changed in each entity, after what was changed before.
    pub fn with(&self, change: impl Fn(&mut T) + Send + Sync + 'static) -> Factory<T> {
        let mut changed = self.clone();
        changed.changes.push(Arc::new(change));
        changed
    }

    /// An entity that the session does not track. What it refers to is in the session.
    pub fn build(&self, session: &mut Session) -> T {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let mut entity = (self.build)(session, number);
        for change in &self.changes {
            change(&mut entity);
        }
        entity
    }

    /// A new entity in the session; the next flush inserts it.
    pub fn add(&self, session: &mut Session) -> Handle<T> {
        let entity = self.build(session);
        session.add(entity)
    }

    /// So many of them.
    pub fn add_many(&self, session: &mut Session, count: usize) -> Vec<Handle<T>> {
        (0..count).map(|_| self.add(session)).collect()
    }
}

impl<T> Clone for Factory<T> {
    fn clone(&self) -> Factory<T> {
        Factory {
            build: Arc::clone(&self.build),
            changes: self.changes.clone(),
            made: Arc::clone(&self.made),
        }
    }
}

impl<T> std::fmt::Debug for Factory<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factory")
            .field("made", &self.made)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}
