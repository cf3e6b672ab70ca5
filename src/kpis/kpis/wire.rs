//! A KPI as the API shows it, to lists, to single answers and to other slices alike.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::keys;
use super::picture::{self, Picture, Recent, pictures};
use crate::access::{Action, Resource, Scoped};
use crate::http::Result;
use crate::http::page::page_type;
use crate::kpis::derive::View;
use crate::kpis::periods::period_name;
use crate::kpis::row::{Category, DisplayStyle, Indicator, KpiRow, Visibility};
use crate::kpis::targets::Bounds;
use crate::maths::word::words;
use crate::maths::{
    Aggregation, Cadence, ClosedBy, DatedTarget, Freshness, Health, HealthReason, KpiState, change_is_good,
};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamRef};
use crate::store::schema::kpis;
use crate::store::{Day, KpiId, MemberId, Moment, StoreError, TeamId, Tx};

words! {
    /// Where a KPI is going.
    pub enum Trend {
        /// It gets better.
        Improving = "improving",
        /// It gets worse.
        Deteriorating = "deteriorating",
        /// Neither.
        Steady = "steady",
    }
}
crate::http::words::impl_wire_words!(Trend);

/// A KPI, as other things show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KpiRef {
    /// The KPI's id.
    pub id: KpiId,
    /// The KPI's key.
    #[schema(example = "churn-rate")]
    pub key: String,
    /// The KPI's name.
    #[schema(example = "Churn rate")]
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
    #[schema(example = "churn-rate")]
    pub key: String,
    /// How often people changed its own fields and targets.
    #[schema(minimum = 1)]
    pub version: i32,
    /// What people call it.
    #[schema(example = "Churn rate")]
    pub name: String,
    /// What exactly is measured, and how.
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
    /// Where it is going; null where that is not known.
    pub trend: Option<Trend>,
    /// The open episode; null where none is open.
    pub episode: Option<OpenEpisode>,
    /// What is being done about it.
    pub remedies: RemedyCounts,
    /// The decision that it supports.
    pub decision: Option<String>,
    /// What to do when it is not healthy.
    pub playbook: Playbook,
    /// What would make it more useful; refuses nothing.
    pub advice: Vec<Advice>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its names in other systems, in order.
    pub aliases: Vec<String>,
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
    pub recent: Option<Vec<RecentPeriod>>,
}
page_type!(KpiPage, Kpi);

/// How values are shown to people.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Display {
    /// The style.
    pub style: DisplayStyle,
    /// The currency (ISO 4217), with the style `currency`.
    #[schema(example = "EUR")]
    pub currency: Option<String>,
    /// Digits after the decimal point.
    #[schema(minimum = 0, maximum = 9)]
    pub precision: Option<i32>,
    /// The unit.
    #[schema(example = "days")]
    pub unit: Option<String>,
}

/// The value that a KPI shows: of its latest period that holds a point, for a sum of the latest complete one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CurrentValue {
    /// The name of the period: a day, ISO week, month, quarter or year; of an irregular KPI the day.
    #[schema(example = "2026-03")]
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
    #[schema(example = "2026-04")]
    pub period: String,
    /// The first day of the period.
    pub starts_on: Day,
    /// The value so far, in the KPI's unit; null where it is not finite.
    pub value: Option<f64>,
    /// The whole target of the period, in the KPI's unit.
    pub target: Option<Bounds>,
    /// What is expected by today: the target times elapsed over total days, in the KPI's unit.
    pub expected: Option<Bounds>,
    /// The value so far under what is expected by today.
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
    pub at_risk: Option<String>,
    /// When it is unhealthy.
    pub unhealthy: Option<String>,
}

/// A piece of advice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Advice {
    /// Its stable name.
    #[schema(example = "no_definition")]
    pub code: String,
    /// What could be better.
    pub detail: String,
    /// What to do about it.
    pub fix: String,
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
    #[schema(example = "PT6H")]
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

impl From<Recent> for RecentPeriod {
    fn from(recent: Recent) -> Self {
        Self { starts_on: recent.starts_on, value: recent.value, health: recent.health }
    }
}

/// Whether the newest periods are shown with each KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sparkline {
    /// They are.
    Shown,
    /// They are not.
    LeftOut,
}

/// KPIs as the API shows them, in the order of the rows, in few statements.
pub fn show(
    tx: &mut Scoped,
    rows: Vec<KpiRow>,
    view: Option<&View>,
    sparkline: Sparkline,
) -> Result<Vec<Kpi>> {
    let pictures = pictures(tx, rows, view)?;
    show_pictures(tx, pictures, sparkline)
}

/// One KPI as the API shows it now.
pub fn show_one(tx: &mut Scoped, row: KpiRow) -> Result<Kpi> {
    let shown = show(tx, vec![row], None, Sparkline::LeftOut)?;
    shown.into_iter().next().ok_or_else(crate::http::Problem::not_found)
}

/// The short forms of some KPIs, for things that refer to them.
pub fn references(tx: &mut Tx, ids: &[KpiId]) -> Result<HashMap<KpiId, KpiRef>, StoreError> {
    let workspace = tx.workspace_id()?;
    let rows: Vec<(KpiId, String, String)> = kpis::table
        .filter(kpis::workspace_id.eq(workspace))
        .filter(kpis::id.eq_any(ids))
        .select((kpis::id, kpis::key, kpis::name))
        .load(tx.db())?;
    Ok(rows.into_iter().map(|(id, key, name)| (id, KpiRef { id, key, name })).collect())
}

/// What a page of KPIs refers to.
struct Names {
    owners: HashMap<MemberId, MemberRef>,
    teams: HashMap<TeamId, TeamRef>,
    aliases: HashMap<KpiId, Vec<String>>,
    recent: HashMap<KpiId, Vec<Recent>>,
}

/// KPIs whose pictures are known already.
pub fn show_pictures(tx: &mut Scoped, pictures: Vec<Picture>, sparkline: Sparkline) -> Result<Vec<Kpi>> {
    let workspace = tx.here()?;
    let calendar = tx.workspace()?.calendar();
    let ids: Vec<KpiId> = pictures.iter().map(|picture| picture.row.id).collect();
    let mut names = Names {
        owners: members::names(tx, workspace, pictures.iter().filter_map(|picture| picture.row.owner_id))?,
        teams: teams::names(tx, workspace, pictures.iter().filter_map(|picture| picture.row.team_id))?,
        aliases: keys::aliases(tx, &ids)?,
        recent: HashMap::new(),
    };
    if sparkline == Sparkline::Shown {
        let missing: Vec<KpiId> = pictures
            .iter()
            .filter(|picture| picture.recent.is_none())
            .map(|picture| picture.row.id)
            .collect();
        names.recent = picture::recent(tx, &calendar, &missing)?;
    }
    Ok(pictures.into_iter().map(|picture| one(tx, picture, &mut names, sparkline)).collect())
}

fn one(tx: &Scoped, picture: Picture, names: &mut Names, sparkline: Sparkline) -> Kpi {
    let Picture { row, state, targets, recent, judged_on, stored: _ } = picture;
    let (facts, settings) = (row.facts(), row.settings());
    let can = |action| tx.may(action, &facts);
    let recent = match sparkline {
        Sparkline::LeftOut => None,
        Sparkline::Shown => {
            let recent = recent.or_else(|| names.recent.remove(&row.id)).unwrap_or_default();
            Some(recent.into_iter().map(RecentPeriod::from).collect())
        }
    };
    let target = state.target;
    Kpi {
        id: row.id,
        version: row.version,
        category: row.category,
        cadence: row.cadence,
        aggregation: row.aggregation,
        indicator: row.indicator,
        owner_id: row.owner_id,
        owner: row.owner_id.and_then(|id| names.owners.get(&id).cloned()),
        team_id: row.team_id,
        team: row.team_id.and_then(|id| names.teams.get(&id).cloned()),
        health: state.health,
        health_reason: state.health_reason,
        last_known: state.last_known,
        since: state.since.map(Day::from),
        current: current(&row, &state),
        running: running(&row, &state),
        target: target.map(|target| KpiTarget {
            effective_from: begun(&targets, judged_on).map(Day::from),
            min: target.band.min,
            max: target.band.max,
        }),
        tolerance: target.and_then(|target| Bounds::unless_open(target.tolerance)),
        gap: state.gap,
        freshness: KpiFreshness {
            state: state.freshness,
            due_on: state.freshness_dates.map(|dates| dates.due_on.into()),
            stale_on: state.freshness_dates.map(|dates| dates.stale_on.into()),
        },
        trend: None,
        episode: state.episode.map(|episode| OpenEpisode {
            opened_on: episode.opened_on.into(),
            opening_value: episode.opening_value,
            worst_value: episode.worst_value,
            worst_on: episode.worst_on.into(),
            closed_on: episode.closed_on.map(Day::from),
            closed_by: episode.closed_by,
        }),
        remedies: RemedyCounts { active: row.active_remedies, planned: 0, failed: 0 },
        advice: Vec::new(),
        tags: row.tags(),
        aliases: names.aliases.remove(&row.id).unwrap_or_default(),
        settings: Settings {
            confirm_periods: settings.confirm_periods,
            recover_periods: settings.recover_periods,
            grace_days: settings.grace_days,
            expect_every: row.expect_every,
        },
        visibility: row.visibility,
        replaced_by: row.replaced_by,
        archived_at: row.archived_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        can: KpiRights {
            edit: can(Action::Edit),
            post_points: can(Action::PostPoints),
            archive: can(Action::Archive),
            prescribe: can(Action::Prescribe),
        },
        recent,
        key: row.key,
        name: row.name,
        definition: row.definition,
        display: Display {
            style: row.display_style,
            currency: row.currency,
            precision: row.display_precision,
            unit: row.unit,
        },
        decision: row.decision,
        playbook: Playbook { at_risk: row.playbook_at_risk, unhealthy: row.playbook_unhealthy },
    }
}

fn current(row: &KpiRow, state: &KpiState) -> Option<CurrentValue> {
    let current = state.current?;
    let values = current.previous.zip(current.value).zip(state.target);
    Some(CurrentValue {
        period: period_name(row.cadence, current.period.starts_on),
        starts_on: current.period.starts_on.into(),
        value: current.value,
        complete: current.complete,
        change: current.change,
        change_ratio: current.change_ratio,
        change_is_good: values
            .and_then(|((previous, value), target)| change_is_good(previous, value, &target.band)),
    })
}

fn running(row: &KpiRow, state: &KpiState) -> Option<RunningValue> {
    let running = state.running?;
    Some(RunningValue {
        period: period_name(row.cadence, running.period.starts_on),
        starts_on: running.period.starts_on.into(),
        value: running.value,
        target: running.target.and_then(|target| Bounds::unless_open(target.band)),
        expected: running.expected.and_then(|expected| Bounds::unless_open(expected.band)),
        health: running.health,
        elapsed_days: running.elapsed_days,
        total_days: running.total_days,
    })
}

/// From when on a target holds that is in force on a day.
fn begun(targets: &[DatedTarget], day: Date) -> Option<Date> {
    let begun = targets.iter().map(|dated| dated.effective_from);
    // `None`, the beginning of time, sorts before every date.
    begun.filter(|from| from.is_none_or(|from| from <= day)).max().flatten()
}
