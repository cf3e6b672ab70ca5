//! Announcements: what the clock alone has changed is told once, on whichever node gets there first.
//!
//! A value goes stale, a sum completes, a check-in becomes overdue, an effect does not come in time, a token ends soon:
//! nobody writes then. A pass finds the workspaces in which such an instant has passed, and tells each of them in one write, which
//! holds the workspace alone. What was told already stands in the journal, so that a second pass tells nothing.

use std::collections::HashSet;
use std::time::Duration;

use diesel::prelude::*;
use serde_json::{Value, json};

use super::remedies;
use crate::http::Result;
use crate::kpis::derive::{self, StateRow};
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::{Calendar, Freshness, Health};
use crate::okrs::check_ins::CheckInRow;
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::Surroundings;
use crate::people::tokens;
use crate::store::journal::{EventType, Subject, told_last};
use crate::store::schema::{announcements, kpi_states, kpis, objectives, workspaces};
use crate::store::{
    Author, Day, KpiChange, KpiId, Lane, Moment, Opening, Store, Tx, WorkspaceId, WorkspaceRow,
};

/// How long an instant may have passed before it is told.
const INTERVAL: Duration = Duration::from_secs(60);

/// Passes again and again, for as long as the server runs.
pub async fn keep(store: Store) {
    let mut minute = tokio::time::interval(INTERVAL);
    minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minute.tick().await;
        if let Err(problem) = pass(&store).await {
            tracing::warn!(%problem, "what the clock has changed could not be looked at");
        }
    }
}

/// Tells every workspace what the clock has changed in it; one that cannot be told now waits for the next pass.
pub async fn pass(store: &Store) -> Result<()> {
    let author = || Author::system("announcements");
    for workspace in store.read(author(), waiting).await? {
        if let Err(problem) = store.write(Lane::Workspace(workspace), author(), announce).await {
            tracing::warn!(%problem, %workspace, "what the clock has changed could not be told");
        }
    }
    Ok(())
}

/// The workspaces in which something may have to be told: a day has begun there, or a KPI has turned, since they
/// were told last, or a token ends soon. Few statements for all workspaces together.
fn waiting(tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
    let now = tx.now;
    tx.open(Opening::System)?;
    let known: Vec<(WorkspaceRow, Option<Moment>)> = workspaces::table
        .left_join(announcements::table.on(announcements::workspace_id.eq(workspaces::id)))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::id)
        .select((workspaces::all_columns, announcements::told_until.nullable()))
        .load(tx.db())?;
    let turned: Vec<WorkspaceId> = kpi_states::table
        .inner_join(announcements::table.on(announcements::workspace_id.eq(kpi_states::workspace_id)))
        .filter(
            kpi_states::from_at.gt(announcements::told_until).and(kpi_states::from_at.le(now)).or(
                kpi_states::stale_at
                    .assume_not_null()
                    .gt(announcements::told_until)
                    .and(kpi_states::stale_at.assume_not_null().le(now)),
            ),
        )
        .select(kpi_states::workspace_id)
        .distinct()
        .load(tx.db())?;
    let turned: HashSet<WorkspaceId> = turned.into_iter().chain(tokens::with_warnings(tx)?).collect();
    let waits = |workspace: &WorkspaceRow, told_until: Option<Moment>| {
        let calendar = workspace.calendar();
        let day = |at: Moment| calendar.day_of(at.timestamp());
        told_until.is_none_or(|until| day(until) < day(now)) || turned.contains(&workspace.id)
    };
    Ok(known.into_iter().filter(|(row, until)| waits(row, *until)).map(|(row, _)| row.id).collect())
}

/// Tells a workspace what the clock has changed in it since it was told last.
pub fn announce(tx: &mut Tx) -> Result<()> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    let told_until: Option<Moment> = announcements::table
        .filter(announcements::workspace_id.eq(workspace))
        .select(announcements::told_until)
        .first(tx.db())
        .optional()?;
    match told_until {
        // Another node was here in between.
        Some(until) if until >= now => return Ok(()),
        Some(_) => {
            diesel::update(announcements::table.filter(announcements::workspace_id.eq(workspace)))
                .set(announcements::told_until.eq(now))
                .execute(tx.db())?;
        }
        None => {
            diesel::insert_into(announcements::table)
                .values((announcements::workspace_id.eq(workspace), announcements::told_until.eq(now)))
                .execute(tx.db())?;
        }
    }
    tell_of_kpis(tx, told_until)?;
    tell_of_check_ins(tx)?;
    tokens::warn(tx)?;
    Ok(remedies::follow_clock(tx)?)
}

/// Tells of KPIs that show another health than was told last, and of values that went stale. What follows a change of
/// KPIs follows these too.
fn tell_of_kpis(tx: &mut Tx, told_until: Option<Moment>) -> Result<()> {
    let now = tx.now;
    let calendar = tx.workspace()?.calendar();
    let rows = turned_kpis(tx)?;
    let ids: Vec<KpiId> = rows.iter().map(|row| row.id).collect();
    let subjects: Vec<_> = ids.iter().map(|id| id.raw()).collect();
    let shown = derive::shown(tx, &ids)?;
    let healths = told_last(tx, EventType::KpiHealthChanged, &subjects)?;
    let stale = told_last(tx, EventType::KpiStale, &subjects)?;
    for row in &rows {
        let Some(state) = shown.get(&row.id) else { continue };
        let told = healths.get(&row.id.raw()).and_then(|change| health_in(change, "to"));
        let (before, after) = (told.unwrap_or(Health::Unknown), state.verdict(now).health);
        let subject = || Subject::new("kpi", row.id, &row.name);
        let period = period(state, row, &calendar);
        if before != after {
            let change = json!({ "from": before, "to": after, "period": period, "value": state.value });
            tx.tell(EventType::KpiHealthChanged, subject(), change);
        }
        // A sum that completed may heal something although its health is the same.
        if before != after || told_until.is_none_or(|until| state.from_at > until) {
            tx.kpi_changed(KpiChange { kpi: row.id, before, after });
        }
        let stale_at = json!(state.stale_at);
        let is_told =
            stale.get(&row.id.raw()).is_some_and(|change| change.get("stale_at") == Some(&stale_at));
        if state.freshness(now) == Freshness::Stale && !is_told {
            let change = json!({
                "stale_at": stale_at, "last_known": state.health, "period": period, "value": state.value,
            });
            tx.tell(EventType::KpiStale, subject(), change);
        }
    }
    Ok(())
}

/// The KPIs in use that the clock may have turned, by key.
fn turned_kpis(tx: &mut Tx) -> Result<Vec<KpiRow>> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    // What a write has shown holds from the beginning on; all later stages come with the clock.
    let beginning = Moment::from_microseconds(0);
    let turned = kpi_states::table
        .filter(kpi_states::workspace_id.eq(workspace))
        .filter(
            kpi_states::from_at
                .gt(beginning)
                .and(kpi_states::from_at.le(now))
                .or(kpi_states::stale_at.assume_not_null().le(now)),
        )
        .select(kpi_states::kpi_id);
    Ok(kpis::table
        .filter(kpis::workspace_id.eq(workspace))
        .filter(kpis::archived_at.is_null())
        .filter(kpis::id.eq_any(turned))
        .order(kpis::key)
        .load(tx.db())?)
}

fn health_in(change: &Value, field: &str) -> Option<Health> {
    change.get(field)?.as_str()?.parse().ok()
}

fn period(state: &StateRow, kpi: &KpiRow, calendar: &Calendar) -> Option<String> {
    let starts_on = calendar.day_of(state.period_starts_at?.timestamp());
    Some(period_name(kpi.cadence, starts_on))
}

/// Tells of check-ins that are overdue: once for each key result until somebody checks in.
fn tell_of_check_ins(tx: &mut Tx) -> Result<()> {
    let active: Vec<ObjectiveRow> = objectives::table
        .filter(objectives::workspace_id.eq(tx.workspace_id()?))
        .filter(objectives::state.eq(ObjectiveState::Active))
        .filter(objectives::archived_at.is_null())
        .load(tx.db())?;
    let around = Surroundings::of_objectives(tx, &active.iter().collect::<Vec<_>>())?;
    let mut overdue: Vec<(Day, &KeyResultRow)> = active
        .iter()
        // What belongs to a closed cycle takes no check-ins.
        .filter(|objective| around.cycle(objective).is_none_or(|cycle| cycle.must_be_open().is_ok()))
        .flat_map(|objective| around.key_results_of(objective.id).iter().map(move |row| (row, objective)))
        .filter(|(row, objective)| row.archived_at.is_none() && around.measure(row, objective).overdue)
        .map(|(row, objective)| (Day::from(around.check_in_due_on(row, objective)), row))
        .collect();
    overdue.sort_by_key(|(due_on, row)| (*due_on, row.id));
    let subjects: Vec<_> = overdue.iter().map(|(_, row)| row.id.raw()).collect();
    let told = told_last(tx, EventType::CheckInOverdue, &subjects)?;
    for (due_on, row) in overdue {
        let last: Option<&CheckInRow> = around.said.get(&row.id).and_then(|said| said.last.as_ref());
        let last = json!(last.map(|last| last.id));
        if told.get(&row.id.raw()).is_some_and(|change| change.get("last_check_in_id") == Some(&last)) {
            continue;
        }
        let change = json!({
            "objective_id": row.objective_id, "owner_id": row.owner_id, "due_on": due_on, "last_check_in_id": last,
        });
        tx.tell(EventType::CheckInOverdue, row.subject(), change);
    }
    Ok(())
}
