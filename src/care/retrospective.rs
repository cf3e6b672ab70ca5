//! The retrospective of a cycle: how its objectives ended or stand, what they healed, and what nobody
//! ever checked in on, in one call.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::remedies::{self, Remedy};
use crate::access::{Action, At, Db, Reads, Scoped, Visibility};
use crate::care::tree::of_cycle;
use crate::http::{Answer, Json, Query, Result, Routes, routes};
use crate::kpis::derive::AsOf;
use crate::maths::retrospective::{BUCKETS, Spread, lower_end, spread};
use crate::maths::{Confidence, ObjectiveOutcome, RemedyOutcome, confidence_counts, net_confidence};
use crate::okrs::cycles::{CycleRef, CycleRow};
use crate::okrs::key_results::KeyResultRef;
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::{ConfidenceSummary, ConfidenceTally, PaceTally, Past, Surroundings};
use crate::okrs::wire::Share;
use crate::people::teams::TeamRef;
use crate::store::{Day, KpiId, ObjectiveId, TeamId};

/// The path of the retrospective.
pub fn routes() -> Routes {
    routes! { "cycles",
        "/v1/workspaces/{workspace}/cycles/{cycle}/summary" {
            /// Show what a cycle came to.
            /// Its objectives that are not archived, by state, outcome, pace and confidence, how they were scored, the
            /// KPIs that they healed, and the key results that nobody ever checked in on. Never paged. With `as_of` or
            /// `known_at` it is told as it stood then; which cycle an objective belongs to is as it is now.
            GET show_cycle_summary,
        }
    }
}

/// What a cycle came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct CycleSummary {
    /// The day that it shows; today is shown as it is now.
    as_of: Day,
    /// The cycle.
    cycle: CycleRef,
    /// Its objectives, counted.
    objectives: CycleObjectives,
    /// The key results of its active and closed objectives, counted.
    key_results: CycleKeyResults,
    /// How closed objectives were scored, those that were dropped left out.
    scores: Scores,
    /// The mean progress of active and closed objectives that have one, 0 to 1, those that were dropped left out;
    /// null where none has.
    mean_progress: Option<Share>,
    /// How confident people are on balance.
    net_confidence: NetConfidence,
    /// The same for each team with active objectives, by name; last what belongs to no team.
    teams: Vec<TeamConfidence>,
    /// What became of the KPIs that its objectives were meant to heal.
    remedies: CycleRemedies,
    /// Key results of active and closed objectives that nobody ever checked in on.
    never_checked_in: Vec<KeyResultRef>,
    /// How many objectives were left out because fewer people may see them than this summary.
    private_items: u32,
}

/// The objectives of a cycle, counted.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CycleObjectives {
    /// All of them.
    total: u32,
    /// Drafts.
    draft: u32,
    /// Active ones.
    active: u32,
    /// Closed ones.
    closed: u32,
    /// How the closed ones ended.
    outcomes: OutcomeTally,
    /// What the numbers say of active and closed ones; of closed ones as it was frozen.
    paces: PaceTally,
    /// The worst that people said last of their key results, of active and closed ones.
    confidences: ConfidenceTally,
}

/// The key results of a cycle, counted.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CycleKeyResults {
    /// All of them.
    total: u32,
    /// Those that are met.
    met: u32,
    /// What the numbers say.
    paces: PaceTally,
    /// What people said last.
    confidences: ConfidenceTally,
}

/// How many objectives ended in each way.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct OutcomeTally {
    /// Objectives that were achieved.
    achieved: u32,
    /// Objectives that were achieved in part.
    partial: u32,
    /// Objectives that were missed.
    missed: u32,
    /// Objectives that were given up.
    dropped: u32,
}

/// How objectives were scored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Scores {
    /// The mean score, 0 to 1; null where nothing was scored.
    mean: Option<Share>,
    /// How many scores lie in each tenth of the way, the lowest first.
    #[schema(min_items = 10, max_items = 10)]
    distribution: Vec<ScoreBucket>,
}

/// How many scores lie in one tenth of the way.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreBucket {
    /// Its lower end, which belongs to it.
    from: Share,
    /// Its upper end, which belongs to the next one; 1 belongs to the last.
    to: Share,
    /// How many scores.
    count: u32,
}

/// How confident people are on balance of the key results of active objectives.
#[derive(Debug, Serialize, ToSchema)]
pub struct NetConfidence {
    /// The share of key results on track minus the share off track, -1 to 1, of those that have a confidence; null
    /// where none has.
    #[schema(minimum = -1, maximum = 1, example = 0.25)]
    value: Option<f64>,
    /// How many key results are of each confidence.
    counts: ConfidenceTally,
}

/// How confident a team is on balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct TeamConfidence {
    /// The team; null for what belongs to none.
    team_id: Option<TeamId>,
    /// The team, as a page shows it.
    team: Option<TeamRef>,
    /// How confident it is.
    net_confidence: NetConfidence,
}

/// What became of the KPIs that the objectives of a cycle were meant to heal.
#[derive(Debug, Serialize, ToSchema)]
pub struct CycleRemedies {
    /// Remedies of each outcome.
    outcomes: RemedyTally,
    /// How many KPIs recovered and stayed so.
    healed: usize,
    /// The remedies whose KPI recovered, the newest first.
    recovered: Vec<Remedy>,
}

/// How many remedies are of each outcome.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct RemedyTally {
    /// Remedies that were withdrawn.
    withdrawn: u32,
    /// Remedies whose KPI recovered.
    recovered: u32,
    /// Remedies whose KPI recovered once and is unhealthy again.
    relapsed: u32,
    /// Remedies whose KPI is healthy only because its target was moved.
    target_moved: u32,
    /// Remedies whose objective is a draft.
    planned: u32,
    /// Remedies whose objective is active.
    in_progress: u32,
    /// Remedies whose effect may still come.
    awaiting_effect: u32,
    /// Remedies that failed.
    failed: u32,
    /// Remedies that kept a slipping KPI from getting unhealthy until their objective ended.
    held: u32,
}

async fn show_cycle_summary(
    db: Db<Reads>,
    cycle: At<CycleRow>,
    view: Query<AsOf>,
) -> Answer<Json<CycleSummary>> {
    db.read(cycle.to(Action::View), view, |tx, cycle, view| Ok(Json::new(summary(tx, &cycle, view)?))).await
}

fn summary(tx: &mut Scoped, cycle: &CycleRow, view: AsOf) -> Result<CycleSummary> {
    let view = view.view(tx)?;
    let past = view.map(|view| Past::of(tx, view)).transpose()?;
    let mut rows = of_cycle(tx, cycle, past.as_ref())?;
    rows.retain(|row| row.archived_at.is_none());
    rows.sort_by(|left, right| (&left.title_folded, left.id).cmp(&(&right.title_folded, right.id)));
    let all = rows.len();
    rows.retain(|row| row.visibility == Visibility::Workspace);
    let private_items = u32::try_from(all - rows.len()).unwrap_or(u32::MAX);
    let around = Surroundings::as_seen(tx, &rows.iter().collect::<Vec<_>>(), past)?;
    let ids: Vec<ObjectiveId> = rows.iter().map(|row| row.id).collect();
    let remedies = remedies::of_objectives(tx, &ids, view.as_ref())?;
    let begun: Vec<&ObjectiveRow> = rows.iter().filter(|row| row.state != ObjectiveState::Draft).collect();
    let (objectives, progress) = objectives(&around, &rows, &begun);
    let (key_results, never_checked_in) = key_results(&around, &begun);
    let scored = begun.iter().filter(|row| counts(row)).filter_map(|row| row.score);
    Ok(CycleSummary {
        as_of: around.today.day.into(),
        cycle: cycle.shown_as_reference(),
        objectives,
        key_results,
        scores: Scores::of(&spread(&scored.collect::<Vec<_>>())),
        mean_progress: spread(&progress).mean.map(Share::from),
        net_confidence: net(&around, rows.iter()),
        teams: teams(&around, &rows),
        remedies: CycleRemedies::of(remedies),
        never_checked_in,
        private_items,
    })
}

/// Whether a score or progress counts in means: what was given up does not.
fn counts(row: &ObjectiveRow) -> bool {
    row.outcome != Some(ObjectiveOutcome::Dropped)
}

/// Objectives counted, and the progress of those that have one.
fn objectives(
    around: &Surroundings,
    rows: &[ObjectiveRow],
    begun: &[&ObjectiveRow],
) -> (CycleObjectives, Vec<f64>) {
    let mut tally = CycleObjectives::default();
    for row in rows {
        tally.total += 1;
        match row.state {
            ObjectiveState::Draft => tally.draft += 1,
            ObjectiveState::Active => tally.active += 1,
            ObjectiveState::Closed => tally.closed += 1,
        }
        match row.outcome {
            None => {}
            Some(ObjectiveOutcome::Achieved) => tally.outcomes.achieved += 1,
            Some(ObjectiveOutcome::Partial) => tally.outcomes.partial += 1,
            Some(ObjectiveOutcome::Missed) => tally.outcomes.missed += 1,
            Some(ObjectiveOutcome::Dropped) => tally.outcomes.dropped += 1,
        }
    }
    let (mut said, mut progress) = (Vec::new(), Vec::new());
    for row in begun {
        let summary = around.summarise(row);
        tally.paces.add(summary.pace);
        said.push(summary.confidence.worst);
        progress.extend(summary.progress.value.filter(|_| counts(row)));
    }
    tally.confidences = tallied(&said);
    (tally, progress)
}

/// Key results counted, and those that nobody ever checked in on.
fn key_results(around: &Surroundings, begun: &[&ObjectiveRow]) -> (CycleKeyResults, Vec<KeyResultRef>) {
    let mut tally = CycleKeyResults::default();
    let (mut said, mut never) = (Vec::new(), Vec::new());
    for objective in begun {
        for row in around.key_results_of(objective.id).iter().filter(|row| row.archived_at.is_none()) {
            let measured = around.measure(row, objective);
            tally.total += 1;
            tally.met += u32::from(measured.progress.value.is_some_and(|value| value >= 1.0));
            tally.paces.add(measured.pace);
            said.push(measured.confidence);
            if measured.confidence.is_none() {
                never.push(KeyResultRef {
                    id: row.id,
                    title: row.title.as_str().into(),
                    objective_id: objective.id,
                    objective: objective.shown_as_reference(),
                });
            }
        }
    }
    tally.confidences = tallied(&said);
    (tally, never)
}

fn tallied(said: &[Option<Confidence>]) -> ConfidenceTally {
    ConfidenceSummary::from(confidence_counts(said)).counts
}

/// What people say of the key results of those objectives that are active.
fn net<'a>(around: &Surroundings, rows: impl Iterator<Item = &'a ObjectiveRow>) -> NetConfidence {
    let mut said = Vec::new();
    for objective in rows.filter(|row| row.is_worked_on()) {
        let in_use = around.key_results_of(objective.id).iter().filter(|row| row.archived_at.is_none());
        said.extend(in_use.map(|row| around.measure(row, objective).confidence));
    }
    let counts = confidence_counts(&said);
    NetConfidence { value: net_confidence(&counts), counts: ConfidenceSummary::from(counts).counts }
}

fn teams(around: &Surroundings, rows: &[ObjectiveRow]) -> Vec<TeamConfidence> {
    let mut of_teams: BTreeMap<Option<TeamId>, Vec<&ObjectiveRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_worked_on()) {
        of_teams.entry(row.team_id).or_default().push(row);
    }
    let mut teams: Vec<TeamConfidence> = of_teams
        .into_iter()
        .map(|(team_id, rows)| TeamConfidence {
            team_id,
            team: team_id.and_then(|id| around.teams.get(&id).cloned()),
            net_confidence: net(around, rows.into_iter()),
        })
        .collect();
    let place = |team: &TeamConfidence| {
        let name = team.team.as_ref().map(|team| team.name.to_lowercase());
        (team.team_id.is_none(), name, team.team_id)
    };
    teams.sort_by_key(place);
    teams
}

impl RemedyTally {
    fn add(&mut self, outcome: RemedyOutcome) {
        match outcome {
            RemedyOutcome::Withdrawn => self.withdrawn += 1,
            RemedyOutcome::Recovered => self.recovered += 1,
            RemedyOutcome::Relapsed => self.relapsed += 1,
            RemedyOutcome::TargetMoved => self.target_moved += 1,
            RemedyOutcome::Planned => self.planned += 1,
            RemedyOutcome::InProgress => self.in_progress += 1,
            RemedyOutcome::AwaitingEffect => self.awaiting_effect += 1,
            RemedyOutcome::Failed => self.failed += 1,
            RemedyOutcome::Held => self.held += 1,
        }
    }
}

impl CycleRemedies {
    fn of(mut remedies: Vec<Remedy>) -> Self {
        let mut outcomes = RemedyTally::default();
        for remedy in &remedies {
            outcomes.add(remedy.outcome);
        }
        remedies.retain(|remedy| remedy.outcome == RemedyOutcome::Recovered);
        let healed: HashSet<KpiId> = remedies.iter().map(|remedy| remedy.kpi_id).collect();
        Self { outcomes, healed: healed.len(), recovered: remedies }
    }
}

impl Scores {
    fn of(spread: &Spread) -> Self {
        let bucket = |place: usize| ScoreBucket {
            from: lower_end(place).into(),
            to: lower_end(place + 1).into(),
            count: spread.counts[place],
        };
        Self { mean: spread.mean.map(Share::from), distribution: (0..BUCKETS).map(bucket).collect() }
    }
}
