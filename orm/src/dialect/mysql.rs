//! The dialect of MariaDB and MySQL.
//!
//! Its connections run with `ANSI_QUOTES`, `PIPES_AS_CONCAT` and `NO_BACKSLASH_ESCAPES`, so that names, `||` and texts are written as on the
//! other backends; what is left differs here. Text is compared by bytes, as SQLite does it.

use std::borrow::Cow;

use super::{
    AlterTable, Comments, CompileError, Conflicts, Dialect, Feature, ForeignKeySwitch, GeneratedKey,
    InsensitiveLike, Isolation, JoinedTexts, MigrationLock, NullSafe, TransactionMode, WriteJoin,
    push_quoted, spelling,
};
use crate::engine::Connection;
use crate::error::Result;
use crate::expr::{Interval, JsonStep, Portable};
use crate::schema::{Schema, reflect};
use crate::types::Kind;

/// The SQL of MariaDB (10.5 and newer) and MySQL (8.0 and newer).
#[derive(Clone, Copy, Debug, Default)]
pub struct Mysql;

impl Dialect for Mysql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn supports(&self, feature: Feature) -> bool {
        matches!(
            feature,
            Feature::Window | Feature::RowLocks | Feature::StatementRollback | Feature::VirtualColumns
        )
    }

    fn type_name(&self, kind: Kind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            Kind::Bool => "boolean",
            Kind::Int(..=16) => "smallint",
            Kind::Int(17..=32) => "integer",
            Kind::Int(_) | Kind::Interval => "bigint",
            Kind::Real(..=32) => "float",
            Kind::Real(_) => "double",
            Kind::Text => "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            Kind::Enum(_) => "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            Kind::Bytes => "longblob",
            // A `timestamp` ends in 2038; sessions are in UTC.
            Kind::Timestamp | Kind::DateTime => "datetime(6)",
            Kind::Date => "date",
            Kind::Time => "time(6)",
            Kind::Decimal => "decimal(38,10)",
            Kind::Uuid => "binary(16)",
            Kind::Json | Kind::Array(_) => "json",
            Kind::Named(name) => name,
        })
    }

    /// Keys have a bounded length.
    fn key_type_name(&self, kind: Kind) -> Cow<'static, str> {
        match kind {
            Kind::Text => "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin".into(),
            Kind::Bytes => "varbinary(255)".into(),
            other => self.type_name(other),
        }
    }

    fn cast_name(&self, kind: Kind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            Kind::Bool | Kind::Int(_) | Kind::Interval => "signed",
            Kind::Text | Kind::Enum(_) | Kind::Json | Kind::Array(_) => "char",
            Kind::Bytes | Kind::Uuid => "binary",
            Kind::Decimal => "decimal(38,10)",
            other => return self.type_name(other),
        })
    }

    fn push_name(&self, name: &str, sql: &mut String) {
        if super::is_plain_name(name) && !RESERVED.contains(&name) {
            sql.push_str(name);
        } else {
            push_quoted(name, '"', sql);
        }
    }

    /// Parameters have no numbers.
    fn push_placeholder(&self, _: usize, sql: &mut String) {
        sql.push('?');
    }

    fn now(&self) -> &'static str {
        "CURRENT_TIMESTAMP(6)"
    }

    fn null_safe(&self) -> NullSafe {
        NullSafe::Spaceship
    }

    fn insensitive_like(&self) -> InsensitiveLike {
        InsensitiveLike::Lower
    }

    fn unlimited(&self) -> Option<&'static str> {
        Some("18446744073709551615")
    }

    fn generated_key(&self) -> GeneratedKey {
        GeneratedKey::LastInsertId
    }

    fn conflicts(&self) -> Conflicts {
        Conflicts::OnDuplicateKey
    }

    fn default_row(&self) -> &'static str {
        " () VALUES ()"
    }

    /// What is computed cannot be declared NOT NULL.
    fn computed_not_null(&self) -> bool {
        false
    }

    fn auto_key(&self, kind: Kind) -> String {
        format!("{} AUTO_INCREMENT PRIMARY KEY", self.type_name(kind))
    }

    fn deletes_what_refers_to_itself(&self) -> bool {
        false
    }

    /// A protocol number of 16 bits.
    fn parameters_max(&self) -> usize {
        65_535
    }

    /// Texts and numbers it sees.
    fn value_type(&self, kind: Kind) -> Option<Cow<'static, str>> {
        match kind {
            Kind::Bytes | Kind::Uuid => Some("binary".into()),
            Kind::Timestamp | Kind::DateTime | Kind::Date | Kind::Time => Some(self.type_name(kind)),
            _ => None,
        }
    }

    /// MariaDB has only the older form.
    fn share_lock(&self) -> &'static str {
        " LOCK IN SHARE MODE"
    }

    fn whole_division(&self) -> &'static str {
        " DIV "
    }

    /// Its `length` counts bytes.
    fn function_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        Cow::Borrowed(match name {
            "length" => "char_length",
            other => other,
        })
    }

    fn write_join(&self) -> WriteJoin {
        WriteJoin::Join
    }

    fn spelling(&self, function: Portable) -> Option<&'static str> {
        Some(spelling::mysql::spelling(function))
    }

    fn time_plus(&self, kind: Kind, interval: Interval) -> Option<(String, String)> {
        Some(spelling::mysql::time_plus(kind, interval))
    }

    fn json_path(&self, path: &[JsonStep]) -> std::result::Result<String, CompileError> {
        spelling::mysql::json_path(path)
    }

    fn elements(&self, element: Kind) -> Option<(Cow<'static, str>, Cow<'static, str>, bool)> {
        let declared = match element {
            // Their digits are a text there.
            Kind::Uuid => return None,
            Kind::Enum(_) => self.type_name(Kind::Text),
            other => self.type_name(other),
        };
        let after = format!(", '$[*]' COLUMNS (value {declared} PATH '$'))");
        Some(("JSON_TABLE(".into(), after.into(), false))
    }

    fn array_aggregate(&self) -> Option<(&'static str, &'static str)> {
        Some(("JSON_ARRAYAGG", "'[]'"))
    }

    fn joined_texts(&self) -> JoinedTexts {
        JoinedTexts::GroupConcat
    }

    fn begin(&self, mode: TransactionMode) -> &'static str {
        match mode {
            TransactionMode::ReadOnly => "START TRANSACTION READ ONLY",
            TransactionMode::Deferred | TransactionMode::Write => "START TRANSACTION",
        }
    }

    /// A column has one collation: that of the type makes room.
    fn with_collation(&self, declared: &str, collation: &str) -> String {
        let bare = declared
            .split_once(" CHARACTER SET ")
            .map_or(declared, |(bare, _)| bare);
        let mut sql = format!("{bare} COLLATE ");
        self.push_name(collation, &mut sql);
        sql
    }

    fn comments(&self) -> Comments {
        Comments::Inline
    }

    fn drop_foreign_key(&self) -> Option<&'static str> {
        Some("DROP FOREIGN KEY")
    }

    fn begin_isolated(
        &self,
        mode: TransactionMode,
        level: Isolation,
    ) -> std::result::Result<Option<Cow<'static, str>>, CompileError> {
        // Without SESSION it is the level of the next transaction only.
        let (level, begin) = (level.sql(), self.begin(mode));
        Ok(Some(
            format!("SET TRANSACTION ISOLATION LEVEL {level}; {begin}").into(),
        ))
    }

    fn as_reflected(&self, connection: &mut Connection, wanted: &Schema) -> Result<Schema> {
        reflect::wanted::mysql(connection, self, wanted)
    }

    fn alter_table(&self) -> AlterTable {
        AlterTable::Modify
    }

    fn migration_lock(&self) -> Option<MigrationLock> {
        Some(MigrationLock {
            acquire: "SELECT GET_LOCK(concat('aludel.migrate.', DATABASE()), 0)",
            release: "DO RELEASE_LOCK(concat('aludel.migrate.', DATABASE()))",
        })
    }

    /// There is no statement that looks for rows that refer to nothing.
    fn foreign_key_switch(&self) -> Option<ForeignKeySwitch> {
        Some(ForeignKeySwitch {
            is_on: "SELECT @@foreign_key_checks",
            off: "SET foreign_key_checks = 0",
            on: "SET foreign_key_checks = 1",
            check: None,
        })
    }

    fn reflect(&self, connection: &mut Connection) -> Result<Schema> {
        reflect::mysql::schema(connection)
    }
}

/// Words that are reserved here and nowhere else.
const RESERVED: [&str; 12] = [
    "accessible",
    "cume_dist",
    "dense_rank",
    "empty",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
];
