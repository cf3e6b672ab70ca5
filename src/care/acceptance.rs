//! Acceptance: people decided to go on although a KPI is unhealthy, for a while.
//!
//! The newest decision because of the KPI that nobody took back rules: it accepts where it is to continue, was made
//! while the KPI was unhealthy, in the episode that is open, and says when it is looked at again: through that day.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::remedies::Standpoint;
use crate::http::Note;
use crate::maths::{Choice, Health};
use crate::people::members::MemberRef;
use crate::store::connection::MultiBackend;
use crate::store::schema::decisions;
use crate::store::{Day, DecisionId, IDS_PER_STATEMENT, KpiId, MemberId, RawId, StoreError, Tx};

/// That an unhealthy KPI is accepted for a while.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// The last day on which it is accepted: then it is looked at again.
    pub until: Day,
    /// Who wrote the decision down; null where no member did.
    pub by: Option<MemberRef>,
    /// What was decided and why, in Markdown.
    pub why: Option<Note>,
    /// The decision.
    pub decision_id: DecisionId,
}

/// A decision that may accept a KPI.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Acceptance {
    id: DecisionId,
    kpi_id: KpiId,
    choice: Choice,
    summary: Option<String>,
    revisit_on: Option<Day>,
    reverses_id: Option<DecisionId>,
    decided_on: Day,
    frozen_health: Health,
    recorded_by: RawId,
}

impl Acceptance {
    /// Whoever wrote it down, if that was a member.
    pub fn maker(&self) -> MemberId {
        self.recorded_by.as_member()
    }

    /// What it says of a KPI whose open episode began on a day; `None` where it is about an earlier one.
    pub fn of_episode(&self, opened_on: Day, by: Option<MemberRef>) -> Option<Accepted> {
        let until = self.revisit_on.filter(|_| self.decided_on >= opened_on)?;
        let why = self.summary.as_deref().map(Note::from);
        Some(Accepted { until, by, why, decision_id: self.id })
    }

    fn accepts_on(&self, today: Day) -> bool {
        self.choice == Choice::Continue
            && self.frozen_health == Health::Unhealthy
            && self.revisit_on.is_some_and(|until| until >= today)
    }
}

/// The decisions that accept some KPIs at a standpoint, whatever their episodes.
pub fn of_kpis(
    tx: &mut Tx,
    ids: &[KpiId],
    standpoint: &Standpoint,
) -> Result<HashMap<KpiId, Acceptance>, StoreError> {
    let today = Day::from(standpoint.today);
    let mut found: HashMap<KpiId, Acceptance> = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        // Few KPIs are accepted: only their decisions are looked through.
        let accepting: Vec<KpiId> = known_by(tx, ids, standpoint)?
            .filter(decisions::choice.eq(Choice::Continue))
            .filter(decisions::frozen_health.eq(Health::Unhealthy))
            .filter(decisions::revisit_on.ge(today))
            .select(decisions::kpi_id)
            .distinct()
            .load(tx.db())?;
        if accepting.is_empty() {
            continue;
        }
        let rows: Vec<Acceptance> = known_by(tx, &accepting, standpoint)?
            .order((decisions::decided_on.asc(), decisions::id.asc()))
            .select((
                decisions::id,
                decisions::kpi_id,
                decisions::choice,
                decisions::summary,
                decisions::revisit_on,
                decisions::reverses_id,
                decisions::decided_on,
                decisions::frozen_health,
                decisions::recorded_by,
            ))
            .load(tx.db())?;
        let reversed: Vec<DecisionId> = rows.iter().filter_map(|row| row.reverses_id).collect();
        let standing = rows.into_iter().filter(|row| !reversed.contains(&row.id));
        found.extend(standing.map(|row| (row.kpi_id, row)));
    }
    found.retain(|_, row| row.accepts_on(today));
    Ok(found)
}

type Rows<'a> = decisions::BoxedQuery<'a, MultiBackend>;

fn known_by<'a>(tx: &Tx, ids: &'a [KpiId], standpoint: &Standpoint) -> Result<Rows<'a>, StoreError> {
    Ok(decisions::table
        .filter(decisions::workspace_id.eq(tx.workspace_id()?))
        .filter(decisions::kpi_id.eq_any(ids))
        .filter(decisions::recorded_at.le(standpoint.recorded_by))
        .filter(decisions::decided_on.le(Day::from(standpoint.today)))
        .into_boxed())
}
