use aludel::prelude::*;

#[derive(Entity)]
struct Note {
    #[column(primary_key)]
    id: Id<Note>,
    title: String,
    tags: Vec<String>,
}

fn main() {
    let _ = query::<Note>().filter(|n| n.title.has("a"));
}
