//! Tables that come and go: trees, and the rows of sqlite_schema that SQLite finds them by.

use std::collections::BTreeMap;

use aludel_storage::btree::{TableCursor, TreeKind, clear_tree, create_tree, drop_tree};
use aludel_storage::format::record::encode;
use aludel_storage::format::{PageNo, RecordView, ValueRef};

use super::episode::{Episode, Outcome, said};
use super::model::{Content, Table, key_of, kind_of};

impl Episode {
    pub(super) fn create_table(&mut self) -> Outcome<()> {
        self.model.made += 1;
        let number = self.model.made;
        let has_rowid = self.random.one_in(2);
        let name = format!("t{number}");
        self.note(|| format!("create {name}, rowid {has_rowid}"));
        let kind = if has_rowid {
            TreeKind::Table
        } else {
            TreeKind::Index
        };
        let root = create_tree(&mut self.pager, kind).map_err(said)?;
        let sql = if has_rowid {
            format!("CREATE TABLE {name}(a, b)")
        } else {
            format!("CREATE TABLE {name}(k, n, v, PRIMARY KEY(k COLLATE NOCASE, n DESC)) WITHOUT ROWID")
        };
        self.add_schema_row("table", &name, &name, root, &sql)?;
        let mut index = None;
        if has_rowid {
            let root = create_tree(&mut self.pager, TreeKind::Index).map_err(said)?;
            let own = format!("i{number}");
            self.add_schema_row(
                "index",
                &own,
                &name,
                root,
                &format!("CREATE INDEX {own} ON {name}(a)"),
            )?;
            index = Some(root);
        }
        let content = if has_rowid {
            Content::Rows(BTreeMap::new())
        } else {
            Content::Records(Vec::new())
        };
        self.model.tables.insert(name, Table { root, index, content });
        self.distrust();
        Ok(())
    }

    fn add_schema_row(
        &mut self,
        kind: &str,
        name: &str,
        table: &str,
        root: PageNo,
        sql: &str,
    ) -> Outcome<()> {
        let mut schema = TableCursor::new(PageNo::ONE);
        let rowid = schema.max_rowid(&self.pager).map_err(said)?.unwrap_or(0) + 1;
        let values = [
            ValueRef::Text(kind.as_bytes()),
            ValueRef::Text(name.as_bytes()),
            ValueRef::Text(table.as_bytes()),
            ValueRef::Integer(i64::from(root.get())),
            ValueRef::Text(sql.as_bytes()),
        ];
        schema
            .insert_values(&mut self.pager, rowid, &values)
            .map_err(said)?;
        self.pager
            .update_header(|header| header.schema_cookie += 1)
            .map_err(said)
    }

    pub(super) fn drop_table(&mut self) -> Outcome<()> {
        let name = self.any_table();
        let Some(table) = self.model.tables.remove(&name) else {
            return Ok(());
        };
        self.note(|| format!("drop {name}"));
        self.remove_schema_rows(&name)?;
        let mut roots = vec![(table.root, kind_of(&table.content))];
        roots.extend(table.index.map(|root| (root, TreeKind::Index)));
        // The larger first: what moves then takes no place that is about to go.
        roots.sort_by_key(|(root, _)| std::cmp::Reverse(*root));
        for (root, kind) in roots {
            if let Some(moved) = drop_tree(&mut self.pager, root, kind).map_err(said)? {
                self.move_root(moved.from, moved.to)?;
            }
        }
        self.pager
            .update_header(|header| header.schema_cookie += 1)
            .map_err(said)?;
        self.distrust();
        Ok(())
    }

    fn remove_schema_rows(&mut self, table: &str) -> Outcome<()> {
        let mut schema = TableCursor::new(PageNo::ONE);
        let mut more = schema.first(&self.pager).map_err(said)?;
        while more {
            let mut spill = Vec::new();
            let own = {
                let row = schema.payload(&self.pager, &mut spill).map_err(said)?;
                RecordView::parse(row)
                    .and_then(|row| row.column(2))
                    .map_err(said)?
                    == ValueRef::Text(table.as_bytes())
            };
            if own {
                schema.delete(&mut self.pager).map_err(said)?;
            }
            more = schema.next(&self.pager).map_err(said)?;
        }
        Ok(())
    }

    /// A root has moved: the schema and the model are told.
    fn move_root(&mut self, from: PageNo, to: PageNo) -> Outcome<()> {
        for table in self.model.tables.values_mut() {
            if table.root == from {
                table.root = to;
            }
            if table.index == Some(from) {
                table.index = Some(to);
            }
        }
        let mut schema = TableCursor::new(PageNo::ONE);
        let mut more = schema.first(&self.pager).map_err(said)?;
        while more {
            let mut spill = Vec::new();
            let row = schema.payload(&self.pager, &mut spill).map_err(said)?.to_vec();
            let mut values = key_of(&row, 5);
            if values.get(3) == Some(&ValueRef::Integer(i64::from(from.get()))) {
                values[3] = ValueRef::Integer(i64::from(to.get()));
                let mut changed = Vec::new();
                encode(&values, &mut changed);
                let rowid = schema.rowid();
                schema.insert(&mut self.pager, rowid, &changed).map_err(said)?;
            }
            more = schema.next(&self.pager).map_err(said)?;
        }
        Ok(())
    }

    /// SQLite may have given the trees other roots.
    pub(super) fn read_roots(&mut self) -> Outcome<()> {
        self.pager.begin_read().map_err(said)?;
        let mut schema = TableCursor::new(PageNo::ONE);
        let mut more = schema.first(&self.pager).map_err(said)?;
        while more {
            let mut spill = Vec::new();
            let row = schema.payload(&self.pager, &mut spill).map_err(said)?.to_vec();
            if let [
                ValueRef::Text(kind),
                _,
                ValueRef::Text(table),
                ValueRef::Integer(root),
                ..,
            ] = key_of(&row, 5)[..]
            {
                let root = u32::try_from(root).ok().and_then(PageNo::new);
                let table = self.committed.tables.get_mut(&*String::from_utf8_lossy(table));
                if let (Some(table), Some(root)) = (table, root) {
                    match kind {
                        b"index" => table.index = Some(root),
                        _ => table.root = root,
                    }
                }
            }
            more = schema.next(&self.pager).map_err(said)?;
        }
        self.pager.end_read();
        Ok(())
    }

    pub(super) fn clear_table(&mut self) -> Outcome<()> {
        let name = self.any_table();
        let Some(table) = self.model.tables.get_mut(&name) else {
            return Ok(());
        };
        let count = table.len() as u64;
        let cleared = clear_tree(&mut self.pager, table.root, kind_of(&table.content)).map_err(said)?;
        if let Some(index) = table.index {
            clear_tree(&mut self.pager, index, TreeKind::Index).map_err(said)?;
        }
        match &mut table.content {
            Content::Rows(rows) => rows.clear(),
            Content::Records(records) => records.clear(),
        }
        self.note(|| format!("clear {name}"));
        self.distrust();
        if cleared == count {
            Ok(())
        } else {
            Err(format!("clearing {name} said {cleared} rows, there were {count}"))
        }
    }

    pub(super) fn any_table(&mut self) -> String {
        let names: Vec<&String> = self.model.tables.keys().collect();
        match names.is_empty() {
            true => String::new(),
            false => (*self.random.pick(&names)).clone(),
        }
    }
}
