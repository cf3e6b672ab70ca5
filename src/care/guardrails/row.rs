//! A guardrail as it is stored, and which of them stood at an instant.

use diesel::prelude::*;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::{Band, Baseline, Calendar, Health, Target};
use crate::okrs::objectives::SharedObjective;
use crate::store::journal::Subject;
use crate::store::schema::guardrails;
use crate::store::{
    GuardrailId, IDS_PER_STATEMENT, KpiId, Moment, ObjectiveId, RawId, StoreError, Tx, WorkspaceId,
};

/// A guardrail as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = guardrails, treat_none_as_null = true)]
pub struct GuardrailRow {
    pub id: GuardrailId,
    pub workspace_id: WorkspaceId,
    pub objective_id: ObjectiveId,
    pub kpi_id: KpiId,
    pub note: Option<String>,
    pub baseline_value: Option<f64>,
    pub baseline_health: Health,
    pub baseline_starts_at: Option<Moment>,
    pub baseline_min: Option<f64>,
    pub baseline_max: Option<f64>,
    pub baseline_tolerance_min: Option<f64>,
    pub baseline_tolerance_max: Option<f64>,
    /// What was told last in an event; what is shown is always derived.
    pub shown_breached: bool,
    pub version: i32,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
    pub updated_at: Moment,
    pub ended_at: Option<Moment>,
    pub ended_by: Option<RawId>,
}

impl GuardrailRow {
    /// The target in force when it was made; `None` where there was none.
    pub fn target(&self) -> Option<Target> {
        let band = Band { min: self.baseline_min, max: self.baseline_max };
        let tolerance = Band { min: self.baseline_tolerance_min, max: self.baseline_tolerance_max };
        Target::unless_open(band, tolerance)
    }

    /// The KPI as it was when it was linked. Without a value the day of the linking stands for its period.
    pub fn baseline(&self, calendar: &Calendar) -> Baseline {
        let starts_at = self.baseline_starts_at.unwrap_or(self.recorded_at);
        Baseline {
            starts_on: calendar.day_of(starts_at.timestamp()),
            health: self.baseline_health,
            target: self.target(),
        }
    }

    /// When a person had ended it, seen from an instant.
    pub fn ended_by_then(&self, instant: Moment) -> Option<Moment> {
        self.ended_at.filter(|at| *at <= instant)
    }

    /// What events call it.
    pub fn subject(&self, objective: &str, kpi: &str) -> Subject {
        Subject::new("guardrail", self.id, format!("{objective}: {kpi}"))
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<(), StoreError> {
        diesel::update(
            guardrails::table
                .filter(guardrails::workspace_id.eq(self.workspace_id))
                .filter(guardrails::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// A guardrail together with what it links; the objective decides who may change it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedGuardrail {
    /// The guardrail.
    pub row: GuardrailRow,
    /// Its objective.
    pub objective: SharedObjective,
    /// Its KPI.
    pub kpi: KpiRow,
}

impl Resource for LinkedGuardrail {
    const PARAMETER: &'static str = "guardrail";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: GuardrailId = reference.parse().map_err(invalid_id)?;
        let row: GuardrailRow = guardrails::table
            .filter(guardrails::workspace_id.eq(workspace))
            .filter(guardrails::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let objective = SharedObjective::by_id(tx, row.objective_id)?.ok_or_else(Problem::not_found)?;
        // Its objective decides by its facts; the KPI is asked for here.
        let kpi = KpiRow::by_id(tx, workspace, row.kpi_id)?.filter(|kpi| tx.sees(&kpi.facts()));
        let kpi = kpi.ok_or_else(Problem::not_found)?;
        Ok(Self { row, objective, kpi })
    }

    fn facts(&self) -> Facts {
        self.objective.facts()
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// Whose guardrails.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// Those of some objectives.
    Objectives(&'a [ObjectiveId]),
    /// Those that guard some KPIs.
    Kpis(&'a [KpiId]),
}

/// The guardrails that had been made by an instant, ended ones too, in the order of their making.
pub fn made_by(tx: &mut Tx, of: Of, instant: Moment) -> Result<Vec<GuardrailRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let query = || {
        guardrails::table
            .filter(guardrails::workspace_id.eq(workspace))
            .filter(guardrails::recorded_at.le(instant))
            .into_boxed()
    };
    let mut found: Vec<GuardrailRow> = Vec::new();
    match of {
        Of::Objectives(ids) => {
            for ids in ids.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<GuardrailRow> =
                    query().filter(guardrails::objective_id.eq_any(ids)).load(tx.db())?;
                found.extend(rows);
            }
        }
        Of::Kpis(ids) => {
            for ids in ids.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<GuardrailRow> = query().filter(guardrails::kpi_id.eq_any(ids)).load(tx.db())?;
                found.extend(rows);
            }
        }
    }
    found.sort_by_key(|row| (row.recorded_at, row.id));
    Ok(found)
}

/// Those of them that nobody had ended by then.
pub fn standing_at(tx: &mut Tx, of: Of, instant: Moment) -> Result<Vec<GuardrailRow>, StoreError> {
    let mut rows = made_by(tx, of, instant)?;
    rows.retain(|row| row.ended_by_then(instant).is_none());
    Ok(rows)
}
