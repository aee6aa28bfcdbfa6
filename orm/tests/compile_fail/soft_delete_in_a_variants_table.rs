use aludel::prelude::*;

#[derive(Embedded)]
struct Manager {
    budget: i64,
    #[column(soft_delete)]
    gone: bool,
}

#[derive(Embedded)]
#[embedded(tag = "role")]
enum Role {
    #[embedded(table = "managers")]
    Manager(Manager),
}

fn main() {}
