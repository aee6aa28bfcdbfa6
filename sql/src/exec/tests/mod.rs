//! Operators over hand-made plans and trees, before any SQL text is involved.

/// A row of values.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}

mod groups;
mod oracle;
mod scans;
mod sorts;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aludel_storage::btree::{IndexCursor, TableCursor, TreeKind, create_tree};
use aludel_storage::format::{Collation, KeyOrder, record};
use aludel_storage::pager::{Pager, PagerOptions};

use super::{ExecContext, build};
use crate::catalog::{Column, Database, Index, IndexColumn, IndexOrigin, IndexSource, Table};
use crate::connection::{OpenOptions, State};
use crate::plan::physical::Node;
use crate::value::{Affinity, Value, ValueRef};

/// A database in memory and what else a statement runs in.
pub(super) struct World {
    pub(super) state: State,
    pub(super) parameters: Vec<Value>,
    registers: Vec<Value>,
    interrupt: AtomicBool,
    runs: u64,
}

impl World {
    pub(super) fn new() -> World {
        let mut pager = Pager::in_memory(&PagerOptions::default()).unwrap();
        pager.begin_write().unwrap();
        let database = Database::new("main", "", pager);
        World {
            state: State::new(vec![database], &OpenOptions::new()),
            parameters: Vec::new(),
            registers: Vec::new(),
            interrupt: AtomicBool::new(false),
            runs: 0,
        }
    }

    pub(super) fn context(&mut self) -> ExecContext<'_> {
        self.runs += 1;
        ExecContext {
            state: &mut self.state,
            parameters: &self.parameters,
            registers: &mut self.registers,
            interrupt: &self.interrupt,
            run: self.runs,
        }
    }

    /// A rowid table of columns without affinity; its rows get the rowids 1, 2, ..
    pub(super) fn table(&mut self, columns: &[&str], rows: &[Vec<Value>]) -> Arc<Table> {
        let pager = &mut self.state.databases[0].pager;
        let root = create_tree(pager, TreeKind::Table).unwrap();
        let mut cursor = TableCursor::new(root);
        for (n, row) in rows.iter().enumerate() {
            let row: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
            cursor.insert_values(pager, n as i64 + 1, &row).unwrap();
        }
        let column = |(n, name): (usize, &&str)| Column {
            name: name.to_string(),
            declared_type: None,
            affinity: Affinity::Blob,
            collation: Collation::Binary,
            not_null: None,
            default: None,
            default_text: None,
            missing_value: Value::Integer(-1),
            generated: None,
            primary_key: None,
            stored_at: Some(n),
            hidden: false,
        };
        Arc::new(Table {
            name: "t".into(),
            root,
            columns: columns.iter().enumerate().map(column).collect(),
            rowid_alias: None,
            autoincrement: false,
            without_rowid: None,
            strict: false,
            is_view: false,
            indexes: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            rowid_conflict: None,
            row_count: None,
            sql: String::new(),
            virtual_table: None,
            summary: Default::default(),
        })
    }

    /// An index over some columns of a table made by [`World::table`].
    pub(super) fn index(&mut self, rows: &[Vec<Value>], columns: &[usize], descending: bool) -> Arc<Index> {
        let pager = &mut self.state.databases[0].pager;
        let root = create_tree(pager, TreeKind::Index).unwrap();
        let mut order = KeyOrder::binary(columns.len() + 1);
        order.columns[..columns.len()]
            .iter_mut()
            .for_each(|column| column.descending = descending);
        let order = Arc::new(order);
        let mut cursor = IndexCursor::new(root, Arc::clone(&order));
        for (n, row) in rows.iter().enumerate() {
            let mut key: Vec<ValueRef<'_>> = columns.iter().map(|column| row[*column].as_ref()).collect();
            key.push(ValueRef::Integer(n as i64 + 1));
            let mut entry = Vec::new();
            record::encode(&key, &mut entry);
            cursor.insert(pager, &entry).unwrap();
        }
        let column = |column: &usize| IndexColumn {
            source: IndexSource::Column(*column),
            collation: Collation::Binary,
            descending,
        };
        Arc::new(Index {
            name: "i".into(),
            table: "t".into(),
            root,
            columns: columns.iter().map(column).collect(),
            tail: Vec::new(),
            order,
            unique: None,
            origin: IndexOrigin::Created,
            filter: None,
            statistics: None,
            samples: None,
            sql: None,
        })
    }

    /// All rows of a plan, run twice to see that operators start over.
    pub(super) fn rows(&mut self, plan: &Node) -> Vec<Vec<Value>> {
        let mut root = build(plan).unwrap();
        let mut runs = Vec::new();
        for _ in 0..2 {
            let mut context = self.context();
            let mut rows = Vec::new();
            root.open(&mut context).unwrap();
            while root.next(&mut context).unwrap() {
                let batch = root.batch();
                batch.columns.iter().for_each(|column| column.check_invariants());
                assert!(batch.selected_len() > 0);
                for row in batch.selected() {
                    rows.push(
                        batch
                            .columns
                            .iter()
                            .map(|column| Value::from(column.get(row)))
                            .collect::<Vec<_>>(),
                    );
                }
            }
            root.close();
            runs.push(rows);
        }
        assert_eq!(runs[0], runs[1], "the second run differs");
        runs.swap_remove(0)
    }
}
