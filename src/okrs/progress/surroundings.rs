//! All that objectives and key results of a page hang together with, loaded once for all of them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use jiff::civil::Date;

use super::parts::{Part, Parts};
use super::past::Past;
use super::said::{Said, said_of};
use super::sources::{SourceKpi, source_kpis, source_kpis_then};
use super::{Dates, Measured, Summary, Today, last_said_on, measure, summarise};
use crate::access::{Facts, Resource, Scoped, Viewers};
use crate::http::Result;
use crate::kpis::row::KpiRow;
use crate::maths::{Confidence, LeftOut, ProgressSource, Standing, check_in_due_on};
use crate::okrs::cycles::CycleRow;
use crate::okrs::initiatives::{InitiativeCounts, Tally};
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::key_results::row::{KeyResultSource, of_objectives};
use crate::okrs::objectives::alignment::{LEVELS, child_counts, children_of};
use crate::okrs::objectives::supports;
use crate::okrs::objectives::{
    Carried, Circle, Closing, ObjectiveGuardrail, ObjectiveRef, ObjectiveRow, ObjectiveState, closings_by,
};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamRef};
use crate::store::schema::{cycles, kpis, remedies};
use crate::store::{CycleId, IDS_PER_STATEMENT, Json, KeyResultId, KpiId, MemberId, ObjectiveId, TeamId, Tx};

/// An objective that others name, and who may see it.
#[derive(Clone, Debug)]
pub struct Named {
    row: ObjectiveRow,
    viewers: Viewers,
}

/// All that objectives and key results of a page hang together with, loaded once.
#[derive(Debug)]
pub struct Surroundings {
    /// From where in the past one looks, if not from now.
    pub past: Option<Past>,
    /// The day.
    pub today: Today,
    /// Cycles that objectives belong to.
    pub cycles: HashMap<CycleId, CycleRow>,
    /// Key results of objectives, archived ones too, in the order of their making.
    pub key_results: HashMap<ObjectiveId, Vec<KeyResultRow>>,
    /// What people said of key results.
    pub said: HashMap<KeyResultId, Said>,
    /// KPIs that key results read.
    pub kpis: HashMap<KpiId, SourceKpi>,
    /// Owners and authors.
    pub members: HashMap<MemberId, MemberRef>,
    /// Teams of objectives.
    pub teams: HashMap<TeamId, TeamRef>,
    /// Who takes part in objectives beside owners and teams.
    pub circles: HashMap<ObjectiveId, Circle>,
    /// The objectives that those of the page name: parents, and what supports what.
    pub named: HashMap<ObjectiveId, Named>,
    /// What each objective supports.
    pub supported: HashMap<ObjectiveId, Vec<ObjectiveId>>,
    /// What supports each objective.
    pub supporters: HashMap<ObjectiveId, Vec<ObjectiveId>>,
    /// The objectives right under those that live by their children, archived ones too, in the order
    /// of their making.
    pub children: HashMap<ObjectiveId, Vec<ObjectiveRow>>,
    /// How many objectives hang right under each of the page.
    pub child_counts: HashMap<ObjectiveId, i64>,
    /// How many remedies link each objective to a KPI.
    pub remedies: HashMap<ObjectiveId, i64>,
    /// The KPIs that each objective must not harm.
    pub guardrails: HashMap<ObjectiveId, Vec<ObjectiveGuardrail>>,
    /// How many initiatives are meant to move them.
    pub initiatives: Tally,
    /// How objectives were closed.
    pub closings: HashMap<ObjectiveId, Vec<Closing>>,
    /// What objectives go on with, and what goes on with them.
    pub carried: Carried,
}

impl Surroundings {
    /// What objectives hang together with: their key results, and all that hangs under those that
    /// live by their children. The number of statements grows with the levels of the tree alone.
    pub fn of_objectives(tx: &mut Tx, objectives: &[&ObjectiveRow]) -> Result<Self> {
        Self::as_seen(tx, objectives, None)
    }

    /// The same for objectives that are told as they stood.
    pub fn as_seen(tx: &mut Tx, objectives: &[&ObjectiveRow], past: Option<Past>) -> Result<Self> {
        let past = past.as_ref();
        let ids: Vec<ObjectiveId> = objectives.iter().map(|objective| objective.id).collect();
        let children = contributing(tx, objectives, past)?;
        let mut all = objectives.to_vec();
        let mut known: HashSet<ObjectiveId> = ids.iter().copied().collect();
        all.extend(children.values().flatten().filter(|child| known.insert(child.id)));
        let all_ids: Vec<ObjectiveId> = all.iter().map(|objective| objective.id).collect();
        let mut key_results = of_objectives(tx, &all_ids)?;
        if let Some(past) = past {
            key_results = key_results.into_iter().map(|(id, rows)| (id, past.key_results(rows))).collect();
        }
        let mut surroundings = Self::load(tx, &all, key_results, past)?;
        let workspace = tx.workspace_id()?;
        let own = objectives.iter().filter_map(|objective| objective.team_id);
        let contributing = surroundings.circles.values().flat_map(|circle| circle.teams.iter().copied());
        surroundings.teams = teams::names(tx, workspace, own.chain(contributing))?;
        let links = match past {
            None => supports::of_objectives(tx, &ids)?,
            Some(past) => supports::links_at(tx, past.recorded_by)?,
        };
        let by_then = past.map_or(tx.now, |past| past.recorded_by);
        surroundings.closings = closings_by(tx, &ids, by_then)?;
        surroundings.carried = Carried::of(tx, &ids, by_then)?;
        let linked = links.iter().flat_map(|(from, to)| [*from, *to]).chain(surroundings.carried.named());
        let named: HashSet<ObjectiveId> =
            objectives.iter().filter_map(|objective| objective.parent_id).chain(linked).collect();
        surroundings.named = named_by_ids(tx, &named.into_iter().collect::<Vec<_>>())?;
        for (from, to) in links {
            surroundings.supported.entry(from).or_default().push(to);
            surroundings.supporters.entry(to).or_default().push(from);
        }
        surroundings.child_counts = match past {
            None => child_counts(tx, objectives, &surroundings.circles)?,
            Some(past) => past.child_counts(tx, objectives, &surroundings.circles)?,
        };
        surroundings.remedies = remedies_of(tx, objectives, &surroundings.circles, past)?;
        surroundings.guardrails = crate::GUARDS(tx, &ids, past.map(|past| &past.view))?;
        surroundings.children = children;
        Ok(surroundings)
    }

    /// What key results hang together with, for pages that show no objectives.
    pub fn of_key_results(
        tx: &mut Tx,
        objectives: &[&ObjectiveRow],
        key_results: HashMap<ObjectiveId, Vec<KeyResultRow>>,
    ) -> Result<Self> {
        Self::load(tx, objectives, key_results, None)
    }

    fn load(
        tx: &mut Tx,
        objectives: &[&ObjectiveRow],
        key_results: HashMap<ObjectiveId, Vec<KeyResultRow>>,
        past: Option<&Past>,
    ) -> Result<Self> {
        let workspace = tx.workspace()?;
        let calendar = workspace.calendar();
        let today = Today {
            day: past.map_or_else(|| calendar.day_of(tx.now.timestamp()), |past| past.today),
            rhythm_days: u32::try_from(workspace.check_in_rhythm_days).unwrap_or_default(),
            calendar,
        };
        let workspace = workspace.id;
        let cycles = cycles_of(tx, objectives)?;
        let rows: Vec<&KeyResultRow> = key_results.values().flatten().collect();
        let said = said_of(tx, &rows, past)?;
        let read = rows.iter().filter_map(|row| row.kpi_id);
        let kpis = match past {
            None => source_kpis(tx, read)?,
            Some(past) => source_kpis_then(tx, read, past)?,
        };
        let ids: Vec<ObjectiveId> = objectives.iter().map(|objective| objective.id).collect();
        let circles = Circle::of_all(tx, &ids)?;
        let contributors = circles.values().flat_map(|circle| circle.contributors.iter().copied());
        let owners = objectives.iter().filter_map(|objective| objective.owner_id).chain(contributors);
        let authors = said.values().flat_map(|said| [said.last.as_ref(), said.blocker.as_ref()]);
        let authors = authors.filter_map(|check_in| check_in?.author_id);
        let people: HashSet<MemberId> =
            owners.chain(rows.iter().filter_map(|row| row.owner_id)).chain(authors).collect();
        let members = members::names(tx, workspace, people)?;
        let ids: Vec<KeyResultId> = rows.iter().map(|row| row.id).collect();
        let objectives: Vec<ObjectiveId> = objectives.iter().map(|objective| objective.id).collect();
        let initiatives = Tally::of(tx, &ids, &objectives)?;
        Ok(Self {
            past: past.cloned(),
            today,
            cycles,
            initiatives,
            key_results,
            said,
            kpis,
            members,
            teams: HashMap::new(),
            circles,
            named: HashMap::new(),
            supported: HashMap::new(),
            supporters: HashMap::new(),
            children: HashMap::new(),
            child_counts: HashMap::new(),
            remedies: HashMap::new(),
            guardrails: HashMap::new(),
            closings: HashMap::new(),
            carried: Carried::default(),
        })
    }

    /// The cycle of an objective.
    pub fn cycle(&self, objective: &ObjectiveRow) -> Option<&CycleRow> {
        self.cycles.get(&objective.cycle_id?)
    }

    /// Who takes part in an objective beside its owner and its team.
    pub fn circle(&self, objective: ObjectiveId) -> &Circle {
        static NOBODY: Circle = Circle { contributors: Vec::new(), teams: Vec::new() };
        self.circles.get(&objective).unwrap_or(&NOBODY)
    }

    /// What the policy looks at in an objective.
    pub fn facts(&self, objective: &ObjectiveRow) -> Facts {
        self.circle(objective.id).facts(objective)
    }

    /// An objective as a page shows it where another one names it; none that is private to others.
    pub fn reference(&self, tx: &Scoped, id: Option<ObjectiveId>) -> Option<ObjectiveRef> {
        let named = self.named.get(&id?)?;
        tx.is_among(&named.viewers).then(|| named.row.shown_as_reference())
    }

    /// Those objectives of a list of links, as a page shows them.
    pub fn references(
        &self,
        tx: &Scoped,
        links: &HashMap<ObjectiveId, Vec<ObjectiveId>>,
        of: ObjectiveId,
    ) -> Vec<ObjectiveRef> {
        let ids = links.get(&of).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.reference(tx, Some(*id))).collect()
    }

    /// A member as a page shows it.
    pub fn member(&self, id: Option<MemberId>) -> Option<MemberRef> {
        self.members.get(&id?).cloned()
    }

    /// The key results of an objective, archived ones too.
    pub fn key_results_of(&self, objective: ObjectiveId) -> &[KeyResultRow] {
        self.key_results.get(&objective).map_or(&[], Vec::as_slice)
    }

    /// Whether something stands in the way of a key result, as check-ins say.
    pub fn is_blocked(&self, key_result: KeyResultId) -> bool {
        self.said.get(&key_result).is_some_and(|said| said.blocker.is_some())
    }

    /// How many initiatives are meant to move an objective, or key results of it that are in use.
    pub fn initiatives_of(&self, objective: ObjectiveId) -> InitiativeCounts {
        let key_results = self.key_results_of(objective).iter().filter(|row| row.archived_at.is_none());
        self.initiatives.of_objective(objective, key_results.map(|row| row.id))
    }

    /// Whether all who see an objective see a KPI as well: only then may its value count there.
    pub fn may_count(&self, objective: &ObjectiveRow, kpi: &SourceKpi) -> bool {
        self.facts(objective).viewers.all_see(&kpi.facts.viewers)
    }

    /// Whether a key result may count in its objective.
    fn standing(&self, row: &KeyResultRow, objective: &ObjectiveRow) -> Standing {
        let kpi = row.kpi_id.and_then(|id| self.kpis.get(&id));
        if row.archived_at.is_some() {
            Standing::LeftOut(LeftOut::Archived)
        } else if kpi.is_some_and(|kpi| !self.may_count(objective, kpi)) {
            Standing::LeftOut(LeftOut::Private)
        } else {
            Standing::Counts
        }
    }

    /// What is said of a key result of an objective.
    pub fn measure(&self, row: &KeyResultRow, objective: &ObjectiveRow) -> Measured {
        thawed(objective, row.frozen.as_ref()).unwrap_or_else(|| {
            let last = self.said.get(&row.id).and_then(|said| said.last.as_ref());
            let with = |current| measure(row, objective, self.cycle(objective), current, last, &self.today);
            match (row.source, row.kpi_id.and_then(|kpi| self.kpis.get(&kpi))) {
                (KeyResultSource::Kpi, Some(kpi)) if self.may_count(objective, kpi) => with(kpi.current),
                (KeyResultSource::Kpi, Some(_)) => with(None).without_value(),
                (KeyResultSource::Kpi, None) => with(None),
                (KeyResultSource::Manual, _) => {
                    with(self.said.get(&row.id).and_then(|said| said.valued.as_ref()?.current()))
                }
            }
        })
    }

    /// The day from which on a check-in on a key result of an active objective is asked for.
    pub fn check_in_due_on(&self, row: &KeyResultRow, objective: &ObjectiveRow) -> Date {
        let dates = Dates::of(objective, self.cycle(objective));
        let starts_on = dates.begin_for(row.created_at, &self.today.calendar);
        let last = self.said.get(&row.id).and_then(|said| said.last.as_ref());
        check_in_due_on(last_said_on(last, starts_on, &self.today), self.today.rhythm_days)
    }

    /// What is said of an objective.
    pub fn summarise(&self, objective: &ObjectiveRow) -> Summary {
        self.summarise_levels(objective, LEVELS)
    }

    /// The same, where so many levels may hang under it.
    fn summarise_levels(&self, objective: &ObjectiveRow, levels: usize) -> Summary {
        thawed(objective, objective.frozen.as_ref()).unwrap_or_else(|| {
            let rows = self.key_results_of(objective.id);
            let measured: Vec<Measured> = rows.iter().map(|row| self.measure(row, objective)).collect();
            let said: Vec<Option<Confidence>> = rows
                .iter()
                .zip(&measured)
                .filter(|(row, _)| row.archived_at.is_none())
                .map(|(_, measured)| measured.confidence)
                .collect();
            let mut made_of = Parts::default();
            match objective.progress_source {
                ProgressSource::KeyResults | ProgressSource::Manual | ProgressSource::Both => {
                    let own = rows.iter().zip(&measured).map(|(row, measured)| {
                        Part::key_result(row, measured, self.standing(row, objective))
                    });
                    made_of.parts.extend(own);
                }
                ProgressSource::Children => {}
            }
            if lives_by_children(objective) && levels > 0 {
                for child in self.children.get(&objective.id).into_iter().flatten() {
                    if !self.facts(objective).viewers.all_see(&self.facts(child).viewers) {
                        made_of.private += 1;
                        continue;
                    }
                    made_of.parts.push(Part::child(child, &self.summarise_levels(child, levels - 1)));
                }
            }
            summarise(objective, self.cycle(objective), &made_of, &said, &self.today)
        })
    }
}

/// Whether what hangs under an objective counts in its progress.
fn lives_by_children(objective: &ObjectiveRow) -> bool {
    match objective.progress_source {
        ProgressSource::Children | ProgressSource::Both => true,
        ProgressSource::KeyResults | ProgressSource::Manual => false,
    }
}

/// All that counts under objectives, down to the last level: one statement for each level.
fn contributing(
    tx: &mut Tx,
    objectives: &[&ObjectiveRow],
    past: Option<&Past>,
) -> Result<HashMap<ObjectiveId, Vec<ObjectiveRow>>> {
    let counts = |row: &ObjectiveRow| lives_by_children(row).then_some(row.id);
    let mut found: HashMap<ObjectiveId, Vec<ObjectiveRow>> = HashMap::new();
    let mut asked: HashSet<ObjectiveId> = HashSet::new();
    let mut level: Vec<ObjectiveId> = objectives.iter().filter_map(|row| counts(row)).collect();
    while !level.is_empty() {
        asked.extend(&level);
        let children = match past {
            None => children_of(tx, &level)?,
            Some(past) => past.children_of(tx, &level)?,
        };
        level = children.iter().filter_map(counts).filter(|id| !asked.contains(id)).collect();
        for child in children {
            if let Some(parent) = child.parent_id {
                found.entry(parent).or_default().push(child);
            }
        }
    }
    Ok(found)
}

/// What closing froze; only a closed objective shows it.
fn thawed<T: serde::de::DeserializeOwned>(objective: &ObjectiveRow, frozen: Option<&Json>) -> Option<T> {
    match objective.state {
        ObjectiveState::Closed => serde_json::from_value(frozen?.0.clone()).ok(),
        ObjectiveState::Draft | ObjectiveState::Active => None,
    }
}

/// The cycles that objectives belong to.
pub fn cycles_of(tx: &mut Tx, objectives: &[&ObjectiveRow]) -> Result<HashMap<CycleId, CycleRow>> {
    let workspace = tx.workspace_id()?;
    let ids: HashSet<CycleId> = objectives.iter().filter_map(|objective| objective.cycle_id).collect();
    let ids: Vec<CycleId> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<CycleRow> = cycles::table
            .filter(cycles::workspace_id.eq(workspace))
            .filter(cycles::id.eq_any(ids.to_vec()))
            .load(tx.db())?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(found)
}

fn named_by_ids(tx: &mut Tx, ids: &[ObjectiveId]) -> Result<HashMap<ObjectiveId, Named>> {
    let rows = ObjectiveRow::by_ids(tx, ids)?;
    let mut viewers = Circle::viewers_of(tx, &rows.values().collect::<Vec<_>>())?;
    let named = |(id, row)| (id, Named { row, viewers: viewers.remove(&id).unwrap_or_default() });
    Ok(rows.into_iter().map(named).collect())
}

/// How many KPIs objectives are meant to heal, as far as all who see the objective see the KPI.
fn remedies_of(
    tx: &mut Tx,
    objectives: &[&ObjectiveRow],
    circles: &HashMap<ObjectiveId, Circle>,
    past: Option<&Past>,
) -> Result<HashMap<ObjectiveId, i64>> {
    let workspace = tx.workspace_id()?;
    let by_then = past.map_or(tx.now, |past| past.recorded_by);
    let by_id: HashMap<ObjectiveId, &ObjectiveRow> = objectives.iter().map(|row| (row.id, *row)).collect();
    let ids: Vec<ObjectiveId> = by_id.keys().copied().collect();
    let nobody = Circle::default();
    let mut found: HashMap<ObjectiveId, i64> = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let links: Vec<(ObjectiveId, KpiRow)> = remedies::table
            .inner_join(kpis::table.on(kpis::id.eq(remedies::kpi_id)))
            .filter(remedies::workspace_id.eq(workspace))
            .filter(remedies::objective_id.eq_any(ids.to_vec()))
            .filter(remedies::created_at.le(by_then))
            .filter(remedies::withdrawn_at.is_null().or(remedies::withdrawn_at.gt(by_then)))
            .select((remedies::objective_id, kpis::all_columns))
            .load(tx.db())?;
        for (id, kpi) in links {
            let Some(objective) = by_id.get(&id) else { continue };
            let objective = circles.get(&id).unwrap_or(&nobody).facts(objective);
            if objective.viewers.all_see(&kpi.facts().viewers) {
                *found.entry(id).or_default() += 1;
            }
        }
    }
    Ok(found)
}
