//! UUIDs, by the crate `uuid`: sixteen bytes. Text in the usual form is read as well.

use std::borrow::Cow;

use uuid::Uuid;

use super::{ColumnType, DecodeError, KeyPart, Kind, Value};

impl ColumnType for Uuid {
    type Base = Uuid;
    type Nullable = Option<Uuid>;
    const KIND: Kind = Kind::Uuid;

    fn encode(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self.as_bytes()))
    }

    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        let uuid = match &value {
            Value::Bytes(bytes) => Uuid::from_slice(bytes).ok(),
            Value::Text(text) => Uuid::parse_str(text).ok(),
            _ => None,
        };
        uuid.ok_or_else(|| DecodeError::new("a UUID (16 bytes, or text)", &value))
    }
}

impl KeyPart for Uuid {
    fn key_part(&self) -> Option<Uuid> {
        Some(*self)
    }
}

crate::column_literals!(Uuid);
