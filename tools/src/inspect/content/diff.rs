//! What differs between two databases: objects of the schema, and rows by their keys.
//!
//! ```text
//!   A  1  2     4  5        both in the order of the key, one row of each at a time:
//!   B  1  2' 3  4           2 changed, 3 added, 5 removed
//! ```
//!
//! - D1 Keys are compared byte by byte, whatever collation the column has. Statements give them in that order: texts of UTF-16 databases by
//!   their UTF-8.
//! - D2 Values are the same when class and bits are: 1 is not 1.0.

use std::cmp::Ordering;

use aludel_sql::value::{Collation, ValueRef, compare_values};
use aludel_sql::{Connection, Statement};

use super::catalogue::list;
use super::{Catalogue, ContentError, Object, Settings, TableShape};
use crate::output::{identifier, literal};

/// One of two databases.
#[derive(Debug)]
pub struct Side {
    /// A connection on it.
    pub connection: Connection,
    /// Its objects.
    pub catalogue: Catalogue,
    /// Its settings.
    pub settings: Settings,
}

/// What became of something on the way from the first database to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Both have it, and differently.
    Changed,
}

impl Change {
    /// Its name in machine formats.
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "changed",
        }
    }

    /// Its sign for people.
    pub fn sign(self) -> &'static str {
        match self {
            Change::Added => "+",
            Change::Removed => "-",
            Change::Changed => "~",
        }
    }
}

/// An object of the schema that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaDifference {
    /// What became of it.
    pub change: Change,
    /// As the first database has it.
    pub first: Option<Object>,
    /// As the second database has it.
    pub second: Option<Object>,
}

impl SchemaDifference {
    /// The object, as the second has it if it does.
    pub fn object(&self) -> Option<&Object> {
        self.second.as_ref().or(self.first.as_ref())
    }
}

/// The objects that differ: those of the first database in its order, then those that only the second has.
pub fn schema_differences(first: &Catalogue, second: &Catalogue) -> Vec<SchemaDifference> {
    let counterpart = |of: &Object, within: &Catalogue| {
        let is_it = |object: &&Object| {
            object.kind.word() == of.kind.word() && object.name.eq_ignore_ascii_case(&of.name)
        };
        within.objects.iter().find(is_it).cloned()
    };
    let mut differences = Vec::new();
    for object in &first.objects {
        let other = counterpart(object, second);
        let change = match &other {
            None => Change::Removed,
            Some(other) if other != object => Change::Changed,
            Some(_) => continue,
        };
        differences.push(SchemaDifference {
            change,
            first: Some(object.clone()),
            second: other,
        });
    }
    for object in &second.objects {
        if counterpart(object, first).is_none() {
            differences.push(SchemaDifference {
                change: Change::Added,
                first: None,
                second: Some(object.clone()),
            });
        }
    }
    differences
}

/// What tells the rows of a table apart in both databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKey {
    /// The row id, under the name that it has in each.
    Rowid(String, String),
    /// Columns.
    Columns(Vec<String>),
    /// Nothing: rows are the same when all their columns are.
    Content,
}

/// A table that both databases have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePair {
    /// Its name.
    pub name: String,
    /// What tells its rows apart.
    pub key: RowKey,
    /// The names of the key's columns.
    pub key_names: Vec<String>,
    /// The columns that are compared: those that both have and that are not computed.
    pub columns: Vec<String>,
}

/// Which keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// The primary key where there is one.
    Primary,
    /// The row id where there is one.
    Rowid,
}

impl TablePair {
    /// What a table of this name has in common in both.
    ///
    /// # Errors
    /// Those of reading the schema.
    pub fn between(
        first: &Connection,
        second: &Connection,
        name: &str,
        choice: KeyChoice,
    ) -> Result<TablePair, ContentError> {
        let [first, second] = [TableShape::read(first, name)?, TableShape::read(second, name)?];
        let in_second = |name: &str| second.stored().any(|other| other.name.eq_ignore_ascii_case(name));
        let columns: Vec<String> = first
            .stored()
            .filter(|column| in_second(&column.name))
            .map(|column| column.name.clone())
            .collect();
        let key = key_of(&first, &second, choice);
        let key_names = match &key {
            RowKey::Rowid(name, _) => vec![name.clone()],
            RowKey::Columns(names) => names.clone(),
            RowKey::Content => columns.clone(),
        };
        Ok(TablePair {
            name: name.to_owned(),
            key,
            key_names,
            columns,
        })
    }

    /// What gives the rows of one database: the key's columns, then those that are compared.
    fn sql(&self, side: usize, settings: &Settings) -> String {
        let key = match (&self.key, side) {
            (RowKey::Rowid(first, _), 0) => vec![first.clone()],
            (RowKey::Rowid(_, second), _) => vec![second.clone()],
            _ => self.key_names.clone(),
        };
        let is_wide = settings.encoding > 1;
        let order = key.iter().map(|name| match &self.key {
            RowKey::Rowid(..) => identifier(name),
            // In UTF-16 the order of bytes is another one (D1).
            _ if is_wide => {
                let name = identifier(name);
                format!("CASE typeof({name}) WHEN 'text' THEN hex({name}) ELSE {name} END COLLATE BINARY")
            }
            _ => format!("{} COLLATE BINARY", identifier(name)),
        });
        let order: Vec<String> = order.collect();
        format!(
            "SELECT {} FROM {} ORDER BY {}",
            list(key.iter().chain(&self.columns).map(String::as_str)),
            identifier(&self.name),
            order.join(", ")
        )
    }
}

fn key_of(first: &TableShape, second: &TableShape, choice: KeyChoice) -> RowKey {
    let names = |shape: &TableShape| -> Vec<String> {
        shape
            .key()
            .iter()
            .filter(|column| !column.is_generated)
            .map(|column| column.name.clone())
            .collect()
    };
    let (key, other) = (names(first), names(second));
    let is_same = key.len() == other.len()
        && key
            .iter()
            .zip(&other)
            .all(|(name, other)| name.eq_ignore_ascii_case(other));
    let rowids = first.rowid.clone().zip(second.rowid.clone());
    let wants_rowid = choice == KeyChoice::Rowid || first.has_rowid_column || !is_same || key.is_empty();
    match rowids {
        Some((first, second)) if wants_rowid => RowKey::Rowid(first, second),
        _ if is_same && !key.is_empty() => RowKey::Columns(key),
        _ => RowKey::Content,
    }
}

/// A row that is not the same in both: the key, and the values that are compared.
#[derive(Clone, Copy, Debug)]
pub enum RowDifference<'r> {
    /// Only the second database has it.
    Added {
        /// Its key.
        key: &'r [ValueRef<'r>],
        /// Its values.
        values: &'r [ValueRef<'r>],
    },
    /// Only the first database has it.
    Removed {
        /// Its key.
        key: &'r [ValueRef<'r>],
        /// Its values.
        values: &'r [ValueRef<'r>],
    },
    /// Both have it with other values.
    Changed {
        /// Its key in the first.
        key: &'r [ValueRef<'r>],
        /// The values in the first.
        first: &'r [ValueRef<'r>],
        /// The values in the second.
        second: &'r [ValueRef<'r>],
    },
}

/// How many rows of a table differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowTally {
    /// Rows that only the second has.
    pub added: u64,
    /// Rows that only the first has.
    pub removed: u64,
    /// Rows that both have with other values.
    pub changed: u64,
    /// Rows that are the same.
    pub same: u64,
}

impl RowTally {
    /// Whether all rows are the same.
    pub fn is_same(&self) -> bool {
        self.added + self.removed + self.changed == 0
    }
}

/// Gets each row that differs.
pub type TakeDifference<'t> = dyn FnMut(RowDifference<'_>) -> Result<(), ContentError> + 't;

/// Compares the rows of a table. Where the keys have no index in the order of their bytes, they are sorted first.
///
/// # Errors
/// Those of reading and of `take`.
pub fn compare_rows(
    first: &Side,
    second: &Side,
    pair: &TablePair,
    take: &mut TakeDifference<'_>,
) -> Result<RowTally, ContentError> {
    let mut first = Rows::open(first, 0, pair)?;
    let mut second = Rows::open(second, 1, pair)?;
    let mut tally = RowTally::default();
    loop {
        let order = match (first.row(), second.row()) {
            (None, None) => return Ok(tally),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(first), Some(second)) => {
                compare_keys(&first[..pair.key_names.len()], &second[..pair.key_names.len()])
            }
        };
        if order != Ordering::Greater {
            let (key, values) = first.parts();
            if order == Ordering::Less {
                tally.removed += 1;
                take(RowDifference::Removed {
                    key: &key,
                    values: &values,
                })?;
            } else {
                let (_, others) = second.parts();
                if values
                    .iter()
                    .zip(&others)
                    .all(|(one, other)| is_same(*one, *other))
                {
                    tally.same += 1;
                } else {
                    tally.changed += 1;
                    take(RowDifference::Changed {
                        key: &key,
                        first: &values,
                        second: &others,
                    })?;
                }
            }
        } else {
            let (key, values) = second.parts();
            tally.added += 1;
            take(RowDifference::Added {
                key: &key,
                values: &values,
            })?;
        }
        if order != Ordering::Greater {
            first.step()?;
        }
        if order != Ordering::Less {
            second.step()?;
        }
    }
}

/// The rows of a table of one database.
struct Rows<'c> {
    statement: Statement<'c>,
    sql: String,
    key_count: usize,
    is_at_row: bool,
}

impl<'c> Rows<'c> {
    fn open(side: &'c Side, number: usize, pair: &TablePair) -> Result<Rows<'c>, ContentError> {
        let sql = pair.sql(number, &side.settings);
        let mut rows = Rows {
            statement: side.connection.prepare(&sql).map_err(ContentError::of(&sql))?,
            sql,
            key_count: pair.key_names.len(),
            is_at_row: false,
        };
        rows.step()?;
        Ok(rows)
    }

    fn step(&mut self) -> Result<(), ContentError> {
        self.is_at_row = self.statement.step().map_err(ContentError::of(&self.sql))?;
        Ok(())
    }

    fn row(&self) -> Option<Vec<ValueRef<'_>>> {
        let values = || (0..self.statement.column_count()).map(|column| self.statement.value(column));
        self.is_at_row.then(|| values().collect())
    }

    /// The key and the other values.
    fn parts(&self) -> (Vec<ValueRef<'_>>, Vec<ValueRef<'_>>) {
        let mut key = self.row().unwrap_or_default();
        let values = key.split_off(self.key_count.min(key.len()));
        (key, values)
    }
}

fn compare_keys(first: &[ValueRef<'_>], second: &[ValueRef<'_>]) -> Ordering {
    let mut pairs = first.iter().zip(second);
    pairs
        .find_map(|(first, second)| {
            let order = compare_values(first, second, &Collation::Binary);
            (order != Ordering::Equal).then_some(order)
        })
        .unwrap_or(Ordering::Equal)
}

/// Whether two values are the same bit by bit (D2).
pub fn is_same(first: ValueRef<'_>, second: ValueRef<'_>) -> bool {
    match (first, second) {
        (ValueRef::Real(first), ValueRef::Real(second)) => first.to_bits() == second.to_bits(),
        _ => first == second && std::mem::discriminant(&first) == std::mem::discriminant(&second),
    }
}

/// Values as SQL, with commas.
pub(super) fn literals(values: &[ValueRef<'_>]) -> String {
    values
        .iter()
        .map(|value| literal(*value))
        .collect::<Vec<_>>()
        .join(",")
}
