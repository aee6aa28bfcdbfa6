//! Trees against plain maps, and against real SQLite.

mod damage;
mod index;
mod interop;
mod table;
mod transactions;
