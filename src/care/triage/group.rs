//! In which group a KPI stands, and in which order within it: pure rules from facts.

use std::cmp::{Ordering, Reverse};

use jiff::Span;
use jiff::civil::Date;

use crate::maths::{Freshness, Health, RemedyObjective, RemedyOutcome};

/// How many days a recovery is shown, both ends included.
const DAYS_OF_RECOVERY: i64 = 30;

/// Where a KPI stands on a day. Every KPI stands in exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Unhealthy, and nothing treats it.
    Untreated,
    /// Unhealthy, nothing treats it, and a remedy failed in this episode.
    Failed,
    /// Unhealthy, and a remedy treats it or may still show its effect.
    InTreatment,
    /// At risk.
    AtRisk,
    /// Nobody can tell.
    Unknown,
    /// Healthy, and an episode closed lately.
    Recovered,
    /// Healthy: it needs nobody.
    Healthy,
}

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
pub fn group(facts: &Facts) -> Group {
    match facts.health {
        Health::AtRisk => Group::AtRisk,
        Health::Unknown => Group::Unknown,
        Health::Healthy => {
            if facts.closed_on.is_some_and(|day| is_recent(day, facts.today)) {
                Group::Recovered
            } else {
                Group::Healthy
            }
        }
        Health::Unhealthy if facts.remedies.iter().any(treats) => Group::InTreatment,
        Health::Unhealthy if facts.remedies.iter().any(|remedy| failed_since(remedy, facts.opened_on)) => {
            Group::Failed
        }
        Health::Unhealthy => Group::Untreated,
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
        (RemedyOutcome::Failed, RemedyObjective::Closed { effect_by }) => {
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
    /// The day on which its latest episode closed.
    pub closed_on: Option<Date>,
    /// Its key, which breaks all ties.
    pub key: &'a str,
}

/// The order within a group.
pub fn order(group: Group, left: &Rank, right: &Rank) -> Ordering {
    let by_group = match group {
        Group::Untreated | Group::Failed | Group::InTreatment | Group::AtRisk | Group::Healthy => {
            worst_first(left, right)
        }
        Group::Unknown => longest_stale_first(left, right),
        Group::Recovered => Reverse(left.closed_on).cmp(&Reverse(right.closed_on)),
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
        RemedyObjective::Closed { effect_by }
    }

    fn unhealthy(remedies: &[(RemedyOutcome, RemedyObjective)]) -> Group {
        let remedies: Vec<RemedyFacts> = remedies
            .iter()
            .map(|(outcome, objective)| RemedyFacts { outcome: *outcome, objective: *objective })
            .collect();
        group(&Facts {
            health: Health::Unhealthy,
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
                opened_on: Some(date(2026, 1, 1)),
                closed_on: None,
                remedies: &working,
                today: TODAY,
            })
        };
        assert_eq!(at(Health::AtRisk), Group::AtRisk);
        assert_eq!(at(Health::Unknown), Group::Unknown);
        assert_eq!(at(Health::Healthy), Group::Healthy);
        assert_eq!(at(Health::Unhealthy), Group::InTreatment);
    }

    #[test]
    fn what_is_unhealthy_is_untreated_in_treatment_or_failed() {
        use RemedyObjective::{Active, Draft};
        use RemedyOutcome::*;
        let (past, future) = (closed(date(2026, 3, 1)), closed(date(2026, 4, 30)));
        assert_eq!(unhealthy(&[]), Group::Untreated);
        assert_eq!(unhealthy(&[(Planned, Draft)]), Group::Untreated);
        assert_eq!(unhealthy(&[(Withdrawn, Active)]), Group::Untreated);
        assert_eq!(unhealthy(&[(InProgress, Active)]), Group::InTreatment);
        assert_eq!(unhealthy(&[(AwaitingEffect, future)]), Group::InTreatment);
        assert_eq!(unhealthy(&[(Failed, past)]), Group::Failed);
        assert_eq!(unhealthy(&[(Failed, past), (Planned, Draft)]), Group::Failed);
        assert_eq!(unhealthy(&[(Failed, past), (InProgress, Active)]), Group::InTreatment);
        // People still work on what relapsed; what relapsed after its end is nobody's.
        assert_eq!(unhealthy(&[(Relapsed, Active)]), Group::InTreatment);
        assert_eq!(unhealthy(&[(Relapsed, past)]), Group::Untreated);
        assert_eq!(unhealthy(&[(Relapsed, Draft)]), Group::Untreated);
        // A single bad day of a daily KPI does not make a relapse yet.
        assert_eq!(unhealthy(&[(Recovered, Active)]), Group::InTreatment);
        assert_eq!(unhealthy(&[(Recovered, past)]), Group::Untreated);
    }

    #[test]
    fn a_failure_counts_in_its_own_episode_only() {
        let at = |opened_on| {
            let remedies =
                [RemedyFacts { outcome: RemedyOutcome::Failed, objective: closed(date(2026, 3, 1)) }];
            group(&Facts {
                health: Health::Unhealthy,
                opened_on,
                closed_on: None,
                remedies: &remedies,
                today: TODAY,
            })
        };
        assert_eq!(at(Some(date(2026, 2, 1))), Group::Failed);
        assert_eq!(at(Some(date(2026, 3, 1))), Group::Failed);
        assert_eq!(at(Some(date(2026, 3, 2))), Group::Untreated);
        assert_eq!(at(None), Group::Untreated);
    }

    #[test]
    fn a_recovery_is_shown_for_thirty_days_with_both_ends() {
        let at = |closed_on| {
            group(&Facts { health: Health::Healthy, opened_on: None, closed_on, remedies: &[], today: TODAY })
        };
        assert_eq!(at(Some(TODAY)), Group::Recovered);
        assert_eq!(at(Some(date(2026, 3, 1))), Group::Recovered);
        assert_eq!(at(Some(date(2026, 2, 28))), Group::Healthy);
        // The last day of a period that still runs may lie ahead of the newest point, never of today.
        assert_eq!(at(Some(date(2026, 4, 1))), Group::Healthy);
        assert_eq!(at(None), Group::Healthy);
    }

    fn sorted(group: Group, mut ranks: Vec<Rank<'static>>) -> Vec<&'static str> {
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
        assert_eq!(sorted(Group::Untreated, ranks), expected);
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
        assert_eq!(sorted(Group::Unknown, unknown), expected);
        let healed = |key, closed_on| Rank { closed_on: Some(closed_on), ..rank(key) };
        let recovered = vec![
            healed("older", date(2026, 3, 2)),
            healed("newest-b", date(2026, 3, 30)),
            healed("newest-a", date(2026, 3, 30)),
        ];
        assert_eq!(sorted(Group::Recovered, recovered), ["newest-a", "newest-b", "older"]);
    }
}
