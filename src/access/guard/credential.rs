//! What the credential says: who calls, how much they may ask, and whether this door is theirs.

use std::net::IpAddr;

use actix_web::HttpRequest;

use super::call::Call;
use crate::access::caller::{self, Actor, Credential};
use crate::access::door::{CredentialNeed, Door};
use crate::access::policy::Scope;
use crate::access::recognise::{self, Present};
use crate::access::scoped::Scoped;
use crate::http::answer::Reply;
use crate::http::limits::Left;
use crate::http::memory::{Asker, Edition};
use crate::http::{Code, Problem, Result, finish};
use crate::state::State;
use crate::store::{RawId, Tx, WorkspaceId};

/// Form and signature of the credential, where the door asks for one.
pub(super) fn read<D: Door>(
    request: &HttpRequest,
    state: &State,
    peer: Option<IpAddr>,
) -> Result<Option<Credential>> {
    match D::NEEDS.credential {
        CredentialNeed::Nothing | CredentialNeed::Link => Ok(None),
        CredentialNeed::Any | CredentialNeed::Person => {
            match caller::read_credential(request.headers(), state) {
                Ok(credential) => Ok(Some(credential)),
                Err(problem) => {
                    // Guessing is counted by address: a forged credential names nobody.
                    if let Some(peer) = peer {
                        state.limits.stranger(peer).map(|left| finish::note_limit(request, left))?;
                    }
                    Err(problem)
                }
            }
        }
    }
}

/// Whose credential it is.
pub(super) fn asker(credential: &Credential) -> Option<Asker> {
    match credential {
        Credential::Access(claims) => claims.sub.parse().ok().map(Asker::Account),
        Credential::Token(hash) => Some(Asker::Token(*hash)),
    }
}

/// What a look into memory came to.
pub(super) enum Recall {
    /// This was answered a moment ago, and nothing has changed.
    Answered(Reply, Option<Left>),
    /// It is to be found out.
    Unknown(Option<Box<Present>>),
}

impl Call {
    /// Whether this may have been answered a moment ago: only the database tells whether it holds still.
    pub(super) fn may_be_known(&self, state: &State) -> bool {
        let now = state.store.clock().now();
        self.question.as_ref().is_some_and(|question| state.memory.may_know(question, now))
    }

    /// Recognises the caller, and looks whether they were answered the same a moment ago.
    pub(super) fn recall<D: Door>(&self, tx: &mut Tx, state: &State) -> Result<Recall> {
        let present = self.present(tx)?;
        let edition = present.as_ref().and_then(Present::workspace).map(Edition::of);
        let known = self.question.as_ref().zip(edition);
        let known = known.and_then(|(question, edition)| state.memory.recall(question, edition, tx.now));
        let Some((reply, present)) = known.zip(present.as_ref()) else {
            return Ok(Recall::Unknown(present.map(Box::new)));
        };
        let here = present.workspace().map(|workspace| workspace.id);
        let left = self.count::<D>(state, present.key(), here)?;
        recognise::note_use_of(&state.store, present.token(), tx.now);
        Ok(Recall::Answered(reply, left))
    }

    /// Whether the credential holds, and the caller's place in the workspace that the path names; `None` where
    /// anybody may ask.
    pub(super) fn present(&self, tx: &mut Tx) -> Result<Option<Present>> {
        let credential = self.credential.as_ref();
        credential.map(|credential| recognise::present(tx, credential, self.workspace.as_deref())).transpose()
    }

    /// Says where the caller stands, and counts the request.
    pub(super) fn admit<'a, 'c, D: Door>(
        &self,
        tx: &'a mut Tx<'c>,
        state: &'a State,
        present: Option<Present>,
    ) -> Result<(Scoped<'a, 'c>, Option<Left>)> {
        let (scoped, key) = self.stand(tx, state, present)?;
        let left = self.count::<D>(state, key, scoped.here().ok())?;
        Ok((scoped, left))
    }

    /// Counts the request.
    pub(super) fn count<D: Door>(
        &self,
        state: &State,
        caller: Option<RawId>,
        here: Option<WorkspaceId>,
    ) -> Result<Option<Left>> {
        Ok(match (caller, self.peer) {
            (Some(caller), _) if posts_points::<D>() => Some(state.limits.points(caller, here, 1)?),
            (Some(caller), _) => Some(state.limits.request(caller, here)?),
            // A page may show many pictures to many people behind one address.
            (None, _) if D::NEEDS.credential == CredentialNeed::Link => None,
            (None, Some(peer)) => Some(state.limits.stranger(peer)?),
            (None, None) => None,
        })
    }

    /// Recognises the caller for a write, and enters the workspace that the path names.
    pub(super) fn recognise<'a, 'c>(&self, tx: &'a mut Tx<'c>, state: &'a State) -> Result<Scoped<'a, 'c>> {
        if let Some(session) = self.credential.as_ref().and_then(recognise::session_of) {
            tx.hold_session(session)?;
        }
        let present = self.present(tx)?;
        Ok(self.stand(tx, state, present)?.0)
    }

    fn stand<'a, 'c>(
        &self,
        tx: &'a mut Tx<'c>,
        state: &'a State,
        present: Option<Present>,
    ) -> Result<(Scoped<'a, 'c>, Option<RawId>)> {
        let actor = present.map_or(Ok(Actor::Stranger), |present| present.stand(tx))?;
        let key = actor.key();
        Ok((self.as_recognised(tx, state, actor), key))
    }

    /// On behalf of whoever was recognised in this transaction already.
    pub(super) fn as_recognised<'a, 'c>(
        &self,
        tx: &'a mut Tx<'c>,
        state: &'a State,
        actor: Actor,
    ) -> Scoped<'a, 'c> {
        Scoped::new(tx, actor, state, self.if_match, self.repetition())
    }
}

/// Whether what goes out of this door depends on nothing but the caller, the workspace and the clock.
pub(super) fn may_be_remembered<D: Door>() -> bool {
    D::NEEDS.place.is_some_and(|place| place.scopes.contains(&Scope::Read))
}

/// Whether what comes through this door counts as points, singly or in bulk, and not as requests.
fn posts_points<D: Door>() -> bool {
    D::NEEDS.place.is_some_and(|place| place.scopes.contains(&Scope::PointsWrite))
}

/// Whether role and scope open this door.
pub(super) fn check_place<D: Door>(scoped: &Scoped) -> Result<()> {
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
