//! What single sign-on stores: who somebody is at a provider, and sign-ins that are under way.

use diesel::prelude::*;
use jiff::SignedDuration;

use crate::access::secret::{Secret, SecretKind, same};
use crate::http::Result;
use crate::store::schema::{authorizations, identities};
use crate::store::{AccountId, IdentityId, Moment, SessionId, Tx};

/// How long somebody may take at the provider.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// What travels through the browser to the provider and back.
pub(super) enum State {}
impl SecretKind for State {
    const PREFIX: &'static str = "rgo_";
}

/// What only the caller that began knows.
pub(super) enum Beginning {}
impl SecretKind for Beginning {
    const PREFIX: &'static str = "rgb_";
}

pub(super) type StateToken = Secret<State>;
pub(super) type BeginningSecret = Secret<Beginning>;

/// Who somebody is at a provider.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = identities)]
pub struct IdentityRow {
    pub id: IdentityId,
    pub account_id: AccountId,
    pub provider: String,
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub created_at: Moment,
    pub last_used_at: Moment,
}

/// A sign-in at a provider that is under way.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = authorizations)]
pub(super) struct AuthorizationRow {
    pub state_hash: Vec<u8>,
    pub secret_hash: Vec<u8>,
    pub provider: String,
    pub issuer: String,
    pub redirect_uri: String,
    /// The session of the person who links the provider to their account; none for a sign-in.
    pub session_id: Option<SessionId>,
    pub created_at: Moment,
    pub expires_at: Moment,
}

impl IdentityRow {
    /// The identity of an issuer's subject.
    pub fn of_subject(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<Self>> {
        let known =
            identities::table.filter(identities::issuer.eq(issuer)).filter(identities::subject.eq(subject));
        Ok(known.first(tx.db()).optional()?)
    }

    /// The identities of an account, oldest first.
    pub fn of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<Self>> {
        let own = identities::table.filter(identities::account_id.eq(account));
        Ok(own.order(identities::id).load(tx.db())?)
    }

    /// Stores it.
    pub fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(identities::table).values(self).execute(tx.db())?;
        Ok(())
    }

    /// Says that it was used, and what address it has now; `false` where it was unlinked meanwhile.
    pub fn touch(&self, tx: &mut Tx, email: Option<&str>) -> Result<bool> {
        let email = email.or(self.email.as_deref());
        let row = identities::table.filter(identities::id.eq(self.id));
        let found = diesel::update(row)
            .set((identities::email.eq(email), identities::last_used_at.eq(tx.now)))
            .execute(tx.db())?;
        Ok(found == 1)
    }

    /// Takes away all of an account that goes away.
    pub fn delete_all(tx: &mut Tx, account: AccountId) -> Result<()> {
        diesel::delete(identities::table.filter(identities::account_id.eq(account))).execute(tx.db())?;
        Ok(())
    }

    /// Takes it away.
    pub fn delete(&self, tx: &mut Tx) -> Result<()> {
        diesel::delete(identities::table.filter(identities::id.eq(self.id))).execute(tx.db())?;
        Ok(())
    }
}

impl AuthorizationRow {
    /// Stores it.
    pub fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(authorizations::table).values(self).execute(tx.db())?;
        Ok(())
    }

    /// Takes the one that was begun with these two secrets at this provider, if it still holds. Of many
    /// who want it at once one gets it; whoever has not the second secret takes nothing away.
    pub fn take(
        tx: &mut Tx,
        state: &StateToken,
        secret: &BeginningSecret,
        provider: (&str, &str),
    ) -> Result<Option<Self>> {
        let now = tx.now;
        let row = authorizations::table.filter(authorizations::state_hash.eq(state.hash().to_vec()));
        let found: Option<Self> = row.clone().first(tx.db()).optional()?;
        let Some(found) = found else { return Ok(None) };
        if !same(&found.secret_hash, &secret.hash())
            || (found.provider.as_str(), found.issuer.as_str()) != provider
        {
            return Ok(None);
        }
        let taken = diesel::delete(row).execute(tx.db())?;
        Ok(Some(found).filter(|found| taken == 1 && now < found.expires_at))
    }
}

/// Drops sign-ins that nobody finished.
pub fn sweep(tx: &mut Tx) -> Result<usize> {
    let ended = authorizations::table.filter(authorizations::expires_at.le(tx.now));
    Ok(diesel::delete(ended).execute(tx.db())?)
}
