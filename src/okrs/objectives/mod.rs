//! Objectives: where to go, and how far one has come.
//!
//! An objective is drafted, activated when nothing is missing, and closed with an outcome, a score
//! and what was learned; closing freezes its numbers. Its progress is a weighted mean of its key
//! results that a person can redo by hand.

pub mod alignment;
mod carried;
mod change;
mod circle;
mod closing;
mod fields;
mod guarded;
mod list;
pub mod row;
mod show;
pub mod supports;

pub use carried::{Carried, record_carry_over};
pub use change::{activate, archive, create, missing};
pub use circle::{Circle, SharedObjective};
pub use closing::{Closing, ObjectiveClosing, UndoneClosings, close, closings_by};
pub use fields::{ManualProgress, NewObjective, NewObjectiveState, ObjectiveFields, judge_dates};
pub use guarded::{Guards, ObjectiveGuardrail};
use list::ObjectiveFilter;
pub use row::{
    ObjectiveRef, ObjectiveRow, ObjectiveState, RecordedState, StateFollower, set_state, states_at,
};
pub use show::{Objective, ObjectivePage, show, show_one};

use super::wire::path;
use crate::access::{Action, At, Db, Facts, Reads, Writes};
use crate::http::{
    Answer, Body, Code, Created, Json, Listing, NoContent, Nothing, Page, PatchBody, Refusals, Refuses,
    Routes, routes,
};

/// The paths of objectives.
pub fn routes() -> Routes {
    routes! { "objectives",
        "/v1/workspaces/{workspace}/objectives" {
            /// List objectives.
            GET list_objectives,
            /// Make an objective.
            /// As a draft, or active at once where nothing is missing; with key results and initiatives
            /// if they are known already, all or nothing.
            POST create_objective,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}" {
            /// Show an objective.
            GET show_objective,
            /// Change an objective.
            /// With another `parent_id` it moves, with all that hangs under it; the move is kept with its
            /// date. A loop and a tenth level are refused.
            PATCH update_objective,
            /// Archive an objective.
            /// It keeps its history, and leaves lists and averages until it is restored.
            DELETE archive_objective,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}/restore" {
            /// Restore an objective from the archive.
            POST restore_objective,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}/activate" {
            /// Activate an objective.
            /// Refused with all that is missing at once: an owner, a cycle or last day, a key result,
            /// the goals of its key results. From now on they keep their original goals.
            POST activate_objective,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}/close" {
            /// Close an objective.
            /// Its values, progress and pace are frozen as they are now.
            POST close_objective,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}/reopen" {
            /// Open a closed objective again.
            /// It is active as before and its numbers move. How it had ended stays in `closings`.
            POST reopen_objective,
        }
    }
}

async fn list_objectives(db: Db<Reads>, listing: Listing<ObjectiveFilter>) -> Answer<Page<ObjectivePage>> {
    db.read((), listing, |tx, (), (filter, paging)| list::page(tx, &filter, &paging)).await
}

async fn create_objective(
    db: Db<Writes>,
    body: Body<NewObjective>,
    _: Refuses<NotMade>,
) -> Answer<Created<Objective>> {
    db.write((), body, |tx, (), new| {
        tx.require(Action::Create, &Facts::default())?;
        let row = create(tx, new)?;
        let location = path(row.workspace_id, &format!("objectives/{}", row.id));
        Ok(Created::at(location, show_one(tx, &row)?, row.version))
    })
    .await
}

async fn show_objective(db: Db<Reads>, id: At<SharedObjective>) -> Answer<Json<Objective>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| Ok(Json::versioned(show_one(tx, &row)?, row.version)))
        .await
}

async fn update_objective(
    db: Db<Writes>,
    id: At<SharedObjective>,
    body: PatchBody<ObjectiveFields>,
    _: Refuses<NotMoved>,
) -> Answer<Json<Objective>> {
    db.write(id.to(Action::Edit), body, |tx, row, patch| {
        let row = change::update(tx, row, patch)?.unwrap_or_else(|| SharedObjective::clone(row));
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn archive_objective(
    db: Db<Writes>,
    id: At<SharedObjective>,
    _: Refuses<CycleIsOver>,
) -> Answer<NoContent> {
    db.write(id.to(Action::Archive), Nothing, |tx, row, ()| {
        change::archive(tx, row)?;
        Ok(NoContent)
    })
    .await
}

async fn restore_objective(
    db: Db<Writes>,
    id: At<SharedObjective>,
    _: Refuses<CycleIsOver>,
) -> Answer<Json<Objective>> {
    db.write(id.to(Action::Archive), Nothing, |tx, row, ()| {
        let row = change::restore(tx, row)?;
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn activate_objective(
    db: Db<Writes>,
    id: At<SharedObjective>,
    _: Refuses<NotChanged>,
) -> Answer<Json<Objective>> {
    db.write(id.to(Action::Edit), Nothing, |tx, row, ()| {
        let row = activate(tx, row)?;
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn close_objective(
    db: Db<Writes>,
    id: At<SharedObjective>,
    body: Body<ObjectiveClosing>,
    _: Refuses<NotClosed>,
) -> Answer<Json<Objective>> {
    db.write(id.to(Action::Edit), body, |tx, row, closing| {
        let row = close(tx, row, closing)?;
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn reopen_objective(
    db: Db<Writes>,
    id: At<SharedObjective>,
    _: Refuses<NotClosed>,
) -> Answer<Json<Objective>> {
    db.write(id.to(Action::Edit), Nothing, |tx, row, ()| {
        let row = closing::reopen(tx, row)?;
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

enum NotMade {}
impl Refusals for NotMade {
    const CODES: &'static [Code] =
        &[Code::NotReady, Code::ObjectiveClosed, Code::CycleClosed, Code::KpiArchived, Code::TooDeep];
}

enum NotMoved {}
impl Refusals for NotMoved {
    const CODES: &'static [Code] =
        &[Code::NotReady, Code::ObjectiveClosed, Code::CycleClosed, Code::AlignmentLoop, Code::TooDeep];
}

enum NotChanged {}
impl Refusals for NotChanged {
    const CODES: &'static [Code] = &[Code::NotReady, Code::ObjectiveClosed, Code::CycleClosed];
}

enum NotClosed {}
impl Refusals for NotClosed {
    const CODES: &'static [Code] = &[Code::Conflict, Code::ObjectiveClosed, Code::CycleClosed];
}

enum CycleIsOver {}
impl Refusals for CycleIsOver {
    const CODES: &'static [Code] = &[Code::CycleClosed];
}
