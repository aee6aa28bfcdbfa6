//! The servers are there: without them the other tests run on embedded backends only.

mod support;

use aludel::prelude::*;
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

/// The number of the connection that is used next.
fn whoami(engine: &Engine, sql: &str) -> i64 {
    engine.connect().unwrap().scalar(sql, &[]).unwrap()
}

/// A connection that the server closed while it was idle is found out before it is handed out.
#[track_caller]
fn asks_whether_a_connection_lives(backend: &str, number: &str, kill: fn(i64) -> String) {
    let server = servers::all()
        .into_iter()
        .find(|server| server.backend == backend)
        .expect("its URL is not set, or its feature is off");
    let place = servers::Place::new(&server);
    let asking = Engine::open(&format!("{}&pre_ping=true", place.url())).unwrap();
    let first = whoami(&asking, number);
    assert_eq!(whoami(&asking, number), first);
    place
        .open()
        .unwrap()
        .connect()
        .unwrap()
        .execute_batch(&kill(first))
        .unwrap();
    assert_ne!(whoami(&asking, number), first);
    assert_eq!(asking.pool_status().idle, 1);
}

#[test]
#[ignore = "needs a PostgreSQL server: tests/run starts one"]
fn postgresql_connections_are_asked_whether_they_live() {
    let kill = |id| format!("SELECT pg_terminate_backend({id})");
    asks_whether_a_connection_lives("postgresql", "SELECT pg_backend_pid()::bigint", kill);
}

#[test]
#[ignore = "needs a MariaDB or MySQL server: tests/run starts one"]
fn mysql_connections_are_asked_whether_they_live() {
    asks_whether_a_connection_lives("mysql", "SELECT connection_id()", |id| {
        format!("KILL CONNECTION {id}")
    });
}
