//! Triage: every KPI that needs a person, in one call.
//!
//! A KPI stands in exactly one group, by its health on the day; every row carries its open episode
//! and its remedies. Beside them stand the active objectives that heal nothing.

mod before;
mod group;
mod load;
mod loose_ends;
mod orphans;
mod text;

pub use before::{TriageBefore, TriageLeft};
pub use group::TriageGroup;
use load::Wanted;
pub use load::{
    Placed, Scope, failed, kpis_in, links_by, of_group, placed, placed_at, recovered_since, treatments,
    triage,
};
use loose_ends::LooseEnds;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Db, Reads};
use crate::care::acceptance::Accepted;
use crate::care::compared;
use crate::care::text::Form;
use crate::http::{Answer, Name, PlainText, Query, Routes, routes};
use crate::kpis::derive::AsOf;
use crate::kpis::kpis::{CurrentValue, Display, KpiFreshness, KpiKey, KpiTarget, OpenEpisode};
use crate::kpis::row::Category;
use crate::kpis::targets::Bounds;
use crate::maths::word::words;
use crate::maths::{Cadence, ClosedBy, Health, HealthReason, RemedyOutcome, Trend};
use crate::okrs::cycles::CycleRef;
use crate::okrs::objectives::{ObjectiveRef, ObjectiveState};
use crate::people::members::MemberRef;
use crate::people::teams::TeamRef;
use crate::store::{CycleId, Day, GuardrailId, KpiId, MemberId, Moment, ObjectiveId, RemedyId, TeamId};

/// The paths of triage.
pub fn routes() -> Routes {
    routes! { "triage",
        "/v1/workspaces/{workspace}/triage" {
            /// Show every KPI that needs a person.
            /// Never paged: one list per group, the worst first. `Accept: text/plain` answers a table of at most 80
            /// columns. With `as_of` or `known_at` it is shown as it stood then; names and owners are as they are now.
            /// `compare_to` puts beside each row where it stood on an earlier day, and lists what has left.
            GET show_triage,
        }
    }
}

/// What triage looks at. A key that stands several times means "or".
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TriageFilter {
    /// Only KPIs and objectives of these teams and of those under them: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
    /// Only KPIs and objectives of these owners: a member's id, or `me`.
    #[serde(default)]
    owner: Vec<String>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
    /// Beside each row, where it stood when this day ended; not after the day that is shown.
    #[param(inline)]
    #[serde(default)]
    compare_to: Option<Day>,
    /// `loose_ends` adds work whose reason is gone, and work that moved nothing.
    #[param(inline)]
    #[serde(default)]
    include: Vec<TriageInclude>,
}

words! {
    /// What triage can show besides.
    pub enum TriageInclude {
        /// Work whose reason is gone, and work that moved nothing.
        LooseEnds = "loose_ends",
    }
}
crate::http::words::impl_wire_words!(TriageInclude);

/// Every KPI that needs a person, each in exactly one group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Triage {
    /// The day that it shows; today is shown as it is now.
    pub as_of: Day,
    /// The day with which it is compared; null where none was asked for.
    pub compared_to: Option<Day>,
    /// How many stand in each group.
    pub counts: TriageCounts,
    /// Unhealthy, nothing treats them, and no remedy failed in this episode. The worst first.
    pub untreated: Vec<TriageRow>,
    /// Unhealthy, nothing treats them, and a remedy failed since the episode opened. The worst first.
    pub failed: Vec<TriageRow>,
    /// Unhealthy, and a remedy treats them or may still show its effect. The worst first.
    pub in_treatment: Vec<TriageRow>,
    /// Outside their target but within the tolerance. The worst first.
    pub at_risk: Vec<TriageRow>,
    /// Healthy for longer, but getting worse, or forecast to leave their target within two periods. The soonest first.
    pub slipping: Vec<TriageRow>,
    /// Nobody can tell: those that never had a value first, then the longest stale.
    pub unknown: Vec<TriageRow>,
    /// Healthy, and an episode closed in the last 30 days, remedied or not. The newest first.
    pub recovered: Vec<TriageRow>,
    /// Active objectives that heal no KPI, have no parent and support no other: a fact, not a fault. The longest
    /// active first.
    pub orphans: Vec<Orphan>,
    /// With `include=loose_ends`: work whose reason is gone, and work that moved nothing; else null.
    pub loose_ends: Option<LooseEnds>,
    /// With `compare_to`: the KPIs that needed a person then and need nobody now, by key; else none.
    pub left: Vec<TriageLeft>,
}

/// How many stand in each group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TriageCounts {
    /// Unhealthy KPIs that nothing treats.
    #[schema(minimum = 0)]
    pub untreated: usize,
    /// Unhealthy KPIs whose remedy failed.
    #[schema(minimum = 0)]
    pub failed: usize,
    /// Unhealthy KPIs in treatment.
    #[schema(minimum = 0)]
    pub in_treatment: usize,
    /// KPIs at risk.
    #[schema(minimum = 0)]
    pub at_risk: usize,
    /// Healthy KPIs that are slipping.
    #[schema(minimum = 0)]
    pub slipping: usize,
    /// KPIs of which nobody can tell.
    #[schema(minimum = 0)]
    pub unknown: usize,
    /// KPIs that recovered lately.
    #[schema(minimum = 0)]
    pub recovered: usize,
    /// All other healthy KPIs: they need nobody and are not listed. With the seven before, all KPIs.
    #[schema(minimum = 0)]
    pub healthy: usize,
    /// Active objectives that heal no KPI.
    #[schema(minimum = 0)]
    pub orphans: usize,
    /// Guardrails of active objectives that are breached: those of KPIs that need nobody too.
    #[schema(minimum = 0)]
    pub breached_guardrails: usize,
}

/// A KPI that needs a person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TriageRow {
    /// The KPI's id.
    pub id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// What part of the organisation it watches.
    pub category: Category,
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
    /// Why the health is unknown, or that an unhealthy value is stale.
    pub health_reason: Option<HealthReason>,
    /// The health last seen, where the present one is unknown.
    pub last_known: Option<Health>,
    /// The first day of the stretch of periods judged like the current one.
    pub since: Option<Day>,
    /// The current value; null without one.
    pub current: Option<CurrentValue>,
    /// The healthy band by which the current value is judged.
    pub target: Option<KpiTarget>,
    /// The wider band beyond which it is serious, in the KPI's unit.
    pub tolerance: Option<Bounds>,
    /// The nearest healthy bound minus the current value, in the KPI's unit.
    pub gap: Option<f64>,
    /// How bad the gap is, comparable between KPIs: |gap| over the distance from target to tolerance on the broken
    /// side, without a tolerance over the mean moving range of the last 24 complete periods. Null without either.
    #[schema(minimum = 0, example = 1.5)]
    pub severity: Option<f64>,
    /// Whether the current value is recent enough.
    pub freshness: KpiFreshness,
    /// Where its complete periods are going; null without a target, and with fewer than six of them.
    pub trend: Option<Trend>,
    /// The first day of the period on which the forecast leaves the target, where that is one of the next two.
    pub leaves_on: Option<Day>,
    /// The open episode; null where none is open.
    pub episode: Option<OpenEpisode>,
    /// The latest closed episode.
    pub last_episode: Option<ClosedEpisode>,
    /// Until when it is accepted as it is, that day included; null where it is not. It stands last in its group then.
    pub accepted_until: Option<Day>,
    /// The decision that accepts it, by whom and why; null where it is not accepted.
    pub accepted: Option<Accepted>,
    /// Its remedies that were not withdrawn, the newest first.
    pub remedies: Vec<TriageRemedy>,
    /// The guardrails that active objectives have on it, in the order of their making.
    pub guardrails: Vec<TriageGuardrail>,
    /// With `compare_to`: where it stood then; null without it, and where it was not there to be looked at.
    pub before: Option<TriageBefore>,
}

/// A stretch in which a KPI was unhealthy, and that is over.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ClosedEpisode {
    /// The first day of the period that opened it.
    pub opened_on: Day,
    /// The last day of the period that closed it, or the date of its newest point while that period runs.
    pub closed_on: Day,
    /// What closed it: the value, or a target that was moved.
    pub closed_by: ClosedBy,
}

/// A remedy, where its KPI is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TriageRemedy {
    /// The remedy's id.
    pub id: RemedyId,
    /// The objective that is to heal the KPI.
    pub objective: ObjectiveRef,
    /// What became of it.
    pub outcome: RemedyOutcome,
    /// 1 - |gap now| / |gap at the baseline|; null without a gap at the baseline.
    #[schema(example = 0.6)]
    pub share_of_gap_closed: Option<f64>,
}

/// A guardrail, where the KPI is shown that must not be harmed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TriageGuardrail {
    /// The guardrail's id.
    pub id: GuardrailId,
    /// The active objective that must not harm the KPI.
    pub objective: ObjectiveRef,
    /// Whether the KPI has been harmed since it was linked, and is not healed.
    pub breached: bool,
    /// The day of the present breach; null while it holds.
    pub breached_on: Option<Day>,
}

/// An active objective that heals no KPI.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Orphan {
    /// The objective's id.
    pub id: ObjectiveId,
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
    /// When it became active.
    pub activated_at: Option<Moment>,
}

async fn show_triage(db: Db<Reads>, filter: Query<TriageFilter>) -> Answer<PlainText<Triage>> {
    let form = Form::preferred(&db.accepted());
    db.read((), filter, move |tx, (), filter| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let scope = Scope::named(tx, &filter.team, &filter.owner)?;
        let before = compared::before(tx, filter.compare_to, view.as_ref())?;
        let wanted = Wanted { view, before, include: filter.include };
        let triage = load::triage(tx, &scope, &wanted)?;
        form.answer(tx, triage, text::table)
    })
    .await
}
