//! A deletion is marked by a time or a truth value.
use aludel::prelude::*;

#[derive(Entity)]
struct Note {
    #[column(primary_key)]
    id: Id<Note>,
    #[column(soft_delete)]
    deleted: String,
}

fn main() {}
