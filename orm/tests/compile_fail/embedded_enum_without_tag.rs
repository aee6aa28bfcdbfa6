//! A column says which variant a row has.
use aludel::prelude::*;

#[derive(Embedded)]
struct Manager {
    budget: i64,
}

#[derive(Embedded)]
enum Role {
    Manager(Manager),
    Guest,
}

fn main() {}
