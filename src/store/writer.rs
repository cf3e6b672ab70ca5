//! The one writer of SQLite: what waits together commits together.
//!
//! Jobs queue for a thread that owns the writing connection. It takes all that wait, runs each in
//! a savepoint inside one transaction, and answers them after the commit, so that one fsync
//! serves many requests. A job that refuses or panics harms no other: what the group loses with
//! it is run again, which is why jobs are re-runnable.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use diesel::connection::SimpleConnection;
use tokio::sync::oneshot;

use super::connection::{self, AnyConnection, DatabaseUrl, Purpose};
use super::error::{Failure, StoreError};
use super::gather::Gathering;
use super::wal::{Room, Wal};

/// How many writes may wait; beyond it they are shed.
const QUEUE: usize = 2048;

/// The handle through which jobs reach the thread.
pub(super) struct Writer {
    queue: SyncSender<Box<dyn Job>>,
}

/// A write on its way: run in the group, settled after it.
trait Job: Send {
    /// Runs once more; says whether the group should keep what it wrote.
    fn run(&mut self, connection: &mut AnyConnection) -> Verdict;
    /// Answers the one who waits.
    fn settle(self: Box<Self>, end: End);
}

enum Verdict {
    Keep,
    Undo,
}

enum End {
    /// What the job left as its result holds.
    Settled,
    /// It does not: this happened instead.
    Failed(StoreError),
}

struct Waiting<F, R, E> {
    run: F,
    result: Option<Result<R, E>>,
    answer: oneshot::Sender<Result<R, E>>,
}

impl<F, R, E> Job for Waiting<F, R, E>
where
    F: Fn(&mut AnyConnection) -> Result<R, E> + Send,
    R: Send,
    E: Failure,
{
    fn run(&mut self, connection: &mut AnyConnection) -> Verdict {
        let result = (self.run)(connection);
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn settle(self: Box<Self>, end: End) {
        let result = match end {
            End::Settled => self.result,
            End::Failed(error) => Some(Err(error.into())),
        };
        // Who does not wait any more needs no answer.
        let _ = self.answer.send(result.unwrap_or_else(|| Err(StoreError::Overloaded.into())));
    }
}

impl Writer {
    /// Starts the thread; it ends when the store is dropped.
    pub(super) fn start(url: DatabaseUrl, gathering: Gathering) -> Result<Self, StoreError> {
        let connection = connection::open(&url, Purpose::Writing)?;
        let wal = url.path().map(Wal::of);
        let (queue, waiting) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || Desk { url, connection, most: gathering.most(), wal }.serve(&waiting))
            .map_err(StoreError::unavailable)?;
        Ok(Self { queue })
    }

    /// Queues a job and waits until its group is durable.
    pub(super) async fn run<R, E>(
        &self,
        run: impl Fn(&mut AnyConnection) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: Failure,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Waiting { run, result: None, answer });
        match self.queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(StoreError::Overloaded.into()),
            Err(TrySendError::Disconnected(_)) => {
                return Err(StoreError::Unavailable("the writer has stopped".into()).into());
            }
        }
        match answered.await {
            Ok(result) => result,
            Err(_) => Err(StoreError::outcome_unknown("the writer stopped before it answered").into()),
        }
    }
}

/// The thread's side: the connection, and how to get another one.
struct Desk {
    url: DatabaseUrl,
    connection: AnyConnection,
    /// How many jobs share one commit at the most.
    most: usize,
    wal: Option<Wal>,
}

impl Desk {
    fn serve(mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let mut group = VecDeque::from([first]);
            while group.len() < self.most
                && let Ok(next) = waiting.try_recv()
            {
                group.push_back(next);
            }
            match self.wal.as_ref().map(|wal| wal.look(&mut self.connection)) {
                None | Some(Room::Left) => self.commit_together(group),
                Some(Room::Nothing) => {
                    for job in group {
                        job.settle(End::Failed(StoreError::Overloaded));
                    }
                }
            }
        }
    }

    /// Runs a group; whoever spoils the transaction leaves it, and the rest runs again.
    fn commit_together(&mut self, mut group: VecDeque<Box<dyn Job>>) {
        while !group.is_empty() {
            group = match self.try_group(group) {
                Ok(()) => return,
                Err(rest) => {
                    self.reconnect();
                    rest
                }
            };
        }
    }

    /// `Err` holds the jobs that must run again on another connection.
    fn try_group(&mut self, mut waiting: VecDeque<Box<dyn Job>>) -> Result<(), VecDeque<Box<dyn Job>>> {
        if let Err(error) = self.connection.batch_execute("BEGIN IMMEDIATE") {
            let message = error.to_string();
            for job in waiting {
                job.settle(End::Failed(StoreError::Unavailable(message.clone())));
            }
            return Err(VecDeque::new());
        }
        let mut kept: VecDeque<Box<dyn Job>> = VecDeque::new();
        // A savepoint costs a copy of every page that changes: whoever is alone has the transaction itself.
        let run = if waiting.len() == 1 { Self::run_alone } else { Self::run_in_savepoint };
        while let Some(mut job) = waiting.pop_front() {
            match run(self, &mut job) {
                Ok(Verdict::Keep) => kept.push_back(job),
                Ok(Verdict::Undo) => job.settle(End::Settled),
                Err(Spoiled(end)) => {
                    job.settle(end);
                    kept.append(&mut waiting);
                    return Err(kept);
                }
            }
        }
        if kept.is_empty() {
            return self.connection.batch_execute("ROLLBACK").map_err(|_| VecDeque::new());
        }
        match self.connection.batch_execute("COMMIT") {
            Ok(()) => {
                for job in kept {
                    job.settle(End::Settled);
                }
                Ok(())
            }
            Err(error) => {
                let message = error.to_string();
                tracing::error!(%message, "a commit failed");
                for job in kept {
                    job.settle(End::Failed(StoreError::OutcomeUnknown(message.clone())));
                }
                Err(VecDeque::new())
            }
        }
    }

    fn run_in_savepoint(&mut self, job: &mut Box<dyn Job>) -> Result<Verdict, Spoiled> {
        let trouble = |error: diesel::result::Error| Spoiled(End::Failed(error.into()));
        self.connection.batch_execute("SAVEPOINT job").map_err(trouble)?;
        match self.run_alone(job)? {
            Verdict::Keep => {
                self.connection.batch_execute("RELEASE job").map_err(trouble)?;
                Ok(Verdict::Keep)
            }
            Verdict::Undo => match self.connection.batch_execute("ROLLBACK TO job; RELEASE job") {
                Ok(()) => Ok(Verdict::Undo),
                // The engine itself ended the transaction; the job's own error says why.
                Err(_) => Err(Spoiled(End::Settled)),
            },
        }
    }

    fn run_alone(&mut self, job: &mut Box<dyn Job>) -> Result<Verdict, Spoiled> {
        catch_unwind(AssertUnwindSafe(|| job.run(&mut self.connection)))
            .map_err(|_| Spoiled(End::Failed(StoreError::Panicked("the transaction was rolled back".into()))))
    }

    /// A connection that a panic or an engine error went through is not trusted again.
    fn reconnect(&mut self) {
        match connection::open(&self.url, Purpose::Writing) {
            Ok(connection) => self.connection = connection,
            Err(error) => {
                tracing::error!(%error, "the writer could not open the database again");
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
    }
}

/// The group's transaction is lost, and this is what the job that spoiled it is told.
struct Spoiled(End);
