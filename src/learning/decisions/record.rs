//! What people did is recorded as a decision, unless they named the one that it came from.

use diesel::prelude::*;
use serde_json::json;

use super::row::{DecisionOrigin, DecisionRow, LedTo, led_to_by, link};
use crate::maths::Choice;
use crate::store::journal::EventType;
use crate::store::schema::{decisions, kpis};
use crate::store::{Act, DecisionId, Deed, StoreError, Tx};

/// Follows what was done in this transaction.
pub fn follow(tx: &mut Tx, deeds: &[Deed]) -> Result<(), StoreError> {
    let workspace = tx.workspace_id()?;
    let today = tx.today()?;
    for deed in deeds {
        let name: String = kpis::table
            .filter(kpis::workspace_id.eq(workspace))
            .filter(kpis::id.eq(deed.kpi))
            .select(kpis::name)
            .first(tx.db())?;
        let (choice, led_to) = meaning(deed.act);
        match deed.decision {
            Some(decision) => extend(tx, decision, led_to, &name)?,
            None => {
                let origin = DecisionOrigin::Recorded;
                let row = DecisionRow::frozen(tx, deed.kpi, &deed.before, (origin, choice), today)?;
                row.insert(tx)?;
                link(tx, row.id, led_to.as_slice())?;
                tell(tx, &row, &name);
            }
        }
    }
    Ok(())
}

/// What somebody chose who did this, and what it led to.
fn meaning(act: Act) -> (Choice, Option<LedTo>) {
    match act {
        Act::SetTarget(target) => (Choice::Adjust, Some(LedTo::Target(target))),
        Act::EndedTarget(target) => (Choice::Adjust, Some(LedTo::Target(target))),
        Act::Prescribed(objective) => (Choice::Start, Some(LedTo::Objective(objective))),
        Act::Archived => (Choice::Stop, None),
    }
}

/// The decision that was named led to this, too.
fn extend(tx: &mut Tx, decision: DecisionId, led_to: Option<LedTo>, kpi: &str) -> Result<(), StoreError> {
    let now = tx.now;
    let known = led_to_by(tx, &[decision], now)?.remove(&decision).unwrap_or_default();
    let Some(led_to) = led_to.filter(|led_to| !known.contains(led_to)) else { return Ok(()) };
    link(tx, decision, &[led_to])?;
    let row: DecisionRow = decisions::table
        .filter(decisions::workspace_id.eq(tx.workspace_id()?))
        .filter(decisions::id.eq(decision))
        .first(tx.db())?;
    let row = DecisionRow { version: row.version + 1, updated_at: now, ..row };
    row.save(tx)?;
    let change = json!({ "kpi_id": row.kpi_id, "led_to": known.len() + 1 });
    tx.tell(EventType::DecisionUpdated, row.subject(kpi), change);
    Ok(())
}

/// Tells of a new decision: of what it led to only that, since fewer people may see it.
pub fn tell(tx: &mut Tx, row: &DecisionRow, kpi: &str) {
    let change = json!({
        "kpi_id": row.kpi_id, "review_id": row.review_id, "origin": row.origin, "choice": row.choice,
        "summary": row.summary, "certainty": row.certainty, "expects": row.expects,
        "expects_by": row.expects_by, "revisit_on": row.revisit_on, "reverses_id": row.reverses_id,
        "follows_id": row.follows_id, "decided_on": row.decided_on,
        "value": row.frozen_value, "health": row.frozen_health,
    });
    tx.tell(EventType::DecisionCreated, row.subject(kpi), change);
}
