//! Episodes: stretches in which a KPI was unhealthy, derived from its judged periods.
//! Single slips of a fast cadence open none, and moving the target heals none.
//! A correction that removes the unhealthy period removes the episode with it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::health::{Health, Target, judge};
use super::period::{Cadence, Period};
use super::series::Judged;
use super::word::words;

words! {
    /// What ended an episode.
    pub enum ClosedBy {
        /// The value came back to where it had to be.
        Value = "value",
        /// The target was moved: by the one that opened the episode it would still be open.
        Target = "target",
    }
}

/// How many periods in a row open and close an episode; 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpisodeRules {
    /// Unhealthy periods in a row that open an episode.
    pub confirm_periods: u32,
    /// Healthy periods in a row that close it.
    pub recover_periods: u32,
}

/// A stretch in which a KPI was unhealthy. Values are in the unit of the KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// The first day of the period that opened it.
    pub opened_on: Date,
    /// The value of that period.
    pub opening_value: f64,
    /// The value with the largest |gap| against its own period's target, the earlier one at ties.
    pub worst_value: f64,
    /// The first day of the period with the worst value.
    pub worst_on: Date,
    /// The gap of the worst value: positive must rise, negative must fall.
    pub worst_gap: f64,
    /// The last day of the period that closed it, or the date of its newest point while it runs; `None` while open.
    pub closed_on: Option<Date>,
    /// What closed it; `None` while open.
    pub closed_by: Option<ClosedBy>,
}

/// How many unhealthy periods in a row open an episode by default.
pub const fn default_confirm_periods(cadence: Cadence) -> u32 {
    match cadence {
        Cadence::Daily => 3,
        Cadence::Weekly => 2,
        Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly | Cadence::Irregular => 1,
    }
}

/// How many healthy periods in a row close an episode by default.
pub const DEFAULT_RECOVER_PERIODS: u32 = 1;

/// An episode that is open, with what decides on how it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenEpisode {
    /// The episode so far.
    pub episode: Episode,
    /// The target of the period that opened it.
    pub target: Option<Target>,
}

/// All episodes in order of time, only the last of which may be open.
///
/// `judged` are the periods that count, in order of time: for a sum only complete ones.
/// `newest_point_on` is the date of the KPI's newest point, for a closing period that still runs.
/// At risk and missing periods neither count nor break a row.
pub fn episodes(
    judged: &[Judged],
    rules: EpisodeRules,
    newest_point_on: Option<Date>,
    now: Timestamp,
) -> Vec<Episode> {
    episodes_after(None, judged, rules, newest_point_on, now)
}

/// The same from some period on, where an episode may be open already and no row has begun: with the open one, and
/// without those that were closed before.
pub fn episodes_after(
    open: Option<OpenEpisode>,
    judged: &[Judged],
    rules: EpisodeRules,
    newest_point_on: Option<Date>,
    now: Timestamp,
) -> Vec<Episode> {
    let mut found = Vec::new();
    let mut row = Row::default();
    // The open episode once it is confirmed, and where the periods begin that may make it worse.
    let mut open = open.map(|open| (open, 0));
    for (index, period) in judged.iter().enumerate() {
        let (wanted, length) = match open {
            None => (Health::Unhealthy, rules.confirm_periods),
            Some(_) => (Health::Healthy, rules.recover_periods),
        };
        let Some(first) = row.extend(index, period.health, wanted, length) else {
            continue;
        };
        row = Row::default();
        match open.take() {
            None => open = judged.get(first).and_then(OpenEpisode::at).map(|open| (open, first)),
            Some((OpenEpisode { episode, target }, since)) => {
                let stretch = judged.get(since..=first).unwrap_or_default();
                found.extend(judged.get(first).map(|closing| Episode {
                    closed_on: Some(last_known_day(&closing.period, newest_point_on, now)),
                    closed_by: Some(closed_by(target, closing)),
                    ..episode.after(stretch)
                }));
            }
        }
    }
    if let Some((OpenEpisode { episode, .. }, since)) = open {
        found.push(episode.after(judged.get(since..).unwrap_or_default()));
    }
    found
}

/// Periods of one health in a row.
#[derive(Clone, Copy, Default)]
pub(super) struct Row {
    first: Option<usize>,
    length: u32,
}

impl Row {
    /// Takes the next period; the index of the first of the row once it is long enough.
    pub(super) fn extend(
        &mut self,
        index: usize,
        health: Health,
        wanted: Health,
        enough: u32,
    ) -> Option<usize> {
        match health {
            Health::AtRisk | Health::Unknown => return None,
            Health::Healthy | Health::Unhealthy if health != wanted => {
                *self = Self::default();
                return None;
            }
            Health::Healthy | Health::Unhealthy => {}
        }
        self.first = self.first.or(Some(index));
        self.length = self.length.saturating_add(1);
        self.first.filter(|_| self.length >= enough)
    }
}

/// The last day of a period, or while it runs the date of the newest point, kept within the period.
pub(super) fn last_known_day(period: &Period, newest_point_on: Option<Date>, now: Timestamp) -> Date {
    match newest_point_on {
        Some(day) if !period.is_complete(now) => day.min(period.ends_on).max(period.starts_on),
        Some(_) | None => period.ends_on,
    }
}

impl OpenEpisode {
    /// The episode that an unhealthy period opens.
    fn at(opening: &Judged) -> Option<Self> {
        let value = opening.value?;
        let episode = Episode {
            opened_on: opening.period.starts_on,
            opening_value: value,
            worst_value: value,
            worst_on: opening.period.starts_on,
            worst_gap: opening.gap?,
            closed_on: None,
            closed_by: None,
        };
        Some(Self { episode, target: opening.target })
    }
}

impl Episode {
    /// The same after some more periods, one of which may be the worst.
    fn after(self, stretch: &[Judged]) -> Self {
        let mut episode = self;
        for period in stretch {
            if let (Some(value), Some(gap)) = (period.value, period.gap)
                && gap.abs() > episode.worst_gap.abs()
            {
                episode.worst_value = value;
                episode.worst_on = period.period.starts_on;
                episode.worst_gap = gap;
            }
        }
        episode
    }
}

/// Whether the value or the target moved, by the target in force when the episode opened.
fn closed_by(opening_target: Option<Target>, closing: &Judged) -> ClosedBy {
    match opening_target.zip(closing.value) {
        Some((target, value)) if judge(value, &target) != Health::Healthy => ClosedBy::Target,
        Some(_) | None => ClosedBy::Value,
    }
}

#[cfg(test)]
mod tests;
