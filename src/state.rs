//! What every request shares: the store, the keys, the limits, the document.

use std::sync::{Arc, LazyLock};

use crate::access::Desk;
use crate::access::jwt::AccessTokens;
use crate::access::keys::KeyRing;
use crate::access::password::Hasher;
use crate::config::Config;
use crate::http::content::Content;
use crate::http::limits::Limits;
use crate::http::memory::Memory;
use crate::http::parameters::Parameters;
use crate::kpis::points::record::Posting;
use crate::people::sign_on::SignOn;
use crate::store::Store;

/// Shared by all workers; nothing in it decides anything that another node might decide otherwise.
pub struct State {
    /// The database.
    pub store: Store,
    /// The settings that requests look at.
    pub config: Config,
    /// Signing keys and the server's secret.
    pub keys: KeyRing,
    /// How access tokens are made and checked.
    pub access_tokens: AccessTokens,
    /// Hashes passwords, a few at a time.
    pub hasher: Hasher,
    /// The providers of single sign-on.
    pub sign_on: SignOn,
    /// What a caller may ask per minute.
    pub limits: Limits,
    /// The OpenAPI document as it is served, made when it is first asked for.
    pub document: LazyLock<serde_json::Result<Content>>,
    /// The query parameters of all operations, as that document has them.
    pub parameters: Parameters,
    /// Seals page cursors.
    pub cursor_key: [u8; 32],
    /// Makes the successors of refresh tokens.
    pub refresh_key: [u8; 32],
    /// Makes the tokens that mails bear.
    pub mailed_key: [u8; 32],
    /// What was answered a moment ago.
    pub memory: Memory,
    /// Where points wait to be stored together.
    pub points: Arc<Desk<Posting>>,
    /// Wakes whoever sends mails on this node: one has come.
    pub mail_waits: tokio::sync::Notify,
}
