//! Damaged shadow tables: an error or a wrong answer, never a panic and never a hang.

use super::super::tokenizer::tests::Random;
use super::our_answer;
use crate::connection::Connection;

#[test]
fn damaged_blocks_lead_to_errors() {
    let seed = 3;
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut connection = Connection::open_in_memory().unwrap();
    let mut run = |sql: &str| our_answer(&mut connection, sql);
    run("PRAGMA page_size = 512").unwrap();
    run("CREATE VIRTUAL TABLE t USING fts4(a, prefix='2')").unwrap();
    for round in 0..40 {
        let words: Vec<String> = (0..60).map(|word| format!("w{}", word * round)).collect();
        run(&format!("INSERT INTO t VALUES('{}')", words.join(" "))).unwrap();
    }
    run("CREATE VIRTUAL TABLE terms USING fts4aux(t)").unwrap();
    for _ in 0..120 {
        run("SAVEPOINT before").unwrap();
        let (table, column) = match random.below(4) {
            0 | 1 => ("t_segments", "block"),
            2 => ("t_segdir", "root"),
            _ => ("t_stat", "value"),
        };
        let at = 1 + random.below(120);
        let byte = random.below(256);
        let patch = format!(
            "UPDATE {table} SET {column} = CAST(substr({column}, 1, {at}) || x'{byte:02x}' || substr({column}, {at} + 2) AS BLOB)"
        );
        run(&patch).unwrap();
        if random.below(4) == 0 {
            let number = random.below(200) as i64 - 20;
            let column =
                ["start_block", "leaves_end_block", "end_block", "level", "idx"][random.below(5) as usize];
            let _ = run(&format!(
                "UPDATE OR IGNORE t_segdir SET {column} = {number} WHERE rowid % 3 = 0"
            ));
        }
        for sql in [
            "SELECT docid, offsets(t), matchinfo(t, 'nalx') FROM t WHERE t MATCH 'w1 OR w2*'",
            "SELECT count(*) FROM terms",
            "INSERT INTO t(t) VALUES('integrity-check')",
            "INSERT INTO t(t) VALUES('merge=20,2')",
            "INSERT INTO t VALUES('w1 w2 w3')",
            "DELETE FROM t WHERE docid = 3",
            "INSERT INTO t(t) VALUES('optimize')",
        ] {
            let _ = run(sql);
        }
        run("ROLLBACK TO before").unwrap();
        run("RELEASE before").unwrap();
    }
    run("INSERT INTO t(t) VALUES('integrity-check')").unwrap();
}
