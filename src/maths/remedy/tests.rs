use crate::maths::Calendar;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

use proptest::prelude::*;

use super::super::health::DatedTarget;
use super::super::period::Folded;
use super::super::series::{PeriodValue, judge_series};
use super::*;

fn calendar(week_starts_on: Weekday) -> Calendar {
    Calendar { zone: TimeZone::UTC, week_starts_on }
}

fn floor(min: f64) -> Target {
    Target { band: Band { min: Some(min), max: None }, tolerance: Band { min: Some(min - 2.0), max: None } }
}

/// Months of 2026 from January, healthy from 10 until the floor falls to 4 with `lowered_on`.
fn months(values: &[f64], lowered_on: Option<Date>) -> Vec<Judged> {
    let mut targets = vec![DatedTarget { effective_from: None, target: Some(floor(10.0)) }];
    targets.extend(lowered_on.map(|day| DatedTarget { effective_from: Some(day), target: Some(floor(4.0)) }));
    let series: Vec<PeriodValue> = (1..)
        .zip(values)
        .map(|(month, value)| PeriodValue {
            period: calendar(Weekday::Monday).period_of_day(Cadence::Monthly, date(2026, month, 1)),
            count: 1,
            folded: Folded::Value(*value),
        })
        .collect();
    judge_series(&series, &targets)
}

/// A standing remedy made in February for an active objective, looked at in December.
fn remedy(judged: &[Judged]) -> RemedyInput<'_> {
    RemedyInput {
        link: RemedyLink::Standing,
        objective: RemedyObjective::Active,
        baseline: Baseline {
            starts_on: date(2026, 2, 1),
            health: Health::Unhealthy,
            target: Some(floor(10.0)),
        },
        judged,
        rules: EpisodeRules { confirm_periods: 1, recover_periods: 1 },
        newest_point_on: None,
        today: date(2026, 12, 1),
        now: "2026-12-01T00:00:00Z".parse().unwrap(),
    }
}

fn active(values: &[f64], lowered_on: Option<Date>) -> RemedyOutcome {
    outcome(&remedy(&months(values, lowered_on)))
}

#[test]
fn only_the_periods_from_the_baseline_on_count() {
    assert_eq!(active(&[12.0, 5.0], None), RemedyOutcome::InProgress);
    // The baseline's own value was corrected since.
    assert_eq!(active(&[5.0, 12.0], None), RemedyOutcome::Recovered);
    assert_eq!(active(&[], None), RemedyOutcome::InProgress);
}

#[test]
fn a_recovery_holds_until_it_relapses() {
    let table = [
        (vec![5.0, 5.0, 9.0], RemedyOutcome::InProgress),
        (vec![5.0, 5.0, 10.0], RemedyOutcome::Recovered),
        (vec![5.0, 5.0, 10.0, 9.0], RemedyOutcome::Recovered),
        (vec![5.0, 5.0, 10.0, 7.0], RemedyOutcome::Relapsed),
        (vec![5.0, 5.0, 10.0, 7.0, 9.0], RemedyOutcome::Relapsed),
        (vec![5.0, 5.0, 10.0, 7.0, 11.0], RemedyOutcome::Recovered),
    ];
    for (values, wanted) in table {
        assert_eq!(active(&values, None), wanted, "{values:?}");
    }
}

#[test]
fn rows_are_as_long_as_the_kpi_asks_for() {
    let rules = EpisodeRules { confirm_periods: 2, recover_periods: 2 };
    let table = [
        (vec![5.0, 5.0, 11.0], RemedyOutcome::InProgress),
        (vec![5.0, 5.0, 11.0, 5.0, 11.0], RemedyOutcome::InProgress),
        (vec![5.0, 5.0, 11.0, 9.0, 11.0], RemedyOutcome::Recovered),
        (vec![5.0, 5.0, 11.0, 11.0, 5.0], RemedyOutcome::Recovered),
        (vec![5.0, 5.0, 11.0, 11.0, 5.0, 11.0, 5.0], RemedyOutcome::Recovered),
        (vec![5.0, 5.0, 11.0, 11.0, 5.0, 5.0, 11.0], RemedyOutcome::Relapsed),
    ];
    for (values, wanted) in table {
        let judged = months(&values, None);
        assert_eq!(outcome(&RemedyInput { rules, ..remedy(&judged) }), wanted, "{values:?}");
    }
}

#[test]
fn a_lowered_target_is_no_recovery() {
    let lowered = Some(date(2026, 3, 1));
    assert_eq!(active(&[5.0, 5.0, 5.0], lowered), RemedyOutcome::TargetMoved);
    assert_eq!(active(&[5.0, 5.0, 9.0], lowered), RemedyOutcome::TargetMoved);
    assert_eq!(active(&[5.0, 5.0, 10.0], lowered), RemedyOutcome::Recovered);
    assert_eq!(active(&[5.0, 5.0, 3.0], lowered), RemedyOutcome::InProgress);
    // What slips back under the old band only is still healthy by its own target.
    assert_eq!(active(&[5.0, 5.0, 10.0, 5.0], lowered), RemedyOutcome::Recovered);
    // A raised target can only be met by the value.
    let judged = months(&[5.0, 5.0, 12.0], None);
    let baseline =
        Baseline { starts_on: date(2026, 2, 1), health: Health::Unhealthy, target: Some(floor(3.0)) };
    assert_eq!(outcome(&RemedyInput { baseline, ..remedy(&judged) }), RemedyOutcome::Recovered);
    // Without a band at the baseline only the own target can decide.
    let baseline = Baseline { target: None, ..baseline };
    let judged = months(&[5.0, 5.0, 5.0], lowered);
    assert_eq!(outcome(&RemedyInput { baseline, ..remedy(&judged) }), RemedyOutcome::Recovered);
}

#[test]
fn the_objective_decides_what_the_values_do_not() {
    let effect_by = date(2026, 12, 1);
    let closed = RemedyObjective::Closed { closed_on: date(2026, 10, 31), effect_by };
    let ill = months(&[5.0, 5.0], None);
    let at = |objective, today| outcome(&RemedyInput { objective, today, ..remedy(&ill) });
    assert_eq!(at(RemedyObjective::Draft, effect_by), RemedyOutcome::Planned);
    assert_eq!(at(RemedyObjective::Active, effect_by), RemedyOutcome::InProgress);
    assert_eq!(at(closed, date(2026, 11, 30)), RemedyOutcome::AwaitingEffect);
    assert_eq!(at(closed, effect_by), RemedyOutcome::Failed);
    // Healthy for less than the row asks for is not failed.
    let rules = EpisodeRules { confirm_periods: 1, recover_periods: 2 };
    let judged = months(&[5.0, 5.0, 11.0], None);
    let input = RemedyInput { objective: closed, rules, ..remedy(&judged) };
    assert_eq!(outcome(&input), RemedyOutcome::AwaitingEffect);
    let input = RemedyInput { link: RemedyLink::Ended, ..input };
    assert_eq!(outcome(&input), RemedyOutcome::Withdrawn);
}

#[test]
fn what_is_to_prevent_holds_until_the_kpi_is_unhealthy() {
    // Closed on 10 March: February and March began before that, April after.
    let closed = RemedyObjective::Closed { closed_on: date(2026, 3, 10), effect_by: date(2026, 4, 10) };
    let (draft, active) = (RemedyObjective::Draft, RemedyObjective::Active);
    let table = [
        // The floor is 10; the baseline is February's, the second value.
        (vec![5.0, 12.0, 11.0], draft, RemedyOutcome::Planned),
        (vec![5.0, 12.0, 11.0], active, RemedyOutcome::InProgress),
        (vec![5.0, 12.0, 11.0], closed, RemedyOutcome::Held),
        // What broke before the end is to be healed, as any other.
        (vec![5.0, 12.0, 4.0], active, RemedyOutcome::InProgress),
        (vec![5.0, 12.0, 4.0, 11.0], active, RemedyOutcome::Recovered),
        (vec![5.0, 12.0, 4.0, 11.0, 4.0], active, RemedyOutcome::Relapsed),
        (vec![5.0, 12.0, 4.0, 4.0], closed, RemedyOutcome::Failed),
        // What breaks after the end does not undo that it held until then.
        (vec![5.0, 12.0, 11.0, 4.0], closed, RemedyOutcome::Held),
    ];
    for (values, objective, wanted) in table {
        let judged = months(&values, None);
        let usual = remedy(&judged);
        let baseline = Baseline { health: Health::Healthy, ..usual.baseline };
        let input = RemedyInput { baseline, objective, ..usual };
        assert_eq!(outcome(&input), wanted, "{values:?}, {objective:?}");
        let has_recovery = matches!(wanted, RemedyOutcome::Recovered | RemedyOutcome::Relapsed);
        assert_eq!(recovery(&input).is_some(), has_recovery, "{values:?}, {objective:?}");
    }
}

#[test]
fn a_recovery_has_a_day_and_a_value() {
    let judged = months(&[5.0, 5.0, 10.0, 12.0], None);
    let march = Recovery { recovered_on: date(2026, 3, 31), value: 10.0 };
    assert_eq!(recovery(&remedy(&judged)), Some(march));
    let running = RemedyInput {
        newest_point_on: Some(date(2026, 3, 9)),
        now: "2026-03-09T12:00:00Z".parse().unwrap(),
        judged: &judged[..3],
        ..remedy(&judged)
    };
    assert_eq!(recovery(&running).map(|found| found.recovered_on), Some(date(2026, 3, 9)));
    let relapsed = months(&[5.0, 5.0, 10.0, 2.0], None);
    assert_eq!(recovery(&remedy(&relapsed)), Some(march));
    assert_eq!(recovery(&remedy(&relapsed[..2])), None);
}

#[test]
fn the_share_of_the_gap_is_measured_by_one_band() {
    let band = floor(10.0).band;
    let table = [
        (6.0, 6.0, Some(0.0)),
        (6.0, 9.0, Some(0.75)),
        (6.0, 10.0, Some(1.0)),
        (6.0, 99.0, Some(1.0)),
        (6.0, 2.0, Some(-1.0)),
        (10.0, 2.0, None),
    ];
    for (before, now, share) in table {
        assert_eq!(share_of_gap_closed(before, now, &band), share);
    }
    // From below the band to above it: the sizes count, not the signs.
    let both = Band { min: Some(10.0), max: Some(20.0) };
    assert_eq!(share_of_gap_closed(6.0, 21.0, &both), Some(0.75));
}

#[test]
fn the_effect_shows_after_a_full_period_and_the_lag() {
    let table = [
        (Cadence::Daily, 0, date(2026, 3, 16)),
        (Cadence::Daily, 5, date(2026, 3, 21)),
        (Cadence::Weekly, 0, date(2026, 3, 22)),
        (Cadence::Monthly, 0, date(2026, 4, 15)),
        (Cadence::Monthly, 2, date(2026, 6, 15)),
        (Cadence::Quarterly, 0, date(2026, 6, 15)),
        (Cadence::Quarterly, 1, date(2026, 9, 15)),
        (Cadence::Yearly, 0, date(2027, 3, 15)),
        (Cadence::Irregular, 0, date(2026, 3, 16)),
    ];
    for (cadence, lag, day) in table {
        assert_eq!(effect_by(cadence, date(2026, 3, 15), lag), day);
    }
    for cadence in Cadence::ALL {
        let last = effect_by(*cadence, date(2026, 3, 15), u32::MAX);
        assert_eq!(last, Date::MAX);
    }
}

#[test]
fn days_are_never_negative() {
    assert_eq!(days_to_remedy(date(2026, 2, 27), date(2026, 3, 2)), 3);
    assert_eq!(days_to_remedy(date(2026, 3, 2), date(2026, 2, 27)), 0);
    assert_eq!(days_to_recovery(date(2024, 2, 28), date(2024, 3, 1)), 2);
    assert_eq!(days_to_recovery(date(2024, 3, 1), date(2024, 3, 1)), 0);
    assert_eq!(days_to_recovery(date(2024, 3, 2), date(2024, 3, 1)), 0);
}

#[test]
fn within_the_limits_of_before_it_may_be_chance() {
    // Mean 12, moving ranges of 2: limits 12 ± 5.32.
    let before = [11.0, 13.0, 11.0, 13.0, 11.0, 13.0];
    assert_eq!(may_be_chance(&before, 17.0), Some(true));
    assert_eq!(may_be_chance(&before, 17.4), Some(false));
    assert_eq!(may_be_chance(&before, 6.6), Some(false));
    assert_eq!(may_be_chance(&before[1..], 12.0), None);
}

#[test]
fn a_baseline_of_one_day_counts_itself() {
    let day = |day, value| Judged {
        period: calendar(Weekday::Monday).period_of_day(Cadence::Daily, day),
        value: Some(value),
        health: judge(value, &floor(10.0)),
        gap: Some(gap(value, &floor(10.0).band)),
        target: Some(floor(10.0)),
    };
    let before = [day(date(2026, 1, 31), 12.0)];
    assert_eq!(outcome(&remedy(&before)), RemedyOutcome::InProgress);
    let own = [day(date(2026, 2, 1), 12.0)];
    assert_eq!(outcome(&remedy(&own)), RemedyOutcome::Recovered);
}

/// A second, naive computation that shares no code: letters, and looking for runs in them.
mod naive {
    use super::*;

    /// `+` is healthy, `-` unhealthy, `~` in between, `?` without a value.
    pub fn letter(value: Option<f64>, floor: f64) -> char {
        match value {
            None => '?',
            Some(value) if value >= floor => '+',
            Some(value) if value >= floor - 2.0 => '~',
            Some(_) => '-',
        }
    }

    /// Where the first run of `wanted` that begins at `from` or later is long enough: the place of its last letter.
    fn end_of_run(letters: &[char], from: usize, wanted: char, enough: usize) -> Option<usize> {
        let counted: Vec<(usize, char)> = letters
            .iter()
            .copied()
            .enumerate()
            .skip(from)
            .filter(|(_, letter)| "+-".contains(*letter))
            .collect();
        let run = counted.windows(enough).find(|run| run.iter().all(|(_, letter)| *letter == wanted))?;
        run.last().map(|(place, _)| *place)
    }

    pub fn outcome(own: &[char], by_baseline: &[char], rules: EpisodeRules) -> RemedyOutcome {
        let (mut from, mut recovered, mut ever) = (0, false, false);
        loop {
            let end = if recovered {
                end_of_run(own, from, '-', rules.confirm_periods as usize)
            } else {
                end_of_run(by_baseline, from, '+', rules.recover_periods as usize)
            };
            let Some(end) = end else { break };
            recovered = !recovered;
            ever = true;
            from = end + 1;
        }
        let latest = own.iter().zip(by_baseline).rev().find(|(letter, _)| **letter != '?');
        match (recovered, ever, latest) {
            (true, _, _) => RemedyOutcome::Recovered,
            (false, true, _) => RemedyOutcome::Relapsed,
            (false, false, Some(('+', by_baseline))) if *by_baseline != '+' => RemedyOutcome::TargetMoved,
            (false, false, _) => RemedyOutcome::InProgress,
        }
    }
}

proptest! {
    #[test]
    fn the_outcome_is_that_of_a_naive_computation(
        values in prop::collection::vec(prop::option::weighted(0.9, 1_u8..13), 1..11),
        lowered_at in 0_usize..14,
        confirm_periods in 1_u32..4,
        recover_periods in 1_u32..4,
    ) {
        let rules = EpisodeRules { confirm_periods, recover_periods };
        let values: Vec<Option<f64>> = values.into_iter().map(|value| value.map(f64::from)).collect();
        let month = |place: usize| date(2026, i8::try_from(place + 2).unwrap(), 1);
        let targets = [
            DatedTarget { effective_from: None, target: Some(floor(10.0)) },
            DatedTarget { effective_from: Some(if lowered_at < 10 { month(lowered_at) } else { date(2027, 6, 1) }), target: Some(floor(4.0)) },
        ];
        let series: Vec<PeriodValue> = values.iter().enumerate().map(|(place, value)| PeriodValue {
            period: calendar(Weekday::Monday).period_of_day(Cadence::Monthly, month(place)),
            count: 1,
            folded: value.map_or(Folded::Overflow, Folded::Value),
        }).collect();
        let judged = judge_series(&series, &targets);
        let lowered = |place: usize| lowered_at < 10 && place >= lowered_at;
        let own: Vec<char> = values.iter().enumerate()
            .map(|(place, value)| naive::letter(*value, if lowered(place) { 4.0 } else { 10.0 })).collect();
        // Only what is healthy by its own target is held against the baseline's.
        let by_baseline: Vec<char> = values.iter().zip(&own)
            .map(|(value, own)| if *own == '+' { naive::letter(*value, 10.0) } else { *own }).collect();
        let input = RemedyInput { rules, ..remedy(&judged) };
        prop_assert_eq!(outcome(&input), naive::outcome(&own, &by_baseline, rules), "{:?} {:?}", own, by_baseline);
    }
}
