use proptest::prelude::*;

use super::*;

fn samples(values: &[f64]) -> Vec<Sample> {
    values.iter().zip(0..).map(|(y, x)| Sample { x: f64::from(x), y: *y }).collect()
}

fn ceiling(max: f64) -> Band {
    Band { min: None, max: Some(max) }
}

fn steps(from: i32, band: Option<Band>) -> Vec<Step> {
    (from..from + 24).map(|x| Step { x: f64::from(x), band }).collect()
}

/// By hand: 1, 3, 2, 6 at x = 0, 1, 2, 3. The slopes of the six pairs are 2, 1/2, 5/3, -1, 3/2 and 4; in order
/// -1, 1/2, 3/2, 5/3, 2, 4, so their median is (3/2 + 5/3) / 2 = 19/12. median(x) = 3/2, median(y) = 5/2, so the
/// intercept is 5/2 - 19/12 · 3/2 = 1/8. Residuals: 1 - 1/8 = 7/8; 3 - 41/24 = 31/24; 2 - 79/24 = -31/24;
/// 6 - 39/8 = 9/8. In order -31/24, 7/8, 9/8, 31/24; the 10th percentile stands at 0.3:
/// -31/24 + 0.3 · (7/8 + 31/24) = -0.641667, the 90th at 2.7: 9/8 + 0.7 · (31/24 - 9/8) = 1.241667.
#[test]
fn a_line_worked_by_hand() {
    let line = theil_sen(&samples(&[1.0, 3.0, 2.0, 6.0])).unwrap();
    let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    near(line.slope, 19.0 / 12.0);
    let Expected { value, low, high } = line.at(0.0);
    near(value, 1.0 / 8.0);
    near(low, 1.0 / 8.0 - 0.641_666_666_666);
    near(high, 1.0 / 8.0 + 1.241_666_666_666);
    near(line.at(4.0).value, 1.0 / 8.0 + 19.0 / 3.0);
}

#[test]
fn a_line_needs_four_values_and_takes_the_last_twelve() {
    assert_eq!(theil_sen(&samples(&[1.0, 2.0, 3.0])), None);
    assert_eq!(theil_sen(&[Sample { x: 7.0, y: 1.0 }; 4]), None, "all at one x");
    let mut values = vec![1000.0; 20];
    values.extend((0..12).map(f64::from));
    let line = theil_sen(&samples(&values)).unwrap();
    assert_eq!((line.slope, line.at(32.0).value), (1.0, 12.0));
}

#[test]
fn a_line_reaches_a_band_leaves_it_or_does_neither() {
    // 20, 19, 18, 17: one less each time.
    let falling = theil_sen(&samples(&[20.0, 19.0, 18.0, 17.0])).unwrap();
    let at = |newest: f64, band: Band| crossing(&falling, newest, &band, &steps(4, Some(band)));
    // 16 at step 0, so 10 at step 6.
    assert_eq!(at(17.0, ceiling(10.0)), Crossing::Reached(6));
    assert_eq!(at(17.0, ceiling(17.0)), Crossing::NeverLeft);
    assert_eq!(at(17.0, Band { min: Some(12.5), max: None }), Crossing::Left(4));
    assert_eq!(at(17.0, Band { min: Some(18.0), max: None }), Crossing::NeverReached);
    assert_eq!(at(17.0, ceiling(-7.0)), Crossing::Reached(23), "the last step");
    assert_eq!(at(17.0, ceiling(-8.0)), Crossing::NeverReached);
    // A newest value that is wild does not move the line: it is inside at once.
    assert_eq!(at(90.0, ceiling(50.0)), Crossing::Reached(0));
}

#[test]
fn a_target_set_ahead_is_foreseen() {
    let flat = theil_sen(&samples(&[5.0, 5.0, 5.0, 5.0])).unwrap();
    let mut ahead = steps(4, Some(ceiling(6.0)));
    assert_eq!(crossing(&flat, 5.0, &ceiling(6.0), &ahead), Crossing::NeverLeft);
    ahead.iter_mut().skip(9).for_each(|step| step.band = Some(ceiling(4.0)));
    assert_eq!(crossing(&flat, 5.0, &ceiling(6.0), &ahead), Crossing::Left(9));
    ahead.iter_mut().skip(9).for_each(|step| step.band = None);
    assert_eq!(
        crossing(&flat, 5.0, &ceiling(6.0), &ahead),
        Crossing::NeverLeft,
        "no band is left by nothing"
    );
}

proptest! {
    #[test]
    fn a_straight_line_is_found_exactly(
        intercept in -1000..1000_i32,
        slope in -50..50_i32,
        xs in prop::collection::btree_set(-500..500_i32, 4..12),
    ) {
        let y = |x: i32| f64::from(intercept) + f64::from(slope) * f64::from(x);
        let samples: Vec<Sample> = xs.iter().map(|x| Sample { x: f64::from(*x), y: y(*x) }).collect();
        let line = theil_sen(&samples).unwrap();
        prop_assert_eq!(line.slope, f64::from(slope));
        for x in [-1000, 0, 777] {
            let expected = line.at(f64::from(x));
            prop_assert_eq!((expected.value, expected.low, expected.high), (y(x), y(x), y(x)));
        }
    }

    #[test]
    fn one_wild_value_among_twelve_does_not_turn_it(slope in -50..50_i32, index in 0..12_usize, wild in -1e9..1e9_f64) {
        let mut values: Vec<f64> = (0..12).map(|x| f64::from(slope) * f64::from(x)).collect();
        values[index] = wild;
        let line = theil_sen(&samples(&values)).unwrap();
        prop_assert_eq!(line.slope, f64::from(slope));
        // The median of y moves by one step of the line at the most.
        prop_assert!((line.at(20.0).value - f64::from(slope) * 20.0).abs() <= f64::from(slope).abs() + 1e-9);
    }

    #[test]
    fn another_zero_and_another_unit_move_the_line_with_them(
        values in prop::collection::vec(-1000..1000_i32, 4..20),
        moved in -1000..1000_i32,
        scale in -20..20_i32,
        later in -5000..5000_i32,
    ) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let change = |value: f64| value * f64::from(scale) + f64::from(moved);
        let changed: Vec<f64> = values.iter().map(|value| change(*value)).collect();
        let mut shifted = samples(&changed);
        shifted.iter_mut().for_each(|sample| sample.x += f64::from(later));
        let line = theil_sen(&samples(&values)).unwrap().at(30.0);
        let moved = theil_sen(&shifted).unwrap().at(30.0 + f64::from(later));
        let near = |left: f64, right: f64| (left - right).abs() < 1e-6;
        prop_assert!(near(change(line.value), moved.value));
        // Turned upside down, the 10th percentile becomes the 90th.
        let (low, high) = if scale >= 0 { (line.low, line.high) } else { (line.high, line.low) };
        prop_assert!(near(change(low), moved.low) && near(change(high), moved.high));
    }

    #[test]
    fn no_number_is_too_large(values in prop::collection::vec(-f64::MAX..f64::MAX, 0..20), x in -1e6..1e6_f64) {
        if let Some(line) = theil_sen(&samples(&values)) {
            let Expected { value, low, high } = line.at(x);
            prop_assert!(line.slope.is_finite() && value.is_finite() && low.is_finite() && high.is_finite());
            prop_assert!(low <= high);
            crossing(&line, 0.0, &ceiling(0.0), &steps(0, Some(ceiling(0.0))));
        }
    }
}
