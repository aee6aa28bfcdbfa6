use aludel::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    name: String,
    email: Option<String>,
    age: i64,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: Id<Post>,
    author: Fk<User>,
}

fn main() {
    let _ = query::<User>().filter(|u| u.name.eq(3));
}
