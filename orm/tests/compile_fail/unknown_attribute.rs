use aludel::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    #[column(uniqe)]
    name: String,
}

fn main() {}
