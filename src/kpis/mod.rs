//! Diagnose: KPIs, their targets and points, and what follows from them.

pub mod annotations;
pub mod boards;
pub mod contribution;
pub mod deeds;
pub mod derive;
pub mod display;
pub mod drivers;
pub mod episodes;
pub mod forecast;
#[allow(clippy::module_inception, reason = "the KPI itself, among all that belongs to KPIs")]
pub mod kpis;
pub mod periods;
pub mod points;
pub mod row;
pub mod segments;
pub mod signals;
pub mod targets;

use diesel::prelude::*;

use crate::http::Result;
use crate::store::Tx;
use crate::store::schema::kpis as kpi_table;

/// Brings what hangs on the periods of all KPIs up to date after the calendar of the workspace
/// changed.
pub fn recompute_all(tx: &mut Tx) -> Result<()> {
    let workspace = tx.workspace_id()?;
    let rows: Vec<row::KpiRow> =
        kpi_table::table.filter(kpi_table::workspace_id.eq(workspace)).order(kpi_table::id).load(tx.db())?;
    Ok(derive::recompute_all(tx, &rows)?)
}
