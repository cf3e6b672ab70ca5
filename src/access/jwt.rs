//! Access tokens: signed statements that a person has signed in, good for ten minutes.
//!
//! JWT (RFC 7519) in the profile of RFC 9068, checked as RFC 8725 asks: one algorithm, keys from
//! the key ring and nowhere else, every claim required. They carry ids and times and no rights; what
//! a person may do is read from the store at each request. Times are judged against the instant that
//! the caller passes in, in whole seconds, and never by the library, which reads the system clock.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::KeyRing;
use super::seen_tokens::{Seen, SeenTokens};
use crate::store::id::random_bytes;

/// How long an access token is good for, in seconds.
pub const LIFETIME_SECONDS: i64 = 600;

/// How far the clocks of two nodes may differ, in seconds.
pub const LEEWAY_SECONDS: i64 = 30;

const TYPE: &str = "at+jwt";
const LONGEST_TOKEN: usize = 4096;
const LONGEST_HEADER: usize = 1024;

/// What an access token states. Unknown and repeated members are refused, so that no two readers
/// can understand one token differently: a new claim must be readable a release before it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The server that signed it.
    pub iss: String,
    /// The API that it is for.
    pub aud: String,
    /// Whose it is: the text id of an account.
    pub sub: String,
    /// The session that it belongs to: revoking the session ends it.
    pub sid: String,
    /// The token's own name, for logs: 128 random bits in base64url.
    pub jti: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when it is good, in seconds since 1970.
    pub nbf: i64,
    /// From when it is no longer good, in seconds since 1970.
    pub exp: i64,
}

/// The three members of a header; `crit`, `jku`, `jwk`, `x5u`, `x5c` and the like are unknown here
/// and therefore refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// Why a token is not accepted. For logs: callers are told 401 and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// More than 4 KiB, or a header of more than 1 KiB.
    #[error("too long")]
    TooLong,
    /// Not three parts in base64url.
    #[error("not a token")]
    Malformed,
    /// A header that is no JSON object of exactly alg, typ and kid.
    #[error("header refused")]
    Header,
    /// Another algorithm than EdDSA.
    #[error("algorithm refused")]
    Algorithm,
    /// Another type than `at+jwt`, such as a token for another purpose.
    #[error("type refused")]
    Type,
    /// A key that is not in the ring.
    #[error("unknown key")]
    UnknownKey,
    /// Signed by someone else, or changed since.
    #[error("wrong signature")]
    Signature,
    /// Claims missing, unknown, repeated, empty or of a wrong type.
    #[error("claims refused")]
    Claims,
    /// Issued by another server.
    #[error("another issuer")]
    Issuer,
    /// Meant for another API.
    #[error("another audience")]
    Audience,
    /// Times that this server would never write.
    #[error("absurd times")]
    Times,
    /// Issued or good only later.
    #[error("not yet valid")]
    NotYet,
    /// Too old.
    #[error("expired")]
    Expired,
    /// The library could not sign.
    #[error("could not sign")]
    Signing,
}

/// Makes and checks the access tokens of one server.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    issuer: String,
    audience: String,
    seen: Arc<SeenTokens>,
}

impl AccessTokens {
    /// For tokens from this issuer, as a URL, for this audience.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), seen: Arc::default() }
    }

    /// What a token says that is issued at `at` to this account for this session.
    pub fn claims(&self, account: &str, session: &str, at: Timestamp) -> Claims {
        let iat = at.as_second();
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: account.to_owned(),
            sid: session.to_owned(),
            jti: URL_SAFE_NO_PAD.encode(random_bytes::<16>()),
            iat,
            nbf: iat,
            exp: iat.saturating_add(LIFETIME_SECONDS),
        }
    }

    /// The claims of a token that this server signed, for this audience, good at `now`.
    pub fn verify(&self, ring: &KeyRing, token: &str, now: Timestamp) -> Result<Claims, TokenFault> {
        let known = self.seen.find(token).filter(|seen| ring.now().verifying(&seen.kid).is_some());
        if let Some(seen) = known {
            return self.hold(seen.claims, now);
        }
        let seen = authentic(ring, token)?;
        let claims = self.hold(seen.claims.clone(), now)?;
        self.seen.keep(token, seen, now.as_second());
        Ok(claims)
    }

    /// The claims of an authentic token, if they are those of this server, for this audience, and good at `now`.
    fn hold(&self, claims: Claims, now: Timestamp) -> Result<Claims, TokenFault> {
        if claims.iss != self.issuer {
            return Err(TokenFault::Issuer);
        }
        if claims.aud != self.audience {
            return Err(TokenFault::Audience);
        }
        if [&claims.sub, &claims.sid, &claims.jti].into_iter().any(String::is_empty) {
            return Err(TokenFault::Claims);
        }
        // In this order no sum can overflow: iat is bounded before it is added to.
        let sane = claims.iat >= 0
            && claims.iat <= Timestamp::MAX.as_second()
            && claims.nbf >= claims.iat
            && claims.exp > claims.nbf
            && claims.exp <= claims.iat + LIFETIME_SECONDS;
        if !sane {
            return Err(TokenFault::Times);
        }
        let now = now.as_second();
        if now < claims.nbf - LEEWAY_SECONDS {
            return Err(TokenFault::NotYet);
        }
        if now >= claims.exp + LEEWAY_SECONDS {
            return Err(TokenFault::Expired);
        }
        Ok(claims)
    }
}

/// The token that states these claims, signed with the newest key of the ring.
pub fn sign(ring: &KeyRing, claims: &Claims) -> Result<String, TokenFault> {
    let keys = ring.now();
    let (kid, key) = keys.signing();
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, key).map_err(|_| TokenFault::Signing)
}

/// The claims of a token that a key of the ring signed. They are not looked at before.
fn authentic(ring: &KeyRing, token: &str) -> Result<Seen, TokenFault> {
    if token.len() > LONGEST_TOKEN {
        return Err(TokenFault::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    // A further dot, white space or padding is no base64url, so it fails here.
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenFault::Malformed)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenFault::Malformed)?;
    if header.len() > LONGEST_HEADER {
        return Err(TokenFault::TooLong);
    }
    let header: StrictHeader = object(&header).ok_or(TokenFault::Header)?;
    if header.alg != "EdDSA" {
        return Err(TokenFault::Algorithm);
    }
    if header.typ != TYPE {
        return Err(TokenFault::Type);
    }
    let mut keys = ring.now();
    if keys.verifying(&header.kid).is_none() && ring.refresh() {
        // Another node has rotated a moment ago. Whoever makes keys up costs a look at the file's date.
        keys = ring.now();
    }
    let key = keys.verifying(&header.kid).ok_or(TokenFault::UnknownKey)?;
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, Algorithm::EdDSA) {
        Ok(true) => {
            let claims = object(&claims).ok_or(TokenFault::Claims)?;
            Ok(Seen { kid: header.kid, claims })
        }
        _ => Err(TokenFault::Signature),
    }
}

/// A JSON object as a struct. The derived readers refuse missing, unknown and repeated members and
/// numbers that are not integers, but would read an array as well.
fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    json.starts_with(b"{").then(|| serde_json::from_slice(json).ok()).flatten()
}

#[cfg(test)]
mod tests;
