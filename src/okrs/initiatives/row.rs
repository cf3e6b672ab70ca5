//! An initiative as it is stored, and what it is meant to move, which decides who may change it.

use std::collections::HashMap;

use diesel::dsl::not;
use diesel::prelude::*;

use crate::access::hidden::Hidden;
use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Code, Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::word::words;
use crate::okrs::cycles::CycleRow;
use crate::okrs::key_results::{KeyResultRow, OwnedKeyResult};
use crate::okrs::objectives::SharedObjective;
use crate::okrs::progress::cycles_of;
use crate::store::connection::MultiBackend;
use crate::store::journal::Subject;
use crate::store::schema::{initiatives, kpis};
use crate::store::{
    CycleId, Day, IDS_PER_STATEMENT, InitiativeId, KeyResultId, KpiId, MemberId, Moment, ObjectiveId, TeamId,
    Tx, WorkspaceId,
};

words! {
    /// Where an initiative stands.
    pub enum InitiativeStatus {
        /// Nobody has begun.
        Planned = "planned",
        /// People work on it.
        InProgress = "in_progress",
        /// It is done.
        Done = "done",
        /// It was given up.
        Dropped = "dropped",
    }
}
crate::http::words::impl_wire_words!(InitiativeStatus);
crate::store::types::impl_sql_words!(InitiativeStatus);

impl InitiativeStatus {
    /// Those in which there is still something to do.
    pub const OPEN: [Self; 2] = [Self::Planned, Self::InProgress];
}

/// An initiative as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = initiatives, treat_none_as_null = true)]
pub struct InitiativeRow {
    pub id: InitiativeId,
    pub workspace_id: WorkspaceId,
    pub key_result_id: Option<KeyResultId>,
    pub objective_id: Option<ObjectiveId>,
    pub kpi_id: Option<KpiId>,
    pub title: String,
    pub title_folded: String,
    pub status: InitiativeStatus,
    pub owner_id: Option<MemberId>,
    pub due_on: Option<Day>,
    pub url: Option<String>,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub archived_at: Option<Moment>,
}

impl InitiativeRow {
    /// An initiative of which nothing is known yet.
    pub fn blank(tx: &Scoped) -> Result<Self> {
        let now = tx.now;
        Ok(Self {
            id: InitiativeId::generate(now.timestamp()),
            workspace_id: tx.here()?,
            key_result_id: None,
            objective_id: None,
            kpi_id: None,
            title: String::new(),
            title_folded: String::new(),
            status: InitiativeStatus::Planned,
            owner_id: None,
            due_on: None,
            url: None,
            version: 1,
            created_at: now,
            updated_at: now,
            archived_at: None,
        })
    }

    /// What events call it.
    pub fn subject(&self) -> Subject {
        Subject::new("initiative", self.id, &self.title)
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(
            initiatives::table
                .filter(initiatives::workspace_id.eq(self.workspace_id))
                .filter(initiatives::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// What an initiative is meant to move.
#[derive(Clone, Debug, PartialEq)]
pub enum Parent {
    /// A key result, with its objective.
    KeyResult(Box<OwnedKeyResult>),
    /// An objective.
    Objective(Box<SharedObjective>),
    /// A KPI.
    Kpi(Box<KpiRow>),
}

impl Parent {
    /// What the policy looks at.
    pub fn facts(&self) -> Facts {
        match self {
            Self::KeyResult(found) => found.facts(),
            Self::Objective(row) => row.facts(),
            Self::Kpi(row) => row.facts(),
        }
    }

    /// Refuses where it is archived or closed, or its cycle is.
    pub fn must_take_changes(&self, tx: &mut Tx) -> Result<()> {
        match self {
            Self::KeyResult(found) => found.must_take_changes(tx),
            Self::Objective(row) => row.must_take_changes(tx),
            Self::Kpi(row) if row.archived_at.is_none() => Ok(()),
            Self::Kpi(row) => Err(Problem::new(
                Code::KpiArchived,
                format!("the KPI {} is archived: restore it before its initiatives are changed", row.key),
            )),
        }
    }

    /// The team that it belongs to.
    pub fn team_id(&self) -> Option<TeamId> {
        match self {
            Self::KeyResult(_) | Self::Objective(_) => self.objective()?.team_id,
            Self::Kpi(row) => row.team_id,
        }
    }

    /// The objective that it is, or belongs to.
    pub fn objective(&self) -> Option<&SharedObjective> {
        match self {
            Self::KeyResult(found) => Some(&found.objective),
            Self::Objective(row) => Some(row),
            Self::Kpi(_) => None,
        }
    }
}

/// An initiative together with its parent.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedInitiative {
    /// The initiative.
    pub row: InitiativeRow,
    /// What it is meant to move.
    pub parent: Parent,
}

impl Resource for OwnedInitiative {
    const PARAMETER: &'static str = "initiative";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: InitiativeId = reference.parse().map_err(invalid_id)?;
        let row: InitiativeRow = initiatives::table
            .filter(initiatives::workspace_id.eq(workspace))
            .filter(initiatives::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let parent = Parents::of(tx, &[&row])?.of_row(&row).ok_or_else(Problem::not_found)?;
        Ok(Self { row, parent })
    }

    fn facts(&self) -> Facts {
        facts(&self.row, &self.parent)
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// Whether the due day has passed, and it is neither done nor dropped.
pub fn is_overdue(status: InitiativeStatus, due_on: Option<Day>, today: Day) -> bool {
    InitiativeStatus::OPEN.contains(&status) && due_on.is_some_and(|due_on| due_on < today)
}

/// Those that were in use at an instant and that the caller may see, in the order of their making.
pub fn in_use(tx: &mut Scoped, at: Moment) -> Result<Vec<InitiativeRow>> {
    let rows = initiatives::table
        .filter(initiatives::workspace_id.eq(tx.here()?))
        .filter(not(Hidden::from(tx)?.initiative()))
        .filter(initiatives::created_at.le(at))
        .filter(initiatives::archived_at.is_null().or(initiatives::archived_at.gt(at)))
        .order((initiatives::created_at, initiatives::id))
        .into_boxed::<MultiBackend>()
        .load(tx.db())?;
    Ok(rows)
}

/// Those that were in use at an instant under key results and objectives, in the order of their making.
pub fn under(
    tx: &mut Tx,
    key_results: &[KeyResultId],
    objectives: &[ObjectiveId],
    at: Moment,
) -> Result<Vec<InitiativeRow>> {
    let workspace = tx.workspace_id()?;
    let in_use = || {
        initiatives::table
            .filter(initiatives::workspace_id.eq(workspace))
            .filter(initiatives::created_at.le(at))
            .filter(initiatives::archived_at.is_null().or(initiatives::archived_at.gt(at)))
            .into_boxed()
    };
    let mut found: Vec<InitiativeRow> = Vec::new();
    for ids in key_results.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<InitiativeRow> =
            in_use().filter(initiatives::key_result_id.eq_any(ids.to_vec())).load(tx.db())?;
        found.extend(rows);
    }
    for ids in objectives.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<InitiativeRow> =
            in_use().filter(initiatives::objective_id.eq_any(ids.to_vec())).load(tx.db())?;
        found.extend(rows);
    }
    found.sort_by_key(|row| (row.created_at, row.id));
    Ok(found)
}

/// It is its owner's, and of those to whom its parent belongs.
pub fn facts(row: &InitiativeRow, parent: &Parent) -> Facts {
    let mut facts = parent.facts().led_through(row.owner_id);
    facts.owners.extend(row.owner_id);
    facts
}

/// The parents of some initiatives, in a number of statements that does not grow with theirs.
#[derive(Debug)]
pub struct Parents {
    key_results: HashMap<KeyResultId, KeyResultRow>,
    objectives: HashMap<ObjectiveId, SharedObjective>,
    kpis: HashMap<KpiId, KpiRow>,
    cycles: HashMap<CycleId, CycleRow>,
}

impl Parents {
    /// Loads them.
    pub fn of(tx: &mut Tx, rows: &[&InitiativeRow]) -> Result<Self> {
        let workspace = tx.workspace_id()?;
        let ids: Vec<KeyResultId> = rows.iter().filter_map(|row| row.key_result_id).collect();
        let key_results = KeyResultRow::by_ids(tx, &ids)?;
        let of_key_results = key_results.values().map(|row| row.objective_id);
        let ids: Vec<ObjectiveId> =
            rows.iter().filter_map(|row| row.objective_id).chain(of_key_results).collect();
        let objectives = SharedObjective::by_ids(tx, &ids)?;
        let ids: Vec<KpiId> = rows.iter().filter_map(|row| row.kpi_id).collect();
        let mut kpis = HashMap::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let found: Vec<KpiRow> = kpis::table
                .filter(kpis::workspace_id.eq(workspace))
                .filter(kpis::id.eq_any(ids.to_vec()))
                .load(tx.db())?;
            kpis.extend(found.into_iter().map(|row| (row.id, row)));
        }
        let cycles = cycles_of(tx, &objectives.values().map(|objective| &objective.row).collect::<Vec<_>>())?;
        Ok(Self { key_results, objectives, kpis, cycles })
    }

    /// The parent of one of them.
    pub fn of_row(&self, row: &InitiativeRow) -> Option<Parent> {
        if let Some(id) = row.key_result_id {
            let row = self.key_results.get(&id)?.clone();
            let objective = self.objectives.get(&row.objective_id)?.clone();
            return Some(Parent::KeyResult(Box::new(OwnedKeyResult { row, objective })));
        }
        if let Some(id) = row.objective_id {
            return Some(Parent::Objective(Box::new(self.objectives.get(&id)?.clone())));
        }
        Some(Parent::Kpi(Box::new(self.kpis.get(&row.kpi_id?)?.clone())))
    }

    /// Whether a parent lets its initiatives be changed.
    pub fn takes_changes(&self, parent: &Parent) -> bool {
        let cycle = parent.objective().and_then(|objective| self.cycles.get(&objective.cycle_id?));
        cycle.is_none_or(|cycle| cycle.must_be_open().is_ok())
            && match parent {
                Parent::KeyResult(found) => found.objective.is_open() && found.row.archived_at.is_none(),
                Parent::Objective(row) => row.is_open(),
                Parent::Kpi(row) => row.archived_at.is_none(),
            }
    }
}
