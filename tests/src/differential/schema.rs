//! What the generator knows of the database that it writes statements for.

/// A table or view that statements name.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: String,
    /// Its columns. The first one is the key: an integer that differs in every row.
    pub(super) columns: Vec<Column>,
    /// It has no rowid.
    pub(super) without_rowid: bool,
    /// The first column is the rowid, or the primary key of a table without rowids: scans come in its order.
    pub(super) alias: bool,
    /// It is a view.
    pub(super) view: bool,
    /// Every column has one of STRICT's types.
    pub(super) strict: bool,
    /// Columns with a UNIQUE constraint or index together.
    pub(super) uniques: Vec<Vec<usize>>,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its declared type, empty for none.
    pub(super) declared: &'static str,
    /// Its collation, empty for none.
    pub(super) collation: &'static str,
    /// It is computed.
    pub(super) generated: bool,
    /// It refuses NULL.
    pub(super) not_null: bool,
    /// It has a default.
    pub(super) default: bool,
}

/// A name of FROM that expressions may use.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The alias; empty where columns stand alone.
    pub(super) alias: String,
    /// Names of its columns.
    pub(super) columns: Vec<String>,
    /// The column that differs in every row, where there is one.
    pub(super) key: Option<String>,
}

impl Table {
    /// The columns that a statement may write.
    pub(super) fn writable(&self) -> Vec<&Column> {
        self.columns.iter().filter(|column| !column.generated).collect()
    }

    /// The table under an alias.
    pub(super) fn source(&self, alias: &str) -> Source {
        Source {
            alias: alias.to_owned(),
            columns: self.columns.iter().map(|column| column.name.clone()).collect(),
            key: (!self.view).then(|| self.columns[0].name.clone()),
        }
    }
}
