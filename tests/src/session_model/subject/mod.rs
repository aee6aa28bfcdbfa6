//! A session beside its model: steps are done to both, and both are compared.

use std::collections::{BTreeMap, BTreeSet};

use aludel::Error;
use aludel::prelude::*;

mod change;
mod comparing;
mod handles;
mod reading;

use handles::{Handles, learn};

use super::entities::{self, Author, Book, Review, Tag};
use super::step::Step;
use super::world::{Fate, Fault, Serial, Table, World};

/// What went wrong, as text.
type Outcome = Result<(), String>;

/// A row and its handle.
type Found<T> = (Serial, Handle<T>);

/// A session, its database, and what both should hold.
pub(super) struct Subject {
    engine: Engine,
    session: Session,
    world: World,
    committed: World,
    authors: Handles<Author>,
    books: Handles<Book>,
    reviews: Handles<Review>,
    tags: Handles<Tag>,
    next: Serial,
    /// A statement by query changed rows in this transaction: what was loaded since is read again after a rollback.
    by_query: bool,
}

impl Subject {
    /// On an empty database.
    pub(super) fn new(engine: &Engine, fault: Fault) -> Result<Subject, String> {
        let world = World {
            fault,
            ..World::default()
        };
        Ok(Subject {
            session: engine.session().map_err(text)?,
            engine: engine.clone(),
            committed: world.clone(),
            world,
            authors: Handles::new(),
            books: Handles::new(),
            reviews: Handles::new(),
            tags: Handles::new(),
            next: 0,
            by_query: false,
        })
    }

    /// Does the step and compares.
    pub(super) fn perform(&mut self, step: &Step) -> Outcome {
        self.act(step).map_err(|what| format!("{what}\n  at {step:?}"))?;
        self.check().map_err(|what| format!("{what}\n  after {step:?}"))
    }

    fn act(&mut self, step: &Step) -> Outcome {
        match *step {
            Step::AddAuthor { .. } | Step::AddBook { .. } | Step::AddReview { .. } | Step::AddTag { .. } => {
                self.add(step);
                Ok(())
            }
            Step::MergeTag { code, label } => self.merge_tag(code, label),
            Step::SetName { .. }
            | Step::SetMentor { .. }
            | Step::SetFavourite { .. }
            | Step::SetSales { .. }
            | Step::SetAuthor { .. }
            | Step::SetPrequel { .. }
            | Step::SetReview { .. } => {
                self.set(step);
                Ok(())
            }
            Step::LinkBook { author, book } => self.link_book(author, book),
            Step::UnlinkBook { author, book } => self.unlink_book(author, book),
            Step::LinkTag { book, tag, backwards } => self.link_tag(book, tag, backwards),
            Step::UnlinkTag { book, tag } => self.unlink_tag(book, tag),
            Step::DeleteAuthor { .. }
            | Step::DeleteBook { .. }
            | Step::DeleteReview { .. }
            | Step::DeleteTag { .. } => {
                self.delete(step);
                Ok(())
            }
            Step::Flush => self.flush(),
            Step::Commit => self.commit(),
            Step::Rollback => self.rollback(),
            Step::Savepoint { ref steps, keep } => self.savepoint(steps, keep),
            Step::QueryAuthors { autoflush } => self.query_authors(autoflush),
            Step::QueryBooks { autoflush, sales } => self.query_books(autoflush, i64::from(sales)),
            Step::BooksInBatches { size, sales } => {
                self.books_in_batches(usize::from(size), i64::from(sales))
            }
            Step::QueryReviews => self.query_reviews(),
            Step::QueryTags => self.query_tags(),
            Step::QueryWithBooks => self.query_with_books(),
            Step::GetBook { book } => self.get_book(book),
            Step::BooksOf { author } => self.books_of(author),
            Step::TagsOf { book } => self.tags_of(book),
            Step::AuthorOf { book } => self.author_of(book),
            Step::RefreshAuthor { author } => self.refresh_author(author),
            Step::RefreshBook { book } => self.refresh_book(book),
            Step::ExpireAuthor { author } => {
                if let Some((_, handle)) = self.authors.pick(&self.world.authors, author) {
                    self.session.expire(handle);
                }
                Ok(())
            }
            Step::ExpungeBook { book } => self.expunge_book(book),
            Step::RaiseSales { sales } => self.raise_sales(i64::from(sales)),
            Step::DeleteReviews { stars } => self.delete_reviews(i64::from(stars)),
            Step::NewSession => self.new_session(),
        }
    }

    fn number(&mut self) -> Serial {
        self.next += 1;
        self.next
    }

    fn flush(&mut self) -> Outcome {
        self.session.flush().map_err(text)?;
        self.flushed()
    }

    /// The session has flushed: so does the model, and new rows have keys.
    fn flushed(&mut self) -> Outcome {
        self.world.flush();
        self.learn_keys()
    }

    fn learn_keys(&mut self) -> Outcome {
        let session = &self.session;
        learn(&mut self.authors, &self.world.authors, |handle| {
            session.peek(handle).map(|author| author.id)
        })?;
        learn(&mut self.books, &self.world.books, |handle| {
            session.peek(handle).map(|book| book.id)
        })?;
        learn(&mut self.reviews, &self.world.reviews, |handle| {
            session.peek(handle).map(|review| review.id)
        })
    }

    fn commit(&mut self) -> Outcome {
        self.session.commit().map_err(text)?;
        self.by_query = false;
        self.flushed()?;
        self.world.commit();
        self.committed = self.world.clone();
        Ok(())
    }

    fn rollback(&mut self) -> Outcome {
        self.session.rollback().map_err(text)?;
        self.world = self.committed.clone();
        match std::mem::take(&mut self.by_query) {
            true => self.read_anew(),
            false => Ok(()),
        }
    }

    /// The session cannot know what rows written past it were before it met them: it has them read anew by the next query.
    fn read_anew(&mut self) -> Outcome {
        self.session.query::<Author>().all().map_err(text)?;
        self.session.query::<Book>().all().map_err(text)?;
        self.session.query::<Review>().all().map_err(text)?;
        self.session.query::<Tag>().all().map_err(text)?;
        Ok(())
    }

    fn new_session(&mut self) -> Outcome {
        self.session = self.engine.session().map_err(text)?;
        self.by_query = false;
        self.world = self.committed.clone();
        self.authors.of.clear();
        self.books.of.clear();
        self.reviews.of.clear();
        self.tags.of.clear();
        Ok(())
    }

    fn savepoint(&mut self, steps: &[Step], keep: bool) -> Outcome {
        self.world.flush();
        let before = self.world.clone();
        // The session is lent to the closure, and the rest of the subject has to come along.
        let placeholder = self.engine.session().map_err(text)?;
        let mut session = std::mem::replace(&mut self.session, placeholder);
        let mut outcome = Ok(());
        let nested = session.nested(|inner| {
            std::mem::swap(&mut self.session, inner);
            outcome = self.learn_keys();
            for step in steps {
                outcome = outcome.clone().and_then(|()| self.perform(step));
            }
            std::mem::swap(&mut self.session, inner);
            match keep && outcome.is_ok() {
                true => Ok(()),
                false => Err(Error::Flush("taken back".into())),
            }
        });
        self.session = session;
        outcome?;
        match nested {
            Ok(()) if keep => self.flushed(),
            Err(Error::Flush(what)) if !keep && what == "taken back" => {
                let deleted_within = match self.world.fault {
                    Fault::NoRestore => std::mem::take(&mut self.world.authors),
                    _ => BTreeMap::new(),
                };
                self.world = before;
                for (serial, row) in deleted_within
                    .into_iter()
                    .filter(|(_, row)| row.fate == Fate::Deleted)
                {
                    self.world.authors.insert(serial, row);
                }
                match self.by_query {
                    true => self.read_anew(),
                    false => Ok(()),
                }
            }
            other => Err(format!("the savepoint ended so: {other:?}")),
        }
    }
}

fn text(error: Error) -> String {
    format!("error: {error}")
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Outcome {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, found {found:?}")),
    }
}

fn in_database<F>(table: &Table<F>) -> impl Iterator<Item = (Serial, &F)> {
    table
        .iter()
        .filter_map(|(serial, row)| Some((*serial, row.stored.as_ref()?)))
}

/// The rows in the database for which it holds.
fn stored<F>(table: &Table<F>, holds: impl Fn(&F) -> bool) -> BTreeSet<Serial> {
    in_database(table)
        .filter(|(_, row)| holds(row))
        .map(|(serial, _)| serial)
        .collect()
}

/// Empties the tables.
pub(super) fn clear(engine: &Engine) -> Result<(), Error> {
    let mut connection = engine.connect()?;
    for sql in [
        "UPDATE authors SET mentor = NULL, favourite = NULL",
        "UPDATE books SET prequel = NULL",
        "DELETE FROM book_tags",
        "DELETE FROM reviews",
        "DELETE FROM books",
        "DELETE FROM authors",
        "DELETE FROM tags",
    ] {
        connection.execute(sql, &[])?;
    }
    Ok(())
}

/// Makes the tables.
pub(super) fn create(engine: &Engine) -> Result<(), Error> {
    engine.create_all(entities::schema())
}
