//! A KPI's history, now or as it stood: computed from dated rows, never from what was stored as derived.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::computed::{self, Periods};
use super::fold::{self, FoldedPeriod, Numbers, Range, fold_points};
use super::load;
use super::rows::StateRow;
use crate::access::Scoped;
use crate::http::{FieldErrors, Result};
use crate::kpis::row::KpiRow;
use crate::maths::{
    Calendar, DatedTarget, Episode, Judged, KpiSettings, KpiState, Period, PeriodValue, complete_periods,
    episodes, judge_series,
};
use crate::store::{Day, KpiId, Moment, StoreError, Tx};

/// From where a history is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The day at whose end one stands; today stands for now.
    pub as_of: Option<Day>,
    /// The moment by which something must have been recorded to count.
    pub known_at: Option<Moment>,
}

/// What the query may say of the view; slices repeat the two fields in their own filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AsOf {
    /// As it stood when this day ended in the workspace's time zone; today means now.
    pub as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    pub known_at: Option<Moment>,
}

impl AsOf {
    /// The view that was asked for, if any; nobody looks into the future.
    pub fn view(&self, tx: &Scoped) -> Result<Option<View>> {
        let today = tx.today()?;
        let mut errors = FieldErrors::new();
        if self.as_of.is_some_and(|day| day > today) {
            errors.add("as_of", "in_the_future", format!("today is {today} in this workspace"));
        }
        if self.known_at.is_some_and(|moment| moment > tx.now) {
            errors.add("known_at", "in_the_future", format!("it is {} now", tx.now));
        }
        errors.settle()?;
        let Self { as_of, known_at } = *self;
        Ok((as_of.is_some() || known_at.is_some()).then_some(View { as_of, known_at }))
    }
}

/// A KPI's whole history, seen from one instant.
#[derive(Clone, Debug)]
pub struct History {
    /// How the workspace divides time.
    pub calendar: Calendar,
    /// The KPI's settings.
    pub settings: KpiSettings,
    /// The KPI's targets.
    pub targets: Vec<DatedTarget>,
    /// The periods that hold a point, in order of time.
    pub series: Vec<PeriodValue>,
    /// The same periods, each held against its own target.
    pub judged: Vec<Judged>,
    /// All episodes in order of time; only the last may be open.
    pub episodes: Vec<Episode>,
    /// What the KPI shows.
    pub state: KpiState,
    /// The instant of the newest point.
    pub latest_point_at: Option<Moment>,
    /// The instant from which it is seen.
    pub now: Timestamp,
}

impl History {
    fn new(
        calendar: &Calendar,
        kpi: &KpiRow,
        periods: &[FoldedPeriod],
        targets: Vec<DatedTarget>,
        now: Moment,
    ) -> Self {
        let settings = kpi.settings();
        let series: Vec<PeriodValue> = periods.iter().map(|folded| folded.value).collect();
        let latest_point_at = periods.last().map(|newest| newest.newest_at);
        let numbers =
            Numbers { calendar, settings: &settings, series: &series, targets: &targets, latest_point_at };
        let state = numbers.state(now);
        let judged = judge_series(&series, &targets);
        let now = now.timestamp();
        let counting = counting(&settings, &judged, now);
        let newest_point_on = latest_point_at.map(|at| calendar.day_of(at.timestamp()));
        let episodes = episodes(&counting, settings.episode_rules(), newest_point_on, now);
        Self {
            calendar: calendar.clone(),
            settings,
            targets,
            series,
            judged,
            episodes,
            state,
            latest_point_at,
            now,
        }
    }

    /// The periods that count for episodes and remedies, in order of time.
    pub fn counting(&self) -> Vec<Judged> {
        counting(&self.settings, &self.judged, self.now)
    }

    /// The complete periods that have a value, in order of time.
    pub fn complete(&self) -> Vec<(Period, f64)> {
        complete_periods(&self.settings, &self.series, self.now)
    }

    /// The numbers of this history, as the maths takes them.
    pub fn numbers(&self) -> Numbers<'_> {
        Numbers {
            calendar: &self.calendar,
            settings: &self.settings,
            series: &self.series,
            targets: &self.targets,
            latest_point_at: self.latest_point_at,
        }
    }

    /// What the KPI shows, as the row that would be stored: lists treat past and present alike.
    pub fn state_row(&self, kpi: &KpiRow) -> StateRow {
        let now = Moment::from(self.now);
        self.numbers().state_row(kpi, now, &self.state, now)
    }
}

/// Half a sum opens, closes and heals nothing.
fn counting(settings: &KpiSettings, judged: &[Judged], now: Timestamp) -> Vec<Judged> {
    judged.iter().filter(|judged| settings.counts(&judged.period, now)).copied().collect()
}

/// A KPI's history.
pub fn history(tx: &mut Tx, kpi: &KpiRow, view: &View) -> Result<History, StoreError> {
    let mut all = histories(tx, std::slice::from_ref(kpi), view)?;
    all.remove(&kpi.id).ok_or_else(|| StoreError::Unusable("a KPI has no history".into()))
}

/// The histories of many KPIs, in few statements.
pub fn histories(tx: &mut Tx, kpis: &[KpiRow], view: &View) -> Result<HashMap<KpiId, History>, StoreError> {
    let calendar = tx.workspace()?.calendar();
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let mut targets = load::targets_at(tx, &ids, view.known_at)?;
    let (now, _) = standpoint(&calendar, view.as_of, tx.now);
    let mut periods = seen(tx, &calendar, kpis, Some(view), Range::all().from)?;
    Ok(kpis
        .iter()
        .map(|kpi| {
            let periods = periods.remove(&kpi.id).unwrap_or_default();
            let targets = targets.remove(&kpi.id).unwrap_or_default();
            (kpi.id, History::new(&calendar, kpi, &periods, targets, now))
        })
        .collect())
}

/// The instant from which a day is looked back on, and the first one whose points do not count.
///
/// A past day is seen from its end. Today is seen from now, with all that is shown now.
pub(super) fn standpoint(calendar: &Calendar, as_of: Option<Day>, now: Moment) -> (Moment, Moment) {
    let today = Day::from(calendar.day_of(now.timestamp()));
    match as_of {
        Some(day) if day < today => {
            let end = Moment::from(calendar.end_of_day(day.date()));
            (end, end)
        }
        Some(_) | None => (now, Range::all().until),
    }
}

/// The instant by which a link must have been recorded to count: now, the end of a day in the past, or `known_at`.
pub fn recorded_by(tx: &Tx, view: Option<&View>) -> Result<Moment, StoreError> {
    let View { as_of, known_at } = view.copied().unwrap_or_default();
    let (seen_from, end) = standpoint(&tx.workspace()?.calendar(), as_of, tx.now);
    // What happened when the next day began had not happened yet.
    let until = if seen_from == end { Moment::from_microseconds(end.microseconds() - 1) } else { seen_from };
    Ok(known_at.map_or(until, |known_at| until.min(known_at)))
}

/// The periods of KPIs from an instant on, in order of time: as they are stored, or computed afresh as they stood.
/// What is computed afresh may begin earlier, and holds what the KPIs are computed from besides.
pub(super) fn seen(
    tx: &mut Tx,
    calendar: &Calendar,
    kpis: &[KpiRow],
    view: Option<&View>,
    since: Moment,
) -> Result<Periods, StoreError> {
    match view.copied().unwrap_or_default() {
        View { as_of: None, known_at: None } => stored_periods(tx, calendar, kpis, since),
        view => {
            let (_, until) = standpoint(calendar, view.as_of, tx.now);
            folded_periods(tx, calendar, kpis, until, &view)
        }
    }
}

fn stored_periods(
    tx: &mut Tx,
    calendar: &Calendar,
    kpis: &[KpiRow],
    since: Moment,
) -> Result<Periods, StoreError> {
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let mut rows = load::periods_since(tx, &ids, since)?;
    Ok(kpis
        .iter()
        .map(|kpi| {
            let settings = kpi.settings();
            let rows = rows.remove(&kpi.id).unwrap_or_default();
            (kpi.id, fold::stored(rows.iter(), calendar, &settings))
        })
        .collect())
}

fn folded_periods(
    tx: &mut Tx,
    calendar: &Calendar,
    kpis: &[KpiRow],
    until: Moment,
    view: &View,
) -> Result<Periods, StoreError> {
    let rows = computed::with_inputs(tx, kpis)?;
    let measured: Vec<&KpiRow> = rows.values().filter(|row| row.formula.is_none()).collect();
    let ids: Vec<KpiId> = measured.iter().map(|row| row.id).collect();
    let mut points = load::points_as_of(tx, &ids, until, view)?;
    let folded = measured.into_iter().map(|row| {
        let mut points = points.remove(&row.id).unwrap_or_default();
        (row.id, fold_points(calendar, &row.settings(), &mut points))
    });
    let folded: Periods = folded.collect();
    Ok(computed::complete(calendar, &rows, folded))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_past_day_is_seen_from_its_end_and_today_from_now() {
        let berlin = Calendar {
            zone: TimeZone::get("Europe/Berlin").expect("a zone"),
            week_starts_on: Weekday::Monday,
        };
        let now: Moment = "2026-04-02T10:00:00Z".parse::<Timestamp>().expect("an instant").into();
        let end: Moment = "2026-03-31T22:00:00Z".parse::<Timestamp>().expect("an instant").into();
        let day = |day| Some(Day::from(date(2026, 3, 30).saturating_add(jiff::Span::new().days(day))));
        assert_eq!(standpoint(&berlin, day(1), now), (end, end));
        assert_eq!(standpoint(&berlin, day(3), now).0, now);
        assert_eq!(standpoint(&berlin, None, now).0, now);
    }
}
