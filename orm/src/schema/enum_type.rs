//! Enums that are types with a name in the database (PostgreSQL).

use super::Ddl;
use crate::dialect::{CompileError, Dialect};
use crate::types::NativeEnum;

/// An enum type of a database: its name, and the texts that it has in their order.
///
/// ```
/// use aludel::dialect::Postgresql;
/// use aludel::schema::EnumType;
///
/// let mood = EnumType::new("mood", ["glad", "sad"]);
/// assert_eq!(mood.create_sql(&Postgresql).unwrap(), "CREATE TYPE mood AS ENUM ('glad', 'sad')");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnumType {
    /// Its name.
    pub name: String,
    /// Its texts.
    pub values: Vec<String>,
}

impl EnumType {
    /// An enum of that name.
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> EnumType {
        EnumType {
            name: name.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// The statement that creates it.
    ///
    /// # Errors
    /// Where its name cannot be one.
    pub fn create_sql(&self, dialect: &dyn Dialect) -> Result<String, CompileError> {
        let mut sql = Ddl::new(dialect, "CREATE TYPE ");
        sql.name(&self.name)?;
        sql.push(" AS ENUM ");
        sql.texts(self.values.iter().map(String::as_str));
        Ok(sql.text)
    }

    /// The statement that drops it.
    ///
    /// # Errors
    /// Where its name cannot be one.
    pub fn drop_sql(&self, dialect: &dyn Dialect, if_exists: bool) -> Result<String, CompileError> {
        let start = if if_exists {
            "DROP TYPE IF EXISTS "
        } else {
            "DROP TYPE "
        };
        let mut sql = Ddl::new(dialect, start);
        sql.name(&self.name)?;
        Ok(sql.text)
    }

    /// The texts of `enum('a','b')`.
    pub(crate) fn values_in(declared: &str) -> Vec<String> {
        let inner = declared
            .split_once('(')
            .and_then(|(_, rest)| rest.rsplit_once(')'));
        let Some((inner, _)) = inner else {
            return Vec::new();
        };
        let mut values = Vec::new();
        let mut rest = inner.trim();
        while let Some(quoted) = rest.strip_prefix('\'') {
            let mut value = String::new();
            let mut chars = quoted.char_indices().peekable();
            let mut end = quoted.len();
            while let Some((at, c)) = chars.next() {
                let doubled = c == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'');
                if c == '\'' && !doubled {
                    end = at + 1;
                    break;
                }
                if doubled {
                    chars.next();
                }
                value.push(c);
            }
            values.push(value);
            rest = quoted
                .get(end..)
                .unwrap_or_default()
                .trim_start_matches([',', ' ']);
        }
        values
    }
}

impl From<&NativeEnum> for EnumType {
    fn from(of: &NativeEnum) -> EnumType {
        EnumType::new(of.name, of.values.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::EnumType;

    #[test]
    fn texts_of_a_declaration() {
        for (declared, values) in [
            ("enum('a','b')", &["a", "b"][..]),
            ("enum('it\'\'s', 'x,y', '')", &["it's", "x,y", ""]),
            ("enum()", &[]),
            ("text", &[]),
        ] {
            assert_eq!(EnumType::values_in(declared), values, "{declared}");
        }
    }
}
