//! What people say of an objective when they make or change it, and the rules that hold for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::circle::SharedObjective;
use super::row::{ObjectiveRow, ObjectiveState};
use super::supports;
use crate::access::Scoped;
use crate::access::Visibility;
use crate::http::body::Rules;
use crate::http::text::{Tag, folded};
use crate::http::{Description, FieldErrors, Name, Note, Problem, Result};
use crate::maths::ProgressSource;
use crate::maths::word::words;
use crate::okrs::cycles::{CycleInput, CycleRow};
use crate::okrs::initiatives::NewObjectiveInitiative;
use crate::okrs::key_results::NewKeyResult;
use crate::okrs::progress::Dates;
use crate::okrs::wire::{Share, Weight, judge_tags, refused_at, shown_tags, stored_tags};
use crate::people::members::{self, MemberInput};
use crate::people::teams::{self, TeamInput};
use crate::store::{Day, ObjectiveId};

words! {
    /// Where a new objective stands.
    pub enum NewObjectiveState {
        /// It is being written; things may be missing.
        Draft = "draft",
        /// People work on it at once; nothing may be missing.
        Active = "active",
    }
}
crate::http::words::impl_wire_words!(NewObjectiveState);

/// An objective to make, with key results and initiatives of its own if they are known already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewObjective {
    /// Where to go.
    #[schema(example = "Launch a higher-converting website")]
    pub title: Name,
    /// Why go there.
    #[serde(default)]
    pub why: Option<Description>,
    /// Who answers for it; the caller where nothing is said.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The team that it belongs to.
    #[serde(default)]
    pub team_id: Option<TeamInput>,
    /// Who works on it beside the owner; they may change it as the owner may.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub contributor_ids: Vec<MemberInput>,
    /// Teams that work on it beside its own; their members may change it.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub contributing_team_ids: Vec<TeamInput>,
    /// The cycle that it belongs to: its id, its slug, or `current`.
    #[serde(default)]
    #[schema(value_type = Option<CycleInput>, example = "current")]
    #[serde(rename = "cycle_id")]
    pub cycle: Option<String>,
    /// A first day of its own; else the cycle's.
    #[serde(default)]
    pub starts_on: Option<Day>,
    /// A last day of its own, not before the first; else the cycle's.
    #[serde(default)]
    pub ends_on: Option<Day>,
    /// The objective that it contributes to, of the same workspace. It must not hang under this one,
    /// and a tree has at most nine levels.
    #[serde(default)]
    pub parent_id: Option<ObjectiveId>,
    /// Other objectives that it helps, beside the tree. These links never count.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub supported_ids: Vec<ObjectiveId>,
    /// How much it counts in a parent: at least 0; with 0 it is linked and does not count.
    #[serde(default = "Weight::one")]
    #[schema(default = 1)]
    pub weight: Weight,
    /// Where it stands.
    #[serde(default = "draft")]
    #[schema(default = "draft")]
    pub state: NewObjectiveState,
    /// Where its progress comes from.
    #[serde(default = "key_results")]
    #[schema(default = "key_results")]
    pub progress_source: ProgressSource,
    /// The progress that a person gives; it counts where the source is `manual`.
    #[serde(default)]
    pub manual_progress: Option<ManualProgress>,
    /// Tags, each once.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tags: Vec<Tag>,
    /// Who may see it; `workspace` by default. What is private counts in nothing that more people may see.
    #[serde(default = "Visibility::workspace")]
    #[schema(default = "workspace")]
    pub visibility: Visibility,
    /// Key results to make with it; more can be added later.
    #[serde(default)]
    #[schema(max_items = 25)]
    pub key_results: Vec<NewKeyResult>,
    /// Work that is meant to move it or one of those key results; more can be added later.
    #[serde(default)]
    #[schema(max_items = 25)]
    pub initiatives: Vec<NewObjectiveInitiative>,
}

/// The fields of an objective that can be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectiveFields)]
pub struct ObjectiveFields {
    /// Where to go.
    #[schema(example = "Launch a higher-converting website")]
    pub title: Name,
    /// Why go there.
    #[serde(default)]
    pub why: Option<Description>,
    /// Who answers for it.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The team that it belongs to.
    #[serde(default)]
    pub team_id: Option<TeamInput>,
    /// Who works on it beside the owner; they may change it as the owner may.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub contributor_ids: Vec<MemberInput>,
    /// Teams that work on it beside its own; their members may change it.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub contributing_team_ids: Vec<TeamInput>,
    /// The cycle that it belongs to: its id, its slug, or `current`.
    #[serde(default)]
    #[schema(value_type = Option<CycleInput>, example = "current")]
    #[serde(rename = "cycle_id")]
    pub cycle: Option<String>,
    /// A first day of its own; else the cycle's.
    #[serde(default)]
    pub starts_on: Option<Day>,
    /// A last day of its own, not before the first; else the cycle's.
    #[serde(default)]
    pub ends_on: Option<Day>,
    /// The objective that it contributes to, of the same workspace. It must not hang under this one,
    /// and a tree has at most nine levels.
    #[serde(default)]
    pub parent_id: Option<ObjectiveId>,
    /// Other objectives that it helps, beside the tree. These links never count.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub supported_ids: Vec<ObjectiveId>,
    /// How much it counts in a parent: at least 0; with 0 it is linked and does not count.
    #[serde(default = "Weight::one")]
    #[schema(default = 1)]
    pub weight: Weight,
    /// Where its progress comes from. Switching deletes nothing.
    #[serde(default = "key_results")]
    #[schema(default = "key_results")]
    pub progress_source: ProgressSource,
    /// The progress that a person gives; it counts where the source is `manual`.
    #[serde(default)]
    pub manual_progress: Option<ManualProgress>,
    /// Tags, each once.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tags: Vec<Tag>,
    /// Who may see it; `workspace` by default. What is private counts in nothing that more people may see.
    #[serde(default = "Visibility::workspace")]
    #[schema(default = "workspace")]
    pub visibility: Visibility,
}

/// Progress as a person gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualProgress {
    /// The share of the way, 0 to 1.
    pub value: Share,
    /// Why it stands there.
    #[serde(default)]
    pub note: Option<Note>,
}

fn draft() -> NewObjectiveState {
    NewObjectiveState::Draft
}

fn key_results() -> ProgressSource {
    ProgressSource::KeyResults
}

impl From<NewObjectiveState> for ObjectiveState {
    fn from(state: NewObjectiveState) -> Self {
        match state {
            NewObjectiveState::Draft => Self::Draft,
            NewObjectiveState::Active => Self::Active,
        }
    }
}

impl NewObjective {
    /// A draft with a title, to be filled in.
    pub fn titled(title: Name) -> Self {
        Self {
            title,
            why: None,
            owner_id: None,
            team_id: None,
            contributor_ids: Vec::new(),
            contributing_team_ids: Vec::new(),
            cycle: None,
            starts_on: None,
            ends_on: None,
            parent_id: None,
            supported_ids: Vec::new(),
            weight: Weight::ONE,
            state: NewObjectiveState::Draft,
            progress_source: ProgressSource::KeyResults,
            manual_progress: None,
            tags: Vec::new(),
            visibility: Visibility::Workspace,
            key_results: Vec::new(),
            initiatives: Vec::new(),
        }
    }

    /// With these fields, in this state, and with what is made together with it.
    pub fn of(
        fields: ObjectiveFields,
        state: NewObjectiveState,
        key_results: Vec<NewKeyResult>,
        initiatives: Vec<NewObjectiveInitiative>,
    ) -> Self {
        Self {
            title: fields.title,
            why: fields.why,
            owner_id: fields.owner_id,
            team_id: fields.team_id,
            contributor_ids: fields.contributor_ids,
            contributing_team_ids: fields.contributing_team_ids,
            cycle: fields.cycle,
            starts_on: fields.starts_on,
            ends_on: fields.ends_on,
            parent_id: fields.parent_id,
            supported_ids: fields.supported_ids,
            weight: fields.weight,
            state,
            progress_source: fields.progress_source,
            manual_progress: fields.manual_progress,
            tags: fields.tags,
            visibility: fields.visibility,
            key_results,
            initiatives,
        }
    }

    /// The part that can be changed later.
    pub fn fields(&self) -> ObjectiveFields {
        ObjectiveFields {
            title: self.title.clone(),
            why: self.why.clone(),
            owner_id: self.owner_id.clone(),
            team_id: self.team_id.clone(),
            contributor_ids: self.contributor_ids.clone(),
            contributing_team_ids: self.contributing_team_ids.clone(),
            cycle: self.cycle.clone(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            parent_id: self.parent_id,
            supported_ids: self.supported_ids.clone(),
            weight: self.weight,
            progress_source: self.progress_source,
            manual_progress: self.manual_progress.clone(),
            tags: self.tags.clone(),
            visibility: self.visibility,
        }
    }
}

impl Rules for NewObjective {
    fn judge(&self, errors: &mut FieldErrors) {
        self.fields().judge(errors);
        for (index, key_result) in self.key_results.iter().enumerate() {
            key_result.judge_at(&format!("/key_results/{index}"), errors);
        }
        for (index, initiative) in self.initiatives.iter().enumerate() {
            initiative.judge_at(&format!("/initiatives/{index}"), self.key_results.len(), errors);
        }
    }
}

impl Rules for ObjectiveFields {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_dates(&Dates { starts_on: self.starts_on, ends_on: self.ends_on }, errors);
        judge_tags(&self.tags, errors);
    }
}

/// Adds what is wrong with days of its own or its cycle's.
pub fn judge_dates(dates: &Dates, errors: &mut FieldErrors) {
    if let (Some(starts_on), Some(ends_on)) = (dates.starts_on, dates.ends_on)
        && ends_on < starts_on
    {
        errors.add("/ends_on", "before_start", format!("it begins on {starts_on} and must not end before"));
    }
}

impl ObjectiveRow {
    /// The progress that a person gave.
    pub fn given_progress(&self) -> Option<ManualProgress> {
        let note = self.manual_note.as_deref().map(Note::from);
        self.manual_progress.map(|value| ManualProgress { value: value.into(), note })
    }
}

impl SharedObjective {
    /// What people said of it.
    pub fn fields(&self) -> ObjectiveFields {
        let Self { circle, supported, .. } = self;
        ObjectiveFields {
            title: self.title.as_str().into(),
            why: self.why.as_deref().map(Description::from),
            owner_id: self.owner_id.map(MemberInput::from),
            team_id: self.team_id.map(TeamInput::from),
            contributor_ids: circle.contributors.iter().copied().map(MemberInput::from).collect(),
            contributing_team_ids: circle.teams.iter().copied().map(TeamInput::from).collect(),
            cycle: self.cycle_id.map(|id| id.to_string()),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            parent_id: self.parent_id,
            supported_ids: supported.clone(),
            weight: self.weight.into(),
            progress_source: self.progress_source,
            manual_progress: self.given_progress(),
            tags: shown_tags(&self.tags),
            visibility: self.visibility,
        }
    }

    /// The objective with other fields. What is named anew has to exist; what is named already may
    /// have left or been archived since.
    pub fn with(self, tx: &mut Scoped, fields: &ObjectiveFields) -> Result<Self> {
        let before = self.fields();
        let circle = self.circle.named(tx, fields)?;
        let supported = supports::named(tx, self.id, &fields.supported_ids, &self.supported)?;
        let mut row = ObjectiveRow {
            title: fields.title.as_str().to_owned(),
            title_folded: folded(fields.title.as_str()),
            why: fields.why.clone().map(String::from),
            starts_on: fields.starts_on,
            ends_on: fields.ends_on,
            weight: fields.weight.value(),
            progress_source: fields.progress_source,
            manual_progress: fields.manual_progress.as_ref().map(|manual| manual.value.value()),
            manual_note: fields
                .manual_progress
                .as_ref()
                .and_then(|manual| manual.note.clone())
                .map(String::from),
            tags: stored_tags(&fields.tags),
            visibility: fields.visibility,
            ..self.row
        };
        if fields.owner_id != before.owner_id {
            let owner = members::resolve_optional(tx, "/owner_id", fields.owner_id.as_ref())?;
            row.owner_id = owner.map(|owner| owner.id);
        }
        if fields.team_id != before.team_id {
            let team = teams::resolve_optional(tx, "/team_id", fields.team_id.as_ref())?;
            row.team_id = team.map(|team| team.id);
        }
        if let Some(parent) = fields.parent_id.filter(|_| fields.parent_id != before.parent_id) {
            Self::by_id(tx, parent)?.ok_or_else(|| Problem::not_found_at("/parent_id"))?;
        }
        row.parent_id = fields.parent_id;
        let cycle = if fields.cycle == before.cycle {
            row.cycle(tx)?
        } else {
            let cycle = fields.cycle.as_deref().map(|name| named_cycle(tx, name)).transpose()?;
            row.cycle_id = cycle.as_ref().map(|cycle| cycle.id);
            cycle
        };
        let mut errors = FieldErrors::new();
        judge_dates(&Dates::of(&row, cycle.as_ref()), &mut errors);
        errors.settle()?;
        Ok(Self { row, circle, supported })
    }
}

fn named_cycle(tx: &mut Scoped, name: &str) -> Result<CycleRow> {
    CycleRow::named(tx, name).map_err(|problem: Problem| refused_at(problem, "/cycle_id"))
}
