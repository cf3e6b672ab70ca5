//! The store: the only place that names a database engine.
//!
//! SQLite is embedded and the default; PostgreSQL serves where one machine is not enough.
//! Slices see one [`Tx`] over both, and every write is one re-runnable transaction: the change,
//! its events, its idempotency record and what is derived from it.

pub mod batch;
pub mod connection;
pub mod error;
pub mod gather;
pub mod id;
pub mod ids;
pub mod journal;
pub mod migrate;
pub mod opening;
pub mod places;
pub mod roles;
pub mod schema;
pub mod transaction;
pub mod types;
mod wal;
pub mod workspace;
mod writer;

pub(crate) use connection::each_engine;
pub use connection::{AnyConnection, DatabaseUrl, Engine};
pub use error::{Failure, StoreError};
pub use gather::Gathering;
pub use id::{Id, Kind, RawId};
pub use ids::*;
pub use opening::{ByLink, ByMember, BySession, ByToken, Opening, Opens};
pub use transaction::{
    Act, Author, AuthorKind, Deed, DeedFollower, Follower, Followers, KpiChange, Lane, Tx,
};
pub use types::{Day, Json, Moment};
pub use workspace::WorkspaceRow;

use std::borrow::Cow;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::r2d2::Pool;

use crate::clock::Clock;
use connection::{Opener, Pooled};
use writer::Writer;

/// How the store is opened.
pub struct Options {
    /// Which engine, and where.
    pub url: DatabaseUrl,
    /// Connections that read (and, on PostgreSQL, write).
    pub connections: u32,
    /// The one clock.
    pub clock: Clock,
    /// What follows what is done in a transaction, run once at its end.
    pub followers: Followers,
    /// Whether writes that wait share a transaction.
    pub gathering: Gathering,
}

/// One open database. Cloning it is cheap; it is shared by all workers.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    clock: Clock,
}

struct Inner {
    engine: Engine,
    pool: Pool<Opener>,
    /// On SQLite all writes go through one thread; on PostgreSQL through the pool.
    writer: Option<Writer>,
    followers: Followers,
    gathering: Gathering,
}

/// Who reads, and what is known of it beforehand.
pub struct Reader {
    /// On whose behalf.
    pub author: Author,
    /// What is opened together with the transaction.
    pub opening: Option<Opening>,
    /// How much it reads.
    pub effort: Effort,
}

/// How much a job reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A few rows by their keys: at most two hundred.
    Brief,
    /// More, or nobody knows.
    Long,
}

impl Inner {
    /// How a reading transaction begins, with what is opened for its reader.
    fn begin(&self, reader: &Reader) -> Cow<'static, str> {
        match self.engine {
            Engine::Sqlite => "BEGIN".into(),
            Engine::Postgres => {
                let opens = reader.opening.map(opening::statement).unwrap_or_default();
                format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {opens}").into()
            }
        }
    }

    /// Runs a job in a reading transaction that has begun.
    fn snapshot<R, E: Failure>(
        &self,
        connection: &mut Pooled,
        reader: Reader,
        now: Moment,
        job: impl FnOnce(&mut Tx) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut open = OpenTransaction::on(connection);
        let mut tx = Tx::new(open.connection(), now, reader.author);
        if let Some(opening) = reader.opening {
            tx.opened(opening);
        }
        let result = job(&mut tx);
        open.end("COMMIT").map_err(StoreError::from)?;
        result
    }
}

/// Ids that one statement names at the most: below both engines' limit of bound values.
pub const IDS_PER_STATEMENT: usize = 10_000;

/// How often a transaction that PostgreSQL gave up (serialization, deadlock) is run again.
const ATTEMPTS: u32 = 5;

impl Store {
    /// Opens the database, checks the engine and its settings; does not migrate.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let engine = options.url.engine();
        let writer = match engine {
            Engine::Sqlite => Some(Writer::start(options.url.clone(), options.gathering)?),
            Engine::Postgres => None,
        };
        let pool = connection::pool(options.url, options.connections)?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                pool,
                writer,
                followers: options.followers,
                gathering: options.gathering,
            }),
            clock: options.clock,
        })
    }

    /// The clock that the store stamps with.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The same database, stamped by another clock: the demo tells its story in the past.
    pub fn with_clock(&self, clock: Clock) -> Self {
        Self { inner: self.inner.clone(), clock }
    }

    /// Which engine answers.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// Whether writes that wait share a transaction.
    pub(in crate::store) fn gathering(&self) -> Gathering {
        self.inner.gathering
    }

    /// Runs `job` on one snapshot of the data; it cannot write.
    pub async fn read<R, E>(
        &self,
        author: Author,
        job: impl FnOnce(&mut Tx) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: Failure,
    {
        self.read_as(Reader { author, opening: None, effort: Effort::Long }, job).await
    }

    /// The same for a reader of whom something is known beforehand.
    pub async fn read_as<R, E>(
        &self,
        reader: Reader,
        job: impl FnOnce(&mut Tx) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: Failure,
    {
        let (inner, now) = (self.inner.clone(), self.clock.now());
        // A few indexed rows of a file are read sooner than another thread wakes.
        if let (Engine::Sqlite, Effort::Brief) = (inner.engine, reader.effort)
            && let Some(mut connection) = inner.pool.try_get()
        {
            connection.batch_execute(&inner.begin(&reader)).map_err(StoreError::from)?;
            return inner.snapshot(&mut connection, reader, now, job);
        }
        blocking(move || {
            let mut connection = connection::begun(&inner.pool, &inner.begin(&reader))?;
            inner.snapshot(&mut connection, reader, now, job)
        })
        .await
    }

    /// Looks first by a job of a statement or two, each on a snapshot of its own; where that finds nothing, reads on
    /// one snapshot.
    ///
    /// On a server that saves the journeys of a transaction, where the first statement opens by itself what it looks
    /// at: a session's does ([`BySession`]). A token's row is hidden until its hash is opened.
    pub async fn glance_or_read<R, E>(
        &self,
        reader: Reader,
        glance: impl FnOnce(&mut Tx) -> Option<R> + Send + 'static,
        job: impl FnOnce(&mut Tx) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: Failure,
    {
        let (inner, now) = (self.inner.clone(), self.clock.now());
        match (inner.engine, reader.opening) {
            (Engine::Sqlite, _) => {
                if let Some(mut connection) = inner.pool.try_get()
                    && let Some(found) = glance(&mut Tx::new(&mut connection, now, reader.author.clone()))
                {
                    return Ok(found);
                }
                self.read_as(reader, job).await
            }
            (Engine::Postgres, Some(opening @ Opening::Account(_))) => {
                blocking(move || {
                    let mut connection = inner.pool.get().map_err(StoreError::unavailable)?;
                    let mut tx = Tx::new(&mut connection, now, reader.author.clone());
                    tx.opened(opening);
                    if let Some(found) = glance(&mut tx) {
                        return Ok(found);
                    }
                    drop(connection);
                    let mut connection = connection::begun(&inner.pool, &inner.begin(&reader))?;
                    inner.snapshot(&mut connection, reader, now, job)
                })
                .await
            }
            (Engine::Postgres, _) => self.read_as(reader, job).await,
        }
    }

    /// Runs `job` in one transaction and answers after it is durable.
    ///
    /// `job` may run more than once, so it borrows its inputs and acts only through the [`Tx`].
    pub async fn write<R, E>(
        &self,
        lane: Lane,
        author: Author,
        job: impl Fn(&mut Tx) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: Failure,
    {
        let (inner, clock) = (self.inner.clone(), self.clock.clone());
        let run = move |connection: &mut AnyConnection| -> Result<R, E> {
            let mut tx = Tx::new(connection, clock.now(), author.clone());
            tx.enter(lane)?;
            let reply = job(&mut tx)?;
            tx.finish(inner.followers)?;
            Ok(reply)
        };
        match &self.inner.writer {
            Some(writer) => writer.run(run).await,
            None => {
                let inner = self.inner.clone();
                blocking(move || write_on_postgres(&inner.pool, &run)).await
            }
        }
    }

    /// Whether the database answers, within the pool's patience.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        blocking(move || -> Result<(), StoreError> { connection::begun(&inner.pool, "SELECT 1").map(drop) })
            .await?;
        match &self.inner.writer {
            Some(writer) => {
                writer.run(|connection: &mut AnyConnection| Ok(connection.batch_execute("SELECT 1")?)).await
            }
            None => Ok(()),
        }
    }
}

fn write_on_postgres<R, E: Failure>(
    pool: &Pool<Opener>,
    run: &impl Fn(&mut AnyConnection) -> Result<R, E>,
) -> Result<R, E> {
    let mut attempt = 1;
    loop {
        let mut connection = connection::begun(pool, "BEGIN ISOLATION LEVEL READ COMMITTED")?;
        let mut open = OpenTransaction::on(&mut connection);
        match run(open.connection()) {
            Ok(reply) => {
                return match open.end("COMMIT").map_err(StoreError::from) {
                    Ok(()) => Ok(reply),
                    Err(error) if error.may_be_run_again() && attempt < ATTEMPTS => {
                        attempt += 1;
                        continue;
                    }
                    Err(error) => Err(StoreError::outcome_unknown(error).into()),
                };
            }
            Err(failure) => {
                let again = failure.store_error().is_some_and(StoreError::may_be_run_again);
                drop(open);
                if !again || attempt >= ATTEMPTS {
                    return Err(failure);
                }
                attempt += 1;
            }
        }
    }
}

/// A transaction that is rolled back unless it was ended, also when a panic passes through.
struct OpenTransaction<'c> {
    connection: &'c mut Pooled,
    ended: bool,
}

impl<'c> OpenTransaction<'c> {
    fn on(connection: &'c mut Pooled) -> Self {
        Self { connection, ended: false }
    }

    fn connection(&mut self) -> &mut AnyConnection {
        self.connection
    }

    fn end(&mut self, how: &str) -> diesel::QueryResult<()> {
        self.ended = true;
        self.connection.batch_execute(how)
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if !self.ended
            && let Err(error) = self.connection.batch_execute("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
            self.connection.lose();
        }
    }
}

async fn blocking<R, E>(job: impl FnOnce() -> Result<R, E> + Send + 'static) -> Result<R, E>
where
    R: Send + 'static,
    E: Failure,
{
    match tokio::task::spawn_blocking(job).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Panicked(error.to_string()).into()),
    }
}
