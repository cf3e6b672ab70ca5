//! What is due: all that somebody has to update or settle today, in one call.
//!
//! Key results that want a check-in, KPIs that want a value, work past its day, drafts whose time has
//! begun, objectives whose time is over, and KPIs whose remedy failed: with all that a form or a
//! reminder needs.

mod load;
mod text;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Db, Reads};
use crate::care::text::Form;
use crate::care::triage::{Scope, TriageRow};
use crate::http::problem::FieldError;
use crate::http::{Answer, Measure, Name, PlainText, Query, Routes, routes};
use crate::kpis::kpis::{CurrentValue, Display, KpiFreshness, KpiKey, KpiRights, KpiTarget};
use crate::maths::{Cadence, Health, Pace};
use crate::okrs::cycles::CycleRef;
use crate::okrs::initiatives::Initiative;
use crate::okrs::key_results::KeyResult;
use crate::okrs::objectives::ObjectiveState;
use crate::people::members::MemberRef;
use crate::people::teams::TeamRef;
use crate::store::{CycleId, Day, KpiId, MemberId, ObjectiveId, TeamId};

/// The paths of what is due.
pub fn routes() -> Routes {
    routes! { "due",
        "/v1/workspaces/{workspace}/due" {
            /// Show what is due today.
            /// Never paged: one list per kind, the longest due first. `owner=me` is the caller's own.
            /// `Accept: text/plain` answers a table of at most 80 columns.
            GET show_due,
        }
    }
}

/// Whose things are looked at; everybody's where nothing is said. A key that stands several times means "or".
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DueFilter {
    /// Only what these owners answer for: a member's id, or `me`.
    #[serde(default)]
    owner: Vec<String>,
    /// Only what belongs to these teams: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
}

/// All that is due.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Due {
    /// The day, in the workspace's time zone.
    pub as_of: Day,
    /// How many of each.
    pub counts: DueCounts,
    /// Key results of active objectives whose last check-in, or whose beginning, lies a rhythm back.
    pub check_ins: Vec<DueCheckIn>,
    /// KPIs that want a value: those that never had one first, then the longest stale, then those that are due.
    pub kpis: Vec<DueKpi>,
    /// Initiatives that are due today or earlier, and are neither done nor dropped.
    pub initiatives: Vec<Initiative>,
    /// Drafts whose own first day, else whose cycle's, has come.
    pub drafts: Vec<DueObjective>,
    /// Active objectives whose own last day, else whose cycle's, has passed: they want to be closed.
    pub ended: Vec<DueObjective>,
    /// Unhealthy KPIs that nothing treats, and of which a remedy failed since the episode opened.
    pub failed_remedies: Vec<TriageRow>,
}

/// How many things are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DueCounts {
    /// Key results that want a check-in.
    #[schema(minimum = 0)]
    pub check_ins: usize,
    /// Of these: how many are overdue, two days after they were due.
    #[schema(minimum = 0)]
    pub overdue: usize,
    /// KPIs that want a value.
    #[schema(minimum = 0)]
    pub kpis: usize,
    /// Initiatives that are due.
    #[schema(minimum = 0)]
    pub initiatives: usize,
    /// Drafts whose time has begun.
    #[schema(minimum = 0)]
    pub drafts: usize,
    /// Objectives past their end.
    #[schema(minimum = 0)]
    pub ended: usize,
    /// KPIs whose remedy failed.
    #[schema(minimum = 0)]
    pub failed_remedies: usize,
}

/// A key result that wants a check-in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DueCheckIn {
    /// The key result: with its current value, what was said last, and what stands in the way.
    pub key_result: KeyResult,
    /// Since when a check-in is asked for: the day of the last one, or of the beginning, and the rhythm.
    pub due_on: Day,
    /// The value that it should have today if it went evenly, in its unit; the share that should be done for a
    /// milestone. Null for kinds that are met or not.
    pub expected_value: Option<Measure>,
}

/// A KPI that wants a value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DueKpi {
    /// The KPI's id.
    pub id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// How often it is measured.
    pub cadence: Cadence,
    /// How its values are shown to people.
    pub display: Display,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
    /// The team that it belongs to; null where it is the whole organisation's.
    pub team_id: Option<TeamId>,
    /// The team that it belongs to, by name.
    pub team: Option<TeamRef>,
    /// How it is doing.
    pub health: Health,
    /// The value that it has; null without one.
    pub current: Option<CurrentValue>,
    /// The healthy band in force.
    pub target: Option<KpiTarget>,
    /// Since when a value is due.
    pub freshness: KpiFreshness,
    /// What the caller may do with it.
    pub can: KpiRights,
}

/// An objective that wants a decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DueObjective {
    /// Its id.
    pub id: ObjectiveId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// Where to go.
    pub title: Name,
    /// Where it stands.
    pub state: ObjectiveState,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
    /// The team that it belongs to.
    pub team_id: Option<TeamId>,
    /// The team that it belongs to, by name.
    pub team: Option<TeamRef>,
    /// The cycle that it belongs to.
    pub cycle_id: Option<CycleId>,
    /// The cycle, as a page shows it.
    pub cycle: Option<CycleRef>,
    /// Its first day: its own, else the cycle's.
    pub starts_on: Option<Day>,
    /// Its last day: its own, else the cycle's.
    pub ends_on: Option<Day>,
    /// Its progress, 0 to 1, which is what closing proposes as its score; null without a value.
    #[schema(minimum = 0, maximum = 1, example = 0.55)]
    pub progress: Option<f64>,
    /// What the numbers say.
    pub pace: Pace,
    /// Of a draft: what is missing before it can become active.
    #[schema(max_items = 1000)]
    pub missing: Vec<FieldError>,
    /// What the caller may do with it.
    pub can: DueObjectiveCan,
}

/// What the caller may do with an objective that wants a decision.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct DueObjectiveCan {
    /// Change it, activate it, close it.
    pub edit: bool,
}

async fn show_due(db: Db<Reads>, filter: Query<DueFilter>) -> Answer<PlainText<Due>> {
    let form = Form::preferred(&db.accepted());
    db.read((), filter, move |tx, (), filter| {
        let scope = Scope::named(tx, &filter.team, &filter.owner)?;
        let due = load::due(tx, &scope)?;
        form.answer(tx, due, text::table)
    })
    .await
}
