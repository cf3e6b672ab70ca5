use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use super::*;

fn berlin() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").unwrap(), week_starts_on: Weekday::Monday }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The dates of a point on a day at 10:00 UTC, with the default grace.
fn dates(cadence: Cadence, day: Date, expect_every: Option<Span>) -> Option<FreshnessDates> {
    let point = day.at(10, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
    let period = berlin().period_of(cadence, point);
    freshness_dates(&berlin(), cadence, &period, grace_days(cadence), expect_every, point)
}

#[test]
fn a_value_is_due_after_the_next_period_and_stale_after_the_grace() {
    let table = [
        (Cadence::Daily, date(2026, 3, 27), date(2026, 3, 29), date(2026, 3, 30)),
        (Cadence::Weekly, date(2026, 3, 4), date(2026, 3, 16), date(2026, 3, 19)),
        (Cadence::Monthly, date(2026, 1, 15), date(2026, 3, 1), date(2026, 3, 11)),
        (Cadence::Quarterly, date(2026, 1, 1), date(2026, 7, 1), date(2026, 7, 21)),
        (Cadence::Yearly, date(2023, 5, 5), date(2025, 1, 1), date(2025, 2, 15)),
    ];
    for (cadence, day, due_on, stale_on) in table {
        let dates = dates(cadence, day, None).unwrap();
        assert_eq!((dates.due_on, dates.stale_on), (due_on, stale_on));
        assert_eq!(dates.due_at, berlin().start_of_day(due_on));
        assert_eq!(dates.stale_at, berlin().start_of_day(stale_on));
        assert!(grace_days(cadence) <= longest_grace_days(cadence));
    }
}

#[test]
fn freshness_turns_at_the_very_instant() {
    let point = Some(at("2026-01-15T10:00:00Z"));
    let dates = dates(Cadence::Monthly, date(2026, 1, 15), None).unwrap();
    let table = [
        ("2026-02-28T22:59:59Z", Freshness::Fresh),
        ("2026-02-28T23:00:00Z", Freshness::Due),
        ("2026-03-10T22:59:59Z", Freshness::Due),
        ("2026-03-10T23:00:00Z", Freshness::Stale),
    ];
    for (now, word) in table {
        assert_eq!(freshness(point, Some(&dates), at(now)), word, "{now}");
        assert_eq!(freshness(None, Some(&dates), at(now)), Freshness::Never);
        assert_eq!(freshness(point, None, at(now)), Freshness::Fresh);
    }
}

#[test]
fn an_irregular_kpi_is_never_stale_unless_it_expects_points() {
    assert_eq!(dates(Cadence::Irregular, date(2026, 3, 28), None), None);
    let expected = dates(Cadence::Irregular, date(2026, 3, 28), Some(1.day())).unwrap();
    // One local day from 11:00 to 11:00, over the change to summer time: 23 hours.
    assert_eq!(expected.due_at, at("2026-03-29T09:00:00Z"));
    assert_eq!(expected.stale_at, at("2026-03-31T09:00:00Z"));
    assert_eq!((expected.due_on, expected.stale_on), (date(2026, 3, 29), date(2026, 3, 31)));
}

#[test]
fn of_both_rules_the_stricter_one_holds() {
    let strict = dates(Cadence::Monthly, date(2026, 1, 15), Some(6.hours())).unwrap();
    assert_eq!(strict.due_at, at("2026-01-15T16:00:00Z"));
    assert_eq!(strict.stale_at, at("2026-01-16T04:00:00Z"));
    let lax = dates(Cadence::Daily, date(2026, 1, 15), Some(2.months())).unwrap();
    assert_eq!(Some(lax), dates(Cadence::Daily, date(2026, 1, 15), None));
    // Due by the span, stale by the period.
    let mixed = dates(Cadence::Monthly, date(2026, 1, 15), Some(30.days())).unwrap();
    assert_eq!((mixed.due_on, mixed.stale_on), (date(2026, 2, 14), date(2026, 3, 11)));
}

#[test]
fn a_span_that_leads_nowhere_counts_as_absent_and_the_end_of_time_saturates() {
    assert_eq!(dates(Cadence::Irregular, date(2026, 3, 28), Some(0.days())), None);
    assert_eq!(dates(Cadence::Irregular, date(2026, 3, 28), Some(-1.days())), None);
    let long = dates(Cadence::Irregular, date(2026, 3, 28), Some(9000.years())).unwrap();
    assert_eq!(long.due_at, Timestamp::MAX);
    let period = berlin().period_of_day(Cadence::Yearly, Date::MAX);
    let last = freshness_dates(&berlin(), Cadence::Yearly, &period, u32::MAX, None, Timestamp::MAX).unwrap();
    assert!(last.due_at <= last.stale_at);
}
