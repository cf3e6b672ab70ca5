//! Check-ins: what a person said of a key result at a moment. They are never changed afterwards.
//!
//! The one with the latest `at` is the current one, whenever it was made; of several at one instant
//! the one made last, so that a check-in is corrected by another one at the same instant. Where a KPI
//! is the source of the values, a check-in carries confidence and note alone. What stands in the way
//! stays open over check-ins that say nothing of it, until one clears it or names something else.

mod batch;
mod record;
mod row;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::key_results::OwnedKeyResult;
use super::wire::path;
use crate::access::{Action, At, Db, Reads, Scoped, Writes};
use crate::http::body::Rules;
use crate::http::page::{Paged, Total, page_type};
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, Measure, Note, Nothing, Page, Problem, Refusals,
    Refuses, Result, Routes, routes,
};
use crate::kpis::points::when::WhenText;
use crate::maths::{Calendar, Confidence};
use crate::people::members::{self, MemberRef};
use crate::store::connection::MultiBackend;
use crate::store::schema::check_ins;
use crate::store::{CheckInId, Day, KeyResultId, MemberId, Moment};
use batch::create_check_ins;
use record::{Entry, record};
pub use row::CheckInRow;

/// The paths of check-ins.
pub fn routes() -> Routes {
    routes! { "key-results",
        "/v1/workspaces/{workspace}/key-results/{key_result}/check-ins" {
            /// List the check-ins of a key result.
            /// The latest `at` first.
            GET list_check_ins,
            /// Check in on a key result.
            /// Only while its objective is active. The check-in with the latest `at` is the current
            /// one; none is ever changed. To correct one, make another at the same instant: of several the
            /// one made last counts.
            POST create_check_in,
        }
        "/v1/workspaces/{workspace}/check-ins/batch" {
            /// Check in on many key results, all or nothing.
            /// Up to 100 at once; the answer holds the key results and their objectives as they now stand.
            POST create_check_ins,
        }
        "/v1/workspaces/{workspace}/check-ins/{check_in}" {
            /// Show a check-in.
            GET show_check_in,
        }
    }
}

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
    /// What stands in the way. It stays open until a later check-in clears it or names another.
    #[serde(default)]
    pub blocker: Option<Note>,
    /// Whether what stood in the way does so no more.
    #[serde(default)]
    #[schema(default = false)]
    pub clears_blocker: bool,
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
    /// What stands in the way; null where this one says nothing of it.
    blocker: Option<Note>,
    /// Whether it says that what stood in the way does so no more.
    clears_blocker: bool,
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
        let Paged { rows, next_cursor, total } = paged;
        let rows = show_all(tx, rows)?;
        Ok(Page::show(&paging, Paged { rows, next_cursor, total }, |check_in| check_in))
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
        let entry = Entry { on: found, new, pointer: String::new() };
        let row = record(tx, &[entry])?.pop().ok_or_else(Problem::not_found)?;
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

impl CheckInRow {
    fn show(self, author: Option<MemberRef>, calendar: &Calendar) -> CheckIn {
        CheckIn {
            id: self.id,
            key_result_id: self.key_result_id,
            value: self.value.map(Measure::from),
            confidence: self.confidence,
            note: self.note.map(Note::from),
            blocker: self.blocker.map(Note::from),
            clears_blocker: self.clears_blocker,
            author_id: self.author_id,
            author,
            at: self.at,
            on: calendar.day_of(self.at.timestamp()).into(),
            recorded_at: self.recorded_at,
        }
    }
}

fn show_one(tx: &mut Scoped, row: &CheckInRow) -> Result<CheckIn> {
    show_all(tx, vec![row.clone()])?.pop().ok_or_else(Problem::not_found)
}

/// Check-ins in their order, in few statements.
fn show_all(tx: &mut Scoped, rows: Vec<CheckInRow>) -> Result<Vec<CheckIn>> {
    let workspace = tx.here()?;
    let names = members::names(tx, workspace, rows.iter().filter_map(|row| row.author_id))?;
    let calendar = tx.workspace()?.calendar();
    let shown = rows.into_iter().map(|row| {
        let author = row.author_id.and_then(|id| names.get(&id).cloned());
        row.show(author, &calendar)
    });
    Ok(shown.collect())
}

impl NewCheckIn {
    /// Adds what is wrong with it where it stands in a body.
    fn judge_at(&self, pointer: &str, errors: &mut FieldErrors) {
        let Some(blocker) = &self.blocker else { return };
        if blocker.as_str().trim().is_empty() {
            errors.add(format!("{pointer}/blocker"), "blank", "say what stands in the way, or leave it out");
        }
        if self.clears_blocker {
            let detail = "it names what stands in the way, and a new blocker takes the place of the old one";
            errors.add(format!("{pointer}/clears_blocker"), "contradiction", detail);
        }
    }
}

impl Rules for NewCheckIn {
    fn judge(&self, errors: &mut FieldErrors) {
        self.judge_at("", errors);
    }
}
