//! Cycles: the stretches of time in which objectives are set and met.
//!
//! Admins plan them; objectives name the one that they belong to. The shortest active one that
//! holds today answers to `current`. A closed one takes no more changes to its OKRs.

mod nesting;
mod row;

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::wire::{changed, path};
use crate::access::{Action, Admins, At, Db, Facts, Reads, Scoped};
use crate::http::body::Rules;
use crate::http::page::{Total, page_type};
use crate::http::text::{Slug, folded, texts};
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, PatchBody,
    Problem, Refusals, Refuses, Result, Routes, routes,
};
use crate::maths::word::words;
use crate::people::slug;
use crate::store::connection::MultiBackend;
use crate::store::journal::EventType;
use crate::store::schema::{cycles, objectives};
use crate::store::{CycleId, Day, Moment, Tx, WorkspaceId};
use nesting::{judge_nesting, named_parent, parts_of};
pub use row::{CycleRow, current_candidates, today};

texts! {
    /// A cycle in a body: its id, its slug, or `current` for the shortest active one that holds today.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9a-z_-]+$", example = "current")]
    CycleInput;
}

/// The paths of cycles.
pub fn routes() -> Routes {
    routes! { "cycles",
        "/v1/workspaces/{workspace}/cycles" {
            /// List cycles.
            /// In the order of their first days.
            GET list_cycles,
            /// Make a cycle.
            /// Without a slug it gets one from its name.
            POST create_cycle,
        }
        "/v1/workspaces/{workspace}/cycles/{cycle}" {
            /// Show a cycle.
            GET show_cycle,
            /// Change a cycle.
            /// Closing it is a change of `state`, and so is opening it again; a closed one takes no changes to
            /// its OKRs.
            PATCH update_cycle,
            /// Delete a cycle.
            /// Only while no objective and no other cycle names it.
            DELETE delete_cycle,
        }
    }
}

words! {
    /// Where a cycle stands.
    pub enum CycleState {
        /// It is being planned.
        Planning = "planning",
        /// It is what people work in.
        Active = "active",
        /// It is over: its OKRs take no more changes.
        Closed = "closed",
    }
}
crate::http::words::impl_wire_words!(CycleState);
crate::store::types::impl_sql_words!(CycleState);

/// What stands for the cycle of today, wherever a cycle is named.
pub const CURRENT: &str = "current";

/// A cycle to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCycle {
    /// Its name.
    #[schema(example = "Q1 2026")]
    pub name: Name,
    /// Its short name for addresses; by default it is made from the name. Not `current`.
    #[serde(default)]
    #[schema(example = "q1-2026")]
    pub slug: Option<Slug>,
    /// Its first day.
    #[schema(example = "2026-01-01")]
    pub starts_on: Day,
    /// Its last day; not before the first.
    #[schema(example = "2026-03-31")]
    pub ends_on: Day,
    /// Where it stands; a new one is planned or active.
    #[serde(default = "active")]
    #[schema(default = "active")]
    pub state: CycleState,
    /// The longer cycle that it is a part of, such as its year: its id, its slug, or `current`. All days
    /// lie within the parent's.
    #[serde(default)]
    #[schema(value_type = Option<CycleInput>, example = "2026")]
    #[serde(rename = "parent_id")]
    pub parent: Option<String>,
}

fn active() -> CycleState {
    CycleState::Active
}

/// A cycle.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cycle {
    /// Its id.
    id: CycleId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    version: i32,
    /// Its short name for addresses.
    slug: Slug,
    /// Its name.
    name: Name,
    /// Its first day.
    starts_on: Day,
    /// Its last day.
    ends_on: Day,
    /// Where it stands.
    state: CycleState,
    /// The longer cycle that it is a part of.
    parent_id: Option<CycleId>,
    /// That cycle, as a page shows it.
    parent: Option<CycleRef>,
    /// When it was made.
    created_at: Moment,
    /// When its own fields changed last.
    updated_at: Moment,
    /// What the caller may do with it.
    can: CycleCan,
}

/// What the caller may do with a cycle.
#[derive(Debug, Serialize, ToSchema)]
pub struct CycleCan {
    /// Change it.
    edit: bool,
    /// Delete it, while no objective and no other cycle names it.
    delete: bool,
}

/// A cycle where something belongs to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CycleRef {
    /// Its id.
    id: CycleId,
    /// Its short name for addresses.
    slug: Slug,
    /// Its name.
    name: Name,
    /// Its first day.
    starts_on: Day,
    /// Its last day.
    ends_on: Day,
    /// Where it stands.
    state: CycleState,
}

page_type!(CyclePage, Cycle);

/// Which cycles to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CycleFilter {
    /// Only cycles that stand so; several mean "or".
    #[serde(default)]
    #[param(inline)]
    state: Vec<CycleState>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    starts_on: Day,
    id: CycleId,
}

async fn list_cycles(db: Db<Reads>, listing: Listing<CycleFilter>) -> Answer<Page<CyclePage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let workspace = tx.here()?;
        let matching = || {
            let query = cycles::table.filter(cycles::workspace_id.eq(workspace)).into_boxed::<MultiBackend>();
            if filter.state.is_empty() {
                query
            } else {
                query.filter(cycles::state.eq_any(filter.state.clone()))
            }
        };
        let total = match paging.total {
            Total::Wanted => Some(matching().count().get_result(tx.db())?),
            Total::NotWanted => None,
        };
        let mut query = matching();
        if let Some(after) = paging.after::<Place>()? {
            query = query.filter(
                cycles::starts_on
                    .gt(after.starts_on)
                    .or(cycles::starts_on.eq(after.starts_on).and(cycles::id.gt(after.id))),
            );
        }
        let rows: Vec<CycleRow> =
            query.order((cycles::starts_on, cycles::id)).limit(paging.rows()).load(tx.db())?;
        let paged = paging.page(rows, total, |row| Place { starts_on: row.starts_on, id: row.id });
        let parents = parents_of(tx, &paged.rows)?;
        Ok(Page::show(&paging, paged, |row| show(tx, &parents, &row)))
    })
    .await
}

async fn create_cycle(
    db: Db<Admins>,
    body: Body<NewCycle>,
    _: Refuses<SlugIsTaken>,
) -> Answer<Created<Cycle>> {
    db.write((), body, |tx, (), new| {
        tx.require(Action::Manage, &Facts::default())?;
        match new.state {
            CycleState::Planning | CycleState::Active => {}
            CycleState::Closed => {
                return Err(Problem::field("/state", "closed", "a new cycle is planning or active"));
            }
        }
        let (workspace, now) = (tx.here()?, tx.now);
        let id = CycleId::generate(now.timestamp());
        let parent = named_parent(tx, new)?;
        judge_nesting(tx, id, new, parent.as_ref())?;
        let row = CycleRow {
            id,
            workspace_id: workspace,
            slug: free_slug(tx, workspace, new, None)?,
            name: new.name.as_str().to_owned(),
            name_folded: folded(new.name.as_str()),
            starts_on: new.starts_on,
            ends_on: new.ends_on,
            state: new.state,
            parent_id: parent.map(|parent| parent.id),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        diesel::insert_into(cycles::table).values(&row).execute(tx.db())?;
        let change = json!({
            "name": row.name, "slug": row.slug, "starts_on": row.starts_on, "ends_on": row.ends_on,
            "state": row.state, "parent_id": row.parent_id,
        });
        tx.tell(EventType::CycleCreated, row.subject(), change);
        let location = path(workspace, &format!("cycles/{}", row.id));
        Ok(Created::at(location, show_one(tx, &row)?, row.version))
    })
    .await
}

async fn show_cycle(db: Db<Reads>, id: At<CycleRow>) -> Answer<Json<Cycle>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| Ok(Json::versioned(show_one(tx, &row)?, row.version)))
        .await
}

async fn update_cycle(db: Db<Admins>, id: At<CycleRow>, body: PatchBody<NewCycle>) -> Answer<Json<Cycle>> {
    db.write(id.to(Action::Manage), body, |tx, row, patch| {
        let Some(fields) = patch.merged(&row.fields(), row.version)? else {
            return Ok(Json::versioned(show_one(tx, row)?, row.version));
        };
        let parent = named_parent(tx, &fields)?;
        judge_nesting(tx, row.id, &fields, parent.as_ref())?;
        let after = CycleRow {
            parent_id: parent.map(|parent| parent.id),
            slug: free_slug(tx, row.workspace_id, &fields, Some(row.id))?,
            name: fields.name.as_str().to_owned(),
            name_folded: folded(fields.name.as_str()),
            starts_on: fields.starts_on,
            ends_on: fields.ends_on,
            state: fields.state,
            ..CycleRow::clone(row)
        };
        if after == **row {
            return Ok(Json::versioned(show_one(tx, row)?, row.version));
        }
        let changes = changed(&row.fields(), &after.fields());
        let row = CycleRow { version: row.version + 1, updated_at: tx.now, ..after };
        diesel::update(
            cycles::table.filter(cycles::workspace_id.eq(row.workspace_id)).filter(cycles::id.eq(row.id)),
        )
        .set(&row)
        .execute(tx.db())?;
        tx.tell(EventType::CycleUpdated, row.subject(), changes);
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn delete_cycle(db: Db<Admins>, id: At<CycleRow>, _: Refuses<StillNamed>) -> Answer<NoContent> {
    db.write(id.to(Action::Manage), Nothing, |tx, row, ()| {
        let naming: i64 = objectives::table
            .filter(objectives::workspace_id.eq(row.workspace_id))
            .filter(objectives::cycle_id.eq(row.id))
            .count()
            .get_result(tx.db())?;
        if naming > 0 {
            return Err(Problem::new(
                Code::Conflict,
                format!("{naming} objectives belong to it, archived ones included: close it instead"),
            ));
        }
        if let Some(part) = parts_of(tx, row.id)?.first() {
            let detail = format!("the cycle {} is a part of it: take that out of it first", part.name);
            return Err(Problem::new(Code::Conflict, detail));
        }
        diesel::delete(
            cycles::table.filter(cycles::workspace_id.eq(row.workspace_id)).filter(cycles::id.eq(row.id)),
        )
        .execute(tx.db())?;
        tx.tell(EventType::CycleDeleted, row.subject(), json!({}));
        Ok(NoContent)
    })
    .await
}

enum SlugIsTaken {}
impl Refusals for SlugIsTaken {
    const CODES: &'static [Code] = &[Code::AlreadyExists];
}

enum StillNamed {}
impl Refusals for StillNamed {
    const CODES: &'static [Code] = &[Code::Conflict];
}

impl Rules for NewCycle {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.ends_on < self.starts_on {
            errors.add("/ends_on", "before_start", "the last day must not lie before the first");
        }
        if self.slug.as_ref().is_some_and(|slug| slug.as_str() == CURRENT) {
            errors.add("/slug", "reserved", "`current` stands for the cycle of today");
        }
    }
}

/// The slug that was asked for, or one made from the name; 409 where another cycle has it.
fn free_slug(tx: &mut Tx, workspace: WorkspaceId, new: &NewCycle, own: Option<CycleId>) -> Result<String> {
    let slug = match &new.slug {
        Some(slug) => slug.as_str().to_owned(),
        None => slug::of_name(new.name.as_str())
            .filter(|slug| slug != CURRENT)
            .unwrap_or_else(|| format!("cycle-{}", new.starts_on)),
    };
    let holder: Option<CycleId> = cycles::table
        .filter(cycles::workspace_id.eq(workspace))
        .filter(cycles::slug.eq(&slug))
        .select(cycles::id)
        .first(tx.db())
        .optional()?;
    match holder {
        Some(holder) if Some(holder) != own => {
            Err(Problem::new(Code::AlreadyExists, format!("there is a cycle with the slug {slug} already"))
                .with("/slug", "already_exists", "another cycle has it"))
        }
        Some(_) | None => Ok(slug),
    }
}

fn parents_of(tx: &mut Tx, rows: &[CycleRow]) -> Result<HashMap<CycleId, CycleRow>> {
    let ids: Vec<CycleId> = rows.iter().filter_map(|row| row.parent_id).collect();
    CycleRow::by_ids(tx, &ids)
}

fn show_one(tx: &mut Scoped, row: &CycleRow) -> Result<Cycle> {
    let parents = parents_of(tx, std::slice::from_ref(row))?;
    Ok(show(tx, &parents, row))
}

fn show(tx: &Scoped, parents: &HashMap<CycleId, CycleRow>, row: &CycleRow) -> Cycle {
    let manages = tx.may(Action::Manage, &Facts::default());
    let parent = row.parent_id.and_then(|id| parents.get(&id));
    Cycle {
        id: row.id,
        version: row.version,
        slug: row.slug.as_str().into(),
        name: row.name.as_str().into(),
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        state: row.state,
        parent_id: row.parent_id,
        parent: parent.map(CycleRow::shown_as_reference),
        created_at: row.created_at,
        updated_at: row.updated_at,
        can: CycleCan { edit: manages, delete: manages },
    }
}
