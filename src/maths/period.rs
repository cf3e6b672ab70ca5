//! Calendar periods and the one value that a period's points fold into.
//! A period is a span of whole days in the workspace's time zone; its instants follow from its days.
//! Everything saturates at the ends of time, so no date is ever refused.

use jiff::civil::{Date, Weekday, date};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::number::finite;
use super::word::words;

words! {
    /// How often a KPI is measured.
    pub enum Cadence {
        /// Every calendar day.
        Daily = "daily",
        /// Every week, from the workspace's first day of the week.
        Weekly = "weekly",
        /// Every calendar month.
        Monthly = "monthly",
        /// Every calendar quarter, the first from January to March.
        Quarterly = "quarterly",
        /// Every calendar year.
        Yearly = "yearly",
        /// Whenever something happens: there are no periods, each point stands for itself.
        Irregular = "irregular",
    }

    /// How the points of one period become its value.
    pub enum Aggregation {
        /// The latest point.
        Last = "last",
        /// All points added up.
        Sum = "sum",
        /// The arithmetic mean of all points.
        Mean = "mean",
        /// The smallest point.
        Min = "min",
        /// The largest point.
        Max = "max",
    }
}

/// How a workspace divides time: its time zone and the first day of its week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The time zone in which days begin and end.
    pub zone: TimeZone,
    /// The first day of the week.
    pub week_starts_on: Weekday,
}

/// A calendar span of whole days, or a single instant for an irregular KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The first day.
    pub starts_on: Date,
    /// The last day, inclusive.
    pub ends_on: Date,
    /// The first instant of the first day.
    pub starts_at: Timestamp,
    /// The first instant after the last day, exclusive; equal to `starts_at` for a single instant.
    pub ends_at: Timestamp,
}

impl Period {
    /// How many days the period has, at least 1.
    pub fn days(&self) -> i64 {
        days_between(self.starts_on, self.ends_on) + 1
    }

    /// Whether the period has ended.
    pub fn is_complete(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }
}

/// One measured value, as folding sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The instant for which the value stands.
    pub at: Timestamp,
    /// Whose number it is; empty by default.
    pub feed: &'a str,
    /// The value, in the unit of the KPI.
    pub value: f64,
}

/// What the points of a period amount to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Folded {
    /// There is no point, so there is no value; it is never 0.
    Empty,
    /// The value, finite and without a negative zero, in the unit of the KPI.
    Value(f64),
    /// There are points, but their value is not finite.
    Overflow,
}

impl Folded {
    /// The value, where there is one.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Empty | Self::Overflow => None,
        }
    }
}

/// Days from one date to another, negative where the second is earlier.
pub fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// The day a number of days later, at most the last day of time.
pub(super) fn days_after(day: Date, days: u32) -> Date {
    day.saturating_add(jiff::SignedDuration::from_hours(i64::from(days) * 24))
}

impl Calendar {
    /// The local date of an instant.
    pub fn day_of(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The first instant of a day.
    ///
    /// Where the clock is put forward over midnight, the day begins at that very moment;
    /// where midnight comes twice, it begins with the first one.
    pub fn start_of_day(&self, day: Date) -> Timestamp {
        let midnight = self.zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0));
        let is_skipped = match midnight.offset() {
            AmbiguousOffset::Gap { .. } => true,
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => false,
        };
        match midnight.compatible() {
            Ok(at) if is_skipped => self.last_transition(at),
            Ok(at) => at,
            // Only the last and first day of time have no such instant.
            Err(_) if day.year() > 0 => Timestamp::MAX,
            Err(_) => Timestamp::MIN,
        }
    }

    /// The latest change of the clock at or before an instant, else the instant itself.
    ///
    /// A gap may begin before midnight (Toronto went from 23:30 to 00:30 in 1919).
    /// The usual reading of a skipped midnight would then lie half an hour into the day.
    fn last_transition(&self, at: Timestamp) -> Timestamp {
        let just_after = at.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        self.zone.preceding(just_after).next().map_or(at, |transition| transition.timestamp())
    }

    /// The period that holds a day. For an irregular KPI: the first instant of that day.
    pub fn period_of_day(&self, cadence: Cadence, day: Date) -> Period {
        if cadence == Cadence::Irregular {
            return self.instant(self.start_of_day(day), day);
        }
        let (starts_on, ends_on) = self.days_of_period(cadence, day);
        Period {
            starts_on,
            ends_on,
            starts_at: self.start_of_day(starts_on),
            ends_at: self.end_of_day(ends_on),
        }
    }

    /// The first instant after a day.
    pub fn end_of_day(&self, day: Date) -> Timestamp {
        day.tomorrow().map_or(Timestamp::MAX, |after| self.start_of_day(after))
    }

    /// The first and the last day of the period that holds a day; of an irregular KPI that day alone.
    fn days_of_period(&self, cadence: Cadence, day: Date) -> (Date, Date) {
        match cadence {
            Cadence::Daily | Cadence::Irregular => (day, day),
            Cadence::Weekly => {
                let past = i64::from(day.weekday().since(self.week_starts_on));
                (day.saturating_sub(past.days()), day.saturating_add((6 - past).days()))
            }
            Cadence::Monthly => (day.first_of_month(), day.last_of_month()),
            Cadence::Quarterly => {
                let past = i64::from((day.month() - 1) % 3);
                let first = day.first_of_month().saturating_sub(past.months());
                (first, first.saturating_add(2.months()).last_of_month())
            }
            Cadence::Yearly => (day.first_of_year(), day.last_of_year()),
        }
    }

    /// The period that holds an instant, by its local date. For an irregular KPI: the instant itself.
    pub fn period_of(&self, cadence: Cadence, at: Timestamp) -> Period {
        let day = self.day_of(at);
        match cadence {
            Cadence::Irregular => self.instant(at, day),
            Cadence::Daily | Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => {
                self.period_of_day(cadence, day)
            }
        }
    }

    fn instant(&self, at: Timestamp, day: Date) -> Period {
        Period { starts_on: day, ends_on: day, starts_at: at, ends_at: at }
    }

    /// The period after this one; `None` for an irregular KPI and at the end of time.
    pub fn next(&self, cadence: Cadence, period: &Period) -> Option<Period> {
        self.neighbour(cadence, period.ends_on.tomorrow().ok()?)
    }

    /// The period that begins at an instant, where `before` may be the one before it: then the zone is asked once and
    /// not three times, which long series feel.
    pub fn period_beginning(&self, cadence: Cadence, at: Timestamp, before: Option<&Period>) -> Period {
        let follows = before.filter(|before| cadence != Cadence::Irregular && before.ends_at == at);
        let Some(starts_on) = follows.and_then(|before| before.ends_on.tomorrow().ok()) else {
            return self.period_of(cadence, at);
        };
        let (starts_on, ends_on) = self.days_of_period(cadence, starts_on);
        Period { starts_on, ends_on, starts_at: at, ends_at: self.end_of_day(ends_on) }
    }

    /// The period before this one; `None` for an irregular KPI and at the beginning of time.
    pub fn previous(&self, cadence: Cadence, period: &Period) -> Option<Period> {
        self.neighbour(cadence, period.starts_on.yesterday().ok()?)
    }

    fn neighbour(&self, cadence: Cadence, day: Date) -> Option<Period> {
        match cadence {
            Cadence::Irregular => None,
            Cadence::Daily | Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => {
                Some(self.period_of_day(cadence, day))
            }
        }
    }

    /// The calendar number of the period that holds a day: neighbours differ by exactly 1.
    /// For an irregular KPI it is the number of the day.
    pub fn ordinal(&self, cadence: Cadence, day: Date) -> i64 {
        let days = days_between(date(1970, 1, 1), day);
        let year = i64::from(day.year());
        let month = i64::from(day.month()) - 1;
        match cadence {
            Cadence::Daily | Cadence::Irregular => days,
            // First days of weeks lie a multiple of seven apart, so the division never splits a week.
            Cadence::Weekly => (days - i64::from(day.weekday().since(self.week_starts_on))).div_euclid(7),
            Cadence::Monthly => year * 12 + month,
            Cadence::Quarterly => year * 4 + month / 3,
            Cadence::Yearly => year,
        }
    }
}

/// The value of a period from its points, in any order.
///
/// They are put in order of `at` and feed first, so that a sum is the same to the bit on every machine.
pub fn fold(aggregation: Aggregation, samples: &[Sample<'_>]) -> Folded {
    let mut ordered: Vec<&Sample<'_>> = samples.iter().collect();
    ordered.sort_by(|left, right| {
        (left.at, left.feed).cmp(&(right.at, right.feed)).then(left.value.total_cmp(&right.value))
    });
    let values = ordered.iter().map(|sample| sample.value);
    let folded = match aggregation {
        Aggregation::Last => ordered.last().map(|sample| sample.value),
        Aggregation::Sum => values.reduce(|sum, value| sum + value),
        Aggregation::Mean => values.reduce(|sum, value| sum + value).map(|sum| sum / ordered.len() as f64),
        Aggregation::Min => values.min_by(f64::total_cmp),
        Aggregation::Max => values.max_by(f64::total_cmp),
    };
    match folded.map(finite) {
        None => Folded::Empty,
        Some(None) => Folded::Overflow,
        Some(Some(value)) => Folded::Value(value),
    }
}

#[cfg(test)]
mod tests;
