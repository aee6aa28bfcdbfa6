//! Row events are about entities.
use aludel::prelude::*;

struct Plain;

fn main() {
    let engine = Engine::open("sqlite::memory:").unwrap();
    engine.listen(|on| on.before_insert::<Plain>(|_| Ok(())));
}
