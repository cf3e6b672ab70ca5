//! Who moved a result: each player's mean contribution over all orders in which they could have moved.
//! L. S. Shapley, *A value for n-person games*, Contributions to the Theory of Games II, 1953. It alone gives the
//! whole change away, gives equal players the same, and gives nothing to whom nothing depends on.

use super::number::finite;

/// How many players there are at the most: every set of them is looked at.
pub const MOST_PLAYERS: usize = 8;

/// What each player contributes to the result with all of them, beyond the result with none of them.
///
/// `result` says what comes out when the players in a set have moved: the n-th bit of the set stands for the n-th
/// player. `None` with more than eight players, and where any set has no result.
pub fn shapley(players: usize, result: impl Fn(u32) -> Option<f64>) -> Option<Vec<f64>> {
    if players > MOST_PLAYERS {
        return None;
    }
    let results: Vec<f64> = (0..1u32 << players).map(result).collect::<Option<_>>()?;
    let of = |set: u32| results.get(set as usize).copied().unwrap_or_default();
    (0..players)
        .map(|player| {
            let own = 1u32 << player;
            let others = (0..1u32 << players).filter(|set| set & own == 0);
            let shares = others.map(|set| weight(players, set.count_ones()) * (of(set | own) - of(set)));
            finite(shares.sum())
        })
        .collect()
}

/// In which share of all orders exactly these many others come before a player: `k! (n - k - 1)! / n!`.
fn weight(players: usize, before: u32) -> f64 {
    // 1 / (n · C(n-1, k)), which needs no factorials.
    let others = players.saturating_sub(1) as u32;
    let ways = (0..before).fold(1.0, |ways, taken| ways * f64::from(others - taken) / f64::from(taken + 1));
    1.0 / (players as f64 * ways)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(set: u32, values: &[(f64, f64)]) -> Vec<f64> {
        let moved = |index: usize| set & (1 << index) != 0;
        values
            .iter()
            .enumerate()
            .map(|(index, (before, after))| if moved(index) { *after } else { *before })
            .collect()
    }

    /// Spend over customers: from 1,000 / 50 = 20 to 1,200 / 40 = 30.
    ///
    /// ```text
    /// spend first: 1,200/50 - 1,000/50 =  4;  then customers: 1,200/40 - 1,200/50 = 6
    /// customers first: 1,000/40 - 20   =  5;  then spend:     1,200/40 - 1,000/40 = 5
    /// spend (4 + 5) / 2 = 4.5;  customers (6 + 5) / 2 = 5.5;  together 10 = 30 - 20
    /// ```
    #[test]
    fn a_ratio_of_two_worked_by_hand() {
        let values = [(1_000.0, 1_200.0), (50.0, 40.0)];
        let ratio = |set| {
            let now = bits(set, &values);
            Some(now[0] / now[1])
        };
        assert_eq!(shapley(2, ratio), Some(vec![4.5, 5.5]));
    }

    /// Visits × conversion × basket: from 1·2·3 = 6 to 2·3·5 = 30. The gains in the six orders:
    ///
    /// ```text
    ///        visits               conversion           basket
    /// v c b  2·2·3 -  6 =  6      2·3·3 - 12 =  6      30 - 18 = 12
    /// v b c  6                    30 - 20     = 10     2·2·5 - 12 = 8
    /// c v b  2·3·3 -  9 =  9      1·3·3 -  6 =  3      12
    /// c b v  30 - 15    = 15      3                    1·3·5 -  9 = 6
    /// b v c  2·2·5 - 10 = 10      10                   1·2·5 -  6 = 4
    /// b c v  15                   1·3·5 - 10 =  5      4
    /// mean   61/6                 37/6                 46/6             together 144/6 = 24
    /// ```
    #[test]
    fn a_product_of_three_worked_by_hand() {
        let values = [(1.0, 2.0), (2.0, 3.0), (3.0, 5.0)];
        let found =
            shapley(3, |set| Some(bits(set, &values).iter().product())).expect("a result for every set");
        for (found, expected) in found.iter().zip([61.0 / 6.0, 37.0 / 6.0, 46.0 / 6.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn what_has_no_result_has_no_contributions() {
        assert_eq!(shapley(2, |set| (set != 1).then_some(1.0)), None);
        assert_eq!(shapley(0, |_| Some(3.0)), Some(vec![]));
        assert_eq!(shapley(9, |_| Some(3.0)), None);
        assert_eq!(shapley(1, |set| Some(if set == 0 { f64::MIN } else { f64::MAX })), None);
    }

    /// The definition itself: every order is walked through.
    fn over_all_orders(players: usize, result: &impl Fn(u32) -> f64) -> Vec<f64> {
        fn walk(left: &[usize], set: u32, result: &impl Fn(u32) -> f64, sums: &mut [f64]) -> f64 {
            if left.is_empty() {
                return 1.0;
            }
            let mut orders = 0.0;
            for player in left {
                let rest: Vec<usize> = left.iter().copied().filter(|other| other != player).collect();
                let moved = set | 1 << player;
                let after = walk(&rest, moved, result, sums);
                sums[*player] += after * (result(moved) - result(set));
                orders += after;
            }
            orders
        }
        let mut sums = vec![0.0; players];
        let all: Vec<usize> = (0..players).collect();
        let orders = walk(&all, 0, result, &mut sums);
        sums.into_iter().map(|sum| sum / orders).collect()
    }

    proptest! {
        #[test]
        fn it_is_the_mean_over_all_orders_and_gives_the_whole_change_away(
            results in proptest::collection::vec(-1e6..1e6f64, 32),
            players in 1usize..=5,
        ) {
            let result = |set: u32| results[set as usize];
            let found = shapley(players, |set| Some(result(set))).expect("a result for every set");
            for (found, expected) in found.iter().zip(over_all_orders(players, &result)) {
                prop_assert!((found - expected).abs() < 1e-6, "{} is not {}", found, expected);
            }
            let change = result((1 << players) - 1) - result(0);
            prop_assert!((found.iter().sum::<f64>() - change).abs() < 1e-6);
        }

        #[test]
        fn equal_players_get_the_same(by_size in proptest::collection::vec(-1e6..1e6f64, 6)) {
            // What comes out depends on how many have moved, not on who has.
            let found = shapley(5, |set| by_size.get(set.count_ones() as usize).copied()).expect("results");
            prop_assert!(found.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-6));
        }
    }
}
