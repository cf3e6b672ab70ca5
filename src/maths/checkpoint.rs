//! What the older periods of a long series come to, so that what a KPI shows follows from its newest ones.
//!
//! What a state asks of all periods is read from the left: segments, episodes, the spell of one health, the extremes.
//! A checkpoint is such a reading up to an instant, to be taken up there. All else looks at a few periods back, which
//! are read again. Where neither is enough the answer is `None`, and the whole series decides; so a checkpoint changes
//! how much is read, and never what is shown.

use jiff::Timestamp;

use super::episode::{Episode, OpenEpisode, episodes_after};
use super::health::{Band, DatedTarget, Health, target_in_force};
use super::natural_limits::NaturalLimits;
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

/// How many else, in turn, where no checkpoint can stand there: it may be in a row that opens or closes an episode, or
/// a shift may have come since, which the next checkpoint must cover.
const ELSE_UNCOVERED: [usize; 9] = [18, 22, 26, 30, 36, 42, 8, 4, 1];

/// How many periods are read before a newer checkpoint is worth its row.
pub const MOST_READ: usize = READ_AGAIN + UNCOVERED + 28;

/// What all periods of a KPI before an instant come to, by its settings and targets of that time.
/// What changes before that instant makes it void. Values are in the unit of the KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    /// The beginning of the first period that is not covered.
    pub covers_until: Timestamp,
    /// The beginning of the earliest period that is read again; those from here on are a state's series.
    pub reads_from: Timestamp,
    /// The limits of the segment that goes on; of the one before it, where that began among what is read again.
    pub limits: NaturalLimits,
    /// Where the segment that goes on began, if that is among what is read again.
    pub segment_from: Option<Timestamp>,
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
        let newest = Some(series.last()?.period.starts_at);
        let all = Seen::of(calendar, settings, series, targets, newest, now);
        [UNCOVERED].into_iter().chain(ELSE_UNCOVERED).find_map(|uncovered| {
            let (covered, rest) = series.split_at_checked(series.len().checked_sub(uncovered)?)?;
            let newest = covered.last().filter(|newest| newest.period.is_complete(now))?;
            let seen = Seen::of(calendar, settings, covered, targets, Some(newest.period.starts_at), now);
            let checkpoint = Self::covering(before, &seen, rest.first()?.period.starts_at)?;
            // One that cannot tell what is shown already is of no use.
            checkpoint.scan(&all.from(checkpoint.reads_from))?;
            Some(checkpoint)
        })
    }

    /// That of periods all of which it covers.
    fn covering(before: Option<&Self>, seen: &Seen, covers_until: Timestamp) -> Option<Self> {
        let segments = match before {
            None => segments(&seen.values),
            Some(before) => before.segments(seen)?,
        };
        let (newest, earlier) = segments.split_last()?;
        let starts_at = |index: usize| seen.complete.get(index).map(|(period, _)| period.starts_at);
        // A baseline is settled when all its values are there, and with it where a shift ends its segment.
        let is_settled = |segment: &Segment| segment.range.start + BASELINE <= seen.values.len();
        // A younger segment is read from its own beginning.
        let (limits, segment_from) = match is_settled(newest) {
            true => (newest.limits, None),
            false => {
                let ended = earlier.last().filter(|ended| is_settled(ended))?;
                (ended.limits, Some(starts_at(newest.range.start)?))
            }
        };
        let judged = match before {
            None => seen.judged.as_slice(),
            Some(before) => before.uncovered(seen)?,
        };
        let episodes = match before {
            None => episodes_after(None, judged, seen.settings.episode_rules(), None, seen.now),
            Some(before) => before.episodes(seen, judged),
        };
        let open = episodes.last().filter(|episode| episode.closed_on.is_none()).copied();
        let decided = judged.iter().rev().map(|period| period.health);
        let is_in_a_row = match decided
            .into_iter()
            .find(|health| *health != Health::AtRisk && *health != Health::Unknown)
        {
            Some(Health::Healthy) => open.is_some(),
            Some(Health::Unhealthy) => open.is_none(),
            Some(Health::AtRisk | Health::Unknown) | None => false,
        };
        if is_in_a_row {
            return None;
        }
        let extreme = |of: fn(f64, f64) -> f64, before: Option<f64>| {
            seen.values.iter().copied().chain(before).reduce(of)
        };
        Some(Self {
            covers_until,
            reads_from: starts_at(seen.complete.len().checked_sub(READ_AGAIN)?)?,
            limits,
            segment_from,
            lowest: extreme(f64::min, before.map(|before| before.lowest))?,
            highest: extreme(f64::max, before.map(|before| before.highest))?,
            spell: Spell::after(before.map(|before| before.spell), judged)?,
            open,
            closed: episodes.iter().rev().find(|episode| episode.closed_on.is_some()).copied(),
        })
    }

    /// What a state reads of the whole series. `None` where a segment has ended of which not all values are here, where
    /// no period counts but those that are covered, and where the health before an overflow is older than all of them.
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
        let Some(from) = self.segment_from else {
            let goes_on = shift(&seen.values, self.limits.centre).is_none();
            return goes_on.then(|| vec![Segment { range: 0..seen.values.len(), limits: self.limits }]);
        };
        let begins = seen.complete.partition_point(|(period, _): &(Period, f64)| period.starts_at < from);
        let newer = segments(seen.values.get(begins..)?);
        newer.first()?;
        let moved = newer.into_iter().map(|Segment { range, limits }| Segment {
            range: range.start + begins..range.end + begins,
            limits,
        });
        Some([Segment { range: 0..begins, limits: self.limits }].into_iter().chain(moved).collect())
    }
}

#[cfg(test)]
mod tests;
