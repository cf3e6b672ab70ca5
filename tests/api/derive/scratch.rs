//! What is stored of all KPIs of a workspace, held against a computation from scratch.

use std::collections::BTreeMap;

use diesel::prelude::*;
use regimen::kpis::derive::{PeriodRow, StateRow};
use regimen::kpis::row::KpiRow;
use regimen::store::schema::{kpi_periods, kpi_states, kpis, workspaces};
use regimen::store::{Author, Lane, Moment, StoreError, Tx, WorkspaceRow};

use crate::harness::{App, open_workspace};

/// The periods and stages of every KPI, by its key.
pub type Snapshot = BTreeMap<String, (Vec<PeriodRow>, Vec<StateRow>)>;

/// The workspace `acme`, its KPIs by their keys, and what is stored of them: the same as from scratch.
pub async fn held_against_scratch(app: &App) -> (WorkspaceRow, BTreeMap<String, KpiRow>, Snapshot) {
    let store = &app.state.store;
    let (workspace, rows) = store.read(Author::system("test"), stored_kpis).await.expect("it is read");
    let before = store.read(Author::system("test"), stored).await.expect("it is read");
    let lane = Lane::Workspace(workspace.id);
    store.write(lane, Author::system("test"), regimen::kpis::recompute_all).await.expect("it is computed");
    let after = store.read(Author::system("test"), stored).await.expect("it is read");
    let now = app.clock.now();
    for (key, (periods, stages)) in &before {
        assert_eq!(&after[key].0, periods, "the periods of {key} from scratch");
        assert_eq!(still_shown(&after[key].1, now), still_shown(stages, now), "{key} from scratch");
    }
    (workspace, rows, before)
}

/// The stages from what is shown on: one that has passed may be gone.
pub fn still_shown(stages: &[StateRow], now: Moment) -> Vec<StateRow> {
    let first = stages.iter().rposition(|stage| stage.from_at <= now).unwrap_or(0);
    let mut stages = stages[first..].to_vec();
    if let Some(shown) = stages.first_mut() {
        shown.from_at = Moment::from_microseconds(0);
    }
    stages
}

fn stored_kpis(tx: &mut Tx) -> Result<(WorkspaceRow, BTreeMap<String, KpiRow>), StoreError> {
    let id = open_workspace(tx, "acme")?;
    let workspace = workspaces::table.filter(workspaces::id.eq(id)).first(tx.db())?;
    let rows: Vec<KpiRow> = kpis::table.filter(kpis::workspace_id.eq(id)).load(tx.db())?;
    Ok((workspace, rows.into_iter().map(|row| (row.key.clone(), row)).collect()))
}

fn stored(tx: &mut Tx) -> Result<Snapshot, StoreError> {
    let (_, rows) = stored_kpis(tx)?;
    let mut found = Snapshot::new();
    for (key, row) in rows {
        let periods = kpi_periods::table
            .filter(kpi_periods::kpi_id.eq(row.id))
            .order(kpi_periods::starts_at)
            .load(tx.db())?;
        let stages = kpi_states::table
            .filter(kpi_states::kpi_id.eq(row.id))
            .order(kpi_states::from_at)
            .load(tx.db())?;
        found.insert(key, (periods, stages));
    }
    Ok(found)
}
