#![forbid(unsafe_code)]
//! Floor 5: looking after a whole database.

mod backup;
pub mod check;
pub mod salvage;

pub use backup::PageCopy;
pub use check::{CheckOptions, CheckReport, Finding, FindingCode, TreeRoot, check};
pub use salvage::{Salvage, SalvagedHeader, SalvagedRow, Stop, WalkTally};
