//! Fields that a query defines: an expression of the columns, read with each load, no column of the table.

mod support;

use aludel::migrate::Hints;
use aludel::prelude::*;
use aludel::schema::Table;
use support::on_each;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "authors")]
#[has_many(books: Book, by = author, order_by = id)]
struct Author {
    #[column(query = AuthorColumns::book_count)]
    book_count: i64,
    #[column(primary_key)]
    id: Id<Author>,
    first: String,
    last: String,
    #[column(query = |a: AuthorColumns| a.first.concat(" ").concat(a.last))]
    full: String,
    #[column(query = AuthorColumns::best, name = "best_title")]
    best: Option<String>,
    born: i64,
}

impl AuthorColumns {
    /// Correlated with the author's row, and with a value of its own.
    fn book_count(self) -> Expr<i64> {
        query::<Book>()
            .filter(|b| b.author.eq(self.id) & b.pages.gt(0))
            .count()
    }

    fn best(self) -> Expr<Option<String>> {
        query::<Book>()
            .filter(|b| b.author.eq(self.id))
            .order_by(|b| b.pages.desc())
            .limit(1)
            .select(|b| b.title)
            .scalar()
    }
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "books")]
struct Book {
    #[column(primary_key)]
    id: Id<Book>,
    author: Fk<Author>,
    title: String,
    pages: i64,
    #[column(query = |b: BookColumns| b.pages.gt(300))]
    is_long: bool,
}

fn on_each_with_authors(test: impl Fn(&mut Session) -> aludel::Result<()>) {
    on_each(|engine| {
        engine.create_all(schema![Author, Book])?;
        let mut session = engine.session()?;
        let ann = session.add(Author::new("Ann", "Bee", 1950));
        session.add(Author::new("Cy", "Dee", 1960));
        session.add_all([
            Book::new(ann, "Short", 100),
            Book::new(ann, "Long", 400),
            Book::new(ann, "Empty", 0),
        ]);
        session.commit()?;
        test(&mut engine.session()?)
    });
}

#[test]
fn read_with_each_query() {
    on_each_with_authors(|session| {
        let authors: Vec<Author> = session.query::<Author>().order_by(|a| a.id).fetch()?;
        assert_eq!((authors[0].book_count, authors[0].full.as_str()), (2, "Ann Bee"));
        assert_eq!(authors[0].best.as_deref(), Some("Long"));
        assert_eq!((authors[1].book_count, authors[1].best.as_deref()), (0, None));
        assert_eq!((authors[0].born, authors[1].born), (1950, 1960));
        let handles = session.query::<Author>().order_by(|a| a.id).all()?;
        assert_eq!(session[handles[0]].book_count, 2);
        let long: Vec<bool> = session
            .query::<Book>()
            .order_by(|b| b.id)
            .fetch()?
            .iter()
            .map(|b| b.is_long)
            .collect();
        assert_eq!(long, [false, true, false]);
        Ok(())
    });
}

#[test]
fn usable_in_filters_orders_and_selections() {
    on_each_with_authors(|session| {
        let busy = session
            .query::<Author>()
            .filter(|a| a.book_count().gt(1))
            .fetch()?;
        assert_eq!(busy.len(), 1);
        let order: Vec<(String, i64)> = session
            .query::<Author>()
            .order_by(|a| (a.book_count(), a.id))
            .select(|a| (a.first, a.book_count()))
            .fetch()?;
        assert_eq!(order, [("Cy".to_owned(), 0), ("Ann".to_owned(), 2)]);
        let with_entity: Vec<(Author, i64)> = session
            .query::<Author>()
            .order_by(|a| a.id)
            .select(|a| (a, a.book_count() * 10))
            .fetch()?;
        assert_eq!((with_entity[0].0.book_count, with_entity[0].1), (2, 20));
        Ok(())
    });
}

#[test]
fn read_by_key_and_refreshed() {
    on_each_with_authors(|session| {
        let ann = session.get::<Author>(1)?;
        assert_eq!(
            (session[ann].book_count, session[ann].full.as_str()),
            (2, "Ann Bee")
        );
        session.add(Book::new(ann, "New", 900));
        session.flush()?;
        // As it was read, until it is read anew.
        assert_eq!(session[ann].book_count, 2);
        session.refresh(ann)?;
        assert_eq!(
            (session[ann].book_count, session[ann].best.as_deref()),
            (3, Some("New"))
        );
        let many = session.get_many::<Author>([Id::from(1), Id::from(2)])?;
        assert_eq!((session[many[0]].book_count, session[many[1]].book_count), (3, 0));
        session.rollback()
    });
}

#[test]
fn expired_and_read_by_the_next_query() {
    on_each_with_authors(|session| {
        let ann = session.get::<Author>(1)?;
        session.sql("DELETE FROM books WHERE title = 'Long'").run()?;
        session.expire_all();
        assert_eq!(session.query::<Author>().order_by(|a| a.id).all()?[0], ann);
        assert_eq!(
            (session[ann].book_count, session[ann].best.as_deref()),
            (1, Some("Short"))
        );
        Ok(())
    });
}

#[test]
fn not_written() {
    on_each_with_authors(|session| {
        let new = session.add(Author {
            book_count: 77,
            ..Author::new("Eve", "Fee", 1970)
        });
        session.commit()?;
        session.refresh(new)?;
        assert_eq!(
            (session[new].book_count, session[new].full.as_str()),
            (0, "Eve Fee")
        );
        session[new].last = "Gee".to_owned();
        session.commit()?;
        session.refresh(new)?;
        assert_eq!(session[new].full, "Eve Gee");
        session.insert([Author::new("Past", "Session", 1)]).run()?;
        let found = session
            .query::<Author>()
            .filter(|a| a.first.eq("Past"))
            .fetch_one()?;
        assert_eq!((found.full.as_str(), found.book_count), ("Past Session", 0));
        Ok(())
    });
}

#[test]
fn a_change_is_refused() {
    on_each_with_authors(|session| {
        let ann = session.get::<Author>(1)?;
        session[ann].book_count = 5;
        let error = session.flush().unwrap_err().to_string();
        assert!(
            error.contains("`book_count`") && error.contains("is what a query says"),
            "{error}"
        );
        session.refresh(ann)?;
        session.flush()
    });
}

#[test]
fn no_part_of_the_table() {
    on_each_with_authors(|session| {
        session.commit()?;
        let engine = session.engine().clone();
        let columns: Vec<String> = Table::of::<Author>()
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        assert_eq!(columns, ["id", "first", "last", "born"]);
        assert_eq!(engine.check::<Author>()?, []);
        let wanted = support::everything().with::<Author>().with::<Book>();
        let plan = engine.plan(&wanted, &Hints::new())?;
        assert!(plan.is_empty(), "{plan}");
        Ok(())
    });
}

#[test]
fn read_along_relations() {
    on_each_with_authors(|session| {
        let with_books: Vec<(Author, Vec<Book>)> = session
            .query::<Author>()
            .order_by(|a| a.id)
            .with(|a| a.books)
            .fetch()?;
        assert_eq!(with_books[0].0.book_count, 2);
        assert_eq!(
            with_books[0].1.iter().map(|b| b.is_long).collect::<Vec<_>>(),
            [false, true, false]
        );
        let joined: Vec<(Author, Vec<Book>)> = session
            .query::<Author>()
            .order_by(|a| a.id)
            .with_joined(|a| a.books)
            .fetch()?;
        assert_eq!(joined, with_books);
        let ann = session.get::<Author>(1)?;
        let books = session.related(ann, |a| a.books)?.to_vec();
        assert!(session[books[1]].is_long);
        Ok(())
    });
}

#[test]
fn read_in_joins_limits_and_subqueries() {
    on_each_with_authors(|session| {
        let pairs: Vec<(Author, Option<Book>)> = session
            .query::<Author>()
            .left_join(|a| a.books)
            .order_by(|(a, b)| (a.id, b.id))
            .fetch()?;
        assert_eq!(pairs.len(), 4);
        assert_eq!(
            (pairs[1].0.book_count, pairs[1].1.as_ref().map(|b| b.is_long)),
            (2, Some(true))
        );
        assert_eq!((pairs[3].0.book_count, &pairs[3].1), (0, &None));
        let limited: Vec<(Author, Vec<Book>)> = session
            .query::<Author>()
            .order_by(|a| a.id)
            .limit(1)
            .with_joined(|a| a.books)
            .fetch()?;
        assert_eq!(
            (
                limited[0].0.book_count,
                limited[0].0.full.as_str(),
                limited[0].1.len()
            ),
            (2, "Ann Bee", 3)
        );
        let busy = query::<Author>().filter(|a| a.book_count().gt(1)).subquery();
        let found: Vec<Author> = busy.query().on(session).fetch()?;
        assert_eq!(
            (found.len(), found[0].book_count, found[0].full.as_str()),
            (1, 2, "Ann Bee")
        );
        Ok(())
    });
}

#[test]
fn written_in_batches_and_by_queries() {
    on_each_with_authors(|session| {
        let first = session.query::<Author>().filter(|a| a.id.eq(1)).one()?;
        session
            .update::<Author>()
            .set(|a| a.born.to(a.book_count() + 1))
            .filter(|a| a.id.eq(2))
            .run()?;
        assert_eq!(session.get::<Author>(2).map(|a| session[a].born)?, 1);
        session
            .delete_where::<Author>()
            .filter(|a| a.book_count().eq(0))
            .run()?;
        assert_eq!(session.query::<Author>().count()?, 1);
        assert_eq!(session[first].book_count, 2);
        Ok(())
    });
}

#[test]
fn merged_and_expunged() {
    on_each_with_authors(|session| {
        let merged = session.merge(Author {
            id: Id::from(1),
            ..Author::new("Ann", "New", 1951)
        })?;
        assert_eq!((session[merged].book_count, session[merged].born), (2, 1951));
        session.flush()?;
        let plain = session.expunge(merged)?;
        assert_eq!(plain.last, "New");
        Ok(())
    });
}

#[test]
fn given_by_sql_text() {
    on_each_with_authors(|session| {
        let books: Vec<Book> = session
            .sql("SELECT id, author, title, pages, 1 = 1 AS is_long FROM books ORDER BY id")
            .entities()?;
        assert!(books.iter().all(|book| book.is_long));
        let error = session
            .sql("SELECT * FROM books")
            .entities::<Book>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("no column `is_long`"), "{error}");
        Ok(())
    });
}
