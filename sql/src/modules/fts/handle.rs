//! What `snippet(t)` and its like get to know a row by.
//!
//! A function may be called after the cursor has gone on or is closed (below a sort), so the handle names row and query by itself. The
//! queries that ran last are kept with their matches; one that is no longer there is run again.
//!
//! ```text
//! "fts" kind   docid   column   language   query ..
//!       1 byte 8       4        4          kind 0: a row that no query found; nothing follows the docid
//! ```

use std::sync::Arc;

use super::query::matches::Matches;
use super::query::parser::QueryReader;
use super::table::FtsTable;
use crate::error::Result;
use crate::virtual_table::VirtualContext;

/// How many queries are kept.
const KEPT_MAX: usize = 4;
const MAGIC: &[u8; 3] = b"fts";
const SCANNED: u8 = 0;
const MATCHED: u8 = 1;

/// A query: what is right of MATCH, the column left of it, and the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) column: Option<usize>,
    pub(super) language: i32,
    pub(super) text: Vec<u8>,
}

/// A query that was run.
#[derive(Debug)]
pub(super) struct CachedQuery {
    query: Query,
    matches: Arc<Matches>,
}

/// A row as a function sees it.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) docid: i64,
    /// Of a row that a query found.
    pub(super) query: Option<Query>,
}

/// The handle's bytes.
pub(super) fn write(out: &mut Vec<u8>, docid: i64, query: Option<&Query>) {
    out.clear();
    out.extend_from_slice(MAGIC);
    out.push(if query.is_some() { MATCHED } else { SCANNED });
    out.extend_from_slice(&docid.to_le_bytes());
    if let Some(query) = query {
        let column = query.column.map_or(u32::MAX, |column| column as u32);
        out.extend_from_slice(&column.to_le_bytes());
        out.extend_from_slice(&query.language.to_le_bytes());
        out.extend_from_slice(&query.text);
    }
}

/// The handle of these bytes, if they are one.
pub(super) fn read(bytes: &[u8]) -> Option<Handle> {
    let (kind, rest) = bytes.strip_prefix(MAGIC)?.split_first()?;
    let (docid, rest) = rest.split_first_chunk()?;
    let docid = i64::from_le_bytes(*docid);
    if *kind == SCANNED {
        return Some(Handle { docid, query: None });
    }
    let (column, rest) = rest.split_first_chunk()?;
    let (language, text) = rest.split_first_chunk()?;
    let column = u32::from_le_bytes(*column);
    let query = Query {
        column: (column != u32::MAX).then_some(column as usize),
        language: i32::from_le_bytes(*language),
        text: text.to_vec(),
    };
    Some(Handle {
        docid,
        query: Some(query),
    })
}

impl FtsTable {
    /// Runs a query. `None` if there is nothing in it to look for.
    pub(super) fn run_query(
        &self,
        context: &mut VirtualContext<'_>,
        query: &Query,
    ) -> Result<Option<Arc<Matches>>> {
        let reader = QueryReader {
            syntax: self.syntax,
            generation: self.generation,
            tokenizer: self.tokenizer.as_ref(),
            language: query.language,
            columns: &self.columns,
            default_column: query.column,
        };
        let Some(expression) = reader.read(&query.text)? else {
            return Ok(None);
        };
        let matches = Arc::new(Matches::find(self, context, query.language, &expression)?);
        let mut kept = self.state.queries.lock();
        kept.retain(|cached| cached.query != *query);
        kept.truncate(KEPT_MAX - 1);
        kept.push_front(CachedQuery {
            query: query.clone(),
            matches: Arc::clone(&matches),
        });
        Ok(Some(matches))
    }

    /// The matches of a query, from its last run if they are still there.
    pub(super) fn matches_of(
        &self,
        context: &mut VirtualContext<'_>,
        query: &Query,
    ) -> Result<Option<Arc<Matches>>> {
        let kept = self.state.queries.lock();
        let found = kept.iter().find(|cached| cached.query == *query);
        let found = found.map(|cached| Arc::clone(&cached.matches));
        drop(kept);
        match found {
            Some(matches) => Ok(Some(matches)),
            None => self.run_query(context, query),
        }
    }
}
