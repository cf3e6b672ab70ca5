//! Which objective goes on with which in another cycle: links from copies back to what they go on with.

use std::collections::HashMap;

use diesel::prelude::*;

use super::row::ObjectiveRow;
use crate::http::Result;
use crate::store::schema::objective_carry_overs;
use crate::store::{IDS_PER_STATEMENT, Moment, ObjectiveId, RawId, Tx, WorkspaceId};

/// An objective that goes on with another one.
#[derive(Insertable)]
#[diesel(table_name = objective_carry_overs)]
struct CarryOverRow {
    workspace_id: WorkspaceId,
    objective_id: ObjectiveId,
    carried_from_id: ObjectiveId,
    recorded_at: Moment,
    recorded_by: RawId,
}

/// What objectives were carried over from, and to.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    from: HashMap<ObjectiveId, ObjectiveId>,
    to: HashMap<ObjectiveId, Vec<ObjectiveId>>,
}

impl Carried {
    /// Of objectives, as far as it was known at an instant.
    pub fn of(tx: &mut Tx, objectives: &[ObjectiveId], instant: Moment) -> Result<Self> {
        let workspace = tx.workspace_id()?;
        let mut carried = Self::default();
        for ids in objectives.chunks(IDS_PER_STATEMENT) {
            let links: Vec<(ObjectiveId, ObjectiveId)> = objective_carry_overs::table
                .filter(objective_carry_overs::workspace_id.eq(workspace))
                .filter(objective_carry_overs::recorded_at.le(instant))
                .filter(
                    objective_carry_overs::objective_id
                        .eq_any(ids.to_vec())
                        .or(objective_carry_overs::carried_from_id.eq_any(ids.to_vec())),
                )
                .order((objective_carry_overs::recorded_at, objective_carry_overs::objective_id))
                .select((objective_carry_overs::objective_id, objective_carry_overs::carried_from_id))
                .load(tx.db())?;
            for (copy, source) in links {
                // A link whose ends stand in two statements is found twice.
                if carried.from.insert(copy, source).is_none() {
                    carried.to.entry(source).or_default().push(copy);
                }
            }
        }
        Ok(carried)
    }

    /// What an objective goes on with.
    pub fn source(&self, objective: ObjectiveId) -> Option<ObjectiveId> {
        self.from.get(&objective).copied()
    }

    /// What goes on with an objective, the earliest first.
    pub fn copies(&self, objective: ObjectiveId) -> &[ObjectiveId] {
        self.to.get(&objective).map_or(&[], Vec::as_slice)
    }

    /// All that these links name.
    pub fn named(&self) -> impl Iterator<Item = ObjectiveId> + '_ {
        self.from.iter().flat_map(|(copy, source)| [*copy, *source])
    }
}

/// Keeps that an objective goes on with another one.
pub fn record_carry_over(tx: &mut Tx, copy: &ObjectiveRow, source: &ObjectiveRow) -> Result<()> {
    let row = CarryOverRow {
        workspace_id: copy.workspace_id,
        objective_id: copy.id,
        carried_from_id: source.id,
        recorded_at: tx.now,
        recorded_by: tx.author().recorded_by(),
    };
    diesel::insert_into(objective_carry_overs::table).values(&row).execute(tx.db())?;
    Ok(())
}
