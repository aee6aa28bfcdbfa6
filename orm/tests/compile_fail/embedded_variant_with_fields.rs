//! A variant's fields are in a struct of their own.
use aludel::prelude::*;

#[derive(Embedded)]
#[embedded(tag = "role")]
enum Role {
    Manager { budget: i64 },
    Guest,
}

fn main() {}
