//! The time of a change is a time.
use aludel::prelude::*;

#[derive(Entity)]
struct Note {
    #[column(primary_key)]
    id: Id<Note>,
    #[column(updated)]
    changed: i64,
}

fn main() {}
