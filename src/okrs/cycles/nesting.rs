//! Cycles within cycles: a quarter is a part of its year, without loops and with all its days.

use diesel::prelude::*;

use super::NewCycle;
use super::row::CycleRow;
use crate::http::{FieldErrors, Result};
use crate::okrs::wire::refused_at;
use crate::store::schema::cycles;
use crate::store::{CycleId, Tx};

/// How many cycles stand above one another at the most, one that is being moved included.
const LEVELS: usize = 9;

/// The cycle that a body names as the parent; 404 with the pointer where there is none.
pub fn named_parent(tx: &mut Tx, new: &NewCycle) -> Result<Option<CycleRow>> {
    let Some(name) = &new.parent else { return Ok(None) };
    CycleRow::named(tx, name).map(Some).map_err(|problem| refused_at(problem, "/parent_id"))
}

/// Refuses a parent that is a part of the cycle itself or does not hold all its days, and days that do
/// not hold all its parts.
pub fn judge_nesting(tx: &mut Tx, id: CycleId, new: &NewCycle, parent: Option<&CycleRow>) -> Result<()> {
    let mut errors = FieldErrors::new();
    if let Some(parent) = parent {
        judge_line(tx, id, parent, &mut errors)?;
        if new.starts_on < parent.starts_on {
            let detail = format!("the parent {} begins on {}", parent.name, parent.starts_on);
            errors.add("/starts_on", "outside_parent", detail);
        }
        if new.ends_on > parent.ends_on {
            let detail = format!("the parent {} ends on {}", parent.name, parent.ends_on);
            errors.add("/ends_on", "outside_parent", detail);
        }
    }
    let parts = parts_of(tx, id)?;
    if let Some(part) = parts.iter().find(|part| part.starts_on < new.starts_on) {
        let detail = format!("its part {} begins on {}", part.name, part.starts_on);
        errors.add("/starts_on", "parts_outside", detail);
    }
    if let Some(part) = parts.iter().find(|part| part.ends_on > new.ends_on) {
        errors.add("/ends_on", "parts_outside", format!("its part {} ends on {}", part.name, part.ends_on));
    }
    errors.settle()
}

/// Adds what is wrong with the line of cycles above.
fn judge_line(tx: &mut Tx, id: CycleId, parent: &CycleRow, errors: &mut FieldErrors) -> Result<()> {
    let (mut above, mut levels) = (Some(parent.clone()), 1);
    while let Some(row) = above {
        levels += 1;
        if row.id == id {
            errors.add("/parent_id", "loop", "the cycle would be a part of itself");
            return Ok(());
        }
        if levels > LEVELS {
            errors.add("/parent_id", "too_deep", format!("{LEVELS} cycles within one another are the most"));
            return Ok(());
        }
        above = match row.parent_id {
            None => None,
            Some(id) => CycleRow::by_ids(tx, &[id])?.remove(&id),
        };
    }
    Ok(())
}

/// The cycles that are parts of one, in the order of their first days.
pub fn parts_of(tx: &mut Tx, id: CycleId) -> Result<Vec<CycleRow>> {
    let workspace = tx.workspace_id()?;
    Ok(cycles::table
        .filter(cycles::workspace_id.eq(workspace))
        .filter(cycles::parent_id.eq(id))
        .order((cycles::starts_on, cycles::id))
        .load(tx.db())?)
}
