//! A driver link as the API shows it, with what the numbers say of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::row::DriverRow;
use crate::access::{Action, Resource, Scoped};
use crate::http::page::page_type;
use crate::http::{Note, Problem, Result};
use crate::kpis::derive::{History, View, histories, recorded_by};
use crate::kpis::kpis::KpiRef;
use crate::kpis::row::KpiRow;
use crate::maths::drift::{Drift, DriftVerdict, Effect, Pair, drift};
use crate::maths::{Cadence, Period};
use crate::people::members::{self, MemberRef};
use crate::store::{DriverId, KpiId, Moment, Tx};

crate::http::words::impl_wire_words!(DriftVerdict);

/// A driver: the link from a KPI to one that it is believed to move.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Driver {
    /// Its id.
    pub id: DriverId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The KPI that is believed to move the other.
    pub driver_id: KpiId,
    /// The same, as a page shows it.
    pub driver: KpiRef,
    /// The KPI that is moved.
    pub outcome_id: KpiId,
    /// The same, as a page shows it.
    pub outcome: KpiRef,
    /// After how many periods of the outcome it shows.
    #[schema(minimum = 0, maximum = 24)]
    pub lag_periods: i32,
    /// In which direction.
    pub effect: Effect,
    /// Why that is believed.
    pub note: Option<Note>,
    /// Whether the numbers still say so; null where the two have no periods in common: other cadences, or irregular.
    pub drift: Option<ProxyDrift>,
    /// When it was made.
    pub created_at: Moment,
    /// Who made it; null where no member did.
    pub created_by: Option<MemberRef>,
    /// When a person ended it; null while it stands.
    pub ended_at: Option<Moment>,
    /// What the caller may do with it, as things stand.
    pub can: DriverCan,
}

/// What the caller may do with a driver, as things stand.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct DriverCan {
    /// Change its lag, effect and note.
    pub edit: bool,
    /// End it.
    pub end: bool,
}

page_type!(DriverPage, Driver);

/// Whether a driver still goes with its outcome: the outcome a lag later against the driver, over their newest 36
/// shared periods that are complete.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ProxyDrift {
    /// The verdict.
    pub verdict: DriftVerdict,
    /// How many shared periods there are; a verdict needs eight.
    #[schema(minimum = 0, maximum = 36)]
    pub periods: usize,
    /// Spearman's rank correlation, its sign turned for an opposite effect; null with fewer than eight periods, and
    /// where either never changes.
    #[schema(minimum = -1, maximum = 1)]
    pub rho: Option<f64>,
    /// The median slope of the driver, in its unit per period; null with fewer than eight periods.
    pub driver_slope: Option<f64>,
    /// The median slope of the outcome, in its unit per period; null with fewer than eight periods.
    pub outcome_slope: Option<f64>,
}

impl From<Drift> for ProxyDrift {
    fn from(drift: Drift) -> Self {
        let Drift { verdict, periods, rho, driver_slope, outcome_slope } = drift;
        Self { verdict, periods, rho, driver_slope, outcome_slope }
    }
}

/// What the numbers say of some links, by their ids; those without shared periods are missing.
pub fn drifts(
    tx: &mut Tx,
    rows: &[DriverRow],
    kpis: &HashMap<KpiId, KpiRow>,
    view: Option<&View>,
) -> Result<HashMap<DriverId, ProxyDrift>> {
    let wanted: BTreeSet<KpiId> = rows.iter().flat_map(|row| [row.driver_id, row.outcome_id]).collect();
    let wanted: Vec<KpiRow> = wanted.iter().filter_map(|id| kpis.get(id)).cloned().collect();
    let histories = histories(tx, &wanted, &view.copied().unwrap_or_default())?;
    let found = rows.iter().filter_map(|row| {
        let drift = drift_of(row, histories.get(&row.driver_id)?, histories.get(&row.outcome_id)?)?;
        Some((row.id, drift.into()))
    });
    Ok(found.collect())
}

fn drift_of(row: &DriverRow, driver: &History, outcome: &History) -> Option<Drift> {
    let cadence = driver.settings.cadence;
    if cadence == Cadence::Irregular || outcome.settings.cadence != cadence {
        return None;
    }
    let number = |period: &Period| driver.calendar.ordinal(cadence, period.starts_on);
    let later: BTreeMap<i64, f64> =
        outcome.complete().iter().map(|(period, value)| (number(period), *value)).collect();
    let pairs: Vec<Pair> = driver
        .complete()
        .iter()
        .filter_map(|(period, value)| {
            let number = number(period);
            let outcome = *later.get(&(number + i64::from(row.lag())))?;
            Some(Pair { number, driver: *value, outcome })
        })
        .collect();
    let band = |history: &History| history.state.target.map(|target| target.band);
    Some(drift(&pairs, row.effect, band(driver).as_ref(), band(outcome).as_ref()))
}

/// Links as the API shows them, in the order of the rows, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<DriverRow>, view: Option<&View>) -> Result<Vec<Driver>> {
    let workspace = tx.here()?;
    let seen_from = recorded_by(tx, view)?;
    let ids: BTreeSet<KpiId> = rows.iter().flat_map(|row| [row.driver_id, row.outcome_id]).collect();
    let kpis = KpiRow::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
    let drifts = drifts(tx, &rows, &kpis, view)?;
    let people = members::names(tx, workspace, rows.iter().map(|row| row.recorded_by.as_member()))?;
    let shown = rows.into_iter().filter_map(|row| {
        let (driver, outcome) = (kpis.get(&row.driver_id)?, kpis.get(&row.outcome_id)?);
        // Nobody changes the past.
        let may_edit = view.is_none() && row.ended_at.is_none() && tx.may(Action::Edit, &outcome.facts());
        Some(Driver {
            id: row.id,
            version: row.version,
            driver_id: row.driver_id,
            driver: driver.into(),
            outcome_id: row.outcome_id,
            outcome: outcome.into(),
            lag_periods: row.lag_periods,
            effect: row.effect,
            note: row.note.as_deref().map(Note::from),
            drift: drifts.get(&row.id).copied(),
            created_at: row.recorded_at,
            created_by: people.get(&row.recorded_by.as_member()).cloned(),
            ended_at: row.ended_by_then(seen_from),
            can: DriverCan { edit: may_edit, end: may_edit },
        })
    });
    Ok(shown.collect())
}

/// One link as the API shows it.
pub fn show_one(tx: &mut Scoped, row: DriverRow, view: Option<&View>) -> Result<Driver> {
    show(tx, vec![row], view)?.into_iter().next().ok_or_else(Problem::not_found)
}
