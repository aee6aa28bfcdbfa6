//! Names for constraints that have none.
//!
//! A backend names a constraint itself where the statement does not, each in its own way. With names of our own the same constraint has the
//! same name everywhere, and a migration can say which one it drops.

use super::{Schema, Table};

/// The longest name that PostgreSQL keeps.
const NAME_MAX: usize = 63;

/// How constraints are named: templates with `{table}`, `{columns}` (joined by `_`) and, for foreign keys, `{references}` (the other table).
///
/// ```
/// use aludel::prelude::*;
/// use aludel::schema::NamingConvention;
///
/// #[derive(Entity)]
/// #[entity(table = "users")]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
///     #[column(unique)]
///     name: String,
/// }
///
/// let schema = schema![User].with_names(&NamingConvention::default());
/// assert_eq!(schema.tables()[0].uniques[0].name.as_deref(), Some("uq_users_name"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamingConvention {
    /// Unique constraints: `uq_{table}_{columns}`.
    pub unique: String,
    /// Checks, of which a table may have several: `ck_{table}_{number}`.
    pub check: String,
    /// Foreign keys: `fk_{table}_{columns}`.
    pub foreign_key: String,
}

impl Default for NamingConvention {
    fn default() -> NamingConvention {
        NamingConvention {
            unique: "uq_{table}_{columns}".into(),
            check: "ck_{table}_{number}".into(),
            foreign_key: "fk_{table}_{columns}".into(),
        }
    }
}

impl NamingConvention {
    /// The name of a unique constraint.
    pub(crate) fn unique(&self, table: &str, columns: &[String]) -> String {
        fill(&self.unique, table, &columns.join("_"), "")
    }

    /// The name of a foreign key.
    pub(crate) fn foreign_key(&self, table: &str, columns: &[String], references: &str) -> String {
        fill(&self.foreign_key, table, &columns.join("_"), references)
    }

    /// A name for a check that no other check of the table has.
    pub(crate) fn check(&self, table: &Table) -> String {
        let taken = |name: &str| {
            table
                .checks
                .iter()
                .any(|check| check.name.as_deref() == Some(name))
        };
        let name = |number: usize| {
            let template = self.check.replace("{number}", &number.to_string());
            fill(&template, &table.name, "", "")
        };
        (1..).map(name).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Gives all constraints of the table that have no name one.
    pub(crate) fn apply(&self, table: &mut Table) {
        let of = table.name.clone();
        for unique in &mut table.uniques {
            unique
                .name
                .get_or_insert_with(|| self.unique(&of, &unique.columns));
        }
        for key in &mut table.foreign_keys {
            key.name
                .get_or_insert_with(|| self.foreign_key(&of, &key.columns, &key.table));
        }
        for i in 0..table.checks.len() {
            if table.checks[i].name.is_none() {
                table.checks[i].name = Some(self.check(table));
            }
        }
    }
}

impl Schema {
    /// With a name for each constraint that has none.
    pub fn with_names(mut self, convention: &NamingConvention) -> Schema {
        self.tables.iter_mut().for_each(|table| convention.apply(table));
        self
    }
}

fn fill(template: &str, table: &str, columns: &str, references: &str) -> String {
    let name = template
        .replace("{table}", table)
        .replace("{columns}", columns)
        .replace("{references}", references);
    shortened(name)
}

/// The name itself if servers keep all of it; else its start and a sum of the whole, so that two long names stay two.
pub(crate) fn shortened(name: String) -> String {
    if name.len() <= NAME_MAX {
        return name;
    }
    let sum = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let sum = format!("_{:08x}", sum as u32);
    let mut end = NAME_MAX - sum.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{sum}", name.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart() {
        let long = |last: char| shortened(format!("{}{last}", "ä".repeat(40)));
        assert!(long('a').len() <= NAME_MAX && long('a') != long('b'));
        assert_eq!(shortened("uq_users_name".into()), "uq_users_name");
    }
}
