//! A session beside its model: steps are done to both, and both are compared.

use std::collections::{BTreeMap, BTreeSet};

use aludel::prelude::*;
use aludel::{Entity, Error};

use super::entities::{self, Author, Book, BookTag, Review, Tag};
use super::step::{Pick, Step};
use super::world::{self, Fate, Fault, Row, Serial, Table, World};

/// What went wrong, as text.
type Outcome = Result<(), String>;

/// A row and its handle.
type Found<T> = (Serial, Handle<T>);

/// The handles of one entity, by the numbers of their rows.
struct Handles<T: Entity> {
    of: BTreeMap<Serial, Handle<T>>,
    keys: BTreeMap<Serial, T::Key>,
}

impl<T: Entity> Handles<T> {
    fn new() -> Handles<T> {
        Handles {
            of: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// One of the rows that stay, of those that a handle is known for.
    fn pick<F>(&self, table: &Table<F>, pick: Pick) -> Option<Found<T>> {
        let is_kept = |serial: &Serial| table.get(serial).is_some_and(|row| row.fate == Fate::Kept);
        let kept: Vec<_> = self.of.iter().filter(|(serial, _)| is_kept(serial)).collect();
        let index = usize::from(pick).checked_rem(kept.len())?;
        kept.get(index).map(|(serial, handle)| (**serial, **handle))
    }

    /// The row in the database that has the key.
    fn serial_of<F>(&self, table: &Table<F>, key: &T::Key) -> Option<Serial> {
        let is_it =
            |(serial, row): &(&Serial, &Row<F>)| row.stored.is_some() && self.keys.get(serial) == Some(key);
        table.iter().find(is_it).map(|(serial, _)| *serial)
    }

    /// A query gave that handle for that row: the only one for it.
    fn meet(&mut self, serial: Serial, handle: Handle<T>) -> Outcome {
        match self.of.insert(serial, handle) {
            Some(other) if other != handle => Err(format!(
                "row {serial} of {} has two handles: {other:?}, {handle:?}",
                T::TABLE
            )),
            _ => Ok(()),
        }
    }
}

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

    // --- rows ------------------------------------------------------------------------------------------------------

    fn author_at(&self, pick: Option<Pick>) -> (Option<Serial>, Option<Fk<Author>>) {
        let found = pick.and_then(|pick| self.authors.pick(&self.world.authors, pick));
        (
            found.map(|(serial, _)| serial),
            found.map(|(_, handle)| handle.into()),
        )
    }

    fn book_at(&self, pick: Option<Pick>) -> (Option<Serial>, Option<Fk<Book>>) {
        let found = pick.and_then(|pick| self.books.pick(&self.world.books, pick));
        (
            found.map(|(serial, _)| serial),
            found.map(|(_, handle)| handle.into()),
        )
    }

    fn add(&mut self, step: &Step) {
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
    fn tag_of_code(&self, code: &str) -> Option<Serial> {
        let is_it =
            |(_, row): &(&Serial, &Row<world::Tag>)| row.now.code == code && row.fate != Fate::Deleted;
        self.world.tags.iter().find(is_it).map(|(serial, _)| *serial)
    }

    fn know_tag(&mut self, serial: Serial, code: String, label: String) {
        self.tags.keys.insert(serial, code.clone());
        self.world
            .tags
            .insert(serial, world::new(world::Tag { code, label }));
    }

    /// Merging flushes only where it has to ask the database; flushed before, that makes no difference.
    fn merge_tag(&mut self, code: u8, label: u8) -> Outcome {
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

    fn set(&mut self, step: &Step) {
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

    fn set_in_author(&mut self, author: Pick, step: &Step) {
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

    fn set_in_book(&mut self, book: Pick, step: &Step) {
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

    fn delete(&mut self, step: &Step) {
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

    fn link_book(&mut self, author: Pick, book: Pick) -> Outcome {
        let (Some((author, of)), Some((book, to))) = self.author_and_book(author, book) else {
            return Ok(());
        };
        self.session.link(of, |a| a.books, to).map_err(text)?;
        if let Some(row) = self.world.books.get_mut(&book) {
            row.now.author = Some(author);
        }
        Ok(())
    }

    fn unlink_book(&mut self, author: Pick, book: Pick) -> Outcome {
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

    fn author_and_book(&self, author: Pick, book: Pick) -> (Option<Found<Author>>, Option<Found<Book>>) {
        (
            self.authors.pick(&self.world.authors, author),
            self.books.pick(&self.world.books, book),
        )
    }

    /// The ends of a link, if both are there after the flush that comes first.
    fn ends(&self, book: Pick, tag: Pick) -> Option<(Found<Book>, Found<Tag>)> {
        let book = self.books.pick(&self.world.books, book)?;
        let tag = self.tags.pick(&self.world.tags, tag)?;
        let mut after = self.world.clone();
        after.flush();
        let stays =
            after.books.get(&book.0)?.fate == Fate::Kept && after.tags.get(&tag.0)?.fate == Fate::Kept;
        stays.then_some((book, tag))
    }

    fn link_tag(&mut self, book: Pick, tag: Pick, backwards: bool) -> Outcome {
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

    fn unlink_tag(&mut self, book: Pick, tag: Pick) -> Outcome {
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

    // --- the unit of work ------------------------------------------------------------------------------------------

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
        if std::mem::take(&mut self.by_query) {
            // The session cannot know what such rows were before it met them: it has them read anew by the next query.
            self.session.query::<Author>().all().map_err(text)?;
            self.session.query::<Book>().all().map_err(text)?;
            self.session.query::<Review>().all().map_err(text)?;
            self.session.query::<Tag>().all().map_err(text)?;
        }
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
                Ok(())
            }
            other => Err(format!("the savepoint ended so: {other:?}")),
        }
    }

    // --- reading ---------------------------------------------------------------------------------------------------

    fn query_authors(&mut self, autoflush: bool) -> Outcome {
        self.session.set_autoflush(autoflush);
        let found = self.session.query::<Author>().order_by(|a| a.id).all();
        self.session.set_autoflush(true);
        let found = found.map_err(text)?;
        if autoflush {
            self.flushed()?;
        }
        self.meet_authors(&found, "authors")
    }

    fn meet_authors(&mut self, found: &[Handle<Author>], what: &str) -> Outcome {
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

    fn query_books(&mut self, autoflush: bool, sales: i64) -> Outcome {
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

    fn meet_books(&mut self, found: &[Handle<Book>], expected: &BTreeSet<Serial>, what: &str) -> Outcome {
        let keys = keys_of(&self.session, found, |book| book.id);
        meet(&mut self.books, &self.world.books, found, &keys, expected, what)
    }

    fn query_reviews(&mut self) -> Outcome {
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

    fn query_tags(&mut self) -> Outcome {
        let found = self.session.query::<Tag>().all().map_err(text)?;
        self.flushed()?;
        let expected = stored(&self.world.tags, |_| true);
        self.meet_tags(&found, &expected, "tags")
    }

    fn meet_tags(&mut self, found: &[Handle<Tag>], expected: &BTreeSet<Serial>, what: &str) -> Outcome {
        let keys = keys_of(&self.session, found, |tag| tag.code.clone());
        meet(&mut self.tags, &self.world.tags, found, &keys, expected, what)
    }

    fn query_with_books(&mut self) -> Outcome {
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

    fn get_book(&mut self, pick: Pick) -> Outcome {
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

    fn books_of(&mut self, author: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.authors.pick(&self.world.authors, author) else {
            return Ok(());
        };
        let found = self.session.related(handle, |a| a.books).map_err(text)?;
        let expected = stored(&self.world.books, |book| book.author == Some(serial));
        self.meet_books(&found, &expected, "the books of an author")
    }

    fn tags_of(&mut self, book: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return Ok(());
        };
        let found = self.session.related(handle, |b| b.tags).map_err(text)?;
        let links = self.world.links.iter().filter(|(book, _)| *book == serial);
        let expected: BTreeSet<Serial> = links.map(|(_, tag)| *tag).collect();
        self.meet_tags(&found, &expected, "the tags of a book")
    }

    fn author_of(&mut self, book: Pick) -> Outcome {
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

    fn refresh_author(&mut self, author: Pick) -> Outcome {
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

    fn refresh_book(&mut self, book: Pick) -> Outcome {
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
    fn expunge_book(&mut self, book: Pick) -> Outcome {
        self.flush()?;
        let Some((serial, handle)) = self.books.pick(&self.world.books, book) else {
            return Ok(());
        };
        // What this transaction wrote of it could not be taken back in memory any more.
        let stored = |world: &World| world.books.get(&serial).and_then(|row| row.stored.clone());
        if stored(&self.world) != stored(&self.committed) {
            return Ok(());
        }
        self.session.expunge(handle).map_err(text)?;
        self.books.of.remove(&serial);
        match self.session.contains(handle) {
            true => Err(format!("an expunged {handle:?} is still there")),
            false => Ok(()),
        }
    }

    fn raise_sales(&mut self, sales: i64) -> Outcome {
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

    fn delete_reviews(&mut self, stars: i64) -> Outcome {
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

    // --- comparing -------------------------------------------------------------------------------------------------

    /// Every handle reads as the model says, and every table has the rows that it says.
    pub(super) fn check(&mut self) -> Outcome {
        self.check_memory()?;
        self.session.set_autoflush(false);
        let checked = self.check_database();
        self.session.set_autoflush(true);
        checked
    }

    fn check_memory(&self) -> Outcome {
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

    fn same_author(&self, fk: Option<&Fk<Author>>, expected: Option<Serial>) -> bool {
        same(&self.authors, fk, expected)
    }

    fn same_book(&self, fk: Option<&Fk<Book>>, expected: Option<Serial>) -> bool {
        same(&self.books, fk, expected)
    }

    fn check_database(&mut self) -> Outcome {
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
    fn check_versions(&self, versions: &BTreeMap<String, u32>) -> Outcome {
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

fn text(error: Error) -> String {
    format!("error: {error}")
}

fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn key<T: Entity>(fk: Option<Fk<T>>) -> Option<T::Key> {
    fk.and_then(|fk| fk.key().cloned())
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Outcome {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, found {found:?}")),
    }
}

/// Rows that a table has, whatever their order.
fn table<T: PartialEq + std::fmt::Debug>(name: &str, mut expected: Vec<T>, mut found: Vec<T>) -> Outcome {
    expected.sort_by_cached_key(shown);
    found.sort_by_cached_key(shown);
    agree(&format!("table {name}"), &expected, &found)
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

fn keys_of<T: Entity, K>(session: &Session, handles: &[Handle<T>], key: impl Fn(&T) -> K) -> Vec<K> {
    handles
        .iter()
        .filter_map(|handle| session.peek(*handle))
        .map(key)
        .collect()
}

/// A query gave these handles: they are of the rows expected, each with the one handle that its row has.
fn meet<T: Entity, F>(
    handles: &mut Handles<T>,
    table: &Table<F>,
    found: &[Handle<T>],
    keys: &[T::Key],
    expected: &BTreeSet<Serial>,
    what: &str,
) -> Outcome {
    let mut met = BTreeSet::new();
    for (handle, key) in found.iter().zip(keys) {
        let Some(serial) = handles.serial_of(table, key) else {
            return Err(format!("{what}: a row of key {key:?} should not be there"));
        };
        handles.meet(serial, *handle)?;
        met.insert(serial);
    }
    agree(what, expected, &met)?;
    agree(&format!("{what}, counted"), &expected.len(), &found.len())
}

/// Learns the keys of rows that were written.
fn learn<T: Entity, F>(
    handles: &mut Handles<T>,
    table: &Table<F>,
    key: impl Fn(Handle<T>) -> Option<T::Key>,
) -> Outcome {
    for (serial, handle) in &handles.of {
        if handles.keys.contains_key(serial) || table.get(serial).is_none_or(|row| row.stored.is_none()) {
            continue;
        }
        match key(*handle) {
            Some(key) => handles.keys.insert(*serial, key),
            None => {
                return Err(format!(
                    "row {serial} of {} is written, and its handle is dead",
                    T::TABLE
                ));
            }
        };
    }
    Ok(())
}

/// Does the reference lead to that row, by key or by handle?
fn same<T: Entity>(handles: &Handles<T>, fk: Option<&Fk<T>>, expected: Option<Serial>) -> bool {
    match (fk, expected) {
        (None, None) => true,
        (Some(Fk::Key(key)), Some(serial)) => handles.keys.get(&serial) == Some(key),
        (Some(Fk::Pending(handle)), Some(serial)) => handles.of.get(&serial) == Some(handle),
        _ => false,
    }
}

/// Each handle is alive where the model has its row, and reads so.
fn each<T: Entity + std::fmt::Debug, F: std::fmt::Debug>(
    session: &Session,
    handles: &Handles<T>,
    table: &Table<F>,
    same: impl Fn(&T, &F) -> bool,
) -> Outcome {
    for (serial, handle) in &handles.of {
        match (table.get(serial), session.peek(*handle)) {
            (None, None) => {}
            (None, Some(entity)) => return Err(format!("row {serial} is gone, and memory has {entity:?}")),
            (Some(row), None) => return Err(format!("memory has lost row {serial}: {row:?}")),
            // What refers to rows that are gone need not be kept right.
            (Some(row), Some(_)) if row.fate == Fate::Deleted => {}
            (Some(row), Some(entity)) if same(entity, &row.now) => {}
            (Some(row), Some(entity)) => {
                return Err(format!(
                    "memory of row {serial}: expected {:?}, found {entity:?}",
                    row.now
                ));
            }
        }
    }
    Ok(())
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
