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
    let _ = query::<User>().filter(|u| u.age.in_(["seven", "eight"]));
}
