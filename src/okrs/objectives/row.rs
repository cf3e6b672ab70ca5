//! An objective as it is stored, and how its states are kept so that any day can be answered.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Visibility;
use crate::http::{Code, Name, Problem, Result};
use crate::maths::word::words;
use crate::maths::{ObjectiveOutcome, ProgressSource};
use crate::okrs::cycles::CycleRow;
use crate::store::journal::Subject;
use crate::store::schema::{cycles, objective_states, objectives};
use crate::store::{
    CycleId, Day, IDS_PER_STATEMENT, Json, MemberId, Moment, ObjectiveId, ObjectiveStateId, RawId,
    StoreError, TeamId, Tx, WorkspaceId,
};

words! {
    /// Where an objective stands.
    pub enum ObjectiveState {
        /// It is being written.
        Draft = "draft",
        /// People work on it.
        Active = "active",
        /// It is over; its numbers are frozen.
        Closed = "closed",
    }

    /// Where an objective stood at an instant.
    pub enum RecordedState {
        /// It was being written.
        Draft = "draft",
        /// People worked on it.
        Active = "active",
        /// It was over.
        Closed = "closed",
        /// It was in the archive.
        Archived = "archived",
    }
}
crate::http::words::impl_wire_words!(ObjectiveState);
crate::store::types::impl_sql_words!(ObjectiveState, RecordedState);

impl From<ObjectiveState> for RecordedState {
    fn from(state: ObjectiveState) -> Self {
        match state {
            ObjectiveState::Draft => Self::Draft,
            ObjectiveState::Active => Self::Active,
            ObjectiveState::Closed => Self::Closed,
        }
    }
}

/// An objective as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = objectives, treat_none_as_null = true)]
pub struct ObjectiveRow {
    pub id: ObjectiveId,
    pub workspace_id: WorkspaceId,
    pub cycle_id: Option<CycleId>,
    pub parent_id: Option<ObjectiveId>,
    pub title: String,
    pub title_folded: String,
    pub why: Option<String>,
    pub owner_id: Option<MemberId>,
    pub team_id: Option<TeamId>,
    pub weight: f64,
    pub starts_on: Option<Day>,
    pub ends_on: Option<Day>,
    pub state: ObjectiveState,
    pub progress_source: ProgressSource,
    pub manual_progress: Option<f64>,
    pub manual_note: Option<String>,
    pub visibility: Visibility,
    pub tags: Json,
    pub outcome: Option<ObjectiveOutcome>,
    pub score: Option<f64>,
    pub reflection: Option<String>,
    pub frozen: Option<Json>,
    pub activated_at: Option<Moment>,
    pub closed_at: Option<Moment>,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub archived_at: Option<Moment>,
}

/// An objective where something belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ObjectiveRef {
    /// Its id.
    pub id: ObjectiveId,
    /// Its title.
    pub title: Name,
    /// Where it stands.
    pub state: ObjectiveState,
}

/// One change of an objective's state.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = objective_states)]
pub struct ObjectiveStateRow {
    pub id: ObjectiveStateId,
    pub workspace_id: WorkspaceId,
    pub objective_id: ObjectiveId,
    pub state: RecordedState,
    pub at: Moment,
    pub recorded_by: RawId,
}

/// What must follow a change of an objective's state, in the same transaction.
pub type StateFollower = fn(&mut Tx, &ObjectiveRow) -> Result<(), StoreError>;

impl ObjectiveRow {
    /// The objective with this id in a workspace.
    pub fn by_id(tx: &mut Tx, workspace: WorkspaceId, id: ObjectiveId) -> Result<Option<Self>> {
        Ok(objectives::table
            .filter(objectives::workspace_id.eq(workspace))
            .filter(objectives::id.eq(id))
            .first(tx.db())
            .optional()?)
    }

    /// The objectives with these ids.
    pub fn by_ids(tx: &mut Tx, ids: &[ObjectiveId]) -> Result<HashMap<ObjectiveId, Self>> {
        let workspace = tx.workspace_id()?;
        let mut found = HashMap::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<Self> = objectives::table
                .filter(objectives::workspace_id.eq(workspace))
                .filter(objectives::id.eq_any(ids.to_vec()))
                .load(tx.db())?;
            found.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(found)
    }

    /// The cycle that it belongs to.
    pub fn cycle(&self, tx: &mut Tx) -> Result<Option<CycleRow>> {
        let Some(id) = self.cycle_id else { return Ok(None) };
        Ok(cycles::table
            .filter(cycles::workspace_id.eq(self.workspace_id))
            .filter(cycles::id.eq(id))
            .first(tx.db())
            .optional()?)
    }

    /// Refuses where it is closed or archived, or its cycle is closed.
    pub fn must_take_changes(&self, tx: &mut Tx) -> Result<()> {
        let cycle = self.cycle(tx)?;
        self.must_take_changes_in(cycle.as_ref())
    }

    /// The same where its cycle is known already.
    pub fn must_take_changes_in(&self, cycle: Option<&CycleRow>) -> Result<()> {
        self.must_be_out_of_archive()?;
        match self.state {
            ObjectiveState::Draft | ObjectiveState::Active => cycle.map_or(Ok(()), CycleRow::must_be_open),
            ObjectiveState::Closed => Err(Problem::new(
                Code::ObjectiveClosed,
                "the objective is closed: its numbers are frozen, and it takes no changes",
            )),
        }
    }

    /// Refuses where its cycle is closed.
    pub fn must_have_open_cycle(&self, tx: &mut Tx) -> Result<()> {
        self.cycle(tx)?.map_or(Ok(()), |cycle| cycle.must_be_open())
    }

    /// Refuses where it is archived.
    pub fn must_be_out_of_archive(&self) -> Result<()> {
        match self.archived_at {
            None => Ok(()),
            Some(_) => Err(Problem::new(
                Code::ObjectiveClosed,
                "the objective is archived: restore it before it is changed",
            )),
        }
    }

    /// Whether people work on it now.
    pub fn is_worked_on(&self) -> bool {
        self.state == ObjectiveState::Active && self.archived_at.is_none()
    }

    /// Whether its own state lets it be changed; its cycle may still refuse.
    pub fn is_open(&self) -> bool {
        self.state != ObjectiveState::Closed && self.archived_at.is_none()
    }

    /// The objective where something belongs to it.
    pub fn shown_as_reference(&self) -> ObjectiveRef {
        ObjectiveRef { id: self.id, title: self.title.as_str().into(), state: self.state }
    }

    /// What events call it.
    pub fn subject(&self) -> Subject {
        Subject::new("objective", self.id, &self.title)
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(
            objectives::table
                .filter(objectives::workspace_id.eq(self.workspace_id))
                .filter(objectives::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// Keeps that an objective, stored already, stands so from now on, and runs what must follow.
pub fn set_state(tx: &mut Tx, objective: &ObjectiveRow, state: RecordedState) -> Result<()> {
    let row = ObjectiveStateRow {
        id: ObjectiveStateId::generate(tx.now.timestamp()),
        workspace_id: objective.workspace_id,
        objective_id: objective.id,
        state,
        at: tx.now,
        recorded_by: tx.author().recorded_by(),
    };
    diesel::insert_into(objective_states::table).values(&row).execute(tx.db())?;
    follow(tx, objective)
}

/// Runs what must follow a change of an objective's state, or of who may see it.
pub fn follow(tx: &mut Tx, objective: &ObjectiveRow) -> Result<()> {
    for follower in crate::OBJECTIVE_FOLLOWERS {
        follower(tx, objective)?;
    }
    Ok(())
}

/// Where objectives stood at an instant; those that did not exist then are absent.
pub fn states_at(
    tx: &mut Tx,
    ids: &[ObjectiveId],
    at: Moment,
) -> Result<HashMap<ObjectiveId, RecordedState>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut states = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<(ObjectiveId, RecordedState)> = objective_states::table
            .filter(objective_states::workspace_id.eq(workspace))
            .filter(objective_states::objective_id.eq_any(ids.to_vec()))
            .filter(objective_states::at.le(at))
            .order((objective_states::at, objective_states::id))
            .select((objective_states::objective_id, objective_states::state))
            .load(tx.db())?;
        // The later ones overwrite the earlier ones.
        states.extend(rows);
    }
    Ok(states)
}
