//! Only deferred columns are loaded later.
use aludel::prelude::*;

#[derive(Entity)]
struct Book {
    #[column(primary_key)]
    id: Id<Book>,
    text: String,
}

fn main() {
    let engine = Engine::open("sqlite::memory:").unwrap();
    let mut session = engine.session().unwrap();
    let books = session.query::<Book>().all().unwrap();
    session.load_columns(&books, |b| b.text).unwrap();
}
