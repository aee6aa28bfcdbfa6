//! The history of the schema. What a version once was stays written here, whatever the entities become.

use aludel::migrate::{Migration, Migrations};
use aludel::schema::{ForeignKey, Index, Table, TableColumn, Unique};
use aludel::{Connection, Kind, ReferenceAction, Schema};

pub(crate) fn all() -> Migrations {
    Migrations::new().with(Tables).with(Rating)
}

/// Authors, books, tags and the history.
struct Tables;

impl Migration for Tables {
    fn version(&self) -> i64 {
        1
    }

    fn name(&self) -> &str {
        "tables"
    }

    fn up(&self, connection: &mut Connection) -> aludel::Result<()> {
        connection.create_all(tables())
    }

    fn down(&self, connection: &mut Connection) -> aludel::Result<()> {
        connection.drop_all(tables())
    }
}

fn tables() -> Schema {
    let id = || TableColumn::new("id", Kind::Int(64)).auto();
    let number = |name: &str| TableColumn::new(name, Kind::Int(64));
    let text = |name: &str| TableColumn::new(name, Kind::Text);
    let authors = Table::new("authors")
        .with_column(id())
        .with_column(text("name"))
        .with_primary_key(["id"])
        .with_unique(Unique::new(["name"]));
    let books = Table::new("books")
        .with_column(id())
        .with_column(number("author_id"))
        .with_column(text("title"))
        .with_column(number("pages").nullable())
        .with_column(TableColumn::new("finished", Kind::Date).nullable())
        .with_column(number("version"))
        .with_primary_key(["id"])
        .with_unique(Unique::new(["author_id", "title"]))
        .with_foreign_key(ForeignKey::new(["author_id"], "authors", ["id"]));
    let tags = Table::new("tags")
        .with_column(id())
        .with_column(text("name"))
        .with_primary_key(["id"])
        .with_unique(Unique::new(["name"]));
    let cascading =
        |column, table| ForeignKey::new([column], table, ["id"]).on_delete(ReferenceAction::Cascade);
    let book_tags = Table::new("book_tags")
        .with_column(number("book_id"))
        .with_column(number("tag_id"))
        .with_primary_key(["book_id", "tag_id"])
        .with_foreign_key(cascading("book_id", "books"))
        .with_foreign_key(cascading("tag_id", "tags"));
    let changes = Table::new("changes")
        .with_column(id())
        .with_column(number("book"))
        .with_column(text("title"))
        .with_column(text("what"))
        .with_column(TableColumn::new("at", Kind::Timestamp))
        .with_primary_key(["id"])
        .with_index(Index::new("ix_changes_book", ["book"]));
    [authors, books, tags, book_tags, changes]
        .into_iter()
        .fold(Schema::new(), Schema::with_table)
}

/// Books are rated.
struct Rating;

impl Migration for Rating {
    fn version(&self) -> i64 {
        2
    }

    fn name(&self) -> &str {
        "rating"
    }

    fn up(&self, connection: &mut Connection) -> aludel::Result<()> {
        connection.execute_batch("ALTER TABLE books ADD COLUMN rating BIGINT")
    }

    fn down(&self, connection: &mut Connection) -> aludel::Result<()> {
        connection.execute_batch("ALTER TABLE books DROP COLUMN rating")
    }
}
