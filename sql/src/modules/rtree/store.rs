//! Nodes in and out of the shadow tables, and the nodes that one change works on.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::node::Node;
use super::{DEPTH_MAX, Shape, corrupt};
use crate::error::Result;
use crate::value::{Value, ValueRef, number};
use crate::virtual_table::VirtualContext;

/// The root's number.
pub(super) const ROOT: i64 = 1;

/// The statements on the shadow tables.
#[derive(Clone, Debug)]
pub(super) struct Store(Arc<Statements>);

#[derive(Debug)]
struct Statements {
    schema: String,
    table: String,
    auxiliary: usize,
    read_node: String,
    write_node: String,
    delete_node: String,
    read_rowid: String,
    write_rowid: String,
    delete_rowid: String,
    read_parent: String,
    write_parent: String,
    delete_parent: String,
    read_auxiliary: String,
    write_auxiliary: String,
}

impl Store {
    pub(super) fn new(schema: &str, table: &str, auxiliary: usize) -> Store {
        let name = |suffix| super::shadow(schema, table, suffix);
        let (node, rowid, parent) = (name("node"), name("rowid"), name("parent"));
        let sets: Vec<String> = (0..auxiliary)
            .map(|number| format!("a{number}=?{}", number + 2))
            .collect();
        Store(Arc::new(Statements {
            schema: schema.to_owned(),
            table: table.to_owned(),
            auxiliary,
            read_node: format!("SELECT data FROM {node} WHERE nodeno=?1"),
            write_node: format!("INSERT OR REPLACE INTO {node} VALUES(?1,?2)"),
            delete_node: format!("DELETE FROM {node} WHERE nodeno=?1"),
            read_rowid: format!("SELECT nodeno FROM {rowid} WHERE rowid=?1"),
            write_rowid: match auxiliary {
                0 => format!("INSERT OR REPLACE INTO {rowid} VALUES(?1,?2)"),
                _ => format!(
                    "INSERT INTO {rowid}(rowid,nodeno) VALUES(?1,?2) ON CONFLICT(rowid) DO UPDATE SET nodeno=excluded.nodeno"
                ),
            },
            delete_rowid: format!("DELETE FROM {rowid} WHERE rowid=?1"),
            read_parent: format!("SELECT parentnode FROM {parent} WHERE nodeno=?1"),
            write_parent: format!("INSERT OR REPLACE INTO {parent} VALUES(?1,?2)"),
            delete_parent: format!("DELETE FROM {parent} WHERE nodeno=?1"),
            read_auxiliary: format!("SELECT * FROM {rowid} WHERE rowid=?1"),
            write_auxiliary: format!("UPDATE {rowid} SET {} WHERE rowid=?1", sets.join(",")),
        }))
    }

    pub(super) fn schema(&self) -> &str {
        &self.0.schema
    }

    /// The qualified name of a shadow table.
    pub(super) fn shadow(&self, suffix: &str) -> String {
        super::shadow(&self.0.schema, &self.0.table, suffix)
    }

    /// The tree, to be changed.
    pub(super) fn open(&self, shape: Shape) -> Tree<'_> {
        Tree {
            store: self,
            shape,
            nodes: FxHashMap::default(),
            depth: 0,
            removed: Vec::new(),
        }
    }

    /// Reads a node.
    ///
    /// # Errors
    /// It is not there, or no node.
    pub(super) fn read_node(
        &self,
        context: &mut VirtualContext<'_>,
        number: i64,
        shape: &Shape,
    ) -> Result<Node> {
        let node = context.query_row(&self.0.read_node, &[Value::Integer(number)], |row| {
            match row.value(0) {
                ValueRef::Blob(bytes) => Node::read(bytes, shape),
                _ => Err(corrupt()),
            }
        })?;
        let node = node.ok_or_else(corrupt)?;
        match number == ROOT && node.depth() > DEPTH_MAX {
            true => Err(corrupt()),
            false => Ok(node),
        }
    }

    /// The leaf that an entry is in.
    pub(super) fn leaf_of(&self, context: &mut VirtualContext<'_>, rowid: i64) -> Result<Option<i64>> {
        let parameters = [Value::Integer(rowid)];
        context.query_row(&self.0.read_rowid, &parameters, |row| {
            Ok(number::integer_of(row.value(0)))
        })
    }

    /// A number for an entry that was given none. Its row is there from then on.
    pub(super) fn new_rowid(&self, context: &mut VirtualContext<'_>) -> Result<i64> {
        context.execute(&self.0.write_rowid, &[Value::Null, Value::Null])?;
        Ok(context.last_insert_rowid())
    }

    pub(super) fn write_auxiliary(
        &self,
        context: &mut VirtualContext<'_>,
        rowid: i64,
        values: &[Value],
    ) -> Result<()> {
        let mut parameters = vec![Value::Integer(rowid)];
        parameters.extend(values.iter().take(self.0.auxiliary).cloned());
        context.execute(&self.0.write_auxiliary, &parameters).map(|_| ())
    }

    /// The auxiliary values of an entry.
    pub(super) fn read_auxiliary(&self, context: &mut VirtualContext<'_>, rowid: i64) -> Result<Vec<Value>> {
        let count = self.0.auxiliary;
        let values = context.query_row(&self.0.read_auxiliary, &[Value::Integer(rowid)], |row| {
            Ok((0..count)
                .map(|place| Value::from(row.value(place + 2)))
                .collect())
        })?;
        Ok(values.unwrap_or_default())
    }
}

/// A tree while it is changed: the nodes that were touched, until they are written.
pub(super) struct Tree<'s> {
    pub store: &'s Store,
    pub shape: Shape,
    nodes: FxHashMap<i64, Held>,
    /// The depth, as the root tells it; known once the root was read.
    pub depth: usize,
    /// Nodes that were dissolved, with their height; their cells go back into the tree. The last one goes first.
    pub removed: Vec<(Node, usize)>,
}

/// A node that is being worked on.
struct Held {
    node: Node,
    parent: Option<i64>,
    dirty: bool,
}

impl Tree<'_> {
    /// Reads a node unless it is at hand. `parent` is the node above, where it is known.
    pub(super) fn acquire(
        &mut self,
        context: &mut VirtualContext<'_>,
        number: i64,
        parent: Option<i64>,
    ) -> Result<()> {
        if let Some(held) = self.nodes.get_mut(&number) {
            if parent.is_some() && held.parent.is_none() {
                held.parent = parent;
            }
            if parent.is_some() && held.parent != parent {
                return Err(corrupt());
            }
            return Ok(());
        }
        let node = self.store.read_node(context, number, &self.shape)?;
        if number == ROOT {
            self.depth = node.depth();
        }
        let held = Held {
            node,
            parent,
            dirty: false,
        };
        self.nodes.insert(number, held);
        Ok(())
    }

    /// A node that is at hand.
    pub(super) fn node(&self, number: i64) -> Result<&Node> {
        self.nodes.get(&number).map(|held| &held.node).ok_or_else(corrupt)
    }

    /// A node that is at hand, to change it.
    pub(super) fn node_mut(&mut self, number: i64) -> Result<&mut Node> {
        let held = self.nodes.get_mut(&number).ok_or_else(corrupt)?;
        held.dirty = true;
        Ok(&mut held.node)
    }

    pub(super) fn parent(&self, number: i64) -> Option<i64> {
        self.nodes.get(&number)?.parent
    }

    /// Notes where a node hangs, if it is at hand.
    pub(super) fn set_parent(&mut self, number: i64, parent: i64) {
        if let Some(held) = self.nodes.get_mut(&number) {
            held.parent = Some(parent);
        }
    }

    /// A new node, which gets its number by being written.
    pub(super) fn add(
        &mut self,
        context: &mut VirtualContext<'_>,
        node: Node,
        parent: Option<i64>,
    ) -> Result<i64> {
        let bytes = Value::Blob(node.bytes().to_vec());
        context.execute(&self.store.0.write_node, &[Value::Null, bytes])?;
        let number = context.last_insert_rowid();
        let held = Held {
            node,
            parent,
            dirty: true,
        };
        self.nodes.insert(number, held);
        Ok(number)
    }

    /// Takes a node out of the tables, and out of hand.
    pub(super) fn discard(&mut self, context: &mut VirtualContext<'_>, number: i64) -> Result<Node> {
        let key = [Value::Integer(number)];
        context.execute(&self.store.0.delete_node, &key)?;
        context.execute(&self.store.0.delete_parent, &key)?;
        self.nodes
            .remove(&number)
            .map(|held| held.node)
            .ok_or_else(corrupt)
    }

    /// Where a node hangs: its parent, and the place of its cell there.
    pub(super) fn place_above(&self, number: i64) -> Result<Option<(i64, usize)>> {
        let Some(parent) = self.parent(number) else {
            return Ok(None);
        };
        let place = self.node(parent)?.find(number, &self.shape)?;
        Ok(Some((parent, place)))
    }

    /// Reads the nodes above one, up to the root.
    pub(super) fn acquire_above(&mut self, context: &mut VirtualContext<'_>, number: i64) -> Result<()> {
        let mut path = vec![number];
        let mut child = number;
        while child != ROOT {
            let parent = match self.parent(child) {
                Some(parent) => parent,
                None => {
                    let key = [Value::Integer(child)];
                    let sql = self.store.0.read_parent.clone();
                    let found = context.query_row(&sql, &key, |row| Ok(number::integer_of(row.value(0))))?;
                    found
                        .filter(|parent| !path.contains(parent))
                        .ok_or_else(corrupt)?
                }
            };
            self.acquire(context, parent, None)?;
            self.set_parent(child, parent);
            path.push(parent);
            if path.len() > DEPTH_MAX + 2 {
                return Err(corrupt());
            }
            child = parent;
        }
        Ok(())
    }

    /// Tells the tables where an entry (height 0) or a node is.
    pub(super) fn write_mapping(
        &mut self,
        context: &mut VirtualContext<'_>,
        rowid: i64,
        node: i64,
        height: usize,
    ) -> Result<()> {
        let sql = match height {
            0 => &self.store.0.write_rowid,
            _ => &self.store.0.write_parent,
        };
        context.execute(sql, &[Value::Integer(rowid), Value::Integer(node)])?;
        Ok(())
    }

    pub(super) fn delete_rowid(&mut self, context: &mut VirtualContext<'_>, rowid: i64) -> Result<()> {
        context.execute(&self.store.0.delete_rowid, &[Value::Integer(rowid)])?;
        Ok(())
    }

    /// Writes the nodes that were changed.
    pub(super) fn flush(&mut self, context: &mut VirtualContext<'_>) -> Result<()> {
        let mut dirty: Vec<(&i64, &mut Held)> =
            self.nodes.iter_mut().filter(|(_, held)| held.dirty).collect();
        dirty.sort_by_key(|(number, _)| **number);
        for (number, held) in dirty {
            let bytes = Value::Blob(held.node.bytes().to_vec());
            context.execute(&self.store.0.write_node, &[Value::Integer(*number), bytes])?;
            held.dirty = false;
        }
        Ok(())
    }
}
