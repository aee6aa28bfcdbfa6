//! JSON functions against SQLite.

use super::each::{COLUMNS, JsonRows, JsonTable};
use crate::functions::oracle::{Dice, Oracle};
use crate::value::{Value, ValueRef};

const DOCUMENTS: &[&str] = &[
    "{\"a\":2,\"c\":[4,5,{\"f\":7}]}",
    "[1,2.5,-3e10,true,false,null,\"x\"]",
    "  [ 1 , [ ] , { } ]  ",
    "\"a\\u00e9\\n\\\"b\"",
    "123",
    "-0",
    "1.",
    ".5",
    "+7",
    "0x1F",
    "-0xff",
    "Infinity",
    "-Infinity",
    "NaN",
    "inf",
    "nan",
    "{a:1,$b_2:2,'c d':3}",
    "[1,2,]",
    "{\"a\":1,}",
    "[,]",
    "[1,,2]",
    "{,}",
    "{a}",
    "{a:}",
    "{\"a\" 1}",
    "[1 2]",
    "[1",
    "{\"a\":1",
    "]",
    "}",
    "",
    " ",
    "tru",
    "true1",
    "truex",
    "nul",
    "null",
    "01",
    "-01",
    "1e",
    "1e+",
    "1.5e10",
    "1e5",
    "--1",
    "+-1",
    "1.2.3",
    "1e2e3",
    "'single \"quoted\"'",
    "'it\\'s'",
    "\"tab\there\"",
    "\"\\x41\\v\\0\"",
    "\"\\01\"",
    "\"\\q\"",
    "\"\\u12g4\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"line\\\ncontinued\"",
    "/* c */ [1, // d\n 2]",
    "[1]/* tail",
    "[1] // tail",
    "\u{feff}[1]",
    "[\u{a0}1]",
    "{\"a\":{\"b\":{\"c\":[1,2,{\"d\":\"e\"}]}},\"a\":9}",
    "{\"\":1,\"a.b\":2,\"x\\\"y\":3}",
    "[1]x",
    "[1, 2 ,]x",
    "{\"a\" /**/ : 1}",
    "{[1]:2}",
    "{\"a\"[1]}",
    "{\"a\":1 \"b\":2}",
    "[[1,2],[3,[4]]]",
    "{true:1}",
    "{nan:1}",
    "{name:1}",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "0x8000000000000000",
    "0x10000000000000000",
    "1e999",
    "{\"k\":\"\\u0061\"}",
    "{\\u0061b:5}",
    "\"\u{e9}\"",
    "[\"a\",'b']",
    "{\"a\":[{\"b\":1},{\"b\":2}]}",
    "[0,1,2,3,4,5,6,7,8,9,10]",
    "\"/\"",
    "\"\\/\"",
    "{'a':0xAB, b:.5, c:5., d:+1, e:-.5}",
    "[true,tRue]",
    "-",
    "+",
    ".",
    "e5",
    "1.e5",
    "-.e5",
    "{\"a\": // x\r1}",
    "{a\u{2003}:1}",
    "[\"\u{2028}\"]",
    "QNaN",
    "snan",
    "infinit",
    "Infinityx",
    "{\"x\":1}\u{2028}",
    "'\\\u{2028}x'",
    "\"\\\r\nz\"",
];

const PATHS: &[&str] = &[
    "$",
    "$.a",
    "$.c",
    "$.c[2]",
    "$.c[2].f",
    "$.x",
    "$[0]",
    "$[#]",
    "$[#-1]",
    "$[#-99]",
    "$[99]",
    "$.a.b.c",
    "$.a.b.c[2].d",
    "$.\"a.b\"",
    "$.\"x\\\"y\"",
    "$.\"\"",
    "$.",
    "$[",
    "$[a]",
    "$[1",
    "$.a[",
    "x",
    "",
    "$x",
    "$.a[0].b",
    "$[1][0]",
    "$[0][1]",
    "$.k",
    "$.ab",
    "$.\"\\u0061b\"",
    "$.\"c d\"",
    "$.e.f[0].g",
    "$.n[1]",
    "$[#-0]",
    "$[ 1]",
    "$.a.\"",
    "$[4294967296]",
    "$..a",
    "$.a[#].b",
];

fn text(value: &str) -> Value {
    Value::from(value)
}

#[test]
fn documents() {
    let oracle = Oracle::new();
    for document in DOCUMENTS {
        let args = [text(document)];
        for name in [
            "json",
            "jsonb",
            "json_valid",
            "json_type",
            "json_array_length",
            "json_error_position",
            "json_pretty",
            "json_quote",
            "json_remove",
        ] {
            oracle.check_values(name, &args);
        }
        for flags in [1, 2, 4, 5, 6, 8, 15, 0, 16] {
            oracle.check_values("json_valid", &[text(document), Value::Integer(flags)]);
        }
        oracle.check_values("json_pretty", &[text(document), text("\t")]);
        // Bytes of JSON text count as JSON text.
        oracle.check_values("json", &[Value::Blob(document.as_bytes().to_vec())]);
    }
}

#[test]
fn paths() {
    let oracle = Oracle::new();
    for document in DOCUMENTS {
        for path in PATHS {
            let args = [text(document), text(path)];
            for name in [
                "json_extract",
                "jsonb_extract",
                "json_type",
                "json_array_length",
                "json_remove",
                "jsonb_remove",
            ] {
                oracle.check_values(name, &args);
            }
            oracle.assert_same(
                &oracle.ours("->", &args, 0),
                &oracle.their_expression("? -> ?", &args),
                &format!("{args:?} ->"),
            );
            oracle.assert_same(
                &oracle.ours("->>", &args, 0),
                &oracle.their_expression("? ->> ?", &args),
                &format!("{args:?} ->>"),
            );
            let value = if path.len() % 2 == 0 {
                Value::Integer(99)
            } else {
                text("new \"text\"")
            };
            let edit = [text(document), text(path), value];
            for name in [
                "json_set",
                "json_insert",
                "json_replace",
                "json_array_insert",
                "jsonb_set",
                "jsonb_insert",
                "jsonb_replace",
                "jsonb_array_insert",
            ] {
                oracle.check_values(name, &edit);
            }
        }
    }
}

#[test]
fn calls() {
    Oracle::new().check_all(&[
        "json(NULL)",
        "json(5)",
        "json(1.5)",
        "json(x'00')",
        "json(x'7b7d')",
        "json_array()",
        "json_array(1,2.5,'a',NULL,json('[1]'),jsonb('{\"a\":1}'))",
        "json_array(x'01ff')",
        "json_array(1e999,-1e999,0.1)",
        "json_array('[1,2]')",
        "json_array(json_array(1,2))",
        "jsonb_array(1,'x',json('{\"a\":[1]}'))",
        "json_object('a',2,'c',json('[1]'))",
        "json_object('a')",
        "json_object(1,2)",
        "json_object(NULL,2)",
        "json_object()",
        "jsonb_object('a\"b', 1e999)",
        "json_quote('it''s \"x\"')",
        "json_quote(NULL)",
        "json_quote(json('[1]'))",
        "json_quote(x'00')",
        "json_quote(x'ff')",
        "json_quote(1.5)",
        "json_quote(char(1,8,9,10,12,13,31,127))",
        "json_extract('{\"a\":1,\"b\":[2]}', '$.a', '$.b', '$.c')",
        "json_extract('[1]', '$[0]', NULL)",
        "json_extract('[1]')",
        "json_extract(NULL, '$')",
        "json_extract('[1]', NULL)",
        "json_extract('x', '$')",
        "jsonb_extract('{\"a\":1,\"b\":[2]}', '$.a', '$.b')",
        "json_set('{}', '$.a', json('[1]'))",
        "json_set('{}', '$.a', '[1]', '$.b', 2)",
        "json_set('{}', '$.a')",
        "json_set()",
        "json_insert('[]', '$[#]', NULL)",
        "json_replace('{\"a\":1}', '$.a')",
        "json_array_insert('[1]', '$.a')",
        "json_set('{}', NULL, 1)",
        "json_set(NULL, '$.a', 1)",
        "json_set('{}', '$.a', x'ff')",
        "json_set('{\"a\":1}', '$', 5)",
        "json_replace('[1,2]', '$', json('{}'))",
        "json_insert('[1]', '$', 2)",
        "json_set('{}', '$.a', jsonb('[1,2]'))",
        "json_set('[1]', '$[0].a', 1)",
        "json_set('{}', '$.a[0].b[0]', 1)",
        "json_set('{}', '$.a[1]', 1)",
        "json_set('{}', '$.\"a b\".c', 1)",
        "json_set('{\"a\":\"xxxxxxxxxxxxxxxxxxxx\"}', '$.a', 'y')",
        "jsonb_set('{\"a\":\"xxxxxxxxxxxx\"}', '$.a', 'yyyyyyyyyyy')",
        "jsonb_set('{\"a\":\"xxxxxxxxxxxxxxx\"}', '$.a', 'yyyyyyyyyyyyyy')",
        "jsonb_set('{\"a\":12345}', '$.a', 1234)",
        "jsonb_set('[123456789]', '$[0]', NULL)",
        "json_remove('[0,1,2,3,4]','$[2]','$[0]')",
        "json_remove('[0,1]', '$')",
        "json_remove('[0,1]', NULL)",
        "json_remove('[0,1]', 'x')",
        "json_remove('{\"a\":{\"b\":1,\"c\":2}}', '$.a.b')",
        "json_patch('{\"a\":1,\"b\":2}','{\"c\":3,\"d\":4}')",
        "json_patch('{\"a\":[1,2],\"b\":2}','{\"a\":9}')",
        "json_patch('{\"a\":[1,2],\"b\":2}','{\"a\":null}')",
        "json_patch('{\"a\":1,\"b\":2}','{\"a\":9,\"b\":null,\"c\":8}')",
        "json_patch('{\"a\":{\"x\":1,\"y\":2},\"b\":3}','{\"a\":{\"y\":9},\"c\":8}')",
        "json_patch('[1,2]','{\"a\":{\"b\":null,\"c\":1}}')",
        "json_patch('{}','[1]')",
        "json_patch('{}','5')",
        "json_patch(NULL,'{}')",
        "json_patch('{}',NULL)",
        "json_patch('x','{}')",
        "json_patch('{}','x')",
        "json_patch('{\"\\u0061\":1}','{\"a\":2}')",
        "jsonb_patch('{\"a\":1}','{\"b\":{\"c\":[1,2,3]}}')",
        "json_patch('{\"a\":1}', '{\"a\":{\"b\":{\"c\":null}}}')",
        "json_valid(NULL)",
        "json_valid(5)",
        "json_valid(x'0b', 8)",
        "json_valid(x'1b00', 8)",
        "json_valid(x'1b00', 4)",
        "json_valid(x'c30131', 8)",
        "json_valid(jsonb('[1,2]'), 8)",
        "json_valid('[1]', 'x')",
        "json_type('[1]', '$[0]')",
        "json_type(NULL)",
        "json_type('[1]', NULL)",
        "json_array_length(NULL)",
        "json_array_length('[1,2]', NULL)",
        "json_error_position(NULL)",
        "json_error_position(x'1b00')",
        "json_error_position('é[1')",
        "json_pretty('{\"a\":[1,{\"b\":[]}],\"c\":{}}', '--')",
        "json_pretty(NULL)",
        "json_pretty('[1]', NULL)",
        "json_pretty('{\"a\":[1,2]}', 5)",
        "json(x'1b11')",
        "json(x'cc')",
        "json(x'2c1031')",
        "json_extract(x'2c1761', '$.a')",
        "json(x'4371')",
        "json(x'7b')",
        "json(jsonb('[1,2,{\"a\":\"b\"}]'))",
        "json_extract(jsonb('{\"a\":[1,2]}'), '$.a[1]')",
        "json_type(x'0d')",
        "json(x'0d')",
        "json(x'10')",
        "json_array_length(x'2b1331')",
        "json(x'b7' || zeroblob(11))",
        "json_extract('{\"a\":0x10}', '$.a')",
        "json_extract('[1e999,-1e999]', '$[0]')",
        "json_extract('{\"a\":true}', '$.a')",
        "json(replace(printf('%.1000c', '['), '[', '[') || replace(printf('%.1000c', ']'), ']', ']'))",
        "json(printf('%.1001c', '[') || printf('%.1001c', ']'))",
        "json_valid(printf('%.1000c', '[') || printf('%.1000c', ']'))",
        "json_valid(printf('%.1001c', '[') || printf('%.1001c', ']'))",
        "json_pretty(printf('%.999c', '[') || printf('%.999c', ']'), '')",
        "json_pretty(printf('%.1000c', '[') || printf('%.1000c', ']'), '')",
    ]);
}

#[test]
fn arrows() {
    let oracle = Oracle::new();
    let rights = [
        text("a"),
        text("c"),
        Value::Integer(0),
        Value::Integer(-1),
        Value::Integer(3),
        text("[1]"),
        text("[#-1]"),
        text("a b"),
        Value::Null,
        text(""),
        text("c[1]"),
        Value::Real(1.0),
        text("$"),
        text("0"),
    ];
    for document in [
        "{\"a\":\"x\",\"c\":[1,[2]],\"a b\":3,\"\":4,\"c[1]\":5,\"0\":6}",
        "[10,\"s\",{\"a\":null}]",
        "null",
        "x",
    ] {
        for right in &rights {
            let args = [text(document), right.clone()];
            for arrow in ["->", "->>"] {
                let theirs = oracle.their_expression(&format!("? {arrow} ?"), &args);
                oracle.assert_same(
                    &oracle.ours(arrow, &args, 0),
                    &theirs,
                    &format!("{args:?} {arrow}"),
                );
            }
        }
    }
}

/// A random document, mostly well-formed.
fn document(dice: &Dice, depth: usize) -> String {
    match dice.below(if depth == 0 { 5 } else { 9 }) {
        0 => dice
            .pick(&["true", "false", "null", "NaN", "Infinity", "nul"])
            .to_owned(),
        1 => dice.integer().to_string(),
        2 => dice
            .pick(&["1.5", "-2e5", ".5", "5.", "0x1f", "1e400", "+3", "-0.0", "1e-5"])
            .to_owned(),
        3 | 4 => format!(
            "\"{}\"",
            dice.text(
                &["a", "b", "\\n", "\\u0041", "é", " ", "\\x41", "'", "\\q", "\t"],
                5
            )
        ),
        5 | 6 => {
            let items: Vec<String> = (0..dice.below(4)).map(|_| document(dice, depth - 1)).collect();
            format!(
                "[{}{}]",
                items.join(dice.pick(&[",", " , ", ",", ",", ",,"])),
                dice.pick(&["", "", "", ","])
            )
        }
        _ => {
            let labels = ["\"a\"", "\"b\"", "a", "'c'", "\"\\u0061\"", "\"\"", "$x", "1"];
            let items: Vec<String> = (0..dice.below(4))
                .map(|_| {
                    format!(
                        "{}{}{}",
                        dice.pick(&labels),
                        dice.pick(&[":", " : ", ":", ""]),
                        document(dice, depth - 1)
                    )
                })
                .collect();
            format!("{{{}{}}}", items.join(","), dice.pick(&["", "", "", ",", "/**/"]))
        }
    }
}

#[test]
fn random_documents() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..2500 {
        let one = text(&document(&dice, 3));
        for name in [
            "json",
            "jsonb",
            "json_valid",
            "json_error_position",
            "json_pretty",
            "json_array_length",
        ] {
            oracle.check_values(name, std::slice::from_ref(&one));
        }
        oracle.check_values("json_patch", &[one.clone(), text(&document(&dice, 3))]);
        oracle.check_values("jsonb_patch", &[one.clone(), text(&document(&dice, 3))]);
        let path = format!(
            "${}",
            dice.text(&[".a", ".b", "[0]", "[1]", "[#]", "[#-1]", ".\"c\"", ".x"], 3)
        );
        let value = [
            Value::Integer(dice.integer()),
            text(&dice.text(&["a", "\"", "é", "\\"], 30)),
            Value::Null,
            Value::Real(1.5),
        ][dice.below(4)]
        .clone();
        for name in [
            "json_set",
            "jsonb_set",
            "json_insert",
            "jsonb_replace",
            "json_array_insert",
        ] {
            oracle.check_values(
                name,
                &[
                    one.clone(),
                    text(&path),
                    value.clone(),
                    text("$.z"),
                    Value::Integer(1),
                ],
            );
        }
        oracle.check_values("json_extract", &[one.clone(), text(&path)]);
        oracle.check_values("jsonb_remove", &[one.clone(), text(&path)]);
    }
}

#[test]
fn damaged_jsonb_neither_panics_nor_passes_for_valid() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..3000 {
        let Ok(Value::Blob(mut blob)) = oracle.theirs("jsonb", &[text(&document(&dice, 3))]) else {
            continue;
        };
        for _ in 0..dice.below(3) {
            let at = dice.below(blob.len());
            blob[at] = dice.bits() as u8;
        }
        let value = Value::Blob(blob);
        for name in ["json", "json_error_position", "json_type", "json_array_length"] {
            // SQLite's answers to damage are not specified; ours must not panic.
            let _ = oracle.ours(name, std::slice::from_ref(&value), 0);
        }
        oracle.check_values("json_valid", &[value.clone(), Value::Integer(8)]);
        let _ = oracle.ours("json_set", &[value.clone(), text("$.a[0]"), Value::Integer(1)], 0);
        let _ = oracle.ours("json_patch", &[value.clone(), text("{\"a\":{\"b\":1}}")], 0);
        let _ = oracle.ours("json_pretty", std::slice::from_ref(&value), 0);
        check_rows_do_not_panic(&value);
    }
}

fn check_rows_do_not_panic(document: &Value) {
    let table = JsonTable {
        recursive: true,
        binary: false,
    };
    let Ok(mut rows) = JsonRows::open(table, document.as_ref(), None) else {
        return;
    };
    for _ in 0..1000 {
        if rows.is_done() {
            return;
        }
        for column in 0..COLUMNS.len() {
            let _ = rows.column(column, &mut Value::Null);
        }
        if rows.advance().is_err() {
            return;
        }
    }
}

/// All rows of a table-valued function as SQLite gives them, or ours, in one text.
fn our_rows(name: &str, document: &Value, root: Option<&Value>) -> Result<Vec<Vec<Value>>, String> {
    let table = JsonTable::named(name).unwrap();
    let mut rows =
        JsonRows::open(table, document.as_ref(), root.map(Value::as_ref)).map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    while !rows.is_done() {
        let mut row = Vec::new();
        for column in 0..COLUMNS.len() {
            let mut value = Value::Null;
            rows.column(column, &mut value).map_err(|e| e.to_string())?;
            row.push(value);
        }
        all.push(row);
        rows.advance().map_err(|e| e.to_string())?;
    }
    Ok(all)
}

#[test]
fn tables() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    let mut documents: Vec<String> = DOCUMENTS.iter().map(|d| (*d).to_owned()).collect();
    documents.extend((0..300).map(|_| document(&dice, 3)));
    for document in &documents {
        for (i, path) in PATHS.iter().enumerate() {
            for name in ["json_each", "json_tree", "jsonb_each", "jsonb_tree"] {
                let root = (i > 0).then(|| text(path));
                let document = text(document);
                let ours = our_rows(name, &document, root.as_ref());
                let columns = COLUMNS.join(",");
                let args: Vec<Value> = std::iter::once(document.clone()).chain(root.clone()).collect();
                let marks = vec!["?"; args.len()].join(",");
                let theirs = oracle.rows(&format!("SELECT {columns} FROM {name}({marks})"), &args);
                assert_eq!(ours, theirs, "{name} {document:?} {root:?}");
            }
            if i > 5 && dice.below(3) > 0 {
                break;
            }
        }
    }
    assert!(
        our_rows("json_each", &Value::from(ValueRef::Null), None)
            .unwrap()
            .is_empty()
    );
}
