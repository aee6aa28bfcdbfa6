//! The two ends of a link that is made need two names.
use aludel::prelude::*;

#[derive(Entity)]
#[many_to_many(friends: User, link = Friendship)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
}

fn main() {}
