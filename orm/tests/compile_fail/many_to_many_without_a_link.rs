//! Rows between two tables are in a third.
use aludel::prelude::*;

#[derive(Entity)]
struct Group {
    #[column(primary_key)]
    id: Id<Group>,
}

#[derive(Entity)]
#[many_to_many(groups: Group)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
}

fn main() {}
