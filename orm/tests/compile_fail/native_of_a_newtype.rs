use aludel::prelude::*;

#[derive(ColumnType)]
#[column_type(native = "tag")]
struct Tag(String);

#[derive(ColumnType)]
#[column_type(native = "mood", integer)]
enum Mood {
    Glad,
    Sad,
}

fn main() {}
