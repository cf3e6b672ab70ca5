//! All that objectives and key results of a page hang together with, loaded once for all of them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use jiff::civil::Date;

use super::{Dates, KeyResultValue, Measured, Summary, Today, last_said_on, measure, summarise};
use crate::http::Result;
use crate::kpis::derive::shown;
use crate::kpis::kpis::{KpiRef, references};
use crate::maths::check_in_due_on;
use crate::okrs::check_ins::CheckInRow;
use crate::okrs::cycles::CycleRow;
use crate::okrs::initiatives::{InitiativeCounts, Tally};
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::key_results::row::{KeyResultSource, of_objectives};
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamRef};
use crate::store::connection::MultiBackend;
use crate::store::schema::{check_ins, cycles, remedies};
use crate::store::{CycleId, Json, KeyResultId, KpiId, MemberId, Moment, ObjectiveId, TeamId, Tx};

/// Ids that one statement names at the most: below both engines' limit of bound values.
pub const IDS_PER_STATEMENT: usize = 10_000;

/// What people said of a key result.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The latest check-in.
    pub last: Option<CheckInRow>,
    /// The latest check-in that holds a value.
    pub valued: Option<CheckInRow>,
    /// The check-in that says what stands in the way: the latest that says anything of it, unless it clears it.
    pub blocker: Option<CheckInRow>,
}

/// A KPI that key results read.
#[derive(Clone, Debug)]
pub struct SourceKpi {
    /// The KPI, as a page shows it.
    pub reference: KpiRef,
    /// Its current value.
    pub current: Option<KeyResultValue>,
}

/// All that objectives and key results of a page hang together with, loaded once.
#[derive(Debug)]
pub struct Surroundings {
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
    /// How many remedies link each objective to a KPI.
    pub remedies: HashMap<ObjectiveId, i64>,
    /// How many initiatives are meant to move them.
    pub initiatives: Tally,
}

impl Surroundings {
    /// What objectives hang together with, their key results included.
    pub fn of_objectives(tx: &mut Tx, objectives: &[&ObjectiveRow]) -> Result<Self> {
        let ids: Vec<ObjectiveId> = objectives.iter().map(|objective| objective.id).collect();
        let key_results = of_objectives(tx, &ids)?;
        let mut surroundings = Self::of_key_results(tx, objectives, key_results)?;
        let workspace = tx.workspace_id()?;
        let teams = objectives.iter().filter_map(|objective| objective.team_id);
        surroundings.teams = teams::names(tx, workspace, teams)?;
        surroundings.remedies = remedies_of(tx, &ids)?;
        Ok(surroundings)
    }

    /// What key results hang together with, for pages that show no objectives.
    pub fn of_key_results(
        tx: &mut Tx,
        objectives: &[&ObjectiveRow],
        key_results: HashMap<ObjectiveId, Vec<KeyResultRow>>,
    ) -> Result<Self> {
        let workspace = tx.workspace()?;
        let calendar = workspace.calendar();
        let today = Today {
            day: calendar.day_of(tx.now.timestamp()),
            rhythm_days: u32::try_from(workspace.check_in_rhythm_days).unwrap_or_default(),
            calendar,
        };
        let workspace = workspace.id;
        let cycles = cycles_of(tx, objectives)?;
        let rows: Vec<&KeyResultRow> = key_results.values().flatten().collect();
        let said = said_of(tx, &rows)?;
        let kpis = source_kpis(tx, rows.iter().filter_map(|row| row.kpi_id))?;
        let owners = objectives.iter().filter_map(|objective| objective.owner_id);
        let authors = said.values().flat_map(|said| [said.last.as_ref(), said.blocker.as_ref()]);
        let authors = authors.filter_map(|check_in| check_in?.author_id);
        let people: HashSet<MemberId> =
            owners.chain(rows.iter().filter_map(|row| row.owner_id)).chain(authors).collect();
        let members = members::names(tx, workspace, people)?;
        let ids: Vec<KeyResultId> = rows.iter().map(|row| row.id).collect();
        let objectives: Vec<ObjectiveId> = objectives.iter().map(|objective| objective.id).collect();
        let initiatives = Tally::of(tx, &ids, &objectives)?;
        Ok(Self {
            today,
            cycles,
            initiatives,
            key_results,
            said,
            kpis,
            members,
            teams: HashMap::new(),
            remedies: HashMap::new(),
        })
    }

    /// The cycle of an objective.
    pub fn cycle(&self, objective: &ObjectiveRow) -> Option<&CycleRow> {
        self.cycles.get(&objective.cycle_id?)
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

    /// What is said of a key result of an objective.
    pub fn measure(&self, row: &KeyResultRow, objective: &ObjectiveRow) -> Measured {
        thawed(objective, row.frozen.as_ref()).unwrap_or_else(|| {
            let current = match (row.source, row.kpi_id) {
                (KeyResultSource::Kpi, Some(kpi)) => self.kpis.get(&kpi).and_then(|kpi| kpi.current),
                (KeyResultSource::Kpi, None) => None,
                (KeyResultSource::Manual, _) => {
                    self.said.get(&row.id).and_then(|said| said.valued.as_ref()?.current())
                }
            };
            let last = self.said.get(&row.id).and_then(|said| said.last.as_ref());
            measure(row, objective, self.cycle(objective), current, last, &self.today)
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
        thawed(objective, objective.frozen.as_ref()).unwrap_or_else(|| {
            let rows = self.key_results_of(objective.id);
            let measured: Vec<Measured> = rows.iter().map(|row| self.measure(row, objective)).collect();
            summarise(objective, self.cycle(objective), rows, &measured, &self.today)
        })
    }
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

/// The latest check-in of each key result, and where those are others, the latest with a value and
/// the latest that says anything of blockers.
fn said_of(tx: &mut Tx, rows: &[&KeyResultRow]) -> Result<HashMap<KeyResultId, Said>> {
    let ids: Vec<KeyResultId> = rows.iter().map(|row| row.id).collect();
    let mut said: HashMap<KeyResultId, Said> = HashMap::new();
    for last in latest_check_ins(tx, &ids, Saying::Anything)? {
        said.insert(last.key_result_id, Said { last: Some(last), valued: None, blocker: None });
    }
    let (mut without_value, mut without_blocker) = (Vec::new(), Vec::new());
    for (id, said) in &mut said {
        match &said.last {
            Some(last) if last.value.is_some() => said.valued = Some(last.clone()),
            Some(_) | None => without_value.push(*id),
        }
        match &said.last {
            Some(last) if last.is_about_blockers() => said.blocker = Some(last.clone()),
            Some(_) | None => without_blocker.push(*id),
        }
    }
    // A key result that read a KPI for a while has check-ins without values after those with some.
    for valued in latest_check_ins(tx, &without_value, Saying::Values)? {
        if let Some(said) = said.get_mut(&valued.key_result_id) {
            said.valued = Some(valued);
        }
    }
    for blocker in latest_check_ins(tx, &without_blocker, Saying::Blockers)? {
        if let Some(said) = said.get_mut(&blocker.key_result_id) {
            said.blocker = Some(blocker);
        }
    }
    for said in said.values_mut() {
        said.blocker.take_if(|blocker| blocker.clears_blocker);
    }
    Ok(said)
}

/// Which check-ins are looked at.
#[derive(Clone, Copy)]
enum Saying {
    Anything,
    Values,
    Blockers,
}

impl Saying {
    fn holds(self, row: &CheckInRow) -> bool {
        match self {
            Self::Anything => true,
            Self::Values => row.value.is_some(),
            Self::Blockers => row.is_about_blockers(),
        }
    }
}

/// The latest by `at` (then the one made last) among the check-ins of each key result.
fn latest_check_ins(tx: &mut Tx, ids: &[KeyResultId], saying: Saying) -> Result<Vec<CheckInRow>> {
    let workspace = tx.workspace_id()?;
    let mut latest: HashMap<KeyResultId, CheckInRow> = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let newest = check_ins::table
            .group_by(check_ins::key_result_id)
            .select((check_ins::key_result_id, diesel::dsl::max(check_ins::at)))
            .filter(check_ins::workspace_id.eq(workspace))
            .filter(check_ins::key_result_id.eq_any(ids.to_vec()))
            .into_boxed::<MultiBackend>();
        let newest = match saying {
            Saying::Anything => newest,
            Saying::Values => newest.filter(check_ins::value.is_not_null()),
            Saying::Blockers => {
                newest.filter(check_ins::blocker.is_not_null().or(check_ins::clears_blocker.eq(true)))
            }
        };
        let instants: Vec<(KeyResultId, Option<Moment>)> = newest.load(tx.db())?;
        let instants: HashSet<(KeyResultId, Moment)> =
            instants.into_iter().filter_map(|(id, at)| Some((id, at?))).collect();
        let moments: HashSet<Moment> = instants.iter().map(|(_, at)| *at).collect();
        let moments: Vec<Moment> = moments.into_iter().collect();
        for moments in moments.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<CheckInRow> = check_ins::table
                .filter(check_ins::workspace_id.eq(workspace))
                .filter(check_ins::key_result_id.eq_any(ids.to_vec()))
                .filter(check_ins::at.eq_any(moments.to_vec()))
                .order((check_ins::recorded_at, check_ins::id))
                .load(tx.db())?;
            for row in rows {
                if saying.holds(&row) && instants.contains(&(row.key_result_id, row.at)) {
                    latest.insert(row.key_result_id, row);
                }
            }
        }
    }
    Ok(latest.into_values().collect())
}

/// The KPIs that key results read, with their current values.
pub fn source_kpis(tx: &mut Tx, ids: impl IntoIterator<Item = KpiId>) -> Result<HashMap<KpiId, SourceKpi>> {
    let ids: HashSet<KpiId> = ids.into_iter().collect();
    let ids: Vec<KpiId> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let states = shown(tx, ids)?;
        for (id, reference) in references(tx, ids)? {
            let current = states.get(&id).and_then(|state| {
                Some(KeyResultValue { value: state.value?.into(), at: state.period_starts_at? })
            });
            found.insert(id, SourceKpi { reference, current });
        }
    }
    Ok(found)
}

fn remedies_of(tx: &mut Tx, objectives: &[ObjectiveId]) -> Result<HashMap<ObjectiveId, i64>> {
    let workspace = tx.workspace_id()?;
    let mut found = HashMap::new();
    for ids in objectives.chunks(IDS_PER_STATEMENT) {
        let counts: Vec<(ObjectiveId, i64)> = remedies::table
            .filter(remedies::workspace_id.eq(workspace))
            .filter(remedies::objective_id.eq_any(ids.to_vec()))
            .filter(remedies::withdrawn_at.is_null())
            .group_by(remedies::objective_id)
            .select((remedies::objective_id, diesel::dsl::count_star()))
            .load(tx.db())?;
        found.extend(counts);
    }
    Ok(found)
}
