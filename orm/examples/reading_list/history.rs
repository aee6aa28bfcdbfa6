//! The history: every book that is added, changed or removed leaves a line, written in the same transaction.

use aludel::prelude::*;

use crate::model::{Book, Change};

/// Has the engine write the history of all its sessions.
pub(crate) fn keep(engine: &Engine) {
    engine.listen(|on| {
        on.after_insert::<Book>(|book| {
            let line = line(book, "added".into());
            book.connection()?.insert([line]).run().map(drop)
        });
        on.after_update::<Book>(|book| {
            let mut what = Vec::new();
            if let Some(title) = book.before(|b| b.title).filter(|title| *title != book.title) {
                what.push(format!("title was {title:?}"));
            }
            if book.is_changed(|b| b.author) {
                what.push("another author".into());
            }
            if let Some(pages) = book.before(|b| b.pages).filter(|pages| *pages != book.pages) {
                what.push(format!("pages: {} -> {}", shown(pages), shown(book.pages)));
            }
            if book.is_changed(|b| b.finished) {
                what.push(format!("finished: {}", shown(book.finished)));
            }
            if book.is_changed(|b| b.rating) {
                what.push(format!("rating: {}", shown(book.rating)));
            }
            let line = line(book, what.join(", "));
            book.connection()?.insert([line]).run().map(drop)
        });
        on.after_delete::<Book>(|book| {
            let line = line(book, "removed".into());
            book.connection()?.insert([line]).run().map(drop)
        });
    });
}

fn line(book: &Book, what: String) -> Change {
    Change::new(book.id, book.title.clone(), what)
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "unknown".into(), |value| value.to_string())
}

/// Prints the history of a book, or of all.
pub(crate) fn show(session: &mut Session, id: Option<i64>) -> aludel::Result<()> {
    let mut lines = session.query::<Change>().order_by(|c| c.id);
    if let Some(id) = id {
        lines = lines.filter(|c| c.book.eq(id));
    }
    lines
        .select(|c| (c.book, c.title, c.what))
        .each(|(book, title, what)| {
            println!("{book:>3} {title}: {what}");
            Ok(())
        })
}
