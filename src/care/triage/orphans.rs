//! Objectives that heal no KPI and serve no other objective, as triage lists them.

use std::collections::HashSet;

use diesel::dsl::not;
use diesel::prelude::*;

use super::{Orphan, Scope};
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::care::remedies::Standpoint;
use crate::http::Result;
use crate::kpis::derive::View;
use crate::okrs::cycles::CycleRow;
use crate::okrs::objectives::alignment::parents_at;
use crate::okrs::objectives::supports::links_at;
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState, RecordedState, states_at};
use crate::okrs::progress::cycles_of;
use crate::people::{members, teams};
use crate::store::ObjectiveId;
use crate::store::connection::MultiBackend;
use crate::store::schema::objectives;

/// Active objectives that heal no KPI, have no parent and support no other.
pub fn orphans(
    tx: &mut Scoped,
    scope: &Scope,
    view: Option<&View>,
    standpoint: &Standpoint,
    healing: &HashSet<ObjectiveId>,
) -> Result<Vec<Orphan>> {
    let workspace = tx.here()?;
    let query = objectives::table
        .filter(objectives::workspace_id.eq(workspace))
        .filter(not(Hidden::from(tx)?.objective()))
        .into_boxed::<MultiBackend>();
    let mut rows: Vec<ObjectiveRow> = match view {
        None => query
            .filter(objectives::parent_id.is_null())
            .filter(objectives::state.eq(ObjectiveState::Active))
            .filter(objectives::archived_at.is_null())
            .load(tx.db())?,
        Some(_) => {
            let mut rows: Vec<ObjectiveRow> =
                query.filter(objectives::created_at.le(standpoint.recorded_by)).load(tx.db())?;
            let ids: Vec<ObjectiveId> = rows.iter().map(|row| row.id).collect();
            let states = states_at(tx, &ids, standpoint.recorded_by)?;
            let parents = parents_at(tx, standpoint.recorded_by)?;
            rows.retain(|row| {
                states.get(&row.id) == Some(&RecordedState::Active) && !parents.contains_key(&row.id)
            });
            rows
        }
    };
    let supporting: HashSet<ObjectiveId> =
        links_at(tx, standpoint.recorded_by)?.into_iter().map(|(from, _)| from).collect();
    rows.retain(|row| {
        !healing.contains(&row.id) && !supporting.contains(&row.id) && scope.holds(row.owner_id, row.team_id)
    });
    rows.sort_by_key(|row| (row.activated_at, row.id));
    let owners = members::names(tx, workspace, rows.iter().filter_map(|row| row.owner_id))?;
    let names = teams::names(tx, workspace, rows.iter().filter_map(|row| row.team_id))?;
    let cycles = cycles_of(tx, &rows.iter().collect::<Vec<_>>())?;
    let shown = rows.into_iter().map(|row| Orphan {
        id: row.id,
        title: row.title.as_str().into(),
        state: ObjectiveState::Active,
        owner_id: row.owner_id,
        owner: row.owner_id.and_then(|id| owners.get(&id).cloned()),
        team_id: row.team_id,
        team: row.team_id.and_then(|id| names.get(&id).cloned()),
        cycle_id: row.cycle_id,
        cycle: row.cycle_id.and_then(|id| cycles.get(&id)).map(CycleRow::shown_as_reference),
        activated_at: row.activated_at,
    });
    Ok(shown.collect())
}
