//! What a KPI shows at an instant, from the values of its periods and its targets.
//! Everything derived comes from this one place: value, change, health and its reason, freshness, episodes.
//! It is a function of its arguments, so what is shown next follows by asking for a later instant.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::checkpoint::Checkpoint;
use super::episode::{DEFAULT_RECOVER_PERIODS, Episode, EpisodeRules, default_confirm_periods, episodes};
use super::forecast::{Heading, leaves_soon};
use super::freshness::{
    Freshness, FreshnessDates, freshness, freshness_dates, grace_days as default_grace_days,
};
use super::health::{
    Band, DatedTarget, Health, HealthReason, Target, gap, judge, judge_running, target_in_force,
};
use super::number::finite;
use super::period::{Aggregation, Cadence, Calendar, Folded, Period, days_between};
use super::signal::{Segment, Trend, judge_trend, segments};
use super::smart::reach;

/// What the points of one period amount to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodValue {
    /// The period.
    pub period: Period,
    /// How many points it holds.
    pub count: u32,
    /// Their value, in the unit of the KPI.
    pub folded: Folded,
}

/// A period with its value held against its own target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The period.
    pub period: Period,
    /// The value, in the unit of the KPI; `None` without one or where it is not finite.
    pub value: Option<f64>,
    /// Unknown without a value or a target, else by the target in force on the last day of the period.
    pub health: Health,
    /// The nearest healthy bound minus the value; `None` without a value or a target.
    pub gap: Option<f64>,
    /// The target in force on the last day of the period.
    pub target: Option<Target>,
}

/// The settings of a KPI that decide what its points mean.
#[derive(Clone, Copy, Debug)]
pub struct KpiSettings {
    /// How often it is measured.
    pub cadence: Cadence,
    /// How the points of a period become its value.
    pub aggregation: Aggregation,
    /// Unhealthy periods in a row that open an episode.
    pub confirm_periods: u32,
    /// Healthy periods in a row that close it.
    pub recover_periods: u32,
    /// Calendar days from due to stale.
    pub grace_days: u32,
    /// How long a feed that should never pause may be silent.
    pub expect_every: Option<Span>,
}

impl KpiSettings {
    /// The default settings of a cadence and aggregation.
    pub fn new(cadence: Cadence, aggregation: Aggregation) -> Self {
        Self {
            cadence,
            aggregation,
            confirm_periods: default_confirm_periods(cadence),
            recover_periods: DEFAULT_RECOVER_PERIODS,
            grace_days: default_grace_days(cadence),
            expect_every: None,
        }
    }

    /// The rules for episodes among these settings.
    pub fn episode_rules(&self) -> EpisodeRules {
        EpisodeRules { confirm_periods: self.confirm_periods, recover_periods: self.recover_periods }
    }

    /// Whether a period has ended. An irregular KPI has no periods, so its points never run.
    fn is_complete(&self, period: &Period, now: Timestamp) -> bool {
        match self.cadence {
            Cadence::Irregular => true,
            Cadence::Daily | Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => {
                period.is_complete(now)
            }
        }
    }

    /// Whether the value of a period is the KPI's own: half a sum says nothing, half a month's latest value does.
    pub fn counts(&self, period: &Period, now: Timestamp) -> bool {
        match self.aggregation {
            Aggregation::Sum => self.is_complete(period, now),
            Aggregation::Last | Aggregation::Mean | Aggregation::Min | Aggregation::Max => true,
        }
    }
}

/// The period whose value is the KPI's current one, and how it changed. Values are in the unit of the KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Current {
    /// The latest period that holds a point; for a sum the latest complete one.
    pub period: Period,
    /// Its value; `None` where it is not finite.
    pub value: Option<f64>,
    /// Whether the period has ended.
    pub complete: bool,
    /// The value of the nearest earlier period that has one.
    pub previous: Option<f64>,
    /// The value minus the previous one.
    pub change: Option<f64>,
    /// The change over the magnitude of the previous value; `None` where that is 0.
    pub change_ratio: Option<f64>,
}

/// The period of a sum that runs now, shown beside the current value. Values are in the unit of the KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// The period that holds the present instant.
    pub period: Period,
    /// Its value so far; `None` where it is not finite.
    pub value: Option<f64>,
    /// How many of its days have passed, today included.
    pub elapsed_days: i64,
    /// How many days it has.
    pub total_days: i64,
    /// The whole target, in force on the last day of the period.
    pub target: Option<Target>,
    /// What is expected by today: every bound of the target times elapsed over total days.
    pub expected: Option<Target>,
    /// How the value so far is doing, see [`judge_running`]; unknown without a value or a target.
    pub health: Health,
}

/// Everything that a KPI shows at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiState {
    /// The current value and its change; `None` without a period that counts.
    pub current: Option<Current>,
    /// The running period of a sum, where it holds a point.
    pub running: Option<Running>,
    /// How the KPI is doing.
    pub health: Health,
    /// Why the health is unknown, or that an unhealthy value is stale.
    pub health_reason: Option<HealthReason>,
    /// The health last seen, where the present one is unknown because of staleness or overflow.
    pub last_known: Option<Health>,
    /// The first day of the stretch of periods judged like the current one; missing periods do not end it.
    pub since: Option<Date>,
    /// The nearest healthy bound minus the current value, in the unit of the KPI.
    pub gap: Option<f64>,
    /// The target by which the current value is judged; without one, the target in force today.
    pub target: Option<Target>,
    /// Where the complete periods are going, by the target above; `None` without one, and with fewer than six.
    pub trend: Option<Trend>,
    /// The first day of the period on which the forecast leaves the band, where that is one of the next two.
    pub leaves_on: Option<Date>,
    /// How far the complete periods have been, or may be without any change of the process; see [`reach`].
    pub reach: Option<Band>,
    /// Whether the value is recent enough.
    pub freshness: Freshness,
    /// From when on it is due and stale; `None` without a point, and for an irregular KPI that expects none.
    pub freshness_dates: Option<FreshnessDates>,
    /// The open episode.
    pub episode: Option<Episode>,
    /// The latest closed episode.
    pub last_closed: Option<Episode>,
    /// The next instant at which any of this changes by the clock alone, other than by `due_at`, `stale_at`
    /// and the daily growth of `running`: the end of the earliest incomplete period that holds a point.
    pub next_turn: Option<Timestamp>,
}

impl KpiState {
    /// Whether it is healthy, but gets worse, or would leave its band within two periods.
    pub fn is_slipping(&self) -> bool {
        self.health == Health::Healthy
            && (self.trend == Some(Trend::Deteriorating) || self.leaves_on.is_some())
    }
}

/// Holds every period against the target in force on its last day; one answer per period, in the same order.
pub fn judge_series(series: &[PeriodValue], targets: &[DatedTarget]) -> Vec<Judged> {
    series
        .iter()
        .map(|entry| {
            let value = entry.folded.value();
            let target = target_in_force(targets, entry.period.ends_on).copied();
            let both = value.zip(target);
            Judged {
                period: entry.period,
                value,
                health: both.map_or(Health::Unknown, |(value, target)| judge(value, &target)),
                gap: both.map(|(value, target)| gap(value, &target.band)),
                target,
            }
        })
        .collect()
}

/// The complete periods that have a value, in order of time; neighbours of missing ones become neighbours.
pub fn complete_periods(
    settings: &KpiSettings,
    series: &[PeriodValue],
    now: Timestamp,
) -> Vec<(Period, f64)> {
    series
        .iter()
        .filter(|entry| settings.is_complete(&entry.period, now))
        .filter_map(|entry| entry.folded.value().map(|value| (entry.period, value)))
        .collect()
}

/// The values of the complete periods that have one, in order of time.
pub fn complete_values(settings: &KpiSettings, series: &[PeriodValue], now: Timestamp) -> Vec<f64> {
    complete_periods(settings, series, now).into_iter().map(|(_, value)| value).collect()
}

/// What a KPI shows at an instant.
///
/// `series` holds its periods in order of time, `targets` all its targets in any order.
pub fn state(
    calendar: &Calendar,
    settings: &KpiSettings,
    series: &[PeriodValue],
    targets: &[DatedTarget],
    latest_point_at: Option<Timestamp>,
    now: Timestamp,
) -> KpiState {
    let seen = Seen::of(calendar, settings, series, targets, latest_point_at, now);
    let scan = Scan::of(&seen);
    seen.show(scan)
}

/// The same by the newest periods alone, those from [`Checkpoint::reads_from`] on.
/// `None` where only the whole series can tell.
pub fn state_after(
    checkpoint: &Checkpoint,
    calendar: &Calendar,
    settings: &KpiSettings,
    series: &[PeriodValue],
    targets: &[DatedTarget],
    latest_point_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<KpiState> {
    let seen = Seen::of(calendar, settings, series, targets, latest_point_at, now);
    let scan = checkpoint.scan(&seen)?;
    Some(seen.show(scan))
}

/// A series as it is seen at an instant.
pub(super) struct Seen<'a> {
    pub calendar: &'a Calendar,
    pub settings: &'a KpiSettings,
    pub targets: &'a [DatedTarget],
    /// The periods that hold a point.
    held: Vec<PeriodValue>,
    /// Those of them that count.
    pub judged: Vec<Judged>,
    /// Those that are complete and have a value, and these values.
    pub complete: Vec<(Period, f64)>,
    pub values: Vec<f64>,
    latest_point_at: Option<Timestamp>,
    pub now: Timestamp,
}

/// What is read of a series from the left, and so of all of it.
pub(super) struct Scan {
    pub segments: Vec<Segment>,
    pub reach: Option<Band>,
    pub episodes: Vec<Episode>,
    /// That of the periods before the newest.
    pub spell: Option<Spell>,
}

/// How long a KPI has had one health.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spell {
    /// The health; unknown without a target.
    pub health: Health,
    /// The first day of the first of these periods.
    pub since: Date,
}

impl Spell {
    /// The newest one after some more periods, of which those without a value end none.
    pub(super) fn after(spell: Option<Self>, judged: &[Judged]) -> Option<Self> {
        judged.iter().filter(|period| period.value.is_some()).fold(spell, |spell, period| {
            let new = Self { health: period.health, since: period.period.starts_on };
            spell.filter(|spell| spell.health == new.health).or(Some(new))
        })
    }
}

impl Scan {
    fn of(seen: &Seen) -> Self {
        let segments = segments(&seen.values);
        Self {
            reach: reach(&seen.values, &segments),
            segments,
            episodes: episodes(&seen.judged, seen.settings.episode_rules(), seen.newest_point_on(), seen.now),
            spell: seen.judged.split_last().and_then(|(_, earlier)| Spell::after(None, earlier)),
        }
    }
}

impl<'a> Seen<'a> {
    pub(super) fn of(
        calendar: &'a Calendar,
        settings: &'a KpiSettings,
        series: &[PeriodValue],
        targets: &'a [DatedTarget],
        latest_point_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let held: Vec<PeriodValue> = series.iter().filter(|entry| entry.count > 0).copied().collect();
        let counting: Vec<PeriodValue> =
            held.iter().filter(|entry| settings.counts(&entry.period, now)).copied().collect();
        let judged = judge_series(&counting, targets);
        let complete = complete_periods(settings, series, now);
        let values = complete.iter().map(|(_, value)| *value).collect();
        // A sum that has only a running period is not stale: its first points have just come.
        let newest = judged.last().map(|newest| newest.period).or(held.last().map(|entry| entry.period));
        let latest_point_at = newest.map(|period| latest_point_at.unwrap_or(period.starts_at));
        Self { calendar, settings, targets, held, judged, complete, values, latest_point_at, now }
    }

    /// The date of the newest point.
    pub(super) fn newest_point_on(&self) -> Option<Date> {
        self.latest_point_at.map(|at| self.calendar.day_of(at))
    }

    fn show(&self, scan: Scan) -> KpiState {
        let Self { calendar, settings, targets, held, judged, latest_point_at, now, .. } = self;
        let seen = judged.last();
        let newest = seen.map(|seen| seen.period).or(held.last().map(|entry| entry.period));
        let dates = newest.zip(*latest_point_at).and_then(|(period, at)| {
            let KpiSettings { cadence, grace_days, expect_every, .. } = **settings;
            freshness_dates(calendar, cadence, &period, grace_days, expect_every, at)
        });
        let freshness = freshness(*latest_point_at, dates.as_ref(), *now);
        let target = match seen {
            Some(seen) => seen.target,
            None => target_in_force(targets, calendar.day_of(*now)).copied(),
        };
        let verdict = verdict(judged, target.as_ref(), freshness);
        let band = target.as_ref().map(|target| &target.band);
        let heading = Heading::of(calendar, settings.cadence, &self.complete);
        let Scan { segments, reach, episodes, spell } = scan;
        KpiState {
            current: current(settings, judged, *now),
            running: running(calendar, settings, held, targets, *now),
            health: verdict.health,
            health_reason: verdict.reason,
            last_known: verdict.last_known,
            since: seen.map(|seen| since(seen, spell)),
            gap: seen.and_then(|seen| seen.gap),
            target,
            trend: judge_trend(&self.values, &segments, band).trend,
            leaves_on: band.zip(heading).and_then(|(band, heading)| leaves_soon(&heading, band, targets)),
            reach,
            freshness,
            freshness_dates: dates,
            episode: episodes.last().filter(|episode| episode.closed_on.is_none()).copied(),
            last_closed: episodes.iter().rev().find(|episode| episode.closed_on.is_some()).copied(),
            next_turn: held
                .iter()
                .filter(|entry| !settings.is_complete(&entry.period, *now))
                .map(|entry| entry.period.ends_at)
                .min(),
        }
    }
}

struct Verdict {
    health: Health,
    reason: Option<HealthReason>,
    last_known: Option<Health>,
}

/// The health with its reason: the first that applies, and never green by default.
fn verdict(judged: &[Judged], target: Option<&Target>, freshness: Freshness) -> Verdict {
    let unknown = |reason, last_known| Verdict { health: Health::Unknown, reason: Some(reason), last_known };
    if target.is_none() {
        return unknown(HealthReason::NoTarget, None);
    }
    let Some(seen) = judged.last() else {
        return unknown(HealthReason::NoData, None);
    };
    let is_stale = match freshness {
        Freshness::Stale => true,
        Freshness::Fresh | Freshness::Due | Freshness::Never => false,
    };
    match seen.health {
        Health::Unknown => {
            let before = judged.iter().rev().map(|period| period.health);
            let last_known = before.into_iter().find(|health| *health != Health::Unknown);
            unknown(HealthReason::Overflow, last_known)
        }
        Health::Healthy | Health::AtRisk if is_stale => unknown(HealthReason::Stale, Some(seen.health)),
        Health::Healthy | Health::AtRisk | Health::Unhealthy => {
            Verdict { health: seen.health, reason: is_stale.then_some(HealthReason::Stale), last_known: None }
        }
    }
}

fn current(settings: &KpiSettings, judged: &[Judged], now: Timestamp) -> Option<Current> {
    let (seen, earlier) = judged.split_last()?;
    let previous = earlier.iter().rev().find_map(|period| period.value);
    let change = seen.value.zip(previous).and_then(|(value, previous)| finite(value - previous));
    let change_ratio = change.zip(previous).and_then(|(change, previous)| finite(change / previous.abs()));
    Some(Current {
        period: seen.period,
        value: seen.value,
        complete: settings.is_complete(&seen.period, now),
        previous,
        change,
        change_ratio,
    })
}

/// The first day of the newest stretch of periods with one health.
fn since(seen: &Judged, before: Option<Spell>) -> Date {
    before.filter(|spell| spell.health == seen.health).map_or(seen.period.starts_on, |spell| spell.since)
}

/// The running period of a sum, held against the share of its target that is expected by today.
fn running(
    calendar: &Calendar,
    settings: &KpiSettings,
    held: &[PeriodValue],
    targets: &[DatedTarget],
    now: Timestamp,
) -> Option<Running> {
    match settings.aggregation {
        Aggregation::Sum => {}
        Aggregation::Last | Aggregation::Mean | Aggregation::Min | Aggregation::Max => return None,
    }
    let entry = held
        .iter()
        .find(|entry| entry.period.starts_at <= now && !settings.is_complete(&entry.period, now))?;
    let total_days = entry.period.days();
    let today = calendar.day_of(now);
    let elapsed_days = (days_between(entry.period.starts_on, today) + 1).clamp(1, total_days);
    let target = target_in_force(targets, entry.period.ends_on).copied();
    let expected = target.map(|target| target.prorated(elapsed_days, total_days));
    let value = entry.folded.value();
    Some(Running {
        period: entry.period,
        value,
        elapsed_days,
        total_days,
        target,
        expected,
        health: match (value, target, expected) {
            (Some(value), Some(target), Some(expected)) => judge_running(value, &target, &expected),
            (_, _, _) => Health::Unknown,
        },
    })
}

#[cfg(test)]
mod tests;
