//! JSON in expressions: paths into documents, lengths and elements of arrays.

use super::operand::Operand;
use super::portable::Portable;
use super::tree::{Expr, Node};
use crate::types::{ColumnType, Kind, Value};

/// One step of a path into JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonStep {
    /// The member of an object.
    Key(String),
    /// The element of an array, from 0.
    Index(usize),
}

/// A path into JSON: a key, an index, or a tuple or `Vec` of these.
///
/// ```
/// use aludel::expr::{JsonPath, JsonStep};
///
/// assert_eq!(("a", 0).steps(), [JsonStep::Key("a".into()), JsonStep::Index(0)]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no path into JSON: give a key, an index, or a tuple such as `(\"tags\", 0)`"
)]
pub trait JsonPath {
    /// Its steps.
    fn steps(self) -> Vec<JsonStep>;
}

impl JsonPath for &str {
    fn steps(self) -> Vec<JsonStep> {
        vec![JsonStep::Key(self.to_owned())]
    }
}

impl JsonPath for usize {
    fn steps(self) -> Vec<JsonStep> {
        vec![JsonStep::Index(self)]
    }
}

impl JsonPath for Vec<JsonStep> {
    fn steps(self) -> Vec<JsonStep> {
        self
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: JsonPath),*> JsonPath for ($($name,)*) {
            #[allow(non_snake_case)]
            fn steps(self) -> Vec<JsonStep> {
                let ($($name,)*) = self;
                [$($name.steps()),*].concat()
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

/// A type of columns that keep JSON.
#[diagnostic::on_unimplemented(message = "a `{Self}` column is no JSON")]
pub trait JsonColumn: ColumnType {}

impl<T: JsonColumn> JsonColumn for Option<T> where Option<T>: ColumnType {}

#[cfg(feature = "json")]
impl JsonColumn for serde_json::Value {}

#[cfg(feature = "json")]
impl<T> JsonColumn for crate::types::Json<T> where crate::types::Json<T>: ColumnType {}

/// What JSON has besides the operators of all [`Operand`]s.
///
/// ```
/// # #[cfg(feature = "json")]
/// # fn main() -> aludel::Result<()> {
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Page {
///     #[column(primary_key)]
///     id: Id<Page>,
///     data: serde_json::Value,
/// }
///
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Page])?;
/// let mut session = engine.session()?;
/// session.add(Page::new(serde_json::json!({"title": "Home", "tags": ["new", "hot"]})));
/// let first: Option<String> = session
///     .query::<Page>()
///     .filter(|p| p.data.json::<String>("title").eq("Home"))
///     .select(|p| p.data.json::<String>(("tags", 0)))
///     .fetch_one()?;
/// assert_eq!(first.as_deref(), Some("new"));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "json"))]
/// # fn main() {}
/// ```
pub trait JsonOperand: Operand {
    /// What is at that place, as a `T`; NULL where nothing is, or JSON's `null`.
    fn json<T: ColumnType>(self, path: impl JsonPath) -> Expr<T::Nullable>
    where
        Self::Value: JsonColumn,
    {
        let function = match T::KIND {
            Kind::Int(_) => Portable::JsonInt,
            Kind::Real(_) => Portable::JsonReal,
            Kind::Bool => Portable::JsonBool,
            Kind::Json => Portable::JsonPart,
            _ => Portable::JsonText,
        };
        Expr::from_node(Node::JsonAt {
            function,
            operand: Box::new(self.node()),
            path: path.steps(),
        })
    }

    /// The number of elements of the array; NULL where it is none.
    fn json_length(self) -> Expr<Option<i64>>
    where
        Self::Value: JsonColumn,
    {
        Expr::from_node(Node::portable(Portable::JsonLength, [self.node()]))
    }

    /// Is this one of the array's elements? Takes a text or a whole number.
    fn json_has(self, element: impl Into<Value<'static>>) -> Expr<bool>
    where
        Self::Value: JsonColumn,
    {
        let element = element.into();
        let function = match element {
            Value::Int(_) => Portable::JsonHasInt,
            _ => Portable::JsonHasText,
        };
        Expr::from_node(Node::portable(function, [self.node(), Node::Value(element)]))
    }
}

impl<O: Operand> JsonOperand for O {}
