//! Deeds: what people do about a KPI, behind each of which stands a decision.
//!
//! Whoever changes a target, archives a KPI or prescribes a remedy may name the decision that it came from; it has to
//! be one of the KPI. Without one the deed itself is recorded as a decision, at the end of the transaction.

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;

use super::derive::{View, history};
use super::row::KpiRow;
use crate::access::{Resource, Scoped};
use crate::http::{Code, Problem, Refusals, Result};
use crate::maths::KpiState;
use crate::store::schema::decisions;
use crate::store::{Act, DecisionId, Deed, KpiId, Tx};

/// The decision behind what is taken away, where there is no body to name it.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    /// The decision that this comes from, one of this KPI. Without one a decision is recorded with it.
    #[param(inline)]
    decision_id: Option<DecisionId>,
}

impl Behind {
    /// The decision, if it may stand behind a deed.
    pub fn found(self, tx: &mut Scoped, kpi: &KpiRow) -> Result<Option<DecisionId>> {
        must_be_of(tx, kpi, self.decision_id, "decision_id")?;
        Ok(self.decision_id)
    }
}

/// A decision in the query can be one of another KPI.
#[derive(Debug)]
pub enum OfAnotherKpi {}
impl Refusals for OfAnotherKpi {
    const CODES: &'static [Code] = &[Code::ValidationFailed];
}

/// What a KPI shows before something is done about it.
pub fn before(tx: &mut Tx, kpi: &KpiRow) -> Result<KpiState> {
    Ok(history(tx, kpi, &View::default())?.state)
}

/// Says what was done about a KPI.
pub fn did(tx: &mut Tx, kpi: KpiId, act: Act, before: KpiState, decision: Option<DecisionId>) {
    tx.did(Deed { kpi, act, before, decision });
}

/// Refuses a decision that cannot stand behind a deed about a KPI: 404 where it is not to be seen, 422 where it is one
/// of another KPI.
pub fn must_be_of(tx: &mut Scoped, kpi: &KpiRow, decision: Option<DecisionId>, pointer: &str) -> Result<()> {
    let Some(decision) = decision else { return Ok(()) };
    let workspace = tx.here()?;
    let of: Option<KpiId> = decisions::table
        .filter(decisions::workspace_id.eq(workspace))
        .filter(decisions::id.eq(decision))
        .select(decisions::kpi_id)
        .first(tx.db())
        .optional()?;
    let of = of.ok_or_else(|| Problem::not_found_at(pointer))?;
    if of == kpi.id {
        return Ok(());
    }
    let other = KpiRow::by_id(tx, workspace, of)?.filter(|other| tx.sees(&other.facts()));
    other.ok_or_else(|| Problem::not_found_at(pointer))?;
    Err(Problem::field(pointer, "of_another_kpi", "this decision was made because of another KPI"))
}
