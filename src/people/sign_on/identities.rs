//! With what a person can sign in: their password, and the providers that are linked to the account.

use serde::Serialize;
use utoipa::ToSchema;

use super::fresh_session;
use super::row::IdentityRow;
use crate::access::target::{FromSegment, Segment, invalid_id};
use crate::access::{Db, People, Scoped};
use crate::http::answer::Answer;
use crate::http::text::{Email, Name, Slug};
use crate::http::{Code, Json, NoContent, Nothing, Problem, Refusals, Refuses, Result};
use crate::people::accounts::AccountRow;
use crate::store::{IdentityId, Moment};

/// With what a person can sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Identities {
    /// The providers that are linked, oldest first.
    #[schema(max_items = 20)]
    items: Vec<Identity>,
    /// Whether the account has a password.
    has_password: bool,
}

/// A person of a provider who is linked to the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Identity {
    /// The identity's id.
    id: IdentityId,
    /// The provider's slug.
    #[schema(value_type = Slug)]
    provider: String,
    /// What people call the provider; null where the server knows it no more, and nobody can sign in with it.
    #[schema(value_type = Option<Name>)]
    provider_name: Option<String>,
    /// The address that the provider vouched for last; null where it did for none.
    #[schema(value_type = Option<Email>)]
    email: Option<String>,
    /// When it was linked.
    created_at: Moment,
    /// When somebody signed in with it last.
    last_used_at: Moment,
    /// Whether it can be unlinked: the last way in stays.
    can_unlink: bool,
}

/// What unlinking may be refused with.
pub enum NotUnlinked {}
impl Refusals for NotUnlinked {
    const CODES: &'static [Code] = &[Code::SignInAgain, Code::LastWayIn];
}

impl FromSegment for IdentityRow {
    const PARAMETER: &'static str = "identity";
    const REFUSES: &'static [Code] = &[Code::InvalidId, Code::NotFound];

    fn read(tx: &mut Scoped, text: &str) -> Result<Self> {
        let account = tx.signed()?.account;
        let id: IdentityId = text.parse().map_err(invalid_id)?;
        let own = Self::of_account(tx, account)?;
        own.into_iter().find(|row| row.id == id).ok_or_else(Problem::not_found)
    }
}

pub async fn list_identities(db: Db<People>) -> Answer<Json<Identities>> {
    db.read((), Nothing, |tx, (), ()| {
        let ways = Ways::of(tx)?;
        let items = ways.identities.iter().map(|row| Identity {
            id: row.id,
            provider_name: tx.state().sign_on.named(row).map(|provider| provider.settings.name.clone()),
            provider: row.provider.clone(),
            email: row.email.clone(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            can_unlink: ways.remain_without(tx, row),
        });
        Ok(Json::new(Identities { items: items.collect(), has_password: ways.has_password }))
    })
    .await
}

pub async fn unlink_identity(
    db: Db<People>,
    identity: Segment<IdentityRow>,
    _: Refuses<NotUnlinked>,
) -> Answer<NoContent> {
    db.write(identity, Nothing, |tx, row, ()| {
        fresh_session(tx)?;
        if !Ways::of(tx)?.remain_without(tx, row) {
            let detail = "the account has no password and no other provider that this server knows";
            return Err(Problem::new(Code::LastWayIn, detail));
        }
        row.delete(tx)?;
        tracing::info!(
            request_id = tx.author().request_id,
            account = %row.account_id,
            provider = row.provider,
            "a provider was unlinked"
        );
        Ok(NoContent)
    })
    .await
}

/// All ways into the caller's account.
struct Ways {
    identities: Vec<IdentityRow>,
    has_password: bool,
}

impl Ways {
    fn of(tx: &mut Scoped) -> Result<Self> {
        let account = tx.signed()?.account;
        let account = AccountRow::by_id(tx, account)?.ok_or_else(Problem::not_found)?;
        let has_password = account.phc().is_some();
        Ok(Self { identities: IdentityRow::of_account(tx, account.id)?, has_password })
    }

    /// Whether there is a way in beside this one. A provider that the server knows no more is none.
    fn remain_without(&self, tx: &Scoped, gone: &IdentityRow) -> bool {
        self.has_password
            || self.identities.iter().any(|row| row.id != gone.id && tx.state().sign_on.named(row).is_some())
    }
}
