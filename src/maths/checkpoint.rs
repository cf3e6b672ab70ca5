//! What the older periods of a long series come to, so that what a KPI shows follows from its newest ones.
//!
//! What a state asks of all periods is read from the left: segments, episodes, the spell of one health, the extremes.
//! A checkpoint is such a reading up to an instant, to be taken up there. All else looks at a few periods back, which
//! are read again. Where neither is enough the answer is `None`, and the whole series decides; so a checkpoint changes
//! how much is read, and never what is shown.

use jiff::Timestamp;

use super::episode::{Episode, OpenEpisode, episodes, episodes_after};
use super::health::{Band, DatedTarget, Health, target_in_force};
use super::natural_limits::{NaturalLimits, Reading};
use super::period::{Calendar, Period};
use super::series::{Judged, KpiSettings, PeriodValue, Scan, Seen, Spell};
use super::signal::{BASELINE, Segment, segments, shift};
use super::smart::reach;

/// How many complete periods with a value are read again before the instant that a checkpoint covers.
///
/// The farthest look back is that for the yardstick of severity and for the baseline of a segment, both of 24; a segment
/// that began later than that is read from its own beginning.
const READ_AGAIN: usize = BASELINE;

/// How many of the newest periods are not covered: points that come late fall into these for the most part.
const UNCOVERED: usize = 14;

/// How many more, at the most, where no checkpoint can stand there: it may be in a row that opens or closes an episode.
const MORE_UNCOVERED: usize = 28;

/// How many periods are read before a newer checkpoint is worth its row.
pub const MOST_READ: usize = READ_AGAIN + UNCOVERED + MORE_UNCOVERED;

/// What all periods of a KPI before an instant come to, by its settings and targets of that time.
/// What changes before that instant makes it void. Values are in the unit of the KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    /// The beginning of the first period that is not covered.
    pub covers_until: Timestamp,
    /// The beginning of the earliest period that is read again; those from here on are a state's series.
    pub reads_from: Timestamp,
    /// The segment that goes on.
    pub segment: NewestSegment,
    /// The lowest value of a complete period.
    pub lowest: f64,
    /// The highest one.
    pub highest: f64,
    /// The newest spell of one health.
    pub spell: Spell,
    /// The episode that is open.
    pub open: Option<Episode>,
    /// The latest one that is closed.
    pub closed: Option<Episode>,
}

/// The segment that goes on where a checkpoint stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NewestSegment {
    /// It began before what is read again.
    Older {
        /// Its limits, as long as it goes on.
        limits: NaturalLimits,
        /// Its values before those that are read again, if there are any, by which it is closed one day.
        read: Option<Reading>,
    },
    /// It began among what is read again.
    Younger {
        /// The beginning of its first period.
        starts_at: Timestamp,
        /// The limits of the segment before it.
        before: NaturalLimits,
    },
}

impl Checkpoint {
    /// The newest one that can stand in a series, which is a whole one or what a checkpoint `before` reads.
    pub fn of(
        before: Option<&Self>,
        calendar: &Calendar,
        settings: &KpiSettings,
        series: &[PeriodValue],
        targets: &[DatedTarget],
        now: Timestamp,
    ) -> Option<Self> {
        (UNCOVERED..=UNCOVERED + MORE_UNCOVERED).step_by(4).find_map(|uncovered| {
            let (covered, rest) = series.split_at_checked(series.len().checked_sub(uncovered)?)?;
            let newest = covered.last().filter(|newest| newest.period.is_complete(now))?;
            let seen = Seen::of(calendar, settings, covered, targets, Some(newest.period.starts_at), now);
            Self::covering(before, &seen, rest.first()?.period.starts_at)
        })
    }

    /// That of periods all of which it covers.
    fn covering(before: Option<&Self>, seen: &Seen, covers_until: Timestamp) -> Option<Self> {
        let rules = seen.settings.episode_rules();
        let (segments, judged, episodes) = match before {
            None => {
                let judged = seen.judged.as_slice();
                (segments(&seen.values), judged, episodes(judged, rules, None, seen.now))
            }
            Some(before) => {
                let judged = before.uncovered(seen)?;
                (before.segments(seen)?, judged, before.episodes(seen, judged))
            }
        };
        let open = episodes.last().filter(|episode| episode.closed_on.is_none()).copied();
        if is_in_a_row(judged, open.as_ref()) {
            return None;
        }
        let reads_from = seen.complete.len().checked_sub(READ_AGAIN)?;
        let extreme = |of: fn(f64, f64) -> f64, before: Option<f64>| {
            seen.values.iter().copied().chain(before).reduce(of)
        };
        Some(Self {
            covers_until,
            reads_from: seen.complete.get(reads_from)?.0.starts_at,
            segment: NewestSegment::of(before.map(|before| before.segment), &segments, seen, reads_from)?,
            lowest: extreme(f64::min, before.map(|before| before.lowest))?,
            highest: extreme(f64::max, before.map(|before| before.highest))?,
            spell: Spell::after(before.map(|before| before.spell), judged)?,
            open,
            closed: episodes.iter().rev().find(|episode| episode.closed_on.is_some()).copied(),
        })
    }

    /// What a state reads of the whole series. `None` where no period counts but those that are covered, and where the
    /// health before an overflow is older than all that is read.
    pub(super) fn scan(&self, seen: &Seen) -> Option<Scan> {
        let judged = self.uncovered(seen)?;
        let (newest, earlier) = judged.split_last()?;
        if newest.value.is_none() && seen.judged.iter().all(|period| period.health == Health::Unknown) {
            return None;
        }
        let segments = self.segments(seen)?;
        let reach = reach(&seen.values, &segments)?;
        Some(Scan {
            segments,
            reach: Some(Band {
                min: reach.min.map(|min| min.min(self.lowest)),
                max: reach.max.map(|max| max.max(self.highest)),
            }),
            episodes: self.episodes(seen, judged),
            spell: Spell::after(Some(self.spell), earlier),
        })
    }

    /// The periods that count and are not covered.
    fn uncovered<'a>(&self, seen: &'a Seen) -> Option<&'a [Judged]> {
        seen.judged.get(seen.judged.partition_point(|period| period.period.starts_at < self.covers_until)..)
    }

    /// The latest closed episode and those that follow.
    fn episodes(&self, seen: &Seen, uncovered: &[Judged]) -> Vec<Episode> {
        let open = self.open.map(|episode| {
            let opening = seen.calendar.period_of_day(seen.settings.cadence, episode.opened_on);
            OpenEpisode { episode, target: target_in_force(seen.targets, opening.ends_on).copied() }
        });
        let (rules, day) = (seen.settings.episode_rules(), seen.newest_point_on());
        self.closed.into_iter().chain(episodes_after(open, uncovered, rules, day, seen.now)).collect()
    }

    /// The segments among the values that are read, the first of which may have begun before them.
    fn segments(&self, seen: &Seen) -> Option<Vec<Segment>> {
        let values = seen.values.as_slice();
        let (ends, limits) = match self.segment {
            NewestSegment::Older { limits, read } => match shift(values, limits.centre) {
                None => return Some(vec![Segment { range: 0..values.len(), limits }]),
                Some(ends) => (ends, Reading::after(read, values.get(..ends)?)?.limits()?),
            },
            NewestSegment::Younger { starts_at, before } => {
                let ended = |(period, _): &(Period, f64)| period.starts_at < starts_at;
                (seen.complete.partition_point(ended), before)
            }
        };
        let newer = segments(values.get(ends..)?);
        newer.first()?;
        let newer = newer
            .into_iter()
            .map(|Segment { range, limits }| Segment { range: range.start + ends..range.end + ends, limits });
        Some([Segment { range: 0..ends, limits }].into_iter().chain(newer).collect())
    }
}

impl NewestSegment {
    /// The newest of these, the first of which goes on from `before`. `None` where it is not settled that it began.
    fn of(before: Option<Self>, segments: &[Segment], seen: &Seen, reads_from: usize) -> Option<Self> {
        let (newest, earlier) = segments.split_last()?;
        // A baseline is settled when all its values are there, and with it where a shift ends its segment.
        let is_settled = |segment: &Segment| segment.range.start + BASELINE <= seen.values.len();
        if is_settled(newest) {
            let begun = match before {
                Some(Self::Older { read, .. }) if earlier.is_empty() => read,
                Some(Self::Older { .. } | Self::Younger { .. }) | None => None,
            };
            let read = Reading::after(begun, seen.values.get(newest.range.start..reads_from)?);
            return Some(Self::Older { limits: newest.limits, read });
        }
        let ended = earlier.last().filter(|ended| is_settled(ended))?;
        let (began, _) = seen.complete.get(newest.range.start)?;
        Some(Self::Younger { starts_at: began.starts_at, before: ended.limits })
    }
}

/// Whether the last periods may be the first of a row that opens an episode, or closes the one that is open.
fn is_in_a_row(judged: &[Judged], open: Option<&Episode>) -> bool {
    let decides = |health: &Health| match health {
        Health::Healthy | Health::Unhealthy => true,
        Health::AtRisk | Health::Unknown => false,
    };
    match judged.iter().rev().map(|period| period.health).find(decides) {
        Some(Health::Healthy) => open.is_some(),
        Some(Health::Unhealthy) => open.is_none(),
        Some(Health::AtRisk | Health::Unknown) | None => false,
    }
}

#[cfg(test)]
mod tests;
