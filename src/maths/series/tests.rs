use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::super::episode::ClosedBy;
use super::super::health::Band;
use super::*;

fn berlin() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").unwrap(), week_starts_on: Weekday::Monday }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn floor(min: f64) -> Target {
    Target::new(Band { min: Some(min), max: None })
}

fn ceiling(max: f64) -> Target {
    Target::new(Band { min: None, max: Some(max) })
}

fn from(day: Date, target: Target) -> DatedTarget {
    DatedTarget { effective_from: Some(day), target: Some(target) }
}

fn always(target: Target) -> Vec<DatedTarget> {
    vec![DatedTarget { effective_from: None, target: Some(target) }]
}

fn months(values: &[(i8, f64)]) -> Vec<PeriodValue> {
    values
        .iter()
        .map(|(month, value)| PeriodValue {
            period: berlin().period_of_day(Cadence::Monthly, date(2026, *month, 1)),
            count: 1,
            folded: if value.is_finite() { Folded::Value(*value) } else { Folded::Overflow },
        })
        .collect()
}

fn monthly(aggregation: Aggregation, values: &[(i8, f64)], targets: &[DatedTarget], now: &str) -> KpiState {
    let settings = KpiSettings::new(Cadence::Monthly, aggregation);
    let series = months(values);
    let latest = series.last().map(|entry| entry.period.starts_at);
    state(&berlin(), &settings, &series, targets, latest, at(now))
}

fn last(values: &[(i8, f64)], targets: &[DatedTarget], now: &str) -> KpiState {
    monthly(Aggregation::Last, values, targets, now)
}

fn sum(values: &[(i8, f64)], targets: &[DatedTarget], now: &str) -> KpiState {
    monthly(Aggregation::Sum, values, targets, now)
}

#[test]
fn the_reasons_come_in_their_order() {
    let mid_march = "2026-03-15T12:00:00Z";
    let nothing = last(&[], &[], mid_march);
    assert_eq!(nothing.health_reason, Some(HealthReason::NoTarget));
    assert_eq!(nothing.freshness, Freshness::Never);
    let no_data = last(&[], &always(floor(1.0)), mid_march);
    assert_eq!((no_data.health, no_data.health_reason), (Health::Unknown, Some(HealthReason::NoData)));
    assert_eq!(no_data.target, Some(floor(1.0)));
    let no_target = last(&[(3, 5.0)], &[], mid_march);
    assert_eq!((no_target.health, no_target.health_reason), (Health::Unknown, Some(HealthReason::NoTarget)));
    assert_eq!(no_target.gap, None);
    let overflow = last(&[(2, 5.0), (3, f64::INFINITY)], &always(floor(1.0)), mid_march);
    assert_eq!((overflow.health, overflow.health_reason), (Health::Unknown, Some(HealthReason::Overflow)));
    assert_eq!(overflow.last_known, Some(Health::Healthy));
    assert_eq!(overflow.current.map(|current| current.value), Some(None));
    let green = last(&[(3, 5.0)], &always(floor(1.0)), mid_march);
    assert_eq!((green.health, green.health_reason, green.gap), (Health::Healthy, None, Some(0.0)));
}

#[test]
fn stale_is_never_green_and_red_stays_red() {
    // January is due from 1 March and stale from 11 March.
    let due = last(&[(1, 5.0)], &always(floor(1.0)), "2026-03-10T22:59:59Z");
    assert_eq!((due.health, due.freshness), (Health::Healthy, Freshness::Due));
    let stale = last(&[(1, 5.0)], &always(floor(1.0)), "2026-03-10T23:00:00Z");
    assert_eq!((stale.health, stale.health_reason), (Health::Unknown, Some(HealthReason::Stale)));
    assert_eq!((stale.last_known, stale.freshness), (Some(Health::Healthy), Freshness::Stale));
    let red = last(&[(1, 0.5)], &always(floor(1.0)), "2026-03-10T23:00:00Z");
    assert_eq!((red.health, red.health_reason), (Health::Unhealthy, Some(HealthReason::Stale)));
    assert_eq!(red.last_known, None);
}

#[test]
fn a_target_never_rewrites_history() {
    let targets = [from(date(2026, 1, 1), floor(4.0)), from(date(2026, 3, 1), floor(8.0))];
    let judged = judge_series(&months(&[(1, 5.0), (2, 5.0), (3, 5.0)]), &targets);
    let healths: Vec<Health> = judged.iter().map(|period| period.health).collect();
    assert_eq!(healths, [Health::Healthy, Health::Healthy, Health::Unhealthy]);
    // The last day of the period decides.
    let judged = judge_series(&months(&[(3, 5.0)]), &[from(date(2026, 3, 31), floor(8.0))]);
    assert_eq!((judged[0].health, judged[0].gap), (Health::Unhealthy, Some(3.0)));
    let judged = judge_series(&months(&[(3, 5.0)]), &[from(date(2026, 4, 1), floor(8.0))]);
    assert_eq!((judged[0].health, judged[0].gap), (Health::Unknown, None));
}

#[test]
fn change_is_against_the_nearest_earlier_value() {
    let values = [(1, -4.0), (2, f64::INFINITY), (3, -1.0)];
    let current = last(&values, &[], "2026-03-15T12:00:00Z").current.unwrap();
    assert_eq!((current.value, current.previous), (Some(-1.0), Some(-4.0)));
    assert_eq!((current.change, current.change_ratio), (Some(3.0), Some(0.75)));
    assert!(!current.complete);
    let from_zero = last(&[(1, 0.0), (2, 3.0)], &[], "2026-03-15T12:00:00Z").current.unwrap();
    assert_eq!((from_zero.change, from_zero.change_ratio), (Some(3.0), None));
    assert!(from_zero.complete);
    let alone = last(&[(1, 2.0)], &[], "2026-03-15T12:00:00Z").current.unwrap();
    assert_eq!((alone.previous, alone.change, alone.change_ratio), (None, None, None));
}

#[test]
fn since_is_the_first_day_of_the_stretch() {
    let targets = always(floor(4.0));
    let values = [(1, 5.0), (2, 1.0), (3, f64::INFINITY), (5, 2.0)];
    let state = last(&values, &targets, "2026-05-15T12:00:00Z");
    assert_eq!((state.health, state.since), (Health::Unhealthy, Some(date(2026, 2, 1))));
    assert_eq!(last(&[(1, 5.0)], &targets, "2026-01-15T12:00:00Z").since, Some(date(2026, 1, 1)));
    assert_eq!(last(&[], &targets, "2026-01-15T12:00:00Z").since, None);
}

#[test]
fn a_sum_shows_its_latest_complete_period() {
    let values = [(1, 300.0), (2, 310.0), (3, 30.0)];
    let targets = always(floor(280.0));
    // The last second of March in Berlin, and the first of April.
    let march = sum(&values, &targets, "2026-03-31T21:59:59Z");
    let current = march.current.unwrap();
    assert_eq!((current.value, current.complete, current.previous), (Some(310.0), true, Some(300.0)));
    assert_eq!((march.health, march.freshness), (Health::Healthy, Freshness::Fresh));
    assert_eq!(march.next_turn, Some(at("2026-03-31T22:00:00Z")));
    assert_eq!(march.episode, None);
    let april = sum(&values, &targets, "2026-03-31T22:00:00Z");
    assert_eq!(april.current.unwrap().value, Some(30.0));
    assert_eq!((april.health, april.since), (Health::Unhealthy, Some(date(2026, 3, 1))));
    assert_eq!(april.episode.unwrap().opened_on, date(2026, 3, 1));
    assert_eq!((april.running, april.next_turn), (None, None));
}

#[test]
fn a_running_sum_is_held_against_the_days_that_have_passed() {
    // 10 March in Berlin: 10 of 31 days, so 310 is prorated to 100.
    let now = "2026-03-10T12:00:00Z";
    let running = |value, target| sum(&[(2, 310.0), (3, value)], &always(target), now).running.unwrap();
    let floor_met = running(100.0, floor(310.0));
    assert_eq!((floor_met.elapsed_days, floor_met.total_days), (10, 31));
    assert_eq!(floor_met.expected, Some(floor(100.0)));
    assert_eq!(floor_met.target, Some(floor(310.0)));
    assert_eq!(floor_met.health, Health::Healthy);
    assert_eq!(running(99.0, floor(310.0)).health, Health::AtRisk);
    assert_eq!(running(100.0, ceiling(310.0)).health, Health::Healthy);
    assert_eq!(running(101.0, ceiling(310.0)).health, Health::AtRisk);
    assert_eq!(running(311.0, ceiling(310.0)).health, Health::Unhealthy);
    // The KPI's own health stays with the complete period.
    let state = sum(&[(2, 310.0), (3, 1.0)], &always(floor(310.0)), now);
    assert_eq!(state.health, Health::Healthy);
}

#[test]
fn the_running_period_counts_today_and_takes_its_own_target() {
    let targets = [from(date(2026, 1, 1), floor(28.0)), from(date(2026, 3, 20), floor(62.0))];
    let first_day = sum(&[(3, 2.0)], &targets, "2026-02-28T23:00:00Z");
    let running = first_day.running.unwrap();
    assert_eq!((running.elapsed_days, running.expected), (1, Some(floor(2.0))));
    assert_eq!(running.health, Health::Healthy);
    let last_day = sum(&[(3, 2.0)], &targets, "2026-03-31T21:59:59Z").running.unwrap();
    assert_eq!((last_day.elapsed_days, last_day.expected), (31, Some(floor(62.0))));
    assert_eq!(sum(&[(3, 2.0)], &[], "2026-03-15T12:00:00Z").running.unwrap().health, Health::Unknown);
    assert_eq!(last(&[(3, 2.0)], &targets, "2026-03-15T12:00:00Z").running, None);
    assert_eq!(sum(&[(2, 2.0)], &targets, "2026-03-15T12:00:00Z").running, None);
}

#[test]
fn a_sum_with_only_a_running_period_has_no_data_and_is_fresh() {
    let state = sum(&[(3, 2.0)], &always(floor(1.0)), "2026-03-15T12:00:00Z");
    assert_eq!((state.current, state.health_reason), (None, Some(HealthReason::NoData)));
    assert_eq!((state.freshness, state.since, state.gap), (Freshness::Fresh, None, None));
    assert_eq!(state.next_turn, Some(at("2026-03-31T22:00:00Z")));
}

#[test]
fn other_aggregations_take_the_running_period_too() {
    let state = last(&[(2, 5.0), (3, 1.0)], &always(floor(4.0)), "2026-03-15T12:00:00Z");
    assert_eq!((state.health, state.gap), (Health::Unhealthy, Some(3.0)));
    assert_eq!(state.episode.unwrap().opened_on, date(2026, 3, 1));
    assert_eq!(state.last_closed, None);
}

#[test]
fn the_latest_closed_episode_is_kept_beside_the_open_one() {
    let values = [(1, 1.0), (2, 5.0), (3, 2.0), (4, 6.0), (5, 3.0)];
    let state = last(&values, &always(floor(4.0)), "2026-05-15T12:00:00Z");
    let closed = state.last_closed.unwrap();
    assert_eq!((closed.opened_on, closed.closed_on), (date(2026, 3, 1), Some(date(2026, 4, 30))));
    assert_eq!(closed.closed_by, Some(ClosedBy::Value));
    assert_eq!(state.episode.unwrap().opened_on, date(2026, 5, 1));
}

#[test]
fn irregular_points_stand_for_themselves_even_in_a_sum() {
    let settings = KpiSettings::new(Cadence::Irregular, Aggregation::Sum);
    let instants = [at("2020-01-01T10:00:00Z"), at("2020-01-01T12:00:00Z")];
    let series: Vec<PeriodValue> = instants
        .iter()
        .zip([7.0, 3.0])
        .map(|(instant, value)| PeriodValue {
            period: berlin().period_of(Cadence::Irregular, *instant),
            count: 1,
            folded: Folded::Value(value),
        })
        .collect();
    let targets = always(floor(5.0));
    let now = at("2026-01-01T00:00:00Z");
    let shown = state(&berlin(), &settings, &series, &targets, Some(instants[1]), now);
    assert_eq!(shown.current.unwrap().value, Some(3.0));
    assert_eq!((shown.health, shown.freshness), (Health::Unhealthy, Freshness::Fresh));
    assert_eq!((shown.running, shown.next_turn, shown.freshness_dates), (None, None, None));
    let strict = KpiSettings { expect_every: Some(1.day()), ..settings };
    let shown = state(&berlin(), &strict, &series[..1], &targets, Some(instants[0]), now);
    assert_eq!((shown.health, shown.last_known), (Health::Unknown, Some(Health::Healthy)));
}

#[test]
fn periods_without_points_are_passed_over() {
    let mut series = months(&[(1, 5.0), (2, 0.0)]);
    series[1].count = 0;
    series[1].folded = Folded::Empty;
    let settings = KpiSettings::new(Cadence::Monthly, Aggregation::Sum);
    let now = at("2026-03-05T12:00:00Z");
    let shown = state(&berlin(), &settings, &series, &always(floor(4.0)), None, now);
    assert_eq!(shown.current.unwrap().period, series[0].period);
    assert_eq!(complete_values(&settings, &series, now), [5.0]);
}

#[test]
fn complete_values_leave_the_running_period_out() {
    let settings = KpiSettings::new(Cadence::Monthly, Aggregation::Last);
    let series = months(&[(1, 5.0), (2, f64::INFINITY), (3, 6.0), (4, 7.0)]);
    assert_eq!(complete_values(&settings, &series, at("2026-04-15T12:00:00Z")), [5.0, 6.0]);
}

proptest! {
    #[test]
    fn nothing_changes_by_the_clock_before_the_next_turn(
        values in prop::collection::vec(prop::option::of(-10.0..10.0_f64), 1..8),
        minutes in 0_i64..500_000, share in 0.0..1.0_f64, pick in 0_usize..2,
    ) {
        let aggregation = [Aggregation::Sum, Aggregation::Last][pick];
        let known: Vec<(i8, f64)> = values.iter().enumerate()
            .filter_map(|(index, value)| Some((i8::try_from(index).ok()? + 1, (*value)?)))
            .collect();
        let settings = KpiSettings { expect_every: Some(40.days()), ..KpiSettings::new(Cadence::Monthly, aggregation) };
        let series = months(&known);
        let latest = series.last().map(|entry| entry.period.starts_at);
        let targets = always(Target { band: Band { min: Some(0.0), max: None }, tolerance: Band { min: Some(-5.0), max: None } });
        let now = Timestamp::from_second(1_767_225_600 + minutes * 60).unwrap();
        let shown = |now| state(&berlin(), &settings, &series, &targets, latest, now);
        let first = shown(now);
        let turns = [first.next_turn, first.freshness_dates.map(|dates| dates.due_at), first.freshness_dates.map(|dates| dates.stale_at)];
        let turn = turns.into_iter().flatten().filter(|turn| *turn > now).min().unwrap_or(Timestamp::MAX);
        let wait = (turn.as_second() - now.as_second()).min(100_000_000) as f64 * share;
        let later = Timestamp::from_second(now.as_second() + wait as i64).unwrap();
        let without_running = |shown: KpiState| KpiState { running: None, ..shown };
        prop_assert_eq!(without_running(first.clone()), without_running(shown(later)));
        let green_when_stale = first.freshness == Freshness::Stale && first.health == Health::Healthy;
        prop_assert!(!green_when_stale);
        prop_assert!(first.health != Health::Unknown || first.health_reason.is_some());
    }
}
