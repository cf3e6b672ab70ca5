//! A provider at work: what it publishes of itself, and what it says about whoever comes with a code.
//!
//! What it publishes is kept for a while in memory. That decides nothing that another node could
//! decide otherwise: each asks the same provider, and a key that it does not know yet is asked for
//! again, at most once a minute. Nothing here happens inside a transaction.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;

use super::fetch::{FetchFault, PATIENCE, Web};
use super::id_token::{self, Address, Expected, Header, Key, Person, TokenFault};
use super::settings::{ProviderSettings, endpoint, is_loopback};
use crate::store::Moment;

/// How long a discovery document is kept.
const DISCOVERY_KEPT: SignedDuration = SignedDuration::from_mins(60);
/// How long keys are kept: a key that the provider gives up is trusted no longer than this.
const KEYS_KEPT: SignedDuration = SignedDuration::from_mins(10);
/// How often keys are asked for because of one that is not known.
const KEYS_ASKED: SignedDuration = SignedDuration::from_mins(1);
/// How long a request waits for another that asks the provider already.
const TURN: Duration = PATIENCE;

/// The longest address to which somebody is sent.
const LONGEST_URL: usize = 16_000;

/// A provider, with what it published of itself.
pub struct Provider {
    /// How it is set up.
    pub settings: ProviderSettings,
    web: Web,
    discovery: Mutex<Option<Kept<Arc<Discovery>>>>,
    keys: Mutex<Keys>,
}

/// Where a provider's endpoints are.
pub(super) struct Discovery {
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    client_authentication: ClientAuthentication,
}

/// How this server says who it is at the token endpoint (OpenID Connect Core 1.0, section 9).
#[derive(Clone, Copy)]
enum ClientAuthentication {
    /// In a header.
    Basic,
    /// In the form.
    Post,
}

/// Something, and when it came.
struct Kept<T> {
    it: T,
    at: Moment,
}

/// The keys that came last, and when they were asked for last, in vain or not.
#[derive(Default)]
struct Keys {
    kept: Option<Kept<Arc<Vec<Key>>>>,
    asked_at: Option<Moment>,
}

/// What somebody came back with, and what belongs to it.
pub(super) struct Return<'a> {
    pub code: &'a str,
    pub redirect_uri: &'a str,
    pub verifier: &'a str,
    pub nonce: &'a str,
}

/// Why a provider told nobody's name. For the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderFault {
    #[error(transparent)]
    Fetch(#[from] FetchFault),
    #[error(transparent)]
    Token(#[from] TokenFault),
    #[error("its page about the person is about somebody else")]
    AnotherPerson,
    #[error("another request has been waiting for it for too long")]
    Busy,
}

impl ProviderFault {
    /// Whether the provider is to blame, and another attempt may succeed; else what came is not believed.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Fetch(FetchFault::Refused { .. }) | Self::Token(_) | Self::AnotherPerson => false,
            Self::Fetch(
                FetchFault::Unreachable(_)
                | FetchFault::Status(_)
                | FetchFault::TooLong
                | FetchFault::Unsound(_),
            )
            | Self::Busy => true,
        }
    }
}

impl<T: Clone> Kept<T> {
    fn since(&self, now: Moment, longest: SignedDuration) -> Option<T> {
        (self.at <= now && now < self.at.plus(longest)).then(|| self.it.clone())
    }
}

impl Provider {
    /// A provider of which nothing is known yet.
    pub(super) fn new(settings: ProviderSettings, web: Web) -> Self {
        Self { settings, web, discovery: Mutex::default(), keys: Mutex::default() }
    }

    /// Where somebody signs in, who will be sent back with this state.
    pub(super) async fn authorization_url(
        &self,
        now: Moment,
        redirect_uri: &str,
        state: &str,
        nonce: &str,
        challenge: &str,
    ) -> Result<String, ProviderFault> {
        let discovery = self.discovery(now).await?;
        let mut url = discovery.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        if url.as_str().len() > LONGEST_URL {
            return Err(FetchFault::Unsound("its authorization_endpoint is too long").into());
        }
        Ok(url.into())
    }

    /// Who came back: the code is exchanged, and the ID token that it brings is judged.
    pub(super) async fn identify(&self, now: Moment, came: &Return<'_>) -> Result<Person, ProviderFault> {
        let discovery = self.discovery(now).await?;
        let answer = self.exchange(&discovery, came).await?;
        let token = answer["id_token"].as_str().ok_or(FetchFault::Unsound("it has no id_token"))?;
        let header = Header::of(token)?;
        let keys = self.keys(now, &discovery, &header).await?;
        let key = header.key(&keys).ok_or(TokenFault::UnknownKey)?;
        let claims = id_token::authentic(token, &header, key)?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce: came.nonce,
            now: now.timestamp(),
        };
        let person = id_token::judge(&claims, &expected)?;
        match (&person.address, &discovery.userinfo_endpoint, answer["access_token"].as_str()) {
            (Address::Unknown, Some(url), Some(token)) => self.ask_about(person, url, token).await,
            _ => Ok(person),
        }
    }

    async fn exchange(&self, discovery: &Discovery, came: &Return<'_>) -> Result<Value, FetchFault> {
        let client = self.settings.client_id.as_str();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", came.code),
            ("redirect_uri", came.redirect_uri),
            ("code_verifier", came.verifier),
        ];
        let secret = self.settings.client_secret.as_ref().map(|secret| secret.reveal());
        let authorization = match (secret, discovery.client_authentication) {
            (Some(secret), ClientAuthentication::Basic) => {
                // Each is encoded as in a form first (RFC 6749, section 2.3.1).
                let pair = format!("{}:{}", encoded(client), encoded(secret));
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            (Some(secret), ClientAuthentication::Post) => {
                form.extend([("client_id", client), ("client_secret", secret)]);
                None
            }
            (None, ClientAuthentication::Basic | ClientAuthentication::Post) => {
                form.push(("client_id", client));
                None
            }
        };
        let form = serde_html_form::to_string(&form).map_err(|_| FetchFault::Unsound("no form"))?;
        self.web.post(&discovery.token_endpoint, authorization.as_deref(), form).await
    }

    /// Completes somebody by the provider's own page about them: some providers write no address into
    /// the ID token.
    async fn ask_about(&self, person: Person, url: &Url, token: &str) -> Result<Person, ProviderFault> {
        let said = self.web.get(url, Some(token)).await?;
        if said["sub"].as_str() != Some(person.subject.as_str()) {
            return Err(ProviderFault::AnotherPerson);
        }
        Ok(Person {
            address: id_token::address(&said),
            name: person.name.or(id_token::name(&said)),
            ..person
        })
    }

    async fn discovery(&self, now: Moment) -> Result<Arc<Discovery>, ProviderFault> {
        let mut known = self.discovery_turn().await?;
        if let Some(discovery) = known.as_ref().and_then(|kept| kept.since(now, DISCOVERY_KEPT)) {
            return Ok(discovery);
        }
        let issuer = &self.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = endpoint(&url).ok_or(FetchFault::Unsound("the issuer is no address"))?;
        let published = self.web.get(&url, None).await?;
        let discovery = Arc::new(Discovery::of(&published, issuer)?);
        *known = Some(Kept { it: discovery.clone(), at: now });
        Ok(discovery)
    }

    async fn discovery_turn(
        &self,
    ) -> Result<tokio::sync::MutexGuard<'_, Option<Kept<Arc<Discovery>>>>, ProviderFault> {
        tokio::time::timeout(TURN, self.discovery.lock()).await.map_err(|_| ProviderFault::Busy)
    }

    /// The provider's keys; asked for anew where they are old, or none of them is the token's.
    async fn keys(
        &self,
        now: Moment,
        discovery: &Discovery,
        header: &Header,
    ) -> Result<Arc<Vec<Key>>, ProviderFault> {
        let mut known =
            tokio::time::timeout(TURN, self.keys.lock()).await.map_err(|_| ProviderFault::Busy)?;
        if let Some(keys) = known.kept.as_ref().and_then(|kept| kept.since(now, KEYS_KEPT)) {
            let asked_just_now = known.asked_at.is_some_and(|at| at <= now && now < at.plus(KEYS_ASKED));
            if asked_just_now || header.key(&keys).is_some() {
                return Ok(keys);
            }
        }
        known.asked_at = Some(now);
        let keys = Arc::new(id_token::keys(&self.web.get(&discovery.jwks_uri, None).await?));
        known.kept = Some(Kept { it: keys.clone(), at: now });
        Ok(keys)
    }
}

impl Discovery {
    /// Reads a discovery document (OpenID Connect Discovery 1.0, section 3); it must be of this issuer.
    fn of(published: &Value, issuer: &str) -> Result<Self, FetchFault> {
        if published["issuer"].as_str() != Some(issuer) {
            return Err(FetchFault::Unsound("it is the document of another issuer"));
        }
        // Only a provider on this machine, for tests and trials, may leave the encryption out.
        let local = endpoint(issuer).is_some_and(|issuer| is_loopback(&issuer));
        let address = |field: &str| {
            let url = published[field].as_str().and_then(endpoint)?;
            (url.scheme() == "https" || local).then_some(url)
        };
        let missing = FetchFault::Unsound;
        let methods = published["token_endpoint_auth_methods_supported"].as_array();
        let offers = |method: &str| methods.is_some_and(|all| all.iter().any(|one| one == method));
        let client_authentication = match methods {
            Some(_) if !offers("client_secret_basic") && offers("client_secret_post") => {
                ClientAuthentication::Post
            }
            Some(_) | None => ClientAuthentication::Basic,
        };
        Ok(Self {
            authorization_endpoint: address("authorization_endpoint")
                .ok_or(missing("it has no sound authorization_endpoint"))?,
            token_endpoint: address("token_endpoint").ok_or(missing("it has no sound token_endpoint"))?,
            jwks_uri: address("jwks_uri").ok_or(missing("it has no sound jwks_uri"))?,
            userinfo_endpoint: address("userinfo_endpoint"),
            client_authentication,
        })
    }
}

/// A text as it stands in a form.
fn encoded(text: &str) -> String {
    serde_html_form::to_string([("v", text)]).unwrap_or_default().split_off(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_encoded_as_in_a_form() {
        assert_eq!(encoded("a b:c&d%é"), "a+b%3Ac%26d%25%C3%A9");
        assert_eq!(encoded(""), "");
    }

    #[test]
    fn a_discovery_document_is_of_its_issuer_and_encrypted() {
        let document = |issuer: &str, host: &str| {
            json!({
                "issuer": issuer, "authorization_endpoint": format!("{host}/a?tenant=1"),
                "token_endpoint": format!("{host}/t"), "jwks_uri": format!("{host}/k"),
            })
        };
        let (far, near) = ("https://id.example", "http://127.0.0.1:4000");
        assert!(Discovery::of(&document(far, far), far).is_ok());
        assert!(Discovery::of(&document(near, near), near).is_ok());
        assert!(Discovery::of(&document(far, far), "https://id.example/").is_err());
        assert!(Discovery::of(&document(far, near), far).is_err());
        assert!(Discovery::of(&document(near, "http://id.example"), near).is_err());
        assert!(Discovery::of(&json!({"issuer": far}), far).is_err());
    }
}
