//! A KPI as the API shows it, to lists, to single answers and to other slices alike.

use serde::Serialize;
use utoipa::ToSchema;

use super::fields::{Currency, KpiAlias, Stretch};
use super::formula::KpiFormula;
use super::segment::Dimension;
use crate::access::Visibility;
use crate::http::advice::Advice;
use crate::http::page::page_type;
use crate::http::text::{Description, KpiKey, Name, Note, PeriodName, Tag, Unit};
use crate::kpis::row::{Category, DisplayStyle, Indicator, KpiRow};
use crate::kpis::targets::Bounds;
use crate::maths::{Aggregation, Cadence, ClosedBy, Freshness, Health, HealthReason, Trend};
use crate::people::members::MemberRef;
use crate::people::teams::TeamRef;
use crate::store::{Day, KpiId, MemberId, Moment, TeamId};

/// A KPI, as other things show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KpiRef {
    /// The KPI's id.
    pub id: KpiId,
    /// The KPI's key.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// The KPI's name.
    #[schema(value_type = Name)]
    pub name: String,
}

impl From<&KpiRow> for KpiRef {
    fn from(row: &KpiRow) -> Self {
        Self { id: row.id, key: row.key.clone(), name: row.name.clone() }
    }
}

/// A KPI: a measure, its target and what it shows now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Kpi {
    /// Its id.
    pub id: KpiId,
    /// Its key, usable wherever its id is.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// How often people changed its own fields and targets.
    #[schema(minimum = 1)]
    pub version: i32,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// What exactly is measured, and how.
    #[schema(value_type = Option<Description>)]
    pub definition: Option<String>,
    /// What part of the organisation it watches.
    pub category: Category,
    /// How often it is measured.
    pub cadence: Cadence,
    /// How the points of a period become its value.
    pub aggregation: Aggregation,
    /// Whether it moves before what it stands for, or after.
    pub indicator: Option<Indicator>,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
    /// The team that it belongs to; null where it is the whole organisation's.
    pub team_id: Option<TeamId>,
    /// The team that it belongs to, by name.
    pub team: Option<TeamRef>,
    /// How its values are shown to people.
    pub display: Display,
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
    /// The running period of a sum, beside the current value; null for all others and without a point in it.
    pub running: Option<RunningValue>,
    /// The healthy band by which the current value is judged; without a value, the one in force today.
    pub target: Option<KpiTarget>,
    /// The wider band beyond which it is serious, in the KPI's unit.
    pub tolerance: Option<Bounds>,
    /// The nearest healthy bound minus the current value, in the KPI's unit: positive must rise, negative must
    /// fall, 0 is healthy.
    pub gap: Option<f64>,
    /// Whether the current value is recent enough.
    pub freshness: KpiFreshness,
    /// Where its complete periods are going; null without a target, and with fewer than six of them.
    pub trend: Option<Trend>,
    /// The first day of the period on which its forecast leaves the target, where that is one of the next two; it
    /// slips then, as it does where it is healthy and its trend deteriorates.
    pub leaves_on: Option<Day>,
    /// The open episode; null where none is open.
    pub episode: Option<OpenEpisode>,
    /// What is being done about it.
    pub remedies: RemedyCounts,
    /// The decision that it supports.
    #[schema(value_type = Option<Note>)]
    pub decision: Option<String>,
    /// What to do when it is not healthy.
    pub playbook: Playbook,
    /// What would make it more useful; refuses nothing.
    #[schema(max_items = 50)]
    pub advice: Vec<Advice>,
    /// Its tags.
    #[schema(value_type = Vec<Tag>, max_items = 20)]
    pub tags: Vec<String>,
    /// Its names in other systems, in order.
    #[schema(value_type = Vec<KpiAlias>, max_items = 20)]
    pub aliases: Vec<String>,
    /// What it is computed from; null where it has points of its own.
    pub formula: Option<KpiFormula>,
    /// The KPI that it is a segment of; null where it is none, and where that one is private to others.
    pub segment_of_id: Option<KpiId>,
    /// The same, as a page shows it.
    pub segment_of: Option<KpiRef>,
    /// By what that KPI is divided.
    #[schema(value_type = Option<Dimension>)]
    pub segment_dimension: Option<String>,
    /// The settings that decide what its points mean, as they take effect.
    pub settings: Settings,
    /// Who may see it.
    pub visibility: Visibility,
    /// The KPI that took its place.
    pub replaced_by: Option<KpiId>,
    /// When it was archived; null while it is in use.
    pub archived_at: Option<Moment>,
    /// When it was made.
    pub created_at: Moment,
    /// When people last changed it.
    pub updated_at: Moment,
    /// What the caller may do with it.
    pub can: KpiRights,
    /// With `include=recent`: the newest 12 periods that hold a point, oldest first; else null.
    #[schema(max_items = 12)]
    pub recent: Option<Vec<RecentPeriod>>,
}
page_type!(KpiPage, Kpi);

/// How values are shown to people.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Display {
    /// The style.
    pub style: DisplayStyle,
    /// The currency (ISO 4217), with the style `currency`.
    #[schema(value_type = Option<Currency>)]
    pub currency: Option<String>,
    /// Digits after the decimal point.
    #[schema(minimum = 0, maximum = 9)]
    pub precision: Option<i32>,
    /// The unit.
    #[schema(value_type = Option<Unit>)]
    pub unit: Option<String>,
}

/// The value that a KPI shows: of its latest period that holds a point, for a sum of the latest complete one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CurrentValue {
    /// The name of the period: a day, ISO week, month, quarter or year; of an irregular KPI the day.
    #[schema(value_type = PeriodName)]
    pub period: String,
    /// The first day of the period.
    pub starts_on: Day,
    /// The value, in the KPI's unit; null where it is not finite.
    #[schema(example = 4.2)]
    pub value: Option<f64>,
    /// Whether the period has ended.
    pub complete: bool,
    /// The value minus the one of the nearest earlier period that has one, in the KPI's unit.
    pub change: Option<f64>,
    /// The change over the magnitude of the earlier value; null where that is 0.
    pub change_ratio: Option<f64>,
    /// Whether the change is for the better; null without a target, without a change, or where it is neither.
    pub change_is_good: Option<bool>,
}

/// The period of a sum that runs now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunningValue {
    /// The name of the period.
    #[schema(value_type = PeriodName)]
    pub period: String,
    /// The first day of the period.
    pub starts_on: Day,
    /// The value so far, in the KPI's unit; null where it is not finite.
    pub value: Option<f64>,
    /// The whole target of the period, in the KPI's unit.
    pub target: Option<Bounds>,
    /// What is expected by today: the target times elapsed over total days, in the KPI's unit.
    pub expected: Option<Bounds>,
    /// How it is doing so far: healthy within what is expected by today, a floor once it is met; unhealthy only
    /// where a ceiling is passed already, since the rest of the period cannot mend that.
    pub health: Health,
    /// Days of the period that have begun, today included.
    #[schema(minimum = 1)]
    pub elapsed_days: i64,
    /// Days of the period.
    #[schema(minimum = 1)]
    pub total_days: i64,
}

/// A KPI's healthy band, and since when it holds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct KpiTarget {
    /// The first day on which it holds; null where it holds from the beginning.
    pub effective_from: Option<Day>,
    /// The lower end, in the KPI's unit.
    #[schema(example = 80.0)]
    pub min: Option<f64>,
    /// The upper end, in the KPI's unit.
    pub max: Option<f64>,
}

/// Whether a KPI's current value is recent enough.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct KpiFreshness {
    /// Whether it is.
    pub state: Freshness,
    /// The day on which the next value is overdue.
    pub due_on: Option<Day>,
    /// The day on which the value says nothing about today any more.
    pub stale_on: Option<Day>,
}

/// The episode that a KPI is in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct OpenEpisode {
    /// The first day of the period that opened it.
    pub opened_on: Day,
    /// The value of that period, in the KPI's unit.
    pub opening_value: f64,
    /// The value farthest from its own period's target, in the KPI's unit.
    pub worst_value: f64,
    /// The first day of the period with that value.
    pub worst_on: Day,
    /// Null while it is open.
    pub closed_on: Option<Day>,
    /// Null while it is open.
    pub closed_by: Option<ClosedBy>,
}

/// How many remedies a KPI has.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RemedyCounts {
    /// Those that treat it now.
    #[schema(minimum = 0)]
    pub active: i32,
    /// Those whose objective is a draft.
    #[schema(minimum = 0)]
    pub planned: i32,
    /// Those that failed in the present episode.
    #[schema(minimum = 0)]
    pub failed: i32,
}

/// What to do when a KPI is not healthy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Playbook {
    /// When it is at risk.
    #[schema(value_type = Option<Description>)]
    pub at_risk: Option<String>,
    /// When it is unhealthy.
    #[schema(value_type = Option<Description>)]
    pub unhealthy: Option<String>,
}

/// The settings of a KPI as they take effect: its own, or the defaults of its cadence.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Settings {
    /// Unhealthy periods in a row that open an episode.
    #[schema(minimum = 1, maximum = 12)]
    pub confirm_periods: u32,
    /// Healthy periods in a row that close it.
    #[schema(minimum = 1, maximum = 12)]
    pub recover_periods: u32,
    /// Calendar days from due to stale.
    #[schema(minimum = 0, maximum = 366)]
    pub grace_days: u32,
    /// How often a feed that should never pause is expected (ISO 8601); null where it may pause.
    #[schema(value_type = Option<Stretch>)]
    pub expect_every: Option<String>,
}

/// What the caller may do with a KPI.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct KpiRights {
    /// Change its fields and targets.
    pub edit: bool,
    /// Post, correct and delete its points.
    pub post_points: bool,
    /// Archive and restore it.
    pub archive: bool,
    /// Link or make an objective that is meant to heal it.
    pub prescribe: bool,
}

/// A period of a sparkline.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RecentPeriod {
    /// The first day of the period.
    pub starts_on: Day,
    /// The value, in the KPI's unit; null where it is not finite.
    pub value: Option<f64>,
    /// The value under the target in force on the period's last day.
    pub health: Health,
}
