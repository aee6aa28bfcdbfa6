//! The engine and real SQLite side by side: the same statements, the same rows, the same errors, and files that
//! SQLite's integrity_check finds nothing in.

mod analyze;
mod authorizer;
mod backups;
mod blobs;
mod both;
mod bound;
mod budgets;
mod checksums;
mod constraints;
mod ddl;
mod deferred;
mod depth;
mod files;
mod foreign_keys;
mod handles;
mod handy;
mod histories;
mod hooks;
mod kept;
mod limits;
mod look_ups;
mod nested_from;
mod preupdate;
mod programs;
mod queries;
mod rename;
mod samples;
mod serialized;
mod shortcuts;
mod spilling;
mod temporary;
mod transactions;
mod views;
mod ways;
mod writes;
