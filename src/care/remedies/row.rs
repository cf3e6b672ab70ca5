//! A remedy as it is stored, and which of them stood at an instant.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped, Viewers};
use crate::http::{Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::{Band, Baseline, Calendar, Health, RemedyOutcome, Target};
use crate::okrs::objectives::{Circle, ObjectiveRow, ObjectiveState, SharedObjective};
use crate::store::journal::Subject;
use crate::store::schema::{kpis, objectives, remedies};
use crate::store::{
    Day, IDS_PER_STATEMENT, KpiId, Moment, ObjectiveId, RawId, RemedyId, StoreError, Tx, WorkspaceId,
};

/// A remedy as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = remedies, treat_none_as_null = true)]
pub struct RemedyRow {
    pub id: RemedyId,
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub objective_id: ObjectiveId,
    pub note: Option<String>,
    pub baseline_value: Option<f64>,
    pub baseline_health: Health,
    pub baseline_starts_at: Option<Moment>,
    pub baseline_min: Option<f64>,
    pub baseline_max: Option<f64>,
    pub baseline_tolerance_min: Option<f64>,
    pub baseline_tolerance_max: Option<f64>,
    pub unhealthy_since: Option<Day>,
    /// What was told last in an event; what is shown is always derived.
    pub shown_outcome: RemedyOutcome,
    pub version: i32,
    pub created_at: Moment,
    pub created_by: RawId,
    pub updated_at: Moment,
    pub withdrawn_at: Option<Moment>,
    pub withdrawn_by: Option<RawId>,
}

impl RemedyRow {
    /// The target in force when it was made; `None` where there was none.
    pub fn target(&self) -> Option<Target> {
        let band = Band { min: self.baseline_min, max: self.baseline_max };
        let tolerance = Band { min: self.baseline_tolerance_min, max: self.baseline_tolerance_max };
        Target::unless_open(band, tolerance)
    }

    /// The KPI as it was when the remedy was made. Without a value the day of the making stands for its period.
    pub fn baseline(&self, calendar: &Calendar) -> Baseline {
        let starts_at = self.baseline_starts_at.unwrap_or(self.created_at);
        Baseline {
            starts_on: calendar.day_of(starts_at.timestamp()),
            health: self.baseline_health,
            target: self.target(),
        }
    }

    /// Whether a person had ended it by an instant.
    pub fn is_withdrawn_by(&self, instant: Moment) -> bool {
        self.withdrawn_at.is_some_and(|at| at <= instant)
    }

    /// What events call it.
    pub fn subject(&self, kpi: &str, objective: &str) -> Subject {
        Subject::new("remedy", self.id, format!("{kpi}: {objective}"))
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(
            remedies::table
                .filter(remedies::workspace_id.eq(self.workspace_id))
                .filter(remedies::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// A remedy together with what it links, which decides who may change it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedRemedy {
    /// The remedy.
    pub row: RemedyRow,
    /// Its KPI.
    pub kpi: KpiRow,
    /// Its objective.
    pub objective: SharedObjective,
}

impl Resource for LinkedRemedy {
    const PARAMETER: &'static str = "remedy";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: RemedyId = reference.parse().map_err(invalid_id)?;
        let row: RemedyRow = remedies::table
            .filter(remedies::workspace_id.eq(workspace))
            .filter(remedies::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let kpi = KpiRow::by_id(tx, workspace, row.kpi_id)?.ok_or_else(Problem::not_found)?;
        // Its KPI decides who sees it by its facts; the objective is asked for here.
        let objective = SharedObjective::by_id(tx, row.objective_id)?.ok_or_else(Problem::not_found)?;
        Ok(Self { row, kpi, objective })
    }

    fn facts(&self) -> Facts {
        facts(&self.kpi, self.objective.facts())
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// A remedy is theirs who may change its KPI or its objective.
pub fn facts(kpi: &KpiRow, objective: Facts) -> Facts {
    let mut facts = kpi.facts();
    facts.owners.extend(objective.owners);
    facts.teams.extend(objective.teams);
    facts.led_through.extend(objective.led_through);
    facts
}

/// Whose remedies.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// All of the workspace.
    Workspace,
    /// Those of some KPIs.
    Kpis(&'a [KpiId]),
    /// Those of an objective.
    Objective(ObjectiveId),
    /// Those of some objectives.
    Objectives(&'a [ObjectiveId]),
}

/// The remedies that had been made by an instant, withdrawn ones too, the newest first.
pub fn made_by(tx: &mut Tx, of: Of, instant: Moment) -> Result<Vec<RemedyRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let query = || {
        remedies::table
            .filter(remedies::workspace_id.eq(workspace))
            .filter(remedies::created_at.le(instant))
            .into_boxed()
    };
    let mut found: Vec<RemedyRow> = Vec::new();
    match of {
        Of::Workspace => found = query().load(tx.db())?,
        Of::Objective(id) => found = query().filter(remedies::objective_id.eq(id)).load(tx.db())?,
        Of::Objectives(ids) => {
            for ids in ids.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<RemedyRow> =
                    query().filter(remedies::objective_id.eq_any(ids)).load(tx.db())?;
                found.extend(rows);
            }
        }
        Of::Kpis(ids) => {
            for ids in ids.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<RemedyRow> = query().filter(remedies::kpi_id.eq_any(ids)).load(tx.db())?;
                found.extend(rows);
            }
        }
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    Ok(found)
}

/// The objectives with these ids.
pub fn objectives_of(tx: &mut Tx, ids: &[ObjectiveId]) -> Result<Vec<ObjectiveRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found: Vec<ObjectiveRow> = Vec::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<ObjectiveRow> = objectives::table
            .filter(objectives::workspace_id.eq(workspace))
            .filter(objectives::id.eq_any(ids))
            .load(tx.db())?;
        found.extend(rows);
    }
    Ok(found)
}

/// Counts what is done about each of some KPIs, and keeps the counts in the KPIs' rows.
pub fn keep_counts(tx: &mut Tx, kpis: &[KpiRow]) -> Result<(), StoreError> {
    let workspace = tx.workspace_id()?;
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let mut linked: Vec<(KpiId, RemedyOutcome, ObjectiveRow)> = Vec::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<(KpiId, RemedyOutcome, ObjectiveRow)> = remedies::table
            .inner_join(objectives::table.on(objectives::id.eq(remedies::objective_id)))
            .filter(remedies::workspace_id.eq(workspace))
            .filter(remedies::kpi_id.eq_any(ids))
            .filter(remedies::withdrawn_at.is_null())
            .filter(objectives::archived_at.is_null())
            .select((remedies::kpi_id, remedies::shown_outcome, objectives::all_columns))
            .load(tx.db())?;
        linked.extend(rows);
    }
    let viewers = Circle::viewers_of(tx, &linked.iter().map(|(_, _, row)| row).collect::<Vec<_>>())?;
    for kpi in kpis {
        let all = kpi.facts().viewers;
        let own = linked.iter().filter(|(id, _, row)| {
            *id == kpi.id && viewers.get(&row.id).is_some_and(|some| all.all_see(some))
        });
        let mut counts = Counts::default();
        own.for_each(|(_, outcome, objective)| counts.add(*outcome, objective.state));
        if counts != Counts::of(kpi) {
            diesel::update(kpis::table.filter(kpis::workspace_id.eq(workspace)).filter(kpis::id.eq(kpi.id)))
                .set((
                    kpis::active_remedies.eq(counts.active),
                    kpis::planned_remedies.eq(counts.planned),
                    kpis::failed_remedies.eq(counts.failed),
                ))
                .execute(tx.db())?;
        }
    }
    Ok(())
}

/// How many remedies of a KPI are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    active: i32,
    planned: i32,
    failed: i32,
}

impl Counts {
    fn of(kpi: &KpiRow) -> Self {
        Self { active: kpi.active_remedies, planned: kpi.planned_remedies, failed: kpi.failed_remedies }
    }

    fn add(&mut self, outcome: RemedyOutcome, objective: ObjectiveState) {
        match (objective, outcome) {
            (ObjectiveState::Active, _) => self.active += 1,
            (ObjectiveState::Draft, _) => self.planned += 1,
            (ObjectiveState::Closed, RemedyOutcome::Failed) => self.failed += 1,
            (ObjectiveState::Closed, _) => {}
        }
    }
}

/// Those remedies whose ends are seen by the same people, as far as those who see the one are
/// concerned: what fewer people may see never counts in what more of them see.
#[derive(Debug, Default)]
pub struct Counting {
    kpis: HashMap<KpiId, Viewers>,
    objectives: HashMap<ObjectiveId, Viewers>,
}

impl Counting {
    /// Who sees the ends of some remedies.
    pub fn of(tx: &mut Tx, links: &[RemedyRow]) -> Result<Self, StoreError> {
        let ids: HashSet<KpiId> = links.iter().map(|link| link.kpi_id).collect();
        let kpis = KpiRow::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
        let ids: HashSet<ObjectiveId> = links.iter().map(|link| link.objective_id).collect();
        let objectives = objectives_of(tx, &ids.into_iter().collect::<Vec<_>>())?;
        Ok(Self {
            kpis: kpis.into_iter().map(|(id, kpi)| (id, kpi.facts().viewers)).collect(),
            objectives: Circle::viewers_of(tx, &objectives.iter().collect::<Vec<_>>())?,
        })
    }

    /// Whether it treats its KPI, as all who see the KPI see it.
    pub fn treats(&self, link: &RemedyRow) -> bool {
        let ends = self.kpis.get(&link.kpi_id).zip(self.objectives.get(&link.objective_id));
        ends.is_some_and(|(kpi, objective)| kpi.all_see(objective))
    }

    /// Whether its objective heals something, as all who see the objective see it.
    pub fn heals(&self, link: &RemedyRow) -> bool {
        let ends = self.kpis.get(&link.kpi_id).zip(self.objectives.get(&link.objective_id));
        ends.is_some_and(|(kpi, objective)| objective.all_see(kpi))
    }
}
