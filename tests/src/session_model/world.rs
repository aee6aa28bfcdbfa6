//! The model: rows as plain values, and the rules of a flush.
//!
//! Each row has its values as memory has them (`now`) and as the database has them within the open transaction (`stored`).
//! Rows are named by a number that is theirs for good; references are such numbers, so nothing here knows of keys.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a row, of any table, never given twice.
pub type Serial = usize;

/// An author's values.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Author {
    pub name: String,
    pub mentor: Option<Serial>,
    pub favourite: Option<Serial>,
}

/// A book's values; the version is not among them.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Book {
    pub author: Option<Serial>,
    pub prequel: Option<Serial>,
    pub title: String,
    pub sales: i64,
}

/// A review's values.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Review {
    pub book: Serial,
    pub stars: i64,
    pub text: Option<String>,
}

/// A tag's values.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Tag {
    pub code: String,
    pub label: String,
}

/// Where a row is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Kept,
    /// The next flush deletes it.
    Marked,
    /// It was deleted in this transaction.
    Deleted,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row<F> {
    /// Its values in memory.
    pub now: F,
    /// Its values in the database, where it is there.
    pub stored: Option<F>,
    /// Its fate.
    pub fate: Fate,
}

impl<F: Clone + PartialEq> Row<F> {
    fn is_kept(&self) -> bool {
        self.fate == Fate::Kept
    }

    fn write(&mut self) {
        match self.fate {
            Fate::Kept => self.stored = Some(self.now.clone()),
            Fate::Marked => self.delete(),
            Fate::Deleted => {}
        }
    }

    fn delete(&mut self) {
        self.fate = Fate::Deleted;
        self.stored = None;
    }

    fn read_anew(&mut self) {
        if let Some(stored) = &self.stored {
            self.now = stored.clone();
        }
    }
}

/// A table.
pub type Table<F> = BTreeMap<Serial, Row<F>>;

/// A rule that the model gets wrong on purpose: a judge that does not see it sees nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Fault {
    /// All rules are right.
    #[default]
    None,
    /// Sequels stay when their prequel goes.
    NoCascade,
    /// Books without an author any more stay.
    NoOrphans,
    /// Those taught keep a mentor who is gone.
    NoNull,
    /// A savepoint that is taken back keeps what was deleted in it.
    NoRestore,
}

/// All tables.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Authors.
    pub authors: Table<Author>,
    /// Books.
    pub books: Table<Book>,
    /// Reviews.
    pub reviews: Table<Review>,
    /// Tags.
    pub tags: Table<Tag>,
    /// Which book has which tag.
    pub links: BTreeSet<(Serial, Serial)>,
    /// What is wrong with the model.
    pub fault: Fault,
}

/// A new row.
pub fn new<F>(now: F) -> Row<F> {
    Row {
        now,
        stored: None,
        fate: Fate::Kept,
    }
}

impl World {
    /// Deletes an author: marked, or gone if it was never written.
    pub fn delete_author(&mut self, serial: Serial) {
        if remove(&mut self.authors, serial) {
            self.follow_author(serial);
        }
    }

    /// Deletes a book.
    pub fn delete_book(&mut self, serial: Serial) {
        if remove(&mut self.books, serial) {
            self.follow_book(serial);
        }
    }

    /// Deletes a review.
    pub fn delete_review(&mut self, serial: Serial) {
        remove(&mut self.reviews, serial);
    }

    /// Deletes a tag.
    pub fn delete_tag(&mut self, serial: Serial) {
        remove(&mut self.tags, serial);
    }

    /// What a flush leaves.
    pub fn flush(&mut self) {
        self.mark_orphans();
        self.cascade();
        self.authors.values_mut().for_each(Row::write);
        self.books.values_mut().for_each(Row::write);
        self.reviews.values_mut().for_each(Row::write);
        self.tags.values_mut().for_each(Row::write);
        self.follow_database();
    }

    /// What a commit leaves: rows that were deleted are no more.
    pub fn commit(&mut self) {
        self.flush();
        self.authors.retain(|_, row| row.fate != Fate::Deleted);
        self.books.retain(|_, row| row.fate != Fate::Deleted);
        self.reviews.retain(|_, row| row.fate != Fate::Deleted);
        self.tags.retain(|_, row| row.fate != Fate::Deleted);
    }

    /// Memory of one author becomes what the database has.
    pub fn refresh_author(&mut self, serial: Serial) {
        self.authors.get_mut(&serial).into_iter().for_each(Row::read_anew);
    }

    /// Memory of one book becomes what the database has.
    pub fn refresh_book(&mut self, serial: Serial) {
        self.books.get_mut(&serial).into_iter().for_each(Row::read_anew);
    }

    /// A book that had an author and has none goes.
    fn mark_orphans(&mut self) {
        if self.fault == Fault::NoOrphans {
            return;
        }
        for row in self.books.values_mut().filter(|row| row.is_kept()) {
            let had = row.stored.as_ref().is_some_and(|stored| stored.author.is_some());
            if had && row.now.author.is_none() {
                row.fate = Fate::Marked;
            }
        }
    }

    fn cascade(&mut self) {
        loop {
            let before = self.weight();
            for serial in marked(&self.authors) {
                self.follow_author(serial);
            }
            for serial in marked(&self.books) {
                self.follow_book(serial);
            }
            if self.weight() == before {
                return;
            }
        }
    }

    /// Changes whenever a row is marked or forgotten.
    fn weight(&self) -> (usize, usize, usize) {
        let books = marked(&self.books).len() + marked(&self.authors).len();
        (
            books,
            self.books.len() + self.authors.len(),
            self.reviews.len() + marked(&self.reviews).len(),
        )
    }

    /// What goes with an author, and what becomes NULL.
    fn follow_author(&mut self, gone: Serial) {
        for row in self.authors.values_mut().filter(|row| row.is_kept()) {
            if row.now.mentor == Some(gone) && self.fault != Fault::NoNull {
                row.now.mentor = None;
            }
        }
        for book in referring(&self.books, |book| book.author == Some(gone)) {
            self.delete_or_mark_book(book);
        }
    }

    fn follow_book(&mut self, gone: Serial) {
        for row in self.authors.values_mut().filter(|row| row.is_kept()) {
            if row.now.favourite == Some(gone) {
                row.now.favourite = None;
            }
        }
        for review in referring(&self.reviews, |review| review.book == gone) {
            remove(&mut self.reviews, review);
        }
        if self.fault == Fault::NoCascade {
            return;
        }
        for book in referring(&self.books, |book| book.prequel == Some(gone)) {
            self.delete_or_mark_book(book);
        }
    }

    fn delete_or_mark_book(&mut self, book: Serial) {
        if remove(&mut self.books, book) {
            self.follow_book(book);
        }
    }

    /// What the database deletes by itself: links of rows that are gone, and reviews of books that are.
    fn follow_database(&mut self) {
        let books = &self.books;
        let is_there = |book: &Serial| books.get(book).is_some_and(|row| row.stored.is_some());
        let tags = &self.tags;
        let is_tag = |tag: &Serial| tags.get(tag).is_some_and(|row| row.stored.is_some());
        self.links.retain(|(book, tag)| is_there(book) && is_tag(tag));
        for row in self.reviews.values_mut() {
            if row.stored.as_ref().is_some_and(|stored| !is_there(&stored.book)) {
                row.delete();
            }
        }
    }
}

fn marked<F>(table: &Table<F>) -> Vec<Serial> {
    let is_marked = |(_, row): &(&Serial, &Row<F>)| row.fate == Fate::Marked;
    table
        .iter()
        .filter(is_marked)
        .map(|(serial, _)| *serial)
        .collect()
}

/// Rows that stay and refer to another, as memory has them.
fn referring<F: Clone + PartialEq>(table: &Table<F>, refers: impl Fn(&F) -> bool) -> Vec<Serial> {
    let found = table.iter().filter(|(_, row)| row.is_kept() && refers(&row.now));
    found.map(|(serial, _)| *serial).collect()
}

/// Marks a row, or forgets it if it was never written: then true.
fn remove<F>(table: &mut Table<F>, serial: Serial) -> bool {
    match table.get_mut(&serial) {
        Some(row) if row.stored.is_some() => {
            row.fate = Fate::Marked;
            false
        }
        Some(_) => {
            table.remove(&serial);
            true
        }
        None => false,
    }
}
