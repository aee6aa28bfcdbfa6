//! The servers are there: without them the other tests run on embedded backends only.

mod support;

use support::servers;

#[track_caller]
fn answers(backend: &str) {
    let server = servers::all()
        .into_iter()
        .find(|server| server.backend == backend)
        .expect("its URL is not set, or its feature is off");
    let place = servers::Place::new(&server);
    let mut connection = place.open().unwrap().connect().unwrap();
    let version: String = connection.scalar("SELECT version()", &[]).unwrap();
    println!("{backend}: {version}");
    assert!(!version.is_empty());
}

#[test]
#[ignore = "needs a PostgreSQL server: tests/run starts one"]
fn postgresql_answers() {
    answers("postgresql");
}

#[test]
#[ignore = "needs a MariaDB or MySQL server: tests/run starts one"]
fn mysql_answers() {
    answers("mysql");
}
