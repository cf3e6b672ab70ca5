//! Requests of one workspace that share a transaction: each looks and says what it wants, all is done at once, and
//! each answers. A request that is refused harms no other; see `store/gather.rs` for who runs when.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::Db;
use super::call::Call;
use super::run::{Admitted, reach, unfinished};
use crate::access::caller::{Actor, Credential};
use crate::access::door::Door;
use crate::access::scoped::Scoped;
use crate::access::target::Target;
use crate::http::answer::{Answer, Answers, Reply, Typed};
use crate::http::body::{Input, Mode};
use crate::http::{Problem, Result, idempotency};
use crate::state::State;
use crate::store::gather::{Gatherer, Part, Turn};
use crate::store::{Author, Lane, StoreError, Tx, WorkspaceId};

/// What requests of one kind want of a transaction that they share.
pub trait Wants: Send + Sync + Sized + 'static {
    /// What was done.
    type Done: Send + 'static;
    /// What a request is about: of two that are about the same, the later one waits until the other is durable.
    type Claim: Eq + Hash;

    /// How much work it is.
    fn weight(&self) -> usize;

    /// What it is about.
    fn claims(&self) -> Vec<Self::Claim>;

    /// Does all of it; one result each, in their order. What fails here fails for all.
    fn fulfil(tx: &mut Tx, wants: &[(Arc<Author>, Self)]) -> Result<Vec<Self::Done>>;
}

/// What a request comes to, once it has looked.
pub enum Plan<W, K, R> {
    /// Nothing is to be done: this is the answer.
    Answer(R),
    /// This is to be done; what the request keeps of its look helps it to answer then.
    Do(W, K),
}

/// Where requests of one kind gather.
pub type Desk<W> = Gatherer<Guest<W>>;

/// A request among those that share a transaction.
pub struct Guest<W: Wants> {
    request: Box<dyn Shared<W>>,
    weight: usize,
}

/// Who was recognised in this transaction already, so that many requests of one caller cost one look.
#[derive(Default)]
struct Callers(HashMap<(Credential, Option<String>), Actor>);

/// What the request of one kind of operation does in its transaction.
trait Shared<W: Wants>: Send + Sync {
    fn look(&self, tx: &mut Tx, callers: &mut Callers) -> Result<Look<W>>;
    /// `kept` is what its own look kept.
    fn answer(&self, tx: &mut Tx, kept: Kept, done: W::Done) -> Result<Reply>;
    /// Under which key the answer is remembered.
    fn key(&self) -> Option<&idempotency::Key>;
}

enum Look<W> {
    Answered(Reply),
    Wants(W, Kept),
}

/// What a request keeps between its look and its answer.
struct Kept {
    actor: Actor,
    author: Arc<Author>,
    /// What was found and planned, of the request's own types.
    own: Box<dyn Any>,
}

impl<W: Wants> Part for Guest<W> {
    type Answer = Result<Reply>;

    fn weight(&self) -> usize {
        self.weight
    }

    fn run(tx: &mut Tx, guests: &[Arc<Self>]) -> Result<Vec<Turn<Result<Reply>>>, StoreError> {
        let mut callers = Callers::default();
        let (mut keys, mut claimed) = (HashSet::new(), HashSet::new());
        let mut turns: Vec<Turn<Result<Reply>>> = Vec::with_capacity(guests.len());
        let (mut wants, mut kept) = (Vec::new(), Vec::new());
        for (index, guest) in guests.iter().enumerate() {
            if guest.request.key().is_some_and(|key| !keys.insert(key.identity())) {
                turns.push(Turn::Later);
                continue;
            }
            match guest.request.look(tx, &mut callers) {
                Ok(Look::Answered(reply)) => turns.push(Turn::Answered(Ok(reply))),
                Ok(Look::Wants(want, keeps)) => {
                    let claims = if guests.len() > 1 { want.claims() } else { Vec::new() };
                    if claims.iter().any(|claim| claimed.contains(claim)) {
                        turns.push(Turn::Later);
                    } else {
                        claimed.extend(claims);
                        wants.push((keeps.author.clone(), want));
                        kept.push((index, keeps));
                        // Until it has answered.
                        turns.push(Turn::Later);
                    }
                }
                Err(problem) => turns.push(Turn::Answered(Err(failed(problem)?))),
            }
        }
        if wants.is_empty() {
            tx.has_only_read();
            return Ok(turns);
        }
        let done = W::fulfil(tx, &wants).map_err(store_error)?;
        for ((index, keeps), done) in kept.into_iter().zip(done) {
            let Some((guest, turn)) = guests.get(index).zip(turns.get_mut(index)) else { continue };
            // It is stored by now: an answer that cannot be given undoes all of it.
            let reply = guest.request.answer(tx, keeps, done).map_err(store_error)?;
            *turn = Turn::Answered(Ok(reply));
        }
        Ok(turns)
    }
}

/// A refusal is the request's own; what the store failed with ends the transaction.
fn failed(problem: Problem) -> Result<Problem, StoreError> {
    match problem.into_store_error() {
        Ok(error) => Err(error),
        Err(problem) => Ok(problem),
    }
}

fn store_error(problem: Problem) -> StoreError {
    match problem.into_store_error() {
        Ok(error) => error,
        Err(problem) => StoreError::Unusable(format!("a write that was planned was refused: {problem}")),
    }
}

/// A request of one operation.
struct Requested<T: Target, I: Input, F, G> {
    call: Arc<Call>,
    state: Arc<State>,
    workspace: WorkspaceId,
    target: T,
    input: Arc<I::Parsed>,
    key: Option<idempotency::Key>,
    enters: fn(&mut Scoped, &T) -> Result<T::Found>,
    plan: F,
    answer: G,
}

impl<T, I, W, K, R, F, G> Shared<W> for Requested<T, I, F, G>
where
    T: Target,
    T::Found: 'static,
    I: Input,
    W: Wants,
    K: 'static,
    R: Answers,
    F: Fn(&mut Scoped, &T::Found, &I::Parsed) -> Result<Plan<W, K, R>> + Send + Sync,
    G: Fn(&mut Scoped, &T::Found, &I::Parsed, K, W::Done) -> Result<R> + Send + Sync,
{
    fn look(&self, tx: &mut Tx, callers: &mut Callers) -> Result<Look<W>> {
        let home = tx.workspace()?.clone();
        tx.speak_for(Arc::new(Author::system(self.call.request_id.clone())));
        let mut scoped = callers.recognise(tx, &self.call, &self.state)?;
        if scoped.here()? != self.workspace {
            // The name of the path is another workspace's by now.
            scoped.serve(home)?;
            return Err(Problem::not_found());
        }
        let found = (self.enters)(&mut scoped, &self.target)?;
        if let Some(key) = &self.key
            && let Some(reply) = key.recall(&mut scoped)?
        {
            return Ok(Look::Answered(reply.replayed()));
        }
        match (self.plan)(&mut scoped, &found, &self.input)? {
            Plan::Answer(answer) => Ok(Look::Answered(answer.into_reply())),
            Plan::Do(wants, keeps) => {
                let (actor, author) = (scoped.actor().clone(), scoped.shared_author());
                Ok(Look::Wants(wants, Kept { actor, author, own: Box::new((found, keeps)) }))
            }
        }
    }

    fn answer(&self, tx: &mut Tx, kept: Kept, done: W::Done) -> Result<Reply> {
        let Kept { actor, author, own } = kept;
        let own = own.downcast::<(T::Found, K)>().map_err(|_| Problem::not_found())?;
        tx.speak_for(author);
        let mut scoped = self.call.as_recognised(tx, &self.state, actor);
        let (found, keeps) = *own;
        let reply = (self.answer)(&mut scoped, &found, &self.input, keeps, done)?.into_reply();
        if let Some(key) = &self.key
            && (200..300).contains(&reply.status)
        {
            key.remember(&mut scoped, &reply)?;
        }
        Ok(reply)
    }

    fn key(&self) -> Option<&idempotency::Key> {
        self.key.as_ref()
    }
}

impl Callers {
    /// As the call itself recognises; who was recognised in this transaction still is.
    fn recognise<'a, 'c>(
        &mut self,
        tx: &'a mut Tx<'c>,
        call: &Call,
        state: &'a State,
    ) -> Result<Scoped<'a, 'c>> {
        let Some(credential) = &call.credential else { return call.recognise(tx, state) };
        let who = (credential.clone(), call.workspace.clone());
        match self.0.get(&who) {
            Some(actor) => {
                actor.speak(tx);
                Ok(call.as_recognised(tx, state, actor.clone()))
            }
            None => {
                let scoped = call.recognise(tx, state)?;
                self.0.insert(who, scoped.actor().clone());
                Ok(scoped)
            }
        }
    }
}

impl<D: Door> Db<D> {
    /// Looks first, and then writes in a transaction that all who wait for this workspace share; answers after it is
    /// durable. `plan` only reads; `answer` is asked after what it wanted was done. A rehearsal is by itself.
    pub async fn write_together<T, I, W, K, R>(
        self,
        desk: fn(&State) -> &Arc<Desk<W>>,
        target: T,
        input: I,
        plan: impl Fn(&mut Scoped, &T::Found, &I::Parsed) -> Result<Plan<W, K, R>> + Send + Sync + 'static,
        answer: impl Fn(&mut Scoped, &T::Found, &I::Parsed, K, W::Done) -> Result<R> + Send + Sync + 'static,
    ) -> Answer<R>
    where
        T: Target,
        T::Found: 'static,
        I: Input + Clone + Send + Sync + 'static,
        W: Wants,
        K: 'static,
        R: Answers + 'static,
    {
        let admitted = self.admit(&target, &input).await?;
        if let (Mode::ForReal, Lane::Workspace(workspace)) = (I::mode(&admitted.input), admitted.lane) {
            return self.gather(desk, workspace, target, &input, admitted, plan, answer).await;
        }
        self.commit(target, &input, admitted, move |tx, found, parsed| match plan(tx, found, parsed)? {
            Plan::Answer(reply) => Ok(reply),
            Plan::Do(wants, keeps) => {
                let author = tx.shared_author();
                let done = W::fulfil(tx, &[(author, wants)])?.pop().ok_or_else(Problem::not_found)?;
                answer(tx, found, parsed, keeps, done)
            }
        })
        .await
    }

    #[allow(clippy::too_many_arguments, reason = "it is the second half of the function above")]
    async fn gather<T, I, W, K, R>(
        self,
        desk: fn(&State) -> &Arc<Desk<W>>,
        workspace: WorkspaceId,
        target: T,
        input: &I,
        admitted: Admitted<I::Parsed>,
        plan: impl Fn(&mut Scoped, &T::Found, &I::Parsed) -> Result<Plan<W, K, R>> + Send + Sync + 'static,
        answer: impl Fn(&mut Scoped, &T::Found, &I::Parsed, K, W::Done) -> Result<R> + Send + Sync + 'static,
    ) -> Answer<R>
    where
        T: Target,
        T::Found: 'static,
        I: Input + Clone + Send + Sync + 'static,
        W: Wants,
        K: 'static,
        R: Answers + 'static,
    {
        let state = self.state.clone().into_inner();
        let key = self.key_of(input, admitted.caller);
        let requested: Requested<T, I, _, _> = Requested {
            call: self.call.clone(),
            state: state.clone(),
            workspace,
            target,
            input: admitted.input.clone(),
            key,
            enters: |tx, target| reach::<D, T>(target, tx),
            plan,
            answer,
        };
        let weight = I::points(&admitted.input).max(1);
        let guest = Guest { request: Box::new(requested), weight };
        let repetition = self.call.repetition();
        match desk(&state).submit(&state.store, workspace, guest).await {
            Ok(reply) => Ok(Typed::new(reply?)),
            Err(error) => Err(unfinished(error.into(), repetition)),
        }
    }
}
