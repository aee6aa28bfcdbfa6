//! Arrays as columns: `Vec<T>`, native on PostgreSQL and JSON text elsewhere.
//!
//! ```text
//!   vec!["a", "b"] --encode--> Value::Array, as the text ["a","b"] and the kind of its elements
//!                                 │  SQLite, MySQL: that text            PostgreSQL: {"a","b"} of the type text[]
//!   Vec<String>    <--decode-- Value::Array or Text
//! ```
//!
//! The text is JSON without blanks, written in one way only, so that equal arrays are equal texts on backends that compare texts. What JSON has not is
//! written as a text: infinities and NaN by their names, UUIDs as 32 digits. `Vec<u8>` is no array but bytes.

use std::borrow::Cow;
use std::fmt::Write;

use super::{ColumnType, DecodeError, Id, Kind, Value};

/// What can be an element of an array column: numbers, truth values, texts, dates and times, UUIDs, enums that are kept as text, and `Option`s of
/// these. For a newtype of one of these, implement it without a word: `impl aludel::types::Element for Tag {}`.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Post {
///     #[column(primary_key)]
///     id: Id<Post>,
///     tags: Vec<String>,
///     scores: Option<Vec<Option<f64>>>,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Post])?;
/// let mut session = engine.session()?;
/// session.add(Post::new(["rust", "sql"].map(String::from)));
/// let found = session.query::<Post>().filter(|p| p.tags.has("rust") & p.tags.len().lt(3));
/// assert_eq!(found.count()?, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an element of an array column",
    note = "keep it as `Json<Vec<..>>`, or in a table of its own"
)]
pub trait Element: ColumnType {}

macro_rules! elements {
    ($($ty:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Element for $ty {}
    )*};
}
elements!(i8 i16 i32 i64 u16 u32 f32 f64 bool String);
#[cfg(feature = "jiff")]
elements!(jiff::Timestamp jiff::civil::DateTime jiff::civil::Date jiff::civil::Time);
#[cfg(feature = "uuid")]
elements!(uuid::Uuid);

#[diagnostic::do_not_recommend]
impl<T: 'static> Element for Id<T> {}

#[diagnostic::do_not_recommend]
impl<T: Element> Element for Option<T> {}

#[diagnostic::do_not_recommend]
impl<T: Element> ColumnType for Vec<T> {
    type Base = Vec<T>;
    type Nullable = Option<Vec<T>>;
    const KIND: Kind = Kind::Array(&T::KIND);

    fn encode(&self) -> Value<'_> {
        Value::Array(Box::new(Array::of(T::KIND, self.iter().map(T::encode))))
    }

    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        let elements = match &value {
            Value::Array(array) => decoded(&array.json),
            Value::Text(text) => decoded(text),
            _ => None,
        };
        match elements {
            Some(elements) => elements,
            None => Err(DecodeError::new("an array", &value)),
        }
    }
}

/// The elements of that text; `None` where it is no array of scalars.
fn decoded<T: Element>(json: &str) -> Option<Result<Vec<T>, DecodeError>> {
    let mut elements = Vec::new();
    for item in items(json) {
        match T::decode(item?.value(T::KIND)) {
            Ok(element) => elements.push(element),
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(elements))
}

/// An array as a value: its elements as JSON, and what they are.
///
/// ```
/// use aludel::{ColumnType, Kind, Value};
///
/// let tags = vec!["a".to_owned(), "b \"c\"".to_owned()];
/// let Value::Array(array) = tags.encode() else { unreachable!() };
/// assert_eq!(array.json(), r#"["a","b \"c\""]"#);
/// assert_eq!(array.element(), Kind::Text);
/// ```
#[derive(Clone, Debug)]
pub struct Array {
    json: String,
    element: Kind,
}

/// The same elements.
impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        self.json == other.json
    }
}

impl Array {
    /// An array of these elements.
    pub fn of<'v>(element: Kind, elements: impl IntoIterator<Item = Value<'v>>) -> Array {
        let mut json = String::from("[");
        for value in elements {
            if json.len() > 1 {
                json.push(',');
            }
            push_json(&value, &mut json);
        }
        json.push(']');
        Array { json, element }
    }

    /// The elements as JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What the elements are.
    pub fn element(&self) -> Kind {
        self.element
    }

    /// As PostgreSQL writes arrays: `{1,NULL,"text"}`.
    #[cfg(feature = "postgres")]
    pub(crate) fn postgresql(&self) -> String {
        let mut text = String::from("{");
        for item in items(&self.json).flatten() {
            if text.len() > 1 {
                text.push(',');
            }
            match item {
                Item::Null => text.push_str("NULL"),
                Item::Bool(flag) => text.push(if flag { 't' } else { 'f' }),
                Item::Number(digits) => text.push_str(digits),
                Item::Text(inner) => push_quoted(&inner, &mut text),
            }
        }
        text.push('}');
        text
    }
}

#[cfg(feature = "postgres")]
fn push_quoted(inner: &str, text: &mut String) {
    text.push('"');
    for c in inner.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

fn push_json(value: &Value<'_>, json: &mut String) {
    // Writing to a String does not fail.
    let _ = match value {
        Value::Bool(flag) => write!(json, "{flag}"),
        Value::Int(number) | Value::Interval(number) => write!(json, "{number}"),
        Value::Real(number) if number.is_finite() => write!(json, "{number:?}"),
        Value::Real(number) if number.is_nan() => write!(json, "\"NaN\""),
        Value::Real(number) => write!(json, "\"{}Infinity\"", if *number < 0.0 { "-" } else { "" }),
        Value::Text(text) | Value::Decimal(text) => {
            push_json_text(text, json);
            Ok(())
        }
        Value::Bytes(bytes) => {
            json.push('"');
            let done = bytes.iter().try_for_each(|byte| write!(json, "{byte:02x}"));
            json.push('"');
            done
        }
        _ => write!(json, "null"),
    };
}

/// A text as SQLite's JSON functions write it.
fn push_json_text(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            c if c < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

/// An element in the text of an array.
#[derive(Debug, PartialEq)]
enum Item<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    Text(Cow<'t, str>),
}

impl<'t> Item<'t> {
    fn value(self, kind: Kind) -> Value<'t> {
        match self {
            Item::Null => Value::Null,
            Item::Bool(flag) => Value::Bool(flag),
            Item::Number(digits) => match digits.parse() {
                Ok(whole) => Value::Int(whole),
                Err(_) => digits
                    .parse()
                    .map_or_else(|_| Value::Text(digits.into()), Value::Real),
            },
            // The names of what is no number in JSON.
            Item::Text(name) if matches!(kind, Kind::Real(_)) => match name.parse() {
                Ok(number) => Value::Real(number),
                Err(_) => Value::Text(name),
            },
            Item::Text(text) => Value::Text(text),
        }
    }
}

/// The elements of a JSON array; the last is `None` where the text is no array of scalars.
fn items(json: &str) -> Items<'_> {
    let inner = json
        .trim()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    Items {
        rest: inner.map(str::trim),
        begun: false,
    }
}

struct Items<'t> {
    /// What is still to be read; `None` after an error.
    rest: Option<&'t str>,
    begun: bool,
}

impl<'t> Iterator for Items<'t> {
    type Item = Option<Item<'t>>;

    fn next(&mut self) -> Option<Option<Item<'t>>> {
        let Some(rest) = self.rest else {
            // An error is told once.
            return match std::mem::replace(&mut self.begun, true) {
                true => None,
                false => Some(None),
            };
        };
        if rest.is_empty() {
            return None;
        }
        let read = match self.begun {
            true => rest.strip_prefix(',').and_then(|rest| item(rest.trim_start())),
            false => item(rest),
        };
        self.begun = true;
        self.rest = read.as_ref().map(|(_, rest)| rest.trim_start());
        Some(read.map(|(item, _)| item))
    }
}

/// The element at the beginning of the text, and what is behind it.
fn item(text: &str) -> Option<(Item<'_>, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        return quoted(inner);
    }
    let end = text.find([',', ' ', '\n', '\t', '\r']).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let item = match word {
        "null" => Item::Null,
        "true" => Item::Bool(true),
        "false" => Item::Bool(false),
        number if number.parse::<f64>().is_ok() => Item::Number(number),
        _ => return None,
    };
    Some((item, rest))
}

/// A text up to the quote that ends it.
fn quoted(inner: &str) -> Option<(Item<'_>, &str)> {
    let end = inner.find(['"', '\\'])?;
    let (plain, rest) = inner.split_at_checked(end)?;
    if let Some(rest) = rest.strip_prefix('"') {
        return Some((Item::Text(Cow::Borrowed(plain)), rest));
    }
    let mut text = plain.to_owned();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some((Item::Text(Cow::Owned(text)), chars.as_str())),
            '\\' => text.push(escaped(&mut chars)?),
            c => text.push(c),
        }
    }
}

/// The character that is meant by what stands behind a backslash.
fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let first = unit(chars)?;
            if !(0xD800..0xDC00).contains(&first) {
                return char::from_u32(first);
            }
            // The other half of a character beyond 16 bits.
            let second = chars.as_str().strip_prefix("\\u").map(|_| chars.nth(1));
            let second = second.and_then(|_| unit(chars))?.checked_sub(0xDC00)?;
            let second = (second < 0x400).then_some(second)?;
            char::from_u32(0x10000 + ((first - 0xD800) << 10) + second)?
        }
        other => other,
    })
}

/// Four hexadecimal digits.
fn unit(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let digits = chars.as_str().get(..4)?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    chars.nth(3);
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Element + Clone + PartialEq + std::fmt::Debug>(elements: &[T], json: &str) {
        let value = elements.to_vec();
        let Value::Array(array) = value.encode() else {
            panic!("no array")
        };
        assert_eq!(array.json(), json);
        assert_eq!(Vec::<T>::decode(Value::from(json)).unwrap(), value);
    }

    #[test]
    fn arrays_come_back() {
        round_trip::<i64>(&[], "[]");
        round_trip(&[1_i64, i64::MIN], "[1,-9223372036854775808]");
        round_trip(&[Some(1_i32), None], "[1,null]");
        round_trip(
            &[0.1, 1e300, 2.0, f64::NEG_INFINITY],
            r#"[0.1,1e300,2.0,"-Infinity"]"#,
        );
        round_trip(&[true, false], "[true,false]");
        let texts = ["", "a,b", "\"q\" \\ \n\u{1}", "Ünï 🦀", "null", "]"].map(String::from);
        round_trip(&texts, r#"["","a,b","\"q\" \\ \n\u0001","Ünï 🦀","null","]"]"#);
    }

    #[test]
    fn what_others_have_written_is_read() {
        let texts = |json: &'static str| Vec::<String>::decode(Value::from(json));
        assert_eq!(
            texts(" [ \"a\" , \"\\u00e9\\ud83e\\udd80\\/\" ] ").unwrap(),
            ["a", "é🦀/"]
        );
        assert_eq!(
            Vec::<bool>::decode(Value::from("[1, 0, true]")).unwrap(),
            [true, false, true]
        );
        for wrong in [
            "",
            "[",
            "a",
            "[a]",
            "[\"a]",
            "[1 2]",
            "[,]",
            "[1,]",
            "[[1]]",
            "{}",
            "[\"\\ud83e\"]",
            "[\"\\ud83e\\u0041\"]",
            "[\"\\u12\"]",
        ] {
            assert!(texts(wrong).is_err(), "{wrong}");
        }
        assert!(Vec::<i64>::decode(Value::Null).is_err());
        assert!(Vec::<i64>::decode(Value::from("[null]")).is_err());
        let error = Vec::<i8>::decode(Value::from("[1,300]")).unwrap_err().to_string();
        assert!(error.contains("from -128 to 127"), "{error}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn arrays_as_postgresql_writes_them() {
        let texts = vec![
            Some("a\"\\,{".to_owned()),
            None,
            Some("NULL".into()),
            Some(String::new()),
        ];
        let Value::Array(array) = texts.encode() else {
            panic!("no array")
        };
        assert_eq!(array.postgresql(), r#"{"a\"\\,{",NULL,"NULL",""}"#);
        let Value::Array(array) = vec![true, false].encode() else {
            panic!("no array")
        };
        assert_eq!(array.postgresql(), "{t,f}");
    }
}
