//! Table-valued functions in queries, against SQLite; `generate_series`, which the library lacks, against a recursive query.

use crate::functions::sql_tests::check;

#[test]
fn documents_as_tables() {
    let setup = "CREATE TABLE d(id INTEGER PRIMARY KEY, doc); INSERT INTO d VALUES(1,'{\"a\":[1,2,{\"b\":\"x\"}]}'),(2,'[]'),(3,NULL),(4,'[3,1,2]')";
    check(
        setup,
        &[
            "SELECT key, value, type, atom, id, parent, fullkey, path FROM json_tree('{\"a\":[1,{\"b\":null}],\"c\":\"x\"}')",
            "SELECT * FROM json_each('{\"a\":1,\"b\":[2]}')",
            "SELECT value FROM json_each('[3,1,2]') ORDER BY value",
            "SELECT key, value FROM json_each('{\"a\":{\"b\":[5,6]}}', '$.a.b')",
            "SELECT d.id, j.key, j.value FROM d, json_each(d.doc) AS j ORDER BY d.id, j.key",
            "SELECT d.id, count(j.value) FROM d LEFT JOIN json_each(d.doc) AS j GROUP BY d.id ORDER BY d.id",
            "SELECT id FROM d WHERE EXISTS (SELECT 1 FROM json_tree(d.doc) WHERE atom = 'x')",
            "SELECT json_group_array(value) FROM (SELECT value FROM json_each('[3,[1],\"[2]\"]'))",
            "SELECT sum(value) FROM json_each('[1,2,3]') WHERE value > 1",
            "SELECT 2 IN (SELECT value FROM json_each('[1,2,3]'))",
            "SELECT json, root FROM json_each('[1]', '$')",
            "SELECT count(*) FROM json_each",
            "SELECT * FROM json_each('{')",
            "SELECT * FROM json_each('[1]', 'x')",
            "SELECT * FROM json_each(1, 2, 3)",
            "SELECT hex(value) FROM jsonb_each('[[1]]')",
        ],
    );
}

#[test]
fn series() {
    crate::functions::sql_tests::check_answers(&[
        (
            "SELECT group_concat(value) FROM generate_series(1, 10, 3)",
            "1,4,7,10",
        ),
        (
            "SELECT group_concat(value) FROM generate_series(5, 1, -2)",
            "5,3,1",
        ),
        ("SELECT count(*) FROM generate_series(1, 100000)", "100000"),
        (
            "SELECT group_concat(value) FROM generate_series(1, 3, 0)",
            "1,2,3",
        ),
        ("SELECT count(*) FROM generate_series(3, 1)", "0"),
        ("SELECT count(*) FROM generate_series(1, NULL)", "0"),
        (
            "SELECT group_concat(value) FROM generate_series(9223372036854775806)",
            "9223372036854775806,9223372036854775807",
        ),
        (
            "SELECT * FROM generate_series",
            "first argument to \"generate_series()\" missing or unusable",
        ),
    ]);
}
