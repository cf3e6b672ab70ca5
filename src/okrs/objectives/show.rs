//! Objectives as they are answered.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::closing::Closing;
use super::fields::ManualProgress;
use super::guarded::ObjectiveGuardrail;
use super::row::{ObjectiveRef, ObjectiveRow, ObjectiveState};
use crate::access::{Action, Scoped, Visibility};
use crate::http::advice::Advice;
use crate::http::page::page_type;
use crate::http::text::Tag;
use crate::http::{Description, Name, Result};
use crate::maths::{ObjectiveFacts, ObjectiveOutcome, Pace, ProgressSource, advice_on_objective};
use crate::okrs::cycles::{CycleRef, CycleRow};
use crate::okrs::initiatives::InitiativeCounts;
use crate::okrs::key_results::{KeyResultShort, show_short};
use crate::okrs::progress::{ConfidenceSummary, Dates, ObjectiveProgress, Summary, Surroundings};
use crate::okrs::wire::{Share, Weight, shown_tags};
use crate::people::members::MemberRef;
use crate::people::teams::TeamRef;
use crate::store::{CycleId, Day, MemberId, Moment, ObjectiveId, TeamId};

/// An objective.
#[derive(Debug, Serialize, ToSchema)]
pub struct Objective {
    /// Its id.
    pub id: ObjectiveId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    version: i32,
    /// Where to go.
    title: Name,
    /// Why go there.
    why: Option<Description>,
    /// Who answers for it.
    owner_id: Option<MemberId>,
    /// The owner, as a page shows it.
    owner: Option<MemberRef>,
    /// The team that it belongs to.
    team_id: Option<TeamId>,
    /// The team, as a page shows it.
    team: Option<TeamRef>,
    /// Who works on it beside the owner.
    #[schema(max_items = 50)]
    contributor_ids: Vec<MemberId>,
    /// Those who work on it, as a page shows them.
    #[schema(max_items = 50)]
    contributors: Vec<MemberRef>,
    /// The teams that work on it beside its own.
    #[schema(max_items = 20)]
    contributing_team_ids: Vec<TeamId>,
    /// Those teams, as a page shows them.
    #[schema(max_items = 20)]
    contributing_teams: Vec<TeamRef>,
    /// The cycle that it belongs to.
    cycle_id: Option<CycleId>,
    /// The cycle, as a page shows it.
    cycle: Option<CycleRef>,
    /// The objective that it contributes to.
    parent_id: Option<ObjectiveId>,
    /// That objective, as a page shows it.
    parent: Option<ObjectiveRef>,
    /// How many objectives that are not archived hang right under it.
    #[schema(minimum = 0)]
    children: i64,
    /// Other objectives that it helps, beside the tree; these links never count.
    #[schema(max_items = 20)]
    supported_ids: Vec<ObjectiveId>,
    /// Those objectives, as a page shows them.
    #[schema(max_items = 20)]
    supported: Vec<ObjectiveRef>,
    /// Other objectives that help it, as a page shows them.
    supporters: Vec<ObjectiveRef>,
    /// Its own first day; null: the cycle's.
    starts_on: Option<Day>,
    /// Its own last day; null: the cycle's.
    ends_on: Option<Day>,
    /// How much it counts in a parent.
    weight: Weight,
    /// Where it stands.
    state: ObjectiveState,
    /// How far it has come; frozen once it is closed.
    progress: ObjectiveProgress,
    /// The progress that a person gave.
    manual_progress: Option<ManualProgress>,
    /// What the numbers say; `none` while it is a draft.
    pace: Pace,
    /// What people said last of its key results.
    confidence: ConfidenceSummary,
    /// Its key results, in the order of their making.
    key_results: Vec<KeyResultShort>,
    /// How many initiatives are meant to move it, those under its key results included.
    initiatives: InitiativeCounts,
    /// How many KPIs it is meant to heal: its links that were not withdrawn.
    #[schema(minimum = 0)]
    remedies: i64,
    /// The KPIs that it must not harm, in the order of their linking.
    #[schema(max_items = 20)]
    guardrails: Vec<ObjectiveGuardrail>,
    /// How it ended.
    outcome: Option<ObjectiveOutcome>,
    /// How well it ended, 0 to 1, as people see it.
    score: Option<Share>,
    /// What was learned.
    reflection: Option<Description>,
    /// When it became active.
    activated_at: Option<Moment>,
    /// When it was closed.
    closed_at: Option<Moment>,
    /// Its closings, the earliest first; those that were undone by reopening it too.
    closings: Vec<Closing>,
    /// The objective of another cycle that it goes on with.
    carried_from_id: Option<ObjectiveId>,
    /// That objective, as a page shows it.
    carried_from: Option<ObjectiveRef>,
    /// The objectives of other cycles that go on with it, as a page shows them, the earliest first.
    carried_to: Vec<ObjectiveRef>,
    /// Tags.
    #[schema(max_items = 20)]
    tags: Vec<Tag>,
    /// Who may see it.
    visibility: Visibility,
    /// When it was archived.
    archived_at: Option<Moment>,
    /// When it was made.
    created_at: Moment,
    /// When its own fields changed last.
    updated_at: Moment,
    /// What would make it more useful; refuses nothing. None where it is closed or archived.
    #[schema(max_items = 20)]
    advice: Vec<Advice>,
    /// What the caller may do with it, as things stand.
    can: ObjectiveCan,
}

/// What the caller may do with an objective, as things stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectiveCan {
    /// Change it, and make key results of it.
    edit: bool,
    /// Close it.
    close: bool,
    /// Open it again, where it is closed.
    reopen: bool,
    /// Archive it, or restore it where it is archived.
    archive: bool,
    /// Check in on its key results.
    check_in: bool,
}

page_type!(ObjectivePage, Objective);

/// One objective, with what it hangs together with loaded for it alone.
pub fn show_one(tx: &mut Scoped, row: &ObjectiveRow) -> Result<Objective> {
    let around = Surroundings::of_objectives(tx, &[row])?;
    Ok(show(tx, &around, row))
}

/// An objective among those that were loaded together.
pub fn show(tx: &Scoped, around: &Surroundings, row: &ObjectiveRow) -> Objective {
    let Summary { progress, pace, confidence } = around.summarise(row);
    let cycle = around.cycle(row);
    let (circle, facts) = (around.circle(row.id), around.facts(row));
    // Nobody changes the past.
    let has_open_cycle = around.past.is_none() && cycle.is_none_or(|cycle| cycle.must_be_open().is_ok());
    let takes_changes = row.is_open() && has_open_cycle;
    let is_over = row.state == ObjectiveState::Closed && row.archived_at.is_none();
    let parent = around.reference(tx, row.parent_id);
    let supported = around.references(tx, &around.supported, row.id);
    let carried_from = around.reference(tx, around.carried.source(row.id));
    Objective {
        id: row.id,
        version: row.version,
        title: row.title.as_str().into(),
        why: row.why.as_deref().map(Description::from),
        owner_id: row.owner_id,
        owner: around.member(row.owner_id),
        team_id: row.team_id,
        team: row.team_id.and_then(|id| around.teams.get(&id).cloned()),
        contributor_ids: circle.contributors.clone(),
        contributors: circle.contributors.iter().filter_map(|id| around.member(Some(*id))).collect(),
        contributing_team_ids: circle.teams.clone(),
        contributing_teams: circle.teams.iter().filter_map(|id| around.teams.get(id).cloned()).collect(),
        cycle_id: row.cycle_id,
        cycle: cycle.map(CycleRow::shown_as_reference),
        parent_id: parent.as_ref().map(|parent| parent.id),
        parent,
        children: around.child_counts.get(&row.id).copied().unwrap_or_default(),
        supported_ids: supported.iter().map(|supported| supported.id).collect(),
        supported,
        supporters: around.references(tx, &around.supporters, row.id),
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        weight: row.weight.into(),
        state: row.state,
        progress,
        manual_progress: row.given_progress(),
        pace,
        confidence,
        key_results: around
            .key_results_of(row.id)
            .iter()
            .filter(|key_result| key_result.archived_at.is_none())
            .map(|key_result| show_short(tx, around, key_result, row))
            .collect(),
        initiatives: around.initiatives_of(row.id),
        remedies: around.remedies.get(&row.id).copied().unwrap_or_default(),
        guardrails: around.guardrails.get(&row.id).cloned().unwrap_or_default(),
        outcome: row.outcome,
        score: row.score.map(Share::from),
        reflection: row.reflection.as_deref().map(Description::from),
        activated_at: row.activated_at,
        closed_at: row.closed_at,
        closings: around.closings.get(&row.id).cloned().unwrap_or_default(),
        carried_from_id: carried_from.as_ref().map(|source| source.id),
        carried_from,
        carried_to: around
            .carried
            .copies(row.id)
            .iter()
            .filter_map(|id| around.reference(tx, Some(*id)))
            .collect(),
        tags: shown_tags(&row.tags),
        visibility: row.visibility,
        archived_at: row.archived_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        advice: if row.is_open() { advice(around, row) } else { Vec::new() },
        can: ObjectiveCan {
            edit: takes_changes && tx.may(Action::Edit, &facts),
            close: takes_changes && row.is_worked_on() && tx.may(Action::Edit, &facts),
            reopen: is_over && has_open_cycle && tx.may(Action::Edit, &facts),
            archive: has_open_cycle && tx.may(Action::Archive, &facts),
            check_in: takes_changes && row.is_worked_on() && tx.may(Action::CheckIn, &facts),
        },
    }
}

/// What would make an objective more useful. What others hang under is a direction: it may be without end.
fn advice(around: &Surroundings, row: &ObjectiveRow) -> Vec<Advice> {
    let has_some = |counts: &HashMap<ObjectiveId, i64>| counts.get(&row.id).is_some_and(|count| *count > 0);
    let has_linked = |links: &HashMap<ObjectiveId, Vec<ObjectiveId>>| links.contains_key(&row.id);
    let has_key_results =
        around.key_results_of(row.id).iter().any(|key_result| key_result.archived_at.is_none());
    let has_children = has_some(&around.child_counts);
    let is_direction = has_children || has_linked(&around.supporters);
    let is_manual = row.progress_source == ProgressSource::Manual;
    Advice::of(advice_on_objective(&ObjectiveFacts {
        says_why: row.why.is_some(),
        is_measured: has_key_results || has_children || is_manual,
        serves: has_some(&around.remedies)
            || row.parent_id.is_some()
            || has_linked(&around.supported)
            || is_direction,
        is_due: is_direction || Dates::of(row, around.cycle(row)).ends_on.is_some(),
        is_owned: row.owner_id.is_some(),
    }))
}
