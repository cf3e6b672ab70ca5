//! People made without a request: by the demo and by the command line.
//!
//! The rules are those of the API; what it would answer with comes back as the store's error.

use diesel::prelude::*;
use jiff::SignedDuration;
use serde_json::Value;

use super::accounts::{self, AccountRow, Renewal};
use super::members::MemberRow;
use super::tokens::{self, TokenPlan, TokenRow};
use super::workspaces::{self, NewWorkspace};
use crate::access::Scope;
use crate::access::caller::{MemberState, TokenKind};
use crate::http::body::Rules;
use crate::http::{FieldErrors, Problem};
use crate::store::schema::{self, workspaces as workspaces_table};
use crate::store::{AccountId, Lane, StoreError, Tx, WorkspaceRow};

/// How long tokens of the command line and the demo can be used.
const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Who and what a database holds.
#[derive(Debug)]
pub struct Census {
    /// The addresses of all accounts.
    pub emails: Vec<String>,
    /// The slugs of all workspaces, deleted ones too.
    pub slugs: Vec<String>,
}

/// Who and what the database holds.
pub fn census(tx: &mut Tx) -> Result<Census, StoreError> {
    Ok(Census {
        emails: schema::accounts::table.select(schema::accounts::email_folded).load(tx.db())?,
        slugs: workspaces_table::table.select(workspaces_table::slug).load(tx.db())?,
    })
}

/// Makes an account with a password that was hashed already.
pub fn account(tx: &mut Tx, email: &str, name: &str, password_hash: &str) -> Result<AccountId, StoreError> {
    let made = AccountRow::create(tx, email, name, password_hash);
    made.map(|row| row.id).map_err(Problem::into_store_error)
}

/// Gives an account another password, hashed already, and ends its sessions.
pub fn password(tx: &mut Tx, email: &str, password_hash: &str) -> Result<(), StoreError> {
    let row = find_account(tx, email)?;
    let renewal = Renewal::Changed(password_hash.to_owned());
    let confirmed = row.confirm(tx, &renewal).map_err(Problem::into_store_error)?;
    confirmed.ok_or_else(|| StoreError::Unusable(format!("the account {email} is suspended")))?;
    accounts::revoke_sessions(tx, row.id).map_err(Problem::into_store_error)
}

/// Makes a workspace out of what `POST /v1/workspaces` takes, owned by the account of an address. The
/// transaction serves it and runs on the owner's behalf from then on.
pub fn workspace(tx: &mut Tx, owner: &str, fields: &Value) -> Result<WorkspaceRow, StoreError> {
    let new: NewWorkspace = serde_json::from_value(fields.clone())
        .map_err(|error| StoreError::Unusable(format!("a workspace cannot be made of this: {error}")))?;
    let mut errors = FieldErrors::new();
    new.judge(&mut errors);
    errors.settle().map_err(Problem::into_store_error)?;
    let owner = find_account(tx, owner)?.id;
    let made = workspaces::create(tx, &new, owner);
    made.map(|(row, _)| row).map_err(Problem::into_store_error)
}

/// Makes a personal token for the member with an address; the answer is the secret.
pub fn token(
    tx: &mut Tx,
    workspace: &str,
    email: &str,
    name: &str,
    scopes: &[Scope],
) -> Result<String, StoreError> {
    let workspace = enter(tx, workspace)?;
    let account = find_account(tx, email)?;
    let member = MemberRow::of_account(tx, workspace.id, account.id).map_err(Problem::into_store_error)?;
    let member = member
        .filter(|member| member.state == MemberState::Active)
        .ok_or_else(|| StoreError::Unusable(format!("{email} is no active member of {}", workspace.slug)))?;
    let plan = TokenPlan {
        name,
        kind: TokenKind::Personal,
        role: None,
        scopes,
        teams: &[],
        key_patterns: &[],
        lifetime: LIFETIME,
    };
    let made = TokenRow::create(tx, workspace.id, member.id, &plan);
    made.map(|(_, token)| token.reveal().to_owned()).map_err(Problem::into_store_error)
}

/// How many usable tokens of this name there are, in all workspaces.
pub fn tokens_called(tx: &mut Tx, name: &str) -> Result<usize, StoreError> {
    tokens::count_named(tx, name).map_err(Problem::into_store_error)
}

/// Revokes the tokens of this name in a workspace.
pub fn revoke_tokens(tx: &mut Tx, workspace: &str, name: &str) -> Result<(), StoreError> {
    let workspace = enter(tx, workspace)?;
    tokens::revoke_named(tx, workspace.id, name).map_err(Problem::into_store_error)
}

/// Serves a workspace, by its slug, from now on.
fn enter(tx: &mut Tx, slug: &str) -> Result<WorkspaceRow, StoreError> {
    let found = workspaces::by_slug(tx, slug).map_err(Problem::into_store_error)?;
    let row =
        found.ok_or_else(|| StoreError::Unusable(format!("there is no workspace with the slug {slug}")))?;
    tx.enter(Lane::Workspace(row.id))?;
    Ok(row)
}

fn find_account(tx: &mut Tx, email: &str) -> Result<AccountRow, StoreError> {
    let found = AccountRow::by_email(tx, email).map_err(Problem::into_store_error)?;
    found.ok_or_else(|| StoreError::Unusable(format!("there is no account with the address {email}")))
}
