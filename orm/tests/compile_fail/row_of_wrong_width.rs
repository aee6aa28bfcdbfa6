use aludel::prelude::*;
use aludel::expr::row;
#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    name: String,
    email: Option<String>,
    age: i64,
}

fn main() {
    let _ = query::<User>().filter(|u| row((u.name, u.age)).gt(("Mike", 3, 4)));
}
