//! A key result as it is stored, and the goal that it stands for.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Code, Name, Problem, Result};
use crate::maths::word::words;
use crate::maths::{Band, KeyResultGoal, KeyResultKind};
use crate::okrs::cycles::CycleRow;
use crate::okrs::objectives::{ObjectiveRef, SharedObjective};
use crate::store::journal::Subject;
use crate::store::schema::key_results;
use crate::store::{
    Day, IDS_PER_STATEMENT, Json, KeyResultId, KpiId, MemberId, Moment, ObjectiveId, Tx, WorkspaceId,
};

words! {
    /// Where the current value of a key result comes from.
    pub enum KeyResultSource {
        /// From check-ins.
        Manual = "manual",
        /// From a KPI.
        Kpi = "kpi",
    }
}
crate::http::words::impl_wire_words!(KeyResultSource);
crate::store::types::impl_sql_words!(KeyResultSource);

/// A key result as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = key_results, treat_none_as_null = true)]
pub struct KeyResultRow {
    pub id: KeyResultId,
    pub workspace_id: WorkspaceId,
    pub objective_id: ObjectiveId,
    pub title: String,
    pub title_folded: String,
    pub kind: KeyResultKind,
    pub start: Option<f64>,
    pub target: Option<f64>,
    pub range_min: Option<f64>,
    pub range_max: Option<f64>,
    pub unit: Option<String>,
    pub weight: f64,
    pub owner_id: Option<MemberId>,
    pub due_on: Option<Day>,
    pub source: KeyResultSource,
    pub kpi_id: Option<KpiId>,
    pub original_start: Option<f64>,
    pub original_target: Option<f64>,
    pub original_range_min: Option<f64>,
    pub original_range_max: Option<f64>,
    pub original_due_on: Option<Day>,
    pub activated_at: Option<Moment>,
    pub frozen: Option<Json>,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub archived_at: Option<Moment>,
}

impl KeyResultRow {
    /// The key results with these ids.
    pub fn by_ids(tx: &mut Tx, ids: &[KeyResultId]) -> Result<HashMap<KeyResultId, Self>> {
        let workspace = tx.workspace_id()?;
        let mut found = HashMap::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<Self> = key_results::table
                .filter(key_results::workspace_id.eq(workspace))
                .filter(key_results::id.eq_any(ids.to_vec()))
                .load(tx.db())?;
            found.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(found)
    }

    /// Where it begins and where it should arrive.
    pub fn goal(&self) -> KeyResultGoal {
        KeyResultGoal {
            kind: self.kind,
            start: self.start,
            target: self.target,
            range: Band { min: self.range_min, max: self.range_max },
        }
    }

    /// The goal that it had when its objective became active.
    pub fn original_goal(&self) -> Option<KeyResultGoal> {
        self.activated_at.map(|_| KeyResultGoal {
            kind: self.kind,
            start: self.original_start,
            target: self.original_target,
            range: Band { min: self.original_range_min, max: self.original_range_max },
        })
    }

    /// From now on it keeps this goal and this due day as its original ones.
    pub fn keep_original(&mut self, due_on: Option<Day>, now: Moment) {
        self.original_start = self.start;
        self.original_target = self.target;
        self.original_range_min = self.range_min;
        self.original_range_max = self.range_max;
        self.original_due_on = due_on;
        self.activated_at = Some(now);
    }

    /// What events call it.
    pub fn subject(&self) -> Subject {
        Subject::new("key_result", self.id, &self.title)
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(
            key_results::table
                .filter(key_results::workspace_id.eq(self.workspace_id))
                .filter(key_results::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// A key result together with its objective, which decides who may change it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedKeyResult {
    /// The key result.
    pub row: KeyResultRow,
    /// Its objective, with those who take part in it.
    pub objective: SharedObjective,
}

impl OwnedKeyResult {
    /// Refuses where it or its objective is archived, or its objective or cycle closed.
    pub fn must_take_changes(&self, tx: &mut Tx) -> Result<()> {
        let cycle = self.objective.cycle(tx)?;
        self.must_take_changes_in(cycle.as_ref())
    }

    /// The same where the objective's cycle is known already.
    pub fn must_take_changes_in(&self, cycle: Option<&CycleRow>) -> Result<()> {
        self.objective.must_take_changes_in(cycle)?;
        match self.row.archived_at {
            None => Ok(()),
            Some(_) => Err(Problem::new(
                Code::Conflict,
                "the key result is archived: restore it before it is changed",
            )),
        }
    }
}

impl OwnedKeyResult {
    /// The key results with these ids, with their objectives.
    pub fn by_ids(tx: &mut Tx, ids: &[KeyResultId]) -> Result<HashMap<KeyResultId, Self>> {
        let rows = KeyResultRow::by_ids(tx, ids)?;
        let ids: Vec<ObjectiveId> = rows.values().map(|row| row.objective_id).collect();
        let objectives = SharedObjective::by_ids(tx, &ids)?;
        let owned = rows.into_iter().filter_map(|(id, row)| {
            let objective = objectives.get(&row.objective_id)?.clone();
            Some((id, Self { row, objective }))
        });
        Ok(owned.collect())
    }

    /// The key result where something belongs to it.
    pub fn shown_as_reference(&self) -> KeyResultRef {
        KeyResultRef {
            id: self.row.id,
            title: self.row.title.as_str().into(),
            objective_id: self.objective.id,
            objective: self.objective.shown_as_reference(),
        }
    }
}

/// A key result where something belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyResultRef {
    /// Its id.
    pub id: KeyResultId,
    /// What arriving looks like.
    pub title: Name,
    /// The objective that it belongs to.
    pub objective_id: ObjectiveId,
    /// The objective, as a page shows it.
    pub objective: ObjectiveRef,
}

impl Resource for OwnedKeyResult {
    const PARAMETER: &'static str = "key_result";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: KeyResultId = reference.parse().map_err(invalid_id)?;
        let row: KeyResultRow = key_results::table
            .filter(key_results::workspace_id.eq(workspace))
            .filter(key_results::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let objective = SharedObjective::by_id(tx, row.objective_id)?.ok_or_else(Problem::not_found)?;
        Ok(Self { row, objective })
    }

    fn facts(&self) -> Facts {
        facts(&self.row, self.objective.facts())
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// It is its owner's, and theirs who may change its objective.
pub fn facts(row: &KeyResultRow, objective: Facts) -> Facts {
    let mut facts = objective.led_through(row.owner_id);
    facts.owners.extend(row.owner_id);
    facts
}

/// The key results of objectives, archived ones too, in the order of their making.
pub fn of_objectives(
    tx: &mut Tx,
    objectives: &[ObjectiveId],
) -> Result<HashMap<ObjectiveId, Vec<KeyResultRow>>> {
    let workspace = tx.workspace_id()?;
    let mut found: HashMap<ObjectiveId, Vec<KeyResultRow>> = HashMap::new();
    for ids in objectives.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<KeyResultRow> = key_results::table
            .filter(key_results::workspace_id.eq(workspace))
            .filter(key_results::objective_id.eq_any(ids.to_vec()))
            .order((key_results::created_at, key_results::id))
            .load(tx.db())?;
        for row in rows {
            found.entry(row.objective_id).or_default().push(row);
        }
    }
    Ok(found)
}
