use aludel::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    name: String,
    email: Option<String>,
    age: i64,
}

fn main() {
    let engine = Engine::open("sqlite::memory:").unwrap();
    let mut connection = engine.connect().unwrap();
    let rows = query::<User>().select(|u| (u.age, u.name));
    let _ = connection.insert_into::<User, _>(|u| (u.name, u.age)).rows(rows);
}
