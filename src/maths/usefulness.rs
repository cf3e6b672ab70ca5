//! Usefulness: whether a KPI helps anyone decide, or is only reported.
//! The figures come from the reviews that looked at it, the decisions that were made because of it and its episodes;
//! the verdict follows from the figures alone, so that each can be redone by hand.

use jiff::civil::Date;

use super::decision::{Choice, Expectation};
use super::health::Health;
use super::number::mean;
use super::period::{Cadence, days_between};
use super::series::Judged;
use super::word::words;

words! {
    /// Whether a KPI helps anyone decide; the first that applies.
    pub enum UsefulnessVerdict {
        /// Fewer than three reviews have looked at it.
        TooEarly = "too_early",
        /// The latest three or more reviews brought no decision but to continue.
        ReportingArtifact = "reporting_artifact",
        /// It is healthy nearly always, and yet decisions are unsure, reversed or slow.
        Misaligned = "misaligned",
        /// It leads to decisions.
        DecisionSignal = "decision_signal",
    }
}

/// Reviews that a verdict needs, and reviews without a decision that make an artifact.
const ENOUGH_REVIEWS: usize = 3;
/// The share of healthy periods from which on a KPI seems to be fine.
const NEARLY_ALWAYS: f64 = 0.8;
/// The mean certainty below which people are unsure.
const SURE: f64 = 3.0;
/// Of so many decisions one that is reversed is too many.
const REVERSED_OF: usize = 3;
/// Periods after which a decision is slow.
const SLOW_PERIODS: f64 = 2.0;

/// A decision, as far as usefulness looks at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// The day of the decision; where a review was held on a later day and names it, that day.
    pub on: Date,
    /// What was chosen.
    pub choice: Choice,
    /// How sure people were, 1 to 5.
    pub certainty: Option<u8>,
    /// Whether a later decision reversed it.
    pub is_reversed: bool,
    /// Whether what was expected came true; `None` where nothing was.
    pub expectation: Option<Expectation>,
}

/// A stretch in which the KPI was unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first day.
    pub opened_on: Date,
    /// Its last day; `None` while it is open.
    pub closed_on: Option<Date>,
}

/// Everything that the usefulness of a KPI follows from.
#[derive(Clone, Copy, Debug)]
pub struct UsefulnessInput<'a> {
    /// How often it is measured.
    pub cadence: Cadence,
    /// The days of the reviews that looked at it, in order of time.
    pub reviews: &'a [Date],
    /// The decisions because of it, in order of time.
    pub decisions: &'a [Decided],
    /// Its episodes, in order of time.
    pub episodes: &'a [Stretch],
    /// Its periods that count, in order of time.
    pub judged: &'a [Judged],
}

/// How useful a KPI is, and the figures behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usefulness {
    /// Whether it helps anyone decide.
    pub verdict: UsefulnessVerdict,
    /// How many reviews looked at it.
    pub reviews: usize,
    /// How many of the latest reviews brought no decision but to continue.
    pub reviews_without_change: usize,
    /// How many decisions were made because of it.
    pub decisions: usize,
    /// How many of them were others than to continue.
    pub changes: usize,
    /// The mean certainty of the decisions that tell it, 1 to 5.
    pub mean_certainty: Option<f64>,
    /// How many decisions were reversed later.
    pub reversed: usize,
    /// How many expectations were met.
    pub met: usize,
    /// How many were not met.
    pub not_met: usize,
    /// How many can not be judged yet.
    pub open: usize,
    /// The median of the days from an episode's opening to its first decision.
    pub days_to_decision: Option<f64>,
    /// The share of its judged periods since the first review in which it was healthy.
    pub healthy_share: Option<f64>,
    /// The day of the last decision that changed something.
    pub last_change_on: Option<Date>,
}

impl Usefulness {
    /// The share of decisions that were reversed later; `None` without decisions.
    pub fn reversed_share(&self) -> Option<f64> {
        share(self.reversed, self.decisions)
    }

    /// The share of the judged expectations that were met; `None` while none is judged.
    pub fn met_share(&self) -> Option<f64> {
        share(self.met, self.met + self.not_met)
    }

    /// Whether people were unsure: a mean certainty under 3.
    pub fn is_unsure(&self) -> bool {
        self.mean_certainty.is_some_and(|mean| mean < SURE)
    }

    /// Whether a third of the decisions or more was reversed.
    pub fn is_reversed(&self) -> bool {
        self.decisions > 0 && self.reversed * REVERSED_OF >= self.decisions
    }

    /// Whether deciding took more than two periods. Without periods nothing is slow.
    pub fn is_slow(&self, cadence: Cadence) -> bool {
        let limit = days_of(cadence).map(|days| days * SLOW_PERIODS);
        self.days_to_decision.zip(limit).is_some_and(|(days, limit)| days > limit)
    }
}

/// Figures and verdict.
pub fn usefulness(input: &UsefulnessInput<'_>) -> Usefulness {
    let decisions = input.decisions;
    let changes: Vec<Date> = decisions
        .iter()
        .filter(|decided| decided.choice.changes_something())
        .map(|decided| decided.on)
        .collect();
    let last_change_on = changes.iter().copied().max();
    let certainties: Vec<f64> =
        decisions.iter().filter_map(|decided| decided.certainty).map(f64::from).collect();
    let count = |state| decisions.iter().filter(|decided| decided.expectation == Some(state)).count();
    let figures = Usefulness {
        verdict: UsefulnessVerdict::TooEarly,
        reviews: input.reviews.len(),
        reviews_without_change: input
            .reviews
            .iter()
            .filter(|held_on| last_change_on.is_none_or(|last| **held_on > last))
            .count(),
        decisions: decisions.len(),
        changes: changes.len(),
        mean_certainty: mean(&certainties),
        reversed: decisions.iter().filter(|decided| decided.is_reversed).count(),
        met: count(Expectation::Met),
        not_met: count(Expectation::NotMet),
        open: count(Expectation::TooEarly),
        days_to_decision: days_to_decision(input),
        healthy_share: healthy_share(input),
        last_change_on,
    };
    Usefulness { verdict: verdict(&figures, input.cadence), ..figures }
}

fn verdict(figures: &Usefulness, cadence: Cadence) -> UsefulnessVerdict {
    let seems_fine = figures.healthy_share.is_some_and(|share| share >= NEARLY_ALWAYS);
    match () {
        () if figures.reviews < ENOUGH_REVIEWS => UsefulnessVerdict::TooEarly,
        () if figures.reviews_without_change >= ENOUGH_REVIEWS => UsefulnessVerdict::ReportingArtifact,
        () if seems_fine && (figures.is_unsure() || figures.is_reversed() || figures.is_slow(cadence)) => {
            UsefulnessVerdict::Misaligned
        }
        () => UsefulnessVerdict::DecisionSignal,
    }
}

/// The median over the episodes in which something was decided, whatever it was.
fn days_to_decision(input: &UsefulnessInput<'_>) -> Option<f64> {
    let mut days: Vec<i64> = input
        .episodes
        .iter()
        .filter_map(|episode| {
            let within = |on: &Date| {
                *on >= episode.opened_on && episode.closed_on.is_none_or(|closed_on| *on <= closed_on)
            };
            let first = input.decisions.iter().map(|decided| decided.on).filter(within).min()?;
            Some(days_between(episode.opened_on, first))
        })
        .collect();
    days.sort_unstable();
    let (low, high) = (days.get(days.len().checked_sub(1)? / 2)?, days.get(days.len() / 2)?);
    Some((low + high) as f64 / 2.0)
}

/// Of the periods that ended on or after the day of the first review. Those of which nobody can tell do not count.
fn healthy_share(input: &UsefulnessInput<'_>) -> Option<f64> {
    let first = input.reviews.iter().min()?;
    let known = input.judged.iter().filter(|judged| judged.period.ends_on >= *first);
    let healths: Vec<Health> =
        known.map(|judged| judged.health).filter(|health| *health != Health::Unknown).collect();
    share(healths.iter().filter(|health| **health == Health::Healthy).count(), healths.len())
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The mean length of a period in days, in the Gregorian calendar (146,097 days in 400 years).
fn days_of(cadence: Cadence) -> Option<f64> {
    const YEAR: f64 = 146_097.0 / 400.0;
    match cadence {
        Cadence::Daily => Some(1.0),
        Cadence::Weekly => Some(7.0),
        Cadence::Monthly => Some(YEAR / 12.0),
        Cadence::Quarterly => Some(YEAR / 4.0),
        Cadence::Yearly => Some(YEAR),
        Cadence::Irregular => None,
    }
}

#[cfg(test)]
mod tests;
