//! Making decisions: what a body names is found, all that is wrong is told at once, and the KPI's state is kept.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::Span;

use super::fields::NewDecision;
use super::record::tell;
use super::row::{DecisionOrigin, DecisionRow, KpiDecision, LedTo, link};
use crate::access::Scoped;
use crate::http::{Code, FieldErrors, Problem, Result};
use crate::kpis::derive::{self, View};
use crate::kpis::row::KpiRow;
use crate::maths::{Choice, Health, KpiState};
use crate::okrs::initiatives::OwnedInitiative;
use crate::okrs::objectives::SharedObjective;
use crate::okrs::wire::{refused_at, together};
use crate::store::schema::{decisions, targets};
use crate::store::{Day, DecisionId, KpiId, ReviewId, TargetId, Tx, read_subject_id};

/// How many decisions people write down because of one KPI at the most.
const MOST: i64 = 2_000;
/// How many days an unhealthy KPI is accepted at the most.
const LONGEST_ACCEPTANCE: i64 = 180;
/// How many days a decision waits at the most until it is looked at again.
const LONGEST_WAIT: i64 = 1_830;

/// When and where a decision was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occasion {
    /// The review, if it was one.
    pub review: Option<ReviewId>,
    /// The day.
    pub on: Day,
}

/// What a decision names, found.
#[derive(Debug)]
pub struct Named {
    /// Its KPI.
    pub kpi: KpiRow,
    led_to: Vec<LedTo>,
    reverses: Option<DecisionRow>,
    follows: Option<DecisionRow>,
}

/// Finds what decisions name, each at its pointer, and holds them against the rules; every refusal at once.
pub fn find(tx: &mut Scoped, said: &[(&NewDecision, String)], occasion: Occasion) -> Result<Vec<Named>> {
    let mut refusals = Vec::new();
    let found = look(tx, said, &mut refusals)?;
    let kpis: Vec<KpiRow> = found.iter().flatten().map(|named| named.kpi.clone()).collect();
    let states = states(tx, kpis, occasion.on)?;
    let mut errors = FieldErrors::new();
    for ((new, pointer), named) in said.iter().zip(&found) {
        if let Some(named) = named {
            let health = states.get(&named.kpi.id).map_or(Health::Unknown, |state| state.health);
            judge(new, named, health, occasion, pointer, &mut errors);
        }
    }
    refusals.extend(errors.settle().err());
    match together(refusals) {
        Some(problem) => Err(problem),
        None => Ok(found.into_iter().flatten().collect()),
    }
}

/// The same as far as names go: for bodies that name other things, too.
fn look(
    tx: &mut Scoped,
    said: &[(&NewDecision, String)],
    refusals: &mut Vec<Problem>,
) -> Result<Vec<Option<Named>>> {
    let mut found = Vec::with_capacity(said.len());
    for (new, pointer) in said {
        let kpi = or_note(named_kpi(tx, &new.kpi, &format!("{pointer}/kpi_id")), refusals)?;
        let mut led_to = Vec::new();
        for (index, id) in new.led_to_ids.iter().enumerate() {
            let place = format!("{pointer}/led_to_ids/{index}");
            let of = kpi.as_ref().map(|kpi| kpi.id);
            led_to.extend(or_note(named_outcome(tx, id.as_str(), of, &place), refusals)?);
        }
        let reverses = earlier(tx, new.reverses_id, &format!("{pointer}/reverses_id"));
        let reverses = or_note(reverses, refusals)?.flatten();
        let follows = earlier(tx, new.follows_id, &format!("{pointer}/follows_id"));
        let follows = or_note(follows, refusals)?.flatten();
        found.push(kpi.map(|kpi| Named { kpi, led_to, reverses, follows }));
    }
    Ok(found)
}

/// Keeps a refusal for later; what went wrong inside is told at once.
pub fn or_note<T>(found: Result<T>, refusals: &mut Vec<Problem>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(problem) if problem.cause().is_none() => {
            refusals.push(problem);
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// The KPI that a body names at a pointer.
pub fn named_kpi(tx: &mut Scoped, name: &str, pointer: &str) -> Result<KpiRow> {
    let found = KpiRow::seen(tx, name).map_err(|problem| refused_at(problem, pointer))?;
    found.ok_or_else(|| Problem::not_found_at(pointer))
}

/// An objective, an initiative or a target of the KPI.
pub fn named_outcome(tx: &mut Scoped, text: &str, of: Option<KpiId>, pointer: &str) -> Result<LedTo> {
    let workspace = tx.here()?;
    let (kind, _) = read_subject_id(text).map_err(|_| Problem::not_found_at(pointer))?;
    let at = |problem| refused_at(problem, pointer);
    match kind {
        "objective" => Ok(LedTo::Objective(tx.find::<SharedObjective>(text).map_err(at)?.id)),
        "initiative" => Ok(LedTo::Initiative(tx.find::<OwnedInitiative>(text).map_err(at)?.row.id)),
        "target" => {
            let id: TargetId = text.parse().map_err(|_| Problem::not_found_at(pointer))?;
            let target_of: Option<KpiId> = targets::table
                .filter(targets::workspace_id.eq(workspace))
                .filter(targets::id.eq(id))
                .select(targets::kpi_id)
                .first(tx.db())
                .optional()?;
            match target_of {
                Some(kpi) if of.is_none_or(|of| of == kpi) => Ok(LedTo::Target(id)),
                Some(_) | None => Err(Problem::not_found_at(pointer)),
            }
        }
        _ => {
            let detail = "a decision leads to objectives, initiatives and targets of its KPI";
            Err(Problem::field(pointer, "unexpected_kind", detail))
        }
    }
}

fn earlier(tx: &mut Scoped, id: Option<DecisionId>, pointer: &str) -> Result<Option<DecisionRow>> {
    let Some(id) = id else { return Ok(None) };
    let found = tx.find::<KpiDecision>(&id.to_string()).map_err(|problem| refused_at(problem, pointer))?;
    Ok(Some(found.row))
}

/// What KPIs, each once or more, showed on a day: at its end, or now where it is today.
fn states(tx: &mut Tx, mut kpis: Vec<KpiRow>, on: Day) -> Result<HashMap<KpiId, KpiState>> {
    kpis.sort_by_key(|kpi| kpi.id);
    kpis.dedup_by_key(|kpi| kpi.id);
    let view = if on < tx.today()? { View { as_of: Some(on), known_at: None } } else { View::default() };
    let histories = derive::histories(tx, &kpis, &view)?;
    Ok(histories.into_iter().map(|(id, history)| (id, history.state)).collect())
}

fn judge(
    new: &NewDecision,
    named: &Named,
    health: Health,
    occasion: Occasion,
    pointer: &str,
    errors: &mut FieldErrors,
) {
    let on = occasion.on;
    for (row, field) in [(&named.reverses, "reverses_id"), (&named.follows, "follows_id")] {
        let Some(row) = row else { continue };
        let place = format!("{pointer}/{field}");
        if row.kpi_id != named.kpi.id {
            errors.add(place, "of_another_kpi", "that decision was made because of another KPI");
        } else if row.decided_on > on {
            errors.add(place, "decided_later", format!("that decision was made on {}", row.decided_on));
        }
    }
    if let Some(expects) = new.expects {
        judge_day(expects.by, on, LONGEST_WAIT, &format!("{pointer}/expects/by"), errors);
    }
    if let Some(day) = new.revisit_on {
        let longest = longest_wait(new.choice, health);
        judge_day(day, on, longest, &format!("{pointer}/revisit_on"), errors);
    }
}

/// How many days a decision waits at the most: to go on although the KPI is unhealthy accepts it for a while.
pub fn longest_wait(choice: Choice, health: Health) -> i64 {
    match (choice, health) {
        (Choice::Continue, Health::Unhealthy) => LONGEST_ACCEPTANCE,
        (_, _) => LONGEST_WAIT,
    }
}

/// A day ahead of a decision lies after it, and not too far.
pub fn judge_day(day: Day, decided_on: Day, longest: i64, pointer: &str, errors: &mut FieldErrors) {
    if day <= decided_on {
        let detail = format!("it must lie after the day of the decision, {decided_on}");
        errors.add(pointer, "not_after_decision", detail);
    } else if day.date() > decided_on.date().saturating_add(Span::new().days(longest)) {
        let detail = format!("it must lie at most {longest} days after the decision");
        errors.add(pointer, "too_far", detail);
    }
}

/// Makes decisions whose names were found: each with the KPI's state of its day.
pub fn make(
    tx: &mut Scoped,
    said: &[(&NewDecision, String)],
    named: Vec<Named>,
    occasion: Occasion,
) -> Result<Vec<DecisionRow>> {
    let kpis: Vec<KpiRow> = named.iter().map(|named| named.kpi.clone()).collect();
    let states = states(tx, kpis, occasion.on)?;
    let mut made = Vec::with_capacity(said.len());
    for ((new, pointer), named) in said.iter().zip(named) {
        let state = states.get(&named.kpi.id).ok_or_else(Problem::not_found)?;
        must_be_possible(tx, new, &named, state, pointer)?;
        let kind = (DecisionOrigin::Person, new.choice);
        let row = DecisionRow {
            review_id: occasion.review,
            summary: Some(new.summary.as_str().to_owned()),
            certainty: new.certainty,
            expects: new.expects.map(|expects| expects.what),
            expects_by: new.expects.map(|expects| expects.by),
            revisit_on: new.revisit_on,
            reverses_id: new.reverses_id,
            follows_id: new.follows_id,
            ..DecisionRow::frozen(tx, named.kpi.id, state, kind, occasion.on)?
        };
        row.insert(tx)?;
        link(tx, row.id, &named.led_to)?;
        tell(tx, &row, &named.kpi.name);
        made.push(row);
    }
    Ok(made)
}

/// Refuses what contradicts the present state.
fn must_be_possible(
    tx: &mut Scoped,
    new: &NewDecision,
    named: &Named,
    state: &KpiState,
    pointer: &str,
) -> Result<()> {
    let kpi = &named.kpi;
    if kpi.archived_at.is_some() {
        let detail = "an archived KPI takes no decisions: restore it first";
        return Err(Problem::new(Code::KpiArchived, detail).with(
            format!("{pointer}/kpi_id"),
            "kpi_archived",
            "it is archived",
        ));
    }
    if new.expects.is_some() {
        let place = format!("{pointer}/expects");
        if state.current.and_then(|current| current.value).is_none() {
            let detail = "without a value nothing can be better than before";
            return Err(Problem::new(Code::KpiHasNoValue, detail).with(place, "kpi_has_no_value", detail));
        }
        if state.target.is_none() {
            let detail = "without a target nothing is better or worse";
            return Err(Problem::new(Code::KpiHasNoTarget, detail).with(place, "kpi_has_no_target", detail));
        }
    }
    let workspace = tx.here()?;
    if let Some(reversed) = &named.reverses {
        let before: i64 = decisions::table
            .filter(decisions::workspace_id.eq(workspace))
            .filter(decisions::reverses_id.eq(reversed.id))
            .count()
            .get_result(tx.db())?;
        if before > 0 {
            let detail = "another decision has reversed it already";
            let place = format!("{pointer}/reverses_id");
            return Err(Problem::new(Code::Conflict, detail).with(place, "already_reversed", detail));
        }
    }
    let written: i64 = decisions::table
        .filter(decisions::workspace_id.eq(workspace))
        .filter(decisions::kpi_id.eq(kpi.id))
        .filter(decisions::origin.eq(DecisionOrigin::Person))
        .count()
        .get_result(tx.db())?;
    if written >= MOST {
        return Err(Problem::new(Code::LimitReached, format!("a KPI has at most {MOST} decisions")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn an_unhealthy_kpi_is_accepted_for_180_days_at_the_most() {
        let faults = |choice, health, day: jiff::civil::Date| {
            let mut errors = FieldErrors::new();
            let decided_on = Day::from(date(2026, 1, 1));
            judge_day(day.into(), decided_on, longest_wait(choice, health), "/revisit_on", &mut errors);
            errors.into_vec().first().map_or("", |error| &*error.code.clone().leak())
        };
        // 30 days of January, then 28, 31, 30, 31 and 30 make 180: the 30th of June.
        let (last, beyond) = (date(2026, 6, 30), date(2026, 7, 1));
        assert_eq!(faults(Choice::Continue, Health::Unhealthy, last), "");
        assert_eq!(faults(Choice::Continue, Health::Unhealthy, beyond), "too_far");
        assert_eq!(faults(Choice::Continue, Health::Healthy, beyond), "");
        assert_eq!(faults(Choice::Start, Health::Unhealthy, beyond), "");
        // 1,830 days are five years and the leap day of 2028 takes one more: 4 days over 2030-12-31.
        assert_eq!(faults(Choice::Start, Health::Unhealthy, date(2031, 1, 5)), "");
        assert_eq!(faults(Choice::Start, Health::Unhealthy, date(2031, 1, 6)), "too_far");
        assert_eq!(faults(Choice::Start, Health::Unhealthy, date(2026, 1, 1)), "not_after_decision");
        assert_eq!(faults(Choice::Start, Health::Unhealthy, date(2026, 1, 2)), "");
    }
}
