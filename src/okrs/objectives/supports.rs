//! "Supports": an objective helps others beside the tree. These links never count.

use std::collections::HashSet;

use diesel::prelude::*;

use super::circle::SharedObjective;
use super::row::ObjectiveRow;
use crate::access::Scoped;
use crate::http::{FieldErrors, Problem, Result};
use crate::store::schema::objective_supports;
use crate::store::{IDS_PER_STATEMENT, Moment, ObjectiveId, RawId, StoreError, SupportId, Tx, WorkspaceId};

/// A link from an objective to one that it supports.
#[derive(Insertable)]
#[diesel(table_name = objective_supports)]
struct SupportRow {
    id: SupportId,
    workspace_id: WorkspaceId,
    objective_id: ObjectiveId,
    supported_id: ObjectiveId,
    recorded_at: Moment,
    recorded_by: RawId,
}

/// One objective, and another that it supports.
pub type Support = (ObjectiveId, ObjectiveId);

/// The objectives that a body names, each once, in the order of their ids. Those that it supports
/// already may have gone since.
pub fn named(
    tx: &mut Scoped,
    objective: ObjectiveId,
    named: &[ObjectiveId],
    before: &[ObjectiveId],
) -> Result<Vec<ObjectiveId>> {
    let (mut errors, mut ids) = (FieldErrors::new(), Vec::new());
    for (index, id) in named.iter().enumerate() {
        let pointer = format!("/supported_ids/{index}");
        if *id == objective {
            errors.add(pointer, "itself", "an objective does not support itself");
        } else if ids.contains(id) {
            errors.add(pointer, "duplicate", "it stands there already");
        } else if !before.contains(id) && SharedObjective::by_id(tx, *id)?.is_none() {
            return Err(Problem::not_found_at(pointer));
        }
        ids.push(*id);
    }
    errors.settle()?;
    ids.sort_unstable();
    Ok(ids)
}

/// Refuses to support from now on what takes no changes.
pub fn must_fit(tx: &mut Tx, supported: &[ObjectiveId], before: &[ObjectiveId]) -> Result<()> {
    let new: Vec<ObjectiveId> = supported.iter().copied().filter(|id| !before.contains(id)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let rows = ObjectiveRow::by_ids(tx, &new)?;
    for row in new.iter().filter_map(|id| rows.get(id)) {
        row.must_take_changes(tx).map_err(|problem| {
            let detail = format!("{} takes no changes", row.title);
            problem.with("/supported_ids", "closed", detail)
        })?;
    }
    Ok(())
}

/// Ends the links that are not there any more, and keeps the new ones.
pub fn replace(
    tx: &mut Tx,
    objective: &ObjectiveRow,
    supported: &[ObjectiveId],
    before: &[ObjectiveId],
) -> Result<()> {
    let now = tx.now;
    let ended: Vec<ObjectiveId> = before.iter().copied().filter(|id| !supported.contains(id)).collect();
    if !ended.is_empty() {
        diesel::update(
            objective_supports::table
                .filter(objective_supports::workspace_id.eq(objective.workspace_id))
                .filter(objective_supports::objective_id.eq(objective.id))
                .filter(objective_supports::supported_id.eq_any(ended))
                .filter(objective_supports::ended_at.is_null()),
        )
        .set(objective_supports::ended_at.eq(Some(now)))
        .execute(tx.db())?;
    }
    for supported_id in supported.iter().copied().filter(|id| !before.contains(id)) {
        let row = SupportRow {
            id: SupportId::generate(now.timestamp()),
            workspace_id: objective.workspace_id,
            objective_id: objective.id,
            supported_id,
            recorded_at: now,
            recorded_by: tx.author().recorded_by(),
        };
        diesel::insert_into(objective_supports::table).values(&row).execute(tx.db())?;
    }
    Ok(())
}

/// The links from and to objectives, in the order of their ids.
pub fn of_objectives(tx: &mut Tx, objectives: &[ObjectiveId]) -> Result<Vec<Support>> {
    let workspace = tx.workspace_id()?;
    let mut found: HashSet<Support> = HashSet::new();
    for ids in objectives.chunks(IDS_PER_STATEMENT) {
        let links: Vec<Support> = objective_supports::table
            .filter(objective_supports::workspace_id.eq(workspace))
            .filter(objective_supports::ended_at.is_null())
            .filter(
                objective_supports::objective_id
                    .eq_any(ids.to_vec())
                    .or(objective_supports::supported_id.eq_any(ids.to_vec())),
            )
            .select((objective_supports::objective_id, objective_supports::supported_id))
            .load(tx.db())?;
        found.extend(links);
    }
    let mut found: Vec<Support> = found.into_iter().collect();
    found.sort_unstable();
    Ok(found)
}

/// All links of the workspace as they were at an instant, in the order of their ids.
pub fn links_at(tx: &mut Tx, at: Moment) -> Result<Vec<Support>, StoreError> {
    let workspace = tx.workspace_id()?;
    let links = objective_supports::table
        .filter(objective_supports::workspace_id.eq(workspace))
        .filter(objective_supports::recorded_at.le(at))
        .filter(objective_supports::ended_at.is_null().or(objective_supports::ended_at.gt(at)))
        .order((objective_supports::objective_id, objective_supports::supported_id))
        .select((objective_supports::objective_id, objective_supports::supported_id));
    Ok(links.load(tx.db())?)
}
