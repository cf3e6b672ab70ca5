//! Natural process limits of an XmR chart (Donald J. Wheeler, *Understanding Variation*, 2nd ed., SPC Press 2000).
//! They tell routine variation from a signal, and the mean moving range is the yardstick of noise.

use super::number::{finite, mean};

/// How many values natural limits need at least; Wheeler calls limits from five or six values useful, if soft.
pub const FEWEST_VALUES: usize = 6;

/// Three sigma in mean moving ranges: 3 / d2, where d2 = 1.128 for ranges of two values (Wheeler, appendix).
const LIMITS_PER_RANGE: f64 = 2.660;

/// D4 for ranges of two values: what one step reaches by routine variation at the most (Wheeler, appendix).
const RANGE_LIMIT_PER_RANGE: f64 = 3.267;

/// Centre and limits of a process, all in the unit of the KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaturalLimits {
    /// The mean of the values.
    pub centre: f64,
    /// Centre - 2.660 times the mean moving range.
    pub lower: f64,
    /// Centre + 2.660 times the mean moving range.
    pub upper: f64,
    /// 3.267 times the mean moving range: the largest routine step from one value to the next.
    pub upper_range: f64,
}

impl NaturalLimits {
    /// Whether a value is routine: within the limits, ends included.
    pub fn hold(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// The mean of |x\[i\] - x\[i-1\]|, in the unit of the values; `None` with fewer than two of them.
pub fn mean_moving_range(values: &[f64]) -> Option<f64> {
    let ranges: Vec<f64> =
        values.iter().zip(values.iter().skip(1)).map(|(before, after)| (after - before).abs()).collect();
    mean(&ranges)
}

/// Centre and limits of values in their order in time; `None` with fewer than six of them.
pub fn natural_limits(values: &[f64]) -> Option<NaturalLimits> {
    Reading::after(None, values)?.limits()
}

/// What is read of values from the left, so that it can be taken up where it was left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The first value.
    pub first: f64,
    /// The last one.
    pub last: f64,
    /// How many there are.
    pub count: u32,
    /// The sum of their distances from the first.
    pub distances: f64,
    /// The sum of their moving ranges.
    pub ranges: f64,
}

impl Reading {
    /// The same after some more values; `None` before any.
    pub fn after(reading: Option<Self>, values: &[f64]) -> Option<Self> {
        values.iter().fold(reading, |reading, value| {
            Some(match reading {
                None => Self { first: *value, last: *value, count: 1, distances: 0.0, ranges: 0.0 },
                Some(Self { first, last, count, distances, ranges }) => Self {
                    first,
                    last: *value,
                    count: count.saturating_add(1),
                    distances: distances + (value - first),
                    ranges: ranges + (value - last).abs(),
                },
            })
        })
    }

    /// Centre and limits of the values; `None` with fewer than six of them.
    ///
    /// The mean is taken of the distances from the first value: ten times 0.1 lie exactly on 0.1, so that what never
    /// varies lies on its centre and not a rounding error beside it.
    pub fn limits(&self) -> Option<NaturalLimits> {
        let count = f64::from(self.count);
        if self.count < u32::try_from(FEWEST_VALUES).ok()? {
            return None;
        }
        let centre = finite(self.first + finite(self.distances / count)?)?;
        let range = finite(self.ranges / (count - 1.0))?;
        Some(NaturalLimits {
            centre,
            lower: finite(centre - LIMITS_PER_RANGE * range)?,
            upper: finite(centre + LIMITS_PER_RANGE * range)?,
            upper_range: finite(RANGE_LIMIT_PER_RANGE * range)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_worked_by_hand() {
        // Ranges 2, 1, 3, 2, 2: their mean is 2.
        let limits = natural_limits(&[10.0, 12.0, 11.0, 14.0, 12.0, 14.0]);
        let expected_centre = (10.0 + 12.0 + 11.0 + 14.0 + 12.0 + 14.0) / 6.0;
        let limits = limits.unwrap();
        assert_eq!(limits.centre, expected_centre);
        assert_eq!(limits.upper, expected_centre + 5.32);
        assert_eq!(limits.lower, expected_centre - 5.32);
        assert_eq!(limits.upper_range, 6.534);
        assert!(limits.hold(limits.upper) && limits.hold(limits.lower));
        assert!(!limits.hold(limits.upper + 0.001) && !limits.hold(limits.lower - 0.001));
    }

    #[test]
    fn five_values_are_too_few_and_equal_ones_have_no_width() {
        assert_eq!(natural_limits(&[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        let flat = natural_limits(&[5.0; 6]).unwrap();
        assert_eq!((flat.lower, flat.centre, flat.upper), (5.0, 5.0, 5.0));
        assert_eq!(natural_limits(&[0.1; 10]).unwrap().centre, 0.1);
    }

    #[test]
    fn a_moving_range_needs_two_values() {
        assert_eq!(mean_moving_range(&[7.0]), None);
        assert_eq!(mean_moving_range(&[7.0, 4.0]), Some(3.0));
        assert_eq!(mean_moving_range(&[7.0, 4.0, 5.0]), Some(2.0));
    }
}
