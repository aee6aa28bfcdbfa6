//! Steps that read: queries, relations, single rows. And statements past the unit of work.

use std::collections::BTreeSet;

use aludel::prelude::*;
use aludel::{Entity, Error};

use super::super::entities::{Author, Book, Review, Tag};
use super::super::step::Pick;
use super::super::world::{Fate, Serial, World};
use super::handles::meet;
use super::{Outcome, Subject, agree, stored, text};

impl Subject {
    pub(super) fn query_authors(&mut self, autoflush: bool) -> Outcome {
        self.session.set_autoflush(autoflush);
        let found = self.session.query::<Author>().order_by(|a| a.id).all();
        self.session.set_autoflush(true);
        let found = found.map_err(text)?;
        if autoflush {
            self.flushed()?;
        }
        self.meet_authors(&found, "authors")
    }

    pub(super) fn meet_authors(&mut self, found: &[Handle<Author>], what: &str) -> Outcome {
        let expected = stored(&self.world.authors, |_| true);
        let keys = keys_of(&self.session, found, |author| author.id);
        meet(
            &mut self.authors,
            &self.world.authors,
            found,
            &keys,
            &expected,
            what,
        )
    }

    pub(super) fn query_books(&mut self, autoflush: bool, sales: i64) -> Outcome {
        self.session.set_autoflush(autoflush);
        let found = self.session.query::<Book>().filter(|b| b.sales.ge(sales)).all();
        self.session.set_autoflush(true);
        let found = found.map_err(text)?;
        if autoflush {
            self.flushed()?;
        }
        let expected = stored(&self.world.books, |book| book.sales >= sales);
        self.meet_books(&found, &expected, "books by sales")
    }

    /// What a batch brings into the session leaves it again, written. A rollback has rows that were met since read anew.
    pub(super) fn books_in_batches(&mut self, size: usize, sales: i64) -> Outcome {
        let mut found = Vec::new();
        let read = self
            .session
            .query::<Book>()
            .all_in_batches(size, |session, books| {
                for book in books {
                    session[*book].sales = sales;
                    found.push((session[*book].id, *book));
                }
                Ok(())
            });
        read.map_err(text)?;
        self.flushed()?;
        self.by_query = true;
        let mut met = BTreeSet::new();
        for (key, handle) in found {
            let Some(serial) = self.books.serial_of(&self.world.books, &key) else {
                return Err(format!(
                    "books in batches: a row of key {key:?} should not be there"
                ));
            };
            if let Some(known) = self.books.of.get(&serial) {
                agree(&format!("the handle of book {serial}"), known, &handle)?;
            }
            if !met.insert(serial) {
                return Err(format!("books in batches: book {serial} comes twice"));
            }
        }
        agree("books in batches", &stored(&self.world.books, |_| true), &met)?;
        for row in self.world.books.values_mut() {
            if let Some(stored) = &mut row.stored {
                (stored.sales, row.now.sales) = (sales, sales);
            }
        }
        Ok(())
    }

    pub(super) fn meet_books(
        &mut self,
        found: &[Handle<Book>],
        expected: &BTreeSet<Serial>,
        what: &str,
    ) -> Outcome {
        let keys = keys_of(&self.session, found, |book| book.id);
        meet(&mut self.books, &self.world.books, found, &keys, expected, what)
    }

    pub(super) fn query_reviews(&mut self) -> Outcome {
        let found = self.session.query::<Review>().all().map_err(text)?;
        self.flushed()?;
        let expected = stored(&self.world.reviews, |_| true);
        let keys = keys_of(&self.session, &found, |review| review.id);
        meet(
            &mut self.reviews,
            &self.world.reviews,
            &found,
            &keys,
            &expected,
            "reviews",
        )
    }

    pub(super) fn query_tags(&mut self) -> Outcome {
        let found = self.session.query::<Tag>().all().map_err(text)?;
        self.flushed()?;
        let expected = stored(&self.world.tags, |_| true);
        self.meet_tags(&found, &expected, "tags")
    }

    pub(super) fn meet_tags(
        &mut self,
        found: &[Handle<Tag>],
        expected: &BTreeSet<Serial>,
        what: &str,
    ) -> Outcome {
        let keys = keys_of(&self.session, found, |tag| tag.code.clone());
        meet(&mut self.tags, &self.world.tags, found, &keys, expected, what)
    }

    pub(super) fn query_with_books(&mut self) -> Outcome {
        let found = self
            .session
            .query::<Author>()
            .order_by(|a| a.id)
            .with(|a| a.books)
            .all();
        let found: Vec<(Handle<Author>, Vec<Handle<Book>>)> = found.map_err(text)?;
        self.flushed()?;
        let authors: Vec<Handle<Author>> = found.iter().map(|(author, _)| *author).collect();
        self.meet_authors(&authors, "authors with books")?;
        for (author, books) in &found {
            let is_it = |(_, handle): &(&Serial, &Handle<Author>)| *handle == author;
            let Some((serial, _)) = self.authors.of.iter().find(is_it) else {
                continue;
            };
            let serial = *serial;
            let expected = stored(&self.world.books, |book| book.author == Some(serial));
            self.meet_books(books, &expected, "books that came with their author")?;
        }
        Ok(())
    }

    pub(super) fn get_book(&mut self, pick: Pick) -> Outcome {
        self.flush()?;
        let rows: Vec<Serial> = self.world.books.keys().copied().collect();
        let Some(serial) = usize::from(pick)
            .checked_rem(rows.len())
            .and_then(|i| rows.get(i))
            .copied()
        else {
            return Ok(());
        };
        let Some(key) = self.books.keys.get(&serial).copied() else {
            return Ok(());
        };
        let found = self.session.find::<Book>(key).map_err(text)?;
        // Another row may have the key of one that is gone.
        match (self.books.serial_of(&self.world.books, &key), found) {
            (Some(serial), Some(handle)) => self.books.meet(serial, handle),
            (None, None) => Ok(()),
            (expected, found) => Err(format!(
                "the book of key {key} is row {expected:?}, found was {found:?}"
            )),
        }
    }

    pub(super) fn books_of(&mut self, author: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.authors.pick(&self.world.authors, author) else {
            return Ok(());
        };
        let found = self.session.related(handle, |a| a.books).map_err(text)?;
        let expected = stored(&self.world.books, |book| book.author == Some(serial));
        self.meet_books(&found, &expected, "the books of an author")
    }

    pub(super) fn tags_of(&mut self, book: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return Ok(());
        };
        let found = self.session.related(handle, |b| b.tags).map_err(text)?;
        let links = self.world.links.iter().filter(|(book, _)| *book == serial);
        let expected: BTreeSet<Serial> = links.map(|(_, tag)| *tag).collect();
        self.meet_tags(&found, &expected, "the tags of a book")
    }

    pub(super) fn author_of(&mut self, book: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return Ok(());
        };
        let found = self.session.related(handle, |b| b.author).map_err(text)?;
        let expected = self.world.books.get(&serial).and_then(|row| row.now.author);
        match (expected, found) {
            (Some(author), Some(found)) => self.authors.meet(author, found),
            (None, None) => Ok(()),
            (expected, found) => Err(format!(
                "the author of a book is row {expected:?}, found was {found:?}"
            )),
        }
    }

    pub(super) fn refresh_author(&mut self, author: Pick) -> Outcome {
        let Some((serial, handle)) = self.authors.pick(&self.world.authors, author) else {
            return Ok(());
        };
        let is_stored = self
            .world
            .authors
            .get(&serial)
            .is_some_and(|row| row.stored.is_some());
        self.world.refresh_author(serial);
        refreshed(is_stored, self.session.refresh(handle))
    }

    pub(super) fn refresh_book(&mut self, book: Pick) -> Outcome {
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return Ok(());
        };
        let is_stored = self
            .world
            .books
            .get(&serial)
            .is_some_and(|row| row.stored.is_some());
        self.world.refresh_book(serial);
        refreshed(is_stored, self.session.refresh(handle))
    }

    /// After a flush nothing refers to it by its handle, and nothing is lost.
    pub(super) fn expunge_book(&mut self, book: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return Ok(());
        };
        // What this transaction wrote of it is not taken back in memory, but read again.
        let stored = |world: &World| world.books.get(&serial).and_then(|row| row.stored.clone());
        self.by_query |= stored(&self.world) != stored(&self.committed);
        self.session.expunge(handle).map_err(text)?;
        self.books.of.remove(&serial);
        match self.session.contains(handle) {
            true => Err(format!("an expunged {handle:?} is still there")),
            false => Ok(()),
        }
    }

    pub(super) fn raise_sales(&mut self, sales: i64) -> Outcome {
        self.by_query = true;
        let update = self.session.update::<Book>().set(|b| b.sales.to(b.sales + 1));
        let changed = update.filter(|b| b.sales.le(sales)).run().map_err(text)?;
        self.flushed()?;
        let mut expected = 0;
        for row in self.world.books.values_mut() {
            if let Some(stored) = row.stored.as_mut().filter(|stored| stored.sales <= sales) {
                stored.sales += 1;
                row.now.sales = stored.sales;
                expected += 1;
            }
        }
        agree("books changed by an UPDATE", &expected, &changed)
    }

    pub(super) fn delete_reviews(&mut self, stars: i64) -> Outcome {
        let delete = self.session.delete_where::<Review>();
        let deleted = delete.filter(|r| r.stars.lt(stars)).run().map_err(text)?;
        self.flushed()?;
        let mut expected = 0;
        for row in self.world.reviews.values_mut() {
            if row.stored.take_if(|stored| stored.stars < stars).is_some() {
                row.fate = Fate::Deleted;
                expected += 1;
            }
        }
        agree("reviews deleted by a DELETE", &expected, &deleted)
    }
}

fn keys_of<T: Entity, K>(session: &Session, handles: &[Handle<T>], key: impl Fn(&T) -> K) -> Vec<K> {
    handles
        .iter()
        .filter_map(|handle| session.peek(*handle))
        .map(key)
        .collect()
}

fn refreshed(is_stored: bool, outcome: aludel::Result<()>) -> Outcome {
    match outcome {
        Ok(()) if is_stored => Ok(()),
        Err(Error::NotFound { .. }) if !is_stored => Ok(()),
        other => Err(format!(
            "a refresh of a row that is{} there ended so: {other:?}",
            if is_stored { "" } else { " not" }
        )),
    }
}
