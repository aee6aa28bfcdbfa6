//! Trees against plain maps, and against real SQLite.

mod damage;
mod index;
mod interop;
mod patch;
mod table;
mod transactions;
