//! Recording check-ins, one or many: judged by their key results, stored together with their events.
//!
//! How many statements that takes does not depend on how many check-ins there are.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::{CheckInRow, NewCheckIn};
use crate::access::Scoped;
use crate::http::problem::FieldError;
use crate::http::{Code, FieldErrors, Measure, Problem, Result};
use crate::kpis::points::when::WhenText;
use crate::maths::{Calendar, KeyResultKind};
use crate::okrs::cycles::CycleRow;
use crate::okrs::key_results::OwnedKeyResult;
use crate::okrs::key_results::row::KeyResultSource;
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::{Dates, SourceKpi, cycles_of, source_kpis};
use crate::okrs::wire::together;
use crate::store::journal::{EventType, Subject};
use crate::store::{CheckInId, CycleId, KpiId, Moment, batch};

/// How far ahead of this server's clock a caller's may be.
const CLOCKS_APART: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// A check-in to record: on what, what is said, and where that stands in the body.
pub struct Entry<'a> {
    /// The key result, which the caller was allowed to check in on.
    pub on: &'a OwnedKeyResult,
    /// What is said.
    pub new: &'a NewCheckIn,
    /// Where in the body.
    pub pointer: String,
}

/// Records check-ins, all or none: what is wrong with the bodies is told first and at once, then what
/// the state of things forbids.
pub fn record(tx: &mut Scoped, entries: &[Entry]) -> Result<Vec<CheckInRow>> {
    let ground = Ground::of(tx, entries)?;
    let mut errors = FieldErrors::new();
    let instants: Vec<Moment> = entries.iter().map(|entry| ground.judge(entry, &mut errors)).collect();
    let mut seen = HashSet::new();
    for (entry, at) in entries.iter().zip(&instants) {
        if !seen.insert((entry.on.row.id, *at)) {
            let detail = "the batch holds another check-in on this key result at this instant";
            errors.add(format!("{}/at", entry.pointer), "duplicate", detail);
        }
    }
    errors.settle()?;
    let refusals: Vec<Problem> = entries.iter().filter_map(|entry| ground.refusal(entry)).collect();
    if let Some(problem) = together(refusals) {
        return Err(problem);
    }
    let mut rows = Vec::new();
    for (entry, at) in entries.iter().zip(instants) {
        let Entry { on, new, pointer: _ } = entry;
        let row = CheckInRow {
            id: CheckInId::generate(tx.now.timestamp()),
            workspace_id: on.row.workspace_id,
            key_result_id: on.row.id,
            value: new.value.map(Measure::value),
            confidence: new.confidence,
            note: new.note.clone().map(String::from),
            blocker: new.blocker.clone().map(String::from),
            author_id: tx.member(),
            at,
            recorded_at: tx.now,
            clears_blocker: new.clears_blocker,
        };
        let change = json!({
            "key_result_id": on.row.id, "objective_id": on.objective.id, "value": row.value,
            "confidence": row.confidence, "note": row.note, "blocker": row.blocker,
            "clears_blocker": row.clears_blocker, "at": row.at,
        });
        tx.tell(EventType::CheckInCreated, Subject::new("check_in", row.id, &on.row.title), change);
        rows.push(row);
    }
    batch::insert_check_ins(tx, &rows)?;
    Ok(rows)
}

/// What check-ins are judged by, loaded once for all of them.
struct Ground {
    now: Moment,
    calendar: Calendar,
    cycles: HashMap<CycleId, CycleRow>,
    kpis: HashMap<KpiId, SourceKpi>,
    /// Those of them that the caller may see.
    seen: HashSet<KpiId>,
}

impl Ground {
    fn of(tx: &mut Scoped, entries: &[Entry]) -> Result<Self> {
        let objectives: Vec<&ObjectiveRow> = entries.iter().map(|entry| &entry.on.objective.row).collect();
        // KPIs are named only where somebody tells a value that is theirs to tell.
        let told = entries.iter().filter(|entry| entry.new.value.is_some());
        let kpis: Vec<KpiId> = told.filter_map(|entry| entry.on.row.kpi_id).collect();
        let kpis = source_kpis(tx, kpis)?;
        Ok(Self {
            now: tx.now,
            calendar: tx.workspace()?.calendar(),
            cycles: cycles_of(tx, &objectives)?,
            seen: kpis.iter().filter(|(_, kpi)| tx.sees(&kpi.facts)).map(|(id, _)| *id).collect(),
            kpis,
        })
    }

    fn cycle(&self, objective: &ObjectiveRow) -> Option<&CycleRow> {
        self.cycles.get(&objective.cycle_id?)
    }

    /// The instant that a check-in stands for; what is wrong with its body is added.
    fn judge(&self, entry: &Entry, errors: &mut FieldErrors) -> Moment {
        let Entry { on, new, pointer } = entry;
        match judge_value(on.row.source, on.row.kind, new.value) {
            Ok(()) => {}
            Err((code, detail)) => errors.add(format!("{pointer}/value"), code, detail),
        }
        match self.instant(&on.objective, new.at.as_ref()) {
            Ok(at) => at,
            Err((code, detail)) => {
                errors.add(format!("{pointer}/at"), code, detail);
                self.now
            }
        }
    }

    fn instant(
        &self,
        objective: &ObjectiveRow,
        text: Option<&WhenText>,
    ) -> std::result::Result<Moment, (&'static str, String)> {
        let at = match text.map(WhenText::read) {
            None => self.now,
            Some(Err(error)) => return Err(("malformed", error.to_string())),
            Some(Ok(when)) => when
                .dates_a_point(&self.calendar, self.now)
                .map_err(|misdated| (misdated.code, misdated.detail))?,
        };
        // A point may be dated on tomorrow, for those who are there already; nobody checks in from there.
        if at > self.now.plus(CLOCKS_APART) {
            return Err(("in_the_future", "a check-in says how things are, not how they will be".into()));
        }
        match Dates::of(objective, self.cycle(objective)).starts_on {
            Some(starts_on) if self.calendar.day_of(at.timestamp()) < starts_on.date() => {
                Err(("before_start", format!("the objective begins on {starts_on}")))
            }
            Some(_) | None => Ok(at),
        }
    }

    /// Why things as they stand take no such check-in.
    fn refusal(&self, entry: &Entry) -> Option<Problem> {
        let Entry { on, new, pointer } = entry;
        let refused = on.must_take_changes_in(self.cycle(&on.objective)).and_then(|()| {
            must_be_active(&on.objective)?;
            match (on.row.kpi_id, new.value) {
                (Some(kpi), Some(_)) => Err(self.comes_from(self.kpis.get(&kpi))),
                (Some(_), None) | (None, _) => Ok(()),
            }
        });
        let mut problem = refused.err()?;
        for error in &mut problem.errors {
            error.pointer.insert_str(0, pointer);
        }
        if problem.errors.is_empty() && !pointer.is_empty() {
            let (code, detail) = (problem.code.as_str().to_owned(), problem.detail.clone());
            problem.errors.push(FieldError { pointer: pointer.clone(), code, detail });
        }
        Some(problem)
    }

    /// Says where the value comes from; a KPI that is private to others is not named.
    fn comes_from(&self, kpi: Option<&SourceKpi>) -> Problem {
        let kpi = kpi.filter(|kpi| self.seen.contains(&kpi.reference.id));
        let kpi =
            kpi.map_or_else(|| "a private KPI".to_owned(), |kpi| format!("the KPI {}", kpi.reference.key));
        let detail = format!("its value is that of {kpi}: post a point there, and check in without value");
        Problem::new(Code::ValueComesFromKpi, detail).with(
            "/value",
            "value_comes_from_kpi",
            format!("{kpi} gives it"),
        )
    }
}

fn judge_value(
    source: KeyResultSource,
    kind: KeyResultKind,
    value: Option<Measure>,
) -> std::result::Result<(), (&'static str, &'static str)> {
    match (source, value, kind) {
        (KeyResultSource::Kpi, _, _) => Ok(()),
        (KeyResultSource::Manual, None, _) => Err(("required", "a check-in on it needs a value")),
        (KeyResultSource::Manual, Some(value), KeyResultKind::Milestone)
            if !(0.0..=1.0).contains(&value.value()) =>
        {
            Err(("out_of_bounds", "a milestone takes the share that is done, 0 to 1"))
        }
        (KeyResultSource::Manual, Some(_), _) => Ok(()),
    }
}

fn must_be_active(objective: &ObjectiveRow) -> Result<()> {
    match objective.state {
        ObjectiveState::Active => Ok(()),
        ObjectiveState::Draft => {
            Err(Problem::new(Code::Conflict, "the objective is a draft: activate it before checking in"))
        }
        ObjectiveState::Closed => Err(Problem::new(Code::ObjectiveClosed, "the objective is closed")),
    }
}
