//! Changing the password.

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::Subject;
use super::row::{AccountRow, Renewal};
use super::{SignedIn, context_of, judge_password, sessions, unhashed};
use crate::access::caller::MemberState;
use crate::access::password::{Password, Verdict};
use crate::access::{Db, PeopleMakeSecrets};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::{Body, Code, FieldErrors, Json, Problem, Result};
use crate::store::schema::{members, workspaces};
use crate::store::{AccountId, Tx};

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

    let subject = Subject::of_password_change(db.state(), &id.to_string());
    subject.count(&db).await?;
    let hasher = &db.state().hasher;
    match hasher.verify(&sent.current_password, account.password()).await.map_err(unhashed)? {
        Verdict::Right | Verdict::RightButOutdated => {}
        Verdict::Wrong => {
            tracing::info!(request_id = db.request_id(), account = %id, "a change of password failed");
            return Err(Problem::field("/current_password", "wrong", "this is not the present password"));
        }
    }
    let renewal = Renewal::Changed(hasher.hash(&sent.new_password).await.map_err(unhashed)?);
    db.commit((), &body, admitted, move |tx, (), _| {
        let account = account
            .confirm(tx, &renewal)?
            .ok_or_else(|| Problem::new(Code::Conflict, "the password was changed in the meantime"))?;
        subject.forget(tx)?;
        sessions::revoke_all(tx, account.id)?;
        tracing::info!(request_id = tx.author().request_id, account = %account.id, "a password was changed");
        Ok(Json::new(sessions::open(tx, account)?.reveal(tx.state())?))
    })
    .await
}

/// The account, and the names of the workspaces that it takes part in.
fn known(tx: &mut Tx, id: AccountId) -> Result<(AccountRow, Vec<String>)> {
    let account = AccountRow::by_id(tx, id)?.ok_or_else(Problem::not_found)?;
    let names = workspaces::table
        .inner_join(members::table.on(members::workspace_id.eq(workspaces::id)))
        .filter(members::account_id.eq(id))
        .filter(members::state.eq(MemberState::Active))
        .select(workspaces::name)
        .load(tx.db())?;
    Ok((account, names))
}
