//! Guardrails: KPIs that an objective must not harm on its way.
//!
//! Linking one freezes the KPI's state of the moment as the baseline. Whether the guardrail holds is always derived
//! from the periods since: it breaks, and it can heal. A link that was ended stays known.

mod follow;
mod row;
mod state;
mod wire;

use diesel::prelude::*;
pub use follow::{follow, follow_objective};
pub use row::{Of, standing_at};
use serde::{Deserialize, Serialize};
use serde_json::json;
pub use state::{Ground, of_objectives};
use utoipa::ToSchema;
use wire::{Guardrail, GuardrailPage, show, show_one};

use crate::access::hidden::Hidden;
use crate::access::{Action, At, Db, Reads, Scoped, Writes};
use crate::care::remedies::Standpoint;
use crate::http::body::Rules;
use crate::http::page::Paged;
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, NoContent, Note, Nothing, Page, Paging,
    PatchBody, Problem, Query, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::derive::{self, AsOf, View};
use crate::kpis::kpis::KpiInput;
use crate::kpis::row::KpiRow;
use crate::maths::Target;
use crate::okrs::objectives::SharedObjective;
use crate::okrs::wire::{path, refused_at};
use crate::store::GuardrailId;
use crate::store::journal::EventType;
use crate::store::schema::guardrails;
use row::{GuardrailRow, LinkedGuardrail, made_by};

/// How many guardrails stand on an objective at the most.
const MOST: usize = 20;

/// The paths of guardrails.
pub fn routes() -> Routes {
    routes! { "guardrails",
        "/v1/workspaces/{workspace}/objectives/{objective}/guardrails" {
            /// List the KPIs that an objective must not harm, in the order of their linking.
            /// Ended links too. With `as_of` or `known_at` they are told as they stood then.
            GET list_objective_guardrails,
            /// Link a KPI that an objective must not harm.
            /// Healthy or not; its state of the moment is kept as the baseline.
            POST create_guardrail,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/guardrails" {
            /// List the objectives that must not harm a KPI, in the order of their linking.
            /// Ended links too. With `as_of` or `known_at` they are told as they stood then.
            GET list_kpi_guardrails,
        }
        "/v1/workspaces/{workspace}/guardrails/{guardrail}" {
            /// Show a guardrail, and whether it holds.
            /// With `as_of` or `known_at` it is told as it stood then.
            GET show_guardrail,
            /// Change the note of a guardrail.
            /// All else follows from the KPI and the objective.
            PATCH update_guardrail,
            /// End a guardrail.
            /// The link stays known. A second time changes nothing.
            DELETE end_guardrail,
        }
    }
}

/// A guardrail to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kpi_id": "refund-rate", "note": "Do not buy growth with refunds."}))]
pub struct NewGuardrail {
    /// The KPI that the objective must not harm: its id or key.
    #[schema(value_type = KpiInput, example = "refund-rate")]
    #[serde(rename = "kpi_id")]
    pub kpi: String,
    /// Why it must not be harmed.
    #[serde(default)]
    pub note: Option<Note>,
}

impl Rules for NewGuardrail {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What can be changed of a guardrail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardrailFields {
    /// Why the KPI must not be harmed.
    #[serde(default)]
    note: Option<Note>,
}

impl Rules for GuardrailFields {
    fn judge(&self, _: &mut FieldErrors) {}
}

enum NotLinked {}
impl Refusals for NotLinked {
    const CODES: &'static [Code] = &[
        Code::AlreadyExists,
        Code::KpiArchived,
        Code::ObjectiveClosed,
        Code::CycleClosed,
        Code::LimitReached,
    ];
}

enum NotChanged {}
impl Refusals for NotChanged {
    const CODES: &'static [Code] = &[Code::Conflict, Code::ObjectiveClosed, Code::CycleClosed];
}

async fn list_objective_guardrails(
    db: Db<Reads>,
    objective: At<SharedObjective>,
    list: Listing<AsOf>,
) -> Answer<Page<GuardrailPage>> {
    db.read(objective.to(Action::View), list, |tx, objective, (as_of, paging)| {
        page(tx, Of::Objectives(&[objective.id]), &paging, as_of)
    })
    .await
}

async fn list_kpi_guardrails(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    list: Listing<AsOf>,
) -> Answer<Page<GuardrailPage>> {
    db.read(kpi.to(Action::View), list, |tx, kpi, (as_of, paging)| {
        page(tx, Of::Kpis(&[kpi.id]), &paging, as_of)
    })
    .await
}

/// A page of guardrails in order; only what is on it is derived.
fn page(tx: &mut Scoped, of: Of, paging: &Paging, as_of: AsOf) -> Result<Page<GuardrailPage>> {
    let view = as_of.view(tx)?;
    let recorded_by = Standpoint::of(tx, view.as_ref())?.recorded_by;
    let mut rows = made_by(tx, of, recorded_by)?;
    let hidden: Vec<GuardrailId> = Hidden::from(tx)?.guardrails().load(tx.db())?;
    rows.retain(|row| !hidden.contains(&row.id));
    let Paged { rows, next_cursor, total } = paging.page_of_all(rows, |row| (row.recorded_at, row.id))?;
    let paged = Paged { rows: show(tx, rows, view.as_ref())?, next_cursor, total };
    Ok(Page::show(paging, paged, |guardrail| guardrail))
}

async fn create_guardrail(
    db: Db<Writes>,
    objective: At<SharedObjective>,
    body: Body<NewGuardrail>,
    _: Refuses<NotLinked>,
) -> Answer<Created<Guardrail>> {
    db.write(objective.to(Action::Edit), body, |tx, objective, new| {
        let row = create(tx, objective, new)?;
        let location = path(row.workspace_id, &format!("guardrails/{}", row.id));
        let version = row.version;
        Ok(Created::at(location, show_one(tx, row, None)?, version))
    })
    .await
}

async fn show_guardrail(
    db: Db<Reads>,
    id: At<LinkedGuardrail>,
    view: Query<AsOf>,
) -> Answer<Json<Guardrail>> {
    db.read(id.to(Action::View), view, |tx, found, as_of| {
        let view = as_of.view(tx)?;
        let row = found.into_inner().row;
        if row.recorded_at > Standpoint::of(tx, view.as_ref())?.recorded_by {
            return Err(Problem::not_found());
        }
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, view.as_ref())?, version))
    })
    .await
}

async fn update_guardrail(
    db: Db<Writes>,
    id: At<LinkedGuardrail>,
    patch: PatchBody<GuardrailFields>,
    _: Refuses<NotChanged>,
) -> Answer<Json<Guardrail>> {
    db.write(id.to(Action::Edit), patch, |tx, found, patch| {
        let LinkedGuardrail { row, objective, kpi } = &**found;
        let present = GuardrailFields { note: row.note.as_deref().map(Note::from) };
        let Some(fields) = patch.merged(&present, row.version)? else {
            return Ok(Json::versioned(show_one(tx, row.clone(), None)?, row.version));
        };
        if row.ended_at.is_some() {
            return Err(Problem::new(Code::Conflict, "the guardrail was ended: it takes no changes"));
        }
        objective.must_take_changes(tx)?;
        let row = GuardrailRow {
            note: fields.note.map(String::from),
            version: row.version + 1,
            updated_at: tx.now,
            ..row.clone()
        };
        row.save(tx)?;
        let change = json!({ "note": row.note });
        tx.tell(EventType::GuardrailUpdated, row.subject(&objective.title, &kpi.name), change);
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, None)?, version))
    })
    .await
}

async fn end_guardrail(db: Db<Writes>, id: At<LinkedGuardrail>, _: Refuses<NotChanged>) -> Answer<NoContent> {
    db.write(id.to(Action::Edit), Nothing, |tx, found, ()| {
        let LinkedGuardrail { row, objective, kpi } = &**found;
        if row.ended_at.is_some() {
            return Ok(NoContent);
        }
        objective.must_take_changes(tx)?;
        let now = tx.now;
        let row = GuardrailRow {
            version: row.version + 1,
            updated_at: now,
            ended_at: Some(now),
            ended_by: Some(tx.author().recorded_by()),
            ..row.clone()
        };
        row.save(tx)?;
        let change = json!({ "ended_at": now, "objective_id": row.objective_id, "kpi_id": row.kpi_id });
        tx.tell(EventType::GuardrailEnded, row.subject(&objective.title, &kpi.name), change);
        Ok(NoContent)
    })
    .await
}

/// Links a KPI to an objective, with the KPI's state of the moment as the baseline.
fn create(tx: &mut Scoped, objective: &SharedObjective, new: &NewGuardrail) -> Result<GuardrailRow> {
    const KPI: &str = "/kpi_id";
    let found = KpiRow::seen(tx, &new.kpi).map_err(|problem| refused_at(problem, KPI))?;
    let kpi = found.ok_or_else(|| Problem::not_found_at(KPI))?;
    objective.must_take_changes(tx)?;
    if kpi.archived_at.is_some() {
        return Err(Problem::new(Code::KpiArchived, "an archived KPI cannot be guarded: restore it first")
            .with(KPI, "kpi_archived", "it is archived"));
    }
    let now = tx.now;
    let standing = standing_at(tx, Of::Objectives(&[objective.id]), now)?;
    if standing.iter().any(|row| row.kpi_id == kpi.id) {
        return Err(Problem::new(Code::AlreadyExists, "this objective guards this KPI already").with(
            KPI,
            "already_exists",
            "it is linked already",
        ));
    }
    if standing.len() >= MOST {
        return Err(Problem::new(Code::LimitReached, format!("an objective has at most {MOST} guardrails")));
    }
    let state = derive::history(tx, &kpi, &View::default())?.state;
    let Target { band, tolerance } = state.target.unwrap_or_default();
    let row = GuardrailRow {
        id: GuardrailId::generate(now.timestamp()),
        workspace_id: objective.workspace_id,
        objective_id: objective.id,
        kpi_id: kpi.id,
        note: new.note.clone().map(String::from),
        baseline_value: state.current.and_then(|current| current.value),
        baseline_health: state.health,
        baseline_starts_at: state.current.map(|current| current.period.starts_at.into()),
        baseline_min: band.min,
        baseline_max: band.max,
        baseline_tolerance_min: tolerance.min,
        baseline_tolerance_max: tolerance.max,
        shown_breached: false,
        version: 1,
        recorded_at: now,
        recorded_by: tx.author().recorded_by(),
        updated_at: now,
        ended_at: None,
        ended_by: None,
    };
    diesel::insert_into(guardrails::table).values(&row).execute(tx.db())?;
    let change = json!({
        "objective_id": row.objective_id, "kpi_id": row.kpi_id, "note": row.note,
        "baseline": { "value": row.baseline_value, "health": row.baseline_health },
    });
    tx.tell(EventType::GuardrailCreated, row.subject(&objective.title, &kpi.name), change);
    Ok(row)
}
