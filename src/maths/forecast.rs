//! Forecast: where a straight line through the recent values leads, and when it crosses a target.
//! The line is Theil and Sen's, which one wild value cannot turn (P. K. Sen, *Estimates of the regression
//! coefficient based on Kendall's tau*, JASA 63, 1968). It says what the trend implies, not what will happen.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::health::{Band, DatedTarget, gap, target_in_force};
use super::number::{bounded, finite};
use super::period::{Cadence, Calendar, Period};

/// How many values a line is drawn through at the most.
pub const MOST_SAMPLES: usize = 12;
/// How many values a line needs.
pub const FEWEST_SAMPLES: usize = 4;
/// How many periods ahead one looks.
pub const STEPS_AHEAD: usize = 24;
/// Within how many periods a healthy KPI that would leave its band is slipping.
const STEPS_OF_SLIPPING: usize = 2;
/// Between which shares of the residuals the interval lies.
const INTERVAL: (f64, f64) = (0.1, 0.9);

/// A value and where it stands in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The calendar number of its period; days for an irregular KPI.
    pub x: f64,
    /// The value, in the unit of the KPI.
    pub y: f64,
}

/// A straight line with the spread of the values around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The median of the slopes of all pairs, in the unit of the values per unit of x.
    pub slope: f64,
    /// The medians of x and y: the line goes through them.
    through: Sample,
    /// The 10th percentile of the residuals, in the unit of the values.
    low: f64,
    /// The 90th percentile of the residuals, in the unit of the values.
    high: f64,
}

/// What a line says at some x, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The line itself.
    pub value: f64,
    /// The line plus the 10th percentile of the residuals.
    pub low: f64,
    /// The line plus the 90th percentile of the residuals.
    pub high: f64,
}

impl Line {
    /// What the line says at an x. Written as a distance from the medians, it is
    /// median(y) - slope · median(x) + slope · x without large numbers that cancel out.
    pub fn at(&self, x: f64) -> Expected {
        let value = bounded(self.through.y + self.slope * (x - self.through.x)).unwrap_or(self.through.y);
        let plus = |residual: f64| bounded(value + residual).unwrap_or(value);
        Expected { value, low: plus(self.low), high: plus(self.high) }
    }
}

/// The Theil–Sen line through samples in order of time: the last 12 of them, and at least four.
///
/// `None` with fewer, where all stand at one x, and where they are too large for a slope.
pub fn theil_sen(samples: &[Sample]) -> Option<Line> {
    let samples = samples.get(samples.len().saturating_sub(MOST_SAMPLES)..)?;
    if samples.len() < FEWEST_SAMPLES {
        return None;
    }
    let median = |numbers: Vec<f64>| percentile(numbers, 0.5);
    let slope = median_slope(samples)?;
    let through = Sample {
        x: median(samples.iter().map(|sample| sample.x).collect())?,
        y: median(samples.iter().map(|sample| sample.y).collect())?,
    };
    let line = Line { slope, through, low: 0.0, high: 0.0 };
    let residuals: Vec<f64> = samples.iter().map(|sample| sample.y - line.at(sample.x).value).collect();
    let (low, high) = INTERVAL;
    Some(Line { low: percentile(residuals.clone(), low)?, high: percentile(residuals, high)?, ..line })
}

/// The median of the slopes of all pairs of samples, in the unit of the values per unit of x; `None` without a pair
/// that has one.
pub fn median_slope(samples: &[Sample]) -> Option<f64> {
    let slopes = samples.iter().enumerate().flat_map(|(index, one)| {
        samples.iter().skip(index + 1).filter_map(|other| finite((other.y - one.y) / (other.x - one.x)))
    });
    percentile(slopes.collect(), 0.5)
}

/// The number below which a share of the numbers lies, between neighbours by linear interpolation
/// (Hyndman and Fan's seventh definition); `None` without numbers.
fn percentile(mut numbers: Vec<f64>, share: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let position = share * numbers.len().checked_sub(1)? as f64;
    let below = *numbers.get(position.floor() as usize)?;
    let above = *numbers.get(position.ceil() as usize)?;
    let part = position - position.floor();
    finite(below * (1.0 - part) + above * part)
}

/// A moment ahead, and the band that will hold then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Its x, as that of the samples.
    pub x: f64,
    /// The band; `None` where none holds then.
    pub band: Option<Band>,
}

/// What a line does about a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// The newest value lies outside, and the line is inside from this step on, counted from 0.
    Reached(usize),
    /// The newest value lies inside, and the line is outside from this step on.
    Left(usize),
    /// The newest value lies outside, and the line does not come inside.
    NeverReached,
    /// The newest value lies inside, and the line does not get outside.
    NeverLeft,
}

/// The first step at which a line is on the other side of the band than the newest value, under the band in force
/// now. Each step has a band of its own, so that a target that was set ahead is foreseen too.
pub fn crossing(line: &Line, newest: f64, band: &Band, steps: &[Step]) -> Crossing {
    let is_inside = |value: f64, band: &Band| gap(value, band) == 0.0;
    let now = is_inside(newest, band);
    let has_turned =
        |step: &Step| step.band.is_some_and(|band| is_inside(line.at(step.x).value, &band) != now);
    match (now, steps.iter().position(has_turned)) {
        (true, Some(step)) => Crossing::Left(step),
        (true, None) => Crossing::NeverLeft,
        (false, Some(step)) => Crossing::Reached(step),
        (false, None) => Crossing::NeverReached,
    }
}

/// The line through the newest values of a series, and the calendar that goes on behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading<'a> {
    calendar: &'a Calendar,
    cadence: Cadence,
    /// The line.
    pub line: Line,
    /// The newest period that has a value.
    pub newest: Period,
    /// The value of that period.
    pub value: f64,
    /// Days between two points of an irregular series: their mean distance.
    distance: i64,
}

impl<'a> Heading<'a> {
    /// Of a series in order of time: the last 12 values of complete periods, and at least four.
    pub fn of(calendar: &'a Calendar, cadence: Cadence, complete: &[(Period, f64)]) -> Option<Self> {
        let recent = complete.get(complete.len().saturating_sub(MOST_SAMPLES)..)?;
        let samples: Vec<Sample> =
            recent.iter().map(|(period, y)| Sample { x: number(calendar, cadence, period), y: *y }).collect();
        let line = theil_sen(&samples)?;
        let (newest, value) = *recent.last()?;
        let span = samples.first().zip(samples.last()).map_or(0.0, |(first, last)| last.x - first.x);
        let distance = (span / (samples.len() as f64 - 1.0)).round().max(1.0) as i64;
        Some(Self { calendar, cadence, line, newest, value, distance })
    }

    /// The periods that come after one; of an irregular series days as far apart as its points are.
    pub fn periods_after(&self, last: Period) -> impl Iterator<Item = Period> {
        let step = |period: &Period| match self.cadence {
            Cadence::Irregular => {
                let day = period.starts_on.saturating_add(SignedDuration::from_hours(24 * self.distance));
                Some(self.calendar.period_of_day(self.cadence, day))
            }
            Cadence::Daily | Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => {
                self.calendar.next(self.cadence, period)
            }
        };
        std::iter::successors(Some(last), step).skip(1)
    }

    /// A period ahead, with the band that will hold then.
    pub fn step(&self, period: &Period, band: Option<Band>) -> Step {
        Step { x: number(self.calendar, self.cadence, period), band }
    }

    /// What the line says of a period.
    pub fn at(&self, period: &Period) -> Expected {
        self.line.at(number(self.calendar, self.cadence, period))
    }
}

/// The calendar number of a period; of an irregular series that of its day.
fn number(calendar: &Calendar, cadence: Cadence, period: &Period) -> f64 {
    calendar.ordinal(cadence, period.starts_on) as f64
}

/// The first day of the period on which a line leaves the band that its newest value lies in, where that is one
/// of the two that follow it; each is judged by the target that is set for it.
///
/// Counted from the newest value and not from today, so that the clock alone changes nothing.
pub fn leaves_soon(heading: &Heading, band: &Band, targets: &[DatedTarget]) -> Option<Date> {
    let soon: Vec<Period> = heading.periods_after(heading.newest).take(STEPS_OF_SLIPPING).collect();
    let steps: Vec<Step> = soon
        .iter()
        .map(|period| {
            heading.step(period, target_in_force(targets, period.ends_on).map(|target| target.band))
        })
        .collect();
    match crossing(&heading.line, heading.value, band, &steps) {
        Crossing::Left(step) => soon.get(step).map(|period| period.starts_on),
        Crossing::Reached(_) | Crossing::NeverReached | Crossing::NeverLeft => None,
    }
}

#[cfg(test)]
mod tests;
