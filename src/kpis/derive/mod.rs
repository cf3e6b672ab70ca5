//! Placeholder: what is derived from points, with the signatures that other slices call.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;

use super::row::KpiRow;
use crate::access::Scoped;
use crate::http::{Problem, Result};
use crate::maths::{ClosedBy, DatedTarget, Episode, Health, HealthReason, Judged, KpiState, PeriodValue};
use crate::store::schema::kpi_states;
use crate::store::{Day, KpiId, Moment, StoreError, Tx, WorkspaceId};

/// What a KPI shows from an instant on.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = kpi_states, treat_none_as_default_value = false)]
pub struct StateRow {
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub from_at: Moment,
    pub period_starts_at: Option<Moment>,
    pub value: Option<f64>,
    pub previous_value: Option<f64>,
    pub health: Health,
    pub reason: Option<HealthReason>,
    pub since: Option<Day>,
    pub gap: Option<f64>,
    pub severity: Option<f64>,
    pub due_at: Option<Moment>,
    pub stale_at: Option<Moment>,
    pub episode_opened_on: Option<Day>,
    pub episode_opening_value: Option<f64>,
    pub episode_worst_value: Option<f64>,
    pub episode_worst_on: Option<Day>,
    pub closed_opened_on: Option<Day>,
    pub closed_on: Option<Day>,
    pub closed_by: Option<ClosedBy>,
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From the first point.
    Beginning,
    /// From the period that holds this moment.
    At(Moment),
}

/// From when history is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub as_of: Option<Day>,
    pub known_at: Option<Moment>,
}

/// Everything, computed afresh.
#[derive(Clone, Debug)]
pub struct History {
    pub targets: Vec<DatedTarget>,
    pub series: Vec<PeriodValue>,
    pub judged: Vec<Judged>,
    pub episodes: Vec<Episode>,
    pub state: KpiState,
    pub now: Moment,
}

/// The query of what can be looked at from the past.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOf {
    /// As it stood at the end of this day.
    #[serde(default)]
    pub as_of: Option<Day>,
    /// As it was known at this moment.
    #[serde(default)]
    pub known_at: Option<Moment>,
}

impl AsOf {
    /// The view, if any.
    pub fn view(&self, tx: &Scoped) -> Result<Option<View>> {
        let today = tx.workspace()?.calendar().day_of(tx.now.timestamp());
        if self.as_of.is_some_and(|day| day.date() > today) {
            return Err(Problem::field("as_of", "in_the_future", "it must not be later than today"));
        }
        let view = View { as_of: self.as_of.filter(|day| day.date() < today), known_at: self.known_at };
        Ok((view.as_of.is_some() || view.known_at.is_some()).then_some(view))
    }
}

/// The states shown now.
pub fn shown(tx: &mut Tx, ids: &[KpiId]) -> Result<HashMap<KpiId, StateRow>, StoreError> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    let rows: Vec<StateRow> = kpi_states::table
        .filter(kpi_states::workspace_id.eq(workspace))
        .filter(kpi_states::kpi_id.eq_any(ids))
        .filter(kpi_states::from_at.le(now))
        .order((kpi_states::kpi_id, kpi_states::from_at))
        .load(tx.db())?;
    Ok(rows.into_iter().map(|row| (row.kpi_id, row)).collect())
}

/// Recomputes.
pub fn recompute(_: &mut Tx, _: &KpiRow, _: Since) -> Result<(), StoreError> {
    Ok(())
}

/// The history.
pub fn history(_: &mut Tx, _: &KpiRow, _: &View) -> Result<History, StoreError> {
    Err(StoreError::Unusable("no history yet".into()))
}
