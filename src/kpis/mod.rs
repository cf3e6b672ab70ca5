//! Diagnose: KPIs, their targets and points, and what follows from them.

pub mod derive;
pub mod periods;
pub mod row;
