//! Engine URLs: which backend, which database, which options.
//!
//! ```text
//!   sqlite:///relative.db?busy_timeout=2000&pool_size=4
//!   |scheme|  |path      |options
//! ```

use std::time::Duration;

use url::form_urlencoded;

use super::pool::PoolOptions;
use crate::dialect::{Isolation, TransactionMode};
use crate::drivers::SqliteOptions;

/// What a URL says.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) backend: Backend,
    pub(crate) pool: PoolOptions,
    pub(crate) begin: Option<TransactionMode>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) echo: bool,
}

#[derive(Debug)]
pub(crate) enum Backend {
    /// SQLite's format, by our own engine.
    Native(SqliteOptions),
    /// SQLite's format, by the C library.
    SqliteC(
        #[cfg_attr(
            not(feature = "sqlite-c"),
            allow(dead_code, reason = "read by the driver behind the feature")
        )]
        SqliteOptions,
    ),
    /// A server, by the URL that its driver takes itself.
    Mysql(
        #[cfg_attr(
            not(feature = "mysql"),
            allow(dead_code, reason = "read by the driver behind the feature")
        )]
        String,
    ),
    /// As `Mysql`.
    Postgres(
        #[cfg_attr(
            not(feature = "postgres"),
            allow(dead_code, reason = "read by the driver behind the feature")
        )]
        String,
    ),
}

/// A URL that does not say which database to open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// There is no `scheme:` in front.
    #[error("`{url}` has no scheme: write `sqlite:///{url}` for a file, or `sqlite::memory:`")]
    NoScheme {
        /// The URL.
        url: String,
    },
    /// No driver has that scheme.
    #[error("no driver for `{scheme}:` URLs: known are {known}")]
    UnknownScheme {
        /// The scheme.
        scheme: String,
        /// The schemes there are.
        known: &'static str,
    },
    /// The driver is there, but not compiled in.
    #[error("`{scheme}:` URLs need the feature `{feature}` of the crate `aludel`")]
    MissingFeature {
        /// The scheme.
        scheme: String,
        /// The feature to turn on.
        feature: &'static str,
    },
    /// A name where a host would be.
    #[error(
        "`sqlite://{name}` names a host, and SQLite has none: write `sqlite:///{name}` for a path from here, `sqlite:////{name}` for one from the root"
    )]
    Host {
        /// What stands there.
        name: String,
    },
    /// An option that there is not.
    #[error("`{name}` is no option of this URL: known are {known}")]
    UnknownOption {
        /// The option.
        name: String,
        /// The options there are.
        known: &'static str,
    },
    /// An option with a value that it cannot have.
    #[error("`{name}={value}`: expected {expected}")]
    BadOption {
        /// The option.
        name: String,
        /// Its value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// The path is not text after its `%` escapes are undone.
    #[error("the path of `{url}` is not UTF-8")]
    BadPath {
        /// The URL.
        url: String,
    },
}

const SCHEMES: &str = "`sqlite`, `sqlite+c`, `postgres`, `mysql`";

const SQLITE_OPTIONS: &str = "`mode` (ro, rw, rwc), `busy_timeout` (milliseconds), `foreign_keys` (on, off), `journal_mode`, \
     `synchronous`, `cache_size`, `temp_store`, `locking_mode`, `begin` (deferred, immediate), `isolation` (read-uncommitted, read-committed, repeatable-read, \
     serializable), `pool_size`, `max_overflow`, \
     `pool_timeout` (milliseconds), `pool_recycle` (milliseconds), `pre_ping` (on, off), `echo` (on, off)";

/// Options of a server's URL that are the engine's; the others are the server's.
const ENGINE_OPTIONS: [&str; 8] = [
    "begin",
    "isolation",
    "pool_size",
    "max_overflow",
    "pool_timeout",
    "pool_recycle",
    "pre_ping",
    "echo",
];

/// Reads a URL.
pub(crate) fn parse(url: &str) -> Result<Target, UrlError> {
    let (scheme, rest) = url
        .split_once(':')
        .ok_or_else(|| UrlError::NoScheme { url: url.into() })?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut options = match scheme {
        "sqlite" | "sqlite+c" => sqlite_place(url, place)?,
        "postgres" | "postgresql" | "mysql" => return server(scheme, place, query),
        _ if scheme.len() == 1 || scheme.contains(['/', '\\', '.']) => {
            return Err(UrlError::NoScheme { url: url.into() });
        }
        _ => {
            return Err(UrlError::UnknownScheme {
                scheme: scheme.into(),
                known: SCHEMES,
            });
        }
    };
    let mut target = Target::of(Backend::Native(SqliteOptions::memory()));
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        sqlite_option(&name, &value, &mut options, &mut target)?;
    }
    target.backend = if scheme == "sqlite" {
        Backend::Native(options)
    } else {
        Backend::SqliteC(options)
    };
    Ok(target)
}

/// A server's URL: without the engine's own options it is what the server's driver reads.
fn server(scheme: &str, place: &str, query: &str) -> Result<Target, UrlError> {
    let mut target = Target::of(Backend::Postgres(String::new()));
    let mut own = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if ENGINE_OPTIONS.contains(&&*name) {
            engine_option(&name, &value, &mut target, SQLITE_OPTIONS)?;
        } else {
            own.append_pair(&name, &value);
        }
    }
    let own = own.finish().replace('+', "%20");
    let mark = if own.is_empty() { "" } else { "?" };
    let url = format!("{scheme}:{place}{mark}{own}");
    target.backend = match scheme {
        "mysql" => Backend::Mysql(url),
        _ => Backend::Postgres(url),
    };
    Ok(target)
}

impl Target {
    fn of(backend: Backend) -> Target {
        Target {
            backend,
            pool: PoolOptions::default(),
            begin: None,
            isolation: None,
            echo: false,
        }
    }
}

/// The database that the part between scheme and options names.
fn sqlite_place(url: &str, place: &str) -> Result<SqliteOptions, UrlError> {
    let path = match place.strip_prefix("//") {
        // `sqlite::memory:`, `sqlite:relative.db`
        None => place,
        Some("") => return Ok(SqliteOptions::memory()),
        Some(":memory:") => ":memory:",
        // The third slash only ends the empty host: what follows it is the path.
        Some(after) => after
            .strip_prefix('/')
            .ok_or_else(|| UrlError::Host { name: after.into() })?,
    };
    match path {
        "" | ":memory:" => Ok(SqliteOptions::memory()),
        escaped => percent_decoded(escaped)
            .map(SqliteOptions::file)
            .ok_or_else(|| UrlError::BadPath { url: url.into() }),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

fn sqlite_option(
    name: &str,
    value: &str,
    options: &mut SqliteOptions,
    target: &mut Target,
) -> Result<(), UrlError> {
    let bad = |expected| bad_option(name, value, expected);
    match name {
        "mode" => match value {
            "ro" => options.read_only = true,
            "rw" => options.create = false,
            "rwc" => {}
            "memory" => options.path = None,
            _ => return Err(bad("`ro`, `rw`, `rwc` or `memory`")),
        },
        "busy_timeout" => options.busy_timeout = milliseconds(name, value)?,
        "foreign_keys" => options.foreign_keys = flag(name, value)?,
        "journal_mode" | "synchronous" | "cache_size" | "temp_store" | "locking_mode" => {
            let digits = value.strip_prefix('-').unwrap_or(value);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(bad("a word or a number"));
            }
            options.pragmas.push((name.into(), value.into()));
        }
        _ => engine_option(name, value, target, SQLITE_OPTIONS)?,
    }
    Ok(())
}

/// An option that all backends have.
fn engine_option(name: &str, value: &str, target: &mut Target, known: &'static str) -> Result<(), UrlError> {
    let bad = |expected| bad_option(name, value, expected);
    let number = || whole_number(name, value);
    match name {
        "begin" => {
            target.begin = Some(match value {
                "deferred" => TransactionMode::Deferred,
                "immediate" => TransactionMode::Write,
                _ => return Err(bad("`deferred` or `immediate`")),
            });
        }
        "isolation" => {
            target.isolation = Some(match value {
                "read-uncommitted" => Isolation::ReadUncommitted,
                "read-committed" => Isolation::ReadCommitted,
                "repeatable-read" => Isolation::RepeatableRead,
                "serializable" => Isolation::Serializable,
                _ => {
                    return Err(bad(
                        "`read-uncommitted`, `read-committed`, `repeatable-read` or `serializable`",
                    ));
                }
            });
        }
        "pool_size" => target.pool.size = number()?.max(1) as usize,
        "max_overflow" => target.pool.overflow = number()? as usize,
        "pool_timeout" => target.pool.timeout = milliseconds(name, value)?,
        "pool_recycle" => target.pool.recycle = Some(milliseconds(name, value)?),
        "pre_ping" => target.pool.pre_ping = flag(name, value)?,
        "echo" => target.echo = flag(name, value)?,
        _ => {
            return Err(UrlError::UnknownOption {
                name: name.into(),
                known,
            });
        }
    }
    Ok(())
}

fn flag(name: &str, value: &str) -> Result<bool, UrlError> {
    match value {
        "on" | "true" | "1" | "yes" => Ok(true),
        "off" | "false" | "0" | "no" => Ok(false),
        _ => Err(bad_option(name, value, "`on` or `off`")),
    }
}

fn whole_number(name: &str, value: &str) -> Result<u32, UrlError> {
    value
        .parse()
        .map_err(|_| bad_option(name, value, "a whole number"))
}

fn milliseconds(name: &str, value: &str) -> Result<Duration, UrlError> {
    whole_number(name, value).map(|n| Duration::from_millis(u64::from(n)))
}

fn bad_option(name: &str, value: &str, expected: &'static str) -> UrlError {
    UrlError::BadOption {
        name: name.into(),
        value: value.into(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> Option<String> {
        match parse(url).unwrap().backend {
            Backend::Native(options) | Backend::SqliteC(options) => {
                options.path.map(|path| path.to_string_lossy().into_owned())
            }
            Backend::Postgres(url) | Backend::Mysql(url) => Some(url),
        }
    }

    #[test]
    fn a_server_gets_its_own_options() {
        let url = "postgres://me:p%40ss@db:5433/shop?pool_size=3&isolation=serializable&options=-c%20search_path%3Da&echo=on&connect_timeout=2";
        let target = parse(url).unwrap();
        assert_eq!((target.pool.size, target.echo), (3, true));
        assert_eq!(target.isolation, Some(Isolation::Serializable));
        assert_eq!(
            path(url).as_deref(),
            Some("postgres://me:p%40ss@db:5433/shop?options=-c%20search_path%3Da&connect_timeout=2")
        );
        assert_eq!(
            parse("postgres://db/x?pool_size=many").unwrap_err().to_string(),
            "`pool_size=many`: expected a whole number"
        );
    }

    #[test]
    fn forms_of_sqlite_urls() {
        assert_eq!(path("sqlite:///relative.db").as_deref(), Some("relative.db"));
        assert_eq!(path("sqlite:////var/abs.db").as_deref(), Some("/var/abs.db"));
        assert_eq!(path("sqlite:plain.db").as_deref(), Some("plain.db"));
        assert_eq!(path("sqlite:///a%3Fb%20c.db").as_deref(), Some("a?b c.db"));
        for memory in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:///:memory:",
            "sqlite://",
            "sqlite:///x?mode=memory",
        ] {
            assert_eq!(path(memory), None, "{memory}");
        }
    }

    #[test]
    fn options_are_read() {
        let target = parse(
            "sqlite:///x.db?mode=ro&busy_timeout=250&journal_mode=wal&pool_size=3&echo=on&begin=immediate",
        );
        let target = target.unwrap();
        let Backend::Native(options) = target.backend else {
            panic!("native")
        };
        assert!(options.read_only);
        assert_eq!(options.busy_timeout, Duration::from_millis(250));
        assert_eq!(options.pragmas, [("journal_mode".to_owned(), "wal".to_owned())]);
        assert_eq!(
            (target.pool.size, target.echo, target.begin),
            (3, true, Some(TransactionMode::Write))
        );
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let message = |url| parse(url).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            message("my.db"),
            "`my.db` has no scheme: write `sqlite:///my.db` for a file, or `sqlite::memory:`"
        );
        assert!(message("oracle://x").starts_with("no driver for `oracle:` URLs"));
        assert!(message("sqlite://my.db").contains("write `sqlite:///my.db`"));
        assert!(message("sqlite:///x?colour=red").starts_with("`colour` is no option of this URL"));
        assert_eq!(
            message("sqlite:///x?echo=maybe"),
            "`echo=maybe`: expected `on` or `off`"
        );
        assert_eq!(
            message("sqlite:///x?isolation=some"),
            "`isolation=some`: expected `read-uncommitted`, `read-committed`, `repeatable-read` or `serializable`"
        );
        assert!(message("sqlite:///x?journal_mode=wal;drop").contains("expected a word or a number"));
    }
}
