//! A prefix is for flattened fields.
use aludel::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    #[column(prefix = "home_")]
    street: String,
}

fn main() {}
