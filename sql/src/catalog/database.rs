//! An open database of a connection: main, temp, or attached.

use std::sync::Arc;

use aludel_storage::format::{AutoVacuum, PageNo, TextEncoding};
use aludel_storage::pager::{Pager, TransactionState};

use super::builder::fold;
use super::environment::Collations;
use super::read::{SCHEMA_TABLE_NAMES, TEMP_SCHEMA_TABLE_NAMES, read_schema};
use super::schema::{Schema, Table};
use crate::error::{Error, Result};

/// Where the schema cookie lies on page 1.
const COOKIE_OFFSET: usize = 40;

/// A database file (or in-memory database) as a connection has it open.
pub struct Database {
    /// `main`, `temp`, or the name given to ATTACH.
    pub name: String,
    /// The path of the file; empty for a database in memory.
    pub path: String,
    /// The store.
    pub pager: Pager,
    /// Its schema as last read; its cookie is compared with the file's in each transaction.
    pub schema: Arc<Schema>,
    /// PRAGMA cache_size: pages, or KiB when negative. See [`Database::set_cache_size`].
    pub cache_size: i64,
    /// PRAGMA secure_delete: 0 off, 1 on, 2 fast.
    pub secure_delete: i64,
    /// PRAGMA page_size and PRAGMA auto_vacuum of a database that has pages: what the next VACUUM makes of it.
    pub next_page_size: Option<u32>,
    /// See `next_page_size`.
    pub next_auto_vacuum: Option<AutoVacuum>,
    /// PRAGMA page_checksum, likewise.
    pub next_page_checksum: Option<bool>,
    /// The pager's change token when the schema was last found to be current; `None` until it was read.
    checked_at: Option<u64>,
    /// The open transaction changed the schema.
    schema_changed: bool,
    encoding: TextEncoding,
    is_temporary: bool,
}

impl Database {
    /// A database whose schema was not read yet.
    pub fn new(name: impl Into<String>, path: impl Into<String>, pager: Pager) -> Database {
        let name = name.into();
        Database {
            is_temporary: name == "temp",
            name,
            path: path.into(),
            pager,
            schema: Arc::default(),
            cache_size: -2000,
            secure_delete: 0,
            next_page_size: None,
            next_auto_vacuum: None,
            next_page_checksum: None,
            checked_at: None,
            schema_changed: false,
            encoding: TextEncoding::Utf8,
        }
    }

    /// How much memory pages may take: so many, or so many KiB when negative. It bounds the cache of a file that is not mapped, and from then on
    /// also the changed pages of a transaction; what is more goes to a temporary file. With `spills` off nothing does.
    pub fn set_cache_size(&mut self, size: i64, spills: bool) {
        self.cache_size = size;
        let page_size = self.pager.page_size();
        let amount = usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX);
        let bytes = amount.saturating_mul(if size < 0 { 1024 } else { page_size });
        self.pager.set_cache_pages(bytes / page_size);
        self.pager
            .set_spill_limit(if spills { bytes } else { usize::MAX });
    }

    /// The encoding of texts in the file, as of the schema that was last read or written.
    #[inline]
    pub fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// The encoding that texts have as bytes: that of the file, or of the file to come where nothing was written yet.
    pub fn text_encoding(&self) -> TextEncoding {
        match self.pager.page_count() {
            0 => self.pager.encoding(),
            _ => self.schema.encoding,
        }
    }

    /// Whether this is the database of temporary tables.
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Sees to it that `schema` is the one of the open transaction. True when it was read anew.
    ///
    /// Costs a comparison when no other connection committed since the last call, else a look at the cookie.
    pub fn refresh_schema(&mut self, collations: &dyn Collations) -> Result<bool> {
        let token = self.pager.change_token();
        if self.checked_at == Some(token) {
            return Ok(false);
        }
        if self.checked_at.is_some() && self.cookie()? == self.schema.cookie {
            self.checked_at = Some(token);
            return Ok(false);
        }
        let mut schema = read_schema(&self.pager, self.schema_table_names(), collations)?;
        if self.schema_changed {
            keep_connected(&self.schema, &mut schema);
        }
        self.schema = Arc::new(schema);
        self.encoding = self.schema.encoding;
        self.checked_at = Some(token);
        Ok(true)
    }

    /// Whether a snapshot is open, and the schema is its own: then there is nothing to begin, and nothing to refresh.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.pager.state() != TransactionState::None && self.checked_at == Some(self.pager.change_token())
    }

    /// Puts a schema in place that the open transaction has just written.
    ///
    /// # Errors
    /// Those of reading the header.
    pub fn replace_schema(&mut self, schema: Schema) -> Result<()> {
        self.encoding = self.pager.header()?.encoding;
        self.schema = Arc::new(schema);
        self.checked_at = Some(self.pager.change_token());
        self.schema_changed = true;
        Ok(())
    }

    /// Reads the schema again after the open transaction rewrote its texts.
    pub fn reload_schema(&mut self, collations: &dyn Collations) -> Result<()> {
        self.schema_changed = true;
        self.checked_at = None;
        self.refresh_schema(collations).map(|_| ())
    }

    /// A virtual table of the schema was connected.
    pub fn add_connected(&mut self, table: Table) {
        let schema = Arc::make_mut(&mut self.schema);
        schema.tables.insert(fold(&table.name), Arc::new(table));
    }

    /// Every root moved: the schema is read again before it is used next, also if the change is undone.
    pub fn forget_roots(&mut self) {
        self.schema_changed = true;
        self.checked_at = None;
    }

    /// The transaction that may have changed the schema is over.
    pub fn keep_schema(&mut self) {
        self.schema_changed = false;
    }

    /// The transaction, or a part of it, was undone: a schema that it changed is read anew before it is used next. True when there is
    /// such a one. After a part, what is read is still the open transaction's, so the mark stays until that ends.
    pub fn forget_changed_schema(&mut self) -> bool {
        if self.schema_changed {
            self.checked_at = None;
        }
        self.schema_changed
    }

    /// Whether the schema was read at all.
    pub fn knows_schema(&self) -> bool {
        self.checked_at.is_some()
    }

    /// The schema is read anew before it is used next.
    pub fn forget_schema(&mut self) {
        self.checked_at = None;
    }

    /// Names of the schema table.
    pub fn schema_table_names(&self) -> &'static [&'static str] {
        if self.is_temporary {
            &TEMP_SCHEMA_TABLE_NAMES
        } else {
            &SCHEMA_TABLE_NAMES
        }
    }

    /// The schema cookie of the open transaction.
    pub fn cookie(&self) -> Result<u32> {
        let page = self.pager.page(PageNo::ONE)?;
        match page.get(COOKIE_OFFSET..COOKIE_OFFSET + 4) {
            Some(&[a, b, c, d]) => Ok(u32::from_be_bytes([a, b, c, d])),
            _ => Err(Error::from(aludel_storage::error::corrupt(
                PageNo::ONE,
                0,
                "page 1 is too short",
            ))),
        }
    }
}

/// Virtual tables stay connected over changes of this connection's own that do not concern them: they may hold back rows that are yet to be written.
fn keep_connected(old: &Schema, new: &mut Schema) {
    for (key, definition) in &new.virtual_tables {
        let known = old.tables.get(key).filter(|table| table.is_virtual());
        if let Some(table) = known.filter(|table| table.sql == definition.sql) {
            new.tables.insert(key.clone(), Arc::clone(table));
        }
    }
}
