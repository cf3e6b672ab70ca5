//! The tree: a whole cycle in one call, with all that a page of it shows.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cycles::{CycleRef, CycleRow};
use super::objectives::{Circle, Objective, ObjectiveRow, show};
use super::progress::{Past, Surroundings};
use super::wire::refused_in_query;
use crate::access::{Db, Reads, Scoped};
use crate::http::{Answer, Json, Query, Result, Routes, routes};
use crate::kpis::derive::AsOf;
use crate::store::schema::objectives;
use crate::store::{Day, Moment, ObjectiveId};

/// The path of the tree.
pub fn routes() -> Routes {
    routes! { "objectives",
        "/v1/workspaces/{workspace}/tree" {
            /// Show a whole cycle.
            /// Its objectives that are not archived, never paged: with key results, latest check-ins, progress and
            /// breakdown, each right before those under it. With `as_of` or `known_at` it is shown as it stood then:
            /// states, parents, links, check-ins and the values of KPIs; titles, owners, weights, goals and cycles
            /// are as they are now.
            GET show_tree,
        }
    }
}

/// Which cycle, and from when it is seen.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TreeFilter {
    /// The cycle: its id, its slug, or `current`.
    #[serde(default = "current")]
    #[param(default = "current", max_length = 64)]
    cycle: String,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
}

fn current() -> String {
    "current".to_owned()
}

/// A whole cycle.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tree {
    /// The day that it shows; today is shown as it is now.
    as_of: Day,
    /// The cycle.
    cycle: CycleRef,
    /// Its objectives, each right before those under it; neighbours by title.
    objectives: Vec<TreeObjective>,
}

/// An objective in its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct TreeObjective {
    /// How deep it hangs in this tree: 1 at the top, or where its parent belongs to another cycle.
    #[schema(minimum = 1, maximum = 9)]
    level: usize,
    /// The objective.
    objective: Objective,
}

async fn show_tree(db: Db<Reads>, filter: Query<TreeFilter>) -> Answer<Json<Tree>> {
    db.read((), filter, |tx, (), filter| {
        let cycle =
            CycleRow::named(tx, &filter.cycle).map_err(|problem| refused_in_query(problem, "cycle"))?;
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let past = view.map(|view| Past::of(tx, view)).transpose()?;
        Ok(Json::new(tree(tx, &cycle, past)?))
    })
    .await
}

fn tree(tx: &mut Scoped, cycle: &CycleRow, past: Option<Past>) -> Result<Tree> {
    let mut rows = of_cycle(tx, cycle, past.as_ref())?;
    let viewers = Circle::viewers_of(tx, &rows.iter().collect::<Vec<_>>())?;
    rows.retain(|row| viewers.get(&row.id).is_some_and(|viewers| tx.is_among(viewers)));
    let all: Vec<&ObjectiveRow> = rows.iter().collect();
    let around = Surroundings::as_seen(tx, &all, past)?;
    let objectives = in_order(&rows)
        .into_iter()
        .map(|(level, row)| TreeObjective { level, objective: show(tx, &around, row) })
        .collect();
    Ok(Tree { as_of: around.today.day.into(), cycle: cycle.shown_as_reference(), objectives })
}

/// The objectives of a cycle that are not archived, whoever may see them, by title; seen from the past,
/// as they stood then.
pub fn of_cycle(tx: &mut Scoped, cycle: &CycleRow, past: Option<&Past>) -> Result<Vec<ObjectiveRow>> {
    let workspace = tx.here()?;
    let mut rows: Vec<ObjectiveRow> = objectives::table
        .filter(objectives::workspace_id.eq(workspace))
        .filter(objectives::cycle_id.eq(cycle.id))
        .load(tx.db())?;
    if let Some(past) = past {
        rows = past.objectives(tx, rows)?;
    }
    rows.retain(|row| row.archived_at.is_none());
    rows.sort_by(|left, right| (&left.title_folded, left.id).cmp(&(&right.title_folded, right.id)));
    Ok(rows)
}

/// Objectives with their levels, each right before those under it; neighbours keep their order.
fn in_order(rows: &[ObjectiveRow]) -> Vec<(usize, &ObjectiveRow)> {
    let here: HashSet<ObjectiveId> = rows.iter().map(|row| row.id).collect();
    let mut below: HashMap<Option<ObjectiveId>, Vec<&ObjectiveRow>> = HashMap::new();
    for row in rows {
        below.entry(row.parent_id.filter(|parent| here.contains(parent))).or_default().push(row);
    }
    // The next one stands at the end.
    let mut waiting: Vec<(usize, &ObjectiveRow)> =
        below.remove(&None).into_iter().flatten().rev().map(|row| (1, row)).collect();
    let mut ordered = Vec::with_capacity(rows.len());
    while let Some((level, row)) = waiting.pop() {
        ordered.push((level, row));
        let children = below.remove(&Some(row.id)).into_iter().flatten();
        waiting.extend(children.rev().map(|child| (level + 1, child)));
    }
    ordered
}
