//! Coming back from a provider.

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::begin::Secrets;
use super::enrol::{self, Arrival, Purpose};
use super::provider::{Provider, Return};
use super::row::AuthorizationRow;
use super::unreachable;
use crate::access::secret::InvitationToken;
use crate::access::target::Segment;
use crate::access::{Db, Public};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::text::Url;
use crate::http::{Body, Code, FieldErrors, Json, Problem, Refusals, Refuses};
use crate::people::accounts::{SignedIn, open_session};

/// What the provider sent the person back with, and the secret of whoever began.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// The `code` in the query of the page to which the provider sent the person.
    #[schema(
        min_length = 1,
        max_length = 3000,
        pattern = r"^[\x20-\x7e]+$",
        example = "SplxlOBeZQQYbYS6WxSbIA"
    )]
    code: String,
    /// The `state` in that query.
    #[schema(
        max_length = 128,
        pattern = r"^[\x21-\x7e]*$",
        example = "rgo_bm90IGEgcmVhbCBzdGF0ZSBhdCBhbGwsIG5vdCBvbmU"
    )]
    state: String,
    /// The `session_secret` that was answered at the beginning.
    #[schema(
        max_length = 128,
        pattern = r"^[\x21-\x7e]*$",
        example = "rgb_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxsLCBub3Qgb25"
    )]
    session_secret: String,
    /// The `iss` in that query, where the provider sends one: then it must be this provider's (RFC 9207).
    #[serde(default)]
    #[schema(value_type = Option<Url>, example = json!(null))]
    iss: Option<Url>,
    /// The token of an invitation to the address that the provider vouches for: where this makes an
    /// account, it joins the workspace at once.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128, pattern = r"^[\x21-\x7e]*$", example = json!(null))]
    invitation_token: Option<String>,
}

impl Rules for Callback {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What coming back may be refused with.
pub enum NotArrived {}
impl Refusals for NotArrived {
    const CODES: &'static [Code] = &[
        Code::SignOnRefused,
        Code::EmailNotVerified,
        Code::InvitationRequired,
        Code::AccountNotLinked,
        Code::AlreadyExists,
        Code::LinkSpent,
        Code::LimitReached,
        Code::ProviderUnavailable,
    ];
}

/// One answer, whatever is wrong: the log has more.
pub(super) fn refused() -> Problem {
    Problem::new(Code::SignOnRefused, "begin anew; the log has more under the request's id")
}

pub async fn finish_sign_on(
    db: Db<Public>,
    provider: Segment<Arc<Provider>>,
    body: Body<Callback, CREDENTIALS>,
    _: Refuses<NotArrived>,
) -> Answer<Json<SignedIn>> {
    let admitted = db.admit(&provider, &body).await?;
    db.count_attempt()?;
    let chosen = db.state().sign_on.find(provider.as_str()).ok_or_else(Problem::not_found)?;
    let (sent, slug) = (admitted.input.clone(), chosen.settings.slug.clone());
    let told = |why: &str| {
        tracing::info!(request_id = db.request_id(), provider = slug, why, "a sign-in at a provider failed");
        refused()
    };
    let invitation = match &sent.invitation_token {
        None => None,
        Some(token) => {
            Some(InvitationToken::parse(token).ok_or_else(|| Problem::not_found_at(enrol::INVITATION))?)
        }
    };
    let secrets = Arc::new(
        Secrets::parse(&sent.state, &sent.session_secret).ok_or_else(|| told("secrets of another form"))?,
    );
    if sent.iss.as_ref().is_some_and(|issuer| issuer.as_str() != chosen.settings.issuer) {
        return Err(told("another issuer sent the person back"));
    }
    // Whatever comes of it, it was used.
    let (keys, from) = (secrets.clone(), chosen.clone());
    let begun = db
        .jot(move |tx| {
            let provider = (from.settings.slug.as_str(), from.settings.issuer.as_str());
            AuthorizationRow::take(tx, keys.state(), keys.beginning(), provider)
        })
        .await?
        .ok_or_else(|| told("it was not begun here, is spent or too old"))?;
    // A page may have been taken off the list meanwhile.
    if !chosen.settings.redirect_uris.contains(&begun.redirect_uri) {
        return Err(told("its page is listed no more"));
    }
    let came = Return {
        code: &sent.code,
        redirect_uri: &begun.redirect_uri,
        verifier: &secrets.verifier(db.state()),
        nonce: &secrets.nonce(db.state()),
    };
    let person = match chosen.identify(db.state().store.clock().now(), &came).await {
        Ok(person) => person,
        Err(fault) if fault.is_outage() => return Err(unreachable(&chosen, db.request_id(), &fault)),
        Err(fault) => return Err(told(&fault.to_string())),
    };
    let arrival = Arrival {
        provider: chosen,
        person,
        purpose: begun.session_id.map_or(Purpose::SignIn, Purpose::Link),
        invitation,
    };
    let program = db.user_agent();
    db.commit(provider, &body, admitted, move |tx, _, _| {
        let (state, account) = (tx.state(), enrol::account_of(tx, &arrival)?);
        tracing::info!(
            request_id = tx.author().request_id,
            account = %account.id,
            provider = arrival.provider.settings.slug,
            "somebody signed in at a provider"
        );
        Ok(Json::new(open_session(tx, account, program.as_deref())?.reveal(state)?))
    })
    .await
}
