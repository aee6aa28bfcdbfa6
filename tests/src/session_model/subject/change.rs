//! Steps that change memory: rows added, set and deleted, links made and cut.

use aludel::prelude::*;

use super::super::entities::{Author, Book, Review, Tag};
use super::super::step::{Pick, Step};
use super::super::world::{self, Fate, Row, Serial};
use super::{Found, Outcome, Subject, text};

impl Subject {
    pub(super) fn author_at(&self, pick: Option<Pick>) -> (Option<Serial>, Option<Fk<Author>>) {
        let found = pick.and_then(|pick| self.authors.pick(&self.world.authors, pick));
        (
            found.map(|(serial, _)| serial),
            found.map(|(_, handle)| handle.into()),
        )
    }

    pub(super) fn book_at(&self, pick: Option<Pick>) -> (Option<Serial>, Option<Fk<Book>>) {
        let found = pick.and_then(|pick| self.books.pick(&self.world.books, pick));
        (
            found.map(|(serial, _)| serial),
            found.map(|(_, handle)| handle.into()),
        )
    }

    pub(super) fn add(&mut self, step: &Step) {
        let serial = self.number();
        match *step {
            Step::AddAuthor { mentor, favourite } => {
                let name = format!("author {serial}");
                let (mentor, mentor_fk) = self.author_at(mentor);
                let (favourite, favourite_fk) = self.book_at(favourite);
                let mut author = Author::new(name.as_str());
                (author.mentor, author.favourite) = (mentor_fk, favourite_fk);
                self.authors.of.insert(serial, self.session.add(author));
                let values = world::Author {
                    name,
                    mentor,
                    favourite,
                };
                self.world.authors.insert(serial, world::new(values));
            }
            Step::AddBook { author, prequel } => {
                let title = format!("book {serial}");
                let (author, author_fk) = self.author_at(author);
                let (prequel, prequel_fk) = self.book_at(prequel);
                let mut book = Book::new(title.as_str());
                (book.author, book.prequel) = (author_fk, prequel_fk);
                self.books.of.insert(serial, self.session.add(book));
                let values = world::Book {
                    author,
                    prequel,
                    title,
                    sales: 0,
                };
                self.world.books.insert(serial, world::new(values));
            }
            Step::AddReview { book, stars } => {
                let (Some(book), Some(fk)) = self.book_at(Some(book)) else {
                    return;
                };
                let stars = i64::from(stars);
                self.reviews
                    .of
                    .insert(serial, self.session.add(Review::new(fk, stars)));
                let values = world::Review {
                    book,
                    stars,
                    text: None,
                };
                self.world.reviews.insert(serial, world::new(values));
            }
            Step::AddTag { code } => {
                let code = format!("t{code}");
                if self.tag_of_code(&code).is_some() {
                    return;
                }
                self.tags
                    .of
                    .insert(serial, self.session.add(Tag::new(code.as_str(), "new")));
                self.know_tag(serial, code, "new".to_owned());
            }
            _ => {}
        }
    }

    /// The tag that has the key, or had it until the last flush.
    pub(super) fn tag_of_code(&self, code: &str) -> Option<Serial> {
        let is_it =
            |(_, row): &(&Serial, &Row<world::Tag>)| row.now.code == code && row.fate != Fate::Deleted;
        self.world.tags.iter().find(is_it).map(|(serial, _)| *serial)
    }

    pub(super) fn know_tag(&mut self, serial: Serial, code: String, label: String) {
        self.tags.keys.insert(serial, code.clone());
        self.world
            .tags
            .insert(serial, world::new(world::Tag { code, label }));
    }

    /// Merging flushes only where it has to ask the database; flushed before, that makes no difference.
    pub(super) fn merge_tag(&mut self, code: u8, label: u8) -> Outcome {
        self.flush()?;
        let (code, label) = (format!("t{code}"), format!("label {label}"));
        let tag = Tag {
            code: code.clone(),
            label: label.clone(),
        };
        let handle = self.session.merge(tag).map_err(text)?;
        match self.tag_of_code(&code) {
            Some(serial) => {
                if let Some(row) = self.world.tags.get_mut(&serial) {
                    row.now.label = label;
                }
                self.tags.meet(serial, handle)
            }
            None => {
                let serial = self.number();
                self.know_tag(serial, code, label);
                self.tags.meet(serial, handle)
            }
        }
    }

    pub(super) fn set(&mut self, step: &Step) {
        match *step {
            Step::SetName { author, .. }
            | Step::SetMentor { author, .. }
            | Step::SetFavourite { author, .. } => {
                self.set_in_author(author, step);
            }
            Step::SetSales { book, .. } | Step::SetAuthor { book, .. } | Step::SetPrequel { book, .. } => {
                self.set_in_book(book, step);
            }
            Step::SetReview { review, book, text } => {
                let Some((serial, handle)) = self.reviews.pick(&self.world.reviews, review) else {
                    return;
                };
                let (book, fk) = self.book_at(book);
                let Some(row) = self.world.reviews.get_mut(&serial) else {
                    return;
                };
                let entity = &mut self.session[handle];
                if let (Some(book), Some(fk)) = (book, fk) {
                    (row.now.book, entity.book) = (book, fk);
                }
                let text = text.map(|text| format!("text {text}"));
                (row.now.text, entity.text) = (text.clone(), text);
            }
            _ => {}
        }
    }

    pub(super) fn set_in_author(&mut self, author: Pick, step: &Step) {
        let Some((serial, handle)) = self.authors.pick(&self.world.authors, author) else {
            return;
        };
        let (mentor, favourite) = match *step {
            Step::SetMentor { to, .. } => (Some(self.author_at(to)), None),
            Step::SetFavourite { to, .. } => (None, Some(self.book_at(to))),
            _ => (None, None),
        };
        let Some(row) = self.world.authors.get_mut(&serial) else {
            return;
        };
        let entity = &mut self.session[handle];
        if let Step::SetName { name, .. } = step {
            row.now.name = format!("name {name}");
            entity.name.clone_from(&row.now.name);
        }
        if let Some(mentor) = mentor {
            (row.now.mentor, entity.mentor) = mentor;
        }
        if let Some(favourite) = favourite {
            (row.now.favourite, entity.favourite) = favourite;
        }
    }

    pub(super) fn set_in_book(&mut self, book: Pick, step: &Step) {
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return;
        };
        let (author, prequel) = match *step {
            Step::SetAuthor { to, .. } => (Some(self.author_at(to)), None),
            Step::SetPrequel { to, .. } => (None, Some(self.book_at(to))),
            _ => (None, None),
        };
        let Some(row) = self.world.books.get_mut(&serial) else {
            return;
        };
        let entity = &mut self.session[handle];
        if let Step::SetSales { sales, .. } = step {
            (row.now.sales, entity.sales) = (i64::from(*sales), i64::from(*sales));
        }
        if let Some(author) = author {
            (row.now.author, entity.author) = author;
        }
        if let Some(prequel) = prequel {
            (row.now.prequel, entity.prequel) = prequel;
        }
    }

    pub(super) fn delete(&mut self, step: &Step) {
        match *step {
            Step::DeleteAuthor { author } => {
                if let Some((serial, handle)) = self.authors.pick(&self.world.authors, author) {
                    self.session.delete(handle);
                    self.world.delete_author(serial);
                }
            }
            Step::DeleteBook { book } => {
                if let Some((serial, handle)) = self.books.pick(&self.world.books, book) {
                    self.session.delete(handle);
                    self.world.delete_book(serial);
                }
            }
            Step::DeleteReview { review } => {
                if let Some((serial, handle)) = self.reviews.pick(&self.world.reviews, review) {
                    self.session.delete(handle);
                    self.world.delete_review(serial);
                }
            }
            Step::DeleteTag { tag } => {
                if let Some((serial, handle)) = self.tags.pick(&self.world.tags, tag) {
                    self.session.delete(handle);
                    self.world.delete_tag(serial);
                }
            }
            _ => {}
        }
    }

    // --- links -----------------------------------------------------------------------------------------------------

    pub(super) fn link_book(&mut self, author: Pick, book: Pick) -> Outcome {
        let (Some((author, of)), Some((book, to))) = self.author_and_book(author, book) else {
            return Ok(());
        };
        self.session.link(of, |a| a.books, to).map_err(text)?;
        if let Some(row) = self.world.books.get_mut(&book) {
            row.now.author = Some(author);
        }
        Ok(())
    }

    pub(super) fn unlink_book(&mut self, author: Pick, book: Pick) -> Outcome {
        let (Some((author, of)), Some((book, from))) = self.author_and_book(author, book) else {
            return Ok(());
        };
        self.session.unlink(of, |a| a.books, from).map_err(text)?;
        if let Some(row) = self.world.books.get_mut(&book)
            && row.now.author == Some(author)
        {
            row.now.author = None;
        }
        Ok(())
    }

    pub(super) fn author_and_book(
        &self,
        author: Pick,
        book: Pick,
    ) -> (Option<Found<Author>>, Option<Found<Book>>) {
        (
            self.authors.pick(&self.world.authors, author),
            self.books.pick(&self.world.books, book),
        )
    }

    /// The ends of a link, if both are there after the flush that comes first.
    pub(super) fn ends(&self, book: Pick, tag: Pick) -> Option<(Found<Book>, Found<Tag>)> {
        let book = self.books.pick(&self.world.books, book)?;
        let tag = self.tags.pick(&self.world.tags, tag)?;
        let mut after = self.world.clone();
        after.flush();
        let stays =
            after.books.get(&book.0)?.fate == Fate::Kept && after.tags.get(&tag.0)?.fate == Fate::Kept;
        stays.then_some((book, tag))
    }

    pub(super) fn link_tag(&mut self, book: Pick, tag: Pick, backwards: bool) -> Outcome {
        let Some(((book, book_handle), (tag, tag_handle))) = self.ends(book, tag) else {
            return Ok(());
        };
        let linked = match backwards {
            true => self.session.link(tag_handle, |t| t.books, book_handle),
            false => self.session.link(book_handle, |b| b.tags, tag_handle),
        };
        linked.map_err(text)?;
        self.flushed()?;
        self.world.links.insert((book, tag));
        Ok(())
    }

    pub(super) fn unlink_tag(&mut self, book: Pick, tag: Pick) -> Outcome {
        let Some(((book, book_handle), (tag, tag_handle))) = self.ends(book, tag) else {
            return Ok(());
        };
        self.session
            .unlink(book_handle, |b| b.tags, tag_handle)
            .map_err(text)?;
        self.flushed()?;
        self.world.links.remove(&(book, tag));
        Ok(())
    }
}
