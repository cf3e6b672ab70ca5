//! Which engine, and a connection to it that is set as the store needs it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection, R2D2Connection};

use super::error::StoreError;

/// A connection to one of the two engines.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL 15 or newer.
    Postgres(diesel::PgConnection),
    /// The embedded SQLite.
    Sqlite(diesel::SqliteConnection),
}

/// The same statement, compiled once for each engine: its text is made once for a connection and not at each
/// execution, as it is where either engine may stand behind it. For statements that every request needs, and for what
/// diesel cannot say over both engines at once.
macro_rules! each_engine {
    ($tx:expr, $connection:ident => $statement:expr) => {
        match $tx.db() {
            $crate::store::AnyConnection::Sqlite($connection) => $statement,
            $crate::store::AnyConnection::Postgres($connection) => $statement,
        }
    };
}
pub(crate) use each_engine;

/// The two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// Where the data is: `sqlite:PATH`, or `postgres://…`. It may hold a password, so it has no `Debug` of its own.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file on the local disk.
    Sqlite(PathBuf),
    /// A URL that libpq understands.
    Postgres(String),
}

/// The oldest bundled SQLite without the WAL-reset bug, which loses commits (sqlite.org/wal.html, section 11).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];
/// The oldest PostgreSQL that is tested.
const OLDEST_POSTGRES: i32 = 150_000;

impl DatabaseUrl {
    /// Reads a URL; the scheme alone chooses the engine.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains('?') || path == ":memory:" {
                return Err(StoreError::Unusable(
                    "DATABASE_URL: after `sqlite:` comes the path of a file, such as sqlite:regimen.db"
                        .into(),
                ));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let wants_tls = ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"]
                .iter()
                .any(|mode| url.contains(mode));
            if wants_tls && !cfg!(feature = "postgres-tls") {
                return Err(StoreError::Unusable(
                    "DATABASE_URL asks for an encrypted connection, and this program was built without it: \
                     build with `--features postgres-tls` (needs libssl-dev)"
                        .into(),
                ));
            }
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(StoreError::Unusable("DATABASE_URL must begin with sqlite:, postgres:// or postgresql://".into()))
    }

    /// The engine that the scheme names.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// The file of a SQLite database.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Only reading, on SQLite.
    Reading,
    /// The one writer of SQLite, or a migration.
    Writing,
}

/// Opens connections for the pool.
pub(super) struct Opener {
    url: DatabaseUrl,
}

/// A connection of the pool.
pub(super) struct Pooled {
    connection: AnyConnection,
    is_lost: bool,
}

impl Pooled {
    /// Says that it is not to be used again.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
    }
}

impl Deref for Pooled {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

/// A pool of connections. None is asked whether it is alive before it is lent: that a transaction begins on it says so.
pub(super) fn pool(url: DatabaseUrl, connections: u32) -> Result<Pool<Opener>, StoreError> {
    Pool::builder()
        .max_size(connections)
        .min_idle(Some(1))
        .connection_timeout(std::time::Duration::from_secs(3))
        .test_on_check_out(false)
        .build(Opener { url })
        .map_err(StoreError::unavailable)
}

/// A connection on which a transaction has begun. Those that were lost meanwhile, because the server was restarted,
/// are dropped until one is found that is alive.
pub(super) fn begun(pool: &Pool<Opener>, begin: &str) -> Result<PooledConnection<Opener>, StoreError> {
    let mut may_be_lost = pool.max_size();
    loop {
        let mut connection = pool.get().map_err(StoreError::unavailable)?;
        match connection.batch_execute(begin) {
            Ok(()) => return Ok(connection),
            Err(error) => {
                connection.lose();
                may_be_lost = may_be_lost.checked_sub(1).ok_or(error)?;
            }
        }
    }
}

impl ManageConnection for Opener {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled, StoreError> {
        Ok(Pooled { connection: open(&self.url, Purpose::Reading)?, is_lost: false })
    }

    fn is_valid(&self, connection: &mut Pooled) -> Result<(), StoreError> {
        Ok(connection.ping()?)
    }

    fn has_broken(&self, connection: &mut Pooled) -> bool {
        connection.is_lost || connection.is_broken()
    }
}

/// Opens one connection, sets it and checks the engine behind it.
pub(super) fn open(url: &DatabaseUrl, purpose: Purpose) -> Result<AnyConnection, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => open_sqlite(path, purpose).map(AnyConnection::Sqlite),
        DatabaseUrl::Postgres(url) => open_postgres(url).map(AnyConnection::Postgres),
    }
}

fn open_sqlite(path: &Path, purpose: Purpose) -> Result<diesel::SqliteConnection, StoreError> {
    let shown =
        path.to_str().ok_or_else(|| StoreError::Unusable("DATABASE_URL: the path must be UTF-8".into()))?;
    let mut connection = diesel::SqliteConnection::establish(shown)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    connection.batch_execute(
        "PRAGMA busy_timeout = 5000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -16384;",
    )?;
    if purpose == Purpose::Reading {
        // There are several of them, and behind each stands the system's own cache of the file.
        connection.batch_execute("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")?;
    }
    check_sqlite(&mut connection)?;
    Ok(connection)
}

/// Reads back what the connection was told, because a pragma that is not understood is silent.
fn check_sqlite(connection: &mut diesel::SqliteConnection) -> Result<(), StoreError> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Integer, Text};

    let version: String = diesel::select(sql::<Text>("sqlite_version()")).get_result(connection)?;
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers.as_slice() < OLDEST_SQLITE.as_slice() {
        return Err(StoreError::Unusable(format!(
            "the SQLite inside is {version}, older than 3.51.3: it can lose commits"
        )));
    }
    let journal: String =
        diesel::select(sql::<Text>("journal_mode FROM pragma_journal_mode")).get_result(connection)?;
    let synchronous: i32 =
        diesel::select(sql::<Integer>("synchronous FROM pragma_synchronous")).get_result(connection)?;
    let foreign_keys: i32 =
        diesel::select(sql::<Integer>("foreign_keys FROM pragma_foreign_keys")).get_result(connection)?;
    if journal != "wal" || synchronous != 2 || foreign_keys != 1 {
        return Err(StoreError::Unusable(format!(
            "SQLite did not take its settings (journal_mode {journal}, synchronous {synchronous}, foreign_keys \
             {foreign_keys}): is the file on a local disk?"
        )));
    }
    Ok(())
}

/// Statements are planned once for a connection and not for each value: they find rows by keys, whatever the values.
fn open_postgres(url: &str) -> Result<diesel::PgConnection, StoreError> {
    use diesel::dsl::sql;
    use diesel::sql_types::Integer;

    let mut connection = diesel::PgConnection::establish(url).map_err(StoreError::unavailable)?;
    connection.batch_execute(
        "SET client_min_messages = warning;
         SET TIME ZONE 'UTC';
         SET statement_timeout = '30s';
         SET lock_timeout = '5s';
         SET idle_in_transaction_session_timeout = '10s';
         SET synchronous_commit = on;
         SET plan_cache_mode = force_generic_plan;",
    )?;
    let version: i32 = diesel::select(sql::<Integer>("current_setting('server_version_num')::int4"))
        .get_result(&mut connection)?;
    if version < OLDEST_POSTGRES {
        return Err(StoreError::Unusable(format!(
            "PostgreSQL {} is too old: 15 or newer is needed",
            version / 10_000
        )));
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use diesel::dsl::sql;
    use diesel::sql_types::BigInt;

    use super::*;

    /// What may have to be undone is kept in memory, or on the disk in pieces that SQLite can write: see
    /// `.cargo/config.toml`.
    #[test]
    fn twelve_mebibytes_of_changed_pages_are_undone() {
        let path = std::env::temp_dir().join(format!("regimen-undone-{}.db", std::process::id()));
        let mut connection = open_sqlite(&path, Purpose::Writing).expect("a file");
        connection
            .batch_execute(
                "CREATE TABLE pages (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
                 WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT 3000)
                 INSERT INTO pages SELECT number, zeroblob(4000) FROM numbers;
                 BEGIN;
                 SAVEPOINT job;
                 UPDATE pages SET content = randomblob(4000);
                 ROLLBACK TO job;
                 COMMIT;",
            )
            .expect("three thousand pages are changed, and are as they were");
        let changed: i64 =
            diesel::select(sql::<BigInt>("count(*) FROM pages WHERE content <> zeroblob(4000)"))
                .get_result(&mut connection)
                .expect("a number");
        assert_eq!(changed, 0);
        drop(connection);
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }
}
