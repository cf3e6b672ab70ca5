//! Points: one measurement each, put, corrected and deleted one at a time.
//!
//! A point has a KPI, an instant and a feed, and no second one has the same three: writing it again
//! replaces the value and keeps the old one as a revision. What hangs on it is derived at once.

mod batch;
mod formats;
mod names;
mod read;
pub mod record;
mod show;
pub mod when;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use formats::{exact, neutralised};

use crate::access::{Action, At, Db, Desk, Granted, Plan, Posts, Reads, Scoped, Segment, Target};
use crate::http::answer::{Answer, Created, Json, NoContent, Put};
use crate::http::body::{Body, Input, Mode, Rules};
use crate::http::query::Rehearsable;
use crate::http::text::PeriodName;
use crate::http::{
    Code, Describe, Draft, FieldErrors, Measure, Note, Problem, Query, Result, Routes, routes,
};
use crate::kpis::derive::{PeriodRow, PointRow, Quality};
use crate::kpis::kpis::formula::refuse_computed;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::word::words;
use crate::maths::{Aggregation, Health};
use crate::state::State;
use crate::store::journal::Subject;
use crate::store::schema::points;
use crate::store::{Day, Moment};
use batch::record_points;
use read::{export_points, list_kpi_points};
use record::{Content, Entry, HealthOf, Outcome, Posting, Recorded};
use show::{Point, Shown};
use when::{Misdated, When, WhenText};

/// The paths of points.
pub fn routes() -> Routes {
    routes! { "points",
        "/v1/workspaces/{workspace}/kpis/{kpi}/points" {
            /// List the points of a KPI.
            /// In order of `at` and feed.
            GET list_kpi_points,
            /// Post a point.
            /// Without `at` it stands for now; a KPI whose points are added up then wants an `Idempotency-Key`, because a retry would
            /// count twice. A point with the same `at` and feed is replaced.
            POST record_point
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/points/{at}" {
            /// Show a point.
            GET show_point,
            /// Put a point.
            /// The call may be repeated: where nothing differs the result is `unchanged`. What is replaced is kept as a revision.
            PUT put_point,
            /// Delete a point.
            /// What it said is kept as a revision.
            DELETE delete_point
        }
        "/v1/workspaces/{workspace}/points" {
            /// Read points back.
            /// In order of KPI, `at` and feed; as NDJSON and as CSV in the form in which they are posted.
            GET export_points,
            /// Post many points.
            /// Up to 10,000 in one call, for any KPIs, as a JSON array, NDJSON or CSV. Items are judged one by one, and what is right is
            /// stored unless `atomic=true`. Of two items with the same KPI, `at` and feed the later wins. `value: null` deletes.
            POST record_points
        }
    }
}

words! {
    /// What became of a point.
    pub enum PointResult {
        /// It is new.
        Created = "created",
        /// It said something else before; that is kept as a revision.
        Replaced = "replaced",
        /// It said the same before.
        Unchanged = "unchanged",
    }
}
crate::http::words::impl_wire_words!(PointResult);

/// Whose number it is, such as a shop or a host: up to 64 characters, no control characters; empty where there is only one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "shop-berlin")]
pub struct Feed(String);

impl Feed {
    /// The name; empty by default.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a point says.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": 4.2}))]
pub struct PutPoint {
    /// The value, in the unit of the KPI.
    value: Measure,
    /// Whose number it is; empty by default.
    #[serde(default)]
    feed: Option<Feed>,
    /// Anything worth knowing about this value.
    #[serde(default)]
    note: Option<Note>,
    /// Whether it was measured or is an estimate; measured by default.
    #[serde(default)]
    quality: Option<Quality>,
}

impl Rules for PutPoint {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// A point to be posted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": 4.2, "at": "2026-03-31", "note": "Two days of it are estimated."}))]
pub struct NewPoint {
    /// The value, in the unit of the KPI.
    value: Measure,
    /// When it was measured; now by default.
    #[serde(default)]
    at: Option<WhenText>,
    /// Whose number it is; empty by default.
    #[serde(default)]
    feed: Option<Feed>,
    /// Anything worth knowing about this value.
    #[serde(default)]
    note: Option<Note>,
    /// Whether it was measured or is an estimate; measured by default.
    #[serde(default)]
    quality: Option<Quality>,
}

impl Rules for NewPoint {
    fn judge(&self, errors: &mut FieldErrors) {
        if let Some(Err(error)) = self.at.as_ref().map(WhenText::read) {
            errors.add("/at", "malformed", error.to_string());
        }
    }
}

/// A point that was taken, and what it changed.
#[derive(Serialize, ToSchema)]
pub struct RecordedPoint {
    /// What became of it.
    result: PointResult,
    /// The point as it is now.
    point: Point,
    /// The period that holds it, as it is now.
    period: PointPeriod,
    /// The KPI's health.
    health: HealthBeforeAfter,
}

/// The period that holds a point.
#[derive(Serialize, ToSchema)]
pub struct PointPeriod {
    /// What people call it.
    #[schema(value_type = PeriodName)]
    period: String,
    /// Its first day.
    starts_on: Day,
    /// Its last day.
    ends_on: Day,
    /// What its points amount to, in the unit of the KPI; null where that is not finite.
    value: Option<f64>,
    /// How many points it holds.
    #[schema(minimum = 0)]
    count: i32,
    /// Whether it has ended.
    complete: bool,
    /// Its value held against the target in force on its last day.
    health: Health,
}

/// The health that a KPI showed before a change and shows after it.
#[derive(Serialize, ToSchema)]
pub struct HealthBeforeAfter {
    /// Before.
    pub before: Health,
    /// After.
    pub after: Health,
}

/// Which of the points of an instant.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OfFeed {
    /// Whose number it is; empty by default.
    #[param(max_length = 64)]
    #[serde(default)]
    feed: String,
}

/// A body that holds one point, which counts towards the limit of points.
#[derive(Clone, Debug)]
pub struct OnePoint<T>(Body<T>);

impl<T> Input for OnePoint<T>
where
    Body<T>: Input,
{
    type Parsed = <Body<T> as Input>::Parsed;

    fn parse(&self, state: &State) -> Result<Self::Parsed> {
        self.0.parse(state)
    }

    fn raw(&self) -> &[u8] {
        self.0.raw()
    }

    fn mode(parsed: &Self::Parsed) -> Mode {
        <Body<T> as Input>::mode(parsed)
    }

    fn points(_: &Self::Parsed) -> usize {
        1
    }
}

impl<T: 'static> actix_web::FromRequest for OnePoint<T> {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &actix_web::HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let body = Body::<T>::from_request(request, payload);
        Box::pin(async move { body.await.map(Self) })
    }
}

impl<T: ToSchema + 'static> Describe for OnePoint<T> {
    fn describe(draft: &mut Draft) {
        Body::<T>::describe(draft);
    }
}

/// A target whose version is none of the request's business: points have none, and a KPI's own
/// version says nothing of them.
#[derive(Clone)]
struct Unversioned<T>(T);

impl<T: Target> Target for Unversioned<T> {
    type Located = T::Located;
    type Found = T::Found;

    fn locate(&self, tx: &mut Scoped) -> Result<T::Located> {
        self.0.locate(tx)
    }

    fn grant(&self, tx: &mut Scoped, located: T::Located) -> Result<T::Found> {
        self.0.grant(tx, located)
    }
}

/// What `If-Match` compares where a point is there: points are replaced as a whole, and count no versions.
const VERSION_OF_POINTS: i32 = 0;

async fn put_point(
    db: Db<Posts>,
    kpi: At<KpiRow>,
    at: Segment<When>,
    body: OnePoint<PutPoint>,
    dry_run: Rehearsable,
) -> Answer<Put<RecordedPoint>> {
    let target = Unversioned((kpi.to(Action::PostPoints), at));
    let plan = |tx: &mut Scoped, (kpi, when): &Found, (body, _): &Said<PutPoint>| {
        let at = dated(tx, *when, "at")?;
        let PutPoint { value, feed, note, quality } = body;
        if tx.is_conditional() {
            let there = find(tx, kpi, at, feed_of(feed))?;
            tx.expect_version(there.map(|_| VERSION_OF_POINTS))?;
        }
        to_store(kpi, at, feed_of(feed), said(*value, note.as_ref(), *quality))
    };
    let answer = |tx: &mut Scoped, (kpi, _): &Found, _: &Said<PutPoint>, (), done| told(tx, kpi, done);
    db.write_together(desk, target, (body, dry_run), plan, answer).await
}

async fn record_point(
    db: Db<Posts>,
    kpi: At<KpiRow>,
    body: OnePoint<NewPoint>,
    dry_run: Rehearsable,
) -> Answer<Put<RecordedPoint>> {
    let target = Unversioned(kpi.to(Action::PostPoints));
    let plan = |tx: &mut Scoped, kpi: &Granted<KpiRow>, (body, _): &Said<NewPoint>| {
        let NewPoint { value, at, feed, note, quality } = body;
        let at = match at.as_ref().map(WhenText::read) {
            Some(Ok(when)) => dated(tx, when, "/at")?,
            Some(Err(error)) => return Err(Problem::field("/at", "malformed", error.to_string())),
            None if kpi.aggregation == Aggregation::Sum && !tx.is_keyed() => {
                return Err(Problem::new(
                    Code::NotRepeatable,
                    "this KPI adds its points up: say `at`, or send an Idempotency-Key",
                ));
            }
            None => tx.now,
        };
        to_store(kpi, at, feed_of(feed), said(*value, note.as_ref(), *quality))
    };
    let answer = |tx: &mut Scoped, kpi: &Granted<KpiRow>, _: &Said<NewPoint>, (), done| told(tx, kpi, done);
    db.write_together(desk, target, (body, dry_run), plan, answer).await
}

async fn show_point(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    at: Segment<When>,
    query: Query<OfFeed>,
) -> Answer<Json<Point>> {
    db.read((kpi.to(Action::View), at), query, |tx, (kpi, when), query| {
        let at = when.start(&tx.workspace()?.calendar());
        let row = find(tx, &kpi, at, &query.feed)?.ok_or_else(Problem::not_found)?;
        Ok(Json::versioned(shown(tx, &kpi, row)?, VERSION_OF_POINTS))
    })
    .await
}

async fn delete_point(
    db: Db<Posts>,
    kpi: At<KpiRow>,
    at: Segment<When>,
    query: Query<OfFeed>,
) -> Answer<NoContent> {
    let target = Unversioned((kpi.to(Action::PostPoints), at));
    let plan = |tx: &mut Scoped, (kpi, when): &Found, query: &OfFeed| {
        let at = when.start(&tx.workspace()?.calendar());
        find(tx, kpi, at, &query.feed)?.ok_or_else(Problem::not_found)?;
        tx.expect_version(Some(VERSION_OF_POINTS))?;
        to_store(kpi, at, &query.feed, Content::Nothing)
    };
    let answer = |_: &mut Scoped, _: &Found, _: &OfFeed, (), _| Ok(NoContent);
    db.write_together(desk, target, query, plan, answer).await
}

/// What a path to a point comes to.
type Found = (Granted<KpiRow>, When);

/// A body, and whether it is only tried.
type Said<T> = (T, <Rehearsable as Input>::Parsed);

fn desk(state: &State) -> &std::sync::Arc<Desk<Posting>> {
    &state.points
}

fn feed_of(feed: &Option<Feed>) -> &str {
    feed.as_ref().map_or("", Feed::as_str)
}

fn said(value: Measure, note: Option<&Note>, quality: Option<Quality>) -> Content {
    Content::Said {
        value: value.value(),
        note: note.map(|note| note.as_str().to_owned()),
        quality: quality.unwrap_or(Quality::Measured),
    }
}

fn dated(tx: &Scoped, when: When, pointer: &str) -> Result<Moment> {
    when.dates_a_point(&tx.workspace()?.calendar(), tx.now)
        .map_err(|Misdated { code, detail }| Problem::field(pointer, code, detail))
}

fn subject(kpi: &KpiRow) -> Subject {
    Subject::new("kpi", kpi.id, kpi.name.clone())
}

fn refuse_archived(kpi: &KpiRow) -> Result<()> {
    match kpi.archived_at {
        None => Ok(()),
        Some(_) => Err(Problem::new(Code::KpiArchived, "it takes no points until it is restored")),
    }
}

fn find(tx: &mut Scoped, kpi: &KpiRow, at: Moment, feed: &str) -> Result<Option<PointRow>> {
    Ok(points::table
        .filter(points::workspace_id.eq(kpi.workspace_id))
        .filter(points::kpi_id.eq(kpi.id))
        .filter(points::at.eq(at))
        .filter(points::feed.eq(feed))
        .first(tx.db())
        .optional()?)
}

/// One point to be stored, unless its KPI takes none.
fn to_store<R>(kpi: &KpiRow, at: Moment, feed: &str, content: Content) -> Result<Plan<Posting, (), R>> {
    refuse_archived(kpi)?;
    refuse_computed(kpi)?;
    let entry = Entry { kpi: kpi.clone().into(), at, feed: feed.to_owned(), content };
    Ok(Plan::Do(Posting { entries: vec![entry], subject: subject(kpi) }, ()))
}

/// What became of the one point of a request.
fn told(tx: &mut Scoped, kpi: &KpiRow, done: Recorded) -> Result<Put<RecordedPoint>> {
    let outcome = done.outcomes.first().copied().unwrap_or(Outcome::Unchanged);
    let unknown = HealthOf { before: Health::Unknown, after: Health::Unknown };
    let HealthOf { before, after } = done.health.get(&kpi.id).copied().unwrap_or(unknown);
    let (row, period) = done.single.ok_or_else(Problem::not_found)?;
    let location = location(tx, kpi, row.at, &row.feed)?;
    let body = RecordedPoint {
        result: match outcome {
            Outcome::Created => PointResult::Created,
            Outcome::Replaced => PointResult::Replaced,
            Outcome::Unchanged | Outcome::Deleted => PointResult::Unchanged,
        },
        point: shown(tx, kpi, row)?,
        period: shown_period(tx, kpi, &period)?,
        health: HealthBeforeAfter { before, after },
    };
    Ok(match body.result {
        PointResult::Created => Put::New(Created::at(location, body, VERSION_OF_POINTS)),
        PointResult::Replaced | PointResult::Unchanged => Put::There(Json::new(body)),
    })
}

fn location(tx: &Scoped, kpi: &KpiRow, at: Moment, feed: &str) -> Result<String> {
    let path = format!("/v1/workspaces/{}/kpis/{}/points/{at}", tx.workspace()?.slug, kpi.key);
    Ok(match feed {
        "" => path,
        feed => {
            format!("{path}?{}", serde_html_form::to_string([("feed", feed)]).unwrap_or_default())
        }
    })
}

fn shown(tx: &mut Scoped, kpi: &KpiRow, row: PointRow) -> Result<Point> {
    let rows = [row];
    let shown = Shown::prepare(tx, std::slice::from_ref(kpi), &rows)?;
    let [row] = rows;
    Ok(shown.point(row))
}

fn shown_period(tx: &Scoped, kpi: &KpiRow, row: &PeriodRow) -> Result<PointPeriod> {
    let period = tx.workspace()?.calendar().period_of(kpi.cadence, row.starts_at.timestamp());
    Ok(PointPeriod {
        period: period_name(kpi.cadence, period.starts_on),
        starts_on: period.starts_on.into(),
        ends_on: period.ends_on.into(),
        value: row.value,
        count: row.points,
        complete: period.is_complete(tx.now.timestamp()),
        health: row.health,
    })
}
