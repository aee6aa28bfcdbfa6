use aludel::prelude::*;

#[derive(Embedded)]
struct Manager {
    budget: i64,
}

#[derive(Embedded)]
#[embedded(tag = "role")]
enum Role {
    #[embedded(table = "managers")]
    Manager(Manager),
    #[embedded(table = "guests")]
    Guest,
}

fn main() {}
