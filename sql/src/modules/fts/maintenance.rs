//! What `INSERT INTO t(t) VALUES('command')` does.
//!
//! | command | does |
//! |---|---|
//! | `optimize` | makes one segment of each index |
//! | `rebuild` | makes the index anew from the texts |
//! | `integrity-check` | fails if the index is not what the texts say |
//! | `merge=X,Y` | merges about X leaves of levels that have Y segments |
//! | `automerge=N` | merges on its own from N segments on; 0: never |
//! | `flush` | writes pending words |

use std::sync::atomic::Ordering;

use super::doclist;
use super::flush::{IndexId, MERGE_COUNT};
use super::pending::PendingRow;
use super::segment::incremental;
use super::shadow::{LEVELS, Stat, anonymous, execute, integer};
use super::table::FtsTable;
use super::writing::{Balance, text_of};
use crate::error::{Error, Result};
use crate::value::{Value, ValueRef};
use crate::virtual_table::{Prepared, VirtualContext};

impl FtsTable {
    /// Does what `command` says.
    pub(super) fn command(&self, context: &mut VirtualContext<'_>, command: ValueRef<'_>) -> Result<()> {
        let text = text_of(command).unwrap_or_default();
        let lower = text.to_ascii_lowercase();
        match lower.as_slice() {
            b"optimize" => self.optimize(context).map(|_| ()),
            b"rebuild" => self.rebuild(context),
            b"integrity-check" => match self.is_sound(context)? {
                true => Ok(()),
                false => Err(doclist::corrupt()),
            },
            b"flush" => self.flush(context),
            _ => match (lower.strip_prefix(b"merge="), lower.strip_prefix(b"automerge=")) {
                (Some(amounts), _) if !amounts.is_empty() => self.merge_command(context, amounts),
                (_, Some(least)) if !least.is_empty() => self.set_auto_merge(context, least),
                _ => Err(Error::sql("SQL logic error")),
            },
        }
        .map_err(anonymous)
    }

    /// Makes one segment of each index; false if all were already.
    pub(super) fn optimize(&self, context: &mut VirtualContext<'_>) -> Result<bool> {
        self.flush(context)?;
        let mut changed = true;
        for language in self.languages(context)? {
            for index in 0..self.index_count() {
                changed &= self.merge_index(context, IndexId { language, index })?;
            }
        }
        Ok(changed)
    }

    /// The languages that have segments, and that of the last write.
    pub(super) fn languages(&self, context: &mut VirtualContext<'_>) -> Result<Vec<i32>> {
        let sql = format!(
            "SELECT ?1 UNION SELECT level / ({LEVELS} * ?2) FROM {}",
            self.shadow.table("segdir")
        );
        let last = self.state.pending.lock().language;
        let params = [i64::from(last), self.index_count() as i64].map(Value::Integer);
        let mut languages = Vec::new();
        let read = |row: &Prepared| {
            languages.push(integer(row.value(0)) as i32);
            Ok(())
        };
        context.query(&sql, &params, read).map_err(anonymous)?;
        Ok(languages)
    }

    fn merge_command(&self, context: &mut VirtualContext<'_>, amounts: &[u8]) -> Result<()> {
        let (work, rest) = leading_number(amounts);
        let (least, rest) = match rest {
            [b',', rest @ ..] if !rest.is_empty() => leading_number(rest),
            _ => (MERGE_COUNT / 2, rest),
        };
        if !rest.is_empty() || least < 2 {
            return Err(Error::sql("SQL logic error"));
        }
        self.ensure_stat(context)?;
        incremental::merge(self, context, work, least)
    }

    fn set_auto_merge(&self, context: &mut VirtualContext<'_>, least: &[u8]) -> Result<()> {
        let least = match leading_number(least).0 {
            1 => 8,
            other if other > MERGE_COUNT => 8,
            other => other,
        };
        self.ensure_stat(context)?;
        self.state.auto_merge.store(least as u8, Ordering::Relaxed);
        self.shadow
            .write_stat(context, Stat::AutoMerge, Value::Integer(least))
    }

    /// An FTS3 table gets %_stat when it first needs it.
    fn ensure_stat(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        if !self.has_stat() {
            self.create_stat(context)?;
        }
        Ok(())
    }

    pub(super) fn create_stat(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {}(id INTEGER PRIMARY KEY, value BLOB)",
            self.shadow.table_to_create("stat")
        );
        execute(context, &sql, &[])?;
        self.state.has_stat.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the index anew.
    fn rebuild(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        self.delete_all(context, false)?;
        let mut balance = Balance::new(self);
        let mut rows = Prepared::new(&self.content.select);
        rows.start(context, &[]).map_err(anonymous)?;
        while rows.next(context).map_err(anonymous)? {
            context.check_interrupt()?;
            let docid = integer(rows.value(0));
            let language = integer(rows.value(self.columns.len() + 1)) as i32;
            let row = PendingRow {
                docid,
                language,
                deleted: false,
            };
            self.start_row(context, row)?;
            let mut sizes = vec![0; self.columns.len() + 1];
            for column in 0..self.columns.len() {
                self.add_words(language, column, rows.value(column + 1), true, &mut sizes)?;
            }
            if self.has_docsize {
                self.write_docsize(context, docid, &sizes)?;
            }
            balance.add(&sizes);
        }
        self.write_totals(context, &balance)
    }
}

/// The number that a text starts with (0 if with none; a long one is cut short), and the rest.
fn leading_number(text: &[u8]) -> (i64, &[u8]) {
    const LIMIT: i64 = 214_748_363;
    let mut number = 0;
    let mut used = 0;
    for digit in text.iter().take_while(|byte| byte.is_ascii_digit()) {
        if number >= LIMIT {
            break;
        }
        number = number * 10 + i64::from(digit - b'0');
        used += 1;
    }
    (number, &text[used..])
}
