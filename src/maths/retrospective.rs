//! What a whole cycle comes to: how its scores are spread.

use super::number::mean;

/// How many buckets scores are spread over: tenths of the way.
pub const BUCKETS: usize = 10;

/// How shares of the way are spread, and their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many lie in each tenth: from its lower end on, below its upper one; the last holds 1 too.
    pub counts: [u32; BUCKETS],
    /// The arithmetic mean; `None` without any.
    pub mean: Option<f64>,
}

/// Spreads shares, each clamped to 0..1, over tenths; what is no number is passed over.
pub fn spread(shares: &[f64]) -> Spread {
    let shares: Vec<f64> =
        shares.iter().filter(|share| !share.is_nan()).map(|share| share.clamp(0.0, 1.0)).collect();
    let mut counts = [0; BUCKETS];
    for share in &shares {
        let place = (1..BUCKETS).take_while(|place| *share >= lower_end(*place)).count();
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    Spread { counts, mean: mean(&shares) }
}

/// Where a bucket begins, 0..1.
pub fn lower_end(place: usize) -> f64 {
    place as f64 / BUCKETS as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::maths::{Confidence, ConfidenceCounts, confidence_counts, net_confidence};

    #[test]
    fn a_share_lies_in_the_tenth_that_begins_at_or_below_it() {
        let Spread { counts, mean } = spread(&[0.0, 0.1, 0.3, 0.35, 0.7, 0.99, 1.0]);
        assert_eq!(counts, [1, 1, 0, 2, 0, 0, 0, 1, 0, 2]);
        assert!(mean.is_some_and(|mean| (mean - 3.44 / 7.0).abs() < 1e-12));
        assert_eq!(spread(&[]), Spread::default());
    }

    #[test]
    fn who_was_never_asked_says_nothing() {
        let net = |said: &[Option<Confidence>]| net_confidence(&confidence_counts(said));
        assert_eq!(net(&[]), None);
        assert_eq!(net(&[None, None]), None);
        assert_eq!(net(&[Some(Confidence::OnTrack), None]), Some(1.0));
        let mixed = [Confidence::OnTrack, Confidence::OnTrack, Confidence::AtRisk, Confidence::OffTrack];
        assert_eq!(net(&mixed.map(Some)), Some(0.25));
        assert_eq!(net(&[Some(Confidence::OffTrack)]), Some(-1.0));
    }

    proptest! {
        #[test]
        fn every_share_is_counted_once(shares in prop::collection::vec(0.0..=1.0_f64, 0..50)) {
            let Spread { counts, mean } = spread(&shares);
            prop_assert_eq!(counts.iter().sum::<u32>() as usize, shares.len());
            prop_assert_eq!(mean.is_some(), !shares.is_empty());
            prop_assert!(mean.is_none_or(|mean| (0.0..=1.0).contains(&mean)));
        }

        #[test]
        fn net_confidence_is_bounded_and_turns_with_its_sides(on_track in 0..40_u32, at_risk in 0..40_u32, off_track in 0..40_u32) {
            let counts = ConfidenceCounts { worst: None, on_track, at_risk, off_track, never: 3 };
            let turned = ConfidenceCounts { on_track: off_track, off_track: on_track, ..counts };
            let net = net_confidence(&counts);
            prop_assert_eq!(net.is_none(), on_track + at_risk + off_track == 0);
            prop_assert!(net.is_none_or(|net| (-1.0..=1.0).contains(&net)));
            prop_assert_eq!(net.map(|net| -net + 0.0), net_confidence(&turned));
        }
    }
}
