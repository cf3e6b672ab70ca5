//! Access tokens whose signature was found right, so that it is checked once and not with every request.
//!
//! Only the signature is remembered: whether its key is still trusted, the times, the session and the membership are
//! asked each time. Nobody can fill the memory with tokens that this server did not sign.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::jwt::Claims;

/// How many tokens are remembered.
const MOST: usize = 10_000;

/// The tokens that were seen.
#[derive(Debug, Default)]
pub(super) struct SeenTokens(RwLock<HashMap<String, Seen>>);

/// What a token that was seen says, and the name of the key that signed it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The key's name.
    pub(super) kid: String,
    /// What it states.
    pub(super) claims: Claims,
}

impl SeenTokens {
    /// What is known of a token.
    pub(super) fn find(&self, token: &str) -> Option<Seen> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Remembers a token until it has expired, in seconds since 1970.
    pub(super) fn keep(&self, token: &str, seen: Seen, now: i64) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST {
            tokens.retain(|_, seen| seen.claims.exp > now);
        }
        // So many good ones at once are rare: all are looked at once more.
        if tokens.len() >= MOST {
            tokens.clear();
        }
        tokens.insert(token.to_owned(), seen);
    }
}
