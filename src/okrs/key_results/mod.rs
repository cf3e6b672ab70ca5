//! Key results: how to know that an objective was reached.
//!
//! Each has a goal of one of six kinds, and a current value that comes from check-ins or from a
//! KPI. From its objective's activation on it keeps the goal that it had then.

mod create;
mod fields;
mod list;
pub mod row;
mod show;

use serde_json::json;

pub use create::{completeness, create, must_have_room, plan, store};
pub use fields::{Completeness, KeyResultRange, NewKeyResult, judge_goal};
use list::{KeyResultFilter, OwnKeyResultFilter};
pub use row::{KeyResultRef, KeyResultRow, OwnedKeyResult};
pub use show::{KeyResult, KeyResultPage, KeyResultShort, show, show_one, show_short};

use super::objectives::{ObjectiveRow, ObjectiveState, SharedObjective};
use super::progress::{Dates, due_on};
use super::wire::{changed, path};
use crate::access::{Action, At, Db, Reads, Writes};
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, NoContent, Nothing, Page, PatchBody, Problem,
    Refusals, Refuses, Result, Routes, routes,
};
use crate::store::Tx;
use crate::store::journal::EventType;

/// The paths of key results.
pub fn routes() -> Routes {
    routes! { "key-results",
        "/v1/workspaces/{workspace}/objectives/{objective}/key-results" {
            /// List the key results of an objective.
            /// In the order of their making.
            GET list_objective_key_results,
            /// Make a key result of an objective.
            /// In a draft it may lack start and target; in an active objective it must be complete.
            POST create_key_result,
        }
        "/v1/workspaces/{workspace}/key-results" {
            /// List the key results of the workspace.
            /// By title. Those of archived objectives are left out.
            GET list_key_results,
        }
        "/v1/workspaces/{workspace}/key-results/{key_result}" {
            /// Show a key result.
            GET show_key_result,
            /// Change a key result.
            /// In an active objective a changed goal or due day is shown as `retargeted`, beside the
            /// original ones, and the kind stays.
            PATCH update_key_result,
            /// Archive a key result.
            /// It keeps its history and does not count until it is restored.
            DELETE archive_key_result,
        }
        "/v1/workspaces/{workspace}/key-results/{key_result}/restore" {
            /// Restore a key result from the archive.
            POST restore_key_result,
        }
    }
}

async fn list_objective_key_results(
    db: Db<Reads>,
    objective: At<SharedObjective>,
    listing: Listing<OwnKeyResultFilter>,
) -> Answer<Page<KeyResultPage>> {
    db.read(objective.to(Action::View), listing, |tx, objective, (filter, paging)| {
        list::of_objective(tx, &objective, &filter, &paging)
    })
    .await
}

async fn list_key_results(db: Db<Reads>, listing: Listing<KeyResultFilter>) -> Answer<Page<KeyResultPage>> {
    db.read((), listing, |tx, (), (filter, paging)| list::of_workspace(tx, &filter, &paging)).await
}

async fn create_key_result(
    db: Db<Writes>,
    objective: At<SharedObjective>,
    body: Body<NewKeyResult>,
    _: Refuses<NotMade>,
) -> Answer<Created<KeyResult>> {
    db.write(objective.to(Action::Edit), body, |tx, objective, new| {
        let row = create(tx, objective, new)?;
        let location = path(row.workspace_id, &format!("key-results/{}", row.id));
        Ok(Created::at(location, show_one(tx, &row, objective)?, row.version))
    })
    .await
}

async fn show_key_result(db: Db<Reads>, id: At<OwnedKeyResult>) -> Answer<Json<KeyResult>> {
    db.read(id.to(Action::View), Nothing, |tx, found, ()| {
        Ok(Json::versioned(show_one(tx, &found.row, &found.objective)?, found.row.version))
    })
    .await
}

async fn update_key_result(
    db: Db<Writes>,
    id: At<OwnedKeyResult>,
    body: PatchBody<NewKeyResult>,
    _: Refuses<NotChanged>,
) -> Answer<Json<KeyResult>> {
    db.write(id.to(Action::Edit), body, |tx, found, patch| {
        let OwnedKeyResult { row, objective } = &**found;
        let after = match patch.merged(&row.fields(), row.version)? {
            Some(fields) => row.clone().with(tx, &fields, "")?,
            None => row.clone(),
        };
        if after == *row {
            return Ok(Json::versioned(show_one(tx, row, objective)?, row.version));
        }
        let mut errors = FieldErrors::new();
        judge_goal(&after.goal(), completeness(objective), "", &mut errors);
        errors.settle()?;
        found.must_take_changes(tx)?;
        must_keep_kind(row, &after)?;
        let after = KeyResultRow { version: row.version + 1, updated_at: tx.now, ..after };
        after.save(tx)?;
        tx.tell(EventType::KeyResultUpdated, after.subject(), changed(&row.fields(), &after.fields()));
        Ok(Json::versioned(show_one(tx, &after, objective)?, after.version))
    })
    .await
}

async fn archive_key_result(
    db: Db<Writes>,
    id: At<OwnedKeyResult>,
    _: Refuses<NotArchived>,
) -> Answer<NoContent> {
    db.write(id.to(Action::Archive), Nothing, |tx, found, ()| {
        if found.row.archived_at.is_some() {
            return Ok(NoContent);
        }
        found.must_take_changes(tx)?;
        let now = tx.now;
        let row = KeyResultRow {
            archived_at: Some(now),
            version: found.row.version + 1,
            updated_at: now,
            ..found.row.clone()
        };
        row.save(tx)?;
        tx.tell(EventType::KeyResultArchived, row.subject(), json!({ "archived_at": now }));
        Ok(NoContent)
    })
    .await
}

async fn restore_key_result(
    db: Db<Writes>,
    id: At<OwnedKeyResult>,
    _: Refuses<NotRestored>,
) -> Answer<Json<KeyResult>> {
    db.write(id.to(Action::Archive), Nothing, |tx, found, ()| {
        let OwnedKeyResult { row, objective } = &**found;
        if row.archived_at.is_none() {
            return Ok(Json::versioned(show_one(tx, row, objective)?, row.version));
        }
        objective.must_take_changes(tx)?;
        must_have_room(tx, objective)?;
        let mut row =
            KeyResultRow { archived_at: None, version: row.version + 1, updated_at: tx.now, ..row.clone() };
        activate_restored(tx, &mut row, objective)?;
        row.save(tx)?;
        tx.tell(EventType::KeyResultRestored, row.subject(), json!({ "archived_at": null }));
        Ok(Json::versioned(show_one(tx, &row, objective)?, row.version))
    })
    .await
}

/// What was archived while its objective became active has to be complete to come back.
fn activate_restored(tx: &mut Tx, row: &mut KeyResultRow, objective: &ObjectiveRow) -> Result<()> {
    if objective.state != ObjectiveState::Active || row.activated_at.is_some() {
        return Ok(());
    }
    let mut errors = FieldErrors::new();
    judge_goal(&row.goal(), Completeness::Needed, "", &mut errors);
    errors.settle().map_err(|missing| {
        let detail = "its objective is active, and it is not complete: make another one";
        let mut problem = Problem::new(Code::NotReady, detail);
        problem.errors = missing.errors;
        problem
    })?;
    let cycle = objective.cycle(tx)?;
    let due = due_on(row, &Dates::of(objective, cycle.as_ref()));
    row.keep_original(due, tx.now);
    Ok(())
}

/// The original goal is only comparable with one of its kind.
fn must_keep_kind(before: &KeyResultRow, after: &KeyResultRow) -> Result<()> {
    if before.activated_at.is_none() || before.kind == after.kind {
        return Ok(());
    }
    let detail =
        format!("its objective became active with it as {}: archive it and make another", before.kind);
    Err(Problem::new(Code::Conflict, detail).with("/kind", "kind_is_settled", "the kind stays"))
}

enum NotMade {}
impl Refusals for NotMade {
    const CODES: &'static [Code] =
        &[Code::ObjectiveClosed, Code::CycleClosed, Code::KpiArchived, Code::LimitReached];
}

enum NotChanged {}
impl Refusals for NotChanged {
    const CODES: &'static [Code] =
        &[Code::ObjectiveClosed, Code::CycleClosed, Code::KpiArchived, Code::Conflict];
}

enum NotArchived {}
impl Refusals for NotArchived {
    const CODES: &'static [Code] = &[Code::ObjectiveClosed, Code::CycleClosed];
}

enum NotRestored {}
impl Refusals for NotRestored {
    const CODES: &'static [Code] =
        &[Code::ObjectiveClosed, Code::CycleClosed, Code::NotReady, Code::LimitReached];
}
