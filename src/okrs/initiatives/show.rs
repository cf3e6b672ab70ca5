//! Initiatives as they are answered, and how many of them a thing has.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::{InitiativeRow, InitiativeStatus, Parent, Parents, facts, is_overdue};
use crate::access::{Action, Scoped};
use crate::http::page::page_type;
use crate::http::text::Url;
use crate::http::{Name, Problem, Result};
use crate::kpis::kpis::KpiRef;
use crate::okrs::cycles::today;
use crate::okrs::key_results::KeyResultRef;
use crate::okrs::objectives::{ObjectiveRef, ObjectiveRow};
use crate::people::members::{self, MemberRef};
use crate::store::schema::initiatives;
use crate::store::{
    Day, IDS_PER_STATEMENT, InitiativeId, KeyResultId, KpiId, MemberId, Moment, ObjectiveId, TeamId, Tx,
};

/// An initiative: work that is meant to move a key result, an objective or a KPI, one of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Initiative {
    /// Its id.
    id: InitiativeId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    version: i32,
    /// The key result that it is meant to move.
    key_result_id: Option<KeyResultId>,
    /// The key result, as a page shows it.
    key_result: Option<KeyResultRef>,
    /// The objective that it is meant to move.
    objective_id: Option<ObjectiveId>,
    /// The objective, as a page shows it.
    objective: Option<ObjectiveRef>,
    /// The KPI that it is meant to move.
    kpi_id: Option<KpiId>,
    /// The KPI, as a page shows it.
    kpi: Option<KpiRef>,
    /// What is to be done.
    title: Name,
    /// Where it stands.
    status: InitiativeStatus,
    /// Who answers for it.
    owner_id: Option<MemberId>,
    /// The owner, as a page shows it.
    owner: Option<MemberRef>,
    /// The day by which it is to be done.
    due_on: Option<Day>,
    /// Whether that day has passed, and it is neither done nor dropped.
    overdue: bool,
    /// Where the work itself is kept.
    url: Option<Url>,
    /// When it was archived.
    archived_at: Option<Moment>,
    /// When it was made.
    created_at: Moment,
    /// When it changed last.
    updated_at: Moment,
    /// What the caller may do with it, as things stand.
    can: InitiativeCan,
}

/// What the caller may do with an initiative, as things stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InitiativeCan {
    /// Change it.
    edit: bool,
    /// Archive it, or restore it where it is archived.
    archive: bool,
}

page_type!(InitiativePage, Initiative);

impl Initiative {
    /// The parts that a line of text has room for: what, who, until when.
    pub fn in_words(&self) -> (&str, Option<&MemberRef>, Option<Day>) {
        (self.title.as_str(), self.owner.as_ref(), self.due_on)
    }
}

/// One initiative, with what it refers to loaded for it alone.
pub fn show_one(tx: &mut Scoped, row: &InitiativeRow) -> Result<Initiative> {
    show(tx, vec![row.clone()])?.pop().ok_or_else(Problem::not_found)
}

/// Initiatives in their order, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<InitiativeRow>) -> Result<Vec<Initiative>> {
    let workspace = tx.here()?;
    let today = Day::from(today(tx)?);
    let parents = Parents::of(tx, &rows.iter().collect::<Vec<_>>())?;
    let owners = members::names(tx, workspace, rows.iter().filter_map(|row| row.owner_id))?;
    let shown = rows.into_iter().filter_map(|row| {
        let parent = parents.of_row(&row)?;
        let takes_changes = parents.takes_changes(&parent);
        let facts = facts(&row, &parent);
        let may = |action| takes_changes && tx.may(action, &facts);
        let can = InitiativeCan {
            edit: row.archived_at.is_none() && may(Action::Edit),
            archive: may(Action::Archive),
        };
        Some(one(row, &parent, &owners, today, can))
    });
    Ok(shown.collect())
}

/// Initiatives that are due by a day with something left to do, the longest due first: those that can
/// be changed, of owners and teams that are looked at.
pub fn due_by(
    tx: &mut Scoped,
    day: Day,
    is_looked_at: impl Fn(Option<MemberId>, Option<TeamId>) -> bool,
) -> Result<Vec<Initiative>> {
    let mut rows: Vec<InitiativeRow> = initiatives::table
        .filter(initiatives::workspace_id.eq(tx.here()?))
        .filter(initiatives::due_on.le(day))
        .filter(initiatives::status.eq_any(InitiativeStatus::OPEN))
        .filter(initiatives::archived_at.is_null())
        .order((initiatives::due_on, initiatives::id))
        .load(tx.db())?;
    let parents = Parents::of(tx, &rows.iter().collect::<Vec<_>>())?;
    rows.retain(|row| {
        let Some(parent) = parents.of_row(row) else { return false };
        parents.takes_changes(&parent) && is_looked_at(row.owner_id, parent.team_id())
    });
    show(tx, rows)
}

fn one(
    row: InitiativeRow,
    parent: &Parent,
    owners: &HashMap<MemberId, MemberRef>,
    today: Day,
    can: InitiativeCan,
) -> Initiative {
    let (key_result, objective, kpi) = match parent {
        Parent::KeyResult(found) => (Some(found.shown_as_reference()), None, None),
        Parent::Objective(found) => (None, Some(ObjectiveRow::shown_as_reference(found)), None),
        Parent::Kpi(found) => (None, None, Some(KpiRef::from(&**found))),
    };
    Initiative {
        id: row.id,
        version: row.version,
        key_result_id: row.key_result_id,
        key_result,
        objective_id: row.objective_id,
        objective,
        kpi_id: row.kpi_id,
        kpi,
        title: row.title.as_str().into(),
        status: row.status,
        owner_id: row.owner_id,
        owner: row.owner_id.and_then(|id| owners.get(&id).cloned()),
        due_on: row.due_on,
        overdue: is_overdue(row.status, row.due_on, today),
        url: row.url.as_deref().map(Url::from),
        archived_at: row.archived_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        can,
    }
}

/// How many initiatives a thing has, archived ones left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct InitiativeCounts {
    /// Those that nobody has begun.
    pub planned: u32,
    /// Those that people work on.
    pub in_progress: u32,
    /// Those that are done.
    pub done: u32,
    /// Those that were given up.
    pub dropped: u32,
    /// Of those planned and in progress: how many are past their due day.
    pub overdue: u32,
}

impl InitiativeCounts {
    fn add(&mut self, other: Self) {
        self.planned += other.planned;
        self.in_progress += other.in_progress;
        self.done += other.done;
        self.dropped += other.dropped;
        self.overdue += other.overdue;
    }
}

/// Where an initiative stands, and the day by which it is to be done.
type Standing = (InitiativeStatus, Option<Day>);

/// How many initiatives the key results and objectives of a page have.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    under_key_results: HashMap<KeyResultId, InitiativeCounts>,
    under_objectives: HashMap<ObjectiveId, InitiativeCounts>,
}

impl Tally {
    /// Counts them, in few statements.
    pub fn of(tx: &mut Tx, key_results: &[KeyResultId], objectives: &[ObjectiveId]) -> Result<Self> {
        let (workspace, today) = (tx.workspace_id()?, Day::from(today(tx)?));
        let mut tally = Self::default();
        let standing = (initiatives::status, initiatives::due_on);
        for ids in key_results.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<(Option<KeyResultId>, Standing)> = initiatives::table
                .filter(initiatives::workspace_id.eq(workspace))
                .filter(initiatives::archived_at.is_null())
                .filter(initiatives::key_result_id.eq_any(ids.to_vec()))
                .select((initiatives::key_result_id, standing))
                .load(tx.db())?;
            for (id, standing) in rows {
                count(&mut tally.under_key_results, id, standing, today);
            }
        }
        for ids in objectives.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<(Option<ObjectiveId>, Standing)> = initiatives::table
                .filter(initiatives::workspace_id.eq(workspace))
                .filter(initiatives::archived_at.is_null())
                .filter(initiatives::objective_id.eq_any(ids.to_vec()))
                .select((initiatives::objective_id, standing))
                .load(tx.db())?;
            for (id, standing) in rows {
                count(&mut tally.under_objectives, id, standing, today);
            }
        }
        Ok(tally)
    }

    /// Those under a key result.
    pub fn of_key_result(&self, id: KeyResultId) -> InitiativeCounts {
        self.under_key_results.get(&id).copied().unwrap_or_default()
    }

    /// Those under an objective, and under key results of it.
    pub fn of_objective(
        &self,
        id: ObjectiveId,
        key_results: impl IntoIterator<Item = KeyResultId>,
    ) -> InitiativeCounts {
        let mut counts = self.under_objectives.get(&id).copied().unwrap_or_default();
        key_results.into_iter().for_each(|id| counts.add(self.of_key_result(id)));
        counts
    }
}

fn count<Id: Eq + std::hash::Hash>(
    counts: &mut HashMap<Id, InitiativeCounts>,
    id: Option<Id>,
    (status, due_on): Standing,
    today: Day,
) {
    let Some(id) = id else { return };
    let counts = counts.entry(id).or_default();
    match status {
        InitiativeStatus::Planned => counts.planned += 1,
        InitiativeStatus::InProgress => counts.in_progress += 1,
        InitiativeStatus::Done => counts.done += 1,
        InitiativeStatus::Dropped => counts.dropped += 1,
    }
    counts.overdue += u32::from(is_overdue(status, due_on, today));
}
