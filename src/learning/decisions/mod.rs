//! Decisions: what people chose because of a KPI, how sure they were, what they expected, and whether it came true.
//!
//! A decision keeps the KPI's value, health, freshness, trend and target of its day, and none of that ever changes.
//! What people do about a KPI without naming a decision is recorded as one. Decisions are never deleted: a later one
//! takes them back.

mod decide;
mod fields;
mod list;
mod record;
mod row;
mod show;

use std::collections::HashSet;

pub use decide::{Occasion, find, make, named_kpi, or_note};
use fields::DecisionFields;
pub use fields::NewDecision;
use list::DecisionFilter;
pub use list::{due, of_kpis};
pub use record::follow;
pub use row::{DecisionRow, KpiDecision, name};
use row::{LedTo, led_to_by, link, unlink};
use serde_json::json;
pub use show::{Afterwards, Decision, judged, show, show_one};
use show::{DecisionPage, Seen};

use crate::access::{Action, At, Db, Reads, Resource, Scoped, Writes};
use crate::care::remedies::Standpoint;
use crate::http::text::AnyId;
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, Note, Page, Patch, PatchBody, Problem, Query,
    Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::derive::AsOf;
use crate::kpis::row::KpiRow;
use crate::learning::reviews::{self, ReviewRow};
use crate::okrs::wire::{path, refused_at, together};
use crate::store::ReviewId;
use crate::store::journal::EventType;
use decide::{judge_day, longest_wait, named_outcome};

/// The paths of decisions.
pub fn routes() -> Routes {
    routes! { "decisions",
        "/v1/workspaces/{workspace}/decisions" {
            /// List decisions, the newest first.
            /// Those because of KPIs that the caller sees. With `as_of` or `known_at` they are told as they stood then.
            GET list_decisions,
            /// Write down what was decided because of a KPI.
            /// The KPI's state of the day is kept with it. To `continue` while the KPI is unhealthy, with `revisit_on`,
            /// accepts it as it is until then: it stays in its group of triage, last.
            POST create_decision,
        }
        "/v1/workspaces/{workspace}/decisions/{decision}" {
            /// Show a decision, and whether what was expected came true.
            /// With `as_of` or `known_at` it is told as it stood then.
            GET show_decision,
            /// Change a decision's words, when it is looked at again, what it led to, or its review.
            /// What was chosen, expected and kept with it stays; a later decision can reverse it.
            PATCH update_decision,
        }
    }
}

enum NotDecided {}
impl Refusals for NotDecided {
    const CODES: &'static [Code] =
        &[Code::Conflict, Code::KpiArchived, Code::KpiHasNoValue, Code::KpiHasNoTarget, Code::LimitReached];
}

enum NotChanged {}
impl Refusals for NotChanged {
    const CODES: &'static [Code] = &[Code::LimitReached];
}

async fn list_decisions(db: Db<Reads>, list: Listing<DecisionFilter>) -> Answer<Page<DecisionPage>> {
    db.read((), list, |tx, (), (filter, paging)| list::page(tx, &filter, &paging)).await
}

async fn create_decision(
    db: Db<Writes>,
    body: Body<NewDecision>,
    _: Refuses<NotDecided>,
) -> Answer<Created<Decision>> {
    db.write((), body, |tx, (), new| {
        let review = named_review(tx, new.review_id)?;
        let occasion = match &review {
            Some(review) => Occasion { review: Some(review.id), on: review.held_on },
            None => Occasion { review: None, on: tx.today()? },
        };
        let said = [(new, String::new())];
        let named = find(tx, &said, occasion)?;
        for named in &named {
            tx.require(Action::Prescribe, &named.kpi.facts())?;
        }
        let row = make(tx, &said, named, occasion)?.pop().ok_or_else(Problem::not_found)?;
        if let Some(review) = review {
            reviews::look_at(tx, review.id, &[row.kpi_id])?;
        }
        let location = path(row.workspace_id, &format!("decisions/{}", row.id));
        Ok(Created::at(location, show_one(tx, row, None)?, 1))
    })
    .await
}

async fn show_decision(db: Db<Reads>, id: At<KpiDecision>, view: Query<AsOf>) -> Answer<Json<Decision>> {
    db.read(id.to(Action::View), view, |tx, found, as_of| {
        let view = as_of.view(tx)?;
        let row = found.into_inner().row;
        let Standpoint { today, recorded_by } = Standpoint::of(tx, view.as_ref())?;
        if row.recorded_at > recorded_by || row.decided_on.date() > today {
            return Err(Problem::not_found());
        }
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, view.as_ref())?, version))
    })
    .await
}

async fn update_decision(
    db: Db<Writes>,
    id: At<KpiDecision>,
    patch: PatchBody<DecisionFields>,
    _: Refuses<NotChanged>,
) -> Answer<Json<Decision>> {
    db.write(id.to(Action::Edit), patch, |tx, found, patch| {
        let row = update(tx, &found.row, &found.kpi, patch)?;
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, None)?, version))
    })
    .await
}

/// The review that a body names, which the caller may write in.
fn named_review(tx: &mut Scoped, id: Option<ReviewId>) -> Result<Option<ReviewRow>> {
    let Some(id) = id else { return Ok(None) };
    let found = tx.find::<ReviewRow>(&id.to_string());
    let review = found.map_err(|problem| refused_at(problem, "/review_id"))?;
    tx.require(Action::Edit, &review.facts())?;
    Ok(Some(review))
}

/// Changes what can be changed; the row as it is where nothing does.
fn update(
    tx: &mut Scoped,
    row: &DecisionRow,
    kpi: &KpiRow,
    patch: &Patch<DecisionFields>,
) -> Result<DecisionRow> {
    let now = tx.now;
    let all = led_to_by(tx, &[row.id], now)?.remove(&row.id).unwrap_or_default();
    let seen = Seen::of(tx, all.clone())?;
    let before: Vec<LedTo> = all.into_iter().filter(|one| seen.0.contains_key(one)).collect();
    let present = DecisionFields {
        summary: row.summary.as_deref().map(Note::from),
        revisit_on: row.revisit_on,
        led_to_ids: before.iter().map(|one| AnyId::from(one.to_string())).collect(),
        review_id: row.review_id,
    };
    let Some(fields) = patch.merged(&present, row.version)? else { return Ok(row.clone()) };
    let (mut refusals, mut errors, mut after) = (Vec::new(), FieldErrors::new(), Vec::new());
    for (index, id) in fields.led_to_ids.iter().enumerate() {
        let known = before.iter().find(|known| known.to_string() == id.as_str());
        match known {
            Some(known) => after.push(*known),
            None => {
                let pointer = format!("/led_to_ids/{index}");
                let found = named_outcome(tx, id.as_str(), Some(kpi.id), &pointer);
                after.extend(or_note(found, &mut refusals)?);
            }
        }
    }
    if let Some(day) = fields.revisit_on.filter(|_| fields.revisit_on != row.revisit_on) {
        let longest = longest_wait(row.choice, row.frozen_health);
        judge_day(day, row.decided_on, longest, "/revisit_on", &mut errors);
    }
    refusals.extend(errors.settle().err());
    if fields.review_id != row.review_id
        && let Some(review) = or_note(named_review(tx, fields.review_id), &mut refusals)?.flatten()
        && refusals.is_empty()
    {
        reviews::look_at(tx, review.id, &[kpi.id])?;
    }
    if let Some(problem) = together(refusals) {
        return Err(problem);
    }
    let (old, new): (HashSet<LedTo>, HashSet<LedTo>) =
        (before.iter().copied().collect(), after.iter().copied().collect());
    let more: Vec<LedTo> = after.iter().copied().filter(|one| !old.contains(one)).collect();
    let gone: Vec<LedTo> = before.iter().copied().filter(|one| !new.contains(one)).collect();
    link(tx, row.id, &more)?;
    unlink(tx, row.id, &gone)?;
    let row = DecisionRow {
        summary: fields.summary.map(String::from),
        revisit_on: fields.revisit_on,
        review_id: fields.review_id,
        version: row.version + 1,
        updated_at: now,
        ..row.clone()
    };
    row.save(tx)?;
    let change = json!({
        "kpi_id": row.kpi_id, "summary": row.summary, "revisit_on": row.revisit_on,
        "review_id": row.review_id, "led_to": after.len(),
    });
    tx.tell(EventType::DecisionUpdated, row.subject(&kpi.name), change);
    Ok(row)
}
