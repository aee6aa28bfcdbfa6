//! A contradiction in a file: what, where, and what it means.

use std::fmt;

use super::vocabulary::Code;

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// The page that is wrong.
    pub page: Option<u32>,
    /// The byte of that page.
    pub offset: Option<usize>,
    /// The table or index that it belongs to, where that is known.
    pub owner: Option<String>,
    /// What should be there.
    pub expected: Option<i64>,
    /// What is there.
    pub found: Option<i64>,
    /// All of it in words.
    pub message: String,
}

impl Finding {
    /// One that is about the whole file until it is given a page.
    pub fn new(code: Code, message: impl Into<String>) -> Finding {
        Finding {
            code,
            page: None,
            offset: None,
            owner: None,
            expected: None,
            found: None,
            message: message.into(),
        }
    }

    /// With a page.
    #[must_use]
    pub fn on(mut self, page: u32) -> Finding {
        self.page = Some(page);
        self
    }

    /// With a byte of its page.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Finding {
        self.offset = Some(offset);
        self
    }

    /// With what should be there and what is there.
    #[must_use]
    pub fn values(mut self, expected: impl TryInto<i64>, found: impl TryInto<i64>) -> Finding {
        (self.expected, self.found) = (expected.try_into().ok(), found.try_into().ok());
        self
    }

    /// With the table or index.
    #[must_use]
    pub fn of(mut self, owner: Option<&str>) -> Finding {
        self.owner = owner.map(str::to_owned);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(f, "page {page}")?;
            if let Some(offset) = self.offset {
                write!(f, ", offset {offset}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}
