//! The periods of a KPI: the line of a chart.
//!
//! Every period between the first and the last that holds a point has an entry, empty ones too,
//! with the value that its points amount to, held against the target in force on its last day.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Action, At, Db, Reads, Scoped};
use crate::http::answer::{Answer, Json};
use crate::http::text::PeriodName;
use crate::http::{FieldErrors, Problem, Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, History, View, history};
use crate::kpis::row::KpiRow;
use crate::kpis::targets::Bounds;
use crate::maths::{Aggregation, Cadence, Health, Judged, Period, judge_series};
use crate::maths::{Folded, PeriodValue};
use crate::store::schema::point_revisions;
use crate::store::{Day, KpiId, Moment};

/// The paths of periods.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/periods" {
            /// Show the periods of a KPI.
            /// The line of a chart: from the first to the last period that holds a point, empty ones included; at most 5,000. Without
            /// `from` and `to` the last 36. A KPI of irregular cadence has an entry per point.
            GET list_periods
        }
    }
}

/// What people call a period: `2026`, `2026-Q1`, `2026-03`, `2026-W14`, `2026-03-31`.
///
/// Weeks are numbered only where they begin on Monday, as ISO 8601 does; others go by their first day.
pub fn period_name(cadence: Cadence, starts_on: Date) -> String {
    match cadence {
        Cadence::Daily | Cadence::Irregular => starts_on.to_string(),
        Cadence::Weekly if starts_on.weekday() == Weekday::Monday => {
            let week = starts_on.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
        Cadence::Weekly => format!("week of {starts_on}"),
        Cadence::Monthly => format!("{:04}-{:02}", starts_on.year(), starts_on.month()),
        Cadence::Quarterly => format!("{:04}-Q{}", starts_on.year(), (starts_on.month() - 1) / 3 + 1),
        Cadence::Yearly => format!("{:04}", starts_on.year()),
    }
}

/// Which periods.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PeriodsFilter {
    /// From the period that holds this day on.
    from: Option<Day>,
    /// Up to the period that holds this day.
    to: Option<Day>,
    /// The cadence of the periods: the KPI's own, which is the default.
    #[param(inline)]
    cadence: Option<Cadence>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    known_at: Option<Moment>,
}

/// The periods of a KPI.
#[derive(Serialize, ToSchema)]
pub struct KpiPeriods {
    /// How often it is measured.
    cadence: Cadence,
    /// How the points of a period become its value.
    aggregation: Aggregation,
    /// The periods, in order of time.
    #[schema(max_items = 5000)]
    items: Vec<KpiPeriod>,
}

/// One period of a KPI.
#[derive(Serialize, ToSchema)]
pub struct KpiPeriod {
    /// What people call it.
    #[schema(value_type = PeriodName)]
    period: String,
    /// Its first day.
    starts_on: Day,
    /// Its last day.
    ends_on: Day,
    /// What its points amount to, in the unit of the KPI; null without a point, and where it is not finite.
    value: Option<f64>,
    /// How many points it holds.
    #[schema(minimum = 0)]
    count: u32,
    /// Whether it has ended.
    complete: bool,
    /// The healthy band in force on its last day, in the unit of the KPI; null without one.
    target: Option<Bounds>,
    /// The wider band beyond which it is serious; null without one.
    tolerance: Option<Bounds>,
    /// The value held against the target; unknown without either.
    health: Health,
    /// The nearest healthy bound minus the value: positive must rise, negative must fall.
    gap: Option<f64>,
    /// Whether it lies in an episode.
    in_episode: bool,
    /// Whether a point of it was replaced or deleted.
    revised: bool,
}

/// Periods in one answer at the most.
const MOST_PERIODS: usize = 5_000;
/// Periods where neither `from` nor `to` is given.
const USUAL_PERIODS: usize = 36;

async fn list_periods(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    query: Query<PeriodsFilter>,
) -> Answer<Json<KpiPeriods>> {
    db.read(kpi.to(Action::View), query, |tx, kpi, filter| {
        let as_of = AsOf { as_of: filter.as_of, known_at: filter.known_at };
        let mut errors = FieldErrors::new();
        if filter.cadence.is_some_and(|cadence| cadence != kpi.cadence) {
            let own = format!("this KPI is measured {}; other cadences are not offered", kpi.cadence);
            errors.add("cadence", "not_offered", own);
        }
        if filter.from.zip(filter.to).is_some_and(|(from, to)| from > to) {
            errors.add("to", "before_from", "to must not lie before from");
        }
        errors.settle()?;
        let view = as_of.view(tx)?.unwrap_or_default();
        let history = history(tx, &kpi, &view)?;
        let entries = chosen(&history, &filter)?;
        let revised = revised(tx, &kpi, &history, &view)?;
        Ok(Json::new(KpiPeriods {
            cadence: kpi.cadence,
            aggregation: kpi.aggregation,
            items: entries
                .into_iter()
                .map(|(judged, count)| show(&kpi, &history, &revised, judged, count))
                .collect(),
        }))
    })
    .await
}

/// The periods that are asked for, each judged, with the number of its points.
fn chosen(history: &History, filter: &PeriodsFilter) -> Result<Vec<(Judged, u32)>> {
    let (Some(first), Some(last)) = (history.series.first(), history.series.last()) else {
        return Ok(Vec::new());
    };
    let is_usual = filter.from.is_none() && filter.to.is_none();
    let series = match history.settings.cadence {
        Cadence::Irregular => instants(history, filter, is_usual.then_some(USUAL_PERIODS))?,
        cadence => {
            let calendar = &history.calendar;
            let holding = |day: Day| calendar.period_of_day(cadence, day.date());
            let last = filter.to.map_or(last.period, |to| holding(to).min(last.period));
            let first = filter.from.map_or(first.period, |from| holding(from).max(first.period));
            let number = |period: &Period| calendar.ordinal(cadence, period.starts_on);
            let count = usize::try_from(number(&last) - number(&first) + 1).unwrap_or(0);
            let count = if is_usual { count.min(USUAL_PERIODS) } else { count };
            let held: HashMap<Period, PeriodValue> =
                history.series.iter().map(|value| (value.period, *value)).collect();
            let empty = |period| PeriodValue { period, count: 0, folded: Folded::Empty };
            let mut series: Vec<PeriodValue> =
                std::iter::successors(Some(last), |period| calendar.previous(cadence, period))
                    .take(at_most(count)?)
                    .map(|period| held.get(&period).copied().unwrap_or(empty(period)))
                    .collect();
            series.reverse();
            series
        }
    };
    let judged = judge_series(&series, &history.targets);
    Ok(judged.into_iter().zip(series).map(|(judged, value)| (judged, value.count)).collect())
}

/// The points of an irregular KPI that are asked for; only the last few where nothing is.
fn instants(history: &History, filter: &PeriodsFilter, usual: Option<usize>) -> Result<Vec<PeriodValue>> {
    let reaches = |value: &&PeriodValue| {
        filter.from.is_none_or(|from| value.period.ends_on >= from.date())
            && filter.to.is_none_or(|to| value.period.starts_on <= to.date())
    };
    let mut series: Vec<PeriodValue> = history.series.iter().filter(reaches).copied().collect();
    if let Some(usual) = usual {
        series.drain(..series.len().saturating_sub(usual));
    }
    at_most(series.len())?;
    Ok(series)
}

fn at_most(count: usize) -> Result<usize> {
    if count > MOST_PERIODS {
        let detail = format!("at most {MOST_PERIODS} periods are answered at once: ask for fewer");
        return Err(Problem::field("from", "too_many", detail));
    }
    Ok(count)
}

/// The first instants of the periods of which a point was replaced or deleted.
fn revised(tx: &mut Scoped, kpi: &KpiRow, history: &History, view: &View) -> Result<HashSet<Moment>> {
    let (workspace, id): (_, KpiId) = (tx.here()?, kpi.id);
    let mut query = point_revisions::table
        .filter(point_revisions::workspace_id.eq(workspace))
        .filter(point_revisions::kpi_id.eq(id))
        .select(point_revisions::at)
        .distinct()
        .into_boxed();
    if let Some(known_at) = view.known_at {
        query = query.filter(point_revisions::replaced_at.le(known_at));
    }
    let instants: Vec<Moment> = query.load(tx.db())?;
    Ok(instants
        .into_iter()
        .map(|at| history.calendar.period_of(kpi.cadence, at.timestamp()).starts_at.into())
        .collect())
}

fn show(kpi: &KpiRow, history: &History, revised: &HashSet<Moment>, judged: Judged, count: u32) -> KpiPeriod {
    let Judged { period, value, health, gap, target } = judged;
    let in_episode = history.episodes.iter().any(|episode| {
        episode.opened_on <= period.starts_on
            && episode.closed_on.is_none_or(|closed_on| period.starts_on <= closed_on)
    });
    KpiPeriod {
        period: period_name(kpi.cadence, period.starts_on),
        starts_on: period.starts_on.into(),
        ends_on: period.ends_on.into(),
        value,
        count,
        complete: kpi.cadence == Cadence::Irregular || period.is_complete(history.now),
        target: target.and_then(|target| Bounds::unless_open(target.band)),
        tolerance: target.and_then(|target| Bounds::unless_open(target.tolerance)),
        health,
        gap,
        in_episode,
        revised: revised.contains(&Moment::from(period.starts_at)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn periods_have_the_names_that_people_use() {
        let day = date(2026, 3, 30);
        let cases = [
            (Cadence::Daily, day, "2026-03-30"),
            (Cadence::Irregular, day, "2026-03-30"),
            (Cadence::Weekly, day, "2026-W14"),
            (Cadence::Weekly, date(2026, 3, 29), "week of 2026-03-29"),
            (Cadence::Weekly, date(2024, 12, 30), "2025-W01"),
            (Cadence::Monthly, date(2026, 3, 1), "2026-03"),
            (Cadence::Quarterly, date(2026, 10, 1), "2026-Q4"),
            (Cadence::Yearly, date(2026, 1, 1), "2026"),
        ];
        for (cadence, starts_on, name) in cases {
            assert_eq!(period_name(cadence, starts_on), name);
        }
    }
}
