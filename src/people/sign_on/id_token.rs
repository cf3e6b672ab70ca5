//! ID tokens: what a provider states about somebody, checked before any of it is believed.
//!
//! OpenID Connect Core 1.0, section 3.1.3.7, as strictly as RFC 8725 asks: an algorithm of a list
//! without symmetric ones, a key from the provider's own set and nowhere else, that key for its own
//! kind of algorithm only. Times are judged against the instant that the caller passes in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::access::secret::same;
use crate::http::json;

/// How far the clocks of the provider and this server may differ, in seconds.
const LEEWAY: f64 = 30.0;
/// How old a token may be that was just asked for, in seconds.
const OLDEST: f64 = 600.0;
const LONGEST_TOKEN: usize = 16 * 1024;
const LONGEST_HEADER: usize = 1024;
/// As many keys of a set are looked at.
const MOST_KEYS: usize = 100;

/// Why an ID token is not believed. For the log: callers are told no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("the ID token is too long")]
    TooLong,
    #[error("the ID token is none")]
    Malformed,
    #[error("the ID token's header is refused")]
    Header,
    #[error("the ID token's algorithm is refused")]
    Algorithm,
    #[error("the ID token's key is not in the provider's set")]
    UnknownKey,
    #[error("the ID token's signature is wrong")]
    Signature,
    #[error("the ID token's claims are missing or of a wrong type")]
    Claims,
    #[error("the ID token is from another issuer")]
    Issuer,
    #[error("the ID token is for somebody else")]
    Audience,
    #[error("the ID token is not yet valid")]
    NotYet,
    #[error("the ID token is expired or too old")]
    Expired,
    #[error("the ID token answers another question")]
    Nonce,
}

/// A public key of a provider.
pub(super) struct Key {
    id: Option<String>,
    /// What it may verify.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// What a token's header says.
pub(super) struct Header {
    algorithm: Algorithm,
    key: Option<String>,
}

/// What a token has to state.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// Somebody, as a provider describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// The provider's own name for them, which never passes to somebody else.
    pub subject: String,
    /// The address, with what the provider says of it.
    pub address: Address,
    /// What people call them.
    pub name: Option<String>,
}

/// An e-mail address, as a provider states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The provider vouches for it.
    Verified(String),
    /// It does not.
    Unverified,
    /// It says nothing of one.
    Unknown,
}

/// The keys of a set that can verify; others are passed over, symmetric ones among them.
pub(super) fn keys(set: &Value) -> Vec<Key> {
    let all = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().take(MOST_KEYS).filter_map(key).collect()
}

fn key(jwk: &Value) -> Option<Key> {
    let text = |field: &str| jwk[field].as_str();
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (algorithms, key) = match (text("kty")?, text("crv")) {
        ("RSA", _) => (
            vec![Algorithm::RS256, Algorithm::PS256],
            DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?,
        ),
        ("EC", Some("P-256")) => {
            (vec![Algorithm::ES256], DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        ("OKP", Some("Ed25519")) => {
            (vec![Algorithm::EdDSA], DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        _ => return None,
    };
    let algorithms = match text("alg") {
        None => algorithms,
        Some(only) => algorithms.into_iter().filter(|one| named(only) == Some(*one)).collect(),
    };
    let id = text("kid").map(str::to_owned);
    (!algorithms.is_empty()).then_some(Key { id, algorithms, key })
}

/// The algorithms that are taken. A symmetric one would let whoever knows a public key sign.
fn named(algorithm: &str) -> Option<Algorithm> {
    match algorithm {
        "RS256" => Some(Algorithm::RS256),
        "PS256" => Some(Algorithm::PS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

impl Header {
    /// Reads a token's header.
    pub fn of(token: &str) -> Result<Self, TokenFault> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenFault::TooLong);
        }
        let (header, _) = token.split_once('.').ok_or(TokenFault::Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenFault::Malformed)?;
        if header.len() > LONGEST_HEADER {
            return Err(TokenFault::TooLong);
        }
        let header = object(&header).ok_or(TokenFault::Header)?;
        // What must be understood is not understood here; and a token of another type is for something else.
        if header.get("crit").is_some() || header.get("typ").is_some_and(|one| !is_jwt(one)) {
            return Err(TokenFault::Header);
        }
        let algorithm = header["alg"]
            .as_str()
            .ok_or(TokenFault::Header)
            .and_then(|one| named(one).ok_or(TokenFault::Algorithm))?;
        let key = match header.get("kid") {
            None => None,
            Some(Value::String(key)) => Some(key.clone()),
            Some(_) => return Err(TokenFault::Header),
        };
        Ok(Self { algorithm, key })
    }

    /// The key that verifies: the one that is named, or the only one that can be meant.
    pub fn key<'a>(&self, keys: &'a [Key]) -> Option<&'a Key> {
        let mut fitting = keys.iter().filter(|key| {
            key.algorithms.contains(&self.algorithm) && (self.key.is_none() || key.id == self.key)
        });
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

fn is_jwt(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("jwt"))
}

fn object(json: &[u8]) -> Option<Value> {
    json::read(json).ok().filter(Value::is_object)
}

/// What a token says that this key signed. Nothing of it was judged yet.
pub(super) fn authentic(token: &str, header: &Header, key: &Key) -> Result<Value, TokenFault> {
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (_, claims) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, header.algorithm) {
        Ok(true) => {}
        Ok(false) | Err(_) => return Err(TokenFault::Signature),
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenFault::Malformed)?;
    object(&claims).ok_or(TokenFault::Claims)
}

/// Whom the claims describe, if they are the answer to what was asked.
pub(super) fn judge(claims: &Value, expected: &Expected) -> Result<Person, TokenFault> {
    if claims["iss"].as_str() != Some(expected.issuer) {
        return Err(TokenFault::Issuer);
    }
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap_or_default()).collect(),
        _ => return Err(TokenFault::Claims),
    };
    let party = claims.get("azp").map(|party| party.as_str().unwrap_or_default());
    let ours = audiences.contains(&expected.client_id)
        && match party {
            Some(party) => party == expected.client_id,
            // Of several audiences one was given the token, and it must say that it is this one.
            None => audiences.len() == 1,
        };
    if !ours {
        return Err(TokenFault::Audience);
    }
    let seconds = |claim: &str| match claims.get(claim) {
        None => Ok(None),
        Some(value) => value.as_f64().filter(|one| one.is_finite()).map(Some).ok_or(TokenFault::Claims),
    };
    let (ends, made) =
        (seconds("exp")?.ok_or(TokenFault::Claims)?, seconds("iat")?.ok_or(TokenFault::Claims)?);
    let begins = seconds("nbf")?.unwrap_or(made);
    // Whole seconds up to 2^53 are exact.
    let now = expected.now.as_second() as f64;
    if now < made - LEEWAY || now < begins - LEEWAY {
        return Err(TokenFault::NotYet);
    }
    if now >= ends + LEEWAY || now > made + OLDEST + LEEWAY {
        return Err(TokenFault::Expired);
    }
    match claims["nonce"].as_str() {
        Some(nonce) if same(nonce.as_bytes(), expected.nonce.as_bytes()) => {}
        _ => return Err(TokenFault::Nonce),
    }
    let subject = claims["sub"].as_str().unwrap_or_default();
    if !(1..=255).contains(&subject.len()) || subject.contains(char::is_control) {
        return Err(TokenFault::Claims);
    }
    Ok(Person { subject: subject.to_owned(), address: address(claims), name: name(claims) })
}

/// The address in claims, of a token or of the provider's own page about somebody.
pub(super) fn address(claims: &Value) -> Address {
    let Some(email) = claims["email"].as_str() else { return Address::Unknown };
    // Some providers write the truth as a text.
    let verified = claims["email_verified"] == true || claims["email_verified"] == "true";
    if verified && is_address(email) { Address::Verified(email.to_owned()) } else { Address::Unverified }
}

/// Whether it is an address as registering takes it.
fn is_address(text: &str) -> bool {
    let whole = text
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    whole
        && text.chars().count() <= 254
        && !text.contains(|one: char| one.is_whitespace() || one.is_control())
}

/// What to call somebody, in the form that names have.
pub(super) fn name(claims: &Value) -> Option<String> {
    let said = claims["name"].as_str().or_else(|| claims["preferred_username"].as_str())?;
    let plain: String = said.chars().filter(|one| !one.is_control()).take(200).collect();
    Some(plain.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
