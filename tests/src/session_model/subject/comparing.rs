//! Memory and the database beside the model.

use std::collections::BTreeMap;

use aludel::Entity;
use aludel::prelude::*;

use super::super::entities::{Author, Book, BookTag, Review, Tag};
use super::super::world::{Fate, Serial};
use super::handles::{each, same};
use super::{Outcome, Subject, agree, in_database, text};

impl Subject {
    /// Every handle reads as the model says, and every table has the rows that it says.
    pub(super) fn check(&mut self) -> Outcome {
        self.check_memory()?;
        self.session.set_autoflush(false);
        let checked = self.check_database();
        self.session.set_autoflush(true);
        checked
    }

    pub(super) fn check_memory(&self) -> Outcome {
        let session = &self.session;
        each(session, &self.authors, &self.world.authors, |author, now| {
            let mentor = self.same_author(author.mentor.as_ref(), now.mentor);
            author.name == now.name && mentor && self.same_book(author.favourite.as_ref(), now.favourite)
        })?;
        each(session, &self.books, &self.world.books, |book, now| {
            let plain = book.title == now.title && book.sales == now.sales;
            let author = self.same_author(book.author.as_ref(), now.author);
            plain && author && self.same_book(book.prequel.as_ref(), now.prequel)
        })?;
        each(session, &self.reviews, &self.world.reviews, |review, now| {
            let plain = review.stars == now.stars && review.text == now.text;
            plain && self.same_book(Some(&review.book), Some(now.book))
        })?;
        each(session, &self.tags, &self.world.tags, |tag, now| {
            tag.code == now.code && tag.label == now.label
        })
    }

    pub(super) fn same_author(&self, fk: Option<&Fk<Author>>, expected: Option<Serial>) -> bool {
        same(&self.authors, fk, expected)
    }

    pub(super) fn same_book(&self, fk: Option<&Fk<Book>>, expected: Option<Serial>) -> bool {
        same(&self.books, fk, expected)
    }

    pub(super) fn check_database(&mut self) -> Outcome {
        let author_key =
            |serial: Option<Serial>| serial.and_then(|serial| self.authors.keys.get(&serial)).copied();
        let book_key =
            |serial: Option<Serial>| serial.and_then(|serial| self.books.keys.get(&serial)).copied();
        let mut authors = Vec::new();
        for (serial, stored) in in_database(&self.world.authors) {
            let (mentor, favourite) = (author_key(stored.mentor), book_key(stored.favourite));
            authors.push((author_key(Some(serial)), stored.name.clone(), mentor, favourite));
        }
        let mut books = Vec::new();
        for (serial, stored) in in_database(&self.world.books) {
            let (author, prequel) = (author_key(stored.author), book_key(stored.prequel));
            books.push((
                book_key(Some(serial)),
                author,
                prequel,
                stored.title.clone(),
                stored.sales,
            ));
        }
        let mut reviews = Vec::new();
        for (serial, stored) in in_database(&self.world.reviews) {
            let key = self.reviews.keys.get(&serial).copied();
            reviews.push((
                key,
                book_key(Some(stored.book)),
                stored.stars,
                stored.text.clone(),
            ));
        }
        let tags = in_database(&self.world.tags)
            .map(|(_, tag)| (tag.code.clone(), tag.label.clone()))
            .collect();
        let links = self
            .world
            .links
            .iter()
            .map(|(book, tag)| (book_key(Some(*book)), self.tags.keys.get(tag).cloned()));
        let links = links.collect();

        let session = &mut self.session;
        let found = session.query::<Author>().fetch().map_err(text)?;
        let found = found
            .into_iter()
            .map(|a| (Some(a.id), a.name, key(a.mentor), key(a.favourite)));
        table("authors", authors, found.collect())?;
        let found = session.query::<Book>().fetch().map_err(text)?;
        let versions: BTreeMap<_, u32> = found.iter().map(|book| (shown(&book.id), book.version)).collect();
        let found = found
            .into_iter()
            .map(|b| (Some(b.id), key(b.author), key(b.prequel), b.title, b.sales));
        table("books", books, found.collect())?;
        let found = session.query::<Review>().fetch().map_err(text)?;
        let found = found
            .into_iter()
            .map(|r| (Some(r.id), r.book.key().copied(), r.stars, r.text));
        table("reviews", reviews, found.collect())?;
        let found = session.query::<Tag>().fetch().map_err(text)?;
        table(
            "tags",
            tags,
            found.into_iter().map(|tag| (tag.code, tag.label)).collect(),
        )?;
        let found = session.query::<BookTag>().fetch().map_err(text)?;
        let found = found
            .into_iter()
            .map(|link| (link.book.key().copied(), link.tag.key().cloned()));
        table("book_tags", links, found.collect())?;
        self.check_versions(&versions)
    }

    /// A book's version in memory is the one in the database: else its next update would be stale.
    pub(super) fn check_versions(&self, versions: &BTreeMap<String, u32>) -> Outcome {
        for (serial, handle) in &self.books.of {
            let Some(row) = self.world.books.get(serial).filter(|row| row.stored.is_some()) else {
                continue;
            };
            let Some(book) = self.session.peek(*handle).filter(|_| row.fate == Fate::Kept) else {
                continue;
            };
            agree("versions", &versions.get(&shown(&book.id)), &Some(&book.version))
                .map_err(|what| format!("{what} (book {serial})"))?;
        }
        Ok(())
    }
}

fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn key<T: Entity>(fk: Option<Fk<T>>) -> Option<T::Key> {
    fk.and_then(|fk| fk.key().cloned())
}

/// Rows that a table has, whatever their order.
fn table<T: PartialEq + std::fmt::Debug>(name: &str, mut expected: Vec<T>, mut found: Vec<T>) -> Outcome {
    expected.sort_by_cached_key(shown);
    found.sort_by_cached_key(shown);
    agree(&format!("table {name}"), &expected, &found)
}
