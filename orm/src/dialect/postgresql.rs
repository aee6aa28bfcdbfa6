//! PostgreSQL's dialect.

use std::borrow::Cow;

use super::{
    Comments, CompileError, Dialect, Feature, InsensitiveLike, Isolation, MigrationLock, TransactionMode,
    push_number, spelling,
};
use crate::engine::Connection;
use crate::error::Result;
use crate::expr::{Interval, JsonStep, Portable};
use crate::schema::{Schema, reflect};
use crate::types::{Kind, Value};

/// PostgreSQL's SQL, from version 12 on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgresql;

impl Dialect for Postgresql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn supports(&self, feature: Feature) -> bool {
        !matches!(
            feature,
            Feature::ForwardReferences | Feature::StatementRollback | Feature::VirtualColumns
        )
    }

    fn type_name(&self, kind: Kind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            Kind::Bool => "boolean",
            Kind::Int(..=16) => "smallint",
            Kind::Int(17..=32) => "integer",
            Kind::Int(_) => "bigint",
            Kind::Real(..=32) => "real",
            Kind::Real(_) => "double precision",
            Kind::Text | Kind::Enum(_) => "text",
            Kind::Array(element) => return format!("{}[]", self.type_name(*element)).into(),
            Kind::Bytes => "bytea",
            Kind::Timestamp => "timestamptz",
            Kind::DateTime => "timestamp",
            Kind::Date => "date",
            Kind::Time => "time",
            Kind::Decimal => "numeric",
            Kind::Interval => "interval",
            Kind::Uuid => "uuid",
            Kind::Json => "jsonb",
            Kind::Named(name) => name,
        })
    }

    fn push_placeholder(&self, number: usize, sql: &mut String) {
        sql.push('$');
        push_number(number as u64, sql);
    }

    /// The server takes a bare parameter for text where nothing beside it says otherwise. Text and bytes are left to it: they may be dates,
    /// JSON, UUIDs.
    fn parameter_type(&self, value: &Value<'_>) -> Option<&'static str> {
        match value {
            Value::Bool(_) => Some("boolean"),
            Value::Int(_) => Some("bigint"),
            Value::Real(_) => Some("double precision"),
            Value::Decimal(_) => Some("numeric"),
            Value::Interval(_) => Some("interval"),
            Value::Array(array) => array_type(array.element()),
            _ => None,
        }
    }

    fn value_type(&self, kind: Kind) -> Option<Cow<'static, str>> {
        Some(self.type_name(kind))
    }

    fn insensitive_like(&self) -> InsensitiveLike {
        InsensitiveLike::Ilike
    }

    /// A protocol number of 16 bits.
    fn parameters_max(&self) -> usize {
        65_535
    }

    fn comments(&self) -> Comments {
        Comments::Apart
    }

    fn as_reflected(&self, connection: &mut Connection, wanted: &Schema) -> Result<Schema> {
        reflect::wanted::postgresql(connection, self, wanted)
    }

    fn views_hold_columns(&self) -> bool {
        true
    }

    fn migration_lock(&self) -> Option<MigrationLock> {
        Some(MigrationLock {
            acquire: "SELECT CASE WHEN pg_try_advisory_lock(hashtext('aludel.migrate'), hashtext(current_schema())) \
                      THEN 1 ELSE 0 END::bigint",
            release: "SELECT pg_advisory_unlock(hashtext('aludel.migrate'), hashtext(current_schema()))",
        })
    }

    fn reflect(&self, connection: &mut Connection) -> Result<Schema> {
        reflect::postgresql::schema(connection)
    }

    fn spelling(&self, function: Portable) -> Option<&'static str> {
        Some(spelling::postgresql::spelling(function))
    }

    fn time_plus(&self, kind: Kind, interval: Interval) -> Option<(String, String)> {
        Some(spelling::postgresql::time_plus(kind, interval))
    }

    fn elements(&self, _: Kind) -> Option<(Cow<'static, str>, Cow<'static, str>, bool)> {
        Some(("unnest(".into(), ")".into(), true))
    }

    fn array_aggregate(&self) -> Option<(&'static str, &'static str)> {
        Some(("array_agg", "'{}'"))
    }

    fn json_path(&self, path: &[JsonStep]) -> std::result::Result<String, CompileError> {
        Ok(spelling::postgresql::json_path(path))
    }

    fn begin(&self, mode: TransactionMode) -> &'static str {
        match mode {
            TransactionMode::ReadOnly => "BEGIN READ ONLY",
            TransactionMode::Deferred | TransactionMode::Write => "BEGIN",
        }
    }

    fn begin_isolated(
        &self,
        mode: TransactionMode,
        level: Isolation,
    ) -> std::result::Result<Option<Cow<'static, str>>, CompileError> {
        let access = match mode {
            TransactionMode::ReadOnly => "READ ONLY",
            TransactionMode::Deferred | TransactionMode::Write => "READ WRITE",
        };
        let level = level.sql();
        Ok(Some(format!("BEGIN ISOLATION LEVEL {level} {access}").into()))
    }
}

/// The type of an array of these.
fn array_type(element: Kind) -> Option<&'static str> {
    Some(match element {
        Kind::Bool => "boolean[]",
        Kind::Int(..=16) => "smallint[]",
        Kind::Int(17..=32) => "integer[]",
        Kind::Int(_) => "bigint[]",
        Kind::Real(..=32) => "real[]",
        Kind::Real(_) => "double precision[]",
        Kind::Text | Kind::Enum(_) => "text[]",
        Kind::Timestamp => "timestamptz[]",
        Kind::DateTime => "timestamp[]",
        Kind::Date => "date[]",
        Kind::Time => "time[]",
        Kind::Uuid => "uuid[]",
        _ => return None,
    })
}
