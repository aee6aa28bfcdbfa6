//! Putting rows in order.
//!
//! | module | what it owns |
//! |---|---|
//! | `key` | sort keys as bytes that compare as the values do |
//! | `buffer` | rows with their keys, sorted in memory |

mod buffer;
mod key;

pub(crate) use buffer::SortBuffer;
pub(crate) use key::{ColumnOrder, KeyEncoder};
