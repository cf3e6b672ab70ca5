//! Many check-ins in one call, all or nothing: what a team says in one sitting.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::{Entry, record};
use super::{CheckIn, NewCheckIn, NotTaken, show_all};
use crate::access::{Action, Db, Resource, Scoped, Writes};
use crate::http::body::{BATCH, Rules};
use crate::http::query::Rehearsable;
use crate::http::text::Note;
use crate::http::{Answer, Body, FieldErrors, Json, Measure, Problem, Refuses, Result};
use crate::kpis::points::when::WhenText;
use crate::maths::Confidence;
use crate::okrs::key_results::{self, KeyResult, OwnedKeyResult};
use crate::okrs::objectives::{self, Objective, ObjectiveRow};
use crate::okrs::progress::Surroundings;
use crate::store::{KeyResultId, ObjectiveId};

/// Check-ins to make together.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckIns {
    /// The check-ins. A key result may stand here several times, at other instants each.
    #[schema(min_items = 1, max_items = 100)]
    check_ins: Vec<NewCheckInOf>,
}

/// A check-in to make, and on what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckInOf {
    /// The key result.
    key_result_id: KeyResultId,
    /// The current value, in the key result's unit; the share done, 0 to 1, for a milestone. Left
    /// out where a KPI is the source.
    #[serde(default)]
    #[schema(example = 3.1)]
    value: Option<Measure>,
    /// Whether it will be reached, as people see it.
    confidence: Confidence,
    /// What happened, and why.
    #[serde(default)]
    note: Option<Note>,
    /// What stands in the way. It stays open until a later check-in clears it or names another.
    #[serde(default)]
    blocker: Option<Note>,
    /// Whether what stood in the way does so no more.
    #[serde(default)]
    #[schema(default = false)]
    clears_blocker: bool,
    /// When: an instant, or a date, which stands for the start of that day. Now where nothing is
    /// said; not in the future, and not before the first day of the objective or its cycle.
    #[serde(default)]
    at: Option<WhenText>,
}

impl NewCheckInOf {
    fn said(&self) -> NewCheckIn {
        NewCheckIn {
            value: self.value,
            confidence: self.confidence,
            note: self.note.clone(),
            blocker: self.blocker.clone(),
            clears_blocker: self.clears_blocker,
            at: self.at.clone(),
        }
    }
}

impl Rules for NewCheckIns {
    fn judge(&self, errors: &mut FieldErrors) {
        for (index, new) in self.check_ins.iter().enumerate() {
            new.said().judge_at(&pointer(index), errors);
        }
    }
}

fn pointer(index: usize) -> String {
    format!("/check_ins/{index}")
}

/// Check-ins that were made together, and what they were made on as it now stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckInsMade {
    /// The check-ins, in the order of the body.
    #[schema(max_items = 100)]
    check_ins: Vec<CheckIn>,
    /// Their key results as they now stand, in the order in which the body first names them.
    #[schema(max_items = 100)]
    key_results: Vec<KeyResult>,
    /// The objectives of these as they now stand, in the same order.
    #[schema(max_items = 100)]
    objectives: Vec<Objective>,
}

pub async fn create_check_ins(
    db: Db<Writes>,
    rehearsal: Rehearsable,
    body: Body<NewCheckIns, BATCH>,
    _: Refuses<NotTaken>,
) -> Answer<Json<CheckInsMade>> {
    db.write((), (rehearsal, body), |tx, (), (_, new)| {
        let found = granted(tx, &new.check_ins)?;
        let said: Vec<NewCheckIn> = new.check_ins.iter().map(NewCheckInOf::said).collect();
        let entries: Vec<Entry> = found
            .iter()
            .zip(&said)
            .enumerate()
            .map(|(index, (on, new))| Entry { on, new, pointer: pointer(index) })
            .collect();
        let rows = record(tx, &entries)?;
        let check_ins = show_all(tx, rows)?;
        let (key_results, objectives) = as_they_stand(tx, &found)?;
        Ok(Json::new(CheckInsMade { check_ins, key_results, objectives }))
    })
    .await
}

/// The key results that a batch names, each of which the caller may check in on.
fn granted(tx: &mut Scoped, items: &[NewCheckInOf]) -> Result<Vec<OwnedKeyResult>> {
    let ids: Vec<KeyResultId> = items.iter().map(|item| item.key_result_id).collect();
    let known = OwnedKeyResult::by_ids(tx, &ids)?;
    let at = |index: usize| format!("{}/key_result_id", pointer(index));
    let mut found = Vec::new();
    let mut missing: Option<Problem> = None;
    for (index, id) in ids.iter().enumerate() {
        match known.get(id).filter(|one| tx.sees(&one.facts())) {
            Some(one) => found.push(one.clone()),
            None => {
                let problem = Problem::not_found_at(at(index));
                missing.get_or_insert_with(Problem::not_found).errors.extend(problem.errors);
            }
        }
    }
    if let Some(problem) = missing {
        return Err(problem);
    }
    let mut refused: Option<Problem> = None;
    for (index, one) in found.iter().enumerate() {
        if let Err(problem) = tx.require(Action::CheckIn, &one.facts()) {
            let (code, detail) = (problem.code.as_str(), problem.detail.clone());
            refused = Some(refused.unwrap_or(problem).with(at(index), code, detail));
        }
    }
    refused.map_or(Ok(found), Err)
}

/// Key results and their objectives, each once, with all that they hang together with loaded once.
fn as_they_stand(tx: &mut Scoped, found: &[OwnedKeyResult]) -> Result<(Vec<KeyResult>, Vec<Objective>)> {
    let mut named: Vec<&OwnedKeyResult> = Vec::new();
    let mut objectives: Vec<&ObjectiveRow> = Vec::new();
    for one in found {
        if named.iter().all(|known| known.row.id != one.row.id) {
            named.push(one);
        }
        let id: ObjectiveId = one.objective.id;
        if objectives.iter().all(|known| known.id != id) {
            objectives.push(&one.objective);
        }
    }
    let around = Surroundings::of_objectives(tx, &objectives)?;
    let key_results =
        named.iter().map(|one| key_results::show(tx, &around, &one.row, &one.objective)).collect();
    let objectives = objectives.iter().map(|row| objectives::show(tx, &around, row)).collect();
    Ok((key_results, objectives))
}
