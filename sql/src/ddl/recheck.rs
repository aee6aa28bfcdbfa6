//! Whether the views and triggers of a schema still mean something.
//!
//! ALTER TABLE asks before it changes anything, so that it does not rewrite texts that are wrong already, and again afterwards. Temporary
//! objects may refer to tables of any database, so they are asked whichever it is. PRAGMA legacy_alter_table and
//! PRAGMA writable_schema turn this off.

use aludel_storage::btree::TableCursor;
use aludel_storage::format::PageNo;
use aludel_storage::format::ValueRef;
use aludel_storage::format::record::RecordView;

use super::Definer;
use super::drop::TEMP;
use crate::catalog::utf8_of;
use crate::error::{Error, Result};
use crate::plan;

impl Definer<'_> {
    /// # Errors
    /// `error in view v after rename: no such column: c`; `when` is what stands after the name, or empty.
    pub(super) fn recheck(&mut self, database: usize, when: &str) -> Result<()> {
        if self.state.settings.legacy_alter_table || self.state.settings.writable_schema {
            return Ok(());
        }
        let homes = if database == TEMP {
            vec![TEMP]
        } else {
            vec![database, TEMP]
        };
        for home in homes {
            for (kind, name) in self.views_and_triggers(home)? {
                self.recheck_object(home, kind, &name).map_err(|error| {
                    let space = if when.is_empty() { "" } else { " " };
                    Error::sql(format!("error in {kind} {name}{space}{when}: {error}"))
                })?;
            }
        }
        Ok(())
    }

    fn recheck_object(&mut self, home: usize, kind: &str, name: &str) -> Result<()> {
        let found = self.state.connecting(|state| {
            let schema = &state.databases[home].schema;
            match (kind, schema.view(name), schema.trigger(name)) {
                ("view", Some(view), _) => {
                    state.with_plan_context(|context| plan::check_view(home, view, context))
                }
                ("trigger", _, Some(trigger)) => state.check_trigger(home, trigger),
                _ => Ok(()),
            }
        });
        // That a table cannot be written is found out when the trigger fires, and a connection need not have all functions.
        found.or_else(|error| match error.to_string() {
            words
                if words.starts_with("cannot modify")
                    || words.ends_with("may not be modified")
                    || words.starts_with("no such function")
                    || words.starts_with("misuse of window function") =>
            {
                Ok(())
            }
            _ => Err(error),
        })
    }

    /// In the order of the schema table.
    fn views_and_triggers(&self, database: usize) -> Result<Vec<(&'static str, String)>> {
        let database = &self.state.databases[database];
        if database.schema.views.is_empty() && database.schema.triggers.is_empty() {
            return Ok(Vec::new());
        }
        let encoding = database.encoding();
        let mut objects = Vec::new();
        let mut spill = Vec::new();
        let mut cursor = TableCursor::new(PageNo::ONE);
        let mut more = cursor.first(&database.pager)?;
        while more {
            let view = RecordView::parse(cursor.payload(&database.pager, &mut spill)?)?;
            if let (ValueRef::Text(kind), ValueRef::Text(name)) = (view.column(0)?, view.column(1)?) {
                let kind = match &*utf8_of(kind, encoding) {
                    b"view" => Some("view"),
                    b"trigger" => Some("trigger"),
                    _ => None,
                };
                let name = String::from_utf8_lossy(&utf8_of(name, encoding)).into_owned();
                objects.extend(kind.map(|kind| (kind, name)));
            }
            more = cursor.next(&database.pager)?;
        }
        Ok(objects)
    }
}
