//! Bringing a database to this program's schema: embedded, ordered, one at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{self, AnyConnection, DatabaseUrl, Purpose};
use super::error::StoreError;
use super::roles;

const SQLITE_STEPS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_STEPS: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: fn() -> EmbeddedMigrations = || SQLITE_STEPS;
const POSTGRES: fn() -> EmbeddedMigrations = || POSTGRES_STEPS;

/// The advisory lock that migrating instances take, so that eight of them apply each step once.
const MIGRATION_LOCK: i64 = 0x5245_4749_4d45_4e01;

/// Applies what is missing and answers how many steps that were. A newer schema is refused.
pub fn migrate(url: &DatabaseUrl) -> Result<usize, StoreError> {
    match &mut connection::open(url, Purpose::Writing)? {
        AnyConnection::Sqlite(connection) => run(connection, SQLITE),
        AnyConnection::Postgres(connection) => {
            connection.batch_execute(&format!(
                "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK})"
            ))?;
            let applied = unlocked(connection, |connection| run(connection, POSTGRES));
            connection.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})"))?;
            applied
        }
    }
}

/// Whether the schema is the one that this program was built for; says what to do where it is not.
pub fn check(url: &DatabaseUrl) -> Result<(), StoreError> {
    let pending = match &mut connection::open(url, Purpose::Writing)? {
        AnyConnection::Sqlite(connection) => {
            refuse_newer(connection, SQLITE)?;
            connection.has_pending_migration(SQLITE())
        }
        AnyConnection::Postgres(connection) => return check_as_guest(connection),
    };
    match pending {
        Ok(false) => Ok(()),
        Ok(true) => Err(older()),
        Err(error) => Err(unreadable(error)),
    }
}

/// The same for a role that may make no table, not even the one that lists the migrations.
fn check_as_guest(connection: &mut PgConnection) -> Result<(), StoreError> {
    if !there_is(connection, "to_regclass('__diesel_schema_migrations')")? {
        return Err(older());
    }
    let applied: Vec<Version> =
        diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations ORDER BY version")
            .load(connection)?;
    let applied: Vec<String> = applied.into_iter().map(|one| one.version).collect();
    let known = known::<diesel::pg::Pg>(POSTGRES)?;
    match applied.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(newer(version)),
        None if known.iter().all(|version| applied.contains(version)) => Ok(()),
        None => Err(older()),
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Answered {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

fn there_is(connection: &mut PgConnection, what: &'static str) -> Result<bool, StoreError> {
    let asked = format!("SELECT {what} IS NOT NULL AS yes");
    Ok(diesel::sql_query(asked).get_result::<Answered>(connection)?.yes)
}

/// Migrations change what is stored in all workspaces, so the owner passes the lock meanwhile; then it holds again,
/// also on the tables that were made, and also where a migration failed.
fn unlocked(
    connection: &mut PgConnection,
    migrate: impl FnOnce(&mut PgConnection) -> Result<usize, StoreError>,
) -> Result<usize, StoreError> {
    const LOCK: &str = "to_regprocedure('regimen_lock_rows()')";
    let pending = connection.has_pending_migration(POSTGRES()).map_err(unreadable)?;
    if pending && there_is(connection, LOCK)? {
        connection.batch_execute("SELECT regimen_unlock_rows()")?;
    }
    let applied = migrate(connection);
    if there_is(connection, LOCK)? && roles::unlocked(connection)?.is_some() {
        connection.batch_execute("SELECT regimen_lock_rows()")?;
    }
    applied
}

fn older() -> StoreError {
    StoreError::Unusable("the database's schema is older than this program: run `regimen migrate`".into())
}

fn newer(version: &str) -> StoreError {
    StoreError::Unusable(format!(
        "the database's schema is newer than this program (migration {version}): use a newer program"
    ))
}

fn run<C, DB>(connection: &mut C, source: fn() -> EmbeddedMigrations) -> Result<usize, StoreError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    refuse_newer(connection, source)?;
    connection
        .run_pending_migrations(source())
        .map(|applied| applied.len())
        .map_err(|error| StoreError::Unusable(format!("a migration failed: {error}")))
}

fn refuse_newer<C, DB>(connection: &mut C, source: fn() -> EmbeddedMigrations) -> Result<(), StoreError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = known::<DB>(source)?;
    let applied = connection.applied_migrations().map_err(unreadable)?;
    match applied.iter().find(|version| !known.contains(&version.to_string())) {
        None => Ok(()),
        Some(version) => Err(newer(&version.to_string())),
    }
}

/// The versions of this program's migrations.
fn known<DB>(source: fn() -> EmbeddedMigrations) -> Result<Vec<String>, StoreError>
where
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let migrations = MigrationSource::<DB>::migrations(&source()).map_err(unreadable)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

fn unreadable(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Unusable(format!("the migrations cannot be read: {error}"))
}

/// Held by the one process that serves, migrates or restores a SQLite file.
#[must_use = "the file is free again when this is dropped"]
pub struct FileLock(#[allow(dead_code, reason = "held, never read")] Option<File>);

impl FileLock {
    /// Takes the lock beside the file; PostgreSQL has none and needs none.
    pub fn take(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let Some(path) = url.path() else { return Ok(Self(None)) };
        let beside = lock_path(path);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&beside)
            .map_err(|error| StoreError::Unusable(format!("{}: {error}", beside.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(TryLockError::WouldBlock) => Err(StoreError::Unusable(format!(
                "{} is served by another process already; use PostgreSQL for several",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => {
                Err(StoreError::Unusable(format!("{}: {error}", beside.display())))
            }
        }
    }
}

fn lock_path(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
