//! Expressions of any depth over what is in scope.

use super::generator::{Generator, Leaves};
use super::tree::{Sort, Tree, tree};

const COMPARISONS: &[&str] = &[
    " = ",
    " <> ",
    " < ",
    " <= ",
    " > ",
    " >= ",
    " IS ",
    " IS NOT ",
    " IS DISTINCT FROM ",
    " IS NOT DISTINCT FROM ",
    " == ",
    " != ",
];
const ARITHMETIC: &[&str] = &[
    " + ", " - ", " * ", " / ", " % ", " & ", " | ", " << ", " >> ", " || ",
];
const TYPES: &[&str] = &[
    "INTEGER",
    "REAL",
    "TEXT",
    "BLOB",
    "NUMERIC",
    "INT",
    "VARCHAR(3)",
    "DECIMAL",
];
pub(super) const COLLATIONS: &[&str] = &["BINARY", "NOCASE", "RTRIM"];
const FUNCTIONS_1: &[&str] = &[
    "length",
    "octet_length",
    "upper",
    "lower",
    "hex",
    "quote",
    "typeof",
    "trim",
    "ltrim",
    "rtrim",
    "unicode",
    "abs",
    "sign",
    "round",
    "likely",
    "unlikely",
    "unhex",
    "json_quote",
    "json_valid",
    "soundex",
];
const FUNCTIONS_2: &[&str] = &[
    "nullif", "ifnull", "coalesce", "max", "min", "instr", "ltrim", "rtrim", "trim", "like", "glob",
    "concat", "round", "substr",
];

impl Generator {
    /// An expression.
    pub(super) fn expr(&mut self, depth: usize) -> Tree {
        if depth == 0 || self.random.percent(12) {
            return self.leaf();
        }
        match self.random.below(30) {
            0..=4 => self.arithmetic(depth),
            5..=9 => self.comparison(depth),
            10 | 11 => self.junction(depth),
            12 => {
                let operator = *self.random.pick(&["-", "+", "~", "NOT "]);
                tree!(Sort::Expr; format!("({operator}"), self.expr(depth - 1), ")")
            }
            13 => self.between(depth),
            14 | 15 => self.in_list(depth),
            16 => self.pattern(depth),
            17 | 18 => self.case(depth),
            19 => {
                let declared = *self.random.pick(TYPES);
                tree!(Sort::Expr; "CAST(", self.expr(depth - 1), format!(" AS {declared})"))
            }
            20 => self.null_test(depth),
            21..=24 => self.call(depth),
            25 => self.row_comparison(depth),
            26 => {
                let collation = *self.random.pick(COLLATIONS);
                tree!(Sort::Expr; "(", self.expr(depth - 1), format!(" COLLATE {collation})"))
            }
            _ if self.nesting < 2 && !matches!(self.leaves, Leaves::Literals) => self.subquery_expr(depth),
            _ => self.comparison(depth),
        }
    }

    /// A column, a literal, or what else the query allows.
    pub(super) fn leaf(&mut self) -> Tree {
        match self.leaves.clone() {
            Leaves::Literals => self.literal_tree(),
            Leaves::Columns if self.random.percent(70) => self.column(),
            Leaves::Groups(keys) if !keys.is_empty() && self.random.percent(30) => {
                self.random.pick(&keys).clone()
            }
            Leaves::Groups(_) if self.random.percent(75) => self.aggregate(),
            Leaves::Windows if self.random.percent(45) => self.window_call(),
            Leaves::Windows if self.random.percent(70) => self.column(),
            _ => self.literal_tree(),
        }
    }

    fn literal_tree(&mut self) -> Tree {
        let text = self.literal();
        Tree::text(Sort::Expr, text)
    }

    /// A column of any query around, mostly of the innermost.
    pub(super) fn column(&mut self) -> Tree {
        let filled: Vec<usize> = (0..self.scopes.len())
            .filter(|&scope| !self.scopes[scope].is_empty())
            .collect();
        let Some(&innermost) = filled.last() else {
            return self.literal_tree();
        };
        let scope = if self.random.percent(75) {
            innermost
        } else {
            *self.random.pick(&filled)
        };
        let source = self.random.pick(&self.scopes[scope]);
        let name = &source.columns[self.random.clone().below(source.columns.len())];
        let text = if source.alias.is_empty() {
            name.clone()
        } else {
            format!("{}.{name}", source.alias)
        };
        self.random.number();
        Tree::text(Sort::Expr, text)
    }

    fn arithmetic(&mut self, depth: usize) -> Tree {
        let operator = *self.random.pick(ARITHMETIC);
        tree!(Sort::Expr; "(", self.expr(depth - 1), operator, self.expr(depth - 1), ")")
    }

    fn comparison(&mut self, depth: usize) -> Tree {
        let operator = *self.random.pick(COMPARISONS);
        let right = if self.random.percent(40) {
            self.literal_tree()
        } else {
            self.expr(depth - 1)
        };
        tree!(Sort::Expr; "(", self.expr(depth - 1), operator, right, ")")
    }

    fn junction(&mut self, depth: usize) -> Tree {
        let operator = *self.random.pick(&[" AND ", " OR "]);
        tree!(Sort::Expr; "(", self.condition(depth - 1), operator, self.condition(depth - 1), ")")
    }

    /// An expression that is likely to be true for some rows and false for others.
    pub(super) fn condition(&mut self, depth: usize) -> Tree {
        if depth == 0 {
            let operator = *self.random.pick(COMPARISONS);
            return tree!(Sort::Expr; "(", self.leaf(), operator, self.literal_tree(), ")");
        }
        match self.random.below(12) {
            0..=3 => self.comparison(depth),
            4 | 5 => self.junction(depth),
            6 => self.null_test(depth),
            7 => self.in_list(depth),
            8 => self.between(depth),
            9 => self.pattern(depth),
            10 => tree!(Sort::Expr; "(NOT ", self.condition(depth - 1), ")"),
            _ => self.expr(depth),
        }
    }

    fn between(&mut self, depth: usize) -> Tree {
        let not = *self.random.pick(&["", "", " NOT"]);
        tree!(Sort::Expr; "(", self.expr(depth - 1), format!("{not} BETWEEN "), self.leaf(), " AND ", self.leaf(), ")")
    }

    fn in_list(&mut self, depth: usize) -> Tree {
        let not = *self.random.pick(&["", "", " NOT"]);
        let count = 1 + self.random.below(4);
        let members = (0..count)
            .map(|_| {
                if self.random.percent(75) {
                    self.literal_tree()
                } else {
                    self.expr(depth - 1)
                }
            })
            .collect::<Vec<_>>();
        tree!(Sort::Expr; "(", self.expr(depth - 1), format!("{not} IN ("), (members, ", ", 1), "))")
    }

    fn pattern(&mut self, depth: usize) -> Tree {
        let not = *self.random.pick(&["", "", " NOT"]);
        if self.random.percent(30) {
            let pattern = *self.random.pick(&[
                "'a*'", "'*b*'", "'?b*'", "'[a-c]*'", "'[^a]*'", "'*'", "''", "'A*'",
            ]);
            return tree!(Sort::Expr; "(", self.expr(depth - 1), format!("{not} GLOB {pattern})"));
        }
        let patterns = [
            "'a%'", "'%b%'", "'_b%'", "'A%'", "'%'", "''", "'x\\%%'", "'%_c'", "'né%'", "'1%'", "'abc'",
        ];
        let pattern = *self.random.pick(&patterns);
        let escape = self
            .random
            .percent(15)
            .then(|| Tree::text(Sort::Piece, " ESCAPE '\\'"));
        tree!(Sort::Expr; "(", self.expr(depth - 1), format!("{not} LIKE {pattern}"), escape, ")")
    }

    fn case(&mut self, depth: usize) -> Tree {
        let base = self.random.percent(30).then(|| self.expr(depth - 1));
        let count = 1 + self.random.below(3);
        let arms = (0..count)
            .map(|_| {
                let when = if base.is_some() {
                    self.leaf()
                } else {
                    self.condition(depth - 1)
                };
                tree!(Sort::Piece; " WHEN ", when, " THEN ", self.expr(depth - 1))
            })
            .collect::<Vec<_>>();
        let other = self
            .random
            .percent(60)
            .then(|| tree!(Sort::Piece; " ELSE ", self.expr(depth - 1)));
        match base {
            Some(base) => tree!(Sort::Expr; "CASE ", base, (arms, "", 1), other, " END"),
            None => tree!(Sort::Expr; "CASE", (arms, "", 1), other, " END"),
        }
    }

    fn null_test(&mut self, depth: usize) -> Tree {
        let tests = [
            " IS NULL)",
            " NOTNULL)",
            " IS NOT NULL)",
            " ISNULL)",
            " IS TRUE)",
            " IS NOT TRUE)",
            " IS FALSE)",
            " IS NOT FALSE)",
        ];
        let test = *self.random.pick(&tests);
        tree!(Sort::Expr; "(", self.expr(depth - 1), test)
    }

    fn row_comparison(&mut self, depth: usize) -> Tree {
        let width = 2 + self.random.below(2);
        let mut row = || -> Vec<Tree> { (0..width).map(|_| self.expr(depth.min(2) - 1)).collect() };
        let (left, right) = (row(), row());
        let operator = *self.random.pick(&COMPARISONS[..10]);
        tree!(Sort::Expr; "((", (left, ", ", width), format!("){operator}("), (right, ", ", width), "))")
    }

    /// A call of a function that fails for no arguments, but for overflow.
    fn call(&mut self, depth: usize) -> Tree {
        match self.random.below(10) {
            0..=3 => {
                let name = *self.random.pick(FUNCTIONS_1);
                tree!(Sort::Expr; format!("{name}("), self.expr(depth - 1), ")")
            }
            4..=6 => {
                let name = *self.random.pick(FUNCTIONS_2);
                tree!(Sort::Expr; format!("{name}("), self.expr(depth - 1), ", ", self.expr(depth - 1), ")")
            }
            7 => {
                let name = *self.random.pick(&[
                    "iif",
                    "substr",
                    "replace",
                    "coalesce",
                    "max",
                    "min",
                    "concat_ws",
                    "concat",
                ]);
                tree!(Sort::Expr; format!("{name}("), self.expr(depth - 1), ", ", self.expr(depth - 1), ", ", self.expr(depth - 1), ")")
            }
            8 => {
                let format = *self.random.pick(&[
                    "'%d'", "'%s'", "'%5.2f'", "'%g'", "'%x'", "'%Q'", "'%-6s|'", "'%c'", "'%,d'",
                    "'%!.15g'", "'%e'",
                ]);
                tree!(Sort::Expr; format!("printf({format}, "), self.expr(depth - 1), ")")
            }
            _ => {
                let name =
                    *self
                        .random
                        .pick(&["json_array", "json_type", "json_object", "json_extract", "->>"]);
                match name {
                    "json_array" => tree!(Sort::Expr; "json_array(quote(", self.expr(depth - 1), "))"),
                    "json_object" => tree!(Sort::Expr; "json_object('k', hex(", self.expr(depth - 1), "))"),
                    "json_extract" => {
                        tree!(Sort::Expr; "json_extract(json_array(1, hex(", self.expr(depth - 1), ")), '$[1]')")
                    }
                    "->>" => tree!(Sort::Expr; "(json_array(quote(", self.expr(depth - 1), "), 2.5) ->> 0)"),
                    _ => tree!(Sort::Expr; "json_type(json_quote(quote(", self.expr(depth - 1), ")))"),
                }
            }
        }
    }

    /// An expression in which no two equal values look different: what DISTINCT and GROUP BY may take inside other expressions.
    pub(super) fn key_expr(&mut self) -> Tree {
        match self.random.below(8) {
            0 => tree!(Sort::Expr; "quote(", self.expr(2), ")"),
            1 => tree!(Sort::Expr; "typeof(", self.expr(2), ")"),
            2 => tree!(Sort::Expr; "CAST(", self.expr(2), " AS TEXT)"),
            3 => tree!(Sort::Expr; "quote(", self.condition(1), ")"),
            _ => self.column(),
        }
    }
}
