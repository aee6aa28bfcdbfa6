//! Joins.
//!
//! | module | what it owns |
//! |---|---|
//! | `hash` | equi-joins through a hash table on the right side |
//! | `keyed` | the right side looked up by key, many left rows at once |
//! | `nested` | the right side opened anew for each left row |
//! | `pairs` | pairs of rows on their way out: ON, and rows without a match |

mod hash;
mod keyed;
mod nested;
mod pairs;

pub(super) use hash::hash_join;
pub(super) use keyed::{KeyedJoin, keyed_presence};
pub(super) use nested::nested_loop;
