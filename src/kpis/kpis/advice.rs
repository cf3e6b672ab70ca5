//! What would make KPIs more useful, for a page of them in few statements.
//!
//! Links to other KPIs and objectives count as far as all who see the KPI see them, so that everybody is given the
//! same advice. What is in the archive is given none.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::picture::{Picture, pictures};
use crate::access::{Scoped, Visibility};
use crate::http::Result;
use crate::http::advice::Advice;
use crate::kpis::derive::View;
use crate::kpis::display::Style;
use crate::kpis::drivers::{Linked, linked};
use crate::kpis::row::{Indicator, KpiRow};
use crate::maths::{DriverStanding, Freshness, KpiFacts, Link, Trend, advice_on_kpi, green_but_flat};
use crate::store::schema::{key_results, objectives};
use crate::store::{KpiId, StoreError, Tx};

/// What would make KPIs more useful, by their ids.
pub fn advise(
    tx: &mut Scoped,
    shown: &[Picture],
    view: Option<&View>,
) -> Result<HashMap<KpiId, Vec<Advice>>> {
    let in_use: Vec<&Picture> = shown.iter().filter(|picture| picture.row.archived_at.is_none()).collect();
    let rows: Vec<&KpiRow> = in_use.iter().map(|picture| &picture.row).collect();
    let links = linked(tx, &rows, view)?;
    let unexplained: Vec<KpiId> =
        rows.iter().filter(|row| row.decision.is_none()).map(|row| row.id).collect();
    let read = read_by_objectives(tx, &unexplained)?;
    let leading = leading(tx, &in_use, &links, view)?;
    let advice = in_use.iter().map(|picture| {
        let row = &picture.row;
        let nothing = Linked::default();
        let linked = links.get(&row.id).unwrap_or(&nothing);
        let standing: Vec<DriverStanding> =
            linked.leading.iter().filter_map(|id| leading.get(id)).copied().collect();
        let facts = KpiFacts {
            is_defined: row.definition.is_some(),
            has_unit: Style::of(row).unit().is_some(),
            has_data: matches!(picture.state.freshness, Freshness::Fresh | Freshness::Due),
            band: picture.state.target.map(|target| target.band),
            reach: picture.state.reach,
            is_relevant: row.decision.is_some() || linked.drives_an_outcome || read.contains(&row.id),
            link: missing_link(row, linked),
            is_green_but_flat: green_but_flat(&standing, picture.state.trend),
        };
        (row.id, Advice::of(advice_on_kpi(&facts)))
    });
    Ok(advice.collect())
}

/// Which link to other KPIs is missing, if any. What a KPI is computed from is no link: it is the same thing in
/// other words.
fn missing_link(row: &KpiRow, linked: &Linked) -> Link {
    match row.indicator {
        Some(Indicator::Leading) if !linked.drives_an_outcome => Link::OutcomeMissing,
        Some(Indicator::Lagging) if linked.leading.is_empty() => Link::LeadingMissing,
        Some(Indicator::Leading | Indicator::Lagging) | None => Link::Made,
    }
}

/// How the leading KPIs are doing of those outcomes that do not get better.
fn leading(
    tx: &mut Scoped,
    shown: &[&Picture],
    links: &HashMap<KpiId, Linked>,
    view: Option<&View>,
) -> Result<HashMap<KpiId, DriverStanding>> {
    let flat = shown.iter().filter(|picture| match picture.state.trend {
        Some(Trend::Steady | Trend::Deteriorating) => true,
        Some(Trend::Improving) | None => false,
    });
    let wanted: HashSet<KpiId> = flat
        .filter_map(|picture| links.get(&picture.row.id))
        .flat_map(|linked| linked.leading.clone())
        .collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = KpiRow::by_ids(tx, &wanted.into_iter().collect::<Vec<_>>())?;
    let standing = pictures(tx, rows.into_values().collect(), view)?
        .into_iter()
        .map(|one| (one.row.id, DriverStanding { health: one.state.health, trend: one.state.trend }));
    Ok(standing.collect())
}

/// Those of some KPIs that a key result in use of an objective reads which the whole workspace may see.
fn read_by_objectives(tx: &mut Tx, ids: &[KpiId]) -> Result<HashSet<KpiId>, StoreError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let read: Vec<Option<KpiId>> = key_results::table
        .inner_join(objectives::table.on(objectives::id.eq(key_results::objective_id)))
        .filter(key_results::workspace_id.eq(tx.workspace_id()?))
        .filter(key_results::kpi_id.eq_any(ids))
        .filter(key_results::archived_at.is_null())
        .filter(objectives::archived_at.is_null())
        .filter(objectives::visibility.eq(Visibility::Workspace))
        .select(key_results::kpi_id)
        .load(tx.db())?;
    Ok(read.into_iter().flatten().collect())
}
