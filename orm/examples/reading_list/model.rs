//! The tables.

use aludel::prelude::*;
use jiff::civil::Date;

#[derive(Entity, Debug, Clone)]
#[entity(table = "authors")]
#[has_many(books: Book, by = author, order_by = title)]
pub(crate) struct Author {
    #[column(primary_key)]
    pub(crate) id: Id<Author>,
    #[column(unique)]
    pub(crate) name: String,
}

#[derive(Entity, Debug, Clone)]
#[entity(table = "books", unique(author, title))]
#[many_to_many(tags: Tag, through = BookTag, order_by = name)]
#[has_many(marks: BookTag, by = book, cascade = "delete")]
pub(crate) struct Book {
    #[column(primary_key)]
    pub(crate) id: Id<Book>,
    #[column(name = "author_id")]
    pub(crate) author: Fk<Author>,
    pub(crate) title: String,
    pub(crate) pages: Option<i64>,
    pub(crate) finished: Option<Date>,
    pub(crate) rating: Option<i64>,
    /// Two programs that edit one book at once: the second is told.
    #[column(version)]
    pub(crate) version: u32,
}

#[derive(Entity, Debug, Clone)]
#[entity(table = "tags")]
#[many_to_many(books: Book, through = BookTag)]
pub(crate) struct Tag {
    #[column(primary_key)]
    pub(crate) id: Id<Tag>,
    #[column(unique)]
    pub(crate) name: String,
}

#[derive(Entity, Debug, Clone)]
#[entity(table = "book_tags")]
pub(crate) struct BookTag {
    #[column(primary_key, name = "book_id", on_delete = "cascade")]
    pub(crate) book: Fk<Book>,
    #[column(primary_key, name = "tag_id", on_delete = "cascade")]
    pub(crate) tag: Fk<Tag>,
}

/// One line of the history. The book may be gone: its key and title are values here.
#[derive(Entity, Debug, Clone)]
#[entity(table = "changes")]
pub(crate) struct Change {
    #[column(primary_key)]
    pub(crate) id: Id<Change>,
    #[column(index)]
    pub(crate) book: Id<Book>,
    pub(crate) title: String,
    pub(crate) what: String,
    #[column(default = now())]
    pub(crate) at: Timestamp,
}

impl BookColumns {
    /// Has the book this tag?
    pub(crate) fn is_tagged(self, name: &str) -> Expr<bool> {
        query::<BookTag>()
            .join(|m| m.tag)
            .filter(|(m, t)| m.book.eq(self.id) & t.name.eq(name))
            .exists()
    }
}
