//! Remedies: whether the objective that was meant to heal a KPI has done so.
//! The outcome is always derived from the periods since the baseline, with the values that they hold now.
//! A remedy of a KPI that was healthy, but slipping, is to prevent: it holds until the KPI is unhealthy.
//! The band in force at the baseline decides, so lowering the target is never called a recovery.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::episode::{EpisodeRules, Row, last_known_day};
use super::health::{Band, Health, Target, gap, judge};
use super::natural_limits::natural_limits;
use super::number::bounded;
use super::period::{Cadence, days_between};
use super::series::Judged;
use super::word::words;

words! {
    /// What became of a remedy.
    pub enum RemedyOutcome {
        /// The link was ended by a person, or its objective was archived.
        Withdrawn = "withdrawn",
        /// The KPI is healthy again, under the band in force at the baseline too.
        Recovered = "recovered",
        /// The KPI had recovered once and is unhealthy again.
        Relapsed = "relapsed",
        /// The KPI is healthy only because its target was lowered to meet it.
        TargetMoved = "target_moved",
        /// The objective is still a draft.
        Planned = "planned",
        /// The objective is active.
        InProgress = "in_progress",
        /// The objective is closed, and its effect may still come.
        AwaitingEffect = "awaiting_effect",
        /// The objective is closed, its effect should have come, and the KPI is not healthy.
        Failed = "failed",
        /// The objective is closed, and the KPI that was slipping was never unhealthy until then.
        Held = "held",
    }
}

/// Whether the link between KPI and objective still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyLink {
    /// It stands.
    Standing,
    /// A person ended it, or its objective was archived.
    Ended,
}

/// Where the objective of a remedy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyObjective {
    /// It is still a draft.
    Draft,
    /// It is active.
    Active,
    /// It is closed.
    Closed {
        /// The day on which it was closed.
        closed_on: Date,
        /// The day from which on its effect should show.
        effect_by: Date,
    },
}

/// The KPI as it was when the remedy was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// The first day of the period whose value was current.
    pub starts_on: Date,
    /// How it was doing; a remedy of a healthy KPI is to prevent.
    pub health: Health,
    /// The target then in force.
    pub target: Option<Target>,
}

/// Everything that the outcome of a remedy follows from.
#[derive(Clone, Copy, Debug)]
pub struct RemedyInput<'a> {
    /// Whether the link still stands.
    pub link: RemedyLink,
    /// Where the objective stands.
    pub objective: RemedyObjective,
    /// The KPI as it was when the remedy was made.
    pub baseline: Baseline,
    /// The KPI's periods that count, in order of time; those before the baseline's own are passed over.
    pub judged: &'a [Judged],
    /// How many periods in a row make a recovery and a relapse.
    pub rules: EpisodeRules,
    /// The date of the KPI's newest point.
    pub newest_point_on: Option<Date>,
    /// Today's date in the workspace's zone.
    pub today: Date,
    /// The present instant.
    pub now: Timestamp,
}

/// The recovery of a KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// The last day of the first period of the healthy row, or the date of its newest point while it runs.
    pub recovered_on: Date,
    /// The value of that period, in the unit of the KPI.
    pub value: f64,
}

/// How the KPI fared since the baseline.
enum Course {
    NeverRecovered,
    Recovered(Recovery),
    Relapsed(Recovery),
}

/// What became of a remedy: the first outcome that applies, in the order of the words.
pub fn outcome(input: &RemedyInput<'_>) -> RemedyOutcome {
    match input.link {
        RemedyLink::Ended => return RemedyOutcome::Withdrawn,
        RemedyLink::Standing => {}
    }
    if has_held(input) {
        return match input.objective {
            RemedyObjective::Draft => RemedyOutcome::Planned,
            RemedyObjective::Active => RemedyOutcome::InProgress,
            RemedyObjective::Closed { .. } => RemedyOutcome::Held,
        };
    }
    match course(input) {
        Course::Recovered(_) => return RemedyOutcome::Recovered,
        Course::Relapsed(_) => return RemedyOutcome::Relapsed,
        Course::NeverRecovered => {}
    }
    let latest = since_baseline(input).filter(|period| period.value.is_some()).last();
    let is_healthy = latest.is_some_and(|period| period.health == Health::Healthy);
    let is_healthy_by_baseline = latest.is_some_and(|period| by_baseline(input, period) == Health::Healthy);
    if is_healthy && !is_healthy_by_baseline {
        return RemedyOutcome::TargetMoved;
    }
    match input.objective {
        RemedyObjective::Draft => RemedyOutcome::Planned,
        RemedyObjective::Active => RemedyOutcome::InProgress,
        // Healthy, but not yet for long enough: nobody can call that failed.
        RemedyObjective::Closed { effect_by, .. } if input.today < effect_by || is_healthy => {
            RemedyOutcome::AwaitingEffect
        }
        RemedyObjective::Closed { .. } => RemedyOutcome::Failed,
    }
}

/// The latest recovery since the baseline, whether or not the KPI has relapsed since.
pub fn recovery(input: &RemedyInput<'_>) -> Option<Recovery> {
    if has_held(input) {
        return None;
    }
    match course(input) {
        Course::NeverRecovered => None,
        Course::Recovered(recovery) | Course::Relapsed(recovery) => Some(recovery),
    }
}

/// Whether a remedy that is to prevent has done so: the KPI was not unhealthy before the objective ended.
fn has_held(input: &RemedyInput<'_>) -> bool {
    let is_over_by = |period: &Judged| match input.objective {
        RemedyObjective::Closed { closed_on, .. } => period.period.starts_on > closed_on,
        RemedyObjective::Draft | RemedyObjective::Active => false,
    };
    input.baseline.health == Health::Healthy && since_baseline(input).next().is_none_or(is_over_by)
}

/// The periods from the baseline's own on; where that was healthy, from the first unhealthy one on: only
/// what broke can recover.
fn since_baseline<'a>(input: &RemedyInput<'a>) -> impl Iterator<Item = &'a Judged> {
    let Baseline { starts_on, health, .. } = input.baseline;
    let is_whole = move |period: &&Judged| match health {
        Health::Healthy => period.health != Health::Unhealthy,
        Health::AtRisk | Health::Unhealthy | Health::Unknown => false,
    };
    input.judged.iter().filter(move |period| period.period.ends_on >= starts_on).skip_while(is_whole)
}

/// The health of a period that is healthy by its own target, held against the baseline's; otherwise its own.
fn by_baseline(input: &RemedyInput<'_>, period: &Judged) -> Health {
    match (period.health, input.baseline.target, period.value) {
        (Health::Healthy, Some(target), Some(value)) => judge(value, &target),
        (health, _, _) => health,
    }
}

fn course(input: &RemedyInput<'_>) -> Course {
    let periods: Vec<&Judged> = since_baseline(input).collect();
    let mut course = Course::NeverRecovered;
    let mut row = Row::default();
    for (index, period) in periods.iter().enumerate() {
        course = match course {
            Course::Recovered(recovery) => {
                let enough = input.rules.confirm_periods;
                match row.extend(index, period.health, Health::Unhealthy, enough) {
                    None => Course::Recovered(recovery),
                    Some(_) => {
                        row = Row::default();
                        Course::Relapsed(recovery)
                    }
                }
            }
            Course::NeverRecovered | Course::Relapsed(_) => {
                let enough = input.rules.recover_periods;
                let health = by_baseline(input, period);
                let recovery = row
                    .extend(index, health, Health::Healthy, enough)
                    .and_then(|first| periods.get(first))
                    .and_then(|first| {
                        Some(Recovery {
                            recovered_on: last_known_day(&first.period, input.newest_point_on, input.now),
                            value: first.value?,
                        })
                    });
                match recovery {
                    None => course,
                    Some(recovery) => {
                        row = Row::default();
                        Course::Recovered(recovery)
                    }
                }
            }
        };
    }
    course
}

/// 1 - |gap now| / |gap at the baseline|, both against the band in force at the baseline.
///
/// 1 is healthy, below 0 is worse than before; `None` where the baseline has no gap.
pub fn share_of_gap_closed(baseline_value: f64, value_now: f64, band: &Band) -> Option<f64> {
    let before = gap(baseline_value, band).abs();
    if before > 0.0 { bounded(1.0 - gap(value_now, band).abs() / before) } else { None }
}

/// The first day on which the effect of a closed objective should be seen: the closing day, one
/// full period of the KPI, and as many more as the longest lag of a driver among its key results.
///
/// A month is a calendar month: 15 March and one month is 15 April. An irregular KPI has no
/// periods; a day stands for one.
pub fn effect_by(cadence: Cadence, closed_on: Date, longest_lag_periods: u32) -> Date {
    let periods = i64::from(longest_lag_periods) + 1;
    let span = match cadence {
        Cadence::Daily | Cadence::Irregular => Span::new().try_days(periods),
        Cadence::Weekly => Span::new().try_weeks(periods),
        Cadence::Monthly => Span::new().try_months(periods),
        Cadence::Quarterly => Span::new().try_months(periods.saturating_mul(3)),
        Cadence::Yearly => Span::new().try_years(periods),
    };
    span.map_or(Date::MAX, |span| closed_on.saturating_add(span))
}

/// Days from the day on which the KPI turned unhealthy to the remedy, at least 0.
pub fn days_to_remedy(unhealthy_on: Date, remedy_on: Date) -> i64 {
    days_between(unhealthy_on, remedy_on).max(0)
}

/// Days from the remedy to the recovery, at least 0.
pub fn days_to_recovery(remedy_on: Date, recovered_on: Date) -> i64 {
    days_between(remedy_on, recovered_on).max(0)
}

/// Whether a recovery may be routine variation: its value lies within the natural limits of before, ends included.
///
/// `values_before` are those of the periods before the baseline, in order of time; `None` with fewer than six of them.
pub fn may_be_chance(values_before: &[f64], recovery_value: f64) -> Option<bool> {
    natural_limits(values_before).map(|limits| limits.hold(recovery_value))
}

#[cfg(test)]
mod tests;
