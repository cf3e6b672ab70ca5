//! Whether guardrails hold, now or as it stood: derived from the periods of their KPIs.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use super::row::{self, GuardrailRow, Of};
use crate::access::{Resource, Viewers};
use crate::care::remedies::{ObjectiveThen, Standpoint, objectives_then};
use crate::kpis::derive::{self, History, View};
use crate::kpis::row::KpiRow;
use crate::maths::{Breach, Calendar, GuardrailInput, breach};
use crate::okrs::objectives::{Circle, ObjectiveGuardrail, RecordedState};
use crate::store::{Day, KpiId, Moment, ObjectiveId, StoreError, Tx};

/// All that the states of some guardrails follow from.
#[derive(Debug)]
pub struct Ground {
    /// From where one looks.
    pub standpoint: Standpoint,
    calendar: Calendar,
    /// The objectives, where they stood.
    pub objectives: HashMap<ObjectiveId, ObjectiveThen>,
    /// The KPIs.
    pub kpis: HashMap<KpiId, KpiRow>,
    histories: HashMap<KpiId, History>,
    /// Who sees the objectives.
    viewers: HashMap<ObjectiveId, Viewers>,
}

impl Ground {
    /// Loads it, in few statements.
    pub fn load(tx: &mut Tx, rows: &[GuardrailRow], view: Option<&View>) -> Result<Self, StoreError> {
        let ids: HashSet<KpiId> = rows.iter().map(|row| row.kpi_id).collect();
        let kpis = KpiRow::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
        let kpis: Vec<KpiRow> = kpis.into_values().collect();
        let histories = derive::histories(tx, &kpis, &view.copied().unwrap_or_default())?;
        let ids: HashSet<ObjectiveId> = rows.iter().map(|row| row.objective_id).collect();
        let objectives = objectives_then(tx, &ids.into_iter().collect::<Vec<_>>(), view)?;
        let viewers = Circle::viewers_of(tx, &objectives.values().map(|then| &then.row).collect::<Vec<_>>())?;
        Ok(Self {
            standpoint: Standpoint::of(tx, view)?,
            calendar: tx.workspace()?.calendar(),
            objectives,
            viewers,
            kpis: kpis.into_iter().map(|kpi| (kpi.id, kpi)).collect(),
            histories,
        })
    }

    /// Whether it counts where its objective is shown: all who see the objective see its KPI.
    fn guards(&self, row: &GuardrailRow) -> bool {
        self.ends(row).is_some_and(|(objective, kpi)| objective.all_see(&kpi))
    }

    /// Whether it counts where its KPI is shown: all who see the KPI see its objective.
    pub fn threatens(&self, row: &GuardrailRow) -> bool {
        self.ends(row).is_some_and(|(objective, kpi)| kpi.all_see(objective))
    }

    /// Who sees its objective, and who its KPI.
    fn ends(&self, row: &GuardrailRow) -> Option<(&Viewers, Viewers)> {
        self.viewers.get(&row.objective_id).zip(self.kpis.get(&row.kpi_id).map(|kpi| kpi.facts().viewers))
    }

    /// Whether a guardrail holds; `None` where its KPI was not loaded.
    pub fn breach(&self, row: &GuardrailRow) -> Option<Breach> {
        let history = self.histories.get(&row.kpi_id)?;
        let judged = history.counting();
        Some(breach(&GuardrailInput {
            baseline: row.baseline(&self.calendar),
            baseline_value: row.baseline_value,
            judged: &judged,
            until: self.last_day(row),
            newest_point_on: history.latest_point_at.map(|at| self.calendar.day_of(at.timestamp())),
            now: history.now,
        }))
    }

    /// The day on which it ended to guard: a person ended it, or its objective was closed or archived.
    fn last_day(&self, row: &GuardrailRow) -> Option<Date> {
        let objective = self.objectives.get(&row.objective_id);
        let over = objective.and_then(|objective| match objective.state {
            RecordedState::Draft | RecordedState::Active => None,
            RecordedState::Closed => objective.row.closed_at,
            RecordedState::Archived => objective.row.closed_at.or(objective.row.archived_at),
        });
        let ended = row.ended_by_then(self.standpoint.recorded_by);
        let day = |at: Moment| self.calendar.day_of(at.timestamp());
        over.into_iter().chain(ended).min().map(day)
    }
}

/// The guardrails that stand on objectives, as objectives show them: as far as all who see the objective see the KPI.
pub fn of_objectives(
    tx: &mut Tx,
    objectives: &[ObjectiveId],
    view: Option<&View>,
) -> Result<HashMap<ObjectiveId, Vec<ObjectiveGuardrail>>, StoreError> {
    let recorded_by = Standpoint::of(tx, view)?.recorded_by;
    let rows = row::standing_at(tx, Of::Objectives(objectives), recorded_by)?;
    let mut found: HashMap<ObjectiveId, Vec<ObjectiveGuardrail>> = HashMap::new();
    if rows.is_empty() {
        return Ok(found);
    }
    let ground = Ground::load(tx, &rows, view)?;
    for row in rows.iter().filter(|row| ground.guards(row)) {
        let Some((kpi, breach)) = ground.kpis.get(&row.kpi_id).zip(ground.breach(row)) else { continue };
        found.entry(row.objective_id).or_default().push(ObjectiveGuardrail {
            id: row.id,
            kpi: kpi.into(),
            breached: breach.is_open(),
            breached_on: breach.breached_on.map(Day::from),
        });
    }
    Ok(found)
}
