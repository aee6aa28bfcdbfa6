use aludel::prelude::*;

#[derive(Entity)]
#[has_many(drafts: Post, by = author, filter = |p| p.draft.eq(true), cascade = "delete")]
struct User {
    #[column(primary_key)]
    id: Id<User>,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: Id<Post>,
    author: Fk<User>,
    draft: bool,
}

fn main() {}
