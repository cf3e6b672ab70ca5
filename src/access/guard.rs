//! `Db<Door>`: the only way to the data. The door says who may come in.
//!
//! Form and signature of the credential are checked synchronously and first. Then, on a read
//! connection and before anything queues for the writer: token, session and membership; the
//! things that the path names; the right; the body. Inside the write all but the body is checked
//! again. So refusals come in one order, and a right that was lost meanwhile is lost.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, HeaderName, IF_MATCH};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::caller::{self, Actor, Credential};
use super::door::{CredentialNeed, Door, HandlesCredentials};
use super::policy::Scope;
use super::scoped::{IfMatch, Repetition, Scoped};
use super::target::{Target, segment};
use crate::http::answer::{Answer, Answers, Reply, Typed};
use crate::http::body::{Input, Mode};
use crate::http::limits::Left;
use crate::http::routes::Repeatable;
use crate::http::{Code, Describe, Draft, Problem, Result, accept, finish, idempotency};
use crate::state::State;
use crate::store::{AccountId, Author, Failure, Lane, RawId, StoreError, Tx};

/// The way to the data.
pub struct Db<D> {
    state: Data<State>,
    request: HttpRequest,
    call: Call,
    door: PhantomData<fn() -> D>,
}

/// What is known of a call before the database is asked.
#[derive(Clone)]
struct Call {
    credential: Option<Credential>,
    workspace: Option<String>,
    if_match: Option<IfMatch>,
    idempotency_key: Option<Keyed>,
    query: Option<Asked>,
    request_id: String,
    peer: Option<IpAddr>,
}

/// An `Idempotency-Key`, and what it is sent for.
#[derive(Clone)]
struct Keyed {
    key: String,
    /// Method and path.
    operation: String,
}

/// A query, and what it is asked of.
#[derive(Clone)]
struct Asked {
    text: String,
    /// Method and path as the document has them.
    route: String,
}

/// The longest `If-Match` that is read.
const LONGEST_IF_MATCH: usize = 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl<D: Door> FromRequest for Db<D> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(open::<D>(request))
    }
}

fn open<D: Door>(request: &HttpRequest) -> Result<Db<D>> {
    let state = request
        .app_data::<Data<State>>()
        .cloned()
        .ok_or_else(|| Problem::new(Code::Internal, "the program is not set up"))?;
    let peer = request.peer_addr().map(|address| address.ip());
    let credential = match D::NEEDS.credential {
        CredentialNeed::Nothing => None,
        CredentialNeed::Any | CredentialNeed::Person => {
            match caller::read_credential(request.headers(), &state) {
                Ok(credential) => Some(credential),
                Err(problem) => {
                    // Guessing is counted by address: a forged credential names nobody.
                    if let Some(peer) = peer {
                        state.limits.stranger(peer).map(|left| finish::note_limit(request, left))?;
                    }
                    return Err(problem);
                }
            }
        }
    };
    let workspace = match D::NEEDS.place {
        Some(_) => Some(segment(request, "workspace")?),
        None => None,
    };
    let call = Call {
        credential,
        workspace,
        if_match: if_match(request)?,
        idempotency_key: idempotency_key::<D>(request)?,
        query: query(request),
        request_id: finish::request_id(request),
        peer,
    };
    Ok(Db { state, request: request.clone(), call, door: PhantomData })
}

/// The query, if there is one; HEAD is GET without the body.
fn query(request: &HttpRequest) -> Option<Asked> {
    let text = Some(request.query_string()).filter(|text| !text.is_empty())?;
    let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let route = format!("{method} {}", request.match_pattern().unwrap_or_default());
    Some(Asked { text: text.to_owned(), route })
}

fn if_match(request: &HttpRequest) -> Result<Option<IfMatch>> {
    let Some(header) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let refused = || Problem::new(Code::InvalidHeader, "If-Match takes one tag as it came in ETag, or *");
    let text = header.to_str().map_err(|_| refused())?.trim();
    if text.len() > LONGEST_IF_MATCH {
        return Err(refused());
    }
    if text == "*" {
        return Ok(Some(IfMatch::Any));
    }
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(refused)?;
    let version = tag.split('-').next().unwrap_or_default();
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    // A number beyond those that count versions is that of no version: 412, as for any other.
    Ok(Some(IfMatch::Version(version.parse().unwrap_or(i32::MAX))))
}

fn idempotency_key<D: Door>(request: &HttpRequest) -> Result<Option<Keyed>> {
    let Some(header) = request.headers().get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    if *request.method() != Method::POST {
        return Ok(None);
    }
    if D::NEEDS.repeatable == Repeatable::Never {
        return Err(Problem::new(
            Code::IdempotencyNotSupported,
            "its answer bears a secret that is shown once, or it has no caller",
        ));
    }
    match header.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            let operation = format!("{} {}", request.method(), request.path());
            Ok(Some(Keyed { key: key.to_owned(), operation }))
        }
        _ => {
            Err(Problem::new(Code::InvalidHeader, "Idempotency-Key takes 1 to 255 visible ASCII characters"))
        }
    }
}

impl<D: Door> Describe for Db<D> {
    fn describe(draft: &mut Draft) {
        let needs = D::NEEDS;
        draft.access = Some(needs.words.to_owned());
        draft.repeatable = needs.repeatable;
        draft.refuses(&[
            Code::InvalidQuery,
            Code::RateLimited,
            Code::Internal,
            Code::Unavailable,
            Code::OutcomeUnknown,
        ]);
        match needs.credential {
            CredentialNeed::Nothing => {}
            CredentialNeed::Any => {
                draft.security = Some("bearer");
                draft.refuses(&[Code::CredentialRequired, Code::InvalidCredential]);
            }
            CredentialNeed::Person => {
                draft.security = Some("bearer");
                draft.refuses(&[Code::CredentialRequired, Code::InvalidCredential, Code::PersonRequired]);
            }
        }
        if needs.place.is_some() {
            draft.refuses(&[Code::InvalidId, Code::Forbidden, Code::InsufficientScope, Code::NotFound]);
        }
    }
}

/// What came out of the first look: who calls, and the input as it was read.
pub struct Admitted<P> {
    /// The input.
    pub input: Arc<P>,
    lane: Lane,
    caller: Option<RawId>,
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
    /// Answers from one snapshot of the data.
    pub async fn read<T: Target, I: Input + Send + 'static, R: Answers + 'static>(
        self,
        target: T,
        input: I,
        job: impl FnOnce(&mut Scoped, T::Found, I::Parsed) -> Result<R> + Send + 'static,
    ) -> Answer<R> {
        let (state, call) = (self.state.clone().into_inner(), self.call.clone());
        let author = Author::system(call.request_id.clone());
        let (reply, left) = self
            .state
            .store
            .read(author, move |tx| -> Result<(Reply, Option<Left>)> {
                let (mut scoped, left) = call.admit::<D>(tx, &state)?;
                let located = target.locate(&mut scoped)?;
                check_place::<D>(&scoped)?;
                let found = target.grant(&mut scoped, located)?;
                let parsed = call.parse(&input, &state)?;
                let reply = job(&mut scoped, found, parsed)?.into_reply();
                caller::note_use_of(&scoped);
                Ok((reply, left))
            })
            .await?;
        self.note(left);
        Ok(Typed::new(reply))
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
        let author = Author::system(call.request_id.clone());
        let (target, input) = (target.clone(), input.clone());
        let (admitted, left) = self
            .state
            .store
            .read(author, move |tx| -> Result<(Admitted<I::Parsed>, Option<Left>)> {
                let (mut scoped, left) = call.admit::<D>(tx, &state)?;
                let located = target.locate(&mut scoped)?;
                check_place::<D>(&scoped)?;
                target.grant(&mut scoped, located)?;
                let input = Arc::new(call.parse(&input, &state)?);
                let caller = scoped.actor().key();
                // The request itself was counted as one of them.
                let left = match (caller, I::points(&input)) {
                    (Some(caller), count @ 2..) => Some(state.limits.points(caller, count - 1)?),
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
        let remembered = match (&call.idempotency_key, caller) {
            (Some(Keyed { key, operation }), Some(caller)) => {
                let query = call.query.as_ref().map_or("", |query| &query.text);
                Some(idempotency::Key::new(caller, operation, key, &[query.as_bytes(), input.raw()]))
            }
            _ => None,
        };
        let keyed = remembered.is_some();
        let ended = self
            .state
            .store
            .write(lane, author, move |tx| -> Result<Reply, Stop> {
                let (mut scoped, _) = call.recognise(tx, &state)?;
                let located = target.locate(&mut scoped)?;
                check_place::<D>(&scoped)?;
                let found = target.grant(&mut scoped, located)?;
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
                match I::mode(&parsed) {
                    Mode::Rehearsal => Err(Stop::Rehearsed(reply)),
                    Mode::ForReal => {
                        if let Some(key) = &remembered
                            && (200..300).contains(&reply.status)
                        {
                            key.remember(&mut scoped, &reply)?;
                        }
                        Ok(reply)
                    }
                }
            })
            .await;
        match ended {
            Ok(reply) | Err(Stop::Rehearsed(reply)) => Ok(Typed::new(reply)),
            // The lock is waited for no longer than a first call may take.
            Err(Stop::Refused(problem))
                if keyed && problem.store_error().is_some_and(StoreError::is_lock_timeout) =>
            {
                Err(Problem::new(
                    Code::IdempotencyInProgress,
                    "a first call with this key is still running; try again",
                )
                .retry_after(1))
            }
            Err(Stop::Refused(problem)) => Err(problem),
        }
    }

    /// Answers without asking the database.
    pub fn answer<R: Answers>(&self, body: R) -> Answer<R> {
        self.call.parse(&crate::http::Nothing, &self.state)?;
        Ok(Typed::new(body.into_reply()))
    }

    /// What all requests share.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The address of the one who calls, for limits.
    pub fn peer(&self) -> Option<IpAddr> {
        self.call.peer
    }

    /// The values of a header, for content negotiation.
    pub fn accepted(&self) -> Vec<&str> {
        accept::sent(self.request.headers(), &ACCEPT)
    }

    fn note(&self, left: Option<Left>) {
        if let Some(left) = left {
            finish::note_limit(&self.request, left);
        }
    }
}

impl<D: HandlesCredentials> Db<D> {
    /// Looks something up between the first look and the write.
    pub async fn look<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.state.store.read(Author::system(self.request_id()), job).await
    }

    /// Writes something that holds whatever becomes of the request, such as that it was tried.
    pub async fn jot<R: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.state.store.write(Lane::Open, Author::system(self.request_id()), job).await
    }

    /// The id under which the log has this request.
    pub fn request_id(&self) -> &str {
        &self.call.request_id
    }
}

impl Call {
    /// Recognises the caller, and counts the request.
    fn admit<'a, 'c, D: Door>(
        &self,
        tx: &'a mut Tx<'c>,
        state: &'a State,
    ) -> Result<(Scoped<'a, 'c>, Option<Left>)> {
        let (scoped, key) = self.recognise(tx, state)?;
        let left = match (key, self.peer) {
            (Some(caller), _) if posts_points::<D>() => Some(state.limits.points(caller, 1)?),
            (Some(caller), _) => Some(state.limits.request(caller)?),
            (None, Some(peer)) => Some(state.limits.stranger(peer)?),
            (None, None) => None,
        };
        Ok((scoped, left))
    }

    fn recognise<'a, 'c>(
        &self,
        tx: &'a mut Tx<'c>,
        state: &'a State,
    ) -> Result<(Scoped<'a, 'c>, Option<RawId>)> {
        let actor = match &self.credential {
            None => Actor::Stranger,
            Some(credential) => caller::recognise(tx, credential)?,
        };
        let key = actor.key();
        let repetition = match self.idempotency_key {
            Some(_) => Repetition::Recalled,
            None => Repetition::Anew,
        };
        let mut scoped = Scoped::new(tx, actor, state, self.if_match, repetition);
        if let Some(workspace) = &self.workspace {
            scoped.enter(workspace)?;
        }
        Ok((scoped, key))
    }

    /// Reads the input; a query that nobody reads is refused.
    fn parse<I: Input>(&self, input: &I, state: &State) -> Result<I::Parsed> {
        let Some(query) = &self.query else { return input.parse(state) };
        if !I::READS_QUERY {
            return Err(Problem::new(Code::InvalidQuery, "this operation takes no query parameters"));
        }
        let parsed = input.parse(state)?;
        state.parameters.check(&query.route, &query.text)?;
        Ok(parsed)
    }
}

/// Whether what comes through this door counts as points, singly or in bulk, and not as requests.
fn posts_points<D: Door>() -> bool {
    D::NEEDS.place.is_some_and(|place| place.scopes.contains(&Scope::PointsWrite))
}

/// Whether role and scope open this door.
fn check_place<D: Door>(scoped: &Scoped) -> Result<()> {
    if D::NEEDS.credential == CredentialNeed::Person {
        scoped.signed()?;
    }
    let Some(place) = D::NEEDS.place else { return Ok(()) };
    let standing = &scoped.inside()?.standing;
    if !place.scopes.is_empty() && !place.scopes.iter().any(|scope| caller::scope_allows(standing, *scope)) {
        let names: Vec<&str> = place.scopes.iter().map(|scope| scope.as_str()).collect();
        return Err(Problem::new(
            Code::InsufficientScope,
            format!("the token needs the scope {}", names.join(" or ")),
        ));
    }
    if standing.role < place.role {
        return Err(Problem::forbidden(format!("this needs the role {} or above", place.role)));
    }
    Ok(())
}
