//! Indexes, of all kinds that the backends have.

/// An index.
///
/// ```
/// use aludel::dialect::Sqlite;
/// use aludel::schema::Index;
///
/// let index = Index::new("ix_mail", ["address"]).unique().only_where("deleted IS NULL");
/// assert_eq!(
///     index.create_sql("people", &Sqlite, false).unwrap(),
///     "CREATE UNIQUE INDEX ix_mail ON people (address) WHERE deleted IS NULL"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// Its name.
    pub name: String,
    /// What it is over, in order.
    pub parts: Vec<IndexPart>,
    /// Does it forbid equal rows?
    pub unique: bool,
    /// The condition of the rows that it holds, as SQL; all rows without one.
    pub predicate: Option<String>,
    /// Columns that it carries beside its key, so that queries need not read the table (PostgreSQL; left out elsewhere).
    pub include: Vec<String>,
}

/// One column or expression of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexPart {
    /// What is indexed.
    pub term: IndexTerm,
    /// From the greatest to the least?
    pub descending: bool,
    /// The collation, where it is not the column's own.
    pub collation: Option<String>,
}

/// What a part of an index is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexTerm {
    /// A column.
    Column(String),
    /// An expression, as SQL.
    Expression(String),
}

impl Index {
    /// Over these columns.
    pub fn new(name: impl Into<String>, columns: impl IntoIterator<Item = impl Into<String>>) -> Index {
        Index {
            name: name.into(),
            parts: columns.into_iter().map(IndexPart::column).collect(),
            ..Index::default()
        }
    }

    /// With one more part: an expression, a descending column.
    pub fn part(mut self, part: IndexPart) -> Index {
        self.parts.push(part);
        self
    }

    /// Forbids equal rows.
    pub fn unique(mut self) -> Index {
        self.unique = true;
        self
    }

    /// Only over the rows for which the condition is true.
    pub fn only_where(mut self, condition: impl Into<String>) -> Index {
        self.predicate = Some(condition.into());
        self
    }

    /// Carries these columns as well.
    pub fn include(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Index {
        self.include = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Its columns, where it is over plain columns only.
    pub fn columns(&self) -> Option<Vec<&str>> {
        self.parts
            .iter()
            .map(|part| match &part.term {
                IndexTerm::Column(name) => Some(name.as_str()),
                IndexTerm::Expression(_) => None,
            })
            .collect()
    }

    /// Is a column of that name among its parts?
    pub fn is_over(&self, column: &str) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(&part.term, IndexTerm::Column(name) if name == column))
    }

    /// Does it do for the whole table what a unique constraint over its columns does?
    pub(super) fn is_like_constraint(&self) -> bool {
        self.unique && self.predicate.is_none() && self.columns().is_some()
    }
}

impl IndexPart {
    /// A column.
    pub fn column(name: impl Into<String>) -> IndexPart {
        IndexPart {
            term: IndexTerm::Column(name.into()),
            descending: false,
            collation: None,
        }
    }

    /// An expression, as SQL.
    pub fn expression(sql: impl Into<String>) -> IndexPart {
        IndexPart {
            term: IndexTerm::Expression(sql.into()),
            descending: false,
            collation: None,
        }
    }

    /// From the greatest to the least.
    pub fn descending(mut self) -> IndexPart {
        self.descending = true;
        self
    }

    /// With another collation than the column's own.
    pub fn collate(mut self, name: impl Into<String>) -> IndexPart {
        self.collation = Some(name.into());
        self
    }
}
