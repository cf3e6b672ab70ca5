//! Proxy drift: whether a KPI that is believed to move another still goes with it.
//! The rank correlation is Spearman's (C. Spearman, *The proof and measurement of association between two things*,
//! American Journal of Psychology 15, 1904), with mean ranks for ties; slopes are Theil and Sen's.

use super::forecast::{Sample, median_slope};
use super::health::{Band, Direction, direction, gap};
use super::number::finite;
use super::word::words;

words! {
    /// In which direction a driver moves its outcome.
    pub enum Effect {
        /// More of the driver is more of the outcome.
        Same = "same",
        /// More of the driver is less of the outcome.
        Opposite = "opposite",
    }

    /// Whether a driver still goes with its outcome; the first that applies.
    pub enum DriftVerdict {
        /// Fewer than eight shared periods.
        InsufficientData = "insufficient_data",
        /// They go apart: the correlation is -0.3 or less, or the driver improves while the outcome deteriorates.
        Diverging = "diverging",
        /// They go together: the correlation is 0.5 or more.
        Aligned = "aligned",
        /// Neither can be said, or one of them never changes.
        Unproven = "unproven",
    }
}

/// How many shared periods a verdict needs.
pub const FEWEST_PAIRS: usize = 8;
/// How many shared periods are looked at, the newest ones.
pub const MOST_PAIRS: usize = 36;
/// At and below this correlation two KPIs go apart.
const APART: f64 = -0.3;
/// At and above it they go together.
const TOGETHER: f64 = 0.5;

/// A period of the driver, and the outcome's that many periods later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The calendar number of the driver's period.
    pub number: i64,
    /// The driver's value, in its own unit.
    pub driver: f64,
    /// The outcome's value, in its own unit.
    pub outcome: f64,
}

/// What is known of a driver and its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Whether they still go together.
    pub verdict: DriftVerdict,
    /// How many shared periods were looked at.
    pub periods: usize,
    /// The rank correlation, its sign turned for an opposite effect; `None` where either never changes.
    pub rho: Option<f64>,
    /// The driver's slope, in its unit per period.
    pub driver_slope: Option<f64>,
    /// The outcome's slope, in its unit per period.
    pub outcome_slope: Option<f64>,
}

/// What pairs in order of time say; the bands decide what is better.
pub fn drift(pairs: &[Pair], effect: Effect, driver: Option<&Band>, outcome: Option<&Band>) -> Drift {
    let pairs = pairs.get(pairs.len().saturating_sub(MOST_PAIRS)..).unwrap_or_default();
    let drivers: Vec<f64> = pairs.iter().map(|pair| pair.driver).collect();
    let outcomes: Vec<f64> = pairs.iter().map(|pair| pair.outcome).collect();
    let samples = |values: &[f64]| -> Vec<Sample> {
        pairs.iter().zip(values).map(|(pair, value)| Sample { x: pair.number as f64, y: *value }).collect()
    };
    if pairs.len() < FEWEST_PAIRS {
        let verdict = DriftVerdict::InsufficientData;
        return Drift { verdict, periods: pairs.len(), rho: None, driver_slope: None, outcome_slope: None };
    }
    let rho = spearman(&drivers, &outcomes).map(|rho| match effect {
        Effect::Same => rho,
        Effect::Opposite => 0.0 - rho,
    });
    let gains = |values: &[f64], band: Option<&Band>| {
        let better: Option<Vec<f64>> = values.iter().map(|value| goodness(*value, band?)).collect();
        median_slope(&samples(&better?))
    };
    let improves = gains(&drivers, driver).is_some_and(|slope| slope > 0.0);
    let deteriorates = gains(&outcomes, outcome).is_some_and(|slope| slope < 0.0);
    let verdict = match rho {
        // What never changes proves nothing, and has no slope to contradict with.
        None => DriftVerdict::Unproven,
        Some(rho) if rho <= APART || (improves && deteriorates) => DriftVerdict::Diverging,
        Some(rho) if rho >= TOGETHER => DriftVerdict::Aligned,
        Some(_) => DriftVerdict::Unproven,
    };
    Drift {
        verdict,
        periods: pairs.len(),
        rho,
        driver_slope: median_slope(&samples(&drivers)),
        outcome_slope: median_slope(&samples(&outcomes)),
    }
}

/// A value turned so that more is better: between two bounds, nearer to the band is.
fn goodness(value: f64, band: &Band) -> Option<f64> {
    Some(match direction(band)? {
        Direction::HigherIsBetter => value,
        Direction::LowerIsBetter => -value,
        Direction::StayWithin => -gap(value, band).abs(),
    })
}

/// Spearman's rank correlation: Pearson's of the ranks, -1 to 1. `None` where all values of a side are equal.
pub fn spearman(left: &[f64], right: &[f64]) -> Option<f64> {
    let (left, right) = (ranks(left), ranks(right));
    // Ranks of n values have the mean (n + 1) / 2, with ties too.
    let mean = (left.len() as f64 + 1.0) / 2.0;
    let product = |left: &[f64], right: &[f64]| -> f64 {
        left.iter().zip(right).map(|(left, right)| (left - mean) * (right - mean)).sum()
    };
    let spread = (product(&left, &left) * product(&right, &right)).sqrt();
    if spread == 0.0 {
        return None;
    }
    finite((product(&left, &right) / spread).clamp(-1.0, 1.0))
}

/// The rank of each value from 1 on; equal values share the mean of the ranks that they take.
fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let smaller = values.iter().filter(|other| *other < value).count();
            let equal = values.iter().filter(|other| *other == value).count();
            smaller as f64 + (equal as f64 + 1.0) / 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HIGHER: Band = Band { min: Some(50.0), max: None };
    const LOWER: Band = Band { min: None, max: Some(5.0) };

    fn pairs(drivers: &[f64], outcomes: &[f64]) -> Vec<Pair> {
        let both = drivers.iter().zip(outcomes).zip(0..);
        both.map(|((driver, outcome), number)| Pair { number, driver: *driver, outcome: *outcome }).collect()
    }

    fn verdict(drivers: &[f64], outcomes: &[f64], effect: Effect, bands: (Band, Band)) -> DriftVerdict {
        drift(&pairs(drivers, outcomes), effect, Some(&bands.0), Some(&bands.1)).verdict
    }

    /// Spearman's rho without ties is 1 - 6 Σd² / (n (n² - 1)):
    ///
    /// ```text
    /// ranks 1 2 3 4 5 against 2 1 4 3 5: d² = 1 + 1 + 1 + 1 + 0 = 4; 1 - 24 / 120 = 0.8
    /// ```
    ///
    /// and with ties, by Pearson's formula over mean ranks:
    ///
    /// ```text
    /// 10 20 20 30 has the ranks 1, 2.5, 2.5, 4, and 1 2 3 4 against them: around 2.5 the products are
    /// (-1.5)(-1.5) + 0·(-0.5) + 0·0.5 + 1.5·1.5 = 4.5;  squares 4.5 and 5;  4.5 / √22.5 = 0.948683…
    /// ```
    #[test]
    fn ranks_worked_by_hand() {
        let close = |found: Option<f64>, expected: f64| {
            assert!(
                found.is_some_and(|found| (found - expected).abs() < 1e-12),
                "{found:?} is not {expected}"
            );
        };
        close(spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[20.0, 10.0, 40.0, 30.0, 50.0]), 0.8);
        close(spearman(&[10.0, 20.0, 20.0, 30.0], &[1.0, 2.0, 3.0, 4.0]), 4.5 / 22.5f64.sqrt());
        close(spearman(&[1.0, 2.0, 3.0], &[9.0, 4.0, 1.0]), -1.0);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[7.0, 7.0, 7.0]), None);
        assert_eq!(spearman(&[], &[]), None);
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 5.0]), [3.0, 1.0, 3.0, 3.0]);
    }

    #[test]
    fn verdicts_worked_by_hand() {
        let up = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let down: Vec<f64> = up.iter().map(|value| 9.0 - value).collect();
        let flat = [3.0; 8];
        // Ranks 3 6 1 8 2 7 4 5 against 1 to 8: d² = 4 16 4 16 9 1 9 9, together 68; 1 - 408 / 504 = 0.19.
        let mixed = [3.0, 6.0, 1.0, 8.0, 2.0, 7.0, 4.0, 5.0];
        let same = Effect::Same;
        let both = (HIGHER, HIGHER);
        assert_eq!(verdict(&up[..7], &up[..7], same, both), DriftVerdict::InsufficientData);
        assert_eq!(verdict(&up, &up, same, both), DriftVerdict::Aligned);
        assert_eq!(verdict(&up, &down, same, both), DriftVerdict::Diverging);
        assert_eq!(verdict(&up, &down, Effect::Opposite, (HIGHER, LOWER)), DriftVerdict::Aligned);
        assert_eq!(verdict(&up, &mixed, same, both), DriftVerdict::Unproven);
        assert_eq!(verdict(&up, &flat, same, both), DriftVerdict::Unproven);
        assert_eq!(verdict(&flat, &down, same, both), DriftVerdict::Unproven);
        // They go together, yet what is better for one is worse for the other.
        assert_eq!(verdict(&up, &up, same, (HIGHER, LOWER)), DriftVerdict::Diverging);
        assert_eq!(verdict(&down, &down, same, (LOWER, HIGHER)), DriftVerdict::Diverging);
        // Between two bounds only the distance matters: 8 down to 1 comes into 0 to 4, which is better.
        let within = Band { min: Some(0.0), max: Some(4.0) };
        assert_eq!(verdict(&down, &down, same, (within, HIGHER)), DriftVerdict::Diverging);
        assert_eq!(
            drift(&pairs(&up, &down), same, None, None).verdict,
            DriftVerdict::Diverging,
            "by rho alone"
        );
        assert_eq!(drift(&pairs(&up, &up), same, None, Some(&LOWER)).verdict, DriftVerdict::Aligned);
        let told = drift(&pairs(&up, &down), Effect::Opposite, None, None);
        assert_eq!(
            (told.rho, told.driver_slope, told.outcome_slope, told.periods),
            (Some(1.0), Some(1.0), Some(-1.0), 8)
        );
    }

    #[test]
    fn only_the_newest_pairs_count() {
        let long: Vec<f64> = (0..60).map(f64::from).collect();
        // Apart for 24 periods, together for the last 36.
        let outcome: Vec<f64> =
            (0..60).map(|at| if at < 24 { f64::from(100 - at) } else { f64::from(at) }).collect();
        let told = drift(&pairs(&long, &outcome), Effect::Same, None, None);
        assert_eq!((told.verdict, told.periods, told.rho), (DriftVerdict::Aligned, 36, Some(1.0)));
    }

    proptest! {
        #[test]
        fn rho_is_bounded_symmetric_and_turns_with_the_sign(
            values in proptest::collection::vec((-20i32..20, -20i32..20), 2..40),
        ) {
            let left: Vec<f64> = values.iter().map(|(left, _)| f64::from(*left)).collect();
            let right: Vec<f64> = values.iter().map(|(_, right)| f64::from(*right)).collect();
            let turned: Vec<f64> = right.iter().map(|value| -value).collect();
            match (spearman(&left, &right), spearman(&right, &left), spearman(&left, &turned)) {
                (Some(one), Some(other), Some(turned)) => {
                    prop_assert!((-1.0..=1.0).contains(&one));
                    prop_assert!((one - other).abs() < 1e-12 && (one + turned).abs() < 1e-12);
                }
                (None, None, None) => {
                    let is_constant = |values: &[f64]| values.windows(2).all(|pair| pair[0] == pair[1]);
                    prop_assert!(is_constant(&left) || is_constant(&right));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
