//! Changing the address: asked for with the password, and confirmed by what is mailed to the new one.
//!
//! Whether an address has an account is shown to nobody but whoever reads what is sent there. Whoever confirms is signed
//! in to the account: who only reads that address cannot be talked into lending it to somebody else's.

use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::{Subject, Turn};
use super::mailed::{self, Purpose, spent};
use super::password::prove;
use super::reset::{NotMailed, mails_are_on};
use super::row::{AccountRow, Renewal};
use super::sessions;
use crate::access::password::Password;
use crate::access::secret::EmailChangeToken;
use crate::access::{Db, PeopleMakeSecrets};
use crate::http::answer::Answer;
use crate::http::body::{CREDENTIALS, Rules};
use crate::http::text::{Email, folded};
use crate::http::{Accepted, Body, Code, FieldErrors, NoContent, Problem, Refusals, Refuses};
use crate::mail::{self, Occasion};

/// How long an account asks for no further address.
const BETWEEN_MAILS: SignedDuration = SignedDuration::from_mins(1);

/// The address that it shall be, and the present password.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    /// The new e-mail address.
    email: Email,
    /// The present password.
    #[schema(value_type = String, format = Password, max_length = 1024, example = "quiet lamp under snow")]
    current_password: Password,
}

impl Rules for EmailChange {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// The token of the mail to the new address.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailConfirmation {
    /// The token of the mail.
    #[schema(
        max_length = 128,
        pattern = r"^[\x21-\x7e]*$",
        example = "rge_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    token: String,
}

impl Rules for EmailConfirmation {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What confirming an address may be refused with.
pub enum NotConfirmed {}
impl Refusals for NotConfirmed {
    const CODES: &'static [Code] = &[Code::LinkSpent, Code::AlreadyExists];
}

pub async fn request_email_change(
    db: Db<PeopleMakeSecrets>,
    body: Body<EmailChange, CREDENTIALS>,
    _: Refuses<NotMailed>,
) -> Answer<Accepted> {
    let admitted = db.admit(&(), &body).await?;
    mails_are_on(db.state())?;
    let (id, sent) = (admitted.account()?, admitted.input.clone());
    let account = db.look(move |tx| AccountRow::by_id(tx, id)?.ok_or_else(Problem::not_found)).await?;
    if folded(sent.email.as_str()) == account.email_folded {
        return Err(Problem::field("/email", "unchanged", "this is the present address"));
    }
    let subject = prove(&db, &account, &sent.current_password).await?;
    let shared = db.shared();
    let mails = Subject::of_email_change(&shared, &id.to_string());
    let answer = db
        .commit((), &body, admitted, move |tx, (), asked| {
            let state = tx.state();
            let account = account.confirm(tx, &Renewal::Kept)?.ok_or_else(changed_meanwhile)?;
            subject.forget(tx)?;
            match mails.take_turn(tx, BETWEEN_MAILS)? {
                Turn::Now => {}
                Turn::After(seconds) => {
                    let detail = format!("a mail was sent just now; wait {seconds} s");
                    return Err(Problem::new(Code::RateLimited, detail).retry_after(seconds));
                }
            }
            // What was asked for last counts.
            mailed::void(tx, account.id, &[Purpose::EmailChange])?;
            mail::take_back(tx, account.id, &[Occasion::EmailConfirmation])?;
            mail::post(tx, state, Occasion::EmailConfirmation, asked.email.as_str(), Some(account.id))?;
            mail::post(tx, state, Occasion::EmailChangeAsked, &account.email, Some(account.id))?;
            let request_id = &tx.author().request_id;
            tracing::info!(request_id, account = %account.id, "another address was asked for");
            Ok(Accepted)
        })
        .await;
    mail::wake(&shared);
    answer
}

pub async fn confirm_email(
    db: Db<PeopleMakeSecrets>,
    body: Body<EmailConfirmation, CREDENTIALS>,
    _: Refuses<NotConfirmed>,
) -> Answer<NoContent> {
    let shared = db.shared();
    let answer = db
        .write((), body, |tx, (), sent| {
            let (id, current) = tx.signed().map(|signed| (signed.account, signed.session))?;
            let hash = EmailChangeToken::parse(&sent.token).ok_or_else(spent)?.hash();
            let mailed = mailed::spend(tx, &hash, Purpose::EmailChange)?;
            if mailed.account_id != id {
                return Err(spent());
            }
            // Nobody registers that address before this ends.
            tx.register_alone()?;
            if AccountRow::by_email(tx, &mailed.email)?.is_some() {
                return Err(Problem::new(Code::AlreadyExists, "another account has this address by now"));
            }
            let account = AccountRow::by_id(tx, id)?.ok_or_else(Problem::not_found)?;
            account.readdress(tx, &mailed.email)?;
            sessions::revoke_others(tx, id, current)?;
            mailed::void(tx, id, &[Purpose::PasswordReset, Purpose::EmailChange])?;
            mail::take_back(tx, id, &[Occasion::EmailConfirmation])?;
            let state = tx.state();
            mail::post(tx, state, Occasion::EmailChanged, &account.email, Some(id))?;
            tracing::info!(request_id = tx.author().request_id, account = %id, "an address was changed");
            Ok(NoContent)
        })
        .await;
    mail::wake(&shared);
    answer
}

/// The refusal where password or state changed between the look and the write.
pub fn changed_meanwhile() -> Problem {
    Problem::new(Code::Conflict, "the account was changed in the meantime")
}
