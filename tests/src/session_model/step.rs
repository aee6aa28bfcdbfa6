//! What can happen in a history, as data: it is made by a seed, printed, read back, and made smaller.
//!
//! Steps name rows by a number that is taken modulo the rows that there are at that moment; a step without a row to work
//! on does nothing. So every part of a history is a history.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// A row among those that there are.
pub type Pick = u8;

/// A step.
#[allow(missing_docs)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// A new author.
    AddAuthor {
        mentor: Option<Pick>,
        favourite: Option<Pick>,
    },
    /// A new book.
    AddBook {
        author: Option<Pick>,
        prequel: Option<Pick>,
    },
    /// A new review.
    AddReview { book: Pick, stars: u8 },
    /// A new tag, where none has that key.
    AddTag { code: u8 },
    /// The tag of that key, as it is told: here, in the database, or new.
    MergeTag { code: u8, label: u8 },
    /// A column of an author.
    SetName { author: Pick, name: u8 },
    /// A reference from an author to an author.
    SetMentor { author: Pick, to: Option<Pick> },
    /// A reference from an author to a book.
    SetFavourite { author: Pick, to: Option<Pick> },
    /// A column of a book.
    SetSales { book: Pick, sales: u8 },
    /// A reference whose loss makes an orphan.
    SetAuthor { book: Pick, to: Option<Pick> },
    /// A reference from a book to a book.
    SetPrequel { book: Pick, to: Option<Pick> },
    /// Columns of a review.
    SetReview {
        review: Pick,
        book: Option<Pick>,
        text: Option<u8>,
    },
    /// `link(author, |a| a.books, book)`
    LinkBook { author: Pick, book: Pick },
    /// `unlink(author, |a| a.books, book)`
    UnlinkBook { author: Pick, book: Pick },
    /// `link(book, |b| b.tags, tag)`, or from the other end.
    LinkTag { book: Pick, tag: Pick, backwards: bool },
    /// `unlink(book, |b| b.tags, tag)`
    UnlinkTag { book: Pick, tag: Pick },
    /// Deletes an author.
    DeleteAuthor { author: Pick },
    /// Deletes a book.
    DeleteBook { book: Pick },
    /// Deletes a review.
    DeleteReview { review: Pick },
    /// Deletes a tag.
    DeleteTag { tag: Pick },
    /// Writes what changed.
    Flush,
    /// Makes it permanent.
    Commit,
    /// Takes it back.
    Rollback,
    /// Steps within a savepoint, which is kept or taken back.
    Savepoint { steps: Vec<Step>, keep: bool },
    /// All authors, tracked.
    QueryAuthors { autoflush: bool },
    /// Books of at least so many sales, tracked.
    QueryBooks { autoflush: bool, sales: u8 },
    /// All books in batches, each of which gets so many sales.
    BooksInBatches { size: u8, sales: u8 },
    /// All reviews, tracked.
    QueryReviews,
    /// All tags, tracked.
    QueryTags,
    /// Authors with their books in one go.
    QueryWithBooks,
    /// One book by its key.
    GetBook { book: Pick },
    /// The books of an author.
    BooksOf { author: Pick },
    /// The tags of a book.
    TagsOf { book: Pick },
    /// The author of a book.
    AuthorOf { book: Pick },
    /// Reads an author anew.
    RefreshAuthor { author: Pick },
    /// Reads a book anew.
    RefreshBook { book: Pick },
    /// Lets an author be read anew.
    ExpireAuthor { author: Pick },
    /// Takes a book out of the session.
    ExpungeBook { book: Pick },
    /// UPDATE by query: one more sale for books of at most so many.
    RaiseSales { sales: u8 },
    /// DELETE by query: reviews of fewer stars.
    DeleteReviews { stars: u8 },
    /// Another session; what the one before did not commit is gone.
    NewSession,
}

/// A history.
pub fn history(random: &mut Random, length: usize) -> Vec<Step> {
    (0..length).map(|_| step(random, 0)).collect()
}

fn pick(random: &mut Random) -> Pick {
    random.below(8) as Pick
}

fn maybe(random: &mut Random, share: usize) -> Option<Pick> {
    random.percent(share).then(|| pick(random))
}

fn step(random: &mut Random, depth: usize) -> Step {
    match random.below(100) {
        0..=27 => add(random),
        28..=49 => change(random),
        50..=61 => delete(random),
        62..=80 => look(random),
        number => end(random, number, depth),
    }
}

fn add(random: &mut Random) -> Step {
    match random.below(12) {
        0..=2 => Step::AddAuthor {
            mentor: maybe(random, 40),
            favourite: maybe(random, 40),
        },
        3..=6 => Step::AddBook {
            author: maybe(random, 80),
            prequel: maybe(random, 40),
        },
        7..=8 => Step::AddReview {
            book: pick(random),
            stars: random.below(6) as u8,
        },
        9 => Step::AddTag {
            code: random.below(5) as u8,
        },
        10 => Step::MergeTag {
            code: random.below(5) as u8,
            label: pick(random),
        },
        _ => Step::LinkTag {
            book: pick(random),
            tag: pick(random),
            backwards: random.one_in(3),
        },
    }
}

fn change(random: &mut Random) -> Step {
    match random.below(13) {
        0 => Step::SetName {
            author: pick(random),
            name: pick(random),
        },
        1..=2 => Step::SetMentor {
            author: pick(random),
            to: maybe(random, 75),
        },
        3..=4 => Step::SetFavourite {
            author: pick(random),
            to: maybe(random, 75),
        },
        5 => Step::SetSales {
            book: pick(random),
            sales: pick(random),
        },
        6 => Step::SetAuthor {
            book: pick(random),
            to: maybe(random, 70),
        },
        7 => Step::SetPrequel {
            book: pick(random),
            to: maybe(random, 75),
        },
        8 => Step::SetReview {
            review: pick(random),
            book: maybe(random, 60),
            text: maybe(random, 60),
        },
        9 => Step::LinkBook {
            author: pick(random),
            book: pick(random),
        },
        10 => Step::UnlinkBook {
            author: pick(random),
            book: pick(random),
        },
        11 => Step::UnlinkTag {
            book: pick(random),
            tag: pick(random),
        },
        _ => Step::RaiseSales { sales: pick(random) },
    }
}

fn delete(random: &mut Random) -> Step {
    match random.below(8) {
        0..=2 => Step::DeleteAuthor { author: pick(random) },
        3..=4 => Step::DeleteBook { book: pick(random) },
        5 => Step::DeleteReview { review: pick(random) },
        6 => Step::DeleteTag { tag: pick(random) },
        _ => Step::DeleteReviews {
            stars: random.below(4) as u8,
        },
    }
}

fn look(random: &mut Random) -> Step {
    match random.below(15) {
        0 => Step::QueryAuthors {
            autoflush: !random.one_in(4),
        },
        1..=2 => Step::QueryBooks {
            autoflush: !random.one_in(4),
            sales: pick(random),
        },
        3 => Step::QueryReviews,
        4 => Step::QueryTags,
        5 => Step::QueryWithBooks,
        6 => Step::GetBook { book: pick(random) },
        7..=8 => Step::BooksOf { author: pick(random) },
        9 => Step::TagsOf { book: pick(random) },
        10 => Step::AuthorOf { book: pick(random) },
        11 => Step::RefreshAuthor { author: pick(random) },
        12 => Step::RefreshBook { book: pick(random) },
        13 => Step::BooksInBatches {
            size: 1 + random.below(4) as u8,
            sales: pick(random),
        },
        _ => Step::ExpireAuthor { author: pick(random) },
    }
}

fn end(random: &mut Random, number: usize, depth: usize) -> Step {
    match number {
        81..=85 => Step::Flush,
        86..=89 if depth == 0 => Step::Commit,
        90..=92 if depth == 0 => Step::Rollback,
        93 if depth == 0 => Step::NewSession,
        94 => Step::ExpungeBook { book: pick(random) },
        95..=99 if depth < 2 => {
            let length = 1 + random.below(6);
            let steps = (0..length).map(|_| step(random, depth + 1)).collect();
            Step::Savepoint {
                steps,
                keep: random.one_in(2),
            }
        }
        _ => Step::Flush,
    }
}
