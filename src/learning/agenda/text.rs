//! The agenda as a table for terminals and chat: at most 80 columns, one line per thing.

use super::{AchievedObjective, Agenda, ChangedKpi};
use crate::care::text::Table;
use crate::care::triage::TriageRow;
use crate::kpis::display::{Style, cut};
use crate::learning::decisions::Decision;
use crate::maths::Trend;
use crate::okrs::key_results::KeyResult;
use crate::people::members::MemberRef;

// The columns, each behind a space; with the indent every line has at most 80.
const NAME: usize = 33;
const VALUE: usize = 15;
const OWNER: usize = 17;
const DAY: usize = 10;
/// What is left of a line behind its indent.
const REST: usize = 67;

/// The whole table.
pub fn table(workspace: &str, agenda: &Agenda) -> String {
    let mut table = Table::default();
    table.line(&format!("Review of {} on {}", cut(workspace, 56), agenda.as_of));
    table.line(&format!("since {}", agenda.since));
    table.heading("Recovered", agenda.recovered.len());
    for row in &agenda.recovered {
        kpi(&mut table, row, row.last_episode.map(|episode| episode.closed_on.to_string()));
    }
    table.heading("Achieved", agenda.achieved.len());
    agenda.achieved.iter().for_each(|objective| achieved(&mut table, objective));
    table.heading("Changed", agenda.changed.len());
    agenda.changed.iter().for_each(|kpi| changed(&mut table, kpi));
    table.heading("Untreated", agenda.untreated.len());
    agenda.untreated.iter().for_each(|row| unhealthy(&mut table, row));
    table.heading("Failed remedies", agenda.failed.len());
    agenda.failed.iter().for_each(|row| unhealthy(&mut table, row));
    table.heading("Blocked", agenda.blocked.len());
    agenda.blocked.iter().for_each(|key_result| blocked(&mut table, key_result));
    table.heading("To be looked at again", agenda.revisit.len());
    agenda.revisit.iter().for_each(|decision| revisit(&mut table, decision));
    table.finish()
}

fn kpi(table: &mut Table, row: &TriageRow, day: Option<String>) {
    let style = Style::shown(&row.display);
    let value = row.current.as_ref().and_then(|current| current.value);
    let value = value.map_or("none".into(), |value| style.within(value, VALUE));
    thing(table, &row.name, &value, row.owner.as_ref(), &day.unwrap_or_default());
}

fn unhealthy(table: &mut Table, row: &TriageRow) {
    kpi(table, row, row.since.map(|day| day.to_string()));
    if let Some(accepted) = &row.accepted {
        table.line(&format!("    accepted until {}", accepted.until));
    }
}

fn achieved(table: &mut Table, objective: &AchievedObjective) {
    let score = objective.score.map(|score| format!("score {score:.2}")).unwrap_or_default();
    let day = objective.closed_on.to_string();
    thing(table, objective.title.as_str(), &score, objective.owner.as_ref(), &day);
}

fn changed(table: &mut Table, kpi: &ChangedKpi) {
    let health = kpi.health.map(|health| format!("{} -> {}", health.from, health.to));
    let word = |trend: Option<Trend>| trend.map_or("no trend", |trend| trend.as_str());
    let trend = kpi.trend.map(|trend| format!("{} -> {}", word(trend.from), word(trend.to)));
    let what: Vec<String> = health.into_iter().chain(trend).collect();
    let what = what.join(", ").replace('_', " ");
    table.line(&format!("  {}", cut(&kpi.kpi.name, 78)));
    table.line(&format!("    {}", cut(&what, 76)));
}

fn blocked(table: &mut Table, key_result: &KeyResult) {
    let shown = key_result.in_words();
    table.line(&format!("  {}", cut(shown.title, 78)));
    let first = shown.blocker.unwrap_or_default().lines().next().unwrap_or_default();
    table.line(&format!("    blocked: {}", cut(first, REST)));
}

fn revisit(table: &mut Table, decision: &Decision) {
    let day = decision.revisit_on.map(|day| day.to_string()).unwrap_or_default();
    thing(table, &decision.kpi.name, decision.choice.as_str(), decision.decided_by.as_ref(), &day);
    let summary = decision.summary.as_ref().map_or("", |summary| summary.as_str());
    let first = summary.lines().next().unwrap_or_default();
    if !first.is_empty() {
        table.line(&format!("    {}", cut(first, 76)));
    }
}

/// A line of a thing, what is said of it, who answers for it, and a day.
fn thing(table: &mut Table, name: &str, what: &str, owner: Option<&MemberRef>, day: &str) {
    let owner = cut(owner.map_or("nobody", |owner| &owner.name), OWNER);
    let (name, what) = (cut(name, NAME), cut(what, VALUE));
    table.line(&format!("  {name:NAME$} {what:>VALUE$} {owner:OWNER$} {day:DAY$}"));
}
