//! In which group a KPI stands, and in which order within it: pure rules from facts.

use std::cmp::{Ordering, Reverse};

use jiff::Span;
use jiff::civil::Date;

use crate::maths::word::words;
use crate::maths::{Freshness, Health, RemedyObjective, RemedyOutcome};

/// How many days a recovery is shown, both ends included.
const DAYS_OF_RECOVERY: i64 = 30;

words! {
    /// Where a KPI stands on a day. Every KPI stands in exactly one of them.
    pub enum TriageGroup {
        /// Unhealthy, and nothing treats it.
        Untreated = "untreated",
        /// Unhealthy, nothing treats it, and a remedy failed in this episode.
        Failed = "failed",
        /// Unhealthy, and a remedy treats it or may still show its effect.
        InTreatment = "in_treatment",
        /// At risk.
        AtRisk = "at_risk",
        /// Healthy for longer, but it gets worse, or would leave its band soon.
        Slipping = "slipping",
        /// Nobody can tell.
        Unknown = "unknown",
        /// Healthy, and an episode closed lately.
        Recovered = "recovered",
        /// Healthy: it needs nobody.
        Healthy = "healthy",
    }
}
crate::http::words::impl_wire_words!(TriageGroup);

/// What the rules look at in a remedy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RemedyFacts {
    /// What became of it.
    pub outcome: RemedyOutcome,
    /// Where its objective stands.
    pub objective: RemedyObjective,
}

/// What the rules look at in a KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts<'a> {
    /// Its health on the day.
    pub health: Health,
    /// Whether it gets worse, or would leave its band soon.
    pub is_slipping: bool,
    /// The first day of its open episode.
    pub opened_on: Option<Date>,
    /// The day on which its latest episode closed.
    pub closed_on: Option<Date>,
    /// Its remedies.
    pub remedies: &'a [RemedyFacts],
    /// The day.
    pub today: Date,
}

/// The group of a KPI: by its health on the day, never by its episode.
pub fn group(facts: &Facts) -> TriageGroup {
    match facts.health {
        Health::AtRisk => TriageGroup::AtRisk,
        Health::Unknown => TriageGroup::Unknown,
        Health::Healthy if facts.closed_on.is_some_and(|day| is_recent(day, facts.today)) => {
            TriageGroup::Recovered
        }
        Health::Healthy if facts.is_slipping => TriageGroup::Slipping,
        Health::Healthy => TriageGroup::Healthy,
        Health::Unhealthy if facts.remedies.iter().any(treats) => TriageGroup::InTreatment,
        Health::Unhealthy if facts.remedies.iter().any(|remedy| failed_since(remedy, facts.opened_on)) => {
            TriageGroup::Failed
        }
        Health::Unhealthy => TriageGroup::Untreated,
    }
}

/// Whether somebody works on it, or the effect of what was done may still come.
///
/// A relapse while the objective is active is being treated: people are still at it.
fn treats(remedy: &RemedyFacts) -> bool {
    match (remedy.outcome, remedy.objective) {
        (RemedyOutcome::Withdrawn, _) => false,
        (RemedyOutcome::InProgress | RemedyOutcome::AwaitingEffect, _) => true,
        (_, RemedyObjective::Active) => true,
        (_, RemedyObjective::Draft | RemedyObjective::Closed { .. }) => false,
    }
}

/// Whether it failed in the episode that began on a day.
fn failed_since(remedy: &RemedyFacts, opened_on: Option<Date>) -> bool {
    match (remedy.outcome, remedy.objective) {
        (RemedyOutcome::Failed, RemedyObjective::Closed { effect_by, .. }) => {
            opened_on.is_some_and(|opened_on| opened_on <= effect_by)
        }
        (_, _) => false,
    }
}

fn is_recent(day: Date, today: Date) -> bool {
    let first = today.saturating_sub(Span::new().days(DAYS_OF_RECOVERY));
    (first..=today).contains(&day)
}

/// Whether a KPI wants attention now: what is accepted for a while stands last in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// It does.
    Wanted,
    /// People decided to go on as before, for a while.
    Accepted,
}

/// What the order within a group looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct Rank<'a> {
    /// Whether it wants attention now.
    pub attention: Attention,
    /// How bad it is; null where there is no yardstick.
    pub severity: Option<f64>,
    /// Since when it has this health.
    pub since: Option<Date>,
    /// Whether its value is recent enough.
    pub freshness: Freshness,
    /// From which day on it is stale.
    pub stale_on: Option<Date>,
    /// From which day on the forecast leaves the band.
    pub leaves_on: Option<Date>,
    /// The day on which its latest episode closed.
    pub closed_on: Option<Date>,
    /// Its key, which breaks all ties.
    pub key: &'a str,
}

/// The order within a group.
pub fn order(group: TriageGroup, left: &Rank, right: &Rank) -> Ordering {
    let by_group = match group {
        TriageGroup::Untreated
        | TriageGroup::Failed
        | TriageGroup::InTreatment
        | TriageGroup::AtRisk
        | TriageGroup::Healthy => worst_first(left, right),
        TriageGroup::Slipping => soonest_first(left, right),
        TriageGroup::Unknown => longest_stale_first(left, right),
        TriageGroup::Recovered => Reverse(left.closed_on).cmp(&Reverse(right.closed_on)),
    };
    left.attention.cmp(&right.attention).then(by_group).then_with(|| left.key.cmp(right.key))
}

/// The worst first, those without a yardstick last; at ties the longest in this health first.
fn worst_first(left: &Rank, right: &Rank) -> Ordering {
    let by_severity = match (left.severity, right.severity) {
        (Some(left), Some(right)) => right.total_cmp(&left),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_severity.then_with(|| earliest_first(left.since, right.since))
}

/// Those that would leave their band first first, those that only get worse last; at ties the longest in this
/// health first.
fn soonest_first(left: &Rank, right: &Rank) -> Ordering {
    earliest_first(left.leaves_on, right.leaves_on).then_with(|| earliest_first(left.since, right.since))
}

/// Those that never had a value first, then the longest stale, then those that are not stale.
fn longest_stale_first(left: &Rank, right: &Rank) -> Ordering {
    let place = |rank: &Rank| match rank.freshness {
        Freshness::Never => 0,
        Freshness::Stale => 1,
        Freshness::Due | Freshness::Fresh => 2,
    };
    place(left).cmp(&place(right)).then_with(|| earliest_first(left.stale_on, right.stale_on))
}

/// The earlier day first, no day last.
fn earliest_first(left: Option<Date>, right: Option<Date>) -> Ordering {
    (left.is_none(), left).cmp(&(right.is_none(), right))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 3, 31);

    fn closed(effect_by: Date) -> RemedyObjective {
        RemedyObjective::Closed { closed_on: date(2026, 1, 31), effect_by }
    }

    fn unhealthy(remedies: &[(RemedyOutcome, RemedyObjective)]) -> TriageGroup {
        let remedies: Vec<RemedyFacts> = remedies
            .iter()
            .map(|(outcome, objective)| RemedyFacts { outcome: *outcome, objective: *objective })
            .collect();
        group(&Facts {
            health: Health::Unhealthy,
            is_slipping: false,
            opened_on: Some(date(2026, 1, 1)),
            closed_on: None,
            remedies: &remedies,
            today: TODAY,
        })
    }

    #[test]
    fn health_decides_and_remedies_only_among_the_unhealthy() {
        let working =
            [RemedyFacts { outcome: RemedyOutcome::InProgress, objective: RemedyObjective::Active }];
        let at = |health| {
            group(&Facts {
                health,
                is_slipping: false,
                opened_on: Some(date(2026, 1, 1)),
                closed_on: None,
                remedies: &working,
                today: TODAY,
            })
        };
        assert_eq!(at(Health::AtRisk), TriageGroup::AtRisk);
        assert_eq!(at(Health::Unknown), TriageGroup::Unknown);
        assert_eq!(at(Health::Healthy), TriageGroup::Healthy);
        assert_eq!(at(Health::Unhealthy), TriageGroup::InTreatment);
    }

    #[test]
    fn what_is_unhealthy_is_untreated_in_treatment_or_failed() {
        use RemedyObjective::{Active, Draft};
        use RemedyOutcome::*;
        let (past, future) = (closed(date(2026, 3, 1)), closed(date(2026, 4, 30)));
        assert_eq!(unhealthy(&[]), TriageGroup::Untreated);
        assert_eq!(unhealthy(&[(Planned, Draft)]), TriageGroup::Untreated);
        assert_eq!(unhealthy(&[(Withdrawn, Active)]), TriageGroup::Untreated);
        assert_eq!(unhealthy(&[(InProgress, Active)]), TriageGroup::InTreatment);
        assert_eq!(unhealthy(&[(AwaitingEffect, future)]), TriageGroup::InTreatment);
        assert_eq!(unhealthy(&[(Failed, past)]), TriageGroup::Failed);
        assert_eq!(unhealthy(&[(Failed, past), (Planned, Draft)]), TriageGroup::Failed);
        assert_eq!(unhealthy(&[(Failed, past), (InProgress, Active)]), TriageGroup::InTreatment);
        // People still work on what relapsed; what relapsed after its end is nobody's.
        assert_eq!(unhealthy(&[(Relapsed, Active)]), TriageGroup::InTreatment);
        assert_eq!(unhealthy(&[(Relapsed, past)]), TriageGroup::Untreated);
        assert_eq!(unhealthy(&[(Relapsed, Draft)]), TriageGroup::Untreated);
        // A single bad day of a daily KPI does not make a relapse yet.
        assert_eq!(unhealthy(&[(Recovered, Active)]), TriageGroup::InTreatment);
        assert_eq!(unhealthy(&[(Recovered, past)]), TriageGroup::Untreated);
    }

    #[test]
    fn a_failure_counts_in_its_own_episode_only() {
        let at = |opened_on| {
            let remedies =
                [RemedyFacts { outcome: RemedyOutcome::Failed, objective: closed(date(2026, 3, 1)) }];
            group(&Facts {
                health: Health::Unhealthy,
                is_slipping: false,
                opened_on,
                closed_on: None,
                remedies: &remedies,
                today: TODAY,
            })
        };
        assert_eq!(at(Some(date(2026, 2, 1))), TriageGroup::Failed);
        assert_eq!(at(Some(date(2026, 3, 1))), TriageGroup::Failed);
        assert_eq!(at(Some(date(2026, 3, 2))), TriageGroup::Untreated);
        assert_eq!(at(None), TriageGroup::Untreated);
    }

    #[test]
    fn a_recovery_is_shown_for_thirty_days_with_both_ends() {
        let at = |closed_on| {
            group(&Facts {
                health: Health::Healthy,
                is_slipping: false,
                opened_on: None,
                closed_on,
                remedies: &[],
                today: TODAY,
            })
        };
        assert_eq!(at(Some(TODAY)), TriageGroup::Recovered);
        assert_eq!(at(Some(date(2026, 3, 1))), TriageGroup::Recovered);
        assert_eq!(at(Some(date(2026, 2, 28))), TriageGroup::Healthy);
        // The last day of a period that still runs may lie ahead of the newest point, never of today.
        assert_eq!(at(Some(date(2026, 4, 1))), TriageGroup::Healthy);
        assert_eq!(at(None), TriageGroup::Healthy);
    }

    #[test]
    fn what_is_healthy_and_slips_needs_somebody_unless_it_has_just_recovered() {
        let at = |health, closed_on| {
            group(&Facts {
                health,
                is_slipping: health == Health::Healthy,
                opened_on: None,
                closed_on,
                remedies: &[],
                today: TODAY,
            })
        };
        assert_eq!(at(Health::Healthy, None), TriageGroup::Slipping);
        assert_eq!(at(Health::Healthy, Some(TODAY)), TriageGroup::Recovered);
        assert_eq!(at(Health::AtRisk, None), TriageGroup::AtRisk);
        let leaving = |key, day, since| Rank { leaves_on: day, since, ..rank(key) };
        let (may, june) = (Some(date(2026, 5, 1)), Some(date(2026, 6, 1)));
        let ranks = vec![
            leaving("only-worse", None, may),
            leaving("june", june, None),
            leaving("may-later", may, june),
            leaving("may", may, may),
        ];
        assert_eq!(sorted(TriageGroup::Slipping, ranks), ["may", "may-later", "june", "only-worse"]);
    }

    fn sorted(group: TriageGroup, mut ranks: Vec<Rank<'static>>) -> Vec<&'static str> {
        ranks.sort_by(|left, right| order(group, left, right));
        ranks.into_iter().map(|rank| rank.key).collect()
    }

    fn rank(key: &'static str) -> Rank<'static> {
        Rank {
            attention: Attention::Wanted,
            severity: None,
            since: None,
            freshness: Freshness::Fresh,
            stale_on: None,
            leaves_on: None,
            closed_on: None,
            key,
        }
    }

    #[test]
    fn the_worst_come_first_then_the_longest_then_by_key() {
        let severe = |key, severity, since| Rank { severity, since, ..rank(key) };
        let (january, february) = (Some(date(2026, 1, 1)), Some(date(2026, 2, 1)));
        let accepted = Rank { attention: Attention::Accepted, ..severe("accepted", Some(9.0), january) };
        let ranks = vec![
            accepted,
            severe("no-yardstick", None, january),
            severe("also-no-yardstick", None, february),
            severe("mild", Some(0.1), january),
            severe("same-later", Some(2.0), february),
            severe("same-b", Some(2.0), january),
            severe("same-a", Some(2.0), january),
            severe("same-ever", Some(2.0), None),
            severe("worst", Some(7.5), february),
        ];
        let expected = [
            "worst",
            "same-a",
            "same-b",
            "same-later",
            "same-ever",
            "mild",
            "no-yardstick",
            "also-no-yardstick",
            "accepted",
        ];
        assert_eq!(sorted(TriageGroup::Untreated, ranks), expected);
    }

    #[test]
    fn the_unknown_come_by_silence_and_the_recovered_by_news() {
        let silent = |key, freshness, stale_on| Rank { freshness, stale_on, ..rank(key) };
        let unknown = vec![
            silent("no-target", Freshness::Fresh, Some(date(2026, 5, 1))),
            silent("stale", Freshness::Stale, Some(date(2026, 3, 1))),
            silent("longer-stale", Freshness::Stale, Some(date(2026, 2, 1))),
            silent("never-b", Freshness::Never, None),
            silent("never-a", Freshness::Never, None),
        ];
        let expected = ["never-a", "never-b", "longer-stale", "stale", "no-target"];
        assert_eq!(sorted(TriageGroup::Unknown, unknown), expected);
        let healed = |key, closed_on| Rank { closed_on: Some(closed_on), ..rank(key) };
        let recovered = vec![
            healed("older", date(2026, 3, 2)),
            healed("newest-b", date(2026, 3, 30)),
            healed("newest-a", date(2026, 3, 30)),
        ];
        assert_eq!(sorted(TriageGroup::Recovered, recovered), ["newest-a", "newest-b", "older"]);
    }
}
