//! The entities of the histories.
#![allow(missing_docs)]

use aludel::prelude::*;

/// A writer. Deleted, it takes its books along, and those that it taught have no mentor any more.
#[derive(Entity, Debug, Clone)]
#[entity(table = "authors")]
#[has_many(books: Book, by = author, cascade = "all, delete-orphan")]
#[has_many(taught: Author, by = mentor)]
pub struct Author {
    #[column(primary_key)]
    pub id: Id<Author>,
    pub name: String,
    pub mentor: Option<Fk<Author>>,
    pub favourite: Option<Fk<Book>>,
}

/// A book. Deleted, it takes sequels and reviews along and is nobody's favourite any more.
#[derive(Entity, Debug, Clone)]
#[entity(table = "books")]
#[has_many(sequels: Book, by = prequel, cascade = "delete")]
#[has_many(fans: Author, by = favourite)]
#[has_many(reviews: Review, by = book, cascade = "delete, passive")]
#[many_to_many(tags: Tag, through = BookTag)]
pub struct Book {
    #[column(primary_key)]
    pub id: Id<Book>,
    pub author: Option<Fk<Author>>,
    pub prequel: Option<Fk<Book>>,
    pub title: String,
    #[column(default = 0)]
    pub sales: i64,
    #[column(version)]
    pub version: u32,
}

/// What somebody says of a book. The database deletes it with the book.
#[derive(Entity, Debug, Clone)]
#[entity(table = "reviews")]
pub struct Review {
    #[column(primary_key)]
    pub id: Id<Review>,
    #[column(on_delete = "cascade")]
    pub book: Fk<Book>,
    pub stars: i64,
    pub text: Option<String>,
}

/// A word for books, by a natural key.
#[derive(Entity, Debug, Clone)]
#[entity(table = "tags")]
#[many_to_many(books: Book, through = BookTag)]
pub struct Tag {
    #[column(primary_key)]
    pub code: String,
    pub label: String,
}

/// That a book has a tag.
#[derive(Entity, Debug, Clone)]
#[entity(table = "book_tags")]
pub struct BookTag {
    #[column(primary_key)]
    pub book: Fk<Book>,
    #[column(primary_key)]
    pub tag: Fk<Tag>,
}

/// All of them.
pub fn schema() -> Schema {
    aludel::schema![Author, Book, Review, Tag, BookTag]
}
