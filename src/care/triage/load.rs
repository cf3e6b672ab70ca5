//! What triage shows, loaded in a number of statements that does not grow with the number of KPIs.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::group::{self, Facts, Group, Rank, RemedyFacts};
use super::{ClosedEpisode, Orphan, Triage, TriageCounts, TriageGuardrail, TriageRemedy, TriageRow};
use crate::access::Scoped;
use crate::care::guardrails;
use crate::care::remedies::{Ground, Of, RemedyRow, Seen, Standpoint, Told, made_by, reference};
use crate::http::Result;
use crate::kpis::derive::{self, View};
use crate::kpis::kpis::{Kpi, Picture, Sparkline, pictures, show_pictures};
use crate::kpis::row::KpiRow;
use crate::maths::RemedyOutcome;
use crate::okrs::cycles::CycleRow;
use crate::okrs::objectives::alignment::parents_at;
use crate::okrs::objectives::supports::links_at;
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState, RecordedState, states_at};
use crate::people::{members, teams};
use crate::store::schema::{cycles, kpis, objectives};
use crate::store::{CycleId, Day, KpiId, MemberId, ObjectiveId, StoreError, TeamId};

/// Whose KPIs and objectives are looked at; an empty list is everybody's.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Of these teams.
    pub teams: Vec<TeamId>,
    /// Of these owners.
    pub owners: Vec<MemberId>,
}

impl Scope {
    /// Whether something of an owner and a team is looked at.
    pub fn holds(&self, owner: Option<MemberId>, team: Option<TeamId>) -> bool {
        (self.owners.is_empty() || owner.is_some_and(|owner| self.owners.contains(&owner)))
            && (self.teams.is_empty() || team.is_some_and(|team| self.teams.contains(&team)))
    }
}

/// The teams that a filter names, with those under them.
pub fn team_scope(tx: &mut Scoped, named: &[String]) -> Result<Vec<TeamId>> {
    let named = teams::filtered(tx, "team", named)?;
    teams::with_sub_teams(tx, named)
}

/// Everything that triage shows, now or as it stood.
pub fn triage(tx: &mut Scoped, scope: &Scope, view: Option<&View>) -> Result<Triage> {
    let standpoint = Standpoint::of(tx, view)?;
    let links = standing(tx, &standpoint)?;
    let healing: HashSet<ObjectiveId> = links.iter().map(|link| link.objective_id).collect();
    let orphans = orphans(tx, scope, view, &standpoint, &healing)?;
    let kpis = kpis_in(tx, scope, view, &standpoint)?;
    let mut groups = placed(tx, kpis, links, view)?;
    let rows = groups.values().flatten();
    let breached_guardrails = rows.flat_map(|row| &row.guardrails).filter(|guard| guard.breached).count();
    let mut take = |group: Group| {
        let mut rows = groups.remove(&group).unwrap_or_default();
        rows.sort_by(|left, right| group::order(group, &rank(left), &rank(right)));
        rows
    };
    let triage = Triage {
        as_of: standpoint.today.into(),
        counts: TriageCounts::default(),
        untreated: take(Group::Untreated),
        failed: take(Group::Failed),
        in_treatment: take(Group::InTreatment),
        at_risk: take(Group::AtRisk),
        unknown: take(Group::Unknown),
        recovered: take(Group::Recovered),
        orphans,
    };
    let counts = TriageCounts {
        untreated: triage.untreated.len(),
        failed: triage.failed.len(),
        in_treatment: triage.in_treatment.len(),
        at_risk: triage.at_risk.len(),
        unknown: triage.unknown.len(),
        recovered: triage.recovered.len(),
        healthy: take(Group::Healthy).len(),
        orphans: triage.orphans.len(),
        breached_guardrails,
    };
    Ok(Triage { counts, ..triage })
}

/// The remedies that stood. Those that were withdrawn treat nothing, and are not shown.
pub fn standing(tx: &mut Scoped, standpoint: &Standpoint) -> Result<Vec<RemedyRow>> {
    let mut links = made_by(tx, Of::Workspace, standpoint.recorded_by)?;
    links.retain(|link| !link.is_withdrawn_by(standpoint.recorded_by));
    Ok(links)
}

/// KPIs as triage shows them, each in its group, in no order.
pub fn placed(
    tx: &mut Scoped,
    kpis: Vec<KpiRow>,
    mut links: Vec<RemedyRow>,
    view: Option<&View>,
) -> Result<HashMap<Group, Vec<TriageRow>>> {
    let standpoint = Standpoint::of(tx, view)?;
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let shown: HashSet<KpiId> = ids.iter().copied().collect();
    links.retain(|link| shown.contains(&link.kpi_id));
    let mut guards = guards(tx, &ids, view)?;
    let (pictures, ground) = look(tx, kpis, &links, view)?;
    let mut treatments = treatments(&links, &ground);
    let closed: HashMap<KpiId, ClosedEpisode> =
        pictures.iter().filter_map(|picture| Some((picture.row.id, closed_episode(picture)?))).collect();
    let severities: HashMap<KpiId, f64> = pictures
        .iter()
        .filter_map(|picture| Some((picture.row.id, picture.stored.as_ref()?.severity?)))
        .collect();

    let mut groups: HashMap<Group, Vec<TriageRow>> = HashMap::new();
    for kpi in show_pictures(tx, pictures, Sparkline::LeftOut)? {
        let (remedies, facts) = treatments.remove(&kpi.id).unwrap_or_default();
        let last_episode = closed.get(&kpi.id).copied();
        let group = group::group(&Facts {
            health: kpi.health,
            opened_on: kpi.episode.map(|episode| episode.opened_on.date()),
            closed_on: last_episode.map(|episode| episode.closed_on.date()),
            remedies: &facts,
            today: standpoint.today,
        });
        let severity = severities.get(&kpi.id).copied();
        let guardrails = guards.remove(&kpi.id).unwrap_or_default();
        let row = TriageRow { guardrails, ..row(kpi, severity, last_episode, remedies) };
        groups.entry(group).or_default().push(row);
    }
    Ok(groups)
}

/// The guardrails that active objectives have on KPIs.
fn guards(
    tx: &mut Scoped,
    kpis: &[KpiId],
    view: Option<&View>,
) -> Result<HashMap<KpiId, Vec<TriageGuardrail>>> {
    let recorded_by = Standpoint::of(tx, view)?.recorded_by;
    let rows = guardrails::standing_at(tx, guardrails::Of::Kpis(kpis), recorded_by)?;
    let mut found: HashMap<KpiId, Vec<TriageGuardrail>> = HashMap::new();
    if rows.is_empty() {
        return Ok(found);
    }
    let ground = guardrails::Ground::load(tx, &rows, view)?;
    for row in rows {
        let Some((objective, breach)) = ground.objectives.get(&row.objective_id).zip(ground.breach(&row))
        else {
            continue;
        };
        match objective.state {
            RecordedState::Draft | RecordedState::Closed | RecordedState::Archived => {}
            RecordedState::Active => found.entry(row.kpi_id).or_default().push(TriageGuardrail {
                id: row.id,
                objective: reference(objective),
                breached: breach.is_open(),
                breached_on: breach.breached_on.map(Day::from),
            }),
        }
    }
    Ok(found)
}

/// The KPIs that are looked at: those in the archive have left.
pub fn kpis_in(
    tx: &mut Scoped,
    scope: &Scope,
    view: Option<&View>,
    standpoint: &Standpoint,
) -> Result<Vec<KpiRow>> {
    let mut query = kpis::table.filter(kpis::workspace_id.eq(tx.here()?)).into_boxed();
    if !scope.teams.is_empty() {
        query = query.filter(kpis::team_id.eq_any(scope.teams.clone()));
    }
    if !scope.owners.is_empty() {
        query = query.filter(kpis::owner_id.eq_any(scope.owners.clone()));
    }
    query = match view {
        None => query.filter(kpis::archived_at.is_null()),
        Some(_) => query.filter(
            kpis::archived_at.is_null().or(kpis::archived_at.assume_not_null().gt(standpoint.recorded_by)),
        ),
    };
    // What was not recorded by then was not known; a KPI that was made later has points of before.
    if let Some(known_at) = view.and_then(|view| view.known_at) {
        query = query.filter(kpis::created_at.le(known_at));
    }
    Ok(query.order(kpis::key).load(tx.db())?)
}

/// What the KPIs show, and all that the outcomes of their remedies follow from.
fn look(
    tx: &mut Scoped,
    kpis: Vec<KpiRow>,
    links: &[RemedyRow],
    view: Option<&View>,
) -> Result<(Vec<Picture>, Ground)> {
    match view {
        None => {
            let remedied: HashSet<KpiId> = links.iter().map(|link| link.kpi_id).collect();
            let rows: Vec<KpiRow> = kpis.iter().filter(|kpi| remedied.contains(&kpi.id)).cloned().collect();
            let ground = Ground::load(tx, links, &rows, None)?;
            Ok((pictures(tx, kpis, None)?, ground))
        }
        Some(view) => {
            let mut histories = derive::histories(tx, &kpis, view)?;
            let seen = histories.iter().map(|(id, history)| (*id, Seen::from(history))).collect();
            let ground = Ground::with(tx, links, seen, Some(view))?;
            let pictures = kpis.into_iter().filter_map(|kpi| {
                let history = histories.remove(&kpi.id)?;
                Some(Picture::of_history(kpi, history))
            });
            Ok((pictures.collect(), ground))
        }
    }
}

type Treatment = (Vec<TriageRemedy>, Vec<RemedyFacts>);

/// The remedies of each KPI, as they are shown and as the rules see them, the newest first.
fn treatments(links: &[RemedyRow], ground: &Ground) -> HashMap<KpiId, Treatment> {
    let mut found: HashMap<KpiId, Treatment> = HashMap::new();
    for link in links {
        let Some((told, objective)) = ground.told(link).zip(ground.objectives.get(&link.objective_id)) else {
            continue;
        };
        let Told { outcome, share_of_gap_closed, objective: standing, .. } = told;
        // Its objective went into the archive.
        if outcome == RemedyOutcome::Withdrawn {
            continue;
        }
        let (shown, facts) = found.entry(link.kpi_id).or_default();
        shown.push(TriageRemedy {
            id: link.id,
            objective: reference(objective),
            outcome,
            share_of_gap_closed,
        });
        facts.push(RemedyFacts { outcome, objective: standing });
    }
    found
}

fn closed_episode(picture: &Picture) -> Option<ClosedEpisode> {
    let stored = picture.stored.as_ref()?;
    Some(ClosedEpisode {
        opened_on: stored.closed_opened_on?,
        closed_on: stored.closed_on?,
        closed_by: stored.closed_by?,
    })
}

fn row(
    kpi: Kpi,
    severity: Option<f64>,
    last_episode: Option<ClosedEpisode>,
    remedies: Vec<TriageRemedy>,
) -> TriageRow {
    TriageRow {
        id: kpi.id,
        key: kpi.key,
        name: kpi.name,
        category: kpi.category,
        cadence: kpi.cadence,
        display: kpi.display,
        owner_id: kpi.owner_id,
        owner: kpi.owner,
        team_id: kpi.team_id,
        team: kpi.team,
        health: kpi.health,
        health_reason: kpi.health_reason,
        last_known: kpi.last_known,
        since: kpi.since,
        current: kpi.current,
        target: kpi.target,
        tolerance: kpi.tolerance,
        gap: kpi.gap,
        severity,
        freshness: kpi.freshness,
        episode: kpi.episode,
        last_episode,
        accepted_until: None,
        remedies,
        guardrails: Vec::new(),
    }
}

fn rank(row: &TriageRow) -> Rank<'_> {
    Rank {
        severity: row.severity,
        since: row.since.map(Day::date),
        freshness: row.freshness.state,
        stale_on: row.freshness.stale_on.map(Day::date),
        closed_on: row.last_episode.map(|episode| episode.closed_on.date()),
        key: &row.key,
    }
}

/// Active objectives that heal no KPI, have no parent and support no other.
fn orphans(
    tx: &mut Scoped,
    scope: &Scope,
    view: Option<&View>,
    standpoint: &Standpoint,
    healing: &HashSet<ObjectiveId>,
) -> Result<Vec<Orphan>> {
    let workspace = tx.here()?;
    let query = objectives::table.filter(objectives::workspace_id.eq(workspace)).into_boxed();
    let mut rows: Vec<ObjectiveRow> = match view {
        None => query
            .filter(objectives::parent_id.is_null())
            .filter(objectives::state.eq(ObjectiveState::Active))
            .filter(objectives::archived_at.is_null())
            .load(tx.db())?,
        Some(_) => {
            let mut rows: Vec<ObjectiveRow> =
                query.filter(objectives::created_at.le(standpoint.recorded_by)).load(tx.db())?;
            let ids: Vec<ObjectiveId> = rows.iter().map(|row| row.id).collect();
            let states = states_at(tx, &ids, standpoint.recorded_by)?;
            let parents = parents_at(tx, standpoint.recorded_by)?;
            rows.retain(|row| {
                states.get(&row.id) == Some(&RecordedState::Active) && !parents.contains_key(&row.id)
            });
            rows
        }
    };
    let supporting: HashSet<ObjectiveId> =
        links_at(tx, standpoint.recorded_by)?.into_iter().map(|(from, _)| from).collect();
    rows.retain(|row| {
        !healing.contains(&row.id) && !supporting.contains(&row.id) && scope.holds(row.owner_id, row.team_id)
    });
    rows.sort_by_key(|row| (row.activated_at, row.id));
    let owners = members::names(tx, workspace, rows.iter().filter_map(|row| row.owner_id))?;
    let names = teams::names(tx, workspace, rows.iter().filter_map(|row| row.team_id))?;
    let cycles = cycles_of(tx, &rows)?;
    let shown = rows.into_iter().map(|row| Orphan {
        id: row.id,
        title: row.title.as_str().into(),
        state: ObjectiveState::Active,
        owner_id: row.owner_id,
        owner: row.owner_id.and_then(|id| owners.get(&id).cloned()),
        team_id: row.team_id,
        team: row.team_id.and_then(|id| names.get(&id).cloned()),
        cycle_id: row.cycle_id,
        cycle: row.cycle_id.and_then(|id| cycles.get(&id)).map(CycleRow::shown_as_reference),
        activated_at: row.activated_at,
    });
    Ok(shown.collect())
}

fn cycles_of(tx: &mut Scoped, rows: &[ObjectiveRow]) -> Result<HashMap<CycleId, CycleRow>, StoreError> {
    let ids: HashSet<CycleId> = rows.iter().filter_map(|row| row.cycle_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<CycleRow> = cycles::table
        .filter(cycles::workspace_id.eq(tx.workspace_id()?))
        .filter(cycles::id.eq_any(ids.into_iter().collect::<Vec<_>>()))
        .load(tx.db())?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}
