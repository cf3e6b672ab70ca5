//! Copies of objectives: carried over into the next cycle, or made anew from a template.
//!
//! Both copy a set whole, with key results, initiatives and the parents inside it, all or nothing.
//! Carrying over goes on where things stand and links back; a template begins anew.

mod carry_over;
mod make;
mod template;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cycles::{CycleInput, CycleRow};
use super::objectives::{NewObjectiveState, Objective, ObjectiveRef};
use crate::access::{Action, At, Db, Facts, Writes};
use crate::http::body::Rules;
use crate::http::query::Rehearsable;
use crate::http::{
    Answer, Body, Code, Description, FieldErrors, Json, Name, Refusals, Refuses, Routes, routes,
};
use crate::maths::ObjectiveOutcome;
use crate::maths::word::words;
use crate::people::members::MemberInput;
use crate::people::teams::TeamInput;
use crate::store::{Day, KeyResultId, ObjectiveId};

/// The paths of copies.
pub fn routes() -> Routes {
    routes! { "objectives",
        "/v1/workspaces/{workspace}/cycles/{cycle}/carry-over" {
            /// Carry objectives over into another cycle.
            /// Open objectives are copied with their key results in use and their open initiatives; key results begin
            /// where they stand now, and the copies link back. The originals stay as they are unless `close` ends
            /// them in the same step. All or nothing, at most 100; `dry_run=true` shows what would come of it.
            POST carry_over_objectives,
        }
        "/v1/workspaces/{workspace}/objective-copies" {
            /// Copy objectives as a template.
            /// The copies are drafts that begin anew: without check-ins, their initiatives planned. All or nothing,
            /// at most 100; `dry_run=true` shows what would come of it.
            POST copy_objectives,
        }
    }
}

/// How many objectives are copied in one call at the most.
const MOST: usize = 100;

words! {
    /// What becomes of key results that are met already when objectives are carried over.
    pub enum MetKeyResults {
        /// They are left out, with their initiatives: there is nothing left to do.
        LeaveOut = "leave_out",
        /// They come along. Where they have a way to go, they begin where they stand and want a new target.
        Include = "include",
    }

    /// What becomes of the goals of key results in copies of a template.
    pub enum CopiedGoals {
        /// Start, target and range are those of the template.
        Keep = "keep",
        /// They are empty, to be set anew; a key result that reads a KPI begins at its current value.
        Clear = "clear",
    }

    /// What becomes of due days in copies of a template.
    pub enum CopiedDueDays {
        /// They are left out.
        LeaveOut = "leave_out",
        /// They lie as many days after the first day of the copy as they did in the template; left out where either
        /// has no first day.
        Shift = "shift",
    }
}
crate::http::words::impl_wire_words!(MetKeyResults, CopiedGoals, CopiedDueDays);

/// Objectives to carry over, and how.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCarryOver {
    /// The objectives, each open and of this cycle; where nothing is said, all open ones that the caller may see.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    objective_ids: Option<Vec<ObjectiveId>>,
    /// The cycle to carry them into: its id, its slug, or `current`. It is another one, and not closed.
    #[schema(value_type = CycleInput, example = "q2-2026")]
    #[serde(rename = "to_cycle_id")]
    to_cycle: String,
    /// Where the copies stand; nothing may be missing where they are active at once.
    #[serde(default = "draft")]
    #[schema(default = "draft")]
    state: NewObjectiveState,
    /// What becomes of key results that are met already.
    #[serde(default = "leave_out_met")]
    #[schema(default = "leave_out")]
    met: MetKeyResults,
    /// How the originals end, if they are to end with this. Active ones are closed, with their progress as the score;
    /// drafts, which have nothing to close, are archived.
    #[serde(default)]
    close: Option<CarryOverClosing>,
}

/// How objectives end that are carried over.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarryOverClosing {
    /// How they ended.
    outcome: ObjectiveOutcome,
    /// What was learned.
    #[serde(default)]
    reflection: Option<Description>,
}

/// Objectives to copy as a template, and how.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewObjectiveCopies {
    /// The objectives, open or closed, but not archived.
    #[schema(min_items = 1, max_items = 100)]
    objective_ids: Vec<ObjectiveId>,
    /// The cycle of the copies: its id, its slug, or `current`; not a closed one.
    #[serde(default)]
    #[schema(value_type = Option<CycleInput>, example = "current")]
    #[serde(rename = "cycle_id")]
    cycle: Option<String>,
    /// A first day of their own; else the cycle's.
    #[serde(default)]
    starts_on: Option<Day>,
    /// A last day of their own, not before the first; else the cycle's.
    #[serde(default)]
    ends_on: Option<Day>,
    /// Who answers for the copies and all that is in them; else those who answer for the originals, where they are
    /// still here, or the caller.
    #[serde(default)]
    owner_id: Option<MemberInput>,
    /// The team of the copies; else the originals'.
    #[serde(default)]
    team_id: Option<TeamInput>,
    /// What becomes of the goals of key results.
    #[serde(default = "keep_goals")]
    #[schema(default = "keep")]
    goals: CopiedGoals,
    /// What becomes of the due days of key results and initiatives.
    #[serde(default = "leave_out_due_days")]
    #[schema(default = "leave_out")]
    due_days: CopiedDueDays,
}

fn draft() -> NewObjectiveState {
    NewObjectiveState::Draft
}

fn leave_out_met() -> MetKeyResults {
    MetKeyResults::LeaveOut
}

fn keep_goals() -> CopiedGoals {
    CopiedGoals::Keep
}

fn leave_out_due_days() -> CopiedDueDays {
    CopiedDueDays::LeaveOut
}

impl Rules for NewCarryOver {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_ids(self.objective_ids.as_deref().unwrap_or_default(), errors);
    }
}

impl Rules for NewObjectiveCopies {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_ids(&self.objective_ids, errors);
    }
}

/// An objective is copied once.
fn judge_ids(ids: &[ObjectiveId], errors: &mut FieldErrors) {
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            errors.add(pointer(index), "duplicate", "this objective stands there already");
        }
    }
}

/// Where in a body an objective is named.
fn pointer(index: usize) -> String {
    format!("/objective_ids/{index}")
}

/// Copies of objectives.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectiveCopies {
    /// The copies, in the order of the body; where it names none, in the order in which the originals were made.
    #[schema(max_items = 100)]
    copies: Vec<ObjectiveCopy>,
}

/// A copy of an objective.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectiveCopy {
    /// The original.
    source_id: ObjectiveId,
    /// The original as it now stands.
    source: ObjectiveRef,
    /// The copy.
    objective: Objective,
    /// Key results of the original that were left out because they are met.
    #[schema(max_items = 100)]
    left_out: Vec<LeftOutKeyResult>,
}

/// A key result that was left out of a copy.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOutKeyResult {
    /// Its id.
    id: KeyResultId,
    /// What arriving looked like.
    title: Name,
}

async fn carry_over_objectives(
    db: Db<Writes>,
    cycle: At<CycleRow>,
    rehearsal: Rehearsable,
    body: Body<NewCarryOver>,
    _: Refuses<NotCopied>,
) -> Answer<Json<ObjectiveCopies>> {
    db.write(cycle.to(Action::Create), (rehearsal, body), |tx, cycle, (_, new)| {
        tx.require(Action::Create, &Facts::default())?;
        Ok(Json::new(carry_over::carry_over(tx, cycle, new)?))
    })
    .await
}

async fn copy_objectives(
    db: Db<Writes>,
    rehearsal: Rehearsable,
    body: Body<NewObjectiveCopies>,
    _: Refuses<NotCopied>,
) -> Answer<Json<ObjectiveCopies>> {
    db.write((), (rehearsal, body), |tx, (), (_, new)| {
        tx.require(Action::Create, &Facts::default())?;
        Ok(Json::new(template::copy(tx, new)?))
    })
    .await
}

enum NotCopied {}
impl Refusals for NotCopied {
    const CODES: &'static [Code] = &[
        Code::NotReady,
        Code::ObjectiveClosed,
        Code::CycleClosed,
        Code::KpiArchived,
        Code::TooDeep,
        Code::LimitReached,
    ];
}
