//! Making key results: judged against their objective, stored with their event.

use diesel::prelude::*;
use serde_json::json;

use super::fields::{Completeness, NewKeyResult, judge_goal};
use super::row::{KeyResultRow, KeyResultSource};
use crate::access::Scoped;
use crate::http::{Code, FieldErrors, Problem, Result};
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::{Dates, due_on};
use crate::okrs::wire::fields_of;
use crate::store::journal::EventType;
use crate::store::schema::key_results;
use crate::store::{KeyResultId, Tx};

/// Key results that an objective holds at the most, archived ones not counted.
const MOST: i64 = 100;

/// Makes a key result of an objective: complete where that is active, else as far as it is known.
pub fn create(tx: &mut Scoped, objective: &ObjectiveRow, new: &NewKeyResult) -> Result<KeyResultRow> {
    objective.must_take_changes(tx)?;
    let row = plan(tx, objective, new, "")?;
    let mut errors = FieldErrors::new();
    judge_goal(&row.goal(), completeness(objective), "", &mut errors);
    errors.settle()?;
    must_have_room(tx, objective)?;
    store(tx, objective, row)
}

/// What an objective asks of its key results.
pub fn completeness(objective: &ObjectiveRow) -> Completeness {
    match objective.state {
        ObjectiveState::Draft => Completeness::NotYet,
        ObjectiveState::Active | ObjectiveState::Closed => Completeness::Needed,
    }
}

/// The row of a new key result whose body stands at a pointer; nothing is stored.
pub fn plan(
    tx: &mut Scoped,
    objective: &ObjectiveRow,
    new: &NewKeyResult,
    pointer: &str,
) -> Result<KeyResultRow> {
    let now = tx.now;
    let blank = KeyResultRow {
        id: KeyResultId::generate(now.timestamp()),
        workspace_id: objective.workspace_id,
        objective_id: objective.id,
        title: String::new(),
        title_folded: String::new(),
        kind: new.kind,
        start: None,
        target: None,
        range_min: None,
        range_max: None,
        unit: None,
        weight: 1.0,
        owner_id: None,
        due_on: None,
        source: KeyResultSource::Manual,
        kpi_id: None,
        original_start: None,
        original_target: None,
        original_range_min: None,
        original_range_max: None,
        original_due_on: None,
        activated_at: None,
        frozen: None,
        version: 1,
        created_at: now,
        updated_at: now,
        archived_at: None,
    };
    let mut row = blank.with(tx, new, pointer)?;
    row.owner_id = row.owner_id.or(objective.owner_id);
    // A start that came from the KPI may be the target itself, or beyond it.
    let mut errors = FieldErrors::new();
    judge_goal(&row.goal(), Completeness::NotYet, pointer, &mut errors);
    errors.settle()?;
    Ok(row)
}

/// Stores a planned key result. In an active objective it keeps its goal as the original one.
pub fn store(tx: &mut Scoped, objective: &ObjectiveRow, mut row: KeyResultRow) -> Result<KeyResultRow> {
    if objective.state == ObjectiveState::Active {
        let cycle = objective.cycle(tx)?;
        let due = due_on(&row, &Dates::of(objective, cycle.as_ref()));
        row.keep_original(due, tx.now);
    }
    diesel::insert_into(key_results::table).values(&row).execute(tx.db())?;
    let mut change = fields_of(&row.fields());
    change.insert("objective_id".into(), json!(objective.id));
    tx.tell(EventType::KeyResultCreated, row.subject(), change.into());
    Ok(row)
}

/// Refuses where the objective holds as many as it may.
pub fn must_have_room(tx: &mut Tx, objective: &ObjectiveRow) -> Result<()> {
    let held: i64 = key_results::table
        .filter(key_results::workspace_id.eq(objective.workspace_id))
        .filter(key_results::objective_id.eq(objective.id))
        .filter(key_results::archived_at.is_null())
        .count()
        .get_result(tx.db())?;
    if held < MOST {
        return Ok(());
    }
    Err(Problem::new(Code::LimitReached, format!("an objective holds at most {MOST} key results")))
}
