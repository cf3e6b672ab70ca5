//! Roll-up: the progress of an objective from what contributes to it.
//! It is a weighted mean that a person can redo by hand, so every item says what it adds or why it adds nothing.
//! What is missing lowers the coverage, and an objective that is covered in part is never on track.

use super::number::bounded;
use super::progress::{Pace, pace_by_share};
use super::word::words;

words! {
    /// Why an item does not count in the progress of its objective.
    pub enum LeftOut {
        /// It is still a draft.
        Draft = "draft",
        /// It was given up.
        Dropped = "dropped",
        /// It is archived.
        Archived = "archived",
        /// Fewer people may see it than the objective.
        Private = "private",
        /// It has no value yet.
        NoValue = "no_value",
        /// It is linked with weight 0.
        ZeroWeight = "zero_weight",
    }
}

/// Whether an item may count at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts where it has a value and a weight.
    Counts,
    /// It does not count, for this reason.
    LeftOut(LeftOut),
}

/// A key result or child objective that contributes to an objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// Its weight, at least 0; only ratios matter.
    pub weight: f64,
    /// Its clamped progress, 0..1.
    pub value: Option<f64>,
    /// Its expected progress, 0..1.
    pub expected: Option<f64>,
    /// Whether it may count at all.
    pub standing: Standing,
}

/// What an item adds to the progress of its objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contribution {
    /// It adds weight * value / counted weight; these add up to the progress.
    Counted(f64),
    /// It adds nothing, for this reason.
    LeftOut(LeftOut),
}

impl Contribution {
    /// The share added, where it counts.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Counted(value) => Some(value),
            Self::LeftOut(_) => None,
        }
    }
}

/// The progress of an objective with its breakdown. All numbers are shares, 0..1.
#[derive(Clone, Debug, PartialEq)]
pub struct RollUp {
    /// The weighted mean of what counts; `None` where nothing does.
    pub computed: Option<f64>,
    /// The counted weight over the weight of all that should count, with a value or without; `None` where that is 0.
    pub coverage: Option<f64>,
    /// The weighted mean of what is expected of the counted items that have dates.
    pub expected: Option<f64>,
    /// What each item adds, in the order of the items.
    pub contributions: Vec<Contribution>,
}

/// Rolls up what contributes to an objective.
///
/// Items left out by their standing or by weight 0 do not lower the coverage: nobody waits for them.
/// Items without a value do.
pub fn roll_up(items: &[Item]) -> RollUp {
    let judged: Vec<(f64, Result<f64, LeftOut>)> = scaled_weights(items)
        .into_iter()
        .zip(items)
        .map(|(weight, item)| (weight, counted_value(weight, item)))
        .collect();
    let counted = || {
        judged.iter().zip(items).filter_map(|((weight, value), item)| Some((*weight, (*value).ok()?, item)))
    };
    let counted_weight: f64 = counted().map(|(weight, _, _)| weight).sum();
    let whole_weight: f64 = judged
        .iter()
        .filter(|(_, value)| match value {
            Ok(_) | Err(LeftOut::NoValue) => true,
            Err(
                LeftOut::Draft
                | LeftOut::Dropped
                | LeftOut::Archived
                | LeftOut::Private
                | LeftOut::ZeroWeight,
            ) => false,
        })
        .map(|(weight, _)| weight)
        .sum();
    let dated: Vec<(f64, f64)> =
        counted().filter_map(|(weight, _, item)| Some((weight, share(item.expected)?))).collect();
    RollUp {
        computed: weighted_mean(counted().map(|(weight, value, _)| (weight, value))),
        coverage: ratio(counted_weight, whole_weight),
        expected: weighted_mean(dated.into_iter()),
        contributions: judged
            .iter()
            .map(|(weight, value)| match value {
                Ok(value) => Contribution::Counted(ratio(weight * value, counted_weight).unwrap_or_default()),
                Err(reason) => Contribution::LeftOut(*reason),
            })
            .collect(),
    }
}

/// The weights as they are, or over the largest one where they could not be added up otherwise.
fn scaled_weights(items: &[Item]) -> Vec<f64> {
    let weights =
        items.iter().map(|item| if item.weight.is_finite() && item.weight > 0.0 { item.weight } else { 0.0 });
    let largest = weights.clone().fold(0.0, f64::max);
    let sum: f64 = weights.clone().sum();
    // Near both ends of what a float can hold, sums overflow and products vanish.
    if sum.is_finite() && largest > f64::MIN_POSITIVE * 1e16 {
        weights.collect()
    } else if largest > 0.0 {
        weights.map(|weight| weight / largest).collect()
    } else {
        weights.collect()
    }
}

/// The value that counts, or why none does. What an item is comes before what it lacks.
fn counted_value(weight: f64, item: &Item) -> Result<f64, LeftOut> {
    match item.standing {
        Standing::LeftOut(reason) => Err(reason),
        Standing::Counts if weight <= 0.0 => Err(LeftOut::ZeroWeight),
        Standing::Counts => share(item.value).ok_or(LeftOut::NoValue),
    }
}

fn share(value: Option<f64>) -> Option<f64> {
    value.filter(|value| !value.is_nan()).map(|value| value.clamp(0.0, 1.0))
}

/// A part over a whole, kept within 0..1 where rounding would leave it.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    if whole > 0.0 { bounded((part / whole).clamp(0.0, 1.0)) } else { None }
}

fn weighted_mean(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) =
        pairs.fold((0.0, 0.0), |(sum, weights), (weight, value)| (sum + weight * value, weights + weight));
    ratio(sum, weights)
}

/// What the numbers say of an objective, from its progress, the expected one and the coverage.
///
/// `None` as coverage is that of a manual value: there is nothing to be covered.
pub fn objective_pace(value: Option<f64>, expected: Option<f64>, coverage: Option<f64>) -> Pace {
    match pace_by_share(value, expected) {
        Pace::OnTrack if coverage.is_some_and(|coverage| coverage < 1.0) => Pace::AtRisk,
        pace @ (Pace::OnTrack | Pace::AtRisk | Pace::OffTrack | Pace::TooEarly | Pace::None) => pace,
    }
}

#[cfg(test)]
mod tests;
