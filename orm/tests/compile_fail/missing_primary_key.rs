use aludel::prelude::*;

#[derive(Entity)]
struct User {
    name: String,
}

fn main() {}
