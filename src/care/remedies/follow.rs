//! What follows a change of a KPI or of an objective's state: outcomes that are others than was told
//! last are told, once each, in the same transaction.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde_json::json;

use super::outcome::Ground;
use super::row::{self, Of, RemedyRow};
use crate::kpis::row::KpiRow;
use crate::maths::RemedyOutcome;
use crate::okrs::objectives::ObjectiveRow;
use crate::store::journal::EventType;
use crate::store::schema::remedies;
use crate::store::{KpiChange, KpiId, StoreError, Tx};

/// Follows a change of KPIs.
pub fn follow(tx: &mut Tx, changes: &[KpiChange]) -> Result<(), StoreError> {
    let changed: Vec<KpiId> = changes.iter().map(|change| change.kpi).collect();
    let now = tx.now;
    let rows = row::made_by(tx, Of::Kpis(&changed), now)?;
    bring_up_to_date(tx, rows)
}

/// Follows a change of an objective's state: who is treated by it may be treated no more, or again.
pub fn follow_objective(tx: &mut Tx, objective: &ObjectiveRow) -> Result<(), StoreError> {
    let now = tx.now;
    let rows = row::made_by(tx, Of::Objective(objective.id), now)?;
    bring_up_to_date(tx, rows)
}

/// Follows the clock: the effect of a closed objective should have come by now.
pub fn follow_clock(tx: &mut Tx) -> Result<(), StoreError> {
    let now = tx.now;
    let mut rows = row::made_by(tx, Of::Workspace, now)?;
    rows.retain(|row| row.shown_outcome == RemedyOutcome::AwaitingEffect);
    bring_up_to_date(tx, rows)
}

fn kpis_of(rows: &[RemedyRow]) -> Vec<KpiId> {
    let ids: HashSet<KpiId> = rows.iter().map(|row| row.kpi_id).collect();
    ids.into_iter().collect()
}

/// Counts what treats the KPIs, and tells the outcomes that changed.
fn bring_up_to_date(tx: &mut Tx, mut rows: Vec<RemedyRow>) -> Result<(), StoreError> {
    rows.retain(|row| row.withdrawn_at.is_none());
    if rows.is_empty() {
        return Ok(());
    }
    let kpis: Vec<KpiRow> = KpiRow::by_ids(tx, &kpis_of(&rows))?.into_values().collect();
    let ground = Ground::load(tx, &rows, &kpis, None)?;
    let names: HashMap<KpiId, &str> = kpis.iter().map(|kpi| (kpi.id, kpi.name.as_str())).collect();
    // In the order of their making, so that a journal reads the same whatever was loaded first.
    for row in rows.iter().rev() {
        let Some(told) = ground.told(row) else { continue };
        if told.outcome == row.shown_outcome {
            continue;
        }
        diesel::update(
            remedies::table
                .filter(remedies::workspace_id.eq(row.workspace_id))
                .filter(remedies::id.eq(row.id)),
        )
        .set(remedies::shown_outcome.eq(told.outcome))
        .execute(tx.db())?;
        let kpi = names.get(&row.kpi_id).copied().unwrap_or_default();
        let objective = ground.objectives.get(&row.objective_id).map_or("", |then| &then.row.title);
        let change = json!({
            "from": row.shown_outcome, "to": told.outcome,
            "kpi_id": row.kpi_id, "objective_id": row.objective_id,
        });
        tx.tell_of(row.kpi_id, event_of(told.outcome), row.subject(kpi, objective), change);
    }
    row::keep_counts(tx, &kpis)
}

fn event_of(outcome: RemedyOutcome) -> EventType {
    match outcome {
        RemedyOutcome::Recovered => EventType::RemedyRecovered,
        RemedyOutcome::Relapsed => EventType::RemedyRelapsed,
        RemedyOutcome::Failed => EventType::RemedyFailed,
        RemedyOutcome::Withdrawn
        | RemedyOutcome::TargetMoved
        | RemedyOutcome::Planned
        | RemedyOutcome::InProgress
        | RemedyOutcome::AwaitingEffect
        | RemedyOutcome::Held => EventType::RemedyOutcomeChanged,
    }
}
