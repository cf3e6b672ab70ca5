//! What diesel cannot say over both engines at once: many rows in one statement.

use diesel::prelude::*;

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text};
use diesel::upsert::excluded;

use super::connection::{AnyConnection, each_engine};
use super::error::StoreError;
use super::ids::{KpiId, WorkspaceId};
use super::journal::EventRow;
use super::places::column;
use super::schema::{
    check_ins, events, kpi_checkpoints, kpi_periods, kpi_states, point_revisions, points, sign_in_attempts,
    workspaces,
};
use super::transaction::Tx;
use super::types::{Moment, SqlDay, SqlId, SqlJson, SqlMoment};
use crate::kpis::derive::{CheckpointRow, PeriodRow, PointRow, RevisionRow, StateRow};
use crate::okrs::check_ins::CheckInRow;

/// Statements stay below both engines' limit of bound values (SQLite 32,766).
const VALUES_PER_STATEMENT: usize = 16_000;

/// Stores rows by one statement that takes an array for each column. PostgreSQL reads a text with thousands of values
/// more slowly than it stores their rows.
macro_rules! store_arrays {
    ($connection:expr, $rows:expr, $table:ident, $on_conflict:expr, { $($column:ident: $type:ty),* $(,)? }) => {{
        let columns = [$(<$table::$column as Column>::NAME),*];
        let statement = of_arrays(stringify!($table), &columns, $on_conflict);
        for some in $rows.chunks(ROWS_PER_STATEMENT) {
            diesel::sql_query(statement.as_str())
                $(.bind::<Array<$type>, _>(column(some, |row| &row.$column)))*
                .execute($connection)?;
        }
    }};
}

fn of_arrays(table: &str, columns: &[&str], on_conflict: &str) -> String {
    let arrays: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    let (columns, arrays) = (columns.join("\", \""), arrays.join(", "));
    format!("INSERT INTO {table} (\"{columns}\") SELECT * FROM unnest({arrays}) {on_conflict}")
}

/// How many rows one statement with arrays stores.
const ROWS_PER_STATEMENT: usize = 10_000;

/// Stores events.
pub fn insert_events(tx: &mut Tx, rows: &[EventRow]) -> Result<(), StoreError> {
    match tx.db() {
        AnyConnection::Sqlite(connection) => {
            for some in rows.chunks(VALUES_PER_STATEMENT / 13) {
                diesel::insert_into(events::table).values(some).execute(connection)?;
            }
        }
        AnyConnection::Postgres(connection) => store_arrays!(connection, rows, events, "", {
            workspace_id: SqlId, sequence: BigInt, at: SqlMoment, actor_kind: Text, actor_id: Nullable<SqlId>,
            actor_name: Text, kind: Text, audience: Text, subject_type: Text, subject_id: SqlId,
            subject_name: Text, change: SqlJson, request_id: Text,
        }),
    }
    Ok(())
}

/// Stores check-ins.
pub fn insert_check_ins(tx: &mut Tx, rows: &[CheckInRow]) -> Result<(), StoreError> {
    for some in rows.chunks(VALUES_PER_STATEMENT / 11) {
        each_engine!(tx, connection => diesel::insert_into(check_ins::table).values(some).execute(connection))?;
    }
    Ok(())
}

/// Stores points; one with the same KPI, instant and feed is replaced.
pub fn upsert_points(tx: &mut Tx, rows: &[PointRow]) -> Result<(), StoreError> {
    const REPLACED: &str = "ON CONFLICT (kpi_id, at, feed) DO UPDATE SET value = excluded.value, note = excluded.note, \
         quality = excluded.quality, origin = excluded.origin, recorded_at = excluded.recorded_at, \
         recorded_by = excluded.recorded_by";
    match tx.db() {
        AnyConnection::Sqlite(connection) => {
            for some in rows.chunks(VALUES_PER_STATEMENT / 10) {
                diesel::insert_into(points::table)
                    .values(some)
                    .on_conflict((points::kpi_id, points::at, points::feed))
                    .do_update()
                    .set((
                        points::value.eq(excluded(points::value)),
                        points::note.eq(excluded(points::note)),
                        points::quality.eq(excluded(points::quality)),
                        points::origin.eq(excluded(points::origin)),
                        points::recorded_at.eq(excluded(points::recorded_at)),
                        points::recorded_by.eq(excluded(points::recorded_by)),
                    ))
                    .execute(connection)?;
            }
        }
        AnyConnection::Postgres(connection) => store_arrays!(connection, rows, points, REPLACED, {
            workspace_id: SqlId, kpi_id: SqlId, at: SqlMoment, feed: Text, value: Double, note: Nullable<Text>,
            quality: Text, origin: Text, recorded_at: SqlMoment, recorded_by: SqlId,
        }),
    }
    Ok(())
}

/// Keeps what points said; one that lived no time between two stamps of the clock is kept once.
pub fn insert_revisions(tx: &mut Tx, rows: &[RevisionRow]) -> Result<(), StoreError> {
    match tx.db() {
        AnyConnection::Sqlite(connection) => {
            for some in rows.chunks(VALUES_PER_STATEMENT / 11) {
                diesel::insert_into(point_revisions::table)
                    .values(some)
                    .on_conflict_do_nothing()
                    .execute(connection)?;
            }
        }
        AnyConnection::Postgres(connection) => {
            store_arrays!(connection, rows, point_revisions, "ON CONFLICT DO NOTHING", {
                workspace_id: SqlId, kpi_id: SqlId, at: SqlMoment, feed: Text, replaced_at: SqlMoment, value: Double,
                note: Nullable<Text>, quality: Text, origin: Text, recorded_at: SqlMoment, recorded_by: SqlId,
            })
        }
    }
    Ok(())
}

/// Deletes points by KPI, instant and feed.
pub fn delete_points(tx: &mut Tx, keys: &[(KpiId, Moment, String)]) -> Result<(), StoreError> {
    let mut groups: BTreeMap<(KpiId, &str), Vec<Moment>> = BTreeMap::new();
    for (kpi, at, feed) in keys {
        groups.entry((*kpi, feed)).or_default().push(*at);
    }
    for ((kpi, feed), instants) in groups {
        for instants in instants.chunks(VALUES_PER_STATEMENT) {
            diesel::delete(
                points::table
                    .filter(points::kpi_id.eq(kpi))
                    .filter(points::feed.eq(feed))
                    .filter(points::at.eq_any(instants)),
            )
            .execute(tx.db())?;
        }
    }
    Ok(())
}

/// Stores periods; one with the same KPI and beginning is replaced.
pub fn replace_periods(tx: &mut Tx, rows: &[PeriodRow]) -> Result<(), StoreError> {
    const REPLACED: &str = "ON CONFLICT (kpi_id, starts_at) DO UPDATE SET value = excluded.value, \
         points = excluded.points, newest_at = excluded.newest_at, health = excluded.health";
    match tx.db() {
        AnyConnection::Sqlite(connection) => {
            for some in rows.chunks(VALUES_PER_STATEMENT / 7) {
                diesel::insert_into(kpi_periods::table)
                    .values(some)
                    .on_conflict((kpi_periods::kpi_id, kpi_periods::starts_at))
                    .do_update()
                    .set((
                        kpi_periods::value.eq(excluded(kpi_periods::value)),
                        kpi_periods::points.eq(excluded(kpi_periods::points)),
                        kpi_periods::newest_at.eq(excluded(kpi_periods::newest_at)),
                        kpi_periods::health.eq(excluded(kpi_periods::health)),
                    ))
                    .execute(connection)?;
            }
        }
        AnyConnection::Postgres(connection) => store_arrays!(connection, rows, kpi_periods, REPLACED, {
            workspace_id: SqlId, kpi_id: SqlId, starts_at: SqlMoment, value: Nullable<Double>, points: Integer,
            newest_at: SqlMoment, health: Text,
        }),
    }
    Ok(())
}

/// Deletes periods by KPI and beginning.
pub fn delete_periods(tx: &mut Tx, keys: &[(KpiId, Moment)]) -> Result<(), StoreError> {
    let mut groups: BTreeMap<KpiId, Vec<Moment>> = BTreeMap::new();
    for (kpi, starts_at) in keys {
        groups.entry(*kpi).or_default().push(*starts_at);
    }
    for (kpi, instants) in groups {
        for instants in instants.chunks(VALUES_PER_STATEMENT) {
            diesel::delete(
                kpi_periods::table
                    .filter(kpi_periods::kpi_id.eq(kpi))
                    .filter(kpi_periods::starts_at.eq_any(instants)),
            )
            .execute(tx.db())?;
        }
    }
    Ok(())
}

/// Stores the stages of KPIs in place of those that they had.
pub fn replace_states(tx: &mut Tx, rows: &[StateRow]) -> Result<(), StoreError> {
    let mut kpis: Vec<KpiId> = rows.iter().map(|row| row.kpi_id).collect();
    kpis.dedup();
    for kpis in kpis.chunks(VALUES_PER_STATEMENT) {
        let stages = kpi_states::table.filter(kpi_states::kpi_id.eq_any(kpis));
        each_engine!(tx, connection => diesel::delete(stages).execute(connection))?;
    }
    match tx.db() {
        AnyConnection::Sqlite(connection) => {
            for some in rows.chunks(VALUES_PER_STATEMENT / 25) {
                diesel::insert_into(kpi_states::table).values(some).execute(connection)?;
            }
        }
        AnyConnection::Postgres(connection) => store_arrays!(connection, rows, kpi_states, "", {
            workspace_id: SqlId, kpi_id: SqlId, from_at: SqlMoment, period_starts_at: Nullable<SqlMoment>,
            value: Nullable<Double>, previous_value: Nullable<Double>, health: Text, reason: Nullable<Text>,
            since: Nullable<SqlDay>, gap: Nullable<Double>, severity: Nullable<Double>,
            due_at: Nullable<SqlMoment>, stale_at: Nullable<SqlMoment>, episode_opened_on: Nullable<SqlDay>,
            episode_opening_value: Nullable<Double>, episode_worst_value: Nullable<Double>,
            episode_worst_on: Nullable<SqlDay>, closed_opened_on: Nullable<SqlDay>, closed_on: Nullable<SqlDay>,
            closed_by: Nullable<Text>, trend: Nullable<Text>, leaves_on: Nullable<SqlDay>,
            reach_min: Nullable<Double>, reach_max: Nullable<Double>, rules: Integer,
        }),
    }
    Ok(())
}

/// Stores checkpoints, after the present ones of some KPIs are gone.
pub fn replace_checkpoints(tx: &mut Tx, gone: &[KpiId], rows: &[CheckpointRow]) -> Result<(), StoreError> {
    for gone in gone.chunks(VALUES_PER_STATEMENT) {
        let present = kpi_checkpoints::table.filter(kpi_checkpoints::kpi_id.eq_any(gone));
        each_engine!(tx, connection => diesel::delete(present).execute(connection))?;
    }
    for some in rows.chunks(VALUES_PER_STATEMENT / 31) {
        each_engine!(tx, connection => diesel::insert_into(kpi_checkpoints::table).values(some).execute(connection))?;
    }
    Ok(())
}

/// Counts a workspace's revision up, and its events by as many as are to be stored; the number of the newest of them.
pub fn count_revision(tx: &mut Tx, workspace: WorkspaceId, events: i64) -> Result<Option<i64>, StoreError> {
    Ok(each_engine!(tx, connection => diesel::update(workspaces::table.find(workspace))
        .set((
            workspaces::event_sequence.eq(workspaces::event_sequence + events),
            workspaces::revision.eq(workspaces::revision + 1),
        ))
        .returning(workspaces::event_sequence)
        .get_result(connection)
        .optional())?)
}

/// Makes sure that attempts on a subject are counted; those counted already stay. The row is
/// locked, or a success at the same moment could take it away before it is counted on.
pub fn begin_sign_in_attempts(tx: &mut Tx, subject: &[u8], now: Moment) -> Result<(), StoreError> {
    let row = (
        sign_in_attempts::subject.eq(subject),
        sign_in_attempts::failures.eq(0),
        sign_in_attempts::last_at.eq(now),
    );
    each_engine!(tx, connection => diesel::insert_into(sign_in_attempts::table)
        .values(row)
        .on_conflict(sign_in_attempts::subject)
        .do_update()
        .set(sign_in_attempts::subject.eq(subject))
        .execute(connection))?;
    Ok(())
}
