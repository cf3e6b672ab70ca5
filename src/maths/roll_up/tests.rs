use proptest::prelude::*;

use super::*;

fn item(weight: f64, value: impl Into<Option<f64>>) -> Item {
    Item { weight, value: value.into(), expected: Some(0.5), standing: Standing::Counts }
}

fn left_out(reason: LeftOut) -> Item {
    Item { standing: Standing::LeftOut(reason), ..item(5.0, 0.9) }
}

#[test]
fn a_weighted_mean_as_by_hand() {
    // (1 * 0.5 + 3 * 1) / 4
    let result = roll_up(&[item(1.0, 0.5), item(3.0, 1.0)]);
    assert_eq!(result.computed, Some(0.875));
    assert_eq!(result.coverage, Some(1.0));
    assert_eq!(result.expected, Some(0.5));
    assert_eq!(result.contributions, [Contribution::Counted(0.125), Contribution::Counted(0.75)]);
}

#[test]
fn what_does_not_count_says_why_and_does_not_lower_the_coverage() {
    let reasons = [LeftOut::Draft, LeftOut::Dropped, LeftOut::Archived, LeftOut::Private];
    let mut items = vec![item(2.0, 0.25), item(0.0, 1.0)];
    items.extend(reasons.map(left_out));
    let result = roll_up(&items);
    assert_eq!((result.computed, result.coverage), (Some(0.25), Some(1.0)));
    let mut wanted = vec![Contribution::Counted(0.25), Contribution::LeftOut(LeftOut::ZeroWeight)];
    wanted.extend(reasons.map(Contribution::LeftOut));
    assert_eq!(result.contributions, wanted);
    assert_eq!(result.contributions[0].value(), Some(0.25));
    assert_eq!(result.contributions[1].value(), None);
}

#[test]
fn what_has_no_value_yet_lowers_the_coverage() {
    let result = roll_up(&[item(1.0, 0.5), item(3.0, None)]);
    assert_eq!((result.computed, result.coverage), (Some(0.5), Some(0.25)));
    assert_eq!(result.contributions[1], Contribution::LeftOut(LeftOut::NoValue));
    let unknown = roll_up(&[item(3.0, None)]);
    assert_eq!((unknown.computed, unknown.coverage, unknown.expected), (None, Some(0.0), None));
}

#[test]
fn nothing_to_count_is_null() {
    for items in [vec![], vec![item(0.0, 0.5)], vec![left_out(LeftOut::Draft)], vec![item(f64::NAN, 0.5)]] {
        let result = roll_up(&items);
        assert_eq!((result.computed, result.coverage, result.expected), (None, None, None));
        assert_eq!(result.contributions.len(), items.len());
    }
}

#[test]
fn expected_is_the_mean_of_the_counted_items_that_have_dates() {
    let dated = |weight, expected, value| Item { expected, ..item(weight, value) };
    let result = roll_up(&[
        dated(1.0, Some(0.2), Some(0.1)),
        dated(3.0, Some(0.6), Some(0.1)),
        dated(9.0, Some(1.0), None),
        dated(9.0, None, Some(0.1)),
    ]);
    assert!(result.expected.is_some_and(|expected| (expected - 0.5).abs() < 1e-12));
}

#[test]
fn values_are_clamped_and_extreme_weights_survive() {
    assert_eq!(roll_up(&[item(1.0, 1.5), item(1.0, -3.0)]).computed, Some(0.5));
    assert_eq!(roll_up(&[item(1.0, f64::NAN)]).computed, None);
    for weight in [f64::MAX, 1e-300, f64::MIN_POSITIVE] {
        let result = roll_up(&[item(weight, 1.0), item(weight, 0.0)]);
        assert_eq!((result.computed, result.coverage), (Some(0.5), Some(1.0)));
    }
}

#[test]
fn an_objective_that_is_covered_in_part_is_never_on_track() {
    let table = [
        (Some(0.5), Some(1.0), Pace::OnTrack),
        (Some(0.5), Some(0.99), Pace::AtRisk),
        (Some(0.5), None, Pace::OnTrack),
        (Some(0.4), Some(0.5), Pace::AtRisk),
        (Some(0.1), Some(0.5), Pace::OffTrack),
        (None, Some(0.0), Pace::None),
    ];
    for (value, coverage, wanted) in table {
        assert_eq!(objective_pace(value, Some(0.5), coverage), wanted);
    }
    assert_eq!(objective_pace(Some(1.0), Some(0.1), Some(1.0)), Pace::TooEarly);
    assert_eq!(objective_pace(Some(1.0), None, Some(1.0)), Pace::None);
}

fn any_items() -> impl Strategy<Value = Vec<Item>> {
    let standings =
        vec![Standing::Counts, Standing::Counts, Standing::Counts, Standing::LeftOut(LeftOut::Draft)];
    prop::collection::vec(
        (
            0.0..100.0_f64,
            prop::option::of(0.0..=1.0_f64),
            prop::option::of(0.0..=1.0_f64),
            prop::sample::select(standings),
        )
            .prop_map(|(weight, value, expected, standing)| Item {
                weight,
                value,
                expected,
                standing,
            }),
        0..10,
    )
}

fn near(left: Option<f64>, right: Option<f64>) -> bool {
    match left.zip(right) {
        Some((left, right)) => (left - right).abs() < 1e-9,
        None => left == right,
    }
}

proptest! {
    #[test]
    fn shares_are_bounded_and_contributions_add_up(items in any_items()) {
        let result = roll_up(&items);
        for share in [result.computed, result.coverage, result.expected].into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&share));
        }
        let parts: Vec<f64> = result.contributions.iter().filter_map(|part| part.value()).collect();
        let total = (!parts.is_empty()).then(|| parts.iter().sum());
        prop_assert!(near(result.computed, total));
    }

    #[test]
    fn only_ratios_of_weights_matter(items in any_items(), factor in 1e-6..1e6_f64) {
        let scaled: Vec<Item> = items.iter().map(|item| Item { weight: item.weight * factor, ..*item }).collect();
        let (plain, scaled) = (roll_up(&items), roll_up(&scaled));
        prop_assert!(near(plain.computed, scaled.computed));
        prop_assert!(near(plain.coverage, scaled.coverage));
        prop_assert!(near(plain.expected, scaled.expected));
    }

    #[test]
    fn more_progress_of_an_item_never_lowers_the_whole(items in any_items(), pick in 0_usize..10, more in 0.0..1.0_f64) {
        let mut better = items.clone();
        if let Some(item) = better.get_mut(pick) {
            item.value = item.value.map(|value| (value + more).min(1.0));
        }
        prop_assert!(roll_up(&items).computed <= roll_up(&better).computed.map(|value| value + 1e-12));
    }
}
