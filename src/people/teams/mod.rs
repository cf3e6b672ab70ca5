//! Teams: people who share KPIs and objectives.

mod row;

pub use row::{TeamInput, TeamRef, TeamRow, filtered, names, resolve, resolve_optional};
