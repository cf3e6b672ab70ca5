//! Rows at many places that no list of ids can say: a KPI with an instant, or with a stretch of time.
//!
//! A file is asked once for each place: nothing travels, and the statement is prepared already. A server is asked once
//! for all of them, by arrays; `OFFSET 0` keeps it from turning the places into a scan of the whole table.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Array;

use super::IDS_PER_STATEMENT;
use super::connection::AnyConnection;
use super::error::StoreError;
use super::ids::KpiId;
use super::schema::{kpi_periods, points};
use super::transaction::Tx;
use super::types::{Moment, SqlId, SqlMoment};
use crate::kpis::derive::{PeriodRow, PointRow};

/// A KPI and an instant.
pub type Place = (KpiId, Moment);

/// What folding needs of a point.
#[derive(Clone, Debug, PartialEq, Queryable, QueryableByName)]
#[diesel(table_name = points)]
pub struct MeasuredRow {
    /// Whose point.
    pub kpi_id: KpiId,
    /// The instant for which it stands.
    pub at: Moment,
    /// Whose number it is.
    pub feed: String,
    /// What it says, in the unit of the KPI.
    pub value: f64,
}

/// The points of KPIs in stretches of time, the ends excluded; those of one KPI do not overlap.
pub fn points_between(
    tx: &mut Tx,
    stretches: &[(KpiId, Moment, Moment)],
) -> Result<Vec<MeasuredRow>, StoreError> {
    const ASKED: &str = "SELECT p.kpi_id, p.at, p.feed, p.value FROM unnest($2, $3, $4) AS w (kpi_id, since, ending), \
         LATERAL (SELECT kpi_id, at, feed, value FROM points WHERE workspace_id = $1 AND kpi_id = w.kpi_id \
         AND at >= w.since AND at < w.ending OFFSET 0) AS p";
    let workspace = tx.workspace_id()?;
    let mut found = Vec::new();
    match tx.db() {
        AnyConnection::Sqlite(connection) => {
            for (kpi, since, ending) in stretches {
                let rows: Vec<MeasuredRow> = points::table
                    .filter(points::workspace_id.eq(workspace))
                    .filter(points::kpi_id.eq(kpi))
                    .filter(points::at.ge(since))
                    .filter(points::at.lt(ending))
                    .select((points::kpi_id, points::at, points::feed, points::value))
                    .load(connection)?;
                found.extend(rows);
            }
        }
        AnyConnection::Postgres(connection) => {
            for some in stretches.chunks(IDS_PER_STATEMENT) {
                let rows: Vec<MeasuredRow> = diesel::sql_query(ASKED)
                    .bind::<SqlId, _>(workspace)
                    .bind::<Array<SqlId>, _>(column(some, |(kpi, _, _)| *kpi))
                    .bind::<Array<SqlMoment>, _>(column(some, |(_, since, _)| *since))
                    .bind::<Array<SqlMoment>, _>(column(some, |(_, _, ending)| *ending))
                    .load(connection)?;
                found.extend(rows);
            }
        }
    }
    Ok(found)
}

/// Makes a function that finds the rows of a table at places, or from these on.
macro_rules! at_places {
    ($($(#[$doc:meta])* $name:ident: $row:ty = $table:ident, $instant:ident.$compared:ident, $asked:literal;)*) => { $(
        $(#[$doc])*
        pub fn $name(tx: &mut Tx, places: &BTreeSet<Place>) -> Result<Vec<$row>, StoreError> {
            let workspace = tx.workspace_id()?;
            let mut found = Vec::new();
            match tx.db() {
                AnyConnection::Sqlite(connection) => {
                    for (kpi, instant) in places {
                        let rows: Vec<$row> = $table::table
                            .filter($table::workspace_id.eq(workspace))
                            .filter($table::kpi_id.eq(kpi))
                            .filter($table::$instant.$compared(instant))
                            .order($table::$instant)
                            .load(connection)?;
                        found.extend(rows);
                    }
                }
                AnyConnection::Postgres(connection) => {
                    let places: Vec<Place> = places.iter().copied().collect();
                    for some in places.chunks(IDS_PER_STATEMENT) {
                        let rows: Vec<$row> = diesel::sql_query($asked)
                            .bind::<SqlId, _>(workspace)
                            .bind::<Array<SqlId>, _>(column(some, |(kpi, _)| *kpi))
                            .bind::<Array<SqlMoment>, _>(column(some, |(_, instant)| *instant))
                            .load(connection)?;
                        found.extend(rows);
                    }
                }
            }
            Ok(found)
        }
    )* };
}

at_places! {
    /// The points of all feeds at these places.
    points_at: PointRow = points, at.eq,
        "SELECT p.* FROM unnest($2, $3) AS w (kpi_id, at), LATERAL (SELECT * FROM points \
         WHERE workspace_id = $1 AND kpi_id = w.kpi_id AND at = w.at OFFSET 0) AS p";
    /// The stored periods that begin at these places.
    periods_at: PeriodRow = kpi_periods, starts_at.eq,
        "SELECT p.* FROM unnest($2, $3) AS w (kpi_id, starts_at), LATERAL (SELECT * FROM kpi_periods \
         WHERE workspace_id = $1 AND kpi_id = w.kpi_id AND starts_at = w.starts_at OFFSET 0) AS p";
    /// The stored periods that begin at these places or later, those of each KPI in order of time.
    periods_since: PeriodRow = kpi_periods, starts_at.ge,
        "SELECT p.* FROM unnest($2, $3) AS w (kpi_id, starts_at), LATERAL (SELECT * FROM kpi_periods \
         WHERE workspace_id = $1 AND kpi_id = w.kpi_id AND starts_at >= w.starts_at ORDER BY starts_at OFFSET 0) AS p";
}

/// One column of some rows, as a server takes it.
pub(super) fn column<'r, R, C>(rows: &'r [R], of: impl Fn(&'r R) -> C) -> Vec<C> {
    rows.iter().map(of).collect()
}
