//! What the credential says: who calls, how much they may ask, and whether this door is theirs.

use std::net::IpAddr;

use actix_web::HttpRequest;

use super::call::Call;
use crate::access::caller::{self, Actor, Credential};
use crate::access::door::{CredentialNeed, Door};
use crate::access::policy::Scope;
use crate::access::scoped::{Repetition, Scoped};
use crate::http::limits::Left;
use crate::http::{Code, Problem, Result, finish};
use crate::state::State;
use crate::store::{RawId, Tx};

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

impl Call {
    /// Recognises the caller, and counts the request.
    pub(super) fn admit<'a, 'c, D: Door>(
        &self,
        tx: &'a mut Tx<'c>,
        state: &'a State,
    ) -> Result<(Scoped<'a, 'c>, Option<Left>)> {
        let (scoped, key) = self.recognise(tx, state)?;
        let here = scoped.here().ok();
        let left = match (key, self.peer) {
            (Some(caller), _) if posts_points::<D>() => Some(state.limits.points(caller, here, 1)?),
            (Some(caller), _) => Some(state.limits.request(caller, here)?),
            // A page may show many pictures to many people behind one address.
            (None, _) if D::NEEDS.credential == CredentialNeed::Link => None,
            (None, Some(peer)) => Some(state.limits.stranger(peer)?),
            (None, None) => None,
        };
        Ok((scoped, left))
    }

    /// Recognises the caller, and enters the workspace that the path names.
    pub(super) fn recognise<'a, 'c>(
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
