use aludel::prelude::*;

#[derive(Entity)]
struct Author {
    #[column(primary_key)]
    id: Id<Author>,
    name: String,
    #[column(query = |a: AuthorColumns| a.name.length(), index)]
    length: i64,
}

fn main() {}
