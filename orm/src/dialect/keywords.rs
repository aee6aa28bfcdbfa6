//! Words that no dialect takes as a plain name.

/// Is the (lower-case) word a keyword in SQLite, PostgreSQL or MySQL? Such a name is always quoted, so that a schema
/// written for one backend works on the others.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok()
}

/// Sorted.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "abort", "action", "add", "after", "all", "alter", "always", "analyse", "analyze", "and", "any", "array", "as",
    "asc", "asymmetric", "attach", "autoincrement", "before", "begin", "between", "bigint", "binary", "blob", "both",
    "by", "call", "cascade", "case", "cast", "change", "char", "character", "check", "collate", "column", "commit",
    "condition", "conflict", "constraint", "continue", "convert", "create", "cross", "cube", "current",
    "current_date", "current_role", "current_time", "current_timestamp", "current_user", "cursor", "database",
    "databases", "dec", "decimal", "declare", "default", "deferrable", "deferred", "delayed", "delete", "desc",
    "describe", "detach", "distinct", "div", "do", "double", "drop", "dual", "each", "else", "elseif", "empty",
    "enclosed", "end", "escape", "escaped", "except", "exclude", "exclusive", "exists", "exit", "explain", "fail",
    "false", "fetch", "filter", "first", "float", "following", "for", "force", "foreign", "freeze", "from", "full",
    "fulltext", "function", "generated", "get", "glob", "grant", "group", "grouping", "groups", "having", "if",
    "ignore", "ilike", "immediate", "in", "index", "indexed", "infile", "initially", "inner", "inout", "insensitive",
    "insert", "instead", "int", "integer", "intersect", "interval", "into", "is", "isnull", "iterate", "join", "key",
    "keys", "kill", "lag", "last", "lateral", "lead", "leading", "leave", "left", "like", "limit", "linear", "lines",
    "load", "localtime", "localtimestamp", "lock", "long", "loop", "match", "materialized", "mod", "modifies",
    "natural", "no", "not", "nothing", "notnull", "null", "nulls", "numeric", "of", "offset", "on", "only",
    "optimize", "option", "or", "order", "others", "out", "outer", "over", "overlaps", "partition", "placing", "plan",
    "pragma", "preceding", "precision", "primary", "procedure", "purge", "query", "raise", "range", "rank", "read",
    "reads", "real", "recursive", "references", "regexp", "reindex", "release", "rename", "repeat", "replace",
    "require", "restrict", "return", "returning", "revoke", "right", "rlike", "rollback", "row", "rows", "savepoint",
    "schema", "schemas", "select", "sensitive", "session_user", "set", "show", "similar", "smallint", "some",
    "spatial", "sql", "symmetric", "system", "system_user", "table", "tablesample", "temp", "temporary", "then",
    "ties", "to", "trailing", "transaction", "trigger", "true", "unbounded", "union", "unique", "unlock", "unsigned",
    "update", "usage", "use", "user", "using", "vacuum", "values", "varchar", "variadic", "verbose", "view",
    "virtual", "when", "where", "while", "window", "with", "without", "write", "xor",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(KEYWORDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(is_keyword("order") && !is_keyword("orders"));
    }
}
