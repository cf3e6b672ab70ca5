//! Triage as a table for terminals and chat: at most 80 columns, one line per row.

use super::group::TriageGroup;
use super::loose_ends::{LooseBecause, LooseEnds};
use super::{Orphan, Triage, TriageLeft, TriageRemedy, TriageRow};
use crate::care::display::{Style, cut};
use crate::care::text::Table;
use crate::maths::{Band, Freshness, HealthReason, RemedyOutcome};

// The columns, each behind a space; with the indent they fill 80.
const NAME: usize = 28;
const VALUE: usize = 11;
const TARGET: usize = 14;
const DAY: usize = 10;
const LAST: usize = 11;

/// The parts of the line of an objective.
const TITLE: usize = 53;
const OWNER: usize = 24;

/// The whole table.
pub fn table(workspace: &str, triage: &Triage) -> String {
    let mut table = Table::default();
    table.line(&format!("Triage of {} on {}", cut(workspace, 56), triage.as_of));
    let groups = [
        (TriageGroup::Untreated, &triage.untreated),
        (TriageGroup::Failed, &triage.failed),
        (TriageGroup::InTreatment, &triage.in_treatment),
        (TriageGroup::AtRisk, &triage.at_risk),
        (TriageGroup::Slipping, &triage.slipping),
        (TriageGroup::Unknown, &triage.unknown),
        (TriageGroup::Recovered, &triage.recovered),
    ];
    for (group, rows) in groups {
        let Words { heading, day, last } = words(group);
        table.heading(heading, rows.len());
        if !rows.is_empty() {
            table.columns(["KPI", "VALUE", "TARGET", day, last]);
        }
        for row in rows {
            table.kpi(group, row);
        }
    }
    table.heading("Objectives that heal no KPI", triage.orphans.len());
    for orphan in &triage.orphans {
        table.objective(orphan);
    }
    table.heading(words(TriageGroup::Healthy).heading, triage.counts.healthy);
    if let Some(day) = triage.compared_to {
        table.heading(&format!("Left since {day}"), triage.left.len());
        for left in &triage.left {
            table.left(left);
        }
    }
    if let Some(ends) = &triage.loose_ends {
        table.loose_ends(ends);
    }
    table.finish()
}

struct Words {
    heading: &'static str,
    day: &'static str,
    last: &'static str,
}

fn words(group: TriageGroup) -> Words {
    let (heading, day, last) = match group {
        TriageGroup::Untreated => ("Untreated", "SINCE", "REMEDY"),
        TriageGroup::Failed => ("Failed", "SINCE", "REMEDY"),
        TriageGroup::InTreatment => ("In treatment", "SINCE", "REMEDY"),
        TriageGroup::AtRisk => ("At risk", "SINCE", "REMEDY"),
        TriageGroup::Slipping => ("Slipping", "LEAVES ON", "REMEDY"),
        TriageGroup::Unknown => ("Unknown", "STALE ON", "REASON"),
        TriageGroup::Recovered => ("Recovered", "ON", "REMEDY"),
        TriageGroup::Healthy => ("Healthy besides", "SINCE", "REMEDY"),
    };
    Words { heading, day, last }
}

impl Table {
    fn columns(&mut self, [name, value, target, day, last]: [&str; 5]) {
        let (name, value, target) = (cut(name, NAME), cut(value, VALUE), cut(target, TARGET));
        let (day, last) = (cut(day, DAY), cut(last, LAST));
        self.line(&format!("  {name:NAME$} {value:>VALUE$} {target:TARGET$} {day:DAY$} {last}"));
    }

    fn kpi(&mut self, group: TriageGroup, row: &TriageRow) {
        let style = Style::shown(&row.display);
        let value = row.current.as_ref().and_then(|current| current.value);
        let value = value.map_or("none".into(), |value| style.within(value, VALUE));
        let target =
            row.target.map_or("none".into(), |target| style.band(Band { min: target.min, max: target.max }));
        let (day, last) = match group {
            TriageGroup::Unknown => match row.freshness.state {
                Freshness::Never => (None, reason(row.health_reason)),
                Freshness::Fresh | Freshness::Due | Freshness::Stale => {
                    (row.freshness.stale_on, reason(row.health_reason))
                }
            },
            TriageGroup::Slipping => (row.leaves_on, remedy(&row.remedies)),
            TriageGroup::Recovered => {
                (row.last_episode.map(|episode| episode.closed_on), remedy(&row.remedies))
            }
            TriageGroup::Untreated
            | TriageGroup::Failed
            | TriageGroup::InTreatment
            | TriageGroup::AtRisk
            | TriageGroup::Healthy => (row.since, remedy(&row.remedies)),
        };
        let missing = if group == TriageGroup::Slipping { "worsening" } else { "never" };
        let day = day.map_or(missing.into(), |day| day.to_string());
        self.columns([&row.name, &value, &target, &day, last]);
        if let Some(before) = row.before.filter(|before| before.group != group) {
            let value = before.value.map_or("none".into(), |value| style.within(value, VALUE));
            self.line(&format!("    was: {}, {value}", words(before.group).heading.to_lowercase()));
        }
        if let Some(accepted) = &row.accepted {
            let why = accepted.why.as_ref().map_or("", |why| why.as_str().lines().next().unwrap_or_default());
            self.line(&format!("    accepted until {}: {}", accepted.until, cut(why, 49)));
        }
        for guard in row.guardrails.iter().filter(|guard| guard.breached) {
            self.line(&format!("    harmed by: {}", cut(guard.objective.title.as_str(), 65)));
        }
    }

    fn left(&mut self, left: &TriageLeft) {
        let was = words(left.before.group).heading.to_lowercase();
        self.line(&format!("  {:TITLE$} was {}", cut(&left.name, TITLE), cut(&was, OWNER - 4)));
    }

    fn loose_ends(&mut self, ends: &LooseEnds) {
        self.heading("Initiatives without a reason", ends.initiatives.len());
        for initiative in &ends.initiatives {
            let because = match initiative.because {
                LooseBecause::KeyResultMet => "key result met",
                LooseBecause::ObjectiveClosed => "objective closed",
            };
            self.line(&format!("  {:TITLE$} {because}", cut(initiative.title.as_str(), TITLE)));
        }
        self.heading("Remedies that go on", ends.remedies.len());
        for remedy in &ends.remedies {
            let name = cut(&remedy.kpi.name, TITLE);
            self.line(&format!("  {name:TITLE$} since {}", remedy.healthy_since));
        }
        self.heading("Objectives done without moving", ends.objectives.len());
        for done in &ends.objectives {
            let owner = done.owner.as_ref().map_or("nobody", |owner| &owner.name);
            let title = cut(done.objective.title.as_str(), TITLE);
            self.line(&format!("  {title:TITLE$} {}", cut(owner, OWNER)));
        }
    }

    fn objective(&mut self, orphan: &Orphan) {
        let owner = orphan.owner.as_ref().map_or("nobody", |owner| &owner.name);
        self.line(&format!("  {:TITLE$} {}", cut(orphan.title.as_str(), TITLE), cut(owner, OWNER)));
    }
}

fn reason(reason: Option<HealthReason>) -> &'static str {
    match reason {
        Some(HealthReason::NoTarget) => "no target",
        Some(HealthReason::NoData) => "no data",
        Some(HealthReason::Stale) => "stale",
        Some(HealthReason::Overflow) => "overflow",
        None => "unknown",
    }
}

/// What is going on, in a word: of several remedies the one that matters most now.
fn remedy(remedies: &[TriageRemedy]) -> &'static str {
    let telling = |outcome: &RemedyOutcome| match outcome {
        RemedyOutcome::InProgress => 0,
        RemedyOutcome::AwaitingEffect => 1,
        RemedyOutcome::Failed => 2,
        RemedyOutcome::Relapsed => 3,
        RemedyOutcome::Planned => 4,
        RemedyOutcome::Recovered => 5,
        RemedyOutcome::TargetMoved => 6,
        RemedyOutcome::Held => 7,
        RemedyOutcome::Withdrawn => 8,
    };
    match remedies.iter().map(|remedy| remedy.outcome).min_by_key(telling) {
        None | Some(RemedyOutcome::Withdrawn) => "none",
        Some(RemedyOutcome::InProgress) => "in progress",
        Some(RemedyOutcome::AwaitingEffect) => "awaiting",
        Some(RemedyOutcome::Failed) => "failed",
        Some(RemedyOutcome::Relapsed) => "relapsed",
        Some(RemedyOutcome::Planned) => "planned",
        Some(RemedyOutcome::Recovered) => "recovered",
        Some(RemedyOutcome::TargetMoved) => "moved",
        Some(RemedyOutcome::Held) => "held",
    }
}

#[cfg(test)]
mod tests;
