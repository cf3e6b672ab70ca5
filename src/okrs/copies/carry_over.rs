//! Carrying over: open objectives go on in another cycle, from where they stand.

use diesel::dsl::not;
use diesel::prelude::*;
use serde_json::json;

use super::make::{Company, Original, Planned, judged, make, named, show, told_at};
use super::{CarryOverClosing, MOST, MetKeyResults, NewCarryOver, ObjectiveCopies};
use crate::access::hidden::Hidden;
use crate::access::{Action, Resource, Scoped};
use crate::http::{Code, FieldErrors, Problem, Result};
use crate::maths::KeyResultKind;
use crate::okrs::cycles::CycleRow;
use crate::okrs::initiatives::{InitiativeRow, InitiativeStatus, NewObjectiveInitiative};
use crate::okrs::key_results::{KeyResultRow, NewKeyResult};
use crate::okrs::objectives::{
    ObjectiveClosing, ObjectiveRow, ObjectiveState, SharedObjective, archive, close, record_carry_over,
};
use crate::okrs::progress::{Measured, Surroundings};
use crate::okrs::wire::{refused_at, together};
use crate::store::journal::EventType;
use crate::store::schema::objectives;
use crate::store::{Day, ObjectiveId};

/// Copies open objectives of a cycle into another one.
pub fn carry_over(tx: &mut Scoped, from: &CycleRow, new: &NewCarryOver) -> Result<ObjectiveCopies> {
    let to = CycleRow::named(tx, &new.to_cycle).map_err(|problem| refused_at(problem, "/to_cycle_id"))?;
    let originals = originals(tx, from, new)?;
    judged(&originals, |original| tx.require(Action::Edit, &original.facts()))?;
    judge(from, &to, &originals)?;
    to.must_be_open().map_err(|problem| told_at(problem, "/to_cycle_id"))?;
    if new.close.is_some() {
        from.must_be_open().map_err(|problem| told_at(problem, "/close"))?;
    }
    judged(&originals, |original| must_be_open(original))?;
    let rows: Vec<&ObjectiveRow> = originals.iter().map(|original| &original.objective.row).collect();
    let around = Surroundings::of_objectives(tx, &rows)?;
    let company = Company::of(tx, &originals, &around)?;
    let planned: Vec<Planned> =
        originals.iter().map(|original| plan(original, new, &to, &around, &company)).collect();
    let made = make(tx, &planned)?;
    for (original, copy) in originals.iter().zip(&made) {
        record_carry_over(tx, copy, &original.objective)?;
        let change = json!({ "to_cycle_id": to.id, "carried_to_id": copy.id });
        tx.tell(EventType::ObjectiveCarriedOver, original.objective.subject(), change);
    }
    if let Some(closing) = &new.close {
        end(tx, &originals, closing)?;
    }
    show(tx, &planned, &made)
}

/// The objectives that are named, else all open ones that the caller may see, in the order of their making.
fn originals(tx: &mut Scoped, from: &CycleRow, new: &NewCarryOver) -> Result<Vec<Original>> {
    if let Some(ids) = &new.objective_ids {
        return named(tx, ids);
    }
    let open: Vec<ObjectiveId> = objectives::table
        .filter(objectives::workspace_id.eq(from.workspace_id))
        .filter(objectives::cycle_id.eq(from.id))
        .filter(objectives::state.eq_any([ObjectiveState::Draft, ObjectiveState::Active]))
        .filter(objectives::archived_at.is_null())
        .filter(not(Hidden::from(tx)?.objective()))
        .order((objectives::created_at, objectives::id))
        .select(objectives::id)
        .load(tx.db())?;
    if open.len() > MOST {
        let detail = format!("{} objectives are open, and one call takes {MOST}: choose them", open.len());
        return Err(told_at(Problem::new(Code::LimitReached, detail), "/objective_ids"));
    }
    let mut found = named(tx, &open)?;
    for original in &mut found {
        original.pointer = "/objective_ids".to_owned();
    }
    Ok(found)
}

/// What the body contradicts in itself and in the path.
fn judge(from: &CycleRow, to: &CycleRow, originals: &[Original]) -> Result<()> {
    let mut errors = FieldErrors::new();
    if to.id == from.id {
        errors.add("/to_cycle_id", "same_cycle", "they are in this cycle already: name another one");
    }
    for Original { objective, pointer } in originals {
        if objective.cycle_id != Some(from.id) {
            let detail = format!("it does not belong to the cycle {}", from.name);
            errors.add(pointer, "not_in_cycle", detail);
        }
    }
    errors.settle()
}

fn must_be_open(objective: &ObjectiveRow) -> Result<()> {
    objective.must_be_out_of_archive()?;
    match objective.state {
        ObjectiveState::Draft | ObjectiveState::Active => Ok(()),
        ObjectiveState::Closed => Err(Problem::new(
            Code::ObjectiveClosed,
            "the objective is closed: only open ones are carried over; closed ones can be copied as a template",
        )),
    }
}

fn plan<'a>(
    original: &'a Original,
    new: &NewCarryOver,
    to: &CycleRow,
    around: &'a Surroundings,
    company: &Company,
) -> Planned<'a> {
    let objective = &original.objective;
    let (mut key_results, mut left_out) = (Vec::new(), Vec::new());
    for row in around.key_results_of(objective.id).iter().filter(|row| row.archived_at.is_none()) {
        let measured = around.measure(row, objective);
        match (is_met(&measured), new.met) {
            (true, MetKeyResults::LeaveOut) => left_out.push(row),
            (true, MetKeyResults::Include) | (false, MetKeyResults::LeaveOut | MetKeyResults::Include) => {
                key_results.push((row.id, go_on(row, &measured, to, company)));
            }
        }
    }
    let mut copy = company.like(objective);
    copy.cycle = Some(to.id.to_string());
    copy.starts_on = copy.starts_on.filter(|day| holds(to, *day));
    copy.ends_on = copy.ends_on.filter(|day| holds(to, *day));
    copy.state = new.state;
    company.fill(&mut copy, objective.id, key_results, |row| open_work(row, company));
    Planned { original, new: copy, left_out }
}

fn is_met(measured: &Measured) -> bool {
    measured.progress.value.is_some_and(|value| value >= 1.0)
}

/// Whether a cycle holds a day; days beyond it give way to the cycle's own.
fn holds(cycle: &CycleRow, day: Day) -> bool {
    (cycle.starts_on..=cycle.ends_on).contains(&day)
}

/// The key result in the next cycle: it begins where it stands. One that has arrived wants a new target.
fn go_on(row: &KeyResultRow, measured: &Measured, to: &CycleRow, company: &Company) -> NewKeyResult {
    let fields = company.key_result(row);
    let (start, target) = match row.kind {
        KeyResultKind::Increase | KeyResultKind::Decrease => (
            measured.current.map(|current| current.value).or(fields.start),
            fields.target.filter(|_| !is_met(measured)),
        ),
        KeyResultKind::AtLeast
        | KeyResultKind::AtMost
        | KeyResultKind::Between
        | KeyResultKind::Milestone => (fields.start, fields.target),
    };
    NewKeyResult { start, target, due_on: row.due_on.filter(|day| holds(to, *day)), ..fields }
}

/// Work that is not over goes on as it stands.
fn open_work(row: &InitiativeRow, company: &Company) -> Option<NewObjectiveInitiative> {
    InitiativeStatus::OPEN.contains(&row.status).then(|| {
        let fields = row.fields();
        NewObjectiveInitiative {
            key_result: None,
            title: fields.title,
            status: fields.status,
            owner_id: company.owner(row.owner_id),
            due_on: fields.due_on,
            url: fields.url,
        }
    })
}

/// Ends the originals. Parents come first, so that they freeze what their children reached while those
/// still count; a dropped child counts no more.
fn end(tx: &mut Scoped, originals: &[Original], closing: &CarryOverClosing) -> Result<()> {
    let closing =
        ObjectiveClosing { outcome: closing.outcome, score: None, reflection: closing.reflection.clone() };
    let mut waiting: Vec<&Original> = originals.iter().collect();
    let mut refused = Vec::new();
    while !waiting.is_empty() {
        let open: Vec<ObjectiveId> = waiting.iter().map(|original| original.objective.id).collect();
        let is_below =
            |original: &&Original| original.objective.parent_id.is_some_and(|parent| open.contains(&parent));
        let (below, tops): (Vec<&Original>, Vec<&Original>) = waiting.into_iter().partition(is_below);
        for Original { objective, pointer } in tops {
            if let Err(problem) = end_one(tx, objective, &closing) {
                refused.push(told_at(problem, pointer));
            }
        }
        waiting = below;
    }
    together(refused).map_or(Ok(()), Err)
}

fn end_one(tx: &mut Scoped, objective: &SharedObjective, closing: &ObjectiveClosing) -> Result<()> {
    match objective.state {
        ObjectiveState::Draft => archive(tx, objective),
        ObjectiveState::Active | ObjectiveState::Closed => close(tx, objective, closing).map(drop),
    }
}
