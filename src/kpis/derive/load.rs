//! What derivation reads, for many KPIs in few statements. Every query is bound to the workspace.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::fold::{Measured, Range};
use super::history::View;
use super::rows::{PeriodRow, StateRow, TargetRow};
use crate::maths::{Checkpoint, DatedTarget};
use crate::store::places::{self, MeasuredRow, Place};
use crate::store::schema::{kpi_periods, kpi_states, point_revisions, points, targets};
use crate::store::{IDS_PER_STATEMENT, KpiId, Moment, StoreError, Tx, each_engine};

type ByKpi<T> = HashMap<KpiId, Vec<T>>;

fn by_kpi<T, R>(rows: Vec<R>, split: impl Fn(R) -> (KpiId, T), into: &mut ByKpi<T>) {
    for row in rows {
        let (id, item) = split(row);
        into.entry(id).or_default().push(item);
    }
}

/// The targets that are in force.
pub fn targets(tx: &mut Tx, ids: &[KpiId]) -> Result<ByKpi<DatedTarget>, StoreError> {
    targets_at(tx, ids, None)
}

/// The targets as they were recorded at a moment.
pub fn targets_at(
    tx: &mut Tx,
    ids: &[KpiId],
    known_at: Option<Moment>,
) -> Result<ByKpi<DatedTarget>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found = ByKpi::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let query = targets::table
            .filter(targets::workspace_id.eq(workspace))
            .filter(targets::kpi_id.eq_any(ids))
            .into_boxed();
        let query = match known_at {
            None => query.filter(targets::replaced_at.is_null()),
            Some(known_at) => query.filter(targets::recorded_at.le(known_at)).filter(
                targets::replaced_at.is_null().or(targets::replaced_at.assume_not_null().gt(known_at)),
            ),
        };
        let rows: Vec<TargetRow> = query.load(tx.db())?;
        by_kpi(rows, |row| (row.kpi_id, row.dated()), &mut found);
    }
    Ok(found)
}

/// The stored periods, in order of time.
pub fn periods(tx: &mut Tx, ids: &[KpiId]) -> Result<ByKpi<PeriodRow>, StoreError> {
    periods_since(tx, ids, Range::all().from)
}

/// Of KPIs that stand on a checkpoint the periods that this reads, of others all, in order of time.
pub fn periods_read(
    tx: &mut Tx,
    ids: &[KpiId],
    standing: &HashMap<KpiId, Checkpoint>,
) -> Result<ByKpi<PeriodRow>, StoreError> {
    let others: Vec<KpiId> = ids.iter().filter(|id| !standing.contains_key(id)).copied().collect();
    let mut found = periods(tx, &others)?;
    let places: BTreeSet<Place> =
        standing.iter().map(|(id, checkpoint)| (*id, checkpoint.reads_from.into())).collect();
    by_kpi(places::periods_since(tx, &places)?, |row| (row.kpi_id, row), &mut found);
    Ok(found)
}

/// Those that begin at an instant or later.
pub fn periods_since(tx: &mut Tx, ids: &[KpiId], since: Moment) -> Result<ByKpi<PeriodRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found = ByKpi::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<PeriodRow> = each_engine!(tx, connection => kpi_periods::table
            .filter(kpi_periods::workspace_id.eq(workspace))
            .filter(kpi_periods::kpi_id.eq_any(ids))
            .filter(kpi_periods::starts_at.ge(since))
            .order((kpi_periods::kpi_id, kpi_periods::starts_at))
            .load(connection))?;
        by_kpi(rows, |row| (row.kpi_id, row), &mut found);
    }
    Ok(found)
}

/// The stored stages, in order of time.
pub fn stages(tx: &mut Tx, ids: &[KpiId]) -> Result<ByKpi<StateRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found = ByKpi::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<StateRow> = each_engine!(tx, connection => kpi_states::table
            .filter(kpi_states::workspace_id.eq(workspace))
            .filter(kpi_states::kpi_id.eq_any(ids))
            .order((kpi_states::kpi_id, kpi_states::from_at))
            .load(connection))?;
        by_kpi(rows, |row| (row.kpi_id, row), &mut found);
    }
    Ok(found)
}

fn measured(MeasuredRow { kpi_id, at, feed, value }: MeasuredRow) -> (KpiId, Measured) {
    (kpi_id, Measured { at, feed, value })
}

/// The points in some stretches of time, which do not overlap for one KPI.
pub fn points_in(
    tx: &mut Tx,
    ranges: impl Iterator<Item = (KpiId, Range)>,
) -> Result<ByKpi<Measured>, StoreError> {
    let stretches: Vec<(KpiId, Moment, Moment)> =
        ranges.map(|(kpi, range)| (kpi, range.from, range.until)).collect();
    let mut found = ByKpi::new();
    by_kpi(places::points_between(tx, &stretches)?, measured, &mut found);
    Ok(found)
}

/// The points before an instant, as they were known at a moment.
pub fn points_as_of(
    tx: &mut Tx,
    ids: &[KpiId],
    until: Moment,
    view: &View,
) -> Result<ByKpi<Measured>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found = ByKpi::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let query = points::table
            .select((points::kpi_id, points::at, points::feed, points::value))
            .filter(points::workspace_id.eq(workspace))
            .filter(points::kpi_id.eq_any(ids))
            .filter(points::at.lt(until))
            .into_boxed();
        let query = match view.known_at {
            None => query,
            Some(known_at) => query.filter(points::recorded_at.le(known_at)),
        };
        by_kpi(query.load(tx.db())?, measured, &mut found);
        if let Some(known_at) = view.known_at {
            let rows: Vec<MeasuredRow> = point_revisions::table
                .select((
                    point_revisions::kpi_id,
                    point_revisions::at,
                    point_revisions::feed,
                    point_revisions::value,
                ))
                .filter(point_revisions::workspace_id.eq(workspace))
                .filter(point_revisions::kpi_id.eq_any(ids))
                .filter(point_revisions::at.lt(until))
                .filter(point_revisions::recorded_at.le(known_at))
                .filter(point_revisions::replaced_at.gt(known_at))
                .load(tx.db())?;
            by_kpi(rows, measured, &mut found);
        }
    }
    Ok(found)
}
