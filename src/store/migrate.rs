//! Bringing a database to this program's schema: embedded, ordered, one at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{self, AnyConnection, DatabaseUrl, Purpose};
use super::error::StoreError;

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
            let applied = run(connection, POSTGRES);
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
        AnyConnection::Postgres(connection) => {
            refuse_newer(connection, POSTGRES)?;
            connection.has_pending_migration(POSTGRES())
        }
    };
    match pending {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::Unusable(
            "the database's schema is older than this program: run `regimen migrate`".into(),
        )),
        Err(error) => Err(StoreError::Unusable(format!("the migrations cannot be read: {error}"))),
    }
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
    let cannot = |error: Box<dyn std::error::Error + Send + Sync>| {
        StoreError::Unusable(format!("the migrations cannot be read: {error}"))
    };
    let known: Vec<String> = MigrationSource::<DB>::migrations(&source())
        .map_err(cannot)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = connection.applied_migrations().map_err(cannot)?;
    match applied.iter().find(|version| !known.contains(&version.to_string())) {
        None => Ok(()),
        Some(version) => Err(StoreError::Unusable(format!(
            "the database's schema is newer than this program (migration {version}): use a newer program"
        ))),
    }
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
