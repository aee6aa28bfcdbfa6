//! Groups are for columns that are loaded later.
use aludel::prelude::*;

#[derive(Entity)]
struct Book {
    #[column(primary_key)]
    id: Id<Book>,
    #[column(group = "long")]
    text: String,
}

fn main() {}
