use jiff::civil::{Weekday, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::health::{DatedTarget, Target};
use super::super::period::{Cadence, Calendar, Folded};
use super::super::series::{PeriodValue, judge_series};
use super::*;

fn floor(min: f64) -> Target {
    Target { band: Band { min: Some(min), max: None }, tolerance: Band { min: Some(min - 2.0), max: None } }
}

/// Months of 2026 from January under targets from dates on.
fn months(values: &[f64], targets: &[DatedTarget]) -> Vec<Judged> {
    let calendar = Calendar { zone: TimeZone::UTC, week_starts_on: Weekday::Monday };
    let series: Vec<PeriodValue> = (1..)
        .zip(values)
        .map(|(month, value)| PeriodValue {
            period: calendar.period_of_day(Cadence::Monthly, date(2026, month, 1)),
            count: 1,
            folded: Folded::Value(*value),
        })
        .collect();
    judge_series(&series, targets)
}

fn always(target: Target) -> Vec<DatedTarget> {
    vec![DatedTarget { effective_from: None, target: Some(target) }]
}

/// Linked in February with this value, looked at in December.
fn linked(value: f64, judged: &[Judged]) -> GuardrailInput<'_> {
    GuardrailInput {
        baseline: Baseline {
            starts_on: date(2026, 2, 1),
            health: Health::Healthy,
            target: Some(floor(10.0)),
        },
        baseline_value: Some(value),
        judged,
        until: None,
        newest_point_on: None,
        now: "2026-12-01T00:00:00Z".parse().unwrap(),
    }
}

fn seen(value: f64, values: &[f64]) -> (Option<Date>, bool) {
    let Breach { breached_on, breached_before } =
        breach(&linked(value, &months(values, &always(floor(10.0)))));
    (breached_on, breached_before)
}

const MARCH: Option<Date> = Some(date(2026, 3, 31));
const APRIL: Option<Date> = Some(date(2026, 4, 30));
const MAY: Option<Date> = Some(date(2026, 5, 31));

#[test]
fn what_was_healthy_must_stay_within_its_band() {
    // January was before the link.
    assert_eq!(seen(12.0, &[3.0, 12.0]), (None, false));
    assert_eq!(seen(12.0, &[3.0, 12.0, 10.0]), (None, false));
    // At risk is outside of the band already.
    assert_eq!(seen(12.0, &[3.0, 12.0, 9.0]), (MARCH, false));
    assert_eq!(seen(12.0, &[3.0, 12.0, 9.0, 1.0]), (MARCH, false));
    assert_eq!(seen(12.0, &[3.0, 12.0, 9.0, 11.0]), (None, true));
    assert_eq!(seen(12.0, &[3.0, 12.0, 9.0, 11.0, 1.0]), (MAY, true));
}

#[test]
fn what_was_at_risk_must_not_become_unhealthy() {
    assert_eq!(seen(9.0, &[12.0, 9.0, 8.0]), (None, false));
    assert_eq!(seen(9.0, &[12.0, 9.0, 7.0]), (MARCH, false));
    assert_eq!(seen(9.0, &[12.0, 9.0, 7.0, 8.5]), (None, true));
}

#[test]
fn what_was_unhealthy_has_to_be_better_before_it_can_be_harmed() {
    assert_eq!(seen(5.0, &[12.0, 5.0, 1.0]), (None, false));
    assert_eq!(seen(5.0, &[12.0, 5.0, 9.0, 5.0]), (APRIL, false));
}

#[test]
fn moving_the_target_hides_nothing_and_accuses_nobody_wrongly() {
    let mut targets = always(floor(10.0));
    targets.push(DatedTarget { effective_from: Some(date(2026, 3, 1)), target: Some(floor(4.0)) });
    let lowered = months(&[12.0, 12.0, 6.0], &targets);
    assert_eq!(breach(&linked(12.0, &lowered)).breached_on, MARCH);
    targets[1].target = None;
    let without = months(&[12.0, 12.0, 6.0, 11.0], &targets);
    assert_eq!(breach(&linked(12.0, &without)), Breach { breached_on: None, breached_before: true });
    // Where nobody can tell, the state stays.
    let at_risk = breach(&linked(9.0, &without));
    assert_eq!(at_risk, Breach::default());
}

#[test]
fn without_value_or_target_only_becoming_unhealthy_counts() {
    let judged = months(&[12.0, 12.0, 9.0, 7.0], &always(floor(10.0)));
    let unknown = GuardrailInput { baseline_value: None, ..linked(12.0, &judged) };
    assert_eq!(breach(&unknown).breached_on, APRIL);
    let open = Baseline { target: None, ..unknown.baseline };
    assert_eq!(breach(&GuardrailInput { baseline: open, ..linked(12.0, &judged) }).breached_on, APRIL);
}

#[test]
fn it_guards_until_its_last_day() {
    let judged = months(&[12.0, 12.0, 11.0, 7.0], &always(floor(10.0)));
    let until = |day| breach(&GuardrailInput { until: Some(day), ..linked(12.0, &judged) }).breached_on;
    assert_eq!(until(date(2026, 3, 31)), None);
    assert_eq!(until(date(2026, 4, 1)), APRIL);
}

proptest! {
    /// Mirrored values under a mirrored band are harmed on the same days.
    #[test]
    fn both_directions_are_one_rule(values in prop::collection::vec(0_u8..20, 0..10), then in 0_u8..20) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
        let ceiling = Target {
            band: Band { min: None, max: Some(-10.0) },
            tolerance: Band { min: None, max: Some(-8.0) },
        };
        let (up, down) = (months(&values, &always(floor(10.0))), months(&mirrored, &always(ceiling)));
        let rising = linked(f64::from(then), &up);
        let falling = GuardrailInput {
            baseline: Baseline { target: Some(ceiling), ..rising.baseline },
            baseline_value: Some(-f64::from(then)),
            judged: &down,
            ..rising
        };
        prop_assert_eq!(breach(&rising), breach(&falling));
    }

    /// The last period alone decides whether what was healthy is harmed now.
    #[test]
    fn a_breach_lasts_as_long_as_its_cause(values in prop::collection::vec(0_u8..20, 2..10)) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let judged = months(&values, &always(floor(10.0)));
        let is_outside = values.last().is_some_and(|value| *value < 10.0);
        prop_assert_eq!(breach(&linked(12.0, &judged)).is_open(), is_outside);
    }
}
