use aludel::prelude::*;

#[derive(Entity)]
struct Job {
    #[column(primary_key)]
    id: Id<Job>,
    started: Timestamp,
    name: String,
}

fn main() {
    let _ = query::<Job>().select(|j| j.started - 7);
    let _ = query::<Job>().select(|j| j.started.plus(j.name));
    let _ = query::<Job>().select(|j| j.name.seconds());
}
