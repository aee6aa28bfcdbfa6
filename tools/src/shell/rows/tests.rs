//! Each mode over the same rows, and grids in a narrow terminal.

use aludel_sql::value::ValueRef;

use super::{MODES, Mode, Style, width};

fn printed(style: &Style, names: &[&str], rows: &[Vec<ValueRef<'_>>]) -> String {
    let mut out = Vec::new();
    let mut writer = style.writer(&mut out).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    writer.columns(&names).unwrap();
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.end(true).unwrap();
    drop(writer);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn check(mode: Mode, expected: &str) {
    let rows = [
        vec![
            ValueRef::Integer(1),
            ValueRef::Text(b"it's <a>|b"),
            ValueRef::Null,
        ],
        vec![
            ValueRef::Integer(20),
            ValueRef::Text(b"two\nlines\x1b[2J"),
            ValueRef::Blob(&[0, 255]),
        ],
    ];
    let style = Style {
        mode,
        ..Style::default()
    };
    assert_eq!(
        printed(&style, &["id", "text", "blob"], &rows),
        expected,
        "{}",
        mode.name()
    );
}

#[test]
fn grids() {
    check(
        Mode::Box,
        "┌────┬────────────────┬─────────┐
│ id │ text           │ blob    │
├────┼────────────────┼─────────┤
│  1 │ it's <a>|b     │ NULL    │
│ 20 │ two            │ x'00ff' │
│    │ lines\\u{1b}[2J │         │
└────┴────────────────┴─────────┘
",
    );
    check(
        Mode::Table,
        "+----+----------------+---------+
| id | text           | blob    |
+----+----------------+---------+
|  1 | it's <a>|b     | NULL    |
| 20 | two            | x'00ff' |
|    | lines\\u{1b}[2J |         |
+----+----------------+---------+
",
    );
    check(
        Mode::Column,
        "id  text            blob
--  --------------  -------
 1  it's <a>|b      NULL
20  two             x'00ff'
    lines\\u{1b}[2J
",
    );
    check(
        Mode::Markdown,
        "|  id | text                   | blob    |
|----:|------------------------|---------|
|   1 | it's <a>\\|b            |         |
|  20 | two<br>lines\\\\u{1b}[2J | x'00ff' |
",
    );
}

#[test]
fn lines_and_lists() {
    check(
        Mode::Line,
        "  id = 1\ntext = it's <a>|b\nblob = NULL\n\n  id = 20\ntext = two\n       lines\\u{1b}[2J\nblob = x'00ff'\n",
    );
    check(Mode::List, "1|it's <a>|b|\n20|two\nlines\\u{1b}[2J|x'00ff'\n");
}

#[test]
fn sql_and_documents() {
    check(
        Mode::Quote,
        "1,'it''s <a>|b',NULL\n20,CAST(X'74776f0a6c696e65731b5b324a' AS TEXT),X'00ff'\n",
    );
    check(
        Mode::Insert,
        "INSERT INTO \"table\" VALUES(1,'it''s <a>|b',NULL);\nINSERT INTO \"table\" VALUES(20,CAST(X'74776f0a6c696e65731b5b324a' AS TEXT),X'00ff');\n",
    );
    check(
        Mode::Html,
        "<table>\n<tr><th>id</th><th>text</th><th>blob</th></tr>\n<tr><td>1</td><td>it's &lt;a&gt;|b</td><td></td></tr>\n\
         <tr><td>20</td><td>two<br>lines\\u{1b}[2J</td><td>x'00ff'</td></tr>\n</table>\n",
    );
}

#[test]
fn formats_of_programs() {
    check(
        Mode::Csv,
        "id,text,blob\n1,it's <a>|b,\n20,\"two\nlines\u{1b}[2J\",00ff\n",
    );
    check(
        Mode::Json,
        "[{\"id\":1,\"text\":\"it's <a>|b\",\"blob\":null},\n{\"id\":20,\"text\":\"two\\nlines\\u001b[2J\",\"blob\":{\"hex\":\"00ff\"}}]\n",
    );
    let rows = [vec![ValueRef::Integer(1)]];
    let style = Style {
        mode: Mode::Csv,
        headers: Some(false),
        ..Style::default()
    };
    assert_eq!(printed(&style, &["a"], &rows), "1\n");
}

#[test]
fn wide_results_fold_and_too_wide_ones_become_lines() {
    let text = "the quick brown fox jumps over the lazy dog and runs away";
    let rows = [vec![ValueRef::Integer(1), ValueRef::Text(text.as_bytes())]];
    let style = Style {
        width: Some(40),
        ..Style::default()
    };
    let folded = printed(&style, &["id", "text"], &rows);
    assert_eq!(
        folded,
        "┌────┬─────────────────────────────────┐
│ id │ text                            │
├────┼─────────────────────────────────┤
│  1 │ the quick brown fox jumps over  │
│    │ the lazy dog and runs away      │
└────┴─────────────────────────────────┘
"
    );
    assert!(folded.lines().all(|line| width(line) <= 40));
    let row: Vec<ValueRef<'_>> = (0..9).map(|_| ValueRef::Text(text.as_bytes())).collect();
    let lines = printed(&style, &["a", "b", "c", "d", "e", "f", "g", "h", "i"], &[row]);
    assert!(
        lines.starts_with("a = the quick") && lines.lines().count() == 9,
        "{lines}"
    );
}

#[test]
fn later_rows_keep_the_widths_of_the_first() {
    let short = [ValueRef::Text(b"ab")];
    let long = [ValueRef::Text(b"abcdef")];
    let rows: Vec<Vec<ValueRef<'_>>> = (0..1200)
        .map(|i| if i < 1100 { short } else { long }.to_vec())
        .collect();
    let text = printed(&Style::default(), &["x"], &rows);
    assert!(text.lines().all(|line| width(line) == 6), "folded to two columns");
    assert_eq!(text.lines().count(), 3 + 1100 + 100 * 3 + 1);
}

#[test]
fn modes_are_found_by_each_of_their_names() {
    for (name, mode, _) in MODES {
        assert_eq!(Mode::named(&name.to_uppercase()), Some(mode));
    }
    assert_eq!(Mode::named("boxes"), None);
    assert_eq!(Mode::Tsv.name(), "tsv");
}
