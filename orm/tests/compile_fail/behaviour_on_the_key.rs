//! A key is written by the program or assigned: it cannot be read-only.
use aludel::prelude::*;

#[derive(Entity)]
struct Note {
    #[column(primary_key, read_only)]
    id: Id<Note>,
    text: String,
}

fn main() {}
