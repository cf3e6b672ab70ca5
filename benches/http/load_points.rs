//! Databases with many points, filled by SQL in the order in which points come in: all KPIs hour by hour and day by
//! day. What is derived from them the program derives itself.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::json;

use crate::Result;
use crate::client::request;
use crate::load::Plan;
use crate::settings::EngineName;
use crate::world::{self, Kpis, WORKSPACE, World};

/// The KPIs that are read: daily ones, in the workspace in which is measured.
pub const DAILY: Kpis = Kpis { prefix: "day", count: 1_000, cadence: "daily", aggregation: "mean" };
/// The KPIs to which is written: three years of months, the same in every database.
pub const MONTHLY: Kpis = Kpis { prefix: "kpi", count: 200, cadence: "monthly", aggregation: "last" };
const MONTHS: i32 = 36;

/// The mass: an hourly point each, in workspaces of their own.
const HOURLY: &str = "hour";
const HOURLY_IN_WORKSPACE: u64 = 50;

/// Ten years.
pub const DAYS: u64 = 3_650;
const HOURS: u64 = DAYS * 24;

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

/// How many rows one statement inserts, about.
const ROWS_AT_ONCE: u64 = 250_000;

/// A database that was filled.
pub struct Filled {
    /// The database.
    pub world: World,
    /// How many points it holds.
    pub points: u64,
    /// How many bytes of the table of points, with its index, each of them takes.
    pub bytes_per_point: f64,
    /// How many bytes what is derived takes for each of them.
    pub derived_bytes_per_point: f64,
    /// How many days of points each daily KPI has; the first two have more.
    pub days: u64,
    /// How many days of points the first two daily KPIs have.
    pub days_of_first: u64,
}

/// Makes a database with about so many points; 20 thousand or less is a small one, with the same KPIs to look at.
pub fn fill(engine: EngineName, name: &str, wanted: u64) -> Result<Filled> {
    let started = Instant::now();
    let is_small = wanted <= 20_000;
    let monthly = MONTHLY.count as u64 * MONTHS as u64;
    let daily_kpis = DAILY.count as u64;
    let (days, days_of_first) =
        if is_small { (2, 365) } else { ((wanted / 2 / daily_kpis).clamp(2, DAYS), DAYS) };
    let rest = wanted.saturating_sub(days * daily_kpis + 2 * (days_of_first - days) + monthly);
    let (hourly, hours) =
        if is_small { (0, 0) } else { (rest.div_ceil(HOURS), rest / rest.div_ceil(HOURS).max(1)) };

    let mut world = World::new(engine, name)?;
    world.make_kpis(WORKSPACE, MONTHLY)?;
    world.make_points(MONTHLY, &world::months(MONTHS))?;
    world.make_kpis(WORKSPACE, DAILY)?;
    let mut workspaces = Vec::new();
    let mut left = hourly;
    while left > 0 {
        let slug = format!("mass-{}", workspaces.len());
        let count = left.min(HOURLY_IN_WORKSPACE);
        left -= count;
        world.make_workspace(&slug)?;
        let kpis = Kpis { prefix: HOURLY, count: count as usize, ..DAILY };
        world.make_kpis(&slug, kpis)?;
        workspaces.push((slug, kpis));
    }
    world.stop();

    let mut table = Table::open(&world.place.url)?;
    table.prepare()?;
    table.open_workspace(WORKSPACE, DAILY.prefix)?;
    table.add("number < 2", days..days_of_first, DAY, 2)?;
    table.add("true", 0..days, DAY, daily_kpis)?;
    for (slug, kpis) in &workspaces {
        table.open_workspace(slug, kpis.prefix)?;
        table.add("true", 0..hours, HOUR, kpis.count as u64)?;
    }
    table.finish()?;
    let loaded = started.elapsed();

    world.serve(&[])?;
    let access = world.access()?;
    for (slug, kpis) in
        workspaces.iter().map(|(slug, kpis)| (slug.as_str(), *kpis)).chain([(WORKSPACE, DAILY)])
    {
        derive(&world, slug, kpis, &access)?;
    }
    world.stop();
    table.tidy()?;
    let points = table.points()?;
    let (bytes, derived) = (table.bytes("points")?, table.bytes("kpi_periods")?);
    drop(table);
    world.serve(&[])?;
    eprintln!(
        "{}: {points} points in {} KPIs loaded in {:.0} s, derived after {:.0} s",
        engine.shown(),
        MONTHLY.count as u64 + daily_kpis + hourly,
        loaded.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    let each = |bytes: u64| bytes as f64 / points as f64;
    Ok(Filled {
        world,
        points,
        bytes_per_point: each(bytes),
        derived_bytes_per_point: each(derived),
        days,
        days_of_first,
    })
}

/// Lets the program fold all points: another aggregation recomputes a KPI's whole history.
fn derive(world: &World, workspace: &str, kpis: Kpis, access: &str) -> Result<()> {
    let requests = (0..kpis.count)
        .map(|number| {
            let path = format!("/v1/workspaces/{workspace}/kpis/{}", kpis.key(number));
            request("PATCH", &path, access, &json!({"aggregation": "last"}).to_string())
        })
        .collect();
    Plan::each_once(world.address()?, 2, requests).drive().map(drop)
}

/// The table of points, filled past the program while it does not serve.
enum Table {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Table {
    fn open(url: &str) -> Result<Self> {
        Ok(match url.strip_prefix("sqlite:") {
            Some(path) => Self::Sqlite(SqliteConnection::establish(path)?),
            None => Self::Postgres(PgConnection::establish(url)?),
        })
    }

    fn execute(&mut self, statements: &str) -> Result<()> {
        Ok(match self {
            Self::Sqlite(connection) => connection.batch_execute(statements),
            Self::Postgres(connection) => connection.batch_execute(statements),
        }?)
    }

    fn number(&mut self, query: &str) -> Result<u64> {
        let counted: Counted = match self {
            Self::Sqlite(connection) => diesel::sql_query(query).get_result(connection),
            Self::Postgres(connection) => diesel::sql_query(query).get_result(connection),
        }?;
        Ok(u64::try_from(counted.number)?)
    }

    /// Sets aside what would be checked row by row; the owner of the tables may see all rows until the end.
    fn prepare(&mut self) -> Result<()> {
        self.execute(match self {
            Self::Sqlite(_) => {
                "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; \
                 PRAGMA cache_size = -262144; \
                 CREATE TEMP TABLE steps (i INTEGER PRIMARY KEY); \
                 INSERT INTO steps WITH RECURSIVE step (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM step WHERE i < 87599) \
                 SELECT i FROM step"
            }
            Self::Postgres(_) => {
                "SELECT regimen_unlock_rows(); ALTER TABLE points DROP CONSTRAINT points_kpi"
            }
        })
    }

    /// Numbers the KPIs of a workspace that are to get points.
    fn open_workspace(&mut self, slug: &str, prefix: &str) -> Result<()> {
        self.execute(&format!(
            "DROP TABLE IF EXISTS numbered; \
             CREATE TEMP TABLE numbered AS SELECT k.id, k.workspace_id, row_number() OVER (ORDER BY k.key) - 1 AS number \
             FROM kpis k JOIN workspaces w ON w.id = k.workspace_id WHERE w.slug = '{slug}' AND k.key LIKE '{prefix}-%'"
        ))
    }

    /// Adds a point to some of those KPIs for each of these steps back from the newest, the oldest first.
    fn add(&mut self, which: &str, steps: std::ops::Range<u64>, apart: u64, kpis: u64) -> Result<()> {
        let newest = world::days(1).first().map_or(0, |day| world::midnight(*day));
        let newest = newest + i64::try_from(DAY - apart)?;
        let at_once = (ROWS_AT_ONCE / kpis).max(1);
        let mut until = steps.end;
        while until > steps.start {
            let from = until.saturating_sub(at_once).max(steps.start);
            let value = "40.0 + ((i * 7919 + number * 104729) % 1000) / 50.0";
            let columns =
                "workspace_id, kpi_id, at, feed, value, note, quality, origin, recorded_at, recorded_by";
            let (at, series) = match self {
                Self::Sqlite(_) => (
                    format!("({newest} - i * {apart}) * 1000000"),
                    format!("(SELECT i FROM steps WHERE i >= {from} AND i < {until} ORDER BY i DESC)"),
                ),
                Self::Postgres(_) => (
                    format!("to_timestamp({newest} - i * {apart})"),
                    format!("(SELECT generate_series({}, {from}, -1)::bigint AS i)", until - 1),
                ),
            };
            self.execute(&format!(
                "INSERT INTO points ({columns}) SELECT workspace_id, id, {at}, '', {value}, NULL, 'measured', 'import', \
                 {at}, workspace_id FROM {series} AS step CROSS JOIN numbered WHERE {which} ORDER BY i DESC"
            ))?;
            until = from;
        }
        Ok(())
    }

    /// Puts back what was set aside.
    fn finish(&mut self) -> Result<()> {
        self.execute(match self {
            Self::Sqlite(_) => "DROP TABLE numbered; DROP TABLE steps; PRAGMA synchronous = FULL",
            Self::Postgres(_) => {
                "ALTER TABLE points ADD CONSTRAINT points_kpi FOREIGN KEY (workspace_id, kpi_id) \
                 REFERENCES kpis (workspace_id, id); SELECT regimen_lock_rows()"
            }
        })
    }

    /// What the engines do by themselves after a while.
    fn tidy(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.execute("PRAGMA wal_checkpoint(TRUNCATE)"),
            Self::Postgres(_) => {
                for table in ["points", "kpi_periods", "kpi_states", "kpis"] {
                    self.execute(&format!("VACUUM ANALYZE {table}"))?;
                }
                Ok(())
            }
        }
    }

    /// How many points there are, in all workspaces.
    fn points(&mut self) -> Result<u64> {
        let is_locked = matches!(self, Self::Postgres(_));
        if is_locked {
            self.execute("SELECT regimen_unlock_rows()")?;
        }
        let points = self.number("SELECT count(*) AS number FROM points")?;
        if is_locked {
            self.execute("SELECT regimen_lock_rows()")?;
        }
        Ok(points)
    }

    /// What a table and its indexes take on the disk.
    fn bytes(&mut self, table: &str) -> Result<u64> {
        self.number(&match self {
            Self::Sqlite(_) => format!(
                "SELECT coalesce(sum(pgsize), 0) AS number FROM dbstat WHERE aggregate = TRUE AND name IN \
                 (SELECT name FROM sqlite_schema WHERE tbl_name = '{table}')"
            ),
            Self::Postgres(_) => format!("SELECT pg_total_relation_size('{table}') AS number"),
        })
    }
}
