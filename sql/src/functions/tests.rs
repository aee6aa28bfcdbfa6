//! Core functions against SQLite.

use super::oracle::{Dice, Oracle};
use crate::value::Value;

#[test]
fn core_functions() {
    Oracle::new().check_all(&[
        "abs(-5)",
        "abs('-2.5x')",
        "abs(NULL)",
        "abs(x'2d33')",
        "abs(-9223372036854775808)",
        "abs('abc')",
        "abs(-0.0)",
        "sign(-3)",
        "sign('2')",
        "sign('2x')",
        "sign(NULL)",
        "sign(0.0)",
        "sign(x'32')",
        "round(2.5)",
        "round(-2.5)",
        "round(2.567, 2)",
        "round(1e300, 2)",
        "round('3.7')",
        "round(1.005, 2)",
        "round(NULL)",
        "round(5, NULL)",
        "round(12345.678, -2)",
        "round(0.5)",
        "round(-0.4)",
        "round(1e-40, 30)",
        "round(0.05, 1)",
        "round(9.995, 2)",
        "typeof(1)",
        "typeof(1.0)",
        "typeof('a')",
        "typeof(x'00')",
        "typeof(NULL)",
        "max(1, 2.0, 'a')",
        "max(1, NULL)",
        "min(3, 1, 2)",
        "min('b', 'a', x'00')",
        "max(1, 1.0)",
        "min(1, 1.0)",
        "max(1.0, 1)",
        "nullif(1, 1.0)",
        "nullif(1, '1')",
        "nullif(NULL, 1)",
        "nullif('a', 'A')",
        "sqlite_version()",
        "sqlite_compileoption_used('THREADSAFE')",
        "sqlite_compileoption_used('SQLITE_THREADSAFE=1')",
        "sqlite_compileoption_used('THREADSAF')",
        "sqlite_compileoption_get(-1)",
        "load_extension('x')",
        "load_extension(NULL, 1)",
        "changes()",
        "total_changes()",
        "last_insert_rowid()",
    ]);
}

#[test]
fn text_functions() {
    Oracle::new().check_all(&[
        "length('héllo')",
        "length(x'0102')",
        "length(12.50)",
        "length(NULL)",
        "length('ab'||char(0)||'c')",
        "length(cast(x'80808041' as text))",
        "length(cast(x'41808042c3' as text))",
        "octet_length('héllo')",
        "octet_length(123)",
        "octet_length(NULL)",
        "octet_length(x'00')",
        "octet_length('a'||char(0))",
        "instr('hello', 'l')",
        "instr('héllo', 'l')",
        "instr(x'0102', x'02')",
        "instr('abc', '')",
        "instr('', '')",
        "instr('', 'a')",
        "instr(NULL, 'a')",
        "instr('a', NULL)",
        "instr(12345, 34)",
        "instr(x'c3a9', cast(x'a9' as text))",
        "instr('aé', x'c3a9')",
        "instr(cast(x'418041' as text), 'A')",
        "instr(cast(x'8041' as text), 'A')",
        "instr(cast(x'8041' as text), cast(x'80' as text))",
        "instr('aaab', 'aab')",
        "instr('a'||char(0)||'b', 'b')",
        "substr('hello', 2)",
        "substr('hello', 2, 3)",
        "substr('hello', -3)",
        "substr('hello', -3, 2)",
        "substr('hello', 0)",
        "substr('hello', 0, 3)",
        "substr('hello', 3, -2)",
        "substr('hello', -2, -2)",
        "substr('hello', 10)",
        "substr('hello', -10, 7)",
        "substr('hello', -10, 3)",
        "substr('hello', -10, -3)",
        "substr('héllo', 2, 1)",
        "substr(x'0102030405', 2, 2)",
        "substr(x'010203', -2)",
        "substr(x'010203', 0, 2)",
        "substr(x'010203', 5)",
        "substr(x'010203', 3, -9)",
        "substr(12345, 2, 2)",
        "substr(NULL, 1)",
        "substr('abc', NULL)",
        "substr('abc', 1, NULL)",
        "substr('abc', 9223372036854775807)",
        "substr('abc', -9223372036854775808)",
        "substr('abc', 2, -9223372036854775808)",
        "substr('abc', 1, 9223372036854775807)",
        "substr('a'||char(0)||'bc', 1, 4)",
        "substr('', 1)",
        "substring('hello', 2, 2)",
        "substr('abc', 0, -1)",
        "substr('abc', -9223372036854775808, 9223372036854775807)",
        "substr(x'', 1, 1)",
        "substr(cast(x'4180804243' as text), 2, 2)",
        "substr(cast(x'4180804243' as text), -2, 2)",
        "lower('HÉLLO')",
        "upper('héllo')",
        "upper(x'6162')",
        "lower(NULL)",
        "lower(12E10)",
        "hex('abc')",
        "hex(12345)",
        "hex(NULL)",
        "hex(x'00ff')",
        "hex(1.5)",
        "hex('')",
        "unhex('41 42', ' ')",
        "unhex('4142')",
        "unhex('414')",
        "unhex('4x')",
        "unhex(NULL)",
        "unhex('41', NULL)",
        "unhex('4 1', ' ')",
        "unhex('')",
        "unhex('-41-42-', '-')",
        "unhex('é41', 'é')",
        "unhex(4142)",
        "unhex('41'||char(0)||'zz')",
        "concat('a', NULL, 1, 2.5, x'62')",
        "concat(NULL)",
        "concat_ws(',', 1, NULL, 'b')",
        "concat_ws(NULL, 1)",
        "concat_ws('-', NULL)",
        "concat_ws('', 'a', 'b')",
        "concat_ws(',', '', '')",
        "replace('hello', 'l', 'LL')",
        "replace('hello', '', 'x')",
        "replace('aaa', 'aa', 'b')",
        "replace(NULL, 'a', 'b')",
        "replace('a', NULL, 'b')",
        "replace('a', 'b', NULL)",
        "replace('a', '', NULL)",
        "replace(12321, 2, 'x')",
        "replace('abc', 'c', x'646566')",
        "replace('a'||char(0)||'b', 'b', 'c')",
        "replace('abc', char(0), 'x')",
        "trim('  a b ')",
        "ltrim('  a ')",
        "rtrim('  a ')",
        "trim('xxaxx', 'x')",
        "trim('éaé', 'é')",
        "trim('abc', '')",
        "trim(NULL)",
        "trim('a', NULL)",
        "trim('xyxaxy', 'xy')",
        "trim(1211, 1)",
        "trim('   ')",
        "trim(x'20612020')",
        "ltrim('a'||char(0), 'a')",
        "char(65, 233, 8364, 128512)",
        "char()",
        "char(NULL)",
        "char(-1, 1114112)",
        "char(55296)",
        "char('66x')",
        "char(0, 65)",
        "unicode('é')",
        "unicode('')",
        "unicode(NULL)",
        "unicode(5)",
        "unicode(cast(x'80' as text))",
        "unicode(cast(x'c041' as text))",
        "unicode(cast(x'efbfbf' as text))",
        "unicode(cast(x'f8888880' as text))",
        "unicode(char(0))",
        "unicode(x'41')",
        "soundex('Robert')",
        "soundex('Rupert')",
        "soundex(NULL)",
        "soundex('123')",
        "soundex('Tymczak')",
        "soundex('Pfister')",
        "soundex('a')",
        "soundex('  lee')",
        "soundex('Ashcraft')",
        "soundex('bbbb')",
        "soundex('hobbit')",
        "soundex('éa')",
        "quote('it''s')",
        "quote(NULL)",
        "quote(x'00ff')",
        "quote(1.5)",
        "quote(1e999)",
        "quote(-1e999)",
        "quote(0.1)",
        "quote(1e300)",
        "quote(123)",
        "quote('a'||char(0)||'b')",
        "quote('')",
        "quote(-0.0)",
        "quote('a'||char(10)||'b')",
        "quote(49.47)",
        "unistr('a\\00e9b')",
        "unistr('\\u00e9')",
        "unistr('\\+01F600')",
        "unistr('\\U0001F600')",
        "unistr('\\\\')",
        "unistr('\\x')",
        "unistr('\\12')",
        "unistr('a\\')",
        "unistr(NULL)",
        "unistr(5)",
        "unistr('\\0000x')",
        "unistr('\\ud800')",
        "unistr_quote('a'||char(10)||'b''c\\d')",
        "unistr_quote('abc\\')",
        "unistr_quote(5)",
        "unistr_quote(NULL)",
        "unistr_quote(x'0a')",
        "zeroblob(3)",
        "zeroblob(-1)",
        "zeroblob('2')",
        "zeroblob(NULL)",
        "zeroblob(10000000000)",
        "hex(zeroblob(2))",
        "subtype(1)",
        "subtype(json('1'))",
    ]);
}

#[test]
fn like_and_glob() {
    let oracle = Oracle::new();
    oracle.check_all(&[
        "like('a%', 'ABC')",
        "like('%b%', 'abc')",
        "like('%c', 'abc')",
        "like('a_c', 'aBc')",
        "like('é%', 'Éa')",
        "like('_', 'é')",
        "like('10\\%', '10%', '\\')",
        "like('10\\%', '10x', '\\')",
        "like('a%b', 'a%b', '%')",
        "like('a%%b', 'a%b', '%')",
        "like('a__', 'a_', '_')",
        "like('a', 'a', 'xx')",
        "like('a', 'a', '')",
        "like('a', 'a', NULL)",
        "like(NULL, 'a')",
        "like('a', NULL)",
        "like('%', '')",
        "like('', '')",
        "like('', 'a')",
        "like('1%', 123)",
        "like(x'6125', 'abc')",
        "like('abc\\', 'abc', '\\')",
        "like('%\\', 'abc', '\\')",
        "like('%\\%', 'a%', '\\')",
        "like('%_', '')",
        "like('%_%', 'a')",
        "like('a%b%c', 'aXbYc')",
        "like('a%b%c', 'aXbYcZ')",
        "like('%aab', 'aaab')",
        "like('%ÄB%', 'xÄb')",
        "like('ab'||char(0)||'c', 'ab')",
        "like('ab', 'ab'||char(0)||'x')",
        "like('%é', 'aé')",
        "like('%é%z', 'aébz')",
        "like('%\\_', 'ab_', '\\')",
        "glob('a*', 'abc')",
        "glob('a*', 'Abc')",
        "glob('*[0-9]', 'a5')",
        "glob('[^a]*', 'abc')",
        "glob('[]a]', ']')",
        "glob('[a-', 'a')",
        "glob('[a-]', '-')",
        "glob('?', 'é')",
        "glob('[é-ü]x', 'êx')",
        "glob('*[b]*c', 'aabc')",
        "glob('[', '[')",
        "glob('[]]', ']')",
        "glob('[^]]', 'a')",
        "glob('a[*]b', 'a*b')",
        "glob('[z-a]', 'm')",
        "glob('[a-c-e]', 'd')",
        "glob('[a-c-e]', '-')",
        "glob('*', '')",
        "glob('?', '')",
        "glob('[a]', '')",
        "glob(NULL, 'a')",
    ]);
}

#[test]
fn random_patterns() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..4000 {
        let pattern = dice.text(
            &[
                "a", "b", "A", "%", "_", "é", "É", "\\", "[", "]", "*", "?", "^", "-", "%", "*", "aba",
            ],
            7,
        );
        let text = dice.text(&["a", "b", "A", "B", "é", "%", "_", "]", "-", "aba"], 8);
        let args = [Value::from(pattern.as_str()), Value::from(text.as_str())];
        oracle.check_values("like", &args);
        oracle.check_values("glob", &args);
        oracle.check_values(
            "like",
            &[
                args[0].clone(),
                args[1].clone(),
                Value::from(dice.pick(&["\\", "%", "_", "a", "é"])),
            ],
        );
    }
}

#[test]
fn random_arguments() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    const NAMES: [(&str, usize); 24] = [
        ("abs", 1),
        ("sign", 1),
        ("round", 1),
        ("round", 2),
        ("length", 1),
        ("octet_length", 1),
        ("instr", 2),
        ("substr", 2),
        ("substr", 3),
        ("lower", 1),
        ("upper", 1),
        ("hex", 1),
        ("unhex", 1),
        ("unhex", 2),
        ("concat", 3),
        ("concat_ws", 3),
        ("replace", 3),
        ("trim", 2),
        ("ltrim", 1),
        ("rtrim", 2),
        ("quote", 1),
        ("max", 3),
        ("min", 3),
        ("nullif", 2),
    ];
    for _ in 0..300 {
        for (name, argc) in NAMES {
            let mut args: Vec<Value> = (0..argc).map(|_| dice.value()).collect();
            if matches!(name, "substr" | "round") && argc > 1 {
                for arg in &mut args[1..] {
                    *arg = Value::Integer(dice.below(14) as i64 - 7);
                }
            }
            oracle.check_values(name, &args);
        }
    }
}

#[test]
fn formats() {
    Oracle::new().check_all(&[
        "printf()", "printf(NULL, 1)", "printf('abc')", "printf('%')", "printf('a%')", "printf('%5%|')", "printf('100%% %d', 5)", "printf('%d')",
        "printf('%s')", "printf('%y', 1)", "printf('a%yb', 1)", "printf('%d %i %u', -1, -1, -1)", "printf('%5d|%-5d|%05d|%+d|% d', 42, 42, 42, 42, 42)",
        "printf('%.5d|%8.5d|%-8.5d|%08.5d', 42, 42, 42, 42)", "printf('%,d|%,d|%,d|%,.9d|%,015d', 1234567, -1234, 12, 12345, 12345)", "printf('%,u', -1)",
        "printf('%x %X %#x %#X %o %#o %p %#p', 255, 255, 255, 255, 8, 8, 255, 255)", "printf('%#x', 0)", "printf('%#08x|%,x', 255, 123456)",
        "printf('%r %r %r %r %r %r', 1, 2, 3, 11, 22, 113)", "printf('%5r|%05r', 2, 3)", "printf('%lld %ld %l', 1, 2, 3)", "printf('%-+5d|%+-5d|', 3, 3)",
        "printf('%*d|%-*d|%*d|%.*d', 5, 1, 5, 2, -5, 3, 4, 4)", "printf('%*s', -2147483648, 'a')", "printf('%.*s', -2, 'abc')",
        "printf('%f %e %g', 1.5, 1.5, 1.5)", "printf('%.2f|%8.2f|%-8.2f|%08.2f|%+.2f|% .2f', 3.14159, 3.14159, 3.14159, 3.14159, 3.14159, 3.14159)",
        "printf('%.0f %.0f %.0f %.0f', 0.5, 1.5, 2.5, -0.5)", "printf('%#.0f %!.0f', 3.0, 3.0)", "printf('%.10e|%.0e|%E', 12345.678, 12345.678, 1e-7)",
        "printf('%g %g %g %g %g', 100000, 1000000, 0.0001, 0.00001, 123456789)", "printf('%#g %!g %G', 1.5, 1.5, 1e20)", "printf('%.3g %.10g %!.15g %!.17g', 2.0/3, 2.0/3, 2.0/3, 2.0/3)",
        "printf('%.20f %!.20f', 0.1, 0.1)", "printf('%.30f', 1e-5)", "printf('%!.30e', 0.1)", "printf('%f', 1e300)", "printf('%,f %,.2f', 1234567.891, 1234567.891)",
        "printf('%f %e %g %010f %+f % f', 1e999, -1e999, 1e999, 1e999, 1e999, 1e999)", "printf('%010.2f|%-010.2f|%+010.2f', -3.14159, 3.14159, 3.14159)",
        "printf('%#f', -0.0000001)", "printf('%#+f', -0.0000001)", "printf('%.2f', -0.001)", "printf('%f', 'abc')", "printf('%d', '12abc')", "printf('%d', 3.99)",
        "printf('%s|%10s|%-10s|%.2s', 'abc', 'abc', 'abc', 'abc')", "printf('%5s|%!5s|%-!5s|', 'é', 'é', 'é')", "printf('%.1s|%!.1s', 'éa', 'éa')", "printf('%z', 'abc')",
        "printf('%s %s', 1.5, x'6162')", "printf('%s', NULL)", "printf('%c|%5c|%-5c|%.3c|%6.3c|', 'abc', 'x', 'x', 'x', 'x')", "printf('%c', 'é')", "printf('%4c|', 'é')",
        "hex(printf('%c', ''))", "hex(printf('%c', NULL))", "printf('%.4c|%-8.4c|', 'é', 'é')", "printf('%q %Q %w', 'it''s', 'it''s', 'a\"b')", "printf('%q %Q %w', NULL, NULL, NULL)",
        "printf('%10Q|%-10Q|%.2Q|%!.2Q', 'ab', 'ab', 'it''s', 'é''é')", "printf('%#Q %#q %#w', 'a'||char(10)||'b\\', 'a'||char(10)||'b\\', 'a'||char(10)||'b')",
        "printf('%#Q', 'a\\b')", "printf('%#q', 'a\\b')", "printf('%J %j %J', 'a\"b', 'a\"b', NULL)", "printf('%j|%8J|%-8J|%.2J', NULL, 'é', 'é', 'abc')", "printf('%!8J|%!.1J', 'é', 'éa')",
        "printf('%J', char(1)||char(8)||char(9)||char(10)||char(12)||char(13)||char(31)||'\\')", "printf('%n%d', 5)", "printf('%.3%|')", "printf('%-+ #!0,5d|', 12345)",
        "printf('%2147483646d', 1)", "printf('%.2147483646d', 1)", "printf('%2147483646s', 1)", "printf('%4294967301d', 1)", "printf('%.2147483647c', 'a')",
        "printf('a'||char(0)||'%d', 1)", "printf('%T', 1)", "printf('%S', 1)", "printf(5)", "format('%d', 3)", "printf('%.0s|', 'abc')", "printf('%.d|%.f', 5, 5.5)",
        "printf('%.0d|%.0x', 0, 0)", "printf('%!.3s|%!10.2s|', '日本語テキスト', '日本語')", "printf('%d%%|%5.1f%%', 5, 99.55)", "printf('%.15g', 0.1)", "printf('%.16g', 0.1)", "printf('%.17g', 0.1)",
        "printf('%!.16f', 1e22)", "printf('%.3f', 9007199254740993)", "printf('%!.26e', 3.0)", "printf('%.18e', 0.1)", "printf('%.100f', 1.0/3)",
    ]);
}

#[test]
fn random_formats() {
    let (oracle, dice) = (Oracle::new(), Dice::new());
    for _ in 0..4000 {
        let flags = dice.text(&["-", "+", " ", "#", "!", "0", ","], 3);
        let width = dice.pick(&["", "", "1", "5", "12", "25", "*"]);
        let precision = dice.pick(&["", "", ".", ".0", ".1", ".3", ".10", ".17", ".25", ".*"]);
        let kind = dice.pick(&[
            "d", "u", "x", "X", "o", "p", "r", "f", "e", "E", "g", "G", "s", "q", "Q", "w", "c", "j", "J",
            "%",
        ]);
        let format = format!("<%{flags}{width}{precision}{kind}>");
        let mut args = vec![Value::from(format.as_str())];
        for star in [width, precision] {
            if star.ends_with('*') {
                args.push(Value::Integer(dice.below(40) as i64 - 20));
            }
        }
        args.push(match kind {
            "f" | "e" | "E" | "g" | "G" => Value::Real(dice.real()),
            "d" | "u" | "x" | "X" | "o" | "p" | "r" => Value::Integer(dice.integer()),
            _ => Value::from(dice.text(&["a", "é", "'", "\"", "\\", "\n", "日", "b"], 6)),
        });
        oracle.check_values("printf", &args);
    }
}

/// Functions of SQLite's library that this engine does not have: they belong to virtual tables for full-text search and R-trees.
const NOT_OURS: [&str; 15] = [
    "bm25",
    "fts3_tokenizer",
    "fts5",
    "fts5_get_locale",
    "fts5_insttoken",
    "fts5_locale",
    "fts5_source_id",
    "highlight",
    "matchinfo",
    "offsets",
    "optimize",
    "rtreecheck",
    "rtreedepth",
    "rtreenode",
    "snippet",
];

#[test]
fn every_function_of_sqlite_is_here() {
    let (oracle, registry) = (Oracle::new(), super::Registry::new());
    let names = oracle.texts("SELECT DISTINCT name FROM pragma_function_list ORDER BY name");
    let operators = |name: &str| !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !registry.exists(name) && !NOT_OURS.contains(&name.as_str()) && !operators(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
