use aludel::prelude::*;

#[derive(Entity)]
#[has_many(posts: Post, by = title)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: Id<Post>,
    author: Fk<User>,
    title: String,
}

fn main() {}
