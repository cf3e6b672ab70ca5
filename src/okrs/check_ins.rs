//! Check-ins: what a person said of a key result at a moment. They are never changed afterwards.
//!
//! The one with the latest `at` is the current one, whenever it was made. Where a KPI is the source
//! of the values, a check-in carries confidence and note alone.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::key_results::OwnedKeyResult;
use super::key_results::row::KeyResultSource;
use super::objectives::{ObjectiveRow, ObjectiveState};
use super::progress::{Dates, KeyResultValue, source_kpis};
use super::wire::path;
use crate::access::target::invalid_id;
use crate::access::{Action, At, Db, Facts, Reads, Resource, Scoped, Writes};
use crate::http::body::Rules;
use crate::http::page::{Total, page_type};
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, Measure, Note, Nothing, Page, Problem, Refusals,
    Refuses, Result, Routes, routes,
};
use crate::kpis::points::when::WhenText;
use crate::maths::{Calendar, Confidence, KeyResultKind};
use crate::people::members::{self, MemberRef};
use crate::store::connection::MultiBackend;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::check_ins;
use crate::store::{CheckInId, Day, KeyResultId, MemberId, Moment, Tx, WorkspaceId};

/// The paths of check-ins.
pub fn routes() -> Routes {
    routes! { "key-results",
        "/v1/workspaces/{workspace}/key-results/{key_result}/check-ins" {
            /// List the check-ins of a key result.
            /// The latest `at` first.
            GET list_check_ins,
            /// Check in on a key result.
            /// Only while its objective is active. The check-in with the latest `at` is the current
            /// one; none is ever changed.
            POST create_check_in,
        }
        "/v1/workspaces/{workspace}/check-ins/{check_in}" {
            /// Show a check-in.
            GET show_check_in,
        }
    }
}

/// How far ahead of this server's clock a caller's may be.
const CLOCKS_APART: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// A check-in to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckIn {
    /// The current value, in the key result's unit; the share done, 0 to 1, for a milestone. Left
    /// out where a KPI is the source.
    #[serde(default)]
    #[schema(example = 3.1)]
    pub value: Option<Measure>,
    /// Whether it will be reached, as people see it.
    pub confidence: Confidence,
    /// What happened, and why.
    #[serde(default)]
    pub note: Option<Note>,
    /// What stands in the way.
    #[serde(default)]
    pub blocker: Option<Note>,
    /// When: an instant, or a date, which stands for the start of that day. Now where nothing is
    /// said; not in the future, and not before the first day of the objective or its cycle.
    #[serde(default)]
    pub at: Option<WhenText>,
}

/// What a person said of a key result at a moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CheckIn {
    /// Its id.
    id: CheckInId,
    /// The key result.
    key_result_id: KeyResultId,
    /// The value, in the key result's unit; null where a KPI is the source.
    value: Option<Measure>,
    /// What was said.
    confidence: Confidence,
    /// What happened, and why.
    note: Option<Note>,
    /// What stands in the way.
    blocker: Option<Note>,
    /// Who said it; null for a service token.
    author_id: Option<MemberId>,
    /// The author, as a page shows it.
    author: Option<MemberRef>,
    /// The instant that it stands for.
    at: Moment,
    /// The day of that instant in the workspace's time zone.
    on: Day,
    /// When it was recorded.
    recorded_at: Moment,
}

page_type!(CheckInPage, CheckIn);

/// Which check-ins to list: all of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CheckInFilter {}

#[derive(Serialize, Deserialize)]
struct Place {
    at: Moment,
    id: CheckInId,
}

async fn list_check_ins(
    db: Db<Reads>,
    key_result: At<OwnedKeyResult>,
    listing: Listing<CheckInFilter>,
) -> Answer<Page<CheckInPage>> {
    db.read(key_result.to(Action::View), listing, |tx, found, (_, paging)| {
        let (workspace, key_result) = (tx.here()?, found.row.id);
        let all = || {
            check_ins::table
                .filter(check_ins::workspace_id.eq(workspace))
                .filter(check_ins::key_result_id.eq(key_result))
                .into_boxed::<MultiBackend>()
        };
        let total = match paging.total {
            Total::Wanted => Some(all().count().get_result(tx.db())?),
            Total::NotWanted => None,
        };
        let mut query = all();
        if let Some(after) = paging.after::<Place>()? {
            query = query.filter(
                check_ins::at.lt(after.at).or(check_ins::at.eq(after.at).and(check_ins::id.lt(after.id))),
            );
        }
        let rows: Vec<CheckInRow> =
            query.order((check_ins::at.desc(), check_ins::id.desc())).limit(paging.rows()).load(tx.db())?;
        let paged = paging.page(rows, total, |row| Place { at: row.at, id: row.id });
        let names = members::names(tx, workspace, paged.rows.iter().filter_map(|row| row.author_id))?;
        let calendar = tx.workspace()?.calendar();
        Ok(Page::show(&paging, paged, |row| {
            let author = row.author_id.and_then(|id| names.get(&id).cloned());
            row.show(author, &calendar)
        }))
    })
    .await
}

async fn create_check_in(
    db: Db<Writes>,
    key_result: At<OwnedKeyResult>,
    body: Body<NewCheckIn>,
    _: Refuses<NotTaken>,
) -> Answer<Created<CheckIn>> {
    db.write(key_result.to(Action::CheckIn), body, |tx, found, new| {
        let row = check_in(tx, found, new)?;
        let location = path(row.workspace_id, &format!("check-ins/{}", row.id));
        Ok(Created::at(location, show_one(tx, &row)?, 1))
    })
    .await
}

async fn show_check_in(db: Db<Reads>, id: At<CheckInRow>) -> Answer<Json<CheckIn>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| Ok(Json::versioned(show_one(tx, &row)?, 1))).await
}

enum NotTaken {}
impl Refusals for NotTaken {
    const CODES: &'static [Code] =
        &[Code::Conflict, Code::ObjectiveClosed, Code::CycleClosed, Code::ValueComesFromKpi];
}

/// A check-in as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = check_ins)]
pub struct CheckInRow {
    pub id: CheckInId,
    pub workspace_id: WorkspaceId,
    pub key_result_id: KeyResultId,
    pub value: Option<f64>,
    pub confidence: Confidence,
    pub note: Option<String>,
    pub blocker: Option<String>,
    pub author_id: Option<MemberId>,
    pub at: Moment,
    pub recorded_at: Moment,
}

impl CheckInRow {
    /// The value that was told, and the instant that it stands for.
    pub fn current(&self) -> Option<KeyResultValue> {
        Some(KeyResultValue { value: self.value?.into(), at: self.at })
    }

    fn show(self, author: Option<MemberRef>, calendar: &Calendar) -> CheckIn {
        CheckIn {
            id: self.id,
            key_result_id: self.key_result_id,
            value: self.value.map(Measure::from),
            confidence: self.confidence,
            note: self.note.map(Note::from),
            blocker: self.blocker.map(Note::from),
            author_id: self.author_id,
            author,
            at: self.at,
            on: calendar.day_of(self.at.timestamp()).into(),
            recorded_at: self.recorded_at,
        }
    }
}

impl Resource for CheckInRow {
    const PARAMETER: &'static str = "check_in";

    fn find(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: CheckInId = reference.parse().map_err(invalid_id)?;
        check_ins::table
            .filter(check_ins::workspace_id.eq(workspace))
            .filter(check_ins::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn version(&self) -> Option<i32> {
        None
    }
}

fn show_one(tx: &mut Scoped, row: &CheckInRow) -> Result<CheckIn> {
    let author = members::names(tx, row.workspace_id, row.author_id)?.into_values().next();
    let calendar = tx.workspace()?.calendar();
    Ok(row.clone().show(author, &calendar))
}

impl Rules for NewCheckIn {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// Checks in on a key result: judges the body by its kind and dates, then its state.
pub fn check_in(tx: &mut Scoped, found: &OwnedKeyResult, new: &NewCheckIn) -> Result<CheckInRow> {
    let OwnedKeyResult { row: key_result, objective } = found;
    let mut errors = FieldErrors::new();
    judge_value(key_result.source, key_result.kind, new.value, &mut errors);
    let at = judge_at(tx, objective, new.at.as_ref(), &mut errors)?;
    errors.settle()?;
    found.must_take_changes(tx)?;
    must_be_active(objective)?;
    if let (KeyResultSource::Kpi, Some(kpi), Some(_)) = (key_result.source, key_result.kpi_id, new.value) {
        let key =
            source_kpis(tx, [kpi])?.remove(&kpi).map_or_else(|| kpi.to_string(), |kpi| kpi.reference.key);
        let detail =
            format!("its value is that of the KPI {key}: post a point there, and check in without value");
        return Err(Problem::new(Code::ValueComesFromKpi, detail).with(
            "/value",
            "value_comes_from_kpi",
            format!("the KPI {key} gives it"),
        ));
    }
    let row = CheckInRow {
        id: CheckInId::generate(tx.now.timestamp()),
        workspace_id: key_result.workspace_id,
        key_result_id: key_result.id,
        value: new.value.map(Measure::value),
        confidence: new.confidence,
        note: new.note.clone().map(String::from),
        blocker: new.blocker.clone().map(String::from),
        author_id: tx.member(),
        at,
        recorded_at: tx.now,
    };
    diesel::insert_into(check_ins::table).values(&row).execute(tx.db())?;
    let change = json!({
        "key_result_id": key_result.id, "objective_id": objective.id, "value": row.value,
        "confidence": row.confidence, "note": row.note, "blocker": row.blocker, "at": row.at,
    });
    tx.tell(EventType::CheckInCreated, Subject::new("check_in", row.id, &key_result.title), change);
    Ok(row)
}

fn judge_value(
    source: KeyResultSource,
    kind: KeyResultKind,
    value: Option<Measure>,
    errors: &mut FieldErrors,
) {
    match (source, value) {
        (KeyResultSource::Kpi, _) => {}
        (KeyResultSource::Manual, None) => errors.add("/value", "required", "a check-in on it needs a value"),
        (KeyResultSource::Manual, Some(value)) => match kind {
            KeyResultKind::Milestone if !(0.0..=1.0).contains(&value.value()) => {
                errors.add("/value", "out_of_bounds", "a milestone takes the share that is done, 0 to 1");
            }
            KeyResultKind::Milestone
            | KeyResultKind::Increase
            | KeyResultKind::Decrease
            | KeyResultKind::AtLeast
            | KeyResultKind::AtMost
            | KeyResultKind::Between => {}
        },
    }
}

/// The instant that is meant; what is wrong with it is added.
fn judge_at(
    tx: &mut Tx,
    objective: &ObjectiveRow,
    text: Option<&WhenText>,
    errors: &mut FieldErrors,
) -> Result<Moment> {
    let (now, calendar) = (tx.now, tx.workspace()?.calendar());
    let at = match text.map(WhenText::read) {
        None => now,
        Some(Err(error)) => {
            errors.add("/at", "malformed", error.to_string());
            return Ok(now);
        }
        Some(Ok(when)) => match when.dates_a_point(&calendar, now) {
            Ok(at) => at,
            Err(misdated) => {
                errors.add("/at", misdated.code, misdated.detail);
                return Ok(now);
            }
        },
    };
    // A point may be dated on tomorrow, for those who are there already; nobody checks in from there.
    if at > now.plus(CLOCKS_APART) {
        errors.add("/at", "in_the_future", "a check-in says how things are, not how they will be");
    }
    let cycle = objective.cycle(tx)?;
    if let Some(starts_on) = Dates::of(objective, cycle.as_ref()).starts_on
        && calendar.day_of(at.timestamp()) < starts_on.date()
    {
        errors.add("/at", "before_start", format!("the objective begins on {starts_on}"));
    }
    Ok(at)
}

fn must_be_active(objective: &ObjectiveRow) -> Result<()> {
    match objective.state {
        ObjectiveState::Active => Ok(()),
        ObjectiveState::Draft => {
            Err(Problem::new(Code::Conflict, "the objective is a draft: activate it before checking in"))
        }
        ObjectiveState::Closed => Err(Problem::new(Code::ObjectiveClosed, "the objective is closed")),
    }
}
