//! Books as lines of JSON, out and in.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use aludel::prelude::*;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::commands::{author_of, link_tags};
use crate::model::Book;

/// A book by names instead of keys.
#[derive(Serialize, Deserialize)]
struct Line {
    title: String,
    author: String,
    pages: Option<i64>,
    finished: Option<Date>,
    rating: Option<i64>,
    #[serde(default)]
    tags: Vec<String>,
}

type Done = Result<(), Box<dyn std::error::Error>>;

pub(crate) fn export(session: &mut Session, file: &Path) -> Done {
    let mut out = BufWriter::new(File::create(file)?);
    let books = session.query::<Book>().order_by(|b| b.id).all()?;
    session.load(&books, |b| b.author)?;
    session.load(&books, |b| b.tags)?;
    for handle in &books {
        let author = session.related(*handle, |b| b.author)?;
        let tags = session.related(*handle, |b| b.tags)?;
        let book = &session[*handle];
        let line = Line {
            title: book.title.clone(),
            author: session[author].name.clone(),
            pages: book.pages,
            finished: book.finished,
            rating: book.rating,
            tags: tags.into_iter().map(|tag| session[tag].name.clone()).collect(),
        };
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    out.flush()?;
    println!("{} book(s) written", books.len());
    Ok(())
}

/// All of the file or nothing.
pub(crate) fn import(session: &mut Session, file: &Path) -> Done {
    let (mut new, mut changed) = (0, 0);
    for (number, text) in BufReader::new(File::open(file)?).lines().enumerate() {
        let line: Line =
            serde_json::from_str(&text?).map_err(|error| format!("line {}: {error}", number + 1))?;
        let author = author_of(session, &line.author)?;
        let known = session
            .query::<Book>()
            .filter(|b| b.author.eq(author) & b.title.eq(line.title.as_str()))
            .first()?;
        match known {
            Some(_) => changed += 1,
            None => new += 1,
        }
        let book = known.unwrap_or_else(|| session.add(Book::new(author, line.title.as_str())));
        session[book].pages = line.pages;
        session[book].finished = line.finished;
        session[book].rating = line.rating;
        link_tags(session, book, &line.tags)?;
    }
    session.commit()?;
    println!("{new} book(s) added, {changed} brought up to date");
    Ok(())
}
