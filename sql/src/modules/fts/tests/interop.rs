//! One file, both engines: what one writes the other finds and changes.

use super::{enhanced, our_answer, their_answer};
use crate::connection::Connection;

#[test]
fn a_file_goes_back_and_forth() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.db");
    let queries = [
        "SELECT docid, offsets(t), snippet(t) FROM t WHERE t MATCH 'w1* NOT w13'",
        "SELECT docid FROM t WHERE t MATCH '\"w1 w2\" OR w3 NEAR/2 w4'",
        "SELECT * FROM t_segdir ORDER BY level, idx",
        "SELECT * FROM t_stat ORDER BY id",
    ];
    let fill = |round: usize| {
        let words: Vec<String> = (0..40)
            .map(|word| format!("w{}", word * (round + 3) % 17))
            .collect();
        format!("INSERT INTO t VALUES('{}')", words.join(" "))
    };
    for round in 0..6 {
        let mut ours = enhanced(Connection::open(&path).unwrap());
        if round == 0 {
            our_answer(&mut ours, "CREATE VIRTUAL TABLE t USING fts4(a, prefix='1')").unwrap();
        }
        for _ in 0..10 {
            our_answer(&mut ours, &fill(round)).unwrap();
        }
        our_answer(&mut ours, &format!("DELETE FROM t WHERE docid % 7 = {round}")).unwrap();
        let expected: Vec<_> = queries
            .iter()
            .map(|query| our_answer(&mut ours, query).unwrap())
            .collect();
        drop(ours);
        let theirs = rusqlite::Connection::open(&path).unwrap();
        for (query, expected) in queries.iter().zip(expected) {
            assert_eq!(their_answer(&theirs, query).unwrap(), expected, "{query}");
        }
        their_answer(&theirs, "INSERT INTO t(t) VALUES('integrity-check')").unwrap();
        their_answer(&theirs, "PRAGMA integrity_check").unwrap();
        for _ in 0..9 {
            their_answer(&theirs, &fill(round + 1)).unwrap();
        }
        let expected: Vec<_> = queries
            .iter()
            .map(|query| their_answer(&theirs, query).unwrap())
            .collect();
        drop(theirs);
        let mut ours = enhanced(Connection::open(&path).unwrap());
        for (query, expected) in queries.iter().zip(expected) {
            assert_eq!(our_answer(&mut ours, query).unwrap(), expected, "{query}");
        }
        our_answer(&mut ours, "INSERT INTO t(t) VALUES('integrity-check')").unwrap();
    }
}
