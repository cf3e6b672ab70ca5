//! What a review should talk about, loaded in a number of statements that does not grow with the number of things.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::{max, not};
use diesel::prelude::*;
use jiff::Span;
use serde_json::Value;

use super::{AchievedObjective, Agenda, AgendaCounts, ChangedKpi, HealthChange, TrendChange};
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::care::triage::{Scope, TriageGroup, of_group, placed_at, recovered_since};
use crate::http::{Problem, Result};
use crate::kpis::kpis::KpiRef;
use crate::learning::decisions::{due, show as show_decisions};
use crate::maths::ObjectiveOutcome;
use crate::okrs::key_results::{self, KeyResult};
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::Surroundings;
use crate::people::{members, teams};
use crate::store::connection::MultiBackend;
use crate::store::journal::EventType;
use crate::store::schema::{events, objectives, reviews};
use crate::store::{Day, IDS_PER_STATEMENT, Json, Moment, RawId};

/// How many days are looked back where there was no review.
const DAYS_WITHOUT_REVIEW: i64 = 7;

/// The whole agenda.
pub fn agenda(tx: &mut Scoped, scope: &Scope, since: Option<Day>) -> Result<Agenda> {
    let today = tx.today()?;
    if since.is_some_and(|since| since > today) {
        let detail = format!("today is {today} in this workspace");
        return Err(Problem::field("since", "in_the_future", detail));
    }
    let since = match since {
        Some(since) => since,
        None => last_review(tx, scope, today)?,
    };
    let begins = Moment::from(tx.workspace()?.calendar().start_of_day(since.date()));
    let placed = placed_at(tx, scope, None)?;
    let kpis: Vec<KpiRef> = placed
        .iter()
        .map(|placed| &placed.kpi)
        .map(|kpi| KpiRef { id: kpi.id, key: kpi.key.clone(), name: kpi.name.clone() })
        .collect();
    let changed = changed(tx, kpis, begins)?;
    let (recovered, rest) = recovered_since(placed, since.date());
    let (untreated, rest) = of_group(rest, TriageGroup::Untreated);
    let (failed, _) = of_group(rest, TriageGroup::Failed);
    let revisit = due(tx, today, &scope.teams)?;
    let agenda = Agenda {
        as_of: today,
        since,
        counts: AgendaCounts::default(),
        recovered,
        achieved: achieved(tx, scope, begins)?,
        changed,
        untreated,
        failed,
        blocked: blocked(tx, scope)?,
        revisit: show_decisions(tx, revisit, None)?,
    };
    let counts = AgendaCounts {
        recovered: agenda.recovered.len(),
        achieved: agenda.achieved.len(),
        changed: agenda.changed.len(),
        untreated: agenda.untreated.len(),
        failed: agenda.failed.len(),
        blocked: agenda.blocked.len(),
        revisit: agenda.revisit.len(),
    };
    Ok(Agenda { counts, ..agenda })
}

/// The day of the last review that these teams, or anybody, held.
fn last_review(tx: &mut Scoped, scope: &Scope, today: Day) -> Result<Day> {
    let mut query = reviews::table
        .filter(reviews::workspace_id.eq(tx.here()?))
        .select(max(reviews::held_on))
        .into_boxed::<MultiBackend>();
    if !scope.teams.is_empty() {
        query = query.filter(reviews::team_id.eq_any(scope.teams.clone()));
    }
    let last: Option<Day> = query.first(tx.db())?;
    let week_ago = || today.date().saturating_sub(Span::new().days(DAYS_WITHOUT_REVIEW)).into();
    Ok(last.unwrap_or_else(week_ago))
}

/// What the journal tells of the health and trend of KPIs since an instant: before the first change, after the last.
fn changed(tx: &mut Scoped, kpis: Vec<KpiRef>, begins: Moment) -> Result<Vec<ChangedKpi>> {
    let workspace = tx.here()?;
    let by_id: HashMap<RawId, KpiRef> = kpis.into_iter().map(|kpi| (kpi.id.raw(), kpi)).collect();
    let ids: Vec<RawId> = by_id.keys().copied().collect();
    let mut told: Vec<(i64, RawId, EventType, Json)> = Vec::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<(i64, RawId, EventType, Json)> = events::table
            .filter(events::workspace_id.eq(workspace))
            .filter(events::subject_id.eq_any(ids))
            .filter(events::kind.eq_any([EventType::KpiHealthChanged, EventType::KpiSignal]))
            .filter(events::at.ge(begins))
            .select((events::sequence, events::subject_id, events::kind, events::change))
            .load(tx.db())?;
        told.extend(rows);
    }
    told.sort_by_key(|(sequence, ..)| *sequence);
    let mut found: BTreeMap<&str, ChangedKpi> = BTreeMap::new();
    for (_, id, kind, Json(change)) in &told {
        let Some(kpi) = by_id.get(id) else { continue };
        let entry = found.entry(&kpi.key).or_insert_with(|| ChangedKpi {
            kpi_id: kpi.id,
            kpi: kpi.clone(),
            health: None,
            trend: None,
        });
        match kind {
            EventType::KpiHealthChanged => {
                let Some((from, to)) = word(change, "from").zip(word(change, "to")) else { continue };
                let from = entry.health.map_or(from, |health| health.from);
                entry.health = Some(HealthChange { from, to });
            }
            _ => {
                let from = entry.trend.map_or_else(|| word(change, "from"), |trend| trend.from);
                entry.trend = Some(TrendChange { from, to: word(change, "to") });
            }
        }
    }
    let changed = found.into_values().filter_map(|kpi| {
        let health = kpi.health.filter(|health| health.from != health.to);
        let trend = kpi.trend.filter(|trend| trend.from != trend.to);
        (health.is_some() || trend.is_some()).then_some(ChangedKpi { health, trend, ..kpi })
    });
    Ok(changed.collect())
}

/// A word of the domain in the change that an event tells.
fn word<T: std::str::FromStr>(change: &Value, field: &str) -> Option<T> {
    change.get(field)?.as_str()?.parse().ok()
}

/// Objectives that were closed as achieved since an instant, the newest first.
fn achieved(tx: &mut Scoped, scope: &Scope, begins: Moment) -> Result<Vec<AchievedObjective>> {
    let workspace = tx.here()?;
    let calendar = tx.workspace()?.calendar();
    let mut rows: Vec<ObjectiveRow> = objectives::table
        .filter(objectives::workspace_id.eq(workspace))
        .filter(objectives::state.eq(ObjectiveState::Closed))
        .filter(objectives::outcome.eq(ObjectiveOutcome::Achieved))
        .filter(objectives::closed_at.ge(begins))
        .filter(objectives::archived_at.is_null())
        .filter(not(Hidden::from(tx)?.objective()))
        .order((objectives::closed_at.desc(), objectives::id.desc()))
        .load(tx.db())?;
    rows.retain(|row| scope.holds(row.owner_id, row.team_id));
    let people = members::names(tx, workspace, rows.iter().filter_map(|row| row.owner_id))?;
    let teams = teams::names(tx, workspace, rows.iter().filter_map(|row| row.team_id))?;
    let shown = rows.into_iter().filter_map(|row| {
        Some(AchievedObjective {
            id: row.id,
            title: row.title.as_str().into(),
            owner_id: row.owner_id,
            owner: row.owner_id.and_then(|id| people.get(&id).cloned()),
            team_id: row.team_id,
            team: row.team_id.and_then(|id| teams.get(&id).cloned()),
            closed_on: calendar.day_of(row.closed_at?.timestamp()).into(),
            score: row.score,
        })
    });
    Ok(shown.collect())
}

/// Key results of active objectives in whose way something stands, by title.
fn blocked(tx: &mut Scoped, scope: &Scope) -> Result<Vec<KeyResult>> {
    let mut active: Vec<ObjectiveRow> = objectives::table
        .filter(objectives::workspace_id.eq(tx.here()?))
        .filter(objectives::state.eq(ObjectiveState::Active))
        .filter(objectives::archived_at.is_null())
        .filter(not(Hidden::from(tx)?.objective()))
        .load(tx.db())?;
    active.retain(|row| scope.holds(row.owner_id, row.team_id));
    let around = Surroundings::of_objectives(tx, &active.iter().collect::<Vec<_>>())?;
    let mut found: Vec<_> = active
        .iter()
        .flat_map(|objective| around.key_results_of(objective.id).iter().map(move |row| (row, objective)))
        .filter(|(row, _)| row.archived_at.is_none() && around.is_blocked(row.id))
        .collect();
    found.sort_by_key(|(row, _)| (&row.title_folded, row.id));
    Ok(found.into_iter().map(|(row, objective)| key_results::show(tx, &around, row, objective)).collect())
}
