//! A driver link as it is stored, and which of them stood at an instant.

use diesel::prelude::*;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::drift::Effect;
use crate::store::journal::Subject;
use crate::store::schema::drivers;
use crate::store::{DriverId, IDS_PER_STATEMENT, KpiId, Moment, RawId, StoreError, Tx, WorkspaceId};

crate::http::words::impl_wire_words!(Effect);
crate::store::types::impl_sql_words!(Effect);

/// A KPI that is believed to move another, as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = drivers, treat_none_as_null = true)]
pub struct DriverRow {
    pub id: DriverId,
    pub workspace_id: WorkspaceId,
    pub driver_id: KpiId,
    pub outcome_id: KpiId,
    pub lag_periods: i32,
    pub effect: Effect,
    pub note: Option<String>,
    pub version: i32,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
    pub updated_at: Moment,
    pub ended_at: Option<Moment>,
    pub ended_by: Option<RawId>,
}

impl DriverRow {
    /// When a person had ended it, seen from an instant.
    pub fn ended_by_then(&self, instant: Moment) -> Option<Moment> {
        self.ended_at.filter(|at| *at <= instant)
    }

    /// The lag in periods of the outcome.
    pub fn lag(&self) -> u32 {
        u32::try_from(self.lag_periods).unwrap_or_default()
    }

    /// What events call it.
    pub fn subject(&self, driver: &KpiRow, outcome: &KpiRow) -> Subject {
        Subject::new("driver", self.id, format!("{}: {}", driver.name, outcome.name))
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<(), StoreError> {
        diesel::update(
            drivers::table
                .filter(drivers::workspace_id.eq(self.workspace_id))
                .filter(drivers::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// A link together with what it links; the outcome decides who may change it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedDriver {
    /// The link.
    pub row: DriverRow,
    /// The KPI that moves.
    pub driver: KpiRow,
    /// The KPI that is moved.
    pub outcome: KpiRow,
}

impl Resource for LinkedDriver {
    const PARAMETER: &'static str = "driver";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: DriverId = reference.parse().map_err(invalid_id)?;
        let row: DriverRow = drivers::table
            .filter(drivers::workspace_id.eq(workspace))
            .filter(drivers::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let outcome = KpiRow::by_id(tx, workspace, row.outcome_id)?.ok_or_else(Problem::not_found)?;
        // The outcome decides by its facts; the driver is asked for here.
        let driver = KpiRow::by_id(tx, workspace, row.driver_id)?.filter(|kpi| tx.sees(&kpi.facts()));
        let driver = driver.ok_or_else(Problem::not_found)?;
        Ok(Self { row, driver, outcome })
    }

    fn facts(&self) -> Facts {
        self.outcome.facts()
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// Whose links.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// Those that drive some KPIs.
    Outcomes(&'a [KpiId]),
    /// Those of KPIs that drive others.
    Drivers(&'a [KpiId]),
    /// All of the workspace.
    Workspace,
}

/// The links that had been made by an instant, ended ones too, in the order of their making.
pub fn made_by(tx: &mut Tx, of: Of, instant: Moment) -> Result<Vec<DriverRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let query = || {
        drivers::table
            .filter(drivers::workspace_id.eq(workspace))
            .filter(drivers::recorded_at.le(instant))
            .into_boxed()
    };
    let mut found: Vec<DriverRow> = Vec::new();
    match of {
        Of::Workspace => found = query().load(tx.db())?,
        Of::Outcomes(ids) => {
            for ids in ids.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<DriverRow> = query().filter(drivers::outcome_id.eq_any(ids)).load(tx.db())?;
                found.extend(rows);
            }
        }
        Of::Drivers(ids) => {
            for ids in ids.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<DriverRow> = query().filter(drivers::driver_id.eq_any(ids)).load(tx.db())?;
                found.extend(rows);
            }
        }
    }
    found.sort_by_key(|row| (row.recorded_at, row.id));
    Ok(found)
}

/// Those of them that nobody had ended by then.
pub fn standing_at(tx: &mut Tx, of: Of, instant: Moment) -> Result<Vec<DriverRow>, StoreError> {
    let mut rows = made_by(tx, of, instant)?;
    rows.retain(|row| row.ended_by_then(instant).is_none());
    Ok(rows)
}
