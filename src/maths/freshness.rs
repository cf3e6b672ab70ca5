//! Freshness: whether the newest value still says something about today.
//! A value is fresh until the period after its own has ended, then due, and after some days of grace stale.
//! The two instants are computed once and compared with the clock later, so nothing waits for a write.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::period::{Cadence, Calendar, Period, days_after};
use super::word::words;

words! {
    /// Whether a KPI's newest value is recent enough.
    pub enum Freshness {
        /// The value is as recent as its cadence asks for.
        Fresh = "fresh",
        /// The next value should have come by now.
        Due = "due",
        /// The grace has passed too: the value says nothing about today.
        Stale = "stale",
        /// There has never been a point.
        Never = "never",
    }
}

/// From when on a value is due and stale, as local dates and as instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshnessDates {
    /// The day on which the next value is overdue, as of `due_at`.
    pub due_on: Date,
    /// The day on which the value is stale, as of `stale_at`.
    pub stale_on: Date,
    /// The first instant at which it is due.
    pub due_at: Timestamp,
    /// The first instant at which it is stale; never before `due_at`.
    pub stale_at: Timestamp,
}

/// The default grace in calendar days; 0 for an irregular KPI, which has no use for it.
pub const fn grace_days(cadence: Cadence) -> u32 {
    match cadence {
        Cadence::Daily => 1,
        Cadence::Weekly => 3,
        Cadence::Monthly => 10,
        Cadence::Quarterly => 20,
        Cadence::Yearly => 45,
        Cadence::Irregular => 0,
    }
}

/// The longest grace that can be set, in calendar days: the longest period of the cadence.
pub const fn longest_grace_days(cadence: Cadence) -> u32 {
    match cadence {
        Cadence::Daily => 1,
        Cadence::Weekly => 7,
        Cadence::Monthly => 31,
        Cadence::Quarterly => 92,
        Cadence::Yearly => 366,
        Cadence::Irregular => 0,
    }
}

/// From when on the value of a period is due and stale.
///
/// With `expect_every` a feed is also due after one such span without a point and stale after three;
/// of both rules the earlier instant holds. A span that is not positive counts as absent.
/// `None` for an irregular KPI without `expect_every`: it is never stale.
pub fn freshness_dates(
    calendar: &Calendar,
    cadence: Cadence,
    current_period: &Period,
    grace_days: u32,
    expect_every: Option<Span>,
    latest_point_at: Timestamp,
) -> Option<FreshnessDates> {
    let by_period = match cadence {
        Cadence::Irregular => None,
        Cadence::Daily | Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => {
            let due_on = calendar
                .next(cadence, current_period)
                .and_then(|next| next.ends_on.tomorrow().ok())
                .unwrap_or(Date::MAX);
            let stale_on = days_after(due_on, grace_days);
            Some((calendar.start_of_day(due_on), calendar.start_of_day(stale_on)))
        }
    };
    let by_span = expect_every
        .filter(|span| span.is_positive())
        .map(|span| (after(calendar, latest_point_at, span, 1), after(calendar, latest_point_at, span, 3)));
    let (due_at, stale_at) = match (by_period, by_span) {
        (Some(period), Some(span)) => (period.0.min(span.0), period.1.min(span.1)),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return None,
    };
    Some(FreshnessDates {
        due_on: calendar.day_of(due_at),
        stale_on: calendar.day_of(stale_at),
        due_at,
        stale_at,
    })
}

/// The instant some spans later in local time, at most the end of time.
fn after(calendar: &Calendar, at: Timestamp, span: Span, times: i64) -> Timestamp {
    span.checked_mul(times)
        .and_then(|span| at.to_zoned(calendar.zone.clone()).checked_add(span))
        .map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// How fresh a KPI is at an instant.
///
/// Without a point it is `never`; with points but without dates, as for an irregular KPI, it is always fresh.
pub fn freshness(
    latest_point_at: Option<Timestamp>,
    dates: Option<&FreshnessDates>,
    now: Timestamp,
) -> Freshness {
    match (latest_point_at, dates) {
        (None, _) => Freshness::Never,
        (Some(_), Some(dates)) if now >= dates.stale_at => Freshness::Stale,
        (Some(_), Some(dates)) if now >= dates.due_at => Freshness::Due,
        (Some(_), _) => Freshness::Fresh,
    }
}

#[cfg(test)]
mod tests;
