//! The functions, each with arguments that it likes and some that it does not: JSON, dates, printf, text, numbers.

use super::compare::Statement;
use super::generator::{Generator, Leaves, Profile};
use super::tree::{Sort, Tree, tree};

/// Numbers as only JSON5 writes them.
pub(super) const JSON5_ARRAY: &str = "[0x1F,+5,.5,5.,Infinity,NaN]";

const JSON: &[&str] = &[
    "'[1,2.5,\"a\",null,true]'",
    "'{\"a\":1,\"b\":[2,3],\"c\":{\"d\":\"x\"}}'",
    "'[]'",
    "'{}'",
    "'[[1,[2,[3]]]]'",
    "'5'",
    "'\"text\"'",
    "NULL",
    "'null'",
    "'{\"a\":{\"b\":{\"c\":[1,{\"d\":2}]}}}'",
    "' [ 1 , 2 ] '",
    "'[1.0,1e5,-0,-0.0,1E400]'",
    "'\"\\u00e9\\n\\\"\\ud83d\\ude00\"'",
    "'{\"a b\":1,\"c.d\":2,\"\":3,\"e\\\"f\":4}'",
    "'{a:1,b:''x'',}'",
    "'[1,2,/*c*/3,]'",
    "'{\"a\":1,\"a\":2}'",
    "'[0x1F,+5,.5,5.,Infinity,NaN]'",
    "'not json'",
    "'[1,2'",
    "''",
    "'{\"x\":[{\"y\":1},{\"y\":2}]}'",
    "jsonb('[1,2,{\"a\":\"b\"}]')",
    "jsonb('{\"a\":[1,2.5]}')",
    "x'0b31'",
    "x'ff'",
    "12",
    "1.5",
    "'[\"a\\u0000b\"]'",
    "'[9223372036854775808,-9223372036854775809]'",
    "'tru'",
    "'true'",
    "'[\"it''s\"]'",
    "'{\"k\":\"\\\\\"}'",
];
const PATHS: &[&str] = &[
    "'$'",
    "'$.a'",
    "'$.b[0]'",
    "'$[0]'",
    "'$[1]'",
    "'$[#-1]'",
    "'$[#]'",
    "'$.c.d'",
    "'$.a.b.c[1].d'",
    "'$.\"a b\"'",
    "'$.\"c.d\"'",
    "'$.x[1].y'",
    "'$[9]'",
    "'$.z'",
    "'$.z.y'",
    "'a'",
    "'$a'",
    "'$['",
    "'$[-1]'",
    "NULL",
    "'$.'",
    "'$[#-9]'",
    "'$.e\\\"f'",
    "'$[0][1][0]'",
    "'$.b[#-1]'",
    "''",
];
const ARROWS: &[&str] = &[
    "'a'", "0", "1", "-1", "'$.a'", "'$[1]'", "'b'", "NULL", "'a b'", "'c.d'", "2", "9", "'[0]'", "1.5",
];
const TIMES: &[&str] = &[
    "'2024-02-29'",
    "'2024-02-29 13:45:59'",
    "'2023-12-31 23:59:59.999'",
    "'1970-01-01T00:00:00Z'",
    "'2000-01-01 12:00'",
    "2451545",
    "2460000.5",
    "0",
    "-1",
    "1e9",
    "1700000000",
    "'1700000000'",
    "'12:34'",
    "'12:34:56.789'",
    "'2024-13-01'",
    "'2024-02-30'",
    "'2024-01-01 24:00'",
    "'0000-01-01'",
    "'9999-12-31'",
    "'-4713-11-24'",
    "'2024-06-15 08:00:00+02:30'",
    "'2024-06-15 08:00:00 -11:59'",
    "NULL",
    "'xyz'",
    "''",
    "5373484.5",
    "5373485",
    "'2024-2-1'",
    "'2451545.25'",
    "x'323032342d30312d3031'",
    "'2024-01-31'",
    "'2023-01-29 00:00:00.0005'",
    "1721059.5",
    "'2024-12-30'",
    "'2021-01-03'",
];
const MODIFIERS: &[&str] = &[
    "'+1 day'",
    "'-1 day'",
    "'+1 month'",
    "'-1 month'",
    "'+1 year'",
    "'-13 months'",
    "'+1.5 days'",
    "'+90 minutes'",
    "'-3600 seconds'",
    "'+0.001 seconds'",
    "'start of month'",
    "'start of year'",
    "'start of day'",
    "'weekday 0'",
    "'weekday 3'",
    "'weekday 6'",
    "'unixepoch'",
    "'julianday'",
    "'auto'",
    "'utc'",
    "'subsec'",
    "'subsecond'",
    "'floor'",
    "'ceiling'",
    "'+1 month','floor'",
    "'+1 month','ceiling'",
    "'+0001-02-03'",
    "'-0001-02-03 04:05'",
    "'+0000-00-00 10:00:00.5'",
    "'+10:30'",
    "'-01:00:00'",
    "'bad'",
    "'+1 fortnight'",
    "'weekday 7'",
    "NULL",
    "'+1e3 days'",
    "'+5'",
    "'START OF MONTH'",
    "' +1 day'",
    "'+1day'",
    "'+1  day'",
    "'5 days'",
    "'+1000000 years'",
    "'+11:59:59.999'",
    "'start of week'",
    "'+106751991 days'",
    "'localtime'",
];
const TIME_FORMATS: &[&str] = &[
    "'%Y-%m-%d'",
    "'%H:%M:%S'",
    "'%f'",
    "'%j'",
    "'%J'",
    "'%s'",
    "'%w %u'",
    "'%W %U %V %G %g'",
    "'%e|%k|%l|%I|%P|%p'",
    "'%F %T %R'",
    "'%d%%'",
    "'%q'",
    "'%'",
    "''",
    "'%Y%'",
    "NULL",
    "'é%Yé'",
    "'%C'",
];
const FORMATS: &[&str] = &[
    "'%d'",
    "'%5d|'",
    "'%-5d|'",
    "'%05d'",
    "'%+d'",
    "'% d'",
    "'%,d'",
    "'%x'",
    "'%X'",
    "'%#x'",
    "'%o'",
    "'%#o'",
    "'%u'",
    "'%c'",
    "'%5c|'",
    "'%s'",
    "'%10s|'",
    "'%-10s|'",
    "'%.2s'",
    "'%q'",
    "'%Q'",
    "'%w'",
    "'%z'",
    "'%f'",
    "'%.0f'",
    "'%.3f'",
    "'%10.2f'",
    "'%e'",
    "'%.3e'",
    "'%E'",
    "'%g'",
    "'%G'",
    "'%.10g'",
    "'%#g'",
    "'%!g'",
    "'%!.17g'",
    "'%!f'",
    "'%.15f'",
    "'%.20f'",
    "'%.40f'",
    "'%,f'",
    "'%+.2f'",
    "'% f'",
    "'%010.3f'",
    "'%%'",
    "'%5%'",
    "'%'",
    "'%y'",
    "'%ld'",
    "'%lld'",
    "'%hd'",
    "'%i'",
    "'%p'",
    "'%n'",
    "'%-05d'",
    "'%+05d'",
    "'%,.2f'",
    "'%!s'",
    "'%!5s|'",
    "'%!.2s'",
    "'%#Q'",
    "'%5.3d'",
    "'%.5d'",
    "'%.0e'",
    "'%.1g'",
    "'%r'",
    "'a%db%sc'",
    "'%d %d'",
    "'%s%'",
    "'%#q'",
    "'%!q'",
    "'%,+d'",
    "'%020,d'",
    "'%.30g'",
    "'%!.30g'",
    "'%.100s'",
    "'%!e'",
    "'%.16e'",
    "'%!.18e'",
    "'%T'",
    "'%S'",
    "'%j'",
];
const NUMERIC: &[&str] = &[
    "0",
    "1",
    "-1",
    "12345",
    "-12345",
    "9223372036854775807",
    "-9223372036854775808",
    "0.0",
    "-0.0",
    "1.0",
    "0.1",
    "-0.1",
    "2.5",
    "3.5",
    "1.005",
    "1234567.891",
    "1e10",
    "1e15",
    "1e16",
    "1e17",
    "1e21",
    "1e22",
    "1e23",
    "1e100",
    "1e308",
    "-1e308",
    "1e-5",
    "1e-4",
    "1e-10",
    "1e-308",
    "5e-324",
    "9e999",
    "-9e999",
    "123456789012345678",
    "0.3333333333333333",
    "0.6666666666666666",
    "99.9999999",
    "0.5",
    "1.5",
    "9007199254740993",
    "4.35",
    "2.675",
    "1.15",
    "9.995",
    "99999.5",
    "999999.5",
    "1e5",
    "1e6",
    "123456.7",
    "NULL",
    "'12'",
    "'3.7abc'",
    "'abc'",
    "''",
    "x'31'",
    "x''",
    "100000",
    "1000000",
    "-1.5",
    "1.7976931348623157e308",
    "2.2250738585072014e-308",
];
const STRINGS: &[&str] = &[
    "'abc'",
    "''",
    "NULL",
    "'it''s'",
    "'a\"b'",
    "'né'",
    "'😀x'",
    "'  pad  '",
    "'ABC'",
    "'aXbXc'",
    "x'616200'",
    "CAST(x'610062' AS TEXT)",
    "x'ff00'",
    "CAST(x'ff' AS TEXT)",
    "CAST(x'c3' AS TEXT)",
    "'x'",
    "'abcabc'",
    "'ß'",
    "'İ'",
    "12",
    "1.5",
    "'%'",
    "char(0x10ffff)",
    "'long text with several words in it'",
    "'a\\b'",
    "CAST(x'e282' AS TEXT)",
    "CAST(x'edb080' AS TEXT)",
    "CAST(x'f0908080' AS TEXT)",
    "'0'",
    "-0.0",
    "1e300",
];
const SMALL: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-2",
    "-5",
    "10",
    "100",
    "NULL",
    "1.5",
    "'2'",
    "9223372036854775807",
    "-9223372036854775808",
    "30",
    "15",
    "16",
    "17",
    "-100",
];

impl Generator {
    /// SELECT of one to three calls, or a query with JSON tables.
    pub(super) fn function_statement(&mut self) -> Statement {
        self.ask.strict = true;
        self.ask.query = true;
        if self.random.percent(12) {
            return self.json_table_query();
        }
        if self.random.percent(12) {
            self.ask.strict = false;
            return self.over_rows();
        }
        let call = self.any_call(2);
        let quote = self.random.percent(15);
        let list = if quote {
            tree!(Sort::Expr; "quote(", call, ")")
        } else {
            tree!(Sort::Expr; call, "")
        };
        let tree = tree!(Sort::Query; "SELECT ", list);
        self.finish(tree)
    }

    /// Functions over the columns of a table.
    fn over_rows(&mut self) -> Statement {
        let table = self.base_table();
        self.scopes.push(vec![table.source("f")]);
        let name = *self.random.pick(&[
            "json_group_array",
            "json_group_object",
            "jsonb_group_array",
            "json_array",
            "json_object",
            "printf",
            "strftime",
            "date",
        ]);
        let (a, b) = (self.column(), self.column());
        let tree = match name {
            "json_group_array" => {
                tree!(Sort::Query; "SELECT json_group_array(", a, format!(" ORDER BY f.id) FROM {} AS f", table.name))
            }
            "jsonb_group_array" => {
                tree!(Sort::Query; "SELECT hex(jsonb_group_array(", a, format!(" ORDER BY f.id)) FROM {} AS f", table.name))
            }
            "json_group_object" => {
                tree!(Sort::Query; "SELECT json_group_object(", a, ", ", b, format!(" ORDER BY f.id) FROM {} AS f", table.name))
            }
            "json_array" => {
                tree!(Sort::Query; "SELECT json_array(", a, ", ", b, format!(") FROM {} AS f", table.name))
            }
            "json_object" => {
                tree!(Sort::Query; "SELECT json_object(quote(", a, "), ", b, format!(") FROM {} AS f", table.name))
            }
            "printf" => {
                let format = (*self.random.pick(FORMATS)).to_owned();
                tree!(Sort::Query; format!("SELECT printf({format}, "), a, ", ", b, format!(") FROM {} AS f", table.name))
            }
            name => {
                let lead = if name == "strftime" { "'%s %j %H:%M', " } else { "" };
                let modifier = (*self.random.pick(MODIFIERS)).to_owned();
                tree!(Sort::Query; format!("SELECT {name}({lead}"), a, format!(", {modifier}) FROM {} AS f", table.name))
            }
        };
        self.scopes.pop();
        self.finish(tree)
    }

    fn json_table_query(&mut self) -> Statement {
        let json = self.json_literal();
        let path = if self.random.percent(40) {
            format!(", {}", self.random.pick(PATHS))
        } else {
            String::new()
        };
        let function = *self.random.pick(&["json_each", "json_tree"]);
        let columns = *self.random.pick(&[
            "*",
            "key, value, type, atom, parent IS NULL, fullkey, path",
            "fullkey, quote(atom)",
            "json_type(value), value",
            "key, typeof(value), quote(value)",
        ]);
        let filter = *self.random.pick(&[
            "",
            "",
            " WHERE type = 'integer'",
            " WHERE key = 'a'",
            " WHERE atom IS NOT NULL",
            " WHERE json_valid(value)",
        ]);
        // Identities are places in a binary form: how they are counted is not documented.
        let columns = if columns == "*" {
            "key, value, type, atom, fullkey, path"
        } else {
            columns
        };
        let tree = Tree::text(
            Sort::Query,
            format!("SELECT {columns} FROM {function}({json}{path}){filter}"),
        );
        self.finish(tree)
    }

    /// A JSON text.
    pub(super) fn json_literal(&mut self) -> String {
        let sound = self.profile != Profile::Functions;
        let list = if sound { &JSON[..12] } else { JSON };
        (*self.random.pick(list)).to_owned()
    }

    fn any_call(&mut self, depth: usize) -> Tree {
        match self.random.below(12) {
            0..=3 => self.json_call(depth),
            4..=6 => self.date_call(),
            7 | 8 => self.format_call(),
            9 | 10 => self.text_call(depth),
            _ => self.number_call(depth),
        }
    }

    fn json_value(&mut self, depth: usize) -> Tree {
        if depth > 0 && self.random.percent(30) {
            return self.json_call(depth - 1);
        }
        let list = match self.random.below(4) {
            0 => NUMERIC,
            1 => STRINGS,
            _ => JSON,
        };
        let text = *self.random.pick(list);
        if text.starts_with("jsonb") && self.random.percent(50) {
            return Tree::text(Sort::Expr, format!("json({text})"));
        }
        Tree::text(Sort::Expr, text)
    }

    fn json_text(&mut self, depth: usize) -> Tree {
        if depth > 0 && self.random.percent(25) {
            return self.json_call(depth - 1);
        }
        let text = *self.random.pick(JSON);
        Tree::text(Sort::Expr, text)
    }

    fn path(&mut self) -> Tree {
        let text = *self.random.pick(PATHS);
        Tree::text(Sort::Expr, text)
    }

    /// A JSON function; binary results are shown as text mostly, and as bytes now and then.
    fn json_call(&mut self, depth: usize) -> Tree {
        let blob = self.random.percent(20);
        let prefix = if blob { "jsonb" } else { "json" };
        let (before, after) = if blob {
            if self.random.percent(50) {
                ("hex(", ")")
            } else {
                ("json(", ")")
            }
        } else {
            ("", "")
        };
        let inner = match self.random.below(17) {
            0 | 1 => tree!(Sort::Expr; format!("{prefix}("), self.json_text(depth), ")"),
            2 => {
                let values: Vec<Tree> = (0..self.random.below(4))
                    .map(|_| self.json_value(depth))
                    .collect();
                tree!(Sort::Expr; format!("{prefix}_array("), (values, ", ", 0), ")")
            }
            3 => {
                let members: Vec<Tree> = (0..self.random.below(3))
                    .map(|at| tree!(Sort::Piece; format!("'k{at}', "), self.json_value(depth)))
                    .collect();
                tree!(Sort::Expr; format!("{prefix}_object("), (members, ", ", 0), ")")
            }
            4 | 5 => {
                let paths: Vec<Tree> = (0..1 + self.random.below(2)).map(|_| self.path()).collect();
                tree!(Sort::Expr; format!("{prefix}_extract("), self.json_text(depth), ", ", (paths, ", ", 1), ")")
            }
            6..=8 => {
                let name = *self
                    .random
                    .pick(&["insert", "replace", "set", "set", "array_insert"]);
                let edits: Vec<Tree> = (0..1 + self.random.below(2))
                    .map(|_| tree!(Sort::Piece; self.path(), ", ", self.json_value(depth)))
                    .collect();
                tree!(Sort::Expr; format!("{prefix}_{name}("), self.json_text(depth), ", ", (edits, ", ", 1), ")")
            }
            9 => {
                let paths: Vec<Tree> = (0..1 + self.random.below(2)).map(|_| self.path()).collect();
                tree!(Sort::Expr; format!("{prefix}_remove("), self.json_text(depth), ", ", (paths, ", ", 0), ")")
            }
            10 => {
                tree!(Sort::Expr; format!("{prefix}_patch("), self.json_text(depth), ", ", self.json_text(depth), ")")
            }
            11 => {
                let flags = *self
                    .random
                    .pick(&["", ", 1", ", 2", ", 4", ", 6", ", 8", ", 15", ", 0"]);
                return tree!(Sort::Expr; "json_valid(", self.json_text(depth), format!("{flags})"));
            }
            12 => {
                let arrow = *self.random.pick(&[" -> ", " ->> "]);
                let right = *self.random.pick(ARROWS);
                return tree!(Sort::Expr; "(", self.json_text(depth), format!("{arrow}{right})"));
            }
            13 => {
                let path = self
                    .random
                    .percent(50)
                    .then(|| tree!(Sort::Piece; ", ", self.path()));
                let name = *self.random.pick(&["json_type", "json_array_length"]);
                return tree!(Sort::Expr; format!("{name}("), self.json_text(depth), path, ")");
            }
            14 => return tree!(Sort::Expr; "json_quote(", self.json_value(depth), ")"),
            15 => return tree!(Sort::Expr; "json_error_position(", self.json_text(0), ")"),
            _ => {
                let indent = *self.random.pick(&["", ", '  '", ", ''", ", NULL", ", '\t'"]);
                return tree!(Sort::Expr; "json_pretty(", self.json_text(depth), format!("{indent})"));
            }
        };
        tree!(Sort::Expr; before, inner, after)
    }

    fn date_call(&mut self) -> Tree {
        let time = *self.random.pick(TIMES);
        let count = self.random.below(4);
        let modifiers: Vec<Tree> = (0..count)
            .map(|_| {
                let modifier = *self.random.pick(MODIFIERS);
                Tree::text(Sort::Piece, format!(", {modifier}"))
            })
            .collect();
        let time = Tree::text(Sort::Expr, time);
        match self.random.below(8) {
            0 | 1 => {
                let format = *self.random.pick(TIME_FORMATS);
                tree!(Sort::Expr; format!("strftime({format}, "), time, (modifiers, "", 0), ")")
            }
            2 => {
                let other = *self.random.pick(TIMES);
                tree!(Sort::Expr; "timediff(", time, format!(", {other})"))
            }
            _ => {
                let name = *self
                    .random
                    .pick(&["date", "time", "datetime", "julianday", "unixepoch"]);
                tree!(Sort::Expr; format!("{name}("), time, (modifiers, "", 0), ")")
            }
        }
    }

    fn format_call(&mut self) -> Tree {
        let name = *self.random.pick(&["printf", "format"]);
        let format = *self.random.pick(FORMATS);
        let count = self.random.below(3) + usize::from(self.random.percent(70));
        let values: Vec<Tree> = (0..count)
            .map(|_| {
                let list = if self.random.percent(75) { NUMERIC } else { STRINGS };
                let text = *self.random.pick(list);
                tree!(Sort::Piece; ", ", Tree::text(Sort::Expr, text))
            })
            .collect();
        if self.random.percent(12) {
            let width = *self.random.pick(&["5", "-8", "0", "100"]);
            return tree!(Sort::Expr; format!("{name}('%*d|%.*f', {width}, 42, 3"), (values, "", 0), ")");
        }
        tree!(Sort::Expr; format!("{name}({format}"), (values, "", 0), ")")
    }

    fn string(&mut self, depth: usize) -> Tree {
        if depth > 0 && self.random.percent(25) {
            return self.text_call(depth - 1);
        }
        let text = *self.random.pick(STRINGS);
        Tree::text(Sort::Expr, text)
    }

    /// A text in UTF-8: what patterns do with other bytes is open.
    fn sound_string(&mut self) -> Tree {
        let sound = [
            "'abc'", "''", "NULL", "'it''s'", "'né'", "'😀x'", "'ABC'", "'aXbXc'", "'a%'", "'%b%'", "'_b_'",
            "'a\\%c'", "'[a-c]*'", "'*b?'", "'[^x]bc'", "12", "'%'", "'É'", "'n_'", "'a[]]b'", "'a]b'",
            "'[]'",
        ];
        let text = *self.random.pick(&sound);
        Tree::text(Sort::Expr, text)
    }

    fn small(&mut self) -> Tree {
        let text = *self.random.pick(SMALL);
        Tree::text(Sort::Expr, text)
    }

    fn text_call(&mut self, depth: usize) -> Tree {
        match self.random.below(12) {
            0..=2 => {
                let name = *self.random.pick(&[
                    "length",
                    "octet_length",
                    "upper",
                    "lower",
                    "hex",
                    "quote",
                    "unistr_quote",
                    "typeof",
                    "trim",
                    "ltrim",
                    "rtrim",
                    "unicode",
                    "soundex",
                    "unhex",
                    "unistr",
                    "zeroblob",
                    "char",
                ]);
                let argument = if matches!(name, "zeroblob" | "char") {
                    Tree::text(
                        Sort::Expr,
                        *self
                            .random
                            .pick(&["0", "3", "65", "-1", "NULL", "1114112", "55296", "8364"]),
                    )
                } else {
                    self.string(depth)
                };
                tree!(Sort::Expr; format!("{name}("), argument, ")")
            }
            3 | 4 => {
                let name = *self.random.pick(&["substr", "substring"]);
                let length = self
                    .random
                    .percent(60)
                    .then(|| tree!(Sort::Piece; ", ", self.small()));
                tree!(Sort::Expr; format!("{name}("), self.string(depth), ", ", self.small(), length, ")")
            }
            5 => tree!(Sort::Expr; "instr(", self.string(depth), ", ", self.string(0), ")"),
            6 => {
                tree!(Sort::Expr; "replace(", self.string(depth), ", ", self.string(0), ", ", self.string(0), ")")
            }
            7 => {
                let name = *self
                    .random
                    .pick(&["trim", "ltrim", "rtrim", "unhex", "nullif", "ifnull"]);
                tree!(Sort::Expr; format!("{name}("), self.string(depth), ", ", self.string(0), ")")
            }
            8 => {
                let values: Vec<Tree> = (0..1 + self.random.below(3))
                    .map(|_| self.string(depth))
                    .collect();
                let name = *self
                    .random
                    .pick(&["concat", "concat_ws", "coalesce", "max", "min"]);
                tree!(Sort::Expr; format!("{name}("), self.string(0), ", ", (values, ", ", 1), ")")
            }
            9 if self.random.percent(50) => {
                let operator = *self.random.pick(&[" || ", " = ", " < ", " IS NOT ", " >= "]);
                tree!(Sort::Expr; "(", self.string(depth), operator, self.string(0), ")")
            }
            9 => {
                let operator = *self.random.pick(&[" LIKE ", " GLOB "]);
                tree!(Sort::Expr; "(", self.sound_string(), operator, self.sound_string(), ")")
            }
            10 => {
                let escape = *self
                    .random
                    .pick(&["'\\'", "'x'", "'%'", "''", "'ab'", "'é'", "NULL"]);
                tree!(Sort::Expr; "(", self.sound_string(), " LIKE ", self.sound_string(), format!(" ESCAPE {escape})"))
            }
            _ => {
                let declared = *self.random.pick(&["INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC"]);
                tree!(Sort::Expr; "CAST(", self.string(depth), format!(" AS {declared})"))
            }
        }
    }

    fn numeric(&mut self, depth: usize) -> Tree {
        if depth > 0 && self.random.percent(30) {
            return self.number_call(depth - 1);
        }
        let text = *self.random.pick(NUMERIC);
        Tree::text(Sort::Expr, text)
    }

    fn number_call(&mut self, depth: usize) -> Tree {
        match self.random.below(8) {
            0 | 1 => {
                let name = *self.random.pick(&[
                    "abs", "sign", "round", "typeof", "quote", "hex", "length", "likely",
                ]);
                tree!(Sort::Expr; format!("{name}("), self.numeric(depth), ")")
            }
            2 | 3 => tree!(Sort::Expr; "round(", self.numeric(depth), ", ", self.small(), ")"),
            4 => {
                let name = *self
                    .random
                    .pick(&["max", "min", "nullif", "iif", "if", "coalesce"]);
                let third = matches!(name, "max" | "min" | "iif" | "if" | "coalesce")
                    .then(|| tree!(Sort::Piece; ", ", self.numeric(depth)));
                tree!(Sort::Expr; format!("{name}("), self.numeric(depth), ", ", self.numeric(depth), third, ")")
            }
            5 => {
                let declared = *self.random.pick(&["INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC"]);
                tree!(Sort::Expr; "CAST(", self.numeric(depth), format!(" AS {declared})"))
            }
            _ => {
                let operators = [
                    " + ", " - ", " * ", " / ", " % ", " & ", " | ", " << ", " >> ", " < ", " = ", " IS ",
                    " || ",
                ];
                let operator = *self.random.pick(&operators);
                tree!(Sort::Expr; "(", self.numeric(depth), operator, self.numeric(depth), ")")
            }
        }
    }

    /// Literal expressions of any depth, or comparisons over the columns of one table: types, affinities and collations.
    pub(super) fn types_statement(&mut self) -> Statement {
        self.ask.query = true;
        if self.random.percent(8) {
            let table = self.base_table();
            return self.insert_rows(&table, 2).without_query();
        }
        if self.random.percent(35) {
            self.leaves = Leaves::Literals;
            let list: Vec<Tree> = (0..1 + self.random.below(2)).map(|_| self.expr(4)).collect();
            self.leaves = Leaves::Columns;
            let tree = tree!(Sort::Query; "SELECT ", (list, ", ", 1));
            return self.finish(tree);
        }
        let table = self.base_table();
        self.scopes.push(vec![table.source("a")]);
        let nesting = std::mem::replace(&mut self.nesting, 9);
        let list: Vec<Tree> = (0..1 + self.random.below(3)).map(|_| self.expr(3)).collect();
        let filter = self
            .random
            .percent(60)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        self.nesting = nesting;
        self.scopes.pop();
        let width = list.len();
        let mut tree =
            tree!(Sort::Query; "SELECT ", (list, ", ", 1), format!(" FROM {} AS a", table.name), filter);
        if let Some(end) = self.ending(width).filter(|_| self.random.percent(50)) {
            tree.parts.push(Some(end).into());
        }
        self.finish(tree)
    }
}

impl Statement {
    fn without_query(mut self) -> Statement {
        self.ask.query = false;
        self
    }
}
