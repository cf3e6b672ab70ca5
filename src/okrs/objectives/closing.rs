//! Closing objectives and opening them again.
//!
//! Closing freezes the numbers of an objective and its key results, and keeps them in a row of their
//! own; reopening lets the numbers move again and dates the end of that row, so that any day can
//! still be answered as it stood.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::row::{ObjectiveRow, ObjectiveState, RecordedState, set_state};
use crate::access::Scoped;
use crate::http::body::Rules;
use crate::http::{Code, Description, FieldErrors, Problem, Result};
use crate::maths::ObjectiveOutcome;
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::key_results::row::of_objectives;
use crate::okrs::progress::{Measured, Summary, Surroundings};
use crate::okrs::wire::Share;
use crate::people::members::{self, MemberRef};
use crate::store::journal::EventType;
use crate::store::schema::{key_result_closings, objective_closings};
use crate::store::{
    ClosingId, IDS_PER_STATEMENT, Json, KeyResultId, MemberId, Moment, ObjectiveId, RawId, StoreError, Tx,
    WorkspaceId,
};

/// How an objective ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveClosing {
    /// How it ended.
    pub outcome: ObjectiveOutcome,
    /// How well, 0 to 1, as people see it; its progress where nothing is said.
    #[serde(default)]
    pub score: Option<Share>,
    /// What was learned.
    #[serde(default)]
    pub reflection: Option<Description>,
}

impl Rules for ObjectiveClosing {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// One closing of an objective, as it was then; it stays when the objective is reopened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Closing {
    /// When it was closed.
    at: Moment,
    /// Who closed it; null where no member did.
    by: Option<MemberRef>,
    /// How it ended.
    outcome: ObjectiveOutcome,
    /// How well it ended, 0 to 1, as people saw it.
    score: Option<Share>,
    /// What was learned.
    reflection: Option<Description>,
    /// Its progress then, 0 to 1; null where there was nothing to count.
    progress: Option<Share>,
    /// Its progress then by the goals that its key results had when they became active, 0 to 1.
    original: Option<Share>,
    /// When it was reopened; null while it stays closed.
    reopened_at: Option<Moment>,
    /// Who reopened it; null where no member did.
    reopened_by: Option<MemberRef>,
}

/// A closing as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = objective_closings, treat_none_as_default_value = false)]
pub struct ClosingRow {
    pub id: ClosingId,
    pub workspace_id: WorkspaceId,
    pub objective_id: ObjectiveId,
    pub outcome: ObjectiveOutcome,
    pub score: Option<f64>,
    pub reflection: Option<String>,
    pub frozen: Json,
    pub closed_at: Moment,
    pub closed_by: RawId,
    pub reopened_at: Option<Moment>,
    pub reopened_by: Option<RawId>,
}

/// What a closing froze of one key result.
#[derive(Insertable)]
#[diesel(table_name = key_result_closings)]
struct KeyResultClosingRow {
    workspace_id: WorkspaceId,
    closing_id: ClosingId,
    key_result_id: KeyResultId,
    frozen: Json,
}

/// Ends an objective: its numbers and those of its key results are frozen as they are now.
pub fn close(tx: &mut Scoped, row: &ObjectiveRow, closing: &ObjectiveClosing) -> Result<ObjectiveRow> {
    row.must_take_changes(tx)?;
    if row.state == ObjectiveState::Draft {
        return Err(Problem::new(
            Code::Conflict,
            "the objective is a draft: activate it before closing it, or archive it",
        ));
    }
    let now = tx.now;
    let around = Surroundings::of_objectives(tx, &[row])?;
    let summary = around.summarise(row);
    let after = ObjectiveRow {
        state: ObjectiveState::Closed,
        outcome: Some(closing.outcome),
        score: closing.score.map(Share::value).or(summary.progress.value),
        reflection: closing.reflection.clone().map(String::from),
        frozen: Some(frozen(&summary)?),
        closed_at: Some(now),
        version: row.version + 1,
        updated_at: now,
        ..row.clone()
    };
    after.save(tx)?;
    let kept = keep(tx, &after, closing.outcome, &summary)?;
    for key_result in around.key_results_of(row.id) {
        // Nobody is asked to check in on what is over.
        let measured = Measured { overdue: false, ..around.measure(key_result, row) };
        freeze(tx, kept, key_result, frozen(&measured)?)?;
    }
    let change = json!({
        "state": after.state, "outcome": after.outcome, "score": after.score, "reflection": after.reflection,
        "progress": summary.progress.value, "original": summary.progress.original,
    });
    tx.tell(EventType::ObjectiveClosed, after.subject(), change);
    set_state(tx, &after, RecordedState::Closed)?;
    Ok(after)
}

fn frozen(numbers: &impl Serialize) -> Result<Json> {
    serde_json::to_value(numbers)
        .map(Json)
        .map_err(|error| Problem::new(Code::Internal, format!("the numbers cannot be kept: {error}")))
}

/// Keeps how an objective ended, whatever comes after.
fn keep(
    tx: &mut Tx,
    closed: &ObjectiveRow,
    outcome: ObjectiveOutcome,
    summary: &Summary,
) -> Result<ClosingId> {
    let row = ClosingRow {
        id: ClosingId::generate(tx.now.timestamp()),
        workspace_id: closed.workspace_id,
        objective_id: closed.id,
        outcome,
        score: closed.score,
        reflection: closed.reflection.clone(),
        frozen: frozen(summary)?,
        closed_at: tx.now,
        closed_by: tx.author().recorded_by(),
        reopened_at: None,
        reopened_by: None,
    };
    diesel::insert_into(objective_closings::table).values(&row).execute(tx.db())?;
    Ok(row.id)
}

fn freeze(tx: &mut Tx, closing: ClosingId, row: &KeyResultRow, frozen: Json) -> Result<()> {
    let kept = KeyResultClosingRow {
        workspace_id: row.workspace_id,
        closing_id: closing,
        key_result_id: row.id,
        frozen: frozen.clone(),
    };
    diesel::insert_into(key_result_closings::table).values(&kept).execute(tx.db())?;
    KeyResultRow { frozen: Some(frozen), ..row.clone() }.save(tx)
}

/// Opens a closed objective again: it is active as before, and its numbers move. An active one stays
/// as it is.
pub fn reopen(tx: &mut Scoped, row: &ObjectiveRow) -> Result<ObjectiveRow> {
    row.must_be_out_of_archive()?;
    match row.state {
        ObjectiveState::Active => return Ok(row.clone()),
        ObjectiveState::Draft => {
            let detail = "the objective is a draft: it was never closed, and is activated";
            return Err(Problem::new(Code::Conflict, detail));
        }
        ObjectiveState::Closed => row.must_have_open_cycle(tx)?,
    }
    let now = tx.now;
    for key_result in of_objectives(tx, &[row.id])?.remove(&row.id).unwrap_or_default() {
        KeyResultRow { frozen: None, ..key_result }.save(tx)?;
    }
    let by = tx.author().recorded_by();
    diesel::update(
        objective_closings::table
            .filter(objective_closings::workspace_id.eq(row.workspace_id))
            .filter(objective_closings::objective_id.eq(row.id))
            .filter(objective_closings::reopened_at.is_null()),
    )
    .set((objective_closings::reopened_at.eq(Some(now)), objective_closings::reopened_by.eq(Some(by))))
    .execute(tx.db())?;
    let after = ObjectiveRow {
        state: ObjectiveState::Active,
        outcome: None,
        score: None,
        reflection: None,
        frozen: None,
        closed_at: None,
        version: row.version + 1,
        updated_at: now,
        ..row.clone()
    };
    after.save(tx)?;
    tx.tell(EventType::ObjectiveReopened, after.subject(), json!({ "state": after.state }));
    set_state(tx, &after, RecordedState::Active)?;
    Ok(after)
}

/// The closings of objectives that were known at an instant, the earliest first.
pub fn closings_by(
    tx: &mut Tx,
    objectives: &[ObjectiveId],
    instant: Moment,
) -> Result<HashMap<ObjectiveId, Vec<Closing>>> {
    let workspace = tx.workspace_id()?;
    let mut rows: Vec<ClosingRow> = Vec::new();
    for ids in objectives.chunks(IDS_PER_STATEMENT) {
        let found: Vec<ClosingRow> = objective_closings::table
            .filter(objective_closings::workspace_id.eq(workspace))
            .filter(objective_closings::objective_id.eq_any(ids.to_vec()))
            .filter(objective_closings::closed_at.le(instant))
            .order((objective_closings::closed_at, objective_closings::id))
            .load(tx.db())?;
        rows.extend(found);
    }
    let authors = rows.iter().flat_map(|row| [Some(row.closed_by), row.reopened_by]).flatten();
    let people = members::names(tx, workspace, authors.map(RawId::as_member))?;
    let mut shown: HashMap<ObjectiveId, Vec<Closing>> = HashMap::new();
    for row in rows {
        shown.entry(row.objective_id).or_default().push(row.show(&people, instant));
    }
    Ok(shown)
}

impl ClosingRow {
    fn show(self, people: &HashMap<MemberId, MemberRef>, instant: Moment) -> Closing {
        let progress = |name: &str| self.frozen.0["progress"][name].as_f64().map(Share::from);
        let reopened_at = self.reopened_at.filter(|at| *at <= instant);
        Closing {
            at: self.closed_at,
            by: people.get(&self.closed_by.as_member()).cloned(),
            outcome: self.outcome,
            score: self.score.map(Share::from),
            progress: progress("value"),
            original: progress("original"),
            reopened_by: reopened_at
                .and(self.reopened_by)
                .and_then(|author| people.get(&author.as_member()).cloned()),
            reopened_at,
            reflection: self.reflection.map(Description::from),
        }
    }
}

/// The closings that held at an instant and were undone since: what rows do not tell any more.
#[derive(Clone, Debug, Default)]
pub struct UndoneClosings {
    objectives: HashMap<ObjectiveId, ClosingRow>,
    key_results: HashMap<KeyResultId, Json>,
}

impl UndoneClosings {
    /// All of the workspace.
    pub fn at(tx: &mut Tx, instant: Moment) -> Result<Self, StoreError> {
        let workspace = tx.workspace_id()?;
        let rows: Vec<ClosingRow> = objective_closings::table
            .filter(objective_closings::workspace_id.eq(workspace))
            .filter(objective_closings::closed_at.le(instant))
            .filter(objective_closings::reopened_at.gt(instant))
            .load(tx.db())?;
        let ids: Vec<ClosingId> = rows.iter().map(|row| row.id).collect();
        let mut key_results = HashMap::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let found: Vec<(KeyResultId, Json)> = key_result_closings::table
                .filter(key_result_closings::workspace_id.eq(workspace))
                .filter(key_result_closings::closing_id.eq_any(ids.to_vec()))
                .select((key_result_closings::key_result_id, key_result_closings::frozen))
                .load(tx.db())?;
            key_results.extend(found);
        }
        Ok(Self { objectives: rows.into_iter().map(|row| (row.objective_id, row)).collect(), key_results })
    }

    /// An objective that was closed then, with what that closing said.
    pub fn as_closed(&self, row: ObjectiveRow) -> ObjectiveRow {
        let row = ObjectiveRow { state: ObjectiveState::Closed, archived_at: None, ..row };
        match self.objectives.get(&row.id) {
            None => row,
            Some(closing) => ObjectiveRow {
                outcome: Some(closing.outcome),
                score: closing.score,
                reflection: closing.reflection.clone(),
                frozen: Some(closing.frozen.clone()),
                closed_at: Some(closing.closed_at),
                ..row
            },
        }
    }

    /// What was frozen of a key result then, if its row does not tell.
    pub fn frozen(&self, key_result: KeyResultId) -> Option<&Json> {
        self.key_results.get(&key_result)
    }
}
