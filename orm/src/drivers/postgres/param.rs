//! A value as a parameter.

use std::error::Error;
use std::fmt::Write;

use postgres::types::{Format, IsNull, ToSql, Type, private::BytesMut};

use crate::types::Value;

/// A value that a statement is run with.
#[derive(Debug)]
pub(super) struct Param<'v>(pub(super) &'v Value<'v>);

type Done = Result<IsNull, Box<dyn Error + Sync + Send>>;

/// `-26:03:04.000005`: hours, minutes and seconds, the one form that servers of all versions read at any length.
fn interval(micros: i64, out: &mut BytesMut) -> std::fmt::Result {
    let (seconds, fraction) = (
        micros.unsigned_abs() / 1_000_000,
        micros.unsigned_abs() % 1_000_000,
    );
    let sign = if micros < 0 { "-" } else { "" };
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    write!(
        out,
        "{sign}{hours}:{minutes:02}:{:02}.{fraction:06}",
        seconds % 60
    )
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Done {
        match self.0 {
            Value::Null | Value::Absent => return Ok(IsNull::Yes),
            Value::Bool(b) if *ty == Type::BOOL => out.extend_from_slice(if *b { b"t" } else { b"f" }),
            Value::Bool(b) => out.extend_from_slice(if *b { b"1" } else { b"0" }),
            Value::Int(i) => write!(out, "{i}")?,
            Value::Interval(micros) => interval(*micros, out)?,
            Value::Real(r) if r.is_infinite() => {
                out.extend_from_slice(if *r > 0.0 { b"Infinity" } else { b"-Infinity" });
            }
            Value::Real(r) => write!(out, "{r:?}")?,
            Value::Text(t) if t.contains('\0') => {
                return Err("PostgreSQL cannot keep the character U+0000 in text".into());
            }
            Value::Text(t) | Value::Decimal(t) => out.extend_from_slice(t.as_bytes()),
            // Binary: a bytea, or the sixteen bytes of a UUID.
            Value::Bytes(b) => out.extend_from_slice(b),
            Value::Array(array) if array.json().contains("\\u0000") => {
                return Err("PostgreSQL cannot keep the character U+0000 in text".into());
            }
            Value::Array(array) => out.extend_from_slice(array.postgresql().as_bytes()),
            Value::Pending(_) => return Err("a handle can only be bound by its session".into()),
        }
        Ok(IsNull::No)
    }

    /// The server reads the text as what it expects, or says what is wrong with it.
    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.0 {
            Value::Bytes(_) => Format::Binary,
            _ => Format::Text,
        }
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Done {
        self.to_sql(ty, out)
    }
}
