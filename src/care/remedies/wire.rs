//! A remedy as the API shows it.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::outcome::{Ground, ObjectiveThen, Standpoint};
use super::row::{self, RemedyRow};
use crate::access::{Action, Scoped};
use crate::care::baseline::KpiBaseline;
use crate::http::page::page_type;
use crate::http::{Note, Problem, Result};
use crate::kpis::derive::View;
use crate::kpis::kpis::KpiRef;
use crate::kpis::row::KpiRow;
use crate::maths::RemedyOutcome;
use crate::okrs::objectives::{Circle, ObjectiveRef, ObjectiveState, RecordedState};
use crate::people::members::{self, MemberRef};
use crate::store::{Day, KpiId, Moment, ObjectiveId, RemedyId};

/// A remedy: the link from a KPI to an objective that is meant to heal it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Remedy {
    /// Its id.
    pub id: RemedyId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The KPI that it is to heal.
    pub kpi_id: KpiId,
    /// The KPI, as a page shows it.
    pub kpi: KpiRef,
    /// The objective that is to heal it.
    pub objective_id: ObjectiveId,
    /// The objective, as a page shows it.
    pub objective: ObjectiveRef,
    /// What it is meant to do for the KPI.
    pub note: Option<Note>,
    /// The KPI as it was when the remedy was made; it never changes.
    pub baseline: KpiBaseline,
    /// What became of it, by the values that the periods since the baseline hold now.
    pub outcome: RemedyOutcome,
    /// 1 - |gap now| / |gap at the baseline|, both against the band in force at the baseline: 1 is healthy, below
    /// 0 is worse than before. Null without a gap at the baseline, and once it is withdrawn.
    #[schema(example = 0.6)]
    pub share_of_gap_closed: Option<f64>,
    /// The day from which on the effect of the closed objective should show; null while it is not closed.
    pub effect_by: Option<Day>,
    /// Days from the day on which the KPI turned unhealthy to the remedy; null where it was not unhealthy.
    #[schema(minimum = 0)]
    pub days_to_remedy: Option<i64>,
    /// Days from the remedy to the recovery; null before one.
    #[schema(minimum = 0)]
    pub days_to_recovery: Option<i64>,
    /// The day of the latest recovery since the baseline; null before one.
    pub recovered_on: Option<Day>,
    /// Whether the recovery may be routine variation: its value lies within the natural limits of the periods before
    /// the baseline. Null before a recovery, and with fewer than six such periods.
    pub may_be_chance: Option<bool>,
    /// When it was made.
    pub created_at: Moment,
    /// Who made it; null where no member did.
    pub created_by: Option<MemberRef>,
    /// When a person ended it; null while it stands.
    pub withdrawn_at: Option<Moment>,
    /// What the caller may do with it.
    pub can: RemedyRights,
}

/// What the caller may do with a remedy.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RemedyRights {
    /// Change its note.
    pub edit: bool,
    /// Withdraw it; nobody can once it is withdrawn.
    pub withdraw: bool,
}

page_type!(RemedyPage, Remedy);

/// Remedies as the API shows them, in the order of the rows, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<RemedyRow>, view: Option<&View>) -> Result<Vec<Remedy>> {
    let workspace = tx.here()?;
    let mut ids: Vec<KpiId> = rows.iter().map(|row| row.kpi_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let kpis: Vec<KpiRow> = KpiRow::by_ids(tx, &ids)?.into_values().collect();
    let ground = Ground::load(tx, &rows, &kpis, view)?;
    let kpis: HashMap<KpiId, KpiRow> = kpis.into_iter().map(|kpi| (kpi.id, kpi)).collect();
    let people = members::names(tx, workspace, rows.iter().map(|row| row.created_by.as_member()))?;
    let standpoint = Standpoint::of(tx, view)?;
    let calendar = tx.workspace()?.calendar();
    let objectives: Vec<ObjectiveId> = ground.objectives.keys().copied().collect();
    let circles = Circle::of_all(tx, &objectives)?;
    let shown = rows.into_iter().filter_map(|row| {
        let kpi = kpis.get(&row.kpi_id)?;
        let objective = ground.objectives.get(&row.objective_id)?;
        let told = ground.told(&row)?;
        let nobody = Circle::default();
        let circle = circles.get(&row.objective_id).unwrap_or(&nobody);
        let facts = row::facts(kpi, circle.facts(&objective.row));
        Some(Remedy {
            id: row.id,
            version: row.version,
            kpi_id: row.kpi_id,
            kpi: kpi.into(),
            objective_id: row.objective_id,
            objective: reference(objective),
            note: row.note.as_deref().map(Note::from),
            baseline: KpiBaseline::of(
                kpi,
                (row.baseline_value, row.baseline_health),
                row.target(),
                row.baseline_starts_at,
                &calendar,
            ),
            outcome: told.outcome,
            share_of_gap_closed: told.share_of_gap_closed,
            effect_by: told.effect_by.map(Day::from),
            days_to_remedy: told.days_to_remedy,
            days_to_recovery: told.days_to_recovery,
            recovered_on: told.recovered_on.map(Day::from),
            may_be_chance: told.may_be_chance,
            created_at: row.created_at,
            created_by: people.get(&row.created_by.as_member()).cloned(),
            withdrawn_at: row.withdrawn_at.filter(|_| row.is_withdrawn_by(standpoint.recorded_by)),
            can: RemedyRights {
                edit: tx.may(Action::Edit, &facts),
                withdraw: row.withdrawn_at.is_none() && tx.may(Action::Archive, &facts),
            },
        })
    });
    Ok(shown.collect())
}

/// One remedy as the API shows it.
pub fn show_one(tx: &mut Scoped, row: RemedyRow, view: Option<&View>) -> Result<Remedy> {
    show(tx, vec![row], view)?.into_iter().next().ok_or_else(Problem::not_found)
}

/// An objective as it stood, where something belongs to it.
pub fn reference(objective: &ObjectiveThen) -> ObjectiveRef {
    let state = match objective.state {
        RecordedState::Draft => ObjectiveState::Draft,
        RecordedState::Active => ObjectiveState::Active,
        RecordedState::Closed => ObjectiveState::Closed,
        // The archive hides the state in which it went there.
        RecordedState::Archived => objective.row.state,
    };
    ObjectiveRef { id: objective.row.id, title: objective.row.title.as_str().into(), state }
}
