//! The servers are there: without them the other tests run on embedded backends only.
#![cfg(feature = "postgres")]

mod support;

use support::servers;

#[test]
#[ignore = "needs a PostgreSQL server: tests/run starts one"]
fn postgresql_answers() {
    let url = servers::postgres().expect("ALUDEL_TEST_POSTGRES is not set");
    let place = servers::Place::new(&url);
    let mut connection = place.open().unwrap().connect().unwrap();
    let version: String = connection.scalar("SHOW server_version", &[]).unwrap();
    println!("PostgreSQL {version}");
    assert!(version.split('.').next().unwrap().parse::<u32>().unwrap() >= 12);
}
