//! Remedies: the links from unhealthy KPIs to the objectives that are meant to heal them.
//!
//! Prescribing links an objective or makes one, and freezes the KPI's state of the moment as the
//! baseline. What became of a remedy is always derived from the periods since, under the band of then.

mod aim;
mod follow;
mod lag;
mod outcome;
mod prescribe;
mod row;
mod wire;

use std::cmp::Reverse;
use std::collections::HashSet;

use diesel::prelude::*;

pub use follow::{follow, follow_clock, follow_objective};
pub use outcome::{Ground, ObjectiveThen, Seen, Standpoint, Told, objectives_then};
pub use prescribe::NewRemedy;
pub use row::{Counting, Of, RemedyRow, made_by};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
pub use wire::{Remedy, reference};
use wire::{RemedyPage, show, show_one};

use crate::access::hidden::Hidden;
use crate::access::{Action, At, Db, Reads, Scoped, Writes};
use crate::http::body::Rules;
use crate::http::page::Paged;
use crate::http::query::Rehearsable;
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, NoContent, Note, Nothing, Page, Paging,
    PatchBody, Problem, Query, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::derive::{AsOf, View};
use crate::kpis::row::KpiRow;
use crate::maths::RemedyOutcome;
use crate::okrs::objectives::SharedObjective;
use crate::okrs::wire::{path, refused_in_query};
use crate::store::journal::EventType;
use crate::store::{Day, KpiId, Moment, ObjectiveId, RemedyId};
use row::LinkedRemedy;

/// The paths of remedies.
pub fn routes() -> Routes {
    routes! { "remedies",
        "/v1/workspaces/{workspace}/kpis/{kpi}/remedies" {
            /// List the remedies of a KPI, the newest first.
            /// Withdrawn ones too. With `as_of` or `known_at` outcomes are told as they stood then.
            GET list_kpi_remedies,
            /// Prescribe a remedy for a KPI that is not healthy, or that is slipping.
            /// `objective_id` links an existing objective. Otherwise one is made, with a key result that reads the
            /// KPI, from its current value to its nearest healthy bound, or, while it is slipping, to stay within its
            /// band; `{}` is enough. The KPI's state of the
            /// moment is kept as the baseline.
            POST create_remedy,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}/remedies" {
            /// List what an objective is meant to heal, the newest link first.
            /// Withdrawn ones too. With `as_of` or `known_at` outcomes are told as they stood then.
            GET list_objective_remedies,
        }
        "/v1/workspaces/{workspace}/remedies" {
            /// List the remedies of the workspace, the newest first.
            /// Withdrawn ones too. With `as_of` or `known_at` outcomes are told as they stood then.
            GET list_remedies,
        }
        "/v1/workspaces/{workspace}/remedies/{remedy}" {
            /// Show a remedy and what became of it.
            /// With `as_of` or `known_at` the outcome is told as it stood then.
            GET show_remedy,
            /// Change the note of a remedy.
            /// All else follows from the KPI and the objective.
            PATCH update_remedy,
            /// Withdraw a remedy.
            /// The link ends and stays known; the objective stays as it is. A second time changes nothing.
            DELETE withdraw_remedy,
        }
    }
}

/// Which remedies are listed. A key that stands several times means "or".
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RemedyFilter {
    /// What became of them.
    #[param(inline)]
    #[serde(default)]
    outcome: Vec<RemedyOutcome>,
    /// The KPI that they are to heal: its id or key.
    #[serde(default)]
    kpi: Vec<String>,
    /// The objective that is to heal: its id.
    #[serde(default)]
    objective: Vec<String>,
    /// As they stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
}

/// What can be changed of a remedy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemedyFields {
    /// What it is meant to do for the KPI.
    #[serde(default)]
    note: Option<Note>,
}

impl Rules for RemedyFields {
    fn judge(&self, _: &mut FieldErrors) {}
}

async fn list_kpi_remedies(db: Db<Reads>, kpi: At<KpiRow>, list: Listing<AsOf>) -> Answer<Page<RemedyPage>> {
    db.read(kpi.to(Action::View), list, |tx, kpi, (as_of, paging)| {
        let view = as_of.view(tx)?;
        let rows = made(tx, Of::Kpis(&[kpi.id]), view.as_ref())?;
        page(tx, rows, &paging, view.as_ref())
    })
    .await
}

async fn list_objective_remedies(
    db: Db<Reads>,
    objective: At<SharedObjective>,
    list: Listing<AsOf>,
) -> Answer<Page<RemedyPage>> {
    db.read(objective.to(Action::View), list, |tx, objective, (as_of, paging)| {
        let view = as_of.view(tx)?;
        let rows = made(tx, Of::Objective(objective.id), view.as_ref())?;
        page(tx, rows, &paging, view.as_ref())
    })
    .await
}

async fn list_remedies(db: Db<Reads>, list: Listing<RemedyFilter>) -> Answer<Page<RemedyPage>> {
    db.read((), list, |tx, (), (filter, paging)| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let kpis = named_kpis(tx, &filter.kpi)?;
        let objectives = named_objectives(tx, &filter.objective)?;
        let of = if kpis.is_empty() { Of::Workspace } else { Of::Kpis(&kpis) };
        let mut rows = made(tx, of, view.as_ref())?;
        rows.retain(|row| objectives.is_empty() || objectives.contains(&row.objective_id));
        if filter.outcome.is_empty() {
            return page(tx, rows, &paging, view.as_ref());
        }
        let mut shown = show(tx, rows, view.as_ref())?;
        shown.retain(|remedy| filter.outcome.contains(&remedy.outcome));
        let paged = paging.page_of_all(shown, |remedy| newest_first(remedy.created_at, remedy.id))?;
        Ok(Page::show(&paging, paged, |remedy| remedy))
    })
    .await
}

async fn create_remedy(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    rehearsal: Rehearsable,
    body: Body<NewRemedy>,
    _: Refuses<NotPrescribed>,
) -> Answer<Created<Remedy>> {
    db.write(kpi.to(Action::Prescribe), (rehearsal, body), |tx, kpi, (_, new)| {
        let row = prescribe::prescribe(tx, kpi, new)?;
        let location = path(row.workspace_id, &format!("remedies/{}", row.id));
        let version = row.version;
        Ok(Created::at(location, show_one(tx, row, None)?, version))
    })
    .await
}

async fn show_remedy(db: Db<Reads>, id: At<LinkedRemedy>, view: Query<AsOf>) -> Answer<Json<Remedy>> {
    db.read(id.to(Action::View), view, |tx, found, as_of| {
        let view = as_of.view(tx)?;
        let row = found.into_inner().row;
        if row.created_at > Standpoint::of(tx, view.as_ref())?.recorded_by {
            return Err(Problem::not_found());
        }
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, view.as_ref())?, version))
    })
    .await
}

async fn update_remedy(
    db: Db<Writes>,
    id: At<LinkedRemedy>,
    patch: PatchBody<RemedyFields>,
) -> Answer<Json<Remedy>> {
    db.write(id.to(Action::Edit), patch, |tx, found, patch| {
        let LinkedRemedy { row, kpi, objective } = &**found;
        let present = RemedyFields { note: row.note.as_deref().map(Note::from) };
        let Some(fields) = patch.merged(&present, row.version)? else {
            return Ok(Json::versioned(show_one(tx, row.clone(), None)?, row.version));
        };
        let row = RemedyRow {
            note: fields.note.map(String::from),
            version: row.version + 1,
            updated_at: tx.now,
            ..row.clone()
        };
        row.save(tx)?;
        let change = json!({ "note": row.note });
        tx.tell(EventType::RemedyUpdated, row.subject(&kpi.name, &objective.title), change);
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, None)?, version))
    })
    .await
}

async fn withdraw_remedy(db: Db<Writes>, id: At<LinkedRemedy>) -> Answer<NoContent> {
    db.write(id.to(Action::Archive), Nothing, |tx, found, ()| {
        let LinkedRemedy { row, kpi, objective } = &**found;
        if row.withdrawn_at.is_some() {
            return Ok(NoContent);
        }
        let now = tx.now;
        let row = RemedyRow {
            shown_outcome: RemedyOutcome::Withdrawn,
            version: row.version + 1,
            updated_at: now,
            withdrawn_at: Some(now),
            withdrawn_by: Some(tx.author().recorded_by()),
            ..row.clone()
        };
        row.save(tx)?;
        row::keep_counts(tx, std::slice::from_ref(kpi))?;
        let change = json!({
            "withdrawn_at": now, "from": found.row.shown_outcome,
            "kpi_id": row.kpi_id, "objective_id": row.objective_id,
        });
        tx.tell(EventType::RemedyWithdrawn, row.subject(&kpi.name, &objective.title), change);
        Ok(NoContent)
    })
    .await
}

enum NotPrescribed {}
impl Refusals for NotPrescribed {
    const CODES: &'static [Code] = &[
        Code::KpiArchived,
        Code::KpiIsHealthy,
        Code::KpiHasNoValue,
        Code::KpiHasNoTarget,
        Code::ObjectiveClosed,
        Code::CycleClosed,
        Code::AlreadyExists,
    ];
}

/// The remedies that had been made by where one stands, the newest first.
fn made(tx: &mut Scoped, of: Of, view: Option<&View>) -> Result<Vec<RemedyRow>> {
    let standpoint = Standpoint::of(tx, view)?;
    let mut rows = made_by(tx, of, standpoint.recorded_by)?;
    let hidden: HashSet<RemedyId> = Hidden::from(tx)?.remedies().load(tx.db())?.into_iter().collect();
    rows.retain(|row| !hidden.contains(&row.id));
    Ok(rows)
}

/// A page of remedies in order; only what is on it is derived.
fn page(
    tx: &mut Scoped,
    rows: Vec<RemedyRow>,
    paging: &Paging,
    view: Option<&View>,
) -> Result<Page<RemedyPage>> {
    let Paged { rows, next_cursor, total } =
        paging.page_of_all(rows, |row| newest_first(row.created_at, row.id))?;
    let paged = Paged { rows: show(tx, rows, view)?, next_cursor, total };
    Ok(Page::show(paging, paged, |remedy| remedy))
}

/// Where a remedy stands in a list.
fn newest_first(made_at: Moment, id: RemedyId) -> (Reverse<Moment>, Reverse<RemedyId>) {
    (Reverse(made_at), Reverse(id))
}

/// The remedies of objectives, the newest first; those of KPIs that fewer people see than the objective are
/// left out.
pub fn of_objectives(
    tx: &mut Scoped,
    objectives: &[ObjectiveId],
    view: Option<&View>,
) -> Result<Vec<Remedy>> {
    let standpoint = Standpoint::of(tx, view)?;
    let mut rows = made_by(tx, Of::Objectives(objectives), standpoint.recorded_by)?;
    let counting = Counting::of(tx, &rows)?;
    rows.retain(|row| counting.heals(row));
    show(tx, rows, view)
}

fn named_kpis(tx: &mut Scoped, names: &[String]) -> Result<Vec<KpiId>> {
    let find = |name: &String| {
        let found = KpiRow::seen(tx, name).map_err(|problem| refused_in_query(problem, "kpi"))?;
        found.map(|kpi| kpi.id).ok_or_else(|| Problem::not_found_at("kpi"))
    };
    names.iter().map(find).collect()
}

fn named_objectives(tx: &mut Scoped, names: &[String]) -> Result<Vec<ObjectiveId>> {
    let find = |name: &String| {
        let found =
            tx.find::<SharedObjective>(name).map_err(|problem| refused_in_query(problem, "objective"))?;
        Ok(found.id)
    };
    names.iter().map(find).collect()
}
