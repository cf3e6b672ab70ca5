//! What triage shows, loaded in a number of statements that does not grow with the number of KPIs.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use jiff::civil::Date;

use super::before::{TriageBefore, compare};
use super::group::{self, Attention, Facts, Rank, RemedyFacts, TriageGroup};
use super::loose_ends::loose_ends;
use super::orphans::orphans;
use super::{ClosedEpisode, Triage, TriageCounts, TriageGuardrail, TriageInclude, TriageRemedy, TriageRow};
use crate::access::{Resource, Scoped};
use crate::care::acceptance::{self, Acceptance, Accepted};
use crate::care::guardrails;
use crate::care::remedies::{Counting, Ground, Of, RemedyRow, Seen, Standpoint, Told, made_by, reference};
use crate::http::Result;
use crate::kpis::derive::{self, View};
use crate::kpis::kpis::{Kpi, Picture, Sparkline, pictures, show_pictures};
use crate::kpis::row::KpiRow;
use crate::maths::{Health, RemedyOutcome};
use crate::okrs::objectives::RecordedState;
use crate::people::{members, teams};
use crate::store::connection::MultiBackend;
use crate::store::schema::kpis;
use crate::store::{Day, KpiId, MemberId, TeamId};

/// Whose KPIs and objectives are looked at; an empty list is everybody's.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Of these teams.
    pub teams: Vec<TeamId>,
    /// Of these owners.
    pub owners: Vec<MemberId>,
}

impl Scope {
    /// As a query names them: teams by id or slug, with those under them; owners by id or `me`.
    pub fn named(tx: &mut Scoped, teams: &[String], owners: &[String]) -> Result<Self> {
        let teams = teams::filtered(tx, "team", teams)?;
        Ok(Self { teams: teams::with_sub_teams(tx, teams)?, owners: members::filtered(tx, "owner", owners)? })
    }

    /// Whether something of an owner and a team is looked at.
    pub fn holds(&self, owner: Option<MemberId>, team: Option<TeamId>) -> bool {
        (self.owners.is_empty() || owner.is_some_and(|owner| self.owners.contains(&owner)))
            && (self.teams.is_empty() || team.is_some_and(|team| self.teams.contains(&team)))
    }
}

/// From when triage is seen, and what it shows besides.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The day that is shown; now without one.
    pub view: Option<View>,
    /// The day with which it is compared.
    pub before: Option<View>,
    /// What it shows besides.
    pub include: Vec<TriageInclude>,
}

/// Everything that triage shows, now or as it stood.
pub fn triage(tx: &mut Scoped, scope: &Scope, wanted: &Wanted) -> Result<Triage> {
    let (view, before) = (wanted.view.as_ref(), wanted.before.as_ref());
    let standpoint = Standpoint::of(tx, view)?;
    let links = links_by(tx, &standpoint)?;
    let (made, counting) = &links;
    let healing = made.iter().filter(|link| counting.heals(link)).map(|link| link.objective_id).collect();
    let orphans = orphans(tx, scope, view, &standpoint, &healing)?;
    let kpis = seen_in(tx, scope, view, &standpoint)?;
    let mut all = placed(tx, kpis, links, view)?;
    let left = match before {
        Some(before) => compare(&mut all, placed_at(tx, scope, Some(before))?),
        None => Vec::new(),
    };
    let loose_ends = match wanted.include.contains(&TriageInclude::LooseEnds) {
        true => Some(loose_ends(tx, scope, view, &all)?),
        false => None,
    };
    let mut groups: HashMap<TriageGroup, Vec<Placed>> = HashMap::new();
    for placed in all {
        groups.entry(placed.group).or_default().push(placed);
    }
    let guards = groups.values().flatten().flat_map(|placed| &placed.guardrails);
    let breached_guardrails = guards.filter(|guard| guard.breached).count();
    let mut take = |group: TriageGroup| rows(group, groups.remove(&group).unwrap_or_default());
    let triage = Triage {
        as_of: standpoint.today.into(),
        compared_to: before.and_then(|before| before.as_of),
        counts: TriageCounts::default(),
        untreated: take(TriageGroup::Untreated),
        failed: take(TriageGroup::Failed),
        in_treatment: take(TriageGroup::InTreatment),
        at_risk: take(TriageGroup::AtRisk),
        slipping: take(TriageGroup::Slipping),
        unknown: take(TriageGroup::Unknown),
        recovered: take(TriageGroup::Recovered),
        orphans,
        loose_ends,
        left,
    };
    let counts = TriageCounts {
        untreated: triage.untreated.len(),
        failed: triage.failed.len(),
        in_treatment: triage.in_treatment.len(),
        at_risk: triage.at_risk.len(),
        slipping: triage.slipping.len(),
        unknown: triage.unknown.len(),
        recovered: triage.recovered.len(),
        healthy: take(TriageGroup::Healthy).len(),
        orphans: triage.orphans.len(),
        breached_guardrails,
    };
    Ok(Triage { counts, ..triage })
}

/// A KPI with all that triage shows of it, and the group in which it stands.
pub struct Placed {
    /// The KPI.
    pub kpi: Kpi,
    /// The group.
    pub group: TriageGroup,
    pub(super) severity: Option<f64>,
    last_episode: Option<ClosedEpisode>,
    pub(super) remedies: Vec<TriageRemedy>,
    guardrails: Vec<TriageGuardrail>,
    pub(super) before: Option<TriageBefore>,
    accepted: Option<Accepted>,
}

impl Placed {
    /// Its group, its remedies that were not withdrawn, and whether it is accepted as it is.
    pub fn treatment(self) -> (TriageGroup, Vec<TriageRemedy>, Option<Accepted>) {
        (self.group, self.remedies, self.accepted)
    }
}

/// The KPIs that are looked at, each in its group, now or as they stood; by key.
pub fn placed_at(tx: &mut Scoped, scope: &Scope, view: Option<&View>) -> Result<Vec<Placed>> {
    let standpoint = Standpoint::of(tx, view)?;
    let links = links_by(tx, &standpoint)?;
    let kpis = seen_in(tx, scope, view, &standpoint)?;
    placed(tx, kpis, links, view)
}

/// The rows of those that nothing treats and where a remedy failed.
pub fn failed(mut placed: Vec<Placed>) -> Vec<TriageRow> {
    placed.retain(|placed| placed.group == TriageGroup::Failed);
    rows(TriageGroup::Failed, placed)
}

/// The rows of a group in its order, and what stands in others.
pub fn of_group(placed: Vec<Placed>, group: TriageGroup) -> (Vec<TriageRow>, Vec<Placed>) {
    let (own, others): (Vec<_>, Vec<_>) = placed.into_iter().partition(|placed| placed.group == group);
    (rows(group, own), others)
}

/// The rows of healthy KPIs of which an episode closed on a day or later, the newest first, and all others.
pub fn recovered_since(placed: Vec<Placed>, day: Date) -> (Vec<TriageRow>, Vec<Placed>) {
    let (own, others): (Vec<_>, Vec<_>) = placed.into_iter().partition(|placed| {
        placed.kpi.health == Health::Healthy
            && placed.last_episode.is_some_and(|episode| episode.closed_on.date() >= day)
    });
    (rows(TriageGroup::Recovered, own), others)
}

/// The KPIs of a group as they are shown, in its order.
fn rows(group: TriageGroup, placed: Vec<Placed>) -> Vec<TriageRow> {
    let mut rows: Vec<TriageRow> = placed.into_iter().map(row).collect();
    rows.sort_by(|left, right| group::order(group, &rank(left), &rank(right)));
    rows
}

/// The links that were made by then, and which of them count; those that were withdrawn treat
/// nothing, and are not shown.
pub fn links_by(tx: &mut Scoped, standpoint: &Standpoint) -> Result<(Vec<RemedyRow>, Counting)> {
    let mut links = made_by(tx, Of::Workspace, standpoint.recorded_by)?;
    links.retain(|link| !link.is_withdrawn_by(standpoint.recorded_by));
    let counting = Counting::of(tx, &links)?;
    Ok((links, counting))
}

/// KPIs in their order, each in the group that its health and its remedies put it in.
pub fn placed(
    tx: &mut Scoped,
    kpis: Vec<KpiRow>,
    (mut links, counting): (Vec<RemedyRow>, Counting),
    view: Option<&View>,
) -> Result<Vec<Placed>> {
    let standpoint = Standpoint::of(tx, view)?;
    let shown: HashSet<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    links.retain(|link| shown.contains(&link.kpi_id) && counting.treats(link));
    let mut guards = guards(tx, &kpis, view)?;
    let (pictures, ground) = look(tx, kpis, &links, view)?;
    let mut treatments = treatments(&links, &ground);
    let closed: HashMap<KpiId, ClosedEpisode> =
        pictures.iter().filter_map(|picture| Some((picture.row.id, closed_episode(picture)?))).collect();
    let slipping: HashSet<KpiId> =
        pictures.iter().filter(|picture| picture.state.is_slipping()).map(|picture| picture.row.id).collect();
    let severities: HashMap<KpiId, f64> = pictures
        .iter()
        .filter_map(|picture| Some((picture.row.id, picture.stored.as_ref()?.severity?)))
        .collect();
    let kpis = show_pictures(tx, pictures, view, Sparkline::LeftOut)?;
    let mut acceptances = acceptances(tx, &kpis, &standpoint)?;
    let placed = kpis.into_iter().map(|kpi| {
        let (remedies, facts) = treatments.remove(&kpi.id).unwrap_or_default();
        let last_episode = closed.get(&kpi.id).copied();
        let group = group::group(&Facts {
            health: kpi.health,
            is_slipping: slipping.contains(&kpi.id),
            opened_on: kpi.episode.map(|episode| episode.opened_on.date()),
            closed_on: last_episode.map(|episode| episode.closed_on.date()),
            remedies: &facts,
            today: standpoint.today,
        });
        let severity = severities.get(&kpi.id).copied();
        let guardrails = guards.remove(&kpi.id).unwrap_or_default();
        let accepted = acceptances.remove(&kpi.id);
        Placed { kpi, group, severity, last_episode, remedies, guardrails, accepted, before: None }
    });
    Ok(placed.collect())
}

/// The KPIs whose open episode is accepted for a while.
fn acceptances(tx: &mut Scoped, kpis: &[Kpi], standpoint: &Standpoint) -> Result<HashMap<KpiId, Accepted>> {
    let workspace = tx.here()?;
    let open: HashMap<KpiId, Day> =
        kpis.iter().filter_map(|kpi| Some((kpi.id, kpi.episode?.opened_on))).collect();
    let found = acceptance::of_kpis(tx, &open.keys().copied().collect::<Vec<_>>(), standpoint)?;
    let people = members::names(tx, workspace, found.values().map(Acceptance::maker))?;
    let accepted = found.into_iter().filter_map(|(id, acceptance)| {
        let by = people.get(&acceptance.maker()).cloned();
        Some((id, acceptance.of_episode(*open.get(&id)?, by)?))
    });
    Ok(accepted.collect())
}

/// The guardrails that active objectives have on KPIs, as far as all who see the KPI see the objective.
fn guards(
    tx: &mut Scoped,
    kpis: &[KpiRow],
    view: Option<&View>,
) -> Result<HashMap<KpiId, Vec<TriageGuardrail>>> {
    let recorded_by = Standpoint::of(tx, view)?.recorded_by;
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let rows = guardrails::standing_at(tx, guardrails::Of::Kpis(&ids), recorded_by)?;
    let mut found: HashMap<KpiId, Vec<TriageGuardrail>> = HashMap::new();
    if rows.is_empty() {
        return Ok(found);
    }
    let ground = guardrails::Ground::load(tx, &rows, view)?;
    for row in rows.iter().filter(|row| ground.threatens(row)) {
        let Some((objective, breach)) = ground.objectives.get(&row.objective_id).zip(ground.breach(row))
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

/// The KPIs that are looked at and that the caller may see, by key.
fn seen_in(
    tx: &mut Scoped,
    scope: &Scope,
    view: Option<&View>,
    standpoint: &Standpoint,
) -> Result<Vec<KpiRow>> {
    let mut rows = kpis_in(tx, scope, view, standpoint)?;
    rows.retain(|row| tx.sees(&row.facts()));
    Ok(rows)
}

/// The KPIs that are looked at, by key, private ones too: those in the archive have left.
pub fn kpis_in(
    tx: &mut Scoped,
    scope: &Scope,
    view: Option<&View>,
    standpoint: &Standpoint,
) -> Result<Vec<KpiRow>> {
    let mut query = kpis::table.filter(kpis::workspace_id.eq(tx.here()?)).into_boxed::<MultiBackend>();
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

/// The remedies of a KPI as they are shown, and as the rules see them.
pub type Treatment = (Vec<TriageRemedy>, Vec<RemedyFacts>);

/// The remedies of each KPI, as they are shown and as the rules see them, the newest first.
pub fn treatments(links: &[RemedyRow], ground: &Ground) -> HashMap<KpiId, Treatment> {
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

fn row(placed: Placed) -> TriageRow {
    let Placed { kpi, severity, last_episode, remedies, guardrails, accepted, before, group: _ } = placed;
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
        trend: kpi.trend,
        leaves_on: kpi.leaves_on,
        episode: kpi.episode,
        last_episode,
        accepted_until: accepted.as_ref().map(|accepted| accepted.until),
        accepted,
        remedies,
        guardrails,
        before,
    }
}

fn rank(row: &TriageRow) -> Rank<'_> {
    Rank {
        attention: if row.accepted.is_some() { Attention::Accepted } else { Attention::Wanted },
        severity: row.severity,
        since: row.since.map(Day::date),
        freshness: row.freshness.state,
        stale_on: row.freshness.stale_on.map(Day::date),
        leaves_on: row.leaves_on.map(Day::date),
        closed_on: row.last_episode.map(|episode| episode.closed_on.date()),
        key: &row.key,
    }
}
