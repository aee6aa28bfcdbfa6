//! A rule takes the field's type.
use aludel::prelude::*;

fn positive(number: &i64) -> Result<(), &'static str> {
    if *number > 0 { Ok(()) } else { Err("must be positive") }
}

#[derive(Entity)]
struct Item {
    #[column(primary_key)]
    id: Id<Item>,
    #[column(validate = positive)]
    name: String,
}

fn main() {}
