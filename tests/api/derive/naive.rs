//! The second, naive computation: what happens to a KPI, and what a person would make of it.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use regimen::maths::{Aggregation, Cadence, Health};
use regimen::store::workspace::WeekDay;
use regimen::store::{Day, Moment};

/// What happens to a KPI, one after the other.
#[derive(Clone, Debug)]
pub enum Step {
    /// Points come in one request: when (in hours before now), whose, what; nothing deletes.
    Points(Vec<(i64, &'static str, Option<f64>)>),
    /// The same once more.
    Again,
    /// A target holds from a day on (days before now), or from the beginning.
    Target(Option<i64>, Option<f64>, Option<f64>),
    /// Time passes, in hours.
    Wait(i64),
}

/// The points of a period, with its last day and its end.
type Grouped = (Date, Moment, Vec<(Moment, f64)>);

#[derive(Clone, Debug)]
pub struct Case {
    pub zone: &'static str,
    pub week_starts_on: WeekDay,
    pub cadence: Cadence,
    pub aggregation: Aggregation,
    pub confirm_periods: i32,
    pub recover_periods: i32,
    pub steps: Vec<Step>,
}

pub fn a_point() -> impl Strategy<Value = (i64, &'static str, Option<f64>)> {
    let hours = prop_oneof![4 => -20..200_i64, 3 => 0..3_000_i64, 1 => 0..20_000_i64];
    let feed = prop_oneof![4 => Just(""), 1 => Just("north"), 1 => Just("süd")];
    let value = prop_oneof![
        8 => (-30..60_i32).prop_map(|tenths| Some(f64::from(tenths) * 0.1)),
        1 => Just(Some(1e15)),
        2 => Just(None),
    ];
    (hours, feed, value)
}

pub fn a_step() -> impl Strategy<Value = Step> {
    let bound = || prop_oneof![1 => Just(None), 2 => (-2..5_i32).prop_map(|bound| Some(f64::from(bound)))];
    prop_oneof![
        6 => prop::collection::vec(a_point(), 1..6).prop_map(Step::Points),
        1 => Just(Step::Again),
        2 => (prop::option::of(-10..400_i64), bound(), bound())
            .prop_map(|(from, min, max)| Step::Target(from, min, max)),
        2 => prop_oneof![1..30_i64, 24..2_000_i64].prop_map(Step::Wait),
    ]
}

pub fn a_case() -> impl Strategy<Value = Case> {
    (
        prop_oneof![Just("Europe/Berlin"), Just("America/Sao_Paulo"), Just("Pacific/Apia")],
        prop_oneof![Just(WeekDay::Monday), Just(WeekDay::Sunday)],
        prop::sample::select(Cadence::ALL),
        prop::sample::select(Aggregation::ALL),
        1..4_i32,
        1..3_i32,
        prop::collection::vec(a_step(), 1..14),
    )
        .prop_map(
            |(zone, week_starts_on, cadence, aggregation, confirm_periods, recover_periods, steps)| Case {
                zone,
                week_starts_on,
                cadence,
                aggregation,
                confirm_periods,
                recover_periods,
                steps,
            },
        )
}

pub type Said = BTreeMap<(Moment, &'static str), f64>;

/// What was said, by the simplest means.
#[derive(Clone, Default)]
pub struct Memory {
    pub points: Said,
    pub targets: BTreeMap<Day, (Option<f64>, Option<f64>)>,
}

/// A period as a person would find it.
#[derive(Clone, Debug, PartialEq)]
pub struct Naive {
    pub starts_at: Moment,
    pub ends_on: Date,
    pub ends_at: Moment,
    pub value: f64,
    pub count: i32,
    pub newest_at: Moment,
    pub health: Health,
}

/// The days of the period that holds a day, by walking.
pub fn days_around(case: &Case, day: Date) -> (Date, Date) {
    let first_weekday = match case.week_starts_on {
        WeekDay::Sunday => Weekday::Sunday,
        _ => Weekday::Monday,
    };
    let same = |other: Date| match case.cadence {
        Cadence::Daily | Cadence::Irregular => other == day,
        Cadence::Weekly => {
            let back = |mut day: Date| {
                while day.weekday() != first_weekday {
                    day = day.yesterday().expect("a day");
                }
                day
            };
            back(other) == back(day)
        }
        Cadence::Monthly => (other.year(), other.month()) == (day.year(), day.month()),
        Cadence::Quarterly => (other.year(), (other.month() + 2) / 3) == (day.year(), (day.month() + 2) / 3),
        Cadence::Yearly => other.year() == day.year(),
    };
    let (mut first, mut last) = (day, day);
    while same(first.yesterday().expect("a day")) {
        first = first.yesterday().expect("a day");
    }
    while same(last.tomorrow().expect("a day")) {
        last = last.tomorrow().expect("a day");
    }
    (first, last)
}

/// The first instant of a day: the earliest whose local date it is, which lies within two days of its noon in UTC.
pub fn first_instant(zone: &TimeZone, day: Date) -> Moment {
    let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).expect("an instant").timestamp();
    let mut early = noon.checked_sub(SignedDuration::from_hours(48)).expect("an instant").as_second();
    let mut late = noon.checked_add(SignedDuration::from_hours(48)).expect("an instant").as_second();
    while late - early > 1 {
        let middle = early + (late - early) / 2;
        let at = Timestamp::from_second(middle).expect("an instant");
        if zone.to_datetime(at).date() < day { early = middle } else { late = middle }
    }
    Timestamp::from_second(late).expect("an instant").into()
}

impl Memory {
    pub fn target(&self, day: Date) -> Option<(Option<f64>, Option<f64>)> {
        let (_, bounds) = self.targets.range(..=Day::from(day)).next_back()?;
        (bounds.0.is_some() || bounds.1.is_some()).then_some(*bounds)
    }

    pub fn judge(&self, value: f64, day: Date) -> Health {
        match self.target(day) {
            None => Health::Unknown,
            Some((min, max)) if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) => {
                Health::Unhealthy
            }
            Some(_) => Health::Healthy,
        }
    }

    pub fn periods(&self, case: &Case) -> Vec<Naive> {
        let zone = TimeZone::get(case.zone).expect("a zone");
        let mut grouped: BTreeMap<Moment, Grouped> = BTreeMap::new();
        for ((at, _), value) in &self.points {
            let (starts_at, ends_on, ends_at) = match case.cadence {
                Cadence::Irregular => (*at, zone.to_datetime(at.timestamp()).date(), *at),
                _ => {
                    let (first, last) = days_around(case, zone.to_datetime(at.timestamp()).date());
                    let after = last.tomorrow().expect("a day");
                    (first_instant(&zone, first), last, first_instant(&zone, after))
                }
            };
            grouped.entry(starts_at).or_insert((ends_on, ends_at, Vec::new())).2.push((*at, *value));
        }
        grouped
            .into_iter()
            .map(|(starts_at, (ends_on, ends_at, points))| {
                let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
                let mut sum = values[0];
                for value in &values[1..] {
                    sum += value;
                }
                let value = match case.aggregation {
                    Aggregation::Last => values[values.len() - 1],
                    Aggregation::Sum => sum,
                    Aggregation::Mean => sum / values.len() as f64,
                    Aggregation::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
                    Aggregation::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                } + 0.0;
                let newest_at = points[points.len() - 1].0;
                let health = self.judge(value, ends_on);
                let count = i32::try_from(points.len()).expect("a few points");
                Naive { starts_at, ends_on, ends_at, value, count, newest_at, health }
            })
            .collect()
    }
}

/// The beginning of the open episode, by reading the periods from left to right.
pub fn open_episode(case: &Case, counting: &[Naive]) -> Option<Moment> {
    let told: Vec<&Naive> = counting
        .iter()
        .filter(|period| matches!(period.health, Health::Healthy | Health::Unhealthy))
        .collect();
    let (mut rest, mut open) = (told.as_slice(), None);
    loop {
        let (wanted, length) = match open {
            None => (Health::Unhealthy, case.confirm_periods),
            Some(_) => (Health::Healthy, case.recover_periods),
        };
        let length = usize::try_from(length).expect("a length");
        let Some(found) =
            rest.windows(length).position(|row| row.iter().all(|period| period.health == wanted))
        else {
            return open;
        };
        open = match open {
            None => Some(rest[found].starts_at),
            Some(_) => None,
        };
        rest = &rest[found + length..];
    }
}
