//! Scans: tables, indexes and virtual tables read into batches.
//!
//! | module | what it owns |
//! |---|---|
//! | `table` | a table's own tree: rowid table or WITHOUT ROWID tree |
//! | `index` | an index, alone when it covers the query, else with look-ups in the table |
//! | `rowid_union` | rows that several indexes found (OR) |
//! | `virtual_table` | computed rows |
//! | `seek` | which rowids or keys to visit |
//! | `tree` | reading a range of a tree leaf by leaf |
//! | `output` | filtering, late decoding, the size of batches |
//! | `decode` | records to columns |

mod decode;
mod index;
mod layout;
mod lookup;
mod output;
mod rowid_union;
mod seek;
mod table;
mod tree;
mod virtual_table;

pub(super) use index::index_scan;
pub(super) use rowid_union::rowid_union;
pub(super) use table::table_scan;
pub(super) use virtual_table::virtual_scan;
