//! The driver tree: what moves a KPI, and what moves that, in one call.
//!
//! Drivers and inputs of formulas are followed down from a KPI; each KPI stands once, with all links to it, since
//! one may drive several. What is private to the caller ends a branch.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::row::{DriverRow, Of, standing_at};
use super::wire::{ProxyDrift, drifts};
use crate::access::{Action, At, Db, Reads, Resource, Scoped};
use crate::http::{Answer, Json, Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, Formula, View, recorded_by};
use crate::kpis::kpis::{CurrentValue, Display, Kpi, KpiRef, Sparkline, show};
use crate::kpis::row::{Indicator, KpiRow};
use crate::maths::drift::Effect;
use crate::maths::word::words;
use crate::maths::{Health, HealthReason, Trend};
use crate::store::{DriverId, KpiId};

/// The path of driver trees.
pub(super) fn routes() -> Routes {
    routes! { "drivers",
        "/v1/workspaces/{workspace}/kpis/{kpi}/driver-tree" {
            /// Show what moves a KPI, and what moves that.
            /// Drivers and inputs of formulas, followed down to 10 levels and 200 KPIs; each KPI stands once, with every
            /// link that leads to it.
            GET show_driver_tree
        }
    }
}

words! {
    /// Why a KPI stands under another one.
    pub enum TreeLinkKind {
        /// It is believed to move it.
        Driver = "driver",
        /// A formula reads it.
        Input = "input",
    }
}
crate::http::words::impl_wire_words!(TreeLinkKind);

/// What moves a KPI, and what moves that.
#[derive(Debug, Serialize, ToSchema)]
pub struct DriverTree {
    /// The KPI itself first, then what is reached from it, level by level.
    #[schema(min_items = 1, max_items = 200)]
    kpis: Vec<TreeKpi>,
    /// The links between them, in the order of the KPIs that they move.
    #[schema(max_items = 5600)]
    links: Vec<TreeLink>,
    /// Whether all is shown; false where levels or KPIs beyond the most are left out.
    complete: bool,
}

/// A KPI of a driver tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct TreeKpi {
    /// The KPI.
    kpi: KpiRef,
    /// How many links lie between it and the KPI that was asked for, at the least.
    #[schema(minimum = 0, maximum = 10)]
    level: usize,
    /// Whether it moves before what it stands for, or after.
    indicator: Option<Indicator>,
    /// How its values are shown to people.
    display: Display,
    /// How it is doing.
    health: Health,
    /// Why the health is unknown, or that an unhealthy value is stale.
    health_reason: Option<HealthReason>,
    /// The current value and its change; null without one.
    current: Option<CurrentValue>,
    /// Where its complete periods are going.
    trend: Option<Trend>,
}

/// A link of a driver tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct TreeLink {
    /// The KPI that moves.
    from: KpiId,
    /// The KPI that is moved.
    to: KpiId,
    /// Why.
    kind: TreeLinkKind,
    /// The driver; null for an input.
    driver_id: Option<DriverId>,
    /// After how many periods it shows; null for an input.
    #[schema(minimum = 0, maximum = 24)]
    lag_periods: Option<i32>,
    /// In which direction; null for an input.
    effect: Option<Effect>,
    /// Whether the numbers still say so; null for an input, and without shared periods.
    drift: Option<ProxyDrift>,
}

/// How many levels are followed down.
const LEVELS: usize = 10;
/// How many KPIs are shown.
const MOST: usize = 200;

async fn show_driver_tree(db: Db<Reads>, kpi: At<KpiRow>, view: Query<AsOf>) -> Answer<Json<DriverTree>> {
    db.read(kpi.to(Action::View), view, |tx, kpi, as_of| {
        let view = as_of.view(tx)?;
        Ok(Json::new(tree(tx, kpi.into_inner(), view.as_ref())?))
    })
    .await
}

fn tree(tx: &mut Scoped, root: KpiRow, view: Option<&View>) -> Result<DriverTree> {
    let seen_from = recorded_by(tx, view)?;
    let mut levels: HashMap<KpiId, usize> = HashMap::from([(root.id, 0)]);
    let (mut rows, mut frontier) = (vec![root.clone()], vec![root]);
    let mut drivers: Vec<DriverRow> = Vec::new();
    let mut inputs: Vec<(KpiId, KpiId)> = Vec::new();
    let mut complete = true;
    for level in 1.. {
        let ids: Vec<KpiId> = frontier.iter().map(|row| row.id).collect();
        let links = standing_at(tx, Of::Outcomes(&ids), seen_from)?;
        let reads = frontier.iter().flat_map(|row| {
            let inputs = row.computed_from().as_ref().map(Formula::inputs).unwrap_or_default();
            inputs.into_iter().map(move |input| (input, row.id))
        });
        let reads: Vec<(KpiId, KpiId)> = reads.collect();
        let below: BTreeSet<KpiId> =
            links.iter().map(|link| link.driver_id).chain(reads.iter().map(|(input, _)| *input)).collect();
        drivers.extend(links);
        inputs.extend(reads);
        let new: Vec<KpiId> = below.into_iter().filter(|id| !levels.contains_key(id)).collect();
        let mut found: Vec<KpiRow> = KpiRow::by_ids(tx, &new)?.into_values().collect();
        found.retain(|row| tx.sees(&row.facts()));
        found.sort_by(|left, right| left.key.cmp(&right.key));
        if level > LEVELS || rows.len() + found.len() > MOST {
            complete = complete && found.is_empty();
            found.truncate(if level > LEVELS { 0 } else { MOST - rows.len() });
        }
        if found.is_empty() {
            break;
        }
        levels.extend(found.iter().map(|row| (row.id, level)));
        rows.extend(found.iter().cloned());
        frontier = found;
    }
    let shown: HashSet<KpiId> = levels.keys().copied().collect();
    drivers.retain(|link| shown.contains(&link.driver_id));
    inputs.retain(|(input, _)| shown.contains(input));
    let by_id: HashMap<KpiId, KpiRow> = rows.iter().map(|row| (row.id, row.clone())).collect();
    let drifts = drifts(tx, &drivers, &by_id, view)?;
    let place: HashMap<KpiId, usize> = rows.iter().zip(0..).map(|(row, place)| (row.id, place)).collect();
    let driving = drivers.iter().map(|link| TreeLink {
        from: link.driver_id,
        to: link.outcome_id,
        kind: TreeLinkKind::Driver,
        driver_id: Some(link.id),
        lag_periods: Some(link.lag_periods),
        effect: Some(link.effect),
        drift: drifts.get(&link.id).copied(),
    });
    let reading = inputs.iter().map(|(input, reader)| TreeLink {
        from: *input,
        to: *reader,
        kind: TreeLinkKind::Input,
        driver_id: None,
        lag_periods: None,
        effect: None,
        drift: None,
    });
    let mut links: Vec<TreeLink> = driving.chain(reading).collect();
    links.sort_by_key(|link| (place.get(&link.to).copied(), place.get(&link.from).copied()));
    let kpis = show(tx, rows, view, Sparkline::LeftOut)?;
    let kpis = kpis.into_iter().map(|kpi| {
        let level = levels.get(&kpi.id).copied().unwrap_or_default();
        TreeKpi::of(kpi, level)
    });
    Ok(DriverTree { kpis: kpis.collect(), links, complete })
}

impl TreeKpi {
    fn of(kpi: Kpi, level: usize) -> Self {
        Self {
            kpi: KpiRef { id: kpi.id, key: kpi.key, name: kpi.name },
            level,
            indicator: kpi.indicator,
            display: kpi.display,
            health: kpi.health,
            health_reason: kpi.health_reason,
            current: kpi.current,
            trend: kpi.trend,
        }
    }
}
