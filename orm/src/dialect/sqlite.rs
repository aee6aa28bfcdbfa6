//! SQLite's dialect: the native engine's, and the C library's.

use std::borrow::Cow;

use super::{
    AlterTable, CompileError, Dialect, Feature, ForeignKeySwitch, GeneratedKey, InsensitiveLike, Isolation,
    NullSafe, TransactionMode, WriteJoin, spelling,
};
use crate::engine::Connection;
use crate::error::Result;
use crate::expr::{Interval, Portable};
use crate::schema::{Schema, reflect};
use crate::types::Kind;

/// SQLite's SQL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqlite;

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn supports(&self, feature: Feature) -> bool {
        match feature {
            Feature::IncludeColumns => false,
            Feature::Returning
            | Feature::NullsOrder
            | Feature::AggregateFilter
            | Feature::Window
            | Feature::FullJoin
            | Feature::MaterializedHint
            | Feature::ValuesList
            | Feature::PartialIndex
            | Feature::ExpressionIndex
            | Feature::DeferrableKeys
            | Feature::IndexIfNotExists
            | Feature::StatementRollback
            | Feature::VirtualColumns
            | Feature::TransactionalDdl
            | Feature::ForwardReferences => true,
            Feature::Lateral | Feature::RowLocks => false,
        }
    }

    fn type_name(&self, kind: Kind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            Kind::Bool => "BOOLEAN",
            Kind::Int(_) => "INTEGER",
            Kind::Real(_) => "REAL",
            Kind::Text => "TEXT",
            Kind::Bytes => "BLOB",
            // The names tell what is meant; what is kept is text that such a column leaves as it is.
            Kind::Timestamp => "TIMESTAMP",
            Kind::DateTime => "DATETIME",
            Kind::Date => "DATE",
            Kind::Time => "TIME",
            Kind::Decimal => "DECIMAL",
            // INTEGER affinity, as the name has "INT" in it.
            Kind::Interval => "INTERVAL",
            Kind::Uuid => "UUID",
            // TEXT affinity: under a name of its own, the JSON text `1` would be made a number.
            Kind::Json | Kind::Array(_) | Kind::Enum(_) => "TEXT",
            Kind::Named(name) => name,
        })
    }

    fn strict_type_name(&self, kind: Kind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            Kind::Bool | Kind::Interval => "INTEGER",
            Kind::Timestamp | Kind::DateTime | Kind::Date | Kind::Time => "TEXT",
            Kind::Decimal => "ANY",
            Kind::Uuid => "BLOB",
            other => return self.type_name(other),
        })
    }

    fn null_safe(&self) -> NullSafe {
        NullSafe::Is
    }

    fn insensitive_like(&self) -> InsensitiveLike {
        InsensitiveLike::Like
    }

    fn boolean(&self, value: bool) -> &'static str {
        if value { "1" } else { "0" }
    }

    fn unlimited(&self) -> Option<&'static str> {
        Some("-1")
    }

    fn generated_key(&self) -> GeneratedKey {
        GeneratedKey::LastInsertId
    }

    /// `INTEGER PRIMARY KEY` is the rowid itself.
    fn auto_key(&self, _: Kind) -> String {
        "INTEGER PRIMARY KEY".to_owned()
    }

    /// What ALTER TABLE cannot, a new table can.
    fn drop_foreign_key(&self) -> Option<&'static str> {
        None
    }

    fn defer_foreign_keys(&self) -> Option<&'static str> {
        Some("PRAGMA defer_foreign_keys = ON")
    }

    fn reflect(&self, connection: &mut Connection) -> Result<Schema> {
        reflect::sqlite::schema(connection)
    }

    fn write_join(&self) -> WriteJoin {
        WriteJoin::FromOrExists
    }

    fn spelling(&self, function: Portable) -> Option<&'static str> {
        Some(spelling::sqlite::spelling(function))
    }

    fn time_plus(&self, kind: Kind, interval: Interval) -> Option<(String, String)> {
        Some(spelling::sqlite::time_plus(kind, interval))
    }

    fn elements(&self, element: Kind) -> Option<(Cow<'static, str>, Cow<'static, str>, bool)> {
        // Their digits are a text there.
        let known = element != Kind::Uuid;
        known.then(|| ("json_each(".into(), ")".into(), false))
    }

    fn array_aggregate(&self) -> Option<(&'static str, &'static str)> {
        Some(("json_group_array", "'[]'"))
    }

    fn as_reflected(&self, _: &mut Connection, wanted: &Schema) -> Result<Schema> {
        reflect::wanted::sqlite(wanted)
    }

    fn alter_table(&self) -> AlterTable {
        AlterTable::Rebuild
    }

    fn foreign_key_switch(&self) -> Option<ForeignKeySwitch> {
        Some(ForeignKeySwitch {
            is_on: "PRAGMA foreign_keys",
            off: "PRAGMA foreign_keys = OFF",
            on: "PRAGMA foreign_keys = ON",
            check: Some("PRAGMA foreign_key_check"),
        })
    }

    fn begin(&self, mode: TransactionMode) -> &'static str {
        match mode {
            TransactionMode::Write => "BEGIN IMMEDIATE",
            TransactionMode::Deferred | TransactionMode::ReadOnly => "BEGIN",
        }
    }

    fn begin_isolated(
        &self,
        _: TransactionMode,
        _: Isolation,
    ) -> std::result::Result<Option<Cow<'static, str>>, CompileError> {
        // All of its transactions are serializable.
        Ok(None)
    }
}
