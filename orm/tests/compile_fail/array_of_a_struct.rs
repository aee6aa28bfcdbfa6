use aludel::prelude::*;

struct Shoe;

#[derive(Entity)]
struct Shelf {
    #[column(primary_key)]
    id: Id<Shelf>,
    shoes: Vec<Shoe>,
}

fn main() {}
