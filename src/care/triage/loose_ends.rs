//! Loose ends: work that goes on although its reason is gone, and work that is done although nothing moved.
//!
//! Like orphans they are facts, not faults: a person looks at them and decides. Initiatives are told as they are
//! now, whatever the day that is shown.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Placed, Scope};
use crate::access::Scoped;
use crate::care::remedies::Standpoint;
use crate::http::{Name, Result};
use crate::kpis::derive::View;
use crate::kpis::kpis::KpiRef;
use crate::maths::word::words;
use crate::maths::{Health, RemedyOutcome};
use crate::okrs::initiatives::{self, InitiativeRow, InitiativeStatus};
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::objectives::{ObjectiveRef, ObjectiveRow, ObjectiveState};
use crate::okrs::progress::{Past, Surroundings};
use crate::people::members::{self, MemberRef};
use crate::store::{Day, InitiativeId, KeyResultId, MemberId, ObjectiveId, RemedyId};

words! {
    /// Why the reason of an initiative is gone.
    pub enum LooseBecause {
        /// The key result that it was meant to move is met.
        KeyResultMet = "key_result_met",
        /// The objective that it served is closed.
        ObjectiveClosed = "objective_closed",
    }
}
crate::http::words::impl_wire_words!(LooseBecause);

/// Work whose reason is gone, and work that moved nothing.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct LooseEnds {
    /// Initiatives that are planned or in progress for a key result that is met, or an objective that is closed; in
    /// the order of their making.
    pub initiatives: Vec<LooseInitiative>,
    /// Remedies whose active objective goes on although the KPI has been healthy for two periods, by the KPI's key.
    pub remedies: Vec<LooseRemedy>,
    /// Active objectives whose initiatives are all done while nothing moved, by title.
    pub objectives: Vec<LooseObjective>,
}

/// An initiative whose reason is gone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LooseInitiative {
    /// The initiative's id.
    pub id: InitiativeId,
    /// What is to be done.
    pub title: Name,
    /// Where it stands.
    pub status: InitiativeStatus,
    /// Why its reason is gone.
    pub because: LooseBecause,
    /// The key result that it was meant to move; null where it is the objective itself.
    pub key_result_id: Option<KeyResultId>,
    /// The objective that it served.
    pub objective: ObjectiveRef,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
}

/// A remedy that goes on although its KPI is healthy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LooseRemedy {
    /// The remedy's id.
    pub id: RemedyId,
    /// The KPI.
    pub kpi: KpiRef,
    /// The first day of the stretch of periods in which it is healthy.
    pub healthy_since: Day,
    /// The objective that goes on.
    pub objective: ObjectiveRef,
    /// What became of it.
    pub outcome: RemedyOutcome,
}

/// An objective whose initiatives are done while nothing moved.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LooseObjective {
    /// The objective.
    pub objective: ObjectiveRef,
    /// How many initiatives are done.
    #[schema(minimum = 1)]
    pub initiatives_done: u32,
    /// How far it is by its key results and children, 0 at most; null where nothing counts.
    #[schema(maximum = 0)]
    pub progress: Option<f64>,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
}

/// The loose ends among what is looked at.
pub fn loose_ends(
    tx: &mut Scoped,
    scope: &Scope,
    view: Option<&View>,
    placed: &[Placed],
) -> Result<LooseEnds> {
    let recorded_by = Standpoint::of(tx, view)?.recorded_by;
    let in_use = initiatives::in_use(tx, recorded_by)?;
    let work = Work::of(tx, in_use)?;
    let past = view.map(|view| Past::of(tx, *view)).transpose()?;
    let mut rows: Vec<ObjectiveRow> = ObjectiveRow::by_ids(tx, &work.objectives())?.into_values().collect();
    if let Some(past) = &past {
        rows = past.objectives(tx, rows)?;
    }
    rows.retain(|row| row.archived_at.is_none() && scope.holds(row.owner_id, row.team_id));
    rows.sort_by(|left, right| (&left.title_folded, left.id).cmp(&(&right.title_folded, right.id)));
    let active: Vec<&ObjectiveRow> = rows.iter().filter(|row| row.is_worked_on()).collect();
    let around = Surroundings::as_seen(tx, &active, past)?;
    let owners = rows.iter().filter_map(|row| row.owner_id).chain(work.owners());
    let workspace = tx.here()?;
    let people = members::names(tx, workspace, owners)?;
    Ok(LooseEnds {
        initiatives: initiatives_of(&work, &rows, &around, &people),
        remedies: remedies_of(placed),
        objectives: active.iter().filter_map(|row| objective(row, &around, &people)).collect(),
    })
}

/// Initiatives in use, each with the objective that it serves.
struct Work(Vec<(InitiativeRow, ObjectiveId)>);

impl Work {
    fn of(tx: &mut Scoped, rows: Vec<InitiativeRow>) -> Result<Self> {
        let ids: Vec<KeyResultId> = rows.iter().filter_map(|row| row.key_result_id).collect();
        let key_results = KeyResultRow::by_ids(tx, &ids)?;
        let serves = |row: &InitiativeRow| {
            let of_key_result = row.key_result_id.and_then(|id| key_results.get(&id));
            of_key_result.map(|key_result| key_result.objective_id).or(row.objective_id)
        };
        let served = rows.into_iter().filter_map(|row| {
            let objective = serves(&row)?;
            Some((row, objective))
        });
        Ok(Self(served.collect()))
    }

    fn objectives(&self) -> Vec<ObjectiveId> {
        let ids: HashSet<ObjectiveId> = self.0.iter().map(|(_, objective)| *objective).collect();
        ids.into_iter().collect()
    }

    fn owners(&self) -> impl Iterator<Item = MemberId> {
        self.0.iter().filter_map(|(row, _)| row.owner_id)
    }
}

fn initiatives_of(
    work: &Work,
    rows: &[ObjectiveRow],
    around: &Surroundings,
    people: &HashMap<MemberId, MemberRef>,
) -> Vec<LooseInitiative> {
    let objectives: HashMap<ObjectiveId, &ObjectiveRow> = rows.iter().map(|row| (row.id, row)).collect();
    let open = work.0.iter().filter(|(row, _)| InitiativeStatus::OPEN.contains(&row.status));
    let loose = open.filter_map(|(row, objective)| {
        let objective = objectives.get(objective)?;
        Some(LooseInitiative {
            id: row.id,
            title: row.title.as_str().into(),
            status: row.status,
            because: because(row, objective, around)?,
            key_result_id: row.key_result_id,
            objective: objective.shown_as_reference(),
            owner_id: row.owner_id,
            owner: row.owner_id.and_then(|id| people.get(&id).cloned()),
        })
    });
    loose.collect()
}

/// Why the reason of an initiative is gone, where it is.
fn because(row: &InitiativeRow, objective: &ObjectiveRow, around: &Surroundings) -> Option<LooseBecause> {
    match objective.state {
        ObjectiveState::Draft => None,
        ObjectiveState::Closed => Some(LooseBecause::ObjectiveClosed),
        ObjectiveState::Active => {
            let key_results = around.key_results_of(objective.id);
            let moved = key_results.iter().find(|key_result| Some(key_result.id) == row.key_result_id)?;
            let progress = around.measure(moved, objective).progress.value;
            progress.is_some_and(|progress| progress >= 1.0).then_some(LooseBecause::KeyResultMet)
        }
    }
}

/// Remedies that had their effect at least a period ago, while their objective goes on. Those that are to prevent
/// go on while the KPI is healthy, as they should.
fn remedies_of(placed: &[Placed]) -> Vec<LooseRemedy> {
    let healthy = placed.iter().filter(|placed| placed.kpi.health == Health::Healthy);
    let for_two_periods = healthy.filter_map(|placed| {
        let since = placed.kpi.since?;
        let current = placed.kpi.current.as_ref()?;
        (since < current.starts_on).then_some((placed, since))
    });
    let loose = for_two_periods.flat_map(|(placed, healthy_since)| {
        let goes_on = placed.remedies.iter().filter(|remedy| {
            remedy.objective.state == ObjectiveState::Active && remedy.outcome != RemedyOutcome::InProgress
        });
        goes_on.map(move |remedy| LooseRemedy {
            id: remedy.id,
            kpi: KpiRef { id: placed.kpi.id, key: placed.kpi.key.clone(), name: placed.kpi.name.clone() },
            healthy_since,
            objective: remedy.objective.clone(),
            outcome: remedy.outcome,
        })
    });
    loose.collect()
}

/// An objective whose initiatives are all done, some of them at least, and whose progress is nothing.
fn objective(
    row: &ObjectiveRow,
    around: &Surroundings,
    people: &HashMap<MemberId, MemberRef>,
) -> Option<LooseObjective> {
    let counts = around.initiatives_of(row.id);
    let progress = around.summarise(row).progress.computed;
    let has_moved = progress.is_some_and(|progress| progress > 0.0);
    let is_done = counts.done > 0 && counts.planned == 0 && counts.in_progress == 0;
    (is_done && !has_moved).then(|| LooseObjective {
        objective: row.shown_as_reference(),
        initiatives_done: counts.done,
        progress,
        owner_id: row.owner_id,
        owner: row.owner_id.and_then(|id| people.get(&id).cloned()),
    })
}
