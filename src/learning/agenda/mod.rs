//! The agenda of a review: what got better first, then what changed, what nobody treats, what is blocked, and what was
//! to be looked at again.
//!
//! Since the last review, where nobody says since when. Meetings that begin with what worked keep people coming.

mod load;
mod text;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Db, Reads};
use crate::care::text::Form;
use crate::care::triage::{Scope, TriageRow};
use crate::http::{Answer, Code, Name, PlainText, Query, Refusals, Refuses, Routes, routes};
use crate::kpis::kpis::KpiRef;
use crate::learning::decisions::Decision;
use crate::maths::{Health, Trend};
use crate::okrs::key_results::KeyResult;
use crate::people::members::MemberRef;
use crate::people::teams::TeamRef;
use crate::store::{Day, KpiId, MemberId, ObjectiveId, TeamId};

/// The paths of the agenda.
pub fn routes() -> Routes {
    routes! { "reviews",
        "/v1/workspaces/{workspace}/agenda" {
            /// Show what a review should talk about, in its order.
            /// Never paged. Without `since` it is what happened since the last review, and without one in 7 days.
            /// `Accept: text/plain` answers a table of at most 80 columns.
            GET show_agenda,
        }
    }
}

/// Whose review it is, and since when it looks back. A key that stands several times means "or".
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AgendaFilter {
    /// Only what belongs to these teams and to those under them: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
    /// The first day that counts, not in the future. By default that of the last review that these teams, or anybody,
    /// held; without one 7 days ago.
    #[param(inline)]
    since: Option<Day>,
}

/// What a review should talk about, in its order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Agenda {
    /// The day, in the workspace's time zone.
    pub as_of: Day,
    /// The first day that counts.
    pub since: Day,
    /// How many of each.
    pub counts: AgendaCounts,
    /// KPIs that are healthy, and of which an episode closed since: the newest first.
    pub recovered: Vec<TriageRow>,
    /// Objectives that were closed as achieved since: the newest first.
    pub achieved: Vec<AchievedObjective>,
    /// KPIs that show another health or trend than before, by key.
    pub changed: Vec<ChangedKpi>,
    /// Unhealthy KPIs that nothing treats: the worst first, those that are accepted for a while last.
    pub untreated: Vec<TriageRow>,
    /// Unhealthy KPIs that nothing treats, and of which a remedy failed in this episode.
    pub failed: Vec<TriageRow>,
    /// Key results of active objectives in whose way something stands, by title.
    pub blocked: Vec<KeyResult>,
    /// Decisions that were to be looked at again by today: the longest due first.
    pub revisit: Vec<Decision>,
}

/// How many things there are to talk about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgendaCounts {
    /// KPIs that recovered.
    #[schema(minimum = 0)]
    pub recovered: usize,
    /// Objectives that were achieved.
    #[schema(minimum = 0)]
    pub achieved: usize,
    /// KPIs that show something else.
    #[schema(minimum = 0)]
    pub changed: usize,
    /// KPIs that nothing treats.
    #[schema(minimum = 0)]
    pub untreated: usize,
    /// KPIs whose remedy failed.
    #[schema(minimum = 0)]
    pub failed: usize,
    /// Key results in whose way something stands.
    #[schema(minimum = 0)]
    pub blocked: usize,
    /// Decisions to be looked at again.
    #[schema(minimum = 0)]
    pub revisit: usize,
}

/// An objective that was closed as achieved.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AchievedObjective {
    /// The objective's id.
    pub id: ObjectiveId,
    /// Where it went.
    pub title: Name,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
    /// The team that it belongs to.
    pub team_id: Option<TeamId>,
    /// The team that it belongs to, by name.
    pub team: Option<TeamRef>,
    /// The day on which it was closed.
    pub closed_on: Day,
    /// Its score, 0 to 1; null without one.
    #[schema(minimum = 0, maximum = 1, example = 0.9)]
    pub score: Option<f64>,
}

/// A KPI that shows something else than before.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangedKpi {
    /// The KPI's id.
    pub kpi_id: KpiId,
    /// The KPI, as a page shows it.
    pub kpi: KpiRef,
    /// Its health before and after; null where that is the same.
    pub health: Option<HealthChange>,
    /// Where it was going before, and where it goes; null where that is the same.
    pub trend: Option<TrendChange>,
}

/// A health before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthChange {
    /// Before the first change.
    pub from: Health,
    /// After the last one.
    pub to: Health,
}

/// A trend before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrendChange {
    /// Before the first change; null where there was none.
    pub from: Option<Trend>,
    /// After the last one; null where there is none.
    pub to: Option<Trend>,
}

enum InTheFuture {}
impl Refusals for InTheFuture {
    const CODES: &'static [Code] = &[Code::ValidationFailed];
}

async fn show_agenda(
    db: Db<Reads>,
    filter: Query<AgendaFilter>,
    _: Refuses<InTheFuture>,
) -> Answer<PlainText<Agenda>> {
    let form = Form::preferred(&db.accepted());
    db.read((), filter, move |tx, (), filter| {
        let scope = Scope::named(tx, &filter.team, &[])?;
        let agenda = load::agenda(tx, &scope, filter.since)?;
        form.answer(tx, agenda, text::table)
    })
    .await
}
