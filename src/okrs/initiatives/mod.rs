//! Initiatives: work that is meant to move a key result, an objective or a KPI.
//!
//! Each has exactly one of them as its parent, and belongs to those to whom the parent belongs, and
//! to its owner. The work itself is kept elsewhere; here stands who does it until when, and how far
//! it is. Where the parent takes no changes, its initiatives take none either.

mod fields;
mod list;
mod row;
mod show;

use diesel::prelude::*;
use serde_json::json;

use super::wire::{changed, fields_of, path};
use crate::access::{Action, At, Db, Reads, Scoped, Writes};
use crate::http::{
    Answer, Body, Code, Created, Json, Listing, NoContent, Nothing, Page, Patch, PatchBody, Problem,
    Refusals, Refuses, Result, Routes, routes,
};
use crate::store::journal::EventType;
use crate::store::schema::initiatives;
pub use fields::{NewInitiative, NewObjectiveInitiative};
use list::InitiativeFilter;
pub use row::{InitiativeRow, InitiativeStatus, OwnedInitiative, Parent, in_use, is_overdue, under};
use show::show_one;
pub use show::{Initiative, InitiativeCounts, InitiativePage, Tally, due_by};

/// The paths of initiatives.
pub fn routes() -> Routes {
    routes! { "initiatives",
        "/v1/workspaces/{workspace}/initiatives" {
            /// List initiatives.
            /// What is due first comes first.
            GET list_initiatives,
            /// Make an initiative.
            /// Under a key result, an objective or a KPI: exactly one of them, and one that the caller may change.
            POST create_initiative,
        }
        "/v1/workspaces/{workspace}/initiatives/{initiative}" {
            /// Show an initiative.
            GET show_initiative,
            /// Change an initiative.
            /// To move it elsewhere, set the old parent to null and name the new one.
            PATCH update_initiative,
            /// Archive an initiative.
            /// It leaves lists and counts until it is restored.
            DELETE archive_initiative,
        }
        "/v1/workspaces/{workspace}/initiatives/{initiative}/restore" {
            /// Restore an initiative from the archive.
            POST restore_initiative,
        }
    }
}

async fn list_initiatives(db: Db<Reads>, listing: Listing<InitiativeFilter>) -> Answer<Page<InitiativePage>> {
    db.read((), listing, |tx, (), (filter, paging)| list::page(tx, &filter, &paging)).await
}

async fn create_initiative(
    db: Db<Writes>,
    body: Body<NewInitiative>,
    _: Refuses<ParentIsOver>,
) -> Answer<Created<Initiative>> {
    db.write((), body, |tx, (), new| {
        let row = create(tx, new)?;
        let location = path(row.workspace_id, &format!("initiatives/{}", row.id));
        Ok(Created::at(location, show_one(tx, &row)?, row.version))
    })
    .await
}

async fn show_initiative(db: Db<Reads>, id: At<OwnedInitiative>) -> Answer<Json<Initiative>> {
    db.read(id.to(Action::View), Nothing, |tx, found, ()| {
        Ok(Json::versioned(show_one(tx, &found.row)?, found.row.version))
    })
    .await
}

async fn update_initiative(
    db: Db<Writes>,
    id: At<OwnedInitiative>,
    body: PatchBody<NewInitiative>,
    _: Refuses<ParentIsOver>,
) -> Answer<Json<Initiative>> {
    db.write(id.to(Action::Edit), body, |tx, found, patch| {
        let row = update(tx, found, patch)?.unwrap_or_else(|| found.row.clone());
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn archive_initiative(
    db: Db<Writes>,
    id: At<OwnedInitiative>,
    _: Refuses<ParentIsOver>,
) -> Answer<NoContent> {
    db.write(id.to(Action::Archive), Nothing, |tx, found, ()| {
        if found.row.archived_at.is_some() {
            return Ok(NoContent);
        }
        found.parent.must_take_changes(tx)?;
        let now = tx.now;
        let row = InitiativeRow {
            archived_at: Some(now),
            version: found.row.version + 1,
            updated_at: now,
            ..found.row.clone()
        };
        row.save(tx)?;
        tx.tell(EventType::InitiativeArchived, row.subject(), json!({ "archived_at": now }));
        Ok(NoContent)
    })
    .await
}

async fn restore_initiative(
    db: Db<Writes>,
    id: At<OwnedInitiative>,
    _: Refuses<ParentIsOver>,
) -> Answer<Json<Initiative>> {
    db.write(id.to(Action::Archive), Nothing, |tx, found, ()| {
        let row = &found.row;
        if row.archived_at.is_none() {
            return Ok(Json::versioned(show_one(tx, row)?, row.version));
        }
        found.parent.must_take_changes(tx)?;
        let row =
            InitiativeRow { archived_at: None, version: row.version + 1, updated_at: tx.now, ..row.clone() };
        row.save(tx)?;
        tx.tell(EventType::InitiativeRestored, row.subject(), json!({ "archived_at": null }));
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

enum ParentIsOver {}
impl Refusals for ParentIsOver {
    const CODES: &'static [Code] =
        &[Code::Conflict, Code::ObjectiveClosed, Code::CycleClosed, Code::KpiArchived];
}

/// Makes an initiative under what it names, which the caller has to be allowed to change.
fn create(tx: &mut Scoped, new: &NewInitiative) -> Result<InitiativeRow> {
    let (row, parent) = InitiativeRow::blank(tx)?.under(tx, new)?;
    tx.require(Action::Edit, &parent.facts())?;
    let mut row = row.with(tx, new, "")?;
    row.owner_id = row.owner_id.or(tx.member());
    parent.must_take_changes(tx)?;
    store(tx, &row)?;
    Ok(row)
}

/// Stores a new initiative with its event.
pub fn store(tx: &mut Scoped, row: &InitiativeRow) -> Result<()> {
    diesel::insert_into(initiatives::table).values(row).execute(tx.db())?;
    tx.tell(EventType::InitiativeCreated, row.subject(), fields_of(&row.fields()).into());
    Ok(())
}

/// Changes an initiative; `None` where nothing changes.
fn update(
    tx: &mut Scoped,
    found: &OwnedInitiative,
    patch: &Patch<NewInitiative>,
) -> Result<Option<InitiativeRow>> {
    let row = &found.row;
    let Some(fields) = patch.merged(&row.fields(), row.version)? else { return Ok(None) };
    let (after, parent) = row.clone().under(tx, &fields)?;
    if parent != found.parent {
        tx.require(Action::Edit, &parent.facts())?;
    }
    let after = after.with(tx, &fields, "")?;
    if after == *row {
        return Ok(None);
    }
    if row.archived_at.is_some() {
        let detail = "the initiative is archived: restore it before it is changed";
        return Err(Problem::new(Code::Conflict, detail));
    }
    found.parent.must_take_changes(tx)?;
    parent.must_take_changes(tx)?;
    let after = InitiativeRow { version: row.version + 1, updated_at: tx.now, ..after };
    after.save(tx)?;
    tx.tell(EventType::InitiativeUpdated, after.subject(), changed(&row.fields(), &after.fields()));
    Ok(Some(after))
}
