//! Many points in one call: judged one by one, stored together, answered with what became of each.

use std::collections::{BTreeMap, HashMap, HashSet};

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};

use super::formats::{self, Item};
use super::names::{Named, Names, resolve};
use super::record::{Content, Entry, Outcome, Posting, Recorded};
use super::when::{Misdated, WhenText};
use super::{Feed, HealthBeforeAfter};
use crate::access::{Action, Db, Plan, Posts, Resource, Scoped};
use crate::http::answer::{Answer, Batch};
use crate::http::body::{self, Input, Mode};
use crate::http::text::{Keyword, Pointer, Sentence, shown};
use crate::http::{Code, Describe, Draft, Measure, Note, Problem, Query, Result, schema};
use crate::kpis::derive::Quality;
use crate::kpis::kpis::formula::refuse_computed;
use crate::kpis::kpis::{KpiInput, KpiKey};
use crate::kpis::row::KpiRow;
use crate::maths::Calendar;
use crate::state::State;
use crate::store::journal::Subject;
use crate::store::{KpiId, Moment};

/// One of many points.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kpi": "churn-rate", "at": "2026-03-31", "value": 4.2}))]
pub struct BatchPoint {
    /// The KPI: its id, its key, a key that it had before, or an alias.
    #[schema(value_type = KpiInput, example = "churn-rate")]
    kpi: String,
    /// When it was measured.
    at: WhenText,
    /// The value, in the unit of the KPI; null deletes the point.
    #[schema(required = true)]
    value: Option<Measure>,
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

/// Many points.
#[derive(ToSchema)]
#[schema(min_items = 1, max_items = 10000)]
#[allow(dead_code, reason = "it only carries the schema: items are read one by one")]
pub struct BatchPoints(Vec<BatchPoint>);

/// How a batch is taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BatchQuery {
    /// Whether one item that is refused refuses them all.
    #[param(default = false)]
    #[serde(default)]
    atomic: bool,
    /// Whether only to judge and show, and store nothing.
    #[param(default = false)]
    #[serde(default)]
    dry_run: bool,
}

/// A body of many points, with the query that says how to take them.
#[derive(Clone)]
pub struct Posted {
    media: &'static str,
    raw: Bytes,
    query: Query<BatchQuery>,
}

/// A batch, as far as it can be judged without the workspace.
pub struct Submitted {
    items: Vec<Submission>,
    query: BatchQuery,
}

/// One item: what it names, for the answer, and the point that it is, or why it is none.
struct Submission {
    kpi: Option<String>,
    at: Option<String>,
    point: std::result::Result<BatchPoint, Refusal>,
}

#[derive(Clone, Debug)]
struct Refusal {
    code: String,
    reason: String,
    field: String,
}

impl Refusal {
    fn new(field: &str, code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code: code.into(), reason: reason.into(), field: field.to_owned() }
    }
}

/// What became of many points.
#[derive(Serialize, ToSchema)]
pub struct RecordedPoints {
    /// How many items came to what.
    counts: PointCounts,
    /// The items that were refused, in their order.
    #[schema(max_items = 10000)]
    rejected: Vec<RejectedPoint>,
    /// The KPIs of the items that were taken, by key.
    #[schema(max_items = 10000)]
    kpis: Vec<PointsKpi>,
}

/// How many items came to what; together they are all items.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct PointCounts {
    /// New points.
    #[schema(minimum = 0)]
    created: usize,
    /// Points that said something else before.
    #[schema(minimum = 0)]
    replaced: usize,
    /// Points that said the same before, or were not there to be deleted.
    #[schema(minimum = 0)]
    unchanged: usize,
    /// Points that were deleted.
    #[schema(minimum = 0)]
    deleted: usize,
    /// Items after which another one with the same KPI, instant and feed came.
    #[schema(minimum = 0)]
    superseded: usize,
    /// Items that were refused.
    #[schema(minimum = 0)]
    rejected: usize,
}

/// An item that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedPoint {
    /// Its place among the items, from 0; a CSV's header and blank lines are none.
    #[schema(minimum = 0)]
    index: usize,
    /// The KPI that it names; null where it cannot be read.
    #[schema(value_type = Option<Sentence>, example = "churn-rate")]
    kpi: Option<String>,
    /// When it was measured, as it was sent; null where it cannot be read.
    #[schema(value_type = Option<Sentence>, example = "2026-03-31")]
    at: Option<String>,
    /// A stable name for what is wrong, such as `not_found`, `forbidden`, `kpi_archived`, `kpi_is_computed`, `malformed_line` or that of a field error.
    #[schema(value_type = Keyword)]
    code: String,
    /// The same for people.
    #[schema(value_type = Sentence)]
    reason: String,
    /// A JSON pointer to the field, with the item's index first.
    #[schema(value_type = Pointer)]
    pointer: String,
}

/// A KPI to which points were posted.
#[derive(Serialize, ToSchema)]
pub struct PointsKpi {
    /// Its id.
    id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    key: String,
    /// Its health.
    health: HealthBeforeAfter,
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = body::take(request, payload, formats::MEDIA, body::BATCH);
        let query = Query::from_request(request, payload).into_inner();
        Box::pin(async move {
            let (media, raw) = body.await?;
            Ok(Self { media, raw, query: query? })
        })
    }
}

impl Describe for Posted {
    fn describe(draft: &mut Draft) {
        draft.takes::<BatchPoints>(&[formats::JSON]);
        draft.also_knows::<BatchPoint>();
        draft.takes_text(
            formats::NDJSON,
            "One point per line, each a JSON object as in the array.",
            body::BATCH,
        );
        draft.takes_text(
            formats::CSV,
            "A header that names the columns `kpi`, `at` and `value`, and if wanted `feed`, `note` and `quality`, in any order; \
             then a point per line. The value `null` deletes.",
            body::BATCH,
        );
        draft.parameters(BatchQuery::into_params(|| Some(ParameterIn::Query)));
        draft.refuses(&[Code::InvalidQuery]);
        draft.refuses(body::REFUSALS);
    }
}

impl Input for Posted {
    type Parsed = Submitted;

    const READS_QUERY: bool = true;

    fn parse(&self, state: &State) -> Result<Submitted> {
        let query = self.query.parse(state)?;
        let items = formats::read(self.media, &self.raw)?;
        Ok(Submitted { items: items.into_iter().map(submission).collect(), query })
    }

    fn raw(&self) -> &[u8] {
        &self.raw
    }

    fn mode(parsed: &Submitted) -> Mode {
        if parsed.query.dry_run { Mode::Rehearsal } else { Mode::ForReal }
    }

    fn points(parsed: &Submitted) -> usize {
        parsed.items.len()
    }
}

fn submission(item: Item) -> Submission {
    let value = match item {
        Item::Read(value) => value,
        Item::Malformed(reason) => {
            return Submission {
                kpi: None,
                at: None,
                point: Err(Refusal::new("", "malformed_line", reason)),
            };
        }
    };
    let text = |field: &str| {
        let text = value.get(field).and_then(Value::as_str)?;
        // What is no name is not repeated at length.
        Some(text.chars().take(200).collect())
    };
    let (kpi, at) = (text("kpi"), text("at"));
    let point = schema::check::<BatchPoint>(&value).map_err(|problem| refusal(&problem)).and_then(|()| {
        serde_json::from_value(value).map_err(|error| Refusal::new("", "invalid", error.to_string()))
    });
    Submission { kpi, at, point }
}

/// All that is wrong with an item in one: the first field, and what is said of every one.
fn refusal(problem: &Problem) -> Refusal {
    let reasons: Vec<String> = problem
        .errors
        .iter()
        .map(|error| match error.pointer.trim_start_matches('/') {
            "" => error.detail.clone(),
            field => format!("{field}: {}", error.detail),
        })
        .collect();
    match problem.errors.first() {
        Some(first) => Refusal::new(&first.pointer, first.code.clone(), reasons.join("; ")),
        None => Refusal::new("", "invalid", problem.detail.clone()),
    }
}

pub(super) async fn record_points(db: Db<Posts>, posted: Posted) -> Answer<Batch<RecordedPoints>> {
    let plan = |tx: &mut Scoped, (): &(), submitted: &Submitted| judge(tx, submitted);
    let answer = |_: &mut Scoped, (): &(), _: &Submitted, judged, done| Ok(told(judged, &done));
    db.write_together(super::desk, (), posted, plan, answer).await
}

/// What a look at the items of a batch came to.
struct Judged {
    counts: PointCounts,
    rejected: Vec<RejectedPoint>,
    /// The KPIs of the items that are taken, by key.
    kpis: BTreeMap<String, KpiId>,
}

type Planned = Plan<Posting, Judged, Batch<RecordedPoints>>;

fn judge(tx: &mut Scoped, submitted: &Submitted) -> Result<Planned> {
    let judged = submitted.items.iter().filter_map(|item| item.point.as_ref().ok());
    let names = resolve(tx, judged.map(|point| point.kpi.as_str()))?;
    let calendar = tx.workspace()?.calendar();
    let mut rights = HashMap::new();

    let (mut taken, mut rejected): (Vec<Entry>, Vec<RejectedPoint>) = (Vec::new(), Vec::new());
    for (index, item) in submitted.items.iter().enumerate() {
        let judged = item.point.as_ref().map_err(Clone::clone);
        match judged.and_then(|point| entry(tx, &names, &calendar, &mut rights, point)) {
            Ok(entry) => taken.push(entry),
            Err(Refusal { code, reason, field }) => rejected.push(RejectedPoint {
                index,
                kpi: item.kpi.as_deref().map(|kpi| shown(kpi, 200)),
                at: item.at.as_deref().map(|at| shown(at, 200)),
                code,
                reason: shown(&reason, 4000),
                pointer: shown(&format!("/{index}{field}"), 1000),
            }),
        }
    }
    let mut counts = PointCounts { rejected: rejected.len(), ..PointCounts::default() };
    if taken.is_empty() || (submitted.query.atomic && !rejected.is_empty()) {
        let body = RecordedPoints { counts, rejected, kpis: Vec::new() };
        return Ok(Plan::Answer(Batch { status: 422, body }));
    }

    let sent = taken.len();
    let entries = without_superseded(taken);
    counts.superseded = sent - entries.len();
    let workspace = tx.workspace()?;
    let subject = Subject::new("workspace", workspace.id, workspace.name.clone());
    let kpis = entries.iter().map(|entry| (entry.kpi.key.clone(), entry.kpi.id)).collect();
    Ok(Plan::Do(Posting { entries, subject }, Judged { counts, rejected, kpis }))
}

/// What became of a batch.
fn told(judged: Judged, recorded: &Recorded) -> Batch<RecordedPoints> {
    let Judged { mut counts, rejected, kpis } = judged;
    for outcome in &recorded.outcomes {
        match outcome {
            Outcome::Created => counts.created += 1,
            Outcome::Replaced => counts.replaced += 1,
            Outcome::Unchanged => counts.unchanged += 1,
            Outcome::Deleted => counts.deleted += 1,
        }
    }
    let kpis = kpis.into_iter().filter_map(|(key, id)| {
        let health = recorded.health.get(&id)?;
        Some(PointsKpi { id, key, health: HealthBeforeAfter { before: health.before, after: health.after } })
    });
    let status = if rejected.is_empty() { 200 } else { 207 };
    Batch { status, body: RecordedPoints { counts, rejected, kpis: kpis.collect() } }
}

/// What an item comes to in this workspace, for this caller, now.
fn entry(
    tx: &Scoped,
    names: &Names,
    calendar: &Calendar,
    rights: &mut HashMap<KpiId, Right>,
    point: &BatchPoint,
) -> std::result::Result<Entry, Refusal> {
    let Some(kpi) = names.kpi(&point.kpi) else {
        return Err(match names.named.get(&point.kpi) {
            Some(Named::InvalidId(reason)) => Refusal::new("/kpi", "invalid_id", reason),
            Some(Named::Known(_)) | None => {
                Refusal::new("/kpi", "not_found", "it does not exist, or it is not yours to know")
            }
        });
    };
    match rights.entry(kpi.id).or_insert_with(|| Right::of(tx, kpi)) {
        Right::Posts => {}
        Right::Forbidden => {
            return Err(Refusal::new(
                "/kpi",
                "forbidden",
                "this is for its owner, members of its team, admins and owners of the workspace",
            ));
        }
    }
    let when = point.at.read().map_err(|error| Refusal::new("/at", "malformed", error.to_string()))?;
    let at = when
        .dates_a_point(calendar, tx.now)
        .map_err(|Misdated { code, detail }| Refusal::new("/at", code, detail))?;
    if kpi.archived_at.is_some() {
        let reason = "the KPI is archived and takes no points until it is restored";
        return Err(Refusal::new("/kpi", "kpi_archived", reason));
    }
    refuse_computed(kpi).map_err(|problem| Refusal::new("/kpi", problem.code.as_str(), problem.detail))?;
    let content = match point.value {
        None => Content::Nothing,
        Some(value) => Content::Said {
            value: value.value(),
            note: point.note.as_ref().map(|note| note.as_str().to_owned()),
            quality: point.quality.unwrap_or(Quality::Measured),
        },
    };
    let feed = point.feed.as_ref().map_or("", Feed::as_str).to_owned();
    Ok(Entry { kpi: kpi.clone(), at, feed, content })
}

/// Whether the caller may post to a KPI.
#[derive(Clone, Copy)]
enum Right {
    Posts,
    Forbidden,
}

impl Right {
    fn of(tx: &Scoped, kpi: &KpiRow) -> Self {
        if tx.may(Action::PostPoints, &kpi.facts()) { Self::Posts } else { Self::Forbidden }
    }
}

/// The last of the items with the same KPI, instant and feed, in their order.
fn without_superseded(taken: Vec<Entry>) -> Vec<Entry> {
    let mut last: HashMap<(KpiId, Moment, &str), usize> = HashMap::new();
    for (index, entry) in taken.iter().enumerate() {
        last.insert((entry.kpi.id, entry.at, &entry.feed), index);
    }
    if last.len() == taken.len() {
        return taken;
    }
    let kept: HashSet<usize> = last.into_values().collect();
    let indexed = taken.into_iter().enumerate();
    indexed.filter(|(index, _)| kept.contains(index)).map(|(_, entry)| entry).collect()
}
