//! Longer periods than a KPI's own: which cadences are longer, which target holds for them, and which lay a year before.

use jiff::{Span, ToSpan};

use super::health::{Band, DatedTarget, Target, target_in_force};
use super::number::bounded;
use super::period::{Aggregation, Cadence, Calendar, Period};

/// The cadence in which values are shown: the one asked for where it is longer than the KPI's own. What has no periods can
/// be shown in any.
pub fn shown_cadence(own: Cadence, asked: Option<Cadence>) -> Cadence {
    match asked {
        Some(asked) if length(asked) > length(own) => asked,
        Some(_) | None => own,
    }
}

fn length(cadence: Cadence) -> u8 {
    match cadence {
        Cadence::Irregular => 0,
        Cadence::Daily => 1,
        Cadence::Weekly => 2,
        Cadence::Monthly => 3,
        Cadence::Quarterly => 4,
        Cadence::Yearly => 5,
    }
}

/// The target of a longer period: for a sum the sum of what its own periods are to reach, where they fill it; for
/// everything else the one in force on its last day, because a mean, an extreme and a latest value stay in its scale.
///
/// Weeks fill no month, and an irregular KPI has no periods: then a sum has no target here.
pub fn target_of_longer(
    calendar: &Calendar,
    (own, aggregation): (Cadence, Aggregation),
    period: &Period,
    targets: &[DatedTarget],
) -> Option<Target> {
    match aggregation {
        Aggregation::Last | Aggregation::Mean | Aggregation::Min | Aggregation::Max => {
            target_in_force(targets, period.ends_on).copied()
        }
        Aggregation::Sum => {
            let mut part = calendar.period_of_day(own, period.starts_on);
            if own == Cadence::Irregular || part.starts_on != period.starts_on {
                return None;
            }
            let mut whole = *target_in_force(targets, part.ends_on)?;
            while part.ends_on < period.ends_on {
                part = calendar.next(own, &part)?;
                whole = added(&whole, target_in_force(targets, part.ends_on)?)?;
            }
            (part.ends_on == period.ends_on).then_some(whole)
        }
    }
}

/// Two targets added bound by bound; `None` where they have none in common.
fn added(left: &Target, right: &Target) -> Option<Target> {
    let sum = |left: Option<f64>, right: Option<f64>| {
        left.zip(right).and_then(|(left, right)| bounded(left + right))
    };
    let band =
        |left: &Band, right: &Band| Band { min: sum(left.min, right.min), max: sum(left.max, right.max) };
    Target::unless_open(band(&left.band, &right.band), band(&left.tolerance, &right.tolerance))
}

/// The period a year before: of the same calendar days, for weeks the one 52 weeks earlier; `None` where there are no
/// periods.
pub fn year_before(calendar: &Calendar, cadence: Cadence, period: &Period) -> Option<Period> {
    let year: Span = match cadence {
        Cadence::Irregular => return None,
        Cadence::Weekly => 52.weeks(),
        Cadence::Daily | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => 1.years(),
    };
    Some(calendar.period_of_day(cadence, period.starts_on.checked_sub(year).ok()?))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, Weekday, date};
    use jiff::tz::TimeZone;

    use super::*;

    fn utc() -> Calendar {
        Calendar { zone: TimeZone::UTC, week_starts_on: Weekday::Monday }
    }

    fn at_least(min: f64) -> Option<Target> {
        Target::unless_open(Band { min: Some(min), max: None }, Band::default())
    }

    fn from(effective_from: Option<Date>, target: Option<Target>) -> DatedTarget {
        DatedTarget { effective_from, target }
    }

    #[test]
    fn only_longer_periods_take_the_place_of_the_own_ones() {
        use Cadence::*;
        for (own, asked, shown) in [
            (Monthly, None, Monthly),
            (Monthly, Some(Quarterly), Quarterly),
            (Monthly, Some(Monthly), Monthly),
            (Monthly, Some(Weekly), Monthly),
            (Yearly, Some(Quarterly), Yearly),
            (Irregular, Some(Daily), Daily),
        ] {
            assert_eq!(shown_cadence(own, asked), shown);
        }
    }

    #[test]
    fn a_sum_has_to_reach_what_its_parts_have_to_reach() {
        let calendar = utc();
        let quarter = calendar.period_of_day(Cadence::Quarterly, date(2026, 2, 1));
        let of = |own, aggregation, targets: &[DatedTarget]| {
            target_of_longer(&calendar, (own, aggregation), &quarter, targets)
        };
        // 40 in January and February, 50 from March on: 40 + 40 + 50.
        let raised = [from(None, at_least(40.0)), from(Some(date(2026, 3, 1)), at_least(50.0))];
        assert_eq!(of(Cadence::Monthly, Aggregation::Sum, &raised), at_least(130.0));
        // A day each: 31 + 28 days with 1, 31 days with 2.
        let daily = [from(None, at_least(1.0)), from(Some(date(2026, 3, 1)), at_least(2.0))];
        assert_eq!(of(Cadence::Daily, Aggregation::Sum, &daily), at_least(121.0));
        // A mean stays in its scale: what holds at the end.
        assert_eq!(of(Cadence::Monthly, Aggregation::Mean, &raised), at_least(50.0));
        // Weeks do not fill a quarter, what has no periods fills nothing, and a month without a target spoils the sum.
        assert_eq!(of(Cadence::Weekly, Aggregation::Sum, &raised), None);
        assert_eq!(of(Cadence::Irregular, Aggregation::Sum, &raised), None);
        assert_eq!(
            of(Cadence::Monthly, Aggregation::Sum, &[from(Some(date(2026, 2, 1)), at_least(1.0))]),
            None
        );
        // Where one month has a floor and the next a ceiling, the quarter has neither.
        let ceiling = Target::unless_open(Band { min: None, max: Some(9.0) }, Band::default());
        let turned = [from(None, at_least(40.0)), from(Some(date(2026, 2, 1)), ceiling)];
        assert_eq!(of(Cadence::Monthly, Aggregation::Sum, &turned), None);
    }

    #[test]
    fn a_year_before_is_the_same_stretch_of_the_calendar() {
        let calendar = utc();
        let before = |cadence, day| {
            let period = calendar.period_of_day(cadence, day);
            year_before(&calendar, cadence, &period).map(|period| period.starts_on)
        };
        assert_eq!(before(Cadence::Monthly, date(2026, 3, 31)), Some(date(2025, 3, 1)));
        assert_eq!(before(Cadence::Quarterly, date(2026, 3, 31)), Some(date(2025, 1, 1)));
        assert_eq!(before(Cadence::Yearly, date(2026, 3, 31)), Some(date(2025, 1, 1)));
        // 2026-03-30 is a Monday; 364 days before lies 2025-03-31, a Monday too.
        assert_eq!(before(Cadence::Weekly, date(2026, 4, 1)), Some(date(2025, 3, 31)));
        assert_eq!(before(Cadence::Daily, date(2024, 2, 29)), Some(date(2023, 2, 28)));
        assert_eq!(before(Cadence::Irregular, date(2026, 3, 31)), None);
    }
}
