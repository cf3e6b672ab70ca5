use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn band(min: impl Into<Option<f64>>, max: impl Into<Option<f64>>) -> Band {
    Band { min: min.into(), max: max.into() }
}

/// Healthy from 10 to 20, tolerated from 8 to 25.
fn both() -> Target {
    Target { band: band(10.0, 20.0), tolerance: band(8.0, 25.0) }
}

#[test]
fn a_band_is_judged_with_its_ends_included() {
    let table = [
        (7.999, Health::Unhealthy, 2.001),
        (8.0, Health::AtRisk, 2.0),
        (9.999, Health::AtRisk, 0.001),
        (10.0, Health::Healthy, 0.0),
        (15.0, Health::Healthy, 0.0),
        (20.0, Health::Healthy, 0.0),
        (20.5, Health::AtRisk, -0.5),
        (25.0, Health::AtRisk, -5.0),
        (25.5, Health::Unhealthy, -5.5),
    ];
    for (value, health, distance) in table {
        assert_eq!(judge(value, &both()), health, "{value}");
        assert!((gap(value, &both().band) - distance).abs() < 1e-9, "{value}");
    }
}

#[test]
fn a_side_without_tolerance_has_no_warning_zone() {
    let floor = Target::new(band(0.0, None));
    assert_eq!(judge(0.0, &floor), Health::Healthy);
    assert_eq!(judge(-f64::MIN_POSITIVE, &floor), Health::Unhealthy);
    assert_eq!(judge(1e15, &floor), Health::Healthy);
    let lopsided = Target { band: band(10.0, 20.0), tolerance: band(None, 25.0) };
    assert_eq!(judge(9.0, &lopsided), Health::Unhealthy);
    assert_eq!(judge(21.0, &lopsided), Health::AtRisk);
}

#[test]
fn nothing_is_green_by_default() {
    assert_eq!(judge(1.0, &Target::default()), Health::Unknown);
    assert_eq!(judge(f64::NAN, &both()), Health::Unknown);
    assert_eq!(judge(f64::INFINITY, &Target::new(band(1.0, None))), Health::Unknown);
    assert_eq!(gap(f64::NAN, &both().band), 0.0);
    assert_eq!(gap(f64::MAX, &band(None, f64::MIN)), f64::MIN);
}

#[test]
fn faults_name_their_field() {
    use TargetFault::{MinAboveMax, NoBound, OutOfRange, ToleranceInsideTarget, ToleranceWithoutTarget};
    use TargetField::{TargetMax, TargetMin, ToleranceMax, ToleranceMin};
    let none = band(None, None);
    let table = [
        (band(10.0, 20.0), band(8.0, 25.0), vec![]),
        (band(10.0, 10.0), band(10.0, 10.0), vec![]),
        (band(1e15, None), none, vec![]),
        (none, none, vec![NoBound]),
        (band(20.1, 20.0), none, vec![MinAboveMax]),
        (band(10.0, None), band(10.1, None), vec![ToleranceInsideTarget(ToleranceMin)]),
        (band(None, 20.0), band(None, 19.9), vec![ToleranceInsideTarget(ToleranceMax)]),
        (band(10.0, None), band(None, 30.0), vec![ToleranceWithoutTarget(ToleranceMax)]),
        (band(None, 20.0), band(3.0, None), vec![ToleranceWithoutTarget(ToleranceMin)]),
        (band(f64::NAN, None), none, vec![OutOfRange(TargetMin)]),
        (band(None, f64::INFINITY), none, vec![OutOfRange(TargetMax)]),
        (band(0.0, None), band(-1.1e15, None), vec![OutOfRange(ToleranceMin)]),
    ];
    for (band, tolerance, faults) in table {
        assert_eq!(Target { band, tolerance }.faults(), faults);
    }
    assert_eq!(NoBound.field().as_str(), "target.min");
    assert_eq!(OutOfRange(ToleranceMax).field().as_str(), "tolerance.max");
}

#[test]
fn severity_takes_the_distance_to_the_tolerance_of_the_broken_side() {
    assert_eq!(severity(4.0, &both(), &[]), Some(2.0));
    assert_eq!(severity(-10.0, &both(), &[]), Some(2.0));
    assert_eq!(severity(0.0, &both(), &[]), Some(0.0));
}

#[test]
fn severity_without_tolerance_takes_the_mean_moving_range() {
    let floor = Target::new(band(10.0, None));
    assert_eq!(severity(6.0, &floor, &[1.0, 3.0, 2.0, 5.0]), Some(3.0));
    assert_eq!(severity(6.0, &floor, &[1.0]), None);
    assert_eq!(severity(6.0, &floor, &[4.0; 9]), None);
    // A tolerance on the target itself measures nothing either.
    let thin = Target { band: band(10.0, None), tolerance: band(10.0, None) };
    assert_eq!(severity(6.0, &thin, &[1.0, 3.0]), Some(3.0));
    assert_eq!(severity(6.0, &thin, &[]), None);
    // Only the last 24 values count: the leap before them does not.
    let mut values = vec![1000.0];
    values.extend((0..24).map(|index| f64::from(index % 2) * 2.0));
    assert_eq!(severity(6.0, &floor, &values), Some(3.0));
}

#[test]
fn the_target_that_began_last_is_in_force() {
    let first = Target::new(band(1.0, None));
    let second = Target::new(band(2.0, None));
    let targets = [
        DatedTarget { effective_from: Some(date(2026, 3, 1)), target: Some(second) },
        DatedTarget { effective_from: None, target: Some(first) },
        DatedTarget { effective_from: Some(date(2026, 5, 1)), target: None },
    ];
    assert_eq!(target_in_force(&targets, date(1900, 1, 1)), Some(&first));
    assert_eq!(target_in_force(&targets, date(2026, 2, 28)), Some(&first));
    assert_eq!(target_in_force(&targets, date(2026, 3, 1)), Some(&second));
    assert_eq!(target_in_force(&targets, date(2026, 4, 30)), Some(&second));
    assert_eq!(target_in_force(&targets, date(2026, 5, 1)), None);
    assert_eq!(target_in_force(&targets[..1], date(2026, 2, 28)), None);
    assert_eq!(target_in_force(&[], date(2026, 2, 28)), None);
}

#[test]
fn bounds_give_the_direction() {
    assert_eq!(direction(&band(1.0, None)), Some(Direction::HigherIsBetter));
    assert_eq!(direction(&band(None, 1.0)), Some(Direction::LowerIsBetter));
    assert_eq!(direction(&band(1.0, 2.0)), Some(Direction::StayWithin));
    assert_eq!(direction(&Band::default()), None);
}

#[test]
fn a_change_is_good_where_it_leads_towards_the_band() {
    let table = [
        (1.0, 2.0, band(5.0, None), Some(true)),
        (6.0, 5.0, band(5.0, None), Some(false)),
        (1.0, 2.0, band(None, 5.0), Some(false)),
        (2.0, 1.0, band(None, 5.0), Some(true)),
        (9.0, 12.0, band(2.0, 5.0), Some(false)),
        (1.0, 2.0, band(2.0, 5.0), Some(true)),
        (2.0, 5.0, band(2.0, 5.0), None),
        (1.0, 6.0, band(2.0, 5.0), None),
        (3.0, 3.0, band(5.0, None), None),
        (1.0, 2.0, Band::default(), None),
    ];
    for (previous, current, band, good) in table {
        assert_eq!(change_is_good(previous, current, &band), good, "{previous} {current}");
    }
}

#[test]
fn prorating_is_as_by_hand() {
    let target = Target { band: band(310.0, None), tolerance: band(31.0, None) };
    assert_eq!(target.prorated(10, 31), Target { band: band(100.0, None), tolerance: band(10.0, None) });
    assert_eq!(target.prorated(31, 31), target);
}

fn any_target() -> impl Strategy<Value = Target> {
    (-1e6..1e6_f64, 0.0..1e5_f64, prop::option::of(0.0..1e4_f64), prop::option::of(0.0..1e4_f64), 0..3_u8)
        .prop_map(|(min, width, below, above, shape)| {
            let max = min + width;
            let low = (shape != 1).then_some(min);
            let high = (shape != 0).then_some(max);
            Target {
                band: Band { min: low, max: high },
                tolerance: Band {
                    min: low.zip(below).map(|(min, below)| min - below),
                    max: high.zip(above).map(|(max, above)| max + above),
                },
            }
        })
}

/// A floor of 310 and a ceiling of 310 on the second of 31 days: 20 are expected by then.
#[test]
fn nothing_that_grows_is_red_on_its_second_day() {
    let tolerated = |target: Target| target.prorated(2, 31);
    let floor = Target { band: band(310.0, None), tolerance: band(155.0, None) };
    let ceiling = Target { band: band(None, 310.0), tolerance: band(None, 400.0) };
    let table = [
        (floor, 0.0, Health::AtRisk, "behind its share, and nothing is lost"),
        (floor, 19.9, Health::AtRisk, "behind its share"),
        (floor, 20.0, Health::Healthy, "its share is reached"),
        (floor, 310.0, Health::Healthy, "the floor is met"),
        (ceiling, 20.0, Health::Healthy, "within its share"),
        (ceiling, 20.1, Health::AtRisk, "ahead of its share, and nothing is broken"),
        (ceiling, 310.0, Health::AtRisk, "the ceiling is not passed"),
        (ceiling, 311.0, Health::AtRisk, "passed, and within the tolerance for good"),
        (ceiling, 401.0, Health::Unhealthy, "broken for good"),
    ];
    for (target, value, health, why) in table {
        assert_eq!(judge_running(value, &target, &tolerated(target)), health, "{value}: {why}");
        let mirror = Target { band: mirrored(target.band), tolerance: mirrored(target.tolerance) };
        assert_eq!(judge_running(-value, &mirror, &tolerated(mirror)), health, "{value} mirrored: {why}");
    }
    let zero = Target::new(band(None, 0.0));
    assert_eq!(judge_running(0.0, &zero, &tolerated(zero)), Health::Healthy);
    assert_eq!(
        judge_running(1.0, &zero, &tolerated(zero)),
        Health::Unhealthy,
        "one accident is one too many"
    );
}

/// The mirror image: what was higher is lower.
fn mirrored(band: Band) -> Band {
    Band { min: band.max.map(|max| -max), max: band.min.map(|min| -min) }
}

proptest! {
    #[test]
    fn directions_mirror_each_other(target in any_target(), value in -2e6..2e6_f64, next in -2e6..2e6_f64) {
        prop_assert_eq!(target.faults(), vec![]);
        let mirror = Target { band: mirrored(target.band), tolerance: mirrored(target.tolerance) };
        prop_assert_eq!(judge(value, &target), judge(-value, &mirror));
        prop_assert_eq!(gap(value, &target.band), -gap(-value, &mirror.band));
        prop_assert_eq!(
            change_is_good(value, next, &target.band),
            change_is_good(-value, -next, &mirror.band)
        );
        let recent = [value, next, 3.0];
        let turned = [-value, -next, -3.0];
        prop_assert_eq!(
            severity(gap(value, &target.band), &target, &recent),
            severity(gap(-value, &mirror.band), &mirror, &turned)
        );
    }

    #[test]
    fn the_gap_is_zero_exactly_where_it_is_healthy_and_closes_it(target in any_target(), value in -2e6..2e6_f64) {
        let distance = gap(value, &target.band);
        prop_assert_eq!(distance == 0.0, judge(value, &target) == Health::Healthy);
        prop_assert!(gap(value + distance, &target.band).abs() < 1e-6);
    }

    #[test]
    fn further_below_the_band_is_never_better(target in any_target(), depth in 0.0..1e6_f64, more in 0.0..1e6_f64) {
        let floor = target.band.min.unwrap_or(-1e6);
        let (near, far) = (floor - depth, floor - depth - more);
        if target.band.min.is_some() {
            prop_assert!(judge(near, &target) <= judge(far, &target));
            prop_assert!(gap(near, &target.band) <= gap(far, &target.band));
        }
    }

    #[test]
    fn severity_is_finite_and_grows_with_the_gap(target in any_target(), wide in 1.0..1e15_f64, recent in prop::collection::vec(-1e15..1e15_f64, 0..30)) {
        let small = severity(wide / 2.0, &target, &recent);
        let large = severity(wide, &target, &recent);
        prop_assert_eq!(small.is_some(), large.is_some());
        prop_assert!(large.is_none_or(f64::is_finite));
        prop_assert!(small <= large);
    }

    #[test]
    fn a_sum_at_its_last_day_is_red_only_where_a_limit_is_broken(target in any_target(), value in -2e6..2e6_f64) {
        let ended = judge_running(value, &target, &target.prorated(31, 31));
        let whole = judge(value, &target);
        prop_assert_eq!(ended == Health::Healthy, whole == Health::Healthy);
        prop_assert!(ended != Health::Unhealthy || whole == Health::Unhealthy);
        let mirror = Target { band: mirrored(target.band), tolerance: mirrored(target.tolerance) };
        prop_assert_eq!(ended, judge_running(-value, &mirror, &mirror.prorated(31, 31)));
    }
}
