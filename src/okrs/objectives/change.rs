//! What happens to objectives: they are made, changed, activated, archived and restored.
//!
//! Each is one change of the row, one event and, where the state changes, one entry in the history
//! of states.

use diesel::prelude::*;
use serde_json::json;

use super::alignment;
use super::circle::{Circle, SharedObjective};
use super::fields::{NewObjective, NewObjectiveState, ObjectiveFields};
use super::row::{ObjectiveRow, ObjectiveState, RecordedState, follow, set_state};
use super::supports;
use crate::access::{Resource, Scoped, Visibility};
use crate::http::{Code, FieldErrors, Patch, Problem, Result};
use crate::maths::ProgressSource;
use crate::okrs::initiatives;
use crate::okrs::key_results::row::of_objectives;
use crate::okrs::key_results::{self, Completeness, KeyResultRow, judge_goal};
use crate::okrs::progress::{Dates, due_on};
use crate::okrs::wire::{changed, fields_of};
use crate::store::journal::EventType;
use crate::store::schema::objectives;
use crate::store::{Json, KeyResultId, ObjectiveId};

/// Makes an objective with its key results and initiatives; an active one must lack nothing.
pub fn create(tx: &mut Scoped, new: &NewObjective) -> Result<SharedObjective> {
    let now = tx.now;
    let blank = ObjectiveRow {
        id: ObjectiveId::generate(now.timestamp()),
        workspace_id: tx.here()?,
        cycle_id: None,
        parent_id: None,
        title: String::new(),
        title_folded: String::new(),
        why: None,
        owner_id: None,
        team_id: None,
        weight: 1.0,
        starts_on: None,
        ends_on: None,
        state: ObjectiveState::Draft,
        progress_source: ProgressSource::KeyResults,
        manual_progress: None,
        manual_note: None,
        visibility: Visibility::Workspace,
        tags: Json(json!([])),
        outcome: None,
        score: None,
        reflection: None,
        frozen: None,
        activated_at: None,
        closed_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        archived_at: None,
    };
    let blank = SharedObjective { row: blank, circle: Circle::default(), supported: Vec::new() };
    let mut made = blank.with(tx, &new.fields())?;
    made.row.owner_id = made.owner_id.or(tx.member());
    made.facts().viewers.must_be_somebody()?;
    let mut key_results = Vec::new();
    for (index, key_result) in new.key_results.iter().enumerate() {
        key_results.push(key_results::plan(tx, &made, key_result, &format!("/key_results/{index}"))?);
    }
    in_order_of_making(&mut key_results);
    let ids: Vec<KeyResultId> = key_results.iter().map(|key_result| key_result.id).collect();
    let mut work = Vec::new();
    for (index, initiative) in new.initiatives.iter().enumerate() {
        work.push(initiative.plan(tx, &made, &ids, &format!("/initiatives/{index}"))?);
    }
    made.must_have_open_cycle(tx)?;
    alignment::must_fit(tx, &made)?;
    supports::must_fit(tx, &made.supported, &[])?;
    if new.state == NewObjectiveState::Active {
        must_be_ready(&made, &key_results)?;
        (made.row.state, made.row.activated_at) = (ObjectiveState::Active, Some(now));
    }
    diesel::insert_into(objectives::table).values(&made.row).execute(tx.db())?;
    made.circle.replace(tx, &made, &Circle::default())?;
    supports::replace(tx, &made, &made.supported, &[])?;
    if made.parent_id.is_some() {
        alignment::record_move(tx, &made)?;
    }
    let mut change = fields_of(&made.fields());
    change.insert("state".into(), json!(made.state));
    tx.tell(EventType::ObjectiveCreated, made.subject(), change.into());
    for key_result in key_results {
        key_results::store(tx, &made, key_result)?;
    }
    for initiative in &work {
        initiatives::store(tx, initiative)?;
    }
    match made.state {
        ObjectiveState::Active => {
            tx.tell(EventType::ObjectiveActivated, made.subject(), json!({ "state": made.state }));
        }
        ObjectiveState::Draft | ObjectiveState::Closed => {}
    }
    set_state(tx, &made, made.state.into())?;
    Ok(made)
}

/// Made in one instant, their ids alone tell their order.
fn in_order_of_making(key_results: &mut [KeyResultRow]) {
    let mut ids: Vec<KeyResultId> = key_results.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    for (row, id) in key_results.iter_mut().zip(ids) {
        row.id = id;
    }
}

/// Changes the fields of an objective; `None` where nothing changes.
pub fn update(
    tx: &mut Scoped,
    before: &SharedObjective,
    patch: &Patch<ObjectiveFields>,
) -> Result<Option<SharedObjective>> {
    let Some(fields) = patch.merged(&before.fields(), before.version)? else { return Ok(None) };
    let mut after = before.clone().with(tx, &fields)?;
    if after == *before {
        return Ok(None);
    }
    after.facts().viewers.must_be_somebody()?;
    before.must_take_changes(tx)?;
    after.must_have_open_cycle(tx)?;
    if after.state == ObjectiveState::Active {
        must_still_be_ready(&after)?;
    }
    let is_moved = after.parent_id != before.parent_id;
    if is_moved {
        alignment::must_fit(tx, &after)?;
    }
    supports::must_fit(tx, &after.supported, &before.supported)?;
    (after.row.version, after.row.updated_at) = (before.version + 1, tx.now);
    after.save(tx)?;
    after.circle.replace(tx, &after, &before.circle)?;
    supports::replace(tx, &after, &after.supported, &before.supported)?;
    if is_moved {
        alignment::record_move(tx, &after)?;
    }
    tx.tell(EventType::ObjectiveUpdated, after.subject(), changed(&before.fields(), &after.fields()));
    if after.facts().viewers != before.facts().viewers {
        follow(tx, &after)?;
    }
    Ok(Some(after))
}

/// Makes a draft active, or names all that is missing. An active one stays as it is.
pub fn activate(tx: &mut Scoped, row: &ObjectiveRow) -> Result<ObjectiveRow> {
    row.must_take_changes(tx)?;
    if row.state == ObjectiveState::Active {
        return Ok(row.clone());
    }
    let mut key_results = of_objectives(tx, &[row.id])?.remove(&row.id).unwrap_or_default();
    key_results.retain(|key_result| key_result.archived_at.is_none());
    must_be_ready(row, &key_results)?;
    let now = tx.now;
    let cycle = row.cycle(tx)?;
    let dates = Dates::of(row, cycle.as_ref());
    for mut key_result in key_results {
        let due = due_on(&key_result, &dates);
        key_result.keep_original(due, now);
        key_result.save(tx)?;
    }
    let after = ObjectiveRow {
        state: ObjectiveState::Active,
        activated_at: Some(now),
        version: row.version + 1,
        updated_at: now,
        ..row.clone()
    };
    after.save(tx)?;
    tx.tell(EventType::ObjectiveActivated, after.subject(), json!({ "state": after.state }));
    set_state(tx, &after, RecordedState::Active)?;
    Ok(after)
}

/// Puts an objective into the archive; one that is there stays as it is.
pub fn archive(tx: &mut Scoped, row: &ObjectiveRow) -> Result<()> {
    if row.archived_at.is_some() {
        return Ok(());
    }
    row.must_have_open_cycle(tx)?;
    let now = tx.now;
    let after =
        ObjectiveRow { archived_at: Some(now), version: row.version + 1, updated_at: now, ..row.clone() };
    after.save(tx)?;
    tx.tell(EventType::ObjectiveArchived, after.subject(), json!({ "archived_at": now }));
    set_state(tx, &after, RecordedState::Archived)
}

/// Takes an objective out of the archive, into the state in which it went there.
pub fn restore(tx: &mut Scoped, row: &ObjectiveRow) -> Result<ObjectiveRow> {
    if row.archived_at.is_none() {
        return Ok(row.clone());
    }
    row.must_have_open_cycle(tx)?;
    let after =
        ObjectiveRow { archived_at: None, version: row.version + 1, updated_at: tx.now, ..row.clone() };
    after.save(tx)?;
    tx.tell(EventType::ObjectiveRestored, after.subject(), json!({ "archived_at": null }));
    set_state(tx, &after, after.state.into())?;
    Ok(after)
}

/// Refuses with all that is missing before people can work on an objective.
fn must_be_ready(row: &ObjectiveRow, key_results: &[KeyResultRow]) -> Result<()> {
    not_ready(missing(row, key_results))
}

/// All that is missing before people can work on an objective with these key results.
pub fn missing(row: &ObjectiveRow, key_results: &[KeyResultRow]) -> FieldErrors {
    let mut errors = FieldErrors::new();
    judge_frame(row, &mut errors);
    let needs_key_results = match row.progress_source {
        ProgressSource::Manual | ProgressSource::Children => false,
        ProgressSource::KeyResults | ProgressSource::Both => true,
    };
    if needs_key_results && key_results.is_empty() {
        errors.add("/key_results", "required", "it needs at least one key result to know when it is reached");
    }
    for (index, key_result) in key_results.iter().enumerate() {
        let pointer = format!("/key_results/{index}");
        judge_goal(&key_result.goal(), Completeness::Needed, &pointer, &mut errors);
    }
    errors
}

/// The same for one that people work on already: its key results were judged one by one.
fn must_still_be_ready(row: &ObjectiveRow) -> Result<()> {
    let mut errors = FieldErrors::new();
    judge_frame(row, &mut errors);
    not_ready(errors)
}

fn judge_frame(row: &ObjectiveRow, errors: &mut FieldErrors) {
    if row.owner_id.is_none() {
        errors.add("/owner_id", "required", "somebody has to answer for it");
    }
    // What lives by its children alone may be a direction, which has no end.
    let may_be_endless = row.progress_source == ProgressSource::Children;
    if row.cycle_id.is_none() && row.ends_on.is_none() && !may_be_endless {
        errors.add("/cycle_id", "required", "it needs a cycle, or a last day of its own");
    }
}

fn not_ready(errors: FieldErrors) -> Result<()> {
    errors.settle().map_err(|missing| {
        let mut problem =
            Problem::new(Code::NotReady, format!("{} things are missing or wrong", missing.errors.len()));
        problem.errors = missing.errors;
        problem
    })
}
