use aludel::prelude::*;

#[derive(Entity)]
struct Point {
    #[column(primary_key)]
    x: f64,
}

fn main() {}
