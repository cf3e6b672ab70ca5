//! What the slices of this folder share on the wire and on the way to it.
//!
//! Small types that stand in several bodies and answers, and the helpers that say what changed
//! and where a thing lives.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::text::Tag;
use crate::http::{Code, FieldErrors, Problem, Result};
use crate::maths::word::words;
use crate::store::{Json, WorkspaceId};

words! {
    /// Whether archived objectives and key results are listed.
    pub enum ArchivedOkrs {
        /// Only those in use.
        No = "no",
        /// Only archived ones.
        Yes = "yes",
        /// Both.
        All = "all",
    }

    /// What people said last, as a filter.
    pub enum ConfidenceFilter {
        /// It will be reached.
        OnTrack = "on_track",
        /// It may be missed.
        AtRisk = "at_risk",
        /// It will be missed unless something changes.
        OffTrack = "off_track",
        /// Nobody has checked in yet.
        Never = "never",
    }
}
crate::http::words::impl_wire_words!(ArchivedOkrs, ConfidenceFilter);

impl ArchivedOkrs {
    /// What lists show where nothing is said.
    pub fn no() -> Self {
        Self::No
    }
}

impl ConfidenceFilter {
    /// The filter that a confidence passes.
    pub fn of(said: Option<crate::maths::Confidence>) -> Self {
        use crate::maths::Confidence;
        match said {
            None => Self::Never,
            Some(Confidence::OnTrack) => Self::OnTrack,
            Some(Confidence::AtRisk) => Self::AtRisk,
            Some(Confidence::OffTrack) => Self::OffTrack,
        }
    }
}

/// How much something counts beside its neighbours: at least 0; only ratios matter.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(minimum = 0, maximum = 1e15, example = 1.0)]
pub struct Weight(f64);

impl Weight {
    /// What counts once.
    pub const ONE: Self = Self(1.0);

    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }

    /// What counts once, for defaults.
    pub fn one() -> Self {
        Self::ONE
    }
}

impl From<f64> for Weight {
    fn from(value: f64) -> Self {
        Self(value + 0.0)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from)
    }
}

/// A share of the whole: 0 is nothing, 1 is all of it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(minimum = 0, maximum = 1, example = 0.7)]
pub struct Share(f64);

impl Share {
    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl From<f64> for Share {
    fn from(value: f64) -> Self {
        Self(value + 0.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from)
    }
}

/// The fields of a thing, for events and comparisons.
pub fn fields_of(thing: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(thing) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// The fields that differ between two states of a thing, with their new values, for events.
pub fn changed<T: Serialize>(before: &T, after: &T) -> Value {
    let old = fields_of(before);
    Value::Object(fields_of(after).into_iter().filter(|(name, value)| old.get(name) != Some(value)).collect())
}

/// The path of a thing in the workspace of this request, such as `cycles/cyc_…`.
pub fn path(workspace: WorkspaceId, rest: &str) -> String {
    format!("/v1/workspaces/{workspace}/{rest}")
}

/// Tags as they are stored.
pub fn stored_tags(tags: &[Tag]) -> Json {
    Json(Value::from(tags.iter().map(|tag| tag.as_str().to_owned()).collect::<Vec<_>>()))
}

/// Tags as they are shown.
pub fn shown_tags(tags: &Json) -> Vec<Tag> {
    tags.0.as_array().into_iter().flatten().filter_map(Value::as_str).map(Tag::from).collect()
}

/// A tag stands once.
pub fn judge_tags(tags: &[Tag], errors: &mut FieldErrors) {
    for (index, tag) in tags.iter().enumerate() {
        if tags[..index].contains(tag) {
            errors.add(format!("/tags/{index}"), "duplicate", "this tag stands there already");
        }
    }
}

/// The refusal of a reference inside a body: with its pointer, whatever is wrong with it.
pub fn refused_at(problem: Problem, pointer: &str) -> Problem {
    match problem.code {
        Code::NotFound => Problem::not_found_at(pointer),
        Code::InvalidId => Problem::field(pointer, "invalid_id", problem.detail),
        _ => problem,
    }
}

/// The same for a parameter of the query.
pub fn refused_in_query(problem: Problem, parameter: &str) -> Problem {
    match problem.code {
        Code::NotFound => Problem::not_found_at(parameter),
        Code::InvalidId => Problem::new(Code::InvalidQuery, format!("{parameter}: {}", problem.detail)),
        _ => problem,
    }
}

/// What several refusals come to: the first one, with the fields of all.
pub fn together(refusals: Vec<Problem>) -> Option<Problem> {
    refusals.into_iter().reduce(|mut first, other| {
        first.errors.extend(other.errors);
        first
    })
}

/// A pattern of SQL's `LIKE` that finds a text anywhere, with `\` as escape.
pub fn anywhere(text: &str) -> String {
    let folded = crate::http::text::folded(text);
    format!("%{}%", folded.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
