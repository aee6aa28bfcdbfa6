use aludel::prelude::*;

struct Shoe;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    shoe: Shoe,
}

fn main() {}
