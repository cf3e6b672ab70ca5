//! Making a set of copies, parents before what hangs under them.

use std::collections::{HashMap, HashSet};

use super::{LeftOutKeyResult, ObjectiveCopies, ObjectiveCopy};
use crate::access::{Resource, Scoped};
use crate::http::{Problem, Result};
use crate::okrs::initiatives::{self, InitiativeRow, NewObjectiveInitiative};
use crate::okrs::key_results::{KeyResultRow, NewKeyResult};
use crate::okrs::objectives::{
    self, NewObjective, NewObjectiveState, ObjectiveRow, SharedObjective, alignment,
};
use crate::okrs::progress::Surroundings;
use crate::okrs::wire::together;
use crate::people::members::{self, MemberInput};
use crate::people::teams::{self, TeamInput};
use crate::store::{KeyResultId, KpiId, MemberId, ObjectiveId, TeamId};

/// An objective that is to be copied, and where the body names it.
#[derive(Debug)]
pub struct Original {
    /// The objective.
    pub objective: SharedObjective,
    /// Where in the body.
    pub pointer: String,
}

/// The objectives that a body names; 404 with the pointers of those that are not here, or private to
/// others.
pub fn named(tx: &mut Scoped, ids: &[ObjectiveId]) -> Result<Vec<Original>> {
    let mut known = SharedObjective::by_ids(tx, ids)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (index, id) in ids.iter().enumerate() {
        let pointer = super::pointer(index);
        match known.remove(id).filter(|found| tx.sees(&found.facts())) {
            Some(objective) => found.push(Original { objective, pointer }),
            None => missing.push(Problem::not_found_at(pointer)),
        }
    }
    together(missing).map_or(Ok(found), Err)
}

/// Refuses with all that a rule says of some originals.
pub fn judged(originals: &[Original], mut rule: impl FnMut(&SharedObjective) -> Result<()>) -> Result<()> {
    let refused = originals
        .iter()
        .filter_map(|original| Some(told_at(rule(&original.objective).err()?, &original.pointer)));
    together(refused.collect()).map_or(Ok(()), Err)
}

/// A refusal where the body names what it is about.
pub fn told_at(mut problem: Problem, pointer: &str) -> Problem {
    let fields = std::mem::take(&mut problem.errors);
    if fields.is_empty() {
        let (code, detail) = (problem.code.as_str(), problem.detail.clone());
        return problem.with(pointer, code, detail);
    }
    fields.into_iter().fold(problem, |problem, field| {
        problem.with(pointer, field.code, format!("{}: {}", field.pointer, field.detail))
    })
}

/// A copy that is to be made. Its parent is still that of the original.
pub struct Planned<'a> {
    /// What is copied.
    pub original: &'a Original,
    /// The copy.
    pub new: NewObjective,
    /// Key results that do not come along because they are met.
    pub left_out: Vec<&'a KeyResultRow>,
}

/// Makes copies, all or none, in their order. Those whose parent is copied too hang under its copy; the
/// others stay under the parent that they have, where it takes them.
pub fn make(tx: &mut Scoped, planned: &[Planned]) -> Result<Vec<SharedObjective>> {
    let places: HashMap<ObjectiveId, usize> =
        planned.iter().enumerate().map(|(place, plan)| (plan.original.objective.id, place)).collect();
    let mut made: HashMap<ObjectiveId, SharedObjective> = HashMap::new();
    let mut refused = Vec::new();
    for place in parents_first(planned, &places) {
        let Planned { original, new, .. } = &planned[place];
        let parent_id = match new.parent_id {
            // Where the copy of the parent was refused, what hangs under it is judged alone.
            Some(parent) if places.contains_key(&parent) => made.get(&parent).map(|copy| copy.id),
            Some(parent) => kept_parent(tx, &original.objective, parent)?,
            None => None,
        };
        match objectives::create(tx, &NewObjective { parent_id, ..new.clone() }) {
            Ok(copy) => {
                made.insert(original.objective.id, copy);
            }
            Err(problem) if problem.code.status() < 500 => refused.push(told_at(problem, &original.pointer)),
            Err(problem) => return Err(problem),
        }
    }
    if let Some(problem) = together(refused) {
        return Err(problem);
    }
    Ok(planned.iter().filter_map(|plan| made.remove(&plan.original.objective.id)).collect())
}

/// The places of a set, each after that of its parent.
fn parents_first(planned: &[Planned], places: &HashMap<ObjectiveId, usize>) -> Vec<usize> {
    let parent = |place: usize| places.get(&planned[place].new.parent_id?).copied();
    let depth = |place: usize| std::iter::successors(parent(place), |above| parent(*above)).count();
    let mut order: Vec<usize> = (0..planned.len()).collect();
    order.sort_by_key(|place| depth(*place));
    order
}

/// A parent outside the set, where it takes the copy. One that is private to others is not known here.
fn kept_parent(tx: &mut Scoped, original: &ObjectiveRow, parent: ObjectiveId) -> Result<Option<ObjectiveId>> {
    if SharedObjective::by_id(tx, parent)?.is_none() {
        return Ok(None);
    }
    // What hangs under the original is not asked to fit, so it goes by an id of its own.
    let id = ObjectiveId::generate(tx.now.timestamp());
    let candidate = ObjectiveRow { id, parent_id: Some(parent), ..original.clone() };
    match alignment::must_fit(tx, &candidate) {
        Ok(()) => Ok(Some(parent)),
        Err(problem) if problem.code.status() == 409 => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Copies as they are answered, with their originals as they now stand.
pub fn show(tx: &mut Scoped, planned: &[Planned], made: &[SharedObjective]) -> Result<ObjectiveCopies> {
    let ids: Vec<ObjectiveId> = planned.iter().map(|plan| plan.original.objective.id).collect();
    let sources = ObjectiveRow::by_ids(tx, &ids)?;
    let rows: Vec<&ObjectiveRow> = made.iter().map(|copy| &copy.row).collect();
    let around = Surroundings::of_objectives(tx, &rows)?;
    let copies = planned.iter().zip(made).map(|(plan, copy)| {
        let original = &plan.original.objective;
        ObjectiveCopy {
            source_id: original.id,
            source: sources.get(&original.id).unwrap_or(original).shown_as_reference(),
            objective: objectives::show(tx, &around, copy),
            left_out: plan
                .left_out
                .iter()
                .map(|row| LeftOutKeyResult { id: row.id, title: row.title.as_str().into() })
                .collect(),
        }
    });
    Ok(ObjectiveCopies { copies: copies.collect() })
}

/// What comes along with some originals: their initiatives, the people who are still here, and the KPIs
/// that the caller may see.
pub struct Company {
    initiatives: Vec<InitiativeRow>,
    kpis: HashSet<KpiId>,
    members: HashSet<MemberId>,
    teams: HashSet<TeamId>,
}

impl Company {
    /// Loads it, in few statements.
    pub fn of(tx: &mut Scoped, originals: &[Original], around: &Surroundings) -> Result<Self> {
        let objectives: Vec<ObjectiveId> = originals.iter().map(|original| original.objective.id).collect();
        let key_results: Vec<&KeyResultRow> =
            objectives.iter().flat_map(|id| around.key_results_of(*id)).collect();
        let ids: Vec<KeyResultId> = key_results.iter().map(|row| row.id).collect();
        let now = tx.now;
        let initiatives = initiatives::under(tx, &ids, &objectives, now)?;
        let owners = originals.iter().flat_map(|Original { objective, .. }| {
            objective.owner_id.into_iter().chain(objective.circle.contributors.iter().copied())
        });
        let owners = owners
            .chain(key_results.iter().filter_map(|row| row.owner_id))
            .chain(initiatives.iter().filter_map(|row| row.owner_id));
        let members = members::still_here(tx, owners)?;
        let named = originals.iter().flat_map(|Original { objective, .. }| {
            objective.team_id.into_iter().chain(objective.circle.teams.iter().copied())
        });
        let teams = teams::still_here(tx, named)?;
        let kpis = around.kpis.iter().filter(|(_, kpi)| tx.sees(&kpi.facts)).map(|(id, _)| *id).collect();
        Ok(Self { initiatives, kpis, members, teams })
    }

    /// An owner who is still here.
    pub fn owner(&self, id: Option<MemberId>) -> Option<MemberInput> {
        id.filter(|id| self.members.contains(id)).map(MemberInput::from)
    }

    /// An objective like the original in all that lasts, as a draft without key results.
    pub fn like(&self, original: &SharedObjective) -> NewObjective {
        let here = |id: &&MemberId| self.members.contains(id);
        let fields = original.fields();
        let contributors = original.circle.contributors.iter().filter(here);
        let teams = original.circle.teams.iter().filter(|id| self.teams.contains(id));
        let draft = NewObjectiveState::Draft;
        let mut new = NewObjective::of(fields, draft, Vec::new(), Vec::new());
        new.owner_id = self.owner(original.owner_id);
        new.team_id = original.team_id.filter(|id| self.teams.contains(id)).map(TeamInput::from);
        new.contributor_ids = contributors.copied().map(MemberInput::from).collect();
        new.contributing_team_ids = teams.copied().map(TeamInput::from).collect();
        new.supported_ids = Vec::new();
        new
    }

    /// A key result like the original in what people said of it. Where it reads a KPI that is private to others, and
    /// thus had no value, the copy goes by check-ins.
    pub fn key_result(&self, row: &KeyResultRow) -> NewKeyResult {
        let fields = row.fields();
        NewKeyResult {
            owner_id: self.owner(row.owner_id),
            kpi: fields.kpi.filter(|_| row.kpi_id.is_some_and(|id| self.kpis.contains(&id))),
            ..fields
        }
    }

    /// The key results that come along, as they are to become, with the initiatives that do.
    pub fn fill(
        &self,
        new: &mut NewObjective,
        original: ObjectiveId,
        key_results: Vec<(KeyResultId, NewKeyResult)>,
        mut copied: impl FnMut(&InitiativeRow) -> Option<NewObjectiveInitiative>,
    ) {
        let places: HashMap<KeyResultId, usize> =
            key_results.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        new.initiatives = self
            .initiatives
            .iter()
            .filter_map(|row| {
                let key_result = match row.key_result_id {
                    Some(id) => Some(*places.get(&id)?),
                    None if row.objective_id == Some(original) => None,
                    None => return None,
                };
                Some(NewObjectiveInitiative { key_result, ..copied(row)? })
            })
            .collect();
        new.key_results = key_results.into_iter().map(|(_, new)| new).collect();
    }
}
