//! Showing KPIs: rows and their pictures become what the API answers, in few statements for a whole page.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::Date;

use super::advice::advise;
use super::formula::{self, KpiFormula};
use super::keys;
use super::picture::{self, Picture, Recent, pictures};
use super::segment::{self, SegmentOf};
use super::wire::{
    CurrentValue, Display, Kpi, KpiFreshness, KpiRef, KpiRights, KpiTarget, OpenEpisode, Playbook,
    RecentPeriod, RemedyCounts, RunningValue, Settings,
};
use crate::access::{Action, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::kpis::derive::View;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::kpis::targets::Bounds;
use crate::maths::{DatedTarget, KpiState, change_is_good};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamRef};
use crate::store::schema::kpis;
use crate::store::{Day, KpiId, MemberId, StoreError, TeamId, Tx};

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
    show_with_advice(tx, pictures, view, sparkline)
}

/// KPIs whose pictures are known already, with what would make them more useful.
pub fn show_with_advice(
    tx: &mut Scoped,
    pictures: Vec<Picture>,
    view: Option<&View>,
    sparkline: Sparkline,
) -> Result<Vec<Kpi>> {
    let mut advice = advise(tx, &pictures, view)?;
    let mut shown = show_pictures(tx, pictures, view, sparkline)?;
    for kpi in &mut shown {
        kpi.advice = advice.remove(&kpi.id).unwrap_or_default();
    }
    Ok(shown)
}

/// One KPI as the API shows it now.
pub fn show_one(tx: &mut Scoped, row: KpiRow) -> Result<Kpi> {
    let shown = show(tx, vec![row], None, Sparkline::LeftOut)?;
    shown.into_iter().next().ok_or_else(Problem::not_found)
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
    formulas: HashMap<KpiId, KpiFormula>,
    segments: HashMap<KpiId, SegmentOf>,
    wholes: HashMap<KpiId, KpiRow>,
}

/// KPIs whose pictures are known already, without advice.
pub fn show_pictures(
    tx: &mut Scoped,
    pictures: Vec<Picture>,
    view: Option<&View>,
    sparkline: Sparkline,
) -> Result<Vec<Kpi>> {
    let workspace = tx.here()?;
    let calendar = tx.workspace()?.calendar();
    let ids: Vec<KpiId> = pictures.iter().map(|picture| picture.row.id).collect();
    let rows: Vec<&KpiRow> = pictures.iter().map(|picture| &picture.row).collect();
    let segments = segment::of(tx, &ids)?;
    let wholes: Vec<KpiId> = segments.values().map(|segment| segment.whole).collect();
    let mut wholes = KpiRow::by_ids(tx, &wholes)?;
    wholes.retain(|_, row| tx.sees(&row.facts()));
    let mut names = Names {
        segments,
        wholes,
        formulas: formula::show(tx, &rows, view)?,
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
    let is_in_use = row.archived_at.is_none();
    let recent = match sparkline {
        Sparkline::LeftOut => None,
        Sparkline::Shown => {
            let recent = recent.or_else(|| names.recent.remove(&row.id)).unwrap_or_default();
            Some(recent.into_iter().map(RecentPeriod::from).collect())
        }
    };
    let target = state.target;
    let segment = names.segments.remove(&row.id);
    let whole = segment.as_ref().and_then(|segment| names.wholes.get(&segment.whole));
    Kpi {
        segment_of_id: whole.map(|whole| whole.id),
        segment_of: whole.map(KpiRef::from),
        segment_dimension: segment.map(|segment| segment.dimension),
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
        trend: state.trend,
        leaves_on: state.leaves_on.map(Day::from),
        episode: state.episode.map(|episode| OpenEpisode {
            opened_on: episode.opened_on.into(),
            opening_value: episode.opening_value,
            worst_value: episode.worst_value,
            worst_on: episode.worst_on.into(),
            closed_on: episode.closed_on.map(Day::from),
            closed_by: episode.closed_by,
        }),
        remedies: RemedyCounts {
            active: row.active_remedies,
            planned: row.planned_remedies,
            failed: row.failed_remedies,
        },
        advice: Vec::new(),
        tags: row.tags(),
        aliases: names.aliases.remove(&row.id).unwrap_or_default(),
        formula: names.formulas.remove(&row.id),
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
            post_points: is_in_use && row.formula.is_none() && can(Action::PostPoints),
            archive: can(Action::Archive),
            prescribe: is_in_use && can(Action::Prescribe),
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

impl From<Recent> for RecentPeriod {
    fn from(recent: Recent) -> Self {
        Self { starts_on: recent.starts_on, value: recent.value, health: recent.health }
    }
}
