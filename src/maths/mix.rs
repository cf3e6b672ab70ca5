//! Why a ratio over many parts changed: because the parts did, or because their weights did.
//! E. M. Kitagawa, *Components of a difference between two rates*, Journal of the American Statistical Association 50,
//! 1955: each difference is weighted by the mean of before and after, so that nothing is left over between the two.

use super::number::finite;

/// A part of a ratio in two periods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Its share of what the whole is divided by, before and after.
    pub weights: (f64, f64),
    /// Its own ratio, before and after.
    pub rates: (f64, f64),
}

/// What a part does to the change of the whole, in the unit of the ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effects {
    /// Because its own ratio changed: the mean weight times the change of the ratio.
    pub rate: f64,
    /// Because its weight changed: the change of the weight times how far its mean ratio lies from that of the whole.
    pub mix: f64,
}

/// The effects of a part of a whole whose own ratio was and is this. Over parts whose weights come to 1 all effects
/// together are the change of the whole. `None` where a step is not finite.
pub fn effects(part: &Part, whole: (f64, f64)) -> Option<Effects> {
    let mean = |(before, after): (f64, f64)| before / 2.0 + after / 2.0;
    let change = |(before, after): (f64, f64)| after - before;
    Some(Effects {
        rate: finite(mean(part.weights) * change(part.rates))?,
        mix: finite(change(part.weights) * (mean(part.rates) - mean(whole)))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Four counts of one part.
    type Quarters = (u32, u32, u32, u32);

    use super::*;

    /// Two shops convert 10 % of 100 and 50 % of 100 visitors: 30 % of 200. Then 20 % of 300 and 50 % of 100: 27.5 %.
    ///
    /// ```text
    ///       weights      rates      rate effect           mix effect, around (30 + 27.5) / 2 = 28.75
    /// shop  0.5 → 0.75   10 → 20    0.625 · 10 =  6.25    0.25 · (15 - 28.75)  = -3.4375
    /// mall  0.5 → 0.25   50 → 50    0.375 · 0  =  0      -0.25 · (50 - 28.75)  = -5.3125
    /// together 6.25 - 8.75 = -2.5: each shop is as good or better, and the whole is worse.
    /// ```
    #[test]
    fn two_shops_worked_by_hand() {
        let whole = (30.0, 27.5);
        let shop = Part { weights: (0.5, 0.75), rates: (10.0, 20.0) };
        let mall = Part { weights: (0.5, 0.25), rates: (50.0, 50.0) };
        assert_eq!(effects(&shop, whole), Some(Effects { rate: 6.25, mix: -3.4375 }));
        assert_eq!(effects(&mall, whole), Some(Effects { rate: 0.0, mix: -5.3125 }));
        let wild = Part { weights: (0.0, f64::MAX), rates: (0.0, f64::MAX) };
        assert_eq!(effects(&wild, whole), None);
    }

    proptest! {
        #[test]
        fn the_effects_of_all_parts_are_the_change(
            parts in proptest::collection::vec((1u32..500, 1u32..500, 0u32..500, 0u32..500), 1..8),
        ) {
            let sum = |of: &dyn Fn(&Quarters) -> f64| parts.iter().map(of).sum::<f64>();
            let before = (sum(&|part| f64::from(part.2)), sum(&|part| f64::from(part.0)));
            let after = (sum(&|part| f64::from(part.3)), sum(&|part| f64::from(part.1)));
            let whole = (before.0 / before.1, after.0 / after.1);
            let together: f64 = parts.iter().map(|(under, under_after, over, over_after)| {
                let [under, under_after, over, over_after] = [under, under_after, over, over_after].map(|one| f64::from(*one));
                let weights = (under / before.1, under_after / after.1);
                let effects = effects(&Part { weights, rates: (over / under, over_after / under_after) }, whole);
                effects.map_or(f64::NAN, |effects| effects.rate + effects.mix)
            }).sum();
            prop_assert!((together - (whole.1 - whole.0)).abs() < 1e-9);
        }
    }
}
