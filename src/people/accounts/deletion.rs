//! Deleting an account: access ends everywhere, address and name are erased, and what the person made stays, under the
//! name that they had as a member. The address is free for a new account.

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::Subject;
use super::email::changed_meanwhile;
use super::mailed::{self, Purpose};
use super::password::prove;
use super::row::{AccountRow, Renewal};
use super::sessions;
use crate::access::caller::MemberState;
use crate::access::password::Password;
use crate::access::{Db, PeopleMakeSecrets, Role};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::{Body, Code, FieldErrors, NoContent, Problem, Refusals, Refuses, Result};
use crate::mail::{self, Occasion};
use crate::people::members::{self, MemberRow};
use crate::people::sign_on::IdentityRow;
use crate::store::schema::{members as members_table, workspaces};
use crate::store::{AccountId, AuthorKind, Lane, MemberId, Tx, WorkspaceId};

/// The present password, for good.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountDeletion {
    /// The present password.
    #[schema(value_type = String, format = Password, max_length = 1024, example = "quiet lamp under snow")]
    current_password: Password,
}

impl Rules for AccountDeletion {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What deleting an account may be refused with.
pub enum NotDeleted {}
impl Refusals for NotDeleted {
    const CODES: &'static [Code] = &[Code::LastOwner];
}

pub async fn delete_account(
    db: Db<PeopleMakeSecrets>,
    body: Body<AccountDeletion, CREDENTIALS>,
    _: Refuses<NotDeleted>,
) -> Answer<NoContent> {
    let admitted = db.admit(&(), &body).await?;
    let (id, sent) = (admitted.account()?, admitted.input.clone());
    let account = db.look(move |tx| AccountRow::by_id(tx, id)?.ok_or_else(Problem::not_found)).await?;
    prove(&db, &account, &sent.current_password).await?;
    let shared = db.shared();
    let subjects = Subject::all_of_account(&shared, &account);
    let answer = db
        .commit((), &body, admitted, move |tx, (), _| {
            let state = tx.state();
            let account = account.confirm(tx, &Renewal::Kept)?.ok_or_else(changed_meanwhile)?;
            leave_everywhere(tx, account.id)?;
            for subject in &subjects {
                subject.forget(tx)?;
            }
            sessions::revoke_all(tx, account.id)?;
            sessions::forget_programs(tx, account.id)?;
            IdentityRow::delete_all(tx, account.id)?;
            mailed::void(tx, account.id, &[Purpose::PasswordReset, Purpose::EmailChange])?;
            mail::take_back(tx, account.id, &[Occasion::EmailConfirmation])?;
            account.erase(tx)?;
            mail::post(tx, state, Occasion::AccountDeleted, &account.email, None)?;
            tracing::info!(request_id = tx.author().request_id, account = %account.id, "an account was deleted");
            Ok(NoContent)
        })
        .await;
    mail::wake(&shared);
    answer
}

/// Ends every membership, each in its workspace's own history; refused where a workspace would be left without an
/// owner, with the names of all of those.
fn leave_everywhere(tx: &mut Tx, account: AccountId) -> Result<()> {
    // Always in this order, so that two who leave the same workspaces do not wait for each other.
    let places: Vec<(WorkspaceId, MemberId, String)> = members_table::table
        .inner_join(workspaces::table.on(workspaces::id.eq(members_table::workspace_id)))
        .filter(members_table::account_id.eq(account))
        .filter(members_table::state.ne(MemberState::Removed))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::id)
        .select((workspaces::id, members_table::id, workspaces::name))
        .load(tx.db())?;
    let mut left_alone = Vec::new();
    for (workspace, member, name) in places {
        tx.enter(Lane::Workspace(workspace))?;
        let row = MemberRow::by_id(tx, workspace, member)?.ok_or_else(Problem::not_found)?;
        tx.act_as(AuthorKind::Person, row.id.raw(), row.name.clone());
        let may_leave = match row.role {
            Role::Owner => members::refuse_last_owner(tx, &row),
            Role::Viewer | Role::Member | Role::Admin => Ok(()),
        };
        match may_leave {
            Ok(()) => members::remove(tx, &row)?,
            Err(problem) if problem.code == Code::LastOwner => left_alone.push(name),
            Err(problem) => return Err(problem),
        }
    }
    match left_alone.as_slice() {
        [] => Ok(()),
        names => Err(Problem::new(
            Code::LastOwner,
            format!("make somebody else an owner first, or delete the workspace: {}", names.join(", ")),
        )),
    }
}
