//! How long the effect of a remedy may take beyond one period of its KPI: the longest lag of a driver of the KPI among
//! the KPIs that the objective's key results read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::row::RemedyRow;
use crate::access::Resource;
use crate::kpis::drivers::{Of, standing_at};
use crate::kpis::row::KpiRow;
use crate::store::schema::key_results;
use crate::store::{IDS_PER_STATEMENT, KpiId, Moment, ObjectiveId, RemedyId, StoreError, Tx};

/// The longest lags of some remedies, in periods of their KPIs, by the links that stood at an instant. A driver that
/// not everybody sees who sees the KPI does not count; those without any are missing.
pub fn longest_lags(
    tx: &mut Tx,
    remedies: &[&RemedyRow],
    instant: Moment,
) -> Result<HashMap<RemedyId, u32>, StoreError> {
    let outcomes: BTreeSet<KpiId> = remedies.iter().map(|row| row.kpi_id).collect();
    if outcomes.is_empty() {
        return Ok(HashMap::new());
    }
    let links = standing_at(tx, Of::Outcomes(&outcomes.into_iter().collect::<Vec<_>>()), instant)?;
    if links.is_empty() {
        return Ok(HashMap::new());
    }
    let ends: BTreeSet<KpiId> = links.iter().flat_map(|link| [link.driver_id, link.outcome_id]).collect();
    let kpis = KpiRow::by_ids(tx, &ends.into_iter().collect::<Vec<_>>())?;
    let viewers = |id: KpiId| kpis.get(&id).map(|row| row.facts().viewers);
    let counts = |outcome: KpiId, driver: KpiId| {
        viewers(outcome).zip(viewers(driver)).is_some_and(|(outcome, driver)| outcome.all_see(&driver))
    };
    let read = read_by(tx, remedies)?;
    let longest = remedies.iter().filter_map(|remedy| {
        let read = read.get(&remedy.objective_id)?;
        let of_remedy = links.iter().filter(|link| {
            link.outcome_id == remedy.kpi_id
                && read.contains(&link.driver_id)
                && counts(link.outcome_id, link.driver_id)
        });
        Some((remedy.id, of_remedy.map(|link| link.lag()).max()?))
    });
    Ok(longest.collect())
}

/// The KPIs that the key results of the remedies' objectives read.
fn read_by(
    tx: &mut Tx,
    remedies: &[&RemedyRow],
) -> Result<BTreeMap<ObjectiveId, BTreeSet<KpiId>>, StoreError> {
    let workspace = tx.workspace_id()?;
    let objectives: BTreeSet<ObjectiveId> = remedies.iter().map(|row| row.objective_id).collect();
    let objectives: Vec<ObjectiveId> = objectives.into_iter().collect();
    let mut read: BTreeMap<ObjectiveId, BTreeSet<KpiId>> = BTreeMap::new();
    for ids in objectives.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<(ObjectiveId, Option<KpiId>)> = key_results::table
            .filter(key_results::workspace_id.eq(workspace))
            .filter(key_results::objective_id.eq_any(ids))
            .filter(key_results::kpi_id.is_not_null())
            .filter(key_results::archived_at.is_null())
            .select((key_results::objective_id, key_results::kpi_id))
            .load(tx.db())?;
        for (objective, kpi) in rows {
            read.entry(objective).or_default().extend(kpi);
        }
    }
    Ok(read)
}
