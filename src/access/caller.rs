//! Who is calling: the credential's form and signature, and what is known of the caller once the database was asked
//! (`recognise.rs`).

use actix_web::http::header::AUTHORIZATION;
use actix_web::http::header::HeaderMap;

use super::api_token::ApiToken;
use super::jwt::Claims;
use super::policy::{Role, Scope, Standing, TokenBounds};
use crate::http::{Code, Problem, Result};
use crate::maths::word::words;
use crate::state::State;
use crate::store::{AccountId, AuthorKind, MemberId, Moment, RawId, SessionId, TokenId, Tx, WorkspaceId};

words! {
    /// Whether an account may sign in.
    pub enum AccountState {
        /// It may.
        Active = "active",
        /// It may not.
        Suspended = "suspended",
    }
}

words! {
    /// Whether a member takes part.
    pub enum MemberState {
        /// Invited, and not there yet.
        Invited = "invited",
        /// Takes part.
        Active = "active",
        /// Kept out for a while.
        Suspended = "suspended",
        /// Gone; what they made stays.
        Removed = "removed",
    }
}

words! {
    /// What a member is in a team.
    pub enum Duty {
        /// One of its members.
        Member = "member",
        /// One who leads it.
        Lead = "lead",
    }
}

words! {
    /// For whom a token acts.
    pub enum TokenKind {
        /// For the person who made it.
        Personal = "personal",
        /// For the workspace; it outlives its maker's leaving.
        Service = "service",
    }
}
crate::http::words::impl_wire_words!(AccountState, MemberState, Duty, TokenKind);
crate::store::types::impl_sql_words!(AccountState, MemberState, Duty, TokenKind);

/// A credential whose form and signature are right; nothing more is known yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A signed access token.
    Access(Claims),
    /// An API token's hash.
    Token([u8; 32]),
}

/// Reads the `Authorization` header: its form, and the signature.
pub fn read_credential(headers: &HeaderMap, state: &State) -> Result<Credential> {
    let mut sent = headers.get_all(AUTHORIZATION);
    let Some(header) = sent.next() else {
        return Err(Problem::new(
            Code::CredentialRequired,
            "send `Authorization: Bearer` with an access token or an API token",
        ));
    };
    let refused =
        || Problem::new(Code::InvalidCredential, "the credential is malformed, forged, expired or revoked");
    let text = header.to_str().map_err(|_| refused())?;
    if sent.next().is_some() || text.len() > 4096 + 16 {
        return Err(refused());
    }
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => return Err(refused()),
    };
    if token.starts_with(super::api_token::PREFIX) {
        return ApiToken::parse(token).map(|token| Credential::Token(token.hash())).ok_or_else(refused);
    }
    let now = state.store.clock().now().timestamp();
    state.access_tokens.verify(&state.keys, token, now).map(Credential::Access).map_err(|fault| {
        tracing::debug!(%fault, "an access token was refused");
        refused()
    })
}

/// Who calls, as the database has it now.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Nobody in particular: a public operation.
    Stranger,
    /// A signed-in person, outside any workspace.
    Account(Signed),
    /// An API token, outside any workspace: it may ask about itself.
    Token(TokenFacts),
    /// Somebody inside a workspace.
    Inside(Box<Inside>),
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The account.
    pub account: AccountId,
    /// The session behind the access token.
    pub session: SessionId,
    /// The account's name.
    pub name: String,
}

/// A token that holds.
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// Its id.
    pub id: TokenId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// For whom it acts.
    pub kind: TokenKind,
    /// Who made it and answers for it.
    pub member: MemberId,
    /// A service token's own role.
    pub role: Option<Role>,
    /// What it may be used for.
    pub bounds: TokenBounds,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Moment>,
}

/// Somebody inside a workspace.
#[derive(Clone, Debug)]
pub struct Inside {
    /// What the policy looks at.
    pub standing: Standing,
    /// The name that the activity feed shows.
    pub name: String,
    /// The session, for people.
    pub signed: Option<Signed>,
    /// The token, for tokens.
    pub token: Option<TokenFacts>,
}

impl Actor {
    /// Who limits and idempotency count for; strangers have none.
    pub fn key(&self) -> Option<RawId> {
        match self {
            Self::Stranger => None,
            Self::Account(signed) => Some(signed.account.raw()),
            Self::Token(token) => Some(token.id.raw()),
            Self::Inside(inside) => inside
                .token
                .as_ref()
                .map(|token| token.id.raw())
                .or(inside.signed.as_ref().map(|signed| signed.account.raw())),
        }
    }

    /// Says in whose name the transaction goes on.
    pub(super) fn speak(&self, tx: &mut Tx) {
        let Self::Inside(inside) = self else { return };
        match (&inside.token, inside.standing.member) {
            (Some(token), _) => tx.act_as(AuthorKind::Token, token.id.raw(), inside.name.clone()),
            (None, Some(member)) => tx.act_as(AuthorKind::Person, member.raw(), inside.name.clone()),
            (None, None) => {}
        }
    }

    /// The signed-in person.
    pub fn signed(&self) -> Option<&Signed> {
        match self {
            Self::Account(signed) => Some(signed),
            Self::Inside(inside) => inside.signed.as_ref(),
            Self::Stranger | Self::Token(_) => None,
        }
    }

    /// The token.
    pub fn token(&self) -> Option<&TokenFacts> {
        match self {
            Self::Token(token) => Some(token),
            Self::Inside(inside) => inside.token.as_ref(),
            Self::Stranger | Self::Account(_) => None,
        }
    }
}

/// Whoever made something that others look at, and when they did.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// Where.
    pub workspace: WorkspaceId,
    /// Who.
    pub member: MemberId,
    /// When. Somebody who left and came back is not taken for who they were.
    pub at: Moment,
}

/// Whether a token has a scope; people are not bound by scopes.
pub fn scope_allows(standing: &Standing, scope: Scope) -> bool {
    standing.token.as_ref().is_none_or(|token| token.scopes.contains(&scope))
}
