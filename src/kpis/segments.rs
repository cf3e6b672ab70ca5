//! The segments of a KPI: what each of its parts came to, and what each did to the change since the period before.
//!
//! A ratio changes because its parts do, or because their weights do; both are told apart where the whole is computed
//! as one KPI over another and its parts are, too. Only parts that all see who see the whole are shown.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Action, At, Db, Reads, Resource, Scoped};
use crate::http::answer::{Answer, Json};
use crate::http::text::PeriodName;
use crate::http::{Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, History, View, histories};
use crate::kpis::kpis::KpiRef;
use crate::kpis::kpis::segment::Dimension;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::formula::Ratio;
use crate::maths::mix::{Effects, Part, effects};
use crate::maths::number::finite;
use crate::maths::word::words;
use crate::maths::{Aggregation, Health, Period};
use crate::store::schema::kpi_segments;
use crate::store::{Day, KpiId, Moment};

/// The path of segments.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/segments" {
            /// Show the segments of a KPI, and what each did to its change since the period before.
            /// By dimension. Of a ratio the effects of rates and of weights are told apart; together with `rest`, what no
            /// segment covers, the parts come to the change.
            GET show_segments
        }
    }
}

/// Which period is shown, and from where it is seen.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SegmentsFilter {
    /// The period that holds this day; by default that of the current value.
    on: Option<Day>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    known_at: Option<Moment>,
}

words! {
    /// How segments relate to their whole.
    pub enum SegmentMethod {
        /// Whole and segments are computed as one KPI over another: rates and weights are told apart.
        Ratio = "ratio",
        /// They are sums: the segments add up to the whole.
        Sum = "sum",
        /// Neither: each segment's own change is all that can be said.
        Difference = "difference",
    }
}
crate::http::words::impl_wire_words!(SegmentMethod);

/// A KPI and its segments in a period; values are in the unit of their KPI.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiSegments {
    /// The name of the period; null for a KPI that has no value yet.
    #[schema(value_type = Option<PeriodName>)]
    period: Option<String>,
    /// The first day of the period.
    starts_on: Option<Day>,
    /// The value of the whole.
    value: Option<f64>,
    /// Its value in the period right before.
    previous: Option<f64>,
    /// The value minus the previous one.
    change: Option<f64>,
    /// The dimensions by which it is divided, by name.
    #[schema(max_items = 500)]
    dimensions: Vec<SegmentedBy>,
}

/// The segments by one dimension.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentedBy {
    /// The dimension.
    #[schema(value_type = Dimension)]
    dimension: String,
    /// How the segments relate to the whole.
    method: SegmentMethod,
    /// The segments, the largest part in the change first, then by key.
    #[schema(max_items = 500)]
    segments: Vec<KpiSegment>,
    /// The change of the whole minus all parts: what no segment covers. Null where the segments do not make up the
    /// whole, and where a part is missing.
    rest: Option<f64>,
}

/// A segment and its part in the change.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiSegment {
    /// The segment.
    kpi: KpiRef,
    /// How it is doing, now or as it stood.
    health: Health,
    /// Its value.
    value: Option<f64>,
    /// Its value in the period right before.
    previous: Option<f64>,
    /// Its value minus the previous one.
    change: Option<f64>,
    /// Its share of the whole: of a sum of the value, of a ratio of what it is divided by. Null otherwise.
    share: Option<f64>,
    /// The same in the period right before.
    previous_share: Option<f64>,
    /// Its part in the change of the whole: of a ratio rate and mix together, otherwise its own change.
    part: Option<f64>,
    /// Of a ratio: what its own change did, its mean share times that.
    rate: Option<f64>,
    /// Of a ratio: what the change of its share did, times how far it lies from the whole.
    mix: Option<f64>,
}

async fn show_segments(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    query: Query<SegmentsFilter>,
) -> Answer<Json<KpiSegments>> {
    db.read(kpi.to(Action::View), query, |tx, kpi, SegmentsFilter { on, as_of, known_at }| {
        let view = AsOf { as_of, known_at }.view(tx)?.unwrap_or_default();
        Ok(Json::new(segmented(tx, &kpi, &view, on)?))
    })
    .await
}

/// The segments in use that all see who see the whole, each with its dimension, by key.
fn segments_of(tx: &mut Scoped, whole: &KpiRow) -> Result<Vec<(KpiRow, String)>> {
    let links: Vec<(KpiId, String)> = kpi_segments::table
        .filter(kpi_segments::workspace_id.eq(whole.workspace_id))
        .filter(kpi_segments::whole_id.eq(whole.id))
        .select((kpi_segments::kpi_id, kpi_segments::dimension))
        .load(tx.db())?;
    let mut rows = KpiRow::by_ids(tx, &links.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
    let viewers = whole.facts().viewers;
    rows.retain(|_, row| row.archived_at.is_none() && viewers.all_see(&row.facts().viewers));
    let mut found: Vec<(KpiRow, String)> =
        links.into_iter().filter_map(|(id, dimension)| Some((rows.remove(&id)?, dimension))).collect();
    found.sort_by(|(left, _), (right, _)| left.key.cmp(&right.key));
    Ok(found)
}

fn segmented(tx: &mut Scoped, whole: &KpiRow, view: &View, on: Option<Day>) -> Result<KpiSegments> {
    let calendar = tx.workspace()?.calendar();
    let segments = segments_of(tx, whole)?;
    let mut wanted: Vec<KpiRow> = segments.iter().map(|(row, _)| row.clone()).collect();
    wanted.push(whole.clone());
    // Of a ratio what it is divided by is asked for, too.
    let ratios: HashMap<KpiId, Ratio<KpiId>> =
        wanted.iter().filter_map(|row| Some((row.id, row.computed_from()?.as_ratio()?))).collect();
    let under: Vec<KpiId> = ratios.values().map(|ratio| ratio.under).collect();
    let known: Vec<KpiId> = wanted.iter().map(|row| row.id).collect();
    wanted.extend(KpiRow::by_ids(tx, &under)?.into_values().filter(|row| !known.contains(&row.id)));
    let histories = histories(tx, &wanted, view)?;
    let current = histories.get(&whole.id).and_then(|history| history.state.current);
    let period = match on {
        Some(day) => Some(calendar.period_of_day(whole.cadence, day.date())),
        None => current.map(|current| current.period),
    };
    let before = period.and_then(|period| calendar.previous(whole.cadence, &period));
    let look = Look { whole, histories, ratios, period, before };
    let mut by_dimension: BTreeMap<String, Vec<KpiRow>> = BTreeMap::new();
    for (row, dimension) in segments {
        by_dimension.entry(dimension).or_default().push(row);
    }
    let (value, previous) = look.values(whole.id);
    Ok(KpiSegments {
        period: period.map(|period| period_name(whole.cadence, period.starts_on)),
        starts_on: period.map(|period| period.starts_on.into()),
        value,
        previous,
        change: change(previous, value),
        dimensions: by_dimension
            .into_iter()
            .map(|(dimension, rows)| look.divided(dimension, &rows))
            .collect(),
    })
}

fn change(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    before.zip(after).and_then(|(before, after)| finite(after - before))
}

fn share(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    part.zip(whole).and_then(|(part, whole)| finite(part / whole))
}

/// A whole, its segments, and the two periods that are compared.
struct Look<'a> {
    whole: &'a KpiRow,
    histories: HashMap<KpiId, History>,
    ratios: HashMap<KpiId, Ratio<KpiId>>,
    period: Option<Period>,
    before: Option<Period>,
}

impl Look<'_> {
    /// The value of a KPI in the period, and in the one before.
    fn values(&self, id: KpiId) -> (Option<f64>, Option<f64>) {
        let value = |period: Option<Period>| {
            let (series, period) = (&self.histories.get(&id)?.series, period?);
            let index =
                series.binary_search_by_key(&period.starts_at, |value| value.period.starts_at).ok()?;
            series.get(index)?.folded.value()
        };
        (value(self.period), value(self.before))
    }

    fn method(&self, rows: &[KpiRow]) -> SegmentMethod {
        let scale = |row: &KpiRow| self.ratios.get(&row.id).map(|ratio| ratio.scale);
        let whole = scale(self.whole);
        let is_sum = |row: &KpiRow| row.aggregation == Aggregation::Sum;
        match () {
            () if whole.is_some() && rows.iter().all(|row| scale(row) == whole) => SegmentMethod::Ratio,
            () if is_sum(self.whole) && rows.iter().all(is_sum) => SegmentMethod::Sum,
            () => SegmentMethod::Difference,
        }
    }

    fn divided(&self, dimension: String, rows: &[KpiRow]) -> SegmentedBy {
        let method = self.method(rows);
        let mut segments: Vec<KpiSegment> = rows.iter().map(|row| self.segment(row, method)).collect();
        let parts: Option<f64> = segments.iter().map(|segment| segment.part).sum();
        let (value, previous) = self.values(self.whole.id);
        let rest = match method {
            SegmentMethod::Ratio | SegmentMethod::Sum => {
                change(previous, value).zip(parts).and_then(|(change, parts)| finite(change - parts))
            }
            SegmentMethod::Difference => None,
        };
        // Stable, so that equal parts stay in the order of their keys.
        let size = |segment: &KpiSegment| segment.part.map_or(-1.0, f64::abs);
        segments.sort_by(|left, right| size(right).total_cmp(&size(left)));
        SegmentedBy { dimension, method, segments, rest }
    }

    fn segment(&self, row: &KpiRow, method: SegmentMethod) -> KpiSegment {
        let (value, previous) = self.values(row.id);
        let own = change(previous, value);
        let (shares, effects) = match method {
            SegmentMethod::Ratio => self.in_ratio(row),
            SegmentMethod::Sum => {
                let (whole, whole_before) = self.values(self.whole.id);
                ((share(value, whole), share(previous, whole_before)), None)
            }
            SegmentMethod::Difference => ((None, None), None),
        };
        KpiSegment {
            kpi: row.into(),
            health: self.histories.get(&row.id).map_or(Health::Unknown, |history| history.state.health),
            value,
            previous,
            change: own,
            share: shares.0,
            previous_share: shares.1,
            part: match method {
                SegmentMethod::Ratio => effects.and_then(|effects| finite(effects.rate + effects.mix)),
                SegmentMethod::Sum | SegmentMethod::Difference => own,
            },
            rate: effects.map(|effects| effects.rate),
            mix: effects.map(|effects| effects.mix),
        }
    }

    /// The shares of a segment in what the whole is divided by, now and before, and what its changes did.
    fn in_ratio(&self, row: &KpiRow) -> ((Option<f64>, Option<f64>), Option<Effects>) {
        let under = |id: KpiId| self.ratios.get(&id).map_or((None, None), |ratio| self.values(ratio.under));
        let (own, own_before) = under(row.id);
        let (whole, whole_before) = under(self.whole.id);
        let shares = (share(own, whole), share(own_before, whole_before));
        let both = |(after, before): (Option<f64>, Option<f64>)| before.zip(after);
        let effects = both(shares)
            .zip(both(self.values(row.id)))
            .zip(both(self.values(self.whole.id)))
            .and_then(|((weights, rates), whole)| effects(&Part { weights, rates }, whole));
        (shares, effects)
    }
}
