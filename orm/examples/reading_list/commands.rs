//! What the commands do.

use aludel::prelude::*;
use aludel::{Error, Handle};
use jiff::civil::Date;

use crate::model::{Author, Book, BookTag, Tag};

pub(crate) fn add(
    session: &mut Session,
    title: &str,
    author: &str,
    pages: Option<i64>,
    tags: &[String],
) -> aludel::Result<()> {
    let author = author_of(session, author)?;
    let book = session.add(Book {
        pages,
        ..Book::new(author, title)
    });
    link_tags(session, book, tags)?;
    session.commit()?;
    println!("{}: {}", session[book].id, session[book].title);
    Ok(())
}

pub(crate) fn edit(
    session: &mut Session,
    id: i64,
    title: Option<String>,
    author: Option<String>,
    pages: Option<i64>,
) -> aludel::Result<()> {
    let book = session.get::<Book>(id)?;
    if let Some(title) = title {
        session[book].title = title;
    }
    if let Some(author) = author {
        let author = author_of(session, &author)?;
        session[book].author = author.into();
    }
    if pages.is_some() {
        session[book].pages = pages;
    }
    session.commit()
}

pub(crate) fn finish(
    session: &mut Session,
    id: i64,
    rating: Option<i64>,
    on: Option<Date>,
) -> aludel::Result<()> {
    if rating.is_some_and(|stars| !(1..=5).contains(&stars)) {
        return Err(Error::refused("a rating is a number from 1 to 5"));
    }
    let book = session.get::<Book>(id)?;
    session[book].finished = Some(on.unwrap_or_else(|| jiff::Zoned::now().date()));
    if rating.is_some() {
        session[book].rating = rating;
    }
    session.commit()
}

pub(crate) fn tag(session: &mut Session, id: i64, tags: &[String]) -> aludel::Result<()> {
    let book = session.get::<Book>(id)?;
    link_tags(session, book, tags)?;
    session.commit()
}

pub(crate) fn untag(session: &mut Session, id: i64, tags: &[String]) -> aludel::Result<()> {
    let removed = session
        .delete_where::<BookTag>()
        .using::<Tag>()
        .on(|m, t| m.tag.eq(t.id))
        .filter(|(m, t)| m.book.eq(id) & t.name.in_(tags))
        .run()?;
    session.commit()?;
    println!("{removed} tag(s) removed");
    Ok(())
}

pub(crate) fn remove(session: &mut Session, id: i64) -> aludel::Result<()> {
    let book = session.get::<Book>(id)?;
    session.delete(book);
    session.commit()
}

pub(crate) fn list(
    session: &mut Session,
    tag: Option<String>,
    author: Option<String>,
    unread: bool,
) -> aludel::Result<()> {
    let mut books = session
        .query::<Book>()
        .filter_if(unread, |b| b.finished.is_null());
    if let Some(tag) = &tag {
        books = books.filter(|b| b.is_tagged(tag));
    }
    if let Some(author) = &author {
        let named = query::<Author>()
            .filter(|a| a.name.ilike(author.as_str()))
            .select(|a| a.id);
        books = books.filter(|b| b.author.in_(named));
    }
    let books = books.order_by(|b| b.id).all()?;
    print_books(session, &books)
}

pub(crate) fn search(session: &mut Session, text: &str) -> aludel::Result<()> {
    let pattern = format!("%{text}%");
    let books = session
        .query::<Book>()
        .filter(|b| {
            let tagged = query::<BookTag>()
                .join(|m| m.tag)
                .filter(|(m, t)| m.book.eq(b.id) & t.name.ilike(pattern.as_str()))
                .exists();
            let by = query::<Author>()
                .filter(|a| a.id.eq(b.author) & a.name.ilike(pattern.as_str()))
                .exists();
            b.title.ilike(pattern.as_str()) | by | tagged
        })
        .order_by(|b| b.title)
        .all()?;
    print_books(session, &books)
}

pub(crate) fn stats(session: &mut Session) -> aludel::Result<()> {
    let (books, read, pages): (i64, i64, Option<i64>) = session
        .query::<Book>()
        .select(|b| {
            let read = b.finished.is_not_null();
            (
                count_all(),
                count_all().filter_where(read.clone()),
                b.pages.sum().filter_where(read),
            )
        })
        .fetch_one()?;
    println!("{books} books, {read} read, {} pages", pages.unwrap_or(0));

    let authors: Vec<(String, i64, Option<f64>)> = session
        .query::<Author>()
        .join(|a| a.books)
        .group_by(|(a, _)| (a.id, a.name))
        .order_by(|(a, b)| (b.id.count().desc(), a.name))
        .select(|(a, b)| (a.name, b.id.count(), b.rating.avg()))
        .fetch()?;
    for (name, count, rating) in authors {
        let rating = rating.map_or_else(String::new, |rating| format!(", rated {rating:.1}"));
        println!("  {name}: {count}{rating}");
    }

    let years: Vec<(Option<i64>, i64)> = session
        .query::<Book>()
        .filter(|b| b.finished.is_not_null())
        .group_by(|b| b.finished.year())
        .order_by(|b| b.finished.year())
        .select(|b| (b.finished.year(), count_all()))
        .fetch()?;
    for (year, count) in years {
        println!("  {}: {count} read", year.unwrap_or_default());
    }

    let tags: Vec<(String, i64)> = session
        .query::<Tag>()
        .join(|t| t.books)
        .group_by(|(t, _)| t.name)
        .order_by(|(t, b)| (b.id.count().desc(), t.name))
        .select(|(t, b)| (t.name, b.id.count()))
        .fetch()?;
    for (name, count) in tags {
        println!("  #{name}: {count}");
    }
    Ok(())
}

/// Three statements for any number of books: the books, their authors, their tags.
fn print_books(session: &mut Session, books: &[Handle<Book>]) -> aludel::Result<()> {
    session.load(books, |b| b.author)?;
    session.load(books, |b| b.tags)?;
    for book in books {
        let tags = session.related(*book, |b| b.tags)?;
        let author = session.related(*book, |b| b.author)?;
        let book = &session[*book];
        let mut line = format!("{:>3} {}, by {}", book.id, book.title, session[author].name);
        if let Some(day) = book.finished {
            line += &format!(", read {day}");
        }
        if let Some(stars) = book.rating {
            line += &format!(" {}", "*".repeat(stars.unsigned_abs() as usize));
        }
        for tag in tags {
            line += &format!(" #{}", session[tag].name);
        }
        println!("{line}");
    }
    Ok(())
}

pub(crate) fn author_of(session: &mut Session, name: &str) -> aludel::Result<Handle<Author>> {
    match session.query::<Author>().filter(|a| a.name.eq(name)).first()? {
        Some(author) => Ok(author),
        None => Ok(session.add(Author::new(name))),
    }
}

/// Links tags to a book: those that are not known yet are made, those that it has already are left.
pub(crate) fn link_tags(session: &mut Session, book: Handle<Book>, names: &[String]) -> aludel::Result<()> {
    session
        .insert(names.iter().map(|name| Tag::new(name.as_str())))
        .on_conflict(|t| t.name)
        .nothing()
        .run()?;
    for tag in session
        .query::<Tag>()
        .filter(|t| t.name.in_(names))
        .order_by(|t| t.id)
        .all()?
    {
        if !session.related(book, |b| b.tags)?.contains(&tag) {
            session.link(book, |b| b.tags, tag)?;
        }
    }
    Ok(())
}
