//! Drivers: KPIs that are believed to move another, after a lag and in one direction.
//!
//! Links form no loops. Whether the numbers still say what is believed is derived on every look: the outcome a lag
//! later against the driver. A link that was ended stays known.

mod row;
mod tree;
mod wire;

use std::collections::HashMap;

use diesel::prelude::*;
pub use row::{DriverRow, Of, standing_at};
use row::{LinkedDriver, made_by};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
pub use wire::{Driver, ProxyDrift};
use wire::{DriverPage, show, show_one};

use crate::access::hidden::Hidden;
use crate::access::{Action, At, Db, Granted, Reads, Resource, Scoped, Writes};
use crate::http::body::Rules;
use crate::http::page::Paged;
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, NoContent, Note, Nothing, Page, Paging,
    PatchBody, Problem, Query, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::derive::{AsOf, View, recorded_by, shown};
use crate::kpis::kpis::KpiInput;
use crate::kpis::kpis::formula::named;
use crate::kpis::row::{Indicator, KpiRow};
use crate::maths::Health;
use crate::maths::drift::Effect;
use crate::maths::links::Links;
use crate::store::journal::EventType;
use crate::store::schema::drivers;
use crate::store::{DriverId, KpiChange, KpiId, StoreError, Tx};

/// How many drivers a KPI has at the most.
const MOST_DRIVERS: usize = 20;
/// How many KPIs one drives at the most.
const MOST_OUTCOMES: usize = 50;

/// The paths of drivers.
pub fn routes() -> Routes {
    let mut routes = routes! { "drivers",
        "/v1/workspaces/{workspace}/kpis/{kpi}/drivers" {
            /// List the KPIs that are believed to move a KPI, in the order of their linking.
            /// Ended links too. With `as_of` or `known_at` they are told as they stood then.
            GET list_drivers,
            /// Link a KPI that is believed to move this one.
            /// The links form no loops.
            POST create_driver,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/outcomes" {
            /// List the KPIs that a KPI is believed to move, in the order of their linking.
            /// Ended links too. With `as_of` or `known_at` they are told as they stood then.
            GET list_outcomes,
        }
        "/v1/workspaces/{workspace}/drivers/{driver}" {
            /// Show a driver, and whether the numbers still say so.
            /// With `as_of` or `known_at` it is told as it stood then; lag and effect are as they are now.
            GET show_driver,
            /// Change the lag, the effect or the note of a driver.
            PATCH update_driver,
            /// End a driver.
            /// The link stays known. A second time changes nothing.
            DELETE end_driver,
        }
    };
    routes.0.extend(tree::routes().0);
    routes
}

/// A driver to be linked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"driver_id": "qualified-leads", "lag_periods": 1, "note": "Half of them order within a month."}))]
pub struct NewDriver {
    /// The KPI that is believed to move this one: its id or key.
    #[schema(value_type = KpiInput, example = "qualified-leads")]
    #[serde(rename = "driver_id")]
    pub driver: String,
    /// After how many periods of the outcome it shows; at once by default.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 24, default = 0)]
    pub lag_periods: i32,
    /// In which direction; `same` by default.
    #[serde(default = "same")]
    #[schema(default = "same")]
    pub effect: Effect,
    /// Why that is believed.
    #[serde(default)]
    pub note: Option<Note>,
}

/// What can be changed of a driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DriverFields {
    /// After how many periods of the outcome it shows.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 24, default = 0)]
    lag_periods: i32,
    /// In which direction.
    #[serde(default = "same")]
    #[schema(default = "same")]
    effect: Effect,
    /// Why that is believed.
    #[serde(default)]
    note: Option<Note>,
}

const fn same() -> Effect {
    Effect::Same
}

impl Rules for NewDriver {
    fn judge(&self, _: &mut FieldErrors) {}
}

impl Rules for DriverFields {
    fn judge(&self, _: &mut FieldErrors) {}
}

enum NotLinked {}
impl Refusals for NotLinked {
    const CODES: &'static [Code] =
        &[Code::AlreadyExists, Code::KpiArchived, Code::DriverLoop, Code::LimitReached];
}

enum NotChanged {}
impl Refusals for NotChanged {
    const CODES: &'static [Code] = &[Code::Conflict];
}

async fn list_drivers(db: Db<Reads>, kpi: At<KpiRow>, list: Listing<AsOf>) -> Answer<Page<DriverPage>> {
    db.read(kpi.to(Action::View), list, |tx, kpi, (as_of, paging)| {
        page(tx, Of::Outcomes(&[kpi.id]), &paging, as_of)
    })
    .await
}

async fn list_outcomes(db: Db<Reads>, kpi: At<KpiRow>, list: Listing<AsOf>) -> Answer<Page<DriverPage>> {
    db.read(kpi.to(Action::View), list, |tx, kpi, (as_of, paging)| {
        page(tx, Of::Drivers(&[kpi.id]), &paging, as_of)
    })
    .await
}

/// What is believed to move some KPIs and that the caller may see, as far as it stood, in the order of its linking.
pub fn drivers_of(tx: &mut Scoped, kpis: &[KpiId], view: Option<&View>) -> Result<Vec<Driver>> {
    let seen_from = recorded_by(tx, view)?;
    let mut rows = standing_at(tx, Of::Outcomes(kpis), seen_from)?;
    let hidden: Vec<DriverId> = Hidden::from(tx)?.drivers().load(tx.db())?;
    rows.retain(|row| !hidden.contains(&row.id));
    show(tx, rows, view)
}

/// A page of links in order; only what is on it is derived.
fn page(tx: &mut Scoped, of: Of, paging: &Paging, as_of: AsOf) -> Result<Page<DriverPage>> {
    let view = as_of.view(tx)?;
    let seen_from = recorded_by(tx, view.as_ref())?;
    let mut rows = made_by(tx, of, seen_from)?;
    let hidden: Vec<DriverId> = Hidden::from(tx)?.drivers().load(tx.db())?;
    rows.retain(|row| !hidden.contains(&row.id));
    let Paged { rows, next_cursor, total } = paging.page_of_all(rows, |row| (row.recorded_at, row.id))?;
    let paged = Paged { rows: show(tx, rows, view.as_ref())?, next_cursor, total };
    Ok(Page::show(paging, paged, |driver| driver))
}

async fn create_driver(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    body: Body<NewDriver>,
    _: Refuses<NotLinked>,
) -> Answer<Created<Driver>> {
    db.write(kpi.to(Action::Edit), body, |tx, kpi, new| {
        let row = create(tx, kpi, new)?;
        let location = format!("/v1/workspaces/{}/drivers/{}", row.workspace_id, row.id);
        let version = row.version;
        Ok(Created::at(location, show_one(tx, row, None)?, version))
    })
    .await
}

async fn show_driver(db: Db<Reads>, id: At<LinkedDriver>, view: Query<AsOf>) -> Answer<Json<Driver>> {
    db.read(id.to(Action::View), view, |tx, found, as_of| {
        let view = as_of.view(tx)?;
        let row = found.into_inner().row;
        if row.recorded_at > recorded_by(tx, view.as_ref())? {
            return Err(Problem::not_found());
        }
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, view.as_ref())?, version))
    })
    .await
}

async fn update_driver(
    db: Db<Writes>,
    id: At<LinkedDriver>,
    patch: PatchBody<DriverFields>,
    _: Refuses<NotChanged>,
) -> Answer<Json<Driver>> {
    db.write(id.to(Action::Edit), patch, |tx, found, patch| {
        let LinkedDriver { row, driver, outcome } = &**found;
        let present = DriverFields {
            lag_periods: row.lag_periods,
            effect: row.effect,
            note: row.note.as_deref().map(Note::from),
        };
        let Some(fields) = patch.merged(&present, row.version)? else {
            return Ok(Json::versioned(show_one(tx, row.clone(), None)?, row.version));
        };
        if row.ended_at.is_some() {
            return Err(Problem::new(Code::Conflict, "the link was ended: it takes no changes"));
        }
        let row = DriverRow {
            lag_periods: fields.lag_periods,
            effect: fields.effect,
            note: fields.note.map(String::from),
            version: row.version + 1,
            updated_at: tx.now,
            ..row.clone()
        };
        row.save(tx)?;
        let change = json!({ "lag_periods": row.lag_periods, "effect": row.effect, "note": row.note });
        tx.tell(EventType::DriverUpdated, row.subject(driver, outcome), change);
        follow(tx, outcome.id)?;
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, None)?, version))
    })
    .await
}

async fn end_driver(db: Db<Writes>, id: At<LinkedDriver>) -> Answer<NoContent> {
    db.write(id.to(Action::Edit), Nothing, |tx, found, ()| {
        let LinkedDriver { row, driver, outcome } = &**found;
        if row.ended_at.is_some() {
            return Ok(NoContent);
        }
        let now = tx.now;
        let row = DriverRow {
            version: row.version + 1,
            updated_at: now,
            ended_at: Some(now),
            ended_by: Some(tx.author().recorded_by()),
            ..row.clone()
        };
        row.save(tx)?;
        let change = json!({ "ended_at": now, "driver_id": row.driver_id, "outcome_id": row.outcome_id });
        tx.tell(EventType::DriverEnded, row.subject(driver, outcome), change);
        follow(tx, outcome.id)?;
        Ok(NoContent)
    })
    .await
}

/// Links a KPI that is believed to move another.
fn create(tx: &mut Scoped, outcome: &Granted<KpiRow>, new: &NewDriver) -> Result<DriverRow> {
    const DRIVER: &str = "/driver_id";
    let found = KpiRow::seen(tx, &new.driver).map_err(|problem| match problem.code {
        Code::InvalidId => Problem::field(DRIVER, "invalid_id", problem.detail),
        _ => problem,
    })?;
    let driver = found.ok_or_else(|| Problem::not_found_at(DRIVER))?;
    if let Some(archived) = [&driver, outcome].into_iter().find(|kpi| kpi.archived_at.is_some()) {
        let detail = format!("`{}` is archived: restore it first", archived.key);
        return Err(Problem::new(Code::KpiArchived, detail));
    }
    let now = tx.now;
    let standing = standing_at(tx, Of::Workspace, now)?;
    let links = Links::new(standing.iter().map(|row| (row.driver_id, row.outcome_id)));
    if let Some(way) = links.way(outcome.id, driver.id) {
        let line: Vec<KpiId> = std::iter::once(driver.id).chain(way).collect();
        let detail = format!("the drivers would form a loop: {}", named(tx, &line, " drives ")?);
        let refusal = Problem::new(Code::DriverLoop, detail);
        return Err(refusal.with(DRIVER, "driver_loop", "it is driven by this very KPI"));
    }
    let of_outcome = standing.iter().filter(|row| row.outcome_id == outcome.id);
    if of_outcome.clone().any(|row| row.driver_id == driver.id) {
        return Err(Problem::new(Code::AlreadyExists, "this KPI drives that one already").with(
            DRIVER,
            "already_exists",
            "it is linked already",
        ));
    }
    if of_outcome.count() >= MOST_DRIVERS {
        let detail = format!("a KPI has at most {MOST_DRIVERS} drivers");
        return Err(Problem::new(Code::LimitReached, detail));
    }
    if standing.iter().filter(|row| row.driver_id == driver.id).count() >= MOST_OUTCOMES {
        let detail = format!("a KPI drives at most {MOST_OUTCOMES} others");
        return Err(Problem::new(Code::LimitReached, detail));
    }
    let row = DriverRow {
        id: DriverId::generate(now.timestamp()),
        workspace_id: outcome.workspace_id,
        driver_id: driver.id,
        outcome_id: outcome.id,
        lag_periods: new.lag_periods,
        effect: new.effect,
        note: new.note.clone().map(String::from),
        version: 1,
        recorded_at: now,
        recorded_by: tx.author().recorded_by(),
        updated_at: now,
        ended_at: None,
        ended_by: None,
    };
    diesel::insert_into(drivers::table).values(&row).execute(tx.db())?;
    let change = json!({
        "driver_id": row.driver_id, "outcome_id": row.outcome_id, "lag_periods": row.lag_periods,
        "effect": row.effect, "note": row.note,
    });
    tx.tell(EventType::DriverCreated, row.subject(&driver, outcome), change);
    follow(tx, outcome.id)?;
    Ok(row)
}

/// Lets what hangs on the outcome follow: how long an effect may take is another than before.
fn follow(tx: &mut Tx, outcome: KpiId) -> Result<(), StoreError> {
    let now = tx.now;
    let health =
        shown(tx, &[outcome])?.get(&outcome).map_or(Health::Unknown, |stage| stage.verdict(now).health);
    tx.kpi_changed(KpiChange { kpi: outcome, before: health, after: health });
    Ok(())
}

/// How a KPI hangs together with others, as far as all who see it see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linked {
    /// Whether it is believed to move some other.
    pub drives_an_outcome: bool,
    /// The leading KPIs that are believed to move it.
    pub leading: Vec<KpiId>,
}

/// How some KPIs hang together with others, in few statements.
pub fn linked(tx: &mut Scoped, kpis: &[&KpiRow], view: Option<&View>) -> Result<HashMap<KpiId, Linked>> {
    let instant = recorded_by(tx, view)?;
    let ids: Vec<KpiId> = kpis.iter().map(|row| row.id).collect();
    let leads = standing_at(tx, Of::Drivers(&ids), instant)?;
    let follows = standing_at(tx, Of::Outcomes(&ids), instant)?;
    let ends = leads.iter().map(|row| row.outcome_id).chain(follows.iter().map(|row| row.driver_id));
    let others = KpiRow::by_ids(tx, &ends.collect::<Vec<_>>())?;
    let found = kpis.iter().map(|row| {
        let viewers = row.facts().viewers;
        let counts = |id: &KpiId| {
            others
                .get(id)
                .filter(|other| other.archived_at.is_none() && viewers.all_see(&other.facts().viewers))
        };
        let own = |link: &&DriverRow| link.driver_id == row.id;
        let leading = follows
            .iter()
            .filter(|link| link.outcome_id == row.id)
            .filter_map(|link| counts(&link.driver_id))
            .filter(|driver| driver.indicator == Some(Indicator::Leading));
        let linked = Linked {
            drives_an_outcome: leads.iter().filter(own).any(|link| counts(&link.outcome_id).is_some()),
            leading: leading.map(|driver| driver.id).collect(),
        };
        (row.id, linked)
    });
    Ok(found.collect())
}
