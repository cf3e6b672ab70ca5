//! How fast the pure maths is: what a workspace with a thousand KPIs asks of it at once.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::civil::{Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use regimen::maths::formula::{self, Expression, Read, Reading, evaluate};
use regimen::maths::{
    Aggregation, Band, Cadence, Calendar, DatedTarget, Folded, KeyResultGoal, KeyResultKind, KpiSettings,
    PeriodValue, Sample, Target, fold, judge_series, segments, state,
};

const KPIS: usize = 1_000;
const PERIODS: i32 = 36;

fn berlin() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").expect("a zone"), week_starts_on: Weekday::Monday }
}

/// A value between 40 and 60 that looks like noise and is the same in every run.
fn value(kpi: usize, period: usize) -> f64 {
    40.0 + ((kpi * 104_729 + period * 7_919) % 1000) as f64 / 50.0
}

fn targets() -> Vec<DatedTarget> {
    let band = Band { min: Some(45.0), max: None };
    let tolerance = Band { min: Some(42.0), max: None };
    vec![DatedTarget { effective_from: None, target: Some(Target { band, tolerance }) }]
}

fn monthly_series(calendar: &Calendar, kpi: usize) -> Vec<PeriodValue> {
    let first = date(2023, 1, 1);
    (0..PERIODS)
        .map(|month| PeriodValue {
            period: calendar.period_of_day(Cadence::Monthly, first.saturating_add(month.months())),
            count: 1,
            folded: Folded::Value(value(kpi, month as usize)),
        })
        .collect()
}

/// Health with its reason, episodes, trend, forecast, and the health of every period; and the progress of a key
/// result that reads the KPI.
fn whole_workspace(criterion: &mut Criterion) {
    let calendar = berlin();
    let settings = KpiSettings::new(Cadence::Monthly, Aggregation::Last);
    let targets = targets();
    let all: Vec<Vec<PeriodValue>> = (0..KPIS).map(|kpi| monthly_series(&calendar, kpi)).collect();
    let goal = KeyResultGoal {
        kind: KeyResultKind::Increase,
        start: Some(40.0),
        target: Some(55.0),
        range: Band::default(),
    };
    let now: Timestamp = "2026-01-20T12:00:00Z".parse().expect("an instant");
    criterion.bench_function("health, progress and signals of 1,000 KPIs with 36 periods", |bencher| {
        bencher.iter(|| {
            for series in &all {
                let shown = state(&calendar, &settings, black_box(series), &targets, None, now);
                black_box(judge_series(series, &targets));
                black_box(goal.progress(shown.current.and_then(|current| current.value)));
                black_box(shown.health);
            }
        });
    });
}

/// The stretches of a series between which its level shifted.
fn long_series(criterion: &mut Criterion) {
    for length in [36, 365, 3_650] {
        // Every 90 periods the level shifts, as in a process that is changed now and then.
        let values: Vec<f64> =
            (0..length).map(|period| value(1, period) + 15.0 * ((period / 90) % 2) as f64).collect();
        criterion.bench_function(&format!("segments of {length} values"), |bencher| {
            bencher.iter(|| segments(black_box(&values)));
        });
    }
}

fn formulas(criterion: &mut Criterion) {
    let text = "100 * (won - lost) / max(prev(won + lost), 1)";
    criterion.bench_function("reading a formula", |bencher| {
        bencher.iter(|| formula::read(black_box(text)).is_ok());
    });
    let mut numbers = HashMap::new();
    let expression: Expression<usize> = formula::read(text)
        .expect("a formula")
        .renamed(&mut |mention| -> Result<usize, ()> {
            let next = numbers.len();
            Ok(*numbers.entry(mention.name.clone()).or_insert(next))
        })
        .expect("names");
    criterion.bench_function("a formula of four inputs over 1,000 periods", |bencher| {
        bencher.iter(|| {
            for period in 1..=1_000 {
                let read = |read: Read<usize>| {
                    Reading::Value(value(read.input, period - read.periods_before as usize))
                };
                let _ = black_box(evaluate(black_box(&expression), &read));
            }
        });
    });
}

/// A year of hourly points into days.
fn folding(criterion: &mut Criterion) {
    let calendar = berlin();
    let first: Timestamp = "2025-01-01T00:00:00Z".parse().expect("an instant");
    let points: Vec<(Timestamp, f64)> = (0..365 * 24)
        .map(|hour| (first + SignedDuration::from_hours(hour), value(1, hour as usize)))
        .collect();
    for aggregation in [Aggregation::Last, Aggregation::Mean] {
        criterion.bench_function(
            &format!("a year of hourly points folded into days, {aggregation}"),
            |bencher| {
                bencher.iter_batched(
                    || points.clone(),
                    |points| {
                        let mut rest = points.as_slice();
                        while let Some((at, _)) = rest.first() {
                            let period = calendar.period_of(Cadence::Daily, *at);
                            let (day, after) =
                                rest.split_at(rest.partition_point(|(at, _)| *at < period.ends_at));
                            let samples: Vec<Sample> = day
                                .iter()
                                .map(|(at, value)| Sample { at: *at, feed: "", value: *value })
                                .collect();
                            black_box(fold(aggregation, &samples));
                            rest = after;
                        }
                    },
                    BatchSize::SmallInput,
                );
            },
        );
    }
}

criterion_group!(maths, whole_workspace, long_series, formulas, folding);
criterion_main!(maths);
