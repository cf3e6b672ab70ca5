//! What became of remedies, now or as it stood: derived from dated facts, never stored by hand.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::lag::longest_lags;
use super::row::{self, RemedyRow};
use crate::kpis::derive::{self, History, View};
use crate::kpis::row::KpiRow;
use crate::maths::{
    Calendar, Judged, KpiSettings, Recovery, RemedyInput, RemedyLink, RemedyObjective, RemedyOutcome,
    days_to_recovery, days_to_remedy, effect_by, may_be_chance, outcome, recovery, share_of_gap_closed,
};
use crate::okrs::objectives::{ObjectiveRow, RecordedState, UndoneClosings, states_at};
use crate::store::{KpiId, Moment, ObjectiveId, RemedyId, StoreError, Tx};

/// From where one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standpoint {
    /// The day that counts as today.
    pub today: Date,
    /// Links and states of objectives count when they were recorded by this instant.
    pub recorded_by: Moment,
}

impl Standpoint {
    /// From now, or from the end of a day in the past.
    pub fn of(tx: &Tx, view: Option<&View>) -> Result<Self, StoreError> {
        Ok(Self::seen(&tx.workspace()?.calendar(), tx.now, view))
    }

    fn seen(calendar: &Calendar, now: Moment, view: Option<&View>) -> Self {
        let present = calendar.day_of(now.timestamp());
        let View { as_of, known_at } = view.copied().unwrap_or_default();
        let (today, until) = match as_of.map(|day| day.date()) {
            Some(day) if day < present => {
                let end = Moment::from(calendar.end_of_day(day));
                // What happened when the next day began had not happened yet.
                (day, Moment::from_microseconds(end.microseconds() - 1))
            }
            Some(_) | None => (present, now),
        };
        Self { today, recorded_by: known_at.map_or(until, |known_at| until.min(known_at)) }
    }
}

/// An objective, and where it stood.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveThen {
    /// The objective.
    pub row: ObjectiveRow,
    /// Where it stood.
    pub state: RecordedState,
}

impl ObjectiveThen {
    /// As it stands now.
    pub fn now(row: ObjectiveRow) -> Self {
        let state = match row.archived_at {
            Some(_) => RecordedState::Archived,
            None => row.state.into(),
        };
        Self { row, state }
    }
}

/// The objectives with these ids, where they stood; those that had not been made stood as drafts.
pub fn objectives_then(
    tx: &mut Tx,
    ids: &[ObjectiveId],
    view: Option<&View>,
) -> Result<HashMap<ObjectiveId, ObjectiveThen>, StoreError> {
    let standpoint = Standpoint::of(tx, view)?;
    let found = row::objectives_of(tx, ids)?;
    let states = match view {
        None => None,
        Some(_) => {
            let undone = UndoneClosings::at(tx, standpoint.recorded_by)?;
            Some((states_at(tx, ids, standpoint.recorded_by)?, undone))
        }
    };
    let objectives = found.into_iter().map(|row| {
        let then = match &states {
            None => ObjectiveThen::now(row),
            Some((states, undone)) => match states.get(&row.id).copied() {
                Some(RecordedState::Closed) => {
                    ObjectiveThen { row: undone.as_closed(row), state: RecordedState::Closed }
                }
                Some(state) => ObjectiveThen { row, state },
                None => ObjectiveThen { row, state: RecordedState::Draft },
            },
        };
        (then.row.id, then)
    });
    Ok(objectives.collect())
}

/// What remedies need to know of a KPI's history.
#[derive(Clone, Debug)]
pub struct Seen {
    settings: KpiSettings,
    counting: Vec<Judged>,
    value_now: Option<f64>,
    newest_point_on: Option<Date>,
    now: Timestamp,
}

impl From<&History> for Seen {
    fn from(history: &History) -> Self {
        Self {
            settings: history.settings,
            counting: history.counting(),
            value_now: history.state.current.and_then(|current| current.value),
            newest_point_on: history.latest_point_at.map(|at| history.calendar.day_of(at.timestamp())),
            now: history.now,
        }
    }
}

/// What became of a remedy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The outcome.
    pub outcome: RemedyOutcome,
    /// Where its objective stood.
    pub objective: RemedyObjective,
    /// The day from which on the effect of its closed objective should show.
    pub effect_by: Option<Date>,
    /// 1 - |gap now| / |gap at the baseline|.
    pub share_of_gap_closed: Option<f64>,
    /// Days from unhealthy to remedy.
    pub days_to_remedy: Option<i64>,
    /// The latest recovery since the baseline.
    pub recovered_on: Option<Date>,
    /// Days from remedy to recovery.
    pub days_to_recovery: Option<i64>,
    /// Whether the recovery may be routine variation.
    pub may_be_chance: Option<bool>,
}

/// All that the outcomes of some remedies follow from.
#[derive(Debug)]
pub struct Ground {
    standpoint: Standpoint,
    calendar: Calendar,
    /// The objectives, where they stood.
    pub objectives: HashMap<ObjectiveId, ObjectiveThen>,
    seen: HashMap<KpiId, Seen>,
    /// How many periods more than one the effect of a closed objective may take.
    lags: HashMap<RemedyId, u32>,
}

impl Ground {
    /// Loads it for some remedies and the KPIs that they heal.
    pub fn load(
        tx: &mut Tx,
        rows: &[RemedyRow],
        kpis: &[KpiRow],
        view: Option<&View>,
    ) -> Result<Self, StoreError> {
        let histories = derive::histories(tx, kpis, &view.copied().unwrap_or_default())?;
        let seen = histories.iter().map(|(id, history)| (*id, Seen::from(history))).collect();
        Self::with(tx, rows, seen, view)
    }

    /// The same where the histories of the KPIs are known already.
    pub fn with(
        tx: &mut Tx,
        rows: &[RemedyRow],
        seen: HashMap<KpiId, Seen>,
        view: Option<&View>,
    ) -> Result<Self, StoreError> {
        let standpoint = Standpoint::of(tx, view)?;
        let ids: HashSet<ObjectiveId> = rows.iter().map(|row| row.objective_id).collect();
        let objectives = objectives_then(tx, &ids.into_iter().collect::<Vec<_>>(), view)?;
        let is_closed = |row: &&RemedyRow| {
            objectives.get(&row.objective_id).is_some_and(|then| then.row.closed_at.is_some())
        };
        let closed: Vec<&RemedyRow> = rows.iter().filter(is_closed).collect();
        let lags = longest_lags(tx, &closed, standpoint.recorded_by)?;
        let calendar = tx.workspace()?.calendar();
        Ok(Self { standpoint, calendar, objectives, seen, lags })
    }

    /// What became of a remedy; `None` where its KPI or objective was not loaded.
    pub fn told(&self, remedy: &RemedyRow) -> Option<Told> {
        let objective = self.objectives.get(&remedy.objective_id)?;
        let seen = self.seen.get(&remedy.kpi_id)?;
        let lag = self.lags.get(&remedy.id).copied().unwrap_or_default();
        Some(tell(remedy, objective, seen, lag, &self.standpoint, &self.calendar))
    }
}

/// What became of a remedy, from what is known of its objective and its KPI.
pub fn tell(
    remedy: &RemedyRow,
    objective: &ObjectiveThen,
    seen: &Seen,
    longest_lag: u32,
    standpoint: &Standpoint,
    calendar: &Calendar,
) -> Told {
    let day = |at: Moment| calendar.day_of(at.timestamp());
    let closes = objective.row.closed_at.map(|at| RemedyObjective::Closed {
        closed_on: day(at),
        effect_by: effect_by(seen.settings.cadence, day(at), longest_lag),
    });
    let standing = match (objective.state, closes) {
        (RecordedState::Draft, _) => RemedyObjective::Draft,
        (RecordedState::Closed | RecordedState::Archived, Some(closed)) => closed,
        (RecordedState::Active | RecordedState::Archived | RecordedState::Closed, _) => {
            RemedyObjective::Active
        }
    };
    let link = match objective.state {
        RecordedState::Archived => RemedyLink::Ended,
        _ if remedy.is_withdrawn_by(standpoint.recorded_by) => RemedyLink::Ended,
        RecordedState::Draft | RecordedState::Active | RecordedState::Closed => RemedyLink::Standing,
    };
    let baseline = remedy.baseline(calendar);
    let input = RemedyInput {
        link,
        objective: standing,
        baseline,
        judged: &seen.counting,
        rules: seen.settings.episode_rules(),
        newest_point_on: seen.newest_point_on,
        today: standpoint.today,
        now: seen.now,
    };
    let made_on = day(remedy.created_at);
    let told = Told {
        outcome: outcome(&input),
        objective: standing,
        effect_by: None,
        share_of_gap_closed: None,
        days_to_remedy: remedy.unhealthy_since.map(|since| days_to_remedy(since.date(), made_on)),
        recovered_on: None,
        days_to_recovery: None,
        may_be_chance: None,
    };
    match link {
        // What came after its end is no longer its doing.
        RemedyLink::Ended => told,
        RemedyLink::Standing => {
            let recovery = recovery(&input);
            Told {
                effect_by: match standing {
                    RemedyObjective::Closed { effect_by, .. } => Some(effect_by),
                    RemedyObjective::Draft | RemedyObjective::Active => None,
                },
                share_of_gap_closed: share(remedy, seen),
                recovered_on: recovery.map(|recovery| recovery.recovered_on),
                days_to_recovery: recovery.map(|recovery| days_to_recovery(made_on, recovery.recovered_on)),
                may_be_chance: recovery.and_then(|recovery| by_chance(&recovery, baseline.starts_on, seen)),
                ..told
            }
        }
    }
}

fn share(remedy: &RemedyRow, seen: &Seen) -> Option<f64> {
    let band = remedy.target()?.band;
    share_of_gap_closed(remedy.baseline_value?, seen.value_now?, &band)
}

fn by_chance(recovery: &Recovery, starts_on: Date, seen: &Seen) -> Option<bool> {
    let before: Vec<f64> = seen
        .counting
        .iter()
        .filter(|judged| judged.period.ends_on < starts_on)
        .filter_map(|judged| judged.value)
        .collect();
    may_be_chance(&before, recovery.value)
}

#[cfg(test)]
mod tests;
