//! Whose account a provider's person has, and which workspaces they join.
//!
//! A person is known by issuer and subject, never by the address alone: an address makes an account
//! where there is none, and takes over none that exists. Whoever registered it first may be somebody
//! else, so its owner signs in with the password and links the provider.

use diesel::prelude::*;
use serde_json::json;

use super::callback::refused;
use super::id_token::{Address, Person};
use super::provider::Provider;
use super::row::IdentityRow;
use super::settings::JoinRule;
use crate::access::Scoped;
use crate::access::caller::AccountState;
use crate::access::caller::Duty;
use crate::access::secret::InvitationToken;
use crate::config::Registration;
use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::people;
use crate::people::accounts::AccountRow;
use crate::people::invitations::Invited;
use crate::people::members::{self, MemberRow};
use crate::people::workspaces;
use crate::store::journal::EventType;
use crate::store::schema::{sessions, teams};
use crate::store::{AccountId, IdentityId, Lane, SessionId, Tx};

/// As many identities an account has at the most.
const MOST_IDENTITIES: usize = 20;

/// Where a body has an invitation.
pub(super) const INVITATION: &str = "/invitation_token";

/// Somebody who came back from a provider.
pub(super) struct Arrival {
    pub provider: std::sync::Arc<Provider>,
    pub person: Person,
    pub purpose: Purpose,
    pub invitation: Option<InvitationToken>,
}

/// What somebody went to a provider for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// To sign in.
    SignIn,
    /// To link the provider to the account of this session.
    Link(SessionId),
}

impl Arrival {
    fn verified(&self) -> Option<&str> {
        match &self.person.address {
            Address::Verified(email) => Some(email),
            Address::Unverified | Address::Unknown => None,
        }
    }

    fn identity(&self, tx: &mut Tx) -> Result<Option<IdentityRow>> {
        IdentityRow::of_subject(tx, &self.provider.settings.issuer, &self.person.subject)
    }

    /// The rules that hold for the address that the provider vouches for.
    fn rules(&self) -> impl Iterator<Item = &JoinRule> {
        let domain =
            self.verified().and_then(|email| email.split_once('@')).map(|(_, domain)| folded(domain));
        self.provider.settings.joins.iter().filter(move |rule| Some(&rule.domain) == domain.as_ref())
    }

    fn link(&self, tx: &mut Tx, account: AccountId) -> Result<()> {
        IdentityRow {
            id: IdentityId::generate(tx.now.timestamp()),
            account_id: account,
            provider: self.provider.settings.slug.clone(),
            issuer: self.provider.settings.issuer.clone(),
            subject: self.person.subject.clone(),
            email: self.verified().map(str::to_owned),
            created_at: tx.now,
            last_used_at: tx.now,
        }
        .insert(tx)
    }
}

/// The account of somebody who came back: found, made, or linked; and a member where a rule says so.
pub(super) fn account_of(tx: &mut Scoped, arrival: &Arrival) -> Result<AccountRow> {
    let account = match arrival.purpose {
        Purpose::Link(session) => linked(tx, arrival, session)?,
        Purpose::SignIn => match arrival.identity(tx)? {
            Some(identity) => known(tx, arrival, &identity)?,
            None => {
                tx.register_alone()?;
                // Somebody may have come with the same identity at the same moment.
                match arrival.identity(tx)? {
                    Some(identity) => known(tx, arrival, &identity)?,
                    None => made(tx, arrival)?,
                }
            }
        },
    };
    for rule in arrival.rules() {
        join(tx, arrival, rule, &account)?;
    }
    Ok(account)
}

/// Whoever was here before.
fn known(tx: &mut Scoped, arrival: &Arrival, identity: &IdentityRow) -> Result<AccountRow> {
    let linked = identity.touch(tx, arrival.verified())?;
    match AccountRow::by_id(tx, identity.account_id)? {
        Some(account) if linked && account.state == AccountState::Active => Ok(account),
        _ => {
            tracing::info!(request_id = tx.author().request_id, account = %identity.account_id, "the account cannot sign in");
            Err(refused())
        }
    }
}

/// Whoever proved to be the account's person by being signed in to it when they began.
fn linked(tx: &mut Scoped, arrival: &Arrival, session: SessionId) -> Result<AccountRow> {
    let now = tx.now;
    let account: Option<AccountId> = sessions::table
        .filter(sessions::id.eq(session))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .select(sessions::account_id)
        .first(tx.db())
        .optional()?;
    let account = account.ok_or_else(refused)?;
    tx.enter(Lane::Account(account))?;
    let account = AccountRow::by_id(tx, account)?
        .filter(|account| account.state == AccountState::Active)
        .ok_or_else(refused)?;
    match arrival.identity(tx)? {
        Some(identity) if identity.account_id == account.id => {
            identity.touch(tx, arrival.verified())?;
        }
        Some(_) => {
            let detail = "another account is linked to this person of the provider";
            return Err(Problem::new(Code::AlreadyExists, detail));
        }
        None => {
            if IdentityRow::of_account(tx, account.id)?.len() >= MOST_IDENTITIES {
                let detail = format!("an account has up to {MOST_IDENTITIES} identities: unlink some");
                return Err(Problem::new(Code::LimitReached, detail));
            }
            arrival.link(tx, account.id)?;
        }
    }
    Ok(account)
}

/// Whoever comes for the first time.
fn made(tx: &mut Scoped, arrival: &Arrival) -> Result<AccountRow> {
    let email = arrival.verified().ok_or_else(|| {
        Problem::new(Code::EmailNotVerified, "the provider vouches for no e-mail address of this person")
    })?;
    if AccountRow::by_email(tx, email)?.is_some() {
        return Err(Problem::new(
            Code::AccountNotLinked,
            "sign in with the password of this address, and link the provider to the account",
        ));
    }
    let invited = match &arrival.invitation {
        Some(token) => Some(Invited::find(tx, token, &folded(email), INVITATION)?),
        None => None,
    };
    if invited.is_none() && !is_welcome(tx, arrival)? {
        return Err(Problem::new(
            Code::InvitationRequired,
            "ask an admin of a workspace for an invitation, and send its token as invitation_token",
        ));
    }
    let name = match &arrival.person.name {
        Some(name) => name.clone(),
        None => email.split('@').next().unwrap_or_default().chars().take(200).collect(),
    };
    let account = AccountRow::create_without_password(tx, email, &name)?;
    arrival.link(tx, account.id)?;
    tracing::info!(request_id = tx.author().request_id, account = %account.id, "an account was made");
    if let Some(invited) = invited {
        invited.join(tx, &account)?;
    }
    Ok(account)
}

/// Whether somebody may make an account without an invitation.
fn is_welcome(tx: &mut Scoped, arrival: &Arrival) -> Result<bool> {
    match tx.state().config.registration {
        Some(Registration::Open) => Ok(true),
        None | Some(Registration::Invited) => {
            for rule in arrival.rules() {
                if workspaces::by_slug(tx, &rule.workspace)?.is_some() {
                    return Ok(true);
                }
            }
            Ok(!AccountRow::exist(tx)?)
        }
    }
}

/// Lets an account take part where a rule says so. Whoever was a member once is left as they are: who
/// was removed comes back by invitation alone.
fn join(tx: &mut Scoped, arrival: &Arrival, rule: &JoinRule, account: &AccountRow) -> Result<()> {
    let Some(workspace) = workspaces::by_slug(tx, &rule.workspace)? else {
        tracing::warn!(workspace = rule.workspace, "the workspace of a domain does not exist");
        return Ok(());
    };
    if MemberRow::of_account(tx, workspace.id, account.id)?.is_some() {
        return Ok(());
    }
    tx.enter(Lane::Workspace(workspace.id))?;
    // Now that nobody else changes it.
    if tx.workspace()?.deleted_at.is_some() || MemberRow::of_account(tx, workspace.id, account.id)?.is_some()
    {
        return Ok(());
    }
    let member = members::admit(tx, workspace.id, account, rule.role, None)?;
    let change = json!({ "role": member.role, "provider": arrival.provider.settings.slug });
    tx.tell(EventType::MemberJoined, members::subject(&member), change);
    let listed = teams::table
        .filter(teams::workspace_id.eq(workspace.id))
        .filter(teams::slug.eq_any(&rule.teams))
        .filter(teams::archived_at.is_null())
        .select(teams::id)
        .load(tx.db())?;
    if listed.len() < rule.teams.len() {
        tracing::warn!(workspace = rule.workspace, "some team of a domain does not exist");
    }
    people::teams::joins(tx, workspace.id, member.id, &listed, Duty::Member)?;
    Ok(())
}
