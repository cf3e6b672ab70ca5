//! People made without a request: by the demo and by the command line.

use diesel::prelude::*;
use jiff::SignedDuration;

use super::accounts::{AccountRow, Purpose, Renewal, issue_mailed};
use super::members::MemberRow;
use super::tokens::{self, TokenPlan, TokenRow};
use super::workspaces::{self as slice, NewWorkspace};
use crate::access::Scope;
use crate::access::api_token::ApiToken;
use crate::access::caller::{AccountState, MemberState, TokenKind};
use crate::access::secret::PasswordResetToken;
use crate::http::{Problem, Result};
use crate::store::schema::{accounts, workspaces};
use crate::store::{AccountId, AuthorKind, Lane, MemberId, Opening, Tx, WorkspaceId, WorkspaceRow};

/// Makes an account with a password that was hashed already.
pub fn account(tx: &mut Tx, email: &str, name: &str, password_hash: &str) -> Result<AccountId> {
    AccountRow::create(tx, email, name, password_hash).map(|row| row.id)
}

/// The account of an address.
pub fn find_account(tx: &mut Tx, email: &str) -> Result<Option<AccountId>> {
    Ok(AccountRow::by_email(tx, email)?.map(|row| row.id))
}

/// Gives an account another password, hashed already, and ends its sessions.
pub fn set_password(tx: &mut Tx, account: AccountId, password_hash: String) -> Result<()> {
    let row = AccountRow::by_id(tx, account)?.ok_or_else(Problem::not_found)?;
    row.confirm(tx, &Renewal::Changed(password_hash))?.ok_or_else(Problem::not_found)?;
    super::accounts::revoke_sessions(tx, account)
}

/// Lets the person with an address choose a new password within ten minutes: the token, to be handed to them.
pub fn password_reset(tx: &mut Tx, email: &str) -> Result<PasswordResetToken> {
    let account = AccountRow::by_email(tx, email)?
        .filter(|account| account.state == AccountState::Active)
        .ok_or_else(Problem::not_found)?;
    let token = PasswordResetToken::generate();
    issue_mailed(tx, token.hash(), Purpose::PasswordReset, account.id, &account.email_folded)?;
    tracing::info!(account = %account.id, "a token for a new password was made by whoever runs the server");
    Ok(token)
}

/// Makes a workspace with its owner. The transaction serves it and runs on the owner's behalf from
/// then on.
pub fn workspace(tx: &mut Tx, new: &NewWorkspace, owner: AccountId) -> Result<(WorkspaceRow, MemberId)> {
    slice::create(tx, new, owner).map(|(row, member)| (row, member.id))
}

/// Enters a workspace on behalf of a member, by its slug and the member's address.
pub fn enter(tx: &mut Tx, slug: &str, email: &str) -> Result<MemberRow> {
    let workspace = find_workspace(tx, slug)?.ok_or_else(Problem::not_found)?;
    let account = find_account(tx, email)?.ok_or_else(Problem::not_found)?;
    tx.enter(Lane::Workspace(workspace.id))?;
    let member = MemberRow::of_account(tx, workspace.id, account)?
        .filter(|member| member.state == MemberState::Active)
        .ok_or_else(Problem::not_found)?;
    tx.act_as(AuthorKind::Person, member.id.raw(), member.name.clone());
    Ok(member)
}

/// The workspace with this slug, unless it was deleted.
pub fn find_workspace(tx: &mut Tx, slug: &str) -> Result<Option<WorkspaceRow>> {
    slice::by_slug(tx, slug)
}

/// Makes a personal token for a member of the workspace that the transaction serves.
pub fn token(
    tx: &mut Tx,
    member: MemberId,
    name: &str,
    scopes: &[Scope],
    lifetime: SignedDuration,
) -> Result<ApiToken> {
    let plan = TokenPlan {
        name,
        kind: TokenKind::Personal,
        role: None,
        scopes,
        teams: &[],
        key_patterns: &[],
        lifetime: Some(lifetime),
    };
    let workspace = tx.workspace_id()?;
    TokenRow::create(tx, workspace, member, &plan).map(|(_, token)| token)
}

/// Revokes the tokens of a name in the workspace that the transaction serves; answers how many.
pub fn revoke_tokens(tx: &mut Tx, name: &str) -> Result<usize> {
    let workspace: WorkspaceId = tx.workspace_id()?;
    tokens::revoke_named(tx, workspace, name)
}

/// Who and what a database holds, in few words.
#[derive(Debug)]
pub struct Census {
    /// The addresses of all accounts, folded.
    pub emails: Vec<String>,
    /// The slugs of all workspaces, deleted ones included.
    pub slugs: Vec<String>,
}

/// Looks who and what is there.
pub fn census(tx: &mut Tx) -> Result<Census> {
    tx.open(Opening::System)?;
    Ok(Census {
        emails: accounts::table.select(accounts::email_folded).order(accounts::email_folded).load(tx.db())?,
        slugs: workspaces::table.select(workspaces::slug).order(workspaces::slug).load(tx.db())?,
    })
}
