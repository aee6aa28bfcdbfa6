//! The key is the entity's own.
use aludel::prelude::*;

#[derive(Embedded)]
struct Base {
    #[column(primary_key)]
    id: i64,
}

fn main() {}
