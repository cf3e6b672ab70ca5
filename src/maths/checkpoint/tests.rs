use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::health::Target;
use super::super::period::{Aggregation, Cadence, Folded};
use super::super::series::{KpiState, state, state_after};
use super::*;

fn calendar() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").unwrap(), week_starts_on: Weekday::Monday }
}

fn daily(aggregation: Aggregation) -> KpiSettings {
    KpiSettings::new(Cadence::Daily, aggregation)
}

fn on(day: i32) -> Date {
    date(2016, 1, 1).saturating_add(day.days())
}

fn entry(day: i32, folded: Folded) -> PeriodValue {
    PeriodValue { period: calendar().period_of_day(Cadence::Daily, on(day)), count: 1, folded }
}

fn at_least(effective_from: Option<i32>, min: f64) -> DatedTarget {
    let target = Target::new(Band { min: Some(min), max: None });
    DatedTarget { effective_from: effective_from.map(on), target: Some(target) }
}

/// A KPI that is written to, with the checkpoint that the writes leave.
struct Kpi {
    settings: KpiSettings,
    targets: Vec<DatedTarget>,
    series: Vec<PeriodValue>,
    checkpoint: Option<Checkpoint>,
    /// How often a state was told by the checkpoint, and how often by the whole series.
    told: (usize, usize),
}

impl Kpi {
    fn new(settings: KpiSettings, targets: Vec<DatedTarget>) -> Self {
        Self { settings, targets, series: Vec::new(), checkpoint: None, told: (0, 0) }
    }

    /// The periods that are read by the checkpoint.
    fn read(&self, checkpoint: &Checkpoint) -> Vec<PeriodValue> {
        let is_read = |entry: &&PeriodValue| entry.period.starts_at >= checkpoint.reads_from;
        self.series.iter().filter(is_read).copied().collect()
    }

    fn whole(&self, now: Timestamp) -> KpiState {
        state(&calendar(), &self.settings, &self.series, &self.targets, None, now)
    }

    fn short(&self, now: Timestamp) -> Option<KpiState> {
        let checkpoint = self.checkpoint?;
        let read = self.read(&checkpoint);
        state_after(&checkpoint, &calendar(), &self.settings, &read, &self.targets, None, now)
    }

    /// Puts a period in its place, or takes it away, as a write does.
    fn write(&mut self, day: i32, folded: Option<Folded>, now: Timestamp) {
        let starts_at = entry(day, Folded::Empty).period.starts_at;
        let place = self.series.partition_point(|entry| entry.period.starts_at < starts_at);
        if self.series.get(place).is_some_and(|entry| entry.period.starts_at == starts_at) {
            self.series.remove(place);
        }
        if let Some(folded) = folded {
            self.series.insert(place, entry(day, folded));
        }
        self.checkpoint = self.checkpoint.filter(|checkpoint| starts_at >= checkpoint.covers_until);
        let whole = self.whole(now);
        match self.short(now) {
            Some(short) => {
                assert_eq!(short, whole, "by {:?}", self.checkpoint);
                self.told.0 += 1;
            }
            None => {
                self.checkpoint = None;
                self.told.1 += 1;
            }
        }
        let read = self.checkpoint.map_or_else(|| self.series.clone(), |checkpoint| self.read(&checkpoint));
        if read.len() > MOST_READ {
            let before = self.checkpoint.as_ref();
            let newer = Checkpoint::of(before, &calendar(), &self.settings, &read, &self.targets, now);
            self.checkpoint = newer.or(self.checkpoint);
        }
    }
}

/// The end of a day.
fn evening(day: i32) -> Timestamp {
    calendar().end_of_day(on(day))
}

/// A value around a level that changes now and then, by a number of any size.
fn noise(level: f64, number: u32) -> f64 {
    level + f64::from(number % 1_000) / 100.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_shown_is_the_same(
        is_sum in any::<bool>(),
        confirm_periods in 1_u32..4,
        recover_periods in 1_u32..4,
        bounds in prop::collection::vec((0_i32..500, 0.0_f64..16.0), 0..4),
        has_target in any::<bool>(),
        steps in prop::collection::vec((0_u32..40, any::<u32>(), 0_u32..12), 120..420),
    ) {
        let aggregation = if is_sum { Aggregation::Sum } else { Aggregation::Last };
        let settings = KpiSettings { confirm_periods, recover_periods, ..daily(aggregation) };
        let mut targets: Vec<DatedTarget> =
            bounds.into_iter().map(|(day, min)| at_least(Some(day), min)).collect();
        targets.extend(has_target.then(|| at_least(None, 5.0)));
        let mut kpi = Kpi::new(settings, targets);
        let (mut day, mut level) = (0, 0.0);
        for (kind, number, back) in steps {
            let value = Folded::Value(noise(level, number));
            let back = i32::try_from(back).unwrap();
            match kind {
                // A correction, one that comes late, and one that goes.
                0..4 => kpi.write((day - back).max(0), Some(value), evening(day)),
                4 => kpi.write((day - 20 * back).max(0), Some(value), evening(day)),
                5 => kpi.write((day - back).max(0), None, evening(day)),
                // A day without a value, a gap, a change of the process, and a day that is still to come.
                6 => kpi.write(day, Some(Folded::Overflow), evening(day)),
                7 => day += back,
                8 => level += f64::from(number % 7) - 3.0,
                9 => kpi.write(day + back, Some(value), evening(day)),
                _ => {
                    day += 1;
                    // Seen while the day runs, or after it.
                    let now = if number % 2 == 0 { evening(day) } else { evening(day - 1) };
                    kpi.write(day, Some(value), now);
                }
            }
        }
    }
}

#[test]
fn a_long_series_is_told_by_its_newest_periods() {
    let mut kpi = Kpi::new(daily(Aggregation::Last), vec![at_least(None, 5.0)]);
    let mut longest = 0;
    for day in 0..1_000 {
        // Without a pattern, and so with a false shift now and then.
        let number = u32::try_from(day).unwrap().wrapping_mul(2_654_435_761) >> 7;
        kpi.write(day, Some(Folded::Value(noise(0.0, number))), evening(day));
        longest = longest.max(kpi.checkpoint.map_or(0, |checkpoint| kpi.read(&checkpoint).len()));
    }
    let (short, whole) = kpi.told;
    assert!(short > 930 && whole < 70, "{short} by the checkpoint, {whole} by the whole series");
    assert!(longest <= MOST_READ + 1, "{longest} are read");
}

#[test]
fn what_began_long_ago_goes_on() {
    let mut kpi = Kpi::new(daily(Aggregation::Last), vec![at_least(None, 5.0)]);
    for day in 0..400 {
        let value = match day {
            10 => 1.0,
            _ if day >= 100 => 4.0 + f64::from(day % 2) / 10.0,
            _ => 6.0 + f64::from(day % 3),
        };
        kpi.write(day, Some(Folded::Value(value)), evening(day));
    }
    let checkpoint = kpi.checkpoint.unwrap();
    assert!(checkpoint.reads_from > evening(300));
    let shown = kpi.short(evening(399)).unwrap();
    assert_eq!(shown.since, Some(on(100)));
    assert_eq!(shown.episode.map(|episode| episode.opened_on), Some(on(100)));
    assert_eq!(shown.reach.and_then(|reach| reach.min), Some(1.0));
    // It closes by the target that held when it opened.
    kpi.targets.push(at_least(Some(400), 3.0));
    kpi.write(400, Some(Folded::Value(4.0)), evening(400));
    let closed = kpi.short(evening(400)).and_then(|shown| shown.last_closed).unwrap();
    assert_eq!(
        (closed.opened_on, closed.closed_by),
        (on(100), Some(super::super::episode::ClosedBy::Target))
    );
}

#[test]
fn a_segment_ends_and_another_begins() {
    let wobble = |day: i32| f64::from((day + 1) % 2);
    let mut younger = 0;
    // A checkpoint is renewed about once in 28 days, so that some stand where the new segment is young.
    // Before an even day stands a value below the centre, so that the row of eight begins with that day.
    for shift in (200..228).step_by(2) {
        let mut kpi = Kpi::new(daily(Aggregation::Last), vec![at_least(None, 5.0)]);
        for day in 0..shift {
            kpi.write(day, Some(Folded::Value(6.0 + wobble(day))), evening(day));
        }
        let (_, whole) = kpi.told;
        for day in shift..300 {
            kpi.write(day, Some(Folded::Value(9.0 + wobble(day))), evening(day));
            if let NewestSegment::Younger { starts_at, .. } = kpi.checkpoint.unwrap().segment {
                assert_eq!(starts_at, entry(shift, Folded::Empty).period.starts_at);
                younger += 1;
            }
        }
        assert_eq!(kpi.told.1, whole, "all is told by checkpoints");
        match kpi.checkpoint.unwrap().segment {
            NewestSegment::Older { limits, .. } => assert_eq!(limits.centre, 9.5),
            NewestSegment::Younger { .. } => panic!("its limits are settled"),
        }
    }
    assert!(younger > 28, "{younger} were young");
}
