//! Trees against plain maps, and against real SQLite.

mod index;
mod interop;
mod table;
