//! Reviews: meetings that looked at KPIs and objectives, who was there, and what was decided.
//!
//! A review and its decisions are written down in one request. Everybody in the workspace sees that it was held; what
//! is private to others is left out of it and counted. Nothing of it is deleted.

mod row;
mod show;

use std::collections::HashSet;

use diesel::prelude::*;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use row::{LookedAt, MOST, attendees_of, looked_at_by, set_attendees, set_looked_at};
pub use row::{ReviewRef, ReviewRow, look_at, name, references};
use show::{Review, ReviewPage, show, show_one};

use crate::access::hidden::Hidden;
use crate::access::{Action, At, Db, Reads, Resource, Scoped, Writes};
use crate::care::remedies::Standpoint;
use crate::http::body::Rules;
use crate::http::page::{Paged, Total};
use crate::http::{
    Answer, Body, Code, Created, Description, FieldErrors, Json, Listing, Page, Patch, PatchBody, Problem,
    Query, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::derive::{AsOf, View};
use crate::kpis::kpis::KpiInput;
use crate::kpis::row::KpiRow;
use crate::learning::decisions::{self, NewDecision, Occasion, named_kpi, or_note};
use crate::okrs::objectives::SharedObjective;
use crate::okrs::wire::{path, refused_in_query, together};
use crate::people::members::{self, MemberInput};
use crate::people::teams::{self, TeamInput};
use crate::store::connection::MultiBackend;
use crate::store::journal::EventType;
use crate::store::schema::{decisions as decision_table, review_kpis, reviews};
use crate::store::{Day, KpiId, MemberId, Moment, ObjectiveId, ReviewId};

/// The earliest day that is taken, as for targets.
const EARLIEST: Date = date(1900, 1, 1);

/// The paths of reviews.
pub fn routes() -> Routes {
    routes! { "reviews",
        "/v1/workspaces/{workspace}/reviews" {
            /// List reviews, the newest first.
            /// With `as_of` or `known_at` they are told as they stood then.
            GET list_reviews,
            /// Write down a review and what was decided in it.
            /// All of it or nothing. The KPIs of its decisions were looked at, named or not; their decisions are of the
            /// day on which the review was held.
            POST create_review,
        }
        "/v1/workspaces/{workspace}/reviews/{review}" {
            /// Show a review.
            /// What is private to others is left out and counted. With `as_of` or `known_at` it is told as it stood then.
            GET show_review,
            /// Change a review's notes, who was there, and what was looked at.
            /// The KPIs of its decisions stay, and so does what is private to others.
            PATCH update_review,
        }
    }
}

/// A review to write down.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "held_on": "2026-03-31", "team_id": "growth", "kpi_ids": ["churn-rate", "qualified-leads"],
    "attendee_ids": ["me"], "notes": "Leads recover, churn does not.",
    "decisions": [{"kpi_id": "churn-rate", "choice": "start", "summary": "Call the last ten who left.", "certainty": 4}],
}))]
pub struct NewReview {
    /// The day on which it was held, not in the future.
    #[schema(example = "2026-03-31")]
    pub held_on: Day,
    /// The team that held it: its id or slug; null for the whole organisation.
    #[serde(default)]
    pub team_id: Option<TeamInput>,
    /// The KPIs that were looked at: ids or keys; with the objectives at most 200.
    #[serde(default)]
    #[schema(max_items = 200, example = json!(["churn-rate"]))]
    pub kpi_ids: Vec<KpiInput>,
    /// The objectives that were looked at.
    #[serde(default)]
    #[schema(max_items = 200, example = json!([]))]
    pub objective_ids: Vec<ObjectiveId>,
    /// Who was there.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["me"]))]
    pub attendee_ids: Vec<MemberInput>,
    /// What was said, in Markdown.
    #[serde(default)]
    pub notes: Option<Description>,
    /// What was decided.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub decisions: Vec<NewDecision>,
}

impl Rules for NewReview {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.held_on.date() < EARLIEST {
            errors.add("/held_on", "out_of_bounds", format!("it must not be before {EARLIEST}"));
        }
        let named = self.kpi_ids.len() + self.objective_ids.len();
        if named == 0 && self.decisions.is_empty() {
            errors.add("/kpi_ids", "nothing_looked_at", "a review looks at KPIs or objectives");
        }
        judge_count(named, errors);
        for (index, decision) in self.decisions.iter().enumerate() {
            decision.judge_at(&format!("/decisions/{index}"), errors);
            if decision.review_id.is_some() {
                let pointer = format!("/decisions/{index}/review_id");
                errors.add(pointer, "unexpected", "it is this review");
            }
        }
    }
}

fn judge_count(named: usize, errors: &mut FieldErrors) {
    if named > MOST {
        let detail = format!("a review looks at no more than {MOST} KPIs and objectives");
        errors.add("/objective_ids", "too_many", detail);
    }
}

/// What can be changed of a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewFields {
    /// What was said, in Markdown.
    #[serde(default)]
    notes: Option<Description>,
    /// Who was there.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["me"]))]
    attendee_ids: Vec<MemberInput>,
    /// The KPIs that were looked at: ids or keys; with the objectives at most 200.
    #[serde(default)]
    #[schema(max_items = 200, example = json!(["churn-rate"]))]
    kpi_ids: Vec<KpiInput>,
    /// The objectives that were looked at.
    #[serde(default)]
    #[schema(max_items = 200, example = json!([]))]
    objective_ids: Vec<ObjectiveId>,
}

impl Rules for ReviewFields {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_count(self.kpi_ids.len() + self.objective_ids.len(), errors);
    }
}

/// Which reviews to list. A key that stands several times means "or".
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReviewFilter {
    /// Only those that looked at these KPIs, by id or key.
    #[serde(default)]
    kpi: Vec<String>,
    /// Only those of these teams and of those under them: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
    /// Only those held on this day or later.
    #[param(inline)]
    from: Option<Day>,
    /// Only those held on this day or before.
    #[param(inline)]
    to: Option<Day>,
    /// As they stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    known_at: Option<Moment>,
}

enum NotHeld {}
impl Refusals for NotHeld {
    const CODES: &'static [Code] =
        &[Code::Conflict, Code::KpiArchived, Code::KpiHasNoValue, Code::KpiHasNoTarget, Code::LimitReached];
}

enum NotChanged {}
impl Refusals for NotChanged {
    const CODES: &'static [Code] = &[Code::LimitReached];
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Place {
    on: Day,
    id: ReviewId,
}

async fn list_reviews(db: Db<Reads>, list: Listing<ReviewFilter>) -> Answer<Page<ReviewPage>> {
    db.read((), list, |tx, (), (filter, paging)| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let query = matching(tx, &filter, view.as_ref())?;
        let total = match paging.total {
            Total::Wanted => Some(query().count().get_result(tx.db())?),
            Total::NotWanted => None,
        };
        let mut page = query();
        if let Some(Place { on, id }) = paging.after()? {
            page = page.filter(reviews::held_on.lt(on).or(reviews::held_on.eq(on).and(reviews::id.lt(id))));
        }
        let page = page.order((reviews::held_on.desc(), reviews::id.desc())).limit(paging.rows());
        let rows: Vec<ReviewRow> = page.load(tx.db())?;
        let Paged { rows, next_cursor, total } =
            paging.page(rows, total, |row| Place { on: row.held_on, id: row.id });
        let rows = show(tx, rows, view.as_ref())?;
        Ok(Page::show(&paging, Paged { rows, next_cursor, total }, |review| review))
    })
    .await
}

type Rows = reviews::BoxedQuery<'static, MultiBackend>;

/// The reviews that are asked for, as a query that can be made more than once.
fn matching(
    tx: &mut Scoped,
    filter: &ReviewFilter,
    view: Option<&View>,
) -> Result<impl Fn() -> Rows + use<>> {
    let workspace = tx.here()?;
    let Standpoint { today, recorded_by } = Standpoint::of(tx, view)?;
    let mut kpis = Vec::new();
    for text in &filter.kpi {
        let found = KpiRow::seen(tx, text).map_err(|problem| refused_in_query(problem, "kpi"))?;
        kpis.push(found.ok_or_else(|| Problem::not_found_at("kpi"))?.id);
    }
    let teams = teams::filtered(tx, "team", &filter.team)?;
    let teams = teams::with_sub_teams(tx, teams)?;
    let (from, to) = (filter.from, filter.to);
    Ok(move || {
        let mut query = reviews::table
            .filter(reviews::workspace_id.eq(workspace))
            .filter(reviews::recorded_at.le(recorded_by))
            .filter(reviews::held_on.le(Day::from(today)))
            .into_boxed::<MultiBackend>();
        if !kpis.is_empty() {
            let looked = review_kpis::table
                .filter(review_kpis::workspace_id.eq(workspace))
                .filter(review_kpis::kpi_id.eq_any(kpis.clone()))
                .filter(review_kpis::recorded_at.le(recorded_by))
                .filter(
                    review_kpis::ended_at
                        .is_null()
                        .or(review_kpis::ended_at.assume_not_null().gt(recorded_by)),
                )
                .select(review_kpis::review_id);
            query = query.filter(reviews::id.eq_any(looked));
        }
        if !teams.is_empty() {
            query = query.filter(reviews::team_id.eq_any(teams.clone()));
        }
        if let Some(day) = from {
            query = query.filter(reviews::held_on.ge(day));
        }
        match to {
            Some(day) => query.filter(reviews::held_on.le(day)),
            None => query,
        }
    })
}

async fn create_review(
    db: Db<Writes>,
    body: Body<NewReview>,
    _: Refuses<NotHeld>,
) -> Answer<Created<Review>> {
    db.write((), body, |tx, (), new| {
        let row = create(tx, new)?;
        let location = path(row.workspace_id, &format!("reviews/{}", row.id));
        Ok(Created::at(location, show_one(tx, row, None)?, 1))
    })
    .await
}

async fn show_review(db: Db<Reads>, id: At<ReviewRow>, view: Query<AsOf>) -> Answer<Json<Review>> {
    db.read(id.to(Action::View), view, |tx, found, as_of| {
        let view = as_of.view(tx)?;
        let row = found.into_inner();
        let Standpoint { today, recorded_by } = Standpoint::of(tx, view.as_ref())?;
        if row.recorded_at > recorded_by || row.held_on.date() > today {
            return Err(Problem::not_found());
        }
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, view.as_ref())?, version))
    })
    .await
}

async fn update_review(
    db: Db<Writes>,
    id: At<ReviewRow>,
    patch: PatchBody<ReviewFields>,
    _: Refuses<NotChanged>,
) -> Answer<Json<Review>> {
    db.write(id.to(Action::Edit), patch, |tx, row, patch| {
        let row = update(tx, row, patch)?;
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row, None)?, version))
    })
    .await
}

/// Writes down a review with its decisions; all that is wrong is told at once.
fn create(tx: &mut Scoped, new: &NewReview) -> Result<ReviewRow> {
    let today = tx.today()?;
    let (mut refusals, mut errors) = (Vec::new(), FieldErrors::new());
    if new.held_on > today {
        errors.add("/held_on", "in_the_future", format!("today is {today} in this workspace"));
    }
    refusals.extend(errors.settle().err());
    let team = teams::resolve_optional(tx, "/team_id", new.team_id.as_ref());
    let team = or_note(team, &mut refusals)?.flatten();
    let mut looked = looked(tx, &new.kpi_ids, &new.objective_ids, &LookedAt::default(), &mut refusals)?;
    let attendees = attendees(tx, &new.attendee_ids, &[], &mut refusals)?;
    let said: Vec<(&NewDecision, String)> = new
        .decisions
        .iter()
        .zip(0..)
        .map(|(decision, index)| (decision, format!("/decisions/{index}")))
        .collect();
    let now = tx.now;
    let row = ReviewRow {
        id: ReviewId::generate(now.timestamp()),
        workspace_id: tx.here()?,
        held_on: new.held_on,
        team_id: team.map(|team| team.id),
        notes: new.notes.as_ref().map(|notes| notes.as_str().to_owned()),
        author_id: tx.member(),
        version: 1,
        recorded_at: now,
        recorded_by: tx.author().recorded_by(),
        updated_at: now,
    };
    tx.require(Action::Create, &row.facts())?;
    let occasion = Occasion { review: Some(row.id), on: new.held_on.min(today) };
    let named = or_note(decisions::find(tx, &said, occasion), &mut refusals)?.unwrap_or_default();
    if let Some(problem) = together(refusals) {
        return Err(problem);
    }
    for named in &named {
        tx.require(Action::Prescribe, &named.kpi.facts())?;
        if !looked.kpis.contains(&named.kpi.id) {
            looked.kpis.push(named.kpi.id);
        }
    }
    diesel::insert_into(reviews::table).values(&row).execute(tx.db())?;
    set_looked_at(tx, row.id, &looked)?;
    set_attendees(tx, &row, &attendees)?;
    let made = decisions::make(tx, &said, named, occasion)?;
    let change = json!({
        "held_on": row.held_on, "team_id": row.team_id, "attendee_ids": attendees,
        "kpis": looked.kpis.len(), "objectives": looked.objectives.len(), "decisions": made.len(),
    });
    tx.tell(EventType::ReviewCreated, row.subject(), change);
    Ok(row)
}

/// What a body says was looked at, each once. What stood there before may be hidden or gone since.
fn looked(
    tx: &mut Scoped,
    kpis: &[KpiInput],
    objectives: &[ObjectiveId],
    before: &LookedAt,
    refusals: &mut Vec<Problem>,
) -> Result<LookedAt> {
    let mut looked = LookedAt::default();
    for (index, input) in kpis.iter().enumerate() {
        let found = match before.kpis.iter().find(|id| id.to_string() == input.as_str()) {
            Some(known) => Some(*known),
            None => {
                let found = named_kpi(tx, input.as_str(), &format!("/kpi_ids/{index}"));
                or_note(found, refusals)?.map(|kpi| kpi.id)
            }
        };
        looked.kpis.extend(found.filter(|id| !looked.kpis.contains(id)));
    }
    for (index, id) in objectives.iter().enumerate() {
        if !before.objectives.contains(id) && SharedObjective::by_id(tx, *id)?.is_none() {
            refusals.push(Problem::not_found_at(format!("/objective_ids/{index}")));
        } else if !looked.objectives.contains(id) {
            looked.objectives.push(*id);
        }
    }
    Ok(looked)
}

/// Who was there, each once. Who stood there before may have left since.
fn attendees(
    tx: &mut Scoped,
    inputs: &[MemberInput],
    before: &[MemberId],
    refusals: &mut Vec<Problem>,
) -> Result<Vec<MemberId>> {
    let known: Vec<MemberInput> = before.iter().copied().map(MemberInput::from).collect();
    let mut found = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let id = match known.iter().zip(before).find(|(known, _)| *known == input) {
            Some((_, id)) => Some(*id),
            None => {
                let member = members::resolve(tx, &format!("/attendee_ids/{index}"), input);
                or_note(member, refusals)?.map(|member| member.id)
            }
        };
        found.extend(id.filter(|id| !found.contains(id)));
    }
    found.sort_unstable();
    Ok(found)
}

/// Changes a review; the row as it is where nothing changes.
fn update(tx: &mut Scoped, row: &ReviewRow, patch: &Patch<ReviewFields>) -> Result<ReviewRow> {
    let now = tx.now;
    let all = looked_at_by(tx, &[row.id], now)?.remove(&row.id).unwrap_or_default();
    let hidden = Hidden::from(tx)?;
    let hidden_kpis: HashSet<KpiId> = hidden.kpis().load(tx.db())?.into_iter().collect();
    let hidden_objectives: HashSet<ObjectiveId> = hidden.objectives().load(tx.db())?.into_iter().collect();
    let (private_kpis, kpis): (Vec<_>, Vec<_>) =
        all.kpis.into_iter().partition(|id| hidden_kpis.contains(id));
    let (private_objectives, objectives): (Vec<_>, Vec<_>) =
        all.objectives.into_iter().partition(|id| hidden_objectives.contains(id));
    let before = LookedAt { kpis, objectives };
    let there = attendees_of(tx, &[row.id])?.remove(&row.id).unwrap_or_default();
    let present = ReviewFields {
        notes: row.notes.as_deref().map(Description::from),
        attendee_ids: there.iter().copied().map(MemberInput::from).collect(),
        kpi_ids: before.kpis.iter().map(|id| KpiInput::from(id.to_string())).collect(),
        objective_ids: before.objectives.clone(),
    };
    let Some(fields) = patch.merged(&present, row.version)? else { return Ok(row.clone()) };
    let mut refusals = Vec::new();
    let mut looked = looked(tx, &fields.kpi_ids, &fields.objective_ids, &before, &mut refusals)?;
    let attendees = attendees(tx, &fields.attendee_ids, &there, &mut refusals)?;
    if let Some(problem) = together(refusals) {
        return Err(problem);
    }
    let decided: Vec<KpiId> = decision_table::table
        .filter(decision_table::workspace_id.eq(row.workspace_id))
        .filter(decision_table::review_id.eq(row.id))
        .select(decision_table::kpi_id)
        .load(tx.db())?;
    for id in private_kpis.into_iter().chain(decided) {
        if !looked.kpis.contains(&id) {
            looked.kpis.push(id);
        }
    }
    looked.objectives.extend(private_objectives);
    if looked == LookedAt::default() {
        return Err(Problem::field("/kpi_ids", "nothing_looked_at", "a review looks at KPIs or objectives"));
    }
    set_looked_at(tx, row.id, &looked)?;
    set_attendees(tx, row, &attendees)?;
    let row = ReviewRow {
        notes: fields.notes.map(String::from),
        version: row.version + 1,
        updated_at: now,
        ..row.clone()
    };
    row.save(tx)?;
    let change = json!({
        "attendee_ids": attendees, "kpis": looked.kpis.len(), "objectives": looked.objectives.len(),
        "notes": row.notes,
    });
    tx.tell(EventType::ReviewUpdated, row.subject(), change);
    Ok(row)
}
