//! Decisions: what was chosen because of a KPI, and whether what was expected of it came true.
//! An expectation is judged by the band that was in force when it was made, so moving the target meets none.

use jiff::civil::Date;

use super::health::{Band, gap};
use super::series::Judged;
use super::word::words;

words! {
    /// What was decided because of a KPI.
    pub enum Choice {
        /// Go on as before.
        Continue = "continue",
        /// Change what is done, or what is aimed at.
        Adjust = "adjust",
        /// Begin something.
        Start = "start",
        /// Give something up.
        Stop = "stop",
        /// Find out more first.
        Investigate = "investigate",
    }

    /// What a decision is expected to bring.
    pub enum Expects {
        /// Nearer to the band than before, or within it.
        Better = "better",
        /// No farther from the band than before.
        Same = "same",
    }

    /// Whether an expectation came true.
    pub enum Expectation {
        /// It did.
        Met = "met",
        /// It did not.
        NotMet = "not_met",
        /// Its day has not passed, or no period with a value ended since and by then.
        TooEarly = "too_early",
    }
}

impl Choice {
    /// Whether anything is done otherwise than before.
    pub fn changes_something(self) -> bool {
        match self {
            Self::Continue => false,
            Self::Adjust | Self::Start | Self::Stop | Self::Investigate => true,
        }
    }
}

/// Everything that the judgement of an expectation follows from.
#[derive(Clone, Copy, Debug)]
pub struct ExpectationInput<'a> {
    /// What was expected.
    pub expects: Expects,
    /// The day by which it was.
    pub by: Date,
    /// The KPI's value when it was decided, in its unit.
    pub value: f64,
    /// The first day of the period of that value.
    pub starts_on: Date,
    /// The healthy band that was in force then.
    pub band: Band,
    /// The KPI's periods, in order of time.
    pub judged: &'a [Judged],
    /// The present day.
    pub today: Date,
}

/// An expectation, judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedExpectation {
    /// Whether it came true.
    pub state: Expectation,
    /// The value that it was judged by, in the KPI's unit; `None` while it is too early.
    pub value: Option<f64>,
}

/// Whether an expectation came true: the value of the newest period that had ended by its day, held against the value
/// of the decision. What counts is the distance from the band of then: 0 inside of it, both directions alike.
///
/// `better` is met by a smaller distance and by 0, `same` by a distance that is not larger.
pub fn expectation(input: &ExpectationInput<'_>) -> JudgedExpectation {
    let newest = input.judged.iter().rev().find_map(|judged| {
        let is_later = judged.period.starts_on > input.starts_on && judged.period.ends_on <= input.by;
        judged.value.filter(|_| is_later)
    });
    let Some(value) = newest.filter(|_| input.today > input.by) else {
        return JudgedExpectation { state: Expectation::TooEarly, value: None };
    };
    let (before, after) = (gap(input.value, &input.band).abs(), gap(value, &input.band).abs());
    let is_met = match input.expects {
        Expects::Better => after == 0.0 || after < before,
        Expects::Same => after <= before,
    };
    JudgedExpectation {
        state: if is_met { Expectation::Met } else { Expectation::NotMet },
        value: Some(value),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::maths::{Health, Period};

    /// Months of 2026 with a value or without, in order of time.
    fn months(values: &[(i8, Option<f64>)]) -> Vec<Judged> {
        let judged = |(month, value): &(i8, Option<f64>)| {
            let starts_on = date(2026, *month, 1);
            let period = Period {
                starts_on,
                ends_on: starts_on.last_of_month(),
                starts_at: Timestamp::UNIX_EPOCH,
                ends_at: Timestamp::UNIX_EPOCH,
            };
            Judged { period, value: *value, health: Health::Unknown, gap: None, target: None }
        };
        values.iter().map(judged).collect()
    }

    fn judged(expects: Expects, band: (Option<f64>, Option<f64>), before: f64, after: f64) -> Expectation {
        let judged = months(&[(1, Some(before)), (2, Some(after))]);
        let band = Band { min: band.0, max: band.1 };
        let (by, today) = (date(2026, 2, 28), date(2026, 3, 1));
        let starts_on = date(2026, 1, 1);
        expectation(&ExpectationInput { expects, by, value: before, starts_on, band, judged: &judged, today })
            .state
    }

    #[test]
    fn distances_from_the_band_of_then_decide() {
        use Expectation::{Met, NotMet};
        use Expects::{Better, Same};
        let (floor, ceiling, within) = ((Some(95.0), None), (None, Some(4.0)), (Some(10.0), Some(20.0)));
        let table = [
            // A floor of 95: from 90 (5 short) to 92 (3 short), 90, 88 (7 short), 96 (inside).
            (Better, floor, 90.0, 92.0, Met),
            (Better, floor, 90.0, 90.0, NotMet),
            (Better, floor, 90.0, 88.0, NotMet),
            (Better, floor, 90.0, 96.0, Met),
            (Same, floor, 90.0, 90.0, Met),
            (Same, floor, 90.0, 89.9, NotMet),
            // A ceiling of 4: from 6 (2 over) to 5 (1 over), 7 (3 over).
            (Better, ceiling, 6.0, 5.0, Met),
            (Better, ceiling, 6.0, 7.0, NotMet),
            (Same, ceiling, 6.0, 6.0, Met),
            // Inside of the band nothing has to be better, and leaving it is worse.
            (Better, ceiling, 3.0, 3.5, Met),
            (Same, ceiling, 3.0, 4.0, Met),
            (Same, ceiling, 3.0, 4.1, NotMet),
            (Better, ceiling, 3.0, 4.1, NotMet),
            // Between 10 and 20: from 7 (3 short) across the band to 22 (2 over), and to 23 (3 over).
            (Better, within, 7.0, 22.0, Met),
            (Better, within, 7.0, 23.0, NotMet),
            (Same, within, 7.0, 23.0, Met),
        ];
        for (expects, band, before, after, expected) in table {
            assert_eq!(judged(expects, band, before, after), expected, "{expects} {band:?} {before} {after}");
        }
    }

    #[test]
    fn only_a_period_that_ended_since_and_by_its_day_is_judged() {
        let outcome = |values: &[(i8, Option<f64>)], by: Date, today: Date| {
            let judged = months(values);
            let band = Band { min: None, max: Some(4.0) };
            let (expects, starts_on) = (Expects::Better, date(2026, 1, 1));
            expectation(&ExpectationInput {
                expects,
                by,
                value: 6.0,
                starts_on,
                band,
                judged: &judged,
                today,
            })
        };
        let early = JudgedExpectation { state: Expectation::TooEarly, value: None };
        let met = |value| JudgedExpectation { state: Expectation::Met, value: Some(value) };
        let values = [(1, Some(6.0)), (2, Some(5.0)), (3, Some(9.0))];
        // On the day itself it may still come true.
        assert_eq!(outcome(&values, date(2026, 2, 28), date(2026, 2, 28)), early);
        assert_eq!(outcome(&values, date(2026, 2, 28), date(2026, 3, 1)), met(5.0));
        // In the middle of March, February is the newest that has ended; with March's end it is March.
        assert_eq!(outcome(&values, date(2026, 3, 15), date(2026, 4, 1)), met(5.0));
        assert_eq!(outcome(&values, date(2026, 3, 31), date(2026, 4, 1)).state, Expectation::NotMet);
        // A month without a value says nothing, and the decision's own month is not what came of it.
        assert_eq!(outcome(&[(1, Some(6.0)), (2, None)], date(2026, 2, 28), date(2026, 5, 1)), early);
        assert_eq!(outcome(&[(1, Some(3.0))], date(2026, 1, 31), date(2026, 5, 1)), early);
        assert_eq!(
            outcome(&[(1, Some(6.0)), (2, Some(5.0)), (3, None)], date(2026, 3, 31), date(2026, 5, 1)),
            met(5.0)
        );
    }

    proptest! {
        #[test]
        fn what_is_better_is_at_least_the_same(before in -50.0..50.0_f64, after in -50.0..50.0_f64, min in -20.0..0.0_f64, width in 0.0..20.0_f64) {
            let band = (Some(min), Some(min + width));
            if judged(Expects::Better, band, before, after) == Expectation::Met {
                prop_assert_eq!(judged(Expects::Same, band, before, after), Expectation::Met);
            }
            // Turned round, the ceiling judges as the floor did.
            let turned = (Some(-min - width), Some(-min));
            prop_assert_eq!(judged(Expects::Same, band, before, after), judged(Expects::Same, turned, -before, -after));
        }
    }
}
