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
    let engine = Engine::open("sqlite::memory:").unwrap();
    let mut session = engine.session().unwrap();
    let _: Vec<(i64, i64)> = session.query::<User>().select(|u| (u.name, u.age)).fetch().unwrap();
}
