//! A guardrail as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use super::row::GuardrailRow;
use super::state::Ground;
use crate::access::{Action, Scoped};
use crate::care::baseline::KpiBaseline;
use crate::care::remedies::reference;
use crate::http::page::page_type;
use crate::http::{Note, Problem, Result};
use crate::kpis::derive::View;
use crate::kpis::kpis::KpiRef;
use crate::okrs::objectives::{Circle, ObjectiveRef};
use crate::okrs::progress::cycles_of;
use crate::people::members::{self, MemberRef};
use crate::store::{Day, GuardrailId, KpiId, Moment, ObjectiveId};

/// A guardrail: the link from an objective to a KPI that it must not harm.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Guardrail {
    /// Its id.
    pub id: GuardrailId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The objective.
    pub objective_id: ObjectiveId,
    /// The objective, as a page shows it.
    pub objective: ObjectiveRef,
    /// The KPI that it must not harm.
    pub kpi_id: KpiId,
    /// The KPI, as a page shows it.
    pub kpi: KpiRef,
    /// Why it must not be harmed.
    pub note: Option<Note>,
    /// The KPI as it was when it was linked; it never changes.
    pub baseline: KpiBaseline,
    /// Whether the KPI has become unhealthy since, or, where it was healthy then, lies outside of the band in force
    /// then. Periods count that began before the link was ended and the objective closed.
    pub breached: bool,
    /// The day of the present breach: the last of the first harmed period, or the date of its newest point while it
    /// runs. Null while it holds.
    pub breached_on: Option<Day>,
    /// Whether an earlier breach has healed.
    pub breached_before: bool,
    /// When it was made.
    pub created_at: Moment,
    /// Who made it; null where no member did.
    pub created_by: Option<MemberRef>,
    /// When a person ended it; null while it stands.
    pub ended_at: Option<Moment>,
    /// What the caller may do with it, as things stand.
    pub can: GuardrailCan,
}

/// What the caller may do with a guardrail, as things stand.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct GuardrailCan {
    /// Change its note.
    pub edit: bool,
    /// End it.
    pub end: bool,
}

page_type!(GuardrailPage, Guardrail);

/// Guardrails as the API shows them, in the order of the rows, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<GuardrailRow>, view: Option<&View>) -> Result<Vec<Guardrail>> {
    let workspace = tx.here()?;
    let ground = Ground::load(tx, &rows, view)?;
    let calendar = tx.workspace()?.calendar();
    let people = members::names(tx, workspace, rows.iter().map(|row| row.recorded_by.as_member()))?;
    let circles = Circle::of_all(tx, &ground.objectives.keys().copied().collect::<Vec<_>>())?;
    let objectives: Vec<_> = ground.objectives.values().map(|then| &then.row).collect();
    let cycles = cycles_of(tx, &objectives)?;
    let shown = rows.into_iter().filter_map(|row| {
        let kpi = ground.kpis.get(&row.kpi_id)?;
        let objective = ground.objectives.get(&row.objective_id)?;
        let breach = ground.breach(&row)?;
        let nobody = Circle::default();
        let facts = circles.get(&row.objective_id).unwrap_or(&nobody).facts(&objective.row);
        let cycle = objective.row.cycle_id.and_then(|id| cycles.get(&id));
        // Nobody changes the past.
        let takes_changes =
            view.is_none() && row.ended_at.is_none() && objective.row.must_take_changes_in(cycle).is_ok();
        let may_edit = takes_changes && tx.may(Action::Edit, &facts);
        Some(Guardrail {
            id: row.id,
            version: row.version,
            objective_id: row.objective_id,
            objective: reference(objective),
            kpi_id: row.kpi_id,
            kpi: kpi.into(),
            note: row.note.as_deref().map(Note::from),
            baseline: KpiBaseline::of(
                kpi,
                (row.baseline_value, row.baseline_health),
                row.target(),
                row.baseline_starts_at,
                &calendar,
            ),
            breached: breach.is_open(),
            breached_on: breach.breached_on.map(Day::from),
            breached_before: breach.breached_before,
            created_at: row.recorded_at,
            created_by: people.get(&row.recorded_by.as_member()).cloned(),
            ended_at: row.ended_by_then(ground.standpoint.recorded_by),
            can: GuardrailCan { edit: may_edit, end: may_edit },
        })
    });
    Ok(shown.collect())
}

/// One guardrail as the API shows it.
pub fn show_one(tx: &mut Scoped, row: GuardrailRow, view: Option<&View>) -> Result<Guardrail> {
    show(tx, vec![row], view)?.into_iter().next().ok_or_else(Problem::not_found)
}
