//! What a KPI shows: from its stored state and the clock, or computed afresh as of a day in the past.
//!
//! Both ways end in the same picture, so that lists, filters and single answers cannot differ.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::http::Result;
use crate::kpis::derive::{self, History, PeriodRow, StateRow, View};
use crate::kpis::row::KpiRow;
use crate::kpis::targets;
use crate::maths::number::finite;
use crate::maths::{
    self, Aggregation, Cadence, Calendar, Current, DatedTarget, Episode, FreshnessDates, Health,
    HealthReason, KpiState, Running, gap, target_in_force,
};
use crate::store::schema::kpi_periods;
use crate::store::{Day, KpiId, Moment, StoreError, Tx};

/// How many periods a sparkline has.
pub const RECENT: usize = 12;

/// A KPI and all that it shows at an instant.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The KPI.
    pub row: KpiRow,
    /// What it shows.
    pub state: KpiState,
    /// Its targets.
    pub targets: Vec<DatedTarget>,
    /// Its newest periods that hold a point, oldest first, where history was computed anyway.
    pub recent: Option<Vec<Recent>>,
    /// The day whose target judges it: the last one of the current value's period, without a value the present one.
    pub judged_on: Date,
    /// The row behind the state; as of a day in the past, what that row would be.
    pub stored: Option<StateRow>,
}

/// A period of a sparkline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recent {
    /// Its first day.
    pub starts_on: Day,
    /// Its value, in the unit of the KPI.
    pub value: Option<f64>,
    /// How it was judged.
    pub health: Health,
}

/// The pictures of some KPIs, in their order, in few statements.
pub fn pictures(tx: &mut Tx, rows: Vec<KpiRow>, view: Option<&View>) -> Result<Vec<Picture>> {
    match view {
        None => by_the_clock(tx, rows),
        Some(view) => {
            let mut histories = derive::histories(tx, &rows, view)?;
            let seen = rows.into_iter().filter_map(|row| {
                let history = histories.remove(&row.id)?;
                Some(Picture::of_history(row, history))
            });
            Ok(seen.collect())
        }
    }
}

impl Picture {
    /// What a KPI shows as its history tells.
    pub fn of_history(row: KpiRow, history: History) -> Self {
        let newest = history.judged.len().saturating_sub(RECENT);
        let recent = history.judged.iter().skip(newest).map(|judged| Recent {
            starts_on: judged.period.starts_on.into(),
            value: judged.value,
            health: judged.health,
        });
        let current = history.state.current.as_ref();
        Self {
            recent: Some(recent.collect()),
            judged_on: current.map_or(history.calendar.day_of(history.now), |current| current.period.ends_on),
            stored: Some(history.state_row(&row)),
            row,
            state: history.state,
            targets: history.targets,
        }
    }
}

fn by_the_clock(tx: &mut Tx, rows: Vec<KpiRow>) -> Result<Vec<Picture>> {
    let calendar = tx.workspace()?.calendar();
    let now = tx.now;
    tx.turns_at(calendar.end_of_day(calendar.day_of(now.timestamp())).into());
    let ids: Vec<KpiId> = rows.iter().map(|row| row.id).collect();
    let mut states = derive::shown(tx, &ids)?;
    catch_up(tx, &rows, &mut states)?;
    let mut dated = targets::dated(tx, &ids)?;
    let mut running = running_periods(tx, &calendar, &rows)?;
    let overflown: Vec<KpiId> = states
        .values()
        .filter(|state| state.reason == Some(HealthReason::Overflow))
        .map(|state| state.kpi_id)
        .collect();
    let last_known = last_known(tx, &overflown)?;
    let pictures = rows.into_iter().map(|row| {
        let targets = dated.remove(&row.id).unwrap_or_default();
        let stored = states.remove(&row.id);
        let mut state = shown(&calendar, &row, stored.as_ref(), &targets, now);
        let running = running.remove(&row.id);
        state.running = running.and_then(|period| run(&calendar, &row, &period, &targets, now.timestamp()));
        if state.health_reason == Some(HealthReason::Overflow) {
            state.last_known = last_known.get(&row.id).copied();
        }
        let judged_on =
            state.current.map_or(calendar.day_of(now.timestamp()), |current| current.period.ends_on);
        Picture { row, state, targets, recent: None, judged_on, stored }
    });
    Ok(pictures.collect())
}

/// Fills in what an older program left out of the stages that it stored, until they are written again.
fn catch_up(tx: &mut Tx, rows: &[KpiRow], states: &mut HashMap<KpiId, StateRow>) -> Result<(), StoreError> {
    let is_outdated = |row: &&KpiRow| states.get(&row.id).is_some_and(StateRow::is_outdated);
    let outdated: Vec<KpiRow> = rows.iter().filter(is_outdated).cloned().collect();
    if !outdated.is_empty() {
        // When they turn was left out as well.
        tx.turns_at(tx.now.plus(SignedDuration::from_micros(1)));
    }
    for (id, history) in derive::histories(tx, &outdated, &View::default())? {
        if let Some(state) = states.get_mut(&id) {
            state.trend = history.state.trend;
            state.leaves_on = history.state.leaves_on.map(Day::from);
            state.reach_min = history.state.reach.and_then(|reach| reach.min);
            state.reach_max = history.state.reach.and_then(|reach| reach.max);
        }
    }
    Ok(())
}

/// What a KPI shows at a moment by its stored state: only the clock is asked besides.
fn shown(
    calendar: &Calendar,
    row: &KpiRow,
    stored: Option<&StateRow>,
    targets: &[DatedTarget],
    now: Moment,
) -> KpiState {
    let period = stored
        .and_then(|state| state.period_starts_at)
        .map(|at| calendar.period_of(row.cadence, at.timestamp()));
    let judged_on = period.map_or(calendar.day_of(now.timestamp()), |period| period.ends_on);
    let target = target_in_force(targets, judged_on).copied();
    let mut shown = KpiState {
        current: None,
        running: None,
        health: Health::Unknown,
        // Without a value the reason turns with the clock, when a target that was set ahead begins.
        health_reason: Some(target.map_or(HealthReason::NoTarget, |_| HealthReason::NoData)),
        last_known: None,
        since: None,
        gap: None,
        target,
        trend: None,
        leaves_on: None,
        reach: None,
        freshness: maths::Freshness::Never,
        freshness_dates: None,
        episode: None,
        last_closed: None,
        next_turn: None,
    };
    let Some(state) = stored else { return shown };
    shown.freshness = state.freshness(now);
    shown.freshness_dates = state.due_at.zip(state.stale_at).map(|(due, stale)| FreshnessDates {
        due_on: calendar.day_of(due.timestamp()),
        stale_on: calendar.day_of(stale.timestamp()),
        due_at: due.timestamp(),
        stale_at: stale.timestamp(),
    });
    let Some(period) = period else { return shown };
    let verdict = state.verdict(now);
    (shown.health, shown.health_reason, shown.last_known) =
        (verdict.health, verdict.reason, verdict.last_known);
    (shown.since, shown.gap) = (state.since.map(Day::date), state.gap);
    (shown.trend, shown.leaves_on) = (state.trend, state.leaves_on.map(Day::date));
    shown.reach = state.reach();
    shown.episode = episode(state, targets, calendar, row.cadence);
    let change = state.value.zip(state.previous_value).and_then(|(value, before)| finite(value - before));
    shown.current = Some(Current {
        period,
        value: state.value,
        complete: row.cadence == Cadence::Irregular || period.is_complete(now.timestamp()),
        previous: state.previous_value,
        change,
        change_ratio: change
            .zip(state.previous_value)
            .and_then(|(change, before)| finite(change / before.abs())),
    });
    shown
}

/// The open episode of a stored state.
fn episode(
    state: &StateRow,
    targets: &[DatedTarget],
    calendar: &Calendar,
    cadence: Cadence,
) -> Option<Episode> {
    let (worst_value, worst_on) = (state.episode_worst_value?, state.episode_worst_on?.date());
    let worst_period = calendar.period_of_day(cadence, worst_on);
    let target = target_in_force(targets, worst_period.ends_on);
    Some(Episode {
        opened_on: state.episode_opened_on?.date(),
        opening_value: state.episode_opening_value?,
        worst_value,
        worst_on,
        worst_gap: target.map_or(0.0, |target| gap(worst_value, &target.band)),
        closed_on: None,
        closed_by: None,
    })
}

/// The periods of sums that run now and hold a point.
fn running_periods(
    tx: &mut Tx,
    calendar: &Calendar,
    rows: &[KpiRow],
) -> Result<HashMap<KpiId, PeriodRow>, StoreError> {
    let (workspace, now) = (tx.workspace_id()?, tx.now.timestamp());
    let sums: HashMap<KpiId, Moment> = rows
        .iter()
        .filter(|row| row.aggregation == Aggregation::Sum && row.cadence != Cadence::Irregular)
        .map(|row| (row.id, calendar.period_of(row.cadence, now).starts_at.into()))
        .collect();
    if sums.is_empty() {
        return Ok(HashMap::new());
    }
    let mut starts: Vec<Moment> = sums.values().copied().collect();
    starts.sort_unstable();
    starts.dedup();
    let found: Vec<PeriodRow> = kpi_periods::table
        .filter(kpi_periods::workspace_id.eq(workspace))
        .filter(kpi_periods::kpi_id.eq_any(sums.keys().copied().collect::<Vec<_>>()))
        .filter(kpi_periods::starts_at.eq_any(starts))
        .load(tx.db())?;
    Ok(found
        .into_iter()
        .filter(|period| sums.get(&period.kpi_id) == Some(&period.starts_at))
        .map(|period| (period.kpi_id, period))
        .collect())
}

/// What the running period of a sum shows: the same as if it were the only one.
fn run(
    calendar: &Calendar,
    row: &KpiRow,
    period: &PeriodRow,
    targets: &[DatedTarget],
    now: Timestamp,
) -> Option<Running> {
    let series = [period.value(calendar, row.cadence)];
    maths::state(calendar, &row.settings(), &series, targets, None, now).running
}

/// The health last seen of KPIs whose newest value is not finite.
fn last_known(tx: &mut Tx, kpis: &[KpiId]) -> Result<HashMap<KpiId, Health>, StoreError> {
    if kpis.is_empty() {
        return Ok(HashMap::new());
    }
    let workspace = tx.workspace_id()?;
    let known: Vec<(KpiId, Health)> = kpi_periods::table
        .filter(kpi_periods::workspace_id.eq(workspace))
        .filter(kpi_periods::kpi_id.eq_any(kpis))
        .filter(kpi_periods::health.ne(Health::Unknown))
        .order((kpi_periods::kpi_id, kpi_periods::starts_at))
        .select((kpi_periods::kpi_id, kpi_periods::health))
        .load(tx.db())?;
    // The later ones come last and stay.
    Ok(known.into_iter().collect())
}

diesel::alias!(kpi_periods as newer: Newer);

diesel::define_sql_function! {
    /// The first of two that is not null; both engines have it.
    fn coalesce(
        first: diesel::sql_types::Nullable<crate::store::types::SqlMoment>,
        second: crate::store::types::SqlMoment,
    ) -> crate::store::types::SqlMoment;
}

/// The newest periods that hold a point of some KPIs, oldest first, in one statement.
pub fn recent(
    tx: &mut Tx,
    calendar: &Calendar,
    kpis: &[KpiId],
) -> Result<HashMap<KpiId, Vec<Recent>>, StoreError> {
    use crate::store::schema::kpis as kpi_table;
    let workspace = tx.workspace_id()?;
    // The index finds the twelfth newest period of each KPI, and reads on from there.
    let oldest = newer
        .filter(newer.field(kpi_periods::kpi_id).eq(kpi_table::id))
        .order(newer.field(kpi_periods::starts_at).desc())
        .select(newer.field(kpi_periods::starts_at))
        .limit(1)
        .offset(RECENT as i64 - 1)
        .single_value();
    let beginning = Moment::from(calendar.start_of_day(Day::BEGINNING.date()));
    let rows: Vec<(KpiId, Moment, Option<f64>, Health)> = kpi_table::table
        .inner_join(kpi_periods::table.on(kpi_periods::kpi_id.eq(kpi_table::id)))
        .filter(kpi_table::workspace_id.eq(workspace))
        .filter(kpi_table::id.eq_any(kpis))
        .filter(kpi_periods::starts_at.ge(coalesce(oldest, beginning)))
        .order((kpi_periods::kpi_id, kpi_periods::starts_at))
        .select((kpi_periods::kpi_id, kpi_periods::starts_at, kpi_periods::value, kpi_periods::health))
        .load(tx.db())?;
    let mut found: HashMap<KpiId, Vec<Recent>> = HashMap::new();
    for (kpi, starts_at, value, health) in rows {
        let starts_on = calendar.day_of(starts_at.timestamp()).into();
        found.entry(kpi).or_default().push(Recent { starts_on, value, health });
    }
    Ok(found)
}
