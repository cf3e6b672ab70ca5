//! Health: a value held against a band of absolute thresholds.
//! Both directions and the band between two bounds are one rule, so none of them can drift apart.
//! Nothing here turns a missing number into a green one.

use jiff::civil::Date;

use super::natural_limits::mean_moving_range;
use super::number::bounded;
use super::word::words;

words! {
    /// How a KPI is doing.
    pub enum Health {
        /// Within the target.
        Healthy = "healthy",
        /// Outside the target, but within the tolerance.
        AtRisk = "at_risk",
        /// Beyond the tolerance, or outside a target that has none.
        Unhealthy = "unhealthy",
        /// Nobody can tell; the reason says why.
        Unknown = "unknown",
    }

    /// Why a health is unknown, or not to be relied on.
    pub enum HealthReason {
        /// No target is in force, so there is nothing to judge by.
        NoTarget = "no_target",
        /// There is no point yet, or for a sum no complete period that holds one.
        NoData = "no_data",
        /// The newest value is too old to say anything about today.
        Stale = "stale",
        /// The points of the period do not amount to a finite number.
        Overflow = "overflow",
    }

    /// In which direction a KPI gets better; it follows from the bounds of its target.
    pub enum Direction {
        /// Only a lower bound: more is better.
        HigherIsBetter = "higher_is_better",
        /// Only an upper bound: less is better.
        LowerIsBetter = "lower_is_better",
        /// Both bounds: it should stay between them.
        StayWithin = "stay_within",
    }

    /// One of the four bounds of a target.
    pub enum TargetField {
        /// The lower end of the healthy band.
        TargetMin = "target.min",
        /// The upper end of the healthy band.
        TargetMax = "target.max",
        /// The lower end of the tolerance.
        ToleranceMin = "tolerance.min",
        /// The upper end of the tolerance.
        ToleranceMax = "tolerance.max",
    }
}

/// The largest magnitude that a value or bound may have, in the unit of the KPI.
pub const LARGEST_VALUE: f64 = 1e15;

/// How many complete periods the yardstick of severity looks back.
const YARDSTICK_PERIODS: usize = 24;

/// A range with its ends included; a missing end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    /// The lower end, in the unit of the KPI.
    pub min: Option<f64>,
    /// The upper end, in the unit of the KPI.
    pub max: Option<f64>,
}

/// The healthy band, and the wider one beyond which it is serious.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target {
    /// The healthy band, with at least one end.
    pub band: Band,
    /// The wider band; a side without one has no warning zone.
    pub tolerance: Band,
}

/// A target from a date on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DatedTarget {
    /// The first day on which it holds; `None` is the beginning of time.
    pub effective_from: Option<Date>,
    /// The target; `None` where from that day on there is none.
    pub target: Option<Target>,
}

/// What is wrong with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetFault {
    /// The healthy band has no end at all.
    NoBound,
    /// The lower end of the healthy band lies above its upper end.
    MinAboveMax,
    /// The tolerance lies inside the healthy band on the side of this field.
    ToleranceInsideTarget(TargetField),
    /// There is a tolerance, this field, on a side without a target.
    ToleranceWithoutTarget(TargetField),
    /// The bound is not finite, or beyond the largest value.
    OutOfRange(TargetField),
}

impl TargetFault {
    /// The field to be put right.
    pub fn field(self) -> TargetField {
        match self {
            Self::NoBound | Self::MinAboveMax => TargetField::TargetMin,
            Self::ToleranceInsideTarget(field)
            | Self::ToleranceWithoutTarget(field)
            | Self::OutOfRange(field) => field,
        }
    }
}

impl Target {
    /// The target of two bands as they are stored; `None` where the healthy one is open on both sides.
    pub fn unless_open(band: Band, tolerance: Band) -> Option<Self> {
        (band != Band::default()).then_some(Self { band, tolerance })
    }

    /// A target without a tolerance.
    pub fn new(band: Band) -> Self {
        Self { band, tolerance: Band::default() }
    }

    /// Everything that is wrong with it; empty where it can be used.
    pub fn faults(&self) -> Vec<TargetFault> {
        let Self { band, tolerance } = *self;
        let bounds = [
            (TargetField::TargetMin, band.min),
            (TargetField::TargetMax, band.max),
            (TargetField::ToleranceMin, tolerance.min),
            (TargetField::ToleranceMax, tolerance.max),
        ];
        let mut faults: Vec<TargetFault> = bounds
            .into_iter()
            .filter(|(_, bound)| bound.is_some_and(|bound| !is_allowed(bound)))
            .map(|(field, _)| TargetFault::OutOfRange(field))
            .collect();
        if band.min.is_none() && band.max.is_none() {
            faults.push(TargetFault::NoBound);
        }
        if is_above(band.min, band.max) {
            faults.push(TargetFault::MinAboveMax);
        }
        let sides = [
            (TargetField::ToleranceMin, tolerance.min, band.min),
            (TargetField::ToleranceMax, tolerance.max, band.max),
        ];
        for (field, outer, inner) in sides {
            if outer.is_some() && inner.is_none() {
                faults.push(TargetFault::ToleranceWithoutTarget(field));
            }
        }
        if is_above(tolerance.min, band.min) {
            faults.push(TargetFault::ToleranceInsideTarget(TargetField::ToleranceMin));
        }
        if is_above(band.max, tolerance.max) {
            faults.push(TargetFault::ToleranceInsideTarget(TargetField::ToleranceMax));
        }
        faults
    }

    /// The same target with every bound times the elapsed over the total days of a period, as by hand.
    pub fn prorated(&self, elapsed_days: i64, total_days: i64) -> Self {
        let scale = |bound: Option<f64>| {
            bound.and_then(|bound| bounded(bound * elapsed_days as f64 / total_days as f64))
        };
        let scale_band = |band: Band| Band { min: scale(band.min), max: scale(band.max) };
        Self { band: scale_band(self.band), tolerance: scale_band(self.tolerance) }
    }
}

/// Whether a value or bound is finite and within ±1e15.
pub(super) fn is_allowed(number: f64) -> bool {
    number.abs() <= LARGEST_VALUE
}

fn is_above(lower: Option<f64>, upper: Option<f64>) -> bool {
    lower.zip(upper).is_some_and(|(lower, upper)| lower > upper)
}

/// On which side of the healthy band a value lies.
enum Side {
    Inside,
    Below(f64),
    Above(f64),
}

fn side(value: f64, band: &Band) -> Side {
    match (band.min, band.max) {
        (Some(min), _) if value < min => Side::Below(min),
        (_, Some(max)) if value > max => Side::Above(max),
        (_, _) => Side::Inside,
    }
}

/// The health of a value under a target.
///
/// Healthy with the ends of the band included.
/// At risk outside of it where the broken side has a tolerance that the value has not passed.
/// Unknown where the value is not finite or the band has no end, so that nothing is green by default.
pub fn judge(value: f64, target: &Target) -> Health {
    if !value.is_finite() || direction(&target.band).is_none() {
        return Health::Unknown;
    }
    let is_tolerated = match side(value, &target.band) {
        Side::Inside => return Health::Healthy,
        Side::Below(_) => target.tolerance.min.is_some_and(|min| value >= min),
        Side::Above(_) => target.tolerance.max.is_some_and(|max| value <= max),
    };
    if is_tolerated { Health::AtRisk } else { Health::Unhealthy }
}

/// The health of a sum that still grows, under its whole target and the share of it that is expected by today.
///
/// A bound that 0 keeps (a ceiling on costs) is broken as soon as it is passed, whatever the rest brings.
/// A bound that 0 does not keep (a floor under sales) has to be reached: until the period ends nothing is lost.
/// So a value off its share is at risk and never unhealthy, and a met floor is healthy from then on.
pub fn judge_running(value: f64, target: &Target, expected: &Target) -> Health {
    let limits = |band: Band| Band {
        min: band.min.filter(|_| target.band.min.is_some_and(|min| min <= 0.0)),
        max: band.max.filter(|_| target.band.max.is_some_and(|max| max >= 0.0)),
    };
    match judge(value, &Target { band: limits(target.band), tolerance: limits(target.tolerance) }) {
        broken @ (Health::AtRisk | Health::Unhealthy) => broken,
        Health::Healthy | Health::Unknown => match judge(value, &Target::new(expected.band)) {
            Health::AtRisk | Health::Unhealthy => Health::AtRisk,
            kept @ (Health::Healthy | Health::Unknown) => kept,
        },
    }
}

/// The nearest healthy bound minus the value, in the unit of the KPI.
///
/// Positive must rise, negative must fall, 0 is healthy. A value that is NaN has no side and gives 0.
pub fn gap(value: f64, band: &Band) -> f64 {
    let distance = match side(value, band) {
        Side::Inside => 0.0,
        Side::Below(bound) | Side::Above(bound) => bound - value,
    };
    bounded(distance).unwrap_or(0.0)
}

/// How bad a gap is, comparable between KPIs: |gap| over a yardstick in the KPI's own unit.
///
/// The yardstick is the distance from target to tolerance on the broken side.
/// Without one it is the mean moving range of the last 24 complete periods, whose values come in order of time.
/// A yardstick of zero measures nothing and counts as missing; without any the answer is `None`.
pub fn severity(gap: f64, target: &Target, recent_complete_values: &[f64]) -> Option<f64> {
    let Target { band, tolerance } = target;
    let bounds = if gap > 0.0 {
        band.min.zip(tolerance.min)
    } else if gap < 0.0 {
        band.max.zip(tolerance.max)
    } else {
        return bounded(gap);
    };
    let oldest = recent_complete_values.len().saturating_sub(YARDSTICK_PERIODS);
    let usable = |yardstick: &f64| *yardstick > 0.0;
    let yardstick = bounds.map(|(inner, outer)| (outer - inner).abs()).filter(usable).or_else(|| {
        let recent = recent_complete_values.get(oldest..)?;
        mean_moving_range(recent).filter(usable)
    })?;
    bounded(gap.abs() / yardstick)
}

/// The target in force on a day: the one that began last, on that day or before.
///
/// The targets may come in any order. For a period the day is its last one.
pub fn target_in_force(targets: &[DatedTarget], day: Date) -> Option<&Target> {
    targets
        .iter()
        .filter(|dated| dated.effective_from.is_none_or(|from| from <= day))
        // `None`, the beginning of time, sorts before every date.
        .max_by_key(|dated| dated.effective_from)?
        .target
        .as_ref()
}

/// In which direction it gets better; `None` for a band without ends.
pub fn direction(band: &Band) -> Option<Direction> {
    match (band.min, band.max) {
        (Some(_), Some(_)) => Some(Direction::StayWithin),
        (Some(_), None) => Some(Direction::HigherIsBetter),
        (None, Some(_)) => Some(Direction::LowerIsBetter),
        (None, None) => None,
    }
}

/// Whether a change from one value to the next is for the better.
///
/// Between two bounds nearer to the band is better, so a change inside of it is neither.
/// `None` without a bound, without a change, or where it is neither.
pub fn change_is_good(previous: f64, current: f64, band: &Band) -> Option<bool> {
    let towards = match direction(band)? {
        Direction::HigherIsBetter => current.partial_cmp(&previous),
        Direction::LowerIsBetter => previous.partial_cmp(&current),
        Direction::StayWithin => gap(previous, band).abs().partial_cmp(&gap(current, band).abs()),
    }?;
    match towards {
        std::cmp::Ordering::Greater => Some(true),
        std::cmp::Ordering::Less => Some(false),
        std::cmp::Ordering::Equal => None,
    }
}

#[cfg(test)]
mod tests;
