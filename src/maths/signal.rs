//! Signals: is it getting better, or is it noise?
//! A process behaviour chart (XmR; Wheeler, *Understanding Variation*) in segments, so that a process that was
//! changed for good gets limits of its own, and what its newest values say of where it is going.

use std::cmp::Ordering;
use std::ops::Range;

use super::health::{Band, change_is_good, direction};
use super::natural_limits::{FEWEST_VALUES, NaturalLimits, natural_limits};
use super::word::words;

words! {
    /// By which rule a value is a signal and not noise (Wheeler, *Understanding Variation*).
    pub enum Rule {
        /// It lies outside the natural limits.
        OutsideLimits = "outside_limits",
        /// It belongs to a run: eight or more values in a row on the same side of the centre.
        LongRun = "long_run",
        /// It is one of three values out of four in a row that lie nearer to the same limit than to the centre.
        NearLimit = "near_limit",
    }

    /// Where a KPI is going.
    pub enum Trend {
        /// It gets better.
        Improving = "improving",
        /// It gets worse.
        Deteriorating = "deteriorating",
        /// Neither: what varies is noise.
        Steady = "steady",
    }

    /// What a trend is read from.
    pub enum Because {
        /// The newest value is a signal.
        NewestValue = "newest_value",
        /// The newest segment began a short while ago, and its centre is another than the one before.
        RecentShift = "recent_shift",
        /// Neither, or what they say is neither better nor worse.
        Noise = "noise",
        /// Fewer than six complete periods have a value.
        InsufficientData = "insufficient_data",
        /// Without a target nothing is better or worse.
        NoTarget = "no_target",
    }
}

/// How many values in a row on one side of the centre are a run (Wheeler's second rule).
const RUN: usize = 8;
/// How many values limits are set by; Wheeler finds that they hardly firm up beyond some two dozen.
pub(super) const BASELINE: usize = 24;
/// How many values near a limit (Wheeler's third rule), and out of how many in a row.
const NEAR: usize = 3;
const NEAR_OUT_OF: usize = 4;
/// For how many values a shift is news.
pub const RECENT_VALUES: usize = 12;

/// A stretch of values with one centre and one pair of limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Which values, by their index in the whole series.
    pub range: Range<usize>,
    /// Their centre and limits, in the unit of the values.
    pub limits: NaturalLimits,
}

impl Segment {
    /// Its own values among those of the whole series.
    fn own<'a>(&self, values: &'a [f64]) -> &'a [f64] {
        values.get(self.range.clone()).unwrap_or_default()
    }

    /// For each value of the segment the rules by which it is a signal; no rule is noise.
    pub fn signals(&self, values: &[f64]) -> Vec<Vec<Rule>> {
        let own = self.own(values);
        let outside = own.iter().map(|value| !self.limits.hold(*value));
        let marks = outside.zip(long_runs(own, self.limits.centre)).zip(near_limits(own, &self.limits));
        let rules = marks.map(|((is_outside, is_in_run), is_near)| {
            let marked =
                [(Rule::OutsideLimits, is_outside), (Rule::LongRun, is_in_run), (Rule::NearLimit, is_near)];
            marked.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule).collect()
        });
        rules.collect()
    }
}

/// On which side of the centre a value lies.
fn side(value: f64, centre: f64) -> Ordering {
    value.partial_cmp(&centre).unwrap_or(Ordering::Equal)
}

/// The segments of a series, from the left, so that the answer is always the same; they partition it.
///
/// Each is held against the centre of its first 24 values. Where a run of eight or more on one side of that
/// begins, six values into the segment or later, the process has shifted: the segment ends before it, gets centre
/// and limits from just its own values, and the next one begins.
/// Empty with fewer than six values, and where limits are not finite.
pub fn segments(values: &[f64]) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    let mut start = 0;
    while let Some(rest) = values.get(start..).filter(|rest| !rest.is_empty()) {
        let provisional = natural_limits(rest.get(..BASELINE).unwrap_or(rest));
        let shift = provisional.and_then(|limits| shift(rest, limits.centre));
        let limits = match shift.and_then(|length| rest.get(..length)) {
            Some(own) => natural_limits(own),
            None => provisional,
        };
        let Some(limits) = limits else { return Vec::new() };
        let end = start + shift.unwrap_or(rest.len());
        found.push(Segment { range: start..end, limits });
        start = end;
    }
    found
}

/// Where the first run begins that ends the segment of these values.
pub(super) fn shift(rest: &[f64], centre: f64) -> Option<usize> {
    let (mut begin, mut of) = (0, Ordering::Equal);
    for (index, value) in rest.iter().enumerate() {
        let here = side(*value, centre);
        if here != of {
            (begin, of) = (index, here);
        }
        if of != Ordering::Equal && begin >= FEWEST_VALUES && index + 1 - begin == RUN {
            return Some(begin);
        }
    }
    None
}

/// Which values belong to a run of eight or more on one side of the centre.
fn long_runs(values: &[f64], centre: f64) -> impl Iterator<Item = bool> {
    let runs = values.chunk_by(move |before, after| side(*before, centre) == side(*after, centre));
    runs.flat_map(move |run| {
        let is_on_a_side = run.first().is_some_and(|first| side(*first, centre) != Ordering::Equal);
        std::iter::repeat_n(is_on_a_side && run.len() >= RUN, run.len())
    })
}

/// Which values are among three of four in a row that lie nearer to the same limit than to the centre.
fn near_limits(values: &[f64], limits: &NaturalLimits) -> Vec<bool> {
    let near = |value: &f64| {
        let is_nearer = |limit: f64| (value - limit).abs() < (value - limits.centre).abs();
        match side(*value, limits.centre) {
            Ordering::Greater if is_nearer(limits.upper) => Ordering::Greater,
            Ordering::Less if is_nearer(limits.lower) => Ordering::Less,
            _ => Ordering::Equal,
        }
    };
    let nearest: Vec<Ordering> = values.iter().map(near).collect();
    let mut marked = vec![false; values.len()];
    for (start, four) in nearest.windows(NEAR_OUT_OF).enumerate() {
        for limit in [Ordering::Less, Ordering::Greater] {
            if four.iter().filter(|one| **one == limit).count() >= NEAR {
                let marks = marked.iter_mut().skip(start).zip(four);
                marks.filter(|(_, one)| **one == limit).for_each(|(mark, _)| *mark = true);
            }
        }
    }
    marked
}

/// Where a series is going, and what that is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Where it is going; `None` with fewer than six values, and without a band.
    pub trend: Option<Trend>,
    /// Why.
    pub because: Because,
}

/// Where a series with these segments is going, and what that is read from.
///
/// A signal at the newest value decides by its side of the centre; else a segment that began within the last 12
/// values, by its centre against the one before. Within two bounds nearer to the band is better, so that what
/// moves inside of it is neither.
pub fn judge_trend(values: &[f64], segments: &[Segment], band: Option<&Band>) -> Judgement {
    let unknown = |because| Judgement { trend: None, because };
    let Some((newest, earlier)) = segments.split_last() else { return unknown(Because::InsufficientData) };
    let Some(band) = band.filter(|band| direction(band).is_some()) else {
        return unknown(Because::NoTarget);
    };
    let better = |from: f64, to: f64, because| {
        let trend = match change_is_good(from, to, band)? {
            true => Trend::Improving,
            false => Trend::Deteriorating,
        };
        Some(Judgement { trend: Some(trend), because })
    };
    let is_signal = newest.signals(values).last().is_some_and(|rules| !rules.is_empty());
    let by_value = values
        .last()
        .filter(|_| is_signal)
        .and_then(|value| better(newest.limits.centre, *value, Because::NewestValue));
    let by_shift = || {
        let before = earlier.last().filter(|_| newest.range.len() <= RECENT_VALUES)?;
        better(before.limits.centre, newest.limits.centre, Because::RecentShift)
    };
    let noise = Judgement { trend: Some(Trend::Steady), because: Because::Noise };
    by_value.or_else(by_shift).unwrap_or(noise)
}

#[cfg(test)]
mod tests;
