//! Connections of both engines on one live file: any mix of them behaves as if all were SQLite's.
//!
//! Three connections take turns by a seeded script of BEGINs, reads, writes, COMMITs and ROLLBACKs. The script runs once with three
//! connections of SQLite, which gives the answers, and then with each other mix of engines on a fresh file: every statement must have the same rows or
//! the same error code. Each connection is a process of its own, as locks between processes are what is judged. This is the lock table of both
//! engines, walked at random; `each_state_meets_each_action` goes through it cell by cell: what one connection holds, what the other tries, and
//! how both go on.

#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use aludel_tests::random::Random;
use serde_json::{Value as Json, json};

const CONNECTIONS: usize = 3;

/// What a statement came to: its rows, or the code of its error.
type Outcome = Result<Json, i64>;

struct Step {
    connection: usize,
    sql: String,
}

#[test]
fn with_a_rollback_journal() {
    for mode in ["delete", "truncate", "persist"] {
        walk(&format!("PRAGMA journal_mode = {mode}"), 10);
    }
}

#[test]
fn with_a_write_ahead_log() {
    walk("PRAGMA journal_mode = wal", 25);
}

/// What connection 0 holds when connection 1 acts. Connection 2 takes part where a lock comes of three.
const STATES: [(&str, &[(usize, &str)]); 10] = [
    ("nothing", &[]),
    ("a snapshot", &[(0, "BEGIN"), (0, "SELECT id, a FROM t")]),
    (
        "a snapshot from before a commit",
        &[
            (0, "BEGIN"),
            (0, "SELECT id, a FROM t"),
            (2, "UPDATE t SET a = a + 1"),
        ],
    ),
    ("the writer's lock", &[(0, "BEGIN IMMEDIATE")]),
    (
        "a change",
        &[
            (0, "BEGIN"),
            (0, "SELECT id, a FROM t"),
            (0, "UPDATE t SET a = 7"),
        ],
    ),
    (
        "a change beside a reader",
        &[
            (2, "BEGIN"),
            (2, "SELECT id, a FROM t"),
            (0, "BEGIN"),
            (0, "UPDATE t SET a = 7"),
        ],
    ),
    (
        "a commit that a reader stopped",
        &[
            (2, "BEGIN"),
            (2, "SELECT id, a FROM t"),
            (0, "BEGIN"),
            (0, "UPDATE t SET a = 7"),
            (0, "COMMIT"),
        ],
    ),
    ("all", &[(0, "BEGIN EXCLUSIVE")]),
    (
        "a lock of a mode that gives none back, after reading",
        &[(0, "PRAGMA locking_mode = exclusive"), (0, "SELECT id, a FROM t")],
    ),
    (
        "a lock of a mode that gives none back, after writing",
        &[(0, "PRAGMA locking_mode = exclusive"), (0, "UPDATE t SET a = 7")],
    ),
];

const ACTIONS: [&str; 17] = [
    "SELECT id, a FROM t",
    "BEGIN; SELECT id, a FROM t; UPDATE t SET a = a + 10; COMMIT",
    "INSERT INTO t(a) VALUES(5)",
    "BEGIN IMMEDIATE; COMMIT",
    "BEGIN IMMEDIATE; UPDATE t SET a = 9; COMMIT",
    "BEGIN EXCLUSIVE; COMMIT",
    "CREATE TABLE new(x)",
    "PRAGMA user_version = 3",
    "VACUUM",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "PRAGMA wal_checkpoint(FULL)",
    "PRAGMA wal_checkpoint(RESTART)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA journal_mode = wal",
    "PRAGMA journal_mode = delete",
    "PRAGMA locking_mode = exclusive; UPDATE t SET a = 1; PRAGMA locking_mode = normal; SELECT a FROM t",
    "PRAGMA integrity_check",
];

/// How both go on, whatever the action came to.
const SEQUEL: [(usize, &str); 10] = [
    (0, "SELECT id, a FROM t"),
    (0, "UPDATE t SET a = a + 100"),
    (0, "COMMIT"),
    (1, "SELECT id, a FROM t"),
    (1, "ROLLBACK"),
    (2, "ROLLBACK"),
    (1, "UPDATE t SET a = a + 1000"),
    (0, "ROLLBACK"),
    (0, "PRAGMA locking_mode = normal"),
    (0, "SELECT id, a FROM t"),
];

#[test]
fn each_state_meets_each_action() {
    let mut peers = Peers::start();
    let (mut cells, mut differences) = (0, Vec::new());
    for mode in ["delete", "wal"] {
        let pragma = format!("PRAGMA journal_mode = {mode}");
        for ((state, before), action) in STATES.iter().flat_map(|state| ACTIONS.map(|it| (state, it))) {
            // Where there is nothing to do SQLite does not even look at the file, and so not at its locks.
            let idle = action.contains("checkpoint") || action.ends_with("journal_mode = delete");
            if mode != "wal" && idle {
                continue;
            }
            let actions = action.split(';').map(|sql| (1, sql.trim()));
            let script: Vec<Step> = before
                .iter()
                .copied()
                .chain(actions)
                .chain(SEQUEL)
                .map(|(connection, sql)| Step {
                    connection,
                    sql: sql.to_owned(),
                })
                .collect();
            let expected = play(&mut peers, &pragma, &script, 0);
            for mix in [0b001, 0b010] {
                let found = play(&mut peers, &pragma, &script, mix);
                if let Some(place) = (0..script.len()).find(|&place| found[place] != expected[place]) {
                    differences.push(format!(
                        "{mode}, one has {state}, ours are {mix:03b}: connection {} gets {:?}, with SQLite {:?}\n{}",
                        script[place].connection,
                        found[place],
                        expected[place],
                        shown(&script[..=place], &expected),
                    ));
                }
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 2 * STATES.len() * (2 * ACTIONS.len() - 5));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn walk(mode: &str, scripts: usize) {
    let mut random = Random::from_environment(20261122);
    let mut peers = Peers::start();
    for number in 0..scripts {
        let script = script_of(&mut random, mode.contains("wal"));
        let expected = play(&mut peers, mode, &script, 0);
        for mix in 1..1 << CONNECTIONS {
            let found = play(&mut peers, mode, &script, mix);
            for (place, step) in script.iter().enumerate() {
                assert_eq!(
                    found[place],
                    expected[place],
                    "{mode}, script {number}, ours are {mix:03b}: connection {} differs (left) from SQLite at {place}: {}\n{}",
                    step.connection,
                    step.sql,
                    shown(&script[..=place], &expected),
                );
            }
        }
    }
}

/// The script up to a failure, with the answers that were expected.
fn shown(script: &[Step], expected: &[Outcome]) -> String {
    let line =
        |(step, outcome): (&Step, &Outcome)| format!("  {} {} => {outcome:?}\n", step.connection, step.sql);
    script.iter().zip(expected).map(line).collect()
}

fn script_of(random: &mut Random, wal: bool) -> Vec<Step> {
    let mut script = Vec::new();
    while script.len() < 60 {
        let place = script.len();
        let connection = random.below(CONNECTIONS);
        let sql = match random.below(if wal { 20 } else { 18 }) {
            0..=1 => "BEGIN".to_owned(),
            2 => "BEGIN IMMEDIATE; UPDATE t SET a = a + 1".to_owned(),
            3 => "BEGIN EXCLUSIVE; UPDATE t SET a = a + 1".to_owned(),
            4..=6 => "SELECT id, a FROM t".to_owned(),
            7 => "SELECT count(*) FROM big".to_owned(),
            8..=9 => format!("INSERT INTO t(a) VALUES({place})"),
            10 => format!("UPDATE t SET a = {place} WHERE id <= {}", 1 + random.below(5)),
            11 => format!(
                "INSERT INTO big VALUES(randomblob(200)), (randomblob({}))",
                random.below(20_000)
            ),
            12 => "DELETE FROM big WHERE rowid % 3 = 2".to_owned(),
            13..=15 => "COMMIT".to_owned(),
            16 => "ROLLBACK".to_owned(),
            17 => format!("PRAGMA user_version = {place}"),
            18 => "PRAGMA wal_checkpoint".to_owned(),
            _ => "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
        };
        let sql_of = |sql: &str| Step {
            connection,
            sql: sql.trim().to_owned(),
        };
        script.extend(sql.split(';').map(sql_of));
    }
    script
}

/// Runs the script; bit n of `mix` says that connection n is ours.
fn play(peers: &mut Peers, mode: &str, script: &[Step], mix: usize) -> Vec<Outcome> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("shared.db");
    let mut connections = peers.chosen(mix);
    for connection in &mut connections {
        connection.open(&file);
    }
    let schema = "CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE big(b);
        INSERT INTO t(a) VALUES(1), (2), (3); INSERT INTO big VALUES(randomblob(9000)), (randomblob(100)), (randomblob(20000))";
    for sql in std::iter::once(mode).chain(schema.split(';')) {
        assert_eq!(connections[0].run(sql).err(), None, "{sql}");
    }
    // What a connection that never saw the schema says of a locked file is another story.
    for connection in &mut connections {
        assert_eq!(connection.run("SELECT count(*) FROM t").err(), None);
    }
    let outcomes = script
        .iter()
        .map(|step| connections[step.connection].run(&step.sql))
        .collect();
    for connection in &mut connections {
        let _ = connection.run("ROLLBACK");
    }
    for connection in &mut connections {
        let verdict = connection.run("PRAGMA integrity_check");
        assert_eq!(
            verdict,
            Ok(json!([[{ "t": "t", "v": "ok" }]])),
            "{mode}, ours are {mix:03b}"
        );
    }
    for connection in &mut connections {
        connection.ask(&json!({ "op": "reset" }));
    }
    outcomes
}

/// A process of each engine for each connection.
struct Peers {
    sqlite: Vec<Peer>,
    ours: Vec<Peer>,
}

impl Peers {
    fn start() -> Peers {
        let of = |engine| (0..CONNECTIONS).map(|_| Peer::start(engine)).collect();
        Peers {
            sqlite: of("sqlite"),
            ours: of("aludel"),
        }
    }

    fn chosen(&mut self, mix: usize) -> Vec<&mut Peer> {
        let pairs = self.sqlite.iter_mut().zip(&mut self.ours).enumerate();
        pairs
            .map(|(number, (sqlite, ours))| if mix >> number & 1 == 1 { ours } else { sqlite })
            .collect()
    }
}

/// A process that speaks the line protocol.
struct Peer {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(engine: &str) -> Peer {
        let mut process = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args(["--serve", "--engine", engine])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let requests = process.stdin.take().expect("it was piped");
        let answers = BufReader::new(process.stdout.take().expect("it was piped"));
        Peer {
            process,
            requests,
            answers,
        }
    }

    fn ask(&mut self, request: &Json) -> Json {
        writeln!(self.requests, "{request}").expect("the server lives");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the server answers");
        serde_json::from_str(&line).expect("an answer is JSON")
    }

    fn open(&mut self, file: &Path) {
        let answer = self.ask(&json!({ "op": "open", "conn": "db", "file": file }));
        assert_eq!(answer["error"], Json::Null);
        for setting in ["PRAGMA busy_timeout = 0", "PRAGMA synchronous = OFF"] {
            assert_eq!(self.run(setting).err(), None, "{setting}");
        }
    }

    fn run(&mut self, sql: &str) -> Outcome {
        let mut answer = self.ask(&json!({ "op": "sql", "conn": "db", "sql": sql }));
        if sql.contains("checkpoint") {
            // How many frames there are is the engine's affair; whether somebody was in the way is not.
            let row = answer.pointer_mut("/rows/0").and_then(Json::as_array_mut);
            row.into_iter().for_each(|row| row.truncate(1));
        }
        match answer["code"].as_i64() {
            None => Ok(answer["rows"].take()),
            Some(code) => Err(code),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
