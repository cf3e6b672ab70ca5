//! What is due, loaded in a number of statements that does not grow with the number of things.

use diesel::dsl::not;
use diesel::prelude::*;

use super::{Due, DueCheckIn, DueCounts, DueKpi, DueObjective, DueObjectiveCan};
use crate::access::hidden::Hidden;
use crate::access::{Action, Scoped};
use crate::care::triage::{Placed, Scope, failed, placed_at};
use crate::http::{FieldErrors, Measure, Result};
use crate::kpis::kpis::Kpi;
use crate::maths::{Freshness, expected_value};
use crate::okrs::cycles::CycleRow;
use crate::okrs::initiatives;
use crate::okrs::key_results::{self, KeyResultRow};
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState, missing};
use crate::okrs::progress::{Dates, Surroundings};
use crate::store::Day;
use crate::store::connection::MultiBackend;
use crate::store::schema::objectives;

/// All that is due today to those who are looked at.
pub fn due(tx: &mut Scoped, scope: &Scope) -> Result<Due> {
    let open: Vec<ObjectiveRow> = objectives::table
        .filter(objectives::workspace_id.eq(tx.here()?))
        .filter(objectives::state.eq_any([ObjectiveState::Draft, ObjectiveState::Active]))
        .filter(objectives::archived_at.is_null())
        .filter(not(Hidden::from(tx)?.objective()))
        .into_boxed::<MultiBackend>()
        .load(tx.db())?;
    let around = Surroundings::of_objectives(tx, &open.iter().collect::<Vec<_>>())?;
    let today = Day::from(around.today.day);
    // What belongs to a closed cycle takes no changes, so nothing of it is due.
    let open: Vec<&ObjectiveRow> = open
        .iter()
        .filter(|row| around.cycle(row).is_none_or(|cycle| cycle.must_be_open().is_ok()))
        .collect();
    let own: Vec<&ObjectiveRow> =
        open.iter().filter(|row| scope.holds(row.owner_id, row.team_id)).copied().collect();
    let placed = placed_at(tx, scope, None)?;
    let due = Due {
        as_of: today,
        counts: DueCounts::default(),
        check_ins: check_ins(tx, &around, &open, scope, today),
        kpis: kpis(&placed),
        initiatives: initiatives::due_by(tx, today, |owner, team| scope.holds(owner, team))?,
        drafts: begun(tx, &around, &own, today),
        ended: ended(tx, &around, &own, today),
        failed_remedies: failed(placed),
    };
    let counts = DueCounts {
        check_ins: due.check_ins.len(),
        overdue: due.check_ins.iter().filter(|due| due.key_result.is_overdue()).count(),
        kpis: due.kpis.len(),
        initiatives: due.initiatives.len(),
        drafts: due.drafts.len(),
        ended: due.ended.len(),
        failed_remedies: due.failed_remedies.len(),
    };
    Ok(Due { counts, ..due })
}

/// Key results that want a check-in, the longest due first.
fn check_ins(
    tx: &Scoped,
    around: &Surroundings,
    open: &[&ObjectiveRow],
    scope: &Scope,
    today: Day,
) -> Vec<DueCheckIn> {
    let mut wanting: Vec<(Day, &KeyResultRow, &ObjectiveRow)> = open
        .iter()
        .filter(|objective| objective.is_worked_on())
        .flat_map(|objective| around.key_results_of(objective.id).iter().map(|row| (row, *objective)))
        .filter(|(row, objective)| row.archived_at.is_none() && scope.holds(row.owner_id, objective.team_id))
        .map(|(row, objective)| (Day::from(around.check_in_due_on(row, objective)), row, objective))
        .filter(|(due_on, _, _)| *due_on <= today)
        .collect();
    wanting.sort_by(|left, right| {
        (left.0, &left.1.title_folded, left.1.id).cmp(&(right.0, &right.1.title_folded, right.1.id))
    });
    let shown = wanting.into_iter().map(|(due_on, row, objective)| {
        let expected = around.measure(row, objective).progress.expected;
        DueCheckIn {
            key_result: key_results::show(tx, around, row, objective),
            due_on,
            expected_value: expected_value(&row.goal(), expected).map(Measure::from),
        }
    });
    shown.collect()
}

/// KPIs whose value is due, stale or was never there.
fn kpis(placed: &[Placed]) -> Vec<DueKpi> {
    let kpis = placed.iter().map(|placed| &placed.kpi);
    // What is computed wants no points: its inputs do.
    let wants = |kpi: &&Kpi| place(kpi.freshness.state).is_some() && kpi.formula.is_none();
    let mut wanting: Vec<&Kpi> = kpis.filter(wants).collect();
    wanting.sort_by(|left, right| {
        let order = |kpi: &Kpi| (place(kpi.freshness.state), kpi.freshness.due_on);
        order(left).cmp(&order(right)).then_with(|| left.key.cmp(&right.key))
    });
    wanting.into_iter().cloned().map(DueKpi::from).collect()
}

/// In which order KPIs want a value; none for those that do not.
fn place(freshness: Freshness) -> Option<u8> {
    match freshness {
        Freshness::Never => Some(0),
        Freshness::Stale => Some(1),
        Freshness::Due => Some(2),
        Freshness::Fresh => None,
    }
}

impl From<Kpi> for DueKpi {
    fn from(kpi: Kpi) -> Self {
        Self {
            id: kpi.id,
            key: kpi.key,
            name: kpi.name,
            cadence: kpi.cadence,
            display: kpi.display,
            owner_id: kpi.owner_id,
            owner: kpi.owner,
            team_id: kpi.team_id,
            team: kpi.team,
            health: kpi.health,
            current: kpi.current,
            target: kpi.target,
            freshness: kpi.freshness,
            can: kpi.can,
        }
    }
}

/// Drafts whose time has begun, the longest first.
fn begun(tx: &Scoped, around: &Surroundings, own: &[&ObjectiveRow], today: Day) -> Vec<DueObjective> {
    let drafts = own.iter().filter(|row| row.state == ObjectiveState::Draft);
    let mut shown: Vec<DueObjective> = drafts
        .map(|row| show(tx, around, row))
        .filter(|shown| shown.starts_on.is_some_and(|starts_on| starts_on <= today))
        .collect();
    shown.sort_by_key(|shown| (shown.starts_on, shown.id));
    shown
}

/// Active objectives whose time is over, the longest first.
fn ended(tx: &Scoped, around: &Surroundings, own: &[&ObjectiveRow], today: Day) -> Vec<DueObjective> {
    let active = own.iter().filter(|row| row.state == ObjectiveState::Active);
    let mut shown: Vec<DueObjective> = active
        .map(|row| show(tx, around, row))
        .filter(|shown| shown.ends_on.is_some_and(|ends_on| ends_on < today))
        .collect();
    shown.sort_by_key(|shown| (shown.ends_on, shown.id));
    shown
}

fn show(tx: &Scoped, around: &Surroundings, row: &ObjectiveRow) -> DueObjective {
    let cycle = around.cycle(row);
    let dates = Dates::of(row, cycle);
    let summary = around.summarise(row);
    let missing = match row.state {
        ObjectiveState::Draft => {
            let mut key_results = around.key_results_of(row.id).to_vec();
            key_results.retain(|key_result| key_result.archived_at.is_none());
            missing(row, &key_results)
        }
        ObjectiveState::Active | ObjectiveState::Closed => FieldErrors::new(),
    };
    DueObjective {
        id: row.id,
        version: row.version,
        title: row.title.as_str().into(),
        state: row.state,
        owner_id: row.owner_id,
        owner: around.member(row.owner_id),
        team_id: row.team_id,
        team: row.team_id.and_then(|id| around.teams.get(&id).cloned()),
        cycle_id: row.cycle_id,
        cycle: cycle.map(CycleRow::shown_as_reference),
        starts_on: dates.starts_on,
        ends_on: dates.ends_on,
        progress: summary.progress.value,
        pace: summary.pace,
        missing: missing.into_vec(),
        can: DueObjectiveCan { edit: tx.may(Action::Edit, &around.facts(row)) },
    }
}
