//! Changing the password.

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::Subject;
use super::mailed::{self, Purpose};
use super::row::{AccountRow, Renewal};
use super::{SignedIn, context_of, judge_password, sessions, unhashed};
use crate::access::caller::MemberState;
use crate::access::door::HandlesCredentials;
use crate::access::password::{Password, Verdict};
use crate::access::{Db, Door, PeopleMakeSecrets};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::{Body, Code, FieldErrors, Json, Problem, Result};
use crate::mail::{self, Occasion};
use crate::store::schema::{members, workspaces};
use crate::store::{AccountId, Opening, Tx};

/// The present password, and the one that it shall be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present password.
    #[schema(value_type = String, format = Password, max_length = 1024, example = "quiet lamp under snow")]
    current_password: Password,
    /// The new password; the rules are those of registering.
    #[schema(value_type = String, format = Password, min_length = 15, max_length = 128, example = "loud drum above sand")]
    new_password: Password,
}

impl Rules for PasswordChange {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_password(&self.new_password, &[], "/new_password", errors);
    }
}

pub async fn change_password(
    db: Db<PeopleMakeSecrets>,
    body: Body<PasswordChange, CREDENTIALS>,
) -> Answer<Json<SignedIn>> {
    let admitted = db.admit(&(), &body).await?;
    let (id, sent) = (admitted.account()?, admitted.input.clone());
    let (account, workspaces) = db.look(move |tx| known(tx, id)).await?;
    let mut context = context_of(&account.email, &account.name).to_vec();
    context.extend(workspaces.iter().map(String::as_str));
    let mut errors = FieldErrors::new();
    judge_password(&sent.new_password, &context, "/new_password", &mut errors);
    errors.settle()?;

    let subject = prove(&db, &account, &sent.current_password).await?;
    let renewal = Renewal::Changed(db.state().hasher.hash(&sent.new_password).await.map_err(unhashed)?);
    let (program, shared) = (db.user_agent(), db.shared());
    let answer = db
        .commit((), &body, admitted, move |tx, (), _| {
            let state = tx.state();
            let account = account
                .confirm(tx, &renewal)?
                .ok_or_else(|| Problem::new(Code::Conflict, "the password was changed in the meantime"))?;
            subject.forget(tx)?;
            sessions::revoke_all(tx, account.id)?;
            mailed::void(tx, account.id, &[Purpose::PasswordReset, Purpose::EmailChange])?;
            mail::take_back(tx, account.id, &[Occasion::EmailConfirmation])?;
            mail::post(tx, state, Occasion::PasswordChanged, &account.email, Some(account.id))?;
            tracing::info!(request_id = tx.author().request_id, account = %account.id, "a password was changed");
            Ok(Json::new(sessions::open(tx, account, program.as_deref())?.reveal(state)?))
        })
        .await;
    mail::wake(&shared);
    answer
}

/// Lets somebody who is signed in go on if they know the present password; answers what counted the attempt.
pub async fn prove<D: Door + HandlesCredentials>(
    db: &Db<D>,
    account: &AccountRow,
    current: &Password,
) -> Result<Subject> {
    let subject = Subject::of_password_change(db.state(), &account.id.to_string());
    subject.count(db).await?;
    match db.state().hasher.verify(current, account.phc()).await.map_err(unhashed)? {
        Verdict::Right | Verdict::RightButOutdated => Ok(subject),
        Verdict::Wrong => {
            tracing::info!(request_id = db.request_id(), account = %account.id, "the present password was wrong");
            Err(Problem::field("/current_password", "wrong", "this is not the present password"))
        }
    }
}

/// The account, and the names of the workspaces that it takes part in.
fn known(tx: &mut Tx, id: AccountId) -> Result<(AccountRow, Vec<String>)> {
    let account = AccountRow::by_id(tx, id)?.ok_or_else(Problem::not_found)?;
    let names = named_by_workspaces(tx, id)?;
    Ok((account, names))
}

/// The names of the workspaces that an account takes part in: what an attacker would try.
pub fn named_by_workspaces(tx: &mut Tx, id: AccountId) -> Result<Vec<String>> {
    tx.open(Opening::Account(id))?;
    Ok(workspaces::table
        .inner_join(members::table.on(members::workspace_id.eq(workspaces::id)))
        .filter(members::account_id.eq(id))
        .filter(members::state.eq(MemberState::Active))
        .select(workspaces::name)
        .load(tx.db())?)
}
