//! Joined-table inheritance: what an entity keeps in its own table, and what in a table of each variant.
//!
//! ```text
//!   struct Employee { id, name, #[column(flatten)] role: Role }      enum Role { Manager(Manager), Engineer(Engineer), Guest }
//!
//!   employee   id | name | role          the base: key, common columns, discriminator, version
//!   managers   id | budget               `#[embedded(table = "managers")]`: the key, which refers to the base, and its own columns
//!   engineers  id | language
//!
//!   META.columns   id  name  role  budget    language
//!                  base            managers  engineers      ColumnMeta::variant
//! ```
//!
//! An enum of embedded structs is single-table inheritance as it is; a variant that names a `table` has its columns there. Nothing else
//! of the mapping knows: the columns are those of one wide row as before, and a query reads them from a *derived table*, the base
//! left-joined with the tables of its variants ([`EntityMeta::relation`]), under the names that they have everywhere. So conditions,
//! orders, relations, loading and the identity map are those of any entity. What writes rows takes the wide row apart again
//! ([`EntityMeta::variants`]): the unit of work in `session::flush::variants`, statements for many rows in `query::variants`.
//!
//! Invariants:
//! I1. The columns of a variant's table stand beside each other, [`VariantTable::after_tag`] behind their discriminator. (`Part::in_table`)
//! I2. The key, the version and the mark of deleted rows are in the base. (`Part::in_table`, the derive of `Embedded`)
//! I3. No two columns of the wide row have one name, as a query has nothing else to tell them by. (`is_joined`)
//!
//! What a variant's table has no word for: an index over columns of two tables; a nested enum whose variants have tables again.

use std::ops::Range;

use super::{ColumnMeta, EntityMeta};
use crate::expr::{BinaryOp, FromItem, Join, JoinKind, Node, Output, RawPiece, Relation, Select, SourceId};
use crate::types::Value;

/// The table that holds what one variant has of its own.
#[derive(Debug)]
pub struct VariantTable {
    /// Its name.
    pub table: &'static str,
    /// What the discriminator says in rows of this variant.
    pub value: &'static str,
    /// How many columns its first one comes behind the discriminator.
    pub after_tag: usize,
}

/// Where a column is that belongs to a variant.
#[derive(Clone, Copy, Debug)]
pub struct InVariant {
    /// The table.
    pub table: &'static VariantTable,
    /// May it be NULL there? In the wide row it may, as other variants have no such column.
    pub nullable: bool,
}

/// A variant with a table of its own, as a part of an entity.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) table: &'static VariantTable,
    /// The index of the discriminator.
    pub(crate) tag: usize,
    /// The indexes of its columns.
    pub(crate) columns: Range<usize>,
}

impl Variant {
    /// Does that value of the discriminator mean this variant?
    pub(crate) fn is(&self, tag: &Value<'_>) -> bool {
        matches!(tag, Value::Text(text) if *text == self.table.value)
    }

    /// The indexes of its columns that an INSERT writes.
    pub(crate) fn written(&self, meta: &EntityMeta) -> impl Iterator<Item = usize> {
        let columns = meta.columns;
        let is_written = move |i: &usize| columns.get(*i).is_some_and(|column| !column.is_computed());
        self.columns.clone().filter(is_written)
    }
}

impl EntityMeta {
    /// The variants with tables of their own; none of most entities.
    pub(crate) fn variants(&self) -> Vec<Variant> {
        let mut all: Vec<Variant> = Vec::new();
        if !self.joined {
            return all;
        }
        for (i, column) in self.columns.iter().enumerate() {
            let Some(InVariant { table, .. }) = column.variant else {
                continue;
            };
            match all.last_mut() {
                Some(last) if last.table.table == table.table => last.columns.end = i + 1,
                _ => all.push(Variant {
                    table,
                    tag: i.saturating_sub(table.after_tag),
                    columns: i..i + 1,
                }),
            }
        }
        all
    }

    /// The columns of the entity's own table, with their indexes.
    pub(crate) fn own_columns(&self) -> impl Iterator<Item = (usize, &ColumnMeta)> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.variant.is_none())
    }

    /// What queries read the entity from: its table, or the base joined with the tables of its variants.
    pub(crate) fn relation(&'static self) -> Relation {
        match self.joined {
            false => Relation::table(self.table),
            true => Relation::Select(Box::new(self.wide(None))),
        }
    }

    /// As [`relation`](EntityMeta::relation), where the condition is `discriminator = 'value'`: an inner join with the table of that
    /// variant, and with no other.
    pub(crate) fn relation_where(&'static self, condition: &Node) -> Option<Relation> {
        let Node::Binary {
            op: BinaryOp::Eq,
            left,
            right,
        } = condition
        else {
            return None;
        };
        let (Node::Column { name, .. }, Node::Value(value)) = (left.as_ref(), right.as_ref()) else {
            return None;
        };
        let (tag, _) = self.column(name)?;
        let variants = self.variants();
        let only = variants
            .iter()
            .find(|variant| variant.tag == tag && variant.is(value))?;
        Some(Relation::Select(Box::new(self.wide(Some(only)))))
    }

    /// `SELECT base.*, m.*, e.* FROM base LEFT JOIN m ON m.id = base.id LEFT JOIN e ON ..`
    fn wide(&'static self, only: Option<&Variant>) -> Select {
        let base = SourceId::fresh();
        let mut select = Select::default();
        select.from.push(FromItem {
            source: base,
            relation: Relation::table(self.table),
            join: None,
        });
        let mut sources: Vec<(&'static str, SourceId)> = Vec::new();
        for variant in self.variants() {
            if only.is_some_and(|only| only.table.table != variant.table.table) {
                continue;
            }
            let source = SourceId::fresh();
            sources.push((variant.table.table, source));
            select.from.push(FromItem {
                source,
                relation: Relation::table(variant.table.table),
                join: Some(Join {
                    kind: if only.is_some() {
                        JoinKind::Inner
                    } else {
                        JoinKind::Left
                    },
                    on: Some(self.same_key(base, source)),
                }),
            });
        }
        select.columns = self
            .columns
            .iter()
            .map(|column| wide_column(column, base, &sources))
            .collect();
        select
    }

    fn same_key(&'static self, base: SourceId, variant: SourceId) -> Node {
        let names = self
            .key
            .iter()
            .filter_map(|i| self.columns.get(*i))
            .map(|column| column.name);
        let equal =
            |name: &'static str| Node::binary(BinaryOp::Eq, column_of(variant, name), column_of(base, name));
        let all: Vec<Node> = names.map(equal).collect();
        match <[Node; 1]>::try_from(all) {
            Ok([only]) => only,
            Err(parts) => Node::Logic { all: true, parts },
        }
    }
}

fn column_of(source: SourceId, name: &'static str) -> Node {
    Node::Column {
        source,
        name: name.into(),
    }
}

/// A column of the wide row: of the table that has it, or NULL where that table is left out.
fn wide_column(column: &'static ColumnMeta, base: SourceId, variants: &[(&'static str, SourceId)]) -> Output {
    let source = match column.variant {
        None => Some(base),
        Some(own) => variants
            .iter()
            .find(|(table, _)| *table == own.table.table)
            .map(|(_, source)| *source),
    };
    match source {
        Some(source) => Output {
            node: column_of(source, column.name),
            label: None,
        },
        None => Output {
            node: Node::Cast {
                operand: Box::new(Node::Raw(vec![RawPiece::Text("NULL".into())])),
                kind: column.kind,
            },
            label: Some(column.name.into()),
        },
    }
}

/// Has an entity of these columns variants with tables of their own?
#[doc(hidden)]
pub const fn is_joined(columns: &[ColumnMeta]) -> bool {
    let (mut i, mut joined) = (0, false);
    while i < columns.len() {
        joined |= columns[i].variant.is_some();
        i += 1;
    }
    assert!(
        !(joined && has_a_name_twice(columns)),
        "two columns have one name: give the variants a `prefix`, as in `#[embedded(table = \"managers\", prefix = \"manager_\")]`"
    );
    joined
}

/// I3.
const fn has_a_name_twice(columns: &[ColumnMeta]) -> bool {
    let mut i = 0;
    while i < columns.len() {
        let mut j = 0;
        while j < i {
            if is_same(columns[i].name, columns[j].name) {
                return true;
            }
            j += 1;
        }
        i += 1;
    }
    false
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
