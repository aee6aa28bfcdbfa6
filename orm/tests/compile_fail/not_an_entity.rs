use aludel::prelude::*;

struct Plain;

fn main() {
    let _ = query::<Plain>();
}
