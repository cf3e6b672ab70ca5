//! Single sign-on: OpenID Connect with the authorization code and PKCE, at any provider that publishes
//! a discovery document.
//!
//! The front end begins here and gets the provider's address, a state and a secret of its own. It sends
//! the person away, gets them back with a code, and hands in code, state and secret, once. There are no
//! cookies, so that secret is what shows that whoever comes back is whoever began. The server keeps no
//! more than hashes: the nonce and the PKCE verifier follow from both secrets and its own key.

mod begin;
mod callback;
mod enrol;
mod fetch;
mod id_token;
mod identities;
mod provider;
mod row;
mod settings;

use std::sync::Arc;

use diesel::prelude::*;
use jiff::SignedDuration;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::target::FromSegment;
use crate::access::{Db, Public, Scoped};
use crate::http::answer::Answer;
use crate::http::text::{Name, Slug};
use crate::http::{Code, Json, Problem, Result, Routes, routes};
use crate::store::schema::sessions;
use crate::store::{Moment, SessionId};
use begin::{begin_sign_on, link_identity};
use callback::finish_sign_on;
use fetch::Web;
use identities::{list_identities, unlink_identity};
pub use provider::Provider;
use provider::ProviderFault;
pub use row::IdentityRow;
pub use row::sweep;
pub use settings::{ClientSecret, JoinRule, ProviderSettings, SignOnArgs};

/// How long after signing in the ways in may be changed.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// The paths of single sign-on.
pub fn routes() -> Routes {
    routes! { "auth",
        "/v1/auth/providers" {
            /// List the providers of single sign-on.
            /// Those that the server is set up with, for buttons beside the form of the password.
            GET list_providers
        }
        "/v1/auth/providers/{provider}/authorization" {
            /// Begin to sign in at a provider.
            /// Send the person to `authorization_url`, and keep `session_secret`; the provider sends them
            /// back to `redirect_uri` with a code and the state, for ten minutes and once.
            POST begin_sign_on
        }
        "/v1/auth/providers/{provider}/callback" {
            /// Finish a sign-in at a provider.
            /// Hand in what the provider sent the person back with, and the secret of the beginning. Who
            /// comes for the first time gets an account, if the provider vouches for their e-mail address
            /// and no account has it; else sign in with its password and link the provider. Whatever comes
            /// of it, the state is spent.
            POST finish_sign_on
        }
        "/v1/auth/identities" {
            /// List with what the caller can sign in: a password, linked providers.
            /// Each is told with whether it can be unlinked.
            GET list_identities,
            /// Begin to link a provider to the caller's account.
            /// Go on as with a sign-in; its end links the provider and signs in anew. It takes a session
            /// that is not older than ten minutes.
            POST link_identity
        }
        "/v1/auth/identities/{identity}" {
            /// Unlink a provider from the caller's account.
            /// The last way in stays. It takes a session that is not older than ten minutes; sessions go on.
            DELETE unlink_identity
        }
    }
}

/// The providers that the server is set up with.
pub struct SignOn {
    providers: Vec<Arc<Provider>>,
    key: [u8; 32],
}

impl SignOn {
    /// Takes the settings, and the key from which nonces and verifiers follow. Nobody is asked yet.
    pub fn new(settings: &[ProviderSettings], key: [u8; 32]) -> std::result::Result<Self, String> {
        settings::check(settings)?;
        let mut providers = Vec::new();
        if !settings.is_empty() {
            let web = Web::new()?;
            for one in settings {
                providers.push(Arc::new(Provider::new(one.clone(), web.clone())));
            }
        }
        Ok(Self { providers, key })
    }

    /// The provider with this slug.
    fn find(&self, slug: &str) -> Option<Arc<Provider>> {
        self.providers.iter().find(|provider| provider.settings.slug == slug).cloned()
    }

    /// The provider of an identity, however it is called now.
    fn named(&self, row: &IdentityRow) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.settings.issuer == row.issuer).map(Arc::as_ref)
    }

    fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

impl FromSegment for Arc<Provider> {
    const PARAMETER: &'static str = "provider";
    const REFUSES: &'static [Code] = &[Code::NotFound];

    fn read(tx: &mut Scoped, text: &str) -> Result<Self> {
        tx.state().sign_on.find(text).ok_or_else(Problem::not_found)
    }
}

/// The providers of single sign-on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignOnProviders {
    /// In the order of the settings.
    #[schema(max_items = 1000)]
    items: Vec<SignOnProvider>,
}

/// A provider of single sign-on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignOnProvider {
    /// Its name in paths.
    #[schema(value_type = Slug)]
    slug: String,
    /// What people call it.
    #[schema(value_type = Name)]
    name: String,
}

async fn list_providers(db: Db<Public>) -> Answer<Json<SignOnProviders>> {
    let items = db.state().sign_on.providers.iter().map(|provider| SignOnProvider {
        slug: provider.settings.slug.clone(),
        name: provider.settings.name.clone(),
    });
    let items = items.collect();
    db.answer(Json::new(SignOnProviders { items }))
}

/// The caller's session, if it began a short while ago: a stolen access token opens no lasting way in.
fn fresh_session(tx: &mut Scoped) -> Result<SessionId> {
    let session = tx.signed()?.session;
    let began: Moment =
        sessions::table.filter(sessions::id.eq(session)).select(sessions::created_at).first(tx.db())?;
    if tx.now < began.plus(FRESH) {
        return Ok(session);
    }
    Err(Problem::new(Code::SignInAgain, "ways to sign in are changed within ten minutes of signing in"))
}

/// What callers see of a provider that does not answer as it should.
fn unreachable(provider: &Provider, request_id: &str, fault: &ProviderFault) -> Problem {
    tracing::warn!(request_id, provider = provider.settings.slug, %fault, "a provider cannot be used");
    Problem::new(Code::ProviderUnavailable, "the provider does not answer as it should; nothing was stored")
        .retry_after(5)
}
