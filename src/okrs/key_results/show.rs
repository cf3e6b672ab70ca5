//! Key results as they are answered.

use serde::Serialize;
use utoipa::ToSchema;

use super::fields::KeyResultRange;
use super::row::{KeyResultRow, KeyResultSource, facts};
use crate::access::{Action, Scoped};
use crate::http::advice::Advice;
use crate::http::page::page_type;
use crate::http::{Measure, Name, Note, Result, Unit};
use crate::kpis::kpis::KpiRef;
use crate::maths::{Confidence, KeyResultFacts, KeyResultKind, Pace, advice_on_key_result};
use crate::okrs::initiatives::InitiativeCounts;
use crate::okrs::objectives::{ObjectiveRef, ObjectiveRow};
use crate::okrs::progress::{Dates, KeyResultProgress, KeyResultValue, Measured, Surroundings, due_on};
use crate::okrs::wire::Weight;
use crate::people::members::MemberRef;
use crate::store::{CheckInId, Day, KeyResultId, KpiId, MemberId, Moment, ObjectiveId};

/// A key result.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyResult {
    /// Its id.
    id: KeyResultId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    version: i32,
    /// The objective that it belongs to.
    objective_id: ObjectiveId,
    /// The objective, as a page shows it.
    objective: ObjectiveRef,
    /// What arriving looks like.
    title: Name,
    /// How it is measured.
    kind: KeyResultKind,
    /// Where it begins, in its unit.
    start: Option<Measure>,
    /// Where it should arrive, in its unit.
    target: Option<Measure>,
    /// The range to arrive in, for `between` only.
    range: Option<KeyResultRange>,
    /// The unit of its values.
    unit: Option<Unit>,
    /// How much it counts in its objective.
    weight: Weight,
    /// Who answers for it.
    owner_id: Option<MemberId>,
    /// The owner, as a page shows it.
    owner: Option<MemberRef>,
    /// Its own due day; null: the objective's or the cycle's.
    due_on: Option<Day>,
    /// Where its current value comes from.
    source: KeyResultSource,
    /// The KPI that it reads.
    kpi_id: Option<KpiId>,
    /// The KPI, as a page shows it.
    kpi: Option<KpiRef>,
    /// Its current value; null before the first check-in, or while the KPI has none.
    current: Option<KeyResultValue>,
    /// How far it has come.
    progress: KeyResultProgress,
    /// What the numbers say.
    pace: Pace,
    /// What people said last; null before the first check-in.
    confidence: Option<Confidence>,
    /// The latest check-in by its `at`.
    last_check_in: Option<LastCheckIn>,
    /// Whether a check-in is overdue.
    overdue: bool,
    /// What stands in the way; null where nothing does, as far as check-ins say.
    open_blocker: Option<OpenBlocker>,
    /// How many initiatives are meant to move it.
    initiatives: InitiativeCounts,
    /// Whether start, target, range or due day are others than when its objective became active.
    retargeted: bool,
    /// The goal that it had when its objective became active; null before.
    original: Option<OriginalGoal>,
    /// When it was archived.
    archived_at: Option<Moment>,
    /// When it was made.
    created_at: Moment,
    /// When its own fields changed last.
    updated_at: Moment,
    /// What would make it more useful; refuses nothing. None where it is archived, or its objective is closed.
    #[schema(max_items = 20)]
    advice: Vec<Advice>,
    /// What the caller may do with it, as things stand.
    can: KeyResultCan,
}

/// The latest check-in of a key result.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LastCheckIn {
    /// Its id.
    id: CheckInId,
    /// The instant that it stands for.
    at: Moment,
    /// The value, in the key result's unit; null where the values come from a KPI.
    value: Option<Measure>,
    /// What was said.
    confidence: Confidence,
    /// A note.
    note: Option<Note>,
    /// Who said it; null for a service token.
    author: Option<MemberRef>,
}

/// What stands in the way of a key result: told by a check-in, and by none since cleared.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpenBlocker {
    /// The check-in that told it.
    check_in_id: CheckInId,
    /// What stands in the way.
    blocker: Note,
    /// The instant that the check-in stands for.
    since: Moment,
    /// Who told it; null for a service token.
    author: Option<MemberRef>,
}

/// The goal that a key result had when its objective became active.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OriginalGoal {
    /// Where it began, in its unit.
    start: Option<Measure>,
    /// Where it should have arrived, in its unit.
    target: Option<Measure>,
    /// The range to arrive in.
    range: Option<KeyResultRange>,
    /// The day on which it was due, by itself, its objective or its cycle.
    due_on: Option<Day>,
    /// The progress by this goal, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    progress: Option<f64>,
}

/// What the caller may do with a key result, as things stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyResultCan {
    /// Change it.
    edit: bool,
    /// Check in on it.
    check_in: bool,
    /// Archive it.
    archive: bool,
}

/// A key result where its objective is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyResultShort {
    /// Its id.
    id: KeyResultId,
    /// What arriving looks like.
    title: Name,
    /// How it is measured.
    kind: KeyResultKind,
    /// Where it begins, in its unit.
    start: Option<Measure>,
    /// Where it should arrive, in its unit.
    target: Option<Measure>,
    /// The range to arrive in, for `between` only.
    range: Option<KeyResultRange>,
    /// The unit of its values.
    unit: Option<Unit>,
    /// How much it counts in its objective.
    weight: Weight,
    /// Who answers for it.
    owner_id: Option<MemberId>,
    /// The owner, as a page shows it.
    owner: Option<MemberRef>,
    /// Its own due day; null: the objective's or the cycle's.
    due_on: Option<Day>,
    /// Where its current value comes from.
    source: KeyResultSource,
    /// The KPI that it reads.
    kpi_id: Option<KpiId>,
    /// The KPI, as a page shows it.
    kpi: Option<KpiRef>,
    /// Its current value.
    current: Option<KeyResultValue>,
    /// How far it has come.
    progress: KeyResultProgress,
    /// What the numbers say.
    pace: Pace,
    /// What people said last.
    confidence: Option<Confidence>,
    /// The latest check-in by its `at`.
    last_check_in: Option<LastCheckIn>,
    /// Whether a check-in is overdue.
    overdue: bool,
    /// What stands in the way; null where nothing does, as far as check-ins say.
    open_blocker: Option<OpenBlocker>,
    /// How many initiatives are meant to move it.
    initiatives: InitiativeCounts,
    /// Whether its goal is another than when its objective became active.
    retargeted: bool,
}

page_type!(KeyResultPage, KeyResult);

/// The parts of a key result that a line of text has room for.
#[derive(Clone, Copy, Debug)]
pub struct KeyResultInWords<'a> {
    /// What arriving looks like.
    pub title: &'a str,
    /// The unit of its values.
    pub unit: Option<&'a str>,
    /// Its current value.
    pub value: Option<f64>,
    /// What people said last.
    pub confidence: Option<Confidence>,
    /// What stands in the way.
    pub blocker: Option<&'a str>,
}

impl KeyResult {
    /// Whether a check-in is overdue.
    pub fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// The parts that a line of text has room for.
    pub fn in_words(&self) -> KeyResultInWords<'_> {
        KeyResultInWords {
            title: self.title.as_str(),
            unit: self.unit.as_ref().map(Unit::as_str),
            value: self.current.map(|current| current.value.value()),
            confidence: self.confidence,
            blocker: self.open_blocker.as_ref().map(|open| open.blocker.as_str()),
        }
    }
}

/// One key result of an objective, with what it hangs together with loaded for it alone.
pub fn show_one(tx: &mut Scoped, row: &KeyResultRow, objective: &ObjectiveRow) -> Result<KeyResult> {
    let rows = std::collections::HashMap::from([(objective.id, vec![row.clone()])]);
    let around = Surroundings::of_key_results(tx, &[objective], rows)?;
    Ok(show(tx, &around, row, objective))
}

/// A key result among those that were loaded together.
pub fn show(tx: &Scoped, around: &Surroundings, row: &KeyResultRow, objective: &ObjectiveRow) -> KeyResult {
    let Measured { current, progress, original, pace, confidence, overdue } = around.measure(row, objective);
    let cycle = around.cycle(objective);
    let takes_changes = objective.is_open() && cycle.is_none_or(|cycle| cycle.must_be_open().is_ok());
    let may = |action| tx.may(action, &facts(row, around.facts(objective)));
    let is_here = row.archived_at.is_none();
    let kpi = kpi(tx, around, row);
    KeyResult {
        id: row.id,
        version: row.version,
        objective_id: objective.id,
        objective: objective.shown_as_reference(),
        title: row.title.as_str().into(),
        kind: row.kind,
        start: row.start.map(Measure::from),
        target: row.target.map(Measure::from),
        range: row.fields().range,
        unit: row.unit.as_deref().map(Unit::from),
        weight: row.weight.into(),
        owner_id: row.owner_id,
        owner: around.member(row.owner_id),
        due_on: row.due_on,
        source: row.source,
        kpi_id: kpi.as_ref().map(|kpi| kpi.id),
        kpi,
        current,
        progress,
        pace,
        confidence,
        last_check_in: last_check_in(around, row),
        overdue,
        open_blocker: open_blocker(around, row),
        initiatives: around.initiatives.of_key_result(row.id),
        retargeted: is_retargeted(around, row, objective),
        original: row.activated_at.map(|_| OriginalGoal {
            start: row.original_start.map(Measure::from),
            target: row.original_target.map(Measure::from),
            range: range(row.original_range_min, row.original_range_max),
            due_on: row.original_due_on,
            progress: original,
        }),
        archived_at: row.archived_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        advice: if is_here && objective.is_open() { advice(around, row, objective) } else { Vec::new() },
        can: KeyResultCan {
            edit: takes_changes && is_here && may(Action::Edit),
            check_in: takes_changes && is_here && objective.is_worked_on() && may(Action::CheckIn),
            archive: takes_changes && is_here && may(Action::Archive),
        },
    }
}

/// A key result where its objective is shown.
pub fn show_short(
    tx: &Scoped,
    around: &Surroundings,
    row: &KeyResultRow,
    objective: &ObjectiveRow,
) -> KeyResultShort {
    let Measured { current, progress, original: _, pace, confidence, overdue } =
        around.measure(row, objective);
    let kpi = kpi(tx, around, row);
    KeyResultShort {
        id: row.id,
        title: row.title.as_str().into(),
        kind: row.kind,
        start: row.start.map(Measure::from),
        target: row.target.map(Measure::from),
        range: row.fields().range,
        unit: row.unit.as_deref().map(Unit::from),
        weight: row.weight.into(),
        owner_id: row.owner_id,
        owner: around.member(row.owner_id),
        due_on: row.due_on,
        source: row.source,
        kpi_id: kpi.as_ref().map(|kpi| kpi.id),
        kpi,
        current,
        progress,
        pace,
        confidence,
        last_check_in: last_check_in(around, row),
        overdue,
        open_blocker: open_blocker(around, row),
        initiatives: around.initiatives.of_key_result(row.id),
        retargeted: is_retargeted(around, row, objective),
    }
}

/// What would make a key result more useful.
fn advice(around: &Surroundings, row: &KeyResultRow, objective: &ObjectiveRow) -> Vec<Advice> {
    let kpi = row.kpi_id.and_then(|id| around.kpis.get(&id)).filter(|kpi| around.may_count(objective, kpi));
    let is_counted = match row.kind {
        KeyResultKind::Milestone => false,
        KeyResultKind::Increase
        | KeyResultKind::Decrease
        | KeyResultKind::AtLeast
        | KeyResultKind::AtMost
        | KeyResultKind::Between => true,
    };
    Advice::of(advice_on_key_result(&KeyResultFacts {
        has_unit: row.unit.is_some() || kpi.is_some_and(|kpi| kpi.has_unit) || !is_counted,
        wanted: row.goal().wanted(),
        reach: kpi.and_then(|kpi| kpi.reach),
        is_due: due_on(row, &Dates::of(objective, around.cycle(objective))).is_some(),
    }))
}

fn open_blocker(around: &Surroundings, row: &KeyResultRow) -> Option<OpenBlocker> {
    let told = around.said.get(&row.id)?.blocker.as_ref()?;
    Some(OpenBlocker {
        check_in_id: told.id,
        blocker: told.blocker.as_deref()?.into(),
        since: told.at,
        author: around.member(told.author_id),
    })
}

fn last_check_in(around: &Surroundings, row: &KeyResultRow) -> Option<LastCheckIn> {
    let last = around.said.get(&row.id)?.last.as_ref()?;
    Some(LastCheckIn {
        id: last.id,
        at: last.at,
        value: last.value.map(Measure::from),
        confidence: last.confidence,
        note: last.note.as_deref().map(Note::from),
        author: around.member(last.author_id),
    })
}

/// The KPI that it reads; none that is private to others.
fn kpi(tx: &Scoped, around: &Surroundings, row: &KeyResultRow) -> Option<KpiRef> {
    let kpi = around.kpis.get(&row.kpi_id?)?;
    tx.sees(&kpi.facts).then(|| kpi.reference.clone())
}

fn range(min: Option<f64>, max: Option<f64>) -> Option<KeyResultRange> {
    (min.is_some() || max.is_some())
        .then(|| KeyResultRange { min: min.map(Measure::from), max: max.map(Measure::from) })
}

fn is_retargeted(around: &Surroundings, row: &KeyResultRow, objective: &ObjectiveRow) -> bool {
    let due = due_on(row, &Dates::of(objective, around.cycle(objective)));
    row.original_goal().is_some_and(|original| original != row.goal() || row.original_due_on != due)
}
