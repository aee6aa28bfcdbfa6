//! The hash of a database's content, by the rule of SQLite's utility `dbhash`.
//!
//! ```text
//!   SHA-1 of:  rows of each table, tables by name      one digit for the class of each value, then its bytes:
//!              rows of the schema, by name             0 NULL   1 integer   2 real   3 text   4 blob
//! ```
//!
//! Rows come in the order in which SQLite's planner reads a whole table: by row id, or by primary key where there are none. An index that
//! has all columns of such a table is as good to that planner, and the newest wins; so it does here.
//! Integers and reals are eight bytes, the highest first; texts are UTF-8. There is nothing between values or rows. Virtual tables and
//! SQLite's own (statistics, sequences) have no part in it: their shadow tables have, and all have a row in the schema. So the hash is the same
//! for another page size, encoding, journal mode, or after VACUUM.

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;
use sha1::{Digest, Sha1};

use super::{ContentError, TableShape};
use crate::output::{identifier, literal};

/// What of a database is hashed.
#[derive(Clone, Debug)]
pub struct HashOptions {
    /// The rows of tables.
    pub rows: bool,
    /// The rows of the schema.
    pub schema: bool,
    /// Only tables with a name that is LIKE this.
    pub like: Option<String>,
}

impl Default for HashOptions {
    fn default() -> HashOptions {
        HashOptions {
            rows: true,
            schema: true,
            like: None,
        }
    }
}

/// The hash of the content that a connection sees. Reads every row.
///
/// ```
/// use aludel_tools::inspect::content::{HashOptions, content_hash};
///
/// let connection = aludel_sql::Connection::open_in_memory().unwrap();
/// let of_nothing = content_hash(&connection, &HashOptions::default())?;
/// assert_eq!(of_nothing[..4], [0xda, 0x39, 0xa3, 0xee]);
/// # Ok::<(), aludel_tools::inspect::content::ContentError>(())
/// ```
///
/// # Errors
/// Those of reading; damage, because a part has no hash.
pub fn content_hash(connection: &Connection, options: &HashOptions) -> Result<[u8; 20], ContentError> {
    let mut hash = Sha1::new();
    let like = literal(ValueRef::Text(options.like.as_deref().unwrap_or("%").as_bytes()));
    if options.rows {
        for name in table_names(connection, &like)? {
            let order = order_of(connection, &name)?;
            let sql = format!("SELECT * FROM {} {order}", identifier(&name));
            hash_rows(connection, &sql, &mut hash)?;
        }
    }
    if options.schema {
        let sql = format!(
            "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name LIKE {like} ORDER BY name COLLATE nocase"
        );
        hash_rows(connection, &sql, &mut hash)?;
    }
    Ok(hash.finalize().into())
}

fn table_names(connection: &Connection, like: &str) -> Result<Vec<String>, ContentError> {
    let sql = format!(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' \
         AND name NOT LIKE 'sqlite_%' AND name LIKE {like} ORDER BY name COLLATE nocase"
    );
    let mut statement = connection.prepare(&sql).map_err(ContentError::of(&sql))?;
    let mut names = Vec::new();
    while statement.step().map_err(ContentError::of(&sql))? {
        if let ValueRef::Text(name) = statement.value(0) {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(names)
}

/// How the rows of a table are read: in its own order, or in that of an index which has exactly the columns of a table without row ids.
fn order_of(connection: &Connection, table: &str) -> Result<String, ContentError> {
    let shape = TableShape::read(connection, table)?;
    if shape.without_rowid && !shape.has_generated() {
        let name = literal(ValueRef::Text(table.as_bytes()));
        // The newest comes first.
        let sql = format!(
            "SELECT l.name FROM pragma_index_list({name}) AS l WHERE l.origin <> 'pk' AND NOT l.partial AND {} =
               (SELECT count(*) FROM pragma_index_xinfo(l.name)) AND {} =
               (SELECT count(DISTINCT cid) FROM pragma_index_xinfo(l.name) WHERE cid >= 0) ORDER BY l.seq",
            shape.columns.len(),
            shape.columns.len()
        );
        let mut statement = connection.prepare(&sql).map_err(ContentError::of(&sql))?;
        if statement.step().map_err(ContentError::of(&sql))?
            && let ValueRef::Text(index) = statement.value(0)
        {
            return Ok(format!(
                "INDEXED BY {}",
                identifier(&String::from_utf8_lossy(index))
            ));
        }
    }
    Ok("NOT INDEXED".to_owned())
}

fn hash_rows(connection: &Connection, sql: &str, hash: &mut Sha1) -> Result<(), ContentError> {
    let mut statement = connection.prepare(sql).map_err(ContentError::of(sql))?;
    while statement.step().map_err(ContentError::of(sql))? {
        (0..statement.column_count()).for_each(|column| hash_value(statement.value(column), hash));
    }
    Ok(())
}

fn hash_value(value: ValueRef<'_>, hash: &mut Sha1) {
    match value {
        ValueRef::Null => hash.update(b"0"),
        ValueRef::Integer(number) => {
            hash.update(b"1");
            hash.update(number.to_be_bytes());
        }
        ValueRef::Real(number) => {
            hash.update(b"2");
            hash.update(number.to_bits().to_be_bytes());
        }
        ValueRef::Text(text) => {
            hash.update(b"3");
            hash.update(text);
        }
        ValueRef::Blob(bytes) => {
            hash.update(b"4");
            hash.update(bytes);
        }
    }
}
