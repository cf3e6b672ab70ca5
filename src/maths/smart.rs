//! Advice: what would make a KPI, a key result or an objective more useful. It refuses nothing.
//! SMART is Doran's: specific, measurable, achievable, relevant, time-bound (G. T. Doran, *There's a S.M.A.R.T. way
//! to write management's goals and objectives*, Management Review 70, 1981). That few KPIs are better than many, and
//! that leading ones want an outcome, is Parmenter's and Marr's (*Key Performance Indicators*, 2015 and 2012).

use super::health::{Band, Health};
use super::signal::{Segment, Trend};
use super::word::words;

/// More active KPIs than this in a team are not vital any more.
pub const MOST_KPIS_OF_TEAM: usize = 10;
/// More KPIs than this on a board of the whole workspace are not vital any more.
pub const MOST_KPIS_ON_BOARD: usize = 5;

words! {
    /// What could be better.
    pub enum AdviceCode {
        /// Specific: nobody wrote down what exactly is measured.
        NoDefinition = "no_definition",
        /// Specific: the numbers have no unit.
        NoUnit = "no_unit",
        /// Measurable: there is no value yet, or none that is recent enough.
        NoData = "no_data",
        /// Achievable: the target lies beyond the natural limits and beyond every past value.
        TargetOutOfReach = "target_out_of_reach",
        /// Relevant: it supports no decision, drives no outcome, and no objective reads it.
        NoPurpose = "no_purpose",
        /// Time-bound: no target is in force.
        NoTarget = "no_target",
        /// Missing link: it is leading, and no KPI is named that it should move.
        NoOutcome = "no_outcome",
        /// Missing link: it is lagging, and no leading KPI is named that moves it.
        NoLeading = "no_leading",
        /// Most of its leading KPIs are healthy or improving, while it is steady or worse.
        GreenButFlat = "green_but_flat",
        /// Specific: nobody wrote down why.
        NoWhy = "no_why",
        /// Measurable: it has no key result.
        NoKeyResults = "no_key_results",
        /// Relevant: it heals no KPI, has no parent, and supports no other objective.
        ServesNothing = "serves_nothing",
        /// Time-bound: it is due on no day.
        NoDueDay = "no_due_day",
        /// Nobody answers for it.
        NoOwner = "no_owner",
        /// The vital few: there are more KPIs than people can watch.
        TooManyKpis = "too_many_kpis",
    }
}

/// Whether a KPI is linked to others by drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A link of that kind is asked for, and there is one; or none is asked for.
    Made,
    /// A leading KPI names no outcome.
    OutcomeMissing,
    /// A lagging KPI names no leading one.
    LeadingMissing,
}

/// What advice on a KPI looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KpiFacts {
    /// Whether a definition says what is measured.
    pub is_defined: bool,
    /// Whether its numbers have a unit, a currency or a percent sign.
    pub has_unit: bool,
    /// Whether it has a value that is recent enough.
    pub has_data: bool,
    /// Its band in force, if any.
    pub band: Option<Band>,
    /// How far it has been, or may be; see [`reach`].
    pub reach: Option<Band>,
    /// Whether it supports a decision, drives an outcome, or an objective reads it.
    pub is_relevant: bool,
    /// Whether a link to other KPIs is missing.
    pub link: Link,
    /// Whether its leading KPIs are green while it is flat.
    pub is_green_but_flat: bool,
}

/// What could be better about a KPI, in the order of SMART.
pub fn advice_on_kpi(facts: &KpiFacts) -> Vec<AdviceCode> {
    let is_out_of_reach =
        facts.band.zip(facts.reach).is_some_and(|(band, reach)| !is_plausible(&band, &reach));
    let told = [
        (AdviceCode::NoDefinition, !facts.is_defined),
        (AdviceCode::NoUnit, !facts.has_unit),
        (AdviceCode::NoData, !facts.has_data),
        (AdviceCode::TargetOutOfReach, is_out_of_reach),
        (AdviceCode::NoPurpose, !facts.is_relevant),
        (AdviceCode::NoTarget, facts.band.is_none()),
        (AdviceCode::NoOutcome, facts.link == Link::OutcomeMissing),
        (AdviceCode::NoLeading, facts.link == Link::LeadingMissing),
        (AdviceCode::GreenButFlat, facts.is_green_but_flat),
    ];
    applying(&told)
}

/// What advice on a key result looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyResultFacts {
    /// Whether its numbers have a unit, or need none.
    pub has_unit: bool,
    /// What it wants its value to be, in the unit of the KPI that it reads; none where it reads none.
    pub wanted: Option<Band>,
    /// How far that KPI has been, or may be.
    pub reach: Option<Band>,
    /// Whether it is due on a day.
    pub is_due: bool,
}

/// What could be better about a key result, in the order of SMART.
pub fn advice_on_key_result(facts: &KeyResultFacts) -> Vec<AdviceCode> {
    let is_out_of_reach =
        facts.wanted.zip(facts.reach).is_some_and(|(wanted, reach)| !is_plausible(&wanted, &reach));
    applying(&[
        (AdviceCode::NoUnit, !facts.has_unit),
        (AdviceCode::TargetOutOfReach, is_out_of_reach),
        (AdviceCode::NoDueDay, !facts.is_due),
    ])
}

/// What advice on an objective looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectiveFacts {
    /// Whether it says why.
    pub says_why: bool,
    /// Whether it is measured: by key results in use, by children, or by hand.
    pub is_measured: bool,
    /// Whether it heals a KPI, has a parent, or supports another objective.
    pub serves: bool,
    /// Whether it is due on a day, or is a direction that others serve.
    pub is_due: bool,
    /// Whether somebody answers for it.
    pub is_owned: bool,
}

/// What could be better about an objective, in the order of SMART.
pub fn advice_on_objective(facts: &ObjectiveFacts) -> Vec<AdviceCode> {
    applying(&[
        (AdviceCode::NoWhy, !facts.says_why),
        (AdviceCode::NoKeyResults, !facts.is_measured),
        (AdviceCode::ServesNothing, !facts.serves),
        (AdviceCode::NoDueDay, !facts.is_due),
        (AdviceCode::NoOwner, !facts.is_owned),
    ])
}

fn applying(told: &[(AdviceCode, bool)]) -> Vec<AdviceCode> {
    told.iter().filter(|(_, applies)| *applies).map(|(code, _)| *code).collect()
}

/// How far a series has been, or may be while its process stays as it is: the hull of its values and of the natural
/// limits of its newest segment. `None` without a segment: with fewer than six values.
pub fn reach(values: &[f64], segments: &[Segment]) -> Option<Band> {
    let limits = segments.last()?.limits;
    let lowest = values.iter().copied().fold(limits.lower, f64::min);
    let highest = values.iter().copied().fold(limits.upper, f64::max);
    Some(Band { min: Some(lowest), max: Some(highest) })
}

/// Whether some value within reach meets a band.
fn is_plausible(band: &Band, reach: &Band) -> bool {
    let is_below = |low: Option<f64>, high: Option<f64>| low.zip(high).is_none_or(|(low, high)| low <= high);
    is_below(band.min, reach.max) && is_below(reach.min, band.max)
}

/// How a leading KPI is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its health.
    pub health: Health,
    /// Where it is going.
    pub trend: Option<Trend>,
}

impl Standing {
    fn is_green(self) -> bool {
        self.health == Health::Healthy || self.trend == Some(Trend::Improving)
    }
}

/// Whether more than half of the leading KPIs of an outcome are healthy or improving, while it is steady or gets
/// worse. Of an outcome without a trend nothing is said, nor of one without leading KPIs.
pub fn green_but_flat(leading: &[Standing], outcome: Option<Trend>) -> bool {
    let green = leading.iter().filter(|standing| standing.is_green()).count();
    let is_flat = matches!(outcome, Some(Trend::Steady | Trend::Deteriorating));
    is_flat && green * 2 > leading.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(min: Option<f64>, max: Option<f64>) -> Band {
        Band { min, max }
    }

    const GOOD: KpiFacts = KpiFacts {
        is_defined: true,
        has_unit: true,
        has_data: true,
        band: Some(Band { min: Some(10.0), max: None }),
        reach: None,
        is_relevant: true,
        link: Link::Made,
        is_green_but_flat: false,
    };

    #[test]
    fn a_good_kpi_gets_no_advice_and_each_fault_its_own() {
        use AdviceCode::*;
        assert_eq!(advice_on_kpi(&GOOD), []);
        let table = [
            (KpiFacts { is_defined: false, ..GOOD }, NoDefinition),
            (KpiFacts { has_unit: false, ..GOOD }, NoUnit),
            (KpiFacts { has_data: false, ..GOOD }, NoData),
            (KpiFacts { reach: Some(band(Some(1.0), Some(9.0))), ..GOOD }, TargetOutOfReach),
            (KpiFacts { is_relevant: false, ..GOOD }, NoPurpose),
            (KpiFacts { band: None, ..GOOD }, NoTarget),
            (KpiFacts { link: Link::OutcomeMissing, ..GOOD }, NoOutcome),
            (KpiFacts { link: Link::LeadingMissing, ..GOOD }, NoLeading),
            (KpiFacts { is_green_but_flat: true, ..GOOD }, GreenButFlat),
        ];
        for (facts, wanted) in table {
            assert_eq!(advice_on_kpi(&facts), [wanted], "{facts:?}");
        }
        let bad = KpiFacts { is_defined: false, band: None, reach: None, ..GOOD };
        assert_eq!(advice_on_kpi(&bad), [NoDefinition, NoTarget]);
    }

    #[test]
    fn key_results_and_objectives_are_advised_in_the_order_of_smart() {
        use AdviceCode::*;
        let facts = KeyResultFacts {
            has_unit: false,
            wanted: Some(band(None, Some(1.0))),
            reach: Some(band(Some(2.0), Some(3.0))),
            is_due: false,
        };
        assert_eq!(advice_on_key_result(&facts), [NoUnit, TargetOutOfReach, NoDueDay]);
        let facts = KeyResultFacts { has_unit: true, wanted: None, is_due: true, ..facts };
        assert_eq!(advice_on_key_result(&facts), []);
        let nothing = ObjectiveFacts {
            says_why: false,
            is_measured: false,
            serves: false,
            is_due: false,
            is_owned: false,
        };
        assert_eq!(advice_on_objective(&nothing), [NoWhy, NoKeyResults, ServesNothing, NoDueDay, NoOwner]);
    }

    fn within(values: &[f64]) -> Option<Band> {
        reach(values, &crate::maths::segments(values))
    }

    #[test]
    fn reach_is_the_hull_of_values_and_natural_limits() {
        // Mean 11, moving ranges 2 1 2 3 2, their mean 2: limits 11 ± 2.66 · 2 = 5.68 and 16.32.
        let values = [10.0, 12.0, 11.0, 13.0, 10.0, 10.0];
        let found = within(&values).unwrap();
        let limits = crate::maths::natural_limits(&values).unwrap();
        assert_eq!((found.min, found.max), (Some(limits.lower), Some(limits.upper)));
        // One wild value widens the limits by less than it lies away.
        let wild = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 40.0];
        assert_eq!(within(&wild).unwrap().max, Some(40.0));
        assert_eq!(within(&values[..5]), None);
    }

    #[test]
    fn a_target_is_plausible_where_it_touches_what_is_within_reach() {
        let reach = band(Some(2.0), Some(6.0));
        let table = [
            (band(Some(6.0), None), true),
            (band(Some(6.1), None), false),
            (band(None, Some(2.0)), true),
            (band(None, Some(1.9)), false),
            (band(Some(0.0), Some(1.0)), false),
            (band(Some(7.0), Some(8.0)), false),
            (band(Some(0.0), Some(3.0)), true),
            (band(Some(3.0), Some(4.0)), true),
        ];
        for (target, wanted) in table {
            assert_eq!(is_plausible(&target, &reach), wanted, "{target:?}");
        }
    }

    #[test]
    fn most_leading_kpis_are_green_and_the_outcome_is_flat() {
        let standing = |health, trend| Standing { health, trend };
        let green = standing(Health::Healthy, None);
        let better = standing(Health::Unhealthy, Some(Trend::Improving));
        let red = standing(Health::Unhealthy, Some(Trend::Steady));
        assert!(green_but_flat(&[green, better, red], Some(Trend::Steady)));
        assert!(green_but_flat(&[green], Some(Trend::Deteriorating)));
        assert!(!green_but_flat(&[green, red], Some(Trend::Steady)), "half is not most");
        assert!(!green_but_flat(&[green], Some(Trend::Improving)));
        assert!(!green_but_flat(&[green], None));
        assert!(!green_but_flat(&[], Some(Trend::Steady)));
    }
}
