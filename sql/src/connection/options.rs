//! How a database is opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aludel_storage::pager::{Pager, PagerOptions};
use aludel_storage::vfs::{OsVfs, Vfs};

use crate::catalog::Database;
use crate::error::Result;

/// Options of [`Connection::open_with`](super::Connection::open_with).
///
/// ```
/// use std::time::Duration;
/// use aludel_sql::{Connection, OpenOptions};
///
/// let options = OpenOptions::new().busy_timeout(Duration::from_secs(5));
/// let connection = Connection::open_with(":memory:", &options)?;
/// # Ok::<(), aludel_sql::Error>(())
/// ```
#[derive(Clone)]
pub struct OpenOptions {
    read_only: bool,
    create: bool,
    uri: bool,
    busy_timeout: Duration,
    mmap: bool,
    reserved_bytes: u8,
    vfs: Option<Arc<dyn Vfs>>,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// Reading and writing, creating the file if there is none; no waiting for locks.
    pub fn new() -> OpenOptions {
        OpenOptions {
            read_only: false,
            create: true,
            uri: false,
            busy_timeout: Duration::ZERO,
            mmap: true,
            reserved_bytes: 0,
            vfs: None,
        }
    }

    /// Never write to the file.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> OpenOptions {
        self.read_only = read_only;
        self
    }

    /// Create the file if there is none.
    #[must_use]
    pub fn create(mut self, create: bool) -> OpenOptions {
        self.create = create;
        self
    }

    /// Take a name that begins with `file:` for a URI: `file:data.db?mode=ro`.
    #[must_use]
    pub fn uri(mut self, uri: bool) -> OpenOptions {
        self.uri = uri;
        self
    }

    /// How long to wait for another connection's lock.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> OpenOptions {
        self.busy_timeout = timeout;
        self
    }

    /// Read the file through a memory map (else through a page cache).
    #[must_use]
    pub fn mmap(mut self, mmap: bool) -> OpenOptions {
        self.mmap = mmap;
        self
    }

    /// How many bytes at the end of each page a database that is created leaves to others (extensions that encrypt, page checksums).
    #[must_use]
    pub fn reserved_bytes(mut self, count: u8) -> OpenOptions {
        self.reserved_bytes = count;
        self
    }

    /// The world that files are in.
    #[must_use]
    pub fn vfs(mut self, vfs: Arc<dyn Vfs>) -> OpenOptions {
        self.vfs = Some(vfs);
        self
    }

    pub(super) fn timeout(&self) -> Duration {
        self.busy_timeout
    }

    /// The world that files are in, chosen or not.
    pub(crate) fn world(&self) -> Arc<dyn Vfs> {
        self.vfs.clone().unwrap_or_else(|| Arc::new(OsVfs::new()))
    }

    fn pager_options(&self) -> PagerOptions {
        let mut options = PagerOptions::default();
        options.create = self.create && !self.read_only;
        options.read_only = self.read_only;
        options.busy_timeout = self.busy_timeout;
        options.reserved = self.reserved_bytes;
        if !self.mmap {
            options.mmap_limit = 0;
        }
        options
    }

    /// Whether `path` names a database in memory.
    pub(super) fn is_memory(&self, path: &str) -> bool {
        Place::of(path, self.uri, &mut PagerOptions::default()).memory
    }

    /// Opens the one database of a world in memory, which others may have open.
    pub(super) fn open_shared_memory(&self, name: &str, world: Arc<dyn Vfs>) -> Result<Database> {
        let pager = Pager::open(world, Path::new("shared"), &self.pager_options())?;
        Ok(Database::new(name, "", pager))
    }

    /// Opens the database that `path` names: a file, or one in memory for `:memory:` and the empty name.
    pub(crate) fn open_database(&self, name: &str, path: &str) -> Result<Database> {
        let mut options = self.pager_options();
        let place = Place::of(path, self.uri, &mut options);
        if place.memory {
            let pager = if path.is_empty() {
                Pager::temporary(self.world(), &options)?
            } else {
                Pager::in_memory(&options)?
            };
            return Ok(Database::new(name, "", pager));
        }
        let pager = Pager::open(self.world(), Path::new(&place.path), &options)?;
        Ok(Database::new(name, place.path, pager))
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("read_only", &self.read_only)
            .field("create", &self.create)
            .field("uri", &self.uri)
            .field("busy_timeout", &self.busy_timeout)
            .field("mmap", &self.mmap)
            .finish_non_exhaustive()
    }
}

/// What the name of a database says.
struct Place {
    path: String,
    memory: bool,
}

impl Place {
    fn of(name: &str, uri: bool, options: &mut PagerOptions) -> Place {
        let Some(rest) = name.strip_prefix("file:").filter(|_| uri) else {
            return Place {
                path: name.to_owned(),
                memory: name.is_empty() || name == ":memory:",
            };
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.split('#').next().unwrap_or(path);
        let path = match path.strip_prefix("//") {
            Some(authority) => authority.find('/').map_or("", |slash| &authority[slash..]),
            None => path,
        };
        let path = percent_decoded(path);
        let mut memory = path.is_empty() || path == ":memory:";
        for parameter in query.split('#').next().unwrap_or("").split('&') {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("mode", "ro") => (options.read_only, options.create) = (true, false),
                ("mode", "rw") => options.create = false,
                ("mode", "memory") => memory = true,
                ("immutable", "1" | "true" | "yes" | "on") => options.read_only = true,
                _ => {}
            }
        }
        Place { path, memory }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let coded = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match coded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                rest = &after[2..];
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
