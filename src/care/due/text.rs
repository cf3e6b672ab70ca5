//! What is due as a table for terminals and chat: at most 80 columns, one line per thing.

use super::{Due, DueCheckIn, DueKpi, DueObjective};
use crate::care::display::{Style, cut};
use crate::care::text::Table;
use crate::care::triage::TriageRow;
use crate::kpis::row::DisplayStyle;
use crate::maths::Freshness;
use crate::okrs::initiatives::Initiative;
use crate::people::members::MemberRef;
use crate::store::Day;

// The columns, each behind a space; with the indent every line has at most 80.
const NAME: usize = 33;
const VALUE: usize = 10;
const WORD: usize = 11;
const DAY: usize = 10;
const OWNER: usize = 17;
const TITLE: usize = 49;

/// The whole table.
pub fn table(workspace: &str, due: &Due) -> String {
    let mut table = Table::default();
    table.line(&format!("Due in {} on {}", cut(workspace, 56), due.as_of));
    table.heading("Check-ins", due.check_ins.len());
    if !due.check_ins.is_empty() {
        values(&mut table, ["KEY RESULT", "LAST", "EXPECTED", "SAID", "SINCE"]);
    }
    due.check_ins.iter().for_each(|due| check_in(&mut table, due));
    table.heading("Values", due.kpis.len());
    if !due.kpis.is_empty() {
        values(&mut table, ["KPI", "LAST", "", "STATE", "SINCE"]);
    }
    due.kpis.iter().for_each(|due| kpi(&mut table, due));
    table.heading("Initiatives", due.initiatives.len());
    due.initiatives.iter().for_each(|due| initiative(&mut table, due));
    table.heading("Drafts whose time has begun", due.drafts.len());
    due.drafts.iter().for_each(|due| objective(&mut table, due, due.starts_on));
    table.heading("Objectives past their end", due.ended.len());
    due.ended.iter().for_each(|due| objective(&mut table, due, due.ends_on));
    table.heading("Failed remedies", due.failed_remedies.len());
    due.failed_remedies.iter().for_each(|row| failed(&mut table, row));
    table.finish()
}

fn values(table: &mut Table, [name, last, expected, word, day]: [&str; 5]) {
    let (name, last, expected) = (cut(name, NAME), cut(last, VALUE), cut(expected, VALUE));
    let (word, day) = (cut(word, WORD), cut(day, DAY));
    table.line(&format!("  {name:NAME$} {last:>VALUE$} {expected:>VALUE$} {word:WORD$} {day}"));
}

fn check_in(table: &mut Table, due: &DueCheckIn) {
    let shown = due.key_result.in_words();
    let style = Style::new(DisplayStyle::Number, None, shown.unit, None);
    let written = |value: Option<f64>| value.map_or("none".into(), |value| style.within(value, VALUE));
    let expected = due.expected_value.map(crate::http::Measure::value);
    let said = shown.confidence.map_or("never", |confidence| confidence.as_str());
    values(
        table,
        [shown.title, &written(shown.value), &written(expected), &spaced(said), &due.due_on.to_string()],
    );
    if let Some(blocker) = shown.blocker {
        let first = blocker.lines().next().unwrap_or_default();
        table.line(&format!("    blocked: {}", cut(first, 67)));
    }
}

fn kpi(table: &mut Table, due: &DueKpi) {
    let style = Style::shown(&due.display);
    let value = due.current.as_ref().and_then(|current| current.value);
    let value = value.map_or("none".into(), |value| style.within(value, VALUE));
    let (state, since) = match due.freshness.state {
        Freshness::Never => ("never", None),
        Freshness::Stale => ("stale", due.freshness.due_on),
        Freshness::Due | Freshness::Fresh => ("due", due.freshness.due_on),
    };
    values(table, [&due.name, &value, "", state, &since.map(|day| day.to_string()).unwrap_or_default()]);
}

fn initiative(table: &mut Table, due: &Initiative) {
    let (title, owner, due_on) = due.in_words();
    thing(table, title, owner, due_on);
}

fn objective(table: &mut Table, due: &DueObjective, day: Option<Day>) {
    thing(table, due.title.as_str(), due.owner.as_ref(), day);
    if !due.missing.is_empty() {
        let missing: Vec<&str> = due.missing.iter().map(|error| error.pointer.as_str()).collect();
        table.line(&format!("    missing: {}", cut(&missing.join(" "), 67)));
    }
}

fn failed(table: &mut Table, row: &TriageRow) {
    thing(table, &row.name, row.owner.as_ref(), row.since);
}

/// A line of a thing, who answers for it, and since when it waits.
fn thing(table: &mut Table, title: &str, owner: Option<&MemberRef>, day: Option<Day>) {
    let owner = cut(owner.map_or("nobody", |owner| &owner.name), OWNER);
    let day = day.map(|day| day.to_string()).unwrap_or_default();
    table.line(&format!("  {:TITLE$} {owner:OWNER$} {day}", cut(title, TITLE)));
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}
