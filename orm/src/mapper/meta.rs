//! The description of an entity's table, as constants that the derive emits.

use super::InVariant;
use crate::expr::{Expr, Node, Output, RawPiece, SourceId};
use crate::types::{ColumnType, Kind, Reference, Value};

/// The table of an entity.
#[derive(Debug)]
pub struct EntityMeta {
    /// The struct's name.
    pub name: &'static str,
    /// The table's name.
    pub table: &'static str,
    /// The columns, in the order of the fields.
    pub columns: &'static [ColumnMeta],
    /// The indexes of the primary key's columns.
    pub key: &'static [usize],
    /// The index of the version column, where there is one.
    pub version: Option<usize>,
    /// The index of the column that marks deleted rows, where there is one.
    pub soft_delete: Option<usize>,
    /// Indexes and unique constraints over more than one column.
    pub indexes: &'static [IndexMeta],
    /// CHECK constraints, as SQL.
    pub checks: &'static [&'static str],
    /// A comment on the table.
    pub comment: Option<&'static str>,
    /// The name that the table had before, for a migration.
    pub was: Option<&'static str>,
    /// What the entity is related to.
    pub relations: &'static [RelationMeta],
    /// Have variants of it tables of their own (joined-table inheritance)?
    pub joined: bool,
    /// Declared without a rowid (SQLite).
    pub without_rowid: bool,
    /// Declared strict (SQLite).
    pub strict: bool,
}

impl EntityMeta {
    /// The one column of the key that the database assigns, where it does.
    pub fn auto_key(&self) -> Option<usize> {
        match self.key {
            [only] if self.columns.get(*only).is_some_and(|column| column.auto) => Some(*only),
            _ => None,
        }
    }

    /// The foreign keys, each as the indexes of its columns.
    pub fn foreign_keys(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let refers = |i: &usize| {
            let column = self.columns.get(*i);
            column.is_some_and(|column| column.reference.is_some() && column.reference_part == 0)
        };
        (0..self.columns.len()).filter(refers).map(|first| {
            let rest = self.columns.iter().skip(first + 1);
            let more = rest.take_while(|column| column.reference_part > 0).count();
            first..first + 1 + more
        })
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<(usize, &'static ColumnMeta)> {
        self.columns
            .iter()
            .enumerate()
            .find(|(_, column)| column.name == name)
    }
}

/// One column.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ColumnMeta {
    /// The field's name.
    pub field: &'static str,
    /// The column's name.
    pub name: &'static str,
    /// Its SQL type.
    pub kind: Kind,
    /// May it be NULL?
    pub nullable: bool,
    /// Is it (part of) the primary key?
    pub primary_key: bool,
    /// Does the database assign it?
    pub auto: bool,
    /// Is it unique by itself?
    pub unique: bool,
    /// Has it an index of its own?
    pub indexed: bool,
    /// The default that the table declares.
    pub default: Option<DefaultValue>,
    /// What it refers to.
    pub reference: Option<Reference>,
    /// In a foreign key of several columns: which of them it is, from 0. They follow each other.
    pub reference_part: u8,
    /// What becomes of this row when the one referred to is deleted.
    pub on_delete: ReferenceAction,
    /// What becomes of this row when the key referred to changes.
    pub on_update: ReferenceAction,
    /// A CHECK constraint, as SQL.
    pub check: Option<&'static str>,
    /// A collation.
    pub collation: Option<&'static str>,
    /// The expression that the database computes it from, and whether it is stored.
    pub generated: Option<(&'static str, bool)>,
    /// The expression that it stands for, where it is no column of the table. A function of the table's source.
    pub query: Option<fn(SourceId) -> Node>,
    /// Is it read, but never written?
    pub read_only: bool,
    /// Is it written by the INSERT only?
    pub immutable: bool,
    /// What each UPDATE of the row sets it to.
    pub updated: Option<fn() -> Value<'static>>,
    /// What marks the row as deleted.
    pub soft_delete: Option<fn() -> Value<'static>>,
    /// Is it left out by queries until it is asked for?
    pub deferred: bool,
    /// The group that it is loaded with, where it is deferred.
    pub group: Option<&'static str>,
    /// When the foreign key is checked.
    pub deferrable: Deferrable,
    /// A comment on the column.
    pub comment: Option<&'static str>,
    /// The name that the column had before, for a migration.
    pub was: Option<&'static str>,
    /// The table of the variant that it belongs to, where that has one of its own.
    pub variant: Option<InVariant>,
}

impl ColumnMeta {
    /// A column of that Rust type.
    pub const fn of<T: ColumnType>(field: &'static str) -> ColumnMeta {
        ColumnMeta {
            field,
            name: field,
            kind: T::KIND,
            nullable: T::NULLABLE,
            primary_key: false,
            auto: false,
            unique: false,
            indexed: false,
            default: None,
            reference: T::REFERENCE,
            reference_part: 0,
            on_delete: ReferenceAction::NoAction,
            on_update: ReferenceAction::NoAction,
            check: None,
            collation: None,
            generated: None,
            query: None,
            read_only: false,
            immutable: false,
            updated: None,
            soft_delete: None,
            deferred: T::DEFERRED,
            group: None,
            deferrable: Deferrable::No,
            comment: None,
            was: None,
            variant: None,
        }
    }

    /// The same column of another field.
    #[doc(hidden)]
    pub const fn of_field(mut self, field: &'static str) -> ColumnMeta {
        self.field = field;
        self.name = field;
        self
    }

    /// May it be NULL in the table that has it?
    pub(crate) fn is_nullable(&self) -> bool {
        self.variant.map_or(self.nullable, |own| own.nullable)
    }

    /// Does only the database know its value after a write?
    pub fn is_computed(&self) -> bool {
        self.generated.is_some() || self.read_only || self.query.is_some()
    }

    /// What stands for it in a query that reads that source: the column, or the expression that it is defined by.
    pub(crate) fn node(&self, source: SourceId) -> Node {
        match self.query {
            Some(query) => query(source),
            None => Node::Column {
                source,
                name: self.name.into(),
            },
        }
    }

    /// Defined by an expression.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Person {
    ///     #[column(primary_key)]
    ///     id: Id<Person>,
    ///     first: String,
    ///     last: String,
    ///     #[column(query = PersonColumns::full)]
    ///     full: String,
    /// }
    ///
    /// impl PersonColumns {
    ///     fn full(self) -> Expr<String> {
    ///         self.first.concat(" ").concat(self.last)
    ///     }
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.create_all(schema![Person])?;
    /// let mut session = engine.session()?;
    /// session.add(Person::new("Ada", "King"));
    /// let ada = session.query::<Person>().filter(|p| p.full().eq("Ada King")).fetch_one()?;
    /// assert_eq!(ada.full, "Ada King");
    /// # Ok(())
    /// # }
    /// ```
    pub const fn query(mut self, query: fn(SourceId) -> Node) -> ColumnMeta {
        self.query = Some(query);
        self
    }

    /// Read, but never written.
    pub const fn read_only(mut self) -> ColumnMeta {
        self.read_only = true;
        self
    }

    /// Written by the INSERT only.
    pub const fn immutable(mut self) -> ColumnMeta {
        self.immutable = true;
        self
    }

    /// Set by each UPDATE of the row.
    pub const fn updated(mut self, now: fn() -> Value<'static>) -> ColumnMeta {
        self.updated = Some(now);
        self
    }

    /// Marks the row as deleted.
    pub const fn soft_delete(mut self, mark: fn() -> Value<'static>) -> ColumnMeta {
        self.soft_delete = Some(mark);
        self
    }

    /// Loaded together with the others of the group.
    pub const fn group(mut self, group: &'static str) -> ColumnMeta {
        assert!(self.deferred, "`group` is for fields of the type `Deferred<..>`");
        self.group = Some(group);
        self
    }

    /// With a name of its own.
    pub const fn named(mut self, name: &'static str) -> ColumnMeta {
        self.name = name;
        self
    }

    /// Part of the primary key.
    pub const fn primary_key(mut self) -> ColumnMeta {
        self.primary_key = true;
        self.nullable = false;
        self
    }

    /// Assigned by the database.
    pub const fn auto(mut self, auto: bool) -> ColumnMeta {
        self.auto = auto;
        self
    }

    /// Unique.
    pub const fn unique(mut self) -> ColumnMeta {
        self.unique = true;
        self
    }

    /// With an index.
    pub const fn indexed(mut self) -> ColumnMeta {
        self.indexed = true;
        self
    }

    /// With a default.
    pub const fn default(mut self, default: DefaultValue) -> ColumnMeta {
        self.default = Some(default);
        self
    }

    /// With another SQL type.
    pub const fn sql_type(mut self, name: &'static str) -> ColumnMeta {
        self.kind = Kind::Named(name);
        self
    }

    /// With actions for its foreign key.
    pub const fn actions(mut self, on_delete: ReferenceAction, on_update: ReferenceAction) -> ColumnMeta {
        self.on_delete = on_delete;
        self.on_update = on_update;
        self
    }

    /// With a CHECK constraint.
    pub const fn check(mut self, sql: &'static str) -> ColumnMeta {
        self.check = Some(sql);
        self
    }

    /// With a collation.
    pub const fn collation(mut self, collation: &'static str) -> ColumnMeta {
        self.collation = Some(collation);
        self
    }

    /// With a foreign key that is checked at the commit.
    pub const fn deferrable(mut self, deferrable: Deferrable) -> ColumnMeta {
        self.deferrable = deferrable;
        self
    }

    /// With a comment.
    pub const fn comment(mut self, comment: &'static str) -> ColumnMeta {
        self.comment = Some(comment);
        self
    }

    /// It had that name before.
    pub const fn was(mut self, name: &'static str) -> ColumnMeta {
        self.was = Some(name);
        self
    }

    /// Computed by the database.
    pub const fn generated(mut self, sql: &'static str, stored: bool) -> ColumnMeta {
        self.generated = Some((sql, stored));
        self
    }
}

/// The default of a column, as its table declares it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DefaultValue {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(&'static str),
    /// The current date and time.
    Now,
    /// An expression, as SQL.
    Sql(&'static str),
}

/// What becomes of a row when the row that it refers to is deleted or changes its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferenceAction {
    /// It is an error, at the end of the statement (or of the transaction, where deferred).
    #[default]
    NoAction,
    /// It is an error at once.
    Restrict,
    /// The row goes, or changes, along.
    Cascade,
    /// The reference becomes NULL.
    SetNull,
    /// The reference becomes its default.
    SetDefault,
}

/// When a foreign key is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Deferrable {
    /// At the end of each statement.
    #[default]
    No,
    /// At the end of each statement, unless the transaction asks to have it at the commit.
    Immediate,
    /// At the commit, unless the transaction asks to have it at once.
    Deferred,
}

/// An index or unique constraint.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct IndexMeta {
    /// What it is over.
    pub parts: &'static [IndexPartMeta],
    /// May no two rows have the same values?
    pub unique: bool,
    /// Its name, where one is given.
    pub name: Option<&'static str>,
    /// The condition of the rows that it holds, as SQL.
    pub predicate: Option<&'static str>,
    /// The indexes of the columns that it carries beside its key.
    pub include: &'static [usize],
}

/// A part of an index.
#[derive(Clone, Copy, Debug)]
pub enum IndexPartMeta {
    /// The column of that index.
    Column(usize),
    /// The column of that index, from the greatest to the least.
    Descending(usize),
    /// An expression, as SQL.
    Expression(&'static str),
}

impl IndexMeta {
    /// An index over these parts.
    pub const fn new(parts: &'static [IndexPartMeta], unique: bool) -> IndexMeta {
        IndexMeta {
            parts,
            unique,
            name: None,
            predicate: None,
            include: &[],
        }
    }

    /// With a name.
    pub const fn named(mut self, name: &'static str) -> IndexMeta {
        self.name = Some(name);
        self
    }

    /// Over some rows only.
    pub const fn only_where(mut self, condition: &'static str) -> IndexMeta {
        self.predicate = Some(condition);
        self
    }

    /// With columns beside its key.
    pub const fn include(mut self, columns: &'static [usize]) -> IndexMeta {
        self.include = columns;
        self
    }
}

/// A relation, declared beside an entity.
#[derive(Debug)]
pub struct RelationMeta {
    /// The name, as in `u.posts`.
    pub name: &'static str,
    /// One, many, many through another entity.
    pub kind: RelationKind,
    /// The entity at the other end.
    pub target: EntityMetaOf,
    /// The target's foreign key to this entity; `by`.
    pub by: ColumnNamesOf,
    /// The entity between, and its columns that refer to this entity and to the target.
    pub through: Option<(EntityMetaOf, LinkColumns)>,
    /// The entity between was made for this relation, and its table belongs to the schema with this entity's.
    pub made_link: bool,
    /// The target's columns to order by, and whether descending.
    pub order: &'static [(ColumnNameOf, bool)],
    /// The condition that the related rows fulfil, beside the equality of keys.
    pub filter: Option<RelationFilter>,
    /// What happens to the related rows with this one.
    pub cascade: Cascade,
}

/// Describes an entity. A function, because entities may refer to each other in a circle.
pub type EntityMetaOf = fn() -> &'static EntityMeta;

/// Names a column. A function, because the name may be another entity's.
pub type ColumnNameOf = fn() -> &'static str;

/// Names the columns of a key. A function, because they may be another entity's.
pub type ColumnNamesOf = fn() -> ColumnNames;

/// Names the two foreign keys of a linking entity: to this entity, and to the target.
pub type LinkColumns = fn() -> (ColumnNames, ColumnNames);

/// The names of a key's columns: one, or several of a composite key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ColumnNames {
    /// None: not known.
    None,
    /// One column.
    One(&'static str),
    /// The columns of an entity's primary key.
    Key(&'static EntityMeta),
    /// These columns.
    Several(&'static [ColumnMeta]),
}

impl ColumnNames {
    /// How many they are.
    pub fn len(self) -> usize {
        match self {
            ColumnNames::None => 0,
            ColumnNames::One(_) => 1,
            ColumnNames::Key(meta) => meta.key.len(),
            ColumnNames::Several(columns) => columns.len(),
        }
    }

    /// Is there none?
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The name of that one.
    pub fn get(self, index: usize) -> Option<&'static str> {
        match self {
            ColumnNames::None => None,
            ColumnNames::One(name) => (index == 0).then_some(name),
            ColumnNames::Key(meta) => meta.columns.get(*meta.key.get(index)?).map(|column| column.name),
            ColumnNames::Several(columns) => columns.get(index).map(|column| column.name),
        }
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        (0..self.len()).filter_map(move |i| self.get(i))
    }

    /// As they are shown in messages: `a`, `(a, b)`.
    pub(crate) fn shown(self) -> String {
        let names: Vec<&str> = self.iter().collect();
        match names.as_slice() {
            [only] => (*only).to_owned(),
            several => format!("({})", several.join(", ")),
        }
    }

    /// Their indexes in the table that has them.
    pub(crate) fn indexes(self, meta: &EntityMeta) -> Vec<usize> {
        self.iter()
            .filter_map(|name| Some(meta.column(name)?.0))
            .collect()
    }
}

/// A condition on the rows that a relation leads to. A function of the target's source and of that of the entity between, where there is
/// one; without, it is the target's again.
pub type RelationFilter = fn(SourceId, SourceId) -> Node;

/// How many are at the other end, and where the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelationKind {
    /// Many rows refer to this one.
    HasMany,
    /// At most one row refers to this one.
    HasOne,
    /// Many on both sides, through another entity.
    ManyToMany,
}

/// What happens to related rows along with this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cascade {
    /// They are deleted when this row is.
    pub delete: bool,
    /// They are deleted when they are unlinked from this row.
    pub delete_orphan: bool,
    /// The database does it (`ON DELETE CASCADE`): rows that are not in the session are left to it.
    pub passive: bool,
}

impl Cascade {
    /// No cascade.
    pub const NONE: Cascade = Cascade {
        delete: false,
        delete_orphan: false,
        passive: false,
    };

    /// A cascade of these.
    pub const fn new(delete: bool, delete_orphan: bool, passive: bool) -> Cascade {
        Cascade {
            delete,
            delete_orphan,
            passive,
        }
    }
}

/// The columns of a whole entity as a query selects them: NULL in the place of those that are left out.
pub(crate) fn outputs(meta: &'static EntityMeta, source: SourceId) -> impl Iterator<Item = Output> {
    meta.columns.iter().map(move |column| match column.deferred {
        false => Output {
            node: column.node(source),
            label: column.query.map(|_| column.name.into()),
        },
        true => Output {
            node: Node::Raw(vec![RawPiece::Text("NULL".into())]),
            label: Some(column.name.into()),
        },
    })
}

/// The expression that a field is defined by: what derived code calls. The types say that it gives a value of the field's.
#[doc(hidden)]
pub fn query_node<C: crate::mapper::Columns, T: ColumnType>(
    source: SourceId,
    query: impl FnOnce(C) -> Expr<T>,
) -> Node {
    query(C::at(source)).node
}
