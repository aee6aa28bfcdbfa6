use aludel::prelude::*;

#[derive(Embedded)]
struct Manager {
    level: i64,
}

#[derive(Embedded)]
struct Engineer {
    level: i64,
}

#[derive(Embedded)]
#[embedded(tag = "role")]
enum Role {
    #[embedded(table = "managers")]
    Manager(Manager),
    #[embedded(table = "engineers")]
    Engineer(Engineer),
}

#[derive(Entity)]
struct Employee {
    #[column(primary_key)]
    id: Id<Employee>,
    #[column(flatten)]
    role: Role,
}

fn main() {}
