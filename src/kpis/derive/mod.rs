//! From points to periods to states: everything that a KPI shows follows from its points and targets.
//!
//! A write re-folds the periods that it touched, judges the series again and stores what changed: a row per period,
//! and per KPI the stages of what it shows now and from later instants on. Of a long series only the newest periods
//! are read, and a checkpoint says what the older ones come to. KPIs that are computed from those follow, each after
//! its inputs. Reading a KPI takes one row; travelling in time loads the points themselves and computes afresh.

mod checkpoints;
mod computed;
mod fold;
mod history;
mod load;
mod renewal;
mod rows;

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

pub use checkpoints::CheckpointRow;
pub use computed::{Formula, Periods, Unvalued, inputs_count, unvalued};
pub use fold::{FoldedPeriod, Numbers};
pub use history::{AsOf, History, View, histories, history, recorded_by};
pub use rows::{Origin, PeriodRow, PointRow, Quality, RevisionRow, StateRow, TargetRow, Verdict};

use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::{Calendar, Checkpoint, KpiSettings};
use crate::store::journal::{EventType, Subject};
use crate::store::{Day, KpiChange, KpiId, Moment, StoreError, Tx, batch};
use checkpoints::Fate;
use computed::IsComputed;
use fold::{HEALTH_OF_NOTHING, Range, fold_points};
use renewal::{Outcome, Renewal, Stored};

/// From which moment on a KPI's periods are folded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// All of them: cadence, aggregation or the week's first day changed.
    Beginning,
    /// From the one that holds this moment.
    At(Moment),
}

/// How many KPIs are brought up to date by the same statements.
const KPIS_AT_ONCE: usize = 200;

/// What each KPI shows now; one that was never derived is missing. The transaction notes when it will show something
/// else.
pub fn shown(tx: &mut Tx, ids: &[KpiId]) -> Result<HashMap<KpiId, StateRow>, StoreError> {
    let now = tx.now;
    let mut shown = HashMap::new();
    for (id, stages) in load::stages(tx, ids)? {
        let turns = stages.iter().flat_map(|stage| [Some(stage.from_at), stage.due_at, stage.stale_at]);
        turns.flatten().for_each(|turn| tx.turns_at(turn));
        shown.extend(stages.into_iter().rfind(|stage| stage.from_at <= now).map(|stage| (id, stage)));
    }
    Ok(shown)
}

/// Brings up to date what hangs on a KPI's points from a moment on.
pub fn recompute(tx: &mut Tx, kpi: &KpiRow, since: Since) -> Result<(), StoreError> {
    bring_up_to_date(tx, &[Job { kpi, scope: Scope::Since(since) }]).map(drop)
}

/// Brings up to date all that hangs on the points of some KPIs.
pub fn recompute_all(tx: &mut Tx, kpis: &[KpiRow]) -> Result<(), StoreError> {
    let jobs: Vec<Job> = kpis.iter().map(|kpi| Job { kpi, scope: Scope::Since(Since::Beginning) }).collect();
    bring_up_to_date(tx, &jobs).map(drop)
}

/// Brings up to date what hangs on the points of KPIs at these instants; says of each, and of all that are computed
/// from them, what was shown before and after.
pub fn recompute_many(tx: &mut Tx, changed: &[(&KpiRow, &[Moment])]) -> Result<Vec<KpiChange>, StoreError> {
    let jobs: Vec<Job> =
        changed.iter().map(|(kpi, changed)| Job { kpi, scope: Scope::Periods(changed) }).collect();
    bring_up_to_date(tx, &jobs)
}

/// A KPI to be brought up to date.
#[derive(Clone, Copy)]
struct Job<'a> {
    kpi: &'a KpiRow,
    scope: Scope<'a>,
}

/// Which of its periods changed.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Since(Since),
    Periods(&'a [Moment]),
}

impl Scope<'_> {
    fn ranges(self, calendar: &Calendar, settings: &KpiSettings) -> Vec<Range> {
        match self {
            Self::Since(Since::Beginning) => vec![Range::all()],
            Self::Since(Since::At(moment)) => {
                let first = calendar.period_of(settings.cadence, moment.timestamp());
                vec![Range::since(first.starts_at.into())]
            }
            Self::Periods(changed) => fold::ranges(calendar, settings, changed),
        }
    }
}

fn bring_up_to_date(tx: &mut Tx, jobs: &[Job]) -> Result<Vec<KpiChange>, StoreError> {
    let measured: Vec<Job> =
        jobs.iter().filter(|job| IsComputed::of(job.kpi) == IsComputed::No).copied().collect();
    let mut changes = fold_again(tx, &measured)?;
    let changed: Vec<(KpiId, IsComputed)> =
        jobs.iter().map(|job| (job.kpi.id, IsComputed::of(job.kpi))).collect();
    for round in computed::rounds(tx, &changed)? {
        changes.extend(compute_again(tx, &round)?);
    }
    Ok(changes)
}

/// Brings KPIs with points of their own up to date: by their newest periods where a checkpoint allows it, else by all.
fn fold_again(tx: &mut Tx, jobs: &[Job]) -> Result<Vec<KpiChange>, StoreError> {
    let calendar = tx.workspace()?.calendar();
    let now = tx.now;
    let mut changes = Vec::new();
    for jobs in jobs.chunks(KPIS_AT_ONCE) {
        let ids: Vec<KpiId> = jobs.iter().map(|job| job.kpi.id).collect();
        let ranges: Vec<Vec<Range>> =
            jobs.iter().map(|job| job.scope.ranges(&calendar, &job.kpi.settings())).collect();
        let checkpoints = checkpoints::stored(tx, &ids)?;
        let standing: HashMap<KpiId, Checkpoint> = ids
            .iter()
            .zip(&ranges)
            .filter_map(|(id, ranges)| Some((*id, *checkpoints.get(id)?, ranges.first()?.from)))
            .filter(|(_, checkpoint, changed)| Moment::from(checkpoint.covers_until) <= *changed)
            .map(|(id, checkpoint, _)| (id, checkpoint))
            .collect();
        let mut targets = load::targets(tx, &ids)?;
        let mut periods = load::periods_read(tx, &ids, &standing)?;
        let mut stages = load::stages(tx, &ids)?;
        let mut points = load::points_in(
            tx,
            jobs.iter()
                .zip(&ranges)
                .flat_map(|(job, ranges)| ranges.iter().map(|range| (job.kpi.id, *range))),
        )?;

        let mut writes = Writes::default();
        for (Job { kpi, .. }, ranges) in jobs.iter().zip(&ranges) {
            let id = kpi.id;
            let mut stored = Stored {
                targets: targets.remove(&id).unwrap_or_default(),
                periods: periods.remove(&id).unwrap_or_default(),
                stages: stages.remove(&id).unwrap_or_default(),
            };
            let settings = kpi.settings();
            let renewal = Renewal { calendar: &calendar, kpi, settings: &settings, ranges, now };
            let touched = fold_points(&calendar, &settings, &mut points.remove(&id).unwrap_or_default());
            let mut used = standing.get(&id);
            let mut series = renewal.series(&stored, &touched);
            let short = used.and_then(|checkpoint| renewal.outcome_after(checkpoint, &stored, &series));
            let outcome = match short {
                Some(outcome) => outcome,
                None => {
                    if used.take().is_some() {
                        stored.periods = load::periods(tx, &[id])?.remove(&id).unwrap_or_default();
                        series = renewal.series(&stored, &touched);
                    }
                    renewal.outcome(&stored, &series)
                }
            };
            let newer = renewal.checkpoint(used, &stored, &series);
            writes.fates.push(Fate::of(kpi, checkpoints.get(&id), used, newer.as_ref()));
            changes.push(tell(tx, kpi, &stored, &outcome, &calendar));
            writes.add(id, &stored, outcome);
        }
        writes.run(tx)?;
    }
    Ok(changes)
}

/// Brings computed KPIs up to date whose inputs are.
fn compute_again(tx: &mut Tx, round: &[KpiId]) -> Result<Vec<KpiChange>, StoreError> {
    let calendar = tx.workspace()?.calendar();
    let mut changes = Vec::new();
    for ids in round.chunks(KPIS_AT_ONCE) {
        let mut targets = load::targets(tx, ids)?;
        let mut periods = load::periods(tx, ids)?;
        let mut stages = load::stages(tx, ids)?;
        let rows = KpiRow::by_ids(tx, ids)?;
        let formulas: HashMap<KpiId, Formula> =
            rows.values().filter_map(|row| Some((row.id, row.computed_from()?))).collect();
        let inputs: BTreeSet<KpiId> = formulas.values().flat_map(Formula::inputs).collect();
        let inputs = KpiRow::by_ids(tx, &inputs.into_iter().collect::<Vec<_>>())?;
        let seen = history::seen(
            tx,
            &calendar,
            &inputs.values().cloned().collect::<Vec<_>>(),
            None,
            Range::all().from,
        )?;
        let mut writes = Writes::default();
        for (kpi, formula) in ids.iter().filter_map(|id| rows.get(id).zip(formulas.get(id))) {
            let stored = Stored {
                targets: targets.remove(&kpi.id).unwrap_or_default(),
                periods: periods.remove(&kpi.id).unwrap_or_default(),
                stages: stages.remove(&kpi.id).unwrap_or_default(),
            };
            let periods = match inputs_count(kpi, formula, &inputs) {
                true => computed::compute(&calendar, kpi.cadence, formula, &seen),
                false => Vec::new(),
            };
            if let Some(author) = tx.changer_of(formula.inputs()) {
                tx.was_changed_by(kpi.id, author);
            }
            let (settings, ranges) = (kpi.settings(), [Range::all()]);
            let renewal =
                Renewal { calendar: &calendar, kpi, settings: &settings, ranges: &ranges, now: tx.now };
            let outcome = renewal.outcome(&stored, &periods);
            changes.push(tell(tx, kpi, &stored, &outcome, &calendar));
            writes.add(kpi.id, &stored, outcome);
        }
        writes.run(tx)?;
    }
    Ok(changes)
}

/// What is to be written for some KPIs, in few statements.
#[derive(Default)]
struct Writes {
    changed: Vec<PeriodRow>,
    gone: Vec<(KpiId, Moment)>,
    renewed: Vec<StateRow>,
    fates: Vec<Fate>,
}

impl Writes {
    fn add(&mut self, id: KpiId, stored: &Stored, outcome: Outcome) {
        if outcome.stages != stored.stages {
            self.renewed.extend(outcome.stages);
        }
        self.gone.extend(outcome.gone.into_iter().map(|starts_at| (id, starts_at)));
        self.changed.extend(outcome.changed);
    }

    fn run(self, tx: &mut Tx) -> Result<(), StoreError> {
        batch::delete_periods(tx, &self.gone)?;
        batch::replace_periods(tx, &self.changed)?;
        batch::replace_states(tx, &self.renewed)?;
        checkpoints::settle(tx, self.fates)
    }
}

/// Says what changed: to what must follow in this transaction, and to whoever reads the journal.
fn tell(tx: &mut Tx, kpi: &KpiRow, stored: &Stored, outcome: &Outcome, calendar: &Calendar) -> KpiChange {
    let now = tx.now;
    let health =
        |stage: Option<&StateRow>| stage.map_or(HEALTH_OF_NOTHING, |stage| stage.verdict(now).health);
    let shown_before = stored.stages.iter().rfind(|stage| stage.from_at <= now);
    let shown_after = outcome.stages.iter().rfind(|stage| stage.from_at <= now);
    let change = KpiChange { kpi: kpi.id, before: health(shown_before), after: health(shown_after) };
    tx.kpi_changed(change.clone());

    let subject = || Subject::new("kpi", kpi.id, kpi.name.clone());
    let day = |at: Moment| Day::from(calendar.day_of(at.timestamp()));
    let period = shown_after
        .and_then(|stage| stage.period_starts_at)
        .map(|at| period_name(kpi.cadence, day(at).date()));
    let value = shown_after.and_then(|stage| stage.value);
    let trend = |stage: Option<&StateRow>| stage.and_then(|stage| stage.trend);
    let (trend_before, trend_after) = (trend(shown_before), trend(shown_after));
    // What an older program left out was shown all the same, computed afresh.
    let is_told = shown_before.is_none_or(|stage| !stage.is_outdated());
    if is_told && trend_before != trend_after {
        let told = json!({ "from": trend_before, "to": trend_after, "period": period, "value": value });
        tx.tell_of(kpi.id, EventType::KpiSignal, subject(), told);
    }
    if change.before != change.after {
        let told = json!({ "from": change.before, "to": change.after, "period": period, "value": value });
        tx.tell_of(kpi.id, EventType::KpiHealthChanged, subject(), told);
    } else if let Some((first, last, count)) = outcome.past_changes(stored, shown_before) {
        let told = json!({ "from": day(first), "to": day(last), "periods": count });
        tx.tell_of(kpi.id, EventType::KpiHistoryChanged, subject(), told);
    }
    change
}
