use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::health::{Band, DatedTarget, Target};
use super::super::period::{Cadence, Calendar, Folded};
use super::super::series::{Judged, PeriodValue, judge_series};
use super::*;

fn utc() -> Calendar {
    Calendar { zone: TimeZone::UTC, week_starts_on: Weekday::Monday }
}

fn floor(min: f64, tolerance: f64) -> Target {
    Target { band: Band { min: Some(min), max: None }, tolerance: Band { min: Some(tolerance), max: None } }
}

/// Months of 2026 from January, healthy from 10 and tolerated from 8 unless other targets are given.
fn months(values: &[Option<f64>], targets: &[DatedTarget]) -> Vec<Judged> {
    let mut period = utc().period_of_day(Cadence::Monthly, date(2026, 1, 1));
    let mut series = Vec::new();
    for value in values {
        series.push(PeriodValue {
            period,
            count: u32::from(value.is_some()),
            folded: value.map_or(Folded::Empty, Folded::Value),
        });
        period = utc().next(Cadence::Monthly, &period).unwrap();
    }
    judge_series(&series, targets)
}

fn always(target: Target) -> Vec<DatedTarget> {
    vec![DatedTarget { effective_from: None, target: Some(target) }]
}

fn rules(confirm_periods: u32, recover_periods: u32) -> EpisodeRules {
    EpisodeRules { confirm_periods, recover_periods }
}

/// First and last day of each episode, with everything long past.
fn spans(values: &[f64], rules: EpisodeRules) -> Vec<(Date, Option<Date>)> {
    let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
    let judged = months(&values, &always(floor(10.0, 8.0)));
    episodes(&judged, rules, None, Timestamp::MAX)
        .iter()
        .map(|episode| (episode.opened_on, episode.closed_on))
        .collect()
}

const GOOD: f64 = 12.0;
const RISK: f64 = 9.0;
const BAD: f64 = 5.0;

#[test]
fn an_episode_opens_and_closes() {
    let found = spans(&[GOOD, BAD, BAD, GOOD, BAD], rules(1, 1));
    assert_eq!(found, [(date(2026, 2, 1), Some(date(2026, 4, 30))), (date(2026, 5, 1), None)]);
    assert_eq!(spans(&[GOOD, RISK, GOOD], rules(1, 1)), []);
    assert_eq!(spans(&[], rules(1, 1)), []);
}

#[test]
fn it_opens_at_the_first_of_the_confirming_row() {
    assert_eq!(spans(&[BAD, BAD, GOOD, BAD, BAD], rules(3, 1)), []);
    assert_eq!(spans(&[BAD, GOOD, BAD, BAD, BAD], rules(3, 1)), [(date(2026, 3, 1), None)]);
    // At risk neither counts nor breaks the row.
    assert_eq!(spans(&[BAD, RISK, BAD, RISK, BAD], rules(3, 1)), [(date(2026, 1, 1), None)]);
    // None to confirm is one to confirm.
    assert_eq!(spans(&[GOOD, BAD], rules(0, 0)), [(date(2026, 2, 1), None)]);
}

#[test]
fn it_closes_at_the_first_of_the_recovering_row() {
    assert_eq!(
        spans(&[BAD, GOOD, BAD, GOOD, RISK, GOOD], rules(1, 2)),
        [(date(2026, 1, 1), Some(date(2026, 4, 30)))]
    );
    assert_eq!(spans(&[BAD, GOOD], rules(1, 2)), [(date(2026, 1, 1), None)]);
}

#[test]
fn missing_periods_neither_count_nor_break() {
    let judged = months(&[Some(BAD), None, Some(BAD), None, Some(GOOD)], &always(floor(10.0, 8.0)));
    let found = episodes(&judged, rules(2, 1), None, Timestamp::MAX);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].opened_on, date(2026, 1, 1));
    assert_eq!(found[0].closed_on, Some(date(2026, 5, 31)));
}

#[test]
fn the_worst_is_the_largest_gap_and_the_earlier_one_at_ties() {
    let judged = months(&[Some(7.0), Some(3.0), Some(9.0), Some(3.0)], &always(floor(10.0, 8.0)));
    let found = episodes(&judged, rules(1, 1), None, Timestamp::MAX);
    assert_eq!(
        found,
        [Episode {
            opened_on: date(2026, 1, 1),
            opening_value: 7.0,
            worst_value: 3.0,
            worst_on: date(2026, 2, 1),
            worst_gap: 7.0,
            closed_on: None,
            closed_by: None,
        }]
    );
}

#[test]
fn the_worst_is_held_against_its_own_target() {
    // 6 under a floor of 20 is worse than 5 under a floor of 10.
    let mut targets = always(floor(10.0, 8.0));
    targets.push(DatedTarget { effective_from: Some(date(2026, 2, 28)), target: Some(floor(20.0, 18.0)) });
    let judged = months(&[Some(5.0), Some(6.0)], &targets);
    let found = episodes(&judged, rules(1, 1), None, Timestamp::MAX);
    assert_eq!((found[0].worst_value, found[0].worst_gap), (6.0, 14.0));
}

#[test]
fn moving_the_goalposts_is_called_so() {
    let mut targets = always(floor(10.0, 8.0));
    targets.push(DatedTarget { effective_from: Some(date(2026, 2, 1)), target: Some(floor(4.0, 3.0)) });
    let by = |value: f64| {
        let judged = months(&[Some(BAD), Some(value)], &targets);
        episodes(&judged, rules(1, 1), None, Timestamp::MAX)[0].closed_by
    };
    assert_eq!(by(5.0), Some(ClosedBy::Target));
    // At risk under the old target is not healthy under it.
    assert_eq!(by(9.9), Some(ClosedBy::Target));
    assert_eq!(by(10.0), Some(ClosedBy::Value));
}

#[test]
fn while_the_closing_period_runs_it_closed_with_its_newest_point() {
    let judged = months(&[Some(BAD), Some(GOOD)], &always(floor(10.0, 8.0)));
    let closed_on =
        |now: &str, newest| episodes(&judged, rules(1, 1), newest, now.parse().unwrap())[0].closed_on;
    let newest = Some(date(2026, 2, 11));
    assert_eq!(closed_on("2026-02-12T00:00:00Z", newest), newest);
    assert_eq!(closed_on("2026-02-28T23:59:59Z", newest), newest);
    assert_eq!(closed_on("2026-03-01T00:00:00Z", newest), Some(date(2026, 2, 28)));
    // Tomorrow's point may lie in the next period already.
    let tomorrow = Some(date(2026, 3, 1));
    assert_eq!(closed_on("2026-02-28T12:00:00Z", tomorrow), Some(date(2026, 2, 28)));
}

#[test]
fn fast_cadences_ask_for_more_confirmation() {
    let by_default: Vec<u32> = Cadence::ALL.iter().map(|cadence| default_confirm_periods(*cadence)).collect();
    assert_eq!(by_default, [3, 2, 1, 1, 1, 1]);
}

/// Episodes found by searching a text of U and H: nothing in common with the code under test.
fn by_text(values: &[f64], confirm: usize, recover: usize) -> Vec<(usize, Option<usize>)> {
    let letters: Vec<(usize, char)> = values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| match value {
            value if *value >= 10.0 => Some((index, 'H')),
            value if *value < 8.0 => Some((index, 'U')),
            _ => None,
        })
        .collect();
    let text: String = letters.iter().map(|(_, letter)| *letter).collect();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(opens) = text[from..].find(&"U".repeat(confirm)) {
        let opens = from + opens;
        let confirmed = opens + confirm;
        let closes = text[confirmed..].find(&"H".repeat(recover)).map(|offset| confirmed + offset);
        found.push((letters[opens].0, closes.map(|closes| letters[closes].0)));
        match closes {
            Some(closes) => from = closes + recover,
            None => break,
        }
    }
    found
}

proptest! {
    #[test]
    fn episodes_agree_with_a_naive_search(
        values in prop::collection::vec(prop::sample::select(vec![GOOD, RISK, BAD]), 0..40),
        confirm in 1_u32..4, recover in 1_u32..4,
    ) {
        let some: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let judged = months(&some, &always(floor(10.0, 8.0)));
        let found = episodes(&judged, rules(confirm, recover), None, Timestamp::MAX);
        let days: Vec<(Date, Option<Date>)> = found.iter().map(|episode| (episode.opened_on, episode.closed_on)).collect();
        let naive: Vec<(Date, Option<Date>)> = by_text(&values, confirm as usize, recover as usize)
            .into_iter()
            .map(|(opens, closes)| (judged[opens].period.starts_on, closes.map(|closes| judged[closes].period.ends_on)))
            .collect();
        prop_assert_eq!(days, naive);
        for episode in &found {
            prop_assert!(episode.worst_gap >= 10.0 - episode.opening_value);
            prop_assert_eq!(episode.closed_on.is_some(), episode.closed_by.is_some());
        }
    }
}
