//! The KPIs that key results read: their values, now or as they were.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::KeyResultValue;
use super::past::Past;
use crate::access::{Facts, Resource};
use crate::http::Result;
use crate::kpis::derive::{StateRow, histories, shown};
use crate::kpis::display::Style;
use crate::kpis::kpis::KpiRef;
use crate::kpis::row::KpiRow;
use crate::maths::Band;
use crate::store::schema::kpis;
use crate::store::{IDS_PER_STATEMENT, KpiId, Tx};

/// A KPI that key results read.
#[derive(Clone, Debug)]
pub struct SourceKpi {
    /// The KPI, as a page shows it.
    pub reference: KpiRef,
    /// What the policy looks at.
    pub facts: Facts,
    /// Its current value.
    pub current: Option<KeyResultValue>,
    /// How far it has been, or may be.
    pub reach: Option<Band>,
    /// Whether its numbers have a unit.
    pub has_unit: bool,
}

impl SourceKpi {
    fn new(row: &KpiRow, current: Option<KeyResultValue>, reach: Option<Band>) -> Self {
        let has_unit = Style::of(row).unit().is_some();
        Self { reference: row.into(), facts: row.facts(), current, reach, has_unit }
    }
}

/// The KPIs that key results read, with their current values.
pub fn source_kpis(tx: &mut Tx, ids: impl IntoIterator<Item = KpiId>) -> Result<HashMap<KpiId, SourceKpi>> {
    let ids: HashSet<KpiId> = ids.into_iter().collect();
    let ids: Vec<KpiId> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let states = shown(tx, ids)?;
        for row in rows_of(tx, ids)? {
            let state = states.get(&row.id);
            let current = state.and_then(|state| {
                Some(KeyResultValue { value: state.value?.into(), at: state.period_starts_at? })
            });
            let reach = state.and_then(StateRow::reach);
            found.insert(row.id, SourceKpi::new(&row, current, reach));
        }
    }
    Ok(found)
}

/// The same with the values that they had.
pub(super) fn source_kpis_then(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = KpiId>,
    past: &Past,
) -> Result<HashMap<KpiId, SourceKpi>> {
    let ids: HashSet<KpiId> = ids.into_iter().collect();
    let ids: Vec<KpiId> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows = rows_of(tx, ids)?;
        let histories = histories(tx, &rows, &past.view)?;
        for row in &rows {
            let state = histories.get(&row.id).map(|history| &history.state);
            let current = state.and_then(|state| state.current).and_then(|current| {
                let at = current.period.starts_at.into();
                Some(KeyResultValue { value: current.value?.into(), at })
            });
            let reach = state.and_then(|state| state.reach);
            found.insert(row.id, SourceKpi::new(row, current, reach));
        }
    }
    Ok(found)
}

fn rows_of(tx: &mut Tx, ids: &[KpiId]) -> Result<Vec<KpiRow>> {
    let rows =
        kpis::table.filter(kpis::workspace_id.eq(tx.workspace_id()?)).filter(kpis::id.eq_any(ids.to_vec()));
    Ok(rows.load(tx.db())?)
}
