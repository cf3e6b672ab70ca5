use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

fn way(kind: KeyResultKind, start: f64, target: f64) -> KeyResultGoal {
    KeyResultGoal { kind, start: Some(start), target: Some(target), range: Band::default() }
}

fn to(kind: KeyResultKind, target: f64) -> KeyResultGoal {
    KeyResultGoal { kind, start: None, target: Some(target), range: Band::default() }
}

fn between(min: f64, max: f64) -> KeyResultGoal {
    KeyResultGoal {
        kind: KeyResultKind::Between,
        start: None,
        target: None,
        range: Band { min: Some(min), max: Some(max) },
    }
}

const MILESTONE: KeyResultGoal = KeyResultGoal {
    kind: KeyResultKind::Milestone,
    start: None,
    target: None,
    range: Band { min: None, max: None },
};

#[test]
fn progress_by_kind() {
    let up = way(KeyResultKind::Increase, 20.0, 40.0);
    let down = way(KeyResultKind::Decrease, 4.0, -4.0);
    let least = to(KeyResultKind::AtLeast, 5.0);
    let most = to(KeyResultKind::AtMost, 5.0);
    let table = [
        (up, None, Some(0.0), Some(0.0)),
        (up, Some(15.0), Some(-0.25), Some(0.0)),
        (up, Some(25.0), Some(0.25), Some(0.25)),
        (up, Some(40.0), Some(1.0), Some(1.0)),
        (up, Some(50.0), Some(1.5), Some(1.0)),
        (down, None, Some(0.0), Some(0.0)),
        (down, Some(4.0), Some(0.0), Some(0.0)),
        (down, Some(-2.0), Some(0.75), Some(0.75)),
        (least, None, None, None),
        (least, Some(4.9), Some(0.0), Some(0.0)),
        (least, Some(5.0), Some(1.0), Some(1.0)),
        (most, None, None, None),
        (most, Some(5.0), Some(1.0), Some(1.0)),
        (most, Some(5.1), Some(0.0), Some(0.0)),
        (between(1.0, 2.0), None, None, None),
        (between(1.0, 2.0), Some(1.0), Some(1.0), Some(1.0)),
        (between(1.0, 2.0), Some(2.0), Some(1.0), Some(1.0)),
        (between(1.0, 2.0), Some(2.1), Some(0.0), Some(0.0)),
        (between(1.0, 2.0), Some(0.9), Some(0.0), Some(0.0)),
        (MILESTONE, None, Some(0.0), Some(0.0)),
        (MILESTONE, Some(0.4), Some(0.4), Some(0.4)),
        (MILESTONE, Some(1.2), Some(1.2), Some(1.0)),
        (way(KeyResultKind::Increase, 3.0, 3.0), Some(3.0), None, None),
        (least, Some(f64::NAN), None, None),
    ];
    for (goal, current, raw, value) in table {
        assert_eq!(goal.progress(current), Progress { raw, value }, "{goal:?} {current:?}");
    }
    // Standing at the start of a way down is 0, without a sign.
    assert!(down.progress(None).raw.is_some_and(f64::is_sign_positive));
}

#[test]
fn faults_of_goals() {
    use KeyResultFault as Fault;
    use KeyResultKind as Kind;
    let none = Band::default();
    let open = Band { min: Some(1.0), max: None };
    let goal = |kind, start, target, range| KeyResultGoal { kind, start, target, range };
    let table = [
        (way(Kind::Increase, 1.0, 2.0), vec![]),
        (way(Kind::Decrease, 2.0, 1.0), vec![]),
        (to(Kind::AtLeast, 2.0), vec![]),
        (way(Kind::AtMost, 1.0, 2.0), vec![]),
        (between(1.0, 1.0), vec![]),
        (MILESTONE, vec![]),
        (way(Kind::Increase, 2.0, 2.0), vec![Fault::StartEqualsTarget]),
        (way(Kind::Decrease, 2.0, 2.0), vec![Fault::StartEqualsTarget]),
        (way(Kind::Increase, 2.0, 1.0), vec![Fault::SignAgainstKind]),
        (way(Kind::Decrease, 1.0, 2.0), vec![Fault::SignAgainstKind]),
        (to(Kind::Increase, 2.0), vec![Fault::StartMissing]),
        (goal(Kind::Decrease, Some(1.0), None, none), vec![Fault::TargetMissing]),
        (goal(Kind::AtLeast, None, None, none), vec![Fault::TargetMissing]),
        (to(Kind::Milestone, 1.0), vec![Fault::TargetUnexpected]),
        (goal(Kind::Between, None, None, open), vec![Fault::RangeIncomplete]),
        (between(2.0, 1.0), vec![Fault::RangeMinAboveMax]),
        (goal(Kind::AtMost, None, Some(1.0), open), vec![Fault::RangeUnexpected]),
        (to(Kind::AtLeast, f64::NAN), vec![Fault::TargetOutOfRange]),
        (way(Kind::Increase, -2e15, 1.0), vec![Fault::StartOutOfRange]),
        (between(0.0, f64::INFINITY), vec![Fault::RangeOutOfRange]),
    ];
    for (goal, faults) in table {
        assert_eq!(goal.faults(), faults, "{goal:?}");
    }
}

#[test]
fn expected_progress_is_the_share_of_days() {
    let (start, due) = (Some(date(2024, 2, 28)), Some(date(2024, 3, 9)));
    let table = [
        (date(2024, 2, 27), 0.0),
        (date(2024, 2, 28), 0.0),
        // 2024 has a 29 February.
        (date(2024, 3, 1), 0.2),
        (date(2024, 3, 8), 0.9),
        (date(2024, 3, 9), 1.0),
        (date(2025, 3, 9), 1.0),
    ];
    for (today, share) in table {
        assert_eq!(expected(today, start, due), Some(share));
    }
    assert_eq!(expected(date(2024, 3, 1), None, due), None);
    assert_eq!(expected(date(2024, 3, 1), start, None), None);
    // Made on its due day, or after it.
    assert_eq!(expected(date(2024, 3, 9), due, due), Some(1.0));
    assert_eq!(expected(date(2024, 3, 9), Some(date(2024, 4, 1)), due), Some(1.0));
}

#[test]
fn pace_by_share_of_the_expected() {
    let table = [
        (0.45, 0.5, Pace::OnTrack),
        (0.449, 0.5, Pace::AtRisk),
        (0.36, 0.4, Pace::OnTrack),
        (0.35, 0.5, Pace::AtRisk),
        (0.349, 0.5, Pace::OffTrack),
        (1.0, 0.199, Pace::TooEarly),
        (0.18, 0.2, Pace::OnTrack),
        (0.0, 0.2 - f64::EPSILON, Pace::OffTrack),
        (0.0, 0.2, Pace::OffTrack),
        (0.9, 1.0, Pace::OnTrack),
    ];
    for (value, expected, wanted) in table {
        for kind in [KeyResultKind::Increase, KeyResultKind::Decrease, KeyResultKind::Milestone] {
            assert_eq!(pace(kind, Some(value), Some(expected)), wanted, "{value} of {expected}");
        }
    }
    assert_eq!(pace(KeyResultKind::Increase, None, Some(0.5)), Pace::None);
    assert_eq!(pace(KeyResultKind::Increase, Some(0.5), None), Pace::None);
    assert_eq!(pace(KeyResultKind::Increase, Some(f64::NAN), Some(0.5)), Pace::None);
}

#[test]
fn kinds_that_are_met_or_not_have_no_pace_before_they_are_due() {
    for kind in [KeyResultKind::AtLeast, KeyResultKind::AtMost, KeyResultKind::Between] {
        assert_eq!(pace(kind, Some(1.0), Some(0.99)), Pace::None);
        assert_eq!(pace(kind, Some(0.0), Some(0.99)), Pace::None);
        assert_eq!(pace(kind, Some(1.0), Some(1.0)), Pace::OnTrack);
        assert_eq!(pace(kind, Some(0.0), Some(1.0)), Pace::OffTrack);
        assert_eq!(pace(kind, None, Some(1.0)), Pace::None);
        assert_eq!(pace(kind, Some(1.0), None), Pace::None);
    }
}

#[test]
fn the_worst_confidence_is_not_hidden() {
    let good = Some(Confidence::OnTrack);
    let counts = confidence_counts(&[good, good, None, Some(Confidence::OffTrack), good]);
    assert_eq!(
        counts,
        ConfidenceCounts {
            worst: Some(Confidence::OffTrack),
            on_track: 3,
            at_risk: 0,
            off_track: 1,
            never: 1
        }
    );
    assert_eq!(confidence_counts(&[good, Some(Confidence::AtRisk)]).worst, Some(Confidence::AtRisk));
    assert_eq!(confidence_counts(&[None]), ConfidenceCounts { never: 1, ..ConfidenceCounts::default() });
}

#[test]
fn a_check_in_is_overdue_after_the_rhythm_and_two_days() {
    let last = date(2026, 2, 20);
    assert!(!check_in_overdue(date(2026, 3, 1), last, 7));
    assert!(check_in_overdue(date(2026, 3, 2), last, 7));
    assert!(!check_in_overdue(last, last, 0));
    assert!(!check_in_overdue(Date::MAX, last, u32::MAX));
}

proptest! {
    #[test]
    fn progress_is_bounded_and_never_falls_on_the_way(
        start in -1e15..1e15_f64, target in -1e15..1e15_f64, near in -1e15..1e15_f64, far in -1e15..1e15_f64,
    ) {
        prop_assume!(start != target);
        let kind = if target > start { KeyResultKind::Increase } else { KeyResultKind::Decrease };
        let goal = way(kind, start, target);
        prop_assert_eq!(goal.faults(), vec![]);
        let (low, high) = if near < far { (near, far) } else { (far, near) };
        let (before, after) = if target > start { (low, high) } else { (high, low) };
        let (before, after) = (goal.progress(Some(before)), goal.progress(Some(after)));
        prop_assert!(before.raw <= after.raw && before.value <= after.value);
        prop_assert!(after.raw.is_some_and(f64::is_finite));
        prop_assert!(after.value.is_some_and(|value| (0.0..=1.0).contains(&value)));
        prop_assert_eq!(goal.progress(Some(start)).raw, Some(0.0));
        prop_assert_eq!(goal.progress(Some(target)).raw, Some(1.0));
    }

    #[test]
    fn a_way_down_mirrors_a_way_up(start in -1e6..1e6_f64, way_up in 1e-3..1e6_f64, current in -1e6..1e6_f64) {
        let up = way(KeyResultKind::Increase, start, start + way_up);
        let down = way(KeyResultKind::Decrease, -start, -(start + way_up));
        prop_assert_eq!(up.progress(Some(current)), down.progress(Some(-current)));
    }

    #[test]
    fn expected_grows_from_0_to_1(start in 0_i32..4000, length in 0_i32..4000, today in -10_i32..8100) {
        let day = |offset: i32| date(2020, 1, 1).saturating_add(jiff::Span::new().days(offset));
        let (first, due) = (Some(day(start)), Some(day(start + length)));
        let share = expected(day(today), first, due);
        prop_assert!(share.is_some_and(|share| (0.0..=1.0).contains(&share)));
        prop_assert!(share <= expected(day(today + 1), first, due));
    }

    #[test]
    fn more_progress_is_never_a_worse_pace(value in 0.0..1.0_f64, more in 0.0..1.0_f64, expected in 0.2..1.0_f64) {
        let rank = |value: f64| match pace(KeyResultKind::Increase, Some(value), Some(expected)) {
            Pace::OnTrack => 2,
            Pace::AtRisk => 1,
            Pace::OffTrack => 0,
            Pace::TooEarly | Pace::None => -1,
        };
        prop_assert!(0 <= rank(value) && rank(value) <= rank((value + more).min(1.0)));
    }
}

#[test]
fn a_check_in_is_asked_for_a_rhythm_after_the_last() {
    let last = date(2026, 2, 20);
    assert_eq!(check_in_due_on(last, 7), date(2026, 2, 27));
    assert_eq!(check_in_due_on(last, 0), last);
    assert_eq!(check_in_due_on(last, u32::MAX), Date::MAX);
    // Asked for first, overdue later.
    assert!(!check_in_overdue(check_in_due_on(last, 7), last, 7));
}

#[test]
fn the_expected_value_lies_on_the_straight_way() {
    let goal = |kind, start, target| KeyResultGoal { kind, start, target, range: Band::default() };
    let table = [
        (KeyResultKind::Increase, Some(2.0), Some(4.0), Some(0.25), Some(2.5)),
        (KeyResultKind::Decrease, Some(75.0), Some(50.0), Some(0.2), Some(70.0)),
        (KeyResultKind::Decrease, Some(0.0), Some(-10.0), Some(1.0), Some(-10.0)),
        (KeyResultKind::Milestone, None, None, Some(0.4), Some(0.4)),
        (KeyResultKind::Increase, None, Some(4.0), Some(0.5), None),
        (KeyResultKind::Increase, Some(2.0), Some(4.0), None, None),
        (KeyResultKind::AtLeast, None, Some(9.0), Some(0.5), None),
        (KeyResultKind::AtMost, None, Some(9.0), Some(0.5), None),
        (KeyResultKind::Between, None, None, Some(0.5), None),
        (KeyResultKind::Increase, Some(f64::MAX), Some(f64::MIN), Some(0.5), None),
    ];
    for (kind, start, target, expected, value) in table {
        assert_eq!(expected_value(&goal(kind, start, target), expected), value, "{kind}");
    }
}

proptest! {
    #[test]
    fn who_is_where_is_expected_has_come_as_far_as_is_expected(
        start in -1e6..1e6_f64, way in prop_oneof![0.5..1e6_f64, -1e6..-0.5_f64], expected in 0.0..=1.0_f64,
    ) {
        let kind = if way > 0.0 { KeyResultKind::Increase } else { KeyResultKind::Decrease };
        let goal = KeyResultGoal { kind, start: Some(start), target: Some(start + way), range: Band::default() };
        let value = expected_value(&goal, Some(expected));
        let progress = goal.progress(value).value.expect("there is a value");
        prop_assert!((progress - expected).abs() < 1e-6, "{progress} is not {expected}");
    }
}

#[test]
fn net_confidence_counts_those_that_were_said() {
    let net = |on_track, at_risk, off_track, never| {
        net_confidence(&ConfidenceCounts { worst: None, on_track, at_risk, off_track, never })
    };
    assert_eq!(net(0, 0, 0, 7), None);
    assert_eq!(net(2, 1, 1, 9), Some(0.25));
    assert_eq!(net(0, 0, 3, 0), Some(-1.0));
    assert_eq!(net(4, 0, 0, 1), Some(1.0));
    assert_eq!(net(u32::MAX, u32::MAX, u32::MAX, u32::MAX), Some(0.0));
}
