//! Alignment: an objective hangs under at most one parent, in a tree of at most nine levels.
//!
//! The rules are judged inside the write, which holds its workspace alone, so that moves that race
//! are judged one after the other. Every move is kept with its instants, so that any day can be
//! answered as it stood then.

use std::collections::HashMap;

use diesel::prelude::*;

use super::circle::Circle;
use super::row::ObjectiveRow;
use crate::access::Visibility;
use crate::http::text::shown;
use crate::http::{Code, Problem, Result};
use crate::store::schema::{objective_moves, objectives};
use crate::store::{
    IDS_PER_STATEMENT, Moment, ObjectiveId, ObjectiveMoveId, RawId, StoreError, Tx, WorkspaceId,
};

/// How many levels a tree of objectives has at the most.
pub const LEVELS: usize = 9;
/// How much of a title stands in a refusal.
const SHOWN_OF_TITLE: usize = 60;

/// A stretch of time in which an objective hung under a parent, or under none.
#[derive(Insertable)]
#[diesel(table_name = objective_moves)]
struct MoveRow {
    id: ObjectiveMoveId,
    workspace_id: WorkspaceId,
    objective_id: ObjectiveId,
    parent_id: Option<ObjectiveId>,
    recorded_at: Moment,
    recorded_by: RawId,
}

/// Refuses a new parent that is closed, that hangs under the objective itself, or under which the
/// tree would be too deep.
pub fn must_fit(tx: &mut Tx, objective: &ObjectiveRow) -> Result<()> {
    let Some(parent) = objective.parent_id else { return Ok(()) };
    let above = line_above(tx, parent)?;
    if let Some(place) = above.iter().position(|ancestor| ancestor.id == objective.id) {
        let under = above[..=place].iter().map(|ancestor| quoted(&ancestor.title));
        let line: Vec<String> = std::iter::once(quoted(&objective.title)).chain(under).collect();
        let detail = format!("the objectives would form a loop: {}", line.join(" under "));
        return Err(Problem::new(Code::AlignmentLoop, detail).with(
            "/parent_id",
            "alignment_loop",
            "it hangs under this objective already",
        ));
    }
    let depth = above.len() + height(tx, objective)?;
    if depth > LEVELS {
        let detail = format!("the tree of objectives would have {depth} levels; {LEVELS} are the most");
        return Err(Problem::new(Code::TooDeep, detail).with(
            "/parent_id",
            "too_deep",
            "it stands too deep for what hangs under the objective",
        ));
    }
    let Some(parent) = above.first() else { return Err(Problem::not_found_at("/parent_id")) };
    parent
        .must_take_changes(tx)
        .map_err(|problem| problem.with("/parent_id", "closed", "the parent takes no changes"))
}

/// The objective with an id and all above it, the nearest first.
fn line_above(tx: &mut Tx, id: ObjectiveId) -> Result<Vec<ObjectiveRow>> {
    let workspace = tx.workspace_id()?;
    let (mut line, mut next) = (Vec::new(), Some(id));
    while let Some(id) = next.filter(|_| line.len() <= LEVELS) {
        let Some(row) = ObjectiveRow::by_id(tx, workspace, id)? else { break };
        next = row.parent_id;
        line.push(row);
    }
    Ok(line)
}

/// How many levels an objective and what hangs under it take.
fn height(tx: &mut Tx, objective: &ObjectiveRow) -> Result<usize> {
    let (mut levels, mut level) = (0, vec![objective.id]);
    while !level.is_empty() && levels <= LEVELS {
        levels += 1;
        level = children_of(tx, &level)?.into_iter().map(|child| child.id).collect();
    }
    Ok(levels)
}

/// What hangs right under objectives, archived ones too, in the order of their making.
pub fn children_of(tx: &mut Tx, parents: &[ObjectiveId]) -> Result<Vec<ObjectiveRow>> {
    let workspace = tx.workspace_id()?;
    let mut found = Vec::new();
    for ids in parents.chunks(IDS_PER_STATEMENT) {
        let ids: Vec<Option<ObjectiveId>> = ids.iter().copied().map(Some).collect();
        let children: Vec<ObjectiveRow> = objectives::table
            .filter(objectives::workspace_id.eq(workspace))
            .filter(objectives::parent_id.eq_any(ids))
            .order((objectives::created_at, objectives::id))
            .load(tx.db())?;
        found.extend(children);
    }
    Ok(found)
}

fn quoted(title: &str) -> String {
    format!("\"{}\"", shown(title, SHOWN_OF_TITLE))
}

/// Keeps that an objective, stored already, hangs from now on where its row says.
pub fn record_move(tx: &mut Tx, objective: &ObjectiveRow) -> Result<()> {
    let now = tx.now;
    diesel::update(
        objective_moves::table
            .filter(objective_moves::workspace_id.eq(objective.workspace_id))
            .filter(objective_moves::objective_id.eq(objective.id))
            .filter(objective_moves::replaced_at.is_null()),
    )
    .set(objective_moves::replaced_at.eq(Some(now)))
    .execute(tx.db())?;
    let row = MoveRow {
        id: ObjectiveMoveId::generate(now.timestamp()),
        workspace_id: objective.workspace_id,
        objective_id: objective.id,
        parent_id: objective.parent_id,
        recorded_at: now,
        recorded_by: tx.author().recorded_by(),
    };
    diesel::insert_into(objective_moves::table).values(&row).execute(tx.db())?;
    Ok(())
}

/// The parents of all objectives of the workspace at an instant; those without one are absent.
pub fn parents_at(tx: &mut Tx, at: Moment) -> Result<HashMap<ObjectiveId, ObjectiveId>, StoreError> {
    let workspace = tx.workspace_id()?;
    let held: Vec<(ObjectiveId, Option<ObjectiveId>)> = objective_moves::table
        .filter(objective_moves::workspace_id.eq(workspace))
        .filter(objective_moves::recorded_at.le(at))
        .filter(objective_moves::replaced_at.is_null().or(objective_moves::replaced_at.gt(at)))
        .select((objective_moves::objective_id, objective_moves::parent_id))
        .load(tx.db())?;
    Ok(held.into_iter().filter_map(|(child, parent)| Some((child, parent?))).collect())
}

/// How many objectives that are not archived hang right under each of some, as far as all who see
/// the one above see them, too.
pub fn child_counts(
    tx: &mut Tx,
    parents: &[&ObjectiveRow],
    circles: &HashMap<ObjectiveId, Circle>,
) -> Result<HashMap<ObjectiveId, i64>> {
    let workspace = tx.workspace_id()?;
    let mut found: HashMap<ObjectiveId, i64> = HashMap::new();
    let mut private: Vec<ObjectiveRow> = Vec::new();
    for parents in parents.chunks(IDS_PER_STATEMENT) {
        let ids: Vec<Option<ObjectiveId>> = parents.iter().map(|parent| Some(parent.id)).collect();
        let children = || {
            objectives::table
                .filter(objectives::workspace_id.eq(workspace))
                .filter(objectives::parent_id.eq_any(ids.clone()))
                .filter(objectives::archived_at.is_null())
        };
        let counts: Vec<(Option<ObjectiveId>, i64)> = children()
            .filter(objectives::visibility.eq(Visibility::Workspace))
            .group_by(objectives::parent_id)
            .select((objectives::parent_id, diesel::dsl::count_star()))
            .load(tx.db())?;
        found.extend(counts.into_iter().filter_map(|(parent, count)| Some((parent?, count))));
        let few: Vec<ObjectiveRow> =
            children().filter(objectives::visibility.eq(Visibility::Private)).load(tx.db())?;
        private.extend(few);
    }
    for (parent, count) in seen_with_parents(tx, parents, circles, &private)? {
        *found.entry(parent).or_default() += count;
    }
    Ok(found)
}

/// How many children each objective has that all see who see it.
pub fn seen_with_parents(
    tx: &mut Tx,
    parents: &[&ObjectiveRow],
    circles: &HashMap<ObjectiveId, Circle>,
    children: &[ObjectiveRow],
) -> Result<HashMap<ObjectiveId, i64>> {
    let by_id: HashMap<ObjectiveId, &ObjectiveRow> = parents.iter().map(|row| (row.id, *row)).collect();
    let viewers = Circle::viewers_of(tx, &children.iter().collect::<Vec<_>>())?;
    let nobody = Circle::default();
    let mut found: HashMap<ObjectiveId, i64> = HashMap::new();
    for child in children {
        let Some(parent) = child.parent_id.and_then(|id| by_id.get(&id)) else { continue };
        let above = circles.get(&parent.id).unwrap_or(&nobody).facts(parent);
        if viewers.get(&child.id).is_some_and(|viewers| above.viewers.all_see(viewers)) {
            *found.entry(parent.id).or_default() += 1;
        }
    }
    Ok(found)
}
