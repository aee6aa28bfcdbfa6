//! Embedded structs: several columns as one field.
//!
//! ```text
//!   struct User { id, #[column(flatten, prefix = "home_")] home: Address, name }
//!                 │                                        │               │
//!   META.columns  id          home_street  home_city                       name
//!   member_of     0           1            1                               2
//! ```
//!
//! The columns of an embedded struct are a constant of its own trait; the compiler puts the constants of an entity's fields
//! together ([`joined_columns`]), so an entity's description is a constant as before. A column's number in the entity is
//! the number within the field plus the number of the field's first column.

use super::{ColumnMeta, EntityMeta, InVariant, Mode, ReferenceAction, RowReader, VariantTable};
use crate::error::Result;
use crate::expr::{BinaryOp, Expr, Node, SourceId};
use crate::mapper::Invalid;
use crate::types::{DecodeError, RawHandle, Value};

/// A struct whose fields are columns of the entities that have it as a field. Derive it.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Embedded, Debug, PartialEq)]
/// struct Address {
///     street: String,
///     city: String,
/// }
///
/// #[derive(Entity)]
/// struct Customer {
///     #[column(primary_key)]
///     id: Id<Customer>,
///     name: String,
///     #[column(flatten, prefix = "home_")]
///     home: Address,
///     #[column(flatten, prefix = "work_")]
///     work: Option<Address>, // all of its columns NULL: `None`
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Customer])?;
/// let mut session = engine.session()?;
/// let mike = session.add(Customer::new("Mike", Address::new("High Street", "Leeds")));
/// session.commit()?;
/// session[mike].home.city = "York".into(); // writes the column `home_city`
/// let found = session.query::<Customer>().filter(|c| c.home.city.eq("York") & c.work.city.is_null());
/// assert_eq!(found.count()?, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Variants of one table
///
/// An enum of such structs is *single-table inheritance*: a column says which variant a row has, and each variant's columns are
/// NULL in rows of the others. Queries ask for a variant by `is_..`, and for its columns by its name.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Embedded, Debug, PartialEq)]
/// struct Manager {
///     budget: i64,
/// }
///
/// #[derive(Embedded, Debug, PartialEq)]
/// struct Engineer {
///     language: String,
/// }
///
/// #[derive(Embedded, Debug, PartialEq)]
/// #[embedded(tag = "role")]
/// enum Role {
///     Manager(Manager),
///     Engineer(Engineer),
///     Guest,
/// }
///
/// #[derive(Entity)]
/// struct Employee {
///     #[column(primary_key)]
///     id: Id<Employee>,
///     name: String,
///     #[column(flatten)]
///     role: Role,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Employee])?;
/// let mut session = engine.session()?;
/// session.add(Employee::new("Ann", Role::Manager(Manager { budget: 900 })));
/// session.add(Employee::new("Bob", Role::Engineer(Engineer::new("Rust"))));
/// session.add(Employee::new("Eve", Role::Guest));
///
/// let managers = session.query::<Employee>().filter(|e| e.role.is_manager()).fetch()?;
/// assert_eq!(managers[0].role, Role::Manager(Manager { budget: 900 }));
/// let rich = session.query::<Employee>().filter(|e| e.role.manager.budget.gt(500)).count()?;
/// assert_eq!(rich, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Variants with tables of their own
///
/// A variant with a `table` has its columns there, beside the entity's key, which refers to the entity's own table: *joined-table
/// inheritance*. The table of the entity keeps the common columns, the discriminator, the version and the columns of variants without a
/// `table`. Nothing else changes: queries read the table joined with those of the variants, in one statement, and take conditions and
/// orders over columns of all of them; relations, loading, the identity map and the unit of work are as for any entity.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Embedded, Debug, PartialEq)]
/// struct Manager {
///     budget: i64,
/// }
///
/// #[derive(Embedded, Debug, PartialEq)]
/// struct Engineer {
///     language: String, // NOT NULL, in its own table
/// }
///
/// #[derive(Embedded, Debug, PartialEq)]
/// #[embedded(tag = "role")]
/// enum Role {
///     #[embedded(table = "managers")]
///     Manager(Manager),
///     #[embedded(table = "engineers")]
///     Engineer(Engineer),
///     Guest,
/// }
///
/// #[derive(Entity)]
/// #[entity(table = "employees")]
/// struct Employee {
///     #[column(primary_key)]
///     id: Id<Employee>,
///     name: String,
///     #[column(flatten)]
///     role: Role,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Employee])?; // employees, managers, engineers
/// let mut session = engine.session()?;
/// let ann = session.add(Employee::new("Ann", Role::Manager(Manager { budget: 900 })));
/// session.add(Employee::new("Bob", Role::Engineer(Engineer::new("Rust"))));
/// session.add(Employee::new("Eve", Role::Guest));
/// session.commit()?;
///
/// let named = session.query::<Employee>().filter(|e| e.role.manager.budget.gt(500) | e.name.eq("Eve")).count()?;
/// assert_eq!(named, 2);
/// // Of one variant, by an inner join with its table:
/// let engineers = session.query::<Employee>().of_type(|e| e.role.is_engineer()).fetch()?;
/// assert_eq!(engineers[0].role, Role::Engineer(Engineer::new("Rust")));
/// // Another variant: out of one table, into the other.
/// session[ann].role = Role::Engineer(Engineer::new("C"));
/// session.commit()?;
/// assert_eq!(session.query::<Employee>().filter(|e| e.role.is_manager()).count()?, 0);
/// # Ok(())
/// # }
/// ```
///
/// Writing a row is a statement for each of its tables that has something to write. Statements for many rows that only one table could
/// take are errors that say so: `on_conflict`, `returning`, `insert_into`. `update` asks for the rows first, and `delete_where` as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened into columns",
    label = "not an embedded struct",
    note = "put `#[derive(Embedded)]` on it, or leave `flatten` out to keep it in one column"
)]
pub trait Embedded: Sized + Send + 'static {
    /// The column handles that queries hand to closures.
    type Columns<M: Mode>: Copy + 'static;

    /// The columns, with the names that they have without a prefix.
    const COLUMNS: &'static [ColumnMeta];

    /// Has it rules of its own? See [`validate`](Embedded::validate).
    const VALIDATED: bool = false;

    /// The handles of that source; `metas` begins with this field's columns.
    #[doc(hidden)]
    fn columns<M: Mode>(source: SourceId, metas: &'static [ColumnMeta]) -> Self::Columns<M>;

    /// The value of its column of that number.
    fn encode(&self, column: usize) -> Value<'_>;

    /// Sets its column of that number.
    ///
    /// # Errors
    /// Where the value does not fit the field.
    fn set(&mut self, column: usize, value: Value<'_>) -> Result<(), DecodeError>;

    /// From a row of the entity that `meta` describes, in which its first column has the number `first`.
    ///
    /// # Errors
    /// Where a value does not fit its field.
    fn decode(row: &RowReader<'_>, meta: &'static EntityMeta, first: usize) -> Result<Self>;

    /// What refers to an entity that may have no key yet, where this is a reference.
    #[doc(hidden)]
    fn pending(_: RawHandle) -> Option<Self> {
        None
    }

    /// Asks the rules that its fields declare.
    ///
    /// # Errors
    /// The first rule that is broken.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

/// Some of an entity's columns: its own, or those of an embedded struct.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub columns: &'static [ColumnMeta],
    pub prefix: &'static str,
    pub optional: bool,
    /// What becomes of the row with the one that the columns refer to.
    pub actions: (ReferenceAction, ReferenceAction),
    /// The table that has them, where that is a variant's own.
    pub table: Option<&'static VariantTable>,
}

/// What a part declares that refers to nothing.
#[doc(hidden)]
pub const NO_ACTIONS: (ReferenceAction, ReferenceAction) =
    (ReferenceAction::NoAction, ReferenceAction::NoAction);

impl Part {
    pub const fn embedded(columns: &'static [ColumnMeta], prefix: &'static str, optional: bool) -> Part {
        Part {
            columns,
            prefix,
            optional,
            actions: (ReferenceAction::NoAction, ReferenceAction::NoAction),
            table: None,
        }
    }

    /// The columns of a variant, which are in a table of its own.
    pub const fn in_table(mut self, table: &'static VariantTable) -> Part {
        assert!(
            !self.columns.is_empty(),
            "a variant without columns has nothing to keep in a table of its own: leave `table` out"
        );
        let mut i = 0;
        while i < self.columns.len() {
            assert!(
                self.columns[i].variant.is_none(),
                "a variant's table cannot be divided again: name all variants with tables in one enum"
            );
            assert!(
                self.columns[i].soft_delete.is_none(),
                "what marks a row as deleted is in the entity's own table: make it a field of the entity"
            );
            i += 1;
        }
        self.table = Some(table);
        self
    }

    pub const fn actions(mut self, on_delete: ReferenceAction, on_update: ReferenceAction) -> Part {
        self.actions = (on_delete, on_update);
        self
    }
}

/// How many columns those are.
#[doc(hidden)]
pub const fn columns_len(parts: &[Part]) -> usize {
    let (mut i, mut len) = (0, 0);
    while i < parts.len() {
        len += parts[i].columns.len();
        i += 1;
    }
    len
}

/// How long their names are together.
#[doc(hidden)]
pub const fn names_len(parts: &[Part]) -> usize {
    let (mut i, mut len) = (0, 0);
    while i < parts.len() {
        let mut j = 0;
        while j < parts[i].columns.len() {
            len += parts[i].prefix.len() + parts[i].columns[j].name.len();
            j += 1;
        }
        i += 1;
    }
    len
}

/// Their names, prefix and all, one after the other.
#[doc(hidden)]
pub const fn joined_names<const N: usize>(parts: &[Part]) -> [u8; N] {
    let mut names = [0; N];
    let (mut i, mut at) = (0, 0);
    while i < parts.len() {
        let mut j = 0;
        while j < parts[i].columns.len() {
            at = append(&mut names, at, parts[i].prefix.as_bytes());
            at = append(&mut names, at, parts[i].columns[j].name.as_bytes());
            j += 1;
        }
        i += 1;
    }
    names
}

const fn append(to: &mut [u8], at: usize, text: &[u8]) -> usize {
    let mut i = 0;
    while i < text.len() {
        to[at + i] = text[i];
        i += 1;
    }
    at + text.len()
}

/// The columns, with their names out of `names`.
#[doc(hidden)]
pub const fn joined_columns<const N: usize>(parts: &[Part], names: &'static [u8]) -> [ColumnMeta; N] {
    let mut columns = [ColumnMeta::of::<i64>(""); N];
    let (mut i, mut n, mut rest) = (0, 0, names);
    while i < parts.len() {
        let mut j = 0;
        while j < parts[i].columns.len() {
            let column = parts[i].columns[j];
            let (name, after) = rest.split_at(parts[i].prefix.len() + column.name.len());
            columns[n] = match std::str::from_utf8(name) {
                Ok(name) => column.named(name),
                Err(_) => panic!("column names are text"),
            };
            if let Some(table) = parts[i].table {
                let nullable = column.nullable;
                columns[n].variant = Some(InVariant { table, nullable });
            }
            columns[n].nullable |= parts[i].optional;
            if !matches!(
                parts[i].actions,
                (ReferenceAction::NoAction, ReferenceAction::NoAction)
            ) {
                (columns[n].on_delete, columns[n].on_update) = parts[i].actions;
            }
            rest = after;
            n += 1;
            j += 1;
        }
        i += 1;
    }
    columns
}

/// Which field has that column: the last whose first column is not after it.
#[doc(hidden)]
#[inline]
pub fn member_of(starts: &[usize], column: usize) -> usize {
    starts.partition_point(|start| *start <= column).wrapping_sub(1)
}

/// The columns from that one on.
#[doc(hidden)]
pub fn from(columns: &'static [ColumnMeta], first: usize) -> &'static [ColumnMeta] {
    columns.get(first..).unwrap_or_default()
}

/// The name of a column.
#[doc(hidden)]
pub fn name_of(columns: &'static [ColumnMeta], index: usize) -> &'static str {
    columns.get(index).map_or("", |column| column.name)
}

/// An embedded struct that is there if one of its columns is not NULL.
#[doc(hidden)]
pub fn decode_optional<T: Embedded>(
    row: &RowReader<'_>,
    meta: &'static EntityMeta,
    first: usize,
) -> Result<Option<T>> {
    let is_there = |i: usize| !row.value(first + i).is_null();
    if (0..T::COLUMNS.len()).any(is_there) {
        T::decode(row, meta, first).map(Some)
    } else {
        Ok(None)
    }
}

/// Sets a column of an embedded struct that may not be there.
#[doc(hidden)]
pub fn set_optional<T: Embedded>(
    to: &mut Option<T>,
    column: usize,
    value: Value<'_>,
) -> Result<(), DecodeError> {
    match to {
        Some(inner) => {
            let null = value.is_null();
            match inner.set(column, value) {
                // A column that must be there is not: neither is the whole.
                Err(_) if null => *to = None,
                set => return set,
            }
        }
        None => match value {
            Value::Pending(raw) => *to = T::pending(raw.key_part(0)),
            value => set_absent(&value)?,
        },
    }
    Ok(())
}

/// A column of something that is not there can only be NULL.
#[doc(hidden)]
pub fn set_absent(value: &Value<'_>) -> Result<(), DecodeError> {
    match value.is_null() {
        true => Ok(()),
        false => Err(DecodeError::new(
            "NULL, as what has the column is not there: assign the field as a whole",
            value,
        )),
    }
}

/// The column that says which variant it is cannot be set by itself to another one.
#[doc(hidden)]
pub fn same_variant(is: &Value<'_>, value: &Value<'_>) -> Result<(), DecodeError> {
    match is == value {
        true => Ok(()),
        false => Err(DecodeError::new(
            "the same variant: assign the field as a whole",
            value,
        )),
    }
}

/// `tag = 'value'`
#[doc(hidden)]
pub fn is_variant(source: SourceId, tag: &'static str, value: &'static str) -> Expr<bool> {
    let tag = Node::Column {
        source,
        name: tag.into(),
    };
    Expr::from_node(Node::binary(BinaryOp::Eq, tag, Node::Value(value.into())))
}
