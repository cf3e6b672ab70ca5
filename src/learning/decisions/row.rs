//! Decisions as they are stored, with what they led to.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::word::words;
use crate::maths::{Band, Choice, Expects, Freshness, Health, KpiState, Target, Trend};
use crate::store::journal::Subject;
use crate::store::schema::{decision_links, decisions};
use crate::store::{
    Day, DecisionId, DecisionLinkId, InitiativeId, KpiId, MemberId, Moment, ObjectiveId, RawId, ReviewId,
    StoreError, TargetId, Tx, WorkspaceId,
};

words! {
    /// Where a decision comes from.
    pub enum DecisionOrigin {
        /// Somebody wrote it down.
        Person = "person",
        /// It was recorded with what somebody did: a remedy, a target, the archive.
        Recorded = "recorded",
    }
}
crate::http::words::impl_wire_words!(DecisionOrigin);
crate::store::types::impl_sql_words!(DecisionOrigin);

/// A decision as it is stored. What begins with `frozen` never changes.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = decisions, treat_none_as_null = true)]
pub struct DecisionRow {
    pub id: DecisionId,
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub review_id: Option<ReviewId>,
    pub origin: DecisionOrigin,
    pub choice: Choice,
    pub summary: Option<String>,
    pub certainty: Option<i32>,
    pub expects: Option<Expects>,
    pub expects_by: Option<Day>,
    pub revisit_on: Option<Day>,
    pub reverses_id: Option<DecisionId>,
    pub follows_id: Option<DecisionId>,
    pub decided_on: Day,
    pub frozen_value: Option<f64>,
    pub frozen_health: Health,
    pub frozen_freshness: Freshness,
    pub frozen_trend: Option<Trend>,
    pub frozen_starts_at: Option<Moment>,
    pub frozen_min: Option<f64>,
    pub frozen_max: Option<f64>,
    pub frozen_tolerance_min: Option<f64>,
    pub frozen_tolerance_max: Option<f64>,
    pub version: i32,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
    pub updated_at: Moment,
}

impl DecisionRow {
    /// A decision of this moment, about which nothing is known but the KPI and what it showed.
    pub fn frozen(
        tx: &Tx,
        kpi: KpiId,
        state: &KpiState,
        (origin, choice): (DecisionOrigin, Choice),
        decided_on: Day,
    ) -> Result<Self, StoreError> {
        let Target { band, tolerance } = state.target.unwrap_or_default();
        Ok(Self {
            id: DecisionId::generate(tx.now.timestamp()),
            workspace_id: tx.workspace_id()?,
            kpi_id: kpi,
            review_id: None,
            origin,
            choice,
            summary: None,
            certainty: None,
            expects: None,
            expects_by: None,
            revisit_on: None,
            reverses_id: None,
            follows_id: None,
            decided_on,
            frozen_value: state.current.and_then(|current| current.value),
            frozen_health: state.health,
            frozen_freshness: state.freshness,
            frozen_trend: state.trend,
            frozen_starts_at: state.current.map(|current| current.period.starts_at.into()),
            frozen_min: band.min,
            frozen_max: band.max,
            frozen_tolerance_min: tolerance.min,
            frozen_tolerance_max: tolerance.max,
            version: 1,
            recorded_at: tx.now,
            recorded_by: tx.author().recorded_by(),
            updated_at: tx.now,
        })
    }

    /// The target that was in force; `None` where there was none.
    pub fn target(&self) -> Option<Target> {
        let band = Band { min: self.frozen_min, max: self.frozen_max };
        let tolerance = Band { min: self.frozen_tolerance_min, max: self.frozen_tolerance_max };
        Target::unless_open(band, tolerance)
    }

    /// Whoever made it, if that was a member.
    pub fn maker(&self) -> MemberId {
        self.recorded_by.as_member()
    }

    /// What events call it.
    pub fn subject(&self, kpi: &str) -> Subject {
        Subject::new("decision", self.id, name(self.choice, kpi))
    }

    /// Where it stands among the decisions of its KPI, in order of time.
    pub fn place(&self) -> (Day, DecisionId) {
        (self.decided_on, self.id)
    }

    /// Stores it.
    pub fn insert(&self, tx: &mut Tx) -> Result<(), StoreError> {
        diesel::insert_into(decisions::table).values(self).execute(tx.db())?;
        Ok(())
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<(), StoreError> {
        diesel::update(
            decisions::table
                .filter(decisions::workspace_id.eq(self.workspace_id))
                .filter(decisions::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// What people call a decision: it has no name of its own.
pub fn name(choice: Choice, kpi: &str) -> String {
    format!("{choice}: {kpi}")
}

/// A decision together with its KPI, which decides who sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiDecision {
    /// The decision.
    pub row: DecisionRow,
    /// Its KPI.
    pub kpi: KpiRow,
}

impl Resource for KpiDecision {
    const PARAMETER: &'static str = "decision";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: DecisionId = reference.parse().map_err(invalid_id)?;
        let row: DecisionRow = decisions::table
            .filter(decisions::workspace_id.eq(workspace))
            .filter(decisions::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let kpi = KpiRow::by_id(tx, workspace, row.kpi_id)?.ok_or_else(Problem::not_found)?;
        Ok(Self { row, kpi })
    }

    fn facts(&self) -> Facts {
        facts(&self.row, &self.kpi)
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// A decision is theirs who made it, and theirs who may change its KPI.
pub fn facts(row: &DecisionRow, kpi: &KpiRow) -> Facts {
    let mut facts = kpi.facts();
    facts.owners.push(row.maker());
    facts
}

/// Something that a decision led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LedTo {
    /// An objective.
    Objective(ObjectiveId),
    /// An initiative.
    Initiative(InitiativeId),
    /// A target of the KPI.
    Target(TargetId),
}

impl std::fmt::Display for LedTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Objective(id) => id.fmt(f),
            Self::Initiative(id) => id.fmt(f),
            Self::Target(id) => id.fmt(f),
        }
    }
}

/// A link from a decision to what it led to, as it is stored; exactly one of the three ids is there.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = decision_links)]
struct LinkRow {
    id: DecisionLinkId,
    workspace_id: WorkspaceId,
    decision_id: DecisionId,
    objective_id: Option<ObjectiveId>,
    initiative_id: Option<InitiativeId>,
    target_id: Option<TargetId>,
    recorded_at: Moment,
    ended_at: Option<Moment>,
}

impl LinkRow {
    fn led_to(&self) -> Option<LedTo> {
        let objective = self.objective_id.map(LedTo::Objective);
        objective.or(self.initiative_id.map(LedTo::Initiative)).or(self.target_id.map(LedTo::Target))
    }
}

/// What decisions led to by an instant, in the order of the linking.
pub fn led_to_by(
    tx: &mut Tx,
    ids: &[DecisionId],
    instant: Moment,
) -> Result<HashMap<DecisionId, Vec<LedTo>>, StoreError> {
    let rows: Vec<LinkRow> = decision_links::table
        .filter(decision_links::workspace_id.eq(tx.workspace_id()?))
        .filter(decision_links::decision_id.eq_any(ids))
        .filter(decision_links::recorded_at.le(instant))
        .filter(decision_links::ended_at.is_null().or(decision_links::ended_at.assume_not_null().gt(instant)))
        .order((decision_links::recorded_at, decision_links::id))
        .load(tx.db())?;
    let mut found: HashMap<DecisionId, Vec<LedTo>> = HashMap::new();
    for row in rows {
        found.entry(row.decision_id).or_default().extend(row.led_to());
    }
    Ok(found)
}

/// Links a decision to more of what it led to.
pub fn link(tx: &mut Tx, decision: DecisionId, more: &[LedTo]) -> Result<(), StoreError> {
    let (workspace_id, now) = (tx.workspace_id()?, tx.now);
    for led_to in more {
        let blank = LinkRow {
            id: DecisionLinkId::generate(now.timestamp()),
            workspace_id,
            decision_id: decision,
            objective_id: None,
            initiative_id: None,
            target_id: None,
            recorded_at: now,
            ended_at: None,
        };
        let row = match *led_to {
            LedTo::Objective(id) => LinkRow { objective_id: Some(id), ..blank },
            LedTo::Initiative(id) => LinkRow { initiative_id: Some(id), ..blank },
            LedTo::Target(id) => LinkRow { target_id: Some(id), ..blank },
        };
        diesel::insert_into(decision_links::table).values(&row).execute(tx.db())?;
    }
    Ok(())
}

/// Ends the links of a decision to some of what it led to; that they were there stays known.
pub fn unlink(tx: &mut Tx, decision: DecisionId, gone: &[LedTo]) -> Result<(), StoreError> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    for led_to in gone {
        let standing = diesel::update(decision_links::table)
            .filter(decision_links::workspace_id.eq(workspace))
            .filter(decision_links::decision_id.eq(decision))
            .filter(decision_links::ended_at.is_null());
        let ended = decision_links::ended_at.eq(Some(now));
        match *led_to {
            LedTo::Objective(id) => {
                standing.filter(decision_links::objective_id.eq(id)).set(ended).execute(tx.db())?
            }
            LedTo::Initiative(id) => {
                standing.filter(decision_links::initiative_id.eq(id)).set(ended).execute(tx.db())?
            }
            LedTo::Target(id) => {
                standing.filter(decision_links::target_id.eq(id)).set(ended).execute(tx.db())?
            }
        };
    }
    Ok(())
}
