//! Only an embedded struct can be flattened.
use aludel::prelude::*;

struct Address {
    street: String,
}

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    #[column(flatten)]
    home: Address,
}

fn main() {}
