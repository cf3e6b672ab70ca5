//! The rules of derivation, without a database: points fold into periods, periods make states.

use std::collections::BTreeSet;
use std::convert::Infallible;

use jiff::civil::{Date, date};

use super::rows::{PeriodRow, RULES, StateRow};
use crate::kpis::row::KpiRow;
use crate::maths::{
    Calendar, Checkpoint, DatedTarget, Health, HealthReason, KpiSettings, KpiState, Period, PeriodValue,
    Sample, complete_values, days_between, fold, judge_series, severity, state, state_after,
};
use crate::store::{Day, Moment};

/// One point, as folding sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The instant for which the value stands.
    pub at: Moment,
    /// Whose number it is.
    pub feed: String,
    /// The value, in the unit of the KPI.
    pub value: f64,
}

/// A period with what its points amount to, and the instant of the newest of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoldedPeriod {
    /// The period, how many points it holds, and their value.
    pub value: PeriodValue,
    /// The latest `at` among its points.
    pub newest_at: Moment,
}

/// A stretch of time, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first instant.
    pub from: Moment,
    /// The first instant after it.
    pub until: Moment,
}

impl Range {
    /// Everything from an instant on.
    pub fn since(from: Moment) -> Self {
        Self { from, until: midnight(date(9999, 1, 1)) }
    }

    /// Everything that was ever dated.
    pub fn all() -> Self {
        Self::since(midnight(Day::BEGINNING.date()))
    }

    /// Whether an instant lies in it.
    pub fn holds(&self, at: Moment) -> bool {
        self.from <= at && at < self.until
    }

    /// All points of a period; one of an irregular KPI is a single instant.
    fn of(period: &Period) -> Self {
        let from = Moment::from(period.starts_at);
        let instant = Moment::from_microseconds(from.microseconds().saturating_add(1));
        Self { from, until: Moment::from(period.ends_at).max(instant) }
    }
}

/// The first instant of a day in UTC.
fn midnight(day: Date) -> Moment {
    Moment::from_microseconds(days_between(date(1970, 1, 1), day) * 86_400_000_000)
}

/// The stretches of time whose periods hold these instants: as few as there can be, in order.
pub fn ranges(calendar: &Calendar, settings: &KpiSettings, changed: &[Moment]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for at in changed.iter().copied().collect::<BTreeSet<Moment>>() {
        match ranges.last_mut() {
            Some(last) if last.holds(at) => {}
            last => {
                let range = Range::of(&calendar.period_of(settings.cadence, at.timestamp()));
                match last {
                    Some(last) if last.until == range.from => last.until = range.until,
                    Some(_) | None => ranges.push(range),
                }
            }
        }
    }
    ranges
}

/// Folds points into the periods that hold them, in order of time.
pub fn fold_points(
    calendar: &Calendar,
    settings: &KpiSettings,
    points: &mut [Measured],
) -> Vec<FoldedPeriod> {
    points.sort_by(|left, right| (left.at, &left.feed).cmp(&(right.at, &right.feed)));
    let mut folded = Vec::new();
    let mut rest: &[Measured] = points;
    while let Some(first) = rest.first() {
        let period = calendar.period_of(settings.cadence, first.at.timestamp());
        let range = Range::of(&period);
        let (inside, after) = rest.split_at(rest.partition_point(|point| point.at < range.until));
        let samples: Vec<Sample> = inside
            .iter()
            .map(|point| Sample { at: point.at.timestamp(), feed: &point.feed, value: point.value })
            .collect();
        folded.push(FoldedPeriod {
            value: PeriodValue {
                period,
                count: u32::try_from(inside.len()).unwrap_or(u32::MAX),
                folded: fold(settings.aggregation, &samples),
            },
            newest_at: inside.last().map_or(first.at, |newest| newest.at),
        });
        rest = after;
    }
    folded
}

/// The rows of folded periods, each judged by the target in force on its last day.
pub fn period_rows(kpi: &KpiRow, periods: &[FoldedPeriod], targets: &[DatedTarget]) -> Vec<PeriodRow> {
    let series: Vec<PeriodValue> = periods.iter().map(|folded| folded.value).collect();
    judge_series(&series, targets)
        .iter()
        .zip(periods)
        .map(|(judged, FoldedPeriod { value: PeriodValue { period, count, folded }, newest_at })| PeriodRow {
            workspace_id: kpi.workspace_id,
            kpi_id: kpi.id,
            starts_at: period.starts_at.into(),
            value: folded.value(),
            points: i32::try_from(*count).unwrap_or(i32::MAX),
            newest_at: *newest_at,
            health: judged.health,
        })
        .collect()
}

/// A KPI's numbers, as the maths takes them.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    /// How the workspace divides time.
    pub calendar: &'a Calendar,
    /// The KPI's settings.
    pub settings: &'a KpiSettings,
    /// Its periods in order of time.
    pub series: &'a [PeriodValue],
    /// Its targets in any order.
    pub targets: &'a [DatedTarget],
    /// The instant of its newest point.
    pub latest_point_at: Option<Moment>,
}

impl Numbers<'_> {
    /// What the KPI shows at a moment.
    pub fn state(&self, now: Moment) -> KpiState {
        state(
            self.calendar,
            self.settings,
            self.series,
            self.targets,
            self.latest_point_at.map(Moment::timestamp),
            now.timestamp(),
        )
    }

    /// The row of what the KPI shows at a moment, which `state` has told.
    pub fn state_row(&self, kpi: &KpiRow, from_at: Moment, state: &KpiState, now: Moment) -> StateRow {
        let (health, reason) = match state.health_reason {
            Some(HealthReason::Stale) => (state.last_known.unwrap_or(state.health), None),
            reason => (state.health, reason),
        };
        let severity = state.gap.zip(state.target).and_then(|(gap, target)| {
            let recent = complete_values(self.settings, self.series, now.timestamp());
            severity(gap, &target, &recent)
        });
        let current = state.current.as_ref();
        let dates = state.freshness_dates.as_ref();
        let (open, closed) = (state.episode.as_ref(), state.last_closed.as_ref());
        StateRow {
            workspace_id: kpi.workspace_id,
            kpi_id: kpi.id,
            from_at,
            period_starts_at: current.map(|current| current.period.starts_at.into()),
            value: current.and_then(|current| current.value),
            previous_value: current.and_then(|current| current.previous),
            health,
            reason,
            since: state.since.map(Day::from),
            gap: state.gap,
            severity,
            due_at: dates.map(|dates| dates.due_at.into()),
            stale_at: dates.map(|dates| dates.stale_at.into()),
            episode_opened_on: open.map(|episode| episode.opened_on.into()),
            episode_opening_value: open.map(|episode| episode.opening_value),
            episode_worst_value: open.map(|episode| episode.worst_value),
            episode_worst_on: open.map(|episode| episode.worst_on.into()),
            closed_opened_on: closed.map(|episode| episode.opened_on.into()),
            closed_on: closed.and_then(|episode| episode.closed_on).map(Day::from),
            closed_by: closed.and_then(|episode| episode.closed_by),
            trend: state.trend,
            leaves_on: state.leaves_on.map(Day::from),
            reach_min: state.reach.and_then(|reach| reach.min),
            reach_max: state.reach.and_then(|reach| reach.max),
            rules: RULES,
        }
    }

    /// What the KPI shows now, and what it shows from later instants on without another write.
    pub fn stages(&self, kpi: &KpiRow, now: Moment) -> Vec<StateRow> {
        let Ok(stages) = self.stages_by(kpi, now, |at| Ok::<_, Infallible>(self.state(at)));
        stages
    }

    /// The same by what a checkpoint reads of the series; `None` where only the whole can tell.
    pub fn stages_after(&self, checkpoint: &Checkpoint, kpi: &KpiRow, now: Moment) -> Option<Vec<StateRow>> {
        let state = |at: Moment| {
            state_after(
                checkpoint,
                self.calendar,
                self.settings,
                self.series,
                self.targets,
                self.latest_point_at.map(Moment::timestamp),
                at.timestamp(),
            )
        };
        self.stages_by(kpi, now, |at| state(at).ok_or(())).ok()
    }

    fn stages_by<E>(
        &self,
        kpi: &KpiRow,
        now: Moment,
        state: impl Fn(Moment) -> Result<KpiState, E>,
    ) -> Result<Vec<StateRow>, E> {
        let mut stages: Vec<StateRow> = Vec::new();
        // The first stage holds at any clock, one that runs a little behind included.
        let (mut from_at, mut at) = (Moment::from_microseconds(0), now);
        loop {
            let state = state(at)?;
            let stage = self.state_row(kpi, from_at, &state, at);
            if stages.last().is_none_or(|before| !before.shows_the_same(&stage)) {
                stages.push(stage);
            }
            match self.next_turn(&state, at) {
                Some(turn) => (from_at, at) = (turn, turn),
                None => return Ok(stages),
            }
        }
    }

    /// The next instant at which the clock alone changes what is shown, staleness left aside.
    fn next_turn(&self, state: &KpiState, now: Moment) -> Option<Moment> {
        let period = state.next_turn.map(Moment::from);
        // Without a value the target in force today decides whether a target is what is missing.
        let target = match state.current {
            Some(_) => None,
            None => self
                .targets
                .iter()
                .filter_map(|dated| dated.effective_from)
                .map(|from| Moment::from(self.calendar.start_of_day(from)))
                .filter(|from| *from > now)
                .min(),
        };
        period.into_iter().chain(target).filter(|turn| *turn > now).min()
    }
}

/// How the health of a KPI without any row yet is shown.
pub const HEALTH_OF_NOTHING: Health = Health::Unknown;

/// Stored periods in order of time, as folding left them.
pub fn stored<'r>(
    rows: impl Iterator<Item = &'r PeriodRow>,
    calendar: &Calendar,
    settings: &KpiSettings,
) -> Vec<FoldedPeriod> {
    let mut before: Option<Period> = None;
    rows.map(|row| {
        let value = row.value_after(calendar, settings.cadence, before.as_ref());
        before = Some(value.period);
        FoldedPeriod { value, newest_at: row.newest_at }
    })
    .collect()
}

/// Whether one of some stretches of time, which are in order, holds an instant.
pub fn holds(ranges: &[Range], at: Moment) -> bool {
    let after = ranges.partition_point(|range| range.from <= at);
    after.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|range| range.holds(at))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::Weekday;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::maths::{Aggregation, Cadence, Folded};

    fn berlin() -> Calendar {
        Calendar { zone: TimeZone::get("Europe/Berlin").expect("a zone"), week_starts_on: Weekday::Monday }
    }

    fn at(text: &str) -> Moment {
        text.parse::<Timestamp>().expect("an instant").into()
    }

    #[test]
    fn neighbouring_periods_are_one_range_and_others_are_not() {
        let monthly = KpiSettings::new(Cadence::Monthly, Aggregation::Last);
        let changed = [
            at("2026-03-31T21:59:59Z"),
            at("2026-01-15T00:00:00Z"),
            at("2026-03-31T22:00:00Z"),
            at("2026-03-01T00:00:00Z"),
        ];
        let ranges = ranges(&berlin(), &monthly, &changed);
        let expected = [
            Range { from: at("2025-12-31T23:00:00Z"), until: at("2026-01-31T23:00:00Z") },
            Range { from: at("2026-02-28T23:00:00Z"), until: at("2026-04-30T22:00:00Z") },
        ];
        assert_eq!(ranges, expected);
    }

    #[test]
    fn the_points_of_an_irregular_kpi_stand_for_themselves() {
        let irregular = KpiSettings::new(Cadence::Irregular, Aggregation::Sum);
        let instant = at("2026-03-31T09:30:00Z");
        let ranges = ranges(&berlin(), &irregular, &[instant, instant]);
        assert_eq!(ranges.len(), 1);
        assert!(ranges.iter().all(|range| range.holds(instant)));
        let point = |at: Moment, feed: &str, value: f64| Measured { at, feed: feed.into(), value };
        let mut points =
            [point(at("2026-03-31T09:31:00Z"), "", 4.0), point(instant, "b", 1.0), point(instant, "a", 2.0)];
        let folded = fold_points(&berlin(), &irregular, &mut points);
        let values: Vec<_> = folded.iter().map(|one| (one.value.count, one.value.folded)).collect();
        assert_eq!(values, [(2, Folded::Value(3.0)), (1, Folded::Value(4.0))]);
    }

    #[test]
    fn points_fold_into_local_days_in_order_of_instant_and_feed() {
        let daily = KpiSettings::new(Cadence::Daily, Aggregation::Last);
        let point = |at: Moment, feed: &str, value: f64| Measured { at, feed: feed.into(), value };
        // The night on which the clock is put forward has 23 hours.
        let mut points = [
            point(at("2026-03-29T21:59:59Z"), "", 1.0),
            point(at("2026-03-29T22:00:00Z"), "", 2.0),
            point(at("2026-03-28T23:00:00Z"), "x", 3.0),
            point(at("2026-03-29T21:59:59Z"), "x", 4.0),
        ];
        let folded = fold_points(&berlin(), &daily, &mut points);
        let values: Vec<_> = folded
            .iter()
            .map(|one| (one.value.period.starts_on, one.value.count, one.value.folded))
            .collect();
        let expected =
            [(date(2026, 3, 29), 3, Folded::Value(4.0)), (date(2026, 3, 30), 1, Folded::Value(2.0))];
        assert_eq!(values, expected);
        assert_eq!(folded.first().map(|one| one.newest_at), Some(at("2026-03-29T21:59:59Z")));
    }
}
