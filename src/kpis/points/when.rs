//! When a point was measured: an instant, or a date, which stands for the start of that day.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};

use crate::access::{FromSegment, Scoped};
pub use crate::http::text::WhenText;
use crate::http::{Code, Problem, Result};
use crate::maths::Calendar;
use crate::store::{Day, Moment};

impl WhenText {
    /// What it says, where it says anything.
    pub fn read(&self) -> std::result::Result<When, NotAnInstant> {
        self.as_str().parse()
    }
}

/// A date or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A date.
    Day(Day),
    /// An instant.
    Instant(Moment),
}

/// A text that is neither a date nor an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnInstant;

impl fmt::Display for NotAnInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it must be a date such as 2026-03-31, or an instant such as 2026-03-31T09:30:00Z")
    }
}

/// How far ahead of the clock an instant may lie, for clocks that do not agree.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// The years in which something may have been measured.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2100;

/// Why a point cannot be dated so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misdated {
    /// The stable name of what is wrong.
    pub code: &'static str,
    /// The same for people.
    pub detail: String,
}

impl When {
    /// The first instant of it.
    pub fn start(self, calendar: &Calendar) -> Moment {
        match self {
            Self::Day(day) => calendar.start_of_day(day.date()).into(),
            Self::Instant(at) => at,
        }
    }

    /// The first instant after it.
    pub fn end(self, calendar: &Calendar) -> Moment {
        match self {
            Self::Day(day) => calendar.start_of_day(day.date().tomorrow().unwrap_or(day.date())).into(),
            Self::Instant(at) => Moment::from_microseconds(at.microseconds().saturating_add(1)),
        }
    }

    /// The instant of a point that is dated so.
    pub fn dates_a_point(self, calendar: &Calendar, now: Moment) -> std::result::Result<Moment, Misdated> {
        let today = calendar.day_of(now.timestamp());
        let (day, is_ahead, detail) = match self {
            Self::Day(day) => {
                let tomorrow = today.tomorrow().unwrap_or(today);
                (day.date(), day.date() > tomorrow, format!("a date lies at most on tomorrow, {tomorrow}"))
            }
            Self::Instant(at) => (
                calendar.day_of(at.timestamp()),
                at > now.plus(AHEAD),
                format!("an instant lies at most five minutes ahead of {now}"),
            ),
        };
        if is_ahead {
            return Err(Misdated { code: "in_the_future", detail });
        }
        if !YEARS.contains(&day.year()) {
            let detail = format!("the year lies between {} and {}", YEARS.start(), YEARS.end());
            return Err(Misdated { code: "out_of_bounds", detail });
        }
        Ok(self.start(calendar))
    }
}

impl FromStr for When {
    type Err = NotAnInstant;

    fn from_str(text: &str) -> std::result::Result<Self, NotAnInstant> {
        if !is_rfc_3339(text.as_bytes()) {
            return Err(NotAnInstant);
        }
        if text.len() == DATE.len() {
            return text
                .parse()
                .map(|day: jiff::civil::Date| Self::Day(day.into()))
                .map_err(|_| NotAnInstant);
        }
        text.parse().map(|at: Timestamp| Self::Instant(at.into())).map_err(|_| NotAnInstant)
    }
}

/// The forms, with 0 for any digit.
const DATE: &[u8] = b"0000-00-00";
const TIME: &[u8] = b"T00:00:00";
const OFFSET: &[u8] = b"+00:00";

/// The calendar's own parser takes more forms than RFC 3339 has.
fn is_rfc_3339(text: &[u8]) -> bool {
    let Some(rest) = after(text, DATE) else { return false };
    if rest.is_empty() {
        return true;
    }
    let Some(rest) = after(rest, TIME) else { return false };
    let rest = match rest.strip_prefix(b".") {
        None => rest,
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            match fraction.split_at_checked(digits) {
                Some((_, rest)) if (1..=9).contains(&digits) => rest,
                Some(_) | None => return false,
            }
        }
    };
    matches!(rest, b"Z" | b"z") || after(rest, OFFSET).is_some_and(<[u8]>::is_empty)
}

/// What follows a form at the beginning of a text.
fn after<'t>(text: &'t [u8], form: &[u8]) -> Option<&'t [u8]> {
    let (head, rest) = text.split_at_checked(form.len())?;
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'+' => matches!(byte, b'+' | b'-'),
        b'T' => matches!(byte, b'T' | b't'),
        other => byte == other,
    };
    head.iter().zip(form).all(fits).then_some(rest)
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromSegment for When {
    const PARAMETER: &'static str = "at";

    fn read(_: &mut Scoped, text: &str) -> Result<Self> {
        text.parse().map_err(|error: NotAnInstant| Problem::new(Code::InvalidId, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday;
    use jiff::tz::TimeZone;

    use super::*;

    fn berlin() -> Calendar {
        Calendar { zone: TimeZone::get("Europe/Berlin").expect("a zone"), week_starts_on: Weekday::Monday }
    }

    fn moment(text: &str) -> Moment {
        text.parse::<Timestamp>().expect("an instant").into()
    }

    #[test]
    fn dates_and_instants_are_read_and_nothing_else() {
        let cases = [
            ("2026-03-31", true),
            ("2026-03-31T09:30:00Z", true),
            ("2026-03-31t09:30:00.123456z", true),
            ("2026-03-31T09:30:00+02:00", true),
            ("2026-02-30", false),
            ("2026-03-31T09:30:00", false),
            ("2026-03-31T09:30Z", false),
            ("2026-03-31 09:30:00Z", false),
            ("2026-03-31T09:30:00+0200", false),
            ("2026-03-31T09:30:00+02:00[Europe/Berlin]", false),
            ("2026-03-31T09:30:00.Z", false),
            ("20260331", false),
            ("2026-3-31", false),
            ("+002026-03-31", false),
            ("now", false),
            ("", false),
        ];
        for (text, taken) in cases {
            assert_eq!(text.parse::<When>().is_ok(), taken, "{text}");
        }
    }

    #[test]
    fn a_date_is_its_first_instant_in_the_workspace() {
        let day: When = "2026-03-29".parse().expect("a date");
        assert_eq!(day.start(&berlin()), moment("2026-03-28T23:00:00Z"));
        assert_eq!(day.end(&berlin()), moment("2026-03-29T22:00:00Z"));
    }

    #[test]
    fn nothing_is_dated_beyond_tomorrow_or_outside_of_the_years() {
        let now = moment("2026-03-31T21:30:00Z");
        let code = |text: &str| {
            let when: When = text.parse().expect("a date or an instant");
            when.dates_a_point(&berlin(), now).err().map(|misdated| misdated.code)
        };
        assert_eq!(code("2026-04-01"), None);
        assert_eq!(code("2026-04-02"), Some("in_the_future"));
        assert_eq!(code("2026-03-31T21:35:00Z"), None);
        assert_eq!(code("2026-03-31T21:35:00.000001Z"), Some("in_the_future"));
        assert_eq!(code("2027-01-01"), Some("in_the_future"));
        assert_eq!(code("9999-12-31"), Some("in_the_future"));
        assert_eq!(code("1970-01-01"), None);
        assert_eq!(code("1969-12-31"), Some("out_of_bounds"));
        assert_eq!(code("0000-01-01"), Some("out_of_bounds"));
    }
}
