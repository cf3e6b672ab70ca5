//! What the mails about accounts say. They are made when they are sent, of what is so by then: whoever has no account
//! gets none, and what was overtaken is left out.

use super::mailed::{self, Purpose};
use super::row::AccountRow;
use crate::access::caller::AccountState;
use crate::access::secret::{EmailChangeToken, PasswordResetToken, of_mail};
use crate::http::Result;
use crate::mail::{Letter, MailRow, Occasion};
use crate::state::State;
use crate::store::Tx;

/// Writes a mail that is to be sent now; `None` where it has become pointless.
pub fn write_letter(tx: &mut Tx, state: &State, mail: &MailRow) -> Result<Option<Letter>> {
    let notice = |subject, text: &str| {
        let text =
            format!("{text}\n\nIf it was not you, tell whoever runs {} at once.\n", state.config.public_url);
        Ok(Some(Letter { to: mail.recipient.clone(), subject, text }))
    };
    match mail.kind {
        Occasion::PasswordReset => reset(tx, state, mail),
        Occasion::EmailConfirmation => confirmation(tx, state, mail),
        Occasion::PasswordChanged => notice(
            "Your password was changed",
            "The password of your account was changed, and every session was ended.",
        ),
        Occasion::EmailChangeAsked => notice(
            "Another e-mail address was asked for",
            "Somebody who is signed in to your account, and knows its password, asked for another e-mail address.\n\
             Nothing is changed until that address is confirmed.",
        ),
        Occasion::EmailChanged => notice(
            "Your e-mail address was changed",
            "Your account has another e-mail address from now on; this one is used no more.",
        ),
        Occasion::AccountDeleted => {
            notice("Your account was deleted", "Your account was deleted, as you asked.")
        }
    }
}

fn reset(tx: &mut Tx, state: &State, mail: &MailRow) -> Result<Option<Letter>> {
    // Nothing shows outside whether there is an account: the mail was asked for, and the answer given, before.
    let account = AccountRow::by_email(tx, &mail.recipient)?.filter(|account| {
        account.state == AccountState::Active && account.password_changed_at <= mail.created_at
    });
    let Some(account) = account else { return Ok(None) };
    let token: PasswordResetToken = of_mail(&state.mailed_key, mail.id.raw());
    mailed::issue(tx, token.hash(), Purpose::PasswordReset, account.id, &account.email_folded)?;
    let (public, token) = (&state.config.public_url, token.reveal());
    Ok(Some(Letter {
        // As the account has it, not as whoever asked wrote it.
        to: account.email,
        subject: "A new password",
        text: format!(
            "Somebody asked for a new password for your account. Within ten minutes it can be chosen here, once:\n\n\
             {public}/reset-password#{token}\n\n\
             Or with this token:\n\n{token}\n\n\
             If it was not you, do nothing: the password stays as it is.\n"
        ),
    }))
}

fn confirmation(tx: &mut Tx, state: &State, mail: &MailRow) -> Result<Option<Letter>> {
    let account = match mail.account_id {
        Some(id) => AccountRow::by_id(tx, id)?.filter(|account| account.state == AccountState::Active),
        None => None,
    };
    let Some(account) = account else { return Ok(None) };
    let (to, public) = (mail.recipient.clone(), &state.config.public_url);
    if AccountRow::by_email(tx, &mail.recipient)?.is_some() {
        // Only whoever reads this address learns that it has an account.
        let text = format!(
            "Somebody asked at {public} to sign in with this address from now on, but it belongs to an account \
             already.\nNothing was changed. If it was you, sign in with this address, or choose another one.\n"
        );
        return Ok(Some(Letter { to, subject: "This address has an account already", text }));
    }
    let token: EmailChangeToken = of_mail(&state.mailed_key, mail.id.raw());
    mailed::issue(tx, token.hash(), Purpose::EmailChange, account.id, &mail.recipient)?;
    let token = token.reveal();
    let text = format!(
        "Somebody asked at {public} to sign in with this address from now on. Within ten minutes it can be \
         confirmed here, signed in to the account:\n\n{public}/confirm-email#{token}\n\n\
         Or with this token:\n\n{token}\n\nIf it was not you, do nothing.\n"
    );
    Ok(Some(Letter { to, subject: "Confirm this address", text }))
}
