//! Progress of a key result: how far it has come, and how far it should have come by today.
//! Pace is what the numbers say, confidence is what people say; neither overwrites the other.
//! Progress is never NaN: without a value there is none.

use jiff::civil::Date;

use super::health::{Band, is_allowed};
use super::number::{bounded, finite};
use super::period::{days_after, days_between};
use super::word::words;

words! {
    /// How a key result measures that one has arrived.
    pub enum KeyResultKind {
        /// From a start up to a target.
        Increase = "increase",
        /// From a start down to a target.
        Decrease = "decrease",
        /// Met from a target upwards.
        AtLeast = "at_least",
        /// Met from a target downwards.
        AtMost = "at_most",
        /// Met within a range.
        Between = "between",
        /// The share that is done, 0 to 1.
        Milestone = "milestone",
    }

    /// What the numbers say of progress against the time that has passed.
    pub enum Pace {
        /// At least nine tenths of what is expected by today.
        OnTrack = "on_track",
        /// At least seven tenths of what is expected by today.
        AtRisk = "at_risk",
        /// Less than that.
        OffTrack = "off_track",
        /// Less than a fifth of the time has passed.
        TooEarly = "too_early",
        /// There are no dates or no value, or it can only be met or not and is not due yet.
        None = "none",
    }

    /// What people say of a key result.
    pub enum Confidence {
        /// It will be reached.
        OnTrack = "on_track",
        /// It may be missed.
        AtRisk = "at_risk",
        /// It will be missed unless something changes.
        OffTrack = "off_track",
    }

    /// Where the progress of an objective comes from.
    pub enum ProgressSource {
        /// Its key results.
        KeyResults = "key_results",
        /// The objectives that contribute to it.
        Children = "children",
        /// Key results and contributing objectives, in one flat mean.
        Both = "both",
        /// A value given by a person.
        Manual = "manual",
    }

    /// How an objective ended.
    pub enum ObjectiveOutcome {
        /// It was reached.
        Achieved = "achieved",
        /// It was reached in part.
        Partial = "partial",
        /// It was not reached.
        Missed = "missed",
        /// It was given up.
        Dropped = "dropped",
    }
}

/// The least share of the expected progress that is on track.
const ON_TRACK: f64 = 0.9;
/// The least share of the expected progress that is at risk.
const AT_RISK: f64 = 0.7;
/// The share of the time before which nothing can be said.
const TOO_EARLY: f64 = 0.2;
/// So that 0.36 of 0.4, whose quotient of floats lies a hair below 0.9, is on track as by hand, and
/// that a mean of fifths of the time, which may lie a hair below a fifth, is a fifth.
const ROUNDING: f64 = 1e-9;
/// Days that a check-in may come late.
const CHECK_IN_GRACE_DAYS: u32 = 2;

/// Where a key result begins and where it should arrive, all in its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyResultGoal {
    /// How it is measured.
    pub kind: KeyResultKind,
    /// Where it begins, for increase and decrease.
    pub start: Option<f64>,
    /// Where it should arrive, for all kinds but between and milestone.
    pub target: Option<f64>,
    /// The range to arrive in, for between.
    pub range: Band,
}

/// What is wrong with the goal of a key result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyResultFault {
    /// An increase or decrease needs a start.
    StartMissing,
    /// All kinds but between and milestone need a target.
    TargetMissing,
    /// Between and milestone take no target.
    TargetUnexpected,
    /// Nothing to do: the target is the start.
    StartEqualsTarget,
    /// An increase that falls, or a decrease that rises.
    SignAgainstKind,
    /// Between needs both ends of its range.
    RangeIncomplete,
    /// The lower end of the range lies above the upper one.
    RangeMinAboveMax,
    /// Only between takes a range.
    RangeUnexpected,
    /// The start is not finite, or beyond ±1e15.
    StartOutOfRange,
    /// The target is not finite, or beyond ±1e15.
    TargetOutOfRange,
    /// An end of the range is not finite, or beyond ±1e15.
    RangeOutOfRange,
}

/// How far a key result has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The raw share, which may be below 0 or above 1.
    pub raw: Option<f64>,
    /// The share clamped to 0..1, the one that averages use.
    pub value: Option<f64>,
}

impl KeyResultGoal {
    /// What the value is to be, as a band; `None` where a draft does not say it yet.
    pub fn wanted(&self) -> Option<Band> {
        let band = match self.kind {
            KeyResultKind::Increase | KeyResultKind::AtLeast => Band { min: self.target, max: None },
            KeyResultKind::Decrease | KeyResultKind::AtMost => Band { min: None, max: self.target },
            KeyResultKind::Between => self.range,
            KeyResultKind::Milestone => Band { min: Some(1.0), max: None },
        };
        (band != Band::default()).then_some(band)
    }

    /// Everything that is wrong with it; empty where it can be used.
    pub fn faults(&self) -> Vec<KeyResultFault> {
        let mut faults = Vec::new();
        let out_of_range = |bound: Option<f64>| bound.is_some_and(|bound| !is_allowed(bound));
        if out_of_range(self.start) {
            faults.push(KeyResultFault::StartOutOfRange);
        }
        if out_of_range(self.target) {
            faults.push(KeyResultFault::TargetOutOfRange);
        }
        if out_of_range(self.range.min) || out_of_range(self.range.max) {
            faults.push(KeyResultFault::RangeOutOfRange);
        }
        match self.kind {
            KeyResultKind::Increase | KeyResultKind::Decrease => {
                if self.start.is_none() {
                    faults.push(KeyResultFault::StartMissing);
                }
                faults.extend(self.way_fault());
            }
            KeyResultKind::AtLeast
            | KeyResultKind::AtMost
            | KeyResultKind::Between
            | KeyResultKind::Milestone => {}
        }
        let takes_target = match self.kind {
            KeyResultKind::Increase
            | KeyResultKind::Decrease
            | KeyResultKind::AtLeast
            | KeyResultKind::AtMost => true,
            KeyResultKind::Between | KeyResultKind::Milestone => false,
        };
        match (takes_target, self.target) {
            (true, None) => faults.push(KeyResultFault::TargetMissing),
            (false, Some(_)) => faults.push(KeyResultFault::TargetUnexpected),
            (true, Some(_)) | (false, None) => {}
        }
        match (self.kind, self.range.min, self.range.max) {
            (KeyResultKind::Between, Some(min), Some(max)) if min > max => {
                faults.push(KeyResultFault::RangeMinAboveMax);
            }
            (KeyResultKind::Between, Some(_), Some(_)) => {}
            (KeyResultKind::Between, _, _) => faults.push(KeyResultFault::RangeIncomplete),
            (_, None, None) => {}
            (_, _, _) => faults.push(KeyResultFault::RangeUnexpected),
        }
        faults
    }

    /// Whether the way from start to target goes where the kind says.
    fn way_fault(&self) -> Option<KeyResultFault> {
        let (start, target) = self.start.zip(self.target)?;
        let rises = match self.kind {
            KeyResultKind::Decrease => target < start,
            KeyResultKind::Increase
            | KeyResultKind::AtLeast
            | KeyResultKind::AtMost
            | KeyResultKind::Between
            | KeyResultKind::Milestone => target > start,
        };
        if start == target {
            Some(KeyResultFault::StartEqualsTarget)
        } else if rises {
            None
        } else {
            Some(KeyResultFault::SignAgainstKind)
        }
    }

    /// How far it has come, from its current value in its unit; `None` is before the first check-in.
    ///
    /// Increase and decrease: (current - start) / (target - start). At least, at most and between: 1 if met, ends included, else 0.
    /// A milestone: the value itself. Before the first check-in increase, decrease and milestone stand at 0, the others have no value.
    pub fn progress(&self, current: Option<f64>) -> Progress {
        let raw = match self.kind {
            KeyResultKind::Increase | KeyResultKind::Decrease => self
                .start
                .zip(self.target)
                .and_then(|(start, target)| share_of_way(start, target, current.unwrap_or(start))),
            KeyResultKind::AtLeast => {
                current.zip(self.target).and_then(|(current, target)| met(current, Some(target), None))
            }
            KeyResultKind::AtMost => {
                current.zip(self.target).and_then(|(current, target)| met(current, None, Some(target)))
            }
            KeyResultKind::Between => current
                .zip(self.range.min.zip(self.range.max))
                .and_then(|(current, (min, max))| met(current, Some(min), Some(max))),
            KeyResultKind::Milestone => Some(current.unwrap_or(0.0)),
        }
        .and_then(bounded);
        Progress { raw, value: raw.map(|raw| raw.clamp(0.0, 1.0)) }
    }
}

fn share_of_way(start: f64, target: f64, current: f64) -> Option<f64> {
    if start == target { None } else { bounded((current - start) / (target - start)) }
}

fn met(current: f64, min: Option<f64>, max: Option<f64>) -> Option<f64> {
    if current.is_nan() {
        return None;
    }
    let is_met = min.is_none_or(|min| current >= min) && max.is_none_or(|max| current <= max);
    Some(if is_met { 1.0 } else { 0.0 })
}

/// Expected progress: the share of the days from start to due that have passed.
///
/// 0 before the start, 1 from the due day on; `None` without both dates.
pub fn expected(today: Date, starts_on: Option<Date>, due_on: Option<Date>) -> Option<f64> {
    let (starts_on, due_on) = starts_on.zip(due_on)?;
    Some(if today >= due_on {
        1.0
    } else if today <= starts_on {
        0.0
    } else {
        days_between(starts_on, today) as f64 / days_between(starts_on, due_on) as f64
    })
}

/// The value that a key result should have by now if it went evenly, in its unit; a milestone's is the share
/// that should be done. `None` without dates or goal, and for kinds that are met or not.
pub fn expected_value(goal: &KeyResultGoal, expected: Option<f64>) -> Option<f64> {
    let expected = expected?;
    match goal.kind {
        KeyResultKind::Increase | KeyResultKind::Decrease => {
            let (start, target) = goal.start.zip(goal.target)?;
            finite(start + expected * (target - start))
        }
        KeyResultKind::Milestone => Some(expected),
        KeyResultKind::AtLeast | KeyResultKind::AtMost | KeyResultKind::Between => None,
    }
}

/// What the numbers say of a key result, from its clamped progress and the expected one.
pub fn pace(kind: KeyResultKind, value: Option<f64>, expected: Option<f64>) -> Pace {
    let is_due = expected.is_some_and(|expected| expected >= 1.0);
    match kind {
        KeyResultKind::AtLeast | KeyResultKind::AtMost | KeyResultKind::Between if !is_due => Pace::None,
        KeyResultKind::AtLeast
        | KeyResultKind::AtMost
        | KeyResultKind::Between
        | KeyResultKind::Increase
        | KeyResultKind::Decrease
        | KeyResultKind::Milestone => pace_by_share(value, expected),
    }
}

/// Pace of any progress against any expected progress, both 0..1.
pub(super) fn pace_by_share(value: Option<f64>, expected: Option<f64>) -> Pace {
    let Some((value, expected)) = value.zip(expected) else {
        return Pace::None;
    };
    if value.is_nan() || expected.is_nan() {
        return Pace::None;
    }
    if expected + ROUNDING < TOO_EARLY {
        return Pace::TooEarly;
    }
    let share = value / expected + ROUNDING;
    if share >= ON_TRACK {
        Pace::OnTrack
    } else if share >= AT_RISK {
        Pace::AtRisk
    } else {
        Pace::OffTrack
    }
}

/// What people say of the key results of an objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfidenceCounts {
    /// The worst of them, since an average hides a red one; `None` where nobody has checked in.
    pub worst: Option<Confidence>,
    /// How many are on track.
    pub on_track: u32,
    /// How many are at risk.
    pub at_risk: u32,
    /// How many are off track.
    pub off_track: u32,
    /// How many were never checked in.
    pub never: u32,
}

/// Counts the last confidence of each key result; `None` is one that was never checked in.
pub fn confidence_counts(said: &[Option<Confidence>]) -> ConfidenceCounts {
    let count = |wanted: Option<Confidence>| {
        let found = said.iter().filter(|given| **given == wanted).count();
        u32::try_from(found).unwrap_or(u32::MAX)
    };
    ConfidenceCounts {
        // The words are declared from best to worst.
        worst: said.iter().flatten().max().copied(),
        on_track: count(Some(Confidence::OnTrack)),
        at_risk: count(Some(Confidence::AtRisk)),
        off_track: count(Some(Confidence::OffTrack)),
        never: count(None),
    }
}

/// The share on track minus the share off track among those that have a confidence, -1 to 1; `None` where none has.
pub fn net_confidence(counts: &ConfidenceCounts) -> Option<f64> {
    let (on_track, off_track) = (f64::from(counts.on_track), f64::from(counts.off_track));
    let said = on_track + f64::from(counts.at_risk) + off_track;
    (said > 0.0).then(|| (on_track - off_track) / said)
}

/// The day from which on a check-in is asked for: the day of the last one (or the start day) + the rhythm.
pub fn check_in_due_on(last_or_start_on: Date, rhythm_days: u32) -> Date {
    days_after(last_or_start_on, rhythm_days)
}

/// Whether a check-in is overdue: today lies after the last one (or the start day) + the rhythm + 2 days.
pub fn check_in_overdue(today: Date, last_or_start_on: Date, rhythm_days: u32) -> bool {
    today > days_after(last_or_start_on, rhythm_days.saturating_add(CHECK_IN_GRACE_DAYS))
}

#[cfg(test)]
mod tests;
