//! Trees against plain maps, and against real SQLite.

mod damage;
mod index;
mod interop;
mod kept_pages;
mod patch;
mod table;
mod transactions;
