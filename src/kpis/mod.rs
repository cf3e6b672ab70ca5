//! Diagnose: KPIs, their targets and points, and what follows from them.

pub mod row;
