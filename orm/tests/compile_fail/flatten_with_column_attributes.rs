//! What is several columns has no name, index or default in the table of its own.
use aludel::prelude::*;

#[derive(Embedded)]
struct Address {
    street: String,
}

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    #[column(flatten, unique)]
    home: Address,
}

fn main() {}
