//! Usefulness, worked by hand.

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::maths::Period;

fn on(month: i8, day: i8) -> Date {
    date(2026, month, day)
}

fn decided(on: Date, choice: Choice) -> Decided {
    Decided { on, choice, certainty: None, is_reversed: false, expectation: None }
}

/// The months of 2026 from January on, by their healths.
fn months(healths: &[Health]) -> Vec<Judged> {
    let judged = |(month, health): (i8, &Health)| {
        let starts_on = on(month, 1);
        let (starts_at, ends_at) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let period = Period { starts_on, ends_on: starts_on.last_of_month(), starts_at, ends_at };
        Judged { period, value: Some(1.0), health: *health, gap: None, target: None }
    };
    (1..).zip(healths).map(judged).collect()
}

const QUARTER: [Date; 3] = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)];

fn of(reviews: &[Date], decisions: &[Decided], healths: &[Health], episodes: &[Stretch]) -> Usefulness {
    let judged = months(healths);
    usefulness(&UsefulnessInput { cadence: Cadence::Monthly, reviews, decisions, episodes, judged: &judged })
}

#[test]
fn the_first_that_applies_is_the_verdict() {
    use Choice::{Adjust, Continue};
    use Health::{Healthy, Unhealthy};
    use UsefulnessVerdict::{DecisionSignal, Misaligned, ReportingArtifact, TooEarly};
    let verdict = |reviews: &[Date], decisions: &[Decided], healths: &[Health]| {
        of(reviews, decisions, healths, &[]).verdict
    };
    let sure = |on, choice, certainty| Decided { certainty: Some(certainty), ..decided(on, choice) };
    let fine = [Healthy; 5];
    // 2 reviews are too few, whatever else is said; 3 without any decision but to continue are an artifact.
    assert_eq!(verdict(&QUARTER[..2], &[], &fine), TooEarly);
    assert_eq!(verdict(&QUARTER, &[], &fine), ReportingArtifact);
    assert_eq!(verdict(&QUARTER, &[decided(on(3, 31), Continue)], &fine), ReportingArtifact);
    // A change on the day of the last review, or after it, is what that brought.
    assert_eq!(verdict(&QUARTER, &[decided(on(3, 31), Adjust)], &fine), DecisionSignal);
    assert_eq!(verdict(&QUARTER, &[decided(on(4, 20), Adjust)], &fine), DecisionSignal);
    // After the first one: 2 have brought nothing since, which is not yet 3; before all of them: 3.
    assert_eq!(verdict(&QUARTER, &[decided(on(1, 31), Adjust)], &fine), DecisionSignal);
    assert_eq!(verdict(&QUARTER, &[decided(on(1, 30), Adjust)], &fine), ReportingArtifact);
    // Certainties 2 and 3: 2.5 is under 3. 3 and 3 are not.
    let unsure = [sure(on(2, 28), Adjust, 2), sure(on(3, 31), Continue, 3)];
    assert_eq!(verdict(&QUARTER, &unsure, &fine), Misaligned);
    let sure_enough = [sure(on(2, 28), Adjust, 3), sure(on(3, 31), Continue, 3)];
    assert_eq!(verdict(&QUARTER, &sure_enough, &fine), DecisionSignal);
    // 4 of 5 healthy are 80 %; 3 of 5 are 60 %.
    assert_eq!(verdict(&QUARTER, &unsure, &[Healthy, Healthy, Unhealthy, Healthy, Healthy]), Misaligned);
    assert_eq!(
        verdict(&QUARTER, &unsure, &[Healthy, Unhealthy, Unhealthy, Healthy, Healthy]),
        DecisionSignal
    );
    assert_eq!(verdict(&QUARTER, &unsure, &[]), DecisionSignal);
    // 1 of 3 reversed is a third; 1 of 4 is not.
    let mut decisions = vec![decided(on(3, 31), Adjust); 3];
    decisions[0].is_reversed = true;
    assert_eq!(verdict(&QUARTER, &decisions, &fine), Misaligned);
    decisions.push(decided(on(3, 31), Adjust));
    assert_eq!(verdict(&QUARTER, &decisions, &fine), DecisionSignal);
}

#[test]
fn deciding_is_slow_after_two_periods() {
    // Two mean months are 60.87 days: 1 January to 2 March are 60 (31 + 28 + 1), to 3 March 61.
    let verdict = |cadence, first| {
        let judged = months(&[Health::Healthy; 5]);
        let decisions = [decided(first, Choice::Adjust)];
        let episodes = [Stretch { opened_on: on(1, 1), closed_on: None }];
        let input = UsefulnessInput {
            cadence,
            reviews: &QUARTER,
            decisions: &decisions,
            episodes: &episodes,
            judged: &judged,
        };
        usefulness(&input)
    };
    let (at_once, late) = (verdict(Cadence::Monthly, on(3, 2)), verdict(Cadence::Monthly, on(3, 3)));
    assert_eq!((at_once.days_to_decision, at_once.verdict), (Some(60.0), UsefulnessVerdict::DecisionSignal));
    assert_eq!((late.days_to_decision, late.verdict), (Some(61.0), UsefulnessVerdict::Misaligned));
    assert_eq!(verdict(Cadence::Quarterly, on(3, 3)).verdict, UsefulnessVerdict::DecisionSignal);
    assert_eq!(verdict(Cadence::Weekly, on(1, 16)).verdict, UsefulnessVerdict::ReportingArtifact);
    assert_eq!(verdict(Cadence::Irregular, on(3, 31)).verdict, UsefulnessVerdict::DecisionSignal);
}

#[test]
fn figures_are_counted_as_by_hand() {
    use Choice::{Continue, Start};
    let decisions = [
        Decided {
            certainty: Some(4),
            is_reversed: true,
            expectation: Some(Expectation::NotMet),
            ..decided(on(1, 11), Start)
        },
        Decided { certainty: Some(1), expectation: Some(Expectation::Met), ..decided(on(1, 31), Continue) },
        Decided { expectation: Some(Expectation::TooEarly), ..decided(on(4, 7), Start) },
        decided(on(4, 30), Continue),
    ];
    let episodes = [
        // First decided on after 10 days (11 January), not again after 30.
        Stretch { opened_on: on(1, 1), closed_on: Some(on(2, 28)) },
        // Nothing was decided while it lasted.
        Stretch { opened_on: on(3, 1), closed_on: Some(on(3, 31)) },
        // After 6 days (7 April).
        Stretch { opened_on: on(4, 1), closed_on: None },
    ];
    let healths = [Health::Unhealthy, Health::Healthy, Health::Unknown, Health::AtRisk, Health::Healthy];
    // The first review was on 15 February: January does not count, March is unknown. Healthy: 2 of 3.
    let reviews = [on(2, 15), on(3, 15), on(4, 15), on(4, 16)];
    let shown = of(&reviews, &decisions, &healths, &episodes);
    let expected = Usefulness {
        verdict: UsefulnessVerdict::DecisionSignal,
        reviews: 4,
        reviews_without_change: 2,
        decisions: 4,
        changes: 2,
        mean_certainty: Some(2.5),
        reversed: 1,
        met: 1,
        not_met: 1,
        open: 1,
        days_to_decision: Some(8.0),
        healthy_share: Some(2.0 / 3.0),
        last_change_on: Some(on(4, 7)),
    };
    assert_eq!(shown, expected);
    assert_eq!((shown.reversed_share(), shown.met_share()), (Some(0.25), Some(0.5)));
    let nothing = of(&[], &[], &healths, &episodes);
    assert_eq!((nothing.reversed_share(), nothing.met_share()), (None, None));
    assert_eq!((nothing.mean_certainty, nothing.days_to_decision, nothing.healthy_share), (None, None, None));
}

proptest! {
    #[test]
    fn shares_are_shares_and_few_reviews_are_too_early(
        held in prop::collection::vec(0..120_i64, 0..8),
        made in prop::collection::vec((0..120_i64, any::<bool>(), 1..=5_u8, any::<bool>()), 0..10),
    ) {
        let day = |days: &i64| on(1, 1).saturating_add(jiff::Span::new().days(*days));
        let mut reviews: Vec<Date> = held.iter().map(day).collect();
        reviews.sort();
        let decisions: Vec<Decided> = made.iter().map(|(days, changes, certainty, is_reversed)| Decided {
            certainty: Some(*certainty),
            is_reversed: *is_reversed,
            ..decided(day(days), if *changes { Choice::Stop } else { Choice::Continue })
        }).collect();
        let shown = of(&reviews, &decisions, &[Health::Healthy, Health::Unhealthy], &[]);
        prop_assert_eq!(shown.verdict == UsefulnessVerdict::TooEarly, reviews.len() < 3);
        prop_assert!(shown.reviews_without_change <= shown.reviews && shown.changes <= shown.decisions);
        prop_assert!(shown.reversed_share().is_none_or(|share| (0.0..=1.0).contains(&share)));
        prop_assert!(shown.mean_certainty.is_none_or(|mean| (1.0..=5.0).contains(&mean)));
        prop_assert_eq!(shown.mean_certainty.is_none(), decisions.is_empty());
    }
}
