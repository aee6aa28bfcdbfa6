//! JSON columns.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ColumnType, DecodeError, Kind, Value};

/// Any serializable type as a JSON column.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Page {
///     #[column(primary_key)]
///     id: Id<Page>,
///     tags: Json<Vec<String>>,
/// }
///
/// let page = Page::new(Json(vec!["new".to_owned()]));
/// assert_eq!(page.tags.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Json<T> {
        Json(value)
    }
}

/// What cannot be written as JSON (a map whose keys are no text) becomes NULL.
impl<T: Serialize + DeserializeOwned + 'static> ColumnType for Json<T> {
    type Base = Json<T>;
    type Nullable = Option<Json<T>>;
    const KIND: Kind = Kind::Json;

    fn encode(&self) -> Value<'_> {
        serde_json::to_string(&self.0).map_or(Value::Null, |text| Value::Text(Cow::Owned(text)))
    }

    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match &value {
            Value::Text(text) => serde_json::from_str(text)
                .map(Json)
                .map_err(|_| DecodeError::new("JSON of this type", &value)),
            other => Err(DecodeError::new("JSON", other)),
        }
    }
}

impl ColumnType for serde_json::Value {
    type Base = serde_json::Value;
    type Nullable = Option<serde_json::Value>;
    const KIND: Kind = Kind::Json;

    fn encode(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }

    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match &value {
            Value::Text(text) => serde_json::from_str(text).map_err(|_| DecodeError::new("JSON", &value)),
            other => Err(DecodeError::new("JSON", other)),
        }
    }
}

crate::column_literals!(serde_json::Value);
