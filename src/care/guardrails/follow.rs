//! What follows a change of a KPI or of an objective's state: guardrails that broke or healed are told, once each,
//! in the same transaction.

use serde_json::json;

use super::row::{self, GuardrailRow, Of};
use super::state::Ground;
use crate::okrs::objectives::ObjectiveRow;
use crate::store::journal::EventType;
use crate::store::{Day, KpiChange, KpiId, StoreError, Tx};

/// Follows a change of KPIs.
pub fn follow(tx: &mut Tx, changes: &[KpiChange]) -> Result<(), StoreError> {
    let changed: Vec<KpiId> = changes.iter().map(|change| change.kpi).collect();
    let now = tx.now;
    let rows = row::standing_at(tx, Of::Kpis(&changed), now)?;
    tell_changes(tx, rows)
}

/// Follows a change of an objective's state: one that is reopened guards again.
pub fn follow_objective(tx: &mut Tx, objective: &ObjectiveRow) -> Result<(), StoreError> {
    let now = tx.now;
    let rows = row::standing_at(tx, Of::Objectives(&[objective.id]), now)?;
    tell_changes(tx, rows)
}

fn tell_changes(tx: &mut Tx, rows: Vec<GuardrailRow>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ground = Ground::load(tx, &rows, None)?;
    for row in rows {
        let Some(breach) = ground.breach(&row).filter(|breach| breach.is_open() != row.shown_breached) else {
            continue;
        };
        let row = GuardrailRow { shown_breached: breach.is_open(), ..row };
        row.save(tx)?;
        let kind = if row.shown_breached { EventType::GuardrailBreached } else { EventType::GuardrailHealed };
        let objective = ground.objectives.get(&row.objective_id).map_or("", |then| &then.row.title);
        let kpi = ground.kpis.get(&row.kpi_id).map_or("", |kpi| &kpi.name);
        let change = json!({
            "objective_id": row.objective_id, "kpi_id": row.kpi_id,
            "breached_on": breach.breached_on.map(Day::from),
        });
        tx.tell_of(row.kpi_id, kind, row.subject(objective, kpi), change);
    }
    Ok(())
}
