use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

fn calendar(zone: &str, week_starts_on: Weekday) -> Calendar {
    Calendar { zone: TimeZone::get(zone).unwrap(), week_starts_on }
}

fn utc() -> Calendar {
    calendar("UTC", Weekday::Monday)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(calendar: &Calendar, cadence: Cadence, day: Date) -> (Date, Date) {
    let period = calendar.period_of_day(cadence, day);
    (period.starts_on, period.ends_on)
}

#[test]
fn a_day_belongs_to_a_period_of_each_cadence() {
    let table = [
        (Cadence::Daily, date(2024, 2, 29), date(2024, 2, 29)),
        (Cadence::Weekly, date(2024, 2, 26), date(2024, 3, 3)),
        (Cadence::Monthly, date(2024, 2, 1), date(2024, 2, 29)),
        (Cadence::Quarterly, date(2024, 1, 1), date(2024, 3, 31)),
        (Cadence::Yearly, date(2024, 1, 1), date(2024, 12, 31)),
    ];
    for (cadence, first, last) in table {
        assert_eq!(span(&utc(), cadence, date(2024, 2, 29)), (first, last));
    }
    assert_eq!(utc().period_of_day(Cadence::Yearly, date(2024, 2, 29)).days(), 366);
    assert_eq!(utc().period_of_day(Cadence::Monthly, date(2023, 2, 3)).days(), 28);
}

#[test]
fn every_quarter_has_its_months() {
    let table = [(3, 31, 1, 31), (4, 1, 4, 30), (9, 30, 7, 30), (12, 31, 10, 31)];
    for (month, day, first_month, last_day) in table {
        assert_eq!(
            span(&utc(), Cadence::Quarterly, date(2026, month, day)),
            (date(2026, first_month, 1), date(2026, first_month + 2, last_day)),
        );
    }
}

#[test]
fn a_week_may_begin_on_sunday() {
    let sunday = calendar("UTC", Weekday::Sunday);
    // 1 November 2026 is a Sunday.
    let week = (date(2026, 11, 1), date(2026, 11, 7));
    assert_eq!(span(&sunday, Cadence::Weekly, date(2026, 11, 1)), week);
    assert_eq!(span(&sunday, Cadence::Weekly, date(2026, 11, 7)), week);
    let monday_week = (date(2026, 10, 26), date(2026, 11, 1));
    assert_eq!(span(&utc(), Cadence::Weekly, date(2026, 11, 1)), monday_week);
    assert_eq!(
        sunday.ordinal(Cadence::Weekly, date(2026, 11, 1)),
        sunday.ordinal(Cadence::Weekly, date(2026, 10, 31)) + 1
    );
}

#[test]
fn a_day_without_midnight_begins_with_its_first_instant() {
    let table = [
        // 00:00 became 01:00.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00Z"),
        // 23:30 of the day before became 00:30.
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30:00Z"),
        // An ordinary midnight, in winter and in summer.
        ("Europe/Berlin", date(2026, 1, 15), "2026-01-14T23:00:00Z"),
        ("Europe/Berlin", date(2026, 7, 15), "2026-07-14T22:00:00Z"),
        // 01:00 became 00:00: midnight came twice, the first one counts.
        ("America/Havana", date(2018, 11, 4), "2018-11-04T04:00:00Z"),
    ];
    for (zone, day, first) in table {
        let calendar = calendar(zone, Weekday::Monday);
        let start = calendar.start_of_day(day);
        assert_eq!(start, at(first), "{zone}");
        assert_eq!(calendar.day_of(start), day);
        let before = start.checked_sub(SignedDuration::from_nanos(1)).unwrap();
        assert_eq!(calendar.day_of(before), day.yesterday().unwrap());
    }
}

#[test]
fn a_skipped_day_is_empty() {
    let apia = calendar("Pacific/Apia", Weekday::Monday);
    let skipped = apia.period_of_day(Cadence::Daily, date(2011, 12, 30));
    assert_eq!(skipped.starts_at, skipped.ends_at);
    assert_eq!(apia.day_of(skipped.starts_at), date(2011, 12, 31));
}

#[test]
fn days_are_as_long_as_the_clock_makes_them() {
    let berlin = calendar("Europe/Berlin", Weekday::Monday);
    for (day, hours) in [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)] {
        let period = berlin.period_of_day(Cadence::Daily, day);
        let length = period.ends_at.duration_since(period.starts_at);
        assert_eq!(length, SignedDuration::from_hours(hours));
        assert_eq!(period.days(), 1);
    }
}

#[test]
fn an_instant_belongs_to_the_period_of_its_local_date() {
    let tokyo = calendar("Asia/Tokyo", Weekday::Monday);
    let month = tokyo.period_of(Cadence::Monthly, at("2026-01-31T15:00:00Z"));
    assert_eq!(month.starts_on, date(2026, 2, 1));
    assert_eq!(month.starts_at, at("2026-01-31T15:00:00Z"));
    assert!(!month.is_complete(at("2026-02-28T14:59:59Z")));
    assert!(month.is_complete(at("2026-02-28T15:00:00Z")));
}

#[test]
fn an_irregular_point_stands_for_itself() {
    let instant = at("2026-05-05T10:20:30Z");
    let point = utc().period_of(Cadence::Irregular, instant);
    assert_eq!((point.starts_at, point.ends_at), (instant, instant));
    assert_eq!((point.starts_on, point.ends_on), (date(2026, 5, 5), date(2026, 5, 5)));
    assert_eq!(utc().next(Cadence::Irregular, &point), None);
    assert_eq!(utc().previous(Cadence::Irregular, &point), None);
    let day = utc().period_of_day(Cadence::Irregular, date(2026, 5, 5));
    assert_eq!(day.starts_at, at("2026-05-05T00:00:00Z"));
}

#[test]
fn calendar_numbers_are_known() {
    let table = [
        (Cadence::Daily, date(1970, 1, 2), 1),
        (Cadence::Daily, date(1969, 12, 31), -1),
        (Cadence::Irregular, date(1970, 2, 1), 31),
        (Cadence::Monthly, date(2026, 1, 31), 24_312),
        (Cadence::Quarterly, date(2026, 12, 31), 8_107),
        (Cadence::Yearly, date(2026, 6, 1), 2026),
    ];
    for (cadence, day, number) in table {
        assert_eq!(utc().ordinal(cadence, day), number);
    }
}

#[test]
fn the_ends_of_time_saturate() {
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"] {
        let calendar = calendar(zone, Weekday::Sunday);
        for cadence in Cadence::ALL {
            for instant in [Timestamp::MIN, Timestamp::MAX] {
                let period = calendar.period_of(*cadence, instant);
                assert!(period.starts_at <= period.ends_at);
            }
            let last = calendar.period_of_day(*cadence, Date::MAX);
            let first = calendar.period_of_day(*cadence, Date::MIN);
            assert_eq!(calendar.next(*cadence, &last), None);
            assert_eq!(calendar.previous(*cadence, &first), None);
            assert!(last.ends_on == Date::MAX && first.starts_on == Date::MIN);
        }
    }
}

fn sample<'a>(second: i64, feed: &'a str, value: f64) -> Sample<'a> {
    Sample { at: Timestamp::from_second(second).unwrap(), feed, value }
}

#[test]
fn points_fold_by_the_aggregation() {
    // Given out of order: the latest instant wins, then the feed that sorts last.
    let samples = [sample(20, "b", 4.0), sample(20, "a", 9.0), sample(10, "z", -1.0)];
    let table = [
        (Aggregation::Last, 4.0),
        (Aggregation::Sum, 12.0),
        (Aggregation::Mean, 4.0),
        (Aggregation::Min, -1.0),
        (Aggregation::Max, 9.0),
    ];
    for (aggregation, value) in table {
        assert_eq!(fold(aggregation, &samples), Folded::Value(value));
        assert_eq!(fold(aggregation, &[]), Folded::Empty);
        assert_eq!(fold(aggregation, &[]).value(), None);
    }
}

#[test]
fn a_value_that_is_not_finite_is_an_overflow_and_zero_has_no_sign() {
    let large = [sample(1, "", f64::MAX), sample(2, "", f64::MAX)];
    assert_eq!(fold(Aggregation::Sum, &large), Folded::Overflow);
    assert_eq!(fold(Aggregation::Mean, &large), Folded::Overflow);
    assert_eq!(fold(Aggregation::Max, &large), Folded::Value(f64::MAX));
    assert_eq!(fold(Aggregation::Last, &[sample(1, "", f64::NAN)]), Folded::Overflow);
    for aggregation in Aggregation::ALL {
        let zero = fold(*aggregation, &[sample(1, "", -0.0)]).value();
        assert!(zero.is_some_and(f64::is_sign_positive));
    }
}

#[test]
fn a_sum_is_taken_in_order_of_time() {
    let ten: Vec<Sample<'_>> = (0..10).map(|second| sample(second, "", 0.1)).collect();
    assert_eq!(fold(Aggregation::Sum, &ten), Folded::Value(0.999_999_999_999_999_9));
    let cancelling = [sample(3, "", 1.0), sample(2, "", -1e16), sample(1, "", 1e16)];
    assert_eq!(fold(Aggregation::Sum, &cancelling), Folded::Value(1.0));
}

fn any_cadence() -> impl Strategy<Value = Cadence> {
    prop::sample::select(vec![
        Cadence::Daily,
        Cadence::Weekly,
        Cadence::Monthly,
        Cadence::Quarterly,
        Cadence::Yearly,
    ])
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let zones = ["UTC", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Auckland"];
    let weekdays = [Weekday::Monday, Weekday::Saturday, Weekday::Sunday];
    (prop::sample::select(zones.to_vec()), prop::sample::select(weekdays.to_vec()))
        .prop_map(|(zone, weekday)| calendar(zone, weekday))
}

proptest! {
    #[test]
    fn periods_cover_time_without_gap_or_overlap(
        calendar in any_calendar(), cadence in any_cadence(), second in -3_000_000_000_i64..5_000_000_000,
    ) {
        let instant = Timestamp::from_second(second).unwrap();
        let period = calendar.period_of(cadence, instant);
        prop_assert!(period.starts_at <= instant && instant < period.ends_at);
        let next = calendar.next(cadence, &period).unwrap();
        prop_assert_eq!(next.starts_at, period.ends_at);
        prop_assert_eq!(days_between(period.ends_on, next.starts_on), 1);
        prop_assert_eq!(calendar.previous(cadence, &next), Some(period));
        let number = calendar.ordinal(cadence, period.starts_on);
        prop_assert_eq!(calendar.ordinal(cadence, period.ends_on), number);
        prop_assert_eq!(calendar.ordinal(cadence, next.starts_on), number + 1);
    }

    #[test]
    fn folding_does_not_depend_on_the_order_of_arrival(
        values in prop::collection::vec((0_i64..5, -1e15..1e15), 1..12), turn in 0_usize..12,
    ) {
        let samples: Vec<Sample<'_>> = values.iter().map(|(second, value)| sample(*second, "", *value)).collect();
        let mut turned = samples.clone();
        turned.rotate_left(turn % samples.len());
        for aggregation in Aggregation::ALL {
            let folded = fold(*aggregation, &samples);
            prop_assert_eq!(folded, fold(*aggregation, &turned));
            prop_assert!(folded.value().is_some_and(f64::is_finite));
        }
    }
}
