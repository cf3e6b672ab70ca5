//! Choosing a new password without the present one, by a token that is mailed.
//!
//! Asking does the same work and gets the same answer whether there is an account or not: a mail is left to be sent to
//! that address, and whoever sends it looks for the account. One mail in two minutes is left for an address; a
//! token lives longer than that, so that nobody who asks too often keeps another from getting one.

use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::{Subject, Turn};
use super::mailed::{self, Purpose, spent};
use super::password::named_by_workspaces;
use super::row::Renewal;
use super::{context_of, judge_password, sessions, unhashed};
use crate::access::password::Password;
use crate::access::secret::PasswordResetToken;
use crate::access::{Db, Public};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::text::{Email, folded};
use crate::http::{Accepted, Body, Code, FieldErrors, NoContent, Problem, Refusals, Refuses};
use crate::mail::{self, Occasion};
use crate::state::State;
use crate::store::Lane;

/// How long no further mail is left for an address.
const BETWEEN_MAILS: SignedDuration = SignedDuration::from_mins(2);

/// Whose password shall be chosen anew.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    /// The e-mail address; upper and lower case are the same.
    email: Email,
}

impl Rules for PasswordResetRequest {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// The token of the mail, and the password that it shall be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// The token of the mail.
    #[schema(
        max_length = 128,
        pattern = r"^[\x21-\x7e]*$",
        example = "rgp_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    token: String,
    /// The new password; the rules are those of registering.
    #[schema(value_type = String, format = Password, min_length = 15, max_length = 128, example = "loud drum above sand")]
    new_password: Password,
}

impl Rules for PasswordReset {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_password(&self.new_password, &[], "/new_password", errors);
    }
}

/// What needs a mail may be refused with.
pub enum NotMailed {}
impl Refusals for NotMailed {
    const CODES: &'static [Code] = &[Code::MailNotConfigured];
}

/// What sending a mailed token back may be refused with.
pub enum NotReset {}
impl Refusals for NotReset {
    const CODES: &'static [Code] = &[Code::LinkSpent];
}

/// Refuses where no mails are sent, whoever asks.
pub fn mails_are_on(state: &State) -> Result<(), Problem> {
    match state.config.mail.is_off() {
        true => Err(Problem::new(Code::MailNotConfigured, "this server sends no mails; ask whoever runs it")),
        false => Ok(()),
    }
}

pub async fn request_password_reset(
    db: Db<Public>,
    body: Body<PasswordResetRequest, CREDENTIALS>,
    _: Refuses<NotMailed>,
) -> Answer<Accepted> {
    let admitted = db.admit(&(), &body).await?;
    db.count_attempt()?;
    mails_are_on(db.state())?;
    let shared = db.shared();
    let subject = Subject::of_reset(&shared, &folded(admitted.input.email.as_str()));
    let answer = db
        .commit((), &body, admitted, move |tx, (), asked| {
            let state = tx.state();
            match subject.take_turn(tx, BETWEEN_MAILS)? {
                Turn::Now => mail::post(tx, state, Occasion::PasswordReset, asked.email.as_str(), None)?,
                Turn::After(_) => {}
            }
            tracing::info!(request_id = tx.author().request_id, "a new password was asked for");
            Ok(Accepted)
        })
        .await;
    mail::wake(&shared);
    answer
}

pub async fn reset_password(
    db: Db<Public>,
    body: Body<PasswordReset, CREDENTIALS>,
    _: Refuses<NotReset>,
) -> Answer<NoContent> {
    let admitted = db.admit(&(), &body).await?;
    db.count_attempt()?;
    let sent = admitted.input.clone();
    let hash = PasswordResetToken::parse(&sent.token).ok_or_else(spent)?.hash();
    let (account, workspaces) = db
        .look(move |tx| match mailed::account_of(tx, &hash, Purpose::PasswordReset)? {
            Some(account) => {
                let workspaces = named_by_workspaces(tx, account.id)?;
                Ok(Some((account, workspaces)))
            }
            None => Ok(None),
        })
        .await?
        .ok_or_else(spent)?;
    let mut context = context_of(&account.email, &account.name).to_vec();
    context.extend(workspaces.iter().map(String::as_str));
    let mut errors = FieldErrors::new();
    judge_password(&sent.new_password, &context, "/new_password", &mut errors);
    errors.settle()?;
    let renewal = Renewal::Changed(db.state().hasher.hash(&sent.new_password).await.map_err(unhashed)?);
    let shared = db.shared();
    let subjects = Subject::all_of_account(&shared, &account);
    let answer = db
        .commit((), &body, admitted, move |tx, (), _| {
            let state = tx.state();
            (**tx).enter(Lane::Account(account.id))?;
            mailed::spend(tx, &hash, Purpose::PasswordReset)?;
            let account = account.confirm(tx, &renewal)?.ok_or_else(spent)?;
            for subject in &subjects {
                subject.forget(tx)?;
            }
            sessions::revoke_all(tx, account.id)?;
            mailed::void(tx, account.id, &[Purpose::PasswordReset, Purpose::EmailChange])?;
            mail::take_back(tx, account.id, &[Occasion::EmailConfirmation])?;
            mail::post(tx, state, Occasion::PasswordChanged, &account.email, Some(account.id))?;
            tracing::info!(request_id = tx.author().request_id, account = %account.id, "a password was reset");
            Ok(NoContent)
        })
        .await;
    mail::wake(&shared);
    answer
}
