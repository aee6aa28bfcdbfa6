//! Scans: tables, indexes and virtual tables read into batches.
//!
//! | module | what it owns |
//! |---|---|
//! | `table` | a table's own tree: rowid table or WITHOUT ROWID tree |
//! | `index` | an index, alone when it covers the query, else with look-ups in the table |
//! | `keyed` | rows by their keys, many keys one after the other |
//! | `rowid_union` | rows that several indexes found (OR) |
//! | `virtual_table` | computed rows |
//! | `seek`, `term`, `sorted_values` | which rowids or keys to visit; the values that columns equal, and those beyond the memory budget |
//! | `tree` | reading a range of a tree leaf by leaf |
//! | `output` | the batches that scans put out, and their size |
//! | `filter` | filtering before all is decoded |
//! | `late` | terms of a filter that wait until there are more rows |
//! | `decode`, `leaf`, `shape` | records to columns, one by one and a leaf at a time |

mod decode;
mod filter;
mod index;
mod keyed;
mod late;
mod layout;
mod leaf;
mod lookup;
mod output;
mod rowid_union;
mod seek;
mod shape;
mod sorted_values;
mod table;
mod term;
mod tree;
mod virtual_table;

pub(super) use index::index_scan;
pub(super) use keyed::{KeyedPlan, KeyedRows, WholeTable};
pub(super) use rowid_union::rowid_union;
pub(super) use seek::rowid_of;
pub(super) use table::table_scan;
pub(super) use virtual_table::virtual_scan;
