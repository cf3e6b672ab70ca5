use proptest::prelude::*;

use super::*;

/// Where a series is going, by the band that it should be in.
fn trend(values: &[f64], band: &Band) -> Option<Trend> {
    judge_trend(values, &segments(values), Some(band)).trend
}

fn floor(min: f64) -> Band {
    Band { min: Some(min), max: None }
}

fn ceiling(max: f64) -> Band {
    Band { min: None, max: Some(max) }
}

fn between(min: f64, max: f64) -> Band {
    Band { min: Some(min), max: Some(max) }
}

fn going(values: &[f64], band: Band) -> (Option<Trend>, Because) {
    let Judgement { trend, because } = judge_trend(values, &segments(values), Some(&band));
    (trend, because)
}

/// Which values break a rule in the whole chart.
fn breaking(values: &[f64], rule: Rule) -> Vec<usize> {
    let found = segments(values);
    let rules = found.iter().flat_map(|segment| segment.signals(values));
    rules.enumerate().filter(|(_, rules)| rules.contains(&rule)).map(|(index, _)| index).collect()
}

fn near(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} is not {right}");
}

/// Six values around 11, then eight around 20.
const STEP: [f64; 14] = [10.0, 12.0, 11.0, 13.0, 10.0, 12.0, 20.0, 21.0, 19.0, 20.0, 22.0, 20.0, 21.0, 19.0];

/// By hand. All fourteen: their mean is (68 + 162) / 14 = 16.43, above which a run of eight begins at the seventh,
/// index 6, so there the process shifted.
///
/// Before: centre 68 / 6 = 11 1/3; ranges 2 1 2 3 2, mean 10 / 5 = 2; limits 11 1/3 ± 2.660 · 2 = 5.32;
/// range limit 3.267 · 2 = 6.534.
/// From it on: centre 162 / 8 = 20.25; ranges 1 2 1 2 2 1 2, mean 11 / 7; limits 20.25 ± 2.660 · 11 / 7 = 4.18.
#[test]
fn a_shift_worked_by_hand() {
    let found = segments(&STEP);
    assert_eq!(found.iter().map(|segment| segment.range.clone()).collect::<Vec<_>>(), [0..6, 6..14]);
    let [before, after] = found.as_slice() else { panic!("two segments") };
    near(before.limits.centre, 68.0 / 6.0);
    near(before.limits.upper, 68.0 / 6.0 + 5.32);
    near(before.limits.lower, 68.0 / 6.0 - 5.32);
    near(before.limits.upper_range, 6.534);
    near(after.limits.centre, 20.25);
    near(after.limits.upper, 24.43);
    near(after.limits.lower, 16.07);
    assert!(found.iter().flat_map(|segment| segment.signals(&STEP)).all(|rules| rules.is_empty()));

    let judged = |band| going(&STEP, band);
    assert_eq!(judged(floor(15.0)), (Some(Trend::Improving), Because::RecentShift));
    assert_eq!(judged(ceiling(15.0)), (Some(Trend::Deteriorating), Because::RecentShift));
    assert_eq!(judged(between(18.0, 22.0)), (Some(Trend::Improving), Because::RecentShift));
    assert_eq!(judged(between(10.0, 13.0)), (Some(Trend::Deteriorating), Because::RecentShift));
    assert_eq!(judged(between(0.0, 30.0)), (Some(Trend::Steady), Because::Noise), "neither is nearer");
    assert_eq!(judged(Band::default()), (None, Because::NoTarget));
}

/// By hand: ten values from 5 to 6, then 20. Centre 75 / 11 = 6.818; ranges nine times 1 and once 14, mean 2.3;
/// limits 6.818 ± 6.118. 20 lies outside; the ten before are a run below the centre, which began too early for a
/// shift.
#[test]
fn a_value_outside_the_limits_and_a_run() {
    let values = [5.0, 6.0, 5.0, 6.0, 5.0, 6.0, 5.0, 6.0, 5.0, 6.0, 20.0];
    let found = segments(&values);
    assert_eq!(found.len(), 1);
    near(found[0].limits.centre, 75.0 / 11.0);
    near(found[0].limits.upper, 75.0 / 11.0 + 6.118);
    assert_eq!(breaking(&values, Rule::OutsideLimits), [10]);
    assert_eq!(breaking(&values, Rule::LongRun), (0..10).collect::<Vec<_>>());
    assert_eq!(going(&values, floor(10.0)), (Some(Trend::Improving), Because::NewestValue));
    assert_eq!(trend(&values, &ceiling(10.0)), Some(Trend::Deteriorating));
    assert_eq!(trend(&values, &between(0.0, 10.0)), Some(Trend::Deteriorating), "it left the band");
    assert_eq!(trend(&values, &between(0.0, 30.0)), Some(Trend::Steady), "it moved inside the band");
}

/// By hand: centre 59 / 10 = 5.9; ranges 0 1 2 1 0 3 0 3 3, mean 13 / 9; half-way to the upper limit lies
/// 5.9 + 1.330 · 13 / 9 = 7.82, so each 8 is nearer to the limit. Of the last four three are; the 5 is not.
#[test]
fn three_of_four_near_a_limit() {
    let values = [5.0, 5.0, 6.0, 4.0, 5.0, 5.0, 8.0, 8.0, 5.0, 8.0];
    assert_eq!(breaking(&values, Rule::NearLimit), [6, 7, 9]);
    assert_eq!(breaking(&values, Rule::OutsideLimits), Vec::<usize>::new());
    let apart = [5.0, 5.0, 6.0, 8.0, 5.0, 5.0, 8.0, 5.0, 5.0, 8.0];
    assert_eq!(breaking(&apart, Rule::NearLimit), Vec::<usize>::new(), "two of four are not enough");
}

/// A run begins where it begins: one that began at index 5 has no shift at 6, however long it lasts.
#[test]
fn a_run_that_began_too_early_is_a_signal_and_no_shift() {
    let mut values = vec![0.0, 1.0, 0.0, 1.0, 0.0];
    values.extend([10.0; 20]);
    assert_eq!(segments(&values).len(), 1);
    assert_eq!(breaking(&values, Rule::LongRun), (5..25).collect::<Vec<_>>());
    values.insert(0, 0.0);
    assert_eq!(segments(&values).iter().map(|segment| segment.range.start).collect::<Vec<_>>(), [0, 6]);
}

/// The limits of the last segment come from its first 24 values: what comes later is held against them.
#[test]
fn what_comes_after_the_baseline_is_held_against_it() {
    let mut values: Vec<f64> = (0..24).map(|index| f64::from(index % 2)).collect();
    let baseline = segments(&values)[0].limits;
    values.push(9.0);
    let found = segments(&values);
    assert_eq!((found.len(), found[0].limits), (1, baseline));
    assert_eq!(breaking(&values, Rule::OutsideLimits), [24]);
}

/// A shift is news for twelve values; a signal at the newest one outweighs it.
#[test]
fn a_shift_ages_and_the_newest_value_decides() {
    let mut values = STEP.to_vec();
    values.extend([20.0, 21.0, 19.0, 20.0]);
    assert_eq!(trend(&values, &floor(15.0)), Some(Trend::Improving), "twelve values");
    values.push(20.0);
    assert_eq!(trend(&values, &floor(15.0)), Some(Trend::Steady), "thirteen");
    let mut fallen = STEP.to_vec();
    fallen.push(5.0);
    let found = segments(&fallen);
    assert_eq!(found.len(), 2);
    assert_eq!(going(&fallen, floor(15.0)), (Some(Trend::Deteriorating), Because::NewestValue));
}

#[test]
fn five_values_are_too_few() {
    assert_eq!(segments(&STEP[..5]), []);
    assert_eq!(going(&STEP[..5], floor(1.0)), (None, Because::InsufficientData));
    assert_eq!(trend(&STEP[..6], &floor(1.0)), Some(Trend::Steady));
    assert_eq!(segments(&[]), []);
    assert_eq!(segments(&[f64::MAX, f64::MIN, f64::MAX, f64::MIN, f64::MAX, f64::MIN]), []);
}

/// The algorithm once more, by longest runs and without any of the code above.
fn naive_starts(values: &[f64]) -> Vec<usize> {
    let (mut starts, mut start) = (vec![0], 0);
    loop {
        let first = &values[start..values.len().min(start + 24)];
        // Whole numbers: their sum has no rounding error, so that sides are compared exactly.
        let (sum, count) = (first.iter().sum::<f64>(), first.len() as f64);
        let signs: Vec<i32> = values[start..]
            .iter()
            .map(|value| i32::from(value * count > sum) - i32::from(value * count < sum))
            .collect();
        let is_run = |from: usize| {
            signs[from] != 0
                && (from == 0 || signs[from - 1] != signs[from])
                && signs[from..].iter().take_while(|sign| **sign == signs[from]).count() >= 8
        };
        match (6..signs.len()).find(|from| is_run(*from)) {
            None => return starts,
            Some(from) => {
                start += from;
                starts.push(start);
            }
        }
    }
}

/// Series of whole numbers, some of which shift.
fn series() -> impl Strategy<Value = Vec<f64>> {
    let stretch = (-200..200_i32, prop::collection::vec(-20..20_i32, 1..30));
    prop::collection::vec(stretch, 1..5).prop_map(|stretches| {
        let values = stretches
            .into_iter()
            .flat_map(|(level, steps)| steps.into_iter().map(move |step| f64::from(level + step)));
        values.collect()
    })
}

/// Whether a value lies so near to a line that the last bit decides: there rounding may say either.
fn is_on_a_line(values: &[f64]) -> bool {
    segments(values).iter().any(|segment| {
        let NaturalLimits { centre, lower, upper, .. } = segment.limits;
        let lines = [lower, upper, (centre + lower) / 2.0, (centre + upper) / 2.0];
        let is_near = |value: f64| lines.iter().any(|line| (value - line).abs() < 1e-6 && lower < upper);
        values.iter().any(|value| is_near(*value))
    })
}

fn all_signals(values: &[f64]) -> Vec<Vec<Rule>> {
    segments(values).iter().flat_map(|segment| segment.signals(values)).collect()
}

proptest! {
    #[test]
    fn segments_partition_the_series_as_the_naive_reading_has_them(values in series()) {
        let found = segments(&values);
        if values.len() < 6 {
            prop_assert_eq!(found, vec![]);
        } else {
            let starts: Vec<usize> = found.iter().map(|segment| segment.range.start).collect();
            prop_assert_eq!(&starts, &naive_starts(&values));
            let mut next = 0;
            for segment in &found {
                prop_assert_eq!(segment.range.start, next);
                prop_assert!(segment.range.len() >= 6);
                prop_assert_eq!(segment.signals(&values).len(), segment.range.len());
                let NaturalLimits { centre, lower, upper, upper_range } = segment.limits;
                prop_assert!([centre, lower, upper, upper_range].iter().all(|limit| limit.is_finite()));
                prop_assert!(lower <= centre && centre <= upper && upper_range >= 0.0);
                next = segment.range.end;
            }
            prop_assert_eq!(next, values.len());
        }
    }

    #[test]
    fn another_zero_and_another_unit_change_no_signal(values in series(), moved in -1000..1000_i32, scale in 1..50_i32) {
        prop_assume!(!is_on_a_line(&values));
        let change = |value: f64| value * f64::from(scale) + f64::from(moved);
        let changed: Vec<f64> = values.iter().map(|value| change(*value)).collect();
        let ranges = |values: &[f64]| segments(values).into_iter().map(|one| one.range).collect::<Vec<_>>();
        prop_assert_eq!(ranges(&values), ranges(&changed));
        prop_assert_eq!(all_signals(&values), all_signals(&changed));
        prop_assert_eq!(trend(&values, &floor(3.5)), trend(&changed, &floor(change(3.5))));
        for (one, other) in segments(&values).iter().zip(segments(&changed)) {
            prop_assert!((change(one.limits.upper) - other.limits.upper).abs() < 1e-6);
        }
    }

    #[test]
    fn directions_mirror_each_other(values in series(), bound in -200..200_i32) {
        let bound = f64::from(bound);
        let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
        prop_assert_eq!(all_signals(&values), all_signals(&mirrored));
        prop_assert_eq!(trend(&values, &floor(bound)), trend(&mirrored, &ceiling(-bound)));
        prop_assert_eq!(
            trend(&values, &between(bound, bound + 9.0)),
            trend(&mirrored, &between(-bound - 9.0, -bound))
        );
        let turned = |trend: Trend| match trend {
            Trend::Improving => Trend::Deteriorating,
            Trend::Deteriorating => Trend::Improving,
            Trend::Steady => Trend::Steady,
        };
        prop_assert_eq!(trend(&values, &floor(bound)).map(turned), trend(&values, &ceiling(bound)));
    }

    #[test]
    fn what_never_varies_is_no_signal(value in -1e15..1e15_f64, count in 6..100_usize) {
        let values = vec![value; count];
        let found = segments(&values);
        prop_assert_eq!(found.len(), 1);
        let NaturalLimits { centre, lower, upper, .. } = found[0].limits;
        prop_assert_eq!((centre, lower, upper), (value, value, value));
        prop_assert!(all_signals(&values).iter().all(|rules| rules.is_empty()));
        prop_assert_eq!(trend(&values, &floor(0.0)), Some(Trend::Steady));
    }

    #[test]
    fn no_number_is_too_large(values in prop::collection::vec(-f64::MAX..f64::MAX, 0..40)) {
        for segment in segments(&values) {
            prop_assert!(segment.limits.centre.is_finite() && segment.limits.upper.is_finite());
            prop_assert_eq!(segment.signals(&values).len(), segment.range.len());
        }
    }
}
