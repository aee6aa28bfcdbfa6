//! A table and its columns.

use super::constraint::{Check, ForeignKey, Unique};
use super::index::{Index, IndexPart, IndexTerm};
use super::naming::shortened;
use crate::dialect::Dialect;
use crate::mapper::{
    ColumnMeta, DefaultValue, Entity, EntityMeta, IndexMeta, IndexPartMeta, ReferenceAction, Variant,
};
use crate::types::Kind;

/// A table.
///
/// ```
/// use aludel::dialect::Sqlite;
/// use aludel::schema::{Table, TableColumn};
/// use aludel::Kind;
///
/// let table = Table::new("notes")
///     .with_column(TableColumn::new("id", Kind::Int(64)).auto())
///     .with_column(TableColumn::new("text", Kind::Text).nullable())
///     .with_primary_key(["id"]);
/// assert_eq!(
///     table.create_sql(&Sqlite, false).unwrap(),
///     "CREATE TABLE notes (\n  id INTEGER PRIMARY KEY,\n  text TEXT\n)"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// The columns of its primary key.
    pub primary_key: Vec<String>,
    /// The name of the primary key, where the backend keeps one.
    pub primary_key_name: Option<String>,
    /// Unique constraints.
    pub uniques: Vec<Unique>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints.
    pub checks: Vec<Check>,
    /// A comment, where the backend keeps one.
    pub comment: Option<String>,
    /// Without a rowid (SQLite).
    pub without_rowid: bool,
    /// Strict (SQLite).
    pub strict: bool,
    /// Keys of deleted rows are not given out again (SQLite's AUTOINCREMENT).
    pub autoincrement: bool,
    /// The name that it had before, for a migration.
    pub was: Option<String>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its type as declared, where that is none of the kinds' own names.
    pub sql_type: Option<String>,
    /// May it be NULL?
    pub nullable: bool,
    /// Does the database assign it?
    pub auto: bool,
    /// Its default.
    pub default: Option<ColumnDefault>,
    /// Its collation.
    pub collation: Option<String>,
    /// The expression it is computed from, and whether it is stored.
    pub generated: Option<(String, bool)>,
    /// A comment, where the backend keeps one.
    pub comment: Option<String>,
    /// The name that it had before, for a migration.
    pub was: Option<String>,
}

/// The default of a column.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ColumnDefault {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// The current date and time.
    Now,
    /// An expression, as SQL.
    Sql(String),
}

impl From<DefaultValue> for ColumnDefault {
    fn from(default: DefaultValue) -> ColumnDefault {
        match default {
            DefaultValue::Bool(flag) => ColumnDefault::Bool(flag),
            DefaultValue::Int(number) => ColumnDefault::Int(number),
            DefaultValue::Real(number) => ColumnDefault::Real(number),
            DefaultValue::Text(text) => ColumnDefault::Text(text.to_owned()),
            DefaultValue::Now => ColumnDefault::Now,
            DefaultValue::Sql(sql) => ColumnDefault::Sql(sql.to_owned()),
        }
    }
}

impl Table {
    /// A table of that name, without columns.
    pub fn new(name: impl Into<String>) -> Table {
        Table {
            name: name.into(),
            ..Table::default()
        }
    }

    /// With one more column.
    pub fn with_column(mut self, column: TableColumn) -> Table {
        self.columns.push(column);
        self
    }

    /// With that primary key; its columns cannot be NULL.
    pub fn with_primary_key(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Table {
        self.primary_key = columns.into_iter().map(Into::into).collect();
        for column in &mut self.columns {
            column.nullable &= !self.primary_key.contains(&column.name);
        }
        self
    }

    /// With a unique constraint.
    pub fn with_unique(mut self, unique: Unique) -> Table {
        self.uniques.push(unique);
        self
    }

    /// With a check.
    pub fn with_check(mut self, check: Check) -> Table {
        self.checks.push(check);
        self
    }

    /// With a foreign key.
    pub fn with_foreign_key(mut self, key: ForeignKey) -> Table {
        self.foreign_keys.push(key);
        self
    }

    /// With an index.
    pub fn with_index(mut self, index: Index) -> Table {
        self.indexes.push(index);
        self
    }

    /// With a comment.
    pub fn with_comment(mut self, comment: impl Into<String>) -> Table {
        self.comment = Some(comment.into());
        self
    }

    /// It had that name before.
    pub fn was(mut self, name: impl Into<String>) -> Table {
        self.was = Some(name.into());
        self
    }

    /// The table of an entity; without those of its variants, which [`all_of`](Table::all_of) has too.
    pub fn of<T: Entity>() -> Table {
        Table::from_meta(T::META)
    }

    /// The tables of an entity: its own, then those of its variants (see [`Embedded`](crate::mapper::Embedded)).
    pub fn all_of<T: Entity>() -> Vec<Table> {
        Table::all_from_meta(T::META)
    }

    pub(crate) fn all_from_meta(meta: &'static EntityMeta) -> Vec<Table> {
        let own = std::iter::once(Table::from_meta(meta));
        let variants = meta.variants();
        own.chain(variants.iter().map(|variant| Table::of_variant(meta, variant)))
            .collect()
    }

    pub(crate) fn from_meta(meta: &'static EntityMeta) -> Table {
        let mut table = Table {
            comment: meta.comment.map(str::to_owned),
            was: meta.was.map(str::to_owned),
            ..Table::like(meta, meta.table)
        };
        table.columns = meta
            .own_columns()
            .filter(|(_, column)| column.query.is_none())
            .map(|(_, column)| TableColumn::from_meta(column))
            .collect();
        table.constrain(meta, |column| column.variant.is_none());
        meta.indexes.iter().for_each(|index| table.add(meta, index));
        table.checks.extend(meta.checks.iter().copied().map(Check::new));
        table
    }

    /// The table of a variant: the base's key, which refers to the base, and the variant's own columns.
    fn of_variant(meta: &'static EntityMeta, variant: &Variant) -> Table {
        let name = variant.table.table;
        let mut table = Table::like(meta, name);
        let keys = meta.key.iter().filter_map(|i| meta.columns.get(*i));
        table.columns.extend(keys.map(|key| TableColumn {
            auto: false,
            default: None,
            comment: None,
            was: None,
            ..TableColumn::from_meta(key)
        }));
        let own = meta.columns.get(variant.columns.clone()).unwrap_or_default();
        table.columns.extend(own.iter().map(|column| TableColumn {
            nullable: column.variant.is_some_and(|variant| variant.nullable),
            ..TableColumn::from_meta(column)
        }));
        let key = table.primary_key.clone();
        let base = ForeignKey::new(key.clone(), meta.table, key)
            .on_delete(ReferenceAction::Cascade)
            .on_update(ReferenceAction::Cascade);
        table.foreign_keys.push(base);
        table.constrain(meta, |column| {
            column.variant.is_some_and(|own| own.table.table == name)
        });
        table
    }

    /// A table of that name with the entity's key and options.
    fn like(meta: &'static EntityMeta, name: &str) -> Table {
        let name_of = |i: &usize| meta.columns.get(*i).map(|column| column.name.to_owned());
        Table {
            name: name.to_owned(),
            primary_key: meta.key.iter().filter_map(name_of).collect(),
            without_rowid: meta.without_rowid,
            strict: meta.strict,
            ..Table::default()
        }
    }

    /// Adds what these columns of the entity declare: references, constraints and indexes of their own.
    fn constrain(&mut self, meta: &'static EntityMeta, has: impl Fn(&ColumnMeta) -> bool) {
        let keys = meta.foreign_keys().filter_map(|key| meta.columns.get(key));
        let own = keys.filter(|key| key.first().is_some_and(&has));
        self.foreign_keys.extend(own.filter_map(ForeignKey::from_meta));
        for column in meta.columns.iter().filter(|column| has(column)) {
            if column.unique {
                self.uniques.push(Unique::new([column.name]));
            }
            if column.indexed {
                let index = Index::new(self.index_name("ix", &[column.name]), [column.name]);
                self.indexes.push(index);
            }
            self.checks.extend(column.check.map(Check::new));
        }
    }

    /// Adds a declared index, or the constraint that it is.
    fn add(&mut self, meta: &'static EntityMeta, declared: &IndexMeta) {
        let name_of = |i: usize| meta.columns.get(i).map_or("", |column| column.name);
        let mut words = Vec::new();
        let mut parts = Vec::new();
        for part in declared.parts {
            let (part, word) = match *part {
                IndexPartMeta::Column(i) => (IndexPart::column(name_of(i)), name_of(i)),
                IndexPartMeta::Descending(i) => (IndexPart::column(name_of(i)).descending(), name_of(i)),
                IndexPartMeta::Expression(sql) => (IndexPart::expression(sql), "expression"),
            };
            words.push(word);
            parts.push(part);
        }
        let plain = parts
            .iter()
            .all(|part| !part.descending && matches!(part.term, IndexTerm::Column(_)));
        if declared.unique && plain && declared.predicate.is_none() && declared.include.is_empty() {
            let mut unique = Unique::new(words);
            unique.name = declared.name.map(str::to_owned);
            self.uniques.push(unique);
            return;
        }
        let prefix = if declared.unique { "ux" } else { "ix" };
        let name = declared
            .name
            .map_or_else(|| self.index_name(prefix, &words), str::to_owned);
        self.indexes.push(Index {
            name,
            parts,
            unique: declared.unique,
            predicate: declared.predicate.map(str::to_owned),
            include: declared.include.iter().map(|i| name_of(*i).to_owned()).collect(),
        });
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// An index's name after the table and the columns: `ix_users_name`.
    fn index_name(&self, prefix: &str, columns: &[&str]) -> String {
        shortened(format!("{prefix}_{}_{}", self.name, columns.join("_")))
    }

    /// Is a key, an index or a reference over that column?
    pub(crate) fn is_keyed(&self, name: &str) -> bool {
        let in_list = |columns: &[String]| columns.iter().any(|column| column == name);
        let unique = self.uniques.iter().any(|unique| in_list(&unique.columns));
        let index = self.indexes.iter().any(|index| index.is_over(name));
        let reference = self.foreign_keys.iter().any(|key| in_list(&key.columns));
        unique || index || reference || in_list(&self.primary_key)
    }

    /// Has a key or an index that begins with these columns?
    pub(crate) fn has_key_over(&self, columns: &[String]) -> bool {
        let begins = |with: &[String]| with.starts_with(columns);
        let index = |index: &Index| {
            let of: Vec<String> = index
                .columns()
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect();
            begins(&of)
        };
        begins(&self.primary_key)
            || self.uniques.iter().any(|unique| begins(&unique.columns))
            || self.indexes.iter().any(index)
    }

    /// The column that is the primary key and that the database assigns.
    pub(crate) fn auto_key(&self) -> Option<&TableColumn> {
        self.columns
            .iter()
            .find(|column| column.auto && self.primary_key == [column.name.as_str()])
    }
}

impl TableColumn {
    /// A column that cannot be NULL.
    pub fn new(name: impl Into<String>, kind: Kind) -> TableColumn {
        TableColumn {
            name: name.into(),
            kind,
            sql_type: None,
            nullable: false,
            auto: false,
            default: None,
            collation: None,
            generated: None,
            comment: None,
            was: None,
        }
    }

    /// May be NULL.
    pub fn nullable(mut self) -> TableColumn {
        self.nullable = true;
        self
    }

    /// The database assigns it.
    pub fn auto(mut self) -> TableColumn {
        self.auto = true;
        self
    }

    /// With another type than its kind's.
    pub fn sql_type(mut self, declared: impl Into<String>) -> TableColumn {
        self.sql_type = Some(declared.into());
        self
    }

    /// With a default.
    pub fn default(mut self, default: ColumnDefault) -> TableColumn {
        self.default = Some(default);
        self
    }

    /// With a collation.
    pub fn collate(mut self, name: impl Into<String>) -> TableColumn {
        self.collation = Some(name.into());
        self
    }

    /// Computed by the database, and stored or not.
    pub fn generated(mut self, sql: impl Into<String>, stored: bool) -> TableColumn {
        self.generated = Some((sql.into(), stored));
        self
    }

    /// With a comment.
    pub fn with_comment(mut self, comment: impl Into<String>) -> TableColumn {
        self.comment = Some(comment.into());
        self
    }

    /// It had that name before.
    pub fn was(mut self, name: impl Into<String>) -> TableColumn {
        self.was = Some(name.into());
        self
    }

    /// Is it of that enum type, or an array of it? As reflected.
    pub(crate) fn is_of_enum(&self, name: &str, dialect: &dyn Dialect) -> bool {
        let mut declared = String::new();
        dialect.push_name(name, &mut declared);
        let of = self.sql_type.as_deref().unwrap_or_default();
        of == declared || of.strip_suffix("[]") == Some(declared.as_str())
    }

    fn from_meta(column: &ColumnMeta) -> TableColumn {
        TableColumn {
            name: column.name.to_owned(),
            kind: column.kind,
            sql_type: None,
            nullable: column.nullable,
            auto: column.auto,
            default: column.default.map(ColumnDefault::from),
            collation: column.collation.map(str::to_owned),
            generated: column.generated.map(|(sql, stored)| (sql.to_owned(), stored)),
            comment: column.comment.map(str::to_owned),
            was: column.was.map(str::to_owned),
        }
    }
}
