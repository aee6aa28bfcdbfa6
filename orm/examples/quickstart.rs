//! A table, four rows, a query, a deletion: what most programs begin with.
//!
//! ```text
//! cargo run --release -p aludel --example quickstart
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
    let engine = Engine::open("sqlite:///my_database.db")?;
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
