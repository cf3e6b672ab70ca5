//! Beginning a sign-in at a provider, or the linking of one to an account.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::provider::Provider;
use super::row::{AuthorizationRow, BeginningSecret, LIFETIME, StateToken};
use super::{fresh_session, unreachable};
use crate::access::secret::{hmac_sha256, sha256};
use crate::access::target::Segment;
use crate::access::{Db, PeopleMakeSecrets, Public};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::text::{Slug, Url};
use crate::http::{Body, Code, FieldErrors, Json, Problem, Refusals, Refuses, Result};
use crate::state::State;
use crate::store::{Moment, SessionId};

/// Where the provider shall send the person back to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAuthorization {
    /// A page of the front end: one of those that the server's settings list, letter by letter.
    #[schema(value_type = Url, example = "https://okr.example.com/signed-in")]
    redirect_uri: Url,
}

impl Rules for NewAuthorization {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// Which provider shall be linked to the account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentity {
    /// The provider's slug.
    #[schema(value_type = Slug, example = "acme-id")]
    provider: Slug,
    /// A page of the front end: one of those that the server's settings list, letter by letter.
    #[schema(value_type = Url, example = "https://okr.example.com/signed-in")]
    redirect_uri: Url,
}

impl Rules for NewIdentity {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// A sign-in that is under way: send the person to the provider, and keep the secret until they are back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Authorization {
    /// Where the person signs in: open it in their browser.
    #[schema(
        max_length = 16000,
        pattern = r"^https?://[^\s]+$",
        example = "https://id.example.com/authorize?response_type=code&client_id=regimen&state=rgo_bm90IGEgcmVhbCBzdGF0ZSBhdCBhbGwsIG5vdCBvbmU"
    )]
    authorization_url: String,
    /// What the provider hands back with the code. It is good once, until `expires_at`.
    #[schema(
        max_length = 128,
        pattern = "^rgo_[0-9A-Za-z_-]+$",
        example = "rgo_bm90IGEgcmVhbCBzdGF0ZSBhdCBhbGwsIG5vdCBvbmU"
    )]
    state: String,
    /// Keep it where no other page can read it, and send it with the code. It shows that whoever comes
    /// back is whoever began, so that nobody is signed in to somebody else's account unawares.
    #[schema(
        max_length = 128,
        pattern = "^rgb_[0-9A-Za-z_-]+$",
        example = "rgb_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxsLCBub3Qgb25"
    )]
    session_secret: String,
    /// Until when the person may come back.
    expires_at: Moment,
}

/// What beginning may be refused with.
pub enum NotBegun {}
impl Refusals for NotBegun {
    const CODES: &'static [Code] = &[Code::ProviderUnavailable];
}

/// What linking may be refused with.
pub enum NotLinked {}
impl Refusals for NotLinked {
    const CODES: &'static [Code] = &[Code::NotFound, Code::SignInAgain, Code::ProviderUnavailable];
}

/// The two secrets of a sign-in, and what follows from them: nothing but their hashes is stored.
pub(super) struct Secrets {
    state: StateToken,
    beginning: BeginningSecret,
}

impl Secrets {
    fn generate() -> Self {
        Self { state: StateToken::generate(), beginning: BeginningSecret::generate() }
    }

    /// The secrets that a caller came back with.
    pub fn parse(state: &str, beginning: &str) -> Option<Self> {
        Some(Self { state: StateToken::parse(state)?, beginning: BeginningSecret::parse(beginning)? })
    }

    /// What goes through the browser.
    pub fn state(&self) -> &StateToken {
        &self.state
    }

    /// What only the caller that began knows.
    pub fn beginning(&self) -> &BeginningSecret {
        &self.beginning
    }

    /// What the ID token must answer.
    pub fn nonce(&self, state: &State) -> String {
        self.derived(state, "nonce")
    }

    /// What the code is exchanged with (RFC 7636): 43 characters.
    pub fn verifier(&self, state: &State) -> String {
        self.derived(state, "verifier")
    }

    fn derived(&self, state: &State, what: &str) -> String {
        let text = format!("{what}\0{}\0{}", self.state.reveal(), self.beginning.reveal());
        URL_SAFE_NO_PAD.encode(hmac_sha256(state.sign_on.key(), text.as_bytes()))
    }
}

/// A sign-in that can be stored, and what the caller is told of it.
struct Begun {
    secrets: Secrets,
    authorization_url: String,
    redirect_uri: String,
    provider: Arc<Provider>,
}

impl Begun {
    async fn at(
        state: &State,
        request_id: &str,
        provider: Arc<Provider>,
        redirect_uri: &Url,
    ) -> Result<Self> {
        let redirect_uri = redirect_uri.as_str().to_owned();
        if !provider.settings.redirect_uris.contains(&redirect_uri) {
            let detail = "it is not among the pages that the server's settings list";
            return Err(Problem::field("/redirect_uri", "not_registered", detail));
        }
        let secrets = Secrets::generate();
        let challenge = URL_SAFE_NO_PAD.encode(sha256(secrets.verifier(state).as_bytes()));
        let authorization_url = provider
            .authorization_url(
                state.store.clock().now(),
                &redirect_uri,
                &secrets.state.reveal(),
                &secrets.nonce(state),
                &challenge,
            )
            .await
            .map_err(|fault| unreachable(&provider, request_id, &fault))?;
        Ok(Self { secrets, authorization_url, redirect_uri, provider })
    }

    /// Stores it in the transaction of `now`, for a sign-in or for the person of a session.
    fn row(&self, now: Moment, session: Option<SessionId>) -> AuthorizationRow {
        AuthorizationRow {
            state_hash: self.secrets.state.hash().to_vec(),
            secret_hash: self.secrets.beginning.hash().to_vec(),
            provider: self.provider.settings.slug.clone(),
            issuer: self.provider.settings.issuer.clone(),
            redirect_uri: self.redirect_uri.clone(),
            session_id: session,
            created_at: now,
            expires_at: now.plus(LIFETIME),
        }
    }

    fn shown(&self, expires_at: Moment) -> Json<Authorization> {
        Json::new(Authorization {
            authorization_url: self.authorization_url.clone(),
            state: self.secrets.state.reveal(),
            session_secret: self.secrets.beginning.reveal(),
            expires_at,
        })
    }
}

pub async fn begin_sign_on(
    db: Db<Public>,
    provider: Segment<Arc<Provider>>,
    body: Body<NewAuthorization, CREDENTIALS>,
    _: Refuses<NotBegun>,
) -> Answer<Json<Authorization>> {
    let admitted = db.admit(&provider, &body).await?;
    db.count_attempt()?;
    let chosen = db.state().sign_on.find(provider.as_str()).ok_or_else(Problem::not_found)?;
    let begun = Begun::at(db.state(), db.request_id(), chosen, &admitted.input.redirect_uri).await?;
    db.commit(provider, &body, admitted, move |tx, _, _| {
        let row = begun.row(tx.now, None);
        row.insert(tx)?;
        Ok(begun.shown(row.expires_at))
    })
    .await
}

pub async fn link_identity(
    db: Db<PeopleMakeSecrets>,
    body: Body<NewIdentity, CREDENTIALS>,
    _: Refuses<NotLinked>,
) -> Answer<Json<Authorization>> {
    let admitted = db.admit(&(), &body).await?;
    let chosen = db.state().sign_on.find(admitted.input.provider.as_str());
    let chosen = chosen.ok_or_else(|| Problem::not_found_at("/provider"))?;
    let begun = Begun::at(db.state(), db.request_id(), chosen, &admitted.input.redirect_uri).await?;
    db.commit((), &body, admitted, move |tx, (), _| {
        let session = fresh_session(tx)?;
        let row = begun.row(tx.now, Some(session));
        row.insert(tx)?;
        Ok(begun.shown(row.expires_at))
    })
    .await
}
