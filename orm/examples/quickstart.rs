//! A table, four rows, a query, a deletion: what most programs begin with.
//!
//! ```text
//! cargo run --release -p aludel --example quickstart
//! cargo run --release -p aludel --example quickstart --features postgres -- postgres://me@localhost/shop
//! ```

use aludel::prelude::*;

#[derive(Entity)]
#[entity(table = "users")]
struct User {
    #[column(primary_key)]
    id: Id<User>,
    name: String,
}

fn main() -> aludel::Result<()> {
    let url = std::env::args().nth(1);
    let engine = Engine::open(url.as_deref().unwrap_or("sqlite:///my_database.db"))?;
    engine.create_all(schema![User])?;

    let mut session = engine.session()?;
    session.add_all(["Mike", "Nick", "Mick", "Nike"].map(User::new));
    session.commit()?;

    let users = session.query::<User>().all()?;
    for user in &users {
        println!("{}", session[*user].name);
    }

    for user in users {
        session.delete(user);
    }
    session.commit()?;
    session.close()
}
