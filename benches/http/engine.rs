//! The yardstick of writing: the same rows by prepared statement, in transactions of the same size, into the same
//! table of another database with the same migrations.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Double, Text};
use regimen::kpis::derive::{Origin, PointRow, Quality};
use regimen::store::schema::{kpis, points, workspaces};
use regimen::store::types::{SqlId, SqlMoment};
use regimen::store::{KpiId, Moment, RawId, WorkspaceId};

use crate::Result;
use crate::sqlite_file::{File, Statement};
use crate::world::{WORKSPACE, World};

/// How PostgreSQL is given many rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One statement for all, with an array for each column.
    Arrays,
    /// One prepared statement, run for each row.
    RowByRow,
}

/// The engine without the program around it.
pub struct Engine {
    connection: Connected,
    workspace: WorkspaceId,
    kpis: Vec<KpiId>,
}

enum Connected {
    Sqlite(File),
    Postgres(PgConnection, Manner),
}

const INSERT: &CStr =
    c"INSERT INTO points (workspace_id, kpi_id, at, feed, value, note, quality, origin, recorded_at, \
    recorded_by) VALUES (?1, ?2, ?3, '', ?4, NULL, 'measured', 'token', ?5, ?6)";

const INSERT_ARRAYS: &str = "INSERT INTO points (workspace_id, kpi_id, at, feed, value, note, quality, origin, \
    recorded_at, recorded_by) SELECT $1, kpi, at, '', value, NULL, 'measured', 'token', $2, $1 \
    FROM unnest($3, $4, $5) AS t (kpi, at, value)";

impl Engine {
    /// Opens the database of a world whose program does not serve, set as the program sets it.
    pub fn open(world: &World, prefix: &str, manner: Manner) -> Result<Self> {
        let wanted = format!("{prefix}-%");
        match world.place.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path)?;
                let workspace = workspaces::table
                    .filter(workspaces::slug.eq(WORKSPACE))
                    .select(workspaces::id)
                    .first(&mut connection)?;
                let kpis = kpis::table
                    .filter(kpis::key.like(wanted))
                    .order(kpis::key)
                    .select(kpis::id)
                    .load(&mut connection)?;
                let file = File::open(path)?;
                file.execute(
                    c"PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                      PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 1000; \
                      PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;",
                )?;
                Ok(Self { connection: Connected::Sqlite(file), workspace, kpis })
            }
            None => {
                let mut connection = PgConnection::establish(&world.place.url)?;
                connection.batch_execute(&format!(
                    "SET synchronous_commit = on; SELECT set_config('regimen.slug', '{WORKSPACE}', false)"
                ))?;
                let workspace: WorkspaceId = workspaces::table
                    .filter(workspaces::slug.eq(WORKSPACE))
                    .select(workspaces::id)
                    .first(&mut connection)?;
                connection.batch_execute(&format!(
                    "SELECT set_config('regimen.workspace', '{}', false)",
                    workspace.uuid()
                ))?;
                let kpis = kpis::table
                    .filter(kpis::key.like(wanted))
                    .order(kpis::key)
                    .select(kpis::id)
                    .load(&mut connection)?;
                Ok(Self { connection: Connected::Postgres(connection, manner), workspace, kpis })
            }
        }
    }

    /// Stores points (KPI by its number, seconds since 1970, value) in one transaction; says how long it took.
    pub fn store(&mut self, points: &[(usize, i64, f64)]) -> Result<Duration> {
        let points: Vec<(KpiId, Moment, f64)> = points
            .iter()
            .map(|(kpi, at, value)| {
                let kpi = self.kpis.get(*kpi).copied().ok_or("no such KPI")?;
                Ok((kpi, Moment::from_microseconds(at * 1_000_000), *value))
            })
            .collect::<Result<_>>()?;
        let now = points.last().map_or(Moment::from_microseconds(0), |(_, at, _)| *at);
        let started = Instant::now();
        match &mut self.connection {
            Connected::Sqlite(file) => store_on_sqlite(file, self.workspace, &points, now)?,
            Connected::Postgres(connection, manner) => {
                let workspace = self.workspace;
                connection.transaction(|connection| match manner {
                    Manner::Arrays => arrays(connection, workspace, &points, now),
                    Manner::RowByRow => row_by_row(connection, workspace, &points, now),
                })?;
            }
        }
        Ok(started.elapsed())
    }
}

fn store_on_sqlite(
    file: &File,
    workspace: WorkspaceId,
    points: &[(KpiId, Moment, f64)],
    now: Moment,
) -> Result<()> {
    let workspace = workspace.uuid().into_bytes();
    file.execute(c"BEGIN IMMEDIATE")?;
    let statement = Statement::prepare(file, INSERT)?;
    for (kpi, at, value) in points {
        statement.bind_blob(1, &workspace)?;
        statement.bind_blob(2, &kpi.uuid().into_bytes())?;
        statement.bind_integer(3, at.microseconds())?;
        statement.bind_real(4, *value)?;
        statement.bind_integer(5, now.microseconds())?;
        statement.bind_blob(6, &workspace)?;
        statement.run()?;
    }
    drop(statement);
    file.execute(c"COMMIT")
}

fn arrays(
    connection: &mut PgConnection,
    workspace: WorkspaceId,
    points: &[(KpiId, Moment, f64)],
    now: Moment,
) -> QueryResult<()> {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    columns.extend(points.iter().copied());
    diesel::sql_query(INSERT_ARRAYS)
        .bind::<SqlId, _>(workspace)
        .bind::<SqlMoment, _>(now)
        .bind::<Array<SqlId>, _>(columns.0)
        .bind::<Array<SqlMoment>, _>(columns.1)
        .bind::<Array<Double>, _>(columns.2)
        .execute(connection)
        .map(drop)
}

fn row_by_row(
    connection: &mut PgConnection,
    workspace: WorkspaceId,
    points: &[(KpiId, Moment, f64)],
    now: Moment,
) -> QueryResult<()> {
    for (kpi_id, at, value) in points {
        let row = PointRow {
            workspace_id: workspace,
            kpi_id: *kpi_id,
            at: *at,
            feed: String::new(),
            value: *value,
            note: None,
            quality: Quality::Measured,
            origin: Origin::Token,
            recorded_at: now,
            recorded_by: RawId::from_uuid(workspace.uuid()),
        };
        diesel::insert_into(points::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// What a PostgreSQL server says of a setting.
pub fn setting(url: &str, name: &str) -> Result<String> {
    #[derive(QueryableByName)]
    struct Said {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let mut connection = PgConnection::establish(url)?;
    let asked = diesel::sql_query("SELECT current_setting($1) AS value").bind::<Text, _>(name);
    Ok(asked.get_result::<Said>(&mut connection)?.value)
}
