//! Running what a handler wants: reads on one snapshot; writes after a first look, in one transaction.

use std::sync::Arc;

use super::Db;
use super::call::Keyed;
use super::credential::{Recall, check_place};
use crate::access::caller::Actor;
use crate::access::door::Door;
use crate::access::recognise::{self, Present};
use crate::access::scoped::{Repetition, Scoped};
use crate::access::target::Target;
use crate::http::answer::{Answer, Answers, Reply, Typed};
use crate::http::body::{Input, Mode};
use crate::http::limits::Left;
use crate::http::memory::Edition;
use crate::http::{Code, Problem, Result, idempotency};
use crate::store::{AccountId, Author, Effort, Failure, Lane, RawId, Reader, StoreError, Tx};

/// Up to how many bytes a body is judged at once, on the thread that took it.
const SMALL_BODY: usize = 4096;

/// What came out of the first look: who calls, and the input as it was read.
pub struct Admitted<P> {
    /// The input.
    pub input: Arc<P>,
    pub(super) lane: Lane,
    pub(super) caller: Option<RawId>,
}

impl<P> Admitted<P> {
    /// The account that calls, outside any workspace.
    pub fn account(&self) -> Result<AccountId> {
        match self.lane {
            Lane::Account(account) => Ok(account),
            Lane::Workspace(_) | Lane::Open => Err(Problem::not_found()),
        }
    }
}

/// How a job ends that must not be kept: by a refusal, or because it was only a rehearsal.
enum Stop {
    Refused(Problem),
    Rehearsed(Reply),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl Failure for Stop {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Refused(problem) => problem.store_error(),
            Self::Rehearsed(_) => None,
        }
    }
}

impl<D: Door> Db<D> {
    /// Answers from one snapshot of the data, or from memory where nothing has changed.
    pub async fn read<T: Target, I: Input + Send + 'static, R: Answers + 'static>(
        self,
        target: T,
        input: I,
        job: impl FnOnce(&mut Scoped, T::Found, I::Parsed) -> Result<R> + Send + 'static,
    ) -> Answer<R> {
        let (state, call) = (self.state.clone().into_inner(), self.call.clone());
        let is_worth_a_glance = call.may_be_known(&state);
        let read = move |tx: &mut Tx| -> Result<(Reply, Option<Left>)> {
            let present = match call.recall::<D>(tx, &state)? {
                Recall::Answered(reply, left) => return Ok((reply, left)),
                Recall::Unknown(present) => present.map(|present| *present),
            };
            let edition = present.as_ref().and_then(Present::workspace).map(Edition::of);
            let (mut scoped, left) = call.admit::<D>(tx, &state, present)?;
            let found = reach::<D, T>(&target, &mut scoped)?;
            let parsed = call.parse(&input, &state)?;
            let reply = job(&mut scoped, found, parsed)?.into_reply();
            recognise::note_use_of(&state.store, scoped.token(), scoped.now);
            if let Some((question, edition)) = call.question.clone().zip(edition) {
                state.memory.keep(question, edition, scoped.validity(), &reply);
            }
            Ok((reply, left))
        };
        let (store, reader) = (&self.state.store, self.reader(Effort::Long));
        let (reply, left) = if is_worth_a_glance {
            let (state, call) = (self.state.clone().into_inner(), self.call.clone());
            // Whatever is wrong is told by the reading itself.
            let recall = move |tx: &mut Tx| match call.recall::<D>(tx, &state) {
                Ok(Recall::Answered(reply, left)) => Some((reply, left)),
                Ok(Recall::Unknown(_)) | Err(_) => None,
            };
            store.glance_or_read(reader, recall, read).await?
        } else {
            store.read_as(reader, read).await?
        };
        self.note(left);
        Ok(Typed::new(reply))
    }

    /// Who reads, before the database knows.
    fn reader(&self, effort: Effort) -> Reader {
        let opening = self.call.credential.as_ref().and_then(recognise::opening_for);
        Reader { author: Author::system(self.call.request_id.clone()), opening, effort }
    }

    /// Looks first and then writes, in one transaction; answers after it is durable.
    pub async fn write<T: Target, I: Input + Clone + Send + 'static, R: Answers + 'static>(
        self,
        target: T,
        input: I,
        job: impl Fn(&mut Scoped, &T::Found, &I::Parsed) -> Result<R> + Send + 'static,
    ) -> Answer<R> {
        let admitted = self.admit(&target, &input).await?;
        self.commit(target, &input, admitted, job).await
    }

    /// The first look, on a read connection: caller, path, right, body.
    pub async fn admit<T: Target, I: Input + Clone + Send + 'static>(
        &self,
        target: &T,
        input: &I,
    ) -> Result<Admitted<I::Parsed>> {
        let (state, call) = (self.state.clone().into_inner(), self.call.clone());
        let effort = if input.raw().len() <= SMALL_BODY { Effort::Brief } else { Effort::Long };
        let (target, input) = (target.clone(), input.clone());
        let (admitted, left) = self
            .state
            .store
            .read_as(self.reader(effort), move |tx| -> Result<(Admitted<I::Parsed>, Option<Left>)> {
                let present = call.present(tx)?;
                let (mut scoped, left) = call.admit::<D>(tx, &state, present)?;
                reach::<D, T>(&target, &mut scoped)?;
                let input = Arc::new(call.parse(&input, &state)?);
                let caller = scoped.actor().key();
                // The request itself was counted as one of them.
                let left = match (caller, I::points(&input)) {
                    (Some(caller), count @ 2..) => {
                        Some(state.limits.points(caller, scoped.here().ok(), count - 1)?)
                    }
                    _ => left,
                };
                let lane = match (scoped.actor(), scoped.here()) {
                    (_, Ok(workspace)) => Lane::Workspace(workspace),
                    (Actor::Account(signed), Err(_)) => Lane::Account(signed.account),
                    (Actor::Stranger | Actor::Token(_) | Actor::Inside(_), Err(_)) => Lane::Open,
                };
                Ok((Admitted { input, lane, caller }, left))
            })
            .await?;
        self.note(left);
        Ok(admitted)
    }

    /// The write itself, for handlers that do something slow between the first look and it.
    pub async fn commit<T: Target, I: Input, R: Answers + 'static>(
        self,
        target: T,
        input: &I,
        admitted: Admitted<I::Parsed>,
        job: impl Fn(&mut Scoped, &T::Found, &I::Parsed) -> Result<R> + Send + 'static,
    ) -> Answer<R> {
        let (state, call) = (self.state.clone().into_inner(), self.call.clone());
        let author = Author::system(call.request_id.clone());
        let Admitted { input: parsed, lane, caller } = admitted;
        let remembered = self.key_of(input, caller);
        let repetition = call.repetition();
        let ended = self
            .state
            .store
            .write(lane, author, move |tx| -> Result<Reply, Stop> {
                let mut scoped = call.recognise(tx, &state)?;
                let found = reach::<D, T>(&target, &mut scoped)?;
                if let Some(key) = &remembered
                    && let Some(reply) = key.recall(&mut scoped)?
                {
                    return Ok(reply.replayed());
                }
                let result = job(&mut scoped, &found, &parsed).map(Answers::into_reply);
                // 412 comes before 409, and after all that is wrong with the body.
                if result.as_ref().map_or_else(|problem| problem.code.status() == 409, |_| true)
                    && let Some(version) = T::version(&found)
                {
                    scoped.expect_version(Some(version))?;
                }
                let reply = result?;
                // An answer that refuses all that was asked stores nothing either.
                if I::mode(&parsed) == Mode::Rehearsal || !(200..300).contains(&reply.status) {
                    return Err(Stop::Rehearsed(reply));
                }
                if let Some(key) = &remembered {
                    key.remember(&mut scoped, &reply)?;
                }
                Ok(reply)
            })
            .await;
        match ended {
            Ok(reply) | Err(Stop::Rehearsed(reply)) => Ok(Typed::new(reply)),
            Err(Stop::Refused(problem)) => Err(unfinished(problem, repetition)),
        }
    }

    /// Under which key the answer is remembered.
    pub(super) fn key_of<I: Input>(&self, input: &I, caller: Option<RawId>) -> Option<idempotency::Key> {
        let (Keyed { key, operation }, caller) = self.call.idempotency_key.as_ref().zip(caller)?;
        let query = self.call.query.as_ref().map_or("", |query| &query.text);
        Some(idempotency::Key::new(caller, operation, key, &[query.as_bytes(), input.raw()]))
    }
}

/// Why a write did not come to its end. The lock is waited for no longer than a first call may take.
pub(super) fn unfinished(problem: Problem, repetition: Repetition) -> Problem {
    match repetition {
        Repetition::Recalled if problem.store_error().is_some_and(StoreError::is_lock_timeout) => {
            Problem::new(
                Code::IdempotencyInProgress,
                "a first call with this key is still running; try again",
            )
            .retry_after(1)
        }
        Repetition::Recalled | Repetition::Anew => problem,
    }
}

/// The things that the path names, if role, scope and policy let the caller come to them: what does
/// not exist is told first.
pub(super) fn reach<D: Door, T: Target>(target: &T, scoped: &mut Scoped) -> Result<T::Found> {
    let located = target.locate(scoped)?;
    check_place::<D>(scoped)?;
    target.grant(scoped, located)
}
