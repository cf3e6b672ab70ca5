//! `Db<Door>`: the only way to the data. The door says who may come in.
//!
//! Form and signature of the credential are checked synchronously and first. Then, on a read
//! connection and before anything queues for the writer: token, session and membership; the
//! things that the path names; the right; the body. Inside the write all but the body is checked
//! again. So refusals come in one order, and a right that was lost meanwhile is lost.

mod call;
mod credential;
mod run;
mod together;

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT, USER_AGENT};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

pub use self::run::Admitted;
pub use self::together::{Desk, Plan, Wants};

use self::call::Call;
use super::caller::Credential;
use super::door::{CredentialNeed, Door, HandlesCredentials};
use crate::http::answer::{Answer, Answers, Typed};
use crate::http::limits::Left;
use crate::http::{Code, Describe, Draft, Problem, Result, accept, finish};
use crate::state::State;
use crate::store::{AccountId, Author, Lane, Opening, Tx};

/// How much of a program's name for itself is kept.
const LONGEST_USER_AGENT: usize = 200;

/// The way to the data.
pub struct Db<D> {
    state: Data<State>,
    request: HttpRequest,
    call: Arc<Call>,
    door: PhantomData<fn() -> D>,
}

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
    let call = Arc::new(Call::of::<D>(request, &state)?);
    Ok(Db { state, request: request.clone(), call, door: PhantomData })
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
            CredentialNeed::Link => draft.refuses(&[Code::NotFound]),
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

impl<D: Door> Db<D> {
    /// Answers without asking the database.
    pub fn answer<R: Answers>(&self, body: R) -> Answer<R> {
        self.call.parse(&crate::http::Nothing, &self.state)?;
        Ok(Typed::new(body.into_reply()))
    }

    /// What all requests share.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, for what is to be done after the write.
    pub fn shared(&self) -> Data<State> {
        self.state.clone()
    }

    /// The address of the one who calls, for limits.
    pub fn peer(&self) -> Option<IpAddr> {
        self.call.peer
    }

    /// The values of a header, for content negotiation.
    pub fn accepted(&self) -> Vec<&str> {
        accept::sent(self.request.headers(), &ACCEPT)
    }

    /// The program that calls, as it names itself: up to 200 code points, without control characters.
    pub fn user_agent(&self) -> Option<String> {
        let sent = String::from_utf8_lossy(self.request.headers().get(USER_AGENT)?.as_bytes()).into_owned();
        let plain = |character: char| if character.is_control() { ' ' } else { character };
        let named: String = sent.trim().chars().map(plain).take(LONGEST_USER_AGENT).collect();
        Some(named).filter(|named| !named.trim().is_empty())
    }

    fn note(&self, left: Option<Left>) {
        if let Some(left) = left {
            finish::note_limit(&self.request, left);
        }
    }
}

impl<D: HandlesCredentials> Db<D> {
    /// Counts an attempt to sign in, to register or to reset a password, by the address that it comes from.
    pub fn count_attempt(&self) -> Result<()> {
        if let Some(peer) = self.call.peer {
            self.note(Some(self.state.limits.sign_in(peer)?));
        }
        Ok(())
    }

    /// Looks something up between the first look and the write; of people, also where they take part.
    pub async fn look<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let caller: Option<AccountId> = match &self.call.credential {
            Some(Credential::Access(claims)) => claims.sub.parse().ok(),
            Some(Credential::Token(_)) | None => None,
        };
        let looked = move |tx: &mut Tx| {
            if let Some(account) = caller {
                tx.open(Opening::Account(account))?;
            }
            job(tx)
        };
        self.state.store.read(Author::system(self.request_id()), looked).await
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
